// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit test of userspace/libkdtls/watch.c, which stands between TLS library and
 * socket: what it counts, keeps and opens.  Prints TAP.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <gnutls/crypto.h>

#include "internal.h"

static int count, bad;

static const struct kdtls_suite *suite;

static void ok(int good, const char *what)
{
	count++;
	bad += !good;
	printf("%sok %d - %s: %s\n", good ? "" : "not ", count, suite->name,
	       what);
}

static struct dtls_keys keys;
static uint8_t dgram[65536];
static size_t dgram_len;

static gnutls_aead_cipher_hd_t cipher(const uint8_t *key)
{
	static const gnutls_cipher_algorithm_t algorithm[] = {
		[KDTLS_AES_128_GCM] = GNUTLS_CIPHER_AES_128_GCM,
		[KDTLS_AES_256_GCM] = GNUTLS_CIPHER_AES_256_GCM,
		[KDTLS_CHACHA20_POLY1305] = GNUTLS_CIPHER_CHACHA20_POLY1305,
		[KDTLS_AES_128_CCM] = GNUTLS_CIPHER_AES_128_CCM,
		[KDTLS_AES_128_CCM_8] = GNUTLS_CIPHER_AES_128_CCM_8,
	};
	gnutls_datum_t k = { (uint8_t *)key, suite->key_len };
	gnutls_aead_cipher_hd_t hd;

	if (gnutls_aead_cipher_init(&hd, algorithm[suite->aead], &k))
		exit(1);
	return hd;
}

static int open_aead(const struct kdtls_suite *s, const uint8_t *key,
		     const uint8_t nonce[12], const uint8_t aad[13],
		     const uint8_t *in, size_t in_len, uint8_t *out)
{
	gnutls_aead_cipher_hd_t hd = cipher(key);
	size_t len = in_len;
	int ret;

	ret = gnutls_aead_cipher_decrypt(hd, nonce, 12, aad, 13, s->tag_len, in,
					 in_len, out, &len);
	gnutls_aead_cipher_deinit(hd);
	return ret ? -EBADMSG : 0;
}

static void put(uint8_t *p, uint64_t v, int n)
{
	while (n--) {
		p[n] = v;
		v >>= 8;
	}
}

/* Appends a record to the datagram, sealed if it has an epoch. */
static void record(int type, int epoch, uint64_t seq, const void *data,
		   size_t len)
{
	uint8_t *p = dgram + dgram_len, nonce[12], aad[13];
	gnutls_aead_cipher_hd_t hd;
	size_t out = len, i;

	p[0] = type;
	put(p + 1, 0xfefd, 2);
	put(p + 3, (uint64_t)epoch << 48 | seq, 8);
	if (!epoch) {
		memcpy(p + 13, data, len);
	} else {
		memcpy(aad, p + 3, 8);
		aad[8] = type;
		put(aad + 9, 0xfefd, 2);
		put(aad + 11, len, 2);
		memcpy(nonce, keys.iv, 12);
		if (suite->explicit_len) {
			memcpy(nonce + 4, p + 3, 8);
			memcpy(p + 13, p + 3, 8);
		} else {
			for (i = 0; i < 8; i++)
				nonce[4 + i] ^= p[3 + i];
		}
		hd = cipher(keys.key);
		out = sizeof(dgram) - dgram_len - 64;
		if (gnutls_aead_cipher_encrypt(hd, nonce, 12, aad, 13,
					       suite->tag_len, data, len,
					       p + 13 + suite->explicit_len, &out))
			exit(1);
		gnutls_aead_cipher_deinit(hd);
		out += suite->explicit_len;
	}
	put(p + 11, out, 2);
	dgram_len += 13 + out;
}

static void message(int epoch, uint64_t seq, int type, int number)
{
	uint8_t hs[12 + 12] = { type, 0, 0, 12, 0, number, 0, 0, 0, 0, 0, 12 };

	record(DTLS_TYPE_HANDSHAKE, epoch, seq, hs, sizeof(hs));
}

static void send_dgram(struct kdtls_watch *w)
{
	kdtls_watch_sent(w, dgram, dgram_len);
	dgram_len = 0;
}

static size_t recv_dgram(struct kdtls_watch *w)
{
	size_t n = kdtls_watch_received(w, dgram, dgram_len);

	dgram_len = 0;
	return n;
}

static void last_flight(struct kdtls_watch *w, uint64_t seq0, uint64_t seq1)
{
	message(0, seq0, 4, 7);			/* NewSessionTicket */
	send_dgram(w);
	record(DTLS_TYPE_CCS, 0, seq0 + 1, "\1", 1);
	message(1, seq1, 20, 8);		/* Finished */
	send_dgram(w);
}

