/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wire format of DTLS 1.3 records (RFC 9147): pure functions on byte buffers.
 *
 * To seal: dtls_record13_put_hdr(), content behind it, dtls_inner_put();
 * then the AEAD with dtls_record13_nonce(), the header as it stands being the
 * additional data; then dtls_record13_mask() over its number, with a mask made
 * from the ciphertext. One piece of memory, and nothing in it is written twice.
 *
 * To open: dtls_record13_parse(), dtls_record13_epoch() to find the key,
 * dtls_record13_mask() over a copy of the header, dtls_record13_seq(), the AEAD,
 * and dtls_inner_strip().
 */
#ifndef _DTLS_RECORD13_H
#define _DTLS_RECORD13_H

#include "inner.h"
#include "record.h"

/* RFC 9147 4, figure 3: the first byte of the unified header, 001CSLEE. */
#define DTLS_RECORD13_FIXED	0x20
#define DTLS_RECORD13_CID	0x10	/* connection ID is there */
#define DTLS_RECORD13_SEQ16	0x08	/* 16 bits of sequence number, not 8 */
#define DTLS_RECORD13_LEN	0x04	/* length is there */
#define DTLS_RECORD13_EPOCH	0x03	/* low bits of the epoch */

/* How records are sent: "MAY mix", so nobody can mind. */
#define DTLS_RECORD13_FORM	(DTLS_RECORD13_SEQ16 | DTLS_RECORD13_LEN)

/* The longest connection ID here; 255 by RFC 9146 3. */
#define DTLS_RECORD13_CID_MAX	32

/* Length of the header, of the form above, and of the longest. */
#define DTLS_RECORD13_HDR	5
#define DTLS_RECORD13_HDR_MAX	(DTLS_RECORD13_HDR + DTLS_RECORD13_CID_MAX)

/*
 * RFC 9147 4.2.3: "requires the ciphertext length to be at least 16 bytes.
 * Receivers MUST reject shorter records".
 */
#define DTLS_RECORD13_SAMPLE	16
/* RFC 8446 5.2: length of a TLSCiphertext, and of a TLSInnerPlaintext (5.4) */
#define DTLS_RECORD13_FRAGMENT_MAX	(DTLS_RECORD_PLAIN_MAX + 256)
#define DTLS_RECORD13_INNER_MAX		(DTLS_RECORD_PLAIN_MAX + 1)

/**
 * enum dtls_record13_kind - what the first byte of a record says
 * @DTLS_KIND_ALIEN:  no record
 * @DTLS_KIND_PLAIN:  alert, handshake or ACK: DTLSPlaintext in DTLS 1.3, and all
 *                    but the ACK a record of DTLS 1.2
 * @DTLS_KIND_12:     change_cipher_spec, data or heartbeat: only before DTLS 1.3
 * @DTLS_KIND_CID12:  a record of DTLS 1.2 with a connection ID
 * @DTLS_KIND_13:     DTLSCiphertext of DTLS 1.3
 */
enum dtls_record13_kind {
	DTLS_KIND_ALIEN,
	DTLS_KIND_PLAIN,
	DTLS_KIND_12,
	DTLS_KIND_CID12,
	DTLS_KIND_13,
};

/**
 * struct dtls_record13_hdr - unified header of one record
 * @len:     length of the ciphertext after the header, bytes
 * @hdr_len: length of the header, bytes
 * @cid_len: length of the connection ID, which begins at its second byte; 0 if
 *           there is none
 * @first:   first byte: DTLS_RECORD13_*
 *
 * The sequence number follows the connection ID, and is masked.
 */
struct dtls_record13_hdr {
	u16	len;
	u8	hdr_len;
	u8	cid_len;
	u8	first;
};

enum dtls_record_fault dtls_record13_parse(const u8 *buf, size_t avail,
					   size_t left, unsigned int cid_len,
					   struct dtls_record13_hdr *hdr);
enum dtls_record_fault dtls_record13_parse_plain(const u8 *buf, size_t avail,
						 size_t left,
						 struct dtls_record_hdr *hdr);

