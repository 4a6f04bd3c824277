// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/udp.h>

#include "stress.h"

#define PAIRS		6
#define STEADY		3	/* the first pairs */
#define SLOTS		(2 * PAIRS)
/* Ports are used once, so that one names the keys of its socket for good. */
#define PORT_BASE	10000
#define PORTS		50000

atomic_bool stress_stop;

static struct stress_end *ends;		/* shared with children; by port */
static atomic_uint nr_ends;
static pthread_mutex_t slot_lock = PTHREAD_MUTEX_INITIALIZER;
static struct stress_end *slots[SLOTS];
static int dead_fd = -1;

static const struct {
	__u16 suite;
	int family;
} kinds[PAIRS] = {
	{ SUITE_AES_128_GCM, FAMILY_V4 },
	{ SUITE_CHACHA20, FAMILY_V6 },
	{ SUITE_AES_256_GCM, FAMILY_MAPPED },
	{ SUITE_AES_128_GCM, FAMILY_V6 },
	{ SUITE_AES_128_CCM_8, FAMILY_V4 },
	{ SUITE_AES_128_GCM, FAMILY_MAPPED },
};

static socklen_t address(int family, __u16 port, struct sockaddr_storage *ss)
{
	socklen_t len = loopback(family, ss);

	if (ss->ss_family == AF_INET)
		((struct sockaddr_in *)ss)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)ss)->sin6_port = htons(port);
	return len;
}

static bool key_of(__u16 port, __u32 *id, bool *nonce)
{
	if (port < PORT_BASE || port >= PORT_BASE + atomic_load(&nr_ends))
		return false;
	*id = ends[port - PORT_BASE].origin;
	*nonce = oracle_suite(ends[port - PORT_BASE].suite)->explicit_len;
	return true;
}

int stress_install(struct stress_end *e, int option, __u16 epoch, __u64 seq)
{
	struct oracle_key k = {};

	oracle_key_init(&k, e->suite, epoch,
			option == DTLS_TX ? e->origin : e->peer_origin);
	k.seq = seq;
	return key_install(e->fd, option, &k);
}

/* A bound socket of kind @slot / 2; NULL if there are no more ports. */
static struct stress_end *end_new(unsigned int slot, __u16 origin)
{
	unsigned int n = atomic_fetch_add(&nr_ends, 1);
	struct sockaddr_storage ss;
	struct stress_end *e;
	socklen_t len;

	if (n >= PORTS) {
		atomic_fetch_sub(&nr_ends, 1);
		return NULL;
	}
	e = &ends[n];
	e->port = PORT_BASE + n;
	e->origin = origin ?: e->port;
	e->family = kinds[slot / 2].family;
	e->suite = kinds[slot / 2].suite;
	e->steady = slot < 2 * STEADY;
	len = address(e->family, e->port, &ss);
	e->fd = socket(ss.ss_family, SOCK_DGRAM, 0);
	if (e->fd < 0 || bind(e->fd, (struct sockaddr *)&ss, len))
		die("no socket for port %u", e->port);
	set_int(e->fd, SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20);
	atomic_store(&e->refs, 1);
	return e;
}

static int end_connect(struct stress_end *e, const struct stress_end *peer)
{
	struct sockaddr_storage ss;
	socklen_t len = address(e->family, peer->port, &ss);

	return connect(e->fd, (struct sockaddr *)&ss, len);
}

static struct stress_end *end_get(unsigned int slot)
{
	struct stress_end *e;

	pthread_mutex_lock(&slot_lock);
	e = slots[slot];
	atomic_fetch_add(&e->refs, 1);
	pthread_mutex_unlock(&slot_lock);
	return e;
}

static void end_put(struct stress_end *e)
{
	if (atomic_fetch_sub(&e->refs, 1) == 1)
		close(e->fd);
}

/*
 * The socket goes, its descriptor stays until nobody uses the number any more:
 * a call that comes late finds no socket, but not another one either.
 */
static void end_kill(struct stress_end *e, const struct stress_task *t)
{
	/* whoever else is in it may sleep, and has no other way out */
	if (atomic_load(&e->refs) > 1 + (t && t->e == e))
		shutdown(e->fd, SHUT_RDWR);
	must(dup2(dead_fd, e->fd) == e->fd);
	end_put(e);
}

