// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: chacha_v6_cid */
/* kselftest-kcsan: yes */
/*
 * DTLS 1.3: alerts and closing; what comes behind a handshake and wants to be
 * acknowledged; the end of the handshake itself, under epoch 2.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>

#include "lib/far13.h"

static __u8 in[DTLS_PLAINTEXT_MAX];

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

FIXTURE(control13) {
	struct pair13 p;
	struct end13 *far;
	int fd;
};

FIXTURE_VARIANT(control13) {
	__u16 suite;
	int family;
	unsigned int cid;
};

FIXTURE_VARIANT_ADD(control13, gcm_v4) { SUITE13_AES_128_GCM, FAMILY_V4, 0 };
FIXTURE_VARIANT_ADD(control13, chacha_v6_cid) { SUITE13_CHACHA20, FAMILY_V6, 8 };

FIXTURE_SETUP(control13)
{
	netns_new();
	pair13_prepare(&self->p, variant->suite, variant->family, false);
	pair13_cids(&self->p, variant->cid, variant->cid);
	pair13_install(&self->p);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
}

FIXTURE_TEARDOWN(control13)
{
	pair13_close(&self->p);
}

static void alert(struct end13 *far, __u8 level, __u8 description)
{
	__u8 a[2] = { level, description };

	must(end13_send_type(far, DTLS_TYPE_ALERT, a, 2) == 2);
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

/* Data goes both ways. */
static bool alive(int fd, struct end13 *far)
{
	struct seen13 s;

	must(end13_send(far, "on", 2, 0) == 2);
	if (recv_now(fd) != 2 || send_now(fd) != 1)
		return false;
	far13_collect(far, &s);
	return s.data == 1 && s.len == 1;
}

