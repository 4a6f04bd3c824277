// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-timeout: 240 */
/* kselftest-6.1: gcm256_v6_cid4 chacha_v6_cid1 */
/*
 * An attacker in the path of DTLS 1.3, who holds every datagram in his hands but no
 * key: he flips each bit, cuts, joins, replays, moves records between epochs and
 * connection IDs. Nothing of it is ever delivered, closes, acknowledges or moves
 * anything; and the record that he misused is still accepted as it was.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <string.h>

#include "lib/attack.h"
#include "lib/chaos.h"
#include "lib/effort.h"
#include "lib/far13.h"

#define ROOM	200

static __u8 in[65536];

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

FIXTURE(attacker13) {
	struct pair13 p;
	struct end13 *far;
	struct oracle13_key key[EPOCH13 + 3];
	struct dtls_keys tx;
	unsigned int step, text;
	unsigned long long records;
	int fd;
};

FIXTURE_VARIANT(attacker13) {
	__u16 suite;
	int family;
	unsigned int cid;
};

FIXTURE_VARIANT_ADD(attacker13, gcm128_v4) { SUITE13_AES_128_GCM, FAMILY_V4, 0 };
FIXTURE_VARIANT_ADD(attacker13, gcm256_v6_cid4) { SUITE13_AES_256_GCM, FAMILY_V6, 4 };
FIXTURE_VARIANT_ADD(attacker13, chacha_v6_cid1) { SUITE13_CHACHA20, FAMILY_V6, 1 };
FIXTURE_VARIANT_ADD(attacker13, ccm_v4) { SUITE13_AES_128_CCM, FAMILY_V4, 0 };
FIXTURE_VARIANT_ADD(attacker13, ccm8_v6_cid8) { SUITE13_AES_128_CCM_8, FAMILY_V6, 8 };

/* Three epochs that receive, whose numbers have begun long ago. */
FIXTURE_SETUP(attacker13)
{
	int i;

	pin_to(0);
	netns_new();
	self->step = effort(1, 3, 1);
	pair13_prepare(&self->p, variant->suite, variant->family, false);
	pair13_cids(&self->p, 0, variant->cid);
	self->p.near.rx[0].key.seq = 100000;
	self->far = &self->p.far;
	pair13_install(&self->p);
	self->fd = self->p.near.fd;
	self->key[EPOCH13] = self->p.near.rx[0].key;
	for (i = EPOCH13 + 1; i < EPOCH13 + 3; i++) {
		keys13_next(self->far, &self->p.near, i);
		self->p.near.rx[0].key.seq = 100000;
		self->key[i] = self->p.near.rx[0].key;
		ASSERT_EQ(0, key13_install(self->fd, DTLS_RX, &self->key[i],
					   FAR13_MESSAGE));
	}
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
	key_state(self->fd, DTLS_TX, &self->tx);
	self->records = 0;
	self->text = 0;
}

FIXTURE_TEARDOWN(attacker13)
{
	pair13_close(&self->p);
}

#define SCENE	FIXTURE_DATA(attacker13)

/* Nothing has come of it, and nothing was said. */
static void unmoved(SCENE *s)
{
	struct sock_extended_err ee;
	struct dtls_keys tx;

	must(recv_soon(s->fd, in, sizeof(in), 0) == -1 && errno == EAGAIN);
	must(!poll_now(s->fd, POLLIN | POLLRDHUP | POLLPRI));
	must(!event_next(s->fd, &ee));
	key_state(s->fd, DTLS_TX, &tx);
	must(!memcmp(&tx, &s->tx, sizeof(tx)));
	must(stat_read("RxRecords") == s->records);
}

static void refused(SCENE *s, const void *data, size_t len)
{
	unsigned long long drops = stat_drops();

	end13_post(s->far, data, len);
	unmoved(s);
	must(stat_drops() > drops);
}

/* As it was sealed it is delivered, once. */
static void accepted(SCENE *s, const void *data, size_t len, const char *text)
{
	unsigned long long drops = stat_drops();

	end13_post(s->far, data, len);
	must(recv_soon(s->fd, in, sizeof(in), 0) == (ssize_t)strlen(text));
	must(!memcmp(in, text, strlen(text)));
	s->records++;
	must(stat_drops() == drops);
	unmoved(s);
}

/* A new record of an epoch, in one of the forms, with a text of its own. */
static size_t seal(SCENE *s, int epoch, __u8 *rec, char *text)
{
	struct oracle13_form f = {
		.seq8 = s->text & 1, .no_length = s->text & 2,
		.pad = s->text % 3,
	};

	snprintf(text, 40, "the secret of number %u", s->text++);
	return oracle13_seal_form(&s->key[epoch], &f, s->key[epoch].seq++,
				  DTLS_TYPE_DATA, text, strlen(text), rec);
}

