// SPDX-License-Identifier: GPL-2.0-only
/* kernel/replay.c against a model that remembers every number it has seen. */
#include <kselftest_harness.h>

#include <stdlib.h>
#include <string.h>

#include "../../kernel/replay.c"

#define MODEL_MAX	65536
#define SEQ_LAST	((1ULL << 48) - 2)

/* Slow and obvious: a list of the numbers seen, and the highest. */
struct model {
	u64 next, start;
	u32 window;
	unsigned int count;
	u64 seen[MODEL_MAX];
};

static enum dtls_replay_verdict model_check(const struct model *m, u64 seq)
{
	unsigned int i;

	if (seq + m->window < m->next)
		return DTLS_REPLAY_OLD;
	if (seq < m->start)
		return DTLS_REPLAY_SEEN;
	for (i = 0; i < m->count; i++)
		if (m->seen[i] == seq)
			return DTLS_REPLAY_SEEN;
	return DTLS_REPLAY_NEW;
}

static enum dtls_replay_verdict model_commit(struct model *m, u64 seq)
{
	enum dtls_replay_verdict v = model_check(m, seq);

	if (v != DTLS_REPLAY_NEW)
		return v;
	m->seen[m->count++] = seq;
	if (seq >= m->next)
		m->next = seq + 1;
	return v;
}

static struct dtls_replay *replay_new(u32 window, u64 next)
{
	struct dtls_replay *r = malloc(sizeof(*r) + dtls_replay_map_bytes(window));

	memset(r, 0xa5, sizeof(*r) + dtls_replay_map_bytes(window));
	dtls_replay_init(r, window, next);
	return r;
}

static u64 rng_state;

static u32 rng(void)
{
	rng_state = rng_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return rng_state >> 33;
}

FIXTURE(replay) {
	struct dtls_replay *r;
	struct model *m;
};

FIXTURE_VARIANT(replay) {
	u32 window;
	u64 start;
};

FIXTURE_VARIANT_ADD(replay, smallest) { .window = 64 };
FIXTURE_VARIANT_ADD(replay, from_number) { .window = 64, .start = 4711 };
FIXTURE_VARIANT_ADD(replay, two_words) { .window = 128, .start = 63 };
FIXTURE_VARIANT_ADD(replay, usual) { .window = 1024, .start = 1 };
FIXTURE_VARIANT_ADD(replay, large) { .window = 65536, .start = 1ULL << 40 };

FIXTURE_SETUP(replay)
{
	self->r = replay_new(variant->window, variant->start);
	self->m = calloc(1, sizeof(*self->m));
	self->m->window = variant->window;
	self->m->start = variant->start;
	self->m->next = variant->start;
}

FIXTURE_TEARDOWN(replay)
{
	free(self->r);
	free(self->m);
}

TEST_F(replay, in_order)
{
	u64 i, n = variant->window * 3ULL;

	for (i = variant->start; i < variant->start + n; i++) {
		ASSERT_EQ(DTLS_REPLAY_NEW, dtls_replay_check(self->r, i));
		ASSERT_EQ(DTLS_REPLAY_NEW, dtls_replay_commit(self->r, i));
		ASSERT_EQ(DTLS_REPLAY_SEEN, dtls_replay_commit(self->r, i));
		ASSERT_EQ(i + 1, self->r->next);
	}
}

/* With N the highest, N - window + 1 is the last that can still be told. */
TEST_F(replay, edges)
{
	u64 top = variant->start + 5ULL * variant->window + 17;

	ASSERT_EQ(DTLS_REPLAY_NEW, dtls_replay_commit(self->r, top));
	ASSERT_EQ(DTLS_REPLAY_OLD,
		  dtls_replay_check(self->r, top - variant->window));
	ASSERT_EQ(DTLS_REPLAY_OLD,
		  dtls_replay_commit(self->r, top - variant->window));
	ASSERT_EQ(DTLS_REPLAY_NEW,
		  dtls_replay_commit(self->r, top - variant->window + 1));
	ASSERT_EQ(DTLS_REPLAY_SEEN,
		  dtls_replay_commit(self->r, top - variant->window + 1));
	ASSERT_EQ(DTLS_REPLAY_SEEN, dtls_replay_check(self->r, top));

	/* One step on: what was the edge is now beyond it. */
	ASSERT_EQ(DTLS_REPLAY_NEW, dtls_replay_commit(self->r, top + 1));
	ASSERT_EQ(DTLS_REPLAY_OLD,
		  dtls_replay_check(self->r, top - variant->window + 1));
	ASSERT_EQ(DTLS_REPLAY_NEW,
		  dtls_replay_check(self->r, top - variant->window + 2));
}

