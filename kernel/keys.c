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
#include "keys.h"

/**
 * dtls_keys_validate() - check what a program hands in
 * @keys: copied from the program, zero-extended
 *
 * Context: any.
 * Return: 0, -EPROTONOSUPPORT for a version that is not DTLS 1.2, -EINVAL for
 * anything else that makes no sense.
 */
int dtls_keys_validate(const struct dtls_keys *keys)
{
	const struct dtls_cipher *c;

	if (keys->version != DTLS_1_2_VERSION)
		return -EPROTONOSUPPORT;
	c = dtls_cipher_find(keys->cipher_suite);
	if (!c)
		return -EINVAL;
	if (keys->key_len != c->key_len || keys->iv_len != c->iv_len)
		return -EINVAL;
	/* epoch 0 has no keys (RFC 6347 4.1) */
	if (!keys->epoch || keys->epoch > U16_MAX)
		return -EINVAL;
	if (keys->seq > DTLS_RECORD_SEQ_MAX)
		return -EINVAL;
	if (keys->cid_len || keys->pad || keys->pad2 || keys->window ||
	    keys->records || keys->bytes || keys->drop_replay ||
	    keys->drop_auth || memchr_inv(keys->cid, 0, sizeof(keys->cid)) ||
	    keys->secret_len || keys->pad3 || keys->message_seq || keys->pad4 ||
	    memchr_inv(keys->secret, 0, sizeof(keys->secret)))
		return -EINVAL;
	return 0;
}

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
							   tx_bytes), 0,
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

/* With a window of so many records; keys that send have none. */
static struct dtls_epoch *dtls_keys_alloc(u32 window)
{
	if (!window)
		return kmem_cache_zalloc(dtls_keys_tx_cache, GFP_KERNEL);
	if (window <= DTLS_WINDOW_DEFAULT)
		return kmem_cache_zalloc(dtls_keys_rx_cache, GFP_KERNEL);
	return kzalloc(dtls_keys_rx_bytes(window), GFP_KERNEL_ACCOUNT);
}

static void dtls_keys_free(struct rcu_head *rcu)
{
	/* whichever of these it came from */
	kfree(container_of(rcu, struct dtls_epoch, rcu));
}

/* Of a limit, seven eighths are used up when it is time to tell of it. */
static u64 dtls_keys_mark(u64 limit)
{
	return limit - limit / 8;
}

static struct dtls_epoch *dtls_keys_create(struct dtls_assoc *assoc,
					   const struct dtls_keys *keys,
					   u32 window)
{
	const struct dtls_cipher *c = dtls_cipher_find(keys->cipher_suite);
	struct dtls_epoch *ep;
	int err;

	ep = dtls_keys_alloc(window);
	if (!ep)
		return ERR_PTR(-ENOMEM);
	err = dtls_cipher_init(&ep->aead, c, keys->key, keys->iv);
	if (err) {
		kfree(ep);
		return ERR_PTR(err);
	}
	refcount_set(&ep->ref, 1);
	refcount_inc(&assoc->ref);
	ep->assoc = assoc;
	ep->epoch = keys->epoch;
	ep->suite = keys->cipher_suite;
	memcpy(ep->key, keys->key, c->key_len);
	ep->first = keys->seq;
	ep->near = dtls_keys_mark(DTLS_RECORD_SEQ_MAX);
	if (c->seal_limit)
		ep->near = min(ep->near, dtls_keys_mark(c->seal_limit));
	if (window) {
		spin_lock_init(&ep->lock);
		dtls_replay_init(&ep->replay, window, keys->seq);
	} else {
		atomic64_set(&ep->seq, keys->seq);
	}
	return ep;
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
	dtls_cipher_destroy(&ep->aead);
	memzero_explicit(ep->key, sizeof(ep->key));
	/* a look-up may still be at the reference count, and at nothing else */
	call_rcu(&ep->rcu, dtls_keys_free);
	dtls_assoc_put(assoc);
}

/**
 * dtls_keys_install() - give an association new keys
 * @assoc:  the association; caller owns a reference
 * @tx:     keys that send, validated, or NULL
 * @rx:     keys that receive, validated, or NULL
 * @window: size of the replay window, records, a power of two
 *
 * All or nothing: an error leaves both directions as they were.
 *
 * Context: process, may sleep.
 * Return: 0; -EPIPE if the association is closed; -EEXIST if the epoch is not
 * above every earlier one of its direction; -EKEYREVOKED if the direction was
 * exported; -ENOMEM; or the errno of the crypto API.
 */
