/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WEBRTC_SEAL_H
#define WEBRTC_SEAL_H

#include "rtc.h"

/* seal.c: records without the kernel, to compare with */
#define SEAL_OVERHEAD	37	/* header, explicit nonce, tag */

struct seal;

struct seal *seal_new(kdtls_session *s);
size_t seal_record(struct seal *s, const void *buf, size_t len, uint8_t *out);
ssize_t seal_open(struct seal *s, const uint8_t *rec, size_t len, uint8_t *out);
void seal_free(struct seal *s);

#endif /* WEBRTC_SEAL_H */
