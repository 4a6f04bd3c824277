// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto -lpthread */
/* kselftest-kcsan: yes */
/*
 * Generic netlink: dumps while what they show comes and goes, sockets that are closed
 * under those who ask for them, events; that no key comes out, and nobody is held up.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "lib/crowd.h"
#include "lib/effort.h"
#include "lib/genl.h"
#include "lib/stall.h"

#define MEMBERS		5
#define WAYS		(DTLS_PEER_TX | DTLS_PEER_RX)

static __u8 in[DTLS_PLAINTEXT_MAX], out[65536];

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

FIXTURE(dumps) {
	struct crowd c;
	struct genl g;
	struct genl_req r;
	struct seen s;
};

FIXTURE_VARIANT(dumps) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(dumps, v12_v4) { SUITE_AES_128_GCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(dumps, v13_v6) { SUITE13_CHACHA20, FAMILY_V6 };

FIXTURE_SETUP(dumps)
{
	netns_new();
	crowd_prepare(&self->c, variant->suite, variant->family, MEMBERS, false);
	genl_open(&self->g);
}

FIXTURE_TEARDOWN(dumps)
{
	genl_close(&self->g);
	if (self->c.m)
		crowd_close(&self->c);
}

/* Everything that the kernel writes is looked through for what it must not say. */
struct hunt {
	const struct dtls_keys *k;
	unsigned int nr;
	unsigned int messages;
};

static void hunt(const struct genl_msg *m, const struct nlmsghdr *nlh, void *arg)
{
	struct hunt *h = arg;
	unsigned int i;

	(void)m;
	h->messages++;
	for (i = 0; i < h->nr; i++) {
		const struct dtls_keys *k = &h->k[i];

		must(!k->key_len || !memmem(nlh, nlh->nlmsg_len, k->key, k->key_len));
		must(!k->secret_len ||
		     !memmem(nlh, nlh->nlmsg_len, k->secret, 16));
		must(k->iv_len < 8 || !memmem(nlh, nlh->nlmsg_len, k->iv, k->iv_len));
	}
}

struct event {
	__u32 event;
	__u64 peer;
	__u8 code;
	bool addr;
	struct sockaddr_storage ss;
};

static struct hunt *hunting;

static void note(const struct genl_msg *m, const struct nlmsghdr *nlh, void *arg)
{
	struct event *e = arg;

	must(m->cmd == DTLS_CMD_EVENT_NTF);
	memset(e, 0, sizeof(*e));
	e->event = genl_get_u32(m->attr[DTLS_A_EVENT]);
	e->code = *(const __u8 *)genl_data(m->attr[DTLS_A_EVENT_CODE]);
	if (m->attr[DTLS_A_PEER_ID])
		e->peer = genl_get_u64(m->attr[DTLS_A_PEER_ID]);
	e->addr = m->attr[DTLS_A_ADDRESS];
	if (e->addr)
		memcpy(&e->ss, genl_data(m->attr[DTLS_A_ADDRESS]),
		       genl_len(m->attr[DTLS_A_ADDRESS]));
	hunt(m, nlh, hunting);
}

