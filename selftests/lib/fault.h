/* SPDX-License-Identifier: GPL-2.0-only */
/* Faults on order: memory that is not there, bytes that cannot be copied. */
#ifndef SELFTESTS_LIB_FAULT_H
#define SELFTESTS_LIB_FAULT_H

#include <stdbool.h>

#include "pair.h"

/* More than any call has things that can fail. */
#define FAULT_TRIES	500

/* False if this kernel cannot. */
bool fault_init(void);
/* From now on the @nth thing that can fail, of this thread, does. */
int fault_arm(int nth);
/*
 * Was it reached? The file counts down to zero, and *@left, if that is not NULL,
 * is what was left. Ends what fault_arm() began.
 */
bool fault_happened(int fd, int *left);
/* What a call may say that had no memory, or a bad buffer. */
bool fault_error(int error);

/* All memory may be gone; for this process, between these two. */
void famine(bool on);
void starve(bool on);

/* Both directions still work, and nothing is left over. */
void still_works(struct dtls_pair *p);

#endif /* SELFTESTS_LIB_FAULT_H */
