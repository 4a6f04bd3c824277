// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: gcm256_v6_cid chacha_mapped */
/* kselftest-kcsan: yes */
/* kselftest-timeout: 300 */
/* kselftest-6.1: gcm128_v4 chacha_mapped */
/*
 * Keys that renew themselves (RFC 9147 8): asked for by the program, by the peer, or
 * by the limits of the cipher. The far end is the test, which can lose what it
 * likes.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "lib/effort.h"
#include "lib/far13.h"

static __u8 in[DTLS_PLAINTEXT_MAX];

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

FIXTURE(update13) {
	struct pair13 p;
	struct end13 *far;
	int fd;
};

FIXTURE_VARIANT(update13) {
	__u16 suite;
	int family;
	unsigned int cid;
};

FIXTURE_VARIANT_ADD(update13, gcm128_v4) { SUITE13_AES_128_GCM, FAMILY_V4, 0 };
FIXTURE_VARIANT_ADD(update13, gcm256_v6_cid) { SUITE13_AES_256_GCM, FAMILY_V6, 5 };
FIXTURE_VARIANT_ADD(update13, chacha_mapped) { SUITE13_CHACHA20, FAMILY_MAPPED, 0 };
FIXTURE_VARIANT_ADD(update13, ccm8_v4) { SUITE13_AES_128_CCM_8, FAMILY_V4, 0 };

FIXTURE_SETUP(update13)
{
	netns_new();
	pair13_prepare(&self->p, variant->suite, variant->family, false);
	pair13_cids(&self->p, variant->cid, variant->cid);
	pair13_install(&self->p);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_REKEY));
}

FIXTURE_TEARDOWN(update13)
{
	pair13_close(&self->p);
}

/* What recv() without waiting says. */
static int recv_now(int fd)
{
	ssize_t n = recv_soon(fd, in, sizeof(in), 0);

	return n < 0 ? -errno : n;
}

static int update(int fd, int request)
{
	return set_int(fd, SOL_DTLS, DTLS_KEY_UPDATE, request) ? errno : 0;
}

static int outstanding(int fd)
{
	return get_int(fd, SOL_DTLS, DTLS_KEY_UPDATE);
}

static __u64 epoch(int fd, int option)
{
	struct dtls_keys k;

	key_state(fd, option, &k);
	return k.epoch;
}

/* Of these keys a record is delivered. */
static bool opens(struct pair13 *p, struct oracle13_key *k)
{
	__u8 rec[RECORD13_ROOM];

	end13_post(&p->far, rec, oracle13_seal(k, DTLS_TYPE_DATA, "text", 4, rec));
	if (recv_now(p->near.fd) == 4)
		return true;
	must(errno == EAGAIN);
	return false;
}

/* What is sent now goes under this epoch, and can be read. */
static bool sends_under(struct pair13 *p, __u64 want)
{
	struct seen13 s;

	must(send(p->near.fd, "data", 4, 0) == 4);
	far13_collect(&p->far, &s);
	return s.data == 1 && s.len == 4 && !memcmp(s.text, "data", 4) &&
	       s.at.epoch == want;
}

/*
 * While an ACK is due a work item looks into what has come, too. So what follows
 * from it may be a little late, and is waited for.
 */
static void finished(int fd)
{
	while (outstanding(fd)) {
		must(recv_now(fd) == -EAGAIN);
		usleep(1000);
	}
}

static void awaited(struct end13 *far, struct seen13 *s, struct number13 n)
{
	memset(s, 0, sizeof(*s));
	while (!seen13_acked(s, n))
		far13_take(far, s, 0);
}

/* One event: new keys for writing (0) or reading (1). */
static bool rekeyed(int fd, __u32 reading, __u64 want)
{
	struct sock_extended_err ee;

	while (!event_next(fd, &ee))
		usleep(1000);
	must(ee.ee_origin == SO_EE_ORIGIN_DTLS && ee.ee_errno == ENOMSG);
	must(ee.ee_type == DTLS_EVENT_REKEY && ee.ee_code == 0);
	return ee.ee_data == reading && ee.ee_info == want;
}

/* Waits for the KeyUpdate that is an answer: some work item sends it. */
static void answered(struct end13 *far, struct seen13 *s)
{
	memset(s, 0, sizeof(*s));
	while (!s->updates)
		far13_take(far, s, 0);
}

