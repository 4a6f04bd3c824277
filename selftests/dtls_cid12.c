// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-timeout: 300 */
/* kselftest-6.1: gcm128_v4 chacha_v6_in ccm8_mapped */
/*
 * DTLS 1.2 with connection IDs (RFC 9146), which may be on either way alone, and
 * differ: with kdtls at the far end, and with the oracle.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/batch.h"
#include "lib/oracle13.h"

#define INNER_MAX	16384

static __u8 in[65536], out[DTLS_PLAINTEXT_MAX + 1];

FIXTURE(cid12) {
	struct dtls_pair p;
	struct oracle_cid sent, wanted;		/* by the near end */
	int fd;
};

FIXTURE_VARIANT(cid12) {
	__u16 suite;
	int family;
	unsigned int sent, wanted;
};

FIXTURE_VARIANT_ADD(cid12, gcm128_v4) { SUITE_AES_128_GCM, FAMILY_V4, 8, 8 };
FIXTURE_VARIANT_ADD(cid12, gcm256_v6_out) { SUITE_AES_256_GCM, FAMILY_V6, 1, 0 };
FIXTURE_VARIANT_ADD(cid12, chacha_v6_in) { SUITE_CHACHA20, FAMILY_V6, 0, 1 };
FIXTURE_VARIANT_ADD(cid12, chacha_v4) { SUITE_CHACHA20, FAMILY_V4, 32, 5 };
FIXTURE_VARIANT_ADD(cid12, ccm_v4) { SUITE_AES_128_CCM, FAMILY_V4, 3, 32 };
FIXTURE_VARIANT_ADD(cid12, ccm8_mapped) { SUITE_AES_128_CCM_8, FAMILY_MAPPED, 32, 32 };

static int cid_install(int fd, int option, const struct oracle_key *o,
		       const struct oracle_cid *c)
{
	struct dtls_keys k;

	key_fill(&k, o);
	k.cid_len = c->len;
	memcpy(k.cid, c->cid, c->len);
	return setsockopt(fd, SOL_DTLS, option, &k, sizeof(k));
}

static void cid_make(struct oracle_cid *c, unsigned int len, unsigned int seed)
{
	memset(c, 0, sizeof(*c));
	c->len = len;
	fill(c->cid, len, seed);
}

FIXTURE_SETUP(cid12)
{
	netns_new();
	pair_prepare(&self->p, variant->suite, variant->family, false);
	cid_make(&self->sent, variant->sent, 40);
	cid_make(&self->wanted, variant->wanted, 50);
	self->fd = self->p.near.fd;
	ASSERT_EQ(0, ulp_attach(self->fd));
	ASSERT_EQ(0, cid_install(self->fd, DTLS_TX, &self->p.near.tx, &self->sent));
	ASSERT_EQ(0, cid_install(self->fd, DTLS_RX, &self->p.near.rx, &self->wanted));
	fill(out, sizeof(out), 8);
}

FIXTURE_TEARDOWN(cid12)
{
	pair_close(&self->p);
}

#define SCENE	FIXTURE_DATA(cid12)

/* A record for the near end, in whichever form it wants. */
static size_t seal_padded(SCENE *s, __u8 type, unsigned int pad,
			  const void *data, size_t len, __u8 *rec)
{
	struct oracle_key *k = &s->p.far.tx;

	if (!s->wanted.len)
		return oracle_seal(k, type, data, len, rec);
	return oracle_cid_seal(k, &s->wanted, k->seq++, type, pad, NULL, data,
			       len, rec);
}

static size_t seal(SCENE *s, const char *text, __u8 *rec)
{
	return seal_padded(s, DTLS_TYPE_DATA, 0, text, strlen(text), rec);
}

static void post(SCENE *s, const void *data, size_t len)
{
	must(send(s->p.far.fd, data, len, 0) == (ssize_t)len);
}

static bool got(SCENE *s, const char *text)
{
	ssize_t n = recv_soon(s->fd, in, sizeof(in), 0);

	return n == (ssize_t)strlen(text) && !memcmp(in, text, n);
}

