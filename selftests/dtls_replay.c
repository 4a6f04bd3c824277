// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* The replay window as the wire sees it: edges, order, counters, sizes. */
#include <kselftest_harness.h>

#include <errno.h>
#include <string.h>

#include "lib/pair.h"

FIXTURE(window) {
	struct dtls_pair p;
	int size;
};

FIXTURE_VARIANT(window) {
	int set;	/* 0: leave the default */
};

FIXTURE_VARIANT_ADD(window, of_64) { .set = 64 };
FIXTURE_VARIANT_ADD(window, by_default) { .set = 0 };
FIXTURE_VARIANT_ADD(window, of_1024) { .set = 1024 };
FIXTURE_VARIANT_ADD(window, of_4096) { .set = 4096 };
FIXTURE_VARIANT_ADD(window, largest) { .set = DTLS_WINDOW_MAX };

FIXTURE_SETUP(window)
{
	netns_new();
	pair_prepare(&self->p, SUITE_AES_128_GCM, FAMILY_V4, false);
	ASSERT_EQ(0, ulp_attach(self->p.near.fd));
	self->size = DTLS_WINDOW_DEFAULT;
	if (variant->set) {
		self->size = variant->set;
		ASSERT_EQ(0, set_int(self->p.near.fd, SOL_DTLS,
				     DTLS_REPLAY_WINDOW, variant->set));
	}
	self->p.near.rx.seq = 0;
	ASSERT_EQ(0, key_install(self->p.near.fd, DTLS_RX, &self->p.near.rx));
}

FIXTURE_TEARDOWN(window)
{
	pair_close(&self->p);
}

/* Sends record number @seq; true if it was delivered. */
static bool arrives(struct dtls_pair *p, __u64 seq)
{
	__u8 rec[RECORD_ROOM], in[16];
	size_t n;
	ssize_t r;

	n = oracle_seal_seq(&p->far.tx, seq, DTLS_TYPE_DATA, &seq, sizeof(seq),
			    rec);
	must(send(p->far.fd, rec, n, 0) == (ssize_t)n);
	r = recv_soon(p->near.fd, in, sizeof(in), 0);
	if (r < 0) {
		must(errno == EAGAIN);
		return false;
	}
	must(r == sizeof(seq) && !memcmp(in, &seq, sizeof(seq)));
	return true;
}

TEST_F(window, reported)
{
	struct dtls_keys k;

	key_state(self->p.near.fd, DTLS_RX, &k);
	ASSERT_EQ(self->size, k.window);
	ASSERT_EQ(self->size,
		  get_int(self->p.near.fd, SOL_DTLS, DTLS_REPLAY_WINDOW));
}

TEST_F(window, edges)
{
	__u64 top = 3ULL * self->size + 100;
	struct dtls_keys k;

	ASSERT_EQ(true, arrives(&self->p, top));
	ASSERT_EQ(false, arrives(&self->p, top - self->size));
	ASSERT_EQ(1, stat_read("RxDropOld"));
	ASSERT_EQ(true, arrives(&self->p, top - self->size + 1));
	ASSERT_EQ(false, arrives(&self->p, top - self->size + 1));
	ASSERT_EQ(1, stat_read("RxDropReplay"));
	ASSERT_EQ(false, arrives(&self->p, top));
	ASSERT_EQ(2, stat_read("RxDropReplay"));
	ASSERT_EQ(true, arrives(&self->p, top - 1));
	ASSERT_EQ(false, arrives(&self->p, 0));
	ASSERT_EQ(2, stat_read("RxDropOld"));
	ASSERT_EQ(4, stat_drops());

	key_state(self->p.near.fd, DTLS_RX, &k);
	ASSERT_EQ(4, k.drop_replay);
	ASSERT_EQ(0, k.drop_auth);
	ASSERT_EQ(3, k.records);
	ASSERT_EQ(top + 1, k.seq);
}

