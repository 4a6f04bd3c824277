// SPDX-License-Identifier: GPL-2.0-only
/*
 * Epochs: the keys of one direction, with what must be counted under them.
 *
 * Readers find an epoch under RCU and hold a reference while a record is
 * sealed or opened with it, so that neither a new key nor close() waits for
 * them, and the transform is freed, in process context, by the last of them.
 */
#include <linux/slab.h>

#include "assoc.h"
#include "connid.h"
#include "hkdf.h"
#include "keys.h"
#include "update.h"

static size_t dtls_keys_rx_bytes(u32 window)
{
	return sizeof(struct dtls_epoch) + dtls_replay_map_bytes(window);
}

/*
 * Memory for both directions of the usual association, as much as they take
 * and no more: there may be very many.
 */
static struct kmem_cache *dtls_keys_tx_cache, *dtls_keys_rx_cache;

/**
 * dtls_keys_init() - prepare for keys
 *
 * Context: process, module init. Return: 0 or -ENOMEM.
 */
int dtls_keys_init(void)
{
	dtls_keys_tx_cache = kmem_cache_create("dtls_keys_tx",
					       offsetofend(struct dtls_epoch,
							   left), 0,
					       SLAB_HWCACHE_ALIGN |
					       SLAB_ACCOUNT, NULL);
	if (!dtls_keys_tx_cache)
		return -ENOMEM;
	dtls_keys_rx_cache = kmem_cache_create("dtls_keys_rx",
					       dtls_keys_rx_bytes(DTLS_WINDOW_DEFAULT),
					       0, SLAB_HWCACHE_ALIGN |
					       SLAB_ACCOUNT, NULL);
	if (!dtls_keys_rx_cache) {
		kmem_cache_destroy(dtls_keys_tx_cache);
		return -ENOMEM;
	}
	return 0;
}

/**
 * dtls_keys_exit() - undo dtls_keys_init()
 *
 * Context: process, module exit; the last keys have passed their grace period.
 */
void dtls_keys_exit(void)
{
	kmem_cache_destroy(dtls_keys_tx_cache);
	kmem_cache_destroy(dtls_keys_rx_cache);
}

/**
 * dtls_keys_alloc() - memory for an epoch
 * @window: records of its replay window; 0 for keys that send
 *
 * Context: process, may sleep. Return: zeroed, to be freed with kfree(); or NULL.
 */
struct dtls_epoch *dtls_keys_alloc(u32 window)
{
	if (!window)
		return kmem_cache_zalloc(dtls_keys_tx_cache, GFP_KERNEL);
	if (window <= DTLS_WINDOW_DEFAULT)
		return kmem_cache_zalloc(dtls_keys_rx_cache, GFP_KERNEL);
	return kzalloc(dtls_keys_rx_bytes(window), GFP_KERNEL_ACCOUNT);
}

/* Somebody was sealing with these keys when they moved. */
static void dtls_keys_settle(struct dtls_epoch *ep)
{
	struct dtls_epoch *to = dtls_keys_get_tx(ep->assoc);

	if (!to)
		return;
	if (to->epoch == ep->epoch)
		atomic64_add(atomic64_read(&ep->tx_bytes), &to->tx_bytes);
	dtls_keys_put(to);
}

static void dtls_keys_free(struct rcu_head *rcu)
{
	/* whichever of these it came from */
	kfree(container_of(rcu, struct dtls_epoch, rcu));
}

/**
 * dtls_keys_put() - give back a reference to an epoch
 * @ep: epoch; the last reference wipes its keys
 *
 * Context: process, may sleep.
 */
void dtls_keys_put(struct dtls_epoch *ep)
{
	struct dtls_assoc *assoc = ep->assoc;

	if (!refcount_dec_and_test(&ep->ref))
		return;
	if (unlikely(test_bit(DTLS_EPOCH_MOVED, &ep->flags)))
		dtls_keys_settle(ep);
	if (test_bit(DTLS_EPOCH_SENDS, &ep->flags))
		atomic_dec(&assoc->senders);
	if (ep->aead.form == DTLS_FORM_13)
		kfree_sensitive(ep->secret);
	dtls_cipher_destroy(&ep->aead);
	memzero_explicit(ep->key, sizeof(ep->key));
	/* a look-up may still be at the reference count, and at nothing else */
	call_rcu(&ep->rcu, dtls_keys_free);
	dtls_assoc_put(assoc);
}

/**
 * dtls_keys_get_tx() - the epoch that sends now
 * @assoc: association
 *
 * Context: any.
 * Return: the epoch with a reference, or NULL.
 */
struct dtls_epoch *dtls_keys_get_tx(struct dtls_assoc *assoc)
{
	struct dtls_epoch *ep;

