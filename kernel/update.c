// SPDX-License-Identifier: GPL-2.0-only
/*
 * What goes on after the handshake of DTLS 1.3: keys that renew themselves
 * (KeyUpdate, RFC 9147 8), and acknowledgements (RFC 9147 7).
 *
 * A KeyUpdate of ours is repeated by a timer, under new record numbers, until an
 * ACK names one of the records it went out in; only then do we send with the new
 * keys, and never is there a second one before. A KeyUpdate of the peer gives us
 * its new keys at once, beside the old ones, and is acknowledged as often as it
 * comes.
 *
 * Messages of connection IDs (connid.c) go the same way. The peer takes messages in
 * order, so there is one at a time, and the others wait for its ACK.
 *
 * The same timer repeats a client's last flight of the handshake (flight.c).
 *
 * The program may be one that only sends. So while an ACK is due, the work item
 * that repeats these also looks into what has come.
 */
#include <linux/slab.h>

#include "connid.h"
#include "control.h"
#include "flight.h"
#include "install.h"
#include "stats.h"
#include "update.h"

/* RFC 9147 5.8.2: "initial timer value of 1000 ms", doubled up to 60 s */
#define DTLS_UPDATE_FIRST	HZ
#define DTLS_UPDATE_LAST	(60 * HZ)

/*
 * A server that is still there has answered by then, after three minutes; should
 * it repeat its own flight later, it gets this one once more.
 */
#define DTLS_UPDATE_FLIGHT_MAX	8

/* How long the program may take to read an ACK, before we do. */
#define DTLS_UPDATE_LOOK	(HZ / 10)

/* Datagrams looked into at a time, where the program does not read. */
#define DTLS_UPDATE_READ	64

/**
 * struct dtls_look - looks for ACKs in what the program has not read
 * @work: does so
 * @ds:   the socket
 */
struct dtls_look {
	struct delayed_work	work;
	struct dtls_sock	*ds;
};

static void dtls_update_work(struct work_struct *work);
static void dtls_update_look(struct work_struct *work);

/**
 * dtls_update_prepare() - make a socket ready for associations of DTLS 1.3
 * @ds: socket; two may come at a time
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM.
 */
int dtls_update_prepare(struct dtls_sock *ds)
{
	struct dtls_look *look;

	if (READ_ONCE(ds->look))
		return 0;
	look = kzalloc(sizeof(*look), GFP_KERNEL_ACCOUNT);
	if (!look)
		return -ENOMEM;
	look->ds = ds;
	INIT_DELAYED_WORK(&look->work, dtls_update_look);
	if (cmpxchg(&ds->look, NULL, look))
		kfree(look);
	return 0;
}

/**
 * dtls_update_create() - prepare an association of DTLS 1.3
 * @assoc: the association
 * @more:  its part that owns what is made here
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM.
 */
int dtls_update_create(struct dtls_assoc *assoc, struct dtls_more *more)
{
	struct dtls_update *up;

	if (dtls_update_prepare(assoc->ds))
		return -ENOMEM;
	up = kzalloc(sizeof(*up), GFP_KERNEL_ACCOUNT);
	if (!up)
		return -ENOMEM;
	up->assoc = assoc;
	mutex_init(&up->lock);
	spin_lock_init(&up->queue);
	INIT_DELAYED_WORK(&up->work, dtls_update_work);
	more->update = up;
	return 0;
}

/**
 * dtls_update_free() - undo dtls_update_create()
 * @up: what was made, after its grace period; or NULL
 *
 * Context: any.
 */
void dtls_update_free(struct dtls_update *up)
{
	if (up)
		kfree(up->connid);
	kfree(up);
}

/* Which ACKs are due? What has changed that has the lock. */
static bool dtls_update_pending(const struct dtls_update *up, u8 what)
{
	return READ_ONCE(up->assoc->ack_due) & what;
}

/* Called with the lock held. */
static void dtls_update_expect(struct dtls_update *up, u8 what)
{
	struct dtls_assoc *assoc = up->assoc;

	/* a peer that somebody is just removing: nobody would settle it */
	if (READ_ONCE(up->stopped))
		return;
	if (!assoc->ack_due)
		atomic_inc(&assoc->ds->acks_due);
	WRITE_ONCE(assoc->ack_due, assoc->ack_due | what);
}

