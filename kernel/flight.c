// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last flight of the handshake. Its sender does not know whether it has
 * arrived: DTLS 1.2 sends it again when the peer repeats its own (RFC 6347
 * 4.2.4), a client of DTLS 1.3 until the server has acknowledged it (RFC 9147
 * 5.8.1).
 *
 * The plaintext is what is kept. Repeated verbatim, records would fall out of
 * the peer's window, and sealed by a library they would use the kernel's nonces
 * twice.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "control.h"
#include "flight.h"
#include "message.h"
#include "stats.h"
#include "update.h"

/* An ACK may name the first sending of a record, or one of the last ones. */
#define DTLS_FLIGHT_SENT	4

/* Payload of a datagram that every path takes: the least MTU of IPv6. */
#define DTLS_FLIGHT_DATAGRAM	(1280 - 40 - 8)

/**
 * struct dtls_flight_part - one record of it
 * @sent:  DTLS 1.3: numbers it has been sent under, @sent[0] the library's
 * @tries: how often we have sent it
 * @off:   where in the plaintexts
 * @len:   bytes of plaintext
 * @epoch: 0, or that of the keys
 * @type:  content type
 * @acked: DTLS 1.3: the peer has it
 */
struct dtls_flight_part {
	u64	sent[DTLS_FLIGHT_SENT];
	u32	tries;
	u32	off;
	u32	len;
	u16	epoch;
	u8	type;
	bool	acked;
};

/**
 * struct dtls_flight_kept - last flight of the handshake, to be repeated
 * @seq:   next sequence number of epoch 0
 * @size:  bytes of all this
 * @count: number of @part
 * @part:  the records, followed by their plaintexts
 */
struct dtls_flight_kept {
	u64			seq;
	u32			size;
	u32			count;
	struct dtls_flight_part	part[];
};

static const u8 *dtls_flight_bytes(const struct dtls_flight_kept *flight)
{
	return (const u8 *)&flight->part[flight->count];
}

static void dtls_flight_free(struct dtls_flight_kept *flight)
{
	if (flight)
		kvfree_sensitive(flight, flight->size);
}

/*
 * Put one record on the wire, at @wire; the caller has seen to it that it fits.
 * Return: its bytes, or a negative errno.
 */
static int dtls_flight_record(struct dtls_assoc *assoc,
			      struct dtls_flight_kept *flight,
			      struct dtls_flight_part *part, u8 *wire)
{
	const u8 *body = dtls_flight_bytes(flight) + part->off;
	struct dtls_epoch *ep;
	u64 seq;
	int len;

	if (!part->epoch) {
		dtls_record_put_hdr12(wire, part->type, 0, flight->seq++,
				      part->len);
		memcpy(wire + DTLS_RECORD_HDR12, body, part->len);
		return DTLS_RECORD_HDR12 + part->len;
	}
	/* none from before a change of keys: the peer has it */
	ep = dtls_keys_get_flight(assoc, part->epoch);
	if (!ep)
		return 0;
	len = dtls_tx_seal(ep, part->type, body, part->len, wire, &seq);
	dtls_keys_put(ep);
	if (len > 0) {
		part->sent[1 + part->tries % (DTLS_FLIGHT_SENT - 1)] = seq;
		part->tries++;
	}
	return len;
}

/*
 * As few datagrams as the path allows: where many are lost, a flight in pieces
 * hardly ever comes through whole, and RFC 6347 4.2.3 lets a flight share one.
 */
static void dtls_flight_send(struct dtls_assoc *assoc,
			     struct dtls_flight_kept *flight)
{
	int room = dtls_path_max_datagram(assoc), used = 0, len;
	struct dtls_flight_part *part;
	u8 *wire;

	if (room <= 0)
		room = DTLS_FLIGHT_DATAGRAM;
	room = min(room, DTLS_FLIGHT_MAX);
	/* a record that is too long by itself goes out by itself */
	wire = kmalloc(room + DTLS_PLAINTEXT_MAX + DTLS_CIPHER_OVERHEAD_MAX,
		       GFP_KERNEL);
	if (!wire)
		return;
	for (part = flight->part; part < flight->part + flight->count; part++) {
		if (part->acked)
			continue;
		len = part->len + DTLS_CIPHER_OVERHEAD_MAX;
		if (used && used + len > room) {
			dtls_tx_raw(assoc, wire, used, MSG_DONTWAIT);
			used = 0;
		}
		len = dtls_flight_record(assoc, flight, part, wire + used);
		if (len < 0)
			break;
		used += len;
	}
	if (used)
		dtls_tx_raw(assoc, wire, used, MSG_DONTWAIT);
	kfree_sensitive(wire);
}

