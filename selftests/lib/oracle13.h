/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of DTLS 1.3 (RFC 9147), and of DTLS 1.2 with connection IDs (RFC
 * 9146), sealed, opened and taken apart by OpenSSL's EVP: the far end of the
 * tests that has no kdtls in it. It shares no code with the module, and goes
 * about it in another way where there is one: OpenSSL's own TLS13-KDF derives
 * the keys, and numbers are looked for one after the other.
 */
#ifndef SELFTESTS_LIB_ORACLE13_H
#define SELFTESTS_LIB_ORACLE13_H

#include "oracle.h"

/* RFC 8446 B.4 */
#define SUITE13_AES_128_GCM	0x1301
#define SUITE13_AES_256_GCM	0x1302
#define SUITE13_CHACHA20	0x1303
#define SUITE13_AES_128_CCM	0x1304
#define SUITE13_AES_128_CCM_8	0x1305

#define ORACLE_SECRET_MAX	48
#define ORACLE_CID_MAX		255

/* Content types that DTLS 1.2 does not have. */
#define TYPE_CID12		25
#define TYPE_ACK		26

/* The longest header, DTLSInnerPlaintext and tag. */
#define RECORD13_ROOM	(1 + ORACLE_CID_MAX + 4 + DTLS_PLAINTEXT_MAX + 1 + 256)

struct oracle13_suite {
	__u16 id;
	const char *aead;	/* as EVP_CIPHER_fetch() knows it */
	const char *number;	/* what sequence numbers are encrypted with */
	const char *hash;
	__u8 key_len;
	__u8 tag_len;
	__u8 secret_len;
};

extern const struct oracle13_suite oracle13_suites[];
extern const unsigned int oracle13_nr_suites;

const struct oracle13_suite *oracle13_suite(__u16 id);

/* One direction of an association, in one epoch. */
struct oracle13_key {
	const struct oracle13_suite *suite;
	__u64 epoch;
	__u64 seq;		/* of the next record */
	__u8 secret[ORACLE_SECRET_MAX];
	__u8 key[32];
	__u8 iv[12];
	__u8 sn[32];
	__u8 cid[ORACLE_CID_MAX];
	unsigned int cid_len;	/* of each CID of this direction; 0: none */
};

/* How a record is to look; all zero: 16 bits, length, CID if there is one. */
struct oracle13_form {
	bool seq8;		/* 8 bits of the number only */
	bool no_length;
	bool no_cid;		/* though there is one */
	unsigned int pad;	/* bytes of padding */
	bool no_type;		/* nothing but zeros inside: content is left out */
};

/* A record taken apart: every field of what was on the wire. */
struct oracle13_record {
	/* header */
	__u8 first;
	bool has_cid, seq16, has_length;
	__u8 epoch_bits;
	__u8 cid[ORACLE_CID_MAX];
	unsigned int cid_len;
	__u16 wire_number;	/* as it was, encrypted */
	__u16 low;		/* the same, in the clear */
	size_t header, body;	/* bytes */
	/* what follows from it */
	__u64 epoch, seq;
	/* inside */
	__u8 type;
	size_t pad;
	size_t len;
	__u8 data[DTLS_PLAINTEXT_MAX + 257];
};

/* HKDF-Expand-Label with an empty context; @prefix "dtls13" or "tls13 ". */
void oracle13_expand(const char *hash, const char *prefix, const char *label,
		     const void *secret, size_t secret_len, void *out,
		     size_t len);
/* Keys out of a secret. */
void oracle13_key_secret(struct oracle13_key *k, __u16 suite, __u64 epoch,
			 const void *secret);
/* Keys that depend on nothing but the arguments. */
void oracle13_key_init(struct oracle13_key *k, __u16 suite, __u64 epoch,
		       unsigned int seed);
/* The next epoch, after a KeyUpdate. */
void oracle13_key_update(struct oracle13_key *k);

/* The first @len bytes of the mask of a record with such a ciphertext. */
void oracle13_mask(const struct oracle13_key *k, const void *ciphertext,
		   void *mask, size_t len);

/* Each seals one record to @out, which has RECORD13_ROOM, and returns its size. */
size_t oracle13_seal(struct oracle13_key *k, __u8 type, const void *data,
		     size_t len, void *out);
size_t oracle13_seal_form(const struct oracle13_key *k,
			  const struct oracle13_form *f, __u64 seq, __u8 type,
			  const void *data, size_t len, void *out);

/*
 * Takes the record apart that begins @rec, and opens it: @left bytes to the end
 * of the datagram, @next one more than the highest number so far. Returns its
 * size, or -1, with the reason in oracle13_why.
 */
ssize_t oracle13_open(const struct oracle13_key *k, __u64 next, const void *rec,
		      size_t left, struct oracle13_record *r);
extern const char *oracle13_why;

/*
 * DTLS 1.2 with a connection ID, under the keys of oracle.h. The number is the
 * explicit nonce too, where there is one, unless @nonce gives another.
 */
struct oracle_cid {
	__u8 cid[ORACLE_CID_MAX];
	unsigned int len;
};

size_t oracle_cid_seal(const struct oracle_key *k, const struct oracle_cid *c,
		       __u64 seq, __u8 type, unsigned int pad,
		       const __u8 *nonce, const void *data, size_t len,
		       void *out);
/* As oracle_open(); the real type is in @r->h.type, and padding in @pad. */
ssize_t oracle_cid_open(const struct oracle_key *k, const struct oracle_cid *c,
			const void *rec, size_t left, struct oracle_record *r,
			size_t *pad);

#endif /* SELFTESTS_LIB_ORACLE13_H */
