// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/*
 * How often a key of DTLS 1.3 may be used (RFC 9147 4.5.3): in time it is
 * renewed, and past the limit it is not used, whatever happens.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <string.h>

#include "lib/batch.h"
#include "lib/far13.h"

/* 2^24.5, 2^23, and the last number of all. */
#define LIMIT_GCM	23726566ULL
#define LIMIT_CCM	8388608ULL
#define LIMIT_SEQ	((1ULL << 48) - 1)

static __u8 in[65536];

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

FIXTURE(limit13) {
	struct pair13 p;
	struct end13 *far;
	int fd;
};

FIXTURE_VARIANT(limit13) {
	__u16 suite;
	__u64 limit;
};

FIXTURE_VARIANT_ADD(limit13, gcm128) { SUITE13_AES_128_GCM, LIMIT_GCM };
FIXTURE_VARIANT_ADD(limit13, gcm256) { SUITE13_AES_256_GCM, LIMIT_GCM };
FIXTURE_VARIANT_ADD(limit13, chacha) { SUITE13_CHACHA20, LIMIT_SEQ };
FIXTURE_VARIANT_ADD(limit13, ccm) { SUITE13_AES_128_CCM, LIMIT_CCM };
FIXTURE_VARIANT_ADD(limit13, ccm8) { SUITE13_AES_128_CCM_8, LIMIT_CCM };

FIXTURE_SETUP(limit13)
{
	netns_new();
	pair13_open(&self->p, variant->suite, FAMILY_V4, false);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
}

FIXTURE_TEARDOWN(limit13)
{
	pair13_close(&self->p);
}

/* Keys that have been used so often. */
static void used(struct pair13 *p, __u64 seq)
{
	keys13_next(&p->near, &p->far, p->near.tx.epoch + 1);
	p->near.tx.seq = seq;
	p->far.rx[0].next = seq;
	must(!key13_install(p->near.fd, DTLS_TX, &p->near.tx, NEAR13_MESSAGE));
}

static int recv_now(int fd)
{
	ssize_t n = recv_soon(fd, in, sizeof(in), 0);

	return n < 0 ? -errno : n;
}

/* A work item may have taken the ACK, and be at it. */
static void finished(int fd)
{
	while (get_int(fd, SOL_DTLS, DTLS_KEY_UPDATE)) {
		must(recv_now(fd) == -EAGAIN);
		usleep(1000);
	}
}

