// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control records: what is authentic and not application data, on a socket
 * whose program did not ask for it with DTLS_RECVTYPE.
 */
#include <linux/errqueue.h>
#include <linux/ipv6.h>
#include <linux/slab.h>
#include <net/ipv6.h>

#include "control.h"
#include "flight.h"
#include "netlink.h"
#include "peer.h"
#include "stats.h"
#include "update.h"

static int dtls_control_errno(u32 event, u8 code, u32 data)
{
	switch (event) {
	case DTLS_EVENT_LIMIT:
		return -EKEYEXPIRED;
	case DTLS_EVENT_RENEGOTIATE:
		return -EPROTO;
	case DTLS_EVENT_FLIGHT:
		return -EALREADY;
	case DTLS_EVENT_CLOSED:
		if (data)
			return -ETIMEDOUT;
		return code == DTLS_ALERT_CLOSE_NOTIFY ? -ESHUTDOWN :
							 -ECONNRESET;
	}
	return -ENOMSG;
}

/* Where the stack finds the address that it tells the program. */
static void dtls_control_offender(struct sk_buff *skb, u64 id,
				  const struct dtls_peer_key *key)
{
	struct sock_exterr_skb *serr = SKB_EXT_ERR(skb);
	struct dtls_event data = { .peer = id };
	struct ipv6hdr *hdr;

	skb_reset_network_header(skb);
	hdr = skb_put_zero(skb, sizeof(*hdr));
	hdr->daddr = key->addr;
	serr->addr_offset = offsetof(struct ipv6hdr, daddr);
	serr->port = key->port;
	skb->protocol = htons(ETH_P_IPV6);
	if (ipv6_addr_v4mapped(&key->addr)) {
		serr->addr_offset += 3 * sizeof(__be32);
		skb->protocol = htons(ETH_P_IP);
	}
#if IS_ENABLED(CONFIG_IPV6)
	serr->header.h6.iif = key->scope;
#endif
	skb_pull(skb, sizeof(*hdr));
	skb_put_data(skb, &data, sizeof(data));
}

static void dtls_control_queue(struct dtls_assoc *assoc,
			       const struct sock_extended_err *ee,
			       const struct dtls_peer_key *key)
{
	struct sk_buff *skb;

	skb = alloc_skb(key ? sizeof(struct ipv6hdr) +
			      sizeof(struct dtls_event) : 0, GFP_KERNEL);
	if (!skb)
		return;
	memset(SKB_EXT_ERR(skb), 0, sizeof(*SKB_EXT_ERR(skb)));
	SKB_EXT_ERR(skb)->ee = *ee;
	if (key)
		dtls_control_offender(skb, assoc->peer->id, key);
	if (sock_queue_err_skb(assoc->ds->sk, skb))
		kfree_skb(skb);
}

/**
 * dtls_control_event() - tell the program of something, if it asked for it
 * @assoc: association that it is about
 * @event: one DTLS_EVENT_* bit
 * @code:  alert description, or 0
 * @epoch: epoch concerned
 * @data:  see uapi/linux/dtls.h
 *
 * Context: process, may sleep.
 */
void dtls_control_event(struct dtls_assoc *assoc, u32 event, u8 code,
			u32 epoch, u32 data)
{
	struct sock_extended_err ee = {
		.ee_errno = -dtls_control_errno(event, code, data),
		.ee_origin = SO_EE_ORIGIN_DTLS,
		.ee_type = event,
		.ee_code = code,
		.ee_info = epoch,
		.ee_data = data,
	};
	struct dtls_peer_key key;

	dtls_netlink_event(assoc, event, code, epoch, data, NULL);
	if (!(READ_ONCE(assoc->ds->events) & event))
		return;
	if (assoc->peer)
		dtls_peer_where(assoc, &key);
	dtls_control_queue(assoc, &ee, assoc->peer ? &key : NULL);
}

