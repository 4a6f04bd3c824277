/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DTLSInnerPlaintext: what is inside of a record of DTLS 1.3 (RFC 9147 4), or of
 * DTLS 1.2 with a connection ID (RFC 9146 4): content, type, padding; pure.
 */
#ifndef _DTLS_INNER_H
#define _DTLS_INNER_H

#include "pure.h"

int dtls_inner_scan(const u8 *inner, unsigned int len, u8 *type);

/**
 * dtls_inner_strip() - take type and padding off a DTLSInnerPlaintext
 * @inner: what has been opened
 * @len:   bytes of it
 * @type:  set to the content type, but for errors
 *
 * RFC 8446 5.4: the type is the last byte that is not zero; RFC 9146 4 is the
 * same.
 *
 * Context: any.
 * Return: bytes of content in front, or -1 if there is no type: RFC 8446 calls
 * that an unexpected message, and DTLS drops it.
 */
static inline int dtls_inner_strip(const u8 *inner, unsigned int len, u8 *type)
{
	if (len && inner[len - 1]) {
		*type = inner[len - 1];
		return len - 1;
	}
	return dtls_inner_scan(inner, len, type);
}

/**
 * dtls_inner_put() - put type and padding behind content
 * @content: it, with room behind
 * @len:     bytes of it
 * @type:    content type, not 0
 * @pad:     bytes of padding, as dtls_inner_pad() has it
 *
 * Context: any.
 * Return: bytes of the DTLSInnerPlaintext.
 */
static inline unsigned int dtls_inner_put(u8 *content, unsigned int len,
					  u8 type, unsigned int pad)
{
	content[len] = type;
	if (pad)
		memset(content + len + 1, 0, pad);
	return len + 1 + pad;
}

/**
 * dtls_inner_pad() - how much padding a record gets
 * @len:      bytes of content
 * @multiple: the DTLSInnerPlaintext shall have a multiple of so many; 0 or 1:
 *            no padding asked for
 * @min:      and no less than these, 0 if any number will do: what lacks to 16
 *            bytes of ciphertext, without the tag (RFC 9147 4.2.3)
 * @max:      and no more than these, which goes before the others
 *
 * Context: any.
 * Return: bytes of padding; none if @len does not fit at all.
 */
static inline unsigned int dtls_inner_pad(unsigned int len,
					  unsigned int multiple,
					  unsigned int min, unsigned int max)
{
	unsigned int inner = len + 1;

	if (inner < min)
		inner = min;
	if (multiple > 1 && inner % multiple)
		inner += multiple - inner % multiple;
	if (inner > max)
		inner = max;
	return inner > len ? inner - len - 1 : 0;
}

#endif /* _DTLS_INNER_H */
