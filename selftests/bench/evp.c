// SPDX-License-Identifier: GPL-2.0-only
/*
 * The best that userspace could do without the module: records sealed one
 * behind the other by OpenSSL's EVP, one context for each direction that keeps
 * its key, one sendmsg with UDP_SEGMENT, one recvmsg with UDP_GRO.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/evp.h>

#include "bench.h"
#include "pair.h"

struct evp_end {
	struct oracle_key key;
	EVP_CIPHER_CTX *ctx;
	__u64 top, window;	/* RFC 6347 4.1.2.6 */
	__u8 wire[BENCH_BUFFER];
};

static const EVP_CIPHER *cipher_of(enum bench_cipher cipher)
{
	switch (cipher) {
	case BENCH_AES_128_GCM:		return EVP_aes_128_gcm();
	case BENCH_AES_256_GCM:		return EVP_aes_256_gcm();
	case BENCH_CHACHA20:		return EVP_chacha20_poly1305();
	case BENCH_AES_128_CCM:
	case BENCH_AES_128_CCM_8:	return EVP_aes_128_ccm();
	default:			return NULL;
	}
}

static bool is_ccm(const struct bench_link *l)
{
	return l->cipher == BENCH_AES_128_CCM || l->cipher == BENCH_AES_128_CCM_8;
}

static bool evp_open(struct bench_link *l)
{
	const EVP_CIPHER *cipher = cipher_of(l->cipher);
	struct evp_end *e;
	int i;

	if (!cipher)
		return false;
	bench_udp_pair(l);
	for (i = 0; i < 2; i++) {
		e = calloc(1, sizeof(*e));
		must(e);
		l->end[i] = e;
		oracle_key_init(&e->key, bench_suites[l->cipher], 1, 1);
		e->key.seq = FIRST_SEQ;
		e->ctx = EVP_CIPHER_CTX_new();
		must(e->ctx);
		must(EVP_CipherInit_ex(e->ctx, cipher, NULL, NULL, NULL, !i));
		must(EVP_CIPHER_CTX_ctrl(e->ctx, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL));
		if (is_ccm(l))
			must(EVP_CIPHER_CTX_ctrl(e->ctx, EVP_CTRL_AEAD_SET_TAG,
						 e->key.suite->tag_len, NULL));
		must(EVP_CipherInit_ex(e->ctx, NULL, NULL, e->key.key, NULL, -1));
	}
	must(!set_int(l->fd[0], SOL_UDP, UDP_SEGMENT,
		      l->size + oracle_overhead(e->key.suite)));
	must(!set_int(l->fd[1], SOL_UDP, UDP_GRO, 1));
	return true;
}

static void put_number(__u8 *p, __u64 value, int bytes)
{
	while (bytes--) {
		p[bytes] = value;
		value >>= 8;
	}
}

static __u64 get_number(const __u8 *p, int bytes)
{
	__u64 value = 0;

	while (bytes--)
		value = value << 8 | *p++;
	return value;
}

/* The nonce of RFC 5288, 6655, 7905, and the additional data of RFC 5246. */
static void nonce_and_aad(const struct evp_end *e, const __u8 *rec, size_t len,
			  __u8 iv[12], __u8 aad[13])
{
	const struct oracle_suite *s = e->key.suite;
	int i;

	memcpy(iv, e->key.iv, s->iv_len);
	if (s->explicit_len) {
		memcpy(iv + 4, rec + RECORD_HEADER, 8);
	} else {
		for (i = 0; i < 8; i++)
			iv[4 + i] ^= rec[3 + i];
	}
	memcpy(aad, rec + 3, 8);
	memcpy(aad + 8, rec, 3);
	put_number(aad + 11, len, 2);
}

static size_t seal(struct bench_link *l, struct evp_end *e, __u8 *rec,
		   const __u8 *data)
{
	const struct oracle_suite *s = e->key.suite;
	__u8 *text = rec + RECORD_HEADER + s->explicit_len;
	size_t body = s->explicit_len + l->size + s->tag_len;
	__u8 iv[12], aad[13];
	int n;

	rec[0] = DTLS_TYPE_DATA;
	put_number(rec + 1, DTLS_1_2_VERSION, 2);
	put_number(rec + 3, e->key.epoch, 2);
	put_number(rec + 5, e->key.seq++, 6);
	put_number(rec + 11, body, 2);
	if (s->explicit_len)
		memcpy(rec + RECORD_HEADER, rec + 3, 8);
	nonce_and_aad(e, rec, l->size, iv, aad);
	must(EVP_EncryptInit_ex(e->ctx, NULL, NULL, NULL, iv));
	if (is_ccm(l))
		must(EVP_EncryptUpdate(e->ctx, NULL, &n, NULL, l->size));
	must(EVP_EncryptUpdate(e->ctx, NULL, &n, aad, sizeof(aad)));
	must(EVP_EncryptUpdate(e->ctx, text, &n, data, l->size));
	if (!is_ccm(l))
		must(EVP_EncryptFinal_ex(e->ctx, text + n, &n));
	must(EVP_CIPHER_CTX_ctrl(e->ctx, EVP_CTRL_AEAD_GET_TAG, s->tag_len,
				 text + l->size));
	return RECORD_HEADER + body;
}

