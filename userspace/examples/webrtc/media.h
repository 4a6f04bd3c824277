/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WEBRTC_MEDIA_H
#define WEBRTC_MEDIA_H

#include "rtc.h"

/* Of what we send: not the browser's own, whose packets these are. */
#define MEDIA_SSRC	0x6b64746c

/* media.c: SRTP (RFC 3711), keyed by the handshake (RFC 5764) */
void media_open(struct peer *p);
void media_input(struct peer *p, uint8_t *buf, size_t len);
void media_count(const struct peer *p, unsigned int *profile, uint64_t *echoed);
void media_close(struct peer *p);

#endif /* WEBRTC_MEDIA_H */
