/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a record costs, sent and received, by kdtls and by others. Each way of
 * doing it is a side, in a file of its own; main.c has the list of them.
 */
#ifndef SELFTESTS_BENCH_BENCH_H
#define SELFTESTS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

enum bench_cipher {
	BENCH_NO_CIPHER,
	BENCH_AES_128_GCM,
	BENCH_AES_256_GCM,
	BENCH_CHACHA20,
	BENCH_AES_128_CCM,
	BENCH_AES_128_CCM_8,
	BENCH_NR_CIPHERS,
};

extern const char *const bench_cipher_names[BENCH_NR_CIPHERS];
/* For the oracle and the module; 0 for BENCH_NO_CIPHER. */
extern const __u16 bench_suites[BENCH_NR_CIPHERS];
extern const unsigned int bench_sizes[4];

/* The largest record of all sides with header, nonce and tag. */
#define BENCH_OVERHEAD	37
#define BENCH_BUFFER	65536
/* UDP_MAX_SEGMENTS of 6.1 */
#define BENCH_BATCH_MAX	64
#define BENCH_PSK	"a key that both ends know"

struct bench_side;

/* Two ends that talk, and what is sent from the first to the second. */
struct bench_link {
	const struct bench_side *side;
	enum bench_cipher cipher;
	size_t size;		/* payload of a record, bytes */
	unsigned int batch;	/* records that one call of send() sends */
	int fd[2];
	void *end[2];
};

struct bench_side {
	const char *name;
	bool batched;		/* many records by one system call */
	bool whole;		/* others work too: no telling who costs what */
	/* False: has not this cipher or this size. Dies for everything else. */
	bool (*open)(struct bench_link *l);
	/* One call, as a program would do it: l->batch records of @out. */
	void (*send)(struct bench_link *l, const __u8 *out);
	/* One call; how many records there are in @in now, 0 if none came. */
	unsigned int (*recv)(struct bench_link *l, __u8 *in);
	void (*close)(struct bench_link *l);
};

extern const struct bench_side bench_plain, bench_plain_gso;
extern const struct bench_side bench_kdtls, bench_kdtls_gso;
extern const struct bench_side bench_kdtls13, bench_kdtls13_gso;
extern const struct bench_side bench_evp;
extern const struct bench_side bench_openssl, bench_gnutls, bench_wolfssl;
extern const struct bench_side bench_ktls;
extern const struct bench_side bench_wireguard, bench_wireguard_gso;

/* link.c */
bool bench_open(struct bench_link *l, const struct bench_side *side,
		enum bench_cipher cipher, size_t size);
void bench_close(struct bench_link *l);
/* Sends @records and takes them out at the other end, and looks at them. */
void bench_warm(struct bench_link *l, unsigned int records);
const __u8 *bench_payload(size_t size);
void bench_receive(struct bench_link *l, unsigned int records);
unsigned long long bench_now(void);
void bench_print_link(const struct bench_link *l);
/* For sides over UDP: two sockets, with room for all that is sent. */
void bench_udp_pair(struct bench_link *l);
void bench_room(const int fd[2]);
void bench_block(const int fd[2], bool block);
void bench_send_fd(struct bench_link *l, const __u8 *out);
unsigned int bench_recv_fd(struct bench_link *l, __u8 *in);
void bench_close_fds(struct bench_link *l);
/* certificate.c: made now, signed by itself, both in DER. */
void bench_certificate(unsigned char **cert, int *cert_len,
		       unsigned char **key, int *key_len);

/* What can be asked for on the command line. */
int bench_rows(int argc, char **argv);
int bench_many(int argc, char **argv);
int bench_peers(int argc, char **argv);
int bench_memory(int argc, char **argv);
int bench_time(int argc, char **argv);
int bench_parallel(int argc, char **argv);

/* main.c: the sides and ciphers that were asked for, or all. */
typedef void bench_each_t(const struct bench_side *side,
			  enum bench_cipher cipher, size_t size);
void bench_each(bench_each_t *visit);

#endif /* SELFTESTS_BENCH_BENCH_H */
