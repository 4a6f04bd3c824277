// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wire format of DTLS 1.3 records (RFC 9147).
 *
 * As record.c: no sk_buff, socket, lock, allocation or cipher.
 */
#include "record13.h"

/**
 * dtls_record13_parse() - read the unified header of a DTLS 1.3 record
 * @buf:     start of the record
 * @avail:   bytes of it that can be read at @buf; %DTLS_RECORD13_HDR and
 *           @cid_len are enough
 * @left:    bytes of the datagram from @buf to its end
 * @cid_len: length of the connection IDs that this end receives, up to
 *           %DTLS_RECORD13_CID_MAX; 0 if it wants none
 * @hdr:     filled, with zeros for what could not be read
 *
 * A record may come without a connection ID though there are some: RFC 9147 4
 * wants one in each datagram only, so that records after the first may do
 * without, and belong where the first belongs. Whose a connection ID is, is for
 * the caller to find out; if it is not the association of the record before,
 * "the rest of the datagram MUST be discarded".
 *
 * Context: any.
 * Return: %DTLS_FAULT_OK, or what is wrong. Nothing here is authenticated.
 */
enum dtls_record_fault dtls_record13_parse(const u8 *buf, size_t avail,
					   size_t left, unsigned int cid_len,
					   struct dtls_record13_hdr *hdr)
{
	size_t hdr_len, len;
	u8 first;

	memset(hdr, 0, sizeof(*hdr));
	if (!avail || !left)
		return DTLS_FAULT_SHORT;
	first = buf[0];
	hdr->first = first;
	if ((first & 0xe0) != DTLS_RECORD13_FIXED)
		return DTLS_FAULT_TYPE;
	if (!(first & DTLS_RECORD13_CID))
		cid_len = 0;
	else if (!cid_len)
		return DTLS_FAULT_CID;

	hdr_len = dtls_record13_hdr_len(first, cid_len);
	if (avail < hdr_len || left < hdr_len)
		return DTLS_FAULT_SHORT;
	hdr->hdr_len = hdr_len;
	hdr->cid_len = cid_len;
	left -= hdr_len;
	len = left;
	if (first & DTLS_RECORD13_LEN) {
		len = dtls_record_get_be16(buf + hdr_len - 2);
		hdr->len = len;
		if (len > left)
			return DTLS_FAULT_LENGTH;
	} else {
		/* to the end of the datagram, whatever there is */
		if (len > 65535)
			return DTLS_FAULT_LENGTH;
		hdr->len = len;
	}
	if (len < DTLS_RECORD13_SAMPLE)
		return DTLS_FAULT_RUNT;
	if (len > DTLS_RECORD13_FRAGMENT_MAX)
		return DTLS_FAULT_OVERSIZE;
	return DTLS_FAULT_OK;
}

/**
 * dtls_record13_parse_plain() - read the header of a DTLSPlaintext
 * @buf:   start of the record
 * @avail: bytes of it that can be read at @buf; %DTLS_RECORD_HDR12 are enough
 * @left:  bytes of the datagram from @buf to its end
 * @hdr:   filled, with zeros where the datagram is too short. Its version "MUST
 *         be ignored for all purposes" (RFC 9147 4)
 *
 * Context: any.
 * Return: %DTLS_FAULT_OK, or what is wrong. Nothing here is authenticated, nor
 * will be.
 */
enum dtls_record_fault dtls_record13_parse_plain(const u8 *buf, size_t avail,
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

	if (dtls_record13_kind(hdr->type) != DTLS_KIND_PLAIN)
		return DTLS_FAULT_TYPE;
	if (hdr->len > left - DTLS_RECORD_HDR12)
		return DTLS_FAULT_LENGTH;
	if (hdr->epoch)
		return DTLS_FAULT_EPOCH;
	if (hdr->len > DTLS_RECORD_PLAIN_MAX)
		return DTLS_FAULT_OVERSIZE;
	return DTLS_FAULT_OK;
}
