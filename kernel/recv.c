// SPDX-License-Identifier: GPL-2.0-only
/*
 * recvmsg, poll and FIONREAD of an attached socket.
 *
 * All of them stand on the queue of opened records. A socket is readable when
 * that queue holds something, and never because of bytes that have not been
 * authenticated: so poll opens records too, and leaves them in the queue.
 */
#include <linux/in6.h>
#include <linux/compat.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <net/compat.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/transp_v6.h>

#include "compat.h"
#include "control.h"
#include "handshake.h"
#include "peer.h"
#include "raw.h"
#include "rx.h"
#include "sock.h"
#include "stats.h"
#include "update.h"
#include "work.h"

/*
 * Datagrams without anything for the program that one call looks into. Under
 * a flood of forged ones poll and non-blocking calls must come back at some
 * time; dtls_recv_later() then brings the program back to the rest.
 */
#define DTLS_RECV_JUNK_MAX	256

/**
 * dtls_recv_kick() - let pollers, and one sleeper, look for themselves
 * @ds: socket
 *
 * No event is named: some pollers (io_uring, AIO) would take it for the truth
 * and never ask.
 *
 * Context: any.
 */
void dtls_recv_kick(struct dtls_sock *ds)
{
	wake_up_interruptible(sk_sleep(ds->sk));
}

/**
 * dtls_recv_again() - timer: somebody left before the end of the queue
 * @timer: &dtls_sock.again
 *
 * Context: softirq; the socket outlives it, as dtls_close() waits.
 */
void dtls_recv_again(struct timer_list *timer)
{
	dtls_recv_kick(container_of(timer, struct dtls_sock, again));
}

/*
 * There is more to look into, but not now: a poller that is woken from within
 * its own poll would never get to see that its time is up.
 */
static void dtls_recv_later(struct dtls_sock *ds)
{
	mod_timer(&ds->again, jiffies + 1);
}

/**
 * dtls_recv_data_ready() - sk_data_ready of a socket with keys
 * @sk: socket
 *
 * A datagram has come. Whether it makes the socket readable is not known
 * before it is opened, so the wake-up says nothing of it.
 *
 * Context: softirq or process.
 */
void dtls_recv_data_ready(struct sock *sk)
{
	struct dtls_sock *ds = dtls_sk(sk);
	struct socket_wq *wq;

	rcu_read_lock();
	if (unlikely(atomic_read(&ds->acks_due)))
		dtls_update_arrived(ds);
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible(&wq->wait);
	sk_wake_async(sk, SOCK_WAKE_WAITD, POLL_IN);
	rcu_read_unlock();
}

/**
 * dtls_recv_replace_ready() - a socket gets its first keys
 * @ds: socket; caller has its lock, and has not published them yet: no wake-up
 *      with a promise after that
 *
 * Context: process.
 */
void dtls_recv_replace_ready(struct dtls_sock *ds)
{
	struct sock *sk = ds->sk;

	write_lock_bh(&sk->sk_callback_lock);
	ds->base_ready = sk->sk_data_ready;
	WRITE_ONCE(sk->sk_data_ready, dtls_recv_data_ready);
	write_unlock_bh(&sk->sk_callback_lock);
}

/*
 * The queues had nothing for us. If another caller is just opening a datagram,
 * what comes of it may be more than it takes: it must then wake us.
 * Return: true if something has been added since @seen was read after all.
 */
static bool dtls_recv_grown(struct dtls_sock *ds, u32 seen)
{
	/* pairs with the barrier of dtls_rx_pull() */
	smp_mb();
	if (atomic_read(&ds->opening)) {
		WRITE_ONCE(ds->missed, true);
		/* pairs with the barrier of dtls_rx_ready() */
		smp_mb();
	}
	return READ_ONCE(ds->ready_gen) != seen;
}

