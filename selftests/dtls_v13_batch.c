// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-timeout: 240 */
/*
 * DTLS 1.3 in batches, both ways: UDP_SEGMENT, UDP_GRO, and the calls that take
 * many messages. Each record of a batch has a mask of its own.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/batch.h"
#include "lib/effort.h"
#include "lib/far13.h"

#define CALL_MAX	65535

static __u8 out[CALL_MAX + 1], in[BATCH_ROOM], wire[BATCH_ROOM];

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

FIXTURE(batch13) {
	struct pair13 p;
	struct end13 *far;
	int fd, max;
	__u64 seq;
};

FIXTURE_VARIANT(batch13) {
	__u16 suite;
	int family;
	unsigned int cid;
};

FIXTURE_VARIANT_ADD(batch13, gcm128_v4) { SUITE13_AES_128_GCM, FAMILY_V4, 0 };
FIXTURE_VARIANT_ADD(batch13, gcm256_v6_cid8) { SUITE13_AES_256_GCM, FAMILY_V6, 8 };
FIXTURE_VARIANT_ADD(batch13, chacha_v6) { SUITE13_CHACHA20, FAMILY_V6, 0 };
FIXTURE_VARIANT_ADD(batch13, chacha_mapped_cid3) { SUITE13_CHACHA20, FAMILY_MAPPED, 3 };
FIXTURE_VARIANT_ADD(batch13, ccm_v4_cid32) { SUITE13_AES_128_CCM, FAMILY_V4, 32 };
FIXTURE_VARIANT_ADD(batch13, ccm8_mapped) { SUITE13_AES_128_CCM_8, FAMILY_MAPPED, 0 };

FIXTURE_SETUP(batch13)
{
	pin_to(0);
	netns_new();
	link_mtu("lo", 1500);
	pair13_prepare(&self->p, variant->suite, variant->family, false);
	pair13_cids(&self->p, variant->cid, variant->cid);
	pair13_install(&self->p);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
	self->seq = NEAR13_SEQ;
	self->max = get_int(self->fd, SOL_DTLS, DTLS_MAX_PAYLOAD);
	must(!set_int(self->far->fd, SOL_UDP, UDP_GRO, 1));
	must(!set_int(self->far->fd, SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20));
	must(!set_int(self->fd, SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20));
	fill(out, sizeof(out), 6);
}

FIXTURE_TEARDOWN(batch13)
{
	pair13_close(&self->p);
}

/*
 * All that has come is @len bytes at @data in records of @seg, each a datagram,
 * in order, each byte as the oracle would have sealed it. Returns how many
 * packets of the stack that was.
 */
static unsigned int verify(struct end13 *far, const __u8 *data, size_t len,
			   size_t seg, unsigned int multiple, __u64 *seq)
{
	unsigned int packets = 0, left = batch_records(len, seg);
	const struct oracle13_key *k = &far->rx[0].key;
	static __u8 again[RECORD13_ROOM];
	static struct oracle13_record r;
	struct oracle13_form f = {};
	int size, flags;
	ssize_t n, off, one;
	size_t want;

	for (; left; packets++) {
		flags = 0;
		n = batch_recv(far->fd, wire, sizeof(wire), &size, &flags);
		if (n < 0)
			die("%u records of %zu bytes are missing", left, seg);
		if (size < 0)
			size = n;
		for (off = 0; off < n; off += one) {
			must(left--);
			one = n - off < size ? n - off : size;
			want = len < seg ? len : seg;
			if (oracle13_open(k, *seq, wire + off, one, &r) != one)
				die("record %llu: %s", *seq, oracle13_why);
			if (r.seq != *seq || r.type != DTLS_TYPE_DATA)
				die("record %llu of type %u where %llu was due",
				    r.seq, r.type, *seq);
			if (r.len != want || memcmp(r.data, data, want))
				die("record %llu: %zu bytes, not %zu", *seq,
				    r.len, want);
			if (multiple > 1)
				must((r.len + 1 + r.pad) % multiple == 0 &&
				     r.pad < multiple + 16);
			f.pad = r.pad;
			must((ssize_t)oracle13_seal_form(k, &f, *seq,
							 DTLS_TYPE_DATA, data,
							 want, again) == one);
			must(!memcmp(again, wire + off, one));
			data += want;
			len -= want;
			++*seq;
		}
	}
	must(!len && batch_over(far->fd));
	return packets;
}