/* Called with the lock held. */
static void dtls_update_settle(struct dtls_update *up, u8 what)
{
	struct dtls_assoc *assoc = up->assoc;

	if (assoc->ack_due && !(assoc->ack_due & ~what))
		atomic_dec(&assoc->ds->acks_due);
	WRITE_ONCE(assoc->ack_due, assoc->ack_due & ~what);
}

/**
 * dtls_update_stop() - no more work
 * @assoc: association that ends
 *
 * Context: process, may sleep: work in flight is waited for.
 */
void dtls_update_stop(struct dtls_assoc *assoc)
{
	struct dtls_update *up = dtls_update_of(assoc);

	if (!up)
		return;
	spin_lock_bh(&up->queue);
	WRITE_ONCE(up->stopped, true);
	spin_unlock_bh(&up->queue);
	cancel_delayed_work_sync(&up->work);
	mutex_lock(&up->lock);
	dtls_update_settle(up, U8_MAX);
	mutex_unlock(&up->lock);
}

/* Have the work done in @delay jiffies; @sooner: whatever it waits for now. */
static void dtls_update_queue(struct dtls_update *up, unsigned long delay,
			      bool sooner)
{
	spin_lock_bh(&up->queue);
	if (!up->stopped)
		dtls_assoc_queue(&up->work, delay, sooner);
	spin_unlock_bh(&up->queue);
}

/**
 * dtls_update_keyed() - a program installs keys of DTLS 1.3
 * @assoc: association; caller holds its lock
 * @tx:    keys that send, or NULL
 * @rx:    keys that receive, or NULL
 *
 * Context: process.
 */
void dtls_update_keyed(struct dtls_assoc *assoc, const struct dtls_keys *tx,
		       const struct dtls_keys *rx)
{
	struct dtls_update *up = dtls_update_of(assoc);

	if (!up)
		return;
	if (tx)
		WRITE_ONCE(up->tx_seq, tx->message_seq);
	if (rx)
		WRITE_ONCE(up->rx_seq, rx->message_seq);
}

/**
 * dtls_update_message_seq() - number of the next handshake message
 * @assoc: association of DTLS 1.3
 * @rx:    to come; otherwise to send
 *
 * Context: any. Return: message_seq.
 */
u16 dtls_update_message_seq(const struct dtls_assoc *assoc, bool rx)
{
	const struct dtls_update *up = dtls_update_of(assoc);

	return rx ? READ_ONCE(up->rx_seq) : READ_ONCE(up->tx_seq);
}

/* Each time twice as long as before. Return: jiffies of when to repeat. */
static unsigned long dtls_update_wait(unsigned int *waits)
{
	unsigned long timeout = min_t(unsigned long, DTLS_UPDATE_LAST,
				      DTLS_UPDATE_FIRST << min(*waits, 6U));

	++*waits;
	return jiffies + timeout;
}

/* Have the work done when the first thing is due. Called with the lock held. */
static void dtls_update_schedule(struct dtls_update *up)
{
	bool message = dtls_update_pending(up, DTLS_DUE_MESSAGE);
	bool flight = dtls_update_pending(up, DTLS_DUE_FLIGHT);
	unsigned long due = up->due;

	if (!message && !flight)
		return;
	if (flight && (!message || time_before(up->flight_due, due)))
		due = up->flight_due;
	/* what waits for nothing is not put off by what does */
	if (!message && READ_ONCE(up->wanted))
		due = jiffies;
	dtls_update_queue(up, time_after(due, jiffies) ? due - jiffies : 0,
			  true);
}

/**
 * dtls_update_pause() - no work for a while
 * @assoc: association that nobody else uses
 *
 * Its socket does not wait for an ACK for it any more.
 *
 * Context: process, may sleep: work in flight is waited for.
 */
void dtls_update_pause(struct dtls_assoc *assoc)
{
	struct dtls_update *up = dtls_update_of(assoc);

	if (!up)
		return;
	spin_lock_bh(&up->queue);
	WRITE_ONCE(up->stopped, true);
	spin_unlock_bh(&up->queue);
	cancel_delayed_work_sync(&up->work);
	mutex_lock(&up->lock);
	if (assoc->ack_due)
		atomic_dec(&assoc->ds->acks_due);
	mutex_unlock(&up->lock);
}

