// SPDX-License-Identifier: GPL-2.0-only
/*
 * DTLS_HANDSHAKE_LISTEN: an unconnected socket that the program only talks to peers
 * with, while a daemon shakes hands with all who come.
 *
 * From the time it is asked for the socket is one with peers, though there may be none
 * yet: no byte goes in or out in the clear. What is of nobody, and what of a peer looks
 * like a handshake and does not open, goes to the daemon by netlink, by whoever takes
 * datagrams from UDP: the program, or, as that may not be reading, a work item.
 *
 * Nobody vouches for such a datagram: it costs a copy, in the buffer of the daemon's
 * netlink socket, and is dropped where that is full.
 */
#include <linux/slab.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/udp.h>

#include "compat.h"
#include "handshake.h"
#include "listen.h"
#include "peer.h"
#include "record13.h"
#include "rx.h"
#include "stats.h"

/* How long the program may take to read a datagram, before we do. */
#define DTLS_LISTEN_LOOK	(HZ / 50)

/* Datagrams looked into at a time. */
#define DTLS_LISTEN_READ	256

/**
 * struct dtls_listen - looks for strangers in what the program has not read
 * @work: does so
 * @ds:   the socket
 */
struct dtls_listen {
	struct delayed_work	work;
	struct dtls_sock	*ds;
};

static void dtls_listen_data_ready(struct sock *sk)
{
	struct dtls_sock *ds = dtls_sk(sk);

	dtls_recv_data_ready(sk);
	read_lock_bh(&sk->sk_callback_lock);
	/* not once it is being closed */
	if (sk->sk_data_ready == dtls_listen_data_ready)
		dtls_assoc_queue(&ds->listen->work, DTLS_LISTEN_LOOK, false);
	read_unlock_bh(&sk->sk_callback_lock);
}

/*
 * Open what the program has not read, as its poll would do. Behind what it leaves
 * there may be a stranger: so where the room for what is opened is at an end, that of
 * peers is dropped, as UDP does in the same case.
 */
static void dtls_listen_look(struct work_struct *work)
{
	struct dtls_sock *ds = container_of(to_delayed_work(work),
					    struct dtls_listen, work)->ds;
	struct sock *sk = ds->sk;
	unsigned int n;
	int err = 0;

	for (n = 0; n < DTLS_LISTEN_READ && dtls_rx_pending(ds); n++) {
		int ret = dtls_rx_pull_some(ds, READ_ONCE(ds->ready_cost) >
						READ_ONCE(sk->sk_rcvbuf));

		/* an error is told by whoever asks for data, not eaten here */
		if (ret && ret != -EAGAIN)
			err = ret;
		cond_resched();
	}
	if (err)
		cmpxchg(&sk->sk_err, 0, -err);
	if (dtls_rx_pending(ds))
		dtls_assoc_queue(&ds->listen->work, 1, false);
}

/**
 * dtls_listen_may() - may a socket listen
 * @ds: socket; caller holds the lock of its cork
 *
 * Context: process.
 * Return: 0; -EISCONN if it is connected, or has been when it got keys; -EINVAL if it
 * is bound to no port; -EBUSY while UDP holds bytes back.
 */
int dtls_listen_may(const struct dtls_sock *ds)
{
	const struct sock *sk = ds->sk;

	if (READ_ONCE(sk->sk_state) == TCP_ESTABLISHED || dtls_sock_assoc(ds))
		return -EISCONN;
	if (!READ_ONCE(inet_sk(sk)->inet_num))
		return -EINVAL;
	return READ_ONCE(udp_sk(sk)->pending) ? -EBUSY : 0;
}

/**
 * dtls_listen_begin() - from here on strangers are sorted out
 * @ds: socket that dtls_listen_may(); caller holds the lock of its cork
 *
 * Context: process, may sleep.
 * Return: 0; -EISCONN, -EBUSY as dtls_listen_may(); -ENOMEM.
 */
int dtls_listen_begin(struct dtls_sock *ds)
{
	struct dtls_listen *listen;
	struct sock *sk = ds->sk;
	int err;

	if (ds->listen)
		return 0;
	listen = kzalloc(sizeof(*listen), GFP_KERNEL_ACCOUNT);
	if (!listen)
		return -ENOMEM;
	listen->ds = ds;
	INIT_DELAYED_WORK(&listen->work, dtls_listen_look);
	err = dtls_peeropt_prepare(ds);
	if (err) {
		kfree(listen);
		return err;
	}
	dtls_sockopt_gro_on(ds);
	WRITE_ONCE(ds->passthrough, ds->passthrough | DTLS_LISTEN_SORT);
	ds->listen = listen;
	write_lock_bh(&sk->sk_callback_lock);
	WRITE_ONCE(sk->sk_data_ready, dtls_listen_data_ready);
	write_unlock_bh(&sk->sk_callback_lock);
	/* sleepers from before have to look again, in another way */
	wake_up_interruptible_all(sk_sleep(sk));
	dtls_assoc_queue(&listen->work, 0, false);
	return 0;
}

