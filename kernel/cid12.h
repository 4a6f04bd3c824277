/* SPDX-License-Identifier: GPL-2.0-only */
/* Wire format of DTLS 1.2 records with connection IDs (RFC 9146): pure. */
#ifndef _DTLS_CID12_H
#define _DTLS_CID12_H

#include "record.h"

/*
 * RFC 9146 4: tls12_cid, with the connection ID between sequence number and
 * length.
 */
#define DTLS_CID12_TYPE		25
#define DTLS_CID12_HDR(cid_len)	(DTLS_RECORD_HDR12 + (cid_len))
/* RFC 9146 5.3: more than header and explicit nonce together. */
#define DTLS_CID12_AAD(cid_len)	(23 + (cid_len))
/* RFC 9146 5: "length_of_DTLSInnerPlaintext [...] MUST NOT exceed 2^14" */
#define DTLS_CID12_INNER_MAX	16384
/* The longest connection ID here; 255 by RFC 9146 3. */
#define DTLS_CID12_CID_MAX	32

enum dtls_record_fault dtls_cid12_parse(const u8 *buf, size_t avail,
					size_t left, unsigned int cid_len,
					struct dtls_record_hdr *hdr);
void dtls_cid12_put_hdr(u8 *buf, u16 epoch, u64 seq, const u8 *cid,
			unsigned int cid_len, u16 len);
void dtls_cid12_put_aad(u8 *buf, u16 epoch, u64 seq, const u8 *cid,
			unsigned int cid_len, u16 inner);

#endif /* _DTLS_CID12_H */
