// SPDX-License-Identifier: GPL-2.0-only
/* The module, at both ends. */
#include <time.h>

#include "bench.h"
#include "far13.h"
#include "pair.h"

static const __u16 suites13[BENCH_NR_CIPHERS] = {
	[BENCH_AES_128_GCM]	= SUITE13_AES_128_GCM,
	[BENCH_AES_256_GCM]	= SUITE13_AES_256_GCM,
	[BENCH_CHACHA20]	= SUITE13_CHACHA20,
	[BENCH_AES_128_CCM]	= SUITE13_AES_128_CCM,
	[BENCH_AES_128_CCM_8]	= SUITE13_AES_128_CCM_8,
};

static void kdtls_ready(struct bench_link *l)
{
	bench_room(l->fd);
	bench_block(l->fd, true);
	if (l->side->batched) {
		must(!set_int(l->fd[0], SOL_UDP, UDP_SEGMENT, l->size));
		must(!set_int(l->fd[1], SOL_UDP, UDP_GRO, 1));
	}
}

static bool kdtls_open(struct bench_link *l)
{
	struct dtls_pair p;

	if (l->cipher == BENCH_NO_CIPHER)
		return false;
	pair_open(&p, bench_suites[l->cipher], FAMILY_V4, true);
	l->fd[0] = p.near.fd;
	l->fd[1] = p.far.fd;
	kdtls_ready(l);
	return true;
}

/* DTLS 1.3, by traffic secrets; no connection IDs, and no padding. */
static bool kdtls13_open(struct bench_link *l)
{
	static struct pair13 p;

	if (l->cipher == BENCH_NO_CIPHER)
		return false;
	pair13_open(&p, suites13[l->cipher], FAMILY_V4, true);
	l->fd[0] = p.near.fd;
	l->fd[1] = p.far.fd;
	kdtls_ready(l);
	return true;
}

const struct bench_side bench_kdtls = {
	.name	= "kdtls",
	.open	= kdtls_open,
	.send	= bench_send_fd,
	.recv	= bench_recv_fd,
	.close	= bench_close_fds,
};

const struct bench_side bench_kdtls_gso = {
	.name	 = "kdtls-gso",
	.batched = true,
	.open	 = kdtls_open,
	.send	 = bench_send_fd,
	.recv	 = bench_recv_fd,
	.close	 = bench_close_fds,
};

const struct bench_side bench_kdtls13 = {
	.name	= "kdtls13",
	.open	= kdtls13_open,
	.send	= bench_send_fd,
	.recv	= bench_recv_fd,
	.close	= bench_close_fds,
};

const struct bench_side bench_kdtls13_gso = {
	.name	 = "kdtls13-gso",
	.batched = true,
	.open	 = kdtls13_open,
	.send	 = bench_send_fd,
	.recv	 = bench_recv_fd,
	.close	 = bench_close_fds,
};
