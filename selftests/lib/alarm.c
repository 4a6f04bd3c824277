// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

/*
 * In the place of libc's: the harness ends each test by alarm(30), which is a
 * long time on a machine, and none under KASAN on an emulated processor.
 * check.py says how much slower the guest is than a machine.
 */
unsigned int alarm(unsigned int seconds)
{
	const char *scale = getenv("KDTLS_TIMEOUT_SCALE");
	struct itimerval next = { .it_value.tv_sec = seconds }, old = {};

	if (scale && atoi(scale) > 1)
		next.it_value.tv_sec *= atoi(scale);
	setitimer(ITIMER_REAL, &next, &old);
	return old.it_value.tv_sec + !!old.it_value.tv_usec;
}
