// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one table of ciphers, and what it takes to seal and open a record.
 *
 * A record is worked on where it lies, in a buffer of the module's own. Just
 * before the payload stand the record header and the explicit nonce, at least
 * as many bytes as the additional data: so the additional data is written
 * there, and the cipher sees one contiguous piece (additional data, payload,
 * tag), which is what the AES-NI and AVX drivers are quickest with. The
 * header takes its place when the cipher is done.
 */
#include <linux/bits.h>
#include <linux/crypto.h>

#include "cid12.h"
#include "cipher.h"
#include "record13.h"
#include "work.h"

/* RFC 9147 4.5.3 and appendix B; DTLS 1.2 states none, the maths is the same. */
#define DTLS_LIMIT_GCM_SEAL	23726566ULL	/* 2^24.5 */
#define DTLS_LIMIT_CCM_SEAL	BIT_ULL(23)
#define DTLS_LIMIT_CCM_FAIL	11863283ULL	/* 2^23.5 */
#define DTLS_LIMIT_FAIL		BIT_ULL(36)

enum {
	AES_128_GCM,
	AES_256_GCM,
	CHACHA20_POLY1305,
	AES_128_CCM,
	AES_128_CCM_8,
	/* RFC 9147: the whole nonce is implicit, and numbers are encrypted */
	AES_128_GCM_13,
	AES_256_GCM_13,
	CHACHA20_POLY1305_13,
	AES_128_CCM_13,
	AES_128_CCM_8_13,
};

static const struct dtls_cipher dtls_ciphers[] = {
	[AES_128_GCM] = {
		.name = "AES-128-GCM", .alg = "gcm(aes)",
		.seal_limit = DTLS_LIMIT_GCM_SEAL, .fail_limit = DTLS_LIMIT_FAIL,
		.key_len = 16, .iv_len = 4, .explicit_len = 8, .tag_len = 16,
	},
	[AES_256_GCM] = {
		.name = "AES-256-GCM", .alg = "gcm(aes)",
		.seal_limit = DTLS_LIMIT_GCM_SEAL, .fail_limit = DTLS_LIMIT_FAIL,
		.key_len = 32, .iv_len = 4, .explicit_len = 8, .tag_len = 16,
	},
	[CHACHA20_POLY1305] = {
		.name = "ChaCha20-Poly1305", .alg = "rfc7539(chacha20,poly1305)",
		.fail_limit = DTLS_LIMIT_FAIL,
		.key_len = 32, .iv_len = 12, .tag_len = 16,
	},
	[AES_128_CCM] = {
		.name = "AES-128-CCM", .alg = "ccm(aes)",
		.seal_limit = DTLS_LIMIT_CCM_SEAL,
		.fail_limit = DTLS_LIMIT_CCM_FAIL,
		.key_len = 16, .iv_len = 4, .explicit_len = 8, .tag_len = 16,
		.ccm = true,
	},
	[AES_128_CCM_8] = {
		.name = "AES-128-CCM-8", .alg = "ccm(aes)",
		.seal_limit = DTLS_LIMIT_CCM_SEAL,
		.fail_limit = DTLS_LIMIT_CCM_FAIL,
		.key_len = 16, .iv_len = 4, .explicit_len = 8, .tag_len = 8,
		.ccm = true,
	},
	[AES_128_GCM_13] = {
		.name = "AES-128-GCM", .alg = "gcm(aes)", .sn_alg = "ecb(aes)",
		.seal_limit = DTLS_LIMIT_GCM_SEAL, .fail_limit = DTLS_LIMIT_FAIL,
		.key_len = 16, .iv_len = 12, .tag_len = 16,
	},
	[AES_256_GCM_13] = {
		.name = "AES-256-GCM", .alg = "gcm(aes)", .sn_alg = "ecb(aes)",
		.seal_limit = DTLS_LIMIT_GCM_SEAL, .fail_limit = DTLS_LIMIT_FAIL,
		.key_len = 32, .iv_len = 12, .tag_len = 16,
	},
	[CHACHA20_POLY1305_13] = {
		.name = "ChaCha20-Poly1305", .alg = "rfc7539(chacha20,poly1305)",
		.sn_alg = "chacha20",
		.fail_limit = DTLS_LIMIT_FAIL,
		.key_len = 32, .iv_len = 12, .tag_len = 16,
	},
	[AES_128_CCM_13] = {
		.name = "AES-128-CCM", .alg = "ccm(aes)", .sn_alg = "ecb(aes)",
		.seal_limit = DTLS_LIMIT_CCM_SEAL,
		.fail_limit = DTLS_LIMIT_CCM_FAIL,
		.key_len = 16, .iv_len = 12, .tag_len = 16,
		.ccm = true,
	},
	[AES_128_CCM_8_13] = {
		.name = "AES-128-CCM-8", .alg = "ccm(aes)", .sn_alg = "ecb(aes)",
		.seal_limit = DTLS_LIMIT_CCM_SEAL,
		.fail_limit = DTLS_LIMIT_CCM_FAIL,
		.key_len = 16, .iv_len = 12, .tag_len = 8,
		.ccm = true,
	},
};

