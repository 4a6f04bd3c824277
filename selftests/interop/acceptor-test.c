// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit test of the library's acceptor (userspace/libkdtls/gnutls_acceptor.c), without a
 * kernel that has DTLS: clients on loopback, a server that reads one socket for all of
 * them, and keys that both ends must have.  Prints TAP.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "kdtls.h"

#define CLIENTS_MAX	200

struct client {
	int fd;
	struct sockaddr_in addr;
	kdtls_session *s;
	int ret;			/* of kdtls_handshake() */
	int early;			/* datagrams that were given back */
	int failed;			/* what the server said of it, or 0 */
	int served;
	struct dtls_keys tx, rx;	/* the server's */
};

static struct client clients[CLIENTS_MAX];
static unsigned int num_clients;
static kdtls_config *server_cfg, *client_cfg;
static kdtls_acceptor *acceptor;
static struct sockaddr_in server_addr;
static int server_fd, version, loss, too_late, refuse, count, bad, full;
static unsigned int most;
static uint8_t injected[64];
static size_t injected_len;

static void ok(int good, const char *what)
{
	count++;
	bad += !good;
	printf("%sok %d - DTLS 1.%d: %s\n", good ? "" : "not ", count, version,
	       what);
	fflush(stdout);
}

static int lost(void)
{
	static unsigned int x = 1;

	x = x * 1103515245 + 12345;
	return (int)((x >> 16) % 100) < loss;
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------------
 * The server
 */

static struct client *client_at(const struct kdtls_path *path)
{
	const struct sockaddr_in *sin = (const void *)path->peer;
	unsigned int i;

	for (i = 0; i < num_clients; i++)
		if (clients[i].addr.sin_port == sin->sin_port &&
		    clients[i].addr.sin_addr.s_addr == sin->sin_addr.s_addr)
			return &clients[i];
	exit(2);
}

static void call_send(void *arg, const struct kdtls_path *path, const void *buf,
		      size_t len)
{
	(void)arg;
	/* Its last flight would be the kernel's to repeat. */
	if (client_at(path)->served || !lost())
		sendto(server_fd, buf, len, MSG_DONTWAIT, path->peer,
		       path->peer_len);
}

static int call_done(void *arg, const struct kdtls_path *path, kdtls_session *s)
{
	struct client *c = client_at(path);

	(void)arg;
	if (refuse)
		return -EPERM;
	/* With 1.2 the client waits for the flight that is held back. */
	if (version == 2 && !c->ret)
		too_late = 1;
	if (kdtls_export_keys(s, &c->tx, &c->rx))
		return -EIO;
	c->served++;
	return 0;
}

static void call_failed(void *arg, const struct kdtls_path *path,
			kdtls_session *s, int err)
{
	(void)arg;
	(void)s;
	client_at(path)->failed = err;
}

static void call_early(void *arg, const struct kdtls_path *path, const void *buf,
		       size_t len)
{
	struct client *c = client_at(path);

	(void)arg;
	if (!c->served)
		too_late = 1;
	if (len == injected_len && !memcmp(buf, injected, len))
		c->early++;
}

static const struct kdtls_acceptor_calls calls = {
	.send = call_send,
	.done = call_done,
	.failed = call_failed,
	.early = call_early,
};

/* @buf as if from @c */
static void input(const struct client *c, const void *buf, size_t len)
{
	struct kdtls_path path = {
		.peer = (struct sockaddr *)&c->addr,
		.peer_len = sizeof(c->addr),
		.local = (struct sockaddr *)&server_addr,
		.local_len = sizeof(server_addr),
	};

	kdtls_acceptor_input(acceptor, &path, buf, len);
	if (kdtls_acceptor_count(acceptor) > most)
		most = kdtls_acceptor_count(acceptor);
}

static void serve(void)
{
	static uint8_t dgram[65536];
	struct client from;
	socklen_t len = sizeof(from.addr);
	ssize_t n;

	while ((n = recvfrom(server_fd, dgram, sizeof(dgram), MSG_DONTWAIT,
			     (struct sockaddr *)&from.addr, &len)) > 0)
		/* And so would be that of a client of 1.3. */
		if (dgram[0] != 22 || !lost())
			input(&from, dgram, n);
	kdtls_acceptor_run(acceptor);
}

/* ------------------------------------------------------------------------
 * Clients
 */

/* One from 127.0.@net.1, or with @old one at the same address again. */
static struct client *client(int net, struct client *old)
{
	struct client *c = old ?: &clients[num_clients++];
	socklen_t len = sizeof(c->addr);
	char junk;

	if (!old) {
		memset(c, 0, sizeof(*c));
		c->addr.sin_family = AF_INET;
		c->addr.sin_addr.s_addr = htonl(0x7f000001 + 256 * net);
		c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		if (bind(c->fd, (struct sockaddr *)&c->addr, len) ||
		    connect(c->fd, (struct sockaddr *)&server_addr, len) ||
		    getsockname(c->fd, (struct sockaddr *)&c->addr, &len))
			exit(2);
	}
	kdtls_free(c->s);
	while (recv(c->fd, &junk, 1, MSG_DONTWAIT) >= 0)
		;
	c->s = kdtls_client_new(client_cfg, c->fd, NULL);
	c->ret = kdtls_handshake(c->s);
	return c;
}

/* Until all are done that are not given up, or @ms have passed. */
static void go(int ms)
{
	struct pollfd pfd[CLIENTS_MAX + 1];
	long end = now_ms() + ms;
	unsigned int i, left;
	int wait, t;

	for (;;) {
		wait = kdtls_acceptor_timeout(acceptor);
		if (wait < 0 || wait > 100)
			wait = 100;
		left = kdtls_acceptor_count(acceptor);
		for (i = 0; i < num_clients; i++) {
			pfd[i].fd = clients[i].fd;
			pfd[i].events = POLLIN;
			if (clients[i].ret != -EAGAIN)
				continue;
			left++;
			t = kdtls_timeout(clients[i].s);
			wait = t < wait ? t : wait;
		}
		pfd[i].fd = server_fd;
		pfd[i].events = POLLIN;
		if (!left || now_ms() >= end)
			return;
		poll(pfd, num_clients + 1, wait);
		serve();
		for (i = 0; i < num_clients; i++)
			if (clients[i].ret == -EAGAIN)
				clients[i].ret = kdtls_handshake(clients[i].s);
	}
}

static int same_key(const struct dtls_keys *a, const struct dtls_keys *b)
{
	return a->version == b->version && a->cipher_suite == b->cipher_suite &&
	       !memcmp(a->key, b->key, sizeof(a->key)) &&
	       !memcmp(a->iv, b->iv, sizeof(a->iv)) &&
	       !memcmp(a->secret, b->secret, sizeof(a->secret)) &&
	       a->message_seq == b->message_seq;
}

static int agreed(struct client *c)
{
	struct dtls_keys tx, rx;

	return !c->ret && c->served == 1 && !kdtls_export_keys(c->s, &tx, &rx) &&
	       tx.version == (version == 3 ? DTLS_1_3_VERSION : DTLS_1_2_VERSION) &&
	       same_key(&tx, &c->rx) && same_key(&rx, &c->tx) &&
	       /* Nothing that the other has sent is to come again. */
	       tx.seq >= c->rx.seq && c->tx.seq >= rx.seq;
}

static int all_agreed(void)
{
	unsigned int i;

	for (i = 0; i < num_clients; i++)
		if (!agreed(&clients[i]))
			return 0;
	return 1;
}

static void fresh(unsigned int max, unsigned int max_per_source)
{
	char junk;

	while (num_clients) {
		kdtls_free(clients[--num_clients].s);
		close(clients[num_clients].fd);
	}
	while (recv(server_fd, &junk, 1, MSG_DONTWAIT) >= 0)
		;
	kdtls_acceptor_free(acceptor);
	acceptor = kdtls_acceptor_new(server_cfg, &calls, NULL);
	if (!acceptor)
		exit(2);
	kdtls_acceptor_set_limits(acceptor, max, max_per_source);
	loss = 0;
	refuse = 0;
	too_late = 0;
	most = 0;
}

/* ------------------------------------------------------------------------
 * Cases
 */

static void many(unsigned int n, int percent)
{
	char what[80];

	fresh(1000, 1000);
	loss = percent;
	while (num_clients < n)
		client(num_clients % 7, NULL);
	go(60000);
	snprintf(what, sizeof(what), "%u at once, %d %% loss", n, percent);
	ok(all_agreed() && !too_late, what);
}

static void no_state(void)
{
	uint8_t junk[200] = { 22, 0xfe, 0xfd };
	struct client *c;
	int i;

	fresh(1000, 1000);
	for (i = 0; i < 50; i++)
		client(i, NULL);
	/* Answers are taken, and never given. */
	for (i = 0; i < 5; i++)
		serve();
	c = client(0, NULL);
	for (i = 0; i < 100; i++)
		input(c, junk, 1 + 2 * i);
	ok(!most, "no state before a cookie has come back");
}

static void limits(void)
{
	int i;

	fresh(5, 1000);
	for (i = 0; i < (full ? 30 : 8); i++)
		client(i, NULL);
	go(60000);
	ok(most == 5 && all_agreed(), "no more than allowed, and all in the end");
	fresh(1000, 4);
	for (i = 0; i < (full ? 30 : 10); i++)
		client(i % 2, NULL);
	go(60000);
	ok(most > 4 && most <= 8 && all_agreed(), "of each source as well");
}

/* The client's part, up to where only the server's last flight is to come. */
static void half_way(struct client *c)
{
	/* To the cookie and back, and to the server's flight. */
	serve();
	c->ret = kdtls_handshake(c->s);
	serve();
}

static void anew(void)
{
	struct client *c;

	fresh(1000, 1000);
	c = client(0, NULL);
	half_way(c);
	client(0, c);
	go(60000);
	ok(agreed(c) && c->failed == -ECANCELED, "begins anew half way");
	c->served = 0;
	client(0, c);
	go(60000);
	ok(agreed(c), "begins anew after the end");
}

static void early(void)
{
	static const uint8_t record12[] = {
		23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 5, 0, 20
	};
	static const uint8_t record13[] = { 0x2f, 1, 2, 0, 20 };
	struct client *c;
	int i, half;

	injected_len = version == 3 ? sizeof(record13) : sizeof(record12);
	memcpy(injected, version == 3 ? record13 : record12, injected_len);
	memset(injected + injected_len, 0x5a, 20);
	injected_len += 20;
	fresh(1000, 1000);
	c = client(0, NULL);
	half_way(c);
	input(c, injected, injected_len);
	half = c->early;
	go(60000);
	ok(!half && c->early == 1 && agreed(c) && !too_late,
	   "an early record is given back as it came");
	for (i = 0; i < 1000; i++)
		input(c, injected, injected_len);
	ok(c->early > 10 && c->early < 100, "and so are some later ones");
}

static void no_keys(void)
{
	struct client *c;

	fresh(1000, 1000);
	refuse = 1;
	c = client(0, NULL);
	go(200);
	ok((version == 3 || c->ret == -EAGAIN) && !c->served &&
	   c->failed == -EPERM, "no last flight without keys");
}

static void patience(void)
{
	struct client *c;

	kdtls_config_set_timeouts(server_cfg, 30, 200);
	fresh(1000, 1000);
	c = client(0, NULL);
	half_way(c);
	c->ret = -1;		/* Silence. */
	go(60000);
	ok(c->failed == -ETIMEDOUT && !kdtls_acceptor_count(acceptor),
	   "who says no more is given up");
	kdtls_config_set_timeouts(server_cfg, 30, 60000);
}

static void all(void)
{
	many(1, 0);
	many(full ? 150 : 30, 0);
	many(full ? 50 : 15, 10);
	no_state();
	limits();
	anew();
	early();
	no_keys();
	patience();
}

int main(void)
{
	socklen_t len = sizeof(server_addr);
	uint16_t v;

	full = getenv("KDTLS_LONG") && !strcmp(getenv("KDTLS_LONG"), "1");
	server_fd = socket(AF_INET, SOCK_DGRAM, 0);
	server_addr.sin_family = AF_INET;
	server_addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(server_fd, (struct sockaddr *)&server_addr, len) ||
	    getsockname(server_fd, (struct sockaddr *)&server_addr, &len))
		return 2;
	for (version = 2; version <= 3; version++) {
		v = version == 3 ? DTLS_1_3_VERSION : DTLS_1_2_VERSION;
		server_cfg = kdtls_config_new();
		client_cfg = kdtls_config_new();
		kdtls_config_add_psk(server_cfg, "joe", "0123456789abcdef", 16);
		kdtls_config_add_psk(client_cfg, "joe", "0123456789abcdef", 16);
		kdtls_config_set_timeouts(server_cfg, 30, 60000);
		kdtls_config_set_timeouts(client_cfg, 30, 60000);
		if (kdtls_config_set_versions(server_cfg, version == 3 ?
					      DTLS_1_2_VERSION : v, v) ||
		    kdtls_config_set_versions(client_cfg, v, v)) {
			printf("# %s\n", kdtls_config_error(server_cfg));
			ok(version == 3, "not here # SKIP");
			continue;
		}
		all();
		fresh(1, 1);
		kdtls_config_free(client_cfg);
		kdtls_config_free(server_cfg);
	}
	kdtls_acceptor_free(acceptor);
	printf("1..%d\n", count);
	return !!bad;
}
