// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto -lpthread */
/* kselftest-debug: yes */
/* kselftest-kcsan: yes */
/*
 * An unconnected socket and its peers: who is found, by address and by identifier;
 * what each gets and sends, one by one and in batches; who is nobody; and that the
 * misfortune of one is none of the others'.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "lib/crowd.h"
#include "lib/effort.h"

#define MEMBERS		5
#define WAYS		(DTLS_PEER_TX | DTLS_PEER_RX)

static __u8 in[DTLS_PLAINTEXT_MAX], out[65536];

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

FIXTURE(peers) {
	struct crowd c;
};

FIXTURE_VARIANT(peers) {
	__u16 suite;
	int family;
	bool slow;		/* on slow kernels as well */
};

FIXTURE_VARIANT_ADD(peers, v12_gcm_v4) { SUITE_AES_128_GCM, FAMILY_V4, true };
FIXTURE_VARIANT_ADD(peers, v12_ccm_v6) { SUITE_AES_128_CCM, FAMILY_V6, false };
FIXTURE_VARIANT_ADD(peers, v13_gcm_v4) { SUITE13_AES_128_GCM, FAMILY_V4, false };
FIXTURE_VARIANT_ADD(peers, v13_chacha_v6) { SUITE13_CHACHA20, FAMILY_V6, true };
FIXTURE_VARIANT_ADD(peers, v13_gcm_mapped) { SUITE13_AES_256_GCM, FAMILY_MAPPED, false };

FIXTURE_SETUP(peers)
{
	if (effort_slow() && !effort_long() && !variant->slow)
		SKIP(return, "not on a slow kernel");
	netns_new();
	crowd_open(&self->c, variant->suite, variant->family, MEMBERS, false);
}

FIXTURE_TEARDOWN(peers)
{
	if (self->c.m)
		crowd_close(&self->c);
}

static int recv_now(const struct crowd *c)
{
	ssize_t n = crowd_recv(c, in, sizeof(in), MSG_DONTWAIT, NULL, NULL, NULL);

	return n < 0 ? -errno : n;
}

/* Data goes both ways between the socket and this member. */
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

static bool all_alive(const struct crowd *c)
{
	unsigned int i;

	for (i = 0; i < c->nr; i++)
		if (!alive(c, &c->m[i]))
			return false;
	/* and nothing to any other */
	for (i = 0; i < c->nr; i++)
		if (poll_now(c->m[i].end12.fd, POLLIN))
			return false;
	return true;
}

TEST_F(peers, each_with_its_keys)
{
	struct sockaddr_storage from;
	struct crowd *c = &self->c;
	unsigned int i, j;

	ASSERT_EQ(true, all_alive(c));
	for (i = 0; i < 4 * MEMBERS; i++) {
		fill(out, 100 + i, i);
		ASSERT_EQ(100 + i, member_send(c, &c->m[i % MEMBERS], out, 100 + i));
	}
	for (i = 0; i < 4 * MEMBERS; i++) {
		fill(out, 100 + i, i);
		ASSERT_EQ(100 + i, crowd_recv(c, in, sizeof(in), MSG_DONTWAIT,
					      &from, NULL, NULL));
		ASSERT_EQ(0, memcmp(in, out, 100 + i));
		ASSERT_EQ(&c->m[i % MEMBERS], crowd_whose(c, &from));
	}
	for (i = 0; i < 3; i++)
		for (j = 0; j < MEMBERS; j++) {
			fill(out, 1000, i * j);
			ASSERT_EQ(1000, crowd_send(c, &c->m[j], out, 1000));
			ASSERT_EQ(1000, member_recv(c, &c->m[j], in, sizeof(in),
						    MSG_DONTWAIT));
			ASSERT_EQ(0, memcmp(in, out, 1000));
		}
	ASSERT_EQ(0, stat_drops());
	ASSERT_EQ(MEMBERS, stat_read("CurrAssociations"));
}