TEST_F(dumps, events)
{
	struct genl *g = &self->g;
	struct crowd *c = &self->c;
	struct member *m = &c->m[0];
	struct dtls_keys k[2];
	struct hunt h = { k, 2, 0 };
	struct genl ears;
	struct event e;
	__u64 old;

	hunting = &h;
	member_keys(c, m, &k[0], &k[1]);
	genl_open(&ears);
	ASSERT_EQ(0, peer_new(g, c, m, 0));
	ASSERT_EQ(0, genl_join(&ears, ears.events));
	ASSERT_EQ(false, genl_event(&ears, note, &e));
	old = m->id;
	ASSERT_EQ(0, peer_new(g, c, m, DTLS_PEER_REPLACE));
	ASSERT_EQ(true, genl_event(&ears, note, &e));
	ASSERT_EQ(DTLS_EVENT_REMOVED, e.event);
	ASSERT_EQ(old, e.peer);
	ASSERT_EQ(true, genl_event(&ears, note, &e));
	ASSERT_EQ(DTLS_EVENT_ADDED, e.event);
	ASSERT_EQ(m->id, e.peer);
	ASSERT_EQ(0, memcmp(&e.ss, &m->addr, m->addr_len));
	/* nobody asked for them on the error queue; here they come */
	must(member_alert(c, m, ALERT_FATAL, ALERT_INTERNAL_ERROR) == 2);
	recv_soon(c->fd, in, sizeof(in), 0);
	ASSERT_EQ(true, genl_event(&ears, note, &e));
	ASSERT_EQ(DTLS_EVENT_CLOSED, e.event);
	ASSERT_EQ(ALERT_INTERNAL_ERROR, e.code);
	ASSERT_EQ(m->id, e.peer);
	ASSERT_EQ(0, peer_del(c->fd, m->id, 0));
	ASSERT_EQ(true, genl_event(&ears, note, &e));
	ASSERT_EQ(DTLS_EVENT_REMOVED, e.event);
	ASSERT_EQ(m->id, e.peer);
	ASSERT_EQ(0, peer_add(c, &c->m[1], WAYS));
	ASSERT_EQ(true, genl_event(&ears, note, &e));
	ASSERT_EQ(DTLS_EVENT_ADDED, e.event);
	/* the whole socket */
	close(c->fd);
	c->fd = udp_bound(variant->family);
	ASSERT_EQ(true, genl_event(&ears, note, &e));
	ASSERT_EQ(DTLS_EVENT_REMOVED, e.event);
	ASSERT_EQ(0, e.peer);
	ASSERT_EQ(false, e.addr);
	ASSERT_EQ(false, genl_event(&ears, note, &e));
	genl_close(&ears);
}

TEST_F(dumps, no_key_comes_out)
{
	struct dtls_keys k[2 * MEMBERS];
	struct hunt h = { k, 2 * MEMBERS, 0 };
	struct crowd *c = &self->c;
	struct genl *g = &self->g;
	struct genl_req *r = &self->r;
	int i;

	for (i = 0; i < MEMBERS; i++) {
		member_keys(c, &c->m[i], &k[2 * i], &k[2 * i + 1]);
		ASSERT_EQ(0, peer_new(g, c, &c->m[i], 0));
	}
	for (i = 0; i < 2; i++) {
		genl_begin(r, i ? DTLS_CMD_PEER_GET : DTLS_CMD_SOCKET_GET);
		ASSERT_EQ(0, genl_ask(g, r, NLM_F_DUMP, hunt, &h));
	}
	ASSERT_EQ(MEMBERS + 1, h.messages);
	/* nor with an error, which brings the request back */
	genl_peer_new(r, c, &c->m[0], 0);
	genl_send(g, r, NLM_F_ACK);
	i = recv(g->fd, out, sizeof(out), 0);
	ASSERT_LT((int)r->nlh.nlmsg_len, i);
	ASSERT_EQ(NLMSG_ERROR, ((struct nlmsghdr *)out)->nlmsg_type);
	((struct nlmsghdr *)out)->nlmsg_len = i;
	hunt(NULL, (struct nlmsghdr *)out, &h);
}

/* Others come and go while there is a dump. */
struct churn {
	struct crowd c;
	bool stop;
	unsigned int rounds;
};

