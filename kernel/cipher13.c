// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records of DTLS 1.3 (RFC 9147): sealed, opened, and their numbers encrypted.
 *
 * The header of a record is its additional data, as it stands in front of the
 * payload, with the number in the clear. Once a record is sealed its number is
 * encrypted with a mask made from its ciphertext. Those of a batch wait for each
 * other, so that one call of the cipher makes all the masks.
 */
#include <crypto/internal/cipher.h>
#include <linux/module.h>

#include "cipher.h"
#include "compat.h"
#include "record13.h"
#include "work.h"

/* As with AEADs: what a wrapper wraps is quicker here. */
static struct crypto_skcipher *dtls_cipher13_alloc(const char *alg)
{
	struct crypto_skcipher *tfm = crypto_alloc_skcipher(alg, 0, 0), *inner;
	char name[CRYPTO_MAX_ALG_NAME];

	if (IS_ERR(tfm) ||
	    !dtls_cipher_wraps(crypto_skcipher_tfm(tfm), name))
		return tfm;
	inner = crypto_alloc_skcipher(name, CRYPTO_ALG_INTERNAL,
				      CRYPTO_ALG_INTERNAL | CRYPTO_ALG_ASYNC |
				      CRYPTO_NOLOAD);
	if (IS_ERR(inner))
		return tfm;
	crypto_free_skcipher(tfm);
	return inner;
}

MODULE_IMPORT_NS(DTLS_COMPAT_NS_CRYPTO);

/*
 * A record that is alone has one block to be encrypted. What the crypto API does
 * for a list of pieces of memory costs four times as much as that.
 */
static int dtls_cipher13_alone(struct dtls_aead *aead, const u8 *key)
{
	struct crypto_cipher *tfm;
	int err;

	if (crypto_skcipher_ivsize(aead->sn))
		return 0;
	tfm = crypto_alloc_cipher("aes", 0, 0);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm) == -ENOENT ? 0 : PTR_ERR(tfm);
	err = crypto_cipher_setkey(tfm, key, aead->cipher->key_len);
	if (err)
		crypto_free_cipher(tfm);
	else
		aead->block = tfm;
	return err;
}

/**
 * dtls_cipher13_destroy() - forget the ciphers for sequence numbers
 * @aead: what dtls_cipher13_init() has keyed, or not
 *
 * Context: process, may sleep.
 */
void dtls_cipher13_destroy(struct dtls_aead *aead)
{
	if (aead->sn)
		crypto_free_skcipher(aead->sn);
	aead->sn = NULL;
	if (aead->block)
		crypto_free_cipher(aead->block);
	aead->block = NULL;
}

/**
 * dtls_cipher13_init() - key the cipher for sequence numbers
 * @aead: keyed with dtls_cipher_init(), which then owns this as well
 * @key:  as long as that of the AEAD
 *
 * Context: process, may sleep and load a crypto module.
 * Return: 0; -EOVERFLOW if its requests are larger than we have room for; or
 * the crypto API's negative errno.
 */
int dtls_cipher13_init(struct dtls_aead *aead, const u8 *key)
{
	struct crypto_skcipher *tfm = dtls_cipher13_alloc(aead->cipher->sn_alg);
	int err = -EOVERFLOW;

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	if (sizeof(struct skcipher_request) + crypto_skcipher_reqsize(tfm) <=
	    DTLS_WORK_SN_REQ)
		err = crypto_skcipher_setkey(tfm, key, aead->cipher->key_len);
	if (err) {
		crypto_free_skcipher(tfm);
		return err;
	}
	aead->sn = tfm;
	return dtls_cipher13_alone(aead, key);
}

static __always_inline void
dtls_cipher13_nonce(const struct dtls_aead *aead, u8 *iv, u64 seq)
{
	if (unlikely(aead->cipher->ccm)) {
		/* RFC 3610 2.3: flags hold L' = L - 1, and 15 - L = 12 bytes */
		iv[0] = 2;
		dtls_record13_nonce(iv + 1, aead->iv, seq);
		memset(iv + 13, 0, 3);
	} else {
		dtls_record13_nonce(iv, aead->iv, seq);
	}
}

/* One call of the cipher for sequence numbers, over @len bytes of masks. */
static int dtls_cipher13_run(const struct dtls_aead *aead,
			     struct dtls_work *work, u8 *masks,
			     unsigned int len)
{
	struct dtls_work_sn *sn = dtls_work_sn(work);
	struct skcipher_request *req = (void *)sn->req;

	sg_init_one(&sn->sg, masks, len);
	skcipher_request_set_tfm(req, aead->sn);
	skcipher_request_set_callback(req, CRYPTO_TFM_REQ_MAY_BACKLOG |
				      CRYPTO_TFM_REQ_MAY_SLEEP, crypto_req_done,
				      &work->wait);
	skcipher_request_set_crypt(req, &sn->sg, &sn->sg, len, sn->iv);
	return crypto_wait_req(crypto_skcipher_encrypt(req), &work->wait);
}

/**
 * dtls_cipher13_masks() - make masks from samples
 * @aead:  key
 * @work:  work area; the samples are in its part for sequence numbers, 16
 *         bytes each, and the masks afterwards
 * @first: which of them is the first, up to %DTLS_WORK_MASKS
 * @count: how many
 *
 * RFC 9147 4.2.3: with AES "Mask = AES-ECB(sn_key, Ciphertext[0..15])", with
 * ChaCha20 the same bytes are "counter" and "nonce": the order that they have
 * in the IV of the kernel's chacha20.
 *
 * Context: process, sleeps if the cipher does.
 * Return: 0, or the cipher's negative errno.
 */
