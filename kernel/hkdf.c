// SPDX-License-Identifier: GPL-2.0-only
/*
 * HKDF-Expand-Label of RFC 8446 7.1, as DTLS 1.3 has it: RFC 9147 5.9 puts
 * "dtls13" before the labels, without a space at the end.
 *
 * HKDF-Extract is the handshake's business: what gets here are traffic secrets.
 */
#include <crypto/hash.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "hkdf.h"

#define DTLS_HKDF_PREFIX	"dtls13"
#define DTLS_HKDF_LONGEST	"traffic upd"
/* struct HkdfLabel: length, label, an empty context; and the block's number */
#define DTLS_HKDF_INFO_MAX	(2 + 1 + sizeof(DTLS_HKDF_PREFIX) - 1 + \
				 sizeof(DTLS_HKDF_LONGEST) - 1 + 1 + 1)

static const struct {
	const char	*alg;
	unsigned int	len;
} dtls_hkdf_hashes[] = {
	[DTLS_HKDF_SHA256] = { "hmac(sha256)", 32 },
	[DTLS_HKDF_SHA384] = { "hmac(sha384)", 48 },
};

/**
 * dtls_hkdf_secret_len() - how long a secret is
 * @hash: hash of the cipher suite
 *
 * Context: any.
 * Return: bytes.
 */
unsigned int dtls_hkdf_secret_len(enum dtls_hkdf_hash hash)
{
	return dtls_hkdf_hashes[hash].len;
}

static struct crypto_shash *dtls_hkdf_open(enum dtls_hkdf_hash hash,
					   const u8 *secret,
					   unsigned int secret_len)
{
	struct crypto_shash *tfm;
	int err;

	if (secret_len != dtls_hkdf_hashes[hash].len)
		return ERR_PTR(-EINVAL);
	tfm = crypto_alloc_shash(dtls_hkdf_hashes[hash].alg, 0, 0);
	if (IS_ERR(tfm))
		return tfm;
	err = crypto_shash_setkey(tfm, secret, secret_len);
	if (err) {
		crypto_free_shash(tfm);
		return ERR_PTR(err);
	}
	return tfm;
}

/*
 * RFC 5869 2.3, for no more than one block: T(1) = HMAC(PRK, info | 0x01).
 * Nothing that DTLS derives is longer than its hash.
 */
static int dtls_hkdf_expand(struct crypto_shash *tfm, const char *label,
			    u8 *out, unsigned int len)
{
	unsigned int label_len = strlen(label), n = 0;
	u8 info[DTLS_HKDF_INFO_MAX], block[DTLS_HKDF_SECRET_MAX];
	SHASH_DESC_ON_STACK(desc, tfm);
	int err;

	if (len > crypto_shash_digestsize(tfm))
		return -EINVAL;
	info[n++] = 0;
	info[n++] = len;
	info[n++] = strlen(DTLS_HKDF_PREFIX) + label_len;
	memcpy(info + n, DTLS_HKDF_PREFIX, strlen(DTLS_HKDF_PREFIX));
	n += strlen(DTLS_HKDF_PREFIX);
	memcpy(info + n, label, label_len);
	n += label_len;
	info[n++] = 0;
	info[n++] = 1;

	desc->tfm = tfm;
	err = crypto_shash_digest(desc, info, n, block);
	if (!err)
		memcpy(out, block, len);
	shash_desc_zero(desc);
	memzero_explicit(block, sizeof(block));
	return err;
}

/**
 * dtls_hkdf_keys() - derive the keys of one direction and epoch
 * @hash:       hash of the cipher suite
 * @secret:     [sender]_application_traffic_secret_N, or that of the handshake
 * @secret_len: bytes of it, dtls_hkdf_secret_len()
 * @key_len:    bytes of key that the AEAD wants
 * @iv_len:     bytes of IV that the AEAD wants
 * @sn_len:     bytes of key for sequence numbers, @key_len (RFC 9147 4.2.3)
 * @out:        filled, with zeros behind each; all zeros for errors
 *
 * RFC 8446 7.3
 *
 * Context: process, may sleep and load a crypto module.
 * Return: 0; -EINVAL for a length that cannot be; or the crypto API's negative
 * errno: -ENOENT if this kernel does not have the hash, -ENOMEM.
 */
int dtls_hkdf_keys(enum dtls_hkdf_hash hash, const u8 *secret,
		   unsigned int secret_len, unsigned int key_len,
		   unsigned int iv_len, unsigned int sn_len,
		   struct dtls_hkdf_keys *out)
{
	struct crypto_shash *tfm;
	int err;

	memset(out, 0, sizeof(*out));
	if (key_len > sizeof(out->key) || iv_len > sizeof(out->iv) ||
	    sn_len > sizeof(out->sn))
		return -EINVAL;
	tfm = dtls_hkdf_open(hash, secret, secret_len);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	err = dtls_hkdf_expand(tfm, "key", out->key, key_len);
	if (!err)
		err = dtls_hkdf_expand(tfm, "iv", out->iv, iv_len);
	if (!err)
		err = dtls_hkdf_expand(tfm, "sn", out->sn, sn_len);
	/* and with it what it knows of the secret */
	crypto_free_shash(tfm);
	if (err)
		memzero_explicit(out, sizeof(*out));
	return err;
}

/**
 * dtls_hkdf_next() - the traffic secret after a KeyUpdate
 * @hash:       hash of the cipher suite
 * @secret:     secret of now
 * @secret_len: bytes of it, dtls_hkdf_secret_len()
 * @next:       where, @secret_len bytes; may be @secret. Untouched for errors
 *
 * RFC 8446 7.2
 *
 * Context: process, may sleep and load a crypto module.
 * Return: 0, or a negative errno as of dtls_hkdf_keys().
 */
int dtls_hkdf_next(enum dtls_hkdf_hash hash, const u8 *secret,
		   unsigned int secret_len, u8 *next)
{
	struct crypto_shash *tfm;
	int err;

	tfm = dtls_hkdf_open(hash, secret, secret_len);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	err = dtls_hkdf_expand(tfm, DTLS_HKDF_LONGEST, next, secret_len);
	crypto_free_shash(tfm);
	return err;
}
