// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way in for records whose content type is inside of the encryption: those of
 * DTLS 1.3 (RFC 9147), and of DTLS 1.2 with connection IDs (RFC 9146).
 */
#include "cid12.h"
#include "connid.h"
#include "control.h"
#include "peer.h"
#include "record13.h"
#include "rx.h"
#include "update.h"

/* A record of DTLS 1.3, or one in the clear from before there were keys. */
static enum dtls_record_fault dtls_rx_parse13(struct dtls_rx *rx, const u8 *buf,
					      u32 avail, u32 left)
{
	struct dtls_assoc *assoc = rx->assoc;
	const struct dtls_more *more = assoc->more;
	struct dtls_record_hdr *hdr = &rx->hdr;
	struct dtls_record13_hdr unified;
	enum dtls_record_fault fault;

	if (dtls_record13_kind(buf[0]) == DTLS_KIND_PLAIN) {
		fault = dtls_record13_parse_plain(buf, avail, left, hdr);
		/* RFC 9147 4.1: no keys, so nothing that could be believed */
		return fault == DTLS_FAULT_OK ? DTLS_FAULT_EPOCH : fault;
	}
	fault = dtls_record13_parse(buf, avail, left, more->rx_cid_len,
				    &unified);
	memset(hdr, 0, sizeof(*hdr));
	hdr->type = buf[0];
	hdr->len = unified.len;
	hdr->hdr_len = unified.hdr_len;
	if (fault != DTLS_FAULT_OK)
		return fault;
	hdr->epoch = dtls_record13_epoch(READ_ONCE(assoc->rx_last), buf[0]);
	if (!more->rx_cid_len)
		return DTLS_FAULT_OK;
	/*
	 * RFC 9147 4: "MAY omit the CID in all but the first record" of a
	 * datagram.
	 */
	if (!unified.cid_len) {
		rx->cid = DTLS_CONNID_NONE;
		return rx->run.off % rx->run.seg ? DTLS_FAULT_OK :
						   DTLS_FAULT_CID;
	}
	rx->cid = 0;
	if (likely(!memcmp(buf + 1, more->rx_cid, unified.cid_len)))
		return DTLS_FAULT_OK;
	return dtls_connid_find(more, buf + 1, &rx->cid) ? DTLS_FAULT_OK :
							   DTLS_FAULT_CID;
}

static enum dtls_record_fault dtls_rx_parse_cid12(struct dtls_rx *rx,
						  const u8 *buf, u32 avail,
						  u32 left)
{
	const struct dtls_more *more = rx->assoc->more;
	struct dtls_record_hdr *hdr = &rx->hdr;
	enum dtls_record_fault fault;

	rx->cid = DTLS_CONNID_NONE;
	if (buf[0] == DTLS_CID12_TYPE) {
		fault = dtls_cid12_parse(buf, avail, left, more->rx_cid_len,
					 hdr);
		if (fault != DTLS_FAULT_OK)
			return fault;
		return memcmp(buf + 11, more->rx_cid, more->rx_cid_len) ?
		       DTLS_FAULT_CID : DTLS_FAULT_OK;
	}
	fault = dtls_record_parse12(buf, avail, left, hdr);
	if (fault != DTLS_FAULT_OK)
		return fault;
	/*
	 * RFC 9146 3: once a connection ID is agreed upon, encrypted records
	 * have it. The handshake's, repeated, have not, and share datagrams.
	 */
	return hdr->epoch ? DTLS_FAULT_CID : DTLS_FAULT_EPOCH;
}

/**
 * dtls_rx_parse() - read the header of a record that is not plain DTLS 1.2
 * @rx:   what is in hand
 * @left: bytes to the end of the datagram
 *
 * Context: process. Return: what is wrong, or %DTLS_FAULT_OK with the header in
 * @rx->hdr; a sequence number of DTLS 1.3 is not known yet.
 */
enum dtls_record_fault dtls_rx_parse(struct dtls_rx *rx, u32 left)
{
	u32 avail = min_t(u32, left, sizeof(rx->copy));
	const u8 *buf = NULL;

	rx->whole = NULL;
	if (avail)
		buf = dtls_run_bytes(&rx->run, rx->run.off, rx->copy, avail);
	if (!buf) {
		memset(&rx->hdr, 0, sizeof(rx->hdr));
		return DTLS_FAULT_SHORT;
	}
	if (rx->form == DTLS_FORM_13)
		return dtls_rx_parse13(rx, buf, avail, left);
	return dtls_rx_parse_cid12(rx, buf, avail, left);
}

/* Copy @len bytes at @off. */
static bool dtls_rx_take(struct dtls_run *run, u32 off, u8 *to, u32 len)
{
	const u8 *from = dtls_run_bytes(run, off, to, len);

	if (from && from != to)
		memcpy(to, from, len);
	return from;
}

