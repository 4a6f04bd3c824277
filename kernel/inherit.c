// SPDX-License-Identifier: GPL-2.0-only
/*
 * A socket that is made after another one: its options, and its place among the
 * sockets of UDP.
 *
 * bind() could not give it the same port: that needs SO_REUSEADDR or SO_REUSEPORT of
 * both, and a moment in which anybody might have used these. Nor would bind() and
 * connect() do, one after the other: between the two a socket takes what is for the
 * other one. So it is connected first, and then put there by hand.
 */
#include <linux/netdevice.h>
#include <linux/security.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/sock_reuseport.h>
#include <net/udp.h>

#include "compat.h"
#include "peeloff.h"

/* Flags that options of SOL_SOCKET set. */
static const enum sock_flags dtls_inherit_flags[] = {
	SOCK_BROADCAST, SOCK_LOCALROUTE, SOCK_RCVTSTAMP, SOCK_RCVTSTAMPNS,
	SOCK_TSTAMP_NEW, SOCK_RXQ_OVFL, SOCK_ZEROCOPY, SOCK_WIFI_STATUS, SOCK_NOFCS,
	SOCK_SELECT_ERR_QUEUE, SOCK_TXTIME, SOCK_RCVMARK,
	SOCK_TIMESTAMP, SOCK_TIMESTAMPING_RX_SOFTWARE,
};

/* Options of SOL_SOCKET. */
static void dtls_inherit_sock(struct sock *sk, struct sock *from)
{
	bool stamps = from->sk_flags & SK_FLAGS_TIMESTAMP;
	unsigned int i;

	sk->sk_rcvbuf = READ_ONCE(from->sk_rcvbuf);
	sk->sk_sndbuf = READ_ONCE(from->sk_sndbuf);
	sk->sk_userlocks = (from->sk_userlocks & (SOCK_SNDBUF_LOCK |
						  SOCK_RCVBUF_LOCK |
						  SOCK_BINDADDR_LOCK)) |
			   SOCK_BINDPORT_LOCK;
	sk->sk_rcvtimeo = READ_ONCE(from->sk_rcvtimeo);
	sk->sk_sndtimeo = READ_ONCE(from->sk_sndtimeo);
	sk->sk_priority = READ_ONCE(from->sk_priority);
	sk->sk_mark = READ_ONCE(from->sk_mark);
	sk->sk_bound_dev_if = READ_ONCE(from->sk_bound_dev_if);
	sk->sk_reuse = from->sk_reuse;
	sk->sk_reuseport = from->sk_reuseport;
	sk->sk_no_check_tx = from->sk_no_check_tx;
	sk->sk_ipv6only = from->sk_ipv6only;
	sk->sk_tsflags = READ_ONCE(from->sk_tsflags);
	sk->sk_max_pacing_rate = READ_ONCE(from->sk_max_pacing_rate);
	for (i = 0; i < ARRAY_SIZE(dtls_inherit_flags); i++)
		sock_valbool_flag(sk, dtls_inherit_flags[i],
				  sock_flag(from, dtls_inherit_flags[i]));
	/* counted there for as long as a socket has the flag */
	if (stamps)
		net_enable_timestamp();
}

/* Options of SOL_IP; none that points to something. */
static void dtls_inherit_ip(struct inet_sock *inet, struct inet_sock *from)
{
	dtls_compat_inherit_inet(inet, from);
	inet->tos = from->tos;
	inet->min_ttl = from->min_ttl;
	inet->uc_ttl = from->uc_ttl;
	inet->uc_index = from->uc_index;
	inet->mc_ttl = from->mc_ttl;
	inet->mc_index = from->mc_index;
	inet->mc_addr = from->mc_addr;
	inet->pmtudisc = from->pmtudisc;
}

#if IS_ENABLED(CONFIG_IPV6)
/* Options of SOL_IPV6, likewise. */
static void dtls_inherit_ipv6(struct ipv6_pinfo *np, struct ipv6_pinfo *from)
{
	dtls_compat_inherit_inet6(np, from);
	np->hop_limit = from->hop_limit;
	np->mcast_hops = from->mcast_hops;
	np->ucast_oif = from->ucast_oif;
	np->mcast_oif = from->mcast_oif;
	np->pmtudisc = from->pmtudisc;
	np->srcprefs = from->srcprefs;
	np->min_hopcount = from->min_hopcount;
	np->tclass = from->tclass;
	np->frag_size = from->frag_size;
	np->rxopt.all = from->rxopt.all;
	np->sticky_pktinfo = from->sticky_pktinfo;
}
#endif

/**
 * dtls_inherit_options() - options of UDP, IP and the socket
 * @sk:   new socket, that nobody else has
 * @from: socket of the same kind
 *
 * Not those that point to something: IP options, flow labels, filters, memberships.
 *
 * Context: process, may sleep.
 */
