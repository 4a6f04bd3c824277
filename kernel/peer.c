// SPDX-License-Identifier: GPL-2.0-only
/*
 * The peers of an unconnected socket, found by address for each datagram, and by
 * identifier for the program, without a lock. Who has found one holds its
 * association, which stays good to work with when the peer is removed.
 */
#include <linux/slab.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/udp.h>

#include "peer.h"
#include "stats.h"

static const struct rhashtable_params dtls_peer_params = {
	.head_offset		= offsetof(struct dtls_peer, node),
	.key_offset		= offsetof(struct dtls_peer, key),
	.key_len		= sizeof(struct dtls_peer_key),
	.automatic_shrinking	= true,
};

/**
 * dtls_peer_prepare() - make an empty set of peers
 * @peers: set to it
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM.
 */
int dtls_peer_prepare(struct dtls_peers **peers)
{
	struct dtls_peers *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	int err;

	if (!p)
		return -ENOMEM;
	err = rhashtable_init(&p->table, &dtls_peer_params);
	if (err) {
		kfree(p);
		return err;
	}
	xa_init(&p->ids);
	*peers = p;
	return 0;
}

/**
 * dtls_peer_free() - undo dtls_peer_prepare()
 * @peers: without peers; nobody looks any more
 *
 * Context: process, may sleep.
 */
void dtls_peer_free(struct dtls_peers *peers)
{
	rhashtable_destroy(&peers->table);
	xa_destroy(&peers->ids);
	kfree(peers);
}

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
 * dtls_peer_add() - add a peer
 * @peers:   of a socket; caller holds the lock of its cork
 * @assoc:   association with keys; its reference goes to @peers
 * @key:     address
 * @replace: if there is a peer with this address, take its place
 * @old:     set to the association of that one, which goes to the caller, or NULL
 *
 * Context: process, may sleep.
 * Return: 0; -EEXIST if there is one already; -ENOSPC without identifiers;
 * -ENOMEM.
 */
int dtls_peer_add(struct dtls_peers *peers, struct dtls_assoc *assoc,
		  const struct dtls_peer_key *key, bool replace,
		  struct dtls_assoc **old)
{
	struct dtls_peer *peer, *was;
	int err;

	*old = NULL;
	if (peers->last == ULONG_MAX)
		return -ENOSPC;
	peer = kzalloc(sizeof(*peer), GFP_KERNEL_ACCOUNT);
	if (!peer)
		return -ENOMEM;
	peer->key = *key;
	peer->id = peers->last + 1;
	peer->assoc = assoc;
	/* freed with it; before it can be found */
	assoc->peer = peer;
	err = xa_insert(&peers->ids, peer->id, peer, GFP_KERNEL_ACCOUNT);
	if (err)
		return err;
	peers->last++;

	rcu_read_lock();
	was = rhashtable_lookup(&peers->table, key, dtls_peer_params);
	if (!was)
		err = rhashtable_lookup_insert_fast(&peers->table, &peer->node,
						    dtls_peer_params);
	else if (replace)
		err = rhashtable_replace_fast(&peers->table, &was->node,
					      &peer->node, dtls_peer_params);
	else
		err = -EEXIST;
	rcu_read_unlock();
	if (err) {
		xa_erase(&peers->ids, peer->id);
	} else if (was) {
		xa_erase(&peers->ids, was->id);
		set_bit(DTLS_ASSOC_REMOVED, &was->assoc->flags);
		*old = was->assoc;
	}
	return err;
}

/**
 * dtls_peer_remove() - a peer is found no more
 * @peers: of a socket; caller holds the lock of its cork
 * @assoc: its association; the reference goes to the caller
 *
 * Context: process.
 */
void dtls_peer_remove(struct dtls_peers *peers, struct dtls_assoc *assoc)
{
	rhashtable_remove_fast(&peers->table, &assoc->peer->node,
			       dtls_peer_params);
	xa_erase(&peers->ids, assoc->peer->id);
}

/* Hold the association of a peer; called under RCU. */
static struct dtls_assoc *dtls_peer_get(struct dtls_peer *peer)
{
	if (!peer || !refcount_inc_not_zero(&peer->assoc->ref))
		return NULL;
	return peer->assoc;
}

/**
 * dtls_peer_find() - the association with an address
 * @peers: of a socket
 * @key:   address
 *
 * Context: any. Return: association with a reference, or NULL.
 */
struct dtls_assoc *dtls_peer_find(struct dtls_peers *peers,
				  const struct dtls_peer_key *key)
{
	struct dtls_assoc *assoc;

	rcu_read_lock();
	assoc = dtls_peer_get(rhashtable_lookup(&peers->table, key,
						dtls_peer_params));
	rcu_read_unlock();
	return assoc;
}

