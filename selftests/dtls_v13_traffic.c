// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: yes */
/* kselftest-kcsan: yes */
/* kselftest-timeout: 300 */
/* kselftest-6.1: gcm_v6_cid ccm */
/*
 * Keys of DTLS 1.3 change while records fly, both ways, from either side, and
 * not one record is lost by it. Then over a network that loses, doubles and
 * reorders: what arrives is what was sent, and the keys change all the same.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "lib/batch.h"
#include "lib/chaos.h"
#include "lib/effort.h"
#include "lib/far13.h"

#define SIZE	200
#define BATCH	10
#define RECORDS	50000

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

/* One end: who sends, who receives, who renews the keys. */
struct side {
	int fd;
	unsigned int number;		/* to tell one from the other */
	int batch, request;		/* -1: renews nothing by itself */
	unsigned int records;		/* to send, and to receive */
	__u8 *seen;
	atomic_uint sent, received, updates;
	atomic_bool over;
};

static void make(__u8 *text, const struct side *s, __u32 i)
{
	fill(text, SIZE, i + 7 * s->number);
	memcpy(text, &i, sizeof(i));
	memcpy(text + 4, &s->number, sizeof(s->number));
}

static void *sender(void *arg)
{
	static __thread __u8 text[BATCH * SIZE];
	struct side *s = arg;
	unsigned int i, n = s->batch ? BATCH : 1, j;
	ssize_t ret;

	for (i = 0; i < s->records; i += n) {
		for (j = 0; j < n; j++)
			make(text + j * SIZE, s, i + j);
		ret = s->batch ? batch_send(s->fd, text, n * SIZE, SIZE, 0) :
				 send(s->fd, text, SIZE, 0);
		if (ret != n * SIZE)
			die("%zd bytes of record %u", ret, i);
		atomic_fetch_add(&s->sent, n);
	}
	return NULL;
}

/* A record of the peer, and none that was seen before. */
static void check(struct side *s, const __u8 *text)
{
	struct side peer = { .number = !s->number };
	__u8 want[SIZE];
	__u32 i;

	memcpy(&i, text, sizeof(i));
	make(want, &peer, i);
	must(i < s->records && !memcmp(text, want, SIZE));
	must(!s->seen[i]++);
	atomic_fetch_add(&s->received, 1);
}

static void *receiver(void *arg)
{
	struct side *s = arg;
	__u8 text[SIZE + 1];

	while (atomic_load(&s->received) < s->records) {
		must(recv(s->fd, text, sizeof(text), 0) == SIZE);
		check(s, text);
	}
	/* ACKs come still */
	while (!atomic_load(&s->over)) {
		struct pollfd p = { .fd = s->fd, .events = POLLIN };

		poll(&p, 1, 50);
		must(recv(s->fd, text, sizeof(text), MSG_DONTWAIT) == -1 &&
		     errno == EAGAIN);
	}
	return NULL;
}

/*
 * Not faster than records are sent, which belong to some epoch, too. A sender that
 * loses the processor meanwhile is waited for by the kernel.
 */
static void *updater(void *arg)
{
	unsigned int at = 0, step = 2 * BATCH;
	struct side *s = arg;

	while (atomic_load(&s->sent) < s->records - step) {
		if (atomic_load(&s->sent) < at) {
			usleep(100);
			continue;
		}
		if (!set_int(s->fd, SOL_DTLS, DTLS_KEY_UPDATE, s->request)) {
			atomic_fetch_add(&s->updates, 1);
			at = atomic_load(&s->sent) + step;
			continue;
		}
		must(errno == EALREADY);
		usleep(100);
	}
	return NULL;
}

FIXTURE(traffic13) {
	struct pair13 p;
	struct side side[2];
};

FIXTURE_VARIANT(traffic13) {
	__u16 suite;
	int family;
	unsigned int cid;
	int batch;
	int request[2];
};

