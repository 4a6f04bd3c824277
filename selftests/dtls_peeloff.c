// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: v12_v4 v13_v6.under v13_v6.key */
/* kselftest-kcsan: yes */
/* kselftest-timeout: 120 */
/* kselftest-6.1: v13_v6 v12_mapped */
/*
 * DTLS_PEER_PEELOFF: a peer gets a connected socket of its own, and nothing of it gets
 * lost, comes twice, or to the wrong one.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "lib/crowd.h"
#include "lib/effort.h"
#include "lib/genl.h"
#include "lib/stall.h"

#define WAYS		(DTLS_PEER_TX | DTLS_PEER_RX)
#define MEMBERS		3

static __u8 out[16384], in[16384];

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

FIXTURE(peeloff) {
	struct crowd c;
};

FIXTURE_VARIANT(peeloff) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(peeloff, v12_v4) { SUITE_AES_128_GCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(peeloff, v13_v6) { SUITE13_AES_128_GCM, FAMILY_V6 };
FIXTURE_VARIANT_ADD(peeloff, v12_mapped) { SUITE_CHACHA20, FAMILY_MAPPED };

FIXTURE_SETUP(peeloff)
{
	netns_new();
	crowd_open(&self->c, variant->suite, variant->family, MEMBERS, false);
	must(!set_int(self->c.fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
}

FIXTURE_TEARDOWN(peeloff)
{
	if (self->c.m)
		crowd_close(&self->c);
}

static bool alive(const struct crowd *c, struct member *m)
{
	struct sockaddr_storage from;
	char text[8];

	must(member_send(c, m, "ping", 4) == 4);
	if (crowd_recv(c, text, sizeof(text), MSG_DONTWAIT, &from, NULL, NULL) != 4 ||
	    memcmp(text, "ping", 4) || crowd_whose(c, &from) != m)
		return false;
	return crowd_send(c, m, "pong!", 5) == 5 &&
	       member_recv(c, m, text, sizeof(text), MSG_DONTWAIT) == 5 &&
	       !memcmp(text, "pong!", 5);
}

/* The same with a socket of its own. */
static bool apart(const struct crowd *c, struct member *m, int fd)
{
	char text[8];

	must(member_send(c, m, "ping", 4) == 4);
	settle();
	if (recv(fd, text, sizeof(text), MSG_DONTWAIT) != 4 || memcmp(text, "ping", 4))
		return false;
	return send(fd, "pong!", 5, 0) == 5 &&
	       member_recv(c, m, text, sizeof(text), MSG_DONTWAIT) == 5 &&
	       !memcmp(text, "pong!", 5);
}

/* What is the same for all addresses need not be looked at with the rarest. */
static bool seen_elsewhere(int family)
{
	return family == FAMILY_MAPPED && !effort_long();
}

static __u16 port(const struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET ? ((const struct sockaddr_in *)ss)->sin_port :
					  ((const struct sockaddr_in6 *)ss)->sin6_port;
}