/**
 * dtls_control_event_at() - the same of a peer, and an address that need not be its
 * @assoc: its association
 * @event: one DTLS_EVENT_* bit
 * @key:   address
 *
 * Context: process, may sleep.
 */
void dtls_control_event_at(struct dtls_assoc *assoc, u32 event,
			   const struct dtls_peer_key *key)
{
	struct sock_extended_err ee = {
		.ee_errno = ENOMSG,
		.ee_origin = SO_EE_ORIGIN_DTLS,
		.ee_type = event,
	};

	dtls_netlink_event(assoc, event, 0, 0, 0, key);
	if (READ_ONCE(assoc->ds->events) & event)
		dtls_control_queue(assoc, &ee, key);
}

static void dtls_control_alert(struct dtls_assoc *assoc, u8 level,
			       u8 description, int flags)
{
	u8 alert[2] = { level, description };

	dtls_tx_record(assoc, DTLS_TYPE_ALERT, alert, sizeof(alert), flags,
		       NULL);
}

/**
 * dtls_control_close_notify() - say that nothing more will be sent, once
 * @assoc: association
 * @flags: MSG_DONTWAIT, or 0 to wait for buffer
 *
 * Lost like any datagram if the caller does not wait and there is no room.
 *
 * Context: process, may sleep; no locks held.
 */
void dtls_control_close_notify(struct dtls_assoc *assoc, int flags)
{
	if (!dtls_keys_has_tx(assoc) ||
	    test_and_set_bit(DTLS_ASSOC_NOTIFIED, &assoc->flags))
		return;
	dtls_control_alert(assoc, DTLS_ALERT_WARNING, DTLS_ALERT_CLOSE_NOTIFY,
			   flags);
}

/*
 * The association is over: end of file, or an error first, if @alert is not
 * close_notify. On a socket with peers it is an event, and the others go on.
 */
static void dtls_control_closed(struct dtls_assoc *assoc, u8 alert)
{
	struct sock *sk = assoc->ds->sk;

	set_bit(DTLS_ASSOC_CLOSED, &assoc->flags);
	if (assoc->peer) {
		dtls_control_event(assoc, DTLS_EVENT_CLOSED, alert, 0, 0);
		return;
	}
	lock_sock(sk);
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	if (alert != DTLS_ALERT_CLOSE_NOTIFY) {
		WRITE_ONCE(sk->sk_err, ECONNRESET);
		sk_error_report(sk);
	}
	sk->sk_state_change(sk);
	release_sock(sk);
}

/* RFC 8446 6.1: closes "the write direction" of the peer only. */
static void dtls_control_rx_closed(struct dtls_assoc *assoc)
{
	struct sock *sk = assoc->ds->sk;

	set_bit(DTLS_ASSOC_RX_CLOSED, &assoc->flags);
	if (assoc->peer) {
		dtls_control_event(assoc, DTLS_EVENT_CLOSED,
				   DTLS_ALERT_CLOSE_NOTIFY, 0, 0);
		return;
	}
	lock_sock(sk);
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | RCV_SHUTDOWN);
	sk->sk_state_change(sk);
	release_sock(sk);
}

static void dtls_control_rx_alert13(struct dtls_assoc *assoc, u8 description,
				    u32 epoch)
{
	switch (description) {
	case DTLS_ALERT_CLOSE_NOTIFY:
		dtls_stats_inc(assoc->net, DTLS_STAT_RX_CLOSE_NOTIFY);
		dtls_control_rx_closed(assoc);
		break;
	case DTLS_ALERT_USER_CANCELED:
		dtls_control_event(assoc, DTLS_EVENT_ALERT, description, epoch, 0);
		break;
	default:
		/* RFC 8446 6.2: whatever "AlertLevel" says */
		dtls_control_closed(assoc, description);
	}
}

