/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page that stops whoever touches it, in the kernel as well, until the test
 * lets him go on: for what must be so while a call is half way through.
 */
#ifndef SELFTESTS_LIB_STALL_H
#define SELFTESTS_LIB_STALL_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct stall {
	int fd;
	__u8 *page;
	size_t len;
};

/* False if this kernel has no userfaultfd. */
bool stall_open(struct stall *s);
void stall_close(struct stall *s);
/* Returns once somebody is stopped. */
void stall_wait(struct stall *s);
/* The page is there now, and holds @data, @s->len bytes. */
void stall_end(struct stall *s, const void *data);

#endif /* SELFTESTS_LIB_STALL_H */
