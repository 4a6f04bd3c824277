// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-kcsan: yes */
/* Alerts, closing, renegotiation, the last flight, limits, and their events. */
#include <kselftest_harness.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "lib/pair.h"

static __u8 in[DTLS_PLAINTEXT_MAX];

FIXTURE(control) {
	struct dtls_pair p;
	struct dtls_end *far;
	int fd;
};

FIXTURE_VARIANT(control) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(control, gcm_v4) { SUITE_AES_128_GCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(control, chacha_v6) { SUITE_CHACHA20, FAMILY_V6 };

FIXTURE_SETUP(control)
{
	netns_new();
	pair_open(&self->p, variant->suite, variant->family, false);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
}

FIXTURE_TEARDOWN(control)
{
	pair_close(&self->p);
}

static void alert(struct dtls_end *far, __u8 level, __u8 description)
{
	__u8 a[2] = { level, description };

	must(end_send_type(far, DTLS_TYPE_ALERT, a, 2) == 2);
}

/* A handshake message without a body: type, length, number, fragment. */
static void handshake(struct dtls_end *far, __u8 type)
{
	__u8 m[12 + 12] = { type, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 12 };

	if (type == HS_HELLO_REQUEST) {
		m[3] = 0;
		m[11] = 0;
		must(end_send_type(far, DTLS_TYPE_HANDSHAKE, m, 12) == 12);
		return;
	}
	must(end_send_type(far, DTLS_TYPE_HANDSHAKE, m, sizeof(m)) == sizeof(m));
}

/* What recv() without waiting says. */
static int recv_now(int fd)
{
	ssize_t n = recv_soon(fd, in, sizeof(in), 0);

	return n < 0 ? -errno : n;
}

static int send_now(int fd)
{
	ssize_t n = send(fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 ? -errno : n;
}

/* The next record that reaches the far end is this alert. */
static bool alerted(struct dtls_end *far, __u8 level, __u8 description)
{
	struct oracle_record r;

	return oracle_recv(far, &r, MSG_DONTWAIT) == 2 &&
	       r.h.type == DTLS_TYPE_ALERT && r.data[0] == level &&
	       r.data[1] == description;
}

static bool silent(struct dtls_end *far)
{
	return recv_soon(far->fd, in, sizeof(in), 0) == -1 &&
	       errno == EAGAIN;
}

TEST_F(control, close_notify)
{
	must(end_send(self->far, "last", 4, 0) == 4);
	alert(self->far, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
	ASSERT_EQ(4, recv_now(self->fd));
	ASSERT_EQ(0, recv_now(self->fd));
	ASSERT_EQ(0, recv_now(self->fd));
	ASSERT_EQ(-EPIPE, send_now(self->fd));
	/* Answered, once. */
	ASSERT_EQ(true, alerted(self->far, ALERT_WARNING, ALERT_CLOSE_NOTIFY));
	ASSERT_EQ(1, stat_read("RxCloseNotify"));
	alert(self->far, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
	ASSERT_EQ(0, recv_now(self->fd));
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(0, shutdown(self->fd, SHUT_WR));
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(0, get_int(self->fd, SOL_SOCKET, SO_ERROR));
}

/* RFC 5246 7.2.1: "Any data received after a closure alert is ignored." */
TEST_F(control, data_after_close_notify)
{
	alert(self->far, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
	must(end_send(self->far, "late", 4, 0) == 4);
	ASSERT_EQ(0, recv_now(self->fd));
	ASSERT_EQ(0, recv_now(self->fd));
	ASSERT_EQ(1, stat_read("RxDropClosed"));
}

TEST_F(control, forged_close_notify)
{
	static const __u8 a[2] = { ALERT_WARNING, ALERT_CLOSE_NOTIFY };
	__u8 rec[RECORD_ROOM];
	size_t n;

	n = oracle_seal(&self->far->tx, DTLS_TYPE_ALERT, a, 2, rec);
	rec[n - 1] ^= 1;
	must(send(self->far->fd, rec, n, 0) == (ssize_t)n);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN | POLLRDHUP));
	ASSERT_EQ(1, send_now(self->fd));
}

TEST_F(control, close_notify_wakes)
{
	pid_t child = spawn();

	if (!child)
		_exit(recv(self->fd, in, sizeof(in), 0) == 0 ? 0 : 1);
	wait_asleep(child, __NR_recvfrom);
	alert(self->far, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
	ASSERT_EQ(0, wait_child(child));
}

TEST_F(control, shutdown_write)
{
	ASSERT_EQ(1, send_now(self->fd));
	ASSERT_EQ(0, shutdown(self->fd, SHUT_WR));
	ASSERT_EQ(1, end_recv(self->far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(true, alerted(self->far, ALERT_WARNING, ALERT_CLOSE_NOTIFY));
	ASSERT_EQ(-EPIPE, send_now(self->fd));
	/* Once only, and the other direction goes on. */
	shutdown(self->fd, SHUT_WR);
	ASSERT_EQ(true, silent(self->far));
	must(end_send(self->far, "more", 4, 0) == 4);
	ASSERT_EQ(4, recv_now(self->fd));
	alert(self->far, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
	ASSERT_EQ(0, recv_now(self->fd));
	ASSERT_EQ(true, silent(self->far));
}

TEST_F(control, shutdown_read)
{
	ASSERT_EQ(0, shutdown(self->fd, SHUT_RD));
	ASSERT_EQ(0, recv_now(self->fd));
	ASSERT_EQ(0, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(1, send_now(self->fd));
	ASSERT_EQ(1, end_recv(self->far, in, sizeof(in), MSG_DONTWAIT));
}

TEST_F(control, shutdown_both)
{
	ASSERT_EQ(0, shutdown(self->fd, SHUT_RDWR));
	ASSERT_EQ(true, alerted(self->far, ALERT_WARNING, ALERT_CLOSE_NOTIFY));
	ASSERT_EQ(-EPIPE, send_now(self->fd));
	ASSERT_EQ(0, recv_now(self->fd));
}

TEST_F(control, shutdown_wakes_reader)
{
	pid_t child = spawn();

	if (!child)
		_exit(recv(self->fd, in, sizeof(in), 0) == 0 ? 0 : 1);
	wait_asleep(child, __NR_recvfrom);
	ASSERT_EQ(0, shutdown(self->fd, SHUT_RD));
	ASSERT_EQ(0, wait_child(child));
}

/* tls.c's shutdown_unsent: corked bytes do not follow the close_notify. */
TEST_F(control, shutdown_corked)
{
	struct oracle_record r;
	int n = 0, last = -1;

	ASSERT_EQ(5, send(self->fd, "corks", 5, MSG_MORE));
	ASSERT_EQ(0, shutdown(self->fd, SHUT_WR));
	while (oracle_recv(self->far, &r, MSG_DONTWAIT) >= 0) {
		last = r.h.type;
		n++;
	}
	ASSERT_LE(n, 2);
	ASSERT_EQ(DTLS_TYPE_ALERT, last);
	ASSERT_EQ(-EPIPE, send_now(self->fd));
}

TEST_F(control, sigpipe)
{
	ASSERT_EQ(0, shutdown(self->fd, SHUT_WR));
	/* UDP sends no signal, and neither do we. */
	ASSERT_EQ(-1, send(self->fd, "x", 1, 0));
	ASSERT_EQ(EPIPE, errno);
}

/* close() is silent: a process that dies says nothing in its peer's name. */
TEST_F(control, plain_close)
{
	close(self->fd);
	ASSERT_EQ(true, silent(self->far));
	self->p.near.fd = -1;
}

TEST_F(control, fatal_alert)
{
	must(end_send(self->far, "last", 4, 0) == 4);
	alert(self->far, ALERT_FATAL, ALERT_INTERNAL_ERROR);
	ASSERT_EQ(4, recv_now(self->fd));
	ASSERT_EQ(-ECONNRESET, recv_now(self->fd));
	ASSERT_EQ(0, recv_now(self->fd));
	ASSERT_EQ(-EPIPE, send_now(self->fd));
	ASSERT_EQ(POLLRDHUP, poll_now(self->fd, POLLIN | POLLRDHUP) & POLLRDHUP);
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(1, stat_read("RxAlerts"));
}

TEST_F(control, fatal_alert_wakes)
{
	pid_t child = spawn();

	if (!child)
		_exit(recv(self->fd, in, sizeof(in), 0) == -1 &&
		      errno == ECONNRESET ? 0 : 1);
	wait_asleep(child, __NR_recvfrom);
	alert(self->far, ALERT_FATAL, ALERT_INTERNAL_ERROR);
	ASSERT_EQ(0, wait_child(child));
}

/* Whoever asks first gets the error: recv(), or getsockopt(). */
TEST_F(control, fatal_alert_by_so_error)
{
	alert(self->far, ALERT_FATAL, ALERT_INTERNAL_ERROR);
	ASSERT_EQ(POLLERR, poll_now(self->fd, POLLIN) & POLLERR);
	ASSERT_EQ(ECONNRESET, get_int(self->fd, SOL_SOCKET, SO_ERROR));
	ASSERT_EQ(0, get_int(self->fd, SOL_SOCKET, SO_ERROR));
	ASSERT_EQ(0, recv_now(self->fd));
}

/* New keys for a dead association: it stays dead. */
TEST_F(control, no_keys_after_death)
{
	alert(self->far, ALERT_FATAL, ALERT_INTERNAL_ERROR);
	ASSERT_EQ(-ECONNRESET, recv_now(self->fd));
	keys_next(&self->p.near, self->far, 2);
	keys_next(self->far, &self->p.near, 2);
	ASSERT_EQ(-1, key_install(self->fd, DTLS_TX, &self->p.near.tx));
	ASSERT_EQ(EPIPE, errno);
	ASSERT_EQ(-1, key_install(self->fd, DTLS_RX, &self->p.near.rx));
	ASSERT_EQ(EPIPE, errno);
	ASSERT_EQ(-EPIPE, send_now(self->fd));
}

TEST_F(control, warning_alert)
{
	struct sock_extended_err ee;

	alert(self->far, ALERT_WARNING, ALERT_USER_CANCELED);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN | POLLRDHUP));
	ASSERT_EQ(1, send_now(self->fd));
	ASSERT_EQ(1, stat_read("RxAlerts"));
	/* Not asked for, not told. */
	ASSERT_EQ(false, event_next(self->fd, &ee));
}

TEST_F(control, warning_alert_event)
{
	struct sock_extended_err ee;

	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALERT));
	ASSERT_EQ(DTLS_EVENT_ALERT, get_int(self->fd, SOL_DTLS, DTLS_EVENTS));
	alert(self->far, ALERT_WARNING, ALERT_USER_CANCELED);
	ASSERT_EQ(POLLERR, poll_now(self->fd, POLLIN));
	ASSERT_EQ(true, event_next(self->fd, &ee));
	ASSERT_EQ(SO_EE_ORIGIN_DTLS, ee.ee_origin);
	ASSERT_EQ(DTLS_EVENT_ALERT, ee.ee_type);
	ASSERT_EQ(ALERT_USER_CANCELED, ee.ee_code);
	ASSERT_EQ(ENOMSG, ee.ee_errno);
	ASSERT_EQ(1, ee.ee_info);
	ASSERT_EQ(0, ee.ee_data);
	ASSERT_EQ(false, event_next(self->fd, &ee));
	/* An event is no error of the socket. */
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(0, get_int(self->fd, SOL_SOCKET, SO_ERROR));
	ASSERT_EQ(1, send_now(self->fd));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN));
}

/* Alerts of any shape but two bytes are nonsense, and nonsense is dropped. */
TEST_F(control, misshapen_alerts)
{
	static const __u8 a[4] = { ALERT_FATAL, ALERT_INTERNAL_ERROR };
	size_t n;

	for (n = 0; n <= 4; n++) {
		if (n == 2)
			continue;
		must(end_send_type(self->far, DTLS_TYPE_ALERT, a, n) == (ssize_t)n);
		ASSERT_EQ(-EAGAIN, recv_now(self->fd)) TH_LOG("%zu bytes", n);
	}
	/* Nor is there a third level. */
	alert(self->far, 3, ALERT_INTERNAL_ERROR);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	alert(self->far, 0, ALERT_INTERNAL_ERROR);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(1, send_now(self->fd));
}

static void renegotiate(struct dtls_end *far, int fd, __u8 message)
{
	struct sock_extended_err ee;

	handshake(far, message);
	must(recv_now(fd) == -EAGAIN);
	must(alerted(far, ALERT_WARNING, ALERT_NO_RENEGOTIATION));
	must(silent(far));
	must(stat_read("RxRenegotiate") == 1);
	must(event_next(fd, &ee));
	must(ee.ee_origin == SO_EE_ORIGIN_DTLS);
	must(ee.ee_type == DTLS_EVENT_RENEGOTIATE);
	must(ee.ee_errno == EPROTO);
	must(ee.ee_code == 0 && ee.ee_info == 1);
	must(!event_next(fd, &ee));
	/* Refused, and no more than that. */
	must(send_now(fd) == 1);
	must(end_recv(far, in, sizeof(in), 0) == 1);
	must(end_send(far, "on", 2, 0) == 2);
	must(recv_now(fd) == 2);
}

TEST_F(control, hello_request)
{
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
	renegotiate(self->far, self->fd, HS_HELLO_REQUEST);
}

TEST_F(control, client_hello)
{
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_EVENTS,
			     DTLS_EVENT_RENEGOTIATE));
	renegotiate(self->far, self->fd, HS_CLIENT_HELLO);
}

