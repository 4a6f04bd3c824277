/* SPDX-License-Identifier: GPL-2.0-only */
/* Wire format of DTLS records: pure functions on byte buffers. */
#ifndef _DTLS_RECORD_H
#define _DTLS_RECORD_H

#include "pure.h"

/*
 * RFC 6347 4.1: "struct { ContentType type; ProtocolVersion version; uint16
 * epoch; uint48 sequence_number; uint16 length; opaque fragment[length]; }"
 */
#define DTLS_RECORD_HDR12	13
/* RFC 5246 6.2.3.3: seq_num (epoch and sequence), type, version, length. */
#define DTLS_RECORD_AAD12	13
/* RFC 5288 3, RFC 6655 3: nonce_explicit of AES-GCM and AES-CCM. */
#define DTLS_RECORD_NONCE12	8
/* RFC 6347 4.3.1 with RFC 5246 6.2.1: a plaintext is at most 2^14 bytes. */
#define DTLS_RECORD_PLAIN_MAX	16384
/* The longest fragment: explicit nonce, plaintext and tag. */
#define DTLS_RECORD_FRAGMENT_MAX	(DTLS_RECORD_NONCE12 + \
					 DTLS_RECORD_PLAIN_MAX + 16)

/* Sequence numbers have 48 bits; the last one is never used. */
#define DTLS_RECORD_SEQ_MAX	((1ULL << 48) - 1)

/**
 * enum dtls_record_fault - why a record cannot be taken from a datagram
 * @DTLS_FAULT_OK:      it can
 * @DTLS_FAULT_SHORT:   the datagram ends inside the header
 * @DTLS_FAULT_TYPE:    content type that DTLS 1.2 does not know; the shape of
 *                       what follows is unknown, so the rest of the datagram
 *                       is lost
 * @DTLS_FAULT_VERSION: not DTLS 1.2; the record can be skipped by its length
 * @DTLS_FAULT_LENGTH:  the datagram ends inside the fragment
 * @DTLS_FAULT_CID:     a connection ID where none was agreed upon: its length is
 *                       unknown, and so the rest of the datagram is lost
 * @DTLS_FAULT_EPOCH:   plaintext that claims an epoch with keys; the record can
 *                       be skipped by its length
 * @DTLS_FAULT_RUNT:    shorter than any ciphertext of DTLS 1.3; likewise
 * @DTLS_FAULT_OVERSIZE: longer than any record may be; likewise
 */
enum dtls_record_fault {
	DTLS_FAULT_OK,
	DTLS_FAULT_SHORT,
	DTLS_FAULT_TYPE,
	DTLS_FAULT_VERSION,
	DTLS_FAULT_LENGTH,
	DTLS_FAULT_CID,
	DTLS_FAULT_EPOCH,
	DTLS_FAULT_RUNT,
	DTLS_FAULT_OVERSIZE,
};

/**
 * struct dtls_record_hdr - header of one record
 * @seq:      sequence number within the epoch, 48 bits
 * @epoch:    epoch
 * @version:  version as on the wire
 * @len:      length of the fragment after the header, bytes
 * @hdr_len:  length of the header, bytes
 * @type:     content type
 */
struct dtls_record_hdr {
	u64	seq;
	u16	epoch;
	u16	version;
	u16	len;
	u8	hdr_len;
	u8	type;
};

#define DTLS_WIRE_1_2	0xfefd	/* version, as in a header */

/*
 * Numbers in network order, at any address: written so that a compiler makes
 * one instruction of it.
 */
static inline u64 dtls_record_swap64(u64 val)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap64(val);
#else
	return val;
#endif
}

static inline u64 dtls_record_get_be64(const u8 *p)
{
	u64 val;

	memcpy(&val, p, sizeof(val));
	return dtls_record_swap64(val);
}

static inline void dtls_record_put_be64(u8 *p, u64 val)
{
	val = dtls_record_swap64(val);
	memcpy(p, &val, sizeof(val));
}

static inline u16 dtls_record_get_be16(const u8 *p)
{
	return (u16)(p[0] << 8 | p[1]);
}

static inline void dtls_record_put_be16(u8 *p, u16 val)
{
	p[0] = val >> 8;
	p[1] = val & 0xff;
}

/* RFC 6347 4.1: epoch and sequence number form one 64-bit number in the MAC. */
static inline u64 dtls_record_number(u16 epoch, u64 seq)
{
	return (u64)epoch << 48 | (seq & DTLS_RECORD_SEQ_MAX);
}

