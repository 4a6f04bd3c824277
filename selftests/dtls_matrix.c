// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-timeout: 600 */
/* What holds for each cipher x address family x far end (kdtls or EVP). */
#include <kselftest_harness.h>

#include <errno.h>
#include <string.h>

#include "lib/matrix.h"

#define TOO_LONG	(DTLS_PLAINTEXT_MAX + 1)

static __u8 out[TOO_LONG], in[TOO_LONG];

TEST_F(matrix, both_ways)
{
	struct dtls_end *e[2] = { &self->p.near, &self->p.far };
	int i;

	for (i = 0; i < 10; i++) {
		fill(out, 100 + i, i);
		ASSERT_EQ(100 + i, end_send(e[i % 2], out, 100 + i, 0));
		ASSERT_EQ(100 + i, end_recv(e[!(i % 2)], in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(out, in, 100 + i));
	}
	ASSERT_EQ(0, stat_drops());
}

/* Around blocks, buffers and pages, and the two ends of what is allowed. */
TEST_F(matrix, sizes)
{
	static const size_t size[] = {
		0, 1, 15, 16, 17, 31, 64, 255, 1187, 1400, 4067, 4096, 4097,
		8192, 16383, DTLS_PLAINTEXT_MAX,
	};
	struct dtls_end *near = &self->p.near, *far = &self->p.far;
	unsigned int i;
	ssize_t n;

	for (i = 0; i < ARRAY_SIZE(size); i++) {
		n = size[i];
		fill(out, n, i);
		ASSERT_EQ(n, end_send(near, out, n, 0)) TH_LOG("size %zd", n);
		ASSERT_EQ(n, end_recv(far, in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(out, in, n));
		fill(out, n, i + 1);
		ASSERT_EQ(n, end_send(far, out, n, 0));
		ASSERT_EQ(n, end_recv(near, in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(out, in, n));
	}
}

TEST_F(matrix, one_byte_too_long)
{
	struct dtls_keys k;

	ASSERT_EQ(-1, send(self->p.near.fd, out, TOO_LONG, 0));
	ASSERT_EQ(EMSGSIZE, errno);
	key_state(self->p.near.fd, DTLS_TX, &k);
	ASSERT_EQ(FIRST_SEQ, k.seq);
	ASSERT_EQ(0, k.records);
	ASSERT_EQ(2, end_send(&self->p.near, "ok", 2, 0));
	ASSERT_EQ(2, end_recv(&self->p.far, in, sizeof(in), 0));
}

TEST_F(matrix, scattered)
{
	struct iovec iov[7], iin[3];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };
	size_t at = 0, i;

	fill(out, 3000, 7);
	for (i = 0; i < ARRAY_SIZE(iov); i++) {
		iov[i].iov_base = out + at;
		iov[i].iov_len = i == 3 ? 0 : i * 111 + 1;
		at += iov[i].iov_len;
	}
	ASSERT_EQ(at, sendmsg(self->p.near.fd, &msg, 0));
	ASSERT_EQ(at, end_recv(&self->p.far, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(out, in, at));

	ASSERT_EQ(3000, end_send(&self->p.far, out, 3000, 0));
	memset(in, 0, sizeof(in));
	iin[0] = (struct iovec) { in, 1 };
	iin[1] = (struct iovec) { in + 1, 998 };
	iin[2] = (struct iovec) { in + 999, 9000 };
	msg = (struct msghdr) { .msg_iov = iin, .msg_iovlen = 3 };
	ASSERT_EQ(3000, recvmsg(self->p.near.fd, &msg, 0));
	ASSERT_EQ(0, msg.msg_flags & MSG_TRUNC);
	ASSERT_EQ(0, memcmp(out, in, 3000));
}

TEST_F(matrix, many_at_once)
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
		ASSERT_EQ(200 - i, end_recv(&self->p.far, in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(out + i * 200, in, 200 - i));
		ASSERT_EQ(200 - i, end_send(&self->p.far, in, 200 - i, 0));
	}
	for (i = 0; i < 8; i++)
		iov[i] = (struct iovec) { in + i * 300, 300 };
	ASSERT_EQ(8, recvmmsg(self->p.near.fd, mm, 8, MSG_WAITFORONE, NULL));
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(200 - i, mm[i].msg_len);
		ASSERT_EQ(0, memcmp(out + i * 200, in + i * 300, 200 - i));
	}
}

TEST_F(matrix, peek_and_truncate)
{
	fill(out, 500, 9);
	ASSERT_EQ(500, end_send(&self->p.far, out, 500, 0));
	ASSERT_EQ(100, recv(self->p.near.fd, in, 100, MSG_PEEK));
	ASSERT_EQ(0, memcmp(out, in, 100));
	ASSERT_EQ(500, recv(self->p.near.fd, in, 100, MSG_PEEK | MSG_TRUNC));
	ASSERT_EQ(500, recv(self->p.near.fd, in, 500, MSG_PEEK));
	ASSERT_EQ(0, memcmp(out, in, 500));
	/* The rest of a record goes with it, as with a datagram. */
	ASSERT_EQ(10, recv(self->p.near.fd, in, 10, 0));
	ASSERT_EQ(-1, recv_soon(self->p.near.fd, in, 10, 0));
	ASSERT_EQ(EAGAIN, errno);
}

TEST_F(matrix, state)
{
	struct dtls_keys k;

	ASSERT_EQ(300, end_send(&self->p.near, out, 300, 0));
	ASSERT_EQ(5, end_send(&self->p.near, out, 5, 0));
	ASSERT_EQ(7, end_send(&self->p.far, out, 7, 0));
	ASSERT_EQ(7, end_recv(&self->p.near, in, sizeof(in), 0));

	key_state(self->p.near.fd, DTLS_TX, &k);
	ASSERT_EQ(DTLS_1_2_VERSION, k.version);
	ASSERT_EQ(variant->suite, k.cipher_suite);
	ASSERT_EQ(1, k.epoch);
	ASSERT_EQ(FIRST_SEQ + 2, k.seq);
	ASSERT_EQ(2, k.records);
	ASSERT_EQ(305, k.bytes);
	ASSERT_EQ(self->p.near.tx.suite->key_len, k.key_len);
	ASSERT_EQ(self->p.near.tx.suite->iv_len, k.iv_len);

	key_state(self->p.near.fd, DTLS_RX, &k);
	ASSERT_EQ(variant->suite, k.cipher_suite);
	ASSERT_EQ(FIRST_SEQ + 1, k.seq);
	ASSERT_EQ(1, k.records);
	ASSERT_EQ(7, k.bytes);
	ASSERT_EQ(DTLS_WINDOW_DEFAULT, k.window);
	ASSERT_EQ(0, k.drop_replay);
	ASSERT_EQ(0, k.drop_auth);
}

TEST_F(matrix, record_types)
{
	static const __u8 types[] = {
		DTLS_TYPE_HANDSHAKE, DTLS_TYPE_DATA, DTLS_TYPE_ALERT,
		DTLS_TYPE_CCS, DTLS_TYPE_HEARTBEAT, DTLS_TYPE_DATA,
	};
	struct dtls_end *near = &self->p.near, *far = &self->p.far;
	unsigned int i;
	__u8 type;
	int n;

	ASSERT_EQ(0, set_int(near->fd, SOL_DTLS, DTLS_RECVTYPE, 1));
	if (far->kernel)
		ASSERT_EQ(0, set_int(far->fd, SOL_DTLS, DTLS_RECVTYPE, 1));
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		n = 20 + i;
		fill(out, n, i);
		ASSERT_EQ(n, end_send_type(near, types[i], out, n));
		ASSERT_EQ(n, end_recv_type(far, &type, in, sizeof(in)));
		ASSERT_EQ(types[i], type);
		ASSERT_EQ(0, memcmp(out, in, n));
		ASSERT_EQ(n, end_send_type(far, types[i], out, n));
		ASSERT_EQ(n, end_recv_type(near, &type, in, sizeof(in)));
		ASSERT_EQ(types[i], type);
		ASSERT_EQ(0, memcmp(out, in, n));
	}
}