static void test_flight(void)
{
	struct dtls_flight_record rec;
	struct dtls_flight *flight;
	struct kdtls_watch w;
	const uint8_t *p;
	size_t len;
	int i, ret;

	kdtls_watch_init(&w);
	message(0, 0, 2, 1);
	send_dgram(&w);
	message(0, 0, 16, 2);
	ok(recv_dgram(&w) == 13 + 24, "a handshake record goes to the library");
	last_flight(&w, 1, 0);
	/* The timer repeats it, with no reading in between. */
	last_flight(&w, 3, 1);
	record(DTLS_TYPE_DATA, 1, 2, "early bird", 10);
	send_dgram(&w);
	ok(w.epoch0_next == 5, "sequence numbers of epoch 0 are counted");
	ok(w.tx_next == ((1ULL << 48) | 3), "those of epoch 1 too");
	ret = kdtls_watch_flight(&w, suite, &keys, open_aead, &flight, &len);
	ok(!ret && flight->count == 3 && flight->seq == 5 &&
	   len == sizeof(*flight) + 3 * sizeof(rec) + 24 + 1 + 24,
	   "the last flight, once, and nothing else");
	p = (uint8_t *)(flight + 1);
	for (i = 0; !ret && i < 3; i++) {
		static const uint8_t type[] = { 22, 20, 22 }, first[] = { 4, 1, 20 };

		memcpy(&rec, p, sizeof(rec));
		p += sizeof(rec);
		ret = rec.type != type[i] || rec.epoch != (i == 2) ||
		      *p != first[i] || rec.pad;
		p += rec.len;
	}
	ok(!ret, "in its order, the Finished in clear");
	free(flight);
	kdtls_watch_free(&w);

	kdtls_watch_init(&w);
	message(0, 0, 1, 0);
	send_dgram(&w);
	ok(kdtls_watch_flight(&w, suite, &keys, open_aead, &flight, &len) ==
	   -ENODATA, "no Finished, no flight");
	kdtls_watch_free(&w);
}

static void test_early(void)
{
	struct kdtls_watch w;
	uint64_t next;
	char buf[64];
	size_t whole;

	kdtls_watch_init(&w);
	record(DTLS_TYPE_DATA, 1, 2, "two", 3);
	ok(recv_dgram(&w) == 0, "data under keys is kept from the library");
	record(DTLS_TYPE_DATA, 1, 2, "two", 3);
	recv_dgram(&w);
	/* A forgery, which must not move the window. */
	record(DTLS_TYPE_DATA, 1, 0xffffffffff, "no", 2);
	dgram[dgram_len - 1] ^= 1;
	recv_dgram(&w);
	message(1, 0xfffffffff0, 20, 9);
	dgram[dgram_len - 1] ^= 1;
	recv_dgram(&w);
	/* Another epoch. */
	record(DTLS_TYPE_DATA, 2, 9, "no", 2);
	recv_dgram(&w);
	/* One datagram: CCS, data, Finished. */
	record(DTLS_TYPE_CCS, 0, 5, "\1", 1);
	record(DTLS_TYPE_DATA, 1, 1, "one", 3);
	message(1, 0, 20, 4);
	whole = dgram_len;
	ok(recv_dgram(&w) == whole - (13 + 3 + suite->explicit_len +
				      suite->tag_len) &&
	   dgram[0] == DTLS_TYPE_CCS && dgram[14] == DTLS_TYPE_HANDSHAKE,
	   "the rest of its datagram is not");
	record(DTLS_TYPE_ALERT, 1, 3, "\1\0", 2);
	recv_dgram(&w);
	ok(kdtls_watch_early(&w, buf, sizeof(buf)) == -ENOTCONN,
	   "early records wait for the keys");
	next = kdtls_watch_open_early(&w, suite, &keys, open_aead);
	w.closed = true;
	ok(next == ((1ULL << 48) | 4),
	   "the kernel goes on behind what was received, forgeries aside");
	ok(kdtls_watch_early(&w, buf, sizeof(buf)) == 3 && !memcmp(buf, "two", 3) &&
	   kdtls_watch_early(&w, buf, 2) == 2 && !memcmp(buf, "on", 2),
	   "early records come once, in their order, cut as recv() does");
	ok(kdtls_watch_early(&w, buf, sizeof(buf)) == 0 &&
	   kdtls_watch_early(&w, buf, sizeof(buf)) == -EPIPE,
	   "an early close_notify is an end of file");
	kdtls_watch_free(&w);
}

static void test_nonce(void)
{
	struct kdtls_watch w;

	kdtls_watch_init(&w);
	message(1, 0, 20, 0);
	send_dgram(&w);
	ok(!kdtls_watch_nonce_clash(&w, suite), "explicit nonces that are past");
	message(1, 1, 20, 0);
	if (suite->explicit_len)
		put(dgram + 13, (1ULL << 48) | 77, 8);
	send_dgram(&w);
	ok(kdtls_watch_nonce_clash(&w, suite) == !!suite->explicit_len,
	   "explicit nonces that are still to come");
	kdtls_watch_free(&w);
}

static void test_junk(void)
{
	struct kdtls_watch w;
	unsigned int i, n;

	kdtls_watch_init(&w);
	for (i = 0; i < 20000; i++) {
		n = rand() % 64;
		gnutls_rnd(GNUTLS_RND_NONCE, dgram, n);
		dgram[0] = 20 + rand() % 5;
		dgram[3] = 0;
		dgram[4] = rand() % 2;
		dgram[11] = 0;
		dgram[12] %= 64;
		dgram_len = n;
		if (i % 3)
			recv_dgram(&w);
		else
			send_dgram(&w);
	}
	kdtls_watch_open_early(&w, suite, &keys, open_aead);
	ok(!w.early.count && !w.seen.head, "junk leaves nothing");
	kdtls_watch_free(&w);
}

int main(void)
{
	static const uint16_t suites[] = { 0xc02b, 0xc02c, 0xcca9, 0xc0ac, 0xc0ae };
	size_t i;

	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		suite = kdtls_suite_find(suites[i]);
		keys.epoch = 1;
		gnutls_rnd(GNUTLS_RND_NONCE, keys.key, sizeof(keys.key));
		gnutls_rnd(GNUTLS_RND_NONCE, keys.iv, sizeof(keys.iv));
		test_flight();
		test_early();
		test_nonce();
		test_junk();
	}
	printf("1..%d\n", count);
	return bad ? 1 : 0;
}
