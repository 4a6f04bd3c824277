// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/*
 * Bytes on the wire, good and bad: known records, several records in one
 * datagram, and everything a peer or a forger can send instead. A bad record
 * moves one counter and nothing else.
 */
#include <kselftest_harness.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/pair.h"
#include "lib/vectors.h"

static __u8 in[65536];

FIXTURE(known) {
	int fd[2];
};

FIXTURE_VARIANT(known) {
	__u16 suite;
};

FIXTURE_VARIANT_ADD(known, gcm128) { .suite = SUITE_AES_128_GCM };
FIXTURE_VARIANT_ADD(known, gcm256) { .suite = SUITE_AES_256_GCM };
FIXTURE_VARIANT_ADD(known, chacha) { .suite = SUITE_CHACHA20 };
FIXTURE_VARIANT_ADD(known, ccm) { .suite = SUITE_AES_128_CCM };
FIXTURE_VARIANT_ADD(known, ccm8) { .suite = SUITE_AES_128_CCM_8 };

FIXTURE_SETUP(known)
{
	netns_new();
	udp_pair(FAMILY_V4, self->fd);
	ASSERT_EQ(0, ulp_attach(self->fd[0]));
}

FIXTURE_TEARDOWN(known)
{
	close(self->fd[0]);
	close(self->fd[1]);
}

