// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz kernel/record.c: any bytes as a datagram, against a second reading of
 * RFC 6347 4.1 that shares no code with the first.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

#define MUST(cond) do { if (!(cond)) abort(); } while (0)

/* Big-endian number of @n bytes, the slow way. */
static unsigned long long number(const uint8_t *p, int n)
{
	unsigned long long v = 0;

	while (n--)
		v = v * 256 + *p++;
	return v;
}

/* What the RFC says of the @left bytes at @p. */
static enum dtls_record_fault oracle(const uint8_t *p, size_t left)
{
	if (left < 13)
		return DTLS_FAULT_SHORT;
	if (!memchr("\x14\x15\x16\x17\x18", p[0], 5))
		return DTLS_FAULT_TYPE;
	if (number(p + 11, 2) + 13 > left)
		return DTLS_FAULT_LENGTH;
	if (p[1] != 254 || p[2] != 253)
		return DTLS_FAULT_VERSION;
	return DTLS_FAULT_OK;
}

/* A header taken apart and put together again is the same header. */
static void rebuild(const uint8_t *p, const struct dtls_record_hdr *hdr)
{
	uint8_t wire[DTLS_RECORD_HDR12], aad[DTLS_RECORD_AAD12];

	dtls_record_put_hdr12(wire, hdr->type, hdr->epoch, hdr->seq, hdr->len);
	MUST(!memcmp(wire, p, sizeof(wire)));
	dtls_record_put_aad12(aad, hdr->type, hdr->epoch, hdr->seq, hdr->len);
	MUST(!memcmp(aad, p + 3, 8) && aad[8] == p[0]);
	MUST(!memcmp(aad + 9, p + 1, 2) && !memcmp(aad + 11, p + 11, 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t off = 0;

	while (off < size) {
		/* a copy of just what may be read: ASan sees one byte more */
		size_t left = size - off, avail = left < 13 ? left : 13;
		uint8_t *head = malloc(avail ? avail : 1);
		struct dtls_record_hdr hdr = {};
		enum dtls_record_fault fault;

		MUST(head);
		memcpy(head, data + off, avail);
		fault = dtls_record_parse12(head, avail, left, &hdr);
		MUST(fault == oracle(data + off, left));
		if (fault == DTLS_FAULT_OK || fault == DTLS_FAULT_VERSION) {
			MUST(hdr.hdr_len == 13);
			MUST(hdr.len == number(head + 11, 2));
			MUST(hdr.epoch == number(head + 3, 2));
			MUST(hdr.seq == number(head + 5, 6));
			MUST(hdr.version == number(head + 1, 2));
			MUST(hdr.type == head[0]);
		}
		if (fault == DTLS_FAULT_OK)
			rebuild(head, &hdr);
		free(head);
		if (fault != DTLS_FAULT_OK && fault != DTLS_FAULT_VERSION)
			break;
		off += 13 + hdr.len;
	}
	return 0;
}