TEST_F(peeloff, echo)
{
	struct crowd *c = &self->c;
	struct sockaddr_storage a = {}, b = {};
	socklen_t alen = sizeof(a), blen = sizeof(b);
	struct dtls_keys k = {}, was = {};
	struct member *m = &c->m[1];
	size_t len = sizeof(was);
	unsigned int i;
	socklen_t n;
	int fd;

	for (i = 0; i < MEMBERS; i++)
		ASSERT_EQ(true, alive(c, &c->m[i]));
	ASSERT_EQ(0, peer_get(c->fd, m->id, DTLS_TX, &was, &len));
	fd = peer_peeloff(c->fd, m->id, 0);
	ASSERT_LE(0, fd) TH_LOG("%d", fd);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(true, apart(c, m, fd));
	ASSERT_EQ(true, alive(c, &c->m[0]));
	ASSERT_EQ(true, alive(c, &c->m[2]));

	/* numbers go on */
	n = sizeof(k);
	ASSERT_EQ(0, getsockopt(fd, SOL_DTLS, DTLS_TX, &k, &n));
	ASSERT_EQ(was.seq + 3, k.seq);
	ASSERT_EQ(was.records + 3, k.records);

	/* where it is */
	ASSERT_EQ(0, getsockname(c->fd, (void *)&a, &alen));
	ASSERT_EQ(0, getsockname(fd, (void *)&b, &blen));
	ASSERT_EQ(alen, blen);
	ASSERT_EQ(port(&a), port(&b));
	ASSERT_EQ(0, getpeername(fd, (void *)&b, &blen));
	ASSERT_EQ(m, crowd_whose(c, &b));

	/* and where it is not */
	ASSERT_EQ(0, peer_id(c->fd, &m->addr));
	ASSERT_EQ(-1, crowd_send(c, m, "x", 1));
	ASSERT_EQ(ENOKEY, errno);
	ASSERT_EQ(-ENOENT, peer_peeloff(c->fd, m->id, 0));
	ASSERT_EQ(MEMBERS, stat_read("CurrAssociations"));
	ASSERT_EQ(0, stat_drops());

	/* one of the others after it, and then the old one goes */
	i = peer_peeloff(c->fd, c->m[2].id, 0);
	ASSERT_LT(0, (int)i);
	ASSERT_EQ(true, apart(c, &c->m[2], i));
	ASSERT_EQ(true, apart(c, m, fd));
	close(c->fd);
	ASSERT_EQ(true, apart(c, &c->m[2], i));
	close(i);
	ASSERT_EQ(true, apart(c, m, fd));
	close(fd);
	ASSERT_EQ(0, stat_read("CurrAssociations"));
	c->fd = udp_bound(variant->family);
}

