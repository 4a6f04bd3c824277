// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control records: what is authentic and not application data, on a socket
 * whose program did not ask for it with DTLS_RECVTYPE.
 */
#include <linux/errqueue.h>
#include <linux/slab.h>

#include "control.h"
#include "stats.h"
#include "update.h"

/**
 * struct dtls_control_flight - last flight of the handshake, to be repeated
 * @seq:   next sequence number of epoch 0
 * @len:   bytes of @data
 * @data:  records, each a struct dtls_flight_record and its plaintext
 */
struct dtls_control_flight {
	u64	seq;
	u32	len;
	u8	data[];
};

/**
 * dtls_control_event() - tell the program of something, if it asked for it
 * @ds:    socket
 * @event: one DTLS_EVENT_* bit
 * @code:  alert description, or 0
 * @epoch: epoch concerned
 * @data:  see uapi/linux/dtls.h
 *
 * Context: process, may sleep.
 */
void dtls_control_event(struct dtls_sock *ds, u32 event, u8 code, u32 epoch,
			u32 data)
{
	struct sock_exterr_skb *serr;
	struct sk_buff *skb;
	int err = ENOMSG;

	if (!(READ_ONCE(ds->events) & event))
		return;
	skb = alloc_skb(0, GFP_KERNEL);
	if (!skb)
		return;
	if (event == DTLS_EVENT_LIMIT)
		err = EKEYEXPIRED;
	else if (event == DTLS_EVENT_RENEGOTIATE)
		err = EPROTO;
	else if (event == DTLS_EVENT_FLIGHT)
		err = EALREADY;

	serr = SKB_EXT_ERR(skb);
	memset(serr, 0, sizeof(*serr));
	serr->ee.ee_errno = err;
	serr->ee.ee_origin = SO_EE_ORIGIN_DTLS;
	serr->ee.ee_type = event;
	serr->ee.ee_code = code;
	serr->ee.ee_info = epoch;
	serr->ee.ee_data = data;
	if (sock_queue_err_skb(ds->sk, skb))
		kfree_skb(skb);
}

static void dtls_control_alert(struct dtls_sock *ds, u8 level, u8 description,
			       int flags)
{
	u8 alert[2] = { level, description };

	dtls_tx_record(ds, DTLS_TYPE_ALERT, alert, sizeof(alert), flags, NULL);
}

/**
 * dtls_control_close_notify() - say that nothing more will be sent, once
 * @ds:    socket with an association
 * @flags: MSG_DONTWAIT, or 0 to wait for buffer
 *
 * Lost like any datagram if the caller does not wait and there is no room.
 *
 * Context: process, may sleep; no locks held.
 */
void dtls_control_close_notify(struct dtls_sock *ds, int flags)
{
	struct dtls_assoc *assoc = dtls_sock_assoc(ds);

	if (!dtls_keys_has_tx(assoc) ||
	    test_and_set_bit(DTLS_ASSOC_NOTIFIED, &assoc->flags))
		return;
	dtls_control_alert(ds, DTLS_ALERT_WARNING, DTLS_ALERT_CLOSE_NOTIFY,
			   flags);
}

/* The association is over: end of file, or @err first. */
static void dtls_control_closed(struct dtls_sock *ds, int err)
{
	struct sock *sk = ds->sk;

	set_bit(DTLS_ASSOC_CLOSED, &dtls_sock_assoc(ds)->flags);
	lock_sock(sk);
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	if (err) {
		WRITE_ONCE(sk->sk_err, err);
		sk_error_report(sk);
	}
	sk->sk_state_change(sk);
	release_sock(sk);
}

/* RFC 8446 6.1: closes "the write direction" of the peer only. */
static void dtls_control_rx_closed(struct dtls_sock *ds)
{
	struct sock *sk = ds->sk;

	set_bit(DTLS_ASSOC_RX_CLOSED, &dtls_sock_assoc(ds)->flags);
	lock_sock(sk);
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | RCV_SHUTDOWN);
	sk->sk_state_change(sk);
	release_sock(sk);
}

