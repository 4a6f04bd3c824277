/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DTLS 1.2 records sealed and opened by OpenSSL's EVP: the far end of the
 * tests that has no kdtls in it. It shares no code with the module, so that
 * one mistake cannot be made on both sides.
 */
#ifndef SELFTESTS_LIB_ORACLE_H
#define SELFTESTS_LIB_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/types.h>
#include <linux/dtls.h>

#define SUITE_AES_128_GCM	0xc02b
#define SUITE_AES_256_GCM	0xc02c
#define SUITE_CHACHA20		0xcca9
#define SUITE_AES_128_CCM	0xc0ac
#define SUITE_AES_128_CCM_8	0xc0ae

#define RECORD_HEADER		13
#define RECORD_ROOM		(RECORD_HEADER + 8 + DTLS_PLAINTEXT_MAX + 16)

#define ALERT_WARNING		1
#define ALERT_FATAL		2

/* RFC 5246 7.2 */
#define ALERT_CLOSE_NOTIFY	0
#define ALERT_INTERNAL_ERROR	80
#define ALERT_USER_CANCELED	90
#define ALERT_NO_RENEGOTIATION	100

/* RFC 5246 7.4 */
#define HS_HELLO_REQUEST	0
#define HS_CLIENT_HELLO		1
#define HS_FINISHED		20

struct oracle_suite {
	__u16 id;
	__u8 key_len;
	__u8 iv_len;
	__u8 explicit_len;
	__u8 tag_len;
};

/* One direction of an association. */
struct oracle_key {
	const struct oracle_suite *suite;
	__u16 epoch;
	__u64 seq;		/* of the next record */
	__u8 key[DTLS_KEY_MAX];
	__u8 iv[DTLS_IV_MAX];
};

/* The fields of a record's header, and its explicit nonce. */
struct oracle_header {
	__u8 type;
	__u16 version;
	__u16 epoch;
	__u64 seq;
	__u8 nonce[8];
};

struct oracle_record {
	struct oracle_header h;
	size_t len;
	__u8 data[DTLS_PLAINTEXT_MAX + 1];
};

extern const struct oracle_suite oracle_suites[];
extern const unsigned int oracle_nr_suites;

const struct oracle_suite *oracle_suite(__u16 id);
size_t oracle_overhead(const struct oracle_suite *s);

/* Keys that depend on nothing but the arguments. */
void oracle_key_init(struct oracle_key *k, __u16 suite, __u16 epoch,
		     unsigned int seed);

/* Each seals one record to @out, which has RECORD_ROOM, and returns its size. */
size_t oracle_seal(struct oracle_key *k, __u8 type, const void *data,
		   size_t len, void *out);
size_t oracle_seal_seq(const struct oracle_key *k, __u64 seq, __u8 type,
		       const void *data, size_t len, void *out);
size_t oracle_seal_header(const struct oracle_key *k,
			  const struct oracle_header *h,
			  const void *data, size_t len, void *out);

/* Parses the header in front of @rec; false if there is none. */
bool oracle_parse(const void *rec, size_t len, struct oracle_header *h,
		  size_t *body);
/* Size of the record at the start of @rec, or -1 if it does not open. */
ssize_t oracle_open(const struct oracle_key *k, const void *rec, size_t len,
		    struct oracle_record *r);

#endif /* SELFTESTS_LIB_ORACLE_H */
