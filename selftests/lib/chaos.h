/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests that do things at random: numbers from a seed, datagrams that
 * somebody else sends in a peer's name, and a watch over threads that may hang.
 */
#ifndef SELFTESTS_LIB_CHAOS_H
#define SELFTESTS_LIB_CHAOS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>
#include <linux/types.h>

/* Of this run: $KDTLS_SEED, or another each time. Printed, to be had again. */
__u64 run_seed(void);

struct rng {
	__u64 state;
};

void rng_init(struct rng *r, __u64 seed, unsigned int stream);
__u64 rng_next(struct rng *r);
__u32 rng_below(struct rng *r, __u32 n);	/* 0 to n - 1; n is not 0 */
bool rng_one_in(struct rng *r, __u32 n);
void rng_fill(struct rng *r, void *data, size_t len);
#define rng_pick(r, array)	((array)[rng_below(r, ARRAY_SIZE(array))])

/* Sends with any source port, as anybody with a raw socket may. */
struct forger {
	int v4, v6;
};

/* Marks what was forged, for whoever looks at frames. */
#define FORGED_TTL	77

void forger_open(struct forger *f);
void forger_close(struct forger *f);
void forge(const struct forger *f, int family, __u16 from, __u16 to,
	   const void *data, size_t len);

/* A thread that is watched. */
struct watched {
	atomic_int tid;			/* -1: has not begun, 0: has ended */
	atomic_uintptr_t doing;		/* a string, for the report */
};

void watch_begin(struct watched *w);
void watch_end(struct watched *w);
/*
 * Returns once all have ended. Dies, and says where they are, if those that are
 * left do nothing but sleep: without a step of any of them, look after look.
 * @nudge is called before each look, and ends what may sleep rightly.
 */
void watch_all(struct watched *w, unsigned int n, void (*nudge)(void *arg),
	       void *arg);

#endif /* SELFTESTS_LIB_CHAOS_H */
