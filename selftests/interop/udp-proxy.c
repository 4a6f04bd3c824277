// SPDX-License-Identifier: GPL-2.0-only
/*
 * A network of known misfortune, between one DTLS client and one server:
 *
 *	udp-proxy PORT ADDRESS SERVER-PORT WHOSE WHAT [N]
 *
 * WHOSE	server or client: whose datagrams suffer
 * WHAT		drop: the first N of its last flights are lost, that is each
 *		datagram with ChangeCipherSpec, NewSessionTicket or a handshake
 *		record of epoch 1, until N of the latter are gone
 *		cut: of the first N of its last flights only the beginning arrives,
 *		up to ChangeCipherSpec
 *		swap: its last flight is held back until N records of data have
 *		overtaken it
 *
 *		drop13, swap13: the same with DTLS 1.3 and no connection IDs, where the
 *		last flight is what a client sends under epoch 2, and what a
 *		server sends under epoch 3: the ACK of that
 *
 * Says on stdout what it does, one line each.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HELD_MAX 16

struct datagram {
	unsigned char data[65536];
	ssize_t len;
};

static struct datagram now, held[HELD_MAX];
static int num_held;

/* Of all records in it: is there a Finished, or another of its flight, or data? */
static void look(int *finished, int *flight, int *data)
{
	const unsigned char *p = now.data;
	ssize_t left = now.len, n;
	int epoch;

	*finished = *flight = *data = 0;
	for (; left >= 13; p += n, left -= n) {
		n = 13 + (p[11] << 8 | p[12]);
		if (n > left)
			break;
		epoch = p[3] << 8 | p[4];
		if (p[0] == 22 && epoch)
			*finished = 1;
		else if (p[0] == 20 || (p[0] == 22 && n > 13 && p[13] == 4))
			*flight = 1;
		else if (p[0] == 23)
			*data = 1;
	}
}

/* Of DTLS 1.3 (RFC 9147 4) that is in the first byte, but for the end of each. */
static void look13(int server, int *finished, int *flight, int *data)
{
	const unsigned char *p = now.data;
	ssize_t left = now.len, n, head;

	*finished = *flight = *data = 0;
	for (; left > 0; p += n, left -= n) {
		n = left;
		if ((*p & 0xe0) != 0x20) {
			if (left >= 13)
				n = 13 + (p[11] << 8 | p[12]);
		} else {
			if ((*p & 3) == (server ? 3 : 2))
				*finished = 1;
			else if ((*p & 3) == 3)
				*data = 1;
			head = *p & 8 ? 3 : 2;
			if (*p & 4 && left >= head + 2)
				n = head + 2 + (p[head] << 8 | p[head + 1]);
		}
		if (n > left)
			return;
	}
}

/* Takes ChangeCipherSpec and Finished out of the datagram. */
static void cut(void)
{
	ssize_t off = 0, keep = 0, n;
	unsigned char *p;

	for (; now.len - off >= 13; off += n) {
		p = now.data + off;
		n = 13 + (p[11] << 8 | p[12]);
		if (n > now.len - off)
			break;
		if (p[0] == 20 || (p[0] == 22 && (p[3] || p[4])))
			continue;
		memmove(now.data + keep, p, n);
		keep += n;
	}
	now.len = keep;
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET }, server = here, client;
	int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
	int suffers, drop, cuts, dtls13, count, finished, flight, data, from, i, over = 0;
	struct pollfd pfd[2] = { { a, POLLIN, 0 }, { b, POLLIN, 0 } };
	socklen_t len = sizeof(client);

	if (argc < 6)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	here.sin_port = htons(atoi(argv[1]));
	server.sin_port = htons(atoi(argv[3]));
	suffers = !strcmp(argv[4], "server");
	dtls13 = !!strstr(argv[5], "13");
	drop = !strncmp(argv[5], "drop", 4);
	cuts = !strcmp(argv[5], "cut");
	count = argc > 6 ? atoi(argv[6]) : 1;
	if (inet_pton(AF_INET, argv[2], &server.sin_addr) != 1 ||
	    bind(a, (void *)&here, sizeof(here)) ||
	    connect(b, (void *)&server, sizeof(server)))
		return 1;
	/* The first datagram says who the client is. */
	if (recvfrom(a, now.data, 1, MSG_PEEK, (void *)&client, &len) < 0 ||
	    connect(a, (void *)&client, len))
		return 1;
	while (poll(pfd, 2, -1) > 0) {
		from = !(pfd[0].revents & POLLIN);	/* 0 client, 1 server */
		now.len = recv(from ? b : a, now.data, sizeof(now.data),
			       MSG_DONTWAIT);
		if (now.len < 0)
			continue;
		if (dtls13)
			look13(from, &finished, &flight, &data);
		else
			look(&finished, &flight, &data);
		if (from == suffers && !over && (finished || flight)) {
			printf("%s %s\n", drop ? "dropped" : cuts ? "cut" : "held",
			       finished ? "Finished" : "flight");
			if (cuts) {
				cut();
				if (now.len)
					send(from ? a : b, now.data, now.len, 0);
				if (finished && !--count)
					over = 1;
				continue;
			}
			if (!drop && num_held < HELD_MAX)
				held[num_held++] = now;
			if (drop && finished && !--count)
				over = 1;
			continue;
		}
		if (send(from ? a : b, now.data, now.len, 0) < 0)
			continue;
		if (from == suffers && finished)
			puts("passed Finished");
		if (from == suffers && !drop && !over && data && num_held &&
		    !--count) {
			over = 1;
			for (i = 0; i < num_held; i++)
				send(from ? a : b, held[i].data, held[i].len, 0);
			puts("released");
		}
	}
	return 0;
}
