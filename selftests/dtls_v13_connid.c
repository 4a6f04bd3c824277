// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-kcsan: yes */
/* kselftest-timeout: 600 */
/* kselftest-6.1: chacha_v6 */
/*
 * Several connection IDs at a time (RFC 9147 9): given by the peer or to it, asked
 * for by either, and changed under records that are on their way. The far end is
 * the test, which knows every ID that there is.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/effort.h"
#include "lib/far13.h"

#define SPARES	8	/* that the kernel keeps */
#define TAKEN	16	/* that it takes besides the first */

static __u8 in[DTLS_PLAINTEXT_MAX];

/* Each begins with a byte of its own, so that its length is known by it. */
static struct known {
	__u8 id[ORACLE_CID_MAX];
	unsigned int len;
} known[256];
static unsigned int nr_known;

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

static unsigned int cid_new(unsigned int len)
{
	struct known *k = &known[nr_known];

	must(nr_known < ARRAY_SIZE(known));
	fill(k->id, len, nr_known);
	if (len)
		k->id[0] = nr_known;
	k->len = len;
	return nr_known++;
}

/* Those that the keys came with. */
static void cid_first(const struct oracle13_key *k)
{
	unsigned int i = cid_new(k->cid_len);

	memcpy(known[i].id, k->cid, k->cid_len);
}

FIXTURE(connid) {
	struct pair13 p;
	struct end13 *far;
	int fd;
};

FIXTURE_VARIANT(connid) {
	__u16 suite;
	int family;
	unsigned int sent, wanted;
};

FIXTURE_VARIANT_ADD(connid, gcm_v4) { SUITE13_AES_128_GCM, FAMILY_V4, 8, 8 };
FIXTURE_VARIANT_ADD(connid, chacha_v6) { SUITE13_CHACHA20, FAMILY_V6, 5, 12 };
FIXTURE_VARIANT_ADD(connid, ccm8_mapped) { SUITE13_AES_128_CCM_8, FAMILY_MAPPED, 32, 2 };

static void pair_up(struct pair13 *p, __u16 suite, int family, unsigned int sent,
		    unsigned int wanted)
{
	pair13_prepare(p, suite, family, false);
	pair13_cids(p, sent, wanted);
	/* first bytes of their own, here too */
	nr_known = 0;
	if (sent)
		p->near.tx.cid[0] = 0;
	p->far.rx[0].key = p->near.tx;
	cid_first(&p->near.tx);
	if (wanted)
		p->far.tx.cid[0] = 1;
	p->near.rx[0].key = p->far.tx;
	cid_first(&p->far.tx);
	pair13_install(p);
	must(!set_int(p->near.fd, SOL_DTLS, DTLS_EVENTS,
		      DTLS_EVENT_CID));
}

FIXTURE_SETUP(connid)
{
	netns_new();
	pair_up(&self->p, variant->suite, variant->family, variant->sent,
		variant->wanted);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
}

FIXTURE_TEARDOWN(connid)
{
	pair13_close(&self->p);
}

/* What recv() without waiting says. */
static int recv_now(int fd)
{
	ssize_t n = recv_soon(fd, in, sizeof(in), 0);

	return n < 0 ? -errno : n;
}

static int next_cid(int fd)
{
	return set_int(fd, SOL_DTLS, DTLS_NEXT_CID, 1) ? errno : 0;
}

static int request(int fd, int count)
{
	return set_int(fd, SOL_DTLS, DTLS_REQUEST_CID, count) ? errno : 0;
}

static int value(int fd, int option)
{
	return get_int(fd, SOL_DTLS, option);
}

/* What has come, and of it the last message about connection IDs. */
struct got {
	struct seen13 s;
	unsigned int messages, repeats;
	struct number13 at;
	__u8 msg[320];
	size_t len;
	unsigned int cid;	/* under which the last record came */
};

/* Takes a datagram, and sees by its connection ID how long that is. */
static bool aim(struct end13 *far, struct got *g, int flags)
{
	unsigned int i, j;
	ssize_t n;

	if (far->left)
		return true;
	if (flags & MSG_DONTWAIT)
		settle();
	n = recv(far->fd, far->dgram, sizeof(far->dgram), flags);
	if (n < 0)
		return false;
	far->left = n;
	far->at = 0;
	if (!(far->dgram[0] & 0x10))
		return true;
	/* number 1 is for the other direction */
	for (i = 0; i < nr_known; i++)
		if (i != 1 && known[i].len &&
		    !memcmp(far->dgram + 1, known[i].id, known[i].len))
			break;
	must(i < nr_known);
	g->cid = i;
	for (j = 0; j < ARRAY_SIZE(far->rx); j++) {
		memcpy(far->rx[j].key.cid, known[i].id, known[i].len);
		far->rx[j].key.cid_len = known[i].len;
	}
	return true;
}

static bool take(struct end13 *far, struct got *g, int flags)
{
	unsigned int others = g->s.others;
	__u16 message;

	if (!aim(far, g, flags))
		return false;
	far13_take(far, &g->s, flags);
	if (g->s.others == others || others >= ARRAY_SIZE(g->s.other))
		return true;
	g->at = g->s.other[others].at;
	g->len = g->s.other[others].len;
	must(g->len <= sizeof(g->msg));
	memcpy(g->msg, g->s.other[others].bytes, g->len);
	message = g->msg[4] << 8 | g->msg[5];
	if (message == far->rx_message) {
		far->rx_message++;
		g->messages++;
	} else {
		must(message == (__u16)(far->rx_message - 1));
		g->repeats++;
	}
	return true;
}

static void collect(struct end13 *far, struct got *g)
{
	memset(g, 0, sizeof(*g));
	while (take(far, g, MSG_DONTWAIT))
		;
}

/* Waits for a message that is not a repeated one. */
static void message(struct end13 *far, struct got *g)
{
	memset(g, 0, sizeof(*g));
	while (!g->messages)
		must(take(far, g, 0));
}

/* Waits for an ACK. */
static void awaited(struct end13 *far, struct got *g, struct number13 n)
{
	memset(g, 0, sizeof(*g));
	while (!seen13_acked(&g->s, n))
		must(take(far, g, 0));
}

/* Until what is outstanding has its ACK: some work item may have read it. */
static void finished(int fd, int option)
{
	while (value(fd, option)) {
		must(recv_now(fd) == -EAGAIN);
		usleep(1000);
	}
}

/* A record of ours: under which connection ID? */
static unsigned int sends_with(struct pair13 *p, const char *text)
{
	struct got g;

	must(send(p->near.fd, text, strlen(text), 0) == (ssize_t)strlen(text));
	memset(&g, 0, sizeof(g));
	while (!g.s.data)
		must(take(&p->far, &g, 0));
	must(g.s.len == strlen(text) && !memcmp(g.s.text, text, g.s.len));
	return g.cid;
}

/*
 * Is a record of the peer taken with this one? While an ACK is due some work item
 * may have it in hand, so it is waited for.
 */