static void dtls_control_rx_alert13(struct dtls_sock *ds, u8 description,
				    u32 epoch)
{
	switch (description) {
	case DTLS_ALERT_CLOSE_NOTIFY:
		dtls_stats_inc(sock_net(ds->sk), DTLS_STAT_RX_CLOSE_NOTIFY);
		dtls_control_rx_closed(ds);
		break;
	case DTLS_ALERT_USER_CANCELED:
		dtls_control_event(ds, DTLS_EVENT_ALERT, description, epoch, 0);
		break;
	default:
		/* RFC 8446 6.2: whatever "AlertLevel" says */
		dtls_control_closed(ds, ECONNRESET);
	}
}

static void dtls_control_rx_alert(struct dtls_sock *ds,
				  const struct dtls_plain *rec)
{
	struct net *net = sock_net(ds->sk);
	u8 level, description;

	if (rec->len != 2) {
		dtls_stats_inc(net, DTLS_STAT_RX_DROP_CONTROL);
		return;
	}
	level = rec->data[0];
	description = rec->data[1];
	dtls_stats_inc(net, DTLS_STAT_RX_ALERTS);
	if (dtls_update_of(dtls_sock_assoc(ds))) {
		dtls_control_rx_alert13(ds, description, rec->epoch);
		return;
	}

	if (description == DTLS_ALERT_CLOSE_NOTIFY) {
		/*
		 * RFC 5246 7.2.1: "The other party MUST respond with a
		 * close_notify alert of its own and close down the connection
		 * immediately".
		 */
		dtls_stats_inc(net, DTLS_STAT_RX_CLOSE_NOTIFY);
		dtls_control_close_notify(ds, MSG_DONTWAIT);
		dtls_control_closed(ds, 0);
	} else if (level == DTLS_ALERT_FATAL) {
		/* RFC 5246 7.2.2: both parties "immediately close" */
		dtls_control_closed(ds, ECONNRESET);
	} else {
		dtls_control_event(ds, DTLS_EVENT_ALERT, description,
				   rec->epoch, 0);
	}
}

/* Payload of a datagram that every path takes: the least MTU of IPv6. */
#define DTLS_CONTROL_DATAGRAM	(1280 - 40 - 8)

/*
 * Put one record of a flight on the wire, at @wire; the caller has seen to it
 * that it fits. Return: its bytes, or a negative errno.
 */
static int dtls_control_flight_record(struct dtls_sock *ds,
				      struct dtls_control_flight *flight,
				      const struct dtls_flight_record *rec,
				      const u8 *body, u8 *wire)
{
	if (rec->epoch) {
		struct dtls_epoch *ep;
		int len;

		/* none from before a change of keys: the peer has it */
		ep = dtls_keys_get_flight(dtls_sock_assoc(ds), rec->epoch);
		if (!ep)
			return 0;
		len = dtls_tx_seal(ds, ep, rec->type, body, rec->len, wire);
		dtls_keys_put(ep);
		return len;
	}
	dtls_record_put_hdr12(wire, rec->type, 0, flight->seq++, rec->len);
	memcpy(wire + DTLS_RECORD_HDR12, body, rec->len);
	return DTLS_RECORD_HDR12 + rec->len;
}

/*
 * As few datagrams as the path allows: where many are lost, a flight in pieces
 * hardly ever comes through whole, and RFC 6347 4.2.3 lets a flight share one.
 */
static void dtls_control_send_flight(struct dtls_sock *ds,
				     struct dtls_control_flight *flight)
{
	int room = dtls_path_max_datagram(ds), used = 0, len;
	struct dtls_flight_record rec;
	u8 *wire;
	u32 off;

	if (room <= 0)
		room = DTLS_CONTROL_DATAGRAM;
	room = min(room, DTLS_FLIGHT_MAX);
	/* a record that is too long by itself goes out by itself */
	wire = kmalloc(room + DTLS_PLAINTEXT_MAX + DTLS_CIPHER_OVERHEAD_MAX,
		       GFP_KERNEL);
	if (!wire)
		return;
	for (off = 0; off < flight->len; off += sizeof(rec) + rec.len) {
		memcpy(&rec, flight->data + off, sizeof(rec));
		len = rec.len + DTLS_CIPHER_OVERHEAD_MAX;
		if (used && used + len > room) {
			dtls_tx_raw(ds, wire, used, MSG_DONTWAIT);
			used = 0;
		}
		len = dtls_control_flight_record(ds, flight, &rec,
						 flight->data + off +
						 sizeof(rec), wire + used);
		if (len < 0)
			break;
		used += len;
	}
	if (used)
		dtls_tx_raw(ds, wire, used, MSG_DONTWAIT);
	kfree_sensitive(wire);
}

