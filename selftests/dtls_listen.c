// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: v4 v6.starts_anew */
/* kselftest-kcsan: yes */
/* kselftest-6.1: v4 v6 */
/*
 * DTLS_HANDSHAKE_LISTEN: a program that talks to peers only, and a daemon that meets
 * them, which here is the test, knows all keys, and shakes no hands.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>

#include "lib/fault.h"
#include "lib/upcall.h"

#define OUT	(POLLOUT | POLLWRNORM)
#define KEYS	(DTLS_PEER_TX | DTLS_PEER_RX | DTLS_PEER_REPLACE)

/* The head of a ClientHello, as far as the kernel looks. */
static const __u8 hello[60] = { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 47, 1 };

static int listens(int fd, __u32 flags, __u32 timeout)
{
	struct dtls_handshake h = {
		.size = sizeof(h),
		.role = DTLS_HANDSHAKE_LISTEN,
		.flags = flags,
		.timeout = timeout,
		.credential = "mine",
	};

	return setsockopt(fd, SOL_DTLS, DTLS_HANDSHAKE, &h, sizeof(h)) ?
	       errno : 0;
}

static int so_error(int fd)
{
	return get_int(fd, SOL_SOCKET, SO_ERROR);
}

static void daemon_open(struct genl *nl)
{
	int on = 1;

	must(!nl_open(nl, true));
	must(!setsockopt(nl->fd, 270, NETLINK_NO_ENOBUFS, &on, sizeof(on)));
}

