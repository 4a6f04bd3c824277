/* SPDX-License-Identifier: GPL-2.0-only */
/* Handshakes that a daemon does with all who come: DTLS_HANDSHAKE_LISTEN. */
#ifndef _DTLS_LISTEN_H
#define _DTLS_LISTEN_H

#include "sock.h"

/* Beside DTLS_PASS_*, but not the program's: it has asked for that once. */
#define DTLS_LISTEN_SORT	0x80

struct dtls_identity;
struct dtls_run;
struct dtls_peer_key;

/* listen.c */
int dtls_listen_may(const struct dtls_sock *ds);
int dtls_listen_begin(struct dtls_sock *ds);
bool dtls_listen_owned(const struct dtls_sock *ds);
void dtls_listen_close(struct dtls_sock *ds);

bool dtls_listen_stranger(struct dtls_rx *rx, u32 len);
bool dtls_listen_knocks(struct dtls_run *run, u32 off);
void dtls_listen_reject(struct dtls_rx *rx, u32 len);

int dtls_listen_met(struct net *net, u32 portid, u64 id, u64 peer,
		    struct dtls_identity **identity);
int dtls_listen_identity(const struct dtls_assoc *assoc, char __user *optval,
			 int off, int len, int __user *optlen);
int dtls_listen_give(struct dtls_sock *ds, const struct dtls_peer_key *from,
		     const struct dtls_peer_key *to, const void *data,
		     u32 len);

/* upcall.c */
bool dtls_upcall_datagram(const struct dtls_sock *ds, u32 portid, u64 id,
			  struct dtls_run *run, u32 off, u32 len);

#endif /* _DTLS_LISTEN_H */