TEST_F(matrix, next_epoch)
{
	struct dtls_end *near = &self->p.near, *far = &self->p.far;
	struct dtls_keys k;

	/* One record of the old epoch is on its way meanwhile. */
	ASSERT_EQ(3, end_send(far, "old", 3, 0));
	keys_next(near, far, 2);
	keys_next(far, near, 2);
	ASSERT_EQ(0, key_install(near->fd, DTLS_RX, &near->rx));
	ASSERT_EQ(0, key_install(near->fd, DTLS_TX, &near->tx));
	if (far->kernel) {
		ASSERT_EQ(0, key_install(far->fd, DTLS_RX, &far->rx));
		ASSERT_EQ(0, key_install(far->fd, DTLS_TX, &far->tx));
	}
	ASSERT_EQ(3, end_send(far, "new", 3, 0));
	ASSERT_EQ(3, end_recv(near, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, "old", 3));
	ASSERT_EQ(3, end_recv(near, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, "new", 3));
	ASSERT_EQ(4, end_send(near, "back", 4, 0));
	ASSERT_EQ(4, end_recv(far, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, "back", 4));
	key_state(near->fd, DTLS_TX, &k);
	ASSERT_EQ(2, k.epoch);
	ASSERT_EQ(FIRST_SEQ + 1, k.seq);
	ASSERT_EQ(1, k.records);
}