/* As the daemon sends: from one of its descriptors, to a member. 0 or an errno. */
static int answer(int fd, const struct member *m, const void *data, size_t len)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u = {};
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = {
		.msg_name = (void *)&m->addr, .msg_namelen = m->addr_len,
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u.buf, .msg_controllen = sizeof(u.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int one = 1;

	c->cmsg_level = SOL_DTLS;
	c->cmsg_type = DTLS_RAW;
	c->cmsg_len = CMSG_LEN(sizeof(one));
	memcpy(CMSG_DATA(c), &one, sizeof(one));
	return sendmsg(fd, &msg, 0) == (ssize_t)len ? 0 : errno;
}

static void knock(const struct member *m)
{
	must(send(m->end12.fd, hello, sizeof(hello), 0) == sizeof(hello));
}

FIXTURE(listen) {
	struct crowd c;
	struct genl nl;
	struct upcall up;
	struct member *m;
	int fd;
};

FIXTURE_VARIANT(listen) {
	int family;
	__u16 suite;
};

FIXTURE_VARIANT_ADD(listen, v4)
{
	FAMILY_V4, SUITE_AES_128_GCM
};

FIXTURE_VARIANT_ADD(listen, v6)
{
	FAMILY_V6, SUITE13_AES_128_GCM
};

FIXTURE_VARIANT_ADD(listen, mapped)
{
	FAMILY_MAPPED, SUITE_AES_128_GCM
};

/* Nobody is a peer. The daemon has taken the request, and closed its descriptor. */
FIXTURE_SETUP(listen)
{
	netns_new();
	crowd_prepare(&self->c, variant->suite, variant->family, 3, false);
	self->m = self->c.m;
	self->fd = self->c.fd;
	daemon_open(&self->nl);
	must(listens(self->fd, DTLS_HANDSHAKE_NOWAIT, 0) == EINPROGRESS);
	must(poll_now(self->fd, OUT) == 0);
	must(!nl_accept(&self->nl, &self->up));
	must(!close(self->up.fd));
	must(poll_now(self->fd, OUT) == OUT && !so_error(self->fd));
}

FIXTURE_TEARDOWN(listen)
{
	genl_close(&self->nl);
	crowd_close(&self->c);
}

static void add(FIXTURE_DATA(listen) * self, struct member *m)
{
	must(!peer_add(&self->c, m, KEYS));
}

/* With keys from before the last record that the member has sent. */
static void add_late(FIXTURE_DATA(listen) * self, struct member *m)
{
	m->end12.tx.seq--;
	m->end13.tx.seq--;
	add(self, m);
	m->end12.tx.seq++;
	m->end13.tx.seq++;
}

/* Both ways; nothing else may be there. */
static void talk(FIXTURE_DATA(listen) * self, struct member *m)
{
	struct sockaddr_storage from;
	char buf[64];

	must(member_send(&self->c, m, "there", 5) == 5);
	must(crowd_recv(&self->c, buf, sizeof(buf), 0, &from, NULL, NULL) == 5);
	must(!memcmp(buf, "there", 5) && crowd_whose(&self->c, &from) == m);
	must(crowd_send(&self->c, m, "back", 4) == 4);
	must(member_recv(&self->c, m, buf, sizeof(buf), 0) == 4);
	must(!memcmp(buf, "back", 4));
}

static bool nothing(FIXTURE_DATA(listen) * self)
{
	struct upcall_datagram d;
	char buf[64];

	return !poll_now(self->fd, POLLIN) &&
	       recv_soon(self->fd, buf, sizeof(buf), 0) < 0 && errno == EAGAIN &&
	       nl_datagram(&self->nl, true, &d) == EAGAIN;
}

TEST_F(listen, meets)
{
	struct {
		struct dtls_identity id;
		char text[200];
	} got;
	struct sockaddr_storage me;
	struct upcall_datagram d;
	socklen_t len = sizeof(me);
	size_t size = sizeof(got);
	struct upcall up;
	char buf[64];
	int own;

	EXPECT_EQ(DTLS_HANDSHAKE_LISTEN, self->up.role);
	EXPECT_STREQ("mine", self->up.credential);
	ASSERT_EQ(EALREADY, listens(self->fd, 0, 0));
	knock(&self->m[0]);
	ASSERT_EQ(0, poll_now(self->fd, POLLIN));
	ASSERT_EQ(0, nl_datagram(&self->nl, false, &d));
	ASSERT_EQ(self->up.id, d.id);
	ASSERT_EQ(sizeof(hello), d.len);
	ASSERT_EQ(0, memcmp(d.data, hello, sizeof(hello)));
	ASSERT_EQ(&self->m[0], crowd_whose(&self->c, &d.from));
	ASSERT_EQ(0, getsockname(self->fd, (void *)&me, &len));
	ASSERT_EQ(((struct sockaddr_in *)&me)->sin_port,
		  ((struct sockaddr_in *)&d.to)->sin_port);
	ASSERT_EQ(me.ss_family, d.to.ss_family);
	if (me.ss_family == AF_INET)
		ASSERT_EQ(INADDR_LOOPBACK,
			  ntohl(((struct sockaddr_in *)&d.to)->sin_addr.s_addr));

	ASSERT_EQ(0, nl_again(&self->nl, self->up.id, &up));
	ASSERT_EQ(0, answer(up.fd, &self->m[0], "serverhello", 11));
	ASSERT_EQ(11, recv(self->m[0].end12.fd, buf, sizeof(buf), 0));
	ASSERT_EQ(0, close(up.fd));
	/* data behind the Finished, before the keys */
	ASSERT_EQ(5, member_send(&self->c, &self->m[0], "early", 5));
	ASSERT_EQ(0, nl_datagram(&self->nl, false, &d));
	ASSERT_EQ(true, nothing(self));
	add_late(self, &self->m[0]);
	ASSERT_EQ(ENODATA, peer_get(self->fd, self->m[0].id, DTLS_PEER_IDENTITY,
				    &got, &size));
	ASSERT_EQ(0, nl_met(&self->nl, self->up.id, self->m[0].id, "kim"));
	ASSERT_EQ(EEXIST, nl_met(&self->nl, self->up.id, self->m[0].id, "tim"));
	ASSERT_EQ(ENOENT, nl_met(&self->nl, self->up.id, self->m[0].id + 1, "tim"));
	size = sizeof(got);
	ASSERT_EQ(0, peer_get(self->fd, self->m[0].id, DTLS_PEER_IDENTITY, &got,
			      &size));
	ASSERT_EQ(sizeof(got.id) + 5, size);
	EXPECT_EQ(DTLS_IDENTITY_PSK, got.id.kind);
	EXPECT_EQ(0, memcmp(got.text, "\0kim", 5));

	ASSERT_EQ(0, nl_give(&self->nl, self->up.id, &d.from, d.data, d.len));
	ASSERT_EQ(5, recv_soon(self->fd, buf, sizeof(buf), 0));
	ASSERT_EQ(0, memcmp(buf, "early", 5));
	/* once; nor does what does not open come back */
	ASSERT_EQ(0, nl_give(&self->nl, self->up.id, &d.from, d.data, d.len));
	ASSERT_EQ(0, nl_give(&self->nl, self->up.id, &self->m[1].addr, d.data, d.len));
	ASSERT_EQ(0, nl_give(&self->nl, self->up.id, &d.from, hello, sizeof(hello)));
	ASSERT_EQ(true, nothing(self));
	talk(self, &self->m[0]);
	add(self, &self->m[2]);
	talk(self, &self->m[2]);
	talk(self, &self->m[0]);
	ASSERT_EQ(0, so_error(self->fd));

	/* who it is goes with it, and that it was met by one who listens does not */
	own = peer_peeloff(self->fd, self->m[0].id, 0);
	ASSERT_LE(0, own);
	len = sizeof(got);
	memset(&got, 0, sizeof(got));
	ASSERT_EQ(0, getsockopt(own, SOL_DTLS, DTLS_PEER_IDENTITY, &got, &len));
	EXPECT_EQ(0, memcmp(got.text, "\0kim", 5));
	ASSERT_EQ(4, member_send(&self->c, &self->m[0], "mine", 4));
	ASSERT_EQ(4, recv_soon(own, buf, sizeof(buf), 0));
	knock(&self->m[0]);
	ASSERT_EQ(true, nothing(self));
	close(own);
	/* without one: of whom nobody has said it */
	own = peer_peeloff(self->fd, self->m[2].id, 0);
	ASSERT_LE(0, own);
	len = sizeof(got);
	ASSERT_EQ(-1, getsockopt(own, SOL_DTLS, DTLS_PEER_IDENTITY, &got, &len));
	ASSERT_EQ(ENODATA, errno);
	close(own);
}

TEST_F(listen, no_clear)
{
	struct sockaddr_storage to = self->m[0].addr;
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	unsigned long long before = stat_read("RxDropStranger");
	static const __u8 out[] = { 19, 64, 0x80, 'p' };
	unsigned int i;
	char buf[64];

	ASSERT_EQ(-1, sendto(self->fd, "x", 1, 0, (void *)&to, self->m[0].addr_len));
	ASSERT_EQ(ENOKEY, errno);
	ASSERT_EQ(-1, send(self->fd, "x", 1, 0));
	ASSERT_EQ(EDESTADDRREQ, errno);
	ASSERT_EQ(-1, connect(self->fd, (void *)&to, self->m[0].addr_len));
	ASSERT_EQ(EISCONN, errno);
	ASSERT_EQ(-1, connect(self->fd, &none, sizeof(none)));
	ASSERT_EQ(EBUSY, errno);
	for (i = 0; i < sizeof(out); i++)
		ASSERT_EQ(1, send(self->m[0].end12.fd, &out[i], 1, 0));
	ASSERT_EQ(0, send(self->m[0].end12.fd, &out[i], 0, 0));
	ASSERT_EQ(true, nothing(self));
	ASSERT_EQ(before + sizeof(out) + 1, stat_read("RxDropStranger"));
	/* strangers are the daemon's, whatever the program wants */
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_PASSTHROUGH, 3));
	ASSERT_EQ(3, get_int(self->fd, SOL_DTLS, DTLS_PASSTHROUGH));
	knock(&self->m[0]);
	ASSERT_EQ(-1, recv_soon(self->fd, buf, sizeof(buf), 0));
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_PASSTHROUGH, 0));
	ASSERT_EQ(0, get_int(self->fd, SOL_DTLS, DTLS_PASSTHROUGH));
	knock(&self->m[0]);
	ASSERT_EQ(-1, recv_soon(self->fd, buf, sizeof(buf), 0));
	ASSERT_EQ(2, stat_read("RxHandshake"));
}

