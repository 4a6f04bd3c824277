/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thread that watches lo: no nonce is used twice under one key, and nothing
 * that was given to a socket with keys leaves it in the clear.
 */
#ifndef SELFTESTS_LIB_NONCES_H
#define SELFTESTS_LIB_NONCES_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "chaos.h"

/* A datagram that passed, for whoever wants to play it again. */
struct passed {
	int family;
	__u16 from, to;
	size_t len;
	__u8 data[2000];	/* the begin, if it was longer */
};

/*
 * @key: tells which keys a source port sends with, so that epoch and sequence
 *       number belong to that; explicit nonces too, if *@nonce is set. False
 *       for a port that is not ours.
 */
void nonces_start(bool (*key)(__u16 port, __u32 *id, bool *nonce));
void nonces_stop(void);
/* Records that were looked at, and frames that passed unseen. */
unsigned long nonces_records(void);
unsigned long nonces_missed(void);
/* One of the last that passed; false if there is none. */
bool nonces_passed(struct rng *r, struct passed *p);

#endif /* SELFTESTS_LIB_NONCES_H */
