/* SPDX-License-Identifier: GPL-2.0-only */
/* The one table of ciphers; sealing and opening of one record. */
#ifndef _DTLS_CIPHER_H
#define _DTLS_CIPHER_H

#include <crypto/aead.h>
#include <linux/dtls.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/scatterlist.h>
#include <linux/skbuff.h>

#include "record.h"

/* crypto API IV of ccm(aes); the other AEADs take the 12-byte nonce as it is. */
#define DTLS_CIPHER_IV_MAX	16

/* Largest growth of a record over its plaintext: header, nonce, tag. */
#define DTLS_CIPHER_OVERHEAD_MAX	(DTLS_RECORD_HDR12 + \
					 DTLS_RECORD_NONCE12 + 16)

/**
 * struct dtls_cipher - an AEAD as DTLS uses it
 * @name:         for people
 * @alg:          name in the crypto API
 * @seal_limit:   records that one key may seal (RFC 9147 4.5.3), 0 if the
 *                sequence number ends first
 * @fail_limit:   records that may fail to open under one key
 * @key_len:      bytes
 * @iv_len:       bytes of the implicit part of the nonce in DTLS 1.2
 * @explicit_len: bytes of the nonce that each record of DTLS 1.2 carries
 * @tag_len:      bytes
 * @ccm:          nonce in the form of RFC 3610: length of the counter first
 */
struct dtls_cipher {
	const char	*name;
	const char	*alg;
	u64		seal_limit;
	u64		fail_limit;
	u8		key_len;
	u8		iv_len;
	u8		explicit_len;
	u8		tag_len;
	bool		ccm;
};

/**
 * struct dtls_aead - a cipher with its key
 * @cipher: entry of the table
 * @tfm:    transform, owned
 * @iv:     implicit part of the nonce, @cipher->iv_len bytes
 */
struct dtls_aead {
	const struct dtls_cipher	*cipher;
	struct crypto_aead		*tfm;
	u8				iv[DTLS_IV_MAX];
};

/**
 * struct dtls_rec - bytes of one or more records while the module holds them
 * @list:  in the receive path, place in a queue of opened records
 * @ref:   users; dtls_rec_put() wipes and frees with the last
 * @skb:   in the receive path, the datagram it came in, for addresses and
 *         control messages; owns a reference; NULL in the send path
 * @seq:   sequence number
 * @epoch: epoch
 * @type:  content type
 * @len:   bytes of plaintext at @data
 * @data:  plaintext, once opened
 * @peeked: MSG_PEEK has shown it
 * @cost:  bytes of memory that the record holds
 * @size:  bytes of @buf
 * @buf:   what holds the record
 * @sg:    the one piece that the cipher works on
 * @iv:    nonce as the crypto API wants it
 * @req:   request, behind this struct
 *
 * One allocation holds all of it. The crypto API may map any part for DMA, so
 * none of it lives on a stack.
 */
struct dtls_rec {
	struct list_head	list;
	refcount_t		ref;
	struct sk_buff		*skb;
	u64			seq;
	u16			epoch;
	u8			type;
	bool			peeked;
	u32			len;
	u8			*data;
	u32			cost;
	u32			size;
	u8			*buf;
	struct scatterlist	sg;
	u8			iv[DTLS_CIPHER_IV_MAX];
	struct aead_request	*req;
};

const struct dtls_cipher *dtls_cipher_find(u16 suite);
int dtls_cipher_init(struct dtls_aead *aead, const struct dtls_cipher *cipher,
		     const u8 *key, const u8 *iv);
void dtls_cipher_destroy(struct dtls_aead *aead);
unsigned int dtls_cipher_overhead(const struct dtls_cipher *cipher);
int dtls_cipher_seal(const struct dtls_aead *aead, struct dtls_rec *rec,
		     u8 *wire, u8 type, u16 epoch, u64 seq, unsigned int plain,
		     bool *async);
int dtls_cipher_open(const struct dtls_aead *aead, struct dtls_rec *rec,
		     u8 *frag, const struct dtls_record_hdr *hdr, bool *async);

struct dtls_rec *dtls_rec_alloc(const struct dtls_aead *aead,
				unsigned int size, gfp_t gfp);
void dtls_rec_put(struct dtls_rec *rec);

#endif /* _DTLS_CIPHER_H */
