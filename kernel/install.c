// SPDX-License-Identifier: GPL-2.0-only
/*
 * New keys: checked, made, and put in the place of the old.
 */
#include <linux/slab.h>

#include "assoc.h"
#include "connid.h"
#include "hkdf.h"
#include "install.h"
#include "update.h"

/* Key, or secret: of the version's, and nothing of the other's. */
static bool dtls_install_valid_key(const struct dtls_keys *keys,
				   const struct dtls_cipher *c)
{
	static const u8 zero[DTLS_SECRET_MAX];

	BUILD_BUG_ON(sizeof(zero) < sizeof(keys->key) ||
		     sizeof(zero) < sizeof(keys->iv));
	if (keys->version == DTLS_1_2_VERSION)
		return keys->key_len == c->key_len &&
		       keys->iv_len == c->iv_len && !keys->secret_len &&
		       !keys->message_seq &&
		       !memcmp(keys->secret, zero, sizeof(keys->secret));
	return keys->secret_len ==
	       dtls_hkdf_secret_len(dtls_hkdf_hash(keys->cipher_suite)) &&
	       !keys->key_len && !keys->iv_len &&
	       /* RFC 9147 6.1: 1 is that of early data */
	       keys->epoch >= DTLS_EPOCH_HANDSHAKE &&
	       !memcmp(keys->key, zero, sizeof(keys->key)) &&
	       !memcmp(keys->iv, zero, sizeof(keys->iv));
}

/**
 * dtls_install_validate() - check what a program hands in
 * @keys: copied from the program, zero-extended
 *
 * Context: any.
 * Return: 0, -EPROTONOSUPPORT for a version that is neither DTLS 1.2 nor 1.3,
 * -EINVAL for anything else that makes no sense.
 */
int dtls_install_validate(const struct dtls_keys *keys)
{
	const struct dtls_cipher *c;

	if (keys->version != DTLS_1_2_VERSION &&
	    keys->version != DTLS_1_3_VERSION)
		return -EPROTONOSUPPORT;
	c = dtls_cipher_find(keys->version, keys->cipher_suite);
	if (!c || !dtls_install_valid_key(keys, c))
		return -EINVAL;
	/* epoch 0 has no keys (RFC 6347 4.1) */
	if (!keys->epoch || keys->epoch > U16_MAX)
		return -EINVAL;
	if (keys->seq > DTLS_RECORD_SEQ_MAX)
		return -EINVAL;
	if (keys->cid_len > DTLS_CID_MAX ||
	    memchr_inv(keys->cid + keys->cid_len, 0,
		       sizeof(keys->cid) - keys->cid_len))
		return -EINVAL;
	if (keys->pad || keys->pad2 || keys->pad3 || keys->pad4 ||
	    keys->window || keys->records || keys->bytes ||
	    keys->drop_replay || keys->drop_auth)
		return -EINVAL;
	return 0;
}

/* A cipher with keys that come out of a traffic secret. */
static int dtls_install_derive(struct dtls_epoch *ep,
			       const struct dtls_cipher *c,
			       const struct dtls_keys *keys)
{
	struct dtls_hkdf_keys out;
	int err;

	ep->secret = kmalloc(sizeof(keys->secret) + keys->cid_len,
			     GFP_KERNEL_ACCOUNT);
	if (!ep->secret)
		return -ENOMEM;
	memcpy(ep->secret, keys->secret, sizeof(keys->secret));
	/* its own: the peer may give another for records to come */
	memcpy(ep->secret + sizeof(keys->secret), keys->cid, keys->cid_len);
	err = dtls_hkdf_keys(dtls_hkdf_hash(keys->cipher_suite), keys->secret,
			     keys->secret_len, c->key_len, c->iv_len,
			     c->key_len, &out);
	if (!err)
		err = dtls_cipher_init(&ep->aead, c, out.key, out.iv);
	if (!err)
		err = dtls_cipher13_init(&ep->aead, out.sn);
	memzero_explicit(&out, sizeof(out));
	if (err) {
		dtls_cipher_destroy(&ep->aead);
		kfree_sensitive(ep->secret);
	}
	return err;
}

/* Which form records have under such keys. */
static enum dtls_form dtls_install_form(const struct dtls_keys *keys)
{
	if (keys->version == DTLS_1_3_VERSION)
		return DTLS_FORM_13;
	return keys->cid_len ? DTLS_FORM_CID12 : DTLS_FORM_12;
}

