/* SPDX-License-Identifier: GPL-2.0-only */
/* What a record is worked on with: a request, and a buffer that fits. */
#ifndef _DTLS_WORK_H
#define _DTLS_WORK_H

#include <crypto/aead.h>
#include <linux/crypto.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/uio.h>

#include "cipher.h"
#include "compat.h"

/* As much as one call of the base takes, in pieces of 32 KB. */
#define DTLS_WORK_PAGES		3

/**
 * struct dtls_work - a work area: one AEAD call at a time
 * @wait: for an AEAD that answers later
 * @req:  request, behind this struct if it fits, else allocated
 * @buf:  %DTLS_WORK_BYTES, at the start of a page and contiguous
 * @pages: memory for sealed records, each with a reference; see wire.c
 * @page:  which of @pages is being filled
 * @fill:  and how far
 * @sg:   the one piece that the cipher works on, or its result goes to
 * @at:   address that @sg was pointed to last
 * @in:   additional data and record, where they do not lie there
 * @async: calls that the AEAD answered later
 * @iv:   nonce as the crypto API wants it
 *
 * The crypto API may map any part for DMA, so none of it lives on a stack. The
 * caller has the area for itself from dtls_work_get() to dtls_work_put(),
 * whatever sleeps in between.
 */
struct dtls_work {
	struct crypto_wait	wait;
	struct aead_request	*req;
	u8			*buf;
	struct page		*pages[DTLS_WORK_PAGES];
	unsigned int		page;
	unsigned int		fill;
	struct scatterlist	sg;
	unsigned long		at;
	struct scatterlist	in[2];
	unsigned int		async;
	u8			iv[DTLS_CIPHER_IV_MAX];
};

/*
 * Where a payload lies best: AES-NI code and the crypto API's walk over pages
 * are quickest where blocks of 16 bytes do not straddle a page.
 */
#define DTLS_WORK_PAYLOAD	64

/* A whole record: its front, the longest fragment there is, and a tag. */
#define DTLS_WORK_BYTES		ALIGN(DTLS_WORK_PAYLOAD + \
				      DTLS_RECORD_FRAGMENT_MAX, PAGE_SIZE)

/**
 * dtls_work_holds() - does a record lie in the work area
 * @work:   the area
 * @record: start of the record
 *
 * Context: any. Return: true if so.
 */
static inline bool dtls_work_holds(const struct dtls_work *work,
				   const u8 *record)
{
	return record >= work->buf && record < work->buf + DTLS_WORK_BYTES;
}

/**
 * dtls_work_copy_to() - copy plaintext to a program
 * @data: the plaintext, which ends where its memory does or before
 * @len:  bytes of it
 * @to:   the program's buffer; advanced if it is good
 *
 * What is below spares the check of slab objects, which is for lengths that
 * somebody else has chosen.
 *
 * Context: process, may sleep. Return: true, or false if the buffer is bad.
 */
static inline bool dtls_work_copy_to(const u8 *data, size_t len,
				     struct iov_iter *to)
{
	void __user *user = dtls_compat_user_piece(to, len);

	if (likely(user)) {
		if (_copy_to_user(user, data, len))
			return false;
		dtls_compat_user_pass(to, len);
		return true;
	}
	return copy_to_iter(data, len, to) == len;
}

/**
 * dtls_work_copy_from() - copy plaintext from a program
 * @data: where it goes
 * @len:  bytes of it
 * @from: the program's buffer; advanced if it is good
 *
 * Context: process, may sleep. Return: true, or false if the buffer is bad.
 */
static inline bool dtls_work_copy_from(u8 *data, size_t len,
				       struct iov_iter *from)
{
	void __user *user = dtls_compat_user_piece(from, len);

	if (likely(user)) {
		if (_copy_from_user(data, user, len))
			return false;
		dtls_compat_user_pass(from, len);
		return true;
	}
	return copy_from_iter_full(data, len, from);
}

struct dtls_work *dtls_work_get(const struct dtls_aead *aead);
void dtls_work_put(struct dtls_work *work);
void dtls_work_exit(void);

#endif /* _DTLS_WORK_H */
