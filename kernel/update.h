/* SPDX-License-Identifier: GPL-2.0-only */
/* What goes on after the handshake of DTLS 1.3: its messages, and ACKs. */
#ifndef _DTLS_UPDATE_H
#define _DTLS_UPDATE_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "assoc.h"
#include "message.h"
#include "sock.h"

/*
 * So many of the records that a message went out in are remembered: an ACK may
 * name any. With a timer that doubles that is more than an hour.
 */
#define DTLS_UPDATE_SENT	8

/**
 * struct dtls_update - what an association still has to say, and to hear
 * @assoc:   the association, which owns this
 * @lock:    one at a time; taken before the association's
 * @work:    starts, or repeats, what is due
 * @queue:   protects @stopped
 * @stopped: the association ends: no new work
 * @wanted:  DTLS_UPDATE_*: what is to be started
 * @tx_seq:  message_seq of the next message to send
 * @rx_seq:  message_seq of the next message to come
 * @have:    bytes of that one that have come, from its start
 * @len:     of how many, if any have
 * @type:    and its type
 * @kind:    type of our message that has no ACK yet: one at a time, since they are
 *           taken in order
 * @request: request_update of it, if it is a KeyUpdate
 * @tries:   how often it has been sent
 * @waits:   how often an ACK has been waited for
 * @due:     jiffies at which it is sent again
 * @flight_waits: how often an ACK of the last flight has been waited for
 * @flight_due:   jiffies at which that is sent again
 * @sent:    records that it went out in
 * @connid:  connection IDs, or NULL as long as there was no use for it
 */
struct dtls_update {
	struct dtls_assoc		*assoc;
	struct mutex			lock;	/* see above */
	struct delayed_work		work;
	spinlock_t			queue;	/* see above */
	bool				stopped;
	unsigned long			wanted;
	u16				tx_seq;
	u16				rx_seq;
	u32				have;
	u32				len;
	u8				type;
	u8				kind;
	u8				request;
	unsigned int			tries;
	unsigned int			waits;
	unsigned long			due;
	unsigned int			flight_waits;
	unsigned long			flight_due;
	struct dtls_message_number	sent[DTLS_UPDATE_SENT];
	struct dtls_connid		*connid;
};

/* Bits of dtls_update.wanted. */
#define DTLS_UPDATE_START	0	/* new keys to send with */
#define DTLS_UPDATE_ASK		1	/* and ask the peer for new ones */
#define DTLS_UPDATE_NEW_CID	2	/* give it connection IDs */
#define DTLS_UPDATE_REQUEST_CID	3	/* ask it for some */

void dtls_update_close(struct dtls_sock *ds);
int dtls_update_create(struct dtls_assoc *assoc, struct dtls_more *more);
void dtls_update_stop(struct dtls_assoc *assoc);
void dtls_update_pause(struct dtls_assoc *assoc);
void dtls_update_resume(struct dtls_assoc *assoc);
int dtls_update_prepare(struct dtls_sock *ds);
void dtls_update_free(struct dtls_update *up);
void dtls_update_keyed(struct dtls_assoc *assoc, const struct dtls_keys *tx,
		       const struct dtls_keys *rx);
u16 dtls_update_message_seq(const struct dtls_assoc *assoc, bool rx);
void dtls_update_flight(struct dtls_update *up);
void dtls_update_flight_again(struct dtls_assoc *assoc, bool finished);
int dtls_update_out(struct dtls_update *up, u8 kind, int flags);
int dtls_update_begin(struct dtls_assoc *assoc, bool ask, bool soon);
void dtls_update_want(struct dtls_assoc *assoc, bool ask);
void dtls_update_arrived(struct dtls_sock *ds);
bool dtls_update_part(struct dtls_update *up, const struct dtls_message *msg);
void dtls_update_handshake(struct dtls_assoc *assoc,
			   const struct dtls_plain *rec);
void dtls_update_ack(struct dtls_assoc *assoc, const struct dtls_plain *rec);

/**
 * dtls_update_of() - the part of an association that renews its keys
 * @assoc: the association
 *
 * Context: any.
 * Return: NULL if there is none: DTLS 1.2, or no keys yet.
 */
static inline struct dtls_update *dtls_update_of(const struct dtls_assoc *assoc)
{
	/* pairs with the release when the first keys are installed */
	const struct dtls_more *more = smp_load_acquire(&assoc->more);

	return more ? more->update : NULL;
}

/**
 * dtls_update_next() - a message has been dealt with: the next one may come
 * @up:  caller holds its lock
 * @msg: header
 *
 * Context: process.
 */
static inline void dtls_update_next(struct dtls_update *up,
				    const struct dtls_message *msg)
{
	WRITE_ONCE(up->rx_seq, msg->seq + 1);
	up->have = 0;
}

#endif /* _DTLS_UPDATE_H */