/*
 * IANA "TLS Cipher Suites" of DTLS 1.2 whose AEAD is in the table above, in
 * the order of their numbers. The key exchange is the handshake's business.
 */
static const struct {
	u16	suite;
	u8	cipher;
} dtls_suites[] = {
	{ 0x009c, AES_128_GCM },	/* RSA */
	{ 0x009d, AES_256_GCM },
	{ 0x009e, AES_128_GCM },	/* DHE_RSA */
	{ 0x009f, AES_256_GCM },
	{ 0x00a2, AES_128_GCM },	/* DHE_DSS */
	{ 0x00a3, AES_256_GCM },
	{ 0x00a6, AES_128_GCM },	/* DH_anon */
	{ 0x00a7, AES_256_GCM },
	{ 0x00a8, AES_128_GCM },	/* PSK */
	{ 0x00a9, AES_256_GCM },
	{ 0x00aa, AES_128_GCM },	/* DHE_PSK */
	{ 0x00ab, AES_256_GCM },
	{ 0x00ac, AES_128_GCM },	/* RSA_PSK */
	{ 0x00ad, AES_256_GCM },
	{ 0xc02b, AES_128_GCM },	/* ECDHE_ECDSA */
	{ 0xc02c, AES_256_GCM },
	{ 0xc02d, AES_128_GCM },	/* ECDH_ECDSA */
	{ 0xc02e, AES_256_GCM },
	{ 0xc02f, AES_128_GCM },	/* ECDHE_RSA */
	{ 0xc030, AES_256_GCM },
	{ 0xc031, AES_128_GCM },	/* ECDH_RSA */
	{ 0xc032, AES_256_GCM },
	{ 0xc09c, AES_128_CCM },	/* RSA */
	{ 0xc09e, AES_128_CCM },	/* DHE_RSA */
	{ 0xc0a0, AES_128_CCM_8 },	/* RSA */
	{ 0xc0a2, AES_128_CCM_8 },	/* DHE_RSA */
	{ 0xc0a4, AES_128_CCM },	/* PSK */
	{ 0xc0a6, AES_128_CCM },	/* DHE_PSK */
	{ 0xc0a8, AES_128_CCM_8 },	/* PSK */
	{ 0xc0aa, AES_128_CCM_8 },	/* PSK_DHE */
	{ 0xc0ac, AES_128_CCM },	/* ECDHE_ECDSA */
	{ 0xc0ae, AES_128_CCM_8 },	/* ECDHE_ECDSA */
	{ 0xcca8, CHACHA20_POLY1305 },	/* ECDHE_RSA */
	{ 0xcca9, CHACHA20_POLY1305 },	/* ECDHE_ECDSA */
	{ 0xccaa, CHACHA20_POLY1305 },	/* DHE_RSA */
	{ 0xccab, CHACHA20_POLY1305 },	/* PSK */
	{ 0xccac, CHACHA20_POLY1305 },	/* ECDHE_PSK */
	{ 0xccad, CHACHA20_POLY1305 },	/* DHE_PSK */
	{ 0xccae, CHACHA20_POLY1305 },	/* RSA_PSK */
	{ 0xd001, AES_128_GCM },	/* ECDHE_PSK */
	{ 0xd002, AES_256_GCM },
	{ 0xd003, AES_128_CCM_8 },
	{ 0xd005, AES_128_CCM },
};