TEST_F(control13, close_notify_is_half)
{
	struct sock_extended_err ee;
	struct seen13 s;

	must(end13_send(self->far, "last", 4, 0) == 4);
	alert(self->far, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
	must(end13_send(self->far, "late", 4, 0) == 4);
	ASSERT_EQ(4, recv_now(self->fd));
	ASSERT_EQ(0, recv_now(self->fd));
	ASSERT_EQ(0, recv_now(self->fd));
	ASSERT_EQ(POLLRDHUP, poll_now(self->fd, POLLIN | POLLRDHUP) & POLLRDHUP);
	ASSERT_EQ(1, stat_read("RxCloseNotify"));
	ASSERT_EQ(1, stat_read("RxDropClosed"));
	ASSERT_EQ(true, far13_silent(self->far));
	ASSERT_EQ(0, get_int(self->fd, SOL_SOCKET, SO_ERROR));
	/* RFC 8446 6.1: it "does not have any effect on its read side" */
	ASSERT_EQ(1, send_now(self->fd));
	far13_collect(self->far, &s);
	ASSERT_EQ(1, s.data);
	ASSERT_EQ(0, shutdown(self->fd, SHUT_WR));
	ASSERT_EQ(-EPIPE, send_now(self->fd));
	far13_collect(self->far, &s);
	ASSERT_EQ(1, s.alerts);
	ASSERT_EQ(ALERT_CLOSE_NOTIFY, s.alert[1]);
	shutdown(self->fd, SHUT_WR);
	ASSERT_EQ(true, far13_silent(self->far));
	ASSERT_EQ(false, event_next(self->fd, &ee));
}

/* Whatever level it says; RFC 8446 6: "severity is implicit". */
TEST_F(control13, close_notify_of_any_level)
{
	alert(self->far, ALERT_FATAL, ALERT_CLOSE_NOTIFY);
	ASSERT_EQ(0, recv_now(self->fd));
	ASSERT_EQ(1, send_now(self->fd));
	ASSERT_EQ(0, get_int(self->fd, SOL_SOCKET, SO_ERROR));
}

TEST_F(control13, shutdown_write)
{
	struct seen13 s;

	ASSERT_EQ(1, send_now(self->fd));
	ASSERT_EQ(0, shutdown(self->fd, SHUT_WR));
	far13_collect(self->far, &s);
	ASSERT_EQ(1, s.data);
	ASSERT_EQ(1, s.alerts);
	ASSERT_EQ(ALERT_CLOSE_NOTIFY, s.alert[1]);
	ASSERT_EQ(-EPIPE, send_now(self->fd));
	must(end13_send(self->far, "more", 4, 0) == 4);
	ASSERT_EQ(4, recv_now(self->fd));
	alert(self->far, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
	ASSERT_EQ(0, recv_now(self->fd));
	ASSERT_EQ(true, far13_silent(self->far));
}

TEST_F(control13, close_notify_wakes)
{
	pid_t child = spawn();

	if (!child)
		_exit(recv(self->fd, in, sizeof(in), 0) == 0 ? 0 : 1);
	wait_asleep(child, __NR_recvfrom);
	alert(self->far, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
	ASSERT_EQ(0, wait_child(child));
}

TEST_F(control13, forged_alerts)
{
	static const __u8 a[2] = { ALERT_FATAL, ALERT_INTERNAL_ERROR };
	__u8 rec[RECORD13_ROOM];
	size_t n;

	n = oracle13_seal(&self->far->tx, DTLS_TYPE_ALERT, a, 2, rec);
	rec[n - 1] ^= 1;
	end13_post(self->far, rec, n);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(true, alive(self->fd, self->far));
}

/* RFC 8446 6: all but two "MUST be treated as error alerts" */
TEST_F(control13, other_alerts_are_fatal)
{
	static const __u8 descriptions[] = { 10, 20, 80, 100, 109, 110, 255 };
	struct dtls_keys k;
	struct pair13 p;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(descriptions); i++) {
		pair13_open(&p, variant->suite, variant->family, false);
		must(end13_send(&p.far, "last", 4, 0) == 4);
		/* a warning, by what it says of itself */
		alert(&p.far, 1 + i % 2, descriptions[i]);
		ASSERT_EQ(4, recv_now(p.near.fd));
		ASSERT_EQ(-ECONNRESET, recv_now(p.near.fd))
			TH_LOG("alert %u", descriptions[i]);
		ASSERT_EQ(0, recv_now(p.near.fd));
		ASSERT_EQ(-EPIPE, send_now(p.near.fd));
		ASSERT_EQ(true, far13_silent(&p.far));
		ASSERT_EQ(-1, set_int(p.near.fd, SOL_DTLS, DTLS_KEY_UPDATE, 0));
		ASSERT_EQ(EPIPE, errno);
		key13_fill(&k, &p.near.tx, 9);
		k.epoch++;
		ASSERT_EQ(-1, setsockopt(p.near.fd, SOL_DTLS, DTLS_TX, &k, sizeof(k)));
		ASSERT_EQ(EPIPE, errno);
		pair13_close(&p);
	}
	ASSERT_EQ(i, stat_read("RxAlerts"));
}

TEST_F(control13, user_canceled)
{
	struct sock_extended_err ee;

	alert(self->far, ALERT_FATAL, ALERT_USER_CANCELED);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(true, event_next(self->fd, &ee));
	ASSERT_EQ(SO_EE_ORIGIN_DTLS, ee.ee_origin);
	ASSERT_EQ(DTLS_EVENT_ALERT, ee.ee_type);
	ASSERT_EQ(ALERT_USER_CANCELED, ee.ee_code);
	ASSERT_EQ(ENOMSG, ee.ee_errno);
	ASSERT_EQ(EPOCH13, ee.ee_info);
	ASSERT_EQ(false, event_next(self->fd, &ee));
	ASSERT_EQ(true, alive(self->fd, self->far));
}

TEST_F(control13, misshapen_alerts)
{
	static const __u8 a[4] = { ALERT_FATAL, ALERT_INTERNAL_ERROR };
	size_t n;

	for (n = 0; n <= 4; n++) {
		if (n == 2)
			continue;
		must(end13_send_type(self->far, DTLS_TYPE_ALERT, a, n) ==
		     (ssize_t)n);
		ASSERT_EQ(-EAGAIN, recv_now(self->fd)) TH_LOG("%zu bytes", n);
	}
	ASSERT_EQ(true, alive(self->fd, self->far));
}

/* The ticket that each server sends: it repeats it until it is acknowledged. */
TEST_F(control13, ticket)
{
	__u8 body[200];
	struct dtls_keys k;
	struct number13 n;
	struct seen13 s;

	fill(body, sizeof(body), 4);
	n = far13_message(self->far, HS_NEW_SESSION_TICKET, body, sizeof(body));
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	far13_collect(self->far, &s);
	ASSERT_EQ(1, s.acks);
	ASSERT_EQ(1, s.nr_acked);
	ASSERT_EQ(true, seen13_acked(&s, n));
	ASSERT_EQ(0, s.others + s.alerts + s.updates);
	ASSERT_EQ(1, stat_read("TxAcks"));
	ASSERT_EQ(0, stat_drops());
	key_state(self->fd, DTLS_RX, &k);
	ASSERT_EQ(FAR13_MESSAGE + 1, k.message_seq);

	/* the ACK was lost: the same message in another record */
	self->far->tx_message--;
	n = far13_message(self->far, HS_NEW_SESSION_TICKET, body, sizeof(body));
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	far13_collect(self->far, &s);
	ASSERT_EQ(true, seen13_acked(&s, n));
	ASSERT_EQ(2, stat_read("TxAcks"));
	key_state(self->fd, DTLS_RX, &k);
	ASSERT_EQ(FAR13_MESSAGE + 1, k.message_seq);

	/* another one */
	n = far13_message(self->far, HS_NEW_SESSION_TICKET, body, 20);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	far13_collect(self->far, &s);
	ASSERT_EQ(true, seen13_acked(&s, n));
	key_state(self->fd, DTLS_RX, &k);
	ASSERT_EQ(FAR13_MESSAGE + 2, k.message_seq);
	ASSERT_EQ(true, alive(self->fd, self->far));
}

/* A part of message @message in a record of its own. */
static struct number13 part(struct end13 *far, __u16 message, const void *body,
			    size_t len, size_t off, size_t size)
{
	struct number13 n = { far->tx.epoch, far->tx.seq };
	__u8 m[1000];

	size = message13(m, HS_NEW_SESSION_TICKET, message, body, len, off, size);
	must(end13_send_type(far, DTLS_TYPE_HANDSHAKE, m, size) == (ssize_t)size);
	return n;
}

/* In parts; all their records are acknowledged, and it counts when it is whole. */
TEST_F(control13, ticket_in_parts)
{
	struct number13 n[3];
	struct dtls_keys k;
	struct seen13 s;
	__u8 body[300];
	int i, round;

	fill(body, sizeof(body), 4);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 3; i++) {
			n[i] = part(self->far, FAR13_MESSAGE, body, 300, 100 * i, 100);
			ASSERT_EQ(-EAGAIN, recv_now(self->fd));
			key_state(self->fd, DTLS_RX, &k);
			ASSERT_EQ(FAR13_MESSAGE + (round || i == 2), k.message_seq);
		}
		far13_collect(self->far, &s);
		for (i = 0; i < 3; i++)
			ASSERT_EQ(true, seen13_acked(&s, n[i])) TH_LOG("part %d", i);
		ASSERT_EQ(3, s.nr_acked);
	}
	self->far->tx_message = FAR13_MESSAGE + 1;
	n[0] = far13_update(self->far, 0);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	far13_collect(self->far, &s);
	ASSERT_EQ(true, seen13_acked(&s, n[0]));
	far13_next_keys(self->far);
	ASSERT_EQ(true, alive(self->fd, self->far));
}

