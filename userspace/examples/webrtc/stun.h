/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WEBRTC_STUN_H
#define WEBRTC_STUN_H

#include <stddef.h>
#include <stdint.h>

#define STUN_COOKIE		0x2112a442
#define STUN_HEADER		20
#define STUN_SIGNATURE		(24 + 8)
#define STUN_BINDING_REQUEST	0x0001
#define STUN_BINDING_SUCCESS	0x0101

/* Attributes of RFC 8489 14 and RFC 8445 7.1. */
enum {
	STUN_USERNAME = 0x0006,
	STUN_INTEGRITY = 0x0008,
	STUN_XOR_ADDRESS = 0x0020,
	STUN_PRIORITY = 0x0024,
	STUN_USE_CANDIDATE = 0x0025,
	STUN_FINGERPRINT = 0x8028,
	STUN_CONTROLLING = 0x802a,
};

static inline uint32_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static inline uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static inline void put16(uint8_t *p, uint32_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* stunsign.c */
void stun_integrity(const uint8_t *msg, size_t off, const char *pwd,
		    uint8_t mac[20]);
size_t stun_sign(uint8_t *msg, size_t len, const char *pwd);

#endif /* WEBRTC_STUN_H */
