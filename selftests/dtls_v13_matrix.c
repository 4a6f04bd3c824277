// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-timeout: 600 */
/* DTLS 1.3: what holds for each cipher x address family x far end. */
#include <kselftest_harness.h>

#include <errno.h>
#include <string.h>

#include "lib/far13.h"

#define TOO_LONG	(DTLS_PLAINTEXT_MAX + 1)

static __u8 out[TOO_LONG], in[TOO_LONG];

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

FIXTURE(matrix13) {
	struct pair13 p;
};

FIXTURE_VARIANT(matrix13) {
	__u16 suite;
	int family;
	bool far_kernel;
};

#define FOR_EACH_END(name, suite)						\
	FIXTURE_VARIANT_ADD(matrix13, name##_v4_kernel) { suite, FAMILY_V4, true };	\
	FIXTURE_VARIANT_ADD(matrix13, name##_v4_user) { suite, FAMILY_V4, false };	\
	FIXTURE_VARIANT_ADD(matrix13, name##_v6_kernel) { suite, FAMILY_V6, true };	\
	FIXTURE_VARIANT_ADD(matrix13, name##_v6_user) { suite, FAMILY_V6, false };	\
	FIXTURE_VARIANT_ADD(matrix13, name##_mapped_kernel)			\
		{ suite, FAMILY_MAPPED, true };					\
	FIXTURE_VARIANT_ADD(matrix13, name##_mapped_user)			\
		{ suite, FAMILY_MAPPED, false }

FOR_EACH_END(gcm128, SUITE13_AES_128_GCM);
FOR_EACH_END(gcm256, SUITE13_AES_256_GCM);
FOR_EACH_END(chacha, SUITE13_CHACHA20);
FOR_EACH_END(ccm, SUITE13_AES_128_CCM);
FOR_EACH_END(ccm8, SUITE13_AES_128_CCM_8);

FIXTURE_SETUP(matrix13)
{
	netns_new();
	pair13_open(&self->p, variant->suite, variant->family,
		    variant->far_kernel);
}

FIXTURE_TEARDOWN(matrix13)
{
	pair13_close(&self->p);
}

TEST_F(matrix13, both_ways)
{
	struct end13 *e[2] = { &self->p.near, &self->p.far };
	int i;

	for (i = 0; i < 10; i++) {
		fill(out, 100 + i, i);
		ASSERT_EQ(100 + i, end13_send(e[i % 2], out, 100 + i, 0));
		ASSERT_EQ(100 + i, end13_recv(e[!(i % 2)], in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(out, in, 100 + i));
	}
	ASSERT_EQ(0, stat_drops());
}

/* Around blocks, buffers and pages, and the two ends of what is allowed. */
TEST_F(matrix13, sizes)
{
	static const size_t size[] = {
		0, 1, 6, 7, 8, 14, 15, 16, 17, 31, 64, 255, 1187, 1400, 4067,
		4095, 4096, 4097, 8192, 16383, DTLS_PLAINTEXT_MAX,
	};
	struct end13 *near = &self->p.near, *far = &self->p.far;
	unsigned int i;
	ssize_t n;

	for (i = 0; i < ARRAY_SIZE(size); i++) {
		n = size[i];
		fill(out, n, i);
		ASSERT_EQ(n, end13_send(near, out, n, 0)) TH_LOG("size %zd", n);
		ASSERT_EQ(n, end13_recv(far, in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(out, in, n));
		fill(out, n, i + 1);
		ASSERT_EQ(n, end13_send(far, out, n, 0));
		ASSERT_EQ(n, end13_recv(near, in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(out, in, n));
	}
}

TEST_F(matrix13, one_byte_too_long)
{
	struct dtls_keys k;

	ASSERT_EQ(-1, send(self->p.near.fd, out, TOO_LONG, 0));
	ASSERT_EQ(EMSGSIZE, errno);
	key_state(self->p.near.fd, DTLS_TX, &k);
	ASSERT_EQ(NEAR13_SEQ, k.seq);
	ASSERT_EQ(0, k.records);
	ASSERT_EQ(2, end13_send(&self->p.near, "ok", 2, 0));
	ASSERT_EQ(2, end13_recv(&self->p.far, in, sizeof(in), 0));
}

TEST_F(matrix13, many_at_once)
{
	struct mmsghdr mm[8] = {};
	struct iovec iov[8];
	int i;

	fill(out, 8 * 200, 3);
	for (i = 0; i < 8; i++) {
		iov[i] = (struct iovec) { out + i * 200, 200 - i };
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	ASSERT_EQ(8, sendmmsg(self->p.near.fd, mm, 8, 0));
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(200 - i, mm[i].msg_len);
		ASSERT_EQ(200 - i, end13_recv(&self->p.far, in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(out + i * 200, in, 200 - i));
		ASSERT_EQ(200 - i, end13_send(&self->p.far, in, 200 - i, 0));
	}
	for (i = 0; i < 8; i++)
		iov[i] = (struct iovec) { in + i * 300, 300 };
	ASSERT_EQ(8, recvmmsg(self->p.near.fd, mm, 8, MSG_WAITFORONE, NULL));
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(200 - i, mm[i].msg_len);
		ASSERT_EQ(0, memcmp(out + i * 200, in + i * 300, 200 - i));
	}
}

TEST_F(matrix13, peek_and_truncate)
{
	fill(out, 500, 9);
	ASSERT_EQ(500, end13_send(&self->p.far, out, 500, 0));
	ASSERT_EQ(100, recv(self->p.near.fd, in, 100, MSG_PEEK));
	ASSERT_EQ(0, memcmp(out, in, 100));
	ASSERT_EQ(500, recv(self->p.near.fd, in, 100, MSG_PEEK | MSG_TRUNC));
	ASSERT_EQ(10, recv(self->p.near.fd, in, 10, 0));
	ASSERT_EQ(-1, recv_soon(self->p.near.fd, in, 10, 0));
	ASSERT_EQ(EAGAIN, errno);
}

/* Nothing secret in it, whichever way it is asked for. */
TEST_F(matrix13, state)
{
	static const __u8 zero[DTLS_SECRET_MAX];
	struct dtls_keys k;

	ASSERT_EQ(300, end13_send(&self->p.near, out, 300, 0));
	ASSERT_EQ(5, end13_send(&self->p.near, out, 5, 0));
	ASSERT_EQ(7, end13_send(&self->p.far, out, 7, 0));
	ASSERT_EQ(7, end13_recv(&self->p.near, in, sizeof(in), 0));

	key_state(self->p.near.fd, DTLS_TX, &k);
	ASSERT_EQ(DTLS_1_3_VERSION, k.version);
	ASSERT_EQ(variant->suite, k.cipher_suite);
	ASSERT_EQ(EPOCH13, k.epoch);
	ASSERT_EQ(NEAR13_SEQ + 2, k.seq);
	ASSERT_EQ(2, k.records);
	ASSERT_EQ(305, k.bytes);
	ASSERT_EQ(NEAR13_MESSAGE, k.message_seq);
	ASSERT_EQ(0, k.key_len);
	ASSERT_EQ(0, k.iv_len);
	ASSERT_EQ(0, k.cid_len);
	ASSERT_EQ(self->p.near.tx.suite->secret_len, k.secret_len);
	ASSERT_EQ(0, memcmp(zero, k.secret, sizeof(zero)));
	ASSERT_EQ(0, memcmp(zero, k.key, sizeof(k.key)));
	ASSERT_EQ(0, memcmp(zero, k.iv, sizeof(k.iv)));

	key_state(self->p.near.fd, DTLS_RX, &k);
	ASSERT_EQ(DTLS_1_3_VERSION, k.version);
	ASSERT_EQ(variant->suite, k.cipher_suite);
	ASSERT_EQ(EPOCH13, k.epoch);
	ASSERT_EQ(FAR13_SEQ + 1, k.seq);
	ASSERT_EQ(1, k.records);
	ASSERT_EQ(7, k.bytes);
	ASSERT_EQ(FAR13_MESSAGE, k.message_seq);
	ASSERT_EQ(DTLS_WINDOW_DEFAULT, k.window);
	ASSERT_EQ(0, k.drop_replay);
	ASSERT_EQ(0, k.drop_auth);
	ASSERT_EQ(0, memcmp(zero, k.secret, sizeof(zero)));
	ASSERT_EQ(0, memcmp(zero, k.key, sizeof(k.key)));
}

TEST_F(matrix13, record_types)
{
	static const __u8 types[] = {
		DTLS_TYPE_HANDSHAKE, DTLS_TYPE_DATA, DTLS_TYPE_ALERT,
		DTLS_TYPE_ACK, DTLS_TYPE_HEARTBEAT, DTLS_TYPE_DATA,
	};
	struct end13 *near = &self->p.near, *far = &self->p.far;
	unsigned int i;
	__u8 type;
	int n;

	ASSERT_EQ(0, set_int(near->fd, SOL_DTLS, DTLS_RECVTYPE, 1));
	if (far->kernel)
		ASSERT_EQ(0, set_int(far->fd, SOL_DTLS, DTLS_RECVTYPE, 1));
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		n = 20 + i;
		fill(out, n, i);
		ASSERT_EQ(n, end13_send_type(near, types[i], out, n));
		ASSERT_EQ(n, end13_recv_type(far, &type, in, sizeof(in)));
		ASSERT_EQ(types[i], type);
		ASSERT_EQ(0, memcmp(out, in, n));
		ASSERT_EQ(n, end13_send_type(far, types[i], out, n));
		ASSERT_EQ(n, end13_recv_type(near, &type, in, sizeof(in)));
		ASSERT_EQ(types[i], type);
		ASSERT_EQ(0, memcmp(out, in, n));
	}
}

/* A program that updates the keys by itself. */
TEST_F(matrix13, next_epoch)
{
	struct end13 *near = &self->p.near, *far = &self->p.far;
	struct dtls_keys k;

	/* One record of the old epoch is on its way meanwhile. */
	ASSERT_EQ(3, end13_send(far, "old", 3, 0));
	keys13_next(near, far, EPOCH13 + 1);
	keys13_next(far, near, EPOCH13 + 1);
	ASSERT_EQ(0, key13_install(near->fd, DTLS_RX, &near->rx[0].key, 9));
	ASSERT_EQ(0, key13_install(near->fd, DTLS_TX, &near->tx, 10));
	if (far->kernel) {
		ASSERT_EQ(0, key13_install(far->fd, DTLS_RX, &far->rx[0].key, 10));
		ASSERT_EQ(0, key13_install(far->fd, DTLS_TX, &far->tx, 9));
	}
	ASSERT_EQ(3, end13_send(far, "new", 3, 0));
	ASSERT_EQ(3, end13_recv(near, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, "old", 3));
	ASSERT_EQ(3, end13_recv(near, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, "new", 3));
	ASSERT_EQ(4, end13_send(near, "back", 4, 0));
	ASSERT_EQ(4, end13_recv(far, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, "back", 4));
	key_state(near->fd, DTLS_TX, &k);
	ASSERT_EQ(EPOCH13 + 1, k.epoch);
	ASSERT_EQ(1, k.seq);
	ASSERT_EQ(10, k.message_seq);
}

/* RFC 8446 6.1: it closes one direction, and is not answered. */
TEST_F(matrix13, close_notify_arrives)
{
	static const __u8 alert[2] = { ALERT_WARNING, ALERT_CLOSE_NOTIFY };
	struct end13 *near = &self->p.near, *far = &self->p.far;
	__u8 type;

	ASSERT_EQ(3, end13_send(far, "bye", 3, 0));
	if (far->kernel)
		must(!shutdown(far->fd, SHUT_WR));
	else
		must(end13_send_type(far, DTLS_TYPE_ALERT, alert, 2) == 2);
	ASSERT_EQ(3, end13_recv(near, in, sizeof(in), 0));
	ASSERT_EQ(0, end13_recv(near, in, sizeof(in), 0));
	ASSERT_EQ(0, end13_recv(near, in, sizeof(in), 0));
	ASSERT_EQ(POLLRDHUP, poll_now(near->fd, POLLIN | POLLRDHUP) & POLLRDHUP);
	ASSERT_EQ(5, end13_send(near, "still", 5, MSG_NOSIGNAL));
	ASSERT_EQ(5, end13_recv(far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(0, memcmp(in, "still", 5));
	ASSERT_EQ(0, shutdown(near->fd, SHUT_WR));
	if (far->kernel) {
		ASSERT_EQ(0, end13_recv(far, in, sizeof(in), 0));
		return;
	}
	ASSERT_EQ(2, end13_recv_type(far, &type, in, sizeof(in)));
	ASSERT_EQ(DTLS_TYPE_ALERT, type);
	ASSERT_EQ(ALERT_CLOSE_NOTIFY, in[1]);
}

/* A secret that went in comes out the same, to whoever is allowed to have it. */
TEST_F(matrix13, export)
{
	struct end13 *near = &self->p.near;
	struct dtls_keys k, want;

	ASSERT_EQ(1, end13_send(near, "x", 1, 0));
	key13_fill(&want, &near->tx, NEAR13_MESSAGE);
	key_state(near->fd, DTLS_TX_EXPORT, &k);
	ASSERT_EQ(want.version, k.version);
	ASSERT_EQ(want.cipher_suite, k.cipher_suite);
	ASSERT_EQ(want.epoch, k.epoch);
	ASSERT_EQ(want.seq + 1, k.seq);
	ASSERT_EQ(want.message_seq, k.message_seq);
	ASSERT_EQ(want.secret_len, k.secret_len);
	ASSERT_EQ(0, memcmp(want.secret, k.secret, sizeof(k.secret)));
	ASSERT_EQ(-1, send(near->fd, "x", 1, 0));
	ASSERT_EQ(EKEYREVOKED, errno);
	key13_fill(&want, &near->rx[0].key, FAR13_MESSAGE);
	key_state(near->fd, DTLS_RX_EXPORT, &k);
	ASSERT_EQ(want.seq, k.seq);
	ASSERT_EQ(want.message_seq, k.message_seq);
	ASSERT_EQ(want.secret_len, k.secret_len);
	ASSERT_EQ(0, memcmp(want.secret, k.secret, sizeof(k.secret)));
}

TEST_HARNESS_MAIN
