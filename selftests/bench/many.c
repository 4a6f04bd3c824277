// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a record costs with ever more associations on the machine. Those that
 * are not measured are as those that are, connected and with keys both ways;
 * the measured ones lie between them, a few far apart, taken in turns.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include "bench.h"
#include "pair.h"

/* Ports of one address; there are many addresses on loopback. */
#define PORTS		16384
#define SIZE		1200
#define TURNS		64
#define ROUNDS		9

/* Which lie on loopback one behind the other, each with a port of its own. */
static int bound(unsigned int number)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(20000 + number % PORTS),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number / PORTS * 256),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)))
		die("socket %u", number);
	return fd;
}

static void open_pair(struct bench_link *l, unsigned int number)
{
	struct oracle_key tx, rx;
	int i;

	memset(l, 0, sizeof(*l));
	l->side = &bench_kdtls;
	l->cipher = BENCH_AES_128_GCM;
	l->size = SIZE;
	l->batch = 1;
	oracle_key_init(&tx, SUITE_AES_128_GCM, 1, 2 * number);
	oracle_key_init(&rx, SUITE_AES_128_GCM, 1, 2 * number + 1);
	l->fd[0] = bound(2 * number);
	l->fd[1] = bound(2 * number + 1);
	for (i = 0; i < 2; i++) {
		udp_connect(l->fd[i], l->fd[1 - i]);
		must(!ulp_attach(l->fd[i]));
		must(!key_install(l->fd[i], DTLS_TX, i ? &rx : &tx));
		must(!key_install(l->fd[i], DTLS_RX, i ? &tx : &rx));
	}
}

static void measure(struct bench_link *links, unsigned int pairs)
{
	const __u8 *out = bench_payload(SIZE);
	unsigned long long start, ns[ROUNDS];
	unsigned int turns, r, t;
	struct bench_link *l;

	turns = pairs < TURNS ? pairs : TURNS;
	for (r = 0; r <= ROUNDS; r++) {
		start = bench_now();
		for (t = 0; t < 4 * TURNS; t++) {
			l = &links[(unsigned long long)(t % turns) * pairs / turns];
			l->side->send(l, out);
			bench_receive(l, 1);
		}
		/* The first warms up. */
		if (r)
			ns[r - 1] = bench_now() - start;
	}
	printf("{\"associations\": %u, \"size\": %u, \"total\": [", 2 * pairs, SIZE);
	for (r = 0; r < ROUNDS; r++)
		printf("%s%.1f", r ? ", " : "", ns[r] / (4.0 * TURNS));
	puts("]}");
}

int bench_many(int argc, char **argv)
{
	unsigned int most = atoi(argv[1]) / 2, pairs = 0, i;
	const unsigned int steps[] = { 1, TURNS, most };
	struct rlimit limit = { 2 * most + 100, 2 * most + 100 };
	struct bench_link *links;

	(void)argc;
	links = calloc(most, sizeof(*links));
	must(most >= TURNS && links);
	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("no room for so many files");
	/*
	 * Not in a namespace of its own: there UDP's table of sockets is that of
	 * the whole machine, as large as the command line of the kernel says.
	 */
	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		for (; pairs < steps[i]; pairs++)
			open_pair(&links[pairs], pairs);
		measure(links, pairs);
	}
	return 0;
}