TEST_F(window, reordered)
{
	__u64 i, base = 500;

	/* Evens up, odds down, then all of them again. */
	for (i = 0; i < 64; i += 2)
		ASSERT_EQ(true, arrives(&self->p, base + i));
	for (i = 63; i < 64; i -= 2)
		ASSERT_EQ(true, arrives(&self->p, base + i));
	for (i = 0; i < 64; i++)
		ASSERT_EQ(false, arrives(&self->p, base + i));
	ASSERT_EQ(64, stat_read("RxDropReplay"));
	ASSERT_EQ(0, stat_read("RxDropOld"));
}

/* Where the ring of bits comes round, nothing old may shine through. */
TEST_F(window, comes_round)
{
	__u64 i, step = self->size / 4 + 3, seq = 7;

	for (i = 0; i < 20; i++, seq += step) {
		ASSERT_EQ(true, arrives(&self->p, seq));
		ASSERT_EQ(false, arrives(&self->p, seq));
		ASSERT_EQ(true, arrives(&self->p, seq + 1));
		ASSERT_EQ(true, arrives(&self->p, seq - 1));
	}
}

TEST_F(window, far_jump_and_last_number)
{
	__u64 last = (1ULL << 48) - 1;

	ASSERT_EQ(true, arrives(&self->p, 1));
	ASSERT_EQ(true, arrives(&self->p, 1ULL << 40));
	ASSERT_EQ(false, arrives(&self->p, 2));
	ASSERT_EQ(true, arrives(&self->p, last));
	ASSERT_EQ(false, arrives(&self->p, last));
	ASSERT_EQ(true, arrives(&self->p, last - 1));
	ASSERT_EQ(false, arrives(&self->p, 1ULL << 40));
}

/* A forged number far ahead must not push the window on. */
TEST_F(window, forged_moves_nothing)
{
	__u8 rec[RECORD_ROOM];
	struct dtls_keys k;
	size_t n;

	ASSERT_EQ(true, arrives(&self->p, 10));
	n = oracle_seal_seq(&self->p.far.tx, 1ULL << 30, DTLS_TYPE_DATA, "x", 1,
			    rec);
	rec[n - 1] ^= 1;
	must(send(self->p.far.fd, rec, n, 0) == (ssize_t)n);
	ASSERT_EQ(0, poll_now(self->p.near.fd, POLLIN));
	ASSERT_EQ(1, stat_read("RxDropAuth"));
	ASSERT_EQ(true, arrives(&self->p, 9));
	ASSERT_EQ(true, arrives(&self->p, 11));
	key_state(self->p.near.fd, DTLS_RX, &k);
	ASSERT_EQ(12, k.seq);
}

/* A record that is only looked at counts as received all the same. */
TEST_F(window, peeked_is_seen)
{
	__u8 rec[RECORD_ROOM], in[16];
	size_t n;

	n = oracle_seal_seq(&self->p.far.tx, 5, DTLS_TYPE_DATA, "x", 1, rec);
	must(send(self->p.far.fd, rec, n, 0) == (ssize_t)n);
	ASSERT_EQ(1, recv(self->p.near.fd, in, sizeof(in), MSG_PEEK));
	must(send(self->p.far.fd, rec, n, 0) == (ssize_t)n);
	ASSERT_EQ(1, recv(self->p.near.fd, in, sizeof(in), 0));
	ASSERT_EQ(-1, recv_soon(self->p.near.fd, in, sizeof(in), 0));
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(1, stat_read("RxDropReplay"));
}

FIXTURE(start) {
	struct dtls_pair p;
};

FIXTURE_SETUP(start)
{
	netns_new();
	pair_prepare(&self->p, SUITE_CHACHA20, FAMILY_V6, false);
	ASSERT_EQ(0, ulp_attach(self->p.near.fd));
}

FIXTURE_TEARDOWN(start)
{
	pair_close(&self->p);
}

