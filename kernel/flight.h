/* SPDX-License-Identifier: GPL-2.0-only */
/* The last flight of the handshake, which may have to be sent again. */
#ifndef _DTLS_FLIGHT_H
#define _DTLS_FLIGHT_H

#include <linux/sockptr.h>

#include "sock.h"

int dtls_flight_set(struct dtls_assoc *assoc, sockptr_t optval,
		    unsigned int off, unsigned int optlen);
void dtls_flight_forget(struct dtls_assoc *assoc);
bool dtls_flight_kept(struct dtls_assoc *assoc);
void dtls_flight_repeat(struct dtls_assoc *assoc);
bool dtls_flight_acked(struct dtls_assoc *assoc, const u8 *ack,
		       unsigned int count);

#endif /* _DTLS_FLIGHT_H */
