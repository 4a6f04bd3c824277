// SPDX-License-Identifier: GPL-2.0-only
/* DTLSInnerPlaintext with padding. */
#include "inner.h"

static bool dtls_inner_zero8(const u8 *p)
{
	u64 val;

	memcpy(&val, p, sizeof(val));
	return !val;
}

/**
 * dtls_inner_scan() - find the type of a DTLSInnerPlaintext with padding
 * @inner: what has been opened
 * @len:   bytes of it
 * @type:  set to the content type, but for errors
 *
 * The slow half of dtls_inner_strip(). Padding may be 16 KB: it is passed
 * by eight bytes at a time.
 *
 * Context: any.
 * Return: bytes of content in front, or -1 if there is no type.
 */
int dtls_inner_scan(const u8 *inner, unsigned int len, u8 *type)
{
	while (len >= 8 && dtls_inner_zero8(inner + len - 8))
		len -= 8;
	while (len && !inner[len - 1])
		len--;
	if (!len)
		return -1;
	*type = inner[len - 1];
	return len - 1;
}
