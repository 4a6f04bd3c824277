/* SPDX-License-Identifier: GPL-2.0-only */
/* The one table of ciphers; sealing and opening of one record. */
#ifndef _DTLS_CIPHER_H
#define _DTLS_CIPHER_H

#include <crypto/aead.h>
#include <crypto/skcipher.h>
#include <linux/dtls.h>

#include "record13.h"

struct crypto_cipher;
struct dtls_work;

/* crypto API IV of ccm(aes); the other AEADs take the 12-byte nonce as it is. */
#define DTLS_CIPHER_IV_MAX	16

/*
 * Largest growth of a record over its plaintext, without padding: header with
 * connection ID, nonce, content type, tag.
 */
#define DTLS_CIPHER_OVERHEAD_MAX	(DTLS_RECORD_HDR12 + DTLS_CID_MAX + \
					 DTLS_RECORD_NONCE12 + 1 + 16)

/**
 * enum dtls_form - what the records of an epoch look like
 * @DTLS_FORM_12:    DTLS 1.2 (RFC 6347)
 * @DTLS_FORM_CID12: DTLS 1.2 with a connection ID (RFC 9146)
 * @DTLS_FORM_13:    DTLS 1.3 (RFC 9147), with a connection ID or without
 */
enum dtls_form {
	DTLS_FORM_12,
	DTLS_FORM_CID12,
	DTLS_FORM_13,
};

/**
 * struct dtls_cipher - an AEAD as DTLS uses it
 * @name:         for people
 * @alg:          name in the crypto API
 * @sn_alg:       name there of the cipher for sequence numbers, DTLS 1.3
 * @seal_limit:   records that one key may seal (RFC 9147 4.5.3), 0 if the
 *                sequence number ends first
 * @fail_limit:   records that may fail to open under one key
 * @key_len:      bytes
 * @iv_len:       bytes of the implicit part of the nonce
 * @explicit_len: bytes of the nonce that each record of DTLS 1.2 carries
 * @tag_len:      bytes
 * @ccm:          nonce in the form of RFC 3610: length of the counter first
 */
struct dtls_cipher {
	const char	*name;
	const char	*alg;
	const char	*sn_alg;
	u64		seal_limit;
	u64		fail_limit;
	u8		key_len;
	u8		iv_len;
	u8		explicit_len;
	u8		tag_len;
	bool		ccm;
};

/**
 * struct dtls_aead - a cipher with its key, and the form of its records
 * @cipher:  entry of the table
 * @tfm:     transform, owned
 * @sn:      DTLS 1.3: transform that encrypts sequence numbers, owned; or NULL
 * @block:   the block cipher that @sn is made of, for a number alone, owned; or
 *           NULL
 * @cid:     connection ID of the records, @cid_len bytes; owned by the
 *           association, with DTLS 1.3 by the epoch
 * @iv:      nonce without what changes from record to record
 * @form:    enum dtls_form
 * @front:   bytes of a record in front of its payload: header, explicit nonce
 * @over:    bytes that a record has more than its payload, without padding
 * @least:   bytes behind the header of a record without payload and padding
 * @cid_len: bytes of @cid
 */
struct dtls_aead {
	const struct dtls_cipher	*cipher;
	struct crypto_aead		*tfm;
	struct crypto_skcipher		*sn;
	struct crypto_cipher		*block;
	const u8			*cid;
	u8				iv[DTLS_IV_MAX];
	u8				form;
	u8				front;
	u8				over;
	u8				least;
	u8				cid_len;
};

const struct dtls_cipher *dtls_cipher_find(u16 version, u16 suite);
bool dtls_cipher_wraps(struct crypto_tfm *tfm, char *name);
int dtls_cipher_init(struct dtls_aead *aead, const struct dtls_cipher *cipher,
		     const u8 *key, const u8 *iv);
void dtls_cipher_shape(struct dtls_aead *aead, enum dtls_form form,
		       const u8 *cid, unsigned int cid_len);
void dtls_cipher_destroy(struct dtls_aead *aead);
int dtls_cipher_seal12(const struct dtls_aead *aead, struct dtls_work *work,
		       u8 *wire, u8 type, u16 epoch, u64 seq,
		       unsigned int plain);
int dtls_cipher_seal_cid12(const struct dtls_aead *aead, struct dtls_work *work,
			   u8 *wire, u8 type, u16 epoch, u64 seq,
			   unsigned int plain, unsigned int pad);
int dtls_cipher_open12(const struct dtls_aead *aead, struct dtls_work *work,
		       u8 *frag, const u8 *from,
		       const struct dtls_record_hdr *hdr);
