// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "oracle.h"

size_t attack(__u8 *wire, size_t len, const __u8 *old, size_t old_len,
	      unsigned int *seed)
{
	switch (rand_r(seed) % 8) {
	case 0:		/* flip any bit, of the header often */
		len = len ? len : 1;
		wire[rand_r(seed) % (rand_r(seed) % 2 ? RECORD_HEADER : len)] ^=
			1 << rand_r(seed) % 8;
		return len;
	case 1:		/* replay */
		memcpy(wire, old, old_len);
		return old_len;
	case 2:		/* cut */
		return rand_r(seed) % len;
	case 3:		/* stretch */
		memset(wire + len, 0x17, 20);
		return len + 20;
	case 4:		/* join */
		memcpy(wire + len, old, old_len);
		return len + old_len;
	case 5:		/* the head of one, the body of another */
		memcpy(wire, old, RECORD_HEADER);
		return len;
	case 6:		/* another epoch */
		wire[4] ^= 1 + rand_r(seed) % 3;
		return len;
	default:	/* nothing that was ever sealed */
		len = 1 + rand_r(seed) % 200;
		while (old_len--)
			wire[old_len % len] = rand_r(seed);
		return len;
	}
}
