// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-timeout: 60 */
/*
 * Forgeries until the AEAD's limit of them comes near (RFC 9147 4.5.3 has it
 * for DTLS 1.3; the mathematics are the same): with DTLS 1.2 the program is told
 * once, and nothing stops. With DTLS 1.3 the peer is asked for new keys, and what
 * has reached the limit opens nothing any more. Ten million records and more:
 * with KDTLS_LONG=1 only.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "lib/effort.h"
#include "lib/far13.h"

#define BATCH		64
/* 2^23.5, of which seven eighths may be used up before it is said. */
#define CCM_FAILURES	11863283
#define NEAR		(CCM_FAILURES - CCM_FAILURES / 8)

static __u8 wire[65536], in[100];

FIXTURE(limit) {
	struct dtls_pair p;
};

FIXTURE_VARIANT(limit) {
	__u16 suite;
};

FIXTURE_VARIANT_ADD(limit, ccm) { SUITE_AES_128_CCM };

FIXTURE_SETUP(limit)
{
	if (!effort_long())
		SKIP(return, "ten million records: KDTLS_LONG=1");
	netns_new();
	pair_open(&self->p, variant->suite, FAMILY_V4, false);
}

FIXTURE_TEARDOWN(limit)
{
	pair_close(&self->p);
}

/* @n forged records in one packet, none of which is authentic. */
static void forged(struct dtls_pair *p, unsigned int n)
{
	size_t one = oracle_overhead(p->far.tx.suite) + 1;

	must(send(p->far.fd, wire, n * one, 0) == (ssize_t)(n * one));
	must(recv_soon(p->near.fd, in, sizeof(in), 0) == -1);
	must(errno == EAGAIN);
}

TEST_F_TIMEOUT(limit, forgeries, 2400)
{
	struct sock_extended_err ee;
	unsigned int sent, i;
	struct dtls_keys k;
	size_t at = 0, n;

	ASSERT_EQ(0, set_int(self->p.near.fd, SOL_DTLS, DTLS_EVENTS,
			     DTLS_EVENT_ALL));
	for (i = 0; i < BATCH; i++) {
		n = oracle_seal_seq(&self->p.far.tx, 100 + i, DTLS_TYPE_DATA,
				    "x", 1, wire + at);
		at += n;
		wire[at - 1] ^= 1;
	}
	ASSERT_EQ(0, set_int(self->p.far.fd, SOL_UDP, UDP_SEGMENT, n));
	for (sent = 0; sent + BATCH < NEAR; sent += BATCH)
		forged(&self->p, BATCH);
	ASSERT_EQ(false, event_next(self->p.near.fd, &ee));
	for (i = 0; i < 2 * BATCH; i++)
		forged(&self->p, 1);
	sent += i;
	ASSERT_EQ(true, event_next(self->p.near.fd, &ee));
	ASSERT_EQ(DTLS_EVENT_LIMIT, ee.ee_type);
	ASSERT_EQ(EKEYEXPIRED, ee.ee_errno);
	ASSERT_EQ(1, ee.ee_info);
	ASSERT_EQ(1, ee.ee_data);
	ASSERT_EQ(false, event_next(self->p.near.fd, &ee));
	ASSERT_EQ(1, stat_read("KeyLimit"));
	key_state(self->p.near.fd, DTLS_RX, &k);
	ASSERT_EQ(sent, k.drop_auth);
	ASSERT_EQ(sent, stat_read("RxDropAuth"));
	ASSERT_EQ(0, k.records);
	ASSERT_EQ(0, set_int(self->p.far.fd, SOL_UDP, UDP_SEGMENT, 0));
	ASSERT_EQ(1, end_send(&self->p.far, "y", 1, 0));
	ASSERT_EQ(1, recv_soon(self->p.near.fd, in, sizeof(in), 0));
}

#define JUNK	2000

FIXTURE(limit13) {
	struct pair13 p;
	struct end13 *far;
	__u8 rec[100];			/* a forgery, and its size */
	size_t size;
	unsigned long long sent;
	int fd;
};

FIXTURE_SETUP(limit13)
{
	struct oracle13_form f = {};

	if (!effort_long())
		SKIP(return, "eleven million records: KDTLS_LONG=1");
	netns_new();
	pair13_open(&self->p, SUITE13_AES_128_CCM, FAMILY_V4, false);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
	self->size = oracle13_seal_form(&self->far->tx, &f, 100, DTLS_TYPE_DATA,
					"x", 1, self->rec);
	self->rec[self->size - 1] ^= 1;
	self->sent = 0;
}

FIXTURE_TEARDOWN(limit13)
{
	pair13_close(&self->p);
}

#define SCENE	FIXTURE_DATA(limit13)

/* Forgeries, until there have been @until: as many of them as a datagram takes. */
static void forge(SCENE *s, unsigned long long until)
{
	unsigned int i, n;

	for (i = 0; i < JUNK; i++)
		memcpy(wire + i * s->size, s->rec, s->size);
	for (; s->sent < until; s->sent += n) {
		n = until - s->sent < JUNK ? until - s->sent : JUNK;
		end13_post(s->far, wire, n * s->size);
		must(recv_soon(s->fd, in, sizeof(in), 0) == -1 && errno == EAGAIN);
	}
}

