// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: pcrypt_v6 cryptd_v4 */
/* kselftest-kcsan: yes */
/* AEADs that answer later: pcrypt and cryptd. */
#include <kselftest_harness.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "lib/async.h"
#include "lib/pair.h"

FIXTURE(async) {
	struct dtls_pair p;
	struct async_gcm gcm;
};

FIXTURE_VARIANT(async) {
	const char *template;
	/* What it goes over; NULL for the best there is. */
	const char *base;
	int family;
};

FIXTURE_VARIANT_ADD(async, pcrypt_v4) { "pcrypt", NULL, FAMILY_V4 };
FIXTURE_VARIANT_ADD(async, pcrypt_v6) { "pcrypt", NULL, FAMILY_V6 };
FIXTURE_VARIANT_ADD(async, cryptd_v4) { "cryptd", ASYNC_SYNC_BASE, FAMILY_V4 };

FIXTURE_SETUP(async)
{
	netns_new();
	if (!async_gcm_on(&self->gcm, variant->template, variant->base))
		SKIP(return, "no %s here", self->gcm.driver);
	pair_open(&self->p, SUITE_AES_128_GCM, variant->family, true);
	set_int(self->p.near.fd, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20);
	set_int(self->p.far.fd, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20);
}

/* Nothing must hold it any more, or the rest of the guest runs async. */
FIXTURE_TEARDOWN(async)
{
	pair_close(&self->p);
	async_gcm_off(&self->gcm);
}

static __u8 out[16384], in[16384];

