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

/* Its address is in page->private of all blocks. */
const u8 dtls_wire_mark;

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
	if (!*slot)
		return false;
	set_page_private(*slot, (unsigned long)&dtls_wire_mark);
	return true;
}

/**
 * dtls_wire_single() - get memory for one record, in one piece
 * @work:  work area, which keeps the memory for later
 * @vec:   set to the memory; owns a reference to the page, which the caller
 *         puts
 * @len:   bytes of the record
 * @front: bytes of it in front of its payload
 *
 * Context: process, may sleep.
 * Return: start of the record, or NULL if there is no such piece.
 */
u8 *dtls_wire_single(struct dtls_work *work, struct bio_vec *vec, size_t len,
		     unsigned int front)
{
	struct page *page = work->pages[work->page];
	unsigned int off = 0;

	if (!dtls_wire_alone(page))
		off = work->fill;
	off = dtls_wire_align(off, len, front);
	if (unlikely(!page || off + len > page_size(page))) {
		if (!dtls_wire_block(work))
			return NULL;
		page = work->pages[work->page];
		off = dtls_wire_align(0, len, front);
		if (off + len > page_size(page))
			return NULL;
	}
	get_page(page);
	work->fill = off + len;
	vec->bv_page = page;
	vec->bv_offset = off;
	vec->bv_len = len;
	return page_address(page) + off;
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
	dtls_wire_begin(wire, 0);
	return 0;
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
		size_t n = min(len, wire->left);

		memcpy(wire->mem, record, n);
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
