// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-kcsan: yes */
/* Receiving: all that recv() and its kin do on a UDP socket, on records. */
#include <kselftest_harness.h>

#include <errno.h>
#include <sched.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "lib/pair.h"

static __u8 out[DTLS_PLAINTEXT_MAX], in[DTLS_PLAINTEXT_MAX + 1];

FIXTURE(receive) {
	struct dtls_pair p;
	struct dtls_end *near, *far;
	int fd;
};

FIXTURE_VARIANT(receive) {
	int family;
	bool far_kernel;
};

FIXTURE_VARIANT_ADD(receive, v4_kernel) { FAMILY_V4, true };
FIXTURE_VARIANT_ADD(receive, v6_user) { FAMILY_V6, false };
FIXTURE_VARIANT_ADD(receive, mapped_user) { FAMILY_MAPPED, false };

FIXTURE_SETUP(receive)
{
	netns_new();
	pair_open(&self->p, SUITE_AES_128_GCM, variant->family,
		  variant->far_kernel);
	self->near = &self->p.near;
	self->far = &self->p.far;
	self->fd = self->near->fd;
	fill(out, sizeof(out), 1);
}

FIXTURE_TEARDOWN(receive)
{
	pair_close(&self->p);
}

/* A forged record: what it costs is a counter. */
static void forge(struct dtls_end *far)
{
	struct oracle_key k = far->tx;
	__u8 rec[RECORD_ROOM];
	size_t n = oracle_seal_seq(&k, 1 << 20, DTLS_TYPE_DATA, "evil", 4, rec);

	rec[n - 1] ^= 1;
	must(send(far->fd, rec, n, 0) == (ssize_t)n);
}

