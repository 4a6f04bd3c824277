/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two connected sockets with keys of DTLS 1.3. The near end is always kdtls; the
 * far end is kdtls too, or a plain UDP socket and the oracle, which then knows
 * what a peer knows of ACKs and key updates.
 */
#ifndef SELFTESTS_LIB_FAR13_H
#define SELFTESTS_LIB_FAR13_H

#include "net.h"
#include "oracle13.h"
#include "pair.h"

/* RFC 8446 4 */
#define HS_NEW_SESSION_TICKET	4
#define HS_REQUEST_CID		9	/* RFC 9147 9, with the next */
#define HS_NEW_CID		10
#define HS_KEY_UPDATE		24
#define HS13_HEADER		12

/*
 * After a handshake: the near end is the client, whose Finished was message 1,
 * and the server's ACK of it took number 0 of epoch 3.
 */
#define EPOCH13		3
#define NEAR13_SEQ	0
#define FAR13_SEQ	1
#define NEAR13_MESSAGE	2
#define FAR13_MESSAGE	5

struct read13 {
	struct oracle13_key key;
	__u64 next;		/* one more than the highest number so far */
};

struct end13 {
	int fd;
	bool kernel;
	struct oracle13_key tx;
	/* the newest, the one before, that of the handshake; no suite: no key */
	struct read13 rx[3];
	__u16 tx_message, rx_message;	/* message_seq of the next */
	/* what a datagram holds besides the record that was taken */
	size_t left, at;
	__u8 dgram[65536];
};

struct pair13 {
	__u16 suite;
	struct end13 near, far;
};

/* The number of a record, as an ACK has it. */
struct number13 {
	__u64 epoch, seq;
};

/* Everything that has reached the far end. */
struct seen13 {
	unsigned int data, acks, updates, repeats, alerts, others;
	/* the last of each */
	struct number13 at;		/* data */
	size_t len;
	__u8 text[64];
	struct number13 update;		/* KeyUpdate, or a repeated one */
	__u8 request;
	__u8 alert[2];
	unsigned int nr_acked;
	struct number13 acked[64];
	/* of the others, the first ones: number, first byte, and what there is */
	struct {
		struct number13 at;
		__u8 first;
		size_t len;
		__u8 bytes[320];
	} other[16];
};

/* What OpenSSL does once, for a constructor: see oracle.c. */
void far13_warm(void);

/* Sockets and keys; nothing installed in the kernel. */
void pair13_prepare(struct pair13 *p, __u16 suite, int family, bool far_kernel);
/* The same with connection IDs: what the near end sends, and what it wants. */
void pair13_cids(struct pair13 *p, unsigned int sent, unsigned int wanted);
/* Attaches and installs both directions, of those ends that are kdtls. */
void pair13_install(struct pair13 *p);
void pair13_open(struct pair13 *p, __u16 suite, int family, bool far_kernel);
void pair13_close(struct pair13 *p);

void key13_fill(struct dtls_keys *k, const struct oracle13_key *o, __u16 message);
int key13_install(int fd, int option, const struct oracle13_key *o,
		  __u16 message);
/* Another secret for the direction from one end to the other, from number 0. */
void keys13_next(struct end13 *from, struct end13 *to, __u64 epoch);
/* What a record of this direction has more than its content, unpadded. */
size_t over13(const struct oracle13_key *k);

/* As end_send() and so on, of pair.h. */
ssize_t end13_send(struct end13 *e, const void *data, size_t len, int flags);
ssize_t end13_recv(struct end13 *e, void *data, size_t len, int flags);
ssize_t end13_send_type(struct end13 *e, __u8 type, const void *data, size_t len);
ssize_t end13_recv_type(struct end13 *e, __u8 *type, void *data, size_t len);
/* The next record that came to a plain socket; EBADMSG if it does not open. */
ssize_t oracle13_recv(struct end13 *e, struct oracle13_record *r, int flags);
/* Sends the bytes as they are. */
void end13_post(struct end13 *e, const void *data, size_t len);

/* A message, or that part of it, with its header. Returns the size. */
size_t message13(void *out, __u8 type, __u16 message, const void *body,
		 size_t len, size_t off, size_t part);
/* A whole message in a record of its own; its number is returned. */
struct number13 far13_message(struct end13 *e, __u8 type, const void *body,
			      size_t len);
struct number13 far13_update(struct end13 *e, __u8 request);
/* The keys that follow: after the other end has acknowledged. */
void far13_next_keys(struct end13 *e);
void far13_ack(struct end13 *e, const struct number13 *n, unsigned int nr);

/*
 * Takes all that has come, without waiting, and adds it up. A new KeyUpdate must
 * be well formed and the next in order; its keys are taken from then on, with
 * the old ones kept. One that comes again is counted as repeated: its timer
 * depends on the machine.
 */
void far13_collect(struct end13 *e, struct seen13 *s);
/* The same, of one record that may be waited for. */
void far13_take(struct end13 *e, struct seen13 *s, int flags);
bool seen13_acked(const struct seen13 *s, struct number13 n);
/* Nothing has come but repeated KeyUpdates. */
bool far13_silent(struct end13 *e);

#endif /* SELFTESTS_LIB_FAR13_H */
