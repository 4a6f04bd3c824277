// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: yes */
/* kselftest-kcsan: yes */
/*
 * DTLS_HANDSHAKE: what the program sees, and what the daemon does, which here is a
 * process that knows the keys and shakes no hands. dtlshd has interop/dtlshd.sh.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fault.h"
#include "lib/upcall.h"

#define OUT	(POLLOUT | POLLWRNORM)

static int hands(int fd, __u32 flags, __u32 timeout)
{
	struct dtls_handshake h = {
		.size = sizeof(h),
		.role = DTLS_HANDSHAKE_CLIENT,
		.flags = flags,
		.timeout = timeout,
		.server_name = "far.example",
		.credential = "mine",
	};

	return setsockopt(fd, SOL_DTLS, DTLS_HANDSHAKE, &h, sizeof(h)) ?
	       errno : 0;
}

static int so_error(int fd)
{
	return get_int(fd, SOL_SOCKET, SO_ERROR);
}

/* A thread that waits for its handshake. */
struct waiter {
	pthread_t thread;
	int fd, ret;
	__u32 timeout;
	pid_t tid;
};

static void *wait_hands(void *arg)
{
	struct waiter *w = arg;

	__atomic_store_n(&w->tid, gettid(), __ATOMIC_RELEASE);
	w->ret = hands(w->fd, 0, w->timeout);
	return NULL;
}

static void waiter_start(struct waiter *w, int fd, __u32 timeout)
{
	memset(w, 0, sizeof(*w));
	w->fd = fd;
	w->timeout = timeout;
	must(!pthread_create(&w->thread, NULL, wait_hands, w));
}

static int waiter_end(struct waiter *w)
{
	must(!pthread_join(w->thread, NULL));
	return w->ret;
}

FIXTURE(hs) {
	struct dtls_pair p;
	struct helper h;
	int fd;
};

FIXTURE_SETUP(hs)
{
	netns_new();
	pair_prepare(&self->p, SUITE_AES_128_GCM, FAMILY_V4, false);
	self->fd = self->p.near.fd;
	ASSERT_EQ(0, ulp_attach(self->fd));
	helper_start(&self->h, &self->p);
}

FIXTURE_TEARDOWN(hs)
{
	helper_stop(&self->h);
	pair_close(&self->p);
}

/* From the request to the end of it, when all is well. */
static void finish(struct helper *h, struct dtls_pair *p)
{
	must(!helper_does(h, HELPER_TAKE, 0));
	must(!helper_does(h, HELPER_KEYS, 0));
	must(!helper_does(h, HELPER_DONE, 0));
	must(!helper_does(h, HELPER_CLOSE, 0));
	must(!so_error(p->near.fd));
}

static void talk(struct dtls_pair *p)
{
	char buf[16];

	must(send(p->near.fd, "there", 5, 0) == 5);
	must(end_recv(&p->far, buf, sizeof(buf), 0) == 5);
	must(end_send(&p->far, "back", 4, 0) == 4);
	must(recv_soon(p->near.fd, buf, sizeof(buf), 0) == 4);
	must(!memcmp(buf, "back", 4));
}

TEST_F(hs, nobody)
{
	char buf[16];

	helper_stop(&self->h);
	ASSERT_EQ(ESRCH, hands(self->fd, 0, 0));
	/* nothing has begun: the socket is as it was */
	ASSERT_EQ(5, send(self->fd, "plain", 5, 0));
	ASSERT_EQ(5, recv(self->p.far.fd, buf, sizeof(buf), 0));
	ASSERT_EQ(-1, recv_soon(self->fd, buf, sizeof(buf), 0));
	ASSERT_EQ(EAGAIN, errno);
	helper_start(&self->h, &self->p);
}

