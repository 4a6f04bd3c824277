// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-kcsan: yes */
/* Epochs, one direction at a time, and keys that leave the kernel again. */
#include <kselftest_harness.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include "lib/pair.h"

static __u8 in[2000];

FIXTURE(epoch) {
	struct dtls_pair p;
	struct dtls_end *near, *far;
	int fd;
};

FIXTURE_VARIANT(epoch) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(epoch, gcm_v4) { SUITE_AES_128_GCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(epoch, ccm_v6) { SUITE_AES_128_CCM, FAMILY_V6 };

FIXTURE_SETUP(epoch)
{
	netns_new();
	pair_open(&self->p, variant->suite, variant->family, false);
	self->near = &self->p.near;
	self->far = &self->p.far;
	self->fd = self->near->fd;
}

FIXTURE_TEARDOWN(epoch)
{
	pair_close(&self->p);
}

/* A record of these keys is delivered. */
static bool opens(struct dtls_pair *p, struct oracle_key *k)
{
	__u8 rec[RECORD_ROOM];
	size_t n = oracle_seal(k, DTLS_TYPE_DATA, "text", 4, rec);

	must(send(p->far.fd, rec, n, 0) == (ssize_t)n);
	if (recv_soon(p->near.fd, in, sizeof(in), 0) == 4)
		return true;
	must(errno == EAGAIN);
	return false;
}

TEST_F(epoch, two_read_epochs)
{
	struct oracle_key old = self->far->tx, first;
	int i;

	keys_next(self->far, self->near, 2);
	ASSERT_EQ(0, key_install(self->fd, DTLS_RX, &self->near->rx));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(true, opens(&self->p, &old));
		ASSERT_EQ(true, opens(&self->p, &self->far->tx));
	}
	/* A third: the one before still opens. */
	first = old;
	old = self->far->tx;
	keys_next(self->far, self->near, 3);
	ASSERT_EQ(0, key_install(self->fd, DTLS_RX, &self->near->rx));
	ASSERT_EQ(true, opens(&self->p, &old));
	ASSERT_EQ(true, opens(&self->p, &self->far->tx));
	/* At most two old ones: after a fourth, the first is gone for sure. */
	keys_next(self->far, self->near, 4);
	ASSERT_EQ(0, key_install(self->fd, DTLS_RX, &self->near->rx));
	ASSERT_EQ(true, opens(&self->p, &self->far->tx));
	ASSERT_EQ(true, opens(&self->p, &old));
	ASSERT_EQ(false, opens(&self->p, &first));
	ASSERT_EQ(1, stat_read("RxDropEpoch"));
}

/* Epochs go up; they need not go up by one. */
TEST_F(epoch, again_is_refused)
{
	static const int options[] = { DTLS_TX, DTLS_RX };
	struct oracle_key k = self->near->tx;
	struct dtls_keys before, after;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		key_state(self->fd, options[i], &before);
		k.epoch = 1;
		ASSERT_EQ(-1, key_install(self->fd, options[i], &k));
		ASSERT_EQ(EEXIST, errno);
		key_state(self->fd, options[i], &after);
		ASSERT_EQ(0, memcmp(&before, &after, sizeof(before)));
		k.epoch = 9;
		ASSERT_EQ(0, key_install(self->fd, options[i], &k));
		k.epoch = 9;
		ASSERT_EQ(-1, key_install(self->fd, options[i], &k));
		ASSERT_EQ(EEXIST, errno);
		k.epoch = 5;
		ASSERT_EQ(-1, key_install(self->fd, options[i], &k));
		ASSERT_EQ(EEXIST, errno);
		key_state(self->fd, options[i], &after);
		ASSERT_EQ(9, after.epoch);
		k.epoch = 10;
		ASSERT_EQ(0, key_install(self->fd, options[i], &k));
	}
}

