// SPDX-License-Identifier: LGPL-2.1-or-later
/* What watch13.c needs of a cryptographic library, by GnuTLS. */
#include <errno.h>
#include <string.h>
#include <gnutls/crypto.h>

#include "gnutls_internal.h"

int kdtls_gnutls_open(const struct kdtls_suite *suite, const uint8_t *key,
		      const uint8_t nonce[12], const uint8_t *aad,
		      size_t aad_len, const uint8_t *in, size_t in_len,
		      uint8_t *out)
{
	static const gnutls_cipher_algorithm_t algorithm[] = {
		[KDTLS_AES_128_GCM] = GNUTLS_CIPHER_AES_128_GCM,
		[KDTLS_AES_256_GCM] = GNUTLS_CIPHER_AES_256_GCM,
		[KDTLS_CHACHA20_POLY1305] = GNUTLS_CIPHER_CHACHA20_POLY1305,
		[KDTLS_AES_128_CCM] = GNUTLS_CIPHER_AES_128_CCM,
		[KDTLS_AES_128_CCM_8] = GNUTLS_CIPHER_AES_128_CCM_8,
	};
	gnutls_datum_t k = { (unsigned char *)key, suite->key_len };
	size_t len = in_len - suite->tag_len;
	gnutls_aead_cipher_hd_t hd;
	int ret;

	if (gnutls_aead_cipher_init(&hd, algorithm[suite->aead], &k))
		return -ENOMEM;
	ret = gnutls_aead_cipher_decrypt(hd, nonce, 12, aad, aad_len,
					 suite->tag_len, in, in_len, out, &len);
	gnutls_aead_cipher_deinit(hd);
	return ret ? -EBADMSG : 0;
}

static int expand(size_t hash, const uint8_t *secret, const uint8_t *info,
		  size_t info_len, uint8_t *out, size_t len)
{
	gnutls_datum_t k = { (unsigned char *)secret, hash };
	gnutls_datum_t i = { (unsigned char *)info, info_len };

	return gnutls_hkdf_expand(hash == 48 ? GNUTLS_MAC_SHA384 :
				  GNUTLS_MAC_SHA256, &k, &i, out, len) ?
	       -EIO : 0;
}

static int digest(size_t hash, const void *data, size_t len, uint8_t *out)
{
	return gnutls_hash_fast(hash == 48 ? GNUTLS_DIG_SHA384 :
				GNUTLS_DIG_SHA256, data, len, out) ? -EIO : 0;
}

/*
 * RFC 9147 4.2.3.  AES-ECB of one block is AES-CBC of it with an IV of zeroes;
 * the counter and nonce of ChaCha20 are the sample, in that order, which is how
 * GnuTLS takes them.
 */
static int mask(const struct kdtls_suite *suite, const uint8_t *key,
		const uint8_t sample[16], uint8_t out[16])
{
	gnutls_datum_t k = { (unsigned char *)key, suite->key_len };
	bool chacha = suite->aead == KDTLS_CHACHA20_POLY1305;
	uint8_t iv[16] = { 0 };
	gnutls_datum_t i = { iv, 16 };
	gnutls_cipher_hd_t hd;
	int ret;

	memset(out, 0, 16);
	memcpy(chacha ? iv : out, sample, 16);
	if (gnutls_cipher_init(&hd, chacha ? GNUTLS_CIPHER_CHACHA20_32 :
			       suite->key_len == 32 ? GNUTLS_CIPHER_AES_256_CBC :
			       GNUTLS_CIPHER_AES_128_CBC, &k, &i))
		return -ENOMEM;
	ret = gnutls_cipher_encrypt(hd, out, 16);
	gnutls_cipher_deinit(hd);
	return ret ? -EIO : 0;
}

const struct kdtls_crypto13 kdtls_crypto13_gnutls = {
	.expand = expand,
	.hash = digest,
	.open = kdtls_gnutls_open,
	.mask = mask,
};
