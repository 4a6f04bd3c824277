// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Addresses of an acceptor: two hash tables, and a heap of times. The sessions in it
 * are the acceptor's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "crowd.h"

int kdtls_crowd_init(struct kdtls_crowd *c)
{
	memset(c, 0, sizeof(*c));
	if (getrandom(c->seed, sizeof(c->seed), 0) != sizeof(c->seed))
		return -EIO;
	return 0;
}

/*
 * @sa in two forms: as the kernel wants it, with zeros where nothing matters, and as
 * a key. False: no address of a peer.
 */
bool kdtls_crowd_address(const struct sockaddr *sa, socklen_t len,
			 union kdtls_sockaddr *out, socklen_t *out_len,
			 struct kdtls_address *key)
{
	sa_family_t family;

	memset(out, 0, sizeof(*out));
	memset(key, 0, sizeof(*key));
	if (!sa || len < sizeof(family))
		return false;
	memcpy(&family, sa, sizeof(family));
	if (family == AF_INET && len >= sizeof(out->v4)) {
		memcpy(&out->v4, sa, sizeof(out->v4));
		memset(out->v4.sin_zero, 0, sizeof(out->v4.sin_zero));
		memcpy(key->addr, &out->v4.sin_addr, 4);
		key->port = out->v4.sin_port;
		*out_len = sizeof(out->v4);
	} else if (family == AF_INET6 && len >= sizeof(out->v6)) {
		memcpy(&out->v6, sa, sizeof(out->v6));
		out->v6.sin6_flowinfo = 0;
		key->port = out->v6.sin6_port;
		*out_len = sizeof(out->v6);
		if (IN6_IS_ADDR_V4MAPPED(&out->v6.sin6_addr)) {
			memcpy(key->addr, out->v6.sin6_addr.s6_addr + 12, 4);
			family = AF_INET;
		} else {
			memcpy(key->addr, &out->v6.sin6_addr, 16);
			key->scope = out->v6.sin6_scope_id;
		}
	} else {
		return false;
	}
	key->family = family;
	return true;
}

static uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

/* SipHash-1-3: peers choose their ports, and some their addresses. */
static unsigned int bucket(const struct kdtls_crowd *c,
			   const struct kdtls_address *key)
{
	uint64_t v[4] = {
		c->seed[0] ^ 0x736f6d6570736575, c->seed[1] ^ 0x646f72616e646f6d,
		c->seed[0] ^ 0x6c7967656e657261, c->seed[1] ^ 0x7465646279746573,
	};
	uint64_t words[sizeof(*key) / 8 + 1] = { 0 };
	size_t i;

	memcpy(words, key, sizeof(*key));
	words[sizeof(*key) / 8] = (uint64_t)sizeof(*key) << 56;
	for (i = 0; i < sizeof(words) / 8; i++) {
		v[3] ^= words[i];
		sip_round(v);
		v[0] ^= words[i];
	}
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	return (v[0] ^ v[1] ^ v[2] ^ v[3]) % KDTLS_CROWD_BUCKETS;
}

struct kdtls_member *kdtls_crowd_find(struct kdtls_crowd *c,
				      const struct kdtls_address *key)
{
	struct kdtls_member *m = c->members[bucket(c, key)];

	while (m && memcmp(&m->key, key, sizeof(*key)))
		m = m->next;
	return m;
}

/* Who has an address of IPv6 has 2^64 of them. */
static void source_key(const struct kdtls_address *key, struct kdtls_address *out)
{
	*out = *key;
	out->port = 0;
	if (key->family == AF_INET6)
		memset(out->addr + 8, 0, 8);
}

static struct kdtls_source *find_source(struct kdtls_crowd *c,
					const struct kdtls_address *key)
{
	struct kdtls_source *src = c->sources[bucket(c, key)];

	while (src && memcmp(&src->key, key, sizeof(*key)))
		src = src->next;
	return src;
}

/* How many handshakes are under way with the source of @key? */
unsigned int kdtls_crowd_from(struct kdtls_crowd *c,
			      const struct kdtls_address *key)
{
	struct kdtls_address from;
	struct kdtls_source *src;

	source_key(key, &from);
	src = find_source(c, &from);
	return src ? src->count : 0;
}

