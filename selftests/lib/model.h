/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a receiver has to make of datagrams, slowly and with the oracle's
 * cipher: which records are delivered, and which counter each other one moves.
 * For peers that send application data only.
 */
#ifndef SELFTESTS_LIB_MODEL_H
#define SELFTESTS_LIB_MODEL_H

#include "oracle.h"

#define MODEL_EPOCHS	3

enum model_counter {
	MODEL_RECORDS,
	MODEL_BYTES,
	MODEL_SHORT,
	MODEL_VERSION,
	MODEL_TYPE,
	MODEL_LENGTH,
	MODEL_EPOCH,
	MODEL_REPLAY,
	MODEL_OLD,
	MODEL_AUTH,
	MODEL_OVERSIZE,
	MODEL_CHECKSUM,		/* for whoever models UDP as well */
	MODEL_COUNTERS
};

struct model_epoch {
	struct oracle_key key;		/* key.seq: all below counts as seen */
	__u64 next;
	__u64 seen[DTLS_WINDOW_DEFAULT];	/* above key.seq, in any order */
	unsigned int nr_seen;
	__u64 records, bytes, replay, auth;
};

struct model {
	struct model_epoch epoch[MODEL_EPOCHS];	/* the newest first */
	unsigned int nr_epochs;
	unsigned int window;		/* records; 0: the default */
	unsigned long long count[MODEL_COUNTERS];
};

typedef void model_deliver(void *arg, const struct oracle_record *r);

/* As DTLS_RX. */
void model_keys(struct model *m, const struct oracle_key *k);
void model_datagram(struct model *m, const void *data, size_t len,
		    model_deliver *deliver, void *arg);
const char *model_counter_name(enum model_counter c);

/*
 * The counters of this namespace are the sum of what the models count, and all
 * others of receiving are zero. Dies if it is not so. Settles nothing.
 */
void model_check_counters(const struct model *models, unsigned int nr);
/* What DTLS_RX says of the newest epoch is what the model has. */
void model_check_state(const struct model *m, int fd);

#endif /* SELFTESTS_LIB_MODEL_H */