static bool takes(struct pair13 *p, unsigned int i)
{
	__u64 drops = stat_read("RxDropCid");
	struct oracle13_key *k = &p->far.tx;

	memcpy(k->cid, known[i].id, known[i].len);
	k->cid_len = known[i].len;
	must(end13_send(&p->far, "with this", 9, 0) == 9);
	while (recv_now(p->near.fd) != 9)
		if (stat_read("RxDropCid") > drops)
			return false;
	return true;
}

static bool event(int fd, __u32 type, __u8 code, __u32 data)
{
	struct sock_extended_err ee;

	while (!event_next(fd, &ee))
		usleep(1000);
	must(ee.ee_origin == SO_EE_ORIGIN_DTLS && ee.ee_errno == ENOMSG);
	return ee.ee_type == type && ee.ee_code == code && ee.ee_data == data &&
	       ee.ee_info >= EPOCH13;
}

static bool no_event(int fd)
{
	struct sock_extended_err ee;

	return !event_next(fd, &ee);
}

/* Body of a NewConnectionId, with @count of those that are known, from @first. */
static size_t list(__u8 *body, unsigned int first, unsigned int count, __u8 usage)
{
	__u8 *p = body + 2;

	for (; count; count--, first++) {
		*p++ = known[first].len;
		memcpy(p, known[first].id, known[first].len);
		p += known[first].len;
	}
	body[0] = (p - body - 2) >> 8;
	body[1] = (p - body - 2) & 0xff;
	*p++ = usage;
	return p - body;
}

static struct number13 give(struct end13 *far, unsigned int first,
			    unsigned int count, __u8 usage)
{
	static __thread __u8 body[2000];

	return far13_message(far, HS_NEW_CID, body, list(body, first, count, usage));
}

/* @count new ones for us to use, of @len bytes. Returns the first. */
static unsigned int given(struct pair13 *p, unsigned int count, unsigned int len,
			  __u8 usage)
{
	unsigned int first = nr_known, i;
	struct number13 n;
	struct got g;

	for (i = 0; i < count; i++)
		cid_new(len);
	n = give(&p->far, first, count, usage);
	must(recv_now(p->near.fd) == -EAGAIN);
	awaited(&p->far, &g, n);
	return first;
}

/* What a program offers to the peer. Returns the first. */
static unsigned int offer_fill(struct dtls_new_cid *o, unsigned int count,
			       unsigned int len, __u8 usage)
{
	unsigned int first = nr_known, i;

	memset(o, 0, sizeof(*o));
	o->size = sizeof(*o);
	o->usage = usage;
	o->count = count;
	o->cid_len = len;
	for (i = 0; i < count; i++) {
		cid_new(len);
		memcpy(o->cid[i], known[first + i].id, len);
	}
	return first;
}

static int offer(int fd, const struct dtls_new_cid *o)
{
	return setsockopt(fd, SOL_DTLS, DTLS_NEW_CID, o, o->size) ? errno : 0;
}

/* Is this what @o asks to be sent? */
static bool offers(const struct got *g, const struct dtls_new_cid *o)
{
	size_t len = 3 + o->count * (1 + o->cid_len);
	const __u8 *p = g->msg + HS13_HEADER;
	unsigned int i;

	if (g->len != HS13_HEADER + len || g->msg[0] != HS_NEW_CID ||
	    memcmp(g->msg + 6, "\0\0\0", 3) || memcmp(g->msg + 1, g->msg + 9, 3) ||
	    (size_t)(g->msg[2] << 8 | g->msg[3]) != len ||
	    (size_t)(p[0] << 8 | p[1]) != len - 3)
		return false;
	p += 2;
	for (i = 0; i < o->count; i++) {
		if (*p++ != o->cid_len || memcmp(p, o->cid[i], o->cid_len))
			return false;
		p += o->cid_len;
	}
	return *p == o->usage;
}

static __u16 message_seq(int fd, int option)
{
	struct dtls_keys k;

	key_state(fd, option, &k);
	return k.message_seq;
}

/* Spares: used one after the other, when the program says so. */
TEST_F(connid, given_spare)
{
	unsigned int first, i;
	__u64 bytes = 0;
	struct dtls_keys k;
	struct number13 n;
	struct got g;

	ASSERT_EQ(0, value(self->fd, DTLS_NEXT_CID));
	ASSERT_EQ(ENODATA, next_cid(self->fd));
	first = nr_known;
	for (i = 0; i < 3; i++)
		cid_new(variant->sent);
	n = give(self->far, first, 3, DTLS_CID_SPARE);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	collect(self->far, &g);
	ASSERT_EQ(1, g.s.acks);
	ASSERT_EQ(true, seen13_acked(&g.s, n));
	ASSERT_EQ(0, g.s.others + g.s.data + g.s.alerts);
	ASSERT_EQ(0, g.cid);
	ASSERT_EQ(true, event(self->fd, DTLS_EVENT_CID, DTLS_CID_SPARE, 3));
	ASSERT_EQ(FAR13_MESSAGE + 1, message_seq(self->fd, DTLS_RX));
	ASSERT_EQ(3, value(self->fd, DTLS_NEXT_CID));
	ASSERT_EQ(0, sends_with(&self->p, "old"));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, next_cid(self->fd));
		ASSERT_EQ(2 - (int)i, value(self->fd, DTLS_NEXT_CID));
		ASSERT_EQ(first + i, sends_with(&self->p, "new"));
		key_state(self->fd, DTLS_TX, &k);
		ASSERT_EQ(variant->sent, k.cid_len);
		ASSERT_EQ(0, memcmp(k.cid, known[first + i].id, k.cid_len));
	}
	/* the numbers go on: the ACK, and each that was sent */
	bytes = 18 + 3 * 4;
	ASSERT_EQ(EPOCH13, k.epoch);
	ASSERT_EQ(5, k.seq);
	ASSERT_EQ(5, k.records);
	ASSERT_EQ(bytes, k.bytes);
	ASSERT_EQ(ENODATA, next_cid(self->fd));
	ASSERT_EQ(first + 2, sends_with(&self->p, "still"));
	/* the message again: acknowledged, and nothing more */
	self->far->tx_message--;
	n = give(self->far, first, 3, DTLS_CID_SPARE);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	awaited(self->far, &g, n);
	ASSERT_EQ(0, value(self->fd, DTLS_NEXT_CID));
	ASSERT_EQ(true, no_event(self->fd));
	ASSERT_EQ(1, stat_read("RxCidMessages"));
	ASSERT_EQ(0, stat_drops());
}

/* "one of the new CIDs MUST be used immediately for all future records" */
TEST_F(connid, given_immediate)
{
	unsigned int first, i;
	struct number13 n;
	struct got g;

	given(&self->p, 4, variant->sent, DTLS_CID_SPARE);
	ASSERT_EQ(true, event(self->fd, DTLS_EVENT_CID, DTLS_CID_SPARE, 4));
	first = nr_known;
	for (i = 0; i < 3; i++)
		cid_new(variant->sent);
	n = give(self->far, first, 3, DTLS_CID_IMMEDIATE);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	/* with the ACK itself */
	collect(self->far, &g);
	ASSERT_EQ(true, seen13_acked(&g.s, n));
	ASSERT_EQ(first, g.cid);
	ASSERT_EQ(true, event(self->fd, DTLS_EVENT_CID, DTLS_CID_IMMEDIATE, 2));
	ASSERT_EQ(first, sends_with(&self->p, "new"));
	/* and none of those from before, later */
	for (i = 1; i < 3; i++) {
		ASSERT_EQ(0, next_cid(self->fd));
		ASSERT_EQ(first + i, sends_with(&self->p, "spare"));
	}
	ASSERT_EQ(ENODATA, next_cid(self->fd));
}

