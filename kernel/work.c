// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work areas, one kept for each CPU that had use for one.
 *
 * A record needs a request, which the crypto API makes larger than a record
 * may be, and a buffer that is contiguous, does not straddle a page, and may be
 * mapped for DMA. Made for each record that costs as much as a small record
 * itself. The area that is kept holds the last record it was used for: memory
 * that stays the module's own, and is wiped when it goes.
 */
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <linux/slab.h>

#include "work.h"

static DEFINE_PER_CPU(struct dtls_work *, dtls_works);

#define DTLS_WORK_ALL	(PAGE_SIZE + DTLS_WORK_BYTES)

static struct dtls_work *dtls_work_create(void)
{
	struct dtls_work *work;

	work = alloc_pages_exact(DTLS_WORK_ALL, GFP_KERNEL);
	if (!work)
		return NULL;
	crypto_init_wait(&work->wait);
	sg_init_table(&work->sg, 1);
	sg_set_buf(&work->sg, work, 0);
	work->at = (unsigned long)work;
	sg_init_table(work->in, ARRAY_SIZE(work->in));
	memset(work->pages, 0, sizeof(work->pages));
	work->page = 0;
	work->fill = 0;
	work->buf = (u8 *)work + PAGE_SIZE;
	work->req = (void *)work + DTLS_WORK_REQ;
	/* what is the same for every record */
	aead_request_set_callback(work->req, CRYPTO_TFM_REQ_MAY_BACKLOG |
				  CRYPTO_TFM_REQ_MAY_SLEEP, crypto_req_done,
				  &work->wait);
	aead_request_set_ad(work->req, DTLS_RECORD_AAD12);
	return work;
}

static void dtls_work_destroy(struct dtls_work *work)
{
	int i;

	for (i = 0; i < DTLS_WORK_PAGES; i++)
		if (work->pages[i])
			put_page(work->pages[i]);
	memzero_explicit(work, DTLS_WORK_ALL);
	free_pages_exact(work, DTLS_WORK_ALL);
}

/**
 * dtls_work_get() - get a work area for an AEAD
 * @aead: an AEAD that dtls_work_fits(); the caller keeps its owner alive
 *
 * Context: process, may sleep.
 * Return: the area, given back with dtls_work_put(), or NULL.
 */
struct dtls_work *dtls_work_get(const struct dtls_aead *aead)
{
	struct dtls_work *work;

	work = this_cpu_xchg(dtls_works, NULL);
	if (unlikely(!work)) {
		work = dtls_work_create();
		if (!work)
			return NULL;
	}
	aead_request_set_tfm(work->req, aead->tfm);
	work->async = 0;
	/* what was sealed, and never finished, in the last use */
	if (unlikely(aead->sn))
		dtls_work_sn(work)->count = 0;
	return work;
}

/**
 * dtls_work_put() - give a work area back
 * @work: no request of it is in flight
 *
 * Context: process.
 */
void dtls_work_put(struct dtls_work *work)
{
	if (this_cpu_cmpxchg(dtls_works, NULL, work))
		dtls_work_destroy(work);
}

/**
 * dtls_work_exit() - drop what is kept
 *
 * Context: process, module exit; nobody works any more.
 */
void dtls_work_exit(void)
{
	struct dtls_work *work;
	int cpu;

	for_each_possible_cpu(cpu) {
		work = per_cpu(dtls_works, cpu);
		per_cpu(dtls_works, cpu) = NULL;
		if (work)
			dtls_work_destroy(work);
	}
}