/* Records that GnuTLS sealed are opened. */
TEST_F(known, opened)
{
	const struct record_vector *v = record_vectors;
	struct oracle_key k;
	bool first = true;

	for (; v < record_vectors + nr_record_vectors; v++) {
		if (v->suite != variant->suite)
			continue;
		vector_key(v, &k);
		if (first)
			ASSERT_EQ(0, key_install(self->fd[0], DTLS_RX, &k));
		first = false;
		ASSERT_EQ(v->len, send(self->fd[1], v->record, v->len, 0));
		ASSERT_EQ(strlen(v->plain),
			  recv_soon(self->fd[0], in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(v->plain, in, strlen(v->plain)));
	}
	ASSERT_EQ(false, first);
}

/* What is sealed is what GnuTLS would seal, given the same explicit nonce. */
TEST_F(known, sealed)
{
	const struct record_vector *v = record_vectors;
	struct oracle_header h;
	struct oracle_record r;
	__u8 again[RECORD_ROOM];
	struct oracle_key k;
	ssize_t n;

	for (; v < record_vectors + nr_record_vectors; v++) {
		if (v->suite != variant->suite)
			continue;
		vector_key(v, &k);
		k.epoch += v - record_vectors;
		ASSERT_EQ(0, key_install(self->fd[0], DTLS_TX, &k));
		n = strlen(v->plain);
		ASSERT_EQ(n, send(self->fd[0], v->plain, n, 0));
		n = recv_soon(self->fd[1], in, sizeof(in), 0);
		ASSERT_EQ(v->len, n);
		ASSERT_EQ(n, oracle_open(&k, in, n, &r));
		ASSERT_EQ(strlen(v->plain), r.len);
		ASSERT_EQ(0, memcmp(v->plain, r.data, r.len));
		h = r.h;
		ASSERT_EQ(v->seq, h.seq);
		ASSERT_EQ(n, oracle_seal_header(&k, &h, v->plain,
						strlen(v->plain), again));
		ASSERT_EQ(0, memcmp(again, in, n));
	}
}

/* Sequence numbers go up by one, and no explicit nonce comes twice. */
TEST_F(known, numbers)
{
	static __u8 nonce[64][8];
	struct oracle_record r;
	struct oracle_key k;
	ssize_t n;
	int i, j;

	oracle_key_init(&k, variant->suite, 3, 1);
	k.seq = 1000;
	ASSERT_EQ(0, key_install(self->fd[0], DTLS_TX, &k));
	for (i = 0; i < 64; i++) {
		ASSERT_EQ(5, send(self->fd[0], "12345", 5, 0));
		n = recv_soon(self->fd[1], in, sizeof(in), 0);
		ASSERT_EQ(5 + oracle_overhead(k.suite), n);
		ASSERT_EQ(n, oracle_open(&k, in, n, &r));
		ASSERT_EQ(3, r.h.epoch);
		ASSERT_EQ(1000 + i, r.h.seq);
		ASSERT_EQ(DTLS_TYPE_DATA, r.h.type);
		memcpy(nonce[i], r.h.nonce, 8);
		for (j = 0; j < i && k.suite->explicit_len; j++)
			ASSERT_NE(0, memcmp(nonce[i], nonce[j], 8));
	}
}

/* A pair, and a datagram that its far end is about to send. */
struct talk {
	struct dtls_pair p;
	__u8 dgram[65536];
	size_t len;
};

/* Appends a record to the datagram; returns where it begins. */
static __u8 *add_type(struct talk *t, __u8 type, const void *data, size_t len)
{
	__u8 *at = t->dgram + t->len;

	t->len += oracle_seal(&t->p.far.tx, type, data, len, at);
	return at;
}

static __u8 *add(struct talk *t, const char *text)
{
	return add_type(t, DTLS_TYPE_DATA, text, strlen(text));
}

static void post(struct talk *t, const void *data, size_t len)
{
	must(send(t->p.far.fd, data, len, 0) == (ssize_t)len);
}

static void go(struct talk *t)
{
	post(t, t->dgram, t->len);
	t->len = 0;
}

/* The next record, without waiting, is this text. */
static bool got(struct talk *t, const char *text)
{
	ssize_t n = recv_soon(t->p.near.fd, in, sizeof(in), 0);

	return n == (ssize_t)strlen(text) && !memcmp(in, text, n);
}

static bool nothing(struct talk *t)
{
	return recv_soon(t->p.near.fd, in, sizeof(in), 0) == -1 &&
	       errno == EAGAIN;
}

/* After every misdeed: drops of that kind only, and the socket is as before. */
static bool dropped(struct talk *t, const char *name, unsigned long long number)
{
	must(nothing(t));
	must(poll_now(t->p.near.fd, POLLIN) == 0);
	if (stat_read(name) != number || stat_drops() != number)
		die("%s is %llu of %llu, not %llu", name, stat_read(name),
		    stat_drops(), number);
	add(t, "alive");
	go(t);
	return got(t, "alive");
}

FIXTURE(wire) {
	struct talk t;
};

FIXTURE_VARIANT(wire) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(wire, gcm_v4) { SUITE_AES_128_GCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(wire, chacha_v6) { SUITE_CHACHA20, FAMILY_V6 };
FIXTURE_VARIANT_ADD(wire, ccm8_mapped) { SUITE_AES_128_CCM_8, FAMILY_MAPPED };

FIXTURE_SETUP(wire)
{
	netns_new();
	pair_open(&self->t.p, variant->suite, variant->family, false);
}

FIXTURE_TEARDOWN(wire)
{
	pair_close(&self->t.p);
}

TEST_F(wire, several_records)
{
	add(&self->t, "one");
	add(&self->t, "two");
	add(&self->t, "");
	add(&self->t, "four");
	go(&self->t);
	ASSERT_EQ(true, got(&self->t, "one"));
	ASSERT_EQ(true, got(&self->t, "two"));
	ASSERT_EQ(true, got(&self->t, ""));
	ASSERT_EQ(POLLIN, poll_now(self->t.p.near.fd, POLLIN));
	ASSERT_EQ(true, got(&self->t, "four"));
	ASSERT_EQ(true, nothing(&self->t));
	ASSERT_EQ(0, poll_now(self->t.p.near.fd, POLLIN));
	ASSERT_EQ(4, stat_read("RxRecords"));
	ASSERT_EQ(0, stat_drops());
}

TEST_F(wire, as_many_as_fit)
{
	int i, n = 60000 / (oracle_overhead(self->t.p.far.tx.suite) + 4);
	char text[16];

	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%04d", i);
		add(&self->t, text);
	}
	go(&self->t);
	settle();
	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%04d", i);
		ASSERT_EQ(4, recv(self->t.p.near.fd, in, sizeof(in),
				  MSG_DONTWAIT)) TH_LOG("record %d", i);
		ASSERT_EQ(0, memcmp(in, text, 4));
	}
	ASSERT_EQ(true, nothing(&self->t));
}

