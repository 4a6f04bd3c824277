// SPDX-License-Identifier: GPL-2.0-only
/*
 * The peers of an unconnected socket, found by address for each datagram, and by
 * identifier for the program, without a lock. Who has found one holds its
 * association, which stays good to work with when the peer is removed.
 */
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "control.h"
#include "peer.h"
#include "quota.h"
#include "stats.h"

static const struct rhashtable_params dtls_peer_places = {
	.head_offset		= offsetof(struct dtls_peer_place, node),
	.key_offset		= offsetof(struct dtls_peer_place, key),
	.key_len		= sizeof(struct dtls_peer_key),
	.automatic_shrinking	= true,
};

/*
 * RFC 9146 6: an address that somebody else has written into a datagram must not
 * make us send more than comes from there, times so much.
 */
#define DTLS_PEER_CREDIT	3

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
	err = rhashtable_init(&p->table, &dtls_peer_places);
	if (err)
		goto out_free;
	err = dtls_peercid_init(&p->cids);
	if (err)
		goto out_table;
	xa_init(&p->ids);
	p->quota = dtls_quota_get();
	if (!p->quota) {
		err = -ENOMEM;
		goto out_cids;
	}
	*peers = p;
	return 0;

out_cids:
	rhashtable_destroy(&p->cids);
out_table:
	rhashtable_destroy(&p->table);
out_free:
	kfree(p);
	return err;
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
	rhashtable_destroy(&peers->cids);
	xa_destroy(&peers->ids);
	dtls_quota_put(peers->quota);
	kfree(peers);
}

/* Of the places one is never gone before the lock of the cork is taken. */
static struct dtls_peer_place *dtls_peer_place(const struct dtls_peer *peer)
{
	return rcu_dereference_protected(peer->place, true);
}

static struct dtls_peer_place *dtls_peer_place_new(struct dtls_peer *peer,
						   const struct dtls_peer_key *key)
{
	struct dtls_peer_place *place = kzalloc(sizeof(*place),
						GFP_KERNEL_ACCOUNT);

	if (place) {
		place->key = *key;
		place->peer = peer;
	}
	return place;
}

/* All that a new peer needs; with an error too it is its association's to free. */
static int dtls_peer_create(struct dtls_peers *peers, struct dtls_assoc *assoc,
			    const struct dtls_peer_key *key)
{
	struct dtls_peer *peer;
	int err;

	if (peers->last == ULONG_MAX)
		return -ENOSPC;
	peer = kzalloc(sizeof(*peer), GFP_KERNEL_ACCOUNT);
	if (!peer)
		return -ENOMEM;
	peer->id = peers->last + 1;
	peer->assoc = assoc;
	peer->told = *key;
	peer->heard = jiffies;
	INIT_LIST_HEAD(&peer->parked);
	INIT_LIST_HEAD(&peer->cids);
	/* before it can be found */
	assoc->peer = peer;
	err = dtls_quota_charge(peers->quota);
	if (err)
		return err;
	peer->quota = peers->quota;
	RCU_INIT_POINTER(peer->place, dtls_peer_place_new(peer, key));
	if (!dtls_peer_place(peer))
		return -ENOMEM;
	if (!assoc->more || !assoc->more->rx_cid_len)
		return 0;
	/* nothing in a record tells how long it is (RFC 9146 3, RFC 9147 4) */
	if (peers->cid_len && peers->cid_len != assoc->more->rx_cid_len)
		return -EINVAL;
	return dtls_peercid_prepare(peer, assoc->more->rx_cid,
				    assoc->more->rx_cid_len);
}

/* Have a place, and the connection ID, found; @was: the one to be replaced. */
static int dtls_peer_insert(struct dtls_peers *peers, struct dtls_peer *peer,
			    struct dtls_peer_place *was)
{
	struct dtls_peer_place *place = dtls_peer_place(peer);
	int err;

	err = dtls_peercid_insert(peers, peer);
	if (err)
		return err;
	if (was)
		err = rhashtable_replace_fast(&peers->table, &was->node,
					      &place->node, dtls_peer_places);
	else
		err = rhashtable_lookup_insert_fast(&peers->table, &place->node,
						    dtls_peer_places);
	if (err)
		dtls_peercid_remove(peers, peer);
	return err;
}

