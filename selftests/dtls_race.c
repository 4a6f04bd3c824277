// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-kcsan: yes */
/*
 * Two calls at once on one socket, over and over, and nothing else: where a
 * field is read while it is written, KCSAN is to see it. In dtls_stress, with
 * all calls there are, two of them hardly ever meet.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/udp.h>

#include "lib/effort.h"
#include "lib/pair.h"

static struct dtls_pair p;
static int family;
static atomic_uint epoch;
static atomic_bool stop;

/* The calls. Each is made again and again, by a thread of its own. */

static void options_set(void)
{
	set_int(p.near.fd, SOL_DTLS, DTLS_RECVTYPE, 0);
	set_int(p.near.fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL);
	set_int(p.near.fd, SOL_DTLS, DTLS_NO_EXPORT, 1);
	set_int(p.near.fd, SOL_UDP, UDP_SEGMENT, 1000);
	set_int(p.near.fd, SOL_UDP, UDP_SEGMENT, 0);
	set_int(p.near.fd, SOL_UDP, UDP_CORK, 1);
	set_int(p.near.fd, SOL_UDP, UDP_CORK, 0);
	set_int(p.near.fd, SOL_UDP, UDP_GRO, 1);
	set_int(p.near.fd, SOL_UDP, UDP_GRO, 0);
}

static void options_get(void)
{
	get_int(p.near.fd, SOL_DTLS, DTLS_RECVTYPE);
	get_int(p.near.fd, SOL_DTLS, DTLS_EVENTS);
	get_int(p.near.fd, SOL_DTLS, DTLS_NO_EXPORT);
	get_int(p.near.fd, SOL_DTLS, DTLS_MAX_PAYLOAD);
	get_int(p.near.fd, SOL_UDP, UDP_SEGMENT);
	get_int(p.near.fd, SOL_UDP, UDP_CORK);
	get_int(p.near.fd, SOL_UDP, UDP_GRO);
}

static void window_set(void)
{
	must(!set_int(p.near.fd, SOL_DTLS, DTLS_REPLAY_WINDOW, 100));
	must(!set_int(p.near.fd, SOL_DTLS, DTLS_REPLAY_WINDOW, 1000));
}

static void window_get(void)
{
	int window = get_int(p.near.fd, SOL_DTLS, DTLS_REPLAY_WINDOW);

	must(window == 128 || window == 1024);
}

