// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-timeout: 300 */
/*
 * What dtls_generator does with one association, with many: random options of
 * peers, right ones and such that are changed a little, with traffic and moves in
 * between. A model says of each right call what must come of it; of each that was
 * refused, that nothing has changed; and of each record, who gets to hear it.
 *
 * KDTLS_SEED=n for the same sequence again, KDTLS_LONG=1 for minutes of it.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/chaos.h"
#include "lib/crowd.h"
#include "lib/effort.h"

#define PLACES		6	/* each is a member's, and others may be there */
#define CID_LEN		6
#define ROOM		4096

/* Who is at an address. */
struct place {
	__u64 id;		/* 0: nobody */
	unsigned int who;	/* whose keys */
	bool cid;		/* can be found by the connection ID */
	bool tx, rx;		/* has keys that are good yet */
	bool closed, capped;
};

static struct rng r;
static struct crowd near;
static struct dtls_pair beside;
static struct place at[PLACES];
static int policy;
static bool told_who;		/* DTLS_RECVPEER */
static __u64 last_id;
static unsigned long granted, refused, delivered;
static __u8 *arena;		/* ROOM bytes, and then a page without access */
static __u8 arg[ROOM], in[4096];

static bool has_cid(unsigned int who)
{
	return near.v13 && who % 2;
}

static int where(__u64 id)
{
	int i;

	for (i = 0; id && i < PLACES; i++)
		if (at[i].id == id)
			return i;
	return -1;
}

/* Where is the peer with the connection ID of this member? -1: nowhere. */
static int where_cid(unsigned int who)
{
	int i;

	for (i = 0; i < PLACES; i++)
		if (at[i].cid && at[i].who == who)
			return i;
	return -1;
}

/* One that there is, was, or never will be. */
static __u64 some_id(void)
{
	if (rng_one_in(&r, 6))
		return rng_next(&r) >> rng_below(&r, 64);
	if (rng_one_in(&r, 4))
		return 1 + rng_below(&r, last_id + 2);
	return at[rng_below(&r, PLACES)].id;
}

/* The kernel's list of peers is the model's, and in order. */
static void check_list(void)
{
	struct dtls_peer_info info = {};
	unsigned int i, n = 0, want = 0;
	__u64 before = 0;
	int p;

	for (i = 0; i < PLACES; i++)
		want += !!at[i].id;
	for (;;) {
		info.flags = DTLS_PEER_NEXT;
		info.state = 0;
		if (peer_info(near.fd, &info)) {
			must(errno == ENOENT);
			break;
		}
		must(info.id > before);
		before = info.id;
		p = where(info.id);
		if (p < 0)
			die("a peer too many");
		must(peer_id(near.fd, &near.m[p].addr) == info.id);
		must(crowd_whose(&near, (void *)&info.addr) == &near.m[p]);
		must(!!(info.state & DTLS_PEER_CLOSED) == at[p].closed);
		n++;
	}
	must(n == want);
}

/* After something that was changed and granted nobody knows what there is. */
static void start_over(void)
{
	struct dtls_peer_info info = { .flags = DTLS_PEER_NEXT };

	while (!peer_info(near.fd, &info)) {
		last_id = info.id > last_id ? info.id : last_id;
		must(!peer_del(near.fd, info.id, 0));
		memset(&info, 0, sizeof(info));
		info.flags = DTLS_PEER_NEXT;
	}
	must(errno == ENOENT);
	memset(at, 0, sizeof(at));
	must(!set_int(near.fd, SOL_DTLS, DTLS_MOVE, policy));
	must(!set_int(near.fd, SOL_DTLS, DTLS_RECVPEER, told_who));
}

/* Return: true if @arg, or *@len, is not what it was. */
static bool spoil(socklen_t *len)
{
	static const __u32 odd[] = {
		0, 1, 15, 16, 17, 151, 152, 153, 4096, 65536, 0x7fffffff, 0xffffffff,
	};
	unsigned int n, was = *len;

	if (!rng_one_in(&r, 3))
		return false;
	switch (rng_below(&r, 5)) {
	case 0:
		*len = rng_below(&r, *len + 1);
		break;
	case 1:
		*len += rng_below(&r, 200);
		memset(arg + was, 0, *len - was);
		if (rng_one_in(&r, 2))
			rng_fill(&r, arg + was, *len - was);
		break;
	case 2:
		memcpy(arg, &odd[rng_below(&r, ARRAY_SIZE(odd))], 4);
		break;
	default:
		/* most in the head */
		was = *len > 160 && rng_one_in(&r, 2) ? 160 : *len;
		for (n = 1 + rng_below(&r, 3); n; n--)
			arg[rng_below(&r, was)] ^= 1 << rng_below(&r, 8);
	}
	return true;
}

