// SPDX-License-Identifier: GPL-2.0-only
/*
 *	bench [-s SIDE]... [-c CIPHER]... [-l BYTES]... WHAT [ARGUMENT...]
 *
 *	rows ROUNDS		what a record costs, for each side, cipher, size
 *	many ASSOCIATIONS	the same with so many others on the machine
 *	peers PEERS		of one socket: adding, records, memory, the end
 *	memory ASSOCIATIONS	what they take
 *	time SECONDS TIMES	speed, sender and receiver on CPUs of their own
 *	parallel SECONDS TIMES	speed of more and more of them
 *
 * Each prints lines of JSON, one for a thing measured, to be read by bench.py.
 * Times are nanoseconds: instructions, if the guest counts those. What prints
 * speed refuses to run on a processor that is emulated.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "net.h"
#include "oracle.h"

const char *const bench_cipher_names[BENCH_NR_CIPHERS] = {
	[BENCH_NO_CIPHER]	= "none",
	[BENCH_AES_128_GCM]	= "AES-128-GCM",
	[BENCH_AES_256_GCM]	= "AES-256-GCM",
	[BENCH_CHACHA20]	= "ChaCha20-Poly1305",
	[BENCH_AES_128_CCM]	= "AES-128-CCM",
	[BENCH_AES_128_CCM_8]	= "AES-128-CCM-8",
};

const __u16 bench_suites[BENCH_NR_CIPHERS] = {
	[BENCH_AES_128_GCM]	= SUITE_AES_128_GCM,
	[BENCH_AES_256_GCM]	= SUITE_AES_256_GCM,
	[BENCH_CHACHA20]	= SUITE_CHACHA20,
	[BENCH_AES_128_CCM]	= SUITE_AES_128_CCM,
	[BENCH_AES_128_CCM_8]	= SUITE_AES_128_CCM_8,
};

const unsigned int bench_sizes[4] = { 64, 256, 1200, 8192 };

/* In the order of the table. */
static const struct bench_side *const sides[] = {
	&bench_plain, &bench_plain_gso,
	&bench_kdtls, &bench_kdtls_gso,
	&bench_kdtls13, &bench_kdtls13_gso,
	&bench_openssl, &bench_gnutls, &bench_wolfssl,
	&bench_evp,
	&bench_ktls,
	&bench_wireguard, &bench_wireguard_gso,
};

#define WANTED_MAX	16

struct wanted {
	const char *names[WANTED_MAX];
	int count;
};

static struct wanted want_sides, want_ciphers, want_sizes;

static void want(struct wanted *w, const char *name)
{
	must(w->count < WANTED_MAX);
	w->names[w->count++] = name;
}

static bool is_wanted(const struct wanted *w, const char *name)
{
	int i;

	for (i = 0; i < w->count; i++) {
		if (!strcmp(w->names[i], name))
			return true;
	}
	return !w->count;
}

void bench_each(bench_each_t *visit)
{
	unsigned int s, c, z;
	char size[16];

	for (s = 0; s < sizeof(sides) / sizeof(*sides); s++) {
		if (!is_wanted(&want_sides, sides[s]->name))
			continue;
		for (c = 0; c < BENCH_NR_CIPHERS; c++) {
			/* Without a cipher always, whichever are wanted. */
			if (c && !is_wanted(&want_ciphers, bench_cipher_names[c]))
				continue;
			for (z = 0; z < sizeof(bench_sizes) / sizeof(*bench_sizes); z++) {
				snprintf(size, sizeof(size), "%u", bench_sizes[z]);
				if (is_wanted(&want_sizes, size))
					visit(sides[s], c, bench_sizes[z]);
			}
		}
	}
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	int arguments;
} commands[] = {
	{ "rows", bench_rows, 1 },
	{ "many", bench_many, 1 },
	{ "peers", bench_peers, 1 },
	{ "memory", bench_memory, 1 },
	{ "time", bench_time, 2 },
	{ "parallel", bench_parallel, 2 },
};

int main(int argc, char **argv)
{
	unsigned int i;
	int opt;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((opt = getopt(argc, argv, "+s:c:l:")) != -1) {
		switch (opt) {
		case 's': want(&want_sides, optarg); break;
		case 'c': want(&want_ciphers, optarg); break;
		case 'l': want(&want_sizes, optarg); break;
		default: return 2;
		}
	}
	argc -= optind;
	argv += optind;
	for (i = 0; argc && i < sizeof(commands) / sizeof(*commands); i++) {
		if (!strcmp(argv[0], commands[i].name) &&
		    argc - 1 == commands[i].arguments)
			return commands[i].run(argc, argv);
	}
	fprintf(stderr, "usage: bench [-s SIDE]... [-c CIPHER]... [-l BYTES]... ");
	fprintf(stderr, "WHAT [ARGUMENT...]\nWHAT:");
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		fprintf(stderr, " %s", commands[i].name);
	fprintf(stderr, "\n");
	return 2;
}