static bool nothing(SCENE *s)
{
	return recv_soon(s->fd, in, sizeof(in), 0) == -1 && errno == EAGAIN;
}

static bool alive(SCENE *s)
{
	__u8 rec[RECORD_ROOM + 300];

	post(s, rec, seal(s, "alive", rec));
	return got(s, "alive");
}

static bool dropped(SCENE *s, const char *name, unsigned long long number)
{
	must(nothing(s));
	must(poll_now(s->fd, POLLIN) == 0);
	if (stat_read(name) != number || stat_drops() != number)
		die("%s is %llu of %llu, not %llu", name, stat_read(name),
		    stat_drops(), number);
	return alive(s);
}

/* What came to the far end is this record, each byte of it. */
static void exactly(SCENE *s, __u64 seq, __u8 type, const void *data, size_t len,
		    size_t pad)
{
	static __u8 again[RECORD_ROOM + 300 + INNER_MAX];
	const struct oracle_key *k = &s->p.far.rx;
	static struct oracle_record r;
	ssize_t n = recv_soon(s->p.far.fd, in, sizeof(in), 0);
	size_t padded = 0;

	must(n > 0);
	if (!s->sent.len)
		must(oracle_open(k, in, n, &r) == n);
	else if (oracle_cid_open(k, &s->sent, in, n, &r, &padded) != n)
		die("not a record: %s", oracle13_why);
	if (r.h.seq != seq || r.h.type != type || r.len != len || padded != pad)
		die("number %llu, type %u, %zu bytes, padding %zu; not %llu, %u, %zu, %zu",
		    r.h.seq, r.h.type, r.len, padded, seq, type, len, pad);
	must(!memcmp(r.data, data, len));
	if (!s->sent.len)
		return;
	must((ssize_t)oracle_cid_seal(k, &s->sent, seq, type, pad, r.h.nonce,
				      data, len, again) == n);
	must(!memcmp(again, in, n));
}

