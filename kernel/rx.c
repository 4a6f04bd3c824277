// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way in: datagrams from the UDP receive queue are taken apart, their
 * records opened, and what is authentic is queued for the program.
 *
 * Records are copied out of the datagram before they are opened, in place, in
 * the copy: a received sk_buff may hold pages of somebody's file, or be shared
 * with a packet tap. Nothing here writes to one.
 */
#include <linux/poll.h>
#include <linux/udp.h>
#include <net/udp.h>

#include "compat.h"
#include "control.h"
#include "sock.h"
#include "stats.h"
#include "trace.h"

static void dtls_rx_drop(struct dtls_sock *ds, enum dtls_stat why,
			 const struct dtls_record_hdr *hdr, unsigned int len)
{
	dtls_stats_inc(sock_net(ds->sk), why);
	trace_dtls_record_dropped(ds->sk, why, hdr->type, hdr->epoch, hdr->seq,
				  len);
}

static enum dtls_stat dtls_rx_refused(enum dtls_replay_verdict verdict)
{
	return verdict == DTLS_REPLAY_OLD ? DTLS_STAT_RX_DROP_OLD :
					    DTLS_STAT_RX_DROP_REPLAY;
}

static enum dtls_stat dtls_rx_failed(struct dtls_sock *ds,
				     struct dtls_epoch *ep, int err)
{
	switch (err) {
	case -ENOMEM:
		return DTLS_STAT_RX_DROP_NOMEM;
	case -EMSGSIZE:
		return DTLS_STAT_RX_DROP_LENGTH;
	case -EOVERFLOW:
		return DTLS_STAT_RX_DROP_OVERSIZE;
	}
	if (err != -EBADMSG)
		return DTLS_STAT_RX_DROP_CRYPTO;
	if (dtls_keys_failed(ep)) {
		dtls_stats_inc(sock_net(ds->sk), DTLS_STAT_KEY_LIMIT);
		dtls_control_event(ds, DTLS_EVENT_LIMIT, 0, ep->epoch, 1);
	}
	return DTLS_STAT_RX_DROP_AUTH;
}

/* Queue opened records behind those that are there, and wake who waits. */
static void dtls_rx_ready(struct dtls_sock *ds, struct list_head *opened)
{
	struct dtls_rec *rec;
	unsigned int count = 0;
	u64 cost = 0;

	list_for_each_entry(rec, opened, list) {
		cost += rec->cost;
		count++;
	}
	if (!count)
		return;
	spin_lock(&ds->ready_lock);
	list_splice_tail_init(opened, &ds->ready);
	ds->ready_cost += cost;
	WRITE_ONCE(ds->ready_gen, ds->ready_gen + 1);
	spin_unlock(&ds->ready_lock);

	/* pairs with the barriers of dtls_recv_wait(), dtls_recv_grown() */
	smp_mb();
	if (atomic_read(&ds->waiters) ||
	    (READ_ONCE(ds->missed) && xchg(&ds->missed, false)))
		/* the datagram woke one sleeper, but may feed several */
		__wake_up(sk_sleep(ds->sk), TASK_INTERRUPTIBLE, count,
			  poll_to_key(EPOLLIN | EPOLLRDNORM));
}

/*
 * Open one record. What is for the program goes to @opened, the rest is dealt
 * with here and now.
 */
static void dtls_rx_record(struct dtls_sock *ds, struct sk_buff *skb,
			   unsigned int off, const struct dtls_record_hdr *hdr,
			   struct list_head *opened)
{
	struct dtls_assoc *assoc = dtls_sock_assoc(ds);
	enum dtls_stat why = DTLS_STAT_RX_DROP_CLOSED;
	struct net *net = sock_net(ds->sk);
	enum dtls_replay_verdict verdict;
	struct dtls_epoch *ep = NULL;
	struct dtls_rec *rec = NULL;
	unsigned int over;
	bool async;
	int err;

	/* RFC 5246 7.2.1: "Any data received after a closure alert is ignored" */
	if (test_bit(DTLS_ASSOC_CLOSED, &assoc->flags))
		goto drop;
	why = DTLS_STAT_RX_DROP_EPOCH;
	ep = dtls_keys_get_rx(assoc, hdr->epoch);
	if (!ep)
		goto drop;