TEST_F(attacker13, each_bit)
{
	unsigned int bit, cid = variant->cid, round;
	__u8 rec[ROOM];
	char text[40];
	size_t n;

	/* in four forms and three epochs: all bits of the header and its tail */
	for (round = 0; round < 12; round += self->step) {
		n = seal(self, EPOCH13 + round % 3, rec, text);
		for (bit = 0; bit < 8 * n; bit++) {
			/* of the body some, first and last byte whole */
			if (bit >= 8 * (6 + cid) && bit < 8 * (n - 1) &&
			    (bit + round) % 29)
				continue;
			rec[bit / 8] ^= 1 << bit % 8;
			refused(self, rec, n);
			rec[bit / 8] ^= 1 << bit % 8;
		}
		accepted(self, rec, n, text);
		refused(self, rec, n);
	}
}

/* The first byte says anything at all, and the record is what it is. */
TEST_F(attacker13, each_first_byte)
{
	unsigned int first;
	__u8 rec[ROOM], was;
	char text[40];
	size_t n = 0;

	for (first = 0; first < 256; first++) {
		if (!(first % 32))
			n = seal(self, EPOCH13 + first / 32 % 3, rec, text);
		was = rec[0];
		if (first != was) {
			rec[0] = first;
			refused(self, rec, n);
			rec[0] = was;
		}
		if (first % 32 == 31)
			accepted(self, rec, n, text);
	}
}

TEST_F(attacker13, cuts_and_stretches)
{
	__u8 rec[ROOM];
	char text[40];
	size_t n, len;
	int i;

	for (i = 0; i < 4; i++) {
		n = seal(self, EPOCH13 + 2, rec, text);
		for (len = 0; len < n; len += self->step)
			refused(self, rec, len);
		/* with a length the rest is another record, which it is not */
		if (rec[0] & 4) {
			accepted(self, rec, n, text);
			continue;
		}
		memset(rec + n, 0, 20);
		for (len = n + 1; len < n + 20; len += self->step)
			refused(self, rec, len);
		accepted(self, rec, n, text);
	}
}

/* What was sealed for one epoch is none of the others. */
TEST_F(attacker13, mixes_epochs)
{
	__u8 rec[ROOM], other[ROOM], mix[2 * ROOM];
	int sealed, named, i;
	char text[40], second[40];
	size_t n, at, m;

	for (sealed = EPOCH13; sealed < EPOCH13 + 3; sealed++) {
		for (i = 0; i < 4; i++) {
			n = seal(self, sealed, rec, text);
			for (named = 0; named < 4; named++) {
				if (named == sealed % 4)
					continue;
				memcpy(mix, rec, n);
				mix[0] = (rec[0] & ~3) | named;
				refused(self, mix, n);
			}
			accepted(self, rec, n, text);
		}
	}
	/* from any byte on the one is the other */
	n = seal(self, EPOCH13, rec, text);
	self->text += 3;
	m = seal(self, EPOCH13 + 1, other, second);
	for (at = 1; at < n && at < m; at += self->step) {
		/* they may well have their last bytes in common */
		memcpy(mix, rec, at);
		memcpy(mix + at, other + at, m - at);
		if (memcmp(mix, rec, n))
			refused(self, mix, m);
		memcpy(mix, other, at);
		memcpy(mix + at, rec + at, n - at);
		if (memcmp(mix, other, m))
			refused(self, mix, n);
	}
	accepted(self, other, m, second);
	accepted(self, rec, n, text);
}

/* Two associations, one with another CID: neither takes what is the other's. */
TEST_F(attacker13, mixes_cids)
{
	__u8 rec[2 * ROOM], other[ROOM];
	struct oracle13_key own = self->key[EPOCH13 + 2], alien;
	char text[40];
	size_t n, m;

	if (!variant->cid) {
		/* a CID where there is none to be */
		self->key[EPOCH13 + 2].cid_len = 8;
		n = seal(self, EPOCH13 + 2, rec, text);
		refused(self, rec, n);
		return;
	}
	/* its keys, and its name on ours */
	alien = own;
	oracle13_key_init(&alien, variant->suite, EPOCH13 + 2, 4711);
	alien.seq = own.seq + 50;
	alien.cid_len = own.cid_len;
	memset(alien.cid, 0xee, alien.cid_len);
	self->key[EPOCH13 + 2] = alien;
	n = seal(self, EPOCH13 + 2, rec, text);
	refused(self, rec, n);
	memcpy(rec + 1, own.cid, own.cid_len);
	refused(self, rec, n);
	/* ours, under the other's name, and back again */
	self->key[EPOCH13 + 2] = own;
	n = seal(self, EPOCH13 + 2, rec, text);
	memcpy(rec + 1, alien.cid, own.cid_len);
	refused(self, rec, n);
	memcpy(rec + 1, own.cid, own.cid_len);
	/* the CID cut out of it: it is part of what is authenticated */
	memcpy(other, rec, n);
	other[0] &= ~0x10;
	memmove(other + 1, other + 1 + own.cid_len, n - 1 - own.cid_len);
	refused(self, other, n - own.cid_len);
	accepted(self, rec, n, text);
	/* sealed rightly, for another CID */
	self->key[EPOCH13 + 2].cid[0] ^= 1;
	m = seal(self, EPOCH13 + 2, other, text);
	refused(self, other, m);
	/* or for one that is shorter or longer */
	self->key[EPOCH13 + 2] = own;
	self->key[EPOCH13 + 2].seq += 10;
	self->key[EPOCH13 + 2].cid_len--;
	if (self->key[EPOCH13 + 2].cid_len) {
		m = seal(self, EPOCH13 + 2, other, text);
		refused(self, other, m);
	}
	self->key[EPOCH13 + 2].cid_len += 2;
	m = seal(self, EPOCH13 + 2, other, text);
	refused(self, other, m);
}