TEST_F(async, both_ways)
{
	struct dtls_end *e[2] = { &self->p.near, &self->p.far };
	static const size_t size[] = { 0, 1, 16, 1200, 4097, 16384 };
	unsigned int i;
	ssize_t n;

	for (i = 0; i < 2 * ARRAY_SIZE(size); i++) {
		n = size[i / 2];
		fill(out, n, i);
		ASSERT_EQ(n, send(e[i % 2]->fd, out, n, 0));
		ASSERT_EQ(n, recv(e[!(i % 2)]->fd, in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(in, out, n));
	}
	/* It really was async. */
	ASSERT_LT(0, stat_read("TxAsync"));
	ASSERT_LT(0, stat_read("RxAsync"));
	ASSERT_EQ(0, stat_drops());
}

TEST_F(async, batches)
{
	int i;

	fill(out, sizeof(out), 5);
	ASSERT_EQ(0, set_int(self->p.near.fd, SOL_UDP, UDP_SEGMENT, 200));
	ASSERT_EQ(16384, send(self->p.near.fd, out, 16384, 0));
	for (i = 0; i < 81; i++) {
		ASSERT_EQ(200, recv(self->p.far.fd, in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(in, out + 200 * i, 200));
	}
	ASSERT_EQ(184, recv(self->p.far.fd, in, sizeof(in), 0));
}

/* The tag is checked later, too: a forgery is still one. */
TEST_F(async, forged)
{
	__u8 rec[RECORD_ROOM];
	struct dtls_pair p;
	size_t n;

	pair_open(&p, SUITE_AES_128_GCM, variant->family, false);
	n = oracle_seal(&p.far.tx, DTLS_TYPE_DATA, "evil", 4, rec);
	rec[n - 1] ^= 1;
	ASSERT_EQ(n, send(p.far.fd, rec, n, 0));
	ASSERT_EQ(false, select_now(p.near.fd));
	ASSERT_EQ(1, stat_read("RxDropAuth"));
	rec[n - 1] ^= 1;
	ASSERT_EQ(n, send(p.far.fd, rec, n, 0));
	ASSERT_EQ(true, select_now(p.near.fd));
	ASSERT_EQ(4, recv(p.near.fd, in, sizeof(in), 0));
	ASSERT_EQ(4, send(p.near.fd, "good", 4, 0));
	ASSERT_EQ(4, end_recv(&p.far, in, sizeof(in), 0));
	pair_close(&p);
}

/* Processors that pcrypt may use; false if it cannot be told. */
static bool pcrypt_cpus(const char *way, const char *mask)
{
	char path[80];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/pcrypt/%s/parallel_cpumask",
		 way);
	f = fopen(path, "w");
	if (!f)
		return false;
	fputs(mask, f);
	return !fclose(f);
}

/* The AEAD refuses: what it was to seal is not sent, what to open is dropped. */
TEST_F(async, refuses)
{
	struct dtls_keys before, after;
	int i;

	if (strcmp(variant->template, "pcrypt"))
		return;
	fill(out, sizeof(out), 5);
	key_state(self->p.near.fd, DTLS_TX, &before);
	ASSERT_EQ(true, pcrypt_cpus("pencrypt", "0"));
	for (i = 0; i < 2; i++) {
		/* a record, and a batch */
		ASSERT_EQ(0, set_int(self->p.near.fd, SOL_UDP, UDP_SEGMENT,
				     i * 200));
		ASSERT_EQ(-1, send(self->p.near.fd, out, 1000, 0));
		ASSERT_EQ(EINVAL, errno);
	}
	ASSERT_EQ(true, pcrypt_cpus("pencrypt", "3"));
	ASSERT_EQ(0, set_int(self->p.near.fd, SOL_UDP, UDP_SEGMENT, 0));
	ASSERT_EQ(1000, send(self->p.near.fd, out, 1000, 0));
	ASSERT_EQ(1000, recv_soon(self->p.far.fd, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, out, 1000));
	ASSERT_EQ(-1, recv_soon(self->p.far.fd, in, sizeof(in), 0));
	/* numbers that were taken are lost */
	key_state(self->p.near.fd, DTLS_TX, &after);
	ASSERT_LE(before.seq + 3, after.seq);

	ASSERT_EQ(1000, send(self->p.near.fd, out, 1000, 0));
	settle();
	ASSERT_EQ(true, pcrypt_cpus("pdecrypt", "0"));
	ASSERT_EQ(-1, recv(self->p.far.fd, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(true, pcrypt_cpus("pdecrypt", "3"));
	ASSERT_EQ(1, stat_read("RxDropCrypto"));
	ASSERT_EQ(1, stat_drops());
	/* that was no forgery, and moves no window */
	key_state(self->p.far.fd, DTLS_RX, &after);
	ASSERT_EQ(0, after.drop_auth);
	ASSERT_EQ(1000, send(self->p.near.fd, out, 1000, 0));
	ASSERT_EQ(1000, recv_soon(self->p.far.fd, in, sizeof(in), 0));
}

static atomic_uint arrived, sent;

static void *sender(void *arg)
{
	__u32 i;

	for (i = 0; i < 100; i++) {
		must(send(*(int *)arg, &i, sizeof(i), 0) == sizeof(i));
		atomic_fetch_add(&sent, 1);
	}
	return NULL;
}

static void *receiver(void *arg)
{
	__u32 i;

	while (recv(*(int *)arg, &i, sizeof(i), 0) == sizeof(i))
		atomic_fetch_add(&arrived, 1);
	return NULL;
}

/* Requests of many threads in flight at once: all arrive, none twice. */
TEST_F(async, threads)
{
	pthread_t t[8];
	int i;

	for (i = 0; i < 4; i++) {
		pthread_create(&t[i], NULL, sender, &self->p.near.fd);
		pthread_create(&t[4 + i], NULL, receiver, &self->p.far.fd);
	}
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	while (atomic_load(&arrived) < 400)
		usleep(1000);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, send(self->p.near.fd, "", 0, 0));
	for (i = 0; i < 4; i++)
		pthread_join(t[4 + i], NULL);
	ASSERT_EQ(400, atomic_load(&arrived));
	ASSERT_EQ(404, stat_read("TxRecords"));
	ASSERT_EQ(0, stat_drops());
}

/* Processes die with requests in flight; nothing is freed under those. */
TEST_F(async, killed_in_flight)
{
	int i, j;

	for (i = 0; i < 10; i++) {
		struct dtls_pair p;
		pid_t child;

		pair_open(&p, SUITE_AES_128_GCM, variant->family, true);
		child = spawn();
		if (!child) {
			pair_close(&self->p);
			if (!spawn())
				for (;;)
					recv(p.far.fd, in, sizeof(in), 0);
			for (;;)
				send(p.near.fd, out, 8000, 0);
		}
		pair_close(&p);
		for (j = 0; j < i * 3; j++)
			sched_yield();
		while (stat_read("TxAsync") <= (unsigned int)i)
			sched_yield();
		stop_child(child);
	}
}

/* close() by one thread, while others are in the cipher. */
TEST_F(async, closed_under_traffic)
{
	pthread_t t[4];
	struct dtls_pair p;
	int i, fd[4];

	pair_open(&p, SUITE_AES_128_GCM, variant->family, true);
	for (i = 0; i < 4; i++) {
		/* Each has a descriptor of its own, which will be the last. */
		fd[i] = dup(i < 2 ? p.near.fd : p.far.fd);
		pthread_create(&t[i], NULL, i < 2 ? sender : receiver, &fd[i]);
	}
	while (atomic_load(&sent) < 10)
		sched_yield();
	pair_close(&p);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	shutdown(fd[2], SHUT_RDWR);
	pthread_join(t[2], NULL);
	pthread_join(t[3], NULL);
	for (i = 0; i < 4; i++)
		close(fd[i]);
}

/* Keys change while requests under the old ones are in flight. */
TEST_F(async, keys_change)
{
	struct oracle_key k = self->p.near.tx;
	pthread_t t[2];
	int i;

	pthread_create(&t[0], NULL, sender, &self->p.near.fd);
	pthread_create(&t[1], NULL, sender, &self->p.near.fd);
	for (i = 2; i < 30; i++) {
		k.epoch = i;
		ASSERT_EQ(0, key_install(self->p.near.fd, DTLS_TX, &k));
	}
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	ASSERT_EQ(200, stat_read("TxRecords"));
}

TEST_HARNESS_MAIN