/* Why no record can come at all, if so. */
static int dtls_recv_barred(struct dtls_sock *ds)
{
	struct dtls_assoc *assoc = dtls_sock_assoc(ds);

	/* of one peer, if so, and there may be others */
	if (!assoc)
		return 0;
	if (test_bit(DTLS_ASSOC_RX_FROZEN, &assoc->flags))
		return -EKEYREVOKED;
	if (!dtls_keys_has_rx(assoc))
		return -ENOKEY;
	return 0;
}

static bool dtls_recv_closed(struct dtls_sock *ds)
{
	struct dtls_assoc *assoc = dtls_sock_assoc(ds);

	return assoc && (test_bit(DTLS_ASSOC_CLOSED, &assoc->flags) ||
			 test_bit(DTLS_ASSOC_RX_CLOSED, &assoc->flags));
}

static void dtls_recv_name(struct sock *sk, struct msghdr *msg,
			   struct sk_buff *skb, int *addr_len)
{
	struct sockaddr_in *sin = msg->msg_name;
#if IS_ENABLED(CONFIG_IPV6)
	struct sockaddr_in6 *sin6 = msg->msg_name;

	if (sk->sk_family == AF_INET6) {
		memset(sin6, 0, sizeof(*sin6));
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = udp_hdr(skb)->source;
		if (skb->protocol == htons(ETH_P_IP)) {
			ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr,
					       &sin6->sin6_addr);
		} else {
			sin6->sin6_addr = ipv6_hdr(skb)->saddr;
			sin6->sin6_scope_id =
				ipv6_iface_scope_id(&sin6->sin6_addr,
						    inet6_iif(skb));
		}
		*addr_len = sizeof(*sin6);
		dtls_compat_bpf_recvmsg6(sk, (struct sockaddr *)sin6, addr_len);
		return;
	}
#endif
	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_port = udp_hdr(skb)->source;
	sin->sin_addr.s_addr = ip_hdr(skb)->saddr;
	*addr_len = sizeof(*sin);
	dtls_compat_bpf_recvmsg4(sk, (struct sockaddr *)sin, addr_len);
}

#if IS_ENABLED(CONFIG_IPV6)
/* IPv4 on an IPv6 socket; the stack's own function for it is not exported. */
static void dtls_recv_pktinfo_mapped(struct sock *sk, struct msghdr *msg,
				     struct sk_buff *skb)
{
	struct in6_pktinfo info = {};

	/* whoever sets it meanwhile comes too late, as in UDP */
	if (data_race(!inet6_sk(sk)->rxopt.bits.rxinfo))
		return;
	info.ipi6_ifindex = PKTINFO_SKB_CB(skb)->ipi_ifindex;
	ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, &info.ipi6_addr);
	put_cmsg(msg, SOL_IPV6, IPV6_PKTINFO, sizeof(info), &info);
}
#endif

/* The mark of a record; before all else, since what is no data needs it. */
static int dtls_recv_mark(struct msghdr *msg, const struct dtls_plain *rec)
{
	struct dtls_record info = {
		.epoch = rec->epoch,
		.seq = rec->seq,
		.type = rec->type,
	};
	int raw = 1;

	if (unlikely(rec->type == DTLS_TYPE_RAW))
		return put_cmsg(msg, SOL_DTLS, DTLS_RAW, sizeof(raw), &raw);
	return put_cmsg(msg, SOL_DTLS, DTLS_RECORD_TYPE, sizeof(info), &info);
}

