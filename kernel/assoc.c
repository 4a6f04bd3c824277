// SPDX-License-Identifier: GPL-2.0-only
/* An association's life. */
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "assoc.h"
#include "connid.h"
#include "flight.h"
#include "peer.h"
#include "sock.h"
#include "stats.h"
#include "update.h"

/*
 * Twice the maximum segment lifetime of RFC 793, which RFC 6347 4.1 gives as
 * the time to keep an old epoch.
 */
static unsigned int epoch_linger = 240;
module_param(epoch_linger, uint, 0644);
MODULE_PARM_DESC(epoch_linger,
		 "seconds that old read keys stay after the peer uses newer ones");

static struct workqueue_struct *dtls_assoc_wq;
static struct kmem_cache *dtls_assoc_cache;

/* Late records of old epochs may no longer come: drop their keys. */
static void dtls_assoc_retire(struct work_struct *work)
{
	struct dtls_assoc *assoc = container_of(to_delayed_work(work),
						struct dtls_assoc, retire);
	struct dtls_epoch *newest, *ep;
	int i;

	mutex_lock(&assoc->lock);
	newest = rcu_dereference_protected(assoc->rx[0],
					   lockdep_is_held(&assoc->lock));
	/* still unused if it came after the work was queued */
	if (newest && test_bit(DTLS_EPOCH_OPENED, &newest->flags)) {
		for (i = 1; i < DTLS_KEYS_RX_EPOCHS; i++) {
			ep = rcu_replace_pointer(assoc->rx[i], NULL,
						 lockdep_is_held(&assoc->lock));
			if (ep)
				dtls_keys_put(ep);
		}
	}
	mutex_unlock(&assoc->lock);
}

/**
 * dtls_assoc_create() - make an association without keys
 * @ds: the socket that it is for
 *
 * Context: process, may sleep.
 * Return: the association with one reference, to be ended with
 * dtls_assoc_destroy(), or NULL.
 */
struct dtls_assoc *dtls_assoc_create(struct dtls_sock *ds)
{
	struct dtls_assoc *assoc = kmem_cache_zalloc(dtls_assoc_cache,
						     GFP_KERNEL);

	if (!assoc)
		return NULL;
	refcount_set(&assoc->ref, 1);
	assoc->ds = ds;
	assoc->net = sock_net(ds->sk);
	mutex_init(&assoc->lock);
	INIT_DELAYED_WORK(&assoc->retire, dtls_assoc_retire);
	dtls_stats_inc(assoc->net, DTLS_STAT_CURR_ASSOCS);
	return assoc;
}

static void dtls_assoc_free(struct rcu_head *rcu)
{
	struct dtls_assoc *assoc = container_of(rcu, struct dtls_assoc, rcu);

	if (assoc->more) {
		dtls_update_free(assoc->more->update);
		dtls_connid_free(assoc->more);
	}
	kfree(assoc->more);
	dtls_peer_free_one(assoc->peer);
	kmem_cache_free(dtls_assoc_cache, assoc);
}

/**
 * dtls_assoc_put() - give back a reference
 * @assoc: association
 *
 * Context: process.
 */
void dtls_assoc_put(struct dtls_assoc *assoc)
{
	if (refcount_dec_and_test(&assoc->ref))
		call_rcu(&assoc->rcu, dtls_assoc_free);
}

/**
 * dtls_assoc_stop() - an association is about to end: no more work for it
 * @assoc: association
 *
 * Context: process, may sleep: work in flight is waited for.
 */
void dtls_assoc_stop(struct dtls_assoc *assoc)
{
	mutex_lock(&assoc->lock);
	set_bit(DTLS_ASSOC_CLOSED, &assoc->flags);
	/* seen under the lock by whoever would queue the work again */
	set_bit(DTLS_ASSOC_DEAD, &assoc->flags);
	mutex_unlock(&assoc->lock);
	cancel_delayed_work_sync(&assoc->retire);
	dtls_update_stop(assoc);
}

/**
 * dtls_assoc_destroy() - end an association
 * @assoc: association; the owner's reference is given back
 *
 * No record can find its keys afterwards. Work in flight is waited for.
 *
 * Context: process, may sleep.
 */
void dtls_assoc_destroy(struct dtls_assoc *assoc)
{
	dtls_assoc_stop(assoc);
	dtls_keys_drop_all(assoc);
	dtls_flight_forget(assoc);
	dtls_peer_uncharge(assoc);
	dtls_stats_add(assoc->net, DTLS_STAT_CURR_ASSOCS, -1);
	dtls_assoc_put(assoc);
}

/**
 * dtls_assoc_retire_later() - the first record under a new epoch has come
 * @assoc: association
 *
 * Old read epochs are dropped when records sent before the change can no
 * longer be under way.
 *
 * Context: process, may sleep.
 */
void dtls_assoc_retire_later(struct dtls_assoc *assoc)
{
	mutex_lock(&assoc->lock);
	if (!test_bit(DTLS_ASSOC_DEAD, &assoc->flags) &&
	    rcu_access_pointer(assoc->rx[1]))
		mod_delayed_work(dtls_assoc_wq, &assoc->retire,
				 READ_ONCE(epoch_linger) * HZ);
	mutex_unlock(&assoc->lock);
}

/**
 * dtls_assoc_queue() - have work of an association done by and by
 * @work:   the work; whoever ends the association cancels it
 * @delay:  jiffies
 * @sooner: even if it was to be done at another time
 *
 * Context: any.
 */
void dtls_assoc_queue(struct delayed_work *work, unsigned long delay,
		      bool sooner)
{
	if (sooner)
		mod_delayed_work(dtls_assoc_wq, work, delay);
	else
		queue_delayed_work(dtls_assoc_wq, work, delay);
}

/**
 * dtls_assoc_init() - prepare for associations
 *
 * Context: process, module init. Return: 0 or -ENOMEM.
 */
int dtls_assoc_init(void)
{
	int err;

	err = dtls_keys_init();
	if (err)
		return err;
	dtls_assoc_cache = KMEM_CACHE(dtls_assoc, SLAB_ACCOUNT);
	dtls_assoc_wq = alloc_workqueue("dtls", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (dtls_assoc_cache && dtls_assoc_wq)
		return 0;
	if (dtls_assoc_wq)
		destroy_workqueue(dtls_assoc_wq);
	kmem_cache_destroy(dtls_assoc_cache);
	dtls_keys_exit();
	return -ENOMEM;
}

/**
 * dtls_assoc_exit() - undo dtls_assoc_init()
 *
 * Context: process, module exit; no association is left, and the last have
 * passed their grace period.
 */
void dtls_assoc_exit(void)
{
	destroy_workqueue(dtls_assoc_wq);
	kmem_cache_destroy(dtls_assoc_cache);
	dtls_keys_exit();
}
