// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way in: datagrams from the UDP receive queue are taken apart, and their
 * records opened.
 *
 * Records are copied out of the datagram before they are opened, in place, in
 * the copy: a received sk_buff may hold pages of somebody's file, or be shared
 * with a packet tap. Nothing here writes to one.
 *
 * A GRO aggregate is as many datagrams as it has segments. Whoever takes it
 * takes all of them, or one, and leaves the rest in the socket for the next to
 * come, as ciphertext: what nobody asks for costs no effort.
 */
#include <linux/slab.h>
#include <linux/udp.h>
#include <net/udp.h>

#include "compat.h"
#include "control.h"
#include "listen.h"
#include "peeloff.h"
#include "peer.h"
#include "raw.h"
#include "record13.h"
#include "run.h"
#include "rx.h"
#include "sock.h"
#include "stats.h"
#include "trace.h"
#include "update.h"
#include "work.h"

/**
 * dtls_rx_drop() - count something that is dropped
 * @ds:  socket
 * @why: the counter
 * @hdr: header of the record, or zeros
 * @len: bytes of it
 *
 * Context: any.
 */
void dtls_rx_drop(struct dtls_sock *ds, enum dtls_stat why,
		  const struct dtls_record_hdr *hdr, unsigned int len)
{
	dtls_stats_inc(sock_net(ds->sk), why);
	trace_dtls_record_dropped(ds->sk, why, hdr->type, hdr->epoch, hdr->seq,
				  len);
}

/**
 * dtls_rx_refused() - how a verdict of the replay window is counted
 * @verdict: the verdict, not %DTLS_REPLAY_NEW
 *
 * Context: any. Return: the counter.
 */
enum dtls_stat dtls_rx_refused(enum dtls_replay_verdict verdict)
{
	return verdict == DTLS_REPLAY_OLD ? DTLS_STAT_RX_DROP_OLD :
					    DTLS_STAT_RX_DROP_REPLAY;
}

/**
 * dtls_rx_failed() - a record could not be opened
 * @ds:  socket
 * @ep:  epoch that it named
 * @err: what the cipher said
 *
 * Context: process, may sleep. Return: how that is counted.
 */
enum dtls_stat dtls_rx_failed(struct dtls_sock *ds, struct dtls_epoch *ep,
			      int err)
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
		dtls_control_event(ep->assoc, DTLS_EVENT_LIMIT, 0, ep->epoch, 1);
		/* the peer can be asked for new ones (RFC 9147 4.5.3) */
		dtls_update_want(ep->assoc, true);
	}
	return DTLS_STAT_RX_DROP_AUTH;
}

/* Leave what is left of a run to whoever comes next. */
static void dtls_rx_leave(struct dtls_sock *ds, const struct dtls_run *run,
			  bool front)
{
	struct dtls_run *left = kmalloc(sizeof(*left), GFP_KERNEL);

	if (!left) {
		struct dtls_record_hdr none = {};

		dtls_rx_drop(ds, DTLS_STAT_RX_DROP_NOMEM, &none,
			     run->end - run->off);
		kfree_skb(run->skb);
		return;
	}
	*left = *run;
	spin_lock(&ds->ready_lock);
	if (front)
		list_add(&left->list, &ds->runs);
	else
		list_add_tail(&left->list, &ds->runs);
	dtls_ready_grow(ds);
	spin_unlock(&ds->ready_lock);
	dtls_ready_wake(ds, (run->end - run->off) / run->seg + 1);
}

/* Take only the first datagram of a run; @rest is what remains, if anything. */
static bool dtls_rx_split(struct dtls_run *run, struct dtls_run *rest)
{
	if (run->next >= run->end)
		return false;
	*rest = *run;
	rest->off = run->next;
	rest->next = min(run->next + run->seg, run->end);
	run->end = run->next;
	skb_get(run->skb);
	return true;
}

/*
 * Go on with a run that was begun; with @skb only if it is that one. Return:
 * true if there was one.
 */
