// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto -luring */
/* io_uring: it polls, comes again after -EAGAIN, and offers zero copy. */
#include <kselftest_harness.h>

#include <errno.h>
#include <liburing.h>
#include <string.h>

#include "lib/pair.h"

static __u8 out[16384], in[16384];

FIXTURE(uring) {
	struct io_uring ring;
	struct dtls_pair p;
	struct dtls_end *far;
	int fd;
};

FIXTURE_VARIANT(uring) {
	int family;
};

FIXTURE_VARIANT_ADD(uring, v4) { FAMILY_V4 };
FIXTURE_VARIANT_ADD(uring, v6) { FAMILY_V6 };

FIXTURE_SETUP(uring)
{
	ASSERT_EQ(0, io_uring_queue_init(64, &self->ring, 0));
	netns_new();
	pair_open(&self->p, SUITE_AES_128_GCM, variant->family, false);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
	fill(out, sizeof(out), 2);
}

FIXTURE_TEARDOWN(uring)
{
	io_uring_queue_exit(&self->ring);
	pair_close(&self->p);
}

static struct io_uring_sqe *next(struct io_uring *ring, __u64 name)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	must(sqe);
	memset(sqe, 0, sizeof(*sqe));
	sqe->user_data = name;
	return sqe;
}

/* Waits for one completion; *@name tells which. */
static int done(struct io_uring *ring, __u64 *name, unsigned int *flags)
{
	struct io_uring_cqe *cqe;
	int res;

	must(!io_uring_wait_cqe(ring, &cqe));
	res = cqe->res;
	if (name)
		*name = cqe->user_data;
	if (flags)
		*flags = cqe->flags;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

/* Is anything complete? */
static bool idle(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	settle();
	io_uring_submit_and_get_events(ring);
	return io_uring_peek_cqe(ring, &cqe) == -EAGAIN;
}

/* What prep did to user_data. */
static void named(struct io_uring_sqe *sqe, __u64 name)
{
	io_uring_sqe_set_data64(sqe, name);
}

static void forge(struct dtls_end *far)
{
	__u8 rec[RECORD_ROOM];
	size_t n = oracle_seal_seq(&far->tx, 99, DTLS_TYPE_DATA, "evil", 4, rec);

	rec[n - 1] ^= 1;
	must(send(far->fd, rec, n, 0) == (ssize_t)n);
}

TEST_F(uring, send)
{
	struct io_uring_sqe *sqe = next(&self->ring, 1);

	io_uring_prep_send(sqe, self->fd, out, 5000, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(5000, done(&self->ring, NULL, NULL));
	ASSERT_EQ(5000, end_recv(self->far, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, out, 5000));
}

TEST_F(uring, send_refused)
{
	struct io_uring_sqe *sqe = next(&self->ring, 1);
	static __u8 big[20000];

	io_uring_prep_send(sqe, self->fd, big, sizeof(big), 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(-EMSGSIZE, done(&self->ring, NULL, NULL));
	sqe = next(&self->ring, 2);
	io_uring_prep_send(sqe, self->fd, (void *)1, 100, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(-EFAULT, done(&self->ring, NULL, NULL));
}

TEST_F(uring, many_sends)
{
	struct io_uring_sqe *sqe;
	int i, n;

	for (i = 0; i < 32; i++) {
		sqe = next(&self->ring, i);
		io_uring_prep_send(sqe, self->fd, out + i, 100 + i, 0);
		/* In order, which io_uring promises to links only. */
		sqe->flags |= IOSQE_IO_LINK;
	}
	sqe->flags &= ~IOSQE_IO_LINK;
	ASSERT_EQ(32, io_uring_submit(&self->ring));
	for (i = 0; i < 32; i++)
		ASSERT_LE(100, done(&self->ring, NULL, NULL));
	for (i = 0; i < 32; i++) {
		n = end_recv(self->far, in, sizeof(in), 0);
		ASSERT_EQ(100 + i, n);
		ASSERT_EQ(0, memcmp(in, out + i, n));
	}
}

TEST_F(uring, recv_of_what_is_there)
{
	struct io_uring_sqe *sqe;

	ASSERT_EQ(300, end_send(self->far, out, 300, 0));
	sqe = next(&self->ring, 1);
	io_uring_prep_recv(sqe, self->fd, in, sizeof(in), 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(300, done(&self->ring, NULL, NULL));
	ASSERT_EQ(0, memcmp(in, out, 300));
}

/* Waiting; a forgery in between completes nothing. */
TEST_F(uring, recv_of_what_comes)
{
	struct io_uring_sqe *sqe = next(&self->ring, 1);
	int i;

	io_uring_prep_recv(sqe, self->fd, in, sizeof(in), 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(true, idle(&self->ring));
	for (i = 0; i < 3; i++) {
		forge(self->far);
		ASSERT_EQ(true, idle(&self->ring));
	}
	ASSERT_EQ(300, end_send(self->far, out, 300, 0));
	ASSERT_EQ(300, done(&self->ring, NULL, NULL));
	ASSERT_EQ(0, memcmp(in, out, 300));
	ASSERT_EQ(3, stat_read("RxDropAuth"));
}

TEST_F(uring, recvmsg_with_type)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct dtls_record))];
		struct cmsghdr c;
	} u = {};
	struct iovec iov = { in, sizeof(in) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u.buf, .msg_controllen = sizeof(u.buf),
	};
	struct io_uring_sqe *sqe = next(&self->ring, 1);
	struct dtls_record r;

	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_RECVTYPE, 1));
	io_uring_prep_recvmsg(sqe, self->fd, &msg, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(3, end_send_type(self->far, DTLS_TYPE_HANDSHAKE, "abc", 3));
	ASSERT_EQ(3, done(&self->ring, NULL, NULL));
	ASSERT_EQ(SOL_DTLS, u.c.cmsg_level);
	memcpy(&r, CMSG_DATA(&u.c), sizeof(r));
	ASSERT_EQ(DTLS_TYPE_HANDSHAKE, r.type);
}