	rcu_read_lock();
	do {
		ep = rcu_dereference(assoc->tx);
		/* a count of zero: it was replaced just now, look again */
	} while (ep && !refcount_inc_not_zero(&ep->ref));
	rcu_read_unlock();
	return ep;
}

/**
 * dtls_keys_get_flight() - the epoch that a record of the last flight is sent in
 * @assoc: association
 * @epoch: its number
 *
 * Context: process, may sleep.
 * Return: the epoch with a reference; or NULL if it is neither the one that
 * sends now, nor that of the handshake of DTLS 1.3.
 */
struct dtls_epoch *dtls_keys_get_flight(struct dtls_assoc *assoc, u32 epoch)
{
	struct dtls_epoch *ep = NULL;

	mutex_lock(&assoc->lock);
	if (assoc->more && assoc->more->tx_hs)
		ep = assoc->more->tx_hs;
	if (!ep || ep->epoch != epoch)
		ep = rcu_dereference_protected(assoc->tx,
					       lockdep_is_held(&assoc->lock));
	if (ep && ep->epoch == epoch)
		refcount_inc(&ep->ref);
	else
		ep = NULL;
	mutex_unlock(&assoc->lock);
	return ep;
}

/**
 * dtls_keys_get_rx() - the read epoch of a record
 * @assoc: association
 * @epoch: as the record says
 *
 * Context: any.
 * Return: the epoch with a reference, or NULL if it has no keys here.
 */
struct dtls_epoch *dtls_keys_get_rx(struct dtls_assoc *assoc, u16 epoch)
{
	struct dtls_epoch *ep = NULL;
	int i;

	rcu_read_lock();
	for (i = 0; i < DTLS_KEYS_RX_EPOCHS; i++) {
		ep = rcu_dereference(assoc->rx[i]);
		if (ep && ep->epoch == epoch &&
		    refcount_inc_not_zero(&ep->ref))
			break;
		ep = NULL;
		/* pairs with dtls_install_set_rx(): one that moves is further on */
		smp_rmb();
	}
	rcu_read_unlock();
	return ep;
}

/**
 * dtls_keys_has_tx() - can the association send
 * @assoc: association
 *
 * Context: any. Return: true if it has keys for it.
 */
bool dtls_keys_has_tx(struct dtls_assoc *assoc)
{
	return rcu_access_pointer(assoc->tx);
}

/**
 * dtls_keys_has_rx() - can the association receive
 * @assoc: association
 *
 * Context: any. Return: true if it has keys for it.
 */
bool dtls_keys_has_rx(struct dtls_assoc *assoc)
{
	return rcu_access_pointer(assoc->rx[0]);
}

/**
 * dtls_keys_no_seqs() - why there are no numbers any more
 * @ep: epoch
 *
 * Context: any.
 * Return: -EKEYREVOKED if the keys were exported; -ESTALE if they go on
 * elsewhere; -EKEYEXPIRED at the end of the numbers.
 */
int dtls_keys_no_seqs(const struct dtls_epoch *ep)
{
	if (test_bit(DTLS_ASSOC_TX_FROZEN, &ep->assoc->flags))
		return -EKEYREVOKED;
	/* pairs with dtls_keys_move(): the flag, then the end of the numbers */
	smp_rmb();
	return test_bit(DTLS_EPOCH_MOVED, &ep->flags) ? -ESTALE : -EKEYEXPIRED;
}

/**
 * dtls_keys_move() - go on with the same keys, with records of another shape
 * @from: keys that send
 * @to:   the same keys, used for nothing as yet. The caller holds the lock of
 *        their association, and puts these into the place of the others
 *
 * As with an export, no number is in two hands: whoever still has @from has those
 * that he took before, and finds no more.
 *
 * Context: process.
 */
void dtls_keys_move(struct dtls_epoch *from, struct dtls_epoch *to)
{
	u64 next;

	set_bit(DTLS_EPOCH_MOVED, &from->flags);
	/* a full barrier: pairs with dtls_keys_no_seqs() */
	next = atomic64_xchg(&from->seq, DTLS_RECORD_SEQ_MAX);
	atomic64_set(&to->seq, min_t(u64, next, from->end));
	to->first = from->first;
	atomic64_set(&to->tx_bytes, atomic64_xchg(&from->tx_bytes, 0));
	/* what has been told of them */
	if (test_bit(DTLS_EPOCH_LIMIT_TOLD, &from->flags))
		set_bit(DTLS_EPOCH_LIMIT_TOLD, &to->flags);
	if (test_bit(DTLS_EPOCH_END_TOLD, &from->flags))
		set_bit(DTLS_EPOCH_END_TOLD, &to->flags);
	if (test_bit(DTLS_EPOCH_SPENT_TOLD, &from->flags))
		set_bit(DTLS_EPOCH_SPENT_TOLD, &to->flags);
}

