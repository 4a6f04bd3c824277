// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: yes */
/* kselftest-timeout: 300 */
/*
 * Every allocation, and every copy from and to the program, fails once: the
 * first in one try, the second in the next, and so on until the call gets
 * through. Each failure must be clean, and the socket work after it.
 *
 * Here: keys, options, control records, and the module itself.
 *
 * Needs a kernel with fault injection, as "make check KERNEL=debug" has it.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "lib/async.h"
#include "lib/fault.h"

static __u8 in[20000];

FIXTURE(fault) {
	struct dtls_pair p;
};

FIXTURE_SETUP(fault)
{
	if (!fault_init())
		SKIP(return, "no fault injection in this kernel");
	netns_new();
	pair_open(&self->p, SUITE_AES_128_GCM, FAMILY_V4, true);
}

FIXTURE_TEARDOWN(fault)
{
	pair_close(&self->p);
}

TEST_F(fault, attach_and_keys)
{
	struct dtls_pair q;
	int nth, fd, ret, faults = 0;
	bool hit;

	for (nth = 1; nth < FAULT_TRIES; nth++) {
		pair_prepare(&q, SUITE_AES_128_GCM, FAMILY_V6, false);
		fd = fault_arm(nth);
		ret = ulp_attach(q.near.fd);
		if (!ret)
			ret = key_install(q.near.fd, DTLS_RX, &q.near.rx);
		if (!ret)
			ret = key_install(q.near.fd, DTLS_TX, &q.near.tx);
		hit = fault_happened(fd, NULL);
		faults += hit;
		/* what failed can be done again, on the same socket */
		if (ret) {
			ASSERT_EQ(true, hit);
			if (get_int(q.near.fd, SOL_DTLS, DTLS_RECVTYPE) < 0)
				ASSERT_EQ(0, ulp_attach(q.near.fd));
			key_install(q.near.fd, DTLS_RX, &q.near.rx);
			key_install(q.near.fd, DTLS_TX, &q.near.tx);
		}
		ASSERT_EQ(1, send(q.near.fd, "x", 1, 0));
		ASSERT_EQ(1, end_recv(&q.far, in, sizeof(in), 0));
		ASSERT_EQ(1, end_send(&q.far, "y", 1, 0));
		ASSERT_EQ(1, recv(q.near.fd, in, sizeof(in), 0));
		pair_close(&q);
		if (!hit)
			break;
	}
	ASSERT_LT(nth, FAULT_TRIES);
	ASSERT_LT(5, faults);
}

TEST_F(fault, options)
{
	static const int options[] = {
		DTLS_RECVTYPE, DTLS_REPLAY_WINDOW, DTLS_MAX_PAYLOAD,
		DTLS_EVENTS, DTLS_NO_EXPORT,
	};
	struct dtls_keys before, after;
	unsigned int i;
	int nth, fd, ret;
	bool hit;

	key_state(self->p.near.fd, DTLS_TX, &before);
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		for (nth = 1; nth < FAULT_TRIES; nth++) {
			fd = fault_arm(nth);
			ret = get_int(self->p.near.fd, SOL_DTLS, options[i]);
			hit = fault_happened(fd, NULL);
			if (!hit) {
				ASSERT_LE(0, ret);
				break;
			}
		}
		ASSERT_LT(nth, FAULT_TRIES);
	}
	key_state(self->p.near.fd, DTLS_TX, &after);
	ASSERT_EQ(0, memcmp(&before, &after, sizeof(before)));
	still_works(&self->p);
}

