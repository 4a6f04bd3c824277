// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-timeout: 240 */
/*
 * Batches that go out, after the kernel's udpgso.c: sizes at and around every
 * limit, by option and by control message, over a link of 1500 bytes, none of
 * them to be fragmented. The far end is the oracle, on a plain socket that
 * takes whole packets of the stack, so that they can be counted.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "lib/batch.h"
#include "lib/effort.h"

#define MTU		1500
#define CALL_MAX	65535
#define SEQ_MAX		((1ULL << 48) - 1)

static __u8 out[CALL_MAX + 1];

FIXTURE(gso) {
	struct dtls_pair p;
	struct dtls_end *far;
	int fd, max, over;
	__u64 seq;
};

FIXTURE_VARIANT(gso) {
	__u16 suite;
	int family;
	bool cmsg;		/* not the option */
};

FIXTURE_VARIANT_ADD(gso, gcm_v4) { SUITE_AES_128_GCM, FAMILY_V4, false };
FIXTURE_VARIANT_ADD(gso, gcm_v4_cmsg) { SUITE_AES_128_GCM, FAMILY_V4, true };
FIXTURE_VARIANT_ADD(gso, chacha_v6) { SUITE_CHACHA20, FAMILY_V6, false };
FIXTURE_VARIANT_ADD(gso, ccm8_v6_cmsg) { SUITE_AES_128_CCM_8, FAMILY_V6, true };
FIXTURE_VARIANT_ADD(gso, ccm_mapped) { SUITE_AES_128_CCM, FAMILY_MAPPED, false };

static void discover(int fd, int family, bool forbid)
{
	if (family == FAMILY_V6)
		must(!set_int(fd, SOL_IPV6, IPV6_MTU_DISCOVER, forbid ?
			      IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT));
	else
		must(!set_int(fd, SOL_IP, IP_MTU_DISCOVER, forbid ?
			      IP_PMTUDISC_DO : IP_PMTUDISC_DONT));
}

static void far_ready(struct dtls_end *far)
{
	must(!set_int(far->fd, SOL_UDP, UDP_GRO, 1));
	must(!set_int(far->fd, SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20));
}

FIXTURE_SETUP(gso)
{
	/* settle() has one processor to look after, then */
	pin_to(0);
	netns_new();
	link_mtu("lo", MTU);
	pair_open(&self->p, variant->suite, variant->family, false);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
	self->seq = FIRST_SEQ;
	self->over = oracle_overhead(self->p.near.tx.suite);
	self->max = get_int(self->fd, SOL_DTLS, DTLS_MAX_PAYLOAD);
	discover(self->fd, variant->family, true);
	far_ready(self->far);
	fill(out, sizeof(out), 6);
	ASSERT_EQ(MTU - (variant->family == FAMILY_V6 ? 48 : 28) - self->over,
		  self->max);
}

FIXTURE_TEARDOWN(gso)
{
	pair_close(&self->p);
}

static __u64 tx_seq(int fd)
{
	struct dtls_keys k;

	key_state(fd, DTLS_TX, &k);
	return k.seq;
}

static ssize_t send_as(int fd, const void *data, size_t len, int seg, bool cmsg)
{
	must(!set_int(fd, SOL_UDP, UDP_SEGMENT, cmsg ? 0 : seg));
	return cmsg ? batch_send(fd, data, len, seg, 0) :
		      send(fd, data, len, 0);
}

#define REFUSED(error, len, seg)					\
	do {								\
		ASSERT_EQ(-1, send_as(self->fd, out, len, seg,		\
				      variant->cmsg));			\
		ASSERT_EQ(error, errno);				\
	} while (0)

/* Sent in one call, here in so many records, and packets of the stack. */
#define GOES(len, seg)							\
	do {								\
		size_t _len = len, _seg = seg;				\
		unsigned int _packets;					\
									\
		ASSERT_EQ((ssize_t)_len,				\
			  send_as(self->fd, out, _len, _seg,		\
				  variant->cmsg));			\
		settle();						\
		_packets = batch_verify(self->far, out, _len, _seg,	\
					&self->seq);			\
		ASSERT_EQ(batch_calls(_len, _seg < _len ? _seg : _len,	\
				      self->over), _packets)		\
			TH_LOG("%zu bytes of %zu", _len, _seg);		\
		ASSERT_EQ(self->seq, tx_seq(self->fd));			\
	} while (0)