TEST_F(matrix, close_notify_arrives)
{
	static const __u8 alert[2] = { ALERT_WARNING, ALERT_CLOSE_NOTIFY };
	struct dtls_end *near = &self->p.near, *far = &self->p.far;
	ssize_t n;
	__u8 type;

	ASSERT_EQ(3, end_send(far, "bye", 3, 0));
	if (far->kernel)
		n = shutdown(far->fd, SHUT_WR);
	else
		n = end_send_type(far, DTLS_TYPE_ALERT, alert, 2);
	ASSERT_EQ(far->kernel ? 0 : 2, n);
	ASSERT_EQ(3, end_recv(near, in, sizeof(in), 0));
	ASSERT_EQ(0, end_recv(near, in, sizeof(in), 0));
	ASSERT_EQ(0, end_recv(near, in, sizeof(in), 0));
	ASSERT_EQ(POLLRDHUP, poll_now(near->fd, POLLIN | POLLRDHUP) & POLLRDHUP);
	ASSERT_EQ(-1, send(near->fd, "x", 1, MSG_NOSIGNAL));
	ASSERT_EQ(EPIPE, errno);
	/* RFC 5246 7.2.1: answered by one of its own. */
	if (far->kernel) {
		ASSERT_EQ(0, end_recv(far, in, sizeof(in), 0));
		return;
	}
	ASSERT_EQ(2, end_recv_type(far, &type, in, sizeof(in)));
	ASSERT_EQ(DTLS_TYPE_ALERT, type);
	ASSERT_EQ(0, memcmp(in, alert, 2));
}

/* Keys that went in come out the same, to whoever is allowed to have them. */
TEST_F(matrix, export)
{
	struct dtls_end *near = &self->p.near;
	struct dtls_keys k, want;

	key_fill(&want, &near->tx);
	key_state(near->fd, DTLS_TX_EXPORT, &k);
	ASSERT_EQ(want.cipher_suite, k.cipher_suite);
	ASSERT_EQ(want.epoch, k.epoch);
	ASSERT_EQ(want.seq, k.seq);
	ASSERT_EQ(0, memcmp(want.key, k.key, sizeof(k.key)));
	ASSERT_EQ(0, memcmp(want.iv, k.iv, sizeof(k.iv)));
	key_fill(&want, &near->rx);
	key_state(near->fd, DTLS_RX_EXPORT, &k);
	ASSERT_EQ(0, memcmp(want.key, k.key, sizeof(k.key)));
	ASSERT_EQ(0, memcmp(want.iv, k.iv, sizeof(k.iv)));
}

TEST_HARNESS_MAIN
