/* SPDX-License-Identifier: GPL-2.0-only */
/* Many datagrams in one call, sent and received, and what they must be. */
#ifndef SELFTESTS_LIB_BATCH_H
#define SELFTESTS_LIB_BATCH_H

#include "pair.h"

#define BATCH_ROOM	65536

/* Keys for two sockets that are connected: the near end is kdtls. */
void batch_ends(struct dtls_pair *p, __u16 suite, int near, int far);

/* sendmsg with UDP_SEGMENT as control message; of a plain socket too. */
ssize_t batch_send(int fd, const void *data, size_t len, __u16 size, int flags);
/* recvmsg without waiting; *@size is what UDP_GRO says, or -1. */
ssize_t batch_recv(int fd, void *data, size_t len, int *size, int *flags);

/* Records of @seg bytes that @len bytes make. */
unsigned int batch_records(size_t len, size_t seg);
/* Calls of UDP that they take: 64 records or 65000 bytes each. */
unsigned int batch_calls(size_t len, size_t seg, size_t over);

/*
 * What has come to a plain socket with UDP_GRO begins with @len bytes at @data
 * in records of @seg bytes, each a datagram, in order, without a gap between
 * their numbers. Dies if not. Returns how many packets the stack has seen; *@seq
 * is the number of the first, and then of the next.
 */
unsigned int batch_take(struct dtls_end *far, const void *data, size_t len,
			size_t seg, __u64 *seq);
/* The same, and nothing more has come. */
unsigned int batch_verify(struct dtls_end *far, const void *data, size_t len,
			  size_t seg, __u64 *seq);
/*
 * The same of a socket with keys: @len bytes at @data in records of @seg. Stops
 * where they end. Returns how many calls that took.
 */
unsigned int batch_gather(int fd, const void *data, size_t len, size_t seg);
/* Nothing is left to be received. */
bool batch_over(int fd);

#endif /* SELFTESTS_LIB_BATCH_H */
