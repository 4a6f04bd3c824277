/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What record.c and replay.c stand on, in the kernel and in userspace: both
 * are compiled there too, for fuzzers and unit tests.
 */
#ifndef _DTLS_PURE_H
#define _DTLS_PURE_H

#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/string.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
#endif

#endif /* _DTLS_PURE_H */