TEST_F(update13, received)
{
	struct oracle13_key old = self->far->tx;
	struct sock_extended_err ee;
	struct dtls_keys k;
	struct number13 n;
	struct seen13 s;

	n = far13_update(self->far, 0);
	old.seq = 100;
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN) & POLLIN);
	far13_collect(self->far, &s);
	ASSERT_EQ(1, s.acks);
	ASSERT_EQ(1, s.nr_acked);
	ASSERT_EQ(true, seen13_acked(&s, n));
	ASSERT_EQ(0, s.updates + s.data + s.alerts + s.others);
	ASSERT_EQ(true, rekeyed(self->fd, 1, EPOCH13 + 1));
	ASSERT_EQ(false, event_next(self->fd, &ee));
	key_state(self->fd, DTLS_RX, &k);
	ASSERT_EQ(EPOCH13 + 1, k.epoch);
	ASSERT_EQ(0, k.seq);
	ASSERT_EQ(0, k.records);
	ASSERT_EQ(FAR13_MESSAGE + 1, k.message_seq);
	ASSERT_EQ(variant->cid, k.cid_len);
	key_state(self->fd, DTLS_TX, &k);
	ASSERT_EQ(EPOCH13, k.epoch);
	ASSERT_EQ(NEAR13_MESSAGE, k.message_seq);
	ASSERT_EQ(0, outstanding(self->fd));

	/* late ones and new ones, mixed */
	far13_next_keys(self->far);
	ASSERT_EQ(true, opens(&self->p, &old));
	ASSERT_EQ(true, opens(&self->p, &self->far->tx));
	ASSERT_EQ(true, opens(&self->p, &old));
	ASSERT_EQ(true, sends_under(&self->p, EPOCH13));
	ASSERT_EQ(1, stat_read("RxKeyUpdates"));
	ASSERT_EQ(0, stat_read("TxKeyUpdates"));
	ASSERT_EQ(1, stat_read("TxAcks"));
	ASSERT_EQ(0, stat_drops());
}

/* update_requested is answered by an update, which is not requested in turn. */
TEST_F(update13, received_and_requested)
{
	struct number13 n;
	struct seen13 s;

	n = far13_update(self->far, 1);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	answered(self->far, &s);
	ASSERT_EQ(true, seen13_acked(&s, n));
	ASSERT_EQ(0, s.request);
	ASSERT_EQ(1, outstanding(self->fd));
	ASSERT_EQ(EALREADY, update(self->fd, 0));
	far13_next_keys(self->far);
	ASSERT_EQ(true, rekeyed(self->fd, 1, EPOCH13 + 1));
	/* RFC 9147 8: not before it is acknowledged */
	ASSERT_EQ(true, sends_under(&self->p, EPOCH13));
	far13_ack(self->far, &s.update, 1);
	finished(self->fd);
	ASSERT_EQ(true, rekeyed(self->fd, 0, EPOCH13 + 1));
	ASSERT_EQ(true, sends_under(&self->p, EPOCH13 + 1));
	ASSERT_EQ(true, opens(&self->p, &self->far->tx));
	ASSERT_EQ(1, stat_read("RxAcks"));
}

/* No way to the peer when the answer is due: it is sent when there is one. */
TEST_F(update13, requested_without_a_route)
{
	struct dtls_keys k;
	struct seen13 s;
	__u64 first;

	key_state(self->fd, DTLS_TX, &k);
	first = k.seq;
	far13_update(self->far, 1);
	settle();
	ASSERT_EQ(0, system("ip addr flush dev lo"));
	ASSERT_EQ(-1, recv(self->fd, in, sizeof(in), MSG_DONTWAIT));
	/* the ACK, which is lost, and two tries of the KeyUpdate */
	while (k.seq < first + 3) {
		usleep(1000);
		key_state(self->fd, DTLS_TX, &k);
	}
	ASSERT_EQ(0, system("ip addr add 127.0.0.1/8 dev lo"));
	ASSERT_EQ(0, system("ip addr add ::1/128 dev lo"));
	answered(self->far, &s);
	ASSERT_EQ(0, s.request);
	far13_ack(self->far, &s.update, 1);
	finished(self->fd);
	ASSERT_EQ(true, sends_under(&self->p, EPOCH13 + 1));
}