/* Around one segment, two, 64 and 128 of them, and all that a call may have. */
TEST_F(gso, sizes)
{
	const size_t seg[] = { 1, 2, 100, 1000, self->max };
	unsigned long records = 0;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(seg); i++) {
		const size_t s = seg[i], len[] = {
			0, 1, s - 1, s, s + 1, 2 * s, 2 * s + 1,
			63 * s, 64 * s - 1, 64 * s, 64 * s + 1, 65 * s,
			128 * s - 1, 128 * s, 128 * s + 1,
			CALL_MAX - s, CALL_MAX - 1, CALL_MAX,
		};

		for (j = 0; j < ARRAY_SIZE(len); j++) {
			if (len[j] > CALL_MAX || (s < 100 && len[j] > 1000) ||
			    batch_records(len[j], s) > effort(700, 200, 700))
				continue;
			GOES(len[j], s);
			records += batch_records(len[j], s);
		}
	}
	ASSERT_EQ(records, stat_read("TxRecords"));
	ASSERT_EQ(0, stat_read("TxErrors"));
}

/* What fills a call of UDP by bytes and not by records. */
TEST_F(gso, sizes_without_a_link)
{
	static const size_t seg[] = { 1015, 5000, 8192, 16383, 16384 };
	unsigned int i;

	link_mtu("lo", 65536);
	for (i = 0; i < ARRAY_SIZE(seg); i++) {
		GOES(CALL_MAX, seg[i]);
		GOES(seg[i] * (65000 / (seg[i] + self->over)), seg[i]);
		GOES(seg[i] * (65000 / (seg[i] + self->over)) + 1, seg[i]);
		GOES(seg[i] + 1, seg[i]);
	}
}

/* The most records that one call can make. */
TEST_F(gso, most)
{
	GOES(effort(CALL_MAX, 5001, CALL_MAX), 1);
}

/* More bytes than a call may have: no number is used up. */
TEST_F(gso, too_many)
{
	REFUSED(EMSGSIZE, CALL_MAX + 1, self->max);
	REFUSED(EMSGSIZE, CALL_MAX + 1, 1);
	/* nor by a segment that no record can be */
	REFUSED(EMSGSIZE, DTLS_PLAINTEXT_MAX + 2, DTLS_PLAINTEXT_MAX + 1);
	REFUSED(EMSGSIZE, DTLS_PLAINTEXT_MAX + 1, DTLS_PLAINTEXT_MAX + 1);
	REFUSED(EMSGSIZE, CALL_MAX, CALL_MAX);
	REFUSED(EMSGSIZE, DTLS_PLAINTEXT_MAX + 1, 0);
	ASSERT_EQ(FIRST_SEQ, tx_seq(self->fd));
	ASSERT_EQ(0, stat_read("TxErrors"));
	settle();
	ASSERT_EQ(true, batch_over(self->far->fd));
	GOES(1000, 100);
}

/*
 * Segments that do not fit the path are refused, whether fragments are allowed
 * or not. A single record has nothing to do with segments.
 */
TEST_F(gso, above_the_path)
{
	const int max = self->max;
	int i;

	for (i = 0; i < 2; i++) {
		discover(self->fd, variant->family, !i);
		REFUSED(EMSGSIZE, max + 2, max + 1);
		REFUSED(EMSGSIZE, 2 * (max + 1), max + 1);
		REFUSED(EMSGSIZE, 5 * 2000, 2000);
		REFUSED(EMSGSIZE, CALL_MAX, DTLS_PLAINTEXT_MAX);
		settle();
		ASSERT_EQ(true, batch_over(self->far->fd));
		/* numbers may be lost by it, and none is used again */
		ASSERT_LE(self->seq, tx_seq(self->fd));
		self->seq = tx_seq(self->fd);
		GOES(2 * max, max);
		GOES(max, max + 1);
		GOES(max, CALL_MAX);
		if (!i) {
			REFUSED(EMSGSIZE, max + 1, max + 2);
			self->seq = tx_seq(self->fd);
		} else {
			GOES(max + 1, max + 2);
			GOES(DTLS_PLAINTEXT_MAX, DTLS_PLAINTEXT_MAX);
		}
	}
	ASSERT_LE(1, stat_read("TxErrors"));
}

/* The path shrinks: what fitted before does no more, and the new size does. */
TEST_F(gso, path_shrinks)
{
	const int max = self->max;

	GOES(3 * max, max);
	link_mtu("lo", 1300);
	REFUSED(EMSGSIZE, 3 * max, max);
	self->seq = tx_seq(self->fd);
	ASSERT_EQ(max - 200, get_int(self->fd, SOL_DTLS, DTLS_MAX_PAYLOAD));
	GOES(CALL_MAX, max - 200);
	REFUSED(EMSGSIZE, CALL_MAX, max - 199);
}

