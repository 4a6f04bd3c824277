/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A daemon that shakes no hands: the netlink side of DTLS_HANDSHAKE, step by step, in a
 * process of its own that does what it is told. Shares no code with dtlshd or libnl.
 */
#ifndef SELFTESTS_LIB_UPCALL_H
#define SELFTESTS_LIB_UPCALL_H

#include "genl.h"
#include "pair.h"

/* What one accept gave. */
struct upcall {
	__u64 id;
	int fd;
	__u32 role, timeout, uid;
	char server_name[256], credential[64];
};

/* Netlink, for who wants to be the daemon himself. All answer 0 or an errno. */
int nl_open(struct genl *g, bool listen);
bool nl_heard(struct genl *g);		/* is there news? takes it */
int nl_accept(struct genl *g, struct upcall *up);
/* The two halves of that: the kernel's work, and what came of it. */
int nl_ask(struct genl *g);
int nl_answer(struct genl *g, struct upcall *up);
int nl_done(struct genl *g, __u64 id, __u32 status, const char *identity,
	    size_t identity_len);

/* The same for who listens. A datagram that has come to the daemon: */
struct upcall_datagram {
	__u64 id;
	struct sockaddr_storage from, to;
	size_t len;
	__u8 data[2048];
};

int nl_again(struct genl *g, __u64 id, struct upcall *up);	/* one more descriptor */
/* The next one; waits for it, or (soon) only for what has been sent. 0 or an errno. */
int nl_datagram(struct genl *g, bool soon, struct upcall_datagram *d);
int nl_give(struct genl *g, __u64 id, const struct sockaddr_storage *from,
	    const void *data, size_t len);
int nl_met(struct genl *g, __u64 id, __u64 peer, const char *identity);

/* A process of its own, which knows the keys of @p. */
struct helper {
	pid_t pid;
	int link;
};

void helper_start(struct helper *h, struct dtls_pair *p);
void helper_stop(struct helper *h);	/* it dies */

/*
 * What it can do with the last request that it has taken. Each answers what the
 * call says, or a negative errno.
 */
enum helper_does {
	HELPER_TAKE,		/* waits for one, if need be */
	HELPER_ASK,		/* takes one if it is there */
	HELPER_RECV, HELPER_SEND, HELPER_POLL,
	HELPER_KEYS,
	HELPER_DONE,		/* with a status */
	HELPER_DONE_OTHER,	/* likewise, by another netlink socket */
	HELPER_CLOSE,		/* its descriptor */
};

int helper_does(struct helper *h, enum helper_does what, int arg);
/* What HELPER_TAKE has got. */
void helper_took(struct helper *h, struct upcall *up);

#endif /* SELFTESTS_LIB_UPCALL_H */