/* Alerts, close_notify and the events that tell of them. */
TEST_F(fault, control)
{
	static const __u8 warning[] = { ALERT_WARNING, ALERT_USER_CANCELED };
	struct sock_extended_err ee;
	int nth, fd;
	bool hit;

	ASSERT_EQ(0, set_int(self->p.near.fd, SOL_DTLS, DTLS_EVENTS,
			     DTLS_EVENT_ALL));
	for (nth = 1; nth < FAULT_TRIES; nth++) {
		ASSERT_EQ(2, end_send_type(&self->p.far, DTLS_TYPE_ALERT,
					   warning, 2));
		fd = fault_arm(nth);
		recv(self->p.near.fd, in, sizeof(in), MSG_DONTWAIT);
		hit = fault_happened(fd, NULL);
		while (event_next(self->p.near.fd, &ee))
			ASSERT_EQ(DTLS_EVENT_ALERT, ee.ee_type);
		still_works(&self->p);
		if (!hit)
			break;
	}
	ASSERT_LT(nth, FAULT_TRIES);
}

/* Set, and repeated when the peer asks; one that failed leaves the one before. */
TEST_F(fault, last_flight)
{
	static const __u8 finished[24] = { HS_FINISHED };
	struct {
		struct dtls_flight f;
		struct dtls_flight_record r;
		__u8 data[100];
	} __attribute__((packed)) flight = {
		.f = { .size = sizeof(flight.f), .count = 1 },
		.r = {
			.epoch = 1, .type = DTLS_TYPE_HANDSHAKE, .len = 100,
		},
	};
	int nth, fd, ret, repeat;
	struct dtls_pair p;
	bool hit;

	for (repeat = 0; repeat < 2; repeat++) {
		for (nth = 1; nth < FAULT_TRIES; nth++) {
			pair_open(&p, SUITE_AES_128_GCM, FAMILY_V4, false);
			p.far.kernel = false;
			ret = 0;
			if (repeat)
				ASSERT_EQ(0, setsockopt(p.near.fd, SOL_DTLS,
							DTLS_LAST_FLIGHT,
							&flight,
							sizeof(flight)));
			ASSERT_EQ(24, end_send_type(&p.far, DTLS_TYPE_HANDSHAKE,
						    finished, 24));
			settle();
			fd = fault_arm(nth);
			if (!repeat)
				ret = setsockopt(p.near.fd, SOL_DTLS,
						 DTLS_LAST_FLIGHT, &flight,
						 sizeof(flight));
			else
				recv(p.near.fd, in, sizeof(in), MSG_DONTWAIT);
			hit = fault_happened(fd, NULL);
			if (ret)
				ASSERT_EQ(true, hit && fault_error(errno));
			if (!repeat)
				recv(p.near.fd, in, sizeof(in), MSG_DONTWAIT);
			/* the flight, or nothing */
			ret = recv_soon(p.far.fd, in, sizeof(in), 0);
			if (ret >= 0 || !hit)
				ASSERT_EQ(100 + 37, ret);
			ASSERT_EQ(3, send(p.near.fd, "abc", 3, 0));
			ASSERT_EQ(3, end_recv(&p.far, in, sizeof(in), 0));
			ASSERT_EQ(3, end_send(&p.far, "abc", 3, 0));
			ASSERT_EQ(3, recv(p.near.fd, in, sizeof(in), 0));
			pair_close(&p);
			if (!hit)
				break;
		}
		ASSERT_LT(nth, FAULT_TRIES);
	}
}