/* RFC 8446 B.4: those of TLS 1.3, in the order of their numbers. */
static const u8 dtls_suites13[] = {
	AES_128_GCM_13, AES_256_GCM_13, CHACHA20_POLY1305_13, AES_128_CCM_13,
	AES_128_CCM_8_13,
};

#define DTLS_SUITES13_FIRST	0x1301

/**
 * dtls_cipher_find() - the AEAD of a cipher suite
 * @version: version of DTLS, as on the wire
 * @suite:   IANA number
 *
 * Context: any.
 * Return: the entry, or NULL if the module has no such suite.
 */
const struct dtls_cipher *dtls_cipher_find(u16 version, u16 suite)
{
	int i = suite - DTLS_SUITES13_FIRST;

	if (version == DTLS_1_3_VERSION)
		return i >= 0 && i < ARRAY_SIZE(dtls_suites13) ?
		       &dtls_ciphers[dtls_suites13[i]] : NULL;
	for (i = 0; i < ARRAY_SIZE(dtls_suites); i++)
		if (dtls_suites[i].suite == suite)
			return &dtls_ciphers[dtls_suites[i].cipher];
	return NULL;
}

/**
 * dtls_cipher_wraps() - is a driver but a wrapper
 * @tfm:  transform of the driver
 * @name: set to the name of what is inside, %CRYPTO_MAX_ALG_NAME bytes
 *
 * On x86 what a name gets is often a wrapper that looks whether the FPU may be
 * used and otherwise leaves the work to a thread. We run in process context
 * only, where it always may: so we take what is wrapped, which saves the
 * wrapper's time with each record and two transforms of memory. It has the
 * wrapper's name after two underscores.
 *
 * A wrapper may answer later, and says so; what is put together from templates is
 * none. Asking in vain is costly: the crypto API runs modprobe then, whatever the
 * flags.
 *
 * Context: any. Return: true if so, by all that can be seen of it.
 */
bool dtls_cipher_wraps(struct crypto_tfm *tfm, char *name)
{
	const char *driver = crypto_tfm_alg_driver_name(tfm);

	return tfm->__crt_alg->cra_flags & CRYPTO_ALG_ASYNC &&
	       !strchr(driver, '(') &&
	       snprintf(name, CRYPTO_MAX_ALG_NAME, "__%s", driver) <
	       CRYPTO_MAX_ALG_NAME;
}

static struct crypto_aead *dtls_cipher_alloc(const char *alg)
{
	struct crypto_aead *tfm = crypto_alloc_aead(alg, 0, 0), *inner;
	char name[CRYPTO_MAX_ALG_NAME];

	if (IS_ERR(tfm) || !dtls_cipher_wraps(crypto_aead_tfm(tfm), name))
		return tfm;
	inner = crypto_alloc_aead(name, CRYPTO_ALG_INTERNAL,
				  CRYPTO_ALG_INTERNAL | CRYPTO_ALG_ASYNC |
				  CRYPTO_NOLOAD);
	if (IS_ERR(inner))
		return tfm;
	crypto_free_aead(tfm);
	return inner;
}

/**
 * dtls_cipher_init() - key an AEAD
 * @aead:   filled
 * @cipher: entry of the table
 * @key:    @cipher->key_len bytes
 * @iv:     @cipher->iv_len bytes
 *
 * Context: process, may sleep and load a crypto module.
 * Return: 0, or the crypto API's negative errno: -ENOENT if this kernel does
 * not have the AEAD, or only one that no work area has room for.
 */