/*
 * Send the last flight again. Its bytes are sealed anew: repeated verbatim
 * they would fall out of the peer's window, and sealed by a library they would
 * use the kernel's nonces twice.
 */
static void dtls_control_repeat_flight(struct dtls_sock *ds)
{
	struct dtls_assoc *assoc = dtls_sock_assoc(ds);
	struct dtls_control_flight *flight = NULL;
	struct dtls_flight_record rec;
	u32 off;

	/* a copy, since no lock is held while something is sent */
	mutex_lock(&assoc->lock);
	if (assoc->flight)
		flight = kmemdup(assoc->flight, sizeof(*flight) +
				 assoc->flight->len, GFP_KERNEL);
	if (flight) {
		/* numbers of epoch 0 are used once, too (RFC 6347 4.1) */
		for (off = 0; off < flight->len; off += sizeof(rec) + rec.len) {
			memcpy(&rec, flight->data + off, sizeof(rec));
			assoc->flight->seq += !rec.epoch;
		}
	}
	mutex_unlock(&assoc->lock);
	if (!flight)
		return;

	dtls_control_send_flight(ds, flight);
	kfree_sensitive(flight);
	dtls_stats_inc(sock_net(ds->sk), DTLS_STAT_TX_LAST_FLIGHT);
	dtls_control_event(ds, DTLS_EVENT_FLIGHT, 0, 0, 0);
}

/* Is there a last flight that is ours to repeat? */
static bool dtls_control_has_flight(struct dtls_assoc *assoc)
{
	bool has;

	mutex_lock(&assoc->lock);
	has = assoc->flight;
	mutex_unlock(&assoc->lock);
	return has;
}

static void dtls_control_rx_handshake13(struct dtls_sock *ds,
					const struct dtls_plain *rec)
{
	/*
	 * RFC 9147 5.8.1: a server that repeats its flight has not seen the
	 * client's last one. It ends with Finished, be it of one record or of
	 * several.
	 */
	if (rec->epoch == DTLS_EPOCH_HANDSHAKE &&
	    dtls_control_has_flight(dtls_sock_assoc(ds))) {
		if (rec->len && rec->data[0] == DTLS_HANDSHAKE_FINISHED)
			dtls_control_repeat_flight(ds);
		return;
	}
	dtls_update_handshake(ds, rec);
}

static void dtls_control_rx_handshake(struct dtls_sock *ds,
				      const struct dtls_plain *rec)
{
	struct net *net = sock_net(ds->sk);

	if (dtls_update_of(dtls_sock_assoc(ds))) {
		dtls_control_rx_handshake13(ds, rec);
		return;
	}

	/* RFC 6347 4.2.2: a handshake message has a header of 12 bytes */
	switch (rec->len < 12 ? -1 : rec->data[0]) {
	case DTLS_HANDSHAKE_HELLO_REQUEST:
	case DTLS_HANDSHAKE_CLIENT_HELLO:
		/* RFC 5246 7.4.1.1: "or a no_renegotiation alert" */
		dtls_stats_inc(net, DTLS_STAT_RX_RENEGOTIATE);
		dtls_control_alert(ds, DTLS_ALERT_WARNING,
				   DTLS_ALERT_NO_RENEGOTIATION, MSG_DONTWAIT);
		dtls_control_event(ds, DTLS_EVENT_RENEGOTIATE, 0, rec->epoch,
				   0);
		break;
	case DTLS_HANDSHAKE_FINISHED:
		/* RFC 6347 4.2.4: the peer has not seen our last flight */
		dtls_control_repeat_flight(ds);
		break;
	default:
		dtls_stats_inc(net, DTLS_STAT_RX_DROP_CONTROL);
	}
}

/**
 * dtls_control_receive() - deal with a record that is not application data
 * @ds:  socket with an association
 * @rec: the record, authentic; borrowed
 *
 * Context: process, may sleep; no locks held.
 */