/**
 * dtls_listen_owned() - is this the process that shakes hands for a socket
 * @ds: attached socket
 *
 * Context: process. Return: true if it has taken the request.
 */
bool dtls_listen_owned(const struct dtls_sock *ds)
{
	const struct dtls_upcall *up = dtls_handshake_of(ds);

	if (!up || !READ_ONCE(up->listen))
		return false;
	/* pairs with dtls_handshake_take() */
	return smp_load_acquire(&up->state) == DTLS_UPCALL_TAKEN &&
	       READ_ONCE(up->owner) == task_tgid(current);
}

/**
 * dtls_listen_close() - nobody looks for strangers any more
 * @ds: socket that is being closed; sk_data_ready is the base's again
 *
 * Context: process, may sleep: work in flight is waited for.
 */
void dtls_listen_close(struct dtls_sock *ds)
{
	if (!ds->listen)
		return;
	cancel_delayed_work_sync(&ds->listen->work);
	kfree(ds->listen);
	ds->listen = NULL;
}

/* Give a datagram to the daemon, if there is one. */
static void dtls_listen_deliver(struct dtls_rx *rx, u32 off, u32 len)
{
	struct dtls_record_hdr none = {};
	struct dtls_sock *ds = rx->ds;
	struct dtls_upcall *up = dtls_handshake_of(ds);
	u32 portid = 0;
	u64 id = 0;

	if (up) {
		spin_lock_bh(&up->net->lock);
		if (up->listen && up->state == DTLS_UPCALL_TAKEN) {
			portid = up->portid;
			id = up->req.id;
		}
		spin_unlock_bh(&up->net->lock);
	}
	if (portid && dtls_upcall_datagram(ds, portid, id, &rx->run, off, len))
		dtls_stats_inc(sock_net(ds->sk), DTLS_STAT_RX_HANDSHAKE);
	else
		dtls_rx_drop(ds, DTLS_STAT_RX_DROP_HANDSHAKE, &none, len);
}

/**
 * dtls_listen_stranger() - a datagram of nobody
 * @rx:  what is in hand, at the start of a datagram
 * @len: bytes of that
 *
 * Context: process, may sleep.
 * Return: true if it has been for the daemon; false if it is to be dropped.
 */
bool dtls_listen_stranger(struct dtls_rx *rx, u32 len)
{
	u8 copy;
	const u8 *first = dtls_run_bytes(&rx->run, rx->run.off, &copy, 1);

	if (!(rx->sort & DTLS_LISTEN_SORT) || !first || *first < 20 || *first > 63)
		return false;
	dtls_listen_deliver(rx, rx->run.off, len);
	return true;
}

/**
 * dtls_listen_knocks() - does a datagram look like one of a handshake
 * @run: what is in hand
 * @off: where in it the datagram begins
 *
 * RFC 6347: ClientHello, or a flight that ends with what only the new keys open; RFC
 * 9147 6.1: epoch 2 is that of the handshake.
 *
 * Context: process. Return: true if so.
 */
bool dtls_listen_knocks(struct dtls_run *run, u32 off)
{
	u8 copy;
	const u8 *first = dtls_run_bytes(run, off, &copy, 1);

	if (!first)
		return false;
	if (dtls_record13_kind(*first) == DTLS_KIND_13)
		return (*first & DTLS_RECORD13_EPOCH) == DTLS_EPOCH_HANDSHAKE;
	return *first == DTLS_TYPE_HANDSHAKE || *first == 20;
}

/**
 * dtls_listen_reject() - a record of a peer does not open
 * @rx:  what is in hand, of a peer, and with the record still there
 * @len: bytes of the record; or to the end of the datagram
 *
 * A peer that has lost its keys begins anew, from the same address. Its datagrams are
 * those of which not a single record opens; until the daemon adds it again it stays the
 * peer that it was.
 *
 * Context: process, may sleep.
 */
void dtls_listen_reject(struct dtls_rx *rx, u32 len)
{
	struct dtls_run *run = &rx->run;
	u32 start = rounddown(run->off, run->seg);

	if (run->off == start)
		rx->rejected = 0;
	rx->rejected += len;
	if (run->off + len < run->next || rx->rejected < run->next - start)
		return;
	/* of one that is just being added the keys of its data may come later */
	if (dtls_listen_knocks(run, start) ||
	    (rx->form == DTLS_FORM_13 &&
	     READ_ONCE(rx->assoc->rx_last) == DTLS_EPOCH_HANDSHAKE))
		dtls_listen_deliver(rx, start, run->next - start);
}

