// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: yes */
/*
 * Peers with connection IDs that are elsewhere all of a sudden. Each far end is kdtls,
 * connected to a relay of ours, which has two addresses towards the near end and
 * decides what goes from which of them, and when.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <linux/filter.h>

#include "lib/crowd.h"

#define CID_LEN		6

struct mobile {
	int far;
	int in;			/* the relay's, towards the far end */
	int out[2];		/* and towards the near end */
	struct sockaddr_storage addr[2];
	struct dtls_keys tx, rx;	/* as the near end has them */
	__u64 id;
};

static __u8 in[4096];

FIXTURE(move) {
	struct crowd near;		/* without members */
	struct mobile a, b;
};

FIXTURE_VARIANT(move) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(move, v12_v6) { SUITE_AES_128_GCM, FAMILY_V6 };
FIXTURE_VARIANT_ADD(move, v13_v4) { SUITE13_AES_128_GCM, FAMILY_V4 };

static void keys_make(struct dtls_keys *k, __u16 suite, unsigned int seed)
{
	struct oracle13_key o13;
	struct oracle_key o12;

	if (suite >> 8 == 0x13) {
		oracle13_key_init(&o13, suite, EPOCH13, seed);
		key13_fill(k, &o13, 7);
	} else {
		oracle_key_init(&o12, suite, 1, seed);
		key_fill(k, &o12);
	}
}

static void mobile_open(struct mobile *m, int near, __u16 suite, int family,
			unsigned int seed)
{
	socklen_t len;
	int i;

	m->in = udp_bound(family);
	m->far = udp_bound(family);
	udp_connect(m->far, m->in);
	udp_connect(m->in, m->far);
	for (i = 0; i < 2; i++) {
		m->out[i] = udp_bound(family);
		udp_connect(m->out[i], near);
		memset(&m->addr[i], 0, sizeof(m->addr[i]));
		len = sizeof(m->addr[i]);
		must(!getsockname(m->out[i], (void *)&m->addr[i], &len));
	}
	keys_make(&m->tx, suite, seed);
	keys_make(&m->rx, suite, seed + 1);
	m->rx.cid_len = CID_LEN;
	memset(m->rx.cid, seed, CID_LEN);
	must(!ulp_attach(m->far));
	must(!setsockopt(m->far, SOL_DTLS, DTLS_TX, &m->rx, sizeof(m->rx)));
	must(!setsockopt(m->far, SOL_DTLS, DTLS_RX, &m->tx, sizeof(m->tx)));
}

static int mobile_add(struct mobile *m, int near)
{
	struct {
		struct dtls_peer_info info;
		struct dtls_keys tx, rx;
	} add = {
		.info = { .size = sizeof(add.info),
			  .flags = DTLS_PEER_TX | DTLS_PEER_RX },
		.tx = m->tx, .rx = m->rx,
	};

	memcpy(&add.info.addr, &m->addr[0], sizeof(m->addr[0]));
	if (setsockopt(near, SOL_DTLS, DTLS_PEER_ADD, &add, sizeof(add)))
		return errno;
	m->id = peer_id(near, &m->addr[0]);
	return 0;
}

static void mobile_close(struct mobile *m)
{
	close(m->far);
	close(m->in);
	close(m->out[0]);
	close(m->out[1]);
}

