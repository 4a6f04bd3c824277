/* SPDX-License-Identifier: GPL-2.0-only */
/* How much of the same a test should do, and on which processor. */
#ifndef SELFTESTS_LIB_EFFORT_H
#define SELFTESTS_LIB_EFFORT_H

#include <stdbool.h>

/* KDTLS_LONG=1: minutes are no matter. */
bool effort_long(void);
/* A kernel that looks for errors, and is ten times slower for it. */
bool effort_slow(void);

/* One of three numbers: for a long run; a slow kernel; neither. */
unsigned long effort(unsigned long usual, unsigned long slow,
		     unsigned long long_run);

/*
 * Keeps the calling thread on one processor; no harm if there is none of that
 * number. settle() has only this one to look after, then.
 */
void pin_to(int cpu);

#endif /* SELFTESTS_LIB_EFFORT_H */
