// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz kernel/record13.c, cid12.c, inner.c and message.c: any bytes as a datagram
 * of any version, or as what a record had inside, against a second reading of
 * the RFCs that shares no code with the first. The first byte says what the
 * others are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cid12.h"
#include "message.h"
#include "record13.h"

#ifndef MUST
#define MUST(cond) do { if (!(cond)) abort(); } while (0)
#endif

/* Big-endian number of @n bytes, the slow way. */
static unsigned long long number13(const uint8_t *p, int n)
{
	unsigned long long v = 0;

	while (n--)
		v = v * 256 + *p++;
	return v;
}

/* A copy of just what may be read: ASan sees one byte more. */
static uint8_t *copy_of(const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	MUST(copy);
	if (len)
		memcpy(copy, p, len);
	return copy;
}

/* How a record is laid out, wherever its fields are. */
struct layout {
	size_t cid_off, cid_len, seq_off, seq_len, len_off, header, body;
};

/* RFC 9147 4, figure 3, field after field. */
static enum dtls_record_fault unified(const uint8_t *p, size_t left,
				      size_t cid_len, struct layout *l)
{
	memset(l, 0, sizeof(*l));
	if (left < 1)
		return DTLS_FAULT_SHORT;
	if (p[0] / 32 != 1)
		return DTLS_FAULT_TYPE;
	l->header = 1;
	l->cid_off = 1;
	if (p[0] / 16 % 2) {
		if (!cid_len)
			return DTLS_FAULT_CID;
		l->cid_len = cid_len;
		l->header += cid_len;
	}
	l->seq_off = l->header;
	l->seq_len = 1 + p[0] / 8 % 2;
	l->header += l->seq_len;
	l->len_off = l->header;
	if (p[0] / 4 % 2)
		l->header += 2;
	if (left < l->header)
		return DTLS_FAULT_SHORT;
	l->body = left - l->header;
	if (p[0] / 4 % 2) {
		l->body = number13(p + l->len_off, 2);
		if (l->header + l->body > left)
			return DTLS_FAULT_LENGTH;
	}
	if (l->body < 16)
		return DTLS_FAULT_RUNT;
	if (l->body > 16384 + 256)
		return DTLS_FAULT_OVERSIZE;
	return DTLS_FAULT_OK;
}

/* Numbers that could be meant: none is nearer, and none as near and higher. */
static void check_seq(uint64_t next, uint64_t seq, uint16_t low, uint8_t first)
{
	uint64_t span = first / 8 % 2 ? 65536 : 256, c, d, far;
	int k;

	MUST(seq < 1ULL << 48 && seq % span == low);
	far = seq > next ? seq - next : next - seq;
	for (k = -2; k <= 2; k++) {
		c = seq + (uint64_t)(int64_t)k * span;
		if (c >= 1ULL << 48)
			continue;
		d = c > next ? c - next : next - c;
		MUST(d >= far && (d != far || c <= seq));
	}
}

static size_t cipher13(const uint8_t *p, size_t left, size_t cid_len,
		       uint64_t next)
{
	struct dtls_record13_hdr h;
	uint8_t wire[64], masked[2], *head;
	enum dtls_record_fault fault;
	struct layout l;
	size_t avail;
	uint16_t low;

	avail = left < 5 + cid_len ? left : 5 + cid_len;
	head = copy_of(p, avail);
	fault = dtls_record13_parse(head, avail, left, cid_len, &h);
	MUST(fault == unified(p, left, cid_len, &l));
	free(head);
	if (fault != DTLS_FAULT_OK && !dtls_record13_skippable(fault))
		return 0;
	MUST(h.first == p[0] && h.hdr_len == l.header && h.len == l.body);
	MUST(h.cid_len == l.cid_len);

	low = dtls_record13_low(p + l.seq_off, h.first);
	MUST(low == number13(p + l.seq_off, l.seq_len));
	check_seq(next, dtls_record13_seq(next, low, h.first), low, h.first);
	MUST(dtls_record13_epoch(next, h.first) % 4 == p[0] % 4);

	/* taken apart and put together again it is the same */
	MUST(dtls_record13_put_hdr(wire, h.first & DTLS_RECORD13_FORM,
				   p + l.cid_off, l.cid_len, p[0] % 4, low,
				   h.len) == l.header);
	MUST(!memcmp(wire, p, l.header));
	memcpy(masked, p + l.seq_off, l.seq_len);
	dtls_record13_mask(wire + l.seq_off, h.first, (const uint8_t *)"\xa5\x5a");
	MUST((masked[0] ^ 0xa5) == wire[l.seq_off]);
	MUST(l.seq_len == 1 || (masked[1] ^ 0x5a) == wire[l.seq_off + 1]);
	MUST(!memcmp(wire + l.seq_off + l.seq_len, p + l.seq_off + l.seq_len,
		     l.header - l.seq_off - l.seq_len));
	return l.header + l.body;
}

