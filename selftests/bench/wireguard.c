// SPDX-License-Identifier: GPL-2.0-only
/*
 * UDP through a pair of WireGuard devices, one of them in a namespace of its
 * own, whose outer sockets are both on this namespace's loopback. Its workers
 * do the sealing and opening: there is only a whole.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>

#include "bench.h"
#include "net.h"

/* main.c is told by the guest's script where the scripts are. */
#define SCRIPT	"wireguard.sh"

static int far_ns = -1;

static void make_far(void)
{
	int home = open("/proc/self/ns/net", O_RDONLY);

	must(home >= 0 && !unshare(CLONE_NEWNET));
	far_ns = open("/proc/self/ns/net", O_RDONLY);
	must(far_ns >= 0 && !setns(home, CLONE_NEWNET));
	close(home);
}

static void script(const char *what)
{
	const char *dir = getenv("BENCH_SCRIPTS");
	char command[512];

	snprintf(command, sizeof(command), "bash %s/" SCRIPT " %s /proc/%d/fd/%d",
		 dir ? dir : "selftests/bench", what, getpid(), far_ns);
	if (system(command))
		die("%s", command);
}

static int bound(const char *addr)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	must(inet_pton(AF_INET, addr, &sin.sin_addr) == 1);
	must(fd >= 0 && !bind(fd, (struct sockaddr *)&sin, sizeof(sin)));
	return fd;
}

static bool wireguard_open(struct bench_link *l)
{
	int home;

	if (l->cipher != BENCH_CHACHA20)
		return false;
	make_far();
	script("up");
	home = open("/proc/self/ns/net", O_RDONLY);
	l->fd[0] = bound("10.99.0.1");
	must(!setns(far_ns, CLONE_NEWNET));
	l->fd[1] = bound("10.99.0.2");
	must(!setns(home, CLONE_NEWNET));
	close(home);
	udp_connect(l->fd[0], l->fd[1]);
	udp_connect(l->fd[1], l->fd[0]);
	bench_room(l->fd);
	bench_block(l->fd, true);
	/* The handshake: it has little room for what comes before. */
	must(send(l->fd[0], "", 1, 0) == 1 && recv(l->fd[1], &home, 1, 0) == 1);
	if (l->side->batched) {
		must(!set_int(l->fd[0], SOL_UDP, UDP_SEGMENT, l->size));
		must(!set_int(l->fd[1], SOL_UDP, UDP_GRO, 1));
	}
	return true;
}

static void wireguard_close(struct bench_link *l)
{
	bench_close_fds(l);
	script("down");
	close(far_ns);
}

const struct bench_side bench_wireguard = {
	.name	= "wireguard",
	.whole	= true,
	.open	= wireguard_open,
	.send	= bench_send_fd,
	.recv	= bench_recv_fd,
	.close	= wireguard_close,
};

const struct bench_side bench_wireguard_gso = {
	.name	 = "wireguard-gso",
	.batched = true,
	.whole	 = true,
	.open	 = wireguard_open,
	.send	 = bench_send_fd,
	.recv	 = bench_recv_fd,
	.close	 = wireguard_close,
};