TEST_F(listen, starts_anew)
{
	struct upcall_datagram d;
	__u8 wire[200], copy[200];
	__u8 bits[40] = { 0x2e };
	ssize_t n;
	char buf[64];

	add(self, &self->m[0]);
	talk(self, &self->m[0]);
	knock(&self->m[0]);
	ASSERT_EQ(0, poll_now(self->fd, POLLIN));
	ASSERT_EQ(0, nl_datagram(&self->nl, false, &d));
	ASSERT_EQ(sizeof(hello), d.len);
	ASSERT_EQ(0, memcmp(d.data, hello, sizeof(hello)));
	/* he stays who he was */
	talk(self, &self->m[0]);
	/* a Finished that only the new keys open */
	if (variant->suite >> 8 == 0x13)
		fill(bits + 1, sizeof(bits) - 1, 1);
	else
		memcpy(bits, "\x16\xfe\xfd\0\1\0\0\0\0\0\0\0\x1b", 13);
	bits[3] = variant->suite >> 8 == 0x13 ? 0 : bits[3];
	bits[4] = variant->suite >> 8 == 0x13 ? sizeof(bits) - 5 : bits[4];
	ASSERT_EQ(sizeof(bits), send(self->m[0].end12.fd, bits, sizeof(bits), 0));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN));
	ASSERT_EQ(0, nl_datagram(&self->nl, false, &d));
	ASSERT_EQ(sizeof(bits), d.len);
	/* data that does not open is not of a handshake */
	memset(wire, 23, sizeof(wire));
	memcpy(wire, "\x17\xfe\xfd\0\1\0\0\0\0\0\1\0\x20", 13);
	ASSERT_EQ(45, send(self->m[0].end12.fd, wire, 45, 0));
	ASSERT_EQ(true, nothing(self));
	/* nor is a datagram of which anything opens */
	memcpy(copy, hello, sizeof(hello));
	knock(&self->m[1]);
	ASSERT_EQ(0, poll_now(self->fd, POLLIN));
	ASSERT_EQ(0, nl_datagram(&self->nl, false, &d));
	ASSERT_EQ(2, member_send(&self->c, &self->m[1], "ab", 2));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN));
	ASSERT_EQ(0, nl_datagram(&self->nl, false, &d));
	add_late(self, &self->m[1]);
	n = d.len;
	memcpy(copy + sizeof(hello), d.data, n);
	n += sizeof(hello);
	ASSERT_EQ(n, send(self->m[1].end12.fd, copy, n, 0));
	ASSERT_EQ(2, recv_soon(self->fd, buf, sizeof(buf), 0));
	ASSERT_EQ(true, nothing(self));
	/* the new one takes the place of the old */
	n = self->m[0].id;
	add(self, &self->m[0]);
	ASSERT_LT(n, self->m[0].id);
	ASSERT_EQ(0, nl_met(&self->nl, self->up.id, self->m[0].id, "kim"));
}