static bool documented(int err)
{
	static const int known[] = {
		EINVAL, E2BIG, EAFNOSUPPORT, EEXIST, ENOENT, ENOPROTOOPT, EPROTONOSUPPORT,
		EKEYREVOKED, ENOKEY, EOPNOTSUPP, EMSGSIZE, EPIPE, ENOSPC, ENOTCONN,
		EPERM, EALREADY, EBUSY, ENETUNREACH, EHOSTUNREACH, EFAULT, EAGAIN,
		ENODATA, ENOBUFS,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i] == err)
			return true;
	return false;
}

/* setsockopt() where one byte too many cannot be read. Return: 0 or an errno. */
static int call(int name, socklen_t len)
{
	__u8 *to = arena + ROOM - len;
	int err;

	memcpy(to, arg, len);
	err = setsockopt(near.fd, SOL_DTLS, name, to, len) ? errno : 0;
	if (!err)
		granted++;
	else
		refused++;
	if (err && !documented(err))
		die("setsockopt(%d): %s is not documented", name, strerror(err));
	return err;
}

static void add(void)
{
	unsigned int who = rng_below(&r, PLACES), to = who;
	__u32 flags = 1 + rng_below(&r, 3);
	bool replace = rng_one_in(&r, 3);
	struct dtls_peer_info *info = (void *)arg;
	bool same_cid, spoilt;
	socklen_t len;
	__u64 id;
	int err;

	if (rng_one_in(&r, 4))
		to = rng_below(&r, PLACES);
	len = peer_add_fill(&near, &near.m[who], flags |
			    (replace ? DTLS_PEER_REPLACE : 0), arg);
	memcpy(&info->addr, &near.m[to].addr, sizeof(info->addr));
	spoilt = spoil(&len);
	err = call(DTLS_PEER_ADD, len);
	if (spoilt) {
		if (!err)
			start_over();
		return;
	}
	same_cid = has_cid(who) && flags & DTLS_PEER_RX && where_cid(who) >= 0;
	if (same_cid || (at[to].id && !replace)) {
		must(err == EEXIST);
		return;
	}
	must(!err);
	id = peer_id(near.fd, &near.m[to].addr);
	/* never one that was there before */
	must(id > last_id);
	last_id = id;
	at[to] = (struct place) {
		.id = id, .who = who, .tx = flags & DTLS_PEER_TX,
		.rx = flags & DTLS_PEER_RX,
		.cid = has_cid(who) && flags & DTLS_PEER_RX,
	};
}

static void del(void)
{
	struct dtls_peer_info *info = (void *)arg;
	unsigned int to = rng_below(&r, PLACES);
	socklen_t len = sizeof(*info);
	bool spoilt;
	int p, err;

	memset(info, 0, len);
	info->size = len;
	info->flags = rng_one_in(&r, 2) ? DTLS_PEER_NOTIFY : 0;
	info->id = rng_one_in(&r, 2) ? some_id() : 0;
	memcpy(&info->addr, &near.m[to].addr, sizeof(info->addr));
	p = info->id ? where(info->id) : at[to].id ? (int)to : -1;
	spoilt = spoil(&len);
	err = call(DTLS_PEER_DEL, len);
	if (spoilt) {
		if (!err)
			start_over();
		return;
	}
	must(err == (p < 0 ? ENOENT : 0));
	if (p >= 0)
		memset(&at[p], 0, sizeof(at[p]));
}

static void move(void)
{
	struct dtls_peer_info *info = (void *)arg;
	unsigned int to = rng_below(&r, PLACES);
	socklen_t len = sizeof(*info);
	bool spoilt;
	int p, err;

	memset(info, 0, len);
	info->size = len;
	info->id = some_id();
	memcpy(&info->addr, &near.m[to].addr, sizeof(info->addr));
	p = where(info->id);
	spoilt = spoil(&len) || !info->id;
	err = call(DTLS_PEER_MOVE, len);
	if (spoilt) {
		if (!err)
			start_over();
		return;
	}
	if (p < 0) {
		must(err == ENOENT);
	} else if ((int)to != p && at[to].id) {
		must(err == EEXIST);
	} else {
		must(!err);
		at[p].capped = false;
		if ((int)to != p) {
			at[to] = at[p];
			memset(&at[p], 0, sizeof(at[p]));
		}
	}
}