/* New keys for one direction of a pair: first for who opens, then who seals. */
static bool rekey_way(struct stress_end *from, struct stress_end *to)
{
	unsigned int epoch = atomic_load(&from->tx_epoch) + 1;

	if (epoch > 0xffff)
		return true;
	if (stress_install(to, DTLS_RX, epoch, FIRST_SEQ))
		return false;
	atomic_store(&to->rx_epoch, epoch);
	if (stress_install(from, DTLS_TX, epoch, FIRST_SEQ))
		return false;
	atomic_store(&from->tx_epoch, epoch);
	return true;
}

static void pair_rekey(struct stress_end *a, struct stress_end *b)
{
	static pthread_mutex_t lock[PAIRS] = {
		[0 ... PAIRS - 1] = PTHREAD_MUTEX_INITIALIZER
	};
	pthread_mutex_t *l = &lock[(a->port - PORT_BASE) / 2 % PAIRS];

	pthread_mutex_lock(l);
	if (!rekey_way(a, b) || !rekey_way(b, a))
		die("keys refused on a socket that keeps them");
	pthread_mutex_unlock(l);
}

/*
 * Steady ones: in step. The others: whatever direction, whatever epoch; more
 * than one thread may be at the same, and one of them wins.
 */
void stress_rekey(struct stress_task *t)
{
	static const int options[] = { DTLS_TX, DTLS_RX };
	struct stress_end *e = t->e, *peer;
	int option = rng_pick(&t->r, options);
	atomic_uint *last;
	unsigned int epoch;
	__u64 seq = FIRST_SEQ;

	/* the lock of another thread is no place for a child to sleep at */
	if (e->steady) {
		if (t->child)
			return;
		peer = end_get(t->slot ^ 1);
		pair_rekey(t->slot & 1 ? peer : e, t->slot & 1 ? e : peer);
		end_put(peer);
		return;
	}
	last = option == DTLS_TX ? &e->tx_epoch : &e->rx_epoch;
	epoch = atomic_load(last) + rng_below(&t->r, 3);
	if (rng_one_in(&t->r, 8))
		seq = (1ULL << 48) - 1 - rng_below(&t->r, 30);
	if (epoch && epoch <= 0xffff && !stress_install(e, option, epoch, seq)) {
		atomic_store(&e->keyed, true);
		if (epoch > atomic_load(last))
			atomic_store(last, epoch);
	}
}

/* Puts @e where @slot's socket was, and ends that one. */
static void slot_replace(struct stress_task *t, unsigned int slot,
			 struct stress_end *e)
{
	struct stress_end *old;

	pthread_mutex_lock(&slot_lock);
	old = slots[slot];
	slots[slot] = e;
	pthread_mutex_unlock(&slot_lock);
	end_kill(old, t);
}

/* As far as it goes: not connected, not attached, without keys, with all. */
static void end_begin(struct stress_task *t, struct stress_end *e,
		      struct stress_end *peer)
{
	unsigned int way = rng_below(&t->r, 10);

	e->peer_origin = peer->origin;
	if (way > 0)
		must(!end_connect(e, peer));
	if (way > 1)
		must(!ulp_attach(e->fd));
	if (way > 2) {
		if (stress_install(e, DTLS_RX, 1, FIRST_SEQ) ||
		    stress_install(e, DTLS_TX, 1, FIRST_SEQ))
			die("keys refused");
		atomic_store(&e->tx_epoch, 1);
		atomic_store(&e->rx_epoch, 1);
		atomic_store(&e->keyed, true);
	}
}

/* A new pair, or a new end, whom the other does not know. */
void stress_reopen(struct stress_task *t)
{
	unsigned int slot = t->slot;
	struct stress_end *e, *peer;

	if (t->e->steady || t->child)
		return;
	e = end_new(slot, 0);
	if (!e)
		return;
	if (rng_one_in(&t->r, 4)) {
		peer = end_get(slot ^ 1);
		end_begin(t, e, peer);
		end_put(peer);
	} else {
		peer = end_new(slot ^ 1, 0);
		if (!peer)
			peer = e;
		end_begin(t, e, peer);
		if (peer != e) {
			end_begin(t, peer, e);
			slot_replace(t, slot ^ 1, peer);
		}
	}
	slot_replace(t, slot, e);
}

