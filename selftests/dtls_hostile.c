// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/*
 * A network that loses, repeats, reorders and delays, with an attacker in the
 * path who replays, cuts, stretches, joins and flips bits. A tap shows what
 * arrived; a slow model with an independent cipher says which records of it
 * are authentic and new: the program must get these, each once, and no others.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <linux/if_packet.h>

#include "lib/attack.h"
#include "lib/effort.h"
#include "lib/model.h"
#include "lib/pair.h"

#define DATAGRAMS	3000
#define SEQ_MAX		(DATAGRAMS * 4)
#define BODY_MAX	600
#define NETEM		"delay 2ms 2ms loss 20% duplicate 20% reorder 30%"

/* What each record carries: which it is, and bytes that follow from that. */
struct body {
	__u32 number;
	__u8 bytes[BODY_MAX];
};

FIXTURE(hostile) {
	struct dtls_pair p;
	struct dtls_end *far;
	unsigned int seed;
	int fd, tap;
};

FIXTURE_VARIANT(hostile) {
	__u16 suite;
	const char *netem;
	bool attack;
};

FIXTURE_VARIANT_ADD(hostile, calm) { SUITE_AES_128_GCM, NULL, false };
FIXTURE_VARIANT_ADD(hostile, lossy) { SUITE_AES_128_GCM, NETEM, false };
FIXTURE_VARIANT_ADD(hostile, attacked) { SUITE_CHACHA20, NULL, true };
FIXTURE_VARIANT_ADD(hostile, lossy_and_attacked) { SUITE_AES_128_CCM_8, NETEM, true };

static void run(const char *command)
{
	if (system(command))
		die("%s", command);
}

FIXTURE_SETUP(hostile)
{
	char command[200];

	/* One processor: so the tap's order is the socket's. */
	pin_to(0);
	netns_new();
	pair_open(&self->p, variant->suite, FAMILY_V4, false);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
	set_int(self->fd, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20);
	set_int(self->far->fd, SOL_SOCKET, SO_SNDBUFFORCE, 8 << 20);
	self->tap = tap_open();
	set_int(self->tap, SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20);
	if (variant->netem) {
		snprintf(command, sizeof(command),
			 "tc qdisc add dev lo root netem limit 10000 %s",
			 variant->netem);
		run(command);
	}
	/* the same run each time, and one can be had again */
	self->seed = 20261124;
	TH_LOG("seed %u", self->seed);
}

FIXTURE_TEARDOWN(hostile)
{
	close(self->tap);
	pair_close(&self->p);
}

/* How often the program got each record, and how often it should have. */
struct tally {
	__u8 got[SEQ_MAX], due[SEQ_MAX];
	struct model m;
};

static size_t body_make(struct body *b, __u32 number)
{
	size_t len = number * 7919 % BODY_MAX;

	b->number = number;
	fill(b->bytes, len, number);
	return sizeof(b->number) + len;
}

static void body_check(const void *data, size_t len, struct tally *t)
{
	struct body got, want;

	must(len >= sizeof(got.number) && len <= sizeof(got));
	memcpy(&got, data, len);
	must(got.number < SEQ_MAX);
	must(body_make(&want, got.number) == len);
	must(!memcmp(&got, &want, len));
	t->got[got.number]++;
}

/* The model says that the record is to be delivered. */
static void deliver(void *arg, const struct oracle_record *r)
{
	struct tally *t = arg;
	__u32 number;

	memcpy(&number, r->data, sizeof(number));
	/* number n is sealed under n + FIRST_SEQ */
	must(r->h.seq == number + FIRST_SEQ);
	t->due[number]++;
}

/* Everything that has arrived for the near end, in the order it did. */
static void model_tap(int tap, int port, struct tally *t)
{
	static __u8 frame[70000];
	struct sockaddr_ll ll;
	socklen_t len;
	ssize_t n;

	for (;;) {
		len = sizeof(ll);
		n = recvfrom(tap, frame, sizeof(frame), MSG_DONTWAIT,
			     (struct sockaddr *)&ll, &len);
		if (n < 0)
			return;
		if (ll.sll_pkttype == PACKET_OUTGOING || n < 42 ||
		    frame[12] != 8 || frame[23] != IPPROTO_UDP ||
		    (frame[36] << 8 | frame[37]) != port)
			continue;
		model_datagram(&t->m, frame + 42, n - 42, deliver, t);
	}
}

static void drain(int fd, struct tally *t)
{
	__u8 in[2000];
	ssize_t n;

	while ((n = recv(fd, in, sizeof(in), MSG_DONTWAIT)) >= 0)
		body_check(in, n, t);
	must(errno == EAGAIN);
}

TEST_F(hostile, what_is_authentic_and_new_and_nothing_else)
{
	static __u8 wire[8000], evil[16000], old[8000];
	static struct tally t;
	struct sockaddr_in sin;
	socklen_t sinlen = sizeof(sin);
	unsigned int i, k, due = 0, number = 0;
	size_t len, old_len = 0, evil_len;
	struct body b;

	model_keys(&t.m, &self->p.near.rx);
	ASSERT_EQ(0, getsockname(self->fd, (struct sockaddr *)&sin, &sinlen));
	for (i = 0; i < DATAGRAMS; i++) {
		/* one to three records in a datagram */
		len = 0;
		for (k = 0; k <= i % 3; k++) {
			size_t n = body_make(&b, number++);

			len += oracle_seal(&self->far->tx, DTLS_TYPE_DATA, &b,
					   n, wire + len);
		}
		if (variant->attack && old_len && i % 2) {
			memcpy(evil, wire, len);
			evil_len = attack(evil, len, old, old_len,
					  &self->seed);
			send(self->far->fd, evil, evil_len, 0);
		}
		send(self->far->fd, wire, len, 0);
		if (i % 16 == 0) {
			memcpy(old, wire, len);
			old_len = len;
		}
		if (i % 64 == 0)
			drain(self->fd, &t);
	}
	/* what the network holds back now, it has lost */
	if (variant->netem)
		run("tc qdisc del dev lo root");
	settle();
	drain(self->fd, &t);

	model_tap(self->tap, ntohs(sin.sin_port), &t);
	model_check_counters(&t.m, 1);
	model_check_state(&t.m, self->fd);
	for (i = 0; i < number; i++) {
		if (t.got[i] != t.due[i])
			TH_LOG("record %u: got %u times, due %u", i, t.got[i],
			       t.due[i]);
		ASSERT_EQ(t.due[i], t.got[i]);
		due += t.due[i];
	}
	if (!variant->netem)
		ASSERT_EQ(number, due);
	/* a network that lost everything would prove nothing */
	ASSERT_LT(number / 4, due);
}

TEST_HARNESS_MAIN