int dtls_cipher_init(struct dtls_aead *aead, const struct dtls_cipher *cipher,
		     const u8 *key, const u8 *iv)
{
	int err;

	aead->cipher = cipher;
	aead->tfm = dtls_cipher_alloc(cipher->alg);
	if (IS_ERR(aead->tfm)) {
		err = PTR_ERR(aead->tfm);
		aead->tfm = NULL;
		return err;
	}
	err = dtls_work_fits(aead->tfm) ? 0 : -ENOENT;
	if (!err)
		err = crypto_aead_setkey(aead->tfm, key, cipher->key_len);
	if (!err)
		err = crypto_aead_setauthsize(aead->tfm, cipher->tag_len);
	if (err) {
		crypto_free_aead(aead->tfm);
		aead->tfm = NULL;
		return err;
	}
	memcpy(aead->iv, iv, cipher->iv_len);
	return 0;
}

/**
 * dtls_cipher_shape() - say what the records look like
 * @aead:    keyed with dtls_cipher_init()
 * @form:    their form
 * @cid:     connection ID, which lives as long as @aead
 * @cid_len: bytes of it; 0: none
 *
 * Context: any.
 */
void dtls_cipher_shape(struct dtls_aead *aead, enum dtls_form form,
		       const u8 *cid, unsigned int cid_len)
{
	const struct dtls_cipher *c = aead->cipher;
	unsigned int hdr = DTLS_RECORD_HDR12 + cid_len;

	if (form == DTLS_FORM_13)
		hdr = DTLS_RECORD13_HDR + cid_len;
	aead->form = form;
	aead->cid = cid;
	aead->cid_len = cid_len;
	aead->front = hdr + c->explicit_len;
	aead->over = aead->front + (form != DTLS_FORM_12) + c->tag_len;
	aead->least = aead->over - hdr;
}

/**
 * dtls_cipher_destroy() - forget a keyed AEAD
 * @aead: its key and IV are wiped; no request may be in flight
 *
 * Context: process, may sleep.
 */
void dtls_cipher_destroy(struct dtls_aead *aead)
{
	if (aead->tfm)
		crypto_free_aead(aead->tfm);
	aead->tfm = NULL;
	dtls_cipher13_destroy(aead);
	memzero_explicit(aead->iv, sizeof(aead->iv));
}

/*
 * The nonce of a record. @explicit is what the wire carries, or shall carry:
 * for AES-GCM and AES-CCM "the explicit part is chosen by the sender" (RFC 5288
 * 3), so a receiver must read it rather than assume the sequence number.
 */
static __always_inline void
dtls_cipher_nonce(const struct dtls_aead *aead, u8 *iv, const u8 *explicit,
		  u16 epoch, u64 seq)
{
	const struct dtls_cipher *c = aead->cipher;

	if (likely(c->explicit_len && !c->ccm)) {
		memcpy(iv, aead->iv, 4);
		memcpy(iv + 4, explicit, 8);
	} else if (c->ccm) {
		/* RFC 3610 2.3: flags hold L' = L - 1, and 15 - L = 12 bytes */
		iv[0] = 2;
		memcpy(iv + 1, aead->iv, 4);
		memcpy(iv + 5, explicit, 8);
		memset(iv + 13, 0, 3);
	} else {
		/* RFC 7905 2: the padded 64-bit number, XORed with the IV */
		memcpy(iv, aead->iv, 4);
		dtls_record_put_be64(iv + 4, dtls_record_get_be64(aead->iv + 4) ^
					     dtls_record_number(epoch, seq));
	}
}

/**
 * dtls_cipher_seal12() - dtls_cipher_seal() for DTLS 1.2
 * @aead:  key
 * @work:  work area, got for @aead
 * @wire:  start of the record
 * @type:  content type
 * @epoch: epoch of the key
 * @seq:   sequence number
 * @plain: bytes of plaintext
 *
 * Context: process, sleeps if the AEAD does.
 * Return: bytes of the record at @wire, or the AEAD's negative errno.
 */
