// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many clients at once, in one thread, for listen.sh:
 *
 *	many-clients ADDRESS PORT COUNT VERSION PSK-IDENTITY PSK SECONDS
 *
 * Each shakes hands from a socket of its own, has its keys in the kernel, and sends a
 * line until that comes back: UDP loses.  VERSION is 1.2 or 1.3.  Says how many have
 * got that far, and how long it took.
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
#include <sys/resource.h>
#include <sys/socket.h>

#include "kdtls.h"

#define AGAIN_MS	1000

enum state { SHAKES_HANDS, ASKS, ANSWERED, FAILED };

struct client {
	kdtls_session *s;
	enum state state;
	long due;		/* ms */
};

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void failed(struct client *c, int i, const char *why)
{
	printf("client %d: %s\n", i, why);
	c->state = FAILED;
}

static void look(struct client *c, int i, int fd, int readable)
{
	char line[64], back[64] = "";
	int ret;

	if (c->state == SHAKES_HANDS && (readable || now_ms() >= c->due)) {
		ret = kdtls_handshake(c->s);
		if (!ret)
			ret = kdtls_install(c->s);
		if (ret == -EAGAIN) {
			ret = kdtls_timeout(c->s);
			c->due = now_ms() + (ret < 5 ? 5 : ret);
			return;
		}
		if (ret) {
			failed(c, i, kdtls_error(c->s));
			return;
		}
		c->state = ASKS;
		c->due = 0;
	}
	if (c->state != ASKS)
		return;
	snprintf(line, sizeof(line), "many %d", i);
	while (recv(fd, back, sizeof(back) - 1, MSG_DONTWAIT) > 0)
		if (!strcmp(line, back))
			c->state = ANSWERED;
	if (c->state == ASKS && now_ms() >= c->due) {
		send(fd, line, strlen(line), MSG_DONTWAIT);
		c->due = now_ms() + AGAIN_MS;
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int i, n, is13, left, counts[FAILED + 1] = { 0 };
	struct rlimit lim = { 65536, 65536 };
	struct client *clients, *c;
	struct pollfd *pfd;
	long start, end, wait;
	kdtls_config *cfg;

	if (argc != 8 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 1;
	to.sin_port = htons(atoi(argv[2]));
	n = atoi(argv[3]);
	is13 = !strcmp(argv[4], "1.3");
	setrlimit(RLIMIT_NOFILE, &lim);
	cfg = kdtls_config_new();
	clients = calloc(n, sizeof(*clients));
	pfd = calloc(n, sizeof(*pfd));
	if (!cfg || !clients || !pfd ||
	    kdtls_config_add_psk(cfg, argv[5], argv[6], strlen(argv[6])) ||
	    kdtls_config_set_versions(cfg, is13 ? DTLS_1_3_VERSION :
				      DTLS_1_2_VERSION,
				      is13 ? DTLS_1_3_VERSION : DTLS_1_2_VERSION))
		return 1;
	kdtls_config_set_timeouts(cfg, 0, 1000 * atoi(argv[7]));
	start = now_ms();
	end = start + 1000 * atoi(argv[7]);
	for (i = 0; i < n; i++) {
		pfd[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		pfd[i].events = POLLIN;
		if (connect(pfd[i].fd, (struct sockaddr *)&to, sizeof(to))) {
			perror("connect");
			return 1;
		}
		clients[i].s = kdtls_client_new(cfg, pfd[i].fd, NULL);
		if (!clients[i].s)
			return 1;
	}
	do {
		left = 0;
		wait = 1000;
		for (i = 0; i < n; i++) {
			c = &clients[i];
			look(c, i, pfd[i].fd, pfd[i].revents);
			if (c->state == ANSWERED || c->state == FAILED) {
				/* Its socket stays until all are done. */
				pfd[i].events = 0;
				continue;
			}
			left++;
			if (c->due - now_ms() < wait)
				wait = c->due - now_ms();
		}
		poll(pfd, left ? n : 0, wait < 0 ? 0 : left ? wait : 0);
	} while (left && now_ms() < end);
	for (i = 0; i < n; i++)
		counts[clients[i].state]++;
	printf("answered %d of %d in %ld ms; in the handshake %d, asking %d\n",
	       counts[ANSWERED], n, now_ms() - start, counts[SHAKES_HANDS],
	       counts[ASKS]);
	for (i = 0; i < n; i++) {
		kdtls_free(clients[i].s);
		close(pfd[i].fd);
	}
	kdtls_config_free(cfg);
	return counts[ANSWERED] != n;
}
