// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: yes */
/* kselftest-timeout: 1200 */
/*
 * A flood of forged datagrams from the peer's own address, so that they reach a
 * connected socket: junk, good headers with bad tags, replays, wrong epochs,
 * types, versions and lengths. Each of them is in a counter or in the socket's
 * drops; the authentic records between them arrive, in order; no memory stays
 * behind; and a session beside goes on as in peace. KDTLS_LONG=1 makes it ten
 * million datagrams.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <linux/sock_diag.h>

#include "lib/effort.h"
#include "lib/pair.h"

#ifndef SO_MEMINFO
#define SO_MEMINFO	55
#endif

#define DATAGRAM	72	/* all of the flood, to be cut by UDP_SEGMENT */
#define BATCH		60
#define BATCHES		8	/* different ones */
#define AUTHENTIC	4	/* batches for each authentic record */
#define SLICES		10	/* of flood and of peace, in turns */
#define SAMPLES		100000

enum kind { JUNK, TAG, REPLAY, EPOCH, TYPE, VERSION, LENGTH, KINDS };

/* What may count a datagram of a kind. */
static const char * const counter[KINDS][2] = {
	[JUNK]		= { "RxDropType" },
	[TAG]		= { "RxDropAuth" },
	[REPLAY]	= { "RxDropReplay", "RxDropOld" },
	[EPOCH]		= { "RxDropEpoch" },
	[TYPE]		= { "RxDropType" },
	[VERSION]	= { "RxDropVersion" },
	[LENGTH]	= { "RxDropLength" },
};

struct text {
	__u64 number;
	__u32 end;
	__u8 bytes[20];
};

enum phase { PEACE, WAR, PHASES };

/*
 * Somebody on the other processor, who talks by turns over two pairs of
 * sockets: one with keys, and one of plain UDP to compare with.
 */
struct neighbour {
	pthread_t thread;
	enum phase phase;
	bool stop;
	unsigned long rounds;
	__u32 *keyed[PHASES], *plain[PHASES];	/* ns of each round */
	unsigned long samples[PHASES];
};

struct scene {
	struct dtls_pair p;
	int fd;
	__u8 batch[BATCHES][BATCH * DATAGRAM];
	unsigned int in_batch[BATCHES][KINDS];
	unsigned long long sent[KINDS], authentic, got, highest;
	bool ended;
	struct neighbour beside;
	pthread_t receiver;
};

FIXTURE(flood) {
	struct scene s;
};

FIXTURE_VARIANT(flood) {
	__u16 suite;
	int family;
	int receiver_cpu;	/* 1 is the flood's, 0 the neighbour's */
	bool polls;
	bool paced;		/* as fast as the receiver, and none is lost */
};

FIXTURE_VARIANT_ADD(flood, paced)
{
	SUITE_AES_128_GCM, FAMILY_V4, 1, false, true
};

FIXTURE_VARIANT_ADD(flood, paced_beside)
{
	SUITE_CHACHA20, FAMILY_V6, 0, true, true
};

FIXTURE_VARIANT_ADD(flood, overflowing)
{
	SUITE_AES_128_CCM_8, FAMILY_V4, 1, true, false
};

static size_t text_seal(struct dtls_end *far, __u64 number, bool end, __u8 *rec)
{
	struct text t = { .number = number, .end = end };

	return oracle_seal(&far->tx, DTLS_TYPE_DATA, &t, sizeof(t), rec);
}

/* A record of exactly DATAGRAM bytes that was never sent. */
static void forge(struct dtls_end *far, __u8 *rec, __u64 seq)
{
	size_t len = DATAGRAM - oracle_overhead(far->tx.suite);
	__u8 text[DATAGRAM] = {};

	must(oracle_seal_seq(&far->tx, seq, DTLS_TYPE_DATA, text, len, rec) ==
	     DATAGRAM);
}

static void batch_make(struct dtls_end *far, __u8 *at, unsigned int in[KINDS],
		       const __u8 *old)
{
	unsigned int i, k;

	for (i = 0; i < BATCH; i++, at += DATAGRAM) {
		k = i % KINDS;
		in[k]++;
		/* Far ahead, where a window that believed it would go. */
		forge(far, at, (1ULL << 40) + i);
		switch (k) {
		case JUNK:
			fill(at, DATAGRAM, i);
			at[0] = 0xc0 + i % 8;
			break;
		case TAG:
			at[DATAGRAM - 1 - i % 8] ^= 1 << i % 8;
			break;
		case REPLAY:
			memcpy(at, old, DATAGRAM);
			break;
		case EPOCH:
			at[4] += 1 + i % 3;
			break;
		case TYPE:
			at[0] = i % 2 ? 25 : 19;
			break;
		case VERSION:
			at[2] ^= 1 + i % 3;
			break;
		case LENGTH:
			at[12] += 1 + i % 50;
			break;
		}
	}
}

