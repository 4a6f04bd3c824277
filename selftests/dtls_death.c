// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-timeout: 300 */
/* kselftest-debug: yes */
/* kselftest-kcsan: yes */
/*
 * Every way in which a socket, its process, its namespace, its processor or the
 * module may go, while several threads send, receive and change keys, and AEADs
 * that answer later have requests of theirs.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/async.h"
#include "lib/chaos.h"
#include "lib/effort.h"
#include "lib/pair.h"
#include "lib/stall.h"

#define THREADS		7

/* Traffic between two sockets; shared with the process that watches it. */
struct traffic {
	struct dtls_pair p;
	atomic_uint sent, got, rekeyed;
	atomic_bool stop;
	struct watched w[THREADS];
	pthread_t t[THREADS];
};

FIXTURE(death) {
	struct async_gcm gcm;
	struct traffic *tr;
};

FIXTURE_VARIANT(death) {
	const char *template;
	const char *base;
	int family;
};

FIXTURE_VARIANT_ADD(death, sync) { NULL, NULL, FAMILY_V4 };
FIXTURE_VARIANT_ADD(death, pcrypt) { "pcrypt", NULL, FAMILY_V6 };
FIXTURE_VARIANT_ADD(death, cryptd) { "cryptd", ASYNC_SYNC_BASE, FAMILY_MAPPED };

/* What holds the module: two for each attached socket. */
static int module_refs(void)
{
	FILE *f = fopen("/sys/module/dtls/refcnt", "r");
	int n = -1;

	must(f && fscanf(f, "%d", &n) == 1);
	fclose(f);
	return n;
}

/* Sockets go a grace period after their last close. */
static void no_socket_left(void)
{
	while (module_refs())
		usleep(1000);
}

FIXTURE_SETUP(death)
{
	netns_new();
	if (variant->template &&
	    !async_gcm_on(&self->gcm, variant->template, variant->base))
		SKIP(return, "no %s here", self->gcm.driver);
	self->tr = mmap(NULL, sizeof(*self->tr), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->tr);
	no_socket_left();
}

FIXTURE_TEARDOWN(death)
{
	no_socket_left();
	if (variant->template)
		async_gcm_off(&self->gcm);
}

/* Errors that pass, and after which it goes on. */
static bool passes(int error)
{
	return error == ECONNREFUSED || error == EAGAIN || error == ENOBUFS ||
	       error == EINTR;
}

static void send_all(struct traffic *tr, unsigned int n)
{
	static const int sizes[] = { 1, 100, 1400, 9000 };
	int fd = n & 1 ? tr->p.far.fd : tr->p.near.fd;
	static __u8 data[9000];

	while (send(fd, data, sizes[tr->sent % 4],
		    MSG_NOSIGNAL | (n & 2 && tr->sent % 3 ? MSG_MORE : 0)) >= 0 ||
	       passes(errno)) {
		atomic_fetch_add(&tr->sent, 1);
		if (atomic_load(&tr->stop))
			break;
	}
}

static void recv_all(struct traffic *tr, unsigned int n)
{
	int fd = n & 1 ? tr->p.far.fd : tr->p.near.fd;
	__u8 data[16384];
	ssize_t len;

	do {
		len = recv(fd, data, sizeof(data), 0);
		atomic_fetch_add(&tr->got, 1);
	} while (len > 0 || (len < 0 && passes(errno)));
}

/* New keys for both directions; first for who opens, then for who seals. */
static void rekey_all(struct traffic *tr)
{
	struct dtls_end *a = &tr->p.near, *b = &tr->p.far, *swap;
	unsigned int epoch = 1, way;

	for (;;) {
		epoch++;
		for (way = 0; way < 2; way++) {
			keys_next(a, b, epoch);
			if (key_install(b->fd, DTLS_RX, &b->rx) ||
			    key_install(a->fd, DTLS_TX, &a->tx))
				return;
			swap = a;
			a = b;
			b = swap;
		}
		atomic_fetch_add(&tr->rekeyed, 1);
		if (atomic_load(&tr->stop) || epoch == 65535)
			return;
		sched_yield();
	}
}

static void look_all(struct traffic *tr)
{
	struct pollfd p = { .fd = tr->p.far.fd, .events = POLLIN };
	struct dtls_keys k;
	socklen_t len;

	do {
		len = sizeof(k);
		if (getsockopt(tr->p.near.fd, SOL_DTLS, DTLS_TX, &k, &len))
			return;
		poll(&p, 1, 0);
		get_int(tr->p.far.fd, SOL_DTLS, DTLS_MAX_PAYLOAD);
	} while (!atomic_load(&tr->stop));
}

