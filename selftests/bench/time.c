// SPDX-License-Identifier: GPL-2.0-only
/*
 * Speed, on a processor that is one: sender and receiver are threads on CPUs of
 * their own. What an emulated processor needs says nothing about a real one, so
 * there nothing is printed but an error. (With SECONDS of 0 everything is done
 * for a moment and no time is printed: so that this code is tested there too.)
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "bench.h"
#include "net.h"

#define NS_OF_DRY_RUN	50000000ULL
#define CPUS_MAX	64
#define TIMES_MAX	99
/* How long a receiver waits for what may not come any more, microseconds. */
#define PATIENCE	50000

static double seconds;
static int times;
static bool dry;

struct worker {
	struct bench_link *l;
	bool sends;
	int cpu;
	pthread_t thread;
	unsigned long long records, calls, cpu_ns;
};

static bool stop_sending, stop_receiving;

/* The signature of QEMU's TCG; KVM and others have theirs, machines none. */
static bool is_emulated(void)
{
	char name[13] = "";
#ifdef __x86_64__
	unsigned int a, b, c, d;

	__cpuid(0x40000000, a, b, c, d);
	memcpy(name, &b, 4);
	memcpy(name + 4, &c, 4);
	memcpy(name + 8, &d, 4);
#endif
	return !strcmp(name, "TCGTCGTCGTCG");
}

static int begin(char **argv)
{
	seconds = atof(argv[1]);
	times = atoi(argv[2]);
	dry = !seconds;
	if (!dry && is_emulated()) {
		fprintf(stderr, "bench: this processor is emulated: its times are no speed\n");
		return 3;
	}
	if (dry)
		times = 1;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		fprintf(stderr, "bench: sender and receiver need a CPU each\n");
		return 4;
	}
	must(times > 0 && times <= TIMES_MAX);
	return 0;
}

