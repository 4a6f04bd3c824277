// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: yes */
/* kselftest-kcsan: yes */
/* A socket's life: passed around, inherited, reconnected, killed, left behind. */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include "lib/pair.h"

static __u8 in[2000];

FIXTURE(life) {
	struct dtls_pair p;
	struct dtls_end *far;
	int fd;
};

FIXTURE_VARIANT(life) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(life, gcm_v4) { SUITE_AES_128_GCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(life, chacha_v6) { SUITE_CHACHA20, FAMILY_V6 };
FIXTURE_VARIANT_ADD(life, ccm_mapped) { SUITE_AES_128_CCM, FAMILY_MAPPED };

FIXTURE_SETUP(life)
{
	netns_new();
	pair_open(&self->p, variant->suite, variant->family, false);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
}

FIXTURE_TEARDOWN(life)
{
	pair_close(&self->p);
}

/* Both directions work. */
static bool works(struct dtls_pair *p, int fd)
{
	return send(fd, "to", 2, 0) == 2 &&
	       end_recv(&p->far, in, sizeof(in), MSG_DONTWAIT) == 2 &&
	       end_send(&p->far, "fro", 3, 0) == 3 &&
	       recv_soon(fd, in, sizeof(in), 0) == 3;
}

static void no_socket_left(void)
{
	/* Sockets go a grace period after their last close. */
	while (stat_read("CurrSockets") || stat_read("CurrAssociations"))
		usleep(1000);
}

TEST_F(life, counted)
{
	ASSERT_EQ(1, stat_read("CurrSockets"));
	ASSERT_EQ(1, stat_read("CurrAssociations"));
	close(self->fd);
	self->p.near.fd = -1;
	no_socket_left();
}

TEST_F(life, dup)
{
	int fd = dup(self->fd);

	ASSERT_EQ(true, works(&self->p, fd));
	close(self->fd);
	ASSERT_EQ(true, works(&self->p, fd));
	self->p.near.fd = fd;
	ASSERT_EQ(1, stat_read("CurrSockets"));
}

/* Parent and child share one space of numbers. */
TEST_F(life, fork)
{
	struct dtls_keys k;
	pid_t child = spawn();
	int i;

	if (!child) {
		for (i = 0; i < 20; i++)
			must(send(self->fd, "child", 5, 0) == 5);
		close(self->fd);
		_exit(0);
	}
	for (i = 0; i < 20; i++)
		ASSERT_EQ(6, send(self->fd, "parent", 6, 0));
	ASSERT_EQ(0, wait_child(child));
	key_state(self->fd, DTLS_TX, &k);
	ASSERT_EQ(FIRST_SEQ + 40, k.seq);
	for (i = 0; i < 40; i++)
		ASSERT_LE(5, end_recv(self->far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(true, works(&self->p, self->fd));
}

TEST_F(life, passed_to_another_process)
{
	int pipe[2], fd;
	pid_t child;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, pipe));
	child = spawn();
	if (!child) {
		close(self->fd);
		fd = fd_take(pipe[1]);
		must(works(&self->p, fd));
		/* It stays its owner's until the last one closes it. */
		_exit(0);
	}
	fd_pass(pipe[0], self->fd);
	close(self->fd);
	self->p.near.fd = -1;
	ASSERT_EQ(0, wait_child(child));
	close(pipe[0]);
	close(pipe[1]);
	no_socket_left();
}

/* Only on its way between two processes, and then nowhere. */
TEST_F(life, lost_on_the_way)
{
	int pipe[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, pipe));
	fd_pass(pipe[0], self->fd);
	close(self->fd);
	self->p.near.fd = -1;
	ASSERT_EQ(1, stat_read("CurrSockets"));
	close(pipe[0]);
	close(pipe[1]);
	no_socket_left();
}

static int disconnect(int fd)
{
	struct sockaddr sa = { .sa_family = AF_UNSPEC };

	return connect(fd, &sa, sizeof(sa));
}

