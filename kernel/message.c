// SPDX-License-Identifier: GPL-2.0-only
/*
 * What goes on after the handshake of DTLS 1.3: its messages, and ACKs.
 *
 * As record.c: no sk_buff, socket, lock, allocation or cipher. What is read here
 * has been authenticated, and may be nonsense all the same.
 */
#include "message.h"

static u32 dtls_message_get_be24(const u8 *p)
{
	return (u32)p[0] << 16 | p[1] << 8 | p[2];
}

static void dtls_message_put_be24(u8 *p, u32 val)
{
	p[0] = val >> 16 & 0xff;
	p[1] = val >> 8 & 0xff;
	p[2] = val & 0xff;
}

/**
 * dtls_message_parse() - read the header of a message, or of a part of one
 * @buf:  where it begins in the content of a handshake record
 * @left: bytes from there to the end of the content
 * @msg:  filled, with zeros for errors; its part of the body is at @buf and
 *        %DTLS_MESSAGE_HDR
 *
 * "multiple handshake messages may be placed in the same DTLS record" (RFC 9147
 * 5.5): call it until all of the content has been passed. A message may end in
 * another record, but each of its parts lies in one.
 *
 * Context: any.
 * Return: bytes of header and body, to pass to the next message; or -1 if the
 * content ends before the message does, or the part lies outside of it.
 */
int dtls_message_parse(const u8 *buf, size_t left, struct dtls_message *msg)
{
	if (left < DTLS_MESSAGE_HDR)
		goto bad;
	msg->type = buf[0];
	msg->len = dtls_message_get_be24(buf + 1);
	msg->seq = dtls_record_get_be16(buf + 4);
	msg->frag_off = dtls_message_get_be24(buf + 6);
	msg->frag_len = dtls_message_get_be24(buf + 9);
	if (msg->frag_len > left - DTLS_MESSAGE_HDR ||
	    msg->frag_off > msg->len ||
	    msg->frag_len > msg->len - msg->frag_off)
		goto bad;
	return DTLS_MESSAGE_HDR + msg->frag_len;
bad:
	memset(msg, 0, sizeof(*msg));
	return -1;
}

/**
 * dtls_message_put_hdr() - write the header of a message, or of a part of one
 * @buf: where, %DTLS_MESSAGE_HDR bytes
 * @msg: what to write
 *
 * Context: any.
 */
void dtls_message_put_hdr(u8 *buf, const struct dtls_message *msg)
{
	buf[0] = msg->type;
	dtls_message_put_be24(buf + 1, msg->len);
	dtls_record_put_be16(buf + 4, msg->seq);
	dtls_message_put_be24(buf + 6, msg->frag_off);
	dtls_message_put_be24(buf + 9, msg->frag_len);
}

/**
 * dtls_message_put_key_update() - write a KeyUpdate
 * @buf:     where, %DTLS_MESSAGE_KEY_UPDATE_LEN bytes
 * @seq:     message_seq, the next of this direction
 * @request: %DTLS_MESSAGE_UPDATE_REQUESTED or %DTLS_MESSAGE_UPDATE_NOT_REQUESTED
 *
 * Context: any.
 */
void dtls_message_put_key_update(u8 *buf, u16 seq, u8 request)
{
	struct dtls_message msg = {
		.type = DTLS_MESSAGE_KEY_UPDATE,
		.seq = seq,
		.len = 1,
		.frag_len = 1,
	};

	dtls_message_put_hdr(buf, &msg);
	buf[DTLS_MESSAGE_HDR] = request;
}

/**
 * dtls_message_key_update() - read a KeyUpdate
 * @msg:  its header
 * @body: what follows the header
 *
 * Context: any.
 * Return: %DTLS_MESSAGE_UPDATE_REQUESTED or %DTLS_MESSAGE_UPDATE_NOT_REQUESTED;
 * or -1 if it is no whole KeyUpdate, or has another value, for which RFC 8446
 * 4.6.3 wants an illegal_parameter alert.
 */
int dtls_message_key_update(const struct dtls_message *msg, const u8 *body)
{
	if (msg->type != DTLS_MESSAGE_KEY_UPDATE || msg->len != 1 ||
	    !dtls_message_whole(msg) || body[0] > DTLS_MESSAGE_UPDATE_REQUESTED)
		return -1;
	return body[0];
}

/**
 * dtls_message_request_cid() - read a RequestConnectionId
 * @msg:  its header
 * @body: what follows the header
 *
 * Context: any.
 * Return: how many connection IDs are asked for, or -1 if it is no whole
 * RequestConnectionId.
 */
int dtls_message_request_cid(const struct dtls_message *msg, const u8 *body)
{
	if (msg->type != DTLS_MESSAGE_REQUEST_CID || msg->len != 1 ||
	    !dtls_message_whole(msg))
		return -1;
	return body[0];
}

/**
 * dtls_message_put_request_cid() - write a RequestConnectionId
 * @buf:   where, %DTLS_MESSAGE_REQUEST_CID_LEN bytes
 * @seq:   message_seq, the next of this direction
 * @count: how many connection IDs are asked for
 *
 * Context: any.
 */
void dtls_message_put_request_cid(u8 *buf, u16 seq, u8 count)
{
	struct dtls_message msg = {
		.type = DTLS_MESSAGE_REQUEST_CID,
		.seq = seq,
		.len = 1,
		.frag_len = 1,
	};

	dtls_message_put_hdr(buf, &msg);
	buf[DTLS_MESSAGE_HDR] = count;
}