/* The same bytes again are a replay: they make no second alert. */
TEST_F(control, renegotiation_replayed)
{
	__u8 rec[RECORD_ROOM], m[12] = {};
	size_t n;
	int i;

	n = oracle_seal(&self->far->tx, DTLS_TYPE_HANDSHAKE, m, sizeof(m), rec);
	for (i = 0; i < 3; i++) {
		must(send(self->far->fd, rec, n, 0) == (ssize_t)n);
		ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	}
	ASSERT_EQ(true, alerted(self->far, ALERT_WARNING,
				ALERT_NO_RENEGOTIATION));
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(2, stat_read("RxDropReplay"));
}

TEST_F(control, stray_records)
{
	int i = 0;

	must(end_send_type(self->far, DTLS_TYPE_CCS, "\1", 1) == 1);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(++i, stat_read("RxDropControl"));
	must(end_send_type(self->far, DTLS_TYPE_HEARTBEAT, "\1\0\1x", 4) == 4);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(++i, stat_read("RxDropControl"));
	handshake(self->far, 11);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(++i, stat_read("RxDropControl"));
	must(end_send_type(self->far, DTLS_TYPE_HANDSHAKE, "", 0) == 0);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(true, silent(self->far));
	must(end_send(self->far, "on", 2, 0) == 2);
	ASSERT_EQ(2, recv_now(self->fd));
}

