// SPDX-License-Identifier: GPL-2.0-only
/*
 * Datagrams that no keys are for (DTLS_PASSTHROUGH): those of other protocols that
 * share the port, STUN, TURN, RTP; and what strangers send to a socket with peers,
 * handshakes mostly. Nobody vouches for what is in them, so they come marked, or not
 * at all.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/udp.h>

#include "listen.h"
#include "raw.h"
#include "run.h"
#include "rx.h"
#include "sock.h"
#include "stats.h"
#include "trace.h"

/**
 * dtls_raw_byte() - does a datagram begin as no DTLS does
 * @first: its first byte
 *
 * RFC 7983 7, RFC 9443 5: "20 < B < 63" is DTLS, both included.
 *
 * Context: any. Return: true if so.
 */
bool dtls_raw_byte(u8 first)
{
	return first < 20 || first > 63;
}

static bool dtls_raw_is(struct dtls_run *run, u32 off)
{
	const u8 *first;
	u8 copy;

	first = dtls_run_bytes(run, off, &copy, sizeof(copy));
	return first && dtls_raw_byte(*first);
}

/**
 * dtls_raw_first() - where DTLS begins in what has come
 * @run: datagrams of one flow
 *
 * Context: process. Return: place of the first of them that is no raw one; where
 * @run is if there is none.
 */
u32 dtls_raw_first(struct dtls_run *run)
{
	u32 off;

	if (!run->seg)
		return run->off;
	/* what has been begun is in the midst of a datagram */
	for (off = rounddown(run->off, run->seg); off < run->end; off += run->seg)
		if (!dtls_raw_is(run, off))
			return off;
	return run->off;
}

/* Is the datagram that begins there one for the program? */
static bool dtls_raw_given(struct dtls_rx *rx)
{
	if (dtls_raw_is(&rx->run, rx->run.off))
		return rx->sort & DTLS_PASS_OTHERS;
	/* where a daemon shakes hands, strangers are its affair alone */
	return !rx->assoc && (rx->sort & (DTLS_PASS_STRANGERS | DTLS_LISTEN_SORT)) ==
	       DTLS_PASS_STRANGERS;
}

/**
 * dtls_raw_next() - is a raw datagram next
 * @rx: what is in hand
 *
 * An aggregate is of one flow, and may mix the kinds: each datagram is looked at.
 * What of strangers is not asked for is dropped by the way.
 *
 * Context: process. Return: true if so.
 */
bool dtls_raw_next(struct dtls_rx *rx)
{
	struct dtls_record_hdr none = {};
	struct dtls_run *run = &rx->run;

	while (run->skb) {
		u32 left = run->next - run->off;
		/* not what follows a record: only the first byte tells */
		bool first = left && !(run->off % run->seg);

		if (first && dtls_raw_given(rx))
			return true;
		if (rx->assoc)
			return false;
		if (!first || !dtls_listen_stranger(rx, left))
			dtls_rx_drop(rx->ds, DTLS_STAT_RX_DROP_STRANGER, &none,
				     left);
		dtls_run_pass(run, left);
	}
	return false;
}

/**
 * dtls_raw_take() - take a raw datagram
 * @rx:  dtls_raw_next() has said yes
 * @max: as for dtls_rx_next(): a raw one goes with no other
 *
 * Context: process, may sleep.
 * Return: 0 with the datagram in @rx->plain; -EMSGSIZE if it is left for later;
 * -EAGAIN if it is dropped for want of memory.
 */
int dtls_raw_take(struct dtls_rx *rx, u32 max)
{
	struct dtls_record_hdr none = {};
	struct dtls_run *run = &rx->run;
	u32 len = run->next - run->off;
	const u8 *data;

	if (max != U32_MAX)
		return -EMSGSIZE;
	/* that finds the piece which it lies in, if it is but one */
	data = dtls_run_bytes(run, run->off, rx->copy, 1);
	if (data && (data == rx->copy ||
		     len > run->piece_len - (run->off - run->piece_off))) {
		kvfree(rx->raw);
		rx->raw = kvmalloc(len, GFP_KERNEL);
		data = rx->raw ? dtls_run_bytes(run, run->off, rx->raw, len) :
				 NULL;
	}
	if (!data) {
		dtls_rx_drop(rx->ds, DTLS_STAT_RX_DROP_NOMEM, &none, len);
		dtls_run_pass(run, len);
		return -EAGAIN;
	}
	rx->plain.seq = 0;
	rx->plain.epoch = 0;
	rx->plain.type = DTLS_TYPE_RAW;
	rx->plain.len = len;
	rx->plain.data = data;
	rx->fit = 0;
	rx->last = len;
	dtls_stats_inc(sock_net(rx->ds->sk), DTLS_STAT_RX_RAW);
	return 0;
}

