/* SPDX-License-Identifier: GPL-2.0-only */
/* The way in, for those who walk it. */
#ifndef _DTLS_RX_H
#define _DTLS_RX_H

#include "peer.h"
#include "raw.h"
#include "record13.h"
#include "run.h"
#include "sock.h"
#include "stats.h"
#include "trace.h"
#include "work.h"

#define DTLS_RX_DIRECT	768	/* bytes of a record */

/* Not a reason to drop a record: it is too long for the caller, and queued. */
#define DTLS_RX_KEPT	((enum dtls_stat)(DTLS_STAT_COUNT + 1))

/* rx.c */
void dtls_rx_drop(struct dtls_sock *ds, enum dtls_stat why,
		  const struct dtls_record_hdr *hdr, unsigned int len);
enum dtls_stat dtls_rx_refused(enum dtls_replay_verdict verdict);
enum dtls_stat dtls_rx_failed(struct dtls_sock *ds, struct dtls_epoch *ep,
			      int err);

bool dtls_rx_admit(struct dtls_sock *ds, struct sk_buff *skb,
		   struct dtls_run *run);

/* rx13.c */
enum dtls_record_fault dtls_rx_parse(struct dtls_rx *rx, u32 left);
enum dtls_stat dtls_rx_open_inner(struct dtls_rx *rx, u32 max);

/**
 * dtls_rx_parse_usual() - read a header as the kernel and most others write it
 * @rx:   what is in hand
 * @left: bytes to the end of the datagram
 *
 * DTLS 1.3, with two bytes of number and a length, in one piece, and without
 * connection ID.
 *
 * Context: process.
 * Return: true, with the header in @rx->hdr; false if it is another, or not good,
 * which is for dtls_rx_parse() to say.
 */
static __always_inline bool dtls_rx_parse_usual(struct dtls_rx *rx, u32 left)
{
	struct dtls_record_hdr *hdr = &rx->hdr;
	struct dtls_assoc *assoc = rx->assoc;
	struct dtls_run *run = &rx->run;
	u32 in = run->off - run->piece_off;
	const u8 *buf = run->piece + in;
	u32 len;

	if (unlikely(rx->form != DTLS_FORM_13) || in >= run->piece_len ||
	    run->piece_len - in < DTLS_RECORD13_HDR ||
	    left < DTLS_RECORD13_HDR + DTLS_RECORD13_SAMPLE ||
	    (buf[0] & ~DTLS_RECORD13_EPOCH) !=
	    (DTLS_RECORD13_FIXED | DTLS_RECORD13_FORM) ||
	    assoc->more->rx_cid_len)
		return false;
	len = dtls_record_get_be16(buf + DTLS_RECORD13_HDR - 2);
	if (len < DTLS_RECORD13_SAMPLE || len > left - DTLS_RECORD13_HDR ||
	    len > DTLS_RECORD13_FRAGMENT_MAX)
		return false;
	hdr->seq = 0;
	hdr->epoch = dtls_record13_epoch(READ_ONCE(assoc->rx_last), buf[0]);
	hdr->version = 0;
	hdr->len = len;
	hdr->hdr_len = DTLS_RECORD13_HDR;
	hdr->type = buf[0];
	rx->whole = run->piece_len - in >= DTLS_RECORD13_HDR + len ? buf : NULL;
	return true;
}

/*
 * May a record be opened out of place, without a copy? Not where somebody may
 * write what the cipher reads: it reads twice, once for the tag, and once for
 * the plaintext. And not where that costs more than the copy: with a small
 * record, or one that straddles pages.
 */
static inline bool dtls_rx_direct(const struct dtls_run *run, const u8 *from, u32 len)
{
	return run->calm && len >= DTLS_RX_DIRECT &&
	       offset_in_page(from) + len <= PAGE_SIZE;
}

/**
 * dtls_rx_peer() - whose is what has just been taken
 * @rx: dtls_rx_next() has returned 0
 *
 * Context: process. Return: identifier of the peer; 0 on a connected socket, and
 * for a raw datagram: that only says from where it is.
 */
static inline u64 dtls_rx_peer(const struct dtls_rx *rx)
{
	return likely(rx->plain.type != DTLS_TYPE_RAW) ? dtls_peer_id(rx->assoc) :
							 0;
}

/**
 * dtls_rx_fragment() - get at what follows the header
 * @rx:   the record, with its header read
 * @frag: where it is to be opened, with room for all of it
 *
 * Context: process.
 * Return: @frag, with a copy; memory that nobody writes meanwhile; or NULL if no
 * CPU can read it: memory of a device.
 */
static __always_inline const u8 *
dtls_rx_fragment(struct dtls_rx *rx, u8 *frag)
{
	const struct dtls_record_hdr *hdr = &rx->hdr;
	const u8 *from;

	from = dtls_run_bytes(&rx->run, rx->run.off + hdr->hdr_len, frag,
			      hdr->len);
	if (from && from != frag && !dtls_rx_direct(&rx->run, from, hdr->len)) {
		memcpy(frag, from, hdr->len);
		from = frag;
	}
	return from;
}

/**
 * dtls_rx_accept() - a record is authentic, and new: it is what the caller gets
 * @rx:   the record, with its header read
 * @type: content type
 * @data: plaintext
 * @len:  bytes of it
 *
 * Context: process.
 */
static __always_inline void dtls_rx_accept(struct dtls_rx *rx, u8 type,
					   const u8 *data, u32 len)
{
	const struct dtls_record_hdr *hdr = &rx->hdr;

	rx->plain.seq = hdr->seq;
	rx->plain.epoch = hdr->epoch;
	rx->plain.type = type;
	rx->plain.len = len;
	rx->plain.data = data;
	rx->records++;
	rx->bytes += len;
	rx->control += type != DTLS_TYPE_DATA;
	trace_dtls_record_received(rx->ds->sk, type, hdr->epoch, hdr->seq, len);
}

#endif /* _DTLS_RX_H */