/* A record under the keys of @from is opened. */
static bool opens(SCENE *s, struct oracle13_key *from)
{
	__u8 rec[RECORD13_ROOM];

	end13_post(s->far, rec, oracle13_seal(from, DTLS_TYPE_DATA, "y", 1, rec));
	return recv_soon(s->fd, in, sizeof(in), 0) == 1 && *in == 'y';
}

static bool told(SCENE *s, unsigned int epoch)
{
	struct sock_extended_err ee;

	return event_next(s->fd, &ee) && ee.ee_type == DTLS_EVENT_LIMIT &&
	       ee.ee_errno == EKEYEXPIRED && ee.ee_info == epoch && ee.ee_data == 1;
}

/* All that has been told. */
static void drain(SCENE *s)
{
	struct sock_extended_err ee;

	while (event_next(s->fd, &ee))
		must(ee.ee_type == DTLS_EVENT_REKEY);
}

/* The peer has been asked for new keys, and has at least heard it. */
static void asked(SCENE *s)
{
	struct seen13 seen = {};

	while (!seen.updates)
		far13_take(s->far, &seen, 0);
	must(seen.request == 1);
	far13_ack(s->far, &seen.update, 1);
	/* a work item may have taken the ACK, and be at it */
	while (get_int(s->fd, SOL_DTLS, DTLS_KEY_UPDATE)) {
		must(recv_soon(s->fd, in, sizeof(in), 0) == -1 && errno == EAGAIN);
		usleep(1000);
	}
	drain(s);
}

/* The peer says nothing, and the key is used up. */
TEST_F_TIMEOUT(limit13, used_up, 2400)
{
	struct sock_extended_err ee;
	struct oracle13_key old;
	struct dtls_keys k;
	struct seen13 s;

	forge(self, NEAR - 1);
	ASSERT_EQ(false, event_next(self->fd, &ee));
	ASSERT_EQ(0, stat_read("TxKeyUpdates"));
	forge(self, NEAR);
	ASSERT_EQ(true, told(self, EPOCH13));
	ASSERT_EQ(1, stat_read("KeyLimit"));
	asked(self);

	/* it opens records to the last */
	forge(self, CCM_FAILURES - 1);
	ASSERT_EQ(true, opens(self, &self->far->tx));
	ASSERT_EQ(false, event_next(self->fd, &ee));
	forge(self, CCM_FAILURES);
	ASSERT_EQ(0, stat_read("RxDropLimit"));
	ASSERT_EQ(false, opens(self, &self->far->tx));
	ASSERT_EQ(EKEYEXPIRED, errno);
	ASSERT_EQ(true, told(self, EPOCH13));
	/* and then none, forged or not: told once */
	ASSERT_EQ(false, opens(self, &self->far->tx));
	ASSERT_EQ(EAGAIN, errno);
	forge(self, CCM_FAILURES + 10);
	ASSERT_EQ(false, event_next(self->fd, &ee));
	key_state(self->fd, DTLS_RX, &k);
	ASSERT_EQ(CCM_FAILURES, k.drop_auth);
	ASSERT_EQ(1, k.records - stat_read("RxAcks"));
	ASSERT_EQ(CCM_FAILURES, stat_read("RxDropAuth"));
	ASSERT_EQ(12, stat_read("RxDropLimit"));
	ASSERT_EQ(CCM_FAILURES + 12, stat_drops());

	/* the other way goes on; and with new keys this one */
	ASSERT_EQ(1, send(self->fd, "z", 1, 0));
	far13_collect(self->far, &s);
	ASSERT_EQ(1, s.data);
	old = self->far->tx;
	keys13_next(self->far, &self->p.near, EPOCH13 + 1);
	ASSERT_EQ(0, key13_install(self->fd, DTLS_RX, &self->p.near.rx[0].key,
				   FAR13_MESSAGE));
	ASSERT_EQ(true, opens(self, &self->far->tx));
	ASSERT_EQ(false, opens(self, &old));
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(13, stat_read("RxDropLimit"));
}

/*
 * The peer has done what it was asked for. RFC 9147 4.5.3: then "the previous keys
 * can be dropped when the limit is reached rather than closing the connection".
 */
TEST_F_TIMEOUT(limit13, renewed, 2400)
{
	struct sock_extended_err ee;
	struct oracle13_key old;

	forge(self, NEAR);
	ASSERT_EQ(true, told(self, EPOCH13));
	asked(self);
	far13_update(self->far, 0);
	ASSERT_EQ(-1, recv_soon(self->fd, in, sizeof(in), 0));
	drain(self);
	old = self->far->tx;
	far13_next_keys(self->far);

	/* no key of now has had as much as one of these */
	forge(self, CCM_FAILURES - 1);
	ASSERT_EQ(true, opens(self, &old));
	forge(self, CCM_FAILURES + 5);
	ASSERT_EQ(5, stat_read("RxDropLimit"));
	ASSERT_EQ(false, opens(self, &old));
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(true, told(self, EPOCH13));
	ASSERT_EQ(true, opens(self, &self->far->tx));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN | POLLERR));
	ASSERT_EQ(false, event_next(self->fd, &ee));
	ASSERT_EQ(1, stat_read("KeyLimit"));
}

TEST_HARNESS_MAIN
