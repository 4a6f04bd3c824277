// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-timeout: 240 */
/* kselftest-6.1: gcm256_v6_cid8 ccm8_mapped_cid1 */
/*
 * DTLS 1.3, what comes in: every form that a record may have, epochs and numbers
 * of which the wire shows the end only, padding, and everything a peer or a
 * forger can send instead. A bad record moves one counter and nothing else.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <string.h>

#include "lib/far13.h"

static __u8 in[65536];

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

FIXTURE(wire13) {
	struct pair13 p;
	struct end13 *far;
	int fd;
	__u8 dgram[65536];
	size_t len;
};

FIXTURE_VARIANT(wire13) {
	__u16 suite;
	int family;
	unsigned int cid;
};

FIXTURE_VARIANT_ADD(wire13, gcm128_v4) { SUITE13_AES_128_GCM, FAMILY_V4, 0 };
FIXTURE_VARIANT_ADD(wire13, gcm256_v6_cid8) { SUITE13_AES_256_GCM, FAMILY_V6, 8 };
FIXTURE_VARIANT_ADD(wire13, chacha_v6) { SUITE13_CHACHA20, FAMILY_V6, 0 };
FIXTURE_VARIANT_ADD(wire13, ccm8_mapped_cid1) { SUITE13_AES_128_CCM_8, FAMILY_MAPPED, 1 };
FIXTURE_VARIANT_ADD(wire13, chacha_v4_cid32) { SUITE13_CHACHA20, FAMILY_V4, 32 };

FIXTURE_SETUP(wire13)
{
	netns_new();
	pair13_prepare(&self->p, variant->suite, variant->family, false);
	pair13_cids(&self->p, 0, variant->cid);
	pair13_install(&self->p);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
	self->len = 0;
}

FIXTURE_TEARDOWN(wire13)
{
	pair13_close(&self->p);
}

#define SCENE	FIXTURE_DATA(wire13)

/* Appends a record to the datagram; returns where it begins. */
static __u8 *add_form(SCENE *w, const struct oracle13_form *f, __u64 seq,
		      __u8 type, const void *data, size_t len)
{
	__u8 *at = w->dgram + w->len;

	w->len += oracle13_seal_form(&w->far->tx, f, seq, type, data, len, at);
	return at;
}

static __u8 *add(SCENE *w, const char *text)
{
	__u8 *at = w->dgram + w->len;

	w->len += oracle13_seal(&w->far->tx, DTLS_TYPE_DATA, text, strlen(text),
				at);
	return at;
}

static void go(SCENE *w)
{
	end13_post(w->far, w->dgram, w->len);
	w->len = 0;
}

/* The next record, without waiting, is this text. */
static bool got(SCENE *w, const char *text)
{
	ssize_t n = recv_soon(w->fd, in, sizeof(in), 0);

	return n == (ssize_t)strlen(text) && !memcmp(in, text, n);
}

static bool nothing(SCENE *w)
{
	return recv_soon(w->fd, in, sizeof(in), 0) == -1 && errno == EAGAIN;
}

/* After every misdeed: drops of that kind only, and the socket is as before. */
static bool dropped(SCENE *w, const char *name, unsigned long long number)
{
	must(nothing(w));
	must(poll_now(w->fd, POLLIN) == 0);
	if (stat_read(name) != number || stat_drops() != number)
		die("%s is %llu of %llu, not %llu", name, stat_read(name),
		    stat_drops(), number);
	add(w, "alive");
	go(w);
	return got(w, "alive");
}

static bool deliver(SCENE *w, const struct oracle13_form *f, __u64 seq)
{
	char text[32];

	snprintf(text, sizeof(text), "record %llu", seq);
	add_form(w, f, seq, DTLS_TYPE_DATA, text, strlen(text));
	go(w);
	if (got(w, text))
		return true;
	must(errno == EAGAIN);
	return false;
}