/* A part is missing: what comes behind the message is not yet due. */
TEST_F(control13, ticket_with_a_hole)
{
	struct dtls_keys k;
	struct number13 n;
	struct seen13 s;
	__u8 body[300];

	fill(body, sizeof(body), 4);
	part(self->far, FAR13_MESSAGE, body, 300, 0, 100);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	part(self->far, FAR13_MESSAGE, body, 300, 200, 100);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	far13_collect(self->far, &s);
	self->far->tx_message = FAR13_MESSAGE + 1;
	far13_update(self->far, 0);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(true, far13_silent(self->far));
	key_state(self->fd, DTLS_RX, &k);
	ASSERT_EQ(EPOCH13, k.epoch);
	ASSERT_EQ(FAR13_MESSAGE, k.message_seq);
	/* the whole of it, then the update again */
	part(self->far, FAR13_MESSAGE, body, 300, 0, 300);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	self->far->tx_message = FAR13_MESSAGE + 1;
	n = far13_update(self->far, 0);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	far13_collect(self->far, &s);
	ASSERT_EQ(true, seen13_acked(&s, n));
	key_state(self->fd, DTLS_RX, &k);
	ASSERT_EQ(EPOCH13 + 1, k.epoch);
}

/* RFC 9147 7.1: only what was "processed or buffered" is acknowledged. */
TEST_F(control13, future_messages)
{
	struct dtls_keys k;
	struct number13 n;
	struct seen13 s;
	int i;

	for (i = 1; i < 4; i++) {
		self->far->tx_message = FAR13_MESSAGE + (i == 3 ? 32767 : i);
		far13_message(self->far, HS_NEW_SESSION_TICKET, "a ticket", 8);
		ASSERT_EQ(-EAGAIN, recv_now(self->fd));
		ASSERT_EQ(true, far13_silent(self->far)) TH_LOG("%d", i);
	}
	ASSERT_EQ(0, stat_read("TxAcks"));
	key_state(self->fd, DTLS_RX, &k);
	ASSERT_EQ(FAR13_MESSAGE, k.message_seq);
	for (i = 0; i < 2; i++) {
		self->far->tx_message = FAR13_MESSAGE + i;
		n = far13_message(self->far, HS_NEW_SESSION_TICKET, "a ticket", 8);
		ASSERT_EQ(-EAGAIN, recv_now(self->fd));
		far13_collect(self->far, &s);
		ASSERT_EQ(true, seen13_acked(&s, n));
	}
}

