/* SPDX-License-Identifier: GPL-2.0-only */
/* Anti-replay window: pure. */
#ifndef _DTLS_REPLAY_H
#define _DTLS_REPLAY_H

#include "pure.h"

/**
 * enum dtls_replay_verdict - what the window says of a sequence number
 * @DTLS_REPLAY_NEW:  not seen: take it
 * @DTLS_REPLAY_SEEN: inside the window and seen before
 * @DTLS_REPLAY_OLD:  left of the window: nobody can tell any more
 */
enum dtls_replay_verdict {
	DTLS_REPLAY_NEW,
	DTLS_REPLAY_SEEN,
	DTLS_REPLAY_OLD,
};

/**
 * struct dtls_replay - sliding window over sequence numbers
 * @next:   highest number seen, plus one
 * @window: numbers below @next that the window remembers; a power of two,
 *          64 or more
 * @map:    ring of @window bits, number n at bit n mod @window, set if seen
 *
 * The caller serialises dtls_replay_commit() against itself and against
 * dtls_replay_check().
 */
struct dtls_replay {
	u64	next;
	u32	window;
	u64	map[];
};

size_t dtls_replay_map_bytes(u32 window);
void dtls_replay_init(struct dtls_replay *r, u32 window, u64 next);
enum dtls_replay_verdict dtls_replay_check(const struct dtls_replay *r,
					   u64 seq);
enum dtls_replay_verdict dtls_replay_commit_any(struct dtls_replay *r, u64 seq);

/**
 * dtls_replay_commit() - take a number whose record has been authenticated
 * @r:   the window
 * @seq: sequence number
 *
 * Context: any; caller holds the lock of the window.
 * Return: %DTLS_REPLAY_NEW if it is now marked as seen; otherwise the record
 * must be dropped and the window is as before.
 */
static inline enum dtls_replay_verdict
dtls_replay_commit(struct dtls_replay *r, u64 seq)
{
	u64 *word = &r->map[(seq & (r->window - 1)) / 64];

	if (unlikely(seq != r->next))
		return dtls_replay_commit_any(r, seq);
	/* its bit, which was that of a number long past, is set anew */
	WRITE_ONCE(r->next, seq + 1);
	WRITE_ONCE(*word, *word | 1ULL << (seq % 64));
	return DTLS_REPLAY_NEW;
}

#endif /* _DTLS_REPLAY_H */
