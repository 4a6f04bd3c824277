// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wire format of DTLS records.
 *
 * Knows no sk_buff, socket, lock or allocation, and no cipher: a record's
 * bytes go in, its fields come out, and back.
 */
#include "record.h"

#define DTLS_WIRE_1_2	0xfefd

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
enum dtls_record_fault dtls_record_parse12(const u8 *buf, size_t avail,
					   size_t left,
					   struct dtls_record_hdr *hdr)
{
	u64 number;

	if (avail < DTLS_RECORD_HDR12 || left < DTLS_RECORD_HDR12) {
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

	/* change_cipher_spec(20) to heartbeat(24); 25 needs a CID (RFC 9146) */
	if (hdr->type < 20 || hdr->type > 24)
		return DTLS_FAULT_TYPE;
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