	/* sizes that no authentic record has, before any effort is spent */
	over = ep->aead.cipher->explicit_len + ep->aead.cipher->tag_len;
	why = DTLS_STAT_RX_DROP_LENGTH;
	if (hdr->len < over)
		goto drop;
	why = DTLS_STAT_RX_DROP_OVERSIZE;
	if (hdr->len > over + DTLS_RECORD_PLAIN_MAX)
		goto drop;

	verdict = dtls_keys_check(ep, hdr->seq);
	why = dtls_rx_refused(verdict);
	if (verdict != DTLS_REPLAY_NEW)
		goto drop;

	why = DTLS_STAT_RX_DROP_NOMEM;
	rec = dtls_rec_alloc(&ep->aead, DTLS_RECORD_AAD12 + hdr->len,
			     GFP_KERNEL_ACCOUNT);
	if (!rec)
		goto drop;
	/* fails for bytes that no CPU can read: memory of a device */
	if (skb_copy_bits(skb, off + hdr->hdr_len,
			  rec->buf + DTLS_RECORD_AAD12, hdr->len))
		goto drop;
	err = dtls_cipher_open(&ep->aead, rec, rec->buf + DTLS_RECORD_AAD12,
			       hdr, &async);
	if (async)
		dtls_stats_inc(net, DTLS_STAT_RX_ASYNC);
	if (err) {
		why = dtls_rx_failed(ds, ep, err);
		goto drop;
	}
	verdict = dtls_keys_commit(ep, hdr->seq, rec->len);
	why = dtls_rx_refused(verdict);
	if (verdict != DTLS_REPLAY_NEW)
		goto drop;

	dtls_stats_inc(net, DTLS_STAT_RX_RECORDS);
	dtls_stats_add(net, DTLS_STAT_RX_BYTES, rec->len);
	if (rec->type != DTLS_TYPE_DATA)
		dtls_stats_inc(net, DTLS_STAT_RX_CONTROL);
	trace_dtls_record_received(ds->sk, rec->type, rec->epoch, rec->seq,
				   rec->len);
	if (rec->type == DTLS_TYPE_DATA || READ_ONCE(ds->recvtype)) {
		rec->skb = skb_get(skb);
		if (list_empty(opened))
			rec->cost += skb->truesize;
		list_add_tail(&rec->list, opened);
	} else {
		/* an alert must not overtake what came before it */
		dtls_rx_ready(ds, opened);
		dtls_control_receive(ds, rec);
		dtls_rec_put(rec);
	}
	dtls_keys_put(ep);
	return;

drop:
	dtls_rx_drop(ds, why, hdr, hdr->len);
	if (rec)
		dtls_rec_put(rec);
	if (ep)
		dtls_keys_put(ep);
}

/* Take the records out of one datagram: @len bytes of @skb at @off. */
static void dtls_rx_datagram(struct dtls_sock *ds, struct sk_buff *skb,
			     unsigned int off, unsigned int len,
			     struct list_head *opened)
{
	static const enum dtls_stat why[] = {
		[DTLS_FAULT_SHORT]	= DTLS_STAT_RX_DROP_SHORT,
		[DTLS_FAULT_TYPE]	= DTLS_STAT_RX_DROP_TYPE,
		[DTLS_FAULT_VERSION]	= DTLS_STAT_RX_DROP_VERSION,
		[DTLS_FAULT_LENGTH]	= DTLS_STAT_RX_DROP_LENGTH,
	};
	u8 copy[DTLS_RECORD_HDR12];