TEST_F(update13, started)
{
	struct sock_extended_err ee;
	struct dtls_keys k;
	struct seen13 s;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, outstanding(self->fd));
		ASSERT_EQ(0, update(self->fd, i));
		ASSERT_EQ(1, outstanding(self->fd));
		ASSERT_EQ(EALREADY, update(self->fd, 0));
		ASSERT_EQ(EALREADY, update(self->fd, 1));
		far13_collect(self->far, &s);
		ASSERT_EQ(1, s.updates);
		ASSERT_EQ(i, s.request);
		ASSERT_EQ(EPOCH13 + i, s.update.epoch);
		ASSERT_EQ(true, sends_under(&self->p, EPOCH13 + i));
		key_state(self->fd, DTLS_TX, &k);
		ASSERT_EQ(EPOCH13 + i, k.epoch);
		ASSERT_EQ(NEAR13_MESSAGE + i, k.message_seq);
		ASSERT_EQ(false, event_next(self->fd, &ee));

		far13_ack(self->far, &s.update, 1);
		finished(self->fd);
		ASSERT_EQ(true, rekeyed(self->fd, 0, EPOCH13 + 1 + i));
		ASSERT_EQ(false, event_next(self->fd, &ee));
		key_state(self->fd, DTLS_TX, &k);
		ASSERT_EQ(EPOCH13 + 1 + i, k.epoch);
		ASSERT_EQ(0, k.seq);
		ASSERT_EQ(0, k.records);
		ASSERT_EQ(NEAR13_MESSAGE + 1 + i, k.message_seq);
		ASSERT_EQ(variant->cid, k.cid_len);
		ASSERT_EQ(true, sends_under(&self->p, EPOCH13 + 1 + i));
		ASSERT_EQ(EPOCH13, epoch(self->fd, DTLS_RX));
	}
	ASSERT_LE(2, stat_read("TxKeyUpdates"));
	ASSERT_EQ(0, stat_read("RxKeyUpdates"));
	ASSERT_EQ(2, stat_read("RxAcks"));
	ASSERT_EQ(0, stat_drops());
}

/* Who opens the datagrams, be it poll(), deals with them. */
TEST_F(update13, by_poll)
{
	struct seen13 s;
	struct number13 n;

	n = far13_update(self->far, 1);
	ASSERT_EQ(0, poll_now(self->fd, POLLIN) & POLLIN);
	answered(self->far, &s);
	ASSERT_EQ(true, seen13_acked(&s, n));
	far13_ack(self->far, &s.update, 1);
	while (outstanding(self->fd))
		ASSERT_EQ(0, poll_now(self->fd, POLLIN) & POLLIN);
	ASSERT_EQ(true, sends_under(&self->p, EPOCH13 + 1));
}

/* Unacknowledged it comes again, in a new record, until it is. */
TEST_F(update13, repeated)
{
	struct number13 first, again;
	struct seen13 s = {};
	int i;

	for (i = 0; i < 2; i++) {
		memset(&s, 0, sizeof(s));
		ASSERT_EQ(0, update(self->fd, 0));
		/* one of the last round may come before it */
		while (!s.updates)
			far13_take(self->far, &s, 0);
		first = s.update;
		s.repeats = 0;
		while (!s.repeats)
			far13_take(self->far, &s, 0);
		ASSERT_EQ(1, s.updates);
		again = s.update;
		ASSERT_EQ(first.epoch, again.epoch);
		ASSERT_LT(first.seq, again.seq);
		ASSERT_EQ(1, outstanding(self->fd));
		ASSERT_EQ(true, sends_under(&self->p, EPOCH13 + i));
		/* the ACK of either is one */
		far13_ack(self->far, i ? &again : &first, 1);
		finished(self->fd);
		ASSERT_EQ(true, sends_under(&self->p, EPOCH13 + 1 + i));
	}
	ASSERT_LE(4, stat_read("TxKeyUpdates"));
}