void dtls_inherit_options(struct sock *sk, struct sock *from)
{
	lock_sock(from);
	dtls_inherit_sock(sk, from);
	dtls_inherit_ip(inet_sk(sk), inet_sk(from));
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		dtls_inherit_ipv6(inet6_sk(sk), inet6_sk(from));
#endif
	security_sk_clone(from, sk);
	release_sock(from);
	security_sock_graft(sk, sk->sk_socket);
}

/* Where datagrams for it have to be sent to. */
static void dtls_inherit_local(struct sock *sk, struct sock *from)
{
	inet_sk(sk)->inet_rcv_saddr = inet_sk(from)->inet_rcv_saddr;
#if IS_ENABLED(CONFIG_IPV6)
	sk->sk_v6_rcv_saddr = from->sk_v6_rcv_saddr;
#endif
}

static bool dtls_inherit_any(const struct sock *sk)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		return ipv6_addr_any(&sk->sk_v6_rcv_saddr);
#endif
	return !inet_sk(sk)->inet_rcv_saddr;
}

/*
 * SO_REUSEPORT: @from's group gets no member more, since that would give peers of
 * some of them to others. But it has to know that it is not alone: only then UDP
 * goes on and finds who is connected. And so has whoever comes when @from is gone.
 */
static int dtls_inherit_group(struct sock *sk, struct sock *from)
{
	bool any = dtls_inherit_any(sk);
	int err;

	if (!sk->sk_reuseport)
		return 0;
	err = reuseport_alloc(from, any);
	if (!err)
		err = reuseport_alloc(sk, any);
	if (!err) {
		reuseport_has_conns_set(from);
		reuseport_has_conns_set(sk);
	}
	return err;
}

/*
 * Have datagrams find it, as udp_lib_get_port() does it. Called with its lock.
 */
static int dtls_inherit_hash(struct sock *sk, struct sock *from)
{
	struct udp_table *table = dtls_compat_udp_table(sk);
	struct net *net = sock_net(sk);
	u16 port = inet_sk(from)->inet_num;
	struct udp_hslot *slot = udp_hashslot(table, net, port), *slot2;
	int err = 0;
	u32 hash;

	inet_sk(sk)->inet_num = port;
	udp_sk(sk)->udp_port_hash = port;
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		hash = ipv6_portaddr_hash(net, &sk->sk_v6_rcv_saddr, port);
	else
#endif
		hash = ipv4_portaddr_hash(net, inet_sk(sk)->inet_rcv_saddr, port);
	udp_sk(sk)->udp_portaddr_hash = hash;
	slot2 = udp_hashslot2(table, hash);

	spin_lock_bh(&slot->lock);
	err = dtls_inherit_group(sk, from);
	if (err) {
		inet_sk(sk)->inet_num = 0;
		goto out;
	}
	sock_set_flag(sk, SOCK_RCU_FREE);
	/* behind @from, whose group others look for */
	sk_add_node_tail_rcu(sk, &slot->head);
	slot->count++;
	sock_prot_inuse_add(net, sk->sk_prot, 1);
	spin_lock(&slot2->lock);
	hlist_add_tail_rcu(&udp_sk(sk)->udp_portaddr_node, &slot2->head);
	slot2->count++;
	spin_unlock(&slot2->lock);
out:
	spin_unlock_bh(&slot->lock);
	return err;
}

/**
 * dtls_inherit_place() - have a socket get what a peer sends to another one
 * @sk:   new socket, attached, that has no port
 * @from: unconnected socket with a port
 * @peer: address of the peer
 * @len:  bytes of it
 *
 * Afterwards datagrams of the peer are given to @sk, and no others. Those that were
 * being given to @from meanwhile may still come there until the end of a grace
 * period.
 *
 * Context: process, may sleep.
 * Return: 0; -ENETUNREACH and its like; -ENOMEM; -ECONNABORTED if somebody has
 * already taken the connection away again.
 */
int dtls_inherit_place(struct sock *sk, struct sock *from,
		       struct __kernel_sockaddr_storage *peer, int len)
{
	struct inet_sock *inet = inet_sk(sk);
	int err;

	/* routing asks for the port, too; and the source is as it was */
	inet->inet_sport = inet_sk(from)->inet_sport;
	inet->inet_saddr = inet_sk(from)->inet_saddr;
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		inet6_sk(sk)->saddr = inet6_sk(from)->saddr;
#endif
	dtls_inherit_local(sk, from);
	err = dtls_sk(sk)->proto->base->connect(sk, (struct sockaddr *)peer, len);
	if (err)
		return err;
	lock_sock(sk);
	/* ss -K would have made it one that takes everything */
	if (sk->sk_state == TCP_ESTABLISHED && inet->inet_dport) {
		/*
		 * connect() has put one of our addresses in the place of none. But
		 * the peer may know us by another.
		 */
		dtls_inherit_local(sk, from);
		err = dtls_inherit_hash(sk, from);
	} else {
		err = -ECONNABORTED;
	}
	release_sock(sk);
	return err;
}