/* Address and control messages; @size of coalesced records and @peer: 0 if not told. */
static void dtls_recv_meta(struct dtls_sock *ds, struct msghdr *msg,
			   struct sk_buff *skb, u64 peer, int size,
			   int *addr_len)
{
	struct sock *sk = ds->sk;

	if (unlikely(peer))
		put_cmsg(msg, SOL_DTLS, DTLS_PEER_ID, sizeof(peer), &peer);
	/* it reads the socket's flags as UDP does, whoever may change them */
	data_race(({ sock_recv_cmsgs(msg, sk, skb); 0; }));
	if (msg->msg_name)
		dtls_recv_name(sk, msg, skb, addr_len);
	if (size)
		put_cmsg(msg, SOL_UDP, UDP_GRO, sizeof(size), &size);
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		if (skb->protocol != htons(ETH_P_IP)) {
			/* as in UDP: whoever sets it meanwhile comes too late */
			if (data_race(inet6_sk(sk)->rxopt.all))
				ip6_datagram_recv_ctl(sk, msg, skb);
			return;
		}
		dtls_recv_pktinfo_mapped(sk, msg, skb);
	}
#endif
	if (dtls_compat_cmsg_flags(inet_sk(sk)))
		ip_cmsg_recv_offset(msg, sk, skb, sizeof(struct udphdr), 0);
}

/**
 * struct dtls_recv - one call of recvmsg
 * @ds:    socket
 * @msg:   the program's message
 * @len:   bytes of room in it
 * @total: bytes of plaintext given
 * @size:  bytes of the first record
 * @more:  another record may follow it: UDP_GRO, all so far had @size bytes
 */
struct dtls_recv {
	struct dtls_sock	*ds;
	struct msghdr		*msg;
	size_t			len;
	size_t			total;
	u32			size;
	bool			more;
};

/* Give the program the first record. Return: false if its buffer is bad. */
static __always_inline bool dtls_recv_first(struct dtls_recv *r,
					    const struct dtls_plain *rec,
					    int start)
{
	size_t n = min_t(size_t, r->len, rec->len - start);
	bool marked = READ_ONCE(r->ds->recvtype) || rec->type != DTLS_TYPE_DATA;

	if (unlikely(marked) && dtls_recv_mark(r->msg, rec))
		return false;
	if (!dtls_work_copy_to(rec->data + start, n, &r->msg->msg_iter))
		return false;
	if (n < rec->len - start)
		r->msg->msg_flags |= MSG_TRUNC;
	r->total = n;
	r->size = rec->len;
	/* "UDP_GRO: ... all of one size, but the last", and marks go singly */
	r->more = READ_ONCE(r->ds->gro) && n == rec->len && n && !marked;
	return true;
}

/* How many bytes the next record may have. */
static u32 dtls_recv_room(const struct dtls_recv *r)
{
	return min_t(size_t, r->size, r->len - r->total);
}

/* Give it one more. Return: false if its buffer is bad. */
static bool dtls_recv_next(struct dtls_recv *r, const struct dtls_plain *rec)
{
	if (!dtls_work_copy_to(rec->data, rec->len, &r->msg->msg_iter)) {
		r->more = false;
		return false;
	}
	r->total += rec->len;
	r->more = rec->len == r->size;
	return true;
}

/* Give it what of an aggregate goes with the first record. */
static void dtls_recv_rest(struct dtls_recv *r, struct dtls_rx *rx)
{
	size_t before = r->total;
	u32 room;

	while (r->more) {
		room = dtls_recv_room(r);
		if (!room || dtls_rx_next(rx, room))
			break;
		/* an empty one would not show */
		if (!rx->plain.len || !dtls_recv_next(r, &rx->plain)) {
			dtls_rx_keep(rx, true);
			break;
		}
	}
	sk_peek_offset_bwd(r->ds->sk, r->total - before);
}

/* Size to tell of several records: 0 if it is but one. */
static int dtls_recv_gso_size(const struct dtls_recv *r)
{
	return r->total > r->size ? r->size : 0;
}