/* ACKs of other records, under whatever keys, move nothing. */
TEST_F(update13, other_acks)
{
	struct number13 n[3];
	struct seen13 s;

	ASSERT_EQ(true, sends_under(&self->p, EPOCH13));
	ASSERT_EQ(0, update(self->fd, 0));
	far13_collect(self->far, &s);
	ASSERT_EQ(1, s.updates);
	n[0] = (struct number13){ EPOCH13 - 1, s.update.seq };
	/* that of the data before it, though the timer may have repeated it */
	n[1] = (struct number13){ EPOCH13, s.update.seq - 1 - s.repeats };
	n[2] = (struct number13){ EPOCH13, s.update.seq + 5000 };
	far13_ack(self->far, n, 3);
	n[0] = (struct number13){ EPOCH13 + 1, s.update.seq };
	n[1] = (struct number13){ EPOCH13 + (1ULL << 32), s.update.seq };
	n[2] = (struct number13){ ~0ULL, ~0ULL };
	far13_ack(self->far, n, 3);
	far13_ack(self->far, n, 0);
	/* the right one, in an ACK that is none */
	must(end13_send_type(self->far, DTLS_TYPE_ACK,
			     "\0\21\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\1", 18) == 18);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(1, outstanding(self->fd));
	ASSERT_EQ(true, sends_under(&self->p, EPOCH13));
	/* among others */
	n[0] = (struct number13){ EPOCH13 - 1, 7 };
	n[1] = s.update;
	n[2] = (struct number13){ EPOCH13, s.update.seq + 5000 };
	far13_ack(self->far, n, 3);
	finished(self->fd);
	/* again, when it is past */
	far13_ack(self->far, n, 3);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(true, sends_under(&self->p, EPOCH13 + 1));
}

/* A message that comes again is acknowledged again, and done once. */
TEST_F(update13, duplicates)
{
	struct oracle13_key old;
	struct number13 n;
	struct seen13 s;
	int i;

	n = far13_update(self->far, 1);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	answered(self->far, &s);
	ASSERT_EQ(true, seen13_acked(&s, n));
	far13_ack(self->far, &s.update, 1);
	finished(self->fd);
	for (i = 0; i < 3; i++) {
		self->far->tx_message--;
		n = far13_update(self->far, 1);
		ASSERT_EQ(-EAGAIN, recv_now(self->fd));
		far13_collect(self->far, &s);
		ASSERT_EQ(true, seen13_acked(&s, n));
		ASSERT_EQ(0, s.updates);
		ASSERT_EQ(EPOCH13 + 1, epoch(self->fd, DTLS_RX));
		ASSERT_EQ(EPOCH13 + 1, epoch(self->fd, DTLS_TX));
	}
	/* the very record: a replay */
	old = self->far->tx;
	old.seq = n.seq;
	self->far->tx = old;
	self->far->tx_message--;
	far13_update(self->far, 1);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(true, far13_silent(self->far));
	ASSERT_EQ(1, stat_read("RxDropReplay"));
	far13_next_keys(self->far);
	ASSERT_EQ(true, opens(&self->p, &self->far->tx));
	ASSERT_EQ(EPOCH13 + 1, epoch(self->fd, DTLS_RX));
}

/* Both at once: neither waits for the other. */
TEST_F(update13, crossing)
{
	struct number13 n;
	struct seen13 s;

	ASSERT_EQ(0, update(self->fd, 0));
	n = far13_update(self->far, 0);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	awaited(self->far, &s, n);
	ASSERT_EQ(1, s.updates);
	ASSERT_EQ(EPOCH13 + 1, epoch(self->fd, DTLS_RX));
	ASSERT_EQ(EPOCH13, epoch(self->fd, DTLS_TX));
	/* the ACK comes under the new keys */
	far13_next_keys(self->far);
	far13_ack(self->far, &s.update, 1);
	finished(self->fd);
	ASSERT_EQ(true, sends_under(&self->p, EPOCH13 + 1));
	ASSERT_EQ(true, opens(&self->p, &self->far->tx));
}

/* Both ask for what the other does already: never two at a time. */
TEST_F(update13, crossing_requests)
{
	struct number13 n;
	struct seen13 s;

	ASSERT_EQ(0, update(self->fd, 1));
	n = far13_update(self->far, 1);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	awaited(self->far, &s, n);
	ASSERT_EQ(1, s.updates);
	far13_next_keys(self->far);
	far13_ack(self->far, &s.update, 1);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	/* RFC 8446 4.6.3: "each side will also send a response" */
	answered(self->far, &s);
	ASSERT_EQ(0, s.request);
	ASSERT_EQ(EPOCH13 + 1, s.update.epoch);
	far13_ack(self->far, &s.update, 1);
	finished(self->fd);
	ASSERT_EQ(EPOCH13 + 1, epoch(self->fd, DTLS_RX));
	ASSERT_EQ(true, sends_under(&self->p, EPOCH13 + 2));
	ASSERT_EQ(true, opens(&self->p, &self->far->tx));
}