int dtls_cipher_seal12(const struct dtls_aead *aead, struct dtls_work *work,
		       u8 *wire, u8 type, u16 epoch, u64 seq,
		       unsigned int plain)
{
	const struct dtls_cipher *c = aead->cipher;
	u8 *payload = wire + aead->front;
	/* also the explicit nonce, as RFC 5288 3 and RFC 6655 3 suggest */
	u64 number = dtls_record_number(epoch, seq);
	int err;

	if (likely(c->explicit_len && !c->ccm)) {
		memcpy(work->iv, aead->iv, 4);
		dtls_record_put_be64(work->iv + 4, number);
	} else {
		u8 explicit[DTLS_RECORD_NONCE12];

		dtls_record_put_be64(explicit, number);
		dtls_cipher_nonce(aead, work->iv, explicit, epoch, seq);
	}
	dtls_record_put_aad12_number(payload - DTLS_RECORD_AAD12, type, number,
				     plain);
	dtls_work_point(work, payload - DTLS_RECORD_AAD12,
			DTLS_RECORD_AAD12 + plain + c->tag_len);
	err = dtls_work_run(work, &work->sg, &work->sg, plain, true);
	if (err)
		return err;

	dtls_record_put_hdr12_number(wire, type, number, aead->least + plain);
	if (c->explicit_len)
		dtls_record_put_be64(wire + DTLS_RECORD_HDR12, number);
	return aead->over + plain;
}

/**
 * dtls_cipher_open12() - open a record of DTLS 1.2
 * @aead:  key
 * @work:  work area, got for @aead
 * @frag:  where it goes: room for the fragment, in memory that may be mapped
 *         for DMA, with %DTLS_RECORD_AAD12 bytes of room in front, which are
 *         overwritten
 * @from:  the fragment: @frag, or memory that nobody writes meanwhile
 * @hdr:   its header
 *
 * Context: process, sleeps if the AEAD does.
 * Return: bytes of plaintext, which begins behind the explicit nonce; or
 * -EMSGSIZE if the fragment cannot hold nonce and tag; -EBADMSG if it is not
 * authentic; -EOVERFLOW if it is, but too long; or another errno of the AEAD.
 * What lies in @frag after an error must not be shown to anyone.
 */
int dtls_cipher_open12(const struct dtls_aead *aead, struct dtls_work *work,
		       u8 *frag, const u8 *from,
		       const struct dtls_record_hdr *hdr)
{
	const struct dtls_cipher *c = aead->cipher;
	struct scatterlist *sg = &work->sg;
	u8 *payload = frag + c->explicit_len;
	unsigned int plain;
	int err;

	if (hdr->len < aead->least)
		return -EMSGSIZE;
	plain = hdr->len - aead->least;

	dtls_cipher_nonce(aead, work->iv, from, hdr->epoch, hdr->seq);
	dtls_record_put_aad12(payload - DTLS_RECORD_AAD12, hdr->type,
			      hdr->epoch, hdr->seq, plain);
	dtls_work_point(work, payload - DTLS_RECORD_AAD12,
			DTLS_RECORD_AAD12 + plain + c->tag_len);
	if (from != frag) {
		sg = work->in;
		sg_set_buf(&sg[0], payload - DTLS_RECORD_AAD12,
			   DTLS_RECORD_AAD12);
		sg_set_buf(&sg[1], from + c->explicit_len, plain + c->tag_len);
	}
	err = dtls_work_run(work, sg, &work->sg, plain + c->tag_len, false);
	if (err)
		return err;
	/* RFC 5246 6.2.3: "length MUST NOT exceed 2^14" for the plaintext */
	if (plain > DTLS_RECORD_PLAIN_MAX)
		return -EOVERFLOW;
	return plain;
}

/* The additional data is longer than what is in front of a payload. */
static void dtls_cipher_aad_cid12(const struct dtls_aead *aead,
				  struct dtls_work *work, u16 epoch, u64 seq,
				  unsigned int inner)
{
	dtls_cid12_put_aad(work->aad, epoch, seq, aead->cid, aead->cid_len,
			   inner);
	sg_set_buf(&work->in[0], work->aad, DTLS_CID12_AAD(aead->cid_len));
}