struct job {
	struct traffic *tr;
	unsigned int n;
};

static void *job_run(void *arg)
{
	struct job job = *(struct job *)arg;

	free(arg);
	watch_begin(&job.tr->w[job.n]);
	if (job.n < 3)
		send_all(job.tr, job.n);
	else if (job.n < 5)
		recv_all(job.tr, job.n);
	else if (job.n == 5)
		rekey_all(job.tr);
	else
		look_all(job.tr);
	watch_end(&job.tr->w[job.n]);
	return NULL;
}

static void traffic_start(struct traffic *tr, int family)
{
	struct job *job;
	unsigned int i;

	memset(tr, 0, sizeof(*tr));
	pair_open(&tr->p, SUITE_AES_128_GCM, family, true);
	for (i = 0; i < THREADS; i++) {
		job = malloc(sizeof(*job));
		must(job);
		*job = (struct job){ tr, i };
		atomic_store(&tr->w[i].tid, -1);
		must(!pthread_create(&tr->t[i], NULL, job_run, job));
	}
}

/* Returns once there has been some of everything since. */
static void traffic_flows(struct traffic *tr, unsigned int much)
{
	unsigned int sent = tr->sent, got = tr->got, rekeyed = tr->rekeyed;

	while (tr->sent - sent < much || tr->got - got < much ||
	       tr->rekeyed - rekeyed < much / 8)
		sched_yield();
}

static void shut_both(void *arg)
{
	struct traffic *tr = arg;

	shutdown(tr->p.near.fd, SHUT_RDWR);
	shutdown(tr->p.far.fd, SHUT_RDWR);
}

/* None of them may stay behind. */
static void traffic_join(struct traffic *tr, void (*nudge)(void *arg))
{
	unsigned int i;

	watch_all(tr->w, THREADS, nudge, tr);
	for (i = 0; i < THREADS; i++)
		pthread_join(tr->t[i], NULL);
}

static unsigned int rounds(void)
{
	return effort(4, 2, 10);
}

/* Descriptors closed by one thread, while all others are at them. */
TEST_F_TIMEOUT(death, closed, 600)
{
	struct traffic *tr = self->tr;
	unsigned int i;
	int null;

	for (i = 0; i < rounds(); i++) {
		traffic_start(tr, variant->family);
		traffic_flows(tr, 20 + i % 7);
		null = open("/dev/null", O_RDWR);
		/* whoever sleeps in it keeps it: not a close without this */
		shut_both(tr);
		ASSERT_EQ(tr->p.near.fd, dup2(null, tr->p.near.fd));
		ASSERT_EQ(tr->p.far.fd, dup2(null, tr->p.far.fd));
		atomic_store(&tr->stop, true);
		traffic_join(tr, NULL);
		close(null);
		pair_close(&tr->p);
	}
}

/* ss -K: everybody is told, and no one goes on. */
TEST_F_TIMEOUT(death, destroyed, 600)
{
	struct traffic *tr = self->tr;
	struct oracle_key k;
	unsigned int i;

	for (i = 0; i < rounds(); i++) {
		traffic_start(tr, variant->family);
		traffic_flows(tr, 20 + i % 7);
		ASSERT_EQ(0, sock_destroy(tr->p.near.fd));
		ASSERT_EQ(0, sock_destroy(tr->p.far.fd));
		/* this one only looks, and has no reason to end */
		atomic_store(&tr->stop, true);
		traffic_join(tr, NULL);
		oracle_key_init(&k, SUITE_AES_128_GCM, 65535, 1);
		udp_connect(tr->p.near.fd, tr->p.far.fd);
		ASSERT_EQ(-1, key_install(tr->p.near.fd, DTLS_TX, &k));
		ASSERT_EQ(EPIPE, errno);
		pair_close(&tr->p);
	}
}

/*
 * ss -K at the moment of the first keys: whoever wins, what has been struck
 * does not speak any more.
 */
static void *destroyer(void *arg)
{
	struct traffic *tr = arg;

	while (!atomic_load(&tr->got))
		;
	return (void *)(long)sock_destroy(tr->p.near.fd);
}