int dtls_cipher_open_cid12(const struct dtls_aead *aead, struct dtls_work *work,
			   u8 *frag, const u8 *from,
			   const struct dtls_record_hdr *hdr);

/* cipher13.c */
int dtls_cipher13_init(struct dtls_aead *aead, const u8 *key);
void dtls_cipher13_destroy(struct dtls_aead *aead);
int dtls_cipher13_seal(const struct dtls_aead *aead, struct dtls_work *work,
		       u8 *wire, u8 type, u16 epoch, u64 seq,
		       unsigned int plain, unsigned int pad);
int dtls_cipher13_mask(const struct dtls_aead *aead, struct dtls_work *work);
int dtls_cipher13_masks(const struct dtls_aead *aead, struct dtls_work *work,
			unsigned int first, unsigned int count);
int dtls_cipher13_open(const struct dtls_aead *aead, struct dtls_work *work,
		       u8 *frag, const u8 *from,
		       const struct dtls_record_hdr *hdr);

/**
 * dtls_cipher_seal() - seal a record in place
 * @aead:  key
 * @work:  work area, got for @aead
 * @wire:  start of the record, in memory that may be mapped for DMA; the
 *         plaintext lies @aead->front behind it, with room after it for what
 *         @aead->over and @pad leave
 * @type:  content type
 * @epoch: epoch of the key
 * @seq:   sequence number that no record of this key has had or will have
 * @plain: bytes of plaintext
 * @pad:   bytes of padding; 0 where the form has none
 *
 * Up to %DTLS_WORK_MASKS records, and then dtls_cipher_finish() before anybody
 * reads them.
 *
 * Context: process, sleeps if the AEAD does.
 * Return: bytes of the record at @wire, or the AEAD's negative errno; @seq is
 * used up either way.
 */
static inline int dtls_cipher_seal(const struct dtls_aead *aead,
				   struct dtls_work *work, u8 *wire, u8 type,
				   u16 epoch, u64 seq, unsigned int plain,
				   unsigned int pad)
{
	if (likely(aead->form == DTLS_FORM_12))
		return dtls_cipher_seal12(aead, work, wire, type, epoch, seq,
					  plain);
	if (aead->form == DTLS_FORM_13)
		return dtls_cipher13_seal(aead, work, wire, type, epoch, seq,
					  plain, pad);
	return dtls_cipher_seal_cid12(aead, work, wire, type, epoch, seq,
				      plain, pad);
}

/**
 * dtls_cipher_plain_max() - the longest plaintext of a record
 * @aead: key
 *
 * RFC 9146 5: "length_of_DTLSInnerPlaintext [...] MUST NOT exceed 2^14", and the
 * content type is part of it.
 *
 * Context: any. Return: bytes.
 */
static inline unsigned int dtls_cipher_plain_max(const struct dtls_aead *aead)
{
	return DTLS_RECORD_PLAIN_MAX - (aead->form == DTLS_FORM_CID12);
}

/**
 * dtls_cipher_knows() - is there such a content type under these keys
 * @aead: key
 * @type: content type
 *
 * Context: any. Return: true if so.
 */
static inline bool dtls_cipher_knows(const struct dtls_aead *aead, u8 type)
{
	return aead->form == DTLS_FORM_13 ? dtls_record13_inner_ok(type) :
					    type >= DTLS_TYPE_CCS &&
					    type <= DTLS_TYPE_HEARTBEAT;
}

/**
 * dtls_cipher_pad() - how much padding a record gets
 * @aead:     key, of records with their type inside
 * @plain:    bytes of plaintext
 * @multiple: as DTLS_PADDING has it
 *
 * Context: any. Return: bytes.
 */
static inline unsigned int dtls_cipher_pad(const struct dtls_aead *aead,
					   unsigned int plain,
					   unsigned int multiple)
{
	/* RFC 9147 4.2.3: 16 bytes of ciphertext, to make a mask from */
	return dtls_inner_pad(plain, multiple, aead->form == DTLS_FORM_13 ?
			      16 - aead->cipher->tag_len : 0,
			      dtls_cipher_plain_max(aead) + 1);
}

/**
 * dtls_cipher_finish() - finish the records sealed since the last time
 * @aead: key
 * @work: work area
 *
 * Context: process, sleeps if the cipher does.
 * Return: 0; or a negative errno, and these records must not be shown to anyone.
 */
static inline int dtls_cipher_finish(const struct dtls_aead *aead,
				     struct dtls_work *work)
{
	return likely(aead->form != DTLS_FORM_13) ? 0 :
	       dtls_cipher13_mask(aead, work);
}

#endif /* _DTLS_CIPHER_H */