/**
 * dtls_message_new_cid() - read a NewConnectionId
 * @msg:  its header
 * @body: what follows the header
 * @list: set up for dtls_message_next_cid(), which need not look whether
 *        something is wrong
 *
 * Context: any.
 * Return: %DTLS_MESSAGE_CID_IMMEDIATE or %DTLS_MESSAGE_CID_SPARE, or -1 if it is
 * no whole and well-formed NewConnectionId.
 */
int dtls_message_new_cid(const struct dtls_message *msg, const u8 *body,
			 struct dtls_message_cid *list)
{
	unsigned int off;

	memset(list, 0, sizeof(*list));
	/* opaque ConnectionId<0..2^8-1> cids<0..2^16-1>, and usage */
	if (msg->type != DTLS_MESSAGE_NEW_CID || !dtls_message_whole(msg) ||
	    msg->len < 3 || dtls_record_get_be16(body) != msg->len - 3 ||
	    body[msg->len - 1] > DTLS_MESSAGE_CID_SPARE)
		return -1;
	for (off = 2; off < msg->len - 1; off += 1 + body[off])
		if (body[off] > msg->len - 1 - off - 1)
			return -1;
	list->next = body + 2;
	list->left = msg->len - 3;
	return body[msg->len - 1];
}

/**
 * dtls_message_whole_cids() - how much of a list can be read
 * @cids: the first connection ID, with its length in front
 * @have: bytes that are there; the list may go on
 *
 * Context: any.
 * Return: bytes up to the end of the last connection ID that is all there.
 */
unsigned int dtls_message_whole_cids(const u8 *cids, unsigned int have)
{
	unsigned int off = 0;

	while (off < have && cids[off] < have - off)
		off += 1 + cids[off];
	return off;
}

/**
 * dtls_message_next_cid() - the next connection ID of a list
 * @list: place in it
 *
 * Context: any.
 * Return: true with it in @list; false at the end.
 */
bool dtls_message_next_cid(struct dtls_message_cid *list)
{
	if (!list->left)
		return false;
	list->len = list->next[0];
	list->cid = list->next + 1;
	list->next += 1 + list->len;
	list->left -= 1 + list->len;
	return true;
}

/**
 * dtls_message_put_new_cid() - write a NewConnectionId
 * @buf:     where, %DTLS_MESSAGE_NEW_CID_LEN bytes
 * @seq:     message_seq, the next of this direction
 * @cids:    connection IDs
 * @stride:  bytes from one of them to the next
 * @count:   how many
 * @cid_len: bytes of each
 * @usage:   %DTLS_MESSAGE_CID_IMMEDIATE or %DTLS_MESSAGE_CID_SPARE
 *
 * Context: any.
 * Return: bytes written.
 */
size_t dtls_message_put_new_cid(u8 *buf, u16 seq, const u8 *cids,
				unsigned int stride, unsigned int count,
				u8 cid_len, u8 usage)
{
	struct dtls_message msg = {
		.type = DTLS_MESSAGE_NEW_CID,
		.seq = seq,
		.len = 3 + count * (1 + cid_len),
	};
	u8 *p = buf + DTLS_MESSAGE_HDR;

	msg.frag_len = msg.len;
	dtls_message_put_hdr(buf, &msg);
	dtls_record_put_be16(p, msg.len - 3);
	p += 2;
	for (; count; count--, cids += stride) {
		*p++ = cid_len;
		memcpy(p, cids, cid_len);
		p += cid_len;
	}
	*p++ = usage;
	return p - buf;
}

/**
 * dtls_message_parse_ack() - look at an ACK
 * @body: content of a record of type ACK
 * @len:  bytes of it
 *
 * RFC 9147 7 wants the records "in numerically increasing order", which is not
 * looked at: they mean the same in any.
 *
 * Context: any.
 * Return: how many records it names, which may be none; or -1 if it is no ACK.
 */
int dtls_message_parse_ack(const u8 *body, size_t len)
{
	if (len < DTLS_MESSAGE_ACK_HDR ||
	    dtls_record_get_be16(body) != len - DTLS_MESSAGE_ACK_HDR ||
	    (len - DTLS_MESSAGE_ACK_HDR) % DTLS_MESSAGE_ACK_ENTRY)
		return -1;
	return (len - DTLS_MESSAGE_ACK_HDR) / DTLS_MESSAGE_ACK_ENTRY;
}

/**
 * dtls_message_acked() - does an ACK name a record
 * @body:  the ACK
 * @count: records in it, as dtls_message_parse_ack() says
 * @epoch: epoch of the record
 * @seq:   its sequence number
 *
 * Context: any.
 * Return: true if it does.
 */
bool dtls_message_acked(const u8 *body, unsigned int count, u64 epoch, u64 seq)
{
	struct dtls_message_number entry;
	unsigned int i;

	for (i = 0; i < count; i++) {
		dtls_message_ack_entry(body, i, &entry);
		if (entry.epoch == epoch && entry.seq == seq)
			return true;
	}
	return false;
}

/**
 * dtls_message_put_ack() - write an ACK
 * @buf:     where, %DTLS_MESSAGE_ACK_LEN bytes
 * @records: records to name, "in numerically increasing order"
 * @count:   how many, up to 4095
 *
 * Context: any.
 * Return: bytes written.
 */
size_t dtls_message_put_ack(u8 *buf, const struct dtls_message_number *records,
			    unsigned int count)
{
	u8 *p = buf + DTLS_MESSAGE_ACK_HDR;
	unsigned int i;

	dtls_record_put_be16(buf, count * DTLS_MESSAGE_ACK_ENTRY);
	for (i = 0; i < count; i++) {
		dtls_record_put_be64(p, records[i].epoch);
		dtls_record_put_be64(p + 8, records[i].seq);
		p += DTLS_MESSAGE_ACK_ENTRY;
	}
	return p - buf;
}
