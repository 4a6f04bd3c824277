// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Answers to the connectivity checks of ICE (RFC 8445), as the lite half of it: no
 * checks of our own.  STUN is RFC 8489, with the short-term credentials of ICE.
 */
#include <arpa/inet.h>
#include <string.h>
#include <gnutls/crypto.h>

#include "rtc.h"

#define COOKIE			0x2112a442
#define HEADER			20
#define BINDING_REQUEST		0x0001
#define BINDING_SUCCESS		0x0101

enum {
	USERNAME = 0x0006,
	MESSAGE_INTEGRITY = 0x0008,
	XOR_MAPPED_ADDRESS = 0x0020,
	FINGERPRINT = 0x8028,
};

static uint32_t get16(const uint8_t *p) { return p[0] << 8 | p[1]; }
static uint32_t get32(const uint8_t *p) { return get16(p) << 16 | get16(p + 2); }
static void put16(uint8_t *p, uint32_t v) { p[0] = v >> 8; p[1] = v; }
static void put32(uint8_t *p, uint32_t v) { put16(p, v >> 16); put16(p + 2, v); }

bool stun_is(const uint8_t *buf, size_t len)
{
	return len >= HEADER && buf[0] < 4 && get32(buf + 4) == COOKIE;
}

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
static void integrity(const uint8_t *msg, size_t off, const char *pwd,
		      uint8_t mac[20])
{
	uint8_t copy[1500];

	memcpy(copy, msg, off);
	put16(copy + 2, off - HEADER + 24);
	gnutls_hmac_fast(GNUTLS_MAC_SHA1, pwd, strlen(pwd), copy, off, mac);
}

static bool equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint8_t diff = 0;

	while (len--)
		diff |= *a++ ^ *b++;
	return !diff;
}

/* Who asks?  Only who knows the password that the answer had. */
static struct peer *authenticate(const uint8_t *msg, size_t len)
{
	struct peer *p = NULL;
	uint8_t mac[20];
	size_t off, n;

	if (get16(msg) != BINDING_REQUEST || get16(msg + 2) != len - HEADER ||
	    len > 1500)
		return NULL;
	for (off = HEADER; off + 4 <= len; off += 4 + (n + 3) / 4 * 4) {
		const uint8_t *value = msg + off + 4, *colon;

		n = get16(msg + off + 2);
		if (n > len - off - 4)
			return NULL;
		switch (get16(msg + off)) {
		case USERNAME:	/* ours:theirs */
			colon = memchr(value, ':', n);
			if (colon)
				p = peer_by_ufrag((const char *)value,
						  colon - value);
			break;
		case MESSAGE_INTEGRITY:
			if (!p || n != 20)
				return NULL;
			integrity(msg, off, p->pwd, mac);
			return equal(mac, value, 20) ? p : NULL;
		}
	}
	return NULL;
}

void stun_input(const struct sockaddr_in *from, const uint8_t *buf, size_t len)
{
	struct peer *p = authenticate(buf, len);
	uint8_t out[HEADER + 12 + 24 + 8], *at = out + HEADER;

	if (!p)
		return;
	put16(out, BINDING_SUCCESS);
	memcpy(out + 4, buf + 4, 16);
	put16(at, XOR_MAPPED_ADDRESS);
	put16(at + 2, 8);
	put16(at + 4, 1);	/* IPv4 */
	put16(at + 6, ntohs(from->sin_port) ^ COOKIE >> 16);
	put32(at + 8, ntohl(from->sin_addr.s_addr) ^ COOKIE);
	at += 12;
	put16(at, MESSAGE_INTEGRITY);
	put16(at + 2, 20);
	integrity(out, at - out, p->pwd, at + 4);
	at += 24;
	put16(out + 2, sizeof(out) - HEADER);
	put16(at, FINGERPRINT);
	put16(at + 2, 4);
	put32(at + 4, crc32(out, at - out) ^ 0x5354554e);
	net_raw(from, out, sizeof(out));
	peer_checked(p, from);
}
