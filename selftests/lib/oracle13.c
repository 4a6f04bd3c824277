// SPDX-License-Identifier: GPL-2.0-only
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "die.h"
#include "oracle13.h"

const struct oracle13_suite oracle13_suites[] = {
	{ SUITE13_AES_128_GCM, "AES-128-GCM", "AES-128-ECB", "SHA256", 16, 16, 32 },
	{ SUITE13_AES_256_GCM, "AES-256-GCM", "AES-256-ECB", "SHA384", 32, 16, 48 },
	{ SUITE13_CHACHA20, "ChaCha20-Poly1305", "ChaCha20", "SHA256", 32, 16, 32 },
	{ SUITE13_AES_128_CCM, "AES-128-CCM", "AES-128-ECB", "SHA256", 16, 16, 32 },
	{ SUITE13_AES_128_CCM_8, "AES-128-CCM", "AES-128-ECB", "SHA256", 16, 8, 32 },
};

const unsigned int oracle13_nr_suites =
	sizeof(oracle13_suites) / sizeof(oracle13_suites[0]);

const char *oracle13_why = "";

static ssize_t no(const char *why)
{
	oracle13_why = why;
	return -1;
}

const struct oracle13_suite *oracle13_suite(__u16 id)
{
	unsigned int i;

	for (i = 0; i < oracle13_nr_suites; i++)
		if (oracle13_suites[i].id == id)
			return &oracle13_suites[i];
	die("no suite %#x", id);
}

/* Fetched when first asked for: it takes long on an emulated processor. */
static const struct evp_cipher_st *cipher(const char *name)
{
	static struct {
		const char *name;
		struct evp_cipher_st *cipher;
	} got[16];
	unsigned int i;

	for (i = 0; got[i].name; i++)
		if (!strcmp(got[i].name, name))
			return got[i].cipher;
	must(i < 15);
	got[i].cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	if (!got[i].cipher)
		die("OpenSSL lacks %s", name);
	got[i].name = name;
	return got[i].cipher;
}

void oracle13_expand(const char *hash, const char *prefix, const char *label,
		     const void *secret, size_t secret_len, void *out,
		     size_t len)
{
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
						 (char *)hash, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
						  (void *)secret, secret_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX,
						  (void *)prefix,
						  strlen(prefix)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL,
						  (void *)label, strlen(label)),
		OSSL_PARAM_END
	};
	static struct evp_kdf_st *kdf;
	struct evp_kdf_ctx_st *ctx;

	if (!kdf)
		kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
	ctx = EVP_KDF_CTX_new(kdf);
	if (!ctx || EVP_KDF_derive(ctx, out, len, params) <= 0)
		die("TLS13-KDF failed");
	EVP_KDF_CTX_free(ctx);
}

static void derive(struct oracle13_key *k)
{
	const struct oracle13_suite *s = k->suite;

	oracle13_expand(s->hash, "dtls13", "key", k->secret, s->secret_len,
			k->key, s->key_len);
	oracle13_expand(s->hash, "dtls13", "iv", k->secret, s->secret_len,
			k->iv, sizeof(k->iv));
	oracle13_expand(s->hash, "dtls13", "sn", k->secret, s->secret_len,
			k->sn, s->key_len);
}

void oracle13_key_secret(struct oracle13_key *k, __u16 suite, __u64 epoch,
			 const void *secret)
{
	memset(k, 0, sizeof(*k));
	k->suite = oracle13_suite(suite);
	k->epoch = epoch;
	memcpy(k->secret, secret, k->suite->secret_len);
	derive(k);
}

void oracle13_key_init(struct oracle13_key *k, __u16 suite, __u64 epoch,
		       unsigned int seed)
{
	__u32 x = seed * 2654435761u + epoch * 40503u + suite;
	__u8 secret[ORACLE_SECRET_MAX];
	unsigned int i;

	for (i = 0; i < sizeof(secret); i++) {
		x = x * 1664525 + 1013904223;
		secret[i] = x >> 24;
	}
	oracle13_key_secret(k, suite, epoch, secret);
}

void oracle13_key_update(struct oracle13_key *k)
{
	__u8 next[ORACLE_SECRET_MAX];

	oracle13_expand(k->suite->hash, "dtls13", "traffic upd", k->secret,
			k->suite->secret_len, next, k->suite->secret_len);
	memcpy(k->secret, next, k->suite->secret_len);
	k->epoch++;
	k->seq = 0;
	derive(k);
}

