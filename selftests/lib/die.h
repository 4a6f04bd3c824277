/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SELFTESTS_LIB_DIE_H
#define SELFTESTS_LIB_DIE_H

#include <kselftest.h>

/*
 * For helpers and threads, where the assertions of the harness cannot be used:
 * says where and why, with errno, and ends the process, so that its test fails.
 */
#define die(...)	die_at(__FILE__, __LINE__, __VA_ARGS__)

#define must(cond)						\
	do {							\
		if (!(cond))					\
			die("not so: %s", #cond);		\
	} while (0)

__printf(3, 4) __noreturn
void die_at(const char *file, int line, const char *format, ...);

#endif /* SELFTESTS_LIB_DIE_H */