TEST_F(hs, other_namespace)
{
	int fd[2];

	netns_new();
	udp_pair(FAMILY_V6, fd);
	ASSERT_EQ(0, ulp_attach(fd[0]));
	/* the daemon is of the namespace that was left */
	ASSERT_EQ(ESRCH, hands(fd[0], 0, 0));
	ASSERT_EQ(-EAGAIN, helper_does(&self->h, HELPER_ASK, 0));
	close(fd[0]);
	close(fd[1]);
}

TEST_F(hs, refused)
{
	struct {
		struct dtls_handshake h;
		__u32 more;
	} a, good = { .h = {
		.size = sizeof(good.h), .role = DTLS_HANDSHAKE_SERVER,
	} };
	socklen_t len = sizeof(a.h);
	int on = 1, fd, far;

#define REFUSED(error, n) \
	ASSERT_EQ(error, setsockopt(self->fd, SOL_DTLS, DTLS_HANDSHAKE, &a, n) ? \
			 errno : 0)
	a = good;
	REFUSED(EINVAL, 3);
	REFUSED(EINVAL, DTLS_HANDSHAKE_SIZE_VER0 - 1);
	a.h.size = DTLS_HANDSHAKE_SIZE_VER0 - 4;
	REFUSED(EINVAL, sizeof(a.h));
	a = good;
	REFUSED(EINVAL, sizeof(a));
	a.h.size = sizeof(a);
	a.more = 1;
	REFUSED(E2BIG, sizeof(a));
	a = good;
	a.h.role = 0;
	REFUSED(EINVAL, sizeof(a.h));
	a.h.role = 4;
	REFUSED(EINVAL, sizeof(a.h));
	a = good;
	a.h.flags = 2;
	REFUSED(EINVAL, sizeof(a.h));
	a = good;
	a.h.timeout = DTLS_HANDSHAKE_TIMEOUT_MAX + 1;
	REFUSED(EINVAL, sizeof(a.h));
	a = good;
	memset(a.h.server_name, 'a', sizeof(a.h.server_name));
	REFUSED(EINVAL, sizeof(a.h));
	a = good;
	memset(a.h.credential, 'a', sizeof(a.h.credential));
	REFUSED(EINVAL, sizeof(a.h));
	/* bytes that UDP holds back */
	a = good;
	ASSERT_EQ(0, setsockopt(self->fd, SOL_UDP, 1, &on, sizeof(on)));
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
	REFUSED(EBUSY, sizeof(a.h));
	on = 0;
	ASSERT_EQ(0, setsockopt(self->fd, SOL_UDP, 1, &on, sizeof(on)));
	ASSERT_EQ(-1, getsockopt(self->fd, SOL_DTLS, DTLS_HANDSHAKE, &a, &len));
	ASSERT_EQ(ENOPROTOOPT, errno);
	ASSERT_EQ(-1, getsockopt(self->fd, SOL_DTLS, DTLS_PEER_IDENTITY, &a, &len));
	ASSERT_EQ(ENODATA, errno);
	/* nobody to shake hands with */
	fd = udp_bound(FAMILY_V4);
	far = udp_bound(FAMILY_V4);
	ASSERT_EQ(0, ulp_attach(fd));
	ASSERT_EQ(ENOTCONN, hands(fd, 0, 0));
	close(fd);
	close(far);
	/* none of it has reached the daemon */
	ASSERT_EQ(-EAGAIN, helper_does(&self->h, HELPER_ASK, 0));
	/* hands have been shaken */
	ASSERT_EQ(0, key_install(self->fd, DTLS_TX, &self->p.near.tx));
	a = good;
	REFUSED(EISCONN, sizeof(a.h));
}