/* Two old epochs of reading stay, and no more. */
TEST_F(update13, late_records)
{
	struct oracle13_key key[5];
	int i, j;

	for (i = 0; i < 5; i++) {
		key[i] = self->far->tx;
		key[i].seq = 1000;
		for (j = i; j >= 0 && j > i - 3; j--)
			ASSERT_EQ(true, opens(&self->p, &key[j])) TH_LOG("%d of %d", j, i);
		ASSERT_EQ(0, stat_drops());
		far13_update(self->far, 0);
		ASSERT_EQ(-EAGAIN, recv_now(self->fd));
		far13_next_keys(self->far);
	}
	/* two before that, its bits would be those of the newest */
	ASSERT_EQ(false, opens(&self->p, &key[2]));
	ASSERT_EQ(1, stat_read("RxDropEpoch"));
	ASSERT_EQ(true, opens(&self->p, &key[3]));
}

/* Records under keys that are not there yet are lost, and harm nothing. */
TEST_F(update13, too_early)
{
	struct oracle13_key next = self->far->tx;
	int i;

	oracle13_key_update(&next);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(false, opens(&self->p, &next));
	ASSERT_EQ(3, stat_read("RxDropEpoch"));
	far13_update(self->far, 0);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(true, opens(&self->p, &next));
}

/* With data around it in the datagram, the next keys' too. */
TEST_F(update13, in_one_datagram)
{
	__u8 rec[3 * RECORD13_ROOM], m[20], zero = 0;
	struct oracle13_key next = self->far->tx;
	struct seen13 s;
	size_t n, len;

	n = message13(m, HS_KEY_UPDATE, FAR13_MESSAGE, &zero, 1, 0, 1);
	len = oracle13_seal(&self->far->tx, DTLS_TYPE_DATA, "one", 3, rec);
	len += oracle13_seal(&self->far->tx, DTLS_TYPE_HANDSHAKE, m, n, rec + len);
	len += oracle13_seal(&self->far->tx, DTLS_TYPE_DATA, "three", 5, rec + len);
	oracle13_key_update(&next);
	len += oracle13_seal(&next, DTLS_TYPE_DATA, "number four", 11, rec + len);
	end13_post(self->far, rec, len);
	ASSERT_EQ(3, recv_now(self->fd));
	ASSERT_EQ(5, recv_now(self->fd));
	ASSERT_EQ(11, recv_now(self->fd));
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	far13_collect(self->far, &s);
	ASSERT_EQ(1, s.nr_acked);
	ASSERT_EQ(0, stat_drops());
}

static void bad_update(struct end13 *far, const void *body, size_t len,
		       size_t off, size_t part)
{
	__u8 m[50];
	size_t n = message13(m, HS_KEY_UPDATE, FAR13_MESSAGE, body, len, off, part);

	must(end13_send_type(far, DTLS_TYPE_HANDSHAKE, m, n) == (ssize_t)n);
}

/* What is no KeyUpdate updates nothing. */
TEST_F(update13, misshapen)
{
	struct number13 n;
	struct seen13 s;
	__u8 m[50] = {};
	int i;

	for (i = 0; i < 7; i++) {
		switch (i) {
		case 0:
			bad_update(self->far, "", 0, 0, 0);
			break;
		case 1:
			bad_update(self->far, "\0\0", 2, 0, 2);
			break;
		case 2:
			bad_update(self->far, "\2", 1, 0, 1);
			break;
		case 3:
			bad_update(self->far, "\377", 1, 0, 1);
			break;
		case 4:
			bad_update(self->far, "", 1, 0, 0);
			break;
		case 5:
			bad_update(self->far, "\0\0\0", 3, 1, 1);
			break;
		case 6:
			/* ends too early */
			message13(m, HS_KEY_UPDATE, FAR13_MESSAGE, "\0", 1, 0, 1);
			must(end13_send_type(self->far, DTLS_TYPE_HANDSHAKE, m,
					     12) == 12);
			break;
		}
		ASSERT_EQ(-EAGAIN, recv_now(self->fd)) TH_LOG("case %d", i);
		ASSERT_EQ(EPOCH13, epoch(self->fd, DTLS_RX)) TH_LOG("case %d", i);
		far13_collect(self->far, &s);
		ASSERT_EQ(0, s.updates) TH_LOG("case %d", i);
	}
	ASSERT_EQ(true, opens(&self->p, &self->far->tx));
	ASSERT_EQ(0, stat_read("RxKeyUpdates"));
	n = far13_update(self->far, 0);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	far13_collect(self->far, &s);
	ASSERT_EQ(true, seen13_acked(&s, n));
	ASSERT_EQ(EPOCH13 + 1, epoch(self->fd, DTLS_RX));
}

