/* SPDX-License-Identifier: GPL-2.0-only */
/* Control records: alerts, close, renegotiation; events. */
#ifndef _DTLS_CONTROL_H
#define _DTLS_CONTROL_H

#include <linux/sockptr.h>

#include "sock.h"

/* RFC 5246 7.2 */
#define DTLS_ALERT_WARNING		1
#define DTLS_ALERT_FATAL		2
#define DTLS_ALERT_CLOSE_NOTIFY		0
#define DTLS_ALERT_USER_CANCELED	90
#define DTLS_ALERT_NO_RENEGOTIATION	100

/* RFC 5246 7.4 */
#define DTLS_HANDSHAKE_HELLO_REQUEST	0
#define DTLS_HANDSHAKE_CLIENT_HELLO	1
#define DTLS_HANDSHAKE_FINISHED		20

void dtls_control_receive(struct dtls_assoc *assoc,
			  const struct dtls_plain *rec);
void dtls_control_close_notify(struct dtls_assoc *assoc, int flags);
struct dtls_peer_key;

void dtls_control_event_at(struct dtls_assoc *assoc, u32 event,
			   const struct dtls_peer_key *key);
void dtls_control_event(struct dtls_assoc *assoc, u32 event, u8 code,
			u32 epoch, u32 data);

#endif /* _DTLS_CONTROL_H */
