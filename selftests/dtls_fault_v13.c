// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: yes */
/* kselftest-timeout: 300 */
/*
 * As dtls_fault, for DTLS 1.3 and connection IDs: keys by secret, records with
 * their type inside, and keys that renew themselves, with every allocation and
 * every copy failing once.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "lib/fault.h"
#include "lib/net.h"

#define NR_FORMS	3

/* One end of an association between two sockets of ours. */
struct both {
	int a;
	int b;
	struct dtls_keys keys[2];
};

static __u8 out[20000], in[20000];

/* Keys of direction @dir: DTLS 1.3 without and with, or 1.2 with a CID. */
static void keys_fill(struct dtls_keys *k, int form, int dir)
{
	memset(k, 0, sizeof(*k));
	k->size = sizeof(*k);
	k->epoch = 3;
	if (form < 2) {
		k->version = DTLS_1_3_VERSION;
		k->cipher_suite = form ? 0x1303 : 0x1302;
		k->secret_len = form ? 32 : 48;
		memset(k->secret, 1 + dir, k->secret_len);
	} else {
		k->version = DTLS_1_2_VERSION;
		k->cipher_suite = 0xc02b;
		k->key_len = 16;
		k->iv_len = 4;
		memset(k->key, 1 + dir, k->key_len);
	}
	if (form) {
		k->cid_len = 4 + dir;
		memset(k->cid, 7, k->cid_len);
	}
}

static void both_open(struct both *p, int form)
{
	int fd[2];

	udp_pair(FAMILY_V4, fd);
	p->a = fd[0];
	p->b = fd[1];
	if (ulp_attach(p->a) || ulp_attach(p->b))
		die("attach");
	keys_fill(&p->keys[0], form, 0);
	keys_fill(&p->keys[1], form, 1);
}

static int both_key(struct both *p, bool far)
{
	struct dtls_keys k[2] = { p->keys[far], p->keys[!far] };

	return setsockopt(far ? p->b : p->a, SOL_DTLS, DTLS_TXRX, k, sizeof(k));
}

static void both_close(struct both *p)
{
	close(p->a);
	close(p->b);
}

/* Wait for a record: the kernel may be looking into the queue as well. */
static ssize_t soon(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	if (poll(&pfd, 1, 60000) != 1)
		return -1;
	return recv(fd, in, sizeof(in), MSG_DONTWAIT);
}

static bool across(int from, int to, size_t len)
{
	return send(from, out, len, 0) == (ssize_t)len &&
	       soon(to) == (ssize_t)len && !memcmp(in, out, len);
}

static bool works(struct both *p)
{
	return across(p->a, p->b, 100) && across(p->b, p->a, 3000);
}

static __u64 epoch_of(int fd, int option)
{
	struct dtls_keys k = {};
	socklen_t len = sizeof(k);

	if (getsockopt(fd, SOL_DTLS, option, &k, &len))
		die("state of keys");
	return k.epoch;
}

/* Nothing is ready, but both ends have looked. */
static void look(struct both *p)
{
	struct pollfd pfd[2] = {
		{ .fd = p->a, .events = POLLIN },
		{ .fd = p->b, .events = POLLIN },
	};

	poll(pfd, 2, 10);
}

FIXTURE(fault) {
};

FIXTURE_SETUP(fault)
{
	unsigned int i;

	if (!fault_init())
		SKIP(return, "no fault injection in this kernel");
	netns_new();
	for (i = 0; i < sizeof(out); i++)
		out[i] = i * 7;
}

FIXTURE_TEARDOWN(fault)
{
}

TEST_F(fault, keys)
{
	int form, nth, fd, ret, faults;
	struct both p;
	bool hit;

	for (form = 0; form < NR_FORMS; form++) {
		faults = 0;
		for (nth = 1; nth < FAULT_TRIES; nth++) {
			both_open(&p, form);
			ASSERT_EQ(0, both_key(&p, true));
			fd = fault_arm(nth);
			ret = both_key(&p, false);
			hit = fault_happened(fd, NULL);
			faults += hit;
			if (ret) {
				ASSERT_EQ(true, hit);
				ASSERT_EQ(0, both_key(&p, false));
			}
			ASSERT_EQ(true, works(&p));
			both_close(&p);
			if (!hit)
				break;
		}
		ASSERT_LT(nth, FAULT_TRIES);
		ASSERT_LT(form == 2 ? 4 : 10, faults);
	}
}