static bool export_way(struct stress_end *e, int option, struct dtls_keys *k)
{
	struct oracle_key want = {};
	socklen_t len = sizeof(*k);

	if (getsockopt(e->fd, SOL_DTLS, option, k, &len))
		return false;
	oracle_key_init(&want, e->suite, k->epoch, option == DTLS_TX_EXPORT ?
			e->origin : e->peer_origin);
	must(k->cipher_suite == e->suite && k->key_len == want.suite->key_len);
	must(!memcmp(k->key, want.key, k->key_len));
	must(!memcmp(k->iv, want.iv, k->iv_len));
	/* what only getsockopt fills */
	k->window = 0;
	k->records = 0;
	k->bytes = 0;
	k->drop_replay = 0;
	k->drop_auth = 0;
	return true;
}

/* Keys leave, and go on in another socket where the numbers ended. */
void stress_export(struct stress_task *t)
{
	struct stress_end *e = t->e, *heir, *peer;
	struct dtls_keys k[2];

	if (e->steady) {
		must(!export_way(e, DTLS_TX_EXPORT, k));
		must(errno == EPERM);
		return;
	}
	if (t->child || !export_way(e, DTLS_TX_EXPORT, &k[0]) ||
	    !export_way(e, DTLS_RX_EXPORT, &k[1]))
		return;
	heir = end_new(t->slot, e->origin);
	if (!heir)
		return;
	peer = end_get(t->slot ^ 1);
	heir->peer_origin = e->peer_origin;
	must(!end_connect(heir, peer));
	must(!ulp_attach(heir->fd));
	if (setsockopt(heir->fd, SOL_DTLS, DTLS_TXRX, k, sizeof(k)))
		die("exported keys refused");
	atomic_store(&heir->tx_epoch, k[0].epoch);
	atomic_store(&heir->rx_epoch, k[1].epoch);
	atomic_store(&heir->keyed, true);
	slot_replace(t, t->slot, heir);
	/* the peer follows */
	end_connect(peer, heir);
	end_put(peer);
}

void stress_linger(unsigned int seconds)
{
	char text[16];
	int fd = open("/sys/module/dtls/parameters/epoch_linger", O_WRONLY);

	snprintf(text, sizeof(text), "%u", seconds);
	must(fd >= 0 && write(fd, text, strlen(text)) > 0);
	close(fd);
}

static void pair_start(unsigned int slot)
{
	struct stress_end *a = end_new(slot, 0), *b = end_new(slot + 1, 0);

	must(a && b);
	a->peer_origin = b->origin;
	b->peer_origin = a->origin;
	must(!end_connect(a, b) && !end_connect(b, a));
	if (a->steady) {
		must(!ulp_attach(a->fd) && !ulp_attach(b->fd));
		must(rekey_way(a, b) && rekey_way(b, a));
		must(!set_int(a->fd, SOL_DTLS, DTLS_NO_EXPORT, 1));
		must(!set_int(b->fd, SOL_DTLS, DTLS_NO_EXPORT, 1));
		atomic_store(&a->keyed, true);
		atomic_store(&b->keyed, true);
	}
	slots[slot] = a;
	slots[slot + 1] = b;
}

void stress_open(__u64 seed)
{
	unsigned int i;

	cells_init(seed);
	ends = mmap(NULL, PORTS * sizeof(*ends), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(ends != MAP_FAILED);
	dead_fd = open("/dev/null", O_RDWR);
	must(dead_fd >= 0);
	nonces_start(key_of);
	for (i = 0; i < PAIRS; i++)
		pair_start(2 * i);
}

void stress_close(void)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		end_kill(slots[i], NULL);
	nonces_stop();
}

unsigned int stress_sockets(void)
{
	return atomic_load(&nr_ends);
}

