/* SPDX-License-Identifier: GPL-2.0-only */
/* The peers of an unconnected socket: each has an association of its own. */
#ifndef _DTLS_PEER_H
#define _DTLS_PEER_H

#include <linux/in6.h>
#include <linux/rhashtable.h>
#include <linux/xarray.h>

#include "assoc.h"
#include "sock.h"

/**
 * struct dtls_peer_key - address of a peer
 * @addr:  IPv6, or IPv4 mapped
 * @scope: interface, where @addr is good on one link only; else 0
 * @port:  UDP port
 * @pad:   0
 */
struct dtls_peer_key {
	struct in6_addr	addr;
	u32		scope;
	__be16		port;
	u16		pad;
};

/**
 * struct dtls_peer - a peer; lives as long as its association
 * @node:  place in the table of addresses
 * @key:   address
 * @id:    identifier, never given twice on a socket
 * @assoc: association; the table owns a reference
 */
struct dtls_peer {
	struct rhash_head	node;
	struct dtls_peer_key	key;
	u64			id;
	struct dtls_assoc	*assoc;
};

/**
 * struct dtls_peers - all peers of a socket; changed under the lock of its cork
 * @table: by address
 * @ids:   by identifier, struct dtls_peer
 * @last:  identifier given last
 */
struct dtls_peers {
	struct rhashtable	table;
	struct xarray		ids;
	unsigned long		last;
};

int dtls_peer_prepare(struct dtls_peers **peers);
void dtls_peer_free(struct dtls_peers *peers);
int dtls_peer_parse(const struct sock *sk,
		    const struct __kernel_sockaddr_storage *from, unsigned int len,
		    struct dtls_peer_key *key);
int dtls_peer_name(const struct sock *sk, const struct dtls_peer_key *key,
		   struct __kernel_sockaddr_storage *to);
int dtls_peer_add(struct dtls_peers *peers, struct dtls_assoc *assoc,
		  const struct dtls_peer_key *key, bool replace,
		  struct dtls_assoc **old);
void dtls_peer_remove(struct dtls_peers *peers, struct dtls_assoc *assoc);
struct dtls_assoc *dtls_peer_find(struct dtls_peers *peers,
				  const struct dtls_peer_key *key);
struct dtls_assoc *dtls_peer_find_id(struct dtls_peers *peers, u64 id,
				     bool next);
struct dtls_assoc *dtls_peer_of_skb(struct dtls_sock *ds,
				    const struct sk_buff *skb);
int dtls_peer_of_msg(struct dtls_sock *ds, struct msghdr *msg,
		     struct dtls_assoc **assoc);
int dtls_peer_send(const struct dtls_assoc *assoc, struct msghdr *msg);

/* peeropt.c */
int dtls_peeropt_set(struct dtls_sock *ds, int optname, sockptr_t optval,
		     unsigned int optlen);
int dtls_peeropt_get(struct dtls_sock *ds, int optname, char __user *optval,
		     int __user *optlen);
void dtls_peeropt_purge(struct dtls_sock *ds);

/**
 * dtls_peer_id() - identifier of the peer of an association
 * @assoc: association
 *
 * Context: any. Return: 0 on a connected socket.
 */
static inline u64 dtls_peer_id(const struct dtls_assoc *assoc)
{
	return unlikely(assoc->peer) ? assoc->peer->id : 0;
}

#endif /* _DTLS_PEER_H */