TEST_F(hs, waits)
{
	struct {
		struct dtls_identity id;
		char text[200];
	} got;
	static const char text[] = "coap\0CN=far\0DNS:a\0DNS:bc";
	socklen_t len = sizeof(got);
	struct waiter w;
	struct upcall up;

	waiter_start(&w, self->fd, 300000);
	ASSERT_EQ(0, helper_does(&self->h, HELPER_TAKE, 0));
	helper_took(&self->h, &up);
	EXPECT_NE(0, up.id);
	EXPECT_EQ(DTLS_HANDSHAKE_CLIENT, up.role);
	EXPECT_GE(300000, up.timeout);
	EXPECT_LT(0, up.timeout);
	EXPECT_EQ(getuid(), up.uid);
	EXPECT_STREQ("far.example", up.server_name);
	EXPECT_STREQ("mine", up.credential);
	/* the socket is the daemon's, and plain */
	ASSERT_EQ(5, helper_does(&self->h, HELPER_SEND, 0));
	ASSERT_EQ(5, recv(self->p.far.fd, &got, sizeof(got), 0));
	ASSERT_EQ(3, send(self->p.far.fd, "abc", 3, 0));
	ASSERT_EQ(3, helper_does(&self->h, HELPER_RECV, 0));
	/* this is for the program: no daemon reads it */
	ASSERT_EQ(5, end_send(&self->p.far, "early", 5, 0));
	ASSERT_EQ(-ENOKEY, helper_does(&self->h, HELPER_DONE, 0));
	ASSERT_EQ(-ENOENT, helper_does(&self->h, HELPER_DONE_OTHER, 0));
	ASSERT_EQ(0, helper_does(&self->h, HELPER_KEYS, 0));
	ASSERT_EQ(-1, getsockopt(self->fd, SOL_DTLS, DTLS_PEER_IDENTITY, &got, &len));
	ASSERT_EQ(ENODATA, errno);
	ASSERT_EQ(0, helper_does(&self->h, HELPER_DONE, 0));
	ASSERT_EQ(-ENOENT, helper_does(&self->h, HELPER_DONE, 0));
	ASSERT_EQ(0, waiter_end(&w));
	ASSERT_EQ(0, so_error(self->fd));
	ASSERT_EQ(5, recv_soon(self->fd, &got, sizeof(got), 0));
	ASSERT_EQ(0, memcmp(&got, "early", 5));
	talk(&self->p);

	memset(&got, 0xa5, sizeof(got));
	len = sizeof(got);
	ASSERT_EQ(0, getsockopt(self->fd, SOL_DTLS, DTLS_PEER_IDENTITY, &got, &len));
	ASSERT_EQ(sizeof(got.id) + sizeof(text), len);
	EXPECT_EQ(sizeof(got.id), got.id.size);
	EXPECT_EQ(DTLS_1_2_VERSION, got.id.version);
	EXPECT_EQ(SUITE_AES_128_GCM, got.id.cipher_suite);
	EXPECT_EQ(DTLS_IDENTITY_X509, got.id.kind);
	EXPECT_EQ(0, got.id.flags);
	EXPECT_EQ(sizeof(text), got.id.len);
	EXPECT_EQ(0, memcmp(got.text, text, sizeof(text)));
	/* with less room there are fewer names, and no part of one */
	len--;
	EXPECT_EQ(0, getsockopt(self->fd, SOL_DTLS, DTLS_PEER_IDENTITY, &got, &len));
	EXPECT_EQ(sizeof(got.id) + sizeof(text) - sizeof("DNS:bc"), len);
	EXPECT_EQ(sizeof(text), got.id.len);
	len = sizeof(got.id) + 1;
	EXPECT_EQ(0, getsockopt(self->fd, SOL_DTLS, DTLS_PEER_IDENTITY, &got, &len));
	EXPECT_EQ(sizeof(got.id), len);
	len--;
	EXPECT_EQ(-1, getsockopt(self->fd, SOL_DTLS, DTLS_PEER_IDENTITY, &got, &len));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(EISCONN, hands(self->fd, 0, 0));
}