TEST_F(receive, nonblocking)
{
	ASSERT_EQ(-1, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(-1, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(-1, read(self->fd, in, sizeof(in)));
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(3, end_send(self->far, "abc", 3, 0));
	ASSERT_EQ(3, read(self->fd, in, sizeof(in)));
	ASSERT_EQ(0, memcmp(in, "abc", 3));
}

TEST_F(receive, blocking_wakes)
{
	pid_t child = spawn();

	if (!child) {
		must(recv(self->fd, in, sizeof(in), 0) == 5);
		must(!memcmp(in, "first", 5));
		must(read(self->fd, in, sizeof(in)) == 6);
		must(!memcmp(in, "second", 6));
		_exit(0);
	}
	wait_asleep(child, __NR_recvfrom);
	ASSERT_EQ(5, end_send(self->far, "first", 5, 0));
	wait_asleep(child, __NR_read);
	ASSERT_EQ(6, end_send(self->far, "second", 6, 0));
	ASSERT_EQ(0, wait_child(child));
}

/* A bad record wakes no one for good: the sleeper goes on waiting. */
TEST_F(receive, blocking_sleeps_on_after_forgery)
{
	pid_t child;
	int i;

	if (variant->far_kernel)
		return;
	child = spawn();
	if (!child) {
		must(recv(self->fd, in, sizeof(in), 0) == 4);
		must(!memcmp(in, "true", 4));
		_exit(0);
	}
	wait_asleep(child, __NR_recvfrom);
	for (i = 0; i < 10; i++)
		forge(self->far);
	ASSERT_EQ(4, end_send(self->far, "true", 4, 0));
	ASSERT_EQ(0, wait_child(child));
	ASSERT_EQ(10, stat_read("RxDropAuth"));
}

TEST_F(receive, deadline)
{
	struct timeval tv = { .tv_usec = 50000 };

	ASSERT_EQ(0, setsockopt(self->fd, SOL_SOCKET, SO_RCVTIMEO, &tv,
				sizeof(tv)));
	ASSERT_EQ(-1, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(2, end_send(self->far, "ok", 2, 0));
	ASSERT_EQ(2, recv(self->fd, in, sizeof(in), 0));
}

/*
 * A wait that began anew with every dropped datagram would never end here:
 * the flood lasts until recv() has given up.
 */
TEST_F(receive, deadline_under_flood)
{
	/* Long enough that the flood has no gap of this length. */
	struct timeval tv = { .tv_sec = 1 };
	unsigned long long before;
	pid_t child;
	ssize_t n;

	if (variant->far_kernel)
		return;
	ASSERT_EQ(0, setsockopt(self->fd, SOL_SOCKET, SO_RCVTIMEO, &tv,
				sizeof(tv)));
	child = spawn();
	if (!child)
		for (;;)
			forge(self->far);
	/* Only now that it rains. */
	while (!stat_read("RxDropAuth"))
		recv(self->fd, in, sizeof(in), MSG_DONTWAIT);
	before = stat_read("RxDropAuth");
	n = recv(self->fd, in, sizeof(in), 0);
	ASSERT_EQ(-1, n);
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_LT(before, stat_read("RxDropAuth"));
	stop_child(child);
}

static void on_signal(int sig)
{
	(void)sig;
}

TEST_F(receive, interrupted)
{
	struct sigaction sa = { .sa_handler = on_signal };
	pid_t child = spawn();

	if (!child) {
		must(!sigaction(SIGUSR1, &sa, NULL));
		must(recv(self->fd, in, sizeof(in), 0) == -1);
		must(errno == EINTR);
		_exit(0);
	}
	wait_asleep(child, __NR_recvfrom);
	ASSERT_EQ(0, kill(child, SIGUSR1));
	ASSERT_EQ(0, wait_child(child));
}

/* The signal is heard though every wake-up finds one more forged record. */
TEST_F(receive, interrupted_under_flood)
{
	struct sigaction sa = { .sa_handler = on_signal };
	pid_t child, flood;

	if (variant->far_kernel)
		return;
	child = spawn();
	if (!child) {
		must(!sigaction(SIGUSR1, &sa, NULL));
		must(recv(self->fd, in, sizeof(in), 0) == -1);
		must(errno == EINTR);
		_exit(0);
	}
	wait_asleep(child, __NR_recvfrom);
	flood = spawn();
	if (!flood)
		for (;;)
			forge(self->far);
	while (!stat_read("RxDropAuth"))
		sched_yield();
	ASSERT_EQ(0, kill(child, SIGUSR1));
	ASSERT_EQ(0, wait_child(child));
	stop_child(flood);
}

/* Nor has he to wait for the end of what is queued already. */
TEST_F(receive, interrupted_half_way)
{
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = {};
	struct sigaction sa = { .sa_handler = on_signal };
	unsigned long long before, after;
	unsigned int junk = 1000, i;

	if (variant->far_kernel)
		return;
	ASSERT_EQ(0, sigaction(SIGALRM, &sa, NULL));
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20));
	/* more each time, until he was interrupted with some of it left */
	do {
		before = stat_drops();
		for (i = 0; i < junk; i++)
			forge(self->far);
		settle();
		ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
		ASSERT_EQ(-1, recv(self->fd, in, sizeof(in), 0));
		ASSERT_EQ(EINTR, errno);
		ASSERT_EQ(0, setitimer(ITIMER_REAL, &never, NULL));
		after = stat_drops();
		while (stat_drops() < before + junk) {
			ASSERT_EQ(-1, recv(self->fd, in, sizeof(in),
					   MSG_DONTWAIT));
			ASSERT_EQ(EAGAIN, errno);
		}
		ASSERT_EQ(before + junk, stat_drops());
		junk *= 2;
	} while (after - before == junk / 2 && junk < 40000);
	ASSERT_GT(junk / 2, after - before);
}

TEST_F(receive, short_buffer)
{
	struct iovec iov = { in, 100 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	ASSERT_EQ(1000, end_send(self->far, out, 1000, 0));
	ASSERT_EQ(1000, end_send(self->far, out, 1000, 0));
	ASSERT_EQ(100, end_send(self->far, out, 100, 0));
	memset(in, 0, sizeof(in));
	ASSERT_EQ(100, recvmsg(self->fd, &msg, 0));
	ASSERT_EQ(MSG_TRUNC, msg.msg_flags & MSG_TRUNC);
	ASSERT_EQ(0, memcmp(in, out, 100));
	ASSERT_EQ(0, in[100]);
	/* MSG_TRUNC asks for the true length. */
	ASSERT_EQ(1000, recvmsg(self->fd, &msg, MSG_TRUNC));
	ASSERT_EQ(MSG_TRUNC, msg.msg_flags & MSG_TRUNC);
	ASSERT_EQ(100, recvmsg(self->fd, &msg, 0));
	ASSERT_EQ(0, msg.msg_flags & MSG_TRUNC);
}

TEST_F(receive, no_buffer_at_all)
{
	ASSERT_EQ(10, end_send(self->far, out, 10, 0));
	ASSERT_EQ(4, end_send(self->far, "next", 4, 0));
	ASSERT_EQ(10, recv(self->fd, NULL, 0, MSG_TRUNC));
	ASSERT_EQ(4, recv(self->fd, in, sizeof(in), 0));
}

TEST_F(receive, empty_record)
{
	ASSERT_EQ(0, end_send(self->far, "", 0, 0));
	ASSERT_EQ(3, end_send(self->far, "abc", 3, 0));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN | POLLRDHUP) & POLLRDHUP);
	ASSERT_EQ(0, recv(self->fd, in, sizeof(in), MSG_PEEK));
	ASSERT_EQ(0, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(3, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(-1, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(EAGAIN, errno);
}

TEST_F(receive, peek)
{
	int i;

	ASSERT_EQ(5, end_send(self->far, "first", 5, 0));
	ASSERT_EQ(6, end_send(self->far, "second", 6, 0));
	for (i = 0; i < 4; i++) {
		memset(in, 0, 8);
		ASSERT_EQ(5, recv(self->fd, in, sizeof(in), MSG_PEEK));
		ASSERT_EQ(0, memcmp(in, "first", 5));
	}
	ASSERT_EQ(5, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(6, recv(self->fd, in, 3, MSG_PEEK | MSG_TRUNC));
	ASSERT_EQ(0, memcmp(in, "sec", 3));
	ASSERT_EQ(6, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(-1, recv_soon(self->fd, in, sizeof(in), MSG_PEEK));
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(2, stat_read("RxRecords"));
}

/* Peek sleeps until a record is there, too. */
TEST_F(receive, peek_blocks)
{
	pid_t child = spawn();

	if (!child) {
		must(recv(self->fd, in, sizeof(in), MSG_PEEK) == 4);
		must(recv_soon(self->fd, in, sizeof(in), 0) == 4);
		_exit(0);
	}
	wait_asleep(child, __NR_recvfrom);
	ASSERT_EQ(4, end_send(self->far, "wake", 4, 0));
	ASSERT_EQ(0, wait_child(child));
}

/* socket(7): peeks go on where the last one ended, counted in plaintext. */
TEST_F(receive, peek_offset)
{
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_PEEK_OFF, 0));
	ASSERT_EQ(6, end_send(self->far, "abcdef", 6, 0));
	ASSERT_EQ(3, end_send(self->far, "xyz", 3, 0));
	ASSERT_EQ(2, recv(self->fd, in, 2, MSG_PEEK));
	ASSERT_EQ(0, memcmp(in, "ab", 2));
	ASSERT_EQ(2, get_int(self->fd, SOL_SOCKET, SO_PEEK_OFF));
	ASSERT_EQ(2, recv(self->fd, in, 2, MSG_PEEK));
	ASSERT_EQ(0, memcmp(in, "cd", 2));
	ASSERT_EQ(2, recv(self->fd, in, 9, MSG_PEEK));
	ASSERT_EQ(0, memcmp(in, "ef", 2));
	/* Past the first record: the second comes into view. */
	ASSERT_EQ(2, recv(self->fd, in, 2, MSG_PEEK));
	ASSERT_EQ(0, memcmp(in, "xy", 2));
	ASSERT_EQ(8, get_int(self->fd, SOL_SOCKET, SO_PEEK_OFF));
	/* Reading takes its bytes off the offset, and ignores it. */
	ASSERT_EQ(6, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, "abcdef", 6));
	ASSERT_EQ(2, get_int(self->fd, SOL_SOCKET, SO_PEEK_OFF));
	ASSERT_EQ(1, recv(self->fd, in, 9, MSG_PEEK));
	ASSERT_EQ('z', in[0]);
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_PEEK_OFF, -1));
	ASSERT_EQ(3, recv(self->fd, in, 9, MSG_PEEK));
	ASSERT_EQ(3, recv(self->fd, in, 9, 0));
}