/**
 * dtls_keys_follow() - where keys go on that have moved
 * @ep: those, with a reference; replaced
 *
 * Whoever moves them holds the lock until the others are in their place.
 *
 * Context: process, may sleep; takes the lock of the association.
 * Return: 0; or -EPIPE if there are none any more, with @ep as it was.
 */
int dtls_keys_follow(struct dtls_epoch **ep)
{
	struct dtls_assoc *assoc = (*ep)->assoc;
	struct dtls_epoch *to;

	mutex_lock(&assoc->lock);
	to = rcu_dereference_protected(assoc->tx,
				       lockdep_is_held(&assoc->lock));
	if (to)
		refcount_inc(&to->ref);
	mutex_unlock(&assoc->lock);
	if (!to)
		return -EPIPE;
	dtls_keys_put(*ep);
	*ep = to;
	return 0;
}

/**
 * dtls_keys_check_locked() - dtls_keys_check(), where a refusal is likely
 * @ep:  read epoch
 * @seq: sequence number of the record
 *
 * Context: process. Return: the verdict; a refusal is counted.
 */
enum dtls_replay_verdict dtls_keys_check_locked(struct dtls_epoch *ep, u64 seq)
{
	enum dtls_replay_verdict verdict;

	spin_lock(&ep->lock);
	verdict = dtls_replay_check(&ep->replay, seq);
	if (verdict != DTLS_REPLAY_NEW)
		ep->drop_replay++;
	spin_unlock(&ep->lock);
	return verdict;
}

/**
 * dtls_keys_commit() - enter a record into the window once it is authentic
 * @ep:    read epoch
 * @seq:   sequence number of the record
 * @bytes: bytes of its plaintext
 *
 * Context: process.
 * Return: %DTLS_REPLAY_NEW if the record may be delivered; else another CPU
 * was first, or the keys have been exported, and it must be dropped.
 */
enum dtls_replay_verdict dtls_keys_commit(struct dtls_epoch *ep, u64 seq,
					  unsigned int bytes)
{
	enum dtls_replay_verdict verdict;
	bool first = false;

	spin_lock(&ep->lock);
	if (unlikely(test_bit(DTLS_ASSOC_RX_FROZEN, &ep->assoc->flags)))
		verdict = DTLS_REPLAY_OLD;
	else
		verdict = dtls_replay_commit(&ep->replay, seq);
	if (verdict == DTLS_REPLAY_NEW) {
		ep->records++;
		ep->rx_bytes += bytes;
		first = !test_bit(DTLS_EPOCH_OPENED, &ep->flags) &&
			!test_and_set_bit(DTLS_EPOCH_OPENED, &ep->flags);
	} else {
		ep->drop_replay++;
	}
	spin_unlock(&ep->lock);

	/* the peer has moved on: the old keys live as late records may come */
	if (unlikely(first))
		dtls_assoc_retire_later(ep->assoc);
	return verdict;
}

/* An event is due once. */
static bool dtls_keys_near(struct dtls_epoch *ep, int bit, u64 used, u64 limit)
{
	return limit && used >= dtls_keys_mark(limit) &&
	       !test_bit(bit, &ep->flags) && !test_and_set_bit(bit, &ep->flags);
}

/**
 * dtls_keys_failed() - count a record that failed authentication
 * @ep: read epoch it named
 *
 * Context: any.
 * Return: true if the AEAD's limit of failures comes near, once.
 */
bool dtls_keys_failed(struct dtls_epoch *ep)
{
	u64 fails = atomic64_inc_return(&ep->fails);

	return dtls_keys_near(ep, DTLS_EPOCH_LIMIT_TOLD, fails,
			      ep->aead.cipher->fail_limit);
}

/**
 * dtls_keys_limit_told() - is there something to tell of a key that wears out
 * @ep:  write epoch
 * @seq: sequence number just taken, above @ep->near
 *
 * Context: any.
 * Return: true once near the AEAD's limit and once near the last number.
 */
bool dtls_keys_limit_told(struct dtls_epoch *ep, u64 seq)
{
	return dtls_keys_near(ep, DTLS_EPOCH_LIMIT_TOLD, seq,
			      ep->aead.cipher->seal_limit) ||
	       dtls_keys_near(ep, DTLS_EPOCH_END_TOLD, seq,
			      DTLS_RECORD_SEQ_MAX);
}

