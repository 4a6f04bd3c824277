// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include "net.h"

/* Where settle() sends to itself. */
static __thread int settle_fd = -1;
static __thread pid_t settle_owner;

static void settle_open(void)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	settle_fd = udp_bound(FAMILY_V4);
	settle_owner = getpid();
	if (getsockname(settle_fd, (struct sockaddr *)&ss, &len) ||
	    connect(settle_fd, (struct sockaddr *)&ss, len))
		die("no socket to settle by");
}

/* By way of this processor's backlog, behind all that is in it. */
static void settle_here(void)
{
	static __thread __u32 number;
	struct pollfd pfd = { .fd = settle_fd, .events = POLLIN };
	__u32 got = 0;

	for (number++; got != number;) {
		/* A flood may have pushed it out: send another. */
		if (send(settle_fd, &number, sizeof(number), 0) < 0)
			die("cannot settle");
		while (got != number && poll(&pfd, 1, 100) > 0)
			recv(settle_fd, &got, sizeof(got), 0);
	}
}

void settle(void)
{
	cpu_set_t all, one;
	int cpu, round;

	if (settle_fd < 0 || settle_owner != getpid())
		settle_open();
	if (sched_getaffinity(0, sizeof(all), &all))
		die("affinity");
	/* Twice: what arrives may be answered, by an ICMP error say. */
	for (round = 0; round < 2; round++) {
		for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			if (!CPU_ISSET(cpu, &all))
				continue;
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			if (CPU_COUNT(&all) > 1 &&
			    sched_setaffinity(0, sizeof(one), &one))
				die("affinity");
			settle_here();
		}
	}
	if (CPU_COUNT(&all) > 1 && sched_setaffinity(0, sizeof(all), &all))
		die("affinity");
}

void netns_new(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd;

	if (unshare(CLONE_NEWNET))
		die("unshare");
	settle_fd = -1;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr))
		die("no lo");
	ifr.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		die("lo stays down");
	close(fd);
}

void link_mtu(const char *dev, int mtu)
{
	struct ifreq ifr = { .ifr_mtu = mtu };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", dev);
	if (fd < 0 || ioctl(fd, SIOCSIFMTU, &ifr))
		die("mtu of %s", dev);
	close(fd);
}

socklen_t loopback(int family, struct sockaddr_storage *ss)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (family == FAMILY_V4) {
		v4->sin_family = AF_INET;
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	if (family == FAMILY_V6)
		v6->sin6_addr = in6addr_loopback;
	else
		inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6->sin6_addr);
	return sizeof(*v6);
}

int udp_bound(int family)
{
	struct sockaddr_storage ss;
	socklen_t len = loopback(family, &ss);
	int fd = socket(ss.ss_family, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&ss, len))
		die("no bound socket");
	return fd;
}

void udp_connect(int fd, int peer)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(peer, (struct sockaddr *)&ss, &len) ||
	    connect(fd, (struct sockaddr *)&ss, len))
		die("connect");
}

void udp_pair(int family, int fd[2])
{
	fd[0] = udp_bound(family);
	fd[1] = udp_bound(family);
	udp_connect(fd[0], fd[1]);
	udp_connect(fd[1], fd[0]);
}

int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

int get_int(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	if (getsockopt(fd, level, name, &value, &len))
		return -1;
	if (len != sizeof(value))
		die("option %d/%d is %u bytes long", level, name, len);
	return value;
}

int ulp_attach(int fd)
{
	return setsockopt(fd, SOL_IP, DTLS_ULP, "dtls", sizeof("dtls"));
}

static unsigned long long stat_sum(const char *name, bool prefix)
{
	unsigned long long value, sum = 0;
	bool found = false;
	char key[64];
	FILE *f;

	settle();
	f = fopen("/proc/self/net/dtls_stat", "r");
	if (!f)
		die("no dtls_stat");
	while (fscanf(f, "%63s %llu", key, &value) == 2) {
		if (prefix ? strncmp(key, name, strlen(name)) : strcmp(key, name))
			continue;
		found = true;
		sum += value;
	}
	fclose(f);
	if (!found)
		die("no %s in dtls_stat", name);
	return sum;
}

unsigned long long stat_read(const char *name)
{
	return stat_sum(name, false);
}

unsigned long long stat_drops(void)
{
	return stat_sum("RxDrop", true);
}

int tap_open(void)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex("lo"),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	if (fd < 0 || bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
		die("no tap");
	set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20);
	return fd;
}