static void put_record(__u8 **at, __u16 epoch, __u8 type, const void *data,
		       __u32 len)
{
	struct dtls_flight_record r = { .epoch = epoch, .type = type, .len = len };

	memcpy(*at, &r, sizeof(r));
	memcpy(*at + sizeof(r), data, len);
	*at += sizeof(r) + len;
}

/* A server's: change_cipher_spec in the clear, Finished under epoch 1. */
static int set_flight(int fd, __u64 seq, const void *finished, size_t len)
{
	struct dtls_flight f = { .size = sizeof(f), .count = 2, .seq = seq };
	__u8 buf[500], *at = buf + sizeof(f);

	memcpy(buf, &f, sizeof(f));
	put_record(&at, 0, DTLS_TYPE_CCS, "\1", 1);
	put_record(&at, 1, DTLS_TYPE_HANDSHAKE, finished, len);
	return setsockopt(fd, SOL_DTLS, DTLS_LAST_FLIGHT, buf, at - buf);
}

/* The flight, in as many datagrams as it comes; true if all is there. */
static bool flight_came(struct dtls_end *far, __u64 seq, const void *finished,
			size_t len)
{
	bool ccs = false, fin = false;
	struct oracle_header h;
	struct oracle_record r;
	ssize_t n, used, at;
	size_t body;

	while ((n = recv_soon(far->fd, in, sizeof(in), 0)) > 0) {
		for (at = 0; at < n; at += used) {
			must(oracle_parse(in + at, n - at, &h, &body));
			if (!h.epoch) {
				must(h.type == DTLS_TYPE_CCS && h.seq == seq);
				must(body == 1 && in[at + RECORD_HEADER] == 1);
				must(h.version == DTLS_1_2_VERSION);
				must(!ccs);
				ccs = true;
				used = RECORD_HEADER + body;
				continue;
			}
			used = oracle_open(&far->rx, in + at, n - at, &r);
			must(used > 0 && r.h.type == DTLS_TYPE_HANDSHAKE);
			must(r.len == len && !memcmp(r.data, finished, len));
			must(!fin);
			fin = true;
		}
	}
	return ccs && fin;
}