/* RFC 9146 3: "MUST still be able to send CIDs of different lengths" */
TEST_F(connid, lengths)
{
	static const unsigned int lens[] = { 1, 32, 0, 33, 3, 255, 17, 0, 31, 2 };
	static const unsigned int usable[] = { 1, 32, 3, 17, 31, 2 };
	unsigned int first = nr_known, i, j = 0, k;
	__u8 buf[1000];
	struct number13 n;
	struct got g;
	int payload;

	link_mtu("lo", 4000);
	payload = value(self->fd, DTLS_MAX_PAYLOAD);
	for (i = 0; i < ARRAY_SIZE(lens); i++)
		cid_new(lens[i]);
	n = give(self->far, first, ARRAY_SIZE(lens), DTLS_CID_SPARE);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	awaited(self->far, &g, n);
	ASSERT_EQ(true, event(self->fd, DTLS_EVENT_CID, DTLS_CID_SPARE, 6));
	fill(buf, sizeof(buf), 3);
	for (i = 0; i < ARRAY_SIZE(usable); i++, j++) {
		while (!lens[j] || lens[j] > 32)
			j++;
		ASSERT_EQ(usable[i], lens[j]);
		ASSERT_EQ(0, next_cid(self->fd));
		ASSERT_EQ(first + j, sends_with(&self->p, "of this length"));
		ASSERT_EQ(payload + (int)variant->sent - (int)lens[j],
			  value(self->fd, DTLS_MAX_PAYLOAD));
		/* in batches as well */
		ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 100));
		ASSERT_EQ(950, send(self->fd, buf, 950, 0));
		ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 0));
		memset(&g, 0, sizeof(g));
		for (k = 0; k < 10; k++) {
			must(take(self->far, &g, 0));
			ASSERT_EQ(k + 1, g.s.data);
			ASSERT_EQ(first + j, g.cid);
			ASSERT_EQ(k == 9 ? 50 : 100, g.s.len);
			ASSERT_EQ(0, memcmp(g.s.text, buf + 100 * k, 50));
		}
	}
	ASSERT_EQ(ENODATA, next_cid(self->fd));
	/* with immediate the first that is of use */
	first = nr_known;
	for (i = 2; i < 6; i++)
		cid_new(lens[i]);
	n = give(self->far, first, 4, DTLS_CID_IMMEDIATE);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	awaited(self->far, &g, n);
	ASSERT_EQ(first + 2, sends_with(&self->p, "x"));
	ASSERT_EQ(0, value(self->fd, DTLS_NEXT_CID));
}

/* "MAY simply discard any extra CIDs": memory for what a peer sends has an end. */
TEST_F(connid, too_many)
{
	unsigned int first, i;

	first = given(&self->p, 5, 4, DTLS_CID_SPARE);
	given(&self->p, 5, 4, DTLS_CID_SPARE);
	given(&self->p, 5, 4, DTLS_CID_SPARE);
	ASSERT_EQ(SPARES, value(self->fd, DTLS_NEXT_CID));
	for (i = 0; i < SPARES; i++) {
		ASSERT_EQ(0, next_cid(self->fd));
		ASSERT_EQ(first + i, sends_with(&self->p, "in order"));
	}
	ASSERT_EQ(ENODATA, next_cid(self->fd));
	first = given(&self->p, 20, 4, DTLS_CID_IMMEDIATE);
	ASSERT_EQ(first, sends_with(&self->p, "now"));
	ASSERT_EQ(SPARES, value(self->fd, DTLS_NEXT_CID));
	/* none: that is an answer, too */
	given(&self->p, 0, 0, DTLS_CID_SPARE);
	ASSERT_EQ(SPARES, value(self->fd, DTLS_NEXT_CID));
	ASSERT_EQ(0, stat_drops());
}

/* A part of the next message in a record of its own. */
static struct number13 part(struct end13 *far, const void *body, size_t len,
			    size_t off, size_t size)
{
	struct number13 n = { far->tx.epoch, far->tx.seq };
	__u8 m[2000];

	size = message13(m, HS_NEW_CID, far->tx_message, body, len, off, size);
	must(end13_send_type(far, DTLS_TYPE_HANDSHAKE, m, size) == (ssize_t)size);
	return n;
}

/* A long list comes in parts, and only its beginning is of use. */
TEST_F(connid, in_parts)
{
	static const size_t steps[] = { 20, 40, 100, 511, 512, 600, 3000 };
	struct number13 n[64];
	unsigned int first, i, j, k;
	size_t len, off, size;
	__u8 body[2500];
	struct got g;

	for (j = 0; j < ARRAY_SIZE(steps); j++) {
		/* all, or only so much that it is kept whole */
		first = nr_known;
		for (i = 0; i < (j & 1 ? 20 : 10); i++)
			cid_new(32);
		len = list(body, first, i, DTLS_CID_IMMEDIATE);
		for (off = 0, i = 0; off < len; off += size, i++) {
			size = steps[j] < len - off ? steps[j] : len - off;
			/* one that reaches back */
			if (off > 10 && i % 3 == 2)
				n[i] = part(self->far, body, len, off - 10,
					    size + 10);
			else
				n[i] = part(self->far, body, len, off, size);
			/* it counts when all is there */
			if (off + size < len && off + 2 * size < len)
				continue;
			ASSERT_EQ(-EAGAIN, recv_now(self->fd));
			ASSERT_EQ(FAR13_MESSAGE + j + (off + size == len),
				  message_seq(self->fd, DTLS_RX));
		}
		self->far->tx_message++;
		collect(self->far, &g);
		for (k = 0; k < i; k++)
			ASSERT_EQ(true, seen13_acked(&g.s, n[k]))
				TH_LOG("part %u of %zu", k, steps[j]);
		ASSERT_EQ(first, sends_with(&self->p, "first"));
		ASSERT_EQ(SPARES, value(self->fd, DTLS_NEXT_CID));
		for (i = 1; i < 3; i++) {
			ASSERT_EQ(0, next_cid(self->fd));
			ASSERT_EQ(first + i, sends_with(&self->p, "next"));
		}
		ASSERT_EQ(true, event(self->fd, DTLS_EVENT_CID,
				      DTLS_CID_IMMEDIATE, SPARES));
		nr_known -= j & 1 ? 17 : 7;
	}
	ASSERT_EQ(0, stat_drops());
}