/* Alerts, messages and ACKs that are not authentic do none of their work. */
TEST_F(attacker13, forged_control)
{
	static const struct { __u8 type, len; const char *body; } what[] = {
		{ DTLS_TYPE_ALERT, 2, "\1\0" },
		{ DTLS_TYPE_ALERT, 2, "\2\50" },
		{ DTLS_TYPE_HANDSHAKE, 13, "\30\0\0\1\0\5\0\0\0\0\0\1\1" },
		{ DTLS_TYPE_HANDSHAKE, 16, "\4\0\0\4\0\5\0\0\0\0\0\4abcd" },
		{ DTLS_TYPE_ACK, 18, "\0\20\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\0" },
	};
	struct oracle13_key bad;
	unsigned int i, epoch;
	struct dtls_keys k;
	__u8 rec[ROOM];
	size_t n;

	for (i = 0; i < ARRAY_SIZE(what); i++) {
		for (epoch = EPOCH13; epoch < EPOCH13 + 3; epoch++) {
			bad = self->key[epoch];
			bad.key[3] ^= 1;
			n = oracle13_seal(&bad, what[i].type, what[i].body,
					  what[i].len, rec);
			refused(self, rec, n);
			bad = self->key[epoch];
			bad.iv[3] ^= 1;
			n = oracle13_seal(&bad, what[i].type, what[i].body,
					  what[i].len, rec);
			refused(self, rec, n);
		}
	}
	ASSERT_EQ(0, stat_read("TxAcks"));
	ASSERT_EQ(0, stat_read("TxRecords"));
	key_state(self->fd, DTLS_RX, &k);
	ASSERT_EQ(EPOCH13 + 2, k.epoch);
	ASSERT_EQ(FAR13_MESSAGE, k.message_seq);
	ASSERT_EQ(0, k.records);
}

/* A wrong sn key gives another number, and no record: never the window's move. */
TEST_F(attacker13, wrong_number_key)
{
	struct oracle13_key bad = self->key[EPOCH13 + 2];
	struct dtls_keys k;
	__u8 rec[ROOM];
	size_t n;
	int i;

	bad.sn[0] ^= 1;
	for (i = 0; i < 50; i++) {
		n = oracle13_seal(&bad, DTLS_TYPE_DATA, "never read", 10, rec);
		refused(self, rec, n);
	}
	key_state(self->fd, DTLS_RX, &k);
	ASSERT_EQ(100000, k.seq);
	ASSERT_EQ(0, k.records);
}

/* The near end's own record, thrown back at it, as it is and renamed. */
TEST_F(attacker13, reflects)
{
	__u8 rec[ROOM];
	ssize_t n;
	int i;

	ASSERT_EQ(12, send(self->fd, "from near to", 12, 0));
	n = recv_soon(self->far->fd, rec, sizeof(rec), 0);
	ASSERT_LT(0, n);
	key_state(self->fd, DTLS_TX, &self->tx);
	for (i = 0; i < 4; i++) {
		rec[0] = (rec[0] & ~3) | i;
		refused(self, rec, n);
	}
}

/* Whatever comes to mind, some thousand times. */
TEST_F(attacker13, at_random)
{
	unsigned long rounds = effort(1500, 300, 20000), i;
	unsigned int seed = run_seed();
	static __u8 rec[70000], wire[70000], old[70000];
	size_t n, len, old_len;
	char text[40], before[40];

	/* an old one, which has been read */
	old_len = seal(self, EPOCH13 + 2, old, before);
	accepted(self, old, old_len, before);
	for (i = 0; i < rounds; i++) {
		n = seal(self, EPOCH13 + 2, rec, text);
		memcpy(wire, rec, n);
		/* flips go to the header of DTLS 1.2, which is longer */
		len = attack(wire, n, old, old_len, &seed);
		end13_post(self->far, wire, len);
		len = recv_soon(self->fd, in, sizeof(in), 0);
		if (len != (size_t)-1) {
			/* the record itself, with something that was joined to it */
			must(len == strlen(text) && !memcmp(in, text, len));
			must(!memcmp(wire, rec, n));
			self->records++;
		}
		unmoved(self);
	}
	n = seal(self, EPOCH13 + 2, rec, text);
	accepted(self, rec, n, text);
}

TEST_HARNESS_MAIN
