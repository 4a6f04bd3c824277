/* SPDX-License-Identifier: GPL-2.0-only */
/* How many peers a user may have. */
#ifndef _DTLS_QUOTA_H
#define _DTLS_QUOTA_H

struct dtls_quota;

struct dtls_quota *dtls_quota_get(void);
void dtls_quota_put(struct dtls_quota *quota);
int dtls_quota_charge(struct dtls_quota *quota);
void dtls_quota_uncharge(struct dtls_quota *quota);

#endif /* _DTLS_QUOTA_H */