/* As dtls_work_run(), for what @work->in holds. */
static int dtls_cipher_run_cid12(const struct dtls_aead *aead,
				 struct dtls_work *work, unsigned int crypt,
				 bool seal)
{
	int err;

	aead_request_set_ad(work->req, DTLS_CID12_AAD(aead->cid_len));
	err = dtls_work_run(work, work->in, work->in, crypt, seal);
	aead_request_set_ad(work->req, DTLS_RECORD_AAD12);
	return err;
}

/**
 * dtls_cipher_seal_cid12() - dtls_cipher_seal() for DTLS 1.2 with connection ID
 * @aead:  key
 * @work:  work area, got for @aead
 * @wire:  start of the record
 * @type:  content type
 * @epoch: epoch of the key
 * @seq:   sequence number
 * @plain: bytes of plaintext
 * @pad:   bytes of padding
 *
 * Context: process, sleeps if the AEAD does.
 * Return: bytes of the record at @wire, or the AEAD's negative errno.
 */
int dtls_cipher_seal_cid12(const struct dtls_aead *aead, struct dtls_work *work,
			   u8 *wire, u8 type, u16 epoch, u64 seq,
			   unsigned int plain, unsigned int pad)
{
	const struct dtls_cipher *c = aead->cipher;
	u8 *payload = wire + aead->front;
	u8 explicit[DTLS_RECORD_NONCE12];
	unsigned int inner;
	int err;

	inner = dtls_inner_put(payload, plain, type, pad);
	dtls_record_put_be64(explicit, (u64)epoch << 48 | seq);
	dtls_cipher_nonce(aead, work->iv, explicit, epoch, seq);
	dtls_cipher_aad_cid12(aead, work, epoch, seq, inner);
	sg_set_buf(&work->in[1], payload, inner + c->tag_len);
	err = dtls_cipher_run_cid12(aead, work, inner, true);
	if (err)
		return err;

	dtls_cid12_put_hdr(wire, epoch, seq, aead->cid, aead->cid_len,
			   c->explicit_len + inner + c->tag_len);
	if (c->explicit_len)
		memcpy(payload - DTLS_RECORD_NONCE12, explicit,
		       DTLS_RECORD_NONCE12);
	return aead->over + plain + pad;
}

/**
 * dtls_cipher_open_cid12() - open a record of DTLS 1.2 with a connection ID
 * @aead:  key
 * @work:  work area, got for @aead
 * @frag:  where it goes: room for the fragment, in memory that may be mapped
 *         for DMA
 * @from:  the fragment: @frag, or memory that nobody writes meanwhile
 * @hdr:   its header
 *
 * Context: process, sleeps if the AEAD does.
 * Return: bytes of the DTLSInnerPlaintext, which begins behind the explicit
 * nonce; or an error as dtls_cipher_open12() has it.
 */
int dtls_cipher_open_cid12(const struct dtls_aead *aead, struct dtls_work *work,
			   u8 *frag, const u8 *from,
			   const struct dtls_record_hdr *hdr)
{
	const struct dtls_cipher *c = aead->cipher;
	unsigned int inner;
	int err;

	if (hdr->len < aead->least)
		return -EMSGSIZE;
	inner = hdr->len - c->explicit_len - c->tag_len;

	if (from != frag)
		memcpy(frag, from, hdr->len);
	dtls_cipher_nonce(aead, work->iv, frag, hdr->epoch, hdr->seq);
	dtls_cipher_aad_cid12(aead, work, hdr->epoch, hdr->seq, inner);
	sg_set_buf(&work->in[1], frag + c->explicit_len, inner + c->tag_len);
	err = dtls_cipher_run_cid12(aead, work, inner + c->tag_len, false);
	if (err)
		return err;
	return inner > DTLS_CID12_INNER_MAX ? -EOVERFLOW : inner;
}
