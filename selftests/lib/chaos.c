// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/filter.h>

#include "chaos.h"
#include "net.h"

/* Looks without a step before threads are called stuck, and between them. */
#define WATCH_LOOKS	150
#define WATCH_PAUSE_US	100000

__u64 run_seed(void)
{
	static __u64 seed;
	const char *given = getenv("KDTLS_SEED");

	if (seed)
		return seed;
	if (given)
		seed = strtoull(given, NULL, 0);
	else if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		die("no random numbers");
	else
		seed &= 0xffffffff;
	printf("# KDTLS_SEED=%llu\n", seed);
	fflush(stdout);
	return seed;
}

void rng_init(struct rng *r, __u64 seed, unsigned int stream)
{
	/* not near one another: streams of near seeds would be the same ones */
	r->state = seed;
	r->state = rng_next(r) + stream;
	r->state = rng_next(r);
}

/* splitmix64 */
__u64 rng_next(struct rng *r)
{
	__u64 z = r->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

__u32 rng_below(struct rng *r, __u32 n)
{
	return (rng_next(r) >> 32) * n >> 32;
}

bool rng_one_in(struct rng *r, __u32 n)
{
	return !rng_below(r, n);
}

void rng_fill(struct rng *r, void *data, size_t len)
{
	__u8 *p = data;
	__u64 word = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (!(i % 8))
			word = rng_next(r);
		p[i] = word >> i % 8 * 8;
	}
}

void forger_open(struct forger *f)
{
	/* nothing shall arrive in them: both only send */
	struct sock_filter nothing = { BPF_RET | BPF_K, 0, 0, 0 };
	struct sock_fprog filter = { 1, &nothing };

	f->v4 = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
	f->v6 = socket(AF_INET6, SOCK_RAW, IPPROTO_UDP);
	if (f->v4 < 0 || f->v6 < 0 ||
	    setsockopt(f->v4, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
		       sizeof(filter)) ||
	    setsockopt(f->v6, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
		       sizeof(filter)) ||
	    set_int(f->v4, SOL_IP, IP_TTL, FORGED_TTL) ||
	    set_int(f->v6, SOL_IPV6, IPV6_UNICAST_HOPS, FORGED_TTL) ||
	    set_int(f->v6, SOL_IPV6, IPV6_CHECKSUM, 6))
		die("no raw sockets");
}

void forger_close(struct forger *f)
{
	close(f->v4);
	close(f->v6);
}

void forge(const struct forger *f, int family, __u16 from, __u16 to,
	   const void *data, size_t len)
{
	bool v6 = family == FAMILY_V6;
	__u16 header[4] = { htons(from), htons(to), htons(8 + len), 0 };
	struct iovec iov[2] = {
		{ header, sizeof(header) }, { (void *)data, len },
	};
	struct sockaddr_storage ss;
	struct msghdr msg = {
		.msg_name = &ss,
		.msg_namelen = loopback(v6 ? FAMILY_V6 : FAMILY_V4, &ss),
		.msg_iov = iov,
		.msg_iovlen = 2,
	};

	/* lost like any datagram, if it must be */
	sendmsg(v6 ? f->v6 : f->v4, &msg, MSG_DONTWAIT);
}

void watch_begin(struct watched *w)
{
	atomic_store(&w->tid, syscall(__NR_gettid));
}

void watch_end(struct watched *w)
{
	atomic_store(&w->tid, 0);
}

static size_t task_read(pid_t tid, const char *what, char *text, size_t size)
{
	char path[64];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/%s", tid, what);
	f = fopen(path, "r");
	if (f) {
		n = fread(text, 1, size - 1, f);
		fclose(f);
	}
	text[n] = 0;
	return n;
}

/* Steps that the task has made: each time it went to sleep is one. */
static bool task_asleep(pid_t tid, __u64 *steps)
{
	char text[4096], *state, *count;

	if (!task_read(tid, "status", text, sizeof(text)))
		return false;
	state = strstr(text, "State:\t");
	count = strstr(text, "voluntary_ctxt_switches:\t");
	if (!state || !count)
		return false;
	*steps += atoll(strchr(count, '\t'));
	return state[7] == 'S' || state[7] == 'D';
}

static void watch_report(struct watched *w, unsigned int n)
{
	char text[4096];
	unsigned int i;
	pid_t tid;

	for (i = 0; i < n; i++) {
		tid = atomic_load(&w[i].tid);
		if (tid <= 0)
			continue;
		task_read(tid, "syscall", text, sizeof(text));
		printf("# thread %u: %s, system call %s", i,
		       (const char *)atomic_load(&w[i].doing) ?: "?", text);
		task_read(tid, "stack", text, sizeof(text));
		printf("# %s\n", text);
	}
	fflush(stdout);
	die("threads sleep that nothing will wake");
}

void watch_all(struct watched *w, unsigned int n, void (*nudge)(void *arg),
	       void *arg)
{
	__u64 steps, last = 0;
	unsigned int i, left, asleep, looks = 0;
	pid_t tid;

	for (;;) {
		if (nudge)
			nudge(arg);
		steps = 0;
		left = 0;
		asleep = 0;
		for (i = 0; i < n; i++) {
			tid = atomic_load(&w[i].tid);
			if (!tid)
				continue;
			left++;
			asleep += tid > 0 && task_asleep(tid, &steps);
		}
		if (!left)
			return;
		looks = asleep == left && steps == last ? looks + 1 : 0;
		last = steps;
		if (looks == WATCH_LOOKS)
			watch_report(w, n);
		usleep(WATCH_PAUSE_US);
	}
}