/* It may be sent again, and right; and is not acknowledged before. */
TEST_F(connid, misshapen)
{
	static const struct {
		const char *body;
		size_t len;
	} bad[] = {
		{ "", 0 }, { "\0", 1 }, { "\0\0", 2 }, { "\0\0\2", 3 },
		{ "\0\1\1", 3 }, { "\0\0\1\1", 4 }, { "\0\2\1x\2", 5 },
		{ "\0\2\2x\1", 5 }, { "\0\2\377x\1", 5 }, { "\377\377\1x\1", 5 },
		{ "\0\3\1xy\1", 6 }, { "\0\1\1\1", 4 },
		/* at once, but nothing that could be used */
		{ "\0\0\0", 3 }, { "\0\1\0\0", 4 }, { "\0\2\0\0\0", 5 },
	};
	__u64 drops = 0;
	unsigned int i;
	__u8 body[700];
	size_t len;
	struct got g;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		self->far->tx_message = FAR13_MESSAGE;
		far13_message(self->far, HS_NEW_CID, bad[i].body, bad[i].len);
		ASSERT_EQ(-EAGAIN, recv_now(self->fd)) TH_LOG("body %u", i);
		collect(self->far, &g);
		ASSERT_EQ(0, g.s.acks + g.s.alerts + g.s.others)
			TH_LOG("body %u", i);
		drops++;
		ASSERT_EQ(drops, stat_read("RxDropControl"));
	}
	/* RequestConnectionId has one byte */
	for (i = 0; i < 3; i += 2) {
		self->far->tx_message = FAR13_MESSAGE;
		far13_message(self->far, HS_REQUEST_CID, "\1\1", i);
		ASSERT_EQ(-EAGAIN, recv_now(self->fd));
		collect(self->far, &g);
		ASSERT_EQ(0, g.s.acks);
	}
	/* in parts, which are good until the last of them has come */
	self->far->tx_message = FAR13_MESSAGE;
	for (i = 0; i < 10; i++)
		cid_new(32);
	for (i = 0; i < 3; i++) {
		len = list(body, nr_known - 10, 10, i ? DTLS_CID_IMMEDIATE : 2);
		body[i == 1 ? 1 : 2] -= !!i;
		part(self->far, body, len, 0, 200);
		part(self->far, body, len, 200, len - 200);
		ASSERT_EQ(-EAGAIN, recv_now(self->fd));
		collect(self->far, &g);
		ASSERT_EQ(1, g.s.nr_acked) TH_LOG("in parts, %u", i);
	}
	/* out of order */
	self->far->tx_message = FAR13_MESSAGE + 1;
	give(self->far, nr_known - 10, 1, DTLS_CID_IMMEDIATE);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	collect(self->far, &g);
	ASSERT_EQ(0, g.s.acks);

	ASSERT_EQ(FAR13_MESSAGE, message_seq(self->fd, DTLS_RX));
	ASSERT_EQ(true, no_event(self->fd));
	ASSERT_EQ(0, value(self->fd, DTLS_NEXT_CID));
	ASSERT_EQ(0, sends_with(&self->p, "the old one"));
	ASSERT_EQ(0, stat_read("RxCidMessages"));
	self->far->tx_message = FAR13_MESSAGE;
	i = given(&self->p, 1, variant->sent, DTLS_CID_IMMEDIATE);
	ASSERT_EQ(i, sends_with(&self->p, "a new one"));
}

/* RFC 9147 9: of who has none in that direction these come from nowhere. */
TEST_F(connid, not_agreed_upon)
{
	struct dtls_new_cid o;
	struct pair13 p;
	struct got g;
	int i;

	for (i = 0; i < 3; i++) {
		/* none at all; only ours; only theirs */
		unsigned int sent = i == 1 ? 4 : 0, wanted = i == 2 ? 4 : 0;
		__u64 drops = stat_read("RxDropControl");

		pair_up(&p, variant->suite, variant->family, sent, wanted);
		if (!sent) {
			cid_new(4);
			give(&p.far, 2, 1, DTLS_CID_IMMEDIATE);
			ASSERT_EQ(-EAGAIN, recv_now(p.near.fd));
			p.far.tx_message--;
			give(&p.far, 2, 1, DTLS_CID_SPARE);
			ASSERT_EQ(-EAGAIN, recv_now(p.near.fd));
			p.far.tx_message--;
			ASSERT_EQ(EOPNOTSUPP, request(p.near.fd, 1));
			drops += 2;
		}
		if (!wanted) {
			far13_message(&p.far, HS_REQUEST_CID, "\1", 1);
			ASSERT_EQ(-EAGAIN, recv_now(p.near.fd));
			offer_fill(&o, 1, 4, DTLS_CID_SPARE);
			ASSERT_EQ(EOPNOTSUPP, offer(p.near.fd, &o));
			o.cid_len = 0;
			ASSERT_EQ(EOPNOTSUPP, offer(p.near.fd, &o));
			drops++;
		}
		ASSERT_EQ(drops, stat_read("RxDropControl"));
		collect(&p.far, &g);
		ASSERT_EQ(0, g.s.acks + g.s.alerts + g.s.others);
		ASSERT_EQ(ENODATA, next_cid(p.near.fd));
		ASSERT_EQ(true, no_event(p.near.fd));
		ASSERT_EQ(FAR13_MESSAGE, message_seq(p.near.fd, DTLS_RX));
		ASSERT_EQ(0, sends_with(&p, "as ever"));
		pair13_close(&p);
	}
}

/* Good for records from when they are told of. */
TEST_F(connid, offered)
{
	struct dtls_new_cid o, o2;
	unsigned int first, i;
	struct dtls_keys k;
	struct got g;

	ASSERT_EQ(0, value(self->fd, DTLS_NEW_CID));
	first = cid_new(variant->wanted);
	ASSERT_EQ(false, takes(&self->p, first));
	ASSERT_EQ(1, stat_read("RxDropCid"));
	first = offer_fill(&o, 3, variant->wanted, DTLS_CID_SPARE);
	ASSERT_EQ(0, offer(self->fd, &o));
	ASSERT_EQ(1, value(self->fd, DTLS_NEW_CID));
	ASSERT_EQ(0, value(self->fd, DTLS_KEY_UPDATE));
	message(self->far, &g);
	ASSERT_EQ(true, offers(&g, &o));
	ASSERT_EQ(0, g.s.updates + g.s.acks + g.s.data);
	ASSERT_EQ(1, stat_read("TxCidMessages") - g.repeats);
	/* "MUST NOT have more than one NewConnectionId message outstanding" */
	offer_fill(&o2, 1, variant->wanted, DTLS_CID_SPARE);
	ASSERT_EQ(EALREADY, offer(self->fd, &o2));
	ASSERT_EQ(false, takes(&self->p, first + 3));
	/* no ACK yet, but the peer has heard */
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(true, takes(&self->p, first + i));
		key_state(self->fd, DTLS_RX, &k);
		ASSERT_EQ(variant->wanted, k.cid_len);
		ASSERT_EQ(0, memcmp(k.cid, known[first + i].id, k.cid_len));
		ASSERT_EQ(true, takes(&self->p, 1));
	}
	far13_ack(self->far, &g.at, 1);
	finished(self->fd, DTLS_NEW_CID);
	ASSERT_EQ(NEAR13_MESSAGE + 1, message_seq(self->fd, DTLS_TX));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(true, takes(&self->p, first + i));
	ASSERT_EQ(true, takes(&self->p, 1));
	key_state(self->fd, DTLS_RX, &k);
	ASSERT_EQ(0, memcmp(k.cid, known[1].id, k.cid_len));
	/* the next ones, to be used at once */
	ASSERT_EQ(0, offer(self->fd, &o2));
	message(self->far, &g);
	ASSERT_EQ(true, offers(&g, &o2));
	far13_ack(self->far, &g.at, 1);
	finished(self->fd, DTLS_NEW_CID);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(true, takes(&self->p, first + i));
	/* what is sent has nothing to do with that */
	ASSERT_EQ(0, sends_with(&self->p, "ours"));
	ASSERT_EQ(2, stat_read("RxDropCid"));
	ASSERT_EQ(2, stat_drops());
}