/**
 * dtls_update_resume() - undo dtls_update_pause()
 * @assoc: association, maybe of another socket now
 *
 * Context: process, may sleep.
 */
void dtls_update_resume(struct dtls_assoc *assoc)
{
	struct dtls_update *up = dtls_update_of(assoc);

	if (!up)
		return;
	mutex_lock(&up->lock);
	if (assoc->ack_due)
		atomic_inc(&assoc->ds->acks_due);
	spin_lock_bh(&up->queue);
	WRITE_ONCE(up->stopped, false);
	spin_unlock_bh(&up->queue);
	dtls_update_schedule(up);
	if (READ_ONCE(up->wanted))
		dtls_update_queue(up, 0, true);
	mutex_unlock(&up->lock);
}

/* Send the message, once or once more. Called with the lock held. */
static int dtls_update_send(struct dtls_update *up, int flags)
{
	bool keys = up->kind == DTLS_MESSAGE_KEY_UPDATE;
	unsigned int len = DTLS_MESSAGE_KEY_UPDATE_LEN;
	struct dtls_message_number *at;
	u8 msg[DTLS_CONNID_MESSAGE_MAX];
	int err;

	if (keys)
		dtls_message_put_key_update(msg, up->tx_seq, up->request);
	else
		len = dtls_connid_put(up, msg);
	at = &up->sent[up->tries % DTLS_UPDATE_SENT];
	err = dtls_tx_record(up->assoc, DTLS_TYPE_HANDSHAKE, msg, len, flags,
			     at);
	if (!err) {
		up->tries++;
		dtls_stats_inc(up->assoc->net,
			       keys ? DTLS_STAT_TX_KEY_UPDATES :
				      DTLS_STAT_TX_CID_MESSAGES);
	}
	return err;
}

/**
 * dtls_update_out() - send a message, and repeat it until there is an ACK
 * @up:    caller holds its lock
 * @kind:  %DTLS_MESSAGE_KEY_UPDATE, with what it says in @up; or a message that
 *         dtls_connid_put() can write
 * @flags: MSG_DONTWAIT, or 0 to wait for buffer
 *
 * Context: process, may sleep.
 * Return: 0 once it is sent; -EALREADY while the last one has no ACK; -EKEYEXPIRED
 * at the end of the numbers of messages; or what sending it says.
 */
int dtls_update_out(struct dtls_update *up, u8 kind, int flags)
{
	u8 due = kind == DTLS_MESSAGE_KEY_UPDATE ? DTLS_DUE_KEYS : DTLS_DUE_CID;
	int err;

	if (dtls_update_pending(up, DTLS_DUE_MESSAGE))
		return -EALREADY;
	/* the last number is never used: none is left for what comes after */
	if (READ_ONCE(up->tx_seq) == U16_MAX)
		return -EKEYEXPIRED;
	up->kind = kind;
	up->tries = 0;
	up->waits = 0;
	memset(up->sent, 0, sizeof(up->sent));
	/* before: the ACK may be here before we are back */
	dtls_update_expect(up, due);
	err = dtls_update_send(up, flags);
	if (err) {
		dtls_update_settle(up, due);
		return err;
	}
	up->due = dtls_update_wait(&up->waits);
	dtls_update_schedule(up);
	return 0;
}

/* Start a KeyUpdate. Called with the lock held. */
static int dtls_update_start(struct dtls_update *up, bool ask, int flags)
{
	struct dtls_assoc *assoc = up->assoc;

	if (dtls_update_pending(up, DTLS_DUE_MESSAGE))
		return -EALREADY;
	/*
	 * The peer keeps two old epochs, and forgets one with each new. A record
	 * that somebody is still sealing with the last keys shall come before
	 * these are forgotten, even if the network makes it late.
	 */
	if (atomic_read(&assoc->senders) > 1)
		return -EALREADY;
	if (READ_ONCE(assoc->tx_last) == U16_MAX)
		return -EKEYEXPIRED;
	up->request = ask ? DTLS_MESSAGE_UPDATE_REQUESTED :
			    DTLS_MESSAGE_UPDATE_NOT_REQUESTED;
	return dtls_update_out(up, DTLS_MESSAGE_KEY_UPDATE, flags);
}

