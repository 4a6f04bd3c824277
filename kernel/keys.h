/* SPDX-License-Identifier: GPL-2.0-only */
/* Epochs: install, look up, count, retire, wipe. */
#ifndef _DTLS_KEYS_H
#define _DTLS_KEYS_H

#include <linux/atomic.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>

#include "cipher.h"
#include "replay.h"

struct dtls_assoc;

/*
 * Read epochs that live at once: the newest and two old ones. DTLS 1.3 shows
 * two bits of the epoch on the wire (RFC 9147 4.2.2), so more could not be
 * told apart.
 */
#define DTLS_KEYS_RX_EPOCHS	3

/**
 * struct dtls_epoch - keys of one direction
 * @aead:        cipher, key and IV
 * @assoc:       association, owns a reference
 * @ref:         users; the association's slot is one
 * @epoch:       number
 * @suite:       IANA number of the suite
 * @flags:       DTLS_EPOCH_*
 * @key:         DTLS 1.2: the key, for export
 * @secret:      DTLS 1.3: the traffic secret, %DTLS_SECRET_MAX bytes, and behind
 *               it the connection ID, owned
 * @rcu:         for the lock-free look-up, once the key is wiped
 * @near:        sending: number from which on there is a limit to tell of
 * @seq:         sending: next sequence number
 * @end:         sending: number that no record has any more
 * @tx_bytes:    sending: bytes of plaintext sealed
 * @first:       sending: first sequence number
 * @left:        sending: what @seq was when the keys were exported
 * @lock:        receiving: protects the fields below; process context only
 * @records:     receiving: records opened
 * @rx_bytes:    receiving: bytes of plaintext in them
 * @drop_replay: receiving: records that the window refused
 * @fails:       receiving: records that failed authentication; not under @lock
 * @replay:      receiving: the window; its map follows
 *
 * What each record changes has a cache line of its own. Keys that send end
 * where the fields for receiving begin.
 */
struct dtls_epoch {
	struct dtls_aead	aead;
	struct dtls_assoc	*assoc;
	refcount_t		ref;
	u16			epoch;
	u16			suite;
	unsigned long		flags;
	union {
		u8		key[DTLS_KEY_MAX];
		u8		*secret;
		struct rcu_head	rcu;
	};
	u64			near;
	union {
		struct {
			atomic64_t	seq ____cacheline_aligned_in_smp;
			u64		end;
			atomic64_t	tx_bytes;
			u64		first;
			u64		left;
		};
		struct {
			spinlock_t	lock;	/* see above */
			u64		records;
			u64		rx_bytes;
			u64		drop_replay;
			atomic64_t	fails;
			struct dtls_replay replay;
		};
	};
};

/* Bits of dtls_epoch.flags: events that have been told. */
#define DTLS_EPOCH_LIMIT_TOLD	0	/* usage limit of the AEAD near */
#define DTLS_EPOCH_END_TOLD	1	/* end of the sequence numbers near */
#define DTLS_EPOCH_OPENED	2	/* a record has been opened under it */
#define DTLS_EPOCH_SPENT_TOLD	3	/* usage limit of the AEAD reached */
#define DTLS_EPOCH_SENDS	4	/* records of the program are sealed with it */
#define DTLS_EPOCH_MOVED	5	/* the same keys go on elsewhere */

/* RFC 9147 6.1: handshake traffic has epoch 2, application data 3 and up. */
#define DTLS_EPOCH_HANDSHAKE	2

int dtls_keys_init(void);
void dtls_keys_exit(void);
struct dtls_epoch *dtls_keys_alloc(u32 window);
struct dtls_epoch *dtls_keys_get_tx(struct dtls_assoc *assoc);
struct dtls_epoch *dtls_keys_get_flight(struct dtls_assoc *assoc, u32 epoch);
struct dtls_epoch *dtls_keys_get_rx(struct dtls_assoc *assoc, u16 epoch);
bool dtls_keys_has_rx(struct dtls_assoc *assoc);
bool dtls_keys_has_tx(struct dtls_assoc *assoc);
void dtls_keys_put(struct dtls_epoch *ep);
int dtls_keys_no_seqs(const struct dtls_epoch *ep);
void dtls_keys_move(struct dtls_epoch *from, struct dtls_epoch *to);
int dtls_keys_follow(struct dtls_epoch **ep);
enum dtls_replay_verdict dtls_keys_check_locked(struct dtls_epoch *ep, u64 seq);
enum dtls_replay_verdict dtls_keys_commit(struct dtls_epoch *ep, u64 seq,
					  unsigned int bytes);