void oracle13_mask(const struct oracle13_key *k, const void *ciphertext,
		   void *mask, size_t len)
{
	bool chacha = k->suite->id == SUITE13_CHACHA20;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	__u8 zeros[16] = {}, out[32];
	int n;

	/* OpenSSL's ChaCha20 has the counter in the first 4 bytes of its IV. */
	if (!ctx ||
	    !EVP_EncryptInit_ex(ctx, cipher(k->suite->number), NULL, k->sn,
				chacha ? ciphertext : NULL) ||
	    !EVP_CIPHER_CTX_set_padding(ctx, 0) ||
	    !EVP_EncryptUpdate(ctx, out, &n, chacha ? zeros : ciphertext, 16) ||
	    n != 16)
		die("no mask");
	EVP_CIPHER_CTX_free(ctx);
	memcpy(mask, out, len);
}

static void put_number(__u8 *p, __u64 v, int bytes)
{
	while (bytes--) {
		p[bytes] = v;
		v >>= 8;
	}
}

static __u64 get_number(const __u8 *p, int bytes)
{
	__u64 v = 0;

	while (bytes--)
		v = v << 8 | *p++;
	return v;
}

struct aead {
	const char *name;
	const __u8 *key;
	__u8 nonce[12];
	__u8 aad[23 + ORACLE_CID_MAX + 16];
	size_t aad_len, tag_len;
};

static bool run_aead(const struct aead *a, bool seal, const __u8 *in,
		     size_t len, __u8 *out, __u8 *tag)
{
	bool ccm = strstr(a->name, "CCM");
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	__u8 none = 0;
	bool ok;
	int n;

	if (!ctx)
		die("no EVP context");
	ok = EVP_CipherInit_ex(ctx, cipher(a->name), NULL, NULL, NULL, seal) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL) &&
	     (seal && !ccm ? 1 :
	      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, a->tag_len,
				  seal ? NULL : tag)) &&
	     EVP_CipherInit_ex(ctx, NULL, NULL, a->key, a->nonce, seal) &&
	     (!ccm || EVP_CipherUpdate(ctx, NULL, &n, NULL, len)) &&
	     EVP_CipherUpdate(ctx, NULL, &n, a->aad, a->aad_len);
	if (!ok)
		die("EVP set-up failed");
	ok = EVP_CipherUpdate(ctx, out, &n, in ? in : &none, len) > 0;
	if (ok && (seal || !ccm))
		ok = EVP_CipherFinal_ex(ctx, out + len, &n) > 0;
	if (ok && seal)
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, a->tag_len,
					 tag) > 0;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* RFC 8446 5.3: 64 bits in network order, padded on the left, XOR the IV. */
static void aead13(struct aead *a, const struct oracle13_key *k, __u64 seq,
		   const __u8 *header, size_t len)
{
	__u8 number[12] = {};
	unsigned int i;

	a->name = k->suite->aead;
	a->key = k->key;
	a->tag_len = k->suite->tag_len;
	put_number(number + 4, seq, 8);
	for (i = 0; i < 12; i++)
		a->nonce[i] = k->iv[i] ^ number[i];
	memcpy(a->aad, header, len);
	a->aad_len = len;
}

size_t oracle13_seal_form(const struct oracle13_key *k,
			  const struct oracle13_form *f, __u64 seq, __u8 type,
			  const void *data, size_t len, void *out)
{
	static __u8 inner[DTLS_PLAINTEXT_MAX + 65536];
	bool has_cid = k->cid_len && !f->no_cid;
	__u8 *rec = out, *p = rec, *number;
	size_t inner_len = 0, body;
	struct aead a;
	__u8 mask[2];

	if (!f->no_type) {
		if (len)
			memcpy(inner, data, len);
		inner[len] = type;
		inner_len = len + 1;
	}
	memset(inner + inner_len, 0, f->pad);
	inner_len += f->pad;
	body = inner_len + k->suite->tag_len;

	*p++ = 0x20 | (has_cid ? 0x10 : 0) | (f->seq8 ? 0 : 0x08) |
	       (f->no_length ? 0 : 0x04) | k->epoch % 4;
	if (has_cid) {
		memcpy(p, k->cid, k->cid_len);
		p += k->cid_len;
	}
	number = p;
	put_number(p, seq, f->seq8 ? 1 : 2);
	p += f->seq8 ? 1 : 2;
	if (!f->no_length) {
		put_number(p, body, 2);
		p += 2;
	}
	aead13(&a, k, seq, rec, p - rec);
	if (!run_aead(&a, true, inner, inner_len, p, p + inner_len))
		die("sealing failed");
	/* A test may want a record that is too short for a mask. */
	if (body >= 16) {
		oracle13_mask(k, p, mask, 2);
		number[0] ^= mask[0];
		if (!f->seq8)
			number[1] ^= mask[1];
	}
	return p + body - rec;
}

