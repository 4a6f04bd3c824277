// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for sealed records: pages of our own, which the sk_buff takes as they
 * are where the kernel can (MSG_SPLICE_PAGES), so that the ciphertext is not
 * copied once more.
 *
 * What is handed down is not written again while anybody holds a reference to
 * it: a block of pages is filled once from its start to its end, and used anew
 * only when the work area is alone with it. New ones are costly, not least where
 * the kernel clears all pages that it gives out.
 */
#include <linux/gfp.h>

#include "wire.h"

#define DTLS_WIRE_ORDER		get_order(32768)

/* Where a record of @len bytes best begins, at or behind @off. */
static unsigned int dtls_wire_align(unsigned int off, size_t len,
				    unsigned int front)
{
	/* a record within one page costs one step of the cipher's walk */
	if (len <= PAGE_SIZE)
		return offset_in_page(off) + len > PAGE_SIZE ?
		       PAGE_ALIGN(off) : off;
	/* where that cannot be, no block of it shall straddle two */
	return ALIGN(off + front, 16) - front;
}

/* Is the area alone with a block? */
static bool dtls_wire_alone(struct page *page)
{
	if (!page || page_ref_count(page) != 1)
		return false;
	/* the last who read it had done so before it let go */
	smp_mb();
	return true;
}

/* Begin another block. Return: false for want of memory. */
static bool dtls_wire_block(struct dtls_work *work)
{
	struct page **slot;

	work->page = (work->page + 1) % DTLS_WORK_PAGES;
	work->fill = 0;
	slot = &work->pages[work->page];
	if (dtls_wire_alone(*slot))
		return true;
	if (*slot)
		put_page(*slot);
	*slot = alloc_pages((GFP_KERNEL & ~__GFP_DIRECT_RECLAIM) | __GFP_COMP |
			    __GFP_NOWARN | __GFP_NORETRY, DTLS_WIRE_ORDER);
	if (!*slot)
		*slot = alloc_page(GFP_KERNEL);
	return *slot;
}

/**
 * dtls_wire_reserve() - get memory for records
 * @wire:  filled
 * @work:  work area, which keeps the memory for later
 * @len:   bytes of all of them
 * @first: bytes of the first
 * @front: bytes of a record in front of its payload
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOBUFS. In both cases it wants dtls_wire_release().
 */
int dtls_wire_reserve(struct dtls_wire *wire, struct dtls_work *work,
		      size_t len, size_t first, unsigned int front)
{
	/* a record in one piece is quicker, and the rest of a block is little */
	size_t least = min(first, PAGE_SIZE);
	unsigned int off;
	struct page *page;

	wire->nvec = 0;
	wire->cur = 0;
	wire->off = 0;
	wire->len = 0;
	while (len) {
		struct bio_vec *vec = &wire->vec[wire->nvec];

		page = work->pages[work->page];
		if (dtls_wire_alone(page))
			work->fill = 0;
		off = work->fill;
		if (!wire->nvec)
			off = dtls_wire_align(off, first, front);
		if (!page || off + min(least, len) > page_size(page) ||
		    (len == first && off && off + len > page_size(page))) {
			if (!dtls_wire_block(work))
				return -ENOBUFS;
			page = work->pages[work->page];
			off = 0;
			if (!wire->nvec)
				off = dtls_wire_align(off, first, front);
		}
		if (wire->nvec == DTLS_WIRE_VECS)
			return -ENOBUFS;
		get_page(page);
		vec->bv_page = page;
		vec->bv_offset = off;
		vec->bv_len = min_t(size_t, len, page_size(page) - off);
		work->fill = off + vec->bv_len;
		len -= vec->bv_len;
		wire->nvec++;
	}
	return 0;
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
u8 *dtls_wire_place(struct dtls_wire *wire, size_t len)
{
	struct bio_vec *vec = &wire->vec[wire->cur];
	unsigned int off = vec->bv_offset + wire->off;

	if (wire->off + len > vec->bv_len)
		return NULL;
	if (len <= PAGE_SIZE && offset_in_page(off) + len > PAGE_SIZE)
		return NULL;
	return page_address(vec->bv_page) + off;
}

/**
 * dtls_wire_add() - a record has been sealed where dtls_wire_place() said
 * @wire: the memory
 * @len:  bytes of the record
 *
 * Context: any.
 */
void dtls_wire_add(struct dtls_wire *wire, size_t len)
{
	wire->len += len;
	wire->off += len;
	if (wire->off == wire->vec[wire->cur].bv_len) {
		wire->cur++;
		wire->off = 0;
	}
}

/**
 * dtls_wire_copy() - add a record that was sealed elsewhere
 * @wire:   the memory
 * @record: the record
 * @len:    bytes of it
 *
 * Context: any.
 */
void dtls_wire_copy(struct dtls_wire *wire, const u8 *record, size_t len)
{
	while (len) {
		struct bio_vec *vec = &wire->vec[wire->cur];
		size_t n = min_t(size_t, len, vec->bv_len - wire->off);

		memcpy(page_address(vec->bv_page) + vec->bv_offset + wire->off,
		       record, n);
		record += n;
		len -= n;
		dtls_wire_add(wire, n);
	}
}

/**
 * dtls_wire_release() - let go of the memory
 * @wire: the memory; what UDP has taken holds references of its own
 *
 * Context: process.
 */
void dtls_wire_release(struct dtls_wire *wire)
{
	while (wire->nvec)
		put_page(wire->vec[--wire->nvec].bv_page);
}