/* What plain UDP refuses, it refuses still, until the first keys. */
TEST_F(gso, plain_until_keys)
{
	struct dtls_pair p;
	const int mss = self->max + self->over;
	int i, fd;

	pair_prepare(&p, variant->suite, variant->family, false);
	fd = p.near.fd;
	far_ready(&p.far);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(128, batch_send(fd, out, 128, 2, 0));
		ASSERT_EQ(2 * mss, batch_send(fd, out, 2 * mss, mss, 0));
		ASSERT_EQ(-1, batch_send(fd, out, 129, 1, 0));
		ASSERT_EQ(EINVAL, errno);
		ASSERT_EQ(-1, batch_send(fd, out, CALL_MAX, 1000, 0));
		ASSERT_EQ(EMSGSIZE, errno);
		ASSERT_EQ(-1, batch_send(fd, out, 2 * mss + 2, mss + 1, 0));
		ASSERT_EQ(true, errno == EMSGSIZE || errno == EINVAL);
		if (!i)
			ASSERT_EQ(0, ulp_attach(fd));
	}
	pair_close(&p);
}

/* udpgso -m: one byte first, and the rest with the next call. */
TEST_F(gso, more)
{
	static const size_t len[] = { 2, 999, 1000, 1001, 64000, CALL_MAX };
	const __u16 seg = 1000;
	unsigned int i;

	if (!variant->cmsg)
		ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, seg));
	for (i = 0; i < ARRAY_SIZE(len); i++) {
		if (variant->cmsg) {
			ASSERT_EQ(1, batch_send(self->fd, out, 1, seg,
						MSG_MORE));
			ASSERT_EQ(len[i] - 1,
				  batch_send(self->fd, out + 1, len[i] - 1, seg,
					     0));
		} else {
			ASSERT_EQ(1, send(self->fd, out, 1, MSG_MORE));
			ASSERT_EQ(len[i] - 1, send(self->fd, out + 1,
						   len[i] - 1, 0));
		}
		settle();
		ASSERT_EQ(batch_calls(len[i], seg, self->over),
			  batch_verify(self->far, out, len[i], seg,
				       &self->seq));
	}
	/* one byte too many, and all is dropped */
	ASSERT_EQ(1, batch_send(self->fd, out, 1, seg, MSG_MORE));
	ASSERT_EQ(-1, batch_send(self->fd, out, CALL_MAX, seg, 0));
	ASSERT_EQ(EMSGSIZE, errno);
	settle();
	ASSERT_EQ(true, batch_over(self->far->fd));
	GOES(2500, seg);
}

/* The control message counts for its call, and the option for all others. */
TEST_F(gso, both)
{
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 500));
	ASSERT_EQ(1300, batch_send(self->fd, out, 1300, 300, 0));
	settle();
	ASSERT_EQ(1, batch_verify(self->far, out, 1300, 300, &self->seq));
	ASSERT_EQ(1300, batch_send(self->fd, out, 1300, 0, 0));
	settle();
	ASSERT_EQ(1, batch_verify(self->far, out, 1300, 1300, &self->seq));
	ASSERT_EQ(1300, send(self->fd, out, 1300, 0));
	settle();
	ASSERT_EQ(1, batch_verify(self->far, out, 1300, 500, &self->seq));
	ASSERT_EQ(500, get_int(self->fd, SOL_UDP, UDP_SEGMENT));
}

TEST_F(gso, sendmmsg)
{
	static const size_t len[] = { 12000, 700, 64 * 900 };
	struct mmsghdr mm[3] = {};
	struct iovec iov[3];
	int i;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 900));
	for (i = 0; i < 3; i++) {
		iov[i] = (struct iovec){ out, len[i] };
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	ASSERT_EQ(3, sendmmsg(self->fd, mm, 3, 0));
	settle();
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(len[i], mm[i].msg_len);
		ASSERT_EQ(1, batch_take(self->far, out, len[i], 900,
					&self->seq));
	}
	ASSERT_EQ(true, batch_over(self->far->fd));
	ASSERT_EQ(FIRST_SEQ + 14 + 1 + 64, tx_seq(self->fd));
}

/* Pieces of memory that begin and end anywhere, none where segments do. */
TEST_F(gso, pieces)
{
	struct iovec iov[64];
	size_t at = 0;
	int i;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 777));
	for (i = 0; i < 64; i++) {
		iov[i] = (struct iovec){ out + at, 1 + i * 31 % 1500 };
		at += iov[i].iov_len;
	}
	ASSERT_LT(777 * 50, at);
	ASSERT_EQ(at, writev(self->fd, iov, 64));
	settle();
	ASSERT_EQ(batch_calls(at, 777, self->over),
		  batch_verify(self->far, out, at, 777, &self->seq));
}

