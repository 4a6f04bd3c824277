// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several connection IDs at a time (RFC 9147 9).
 *
 * Of those that the peer gives us one is in use, and some are spare. Those that we
 * give are thought of by the program: they may have to lead a load balancer to
 * us. So a peer that asks for some asks the program.
 *
 * The messages are sent and repeated as a KeyUpdate is (update.c). Whoever sends
 * them unbidden is told nothing: what is authentic and makes no sense moves a
 * counter, and has no ACK.
 */
#include <linux/slab.h>

#include "connid.h"
#include "control.h"
#include "install.h"
#include "peer.h"
#include "stats.h"
#include "update.h"

/**
 * dtls_connid_free() - forget connection IDs
 * @more: of an association that nobody has any more
 *
 * Context: any.
 */
void dtls_connid_free(struct dtls_more *more)
{
	kfree(rcu_dereference_protected(more->rx_set, true));
}

/* Length of the connection IDs of a direction; 0: it has none, or no keys yet. */
static unsigned int dtls_connid_len(struct dtls_assoc *assoc, bool rx)
{
	unsigned int len;

	mutex_lock(&assoc->lock);
	len = rx ? assoc->more->rx_cid_len : assoc->more->tx_cid_len;
	mutex_unlock(&assoc->lock);
	return len;
}

/**
 * dtls_connid_find() - do we take a connection ID that is not the first
 * @more:   of the association
 * @cid:    it, of the length that we want
 * @number: set to its number, if so
 *
 * The one that the peer has used last is looked at first.
 *
 * Context: any. Return: true if so.
 */
bool dtls_connid_find(const struct dtls_more *more, const u8 *cid, u32 *number)
{
	u32 used = READ_ONCE(more->rx_used), i;
	const struct dtls_connid_set *set;
	bool found = false;

	rcu_read_lock();
	set = rcu_dereference(more->rx_set);
	if (!set)
		goto out;
	i = used - set->first;
	found = i < set->count && !memcmp(set->cid[i], cid, set->cid_len);
	for (i = found ? i : 0; !found && i < set->count; i++)
		if (!memcmp(set->cid[i], cid, set->cid_len)) {
			found = true;
			break;
		}
	if (found)
		*number = set->first + i;
out:
	rcu_read_unlock();
	return found;
}

/**
 * dtls_connid_takes() - may new keys that receive come with a connection ID
 * @more:    of the association
 * @cid:     it
 * @cid_len: bytes of it
 *
 * Context: any. Return: true if it is one that we take.
 */
bool dtls_connid_takes(const struct dtls_more *more, const u8 *cid,
		       unsigned int cid_len)
{
	u32 number;

	return cid_len && cid_len == more->rx_cid_len &&
	       (!memcmp(cid, more->rx_cid, cid_len) ||
		dtls_connid_find(more, cid, &number));
}

/**
 * dtls_connid_used() - the connection ID that the peer has used last
 * @more: of an association that wants some
 * @cid:  filled; with the first, if that is not taken any more
 *
 * Context: any.
 */
void dtls_connid_used(const struct dtls_more *more, u8 *cid)
{
	const struct dtls_connid_set *set;
	u32 i;

	memcpy(cid, more->rx_cid, more->rx_cid_len);
	rcu_read_lock();
	set = rcu_dereference(more->rx_set);
	if (set) {
		i = READ_ONCE(more->rx_used) - set->first;
		if (i < set->count)
			memcpy(cid, set->cid[i], set->cid_len);
	}
	rcu_read_unlock();
}

/* What there is of an association. Called with the lock of @up held. */
static struct dtls_connid *dtls_connid_get(struct dtls_update *up)
{
	if (!up->connid)
		up->connid = kzalloc(sizeof(*up->connid), GFP_KERNEL_ACCOUNT);
	return up->connid;
}