/* Until it has an ACK, of whichever record it went out in. */
TEST_F(connid, offer_repeated)
{
	struct number13 first, last = {};
	struct dtls_new_cid o;
	struct got g;
	int i;

	offer_fill(&o, DTLS_NEW_CID_MAX, variant->wanted, DTLS_CID_IMMEDIATE);
	ASSERT_EQ(0, offer(self->fd, &o));
	message(self->far, &g);
	first = g.at;
	for (i = 0; i < 2; i++) {
		memset(&g, 0, sizeof(g));
		while (!g.repeats)
			must(take(self->far, &g, 0));
		ASSERT_EQ(true, offers(&g, &o));
		ASSERT_LT(i ? last.seq : first.seq, g.at.seq);
		last = g.at;
	}
	ASSERT_EQ(1, value(self->fd, DTLS_NEW_CID));
	far13_ack(self->far, &first, 1);
	finished(self->fd, DTLS_NEW_CID);
	/* the ACK of another comes late, and means nothing */
	far13_ack(self->far, &last, 1);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(NEAR13_MESSAGE + 1, message_seq(self->fd, DTLS_TX));
	ASSERT_EQ(true, takes(&self->p, nr_known - 1));
}

TEST_F(connid, offer_refused)
{
	char big[sizeof(struct dtls_new_cid) + 8];
	struct dtls_new_cid o, good;
	unsigned int first;
	struct got g;

	first = offer_fill(&good, 2, variant->wanted, DTLS_CID_SPARE);
#define BAD(err, change) do {						\
	o = good;							\
	change;								\
	ASSERT_EQ(err, offer(self->fd, &o)) TH_LOG(#change);		\
} while (0)
	BAD(EINVAL, o.size = 0);
	BAD(EINVAL, o.size = sizeof(o) - 1);
	BAD(EINVAL, o.usage = 2);
	BAD(EINVAL, o.pad = 1);
	BAD(EINVAL, o.count = DTLS_NEW_CID_MAX + 1);
	BAD(EINVAL, o.count = 255);
	BAD(EINVAL, o.count = 1);
	BAD(EINVAL, o.cid_len = 0);
	BAD(EINVAL, o.cid_len++);
	BAD(EINVAL, o.cid_len--);
	BAD(EINVAL, o.cid_len = 255);
	BAD(EINVAL, o.cid[0][variant->wanted] = 1);
	BAD(EINVAL, o.cid[2][0] = 1);
	BAD(EINVAL, o.cid[7][31] = 1);
	BAD(EINVAL, memset(o.cid, 0, sizeof(o.cid)); o.count = 0; o.usage = 0);
	/* not new */
	BAD(EEXIST, memcpy(o.cid[1], o.cid[0], variant->wanted));
	BAD(EEXIST, memcpy(o.cid[1], known[1].id, variant->wanted));
	ASSERT_EQ(-1, setsockopt(self->fd, SOL_DTLS, DTLS_NEW_CID, &good, sizeof(good) - 1));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(-1, setsockopt(self->fd, SOL_DTLS, DTLS_NEW_CID, &good, 3));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(-1, setsockopt(self->fd, SOL_DTLS, DTLS_NEW_CID, NULL, sizeof(good)));
	ASSERT_EQ(EFAULT, errno);
	/* of a program that knows more than the kernel */
	memset(big, 0, sizeof(big));
	memcpy(big, &good, sizeof(good));
	((struct dtls_new_cid *)big)->size = sizeof(big);
	big[sizeof(big) - 1] = 1;
	ASSERT_EQ(-1, setsockopt(self->fd, SOL_DTLS, DTLS_NEW_CID, big, sizeof(big)));
	ASSERT_EQ(E2BIG, errno);

	collect(self->far, &g);
	ASSERT_EQ(0, g.s.others);
	ASSERT_EQ(false, takes(&self->p, first));
	ASSERT_EQ(0, value(self->fd, DTLS_NEW_CID));
	big[sizeof(big) - 1] = 0;
	ASSERT_EQ(0, setsockopt(self->fd, SOL_DTLS, DTLS_NEW_CID, big, sizeof(big)));
	message(self->far, &g);
	ASSERT_EQ(true, offers(&g, &good));
	far13_ack(self->far, &g.at, 1);
	finished(self->fd, DTLS_NEW_CID);
	ASSERT_EQ(EEXIST, offer(self->fd, &good));

	ASSERT_EQ(EINVAL, request(self->fd, 0));
	ASSERT_EQ(EINVAL, request(self->fd, 256));
	ASSERT_EQ(EINVAL, request(self->fd, -1));
	ASSERT_EQ(-1, set_int(self->fd, SOL_DTLS, DTLS_NEXT_CID, 0));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(-1, set_int(self->fd, SOL_DTLS, DTLS_NEXT_CID, 2));
	ASSERT_EQ(EINVAL, errno);
}

/* One after the other, as long as there is room for them. */
static unsigned int offer_more(struct pair13 *p, unsigned int count, int err)
{
	unsigned int first;
	struct dtls_new_cid o;
	struct got g;

	first = offer_fill(&o, count, p->far.tx.cid_len, DTLS_CID_SPARE);
	must(offer(p->near.fd, &o) == err);
	if (!err) {
		message(&p->far, &g);
		must(offers(&g, &o));
		far13_ack(&p->far, &g.at, 1);
		finished(p->near.fd, DTLS_NEW_CID);
	}
	return first;
}

