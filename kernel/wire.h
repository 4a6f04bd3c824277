/* SPDX-License-Identifier: GPL-2.0-only */
/* Sealed records on their way to UDP. */
#ifndef _DTLS_WIRE_H
#define _DTLS_WIRE_H

#include <linux/bvec.h>
#include <linux/mm.h>
#include <linux/socket.h>
#include <linux/uio.h>

#include "work.h"

/*
 * What one call of the base may carry: UDP_MAX_SEGMENTS of the oldest kernel,
 * and the largest payload of IPv4 with room for options.
 */
#define DTLS_WIRE_RECORDS	64
#define DTLS_WIRE_BYTES		65000

/*
 * Pieces of memory that so many bytes may lie in: pages, at worst. No more than
 * an sk_buff has room for (MAX_SKB_FRAGS is 17, if nobody made it more).
 */
#define DTLS_WIRE_VECS		(DIV_ROUND_UP(DTLS_WIRE_BYTES, PAGE_SIZE) + 1)

/**
 * struct dtls_wire - memory for sealed records, one behind the other
 * @vec:  the pieces; each owns a reference to its page
 * @nvec: how many there are
 * @cur:  piece that the next record begins in
 * @mem:  and where
 * @left: bytes from there to the end of the piece
 * @len:  bytes of records there are
 */
struct dtls_wire {
	struct bio_vec	vec[DTLS_WIRE_VECS];
	unsigned int	nvec;
	unsigned int	cur;
	u8		*mem;
	size_t		left;
	size_t		len;
};

extern const u8 dtls_wire_mark;

/**
 * dtls_wire_owns() - is a page one of those that sealed records lie in
 * @page: page that the caller has a reference to
 *
 * What lies in such a page does not change as long as there are references.
 *
 * Context: any. Return: true if so.
 */
static inline bool dtls_wire_owns(struct page *page)
{
	/* the allocator clears it for the next owner, who may use it as well */
	page = compound_head(page);
	return page_private(page) == (unsigned long)&dtls_wire_mark &&
	       !READ_ONCE(page->mapping);
}

u8 *dtls_wire_single(struct dtls_work *work, struct bio_vec *vec, size_t len,
		     unsigned int front);
int dtls_wire_reserve(struct dtls_wire *wire, struct dtls_work *work,
		      size_t len, size_t first, unsigned int front);
void dtls_wire_copy(struct dtls_wire *wire, const u8 *record, size_t len);
void dtls_wire_release(struct dtls_wire *wire);

/**
 * dtls_wire_begin() - go to a piece
 * @wire: the memory
 * @cur:  which piece; there may be none any more
 *
 * Context: any.
 */
static inline void dtls_wire_begin(struct dtls_wire *wire, unsigned int cur)
{
	const struct bio_vec *vec = &wire->vec[cur];

	wire->cur = cur;
	wire->left = 0;
	if (cur == wire->nvec)
		return;
	wire->mem = page_address(vec->bv_page) + vec->bv_offset;
	wire->left = vec->bv_len;
}

/**
 * dtls_wire_place() - may the next record be sealed where it will lie
 * @wire: the memory
 * @len:  bytes of the record
 *
 * Context: any.
 * Return: where; or NULL if it lies across pieces, or pages, so that sealing
 * it elsewhere and dtls_wire_copy() is possible at all, or cheaper.
 */
static inline u8 *dtls_wire_place(struct dtls_wire *wire, size_t len)
{
	if (unlikely(len > wire->left))
		return NULL;
	if (len <= PAGE_SIZE && offset_in_page(wire->mem) + len > PAGE_SIZE)
		return NULL;
	return wire->mem;
}

/**
 * dtls_wire_add() - a record has been sealed where dtls_wire_place() said
 * @wire: the memory
 * @len:  bytes of the record
 *
 * Context: any.
 */
static inline void dtls_wire_add(struct dtls_wire *wire, size_t len)
{
	wire->len += len;
	wire->mem += len;
	wire->left -= len;
	if (unlikely(!wire->left))
		dtls_wire_begin(wire, wire->cur + 1);
}

#endif /* _DTLS_WIRE_H */