/* The keys are here or there, and not lost for a pointer that was seen bad. */
TEST_F(fault, key_export)
{
	struct dtls_keys k, state;
	struct dtls_pair p;
	socklen_t len;
	int nth, fd, ret;
	bool hit;

	for (nth = 1; nth < FAULT_TRIES; nth++) {
		pair_open(&p, SUITE_AES_128_GCM, FAMILY_V4, false);
		len = sizeof(k);
		fd = fault_arm(nth);
		ret = getsockopt(p.near.fd, SOL_DTLS, DTLS_TX_EXPORT, &k, &len);
		hit = fault_happened(fd, NULL);
		key_state(p.near.fd, DTLS_TX, &state);
		ASSERT_EQ(FIRST_SEQ, state.seq);
		if (ret) {
			ASSERT_EQ(true, hit && errno == EFAULT);
			len = sizeof(k);
			ret = getsockopt(p.near.fd, SOL_DTLS, DTLS_TX_EXPORT,
					 &k, &len);
			/* copied out too late: nobody has them */
			if (ret)
				ASSERT_EQ(EKEYREVOKED, errno);
		}
		if (!ret) {
			ASSERT_EQ(0, memcmp(k.key, p.near.tx.key, k.key_len));
			ASSERT_EQ(FIRST_SEQ, k.seq);
		}
		/* never two owners */
		ASSERT_EQ(-1, send(p.near.fd, "x", 1, 0));
		ASSERT_EQ(EKEYREVOKED, errno);
		ASSERT_EQ(1, end_send(&p.far, "x", 1, 0));
		ASSERT_EQ(1, recv(p.near.fd, in, sizeof(in), 0));
		pair_close(&p);
		if (!hit)
			break;
	}
	ASSERT_LT(nth, FAULT_TRIES);
}

/* An AEAD that needs memory for its key, and answers later. */
TEST_F(fault, async_keys)
{
	struct async_gcm gcm;
	struct dtls_pair q;
	int nth, fd, ret;
	bool hit;

	if (!async_gcm_on(&gcm, "cryptd", ASYNC_SYNC_BASE))
		SKIP(return, "no %s here", gcm.driver);
	for (nth = 1; nth < FAULT_TRIES; nth++) {
		pair_prepare(&q, SUITE_AES_128_GCM, FAMILY_V4, false);
		ASSERT_EQ(0, ulp_attach(q.near.fd));
		fd = fault_arm(nth);
		ret = key_install(q.near.fd, DTLS_TX, &q.near.tx);
		hit = fault_happened(fd, NULL);
		if (ret) {
			ASSERT_EQ(true, hit && fault_error(errno));
			ASSERT_EQ(0, key_install(q.near.fd, DTLS_TX,
						 &q.near.tx));
		}
		ASSERT_EQ(1, send(q.near.fd, "x", 1, 0));
		ASSERT_EQ(1, end_recv(&q.far, in, sizeof(in), 0));
		pair_close(&q);
		if (!hit)
			break;
	}
	ASSERT_LT(nth, FAULT_TRIES);
	async_gcm_off(&gcm);
}

/* As the module comes: what is at hand last is what dtls_init() asks for. */
TEST_F(fault, module)
{
	int left, nth, fd, ko, ret, tries, failed = 0;

	if (!getenv("KDTLS_KO"))
		SKIP(return, "where the module is nobody tells");
	pair_close(&self->p);
	/* sockets go by RCU */
	for (tries = 0; syscall(__NR_delete_module, "dtls", O_NONBLOCK);
	     tries++) {
		ASSERT_EQ(EWOULDBLOCK, errno);
		ASSERT_LT(tries, 20000);
		usleep(1000);
	}
	ko = open(getenv("KDTLS_KO"), O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, ko);
	fd = fault_arm(100000000);
	ret = syscall(__NR_finit_module, ko, "", 0);
	ASSERT_EQ(false, fault_happened(fd, &left));
	ASSERT_EQ(0, ret);
	for (nth = 100000000 - left; nth > 0 && failed < 25; nth--) {
		ASSERT_EQ(0, syscall(__NR_delete_module, "dtls", O_NONBLOCK));
		fd = fault_arm(nth);
		ret = syscall(__NR_finit_module, ko, "", 0);
		fault_happened(fd, NULL);
		if (!ret)
			continue;
		failed++;
		ASSERT_EQ(true, fault_error(errno)) TH_LOG("%d", errno);
		ASSERT_EQ(-1, access("/proc/net/dtls_stat", F_OK));
		ASSERT_EQ(0, syscall(__NR_finit_module, ko, "", 0));
	}
	ASSERT_EQ(25, failed);
	close(ko);
	pair_open(&self->p, SUITE_AES_128_GCM, FAMILY_V4, true);
	still_works(&self->p);
}

TEST_HARNESS_MAIN