TEST_F(life, disconnect)
{
	int fd[2];

	ASSERT_EQ(-1, disconnect(self->fd));
	ASSERT_EQ(EBUSY, errno);
	ASSERT_EQ(true, works(&self->p, self->fd));
	/* Without keys it is UDP's business. */
	udp_pair(variant->family, fd);
	ASSERT_EQ(0, ulp_attach(fd[0]));
	ASSERT_EQ(0, disconnect(fd[0]));
	ASSERT_EQ(-1, send(fd[0], "x", 1, 0));
	ASSERT_EQ(EDESTADDRREQ, errno);
	/* It may have another port now, since it was given the first. */
	udp_connect(fd[0], fd[1]);
	udp_connect(fd[1], fd[0]);
	ASSERT_EQ(1, send(fd[0], "x", 1, 0));
	ASSERT_EQ(1, recv_soon(fd[1], in, sizeof(in), 0));
	close(fd[0]);
	close(fd[1]);
}

/* The peer has a new address: the association goes with it. */
TEST_F(life, reconnect)
{
	int other = udp_bound(variant->family);
	struct dtls_pair p = self->p;

	udp_connect(self->fd, other);
	udp_connect(other, self->fd);
	p.far.fd = other;
	ASSERT_EQ(true, works(&p, self->fd));
	ASSERT_EQ(-1, recv_soon(self->far->fd, in, sizeof(in), 0));
	close(other);
}

/* tls.c's non_established, and a listener's sockets: one port, two peers. */
TEST_F(life, two_on_one_port)
{
	struct sockaddr_storage ss;
	struct dtls_pair p[2];
	socklen_t len;
	int i, fd;

	for (i = 0; i < 2; i++) {
		pair_prepare(&p[i], variant->suite, variant->family, false);
		close(p[i].near.fd);
		if (!i)
			len = loopback(variant->family, &ss);
		fd = socket(ss.ss_family, SOCK_DGRAM, 0);
		ASSERT_EQ(0, set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1));
		ASSERT_EQ(0, bind(fd, (struct sockaddr *)&ss, len));
		if (!i)
			ASSERT_EQ(0, getsockname(fd, (struct sockaddr *)&ss,
						 &len));
		udp_connect(fd, p[i].far.fd);
		udp_connect(p[i].far.fd, fd);
		ASSERT_EQ(0, ulp_attach(fd));
		ASSERT_EQ(0, key_install(fd, DTLS_TX, &p[i].near.tx));
		ASSERT_EQ(0, key_install(fd, DTLS_RX, &p[i].near.rx));
		p[i].near.fd = fd;
	}
	for (i = 0; i < 6; i++)
		ASSERT_EQ(true, works(&p[i % 2], p[i % 2].near.fd));
	pair_close(&p[0]);
	ASSERT_EQ(true, works(&p[1], p[1].near.fd));
	pair_close(&p[1]);
}

