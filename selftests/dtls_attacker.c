// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: attacker.chacha_v6 bits.ccm_v6 */
/* kselftest-timeout: 240 */
/* kselftest-6.1: gcm128_v4 chacha_v6 ccm8_v6 */
/*
 * An attacker in the path, who holds every datagram in his hands but no key: he
 * flips each bit, cuts, stretches, splits, joins, replays, and moves records
 * from one epoch to another. After each single deed all counters, the replay
 * window and what is delivered are as a model says; and the record that he
 * misused is still accepted when it comes as it was.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib/effort.h"
#include "lib/model.h"
#include "lib/pair.h"

/* High and low bits of it can be flipped to both sides of the window. */
#define FIRST		0x400000000800ULL
#define EPOCHS		3
#define BODY		24
#define WIRE		(RECORD_HEADER + 8 + BODY + 16)
#define DUE_MAX		8

struct scene {
	struct dtls_pair p;
	struct model m;
	struct oracle_key key[8];	/* by epoch; not all are installed */
	unsigned int turn;
	unsigned int step;		/* each one, or each fifth, say */
	__u8 text;
};

/* What is to come of a datagram. */
struct due {
	unsigned int nr;
	struct {
		size_t len;
		__u8 data[BODY];
	} rec[DUE_MAX];
};

static void install(struct scene *s, int epoch)
{
	must(!key_install(s->p.near.fd, DTLS_RX, &s->key[epoch]));
	model_keys(&s->m, &s->key[epoch]);
}