/* Gone, the old one has its place again, for a new association. */
TEST_F(peeloff, closed_and_added_again)
{
	struct crowd *c = &self->c;
	struct member *m = &c->m[1];
	__u64 id = m->id;
	int fd;

	if (seen_elsewhere(variant->family))
		return;
	fd = peer_peeloff(c->fd, m->id, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(true, apart(c, m, fd));
	close(fd);
	ASSERT_EQ(0, peer_add(c, m, WAYS));
	ASSERT_NE(id, m->id);
	ASSERT_EQ(true, alive(c, m));
	ASSERT_EQ(true, alive(c, &c->m[0]));
}

/* What came before is found at the new one, in order; that of others stays. */
TEST_F(peeloff, what_waits)
{
	struct crowd *c = &self->c;
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	struct member *m = &c->m[1];
	struct sockaddr_storage from;
	int fd, i, k;

	/* in the queue of opened records, and in that of UDP */
	for (i = 0; i < 12; i++) {
		for (k = 0; k < MEMBERS; k++) {
			memset(out, 16 * k + i, 100);
			must(member_send(c, &c->m[k], out, 100 + i) == 100 + i);
		}
		if (i < 4) {
			settle();
			ASSERT_EQ(1, poll(&p, 1, 0));
			ASSERT_EQ(100, recv(c->fd, in, sizeof(in), MSG_PEEK));
		}
	}
	settle();
	fd = peer_peeloff(c->fd, m->id, 0);
	ASSERT_LE(0, fd);
	must(member_send(c, m, out, 200) == 200);
	settle();
	for (i = 0; i < 12; i++) {
		ASSERT_EQ(100 + i, recv(fd, in, sizeof(in), MSG_DONTWAIT));
		ASSERT_EQ(16 + i, in[50]);
	}
	ASSERT_EQ(200, recv(fd, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(-1, recv(fd, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(EAGAIN, errno);
	for (i = 0; i < 12; i++)
		for (k = 0; k < MEMBERS; k += 2) {
			ASSERT_EQ(100 + i, crowd_recv(c, in, sizeof(in), MSG_DONTWAIT,
						      &from, NULL, NULL));
			ASSERT_EQ(&c->m[k], crowd_whose(c, &from));
			ASSERT_EQ(16 * k + i, in[50]);
		}
	ASSERT_EQ(-1, recv(c->fd, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(0, stat_drops());
	close(fd);
}

/* An aggregate of which some has been taken, and one of which nothing has. */
TEST_F(peeloff, aggregates)
{
	struct crowd c;
	int fd, i;

	crowd_open(&c, variant->suite, variant->family, 2, true);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, set_int(c.m[i].end12.fd, SOL_UDP, UDP_SEGMENT, 300));
	fill(out, 3000, 1);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(3000, send(c.m[i % 2].end12.fd, out, 3000, 0));
	settle();
	ASSERT_EQ(300, recv(c.fd, in, sizeof(in), 0));
	fd = peer_peeloff(c.fd, c.m[0].id, 0);
	ASSERT_LE(0, fd);
	for (i = 0; i < 19; i++) {
		ASSERT_EQ(300, recv(fd, in, sizeof(in), MSG_DONTWAIT)) TH_LOG("%d", i);
		ASSERT_EQ(0, memcmp(in, out + (i + 1) % 10 * 300, 300));
	}
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(300, recv(c.fd, in, sizeof(in), MSG_DONTWAIT)) TH_LOG("%d", i);
		ASSERT_EQ(0, memcmp(in, out + i % 10 * 300, 300));
	}
	ASSERT_EQ(0, stat_drops());
	close(fd);
	crowd_close(&c);
}

TEST_F(peeloff, options)
{
	struct crowd *c = &self->c;
	static const struct {
		int level, name, value;
	} opt[] = {
		{ SOL_SOCKET, SO_RCVBUF, 70000 },
		{ SOL_SOCKET, SO_SNDBUF, 80000 },
		{ SOL_SOCKET, SO_PRIORITY, 3 },
		{ SOL_SOCKET, SO_MARK, 77 },
		{ SOL_SOCKET, SO_REUSEADDR, 1 },
		{ SOL_SOCKET, SO_BROADCAST, 1 },
		{ SOL_SOCKET, SO_TIMESTAMP, 1 },
		{ SOL_IP, IP_TOS, 0x10 },
		{ SOL_IP, IP_TTL, 33 },
		{ SOL_IP, IP_RECVTOS, 1 },
		{ SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO },
		{ SOL_IP, IP_RECVERR, 1 },
		{ SOL_DTLS, DTLS_RECVTYPE, 1 },
		{ SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_REKEY },
		{ SOL_DTLS, DTLS_PADDING, 64 },
		{ SOL_DTLS, DTLS_PASSTHROUGH, DTLS_PASS_OTHERS },
		{ SOL_UDP, UDP_SEGMENT, 400 },
		{ SOL_UDP, UDP_GRO, 1 },
	}, opt6[] = {
		{ SOL_IPV6, IPV6_TCLASS, 0x20 },
		{ SOL_IPV6, IPV6_UNICAST_HOPS, 44 },
		{ SOL_IPV6, IPV6_RECVPKTINFO, 1 },
		{ SOL_IPV6, IPV6_DONTFRAG, 1 },
	};
	size_t i;
	int fd;

	for (i = 0; i < sizeof(opt) / sizeof(*opt); i++)
		ASSERT_EQ(0, set_int(c->fd, opt[i].level, opt[i].name, opt[i].value))
			TH_LOG("%zu", i);
	for (i = 0; variant->family != FAMILY_V4 && i < sizeof(opt6) / sizeof(*opt6); i++)
		ASSERT_EQ(0, set_int(c->fd, opt6[i].level, opt6[i].name, opt6[i].value))
			TH_LOG("%zu", i);
	fd = peer_peeloff(c->fd, c->m[0].id, DTLS_PEELOFF_CLOEXEC |
					     DTLS_PEELOFF_NONBLOCK);
	ASSERT_LE(0, fd);
	for (i = 0; i < sizeof(opt) / sizeof(*opt); i++)
		ASSERT_EQ(get_int(c->fd, opt[i].level, opt[i].name),
			  get_int(fd, opt[i].level, opt[i].name)) TH_LOG("%zu", i);
	for (i = 0; variant->family != FAMILY_V4 && i < sizeof(opt6) / sizeof(*opt6); i++)
		ASSERT_EQ(get_int(c->fd, opt6[i].level, opt6[i].name),
			  get_int(fd, opt6[i].level, opt6[i].name)) TH_LOG("%zu", i);
	ASSERT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	ASSERT_EQ(O_NONBLOCK, fcntl(fd, F_GETFL) & O_NONBLOCK);
	ASSERT_EQ(-1, recv(fd, in, 1, 0));
	ASSERT_EQ(EAGAIN, errno);
	close(fd);
	fd = peer_peeloff(c->fd, c->m[1].id, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fcntl(fd, F_GETFD));
	ASSERT_EQ(0, fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
}

TEST_F(peeloff, refused)
{
	struct dtls_peer_peeloff good = {
		.size = sizeof(good), .id = self->c.m[0].id,
	}, arg;
	struct crowd *c = &self->c;
	socklen_t len = sizeof(arg);
	int fd;

	if (seen_elsewhere(variant->family))
		return;
#define BAD(error, field, value) do {					\
	arg = good;							\
	arg.field = value;						\
	len = sizeof(arg);						\
	ASSERT_EQ(-1, getsockopt(c->fd, SOL_DTLS, DTLS_PEER_PEELOFF,	\
				 &arg, &len));				\
	ASSERT_EQ(error, errno);					\
} while (0)
	BAD(EINVAL, size, sizeof(arg) - 1);
	BAD(EINVAL, size, sizeof(arg) + 1);
	BAD(EINVAL, flags, 4);
	BAD(EINVAL, fd, -1);
	BAD(EINVAL, pad, 1);
	BAD(EINVAL, id, 0);
	BAD(ENOENT, id, 99);
	len = sizeof(arg) - 1;
	ASSERT_EQ(-1, getsockopt(c->fd, SOL_DTLS, DTLS_PEER_PEELOFF, &good, &len));
	ASSERT_EQ(EINVAL, errno);
	len = sizeof(arg);
	ASSERT_EQ(-1, getsockopt(c->fd, SOL_DTLS, DTLS_PEER_PEELOFF, (void *)1, &len));
	ASSERT_EQ(EFAULT, errno);
	ASSERT_EQ(-1, setsockopt(c->fd, SOL_DTLS, DTLS_PEER_PEELOFF, &good, len));
	ASSERT_EQ(ENOPROTOOPT, errno);
	fd = peer_peeloff(c->fd, c->m[0].id, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(-ENOENT, peer_peeloff(fd, c->m[0].id, 0));
	ASSERT_EQ(-1, set_int(fd, SOL_UDP, 100 /* UDP_ENCAP */, 0));
	ASSERT_EQ(true, apart(c, &c->m[0], fd));
	close(fd);
	ASSERT_EQ(true, alive(c, &c->m[1]));
}

/* Nobody gets in between by way of the same port. */
TEST_F(peeloff, port)
{
	struct crowd *c = &self->c;
	struct sockaddr_storage me = {};
	socklen_t len = sizeof(me);
	int fd, other, way;

	if (seen_elsewhere(variant->family))
		return;
	ASSERT_EQ(0, getsockname(c->fd, (void *)&me, &len));
	fd = peer_peeloff(c->fd, c->m[0].id, 0);
	ASSERT_LE(0, fd);
	for (way = 0; way < 3; way++) {
		other = socket(me.ss_family, SOCK_DGRAM, 0);
		if (way)
			ASSERT_EQ(0, set_int(other, SOL_SOCKET, way == 1 ? SO_REUSEADDR :
					     SO_REUSEPORT, 1));
		ASSERT_EQ(-1, bind(other, (void *)&me, len));
		ASSERT_EQ(EADDRINUSE, errno);
		close(other);
	}
	close(c->fd);
	/* nor while only the new one is there */
	other = socket(me.ss_family, SOCK_DGRAM, 0);
	ASSERT_EQ(-1, bind(other, (void *)&me, len));
	ASSERT_EQ(true, apart(c, &c->m[0], fd));
	close(fd);
	ASSERT_EQ(0, bind(other, (void *)&me, len));
	c->fd = other;
}

/* Of a group that shares a port. */
TEST_F(peeloff, reuseport)
{
	struct sockaddr_storage me = {};
	socklen_t len = sizeof(me);
	int fd = -1, other, i, before, there;
	unsigned int moved = 0;
	bool ours[16];
	struct crowd c;

	crowd_prepare(&c, variant->suite, variant->family, 16, false);
	ASSERT_EQ(0, set_int(c.fd, SOL_SOCKET, SO_REUSEPORT, 1));
	ASSERT_EQ(0, getsockname(c.fd, (void *)&me, &len));
	/* before there is a group */
	ASSERT_EQ(0, peer_add(&c, &c.m[0], WAYS));
	before = peer_peeloff(c.fd, c.m[0].id, 0);
	ASSERT_LE(0, before);
	other = socket(me.ss_family, SOCK_DGRAM, 0);
	ASSERT_EQ(0, set_int(other, SOL_SOCKET, SO_REUSEPORT, 1));
	ASSERT_EQ(0, bind(other, (void *)&me, len));
	ASSERT_EQ(true, apart(&c, &c.m[0], before));
	/* who of the others is whose? */
	for (i = 1; i < 16; i++) {
		must(send(c.m[i].end12.fd, "x", 1, 0) == 1);
		ours[i] = recv_soon(other, in, 1, 0) < 0;
		moved += ours[i];
	}
	if (!moved)
		SKIP(return, "all of them are the other one's");
	moved = 0;
	for (i = 1; i < 16; i++) {
		there = c.m[i].end12.fd;
		if (!ours[i] || moved) {
			/* of those who stay none changes sides */
			must(send(there, "x", 1, 0) == 1);
			ASSERT_EQ(ours[i], recv_soon(other, in, 1, 0) < 0);
			continue;
		}
		ASSERT_EQ(0, peer_add(&c, &c.m[i], WAYS));
		ASSERT_EQ(true, alive(&c, &c.m[i]));
		fd = peer_peeloff(c.fd, c.m[i].id, 0);
		ASSERT_LE(0, fd);
		ASSERT_EQ(true, apart(&c, &c.m[i], fd));
		moved = i;
	}
	ASSERT_EQ(true, apart(&c, &c.m[0], before));
	/* the server starts anew, beside what it has left */
	close(other);
	close(c.fd);
	c.fd = socket(me.ss_family, SOCK_DGRAM, 0);
	ASSERT_EQ(0, set_int(c.fd, SOL_SOCKET, SO_REUSEPORT, 1));
	ASSERT_EQ(0, bind(c.fd, (void *)&me, len));
	ASSERT_EQ(true, apart(&c, &c.m[0], before));
	ASSERT_EQ(true, apart(&c, &c.m[moved], fd));
	must(send(c.m[moved == 1 ? 2 : 1].end12.fd, "x", 1, 0) == 1);
	ASSERT_EQ(1, recv_soon(c.fd, in, 1, 0));
	close(fd);
	close(before);
	crowd_close(&c);
}

/* A peer that knows us by another of our addresses than the one we answer from. */
TEST_F(peeloff, any_address)
{
	struct sockaddr_in any = { .sin_family = AF_INET }, *to;
	struct sockaddr_storage me = {};
	socklen_t len = sizeof(me);
	struct crowd c;
	int fd;

	if (variant->family != FAMILY_V4)
		return;
	crowd_prepare(&c, variant->suite, variant->family, 1, false);
	close(c.fd);
	c.fd = socket(AF_INET, SOCK_DGRAM, 0);
	ASSERT_EQ(0, bind(c.fd, (void *)&any, sizeof(any)));
	ASSERT_EQ(0, getsockname(c.fd, (void *)&me, &len));
	ASSERT_EQ(0, ulp_attach(c.fd));
	to = (void *)&me;
	to->sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	ASSERT_EQ(0, connect(c.m[0].end12.fd, (void *)&me, len));
	ASSERT_EQ(0, peer_add(&c, &c.m[0], WAYS));
	fd = peer_peeloff(c.fd, c.m[0].id, 0);
	ASSERT_LE(0, fd);
	must(member_send(&c, &c.m[0], out, 30) == 30);
	ASSERT_EQ(30, recv_soon(fd, in, sizeof(in), 0));
	close(fd);
	crowd_close(&c);
}

/* What goes on in DTLS 1.3 goes on. */
TEST_F(peeloff, key_update)
{
	struct crowd *c = &self->c;
	struct member *m = &c->m[1];
	struct seen13 s;
	int fd, val = 1;
	size_t len = sizeof(val);

	if (!c->v13)
		return;
	ASSERT_EQ(0, peer_set(c->fd, m->id, DTLS_KEY_UPDATE, &val, 4));
	ASSERT_EQ(0, peer_get(c->fd, m->id, DTLS_KEY_UPDATE, &val, &len));
	ASSERT_EQ(1, val);
	fd = peer_peeloff(c->fd, m->id, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(1, get_int(fd, SOL_DTLS, DTLS_KEY_UPDATE));
	far13_collect(&m->end13, &s);
	ASSERT_LE(1, s.updates);
	far13_ack(&m->end13, &s.update, 1);
	/* the program need not read */
	while (get_int(fd, SOL_DTLS, DTLS_KEY_UPDATE))
		usleep(10000);
	ASSERT_EQ(true, apart(c, m, fd));
	ASSERT_EQ(true, alive(c, &c->m[0]));
	close(fd);
}

TEST_F(peeloff, closed_peer)
{
	struct crowd *c = &self->c;
	int fd;

	if (seen_elsewhere(variant->family))
		return;
	must(member_alert(c, &c->m[0], ALERT_FATAL, ALERT_INTERNAL_ERROR) == 2);
	ASSERT_EQ(-1, crowd_recv(c, in, sizeof(in), MSG_DONTWAIT, NULL, NULL, NULL));
	fd = peer_peeloff(c->fd, c->m[0].id, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, recv(fd, in, sizeof(in), 0));
	close(fd);
}

static void keep(const struct genl_msg *m, const struct nlmsghdr *nlh, void *arg)
{
	struct seen *s = arg;

	(void)nlh;
	s->count++;
	s->m = *m;
}

TEST_F(peeloff, netlink)
{
	struct crowd *c = &self->c;
	struct seen s = {};
	struct genl g;
	int fd;

	if (seen_elsewhere(variant->family))
		return;
	genl_open(&g);
	ASSERT_EQ(0, genl_join(&g, g.events));
	fd = peer_peeloff(c->fd, c->m[0].id, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(true, genl_event(&g, keep, &s));
	ASSERT_EQ(DTLS_EVENT_REMOVED, genl_get_u32(s.m.attr[DTLS_A_EVENT]));
	ASSERT_EQ(c->m[0].id, genl_get_u64(s.m.attr[DTLS_A_PEER_ID]));
	ASSERT_EQ(cookie_of(c->fd), genl_get_u64(s.m.attr[DTLS_A_COOKIE]));
	ASSERT_EQ(true, genl_event(&g, keep, &s));
	ASSERT_EQ(DTLS_EVENT_ADDED, genl_get_u32(s.m.attr[DTLS_A_EVENT]));
	ASSERT_EQ(NULL, s.m.attr[DTLS_A_PEER_ID]);
	ASSERT_EQ(cookie_of(fd), genl_get_u64(s.m.attr[DTLS_A_COOKIE]));
	close(fd);
	genl_close(&g);
}

/* ---- Somebody is at it, and does not come to an end */

struct stalled {
	struct crowd *c;
	struct stall stall;
};

static void *stalled_send(void *arg)
{
	struct stalled *s = arg;

	must(crowd_send(s->c, &s->c->m[0], s->stall.page, 100) == 100);
	return NULL;
}

TEST_F(peeloff, busy)
{
	struct crowd *c = &self->c;
	struct stalled s = { .c = c };
	struct member *m = &c->m[0];
	pthread_t thread;
	int i, fd;

	/* that takes a second */
	if (variant->family != FAMILY_V4)
		return;
	if (!stall_open(&s.stall))
		SKIP(return, "no userfaultfd in this kernel");
	ASSERT_EQ(0, pthread_create(&thread, NULL, stalled_send, &s));
	stall_wait(&s.stall);
	for (i = 0; i < 5; i++)
		must(member_send(c, m, out, 10 + i) == 10 + i);
	settle();
	ASSERT_EQ(-EBUSY, peer_peeloff(c->fd, m->id, 0));
	/* as if nothing had been */
	for (i = 0; i < 5; i++)
		ASSERT_EQ(10 + i, crowd_recv(c, in, sizeof(in), MSG_DONTWAIT, NULL,
					     NULL, NULL));
	stall_end(&s.stall, out);
	pthread_join(thread, NULL);
	stall_close(&s.stall);
	ASSERT_EQ(100, member_recv(c, m, in, sizeof(in), 0));
	ASSERT_EQ(true, alive(c, m));
	fd = peer_peeloff(c->fd, m->id, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(true, apart(c, m, fd));
	ASSERT_EQ(0, stat_drops());
	close(fd);
}

/* ---- Several want it at the same time, and others want it gone */

struct want {
	struct crowd *c;
	bool gone;
	bool stop;
	unsigned int had;
};

static void *want(void *arg)
{
	struct want *w = arg;
	unsigned int i = 0;
	int ret;

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		struct member *m = &w->c->m[i++ % w->c->nr];
		__u64 id = __atomic_load_n(&m->id, __ATOMIC_RELAXED);

		if (w->gone) {
			ret = -peer_del(w->c->fd, id, i % 2 ? DTLS_PEER_NOTIFY : 0);
			w->had += !ret;
		} else {
			ret = peer_peeloff(w->c->fd, id, 0);
			w->had += ret >= 0;
			if (ret >= 0)
				close(ret);
		}
		must(ret >= 0 || ret == -ENOENT || ret == -EBUSY);
	}
	return NULL;
}

TEST_F(peeloff, wanted_by_many)
{
	const unsigned int times = effort(30, 20, 5000);
	struct want w[3] = {};
	pthread_t thread[3];
	unsigned int i, had;
	struct crowd c;

	if (seen_elsewhere(variant->family))
		return;
	crowd_open(&c, variant->suite, variant->family, 2, true);
	for (i = 0; i < 3; i++) {
		w[i].c = &c;
		w[i].gone = i == 2;
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, want, &w[i]));
	}
	for (i = 0; i < times; i++) {
		int err = peer_add(&c, &c.m[i % 2], WAYS | DTLS_PEER_REPLACE);

		ASSERT_TRUE(!err || err == EBUSY) TH_LOG("%d", err);
		send(c.m[i % 2].end12.fd, out, 100, MSG_DONTWAIT);
		recv(c.fd, in, sizeof(in), MSG_DONTWAIT);
	}
	for (i = 0, had = 0; i < 3; i++) {
		__atomic_store_n(&w[i].stop, true, __ATOMIC_RELAXED);
		pthread_join(thread[i], NULL);
		had += w[i].had;
	}
	/* each once, and two were there from the start */
	ASSERT_GE(times + 2, had);
	crowd_close(&c);
	/* those of the fixture, and of the far ends that are closed */
	ASSERT_EQ(MEMBERS, stat_read("CurrAssociations"));
}

/* ---- Under traffic */

#define RECORDS		2000
#define AHEAD		200	/* that may be on their way: nothing is lost for room */

struct flow {
	struct crowd *c;
	unsigned int who;
	unsigned int nr;
	unsigned int got;		/* by whoever reads */
	__u8 seen[RECORDS];	/* how often, and by whom */
};

#define AT_OLD		1
#define AT_NEW		16

static struct flow flows[MEMBERS];

static void *talk(void *arg)
{
	struct flow *f = arg;
	__u32 i, msg[2] = { f->who };

	for (i = 0; i < f->nr; i++) {
		while (i >= __atomic_load_n(&f->got, __ATOMIC_ACQUIRE) + AHEAD)
			sched_yield();
		msg[1] = i;
		must(send(f->c->m[f->who].end12.fd, msg, sizeof(msg), 0) ==
		     sizeof(msg));
	}
	return NULL;
}

struct ears {
	int fd;
	__u8 mark;
	bool stop;
};

static void *hear(void *arg)
{
	struct ears *e = arg;
	struct pollfd p = { .fd = e->fd, .events = POLLIN };
	__u32 msg[2];
	ssize_t n;

	/* half of those who listen poll, and half of them sleep in recv() */
	while (!__atomic_load_n(&e->stop, __ATOMIC_RELAXED)) {
		n = recv(e->fd, msg, sizeof(msg), MSG_DONTWAIT);
		if (n < 0) {
			must(errno == EAGAIN);
			poll(&p, 1, 10);
			continue;
		}
		must(n == sizeof(msg) && msg[0] < MEMBERS &&
		     msg[1] < flows[msg[0]].nr);
		__atomic_fetch_add(&flows[msg[0]].seen[msg[1]], e->mark,
				   __ATOMIC_RELAXED);
		__atomic_fetch_add(&flows[msg[0]].got, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Until all is heard, or lost. */
static void finish(const struct flow *f)
{
	int ms;

	for (ms = 0; ms < 60000; ms++) {
		if (__atomic_load_n(&f->got, __ATOMIC_ACQUIRE) >= f->nr)
			break;
		usleep(1000);
	}
}

TEST_F(peeloff, under_traffic)
{
	const unsigned int rounds = effort(1, 1, 100);
	const unsigned int nr = effort(RECORDS, 800, RECORDS);
	pthread_t talkers[MEMBERS], listeners[3];
	struct ears ears[3];
	unsigned int r, i, k, old, new;
	struct crowd c;
	int fd;

	for (r = 0; r < rounds; r++) {
		crowd_open(&c, variant->suite, variant->family, MEMBERS, true);
		must(!set_int(c.fd, SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20));
		memset(flows, 0, sizeof(flows));
		for (i = 0; i < 2; i++) {
			ears[i] = (struct ears){ c.fd, AT_OLD, false };
			pthread_create(&listeners[i], NULL, hear, &ears[i]);
		}
		for (i = 0; i < MEMBERS; i++) {
			flows[i].c = &c;
			flows[i].who = i;
			flows[i].nr = nr;
			pthread_create(&talkers[i], NULL, talk, &flows[i]);
		}
		while (__atomic_load_n(&flows[0].got, __ATOMIC_RELAXED) < nr / 4)
			sched_yield();
		fd = peer_peeloff(c.fd, c.m[0].id, 0);
		ASSERT_LE(0, fd) TH_LOG("%d", fd);
		ears[2] = (struct ears){ fd, AT_NEW, false };
		pthread_create(&listeners[2], NULL, hear, &ears[2]);
		for (i = 0; i < MEMBERS; i++)
			pthread_join(talkers[i], NULL);
		for (i = 0; i < MEMBERS; i++)
			finish(&flows[i]);
		for (i = 0; i < 3; i++) {
			__atomic_store_n(&ears[i].stop, true, __ATOMIC_RELAXED);
			pthread_join(listeners[i], NULL);
		}
		old = 0;
		new = 0;
		for (i = 0; i < MEMBERS; i++)
			for (k = 0; k < nr; k++) {
				__u8 seen = flows[i].seen[k];

				ASSERT_TRUE(seen == AT_OLD || (!i && seen == AT_NEW))
					TH_LOG("round %u: %u of %u: %x", r, k, i, seen);
				old += !i && seen == AT_OLD;
				new += seen == AT_NEW;
			}
		ASSERT_LT(0, old);
		ASSERT_LT(0, new);
		ASSERT_EQ(0, stat_drops());
		close(fd);
		crowd_close(&c);
	}
}

TEST_HARNESS_MAIN