static void *churn(void *arg)
{
	struct churn *ch = arg;
	struct crowd *c = &ch->c;
	unsigned int i;
	int fd;

	while (!__atomic_load_n(&ch->stop, __ATOMIC_RELAXED)) {
		for (i = MEMBERS; i < c->nr; i++)
			must(!peer_add(c, &c->m[i], WAYS));
		fd = udp_bound(c->family);
		must(!ulp_attach(fd));
		for (i = MEMBERS; i < c->nr; i++)
			must(!peer_del(c->fd, c->m[i].id, 0));
		close(fd);
		__atomic_add_fetch(&ch->rounds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

struct tally {
	__u64 first, last_cookie, last_peer;
	unsigned int fixed, all;
};

static void tally(const struct genl_msg *m, const struct nlmsghdr *nlh, void *arg)
{
	struct tally *t = arg;
	__u64 cookie = genl_get_u64(m->attr[DTLS_A_COOKIE]);
	__u64 peer = m->attr[DTLS_A_PEER_ID] ? genl_get_u64(m->attr[DTLS_A_PEER_ID]) : 0;

	(void)nlh;
	/* in order, and nothing twice */
	must(cookie > t->last_cookie ||
	     (peer && cookie == t->last_cookie && peer > t->last_peer));
	t->last_cookie = cookie;
	t->last_peer = peer;
	t->all++;
	if (cookie == t->first && peer && peer <= MEMBERS)
		t->fixed++;
	else if (cookie == t->first && !peer)
		t->fixed++;
}

TEST_F(dumps, dumps_under_churn)
{
	struct genl *g = &self->g;
	struct genl_req *r = &self->r;
	unsigned int i, rounds = effort(60, 15, 20000), inter = 0;
	struct churn ch = {};
	pthread_t thread;
	struct tally t;

	crowd_prepare(&ch.c, variant->suite, variant->family, MEMBERS + 60, false);
	for (i = 0; i < MEMBERS; i++)
		must(!peer_add(&ch.c, &ch.c.m[i], WAYS));
	must(!pthread_create(&thread, NULL, churn, &ch));
	for (i = 0; i < rounds || (inter < 2 && i < 2000); i++) {
		memset(&t, 0, sizeof(t));
		t.first = cookie_of(ch.c.fd);
		genl_begin(r, i % 3 ? DTLS_CMD_PEER_GET : DTLS_CMD_SOCKET_GET);
		ASSERT_EQ(0, genl_ask(g, r, NLM_F_DUMP, tally, &t));
		ASSERT_EQ(i % 3 ? MEMBERS : 1, t.fixed);
		inter += g->inter;
		/* and one by one, by somebody who has no descriptor */
		genl_begin_cookie(r, DTLS_CMD_PEER_GET, ch.c.fd);
		genl_u64(r, DTLS_A_PEER_ID, 1 + i % MEMBERS);
		ASSERT_EQ(0, ask(g, r, 0, &self->s));
	}
	__atomic_store_n(&ch.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	ASSERT_LT(0, ch.rounds);
	/* a dump of several parts has noticed, and said so */
	ASSERT_LE(2, inter);
	crowd_close(&ch.c);
}

/* What is closed, or taken away, under those who ask for it by cookie. */
struct closer {
	int family;
	__u64 cookie;
	bool stop;
};

static void *asker(void *arg)
{
	struct closer *cl = arg;
	struct genl_req r;
	struct genl g;
	int i, err;

	genl_open(&g);
	for (i = 0; !__atomic_load_n(&cl->stop, __ATOMIC_RELAXED); i++) {
		genl_begin(&r, i % 3 == 0 ? DTLS_CMD_SOCKET_GET :
			       i % 3 == 1 ? DTLS_CMD_PEER_GET : DTLS_CMD_PEER_DEL);
		genl_u64(&r, DTLS_A_COOKIE,
			 __atomic_load_n(&cl->cookie, __ATOMIC_RELAXED));
		if (i % 3)
			genl_u64(&r, DTLS_A_PEER_ID, 1 + i % 7);
		if (i % 3 == 2)
			genl_u32(&r, DTLS_A_FLAGS, DTLS_PEER_NOTIFY);
		err = genl_ask(&g, &r, 0, NULL, NULL);
		must(!err || err == ENOENT);
	}
	genl_close(&g);
	return NULL;
}

TEST_F(dumps, closed_under_the_asker)
{
	struct closer cl = { .family = variant->family };
	unsigned int i, rounds = effort(15, 6, 3000);
	pthread_t thread[2];
	struct crowd c;

	for (i = 0; i < 2; i++)
		must(!pthread_create(&thread[i], NULL, asker, &cl));
	for (i = 0; i < rounds; i++) {
		crowd_prepare(&c, variant->suite, variant->family, 4, false);
		__atomic_store_n(&cl.cookie, cookie_of(c.fd), __ATOMIC_RELAXED);
		must(!peer_new(&self->g, &c, &c.m[0], 0));
		must(!peer_new(&self->g, &c, &c.m[1], 0));
		must(!peer_new(&self->g, &c, &c.m[2], 0));
		crowd_close(&c);
	}
	__atomic_store_n(&cl.stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	ASSERT_EQ(0, stat_read("CurrAssociations"));
}

/* Half a dump, and then everything goes away, the namespace too. */
TEST_F(dumps, dump_left_open)
{
	pid_t pid = spawn();
	struct genl_req r;
	struct crowd c;
	struct genl g;
	int part;

	if (!pid) {
		netns_new();
		crowd_open(&c, variant->suite, variant->family, 120, false);
		genl_open(&g);
		for (part = 0; part < 2; part++) {
			genl_begin(&r, DTLS_CMD_PEER_GET);
			genl_send(&g, &r, NLM_F_DUMP);
			must(genl_recv(&g, NULL, NULL) == 1);
			if (!part) {
				/* those left out are those that went */
				must(!peer_del(c.fd, peer_id(c.fd, &c.m[119].addr), 0));
				while (genl_recv(&g, NULL, NULL) > 0)
					;
			} else {
				crowd_close(&c);
				must(genl_recv(&g, NULL, NULL) <= 1);
			}
		}
		_exit(0);
	}
	ASSERT_EQ(0, wait_child(pid));
}

/* A program that holds its locks for long holds up nobody but itself. */
struct holder {
	int fd;
	const void *page;
	const struct sockaddr_storage *to;
	socklen_t len;
};

static void *hold(void *arg)
{
	struct holder *h = arg;

	sendto(h->fd, h->page, 1000, MSG_MORE, (const void *)h->to, h->len);
	return NULL;
}

TEST_F(dumps, held_up)
{
	struct genl *g = &self->g;
	struct crowd *c = &self->c;
	struct holder h = { .to = &c->m[0].addr, .len = c->m[0].addr_len };
	struct stall s;
	pthread_t thread;
	int plain, i;

	for (i = 0; i < 2; i++) {
		if (!stall_open(&s))
			SKIP(return, "no userfaultfd");
		plain = udp_bound(variant->family);
		h.fd = i ? c->fd : plain;
		h.page = s.page;
		must(!pthread_create(&thread, NULL, hold, &h));
		stall_wait(&s);
		if (i) {
			ASSERT_EQ(EBUSY, peer_new(g, c, &c->m[1], 0));
			ASSERT_STREQ("the socket is busy: a send holds it", g->text);
		} else {
			genl_begin_fd(&self->r, DTLS_CMD_ATTACH, plain);
			ASSERT_EQ(EBUSY, ask(g, &self->r, 0, &self->s));
			ASSERT_STREQ("somebody else has the socket in use", g->text);
		}
		/* who only looks need not wait */
		genl_begin(&self->r, DTLS_CMD_SOCKET_GET);
		ASSERT_EQ(0, ask(g, &self->r, NLM_F_DUMP, &self->s));
		ASSERT_EQ(1, self->s.count);
		stall_end(&s, out);
		pthread_join(thread, NULL);
		stall_close(&s);
		close(plain);
	}
	ASSERT_EQ(0, stat_read("CurrAssociations"));
}

TEST_HARNESS_MAIN
