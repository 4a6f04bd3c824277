/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two network namespaces and a link between them: v0, with 10.9.0.1 and
 * fd09::1, and v1, with 10.9.0.2 and fd09::2.
 */
#ifndef SELFTESTS_LIB_VETH_H
#define SELFTESTS_LIB_VETH_H

#include "net.h"

struct veth {
	int ns[2];
	int marker[2][2];	/* for veth_settle(): IPv4, IPv6; both ends */
};

/* Runs a command; dies if it fails. */
__printf(1, 2) void shell(const char *format, ...);

/* The caller is left in the first namespace. */
void veth_open(struct veth *v);
void veth_close(struct veth *v);
void veth_enter(const struct veth *v, int i);

/*
 * ethtool -K of end @i, of one feature or several: "gro on sg off". What comes
 * is only ever joined ("gro on") if the other end cannot segment TCP ("tso
 * off"), or has "rx-gro-list on" or "rx-udp-gro-forwarding on".
 */
void veth_features(const struct veth *v, int i, const char *features);
/* A link with "gro on" does that in a thread of its own. */
void veth_threaded(const struct veth *v, int i);
/* ESP in transport mode, both ways; false if this kernel has none. */
bool veth_esp(const struct veth *v, int family);

/* Two sockets that are connected to each other over the link. */
void veth_pair(const struct veth *v, int family, __u16 port, int fd[2]);

/* Returns once all that was sent from @i has arrived at the other end. */
void veth_settle(const struct veth *v, int i);

/*
 * Between these two what is sent waits at the other end, which must be
 * veth_threaded(), to be looked at together.
 */
void veth_hold(void);
void veth_go(void);

#endif /* SELFTESTS_LIB_VETH_H */
