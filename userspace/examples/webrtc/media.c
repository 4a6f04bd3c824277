// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media.h"

void media_open(struct peer *p)
{
	(void)p;
}

void media_input(struct peer *p, uint8_t *buf, size_t len)
{
	(void)p;
	(void)buf;
	(void)len;
}

void media_close(struct peer *p)
{
	(void)p;
}