TEST_F(life, destroyed)
{
	pid_t child = spawn();

	if (!child) {
		must(recv(self->fd, in, sizeof(in), 0) == -1);
		must(errno == ECONNABORTED);
		_exit(0);
	}
	wait_asleep(child, __NR_recvfrom);
	ASSERT_EQ(0, sock_destroy(self->fd));
	ASSERT_EQ(0, wait_child(child));
	ASSERT_EQ(0, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(-1, send(self->fd, "plain", 5, MSG_NOSIGNAL));
	ASSERT_EQ(EPIPE, errno);
	/* The dead speak to no one, neither sealed nor bare. */
	ASSERT_EQ(-1, recv_soon(self->far->fd, in, sizeof(in), 0));
	/* Not even after a new connect(). */
	udp_connect(self->fd, self->far->fd);
	keys_next(&self->p.near, self->far, 2);
	ASSERT_EQ(-1, key_install(self->fd, DTLS_TX, &self->p.near.tx));
	ASSERT_EQ(EPIPE, errno);
	ASSERT_EQ(-1, send(self->fd, "plain", 5, MSG_NOSIGNAL));
	ASSERT_EQ(-1, recv_soon(self->far->fd, in, sizeof(in), 0));
}

TEST_F(life, destroyed_before_keys)
{
	int fd[2];

	udp_pair(variant->family, fd);
	ASSERT_EQ(0, ulp_attach(fd[0]));
	ASSERT_EQ(0, sock_destroy(fd[0]));
	ASSERT_EQ(-1, recv_soon(fd[0], in, sizeof(in), 0));
	ASSERT_EQ(ECONNABORTED, errno);
	close(fd[0]);
	close(fd[1]);
}

/* Closed with records in every queue: opened, peeked, unopened, corked. */
TEST_F(life, closed_with_everything_queued)
{
	__u8 dgram[3 * RECORD_ROOM];
	size_t n;
	int i;

	for (i = 0; i < 10; i++) {
		n = oracle_seal(&self->far->tx, DTLS_TYPE_DATA, "one", 3, dgram);
		n += oracle_seal(&self->far->tx, DTLS_TYPE_DATA, "two", 3,
				 dgram + n);
		ASSERT_EQ(n, send(self->far->fd, dgram, n, 0));
	}
	ASSERT_EQ(3, recv(self->fd, in, sizeof(in), MSG_PEEK));
	ASSERT_EQ(3, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(3, send(self->fd, "abc", 3, MSG_MORE));
	close(self->fd);
	self->p.near.fd = -1;
	no_socket_left();
}

/* A process dies in the middle of it, with a sleeper and a corked record. */
TEST_F(life, killed)
{
	int i;

	for (i = 0; i < 10; i++) {
		pid_t child = spawn();

		if (!child) {
			must(send(self->fd, "abc", 3, MSG_MORE) == 3);
			for (;;)
				recv(self->fd, in, sizeof(in), 0);
		}
		if (i % 2)
			wait_asleep(child, __NR_recvfrom);
		stop_child(child);
	}
	close(self->fd);
	self->p.near.fd = -1;
	no_socket_left();
}

/* A namespace ends with sockets in it. */
TEST_F(life, namespace_ends)
{
	pid_t child = spawn();

	if (!child) {
		struct dtls_pair p;

		netns_new();
		pair_open(&p, variant->suite, variant->family, true);
		must(end_send(&p.near, "abc", 3, 0) == 3);
		must(end_send(&p.far, "abc", 3, 0) == 3);
		must(recv(p.near.fd, in, sizeof(in), MSG_PEEK) == 3);
		must(send(p.near.fd, "abc", 3, MSG_MORE) == 3);
		_exit(0);
	}
	ASSERT_EQ(0, wait_child(child));
	ASSERT_EQ(true, works(&self->p, self->fd));
}

/* A socket belongs to the namespace it was made in. */
TEST_F(life, owner_moves_away)
{
	pid_t child = spawn();

	if (!child) {
		netns_new();
		must(works(&self->p, self->fd));
		must(stat_read("CurrSockets") == 0);
		must(stat_read("TxRecords") == 0);
		_exit(0);
	}
	ASSERT_EQ(0, wait_child(child));
	ASSERT_EQ(1, stat_read("TxRecords"));
}

TEST_F(life, come_and_go)
{
	struct dtls_pair p;
	int i;

	for (i = 0; i < 50; i++) {
		pair_open(&p, variant->suite, variant->family, i % 2);
		ASSERT_EQ(3, send(p.near.fd, "abc", 3, 0));
		if (i % 3)
			shutdown(p.near.fd, SHUT_RDWR);
		pair_close(&p);
	}
	close(self->fd);
	self->p.near.fd = -1;
	no_socket_left();
}

TEST_HARNESS_MAIN
