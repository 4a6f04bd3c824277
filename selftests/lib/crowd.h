/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One kdtls socket, unconnected, and many far ends around it, each with keys of its
 * own: plain sockets and the oracle, or kdtls too.
 */
#ifndef SELFTESTS_LIB_CROWD_H
#define SELFTESTS_LIB_CROWD_H

#include "far13.h"

struct member {
	struct dtls_end end12;
	struct end13 end13;
	struct sockaddr_storage addr;
	socklen_t addr_len;
	__u64 id;		/* once added */
};

struct crowd {
	int fd;
	int family;
	__u16 suite;
	bool v13;
	unsigned int nr;
	struct member *m;
};

/* Sockets and keys; the near one is attached, and has no peer yet. */
void crowd_prepare(struct crowd *c, __u16 suite, int family, unsigned int nr,
		   bool far_kernel);
/* With every member a peer. */
void crowd_open(struct crowd *c, __u16 suite, int family, unsigned int nr,
		bool far_kernel);
void crowd_close(struct crowd *c);

/* Keys of the near end for a member: what they read with is what we send with. */
void member_keys(const struct crowd *c, const struct member *m,
		 struct dtls_keys *tx, struct dtls_keys *rx);
/* The argument of DTLS_PEER_ADD, for a member; returns its size. */
#define PEER_ADD_ROOM	(sizeof(struct dtls_peer_info) + 2 * sizeof(struct dtls_keys))
size_t peer_add_fill(const struct crowd *c, const struct member *m, __u32 flags,
		     void *buf);
int peer_add(struct crowd *c, struct member *m, __u32 flags);
/* 0 or an errno; peer_id is 0 if there is none with that address. */
int peer_del(int fd, __u64 id, __u32 flags);
int peer_info(int fd, struct dtls_peer_info *info);
__u64 peer_id(int fd, const struct sockaddr_storage *addr);

/* The new socket, or -errno. */
int peer_peeloff(int fd, __u64 id, __u32 flags);

int peer_set(int fd, __u64 id, int optname, const void *val, size_t len);
/* *@len: room, then bytes of the answer. */
int peer_get(int fd, __u64 id, int optname, void *val, size_t *len);

/* The far end's side. */
ssize_t member_send(const struct crowd *c, struct member *m, const void *data,
		    size_t len);
ssize_t member_recv(const struct crowd *c, struct member *m, void *data,
		    size_t len, int flags);
ssize_t member_alert(const struct crowd *c, struct member *m, __u8 level,
		     __u8 description);

/* The near end's. */
ssize_t crowd_send(const struct crowd *c, const struct member *to,
		   const void *data, size_t len);
/*
 * recvmsg: where it came from, and what DTLS_PEER_ID and UDP_GRO said, or 0; each
 * pointer may be NULL.
 */
ssize_t crowd_recv(const struct crowd *c, void *data, size_t len, int flags,
		   struct sockaddr_storage *from, __u64 *id, int *gro);
/* Whose address is that? NULL: nobody's. */
struct member *crowd_whose(const struct crowd *c,
			   const struct sockaddr_storage *from);
/* The next event with its peer and address; false if there is none. */
bool crowd_event(const struct crowd *c, struct sock_extended_err *ee,
		 __u64 *id, struct sockaddr_storage *from);

#endif /* SELFTESTS_LIB_CROWD_H */