TEST_F(cid12, both_ways)
{
	static const size_t size[] = {
		0, 1, 15, 16, 17, 255, 1200, 4096, 9000, DTLS_PLAINTEXT_MAX - 1,
	};
	static __u8 rec[RECORD_ROOM + 300];
	unsigned int i;
	ssize_t n;

	for (i = 0; i < ARRAY_SIZE(size); i++) {
		n = size[i];
		ASSERT_EQ(n, send(self->fd, out, n, 0));
		exactly(self, FIRST_SEQ + i, DTLS_TYPE_DATA, out, n, 0);
		post(self, rec, seal_padded(self, DTLS_TYPE_DATA, 0, out, n, rec));
		ASSERT_EQ(n, recv_soon(self->fd, in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(in, out, n));
	}
	ASSERT_EQ(0, stat_drops());
	ASSERT_EQ(i, stat_read("RxRecords"));
	ASSERT_EQ(i, stat_read("TxRecords"));
}

/* Of every length, each way of its own, to another kdtls. */
TEST_F(cid12, each_length)
{
	struct oracle_cid there, back;
	struct dtls_pair p;
	unsigned int len;

	for (len = 0; len <= DTLS_CID_MAX; len++) {
		pair_prepare(&p, variant->suite, variant->family, true);
		cid_make(&there, len, len);
		cid_make(&back, (len * 7 + 3) % (DTLS_CID_MAX + 1), len + 1);
		ASSERT_EQ(0, ulp_attach(p.near.fd));
		ASSERT_EQ(0, ulp_attach(p.far.fd));
		ASSERT_EQ(0, cid_install(p.near.fd, DTLS_TX, &p.near.tx, &there));
		ASSERT_EQ(0, cid_install(p.near.fd, DTLS_RX, &p.near.rx, &back));
		ASSERT_EQ(0, cid_install(p.far.fd, DTLS_TX, &p.far.tx, &back));
		ASSERT_EQ(0, cid_install(p.far.fd, DTLS_RX, &p.far.rx, &there));
		ASSERT_EQ(500, send(p.near.fd, out, 500, 0));
		ASSERT_EQ(500, recv_soon(p.far.fd, in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(in, out, 500));
		ASSERT_EQ(33, send(p.far.fd, out, 33, 0));
		ASSERT_EQ(33, recv_soon(p.near.fd, in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(in, out, 33));
		/* RFC 6347 4.1.2.7 and an answer: an alert each way */
		ASSERT_EQ(0, shutdown(p.near.fd, SHUT_WR));
		ASSERT_EQ(0, recv_soon(p.far.fd, in, sizeof(in), 0));
		ASSERT_EQ(0, recv_soon(p.near.fd, in, sizeof(in), 0));
		pair_close(&p);
	}
	ASSERT_EQ(0, stat_drops());
}

TEST_F(cid12, types_sent)
{
	static const __u8 types[] = {
		DTLS_TYPE_ALERT, DTLS_TYPE_HANDSHAKE, DTLS_TYPE_DATA,
		DTLS_TYPE_HEARTBEAT, DTLS_TYPE_CCS,
	};
	struct dtls_record r = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		r.type = types[i];
		ASSERT_EQ(20, send_cmsg(self->fd, out, 20, &r, sizeof(r)));
		exactly(self, FIRST_SEQ + i, types[i], out, 20, 0);
	}
}

TEST_F(cid12, types_received)
{
	static const __u8 types[] = {
		DTLS_TYPE_ALERT, DTLS_TYPE_HANDSHAKE, DTLS_TYPE_DATA,
		DTLS_TYPE_HEARTBEAT, DTLS_TYPE_CCS,
	};
	__u8 rec[RECORD_ROOM + 300];
	struct dtls_record r;
	unsigned int i;

	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_RECVTYPE, 1));
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		post(self, rec, seal_padded(self, types[i], i, out, 20, rec));
		settle();
		ASSERT_EQ(20, recv_record(self->fd, in, sizeof(in), 0, &r, NULL));
		ASSERT_EQ(types[i], r.type);
		ASSERT_EQ(1, r.epoch);
		ASSERT_EQ(FIRST_SEQ + i, r.seq);
	}
}

TEST_F(cid12, padding_sent)
{
	static const int multiples[] = { 2, 16, 100, 1000, DTLS_PLAINTEXT_MAX };
	static const size_t size[] = { 0, 1, 15, 16, 99, 100, 999, 5000, 16383 };
	unsigned int i, j, seq = FIRST_SEQ;
	size_t inner;

	for (i = 0; i < ARRAY_SIZE(multiples); i++) {
		ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_PADDING, multiples[i]));
		for (j = 0; j < ARRAY_SIZE(size); j++) {
			ASSERT_EQ((ssize_t)size[j], send(self->fd, out, size[j], 0));
			inner = size[j] + 1;
			while (self->sent.len && inner % multiples[i] &&
			       inner < INNER_MAX)
				inner++;
			exactly(self, seq++, DTLS_TYPE_DATA, out, size[j],
				inner - 1 - size[j]);
		}
	}
}