/* Messages of the handshake that belong there, and others that nobody knows. */
TEST_F(control13, stray_messages)
{
	static const __u8 types[] = { 0, 1, 2, 3, 5, 8, 11, 15, 25, 254 };
	struct seen13 s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		self->far->tx_message = FAR13_MESSAGE;
		far13_message(self->far, types[i], "some body of it", 15);
		ASSERT_EQ(-EAGAIN, recv_now(self->fd)) TH_LOG("type %u", types[i]);
		far13_collect(self->far, &s);
		ASSERT_EQ(0, s.data + s.updates + s.others);
	}
	/* too short for a header, or shorter than it says */
	must(end13_send_type(self->far, DTLS_TYPE_HANDSHAKE, "", 0) == 0);
	must(end13_send_type(self->far, DTLS_TYPE_HANDSHAKE, "\4\0\0\0", 4) == 4);
	must(end13_send_type(self->far, DTLS_TYPE_HANDSHAKE,
			     "\4\0\0\11\0\5\0\0\0\0\0\11x", 13) == 13);
	/* a part that ends behind its message */
	must(end13_send_type(self->far, DTLS_TYPE_HANDSHAKE,
			     "\4\0\0\1\0\5\0\0\1\0\0\1x", 13) == 13);
	must(end13_send_type(self->far, DTLS_TYPE_HEARTBEAT, "\1\0\1x", 4) == 4);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(true, far13_silent(self->far));
	ASSERT_EQ(true, alive(self->fd, self->far));
}

/* Nobody asked: they mean nothing, and are no data. */
TEST_F(control13, stray_acks)
{
	struct number13 n[2] = { { EPOCH13, 0 }, { EPOCH13, 1 } };
	struct dtls_keys before, after;

	key_state(self->fd, DTLS_TX, &before);
	far13_ack(self->far, n, 2);
	far13_ack(self->far, n, 0);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN));
	ASSERT_EQ(2, stat_read("RxAcks"));
	/* misshapen ones */
	must(end13_send_type(self->far, DTLS_TYPE_ACK, "", 0) == 0);
	must(end13_send_type(self->far, DTLS_TYPE_ACK, "\0", 1) == 1);
	must(end13_send_type(self->far, DTLS_TYPE_ACK, "\0\20", 2) == 2);
	must(end13_send_type(self->far, DTLS_TYPE_ACK, "\0\1x", 3) == 3);
	must(end13_send_type(self->far, DTLS_TYPE_ACK, "\377\377xyz", 5) == 5);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	key_state(self->fd, DTLS_TX, &after);
	ASSERT_EQ(0, memcmp(&before, &after, sizeof(before)));
	ASSERT_EQ(true, alive(self->fd, self->far));
}

/* With DTLS_RECVTYPE the program does all that by itself. */
TEST_F(control13, kernel_keeps_out)
{
	struct sock_extended_err ee;
	struct number13 n = { EPOCH13, 0 };
	struct dtls_record r;
	struct dtls_keys k;

	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_RECVTYPE, 1));
	far13_update(self->far, 1);
	far13_message(self->far, HS_NEW_SESSION_TICKET, "a ticket", 8);
	far13_ack(self->far, &n, 1);
	alert(self->far, ALERT_FATAL, ALERT_INTERNAL_ERROR);
	alert(self->far, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
	settle();
	ASSERT_EQ(13, recv_record(self->fd, in, sizeof(in), 0, &r, NULL));
	ASSERT_EQ(DTLS_TYPE_HANDSHAKE, r.type);
	ASSERT_EQ(EPOCH13, r.epoch);
	ASSERT_EQ(FAR13_SEQ, r.seq);
	ASSERT_EQ(HS_KEY_UPDATE, in[0]);
	ASSERT_EQ(20, recv_record(self->fd, in, sizeof(in), 0, &r, NULL));
	ASSERT_EQ(DTLS_TYPE_HANDSHAKE, r.type);
	ASSERT_EQ(18, recv_record(self->fd, in, sizeof(in), 0, &r, NULL));
	ASSERT_EQ(DTLS_TYPE_ACK, r.type);
	ASSERT_EQ(2, recv_record(self->fd, in, sizeof(in), 0, &r, NULL));
	ASSERT_EQ(DTLS_TYPE_ALERT, r.type);
	ASSERT_EQ(2, recv_record(self->fd, in, sizeof(in), 0, &r, NULL));
	ASSERT_EQ(DTLS_TYPE_ALERT, r.type);
	ASSERT_EQ(true, far13_silent(self->far));
	ASSERT_EQ(false, event_next(self->fd, &ee));
	ASSERT_EQ(0, stat_read("TxAcks"));
	key_state(self->fd, DTLS_RX, &k);
	ASSERT_EQ(EPOCH13, k.epoch);
	ASSERT_EQ(1, send_now(self->fd));
}