FIXTURE_VARIANT_ADD(traffic13, gcm_v4) { SUITE13_AES_128_GCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(traffic13, gcm_v6_cid) { SUITE13_AES_256_GCM, FAMILY_V6, 4, 1 };
FIXTURE_VARIANT_ADD(traffic13, chacha_v6) { SUITE13_CHACHA20, FAMILY_V6, 0, 0, { 1, -1 } };
FIXTURE_VARIANT_ADD(traffic13, ccm) { SUITE13_AES_128_CCM, FAMILY_MAPPED, 0, 1, { 1, 1 } };

static __u8 seen[2][RECORDS];

FIXTURE_SETUP(traffic13)
{
	int i;

	netns_new();
	pair13_prepare(&self->p, variant->suite, variant->family, true);
	pair13_cids(&self->p, variant->cid, variant->cid);
	pair13_install(&self->p);
	for (i = 0; i < 2; i++) {
		struct side *s = &self->side[i];

		memset(s, 0, sizeof(*s));
		s->fd = i ? self->p.far.fd : self->p.near.fd;
		s->number = i;
		s->batch = variant->batch;
		s->request = variant->request[i];
		s->records = effort(3000, 1000, RECORDS);
		s->seen = seen[i];
		must(!set_int(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20));
	}
}

FIXTURE_TEARDOWN(traffic13)
{
	pair13_close(&self->p);
}

static __u64 epoch(int fd, int option)
{
	struct dtls_keys k;

	key_state(fd, option, &k);
	return k.epoch;
}

/*
 * All updates that are under way come to their end, and so do the answers, each
 * of which a work item may be about to start.
 */
static void quiet(struct side *s)
{
	while (get_int(s[0].fd, SOL_DTLS, DTLS_KEY_UPDATE) ||
	       get_int(s[1].fd, SOL_DTLS, DTLS_KEY_UPDATE) ||
	       epoch(s[0].fd, DTLS_TX) != epoch(s[1].fd, DTLS_RX) ||
	       epoch(s[1].fd, DTLS_TX) != epoch(s[0].fd, DTLS_RX))
		usleep(1000);
}

TEST_F(traffic13, nothing_lost)
{
	struct side *s = self->side;
	pthread_t t[6];
	int i, n = 4;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_create(&t[i], NULL, receiver, &s[i]));
		ASSERT_EQ(0, pthread_create(&t[2 + i], NULL, sender, &s[i]));
	}
	for (i = 0; i < 2 && s[i].request >= 0; i++)
		ASSERT_EQ(0, pthread_create(&t[n++], NULL, updater, &s[i]));
	for (i = 2; i < n; i++)
		ASSERT_EQ(0, pthread_join(t[i], NULL));
	while (atomic_load(&s[0].received) < s[0].records ||
	       atomic_load(&s[1].received) < s[1].records)
		usleep(1000);
	quiet(s);
	for (i = 0; i < 2; i++)
		atomic_store(&s[i].over, true);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_join(t[i], NULL));

	for (i = 0; i < 2; i++) {
		__u64 tx = epoch(s[i].fd, DTLS_TX);

		if (s[i].request >= 0)
			ASSERT_LE(1, s[i].updates);
		/* one for each of its own, and more if it was asked */
		ASSERT_LE(EPOCH13 + s[i].updates, tx);
		if (variant->request[!i] <= 0)
			ASSERT_EQ(EPOCH13 + s[i].updates, tx);
		TH_LOG("end %d: %u updates, epoch %llu", i, s[i].updates, tx);
	}
	ASSERT_EQ(0, stat_drops());
}

/* Between two ends that are kdtls a mean network, which this thread is. */
struct relay {
	int in[2];		/* what each end is connected to */
	atomic_bool over;
	struct rng r;
	unsigned int lost, doubled, late;
};