static bool dtls_rx_resume(struct dtls_rx *rx, const struct sk_buff *skb,
			   bool all)
{
	struct dtls_sock *ds = rx->ds;
	struct dtls_run *run, rest dtls_compat_raw;

	spin_lock(&ds->ready_lock);
	run = list_first_entry_or_null(&ds->runs, struct dtls_run, list);
	if (!run || (skb && run->skb != skb)) {
		spin_unlock(&ds->ready_lock);
		return false;
	}
	rx->run = *run;
	if (!all && dtls_rx_split(&rx->run, &rest)) {
		rest.list = run->list;
		*run = rest;
		run = NULL;
	} else {
		list_del(&run->list);
	}
	spin_unlock(&ds->ready_lock);
	kfree(run);
	return true;
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

/* A datagram, or an aggregate, is in hand. */
static __always_inline void dtls_rx_run(struct dtls_run *run, struct sk_buff *skb)
{
	run->skb = skb;
	run->frag = NULL;
	run->head = skb_has_frag_list(skb) ? skb_pagelen(skb) : 0;
	run->piece = skb->data;
	run->piece_off = 0;
	run->piece_len = skb_headlen(skb);
	run->calm = true;
	run->off = 0;
	run->end = skb->len;
	/*
	 * Not so what a virtual machine sends with UFO: that is one datagram,
	 * to be fragmented.
	 */
	run->seg = skb->len;
	if (skb_is_gso(skb) && skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4)
		run->seg = skb_shinfo(skb)->gso_size;
	run->next = min(run->seg, run->end);
}

static __always_inline bool dtls_rx_start(struct dtls_sock *ds, struct sk_buff *skb,
					  struct dtls_run *run)
{
	struct sock *sk = ds->sk;

	/* UDP keeps notes of its own there until the datagram is dequeued */
	skb->dev = NULL;
	if (udp_lib_checksum_complete(skb)) {
		struct dtls_record_hdr none = {};

		dtls_rx_drop(ds, DTLS_STAT_RX_DROP_CHECKSUM, &none, skb->len);
		dtls_rx_count(sk, skb, UDP_MIB_CSUMERRORS);
		dtls_rx_count(sk, skb, UDP_MIB_INERRORS);
		atomic_inc(&sk->sk_drops);
		kfree_skb(skb);
		return false;
	}
	dtls_rx_count(sk, skb, UDP_MIB_INDATAGRAMS);

	dtls_rx_run(run, skb);
	return true;
}

/**
 * dtls_rx_admit() - a datagram, or an aggregate, has been taken from UDP
 * @ds:  socket
 * @skb: what was taken; a reference is given to @run
 * @run: set to it
 *
 * Context: process.
 * Return: true, or false if it was damaged and is gone.
 */
bool dtls_rx_admit(struct dtls_sock *ds, struct sk_buff *skb,
		   struct dtls_run *run)
{
	return dtls_rx_start(ds, skb, run);
}

/* Take a datagram, or an aggregate, from UDP. Return: as dtls_rx_fetch(). */
static int dtls_rx_dequeue(struct dtls_rx *rx, bool all)
{
	struct dtls_run *run = &rx->run, rest dtls_compat_raw;
	struct sk_buff *skb;
	int peek = 0, err;

	skb = __skb_recv_udp(rx->ds->sk, MSG_DONTWAIT, &peek, &err);
	if (!skb)
		return err;
	if (!dtls_rx_start(rx->ds, skb, run))
		return 0;
	if (!all && dtls_rx_split(run, &rest))
		dtls_rx_leave(rx->ds, &rest, false);
	return 0;
}

/* Add to the counters what has been accepted since the last time. */
static inline void dtls_rx_count_records(struct dtls_rx *rx)
{
	if (!rx->records)
		return;
	dtls_stats_rx(rx->ds->stats, rx->records, rx->bytes, rx->control);
	rx->records = 0;
	rx->control = 0;
	rx->bytes = 0;
}

static void dtls_rx_drop_keys(struct dtls_rx *rx)
{
	if (rx->work) {
		if (unlikely(rx->work->async))
			dtls_stats_add(sock_net(rx->ds->sk), DTLS_STAT_RX_ASYNC,
				       rx->work->async);
		dtls_work_put(rx->work);
	}
	rx->work = NULL;
	if (rx->ep)
		dtls_keys_put(rx->ep);
	rx->ep = NULL;
}

/* Of a peer that is just moving to another socket: that gets it. */
static bool dtls_rx_set_aside(struct dtls_rx *rx)
{
	struct dtls_peers *peers = dtls_sock_peers(rx->ds);
	struct dtls_run *left;
	struct dtls_peer *peer;

	if (!peers)
		return false;
	rcu_read_lock();
	peer = dtls_peer_parking(peers, rx->run.skb);
	rcu_read_unlock();
	if (likely(!peer))
		return false;
	left = kmalloc(sizeof(*left), GFP_KERNEL | __GFP_NOFAIL);
	*left = rx->run;
	rcu_read_lock();
	spin_lock(&rx->ds->ready_lock);
	peer = dtls_peer_parking(peers, left->skb);
	if (peer) {
		list_add_tail(&left->list, &peer->parked);
		rx->run.skb = NULL;
	}
	spin_unlock(&rx->ds->ready_lock);
	rcu_read_unlock();
	if (!peer)
		kfree(left);
	return peer;
}

/* Whose records are these? Those of strangers are dropped. */
static void dtls_rx_find(struct dtls_rx *rx)
{
	struct dtls_peers *peers = dtls_sock_peers(rx->ds);
	struct dtls_record_hdr none = {};
	struct dtls_run *run = &rx->run;
	unsigned int turns = 0;

	rx->rejected = 0;
	do {
		if (peers) {
			/* pairs with dtls_peeloff_turn() */
			turns = smp_load_acquire(&peers->turns);
		}
		rx->assoc = dtls_peer_of_skb(rx->ds, run->skb, rx->sort ?
					     dtls_raw_first(run) : 0,
					     &rx->elsewhere);
		if (rx->assoc) {
			rx->form = READ_ONCE(rx->assoc->rx_form);
			return;
		}
		if (dtls_rx_set_aside(rx))
			return;
		/* nor is it of a peer that wanted to move and did not */
	} while (unlikely(peers && turns != READ_ONCE(peers->turns)));
	/* raw datagrams may be anybody's */
	if (rx->sort)
		return;
	dtls_rx_drop(rx->ds, DTLS_STAT_RX_DROP_STRANGER, &none,
		     run->end - run->off);
	kfree_skb(run->skb);
	run->skb = NULL;
}

/* The same, if it may be of one peer or another. */
static noinline int dtls_rx_fetch_of_peers(struct dtls_rx *rx, bool all)
{
	int idx = srcu_read_lock(&dtls_peeloff_srcu), err = 0;

	if (list_empty(&rx->ds->runs) || !dtls_rx_resume(rx, NULL, all))
		err = dtls_rx_dequeue(rx, all);
	if (rx->run.skb)
		dtls_rx_find(rx);
	srcu_read_unlock(&dtls_peeloff_srcu, idx);
	return err;
}

/* The same of dtls_rx_fetch_rest(). */
static noinline bool dtls_rx_resume_of_peers(struct dtls_rx *rx,
					     const struct sk_buff *skb)
{
	int idx = srcu_read_lock(&dtls_peeloff_srcu);
	bool found = dtls_rx_resume(rx, skb, true);

	if (found)
		dtls_rx_find(rx);
	srcu_read_unlock(&dtls_peeloff_srcu, idx);
	return found;
}

/**
 * dtls_rx_fetch() - get something to open in hand
 * @rx:  just begun: what is taken is of one association
 * @all: all of an aggregate; otherwise one datagram
 *
 * Context: process, may sleep; no locks held. Several callers may be at it side
 * by side.
 * Return: 0, though dtls_rx_next() may then find nothing good; -EAGAIN if there
 * was nothing; or the socket's pending error, which is thereby taken.
 */
int dtls_rx_fetch(struct dtls_rx *rx, bool all)
{
	rx->masks = 0;
	if (unlikely(!rx->assoc))
		return dtls_rx_fetch_of_peers(rx, all);
	if (list_empty(&rx->ds->runs) || !dtls_rx_resume(rx, NULL, all))
		return dtls_rx_dequeue(rx, all);
	return 0;
}

/**
 * dtls_rx_fetch_rest() - get the rest of an aggregate in hand
 * @rx:  just begun
 * @skb: the aggregate
 *
 * Context: process.
 * Return: true if it is the one to go on with.
 */
bool dtls_rx_fetch_rest(struct dtls_rx *rx, const struct sk_buff *skb)
{
	rx->masks = 0;
	if (unlikely(!rx->assoc))
		return dtls_rx_resume_of_peers(rx, skb);
	return dtls_rx_resume(rx, skb, true);
}

/* The record that the caller had: its sk_buff was needed so long. */
static void dtls_rx_pass_last(struct dtls_rx *rx)
{
	if (rx->last)
		dtls_run_pass(&rx->run, rx->last);
	rx->last = 0;
}

/**
 * dtls_rx_end() - put away what is left in hand
 * @rx: begun with dtls_rx_begin()
 *
 * Context: process, may sleep.
 */
void dtls_rx_end(struct dtls_rx *rx)
{
	dtls_rx_count_records(rx);
	dtls_rx_drop_keys(rx);
	dtls_rx_pass_last(rx);
	if (unlikely(rx->raw))
		kvfree(rx->raw);
	if (rx->run.skb)
		dtls_rx_leave(rx->ds, &rx->run, true);
	/* a peer's was found by dtls_rx_find(), which holds it */
	if (rx->assoc && unlikely(rx->assoc->peer))
		dtls_assoc_put(rx->assoc);
	atomic_dec(&rx->ds->opening);
}

/* Keys for a record, and a work area that goes with them. */
static enum dtls_stat dtls_rx_keys(struct dtls_rx *rx, u16 epoch)
{
	struct dtls_assoc *assoc = rx->assoc;

	/* RFC 5246 7.2.1: "Any data received after a closure alert is ignored" */
	if (test_bit(DTLS_ASSOC_CLOSED, &assoc->flags) ||
	    test_bit(DTLS_ASSOC_RX_CLOSED, &assoc->flags))
		return DTLS_STAT_RX_DROP_CLOSED;
	if (rx->ep && rx->ep->epoch == epoch)
		return DTLS_STAT_COUNT;
	dtls_rx_drop_keys(rx);
	rx->masks = 0;
	rx->ep = dtls_keys_get_rx(assoc, epoch);
	return rx->ep ? DTLS_STAT_COUNT : DTLS_STAT_RX_DROP_EPOCH;
}

/*
 * Open the record at @off of the run. Return: as dtls_rx_open_inner().
 */
static enum dtls_stat dtls_rx_open(struct dtls_rx *rx, u32 max)
{
	const struct dtls_record_hdr *hdr = &rx->hdr;
	enum dtls_replay_verdict verdict;
	struct dtls_epoch *ep = rx->ep;
	const u8 *from;
	u8 *frag;
	int ret;

	if (unlikely(ep->aead.form != DTLS_FORM_12))
		return dtls_rx_open_inner(rx, max);
	verdict = dtls_keys_check(ep, hdr->seq);
	if (verdict != DTLS_REPLAY_NEW)
		return dtls_rx_refused(verdict);

	if (!rx->work)
		rx->work = dtls_work_get(&ep->aead);
	if (!rx->work)
		return DTLS_STAT_RX_DROP_NOMEM;
	frag = rx->work->buf + DTLS_WORK_PAYLOAD - ep->aead.cipher->explicit_len;
	from = dtls_rx_fragment(rx, frag);
	if (!from)
		return DTLS_STAT_RX_DROP_NOMEM;
	ret = dtls_cipher_open12(&ep->aead, rx->work, frag, from, hdr);
	if (ret < 0)
		return dtls_rx_failed(rx->ds, ep, ret);
	verdict = dtls_keys_commit(ep, hdr->seq, ret);
	if (verdict != DTLS_REPLAY_NEW)
		return dtls_rx_refused(verdict);
	dtls_rx_accept(rx, hdr->type, rx->work->buf + DTLS_WORK_PAYLOAD, ret);
	return DTLS_STAT_COUNT;
}

/* Pass over what has not opened. */
static void dtls_rx_reject(struct dtls_rx *rx, u32 len)
{
	if (unlikely(rx->sort & DTLS_LISTEN_SORT))
		dtls_listen_reject(rx, len);
	dtls_run_pass(&rx->run, len);
}

/*
 * Read the header of the next record. What is no record is passed over.
 * Return: false if nothing is left, or a raw datagram is next.
 */
static bool dtls_rx_header(struct dtls_rx *rx)
{
	static const enum dtls_stat why[] = {
		[DTLS_FAULT_SHORT]	= DTLS_STAT_RX_DROP_SHORT,
		[DTLS_FAULT_TYPE]	= DTLS_STAT_RX_DROP_TYPE,
		[DTLS_FAULT_VERSION]	= DTLS_STAT_RX_DROP_VERSION,
		[DTLS_FAULT_LENGTH]	= DTLS_STAT_RX_DROP_LENGTH,
		[DTLS_FAULT_CID]	= DTLS_STAT_RX_DROP_CID,
		[DTLS_FAULT_EPOCH]	= DTLS_STAT_RX_DROP_EPOCH,
		[DTLS_FAULT_RUNT]	= DTLS_STAT_RX_DROP_LENGTH,
		[DTLS_FAULT_OVERSIZE]	= DTLS_STAT_RX_DROP_OVERSIZE,
	};
	struct dtls_record_hdr *hdr = &rx->hdr;
	struct dtls_run *run = &rx->run;

	while (!(unlikely(rx->sort) && dtls_raw_next(rx)) && run->skb) {
		unsigned int left = run->next - run->off;
		unsigned int avail = min_t(unsigned int, left,
					   DTLS_RECORD_HDR12);
		enum dtls_record_fault fault;
		const u8 *buf = rx->copy;

		if (unlikely(rx->form != DTLS_FORM_12)) {
			fault = likely(dtls_rx_parse_usual(rx, left)) ?
				DTLS_FAULT_OK : dtls_rx_parse(rx, left);
		} else {
			if (avail)
				buf = dtls_run_bytes(run, run->off, rx->copy,
						     avail);
			fault = dtls_record_parse12(buf, buf ? avail : 0, left,
						    hdr);
		}
		if (likely(fault == DTLS_FAULT_OK))
			return true;
		dtls_rx_drop(rx->ds, why[fault], hdr, left);
		/* else nobody knows where the next record would begin */
		if (dtls_record13_skippable(fault))
			left = hdr->hdr_len + hdr->len;
		dtls_rx_reject(rx, left);
	}
	return false;
}

/**
 * dtls_rx_next() - open records until one is for the program
 * @rx:  what is in hand
 * @max: bytes of plaintext it may have; a longer one is left for later.
 *       %U32_MAX: whatever comes
 *
 * Control records are dealt with by the way, unless the program wants them
 * (DTLS_RECVTYPE). A raw datagram has the type %DTLS_TYPE_RAW.
 *
 * Context: process, may sleep in the cipher; no locks held.
 * Return: 0 with the record in @rx->plain; -EAGAIN if nothing is left in hand;
 * -EMSGSIZE if the next one is too long.
 */
int dtls_rx_next(struct dtls_rx *rx, u32 max)
{
	struct dtls_sock *ds = rx->ds;
	struct dtls_record_hdr *hdr = &rx->hdr;
	enum dtls_stat why;
	unsigned int over;

	dtls_rx_pass_last(rx);
	while (dtls_rx_header(rx)) {
		why = dtls_rx_keys(rx, hdr->epoch);
		if (why != DTLS_STAT_COUNT)
			goto drop;
		/* sizes that no authentic record has, before any effort */
		over = rx->ep->aead.least;
		why = DTLS_STAT_RX_DROP_LENGTH;
		if (hdr->len < over)
			goto drop;
		why = DTLS_STAT_RX_DROP_OVERSIZE;
		if (hdr->len > over + DTLS_RECORD_PLAIN_MAX)
			goto drop;
		/* with padding it may be shorter: as the last was, if alike */
		if (hdr->len - over > max &&
		    (hdr->len != rx->fit || rx->plain.len > max))
			return -EMSGSIZE;
		why = dtls_rx_open(rx, max);
		if (why != DTLS_STAT_COUNT)
			goto drop;
		if (rx->plain.type == DTLS_TYPE_DATA ||
		    READ_ONCE(ds->recvtype)) {
			rx->last = hdr->hdr_len + hdr->len;
			return 0;
		}
		dtls_rx_count_records(rx);
		dtls_control_receive(rx->assoc, &rx->plain);
		dtls_run_pass(&rx->run, hdr->hdr_len + hdr->len);
		continue;
drop:
		if (why == DTLS_RX_KEPT) {
			rx->last = hdr->hdr_len + hdr->len;
			return -EMSGSIZE;
		}
		dtls_rx_drop(ds, why, hdr, hdr->len);
		dtls_rx_reject(rx, hdr->hdr_len + hdr->len);
	}
	return unlikely(rx->run.skb) ? dtls_raw_take(rx, max) : -EAGAIN;
}

/**
 * dtls_rx_keep() - queue the record just opened
 * @rx:    dtls_rx_next() has returned 0
 * @front: before what is queued already
 *
 * Context: process, may sleep.
 */
void dtls_rx_keep(struct dtls_rx *rx, bool front)
{
	struct dtls_record_hdr hdr = {
		.seq = rx->plain.seq,
		.epoch = rx->plain.epoch,
		.type = rx->plain.type,
	};

	if (!dtls_ready_add(rx->ds, &rx->plain, rx->run.skb,
			    dtls_rx_peer(rx), front))
		dtls_rx_drop(rx->ds, DTLS_STAT_RX_DROP_NOMEM, &hdr,
			     rx->plain.len);
}

/**
 * dtls_rx_park() - open all that is in hand, for later
 * @rx: what is in hand
 *
 * Context: process, may sleep in the cipher; no locks held.
 */
void dtls_rx_park(struct dtls_rx *rx)
{
	while (!dtls_rx_next(rx, U32_MAX))
		dtls_rx_keep(rx, false);
}

/**
 * dtls_rx_pending() - is there something that nobody has looked into
 * @ds: socket
 *
 * Context: any. Return: true if so, as seen without locks.
 */
bool dtls_rx_pending(struct dtls_sock *ds)
{
	return !list_empty(&ds->runs) ||
	       !skb_queue_empty_lockless(&ds->sk->sk_receive_queue) ||
	       !skb_queue_empty_lockless(&udp_sk(ds->sk)->reader_queue);
}

/**
 * dtls_rx_pull() - open one datagram, for later
 * @ds: socket with an association, or with peers
 *
 * Context: process, may sleep in the cipher; no locks held. Several callers
 * may be at it side by side.
 * Return: 0 if there was a datagram, whatever came out of it; -EAGAIN if there
 * was none; or the socket's pending error, which is thereby taken.
 */
int dtls_rx_pull(struct dtls_sock *ds)
{
	struct dtls_rx rx dtls_compat_raw;
	int err;

	dtls_rx_begin(&rx, ds);
	err = dtls_rx_fetch(&rx, false);
	if (!err)
		dtls_rx_park(&rx);
	dtls_rx_end(&rx);
	return err;
}

/**
 * dtls_rx_pull_some() - as dtls_rx_pull(), or less
 * @ds:   socket that listens
 * @full: there is no room to open what is of peers: drop it
 *
 * Context: as dtls_rx_pull(). Return: as there.
 */
int dtls_rx_pull_some(struct dtls_sock *ds, bool full)
{
	struct dtls_rx rx dtls_compat_raw;
	struct dtls_record_hdr none = {};
	int err;

	if (!full)
		return dtls_rx_pull(ds);
	dtls_rx_begin(&rx, ds);
	err = dtls_rx_fetch(&rx, false);
	if (!err && rx.assoc && rx.run.skb && !dtls_listen_knocks(&rx.run, rx.run.off)) {
		dtls_rx_drop(ds, DTLS_STAT_RX_DROP_NOMEM, &none,
			     rx.run.end - rx.run.off);
		atomic_inc(&ds->sk->sk_drops);
		kfree_skb(rx.run.skb);
		rx.run.skb = NULL;
	} else if (!err) {
		dtls_rx_park(&rx);
	}
	dtls_rx_end(&rx);
	return err;
}

/**
 * dtls_rx_inject() - open a datagram that came another way
 * @ds:  socket with peers
 * @skb: with headers of UDP and IP, and all its bytes in one piece; taken over
 *
 * Context: process, may sleep in the cipher; no locks held.
 */
void dtls_rx_inject(struct dtls_sock *ds, struct sk_buff *skb)
{
	struct dtls_rx rx dtls_compat_raw;
	int idx;

	dtls_rx_begin(&rx, ds);
	/* it is DTLS, and the daemon has seen it */
	rx.sort = 0;
	rx.masks = 0;
	dtls_rx_run(&rx.run, skb);
	idx = srcu_read_lock(&dtls_peeloff_srcu);
	dtls_rx_find(&rx);
	srcu_read_unlock(&dtls_peeloff_srcu, idx);
	if (rx.run.skb)
		dtls_rx_park(&rx);
	dtls_rx_end(&rx);
}

/**
 * dtls_rx_purge() - drop what has been begun
 * @ds: socket that is being closed
 *
 * Context: process.
 */
void dtls_rx_purge(struct dtls_sock *ds)
{
	struct dtls_run *run, *next;
	LIST_HEAD(list);

	spin_lock(&ds->ready_lock);
	list_splice_init(&ds->runs, &list);
	spin_unlock(&ds->ready_lock);
	list_for_each_entry_safe(run, next, &list, list) {
		kfree_skb(run->skb);
		kfree(run);
	}
}