TEST_F(control, last_flight)
{
	__u8 finished[24] = { HS_FINISHED, 0, 0, 12, 0, 3, 0, 0, 0, 0, 0, 12 };
	struct sock_extended_err ee;
	struct dtls_keys k;

	fill(finished + 12, 12, 3);
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
	ASSERT_EQ(0, set_flight(self->fd, 5, finished, sizeof(finished)));
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(1, send_now(self->fd));
	ASSERT_EQ(1, end_recv(self->far, in, sizeof(in), 0));

	/* A Finished from the peer: it has not seen ours. */
	handshake(self->far, HS_FINISHED);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(true, flight_came(self->far, 5, finished, sizeof(finished)));
	ASSERT_LE(1, stat_read("TxLastFlight"));
	ASSERT_EQ(true, event_next(self->fd, &ee));
	ASSERT_EQ(SO_EE_ORIGIN_DTLS, ee.ee_origin);
	ASSERT_EQ(DTLS_EVENT_FLIGHT, ee.ee_type);
	ASSERT_EQ(EALREADY, ee.ee_errno);
	/* Under a new number, never the one it had. */
	key_state(self->fd, DTLS_TX, &k);
	ASSERT_EQ(FIRST_SEQ + 2, k.seq);

	/* Each time it asks, and again under new numbers in both epochs. */
	handshake(self->far, HS_FINISHED);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(true, flight_came(self->far, 6, finished, sizeof(finished)));
	key_state(self->fd, DTLS_TX, &k);
	ASSERT_EQ(FIRST_SEQ + 3, k.seq);
	must(end_send(self->far, "on", 2, 0) == 2);
	ASSERT_EQ(2, recv_now(self->fd));
}