TEST_F(fault, records)
{
	static const int sizes[] = { 5, 1000, 16000 };
	int form, nth, fd, i, pad = 32;
	struct both p;
	ssize_t ret;
	bool hit;

	for (form = 0; form < NR_FORMS; form++) {
		both_open(&p, form);
		ASSERT_EQ(0, both_key(&p, true));
		ASSERT_EQ(0, both_key(&p, false));
		ASSERT_EQ(0, setsockopt(p.a, SOL_DTLS, DTLS_PADDING, &pad,
					sizeof(pad)));
		for (i = 0; i < 6; i++) {
			for (nth = 1; nth < FAULT_TRIES; nth++) {
				/* the one half sends under fault */
				if (i < 3) {
					fd = fault_arm(nth);
					ret = send(p.a, out, sizes[i], 0);
					hit = fault_happened(fd, NULL);
					ASSERT_TRUE(hit || ret == sizes[i]);
				} else {
					ASSERT_EQ(sizes[i - 3],
						  send(p.a, out, sizes[i - 3],
						       0));
					settle();
					fd = fault_arm(nth);
					ret = recv(p.b, in, sizeof(in),
						   MSG_DONTWAIT);
					hit = fault_happened(fd, NULL);
					ASSERT_TRUE(hit ||
						    ret == sizes[i - 3]);
				}
				/* whatever has come is right */
				settle();
				while ((ret = recv(p.b, in, sizeof(in),
						   MSG_DONTWAIT)) >= 0)
					ASSERT_EQ(0, memcmp(in, out, ret));
				ASSERT_EQ(true, works(&p));
				if (!hit)
					break;
			}
			ASSERT_LT(nth, FAULT_TRIES);
		}
		both_close(&p);
	}
}

/* Started under fault; what was not sent, or not answered, comes again. */
TEST_F(fault, update_begun)
{
	int nth, fd, ret, one = 1;
	__u64 epoch = 3;
	struct both p;
	bool hit;

	both_open(&p, 0);
	ASSERT_EQ(0, both_key(&p, true));
	ASSERT_EQ(0, both_key(&p, false));
	for (nth = 1; nth < FAULT_TRIES; nth++) {
		fd = fault_arm(nth);
		ret = setsockopt(p.a, SOL_DTLS, DTLS_KEY_UPDATE, &one,
				 sizeof(one));
		hit = fault_happened(fd, NULL);
		if (ret) {
			ASSERT_EQ(true, hit);
			ASSERT_EQ(0, setsockopt(p.a, SOL_DTLS, DTLS_KEY_UPDATE,
						&one, sizeof(one)));
		}
		epoch++;
		while (epoch_of(p.a, DTLS_TX) != epoch ||
		       epoch_of(p.b, DTLS_TX) != epoch)
			look(&p);
		ASSERT_EQ(epoch, epoch_of(p.a, DTLS_RX));
		ASSERT_EQ(epoch, epoch_of(p.b, DTLS_RX));
		ASSERT_EQ(true, works(&p));
		if (!hit)
			break;
	}
	ASSERT_LT(nth, FAULT_TRIES);
	both_close(&p);
}

/* The KeyUpdate, and then its ACK, are opened under fault. */
TEST_F(fault, update_received)
{
	int nth, fd, who, zero = 0;
	__u64 epoch = 3;
	struct both p;
	bool hit;

	both_open(&p, 1);
	ASSERT_EQ(0, both_key(&p, true));
	ASSERT_EQ(0, both_key(&p, false));
	for (who = 0; who < 2; who++) {
		for (nth = 1; nth < FAULT_TRIES; nth++) {
			ASSERT_EQ(0, setsockopt(p.a, SOL_DTLS, DTLS_KEY_UPDATE,
						&zero, sizeof(zero)));
			settle();
			if (who)
				recv(p.b, in, sizeof(in), MSG_DONTWAIT);
			settle();
			fd = fault_arm(nth);
			recv(who ? p.a : p.b, in, sizeof(in), MSG_DONTWAIT);
			hit = fault_happened(fd, NULL);
			epoch++;
			while (epoch_of(p.a, DTLS_TX) != epoch)
				look(&p);
			ASSERT_EQ(epoch, epoch_of(p.b, DTLS_RX));
			ASSERT_EQ(true, works(&p));
			if (!hit)
				break;
		}
		ASSERT_LT(nth, FAULT_TRIES);
	}
	both_close(&p);
}