/* RFC 9146 5: what is inside has at most 2^14 bytes, type and padding too. */
TEST_F(cid12, largest)
{
	static __u8 rec[RECORD_ROOM + 300 + INNER_MAX];
	size_t n = DTLS_PLAINTEXT_MAX;

	if (self->sent.len) {
		ASSERT_EQ(-1, send(self->fd, out, n, 0));
		ASSERT_EQ(EMSGSIZE, errno);
		n--;
	}
	ASSERT_EQ((ssize_t)n, send(self->fd, out, n, 0));
	exactly(self, FIRST_SEQ, DTLS_TYPE_DATA, out, n, 0);
	if (!self->wanted.len)
		return;
	post(self, rec, seal_padded(self, DTLS_TYPE_DATA, 0, out, INNER_MAX - 1, rec));
	ASSERT_EQ(INNER_MAX - 1, recv_soon(self->fd, in, sizeof(in), 0));
	post(self, rec, seal_padded(self, DTLS_TYPE_DATA, INNER_MAX - 2, "x", 1, rec));
	ASSERT_EQ(1, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(0, stat_drops());
	post(self, rec, seal_padded(self, DTLS_TYPE_DATA, 0, out, INNER_MAX, rec));
	ASSERT_EQ(true, nothing(self));
	post(self, rec, seal_padded(self, DTLS_TYPE_DATA, INNER_MAX - 1, "x", 1, rec));
	ASSERT_EQ(true, dropped(self, "RxDropOversize", 2));
}

TEST_F(cid12, padding_received)
{
	static const unsigned int pads[] = { 1, 2, 15, 16, 255, 256, 4096, 16000 };
	static __u8 rec[RECORD_ROOM + 300];
	unsigned int i, len;

	if (!self->wanted.len)
		return;
	memset(out + 5, 0, 5);
	for (i = 0; i < ARRAY_SIZE(pads); i++) {
		/* content that ends in zeros as well */
		for (len = 0; len <= 10; len += 5) {
			post(self, rec, seal_padded(self, DTLS_TYPE_DATA, pads[i],
						    out, len, rec));
			ASSERT_EQ(len, recv_soon(self->fd, in, sizeof(in), 0));
			ASSERT_EQ(0, memcmp(in, out, len));
		}
	}
	ASSERT_EQ(0, stat_drops());
}

/* No type inside, or one that is none; 25 itself least of all. */
TEST_F(cid12, bad_type_inside)
{
	static const __u8 types[] = { 0, 1, 19, 25, 27, 128, 255 };
	__u8 rec[RECORD_ROOM + 300];
	unsigned int i;

	if (!self->wanted.len)
		return;
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		/* content of zeros: of type 0 there is nothing at all */
		memset(out, 0, 20);
		post(self, rec, seal_padded(self, types[i], i, out, 20, rec));
		ASSERT_EQ(true, nothing(self)) TH_LOG("type %u", types[i]);
	}
	ASSERT_EQ(true, dropped(self, "RxDropType", i));
}

/* Whoever wants a CID takes no record without; and the other way round. */
TEST_F(cid12, the_other_form)
{
	struct oracle_key *k = &self->p.far.tx;
	struct oracle_cid c = self->wanted;
	static const __u8 types[] = { 20, 21, 22, 23, 24 };
	__u8 rec[RECORD_ROOM + 300];
	unsigned int i, drops = 0;
	size_t n;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (self->wanted.len) {
			n = oracle_seal(k, types[i], "\1\0", 2, rec);
		} else {
			cid_make(&c, i + 1, 50);
			n = oracle_cid_seal(k, &c, k->seq++, types[i], 0, NULL,
					    "\1\0", 2, rec);
		}
		post(self, rec, n);
		ASSERT_EQ(true, nothing(self));
		ASSERT_EQ(++drops, stat_drops());
		ASSERT_EQ(1, send(self->fd, "x", 1, 0));
	}
	ASSERT_EQ(drops, stat_read("RxDropType") + stat_read("RxDropCid"));
	ASSERT_EQ(true, alive(self));
	/* a plain alert of epoch 0 closes nothing */
	memset(rec, 0, 15);
	memcpy(rec, "\25\376\375", 3);
	rec[12] = 2;
	rec[13] = ALERT_FATAL;
	rec[14] = ALERT_INTERNAL_ERROR;
	post(self, rec, 15);
	ASSERT_EQ(true, nothing(self));
	ASSERT_EQ(drops + 1, stat_drops());
	ASSERT_EQ(true, alive(self));
}