/* A copy to send, since the association's lock is not held for that. */
static struct dtls_flight_kept *dtls_flight_copy(struct dtls_assoc *assoc)
{
	struct dtls_flight_kept *flight = NULL;
	u32 i;

	mutex_lock(&assoc->lock);
	if (assoc->flight)
		flight = kvmalloc(assoc->flight->size, GFP_KERNEL);
	if (flight) {
		memcpy(flight, assoc->flight, assoc->flight->size);
		/* numbers of epoch 0 are used once, too (RFC 6347 4.1) */
		for (i = 0; i < flight->count; i++)
			assoc->flight->seq += !flight->part[i].epoch;
	}
	mutex_unlock(&assoc->lock);
	return flight;
}

/**
 * dtls_flight_repeat() - send the last flight again, sealed anew
 * @assoc: association; with DTLS 1.3 the caller holds the lock of its dtls_update
 *
 * Context: process, may sleep; takes the lock of the association.
 */
void dtls_flight_repeat(struct dtls_assoc *assoc)
{
	struct dtls_flight_kept *flight = dtls_flight_copy(assoc);

	if (!flight)
		return;
	dtls_flight_send(assoc, flight);
	if (dtls_update_of(assoc)) {
		/* nobody changes it meanwhile */
		mutex_lock(&assoc->lock);
		if (assoc->flight)
			memcpy(assoc->flight->part, flight->part,
			       flight->count * sizeof(*flight->part));
		mutex_unlock(&assoc->lock);
	}
	dtls_flight_free(flight);
	dtls_stats_inc(assoc->net, DTLS_STAT_TX_LAST_FLIGHT);
	dtls_control_event(assoc, DTLS_EVENT_FLIGHT, 0, 0, 0);
}

/* Does an ACK name a record that @part went out in? RFC 9147 7. */
static bool dtls_flight_part_acked(const struct dtls_flight_part *part,
				   const u8 *ack, unsigned int count)
{
	u32 i, n = 1 + min_t(u32, part->tries, DTLS_FLIGHT_SENT - 1);

	for (i = 0; i < n; i++)
		if (dtls_message_acked(ack, count, part->epoch, part->sent[i]))
			return true;
	return false;
}

/**
 * dtls_flight_acked() - an ACK of DTLS 1.3 has come
 * @assoc: association; caller holds the lock of its dtls_update
 * @ack:   the ACK
 * @count: records that it names
 *
 * What the peer has is not sent again, and forgotten when that is everything.
 *
 * Context: process, may sleep; takes the lock of the association.
 * Return: true if nothing is left.
 */
bool dtls_flight_acked(struct dtls_assoc *assoc, const u8 *ack,
		       unsigned int count)
{
	struct dtls_flight_kept *flight;
	bool all = true;
	u32 i;

	mutex_lock(&assoc->lock);
	flight = assoc->flight;
	for (i = 0; flight && i < flight->count; i++) {
		struct dtls_flight_part *part = &flight->part[i];

		part->acked |= dtls_flight_part_acked(part, ack, count);
		all &= part->acked;
	}
	if (all)
		assoc->flight = NULL;
	mutex_unlock(&assoc->lock);
	if (all)
		dtls_flight_free(flight);
	return all;
}

/**
 * dtls_flight_kept() - is there a last flight that is ours to repeat
 * @assoc: association
 *
 * Context: process, may sleep; takes the lock of the association.
 * Return: true if so.
 */
bool dtls_flight_kept(struct dtls_assoc *assoc)
{
	bool kept;

	mutex_lock(&assoc->lock);
	kept = assoc->flight;
	mutex_unlock(&assoc->lock);
	return kept;
}

/* May a program want the record @rec sent again? @left bytes follow it. */
static bool dtls_flight_good(struct dtls_assoc *assoc,
			     const struct dtls_flight_record *rec, u32 left)
{
	struct dtls_epoch *ep;

	if (rec->type < DTLS_TYPE_CCS || rec->type > DTLS_TYPE_HANDSHAKE ||
	    rec->pad || !rec->len || rec->len > DTLS_PLAINTEXT_MAX ||
	    rec->len > left)
		return false;
	if (dtls_update_of(assoc) ? rec->seq > DTLS_RECORD_SEQ_MAX : rec->seq)
		return false;
	if (!rec->epoch)
		return true;
	ep = dtls_keys_get_flight(assoc, rec->epoch);
	if (ep)
		dtls_keys_put(ep);
	return ep;
}