/* The last mask is for a record that stands alone. */
#define DTLS_RX_BATCH		(DTLS_WORK_MASKS - 1)

/* Fetch @count samples, the first at @at and the others a segment apart. */
static bool dtls_rx_samples(struct dtls_rx *rx, u8 *to, u32 at, u32 count)
{
	struct dtls_run *run = &rx->run;
	u32 in = at - run->piece_off, i;
	const u8 *from = run->piece + in;

	/* mostly they lie in one piece */
	if (likely(in < run->piece_len &&
		   (count - 1) * run->seg + DTLS_RECORD13_SAMPLE <=
		   run->piece_len - in)) {
		u32 seg = run->seg;

		for (; count; count--) {
			dtls_record13_sample(to, from);
			to += DTLS_RECORD13_SAMPLE;
			from += seg;
		}
		return true;
	}
	for (i = 0; i < count; i++)
		if (!dtls_rx_take(run, at + i * run->seg,
				  to + i * DTLS_RECORD13_SAMPLE,
				  DTLS_RECORD13_SAMPLE))
			return false;
	return true;
}

/* Make the masks of the datagrams from this one on, or of this record. */
static noinline const u8 *dtls_rx_make_masks(struct dtls_rx *rx, u32 at)
{
	struct dtls_work_sn *sn = dtls_work_sn(rx->work);
	u32 first = DTLS_RX_BATCH, count = 1;
	struct dtls_run *run = &rx->run;

	/* unlike the others, whose masks there are: they are kept */
	if (!rx->masks) {
		first = 0;
		if (run->off % run->seg == 0 && run->end - run->off > run->seg)
			count = min_t(u32, DTLS_RX_BATCH,
				      (run->end - at - DTLS_RECORD13_SAMPLE) /
				      run->seg + 1);
	}
	if (!dtls_rx_samples(rx, sn->masks + first * DTLS_RECORD13_SAMPLE, at,
			     count) ||
	    dtls_cipher13_masks(&rx->ep->aead, rx->work, first, count)) {
		rx->masks = 0;
		return NULL;
	}
	if (!first) {
		rx->mask = 1;
		rx->masks = count - 1;
		rx->mask_at = at + run->seg;
	}
	return sn->masks + first * DTLS_RECORD13_SAMPLE;
}

/*
 * Find the mask for the record in hand. With an aggregate the masks of the
 * datagrams that follow are made in the same call of the cipher: mostly their
 * records look alike. Return: the mask, or NULL.
 */
static const u8 *dtls_rx_mask(struct dtls_rx *rx)
{
	struct dtls_work_sn *sn = dtls_work_sn(rx->work);
	u32 at = rx->run.off + rx->hdr.hdr_len;

	/* those of datagrams that were dropped are left out */
	while (rx->masks && rx->mask_at <= at) {
		const u8 *mask = sn->masks + rx->mask * DTLS_RECORD13_SAMPLE;
		bool found = rx->mask_at == at;

		rx->mask++;
		rx->masks--;
		rx->mask_at += rx->run.seg;
		if (likely(found))
			return mask;
	}
	return dtls_rx_make_masks(rx, at);
}

/*
 * Put the header of a record of DTLS 1.3 in front of where it will be opened,
 * with its number in the clear. Return: false if that cannot be.
 */
static bool dtls_rx_number(struct dtls_rx *rx, u8 *head)
{
	struct dtls_record_hdr *hdr = &rx->hdr;
	struct dtls_epoch *ep = rx->ep;
	const u8 *mask;
	u8 *number;

	if (likely(rx->whole))
		__builtin_memcpy(head, rx->whole, DTLS_RECORD13_HDR);
	else if (!dtls_rx_take(&rx->run, rx->run.off, head, hdr->hdr_len))
		return false;
	mask = dtls_rx_mask(rx);
	if (!mask)
		return false;
	number = head + 1 + (head[0] & DTLS_RECORD13_CID ? ep->aead.cid_len : 0);
	dtls_record13_mask(number, head[0], mask);
	hdr->seq = dtls_record13_seq(dtls_keys_expected(ep),
				     dtls_record13_low(number, head[0]),
				     head[0]);
	return true;
}

/* A read key that may be used no more: the program has to know. */
static void dtls_rx_spent(struct dtls_rx *rx)
{
	struct dtls_epoch *ep = rx->ep;
	struct sock *sk = rx->ds->sk;

	if (test_and_set_bit(DTLS_EPOCH_SPENT_TOLD, &ep->flags))
		return;
	dtls_control_event(rx->assoc, DTLS_EVENT_LIMIT, 0, ep->epoch, 1);
	/*
	 * RFC 9147 4.5.3: after a key update "the previous keys can be dropped
	 * when the limit is reached rather than closing the connection"
	 */
	if (ep->epoch != READ_ONCE(ep->assoc->rx_last))
		return;
	/* of one peer of many: no matter of the others */
	if (rx->assoc->peer)
		return;
	WRITE_ONCE(sk->sk_err, EKEYEXPIRED);
	sk_error_report(sk);
}