/* Another's CID, sealed rightly for it, or put on afterwards. */
TEST_F(cid12, wrong_cid)
{
	struct oracle_key *k = &self->p.far.tx;
	struct oracle_cid other = self->wanted;
	__u8 rec[2 * RECORD_ROOM + 600];
	size_t n, behind;

	if (!self->wanted.len)
		return;
	other.cid[other.len - 1] ^= 1;
	n = oracle_cid_seal(k, &other, k->seq++, DTLS_TYPE_DATA, 0, NULL, "alien", 5,
			    rec);
	post(self, rec, n);
	ASSERT_EQ(true, dropped(self, "RxDropCid", 1));
	n = seal(self, "ours", rec);
	rec[11] ^= 0x80;
	post(self, rec, n);
	ASSERT_EQ(true, dropped(self, "RxDropCid", 2));
	rec[11] ^= 0x80;
	post(self, rec, n);
	ASSERT_EQ(true, got(self, "ours"));
	/* RFC 9146 3 wants each of a datagram looked at for itself */
	n = seal(self, "first", rec);
	behind = oracle_cid_seal(k, &other, k->seq++, DTLS_TYPE_DATA, 0, NULL,
				 "alien", 5, rec + n);
	post(self, rec, n + behind);
	ASSERT_EQ(true, got(self, "first"));
	ASSERT_EQ(true, dropped(self, "RxDropCid", 3));
}

TEST_F(cid12, several_records)
{
	__u8 rec[4 * 400];
	size_t n, bad;

	n = seal(self, "one", rec);
	n += seal(self, "two", rec + n);
	bad = n + seal(self, "three", rec + n);
	rec[bad - 1] ^= 1;
	n = bad + seal(self, "four", rec + bad);
	post(self, rec, n);
	ASSERT_EQ(true, got(self, "one"));
	ASSERT_EQ(true, got(self, "two"));
	ASSERT_EQ(true, got(self, "four"));
	ASSERT_EQ(true, dropped(self, "RxDropAuth", 1));
	/* and once more: all of it has been seen, but for the bad one */
	post(self, rec, n);
	ASSERT_EQ(true, nothing(self));
	ASSERT_EQ(3, stat_read("RxDropReplay"));
	ASSERT_EQ(2, stat_read("RxDropAuth"));
}

TEST_F(cid12, cut_everywhere)
{
	__u8 rec[RECORD_ROOM + 300];
	size_t n, len, i;

	n = seal(self, "a text", rec);
	for (len = 0; len < n; len++) {
		post(self, rec, len);
		ASSERT_EQ(true, nothing(self));
		ASSERT_EQ(len + 1, stat_drops());
	}
	ASSERT_EQ(RECORD_HEADER + variant->wanted, stat_read("RxDropShort"));
	for (i = 0; i < n; i++) {
		rec[i] ^= 0x04;
		post(self, rec, n);
		rec[i] ^= 0x04;
		ASSERT_EQ(true, nothing(self)) TH_LOG("byte %zu", i);
	}
	ASSERT_EQ(0, stat_read("RxRecords"));
	post(self, rec, n);
	ASSERT_EQ(true, got(self, "a text"));
}

TEST_F(cid12, close_notify)
{
	static const __u8 alert[2] = { ALERT_WARNING, ALERT_CLOSE_NOTIFY };
	__u8 rec[RECORD_ROOM + 300];

	post(self, rec, seal_padded(self, DTLS_TYPE_ALERT, 20, alert, 2, rec));
	ASSERT_EQ(0, recv_soon(self->fd, in, sizeof(in), 0));
	exactly(self, FIRST_SEQ, DTLS_TYPE_ALERT, alert, 2, 0);
	ASSERT_EQ(-1, send(self->fd, "x", 1, MSG_NOSIGNAL));
	ASSERT_EQ(EPIPE, errno);
}

