// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one AEAD call costs, alone: the floor under what a record can cost.
 * Loading the module prints a line for each cipher and size into the kernel's
 * log, and fails, so that nothing need be unloaded.
 *
 * The call is made sparingly: one request for all, one contiguous piece, in
 * place, the nonce already there. Once as anyone would, by the name of the AEAD
 * and with memory from kmalloc(); and once as kdtls does, with the driver inside
 * if that name is a wrapper (simd.c of the crypto API), and the payload where no
 * block of 16 bytes straddles two pages.
 *
 * With transforms=N it loads, and keeps N keyed transforms of AES-128-GCM until
 * it is unloaded: somebody else looks what they take.
 */
#include <crypto/aead.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/sort.h>

#define AAD	13
#define CALLS	128
#define ROUNDS	9

static unsigned int transforms;
module_param(transforms, uint, 0444);
MODULE_PARM_DESC(transforms, "keep so many, and measure nothing");

static const struct {
	const char	*name;
	const char	*alg;
	unsigned int	key_len;
	unsigned int	tag_len;
} ciphers[] = {
	{ "AES-128-GCM", "gcm(aes)", 16, 16 },
	{ "AES-256-GCM", "gcm(aes)", 32, 16 },
	{ "ChaCha20-Poly1305", "rfc7539(chacha20,poly1305)", 32, 16 },
	{ "AES-128-CCM", "ccm(aes)", 16, 16 },
	{ "AES-128-CCM-8", "ccm(aes)", 16, 8 },
};

static const unsigned int sizes[] = { 64, 256, 1200, 8192 };

static struct crypto_aead **kept;

/* The driver inside of a wrapper, or @tfm itself if there is none. */
static struct crypto_aead *unwrap(struct crypto_aead *tfm)
{
	const char *driver = crypto_tfm_alg_driver_name(crypto_aead_tfm(tfm));
	char name[CRYPTO_MAX_ALG_NAME];
	struct crypto_aead *inner;

	/* put together from templates: no such wrapper */
	if (strchr(driver, '('))
		return tfm;
	snprintf(name, sizeof(name), "__%s", driver);
	inner = crypto_alloc_aead(name, CRYPTO_ALG_INTERNAL,
				  CRYPTO_ALG_INTERNAL | CRYPTO_ALG_ASYNC);
	if (IS_ERR(inner))
		return tfm;
	crypto_free_aead(tfm);
	return inner;
}

/*
 * While the guest waits for its disk, the counted time leaps to the next timer:
 * the crypto API's patience with a module on its way may be at its end at once.
 */
static struct crypto_aead *alloc_patiently(const char *alg)
{
	struct crypto_aead *tfm;
	int tries = 0;

	do {
		tfm = crypto_alloc_aead(alg, 0, 0);
	} while (tfm == ERR_PTR(-ETIMEDOUT) && ++tries < 20);
	return tfm;
}

static struct crypto_aead *alloc_keyed(int cipher, bool as_kdtls)
{
	struct crypto_aead *tfm = alloc_patiently(ciphers[cipher].alg);
	u8 key[32];
	int err;

	if (IS_ERR(tfm))
		return tfm;
	if (as_kdtls)
		tfm = unwrap(tfm);
	get_random_bytes(key, sizeof(key));
	err = crypto_aead_setkey(tfm, key, ciphers[cipher].key_len);
	if (!err)
		err = crypto_aead_setauthsize(tfm, ciphers[cipher].tag_len);
	if (!err)
		return tfm;
	crypto_free_aead(tfm);
	return ERR_PTR(err);
}

