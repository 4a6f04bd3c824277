/* SPDX-License-Identifier: GPL-2.0-only */
/* Datagrams that are no DTLS. */
#ifndef _DTLS_RAW_H
#define _DTLS_RAW_H

#include "sock.h"

/* In the place of a content type: no record has it (RFC 9147 4.1: 0 is padding). */
#define DTLS_TYPE_RAW		0

bool dtls_raw_byte(u8 first);
u32 dtls_raw_first(struct dtls_run *run);
bool dtls_raw_next(struct dtls_rx *rx);
int dtls_raw_take(struct dtls_rx *rx, u32 max);
void dtls_raw_drop(struct dtls_sock *ds, u32 len);
int dtls_raw_wanted(const struct dtls_sock *ds, struct msghdr *msg);
int dtls_raw_send(struct dtls_sock *ds, struct msghdr *msg, size_t len);

#endif /* _DTLS_RAW_H */