static void scene_open(struct scene *s, __u16 suite, int family)
{
	unsigned int i;

	pin_to(0);
	netns_new();
	s->step = effort(1, 5, 1);
	pair_prepare(&s->p, suite, family, false);
	for (i = 0; i < ARRAY_SIZE(s->key); i++) {
		oracle_key_init(&s->key[i], suite, i, 7);
		s->key[i].seq = FIRST;
	}
	must(!ulp_attach(s->p.near.fd));
	must(!key_install(s->p.near.fd, DTLS_TX, &s->p.near.tx));
	for (i = 1; i <= EPOCHS; i++)
		install(s, i);
	must(!set_int(s->p.near.fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
}

static void deliver(void *arg, const struct oracle_record *r)
{
	struct due *due = arg;

	must(due->nr < DUE_MAX && r->len <= BODY);
	due->rec[due->nr].len = r->len;
	memcpy(due->rec[due->nr].data, r->data, r->len);
	due->nr++;
}

static void opened_by_poll(int fd)
{
	struct pollfd p = {
		.fd = fd,
		.events = POLLIN | POLLPRI | POLLRDHUP | POLLRDNORM,
	};

	must(poll(&p, 1, 0) == 0);
}

static void opened_by_recv(int fd)
{
	__u8 in[BODY];

	must(recv(fd, in, sizeof(in), MSG_DONTWAIT) == -1 && errno == EAGAIN);
}

static void opened_by_ioctl(int fd)
{
	int len = -1;

	must(!ioctl(fd, FIONREAD, &len) && !len);
}

/* Whoever it is that opens the datagrams: there is nothing. */
static void nothing(struct scene *s)
{
	static void (*const by[])(int fd) = {
		opened_by_poll, opened_by_recv, opened_by_ioctl,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(by); i++)
		by[(s->turn + i) % ARRAY_SIZE(by)](s->p.near.fd);
	s->turn++;
	must(get_int(s->p.near.fd, SOL_SOCKET, SO_ERROR) == 0);
}

/* A datagram arrives. Returns how many records were delivered. */
static unsigned int strike(struct scene *s, const void *data, size_t len)
{
	struct due due = {};
	__u8 in[BODY];
	unsigned int i;

	model_datagram(&s->m, data, len, deliver, &due);
	must(send(s->p.far.fd, data, len, 0) == (ssize_t)len);
	settle();
	for (i = 0; i < due.nr; i++) {
		must(recv(s->p.near.fd, in, sizeof(in), MSG_DONTWAIT) ==
		     (ssize_t)due.rec[i].len);
		must(!memcmp(in, due.rec[i].data, due.rec[i].len));
	}
	nothing(s);
	model_check_counters(&s->m, 1);
	model_check_state(&s->m, s->p.near.fd);
	return due.nr;
}

/* One counter moves, by one, and that is all. */
static void refused(struct scene *s, const void *data, size_t len,
		    enum model_counter why)
{
	unsigned long long want[MODEL_COUNTERS];
	int c;

	memcpy(want, s->m.count, sizeof(want));
	want[why]++;
	must(!strike(s, data, len));
	for (c = 0; c < MODEL_COUNTERS; c++)
		if (s->m.count[c] != want[c])
			die("%s is %llu, not %llu", model_counter_name(c),
			    s->m.count[c], want[c]);
}

static void accepted(struct scene *s, const void *data, size_t len)
{
	unsigned long long before = s->m.count[MODEL_RECORDS];

	must(strike(s, data, len) == 1);
	must(s->m.count[MODEL_RECORDS] == before + 1);
}

/* A new record of an epoch, with a text of its own. */
static size_t seal(struct scene *s, int epoch, __u8 *rec)
{
	__u8 text[BODY];

	memset(text, s->text++, sizeof(text));
	return oracle_seal(&s->key[epoch], DTLS_TYPE_DATA, text, sizeof(text),
			   rec);
}

static bool known(__u16 epoch)
{
	return epoch >= 1 && epoch <= EPOCHS;
}

/* A record with a flipped bit in this byte: which counter moves? */
static enum model_counter flipped(struct scene *s, const __u8 *rec, size_t byte)
{
	const struct model_epoch *e;
	__u64 seq = 0;
	int i;

	if (byte == 0 && (rec[0] < 20 || rec[0] > 24))
		return MODEL_TYPE;
	if (byte == 1 || byte == 2)
		return MODEL_VERSION;
	if (!known(rec[3] << 8 | rec[4]))
		return MODEL_EPOCH;
	e = &s->m.epoch[EPOCHS - rec[4]];
	for (i = 5; i < 11; i++)
		seq = seq << 8 | rec[i];
	if (seq >= e->next)
		return MODEL_AUTH;
	/* no number below is missing */
	return e->next - seq > DTLS_WINDOW_DEFAULT ? MODEL_OLD : MODEL_REPLAY;
}

/* Bytes that are tried bit by bit: all but the inside of the body. */
static bool tried(const struct scene *s, size_t byte)
{
	size_t body = RECORD_HEADER + s->key[1].suite->explicit_len;

	return byte <= body || byte >= body + BODY - 1;
}

FIXTURE(bits) {
	struct scene s;
};

FIXTURE_VARIANT(bits) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(bits, gcm128_v4) { SUITE_AES_128_GCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(bits, gcm128_v6) { SUITE_AES_128_GCM, FAMILY_V6 };
FIXTURE_VARIANT_ADD(bits, gcm256_v4) { SUITE_AES_256_GCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(bits, gcm256_v6) { SUITE_AES_256_GCM, FAMILY_V6 };
FIXTURE_VARIANT_ADD(bits, chacha_v4) { SUITE_CHACHA20, FAMILY_V4 };
FIXTURE_VARIANT_ADD(bits, chacha_v6) { SUITE_CHACHA20, FAMILY_V6 };
FIXTURE_VARIANT_ADD(bits, ccm_v4) { SUITE_AES_128_CCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(bits, ccm_v6) { SUITE_AES_128_CCM, FAMILY_V6 };
FIXTURE_VARIANT_ADD(bits, ccm8_v4) { SUITE_AES_128_CCM_8, FAMILY_V4 };
FIXTURE_VARIANT_ADD(bits, ccm8_v6) { SUITE_AES_128_CCM_8, FAMILY_V6 };

FIXTURE_SETUP(bits)
{
	scene_open(&self->s, variant->suite, variant->family);
}

FIXTURE_TEARDOWN(bits)
{
	pair_close(&self->s.p);
}

TEST_F(bits, each_flipped)
{
	struct scene *s = &self->s;
	unsigned int seen[MODEL_COUNTERS] = {};
	enum model_counter why;
	__u8 rec[WIRE];
	size_t bit, n;
	int epoch;

	for (bit = 0; bit < 8 * oracle_overhead(s->key[1].suite) + 8 * BODY;
	     bit += s->step) {
		if (!tried(s, bit / 8))
			continue;
		/* each of the three that have keys */
		epoch = 1 + bit % EPOCHS;
		n = seal(s, epoch, rec);
		rec[bit / 8] ^= 1 << bit % 8;
		why = flipped(s, rec, bit / 8);
		if (bit / 8 == 11 || bit / 8 == 12) {
			/* What follows a length that shrank is anybody's guess. */
			ASSERT_EQ(0, strike(s, rec, n));
		} else {
			refused(s, rec, n, why);
			seen[why]++;
		}
		rec[bit / 8] ^= 1 << bit % 8;
		accepted(s, rec, n);
	}
	if (s->step > 1)
		return;
	ASSERT_LT(0, seen[MODEL_TYPE]);
	ASSERT_EQ(16, seen[MODEL_VERSION]);
	ASSERT_LT(0, seen[MODEL_EPOCH]);
	ASSERT_LT(0, seen[MODEL_OLD]);
	ASSERT_LT(0, seen[MODEL_REPLAY]);
	ASSERT_LT(8 * 8, seen[MODEL_AUTH]);
}

FIXTURE(attacker) {
	struct scene s;
};

FIXTURE_VARIANT(attacker) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(attacker, gcm128_v4) { SUITE_AES_128_GCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(attacker, gcm256_v6) { SUITE_AES_256_GCM, FAMILY_V6 };
FIXTURE_VARIANT_ADD(attacker, chacha_v6) { SUITE_CHACHA20, FAMILY_V6 };
FIXTURE_VARIANT_ADD(attacker, ccm_v4) { SUITE_AES_128_CCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(attacker, ccm8_v6) { SUITE_AES_128_CCM_8, FAMILY_V6 };

FIXTURE_SETUP(attacker)
{
	scene_open(&self->s, variant->suite, variant->family);
}

FIXTURE_TEARDOWN(attacker)
{
	pair_close(&self->s.p);
}

/* The length says any number, and the datagram agrees, or not. */
TEST_F(attacker, lies_about_the_length)
{
	struct scene *s = &self->s;
	__u8 rec[WIRE + 256], lie[WIRE + 256] = {};
	size_t n, len, over;

	over = s->key[1].suite->explicit_len + s->key[1].suite->tag_len;
	for (len = 0; len < over + BODY + 20; len += s->step) {
		if (len == over + BODY)
			continue;
		n = seal(s, EPOCHS, rec);
		memcpy(lie, rec, n);
		lie[12] = len;
		refused(s, lie, RECORD_HEADER + len,
			len < over ? MODEL_LENGTH : MODEL_AUTH);
		/* The datagram is as it was: the rest of it is no record. */
		if (RECORD_HEADER + len > n)
			refused(s, lie, n, MODEL_LENGTH);
		else
			must(!strike(s, lie, n));
		accepted(s, rec, n);
	}
}

TEST_F(attacker, longer_than_any_record)
{
	struct scene *s = &self->s;
	static __u8 lie[40000];
	__u8 rec[WIRE];
	size_t n, over, max;

	over = s->key[1].suite->explicit_len + s->key[1].suite->tag_len;
	max = DTLS_PLAINTEXT_MAX + over;
	n = seal(s, EPOCHS, rec);
	memcpy(lie, rec, n);
	lie[11] = (max + 1) >> 8;
	lie[12] = max + 1;
	refused(s, lie, RECORD_HEADER + max + 1, MODEL_OVERSIZE);
	lie[11] = max >> 8;
	lie[12] = max;
	refused(s, lie, RECORD_HEADER + max, MODEL_AUTH);
	accepted(s, rec, n);
}

TEST_F(attacker, cuts_at_every_length)
{
	struct scene *s = &self->s;
	size_t cut, n, both;
	__u8 rec[2 * WIRE];

	n = seal(s, EPOCHS, rec);
	for (cut = 0; cut < n; cut += s->step) {
		refused(s, rec, cut, cut < RECORD_HEADER ? MODEL_SHORT :
							   MODEL_LENGTH);
		accepted(s, rec, n);
		n = seal(s, EPOCHS, rec);
	}
	/* Of two records the first is whole, and the second is cut. */
	for (cut = 1; cut < n; cut += s->step) {
		n = seal(s, EPOCHS, rec);
		both = n + seal(s, EPOCHS, rec + n);
		ASSERT_EQ(1, strike(s, rec, n + cut));
		refused(s, rec, n, MODEL_REPLAY);
		accepted(s, rec + n, both - n);
	}
}

TEST_F(attacker, stretches)
{
	/* Zeros, the head of a record, and all ones. */
	static const __u8 stuff[] = { 0, DTLS_TYPE_DATA, 0xff };
	struct scene *s = &self->s;
	__u8 rec[WIRE + 64], longer[WIRE + 64];
	size_t n, by;
	unsigned int i;

	for (by = 1; by <= 48; by += s->step) {
		i = by % ARRAY_SIZE(stuff);
		n = seal(s, 1 + by % EPOCHS, rec);
		memset(rec + n, stuff[i], by);
		/* as a part of the record */
		memcpy(longer, rec, n + by);
		longer[12] += by;
		refused(s, longer, n + by, MODEL_AUTH);
		/* behind it: then the record itself is what it was */
		accepted(s, rec, n + by);
		refused(s, rec, n, MODEL_REPLAY);
	}
	if (s->step > 1)
		return;
	ASSERT_EQ(RECORD_HEADER - 1, s->m.count[MODEL_SHORT]);
	ASSERT_LT(0, s->m.count[MODEL_TYPE]);
	ASSERT_LT(0, s->m.count[MODEL_LENGTH]);
}

TEST_F(attacker, splits_everywhere)
{
	struct scene *s = &self->s;
	__u8 rec[WIRE], part[WIRE];
	size_t at, n, body;

	n = seal(s, EPOCHS, rec);
	for (at = 1; at < n; at += s->step) {
		n = seal(s, EPOCHS, rec);
		refused(s, rec, at, at < RECORD_HEADER ? MODEL_SHORT :
							 MODEL_LENGTH);
		ASSERT_EQ(0, strike(s, rec + at, n - at));
		accepted(s, rec, n);
	}
	/* Each part gets a header of its own. */
	body = n - RECORD_HEADER;
	for (at = 0; at < body; at += s->step) {
		n = seal(s, EPOCHS, rec);
		memcpy(part, rec, RECORD_HEADER + at);
		part[12] = at;
		ASSERT_EQ(0, strike(s, part, RECORD_HEADER + at));
		part[12] = body - at;
		memcpy(part + RECORD_HEADER, rec + RECORD_HEADER + at, body - at);
		if (at)
			ASSERT_EQ(0, strike(s, part, RECORD_HEADER + body - at));
		accepted(s, rec, n);
	}
}

/* Records of several datagrams become one datagram: RFC 6347 4.1.1 allows it. */
TEST_F(attacker, joins)
{
	struct scene *s = &self->s;
	__u8 rec[4][WIRE], all[4 * WIRE + 2 * WIRE];
	size_t n = 0;
	int i;

	/* in order, of all the epochs, and backwards */
	for (i = 0; i < 3; i++) {
		n = seal(s, 1 + i, rec[i]);
		memcpy(all + i * n, rec[i], n);
	}
	ASSERT_EQ(3, strike(s, all, 3 * n));
	for (i = 0; i < 3; i++) {
		refused(s, rec[i], n, MODEL_REPLAY);
		seal(s, EPOCHS, all + (2 - i) * n);
	}
	ASSERT_EQ(3, strike(s, all, 3 * n));
	ASSERT_EQ(0, strike(s, all, 3 * n));

	/* one of them twice, one of them bad */
	for (i = 0; i < 3; i++)
		seal(s, EPOCHS, rec[i]);
	memcpy(all, rec[0], n);
	memcpy(all + n, rec[0], n);
	memcpy(all + 2 * n, rec[1], n);
	all[3 * n - 1] ^= 1;
	memcpy(all + 3 * n, rec[2], n);
	ASSERT_EQ(2, strike(s, all, 4 * n));
	accepted(s, rec[1], n);
}

/* Parts of two records become one. */
TEST_F(attacker, crosses)
{
	struct scene *s = &self->s;
	size_t n, at, explicit = s->key[1].suite->explicit_len;
	__u8 a[WIRE], b[WIRE], mix[2 * WIRE];

	/* from any byte on the one is the other */
	n = seal(s, EPOCHS, a);
	for (at = 1; at < n; at += s->step) {
		seal(s, EPOCHS, a);
		seal(s, EPOCHS, b);
		memcpy(mix, a, at);
		memcpy(mix + at, b + at, n - at);
		/* they may well have the first or last bytes in common */
		if (!memcmp(mix, a, n) || !memcmp(mix, b, n))
			continue;
		/* a number of both their bytes may be of the past */
		if (at < 11)
			must(!strike(s, mix, n));
		else
			refused(s, mix, n, MODEL_AUTH);
		accepted(s, a, n);
		accepted(s, b, n);
	}
	/* two bodies under one header; two tags */
	seal(s, EPOCHS, a);
	seal(s, EPOCHS, b);
	memcpy(mix, a, n);
	memcpy(mix + n, b + RECORD_HEADER + explicit,
	       n - RECORD_HEADER - explicit);
	mix[12] += n - RECORD_HEADER - explicit;
	refused(s, mix, 2 * n - RECORD_HEADER - explicit, MODEL_AUTH);
	accepted(s, b, n);
	accepted(s, a, n);
}

TEST_F(attacker, replays)
{
	struct scene *s = &self->s;
	__u8 rec[EPOCHS + 1][2][WIRE], late[WIRE], out[WIRE];
	size_t n = 0, i;
	int epoch;

	for (epoch = 1; epoch <= EPOCHS; epoch++) {
		for (i = 0; i < 2; i++) {
			n = seal(s, epoch, rec[epoch][i]);
			accepted(s, rec[epoch][i], n);
		}
		/* again and again, and as if of another epoch */
		for (i = 0; i < 4; i++)
			refused(s, rec[epoch][i % 2], n, MODEL_REPLAY);
		for (i = 1; i <= EPOCHS; i++) {
			rec[epoch][1][4] = i;
			ASSERT_EQ(0, strike(s, rec[epoch][1], n));
			rec[epoch][1][4] = epoch;
		}

		/* the first is the last that the window still knows */
		s->key[epoch].seq = FIRST + DTLS_WINDOW_DEFAULT - 1;
		n = seal(s, epoch, late);
		accepted(s, late, n);
		refused(s, rec[epoch][0], n, MODEL_REPLAY);
		n = seal(s, epoch, late);
		accepted(s, late, n);
		refused(s, rec[epoch][0], n, MODEL_OLD);
		refused(s, rec[epoch][1], n, MODEL_REPLAY);
		/* what is late, and new, is welcome, once */
		s->key[epoch].seq = FIRST + 2;
		n = seal(s, epoch, late);
		accepted(s, late, n);
		refused(s, late, n, MODEL_REPLAY);
	}

	/* The first epoch goes: what was sealed under it means nothing. */
	s->key[1].seq = FIRST + DTLS_WINDOW_DEFAULT + 1;
	n = seal(s, 1, late);
	install(s, EPOCHS + 1);
	refused(s, late, n, MODEL_EPOCH);
	refused(s, rec[1][1], n, MODEL_EPOCH);
	refused(s, rec[2][1], n, MODEL_REPLAY);
	n = seal(s, EPOCHS + 1, late);
	accepted(s, late, n);

	/* The near end's own record, thrown back at it. */
	ASSERT_EQ(BODY, send(s->p.near.fd, rec, BODY, 0));
	n = recv_soon(s->p.far.fd, out, sizeof(out), 0);
	refused(s, out, n, MODEL_EPOCH);
	out[4] = EPOCHS + 1;
	refused(s, out, n, MODEL_OLD);
	out[5] = 0x7f;
	refused(s, out, n, MODEL_AUTH);
	accepted(s, late, seal(s, EPOCHS + 1, late));
}

/* Each epoch's records with each epoch's name on them. */
TEST_F(attacker, mixes_epochs)
{
	struct scene *s = &self->s;
	__u8 rec[WIRE], lie[WIRE], text[BODY] = {};
	struct oracle_header h;
	int sealed, named;
	size_t n, body;

	for (sealed = 0; sealed < 6; sealed++) {
		for (named = 0; named < 6; named++) {
			if (sealed == named)
				continue;
			/* a number that is new to both */
			s->key[sealed].seq = FIRST + 8 * sealed + named;
			n = seal(s, sealed, rec);
			memcpy(lie, rec, n);
			lie[4] = named;
			refused(s, lie, n, known(named) ? MODEL_AUTH :
							  MODEL_EPOCH);
			/* as if whoever has the one key thought it the other */
			ASSERT_EQ(true, oracle_parse(rec, n, &h, &body));
			h.epoch = named;
			oracle_seal_header(&s->key[sealed], &h, text, BODY, lie);
			refused(s, lie, n, known(named) ? MODEL_AUTH :
							  MODEL_EPOCH);
			if (known(sealed))
				accepted(s, rec, n);
			else
				refused(s, rec, n, MODEL_EPOCH);
		}
	}
}

/*
 * A program that installs one key twice does wrong; yet the epoch is in the
 * additional data, and so a record of the one is none of the other.
 */
TEST_F(attacker, same_key_in_two_epochs)
{
	struct scene *s = &self->s;
	__u8 rec[WIRE], lie[WIRE];
	int i, epoch;
	size_t n;

	memcpy(s->key[5].key, s->key[4].key, sizeof(s->key[4].key));
	memcpy(s->key[5].iv, s->key[4].iv, sizeof(s->key[4].iv));
	install(s, 4);
	install(s, 5);
	for (i = 0; i < 8; i++) {
		epoch = 4 + i % 2;
		s->key[epoch].seq = FIRST + i;
		n = seal(s, epoch, rec);
		memcpy(lie, rec, n);
		lie[4] ^= 1;
		refused(s, lie, n, MODEL_AUTH);
		accepted(s, rec, n);
	}
}

TEST_HARNESS_MAIN