static size_t plain13(const uint8_t *p, size_t left)
{
	size_t avail = left < 13 ? left : 13;
	uint8_t *head = copy_of(p, avail);
	enum dtls_record_fault fault;
	struct dtls_record_hdr h;

	fault = dtls_record13_parse_plain(head, avail, left, &h);
	free(head);
	if (left < 13) {
		MUST(fault == DTLS_FAULT_SHORT);
		return 0;
	}
	MUST(fault != DTLS_FAULT_TYPE);
	if (13 + number13(p + 11, 2) > left) {
		MUST(fault == DTLS_FAULT_LENGTH);
		return 0;
	}
	MUST(fault == (number13(p + 3, 2) ? DTLS_FAULT_EPOCH :
		       number13(p + 11, 2) > 16384 ? DTLS_FAULT_OVERSIZE :
						     DTLS_FAULT_OK));
	MUST(h.type == p[0] && h.epoch == number13(p + 3, 2));
	MUST(h.seq == number13(p + 5, 6) && h.len == number13(p + 11, 2));
	return 13 + h.len;
}

static size_t cid12(const uint8_t *p, size_t left, size_t cid_len)
{
	size_t header = 13 + cid_len, avail = left < header ? left : header;
	uint8_t *head = copy_of(p, avail), wire[64], aad[64];
	enum dtls_record_fault fault;
	struct dtls_record_hdr h;

	fault = dtls_cid12_parse(head, avail, left, cid_len, &h);
	free(head);
	if (!cid_len) {
		MUST(fault == DTLS_FAULT_CID);
		return 0;
	}
	if (left < header) {
		MUST(fault == DTLS_FAULT_SHORT);
		return 0;
	}
	if (header + number13(p + header - 2, 2) > left) {
		MUST(fault == DTLS_FAULT_LENGTH);
		return 0;
	}
	MUST(fault == (number13(p + 1, 2) == 0xfefd ? DTLS_FAULT_OK :
						      DTLS_FAULT_VERSION));
	MUST(h.epoch == number13(p + 3, 2) && h.seq == number13(p + 5, 6));
	MUST(h.hdr_len == header && h.len == number13(p + header - 2, 2));
	if (fault == DTLS_FAULT_OK) {
		dtls_cid12_put_hdr(wire, h.epoch, h.seq, p + 11, cid_len,
				   h.len);
		MUST(!memcmp(wire, p, header));
		dtls_cid12_put_aad(aad, h.epoch, h.seq, p + 11, cid_len,
				   h.len);
		MUST(number13(aad, 8) == ~0ULL && aad[8] == 25);
		MUST(aad[9] == cid_len && aad[10] == 25);
		MUST(!memcmp(aad + 11, p + 1, header - 1));
	}
	return header + h.len;
}

/* Record after record, as their first bytes say. */
static void datagram(const uint8_t *p, size_t left, size_t cid_len,
		     uint64_t next)
{
	enum dtls_record13_kind kind;
	size_t n;

	while (left) {
		kind = dtls_record13_kind(p[0]);
		switch (kind) {
		case DTLS_KIND_13:
			MUST(p[0] > 31 && p[0] < 64);
			n = cipher13(p, left, cid_len, next);
			break;
		case DTLS_KIND_PLAIN:
			MUST(p[0] == 21 || p[0] == 22 || p[0] == 26);
			n = plain13(p, left);
			break;
		case DTLS_KIND_CID12:
			MUST(p[0] == 25);
			n = cid12(p, left, cid_len);
			break;
		case DTLS_KIND_12:
			MUST(p[0] == 20 || p[0] == 23 || p[0] == 24);
			return;
		default:
			MUST(p[0] < 20 || p[0] > 63 ||
			     (p[0] > 26 && p[0] < 32));
			return;
		}
		MUST(n <= left);
		if (!n)
			return;
		p += n;
		left -= n;
	}
}