TEST_F(hs, waits_not)
{
	struct sockaddr_storage to;
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	char buf[16];

	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	ASSERT_EQ(EINPROGRESS, hands(self->fd, 0, 0));
	ASSERT_EQ(EALREADY, hands(self->fd, 0, 0));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN | OUT));
	ASSERT_EQ(0, helper_does(&self->h, HELPER_TAKE, 0));
	/* a flight for the daemon: the program neither sees nor takes it */
	ASSERT_EQ(3, send(self->p.far.fd, "abc", 3, 0));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN | OUT));
	ASSERT_EQ(-1, recv_soon(self->fd, buf, sizeof(buf), 0));
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(-1, send(self->fd, "x", 1, 0));
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(-1, send(self->fd, "x", 1, MSG_MORE));
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(-1, connect(self->fd, &none, sizeof(none)));
	ASSERT_EQ(EBUSY, errno);
	ASSERT_EQ(-1, connect(self->fd, (struct sockaddr *)&to,
			      loopback(FAMILY_V4, &to)));
	ASSERT_EQ(EBUSY, errno);
	ASSERT_EQ(-1, key_install(self->fd, DTLS_TX, &self->p.near.tx));
	ASSERT_EQ(EBUSY, errno);
	ASSERT_EQ(-1, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	ASSERT_EQ(EBUSY, errno);
	ASSERT_EQ(POLLIN, helper_does(&self->h, HELPER_POLL, 0));
	ASSERT_EQ(3, helper_does(&self->h, HELPER_RECV, 0));
	ASSERT_EQ(0, helper_does(&self->h, HELPER_KEYS, 0));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN | OUT));
	ASSERT_EQ(0, helper_does(&self->h, HELPER_DONE, 0));
	ASSERT_EQ(OUT, poll_now(self->fd, POLLIN | OUT));
	ASSERT_EQ(0, so_error(self->fd));
	talk(&self->p);
}

TEST_F(hs, fails)
{
	struct waiter w;
	char buf[16];

	ASSERT_EQ(EINPROGRESS, hands(self->fd, DTLS_HANDSHAKE_NOWAIT, 0));
	ASSERT_EQ(0, helper_does(&self->h, HELPER_TAKE, 0));
	ASSERT_EQ(-EINVAL, helper_does(&self->h, HELPER_DONE, 512));
	ASSERT_EQ(0, helper_does(&self->h, HELPER_DONE, ECONNREFUSED));
	ASSERT_EQ(POLLIN | OUT | POLLERR, poll_now(self->fd, POLLIN | OUT));
	ASSERT_EQ(ECONNREFUSED, so_error(self->fd));
	ASSERT_EQ(0, so_error(self->fd));
	/* a program that does not look must not talk in the clear */
	ASSERT_EQ(-1, send(self->fd, "secret", 6, 0));
	ASSERT_EQ(ENOKEY, errno);
	ASSERT_EQ(-1, recv(self->fd, buf, sizeof(buf), 0));
	ASSERT_EQ(ENOKEY, errno);
	/* nor a daemon whose time is over */
	ASSERT_EQ(-ENOKEY, helper_does(&self->h, HELPER_SEND, 0));
	ASSERT_EQ(-ENOKEY, helper_does(&self->h, HELPER_RECV, 0));
	ASSERT_EQ(-ESTALE, helper_does(&self->h, HELPER_KEYS, 0));
	ASSERT_EQ(-1, recv_soon(self->p.far.fd, buf, sizeof(buf), 0));

	waiter_start(&w, self->fd, 0);
	ASSERT_EQ(0, helper_does(&self->h, HELPER_TAKE, 0));
	ASSERT_EQ(0, helper_does(&self->h, HELPER_DONE, EKEYREJECTED));
	ASSERT_EQ(EKEYREJECTED, waiter_end(&w));
	ASSERT_EQ(0, so_error(self->fd));

	ASSERT_EQ(EINPROGRESS, hands(self->fd, DTLS_HANDSHAKE_NOWAIT, 0));
	finish(&self->h, &self->p);
	talk(&self->p);
}

