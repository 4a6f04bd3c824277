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

struct dtls_peer;
struct dtls_sock;

/**
 * struct dtls_more - what DTLS 1.3 and connection IDs want besides
 * @tx_hs:      keys of the handshake (epoch 2) that send, or NULL; under the
 *              association's lock
 * @update:     how keys renew themselves, with DTLS 1.3, or NULL
 * @tx_cid_len: bytes of @tx_cid
 * @rx_cid_len: bytes of @rx_cid
 * @tx_cid:     connection ID that the peer wants to see: it may give another
 * @rx_cid:     connection ID that we want to see: the first
 * @rx_set:     others that we take as well, or NULL; changed under the lock of
 *              @update
 * @rx_used:    number of the one that the peer has used last, see connid.h
 */
struct dtls_more {
	struct dtls_epoch	*tx_hs;
	struct dtls_update	*update;
	u8			tx_cid_len;
	u8			rx_cid_len;
	u8			tx_cid[DTLS_CID_MAX];
	u8			rx_cid[DTLS_CID_MAX];
	struct dtls_connid_set __rcu *rx_set;
	u32			rx_used;
};

/**
 * struct dtls_assoc - one DTLS association: a peer, its keys, its state
 * @ref:      users: the socket, and each epoch
 * @rcu:      for lock-free look-up
 * @ds:       socket, which outlives whatever is done with this
 * @peer:     which peer of the socket, owned; NULL if it is connected
 * @net:      network namespace, for the counters; the socket holds it
 * @lock:     serialises installing, retiring and wiping of keys, and the
 *            last flight; never taken for a record
 * @tx:       keys that send, or NULL
 * @rx:       keys that receive, newest first
 * @tx_last:  highest epoch installed for sending, 0 if none
 * @rx_last:  likewise for receiving
 * @flags:    DTLS_ASSOC_*
 * @senders:  epochs that send now, or in which somebody is still sealing
 * @more:     see there, or NULL with DTLS 1.2 without connection IDs; set with
 *            the first keys
 * @version:  version of DTLS, 0 before there are keys
 * @rx_form:  enum dtls_form of records to come
 * @ack_due:  DTLS_DUE_*: what the peer has not acknowledged yet; changed under
 *            the lock of the dtls_update
 * @retire:   drops old read epochs when late records may no longer come
 * @flight:   last flight of the handshake, or NULL
 */
struct dtls_assoc {
	refcount_t		ref;
	struct rcu_head		rcu;
	struct dtls_sock	*ds;
	struct dtls_peer	*peer;
	struct net		*net;
	struct mutex		lock;	/* see above */
	struct dtls_epoch __rcu	*tx;
	struct dtls_epoch __rcu	*rx[DTLS_KEYS_RX_EPOCHS];
	u32			tx_last;
	u32			rx_last;
	unsigned long		flags;
	struct dtls_more	*more;
	atomic_t		senders;
	u16			version;
	u8			rx_form;
	u8			ack_due;
	struct delayed_work	retire;
	struct dtls_flight_kept *flight;
};

/* Bits of dtls_assoc.flags. */
#define DTLS_ASSOC_CLOSED	0	/* nothing is sent or received any more */
#define DTLS_ASSOC_NOTIFIED	1	/* our close_notify has been sent */
#define DTLS_ASSOC_TX_FROZEN	2	/* sending keys were exported */
#define DTLS_ASSOC_RX_FROZEN	3	/* receiving keys were exported */
#define DTLS_ASSOC_NO_EXPORT	4	/* keys never leave */
#define DTLS_ASSOC_DEAD		5	/* being taken down: no new work */
#define DTLS_ASSOC_RX_CLOSED	6	/* DTLS 1.3: the peer sends no more */
#define DTLS_ASSOC_REMOVED	7	/* a peer that is in no table any more */

/* Bits of dtls_assoc.ack_due. */
#define DTLS_DUE_KEYS		1	/* our KeyUpdate */
#define DTLS_DUE_FLIGHT		2	/* the last flight of the handshake */
#define DTLS_DUE_CID		4	/* a message of connection IDs */

/* A message after the handshake; there is never more than one. */
#define DTLS_DUE_MESSAGE	(DTLS_DUE_KEYS | DTLS_DUE_CID)

struct dtls_assoc *dtls_assoc_create(struct dtls_sock *ds);
void dtls_assoc_stop(struct dtls_assoc *assoc);
void dtls_assoc_destroy(struct dtls_assoc *assoc);
void dtls_assoc_put(struct dtls_assoc *assoc);
void dtls_assoc_retire_later(struct dtls_assoc *assoc);
void dtls_assoc_queue(struct delayed_work *work, unsigned long delay,
		      bool sooner);

int dtls_assoc_init(void);
void dtls_assoc_exit(void);

#endif /* _DTLS_ASSOC_H */