void stress_task_init(struct stress_task *t, unsigned int n, bool sleeper)
{
	rng_init(&t->r, run_seed(), n);
	t->sleeper = sleeper;
	t->epoll = epoll_create1(0);
	t->file = memfd_create("stress", 0);
	t->bad = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(t->epoll >= 0 && t->file >= 0 && t->bad != MAP_FAILED);
	must(!mprotect(t->bad + 4096, 4096, PROT_NONE));
	must(!pipe2(t->pipe, O_NONBLOCK));
	must(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, t->unix_fd));
	forger_open(&t->f);
}

void stress_task_exit(struct stress_task *t)
{
	forger_close(&t->f);
	close(t->epoll);
	close(t->file);
	close(t->pipe[0]);
	close(t->pipe[1]);
	close(t->unix_fd[0]);
	close(t->unix_fd[1]);
	munmap(t->bad, 8192);
}

static const struct stress_op *op_pick(struct stress_task *t)
{
	const struct stress_op *ops = stress_data_ops;
	unsigned int i, n = stress_nr_data_ops, sum = 0;

	/* sleepers are to find one another in recv and poll */
	if (!t->sleeper && rng_one_in(&t->r, 3)) {
		ops = stress_ctl_ops;
		n = stress_nr_ctl_ops;
	}
	for (i = 0; i < n; i++)
		sum += ops[i].weight;
	sum = rng_below(&t->r, sum);
	for (i = 0; sum >= ops[i].weight; i++)
		sum -= ops[i].weight;
	return &ops[i];
}

void stress_step(struct stress_task *t, struct watched *w)
{
	const struct stress_op *op = op_pick(t);

	/* children cannot wait for a lock that another thread had at fork() */
	if (!t->child) {
		t->slot = rng_below(&t->r, SLOTS);
		t->e = end_get(t->slot);
	}
	if (w)
		atomic_store(&w->doing, (uintptr_t)op->name);
	op->run(t);
	if (!t->child)
		end_put(t->e);
}

/* Options as they were at first. */
static void end_calm(struct stress_end *e)
{
	struct timeval tv = {};

	set_int(e->fd, SOL_UDP, UDP_SEGMENT, 0);
	set_int(e->fd, SOL_UDP, UDP_CORK, 0);
	/* IPv6 takes no datagram without a checksum */
	set_int(e->fd, SOL_UDP, UDP_NO_CHECK6_TX, 0);
	set_int(e->fd, SOL_DTLS, DTLS_RECVTYPE, 0);
	set_int(e->fd, SOL_SOCKET, SO_PEEK_OFF, -1);
	set_int(e->fd, SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20);
	set_int(e->fd, SOL_SOCKET, SO_SNDBUFFORCE, 4 << 20);
	set_int(e->fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
	set_int(e->fd, SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
	setsockopt(e->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

static void works_way(unsigned int slot)
{
	static struct cell c[STRESS_ROOM / sizeof(struct cell)];
	struct stress_end *from = slots[slot], *to = slots[slot ^ 1];
	struct cell sent = {};
	struct dtls_record r;
	unsigned int looks;
	ssize_t n;

	for (looks = 0; !looks || !cell_arrived(&sent); looks++) {
		/* a full queue, or a pending error, may have swallowed it */
		if (looks == 100000)
			die("nothing gets through from port %u", from->port);
		if (!(looks % 1000)) {
			must(cells_make(&sent, 1, CELL_SECRET, slot));
			n = send(from->fd, &sent, sizeof(sent), 0);
			must(n > 0 || errno == ECONNREFUSED);
		}
		/* whoever of us gets it; alerts may lie before it */
		n = recv_record(to->fd, c, sizeof(c), MSG_DONTWAIT, &r, NULL);
		if (n < 0)
			usleep(100);
		else if (!r.type || r.type == DTLS_TYPE_DATA)
			cells_check(c, n, slot, true);
	}
}

void stress_works(void)
{
	unsigned int i;

	link_mtu("lo", 65536);
	for (i = 0; i < 2 * STEADY; i += 2) {
		end_calm(slots[i]);
		end_calm(slots[i + 1]);
		pair_rekey(slots[i], slots[i + 1]);
		works_way(i);
		works_way(i + 1);
	}
}

void stress_shut(void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < SLOTS; i++) {
		struct stress_end *e = end_get(i);

		shutdown(e->fd, SHUT_RDWR);
		end_put(e);
	}
}