/* A lost last flight: its Finished is under the CID as all of the epoch. */
TEST_F(cid12, last_flight)
{
	__u8 finished[24] = { HS_FINISHED, 0, 0, 12, 0, 3, 0, 0, 0, 0, 0, 12 };
	struct dtls_flight_record r = {
		.epoch = 1, .type = DTLS_TYPE_HANDSHAKE, .len = sizeof(finished),
	};
	struct dtls_flight f = { .size = sizeof(f), .count = 1, .seq = 5 };
	__u8 buf[sizeof(f) + sizeof(r) + sizeof(finished)];
	__u8 rec[RECORD_ROOM + 300];

	memcpy(buf, &f, sizeof(f));
	memcpy(buf + sizeof(f), &r, sizeof(r));
	memcpy(buf + sizeof(f) + sizeof(r), finished, sizeof(finished));
	ASSERT_EQ(0, setsockopt(self->fd, SOL_DTLS, DTLS_LAST_FLIGHT, buf,
				sizeof(buf)));
	post(self, rec, seal_padded(self, DTLS_TYPE_HANDSHAKE, 3, finished,
				    sizeof(finished), rec));
	ASSERT_EQ(true, nothing(self));
	exactly(self, FIRST_SEQ, DTLS_TYPE_HANDSHAKE, finished, sizeof(finished), 0);
	ASSERT_EQ(1, stat_read("TxLastFlight"));
}

TEST_F(cid12, state_and_export)
{
	struct dtls_keys k;

	key_state(self->fd, DTLS_TX, &k);
	ASSERT_EQ(DTLS_1_2_VERSION, k.version);
	ASSERT_EQ(variant->sent, k.cid_len);
	ASSERT_EQ(0, memcmp(k.cid, self->sent.cid, DTLS_CID_MAX));
	key_state(self->fd, DTLS_RX, &k);
	ASSERT_EQ(variant->wanted, k.cid_len);
	ASSERT_EQ(0, memcmp(k.cid, self->wanted.cid, DTLS_CID_MAX));
	key_state(self->fd, DTLS_TX_EXPORT, &k);
	ASSERT_EQ(variant->sent, k.cid_len);
	ASSERT_EQ(0, memcmp(k.cid, self->sent.cid, DTLS_CID_MAX));
	ASSERT_EQ(0, memcmp(k.key, self->p.near.tx.key, k.key_len));
}

/* The same CID in each epoch of a direction (RFC 9146 3), and none too long. */
TEST_F(cid12, refused)
{
	static const int options[] = { DTLS_TX, DTLS_RX };
	struct oracle_cid c;
	struct dtls_keys k;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		struct oracle_key *o = i ? &self->p.near.rx : &self->p.near.tx;

		o->epoch = 2;
		c = i ? self->wanted : self->sent;
		c.len ^= 1;
		if (c.len > DTLS_CID_MAX)
			c.len = 4;
		ASSERT_EQ(-1, cid_install(self->fd, options[i], o, &c));
		ASSERT_EQ(EINVAL, errno);
		c = i ? self->wanted : self->sent;
		if (c.len) {
			c.cid[0] ^= 1;
			ASSERT_EQ(-1, cid_install(self->fd, options[i], o, &c));
			ASSERT_EQ(EINVAL, errno);
			c.cid[0] ^= 1;
		}
		key_fill(&k, o);
		k.cid_len = DTLS_CID_MAX + 1;
		ASSERT_EQ(-1, setsockopt(self->fd, SOL_DTLS, options[i], &k, sizeof(k)));
		ASSERT_EQ(EINVAL, errno);
		key_fill(&k, o);
		k.cid_len = c.len;
		memcpy(k.cid, c.cid, c.len);
		if (c.len < DTLS_CID_MAX) {
			k.cid[c.len] = 1;
			ASSERT_EQ(-1, setsockopt(self->fd, SOL_DTLS, options[i], &k,
						 sizeof(k)));
			ASSERT_EQ(EINVAL, errno);
		}
		ASSERT_EQ(0, cid_install(self->fd, options[i], o, &c));
	}
}