/* tls.c's rekey_fail: a refused key leaves the old one at work. */
TEST_F(epoch, refused_key_changes_nothing)
{
	struct dtls_keys k;

	keys_next(self->near, self->far, 2);
	key_fill(&k, &self->near->tx);
	k.key_len--;
	ASSERT_EQ(-1, setsockopt(self->fd, SOL_DTLS, DTLS_TX, &k, sizeof(k)));
	ASSERT_EQ(EINVAL, errno);
	oracle_key_init(&self->far->rx, variant->suite, 1, self->near->fd);
	ASSERT_EQ(2, send(self->fd, "ok", 2, 0));
	ASSERT_EQ(2, end_recv(self->far, in, sizeof(in), MSG_DONTWAIT));
	/* And the epoch that was refused has not been used up. */
	keys_next(self->near, self->far, 2);
	ASSERT_EQ(0, key_install(self->fd, DTLS_TX, &self->near->tx));
	ASSERT_EQ(2, send(self->fd, "ok", 2, 0));
	ASSERT_EQ(2, end_recv(self->far, in, sizeof(in), MSG_DONTWAIT));
}

/* tls.c's rekey_peek: what was peeked under the old keys stays readable. */
TEST_F(epoch, peek_then_next)
{
	ASSERT_EQ(3, end_send(self->far, "old", 3, 0));
	ASSERT_EQ(3, recv(self->fd, in, sizeof(in), MSG_PEEK));
	keys_next(self->far, self->near, 2);
	ASSERT_EQ(0, key_install(self->fd, DTLS_RX, &self->near->rx));
	ASSERT_EQ(3, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, "old", 3));
	ASSERT_EQ(3, end_send(self->far, "new", 3, 0));
	ASSERT_EQ(3, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, "new", 3));
}

/* The type may name the epoch that sends now, and no other. */
TEST_F(epoch, named_on_send)
{
	struct dtls_record r = { .type = DTLS_TYPE_DATA, .epoch = 1 };

	ASSERT_EQ(1, send_cmsg(self->fd, "x", 1, &r, sizeof(r)));
	keys_next(self->near, self->far, 2);
	ASSERT_EQ(0, key_install(self->fd, DTLS_TX, &self->near->tx));
	ASSERT_EQ(-1, send_cmsg(self->fd, "x", 1, &r, sizeof(r)));
	ASSERT_EQ(EINVAL, errno);
	r.epoch = 2;
	ASSERT_EQ(1, send_cmsg(self->fd, "x", 1, &r, sizeof(r)));
	r.epoch = 0;
	ASSERT_EQ(1, send_cmsg(self->fd, "x", 1, &r, sizeof(r)));
}

#define LINGER	"/sys/module/dtls/parameters/epoch_linger"

