// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wire format of DTLS records.
 *
 * Knows no sk_buff, socket, lock or allocation, and no cipher: a record's
 * bytes go in, its fields come out, and back.
 */
#include "record.h"

/**
 * dtls_record_fault12() - what is wrong with the header of a DTLS 1.2 record
 * @hdr:  the header as read
 * @left: bytes of the datagram from its start, %DTLS_RECORD_HDR12 or more
 *
 * Context: any.
 * Return: the first thing wrong, in the order in which a reader minds it, or
 * %DTLS_FAULT_OK.
 */
enum dtls_record_fault dtls_record_fault12(const struct dtls_record_hdr *hdr,
					   size_t left)
{
	/* change_cipher_spec(20) to heartbeat(24); 25 needs a CID (RFC 9146) */
	if (hdr->type < 20 || hdr->type > 24)
		return DTLS_FAULT_TYPE;
	if (hdr->len > left - DTLS_RECORD_HDR12)
		return DTLS_FAULT_LENGTH;
	if (hdr->version != DTLS_WIRE_1_2)
		return DTLS_FAULT_VERSION;
	return DTLS_FAULT_OK;
}