TEST_F(uring, sendmsg_with_type)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct dtls_record))];
		struct cmsghdr c;
	} u = {};
	struct dtls_record r = { .type = DTLS_TYPE_HANDSHAKE };
	struct iovec iov = { out, 200 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u.buf, .msg_controllen = sizeof(u.buf),
	};
	struct io_uring_sqe *sqe = next(&self->ring, 1);
	struct oracle_record o;

	u.c.cmsg_level = SOL_DTLS;
	u.c.cmsg_type = DTLS_RECORD_TYPE;
	u.c.cmsg_len = CMSG_LEN(sizeof(r));
	memcpy(CMSG_DATA(&u.c), &r, sizeof(r));
	io_uring_prep_sendmsg(sqe, self->fd, &msg, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(200, done(&self->ring, NULL, NULL));
	ASSERT_EQ(200, oracle_recv(self->far, &o, 0));
	ASSERT_EQ(DTLS_TYPE_HANDSHAKE, o.h.type);
}

TEST_F(uring, poll)
{
	struct io_uring_sqe *sqe = next(&self->ring, 1);

	io_uring_prep_poll_add(sqe, self->fd, POLLIN);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(true, idle(&self->ring));
	forge(self->far);
	ASSERT_EQ(true, idle(&self->ring));
	ASSERT_EQ(3, end_send(self->far, "abc", 3, 0));
	ASSERT_EQ(POLLIN, done(&self->ring, NULL, NULL) & POLLIN);
	ASSERT_EQ(3, recv_soon(self->fd, in, sizeof(in), 0));
}

/* Completion, then the notice that the buffer is free: it was copied. */
TEST_F(uring, send_zc)
{
	struct io_uring_sqe *sqe = next(&self->ring, 1);
	unsigned int flags;
	int res;

	io_uring_prep_send_zc(sqe, self->fd, out, 5000, 0, 0);
	named(sqe, 1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	res = done(&self->ring, NULL, &flags);
	if (res == -EOPNOTSUPP || res == -EINVAL)
		SKIP(return, "no send_zc here");
	ASSERT_EQ(5000, res);
	if (flags & IORING_CQE_F_MORE) {
		res = done(&self->ring, NULL, &flags);
		ASSERT_EQ(IORING_CQE_F_NOTIF, flags & IORING_CQE_F_NOTIF);
	}
	memset(out, 0xee, 5000);
	ASSERT_EQ(5000, end_recv(self->far, in, sizeof(in), 0));
	fill(out, sizeof(out), 2);
	ASSERT_EQ(0, memcmp(in, out, 5000));
}

TEST_F(uring, send_zc_segments)
{
	struct io_uring_sqe *sqe = next(&self->ring, 1);
	unsigned int flags;
	int i, res;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 1000));
	io_uring_prep_send_zc(sqe, self->fd, out, 5000, 0, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	res = done(&self->ring, NULL, &flags);
	if (res == -EOPNOTSUPP || res == -EINVAL)
		SKIP(return, "no send_zc here");
	ASSERT_EQ(5000, res);
	if (flags & IORING_CQE_F_MORE)
		done(&self->ring, NULL, &flags);
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(1000, end_recv(self->far, in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(in, out + 1000 * i, 1000));
	}
}

/* A full buffer: io_uring comes again with the same bytes, no number twice. */
TEST_F(uring, send_again)
{
	struct io_uring_sqe *sqe;
	bool seen[10000] = {};
	struct oracle_record o;
	int i, got = 0;

	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_SNDBUF, 4608));
	ASSERT_EQ(0, set_int(self->far->fd, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20));
	for (i = 0; i < 40; i++) {
		sqe = next(&self->ring, i);
		io_uring_prep_send(sqe, self->fd, out, 3000, 0);
	}
	ASSERT_EQ(40, io_uring_submit(&self->ring));
	for (i = 0; i < 40; i++)
		ASSERT_EQ(3000, done(&self->ring, NULL, NULL));
	while (oracle_recv(self->far, &o, MSG_DONTWAIT) == 3000) {
		ASSERT_GT(ARRAY_SIZE(seen), o.h.seq);
		ASSERT_EQ(false, seen[o.h.seq]);
		seen[o.h.seq] = true;
		ASSERT_EQ(0, memcmp(o.data, out, 3000));
		got++;
	}
	ASSERT_EQ(40, got);
}

/* A ring that dies with a receive under way takes nothing with it. */
TEST_F(uring, cancelled)
{
	struct io_uring_sqe *sqe = next(&self->ring, 1);
	__u64 name;

	io_uring_prep_recv(sqe, self->fd, in, sizeof(in), 0);
	named(sqe, 1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(true, idle(&self->ring));
	sqe = next(&self->ring, 2);
	io_uring_prep_cancel64(sqe, 1, 0);
	named(sqe, 2);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	if (done(&self->ring, &name, NULL) != -ECANCELED)
		ASSERT_EQ(-ECANCELED, done(&self->ring, &name, NULL));
	ASSERT_EQ(3, end_send(self->far, "abc", 3, 0));
	ASSERT_EQ(3, recv_soon(self->fd, in, sizeof(in), 0));
}

TEST_HARNESS_MAIN
