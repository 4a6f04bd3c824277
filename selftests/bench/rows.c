// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a record costs, sent and received over loopback by one thread, in
 * nanoseconds of CLOCK_MONOTONIC.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "net.h"

#define ROUNDS_MAX	99
/* Records between two looks at the clock. */
#define SINGLES		16
/*
 * A round takes about as long as two ticks of the stock kernels, so that none of
 * them has many more ticks than another.
 */
#define ROUND_NS	8000000
#define LOOPS_MIN	4
/* What workers do depends on who is next: more of it, for a median to mean something. */
#define WHOLE		8

static unsigned int rounds;

static void print_rounds(const char *name, const unsigned long long *ns,
			 unsigned int records)
{
	unsigned int r;

	printf(", \"%s\": [", name);
	for (r = 0; r < rounds; r++)
		printf("%s%.1f", r ? ", " : "", (double)ns[r] / records);
	printf("]");
}

static void measure(struct bench_link *l)
{
	unsigned long long sent[ROUNDS_MAX], received[ROUNDS_MAX];
	unsigned long long whole[ROUNDS_MAX], start, middle, end;
	const __u8 *out = bench_payload(l->size);
	unsigned int records, calls, loops, r, i, j;

	calls = l->side->batched ? 1 : SINGLES;
	records = calls * l->batch;
	bench_warm(l, 4 * records);
	start = bench_now();
	bench_warm(l, records);
	loops = ROUND_NS / (bench_now() - start + 1) + 1;
	if (loops < LOOPS_MIN)
		loops = LOOPS_MIN;
	if (l->side->whole)
		loops *= WHOLE;
	for (r = 0; r < rounds; r++) {
		sent[r] = 0;
		received[r] = 0;
		for (i = 0; i < loops; i++) {
			start = bench_now();
			for (j = 0; j < calls; j++)
				l->side->send(l, out);
			middle = bench_now();
			bench_receive(l, records);
			end = bench_now();
			sent[r] += middle - start;
			received[r] += end - middle;
		}
		whole[r] = sent[r] + received[r];
	}
	bench_print_link(l);
	if (!l->side->whole) {
		print_rounds("send", sent, loops * records);
		print_rounds("recv", received, loops * records);
	}
	print_rounds("total", whole, loops * records);
	printf(", \"records\": %u}\n", rounds * loops * records);
}

/* A process for each: what one does must not cost the next. */
static void visit(const struct bench_side *side, enum bench_cipher cipher,
		  size_t size)
{
	struct bench_link l;
	pid_t pid = spawn();

	if (pid) {
		if (wait_child(pid))
			printf("{\"failed\": \"%s %s %zu\"}\n", side->name,
			       bench_cipher_names[cipher], size);
		return;
	}
	if (bench_open(&l, side, cipher, size)) {
		measure(&l);
		bench_close(&l);
	}
	fflush(stdout);
	_exit(0);
}

int bench_rows(int argc, char **argv)
{
	(void)argc;
	rounds = atoi(argv[1]);
	must(rounds > 0 && rounds <= ROUNDS_MAX);
	/* One for all: the end of a namespace is long, and happens later. */
	netns_new();
	bench_each(visit);
	return 0;
}