static int one(struct aead_request *req, struct scatterlist *sg, u8 *buf,
	       u8 *iv, unsigned int size, unsigned int tag, bool seal)
{
	DECLARE_CRYPTO_WAIT(wait);

	sg_init_one(sg, buf, AAD + size + tag);
	aead_request_set_callback(req, CRYPTO_TFM_REQ_MAY_BACKLOG |
				  CRYPTO_TFM_REQ_MAY_SLEEP, crypto_req_done,
				  &wait);
	aead_request_set_ad(req, AAD);
	aead_request_set_crypt(req, sg, sg, size + (seal ? 0 : tag), iv);
	return crypto_wait_req(seal ? crypto_aead_encrypt(req) :
				      crypto_aead_decrypt(req), &wait);
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* What was opened once is no record any more, so it is sealed before, too. */
static int measure_rounds(struct aead_request *req, struct scatterlist *sg,
			  u8 *buf, u8 *iv, unsigned int size, unsigned int tag,
			  u64 *seal, u64 *open)
{
	unsigned int r, i;
	int err = 0;
	u64 start;

	/* The first round warms up, and is measured anew. */
	for (r = 0; !err && r <= ROUNDS; r++) {
		u64 *s = &seal[r ? r - 1 : 0], *o = &open[r ? r - 1 : 0];

		/* A ksoftirqd that waits for us makes each call look for it. */
		usleep_range(1000, 2000);
		start = ktime_get_ns();
		for (i = 0; !err && i < CALLS; i++)
			err = one(req, sg, buf, iv, size, tag, true);
		*s = ktime_get_ns() - start;
		start = ktime_get_ns();
		for (i = 0; !err && i < CALLS; i++) {
			err = one(req, sg, buf, iv, size, tag, true);
			if (!err)
				err = one(req, sg, buf, iv, size, tag, false);
		}
		*o = ktime_get_ns() - start;
		*o -= min(*o, *s);
	}
	sort(seal, ROUNDS, sizeof(*seal), compare, NULL);
	sort(open, ROUNDS, sizeof(*open), compare, NULL);
	return err;
}

static int measure(int cipher, unsigned int size, bool as_kdtls)
{
	unsigned int tag = ciphers[cipher].tag_len;
	u64 seal[ROUNDS], open[ROUNDS];
	struct aead_request *req;
	struct crypto_aead *tfm;
	struct scatterlist *sg;
	u8 *mem, *buf, *iv;
	int err;

	tfm = alloc_keyed(cipher, as_kdtls);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	req = aead_request_alloc(tfm, GFP_KERNEL);
	sg = kzalloc(sizeof(*sg) + 16, GFP_KERNEL);
	/* From a whole page on, if it is a page or more. */
	mem = kzalloc(max_t(size_t, PAGE_SIZE, 16 + size + tag), GFP_KERNEL);
	err = -ENOMEM;
	if (!req || !sg || !mem)
		goto out;
	buf = as_kdtls ? mem + 16 - AAD : mem;
	iv = (u8 *)(sg + 1);
	/* RFC 3610: flags of CCM */
	iv[0] = 2;
	err = measure_rounds(req, sg, buf, iv, size, tag, seal, open);
	if (!err)
		pr_info("aead_bench: %s %s %s %u %llu %llu\n",
			as_kdtls ? "kdtls" : "alone", ciphers[cipher].name,
			crypto_tfm_alg_driver_name(crypto_aead_tfm(tfm)), size,
			seal[ROUNDS / 2] / CALLS, open[ROUNDS / 2] / CALLS);
out:
	kfree(mem);
	kfree(sg);
	if (req)
		aead_request_free(req);
	crypto_free_aead(tfm);
	return err;
}

static void forget(void)
{
	unsigned int i;

	for (i = 0; i < transforms && !IS_ERR_OR_NULL(kept[i]); i++)
		crypto_free_aead(kept[i]);
	kvfree(kept);
}

static int keep(void)
{
	unsigned int i;

	kept = kvcalloc(transforms, sizeof(*kept), GFP_KERNEL);
	if (!kept)
		return -ENOMEM;
	for (i = 0; i < transforms; i++) {
		kept[i] = alloc_keyed(0, true);
		if (IS_ERR(kept[i])) {
			int err = PTR_ERR(kept[i]);

			forget();
			return err;
		}
	}
	return 0;
}

static int __init aead_bench_init(void)
{
	unsigned int c, s;
	int err;

	if (transforms)
		return keep();
	for (c = 0; c < ARRAY_SIZE(ciphers); c++) {
		for (s = 0; s < ARRAY_SIZE(sizes); s++) {
			err = measure(c, sizes[s], false);
			if (!err)
				err = measure(c, sizes[s], true);
			if (err)
				pr_info("aead_bench: %s %u failed: %d\n",
					ciphers[c].name, sizes[s], err);
		}
	}
	return -EAGAIN;
}
module_init(aead_bench_init);

static void __exit aead_bench_exit(void)
{
	forget();
}
module_exit(aead_bench_exit);

MODULE_DESCRIPTION("Cost of AEAD calls");
MODULE_LICENSE("GPL");