static void inner(const uint8_t *p, size_t len)
{
	uint8_t type = 0, *copy = copy_of(p, len);
	int ret = dtls_inner_strip(copy, len, &type);
	size_t n = len;

	while (n && !p[n - 1])
		n--;
	MUST(ret == (int)n - 1);
	MUST(!n || type == p[n - 1]);
	free(copy);
}

static void ack(const uint8_t *p, size_t len)
{
	struct dtls_message_number got[64] = {};
	uint8_t *copy = copy_of(p, len), *again;
	int ret, i;

	ret = dtls_message_parse_ack(copy, len);
	if (len < 2 || number13(p, 2) + 2 != len || len % 16 != 2) {
		MUST(ret == -1);
		free(copy);
		return;
	}
	MUST(ret >= 0 && 2 + (size_t)ret * 16 == len);
	for (i = 0; i < ret && i < 64; i++) {
		dtls_message_ack_entry(copy, i, &got[i]);
		MUST(got[i].epoch == number13(p + 2 + i * 16, 8));
		MUST(got[i].seq == number13(p + 10 + i * 16, 8));
		MUST(dtls_message_acked(copy, ret, got[i].epoch, got[i].seq));
	}
	if (ret <= 64) {
		again = malloc(len);
		MUST(again);
		MUST(dtls_message_put_ack(again, got, ret) == len);
		MUST(!memcmp(again, p, len));
		free(again);
	}
	free(copy);
}

/* RFC 9147 9: the IDs, one after the other, must use up just their list. */
static bool well_formed(const uint8_t *body, size_t len)
{
	size_t off = 2;

	if (len < 3 || number13(body, 2) + 3 != len || body[len - 1] > 1)
		return false;
	while (off < len - 1)
		off += 1 + body[off];
	return off == len - 1;
}

static void body(const struct dtls_message *m, const uint8_t *p)
{
	bool whole = m->frag_off == 0 && m->frag_len == m->len;
	uint8_t *copy = copy_of(p, m->frag_len), wire[13];
	struct dtls_message_cid list;
	size_t used = 2;
	int ret;

	MUST(dtls_message_whole(m) == whole);
	ret = dtls_message_key_update(m, copy);
	MUST(ret == (m->type == 24 && whole && m->len == 1 && p[0] < 2 ? p[0] :
									 -1));
	if (ret >= 0) {
		dtls_message_put_key_update(wire, m->seq, ret);
		MUST(!memcmp(wire, p - 12, 13));
	}
	ret = dtls_message_request_cid(m, copy);
	MUST(ret == (m->type == 9 && whole && m->len == 1 ? p[0] : -1));
	ret = dtls_message_new_cid(m, copy, &list);
	if (m->type != 10 || !whole || !well_formed(p, m->len)) {
		MUST(ret == -1 && !dtls_message_next_cid(&list));
		free(copy);
		return;
	}
	MUST(ret == p[m->len - 1]);
	while (dtls_message_next_cid(&list)) {
		MUST(list.len == p[used] && list.cid == copy + used + 1);
		used += 1 + list.len;
	}
	MUST(used == m->len - 1);
	free(copy);
}

static void messages(const uint8_t *p, size_t left)
{
	struct dtls_message m;
	uint8_t *copy, wire[12];
	int ret;

	while (left) {
		copy = copy_of(p, left);
		ret = dtls_message_parse(copy, left, &m);
		free(copy);
		if (left < 12 || number13(p + 9, 3) + 12 > left ||
		    number13(p + 6, 3) + number13(p + 9, 3) > number13(p + 1, 3)) {
			MUST(ret == -1);
			return;
		}
		MUST(ret == 12 + (int)number13(p + 9, 3));
		MUST(m.type == p[0] && m.len == number13(p + 1, 3));
		MUST(m.seq == number13(p + 4, 2));
		MUST(m.frag_off == number13(p + 6, 3));
		MUST(m.frag_len == number13(p + 9, 3));
		dtls_message_put_hdr(wire, &m);
		MUST(!memcmp(wire, p, 12));
		body(&m, p + 12);
		p += ret;
		left -= ret;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t next;

	if (!size)
		return 0;
	switch (data[0] % 64) {
	default:	/* how long connection IDs are */
		if (size < 9)
			break;
		next = number13(data + 1, 8) % ((1ULL << 48) + 1);
		datagram(data + 9, size - 9, data[0] % 33, next);
		break;
	case 61:
		inner(data + 1, size - 1);
		break;
	case 62:
		ack(data + 1, size - 1);
		break;
	case 63:
		messages(data + 1, size - 1);
		break;
	}
	return 0;
}