TEST_F(replay, below_start_is_seen)
{
	u64 i;

	for (i = variant->start; i-- > 0 && variant->start - i < 2000;)
		ASSERT_NE(DTLS_REPLAY_NEW, dtls_replay_commit(self->r, i));
	ASSERT_EQ(variant->start, self->r->next);
	ASSERT_EQ(DTLS_REPLAY_NEW, dtls_replay_commit(self->r, variant->start));
}

TEST_F(replay, check_changes_nothing)
{
	size_t size = sizeof(*self->r) + dtls_replay_map_bytes(variant->window);
	struct dtls_replay *before = malloc(size);
	int i;

	dtls_replay_commit(self->r, variant->start + 70);
	memcpy(before, self->r, size);
	for (i = 0; i < 2000; i++)
		dtls_replay_check(self->r, variant->start + rng() % 5000);
	ASSERT_EQ(0, memcmp(before, self->r, size));
	free(before);
}

/* Jumps of every size around a word, the window, and the end of numbers. */
TEST_F(replay, jumps)
{
	u64 w = variant->window;
	u64 jump[] = { 1, 2, 63, 64, 65, w - 1, w, w + 1, 2 * w - 1, 2 * w,
		       2 * w + 1, 1ULL << 33 };
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(jump); i++) {
		u64 from = self->r->next, top = from + jump[i];

		ASSERT_EQ(DTLS_REPLAY_NEW, dtls_replay_commit(self->r, top));
		/* Everything jumped over is new, once. */
		for (k = 1; k <= jump[i] && k < w; k++) {
			ASSERT_EQ(DTLS_REPLAY_NEW,
				  dtls_replay_commit(self->r, top - k))
				TH_LOG("jump %u, %u below", i, k);
			ASSERT_EQ(DTLS_REPLAY_SEEN,
				  dtls_replay_commit(self->r, top - k));
		}
	}
	ASSERT_EQ(DTLS_REPLAY_NEW, dtls_replay_commit(self->r, SEQ_LAST));
	ASSERT_EQ(DTLS_REPLAY_SEEN, dtls_replay_commit(self->r, SEQ_LAST));
	ASSERT_EQ(DTLS_REPLAY_NEW, dtls_replay_commit(self->r, SEQ_LAST - 1));
}

TEST_F(replay, random_walk_as_the_model)
{
	u32 w = variant->window;
	u64 seq, back;
	int i;

	for (rng_state = 1, i = 0; i < 20000; i++) {
		u32 kind = rng() % 100;

		if (kind < 60)
			seq = self->m->next + rng() % 3;
		else if (kind < 70)
			seq = self->m->next + rng() % (2 * w);
		else
			seq = 0;
		back = rng() % (w + w / 4);
		if (kind >= 70 && self->m->next > back)
			seq = self->m->next - back;
		/* The model is slow: follow the list only so far. */
		if (self->m->count > 3000)
			break;
		ASSERT_EQ(model_check(self->m, seq),
			  dtls_replay_check(self->r, seq))
			TH_LOG("step %d: %llu, next %llu", i,
			       (unsigned long long)seq,
			       (unsigned long long)self->m->next);
		ASSERT_EQ(model_commit(self->m, seq),
			  dtls_replay_commit(self->r, seq));
		ASSERT_EQ(self->m->next, self->r->next);
	}
}

TEST_HARNESS_MAIN
