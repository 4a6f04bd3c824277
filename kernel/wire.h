/* SPDX-License-Identifier: GPL-2.0-only */
/* Sealed records on their way to UDP. */
#ifndef _DTLS_WIRE_H
#define _DTLS_WIRE_H

#include <linux/bvec.h>
#include <linux/mm.h>
#include <linux/socket.h>
#include <linux/uio.h>

#include "work.h"

/*
 * What one call of the base may carry: UDP_MAX_SEGMENTS of the oldest kernel,
 * and the largest payload of IPv4 with room for options.
 */
#define DTLS_WIRE_RECORDS	64
#define DTLS_WIRE_BYTES		65000

/*
 * Pieces of memory that so many bytes may lie in: pages, at worst. No more than
 * an sk_buff has room for (MAX_SKB_FRAGS is 17, if nobody made it more).
 */
#define DTLS_WIRE_VECS		(DIV_ROUND_UP(DTLS_WIRE_BYTES, PAGE_SIZE) + 1)

/**
 * struct dtls_wire - memory for sealed records, one behind the other
 * @vec:  the pieces; each owns a reference to its page
 * @nvec: how many there are
 * @cur:  piece that the next record begins in
 * @off:  and where in it
 * @len:  bytes of records there are
 */
struct dtls_wire {
	struct bio_vec	vec[DTLS_WIRE_VECS];
	unsigned int	nvec;
	unsigned int	cur;
	unsigned int	off;
	size_t		len;
};

int dtls_wire_reserve(struct dtls_wire *wire, struct dtls_work *work,
		      size_t len, size_t first, unsigned int front);
u8 *dtls_wire_place(struct dtls_wire *wire, size_t len);
void dtls_wire_add(struct dtls_wire *wire, size_t len);
void dtls_wire_copy(struct dtls_wire *wire, const u8 *record, size_t len);
void dtls_wire_release(struct dtls_wire *wire);

#endif /* _DTLS_WIRE_H */