int dtls_keys_install(struct dtls_assoc *assoc, const struct dtls_keys *tx,
		      const struct dtls_keys *rx, u32 window)
{
	struct dtls_epoch *new_tx = NULL, *new_rx = NULL;
	struct dtls_epoch *old_tx = NULL, *old_rx = NULL;
	int err, i;

	if (tx) {
		new_tx = dtls_keys_create(assoc, tx, 0);
		if (IS_ERR(new_tx))
			return PTR_ERR(new_tx);
	}
	if (rx) {
		new_rx = dtls_keys_create(assoc, rx, window);
		if (IS_ERR(new_rx)) {
			err = PTR_ERR(new_rx);
			new_rx = NULL;
			goto out_put;
		}
	}

	mutex_lock(&assoc->lock);
	err = -EPIPE;
	if (test_bit(DTLS_ASSOC_CLOSED, &assoc->flags))
		goto out_unlock;
	err = -EKEYREVOKED;
	if ((tx && test_bit(DTLS_ASSOC_TX_FROZEN, &assoc->flags)) ||
	    (rx && test_bit(DTLS_ASSOC_RX_FROZEN, &assoc->flags)))
		goto out_unlock;
	err = -EEXIST;
	if ((tx && tx->epoch <= assoc->tx_last) ||
	    (rx && rx->epoch <= assoc->rx_last))
		goto out_unlock;
	if (tx) {
		old_tx = rcu_replace_pointer(assoc->tx, new_tx,
					     lockdep_is_held(&assoc->lock));
		assoc->tx_last = tx->epoch;
		new_tx = NULL;
	}
	if (rx) {
		/*
		 * RFC 6347 4.1: "implementations MUST accept packets from
		 * the old epoch" for a while: the newer push the oldest out.
		 */
		for (i = DTLS_KEYS_RX_EPOCHS - 1; i >= 0; i--) {
			struct dtls_epoch *ep;

			ep = rcu_dereference_protected(assoc->rx[i],
						       lockdep_is_held(&assoc->lock));
			if (i == DTLS_KEYS_RX_EPOCHS - 1)
				old_rx = ep;
			else
				rcu_assign_pointer(assoc->rx[i + 1], ep);
		}
		rcu_assign_pointer(assoc->rx[0], new_rx);
		assoc->rx_last = rx->epoch;
		new_rx = NULL;
	}
	err = 0;
out_unlock:
	mutex_unlock(&assoc->lock);
	if (old_tx)
		dtls_keys_put(old_tx);
	if (old_rx)
		dtls_keys_put(old_rx);
out_put:
	if (new_tx)
		dtls_keys_put(new_tx);
	if (new_rx)
		dtls_keys_put(new_rx);
	return err;
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
 * Return: -EKEYREVOKED if the keys were exported; -EKEYEXPIRED at the end of
 * the numbers.
 */
int dtls_keys_no_seqs(const struct dtls_epoch *ep)
{
	if (test_bit(DTLS_ASSOC_TX_FROZEN, &ep->assoc->flags))
		return -EKEYREVOKED;
	return -EKEYEXPIRED;
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
	return min_t(u64, atomic64_read(&ep->seq), DTLS_RECORD_SEQ_MAX);
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
	keys->version = DTLS_1_2_VERSION;
	keys->cipher_suite = ep->suite;
	keys->epoch = ep->epoch;
	keys->key_len = ep->aead.cipher->key_len;
	keys->iv_len = ep->aead.cipher->iv_len;
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
			ep->left = min_t(u64, DTLS_RECORD_SEQ_MAX,
					 atomic64_xchg(&ep->seq,
						       DTLS_RECORD_SEQ_MAX));
		keys->seq = dtls_keys_seq(ep);
		keys->records = keys->seq - ep->first;
		keys->bytes = atomic64_read(&ep->tx_bytes);
	}
	if (export) {
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
	for (i = 0; i < DTLS_KEYS_RX_EPOCHS; i++) {
		ep = rcu_replace_pointer(assoc->rx[i], NULL,
					 lockdep_is_held(&assoc->lock));
		if (ep)
			dtls_keys_put(ep);
	}
	mutex_unlock(&assoc->lock);
}