TEST_F(listen, daemon_dies)
{
	struct upcall_datagram d;
	struct genl other;
	struct upcall up;

	add(self, &self->m[0]);
	daemon_open(&other);
	ASSERT_EQ(EAGAIN, nl_accept(&other, &up));
	/* what one has taken is not another's */
	ASSERT_EQ(ENOENT, nl_again(&other, self->up.id, &up));
	ASSERT_EQ(ENOENT, nl_met(&other, self->up.id, self->m[0].id, "kim"));
	ASSERT_EQ(ENOENT, nl_give(&other, self->up.id, &self->m[0].addr, hello, 20));
	ASSERT_EQ(ENOENT, nl_done(&other, self->up.id, EPROTO, NULL, 0));
	genl_close(&self->nl);
	ASSERT_EQ(true, nl_heard(&other));
	/* nobody is there to meet strangers; it goes on otherwise */
	knock(&self->m[1]);
	ASSERT_EQ(OUT, poll_now(self->fd, POLLIN | OUT));
	ASSERT_EQ(1, stat_read("RxDropHandshake"));
	talk(self, &self->m[0]);
	ASSERT_EQ(0, nl_accept(&other, &up));
	ASSERT_EQ(self->up.id, up.id);
	close(up.fd);
	knock(&self->m[1]);
	ASSERT_EQ(OUT, poll_now(self->fd, POLLIN | OUT));
	ASSERT_EQ(0, nl_datagram(&other, false, &d));
	/* the last of them dies, and one comes */
	genl_close(&other);
	talk(self, &self->m[0]);
	ASSERT_EQ(OUT, poll_now(self->fd, POLLIN | OUT));
	daemon_open(&self->nl);
	ASSERT_EQ(0, nl_accept(&self->nl, &up));
	ASSERT_EQ(self->up.id, up.id);
	close(up.fd);
	knock(&self->m[2]);
	ASSERT_EQ(0, nl_datagram(&self->nl, false, &d));
	ASSERT_EQ(0, so_error(self->fd));
}

