// SPDX-License-Identifier: GPL-2.0-only
/* What the path to a peer lets through: DTLS_MAX_PAYLOAD. */
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/ipv6_stubs.h>
#include <net/route.h>

#include "peer.h"
#include "sock.h"

static struct dst_entry *dtls_path_route4(struct sock *sk,
					  const struct dtls_peer_key *peer)
{
	struct inet_sock *inet = inet_sk(sk);
	struct flowi4 fl4;
	struct rtable *rt;

	rt = ip_route_output_ports(sock_net(sk), &fl4, sk,
				   peer ? peer->addr.s6_addr32[3] :
					  inet->inet_daddr,
				   inet->inet_saddr,
				   peer ? peer->port : inet->inet_dport,
				   inet->inet_sport, IPPROTO_UDP, 0,
				   READ_ONCE(sk->sk_bound_dev_if));
	return IS_ERR(rt) ? ERR_CAST(rt) : &rt->dst;
}

/* Bytes of header in front of UDP, with the options set on the socket. */
static int dtls_path_headers4(struct sock *sk)
{
	struct ip_options_rcu *opt;
	int len = sizeof(struct iphdr);

	rcu_read_lock();
	opt = rcu_dereference(inet_sk(sk)->inet_opt);
	if (opt)
		len += opt->opt.optlen;
	rcu_read_unlock();
	return len;
}

static int dtls_path_headers6(struct sock *sk)
{
	int len = sizeof(struct ipv6hdr);
#if IS_ENABLED(CONFIG_IPV6)
	struct ipv6_txoptions *opt;

	rcu_read_lock();
	opt = rcu_dereference(inet6_sk(sk)->opt);
	/*
	 * Twice, as the stack does for what it may not fragment: it takes some
	 * for payload first, and then off the room for that.
	 */
	if (opt)
		len += 2 * opt->opt_flen + opt->opt_nflen;
	rcu_read_unlock();
#endif
	return len;
}

#if IS_ENABLED(CONFIG_IPV6)
static struct dst_entry *dtls_path_route6(struct sock *sk,
					  const struct dtls_peer_key *peer)
{
	struct flowi6 fl6 = {
		.daddr		= peer ? peer->addr : sk->sk_v6_daddr,
		.saddr		= inet6_sk(sk)->saddr,
		.flowi6_proto	= IPPROTO_UDP,
		.flowi6_oif	= READ_ONCE(sk->sk_bound_dev_if) ?:
				  (peer ? peer->scope : 0),
		.flowi6_mark	= READ_ONCE(sk->sk_mark),
		.flowi6_uid	= sk->sk_uid,
		.fl6_dport	= peer ? peer->port :
					 inet_sk(sk)->inet_dport,
		.fl6_sport	= inet_sk(sk)->inet_sport,
	};

	return ipv6_stub->ipv6_dst_lookup_flow(sock_net(sk), sk, &fl6, NULL);
}
#endif

/**
 * dtls_path_max_datagram() - what fits into one datagram on the path now
 * @assoc: association
 *
 * Context: process, may sleep; no locks held.
 * Return: bytes of UDP payload that go unfragmented; -ENOTCONN without a peer,
 * or the errno of the route.
 */
int dtls_path_max_datagram(struct dtls_assoc *assoc)
{
	const struct dtls_peer_key *peer = NULL;
	struct dtls_peer_key key;
	struct sock *sk = assoc->ds->sk;
	struct dst_entry *dst;
	bool v6 = false;
	u32 cookie = 0;
	int mtu;

	if (assoc->peer) {
		dtls_peer_where(assoc, &key);
		peer = &key;
	}
	/* connect() may be about to change the addresses */
	lock_sock(sk);
	mtu = -ENOTCONN;
	if (!peer && sk->sk_state != TCP_ESTABLISHED)
		goto out;
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		v6 = !ipv6_addr_v4mapped(peer ? &peer->addr :
						&sk->sk_v6_daddr);
		cookie = inet6_sk(sk)->dst_cookie;
	}
#endif
	dst = peer ? NULL : sk_dst_check(sk, cookie);
	if (!dst) {
#if IS_ENABLED(CONFIG_IPV6)
		if (v6)
			dst = dtls_path_route6(sk, peer);
		else
#endif
			dst = dtls_path_route4(sk, peer);
		mtu = PTR_ERR_OR_ZERO(dst);
		if (mtu)
			goto out;
	}
	mtu = dst_mtu(dst);
	dst_release(dst);
	mtu -= v6 ? dtls_path_headers6(sk) : dtls_path_headers4(sk);
	mtu = max_t(int, mtu - (int)sizeof(struct udphdr), 0);
out:
	release_sock(sk);
	return mtu;
}

/* The most of @room bytes that still fits with the padding that it gets. */
static int dtls_path_padded(int room, int multiple, int max)
{
	/* what is longer than the last multiple is not padded beyond the limit */
	if (multiple <= 1 || room >= max)
		return room;
	return (room + 1) / multiple * multiple - 1;
}

/**
 * dtls_path_max_payload() - what fits into one record on the path as it is now
 * @assoc: association
 *
 * Context: process, may sleep; no locks held.
 * Return: bytes of plaintext, at most %DTLS_RECORD_PLAIN_MAX, that make an
 * unfragmented datagram; -ENOTCONN without a peer, -ENOKEY without keys, or
 * the errno of the route.
 */
int dtls_path_max_payload(struct dtls_assoc *assoc)
{
	int room = dtls_path_max_datagram(assoc);
	struct dtls_epoch *ep;
	int max;

	if (room < 0)
		return room;
	ep = dtls_keys_get_tx(assoc);
	if (!ep)
		return -ENOKEY;
	room -= ep->aead.over;
	max = dtls_cipher_plain_max(&ep->aead);
	if (ep->aead.form != DTLS_FORM_12)
		room = dtls_path_padded(room, READ_ONCE(assoc->ds->padding), max);
	dtls_keys_put(ep);
	return clamp(room, 0, max);
}