/* Number of the next record to send, for people. */
static u64 dtls_keys_seq(struct dtls_epoch *ep)
{
	if (test_bit(DTLS_ASSOC_TX_FROZEN, &ep->assoc->flags))
		return ep->left;
	return min_t(u64, atomic64_read(&ep->seq), ep->end);
}

/**
 * dtls_keys_read() - the state of a direction, and its keys if they leave
 * @assoc:  association
 * @rx:     receiving; otherwise sending
 * @export: also hand out key and IV, and end the direction for good: two
 *          owners of one space of nonces would use one twice
 * @keys:   filled
 *
 * Context: process, may sleep.
 * Return: 0; -ENOKEY without keys; with @export -EPERM if a latch forbids it,
 * -EKEYREVOKED if they have left already.
 */
int dtls_keys_read(struct dtls_assoc *assoc, bool rx, bool export,
		   struct dtls_keys *keys)
{
	int frozen = rx ? DTLS_ASSOC_RX_FROZEN : DTLS_ASSOC_TX_FROZEN;
	struct dtls_epoch *ep;
	int err = 0;

	memset(keys, 0, sizeof(*keys));
	mutex_lock(&assoc->lock);
	ep = rcu_dereference_protected(rx ? assoc->rx[0] : assoc->tx,
				       lockdep_is_held(&assoc->lock));
	if (!ep) {
		err = -ENOKEY;
		goto out;
	}
	if (export) {
		err = -EPERM;
		if (test_bit(DTLS_ASSOC_NO_EXPORT, &assoc->flags))
			goto out;
		err = -EKEYREVOKED;
		if (test_and_set_bit(frozen, &assoc->flags))
			goto out;
		err = 0;
	}
	keys->size = sizeof(*keys);
	keys->version = assoc->version;
	keys->cipher_suite = ep->suite;
	keys->epoch = ep->epoch;
	if (ep->aead.form == DTLS_FORM_13) {
		keys->secret_len = dtls_hkdf_secret_len(dtls_hkdf_hash(ep->suite));
		keys->message_seq = dtls_update_message_seq(assoc, rx);
	} else {
		keys->key_len = ep->aead.cipher->key_len;
		keys->iv_len = ep->aead.cipher->iv_len;
	}
	keys->cid_len = ep->aead.cid_len;
	if (rx && keys->cid_len)
		dtls_connid_used(assoc->more, keys->cid);
	else if (keys->cid_len)
		memcpy(keys->cid, ep->aead.cid, keys->cid_len);
	if (rx) {
		/* a commit after this sees that the direction is frozen */
		spin_lock(&ep->lock);
		keys->seq = ep->replay.next;
		keys->window = ep->replay.window;
		keys->records = ep->records;
		keys->bytes = ep->rx_bytes;
		keys->drop_replay = ep->drop_replay;
		spin_unlock(&ep->lock);
		keys->drop_auth = atomic64_read(&ep->fails);
	} else {
		if (export)
			/* whoever comes later finds the end of the numbers */
			ep->left = min_t(u64, ep->end,
					 atomic64_xchg(&ep->seq,
						       DTLS_RECORD_SEQ_MAX));
		keys->seq = dtls_keys_seq(ep);
		keys->records = keys->seq - ep->first;
		keys->bytes = atomic64_read(&ep->tx_bytes);
	}
	if (export && ep->aead.form == DTLS_FORM_13) {
		memcpy(keys->secret, ep->secret, keys->secret_len);
	} else if (export) {
		memcpy(keys->key, ep->key, keys->key_len);
		memcpy(keys->iv, ep->aead.iv, keys->iv_len);
	}
out:
	mutex_unlock(&assoc->lock);
	return err;
}

/**
 * dtls_keys_drop_all() - take all keys away from an association
 * @assoc: association
 *
 * Records being sealed or opened just now finish first, under their own
 * references.
 *
 * Context: process, may sleep.
 */
void dtls_keys_drop_all(struct dtls_assoc *assoc)
{
	struct dtls_epoch *ep;
	int i;

	mutex_lock(&assoc->lock);
	ep = rcu_replace_pointer(assoc->tx, NULL,
				 lockdep_is_held(&assoc->lock));
	if (ep)
		dtls_keys_put(ep);
	if (assoc->more && assoc->more->tx_hs)
		dtls_keys_put(assoc->more->tx_hs);
	if (assoc->more)
		assoc->more->tx_hs = NULL;
	for (i = 0; i < DTLS_KEYS_RX_EPOCHS; i++) {
		ep = rcu_replace_pointer(assoc->rx[i], NULL,
					 lockdep_is_held(&assoc->lock));
		if (ep)
			dtls_keys_put(ep);
	}
	mutex_unlock(&assoc->lock);
}
