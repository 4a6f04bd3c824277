// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wire format of DTLS records.
 *
 * Knows no sk_buff, socket, lock or allocation, and no cipher: a record's
 * bytes go in, its fields come out, and back.
 */
#include "record.h"

#define DTLS_WIRE_1_2	0xfefd

static u16 dtls_record_get_be16(const u8 *p)
{
	return (u16)(p[0] << 8 | p[1]);
}

static void dtls_record_put_be16(u8 *p, u16 val)
{
	p[0] = val >> 8;
	p[1] = (u8)val;
}

/**
 * dtls_record_put_be64() - write a 64-bit number in network order
 * @buf: where, 8 bytes, any alignment
 * @val: the number
 *
 * Context: any.
 */
void dtls_record_put_be64(u8 *buf, u64 val)
{
	int i;

	for (i = 7; i >= 0; i--, val >>= 8)
		buf[i] = (u8)val;
}

/* RFC 6347 4.1: epoch and sequence number form one 64-bit number in the MAC. */
static u64 dtls_record_number(u16 epoch, u64 seq)
{
	return (u64)epoch << 48 | (seq & DTLS_RECORD_SEQ_MAX);
}

/**
 * dtls_record_parse12() - read the header of a DTLS 1.2 record
 * @buf:   start of the record
 * @avail: bytes of it that can be read at @buf; %DTLS_RECORD_HDR12 are enough
 * @left:  bytes of the datagram from @buf to its end
 * @hdr:   filled, as far as the fault allows: with %DTLS_FAULT_VERSION the
 *         length is good, so that the record can be skipped
 *
 * Context: any.
 * Return: %DTLS_FAULT_OK, or what is wrong. Nothing here is authenticated.
 */
enum dtls_record_fault dtls_record_parse12(const u8 *buf, size_t avail,
					   size_t left,
					   struct dtls_record_hdr *hdr)
{
	int i;

	if (avail < DTLS_RECORD_HDR12 || left < DTLS_RECORD_HDR12)
		return DTLS_FAULT_SHORT;

	hdr->type = buf[0];
	/* change_cipher_spec(20) to heartbeat(24); 25 needs a CID (RFC 9146) */
	if (hdr->type < 20 || hdr->type > 24)
		return DTLS_FAULT_TYPE;

	hdr->version = dtls_record_get_be16(buf + 1);
	hdr->epoch = dtls_record_get_be16(buf + 3);
	hdr->seq = 0;
	for (i = 5; i < 11; i++)
		hdr->seq = hdr->seq << 8 | buf[i];
	hdr->len = dtls_record_get_be16(buf + 11);
	hdr->hdr_len = DTLS_RECORD_HDR12;

	if (hdr->len > left - DTLS_RECORD_HDR12)
		return DTLS_FAULT_LENGTH;
	if (hdr->version != DTLS_WIRE_1_2)
		return DTLS_FAULT_VERSION;
	return DTLS_FAULT_OK;
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
void dtls_record_put_hdr12(u8 *buf, u8 type, u16 epoch, u64 seq, u16 len)
{
	buf[0] = type;
	dtls_record_put_be16(buf + 1, DTLS_WIRE_1_2);
	dtls_record_put_be64(buf + 3, dtls_record_number(epoch, seq));
	dtls_record_put_be16(buf + 11, len);
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
void dtls_record_put_aad12(u8 *buf, u8 type, u16 epoch, u64 seq, u16 plain)
{
	dtls_record_put_be64(buf, dtls_record_number(epoch, seq));
	buf[8] = type;
	dtls_record_put_be16(buf + 9, DTLS_WIRE_1_2);
	dtls_record_put_be16(buf + 11, plain);
}