/* The identifier: with what is received, and in the place of the address. */
TEST_F(peers, by_identifier)
{
	struct crowd *c = &self->c;
	union {
		char buf[CMSG_SPACE(sizeof(__u64))];
		struct cmsghdr align;
	} u;
	struct iovec iov = { "text", 4 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cm;
	unsigned int i;
	__u64 id;

	ASSERT_EQ(0, get_int(c->fd, SOL_DTLS, DTLS_RECVPEER));
	must(member_send(c, &c->m[0], "x", 1) == 1);
	ASSERT_EQ(1, crowd_recv(c, in, sizeof(in), MSG_DONTWAIT, NULL, &id, NULL));
	ASSERT_EQ(0, id);
	ASSERT_EQ(0, set_int(c->fd, SOL_DTLS, DTLS_RECVPEER, 1));
	ASSERT_EQ(1, get_int(c->fd, SOL_DTLS, DTLS_RECVPEER));
	for (i = 0; i < MEMBERS; i++) {
		ASSERT_NE(0, c->m[i].id);
		must(member_send(c, &c->m[i], "x", 1) == 1);
		/* opened by poll, and opened by recvmsg */
		if (i % 2)
			ASSERT_EQ(POLLIN, poll_now(c->fd, POLLIN));
		ASSERT_EQ(1, crowd_recv(c, in, sizeof(in), MSG_DONTWAIT, NULL,
					&id, NULL));
		ASSERT_EQ(c->m[i].id, id);

		memset(&u, 0, sizeof(u));
		msg.msg_control = u.buf;
		msg.msg_controllen = sizeof(u.buf);
		cm = CMSG_FIRSTHDR(&msg);
		cm->cmsg_level = SOL_DTLS;
		cm->cmsg_type = DTLS_PEER_ID;
		cm->cmsg_len = CMSG_LEN(sizeof(id));
		memcpy(CMSG_DATA(cm), &c->m[i].id, sizeof(id));
		ASSERT_EQ(4, sendmsg(c->fd, &msg, 0));
		ASSERT_EQ(4, member_recv(c, &c->m[i], in, sizeof(in), MSG_DONTWAIT));
		/* and its address as well, or that of another */
		msg.msg_name = &c->m[i].addr;
		msg.msg_namelen = c->m[i].addr_len;
		ASSERT_EQ(4, sendmsg(c->fd, &msg, 0));
		ASSERT_EQ(4, member_recv(c, &c->m[i], in, sizeof(in), MSG_DONTWAIT));
		msg.msg_name = &c->m[(i + 1) % MEMBERS].addr;
		ASSERT_EQ(-1, sendmsg(c->fd, &msg, 0));
		ASSERT_EQ(EINVAL, errno);
		msg.msg_name = NULL;
		msg.msg_namelen = 0;
		/* nobody */
		id = c->m[i].id + 1000;
		memcpy(CMSG_DATA(cm), &id, sizeof(id));
		ASSERT_EQ(-1, sendmsg(c->fd, &msg, 0));
		ASSERT_EQ(ENOKEY, errno);
		cm->cmsg_len--;
		ASSERT_EQ(-1, sendmsg(c->fd, &msg, 0));
		ASSERT_EQ(EINVAL, errno);
	}
	for (i = 0; i < MEMBERS; i++)
		ASSERT_EQ(0, poll_now(c->m[i].end12.fd, POLLIN));
}

/* The far end uses another socket. */
static void member_at(struct member *m, int fd)
{
	m->end12.fd = fd;
	m->end13.fd = fd;
}

/* Somebody who is no peer; and a peer with the records of another. */
TEST_F(peers, strangers)
{
	struct crowd *c = &self->c;
	struct member *a = &c->m[0], *b = &c->m[1];
	int fd, tmp;

	/* the same keys, from elsewhere */
	fd = udp_bound(variant->family);
	udp_connect(fd, c->fd);
	tmp = a->end12.fd;
	member_at(a, fd);
	must(member_send(c, a, "stolen", 6) == 6);
	member_at(a, tmp);
	ASSERT_EQ(-EAGAIN, recv_now(c));
	ASSERT_EQ(0, poll_now(c->fd, POLLIN));
	ASSERT_EQ(1, stat_read("RxDropStranger"));
	ASSERT_EQ(1, stat_drops());

	/* a peer's address, another's keys */
	member_at(a, b->end12.fd);
	must(member_send(c, a, "stolen", 6) == 6);
	member_at(a, tmp);
	ASSERT_EQ(-EAGAIN, recv_now(c));
	ASSERT_EQ(1, stat_read("RxDropAuth"));
	ASSERT_EQ(2, stat_drops());

	/* no junk either */
	must(send(fd, "junk", 4, 0) == 4);
	must(send(tmp, "junk", 4, 0) == 4);
	ASSERT_EQ(-EAGAIN, recv_now(c));
	ASSERT_EQ(2, stat_read("RxDropStranger"));
	ASSERT_EQ(4, stat_drops());

	/* nothing goes to who is no peer, or to nobody */
	ASSERT_EQ(-1, send(c->fd, "x", 1, 0));
	ASSERT_EQ(EDESTADDRREQ, errno);
	{
		struct member stranger = {};

		stranger.addr_len = sizeof(stranger.addr);
		must(!getsockname(fd, (void *)&stranger.addr, &stranger.addr_len));
		ASSERT_EQ(-1, crowd_send(c, &stranger, "x", 1));
		ASSERT_EQ(ENOKEY, errno);
	}
	ASSERT_EQ(0, poll_now(fd, POLLIN));
	ASSERT_EQ(true, all_alive(c));
	close(fd);
}

/* Added, shown, removed, and added again. */
TEST_F(peers, come_and_go)
{
	struct crowd *c = &self->c;
	struct dtls_peer_info info;
	struct member *m = &c->m[2];
	__u64 id = m->id;
	unsigned int i, n;

	for (i = 0; i < MEMBERS; i++) {
		info = (struct dtls_peer_info){ .id = c->m[i].id };
		ASSERT_EQ(0, peer_info(c->fd, &info));
		ASSERT_EQ(c->m[i].id, info.id);
		ASSERT_EQ(&c->m[i], crowd_whose(c, (void *)&info.addr));
		ASSERT_EQ(0, info.state);
		ASSERT_EQ(0, info.flags);
	}
	ASSERT_EQ(EEXIST, peer_add(c, m, WAYS));
	ASSERT_EQ(0, peer_del(c->fd, m->id, 0));
	ASSERT_EQ(ENOENT, peer_del(c->fd, m->id, 0));
	ASSERT_EQ(0, peer_id(c->fd, &m->addr));
	ASSERT_EQ(-1, crowd_send(c, m, "x", 1));
	ASSERT_EQ(ENOKEY, errno);
	must(member_send(c, m, "x", 1) == 1);
	ASSERT_EQ(-EAGAIN, recv_now(c));
	ASSERT_EQ(1, stat_read("RxDropStranger"));
	ASSERT_EQ(MEMBERS - 1, stat_read("CurrAssociations"));
	for (i = 0; i < MEMBERS; i++)
		if (i != 2)
			ASSERT_EQ(true, alive(c, &c->m[i]));

	/* one after the other, in the order of their identifiers */
	info = (struct dtls_peer_info){ .flags = DTLS_PEER_NEXT };
	for (n = 0, i = 0; !peer_info(c->fd, &info); n++, i++) {
		i += i == 2;
		ASSERT_EQ(c->m[i].id, info.id);
		info.flags = DTLS_PEER_NEXT;
		info.state = 0;
	}
	ASSERT_EQ(MEMBERS - 1, n);

	/* by address, this time; and with another identifier when it is back */
	ASSERT_EQ(0, peer_add(c, m, WAYS));
	ASSERT_LT(id, m->id);
	id = m->id;
	ASSERT_EQ(ENOENT, peer_del(c->fd, id + 1, 0));
	info = (struct dtls_peer_info){ .size = sizeof(info) };
	memcpy(&info.addr, &m->addr, sizeof(m->addr));
	ASSERT_EQ(0, setsockopt(c->fd, SOL_DTLS, DTLS_PEER_DEL, &info,
				sizeof(info)));
	ASSERT_EQ(ENOENT, peer_del(c->fd, id, 0));
	for (i = 0; i < MEMBERS; i++)
		if (i != 2)
			ASSERT_EQ(0, peer_del(c->fd, c->m[i].id, 0));
	ASSERT_EQ(0, stat_read("CurrAssociations"));
	/* without a peer, and plain UDP never again */
	ASSERT_EQ(-1, crowd_send(c, m, "x", 1));
	ASSERT_EQ(ENOKEY, errno);
	must(send(m->end12.fd, "plain", 5, 0) == 5);
	ASSERT_EQ(-EAGAIN, recv_now(c));
	ASSERT_EQ(2, stat_read("RxDropStranger"));
}

/* A client that starts anew from where it was. */
TEST_F(peers, replaced)
{
	struct crowd *c = &self->c;
	struct member *m = &c->m[1], old = *m;

	if (c->v13) {
		oracle13_key_init(&m->end13.tx, c->suite, EPOCH13, 101);
		oracle13_key_init(&m->end13.rx[0].key, c->suite, EPOCH13, 102);
		m->end13.rx[0].next = 0;
	} else {
		oracle_key_init(&m->end12.tx, c->suite, 1, 101);
		oracle_key_init(&m->end12.rx, c->suite, 1, 102);
	}
	ASSERT_EQ(EEXIST, peer_add(c, m, WAYS));
	/* the old one is as it was */
	ASSERT_EQ(true, alive(c, &c->m[0]));
	ASSERT_EQ(0, peer_add(c, m, WAYS | DTLS_PEER_REPLACE));
	ASSERT_NE(old.id, m->id);
	ASSERT_EQ(true, all_alive(c));
	ASSERT_EQ(MEMBERS, stat_read("CurrAssociations"));
	must(member_send(c, &old, "x", 1) == 1);
	ASSERT_EQ(-EAGAIN, recv_now(c));
	ASSERT_EQ(1, stat_drops());
	ASSERT_EQ(ENOENT, peer_del(c->fd, old.id, 0));
	/* and one whose place was free */
	ASSERT_EQ(0, peer_del(c->fd, m->id, 0));
	ASSERT_EQ(0, peer_add(c, m, WAYS | DTLS_PEER_REPLACE));
	ASSERT_EQ(MEMBERS, stat_read("CurrAssociations"));
}

/* What one of them says of its end is an event, and the others go on. */
TEST_F(peers, closed)
{
	struct crowd *c = &self->c;
	struct sock_extended_err ee;
	struct sockaddr_storage from;
	struct dtls_peer_info info;
	unsigned int i;
	__u64 id;

	ASSERT_EQ(0, set_int(c->fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
	must(member_alert(c, &c->m[1], ALERT_WARNING, ALERT_CLOSE_NOTIFY) == 2);
	must(member_alert(c, &c->m[3], ALERT_FATAL, ALERT_INTERNAL_ERROR) == 2);
	ASSERT_EQ(-EAGAIN, recv_now(c));
	ASSERT_EQ(0, get_int(c->fd, SOL_SOCKET, SO_ERROR));
	ASSERT_EQ(0, poll_now(c->fd, POLLIN | POLLRDHUP | POLLHUP) & ~POLLERR);

	ASSERT_EQ(true, crowd_event(c, &ee, &id, &from));
	ASSERT_EQ(DTLS_EVENT_CLOSED, ee.ee_type);
	ASSERT_EQ(ESHUTDOWN, ee.ee_errno);
	ASSERT_EQ(ALERT_CLOSE_NOTIFY, ee.ee_code);
	ASSERT_EQ(c->m[1].id, id);
	ASSERT_EQ(&c->m[1], crowd_whose(c, &from));
	ASSERT_EQ(true, crowd_event(c, &ee, &id, &from));
	ASSERT_EQ(DTLS_EVENT_CLOSED, ee.ee_type);
	ASSERT_EQ(ECONNRESET, ee.ee_errno);
	ASSERT_EQ(ALERT_INTERNAL_ERROR, ee.ee_code);
	ASSERT_EQ(c->m[3].id, id);
	ASSERT_EQ(&c->m[3], crowd_whose(c, &from));
	ASSERT_EQ(false, crowd_event(c, &ee, &id, &from));

	info = (struct dtls_peer_info){ .id = c->m[1].id };
	ASSERT_EQ(0, peer_info(c->fd, &info));
	ASSERT_EQ(c->v13 ? DTLS_PEER_RX_CLOSED : DTLS_PEER_CLOSED, info.state);
	info = (struct dtls_peer_info){ .id = c->m[3].id };
	ASSERT_EQ(0, peer_info(c->fd, &info));
	ASSERT_EQ(DTLS_PEER_CLOSED, info.state);
	ASSERT_EQ(-1, crowd_send(c, &c->m[3], "x", 1));
	ASSERT_EQ(EPIPE, errno);
	/* RFC 5246 7.2.1: answered; RFC 8446 6.1: half-closed */
	if (c->v13) {
		ASSERT_EQ(1, crowd_send(c, &c->m[1], "x", 1));
	} else {
		ASSERT_EQ(-1, crowd_send(c, &c->m[1], "x", 1));
		ASSERT_EQ(EPIPE, errno);
		ASSERT_EQ(1, stat_read("TxControl"));
	}
	must(member_send(c, &c->m[1], "x", 1) == 1);
	must(member_send(c, &c->m[3], "x", 1) == 1);
	ASSERT_EQ(-EAGAIN, recv_now(c));
	ASSERT_EQ(2, stat_read("RxDropClosed"));
	ASSERT_EQ(2, stat_drops());
	/* what it has got so far was seen by the counters */
	while (recv_soon(c->m[1].end12.fd, in, sizeof(in), 0) > 0)
		;
	for (i = 0; i < MEMBERS; i += 2)
		ASSERT_EQ(true, alive(c, &c->m[i]));

	/* ours, when it is removed */
	ASSERT_EQ(0, peer_del(c->fd, c->m[0].id, DTLS_PEER_NOTIFY));
	ASSERT_EQ(POLLIN, poll_now(c->m[0].end12.fd, POLLIN));
	ASSERT_EQ(0, peer_del(c->fd, c->m[2].id, 0));
	ASSERT_EQ(0, poll_now(c->m[2].end12.fd, POLLIN));
}

/* What a connected socket's options do, for one of many. */
TEST_F(peers, options_of_one)
{
	struct crowd *c = &self->c;
	struct dtls_keys k, more[2];
	struct member *m = &c->m[2];
	size_t len;
	int val;

	ASSERT_EQ(true, alive(c, m));
	len = sizeof(k);
	ASSERT_EQ(0, peer_get(c->fd, m->id, DTLS_TX, &k, &len));
	ASSERT_EQ(sizeof(k), len);
	ASSERT_EQ(1, k.records);
	ASSERT_EQ(5, k.bytes);
	len = sizeof(k);
	ASSERT_EQ(0, peer_get(c->fd, c->m[0].id, DTLS_RX, &k, &len));
	ASSERT_EQ(0, k.records);
	len = sizeof(val);
	ASSERT_EQ(0, peer_get(c->fd, m->id, DTLS_MAX_PAYLOAD, &val, &len));
	ASSERT_EQ(sizeof(val), len);
	ASSERT_EQ(DTLS_PLAINTEXT_MAX, val);
	ASSERT_EQ(0, peer_get(c->fd, m->id, DTLS_KEY_UPDATE, &val, &len));
	ASSERT_EQ(0, val);
	len = 3;
	ASSERT_EQ(EINVAL, peer_get(c->fd, m->id, DTLS_KEY_UPDATE, &val, &len));
	len = sizeof(k);
	ASSERT_EQ(ENOPROTOOPT, peer_get(c->fd, m->id, DTLS_RECVTYPE, &k, &len));
	ASSERT_EQ(ENOENT, peer_get(c->fd, m->id + 1000, DTLS_TX, &k, &len));
	ASSERT_EQ(ENOENT, peer_get(c->fd, 0, DTLS_TX, &k, &len));
	val = 0;
	ASSERT_EQ(ENOPROTOOPT, peer_set(c->fd, m->id, DTLS_RECVTYPE, &val, 4));
	ASSERT_EQ(ENOENT, peer_set(c->fd, 0, DTLS_KEY_UPDATE, &val, 4));
	ASSERT_EQ(ENOENT, peer_set(c->fd, m->id + 99, DTLS_KEY_UPDATE, &val, 4));
	ASSERT_EQ(EINVAL, peer_set(c->fd, m->id, DTLS_KEY_UPDATE, &val, 3));
	val = 2;
	ASSERT_EQ(EINVAL, peer_set(c->fd, m->id, DTLS_KEY_UPDATE, &val, 4));

	/* new keys, from the program */
	if (c->v13) {
		oracle13_key_init(&m->end13.tx, c->suite, EPOCH13 + 1, 201);
		oracle13_key_init(&m->end13.rx[0].key, c->suite, EPOCH13 + 1, 202);
		m->end13.rx[0].next = 0;
		key13_fill(&more[0], &m->end13.rx[0].key, NEAR13_MESSAGE);
		key13_fill(&more[1], &m->end13.tx, FAR13_MESSAGE);
	} else {
		oracle_key_init(&m->end12.tx, c->suite, 2, 201);
		oracle_key_init(&m->end12.rx, c->suite, 2, 202);
		key_fill(&more[0], &m->end12.rx);
		key_fill(&more[1], &m->end12.tx);
	}
	ASSERT_EQ(0, peer_set(c->fd, m->id, DTLS_TXRX, more, sizeof(more)));
	ASSERT_EQ(EEXIST, peer_set(c->fd, m->id, DTLS_TX, &more[0], sizeof(k)));
	ASSERT_EQ(EEXIST, peer_set(c->fd, m->id, DTLS_RX, &more[1], sizeof(k)));
	ASSERT_EQ(true, all_alive(c));

	/* the keys of one are taken out */
	len = sizeof(k);
	ASSERT_EQ(0, peer_get(c->fd, m->id, DTLS_TX_EXPORT, &k, &len));
	ASSERT_EQ(-1, crowd_send(c, m, "x", 1));
	ASSERT_EQ(EKEYREVOKED, errno);
	len = sizeof(k);
	ASSERT_EQ(0, peer_get(c->fd, m->id, DTLS_RX_EXPORT, &k, &len));
	must(member_send(c, m, "x", 1) == 1);
	ASSERT_EQ(-EAGAIN, recv_now(c));
	ASSERT_EQ(true, alive(c, &c->m[0]));
	ASSERT_EQ(true, alive(c, &c->m[4]));
}

/* KeyUpdate and its ACK, of one of them and not of the next. */
TEST_F(peers, key_update)
{
	struct crowd *c = &self->c;
	struct sock_extended_err ee;
	struct sockaddr_storage from;
	struct seen13 s;
	unsigned int i;
	int val = 0;
	size_t len;
	__u64 id;

	if (!c->v13) {
		ASSERT_EQ(EOPNOTSUPP, peer_set(c->fd, c->m[0].id,
					       DTLS_KEY_UPDATE, &val, 4));
		return;
	}
	ASSERT_EQ(0, set_int(c->fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
	for (i = 0; i < MEMBERS; i += 2) {
		ASSERT_EQ(0, peer_set(c->fd, c->m[i].id, DTLS_KEY_UPDATE, &val, 4));
		ASSERT_EQ(EALREADY, peer_set(c->fd, c->m[i].id, DTLS_KEY_UPDATE,
					     &val, 4));
	}
	for (i = 0; i < MEMBERS; i += 2) {
		far13_collect(&c->m[i].end13, &s);
		ASSERT_EQ(1, s.updates) TH_LOG("member %u", i);
		far13_ack(&c->m[i].end13, &s.update, 1);
	}
	ASSERT_EQ(-EAGAIN, recv_now(c));
	for (i = 0; i < MEMBERS; i += 2) {
		len = sizeof(val);
		ASSERT_EQ(0, peer_get(c->fd, c->m[i].id, DTLS_KEY_UPDATE, &val,
				      &len));
		ASSERT_EQ(0, val);
		ASSERT_EQ(true, crowd_event(c, &ee, &id, &from));
		ASSERT_EQ(DTLS_EVENT_REKEY, ee.ee_type);
		ASSERT_EQ(EPOCH13 + 1, ee.ee_info);
		ASSERT_EQ(c->m[i].id, id);
		ASSERT_EQ(&c->m[i], crowd_whose(c, &from));
	}
	/* and theirs */
	far13_update(&c->m[1].end13, 0);
	ASSERT_EQ(-EAGAIN, recv_now(c));
	far13_collect(&c->m[1].end13, &s);
	ASSERT_EQ(1, s.acks);
	far13_next_keys(&c->m[1].end13);
	ASSERT_EQ(true, all_alive(c));
	ASSERT_EQ(0, stat_drops());
}

static size_t bad_add(const struct crowd *c, struct dtls_peer_info *info, void *buf)
{
	size_t len = peer_add_fill(c, &c->m[0], WAYS, buf);

	memcpy(buf, info, sizeof(*info));
	return len;
}

#define REFUSED(err, expr) do {						\
	ASSERT_EQ(-1, (expr));						\
	ASSERT_EQ(err, errno);						\
} while (0)
#define ADD(len) setsockopt(c->fd, SOL_DTLS, DTLS_PEER_ADD, buf, len)

TEST_F(peers, refused)
{
	struct dtls_peer_info info, good = { .size = sizeof(good), .flags = WAYS };
	struct sockaddr_in *sin = (void *)&info.addr;
	struct sockaddr_in6 *sin6 = (void *)&info.addr;
	__u8 buf[PEER_ADD_ROOM + 64];
	struct crowd *c = &self->c;
	struct dtls_keys k;
	size_t len, i;
	int fd;

	memcpy(&good.addr, &c->m[0].addr, sizeof(good.addr));
	ASSERT_EQ(0, peer_del(c->fd, c->m[0].id, 0));
	len = bad_add(c, &good, buf);
	for (i = 0; i < len; i += 8)
		REFUSED(EINVAL, ADD(i));
	REFUSED(EINVAL, ADD(len + 8));
	REFUSED(EFAULT, setsockopt(c->fd, SOL_DTLS, DTLS_PEER_ADD, (void *)1, len));
#define BAD(err, field, value) do {					\
	info = good;							\
	info.field = value;						\
	bad_add(c, &info, buf);						\
	REFUSED(err, ADD(len)) ;					\
} while (0)
	BAD(EINVAL, size, sizeof(info) - 8);
	BAD(E2BIG, size, sizeof(info) + 1);
	BAD(EINVAL, size, len + 1);
	BAD(EINVAL, id, 7);
	BAD(EINVAL, flags, 0);
	BAD(EINVAL, flags, DTLS_PEER_TX);
	BAD(EINVAL, flags, WAYS | DTLS_PEER_NOTIFY);
	BAD(EINVAL, flags, WAYS | 0x8000);
	BAD(EINVAL, state, 1);
	BAD(EINVAL, pad, 1);
	BAD(EAFNOSUPPORT, addr.ss_family, AF_UNIX);
	BAD(EAFNOSUPPORT, addr.ss_family, 0);
	info = good;
	if (variant->family == FAMILY_V4) {
		sin->sin_port = 0;
		bad_add(c, &info, buf);
		REFUSED(EINVAL, ADD(len));
		info = good;
		sin->sin_addr.s_addr = htonl(INADDR_ANY);
		bad_add(c, &info, buf);
		REFUSED(EINVAL, ADD(len));
		sin->sin_addr.s_addr = htonl(0xe0000001);
		bad_add(c, &info, buf);
		REFUSED(EINVAL, ADD(len));
		sin->sin_addr.s_addr = htonl(INADDR_BROADCAST);
		bad_add(c, &info, buf);
		REFUSED(EINVAL, ADD(len));
		info.addr.ss_family = AF_INET6;
		bad_add(c, &info, buf);
		REFUSED(EAFNOSUPPORT, ADD(len));
	} else {
		sin6->sin6_port = 0;
		bad_add(c, &info, buf);
		REFUSED(EINVAL, ADD(len));
		info = good;
		sin6->sin6_addr = in6addr_any;
		bad_add(c, &info, buf);
		REFUSED(EINVAL, ADD(len));
		sin6->sin6_addr.s6_addr[0] = 0xff;
		sin6->sin6_addr.s6_addr[15] = 1;
		bad_add(c, &info, buf);
		REFUSED(EINVAL, ADD(len));
	}
	/* bad keys */
	bad_add(c, &good, buf);
	buf[sizeof(info) + offsetof(struct dtls_keys, pad)] = 1;
	REFUSED(EINVAL, ADD(len));
	/* from a program of the future, with nothing new in it */
	info = good;
	info.size += 8;
	bad_add(c, &info, buf);
	memmove(buf + sizeof(info) + 8, buf + sizeof(info), len - sizeof(info));
	memset(buf + sizeof(info), 0, 8);
	buf[sizeof(info) + 3] = 1;
	REFUSED(E2BIG, ADD(len + 8));
	buf[sizeof(info) + 3] = 0;
	ASSERT_EQ(0, ADD(len + 8));
	c->m[0].id = peer_id(c->fd, &c->m[0].addr);
	ASSERT_EQ(true, all_alive(c));

	info = (struct dtls_peer_info){ .size = sizeof(info), .id = c->m[0].id,
					.flags = DTLS_PEER_TX };
	REFUSED(EINVAL, setsockopt(c->fd, SOL_DTLS, DTLS_PEER_DEL, &info, sizeof(info)));
	info.flags = 0;
	REFUSED(EINVAL, setsockopt(c->fd, SOL_DTLS, DTLS_PEER_DEL, &info,
				   sizeof(info) - 1));
	ASSERT_EQ(EINVAL, peer_info(c->fd, &(struct dtls_peer_info){ .flags = 1 }));

	/* what is for a connected socket, or would make it one */
	if (c->v13)
		key13_fill(&k, &c->m[0].end13.tx, 0);
	else
		key_fill(&k, &c->m[0].end12.tx);
	REFUSED(ENOTCONN, setsockopt(c->fd, SOL_DTLS, DTLS_TX, &k, sizeof(k)));
	REFUSED(EISCONN, connect(c->fd, (void *)&c->m[0].addr, c->m[0].addr_len));
	info.addr.ss_family = AF_UNSPEC;
	REFUSED(EBUSY, connect(c->fd, (void *)&info.addr, sizeof(struct sockaddr_in)));
	REFUSED(EOPNOTSUPP, set_int(c->fd, SOL_UDP, UDP_CORK, 1));
	ASSERT_EQ(0, set_int(c->fd, SOL_UDP, UDP_CORK, 0));
	REFUSED(EOPNOTSUPP, sendto(c->fd, "x", 1, MSG_MORE, (void *)&c->m[0].addr,
				   c->m[0].addr_len));
	REFUSED(EBUSY, set_int(c->fd, SOL_DTLS, DTLS_NO_EXPORT, 1));
	ASSERT_EQ(true, all_alive(c));

	/* and no peers on one that is connected */
	fd = udp_bound(variant->family);
	ASSERT_EQ(0, ulp_attach(fd));
	udp_connect(fd, c->fd);
	bad_add(c, &good, buf);
	REFUSED(EISCONN, setsockopt(fd, SOL_DTLS, DTLS_PEER_ADD, buf, len));
	ASSERT_EQ(ENOENT, peer_del(fd, 1, 0));
	ASSERT_EQ(1, send(fd, "x", 1, 0));
	close(fd);
}

/* Without a peer it is plain UDP; the first one takes over what UDP was told. */
TEST_F(peers, the_first_one)
{
	static struct member before;
	struct crowd c;
	char text[8];

	crowd_prepare(&c, variant->suite, variant->family, 2, false);
	ASSERT_EQ(0, set_int(c.fd, SOL_UDP, UDP_SEGMENT, 100));
	must(send(c.m[0].end12.fd, "plain", 5, 0) == 5);
	ASSERT_EQ(5, recv_now(&c));
	/* what is there when the peer is added waits for its keys */
	before = c.m[0];
	must(member_send(&c, &c.m[0], "early", 5) == 5);
	ASSERT_EQ(0, peer_add(&c, &before, WAYS));
	ASSERT_EQ(5, recv_now(&c));
	ASSERT_EQ(100, get_int(c.fd, SOL_UDP, UDP_SEGMENT));
	fill(out, 250, 1);
	ASSERT_EQ(250, crowd_send(&c, &c.m[0], out, 250));
	ASSERT_EQ(100, member_recv(&c, &c.m[0], in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(100, member_recv(&c, &c.m[0], in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(50, member_recv(&c, &c.m[0], in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(0, memcmp(in, out + 200, 50));
	ASSERT_EQ(0, set_int(c.fd, SOL_UDP, UDP_SEGMENT, 0));
	must(send(c.m[1].end12.fd, "plain", 5, 0) == 5);
	ASSERT_EQ(-EAGAIN, recv_now(&c));
	/* one way only */
	ASSERT_EQ(0, peer_add(&c, &c.m[1], DTLS_PEER_TX));
	ASSERT_EQ(2, crowd_send(&c, &c.m[1], "on", 2));
	ASSERT_EQ(2, member_recv(&c, &c.m[1], text, sizeof(text), MSG_DONTWAIT));
	must(member_send(&c, &c.m[1], "back", 4) == 4);
	ASSERT_EQ(-EAGAIN, recv_now(&c));
	ASSERT_EQ(1, stat_read("RxDropStranger"));
	ASSERT_EQ(2, stat_drops());
	crowd_close(&c);
}

/* Each with many records in one send, which arrive as one and are given as one. */
TEST_F(peers, batches)
{
	struct sockaddr_storage from;
	struct crowd c;
	unsigned int i;
	int size;

	crowd_open(&c, variant->suite, variant->family, 3, true);
	ASSERT_EQ(0, set_int(c.fd, SOL_UDP, UDP_GRO, 1));
	for (i = 0; i < c.nr; i++) {
		ASSERT_EQ(0, set_int(c.m[i].end12.fd, SOL_UDP, UDP_SEGMENT, 300));
		ASSERT_EQ(0, set_int(c.m[i].end12.fd, SOL_UDP, UDP_GRO, 1));
		fill(out, 3000 + i, i);
		ASSERT_EQ(3000 + i, send(c.m[i].end12.fd, out, 3000 + i, 0));
	}
	for (i = 0; i < c.nr; i++) {
		fill(out, 3000 + i, i);
		ASSERT_EQ(3000 + i, crowd_recv(&c, in, sizeof(in), 0, &from, NULL,
					       &size));
		ASSERT_EQ(0, memcmp(out, in, 3000 + i));
		ASSERT_EQ(300, size);
		ASSERT_EQ(&c.m[i], crowd_whose(&c, &from));
	}
	ASSERT_EQ(0, set_int(c.fd, SOL_UDP, UDP_SEGMENT, 200));
	for (i = 0; i < c.nr; i++) {
		fill(out, 2000, i);
		ASSERT_EQ(2000, crowd_send(&c, &c.m[i], out, 2000));
	}
	for (i = 0; i < c.nr; i++) {
		fill(out, 2000, i);
		ASSERT_EQ(2000, member_recv(&c, &c.m[i], in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(out, in, 2000));
	}

	/* one by one, so that what is left of each waits beside the others' */
	ASSERT_EQ(0, set_int(c.fd, SOL_UDP, UDP_GRO, 0));
	for (i = 0; i < c.nr; i++)
		ASSERT_EQ(900, send(c.m[i].end12.fd, out, 900, 0));
	for (i = 0; i < 3 * c.nr; i++) {
		ASSERT_EQ(300, crowd_recv(&c, in, sizeof(in), 0, &from, NULL, NULL));
		ASSERT_EQ(0, memcmp(out + i % 3 * 300, in, 300));
		ASSERT_EQ(&c.m[i / 3], crowd_whose(&c, &from));
	}
	/* a peer that goes away, with something of its still there */
	for (i = 0; i < c.nr; i++)
		ASSERT_EQ(900, send(c.m[i].end12.fd, out, 900, 0));
	ASSERT_EQ(300, crowd_recv(&c, in, sizeof(in), 0, &from, NULL, NULL));
	ASSERT_EQ(0, peer_del(c.fd, c.m[0].id, 0));
	for (i = 3; i < 3 * c.nr; i++) {
		ASSERT_EQ(300, crowd_recv(&c, in, sizeof(in), 0, &from, NULL, NULL));
		ASSERT_EQ(&c.m[i / 3], crowd_whose(&c, &from));
	}
	crowd_close(&c);
}

/* sendmmsg and recvmmsg, across peers. */
TEST_F(peers, many_messages)
{
	static struct mmsghdr mm[3 * MEMBERS];
	static struct iovec iov[3 * MEMBERS];
	static struct sockaddr_storage from[3 * MEMBERS];
	static __u8 buf[3 * MEMBERS][64];
	struct crowd *c = &self->c;
	unsigned int i;

	memset(mm, 0, sizeof(mm));
	for (i = 0; i < 3 * MEMBERS; i++) {
		fill(buf[i], 64, i);
		iov[i] = (struct iovec){ buf[i], 20 + i };
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
		mm[i].msg_hdr.msg_name = &c->m[i % MEMBERS].addr;
		mm[i].msg_hdr.msg_namelen = c->m[i % MEMBERS].addr_len;
	}
	ASSERT_EQ(3 * MEMBERS, sendmmsg(c->fd, mm, 3 * MEMBERS, 0));
	for (i = 0; i < 3 * MEMBERS; i++) {
		ASSERT_EQ(20 + i, member_recv(c, &c->m[i % MEMBERS], in, sizeof(in),
					      MSG_DONTWAIT));
		ASSERT_EQ(0, memcmp(in, buf[i], 20 + i));
		must(member_send(c, &c->m[i % MEMBERS], buf[i], 20 + i) == 20 + i);
	}
	for (i = 0; i < 3 * MEMBERS; i++) {
		iov[i].iov_len = 64;
		mm[i].msg_hdr.msg_name = &from[i];
		mm[i].msg_hdr.msg_namelen = sizeof(from[i]);
	}
	settle();
	ASSERT_EQ(3 * MEMBERS, recvmmsg(c->fd, mm, 3 * MEMBERS, MSG_DONTWAIT, NULL));
	for (i = 0; i < 3 * MEMBERS; i++) {
		ASSERT_EQ(20 + i, mm[i].msg_len);
		ASSERT_EQ(&c->m[i % MEMBERS], crowd_whose(c, &from[i]));
	}
}

/* ---- Peers come and go while there is traffic */

struct churn {
	struct crowd *c;
	unsigned int from, to;	/* members */
	bool stop;
	int rounds;		/* that may be begun: nothing gets lost for want of room */
};

static void *churn(void *arg)
{
	struct churn *t = arg;
	unsigned int i;

	while (!__atomic_load_n(&t->stop, __ATOMIC_RELAXED))
		for (i = t->from; i < t->to; i++) {
			must(!peer_del(t->c->fd, t->c->m[i].id,
				       i % 2 ? DTLS_PEER_NOTIFY : 0));
			must(!peer_add(t->c, &t->c->m[i], WAYS));
		}
	return NULL;
}

static void *talk(void *arg)
{
	struct churn *t = arg;
	struct {
		struct dtls_flight head;
		struct dtls_flight_record rec;
		__u8 body[16];
	} flight = {
		.head = { .size = sizeof(flight.head), .count = 1 },
		.rec = { .type = DTLS_TYPE_HANDSHAKE, .len = 16,
			 .epoch = t->c->v13 ? EPOCH13 : 1 },
	};
	__u8 text[64] = {};
	struct dtls_keys k;
	unsigned int i;
	int val = 0;
	size_t len;
	__u64 id;

	while (!__atomic_load_n(&t->stop, __ATOMIC_RELAXED)) {
		if (__atomic_load_n(&t->rounds, __ATOMIC_RELAXED) <= 0) {
			sched_yield();
			continue;
		}
		__atomic_fetch_sub(&t->rounds, 1, __ATOMIC_RELAXED);
		for (i = t->from; i < t->to; i++) {
			must(send(t->c->m[i].end12.fd, text, sizeof(text),
				  MSG_DONTWAIT) > 0 || errno == EAGAIN ||
			     errno == EPIPE);
			/* its peer may be between two lives */
			must(crowd_send(t->c, &t->c->m[i], text, 64) == 64 ||
			     errno == ENOKEY || errno == EPIPE ||
			     errno == EAGAIN);
			recv(t->c->m[i].end12.fd, text, sizeof(text),
			     MSG_DONTWAIT);
			/* options of one that may be gone */
			id = __atomic_load_n(&t->c->m[i].id, __ATOMIC_RELAXED);
			peer_set(t->c->fd, id, DTLS_KEY_UPDATE, &val, 4);
			peer_set(t->c->fd, id, DTLS_LAST_FLIGHT, &flight,
				 sizeof(flight));
			len = sizeof(k);
			peer_get(t->c->fd, id, DTLS_TX, &k, &len);
		}
	}
	return NULL;
}

TEST_F(peers, churn_under_traffic)
{
	const int times = effort(300, 60, 5000);
	struct churn t[3];
	pthread_t thread[3];
	struct crowd c;
	int i;

	crowd_open(&c, variant->suite, variant->family, 6, true);
	/* 0 to 3 come and go, 2 to 5 talk, 5 is heard without a gap */
	must(!set_int(c.fd, SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20));
	t[0] = (struct churn){ &c, 0, 4, false, 0 };
	t[1] = (struct churn){ &c, 2, 5, false, 0 };
	t[2] = (struct churn){ &c, 1, 5, false, 0 };
	ASSERT_EQ(0, pthread_create(&thread[0], NULL, churn, &t[0]));
	ASSERT_EQ(0, pthread_create(&thread[1], NULL, talk, &t[1]));
	ASSERT_EQ(0, pthread_create(&thread[2], NULL, talk, &t[2]));
	for (i = 0; i < times; i++) {
		struct sockaddr_storage from;
		ssize_t n;

		__atomic_fetch_add(&t[1].rounds, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&t[2].rounds, 1, __ATOMIC_RELAXED);
		fill(out, 500, i);
		ASSERT_EQ(500, send(c.m[5].end12.fd, out, 500, 0));
		do {
			n = crowd_recv(&c, in, sizeof(in), 0, &from, NULL, NULL);
			ASSERT_LT(0, n);
		} while (crowd_whose(&c, &from) != &c.m[5]);
		ASSERT_EQ(500, n);
		ASSERT_EQ(0, memcmp(in, out, 500));
	}
	for (i = 0; i < 3; i++) {
		__atomic_store_n(&t[i].stop, true, __ATOMIC_RELAXED);
		pthread_join(thread[i], NULL);
	}
	crowd_close(&c);
}

/* Many, and then none. */
TEST_F(peers, crowd)
{
	const unsigned int nr = effort(300, 60, 2000);
	struct crowd c;
	unsigned int i;

	crowd_open(&c, variant->suite, variant->family, nr, false);
	for (i = 0; i < c.nr; i += 37)
		ASSERT_EQ(true, alive(&c, &c.m[i]));
	ASSERT_EQ(MEMBERS + nr, stat_read("CurrAssociations"));
	for (i = 0; i < c.nr; i += 3)
		ASSERT_EQ(0, peer_del(c.fd, c.m[i].id, 0));
	for (i = 1; i < c.nr; i += 3 * 17)
		ASSERT_EQ(true, alive(&c, &c.m[i]));
	crowd_close(&c);
	ASSERT_EQ(MEMBERS, stat_read("CurrAssociations"));
}

TEST_HARNESS_MAIN