/* A replayed Finished is a Finished that has been seen: dropped. */
TEST_F(control, last_flight_not_for_replays)
{
	__u8 finished[24] = { HS_FINISHED, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 12 };
	__u8 rec[RECORD_ROOM];
	size_t n;

	ASSERT_EQ(0, set_flight(self->fd, 5, finished, sizeof(finished)));
	n = oracle_seal(&self->far->tx, DTLS_TYPE_HANDSHAKE, finished,
			sizeof(finished), rec);
	must(send(self->far->fd, rec, n, 0) == (ssize_t)n);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(true, flight_came(self->far, 5, finished, sizeof(finished)));
	must(send(self->far->fd, rec, n, 0) == (ssize_t)n);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(true, silent(self->far));
}

TEST_F(control, last_flight_forgotten)
{
	struct dtls_flight none = { .size = sizeof(none) };
	__u8 finished[24] = { HS_FINISHED, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 12 };

	ASSERT_EQ(0, set_flight(self->fd, 5, finished, sizeof(finished)));
	ASSERT_EQ(0, setsockopt(self->fd, SOL_DTLS, DTLS_LAST_FLIGHT, &none,
				sizeof(none)));
	handshake(self->far, HS_FINISHED);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(0, stat_read("TxLastFlight"));
}

/* With DTLS_RECVTYPE the program does all that by itself. */
TEST_F(control, kernel_keeps_out)
{
	struct dtls_record r;
	struct sock_extended_err ee;

	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_RECVTYPE, 1));
	handshake(self->far, HS_HELLO_REQUEST);
	alert(self->far, ALERT_FATAL, ALERT_INTERNAL_ERROR);
	alert(self->far, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
	ASSERT_EQ(12, recv_record(self->fd, in, sizeof(in), 0, &r, NULL));
	ASSERT_EQ(DTLS_TYPE_HANDSHAKE, r.type);
	ASSERT_EQ(2, recv_record(self->fd, in, sizeof(in), 0, &r, NULL));
	ASSERT_EQ(DTLS_TYPE_ALERT, r.type);
	ASSERT_EQ(ALERT_FATAL, in[0]);
	ASSERT_EQ(2, recv_record(self->fd, in, sizeof(in), 0, &r, NULL));
	ASSERT_EQ(DTLS_TYPE_ALERT, r.type);
	ASSERT_EQ(false, event_next(self->fd, &ee));
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(1, send_now(self->fd));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN | POLLRDHUP));
}

