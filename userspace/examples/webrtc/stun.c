// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Answers to the connectivity checks of ICE (RFC 8445), as the lite half of it: no
 * checks of our own.  STUN is RFC 8489, with the short-term credentials of ICE.
 */
#include <arpa/inet.h>
#include <string.h>

#include "rtc.h"
#include "stun.h"

#define HEADER	STUN_HEADER

bool stun_is(const uint8_t *buf, size_t len)
{
	return len >= HEADER && buf[0] < 4 && get32(buf + 4) == STUN_COOKIE;
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

	if (get16(msg) != STUN_BINDING_REQUEST || get16(msg + 2) != len - HEADER ||
	    len > 1500)
		return NULL;
	for (off = HEADER; off + 4 <= len; off += 4 + (n + 3) / 4 * 4) {
		const uint8_t *value = msg + off + 4, *colon;

		n = get16(msg + off + 2);
		if (n > len - off - 4)
			return NULL;
		switch (get16(msg + off)) {
		case STUN_USERNAME:	/* ours:theirs */
			colon = memchr(value, ':', n);
			if (colon)
				p = peer_by_ufrag((const char *)value,
						  colon - value);
			break;
		case STUN_INTEGRITY:
			if (!p || n != 20)
				return NULL;
			stun_integrity(msg, off, p->pwd, mac);
			return equal(mac, value, 20) ? p : NULL;
		}
	}
	return NULL;
}

void stun_input(const struct sockaddr_in *from, const uint8_t *buf, size_t len)
{
	struct peer *p = authenticate(buf, len);
	uint8_t out[HEADER + 12 + STUN_SIGNATURE], *at = out + HEADER;

	if (!p)
		return;
	put16(out, STUN_BINDING_SUCCESS);
	memcpy(out + 4, buf + 4, 16);
	put16(at, STUN_XOR_ADDRESS);
	put16(at + 2, 8);
	put16(at + 4, 1);	/* IPv4 */
	put16(at + 6, ntohs(from->sin_port) ^ STUN_COOKIE >> 16);
	put32(at + 8, ntohl(from->sin_addr.s_addr) ^ STUN_COOKIE);
	net_raw(from, out, stun_sign(out, HEADER + 12, p->pwd));
	peer_checked(p, from);
}