/**
 * dtls_record13_kind() - tell records apart by their first byte
 * @first: it
 *
 * RFC 9147 4.1, figure 5.
 *
 * Context: any.
 * Return: what kind of record it begins.
 */
static inline enum dtls_record13_kind dtls_record13_kind(u8 first)
{
	if ((first & 0xe0) == 0x20)
		return DTLS_KIND_13;
	switch (first) {
	case 21:
	case 22:
	case 26:
		return DTLS_KIND_PLAIN;
	case 20:
	case 23:
	case 24:
		return DTLS_KIND_12;
	case 25:
		return DTLS_KIND_CID12;
	}
	return DTLS_KIND_ALIEN;
}

/**
 * dtls_record13_skippable() - is what follows a bad record still of use
 * @fault: what is wrong with it, not %DTLS_FAULT_OK
 *
 * Context: any.
 * Return: true if its header tells where the next one begins.
 */
static inline bool dtls_record13_skippable(enum dtls_record_fault fault)
{
	return fault == DTLS_FAULT_VERSION || fault >= DTLS_FAULT_EPOCH;
}

/**
 * dtls_record13_hdr_len() - how long a header will be
 * @form:    %DTLS_RECORD13_SEQ16 and %DTLS_RECORD13_LEN, or not
 * @cid_len: bytes of the connection ID, 0 for none
 *
 * Context: any.
 * Return: bytes.
 */
static inline unsigned int dtls_record13_hdr_len(u8 form, unsigned int cid_len)
{
	return 2 + cid_len + (form & DTLS_RECORD13_SEQ16 ? 1 : 0) +
	       (form & DTLS_RECORD13_LEN ? 2 : 0);
}

/**
 * dtls_record13_put_hdr() - write a unified header
 * @buf:     where, dtls_record13_hdr_len() bytes
 * @form:    %DTLS_RECORD13_FORM; or without %DTLS_RECORD13_LEN, for the last
 *           record of a datagram, or without %DTLS_RECORD13_SEQ16
 * @cid:     connection ID that the peer wants
 * @cid_len: bytes of it, 0 for none: then @cid is not looked at
 * @epoch:   epoch
 * @seq:     sequence number
 * @len:     length of the ciphertext, tag included, bytes
 *
 * The number is in the clear, as the additional data wants it (RFC 9147 4: "The
 * entire header value [...] prior to record number encryption").
 *
 * Context: any.
 * Return: bytes written.
 */
static inline unsigned int dtls_record13_put_hdr(u8 *buf, u8 form,
						 const u8 *cid,
						 unsigned int cid_len,
						 u64 epoch, u64 seq, u16 len)
{
	u8 *p = buf;

	*p++ = DTLS_RECORD13_FIXED | form | (epoch & DTLS_RECORD13_EPOCH) |
	       (cid_len ? DTLS_RECORD13_CID : 0);
	if (cid_len)
		memcpy(p, cid, cid_len);
	p += cid_len;
	if (form & DTLS_RECORD13_SEQ16) {
		dtls_record_put_be16(p, seq);
		p += 2;
	} else {
		*p++ = seq & 0xff;
	}
	if (form & DTLS_RECORD13_LEN) {
		dtls_record_put_be16(p, len);
		p += 2;
	}
	return p - buf;
}

/**
 * dtls_record13_sample() - copy what a mask is made from
 * @to:   where, %DTLS_RECORD13_SAMPLE bytes
 * @from: first bytes of a ciphertext
 *
 * The kernel's own memcpy() checks, in a loop, more than it copies here.
 *
 * Context: any.
 */
static inline void dtls_record13_sample(u8 *to, const u8 *from)
{
	__builtin_memcpy(to, from, DTLS_RECORD13_SAMPLE);
}

