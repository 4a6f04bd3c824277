// SPDX-License-Identifier: LGPL-2.1-or-later
/* Messages: on stderr, as journald wants them if that is who listens. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "dtlshd.h"

int log_level = LOG_INFO;

void say(int level, const char *fmt, ...)
{
	char line[2048];
	unsigned char *c;
	va_list ap;

	if (level > log_level)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* Names of peers are in it: one message is one line. */
	for (c = (unsigned char *)line; *c; c++)
		if (*c < ' ' || *c == 0x7f)
			*c = '?';
	/* One write each. sd-daemon(3). */
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", level, line);
	else
		fprintf(stderr, "dtlshd: %s\n", line);
}
