/* SPDX-License-Identifier: GPL-2.0-only */
/* Peers from whom nothing has come for long. */
#ifndef _DTLS_IDLE_H
#define _DTLS_IDLE_H

struct dtls_peers;
struct dtls_sock;

void dtls_idle_init(struct dtls_peers *peers, struct dtls_sock *ds);
void dtls_idle_start(struct dtls_sock *ds);
void dtls_idle_stop(struct dtls_peers *peers);

#endif /* _DTLS_IDLE_H */