/* The options of one; what is put there is mostly no use for it. */
static void option_set(void)
{
	static const int names[] = {
		DTLS_TX, DTLS_RX, DTLS_TXRX, DTLS_LAST_FLIGHT, DTLS_KEY_UPDATE,
		DTLS_REQUEST_CID, DTLS_NEXT_CID, DTLS_NEW_CID, DTLS_PADDING,
		DTLS_PEER_ADD, DTLS_PEER_OPTION, DTLS_TX_EXPORT,
	};
	struct dtls_peer_option *opt = (void *)arg;
	struct dtls_new_cid cids = {
		.size = sizeof(cids), .count = 2, .cid_len = CID_LEN,
	};
	int val = rng_below(&r, 4), err;
	socklen_t len = sizeof(*opt);
	bool spoilt, there;

	opt->size = len;
	opt->optname = rng_pick(&r, names);
	opt->id = some_id();
	there = where(opt->id) >= 0;
	if (opt->optname == DTLS_NEW_CID) {
		rng_fill(&r, cids.cid, sizeof(cids.cid));
		memcpy(arg + len, &cids, sizeof(cids));
		len += sizeof(cids);
	} else if (opt->optname <= DTLS_TXRX) {
		len += peer_add_fill(&near, &near.m[0], rng_below(&r, 4), arg + len);
	} else {
		memcpy(arg + len, &val, sizeof(val));
		len += sizeof(val);
	}
	spoilt = spoil(&len);
	err = call(DTLS_PEER_OPTION, len);
	if (!spoilt && !there)
		must(err == ENOENT);
	must(err || opt->optname > DTLS_TXRX || spoilt);
	if (!err && spoilt)
		start_over();
}

static void option_get(void)
{
	static const int names[] = {
		DTLS_TX, DTLS_RX, DTLS_KEY_UPDATE, DTLS_REQUEST_CID, DTLS_NEXT_CID,
		DTLS_NEW_CID, DTLS_MAX_PAYLOAD, DTLS_TX_EXPORT, DTLS_RX_EXPORT,
		DTLS_PEER_INFO,
	};
	struct dtls_peer_option *opt = (void *)arg;
	int name = rng_pick(&r, names), p, err;
	socklen_t len = sizeof(*opt), got;
	bool spoilt;
	__u8 *to;

	if ((name == DTLS_TX_EXPORT || name == DTLS_RX_EXPORT) && !rng_one_in(&r, 4))
		name = DTLS_TX;
	memset(arg, 0, ROOM);
	opt->size = len;
	opt->optname = name;
	opt->id = some_id();
	len += name == DTLS_TX || name == DTLS_RX || name == DTLS_TX_EXPORT ||
	       name == DTLS_RX_EXPORT ? sizeof(struct dtls_keys) : sizeof(int);
	p = where(opt->id);
	spoilt = spoil(&len);
	to = arena + ROOM - len;
	memcpy(to, arg, len);
	got = len;
	err = getsockopt(near.fd, SOL_DTLS, DTLS_PEER_OPTION, to, &got) ? errno : 0;
	if (err && !documented(err))
		die("getsockopt(%d): %s is not documented", name, strerror(err));
	must(err || got <= len);
	if (spoilt) {
		if (!err)
			start_over();
		return;
	}
	if (p < 0)
		must(err == ENOENT);
	else if (name == DTLS_TX_EXPORT && !err)
		at[p].tx = false;
	else if (name == DTLS_RX_EXPORT && !err)
		at[p].rx = false;
}

/* What is the socket's. */
static void option_all(void)
{
	int val = (int)rng_below(&r, 6) - 1, err;
	bool move = rng_one_in(&r, 2);

	err = set_int(near.fd, SOL_DTLS, move ? DTLS_MOVE : DTLS_RECVPEER, val);
	must(!!err == (val < 0 || val > (move ? DTLS_MOVE_AUTO : 1)));
	if (!err && move)
		policy = val;
	else if (!err)
		told_who = val;
	must(get_int(near.fd, SOL_DTLS, DTLS_MOVE) == policy);
	must(get_int(near.fd, SOL_DTLS, DTLS_RECVPEER) == told_who);
}

static bool nothing(void)
{
	return crowd_recv(&near, in, sizeof(in), MSG_DONTWAIT, NULL, NULL, NULL) < 0 &&
	       errno == EAGAIN;
}

/* A record of a member: who has got it, and has somebody moved by it? */
static void hear(void)
{
	unsigned int who = rng_below(&r, PLACES);
	struct sockaddr_storage from;
	__u8 body[100];
	bool good;
	__u64 id;
	int p;

	rng_fill(&r, body, sizeof(body));
	p = has_cid(who) ? where_cid(who) : (int)who;
	good = p >= 0 && at[p].id && at[p].who == who && at[p].rx && !at[p].closed;
	if (p != (int)who && policy == DTLS_MOVE_OFF)
		good = false;
	must(member_send(&near, &near.m[who], body, sizeof(body)) ==
	     (ssize_t)sizeof(body));
	if (!good) {
		must(nothing());
		return;
	}
	must(crowd_recv(&near, in, sizeof(in), MSG_DONTWAIT, &from, &id, NULL) ==
	     (ssize_t)sizeof(body));
	must(!memcmp(in, body, sizeof(body)));
	must(crowd_whose(&near, &from) == &near.m[who]);
	must(id == (told_who ? at[p].id : 0));
	delivered++;
	must(nothing());
	if (p == (int)who || policy != DTLS_MOVE_AUTO || at[who].id)
		return;
	at[who] = at[p];
	at[who].capped = true;
	memset(&at[p], 0, sizeof(at[p]));
}

