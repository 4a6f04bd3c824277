// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: yes */
/*
 * DTLS_PEER_IDLE: peers from whom nothing comes go, and the others stay. No matter how
 * slow all is: a peer may go late, and early only if we were slow ourselves, and
 * then we know.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/crowd.h"
#include "lib/genl.h"

#define WAYS		(DTLS_PEER_TX | DTLS_PEER_RX)
#define LIMIT		1	/* seconds */

static __u8 in[2048];

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

static long long now_ms(void)
{
	struct timespec ts;

	must(!clock_gettime(CLOCK_MONOTONIC, &ts));
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

FIXTURE(idle) {
	struct crowd c;
};

FIXTURE_VARIANT(idle) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(idle, v12) { SUITE_AES_128_GCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(idle, v13) { SUITE13_AES_128_GCM, FAMILY_V6 };

/* What is the same in all versions is looked at in one. */
FIXTURE(once) {
};

FIXTURE_SETUP(once)
{
	netns_new();
}

FIXTURE_TEARDOWN(once)
{
}

FIXTURE_SETUP(idle)
{
	netns_new();
	crowd_prepare(&self->c, variant->suite, variant->family, 3, true);
	must(!set_int(self->c.fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
}

FIXTURE_TEARDOWN(idle)
{
	if (self->c.m)
		crowd_close(&self->c);
}

/* Who has gone because of the limit? NULL: nobody has within @ms. */
static struct member *gone(const struct crowd *c, int ms)
{
	struct pollfd p = { .fd = c->fd };
	struct sockaddr_storage from;
	struct sock_extended_err ee;
	struct member *m;
	__u64 id;

	poll(&p, 1, ms);
	do {
		if (!crowd_event(c, &ee, &id, &from))
			return NULL;
		/* the far end answers the close_notify of DTLS 1.2, to nobody */
	} while (ee.ee_origin != SO_EE_ORIGIN_DTLS);
	m = crowd_whose(c, &from);
	must(ee.ee_type == DTLS_EVENT_CLOSED && ee.ee_errno == ETIMEDOUT &&
	     ee.ee_data == 1 && !ee.ee_code && m && m->id == id);
	return m;
}

static bool there(const struct crowd *c, const struct member *m)
{
	struct dtls_peer_info info = { .id = m->id };

	return !peer_info(c->fd, &info);
}

static void say(const struct crowd *c, struct member *m)
{
	struct sockaddr_storage from;

	must(member_send(c, m, "x", 1) == 1);
	must(crowd_recv(c, in, sizeof(in), 0, &from, NULL, NULL) == 1);
	must(crowd_whose(c, &from) == m);
}

TEST_F(idle, one_talks_and_another_does_not)
{
	struct crowd *c = &self->c;
	long long before, at, gap = 0;
	struct member *m = NULL;
	int i;

	ASSERT_EQ(0, peer_add(c, &c->m[0], WAYS));
	ASSERT_EQ(0, peer_add(c, &c->m[1], WAYS));
	ASSERT_EQ(0, set_int(c->fd, SOL_DTLS, DTLS_PEER_IDLE, LIMIT));
	ASSERT_EQ(LIMIT, get_int(c->fd, SOL_DTLS, DTLS_PEER_IDLE));
	/* and one more, with the limit there */
	ASSERT_EQ(0, peer_add(c, &c->m[2], WAYS));
	before = now_ms();
	for (i = 0; i < 2; ) {
		m = gone(c, 20);
		if (m == &c->m[0]) {
			/* so slow that it was right */
			ASSERT_LE(LIMIT * 1000, now_ms() - before) TH_LOG("gap %lld", gap);
			ASSERT_EQ(0, peer_add(c, m, WAYS | DTLS_PEER_REPLACE));
		}
		i += m && m != &c->m[0];
		if (there(c, &c->m[0]))
			say(c, &c->m[0]);
		at = now_ms();
		if (at - before > gap)
			gap = at - before;
		before = at;
	}
	ASSERT_EQ(false, there(c, &c->m[1]));
	ASSERT_EQ(false, there(c, &c->m[2]));
	/* with a close_notify, and without keys */
	ASSERT_EQ(0, recv(c->m[1].end12.fd, in, sizeof(in), 0));
	ASSERT_EQ(-1, crowd_send(c, &c->m[1], "x", 1));
	ASSERT_EQ(ENOKEY, errno);
}

static void keep(const struct genl_msg *m, const struct nlmsghdr *nlh, void *arg)
{
	struct seen *s = arg;

	(void)nlh;
	s->count++;
	s->m = *m;
}

/* What is not authentic keeps nobody, and what we send does not either. */
TEST_F(once, what_does_not_count)
{
	struct seen s = {};
	struct member *m;
	struct crowd c;
	struct genl g;
	int i;

	genl_open(&g);
	ASSERT_EQ(0, genl_join(&g, g.events));
	crowd_open(&c, SUITE_AES_128_GCM, FAMILY_V4, 1, false);
	ASSERT_EQ(0, set_int(c.fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
	ASSERT_EQ(0, set_int(c.fd, SOL_DTLS, DTLS_PEER_IDLE, LIMIT));
	for (i = 0; (m = gone(&c, 20)) == NULL; i++) {
		__u8 junk[64] = { 23, 254, 253, 0, 1, 0, 0, 0, 0, 0, i, 0, 51 };

		must(send(c.m[0].end12.fd, junk, sizeof(junk), 0) > 0);
		must(crowd_recv(&c, in, sizeof(in), MSG_DONTWAIT, NULL, NULL,
				NULL) < 0);
		crowd_send(&c, &c.m[0], "x", 1);
		recv(c.m[0].end12.fd, in, sizeof(in), MSG_DONTWAIT);
	}
	ASSERT_EQ(&c.m[0], m);
	/* by netlink: that it is added, what has happened, and that it is removed */
	ASSERT_EQ(true, genl_event(&g, keep, &s));
	ASSERT_EQ(true, genl_event(&g, keep, &s));
	ASSERT_EQ(DTLS_EVENT_CLOSED, genl_get_u32(s.m.attr[DTLS_A_EVENT]));
	ASSERT_EQ(1, genl_get_u32(s.m.attr[DTLS_A_EVENT_DATA]));
	ASSERT_EQ(m->id, genl_get_u64(s.m.attr[DTLS_A_PEER_ID]));
	/* told after the other, with the same lock */
	while (!genl_event(&g, keep, &s))
		;
	ASSERT_EQ(DTLS_EVENT_REMOVED, genl_get_u32(s.m.attr[DTLS_A_EVENT]));
	ASSERT_EQ(m->id, genl_get_u64(s.m.attr[DTLS_A_PEER_ID]));
	genl_close(&g);
	crowd_close(&c);
}

TEST_F(once, lifted)
{
	struct crowd one, other, *c = &one;

	crowd_prepare(c, SUITE_AES_128_GCM, FAMILY_V6, 2, true);
	ASSERT_EQ(0, get_int(c->fd, SOL_DTLS, DTLS_PEER_IDLE));
	ASSERT_EQ(-1, set_int(c->fd, SOL_DTLS, DTLS_PEER_IDLE, -1));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(0, peer_add(c, &c->m[0], WAYS));
	ASSERT_EQ(0, set_int(c->fd, SOL_DTLS, DTLS_PEER_IDLE, LIMIT));
	ASSERT_EQ(0, set_int(c->fd, SOL_DTLS, DTLS_PEER_IDLE, 0));
	ASSERT_EQ(0, peer_add(c, &c->m[1], WAYS));
	/* others, whose limit tells us that the time is up */
	crowd_open(&other, SUITE_AES_128_GCM, FAMILY_V4, 1, true);
	ASSERT_EQ(0, set_int(other.fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
	ASSERT_EQ(0, set_int(other.fd, SOL_DTLS, DTLS_PEER_IDLE, LIMIT));
	while (!gone(&other, 100))
		;
	crowd_close(&other);
	ASSERT_EQ(true, there(c, &c->m[0]));
	ASSERT_EQ(true, there(c, &c->m[1]));
	say(c, &c->m[0]);
	/* the longest that there is */
	ASSERT_EQ(0, set_int(c->fd, SOL_DTLS, DTLS_PEER_IDLE, INT_MAX));
	ASSERT_EQ(0, set_int(c->m[0].end12.fd, SOL_DTLS, DTLS_PEER_IDLE, 7));
	ASSERT_EQ(7, get_int(c->m[0].end12.fd, SOL_DTLS, DTLS_PEER_IDLE));
	crowd_close(c);
}

/* Closed while it looks at many, who all go at once. */
TEST_F(once, close)
{
	struct crowd many;

	crowd_open(&many, SUITE_AES_128_GCM, FAMILY_V4, 100, false);
	ASSERT_EQ(0, set_int(many.fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
	ASSERT_EQ(0, set_int(many.fd, SOL_DTLS, DTLS_PEER_IDLE, LIMIT));
	while (!gone(&many, 100))
		;
	crowd_close(&many);
	ASSERT_EQ(0, stat_read("CurrAssociations"));
}

TEST_HARNESS_MAIN