/**
 * dtls_record_put_hdr12_number() - dtls_record_put_hdr12(), for a number at hand
 * @buf:    where, %DTLS_RECORD_HDR12 bytes
 * @type:   content type
 * @number: from dtls_record_number()
 * @len:    length of the fragment, bytes
 *
 * Context: any.
 */
static inline void dtls_record_put_hdr12_number(u8 *buf, u8 type, u64 number,
						u16 len)
{
	buf[0] = type;
	dtls_record_put_be16(buf + 1, DTLS_WIRE_1_2);
	dtls_record_put_be64(buf + 3, number);
	dtls_record_put_be16(buf + 11, len);
}

/**
 * dtls_record_put_hdr12() - write the header of a DTLS 1.2 record
 * @buf:   where, %DTLS_RECORD_HDR12 bytes
 * @type:  content type
 * @epoch: epoch
 * @seq:   sequence number, below 2^48
 * @len:   length of the fragment: explicit nonce, ciphertext and tag, bytes
 *
 * Context: any.
 */
static inline void dtls_record_put_hdr12(u8 *buf, u8 type, u16 epoch, u64 seq,
					 u16 len)
{
	dtls_record_put_hdr12_number(buf, type, dtls_record_number(epoch, seq),
				     len);
}

/**
 * dtls_record_put_aad12_number() - dtls_record_put_aad12(), for a number at hand
 * @buf:    where, %DTLS_RECORD_AAD12 bytes
 * @type:   content type
 * @number: from dtls_record_number()
 * @plain:  length of the plaintext, bytes
 *
 * Context: any.
 */
static inline void dtls_record_put_aad12_number(u8 *buf, u8 type, u64 number,
						u16 plain)
{
	dtls_record_put_be64(buf, number);
	buf[8] = type;
	dtls_record_put_be16(buf + 9, DTLS_WIRE_1_2);
	dtls_record_put_be16(buf + 11, plain);
}

/**
 * dtls_record_put_aad12() - write the additional data of a DTLS 1.2 record
 * @buf:   where, %DTLS_RECORD_AAD12 bytes
 * @type:  content type
 * @epoch: epoch
 * @seq:   sequence number, below 2^48
 * @plain: length of the plaintext, bytes
 *
 * RFC 5246 6.2.3.3: "additional_data = seq_num + TLSCompressed.type +
 * TLSCompressed.version + TLSCompressed.length", with RFC 6347 4.1.2.1's
 * seq_num of epoch and sequence number.
 *
 * Context: any.
 */
static inline void dtls_record_put_aad12(u8 *buf, u8 type, u16 epoch, u64 seq,
					 u16 plain)
{
	dtls_record_put_aad12_number(buf, type, dtls_record_number(epoch, seq),
				     plain);
}

enum dtls_record_fault dtls_record_fault12(const struct dtls_record_hdr *hdr,
					   size_t left);

/**
 * dtls_record_parse12() - read the header of a DTLS 1.2 record
 * @buf:   start of the record
 * @avail: bytes of it that can be read at @buf; %DTLS_RECORD_HDR12 are enough
 * @left:  bytes of the datagram from @buf to its end
 * @hdr:   filled, with zeros where the datagram is too short. With
 *         %DTLS_FAULT_VERSION the length is good, so that the record can be
 *         skipped
 *
 * Context: any.
 * Return: %DTLS_FAULT_OK, or what is wrong. Nothing here is authenticated.
 */
static inline enum dtls_record_fault
dtls_record_parse12(const u8 *buf, size_t avail, size_t left,
		    struct dtls_record_hdr *hdr)
{
	u64 number;

	if (unlikely(avail < DTLS_RECORD_HDR12 || left < DTLS_RECORD_HDR12)) {
		memset(hdr, 0, sizeof(*hdr));
		return DTLS_FAULT_SHORT;
	}
	hdr->type = buf[0];
	hdr->version = dtls_record_get_be16(buf + 1);
	number = dtls_record_get_be64(buf + 3);
	hdr->epoch = number >> 48;
	hdr->seq = number & DTLS_RECORD_SEQ_MAX;
	hdr->len = dtls_record_get_be16(buf + 11);
	hdr->hdr_len = DTLS_RECORD_HDR12;

	if (likely(hdr->type - 20u <= 4 && hdr->version == DTLS_WIRE_1_2 &&
		   hdr->len <= left - DTLS_RECORD_HDR12))
		return DTLS_FAULT_OK;
	return dtls_record_fault12(hdr, left);
}

#endif /* _DTLS_RECORD_H */