/* Each offer has a connection ID unlike all others. */
static unsigned int nr_cids;

static void offer_fill(struct dtls_new_cid *o, unsigned int len, __u8 usage)
{
	memset(o, 0, sizeof(*o));
	o->size = sizeof(*o);
	o->usage = usage;
	o->count = 1;
	o->cid_len = len;
	memcpy(o->cid[0], &nr_cids, sizeof(nr_cids));
	nr_cids++;
}

static int number(int fd, int option)
{
	int n = -1;
	socklen_t len = sizeof(n);

	if (getsockopt(fd, SOL_DTLS, option, &n, &len))
		die("option %d", option);
	return n;
}

static bool sends_with(int fd, const struct dtls_new_cid *o)
{
	struct dtls_keys k = {};
	socklen_t len = sizeof(k);

	if (getsockopt(fd, SOL_DTLS, DTLS_TX, &k, &len))
		die("state of keys");
	return k.cid_len == o->cid_len && !memcmp(k.cid, o->cid[0], k.cid_len);
}

/* How many messages have been acknowledged. */
static int message_seq(int fd)
{
	struct dtls_keys k = {};
	socklen_t len = sizeof(k);

	if (getsockopt(fd, SOL_DTLS, DTLS_TX, &k, &len))
		die("state of keys");
	return k.message_seq;
}

/* Offered under fault: it is good and told of, or nothing has changed. */
TEST_F(fault, cid_offered)
{
	struct dtls_new_cid o;
	int nth, fd, ret;
	struct both p;
	bool hit;

	both_open(&p, 1);
	ASSERT_EQ(0, both_key(&p, true));
	ASSERT_EQ(0, both_key(&p, false));
	for (nth = 1; nth < FAULT_TRIES; nth++) {
		offer_fill(&o, 5, DTLS_CID_IMMEDIATE);
		fd = fault_arm(nth);
		ret = setsockopt(p.a, SOL_DTLS, DTLS_NEW_CID, &o, sizeof(o));
		hit = fault_happened(fd, NULL);
		if (ret) {
			ASSERT_EQ(true, hit);
			ASSERT_EQ(0, number(p.a, DTLS_NEW_CID));
			ASSERT_EQ(0, setsockopt(p.a, SOL_DTLS, DTLS_NEW_CID, &o,
						sizeof(o)));
		}
		while (number(p.a, DTLS_NEW_CID))
			look(&p);
		ASSERT_EQ(true, sends_with(p.b, &o));
		ASSERT_EQ(true, works(&p));
		if (!hit)
			break;
	}
	ASSERT_LT(nth, FAULT_TRIES);
	both_close(&p);
}

/* What could not be obeyed, or acknowledged, comes again. */
TEST_F(fault, cid_received)
{
	struct dtls_new_cid o;
	int nth, fd, who;
	struct both p;
	bool hit;

	both_open(&p, 1);
	ASSERT_EQ(0, both_key(&p, true));
	ASSERT_EQ(0, both_key(&p, false));
	for (who = 0; who < 2; who++) {
		for (nth = 1; nth < FAULT_TRIES; nth++) {
			offer_fill(&o, 5, DTLS_CID_IMMEDIATE);
			ASSERT_EQ(0, setsockopt(p.a, SOL_DTLS, DTLS_NEW_CID, &o,
						sizeof(o)));
			settle();
			if (who)
				recv(p.b, in, sizeof(in), MSG_DONTWAIT);
			settle();
			fd = fault_arm(nth);
			recv(who ? p.a : p.b, in, sizeof(in), MSG_DONTWAIT);
			hit = fault_happened(fd, NULL);
			while (number(p.a, DTLS_NEW_CID))
				look(&p);
			ASSERT_EQ(true, sends_with(p.b, &o));
			ASSERT_EQ(true, works(&p));
			if (!hit)
				break;
		}
		ASSERT_LT(nth, FAULT_TRIES);
	}
	both_close(&p);
}