static unsigned long long thread_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void patience(const struct bench_link *l)
{
	struct timeval tv = { .tv_usec = PATIENCE };

	must(!setsockopt(l->fd[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
}

static void *work(void *arg)
{
	struct worker *w = arg;
	const struct bench_side *side = w->l->side;
	const __u8 *out = bench_payload(w->l->size);
	unsigned long long start;
	cpu_set_t cpu;
	__u8 *in;

	CPU_ZERO(&cpu);
	CPU_SET(w->cpu, &cpu);
	must(!sched_setaffinity(0, sizeof(cpu), &cpu));
	in = malloc(BENCH_BUFFER);
	must(in);
	start = thread_ns();
	if (w->sends) {
		while (!__atomic_load_n(&stop_sending, __ATOMIC_RELAXED)) {
			side->send(w->l, out);
			w->records += w->l->batch;
			w->calls++;
		}
	} else {
		while (!__atomic_load_n(&stop_receiving, __ATOMIC_RELAXED)) {
			w->records += side->recv(w->l, in);
			w->calls++;
		}
	}
	w->cpu_ns = thread_ns() - start;
	free(in);
	return NULL;
}

/* All jiffies that some CPU was busy. */
static unsigned long long busy_ns(void)
{
	unsigned long long user, nice, system, idle, iowait, irq, softirq;
	FILE *f = fopen("/proc/stat", "r");

	must(f && fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice,
			 &system, &idle, &iowait, &irq, &softirq) == 7);
	fclose(f);
	return (user + nice + system + irq + softirq) * 1000000000ULL /
	       sysconf(_SC_CLK_TCK);
}

struct result {
	double send_rate, recv_rate;		/* records/s */
	double send_cpu, recv_cpu, busy;	/* ns a record */
	unsigned long long received;
};

/* Has each of them had a record? */
static bool all_at_work(const struct worker *w, int workers)
{
	int i;

	for (i = 0; i < workers; i++)
		if (!__atomic_load_n(&w[i].records, __ATOMIC_RELAXED))
			return false;
	return true;
}

static struct result run(struct worker *w, int workers)
{
	unsigned long long start, busy, ns, sent = 0, received = 0;
	unsigned long long send_ns = 0, recv_ns = 0;
	struct result r;
	int i;

	stop_sending = false;
	stop_receiving = false;
	busy = busy_ns();
	start = bench_now();
	for (i = 0; i < workers; i++)
		must(!pthread_create(&w[i].thread, NULL, work, &w[i]));
	/* an emulated processor may take its time until all have begun */
	do {
		usleep(dry ? NS_OF_DRY_RUN / 1000 : seconds * 1e6);
	} while (dry && !all_at_work(w, workers));
	__atomic_store_n(&stop_sending, true, __ATOMIC_RELAXED);
	for (i = 0; i < workers; i++) {
		if (w[i].sends)
			must(!pthread_join(w[i].thread, NULL));
	}
	ns = bench_now() - start;
	__atomic_store_n(&stop_receiving, true, __ATOMIC_RELAXED);
	for (i = 0; i < workers; i++) {
		if (!w[i].sends)
			must(!pthread_join(w[i].thread, NULL));
		*(w[i].sends ? &sent : &received) += w[i].records;
		*(w[i].sends ? &send_ns : &recv_ns) += w[i].cpu_ns;
	}
	must(sent && received);
	r.send_rate = sent * 1e9 / ns;
	r.recv_rate = received * 1e9 / ns;
	r.send_cpu = (double)send_ns / sent;
	r.recv_cpu = (double)recv_ns / received;
	r.busy = (double)(busy_ns() - busy) / received;
	r.received = received;
	return r;
}

static void print_results(const char *name, const struct result *r, size_t offset)
{
	int i;

	printf(", \"%s\": [", name);
	for (i = 0; i < times; i++)
		printf("%s%.1f", i ? ", " : "",
		       *(const double *)((const char *)&r[i] + offset));
	printf("]");
}

#define PRINT(r, member) \
	print_results(#member, r, offsetof(struct result, member))

static void print_all(const struct result *r)
{
	if (dry) {
		printf(", \"dry\": true}\n");
		return;
	}
	PRINT(r, send_rate);
	PRINT(r, recv_rate);
	PRINT(r, send_cpu);
	PRINT(r, recv_cpu);
	PRINT(r, busy);
	puts("}");
}

/* Two threads of one core are not two CPUs of equal speed. */
static bool is_second_thread(int cpu)
{
	char path[96];
	int first = cpu;
	FILE *f;

	snprintf(path, sizeof(path),
		 "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (fscanf(f, "%d", &first) != 1)
		first = cpu;
	fclose(f);
	return first != cpu;
}

/* Those that we may use, a thread of each core before the others. */
static int cpus(int list[CPUS_MAX])
{
	int cpu, n = 0, second;
	cpu_set_t all;

	must(!sched_getaffinity(0, sizeof(all), &all));
	for (second = 0; second < 2; second++) {
		for (cpu = 0; cpu < CPU_SETSIZE && n < CPUS_MAX; cpu++) {
			if (CPU_ISSET(cpu, &all) && is_second_thread(cpu) == second)
				list[n++] = cpu;
		}
	}
	return n;
}

static void visit(const struct bench_side *side, enum bench_cipher cipher,
		  size_t size)
{
	struct result r[TIMES_MAX];
	struct bench_link l;
	int list[CPUS_MAX], i;
	pid_t pid;

	cpus(list);
	pid = spawn();

	if (pid) {
		if (wait_child(pid))
			printf("{\"failed\": \"%s %s %zu\"}\n", side->name,
			       bench_cipher_names[cipher], size);
		return;
	}
	if (bench_open(&l, side, cipher, size)) {
		bench_warm(&l, l.batch);
		patience(&l);
		for (i = 0; i < times; i++) {
			struct worker w[2] = {
				{ .l = &l, .sends = true, .cpu = list[0] },
				{ .l = &l, .cpu = list[1] },
			};

			r[i] = run(w, 2);
		}
		bench_print_link(&l);
		print_all(r);
		bench_close(&l);
	}
	fflush(stdout);
	_exit(0);
}

int bench_time(int argc, char **argv)
{
	int err = begin(argv);

	(void)argc;
	if (err)
		return err;
	netns_new();
	bench_each(visit);
	return 0;
}

/*
 * @pairs senders and as many receivers, on a CPU each; either all of one
 * association, or each with one of its own.
 */
static void parallel(const struct bench_side *side, int pairs, bool one,
		     const int *list)
{
	struct worker w[CPUS_MAX] = {};
	struct bench_link l[CPUS_MAX / 2];
	enum bench_cipher cipher = BENCH_AES_128_GCM;
	struct result r[TIMES_MAX];
	int i, t;

	if (side == &bench_plain || side == &bench_plain_gso)
		cipher = BENCH_NO_CIPHER;
	for (i = 0; i < (one ? 1 : pairs); i++) {
		must(bench_open(&l[i], side, cipher, 1200));
		bench_warm(&l[i], l[i].batch);
		patience(&l[i]);
	}
	for (t = 0; t < times; t++) {
		memset(w, 0, sizeof(w));
		for (i = 0; i < 2 * pairs; i++) {
			w[i].l = &l[one ? 0 : i / 2];
			w[i].sends = !(i & 1);
			w[i].cpu = list[i];
		}
		r[t] = run(w, 2 * pairs);
	}
	printf("{\"parallel\": \"%s\", \"side\": \"%s\", \"pairs\": %d",
	       one ? "one association" : "an association each", side->name, pairs);
	print_all(r);
	for (i = 0; i < (one ? 1 : pairs); i++)
		bench_close(&l[i]);
}

int bench_parallel(int argc, char **argv)
{
	static const struct bench_side *const sides[] = {
		&bench_plain, &bench_kdtls, &bench_plain_gso, &bench_kdtls_gso,
	};
	int err = begin(argv), list[CPUS_MAX], n, pairs;
	unsigned int i;

	(void)argc;
	if (err)
		return err;
	netns_new();
	n = cpus(list);
	must(n >= 2);
	for (i = 0; i < sizeof(sides) / sizeof(*sides); i++) {
		for (pairs = 1; pairs <= n / 2; pairs *= 2) {
			parallel(sides[i], pairs, true, list);
			parallel(sides[i], pairs, false, list);
		}
	}
	return 0;
}
