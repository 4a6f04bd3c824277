// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-timeout: 1200 */
/* kselftest-kcsan: yes */
/* kselftest-debug: yes */
/*
 * Many threads do everything at once to a few sockets, at random. Half of these
 * keep their keys, and their content is checked: authentic, each piece once. The
 * others are attached, keyed, exported, killed and closed meanwhile. No nonce
 * may be used twice, nothing may leave in the clear, nobody may hang.
 *
 * KDTLS_SEED=n for the same choices again, KDTLS_LONG=1 for minutes of it.
 */
#include <kselftest_harness.h>

#include "lib/async.h"
#include "lib/effort.h"
#include "lib/stress.h"

#define WORKERS		6	/* never sleep for want of something */
#define SLEEPERS	4
#define THREADS		(WORKERS + SLEEPERS)

static struct watched watched[THREADS];
static pthread_t threads[THREADS];
static unsigned int steps;

FIXTURE(stress) {
	struct async_gcm gcm;
};

FIXTURE_VARIANT(stress) {
	const char *template;
	const char *base;
};

FIXTURE_VARIANT_ADD(stress, sync) { NULL, NULL };
FIXTURE_VARIANT_ADD(stress, pcrypt) { "pcrypt", NULL };
FIXTURE_VARIANT_ADD(stress, cryptd) { "cryptd", ASYNC_SYNC_BASE };

FIXTURE_SETUP(stress)
{
	netns_new();
	if (variant->template &&
	    !async_gcm_on(&self->gcm, variant->template, variant->base))
		SKIP(return, "no %s here", self->gcm.driver);
	steps = effort(800, 400, 5000);
}

FIXTURE_TEARDOWN(stress)
{
	stress_linger(240);
	if (variant->template)
		async_gcm_off(&self->gcm);
}

static void *run(void *arg)
{
	unsigned int i, n = (long)arg;
	struct stress_task *t = calloc(1, sizeof(*t));

	must(t);
	stress_task_init(t, n, n >= WORKERS);
	watch_begin(&watched[n]);
	for (i = 0; i < steps || t->sleeper; i++) {
		if (atomic_load(&stress_stop))
			break;
		stress_step(t, &watched[n]);
	}
	stress_task_exit(t);
	watch_end(&watched[n]);
	free(t);
	return NULL;
}

static void start(unsigned int from, unsigned int to)
{
	long i;

	for (i = from; i < to; i++) {
		atomic_store(&watched[i].tid, -1);
		must(!pthread_create(&threads[i], NULL, run, (void *)i));
	}
}

static void nothing(void *arg)
{
	(void)arg;
}

TEST_F_TIMEOUT(stress, everything, 3600)
{
	unsigned int i;

	stress_open(run_seed());
	start(WORKERS, THREADS);
	start(0, WORKERS);
	watch_all(watched, WORKERS, nothing, NULL);
	/* those that keep their keys have come through */
	stress_works();
	/* and now nothing may sleep any more */
	atomic_store(&stress_stop, true);
	watch_all(watched, THREADS, stress_shut, NULL);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	stress_close();
	while (stat_read("CurrSockets") || stat_read("CurrAssociations"))
		usleep(1000);
	TH_LOG("%lu cells arrived, %lu records seen, %lu frames missed, %u sockets",
	       cells_count(), nonces_records(), nonces_missed(), stress_sockets());
	ASSERT_LT(0, cells_count());
	ASSERT_LT(0, nonces_records());
}

TEST_HARNESS_MAIN