TEST_F(wire13, each_form)
{
	struct oracle13_form f = {};
	char text[20];
	int i, pad;

	for (i = 0; i < 4; i++) {
		f.seq8 = i & 1;
		f.no_length = i & 2;
		for (pad = 10; pad < 40; pad += 7) {
			f.pad = pad;
			snprintf(text, sizeof(text), "form %d.%d", i, pad);
			add_form(self, &f, self->far->tx.seq++, DTLS_TYPE_DATA,
				 text, strlen(text));
			go(self);
			ASSERT_EQ(true, got(self, text)) TH_LOG("%s", text);
		}
	}
	ASSERT_EQ(20, stat_read("RxRecords"));
	ASSERT_EQ(0, stat_drops());
}

TEST_F(wire13, several_records)
{
	struct oracle13_form f = { .seq8 = true }, last = { .no_length = true };

	add(self, "one");
	add_form(self, &f, self->far->tx.seq++, DTLS_TYPE_DATA, "two and a bit", 13);
	add(self, "");
	/* RFC 9147 4: "MAY be omitted from [...] records after the first" */
	f.no_cid = true;
	add_form(self, &f, self->far->tx.seq++, DTLS_TYPE_DATA, "four and more", 13);
	last.no_cid = true;
	add_form(self, &last, self->far->tx.seq++, DTLS_TYPE_DATA,
		 "the last of them", 16);
	go(self);
	ASSERT_EQ(true, got(self, "one"));
	ASSERT_EQ(true, got(self, "two and a bit"));
	ASSERT_EQ(true, got(self, ""));
	ASSERT_EQ(true, got(self, "four and more"));
	ASSERT_EQ(POLLIN, poll_now(self->fd, POLLIN));
	ASSERT_EQ(true, got(self, "the last of them"));
	ASSERT_EQ(true, nothing(self));
	ASSERT_EQ(5, stat_read("RxRecords"));
	ASSERT_EQ(0, stat_drops());
}

/* What has no length reaches to the end, and is but one record. */
TEST_F(wire13, without_length_in_the_middle)
{
	struct oracle13_form f = { .no_length = true };

	add(self, "first");
	add_form(self, &f, self->far->tx.seq++, DTLS_TYPE_DATA,
		 "swallows what follows", 21);
	add(self, "third");
	go(self);
	ASSERT_EQ(true, got(self, "first"));
	ASSERT_EQ(true, dropped(self, "RxDropAuth", 1));
}

TEST_F(wire13, as_many_as_fit)
{
	int i, n = 60000 / (over13(&self->far->tx) + 7);
	char text[16];

	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%07d", i);
		add(self, text);
	}
	go(self);
	settle();
	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%07d", i);
		ASSERT_EQ(7, recv(self->fd, in, sizeof(in), MSG_DONTWAIT))
			TH_LOG("record %d", i);
		ASSERT_EQ(0, memcmp(in, text, 7));
	}
	ASSERT_EQ(true, nothing(self));
}

TEST_F(wire13, bad_one_in_the_middle)
{
	add(self, "first");
	add(self, "second one");
	self->dgram[self->len - 1] ^= 0x40;
	add(self, "third");
	go(self);
	ASSERT_EQ(true, got(self, "first"));
	ASSERT_EQ(true, got(self, "third"));
	ASSERT_EQ(true, dropped(self, "RxDropAuth", 1));
}

/* A datagram of every length below a record's. */
TEST_F(wire13, cut_everywhere)
{
	size_t n, len, header = 5 + variant->cid;
	__u8 rec[RECORD13_ROOM];
	int drops = 0;

	len = oracle13_seal(&self->far->tx, DTLS_TYPE_DATA, "a text", 6, rec);
	for (n = 0; n < len; n++) {
		end13_post(self->far, rec, n);
		ASSERT_EQ(true, nothing(self)) TH_LOG("%zu bytes", n);
		ASSERT_EQ(++drops, stat_drops()) TH_LOG("%zu bytes", n);
	}
	ASSERT_EQ(header, stat_read("RxDropShort"));
	ASSERT_EQ(len - header, stat_read("RxDropLength"));
	add(self, "alive");
	go(self);
	ASSERT_EQ(true, got(self, "alive"));
}