size_t oracle13_seal(struct oracle13_key *k, __u8 type, const void *data,
		     size_t len, void *out)
{
	struct oracle13_form f = {};

	/* RFC 9147 4.2.3: "Senders MUST pad short plaintexts out" */
	if (len + 1 + k->suite->tag_len < 16)
		f.pad = 16 - k->suite->tag_len - len - 1;
	return oracle13_seal_form(k, &f, k->seq++, type, data, len, out);
}

/* RFC 9147 4.2.2: look further and further away, above before below. */
static __u64 nearest(__u64 next, __u16 low, bool seq16)
{
	__u64 mask = seq16 ? 0xffff : 0xff, d;

	for (d = 0; ; d++) {
		if (((next + d) & mask) == low && next + d < 1ULL << 48)
			return next + d;
		if (d <= next && ((next - d) & mask) == low &&
		    next - d < 1ULL << 48)
			return next - d;
	}
}

ssize_t oracle13_open(const struct oracle13_key *k, __u64 next, const void *rec,
		      size_t left, struct oracle13_record *r)
{
	const __u8 *p = rec, *number;
	__u8 header[1 + ORACLE_CID_MAX + 4], tag[16], mask[2];
	size_t inner, number_len;
	struct aead a;

	memset(r, 0, offsetof(struct oracle13_record, data));
	if (!left)
		return no("empty");
	r->first = *p++;
	if (r->first >> 5 != 1)
		return no("no unified header");
	r->has_cid = r->first & 0x10;
	r->seq16 = r->first & 0x08;
	r->has_length = r->first & 0x04;
	r->epoch_bits = r->first & 0x03;
	r->epoch = k->epoch;
	if (r->epoch_bits != k->epoch % 4)
		return no("another epoch");
	if (r->has_cid && !k->cid_len)
		return no("connection ID, where there is none");
	r->cid_len = r->has_cid ? k->cid_len : 0;
	number_len = r->seq16 ? 2 : 1;
	r->header = 1 + r->cid_len + number_len + (r->has_length ? 2 : 0);
	if (left < r->header)
		return no("ends in the header");
	memcpy(r->cid, p, r->cid_len);
	p += r->cid_len;
	if (memcmp(r->cid, k->cid, r->cid_len))
		return no("another connection ID");
	number = p;
	r->wire_number = get_number(p, number_len);
	p += number_len;
	r->body = left - r->header;
	if (r->has_length) {
		r->body = get_number(p, 2);
		p += 2;
	}
	if (r->body > left - r->header)
		return no("ends in the ciphertext");
	if (r->body < 16)
		return no("less than 16 bytes of ciphertext");
	if (r->body > 16384 + 256)
		return no("too long");

	oracle13_mask(k, p, mask, 2);
	memcpy(header, rec, r->header);
	header[1 + r->cid_len] ^= mask[0];
	if (r->seq16)
		header[2 + r->cid_len] ^= mask[1];
	r->low = get_number(header + (number - (const __u8 *)rec), number_len);
	r->seq = nearest(next, r->low, r->seq16);

	aead13(&a, k, r->seq, header, r->header);
	inner = r->body - k->suite->tag_len;
	memcpy(tag, p + inner, k->suite->tag_len);
	if (!run_aead(&a, false, p, inner, r->data, tag))
		return no("not authentic");
	if (inner > 16384 + 1)
		return no("too much inside");
	for (r->len = inner; r->len && !r->data[r->len - 1]; r->len--)
		r->pad++;
	if (!r->len)
		return no("no content type");
	r->type = r->data[--r->len];
	if (r->type != 21 && r->type != 22 && r->type != 23 && r->type != 24 &&
	    r->type != TYPE_ACK)
		return no("no such content type");
	oracle13_why = "";
	return r->header + r->body;
}