static int send_now(int fd)
{
	ssize_t n = send(fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 ? -errno : n;
}

/* By itself, from seven eighths on, and not before. */
TEST_F(limit13, renewed_in_time)
{
	__u64 mark = variant->limit - variant->limit / 8;
	struct seen13 s = {};
	unsigned int early;
	struct dtls_keys k;

	used(&self->p, mark - 1000);
	ASSERT_EQ(1, send_now(self->fd));
	ASSERT_EQ(0, get_int(self->fd, SOL_DTLS, DTLS_KEY_UPDATE));
	far13_collect(self->far, &s);
	ASSERT_EQ(0, s.updates);
	ASSERT_EQ(0, stat_read("TxKeyUpdates"));

	memset(&s, 0, sizeof(s));
	used(&self->p, mark + 1000);
	ASSERT_EQ(1, send_now(self->fd));
	while (!s.updates)
		far13_take(self->far, &s, 0);
	/* it may be faster than the record that was its reason */
	early = s.data;
	ASSERT_EQ(0, s.request);
	ASSERT_EQ(1, get_int(self->fd, SOL_DTLS, DTLS_KEY_UPDATE));
	ASSERT_EQ(-1, set_int(self->fd, SOL_DTLS, DTLS_KEY_UPDATE, 1));
	ASSERT_EQ(EALREADY, errno);
	/* nothing stops, and it is asked for once */
	ASSERT_EQ(1, send_now(self->fd));
	ASSERT_EQ(1, send_now(self->fd));
	far13_ack(self->far, &s.update, 1);
	finished(self->fd);
	key_state(self->fd, DTLS_TX, &k);
	ASSERT_EQ(EPOCH13 + 3, k.epoch);
	ASSERT_EQ(0, k.seq);
	ASSERT_EQ(NEAR13_MESSAGE + 1, k.message_seq);
	ASSERT_EQ(1, send_now(self->fd));
	far13_collect(self->far, &s);
	ASSERT_EQ(0, s.updates);
	ASSERT_EQ(4, early + s.data);
	ASSERT_EQ(EPOCH13 + 3, s.at.epoch);
	ASSERT_EQ(0, s.at.seq);
	ASSERT_EQ(0, get_int(self->fd, SOL_DTLS, DTLS_KEY_UPDATE));
}

/* The peer does not answer: up to the limit, and not one more. */
TEST_F(limit13, hard_stop)
{
	int i, sent = 0, left = 12;
	struct number13 update;
	struct seen13 s = {};
	struct pair13 clock;
	struct dtls_keys k;
	unsigned int all, early;

	used(&self->p, variant->limit - left);
	ASSERT_EQ(1, send_now(self->fd));
	while (!s.updates)
		far13_take(self->far, &s, 0);
	update = s.update;
	all = s.data + s.updates;
	early = s.data;
	for (i = 0; i < left + 3; i++) {
		int n = send_now(self->fd);

		if (n == 1) {
			/* once at the limit, always */
			ASSERT_EQ(i, sent);
			sent++;
			continue;
		}
		ASSERT_EQ(-EKEYEXPIRED, n);
	}
	ASSERT_LE(1, sent);
	/* what else it has sent is the KeyUpdate, which may come again */
	key_state(self->fd, DTLS_TX, &k);
	ASSERT_GE(variant->limit, k.seq);
	far13_collect(self->far, &s);
	/* the KeyUpdate may be faster than the record that was its reason */
	ASSERT_EQ(1 + sent, early + s.data);
	all += s.data + s.updates + s.repeats;
	ASSERT_GE(left, all);
	ASSERT_EQ(EPOCH13 + 1, s.at.epoch);
	ASSERT_GT(variant->limit, s.at.seq);
	ASSERT_GT(variant->limit, s.update.seq);
	ASSERT_EQ(-EKEYEXPIRED, send_now(self->fd));
	ASSERT_LE(1, stat_read("KeyLimit"));

	/*
	 * The answer is late, when the KeyUpdate could not be repeated any more,
	 * but it comes. Another association tells the time: its is repeated.
	 */
	pair13_open(&clock, variant->suite, FAMILY_V4, false);
	ASSERT_EQ(0, set_int(clock.near.fd, SOL_DTLS, DTLS_KEY_UPDATE, 0));
	memset(&s, 0, sizeof(s));
	while (!s.repeats)
		far13_take(&clock.far, &s, 0);
	pair13_close(&clock);
	ASSERT_EQ(-EKEYEXPIRED, send_now(self->fd));
	ASSERT_EQ(1, get_int(self->fd, SOL_DTLS, DTLS_KEY_UPDATE));
	far13_ack(self->far, &update, 1);
	finished(self->fd);
	ASSERT_EQ(1, send_now(self->fd));
	far13_collect(self->far, &s);
	ASSERT_EQ(1, s.data);
	ASSERT_EQ(EPOCH13 + 2, s.at.epoch);
}

/* A batch that does not fit into what is left. */
TEST_F(limit13, hard_stop_in_a_batch)
{
	static __u8 out[40 * 100];
	unsigned int all = 0;
	struct seen13 s;
	ssize_t n;

	used(&self->p, variant->limit - 20);
	n = batch_send(self->fd, out, sizeof(out), 100, 0);
	ASSERT_LE(-1, n);
	ASSERT_GE(20 * 100, n);
	ASSERT_EQ(-1, batch_send(self->fd, out, sizeof(out), 100, 0));
	ASSERT_EQ(EKEYEXPIRED, errno);
	far13_collect(self->far, &s);
	all = s.data + s.updates + s.repeats;
	ASSERT_GE(20, all);
	ASSERT_EQ(n < 0 ? 0 : n / 100, s.data);
	if (s.data)
		ASSERT_GT(variant->limit, s.at.seq);
}

/* Installed when it was used up already. */
TEST_F(limit13, used_up)
{
	used(&self->p, variant->limit);
	ASSERT_EQ(-EKEYEXPIRED, send_now(self->fd));
	ASSERT_EQ(-EKEYEXPIRED, send_now(self->fd));
	ASSERT_EQ(true, far13_silent(self->far));
	/* new keys, new life */
	used(&self->p, 0);
	ASSERT_EQ(1, send_now(self->fd));
	ASSERT_EQ(1, end13_recv(self->far, in, sizeof(in), MSG_DONTWAIT));
}

/* The peer's numbers are the peer's business, up to the last of all. */
TEST_F(limit13, received)
{
	__u8 rec[RECORD13_ROOM];

	keys13_next(self->far, &self->p.near, EPOCH13 + 1);
	self->far->tx.seq = LIMIT_SEQ - 2;
	self->p.near.rx[0].key.seq = LIMIT_SEQ - 2;
	ASSERT_EQ(0, key13_install(self->fd, DTLS_RX, &self->p.near.rx[0].key,
				   FAR13_MESSAGE));
	end13_post(self->far, rec, oracle13_seal(&self->far->tx, DTLS_TYPE_DATA,
						 "x", 1, rec));
	ASSERT_EQ(1, recv_now(self->fd));
	end13_post(self->far, rec, oracle13_seal(&self->far->tx, DTLS_TYPE_DATA,
						 "x", 1, rec));
	ASSERT_EQ(1, recv_now(self->fd));
}

TEST_HARNESS_MAIN
