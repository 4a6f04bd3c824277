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

/* Records whose numbers are encrypted in one go: those of one call of the base. */
#define DTLS_WORK_MASKS		64
#define DTLS_WORK_SN_REQ	512	/* a request of the cipher for that */

/**
 * struct dtls_work_sn - what the sequence numbers of DTLS 1.3 are encrypted with
 * @masks:  samples of ciphertext, and then the masks made from them
 * @iv:     of ChaCha20
 * @record: records that wait for it
 * @count:  how many
 * @sg:     for @masks
 * @req:    request
 */
struct dtls_work_sn {
	u8			masks[DTLS_WORK_MASKS * 16];
	u8			iv[16];
	u8			*record[DTLS_WORK_MASKS];
	unsigned int		count;
	struct scatterlist	sg;
	u8			req[DTLS_WORK_SN_REQ] CRYPTO_MINALIGN_ATTR;
};

/* As much as one call of the base takes, in pieces of 32 KB. */
#define DTLS_WORK_PAGES		3

/**
 * struct dtls_work - a work area: one AEAD call at a time
 * @wait: for an AEAD that answers later
 * @req:  request, behind this struct
 * @buf:  %DTLS_WORK_BYTES, at the start of a page and contiguous
 * @pages: memory for sealed records, each with a reference; see wire.c
 * @page:  which of @pages is being filled
 * @fill:  and how far
 * @sg:   the one piece that the cipher works on, or its result goes to
 * @at:   address that @sg was pointed to last
 * @in:   additional data and record, where they do not lie there
 * @aad:  additional data, where it does not lie in front of the record
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
	u8			aad[64];
	unsigned int		async;
	u8			iv[DTLS_CIPHER_IV_MAX];
};

/*
 * Where a payload lies best: AES-NI code and the crypto API's walk over pages
 * are quickest where blocks of 16 bytes do not straddle a page.
 */
#define DTLS_WORK_PAYLOAD	64

/*
 * A whole record: its front, and the longest fragment there is, that of DTLS
 * 1.3; and behind it what the numbers of that need.
 */
#define DTLS_WORK_SN		ALIGN(DTLS_WORK_PAYLOAD + \
				      DTLS_RECORD_PLAIN_MAX + 512, \
				      CRYPTO_MINALIGN)
#define DTLS_WORK_BYTES		ALIGN(DTLS_WORK_SN + \
				      sizeof(struct dtls_work_sn), PAGE_SIZE)

/**
 * dtls_work_sn() - the part for the sequence numbers of DTLS 1.3
 * @work: the area
 *
 * Context: any. Return: never NULL.
 */
static inline struct dtls_work_sn *dtls_work_sn(const struct dtls_work *work)
{
	return (struct dtls_work_sn *)(work->buf + DTLS_WORK_SN);
}

/**
 * dtls_work_point() - point the one entry to memory
 * @work:  the area
 * @start: the memory; mostly in the page of the last record
 * @len:   bytes of it
 *
 * Context: any.
 */
static inline void dtls_work_point(struct dtls_work *work, const u8 *start,
				   unsigned int len)
{
	unsigned long at = (unsigned long)start;

	if (unlikely((at ^ work->at) & PAGE_MASK)) {
		sg_set_buf(&work->sg, start, len);
		work->at = at;
	} else {
		work->sg.offset = offset_in_page(at);
		work->sg.length = len;
	}
}

/**
 * dtls_work_run() - run the request
 * @work:  the area, with the nonce in it
 * @from:  what is read
 * @to:    where the result goes
 * @crypt: bytes of plaintext, or to open, of ciphertext and tag
 * @seal:  seal; otherwise open
 *
 * An asynchronous AEAD is waited for, and not to be interrupted: nothing of a
 * record outlives the system call that handles it, so close() has nothing to
 * fear.
 *
 * Context: process, sleeps if the AEAD does.
 * Return: 0, or the AEAD's negative errno: -EBADMSG if not authentic.
 */
static inline int dtls_work_run(struct dtls_work *work,
				struct scatterlist *from,
				struct scatterlist *to, unsigned int crypt,
				bool seal)
{
	int err;

	aead_request_set_crypt(work->req, from, to, crypt, work->iv);
	err = seal ? crypto_aead_encrypt(work->req) :
		     crypto_aead_decrypt(work->req);
	if (likely(err != -EINPROGRESS && err != -EBUSY))
		return err;
	work->async++;
	return crypto_wait_req(err, &work->wait);
}

/* Where the request begins; it has the rest of the page. */
#define DTLS_WORK_REQ		ALIGN(sizeof(struct dtls_work), \
				      CRYPTO_MINALIGN)

/**
 * dtls_work_fits() - can an AEAD work in a work area
 * @tfm: the AEAD
 *
 * There is room for a request of 3.7 KB, which is several times as much as any
 * AEAD of the kernel wants.
 *
 * Context: any. Return: true if its request has room there.
 */
static inline bool dtls_work_fits(struct crypto_aead *tfm)
{
	return sizeof(struct aead_request) + crypto_aead_reqsize(tfm) <=
	       PAGE_SIZE - DTLS_WORK_REQ;
}

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