/* A record of a peer is authentic: where does it come from? */
static void dtls_rx_whence(struct dtls_rx *rx)
{
	u32 len = rx->hdr.hdr_len + rx->hdr.len;

	if (rx->elsewhere)
		dtls_peer_moved(rx->assoc, rx->ep, rx->hdr.seq, rx->run.skb,
				len);
	else
		dtls_peer_heard(rx->assoc, len);
}

/**
 * dtls_rx_open_inner() - open the record in hand, with its type inside
 * @rx:  with header and keys
 * @max: bytes of plaintext that the caller has room for
 *
 * Context: process, may sleep in the cipher; no locks held.
 * Return: %DTLS_STAT_COUNT if it is good, and in @rx->plain; %DTLS_RX_KEPT if it
 * is application data, but too long, and has been queued; or why it is dropped.
 */
enum dtls_stat dtls_rx_open_inner(struct dtls_rx *rx, u32 max)
{
	struct dtls_record_hdr *hdr = &rx->hdr;
	enum dtls_replay_verdict verdict;
	struct dtls_epoch *ep = rx->ep;
	const u8 *from;
	u8 *frag, type;
	int len;

	if (!rx->work)
		rx->work = dtls_work_get(&ep->aead);
	if (!rx->work)
		return DTLS_STAT_RX_DROP_NOMEM;
	frag = rx->work->buf + DTLS_WORK_PAYLOAD - ep->aead.cipher->explicit_len;
	if (ep->aead.form == DTLS_FORM_13) {
		if (dtls_keys_spent(ep)) {
			dtls_rx_spent(rx);
			return DTLS_STAT_RX_DROP_LIMIT;
		}
		if (!dtls_rx_number(rx, frag - hdr->hdr_len))
			return DTLS_STAT_RX_DROP_CRYPTO;
	}
	verdict = dtls_keys_check(ep, hdr->seq);
	if (verdict != DTLS_REPLAY_NEW)
		return dtls_rx_refused(verdict);

	if (likely(rx->whole && hdr->len < DTLS_RX_DIRECT)) {
		memcpy(frag, rx->whole + DTLS_RECORD13_HDR, hdr->len);
		from = frag;
	} else {
		from = dtls_rx_fragment(rx, frag);
	}
	if (!from)
		return DTLS_STAT_RX_DROP_NOMEM;
	if (ep->aead.form == DTLS_FORM_13)
		len = dtls_cipher13_open(&ep->aead, rx->work, frag, from, hdr);
	else
		len = dtls_cipher_open_cid12(&ep->aead, rx->work, frag, from,
					     hdr);
	if (len < 0)
		return dtls_rx_failed(rx->ds, ep, len);
	frag = rx->work->buf + DTLS_WORK_PAYLOAD;
	/* to no variable of this function, which would have to guard its stack */
	rx->plain.type = 0;
	len = dtls_inner_strip(frag, len, &rx->plain.type);
	type = rx->plain.type;
	verdict = dtls_keys_commit(ep, hdr->seq, max(len, 0));
	if (verdict != DTLS_REPLAY_NEW)
		return dtls_rx_refused(verdict);
	if (unlikely(rx->assoc->peer))
		dtls_rx_whence(rx);
	if (len < 0 || !dtls_cipher_knows(&ep->aead, type))
		return DTLS_STAT_RX_DROP_TYPE;
	/* RFC 9147 6.1: epoch 2 is for handshake messages, alerts and ACKs */
	if (ep->aead.form == DTLS_FORM_13 && type == DTLS_TYPE_DATA &&
	    ep->epoch == DTLS_EPOCH_HANDSHAKE)
		return DTLS_STAT_RX_DROP_CONTROL;
	dtls_rx_accept(rx, type, frag, len);
	rx->fit = hdr->len;
	/* now it is the peer who has used it */
	if (rx->cid != DTLS_CONNID_NONE)
		dtls_connid_seen(ep->assoc->more, rx->cid);
	if (type == DTLS_TYPE_DATA && len > max) {
		dtls_rx_keep(rx, true);
		return DTLS_RX_KEPT;
	}
	/* a program with DTLS_RECVTYPE gets it as well */
	if (type == DTLS_TYPE_ACK && READ_ONCE(rx->ds->recvtype))
		dtls_update_ack(rx->assoc, &rx->plain);
	return DTLS_STAT_COUNT;
}