/* What a server has left to do: keys of epoch 2 that receive. */
static void server_open(struct pair13 *p, __u16 suite, int family,
			struct oracle13_key *early)
{
	pair13_prepare(p, suite, family, false);
	oracle13_key_init(early, suite, 2, 91);
	early->seq = 2;
	must(!ulp_attach(p->near.fd));
	must(!set_int(p->near.fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
	must(!key13_install(p->near.fd, DTLS_RX, early, FAR13_MESSAGE));
	must(!key13_install(p->near.fd, DTLS_TX, &p->near.tx, NEAR13_MESSAGE));
	must(!key13_install(p->near.fd, DTLS_RX, &p->near.rx[0].key, FAR13_MESSAGE));
}

/* A record of epoch 2 with this message. */
static struct number13 early_message(struct end13 *far, struct oracle13_key *k,
				     __u8 type, __u16 message)
{
	struct number13 n = { k->epoch, k->seq };
	__u8 m[100], rec[RECORD13_ROOM], body[32] = {};
	size_t size = message13(m, type, message, body, 32, 0, 32);

	end13_post(far, rec, oracle13_seal(k, DTLS_TYPE_HANDSHAKE, m, size, rec));
	return n;
}

TEST_F(control13, finished_again)
{
	struct oracle13_key early;
	__u8 rec[RECORD13_ROOM];
	struct number13 n;
	struct seen13 s;
	struct pair13 p;
	size_t size;
	int i;

	server_open(&p, variant->suite, variant->family, &early);
	for (i = 0; i < 3; i++) {
		n = early_message(&p.far, &early, HS_FINISHED, FAR13_MESSAGE - 1);
		ASSERT_EQ(-EAGAIN, recv_now(p.near.fd));
		far13_collect(&p.far, &s);
		/* RFC 9147 7.1, under the keys of application data */
		ASSERT_EQ(true, seen13_acked(&s, n)) TH_LOG("time %d", i);
		ASSERT_EQ(0, s.data + s.alerts + s.updates + s.others);
		ASSERT_EQ(i + 1, stat_read("TxAcks"));
		ASSERT_EQ(true, alive(p.near.fd, &p.far));
	}
	ASSERT_EQ(0, stat_drops());

	/* data has no place there */
	size = oracle13_seal(&early, DTLS_TYPE_DATA, "early", 5, rec);
	end13_post(&p.far, rec, size);
	ASSERT_EQ(-EAGAIN, recv_now(p.near.fd));
	ASSERT_EQ(0, poll_now(p.near.fd, POLLIN));
	ASSERT_EQ(1, stat_read("RxDropControl"));
	ASSERT_EQ(1, stat_drops());
	ASSERT_EQ(true, far13_silent(&p.far));
	ASSERT_EQ(true, alive(p.near.fd, &p.far));

	/* a copy of the record is a replay, and answered by nobody */
	n = early_message(&p.far, &early, HS_FINISHED, FAR13_MESSAGE - 1);
	early.seq--;
	early_message(&p.far, &early, HS_FINISHED, FAR13_MESSAGE - 1);
	ASSERT_EQ(-EAGAIN, recv_now(p.near.fd));
	far13_collect(&p.far, &s);
	ASSERT_EQ(1, s.nr_acked);
	ASSERT_EQ(1, stat_read("RxDropReplay"));
	pair13_close(&p);
}

/* RFC 9147 8: a KeyUpdate is nothing that epoch 2 could have. */
TEST_F(control13, update_under_epoch_two)
{
	struct oracle13_key early;
	__u8 m[20], rec[RECORD13_ROOM], zero = 0;
	struct dtls_keys k;
	struct pair13 p;
	size_t n;

	server_open(&p, variant->suite, variant->family, &early);
	n = message13(m, HS_KEY_UPDATE, FAR13_MESSAGE, &zero, 1, 0, 1);
	n = oracle13_seal(&early, DTLS_TYPE_HANDSHAKE, m, n, rec);
	end13_post(&p.far, rec, n);
	ASSERT_EQ(-EAGAIN, recv_now(p.near.fd));
	key_state(p.near.fd, DTLS_RX, &k);
	ASSERT_EQ(EPOCH13, k.epoch);
	ASSERT_EQ(true, alive(p.near.fd, &p.far));
	pair13_close(&p);
}

/* Handshake types of a client's last flight (RFC 8446 4). */
#define HS_CERTIFICATE		11
#define HS_CERTIFICATE_VERIFY	15

/* The numbers that the library has sent the flight under. */
#define FLIGHT_SEQ	3

/*
 * A last flight of @count messages, the last one of them Finished, under epoch 2;
 * the others under @epoch.
 */
static int set_flight(int fd, unsigned int count, __u64 epoch)
{
	struct dtls_flight_record r = {
		.type = DTLS_TYPE_HANDSHAKE, .len = HS13_HEADER + 32,
	};
	struct dtls_flight f = { .size = sizeof(f), .count = count };
	__u8 buf[400], body[32], *at = buf + sizeof(f);
	unsigned int i;

	fill(body, sizeof(body), 3);
	memcpy(buf, &f, sizeof(f));
	for (i = 0; i < count; i++) {
		r.seq = FLIGHT_SEQ + i;
		r.epoch = i == count - 1 ? 2 : epoch;
		memcpy(at, &r, sizeof(r));
		at += sizeof(r);
		at += message13(at, i == count - 1 ? HS_FINISHED : HS_CERTIFICATE,
				NEAR13_MESSAGE - count + i, body, 32, 0, 32);
	}
	return setsockopt(fd, SOL_DTLS, DTLS_LAST_FLIGHT, buf, at - buf);
}

/*
 * A client whose last flight is on its way: after that the far end reads what
 * comes under epoch 2 as "others", and writes with @early.
 */
static void client_open(struct pair13 *p, __u16 suite, int family,
			struct oracle13_key *early, unsigned int count)
{
	struct oracle13_key tx;
	int fd;

	pair13_prepare(p, suite, family, false);
	fd = p->near.fd;
	oracle13_key_init(early, suite, 2, 91);
	oracle13_key_init(&tx, suite, 2, 92);
	early->seq = 4;
	tx.seq = FLIGHT_SEQ + count;
	must(!ulp_attach(fd));
	must(!set_int(fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
	must(!key13_install(fd, DTLS_TX, &tx, NEAR13_MESSAGE));
	must(!key13_install(fd, DTLS_RX, early, FAR13_MESSAGE));
	must(!key13_install(fd, DTLS_TX, &p->near.tx, NEAR13_MESSAGE));
	must(!key13_install(fd, DTLS_RX, &p->near.rx[0].key, FAR13_MESSAGE));
	p->far.rx[2].key = tx;
	p->far.rx[2].next = tx.seq;
	must(!set_flight(fd, count, 2));
}

/* Waits until something has come under epoch 2, and takes it. */
static void flight_wait(struct end13 *far, struct seen13 *s)
{
	struct pollfd p = { .fd = far->fd, .events = POLLIN };

	do {
		must(far->left || poll(&p, 1, -1) == 1);
		far13_collect(far, s);
	} while (!s->others);
}

/*
 * The server has got all: then it is an ACK that a repetition of its own gets. Not at
 * once, maybe: the kernel may be just reading what said so.
 */
static bool flight_over(struct pair13 *p, struct oracle13_key *early)
{
	struct number13 n;
	struct seen13 s;
	__u64 flights;
	int tries;

	for (tries = 0; tries < 100; tries++) {
		if (recv_now(p->near.fd) != -EAGAIN)
			return false;
		far13_collect(&p->far, &s);
		flights = stat_read("TxLastFlight");
		n = early_message(&p->far, early, HS_FINISHED, FAR13_MESSAGE - 1);
		if (recv_now(p->near.fd) != -EAGAIN)
			return false;
		far13_collect(&p->far, &s);
		if (seen13_acked(&s, n) && !s.others)
			return stat_read("TxLastFlight") == flights &&
			       alive(p->near.fd, &p->far);
		sched_yield();
	}
	return false;
}

/* The ACK of a KeyUpdate is here: whoever reads it is soon done. */
static void update_wait(int fd)
{
	while (recv_now(fd) == -EAGAIN && get_int(fd, SOL_DTLS, DTLS_KEY_UPDATE))
		sched_yield();
}

/* A client whose Finished got lost: the server repeats its own flight. */
TEST_F(control13, last_flight)
{
	struct sock_extended_err ee;
	struct oracle13_key early;
	unsigned int i, j, n = 0;
	struct seen13 s;
	struct pair13 p;

	client_open(&p, variant->suite, variant->family, &early, 1);
	ASSERT_EQ(true, alive(p.near.fd, &p.far));
	for (i = 0; i < 2; i++) {
		early_message(&p.far, &early, HS_FINISHED, FAR13_MESSAGE - 1);
		ASSERT_EQ(-EAGAIN, recv_now(p.near.fd));
		/* the timer may have sent it as well */
		far13_collect(&p.far, &s);
		ASSERT_LE(1, s.others) TH_LOG("time %d", i);
		for (j = 0; j < s.others; j++, n++) {
			ASSERT_EQ(HS_FINISHED, s.other[j].first);
			ASSERT_EQ(2, s.other[j].at.epoch);
			ASSERT_EQ(FLIGHT_SEQ + 1 + n, s.other[j].at.seq);
			ASSERT_EQ(true, event_next(p.near.fd, &ee));
			ASSERT_EQ(DTLS_EVENT_FLIGHT, ee.ee_type);
			ASSERT_EQ(EALREADY, ee.ee_errno);
		}
		ASSERT_LE(n, stat_read("TxLastFlight"));
	}

	/* acknowledged at last, in epoch 3: that is the end of it */
	far13_ack(&p.far, &s.other[s.others - 1].at, 1);
	ASSERT_EQ(true, flight_over(&p, &early));
	ASSERT_EQ(1, stat_read("RxAcks"));
	ASSERT_EQ(0, stat_drops());
	pair13_close(&p);
}

/*
 * A server that has acknowledged or sent all it had waits in silence: then it is
 * the client's timer (RFC 9147 5.8.1), whatever the program does.
 */
TEST_F(control13, last_flight_by_timer)
{
	struct number13 acked = { 2, FLIGHT_SEQ };
	struct oracle13_key early;
	struct seen13 s;
	struct pair13 p;
	int i;

	client_open(&p, variant->suite, variant->family, &early, 1);
	for (i = 0; i < 2; i++) {
		flight_wait(&p.far, &s);
		ASSERT_EQ(HS_FINISHED, s.other[0].first);
		ASSERT_EQ(0, s.data + s.acks + s.alerts + s.updates);
		/* of other records: says nothing */
		far13_ack(&p.far, &(struct number13){ 2, 1000 }, 1);
		far13_ack(&p.far, &(struct number13){ 3, FLIGHT_SEQ }, 1);
	}
	/* that of the first sending, late; nobody reads */
	far13_ack(&p.far, &acked, 1);
	while (stat_read("RxAcks") < 5)
		sched_yield();
	ASSERT_EQ(true, flight_over(&p, &early));
	pair13_close(&p);
}

/* Only what is missing is sent again. */
TEST_F(control13, last_flight_in_part)
{
	struct oracle13_key early;
	struct seen13 s;
	struct pair13 p;
	int tries;

	client_open(&p, variant->suite, variant->family, &early, 3);
	early_message(&p.far, &early, HS_FINISHED, FAR13_MESSAGE - 1);
	ASSERT_EQ(-EAGAIN, recv_now(p.near.fd));
	flight_wait(&p.far, &s);
	ASSERT_LE(3, s.others);
	ASSERT_EQ(HS_CERTIFICATE, s.other[0].first);
	ASSERT_EQ(HS_CERTIFICATE, s.other[1].first);
	ASSERT_EQ(HS_FINISHED, s.other[2].first);
	far13_ack(&p.far, &s.other[0].at, 1);
	far13_ack(&p.far, &s.other[2].at, 1);
	ASSERT_EQ(-EAGAIN, recv_now(p.near.fd));
	far13_collect(&p.far, &s);

	/* the server repeats what has no ACK, and that need not be its Finished */
	for (tries = 0; tries < 20; tries++) {
		early_message(&p.far, &early, HS_CERTIFICATE_VERIFY,
			      FAR13_MESSAGE - 2);
		ASSERT_EQ(-EAGAIN, recv_now(p.near.fd));
		flight_wait(&p.far, &s);
		ASSERT_EQ(0, s.acks);
		/* not so if the timer was faster than our ACKs */
		if (s.others == 1)
			break;
	}
	ASSERT_EQ(1, s.others);
	ASSERT_EQ(HS_CERTIFICATE, s.other[0].first);
	far13_ack(&p.far, &s.other[0].at, 1);
	ASSERT_EQ(true, flight_over(&p, &early));
	pair13_close(&p);
}

/* A ticket is for a client whose Finished has come (RFC 8446 4.6.1). */
TEST_F(control13, last_flight_and_ticket)
{
	struct oracle13_key early;
	struct pair13 p;

	client_open(&p, variant->suite, variant->family, &early, 2);
	far13_message(&p.far, HS_NEW_SESSION_TICKET, "ticket", 6);
	ASSERT_EQ(true, flight_over(&p, &early));
	pair13_close(&p);
}

/* So is an ACK of new keys. */
TEST_F(control13, last_flight_and_update)
{
	struct oracle13_key early;
	struct seen13 s;
	struct pair13 p;

	client_open(&p, variant->suite, variant->family, &early, 1);
	ASSERT_EQ(0, set_int(p.near.fd, SOL_DTLS, DTLS_KEY_UPDATE, 0));
	far13_collect(&p.far, &s);
	ASSERT_EQ(1, s.updates);
	far13_ack(&p.far, &s.update, 1);
	update_wait(p.near.fd);
	ASSERT_EQ(true, flight_over(&p, &early));
	pair13_close(&p);
}

/* Both wait for an ACK, each for its own. */
TEST_F(control13, last_flight_beside_update)
{
	struct number13 flight = { 2, FLIGHT_SEQ };
	struct oracle13_key early;
	struct seen13 s;
	struct pair13 p;
	int fd;

	client_open(&p, variant->suite, variant->family, &early, 1);
	fd = p.near.fd;
	ASSERT_EQ(0, get_int(fd, SOL_DTLS, DTLS_KEY_UPDATE));
	ASSERT_EQ(0, set_int(fd, SOL_DTLS, DTLS_KEY_UPDATE, 0));
	ASSERT_EQ(1, get_int(fd, SOL_DTLS, DTLS_KEY_UPDATE));
	far13_ack(&p.far, &flight, 1);
	ASSERT_EQ(true, flight_over(&p, &early));
	ASSERT_EQ(1, get_int(fd, SOL_DTLS, DTLS_KEY_UPDATE));
	/* and goes on being repeated */
	memset(&s, 0, sizeof(s));
	while (!s.updates && !s.repeats)
		far13_take(&p.far, &s, 0);
	far13_ack(&p.far, &s.update, 1);
	update_wait(fd);
	pair13_close(&p);
}

/* What went out under keys that are gone is not sent under others. */
TEST_F(control13, last_flight_of_old_keys)
{
	struct oracle13_key early;
	struct seen13 s;
	struct pair13 p;
	unsigned int i;

	client_open(&p, variant->suite, variant->family, &early, 1);
	ASSERT_EQ(0, set_flight(p.near.fd, 2, EPOCH13));
	keys13_next(&p.near, &p.far, EPOCH13 + 1);
	ASSERT_EQ(0, key13_install(p.near.fd, DTLS_TX, &p.near.tx, NEAR13_MESSAGE));
	early_message(&p.far, &early, HS_FINISHED, FAR13_MESSAGE - 1);
	ASSERT_EQ(-EAGAIN, recv_now(p.near.fd));
	flight_wait(&p.far, &s);
	for (i = 0; i < s.others; i++) {
		ASSERT_EQ(HS_FINISHED, s.other[i].first);
		ASSERT_EQ(2, s.other[i].at.epoch);
	}
	ASSERT_EQ(true, alive(p.near.fd, &p.far));
	pair13_close(&p);
}

/*
 * With the keys for reading away no ACK can be heard: nothing is repeated. Another
 * client, who began later, tells when it would have been.
 */
TEST_F(control13, last_flight_without_ears)
{
	struct oracle13_key early;
	struct pair13 p, clock;
	struct dtls_keys k;
	struct seen13 s;

	client_open(&p, variant->suite, variant->family, &early, 1);
	key_state(p.near.fd, DTLS_RX_EXPORT, &k);
	client_open(&clock, variant->suite, variant->family, &early, 1);
	flight_wait(&clock.far, &s);
	flight_wait(&clock.far, &s);
	ASSERT_EQ(true, far13_silent(&p.far));
	pair13_close(&clock);
	pair13_close(&p);
}

/* A forged one is no reason to send anything. */
TEST_F(control13, last_flight_forged)
{
	struct oracle13_key early, other;
	struct seen13 s;
	struct pair13 p;

	client_open(&p, variant->suite, variant->family, &early, 1);
	oracle13_key_init(&other, variant->suite, 2, 93);
	other.seq = early.seq;
	/* so that no timer has to do with it */
	far13_ack(&p.far, &(struct number13){ 2, FLIGHT_SEQ }, 1);
	ASSERT_EQ(-EAGAIN, recv_now(p.near.fd));
	far13_collect(&p.far, &s);
	early_message(&p.far, &other, HS_FINISHED, FAR13_MESSAGE - 1);
	ASSERT_EQ(-EAGAIN, recv_now(p.near.fd));
	ASSERT_EQ(true, far13_silent(&p.far));
	ASSERT_EQ(1, stat_read("RxDropAuth"));
	pair13_close(&p);
}

TEST_HARNESS_MAIN