static void set_linger(const char *text)
{
	int fd = open(LINGER, O_WRONLY);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* Old keys go a while after the new ones have come into use, not before. */
TEST_F(epoch, old_read_epoch_retires)
{
	struct oracle_key old = self->far->tx;
	char was[16] = {};
	int i, fd;

	fd = open(LINGER, O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, read(fd, was, sizeof(was) - 1));
	close(fd);
	set_linger("0");
	keys_next(self->far, self->near, 2);
	ASSERT_EQ(0, key_install(self->fd, DTLS_RX, &self->near->rx));
	for (i = 0; i < 20; i++)
		EXPECT_EQ(true, opens(&self->p, &old));
	EXPECT_EQ(true, opens(&self->p, &self->far->tx));
	while (opens(&self->p, &old))
		usleep(1000);
	EXPECT_EQ(1, stat_read("RxDropEpoch"));
	EXPECT_EQ(true, opens(&self->p, &self->far->tx));
	set_linger(was);
}

#define STREAM	300

static void *stream(void *arg)
{
	int fd = *(int *)arg, i;

	for (i = 0; i < STREAM; i++)
		must(send(fd, &i, sizeof(i), 0) == sizeof(i));
	return NULL;
}

/* Keys change while another thread sends: each record under one of the two. */
TEST_F(epoch, change_under_traffic)
{
	struct oracle_key keys[4] = { self->near->tx };
	__u64 next[4] = { FIRST_SEQ, FIRST_SEQ, FIRST_SEQ, FIRST_SEQ };
	struct oracle_header h;
	struct oracle_record r;
	size_t body, n, len;
	pthread_t thread;
	int i, epoch = 0;

	ASSERT_EQ(0, set_int(self->far->fd, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20));
	for (i = 1; i < 4; i++) {
		oracle_key_init(&keys[i], variant->suite, i + 1, 77);
		keys[i].seq = FIRST_SEQ;
	}
	ASSERT_EQ(0, pthread_create(&thread, NULL, stream, &self->fd));
	for (i = 1; i < 4; i++) {
		while (stat_read("TxRecords") < (unsigned int)i * STREAM / 5)
			usleep(100);
		ASSERT_EQ(0, key_install(self->fd, DTLS_TX, &keys[i]));
	}
	ASSERT_EQ(0, pthread_join(thread, NULL));

	for (i = 0; i < STREAM; i++) {
		len = recv_soon(self->far->fd, in, sizeof(in), 0);
		ASSERT_EQ(true, oracle_parse(in, len, &h, &body));
		ASSERT_LE(epoch, h.epoch - 1);
		epoch = h.epoch - 1;
		n = oracle_open(&keys[epoch], in, len, &r);
		ASSERT_EQ(len, n);
		ASSERT_EQ(next[epoch], r.h.seq);
		next[epoch]++;
		ASSERT_EQ(0, memcmp(r.data, &i, sizeof(i)));
	}
}

TEST_F(epoch, one_direction_only)
{
	struct dtls_pair p;

	pair_prepare(&p, variant->suite, variant->family, false);
	ASSERT_EQ(0, ulp_attach(p.near.fd));
	ASSERT_EQ(0, key_install(p.near.fd, DTLS_TX, &p.near.tx));
	ASSERT_EQ(1, send(p.near.fd, "x", 1, 0));
	ASSERT_EQ(-1, recv(p.near.fd, in, sizeof(in), 0));
	ASSERT_EQ(ENOKEY, errno);
	/* What came meanwhile is opened as soon as it can be. */
	ASSERT_EQ(5, end_send(&p.far, "early", 5, 0));
	ASSERT_EQ(-1, recv_soon(p.near.fd, in, sizeof(in), 0));
	ASSERT_EQ(ENOKEY, errno);
	ASSERT_EQ(0, key_install(p.near.fd, DTLS_RX, &p.near.rx));
	ASSERT_EQ(5, recv_soon(p.near.fd, in, sizeof(in), 0));
	pair_close(&p);

	pair_prepare(&p, variant->suite, variant->family, false);
	ASSERT_EQ(0, ulp_attach(p.near.fd));
	ASSERT_EQ(0, key_install(p.near.fd, DTLS_RX, &p.near.rx));
	ASSERT_EQ(-1, send(p.near.fd, "plain", 5, 0));
	ASSERT_EQ(ENOKEY, errno);
	ASSERT_EQ(-1, recv_soon(p.far.fd, in, sizeof(in), 0));
	pair_close(&p);
}

TEST_F(epoch, export_freezes_sending)
{
	struct dtls_keys k, again;
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(1, send(self->fd, "x", 1, 0));
	key_state(self->fd, DTLS_TX_EXPORT, &k);
	ASSERT_EQ(FIRST_SEQ + 3, k.seq);
	ASSERT_EQ(3, k.records);
	ASSERT_EQ(0, memcmp(k.key, self->near->tx.key, k.key_len));
	ASSERT_EQ(-1, send(self->fd, "x", 1, 0));
	ASSERT_EQ(EKEYREVOKED, errno);
	ASSERT_EQ(3, end_send(self->far, "abc", 3, 0));
	ASSERT_EQ(3, recv_soon(self->fd, in, sizeof(in), 0));
	/* Not even a close_notify is sealed once somebody else has the keys. */
	shutdown(self->fd, SHUT_WR);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(1, end_recv(self->far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(-1, recv_soon(self->far->fd, in, sizeof(in), 0));
	key_state(self->fd, DTLS_TX, &again);
	ASSERT_EQ(k.seq, again.seq);
}

TEST_F(epoch, export_freezes_receiving)
{
	struct dtls_keys k;

	ASSERT_EQ(3, end_send(self->far, "abc", 3, 0));
	ASSERT_EQ(3, recv_soon(self->fd, in, sizeof(in), 0));
	key_state(self->fd, DTLS_RX_EXPORT, &k);
	ASSERT_EQ(FIRST_SEQ + 1, k.seq);
	ASSERT_EQ(0, memcmp(k.key, self->near->rx.key, k.key_len));
	ASSERT_EQ(3, end_send(self->far, "abc", 3, 0));
	ASSERT_EQ(-1, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(EKEYREVOKED, errno);
	ASSERT_EQ(POLLIN, poll_now(self->fd, POLLIN) & POLLIN);
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
}

/* From one process's socket to another's: the stream goes on. */
TEST_F(epoch, export_then_install_elsewhere)
{
	struct dtls_keys k;
	struct dtls_pair p;

	pair_prepare(&p, variant->suite, variant->family, false);
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
	key_state(self->fd, DTLS_TX_EXPORT, &k);
	/* The counters are the state of the old socket, not of the key. */
	k.window = 0;
	k.records = 0;
	k.bytes = 0;
	k.drop_replay = 0;
	k.drop_auth = 0;
	ASSERT_EQ(0, ulp_attach(p.near.fd));
	ASSERT_EQ(0, setsockopt(p.near.fd, SOL_DTLS, DTLS_TX, &k, sizeof(k)));
	ASSERT_EQ(2, send(p.near.fd, "on", 2, 0));
	p.far.rx = self->far->rx;
	ASSERT_EQ(2, end_recv(&p.far, in, sizeof(in), MSG_DONTWAIT));
	key_state(p.near.fd, DTLS_TX, &k);
	ASSERT_EQ(FIRST_SEQ + 2, k.seq);
	pair_close(&p);
}

TEST_F(epoch, export_refused_without_room)
{
	struct dtls_keys k;
	socklen_t len = DTLS_KEYS_SIZE_VER0 - 1;

	/* A refused export freezes nothing. */
	ASSERT_EQ(-1, getsockopt(self->fd, SOL_DTLS, DTLS_TX_EXPORT, &k, &len));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
	len = sizeof(k);
	ASSERT_EQ(-1, getsockopt(self->fd, SOL_DTLS, DTLS_TX_EXPORT, &k,
				 (void *)1));
	ASSERT_EQ(EFAULT, errno);
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
}

TEST_F(epoch, latch)
{
	struct dtls_keys k;
	socklen_t len = sizeof(k);

	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_NO_EXPORT, 0));
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_NO_EXPORT, 1));
	ASSERT_EQ(1, get_int(self->fd, SOL_DTLS, DTLS_NO_EXPORT));
	ASSERT_EQ(-1, set_int(self->fd, SOL_DTLS, DTLS_NO_EXPORT, 0));
	ASSERT_EQ(EPERM, errno);
	ASSERT_EQ(1, get_int(self->fd, SOL_DTLS, DTLS_NO_EXPORT));
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_NO_EXPORT, 1));
	memset(&k, 0, sizeof(k));
	ASSERT_EQ(-1, getsockopt(self->fd, SOL_DTLS, DTLS_TX_EXPORT, &k, &len));
	ASSERT_EQ(EPERM, errno);
	ASSERT_EQ(0, k.key[0]);
	len = sizeof(k);
	ASSERT_EQ(-1, getsockopt(self->fd, SOL_DTLS, DTLS_RX_EXPORT, &k, &len));
	ASSERT_EQ(EPERM, errno);
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
	/* Later keys are under it as well. */
	keys_next(self->near, self->far, 2);
	ASSERT_EQ(0, key_install(self->fd, DTLS_TX, &self->near->tx));
	len = sizeof(k);
	ASSERT_EQ(-1, getsockopt(self->fd, SOL_DTLS, DTLS_TX_EXPORT, &k, &len));
	ASSERT_EQ(EPERM, errno);
}

TEST_F(epoch, export_without_keys)
{
	socklen_t len = sizeof(struct dtls_keys);
	struct dtls_keys k;
	int fd[2];

	udp_pair(variant->family, fd);
	ASSERT_EQ(0, ulp_attach(fd[0]));
	ASSERT_EQ(-1, getsockopt(fd[0], SOL_DTLS, DTLS_TX_EXPORT, &k, &len));
	ASSERT_EQ(ENOKEY, errno);
	len = sizeof(k);
	ASSERT_EQ(-1, getsockopt(fd[0], SOL_DTLS, DTLS_RX_EXPORT, &k, &len));
	ASSERT_EQ(ENOKEY, errno);
	close(fd[0]);
	close(fd[1]);
}

TEST_HARNESS_MAIN