/* One hundred generations, of both directions, each from the one before. */
TEST_F(update13, generations)
{
	const int times = effort(100, 30, 1000);
	struct oracle13_key start = self->p.near.tx;
	struct dtls_keys k;
	struct number13 n;
	struct seen13 s;
	int i;

	for (i = 0; i < times; i++) {
		ASSERT_EQ(0, update(self->fd, 0));
		far13_collect(self->far, &s);
		ASSERT_EQ(1, s.updates);
		far13_ack(self->far, &s.update, 1);
		n = far13_update(self->far, 0);
		ASSERT_EQ(-EAGAIN, recv_now(self->fd));
		far13_next_keys(self->far);
		awaited(self->far, &s, n);
		finished(self->fd);
		ASSERT_EQ(EPOCH13 + 1 + i, epoch(self->fd, DTLS_TX));
		ASSERT_EQ(EPOCH13 + 1 + i, epoch(self->fd, DTLS_RX));
	}
	ASSERT_EQ(true, sends_under(&self->p, EPOCH13 + times));
	ASSERT_EQ(true, opens(&self->p, &self->far->tx));
	ASSERT_EQ(0, stat_drops());

	/* RFC 8446 7.2, so many times over */
	for (i = 0; i < times; i++)
		oracle13_key_update(&start);
	key_state(self->fd, DTLS_TX_EXPORT, &k);
	ASSERT_EQ(EPOCH13 + times, k.epoch);
	ASSERT_EQ(NEAR13_MESSAGE + times, k.message_seq);
	/* the data, and the ACK unless that was the first */
	ASSERT_LE(1, k.seq);
	ASSERT_GE(2, k.seq);
	ASSERT_EQ(0, memcmp(k.secret, start.secret, DTLS_SECRET_MAX));
	key_state(self->fd, DTLS_RX_EXPORT, &k);
	ASSERT_EQ(EPOCH13 + times, k.epoch);
	ASSERT_EQ(FAR13_MESSAGE + times, k.message_seq);
	ASSERT_EQ(1, k.seq);
	ASSERT_EQ(0, memcmp(k.secret, self->far->tx.secret, DTLS_SECRET_MAX));
}

/* What one socket exports in the midst of it, another goes on with. */
TEST_F(update13, exported_and_installed)
{
	struct dtls_keys tx, rx;
	struct pair13 p;
	struct seen13 s;

	ASSERT_EQ(0, update(self->fd, 0));
	far13_collect(self->far, &s);
	far13_ack(self->far, &s.update, 1);
	finished(self->fd);
	far13_update(self->far, 0);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	far13_next_keys(self->far);
	ASSERT_EQ(true, sends_under(&self->p, EPOCH13 + 1));
	key_state(self->fd, DTLS_TX_EXPORT, &tx);
	key_state(self->fd, DTLS_RX_EXPORT, &rx);
	ASSERT_EQ(EKEYREVOKED, update(self->fd, 0));

	tx.records = 0;
	tx.bytes = 0;
	rx.window = 0;
	rx.records = 0;
	rx.bytes = 0;
	pair13_prepare(&p, variant->suite, variant->family, false);
	ASSERT_EQ(0, ulp_attach(p.near.fd));
	ASSERT_EQ(0, setsockopt(p.near.fd, SOL_DTLS, DTLS_TX, &tx, sizeof(tx)));
	ASSERT_EQ(0, setsockopt(p.near.fd, SOL_DTLS, DTLS_RX, &rx, sizeof(rx)));
	close(self->far->fd);
	self->far->fd = p.far.fd;
	close(self->fd);
	self->p.near.fd = p.near.fd;
	self->fd = p.near.fd;
	ASSERT_EQ(true, sends_under(&self->p, EPOCH13 + 1));
	ASSERT_EQ(true, opens(&self->p, &self->far->tx));
	/* the numbers of messages go on as well */
	ASSERT_EQ(0, update(self->fd, 0));
	far13_collect(self->far, &s);
	ASSERT_EQ(1, s.updates);
	far13_ack(self->far, &s.update, 1);
	finished(self->fd);
	far13_update(self->far, 0);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(EPOCH13 + 2, epoch(self->fd, DTLS_TX));
	ASSERT_EQ(EPOCH13 + 2, epoch(self->fd, DTLS_RX));
}