TEST_F(listen, ends)
{
	struct upcall up;

	add(self, &self->m[0]);
	ASSERT_EQ(EINVAL, nl_done(&self->nl, self->up.id, 0, NULL, 0));
	ASSERT_EQ(0, nl_done(&self->nl, self->up.id, EPROTO, NULL, 0));
	ASSERT_EQ(OUT | POLLERR, poll_now(self->fd, OUT));
	ASSERT_EQ(EPROTO, so_error(self->fd));
	ASSERT_EQ(ENOENT, nl_again(&self->nl, self->up.id, &up));
	knock(&self->m[1]);
	ASSERT_EQ(true, nothing(self));
	ASSERT_EQ(-1, crowd_send(&self->c, &self->m[1], "x", 1));
	ASSERT_EQ(ENOKEY, errno);
	ASSERT_EQ(ENOKEY, answer(self->fd, &self->m[1], "x", 1) ? ENOKEY : 0);
	talk(self, &self->m[0]);
	/* again, and nobody takes it in time */
	ASSERT_EQ(ETIMEDOUT, listens(self->fd, 0, 1));
	ASSERT_EQ(EINPROGRESS, listens(self->fd, DTLS_HANDSHAKE_NOWAIT, 0));
	ASSERT_EQ(0, nl_accept(&self->nl, &up));
	close(up.fd);
	talk(self, &self->m[0]);
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(ENOENT, nl_again(&self->nl, up.id, &up));
	self->c.fd = dup(self->nl.fd);
}

TEST_F(listen, refused)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), far = udp_bound(FAMILY_V4);
	int far6 = udp_bound(FAMILY_V6);

	ASSERT_EQ(0, ulp_attach(fd));
	ASSERT_EQ(EINVAL, listens(fd, 0, 0));
	udp_connect(fd, far);
	ASSERT_EQ(EISCONN, listens(fd, 0, 0));
	close(fd);
	fd = udp_bound(FAMILY_V6);
	ASSERT_EQ(0, ulp_attach(fd));
	genl_close(&self->nl);
	/* nothing has begun */
	ASSERT_EQ(ESRCH, listens(fd, 0, 0));
	udp_connect(fd, far6);
	close(fd);
	close(far);
	close(far6);
	daemon_open(&self->nl);
}