static struct dtls_epoch *dtls_install_create(struct dtls_assoc *assoc,
					      const struct dtls_keys *keys,
					   u32 window)
{
	const struct dtls_cipher *c = dtls_cipher_find(keys->version,
						       keys->cipher_suite);
	const u8 *cid = NULL;
	struct dtls_epoch *ep;
	int err;

	ep = dtls_keys_alloc(window);
	if (!ep)
		return ERR_PTR(-ENOMEM);
	if (keys->version == DTLS_1_3_VERSION)
		err = dtls_install_derive(ep, c, keys);
	else
		err = dtls_cipher_init(&ep->aead, c, keys->key, keys->iv);
	if (err) {
		kfree(ep);
		return ERR_PTR(err);
	}
	if (keys->version != DTLS_1_3_VERSION)
		memcpy(ep->key, keys->key, c->key_len);
	if (keys->cid_len && keys->version == DTLS_1_3_VERSION)
		cid = ep->secret + sizeof(keys->secret);
	else if (keys->cid_len)
		cid = window ? assoc->more->rx_cid : assoc->more->tx_cid;
	dtls_cipher_shape(&ep->aead, dtls_install_form(keys), cid, keys->cid_len);
	refcount_set(&ep->ref, 1);
	refcount_inc(&assoc->ref);
	ep->assoc = assoc;
	ep->epoch = keys->epoch;
	ep->suite = keys->cipher_suite;
	ep->near = dtls_keys_mark(DTLS_RECORD_SEQ_MAX);
	if (c->seal_limit)
		ep->near = min(ep->near, dtls_keys_mark(c->seal_limit));
	if (window) {
		spin_lock_init(&ep->lock);
		dtls_replay_init(&ep->replay, window, keys->seq);
		return ep;
	}
	ep->first = keys->seq;
	ep->end = DTLS_RECORD_SEQ_MAX;
	/* RFC 9147 4.5.3: "implementations MUST NOT protect more records" */
	if (keys->version == DTLS_1_3_VERSION && c->seal_limit)
		ep->end = c->seal_limit;
	atomic64_set(&ep->seq, keys->seq);
	return ep;
}

/*
 * One direction keeps the connection ID that its first keys came with, but for
 * what comes after a handshake of DTLS 1.3.
 */
static bool dtls_install_fix_cid(const struct dtls_keys *keys, bool first,
				 u8 *cid, u8 *cid_len)
{
	if (first) {
		*cid_len = keys->cid_len;
		memcpy(cid, keys->cid, DTLS_CID_MAX);
	}
	return *cid_len == keys->cid_len &&
	       !memcmp(cid, keys->cid, keys->cid_len);
}

/*
 * What is the same for all keys of an association. Whoever brings new keys, but
 * for KeyUpdate, which changes nothing of this, does so one after the other.
 */
static int dtls_install_fix(struct dtls_assoc *assoc,
			    const struct dtls_keys *tx,
			    const struct dtls_keys *rx)
{
	u16 version = tx ? tx->version : rx->version;
	struct dtls_more *more = assoc->more;
	int err;

	if ((rx && rx->version != version) ||
	    (assoc->version && assoc->version != version))
		return -EINVAL;
	if (!more && version == DTLS_1_2_VERSION &&
	    !(tx && tx->cid_len) && !(rx && rx->cid_len)) {
		assoc->version = version;
		return 0;
	}
	if (!more) {
		/* keys without connection ID have come before */
		if ((tx && tx->cid_len && assoc->tx_last) ||
		    (rx && rx->cid_len && assoc->rx_last))
			return -EINVAL;
		more = kzalloc(sizeof(*more), GFP_KERNEL_ACCOUNT);
		if (!more)
			return -ENOMEM;
		if (version == DTLS_1_3_VERSION) {
			err = dtls_update_create(assoc, more);
			if (err) {
				kfree(more);
				return err;
			}
		}
		/* pairs with whoever looks without the lock */
		smp_store_release(&assoc->more, more);
	}
	assoc->version = version;
	if (tx && !dtls_install_fix_cid(tx, !assoc->tx_last && !more->tx_hs,
					more->tx_cid, &more->tx_cid_len))
		return -EINVAL;
	if (rx && !dtls_install_fix_cid(rx, !assoc->rx_last, more->rx_cid,
					&more->rx_cid_len) &&
	    !dtls_connid_takes(more, rx->cid, rx->cid_len))
		return -EINVAL;
	return 0;
}

