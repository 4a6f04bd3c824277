// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peers by connection ID: the one that their keys came with, and those that they have
 * been given since (DTLS_NEW_CID).
 */
#include <linux/slab.h>

#include "peer.h"
#include "record13.h"

static const struct rhashtable_params dtls_peercid_params = {
	.head_offset		= offsetof(struct dtls_peer_entry, node),
	.key_offset		= offsetof(struct dtls_peer_entry, cid),
	.key_len		= sizeof(struct dtls_peer_cid),
	.automatic_shrinking	= true,
};

/**
 * dtls_peercid_init() - make an empty table
 * @table: set to it
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM.
 */
int dtls_peercid_init(struct rhashtable *table)
{
	return rhashtable_init(table, &dtls_peercid_params);
}

/**
 * dtls_peercid_prepare() - make what a connection ID wants in the table
 * @peer: peer, which owns it
 * @cid:  the ID
 * @len:  bytes of it
 *
 * Context: process, may sleep; the peer is not found yet, or its changes are locked.
 * Return: 0 or -ENOMEM.
 */
int dtls_peercid_prepare(struct dtls_peer *peer, const u8 *cid, u8 len)
{
	struct dtls_peer_entry *entry = kzalloc(sizeof(*entry),
						GFP_KERNEL_ACCOUNT);

	if (!entry)
		return -ENOMEM;
	entry->cid.len = len;
	memcpy(entry->cid.cid, cid, len);
	entry->peer = peer;
	list_add_tail(&entry->list, &peer->cids);
	return 0;
}

/**
 * dtls_peercid_insert() - have a new peer found
 * @peers: of a socket; caller holds the lock of its cork
 * @peer:  peer, with one connection ID or none
 *
 * Context: process, may sleep.
 * Return: 0; -EEXIST if another peer has it; -ENOMEM.
 */
int dtls_peercid_insert(struct dtls_peers *peers, struct dtls_peer *peer)
{
	struct dtls_peer_entry *entry;

	entry = list_first_entry_or_null(&peer->cids, struct dtls_peer_entry, list);
	return entry ? rhashtable_lookup_insert_fast(&peers->cids, &entry->node,
						     dtls_peercid_params) : 0;
}

/**
 * dtls_peercid_remove() - have a peer found no more
 * @peers: of a socket; caller holds the lock of its cork
 * @peer:  peer
 *
 * Context: process.
 */
void dtls_peercid_remove(struct dtls_peers *peers, struct dtls_peer *peer)
{
	struct dtls_peer_entry *entry;

	list_for_each_entry(entry, &peer->cids, list)
		rhashtable_remove_fast(&peers->cids, &entry->node,
				       dtls_peercid_params);
}

/**
 * dtls_peercid_free() - free what a peer has
 * @peer: that nobody finds any more
 *
 * Context: any.
 */
void dtls_peercid_free(struct dtls_peer *peer)
{
	struct dtls_peer_entry *entry, *next;

	list_for_each_entry_safe(entry, next, &peer->cids, list)
		kfree_rcu(entry, rcu);
}

/* Undo dtls_peercid_prepare(), for the last one. */
static void dtls_peercid_undo(struct dtls_peer *peer)
{
	struct dtls_peer_entry *entry = list_last_entry(&peer->cids,
							struct dtls_peer_entry,
							list);

	list_del(&entry->list);
	kfree(entry);
}

/**
 * dtls_peercid_add() - have a peer found by more connection IDs
 * @assoc: its association, not removed; caller holds the lock of the socket's cork
 * @cid:   the IDs, as long as the first
 * @count: how many
 *
 * Context: process, may sleep.
 * Return: 0; -EOPNOTSUPP if it is found by none; -EEXIST if another peer has one of
 * them; -ENOMEM.
 */
int dtls_peercid_add(struct dtls_assoc *assoc, const u8 cid[][DTLS_CID_MAX],
		     unsigned int count)
{
	struct dtls_peers *peers = assoc->ds->peers;
	struct dtls_peer *peer = assoc->peer;
	struct dtls_peer_entry *entry;
	unsigned int i;
	int err = 0;

	if (list_empty(&peer->cids))
		return -EOPNOTSUPP;
	for (i = 0; i < count; i++) {
		err = dtls_peercid_prepare(peer, cid[i], peers->cid_len);
		if (err)
			break;
		entry = list_last_entry(&peer->cids, struct dtls_peer_entry, list);
		err = rhashtable_lookup_insert_fast(&peers->cids, &entry->node,
						    dtls_peercid_params);
		if (err) {
			dtls_peercid_undo(peer);
			break;
		}
	}
	if (err)
		dtls_peercid_drop(assoc, cid, i);
	return err;
}

/**
 * dtls_peercid_drop() - have a peer found no more by some connection IDs
 * @assoc: its association; caller holds the lock of the socket's cork
 * @cid:   the IDs
 * @count: how many
 *
 * Context: process.
 */
void dtls_peercid_drop(struct dtls_assoc *assoc, const u8 cid[][DTLS_CID_MAX],
		       unsigned int count)
{
	struct dtls_peers *peers = assoc->ds->peers;
	struct dtls_peer_entry *entry, *next;
	unsigned int i;

	list_for_each_entry_safe(entry, next, &assoc->peer->cids, list)
		for (i = 0; i < count; i++) {
			if (memcmp(entry->cid.cid, cid[i], entry->cid.len))
				continue;
			rhashtable_remove_fast(&peers->cids, &entry->node,
					       dtls_peercid_params);
			list_del(&entry->list);
			kfree_rcu(entry, rcu);
			break;
		}
}

/**
 * dtls_peercid_find() - the peer with a connection ID
 * @peers: of a socket
 * @cid:   the ID
 *
 * Context: under RCU. Return: the peer, or NULL.
 */
struct dtls_peer *dtls_peercid_find(struct dtls_peers *peers,
				    const struct dtls_peer_cid *cid)
{
	struct dtls_peer_entry *entry = rhashtable_lookup(&peers->cids, cid,
							  dtls_peercid_params);

	return entry ? entry->peer : NULL;
}

/**
 * dtls_peercid_read() - does a datagram begin with a connection ID
 * @skb: datagram
 * @off: where in it DTLS begins
 * @len: bytes that all connection IDs have
 * @cid: filled
 *
 * Context: any. Return: false if not.
 */
bool dtls_peercid_read(const struct sk_buff *skb, u32 off, u8 len,
		       struct dtls_peer_cid *cid)
{
	u8 first;
	int at;

	if (skb_copy_bits(skb, off, &first, sizeof(first)))
		return false;
	switch (dtls_record13_kind(first)) {
	case DTLS_KIND_CID12:
		/* RFC 9146 3: type, version, epoch, number */
		at = 11;
		break;
	case DTLS_KIND_13:
		if (!(first & DTLS_RECORD13_CID))
			return false;
		at = 1;
		break;
	default:
		return false;
	}
	memset(cid, 0, sizeof(*cid));
	cid->len = len;
	return !skb_copy_bits(skb, off + at, cid->cid, len);
}
