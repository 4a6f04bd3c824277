// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opened records that wait for the program: those that poll, FIONREAD or
 * MSG_PEEK had to open, and those that came in one datagram with others.
 */
#include <linux/compat.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <net/compat.h>

#include "peer.h"
#include "raw.h"
#include "sock.h"

/**
 * dtls_ready_wake() - something has been added to a queue
 * @ds:    socket
 * @count: receivers that it may feed
 *
 * The datagram woke one sleeper, or none that sleeps now.
 *
 * Context: process.
 */
void dtls_ready_wake(struct dtls_sock *ds, unsigned int count)
{
	/* pairs with the barriers of dtls_recv_wait(), dtls_recv_grown() */
	smp_mb();
	if (atomic_read(&ds->waiters) ||
	    (READ_ONCE(ds->missed) && xchg(&ds->missed, false)))
		__wake_up(sk_sleep(ds->sk), TASK_INTERRUPTIBLE, count,
			  poll_to_key(EPOLLIN | EPOLLRDNORM));
}

/**
 * dtls_ready_add() - queue an opened record
 * @ds:    socket
 * @plain: the record, copied
 * @skb:   the datagram it came in; a reference is taken
 * @peer:  identifier of the peer, or 0
 * @front: before those that are there; otherwise behind
 *
 * Context: process, may sleep.
 * Return: true, or false for want of memory.
 */
bool dtls_ready_add(struct dtls_sock *ds, const struct dtls_plain *plain,
		    struct sk_buff *skb, u64 peer, bool front)
{
	struct dtls_ready *rec, *last;

	rec = kmalloc(struct_size(rec, data, plain->len), GFP_KERNEL_ACCOUNT);
	if (!rec)
		return false;
	refcount_set(&rec->ref, 1);
	rec->peeked = false;
	rec->cost = struct_size(rec, data, plain->len);
	rec->peer = peer;
	rec->plain = *plain;
	rec->plain.data = rec->data;
	memcpy(rec->data, plain->data, plain->len);
	rec->skb = skb_get(skb);

	spin_lock(&ds->ready_lock);
	/* records of one datagram share what it holds */
	last = list_empty(&ds->ready) ? NULL :
	       list_last_entry(&ds->ready, struct dtls_ready, list);
	if (!last || last->skb != skb)
		rec->cost += skb->truesize;
	if (front)
		list_add(&rec->list, &ds->ready);
	else
		list_add_tail(&rec->list, &ds->ready);
	ds->ready_cost += rec->cost;
	dtls_ready_grow(ds);
	spin_unlock(&ds->ready_lock);
	dtls_ready_wake(ds, 1);
	return true;
}

/**
 * dtls_ready_put() - give back a reference
 * @rec: with the last one it is wiped and freed
 *
 * Context: process.
 */
void dtls_ready_put(struct dtls_ready *rec)
{
	if (!refcount_dec_and_test(&rec->ref))
		return;
	consume_skb(rec->skb);
	kfree_sensitive(rec);
}

/**
 * dtls_ready_unmarked() - would a record go to the program without its mark
 * @rec: the record
 * @msg: the program's message
 *
 * What is not data must not.
 *
 * Context: process.
 * Return: true if it needs a mark and there is no room for one.
 */
bool dtls_ready_unmarked(const struct dtls_plain *rec,
			 const struct msghdr *msg)
{
	size_t size = rec->type == DTLS_TYPE_RAW ? sizeof(int) :
						   sizeof(struct dtls_record);
	size_t space = CMSG_LEN(size);

#ifdef CONFIG_COMPAT
	if (msg->msg_flags & MSG_CMSG_COMPAT)
		space = sizeof(struct compat_cmsghdr) + size;
#endif
	return rec->type != DTLS_TYPE_DATA && msg->msg_controllen < space;
}

static void dtls_ready_take(struct dtls_sock *ds, struct dtls_ready *rec)
{
	list_del(&rec->list);
	ds->ready_cost -= rec->cost;
}

/**
 * dtls_ready_find() - find the record to hand out
 * @ds:   socket
 * @msg:  the program's message
 * @peek: leave it in the queue
 * @off:  with SO_PEEK_OFF, of what is queued, the byte to begin with; set to
 *        its place in the record
 * @err:  set to -EAGAIN if there is none, -EIO if it needs a control message
 *        for which there is no room, -ENOBUFS if there are too many already
 *
 * Context: process.
 * Return: the record with a reference, or NULL.
 */
