// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/*
 * poll(), select() and epoll: a socket is readable when a record is, not when a
 * datagram is. A forger must not be able to make select() say yes and the
 * recv() after it sleep.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>

#include "lib/pair.h"

static __u8 in[2000];

FIXTURE(polling) {
	struct dtls_pair p;
	struct dtls_end *far;
	int fd, ep;
};

FIXTURE_VARIANT(polling) {
	int family;
};

FIXTURE_VARIANT_ADD(polling, v4) { FAMILY_V4 };
FIXTURE_VARIANT_ADD(polling, v6) { FAMILY_V6 };

FIXTURE_SETUP(polling)
{
	netns_new();
	pair_open(&self->p, SUITE_AES_128_GCM, variant->family, false);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
	self->ep = epoll_create1(0);
	ASSERT_LE(0, self->ep);
}

FIXTURE_TEARDOWN(polling)
{
	close(self->ep);
	pair_close(&self->p);
}

static void forge(struct dtls_end *far)
{
	__u8 rec[RECORD_ROOM];
	size_t n = oracle_seal_seq(&far->tx, 99, DTLS_TYPE_DATA, "evil", 4, rec);

	rec[n - 1] ^= 1;
	must(send(far->fd, rec, n, 0) == (ssize_t)n);
}

static void replay(struct dtls_end *far, const char *text)
{
	__u8 rec[RECORD_ROOM];
	size_t n;

	n = oracle_seal_seq(&far->tx, far->tx.seq - 1, DTLS_TYPE_DATA, text,
			    strlen(text), rec);
	must(send(far->fd, rec, n, 0) == (ssize_t)n);
}

static void watch(int ep, int fd, unsigned int events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	must(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
}

/* Events of the one watched socket, waiting up to @ms. */
static unsigned int woken(int ep, int ms)
{
	struct epoll_event ev = {};
	int n;

	if (!ms)
		settle();
	n = epoll_wait(ep, &ev, 1, ms);
	must(n >= 0);
	return n ? ev.events : 0;
}

TEST_F(polling, readable)
{
	ASSERT_EQ(0, poll_now(self->fd, POLLIN));
	ASSERT_EQ(false, select_now(self->fd));
	ASSERT_EQ(2, end_send(self->far, "hi", 2, 0));
	ASSERT_EQ(POLLIN | POLLRDNORM,
		  poll_now(self->fd, POLLIN | POLLRDNORM | POLLRDHUP));
	ASSERT_EQ(true, select_now(self->fd));
	ASSERT_EQ(POLLIN, poll_now(self->fd, POLLIN));
	ASSERT_EQ(2, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN));
	ASSERT_EQ(false, select_now(self->fd));
}

TEST_F(polling, writable)
{
	ASSERT_EQ(POLLOUT, poll_now(self->fd, POLLOUT));
	ASSERT_EQ(POLLOUT, poll_now(self->fd, POLLIN | POLLOUT));
	ASSERT_EQ(2, end_send(self->far, "hi", 2, 0));
	ASSERT_EQ(POLLIN | POLLOUT, poll_now(self->fd, POLLIN | POLLOUT));
}

TEST_F(polling, forged_is_not_readable)
{
	int i;

	for (i = 0; i < 5; i++) {
		forge(self->far);
		ASSERT_EQ(false, select_now(self->fd));
		forge(self->far);
		ASSERT_EQ(0, poll_now(self->fd, POLLIN));
	}
	ASSERT_EQ(10, stat_read("RxDropAuth"));
	forge(self->far);
	ASSERT_EQ(4, end_send(self->far, "true", 4, 0));
	forge(self->far);
	ASSERT_EQ(true, select_now(self->fd));
	/* Blocking, on purpose. */
	ASSERT_EQ(4, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, "true", 4));
	ASSERT_EQ(false, select_now(self->fd));
}

TEST_F(polling, replayed_is_not_readable)
{
	ASSERT_EQ(3, end_send(self->far, "one", 3, 0));
	ASSERT_EQ(3, recv(self->fd, in, sizeof(in), 0));
	replay(self->far, "one");
	ASSERT_EQ(false, select_now(self->fd));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN));
	ASSERT_EQ(1, stat_read("RxDropReplay"));
}

TEST_F(polling, control_is_not_readable)
{
	static const __u8 alert[] = { ALERT_WARNING, ALERT_USER_CANCELED };

	ASSERT_EQ(2, end_send_type(self->far, DTLS_TYPE_ALERT, alert, 2));
	ASSERT_EQ(false, select_now(self->fd));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN | POLLRDHUP));
	ASSERT_EQ(-1, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(EAGAIN, errno);
}

TEST_F(polling, empty_record_is_readable)
{
	ASSERT_EQ(0, end_send(self->far, "", 0, 0));
	ASSERT_EQ(POLLIN, poll_now(self->fd, POLLIN | POLLRDHUP));
	ASSERT_EQ(0, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN));
}

