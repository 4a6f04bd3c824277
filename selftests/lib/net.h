/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets, network namespaces, counters and taps for the tests. */
#ifndef SELFTESTS_LIB_NET_H
#define SELFTESTS_LIB_NET_H

#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <linux/types.h>
#include <linux/dtls.h>

#include "die.h"

#ifndef SOL_UDP
#define SOL_UDP		17
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT	103
#endif
#ifndef UDP_GRO
#define UDP_GRO		104
#endif

enum { FAMILY_V4, FAMILY_V6, FAMILY_MAPPED };

/* A namespace of this process's own, with lo up: counters start at zero. */
void netns_new(void);
void link_mtu(const char *dev, int mtu);

socklen_t loopback(int family, struct sockaddr_storage *ss);
int udp_bound(int family);
void udp_connect(int fd, int peer);
void udp_pair(int family, int fd[2]);

int set_int(int fd, int level, int name, int value);
int get_int(int fd, int level, int name);	/* -1: refused */
int ulp_attach(int fd);
int sock_destroy(int fd);	/* what ss -K does; 0 or an errno */
/* The same, without a question to the socket, which takes its lock. */
int sock_destroy_between(struct sockaddr_storage *me,
			 struct sockaddr_storage *peer);

/* A value of /proc/net/dtls_stat, and the sum of all RxDrop*. */
unsigned long long stat_read(const char *name);
unsigned long long stat_drops(void);

/* Everything that passes lo, as AF_PACKET shows it. */
int tap_open(void);
/* Drains the tap: did a frame hold these bytes? *@frames counts UDP frames. */
bool tap_saw(int tap, const void *bytes, size_t len, unsigned int *frames);

/*
 * Returns once everything that was sent on loopback has arrived. A busy machine
 * may leave that to ksoftirqd, so that it is not so when send() returns. What
 * asks without waiting calls this first: recv_soon(), poll_now(), stat_read()
 * and all others below do.
 */
void settle(void);

/* recv() without waiting, of what has been sent before. */
ssize_t recv_soon(int fd, void *data, size_t len, int flags);
short poll_now(int fd, short events);
bool select_now(int fd);

/* A descriptor goes over a UNIX socket, and comes out of one. */
void fd_pass(int over, int fd);
int fd_take(int over);

/* fork(), of a child that does not outlive its parent. */
pid_t spawn(void);
/* Ends a child that would go on for ever. */
void stop_child(pid_t pid);
/* Returns once the task sleeps in system call @nr (that is no bet on time). */
void wait_asleep(pid_t tid, long nr);
/* Waits for a child, and is its exit code. */
int wait_child(pid_t pid);

#endif /* SELFTESTS_LIB_NET_H */
