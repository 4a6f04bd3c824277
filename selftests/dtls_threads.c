// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: yes */
/* kselftest-kcsan: yes */
/*
 * Many threads on one socket: every record arrives exactly once, no nonce is
 * used twice, and options, keys and closing may change under traffic.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "lib/pair.h"

#define THREADS		4
#define EACH		250
#define ALL		(THREADS * EACH)

/* What one record says of itself. */
struct mark {
	__u32 thread;
	__u32 number;
	__u8 fill[56];
};

FIXTURE(threads) {
	struct dtls_pair p;
	pthread_t t[2 * THREADS + 2];
};

FIXTURE_VARIANT(threads) {
	__u16 suite;
	int family;
	bool far_kernel;
};

FIXTURE_VARIANT_ADD(threads, gcm_v4_user) { SUITE_AES_128_GCM, FAMILY_V4, false };
FIXTURE_VARIANT_ADD(threads, chacha_v6_user) { SUITE_CHACHA20, FAMILY_V6, false };
FIXTURE_VARIANT_ADD(threads, ccm8_v4_kernel) { SUITE_AES_128_CCM_8, FAMILY_V4, true };
FIXTURE_VARIANT_ADD(threads, gcm_mapped_kernel) { SUITE_AES_256_GCM, FAMILY_MAPPED, true };

static struct dtls_pair *pair;
static atomic_uint count[THREADS][EACH];
static atomic_uint arrived, sent, stop;

FIXTURE_SETUP(threads)
{
	netns_new();
	pair_open(&self->p, variant->suite, variant->family,
		  variant->far_kernel);
	pair = &self->p;
	set_int(pair->near.fd, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20);
	set_int(pair->far.fd, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20);
}

FIXTURE_TEARDOWN(threads)
{
	pair_close(&self->p);
}

static void make_mark(struct mark *m, __u32 thread, __u32 number)
{
	m->thread = thread;
	m->number = number;
	fill(m->fill, sizeof(m->fill), thread * EACH + number);
}

static void check_mark(const struct mark *m)
{
	struct mark want;

	must(m->thread < THREADS && m->number < EACH);
	make_mark(&want, m->thread, m->number);
	must(!memcmp(m, &want, sizeof(want)));
	if (atomic_fetch_add(&count[m->thread][m->number], 1))
		die("record %u of thread %u twice", m->number, m->thread);
	atomic_fetch_add(&arrived, 1);
}

static void *sender(void *arg)
{
	__u32 thread = (unsigned long)arg, i;
	struct mark m;

	for (i = 0; i < EACH; i++) {
		make_mark(&m, thread, i);
		must(send(pair->near.fd, &m, sizeof(m), 0) == sizeof(m));
		atomic_fetch_add(&sent, 1);
	}
	return NULL;
}

/* Five records with each call. */
static void *batch_sender(void *arg)
{
	__u32 thread = (unsigned long)arg, i, j;
	struct mark m[5];

	for (i = 0; i < EACH; i += 5) {
		for (j = 0; j < 5; j++)
			make_mark(&m[j], thread, i + j);
		must(send(pair->near.fd, m, sizeof(m), 0) == sizeof(m));
		atomic_fetch_add(&sent, 5);
	}
	return NULL;
}

/* Until all have arrived; the end is told by an empty record for each. */
static void *receiver(void *arg)
{
	int fd = *(int *)arg;
	struct mark m;
	ssize_t n;

	for (;;) {
		n = recv(fd, &m, sizeof(m), 0);
		if (n == 0)
			return NULL;
		must(n == sizeof(m));
		check_mark(&m);
	}
}

static void *polling_receiver(void *arg)
{
	struct pollfd pfd = { .fd = *(int *)arg, .events = POLLIN };
	struct mark m;
	ssize_t n;

	for (;;) {
		must(poll(&pfd, 1, -1) == 1);
		n = recv(pfd.fd, &m, sizeof(m), MSG_DONTWAIT);
		if (n == 0)
			return NULL;
		/* Somebody else was faster. */
		if (n < 0) {
			must(errno == EAGAIN);
			continue;
		}
		must(n == sizeof(m));
		check_mark(&m);
	}
}