/* What is left of a datagram after its first record is readable. */
TEST_F(polling, rest_of_datagram)
{
	__u8 dgram[3 * RECORD_ROOM];
	size_t n;

	n = oracle_seal(&self->far->tx, DTLS_TYPE_DATA, "one", 3, dgram);
	n += oracle_seal(&self->far->tx, DTLS_TYPE_DATA, "two", 3, dgram + n);
	ASSERT_EQ(n, send(self->far->fd, dgram, n, 0));
	ASSERT_EQ(3, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(true, select_now(self->fd));
	ASSERT_EQ(3, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(false, select_now(self->fd));
}

TEST_F(polling, sleeper_wakes)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN };
	pid_t child = spawn();

	if (!child) {
		must(poll(&pfd, 1, -1) == 1);
		must(pfd.revents == POLLIN);
		must(recv(self->fd, in, sizeof(in), 0) == 4);
		_exit(0);
	}
	wait_asleep(child, __NR_poll);
	forge(self->far);
	forge(self->far);
	ASSERT_EQ(4, end_send(self->far, "wake", 4, 0));
	ASSERT_EQ(0, wait_child(child));
}

/* With nothing but forgeries, poll() still ends by its timeout. */
TEST_F(polling, timeout_under_flood)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN };
	pid_t child = spawn();

	if (!child)
		for (;;)
			forge(self->far);
	while (!poll_now(self->fd, POLLIN) && !stat_read("RxDropAuth"))
		sched_yield();
	ASSERT_EQ(0, poll(&pfd, 1, 100));
	stop_child(child);
}

TEST_F(polling, epoll_level)
{
	watch(self->ep, self->fd, EPOLLIN);
	ASSERT_EQ(0, woken(self->ep, 0));
	ASSERT_EQ(3, end_send(self->far, "one", 3, 0));
	ASSERT_EQ(3, end_send(self->far, "two", 3, 0));
	ASSERT_EQ(EPOLLIN, woken(self->ep, -1));
	ASSERT_EQ(EPOLLIN, woken(self->ep, 0));
	ASSERT_EQ(3, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(EPOLLIN, woken(self->ep, 0));
	ASSERT_EQ(3, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(0, woken(self->ep, 0));
}

TEST_F(polling, epoll_level_forged)
{
	watch(self->ep, self->fd, EPOLLIN);
	forge(self->far);
	ASSERT_EQ(0, woken(self->ep, 0));
	forge(self->far);
	ASSERT_EQ(4, end_send(self->far, "true", 4, 0));
	ASSERT_EQ(EPOLLIN, woken(self->ep, -1));
	ASSERT_EQ(4, recv(self->fd, in, sizeof(in), 0));
	forge(self->far);
	ASSERT_EQ(0, woken(self->ep, 0));
}

/* Edge: one event for each arrival, and drained means drained. */
TEST_F(polling, epoll_edge)
{
	int i;

	watch(self->ep, self->fd, EPOLLIN | EPOLLET);
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, woken(self->ep, 0));
		forge(self->far);
		ASSERT_EQ(3, end_send(self->far, "one", 3, 0));
		ASSERT_EQ(EPOLLIN, woken(self->ep, -1)) TH_LOG("round %d", i);
		ASSERT_EQ(3, recv_soon(self->fd, in, sizeof(in), 0));
		ASSERT_EQ(-1, recv_soon(self->fd, in, sizeof(in), 0));
	}
	/* An arrival while something unread is there is an event, too. */
	ASSERT_EQ(3, end_send(self->far, "one", 3, 0));
	ASSERT_EQ(EPOLLIN, woken(self->ep, -1));
	ASSERT_EQ(0, woken(self->ep, 0));
	ASSERT_EQ(3, end_send(self->far, "two", 3, 0));
	ASSERT_EQ(EPOLLIN, woken(self->ep, -1));
	ASSERT_EQ(0, woken(self->ep, 0));
}

TEST_F(polling, epoll_edge_forged_alone)
{
	watch(self->ep, self->fd, EPOLLIN | EPOLLET);
	forge(self->far);
	ASSERT_EQ(0, woken(self->ep, 0));
	ASSERT_EQ(4, end_send(self->far, "true", 4, 0));
	ASSERT_EQ(EPOLLIN, woken(self->ep, -1));
}

TEST_F(polling, epoll_sleeper_wakes)
{
	pid_t child = spawn();

	if (!child) {
		watch(self->ep, self->fd, EPOLLIN | EPOLLET);
		must(woken(self->ep, -1) == EPOLLIN);
		must(recv_soon(self->fd, in, sizeof(in), 0) == 4);
		_exit(0);
	}
	wait_asleep(child, __NR_epoll_wait);
	forge(self->far);
	ASSERT_EQ(4, end_send(self->far, "wake", 4, 0));
	ASSERT_EQ(0, wait_child(child));
}