TEST_F(listen, others)
{
	struct upcall up;
	struct genl nl;
	pid_t pid;

	add(self, &self->m[0]);
	ASSERT_EQ(0, answer(self->fd, &self->m[0], "x", 1));
	pid = spawn();
	if (!pid) {
		/* another process is not the daemon, whatever it has */
		if (!answer(self->fd, &self->m[0], "x", 1))
			_exit(1);
		must(!setresuid(65534, 65534, 65534));
		must(!nl_open(&nl, false));
		if (nl_again(&nl, self->up.id, &up) != EPERM ||
		    nl_give(&nl, self->up.id, &self->m[0].addr, "x", 1) != EPERM ||
		    nl_met(&nl, self->up.id, self->m[0].id, "kim") != EPERM)
			_exit(2);
		_exit(0);
	}
	ASSERT_EQ(0, wait_child(pid));
}

TEST_F(listen, nobody_reads)
{
	struct upcall_datagram d;
	static __u8 big[1200];
	int i;

	/* one kind of socket will do */
	if (variant->family != FAMILY_V6)
		return;
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_RCVBUF, 20000));
	add(self, &self->m[0]);
	/* much more than the socket has room for, and not a word read */
	for (i = 0; i < 80; i++) {
		ASSERT_EQ(sizeof(big), member_send(&self->c, &self->m[0], big,
						   sizeof(big)));
		if (i % 20 == 19) {
			settle();
			/* the last of those that were lost on the way are repeated */
			do {
				knock(&self->m[1]);
				sched_yield();
			} while (!poll_now(self->nl.fd, POLLIN));
			while (!nl_datagram(&self->nl, true, &d))
				ASSERT_EQ(sizeof(hello), d.len);
		}
	}
	/* what there was room for is still there */
	ASSERT_EQ(sizeof(big), recv_soon(self->fd, big, sizeof(big), 0));
}

TEST_F(listen, too_many)
{
	struct upcall_datagram d;
	int i, n = 0;

	ASSERT_EQ(0, set_int(self->nl.fd, SOL_SOCKET, SO_RCVBUF, 1));
	for (i = 0; i < 50; i++) {
		knock(&self->m[0]);
		ASSERT_EQ(0, poll_now(self->fd, POLLIN));
	}
	ASSERT_LT(0, stat_read("RxDropHandshake"));
	ASSERT_EQ(50, stat_read("RxDropHandshake") + stat_read("RxHandshake"));
	while (!nl_datagram(&self->nl, true, &d))
		n++;
	ASSERT_EQ(n, stat_read("RxHandshake"));
	knock(&self->m[0]);
	ASSERT_EQ(0, nl_datagram(&self->nl, false, &d));
}

TEST_F(listen, aggregate)
{
	struct upcall_datagram d;
	__u8 many[5 * sizeof(hello)];
	int i, on = sizeof(hello);
	unsigned int seen;

	for (i = 0; i < 5; i++) {
		memcpy(many + i * sizeof(hello), hello, sizeof(hello));
		many[i * sizeof(hello) + 20] = i;
	}
	ASSERT_EQ(0, set_int(self->m[0].end12.fd, SOL_UDP, UDP_SEGMENT, on));
	for (on = 0; on < 2; on++) {
		ASSERT_EQ(sizeof(many), send(self->m[0].end12.fd, many,
					     sizeof(many), 0));
		ASSERT_EQ(0, poll_now(self->fd, POLLIN));
		/* two may be at it, we and the module's work: in any order */
		seen = 0;
		for (i = 0; i < 5; i++) {
			ASSERT_EQ(0, nl_datagram(&self->nl, false, &d));
			ASSERT_EQ(sizeof(hello), d.len);
			ASSERT_EQ(0, seen >> d.data[20] & 1);
			seen |= 1 << d.data[20];
		}
		ASSERT_EQ(0x1f, seen);
		/* and then of a peer */
		if (!on)
			add(self, &self->m[0]);
	}
	ASSERT_EQ(true, nothing(self));
}