/**
 * dtls_peer_add() - add a peer
 * @peers:   of a socket; caller holds the lock of its cork
 * @assoc:   association with keys; its reference goes to @peers
 * @key:     address
 * @replace: if there is a peer with this address, take its place
 * @max:     as many there may be, 0: any number
 * @old:     set to the association of that one, which goes to the caller, or NULL
 *
 * Context: process, may sleep.
 * Return: 0; -EEXIST if there is one already, with the address or the connection
 * ID; -EINVAL if the connection ID has another length than others'; -ENOSPC
 * without identifiers; -ENOBUFS if there are as many as there may be, or as the user
 * may have; -ENOMEM.
 */
int dtls_peer_add(struct dtls_peers *peers, struct dtls_assoc *assoc,
		  const struct dtls_peer_key *key, bool replace, u32 max,
		  struct dtls_assoc **old)
{
	struct dtls_peer_place *was;
	struct dtls_peer *peer;
	int err;

	*old = NULL;
	err = dtls_peer_create(peers, assoc, key);
	if (err)
		return err;
	peer = assoc->peer;
	err = xa_insert(&peers->ids, peer->id, peer, GFP_KERNEL_ACCOUNT);
	if (err)
		return err;
	peers->last++;

	rcu_read_lock();
	was = rhashtable_lookup(&peers->table, key, dtls_peer_places);
	if (was && !replace)
		err = -EEXIST;
	else if (was && was->peer->moving)
		err = -EBUSY;
	else if (!was && max && atomic_read(&peers->table.nelems) >= max)
		err = -ENOBUFS;
	else
		err = dtls_peer_insert(peers, peer, was);
	rcu_read_unlock();
	if (err) {
		xa_erase(&peers->ids, peer->id);
		return err;
	}
	if (!list_empty(&peer->cids))
		WRITE_ONCE(peers->cid_len, assoc->more->rx_cid_len);
	if (was) {
		*old = was->peer->assoc;
		set_bit(DTLS_ASSOC_REMOVED, &(*old)->flags);
		xa_erase(&peers->ids, was->peer->id);
		dtls_peercid_remove(peers, was->peer);
	}
	return 0;
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
	struct dtls_peer *peer = assoc->peer;

	rhashtable_remove_fast(&peers->table, &dtls_peer_place(peer)->node,
			       dtls_peer_places);
	dtls_peercid_remove(peers, peer);
	xa_erase(&peers->ids, peer->id);
}

/**
 * dtls_peer_uncharge() - nobody has that peer any more
 * @assoc: association that ends, before the socket's peers do; maybe not a peer's
 *
 * Context: process.
 */
void dtls_peer_uncharge(struct dtls_assoc *assoc)
{
	if (!assoc->peer || !assoc->peer->quota)
		return;
	dtls_quota_uncharge(assoc->peer->quota);
	assoc->peer->quota = NULL;
}

/**
 * dtls_peer_free_one() - free what dtls_peer_add() has made
 * @peer: peer, that nobody finds any more, or NULL
 *
 * Context: any.
 */
void dtls_peer_free_one(struct dtls_peer *peer)
{
	struct dtls_peer_place *place;

	if (!peer)
		return;
	dtls_peercid_free(peer);
	place = dtls_peer_place(peer);
	if (place)
		kfree_rcu(place, rcu);
	kfree(peer->identity);
	kfree_rcu(peer, rcu);
}

/**
 * dtls_peer_where() - the address of a peer
 * @assoc: its association
 * @key:   filled
 *
 * Context: any.
 */
void dtls_peer_where(const struct dtls_assoc *assoc, struct dtls_peer_key *key)
{
	rcu_read_lock();
	*key = rcu_dereference(assoc->peer->place)->key;
	rcu_read_unlock();
}