void dtls_control_receive(struct dtls_sock *ds, const struct dtls_plain *rec)
{
	switch (rec->type) {
	case DTLS_TYPE_ALERT:
		dtls_control_rx_alert(ds, rec);
		break;
	case DTLS_TYPE_HANDSHAKE:
		dtls_control_rx_handshake(ds, rec);
		break;
	case DTLS_TYPE_ACK:
		dtls_update_ack(ds, rec);
		break;
	default:
		/* change_cipher_spec belongs to handshakes; no heartbeats */
		dtls_stats_inc(sock_net(ds->sk), DTLS_STAT_RX_DROP_CONTROL);
	}
}

/* Does what follows struct dtls_flight hold @count well-formed records? */
static int dtls_control_check_flight(const u8 *data, u32 len, u32 count,
				     struct dtls_assoc *assoc)
{
	struct dtls_flight_record rec;
	struct dtls_epoch *ep;

	while (count--) {
		if (len < sizeof(rec))
			return -EINVAL;
		memcpy(&rec, data, sizeof(rec));
		data += sizeof(rec);
		len -= sizeof(rec);
		if (rec.type < DTLS_TYPE_CCS || rec.type > DTLS_TYPE_HANDSHAKE ||
		    rec.pad || !rec.len || rec.len > DTLS_PLAINTEXT_MAX ||
		    rec.len > len)
			return -EINVAL;
		if (rec.epoch) {
			ep = dtls_keys_get_flight(assoc, rec.epoch);
			if (!ep)
				return -EINVAL;
			dtls_keys_put(ep);
		}
		data += rec.len;
		len -= rec.len;
	}
	return len ? -EINVAL : 0;
}

/**
 * dtls_control_set_flight() - DTLS_LAST_FLIGHT
 * @assoc:  association with keys to send
 * @optval: struct dtls_flight and its records
 * @optlen: bytes of it
 *
 * Context: process, may sleep; takes the lock of the association.
 * Return: 0; -ENOKEY without sending keys; -EMSGSIZE above %DTLS_FLIGHT_MAX;
 * -EINVAL if malformed; -EFAULT; -ENOMEM.
 */
int dtls_control_set_flight(struct dtls_assoc *assoc, sockptr_t optval,
			    unsigned int optlen)
{
	struct dtls_control_flight *flight = NULL, *old;
	struct dtls_flight head;
	int err;

	if (optlen < sizeof(head))
		return -EINVAL;
	if (optlen > sizeof(head) + DTLS_FLIGHT_MAX)
		return -EMSGSIZE;
	if (copy_from_sockptr(&head, optval, sizeof(head)))
		return -EFAULT;
	if (head.size != sizeof(head) || head.seq > DTLS_RECORD_SEQ_MAX / 2)
		return -EINVAL;
	if (!READ_ONCE(assoc->tx_last))
		return -ENOKEY;

	err = -ENOMEM;
	flight = kmalloc(sizeof(*flight) + optlen - sizeof(head), GFP_KERNEL);
	if (!flight)
		goto out;
	flight->seq = head.seq;
	flight->len = optlen - sizeof(head);
	err = -EFAULT;
	if (copy_from_sockptr_offset(flight->data, optval, sizeof(head),
				     flight->len))
		goto out;
	err = dtls_control_check_flight(flight->data, flight->len, head.count,
					assoc);
	if (err)
		goto out;
	mutex_lock(&assoc->lock);
	old = assoc->flight;
	assoc->flight = head.count ? flight : NULL;
	mutex_unlock(&assoc->lock);
	flight = head.count ? old : flight;
	if (!head.count)
		kfree_sensitive(old);
out:
	kfree_sensitive(flight);
	return err;
}

/**
 * dtls_control_forget_flight() - drop the last flight
 * @assoc: association that ends
 *
 * Context: process, may sleep; takes the lock of the association.
 */
void dtls_control_forget_flight(struct dtls_assoc *assoc)
{
	struct dtls_control_flight *flight;

	mutex_lock(&assoc->lock);
	flight = assoc->flight;
	assoc->flight = NULL;
	mutex_unlock(&assoc->lock);
	kfree_sensitive(flight);
}
