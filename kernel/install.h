/* SPDX-License-Identifier: GPL-2.0-only */
/* New keys: checked, made, and put in the place of the old. */
#ifndef _DTLS_INSTALL_H
#define _DTLS_INSTALL_H

#include <linux/types.h>

struct dtls_assoc;
struct dtls_keys;

int dtls_install_validate(const struct dtls_keys *keys);
int dtls_install_keys(struct dtls_assoc *assoc, const struct dtls_keys *tx,
		      const struct dtls_keys *rx, u32 window);
int dtls_install_cid(struct dtls_assoc *assoc, const u8 *cid,
		     unsigned int cid_len);
int dtls_install_next(struct dtls_assoc *assoc, bool rx, u32 window,
		      u32 *epoch);

#endif /* _DTLS_INSTALL_H */