/* The last numbers before 2^48: a warning in time, then the end. */
TEST_F(control, last_sequence_number)
{
	struct oracle_key k = self->p.near.tx;
	struct sock_extended_err ee;
	struct dtls_keys state;
	int told = 0;

	k.epoch = 2;
	k.seq = (1ULL << 48) - 4;
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_LIMIT));
	ASSERT_EQ(0, key_install(self->fd, DTLS_TX, &k));
	self->far->rx = k;
	ASSERT_EQ(1, send_now(self->fd));
	ASSERT_EQ(true, event_next(self->fd, &ee));
	ASSERT_EQ(SO_EE_ORIGIN_DTLS, ee.ee_origin);
	ASSERT_EQ(DTLS_EVENT_LIMIT, ee.ee_type);
	ASSERT_EQ(EKEYEXPIRED, ee.ee_errno);
	ASSERT_EQ(2, ee.ee_info);
	ASSERT_EQ(0, ee.ee_data);
	ASSERT_EQ(1, send_now(self->fd));
	ASSERT_EQ(1, send_now(self->fd));
	/* AES-GCM has a limit of its own, long before: told as well. */
	while (event_next(self->fd, &ee)) {
		ASSERT_EQ(DTLS_EVENT_LIMIT, ee.ee_type);
		ASSERT_LT(told++, 1);
	}
	ASSERT_EQ(variant->suite == SUITE_AES_128_GCM, told);
	ASSERT_EQ(-EKEYEXPIRED, send_now(self->fd));
	ASSERT_EQ(-EKEYEXPIRED, send_now(self->fd));
	ASSERT_LE(1, stat_read("KeyLimit"));
	key_state(self->fd, DTLS_TX, &state);
	ASSERT_EQ(3, state.records);
	ASSERT_EQ((1ULL << 48) - 1, state.seq);
	ASSERT_EQ(1, end_recv(self->far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(1, end_recv(self->far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(1, end_recv(self->far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(true, silent(self->far));
	/* New keys, new life. */
	keys_next(&self->p.near, self->far, 3);
	ASSERT_EQ(0, key_install(self->fd, DTLS_TX, &self->p.near.tx));
	ASSERT_EQ(1, send_now(self->fd));
	ASSERT_EQ(1, end_recv(self->far, in, sizeof(in), MSG_DONTWAIT));
}

/* RFC 9147 4.5.3: 2^24.5 records for AES-GCM, no such limit for ChaCha20. */
TEST_F(control, aead_limit)
{
	struct oracle_key k = self->p.near.tx;
	struct sock_extended_err ee;

	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_LIMIT));
	k.epoch = 2;
	k.seq = 1 << 23;
	ASSERT_EQ(0, key_install(self->fd, DTLS_TX, &k));
	ASSERT_EQ(1, send_now(self->fd));
	ASSERT_EQ(false, event_next(self->fd, &ee));
	k.epoch = 3;
	k.seq = 23726500;
	ASSERT_EQ(0, key_install(self->fd, DTLS_TX, &k));
	ASSERT_EQ(1, send_now(self->fd));
	if (variant->suite == SUITE_CHACHA20) {
		ASSERT_EQ(false, event_next(self->fd, &ee));
		return;
	}
	ASSERT_EQ(true, event_next(self->fd, &ee));
	ASSERT_EQ(DTLS_EVENT_LIMIT, ee.ee_type);
	ASSERT_EQ(EKEYEXPIRED, ee.ee_errno);
	ASSERT_EQ(3, ee.ee_info);
	ASSERT_EQ(0, ee.ee_data);
	ASSERT_EQ(1, stat_read("KeyLimit"));
	/* Once, and nothing stops. */
	ASSERT_EQ(1, send_now(self->fd));
	ASSERT_EQ(false, event_next(self->fd, &ee));
}

/* In one datagram: the data, then the end. */
TEST_F(control, data_and_close_notify_together)
{
	static const __u8 a[2] = { ALERT_WARNING, ALERT_CLOSE_NOTIFY };
	__u8 dgram[2 * RECORD_ROOM];
	size_t n;

	n = oracle_seal(&self->far->tx, DTLS_TYPE_DATA, "last", 4, dgram);
	n += oracle_seal(&self->far->tx, DTLS_TYPE_ALERT, a, 2, dgram + n);
	must(send(self->far->fd, dgram, n, 0) == (ssize_t)n);
	ASSERT_EQ(POLLIN, poll_now(self->fd, POLLIN) & POLLIN);
	ASSERT_EQ(4, recv_now(self->fd));
	ASSERT_EQ(0, memcmp(in, "last", 4));
	ASSERT_EQ(0, recv_now(self->fd));
}

/* A batch that does not fit into what is left sends nothing twice. */
TEST_F(control, last_sequence_number_in_a_batch)
{
	struct oracle_key k = self->p.near.tx;
	struct oracle_record r;
	static __u8 out[1000];
	__u64 next;
	int n = 0;

	k.epoch = 2;
	k.seq = (1ULL << 48) - 4;
	next = k.seq;
	ASSERT_EQ(0, key_install(self->fd, DTLS_TX, &k));
	self->far->rx = k;
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 100));
	send(self->fd, out, sizeof(out), 0);
	while (oracle_recv(self->far, &r, MSG_DONTWAIT) >= 0) {
		ASSERT_EQ(next, r.h.seq);
		next++;
		n++;
	}
	ASSERT_LE(n, 3);
}

TEST_HARNESS_MAIN