bool dtls_keys_failed(struct dtls_epoch *ep);
bool dtls_keys_limit_told(struct dtls_epoch *ep, u64 seq);
int dtls_keys_read(struct dtls_assoc *assoc, bool rx, bool export,
		   struct dtls_keys *keys);
void dtls_keys_drop_all(struct dtls_assoc *assoc);

/**
 * dtls_keys_mark() - when it is time to tell of a limit
 * @limit: the limit
 *
 * Context: any. Return: seven eighths of it.
 */
static inline u64 dtls_keys_mark(u64 limit)
{
	return limit - limit / 8;
}

/**
 * dtls_keys_take_seqs() - take sequence numbers for sending
 * @ep:    epoch
 * @count: how many are wanted
 * @first: set to the first of a run of numbers that nobody else gets
 *
 * A number once taken is used or lost, never given back: so no nonce comes
 * twice, whatever fails later.
 *
 * Context: any.
 * Return: how many, at least one; -EKEYREVOKED if the keys were exported;
 * -EKEYEXPIRED at the end of the numbers, or with DTLS 1.3 of what the AEAD may
 * seal; -ESTALE if the keys go on elsewhere, see dtls_keys_follow().
 */
static inline int dtls_keys_take_seqs(struct dtls_epoch *ep, unsigned int count,
				      u64 *first)
{
	u64 next;

	/* reading first keeps the counter from running away past the end */
	if (unlikely(atomic64_read(&ep->seq) >= ep->end))
		return dtls_keys_no_seqs(ep);
	next = atomic64_fetch_add(count, &ep->seq);
	if (unlikely(next >= ep->end))
		return dtls_keys_no_seqs(ep);
	*first = next;
	return min_t(u64, count, ep->end - next);
}

/**
 * dtls_keys_check() - ask the replay window before a record is opened
 * @ep:  read epoch
 * @seq: sequence number of the record
 *
 * Only to save effort: what counts is dtls_keys_commit(). So the lock is taken
 * only where a refusal has to be certain.
 *
 * Context: process. Return: the verdict; a refusal is counted.
 */
static inline enum dtls_replay_verdict dtls_keys_check(struct dtls_epoch *ep,
						       u64 seq)
{
	if (IS_ENABLED(CONFIG_64BIT) &&
	    (seq >= READ_ONCE(ep->replay.next) ||
	     dtls_replay_check(&ep->replay, seq) == DTLS_REPLAY_NEW))
		return DTLS_REPLAY_NEW;
	return dtls_keys_check_locked(ep, seq);
}

/**
 * dtls_keys_spent() - is a read key past what the AEAD may stand
 * @ep: read epoch
 *
 * RFC 9147 4.5.3: "If the number of packets that fail authentication exceeds a
 * limit that is specific to the AEAD in use, an implementation SHOULD immediately
 * close the connection". DTLS 1.2 says nothing of it.
 *
 * Context: any. Return: true if no record may be opened under it any more.
 */
static inline bool dtls_keys_spent(struct dtls_epoch *ep)
{
	return atomic64_read(&ep->fails) >= ep->aead.cipher->fail_limit;
}

/**
 * dtls_keys_expected() - the number that the next record likely has
 * @ep: read epoch
 *
 * Context: process.
 * Return: one more than the highest that was opened.
 */
static inline u64 dtls_keys_expected(struct dtls_epoch *ep)
{
	u64 next;

	if (IS_ENABLED(CONFIG_64BIT))
		return READ_ONCE(ep->replay.next);
	spin_lock(&ep->lock);
	next = ep->replay.next;
	spin_unlock(&ep->lock);
	return next;
}

/**
 * dtls_keys_limit_near() - is it time to tell that a sending key wears out
 * @ep:  write epoch
 * @seq: sequence number just taken
 *
 * DTLS 1.2 states no limit of use but the end of the sequence numbers; the
 * mathematics of RFC 9147 appendix B are the same, so the program is told, and
 * nothing is stopped.
 *
 * Context: any.
 * Return: true once near the AEAD's limit and once near the last number.
 */
static inline bool dtls_keys_limit_near(struct dtls_epoch *ep, u64 seq)
{
	return unlikely(seq >= ep->near) && dtls_keys_limit_told(ep, seq);
}

#endif /* _DTLS_KEYS_H */
