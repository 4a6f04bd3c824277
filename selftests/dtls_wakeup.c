// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto -luring -lpthread */
/* kselftest-kcsan: yes */
/*
 * Who is woken, and what for: several sleepers and one datagram, peeks past
 * the last record, and pollers that believe what a wake-up tells them.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <liburing.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <linux/aio_abi.h>

#include "lib/pair.h"

#define SLEEPERS 6

static __u8 in[2000];

FIXTURE(wakeup) {
	struct dtls_pair p;
	struct dtls_end *far;
	int fd;
};

FIXTURE_VARIANT(wakeup) {
	int family;
};

FIXTURE_VARIANT_ADD(wakeup, v4) { FAMILY_V4 };
FIXTURE_VARIANT_ADD(wakeup, v6) { FAMILY_V6 };

FIXTURE_SETUP(wakeup)
{
	netns_new();
	pair_open(&self->p, SUITE_AES_128_GCM, variant->family, false);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
}

FIXTURE_TEARDOWN(wakeup)
{
	pair_close(&self->p);
}

static void forge(struct dtls_end *far)
{
	__u8 rec[RECORD_ROOM];
	size_t n = oracle_seal_seq(&far->tx, 99, DTLS_TYPE_DATA, "evil", 4, rec);

	rec[n - 1] ^= 1;
	must(send(far->fd, rec, n, 0) == (ssize_t)n);
}

struct sleeper {
	pthread_t thread;
	int fd;
	pid_t tid;
};

static void *sleeper_run(void *arg)
{
	struct sleeper *s = arg;
	char c;

	__atomic_store_n(&s->tid, gettid(), __ATOMIC_RELEASE);
	must(recv(s->fd, &c, 1, 0) == 1);
	return NULL;
}

static void sleepers_start(struct sleeper *s, int fd)
{
	int i;

	for (i = 0; i < SLEEPERS; i++) {
		s[i] = (struct sleeper){ .fd = fd };
		must(!pthread_create(&s[i].thread, NULL, sleeper_run, &s[i]));
		while (!__atomic_load_n(&s[i].tid, __ATOMIC_ACQUIRE))
			sched_yield();
		wait_asleep(s[i].tid, __NR_recvfrom);
	}
}

static void sleepers_join(struct sleeper *s)
{
	int i;

	for (i = 0; i < SLEEPERS; i++)
		must(!pthread_join(s[i].thread, NULL));
}

/* One datagram wakes as many as it has records for. */
TEST_F(wakeup, many_sleepers_one_datagram)
{
	__u8 wire[SLEEPERS * 64];
	struct sleeper s[SLEEPERS];
	size_t len = 0;
	int i;

	sleepers_start(s, self->fd);
	for (i = 0; i < SLEEPERS; i++)
		len += oracle_seal(&self->far->tx, DTLS_TYPE_DATA, "x", 1,
				   wire + len);
	ASSERT_EQ(len, send(self->far->fd, wire, len, 0));
	sleepers_join(s);
}

TEST_F(wakeup, many_sleepers_many_datagrams)
{
	struct sleeper s[SLEEPERS];
	int i;

	sleepers_start(s, self->fd);
	for (i = 0; i < SLEEPERS; i++) {
		forge(self->far);
		ASSERT_EQ(1, end_send(self->far, "x", 1, 0));
	}
	sleepers_join(s);
}

/* All of them learn that the peer has closed. */
TEST_F(wakeup, many_sleepers_end_of_file)
{
	static const __u8 alert[] = { ALERT_WARNING, ALERT_CLOSE_NOTIFY };
	pid_t child[SLEEPERS];
	int i;

	for (i = 0; i < SLEEPERS; i++) {
		child[i] = spawn();
		if (!child[i])
			_exit(recv(self->fd, in, 1, 0) != 0);
		wait_asleep(child[i], __NR_recvfrom);
	}
	ASSERT_EQ(2, end_send_type(self->far, DTLS_TYPE_ALERT, alert, 2));
	for (i = 0; i < SLEEPERS; i++)
		ASSERT_EQ(0, wait_child(child[i]));
}

/* A peek past the last record waits for the next, and can be ended. */
TEST_F(wakeup, peek_past_the_end)
{
	pid_t child;

	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_PEEK_OFF, 0));
	ASSERT_EQ(10, end_send(self->far, "0123456789", 10, 0));
	ASSERT_EQ(10, recv(self->fd, in, sizeof(in), MSG_PEEK));
	ASSERT_EQ(-1, recv_soon(self->fd, in, sizeof(in), MSG_PEEK));
	ASSERT_EQ(EAGAIN, errno);

	child = spawn();
	if (!child) {
		must(recv(self->fd, in, sizeof(in), MSG_PEEK) == 4);
		_exit(memcmp(in, "more", 4));
	}
	wait_asleep(child, __NR_recvfrom);
	ASSERT_EQ(4, end_send(self->far, "more", 4, 0));
	ASSERT_EQ(0, wait_child(child));

	child = spawn();
	if (!child) {
		recv(self->fd, in, sizeof(in), MSG_PEEK);
		_exit(1);
	}
	wait_asleep(child, __NR_recvfrom);
	stop_child(child);
	ASSERT_EQ(10, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(4, recv_soon(self->fd, in, sizeof(in), 0));
}

