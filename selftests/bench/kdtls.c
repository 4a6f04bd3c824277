// SPDX-License-Identifier: GPL-2.0-only
/* The module, at both ends. */
#include <time.h>

#include "bench.h"
#include "pair.h"

static bool kdtls_open(struct bench_link *l)
{
	struct dtls_pair p;

	if (l->cipher == BENCH_NO_CIPHER)
		return false;
	pair_open(&p, bench_suites[l->cipher], FAMILY_V4, true);
	l->fd[0] = p.near.fd;
	l->fd[1] = p.far.fd;
	bench_room(l->fd);
	bench_block(l->fd, true);
	if (l->side->batched) {
		must(!set_int(l->fd[0], SOL_UDP, UDP_SEGMENT, l->size));
		must(!set_int(l->fd[1], SOL_UDP, UDP_GRO, 1));
	}
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
