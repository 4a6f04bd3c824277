/* SPDX-License-Identifier: GPL-2.0-only */
/* The one table of ciphers; sealing and opening of one record. */
#ifndef _DTLS_CIPHER_H
#define _DTLS_CIPHER_H

#include <crypto/aead.h>
#include <linux/dtls.h>

#include "record.h"

struct dtls_work;

/* crypto API IV of ccm(aes); the other AEADs take the 12-byte nonce as it is. */
#define DTLS_CIPHER_IV_MAX	16

/* Largest growth of a record over its plaintext: header, nonce, tag. */
#define DTLS_CIPHER_OVERHEAD_MAX	(DTLS_RECORD_HDR12 + \
					 DTLS_RECORD_NONCE12 + 16)

/**
 * struct dtls_cipher - an AEAD as DTLS uses it
 * @name:         for people
 * @alg:          name in the crypto API
 * @seal_limit:   records that one key may seal (RFC 9147 4.5.3), 0 if the
 *                sequence number ends first
 * @fail_limit:   records that may fail to open under one key
 * @key_len:      bytes
 * @iv_len:       bytes of the implicit part of the nonce in DTLS 1.2
 * @explicit_len: bytes of the nonce that each record of DTLS 1.2 carries
 * @tag_len:      bytes
 * @ccm:          nonce in the form of RFC 3610: length of the counter first
 */
struct dtls_cipher {
	const char	*name;
	const char	*alg;
	u64		seal_limit;
	u64		fail_limit;
	u8		key_len;
	u8		iv_len;
	u8		explicit_len;
	u8		tag_len;
	bool		ccm;
};

/**
 * struct dtls_aead - a cipher with its key
 * @cipher: entry of the table
 * @tfm:    transform, owned
 * @iv:     implicit part of the nonce, @cipher->iv_len bytes
 */
struct dtls_aead {
	const struct dtls_cipher	*cipher;
	struct crypto_aead		*tfm;
	u8				iv[DTLS_IV_MAX];
};

const struct dtls_cipher *dtls_cipher_find(u16 suite);
int dtls_cipher_init(struct dtls_aead *aead, const struct dtls_cipher *cipher,
		     const u8 *key, const u8 *iv);
void dtls_cipher_destroy(struct dtls_aead *aead);
int dtls_cipher_seal(const struct dtls_aead *aead, struct dtls_work *work,
		     u8 *wire, u8 type, u16 epoch, u64 seq, unsigned int plain);
int dtls_cipher_open(const struct dtls_aead *aead, struct dtls_work *work,
		     u8 *frag, const u8 *from,
		     const struct dtls_record_hdr *hdr);

/**
 * dtls_cipher_overhead() - bytes that a record adds to its plaintext
 * @cipher: entry of the table
 *
 * Context: any.
 * Return: bytes of header, explicit nonce and tag.
 */
static inline unsigned int
dtls_cipher_overhead(const struct dtls_cipher *cipher)
{
	return DTLS_RECORD_HDR12 + cipher->explicit_len + cipher->tag_len;
}

#endif /* _DTLS_CIPHER_H */
