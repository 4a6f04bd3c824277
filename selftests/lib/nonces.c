// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "cells.h"
#include "nonces.h"
#include "net.h"
#include "oracle.h"

#define RING		64
/* A set of numbers: open addressing, so there must be far fewer of them. */
#define SET_SIZE	(8UL << 20)

static bool (*key_of)(__u16 port, __u32 *id, bool *nonce);
static pthread_t thread;
static atomic_bool stop;
static atomic_ulong records, missed;
static __u64 *set;
static int tap = -1;

static pthread_mutex_t ring_lock = PTHREAD_MUTEX_INITIALIZER;
static struct passed ring[RING];
static unsigned int ring_count;

/* Key, epoch and number in one word that is not 0. */
static __u64 record_word(__u32 id, __u16 epoch, __u64 seq)
{
	/* numbers are small, or close to their end */
	__u32 low = seq & 0x3fffffff;

	if (seq >> 30 && seq >> 30 != (1 << 18) - 1)
		die("number %llu in the middle", seq);
	if (seq >> 30)
		low |= 1 << 30;
	return (__u64)id << 47 | (__u64)epoch << 31 | low | 1ULL << 63;
}

/* False if it was in. */
static bool set_add(__u64 word)
{
	unsigned long i = word * 0x9e3779b97f4a7c15ULL >> 41;

	for (; set[i % SET_SIZE]; i++)
		if (set[i % SET_SIZE] == word)
			return false;
	set[i % SET_SIZE] = word;
	return true;
}

static void see_records(const __u8 *p, size_t len, __u32 id, bool nonce)
{
	struct oracle_header h;
	size_t body;

	for (; oracle_parse(p, len, &h, &body); p += body, len -= body) {
		body += RECORD_HEADER;
		/* a fragment of a datagram, or what came before the keys */
		if (h.type < DTLS_TYPE_CCS || h.type > DTLS_TYPE_HEARTBEAT ||
		    body > len)
			return;
		if (nonce && h.epoch && memcmp(p + 3, p + RECORD_HEADER, 8))
			die("nonce of record %u/%llu is another", h.epoch, h.seq);
		if (atomic_fetch_add(&records, 1) >= SET_SIZE / 2)
			return;
		if (!set_add(record_word(id, h.epoch, h.seq)))
			die("key %u: record %u/%llu twice", id, h.epoch, h.seq);
	}
}

static void remember(int family, __u16 from, __u16 to, const __u8 *p, size_t len)
{
	struct passed *r;

	pthread_mutex_lock(&ring_lock);
	r = &ring[ring_count++ % RING];
	r->family = family;
	r->from = from;
	r->to = to;
	r->len = len < sizeof(r->data) ? len : sizeof(r->data);
	memcpy(r->data, p, r->len);
	pthread_mutex_unlock(&ring_lock);
}

static void see_frame(const __u8 *f, size_t len)
{
	static const __u64 secret = CELL_SECRET;
	bool v4, nonce = false;
	__u16 from, to;
	size_t head;
	__u32 id;

	if (len < ETH_HLEN + 48)
		return;
	v4 = f[12] == 0x08 && f[13] == 0;
	if (!v4 && (f[12] != 0x86 || f[13] != 0xdd))
		return;
	f += ETH_HLEN;
	len -= ETH_HLEN;
	head = v4 ? (f[0] & 15) * 4 : 40;
	if (f[v4 ? 9 : 6] != IPPROTO_UDP || f[v4 ? 8 : 7] == FORGED_TTL)
		return;
	if (memmem(f, len, &secret, sizeof(secret)))
		die("plaintext on the wire, from port %u",
		    f[head] << 8 | f[head + 1]);
	/* of fragments only the first has ports */
	if (v4 && ((f[6] & 0x1f) || f[7]))
		return;
	from = f[head] << 8 | f[head + 1];
	to = f[head + 2] << 8 | f[head + 3];
	f += head + 8;
	len -= head + 8;
	if (!key_of(from, &id, &nonce))
		return;
	remember(v4 ? FAMILY_V4 : FAMILY_V6, from, to, f, len);
	see_records(f, len, id, nonce);
}

static void *nonces_thread(void *arg)
{
	struct tpacket_stats st;
	static __u8 frame[70000];
	socklen_t size = sizeof(st);
	ssize_t n;

	(void)arg;
	for (;;) {
		n = recv(tap, frame, sizeof(frame),
			 atomic_load(&stop) ? MSG_DONTWAIT : 0);
		if (n >= 0) {
			see_frame(frame, n);
			continue;
		}
		if (errno == EAGAIN && atomic_load(&stop))
			break;
		if (errno != EAGAIN && errno != EINTR && errno != ENETDOWN)
			die("tap");
	}
	if (!getsockopt(tap, SOL_PACKET, PACKET_STATISTICS, &st, &size))
		atomic_fetch_add(&missed, st.tp_drops);
	return NULL;
}

void nonces_start(bool (*key)(__u16 port, __u32 *id, bool *nonce))
{
	struct timeval tick = { .tv_usec = 200000 };

	key_of = key;
	set = mmap(NULL, SET_SIZE * sizeof(*set), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (set == MAP_FAILED)
		die("no memory");
	tap = tap_open();
	set_int(tap, SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20);
	if (set_int(tap, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1) ||
	    setsockopt(tap, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick)) ||
	    pthread_create(&thread, NULL, nonces_thread, NULL))
		die("no tap");
}

void nonces_stop(void)
{
	settle();
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	close(tap);
	munmap(set, SET_SIZE * sizeof(*set));
}

unsigned long nonces_records(void)
{
	return atomic_load(&records);
}

unsigned long nonces_missed(void)
{
	return atomic_load(&missed);
}

bool nonces_passed(struct rng *r, struct passed *p)
{
	bool any;

	pthread_mutex_lock(&ring_lock);
	any = ring_count;
	if (any)
		*p = ring[rng_below(r, ring_count < RING ? ring_count : RING)];
	pthread_mutex_unlock(&ring_lock);
	return any;
}