/* Is this something that a program may offer, and that it is for us to take? */
static int dtls_connid_check(const struct dtls_more *more,
			     const struct dtls_new_cid *offer)
{
	unsigned int i, j;

	if (offer->usage > DTLS_CID_SPARE || offer->pad ||
	    offer->count > DTLS_NEW_CID_MAX ||
	    (!offer->count && offer->usage == DTLS_CID_IMMEDIATE) ||
	    offer->cid_len != more->rx_cid_len)
		return -EINVAL;
	for (i = 0; i < DTLS_NEW_CID_MAX; i++) {
		j = i < offer->count ? offer->cid_len : 0;
		if (memchr_inv(offer->cid[i] + j, 0, DTLS_CID_MAX - j))
			return -EINVAL;
		if (i >= offer->count)
			continue;
		/* what the peer knows, or others have seen, is of no use to it */
		if (dtls_connid_takes(more, offer->cid[i], offer->cid_len))
			return -EEXIST;
		for (j = 0; j < i; j++)
			if (!memcmp(offer->cid[i], offer->cid[j],
				    offer->cid_len))
				return -EEXIST;
	}
	return 0;
}

/*
 * What we take, and what is offered. RFC 9147 9: the peer "SHOULD use" them "in the
 * order they were provided". So those from before the one that it uses make room
 * if they have to.
 */
static struct dtls_connid_set *
dtls_connid_extend(const struct dtls_more *more,
		   const struct dtls_connid_set *old,
		   const struct dtls_new_cid *offer)
{
	u32 used = READ_ONCE(more->rx_used), drop = 0;
	unsigned int had = old ? old->count : 0;
	struct dtls_connid_set *set;

	if (had + offer->count > DTLS_CONNID_TAKE)
		drop = had + offer->count - DTLS_CONNID_TAKE;
	if (drop && (used < old->first || used - old->first < drop))
		return ERR_PTR(-ENOSPC);
	set = kzalloc(struct_size(set, cid, had - drop + offer->count),
		      GFP_KERNEL_ACCOUNT);
	if (!set)
		return ERR_PTR(-ENOMEM);
	set->first = old ? old->first + drop : 1;
	set->count = had - drop + offer->count;
	set->cid_len = offer->cid_len;
	if (old)
		memcpy(set->cid, old->cid + drop,
		       (had - drop) * sizeof(set->cid[0]));
	memcpy(set->cid + had - drop, offer->cid,
	       offer->count * sizeof(set->cid[0]));
	return set;
}

/* Send a message now, or when those before it have their ACK. */
static int dtls_connid_start(struct dtls_update *up, u8 kind, int want)
{
	int err = dtls_update_out(up, kind, 0);

	if (err == -EALREADY) {
		set_bit(want, &up->wanted);
		err = 0;
	}
	return err;
}

/* DTLS_NEW_CID. Called with the lock held. */
static int dtls_connid_give(struct dtls_update *up,
			    const struct dtls_new_cid *offer)
{
	struct dtls_more *more = up->assoc->more;
	struct dtls_connid_set *set, *old;
	struct dtls_connid *c;
	int err;

	/* RFC 9147 9: who wants none in records "MUST NOT send NewConnectionId" */
	if (!dtls_connid_len(up->assoc, true))
		return -EOPNOTSUPP;
	c = dtls_connid_get(up);
	if (!c)
		return -ENOMEM;
	/* "MUST NOT have more than one NewConnectionId message outstanding" */
	if (c->offered)
		return -EALREADY;
	err = dtls_connid_check(more, offer);
	if (err)
		return err;
	old = rcu_dereference_protected(more->rx_set,
					lockdep_is_held(&up->lock));
	set = dtls_connid_extend(more, old, offer);
	if (IS_ERR(set))
		return PTR_ERR(set);
	/* before: the peer may use them before we are back */
	err = up->assoc->peer ? dtls_peercid_add(up->assoc, offer->cid,
						 offer->count) : 0;
	if (err) {
		kfree(set);
		return err;
	}
	rcu_assign_pointer(more->rx_set, set);
	c->offer = *offer;
	c->offered = true;
	err = dtls_connid_start(up, DTLS_MESSAGE_NEW_CID, DTLS_UPDATE_NEW_CID);
	if (err) {
		rcu_assign_pointer(more->rx_set, old);
		c->offered = false;
		old = set;
		if (up->assoc->peer)
			dtls_peercid_drop(up->assoc, offer->cid, offer->count);
	} else if (old && up->assoc->peer) {
		dtls_peercid_drop(up->assoc, old->cid, set->first - old->first);
	}
	if (old)
		kfree_rcu(old, rcu);
	return err;
}