/**
 * dtls_peer_move() - a peer is at another address now
 * @peers: of a socket; caller holds the lock of its cork
 * @assoc: its association, not removed
 * @key:   the address
 * @credit: bytes that may be sent there; 0: any number, as it has been asked
 *
 * Context: process, may sleep.
 * Return: 0; -EEXIST if there is another peer at that address; -ENOMEM; -EBUSY while
 * it moves to a socket of its own.
 */
int dtls_peer_move(struct dtls_peers *peers, struct dtls_assoc *assoc,
		   const struct dtls_peer_key *key, s64 credit)
{
	struct dtls_peer *peer = assoc->peer;
	struct dtls_peer_place *was = dtls_peer_place(peer), *place;
	int err;

	if (peer->moving)
		return -EBUSY;
	peer->told = *key;
	if (!memcmp(&was->key, key, sizeof(*key))) {
		WRITE_ONCE(peer->capped, credit);
		return 0;
	}
	place = dtls_peer_place_new(peer, key);
	if (!place)
		return -ENOMEM;
	err = rhashtable_lookup_insert_fast(&peers->table, &place->node,
					    dtls_peer_places);
	if (err) {
		kfree(place);
		return err;
	}
	/* before: who sends to the new place finds its limit, see dtls_peer_send() */
	atomic64_set(&peer->credit, credit);
	WRITE_ONCE(peer->capped, credit);
	rcu_assign_pointer(peer->place, place);
	rhashtable_remove_fast(&peers->table, &was->node, dtls_peer_places);
	kfree_rcu(was, rcu);
	return 0;
}

/* Hold the association of a peer; called under RCU. */
static struct dtls_assoc *dtls_peer_get(struct dtls_peer *peer)
{
	if (!peer || READ_ONCE(peer->moving) ||
	    !refcount_inc_not_zero(&peer->assoc->ref))
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
	struct dtls_peer_place *place;
	struct dtls_assoc *assoc;

