/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of libkdtls share.  suite, watch and kernel know no TLS
 * library; a backend (gnutls*.c, openssl.c) brings its own AEAD.
 */
#ifndef KDTLS_INTERNAL_H
#define KDTLS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/dtls.h>

#define KDTLS_RECORD_HEADER	13	/* RFC 6347 4.1 */
#define KDTLS_DATAGRAM_MAX	65535

/* suite.c */

enum kdtls_aead {
	KDTLS_AES_128_GCM,
	KDTLS_AES_256_GCM,
	KDTLS_CHACHA20_POLY1305,
	KDTLS_AES_128_CCM,
	KDTLS_AES_128_CCM_8,
};

struct kdtls_suite {
	uint16_t id;
	enum kdtls_aead aead;
	uint8_t key_len;
	uint8_t iv_len;		/* implicit part of the nonce */
	uint8_t explicit_len;	/* part of the nonce that is in the record */
	uint8_t tag_len;
	const char *name;
};

/* Those of DTLS 1.3 have numbers of their own. */
static inline bool kdtls_suite_is_13(const struct kdtls_suite *suite)
{
	return suite->id >> 8 == 0x13;
}

const struct kdtls_suite *kdtls_suite_find(uint16_t id);
const struct kdtls_suite *kdtls_suite_named(const char *name);

/* watch.c */

/*
 * Opens @in (ciphertext and tag) into @out, which has room for it without its
 * tag.  0, or negative if it does not authenticate.
 */
typedef int (*kdtls_open_fn)(const struct kdtls_suite *suite,
			     const uint8_t *key, const uint8_t nonce[12],
			     const uint8_t aad[13], const uint8_t *in,
			     size_t in_len, uint8_t *out);

struct kdtls_saved {
	struct kdtls_saved *next;
	uint64_t epoch_seq;	/* as on the wire: 16 bits of epoch, 48 of sequence */
	uint16_t version;
	uint8_t type;
	size_t len;
	uint8_t data[];		/* as on the wire; once opened, the plaintext */
};

struct kdtls_list {
	struct kdtls_saved *head;
	unsigned int count;
};

/* Watches the records between a TLS library and its socket. */
struct kdtls_watch {
	uint64_t epoch0_next;	/* sequence number that epoch 0 sends next */
	uint64_t tx_next;	/* epoch and sequence number to send next */
	unsigned int datagrams;	/* sent */
	uint64_t top_nonce;	/* see kdtls_watch_nonce_clash() */
	int alert;		/* fatal one in the clear, nothing since; -1: none */
	bool listening;		/* the last thing the library did was to read */
	bool closed;		/* handed over: nothing passes any more */
	bool eof;		/* an alert that ends it was among the early ones */
	bool eof_told;
	struct kdtls_list sent;	/* last burst of handshake records */
	struct kdtls_list seen;	/* epoch 1 and up, received, the library saw it */
	struct kdtls_list early;/* epoch 1 and up, received, kept from the library */
};

void kdtls_watch_init(struct kdtls_watch *w);
void kdtls_watch_free(struct kdtls_watch *w);
void kdtls_watch_sent(struct kdtls_watch *w, const uint8_t *buf, size_t len);
size_t kdtls_watch_received(struct kdtls_watch *w, uint8_t *buf, size_t len);
bool kdtls_watch_nonce_clash(const struct kdtls_watch *w,
			     const struct kdtls_suite *suite);
uint64_t kdtls_watch_open_early(struct kdtls_watch *w,
				const struct kdtls_suite *suite,
				const struct dtls_keys *rx, kdtls_open_fn open);
ssize_t kdtls_watch_early(struct kdtls_watch *w, void *buf, size_t len);
uint64_t kdtls_watch_open_seen(struct kdtls_watch *w,
			       const struct kdtls_suite *suite,
			       const struct dtls_keys *rx, kdtls_open_fn open);
ssize_t kdtls_watch_early_raw(struct kdtls_watch *w, void *buf, size_t len);
int kdtls_watch_flight(struct kdtls_watch *w, const struct kdtls_suite *suite,
		       const struct dtls_keys *tx, kdtls_open_fn open,
		       struct dtls_flight **flight, size_t *len);

/* kernel.c */

int kdtls_kernel_flight(int fd, const struct dtls_flight *flight, size_t len);
void kdtls_keys_init(struct dtls_keys *keys, const struct kdtls_suite *suite,
		     uint64_t epoch_seq, const uint8_t *key, const uint8_t *iv);

#endif /* KDTLS_INTERNAL_H */