/* Pages of a file, by sendfile and by splice, from the middle of one. */
TEST_F(gso, pages)
{
	const int file = memfd_create("pages", 0), from = 1234;
	static const int len[] = { 777, 10000, 40000, 60000 };
	unsigned int i;
	int pipe_fd[2];
	off_t off;

	ASSERT_EQ(sizeof(out), write(file, out, sizeof(out)));
	ASSERT_EQ(0, pipe(pipe_fd));
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 1000));
	for (i = 0; i < ARRAY_SIZE(len); i++) {
		off = from;
		ASSERT_EQ(len[i], sendfile(self->fd, file, &off, len[i]));
		settle();
		ASSERT_EQ(batch_calls(len[i], 1000, self->over),
			  batch_verify(self->far, out + from, len[i], 1000,
				       &self->seq));
		off = from;
		ASSERT_EQ(len[i], splice(file, &off, pipe_fd[1], NULL, len[i],
					 0));
		ASSERT_EQ(len[i], splice(pipe_fd[0], NULL, self->fd, NULL,
					 len[i], 0));
		settle();
		ASSERT_EQ(batch_calls(len[i], 1000, self->over),
			  batch_verify(self->far, out + from, len[i], 1000,
				       &self->seq));
	}
	/* the file is as it was */
	for (i = 0; i < sizeof(out); i += 4096) {
		__u8 page[4096];

		ASSERT_EQ(4096, pread(file, page, 4096, i));
		ASSERT_EQ(0, memcmp(page, out + i, 4096));
	}
	close(file);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

/*
 * Without checksums UDP cannot segment. The same records go one by one: as many
 * packets as records, and no number twice or left out.
 */
TEST_F(gso, no_check)
{
	static const size_t len[] = { 1000, 1001, 6400, 6401, 12850, CALL_MAX };
	unsigned int i;

	if (variant->family == FAMILY_V6) {
		ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_NO_CHECK6_TX, 1));
		ASSERT_EQ(0, set_int(self->far->fd, SOL_UDP, UDP_NO_CHECK6_RX,
				     1));
	} else {
		ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_NO_CHECK, 1));
	}
	for (i = 0; i < ARRAY_SIZE(len); i++) {
		ASSERT_EQ(len[i], send_as(self->fd, out, len[i], 1000,
					  variant->cmsg));
		settle();
		ASSERT_EQ(batch_records(len[i], 1000),
			  batch_verify(self->far, out, len[i], 1000,
				       &self->seq));
	}
	ASSERT_EQ(0, stat_read("TxErrors"));
	/* a segment must fit here, too */
	REFUSED(EMSGSIZE, 3 * (self->max + 1), self->max + 1);
}

/* Segments behind an extension header: UDP must not cut them wrongly. */
TEST_F(gso, extension_header)
{
	static const __u8 pad[8] = { 0, 0, 1, 4 };

	if (variant->family != FAMILY_V6)
		return;
	ASSERT_EQ(0, setsockopt(self->fd, IPPROTO_IPV6, IPV6_HOPOPTS, pad,
				sizeof(pad)));
	ASSERT_EQ(self->max - 8, get_int(self->fd, SOL_DTLS, DTLS_MAX_PAYLOAD));
	ASSERT_EQ(2, send_as(self->fd, out, 2, 1, variant->cmsg));
	settle();
	batch_verify(self->far, out, 2, 1, &self->seq);
	ASSERT_EQ(64001, send_as(self->fd, out, 64001, self->max - 8,
				 variant->cmsg));
	settle();
	batch_verify(self->far, out, 64001, self->max - 8, &self->seq);
	REFUSED(EMSGSIZE, 2 * self->max, self->max);
}

/* The numbers end in the second call of UDP: as many go as there are. */
TEST_F(gso, last_numbers)
{
	const unsigned int left = 70, seg = 100;
	struct dtls_pair p;

	pair_prepare(&p, variant->suite, variant->family, false);
	p.near.tx.seq = SEQ_MAX - left;
	self->seq = p.near.tx.seq;
	far_ready(&p.far);
	ASSERT_EQ(0, ulp_attach(p.near.fd));
	ASSERT_EQ(0, key_install(p.near.fd, DTLS_TX, &p.near.tx));
	ASSERT_EQ(left * seg, send_as(p.near.fd, out, 128 * seg, seg,
				      variant->cmsg));
	settle();
	ASSERT_EQ(2, batch_verify(&p.far, out, left * seg, seg, &self->seq));
	ASSERT_EQ(-1, send_as(p.near.fd, out, 2 * seg, seg, variant->cmsg));
	ASSERT_EQ(EKEYEXPIRED, errno);
	pair_close(&p);
}

TEST_HARNESS_MAIN