	rcu_read_lock();
	place = rhashtable_lookup(&peers->table, key, dtls_peer_places);
	assoc = dtls_peer_get(place ? place->peer : NULL);
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
 * dtls_peer_parking() - is a datagram one of a peer that moves to another socket
 * @peers: of a socket
 * @skb:   datagram, of UDP's queue, whose peer was not found
 *
 * Context: under RCU. Return: the peer, or NULL.
 */
struct dtls_peer *dtls_peer_parking(struct dtls_peers *peers,
				    const struct sk_buff *skb)
{
	struct dtls_peer_place *place;
	struct dtls_peer_key key;

	/* pairs with dtls_peeloff_begin(): who saw that it moves sees this */
	smp_rmb();
	if (likely(!READ_ONCE(peers->moves)))
		return NULL;
	dtls_peer_source(skb, &key);
	place = rhashtable_lookup(&peers->table, &key, dtls_peer_places);
	return place && READ_ONCE(place->peer->moving) == DTLS_PEER_MOVES ?
	       place->peer : NULL;
}

/**
 * dtls_peer_of_skb() - whose is a datagram
 * @ds:        socket with peers
 * @skb:       datagram, of UDP's queue
 * @off:       where in it DTLS begins
 * @elsewhere: set if the connection ID is that of a peer with another address
 *
 * Context: process. Return: association with a reference, or NULL.
 */
struct dtls_assoc *dtls_peer_of_skb(struct dtls_sock *ds,
				    const struct sk_buff *skb, u32 off,
				    bool *elsewhere)
{
	struct dtls_peers *peers = dtls_sock_peers(ds);
	struct dtls_assoc *assoc = NULL;
	struct dtls_peer_key key, now;
	struct dtls_peer_cid cid;
	u8 len;

	*elsewhere = false;
	if (!peers)
		return NULL;
	dtls_peer_source(skb, &key);
	len = READ_ONCE(peers->cid_len);
	if (!len || !dtls_peercid_read(skb, off, len, &cid))
		return dtls_peer_find(peers, &key);
	rcu_read_lock();
	assoc = dtls_peer_get(dtls_peercid_find(peers, &cid));
	rcu_read_unlock();
	if (!assoc)
		return NULL;
	dtls_peer_where(assoc, &now);
	*elsewhere = memcmp(&now, &key, sizeof(key));
	if (*elsewhere && READ_ONCE(ds->move) == DTLS_MOVE_OFF) {
		dtls_assoc_put(assoc);
		return NULL;
	}
	return assoc;
}

/**
 * dtls_peer_heard() - a record of a peer that has moved by itself
 * @assoc: its association
 * @len:   bytes of the record
 *
 * Context: any.
 */
void dtls_peer_heard(struct dtls_assoc *assoc, unsigned int len)
{
	if (READ_ONCE(assoc->peer->capped))
		atomic64_add(DTLS_PEER_CREDIT * (s64)len, &assoc->peer->credit);
}

/**
 * dtls_peer_moved() - an authentic record came from elsewhere
 * @assoc: association of the peer
 * @ep:    keys that have opened it
 * @seq:   its number
 * @skb:   the datagram
 * @len:   bytes of the record
 *
 * RFC 9146 6: only one that "is newer (in terms of both epoch and sequence number)
 * than the newest datagram received" tells where the peer is.
 *
 * RFC 9146 6, RFC 9147 9: the peer may have moved. Or somebody has caught its
 * record and sent it on, faster than the network: then the next one that arrives
 * brings it back.
 *
 * Context: process, may sleep; no locks held.
 */
void dtls_peer_moved(struct dtls_assoc *assoc, struct dtls_epoch *ep, u64 seq,
		     const struct sk_buff *skb, unsigned int len)
{
	struct dtls_peer *peer = assoc->peer;
	struct dtls_sock *ds = assoc->ds;
	struct dtls_peer_key key;
	bool tell = false;

	dtls_peer_source(skb, &key);
	mutex_lock(&ds->cork.lock);
	/* others may be at it, with records that are newer still */
	if (test_bit(DTLS_ASSOC_REMOVED, &assoc->flags) ||
	    ep->epoch != READ_ONCE(assoc->rx_last) ||
	    dtls_keys_expected(ep) != seq + 1)
		goto out;
	if (!memcmp(&dtls_peer_place(peer)->key, &key, sizeof(key))) {
		dtls_peer_heard(assoc, len);
	} else if (READ_ONCE(ds->move) == DTLS_MOVE_AUTO) {
		tell = !dtls_peer_move(ds->peers, assoc, &key,
				       DTLS_PEER_CREDIT * (s64)len);
	} else if (memcmp(&peer->told, &key, sizeof(key))) {
		/* once for each address */
		peer->told = key;
		tell = true;
	}
out:
	mutex_unlock(&ds->cork.lock);
	if (tell) {
		dtls_stats_inc(assoc->net, DTLS_STAT_RX_MOVED);
		dtls_control_event_at(assoc, DTLS_EVENT_MOVED, &key);
	}
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
	struct dtls_peer_key key, now;
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
	if (!id || !msg->msg_name)
		return 0;
	dtls_peer_where(*assoc, &now);
	if (!memcmp(&now, &key, sizeof(key)))
		return 0;
	dtls_assoc_put(*assoc);
	return -EINVAL;
}

/**
 * dtls_peer_send() - hand a datagram to UDP, for a peer
 * @assoc: its association
 * @msg:   all but the address
 *
 * Context: process, may sleep.
 * Return: as sendmsg; -ENOBUFS if the peer has moved by itself, and has not sent
 * enough from there.
 */
int dtls_peer_send(const struct dtls_assoc *assoc, struct msghdr *msg)
{
	struct dtls_peer *peer = assoc->peer;
	struct __kernel_sockaddr_storage name;
	struct dtls_sock *ds = assoc->ds;
	size_t len = msg_data_left(msg);
	struct dtls_peer_key key;

	dtls_peer_where(assoc, &key);
	/* pairs with dtls_peer_move(): the limit of that place, or of a later one */
	smp_rmb();
	if (unlikely(READ_ONCE(peer->capped)) &&
	    atomic64_sub_return(len, &peer->credit) < 0) {
		atomic64_add(len, &peer->credit);
		return -ENOBUFS;
	}
	msg->msg_name = &name;
	msg->msg_namelen = dtls_peer_name(ds->sk, &key, &name);
	return ds->proto->base->sendmsg(ds->sk, msg, len);
}