/*
 * Put new keys in the place of the old ones that send. Return: those. Called
 * with the association's lock held.
 */
static struct dtls_epoch *dtls_install_set_tx(struct dtls_assoc *assoc,
					      struct dtls_epoch *ep)
{
	struct dtls_epoch *old;

	WRITE_ONCE(assoc->tx_last, ep->epoch);
	if (assoc->version == DTLS_1_3_VERSION &&
	    ep->epoch == DTLS_EPOCH_HANDSHAKE) {
		old = assoc->more->tx_hs;
		assoc->more->tx_hs = ep;
		return old;
	}
	set_bit(DTLS_EPOCH_SENDS, &ep->flags);
	atomic_inc(&assoc->senders);
	return rcu_replace_pointer(assoc->tx, ep,
				   lockdep_is_held(&assoc->lock));
}

/*
 * The same for those that receive. RFC 6347 4.1: "implementations MUST accept
 * packets from the old epoch" for a while: the newer push the oldest out.
 */
static struct dtls_epoch *dtls_install_set_rx(struct dtls_assoc *assoc,
					      struct dtls_epoch *ep)
{
	struct dtls_epoch *old;
	int i = DTLS_KEYS_RX_EPOCHS - 1;

	/* before the keys: who finds these reads records rightly */
	WRITE_ONCE(assoc->rx_form, ep->aead.form);
	WRITE_ONCE(assoc->rx_last, ep->epoch);
	old = rcu_dereference_protected(assoc->rx[i],
					lockdep_is_held(&assoc->lock));
	/* from the end: dtls_keys_get_rx() finds one that moves twice, not never */
	for (; i > 0; i--)
		rcu_assign_pointer(assoc->rx[i],
				   rcu_dereference_protected(assoc->rx[i - 1],
							     lockdep_is_held(&assoc->lock)));
	rcu_assign_pointer(assoc->rx[0], ep);
	return old;
}

/**
 * dtls_install_keys() - give an association new keys
 * @assoc:  the association; caller owns a reference
 * @tx:     keys that send, validated, or NULL
 * @rx:     keys that receive, validated, or NULL
 * @window: size of the replay window, records, a power of two
 *
 * All or nothing: an error leaves both directions as they were.
 *
 * Context: process, may sleep.
 * Return: 0; -EPIPE if the association is closed; -EEXIST if the epoch is not
 * above every earlier one of its direction; -EINVAL if version or connection ID
 * differ from those of earlier keys; -EKEYREVOKED if the direction was
 * exported; -ENOMEM; or the errno of the crypto API.
 */
