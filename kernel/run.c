// SPDX-License-Identifier: GPL-2.0-only
/*
 * A datagram, or an aggregate of several, and the memory that it lies in. Nothing
 * here writes to that.
 */
#include "compat.h"
#include "run.h"
#include "wire.h"

/* Which sk_buff byte @off lies in, and where in it. */
static struct sk_buff *dtls_run_seek(struct dtls_run *run, u32 off, u32 *in)
{
	*in = off;
	if (likely(!run->head) || off < run->head)
		return run->skb;
	/* a list is walked once, not from its head for each record */
	if (!run->frag || off < run->base) {
		run->frag = skb_shinfo(run->skb)->frag_list;
		run->base = run->head;
	}
	while (off - run->base >= run->frag->len && run->frag->next) {
		run->base += run->frag->len;
		run->frag = run->frag->next;
	}
	*in = off - run->base;
	return run->frag;
}

/* Copy @len bytes at @off. */
static int dtls_run_copy(struct dtls_run *run, u32 off, u8 *to, u32 len)
{
	while (len) {
		u32 in, n = len;
		struct sk_buff *skb = dtls_run_seek(run, off, &in);

		if (run->head && skb != run->skb)
			n = min(len, skb->len - in);
		if (!n || skb_copy_bits(skb, in, to, n))
			return -EFAULT;
		off += n;
		to += n;
		len -= n;
	}
	return 0;
}

/*
 * Does nobody write to a page as long as the sk_buff has it? So it is with what
 * a network card has received into pages of a pool, and with sealed records
 * that have come to another socket of this machine. Other pages may be those of
 * a file or of a program.
 */
static bool dtls_run_calm(const struct sk_buff *skb, const skb_frag_t *frag)
{
	return dtls_compat_pool_pages(skb) ||
	       dtls_wire_owns(skb_frag_page(frag));
}

/* Find the piece of memory that @off lies in; none if it is not the kernel's. */
static void dtls_run_find_piece(struct dtls_run *run, u32 off)
{
	const struct skb_shared_info *info;
	const struct sk_buff *skb;
	u32 in, start, i;

	run->piece_len = 0;
	skb = dtls_run_seek(run, off, &in);
	start = skb_headlen(skb);
	run->calm = true;
	if (in < start) {
		run->piece = skb->data;
		run->piece_off = off - in;
		run->piece_len = start;
		return;
	}
	info = skb_shinfo(skb);
	for (i = 0; i < info->nr_frags; i++) {
		const skb_frag_t *frag = &info->frags[i];
		u32 size = skb_frag_size(frag);

		if (in - start >= size) {
			start += size;
			continue;
		}
		if (!dtls_compat_frag_mapped(skb, frag))
			return;
		run->calm = dtls_run_calm(skb, frag);
		run->piece = skb_frag_address(frag);
		run->piece_off = off - (in - start);
		run->piece_len = size;
		/* one piece after the other, of the same memory */
		while (++i < info->nr_frags &&
		       dtls_compat_frag_mapped(skb, ++frag) &&
		       dtls_run_calm(skb, frag) == run->calm &&
		       skb_frag_address(frag) == run->piece + run->piece_len)
			run->piece_len += skb_frag_size(frag);
		return;
	}
}

/**
 * dtls_run_bytes_far() - dtls_run_bytes(), where it takes a search
 * @run:  datagram
 * @off:  place
 * @copy: @len bytes of room
 * @len:  how many
 *
 * Context: process.
 * Return: where they are; or NULL if no CPU can read them.
 */
const u8 *dtls_run_bytes_far(struct dtls_run *run, u32 off, u8 *copy, u32 len)
{
	u32 in = off - run->piece_off;

	if (in >= run->piece_len) {
		dtls_run_find_piece(run, off);
		in = off - run->piece_off;
	}
	if (in < run->piece_len && len <= run->piece_len - in)
		return run->piece + in;
	return dtls_run_copy(run, off, copy, len) ? NULL : copy;
}
