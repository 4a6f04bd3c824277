// SPDX-License-Identifier: GPL-2.0-only
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <openssl/evp.h>

#include "die.h"
#include "oracle.h"

const struct oracle_suite oracle_suites[] = {
	{ SUITE_AES_128_GCM,	16, 4, 8, 16 },
	{ SUITE_AES_256_GCM,	32, 4, 8, 16 },
	{ SUITE_CHACHA20,	32, 12, 0, 16 },
	{ SUITE_AES_128_CCM,	16, 4, 8, 16 },
	{ SUITE_AES_128_CCM_8,	16, 4, 8, 8 },
};

const unsigned int oracle_nr_suites =
	sizeof(oracle_suites) / sizeof(struct oracle_suite);

const struct oracle_suite *oracle_suite(__u16 id)
{
	unsigned int i;

	for (i = 0; i < oracle_nr_suites; i++)
		if (oracle_suites[i].id == id)
			return &oracle_suites[i];
	die("no suite %#x", id);
}

size_t oracle_overhead(const struct oracle_suite *s)
{
	return RECORD_HEADER + s->explicit_len + s->tag_len;
}

static bool is_ccm(const struct oracle_suite *s)
{
	return s->id == SUITE_AES_128_CCM || s->id == SUITE_AES_128_CCM_8;
}

static struct evp_cipher_st *gcm_128;
static struct evp_cipher_st *gcm_256;
static struct evp_cipher_st *chacha;
static struct evp_cipher_st *ccm_128;

/*
 * Every test is a process of its own: what OpenSSL does once, it had better do
 * before all of them, since it takes half a second on an emulated processor.
 */
static void __attribute__((constructor)) fetch(void)
{
	gcm_128 = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
	gcm_256 = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	chacha = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
	ccm_128 = EVP_CIPHER_fetch(NULL, "AES-128-CCM", NULL);
	if (!gcm_128 || !gcm_256 || !chacha || !ccm_128)
		die("OpenSSL lacks a cipher");
}

static const struct evp_cipher_st *evp(const struct oracle_suite *s)
{
	switch (s->id) {
	case SUITE_AES_128_GCM:
		return gcm_128;
	case SUITE_AES_256_GCM:
		return gcm_256;
	case SUITE_CHACHA20:
		return chacha;
	default:
		return ccm_128;
	}
}

void oracle_key_init(struct oracle_key *k, __u16 suite, __u16 epoch,
		     unsigned int seed)
{
	__u32 x = seed * 2654435761u + epoch * 40503u + suite;
	unsigned int i;

	memset(k, 0, sizeof(*k));
	k->suite = oracle_suite(suite);
	k->epoch = epoch;
	for (i = 0; i < k->suite->key_len; i++) {
		x = x * 1664525 + 1013904223;
		k->key[i] = x >> 24;
	}
	for (i = 0; i < k->suite->iv_len; i++) {
		x = x * 1664525 + 1013904223;
		k->iv[i] = x >> 24;
	}
}

static void put_be(__u8 *p, __u64 v, int bytes)
{
	while (bytes--) {
		p[bytes] = v;
		v >>= 8;
	}
}

static __u64 get_be(const __u8 *p, int bytes)
{
	__u64 v = 0;

	while (bytes--)
		v = v << 8 | *p++;
	return v;
}

/* RFC 5288 3, RFC 6655 3: salt and explicit part; RFC 7905 2: IV xor number. */
static void make_nonce(const struct oracle_key *k,
		       const struct oracle_header *h, __u8 nonce[12])
{
	__u8 number[8];
	int i;

	if (k->suite->explicit_len) {
		memcpy(nonce, k->iv, 4);
		memcpy(nonce + 4, h->nonce, 8);
		return;
	}
	put_be(number, h->epoch, 2);
	put_be(number + 2, h->seq, 6);
	memcpy(nonce, k->iv, 12);
	for (i = 0; i < 8; i++)
		nonce[4 + i] ^= number[i];
}

/* RFC 5246 6.2.3.3, with the epoch in front of the number (RFC 6347 4.1.2.1). */
static void make_aad(const struct oracle_header *h, size_t len, __u8 aad[13])
{
	put_be(aad, h->epoch, 2);
	put_be(aad + 2, h->seq, 6);
	aad[8] = h->type;
	put_be(aad + 9, h->version, 2);
	put_be(aad + 11, len, 2);
}