/* RFC 9147 4.2.3: "Receivers MUST reject shorter records" */
TEST_F(wire13, short_ciphertext)
{
	struct oracle13_form f = {};
	unsigned int n, drops = 0;
	__u8 *rec;

	/* lies about a length, with and without the field */
	for (n = 0; n < 16; n++) {
		rec = add(self, "a text of some length");
		rec[4 + variant->cid] = n;
		self->len = 5 + variant->cid + n;
		go(self);
		ASSERT_EQ(true, nothing(self));
		drops++;
		f.no_length = true;
		add_form(self, &f, self->far->tx.seq++, DTLS_TYPE_DATA, "a text", 6);
		self->len = 3 + variant->cid + n;
		go(self);
		ASSERT_EQ(true, nothing(self));
		drops++;
	}
	/* a record that is sealed rightly, and too short: of CCM-8 alone */
	if (variant->suite == SUITE13_AES_128_CCM_8) {
		f.no_length = false;
		for (n = 0; n < 7; n++, drops++) {
			add_form(self, &f, self->far->tx.seq++, DTLS_TYPE_DATA,
				 "1234567", n);
			go(self);
			ASSERT_EQ(true, nothing(self));
		}
	}
	ASSERT_EQ(true, dropped(self, "RxDropLength", drops));
	/* and what is long enough by one byte */
	if (variant->suite == SUITE13_AES_128_CCM_8) {
		add_form(self, &f, self->far->tx.seq++, DTLS_TYPE_DATA, "1234567", 7);
		go(self);
		ASSERT_EQ(true, got(self, "1234567"));
	}
}

TEST_F(wire13, last_header_cut)
{
	size_t whole;

	add(self, "first");
	whole = self->len;
	add(self, "second");
	self->len = whole + 4 + variant->cid;
	go(self);
	ASSERT_EQ(true, got(self, "first"));
	ASSERT_EQ(true, dropped(self, "RxDropShort", 1));
}

/* A byte that begins no record: what follows cannot be found. */
TEST_F(wire13, alien_first_byte)
{
	static const __u8 first[] = { 0, 1, 19, 27, 0x1f, 0x40, 0x60, 0x80, 0xff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(first); i++) {
		add(self, "stranger")[0] = first[i];
		add(self, "hidden behind it");
		go(self);
		ASSERT_EQ(true, nothing(self)) TH_LOG("byte %#x", first[i]);
	}
	ASSERT_EQ(true, dropped(self, "RxDropType", i));
}

/* Records of 1.2, in the clear and sealed, and the plain ones of 1.3. */
TEST_F(wire13, plain_header)
{
	static const __u8 types[] = { 20, 21, 22, 23, 24, 25, 26 };
	/* an alert, for those who believe it */
	static const __u8 body[] = { ALERT_FATAL, ALERT_INTERNAL_ERROR, 0, 0 };
	unsigned long long type, epoch, length;
	unsigned int i, e, drops = 0;
	__u8 rec[100];

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		for (e = 0; e <= EPOCH13; e++) {
			memset(rec, 0, 13);
			rec[0] = types[i];
			rec[1] = 0xfe;
			rec[2] = 0xfd;
			rec[4] = e;
			rec[10] = 1 + i;
			rec[12] = sizeof(body);
			memcpy(rec + 13, body, sizeof(body));
			end13_post(self->far, rec, 13 + sizeof(body));
			ASSERT_EQ(true, nothing(self));
			ASSERT_EQ(++drops, stat_drops())
				TH_LOG("type %u, epoch %u", types[i], e);
		}
	}
	type = stat_read("RxDropType");
	epoch = stat_read("RxDropEpoch");
	length = stat_read("RxDropLength");
	ASSERT_EQ(drops, type + epoch + length);
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
	add(self, "alive");
	go(self);
	ASSERT_EQ(true, got(self, "alive"));
	ASSERT_EQ(0, get_int(self->fd, SOL_SOCKET, SO_ERROR));
}