TEST_F(receive, fionread)
{
	int n = -1;

	settle();
	ASSERT_EQ(0, ioctl(self->fd, FIONREAD, &n));
	ASSERT_EQ(0, n);
	ASSERT_EQ(700, end_send(self->far, out, 700, 0));
	ASSERT_EQ(9, end_send(self->far, out, 9, 0));
	settle();
	ASSERT_EQ(0, ioctl(self->fd, FIONREAD, &n));
	ASSERT_EQ(700, n);
	ASSERT_EQ(700, recv(self->fd, in, sizeof(in), 0));
	settle();
	ASSERT_EQ(0, ioctl(self->fd, FIONREAD, &n));
	ASSERT_EQ(9, n);
	ASSERT_EQ(9, recv(self->fd, in, sizeof(in), 0));
	settle();
	ASSERT_EQ(0, ioctl(self->fd, FIONREAD, &n));
	ASSERT_EQ(0, n);
	if (variant->far_kernel)
		return;
	forge(self->far);
	settle();
	ASSERT_EQ(0, ioctl(self->fd, FIONREAD, &n));
	ASSERT_EQ(0, n);
}

/* A record is not lost to a bad pointer. */
TEST_F(receive, efault)
{
	struct iovec iov[2] = { { in, 4 }, { (void *)1, 100 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	ASSERT_EQ(50, end_send(self->far, out, 50, 0));
	ASSERT_EQ(-1, recv_soon(self->fd, (void *)1, 100, 0));
	ASSERT_EQ(EFAULT, errno);
	ASSERT_EQ(-1, recv_soon(self->fd, (void *)1, 100, MSG_PEEK));
	ASSERT_EQ(EFAULT, errno);
	ASSERT_EQ(-1, recvmsg(self->fd, &msg, 0));
	ASSERT_EQ(EFAULT, errno);
	ASSERT_EQ(50, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, out, 50));
}

TEST_F(receive, scattered)
{
	struct iovec iov[64];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(iov); i++)
		iov[i] = (struct iovec) { in + 10 * i, 10 };
	ASSERT_EQ(630, end_send(self->far, out, 630, 0));
	ASSERT_EQ(630, recvmsg(self->fd, &msg, 0));
	ASSERT_EQ(0, memcmp(in, out, 630));
}

