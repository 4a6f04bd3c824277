/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Payload that tells of itself. Sends and records of the tests that use it are
 * whole numbers of cells, however they are cut and joined on the way; each cell
 * is sent once, so that whoever gets one a second time has found a replay.
 */
#ifndef SELFTESTS_LIB_CELLS_H
#define SELFTESTS_LIB_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct cell {
	__u64 magic;
	__u64 number;
	__u64 where;	/* direction of the connection, as the test counts them */
	__u64 check;
};

/* Must never be seen on the wire, and may be: no first byte of a record. */
#define CELL_SECRET	0xc0a51de5ec7e7ce1ULL
#define CELL_PLAIN	0xc0a51de50be7b1c2ULL

/* Before any fork: what has arrived is known to children, too. */
void cells_init(__u64 seed);
/* False if there are no more numbers. */
bool cells_make(struct cell *c, unsigned int n, __u64 magic, __u64 where);
/*
 * Dies unless these are whole cells of that direction, and, with @once, each
 * for the first time.
 */
void cells_check(const void *data, size_t len, __u64 where, bool once);
bool cell_arrived(const struct cell *c);
unsigned long cells_count(void);	/* that have arrived */

#endif /* SELFTESTS_LIB_CELLS_H */