/* RFC 9147 4.2.2: "numerically closest to" the next. */
TEST_F(wire13, numbers_near_by)
{
	struct oracle13_form narrow = { .seq8 = true }, wide = {};
	__u64 next;

	ASSERT_EQ(true, deliver(self, &wide, 999));
	ASSERT_EQ(true, deliver(self, &narrow, 1000 - 127));
	ASSERT_EQ(true, deliver(self, &narrow, 1000 + 127));
	/* the next is 1128 now: 1000 and 1255 are its last neighbours */
	next = 1128;
	ASSERT_EQ(true, deliver(self, &narrow, next - 127));
	ASSERT_EQ(false, deliver(self, &narrow, next + 129));
	ASSERT_EQ(false, deliver(self, &narrow, next + 200));
	ASSERT_EQ(false, deliver(self, &narrow, next - 129));
	ASSERT_EQ(3 + 1, stat_read("RxRecords"));
	/* with 16 bits they are all near */
	ASSERT_EQ(true, deliver(self, &wide, next - 128));
	ASSERT_EQ(true, deliver(self, &wide, next + 129));
	ASSERT_EQ(true, deliver(self, &wide, next + 129 + 32768));
	ASSERT_EQ(false, deliver(self, &wide, next + 129 + 32768 + 1 + 32769));
	ASSERT_EQ(7, stat_read("RxRecords"));
	ASSERT_EQ(1, stat_read("RxDropReplay"));
	ASSERT_EQ(2, stat_read("RxDropAuth"));
	ASSERT_EQ(1, stat_read("RxDropOld"));
	ASSERT_EQ(4, stat_drops());
}

/* The end of the window is the end of it, in both forms. */
TEST_F(wire13, numbers_at_the_window)
{
	static const int window[] = { 64, 1024 };
	struct oracle13_form wide = {}, narrow = { .seq8 = true };
	const __u64 first = 100000, top = first + 30000;
	struct pair13 *p = &self->p;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(window); i++) {
		__u64 edge = top + 1 - window[i];

		pair13_close(p);
		pair13_prepare(p, variant->suite, variant->family, false);
		pair13_cids(p, 0, variant->cid);
		self->fd = p->near.fd;
		p->near.rx[0].key.seq = first;
		ASSERT_EQ(0, ulp_attach(self->fd));
		ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_REPLAY_WINDOW,
				     window[i]));
		ASSERT_EQ(0, key13_install(self->fd, DTLS_RX,
					   &p->near.rx[0].key, FAR13_MESSAGE));
		/* all below the key's number are of the past */
		ASSERT_EQ(false, deliver(self, &wide, first - 1));
		ASSERT_EQ(i + 1, stat_read("RxDropReplay"));
		ASSERT_EQ(true, deliver(self, &wide, top));
		ASSERT_EQ(false, deliver(self, &wide, edge - 1));
		ASSERT_EQ(i + 1, stat_read("RxDropOld"));
		ASSERT_EQ(true, deliver(self, i ? &wide : &narrow, edge));
		ASSERT_EQ(true, deliver(self, &narrow, edge + 1 + i * 1000));
	}
	ASSERT_EQ(2 * i, stat_drops());
}