TEST_F(wire, bad_one_in_the_middle)
{
	__u8 *bad;

	add(&self->t, "first");
	bad = add(&self->t, "second");
	bad[RECORD_HEADER + 9] ^= 0x40;
	add(&self->t, "third");
	go(&self->t);
	ASSERT_EQ(true, got(&self->t, "first"));
	ASSERT_EQ(true, got(&self->t, "third"));
	ASSERT_EQ(true, dropped(&self->t, "RxDropAuth", 1));
}

TEST_F(wire, bad_one_first)
{
	add(&self->t, "first")[3] ^= 0x10;	/* epoch */
	add(&self->t, "second");
	go(&self->t);
	ASSERT_EQ(true, got(&self->t, "second"));
	ASSERT_EQ(true, dropped(&self->t, "RxDropEpoch", 1));
}

TEST_F(wire, last_one_cut)
{
	add(&self->t, "first");
	add(&self->t, "second");
	self->t.len--;
	go(&self->t);
	ASSERT_EQ(true, got(&self->t, "first"));
	ASSERT_EQ(true, dropped(&self->t, "RxDropLength", 1));
}

TEST_F(wire, last_header_cut)
{
	size_t whole;

	add(&self->t, "first");
	whole = self->t.len;
	add(&self->t, "second");
	self->t.len = whole + RECORD_HEADER - 1;
	go(&self->t);
	ASSERT_EQ(true, got(&self->t, "first"));
	ASSERT_EQ(true, dropped(&self->t, "RxDropShort", 1));
}

TEST_F(wire, garbage_behind)
{
	add(&self->t, "first");
	memset(self->t.dgram + self->t.len, 0xee, 40);
	self->t.len += 40;
	go(&self->t);
	ASSERT_EQ(true, got(&self->t, "first"));
	ASSERT_EQ(true, dropped(&self->t, "RxDropType", 1));
}

/* A datagram of every length below a record's smallest. */
TEST_F(wire, cut_everywhere)
{
	size_t n, smallest = oracle_overhead(self->t.p.far.tx.suite);
	__u8 rec[RECORD_ROOM];
	int drops = 0;

	oracle_seal(&self->t.p.far.tx, DTLS_TYPE_DATA, "", 0, rec);
	for (n = 0; n < smallest; n++) {
		post(&self->t, rec, n);
		ASSERT_EQ(true, nothing(&self->t)) TH_LOG("%zu bytes", n);
		ASSERT_EQ(++drops, stat_drops()) TH_LOG("%zu bytes", n);
	}
	ASSERT_EQ(RECORD_HEADER, stat_read("RxDropShort"));
	ASSERT_EQ(smallest - RECORD_HEADER, stat_read("RxDropLength"));
	add(&self->t, "alive");
	go(&self->t);
	ASSERT_EQ(true, got(&self->t, "alive"));
}

TEST_F(wire, fragment_shorter_than_tag)
{
	const struct oracle_suite *s = self->t.p.far.tx.suite;
	__u8 *rec = add(&self->t, "");
	int short_by;

	for (short_by = 1; short_by <= s->tag_len + s->explicit_len; short_by++) {
		rec[12] = s->explicit_len + s->tag_len - short_by;
		self->t.len = RECORD_HEADER + rec[12];
		go(&self->t);
		ASSERT_EQ(true, nothing(&self->t));
		ASSERT_EQ(short_by, stat_drops());
	}
	ASSERT_EQ(true, dropped(&self->t, "RxDropLength", s->tag_len + s->explicit_len));
}

TEST_F(wire, each_byte_flipped)
{
	__u8 rec[RECORD_ROOM];
	size_t i, n;

	n = oracle_seal(&self->t.p.far.tx, DTLS_TYPE_DATA, "secret", 6, rec);
	for (i = 0; i < n; i++) {
		rec[i] ^= 0x04;
		post(&self->t, rec, n);
		rec[i] ^= 0x04;
		ASSERT_EQ(true, nothing(&self->t)) TH_LOG("byte %zu", i);
	}
	/* None of them moved the replay window: the true one is still new. */
	post(&self->t, rec, n);
	ASSERT_EQ(true, got(&self->t, "secret"));
	ASSERT_EQ(1, stat_read("RxRecords"));
}