/**
 * dtls_record13_mask() - encrypt a sequence number on the wire, or decrypt it
 * @number: the number in the header, behind first byte and connection ID
 * @first:  first byte of the header
 * @mask:   two bytes or more. AES: the first %DTLS_RECORD13_SAMPLE bytes of the
 *          ciphertext, encrypted with the sn key. ChaCha20: key stream of the sn
 *          key, with the same bytes as counter and nonce, which is just the
 *          order that the kernel's chacha20 has in its IV
 *
 * RFC 9147 4.2.3
 *
 * Context: any.
 */
static inline void dtls_record13_mask(u8 *number, u8 first, const u8 *mask)
{
	number[0] ^= mask[0];
	if (first & DTLS_RECORD13_SEQ16)
		number[1] ^= mask[1];
}

/**
 * dtls_record13_low() - read a sequence number from a header
 * @number: the number in the header, unmasked
 * @first:  first byte of the header
 *
 * Context: any.
 * Return: the low 8 or 16 bits of the sequence number.
 */
static inline u16 dtls_record13_low(const u8 *number, u8 first)
{
	return first & DTLS_RECORD13_SEQ16 ? dtls_record_get_be16(number) :
					     number[0];
}

/**
 * dtls_record13_seq() - reconstruct a sequence number
 * @next:  one more than the highest number that was opened under this key, up
 *         to 2^48
 * @low:   from dtls_record13_low()
 * @first: first byte of the header
 *
 * RFC 9147 4.2.2: the number "which is numerically closest to one plus the
 * sequence number of the highest successfully deprotected record". Of two that
 * are equally close it is the higher: no window reaches back to the lower.
 *
 * Context: any.
 * Return: sequence number, never above %DTLS_RECORD_SEQ_MAX.
 */
static inline u64 dtls_record13_seq(u64 next, u16 low, u8 first)
{
	u64 span, seq;

	/* how far behind @next, from one half of the span ahead to the other */
	if (first & DTLS_RECORD13_SEQ16) {
		span = 1 << 16;
		seq = next - (__s64)(__s16)(next - low);
	} else {
		span = 1 << 8;
		seq = next - (__s64)(__s8)(next - low);
	}
	/* the first and the last numbers have neighbours on one side only */
	if (seq > DTLS_RECORD_SEQ_MAX)
		seq += (__s64)seq < 0 ? span : -span;
	return seq;
}

/**
 * dtls_record13_epoch() - reconstruct an epoch
 * @newest: highest epoch of reading that has keys
 * @first:  first byte of the header
 *
 * RFC 9147 4.2.2: "use the most recent past epoch which has matching bits";
 * among the first four "the epoch bits unambiguously indicate the correct key".
 *
 * Context: any.
 * Return: epoch, which need not have keys.
 */
static inline u64 dtls_record13_epoch(u64 newest, u8 first)
{
	u64 back = (newest - first) & DTLS_RECORD13_EPOCH;

	return newest < back ? first & DTLS_RECORD13_EPOCH : newest - back;
}

/**
 * dtls_record13_nonce() - the nonce of a record
 * @nonce: where, 12 bytes
 * @iv:    write IV, 12 bytes
 * @seq:   sequence number
 *
 * RFC 8446 5.3, with "the 64-bit sequence_number [...]; unlike DTLS 1.2, the
 * epoch is not included" (RFC 9147 4).
 *
 * Context: any.
 */
static __always_inline void dtls_record13_nonce(u8 *nonce, const u8 *iv,
						u64 seq)
{
	memcpy(nonce, iv, 4);
	dtls_record_put_be64(nonce + 4, dtls_record_get_be64(iv + 4) ^ seq);
}

/**
 * dtls_record13_inner_ok() - is there such a content type inside
 * @type: as dtls_inner_strip() has found it
 *
 * RFC 9147 4.1, figure 5: alert, handshake, data, heartbeat, ACK.
 *
 * Context: any.
 * Return: false if the record is to be dropped.
 */
static inline bool dtls_record13_inner_ok(u8 type)
{
	return (type >= 21 && type <= 24) || type == 26;
}

#endif /* _DTLS_RECORD13_H */