/* What follows a record of the queue, from there and behind. */
static void dtls_recv_ready_rest(struct dtls_recv *r, struct sk_buff *skb)
{
	struct dtls_ready *rec;
	struct dtls_rx rx dtls_compat_raw;

	while (r->more && dtls_recv_room(r)) {
		rec = dtls_ready_same(r->ds, skb, dtls_recv_room(r));
		if (!rec)
			break;
		if (!dtls_recv_next(r, &rec->plain)) {
			dtls_ready_put_back(r->ds, rec, false);
			return;
		}
		sk_peek_offset_bwd(r->ds->sk, rec->plain.len);
		dtls_ready_put(rec);
	}
	if (!r->more || !list_empty(&r->ds->ready))
		return;
	dtls_rx_begin(&rx, r->ds);
	if (dtls_rx_fetch_rest(&rx, skb))
		dtls_recv_rest(r, &rx);
	dtls_rx_end(&rx);
}

/* Hand out an opened record. Return: as recvmsg, -EAGAIN if there is none. */
static int dtls_recv_ready(struct dtls_sock *ds, struct msghdr *msg,
			   size_t len, int flags, int *addr_len)
{
	struct dtls_recv r = { .ds = ds, .msg = msg, .len = len };
	bool peek = flags & MSG_PEEK;
	struct sock *sk = ds->sk;
	struct dtls_ready *rec;
	int off, start, err;

	off = max(sk_peek_offset(sk, flags), 0);
	rec = dtls_ready_find(ds, msg, peek, &off, &err);
	if (!rec) {
		/* the wake-up that brought us here is for somebody else */
		if (err == -EIO)
			dtls_recv_kick(ds);
		return err;
	}

	start = min_t(int, off, rec->plain.len);
	if (!dtls_recv_first(&r, &rec->plain, start)) {
		dtls_ready_put_back(ds, rec, peek);
		dtls_recv_kick(ds);
		return -EFAULT;
	}
	err = flags & MSG_TRUNC ? rec->plain.len : r.total;
	if (peek) {
		sk_peek_offset_fwd(sk, r.total);
	} else {
		sk_peek_offset_bwd(sk, rec->plain.len);
		if (r.more) {
			dtls_recv_ready_rest(&r, rec->skb);
			err = r.total;
		}
	}
	dtls_recv_meta(ds, msg, rec->skb,
		       READ_ONCE(ds->recvpeer) ? rec->peer : 0,
		       dtls_recv_gso_size(&r), addr_len);
	dtls_ready_put(rec);
	return err;
}

/* Whose record that is, for a program that wants to know. */
static u64 dtls_recv_peer(const struct dtls_rx *rx)
{
	return unlikely(READ_ONCE(rx->ds->recvpeer)) ? dtls_rx_peer(rx) : 0;
}

/*
 * Open a record right into the program's hands, and what of its aggregate goes
 * with it. Return: as recvmsg; -EAGAIN if there is no datagram, -ENODATA if one
 * is done with and nothing of it was for us.
 */
static int dtls_recv_direct(struct dtls_sock *ds, struct msghdr *msg,
			    size_t len, int flags, int *addr_len)
{
	struct dtls_recv r = { .ds = ds, .msg = msg, .len = len };
	struct dtls_rx rx dtls_compat_raw;
	struct sk_buff *skb;
	int err;

	dtls_rx_begin(&rx, ds);
	err = dtls_rx_fetch(&rx, READ_ONCE(ds->gro) && !READ_ONCE(ds->recvtype));
	if (err)
		goto out;
	err = -ENODATA;
	if (dtls_rx_next(&rx, U32_MAX))
		goto out;
	/* what cannot be told here waits in the queue, and is refused there */
	if (unlikely(rx.plain.type != DTLS_TYPE_DATA) &&
	    dtls_ready_unmarked(&rx.plain, msg)) {
		if (rx.plain.type == DTLS_TYPE_RAW)
			dtls_raw_drop(ds, rx.plain.len);
		else
			dtls_rx_keep(&rx, true);
		goto out;
	}
	if (!dtls_recv_first(&r, &rx.plain, 0)) {
		dtls_rx_keep(&rx, true);
		dtls_recv_kick(ds);
		err = -EFAULT;
		goto out;
	}
	err = flags & MSG_TRUNC ? rx.plain.len : r.total;
	sk_peek_offset_bwd(ds->sk, rx.plain.len);
	if (!r.more) {
		dtls_recv_meta(ds, msg, rx.run.skb, dtls_recv_peer(&rx), 0,
			       addr_len);
		goto out;
	}
	skb = skb_get(rx.run.skb);
	dtls_recv_rest(&r, &rx);
	err = r.total;
	dtls_recv_meta(ds, msg, skb, dtls_recv_peer(&rx),
		       dtls_recv_gso_size(&r), addr_len);
	consume_skb(skb);
out:
	dtls_rx_end(&rx);
	return err;
}