static bool is_new(const struct evp_end *e, __u64 seq)
{
	return seq > e->top ||
	       (e->top - seq < 64 && !(e->window >> (e->top - seq) & 1));
}

static void mark(struct evp_end *e, __u64 seq)
{
	if (seq > e->top) {
		e->window = seq - e->top < 64 ? e->window << (seq - e->top) : 0;
		e->top = seq;
	}
	e->window |= 1ULL << (e->top - seq);
}

/* Size of the record, or 0 if it is none, or not new. */
static size_t open_record(struct bench_link *l, struct evp_end *e, __u8 *rec,
			  size_t room, __u8 *data)
{
	const struct oracle_suite *s = e->key.suite;
	__u8 *text = rec + RECORD_HEADER + s->explicit_len;
	size_t body, len;
	__u8 iv[12], aad[13];
	__u64 seq;
	int n;

	if (room < oracle_overhead(s) || rec[0] != DTLS_TYPE_DATA ||
	    get_number(rec + 1, 2) != DTLS_1_2_VERSION ||
	    get_number(rec + 3, 2) != e->key.epoch)
		return 0;
	seq = get_number(rec + 5, 6);
	body = get_number(rec + 11, 2);
	if (RECORD_HEADER + body > room || body < oracle_overhead(s) - RECORD_HEADER ||
	    !is_new(e, seq))
		return 0;
	len = body - s->explicit_len - s->tag_len;
	nonce_and_aad(e, rec, len, iv, aad);
	if (is_ccm(l)) {
		must(EVP_CIPHER_CTX_ctrl(e->ctx, EVP_CTRL_AEAD_SET_TAG, s->tag_len,
					 text + len));
		must(EVP_DecryptInit_ex(e->ctx, NULL, NULL, NULL, iv));
		must(EVP_DecryptUpdate(e->ctx, NULL, &n, NULL, len));
	} else {
		must(EVP_DecryptInit_ex(e->ctx, NULL, NULL, NULL, iv));
		must(EVP_CIPHER_CTX_ctrl(e->ctx, EVP_CTRL_AEAD_SET_TAG, s->tag_len,
					 text + len));
	}
	must(EVP_DecryptUpdate(e->ctx, NULL, &n, aad, sizeof(aad)));
	if (EVP_DecryptUpdate(e->ctx, data, &n, text, len) <= 0)
		return 0;
	if (!is_ccm(l) && EVP_DecryptFinal_ex(e->ctx, data + n, &n) <= 0)
		return 0;
	mark(e, seq);
	return RECORD_HEADER + body;
}

static void evp_send(struct bench_link *l, const __u8 *out)
{
	struct evp_end *e = l->end[0];
	unsigned int i;
	size_t len = 0;

	for (i = 0; i < l->batch; i++)
		len += seal(l, e, e->wire + len, out + i * l->size);
	if (send(l->fd[0], e->wire, len, 0) != (ssize_t)len)
		die("evp: send");
}

static unsigned int evp_recv(struct bench_link *l, __u8 *in)
{
	struct evp_end *e = l->end[1];
	unsigned int records = 0;
	size_t at = 0, used;
	ssize_t n;

	n = recv(l->fd[1], e->wire, sizeof(e->wire), 0);
	if (n < 0 && errno == EAGAIN)
		return 0;
	for (at = 0; (ssize_t)at < n; at += used) {
		used = open_record(l, e, e->wire + at, n - at,
				   in + records * l->size);
		if (!used)
			die("evp: a record that does not open");
		records++;
	}
	return records;
}

static void evp_close(struct bench_link *l)
{
	struct evp_end *e;
	int i;

	for (i = 0; i < 2; i++) {
		e = l->end[i];
		EVP_CIPHER_CTX_free(e->ctx);
		free(e);
	}
	bench_close_fds(l);
}

const struct bench_side bench_evp = {
	.name	 = "evp-gso",
	.batched = true,
	.open	 = evp_open,
	.send	 = evp_send,
	.recv	 = evp_recv,
	.close	 = evp_close,
};
