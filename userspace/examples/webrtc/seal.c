// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Records of DTLS 1.2 with AES-GCM, sealed and opened here (--seal user), as an
 * application without the module does it: for measurements of what that costs, by
 * the AEAD of OpenSSL and without what a TLS library has around it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>

#include "seal.h"

#define HEADER	13
#define NONCE	8
#define TAG	16

struct seal {
	struct evp_cipher_ctx_st *ctx[2];	/* out, in */
	uint8_t iv[2][4];
	uint64_t seq;			/* with the epoch */
	uint64_t top, seen;		/* replay: highest, and the 64 below */
};

static void put(uint8_t *p, uint64_t v, int n)
{
	while (n--) {
		p[n] = v;
		v >>= 8;
	}
}

static uint64_t get(const uint8_t *p, int n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static EVP_CIPHER_CTX *context(const struct dtls_keys *k, int enc)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx && EVP_CipherInit_ex(ctx, k->key_len == 16 ? EVP_aes_128_gcm() :
				     EVP_aes_256_gcm(), NULL, k->key, NULL, enc) == 1)
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

struct seal *seal_new(kdtls_session *session)
{
	struct seal *s = calloc(1, sizeof(*s));
	struct dtls_keys keys[2];
	int i;

	if (!s || kdtls_export_keys(session, &keys[0], &keys[1]))
		goto error;
	if (keys[0].version != DTLS_1_2_VERSION || keys[0].iv_len != 4)
		goto error;
	for (i = 0; i < 2; i++) {
		memcpy(s->iv[i], keys[i].iv, 4);
		s->ctx[i] = context(&keys[i], !i);
		if (!s->ctx[i])
			goto error;
	}
	s->seq = keys[0].epoch << 48 | keys[0].seq;
	explicit_bzero(keys, sizeof(keys));
	return s;
error:
	explicit_bzero(keys, sizeof(keys));
	seal_free(s);
	return NULL;
}

void seal_free(struct seal *s)
{
	if (!s)
		return;
	EVP_CIPHER_CTX_free(s->ctx[0]);
	EVP_CIPHER_CTX_free(s->ctx[1]);
	free(s);
}

static void prepare(const struct seal *s, int in, const uint8_t *rec, size_t len,
		    uint8_t nonce[12], uint8_t aad[13])
{
	memcpy(nonce, s->iv[in], 4);
	memcpy(nonce + 4, rec + HEADER, NONCE);
	memcpy(aad, rec + 3, 8);
	memcpy(aad + 8, rec, 3);
	put(aad + 11, len, 2);
}

/* Returns its length, @len and SEAL_OVERHEAD. */
size_t seal_record(struct seal *s, const void *buf, size_t len, uint8_t *out)
{
	uint8_t nonce[12], aad[13], *body = out + HEADER + NONCE;
	int n;

	out[0] = DTLS_TYPE_DATA;
	put(out + 1, DTLS_1_2_VERSION, 2);
	put(out + 3, s->seq, 8);
	put(out + 11, NONCE + len + TAG, 2);
	put(out + HEADER, s->seq++, 8);
	prepare(s, 0, out, len, nonce, aad);
	EVP_EncryptInit_ex(s->ctx[0], NULL, NULL, NULL, nonce);
	EVP_EncryptUpdate(s->ctx[0], NULL, &n, aad, sizeof(aad));
	EVP_EncryptUpdate(s->ctx[0], body, &n, buf, len);
	EVP_EncryptFinal_ex(s->ctx[0], body + n, &n);
	EVP_CIPHER_CTX_ctrl(s->ctx[0], EVP_CTRL_AEAD_GET_TAG, TAG, body + len);
	return len + SEAL_OVERHEAD;
}

static bool fresh(struct seal *s, uint64_t seq)
{
	return seq > s->top || (s->top - seq < 64 &&
				!(s->seen >> (s->top - seq) & 1));
}

static void mark(struct seal *s, uint64_t seq)
{
	if (seq > s->top) {
		s->seen = seq - s->top > 63 ? 0 : s->seen << (seq - s->top);
		s->top = seq;
	}
	s->seen |= 1ULL << (s->top - seq);
}

/* One record of application data: its length, or negative. */
ssize_t seal_open(struct seal *s, const uint8_t *rec, size_t len, uint8_t *out)
{
	uint8_t nonce[12], aad[13];
	size_t body;
	int n;

	if (len < SEAL_OVERHEAD || rec[0] != DTLS_TYPE_DATA ||
	    get(rec + 11, 2) != len - HEADER || !fresh(s, get(rec + 3, 8)))
		return -EBADMSG;
	body = len - SEAL_OVERHEAD;
	prepare(s, 1, rec, body, nonce, aad);
	if (EVP_DecryptInit_ex(s->ctx[1], NULL, NULL, NULL, nonce) != 1 ||
	    EVP_DecryptUpdate(s->ctx[1], NULL, &n, aad, sizeof(aad)) != 1 ||
	    EVP_DecryptUpdate(s->ctx[1], out, &n, rec + HEADER + NONCE, body) != 1 ||
	    EVP_CIPHER_CTX_ctrl(s->ctx[1], EVP_CTRL_AEAD_SET_TAG, TAG,
				(void *)(rec + len - TAG)) != 1 ||
	    EVP_DecryptFinal_ex(s->ctx[1], out + n, &n) != 1)
		return -EBADMSG;
	mark(s, get(rec + 3, 8));
	return body;
}