TEST_F(hs, time_is_up)
{
	ASSERT_EQ(ETIMEDOUT, hands(self->fd, 0, 1));
	ASSERT_EQ(-EAGAIN, helper_does(&self->h, HELPER_ASK, 0));
	ASSERT_EQ(0, so_error(self->fd));
	ASSERT_EQ(EINPROGRESS, hands(self->fd, DTLS_HANDSHAKE_NOWAIT, 1000));
	ASSERT_EQ(0, helper_does(&self->h, HELPER_TAKE, 0));
	while (!poll_now(self->fd, OUT))
		;
	ASSERT_EQ(ETIMEDOUT, so_error(self->fd));
	ASSERT_EQ(-ENOENT, helper_does(&self->h, HELPER_DONE, 0));
	ASSERT_EQ(-ENOENT, helper_does(&self->h, HELPER_DONE, EPROTO));
	ASSERT_EQ(-ESTALE, helper_does(&self->h, HELPER_KEYS, 0));
}

TEST_F(hs, daemon_dies)
{
	struct dtls_pair q;
	struct helper h2;
	struct waiter w;

	/* it had taken it */
	waiter_start(&w, self->fd, 0);
	ASSERT_EQ(0, helper_does(&self->h, HELPER_TAKE, 0));
	helper_start(&h2, &self->p);
	helper_stop(&self->h);
	ASSERT_EQ(EOWNERDEAD, waiter_end(&w));
	/* nobody had, and somebody else may yet */
	pair_prepare(&q, SUITE_AES_128_GCM, FAMILY_V6, false);
	ASSERT_EQ(0, ulp_attach(q.near.fd));
	helper_start(&self->h, &q);
	ASSERT_EQ(EINPROGRESS, hands(q.near.fd, DTLS_HANDSHAKE_NOWAIT, 0));
	helper_stop(&h2);
	ASSERT_EQ(0, poll_now(q.near.fd, OUT));
	finish(&self->h, &q);
	talk(&q);
	/* nobody can any more */
	ASSERT_EQ(EINPROGRESS, hands(self->fd, DTLS_HANDSHAKE_NOWAIT, 0));
	helper_stop(&self->h);
	ASSERT_EQ(OUT | POLLERR, poll_now(self->fd, OUT));
	ASSERT_EQ(ESRCH, so_error(self->fd));
	/* what it has done stays */
	talk(&q);
	pair_close(&q);
	helper_start(&self->h, &self->p);
}

static void nothing(int sig)
{
	(void)sig;
}

TEST_F(hs, signal_comes)
{
	struct sigaction act = { .sa_handler = nothing };
	struct waiter w;

	sigaction(SIGUSR1, &act, NULL);
	waiter_start(&w, self->fd, 0);
	ASSERT_EQ(0, helper_does(&self->h, HELPER_TAKE, 0));
	wait_asleep(__atomic_load_n(&w.tid, __ATOMIC_ACQUIRE), SYS_setsockopt);
	pthread_kill(w.thread, SIGUSR1);
	ASSERT_EQ(EINTR, waiter_end(&w));
	/* as with connect(), it goes on */
	ASSERT_EQ(EALREADY, hands(self->fd, 0, 0));
	ASSERT_EQ(0, poll_now(self->fd, OUT));
	ASSERT_EQ(0, helper_does(&self->h, HELPER_DONE, EPROTO));
	ASSERT_EQ(OUT | POLLERR, poll_now(self->fd, OUT));
	ASSERT_EQ(EPROTO, so_error(self->fd));
}

static void *receive(void *arg)
{
	struct waiter *w = arg;
	char buf[16];

	__atomic_store_n(&w->tid, gettid(), __ATOMIC_RELEASE);
	w->ret = recv(w->fd, buf, sizeof(buf), 0);
	return NULL;
}

