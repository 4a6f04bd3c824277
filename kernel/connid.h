/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Several connection IDs at a time (RFC 9147 9): those that the peer lets us use,
 * and those that we take.
 *
 * Those that we take are numbered as they were given, from 0, the one that the
 * keys came with. That one is good for ever.
 */
#ifndef _DTLS_CONNID_H
#define _DTLS_CONNID_H

#include <linux/rcupdate.h>

#include "assoc.h"
#include "message.h"
#include "sock.h"

struct dtls_update;

/* That the peer lets us use, and we have not: what is more we forget. */
#define DTLS_CONNID_SPARE	8

/* That we take at once, besides the first. */
#define DTLS_CONNID_TAKE	16

/*
 * Bytes of a NewConnectionId that are kept until all its parts have come: enough
 * for more than we keep of what is in it.
 */
#define DTLS_CONNID_PART	512

/* The longest message. */
#define DTLS_CONNID_MESSAGE_MAX	DTLS_MESSAGE_NEW_CID_LEN(DTLS_NEW_CID_MAX, \
							 DTLS_CID_MAX)

/**
 * struct dtls_connid_set - connection IDs that we take besides the first
 * @rcu:     readers find it without a lock
 * @first:   number of the first of these
 * @count:   how many
 * @cid_len: bytes of each
 * @cid:     they, in the order in which they were given
 *
 * Never changed once it is published.
 */
struct dtls_connid_set {
	struct rcu_head	rcu;
	u32		first;
	u8		count;
	u8		cid_len;
	u8		cid[][DTLS_CID_MAX];
};

/**
 * struct dtls_connid_spare - a connection ID that the peer lets us use
 * @len: bytes of it
 * @cid: it
 */
struct dtls_connid_spare {
	u8	len;
	u8	cid[DTLS_CID_MAX];
};

/**
 * struct dtls_connid - what there is to know of connection IDs after a handshake
 * @spare:   what the peer has given, in its order, not used yet
 * @spares:  how many
 * @asked:   how many we have asked for, until some come
 * @request: how many the RequestConnectionId that has no ACK asks for
 * @usage:   the last byte of @part's message, once it is there
 * @offered: there is an @offer that has no ACK yet
 * @offer:   what our NewConnectionId says
 * @part:    the beginning of the peer's, of which parts have come
 *
 * Made when there is use for it. All under the lock of the dtls_update.
 */
struct dtls_connid {
	struct dtls_connid_spare	spare[DTLS_CONNID_SPARE];
	u8				spares;
	u8				asked;
	u8				request;
	u8				usage;
	bool				offered;
	struct dtls_new_cid		offer;
	u8				part[DTLS_CONNID_PART];
};

void dtls_connid_free(struct dtls_more *more);
bool dtls_connid_find(const struct dtls_more *more, const u8 *cid, u32 *number);
bool dtls_connid_takes(const struct dtls_more *more, const u8 *cid,
		       unsigned int cid_len);
void dtls_connid_used(const struct dtls_more *more, u8 *cid);
int dtls_connid_offer(struct dtls_assoc *assoc,
		      const struct dtls_new_cid *offer);
int dtls_connid_request(struct dtls_assoc *assoc, u8 count);
int dtls_connid_next(struct dtls_assoc *assoc);
int dtls_connid_count(struct dtls_assoc *assoc, int optname);
unsigned int dtls_connid_put(const struct dtls_update *up, u8 *msg);
int dtls_connid_renew(struct dtls_update *up);
void dtls_connid_acked(struct dtls_update *up);
bool dtls_connid_new(struct dtls_update *up, const struct dtls_plain *rec,
		     const struct dtls_message *msg, const u8 *body);
bool dtls_connid_requested(struct dtls_update *up,
			   const struct dtls_plain *rec,
			   const struct dtls_message *msg, const u8 *body);

/**
 * dtls_connid_seen() - the peer has used one of the connection IDs that we take
 * @more:   of the association
 * @number: which one
 *
 * Context: any.
 */
static inline void dtls_connid_seen(struct dtls_more *more, u32 number)
{
	if (unlikely(READ_ONCE(more->rx_used) != number))
		WRITE_ONCE(more->rx_used, number);
}

#endif /* _DTLS_CONNID_H */