static void *relay(void *arg)
{
	static struct { size_t len; unsigned int age; __u8 data[2000]; } held[2];
	struct relay *n = arg;
	__u8 data[2000];
	int i;

	while (!atomic_load(&n->over)) {
		struct pollfd p[2] = {
			{ .fd = n->in[0], .events = POLLIN },
			{ .fd = n->in[1], .events = POLLIN },
		};

		poll(p, 2, 20);
		for (i = 0; i < 2; i++) {
			ssize_t len = recv(n->in[i], data, sizeof(data),
					   MSG_DONTWAIT);

			if (len < 0)
				continue;
			switch (rng_below(&n->r, 8)) {
			case 0:
				n->lost++;
				continue;
			case 1:
				send(n->in[!i], data, len, 0);
				n->doubled++;
				break;
			case 2:
				if (held[i].len)
					break;
				memcpy(held[i].data, data, len);
				held[i].len = len;
				held[i].age = 0;
				n->late++;
				continue;
			}
			send(n->in[!i], data, len, 0);
			/*
			 * Each may have been a KeyUpdate, and after four of them
			 * what is late would name the wrong keys (RFC 9147 4.2.2).
			 */
			if (held[i].len && (++held[i].age == 3 ||
					    rng_one_in(&n->r, 3))) {
				send(n->in[!i], held[i].data, held[i].len, 0);
				held[i].len = 0;
			}
		}
	}
	return NULL;
}

static void drain(struct side *s)
{
	__u8 text[SIZE + 1];

	while (recv(s->fd, text, sizeof(text), MSG_DONTWAIT) == SIZE)
		check(s, text);
	must(errno == EAGAIN);
}

TEST_F(traffic13, over_a_bad_network)
{
	struct relay n = {};
	__u8 text[SIZE];
	struct side *s = self->side;
	int fd[2][2], i, round, begun[2] = {};
	pthread_t t;

	/* in the place of the direct way */
	for (i = 0; i < 2; i++) {
		udp_pair(variant->family, fd[i]);
		s[i].fd = fd[i][0];
		n.in[i] = fd[i][1];
		close(i ? self->p.far.fd : self->p.near.fd);
	}
	self->p.near.fd = fd[0][0];
	self->p.far.fd = fd[1][0];
	pair13_install(&self->p);
	rng_init(&n.r, run_seed(), variant->suite);
	ASSERT_EQ(0, pthread_create(&t, NULL, relay, &n));

	for (round = 0; round < (int)effort(6, 3, 8); round++) {
		for (i = 0; i < 2 && s[i].request >= 0; i++) {
			/* an answer may be under way; one asks: losses take time */
			if (!set_int(s[i].fd, SOL_DTLS, DTLS_KEY_UPDATE,
				     !i && variant->request[i]))
				begun[i]++;
			else
				must(errno == EALREADY);
		}
		/* until both have been acknowledged, by whatever attempt */
		do {
			for (i = 0; i < 2; i++) {
				if (s[i].sent < s[i].records) {
					make(text, &s[i], s[i].sent++);
					must(send(s[i].fd, text, SIZE, 0) == SIZE);
				}
				drain(&s[i]);
			}
			usleep(1000);
		} while (get_int(s[0].fd, SOL_DTLS, DTLS_KEY_UPDATE) ||
			 get_int(s[1].fd, SOL_DTLS, DTLS_KEY_UPDATE));
	}
	for (i = 0; i < 2; i++) {
		ASSERT_LE(EPOCH13 + begun[i], (int)epoch(s[i].fd, DTLS_TX));
		ASSERT_LT(EPOCH13, epoch(s[i].fd, DTLS_TX));
		ASSERT_LT(0, s[i].received);
	}
	atomic_store(&n.over, true);
	ASSERT_EQ(0, pthread_join(t, NULL));
	TH_LOG("%u lost, %u doubled, %u late", n.lost, n.doubled, n.late);
	ASSERT_EQ(0, stat_read("RxDropAuth"));
	for (i = 0; i < 2; i++)
		close(n.in[i]);
}

TEST_HARNESS_MAIN