/**
 * dtls_raw_drop() - a raw datagram meets a program that has no room for the mark
 * @ds:  socket
 * @len: bytes of it
 *
 * Context: any.
 */
void dtls_raw_drop(struct dtls_sock *ds, u32 len)
{
	struct dtls_record_hdr none = {};

	dtls_rx_drop(ds, DTLS_STAT_RX_DROP_RAW, &none, len);
}

/**
 * dtls_raw_wanted() - does a program want to send a raw datagram
 * @ds:  socket
 * @msg: the program's message
 *
 * Context: process.
 * Return: 1 if so; 0 if not, or nothing of DTLS_PASSTHROUGH is set and it is not the
 * daemon's; -EINVAL for a bad control message.
 */
int dtls_raw_wanted(const struct dtls_sock *ds, struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	int wanted = 0, val;

	if (READ_ONCE(ds->passthrough) == DTLS_LISTEN_SORT && !dtls_listen_owned(ds))
		return 0;
	for_each_cmsghdr(cmsg, msg) {
		if (!CMSG_OK(msg, cmsg))
			return -EINVAL;
		if (cmsg->cmsg_level != SOL_DTLS || cmsg->cmsg_type != DTLS_RAW)
			continue;
		if (cmsg->cmsg_len != CMSG_LEN(sizeof(val)))
			return -EINVAL;
		memcpy(&val, CMSG_DATA(cmsg), sizeof(val));
		if (val != 1)
			return -EINVAL;
		wanted = 1;
	}
	if (!wanted)
		return 0;
	/* of a record it cannot be at the same time */
	for_each_cmsghdr(cmsg, msg)
		if (cmsg->cmsg_level == SOL_DTLS && cmsg->cmsg_type != DTLS_RAW)
			return -EINVAL;
	return 1;
}

/* The socket's UDP_SEGMENT is ours since there are keys: say it to the base. */
static void *dtls_raw_control(struct msghdr *msg, u16 gso, size_t *len)
{
	size_t room = CMSG_ALIGN(msg->msg_controllen);
	struct cmsghdr *cmsg;
	void *control;

	for_each_cmsghdr(cmsg, msg)
		if (cmsg->cmsg_level == SOL_UDP)
			return NULL;
	control = kzalloc(room + CMSG_SPACE(sizeof(gso)), GFP_KERNEL);
	if (!control)
		return ERR_PTR(-ENOMEM);
	memcpy(control, msg->msg_control, msg->msg_controllen);
	cmsg = control + room;
	cmsg->cmsg_level = SOL_UDP;
	cmsg->cmsg_type = UDP_SEGMENT;
	cmsg->cmsg_len = CMSG_LEN(sizeof(gso));
	*(u16 *)CMSG_DATA(cmsg) = gso;
	*len = room + CMSG_SPACE(sizeof(gso));
	return control;
}

/**
 * dtls_raw_send() - send a datagram as it is
 * @ds:  socket with keys
 * @msg: the program's message, dtls_raw_wanted()
 * @len: bytes of it
 *
 * Context: process, may sleep; no locks held.
 * Return: as sendmsg of UDP; -EOPNOTSUPP with MSG_MORE.
 */
int dtls_raw_send(struct dtls_sock *ds, struct msghdr *msg, size_t len)
{
	size_t was_len = msg->msg_controllen, now_len;
	void *was = msg->msg_control, *control = NULL;
	/* the daemon has not asked to have its datagrams cut up */
	u16 gso = dtls_listen_owned(ds) ? 0 : READ_ONCE(ds->gso_size);
	int ret;

	/* UDP would hold it back, and put the next record behind it */
	if (msg->msg_flags & (MSG_MORE | MSG_SENDPAGE_NOTLAST))
		return -EOPNOTSUPP;
	if (gso)
		control = dtls_raw_control(msg, gso, &now_len);
	if (IS_ERR(control))
		return PTR_ERR(control);
	if (control) {
		msg->msg_control = control;
		msg->msg_controllen = now_len;
	}
	ret = ds->proto->base->sendmsg(ds->sk, msg, len);
	if (control) {
		msg->msg_control = was;
		msg->msg_controllen = was_len;
		kfree(control);
	}
	if (ret >= 0)
		dtls_stats_inc(sock_net(ds->sk), DTLS_STAT_TX_RAW);
	return ret;
}