/* An empty record is shown once, and does not bar the way to the next. */
TEST_F(wakeup, peek_past_an_empty_record)
{
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_PEEK_OFF, 0));
	ASSERT_EQ(0, end_send(self->far, "", 0, 0));
	ASSERT_EQ(3, end_send(self->far, "abc", 3, 0));
	ASSERT_EQ(0, recv_soon(self->fd, in, sizeof(in), MSG_PEEK));
	ASSERT_EQ(3, recv_soon(self->fd, in, sizeof(in), MSG_PEEK));
}

/* Records that are only ever peeked at are held up to a bound. */
TEST_F(wakeup, peeking_is_bounded)
{
	int i, got;

	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_RCVBUF, 65536));
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_PEEK_OFF, 0));
	for (i = 0; i < 10000; i++) {
		ASSERT_EQ(1, end_send(self->far, "x", 1, 0));
		got = recv_soon(self->fd, in, sizeof(in), MSG_PEEK);
		if (got < 0)
			break;
	}
	ASSERT_EQ(ENOBUFS, errno);
	/* What is there can be read, and then peeking goes on. */
	ASSERT_EQ(1, recv_soon(self->fd, in, sizeof(in), 0));
}

/* Attached, no keys: the stack sleeps there, and a signal ends it. */
TEST(peek_past_the_end_without_keys)
{
	pid_t child;
	int fd[2];

	netns_new();
	udp_pair(FAMILY_V4, fd);
	ASSERT_EQ(0, ulp_attach(fd[0]));
	ASSERT_EQ(0, set_int(fd[0], SOL_SOCKET, SO_PEEK_OFF, 0));
	ASSERT_EQ(3, send(fd[1], "abc", 3, 0));
	ASSERT_EQ(3, recv(fd[0], in, sizeof(in), MSG_PEEK));
	child = spawn();
	if (!child) {
		recv(fd[0], in, sizeof(in), MSG_PEEK);
		_exit(1);
	}
	wait_asleep(child, __NR_recvfrom);
	stop_child(child);
}

/* Linux AIO takes the event of a wake-up as its result, unseen. */
TEST_F(wakeup, aio_poll_believes_no_forger)
{
	struct iocb cb = {
		.aio_fildes = self->fd,
		.aio_lio_opcode = IOCB_CMD_POLL,
		.aio_buf = POLLIN,
	};
	struct iocb *list[] = { &cb };
	aio_context_t ctx = 0;
	struct io_event ev;
	struct timespec now = {};

	ASSERT_EQ(0, syscall(__NR_io_setup, 4, &ctx));
	ASSERT_EQ(1, syscall(__NR_io_submit, ctx, 1, list));
	forge(self->far);
	ASSERT_EQ(0, syscall(__NR_io_getevents, ctx, 0, 1, &ev, &now));
	ASSERT_EQ(3, end_send(self->far, "abc", 3, 0));
	ASSERT_EQ(1, syscall(__NR_io_getevents, ctx, 1, 1, &ev, NULL));
	ASSERT_EQ(POLLIN, ev.res & POLLIN);
	ASSERT_EQ(3, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(0, syscall(__NR_io_destroy, ctx));
}

/* So does io_uring's poll. */
TEST_F(wakeup, io_uring_poll_believes_no_forger)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;

	ASSERT_EQ(0, io_uring_queue_init(4, &ring, 0));
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_poll_add(sqe, self->fd, POLLIN);
	ASSERT_EQ(1, io_uring_submit(&ring));
	forge(self->far);
	/* any system call runs what the wake-up left for the task to do */
	ASSERT_LE(0, io_uring_get_events(&ring));
	ASSERT_EQ(-EAGAIN, io_uring_peek_cqe(&ring, &cqe));
	ASSERT_EQ(3, end_send(self->far, "abc", 3, 0));
	ASSERT_EQ(0, io_uring_wait_cqe(&ring, &cqe));
	ASSERT_EQ(POLLIN, cqe->res & POLLIN);
	ASSERT_EQ(3, recv_soon(self->fd, in, sizeof(in), 0));
	io_uring_queue_exit(&ring);
}

TEST_HARNESS_MAIN
