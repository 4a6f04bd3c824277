/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kernel/hkdf.c wants of the kernel's <crypto/hash.h>, with OpenSSL behind
 * it. It can be told to fail, and it sees whether all was given back and wiped.
 */
#ifndef SELFTESTS_UNIT_KERNEL_CRYPTO_HASH_H
#define SELFTESTS_UNIT_KERNEL_CRYPTO_HASH_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <linux/err.h>
#include "pure.h"

struct crypto_shash {
	const struct evp_md_st *md;
	unsigned int size;
	u8 key[64];
	unsigned int key_len;
};

struct shash_desc {
	struct crypto_shash *tfm;
	size_t size;
	u8 state[64];
};

/* Calls of the API until one fails with @hash_errno; counts down. */
static int hash_fail_in = -1;
static int hash_errno;
static int hash_transforms;	/* in use */
static int hash_descs;		/* used and not wiped */
static int hash_wiped;		/* bytes that memzero_explicit() had */

static inline int hash_fails(void)
{
	return hash_fail_in >= 0 && !hash_fail_in-- ? hash_errno : 0;
}

static inline struct crypto_shash *
crypto_alloc_shash(const char *alg, u32 type, u32 mask)
{
	struct crypto_shash *tfm;
	int err = hash_fails();

	(void)type;
	(void)mask;
	if (err)
		return ERR_PTR(err);
	tfm = calloc(1, sizeof(*tfm));
	if (!strcmp(alg, "hmac(sha256)"))
		tfm->md = EVP_sha256();
	else if (!strcmp(alg, "hmac(sha384)"))
		tfm->md = EVP_sha384();
	else
		abort();
	tfm->size = EVP_MD_get_size(tfm->md);
	hash_transforms++;
	return tfm;
}

static inline void crypto_free_shash(struct crypto_shash *tfm)
{
	hash_transforms--;
	free(tfm);
}

static inline unsigned int crypto_shash_digestsize(struct crypto_shash *tfm)
{
	return tfm->size;
}

static inline int crypto_shash_setkey(struct crypto_shash *tfm, const u8 *key,
				      unsigned int len)
{
	int err = hash_fails();

	if (err)
		return err;
	if (len > sizeof(tfm->key))
		abort();
	memcpy(tfm->key, key, len);
	tfm->key_len = len;
	return 0;
}

static inline int crypto_shash_digest(struct shash_desc *desc, const u8 *data,
				      unsigned int len, u8 *out)
{
	struct crypto_shash *tfm = desc->tfm;
	int err = hash_fails();
	unsigned int n;

	hash_descs++;
	memset(desc->state, 0xd5, sizeof(desc->state));
	if (err)
		return err;
	if (!HMAC(tfm->md, tfm->key, tfm->key_len, data, len, out, &n) ||
	    n != tfm->size)
		abort();
	return 0;
}

static inline void shash_desc_zero(struct shash_desc *desc)
{
	hash_descs--;
	memset(desc, 0, sizeof(*desc));
}

static inline void memzero_explicit(void *p, size_t len)
{
	hash_wiped += len;
	memset(p, 0, len);
}

/* As the kernel's, this does not set desc->tfm. */
#define SHASH_DESC_ON_STACK(desc, hash)					\
	struct shash_desc desc[1] = { { .size = sizeof(*(hash)) } }

#endif /* SELFTESTS_UNIT_KERNEL_CRYPTO_HASH_H */