/* close_notify is a hang-up, and rouses a sleeper. */
TEST_F(polling, close_notify)
{
	static const __u8 alert[] = { ALERT_WARNING, ALERT_CLOSE_NOTIFY };
	short want = POLLIN | POLLRDHUP;
	pid_t child;

	watch(self->ep, self->fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
	child = spawn();
	if (!child) {
		struct pollfd pfd = { .fd = self->fd, .events = want };

		must(poll(&pfd, 1, -1) == 1);
		must((pfd.revents & want) == want);
		_exit(0);
	}
	wait_asleep(child, __NR_poll);
	ASSERT_EQ(2, end_send_type(self->far, DTLS_TYPE_ALERT, alert, 2));
	ASSERT_EQ(0, wait_child(child));
	ASSERT_EQ(want, poll_now(self->fd, POLLIN | POLLRDHUP) & want);
	ASSERT_EQ(POLLHUP, poll_now(self->fd, 0) & POLLHUP);
	ASSERT_EQ(EPOLLIN | EPOLLRDHUP,
		  woken(self->ep, -1) & (EPOLLIN | EPOLLRDHUP));
	ASSERT_EQ(0, recv(self->fd, in, sizeof(in), 0));
}

/* Who waits for nothing but the hang-up hears of it, though no one reads. */
TEST_F(polling, hang_up_alone)
{
	static const __u8 alert[] = { ALERT_WARNING, ALERT_CLOSE_NOTIFY };
	pid_t child = spawn();

	if (!child) {
		struct pollfd pfd = { .fd = self->fd, .events = POLLRDHUP };

		must(poll(&pfd, 1, -1) == 1);
		must(pfd.revents & POLLRDHUP);
		_exit(0);
	}
	wait_asleep(child, __NR_poll);
	ASSERT_EQ(2, end_send_type(self->far, DTLS_TYPE_ALERT, alert, 2));
	ASSERT_EQ(0, wait_child(child));
}

/* Data in front of the close_notify comes first, without a hang-up lost. */
TEST_F(polling, data_then_close_notify)
{
	static const __u8 alert[] = { ALERT_WARNING, ALERT_CLOSE_NOTIFY };

	ASSERT_EQ(4, end_send(self->far, "last", 4, 0));
	ASSERT_EQ(2, end_send_type(self->far, DTLS_TYPE_ALERT, alert, 2));
	ASSERT_EQ(POLLIN, poll_now(self->fd, POLLIN) & POLLIN);
	ASSERT_EQ(4, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(POLLIN | POLLRDHUP,
		  poll_now(self->fd, POLLIN | POLLRDHUP) & (POLLIN | POLLRDHUP));
	ASSERT_EQ(0, recv(self->fd, in, sizeof(in), 0));
}

/* A direction without keys refuses, and so must not let anybody sleep. */
TEST_F(polling, half_keyed)
{
	struct dtls_pair p;

	pair_prepare(&p, SUITE_AES_128_GCM, variant->family, false);
	ASSERT_EQ(0, ulp_attach(p.near.fd));
	ASSERT_EQ(0, poll_now(p.near.fd, POLLIN));
	ASSERT_EQ(0, key_install(p.near.fd, DTLS_TX, &p.near.tx));
	ASSERT_EQ(POLLIN, poll_now(p.near.fd, POLLIN));
	ASSERT_EQ(-1, recv(p.near.fd, in, sizeof(in), 0));
	ASSERT_EQ(ENOKEY, errno);
	pair_close(&p);

	pair_prepare(&p, SUITE_AES_128_GCM, variant->family, false);
	ASSERT_EQ(0, ulp_attach(p.near.fd));
	ASSERT_EQ(0, key_install(p.near.fd, DTLS_RX, &p.near.rx));
	ASSERT_EQ(POLLOUT, poll_now(p.near.fd, POLLIN | POLLOUT));
	ASSERT_EQ(-1, send(p.near.fd, "x", 1, 0));
	ASSERT_EQ(ENOKEY, errno);
	pair_close(&p);
}

/* Two sleepers, two records: each gets one. */
TEST_F(polling, two_sleepers)
{
	pid_t child[2];
	int i, one, two;

	for (i = 0; i < 2; i++) {
		child[i] = spawn();
		if (!child[i]) {
			must(recv(self->fd, in, sizeof(in), 0) == 1);
			_exit(in[0]);
		}
	}
	wait_asleep(child[0], __NR_recvfrom);
	wait_asleep(child[1], __NR_recvfrom);
	forge(self->far);
	ASSERT_EQ(1, end_send(self->far, "a", 1, 0));
	forge(self->far);
	ASSERT_EQ(1, end_send(self->far, "b", 1, 0));
	one = wait_child(child[0]);
	two = wait_child(child[1]);
	ASSERT_EQ('a' + 'b', one + two);
}

TEST_HARNESS_MAIN
