/* SPDX-License-Identifier: GPL-2.0-only */
/* An association's life. */
#ifndef _DTLS_ASSOC_H
#define _DTLS_ASSOC_H

#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/workqueue.h>
#include <net/sock.h>

#include "keys.h"

/**
 * struct dtls_assoc - one DTLS association: a peer, its keys, its state
 * @ref:      users: the socket, and each epoch
 * @rcu:      for lock-free look-up
 * @net:      network namespace, for the counters; the socket holds it
 * @lock:     serialises installing, retiring and wiping of keys, and the
 *            last flight; never taken for a record
 * @tx:       keys that send, or NULL
 * @rx:       keys that receive, newest first
 * @tx_last:  highest epoch installed for sending, 0 if none
 * @rx_last:  likewise for receiving
 * @flags:    DTLS_ASSOC_*
 * @retire:   drops old read epochs when late records may no longer come
 * @flight:   last flight of the handshake, or NULL
 */
struct dtls_assoc {
	refcount_t		ref;
	struct rcu_head		rcu;
	struct net		*net;
	struct mutex		lock;	/* see above */
	struct dtls_epoch __rcu	*tx;
	struct dtls_epoch __rcu	*rx[DTLS_KEYS_RX_EPOCHS];
	u32			tx_last;
	u32			rx_last;
	unsigned long		flags;
	struct delayed_work	retire;
	struct dtls_control_flight *flight;
};

/* Bits of dtls_assoc.flags. */
#define DTLS_ASSOC_CLOSED	0	/* nothing is sent or received any more */
#define DTLS_ASSOC_NOTIFIED	1	/* our close_notify has been sent */
#define DTLS_ASSOC_TX_FROZEN	2	/* sending keys were exported */
#define DTLS_ASSOC_RX_FROZEN	3	/* receiving keys were exported */
#define DTLS_ASSOC_NO_EXPORT	4	/* keys never leave */
#define DTLS_ASSOC_DEAD		5	/* being taken down: no new work */

struct dtls_assoc *dtls_assoc_create(struct net *net);
void dtls_assoc_destroy(struct dtls_assoc *assoc);
void dtls_assoc_put(struct dtls_assoc *assoc);
void dtls_assoc_retire_later(struct dtls_assoc *assoc);

int dtls_assoc_init(void);
void dtls_assoc_exit(void);

#endif /* _DTLS_ASSOC_H */
