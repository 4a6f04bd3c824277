/* SPDX-License-Identifier: GPL-2.0-only */
/* What is left of a datagram, or of an aggregate of several. */
#ifndef _DTLS_RUN_H
#define _DTLS_RUN_H

#include <linux/skbuff.h>

#include "sock.h"

const u8 *dtls_run_bytes_far(struct dtls_run *run, u32 off, u8 *copy, u32 len);

/**
 * dtls_run_bytes() - get at bytes of a datagram
 * @run:  datagram
 * @off:  place
 * @copy: @len bytes of room
 * @len:  how many
 *
 * Records follow each other, so that the piece of the last is mostly that of
 * the next.
 *
 * Context: process.
 * Return: where they are, if they lie in one piece; else @copy; or NULL if no CPU
 * can read them.
 */
static inline const u8 *dtls_run_bytes(struct dtls_run *run, u32 off, u8 *copy,
				       u32 len)
{
	u32 in = off - run->piece_off;

	if (likely(in < run->piece_len && len <= run->piece_len - in))
		return run->piece + in;
	return dtls_run_bytes_far(run, off, copy, len);
}

/**
 * dtls_run_pass() - go on
 * @run: datagram
 * @len: by so many bytes; with the last the run is empty
 *
 * Context: process.
 */
static inline void dtls_run_pass(struct dtls_run *run, u32 len)
{
	run->off += len;
	if (run->off >= run->end) {
		consume_skb(run->skb);
		run->skb = NULL;
	} else if (run->off >= run->next) {
		run->next = min(run->next + run->seg, run->end);
	}
}

#endif /* _DTLS_RUN_H */