/* Its keys away, a KeyUpdate cannot be repeated: none is outstanding. */
TEST_F(update13, exported_under_way)
{
	unsigned long long sent;
	struct dtls_keys k;

	ASSERT_EQ(0, update(self->fd, 0));
	key_state(self->fd, DTLS_TX_EXPORT, &k);
	ASSERT_EQ(EPOCH13, k.epoch);
	sent = stat_read("TxKeyUpdates");
	while (outstanding(self->fd))
		usleep(1000);
	ASSERT_EQ(sent, stat_read("TxKeyUpdates"));
	ASSERT_EQ(EKEYREVOKED, update(self->fd, 0));
}

/* Away in the midst of it: nobody repeats anything, and nobody waits. */
TEST_F(update13, closed_meanwhile)
{
	static const __u8 fatal[2] = { ALERT_FATAL, ALERT_INTERNAL_ERROR };
	struct dtls_keys k;
	struct pair13 p;
	struct seen13 s;
	int i;

	for (i = 0; i < 12; i++) {
		pair13_open(&p, variant->suite, variant->family, false);
		ASSERT_EQ(0, update(p.near.fd, i % 2));
		far13_collect(&p.far, &s);
		switch (i % 4) {
		case 1:
			ASSERT_EQ(0, shutdown(p.near.fd, SHUT_WR));
			break;
		case 2:
			must(end13_send_type(&p.far, DTLS_TYPE_ALERT, fatal, 2) == 2);
			while (recv_now(p.near.fd) != -ECONNRESET)
				usleep(1000);
			break;
		case 3:
			key_state(p.near.fd, DTLS_TX_EXPORT, &k);
			ASSERT_EQ(EPOCH13, k.epoch);
			/* nobody has acknowledged it: it is due still */
			ASSERT_EQ(NEAR13_MESSAGE, k.message_seq);
			break;
		}
		if (i % 3 == 1) {
			far13_ack(&p.far, &s.update, 1);
			recv_now(p.near.fd);
		}
		pair13_close(&p);
	}
}

/*
 * While the kernel looks for the ACK in what the program has not read, the socket
 * is closed.
 */
TEST_F(update13, closed_while_read)
{
	static const __u8 data[16000];
	struct pair13 p;
	int i, j;

	for (i = 0; i < 4; i++) {
		unsigned long long seen = stat_read("RxRecords");

		pair13_open(&p, variant->suite, variant->family, false);
		must(!set_int(p.near.fd, SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20));
		ASSERT_EQ(0, update(p.near.fd, false));
		/* so long that this is not over when we close */
		for (j = 0; j < 60; j++)
			must(end13_send(&p.far, data, sizeof(data), 0) ==
			     sizeof(data));
		while (stat_read("RxRecords") == seen)
			sched_yield();
		pair13_close(&p);
	}
}

/* The last epoch there is. */
TEST_F(update13, last_epoch)
{
	struct seen13 s;

	keys13_next(&self->p.near, self->far, 65535);
	keys13_next(self->far, &self->p.near, 65535);
	ASSERT_EQ(0, key13_install(self->fd, DTLS_TX, &self->p.near.tx,
				   NEAR13_MESSAGE));
	ASSERT_EQ(0, key13_install(self->fd, DTLS_RX, &self->p.near.rx[0].key,
				   FAR13_MESSAGE));
	ASSERT_NE(0, update(self->fd, 0));
	ASSERT_EQ(0, outstanding(self->fd));
	far13_update(self->far, 1);
	ASSERT_EQ(-EAGAIN, recv_now(self->fd));
	ASSERT_EQ(65535, epoch(self->fd, DTLS_RX));
	ASSERT_EQ(65535, epoch(self->fd, DTLS_TX));
	far13_collect(self->far, &s);
	ASSERT_EQ(0, s.acks + s.updates + s.data + s.others);
	ASSERT_EQ(true, sends_under(&self->p, 65535));
	ASSERT_EQ(true, opens(&self->p, &self->far->tx));
}

TEST_HARNESS_MAIN
