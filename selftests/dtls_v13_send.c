// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/*
 * DTLS 1.3, what goes out: each byte of a record, as the oracle would seal it,
 * with connection IDs and padding.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <string.h>

#include "lib/far13.h"

static __u8 in[65536], out[DTLS_PLAINTEXT_MAX + 1];

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

FIXTURE(send13) {
	struct pair13 p;
	struct end13 *far;
	int fd;
};

FIXTURE_VARIANT(send13) {
	__u16 suite;
	int family;
	unsigned int cid;
};

FIXTURE_VARIANT_ADD(send13, gcm128_v4) { SUITE13_AES_128_GCM, FAMILY_V4, 0 };
FIXTURE_VARIANT_ADD(send13, gcm256_v6_cid1) { SUITE13_AES_256_GCM, FAMILY_V6, 1 };
FIXTURE_VARIANT_ADD(send13, chacha_v4_cid20) { SUITE13_CHACHA20, FAMILY_V4, 20 };
FIXTURE_VARIANT_ADD(send13, ccm_v6_cid32) { SUITE13_AES_128_CCM, FAMILY_V6, 32 };
FIXTURE_VARIANT_ADD(send13, ccm8_mapped) { SUITE13_AES_128_CCM_8, FAMILY_MAPPED, 0 };
FIXTURE_VARIANT_ADD(send13, ccm8_v4_cid8) { SUITE13_AES_128_CCM_8, FAMILY_V4, 8 };

FIXTURE_SETUP(send13)
{
	netns_new();
	pair13_prepare(&self->p, variant->suite, variant->family, false);
	pair13_cids(&self->p, variant->cid, 0);
	pair13_install(&self->p);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
	fill(out, sizeof(out), 8);
}

FIXTURE_TEARDOWN(send13)
{
	pair13_close(&self->p);
}

/*
 * The datagram that comes is the one record that the oracle would have sealed,
 * with this number, content and padding.
 */
static void exactly(struct end13 *far, __u64 seq, __u8 type, const void *data,
		    size_t len, unsigned int pad)
{
	static struct oracle13_record r;
	static __u8 again[RECORD13_ROOM];
	struct oracle13_form f = { .pad = pad };
	const struct oracle13_key *k = &far->rx[0].key;
	ssize_t n = recv_soon(far->fd, in, sizeof(in), 0);

	must(n > 0);
	if (oracle13_open(k, far->rx[0].next, in, n, &r) != n)
		die("not a record: %s", oracle13_why);
	far->rx[0].next = r.seq + 1;
	/* RFC 9147 4: 16 bits of number, and a length */
	must(r.first == (0x2c | (k->cid_len ? 0x10 : 0) | k->epoch % 4));
	must(r.cid_len == k->cid_len && !memcmp(r.cid, k->cid, k->cid_len));
	must(r.body + r.header == (size_t)n && r.body >= 16);
	if (r.seq != seq || r.type != type || r.len != len || r.pad != pad)
		die("number %llu, type %u, %zu bytes, padding %zu; not %llu, %u, %zu, %u",
		    r.seq, r.type, r.len, r.pad, seq, type, len, pad);
	must(!memcmp(r.data, data, len));
	must((ssize_t)oracle13_seal_form(k, &f, seq, type, data, len, again) == n);
	must(!memcmp(again, in, n));
}

/* What a record of such content must be padded with. */
static unsigned int padding(const struct oracle13_key *k, size_t len,
			    unsigned int multiple)
{
	size_t inner = len + 1;

	while (inner + k->suite->tag_len < 16)
		inner++;
	while (multiple > 1 && inner % multiple && inner < DTLS_PLAINTEXT_MAX + 1)
		inner++;
	return inner - len - 1;
}

TEST_F(send13, sizes)
{
	static const size_t size[] = {
		0, 1, 2, 5, 6, 7, 8, 15, 16, 17, 100, 1200, 4096, 9000, 16383,
		DTLS_PLAINTEXT_MAX,
	};
	const struct oracle13_key *k = &self->far->rx[0].key;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(size); i++) {
		ASSERT_EQ((ssize_t)size[i], send(self->fd, out, size[i], 0));
		exactly(self->far, i, DTLS_TYPE_DATA, out, size[i],
			padding(k, size[i], 0));
	}
	ASSERT_EQ(i, stat_read("TxRecords"));
	ASSERT_EQ(0, stat_read("TxControl"));
}

TEST_F(send13, types)
{
	static const __u8 types[] = {
		DTLS_TYPE_ALERT, DTLS_TYPE_HANDSHAKE, DTLS_TYPE_DATA,
		DTLS_TYPE_HEARTBEAT, DTLS_TYPE_ACK,
	};
	struct dtls_record r = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		r.type = types[i];
		r.epoch = i % 2 ? EPOCH13 : 0;
		ASSERT_EQ(20, send_cmsg(self->fd, out, 20, &r, sizeof(r)));
		exactly(self->far, i, types[i], out, 20, 0);
	}
	ASSERT_EQ(4, stat_read("TxControl"));
}

