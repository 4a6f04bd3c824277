/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is shaking hands with an acceptor, or has done so a moment ago: found by
 * address, counted by source, in the order of what is due.
 */
#ifndef KDTLS_CROWD_H
#define KDTLS_CROWD_H

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

#include "kdtls.h"

#define KDTLS_CROWD_BUCKETS	4096

union kdtls_sockaddr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* One form for all: IPv4 is IPv4 on a socket of IPv6 too. No holes: memcmp(). */
struct kdtls_address {
	uint8_t addr[16];
	uint32_t scope;
	uint16_t port;
	uint16_t family;
};

struct kdtls_source {
	struct kdtls_source *next, **prev;
	struct kdtls_address key;	/* port 0, IPv6: the /64 */
	unsigned int count;
};

struct kdtls_member {
	struct kdtls_member *next, **prev;
	struct kdtls_member *newer, *older;	/* of those that are done */
	struct kdtls_address key;
	struct kdtls_source *source;		/* NULL: done */
	union kdtls_sockaddr peer, local;	/* local: family 0 is unknown */
	socklen_t peer_len, local_len;
	uint64_t due;				/* ms */
	size_t at;				/* in the heap */
	uint8_t random[32];			/* of its ClientHello */
	unsigned int returned;			/* early datagrams given back */
	kdtls_session *s;			/* NULL: done */
};

struct kdtls_crowd {
	uint64_t seed[2];
	struct kdtls_member *members[KDTLS_CROWD_BUCKETS];
	struct kdtls_source *sources[KDTLS_CROWD_BUCKETS];
	struct kdtls_member **heap;		/* from 1 */
	size_t heap_len, heap_room;
	struct kdtls_member *newest, *oldest;	/* of those that are done */
	unsigned int busy, done;
};

int kdtls_crowd_init(struct kdtls_crowd *c);
bool kdtls_crowd_address(const struct sockaddr *sa, socklen_t len,
			 union kdtls_sockaddr *out, socklen_t *out_len,
			 struct kdtls_address *key);
struct kdtls_member *kdtls_crowd_find(struct kdtls_crowd *c,
				      const struct kdtls_address *key);
unsigned int kdtls_crowd_from(struct kdtls_crowd *c,
			      const struct kdtls_address *key);
struct kdtls_member *kdtls_crowd_add(struct kdtls_crowd *c,
				     const struct kdtls_address *key);
void kdtls_crowd_due(struct kdtls_crowd *c, struct kdtls_member *m, uint64_t due);
void kdtls_crowd_done(struct kdtls_crowd *c, struct kdtls_member *m, uint64_t due);
void kdtls_crowd_remove(struct kdtls_crowd *c, struct kdtls_member *m);
void kdtls_crowd_free(struct kdtls_crowd *c);

/* The one that is due first; NULL: nobody is there. */
static inline struct kdtls_member *kdtls_crowd_first(const struct kdtls_crowd *c)
{
	return c->heap_len ? c->heap[1] : NULL;
}

#endif /* KDTLS_CROWD_H */