/**
 * dtls_listen_met() - a daemon says who a peer is
 * @net:      its network namespace
 * @portid:   its netlink socket
 * @id:       number of the request
 * @peer:     identifier of the peer
 * @identity: of the peer; set to what the caller has to free
 *
 * Context: process.
 * Return: 0; -ENOENT if this netlink socket has not taken such a request, or it is
 * over, or there is no such peer; -EINVAL if nobody listens; -EEXIST if that has been
 * said.
 */
int dtls_listen_met(struct net *net, u32 portid, u64 id, u64 peer,
		    struct dtls_identity **identity)
{
	struct dtls_handshake_net *hn = dtls_handshake_net_of(net);
	struct dtls_assoc *assoc = NULL;
	struct dtls_upcall *up;
	int err = -ENOENT;

	spin_lock_bh(&hn->lock);
	up = dtls_handshake_find(hn, portid, id);
	if (up && !up->listen)
		err = -EINVAL;
	else if (up)
		/* the peers do not end before dtls_close() has us off the list */
		assoc = dtls_peer_find_id(dtls_sock_peers(up->ds), peer, false);
	if (assoc) {
		/* pairs with dtls_listen_identity() */
		err = cmpxchg_release(&assoc->peer->identity, NULL, *identity) ?
		      -EEXIST : 0;
		if (!err)
			*identity = NULL;
		dtls_assoc_put(assoc);
	}
	spin_unlock_bh(&hn->lock);
	return err;
}

/**
 * dtls_listen_identity() - DTLS_PEER_IDENTITY of one peer
 * @assoc:  its association; caller holds a reference
 * @optval: the program's buffer
 * @off:    where in it the identity goes
 * @len:    bytes of room there
 * @optlen: set to what is then in the buffer, from its start
 *
 * Context: process, may sleep. Return: as dtls_identity_get().
 */
int dtls_listen_identity(const struct dtls_assoc *assoc, char __user *optval,
			 int off, int len, int __user *optlen)
{
	/* pairs with dtls_listen_met(); it lives as long as the peer */
	const struct dtls_identity *id = smp_load_acquire(&assoc->peer->identity);

	return dtls_identity_tell(id, id ? id->size + id->len : 0, optval, off,
				   len, optlen);
}

/* What the network would have put in front of a datagram. */
static void dtls_listen_headers(struct sk_buff *skb,
				const struct dtls_peer_key *from,
				const struct dtls_peer_key *to, u32 len)
{
	struct ipv6hdr *ip6;
	struct udphdr *udp;
	struct iphdr *ip;

	memset(skb->cb, 0, sizeof(skb->cb));
	udp = skb_push(skb, sizeof(*udp));
	skb_reset_transport_header(skb);
	memset(udp, 0, sizeof(*udp));
	udp->source = from->port;
	udp->dest = to->port;
	udp->len = htons(sizeof(*udp) + len);
	if (ipv6_addr_v4mapped(&from->addr)) {
		ip = skb_push(skb, sizeof(*ip));
		memset(ip, 0, sizeof(*ip));
		ip->version = 4;
		ip->ihl = 5;
		ip->protocol = IPPROTO_UDP;
		ip->saddr = from->addr.s6_addr32[3];
		ip->daddr = to->addr.s6_addr32[3];
		skb->protocol = htons(ETH_P_IP);
	} else {
		ip6 = skb_push(skb, sizeof(*ip6));
		memset(ip6, 0, sizeof(*ip6));
		ip6->version = 6;
		ip6->nexthdr = IPPROTO_UDP;
		ip6->saddr = from->addr;
		ip6->daddr = to->addr;
		skb->protocol = htons(ETH_P_IPV6);
		IP6CB(skb)->iif = from->scope;
		IP6CB(skb)->nhoff = offsetof(struct ipv6hdr, nexthdr);
	}
	skb_reset_network_header(skb);
	skb_pull(skb, skb_transport_offset(skb) + sizeof(*udp));
}

/**
 * dtls_listen_give() - a datagram that has come to the daemon was a peer's
 * @ds:   socket that listens
 * @from: address of the peer
 * @to:   that it has written to, or zeroes
 * @data: the datagram
 * @len:  bytes of it
 *
 * Context: process, may sleep; no locks held.
 * Return: 0, whatever came out of it; -ENOBUFS if there is no room for more that the
 * program has not read; -ENOMEM.
 */
int dtls_listen_give(struct dtls_sock *ds, const struct dtls_peer_key *from,
		     const struct dtls_peer_key *to, const void *data, u32 len)
{
	u32 room = sizeof(struct ipv6hdr) + sizeof(struct udphdr);
	struct sk_buff *skb;

	if (READ_ONCE(ds->ready_cost) > READ_ONCE(ds->sk->sk_rcvbuf))
		return -ENOBUFS;
	skb = alloc_skb(room + len, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!skb)
		return -ENOMEM;
	skb_reserve(skb, room);
	dtls_listen_headers(skb, from, to, len);
	skb_put_data(skb, data, len);
	dtls_rx_inject(ds, skb);
	return 0;
}