/* Every record that left, opened by the oracle, and its number counted. */
static void account(void)
{
	static bool seen[4 * ALL];
	static __u64 nonces[ALL];
	struct oracle_record r;
	unsigned int i, j, used;
	int got;

	used = pair->far.rx.suite->explicit_len;
	for (got = 0; got < ALL; got++) {
		must(oracle_recv(&pair->far, &r, 0) >= 0);
		must(r.len == sizeof(struct mark));
		must(r.h.seq >= FIRST_SEQ && r.h.seq < ARRAY_SIZE(seen));
		if (seen[r.h.seq])
			die("number %llu twice", r.h.seq);
		seen[r.h.seq] = true;
		memcpy(&nonces[got], r.h.nonce, 8);
		check_mark((struct mark *)r.data);
	}
	must(oracle_recv(&pair->far, &r, MSG_DONTWAIT) == -1);
	must(errno == EAGAIN);
	for (i = 0; used && i < ALL; i++)
		for (j = 0; j < i; j++)
			if (nonces[i] == nonces[j])
				die("one nonce twice");
}

TEST_F(threads, senders)
{
	long i;

	if (self->p.far.kernel)
		return;
	for (i = 0; i < THREADS; i++)
		pthread_create(&self->t[i], NULL, sender, (void *)i);
	for (i = 0; i < THREADS; i++)
		pthread_join(self->t[i], NULL);
	account();
	ASSERT_EQ(ALL, stat_read("TxRecords"));
}

TEST_F(threads, batch_senders)
{
	long i;

	if (self->p.far.kernel)
		return;
	ASSERT_EQ(0, set_int(pair->near.fd, SOL_UDP, UDP_SEGMENT,
			     sizeof(struct mark)));
	for (i = 0; i < THREADS; i++)
		pthread_create(&self->t[i], NULL, batch_sender, (void *)i);
	for (i = 0; i < THREADS; i++)
		pthread_join(self->t[i], NULL);
	account();
	ASSERT_EQ(ALL, stat_read("TxRecords"));
}

