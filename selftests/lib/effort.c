// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "effort.h"

bool effort_long(void)
{
	const char *said = getenv("KDTLS_LONG");

	return said && !strcmp(said, "1");
}

bool effort_slow(void)
{
	/* Lockdep, or only KCSAN. */
	return !access("/proc/lockdep", F_OK) ||
	       !access("/sys/kernel/debug/kcsan", F_OK);
}

unsigned long effort(unsigned long usual, unsigned long slow,
		     unsigned long long_run)
{
	if (effort_long())
		return long_run;
	return effort_slow() ? slow : usual;
}

void pin_to(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}
