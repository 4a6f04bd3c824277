/* SPDX-License-Identifier: GPL-2.0-only */
/* The way out, for those who walk it. */
#ifndef _DTLS_TX_H
#define _DTLS_TX_H

#include <linux/uio.h>

#include "sock.h"

/**
 * struct dtls_tx - one call of sendmsg
 * @ds:       socket
 * @ep:       keys, with a reference
 * @control:  control messages for the base, or NULL
 * @ctl_len:  bytes of them
 * @ctl_gso:  bytes of them with the UDP_SEGMENT at their end
 * @owned:    @control is ours to free
 * @space:    room for few of them, so that none need be allocated
 * @flags:    flags of the call
 * @gso:      plaintext segment size, 0 for none
 * @type:     content type
 * @typed:    @type was given by control message
 */
struct dtls_tx {
	struct dtls_sock	*ds;
	struct dtls_epoch	*ep;
	void			*control;
	size_t			ctl_len;
	size_t			ctl_gso;
	bool			owned;
	u8			space[64] __aligned(sizeof(long));
	int			flags;
	u16			gso;
	u8			type;
	bool			typed;
};

int dtls_tx_keys(struct dtls_sock *ds, struct dtls_epoch **ep);
int dtls_tx_cmsgs(struct dtls_tx *tx, struct msghdr *msg);
ssize_t dtls_tx_bytes(struct dtls_tx *tx, struct iov_iter *from, size_t len);

/* cork.c */
ssize_t dtls_cork_add(struct dtls_tx *tx, struct msghdr *msg, size_t len);

#endif /* _DTLS_TX_H */