static __u64 tx_seq(int fd)
{
	struct dtls_keys k;

	key_state(fd, DTLS_TX, &k);
	return k.seq;
}

#define GOES(len, seg, multiple)						\
	do {									\
		size_t _len = len, _seg = seg;					\
										\
		ASSERT_EQ((ssize_t)_len,					\
			  batch_send(self->fd, out, _len, _seg, 0))		\
			TH_LOG("%zu bytes of %zu", _len, _seg);			\
		settle();							\
		verify(self->far, out, _len, _seg, multiple, &self->seq);	\
		ASSERT_EQ(self->seq, tx_seq(self->fd));				\
	} while (0)

TEST_F(batch13, sent)
{
	const size_t seg[] = { 1, 7, 100, 1000, self->max };
	unsigned long records = 0;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(seg); i++) {
		const size_t s = seg[i], len[] = {
			0, 1, s, s + 1, 2 * s, 2 * s + 1, 63 * s, 64 * s,
			64 * s + 1, 65 * s, 128 * s + 1, CALL_MAX,
		};

		for (j = 0; j < ARRAY_SIZE(len); j++) {
			if (len[j] > CALL_MAX ||
			    batch_records(len[j], s) > effort(140, 70, 700))
				continue;
			GOES(len[j], s, 0);
			records += batch_records(len[j], s);
		}
	}
	ASSERT_EQ(records, stat_read("TxRecords"));
	ASSERT_EQ(0, stat_read("TxErrors"));
}

/* 20 records of one packet are one packet of the stack, not 20. */
TEST_F(batch13, sent_together)
{
	ASSERT_EQ(20 * 900 + 3, batch_send(self->fd, out, 20 * 900 + 3, 900, 0));
	settle();
	ASSERT_EQ(1, verify(self->far, out, 20 * 900 + 3, 900, 0, &self->seq));
}

/* By option, and over the low 16 bits of the numbers. */
TEST_F(batch13, sent_by_option)
{
	keys13_next(&self->p.near, self->far, EPOCH13 + 1);
	self->p.near.tx.seq = 65500;
	self->seq = 65500;
	ASSERT_EQ(0, key13_install(self->fd, DTLS_TX, &self->p.near.tx, 2));
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 300));
	ASSERT_EQ(60 * 300, send(self->fd, out, 60 * 300, 0));
	settle();
	verify(self->far, out, 60 * 300, 300, 0, &self->seq);
	ASSERT_EQ(65560, self->seq);
}

TEST_F(batch13, sent_padded)
{
	static const int padding[] = { 2, 64, 200, 1000 };
	unsigned int i;
	int max;

	for (i = 0; i < ARRAY_SIZE(padding); i++) {
		ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_PADDING,
				     padding[i]));
		max = get_int(self->fd, SOL_DTLS, DTLS_MAX_PAYLOAD);
		GOES(30 * 150, 150, padding[i]);
		GOES(30 * 150 + 1, 150, padding[i]);
		GOES(10 * max, max, padding[i]);
		GOES(10 * max + 7, max, padding[i]);
		GOES(70 * 10, 10, padding[i]);
		ASSERT_EQ(-1, batch_send(self->fd, out, 10 * (max + 1), max + 1, 0));
		ASSERT_EQ(EMSGSIZE, errno);
		self->seq = tx_seq(self->fd);
	}
}

TEST_F(batch13, segment_above_the_path)
{
	ASSERT_EQ(-1, batch_send(self->fd, out, 3 * (self->max + 1),
				 self->max + 1, 0));
	ASSERT_EQ(EMSGSIZE, errno);
	settle();
	ASSERT_EQ(true, batch_over(self->far->fd));
	self->seq = tx_seq(self->fd);
	GOES(3 * self->max, self->max, 0);
}

#define RECORDS	20
#define SIZE	700
#define LAST	300
#define ALL	((RECORDS - 1) * SIZE + LAST)

