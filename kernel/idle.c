// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peers from whom nothing has come for long (DTLS_PEER_IDLE).
 *
 * A record costs nothing for it: keys that receive count their records anyway, and
 * one work item for each table looks now and then whose number has not changed. So a
 * peer goes late by up to the time between two looks, and never early.
 */
#include <linux/jiffies.h>

#include "idle.h"
#include "peer.h"
#include "sock.h"

/* Looks in the time of the limit; and the least time between two. */
#define DTLS_IDLE_LOOKS	8
#define DTLS_IDLE_LEAST	HZ

static unsigned long dtls_idle_limit(const struct dtls_sock *ds)
{
	return min_t(u64, (u64)READ_ONCE(ds->peers_idle) * HZ,
		     MAX_JIFFY_OFFSET);
}

/* Records that have been opened under the keys that there are. */
static u64 dtls_idle_records(struct dtls_assoc *assoc)
{
	struct dtls_epoch *ep;
	u64 records = 0;
	int i;

	rcu_read_lock();
	for (i = 0; i < DTLS_KEYS_RX_EPOCHS; i++) {
		ep = rcu_dereference(assoc->rx[i]);
		if (!ep)
			continue;
		/* any other number than the last will do */
		records += data_race(ep->records);
	}
	rcu_read_unlock();
	return records;
}

/*
 * Has it been too long? Keys that have gone since the last look change the number,
 * too: that is the peer's advantage.
 */
static bool dtls_idle_over(struct dtls_assoc *assoc, unsigned long limit)
{
	u64 records = dtls_idle_records(assoc);
	struct dtls_peer *peer = assoc->peer;

	if (peer->records != records) {
		peer->records = records;
		peer->heard = jiffies;
	}
	return time_after(jiffies, peer->heard + limit);
}

static void dtls_idle_queue(struct dtls_peers *peers, unsigned long limit,
			    bool sooner)
{
	dtls_assoc_queue(&peers->idle, max_t(unsigned long, limit / DTLS_IDLE_LOOKS,
					     DTLS_IDLE_LEAST), sooner);
}

/* Each peer is found anew by its identifier: others come and go meanwhile. */
static void dtls_idle_look(struct work_struct *work)
{
	struct dtls_peers *peers = container_of(to_delayed_work(work),
						struct dtls_peers, idle);
	struct dtls_sock *ds = peers->ds;
	unsigned long limit = dtls_idle_limit(ds);
	struct dtls_assoc *assoc;
	u64 id = 0;

	while (limit && !READ_ONCE(ds->closed)) {
		assoc = dtls_peer_find_id(peers, id, true);
		if (!assoc)
			break;
		id = assoc->peer->id;
		/* if its removal has to wait for long: the next time */
		if (dtls_idle_over(assoc, limit))
			dtls_peeropt_remove(ds, assoc, DTLS_PEEROPT_NOTIFY |
					    DTLS_PEEROPT_SOON |
					    DTLS_PEEROPT_IDLE);
		else
			dtls_assoc_put(assoc);
		cond_resched();
		limit = dtls_idle_limit(ds);
	}
	if (limit)
		dtls_idle_queue(peers, limit, false);
}

/**
 * dtls_idle_init() - part of making an empty set of peers
 * @peers: the set
 * @ds:    socket that it is for
 *
 * Context: any.
 */
void dtls_idle_init(struct dtls_peers *peers, struct dtls_sock *ds)
{
	peers->ds = ds;
	INIT_DELAYED_WORK(&peers->idle, dtls_idle_look);
}

/**
 * dtls_idle_start() - there is another limit, or the first peer
 * @ds: socket; caller holds the lock of its cork
 *
 * Context: process.
 */
void dtls_idle_start(struct dtls_sock *ds)
{
	unsigned long limit = dtls_idle_limit(ds);

	if (limit && ds->peers)
		dtls_idle_queue(ds->peers, limit, true);
}

/**
 * dtls_idle_stop() - nobody looks any more
 * @peers: of a socket that is being closed
 *
 * Context: process, may sleep: work in flight is waited for, which ends soon, as
 * &dtls_sock.closed is set.
 */
void dtls_idle_stop(struct dtls_peers *peers)
{
	cancel_delayed_work_sync(&peers->idle);
}