TEST_F_TIMEOUT(death, destroyed_at_the_first_keys, 600)
{
	struct traffic *tr = self->tr;
	unsigned int i;
	pthread_t t;
	void *ret;
	int err;

	if (variant->template)
		SKIP(return, "no cipher is at work here");
	for (i = 0; i < effort(200, 50, 1000); i++) {
		memset(tr, 0, sizeof(*tr));
		pair_prepare(&tr->p, SUITE_AES_128_GCM, variant->family, false);
		ASSERT_EQ(0, ulp_attach(tr->p.near.fd));
		pthread_create(&t, NULL, destroyer, tr);
		atomic_store(&tr->got, 1);
		err = key_install(tr->p.near.fd, DTLS_TX, &tr->p.near.tx);
		pthread_join(t, &ret);
		ASSERT_EQ(NULL, ret);
		/* told once */
		ASSERT_EQ(-1, send(tr->p.near.fd, "x", 1, MSG_NOSIGNAL));
		ASSERT_EQ(err ? EDESTADDRREQ : ECONNABORTED, errno);
		ASSERT_EQ(-1, send(tr->p.near.fd, "x", 1, MSG_NOSIGNAL));
		ASSERT_EQ(err ? EDESTADDRREQ : EPIPE, errno);
		pair_close(&tr->p);
	}
}

/* Who wants the lock of a socket, for a system call. */
struct waiter {
	struct traffic *tr;
	struct stall *stall;
	struct sockaddr_storage me, peer;
	atomic_int tid;
	int err;
};

static void *lock_holder(void *arg)
{
	struct waiter *w = arg;

	/* the options are read under the lock */
	setsockopt(w->tr->p.near.fd, SOL_IP, IP_OPTIONS, w->stall->page, 8);
	return NULL;
}

static void *lock_installer(void *arg)
{
	struct waiter *w = arg;

	atomic_store(&w->tid, gettid());
	w->err = key_install(w->tr->p.near.fd, DTLS_TX, &w->tr->p.near.tx);
	return NULL;
}

static void *lock_destroyer(void *arg)
{
	struct waiter *w = arg;

	atomic_store(&w->tid, gettid());
	w->err = sock_destroy_between(&w->me, &w->peer);
	return NULL;
}

static void waiter_start(pthread_t *t, struct waiter *w, void *(*run)(void *),
			 long nr)
{
	must(!pthread_create(t, NULL, run, w));
	if (!nr)
		return;
	while (!atomic_load(&w->tid))
		sched_yield();
	wait_asleep(atomic_load(&w->tid), nr);
}

/* The same, in the one order that chance hardly ever finds. */
TEST_F_TIMEOUT(death, destroyed_behind_the_first_keys, 600)
{
	static const __u8 nothing[8] = { 1, 1, 1, 1, 1, 1, 1, 0 };
	struct traffic *tr = self->tr;
	unsigned int tries = 0, met = 0;
	struct waiter w[3];
	struct stall stall;
	pthread_t t[3];
	__u8 page[4096];
	socklen_t len;
	int i;

	if (variant->template || !stall_open(&stall))
		SKIP(return, "no cipher is at work here, or no userfaultfd");
	stall_close(&stall);
	memcpy(page, nothing, sizeof(nothing));
	/* what is loaded when it is first asked for is there: nobody waits for it */
	pair_open(&tr->p, SUITE_AES_128_GCM, variant->family, true);
	ASSERT_EQ(0, sock_destroy(tr->p.near.fd));
	pair_close(&tr->p);
	do {
		ASSERT_GT(100, tries++);
		memset(w, 0, sizeof(w));
		ASSERT_EQ(true, stall_open(&stall));
		pair_prepare(&tr->p, SUITE_AES_128_GCM, variant->family, false);
		ASSERT_EQ(0, ulp_attach(tr->p.near.fd));
		for (i = 0; i < 3; i++) {
			w[i].tr = tr;
			w[i].stall = &stall;
		}
		len = sizeof(w[2].me);
		ASSERT_EQ(0, getsockname(tr->p.near.fd, (void *)&w[2].me, &len));
		len = sizeof(w[2].peer);
		ASSERT_EQ(0, getpeername(tr->p.near.fd, (void *)&w[2].peer,
					 &len));
		waiter_start(&t[0], &w[0], lock_holder, 0);
		stall_wait(&stall);
		/* both find no keys, and wait for the lock one after the other */
		waiter_start(&t[1], &w[1], lock_installer, __NR_setsockopt);
		waiter_start(&t[2], &w[2], lock_destroyer, __NR_sendto);
		stall_end(&stall, page);
		for (i = 0; i < 3; i++)
			pthread_join(t[i], NULL);
		stall_close(&stall);
		/* must(), since the sockets are there: nobody shall wait for them */
		must(!w[2].err);
		if (!w[1].err) {
			must(send(tr->p.near.fd, "x", 1, MSG_NOSIGNAL) == -1);
			must(errno == ECONNABORTED);
			must(send(tr->p.near.fd, "x", 1, MSG_NOSIGNAL) == -1);
			must(errno == EPIPE);
		}
		pair_close(&tr->p);
		/* where it slept for something else there are no keys: again */
		met += !w[1].err;
	} while (met < 5);
}

