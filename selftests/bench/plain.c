// SPDX-License-Identifier: GPL-2.0-only
/* UDP, nothing sealed: what the stack itself costs. */
#include "bench.h"
#include "net.h"

static bool plain_open(struct bench_link *l)
{
	if (l->cipher != BENCH_NO_CIPHER)
		return false;
	bench_udp_pair(l);
	if (l->side->batched) {
		must(!set_int(l->fd[0], SOL_UDP, UDP_SEGMENT, l->size));
		must(!set_int(l->fd[1], SOL_UDP, UDP_GRO, 1));
	}
	return true;
}

const struct bench_side bench_plain = {
	.name	= "plain",
	.open	= plain_open,
	.send	= bench_send_fd,
	.recv	= bench_recv_fd,
	.close	= bench_close_fds,
};

const struct bench_side bench_plain_gso = {
	.name	 = "plain-gso",
	.batched = true,
	.open	 = plain_open,
	.send	 = bench_send_fd,
	.recv	 = bench_recv_fd,
	.close	 = bench_close_fds,
};