/* Records in one packet; that number @forged is not authentic, none if -1. */
static size_t send_packet(struct end13 *far, int forged)
{
	size_t at = 0;
	int i;

	for (i = 0; i < RECORDS; i++) {
		at += oracle13_seal(&far->tx, DTLS_TYPE_DATA, out + i * SIZE,
				    i == RECORDS - 1 ? LAST : SIZE, wire + at);
		if (i == forged)
			wire[at - 1] ^= 1;
	}
	must(batch_send(far->fd, wire, at, over13(&far->tx) + SIZE, 0) ==
	     (ssize_t)at);
	settle();
	return at;
}

static ssize_t take(int fd, size_t len, int *size)
{
	int flags = 0;

	settle();
	return batch_recv(fd, in, len, size, &flags);
}

TEST_F(batch13, received_together)
{
	int size;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	send_packet(self->far, -1);
	ASSERT_EQ(ALL, take(self->fd, sizeof(in), &size));
	ASSERT_EQ(SIZE, size);
	ASSERT_EQ(0, memcmp(in, out, ALL));
	ASSERT_EQ(true, batch_over(self->fd));
	ASSERT_EQ(RECORDS, stat_read("RxRecords"));
	ASSERT_EQ(0, stat_drops());
}

TEST_F(batch13, received_one_by_one)
{
	int i, size;

	send_packet(self->far, -1);
	for (i = 0; i < RECORDS; i++) {
		ASSERT_EQ(i == RECORDS - 1 ? LAST : SIZE,
			  take(self->fd, sizeof(in), &size));
		ASSERT_EQ(-1, size);
		ASSERT_EQ(0, memcmp(in, out + i * SIZE,
				    i == RECORDS - 1 ? LAST : SIZE));
	}
	ASSERT_EQ(true, batch_over(self->fd));
}

TEST_F(batch13, recvmmsg_drains)
{
	static __u8 bufs[RECORDS + 1][SIZE];
	struct mmsghdr msgs[RECORDS + 1] = {};
	struct iovec iov[RECORDS + 1];
	int i;

	for (i = 0; i <= RECORDS; i++) {
		iov[i] = (struct iovec){ bufs[i], SIZE };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	send_packet(self->far, -1);
	ASSERT_EQ(RECORDS, recvmmsg(self->fd, msgs, RECORDS + 1, MSG_DONTWAIT,
				    NULL));
	for (i = 0; i < RECORDS; i++) {
		ASSERT_EQ(i == RECORDS - 1 ? LAST : SIZE, msgs[i].msg_len);
		ASSERT_EQ(0, memcmp(bufs[i], out + i * SIZE, msgs[i].msg_len));
	}
}

/* A bad record inside costs itself, and no other. */
TEST_F(batch13, forged_inside)
{
	static const int forged[] = { 0, 7, RECORDS - 2 };
	unsigned int i;
	ssize_t at, n;
	int size, gro;

	for (gro = 0; gro < 2; gro++) {
		ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, gro));
		for (i = 0; i < ARRAY_SIZE(forged); i++) {
			send_packet(self->far, forged[i]);
			for (at = 0; at < ALL - SIZE; at += n) {
				int flags = 0;

				n = batch_recv(self->fd, in + at,
					       sizeof(in) - at, &size, &flags);
				ASSERT_LT(0, n);
			}
			ASSERT_EQ(ALL - SIZE, at);
			ASSERT_EQ(0, memcmp(in, out, forged[i] * SIZE));
			ASSERT_EQ(0, memcmp(in + forged[i] * SIZE,
					    out + (forged[i] + 1) * SIZE,
					    ALL - (forged[i] + 1) * SIZE));
			ASSERT_EQ(true, batch_over(self->fd));
		}
	}
	ASSERT_EQ(6, stat_read("RxDropAuth"));
	ASSERT_EQ(6, stat_drops());
}

TEST_F(batch13, replayed)
{
	int size;
	size_t n;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	n = send_packet(self->far, -1);
	ASSERT_EQ(n, batch_send(self->far->fd, wire, n,
				over13(&self->far->tx) + SIZE, 0));
	ASSERT_EQ(ALL, take(self->fd, sizeof(in), &size));
	ASSERT_EQ(0, memcmp(in, out, ALL));
	ASSERT_EQ(true, batch_over(self->fd));
	ASSERT_EQ(RECORDS, stat_read("RxDropReplay"));
	ASSERT_EQ(RECORDS, stat_drops());
}

