/* SPDX-License-Identifier: GPL-2.0-only */
/* An attacker in the path, who does the first thing that comes to his mind. */
#ifndef SELFTESTS_LIB_ATTACK_H
#define SELFTESTS_LIB_ATTACK_H

#include <stddef.h>
#include <linux/types.h>

/*
 * Makes something of @len bytes at @wire, given what was seen before; there is
 * room for @old_len + 20 bytes more. Returns how many bytes it has become.
 */
size_t attack(__u8 *wire, size_t len, const __u8 *old, size_t old_len,
	      unsigned int *seed);

#endif /* SELFTESTS_LIB_ATTACK_H */
