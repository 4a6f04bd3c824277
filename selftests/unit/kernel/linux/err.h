/* SPDX-License-Identifier: GPL-2.0-only */
/* What kernel/hkdf.c wants of the kernel's <linux/err.h>. */
#ifndef SELFTESTS_UNIT_KERNEL_LINUX_ERR_H
#define SELFTESTS_UNIT_KERNEL_LINUX_ERR_H

#include <stdbool.h>
#include <stdint.h>

static inline void *ERR_PTR(long error)
{
	return (void *)error;
}

static inline long PTR_ERR(const void *ptr)
{
	return (long)ptr;
}

static inline bool IS_ERR(const void *ptr)
{
	return (uintptr_t)ptr >= (uintptr_t)-4095;
}

#endif /* SELFTESTS_UNIT_KERNEL_LINUX_ERR_H */