TEST_F(hs, sleeps_in_recv)
{
	struct waiter w = { .fd = self->fd };

	must(!pthread_create(&w.thread, NULL, receive, &w));
	while (!__atomic_load_n(&w.tid, __ATOMIC_ACQUIRE))
		;
	wait_asleep(w.tid, SYS_recvfrom);
	ASSERT_EQ(EINPROGRESS, hands(self->fd, DTLS_HANDSHAKE_NOWAIT, 0));
	ASSERT_EQ(0, helper_does(&self->h, HELPER_TAKE, 0));
	ASSERT_EQ(3, send(self->p.far.fd, "abc", 3, 0));
	ASSERT_EQ(3, helper_does(&self->h, HELPER_RECV, 0));
	ASSERT_EQ(0, helper_does(&self->h, HELPER_KEYS, 0));
	ASSERT_EQ(0, helper_does(&self->h, HELPER_DONE, 0));
	ASSERT_EQ(4, end_send(&self->p.far, "data", 4, 0));
	ASSERT_EQ(4, waiter_end(&w));
}

TEST_F(hs, given_up)
{
	struct dtls_pair q;

	/* by close(), before and after a daemon has it */
	pair_prepare(&q, SUITE_AES_128_GCM, FAMILY_V4, false);
	ASSERT_EQ(0, ulp_attach(q.near.fd));
	ASSERT_EQ(EINPROGRESS, hands(q.near.fd, DTLS_HANDSHAKE_NOWAIT, 0));
	pair_close(&q);
	ASSERT_EQ(-EAGAIN, helper_does(&self->h, HELPER_ASK, 0));
	pair_prepare(&q, SUITE_AES_128_GCM, FAMILY_V4, false);
	ASSERT_EQ(0, ulp_attach(q.near.fd));
	ASSERT_EQ(EINPROGRESS, hands(q.near.fd, DTLS_HANDSHAKE_NOWAIT, 0));
	ASSERT_EQ(0, helper_does(&self->h, HELPER_TAKE, 0));
	pair_close(&q);
	/* it still holds the file */
	ASSERT_EQ(5, helper_does(&self->h, HELPER_SEND, 0));
	ASSERT_EQ(0, helper_does(&self->h, HELPER_CLOSE, 0));
	ASSERT_EQ(-ENOENT, helper_does(&self->h, HELPER_DONE, EPROTO));
	/* by shutdown() */
	ASSERT_EQ(EINPROGRESS, hands(self->fd, DTLS_HANDSHAKE_NOWAIT, 0));
	ASSERT_EQ(0, helper_does(&self->h, HELPER_TAKE, 0));
	ASSERT_EQ(0, shutdown(self->fd, SHUT_RDWR));
	ASSERT_EQ(ECONNABORTED, so_error(self->fd));
	ASSERT_EQ(-ENOENT, helper_does(&self->h, HELPER_DONE, 0));
	/* by ss -K */
	pair_prepare(&q, SUITE_AES_128_GCM, FAMILY_V4, false);
	ASSERT_EQ(0, ulp_attach(q.near.fd));
	ASSERT_EQ(EINPROGRESS, hands(q.near.fd, DTLS_HANDSHAKE_NOWAIT, 0));
	ASSERT_EQ(0, helper_does(&self->h, HELPER_TAKE, 0));
	if (!sock_destroy(q.near.fd)) {
		ASSERT_EQ(-ENOENT, helper_does(&self->h, HELPER_DONE, 0));
		ASSERT_NE(0, helper_does(&self->h, HELPER_KEYS, 0));
	}
	pair_close(&q);
}