static void dtls_control_rx_alert(struct dtls_assoc *assoc,
				  const struct dtls_plain *rec)
{
	struct net *net = assoc->net;
	u8 level, description;

	if (rec->len != 2) {
		dtls_stats_inc(net, DTLS_STAT_RX_DROP_CONTROL);
		return;
	}
	level = rec->data[0];
	description = rec->data[1];
	dtls_stats_inc(net, DTLS_STAT_RX_ALERTS);
	if (dtls_update_of(assoc)) {
		dtls_control_rx_alert13(assoc, description, rec->epoch);
		return;
	}

	if (description == DTLS_ALERT_CLOSE_NOTIFY) {
		/*
		 * RFC 5246 7.2.1: "The other party MUST respond with a
		 * close_notify alert of its own and close down the connection
		 * immediately".
		 */
		dtls_stats_inc(net, DTLS_STAT_RX_CLOSE_NOTIFY);
		dtls_control_close_notify(assoc, MSG_DONTWAIT);
		dtls_control_closed(assoc, description);
	} else if (level == DTLS_ALERT_FATAL) {
		/* RFC 5246 7.2.2: both parties "immediately close" */
		dtls_control_closed(assoc, description);
	} else {
		dtls_control_event(assoc, DTLS_EVENT_ALERT, description,
				   rec->epoch, 0);
	}
}

static void dtls_control_rx_handshake13(struct dtls_assoc *assoc,
					const struct dtls_plain *rec)
{
	/*
	 * RFC 9147 5.8.1: a server that repeats its flight has not seen the
	 * client's last one. It ends with Finished, be it of one record or of
	 * several.
	 */
	if (rec->epoch == DTLS_EPOCH_HANDSHAKE &&
	    dtls_flight_kept(assoc))
		dtls_update_flight_again(assoc, rec->len && rec->data[0] ==
					     DTLS_HANDSHAKE_FINISHED);
	else
		dtls_update_handshake(assoc, rec);
}

static void dtls_control_rx_handshake(struct dtls_assoc *assoc,
				      const struct dtls_plain *rec)
{
	struct net *net = assoc->net;

	if (dtls_update_of(assoc)) {
		dtls_control_rx_handshake13(assoc, rec);
		return;
	}

	/* RFC 6347 4.2.2: a handshake message has a header of 12 bytes */
	switch (rec->len < 12 ? -1 : rec->data[0]) {
	case DTLS_HANDSHAKE_HELLO_REQUEST:
	case DTLS_HANDSHAKE_CLIENT_HELLO:
		/* RFC 5246 7.4.1.1: "or a no_renegotiation alert" */
		dtls_stats_inc(net, DTLS_STAT_RX_RENEGOTIATE);
		dtls_control_alert(assoc, DTLS_ALERT_WARNING,
				   DTLS_ALERT_NO_RENEGOTIATION, MSG_DONTWAIT);
		dtls_control_event(assoc, DTLS_EVENT_RENEGOTIATE, 0, rec->epoch,
				   0);
		break;
	case DTLS_HANDSHAKE_FINISHED:
		/* RFC 6347 4.2.4: the peer has not seen our last flight */
		dtls_flight_repeat(assoc);
		break;
	default:
		dtls_stats_inc(net, DTLS_STAT_RX_DROP_CONTROL);
	}
}

/**
 * dtls_control_receive() - deal with a record that is not application data
 * @assoc: its association
 * @rec:   the record, authentic; borrowed
 *
 * Context: process, may sleep; no locks held.
 */
void dtls_control_receive(struct dtls_assoc *assoc, const struct dtls_plain *rec)
{
	switch (rec->type) {
	case DTLS_TYPE_ALERT:
		dtls_control_rx_alert(assoc, rec);
		break;
	case DTLS_TYPE_HANDSHAKE:
		dtls_control_rx_handshake(assoc, rec);
		break;
	case DTLS_TYPE_ACK:
		dtls_update_ack(assoc, rec);
		break;
	default:
		/* change_cipher_spec belongs to handshakes; no heartbeats */
		dtls_stats_inc(assoc->net, DTLS_STAT_RX_DROP_CONTROL);
	}
}