/* Is there a reason not to sleep? */
static bool dtls_recv_awake(struct dtls_sock *ds, int flags, bool keyed,
			    u32 seen)
{
	bool pending;

	/* what the stack's own peek has left behind is nothing new to it */
	if (!keyed && flags & MSG_PEEK)
		pending = !skb_queue_empty_lockless(&ds->sk->sk_receive_queue);
	else
		pending = dtls_rx_pending(ds);
	return pending || READ_ONCE(ds->ready_gen) != seen ||
	       READ_ONCE(ds->sk->sk_err) ||
	       READ_ONCE(ds->sk->sk_shutdown) & RCV_SHUTDOWN ||
	       dtls_sock_keyed(ds) != keyed ||
	       (keyed && dtls_recv_barred(ds));
}

/*
 * Sleep until there may be something new. Not the stack's own loop: it does
 * not know about opened records, begins its timeout anew with each datagram,
 * and would hand bytes that arrive after the keys to a caller from before.
 */
static void dtls_recv_wait(struct dtls_sock *ds, long *timeo, int flags,
			   bool keyed, u32 seen)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	add_wait_queue_exclusive(sk_sleep(ds->sk), &wait);
	atomic_inc(&ds->waiters);
	/* pairs with the barrier of dtls_rx_ready() */
	smp_mb__after_atomic();
	if (!dtls_recv_awake(ds, flags, keyed, seen))
		*timeo = wait_woken(&wait, TASK_INTERRUPTIBLE, *timeo);
	atomic_dec(&ds->waiters);
	remove_wait_queue(sk_sleep(ds->sk), &wait);
}

#if IS_ENABLED(CONFIG_IPV6)
/*
 * IPV6_RECVPATHMTU: a message without data tells of a new path MTU, and comes
 * before any record. The stack's own function for it is not exported.
 */
static int dtls_recv_path_mtu(struct sock *sk, struct msghdr *msg,
			      int *addr_len)
{
	struct ipv6_pinfo *np = inet6_sk(sk);
	struct ip6_mtuinfo info;
	struct sk_buff *skb;

	/* as in UDP, which does not wait for who sets it */
	if (data_race(!np->rxopt.bits.rxpmtu) || !READ_ONCE(np->rxpmtu))
		return -EAGAIN;
	skb = xchg(&np->rxpmtu, NULL);
	if (!skb)
		return -EAGAIN;
	memcpy(&info, IP6CBMTU(skb), sizeof(info));
	if (msg->msg_name) {
		struct sockaddr_in6 *sin6 = msg->msg_name;

		memset(sin6, 0, sizeof(*sin6));
		sin6->sin6_family = AF_INET6;
		sin6->sin6_scope_id = info.ip6m_addr.sin6_scope_id;
		sin6->sin6_addr = info.ip6m_addr.sin6_addr;
		*addr_len = sizeof(*sin6);
	}
	put_cmsg(msg, SOL_IPV6, IPV6_PATHMTU, sizeof(info), &info);
	consume_skb(skb);
	return 0;
}
#endif

/* One look at everything there is. Return: as recvmsg, -EAGAIN to wait. */
static int dtls_recv_try(struct dtls_sock *ds, struct msghdr *msg, size_t len,
			 int flags, int *addr_len, bool keyed)
{
	struct sock *sk = ds->sk;
	int err;

#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		err = dtls_recv_path_mtu(sk, msg, addr_len);
		if (err != -EAGAIN)
			return err;
	}