TEST_F(cid12, next_epoch)
{
	struct oracle_key old = self->p.far.tx;
	__u8 rec[RECORD_ROOM + 300];

	keys_next(&self->p.near, &self->p.far, 2);
	keys_next(&self->p.far, &self->p.near, 2);
	ASSERT_EQ(0, cid_install(self->fd, DTLS_TX, &self->p.near.tx, &self->sent));
	ASSERT_EQ(0, cid_install(self->fd, DTLS_RX, &self->p.near.rx, &self->wanted));
	post(self, rec, seal(self, "new", rec));
	self->p.far.tx = old;
	post(self, rec, seal(self, "old", rec));
	ASSERT_EQ(true, got(self, "new"));
	ASSERT_EQ(true, got(self, "old"));
	ASSERT_EQ(9, send(self->fd, out, 9, 0));
	exactly(self, FIRST_SEQ, DTLS_TYPE_DATA, out, 9, 0);
}

/* Batches, both ways, padded and not; and all that fits a packet. */
TEST_F(cid12, batches)
{
	static const int padding[] = { 0, 64 };
	const struct oracle_suite *s = self->p.near.tx.suite;
	unsigned int i, j, seq = FIRST_SEQ;
	struct dtls_keys k;
	int max, want, room;
	size_t at = 0;

	link_mtu("lo", 1500);
	room = 1500 - (variant->family == FAMILY_V6 ? 48 : 28) - RECORD_HEADER -
	       s->explicit_len - s->tag_len - self->sent.len;
	for (i = 0; i < ARRAY_SIZE(padding); i++) {
		ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_PADDING, padding[i]));
		max = get_int(self->fd, SOL_DTLS, DTLS_MAX_PAYLOAD);
		want = room;
		if (self->sent.len) {
			if (padding[i])
				want -= want % padding[i];
			want--;
		}
		ASSERT_EQ(want, max);
		ASSERT_EQ(10 * max + 7, batch_send(self->fd, out, 10 * max + 7, max, 0));
		for (j = 0; j < 11; j++) {
			size_t n = j < 10 ? max : 7, inner = n + 1;

			while (self->sent.len && padding[i] && inner % padding[i])
				inner++;
			exactly(self, seq++, DTLS_TYPE_DATA, out + j * max, n,
				inner - n - 1);
		}
		ASSERT_EQ(-1, batch_send(self->fd, out, 2 * max + 2, max + 1, 0));
		ASSERT_EQ(EMSGSIZE, errno);
		/* numbers may be lost by it */
		key_state(self->fd, DTLS_TX, &k);
		seq = k.seq;
	}

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	for (j = 0; j < 20; j++)
		at += seal_padded(self, DTLS_TYPE_DATA, 0, out + j * 500, 500,
				  in + at);
	ASSERT_EQ((ssize_t)at, batch_send(self->p.far.fd, in, at, at / 20, 0));
	settle();
	batch_gather(self->fd, out, 20 * 500, 500);
	ASSERT_EQ(true, batch_over(self->fd));
	ASSERT_EQ(0, stat_drops());
}

/* Records of one association under the name of another. */
TEST_F(cid12, two_associations)
{
	__u8 mine[RECORD_ROOM + 300], theirs[RECORD_ROOM + 300];
	struct oracle_cid other;
	struct oracle_key k;
	size_t n, m;

	if (!self->wanted.len)
		return;
	cid_make(&other, self->wanted.len, 77);
	oracle_key_init(&k, variant->suite, 1, 4711);
	n = seal(self, "mine", mine);
	m = oracle_cid_seal(&k, &other, 30, DTLS_TYPE_DATA, 0, NULL, "not mine", 8,
			    theirs);
	memcpy(theirs + 11, self->wanted.cid, self->wanted.len);
	post(self, theirs, m);
	ASSERT_EQ(true, nothing(self));
	ASSERT_EQ(1, stat_read("RxDropAuth"));
	memcpy(mine + 11, other.cid, other.len);
	post(self, mine, n);
	ASSERT_EQ(true, nothing(self));
	ASSERT_EQ(1, stat_read("RxDropCid"));
	memcpy(mine + 11, self->wanted.cid, other.len);
	post(self, mine, n);
	ASSERT_EQ(true, got(self, "mine"));
	ASSERT_EQ(2, stat_drops());
}

TEST_HARNESS_MAIN