static void finish(struct _test_data_threads *self, struct dtls_end *from)
{
	long i;

	/* One end for each receiver. */
	while (atomic_load(&arrived) < ALL)
		usleep(1000);
	for (i = 0; i < THREADS; i++)
		must(end_send(from, "", 0, 0) == 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(self->t[THREADS + i], NULL);
}

TEST_F(threads, receivers)
{
	struct mark m;
	long i, j;

	for (i = 0; i < THREADS; i++)
		pthread_create(&self->t[THREADS + i], NULL,
			       i % 2 ? polling_receiver : receiver,
			       &pair->near.fd);
	for (i = 0; i < EACH; i++) {
		for (j = 0; j < THREADS; j++) {
			make_mark(&m, j, i);
			ASSERT_EQ(sizeof(m), end_send(&pair->far, &m,
						      sizeof(m), 0));
		}
	}
	finish(self, &pair->far);
	ASSERT_EQ(ALL, atomic_load(&arrived));
	ASSERT_EQ(0, stat_drops());
}

TEST_F(threads, senders_and_receivers)
{
	long i;

	if (!self->p.far.kernel)
		return;
	for (i = 0; i < THREADS; i++)
		pthread_create(&self->t[THREADS + i], NULL,
			       i % 2 ? polling_receiver : receiver,
			       &pair->far.fd);
	for (i = 0; i < THREADS; i++)
		pthread_create(&self->t[i], NULL, sender, (void *)i);
	for (i = 0; i < THREADS; i++)
		pthread_join(self->t[i], NULL);
	finish(self, &pair->near);
	ASSERT_EQ(ALL, atomic_load(&arrived));
	ASSERT_EQ(0, stat_drops());
}

/* Replays of everything, while several receive: each still comes once. */
TEST_F(threads, receivers_and_replays)
{
	__u8 rec[RECORD_ROOM];
	struct mark m;
	long i, n, k;

	if (self->p.far.kernel)
		return;
	for (i = 0; i < THREADS; i++)
		pthread_create(&self->t[THREADS + i], NULL, receiver,
			       &pair->near.fd);
	for (i = 0; i < ALL; i++) {
		make_mark(&m, i % THREADS, i / THREADS);
		n = oracle_seal(&pair->far.tx, DTLS_TYPE_DATA, &m, sizeof(m),
				rec);
		for (k = 0; k < 3; k++)
			ASSERT_EQ(n, send(pair->far.fd, rec, n, 0));
	}
	finish(self, &pair->far);
	while (stat_read("RxDropReplay") + stat_read("RxDropOld") < 2 * ALL)
		poll_now(pair->near.fd, POLLIN);
	ASSERT_EQ(2 * ALL, stat_drops());
}

static void *state_reader(void *arg)
{
	struct dtls_keys k;
	__u64 last = 0;

	(void)arg;
	while (!atomic_load(&stop)) {
		key_state(pair->near.fd, DTLS_TX, &k);
		must(k.epoch > last || (k.epoch == last));
		last = k.epoch;
		must(!k.key[0] && !k.key[15]);
		key_state(pair->near.fd, DTLS_RX, &k);
		get_int(pair->near.fd, SOL_DTLS, DTLS_MAX_PAYLOAD);
		set_int(pair->near.fd, SOL_DTLS, DTLS_RECVTYPE, 0);
		poll_now(pair->near.fd, POLLIN | POLLOUT);
	}
	return NULL;
}

/* New keys for both directions, again and again. */
static void *rekeyer(void *arg)
{
	struct oracle_key k = pair->near.tx;
	__u16 epoch;

	(void)arg;
	for (epoch = 2; !atomic_load(&stop); epoch++) {
		k.epoch = epoch;
		k.seq = FIRST_SEQ;
		must(!key_install(pair->near.fd, DTLS_TX, &k));
		must(!key_install(pair->near.fd, DTLS_RX, &k));
		sched_yield();
	}
	return NULL;
}

TEST_F(threads, keys_and_options_change)
{
	long i;

	pthread_create(&self->t[THREADS], NULL, state_reader, NULL);
	pthread_create(&self->t[THREADS + 1], NULL, rekeyer, NULL);
	for (i = 0; i < THREADS; i++)
		pthread_create(&self->t[i], NULL, sender, (void *)i);
	for (i = 0; i < THREADS; i++)
		pthread_join(self->t[i], NULL);
	atomic_store(&stop, 1);
	pthread_join(self->t[THREADS], NULL);
	pthread_join(self->t[THREADS + 1], NULL);
	ASSERT_EQ(ALL, stat_read("TxRecords"));
}

static void *until_closed(void *arg)
{
	struct mark m;
	ssize_t n;

	do
		n = recv(*(int *)arg, &m, sizeof(m), 0);
	while (n > 0);
	must(n == 0);
	return NULL;
}

static void *until_pipe(void *arg)
{
	struct mark m = {};

	(void)arg;
	while (send(pair->near.fd, &m, sizeof(m), MSG_NOSIGNAL) > 0)
		atomic_fetch_add(&sent, 1);
	must(errno == EPIPE);
	return NULL;
}

/* shutdown() while others send and receive: all end, in good order. */
TEST_F(threads, shutdown_under_traffic)
{
	long i;

	for (i = 0; i < THREADS; i++) {
		pthread_create(&self->t[i], NULL, until_pipe, NULL);
		pthread_create(&self->t[THREADS + i], NULL, until_closed,
			       &pair->near.fd);
	}
	while (atomic_load(&sent) < 50)
		sched_yield();
	ASSERT_EQ(0, shutdown(pair->near.fd, SHUT_RDWR));
	for (i = 0; i < 2 * THREADS; i++)
		pthread_join(self->t[i], NULL);
}

/* The peer's close_notify comes in the midst of it all. */
TEST_F(threads, close_notify_under_traffic)
{
	static const __u8 alert[2] = { ALERT_WARNING, ALERT_CLOSE_NOTIFY };
	long i;

	for (i = 0; i < THREADS; i++) {
		pthread_create(&self->t[i], NULL, until_pipe, NULL);
		pthread_create(&self->t[THREADS + i], NULL, until_closed,
			       &pair->near.fd);
	}
	while (atomic_load(&sent) < 50)
		sched_yield();
	ASSERT_EQ(2, end_send_type(&pair->far, DTLS_TYPE_ALERT, alert, 2));
	for (i = 0; i < 2 * THREADS; i++)
		pthread_join(self->t[i], NULL);
}

TEST_HARNESS_MAIN