/* As far back as 16 bits can tell, with a window that reaches further. */
TEST_F(wire13, numbers_far_back)
{
	struct oracle13_form f = {};
	struct pair13 *p = &self->p;
	struct dtls_keys k;
	__u64 top = 160000;

	pair13_close(p);
	pair13_prepare(p, variant->suite, variant->family, false);
	pair13_cids(p, 0, variant->cid);
	self->fd = p->near.fd;
	p->near.rx[0].key.seq = 100000;
	ASSERT_EQ(0, ulp_attach(self->fd));
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_REPLAY_WINDOW, 65536));
	ASSERT_EQ(0, key13_install(self->fd, DTLS_RX, &p->near.rx[0].key, 0));
	ASSERT_EQ(true, deliver(self, &f, 130000));
	ASSERT_EQ(true, deliver(self, &f, top));
	ASSERT_EQ(true, deliver(self, &f, top + 1 - 32767));
	/* taken for one that is ahead, and so not authentic; nor is it moved */
	ASSERT_EQ(false, deliver(self, &f, top + 1 - 32769));
	ASSERT_EQ(1, stat_read("RxDropAuth"));
	ASSERT_EQ(1, stat_drops());
	key_state(self->fd, DTLS_RX, &k);
	ASSERT_EQ(top + 1, k.seq);
	ASSERT_EQ(3, k.records);
	ASSERT_EQ(1, k.drop_auth);
}

/* There are none below 0, and none above 2^48 - 1. */
TEST_F(wire13, numbers_at_both_ends)
{
	struct oracle13_form wide = {}, narrow = { .seq8 = true };
	const __u64 end = 1ULL << 48;

	/* the next is FAR13_SEQ */
	ASSERT_EQ(true, deliver(self, &narrow, 255));
	ASSERT_EQ(true, deliver(self, &wide, 2));
	ASSERT_EQ(true, deliver(self, &wide, 255 + 32768));
	ASSERT_EQ(0, stat_drops());

	keys13_next(self->far, &self->p.near, EPOCH13 + 1);
	self->p.near.rx[0].key.seq = 0;
	ASSERT_EQ(0, key13_install(self->fd, DTLS_RX, &self->p.near.rx[0].key, 9));
	ASSERT_EQ(true, deliver(self, &wide, 65535));
	ASSERT_EQ(0, stat_drops());

	keys13_next(self->far, &self->p.near, EPOCH13 + 2);
	self->p.near.rx[0].key.seq = end - 10;
	ASSERT_EQ(0, key13_install(self->fd, DTLS_RX, &self->p.near.rx[0].key, 9));
	ASSERT_EQ(true, deliver(self, &narrow, end - 3));
	ASSERT_EQ(true, deliver(self, &wide, end - 2));
	ASSERT_EQ(true, deliver(self, &narrow, end - 9));
	ASSERT_EQ(0, stat_drops());
}

/* The number is what counts, and not how it was told. */
TEST_F(wire13, replayed_in_another_form)
{
	struct oracle13_form f[4] = {
		{}, { .seq8 = true }, { .no_length = true },
		{ .seq8 = true, .no_length = true, .pad = 100 },
	};
	int i, j;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(true, deliver(self, &f[i], 10 + i));
		for (j = 0; j < 4; j++)
			ASSERT_EQ(false, deliver(self, &f[j], 10 + i));
	}
	self->far->tx.seq = 20;
	ASSERT_EQ(true, dropped(self, "RxDropReplay", 16));
}

