/* SPDX-License-Identifier: GPL-2.0-only */
/* The peers of an unconnected socket: each has an association of its own. */
#ifndef _DTLS_PEER_H
#define _DTLS_PEER_H

#include <linux/in6.h>
#include <linux/rhashtable.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "assoc.h"
#include "sock.h"

struct dtls_identity;

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
 * struct dtls_peer_cid - connection ID that a peer's records have
 * @len: bytes of it; 0: none
 * @cid: the ID, and zeroes
 * @pad: 0
 */
struct dtls_peer_cid {
	u8	len;
	u8	cid[DTLS_CID_MAX];
	u8	pad[3];
};

/**
 * struct dtls_peer_entry - connection ID by which a peer is found
 * @node: in the table of connection IDs
 * @cid:  the ID
 * @peer: the peer
 * @list: place in its list
 * @rcu:  readers go on meanwhile
 */
struct dtls_peer_entry {
	struct rhash_head	node;
	struct dtls_peer_cid	cid;
	struct dtls_peer	*peer;
	struct list_head	list;
	struct rcu_head		rcu;
};

/**
 * struct dtls_peer_place - where a peer is; another one when it moves
 * @node: in the table of addresses
 * @key:  address
 * @peer: the peer
 * @rcu:  readers go on meanwhile
 */
struct dtls_peer_place {
	struct rhash_head	node;
	struct dtls_peer_key	key;
	struct dtls_peer	*peer;
	struct rcu_head		rcu;
};

/* Does a peer move to a socket of its own? Then it is found no more. */
enum dtls_peer_moving {
	DTLS_PEER_STAYS,
	DTLS_PEER_MOVES,	/* what of it is taken is parked */
	DTLS_PEER_GONE,
};

/**
 * struct dtls_peer - a peer; lives as long as its association
 * @place:  where it is; changed under the lock of the socket's cork
 * @cids:   its connection IDs, if it has some: struct dtls_peer_entry; under the same
 *          lock
 * @id:     identifier, never given twice on a socket
 * @assoc:  association; the tables own a reference
 * @told:   address that DTLS_EVENT_MOVED has told of last; under the same lock
 * @capped: it has moved by itself, and who is there has not been asked
 * @credit: bytes that may be sent to it then
 * @quota:  account that it is charged to; NULL: it is not
 * @parked: while it moves to a socket of its own: what of it was taken meanwhile,
 *          under the socket's ready_lock
 * @moving: enum dtls_peer_moving; changed under ready_lock and that of the cork
 * @rcu:    readers go on meanwhile
 * @records: records that had been opened when idle.c has looked last
 * @heard:  and jiffies of when it has seen another number of them
 * @identity: who it is, as the daemon has said, or NULL; set once
 */
struct dtls_peer {
	struct dtls_peer_place __rcu *place;
	struct list_head	cids;
	u64			id;
	struct dtls_assoc	*assoc;
	struct dtls_peer_key	told;
	bool			capped;
	atomic64_t		credit;
	struct dtls_quota	*quota;
	struct list_head	parked;
	u8			moving;
	struct rcu_head		rcu;
	u64			records;
	unsigned long		heard;
	struct dtls_identity	*identity;
};

/**
 * struct dtls_peers - all peers of a socket; changed under the lock of its cork
 * @table:   by address, struct dtls_peer_place
 * @cids:    by connection ID, struct dtls_peer_entry
 * @ids:     by identifier, struct dtls_peer
 * @last:    identifier given last
 * @cid_len: bytes of all connection IDs; 0: there has been none yet
 * @quota:   account of whoever has added the first
 * @moves:   peers that move to sockets of their own
 * @turns:   those that then have stayed
 * @ds:      the socket
 * @idle:    looks for those from whom nothing comes
 */
struct dtls_peers {
	struct rhashtable	table;
	struct rhashtable	cids;
	struct xarray		ids;
	unsigned long		last;
	u8			cid_len;
	struct dtls_quota	*quota;
	unsigned int		moves;
	unsigned int		turns;
	struct dtls_sock	*ds;
	struct delayed_work	idle;
};