/* Numbers go up by one, over both bytes of the wire and beyond. */
TEST_F(send13, numbers)
{
	static const __u64 first[] = {
		250, 65530, (1ULL << 32) - 5, (1ULL << 47) - 5,
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(first); i++) {
		/* the numbers of AES-CCM and AES-GCM end before these do */
		if (i > 1 && variant->suite != SUITE13_CHACHA20)
			break;
		keys13_next(&self->p.near, self->far, EPOCH13 + 1 + i);
		self->p.near.tx.seq = first[i];
		self->far->rx[0].next = first[i];
		ASSERT_EQ(0, key13_install(self->fd, DTLS_TX, &self->p.near.tx, 2));
		for (j = 0; j < 10; j++) {
			ASSERT_EQ(50, send(self->fd, out + j, 50, 0));
			exactly(self->far, first[i] + j, DTLS_TYPE_DATA, out + j,
				50, 0);
		}
	}
}

TEST_F(send13, padded)
{
	static const int multiples[] = {
		1, 2, 3, 16, 100, 255, 1000, 5000, DTLS_PLAINTEXT_MAX, 0,
	};
	static const size_t size[] = {
		0, 1, 14, 15, 16, 98, 99, 100, 999, 1000, 4998, 4999, 5000,
		16000, DTLS_PLAINTEXT_MAX - 1, DTLS_PLAINTEXT_MAX,
	};
	const struct oracle13_key *k = &self->far->rx[0].key;
	unsigned int i, j;
	__u64 seq = 0;

	for (i = 0; i < ARRAY_SIZE(multiples); i++) {
		ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_PADDING,
				     multiples[i]));
		for (j = 0; j < ARRAY_SIZE(size); j++) {
			ASSERT_EQ((ssize_t)size[j],
				  send(self->fd, out, size[j], 0));
			exactly(self->far, seq++, DTLS_TYPE_DATA, out, size[j],
				padding(k, size[j], multiples[i]));
		}
	}
	/* bytes are bytes of content */
	ASSERT_EQ(seq, stat_read("TxRecords"));
	for (i = 0, seq = 0; i < ARRAY_SIZE(size); i++)
		seq += size[i];
	ASSERT_EQ(seq * ARRAY_SIZE(multiples), stat_read("TxBytes"));
	ASSERT_EQ(-1, send(self->fd, out, DTLS_PLAINTEXT_MAX + 1, 0));
	ASSERT_EQ(EMSGSIZE, errno);
}

/* Set before the keys it holds for them, and alerts are padded as well. */
TEST_F(send13, padded_from_the_start)
{
	const struct oracle13_key *k;
	struct pair13 p;
	struct oracle13_record r;

	pair13_prepare(&p, variant->suite, variant->family, false);
	pair13_cids(&p, variant->cid, 0);
	ASSERT_EQ(0, ulp_attach(p.near.fd));
	ASSERT_EQ(0, set_int(p.near.fd, SOL_DTLS, DTLS_PADDING, 64));
	ASSERT_EQ(0, key13_install(p.near.fd, DTLS_TX, &p.near.tx, 2));
	k = &p.far.rx[0].key;
	ASSERT_EQ(5, send(p.near.fd, out, 5, 0));
	exactly(&p.far, 0, DTLS_TYPE_DATA, out, 5, padding(k, 5, 64));
	ASSERT_EQ(0, shutdown(p.near.fd, SHUT_WR));
	ASSERT_EQ(2, oracle13_recv(&p.far, &r, MSG_DONTWAIT));
	ASSERT_EQ(DTLS_TYPE_ALERT, r.type);
	ASSERT_EQ(61, r.pad);
	ASSERT_EQ(ALERT_CLOSE_NOTIFY, r.data[1]);
	pair13_close(&p);
}

/* What MSG_MORE joins is one record. */
TEST_F(send13, corked)
{
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_PADDING, 50));
	ASSERT_EQ(30, send(self->fd, out, 30, MSG_MORE));
	ASSERT_EQ(-1, recv_soon(self->far->fd, in, sizeof(in), 0));
	ASSERT_EQ(12, send(self->fd, out + 30, 12, 0));
	exactly(self->far, 0, DTLS_TYPE_DATA, out, 42, 7);
}

/* Nothing of what was sent leaves in the clear, nor its number. */
TEST_F(send13, only_sealed)
{
	static const char secret[] = "Nobody but the far end may read it.";
	unsigned int i, frames, same = 0;
	struct oracle13_record r;
	int tap;

	if (variant->family != FAMILY_V4)
		return;
	tap = tap_open();
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(sizeof(secret), send(self->fd, secret, sizeof(secret), 0));
		ASSERT_EQ(sizeof(secret), oracle13_recv(self->far, &r, MSG_DONTWAIT));
		same += r.wire_number == r.low;
	}
	ASSERT_GT(3, same);
	ASSERT_EQ(false, tap_saw(tap, secret, sizeof(secret), &frames));
	ASSERT_LE(20, frames);
	close(tap);
}

TEST_HARNESS_MAIN