/**
 * dtls_connid_offer() - DTLS_NEW_CID
 * @assoc: association
 * @offer: connection IDs, of which nothing has been looked at
 *
 * They are good at once, whenever the peer hears of them.
 *
 * Context: process, may sleep; no locks held, but with a peer of many that of the
 * socket's cork.
 * Return: 0; -EOPNOTSUPP with DTLS 1.2, if the peer sends no connection IDs, or if
 * it is one of many and found by none;
 * -EINVAL; -EEXIST if one is not new; -ENOSPC if the peer has enough; -EALREADY
 * while the last ones have no ACK; -ENOMEM; or as dtls_update_out().
 */
int dtls_connid_offer(struct dtls_assoc *assoc,
		      const struct dtls_new_cid *offer)
{
	struct dtls_update *up = dtls_update_of(assoc);
	int err;

	if (!up)
		return -EOPNOTSUPP;
	mutex_lock(&up->lock);
	err = dtls_connid_give(up, offer);
	mutex_unlock(&up->lock);
	return err;
}

/* DTLS_REQUEST_CID. Called with the lock held. */
static int dtls_connid_ask(struct dtls_update *up, u8 count)
{
	struct dtls_connid *c;
	int err;

	/* RFC 9147 9: "MUST NOT [...] when sending an empty Connection ID" */
	if (!dtls_connid_len(up->assoc, false))
		return -EOPNOTSUPP;
	c = dtls_connid_get(up);
	if (!c)
		return -ENOMEM;
	/* "MUST NOT [...] when an existing request is still unfulfilled" */
	if (c->asked || c->request)
		return -EALREADY;
	c->asked = count;
	c->request = count;
	err = dtls_connid_start(up, DTLS_MESSAGE_REQUEST_CID,
				DTLS_UPDATE_REQUEST_CID);
	if (err) {
		c->asked = 0;
		c->request = 0;
	}
	return err;
}

/**
 * dtls_connid_request() - DTLS_REQUEST_CID
 * @assoc: association
 * @count: how many the peer is asked for, not 0
 *
 * Context: process, may sleep; no locks held.
 * Return: 0; -EOPNOTSUPP with DTLS 1.2, or if we send no connection IDs;
 * -EALREADY while an earlier request has no answer; -ENOMEM; or as
 * dtls_update_out().
 */
int dtls_connid_request(struct dtls_assoc *assoc, u8 count)
{
	struct dtls_update *up = dtls_update_of(assoc);
	int err;

	if (!up)
		return -EOPNOTSUPP;
	mutex_lock(&up->lock);
	err = dtls_connid_ask(up, count);
	mutex_unlock(&up->lock);
	return err;
}

/**
 * dtls_connid_next() - DTLS_NEXT_CID
 * @assoc: association
 *
 * RFC 9147 9: "in the order they were provided".
 *
 * Context: process, may sleep; no locks held.
 * Return: 0; -EOPNOTSUPP with DTLS 1.2; -ENODATA if there is none; or as
 * dtls_install_cid(), and it is still there.
 */
int dtls_connid_next(struct dtls_assoc *assoc)
{
	struct dtls_update *up = dtls_update_of(assoc);
	struct dtls_connid *c;
	int err = -ENODATA;

	if (!up)
		return -EOPNOTSUPP;
	mutex_lock(&up->lock);
	c = up->connid;
	if (c && c->spares) {
		err = dtls_install_cid(up->assoc, c->spare[0].cid,
				       c->spare[0].len);
		if (!err)
			memmove(c->spare, c->spare + 1,
				--c->spares * sizeof(c->spare[0]));
	}
	mutex_unlock(&up->lock);
	return err;
}