/* So many are taken at once; those before what the peer uses make room. */
TEST_F(connid, offer_room)
{
	unsigned int first, i;

	first = offer_more(&self->p, 8, 0);
	ASSERT_EQ(first + 8, offer_more(&self->p, TAKEN - 8, 0));
	offer_more(&self->p, 1, ENOSPC);
	nr_known--;
	for (i = 0; i < TAKEN; i++)
		ASSERT_EQ(true, takes(&self->p, first + i));
	ASSERT_EQ(true, takes(&self->p, 1));
	offer_more(&self->p, 1, ENOSPC);
	nr_known--;
	/* the fourth: there is room for three */
	ASSERT_EQ(true, takes(&self->p, first + 3));
	offer_more(&self->p, 4, ENOSPC);
	nr_known -= 4;
	ASSERT_EQ(true, takes(&self->p, first));
	ASSERT_EQ(true, takes(&self->p, first + 3));
	ASSERT_EQ(first + TAKEN, offer_more(&self->p, 3, 0));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(false, takes(&self->p, first + i));
	ASSERT_EQ(3, stat_read("RxDropCid"));
	for (i = 3; i < 3 + TAKEN; i++)
		ASSERT_EQ(true, takes(&self->p, first + i));
	/* the first of all stays */
	ASSERT_EQ(true, takes(&self->p, 1));
	/* for ever, in steps */
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(true, takes(&self->p, nr_known - 1));
		first = offer_more(&self->p, 8, 0);
		ASSERT_EQ(true, takes(&self->p, first - 1));
		ASSERT_EQ(true, takes(&self->p, first + 7));
	}
	/* none at all */
	offer_more(&self->p, 0, 0);
	ASSERT_EQ(true, takes(&self->p, nr_known - 1));
}

/* The answer is the program's. */
TEST_F(connid, requested)
{
	static const __u8 counts[] = { 1, 3, 255, 0 };
	struct number13 n;
	struct got g;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		n = far13_message(self->far, HS_REQUEST_CID, &counts[i], 1);
		ASSERT_EQ(-EAGAIN, recv_now(self->fd));
		collect(self->far, &g);
		ASSERT_EQ(true, seen13_acked(&g.s, n));
		ASSERT_EQ(0, g.s.others);
		if (counts[i])
			ASSERT_EQ(true, event(self->fd, DTLS_EVENT_CID,
					      DTLS_CID_REQUEST, counts[i]));
		ASSERT_EQ(true, no_event(self->fd));
		/* again */
		self->far->tx_message--;
		n = far13_message(self->far, HS_REQUEST_CID, &counts[i], 1);
		ASSERT_EQ(-EAGAIN, recv_now(self->fd));
		collect(self->far, &g);
		ASSERT_EQ(true, seen13_acked(&g.s, n));
		ASSERT_EQ(true, no_event(self->fd));
	}
	ASSERT_EQ(4, stat_read("RxCidMessages"));
	ASSERT_EQ(FAR13_MESSAGE + 4, message_seq(self->fd, DTLS_RX));
}

/* "MUST NOT [...] when an existing request is still unfulfilled" */
TEST_F(connid, request)
{
	struct got g;
	unsigned int i;

	ASSERT_EQ(0, value(self->fd, DTLS_REQUEST_CID));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, request(self->fd, i ? 255 : 3));
		ASSERT_EQ(i ? 255 : 3, value(self->fd, DTLS_REQUEST_CID));
		message(self->far, &g);
		ASSERT_EQ(HS13_HEADER + 1, g.len);
		ASSERT_EQ(HS_REQUEST_CID, g.msg[0]);
		ASSERT_EQ(0, memcmp(g.msg + 1, "\0\0\1", 3));
		ASSERT_EQ(0, memcmp(g.msg + 6, "\0\0\0\0\0\1", 6));
		ASSERT_EQ(i ? 255 : 3, g.msg[HS13_HEADER]);
		ASSERT_EQ(EALREADY, request(self->fd, 1));
		far13_ack(self->far, &g.at, 1);
		while (message_seq(self->fd, DTLS_TX) != NEAR13_MESSAGE + 1 + i)
			ASSERT_EQ(-EAGAIN, recv_now(self->fd));
		ASSERT_EQ(EALREADY, request(self->fd, 1));
		ASSERT_EQ(i ? 255 : 3, value(self->fd, DTLS_REQUEST_CID));
		given(&self->p, 1 - i, 7, DTLS_CID_SPARE);
		ASSERT_EQ(true, event(self->fd, DTLS_EVENT_CID,
				      DTLS_CID_SPARE, 1));
		ASSERT_EQ(0, value(self->fd, DTLS_REQUEST_CID));
	}
	ASSERT_EQ(0, stat_drops());
}

/* The answer is faster than the ACK, or takes its place until that comes. */
TEST_F(connid, request_answered_early)
{
	struct got g;

	ASSERT_EQ(0, request(self->fd, 2));
	message(self->far, &g);
	given(&self->p, 2, 7, DTLS_CID_SPARE);
	while (value(self->fd, DTLS_NEXT_CID) != 2)
		recv_now(self->fd);
	ASSERT_EQ(0, value(self->fd, DTLS_REQUEST_CID));
	/* it is on its way all the same */
	ASSERT_EQ(EALREADY, request(self->fd, 1));
	memset(&g, 0, sizeof(g));
	while (!g.repeats)
		must(take(self->far, &g, 0));
	ASSERT_EQ(2, g.msg[HS13_HEADER]);
	far13_ack(self->far, &g.at, 1);
	while (message_seq(self->fd, DTLS_TX) != NEAR13_MESSAGE + 1)
		recv_now(self->fd);
	ASSERT_EQ(0, request(self->fd, 1));
	message(self->far, &g);
	ASSERT_EQ(1, g.msg[HS13_HEADER]);
}

/* One message at a time; the others wait for its ACK. */
TEST_F(connid, one_after_the_other)
{
	struct dtls_new_cid o;
	struct number13 n;
	struct got g;

	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_KEY_UPDATE, 0));
	offer_fill(&o, 2, variant->wanted, DTLS_CID_SPARE);
	ASSERT_EQ(0, offer(self->fd, &o));
	ASSERT_EQ(0, request(self->fd, 9));
	ASSERT_EQ(EALREADY, offer(self->fd, &o));
	ASSERT_EQ(EALREADY, request(self->fd, 9));
	memset(&g, 0, sizeof(g));
	while (!g.s.updates)
		must(take(self->far, &g, 0));
	ASSERT_EQ(0, g.s.others);
	/* the peer wants one more: that waits, too, but not long */
	n = far13_update(self->far, 1);
	recv_now(self->fd);
	while (!seen13_acked(&g.s, n))
		must(take(self->far, &g, 0));
	far13_next_keys(self->far);
	ASSERT_EQ(0, g.s.others);
	ASSERT_EQ(1, g.s.updates);
	/* they are taken as if they had been told of */
	ASSERT_EQ(true, takes(&self->p, nr_known - 1));
	far13_ack(self->far, &g.s.update, 1);

	memset(&g, 0, sizeof(g));
	while (!g.s.updates)
		must(take(self->far, &g, 0));
	ASSERT_EQ(0, g.messages);
	far13_ack(self->far, &g.s.update, 1);
	message(self->far, &g);
	ASSERT_EQ(true, offers(&g, &o));
	ASSERT_EQ(-1, set_int(self->fd, SOL_DTLS, DTLS_KEY_UPDATE, 0));
	ASSERT_EQ(EALREADY, errno);
	far13_ack(self->far, &g.at, 1);
	message(self->far, &g);
	ASSERT_EQ(HS_REQUEST_CID, g.msg[0]);
	ASSERT_EQ(9, g.msg[HS13_HEADER]);
	ASSERT_EQ(0, value(self->fd, DTLS_NEW_CID));
	far13_ack(self->far, &g.at, 1);
	while (message_seq(self->fd, DTLS_TX) != NEAR13_MESSAGE + 4)
		recv_now(self->fd);
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_KEY_UPDATE, 0));
}