struct dtls_ready *dtls_ready_find(struct dtls_sock *ds,
				   const struct msghdr *msg, bool peek,
				   int *off, int *err)
{
	bool skip = peek && READ_ONCE(ds->sk->sk_peek_off) >= 0;
	struct dtls_ready *rec, *next;

	*err = -EAGAIN;
	spin_lock(&ds->ready_lock);
	list_for_each_entry_safe(rec, next, &ds->ready, list) {
		u32 len = rec->plain.len;

		/* anybody can send one: it must not be in the way */
		if (unlikely(rec->plain.type == DTLS_TYPE_RAW) &&
		    dtls_ready_unmarked(&rec->plain, msg)) {
			dtls_ready_take(ds, rec);
			dtls_raw_drop(ds, len);
			dtls_ready_put(rec);
			continue;
		}
		if (skip && *off >= len && (len || *off || rec->peeked)) {
			*off -= len;
			continue;
		}
		*err = -EIO;
		if (dtls_ready_unmarked(&rec->plain, msg))
			break;
		*err = 0;
		if (peek) {
			rec->peeked = true;
			refcount_inc(&rec->ref);
		} else {
			dtls_ready_take(ds, rec);
		}
		break;
	}
	/* peeking further than this would let the queue grow without bound */
	if (*err == -EAGAIN && ds->ready_cost > READ_ONCE(ds->sk->sk_rcvbuf))
		*err = -ENOBUFS;
	spin_unlock(&ds->ready_lock);
	return *err ? NULL : rec;
}

/**
 * dtls_ready_same() - take the first record if it goes with others
 * @ds:  socket
 * @skb: the datagram, or aggregate, that the others came in
 * @max: bytes it may have
 *
 * Context: process.
 * Return: the record with a reference, or NULL.
 */
struct dtls_ready *dtls_ready_same(struct dtls_sock *ds,
				   const struct sk_buff *skb, u32 max)
{
	struct dtls_ready *rec;

	spin_lock(&ds->ready_lock);
	rec = list_first_entry_or_null(&ds->ready, struct dtls_ready, list);
	if (rec && (rec->skb != skb || rec->plain.type != DTLS_TYPE_DATA ||
		    rec->plain.len > max || !rec->plain.len))
		rec = NULL;
	if (rec)
		dtls_ready_take(ds, rec);
	spin_unlock(&ds->ready_lock);
	return rec;
}

/**
 * dtls_ready_put_back() - the program's buffer was bad
 * @ds:   socket
 * @rec:  the record, with a reference, which is given back
 * @peek: it is still in the queue
 *
 * It waits for a better buffer.
 *
 * Context: process.
 */
void dtls_ready_put_back(struct dtls_sock *ds, struct dtls_ready *rec,
			 bool peek)
{
	if (peek) {
		dtls_ready_put(rec);
		return;
	}
	spin_lock(&ds->ready_lock);
	list_add(&rec->list, &ds->ready);
	ds->ready_cost += rec->cost;
	dtls_ready_grow(ds);
	spin_unlock(&ds->ready_lock);
}

/**
 * dtls_ready_len() - length of the first record
 * @ds: socket
 *
 * Context: process.
 * Return: bytes of plaintext, 0 if there is none.
 */
int dtls_ready_len(struct dtls_sock *ds)
{
	struct dtls_ready *rec;
	int len = 0;

	spin_lock(&ds->ready_lock);
	rec = list_first_entry_or_null(&ds->ready, struct dtls_ready, list);
	if (rec)
		len = rec->plain.len;
	spin_unlock(&ds->ready_lock);
	return len;
}

static bool dtls_ready_is(const struct dtls_ready *rec, u64 peer,
			  const struct dtls_peer_key *key)
{
	struct dtls_peer_key from;

	if (rec->plain.type != DTLS_TYPE_RAW)
		return rec->peer == peer;
	/* what is no DTLS goes with it; of a handshake it is not */
	if (!dtls_raw_byte(rec->plain.len ? rec->data[0] : 0))
		return false;
	dtls_peer_source(rec->skb, &from);
	return !memcmp(&from, key, sizeof(from));
}

/**
 * dtls_ready_move() - give another socket what is opened of a peer
 * @from: socket
 * @to:   the other one, which has nothing yet, and nobody reads from
 * @peer: identifier of the peer
 * @key:  its address
 *
 * Context: process.
 */
void dtls_ready_move(struct dtls_sock *from, struct dtls_sock *to, u64 peer,
		     const struct dtls_peer_key *key)
{
	struct dtls_ready *rec, *next;
	LIST_HEAD(list);
	u64 cost = 0;

	spin_lock(&from->ready_lock);
	list_for_each_entry_safe(rec, next, &from->ready, list)
		if (dtls_ready_is(rec, peer, key)) {
			dtls_ready_take(from, rec);
			list_add_tail(&rec->list, &list);
			cost += rec->cost;
		}
	spin_unlock(&from->ready_lock);
	spin_lock(&to->ready_lock);
	list_splice_tail(&list, &to->ready);
	to->ready_cost += cost;
	dtls_ready_grow(to);
	spin_unlock(&to->ready_lock);
}

/**
 * dtls_ready_purge() - drop what is opened and was never asked for
 * @ds: socket that is being closed
 *
 * Context: process.
 */
void dtls_ready_purge(struct dtls_sock *ds)
{
	struct dtls_ready *rec, *next;
	LIST_HEAD(list);

	spin_lock(&ds->ready_lock);
	list_splice_init(&ds->ready, &list);
	ds->ready_cost = 0;
	spin_unlock(&ds->ready_lock);
	list_for_each_entry_safe(rec, next, &list, list)
		dtls_ready_put(rec);
}