/**
 * dtls_peer_find_id() - the association with an identifier
 * @peers: of a socket
 * @id:    identifier
 * @next:  the first above @id instead
 *
 * Context: any. Return: association with a reference, or NULL.
 */
struct dtls_assoc *dtls_peer_find_id(struct dtls_peers *peers, u64 id,
				     bool next)
{
	unsigned long index = id;
	struct dtls_assoc *assoc = NULL;
	struct dtls_peer *peer;

	if (index != id)
		return NULL;
	rcu_read_lock();
	do {
		peer = next ? xa_find_after(&peers->ids, &index, ULONG_MAX,
					    XA_PRESENT) :
			      xa_load(&peers->ids, index);
		assoc = dtls_peer_get(peer);
		/* one that is just going away is passed over */
	} while (next && peer && !assoc);
	rcu_read_unlock();
	return assoc;
}

/**
 * dtls_peer_of_skb() - whose is a datagram
 * @ds:  socket with peers
 * @skb: datagram, of UDP's queue
 *
 * Context: process. Return: association with a reference, or NULL.
 */
struct dtls_assoc *dtls_peer_of_skb(struct dtls_sock *ds,
				    const struct sk_buff *skb)
{
	struct dtls_peers *peers = dtls_sock_peers(ds);
	struct dtls_peer_key key = { .port = udp_hdr(skb)->source };

	if (!peers)
		return NULL;
#if IS_ENABLED(CONFIG_IPV6)
	if (skb->protocol == htons(ETH_P_IPV6)) {
		key.addr = ipv6_hdr(skb)->saddr;
		key.scope = dtls_peer_scope(&key.addr, inet6_iif(skb));
		return dtls_peer_find(peers, &key);
	}
#endif
	ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr, &key.addr);
	return dtls_peer_find(peers, &key);
}

/* The control message that names a peer. Return: 0 if there is none. */
static int dtls_peer_cmsg(struct msghdr *msg, u64 *id)
{
	struct cmsghdr *cmsg;

	*id = 0;
	for_each_cmsghdr(cmsg, msg) {
		if (!CMSG_OK(msg, cmsg))
			return -EINVAL;
		if (cmsg->cmsg_level != SOL_DTLS ||
		    cmsg->cmsg_type != DTLS_PEER_ID)
			continue;
		if (cmsg->cmsg_len != CMSG_LEN(sizeof(*id)))
			return -EINVAL;
		memcpy(id, CMSG_DATA(cmsg), sizeof(*id));
		if (!*id)
			return -EINVAL;
	}
	return 0;
}

/**
 * dtls_peer_of_msg() - to whom a message is to be sent
 * @ds:    socket with peers
 * @msg:   the program's message
 * @assoc: set to the association, with a reference
 *
 * Context: process.
 * Return: 0; -EDESTADDRREQ if it does not say; -ENOKEY if that is no peer;
 * -EINVAL if it says two things; or as dtls_peer_parse().
 */
int dtls_peer_of_msg(struct dtls_sock *ds, struct msghdr *msg,
		     struct dtls_assoc **assoc)
{
	struct dtls_peers *peers = dtls_sock_peers(ds);
	struct dtls_peer_key key;
	u64 id = 0;
	int err;

	if (msg->msg_controllen) {
		err = dtls_peer_cmsg(msg, &id);
		if (err)
			return err;
	}
	if (msg->msg_name) {
		err = dtls_peer_parse(ds->sk, msg->msg_name, msg->msg_namelen,
				      &key);
		if (err)
			return err;
	} else if (!id) {
		return -EDESTADDRREQ;
	}
	*assoc = id ? dtls_peer_find_id(peers, id, false) :
		      dtls_peer_find(peers, &key);
	if (!*assoc)
		return -ENOKEY;
	if (id && msg->msg_name &&
	    memcmp(&(*assoc)->peer->key, &key, sizeof(key))) {
		dtls_assoc_put(*assoc);
		return -EINVAL;
	}
	return 0;
}

/**
 * dtls_peer_send() - hand a datagram to UDP, for a peer
 * @assoc: its association
 * @msg:   all but the address
 *
 * Context: process, may sleep. Return: as sendmsg.
 */
int dtls_peer_send(const struct dtls_assoc *assoc, struct msghdr *msg)
{
	struct dtls_sock *ds = assoc->ds;
	struct __kernel_sockaddr_storage name;

	msg->msg_name = &name;
	msg->msg_namelen = dtls_peer_name(ds->sk, &assoc->peer->key, &name);
	return ds->proto->base->sendmsg(ds->sk, msg, msg_data_left(msg));
}