int dtls_peer_prepare(struct dtls_peers **peers);
void dtls_peer_free(struct dtls_peers *peers);
int dtls_peer_add(struct dtls_peers *peers, struct dtls_assoc *assoc,
		  const struct dtls_peer_key *key, bool replace, u32 max,
		  struct dtls_assoc **old);
void dtls_peer_uncharge(struct dtls_assoc *assoc);
void dtls_peer_free_one(struct dtls_peer *peer);
void dtls_peer_remove(struct dtls_peers *peers, struct dtls_assoc *assoc);
struct dtls_assoc *dtls_peer_find(struct dtls_peers *peers,
				  const struct dtls_peer_key *key);
struct dtls_assoc *dtls_peer_find_id(struct dtls_peers *peers, u64 id,
				     bool next);
struct dtls_peer *dtls_peer_parking(struct dtls_peers *peers,
				    const struct sk_buff *skb);
struct dtls_assoc *dtls_peer_of_skb(struct dtls_sock *ds,
				    const struct sk_buff *skb, u32 off,
				    bool *elsewhere);
void dtls_peer_where(const struct dtls_assoc *assoc, struct dtls_peer_key *key);
int dtls_peer_move(struct dtls_peers *peers, struct dtls_assoc *assoc,
		   const struct dtls_peer_key *key, s64 credit);
void dtls_peer_moved(struct dtls_assoc *assoc, struct dtls_epoch *ep, u64 seq,
		     const struct sk_buff *skb, unsigned int len);
void dtls_peer_heard(struct dtls_assoc *assoc, unsigned int len);
int dtls_peer_of_msg(struct dtls_sock *ds, struct msghdr *msg,
		     struct dtls_assoc **assoc);
int dtls_peer_send(const struct dtls_assoc *assoc, struct msghdr *msg);

/* peeraddr.c */
int dtls_peer_parse(const struct sock *sk,
		    const struct __kernel_sockaddr_storage *from, unsigned int len,
		    struct dtls_peer_key *key);
int dtls_peer_name(const struct sock *sk, const struct dtls_peer_key *key,
		   struct __kernel_sockaddr_storage *to);
void dtls_peer_source(const struct sk_buff *skb, struct dtls_peer_key *key);

/* peercid.c */
int dtls_peercid_init(struct rhashtable *table);
int dtls_peercid_prepare(struct dtls_peer *peer, const u8 *cid, u8 len);
int dtls_peercid_insert(struct dtls_peers *peers, struct dtls_peer *peer);
void dtls_peercid_remove(struct dtls_peers *peers, struct dtls_peer *peer);
void dtls_peercid_free(struct dtls_peer *peer);
int dtls_peercid_add(struct dtls_assoc *assoc, const u8 cid[][DTLS_CID_MAX],
		     unsigned int count);
void dtls_peercid_drop(struct dtls_assoc *assoc, const u8 cid[][DTLS_CID_MAX],
		       unsigned int count);
struct dtls_peer *dtls_peercid_find(struct dtls_peers *peers,
				    const struct dtls_peer_cid *cid);
bool dtls_peercid_read(const struct sk_buff *skb, u32 off, u8 len,
		       struct dtls_peer_cid *cid);

/* Flags of dtls_peeropt_remove(). */
#define DTLS_PEEROPT_NOTIFY	1	/* send a close_notify first */
#define DTLS_PEEROPT_SOON	2	/* if the lock of the cork is held for long, do not */
#define DTLS_PEEROPT_IDLE	4	/* nothing has come from it for long: say so */

/* peeropt.c */
int dtls_peeropt_set(struct dtls_sock *ds, int optname, sockptr_t optval,
		     unsigned int optlen);
int dtls_peeropt_get(struct dtls_sock *ds, int optname, char __user *optval,
		     int __user *optlen);
int dtls_peeropt_new(struct dtls_sock *ds, const struct dtls_peer_key *key,
		     const struct dtls_keys *tx, const struct dtls_keys *rx,
		     bool replace, bool soon, u64 *id);
int dtls_peeropt_remove(struct dtls_sock *ds, struct dtls_assoc *assoc,
			unsigned int how);
int dtls_peeropt_prepare(struct dtls_sock *ds);
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
