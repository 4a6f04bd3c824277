/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sealed records with known keys. The RFCs print none for DTLS 1.2, so these
 * were made with GnuTLS 3.7's AEAD: a third implementation next to the kernel's
 * and to the oracle's.
 */
#ifndef SELFTESTS_LIB_VECTORS_H
#define SELFTESTS_LIB_VECTORS_H

#include "oracle.h"

struct record_vector {
	__u16 suite;
	__u64 seq;
	const char *plain;
	const char *record;
	size_t len;
};

extern const struct record_vector record_vectors[];
extern const unsigned int nr_record_vectors;

/* Key, IV and epoch of all of them. */
void vector_key(const struct record_vector *v, struct oracle_key *k);

#endif /* SELFTESTS_LIB_VECTORS_H */
