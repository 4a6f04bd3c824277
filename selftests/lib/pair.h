/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two connected sockets with keys. The near end is always kdtls; the far end is
 * kdtls too, or a plain UDP socket and the oracle.
 */
#ifndef SELFTESTS_LIB_PAIR_H
#define SELFTESTS_LIB_PAIR_H

#include <linux/errqueue.h>

#include "net.h"
#include "oracle.h"

struct dtls_end {
	int fd;
	bool kernel;
	struct oracle_key tx, rx;
};

struct dtls_pair {
	__u16 suite;
	struct dtls_end near, far;
};

/* The first record of the first epoch was a Finished: data starts at 1. */
#define FIRST_SEQ	1

/* Sockets and keys; nothing installed in the kernel. */
void pair_prepare(struct dtls_pair *p, __u16 suite, int family,
		  bool far_kernel);
/* The same, with keys installed. Both die if something is refused. */
void pair_open(struct dtls_pair *p, __u16 suite, int family, bool far_kernel);
void pair_close(struct dtls_pair *p);

void key_fill(struct dtls_keys *k, const struct oracle_key *o);
int key_install(int fd, int option, const struct oracle_key *o);
void key_state(int fd, int option, struct dtls_keys *k);	/* or dies */

/* Keys of the next epoch, for the direction from one end to the other. */
void keys_next(struct dtls_end *from, struct dtls_end *to, __u16 epoch);

/* As send() and recv(); the oracle's way if the end is not kdtls. */
ssize_t end_send(struct dtls_end *e, const void *data, size_t len, int flags);
ssize_t end_recv(struct dtls_end *e, void *data, size_t len, int flags);
/* With the record's type; kdtls wants DTLS_RECVTYPE on to receive so. */
ssize_t end_send_type(struct dtls_end *e, __u8 type, const void *data,
		      size_t len);
ssize_t end_recv_type(struct dtls_end *e, __u8 *type, void *data, size_t len);
/* One datagram of the far end's socket, opened by the oracle. */
ssize_t oracle_recv(struct dtls_end *e, struct oracle_record *r, int flags);

/* sendmsg with a struct dtls_record of these bytes, right or wrong. */
ssize_t send_cmsg(int fd, const void *data, size_t len, const void *cmsg,
		  size_t cmsg_len);
/* recvmsg; *@r is zero if no type came. */
ssize_t recv_record(int fd, void *data, size_t len, int flags,
		    struct dtls_record *r, int *msg_flags);

/* The next event; false if the error queue is empty. */
bool event_next(int fd, struct sock_extended_err *ee);

/* Fills with bytes that tell their place and @seed. */
void fill(void *data, size_t len, unsigned int seed);

#endif /* SELFTESTS_LIB_PAIR_H */