TEST_F(receive, recvmmsg)
{
	struct timespec none = {};
	struct mmsghdr mm[10] = {};
	struct iovec iov[10];
	int i;

	for (i = 0; i < 10; i++) {
		iov[i] = (struct iovec) { in + 100 * i, 100 };
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	for (i = 0; i < 7; i++) {
		ASSERT_EQ(10 * i, end_send(self->far, out + i, 10 * i, 0));
		if (!variant->far_kernel)
			forge(self->far);
	}
	settle();
	ASSERT_EQ(7, recvmmsg(self->fd, mm, 10, MSG_DONTWAIT, NULL));
	for (i = 0; i < 7; i++) {
		ASSERT_EQ(10 * i, mm[i].msg_len);
		ASSERT_EQ(0, memcmp(in + 100 * i, out + i, 10 * i));
	}
	ASSERT_EQ(-1, recvmmsg(self->fd, mm, 10, MSG_DONTWAIT, &none));
	ASSERT_EQ(EAGAIN, errno);
}

/* recvfrom() and recvmsg() tell who sent. */
TEST_F(receive, sender_address)
{
	struct sockaddr_storage from, peer;
	socklen_t len = sizeof(from), plen = sizeof(peer);

	ASSERT_EQ(0, getpeername(self->fd, (struct sockaddr *)&peer, &plen));
	ASSERT_EQ(2, end_send(self->far, "hi", 2, 0));
	memset(&from, 0xff, sizeof(from));
	ASSERT_EQ(2, recvfrom(self->fd, in, sizeof(in), MSG_PEEK,
			      (struct sockaddr *)&from, &len));
	ASSERT_EQ(plen, len);
	ASSERT_EQ(0, memcmp(&from, &peer, len));
	len = sizeof(from);
	memset(&from, 0xff, sizeof(from));
	ASSERT_EQ(2, recvfrom(self->fd, in, sizeof(in), 0,
			      (struct sockaddr *)&from, &len));
	ASSERT_EQ(plen, len);
	ASSERT_EQ(0, memcmp(&from, &peer, len));
}

TEST_F(receive, out_of_band)
{
	ASSERT_EQ(1, end_send(self->far, "x", 1, 0));
	ASSERT_EQ(1, recv(self->fd, in, sizeof(in), MSG_OOB));
}

/* Bytes that came while a socket was attached but keyless are plain UDP. */
TEST_F(receive, plain_before_keys)
{
	int fd[2];

	udp_pair(variant->family, fd);
	ASSERT_EQ(0, ulp_attach(fd[0]));
	ASSERT_EQ(5, send(fd[1], "plain", 5, 0));
	ASSERT_EQ(POLLIN, poll_now(fd[0], POLLIN));
	ASSERT_EQ(5, recv(fd[0], in, sizeof(in), MSG_PEEK));
	ASSERT_EQ(5, recv(fd[0], in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, "plain", 5));
	ASSERT_EQ(3, send(fd[0], "too", 3, 0));
	ASSERT_EQ(3, recv(fd[1], in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, "too", 3));
	close(fd[0]);
	close(fd[1]);
}

/* ... and what was read before is not mistaken for data afterwards. */
TEST_F(receive, plain_bytes_after_keys)
{
	struct dtls_pair p;

	pair_prepare(&p, SUITE_AES_128_GCM, variant->family, false);
	ASSERT_EQ(0, ulp_attach(p.near.fd));
	ASSERT_EQ(5, send(p.far.fd, "plain", 5, 0));
	ASSERT_EQ(0, key_install(p.near.fd, DTLS_RX, &p.near.rx));
	ASSERT_EQ(0, poll_now(p.near.fd, POLLIN));
	ASSERT_EQ(-1, recv_soon(p.near.fd, in, sizeof(in), 0));
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(1, stat_drops());
	pair_close(&p);
}

/* Parked records are bounded as queued ones are: a flood fills no memory. */
TEST_F(receive, bounded_by_rcvbuf)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN };
	int i, sent = 0, queued = 0;
	struct dtls_pair q;

	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_RCVBUF, 32768));
	for (i = 0; i < 200; i++) {
		if (end_send(self->far, out, 4000, MSG_DONTWAIT) == 4000)
			sent++;
		poll(&pfd, 1, 0);
		recv(self->fd, in, 1, MSG_PEEK | MSG_DONTWAIT);
	}
	ASSERT_EQ(200, sent);
	settle();
	/* the bound is each socket's own */
	pair_open(&q, SUITE_AES_128_GCM, variant->family, true);
	ASSERT_EQ(0, set_int(q.near.fd, SOL_SOCKET, SO_RCVBUF, 8192));
	ASSERT_EQ(3, send(q.far.fd, "abc", 3, 0));
	ASSERT_EQ(3, recv_soon(q.near.fd, in, sizeof(in), MSG_PEEK));
	ASSERT_EQ(3, recv_soon(q.near.fd, in, sizeof(in), 0));
	pair_close(&q);
	while (recv(self->fd, in, sizeof(in), MSG_DONTWAIT) == 4000) {
		ASSERT_EQ(0, memcmp(in, out, 4000));
		queued++;
	}
	ASSERT_LT(0, queued);
	ASSERT_GT(100, queued);
}

TEST_HARNESS_MAIN