TEST_F(hs, two)
{
	struct upcall a, b;
	struct dtls_pair q;
	struct genl nl;

	pair_prepare(&q, SUITE_AES_128_GCM, FAMILY_V6, false);
	ASSERT_EQ(0, ulp_attach(q.near.fd));
	ASSERT_EQ(EINPROGRESS, hands(self->fd, DTLS_HANDSHAKE_NOWAIT, 0));
	ASSERT_EQ(EINPROGRESS, hands(q.near.fd, DTLS_HANDSHAKE_NOWAIT, 0));
	ASSERT_EQ(0, nl_open(&nl, true));
	/* the process is the daemon and the program at once */
	ASSERT_EQ(0, nl_accept(&nl, &a));
	ASSERT_EQ(0, nl_accept(&nl, &b));
	ASSERT_EQ(EAGAIN, nl_accept(&nl, &b) ?: EAGAIN);
	ASSERT_NE(a.id, b.id);
	close(a.fd);
	ASSERT_EQ(0, nl_done(&nl, a.id, EPROTO, NULL, 0));
	ASSERT_EQ(EPROTO, so_error(self->fd));
	ASSERT_EQ(0, poll_now(self->fd, 0));
	genl_close(&nl);
	/* of which the other one dies with it */
	ASSERT_EQ(EOWNERDEAD, so_error(q.near.fd));
	pair_close(&q);
}

TEST_F(hs, identities)
{
	char name[4096];
	struct upcall up;
	struct genl nl;

	ASSERT_EQ(0, nl_open(&nl, true));
	ASSERT_EQ(EINPROGRESS, hands(self->fd, DTLS_HANDSHAKE_NOWAIT, 0));
	ASSERT_EQ(true, nl_heard(&nl));
	ASSERT_EQ(0, nl_accept(&nl, &up));
	close(up.fd);
	ASSERT_EQ(0, key_install(self->fd, DTLS_TX, &self->p.near.tx));
	/* one direction is not enough */
	ASSERT_EQ(ENOKEY, nl_done(&nl, up.id, 0, NULL, 0));
	ASSERT_EQ(0, key_install(self->fd, DTLS_RX, &self->p.near.rx));
	ASSERT_EQ(ENOENT, nl_done(&nl, up.id + 1, 0, NULL, 0));
	/* "CN=a\0.example" */
	ASSERT_EQ(EINVAL, nl_done(&nl, up.id, 0, "CN=a\0.b", 8));
	ASSERT_EQ(EINVAL, nl_done(&nl, up.id, 0, "CN=a", 4));
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = 0;
	ASSERT_EQ(EINVAL, nl_done(&nl, up.id, 0, name, sizeof(name)));
	ASSERT_EQ(0, nl_done(&nl, up.id, 0, name + sizeof(name) - 4000, 4000));
	talk(&self->p);
	genl_close(&nl);
}

TEST_F(hs, no_privilege)
{
	struct upcall up;
	struct genl nl;
	pid_t pid;

	pid = spawn();
	if (!pid) {
		must(!setresuid(65534, 65534, 65534));
		if (nl_open(&nl, true) != EPERM)
			_exit(1);
		if (nl_open(&nl, false) || nl_accept(&nl, &up) != EPERM ||
		    nl_done(&nl, 1, EPROTO, NULL, 0) != EPERM)
			_exit(2);
		/* to ask for hands takes none */
		if (hands(self->fd, DTLS_HANDSHAKE_NOWAIT, 0) != EINPROGRESS)
			_exit(3);
		_exit(0);
	}
	ASSERT_EQ(0, wait_child(pid));
	ASSERT_EQ(0, helper_does(&self->h, HELPER_TAKE, 0));
	helper_took(&self->h, &up);
	ASSERT_EQ(65534, up.uid);
}

/* A program that closes at any time, and a daemon that dies at any time. */
static void *daemons(void *arg)
{
	int *stop = arg, n = 0;
	struct upcall up;
	struct genl nl;

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		must(!nl_open(&nl, true));
		while (++n % 8) {
			if (nl_accept(&nl, &up))
				continue;
			close(up.fd);
			if (n & 1)
				nl_done(&nl, up.id, EPROTO, NULL, 0);
		}
		genl_close(&nl);
	}
	return NULL;
}