/**
 * dtls_connid_count() - what the options say when they are read
 * @assoc:   association
 * @optname: %DTLS_NEW_CID: 1 while the last ones have no ACK; %DTLS_REQUEST_CID:
 *           how many have been asked for; %DTLS_NEXT_CID: how many there are
 *
 * Context: process, may sleep; no locks held.
 * Return: that; 0 without DTLS 1.3.
 */
int dtls_connid_count(struct dtls_assoc *assoc, int optname)
{
	struct dtls_update *up = dtls_update_of(assoc);
	struct dtls_connid *c;
	int ret = 0;

	if (!up)
		return 0;
	mutex_lock(&up->lock);
	c = up->connid;
	if (!c)
		ret = 0;
	else if (optname == DTLS_NEW_CID)
		ret = c->offered;
	else if (optname == DTLS_REQUEST_CID)
		ret = c->asked;
	else
		ret = c->spares;
	mutex_unlock(&up->lock);
	return ret;
}

/**
 * dtls_connid_put() - write the message that is on its way
 * @up:  caller holds its lock
 * @msg: where, %DTLS_CONNID_MESSAGE_MAX bytes
 *
 * Context: process. Return: bytes of it.
 */
unsigned int dtls_connid_put(const struct dtls_update *up, u8 *msg)
{
	const struct dtls_connid *c = up->connid;

	if (up->kind == DTLS_MESSAGE_NEW_CID)
		return dtls_message_put_new_cid(msg, up->tx_seq,
						c->offer.cid[0], DTLS_CID_MAX,
						c->offer.count,
						c->offer.cid_len,
						c->offer.usage);
	dtls_message_put_request_cid(msg, up->tx_seq, c->request);
	return DTLS_MESSAGE_REQUEST_CID_LEN;
}

/**
 * dtls_connid_renew() - send what had to wait, now that nothing has no ACK
 * @up: caller holds its lock
 *
 * Context: process, may sleep.
 * Return: 0 if nothing is left to do for now; otherwise it did not go out, and is
 * to be tried again.
 */
int dtls_connid_renew(struct dtls_update *up)
{
	int want = DTLS_UPDATE_NEW_CID, err;
	u8 kind = DTLS_MESSAGE_NEW_CID;

	if (!test_bit(want, &up->wanted)) {
		want = DTLS_UPDATE_REQUEST_CID;
		kind = DTLS_MESSAGE_REQUEST_CID;
		if (!test_bit(want, &up->wanted))
			return 0;
	}
	err = dtls_update_out(up, kind, MSG_DONTWAIT);
	/* with these nothing will be sent any more */
	if (!err || err == -EPIPE || err == -ENOKEY || err == -EKEYREVOKED ||
	    err == -EKEYEXPIRED) {
		clear_bit(want, &up->wanted);
		err = 0;
	}
	return err;
}

/**
 * dtls_connid_acked() - the peer has the message that was on its way
 * @up: caller holds its lock
 *
 * Context: process.
 */
void dtls_connid_acked(struct dtls_update *up)
{
	if (up->kind == DTLS_MESSAGE_NEW_CID)
		up->connid->offered = false;
	else
		up->connid->request = 0;
}

/*
 * The next connection ID that can be used: longer ones have no room in our
 * records, and an empty one is none.
 */
static bool dtls_connid_usable(struct dtls_message_cid *list)
{
	while (dtls_message_next_cid(list))
		if (list->len && list->len <= DTLS_CID_MAX)
			return true;
	return false;
}

/* Do as a NewConnectionId says. Return: true if that was possible. */
static bool dtls_connid_obey(struct dtls_update *up,
			     struct dtls_message_cid *list, u8 usage)
{
	struct dtls_connid *c = up->connid;
	struct dtls_connid_spare *spare;