FIXTURE_SETUP(move)
{
	netns_new();
	crowd_prepare(&self->near, variant->suite, variant->family, 0, false);
	mobile_open(&self->a, self->near.fd, variant->suite, variant->family, 10);
	mobile_open(&self->b, self->near.fd, variant->suite, variant->family, 20);
	ASSERT_EQ(0, mobile_add(&self->a, self->near.fd));
	ASSERT_EQ(0, mobile_add(&self->b, self->near.fd));
	ASSERT_EQ(0, set_int(self->near.fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
	ASSERT_EQ(0, set_int(self->near.fd, SOL_DTLS, DTLS_RECVPEER, 1));
}

FIXTURE_TEARDOWN(move)
{
	crowd_close(&self->near);
	mobile_close(&self->a);
	mobile_close(&self->b);
}

/* A datagram of the far end, as it is on the wire. */
static size_t record(struct mobile *m, const char *text, __u8 *wire)
{
	ssize_t n;

	must(send(m->far, text, strlen(text), 0) == (ssize_t)strlen(text));
	n = recv(m->in, wire, 2048, 0);
	must(n > 0);
	return n;
}

static void post(struct mobile *m, int way, const __u8 *wire, size_t len)
{
	must(send(m->out[way], wire, len, 0) == (ssize_t)len);
}

static void say(struct mobile *m, int way, const char *text)
{
	__u8 wire[2048];

	post(m, way, wire, record(m, text, wire));
}

static bool same_port(const struct sockaddr_storage *a,
		      const struct sockaddr_storage *b)
{
	/* at the same place in both families */
	return a->ss_family == b->ss_family && !memcmp(a->__ss_padding, b->__ss_padding, 2);
}

/* The near end has got just that, from there. */
static bool heard(const struct crowd *near, struct mobile *m, int way,
		  const char *text)
{
	struct sockaddr_storage from;
	__u64 id;

	return crowd_recv(near, in, sizeof(in), MSG_DONTWAIT, &from, &id, NULL) ==
	       (ssize_t)strlen(text) && !memcmp(in, text, strlen(text)) &&
	       id == m->id && same_port(&from, &m->addr[way]);
}

static bool nothing(const struct crowd *near)
{
	return crowd_recv(near, in, sizeof(in), MSG_DONTWAIT, NULL, NULL, NULL) < 0 &&
	       errno == EAGAIN;
}

static int send_to(const struct crowd *near, const struct mobile *m, size_t len)
{
	union {
		char buf[CMSG_SPACE(sizeof(__u64))];
		struct cmsghdr align;
	} u = {};
	struct iovec iov = { in, len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.buf,
		.msg_controllen = sizeof(u.buf),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_level = SOL_DTLS;
	cm->cmsg_type = DTLS_PEER_ID;
	cm->cmsg_len = CMSG_LEN(sizeof(__u64));
	memcpy(CMSG_DATA(cm), &m->id, sizeof(m->id));
	return sendmsg(near->fd, &msg, 0) < 0 ? errno : 0;
}

/* Which way does it go that is for this peer? -1: none. */
static int way_to(const struct crowd *near, struct mobile *m)
{
	__u8 wire[2048];
	ssize_t n;
	int i;

	if (send_to(near, m, 10))
		return -1;
	for (i = 0; i < 2; i++) {
		n = recv_soon(m->out[i], wire, sizeof(wire), 0);
		if (n <= 0)
			continue;
		must(send(m->in, wire, n, 0) == n);
		return recv_soon(m->far, wire, sizeof(wire), 0) == 10 ? i : -1;
	}
	return -1;
}

/* The next event is that move. */
static bool told(const struct crowd *near, const struct mobile *m, int way)
{
	struct sockaddr_storage from;
	struct sock_extended_err ee;
	__u64 id;

	return crowd_event(near, &ee, &id, &from) && ee.ee_type == DTLS_EVENT_MOVED &&
	       ee.ee_errno == ENOMSG && id == m->id &&
	       same_port(&from, &m->addr[way]);
}

static bool silent(const struct crowd *near)
{
	struct sockaddr_storage from;
	struct sock_extended_err ee;
	__u64 id;

	return !crowd_event(near, &ee, &id, &from);
}

static int confirm(const struct crowd *near, const struct mobile *m, int way)
{
	struct dtls_peer_info info = { .size = sizeof(info), .id = m->id };

	memcpy(&info.addr, &m->addr[way], sizeof(info.addr));
	return setsockopt(near->fd, SOL_DTLS, DTLS_PEER_MOVE, &info,
			  sizeof(info)) ? errno : 0;
}

static void policy(const struct crowd *near, int move)
{
	must(!set_int(near->fd, SOL_DTLS, DTLS_MOVE, move));
}

TEST_F(move, off)
{
	struct crowd *near = &self->near;
	struct mobile *a = &self->a;

	ASSERT_EQ(DTLS_MOVE_OFF, get_int(near->fd, SOL_DTLS, DTLS_MOVE));
	say(a, 0, "here");
	ASSERT_EQ(true, heard(near, a, 0, "here"));
	say(a, 1, "there");
	ASSERT_EQ(true, nothing(near));
	ASSERT_EQ(1, stat_read("RxDropStranger"));
	ASSERT_EQ(true, silent(near));
	say(a, 0, "here again");
	ASSERT_EQ(true, heard(near, a, 0, "here again"));
	ASSERT_EQ(0, way_to(near, a));
	ASSERT_EQ(0, stat_read("RxMoved"));
}

TEST_F(move, confirmed)
{
	struct crowd *near = &self->near;
	struct mobile *a = &self->a;

	policy(near, DTLS_MOVE_CONFIRM);
	ASSERT_EQ(DTLS_MOVE_CONFIRM, get_int(near->fd, SOL_DTLS, DTLS_MOVE));
	say(a, 0, "here");
	ASSERT_EQ(true, heard(near, a, 0, "here"));
	ASSERT_EQ(true, silent(near));
	say(a, 1, "there");
	ASSERT_EQ(true, heard(near, a, 1, "there"));
	ASSERT_EQ(true, told(near, a, 1));
	/* it is not followed yet, nor told of twice */
	ASSERT_EQ(0, way_to(near, a));
	say(a, 1, "still there");
	ASSERT_EQ(true, heard(near, a, 1, "still there"));
	ASSERT_EQ(true, silent(near));
	ASSERT_EQ(0, confirm(near, a, 1));
	ASSERT_EQ(1, way_to(near, a));
	ASSERT_EQ(0, peer_id(near->fd, &a->addr[0]));
	ASSERT_EQ(a->id, peer_id(near->fd, &a->addr[1]));
	say(a, 1, "at home");
	ASSERT_EQ(true, heard(near, a, 1, "at home"));
	ASSERT_EQ(true, silent(near));
	ASSERT_EQ(1, stat_read("RxMoved"));
	/* the place is free for others */
	say(&self->b, 0, "b");
	ASSERT_EQ(true, heard(near, &self->b, 0, "b"));
	ASSERT_EQ(0, way_to(near, &self->b));
	ASSERT_EQ(0, stat_drops());
}

/* What either end sends gets to the other, until none has anything to say. */
static void shuttle(const struct crowd *near, struct mobile *m, int way)
{
	__u8 wire[2048];
	bool more = true;
	ssize_t n;

	while (more) {
		more = false;
		while ((n = recv_soon(m->out[way], wire, sizeof(wire), 0)) > 0) {
			must(send(m->in, wire, n, 0) == n);
			more = true;
		}
		must(recv_soon(m->far, wire, sizeof(wire), 0) < 0);
		while ((n = recv_soon(m->in, wire, sizeof(wire), 0)) > 0) {
			post(m, way, wire, n);
			more = true;
		}
		must(nothing(near));
	}
}

static void offer_fill(struct dtls_new_cid *o, __u8 usage, unsigned int count, __u8 first)
{
	unsigned int i;

	memset(o, 0, sizeof(*o));
	o->size = sizeof(*o);
	o->usage = usage;
	o->count = count;
	o->cid_len = CID_LEN;
	for (i = 0; i < count; i++)
		memset(o->cid[i], first + i, CID_LEN);
}

static int offer(const struct crowd *near, const struct mobile *m,
		 const struct dtls_new_cid *o)
{
	return peer_set(near->fd, m->id, DTLS_NEW_CID, o, sizeof(*o));
}

static int offered(const struct crowd *near, const struct mobile *m)
{
	size_t len = sizeof(int);
	int val;

	must(!peer_get(near->fd, m->id, DTLS_NEW_CID, &val, &len));
	return val;
}

/* Connection IDs that a peer is given later, and is found by. */
TEST_F(move, new_connection_ids)
{
	struct crowd *near = &self->near;
	struct mobile *a = &self->a, *b = &self->b;
	struct dtls_new_cid o, p;
	__u8 wire[2048];
	size_t n;

	offer_fill(&o, DTLS_CID_SPARE, 2, 0xa0);
	if (variant->suite >> 8 != 0x13) {
		ASSERT_EQ(EOPNOTSUPP, offer(near, a, &o));
		return;
	}
	ASSERT_EQ(0, set_int(near->fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_MOVED));
	policy(near, DTLS_MOVE_AUTO);
	ASSERT_EQ(0, offer(near, a, &o));
	ASSERT_EQ(1, offered(near, a));
	shuttle(near, a, 0);
	ASSERT_EQ(0, offered(near, a));

	/* nobody else may have it, neither for a new peer nor for an old one */
	offer_fill(&p, DTLS_CID_SPARE, 3, 0x9f);
	ASSERT_EQ(EEXIST, offer(near, b, &p));
	offer_fill(&p, DTLS_CID_SPARE, 1, 10);
	ASSERT_EQ(EEXIST, offer(near, b, &p));
	offer_fill(&p, DTLS_CID_SPARE, 1, 0x9f);
	ASSERT_EQ(0, offer(near, b, &p));
	shuttle(near, b, 0);

	/* it is found by the old one, and by the new one, wherever it is */
	say(a, 1, "as before");
	ASSERT_EQ(true, heard(near, a, 1, "as before"));
	ASSERT_EQ(true, told(near, a, 1));
	ASSERT_EQ(0, set_int(a->far, SOL_DTLS, DTLS_NEXT_CID, 1));
	n = record(a, "by another name", wire);
	ASSERT_EQ(0, memcmp(wire + 1, o.cid[0], CID_LEN));
	post(a, 0, wire, n);
	ASSERT_EQ(true, heard(near, a, 0, "by another name"));
	ASSERT_EQ(true, told(near, a, 0));

	/* many: the first of them are taken no more, and may be another's */
	offer_fill(&p, DTLS_CID_IMMEDIATE, 8, 0xb0);
	ASSERT_EQ(0, offer(near, a, &p));
	shuttle(near, a, 0);
	say(a, 0, "by the next");
	ASSERT_EQ(true, heard(near, a, 0, "by the next"));
	ASSERT_EQ(EEXIST, offer(near, b, &o));
	offer_fill(&p, DTLS_CID_IMMEDIATE, 8, 0xc0);
	ASSERT_EQ(0, offer(near, a, &p));
	shuttle(near, a, 0);
	ASSERT_EQ(0, offer(near, b, &o));
	shuttle(near, b, 0);
	say(a, 0, "and the next");
	ASSERT_EQ(true, heard(near, a, 0, "and the next"));

	/* and all of them when the peer is gone */
	ASSERT_EQ(EEXIST, offer(near, b, &p));
	ASSERT_EQ(0, peer_del(near->fd, a->id, 0));
	ASSERT_EQ(0, offer(near, b, &p));
	shuttle(near, b, 0);
	say(b, 1, "b");
	ASSERT_EQ(true, heard(near, b, 1, "b"));
	ASSERT_EQ(0, stat_drops());
}

TEST_F(move, followed)
{
	struct crowd *near = &self->near;
	struct mobile *a = &self->a;
	int i;

	policy(near, DTLS_MOVE_AUTO);
	for (i = 0; i < 6; i++) {
		say(a, i % 2, "a long way round, so that there may be an answer");
		ASSERT_EQ(true, heard(near, a, i % 2,
				      "a long way round, so that there may be an answer"));
		if (i)
			ASSERT_EQ(true, told(near, a, i % 2));
		ASSERT_EQ(true, silent(near));
		ASSERT_EQ(i % 2, way_to(near, a)) TH_LOG("time %d", i);
	}
	ASSERT_EQ(5, stat_read("RxMoved"));
	ASSERT_EQ(0, stat_drops());
}

/* An older record, a copy, and one that is not authentic: nobody has moved. */
TEST_F(move, not_for_that)
{
	struct crowd *near = &self->near;
	struct mobile *a = &self->a;
	__u8 one[2048], two[2048];
	size_t n, m;

	policy(near, DTLS_MOVE_AUTO);
	n = record(a, "older", one);
	m = record(a, "newer", two);
	post(a, 0, two, m);
	ASSERT_EQ(true, heard(near, a, 0, "newer"));
	post(a, 1, one, n);
	ASSERT_EQ(true, heard(near, a, 1, "older"));
	ASSERT_EQ(true, silent(near));
	ASSERT_EQ(0, way_to(near, a));

	post(a, 1, two, m);
	ASSERT_EQ(true, nothing(near));
	ASSERT_EQ(1, stat_read("RxDropReplay"));
	ASSERT_EQ(true, silent(near));

	n = record(a, "forged", one);
	one[n - 1] ^= 1;
	post(a, 1, one, n);
	ASSERT_EQ(true, nothing(near));
	ASSERT_EQ(1, stat_read("RxDropAuth"));
	/* nobody's connection ID */
	one[n - 1] ^= 1;
	memset(one + (variant->suite >> 8 == 0x13 ? 1 : 11), 99, CID_LEN);
	post(a, 0, one, n);
	post(a, 1, one, n);
	ASSERT_EQ(true, nothing(near));
	ASSERT_EQ(2, stat_read("RxDropStranger"));
	/* and shorter than one */
	post(a, 1, one, 4);
	post(a, 0, one, 4);
	ASSERT_EQ(true, nothing(near));
	ASSERT_EQ(true, silent(near));
	ASSERT_EQ(0, way_to(near, a));
	ASSERT_EQ(0, stat_read("RxMoved"));
}

/* Where another one is. */
TEST_F(move, taken)
{
	struct crowd *near = &self->near;
	struct mobile *a = &self->a, *b = &self->b;
	int fd = a->out[1];

	policy(near, DTLS_MOVE_AUTO);
	a->out[1] = b->out[0];
	a->addr[1] = b->addr[0];
	say(a, 1, "in disguise");
	ASSERT_EQ(true, heard(near, a, 1, "in disguise"));
	ASSERT_EQ(true, silent(near));
	ASSERT_EQ(EEXIST, confirm(near, a, 1));
	ASSERT_EQ(b->id, peer_id(near->fd, &b->addr[0]));
	ASSERT_EQ(a->id, peer_id(near->fd, &a->addr[0]));
	ASSERT_EQ(0, way_to(near, a));
	ASSERT_EQ(0, way_to(near, b));
	say(b, 0, "b");
	ASSERT_EQ(true, heard(near, b, 0, "b"));
	a->out[1] = fd;
	/* free, and then it may */
	ASSERT_EQ(0, peer_del(near->fd, b->id, 0));
	ASSERT_EQ(0, confirm(near, a, 1));
	ASSERT_EQ(a->id, peer_id(near->fd, &b->addr[0]));
}

/* Who has moved by itself gets three times what it sends, until it was asked. */
TEST_F(move, capped)
{
	struct crowd *near = &self->near;
	struct mobile *a = &self->a;
	__u8 wire[2048];
	size_t n;
	int i;

	policy(near, DTLS_MOVE_AUTO);
	ASSERT_EQ(0, send_to(near, a, 1000));
	n = record(a, "moved", wire);
	post(a, 1, wire, n);
	ASSERT_EQ(true, heard(near, a, 1, "moved"));
	ASSERT_EQ(true, told(near, a, 1));
	ASSERT_EQ(ENOBUFS, send_to(near, a, 3 * n));
	ASSERT_EQ(ENOBUFS, send_to(near, a, 1000));
	/* one record with as much around it: two of them are in it at least */
	ASSERT_EQ(0, send_to(near, a, 5));
	ASSERT_EQ(0, send_to(near, a, 5));
	for (i = 0; i < 8 && !send_to(near, a, 5); i++)
		;
	ASSERT_GT(8, i);
	/* the others may get what they like */
	ASSERT_EQ(0, send_to(near, &self->b, 1000));
	say(a, 1, "and once more");
	ASSERT_EQ(true, heard(near, a, 1, "and once more"));
	ASSERT_EQ(0, send_to(near, a, 5));
	ASSERT_EQ(ENOBUFS, send_to(near, a, 1000));
	ASSERT_EQ(0, confirm(near, a, 1));
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, send_to(near, a, 1000));
	ASSERT_EQ(true, silent(near));
}

TEST_F(move, refused)
{
	struct dtls_peer_info info = { .size = sizeof(info) };
	struct crowd *near = &self->near;
	struct mobile c;

	ASSERT_EQ(-1, set_int(near->fd, SOL_DTLS, DTLS_MOVE, 3));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(-1, set_int(near->fd, SOL_DTLS, DTLS_MOVE, -1));
	ASSERT_EQ(EINVAL, errno);

	/* the connection ID of another, or one of another length */
	mobile_open(&c, near->fd, variant->suite, variant->family, 30);
	memcpy(c.rx.cid, self->a.rx.cid, CID_LEN);
	ASSERT_EQ(EEXIST, mobile_add(&c, near->fd));
	ASSERT_EQ(0, peer_id(near->fd, &c.addr[0]));
	memset(c.rx.cid, 30, CID_LEN + 1);
	c.rx.cid_len++;
	ASSERT_EQ(EINVAL, mobile_add(&c, near->fd));
	/* none at all: not to be followed, but good where it is */
	memset(c.rx.cid, 0, CID_LEN + 1);
	c.rx.cid_len = 0;
	ASSERT_EQ(0, mobile_add(&c, near->fd));
	ASSERT_EQ(0, peer_del(near->fd, c.id, 0));
	/* the ID is free again with its peer */
	ASSERT_EQ(0, peer_del(near->fd, self->b.id, 0));
	ASSERT_EQ(0, mobile_add(&self->b, near->fd));

	ASSERT_EQ(ENOENT, confirm(near, &c, 1));
	c.id = 0;
	ASSERT_EQ(EINVAL, confirm(near, &c, 1));
	info.id = self->a.id;
	ASSERT_EQ(-1, setsockopt(near->fd, SOL_DTLS, DTLS_PEER_MOVE, &info,
				 sizeof(info)));
	ASSERT_EQ(EAFNOSUPPORT, errno);
	memcpy(&info.addr, &self->a.addr[1], sizeof(info.addr));
	info.flags = DTLS_PEER_TX;
	ASSERT_EQ(-1, setsockopt(near->fd, SOL_DTLS, DTLS_PEER_MOVE, &info,
				 sizeof(info)));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(0, way_to(near, &self->a));
	mobile_close(&c);
}

/* Another socket on the port of the near end, attached. */
static int join_port(const struct crowd *near)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	int fd = socket(near->family == FAMILY_V4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);

	must(fd >= 0 && !getsockname(near->fd, (void *)&addr, &len));
	must(!set_int(near->fd, SOL_SOCKET, SO_REUSEPORT, 1));
	must(!set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1));
	must(!bind(fd, (void *)&addr, len) && !ulp_attach(fd));
	return fd;
}

