/* SPDX-License-Identifier: GPL-2.0-only */
/* The way out, for those who walk it. */
#ifndef _DTLS_TX_H
#define _DTLS_TX_H

#include <linux/uio.h>

#include "sock.h"

#define DTLS_TX_SPACE	64

/**
 * struct dtls_tx - one call of sendmsg
 * @ds:       socket
 * @assoc:    association
 * @ep:       keys, with a reference
 * @control:  control messages for the base, or NULL
 * @ctl_len:  bytes of them
 * @ctl_gso:  bytes of them with the UDP_SEGMENT at their end
 * @owned:    @control is ours to free
 * @space:    %DTLS_TX_SPACE bytes for few of them, so that none need be
 *            allocated
 * @flags:    flags of the call
 * @gso:      plaintext segment size, 0 for none
 * @seq:      number of the record that was sealed last by itself
 * @type:     content type
 * @typed:    @type was given by control message
 */
struct dtls_tx {
	struct dtls_sock	*ds;
	struct dtls_assoc	*assoc;
	struct dtls_epoch	*ep;
	void			*control;
	size_t			ctl_len;
	size_t			ctl_gso;
	bool			owned;
	u8			*space;
	int			flags;
	u16			gso;
	u64			seq;
	u8			type;
	bool			typed;
};

/**
 * dtls_tx_begin() - fill in a call
 * @tx:    the call; without keys, control messages and segment size as yet
 * @assoc: association; borrowed
 * @type:  content type
 * @flags: MSG_*
 *
 * Context: any.
 */
static inline void dtls_tx_begin(struct dtls_tx *tx, struct dtls_assoc *assoc,
				 u8 type, int flags)
{
	tx->ds = assoc->ds;
	tx->assoc = assoc;
	tx->ep = NULL;
	tx->control = NULL;
	tx->ctl_len = 0;
	tx->ctl_gso = 0;
	tx->owned = false;
	tx->space = NULL;
	tx->flags = flags;
	tx->gso = 0;
	tx->type = type;
	tx->typed = false;
}

int dtls_tx_keys(struct dtls_assoc *assoc, struct dtls_epoch **ep);
ssize_t dtls_tx_bytes(struct dtls_tx *tx, struct iov_iter *from, size_t len);

/* cmsg.c */
int dtls_cmsg_take(struct dtls_tx *tx, struct msghdr *msg);

/* cork.c */
ssize_t dtls_cork_add(struct dtls_tx *tx, struct msghdr *msg, size_t len);

#endif /* _DTLS_TX_H */
