/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What watch13.c knows of a DTLS 1.3 handshake. */
#ifndef KDTLS_WATCH13_H
#define KDTLS_WATCH13_H

#include "internal.h"

/* What a cryptographic library has to do for it; each 0, or negative. */
struct kdtls_crypto13 {
	/* HKDF-Expand, RFC 5869; @hash is 32 or 48: SHA-256 or SHA-384 */
	int (*expand)(size_t hash, const uint8_t *secret, const uint8_t *info,
		      size_t info_len, uint8_t *out, size_t len);
	/* SHA-256 or SHA-384 of no bytes */
	int (*hash)(size_t hash, const void *data, size_t len, uint8_t *out);
	/* As kdtls_open_fn, with additional data of any length. */
	int (*open)(const struct kdtls_suite *suite, const uint8_t *key,
		    const uint8_t nonce[12], const uint8_t *aad, size_t aad_len,
		    const uint8_t *in, size_t in_len, uint8_t *out);
	/* RFC 9147 4.2.3: mask of the record number, from its ciphertext */
	int (*mask)(const struct kdtls_suite *suite, const uint8_t *key,
		    const uint8_t sample[16], uint8_t mask[16]);
};

/* Epoch 2 is the handshake, epoch 3 what comes after it (RFC 9147 6.1). */
#define KDTLS_EPOCHS13	2

struct kdtls_keys13 {
	bool known;
	uint8_t secret[DTLS_SECRET_MAX];
	uint8_t key[DTLS_KEY_MAX], iv[12], sn[DTLS_KEY_MAX];
	uint64_t next;		/* sequence number after the highest there was */
};

struct kdtls_watch13 {
	const struct kdtls_crypto13 *crypto;
	bool server;
	const struct kdtls_suite *suite;	/* of the ServerHello */
	size_t secret_len;
	struct kdtls_keys13 tx[KDTLS_EPOCHS13], rx[KDTLS_EPOCHS13];
	bool exporter_known;
	uint8_t exporter[DTLS_SECRET_MAX];
	uint8_t tx_cid_len, rx_cid_len;		/* in records, as they are */
	uint16_t tx_message, rx_message;	/* message_seq to come */
	unsigned int datagrams;			/* sent */
	int alert;		/* fatal one in the clear, nothing since; -1: none */
	bool other_version;	/* the server speaks 1.2, so it seems */
	bool hello_seen;	/* a ServerHello of 1.3, or what looks like it */
	bool finished_sent, finished_seen;
	bool server_cert;	/* the server has sent one: no PSK is used */
	bool missed;		/* or may have: there was more than is kept */
	bool broken;		/* our own records cannot be read: no hand-over */
	bool closed;
	bool eof, eof_told;
	struct kdtls_list sent;	/* our records of epoch 2, opened */
	struct kdtls_list seen;	/* the peer's, from before their keys */
	struct kdtls_list early;/* of epoch 3, kept from the library */
};

void kdtls_watch13_init(struct kdtls_watch13 *w, bool server,
			const struct kdtls_crypto13 *crypto);
void kdtls_watch13_free(struct kdtls_watch13 *w);
void kdtls_watch13_secret(struct kdtls_watch13 *w, bool write, int epoch,
			  const uint8_t *secret, size_t len);
void kdtls_watch13_sent(struct kdtls_watch13 *w, const uint8_t *buf, size_t len);
size_t kdtls_watch13_received(struct kdtls_watch13 *w, uint8_t *buf, size_t len);
void kdtls_watch13_open_early(struct kdtls_watch13 *w);
ssize_t kdtls_watch13_early(struct kdtls_watch13 *w, void *buf, size_t len);
ssize_t kdtls_watch13_early_raw(struct kdtls_watch13 *w, void *buf, size_t len);
int kdtls_watch13_flight(struct kdtls_watch13 *w, struct dtls_flight **flight,
			 size_t *len);
void kdtls_watch13_keys(const struct kdtls_watch13 *w, bool write, int epoch,
			struct dtls_keys *keys);
int kdtls_watch13_export(const struct kdtls_watch13 *w, const char *label,
			 const void *context, size_t context_len, void *out,
			 size_t len);
bool kdtls_hello13(const uint8_t *buf, size_t len, int type, uint16_t *suite);

#endif /* KDTLS_WATCH13_H */
