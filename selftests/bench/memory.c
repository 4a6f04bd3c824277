// SPDX-License-Identifier: GPL-2.0-only
/*
 * What associations take: the memory of the whole machine, in stages, between
 * which nothing happens but what the stage is called after.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>

#include "bench.h"
#include "pair.h"

static void print_meminfo(void)
{
	static const char *const wanted[] = {
		"MemFree:", "MemAvailable:", "Slab:", "Percpu:", "VmallocUsed:",
		"PageTables:", "AnonPages:", "KernelStack:",
	};
	unsigned long long value;
	char line[256], name[64];
	const char *comma = "";
	unsigned int i;
	FILE *f = fopen("/proc/meminfo", "r");

	must(f);
	printf("\"meminfo\": {");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %llu", name, &value) != 2)
			continue;
		for (i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
			if (strcmp(name, wanted[i]))
				continue;
			name[strlen(name) - 1] = 0;
			printf("%s\"%s\": %llu", comma, name, value * 1024);
			comma = ", ";
		}
	}
	printf("}");
	fclose(f);
}

/* Objects in use, in bytes: what lies ready in slabs is not the associations'. */
static void print_slabs(void)
{
	unsigned long long active, total, size;
	char line[512], name[64];
	const char *comma = "";
	FILE *f = fopen("/proc/slabinfo", "r");

	must(f);
	printf("\"slabs\": {");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %llu %llu %llu", name, &active, &total,
			   &size) != 4 || !active)
			continue;
		printf("%s\"%s\": %llu", comma, name, active * size);
		comma = ", ";
	}
	printf("}");
	fclose(f);
}

static void stage(const char *name, unsigned int count)
{
	/* What RCU still holds is nobody's; and no page lies ready on a list. */
	sleep(1);
	printf("{\"memory\": \"%s\", \"count\": %u, ", name, count);
	print_meminfo();
	printf(", ");
	print_slabs();
	puts("}");
}

int bench_memory(int argc, char **argv)
{
	unsigned int count = atoi(argv[1]), i, j;
	struct rlimit limit = { count + 100, count + 100 };
	struct oracle_key there, back;
	struct bench_link l = {
		.side = &bench_kdtls, .cipher = BENCH_AES_128_GCM,
		.size = 1200, .batch = 1,
	};
	int *fds;

	(void)argc;
	/* Of another process: see guest.sh. */
	if (!count) {
		stage(argv[1], 0);
		return 0;
	}
	fds = calloc(count, sizeof(*fds));
	must(fds && !setrlimit(RLIMIT_NOFILE, &limit));
	netns_new();
	/* What is needed once, whatever the number: drivers, work areas, pages. */
	must(bench_kdtls.open(&l));
	bench_warm(&l, 64);
	stage("begin", count);
	for (i = 0; i < count; i += 2)
		udp_pair(FAMILY_V4, fds + i);
	stage("plain", count);
	for (i = 0; i < count; i++) {
		oracle_key_init(&there, SUITE_AES_128_GCM, 1, i | 1);
		oracle_key_init(&back, SUITE_AES_128_GCM, 1, i | 1 | 0x10000);
		must(!ulp_attach(fds[i]));
		must(!key_install(fds[i], DTLS_TX, i & 1 ? &back : &there));
		must(!key_install(fds[i], DTLS_RX, i & 1 ? &there : &back));
	}
	stage("keys", count);
	for (i = 0; i < count; i += 2) {
		for (j = 0; j < 2; j++) {
			l.fd[0] = fds[i + j];
			l.fd[1] = fds[i + 1 - j];
			bench_warm(&l, 1);
		}
	}
	stage("used", count);
	return 0;
}
