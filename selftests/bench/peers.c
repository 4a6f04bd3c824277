// SPDX-License-Identifier: GPL-2.0-only
/*
 * One unconnected socket with ever more peers: what adding one costs, and removing
 * it, what a record does, what they take of memory, and the end of all of them. Some
 * have a far end, kdtls too, by turns; the others are addresses with keys.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>

#include "bench.h"
#include "crowd.h"
#include "pair.h"

#define SIZE		1200
#define REAL		64
#define ROUNDS		9
#define TURNS		(4 * REAL)
/* Removed and added again, one after the other, all over the table. */
#define CHURN		1000

static struct crowd crowd;

/* Somebody who never sends. */
static void stranger(struct member *m, unsigned int number)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(5684),
		.sin_addr.s_addr = htonl(0x0a000001 + number),
	};

	memset(m, 0, sizeof(*m));
	memcpy(&m->addr, &sin, sizeof(sin));
	m->addr_len = sizeof(sin);
	oracle_key_init(&m->end12.tx, SUITE_AES_128_GCM, 1, 2 * number + 1000);
	oracle_key_init(&m->end12.rx, SUITE_AES_128_GCM, 1, 2 * number + 1001);
}

/* Of the call alone: the keys are made before. */
static unsigned long long add(unsigned int number)
{
	__u8 buf[PEER_ADD_ROOM];
	unsigned long long start;
	struct member m;
	size_t len;

	stranger(&m, number);
	len = peer_add_fill(&crowd, &m, DTLS_PEER_TX | DTLS_PEER_RX, buf);
	start = bench_now();
	if (setsockopt(crowd.fd, SOL_DTLS, DTLS_PEER_ADD, buf, len))
		die("peer %u", number);
	return bench_now() - start;
}

static unsigned long long del(unsigned int number)
{
	struct dtls_peer_info info = { .size = sizeof(info) };
	unsigned long long start;
	struct member m;

	stranger(&m, number);
	memcpy(&info.addr, &m.addr, m.addr_len);
	start = bench_now();
	if (setsockopt(crowd.fd, SOL_DTLS, DTLS_PEER_DEL, &info, sizeof(info)))
		die("peer %u is not there", number);
	return bench_now() - start;
}

/* In bytes: all that the kernel has allocated in small pieces. */
static unsigned long long taken(void)
{
	unsigned long long value, sum = 0;
	char line[256], name[64];
	FILE *f = fopen("/proc/meminfo", "r");

	must(f);
	/* what RCU still holds is nobody's */
	sleep(1);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %llu", name, &value) == 2 &&
		    (!strcmp(name, "Slab:") || !strcmp(name, "Percpu:") ||
		     !strcmp(name, "VmallocUsed:")))
			sum += value * 1024;
	}
	fclose(f);
	return sum;
}

static void print_rounds(const char *name, const unsigned long long *ns)
{
	int r;

	printf(", \"%s\": [", name);
	for (r = 0; r < ROUNDS; r++)
		printf("%s%.1f", r ? ", " : "", (double)ns[r] / TURNS);
	printf("]");
}

/* What the one socket does for a record, out and in. */
static void records(void)
{
	unsigned long long sent[ROUNDS], received[ROUNDS], start;
	const __u8 *out = bench_payload(SIZE);
	struct sockaddr_storage from;
	static __u8 in[SIZE];
	socklen_t len;
	unsigned int r, t;
	struct member *m;

	for (r = 0; r <= ROUNDS; r++) {
		unsigned long long *s = &sent[r ? r - 1 : 0];
		unsigned long long *g = &received[r ? r - 1 : 0];

		*s = 0;
		*g = 0;
		for (t = 0; t < TURNS; t++) {
			m = &crowd.m[t % REAL];
			start = bench_now();
			must(sendto(crowd.fd, out, SIZE, 0, (void *)&m->addr,
				    m->addr_len) == SIZE);
			*s += bench_now() - start;
			must(recv(m->end12.fd, in, SIZE, MSG_DONTWAIT) == SIZE);
			must(send(m->end12.fd, out, SIZE, 0) == SIZE);
			len = sizeof(from);
			start = bench_now();
			must(recvfrom(crowd.fd, in, SIZE, MSG_DONTWAIT,
				      (void *)&from, &len) == SIZE);
			*g += bench_now() - start;
		}
	}
	print_rounds("send", sent);
	print_rounds("recv", received);
}

int bench_peers(int argc, char **argv)
{
	unsigned int most = atoi(argv[1]), nr, i;
	unsigned long long before, ns, in, out;

	(void)argc;
	must(most >= 10 * REAL);
	netns_new();
	crowd_open(&crowd, SUITE_AES_128_GCM, FAMILY_V4, REAL, true);
	for (i = 0; i < REAL; i++)
		must(!set_int(crowd.m[i].end12.fd, SOL_SOCKET, SO_RCVBUFFORCE,
			      1 << 20));
	printf("{\"peers\": %u", REAL);
	records();
	puts("}");

	before = taken();
	ns = 0;
	for (nr = REAL; nr < most; nr++)
		ns += add(nr);
	printf("{\"peers\": %u, \"add\": %.1f, \"bytes\": %.1f", most,
	       (double)ns / (most - REAL),
	       (double)(taken() - before) / (most - REAL));
	records();
	in = 0;
	out = 0;
	for (i = 0; i < CHURN; i++) {
		nr = REAL + (unsigned long long)i * (most - REAL) / CHURN;
		out += del(nr);
		in += add(nr);
	}
	printf(", \"churn_add\": %.1f, \"churn_del\": %.1f",
	       (double)in / CHURN, (double)out / CHURN);
	ns = bench_now();
	close(crowd.fd);
	printf(", \"close\": %.1f}\n", (double)(bench_now() - ns) / most);
	return 0;
}
