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
 * @ref:         users; the association's slot is one
 * @rcu:         for the lock-free look-up
 * @assoc:       association, owns a reference
 * @epoch:       number
 * @suite:       IANA number of the suite
 * @key:         the key, for export
 * @flags:       DTLS_EPOCH_*
 * @first:       sending: first sequence number
 * @seq:         sending: next sequence number
 * @left:        sending: what @seq was when the keys were exported
 * @tx_bytes:    sending: bytes of plaintext sealed
 * @fails:       receiving: records that failed authentication
 * @lock:        receiving: protects the fields below; process context only
 * @records:     receiving: records opened
 * @rx_bytes:    receiving: bytes of plaintext in them
 * @drop_replay: receiving: records that the window refused
 * @replay:      receiving: the window; its map follows
 */
struct dtls_epoch {
	struct dtls_aead	aead;
	refcount_t		ref;
	struct rcu_head		rcu;
	struct dtls_assoc	*assoc;
	u16			epoch;
	u16			suite;
	u8			key[DTLS_KEY_MAX];
	unsigned long		flags;
	u64			first;
	u64			left;
	atomic64_t		seq ____cacheline_aligned_in_smp;
	atomic64_t		tx_bytes;
	atomic64_t		fails;
	spinlock_t		lock;	/* see above */
	u64			records;
	u64			rx_bytes;
	u64			drop_replay;
	struct dtls_replay	replay;
};

/* Bits of dtls_epoch.flags: events that have been told. */
#define DTLS_EPOCH_LIMIT_TOLD	0	/* usage limit of the AEAD near */
#define DTLS_EPOCH_END_TOLD	1	/* end of the sequence numbers near */
#define DTLS_EPOCH_OPENED	2	/* a record has been opened under it */

int dtls_keys_validate(const struct dtls_keys *keys);
int dtls_keys_install(struct dtls_assoc *assoc, const struct dtls_keys *tx,
		      const struct dtls_keys *rx, u32 window);
struct dtls_epoch *dtls_keys_get_tx(struct dtls_assoc *assoc);
struct dtls_epoch *dtls_keys_get_rx(struct dtls_assoc *assoc, u16 epoch);
bool dtls_keys_has_rx(struct dtls_assoc *assoc);
bool dtls_keys_has_tx(struct dtls_assoc *assoc);
void dtls_keys_put(struct dtls_epoch *ep);
int dtls_keys_take_seqs(struct dtls_epoch *ep, unsigned int count, u64 *first);
enum dtls_replay_verdict dtls_keys_check(struct dtls_epoch *ep, u64 seq);
enum dtls_replay_verdict dtls_keys_commit(struct dtls_epoch *ep, u64 seq,
					  unsigned int bytes);
bool dtls_keys_failed(struct dtls_epoch *ep);
bool dtls_keys_limit_near(struct dtls_epoch *ep, u64 seq);
int dtls_keys_read(struct dtls_assoc *assoc, bool rx, bool export,
		   struct dtls_keys *keys);
void dtls_keys_drop_all(struct dtls_assoc *assoc);

#endif /* _DTLS_KEYS_H */