/**
 * dtls_update_begin() - DTLS_KEY_UPDATE
 * @assoc: association
 * @ask:   ask the peer for new keys as well
 * @soon:  do not wait for buffer, nor long for whoever does
 *
 * Context: process, may sleep; no locks held.
 * Return: 0 once the KeyUpdate is sent; -EOPNOTSUPP with DTLS 1.2; -EALREADY
 * while the last message has no ACK, or somebody seals with keys from before it;
 * -ENOKEY, -EKEYREVOKED, -EKEYEXPIRED, -EPIPE, or what sending it says; with @soon
 * -EBUSY, -EINTR.
 */
int dtls_update_begin(struct dtls_assoc *assoc, bool ask, bool soon)
{
	struct dtls_update *up = dtls_update_of(assoc);
	int err;

	if (!up)
		return -EOPNOTSUPP;
	err = dtls_lock_mutex(&up->lock, soon);
	if (err)
		return err;
	err = dtls_update_start(up, ask, soon ? MSG_DONTWAIT : 0);
	mutex_unlock(&up->lock);
	return err;
}

/**
 * dtls_update_flight() - there is a last flight, or none any more
 * @up: its association's; caller holds the lock
 *
 * It has been sent by who made it, so it is repeated if no ACK comes.
 *
 * Context: process.
 */
void dtls_update_flight(struct dtls_update *up)
{
	dtls_update_settle(up, DTLS_DUE_FLIGHT);
	if (!dtls_flight_kept(up->assoc))
		return;
	up->flight_waits = 0;
	up->flight_due = dtls_update_wait(&up->flight_waits);
	dtls_update_expect(up, DTLS_DUE_FLIGHT);
	dtls_update_schedule(up);
}

/* The server says what it says only to who has finished the handshake. */
static void dtls_update_finished(struct dtls_update *up)
{
	if (!dtls_update_pending(up, DTLS_DUE_FLIGHT))
		return;
	dtls_update_settle(up, DTLS_DUE_FLIGHT);
	dtls_flight_forget(up->assoc);
}

/**
 * dtls_update_flight_again() - the server repeats its flight
 * @assoc:    association of DTLS 1.3
 * @finished: to the end; otherwise some of it is still to come, or has been
 *            acknowledged before
 *
 * Context: process, may sleep; no locks held.
 */
void dtls_update_flight_again(struct dtls_assoc *assoc, bool finished)
{
	struct dtls_update *up = dtls_update_of(assoc);
	unsigned long soon = jiffies + DTLS_UPDATE_LOOK;

	mutex_lock(&up->lock);
	if (!dtls_update_pending(up, DTLS_DUE_FLIGHT)) {
		/* given up before */
		up->flight_waits = 0;
		up->flight_due = soon;
		dtls_update_expect(up, DTLS_DUE_FLIGHT);
	}
	if (finished) {
		dtls_flight_repeat(assoc);
		up->flight_due = dtls_update_wait(&up->flight_waits);
	} else if (time_after(up->flight_due, soon)) {
		up->flight_due = soon;
	}
	dtls_update_schedule(up);
	mutex_unlock(&up->lock);
}

/**
 * dtls_update_want() - new keys are due, by and by
 * @assoc: association
 * @ask:   those that receive; otherwise those that send
 *
 * Context: any. Does nothing for DTLS 1.2.
 */
void dtls_update_want(struct dtls_assoc *assoc, bool ask)
{
	struct dtls_update *up = dtls_update_of(assoc);

	if (!up)
		return;
	set_bit(ask ? DTLS_UPDATE_ASK : DTLS_UPDATE_START, &up->wanted);
	dtls_update_queue(up, 0, true);
}

/**
 * dtls_update_arrived() - a datagram has come while an ACK is due
 * @ds: socket
 *
 * It may be the ACK, and the program one that does not read: but that shall
 * have the time to, since what we open it finds only later.
 *
 * Context: any, under RCU.
 */
