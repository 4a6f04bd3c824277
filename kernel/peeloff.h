/* SPDX-License-Identifier: GPL-2.0-only */
/* A peer that gets a connected socket of its own. */
#ifndef _DTLS_PEELOFF_H
#define _DTLS_PEELOFF_H

#include <linux/srcu.h>

#include "sock.h"

/* Held from taking a datagram of a socket with peers to knowing whose it is. */
extern struct srcu_struct dtls_peeloff_srcu;

int dtls_peeloff_get(struct dtls_sock *ds, char __user *optval,
		     int __user *optlen);

/* inherit.c */
void dtls_inherit_options(struct sock *sk, struct sock *from);
int dtls_inherit_place(struct sock *sk, struct sock *from,
		       struct __kernel_sockaddr_storage *peer, int len);

#endif /* _DTLS_PEELOFF_H */