	if (usage == DTLS_MESSAGE_CID_IMMEDIATE) {
		/* "one of the new CIDs MUST be used immediately" */
		if (!dtls_connid_usable(list) ||
		    dtls_install_cid(up->assoc, list->cid, list->len))
			return false;
		/* "for all future records": those from before are over */
		c->spares = 0;
	}
	/* "MAY simply discard any extra CIDs" */
	while (c->spares < DTLS_CONNID_SPARE && dtls_connid_usable(list)) {
		spare = &c->spare[c->spares++];
		spare->len = list->len;
		memcpy(spare->cid, list->cid, list->len);
	}
	return true;
}

/*
 * A message of which only the beginning, and its last byte, have been kept.
 * Return: its usage, or -1 if it is malformed as far as that can be seen.
 */
static int dtls_connid_parts(const struct dtls_connid *c, u32 len,
			     struct dtls_message_cid *list)
{
	u32 have = min_t(u32, len - 1, DTLS_CONNID_PART) - 2;

	if (dtls_record_get_be16(c->part) != len - 3 ||
	    c->usage > DTLS_MESSAGE_CID_SPARE)
		return -1;
	memset(list, 0, sizeof(*list));
	list->next = c->part + 2;
	list->left = dtls_message_whole_cids(c->part + 2, have);
	return have == len - 3 && list->left != have ? -1 : c->usage;
}

/**
 * dtls_connid_new() - a NewConnectionId has come, or a part of one
 * @up:   caller holds its lock
 * @rec:  the record, authentic; borrowed
 * @msg:  header of the message, the next in order
 * @body: what follows that
 *
 * Context: process, may sleep.
 * Return: true if it is to be acknowledged.
 */
bool dtls_connid_new(struct dtls_update *up, const struct dtls_plain *rec,
		     const struct dtls_message *msg, const u8 *body)
{
	struct dtls_connid *c = dtls_connid_get(up);
	struct dtls_message_cid list;
	u32 had = up->have;
	int usage;

	/* RFC 9147 9: who wants none in our records "MUST NOT send" it */
	if (!c || msg->len < 3 || !dtls_connid_len(up->assoc, false) ||
	    !dtls_update_part(up, msg))
		return false;
	if (had < DTLS_CONNID_PART && had < up->have)
		memcpy(c->part + had, body + had - msg->frag_off,
		       min_t(u32, up->have, DTLS_CONNID_PART) - had);
	if (up->have < up->len)
		return true;
	c->usage = body[msg->frag_len - 1];
	if (dtls_message_whole(msg))
		usage = dtls_message_new_cid(msg, body, &list);
	else
		usage = dtls_connid_parts(c, msg->len, &list);
	if (usage < 0 || !dtls_connid_obey(up, &list, usage)) {
		/* the last part has no ACK: it will come again, or all */
		up->have = usage < 0 ? 0 : had;
		return false;
	}
	c->asked = 0;
	dtls_update_next(up, msg);
	dtls_stats_inc(up->assoc->net, DTLS_STAT_RX_CID_MESSAGES);
	dtls_control_event(up->assoc, DTLS_EVENT_CID, usage, rec->epoch,
			   c->spares);
	return true;
}

/**
 * dtls_connid_requested() - a RequestConnectionId has come
 * @up:   caller holds its lock
 * @rec:  the record, authentic; borrowed
 * @msg:  header of the message, the next in order
 * @body: what follows that
 *
 * Context: process, may sleep.
 * Return: true if it is to be acknowledged.
 */
bool dtls_connid_requested(struct dtls_update *up,
			   const struct dtls_plain *rec,
			   const struct dtls_message *msg, const u8 *body)
{
	int count = dtls_message_request_cid(msg, body);

	/* RFC 9147 9: "MUST NOT [...] when sending an empty Connection ID" */
	if (count < 0 || !dtls_connid_len(up->assoc, true))
		return false;
	dtls_update_next(up, msg);
	dtls_stats_inc(up->assoc->net, DTLS_STAT_RX_CID_MESSAGES);
	if (count)
		dtls_control_event(up->assoc, DTLS_EVENT_CID, DTLS_CID_REQUEST,
				   rec->epoch, count);
	return true;
}