TEST_F(wire, forged_future_number)
{
	__u8 rec[RECORD_ROOM];
	size_t n;

	n = oracle_seal_seq(&self->t.p.far.tx, 1ULL << 40, DTLS_TYPE_DATA, "x", 1,
			    rec);
	rec[n - 1] ^= 1;
	post(&self->t, rec, n);
	ASSERT_EQ(true, dropped(&self->t, "RxDropAuth", 1));
}

TEST_F(wire, other_version)
{
	static const __u16 version[] = { 0xfeff, 0xfefc, 0x0303, 0x0100 };
	struct oracle_header h = { .type = DTLS_TYPE_DATA, .epoch = 1 };
	unsigned int i;

	/* Sealed rightly, even: it is not DTLS 1.2. What follows is. */
	for (i = 0; i < ARRAY_SIZE(version); i++) {
		h.version = version[i];
		h.seq = self->t.p.far.tx.seq++;
		self->t.len = oracle_seal_header(&self->t.p.far.tx, &h, "x", 1,
						 self->t.dgram);
		add(&self->t, "good");
		go(&self->t);
		ASSERT_EQ(true, got(&self->t, "good"));
		ASSERT_EQ(true, nothing(&self->t));
	}
	ASSERT_EQ(true, dropped(&self->t, "RxDropVersion", i));
}

TEST_F(wire, unknown_type)
{
	static const __u8 type[] = { 0, 19, 25, 26, 0x2e, 0x80, 255 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(type); i++) {
		add_type(&self->t, type[i], "x", 1);
		go(&self->t);
		ASSERT_EQ(true, nothing(&self->t));
	}
	ASSERT_EQ(true, dropped(&self->t, "RxDropType", i));
}

TEST_F(wire, unknown_epoch)
{
	struct oracle_key other = self->t.p.far.tx;
	__u8 rec[RECORD_ROOM];
	size_t n;
	int i = 0;

	for (; i < 3; i++) {
		other.epoch = i == 0 ? 0 : i + 1;
		n = oracle_seal(&other, DTLS_TYPE_DATA, "x", 1, rec);
		post(&self->t, rec, n);
		ASSERT_EQ(true, nothing(&self->t));
	}
	ASSERT_EQ(true, dropped(&self->t, "RxDropEpoch", i));
}

/* Plain bytes of epoch 0 are never data, and their alerts close nothing. */
TEST_F(wire, epoch_zero_in_the_clear)
{
	static const __u8 alert[] = {
		DTLS_TYPE_ALERT, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2,
		ALERT_FATAL, ALERT_INTERNAL_ERROR,
	};
	static const __u8 data[] = {
		DTLS_TYPE_DATA, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 8, 0, 4,
		'e', 'v', 'i', 'l',
	};

	post(&self->t, alert, sizeof(alert));
	ASSERT_EQ(true, nothing(&self->t));
	post(&self->t, data, sizeof(data));
	ASSERT_EQ(true, dropped(&self->t, "RxDropEpoch", 2));
}

TEST_F(wire, wrong_key)
{
	struct oracle_key other;
	__u8 rec[RECORD_ROOM];
	struct dtls_keys k;
	size_t n;

	oracle_key_init(&other, variant->suite, 1, 4711);
	other.seq = 50;
	n = oracle_seal(&other, DTLS_TYPE_DATA, "x", 1, rec);
	post(&self->t, rec, n);
	ASSERT_EQ(true, dropped(&self->t, "RxDropAuth", 1));
	key_state(self->t.p.near.fd, DTLS_RX, &k);
	ASSERT_EQ(1, k.drop_auth);
	ASSERT_EQ(1, k.records);
}

/* RFC 5246 6.2.1: "implementations MUST NOT" go over 2^14. */
TEST_F(wire, plaintext_too_long)
{
	static __u8 big[DTLS_PLAINTEXT_MAX + 1];

	add_type(&self->t, DTLS_TYPE_DATA, big, sizeof(big));
	go(&self->t);
	ASSERT_EQ(true, dropped(&self->t, "RxDropOversize", 1));
}