/* A daemon that comes and goes, and answers what it can. */
static void *daemons(void *arg)
{
	struct upcall_datagram d;
	int *stop = arg, n;
	struct upcall up;
	struct genl nl;

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		daemon_open(&nl);
		for (n = 0; n < 20; n++) {
			if (nl_accept(&nl, &up))
				continue;
			close(up.fd);
			if (poll_now(nl.fd, POLLIN) && !nl_datagram(&nl, true, &d))
				nl_give(&nl, d.id, &d.from, d.data, d.len);
			if (n & 1)
				nl_met(&nl, up.id, 1, "kim");
			if (n & 4)
				nl_done(&nl, up.id, EPROTO, NULL, 0);
		}
		genl_close(&nl);
	}
	return NULL;
}

TEST_F(listen, races)
{
	pthread_t thread;
	int stop = 0, i, k, ret;

	/* one kind of socket will do */
	if (variant->family != FAMILY_V6)
		return;
	genl_close(&self->nl);
	must(!pthread_create(&thread, NULL, daemons, &stop));
	for (i = 0; i < 20; i++) {
		struct crowd c;

		crowd_prepare(&c, variant->suite, variant->family, 2, false);
		ret = listens(c.fd, i & 2 ? DTLS_HANDSHAKE_NOWAIT : 0, 1 + i % 5);
		ASSERT_EQ(true, !ret || ret == EINPROGRESS || ret == ESRCH ||
			  ret == EPROTO || ret == EOWNERDEAD || ret == ETIMEDOUT)
			TH_LOG("%d", ret);
		if (ret != ESRCH && i & 1)
			peer_add(&c, &c.m[0], KEYS);
		for (k = 0; k < 20; k++) {
			knock(&c.m[k & 1]);
			if (i & 1)
				member_send(&c, &c.m[0], "x", 1);
			if (i & 4)
				poll_now(c.fd, POLLIN);
		}
		crowd_close(&c);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	/* the last of them goes after a grace period */
	while (stat_read("CurrSockets") != 1)
		sched_yield();
	daemon_open(&self->nl);
}

TEST_F(listen, no_memory)
{
	struct upcall_datagram d, had;
	int nth, what, ret, f;
	bool hit = true;
	char buf[64];

	/* one kind of socket will do */
	if (variant->family != FAMILY_V6)
		return;
	if (!fault_init())
		SKIP(return, "no fault injection in this kernel");
	ASSERT_EQ(4, member_send(&self->c, &self->m[0], "data", 4));
	self->m[0].end13.tx.seq--;
	ASSERT_EQ(0, poll_now(self->fd, POLLIN));
	ASSERT_EQ(0, nl_datagram(&self->nl, false, &had));
	for (what = 0; what < 4; what++) {
		for (nth = 1; nth < FAULT_TRIES; nth++) {
			int fd = udp_bound(variant->family);

			must(!ulp_attach(fd));
			if (what == 1)
				knock(&self->m[1]);
			add(self, &self->m[0]);
			settle();
			f = fault_arm(nth);
			switch (what) {
			case 0:
				ret = listens(fd, DTLS_HANDSHAKE_NOWAIT, 0);
				break;
			case 1:
				ret = recv(self->fd, buf, sizeof(buf),
					   MSG_DONTWAIT);
				break;
			case 2:
				ret = nl_give(&self->nl, self->up.id, &had.from,
					      had.data, had.len);
				break;
			default:
				ret = nl_met(&self->nl, self->up.id,
					     self->m[0].id, "kim");
			}
			hit = fault_happened(f, NULL);
			(void)ret;
			close(fd);
			while (recv(self->fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
				;
			while (!nl_datagram(&self->nl, true, &d))
				;
			if (!hit)
				break;
		}
		ASSERT_LT(nth, FAULT_TRIES);
	}
}

TEST_HARNESS_MAIN
