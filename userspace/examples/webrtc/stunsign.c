// SPDX-License-Identifier: LGPL-2.1-or-later
/* The two attributes at the end of a STUN message (RFC 8489 14.5, 14.7). */
#include <string.h>
#include <gnutls/crypto.h>

#include "stun.h"

/* CRC-32 as in ISO 3309, bit by bit: a check has a hundred bytes. */
static uint32_t crc32(const uint8_t *p, size_t len)
{
	uint32_t crc = 0xffffffff;
	int i;

	while (len--) {
		crc ^= *p++;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* HMAC-SHA1 of what comes before, with the length as if it ended behind it. */
void stun_integrity(const uint8_t *msg, size_t off, const char *pwd,
		    uint8_t mac[20])
{
	uint8_t copy[1500];

	memcpy(copy, msg, off);
	put16(copy + 2, off - STUN_HEADER + 24);
	gnutls_hmac_fast(GNUTLS_MAC_SHA1, pwd, strlen(pwd), copy, off, mac);
}

/* @msg has @len bytes, and room for STUN_SIGNATURE more.  Returns its length. */
size_t stun_sign(uint8_t *msg, size_t len, const char *pwd)
{
	put16(msg + len, STUN_INTEGRITY);
	put16(msg + len + 2, 20);
	stun_integrity(msg, len, pwd, msg + len + 4);
	len += 24;
	put16(msg + 2, len + 8 - STUN_HEADER);
	put16(msg + len, STUN_FINGERPRINT);
	put16(msg + len + 2, 4);
	put32(msg + len + 4, crc32(msg, len) ^ 0x5354554e);
	return len + 8;
}