TEST_F(wire, empty_datagram)
{
	post(&self->t, "", 0);
	ASSERT_EQ(true, dropped(&self->t, "RxDropShort", 1));
}

/* A stranger's datagram never reaches a connected socket. */
TEST_F(wire, other_sender)
{
	int other = udp_bound(variant->family);

	udp_connect(other, self->t.p.near.fd);
	add(&self->t, "stolen");
	must(send(other, self->t.dgram, self->t.len, 0) > 0);
	self->t.len = 0;
	ASSERT_EQ(true, nothing(&self->t));
	ASSERT_EQ(0, stat_drops());
	close(other);
}

/* Records sent before there are keys are opened once there are. */
TEST_F(wire, earlier_than_keys)
{
	struct dtls_pair p;
	__u8 rec[RECORD_ROOM];
	size_t n;

	pair_prepare(&p, variant->suite, variant->family, false);
	n = oracle_seal(&p.far.tx, DTLS_TYPE_DATA, "early", 5, rec);
	must(send(p.far.fd, rec, n, 0) == (ssize_t)n);
	ASSERT_EQ(0, ulp_attach(p.near.fd));
	n = oracle_seal(&p.far.tx, DTLS_TYPE_DATA, "later", 5, rec);
	must(send(p.far.fd, rec, n, 0) == (ssize_t)n);
	ASSERT_EQ(0, key_install(p.near.fd, DTLS_RX, &p.near.rx));
	ASSERT_EQ(5, recv_soon(p.near.fd, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, "early", 5));
	ASSERT_EQ(5, recv_soon(p.near.fd, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, "later", 5));
	pair_close(&p);
}

/* The record in a packet of our own making, over a raw socket. */
static void post_raw(struct talk *t, const void *data, size_t len, bool good)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_in from, peer;
	socklen_t size = sizeof(from);
	__u8 packet[28 + 200] = { 0x45 }, *udp = packet + 20;
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	__u32 sum = IPPROTO_UDP + 8 + len;
	size_t i;

	must(raw >= 0 && len <= 200);
	must(!getsockname(t->p.far.fd, (struct sockaddr *)&from, &size));
	must(!getpeername(t->p.far.fd, (struct sockaddr *)&peer, &size));
	packet[8] = 64;
	packet[9] = IPPROTO_UDP;
	memcpy(packet + 12, &to.sin_addr, 4);
	memcpy(packet + 16, &to.sin_addr, 4);
	memcpy(udp, &from.sin_port, 2);
	memcpy(udp + 2, &peer.sin_port, 2);
	udp[4] = (8 + len) >> 8;
	udp[5] = 8 + len;
	memcpy(udp + 8, data, len);
	for (i = 12; i < 28 + len; i++)
		sum += packet[i] << (i % 2 ? 0 : 8);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
	if (!good)
		sum ^= 0x1234;
	udp[6] = sum >> 8;
	udp[7] = sum;
	must(sendto(raw, packet, 28 + len, 0, (struct sockaddr *)&to,
		    sizeof(to)) == (ssize_t)(28 + len));
	close(raw);
}

/* UDP checks some checksums only when a datagram is read: not a record then. */
TEST_F(wire, bad_checksum)
{
	/* Of packets up to 76 bytes it checks them at once. */
	static const char text[] =
		"A record of more than seventy-six bytes, header, tag and all.";
	__u8 rec[RECORD_ROOM];
	size_t n;

	if (variant->family != FAMILY_V4)
		return;
	n = oracle_seal(&self->t.p.far.tx, DTLS_TYPE_DATA, text, strlen(text),
			rec);
	post_raw(&self->t, rec, n, false);
	ASSERT_EQ(false, select_now(self->t.p.near.fd));
	ASSERT_EQ(true, dropped(&self->t, "RxDropChecksum", 1));
	post_raw(&self->t, rec, n, true);
	ASSERT_EQ(true, got(&self->t, text));
}

TEST_HARNESS_MAIN