void dtls_update_arrived(struct dtls_sock *ds)
{
	struct sock *sk = ds->sk;

	read_lock_bh(&sk->sk_callback_lock);
	/* not once it is being closed */
	if (sk->sk_data_ready != ds->base_ready)
		dtls_assoc_queue(&READ_ONCE(ds->look)->work, DTLS_UPDATE_LOOK,
				 false);
	read_unlock_bh(&sk->sk_callback_lock);
}

/* Look for ACKs in what the program has not read. */
static void dtls_update_read(struct dtls_sock *ds)
{
	unsigned int n;

	for (n = 0; n < DTLS_UPDATE_READ; n++) {
		if (!atomic_read(&ds->acks_due) || !dtls_rx_pending(ds) ||
		    /* what is opened must wait somewhere */
		    READ_ONCE(ds->ready_cost) > READ_ONCE(ds->sk->sk_rcvbuf) / 2)
			break;
		if (dtls_recv_pull(ds))
			break;
	}
}

/* The ACK has not come in time. Called with the lock held. */
static void dtls_update_repeat(struct dtls_update *up)
{
	int err = dtls_update_send(up, MSG_DONTWAIT);

	/*
	 * If there was no room for it, it is lost, like any datagram; and at the
	 * end of the key the ACK of an earlier one may still come. None comes
	 * from a peer that has closed.
	 */
	if (err == -EKEYREVOKED || err == -EPIPE ||
	    test_bit(DTLS_ASSOC_RX_CLOSED, &up->assoc->flags))
		dtls_update_settle(up, DTLS_DUE_MESSAGE);
	else
		up->due = dtls_update_wait(&up->waits);
}

/* The same of the last flight. */
static void dtls_update_repeat_flight(struct dtls_update *up)
{
	unsigned long *flags = &up->assoc->flags;

	/* nobody to hear us, or no keys to hear the ACK with */
	if (up->flight_waits > DTLS_UPDATE_FLIGHT_MAX ||
	    test_bit(DTLS_ASSOC_RX_CLOSED, flags) ||
	    test_bit(DTLS_ASSOC_RX_FROZEN, flags)) {
		dtls_update_settle(up, DTLS_DUE_FLIGHT);
		return;
	}
	dtls_flight_repeat(up->assoc);
	up->flight_due = dtls_update_wait(&up->flight_waits);
}

static void dtls_update_renew(struct dtls_update *up)
{
	bool ask = test_and_clear_bit(DTLS_UPDATE_ASK, &up->wanted);
	bool start = test_and_clear_bit(DTLS_UPDATE_START, &up->wanted);
	unsigned long delay = DTLS_UPDATE_FIRST;
	int err;

	if (!ask && !start) {
		if (dtls_connid_renew(up))
			dtls_update_queue(up, delay, true);
		return;
	}
	err = dtls_update_start(up, ask, MSG_DONTWAIT);
	switch (err) {
	case 0:
	case -ENOKEY:
	case -EKEYREVOKED:
	case -EKEYEXPIRED:
	case -EPIPE:
		return;
	case -EAGAIN:
	case -EALREADY:
		delay = DTLS_UPDATE_LOOK;
	}
	/* no memory, no route: nobody asks twice, so it is not forgotten */
	set_bit(ask ? DTLS_UPDATE_ASK : DTLS_UPDATE_START, &up->wanted);
	dtls_update_queue(up, delay, true);
}

static void dtls_update_look(struct work_struct *work)
{
	dtls_update_read(container_of(to_delayed_work(work), struct dtls_look,
				      work)->ds);
}

/**
 * dtls_update_close() - nobody looks for ACKs any more
 * @ds: socket that is being closed; sk_data_ready is the base's again
 *
 * Context: process, may sleep: work in flight is waited for.
 */
void dtls_update_close(struct dtls_sock *ds)
{
	if (!ds->look)
		return;
	cancel_delayed_work_sync(&ds->look->work);
	kfree(ds->look);
	ds->look = NULL;
}

