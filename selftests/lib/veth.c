// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "veth.h"

#define MAC		"02:00:00:00:09:0"
#define MARKER_PORT	9
#define THREADED	"/sys/class/net/v%d/threaded"
#define TRANSPORT	"mode transport"
/* One key for both ways, which nobody should have who has a secret. */
#define ESP	TRANSPORT " aead 'rfc4106(gcm(aes))' 0x00112233445566778899aabbccddeeff00000001 128"

void shell(const char *format, ...)
{
	char command[300];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command))
		die("%s", command);
}

void veth_enter(const struct veth *v, int i)
{
	must(!setns(v->ns[i], CLONE_NEWNET));
}

static socklen_t address(int i, int family, __u16 port,
			 struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ss;
	char text[32];

	memset(ss, 0, sizeof(*ss));
	/* both have the port in the same place */
	v4->sin_port = htons(port);
	if (family == FAMILY_V4) {
		v4->sin_family = AF_INET;
		snprintf(text, sizeof(text), "10.9.0.%d", i + 1);
		must(inet_pton(AF_INET, text, &v4->sin_addr) == 1);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	snprintf(text, sizeof(text), family == FAMILY_V6 ? "fd09::%d" :
		 "::ffff:10.9.0.%d", i + 1);
	must(inet_pton(AF_INET6, text, &v6->sin6_addr) == 1);
	return sizeof(*v6);
}

static int socket_at(const struct veth *v, int i, int family, __u16 port)
{
	struct sockaddr_storage me, peer;
	socklen_t len = address(i, family, port, &me);
	int fd;

	veth_enter(v, i);
	fd = socket(me.ss_family, SOCK_DGRAM, 0);
	must(fd >= 0 && !bind(fd, (struct sockaddr *)&me, len));
	len = address(1 - i, family, port, &peer);
	must(!connect(fd, (struct sockaddr *)&peer, len));
	return fd;
}

void veth_pair(const struct veth *v, int family, __u16 port, int fd[2])
{
	fd[1] = socket_at(v, 1, family, port);
	fd[0] = socket_at(v, 0, family, port);
}

/* What each end needs; all that would have to be asked for is said before. */
static const char *const up[] = {
	"link set lo up",
	"link set v%1$d up",
	"address add 10.9.0.%2$d/24 dev v%1$d",
	"address add fd09::%2$d/64 dev v%1$d nodad",
	"neighbour add 10.9.0.%3$d lladdr " MAC "%3$d dev v%1$d nud permanent",
	"neighbour add fd09::%3$d lladdr " MAC "%3$d dev v%1$d nud permanent",
};

/* One program for all, since an emulated processor is slow to start another. */
static void link_up(const struct veth *v, int i, const char *first)
{
	unsigned int j;
	FILE *ip;

	veth_enter(v, i);
	ip = popen("ip -batch -", "w");
	must(ip);
	fprintf(ip, "%s\n", first);
	for (j = 0; j < ARRAY_SIZE(up); j++) {
		fprintf(ip, up[j], i, i + 1, 2 - i);
		fputc('\n', ip);
	}
	if (pclose(ip))
		die("no link");
}

void veth_open(struct veth *v)
{
	char path[64], add[128], c;
	int ready[2];
	pid_t child;

	must(!pipe(ready));
	child = spawn();
	if (!child) {
		netns_new();
		must(write(ready[1], "", 1) == 1);
		pause();
	}
	must(read(ready[0], &c, 1) == 1);
	close(ready[0]);
	close(ready[1]);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", child);
	v->ns[1] = open(path, O_RDONLY | O_CLOEXEC);
	netns_new();
	v->ns[0] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	must(v->ns[0] >= 0 && v->ns[1] >= 0);
	snprintf(add, sizeof(add), "link add v0 address " MAC
		 "1 type veth peer name v1 address " MAC "2 netns %d", child);
	link_up(v, 0, add);
	stop_child(child);
	link_up(v, 1, "");
	veth_pair(v, FAMILY_V4, MARKER_PORT, v->marker[0]);
	veth_pair(v, FAMILY_V6, MARKER_PORT, v->marker[1]);
}

void veth_close(struct veth *v)
{
	int i;

	for (i = 0; i < 2; i++) {
		close(v->ns[i]);
		close(v->marker[0][i]);
		close(v->marker[1][i]);
	}
}

void veth_features(const struct veth *v, int i, const char *features)
{
	veth_enter(v, i);
	shell("ethtool -K v%d %s >/dev/null", i, features);
	veth_enter(v, 0);
}

/* The thread of end @i, to run where those that pin_to(0) do. */
static void pin_thread(int i)
{
	char want[16], path[300], name[32];
	bool found = false;
	struct dirent *d;
	cpu_set_t one;
	DIR *proc;
	FILE *f;

	snprintf(want, sizeof(want), "napi/v%d-", i);
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	proc = opendir("/proc");
	must(proc);
	while ((d = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", d->d_name);
		f = atoi(d->d_name) ? fopen(path, "r") : NULL;
		if (!f)
			continue;
		if (fgets(name, sizeof(name), f) &&
		    !strncmp(name, want, strlen(want))) {
			must(!sched_setaffinity(atoi(d->d_name), sizeof(one),
						&one));
			found = true;
		}
		fclose(f);
	}
	closedir(proc);
	if (!found)
		die("no thread %s", want);
}

void veth_threaded(const struct veth *v, int i)
{
	veth_enter(v, i);
	shell("unshare -m sh -c 'mount -t sysfs sys /sys && echo 1 >" THREADED
	      "'", i);
	pin_thread(i);
	veth_enter(v, 0);
}

bool veth_esp(const struct veth *v, int family)
{
	const char *from, *to, *a = "10.9.0.1", *b = "10.9.0.2";
	char command[300];
	int i, way;

	if (family == FAMILY_V6) {
		a = "fd09::1";
		b = "fd09::2";
	}
	/* they may be built in */
	shell("modprobe -q -a xfrm_user esp4 esp6 || :");
	for (i = 0; i < 2; i++) {
		veth_enter(v, i);
		for (way = 0; way < 2; way++) {
			from = way ? b : a;
			to = way ? a : b;
			snprintf(command, sizeof(command),
				 "ip xfrm state add src %s dst %s proto esp spi %d %s 2>/dev/null",
				 from, to, 256 + way, ESP);
			if (system(command))
				return false;
			shell("ip xfrm policy add src %s dst %s dir %s tmpl proto esp %s",
			      from, to, way == i ? "out" : "in", TRANSPORT);
		}
	}
	veth_enter(v, 0);
	return true;
}

/* By way of the same queue, behind all that is in it. */
static void settle_once(const int marker[2], int i)
{
	static __thread __u32 number;
	struct pollfd pfd = { .fd = marker[1 - i], .events = POLLIN };
	__u32 got = 0;

	for (number++; got != number;) {
		if (send(marker[i], &number, sizeof(number), 0) < 0)
			die("cannot settle");
		while (got != number && poll(&pfd, 1, 100) > 0)
			recv(pfd.fd, &got, sizeof(got), 0);
	}
}

void veth_settle(const struct veth *v, int i)
{
	int round;

	/*
	 * Twice: what is joined to larger packets comes after what is not. By
	 * both families: what is encrypted waits for a worker at the other end.
	 */
	for (round = 0; round < 2; round++) {
		settle_once(v->marker[0], i);
		settle_once(v->marker[1], i);
	}
}

void veth_hold(void)
{
	struct sched_param p = { .sched_priority = 1 };

	must(!sched_setscheduler(0, SCHED_FIFO, &p));
}

void veth_go(void)
{
	struct sched_param p = {};

	must(!sched_setscheduler(0, SCHED_OTHER, &p));
}
