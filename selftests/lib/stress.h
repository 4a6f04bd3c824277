/* SPDX-License-Identifier: GPL-2.0-only */
/* The sockets that dtls_stress is at, and all that may be done to one. */
#ifndef SELFTESTS_LIB_STRESS_H
#define SELFTESTS_LIB_STRESS_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "chaos.h"
#include "nonces.h"
#include "pair.h"

#define STRESS_ROOM	65536

/* One socket, from its first use to its last. */
struct stress_end {
	atomic_int refs;
	int fd;
	int family;
	__u16 suite;
	bool steady;		/* keys stay */
	__u16 port;
	__u16 origin;		/* port whose keys it sends with */
	__u16 peer_origin;	/* and receives with */
	atomic_uint tx_epoch, rx_epoch;
	atomic_bool keyed;	/* keys are in, for sure */
	atomic_bool odd;	/* peeks begin anywhere */
};

struct stress_task {
	struct rng r;
	bool sleeper;
	bool child;
	struct stress_end *e;
	unsigned int slot;
	int epoll, pipe[2], unix_fd[2], file;
	struct forger f;
	struct passed passed;
	__u8 *bad;		/* a page without access, and one with before it */
	__u8 out[STRESS_ROOM], in[STRESS_ROOM];
};

extern atomic_bool stress_stop;

void stress_open(__u64 seed);
void stress_close(void);
void stress_task_init(struct stress_task *t, unsigned int n, bool sleeper);
void stress_task_exit(struct stress_task *t);
void stress_step(struct stress_task *t, struct watched *w);
/* Dies unless data still goes each way between those that keep their keys. */
void stress_works(void);
/* Shuts every socket down. */
void stress_shut(void *arg);
void stress_linger(unsigned int seconds);
unsigned int stress_sockets(void);

/* An operation; names are for the report of a hang. */
struct stress_op {
	const char *name;
	void (*run)(struct stress_task *t);
	unsigned int weight;
};

/* stress.c: the sockets themselves */
int stress_flags(struct stress_task *t);
int stress_install(struct stress_end *e, int option, __u16 epoch, __u64 seq);
void stress_rekey(struct stress_task *t);
void stress_reopen(struct stress_task *t);
void stress_export(struct stress_task *t);

/* stress_data.c: bytes in and out; stress_ctl.c: all else */
extern const struct stress_op stress_data_ops[], stress_ctl_ops[];
extern const unsigned int stress_nr_data_ops, stress_nr_ctl_ops;

#endif /* SELFTESTS_LIB_STRESS_H */
