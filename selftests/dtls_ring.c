// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: yes */
/*
 * Pages that the kernel has allocated for itself, and that a program has mapped
 * all the same: here the ring of a packet socket. Nothing tells from the page
 * that it may be written to; only that it is not one of the module's own says
 * that a record must not be opened where it lies.
 */
#include <kselftest_harness.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <linux/if_packet.h>

#include "lib/effort.h"
#include "lib/pair.h"

#define PAGE	4096
#define OFF	300
#define LEN	2500

static __u8 text[LEN], in[65536];

FIXTURE(ring) {
	struct dtls_pair p;
	int fd, pipe[2];
	__u8 *page;
	__u8 wire[PAGE];	/* what lies at OFF of it, */
	size_t len;		/* and how long it is */
	bool stop;
};

FIXTURE_VARIANT(ring) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(ring, gcm_v6) { SUITE_AES_256_GCM, FAMILY_V6 };
FIXTURE_VARIANT_ADD(ring, chacha_v4) { SUITE_CHACHA20, FAMILY_V4 };
FIXTURE_VARIANT_ADD(ring, chacha_v6) { SUITE_CHACHA20, FAMILY_V6 };
FIXTURE_VARIANT_ADD(ring, ccm_v4) { SUITE_AES_128_CCM, FAMILY_V4 };

FIXTURE_SETUP(ring)
{
	struct tpacket_req req = {
		.tp_block_size = PAGE, .tp_block_nr = 1,
		.tp_frame_size = PAGE, .tp_frame_nr = 1,
	};

	pin_to(0);
	netns_new();
	pair_open(&self->p, variant->suite, variant->family, false);
	self->fd = socket(AF_PACKET, SOCK_DGRAM, 0);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, setsockopt(self->fd, SOL_PACKET, PACKET_TX_RING, &req,
				sizeof(req)));
	self->page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->page);
	ASSERT_EQ(0, pipe(self->pipe));
	fill(text, sizeof(text), 5);
}

FIXTURE_TEARDOWN(ring)
{
	close(self->pipe[0]);
	close(self->pipe[1]);
	munmap(self->page, PAGE);
	close(self->fd);
	pair_close(&self->p);
}

/* A new record, from the ring to the near end, without a copy. */
static void post(struct _test_data_ring *self)
{
	struct iovec iov = { .iov_base = self->page + OFF };
	ssize_t n;

	self->len = oracle_seal(&self->p.far.tx, DTLS_TYPE_DATA, text, LEN,
				self->wire);
	memcpy(self->page + OFF, self->wire, self->len);
	n = self->len;
	iov.iov_len = n;
	must(vmsplice(self->pipe[1], &iov, 1, 0) == n);
	must(splice(self->pipe[0], NULL, self->p.far.fd, NULL, n, 0) == n);
	settle();
}

/* It is what lies in the ring that is opened, and nothing is written there. */
TEST_F(ring, shared_and_intact)
{
	static __u8 copy[PAGE];
	ssize_t n;
	int i;

	for (i = 0; i < 5; i++) {
		post(self);
		memcpy(copy, self->page, PAGE);
		ASSERT_EQ(LEN, recv(self->p.near.fd, in, sizeof(in),
				    MSG_DONTWAIT));
		ASSERT_EQ(0, memcmp(in, text, LEN));
		ASSERT_EQ(0, memcmp(copy, self->page, PAGE));
		post(self);
		self->page[OFF + self->len - 1] ^= 1;
		memcpy(copy, self->page, PAGE);
		n = recv(self->p.near.fd, in, sizeof(in), MSG_DONTWAIT);
		if (!i && n == LEN && !memcmp(in, text, LEN))
			SKIP(return, "here splice copies");
		ASSERT_EQ(-1, n);
		ASSERT_EQ(0, memcmp(copy, self->page, PAGE));
		ASSERT_EQ(i + 1, stat_read("RxDropAuth"));
	}
}

/* Writes to the record, up and down, until it is told to stop. */
static void *scribble(void *arg)
{
	struct _test_data_ring *self = arg;
	volatile __u8 *at = self->page + OFF + 2000;

	pin_to(1);
	while (!__atomic_load_n(&self->stop, __ATOMIC_RELAXED))
		*at ^= 0xff;
	return NULL;
}

/* What is delivered is what the peer sealed, whoever writes meanwhile. */
TEST_F(ring, written_meanwhile)
{
	int i, rounds = effort(300, 100, 3000), got = 0;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, scribble, self));
	for (i = 0; i < rounds; i++) {
		post(self);
		if (recv(self->p.near.fd, in, sizeof(in), MSG_DONTWAIT) < 0)
			continue;
		got++;
		ASSERT_EQ(0, memcmp(in, text, LEN));
	}
	__atomic_store_n(&self->stop, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(got, stat_read("RxRecords"));
	ASSERT_EQ(rounds - got, stat_read("RxDropAuth"));
	ASSERT_LT(0, got);
	ASSERT_GT(rounds, got);
}

TEST_HARNESS_MAIN
