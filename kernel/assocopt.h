/* SPDX-License-Identifier: GPL-2.0-only */
/* Options of one association, whatever leads to it. */
#ifndef _DTLS_ASSOCOPT_H
#define _DTLS_ASSOCOPT_H

#include <linux/sockptr.h>

#include "assoc.h"

int dtls_assocopt_copy(void *to, u32 known, u32 least, sockptr_t optval,
		       unsigned int off, unsigned int left, u32 *size);
int dtls_assocopt_keys(int optname, sockptr_t optval, unsigned int off,
		       unsigned int len, struct dtls_keys *keys,
		       struct dtls_keys **tx, struct dtls_keys **rx);
int dtls_assocopt_set(struct dtls_assoc *assoc, int optname, sockptr_t optval,
		      unsigned int off, unsigned int len);
int dtls_assocopt_get(struct dtls_assoc *assoc, int optname,
		      char __user *optval, int off, int len,
		      int __user *optlen);

#endif /* _DTLS_ASSOCOPT_H */