/* RFC 9147 4.2.2: "the most recent past epoch which has matching bits" */
TEST_F(wire13, epochs)
{
	struct oracle13_form f = {}, narrow = { .seq8 = true };
	struct oracle13_key key[8];
	int i, newest, drops = 0;

	key[EPOCH13] = self->far->tx;
	for (newest = EPOCH13; newest < 8; newest++) {
		if (newest > EPOCH13) {
			keys13_next(self->far, &self->p.near, newest);
			key[newest] = self->far->tx;
			ASSERT_EQ(0, key13_install(self->fd, DTLS_RX,
						   &self->p.near.rx[0].key, 9));
		}
		/* the newest and two old ones, mixed, each with its own numbers */
		for (i = newest; i >= EPOCH13 && i > newest - 3; i--) {
			self->far->tx = key[i];
			ASSERT_EQ(true, deliver(self, &f, 1000 * i + newest));
			ASSERT_EQ(true, deliver(self, &narrow, 1000 * i + newest + 9));
		}
		if (newest < EPOCH13 + 3)
			continue;
		/* the one before has no keys any more, the one to come none yet */
		self->far->tx = key[newest - 3];
		ASSERT_EQ(false, deliver(self, &f, 1000 * (newest - 3) + 99));
		ASSERT_EQ(++drops, stat_read("RxDropEpoch"));
		oracle13_key_init(&self->far->tx, variant->suite, newest + 1, 77);
		self->far->tx.cid_len = key[newest].cid_len;
		memcpy(self->far->tx.cid, key[newest].cid, sizeof(key[0].cid));
		ASSERT_EQ(false, deliver(self, &f, 1));
		ASSERT_EQ(++drops, stat_read("RxDropEpoch"));
		ASSERT_EQ(drops, stat_drops());
		self->far->tx = key[newest];
	}
}

/* Epochs 0 to 2, which have had no keys of application data. */
TEST_F(wire13, early_epochs)
{
	struct oracle13_form f = {};
	struct oracle13_key good = self->far->tx;
	int i;

	for (i = 0; i < 3; i++) {
		self->far->tx.epoch = i;
		ASSERT_EQ(false, deliver(self, &f, 50 + i));
	}
	self->far->tx = good;
	ASSERT_EQ(true, dropped(self, "RxDropEpoch", 3));
}

TEST_F(wire13, padding_of_all_sizes)
{
	static const unsigned int pads[] = {
		0, 1, 2, 15, 16, 17, 100, 255, 256, 1000, 4095, 4096, 4097, 16000,
		DTLS_PLAINTEXT_MAX - 20,
	};
	struct oracle13_form f = {};
	unsigned int i, len;
	char text[21];

	for (i = 0; i < ARRAY_SIZE(pads); i++) {
		for (len = 0; len <= 20; len += 10) {
			f.pad = pads[i];
			if (len + 1 + f.pad + self->far->tx.suite->tag_len < 16)
				continue;
			/* with zeros at its end, which are content */
			memset(text, 0, sizeof(text));
			memset(text, 'p', len / 2);
			add_form(self, &f, self->far->tx.seq++, DTLS_TYPE_DATA,
				 text, len);
			go(self);
			ASSERT_EQ(len, recv_soon(self->fd, in, sizeof(in), 0))
				TH_LOG("padding of %u", f.pad);
			ASSERT_EQ(0, memcmp(in, text, len));
		}
	}
	ASSERT_EQ(0, stat_drops());
}

/* RFC 8446 5.4: the whole inside "MUST NOT exceed 2^14 + 1" */
TEST_F(wire13, largest)
{
	static __u8 big[DTLS_PLAINTEXT_MAX + 1];
	struct oracle13_form f = {};

	fill(big, sizeof(big), 3);
	add_form(self, &f, 5, DTLS_TYPE_DATA, big, DTLS_PLAINTEXT_MAX);
	go(self);
	ASSERT_EQ(DTLS_PLAINTEXT_MAX, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, big, DTLS_PLAINTEXT_MAX));
	f.pad = DTLS_PLAINTEXT_MAX;
	add_form(self, &f, 6, DTLS_TYPE_DATA, "", 0);
	go(self);
	ASSERT_EQ(0, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(0, stat_drops());

	/* one byte more, of content or of padding; and more than any record */
	f.pad = 0;
	add_form(self, &f, 7, DTLS_TYPE_DATA, big, DTLS_PLAINTEXT_MAX + 1);
	go(self);
	ASSERT_EQ(true, nothing(self));
	f.pad = DTLS_PLAINTEXT_MAX;
	add_form(self, &f, 8, DTLS_TYPE_DATA, "x", 1);
	go(self);
	ASSERT_EQ(true, nothing(self));
	f.pad = DTLS_PLAINTEXT_MAX + 256;
	add_form(self, &f, 9, DTLS_TYPE_DATA, "x", 1);
	go(self);
	self->far->tx.seq = 10;
	ASSERT_EQ(true, dropped(self, "RxDropOversize", 3));
}