/* Where @pid is a process of its own, in a namespace of its own. */
static pid_t traffic_spawn(struct traffic *tr, int family, int over)
{
	pid_t pid;

	memset(tr, 0, sizeof(*tr));
	pid = spawn();
	if (pid)
		return pid;
	netns_new();
	traffic_start(tr, family);
	if (over >= 0) {
		fd_pass(over, tr->p.near.fd);
		fd_pass(over, tr->p.far.fd);
	}
	for (;;)
		pause();
}

TEST_F_TIMEOUT(death, killed, 600)
{
	unsigned int i;
	pid_t pid;

	for (i = 0; i < rounds(); i++) {
		pid = traffic_spawn(self->tr, variant->family, -1);
		traffic_flows(self->tr, 20 + i % 7);
		stop_child(pid);
		no_socket_left();
	}
}

/* Killed while it sleeps in send(), with the cork's lock and others after it. */
TEST_F_TIMEOUT(death, killed_in_send, 600)
{
	unsigned int i;
	int fd, more;
	pid_t pid[3];

	/* a narrow way out, in front of which the bytes stay the socket's */
	must(!system("tc qdisc add dev lo root tbf rate 200kbit burst 5kb latency 20s"));
	for (more = 0; more < 2; more++) {
		pair_open(&self->tr->p, SUITE_AES_128_GCM, variant->family, true);
		fd = self->tr->p.near.fd;
		must(!set_int(fd, SOL_SOCKET, SO_SNDBUF, 4608));
		for (i = 0; i < ARRAY_SIZE(pid); i++) {
			static __u8 data[3000];

			pid[i] = spawn();
			if (pid[i])
				continue;
			for (;;) {
				if (more)
					send(fd, data, 10, MSG_MORE);
				send(fd, data, sizeof(data), 0);
			}
		}
		wait_asleep(pid[0], __NR_sendto);
		for (i = 0; i < ARRAY_SIZE(pid); i++)
			stop_child(pid[i]);
		/* what is under way holds the socket until it has arrived */
		pair_close(&self->tr->p);
		no_socket_left();
	}
}

/* Its namespace has no process any more, but the sockets have another owner. */
TEST_F_TIMEOUT(death, namespace_left, 600)
{
	int over[2], fd[2];
	__u8 in[20000];
	unsigned int i;
	ssize_t n;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, over));
	for (i = 0; i < rounds(); i++) {
		pid = traffic_spawn(self->tr, variant->family, over[1]);
		fd[0] = fd_take(over[0]);
		fd[1] = fd_take(over[0]);
		traffic_flows(self->tr, 20);
		stop_child(pid);
		/* both as they were when it died, a cork half full, say */
		while (recv_soon(fd[1], in, sizeof(in), 0) >= 0)
			;
		ASSERT_EQ(10, send(fd[0], "still here", 10, 0));
		n = recv_soon(fd[1], in, sizeof(in), 0);
		ASSERT_LE(10, n);
		ASSERT_EQ(0, memcmp(in + n - 10, "still here", 10));
		close(fd[0]);
		if (i % 2)
			send(fd[1], "x", 1, MSG_DONTWAIT);
		close(fd[1]);
		no_socket_left();
	}
	close(over[0]);
	close(over[1]);
}

static bool cpu_online(int on)
{
	int fd = open("/sys/devices/system/cpu/cpu1/online", O_WRONLY);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, on ? "1" : "0", 1) == 1;
	close(fd);
	return ok;
}

/* A processor leaves and comes back, again and again. */
TEST_F_TIMEOUT(death, processor, 600)
{
	struct traffic *tr = self->tr;
	unsigned int i;

	if (access("/sys/devices/system/cpu/cpu1/online", W_OK))
		SKIP(return, "one processor, or one that cannot leave");
	/*
	 * padata_serial_worker() that has been queued again finds nothing to do,
	 * takes nothing from a reference count that is zero, and frees once more.
	 */
	if (variant->template && !strcmp(variant->template, "pcrypt"))
		SKIP(return, "padata does not bear a processor that leaves");
	traffic_start(tr, variant->family);
	for (i = 0; i < effort(5, 3, 12); i++) {
		traffic_flows(tr, 20);
		ASSERT_EQ(true, cpu_online(0));
		traffic_flows(tr, 20);
		ASSERT_EQ(true, cpu_online(1));
	}
	atomic_store(&tr->stop, true);
	traffic_join(tr, shut_both);
	pair_close(&tr->p);
}