static void dtls_update_work(struct work_struct *work)
{
	struct dtls_update *up = container_of(to_delayed_work(work),
					      struct dtls_update, work);

	if (READ_ONCE(up->assoc->ack_due))
		dtls_update_read(up->assoc->ds);

	mutex_lock(&up->lock);
	if (test_bit(DTLS_ASSOC_CLOSED, &up->assoc->flags))
		goto out;
	if (dtls_update_pending(up, DTLS_DUE_FLIGHT) &&
	    !time_before(jiffies, up->flight_due))
		dtls_update_repeat_flight(up);
	if (dtls_update_pending(up, DTLS_DUE_MESSAGE) &&
	    !time_before(jiffies, up->due))
		dtls_update_repeat(up);
	dtls_update_schedule(up);
	if (!dtls_update_pending(up, DTLS_DUE_MESSAGE))
		dtls_update_renew(up);
out:
	mutex_unlock(&up->lock);
}

/* Tell the peer that a record has come. */
static void dtls_update_send_ack(struct dtls_assoc *assoc,
				 const struct dtls_plain *rec)
{
	struct dtls_message_number number = {
		.epoch = rec->epoch,
		.seq = rec->seq,
	};
	u8 ack[DTLS_MESSAGE_ACK_LEN(1)];

	dtls_message_put_ack(ack, &number, 1);
	if (!dtls_tx_record(assoc, DTLS_TYPE_ACK, ack, sizeof(ack),
			    MSG_DONTWAIT, NULL))
		dtls_stats_inc(assoc->net, DTLS_STAT_TX_ACKS);
}

/* The peer will send with new keys. Return: true if we have them. */
static bool dtls_update_peer(struct dtls_update *up,
			     const struct dtls_plain *rec,
			     const struct dtls_message *msg, const u8 *body)
{
	struct dtls_assoc *assoc = up->assoc;
	int request = dtls_message_key_update(msg, body);
	u32 epoch;

	/* what comes in order comes under the newest keys */
	if (request < 0 || rec->epoch != READ_ONCE(assoc->rx_last))
		return false;
	WRITE_ONCE(up->rx_seq, msg->seq + 1);
	if (dtls_install_next(assoc, true, READ_ONCE(assoc->ds->window),
			      &epoch)) {
		/* not acknowledged: it will come again */
		WRITE_ONCE(up->rx_seq, msg->seq);
		return false;
	}
	dtls_stats_inc(assoc->net, DTLS_STAT_RX_KEY_UPDATES);
	dtls_control_event(assoc, DTLS_EVENT_REKEY, 0, epoch, 1);
	/*
	 * RFC 8446 4.6.3: "MUST send a KeyUpdate of its own"; and if one of ours
	 * has crossed it, "each side will also send a response".
	 */
	if (request == DTLS_MESSAGE_UPDATE_REQUESTED)
		set_bit(DTLS_UPDATE_START, &up->wanted);
	return true;
}

/**
 * dtls_update_part() - a part of the next message, or all of it
 * @up:  caller holds its lock
 * @msg: header
 *
 * Parts are acknowledged as they come in order, so that the peer stops repeating
 * them. It is all there when @up->have is @up->len.
 *
 * Context: process.
 * Return: true to do so, with what is there in @up.
 */
bool dtls_update_part(struct dtls_update *up, const struct dtls_message *msg)
{
	if (!up->have) {
		up->len = msg->len;
		up->type = msg->type;
	}
	if (msg->len != up->len || msg->type != up->type ||
	    msg->frag_off > up->have)
		return false;
	up->have = max(up->have, msg->frag_off + msg->frag_len);
	return true;
}

/* Return: true if the record is to be acknowledged, for all this says. */
static bool dtls_update_message(struct dtls_update *up,
				const struct dtls_plain *rec,
				const struct dtls_message *msg, const u8 *body)
{
	/* a flight of the handshake, or something else that we have had: again */
	if (rec->epoch == DTLS_EPOCH_HANDSHAKE || msg->seq < up->rx_seq)
		return true;
	/* RFC 9147 7.1: out of order, we "MUST NOT" if we do not keep it */
	if (msg->seq > up->rx_seq || msg->seq == U16_MAX)
		return false;
	switch (msg->type) {
	case DTLS_MESSAGE_KEY_UPDATE:
		return dtls_update_peer(up, rec, msg, body);
	case DTLS_MESSAGE_TICKET:
		/* RFC 8446 4.6.1: "after [it] has received the client Finished" */
		dtls_update_finished(up);
		if (!dtls_update_part(up, msg))
			return false;
		if (up->have == up->len)
			dtls_update_next(up, msg);
		return true;
	case DTLS_MESSAGE_NEW_CID:
		return dtls_connid_new(up, rec, msg, body);
	case DTLS_MESSAGE_REQUEST_CID:
		return dtls_connid_requested(up, rec, msg, body);
	}
	return false;
}

