/* SPDX-License-Identifier: GPL-2.0-only */
/* What goes on after the handshake of DTLS 1.3: its messages, and ACKs; pure. */
#ifndef _DTLS_MESSAGE_H
#define _DTLS_MESSAGE_H

#include "record.h"

/* RFC 9147 5.2: header of each message, or of each fragment of one. */
#define DTLS_MESSAGE_HDR	12

/* Messages that may come after the handshake. */
#define DTLS_MESSAGE_TICKET		4	/* NewSessionTicket */
#define DTLS_MESSAGE_REQUEST_CID	9	/* RequestConnectionId */
#define DTLS_MESSAGE_NEW_CID		10	/* NewConnectionId */
#define DTLS_MESSAGE_CERT_REQUEST	13	/* CertificateRequest */
#define DTLS_MESSAGE_KEY_UPDATE		24	/* KeyUpdate */

/* RFC 8446 4.6.3 */
#define DTLS_MESSAGE_UPDATE_NOT_REQUESTED	0
#define DTLS_MESSAGE_UPDATE_REQUESTED		1
#define DTLS_MESSAGE_KEY_UPDATE_LEN		(DTLS_MESSAGE_HDR + 1)

/* RFC 9147 9 */
#define DTLS_MESSAGE_CID_IMMEDIATE	0
#define DTLS_MESSAGE_CID_SPARE		1
#define DTLS_MESSAGE_REQUEST_CID_LEN	(DTLS_MESSAGE_HDR + 1)
#define DTLS_MESSAGE_NEW_CID_LEN(count, cid_len) \
	(DTLS_MESSAGE_HDR + 3 + (count) * (1 + (cid_len)))

/* RFC 9147 7: an ACK has a length, and pairs of 64-bit numbers. */
#define DTLS_MESSAGE_ACK_HDR	2
#define DTLS_MESSAGE_ACK_ENTRY	16
#define DTLS_MESSAGE_ACK_LEN(count) \
	(DTLS_MESSAGE_ACK_HDR + (count) * DTLS_MESSAGE_ACK_ENTRY)

/**
 * struct dtls_message - header of a handshake message, or of a part of it
 * @len:      length of the whole message, bytes
 * @frag_off: where in it this part begins
 * @frag_len: length of this part, which follows the header
 * @seq:      message_seq
 * @type:     handshake type: DTLS_MESSAGE_*
 */
struct dtls_message {
	u32	len;
	u32	frag_off;
	u32	frag_len;
	u16	seq;
	u8	type;
};

/**
 * struct dtls_message_number - a record, as ACKs name it
 * @epoch: epoch
 * @seq:   sequence number
 */
struct dtls_message_number {
	u64	epoch;
	u64	seq;
};

/**
 * struct dtls_message_cid - a place in the list of a NewConnectionId
 * @cid:  connection ID
 * @next: the rest of the list
 * @left: bytes of it
 * @len:  bytes of @cid, 0 to 255
 */
struct dtls_message_cid {
	const u8	*cid;
	const u8	*next;
	unsigned int	left;
	u8		len;
};

int dtls_message_parse(const u8 *buf, size_t left, struct dtls_message *msg);
void dtls_message_put_hdr(u8 *buf, const struct dtls_message *msg);
void dtls_message_put_key_update(u8 *buf, u16 seq, u8 request);
int dtls_message_key_update(const struct dtls_message *msg, const u8 *body);
int dtls_message_request_cid(const struct dtls_message *msg, const u8 *body);
void dtls_message_put_request_cid(u8 *buf, u16 seq, u8 count);
int dtls_message_new_cid(const struct dtls_message *msg, const u8 *body,
			 struct dtls_message_cid *list);
unsigned int dtls_message_whole_cids(const u8 *cids, unsigned int have);
bool dtls_message_next_cid(struct dtls_message_cid *list);
size_t dtls_message_put_new_cid(u8 *buf, u16 seq, const u8 *cids,
				unsigned int stride, unsigned int count,
				u8 cid_len, u8 usage);
int dtls_message_parse_ack(const u8 *body, size_t len);
bool dtls_message_acked(const u8 *body, unsigned int count, u64 epoch, u64 seq);
size_t dtls_message_put_ack(u8 *buf, const struct dtls_message_number *records,
			    unsigned int count);

/**
 * dtls_message_whole() - is this all of a message
 * @msg: header
 *
 * Context: any.
 * Return: false for a fragment.
 */
static inline bool dtls_message_whole(const struct dtls_message *msg)
{
	return msg->frag_len == msg->len;
}

/**
 * dtls_message_ack_entry() - a record that an ACK names
 * @body:  the ACK, looked at with dtls_message_parse_ack()
 * @i:     which one, below the count that this returned
 * @entry: filled
 *
 * Context: any.
 */
static inline void dtls_message_ack_entry(const u8 *body, unsigned int i,
					  struct dtls_message_number *entry)
{
	const u8 *p = body + DTLS_MESSAGE_ACK_LEN(i);

	entry->epoch = dtls_record_get_be64(p);
	entry->seq = dtls_record_get_be64(p + 8);
}

#endif /* _DTLS_MESSAGE_H */
