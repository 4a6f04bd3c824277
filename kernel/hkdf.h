/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys of DTLS 1.3 out of its traffic secrets. */
#ifndef _DTLS_HKDF_H
#define _DTLS_HKDF_H

#include <linux/types.h>

/* The longest of each: SHA-384; AES-256 and ChaCha20; all AEADs. */
#define DTLS_HKDF_SECRET_MAX	48
#define DTLS_HKDF_KEY_MAX	32
#define DTLS_HKDF_IV_MAX	12

/**
 * enum dtls_hkdf_hash - hash of a cipher suite
 * @DTLS_HKDF_SHA256: secrets of 32 bytes
 * @DTLS_HKDF_SHA384: secrets of 48 bytes
 */
enum dtls_hkdf_hash {
	DTLS_HKDF_SHA256,
	DTLS_HKDF_SHA384,
};

/**
 * struct dtls_hkdf_keys - what comes out of a traffic secret
 * @key: key of the AEAD
 * @iv:  IV of the AEAD
 * @sn:  key that sequence numbers are encrypted with
 *
 * Whoever has one wipes it.
 */
struct dtls_hkdf_keys {
	u8	key[DTLS_HKDF_KEY_MAX];
	u8	iv[DTLS_HKDF_IV_MAX];
	u8	sn[DTLS_HKDF_KEY_MAX];
};

unsigned int dtls_hkdf_secret_len(enum dtls_hkdf_hash hash);
int dtls_hkdf_keys(enum dtls_hkdf_hash hash, const u8 *secret,
		   unsigned int secret_len, unsigned int key_len,
		   unsigned int iv_len, unsigned int sn_len,
		   struct dtls_hkdf_keys *out);
int dtls_hkdf_next(enum dtls_hkdf_hash hash, const u8 *secret,
		   unsigned int secret_len, u8 *next);

/**
 * dtls_hkdf_hash() - the hash of a cipher suite of DTLS 1.3
 * @suite: IANA number, RFC 8446 B.4
 *
 * Context: any.
 * Return: hash; all suites but one have SHA-256.
 */
static inline enum dtls_hkdf_hash dtls_hkdf_hash(u16 suite)
{
	return suite == 0x1302 ? DTLS_HKDF_SHA384 : DTLS_HKDF_SHA256;
}

#endif /* _DTLS_HKDF_H */