static bool aead(const struct oracle_key *k, const struct oracle_header *h,
		 bool seal, const __u8 *in, size_t len, __u8 *out, __u8 *tag)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	__u8 nonce[12], aad[13], none = 0;
	bool ok;
	int n;

	if (!ctx)
		die("no EVP context");
	make_nonce(k, h, nonce);
	make_aad(h, len, aad);

	ok = EVP_CipherInit_ex(ctx, evp(k->suite), NULL, NULL, NULL, seal) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL) &&
	     (seal && !is_ccm(k->suite) ? 1 :
	      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG,
				  k->suite->tag_len, seal ? NULL : tag)) &&
	     EVP_CipherInit_ex(ctx, NULL, NULL, k->key, nonce, seal) &&
	     (!is_ccm(k->suite) ||
	      EVP_CipherUpdate(ctx, NULL, &n, NULL, len)) &&
	     EVP_CipherUpdate(ctx, NULL, &n, aad, sizeof(aad));
	if (!ok)
		die("EVP set-up failed");

	ok = EVP_CipherUpdate(ctx, out, &n, in ? in : &none, len) > 0;
	if (ok && (seal || !is_ccm(k->suite)))
		ok = EVP_CipherFinal_ex(ctx, out + len, &n) > 0;
	if (ok && seal)
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG,
					 k->suite->tag_len, tag) > 0;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

size_t oracle_seal_header(const struct oracle_key *k,
			  const struct oracle_header *h,
			  const void *data, size_t len, void *out)
{
	const struct oracle_suite *s = k->suite;
	__u8 *p = out;

	*p++ = h->type;
	put_be(p, h->version, 2);
	put_be(p + 2, h->epoch, 2);
	put_be(p + 4, h->seq, 6);
	put_be(p + 10, s->explicit_len + len + s->tag_len, 2);
	p += 12;
	memcpy(p, h->nonce, s->explicit_len);
	p += s->explicit_len;
	if (!aead(k, h, true, data, len, p, p + len))
		die("sealing failed");
	return oracle_overhead(s) + len;
}

size_t oracle_seal_seq(const struct oracle_key *k, __u64 seq, __u8 type,
		       const void *data, size_t len, void *out)
{
	struct oracle_header h = {
		.type = type,
		.version = DTLS_1_2_VERSION,
		.epoch = k->epoch,
		.seq = seq,
	};

	/* A receiver that computes the nonce instead of reading it fails. */
	if (getrandom(h.nonce, sizeof(h.nonce), 0) != sizeof(h.nonce))
		die("no random bytes");
	return oracle_seal_header(k, &h, data, len, out);
}

size_t oracle_seal(struct oracle_key *k, __u8 type, const void *data,
		   size_t len, void *out)
{
	return oracle_seal_seq(k, k->seq++, type, data, len, out);
}

bool oracle_parse(const void *rec, size_t len, struct oracle_header *h,
		  size_t *body)
{
	const __u8 *p = rec;

	if (len < RECORD_HEADER)
		return false;
	memset(h, 0, sizeof(*h));
	h->type = p[0];
	h->version = get_be(p + 1, 2);
	h->epoch = get_be(p + 3, 2);
	h->seq = get_be(p + 5, 6);
	*body = get_be(p + 11, 2);
	return len - RECORD_HEADER >= *body;
}

ssize_t oracle_open(const struct oracle_key *k, const void *rec, size_t len,
		    struct oracle_record *r)
{
	const struct oracle_suite *s = k->suite;
	const __u8 *p = (const __u8 *)rec + RECORD_HEADER;
	__u8 tag[16];
	size_t body;

	if (!oracle_parse(rec, len, &r->h, &body) || r->h.epoch != k->epoch ||
	    r->h.version != DTLS_1_2_VERSION ||
	    body < (size_t)s->explicit_len + s->tag_len)
		return -1;
	memcpy(r->h.nonce, p, s->explicit_len);
	r->len = body - s->explicit_len - s->tag_len;
	if (r->len > DTLS_PLAINTEXT_MAX)
		return -1;
	memcpy(tag, p + s->explicit_len + r->len, s->tag_len);
	if (!aead(k, &r->h, false, p + s->explicit_len, r->len, r->data, tag))
		return -1;
	return RECORD_HEADER + body;
}