	do {
		struct dtls_record_hdr hdr = {};
		enum dtls_record_fault fault;
		unsigned int avail = min_t(unsigned int, len, sizeof(copy));
		const u8 *buf = copy;

		if (avail)
			buf = skb_header_pointer(skb, off, avail, copy);
		if (!buf) {
			dtls_rx_drop(ds, DTLS_STAT_RX_DROP_SHORT, &hdr, len);
			return;
		}
		fault = dtls_record_parse12(buf, avail, len, &hdr);
		if (fault != DTLS_FAULT_OK)
			dtls_rx_drop(ds, why[fault], &hdr, len);
		if (fault == DTLS_FAULT_OK)
			dtls_rx_record(ds, skb, off, &hdr, opened);
		else if (fault != DTLS_FAULT_VERSION)
			/* nobody knows where the next record would begin */
			return;
		off += hdr.hdr_len + hdr.len;
		len -= hdr.hdr_len + hdr.len;
	} while (len);
}

/* Count a datagram where UDP's own recvmsg does. */
static void dtls_rx_count(struct sock *sk, struct sk_buff *skb, int field)
{
	struct net *net = sock_net(sk);

#if IS_ENABLED(CONFIG_IPV6)
	if (skb->protocol == htons(ETH_P_IPV6)) {
		UDP6_INC_STATS(net, field, false);
		return;
	}
#endif
	UDP_INC_STATS(net, field, false);
}

/**
 * dtls_rx_pending() - are there datagrams that nobody has looked into
 * @ds: socket
 *
 * Context: any. Return: true if so, as seen without locks.
 */
bool dtls_rx_pending(struct dtls_sock *ds)
{
	return !skb_queue_empty_lockless(&ds->sk->sk_receive_queue) ||
	       !skb_queue_empty_lockless(&udp_sk(ds->sk)->reader_queue);
}

/**
 * dtls_rx_pull() - take one datagram from the UDP queue and open it
 * @ds: socket with an association
 *
 * Context: process, may sleep in the cipher; no locks held. Several callers
 * may be at it side by side.
 * Return: 0 if there was a datagram, whatever came out of it; -EAGAIN if there
 * was none; or the socket's pending error, which is thereby taken.
 */
int dtls_rx_pull(struct dtls_sock *ds)
{
	struct sock *sk = ds->sk;
	unsigned int off, seg;
	struct sk_buff *skb;
	LIST_HEAD(opened);
	int peek = 0, err;

	atomic_inc(&ds->opening);
	/* whoever sees the queue without this datagram sees the count, too */
	smp_mb__after_atomic();
	skb = __skb_recv_udp(sk, MSG_DONTWAIT, &peek, &err);
	if (!skb)
		goto out;

	err = 0;
	/* UDP keeps notes of its own there until the datagram is dequeued */
	skb->dev = NULL;
	if (udp_lib_checksum_complete(skb)) {
		struct dtls_record_hdr none = {};

		dtls_rx_drop(ds, DTLS_STAT_RX_DROP_CHECKSUM, &none, skb->len);
		dtls_rx_count(sk, skb, UDP_MIB_CSUMERRORS);
		dtls_rx_count(sk, skb, UDP_MIB_INERRORS);
		atomic_inc(&sk->sk_drops);
		kfree_skb(skb);
		goto out;
	}
	dtls_rx_count(sk, skb, UDP_MIB_INDATAGRAMS);

	/*
	 * A GRO aggregate is as many datagrams as it has segments. Not so what
	 * a virtual machine sends with UFO: one datagram, to be fragmented.
	 */
	seg = skb->len;
	if (skb_is_gso(skb) && skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4)
		seg = skb_shinfo(skb)->gso_size;
	off = 0;
	do {
		dtls_rx_datagram(ds, skb, off, min(seg, skb->len - off),
				 &opened);
		off += seg;
	} while (off < skb->len);

	dtls_rx_ready(ds, &opened);
	consume_skb(skb);
out:
	atomic_dec(&ds->opening);
	return err;
}

/**
 * dtls_rx_purge() - drop what is opened and was never asked for
 * @ds: socket that is being closed
 *
 * Context: process.
 */
void dtls_rx_purge(struct dtls_sock *ds)
{
	struct dtls_rec *rec, *next;
	LIST_HEAD(list);

	spin_lock(&ds->ready_lock);
	list_splice_init(&ds->ready, &list);
	ds->ready_cost = 0;
	spin_unlock(&ds->ready_lock);
	list_for_each_entry_safe(rec, next, &list, list)
		dtls_rec_put(rec);
}