/* New keys have the connection ID that is in use. */
TEST_F(connid, new_keys)
{
	unsigned int first;
	struct dtls_keys k;
	struct got g;
	int i;

	first = given(&self->p, 3, variant->sent == 32 ? 3 : 30, DTLS_CID_IMMEDIATE);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(first + i, sends_with(&self->p, "old keys"));
		ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_KEY_UPDATE, 0));
		collect(self->far, &g);
		ASSERT_EQ(1, g.s.updates);
		far13_ack(self->far, &g.s.update, 1);
		finished(self->fd, DTLS_KEY_UPDATE);
		ASSERT_EQ(first + i, sends_with(&self->p, "new keys"));
		key_state(self->fd, DTLS_TX, &k);
		ASSERT_EQ(EPOCH13 + i + 1, k.epoch);
		ASSERT_EQ(0, memcmp(k.cid, known[first + i].id, k.cid_len));
		ASSERT_EQ(i == 2 ? ENODATA : 0, next_cid(self->fd));
	}
	/* and those of a program that does not know of it are refused */
	oracle13_key_init(&self->p.near.tx, variant->suite, EPOCH13 + 9, 5);
	self->p.near.tx.cid_len = variant->sent;
	memcpy(self->p.near.tx.cid, known[0].id, variant->sent);
	ASSERT_EQ(-1, key13_install(self->fd, DTLS_TX, &self->p.near.tx, 9));
	ASSERT_EQ(EINVAL, errno);
	self->p.near.tx.cid_len = known[first + 2].len;
	memcpy(self->p.near.tx.cid, known[first + 2].id, known[first + 2].len);
	ASSERT_EQ(0, key13_install(self->fd, DTLS_TX, &self->p.near.tx, 9));
	self->far->rx[0].key = self->p.near.tx;
	self->far->rx[0].next = 0;
	ASSERT_EQ(first + 2, sends_with(&self->p, "installed"));
}

/* Who has no keys, or is closed, has nothing to change. */
TEST_F(connid, exported_and_closed)
{
	struct dtls_new_cid o;
	struct dtls_keys k = {};
	socklen_t len = sizeof(k);
	unsigned int first;

	first = given(&self->p, 2, variant->sent, DTLS_CID_SPARE);
	ASSERT_EQ(0, next_cid(self->fd));
	ASSERT_EQ(first, sends_with(&self->p, "x"));
	ASSERT_EQ(0, getsockopt(self->fd, SOL_DTLS, DTLS_TX_EXPORT, &k, &len));
	ASSERT_EQ(0, memcmp(k.cid, known[first].id, k.cid_len));
	ASSERT_EQ(2, k.seq);
	ASSERT_EQ(EKEYREVOKED, next_cid(self->fd));
	ASSERT_EQ(1, value(self->fd, DTLS_NEXT_CID));
	offer_fill(&o, 1, variant->wanted, DTLS_CID_SPARE);
	ASSERT_EQ(EKEYREVOKED, offer(self->fd, &o));
	ASSERT_EQ(EKEYREVOKED, request(self->fd, 1));
	ASSERT_EQ(0, value(self->fd, DTLS_NEW_CID));
	ASSERT_EQ(0, value(self->fd, DTLS_REQUEST_CID));
	/* nor are those taken that could not be told of */
	ASSERT_EQ(false, takes(&self->p, nr_known - 1));
	ASSERT_EQ(true, takes(&self->p, 1));
	/* it cannot be obeyed, nor acknowledged */
	give(self->far, first, 1, DTLS_CID_IMMEDIATE);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(FAR13_MESSAGE + 1, message_seq(self->fd, DTLS_RX));
	must(end13_send_type(self->far, DTLS_TYPE_ALERT, "\2\120", 2) == 2);
	ASSERT_EQ(-ECONNRESET, recv_now(self->fd));
	ASSERT_EQ(EPIPE, next_cid(self->fd));
	pair13_close(&self->p);

	/* what is not DTLS 1.3, or has no keys */
	pair13_prepare(&self->p, variant->suite, variant->family, false);
	self->fd = self->p.near.fd;
	ASSERT_EQ(0, ulp_attach(self->fd));
	ASSERT_EQ(ENOKEY, next_cid(self->fd));
	ASSERT_EQ(ENOKEY, request(self->fd, 1));
	ASSERT_EQ(ENOKEY, offer(self->fd, &o));
	ASSERT_EQ(0, value(self->fd, DTLS_NEXT_CID));
	memset(&k, 0, sizeof(k));
	k.size = sizeof(k);
	k.version = DTLS_1_2_VERSION;
	k.cipher_suite = 0xc02b;
	k.epoch = 1;
	k.key_len = 16;
	k.iv_len = 4;
	k.cid_len = 4;
	ASSERT_EQ(0, setsockopt(self->fd, SOL_DTLS, DTLS_TX, &k, sizeof(k)));
	ASSERT_EQ(EOPNOTSUPP, next_cid(self->fd));
	ASSERT_EQ(EOPNOTSUPP, request(self->fd, 1));
	ASSERT_EQ(EOPNOTSUPP, offer(self->fd, &o));
	ASSERT_EQ(0, value(self->fd, DTLS_NEXT_CID));
}

/* A record with another connection ID than its datagram began with, and none. */
TEST_F(connid, in_one_datagram)
{
	struct oracle13_form with = {}, without = { .no_cid = true };
	char text[3][16] = { "a", "b", "c" };
	struct oracle13_key *k = &self->far->tx;
	static __u8 buf[3 * RECORD13_ROOM];
	unsigned int first, i;
	size_t n;

	first = offer_more(&self->p, 2, 0);
	memcpy(k->cid, known[first + 1].id, k->cid_len);
	n = oracle13_seal_form(k, &with, k->seq++, DTLS_TYPE_DATA, text[0], 16, buf);
	n += oracle13_seal_form(k, &without, k->seq++, DTLS_TYPE_DATA, text[1], 16,
				buf + n);
	memcpy(k->cid, known[first].id, k->cid_len);
	n += oracle13_seal_form(k, &with, k->seq++, DTLS_TYPE_DATA, text[2], 16, buf + n);
	end13_post(self->far, buf, n);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(16, recv_now(self->fd));
		ASSERT_EQ(0, memcmp(in, text[i], 16));
	}
	/* the first record of a datagram has one */
	n = oracle13_seal_form(k, &without, k->seq++, DTLS_TYPE_DATA, text[0], 16, buf);
	end13_post(self->far, buf, n);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(1, stat_read("RxDropCid"));
}

/* Numbers of records that have come, for each epoch. */
#define NUMBERS	262144
static __u8 came[16][NUMBERS / 8];
static bool stop;
/* Records that the far end has not seen: no more than it has room for. */
static int ahead;

