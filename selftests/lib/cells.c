// SPDX-License-Identifier: GPL-2.0-only
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "cells.h"
#include "die.h"

#define CELLS_MAX	(256UL << 20)

struct cells {
	atomic_ulong next, arrived;
	__u64 seed;
	atomic_uchar seen[CELLS_MAX / 8];
};

static struct cells *cells;

static __u64 cell_sum(const struct cell *c)
{
	__u64 z = c->magic ^ c->number * 0x9e3779b97f4a7c15ULL ^
		  c->where * 0xbf58476d1ce4e5b9ULL ^ cells->seed;

	z = (z ^ (z >> 30)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void cells_init(__u64 seed)
{
	cells = mmap(NULL, sizeof(*cells), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (cells == MAP_FAILED)
		die("no memory");
	cells->seed = seed;
}

bool cells_make(struct cell *c, unsigned int n, __u64 magic, __u64 where)
{
	__u64 number = atomic_fetch_add(&cells->next, n);
	unsigned int i;

	if (number + n >= CELLS_MAX)
		return false;
	for (i = 0; i < n; i++) {
		c[i].magic = magic;
		c[i].number = number + i;
		c[i].where = where;
		c[i].check = cell_sum(&c[i]);
	}
	return true;
}

static void cell_check(const struct cell *c, __u64 where)
{
	if ((c->magic != CELL_SECRET && c->magic != CELL_PLAIN) ||
	    c->number >= CELLS_MAX || c->check != cell_sum(c))
		die("not authentic: %016llx %016llx %016llx %016llx", c->magic,
		    c->number, c->where, c->check);
	if (c->where != where)
		die("cell %llu is for %llu, and came to %llu", c->number,
		    c->where, where);
}

void cells_check(const void *data, size_t len, __u64 where, bool once)
{
	const __u8 *p = data;
	unsigned int bit;
	struct cell c;
	size_t i;

	if (len % sizeof(c))
		die("a cell in pieces: %zu bytes", len);
	for (i = 0; i < len; i += sizeof(c)) {
		memcpy(&c, p + i, sizeof(c));
		cell_check(&c, where);
		if (!once)
			continue;
		bit = 1 << c.number % 8;
		if (atomic_fetch_or(&cells->seen[c.number / 8], bit) & bit)
			die("cell %llu twice", c.number);
		atomic_fetch_add(&cells->arrived, 1);
	}
}

bool cell_arrived(const struct cell *c)
{
	return atomic_load(&cells->seen[c->number / 8]) & 1 << c->number % 8;
}

unsigned long cells_count(void)
{
	return atomic_load(&cells->arrived);
}