/* As in Documentation/networking/dtls.rst; the IDs are of tens here, and of twenties. */
static void steer(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ, 25, 4, 0),
		BPF_STMT(BPF_ALU | BPF_AND, 0xf0),
		BPF_JUMP(BPF_JMP | BPF_JEQ, 0x30, 0, 6),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1),
		BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 11),
		BPF_STMT(BPF_ALU | BPF_DIV, 10),
		BPF_STMT(BPF_ALU | BPF_SUB, 1),
		BPF_STMT(BPF_RET | BPF_A, 0),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(*code), code };

	must(!setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog, sizeof(prog)));
}

/* From one address after the other, as the peer gets them from some NAT. */
TEST_F(move, steered_to_one_of_many_sockets)
{
	struct crowd *near = &self->near, other = *near;
	struct mobile *m[2] = { &self->a, &self->b };
	__u8 wire[2048];
	size_t len;
	int i, fd;

	other.fd = join_port(near);
	steer(near->fd);
	must(!peer_del(near->fd, self->b.id, 0));
	ASSERT_EQ(0, mobile_add(&self->b, other.fd));
	policy(near, DTLS_MOVE_AUTO);
	policy(&other, DTLS_MOVE_AUTO);
	for (i = 0; i < 16; i++) {
		len = record(m[i % 2], "hello", wire);
		fd = udp_bound(variant->family);
		udp_connect(fd, near->fd);
		must(send(fd, wire, len, 0) == (ssize_t)len);
		ASSERT_EQ(5, crowd_recv(i % 2 ? &other : near, in, sizeof(in),
					MSG_DONTWAIT, NULL, NULL, NULL)) TH_LOG("%d", i);
		ASSERT_EQ(true, nothing(i % 2 ? near : &other));
		close(fd);
	}
	ASSERT_EQ(16, stat_read("RxMoved"));
	close(other.fd);
}

TEST_HARNESS_MAIN