#endif
	if (!keyed)
		return ds->proto->base->recvmsg(sk, msg, len,
						flags | MSG_DONTWAIT, addr_len);
	err = sock_error(sk);
	/*
	 * Our answer to a close_notify may find the peer's port closed: that
	 * does not come before the end of file which it answered.
	 */
	if (err && (err != -ECONNREFUSED || !dtls_recv_closed(ds)))
		return err;
	/* an empty queue is seen without its lock, but has a bound to peeking */
	if (!(flags & MSG_PEEK) && list_empty(&ds->ready))
		return -EAGAIN;
	return dtls_recv_ready(ds, msg, len, flags, addr_len);
}

/* Much has come, and nothing for the program: shall we go on? */
static int dtls_recv_pause(struct dtls_sock *ds, long timeo)
{
	cond_resched();
	if (signal_pending(current))
		return sock_intr_errno(timeo);
	if (timeo)
		return 0;
	dtls_recv_later(ds);
	return -EAGAIN;
}

/**
 * dtls_recv_msg() - recvmsg of an attached socket
 * @sk:       socket
 * @msg:      the program's message
 * @len:      bytes of room in it
 * @flags:    MSG_*
 * @addr_len: set to the length of the address
 *
 * Context: process, may sleep; no locks held.
 * Return: bytes of one record, or a negative errno
 * (Documentation/networking/dtls.rst).
 */
int dtls_recv_msg(struct sock *sk, struct msghdr *msg, size_t len, int flags,
		  int *addr_len)
{
	struct dtls_sock *ds = dtls_sk(sk);
	long timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	unsigned long expires = jiffies + timeo;
	unsigned int junk = 0;
	bool keyed;
	u32 seen;
	int err;

	if (flags & MSG_ERRQUEUE)
		return ds->proto->base->recvmsg(sk, msg, len, flags, addr_len);

	for (;;) {
		/* before the look at what is there, so that nothing is missed */
		seen = smp_load_acquire(&ds->ready_gen);
		keyed = dtls_sock_keyed(ds);
		if (unlikely(!keyed)) {
			err = dtls_handshake_pass(ds, &timeo);
			if (err)
				return err;
			keyed = dtls_sock_keyed(ds);
		}
		err = dtls_recv_try(ds, msg, len, flags, addr_len, keyed);
		if (err != -EAGAIN)
			return err;
		if (keyed) {
			/* what comes before the keys waits for them */
			err = dtls_recv_barred(ds);
			if (err)
				return READ_ONCE(sk->sk_shutdown) &
				       RCV_SHUTDOWN ? 0 : err;
			if (junk && !(junk % DTLS_RECV_JUNK_MAX)) {
				err = dtls_recv_pause(ds, timeo);
				if (err)
					return err;
			}
			if (flags & MSG_PEEK)
				err = dtls_rx_pull(ds) ?: -ENODATA;
			else
				err = dtls_recv_direct(ds, msg, len, flags,
						       addr_len);
			if (err == -ENODATA) {
				junk++;
				/* one deadline, however much junk comes */
				if (timeo && timeo != MAX_SCHEDULE_TIMEOUT)
					timeo = max_t(long, expires - jiffies,
						      0);
				continue;
			}
			if (err != -EAGAIN)
				return err;
			/* another caller may have opened the last datagram */
			err = dtls_recv_ready(ds, msg, len, flags, addr_len);
			if (err != -EAGAIN)
				return err;
		}
		if (keyed && dtls_recv_grown(ds, seen))
			continue;
		if (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN &&
		    (keyed || timeo))
			return 0;
		if (!timeo)
			return -EAGAIN;
		if (signal_pending(current))
			return sock_intr_errno(timeo);
		dtls_recv_wait(ds, &timeo, flags, keyed, seen);
	}
}

