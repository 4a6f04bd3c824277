// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-timeout: 60 */
/*
 * Forgeries until the AEAD's limit of them comes near (RFC 9147 4.5.3 has it
 * for DTLS 1.3; the mathematics are the same): the program is told once, and
 * nothing stops. Ten million records: with KDTLS_LONG=1 only.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "lib/effort.h"
#include "lib/pair.h"

#define BATCH		64
/* 2^23.5, of which seven eighths may be used up before it is said. */
#define CCM_FAILURES	11863283
#define NEAR		(CCM_FAILURES - CCM_FAILURES / 8)

static __u8 wire[65536], in[100];

FIXTURE(limit) {
	struct dtls_pair p;
};

FIXTURE_VARIANT(limit) {
	__u16 suite;
};

FIXTURE_VARIANT_ADD(limit, ccm) { SUITE_AES_128_CCM };

FIXTURE_SETUP(limit)
{
	if (!effort_long())
		SKIP(return, "ten million records: KDTLS_LONG=1");
	netns_new();
	pair_open(&self->p, variant->suite, FAMILY_V4, false);
}

FIXTURE_TEARDOWN(limit)
{
	pair_close(&self->p);
}

/* @n forged records in one packet, none of which is authentic. */
static void forged(struct dtls_pair *p, unsigned int n)
{
	size_t one = oracle_overhead(p->far.tx.suite) + 1;

	must(send(p->far.fd, wire, n * one, 0) == (ssize_t)(n * one));
	must(recv_soon(p->near.fd, in, sizeof(in), 0) == -1);
	must(errno == EAGAIN);
}

TEST_F_TIMEOUT(limit, forgeries, 2400)
{
	struct sock_extended_err ee;
	unsigned int sent, i;
	struct dtls_keys k;
	size_t at = 0, n;

	ASSERT_EQ(0, set_int(self->p.near.fd, SOL_DTLS, DTLS_EVENTS,
			     DTLS_EVENT_ALL));
	for (i = 0; i < BATCH; i++) {
		n = oracle_seal_seq(&self->p.far.tx, 100 + i, DTLS_TYPE_DATA,
				    "x", 1, wire + at);
		at += n;
		wire[at - 1] ^= 1;
	}
	ASSERT_EQ(0, set_int(self->p.far.fd, SOL_UDP, UDP_SEGMENT, n));
	for (sent = 0; sent + BATCH < NEAR; sent += BATCH)
		forged(&self->p, BATCH);
	ASSERT_EQ(false, event_next(self->p.near.fd, &ee));
	for (i = 0; i < 2 * BATCH; i++)
		forged(&self->p, 1);
	sent += i;
	ASSERT_EQ(true, event_next(self->p.near.fd, &ee));
	ASSERT_EQ(DTLS_EVENT_LIMIT, ee.ee_type);
	ASSERT_EQ(EKEYEXPIRED, ee.ee_errno);
	ASSERT_EQ(1, ee.ee_info);
	ASSERT_EQ(1, ee.ee_data);
	ASSERT_EQ(false, event_next(self->p.near.fd, &ee));
	ASSERT_EQ(1, stat_read("KeyLimit"));
	key_state(self->p.near.fd, DTLS_RX, &k);
	ASSERT_EQ(sent, k.drop_auth);
	ASSERT_EQ(sent, stat_read("RxDropAuth"));
	ASSERT_EQ(0, k.records);
	ASSERT_EQ(0, set_int(self->p.far.fd, SOL_UDP, UDP_SEGMENT, 0));
	ASSERT_EQ(1, end_send(&self->p.far, "y", 1, 0));
	ASSERT_EQ(1, recv_soon(self->p.near.fd, in, sizeof(in), 0));
}

TEST_HARNESS_MAIN