bool tap_saw(int tap, const void *bytes, size_t len, unsigned int *frames)
{
	static __u8 frame[70000];
	bool saw = false;
	ssize_t n;

	settle();
	*frames = 0;
	while ((n = recv(tap, frame, sizeof(frame), MSG_DONTWAIT)) >= 0) {
		/* Only IPv4 and UDP: neighbours and reports do not count. */
		if (n < 34 || frame[12] != 8 || frame[23] != IPPROTO_UDP)
			continue;
		++*frames;
		if (memmem(frame, n, bytes, len))
			saw = true;
	}
	if (errno != EAGAIN)
		die("tap");
	return saw;
}

ssize_t recv_soon(int fd, void *data, size_t len, int flags)
{
	settle();
	return recv(fd, data, len, flags | MSG_DONTWAIT);
}

short poll_now(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	settle();
	if (poll(&p, 1, 0) < 0)
		die("poll");
	return p.revents;
}

bool select_now(int fd)
{
	struct timeval none = {};
	fd_set set;

	settle();
	FD_ZERO(&set);
	FD_SET(fd, &set);
	if (select(fd + 1, &set, NULL, NULL, &none) < 0)
		die("select");
	return FD_ISSET(fd, &set);
}

pid_t spawn(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		die("prctl");
	/* It may have died before we asked. */
	if (getppid() != parent)
		_exit(1);
	return 0;
}

void stop_child(pid_t pid)
{
	if (kill(pid, SIGKILL) || wait_child(pid) != 128 + SIGKILL)
		die("child has gone");
}

void wait_asleep(pid_t tid, long nr)
{
	char path[64], line[256];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	for (;;) {
		f = fopen(path, "r");
		if (!f)
			die("task %d is gone", tid);
		n = fread(line, 1, sizeof(line) - 1, f);
		fclose(f);
		line[n] = 0;
		/* "running" while it runs, else the number. */
		if (atol(line) == nr && line[0] != 'r')
			return;
		usleep(1000);
	}
}

int wait_child(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

int sock_destroy_between(struct sockaddr_storage *me,
			 struct sockaddr_storage *peer)
{
	struct {
		struct nlmsghdr h;
		struct inet_diag_req_v2 r;
	} q = {
		.h = {
			.nlmsg_len = sizeof(q), .nlmsg_type = SOCK_DESTROY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
		.r = {
			.sdiag_protocol = IPPROTO_UDP,
			.idiag_states = -1,
			.id.idiag_cookie = { INET_DIAG_NOCOOKIE,
					     INET_DIAG_NOCOOKIE },
		},
	};
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
	} a;
	int nl = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);

	must(nl >= 0);
	q.r.sdiag_family = me->ss_family;
	if (me->ss_family == AF_INET) {
		struct sockaddr_in *m = (void *)me, *p = (void *)peer;

		q.r.id.idiag_sport = m->sin_port;
		q.r.id.idiag_dport = p->sin_port;
		q.r.id.idiag_src[0] = m->sin_addr.s_addr;
		q.r.id.idiag_dst[0] = p->sin_addr.s_addr;
	} else {
		struct sockaddr_in6 *m = (void *)me, *p = (void *)peer;

		q.r.id.idiag_sport = m->sin6_port;
		q.r.id.idiag_dport = p->sin6_port;
		memcpy(q.r.id.idiag_src, &m->sin6_addr, 16);
		memcpy(q.r.id.idiag_dst, &p->sin6_addr, 16);
	}
	must(send(nl, &q, sizeof(q), 0) == sizeof(q));
	must(recv(nl, &a, sizeof(a), 0) >= (ssize_t)sizeof(a.h));
	must(a.h.nlmsg_type == NLMSG_ERROR);
	close(nl);
	return -a.e.error;
}

int sock_destroy(int fd)
{
	struct sockaddr_storage me, peer;
	socklen_t len = sizeof(me);

	if (getsockname(fd, (struct sockaddr *)&me, &len))
		return errno;
	len = sizeof(peer);
	if (getpeername(fd, (struct sockaddr *)&peer, &len))
		return errno;
	return sock_destroy_between(&me, &peer);
}

void fd_pass(int over, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr c;
	} u = {};
	struct iovec iov = { "x", 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u.buf, .msg_controllen = sizeof(u.buf),
	};

	u.c.cmsg_level = SOL_SOCKET;
	u.c.cmsg_type = SCM_RIGHTS;
	u.c.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&u.c), &fd, sizeof(fd));
	must(sendmsg(over, &msg, 0) == 1);
}

int fd_take(int over)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr c;
	} u = {};
	char x;
	struct iovec iov = { &x, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u.buf, .msg_controllen = sizeof(u.buf),
	};
	int fd;

	must(recvmsg(over, &msg, 0) == 1);
	memcpy(&fd, CMSG_DATA(&u.c), sizeof(fd));
	return fd;
}