static int module_remove(void)
{
	return syscall(__NR_delete_module, "dtls", O_NONBLOCK);
}

static int module_insert(void)
{
	int fd = open(getenv("KDTLS_KO"), O_RDONLY | O_CLOEXEC), ret;

	must(fd >= 0);
	ret = syscall(__NR_finit_module, fd, "", 0);
	close(fd);
	return ret;
}

FIXTURE(module) {
	struct traffic *tr;
};

FIXTURE_SETUP(module)
{
	if (!getenv("KDTLS_KO"))
		SKIP(return, "where the module is nobody tells");
	netns_new();
	self->tr = mmap(NULL, sizeof(*self->tr), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->tr);
	no_socket_left();
}

/* The next test wants it. */
FIXTURE_TEARDOWN(module)
{
	if (access("/sys/module/dtls", F_OK))
		ASSERT_EQ(0, module_insert());
}

TEST_F_TIMEOUT(module, held_by_sockets, 600)
{
	int fd = udp_bound(FAMILY_V4);

	/* attached, and no more */
	ASSERT_EQ(0, ulp_attach(fd));
	ASSERT_EQ(-1, module_remove());
	ASSERT_EQ(EWOULDBLOCK, errno);
	close(fd);
	no_socket_left();
	/* with all that there is in flight */
	traffic_start(self->tr, FAMILY_V4);
	traffic_flows(self->tr, 20);
	ASSERT_EQ(-1, module_remove());
	ASSERT_EQ(EWOULDBLOCK, errno);
	atomic_store(&self->tr->stop, true);
	traffic_join(self->tr, shut_both);
	pair_close(&self->tr->p);
	no_socket_left();
	ASSERT_EQ(0, module_remove());
	/* and an attach to nothing is refused */
	fd = udp_bound(FAMILY_V6);
	ASSERT_EQ(-1, ulp_attach(fd));
	ASSERT_EQ(ENOPROTOOPT, errno);
	ASSERT_EQ(0, module_insert());
	ASSERT_EQ(0, ulp_attach(fd));
	close(fd);
}

/* Attaches, says something, and closes, whether or not the module is there. */
static void *come_and_go(void *arg)
{
	struct traffic *tr = arg;
	unsigned int i, gone, met = 0;
	struct dtls_pair p;
	char x;

	for (i = 0; !atomic_load(&tr->stop); i++) {
		gone = atomic_load(&tr->rekeyed);
		pair_prepare(&p, SUITE_AES_128_GCM, i % 3, true);
		if (ulp_attach(p.near.fd)) {
			must(errno == ENOPROTOOPT);
			pair_close(&p);
			continue;
		}
		must(!ulp_attach(p.far.fd));
		must(!key_install(p.near.fd, DTLS_TX, &p.near.tx));
		must(!key_install(p.far.fd, DTLS_RX, &p.far.rx));
		must(send(p.near.fd, "x", 1, 0) == 1);
		must(recv(p.far.fd, &x, 1, 0) == 1);
		atomic_fetch_add(&tr->got, 1);
		pair_close(&p);
		/* a while without sockets, or it could never go */
		if (++met % 4)
			continue;
		while (atomic_load(&tr->rekeyed) == gone &&
		       !atomic_load(&tr->stop))
			usleep(100);
	}
	return NULL;
}

/* @rekeyed counts how often the module has gone. */
TEST_F_TIMEOUT(module, comes_and_goes, 600)
{
	unsigned int rounds = effort(10, 4, 30), busy = 0, got, i;
	struct traffic *tr = self->tr;
	pthread_t t[3];

	for (i = 0; i < ARRAY_SIZE(t); i++)
		pthread_create(&t[i], NULL, come_and_go, tr);
	while (tr->rekeyed < rounds) {
		if (module_remove()) {
			ASSERT_EQ(EWOULDBLOCK, errno);
			busy++;
			sched_yield();
			continue;
		}
		/* not only an empty house; once it is there they may be quick */
		got = atomic_load(&tr->got);
		atomic_fetch_add(&tr->rekeyed, 1);
		ASSERT_EQ(0, module_insert());
		while (atomic_load(&tr->got) == got)
			sched_yield();
	}
	atomic_store(&tr->stop, true);
	for (i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
	TH_LOG("gone %u times, in use %u times", rounds, busy);
	no_socket_left();
}

TEST_HARNESS_MAIN