/* Take the records apart that follow struct dtls_flight; @flight has the room. */
static int dtls_flight_parse(struct dtls_assoc *assoc, const u8 *data, u32 len,
			     struct dtls_flight_kept *flight)
{
	u8 *bytes = (u8 *)dtls_flight_bytes(flight);
	struct dtls_flight_part *part;
	struct dtls_flight_record rec;
	u32 off = 0;

	for (part = flight->part; part < flight->part + flight->count; part++) {
		if (len < sizeof(rec))
			return -EINVAL;
		memcpy(&rec, data, sizeof(rec));
		data += sizeof(rec);
		len -= sizeof(rec);
		if (!dtls_flight_good(assoc, &rec, len))
			return -EINVAL;
		part->sent[0] = rec.seq;
		part->off = off;
		part->len = rec.len;
		part->epoch = rec.epoch;
		part->type = rec.type;
		memcpy(bytes + off, data, rec.len);
		off += rec.len;
		data += rec.len;
		len -= rec.len;
	}
	return len ? -EINVAL : 0;
}

/* Have @flight, or none, in the place of the one that was. */
static void dtls_flight_replace(struct dtls_assoc *assoc,
				struct dtls_flight_kept *flight)
{
	struct dtls_update *up = dtls_update_of(assoc);

	if (up)
		mutex_lock(&up->lock);
	mutex_lock(&assoc->lock);
	swap(assoc->flight, flight);
	mutex_unlock(&assoc->lock);
	if (up) {
		dtls_update_flight(up);
		mutex_unlock(&up->lock);
	}
	dtls_flight_free(flight);
}

/**
 * dtls_flight_set() - DTLS_LAST_FLIGHT
 * @assoc:  association with keys to send
 * @optval: the option's value
 * @off:    where in it struct dtls_flight and its records begin
 * @optlen: bytes of these
 *
 * Context: process, may sleep; takes the locks of the association.
 * Return: 0; -ENOKEY without sending keys; -EMSGSIZE above %DTLS_FLIGHT_MAX;
 * -EINVAL if malformed; -EFAULT; -ENOMEM.
 */
int dtls_flight_set(struct dtls_assoc *assoc, sockptr_t optval,
		    unsigned int off, unsigned int optlen)
{
	struct dtls_flight_kept *flight = NULL;
	struct dtls_flight head;
	u32 len, size;
	u8 *data;
	int err;

	if (optlen < sizeof(head))
		return -EINVAL;
	if (optlen > sizeof(head) + DTLS_FLIGHT_MAX)
		return -EMSGSIZE;
	if (copy_from_sockptr_offset(&head, optval, off, sizeof(head)))
		return -EFAULT;
	len = optlen - sizeof(head);
	/* no record without a byte */
	if (head.size != sizeof(head) || head.seq > DTLS_RECORD_SEQ_MAX / 2 ||
	    head.count > len / (sizeof(struct dtls_flight_record) + 1))
		return -EINVAL;
	if (!READ_ONCE(assoc->tx_last))
		return -ENOKEY;

	size = struct_size(flight, part, head.count) + len;
	data = kmalloc(len, GFP_KERNEL);
	flight = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	err = -ENOMEM;
	if (!data || !flight)
		goto out;
	flight->seq = head.seq;
	flight->size = size;
	flight->count = head.count;
	err = -EFAULT;
	if (copy_from_sockptr_offset(data, optval, off + sizeof(head), len))
		goto out;
	err = dtls_flight_parse(assoc, data, len, flight);
	if (err)
		goto out;
	if (!flight->count) {
		dtls_flight_free(flight);
		flight = NULL;
	}
	dtls_flight_replace(assoc, flight);
	flight = NULL;
out:
	dtls_flight_free(flight);
	kfree_sensitive(data);
	return err;
}

/**
 * dtls_flight_forget() - drop the last flight
 * @assoc: association that ends
 *
 * Context: process, may sleep; takes the lock of the association.
 */
void dtls_flight_forget(struct dtls_assoc *assoc)
{
	struct dtls_flight_kept *flight;

	mutex_lock(&assoc->lock);
	flight = assoc->flight;
	assoc->flight = NULL;
	mutex_unlock(&assoc->lock);
	dtls_flight_free(flight);
}