/* Everything below the installed number counts as received. */
TEST_F(start, below_installed_number)
{
	self->p.near.rx.seq = 100;
	ASSERT_EQ(0, key_install(self->p.near.fd, DTLS_RX, &self->p.near.rx));
	ASSERT_EQ(false, arrives(&self->p, 99));
	ASSERT_EQ(false, arrives(&self->p, 0));
	ASSERT_EQ(2, stat_read("RxDropReplay") + stat_read("RxDropOld"));
	ASSERT_EQ(true, arrives(&self->p, 100));
	ASSERT_EQ(false, arrives(&self->p, 99));
	ASSERT_EQ(true, arrives(&self->p, 101));
}

TEST_F(start, option)
{
	int fd = self->p.near.fd, size;

	ASSERT_EQ(DTLS_WINDOW_DEFAULT, get_int(fd, SOL_DTLS, DTLS_REPLAY_WINDOW));
	ASSERT_EQ(-1, set_int(fd, SOL_DTLS, DTLS_REPLAY_WINDOW,
			      DTLS_WINDOW_MIN - 1));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(-1, set_int(fd, SOL_DTLS, DTLS_REPLAY_WINDOW,
			      DTLS_WINDOW_MAX + 1));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(-1, set_int(fd, SOL_DTLS, DTLS_REPLAY_WINDOW, -1));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(DTLS_WINDOW_DEFAULT, get_int(fd, SOL_DTLS, DTLS_REPLAY_WINDOW));

	/* Any other size is rounded up, and holds at least what was asked. */
	ASSERT_EQ(0, set_int(fd, SOL_DTLS, DTLS_REPLAY_WINDOW, 100));
	size = get_int(fd, SOL_DTLS, DTLS_REPLAY_WINDOW);
	ASSERT_LE(100, size);
	ASSERT_EQ(0, size % 64);
	self->p.near.rx.seq = 0;
	ASSERT_EQ(0, key_install(fd, DTLS_RX, &self->p.near.rx));
	ASSERT_EQ(true, arrives(&self->p, 5000));
	ASSERT_EQ(true, arrives(&self->p, 5000 - size + 1));
	ASSERT_EQ(false, arrives(&self->p, 5000 - size));
	ASSERT_EQ(1, stat_read("RxDropOld"));

	ASSERT_EQ(-1, set_int(fd, SOL_DTLS, DTLS_REPLAY_WINDOW, 256));
	ASSERT_EQ(EBUSY, errno);
	ASSERT_EQ(size, get_int(fd, SOL_DTLS, DTLS_REPLAY_WINDOW));
}

/* Each read epoch has a window of its own. */
TEST_F(start, per_epoch)
{
	struct oracle_key old = self->p.near.rx;
	__u8 rec[RECORD_ROOM], in[4];
	size_t n;

	ASSERT_EQ(0, key_install(self->p.near.fd, DTLS_RX, &self->p.near.rx));
	ASSERT_EQ(true, arrives(&self->p, 7));
	keys_next(&self->p.far, &self->p.near, 2);
	ASSERT_EQ(0, key_install(self->p.near.fd, DTLS_RX, &self->p.near.rx));
	ASSERT_EQ(true, arrives(&self->p, 7));
	ASSERT_EQ(true, arrives(&self->p, 100000));
	n = oracle_seal_seq(&old, 8, DTLS_TYPE_DATA, "old", 3, rec);
	must(send(self->p.far.fd, rec, n, 0) == (ssize_t)n);
	ASSERT_EQ(3, recv_soon(self->p.near.fd, in, sizeof(in), 0));
	must(send(self->p.far.fd, rec, n, 0) == (ssize_t)n);
	ASSERT_EQ(-1, recv_soon(self->p.near.fd, in, sizeof(in), 0));
	ASSERT_EQ(1, stat_read("RxDropReplay"));
}

TEST_HARNESS_MAIN