/* The next one is used, or is still there. */
TEST_F(fault, cid_next)
{
	struct dtls_new_cid o;
	int nth, fd, ret, one = 1;
	struct both p;
	bool hit;

	both_open(&p, 1);
	ASSERT_EQ(0, both_key(&p, true));
	ASSERT_EQ(0, both_key(&p, false));
	for (nth = 1; nth < FAULT_TRIES; nth++) {
		offer_fill(&o, 5, DTLS_CID_SPARE);
		ASSERT_EQ(0, setsockopt(p.a, SOL_DTLS, DTLS_NEW_CID, &o,
					sizeof(o)));
		while (number(p.a, DTLS_NEW_CID))
			look(&p);
		ASSERT_EQ(1, number(p.b, DTLS_NEXT_CID));
		fd = fault_arm(nth);
		ret = setsockopt(p.b, SOL_DTLS, DTLS_NEXT_CID, &one,
				 sizeof(one));
		hit = fault_happened(fd, NULL);
		if (ret) {
			ASSERT_EQ(true, hit);
			ASSERT_EQ(1, number(p.b, DTLS_NEXT_CID));
			ASSERT_EQ(true, works(&p));
			ASSERT_EQ(0, setsockopt(p.b, SOL_DTLS, DTLS_NEXT_CID,
						&one, sizeof(one)));
		}
		ASSERT_EQ(0, number(p.b, DTLS_NEXT_CID));
		ASSERT_EQ(true, sends_with(p.b, &o));
		ASSERT_EQ(true, works(&p));
		if (!hit)
			break;
	}
	ASSERT_LT(nth, FAULT_TRIES);
	both_close(&p);
}

TEST_F(fault, request)
{
	struct dtls_new_cid o;
	int nth, fd, ret, n = 3;
	struct both p;
	bool hit;

	both_open(&p, 1);
	ASSERT_EQ(0, both_key(&p, true));
	ASSERT_EQ(0, both_key(&p, false));
	for (nth = 1; nth < FAULT_TRIES; nth++) {
		fd = fault_arm(nth);
		ret = setsockopt(p.b, SOL_DTLS, DTLS_REQUEST_CID, &n, sizeof(n));
		hit = fault_happened(fd, NULL);
		if (ret) {
			ASSERT_EQ(true, hit);
			ASSERT_EQ(0, number(p.b, DTLS_REQUEST_CID));
			ASSERT_EQ(0, setsockopt(p.b, SOL_DTLS, DTLS_REQUEST_CID,
						&n, sizeof(n)));
		}
		offer_fill(&o, 5, DTLS_CID_IMMEDIATE);
		ASSERT_EQ(0, setsockopt(p.a, SOL_DTLS, DTLS_NEW_CID, &o,
					sizeof(o)));
		/* until it has its answer, and its ACK */
		while (number(p.a, DTLS_NEW_CID) ||
		       number(p.b, DTLS_REQUEST_CID) || message_seq(p.b) != nth)
			look(&p);
		ASSERT_EQ(true, works(&p));
		if (!hit)
			break;
	}
	ASSERT_LT(nth, FAULT_TRIES);
	both_close(&p);
}

TEST_F(fault, export)
{
	int nth, fd, ret;
	struct both p;
	bool hit;

	for (nth = 1; nth < FAULT_TRIES; nth++) {
		struct dtls_keys k = {};
		socklen_t len = sizeof(k);

		both_open(&p, 1);
		ASSERT_EQ(0, both_key(&p, true));
		ASSERT_EQ(0, both_key(&p, false));
		fd = fault_arm(nth);
		ret = getsockopt(p.a, SOL_DTLS, DTLS_TX_EXPORT, &k, &len);
		hit = fault_happened(fd, NULL);
		ASSERT_TRUE(!ret || hit);
		if (!ret)
			ASSERT_EQ(0, memcmp(k.secret, p.keys[0].secret, 32));
		both_close(&p);
		if (!hit)
			break;
	}
	ASSERT_LT(nth, FAULT_TRIES);
}

TEST_HARNESS_MAIN