TEST_F(wire13, nothing_inside)
{
	struct oracle13_form f = { .no_type = true };
	static const int pads[] = { 8, 16, 17, 100, 1000, 16384 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pads); i++) {
		f.pad = pads[i];
		add_form(self, &f, self->far->tx.seq++, 0, "", 0);
		go(self);
		ASSERT_EQ(true, nothing(self)) TH_LOG("%d zeros", pads[i]);
	}
	ASSERT_EQ(true, dropped(self, "RxDropType", i));
}

/* A tag and not even zeros: too short for any record. */
TEST_F(wire13, not_even_a_type)
{
	struct oracle13_form f = { .no_type = true };

	if (self->far->tx.suite->tag_len < 16)
		return;
	add_form(self, &f, self->far->tx.seq++, 0, "", 0);
	go(self);
	ASSERT_EQ(true, dropped(self, "RxDropLength", 1));
}

TEST_F(wire13, bad_type_inside)
{
	static const __u8 type[] = { 1, 19, 20, 25, 27, 32, 0x80, 255 };
	struct oracle13_form f = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(type); i++) {
		f.pad = i;
		add_form(self, &f, self->far->tx.seq++, type[i], "some text", 9);
		go(self);
		ASSERT_EQ(true, nothing(self)) TH_LOG("type %u", type[i]);
	}
	ASSERT_EQ(true, dropped(self, "RxDropType", i));
}

/* RFC 9147 9: "the rest of the datagram MUST be discarded" */
TEST_F(wire13, foreign_cid)
{
	struct oracle13_key own = self->far->tx;

	if (!variant->cid) {
		/* one where none was agreed upon: nobody knows how long it is */
		self->far->tx.cid_len = 4;
		add(self, "to somebody");
		self->far->tx = own;
		self->far->tx.seq++;
		add(self, "hidden");
		go(self);
		ASSERT_EQ(true, dropped(self, "RxDropCid", 1));
		return;
	}
	add(self, "first");
	self->far->tx.cid[variant->cid - 1] ^= 0x80;
	add(self, "for another");
	self->far->tx.cid[variant->cid - 1] ^= 0x80;
	add(self, "after it");
	go(self);
	ASSERT_EQ(true, got(self, "first"));
	ASSERT_EQ(true, dropped(self, "RxDropCid", 1));
	/* the first of a datagram */
	self->far->tx.cid[0] ^= 1;
	add(self, "for another");
	self->far->tx.cid[0] ^= 1;
	add(self, "after it");
	go(self);
	ASSERT_EQ(true, dropped(self, "RxDropCid", 2));
}

/* Records sent before there are keys are opened once there are. */
TEST_F(wire13, earlier_than_keys)
{
	struct pair13 p;

	pair13_prepare(&p, variant->suite, variant->family, false);
	pair13_cids(&p, 0, variant->cid);
	must(end13_send(&p.far, "early", 5, 0) == 5);
	ASSERT_EQ(0, ulp_attach(p.near.fd));
	must(end13_send(&p.far, "later", 5, 0) == 5);
	ASSERT_EQ(0, key13_install(p.near.fd, DTLS_RX, &p.near.rx[0].key, 5));
	ASSERT_EQ(5, recv_soon(p.near.fd, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, "early", 5));
	ASSERT_EQ(5, recv_soon(p.near.fd, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, "later", 5));
	pair13_close(&p);
}

TEST_HARNESS_MAIN