int dtls_install_keys(struct dtls_assoc *assoc, const struct dtls_keys *tx,
		      const struct dtls_keys *rx, u32 window)
{
	struct dtls_epoch *new_tx = NULL, *new_rx = NULL;
	struct dtls_epoch *old_tx = NULL, *old_rx = NULL;
	int err;

	mutex_lock(&assoc->lock);
	err = dtls_install_fix(assoc, tx, rx);
	mutex_unlock(&assoc->lock);
	if (err)
		return err;
	if (tx) {
		new_tx = dtls_install_create(assoc, tx, 0);
		if (IS_ERR(new_tx))
			return PTR_ERR(new_tx);
	}
	if (rx) {
		new_rx = dtls_install_create(assoc, rx, window);
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
	/* the peer has given another meanwhile */
	err = -EINVAL;
	if (tx && assoc->more &&
	    !dtls_install_fix_cid(tx, false, assoc->more->tx_cid,
				  &assoc->more->tx_cid_len))
		goto out_unlock;
	err = 0;
	dtls_update_keyed(assoc, tx, rx);
	if (tx) {
		old_tx = dtls_install_set_tx(assoc, new_tx);
		new_tx = NULL;
	}
	if (rx) {
		old_rx = dtls_install_set_rx(assoc, new_rx);
		new_rx = NULL;
	}
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

/* Put @ep, of the same keys, in the place of @old, unless that is gone. */
static int dtls_install_replace(struct dtls_assoc *assoc,
				struct dtls_epoch *old, struct dtls_epoch *ep)
{
	struct dtls_more *more = assoc->more;

	lockdep_assert_held(&assoc->lock);
	if (test_bit(DTLS_ASSOC_CLOSED, &assoc->flags))
		return -EPIPE;
	if (test_bit(DTLS_ASSOC_TX_FROZEN, &assoc->flags))
		return -EKEYREVOKED;
	if (rcu_access_pointer(assoc->tx) != old)
		return -EAGAIN;
	more->tx_cid_len = ep->aead.cid_len;
	memcpy(more->tx_cid, ep->aead.cid, ep->aead.cid_len);
	dtls_keys_move(old, ep);
	dtls_install_set_tx(assoc, ep);
	return 0;
}

/**
 * dtls_install_cid() - have another connection ID in records to come
 * @assoc:   association of DTLS 1.3, whose records have one
 * @cid:     it, of any length
 * @cid_len: bytes of it, up to %DTLS_CID_MAX, not 0
 *
 * Records lie in memory as their header's length wants it, and are put together
 * by many at a time. So what says how they look is not changed under them: the
 * same keys begin anew, with the numbers that are left.
 *
 * Context: process, may sleep; takes the lock of the association. The caller lets
 * nobody else renew meanwhile.
 * Return: 0; -ENOKEY without keys; -EPIPE; -EKEYREVOKED; -ENOMEM; or the errno of
 * the crypto API.
 */
int dtls_install_cid(struct dtls_assoc *assoc, const u8 *cid,
		     unsigned int cid_len)
{
	struct dtls_keys keys = { .version = DTLS_1_3_VERSION };
	struct dtls_epoch *old, *ep;
	int err;

	memcpy(keys.cid, cid, cid_len);
	keys.cid_len = cid_len;
	do {
		old = dtls_keys_get_tx(assoc);
		if (!old)
			return -ENOKEY;
		keys.cipher_suite = old->suite;
		keys.epoch = old->epoch;
		keys.secret_len = dtls_hkdf_secret_len(dtls_hkdf_hash(old->suite));
		memcpy(keys.secret, old->secret, keys.secret_len);
		ep = dtls_install_create(assoc, &keys, 0);
		if (IS_ERR(ep)) {
			err = PTR_ERR(ep);
		} else {
			mutex_lock(&assoc->lock);
			err = dtls_install_replace(assoc, old, ep);
			mutex_unlock(&assoc->lock);
			/* that of its place; or the new, which has none */
			dtls_keys_put(err ? ep : old);
		}
		dtls_keys_put(old);
		/* the program has brought others */
	} while (err == -EAGAIN);
	memzero_explicit(&keys, sizeof(keys));
	return err;
}

/**
 * dtls_install_next() - renew the keys of a direction (RFC 9147 5.11.2, 8)
 * @assoc:  association of DTLS 1.3
 * @rx:     receiving; otherwise sending
 * @window: size of the replay window, records, to receive
 * @epoch:  set to the new epoch
 *
 * The next secret comes out of that of the newest epoch (RFC 8446 7.2).
 *
 * Context: process, may sleep; the caller lets nobody else renew meanwhile.
 * Return: 0; -ENOKEY without keys, -EKEYEXPIRED after the last epoch, or as
 * dtls_install_keys().
 */
int dtls_install_next(struct dtls_assoc *assoc, bool rx, u32 window, u32 *epoch)
{
	struct dtls_keys keys = { .version = DTLS_1_3_VERSION };
	struct dtls_more *more = assoc->more;
	struct dtls_epoch *ep;
	unsigned int len;
	int err;

	ep = rx ? dtls_keys_get_rx(assoc, READ_ONCE(assoc->rx_last)) :
		  dtls_keys_get_tx(assoc);
	if (!ep)
		return -ENOKEY;
	err = -EKEYEXPIRED;
	if (ep->epoch == U16_MAX)
		goto out;
	len = dtls_hkdf_secret_len(dtls_hkdf_hash(ep->suite));
	err = dtls_hkdf_next(dtls_hkdf_hash(ep->suite), ep->secret, len,
			     keys.secret);
	if (err)
		goto out;
	keys.size = sizeof(keys);
	keys.cipher_suite = ep->suite;
	keys.epoch = ep->epoch + 1;
	keys.secret_len = len;
	keys.message_seq = dtls_update_message_seq(assoc, rx);
	keys.cid_len = rx ? more->rx_cid_len : more->tx_cid_len;
	memcpy(keys.cid, rx ? more->rx_cid : more->tx_cid, keys.cid_len);
	*epoch = keys.epoch;
	err = dtls_install_keys(assoc, rx ? NULL : &keys, rx ? &keys : NULL,
				window);
out:
	memzero_explicit(&keys, sizeof(keys));
	dtls_keys_put(ep);
	return err;
}
