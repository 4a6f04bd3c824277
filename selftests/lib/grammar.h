/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of setsockopt and getsockopt, made at random: mostly what a program
 * would ask for, changed a little. And what the documentation says to each.
 */
#ifndef SELFTESTS_LIB_GRAMMAR_H
#define SELFTESTS_LIB_GRAMMAR_H

#include "chaos.h"
#include "pair.h"

/* A socket, and what it must be like after all that was said to it. */
struct subject {
	int fd, far;
	int family;
	__u16 suite;
	bool attached, connected;
	bool tx, rx;			/* have keys */
	bool tx_gone, rx_gone;		/* exported */
	bool closed;			/* the association, for good */
	bool latched;			/* DTLS_NO_EXPORT */
	bool muddy;			/* keys or state of its own: no guesses */
	bool pending;			/* UDP may hold bytes back */
	int recvtype, events, window;
	__u64 tx_last, rx_last;		/* epochs */
	struct oracle_key tx_key, rx_key;
};

/* Room for an argument, which ends where a page begins that nobody has. */
#define ARG_ROOM	(5 * 4096)

struct call {
	int level, name;
	int len;		/* as given to the system call */
	__u8 *arg;		/* as given, too: may be bad */
	size_t used;		/* bytes of @val */
	bool bad;		/* @arg reaches into nowhere */
	__u8 val[ARG_ROOM];
};

enum verdict { REFUSED, GRANTED, EITHER };

void grammar_init(void);

void call_set(struct rng *r, const struct subject *s, struct call *c);
void call_get(struct rng *r, const struct subject *s, struct call *c);
/* What must come of setsockopt(). */
enum verdict call_expect(const struct subject *s, const struct call *c);
/* Takes over what a granted setsockopt() has changed. */
void call_granted(struct subject *s, const struct call *c);
/* Does the documentation name this error for the option? */
bool call_may_fail(const struct call *c, bool set, int error);

#endif /* SELFTESTS_LIB_GRAMMAR_H */