FIXTURE_SETUP(flood)
{
	__u8 old[RECORD_ROOM], in[DATAGRAM];
	struct scene *s = &self->s;
	struct dtls_end *far;
	int i;

	pin_to(1);
	netns_new();
	pair_open(&s->p, variant->suite, variant->family, false);
	far = &s->p.far;
	s->fd = s->p.near.fd;
	set_int(s->fd, SOL_SOCKET, SO_RCVBUFFORCE,
		variant->paced ? 4 << 20 : 200000);
	/* One record that has surely arrived is there to be replayed. */
	forge(far, old, far->tx.seq++);
	ASSERT_EQ(DATAGRAM, send(far->fd, old, DATAGRAM, 0));
	ASSERT_LT(0, recv_soon(s->fd, in, sizeof(in), 0));
	for (i = 0; i < BATCHES; i++)
		batch_make(far, s->batch[i], s->in_batch[i], old);
}

FIXTURE_TEARDOWN(flood)
{
	pair_close(&self->s.p);
}

/* There and back. Returns how many ns it took. */
static __u32 neighbour_round(struct dtls_pair *p, unsigned int number)
{
	struct timespec from, to;
	char out[100], in[200];

	fill(out, sizeof(out), number);
	must(!clock_gettime(CLOCK_MONOTONIC, &from));
	must(send(p->near.fd, out, sizeof(out), 0) == sizeof(out));
	must(recv(p->far.fd, in, sizeof(in), 0) == sizeof(out));
	must(send(p->far.fd, in, sizeof(out), 0) == sizeof(out));
	must(recv(p->near.fd, in, sizeof(in), 0) == sizeof(out));
	must(!clock_gettime(CLOCK_MONOTONIC, &to));
	must(!memcmp(in, out, sizeof(out)));
	return (to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec;
}

static void *neighbour_run(void *arg)
{
	struct neighbour *n = arg;
	struct dtls_pair keyed, plain;
	unsigned long i;
	__u32 took[2];
	int phase;

	pin_to(0);
	/* A namespace of its own, so that the counters are, too. */
	netns_new();
	pair_open(&keyed, SUITE_AES_128_GCM, FAMILY_V4, true);
	pair_prepare(&plain, SUITE_AES_128_GCM, FAMILY_V4, false);
	for (i = 0; !__atomic_load_n(&n->stop, __ATOMIC_RELAXED); i++) {
		phase = __atomic_load_n(&n->phase, __ATOMIC_RELAXED);
		took[0] = neighbour_round(&keyed, i);
		took[1] = neighbour_round(&plain, i);
		if (n->samples[phase] < SAMPLES) {
			n->keyed[phase][n->samples[phase]] = took[0];
			n->plain[phase][n->samples[phase]++] = took[1];
		}
		__atomic_add_fetch(&n->rounds, 1, __ATOMIC_RELAXED);
	}
	pair_close(&keyed);
	pair_close(&plain);
	return NULL;
}

static void neighbour_start(struct neighbour *n)
{
	int phase;

	for (phase = 0; phase < PHASES; phase++) {
		n->keyed[phase] = calloc(SAMPLES, sizeof(__u32));
		n->plain[phase] = calloc(SAMPLES, sizeof(__u32));
		must(n->keyed[phase] && n->plain[phase]);
	}
	must(!pthread_create(&n->thread, NULL, neighbour_run, n));
}

static unsigned long neighbour_rounds(const struct neighbour *n)
{
	return __atomic_load_n(&n->rounds, __ATOMIC_RELAXED);
}

/* Waits until the neighbour has got on by @rounds. */
static void neighbour_goes_on(const struct neighbour *n, unsigned long rounds)
{
	rounds += neighbour_rounds(n);
	while (neighbour_rounds(n) < rounds)
		usleep(1000);
}

static void neighbour_end(struct neighbour *n)
{
	__atomic_store_n(&n->stop, true, __ATOMIC_RELAXED);
	must(!pthread_join(n->thread, NULL));
}

static int compare(const void *a, const void *b)
{
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return x < y ? -1 : x > y;
}

/*
 * The round in the middle: the machine may take its processor away from a few,
 * but not from most.
 */
static __u64 median(__u32 *ns, unsigned long nr)
{
	must(nr);
	qsort(ns, nr, sizeof(*ns), compare);
	return ns[nr / 2];
}

static __u64 mean(const __u32 *ns, unsigned long nr)
{
	__u64 sum = 0;
	unsigned long i;

	must(nr);
	for (i = 0; i < nr; i++)
		sum += ns[i];
	return sum / nr;
}

/* The neighbour gets on, and compared with plain UDP it does so as in peace. */
static void neighbour_check(struct neighbour *n)
{
	__u64 keyed[PHASES], plain[PHASES], keyed_mean, plain_mean;
	int i;

	keyed_mean = mean(n->keyed[WAR], n->samples[WAR]);
	plain_mean = mean(n->plain[WAR], n->samples[WAR]);
	for (i = 0; i < PHASES; i++) {
		keyed[i] = median(n->keyed[i], n->samples[i]);
		plain[i] = median(n->plain[i], n->samples[i]);
		printf("# %s: %llu ns with keys, %llu without\n",
		       i == PEACE ? "in peace" : "in the flood", keyed[i],
		       plain[i]);
	}
	printf("# in the flood, with what the machine does meanwhile: %llu, %llu\n",
	       keyed_mean, plain_mean);
	must(keyed[WAR] * plain[PEACE] < 2 * keyed[PEACE] * plain[WAR]);
	/* That is blind for a few long waits; this is not, but less exact. */
	must(keyed_mean * plain[PEACE] < 4 * keyed[PEACE] * plain_mean);
}

static __u32 sock_mem(int fd, int what)
{
	__u32 mem[SK_MEMINFO_VARS];
	socklen_t len = sizeof(mem);

	must(!getsockopt(fd, SOL_SOCKET, SO_MEMINFO, mem, &len));
	return mem[what];
}

/* kB of a line of /proc/meminfo. */
static long mem_info(const char *name)
{
	char key[64];
	long value;
	FILE *f = fopen("/proc/meminfo", "r");

	must(f);
	while (fscanf(f, "%63s %ld%*[^\n]", key, &value) == 2)
		if (!strcmp(key, name)) {
			fclose(f);
			return value;
		}
	die("no %s", name);
}

static bool receive(struct scene *s, int flags)
{
	struct text t;
	ssize_t n;

	n = recv(s->fd, &t, sizeof(t), flags);
	if (n < 0) {
		must(errno == EAGAIN);
		return false;
	}
	must(n == sizeof(t));
	/* Loopback keeps the order: a number is new, and authentic. */
	must(t.number > s->highest && t.number <=
	     __atomic_load_n(&s->authentic, __ATOMIC_ACQUIRE));
	s->highest = t.number;
	s->got++;
	if (t.end)
		__atomic_store_n(&s->ended, true, __ATOMIC_RELEASE);
	return true;
}

struct receiver {
	struct scene *s;
	int cpu;
	bool polls;
};

static void *receiver_run(void *arg)
{
	struct receiver *r = arg;
	struct pollfd p = { .fd = r->s->fd, .events = POLLIN };

	pin_to(r->cpu);
	while (!r->s->ended) {
		if (r->polls) {
			must(poll(&p, 1, -1) == 1 && p.revents == POLLIN);
			/* nobody else reads: it must be true */
			must(receive(r->s, MSG_DONTWAIT));
		} else {
			must(receive(r->s, 0));
		}
	}
	return NULL;
}

static void authentic(struct scene *s, bool end)
{
	__u8 rec[RECORD_ROOM];
	__u64 number = s->authentic + 1;
	size_t n = text_seal(&s->p.far, number, end, rec);

	__atomic_store_n(&s->authentic, number, __ATOMIC_RELEASE);
	must(send(s->p.far.fd, rec, n, 0) == (ssize_t)n);
}

static void send_batch(struct scene *s, unsigned int b)
{
	union {
		char buf[CMSG_SPACE(sizeof(__u16))];
		struct cmsghdr align;
	} u = {};
	struct iovec iov = { s->batch[b], sizeof(s->batch[b]) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.buf,
		.msg_controllen = sizeof(u.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	__u16 size = DATAGRAM;
	int k;

	c->cmsg_level = SOL_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(c), &size, sizeof(size));
	must(sendmsg(s->p.far.fd, &msg, 0) == (ssize_t)iov.iov_len);
	for (k = 0; k < KINDS; k++)
		s->sent[k] += s->in_batch[b][k];
}

/* Waits until the receiver has left no more than this in the queue. */
static void pace(struct scene *s, __u32 bytes)
{
	while (sock_mem(s->fd, SK_MEMINFO_RMEM_ALLOC) > bytes)
		sched_yield();
}

static void flood(struct scene *s, unsigned long datagrams,
		  bool paced)
{
	__u32 room = sock_mem(s->fd, SK_MEMINFO_RCVBUF) / 2;
	unsigned long i;

	for (i = 0; i < datagrams / BATCH; i++) {
		if (paced)
			pace(s, room);
		send_batch(s, i % BATCHES);
		if (i % AUTHENTIC == 0)
			authentic(s, false);
	}
	settle();
	pace(s, 0);
}

/* All that came is in one of the counters of its kind. */
static unsigned long long tallied(struct scene *s)
{
	unsigned long long by_type = 0, seen, sent, sum = 0;
	int k;

	for (k = 0; k < KINDS; k++) {
		sent = s->sent[k];
		seen = stat_read(counter[k][0]);
		if (counter[k][1])
			seen += stat_read(counter[k][1]);
		if (k == JUNK) {
			by_type = sent;
			continue;
		}
		if (k == TYPE)
			sent += by_type;
		if (seen > sent)
			die("%s is %llu of %llu", counter[k][0], seen, sent);
		sum += seen;
	}
	must(sum == stat_drops());
	return sum;
}

TEST_F_TIMEOUT(flood, stays_outside, 1200)
{
	unsigned long datagrams = effort(100000, 6000, 3400000);
	struct scene *s = &self->s;
	struct receiver r = { s, variant->receiver_cpu, variant->polls };
	struct neighbour *n = &s->beside;
	unsigned long rounds = 0, before;
	unsigned long long drops, lost, sent = 0;
	struct dtls_keys state;
	long slab, slab_after;
	int i, k;

	ASSERT_EQ(0, pthread_create(&s->receiver, NULL, receiver_run, &r));
	neighbour_start(n);
	/* Once for the caches. */
	flood(s, 2000, true);
	neighbour_goes_on(n, 1);
	slab = mem_info("SUnreclaim:");
	/* In turns, as what else the machine has to do comes and goes. */
	for (i = 0; i < SLICES; i++) {
		__atomic_store_n(&n->phase, PEACE, __ATOMIC_RELAXED);
		neighbour_goes_on(n, effort(200, 5, 200));
		__atomic_store_n(&n->phase, WAR, __ATOMIC_RELAXED);
		before = neighbour_rounds(n);
		flood(s, datagrams / SLICES, variant->paced);
		rounds += neighbour_rounds(n) - before;
	}
	neighbour_end(n);

	for (i = 0; !__atomic_load_n(&s->ended, __ATOMIC_ACQUIRE); i++) {
		must(i < 10000);
		authentic(s, true);
		usleep(1000);
	}
	ASSERT_EQ(0, pthread_join(s->receiver, NULL));
	settle();
	while (receive(s, MSG_DONTWAIT))
		;

	/* Every datagram is accounted for. */
	drops = sock_mem(s->fd, SK_MEMINFO_DROPS);
	for (k = 0; k < KINDS; k++)
		sent += s->sent[k];
	TH_LOG("%llu forged and %llu authentic: %llu lost, %llu records",
	       sent, s->authentic, drops, s->got);
	/* a batch that finds no room is one drop, as a record alone is */
	lost = s->authentic - s->got;
	ASSERT_LE(lost, drops);
	ASSERT_EQ(sent, tallied(s) + (drops - lost) * BATCH);
	ASSERT_EQ(s->got + 1, stat_read("RxRecords"));
	if (variant->paced) {
		ASSERT_EQ(0, drops);
		ASSERT_EQ(s->authentic, s->got);
	}
	ASSERT_LT(0, s->got);

	/* Nothing of it has moved the window. */
	key_state(s->fd, DTLS_RX, &state);
	ASSERT_EQ(s->got + 1, state.records);
	ASSERT_EQ(FIRST_SEQ + 1 + s->highest, state.seq);
	ASSERT_EQ(stat_read("RxDropAuth"), state.drop_auth);
	ASSERT_EQ(stat_read("RxDropReplay") + stat_read("RxDropOld"),
		  state.drop_replay);

	/* Nothing of it is still there. */
	ASSERT_EQ(0, sock_mem(s->fd, SK_MEMINFO_RMEM_ALLOC));
	ASSERT_EQ(0, sock_mem(s->fd, SK_MEMINFO_BACKLOG));
	slab_after = mem_info("SUnreclaim:");
	TH_LOG("slab %ld kB, then %ld kB", slab, slab_after);
	/* With KASAN freed memory waits in quarantine; kmemleak looks there. */
	if (!effort_slow())
		ASSERT_GT(slab + 4096, slab_after);

	/* Slow kernels take long for all, and the machine has more to do. */
	if (!effort_slow())
		neighbour_check(n);
	TH_LOG("%lu rounds beside the flood", rounds);
	ASSERT_LT(datagrams / 1000, rounds);
}

TEST_HARNESS_MAIN
