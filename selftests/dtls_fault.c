// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: yes */
/*
 * Every allocation, and every copy from and to the program, fails once: the
 * first in one try, the second in the next, and so on until the call gets
 * through. Each failure must be clean, and the socket work after it.
 *
 * Needs a kernel with fault injection, as "make check KERNEL=debug" has it.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/pair.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define TRIES		500

static __u8 in[20000], out[20000];

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	/* what this kernel does not have need not be set */
	if (fd < 0)
		return;
	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* From now on the @nth thing that can fail does. */
static int fault_arm(int nth)
{
	char text[16];
	int fd = open(FAIL_NTH, O_RDWR);

	must(fd >= 0);
	snprintf(text, sizeof(text), "%d", nth);
	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

/*
 * Was it reached? The file counts down to zero. If it was not, asking for it
 * may be what fails, which is as good an answer.
 */
static bool fault_happened(int fd)
{
	char text[16] = {};
	bool left;

	left = pread(fd, text, sizeof(text) - 1, 0) <= 0 || atoi(text) > 0;
	if (left && write(fd, "0", 1) != 1)
		must(write(fd, "0", 1) == 1);
	close(fd);
	return !left;
}

FIXTURE(fault) {
	struct dtls_pair p;
};

FIXTURE_SETUP(fault)
{
	if (access(FAIL_NTH, W_OK))
		SKIP(return, "no fault injection in this kernel");
	write_file("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	write_file("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N");
	write_file("/sys/kernel/debug/fail_page_alloc/min-order", "0");
	write_file("/sys/kernel/debug/failslab/verbose", "0");
	write_file("/sys/kernel/debug/fail_page_alloc/verbose", "0");
	write_file("/sys/kernel/debug/fail_usercopy/verbose", "0");
	netns_new();
	pair_open(&self->p, SUITE_AES_128_GCM, FAMILY_V4, true);
}

FIXTURE_TEARDOWN(fault)
{
	pair_close(&self->p);
}

/* Both directions still work, and nothing is left over. */
static void still_works(struct dtls_pair *p)
{
	char buf[16];

	must(send(p->near.fd, "there", 5, 0) == 5);
	must(recv(p->far.fd, buf, sizeof(buf), 0) == 5);
	must(!memcmp(buf, "there", 5));
	must(send(p->far.fd, "back", 4, 0) == 4);
	must(recv(p->near.fd, buf, sizeof(buf), 0) == 4);
	must(!memcmp(buf, "back", 4));
}

TEST_F(fault, attach_and_keys)
{
	struct dtls_pair q;
	int nth, fd, ret, faults = 0;
	bool hit;

	for (nth = 1; nth < TRIES; nth++) {
		pair_prepare(&q, SUITE_AES_128_GCM, FAMILY_V6, false);
		fd = fault_arm(nth);
		ret = ulp_attach(q.near.fd);
		if (!ret)
			ret = key_install(q.near.fd, DTLS_RX, &q.near.rx);
		if (!ret)
			ret = key_install(q.near.fd, DTLS_TX, &q.near.tx);
		hit = fault_happened(fd);
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
	ASSERT_LT(nth, TRIES);
	ASSERT_LT(5, faults);
}

/* A send that failed was not sent; one that says so was, whole. */
TEST_F(fault, send)
{
	static const int sizes[] = { 0, 1, 1200, 16384 };
	unsigned int i;
	int nth, fd, ret, got;
	bool hit;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill(out, sizes[i], i);
		for (nth = 1; nth < TRIES; nth++) {
			fd = fault_arm(nth);
			ret = send(self->p.near.fd, out, sizes[i], 0);
			hit = fault_happened(fd);
			got = recv(self->p.far.fd, in, sizeof(in),
				   MSG_DONTWAIT);
			if (ret < 0) {
				ASSERT_EQ(true, hit);
				ASSERT_EQ(-1, got);
			} else if (got >= 0 || !hit) {
				/* memory may be short on the way, as in UDP */
				ASSERT_EQ(sizes[i], ret);
				ASSERT_EQ(sizes[i], got);
				ASSERT_EQ(0, memcmp(in, out, got));
			}
			still_works(&self->p);
			if (!hit)
				break;
		}
		ASSERT_LT(nth, TRIES);
	}
}

TEST_F(fault, send_segments)
{
	int nth, fd, ret, got, total;
	bool hit;

	fill(out, 10000, 1);
	ASSERT_EQ(0, set_int(self->p.near.fd, SOL_UDP, UDP_SEGMENT, 1000));
	for (nth = 1; nth < TRIES; nth++) {
		fd = fault_arm(nth);
		ret = send(self->p.near.fd, out, 10000, 0);
		hit = fault_happened(fd);
		total = 0;
		do {
			got = recv(self->p.far.fd, in + total, 1000,
				   MSG_DONTWAIT);
			total += got > 0 ? got : 0;
		} while (got > 0);
		/* all or nothing, but for what is lost on the way, as in UDP */
		if (!hit)
			ASSERT_EQ(10000, total);
		if (ret < 0)
			ASSERT_EQ(0, total);
		ASSERT_EQ(0, memcmp(in, out, total));
		still_works(&self->p);
		if (!hit)
			break;
	}
	ASSERT_LT(nth, TRIES);
}

/*
 * A receive that failed either left the record or lost it, but gave nothing
 * out; poll and FIONREAD may fail to open it, too.
 */
TEST_F(fault, receive)
{
	struct pollfd pfd = { .fd = self->p.near.fd, .events = POLLIN };
	int nth, fd, ret;
	bool hit;

	fill(out, 1200, 2);
	for (nth = 1; nth < TRIES; nth++) {
		ASSERT_EQ(1200, send(self->p.far.fd, out, 1200, 0));
		fd = fault_arm(nth);
		poll(&pfd, 1, 0);
		ret = recv(self->p.near.fd, in, sizeof(in), MSG_DONTWAIT);
		hit = fault_happened(fd);
		if (ret < 0) {
			ASSERT_EQ(true, hit);
			/* still there after a bad copy; gone without memory */
			ret = recv(self->p.near.fd, in, sizeof(in),
				   MSG_DONTWAIT);
		}
		if (ret >= 0) {
			ASSERT_EQ(1200, ret);
			ASSERT_EQ(0, memcmp(in, out, ret));
		}
		still_works(&self->p);
		if (!hit)
			break;
	}
	ASSERT_LT(nth, TRIES);
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
		for (nth = 1; nth < TRIES; nth++) {
			fd = fault_arm(nth);
			ret = get_int(self->p.near.fd, SOL_DTLS, options[i]);
			hit = fault_happened(fd);
			if (!hit) {
				ASSERT_LE(0, ret);
				break;
			}
		}
		ASSERT_LT(nth, TRIES);
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
	for (nth = 1; nth < TRIES; nth++) {
		ASSERT_EQ(2, end_send_type(&self->p.far, DTLS_TYPE_ALERT,
					   warning, 2));
		fd = fault_arm(nth);
		recv(self->p.near.fd, in, sizeof(in), MSG_DONTWAIT);
		hit = fault_happened(fd);
		while (event_next(self->p.near.fd, &ee))
			ASSERT_EQ(DTLS_EVENT_ALERT, ee.ee_type);
		still_works(&self->p);
		if (!hit)
			break;
	}
	ASSERT_LT(nth, TRIES);
}

TEST_HARNESS_MAIN
