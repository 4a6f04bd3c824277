// SPDX-License-Identifier: GPL-2.0-only
/*
 * Anti-replay window.
 *
 * RFC 6347 4.1.2.6: "Duplicates are rejected through the use of a sliding
 * receive window"; "The receive window is updated only if the MAC verification
 * succeeds". So a record is asked about before it is opened, to spare the
 * cipher, and once more when it has been: another CPU may have opened a copy.
 */
#include "replay.h"

/**
 * dtls_replay_map_bytes() - size of a window's bit map
 * @window: records, a power of two, 64 or more
 *
 * Context: any.
 * Return: bytes to allocate after struct dtls_replay.
 */
size_t dtls_replay_map_bytes(u32 window)
{
	return window / 8;
}

/**
 * dtls_replay_init() - begin a window
 * @r:      the window, with room for its map
 * @window: records, a power of two, 64 or more
 * @next:   first number still wanted: all below it count as seen
 *
 * Context: any.
 */
void dtls_replay_init(struct dtls_replay *r, u32 window, u64 next)
{
	r->next = next;
	r->window = window;
	memset(r->map, 0xff, dtls_replay_map_bytes(window));
}

static u64 *dtls_replay_word(struct dtls_replay *r, u64 seq)
{
	return &r->map[(seq & (r->window - 1)) / 64];
}

/**
 * dtls_replay_check() - ask whether a number is worth opening
 * @r:   the window
 * @seq: sequence number
 *
 * Changes nothing: what asks is not authenticated yet.
 *
 * Context: any. Only the lock of the window makes the verdict certain; without
 * it, and only where 64 bits are read at once, it is a guess, and mostly right.
 * Return: the verdict.
 */
enum dtls_replay_verdict dtls_replay_check(const struct dtls_replay *r,
					   u64 seq)
{
	u64 next = READ_ONCE(r->next), word;

	if (seq >= next)
		return DTLS_REPLAY_NEW;
	if (next - seq > r->window)
		return DTLS_REPLAY_OLD;
	word = READ_ONCE(r->map[(seq & (r->window - 1)) / 64]);
	return word >> (seq % 64) & 1 ? DTLS_REPLAY_SEEN : DTLS_REPLAY_NEW;
}

/* Forget @count numbers from @seq on, which enter the window unseen. */
static void dtls_replay_forget(struct dtls_replay *r, u64 seq, u64 count)
{
	u32 i;

	if (count >= r->window) {
		for (i = 0; i < r->window / 64; i++)
			WRITE_ONCE(r->map[i], 0);
		return;
	}
	while (count) {
		unsigned int bit = seq % 64;
		unsigned int n = 64 - bit;
		u64 mask;

		if (n > count)
			n = count;
		mask = n == 64 ? ~0ULL : ((1ULL << n) - 1) << bit;
		WRITE_ONCE(*dtls_replay_word(r, seq),
			   *dtls_replay_word(r, seq) & ~mask);
		seq += n;
		count -= n;
	}
}

/**
 * dtls_replay_commit_any() - dtls_replay_commit(), of any number
 * @r:   the window
 * @seq: sequence number
 *
 * Context: any; caller holds the lock of the window.
 * Return: as dtls_replay_commit().
 */
enum dtls_replay_verdict dtls_replay_commit_any(struct dtls_replay *r, u64 seq)
{
	enum dtls_replay_verdict verdict = dtls_replay_check(r, seq);
	u64 *word;

	if (verdict != DTLS_REPLAY_NEW)
		return verdict;
	if (seq >= r->next) {
		dtls_replay_forget(r, r->next, seq - r->next);
		WRITE_ONCE(r->next, seq + 1);
	}
	word = dtls_replay_word(r, seq);
	WRITE_ONCE(*word, *word | 1ULL << (seq % 64));
	return DTLS_REPLAY_NEW;
}