TEST_F(hs, races)
{
	pthread_t thread;
	int stop = 0, i, fd[2], ret;

	helper_stop(&self->h);
	must(!pthread_create(&thread, NULL, daemons, &stop));
	for (i = 0; i < 300; i++) {
		udp_pair(i & 1 ? FAMILY_V4 : FAMILY_V6, fd);
		ASSERT_EQ(0, ulp_attach(fd[0]));
		ret = hands(fd[0], i & 2 ? DTLS_HANDSHAKE_NOWAIT : 0, 1 + i % 5);
		ASSERT_EQ(true, ret == EINPROGRESS || ret == ESRCH ||
			  ret == EPROTO || ret == EOWNERDEAD || ret == ETIMEDOUT)
			TH_LOG("%d", ret);
		if (i & 4)
			hands(fd[0], DTLS_HANDSHAKE_NOWAIT, 1 + i % 3);
		if (i & 8)
			shutdown(fd[0], SHUT_WR);
		close(fd[0]);
		close(fd[1]);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	/* the last of them goes after a grace period */
	while (stat_read("CurrSockets") != 1)
		sched_yield();
	helper_start(&self->h, &self->p);
}

TEST_F(hs, no_memory)
{
	struct upcall up;
	int nth, what, ret, fd;
	char buf[DTLS_IDENTITY_MAX];
	struct genl nl;
	socklen_t len;
	bool hit;

	if (!fault_init())
		SKIP(return, "no fault injection in this kernel");
	helper_stop(&self->h);
	must(!nl_open(&nl, true));
	for (what = 0; what < 4; what++) {
		for (nth = 1; nth < FAULT_TRIES; nth++) {
			struct dtls_pair q;
			int f, got = 0;

			pair_prepare(&q, SUITE_AES_128_GCM, FAMILY_V4, false);
			must(!ulp_attach(q.near.fd));
			if (what)
				must(hands(q.near.fd, DTLS_HANDSHAKE_NOWAIT, 0) ==
				     EINPROGRESS);
			if (what > 1) {
				must(!nl_accept(&nl, &up));
				close(up.fd);
				must(!key_install(q.near.fd, DTLS_TX, &q.near.tx));
				must(!key_install(q.near.fd, DTLS_RX, &q.near.rx));
			}
			if (what > 2)
				must(!nl_done(&nl, up.id, 0, "CN=far", 7));
			len = sizeof(buf);
			f = fault_arm(nth);
			switch (what) {
			case 0:
				ret = hands(q.near.fd, DTLS_HANDSHAKE_NOWAIT, 0);
				break;
			case 1:
				/* an answer that the program cannot read is lost */
				ret = nl_ask(&nl);
				break;
			case 2:
				ret = nl_done(&nl, up.id, 0, "CN=far", 7);
				break;
			default:
				ret = getsockopt(q.near.fd, SOL_DTLS,
						 DTLS_PEER_IDENTITY, buf, &len) ?
				      errno : 0;
			}
			hit = fault_happened(f, NULL);
			if (what == 1) {
				ret = ret ?: nl_answer(&nl, &up);
				got = !ret;
			}
			if (!hit)
				ASSERT_EQ(what ? 0 : EINPROGRESS, ret);
			/* a request that could not be taken can be later */
			if (what == 1 && !got) {
				fd = nl_accept(&nl, &up);
				ASSERT_EQ(0, fd) TH_LOG("%d after %d", fd, ret);
				got = 1;
			}
			if (got)
				close(up.fd);
			while (recv(nl.fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
				;
			pair_close(&q);
			if (!hit)
				break;
		}
		ASSERT_LT(nth, FAULT_TRIES);
	}
	genl_close(&nl);
	helper_start(&self->h, &self->p);
}

TEST_HARNESS_MAIN