static void *sender(void *arg)
{
	int fd = *(int *)arg;
	unsigned int seed = (unsigned long)pthread_self() >> 12;
	__u8 buf[6000];

	fill(buf, sizeof(buf), 0);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		size_t len = 1 + rand_r(&seed) % sizeof(buf);

		if (__atomic_load_n(&ahead, __ATOMIC_RELAXED) > 100) {
			sched_yield();
			continue;
		}
		if (rand_r(&seed) % 2)
			len = 1 + len % 300;
		__atomic_add_fetch(&ahead, (len + 299) / 300, __ATOMIC_RELAXED);
		if (send(fd, buf, len, 0) != (ssize_t)len)
			return (void *)(long)errno;
	}
	return NULL;
}

/* Each record is whole, under an ID that there is, and under a number of its own. */
static void check(struct end13 *far, struct got *g)
{
	struct pollfd p = { .fd = far->fd, .events = POLLIN };
	unsigned int data, i;
	struct number13 n;
	__u8 *bit;

	for (i = 0; i < 64; i++) {
		data = g->s.data;
		if (!far->left && poll(&p, 1, 0) != 1)
			return;
		must(take(far, g, 0));
		if (g->s.data == data)
			continue;
		__atomic_sub_fetch(&ahead, 1, __ATOMIC_RELAXED);
		n = g->s.at;
		must(n.epoch < 16 && n.seq < NUMBERS);
		bit = &came[n.epoch][n.seq / 8];
		must(!(*bit & 1 << n.seq % 8));
		*bit |= 1 << n.seq % 8;
	}
}

/* Many threads send, one by one and in batches, while it changes and changes. */
TEST_F_TIMEOUT(connid, under_load, 200)
{
	unsigned int rounds = effort(40, 12, 1000), i, first, tries, j;
	unsigned int lens[] = { 1, 32, 8, 20, 3 };
	int size = 8 << 20;
	pthread_t threads[3];
	struct number13 n;
	struct got g;
	__u8 usage;
	void *ret;

	setsockopt(self->far->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	must(!set_int(self->fd, SOL_UDP, UDP_SEGMENT, 300));
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		must(!pthread_create(&threads[i], NULL, sender, &self->fd));
	memset(&g, 0, sizeof(g));
	for (i = 0; i < rounds; i++) {
		/* round and round: what is very old does not come any more */
		first = 2 + 4 * i % 248;
		for (j = 0; j < 4; j++) {
			nr_known = first + j;
			cid_new(lens[(i + j) % ARRAY_SIZE(lens)]);
		}
		nr_known = ARRAY_SIZE(known) - 1;
		g.s.nr_acked = 0;
		g.s.updates = 0;
		g.s.repeats = 0;
		usage = i % 2 ? DTLS_CID_IMMEDIATE : DTLS_CID_SPARE;
		n = give(self->far, first, 4, usage);
		for (tries = 1; !seen13_acked(&g.s, n); tries++) {
			recv(self->fd, in, sizeof(in), MSG_DONTWAIT);
			g.s.nr_acked = 0;
			check(self->far, &g);
			/* lost, it or its ACK */
			if (tries % 100 == 0) {
				self->far->tx_message--;
				n = give(self->far, first, 4, usage);
			}
		}
		while (!next_cid(self->fd))
			check(self->far, &g);
		if (i % 5 == 4 && self->far->rx[0].key.epoch < 15 &&
		    !set_int(self->fd, SOL_DTLS, DTLS_KEY_UPDATE, 0)) {
			while (value(self->fd, DTLS_KEY_UPDATE)) {
				g.s.updates = 0;
				g.s.repeats = 0;
				check(self->far, &g);
				if (g.s.updates || g.s.repeats)
					far13_ack(self->far, &g.s.update, 1);
				recv(self->fd, in, sizeof(in), MSG_DONTWAIT);
			}
		}
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		must(!pthread_join(threads[i], &ret));
		ASSERT_EQ(NULL, ret);
	}
	while (ahead)
		check(self->far, &g);
	first = given(&self->p, 1, 11, DTLS_CID_IMMEDIATE);
	ASSERT_EQ(first, sends_with(&self->p, "the last"));
	ASSERT_EQ(0, stat_read("TxErrors"));
	ASSERT_EQ(0, stat_drops());
}

/* With the kernel at both ends. */
TEST_F(connid, two_kernels)
{
	struct dtls_new_cid o;
	unsigned int first, i;
	struct dtls_keys k;
	struct pair13 p;

	pair13_prepare(&p, variant->suite, variant->family, true);
	pair13_cids(&p, variant->sent, variant->wanted);
	pair13_install(&p);
	nr_known = 2;
	for (i = 0; i < 2; i++)
		must(!set_int(i ? p.far.fd : p.near.fd, SOL_DTLS, DTLS_EVENTS,
			      DTLS_EVENT_CID));
	ASSERT_EQ(0, request(p.far.fd, 3));
	while (value(p.near.fd, DTLS_NEW_CID) || !poll_now(p.near.fd, POLLERR))
		recv_now(p.near.fd);
	ASSERT_EQ(true, event(p.near.fd, DTLS_EVENT_CID, DTLS_CID_REQUEST, 3));
	first = offer_fill(&o, 3, variant->wanted, DTLS_CID_SPARE);
	ASSERT_EQ(0, offer(p.near.fd, &o));
	while (value(p.near.fd, DTLS_NEW_CID)) {
		recv_now(p.far.fd);
		recv_now(p.near.fd);
	}
	ASSERT_EQ(true, event(p.far.fd, DTLS_EVENT_CID, DTLS_CID_SPARE, 3));
	ASSERT_EQ(0, value(p.far.fd, DTLS_REQUEST_CID));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, next_cid(p.far.fd));
		ASSERT_EQ(4, send(p.far.fd, "data", 4, 0));
		while (recv_now(p.near.fd) != 4)
			;
		key_state(p.near.fd, DTLS_RX, &k);
		ASSERT_EQ(0, memcmp(k.cid, known[first + i].id, k.cid_len));
		key_state(p.far.fd, DTLS_TX, &k);
		ASSERT_EQ(0, memcmp(k.cid, known[first + i].id, k.cid_len));
	}
	first = offer_fill(&o, 1, variant->sent, DTLS_CID_IMMEDIATE);
	ASSERT_EQ(0, offer(p.far.fd, &o));
	while (value(p.far.fd, DTLS_NEW_CID)) {
		recv_now(p.near.fd);
		recv_now(p.far.fd);
	}
	ASSERT_EQ(true, event(p.near.fd, DTLS_EVENT_CID, DTLS_CID_IMMEDIATE, 0));
	key_state(p.near.fd, DTLS_TX, &k);
	ASSERT_EQ(0, memcmp(k.cid, known[first].id, k.cid_len));
	ASSERT_EQ(4, send(p.near.fd, "back", 4, 0));
	ASSERT_EQ(4, recv(p.far.fd, in, sizeof(in), 0));
	ASSERT_EQ(0, stat_drops());
	pair13_close(&p);
}

TEST_HARNESS_MAIN