static void send_near(void)
{
	send(p.near.fd, "near", 4, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void send_far(void)
{
	send(p.far.fd, "far", 3, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void recv_near(void)
{
	char in[16];

	recv(p.near.fd, in, sizeof(in), MSG_DONTWAIT);
}

static void peek_near(void)
{
	char in[16];

	recv(p.near.fd, in, sizeof(in), MSG_DONTWAIT | MSG_PEEK);
}

static void look_near(void)
{
	struct pollfd pfd = { .fd = p.near.fd, .events = POLLIN | POLLOUT };
	int n;

	poll(&pfd, 1, 0);
	ioctl(p.near.fd, FIONREAD, &n);
}

static void recv_far(void)
{
	char in[16];

	recv(p.far.fd, in, sizeof(in), MSG_DONTWAIT);
}

static void state_near(void)
{
	struct dtls_keys k;

	key_state(p.near.fd, DTLS_TX, &k);
	key_state(p.near.fd, DTLS_RX, &k);
}

static void rekey(void)
{
	struct oracle_key tx = p.near.tx, rx = p.near.rx;

	tx.epoch = atomic_fetch_add(&epoch, 1) + 1;
	rx.epoch = tx.epoch;
	/* the far end has the same, so that what is sent is also read */
	if (key_install(p.far.fd, DTLS_RX, &tx) ||
	    key_install(p.far.fd, DTLS_TX, &rx) ||
	    key_install(p.near.fd, DTLS_RX, &rx) ||
	    key_install(p.near.fd, DTLS_TX, &tx))
		die("keys refused");
}

static void connect_near(void)
{
	udp_connect(p.near.fd, p.far.fd);
}

static void send_named(void)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	must(!getsockname(p.far.fd, (struct sockaddr *)&ss, &len));
	sendto(p.near.fd, "near", 4, MSG_DONTWAIT, (struct sockaddr *)&ss, len);
	get_int(p.near.fd, SOL_DTLS, DTLS_MAX_PAYLOAD);
}

static void cmsgs_set(void)
{
	int on;

	for (on = 1; on >= 0; on--) {
		set_int(p.near.fd, SOL_SOCKET, SO_TIMESTAMP, on);
		set_int(p.near.fd, SOL_IP, IP_PKTINFO, on);
		set_int(p.near.fd, SOL_IP, IP_RECVTTL, on);
		if (family == FAMILY_V4)
			continue;
		set_int(p.near.fd, SOL_IPV6, IPV6_RECVPKTINFO, on);
		set_int(p.near.fd, SOL_IPV6, IPV6_RECVPATHMTU, on);
		set_int(p.near.fd, SOL_IPV6, IPV6_RECVTCLASS, on);
	}
}

static void cork_near(void)
{
	send(p.near.fd, "more", 4, MSG_DONTWAIT | MSG_MORE);
	send(p.near.fd, "last", 4, MSG_DONTWAIT);
}

/* A socket that gets its first keys while somebody is at it. */
static void begin(void)
{
	static atomic_bool busy;
	struct dtls_pair fresh, old;

	must(!atomic_exchange(&busy, true));
	pair_prepare(&fresh, SUITE_AES_128_GCM, family, false);
	must(!ulp_attach(fresh.near.fd));
	must(!set_int(fresh.near.fd, SOL_UDP, UDP_SEGMENT, 1000));
	/* descriptors stay, so that the others go on with the new one */
	old = p;
	must(dup2(fresh.near.fd, old.near.fd) == old.near.fd);
	must(dup2(fresh.far.fd, old.far.fd) == old.far.fd);
	must(!key_install(old.near.fd, DTLS_RX, &fresh.near.rx));
	must(!key_install(old.near.fd, DTLS_TX, &fresh.near.tx));
	pair_close(&fresh);
	atomic_store(&busy, false);
}

struct pairing {
	void (*calls[4])(void);
	const char *what;
};

static const struct pairing pairings[] = {
	{ { options_set, options_get, options_set }, "options" },
	{ { options_set, send_near, cork_near, recv_far }, "options and senders" },
	{ { options_set, send_far, recv_near, look_near }, "options and receivers" },
	{ { send_far, recv_near, look_near, peek_near }, "receivers" },
	{ { send_far, recv_near, look_near, look_near }, "pollers" },
	{ { rekey, send_near, recv_far, state_near }, "keys and senders" },
	{ { rekey, send_far, recv_near, state_near }, "keys and receivers" },
	{ { connect_near, send_named, recv_far, options_get }, "addresses" },
	{ { cmsgs_set, send_far, recv_near, recv_near }, "control messages" },
	{ { cork_near, cork_near, send_near, recv_far }, "corks" },
};

FIXTURE(race) {
	int unused;
};

FIXTURE_VARIANT(race) {
	int family;
};

FIXTURE_VARIANT_ADD(race, v4) { FAMILY_V4 };
FIXTURE_VARIANT_ADD(race, v6) { FAMILY_V6 };
FIXTURE_VARIANT_ADD(race, mapped) { FAMILY_MAPPED };

FIXTURE_SETUP(race)
{
	netns_new();
	family = variant->family;
}

FIXTURE_TEARDOWN(race)
{
	pair_close(&p);
}

static void *caller(void *arg)
{
	void (*call)(void) = *(void (**)(void))arg;

	while (!atomic_load(&stop))
		call();
	return NULL;
}

/* The first call so often, the others meanwhile. */
static void meet(void (*const calls[4])(void), unsigned int times)
{
	pthread_t t[4];
	unsigned int i;

	atomic_store(&stop, false);
	for (i = 1; i < 4 && calls[i]; i++)
		must(!pthread_create(&t[i], NULL, caller, (void *)&calls[i]));
	while (times--)
		calls[0]();
	atomic_store(&stop, true);
	while (--i)
		pthread_join(t[i], NULL);
}

TEST_F_TIMEOUT(race, with_keys, 600)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pairings); i++) {
		pair_open(&p, SUITE_AES_128_GCM, family, true);
		atomic_store(&epoch, 1);
		meet(pairings[i].calls, effort(200, 200, 1000));
		pair_close(&p);
	}
	pair_open(&p, SUITE_AES_128_GCM, family, true);
}

TEST_F_TIMEOUT(race, before_keys, 600)
{
	static void (*const calls[4])(void) = { window_set, window_get, window_get };

	pair_prepare(&p, SUITE_AES_128_GCM, family, false);
	ASSERT_EQ(0, ulp_attach(p.near.fd));
	meet(calls, effort(500, 500, 2000));
}

TEST_F_TIMEOUT(race, first_keys, 600)
{
	static void (*const calls[4])(void) = { begin, send_near, recv_near, options_get };

	pair_prepare(&p, SUITE_AES_128_GCM, family, false);
	ASSERT_EQ(0, ulp_attach(p.near.fd));
	meet(calls, effort(50, 50, 200));
}

TEST_HARNESS_MAIN