/* Records of two epochs in one packet, in turns: a mask is one of its key. */
TEST_F(batch13, epochs_mixed)
{
	struct oracle13_key *key[2], old = self->far->tx;
	size_t at = 0;
	int i, size;

	keys13_next(self->far, &self->p.near, EPOCH13 + 1);
	ASSERT_EQ(0, key13_install(self->fd, DTLS_RX, &self->p.near.rx[0].key,
				   FAR13_MESSAGE));
	key[0] = &old;
	key[1] = &self->far->tx;
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	for (i = 0; i < RECORDS; i++)
		at += oracle13_seal(key[i / 3 % 2], DTLS_TYPE_DATA, out + i * SIZE,
				    SIZE, wire + at);
	ASSERT_EQ((ssize_t)at, batch_send(self->far->fd, wire, at, at / RECORDS, 0));
	ASSERT_EQ(RECORDS * SIZE, take(self->fd, sizeof(in), &size));
	ASSERT_EQ(SIZE, size);
	ASSERT_EQ(0, memcmp(in, out, RECORDS * SIZE));
	ASSERT_EQ(RECORDS, stat_read("RxRecords"));
	ASSERT_EQ(0, stat_drops());
}

/* Equal records on the wire are unequal inside: by the content they go. */
TEST_F(batch13, padding_differs)
{
	static const int sizes[] = { 40, 100, 100, 50, 100, 0, 100, 30 };
	/*
	 * By the number of the first record. One that turns out to be longer than
	 * the first waits for the next call; an empty one comes alone.
	 */
	static const struct { int first, bytes; } calls[] = {
		{ 0, 40 }, { 1, 250 }, { 4, 100 }, { 5, 0 }, { 6, 130 },
	};
	size_t at = 0, over = over13(&self->far->tx);
	struct oracle13_form f = {};
	unsigned int i;
	int size;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		f.pad = 100 - sizes[i];
		at += oracle13_seal_form(&self->far->tx, &f, self->far->tx.seq++,
					 DTLS_TYPE_DATA, out + i * 100, sizes[i],
					 wire + at);
	}
	ASSERT_EQ(at, batch_send(self->far->fd, wire, at, over + 100, 0));
	settle();
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		ASSERT_EQ(calls[i].bytes, take(self->fd, sizeof(in), &size))
			TH_LOG("call %u", i);
		ASSERT_EQ(0, memcmp(in, out + calls[i].first * 100,
				    calls[i].bytes));
	}
	ASSERT_EQ(true, batch_over(self->fd));
	ASSERT_EQ(ARRAY_SIZE(sizes), stat_read("RxRecords"));
	ASSERT_EQ(0, stat_drops());
}

/* Both ends kdtls, both ways, through one packet each. */
TEST_F(batch13, there_and_back)
{
	struct pair13 p;
	int i;

	pair13_prepare(&p, variant->suite, variant->family, true);
	pair13_cids(&p, variant->cid, 2 * variant->cid <= 32 ? 2 * variant->cid : 0);
	pair13_install(&p);
	must(!set_int(p.far.fd, SOL_UDP, UDP_GRO, 1));
	must(!set_int(p.near.fd, SOL_UDP, UDP_GRO, 1));
	must(!set_int(p.far.fd, SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20));
	must(!set_int(p.near.fd, SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(40 * 1000 + i,
			  batch_send(p.near.fd, out, 40 * 1000 + i, 1000, 0));
		settle();
		batch_gather(p.far.fd, out, 40 * 1000 + i, 1000);
		ASSERT_EQ(true, batch_over(p.far.fd));
		ASSERT_EQ(40 * 1000 + i,
			  batch_send(p.far.fd, out, 40 * 1000 + i, 999, 0));
		settle();
		batch_gather(p.near.fd, out, 40 * 1000 + i, 999);
		ASSERT_EQ(true, batch_over(p.near.fd));
	}
	ASSERT_EQ(0, stat_drops());
	pair13_close(&p);
}

TEST_HARNESS_MAIN