int dtls_cipher13_masks(const struct dtls_aead *aead, struct dtls_work *work,
			unsigned int first, unsigned int count)
{
	struct dtls_work_sn *sn = dtls_work_sn(work);
	u8 *mask = sn->masks + first * DTLS_RECORD13_SAMPLE;
	int err = 0;

	if (count == 1 && aead->block) {
		crypto_cipher_encrypt_one(aead->block, mask, mask);
		return 0;
	}
	if (!crypto_skcipher_ivsize(aead->sn))
		return dtls_cipher13_run(aead, work, mask,
					 count * DTLS_RECORD13_SAMPLE);
	for (; count && !err; count--) {
		memcpy(sn->iv, mask, DTLS_RECORD13_SAMPLE);
		memset(mask, 0, DTLS_RECORD13_SAMPLE);
		err = dtls_cipher13_run(aead, work, mask, DTLS_RECORD13_SAMPLE);
		mask += DTLS_RECORD13_SAMPLE;
	}
	return err;
}

/**
 * dtls_cipher13_mask() - encrypt the numbers of the records that wait for it
 * @aead: key they were sealed with
 * @work: work area
 *
 * Context: process, sleeps if the cipher does.
 * Return: 0, or the cipher's negative errno.
 */
int dtls_cipher13_mask(const struct dtls_aead *aead, struct dtls_work *work)
{
	struct dtls_work_sn *sn = dtls_work_sn(work);
	unsigned int i, count = sn->count;
	int err;

	if (!count)
		return 0;
	for (i = 0; i < count; i++)
		dtls_record13_sample(sn->masks + i * DTLS_RECORD13_SAMPLE,
				     sn->record[i] + aead->front);
	err = dtls_cipher13_masks(aead, work, 0, count);
	/* they wait still: nothing goes out with its number in the clear */
	if (err)
		return err;
	sn->count = 0;
	for (i = 0; i < count; i++)
		dtls_record13_mask(sn->record[i] + 1 + aead->cid_len,
				   sn->record[i][0],
				   sn->masks + i * DTLS_RECORD13_SAMPLE);
	return 0;
}

/* The cipher, over header and what follows it; @sg is what is read. */
static __always_inline int
dtls_cipher13_crypt(const struct dtls_aead *aead, struct dtls_work *work,
		    struct scatterlist *sg, unsigned int hdr_len, u64 seq,
		    unsigned int crypt, bool seal)
{
	int err;

	dtls_cipher13_nonce(aead, work->iv, seq);
	aead_request_set_ad(work->req, hdr_len);
	err = dtls_work_run(work, sg, &work->sg, crypt, seal);
	aead_request_set_ad(work->req, DTLS_RECORD_AAD12);
	return err;
}

/**
 * dtls_cipher13_seal() - dtls_cipher_seal() for DTLS 1.3
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
 * Return: bytes of the record at @wire, whose number is in the clear as yet; or
 * the AEAD's negative errno.
 */
int dtls_cipher13_seal(const struct dtls_aead *aead, struct dtls_work *work,
		       u8 *wire, u8 type, u16 epoch, u64 seq,
		       unsigned int plain, unsigned int pad)
{
	struct dtls_work_sn *sn = dtls_work_sn(work);
	unsigned int inner, len;
	int err;

	inner = dtls_inner_put(wire + aead->front, plain, type, pad);
	len = inner + aead->cipher->tag_len;
	if (likely(!aead->cid_len))
		dtls_record13_put_hdr(wire, DTLS_RECORD13_FORM, NULL, 0, epoch,
				      seq, len);
	else
		dtls_record13_put_hdr(wire, DTLS_RECORD13_FORM, aead->cid,
				      aead->cid_len, epoch, seq, len);
	dtls_work_point(work, wire, aead->front + len);
	err = dtls_cipher13_crypt(aead, work, &work->sg, aead->front, seq,
				  inner, true);
	if (err)
		return err;
	sn->record[sn->count++] = wire;
	return aead->front + len;
}

/**
 * dtls_cipher13_open() - open a record of DTLS 1.3
 * @aead:    key
 * @work:    work area, got for @aead
 * @frag:    where the ciphertext lies or goes, in memory that may be mapped for
 *           DMA; the header stands just in front, its number in the clear
 * @from:    the ciphertext: @frag, or memory that nobody writes meanwhile
 * @hdr:     its header, with its number
 *
 * Context: process, sleeps if the AEAD does.
 * Return: bytes of the DTLSInnerPlaintext at @frag; or -EMSGSIZE if the record
 * cannot hold type and tag; -EBADMSG if it is not authentic; -EOVERFLOW if it
 * is, but too long; or another errno of the AEAD. What lies in @frag after an
 * error must not be shown to anyone.
 */
int dtls_cipher13_open(const struct dtls_aead *aead, struct dtls_work *work,
		       u8 *frag, const u8 *from,
		       const struct dtls_record_hdr *hdr)
{
	unsigned int hdr_len = hdr->hdr_len, len = hdr->len;
	struct scatterlist *sg = &work->sg;
	int err, inner;

	if (len < aead->least)
		return -EMSGSIZE;
	dtls_work_point(work, frag - hdr_len, hdr_len + len);
	if (from != frag) {
		sg = work->in;
		sg_set_buf(&sg[0], frag - hdr_len, hdr_len);
		sg_set_buf(&sg[1], from, len);
	}
	err = dtls_cipher13_crypt(aead, work, sg, hdr_len, hdr->seq, len, false);
	if (err)
		return err;
	inner = hdr->len - aead->cipher->tag_len;
	/* RFC 8446 5.4: "MUST NOT exceed 2^14 + 1" */
	return inner > DTLS_RECORD13_INNER_MAX ? -EOVERFLOW : inner;
}