/* RFC 9146 5.3, with the nonce of RFC 5288 3, 6655 3 or 7905 2. */
static void aead_cid(struct aead *a, const struct oracle_key *k,
		     const struct oracle_cid *c, __u64 seq,
		     const __u8 explicit[8], size_t inner)
{
	__u8 *p = a->aad;
	int i;

	switch (k->suite->id) {
	case SUITE_AES_128_GCM:
		a->name = "AES-128-GCM";
		break;
	case SUITE_AES_256_GCM:
		a->name = "AES-256-GCM";
		break;
	case SUITE_CHACHA20:
		a->name = "ChaCha20-Poly1305";
		break;
	default:
		a->name = "AES-128-CCM";
	}
	a->key = k->key;
	a->tag_len = k->suite->tag_len;
	memcpy(a->nonce, k->iv, k->suite->iv_len);
	if (k->suite->explicit_len) {
		memcpy(a->nonce + 4, explicit, 8);
	} else {
		__u8 number[8];

		put_number(number, k->epoch, 2);
		put_number(number + 2, seq, 6);
		for (i = 0; i < 8; i++)
			a->nonce[4 + i] ^= number[i];
	}

	memset(p, 0xff, 8);		/* seq_num_placeholder */
	p += 8;
	*p++ = TYPE_CID12;
	*p++ = c->len;			/* cid_length */
	*p++ = TYPE_CID12;
	put_number(p, DTLS_1_2_VERSION, 2);
	put_number(p + 2, k->epoch, 2);
	put_number(p + 4, seq, 6);
	p += 10;
	memcpy(p, c->cid, c->len);
	p += c->len;
	put_number(p, inner, 2);
	p += 2;
	a->aad_len = p - a->aad;
}

size_t oracle_cid_seal(const struct oracle_key *k, const struct oracle_cid *c,
		       __u64 seq, __u8 type, unsigned int pad,
		       const __u8 *nonce, const void *data, size_t len,
		       void *out)
{
	static __u8 inner[DTLS_PLAINTEXT_MAX + 65536];
	const struct oracle_suite *s = k->suite;
	size_t inner_len = len + 1 + pad;
	__u8 number[8], *p = out;
	struct aead a;

	put_number(number, k->epoch, 2);
	put_number(number + 2, seq, 6);
	if (!nonce)
		nonce = number;
	if (len)
		memcpy(inner, data, len);
	inner[len] = type;
	memset(inner + len + 1, 0, pad);

	*p++ = TYPE_CID12;
	put_number(p, DTLS_1_2_VERSION, 2);
	memcpy(p + 2, number, 8);
	memcpy(p + 10, c->cid, c->len);
	p += 10 + c->len;
	put_number(p, s->explicit_len + inner_len + s->tag_len, 2);
	p += 2;
	memcpy(p, nonce, s->explicit_len);
	p += s->explicit_len;
	aead_cid(&a, k, c, seq, nonce, inner_len);
	if (!run_aead(&a, true, inner, inner_len, p, p + inner_len))
		die("sealing failed");
	return p + inner_len + s->tag_len - (__u8 *)out;
}

ssize_t oracle_cid_open(const struct oracle_key *k, const struct oracle_cid *c,
			const void *rec, size_t left, struct oracle_record *r,
			size_t *pad)
{
	static __u8 inner[65536];
	const struct oracle_suite *s = k->suite;
	size_t header = RECORD_HEADER + c->len, body, inner_len;
	const __u8 *p = rec;
	struct aead a;
	__u8 tag[16];

	if (left < header)
		return no("ends in the header");
	memset(&r->h, 0, sizeof(r->h));
	r->h.version = get_number(p + 1, 2);
	r->h.epoch = get_number(p + 3, 2);
	r->h.seq = get_number(p + 5, 6);
	body = get_number(p + 11 + c->len, 2);
	if (p[0] != TYPE_CID12)
		return no("another outer type");
	if (r->h.version != DTLS_1_2_VERSION)
		return no("another version");
	if (r->h.epoch != k->epoch)
		return no("another epoch");
	if (memcmp(p + 11, c->cid, c->len))
		return no("another connection ID");
	if (body > left - header)
		return no("ends in the ciphertext");
	if (body < (size_t)s->explicit_len + s->tag_len)
		return no("too short");
	p += header;
	memcpy(r->h.nonce, p, s->explicit_len);
	p += s->explicit_len;
	inner_len = body - s->explicit_len - s->tag_len;
	memcpy(tag, p + inner_len, s->tag_len);
	aead_cid(&a, k, c, r->h.seq, r->h.nonce, inner_len);
	if (!run_aead(&a, false, p, inner_len, inner, tag))
		return no("not authentic");
	if (inner_len > 16384)
		return no("too much inside");
	for (*pad = 0; inner_len && !inner[inner_len - 1]; inner_len--)
		++*pad;
	if (!inner_len)
		return no("no content type");
	r->h.type = inner[--inner_len];
	r->len = inner_len;
	memcpy(r->data, inner, inner_len);
	oracle13_why = "";
	return header + body;
}
