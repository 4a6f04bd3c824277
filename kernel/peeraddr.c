// SPDX-License-Identifier: GPL-2.0-only
/* Addresses of peers: of programs, of UDP, and of datagrams. */
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/udp.h>

#include "peer.h"

static u32 dtls_peer_scope(const struct in6_addr *addr, u32 scope)
{
	return __ipv6_addr_needs_scope_id(__ipv6_addr_type(addr)) ? scope : 0;
}

/**
 * dtls_peer_parse() - the address that a program gives
 * @sk:   socket
 * @from: what the program says
 * @len:  bytes of it
 * @key:  filled
 *
 * Context: any.
 * Return: 0; -EAFNOSUPPORT for a family that is not the socket's; -EINVAL for
 * an address, or a length, that no peer has.
 */
int dtls_peer_parse(const struct sock *sk,
		    const struct __kernel_sockaddr_storage *from, unsigned int len,
		    struct dtls_peer_key *key)
{
	const struct sockaddr_in6 *sin6 = (const void *)from;
	const struct sockaddr_in *sin = (const void *)from;

	memset(key, 0, sizeof(*key));
	if (len < offsetofend(struct sockaddr, sa_family))
		return -EINVAL;
	if (from->ss_family == AF_INET) {
		if (len < sizeof(*sin))
			return -EINVAL;
		ipv6_addr_set_v4mapped(sin->sin_addr.s_addr, &key->addr);
		key->port = sin->sin_port;
		if (!sin->sin_addr.s_addr)
			return -EINVAL;
	} else if (from->ss_family == AF_INET6 && sk->sk_family == AF_INET6) {
		if (len < SIN6_LEN_RFC2133)
			return -EINVAL;
		key->addr = sin6->sin6_addr;
		key->port = sin6->sin6_port;
		if (len >= sizeof(*sin6))
			key->scope = dtls_peer_scope(&key->addr,
						     sin6->sin6_scope_id);
		if (ipv6_addr_any(&key->addr))
			return -EINVAL;
	} else {
		return -EAFNOSUPPORT;
	}
	/* records under the same keys to many would be one nonce space for all */
	if (!key->port || ipv6_addr_is_multicast(&key->addr) ||
	    (ipv6_addr_v4mapped(&key->addr) &&
	     (ipv4_is_multicast(key->addr.s6_addr32[3]) ||
	      ipv4_is_lbcast(key->addr.s6_addr32[3]))))
		return -EINVAL;
	if (sk->sk_family == AF_INET6 && ipv6_only_sock(sk) &&
	    ipv6_addr_v4mapped(&key->addr))
		return -EAFNOSUPPORT;
	return 0;
}

/**
 * dtls_peer_name() - an address as programs, and UDP, know it
 * @sk:  socket
 * @key: the address
 * @to:  filled
 *
 * Context: any. Return: bytes of it.
 */
int dtls_peer_name(const struct sock *sk, const struct dtls_peer_key *key,
		   struct __kernel_sockaddr_storage *to)
{
	struct sockaddr_in6 *sin6 = (void *)to;
	struct sockaddr_in *sin = (void *)to;

	if (sk->sk_family == AF_INET) {
		memset(sin, 0, sizeof(*sin));
		sin->sin_family = AF_INET;
		sin->sin_port = key->port;
		sin->sin_addr.s_addr = key->addr.s6_addr32[3];
		return sizeof(*sin);
	}
	memset(sin6, 0, sizeof(*sin6));
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = key->port;
	sin6->sin6_addr = key->addr;
	sin6->sin6_scope_id = key->scope;
	return sizeof(*sin6);
}

/**
 * dtls_peer_source() - where a datagram comes from
 * @skb: datagram, of UDP's queue
 * @key: filled
 *
 * Context: any.
 */
void dtls_peer_source(const struct sk_buff *skb, struct dtls_peer_key *key)
{
	memset(key, 0, sizeof(*key));
	key->port = udp_hdr(skb)->source;
#if IS_ENABLED(CONFIG_IPV6)
	if (skb->protocol == htons(ETH_P_IPV6)) {
		key->addr = ipv6_hdr(skb)->saddr;
		key->scope = dtls_peer_scope(&key->addr, inet6_iif(skb));
		return;
	}
#endif
	ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr, &key->addr);
}