static void end(void)
{
	unsigned int who = rng_below(&r, PLACES);

	if (!rng_one_in(&r, 4) || has_cid(who))
		return;
	must(member_alert(&near, &near.m[who], ALERT_FATAL, 80) > 0);
	must(nothing());
	if (at[who].id && at[who].who == who && at[who].rx)
		at[who].closed = true;
}

static void say(void)
{
	unsigned int to = rng_below(&r, PLACES);
	bool sent = crowd_send(&near, &near.m[to], in, 100) == 100;

	if (!at[to].id || !at[to].tx || at[to].closed)
		must(!sent);
	else
		must(sent || (at[to].capped && errno == ENOBUFS));
	while (recv(near.m[to].end12.fd, in, sizeof(in), MSG_DONTWAIT) >= 0)
		;
}

/* Of anybody: as much like a record as it may be. */
static void junk(void)
{
	static const __u8 first[] = { 20, 21, 22, 23, 25, 0x20, 0x2f, 0x30, 0x3f };
	unsigned int who = rng_below(&r, PLACES);
	__u8 d[64];

	rng_fill(&r, d, sizeof(d));
	d[0] = rng_pick(&r, first);
	if (rng_one_in(&r, 2))
		memcpy(d + (d[0] == 25 ? 11 : 1), near.m[who].end13.tx.cid, CID_LEN);
	must(send(near.m[who].end12.fd, d, rng_below(&r, sizeof(d) + 1), 0) >= 0);
	must(nothing());
}

static void bystanders(void)
{
	__u8 out[100], back[100];

	rng_fill(&r, out, sizeof(out));
	must(send(beside.near.fd, out, sizeof(out), 0) == (ssize_t)sizeof(out));
	must(recv(beside.far.fd, back, sizeof(back), 0) == (ssize_t)sizeof(back));
	must(!memcmp(out, back, sizeof(out)));
}

FIXTURE(generator_peers) {
	int unused;
};

FIXTURE_VARIANT(generator_peers) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(generator_peers, v12_v6) { SUITE_AES_128_GCM, FAMILY_V6 };
FIXTURE_VARIANT_ADD(generator_peers, v13_v4) { SUITE13_AES_128_GCM, FAMILY_V4 };

FIXTURE_SETUP(generator_peers)
{
	unsigned int i;

	pin_to(0);
	netns_new();
	rng_init(&r, run_seed(), 0);
	pair_open(&beside, SUITE_AES_128_GCM, FAMILY_V4, true);
	crowd_prepare(&near, variant->suite, variant->family, PLACES, false);
	for (i = 0; i < PLACES; i++)
		if (has_cid(i)) {
			near.m[i].end13.tx.cid_len = CID_LEN;
			memset(near.m[i].end13.tx.cid, i, CID_LEN);
		}
	arena = mmap(NULL, ROOM + 4096, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, arena);
	ASSERT_EQ(0, mprotect(arena + ROOM, 4096, PROT_NONE));
	/* from here on it speaks DTLS and nothing else */
	ASSERT_EQ(0, peer_add(&near, &near.m[0], DTLS_PEER_TX | DTLS_PEER_RX));
	last_id = near.m[0].id;
	at[0] = (struct place) { .id = last_id, .tx = true, .rx = true };
	if (!has_cid(1))
		return;
	/* that is how long they all are, whatever is changed below */
	ASSERT_EQ(0, peer_add(&near, &near.m[1], DTLS_PEER_TX | DTLS_PEER_RX));
	last_id = near.m[1].id;
	at[1] = (struct place) {
		.id = last_id, .who = 1, .cid = true, .tx = true, .rx = true,
	};
}

FIXTURE_TEARDOWN(generator_peers)
{
	crowd_close(&near);
	pair_close(&beside);
}

TEST_F_TIMEOUT(generator_peers, sequences, 3600)
{
	static void (*const steps[])(void) = {
		add, add, add, del, move, move, option_set, option_get, option_all,
		hear, hear, hear, say, end, junk,
	};
	unsigned long i, n = effort(1500, 500, 50000);

	for (i = 0; i < n; i++) {
		rng_pick(&r, steps)();
		check_list();
		if (!(i % 16))
			bystanders();
	}
	TH_LOG("%lu granted, %lu refused, %lu delivered", granted, refused, delivered);
	ASSERT_LT(n / 50, granted);
	ASSERT_LT(n / 50, refused);
	ASSERT_LT(n / 50, delivered);
}

TEST_HARNESS_MAIN
