/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * AEADs that answer later: pcrypt and cryptd instances over the machine's own
 * AES-GCM. With the highest priority they make gcm(aes) async for everyone,
 * until they are taken away again.
 */
#ifndef SELFTESTS_LIB_ASYNC_H
#define SELFTESTS_LIB_ASYNC_H

#include <stdbool.h>

struct async_gcm {
	char driver[128];
};

/* cryptd wants a base that is never async by itself. */
#define ASYNC_SYNC_BASE	"gcm_base(ctr(aes-generic),ghash-generic)"

/*
 * From now on gcm(aes) is @template over @base, or over the best there is if
 * that is NULL. False, and @a->driver says what, if this kernel has it not.
 */
bool async_gcm_on(struct async_gcm *a, const char *template, const char *base);
/* Undo it. No socket may use it any more: waits for those that just went. */
void async_gcm_off(struct async_gcm *a);

#endif /* SELFTESTS_LIB_ASYNC_H */