/* A pending error that a look at the queue took by the way: put it back. */
static void dtls_recv_keep_error(struct sock *sk, int err)
{
	if (err && err != -EAGAIN)
		cmpxchg(&sk->sk_err, 0, -err);
}

/**
 * dtls_recv_pull() - open one datagram, for a program that may not be reading
 * @ds: socket with an association
 *
 * Context: process, may sleep; no locks held.
 * Return: 0 if there was one; else a negative errno.
 */
int dtls_recv_pull(struct dtls_sock *ds)
{
	int err = dtls_recv_barred(ds);

	if (err)
		return err;
	err = dtls_rx_pull(ds);
	dtls_recv_keep_error(ds->sk, err);
	return err;
}

/*
 * Open datagrams until a record is ready.
 * Return: true if one is.
 */
static bool dtls_recv_fill(struct dtls_sock *ds)
{
	unsigned int junk;
	int err;

	if (dtls_recv_barred(ds))
		return !list_empty(&ds->ready);
	for (junk = 0; junk < DTLS_RECV_JUNK_MAX; junk++) {
		if (!list_empty(&ds->ready))
			return true;
		/* an error is told by whoever asks for data, not eaten here */
		if (READ_ONCE(ds->sk->sk_err))
			return false;
		err = dtls_rx_pull(ds);
		if (err) {
			dtls_recv_keep_error(ds->sk, err);
			dtls_recv_grown(ds, 0);
			return !list_empty(&ds->ready);
		}
	}
	cond_resched();
	if (!list_empty(&ds->ready))
		return true;
	dtls_recv_later(ds);
	return false;
}

/**
 * dtls_recv_next_len() - FIONREAD
 * @ds: socket with an association
 *
 * Context: process, may sleep; no locks held.
 * Return: bytes of plaintext in the next record, 0 if there is none.
 */
int dtls_recv_next_len(struct dtls_sock *ds)
{
	dtls_recv_fill(ds);
	return dtls_ready_len(ds);
}

/**
 * dtls_recv_poll() - poll of an attached socket
 * @file: file of the socket
 * @sock: socket
 * @wait: table, or NULL
 *
 * Context: process, may sleep, as the poll of every caller may; no locks of
 * ours held.
 * Return: mask of events. Readable means that recvmsg will not sleep.
 */
__poll_t dtls_recv_poll(struct file *file, struct socket *sock,
			struct poll_table_struct *wait)
{
	struct sock *sk = sock->sk;
	struct dtls_sock *ds = dtls_sk(sk);
	__poll_t mask = 0;
	u8 shutdown;
	int err;

	if (!dtls_sock_keyed(ds)) {
		err = dtls_handshake_barred(ds);
		return err ? dtls_handshake_poll(file, sock, wait, err) :
			     ds->proto->base_ops->poll(file, sock, wait);
	}

	sock_poll_wait(file, sock, wait);

	/* first: a record may be the alert that changes all the rest */
	if (poll_requested_events(wait) & (EPOLLIN | EPOLLRDNORM |
					   EPOLLRDHUP) &&
	    (dtls_recv_barred(ds) || dtls_recv_fill(ds)))
		mask |= EPOLLIN | EPOLLRDNORM;

	if (READ_ONCE(sk->sk_err) ||
	    !skb_queue_empty_lockless(&sk->sk_error_queue))
		mask |= EPOLLERR |
			(sock_flag(sk, SOCK_SELECT_ERR_QUEUE) ? EPOLLPRI : 0);
	shutdown = READ_ONCE(sk->sk_shutdown);
	if (shutdown & RCV_SHUTDOWN)
		mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (shutdown == SHUTDOWN_MASK)
		mask |= EPOLLHUP;
	/* keys are there, but the daemon has not said who the peer is */
	if (unlikely(dtls_handshake_barred(ds) == -EINPROGRESS))
		return mask;
	if (sock_writeable(sk))
		mask |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	else
		sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	return mask;
}
