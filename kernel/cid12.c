// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wire format of DTLS 1.2 records with connection IDs (RFC 9146).
 *
 * As record.c: no sk_buff, socket, lock, allocation or cipher.
 */
#include "cid12.h"

#define DTLS_CID12_VERSION	0xfefd

/**
 * dtls_cid12_parse() - read the header of a DTLS 1.2 record with a CID
 * @buf:     start of the record
 * @avail:   bytes of it that can be read at @buf; %DTLS_CID12_HDR are enough
 * @left:    bytes of the datagram from @buf to its end
 * @cid_len: length of the connection IDs that this end receives, up to
 *           %DTLS_CID12_CID_MAX; 0 if it wants none, and so takes no such
 *           record
 * @hdr:     filled, with zeros where the datagram is too short; the connection
 *           ID stands 11 bytes into @buf
 *
 * Whose the connection ID is, is for the caller to find out.
 *
 * Context: any.
 * Return: %DTLS_FAULT_OK, or what is wrong. Nothing here is authenticated.
 */
enum dtls_record_fault dtls_cid12_parse(const u8 *buf, size_t avail,
					size_t left, unsigned int cid_len,
					struct dtls_record_hdr *hdr)
{
	size_t hdr_len = DTLS_CID12_HDR(cid_len);
	u64 number;

	if (!avail || !left) {
		memset(hdr, 0, sizeof(*hdr));
		return DTLS_FAULT_SHORT;
	}
	if (buf[0] != DTLS_CID12_TYPE || !cid_len) {
		memset(hdr, 0, sizeof(*hdr));
		hdr->type = buf[0];
		return hdr->type == DTLS_CID12_TYPE ? DTLS_FAULT_CID :
						      DTLS_FAULT_TYPE;
	}
	if (avail < hdr_len || left < hdr_len) {
		memset(hdr, 0, sizeof(*hdr));
		return DTLS_FAULT_SHORT;
	}
	hdr->type = buf[0];
	hdr->version = dtls_record_get_be16(buf + 1);
	number = dtls_record_get_be64(buf + 3);
	hdr->epoch = number >> 48;
	hdr->seq = number & DTLS_RECORD_SEQ_MAX;
	hdr->len = dtls_record_get_be16(buf + hdr_len - 2);
	hdr->hdr_len = hdr_len;

	if (hdr->len > left - hdr_len)
		return DTLS_FAULT_LENGTH;
	if (hdr->version != DTLS_CID12_VERSION)
		return DTLS_FAULT_VERSION;
	return DTLS_FAULT_OK;
}

/**
 * dtls_cid12_put_hdr() - write the header of a DTLS 1.2 record with a CID
 * @buf:     where, %DTLS_CID12_HDR bytes
 * @epoch:   epoch
 * @seq:     sequence number, below 2^48
 * @cid:     connection ID that the peer wants
 * @cid_len: bytes of it, not 0
 * @len:     length of the fragment: explicit nonce, ciphertext and tag, bytes
 *
 * Context: any.
 */
void dtls_cid12_put_hdr(u8 *buf, u16 epoch, u64 seq, const u8 *cid,
			unsigned int cid_len, u16 len)
{
	buf[0] = DTLS_CID12_TYPE;
	dtls_record_put_be16(buf + 1, DTLS_CID12_VERSION);
	dtls_record_put_be64(buf + 3, dtls_record_number(epoch, seq));
	memcpy(buf + 11, cid, cid_len);
	dtls_record_put_be16(buf + 11 + cid_len, len);
}

/**
 * dtls_cid12_put_aad() - write the additional data of such a record
 * @buf:     where, %DTLS_CID12_AAD bytes
 * @epoch:   epoch
 * @seq:     sequence number, below 2^48
 * @cid:     connection ID of the record
 * @cid_len: bytes of it, not 0
 * @inner:   length of the DTLSInnerPlaintext, bytes
 *
 * RFC 9146 5.3: "additional_data = seq_num_placeholder + tls12_cid + cid_length
 * + tls12_cid + DTLSCiphertext.version + epoch + sequence_number + cid +
 * length_of_DTLSInnerPlaintext"
 *
 * Context: any.
 */
void dtls_cid12_put_aad(u8 *buf, u16 epoch, u64 seq, const u8 *cid,
			unsigned int cid_len, u16 inner)
{
	dtls_record_put_be64(buf, ~0ULL);
	buf[8] = DTLS_CID12_TYPE;
	buf[9] = cid_len;
	buf[10] = DTLS_CID12_TYPE;
	dtls_record_put_be16(buf + 11, DTLS_CID12_VERSION);
	dtls_record_put_be64(buf + 13, dtls_record_number(epoch, seq));
	memcpy(buf + 21, cid, cid_len);
	dtls_record_put_be16(buf + 21 + cid_len, inner);
}