/**
 * dtls_update_handshake() - deal with handshake messages after the handshake
 * @assoc: association of DTLS 1.3
 * @rec:   the record, authentic; borrowed
 *
 * Context: process, may sleep; no locks held.
 */
void dtls_update_handshake(struct dtls_assoc *assoc,
			   const struct dtls_plain *rec)
{
	struct dtls_update *up = dtls_update_of(assoc);
	struct dtls_message msg;
	bool good = rec->len;
	u32 off = 0;
	int len;

	mutex_lock(&up->lock);
	while (good && off < rec->len) {
		len = dtls_message_parse(rec->data + off, rec->len - off, &msg);
		good = len > 0 &&
		       dtls_update_message(up, rec, &msg, rec->data + off +
					   DTLS_MESSAGE_HDR);
		off += len;
	}
	if (good)
		dtls_update_send_ack(assoc, rec);
	else
		dtls_stats_inc(assoc->net, DTLS_STAT_RX_DROP_CONTROL);
	if (READ_ONCE(up->wanted))
		dtls_update_queue(up, 0, true);
	mutex_unlock(&up->lock);
}

/* Does an ACK name a record that our message went out in? */
static bool dtls_update_acked(const struct dtls_update *up, const u8 *ack,
			      unsigned int count)
{
	const struct dtls_message_number *sent;
	int i;

	for (i = 0; i < DTLS_UPDATE_SENT; i++) {
		sent = &up->sent[i];
		if (sent->epoch &&
		    dtls_message_acked(ack, count, sent->epoch, sent->seq))
			return true;
	}
	return false;
}

/**
 * dtls_update_ack() - an ACK has come
 * @assoc: association of DTLS 1.3
 * @rec:   the record, authentic; borrowed
 *
 * RFC 9147 8: only now the peer has the keys that we send with from here on, if it
 * was these that we have told it of.
 *
 * Context: process, may sleep; no locks held.
 */
void dtls_update_ack(struct dtls_assoc *assoc, const struct dtls_plain *rec)
{
	struct dtls_update *up = dtls_update_of(assoc);
	int count = dtls_message_parse_ack(rec->data, rec->len);
	bool keys;
	u32 epoch;

	if (count < 0) {
		dtls_stats_inc(assoc->net, DTLS_STAT_RX_DROP_CONTROL);
		return;
	}
	dtls_stats_inc(assoc->net, DTLS_STAT_RX_ACKS);
	if (!READ_ONCE(assoc->ack_due))
		return;
	mutex_lock(&up->lock);
	if (dtls_update_pending(up, DTLS_DUE_FLIGHT) &&
	    dtls_flight_acked(assoc, rec->data, count))
		dtls_update_settle(up, DTLS_DUE_FLIGHT);
	if (!dtls_update_pending(up, DTLS_DUE_MESSAGE) ||
	    !dtls_update_acked(up, rec->data, count))
		goto out;
	keys = dtls_update_pending(up, DTLS_DUE_KEYS);
	WRITE_ONCE(up->tx_seq, up->tx_seq + 1);
	if (keys && dtls_install_next(assoc, false, 0, &epoch)) {
		/* no memory: the next ACK, of the next repetition */
		WRITE_ONCE(up->tx_seq, up->tx_seq - 1);
		goto out;
	}
	dtls_update_settle(up, DTLS_DUE_MESSAGE);
	dtls_update_finished(up);
	if (keys)
		dtls_control_event(assoc, DTLS_EVENT_REKEY, 0, epoch, 0);
	else
		dtls_connid_acked(up);
	if (READ_ONCE(up->wanted))
		dtls_update_queue(up, 0, true);
out:
	mutex_unlock(&up->lock);
}