static struct kdtls_source *get_source(struct kdtls_crowd *c,
				       const struct kdtls_address *key)
{
	struct kdtls_source *src, **head;
	struct kdtls_address from;

	source_key(key, &from);
	src = find_source(c, &from);
	if (!src) {
		src = calloc(1, sizeof(*src));
		if (!src)
			return NULL;
		head = &c->sources[bucket(c, &from)];
		src->key = from;
		src->next = *head;
		src->prev = head;
		if (src->next)
			src->next->prev = &src->next;
		*head = src;
	}
	src->count++;
	return src;
}

static void put_source(struct kdtls_source *src)
{
	if (!src || --src->count)
		return;
	*src->prev = src->next;
	if (src->next)
		src->next->prev = src->prev;
	free(src);
}

/* ------------------------------------------------------------------------
 * The heap: the parent of n is n / 2, and due no later
 */

static void place(struct kdtls_crowd *c, struct kdtls_member *m, size_t at)
{
	c->heap[at] = m;
	m->at = at;
}

/* Finds the place of @m, which may be anywhere, beginning at @at, which is free. */
static void sift(struct kdtls_crowd *c, struct kdtls_member *m, size_t at)
{
	size_t n;

	for (; at > 1 && c->heap[at / 2]->due > m->due; at /= 2)
		place(c, c->heap[at / 2], at);
	for (; (n = 2 * at) <= c->heap_len; at = n) {
		if (n < c->heap_len && c->heap[n + 1]->due < c->heap[n]->due)
			n++;
		if (c->heap[n]->due >= m->due)
			break;
		place(c, c->heap[n], at);
	}
	place(c, m, at);
}

/* @m is to be looked after at @due. */
void kdtls_crowd_due(struct kdtls_crowd *c, struct kdtls_member *m, uint64_t due)
{
	m->due = due;
	sift(c, m, m->at);
}

static int heap_grow(struct kdtls_crowd *c)
{
	size_t room = c->heap_room ? 2 * c->heap_room : 64;
	struct kdtls_member **heap;

	if (c->heap_len + 1 < c->heap_room)
		return 0;
	heap = reallocarray(c->heap, room, sizeof(*heap));
	if (!heap)
		return -ENOMEM;
	c->heap = heap;
	c->heap_room = room;
	return 0;
}

/* ------------------------------------------------------------------------
 * Members
 */

/* A new one, due never; nobody has @key. NULL: no memory. */
struct kdtls_member *kdtls_crowd_add(struct kdtls_crowd *c,
				     const struct kdtls_address *key)
{
	struct kdtls_member *m, **head = &c->members[bucket(c, key)];

	m = heap_grow(c) ? NULL : calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->source = get_source(c, key);
	if (!m->source) {
		free(m);
		return NULL;
	}
	m->key = *key;
	m->next = *head;
	m->prev = head;
	if (m->next)
		m->next->prev = &m->next;
	*head = m;
	m->due = UINT64_MAX;
	place(c, m, ++c->heap_len);
	c->busy++;
	return m;
}

/* Its handshake is over; it is remembered until @due, and counts no more. */
void kdtls_crowd_done(struct kdtls_crowd *c, struct kdtls_member *m, uint64_t due)
{
	put_source(m->source);
	m->source = NULL;
	c->busy--;
	c->done++;
	m->older = c->newest;
	if (m->older)
		m->older->newer = m;
	else
		c->oldest = m;
	c->newest = m;
	kdtls_crowd_due(c, m, due);
}

/* Also frees @m, whose session is gone. */
void kdtls_crowd_remove(struct kdtls_crowd *c, struct kdtls_member *m)
{
	struct kdtls_member *last = c->heap[c->heap_len--];

	if (last != m)
		sift(c, last, m->at);
	*m->prev = m->next;
	if (m->next)
		m->next->prev = m->prev;
	if (m->source) {
		put_source(m->source);
		c->busy--;
	} else {
		*(m->newer ? &m->newer->older : &c->newest) = m->older;
		*(m->older ? &m->older->newer : &c->oldest) = m->newer;
		c->done--;
	}
	free(m);
}

/* What is left of it, when all members are gone. */
void kdtls_crowd_free(struct kdtls_crowd *c)
{
	free(c->heap);
}
