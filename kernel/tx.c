// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way out: a program's bytes become records, sealed where they lie, and
 * go down through the socket's own UDP sendmsg.
 */
#include <linux/net.h>
#include <linux/slab.h>

#include "compat.h"
#include "control.h"
#include "peer.h"
#include "sock.h"
#include "stats.h"
#include "trace.h"
#include "tx.h"
#include "update.h"
#include "wire.h"
#include "work.h"

/* Flags that mean the same to the base. */
#define DTLS_TX_BASE_FLAGS	(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_CONFIRM | \
				 MSG_DONTROUTE | MSG_CMSG_COMPAT)

/*
 * Up to so many bytes UDP copies a record. Where it cannot take pages at all,
 * copying any is all that it does.
 */
#define DTLS_TX_COPY		(MSG_SPLICE_PAGES ? 512 : DTLS_RECORD_PLAIN_MAX)

/**
 * dtls_tx_keys() - find the keys, or the one reason why there are none to use
 * @assoc: association
 * @ep:    set to the epoch, with a reference
 *
 * Context: process.
 * Return: 0, -EPIPE, -EKEYREVOKED or -ENOKEY.
 */
int dtls_tx_keys(struct dtls_assoc *assoc, struct dtls_epoch **ep)
{
	if (test_bit(DTLS_ASSOC_CLOSED, &assoc->flags))
		return -EPIPE;
	if (test_bit(DTLS_ASSOC_TX_FROZEN, &assoc->flags))
		return -EKEYREVOKED;
	*ep = dtls_keys_get_tx(assoc);
	return *ep ? 0 : -ENOKEY;
}

/*
 * Hand what @msg->msg_iter holds to the base; with @seg as that many datagrams.
 * All else that is to be in @msg is filled in here.
 */
static int dtls_tx_push(struct dtls_tx *tx, struct msghdr *msg, u16 seg,
			int flags)
{
	struct sock *sk = tx->ds->sk;
	int ret;

	msg->msg_control = tx->control;
	msg->msg_controllen = seg ? tx->ctl_gso : tx->ctl_len;
	msg->msg_flags = flags | (tx->flags & DTLS_TX_BASE_FLAGS);
	if (seg)
		*(__u16 *)CMSG_DATA((struct cmsghdr *)(tx->control +
						       tx->ctl_len)) = seg;
	if (unlikely(tx->assoc->peer))
		ret = dtls_peer_send(tx->assoc, msg);
	else
		ret = tx->ds->proto->base->sendmsg(sk, msg, msg_data_left(msg));
	return ret < 0 ? ret : 0;
}

/*
 * Send sealed records, @size bytes each but for the last. Where the base
 * cannot segment (IPsec, no checksums, 6.1 without checksum offload) the same
 * bytes go out one by one: sealing them again would want new numbers.
 */
static int dtls_tx_send(struct dtls_tx *tx, const struct dtls_wire *wire,
			size_t size, size_t *sent)
{
	struct msghdr msg = {};
	int err;

	iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, wire->vec, wire->nvec,
		      wire->len);
	err = dtls_tx_push(tx, &msg, size < wire->len ? size : 0,
			   MSG_SPLICE_PAGES);
	*sent = err ? 0 : wire->len;
	if (size >= wire->len || (err != -EIO && err != -EINVAL))
		return err;

	for (; *sent < wire->len; *sent += size) {
		iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, wire->vec, wire->nvec,
			      wire->len);
		iov_iter_advance(&msg.msg_iter, *sent);
		iov_iter_truncate(&msg.msg_iter, size);
		err = dtls_tx_push(tx, &msg, 0, MSG_SPLICE_PAGES);
		if (err)
			return err;
	}
	*sent = wire->len;
	return 0;
}

/* What there is to do for records that have been sealed; @last is a number. */
static void dtls_tx_sealed(struct dtls_sock *ds, struct dtls_epoch *ep,
			   u64 last, unsigned int async)
{
	struct net *net = sock_net(ds->sk);

	if (async)
		dtls_stats_add(net, DTLS_STAT_TX_ASYNC, async);
	if (dtls_keys_limit_near(ep, last)) {
		dtls_stats_inc(net, DTLS_STAT_KEY_LIMIT);
		dtls_control_event(ep->assoc, DTLS_EVENT_LIMIT, 0, ep->epoch, 0);
		dtls_update_want(ep->assoc, false);
	}
}

/* There are no numbers for a record, as @err says. */
static noinline int dtls_tx_spent(struct dtls_tx *tx, int err)
{
	struct dtls_epoch *ep = tx->ep;

	if (err == -EKEYEXPIRED && ep->aead.form == DTLS_FORM_13 &&
	    !test_and_set_bit(DTLS_EPOCH_SPENT_TOLD, &ep->flags))
		dtls_control_event(tx->assoc, DTLS_EVENT_LIMIT, 0, ep->epoch, 0);
	return err;
}

/* And for those that UDP has taken. */
static void dtls_tx_count(struct dtls_sock *ds, struct dtls_epoch *ep, u8 type,
			  unsigned int records, size_t bytes)
{
	dtls_stats_tx(ds->stats, records, bytes,
		      type == DTLS_TYPE_DATA ? 0 : records);
	atomic64_add(bytes, &ep->tx_bytes);
}

/*
 * How records are padded: as the program says now, or not at all. To be asked
 * once for all records that share memory.
 */
static inline unsigned int dtls_tx_padding(const struct dtls_tx *tx)
{
	return likely(tx->ep->aead.form == DTLS_FORM_12) ? 0 :
	       max_t(unsigned int, READ_ONCE(tx->ds->padding), 1);
}

static noinline unsigned int dtls_tx_pad_some(const struct dtls_tx *tx,
					      size_t plain,
					      unsigned int padding)
{
	return dtls_cipher_pad(&tx->ep->aead, plain, padding);
}

/* Padding of a record of @plain bytes. */
static inline unsigned int dtls_tx_pad(const struct dtls_tx *tx, size_t plain,
				       unsigned int padding)
{
	/* unless asked for, only what is too short for a mask has any */
	if (likely(!padding) ||
	    (padding == 1 && plain >= DTLS_RECORD13_SAMPLE))
		return 0;
	return dtls_tx_pad_some(tx, plain, padding);
}

/* Bytes of a record of @plain bytes. */
static inline size_t dtls_tx_len(const struct dtls_tx *tx, size_t plain,
				 unsigned int padding)
{
	return plain + tx->ep->aead.over + dtls_tx_pad(tx, plain, padding);
}

/* Where a record begins that is sealed in the work area. */
static u8 *dtls_tx_place(const struct dtls_work *work,
			 const struct dtls_aead *aead)
{
	return work->buf + DTLS_WORK_PAYLOAD - aead->front;
}

/*
 * Fetch the next @plain bytes of @from, to be sealed where they will lie on
 * their way out if that is in one piece, else in the work area.
 * Return: start of the record, or NULL for a bad buffer.
 */
static u8 *dtls_tx_fill(struct dtls_tx *tx, struct dtls_work *work,
			struct dtls_wire *wire, struct iov_iter *from,
			size_t plain, unsigned int pad)
{
	const struct dtls_aead *aead = &tx->ep->aead;
	u8 *record;

	record = dtls_wire_place(wire, plain + aead->over + pad);
	if (!record)
		record = dtls_tx_place(work, aead);
	if (dtls_work_copy_from(record + aead->front, plain, from))
		return record;
	/* as in dtls_tx_wipe() */
	memzero_explicit(record + aead->front, plain);
	return NULL;
}

/* A record that will not be sealed: its pages go to others in the end. */
static void dtls_tx_wipe(struct dtls_tx *tx, u8 *record, size_t plain)
{
	/* padding is zeros, and never written unless the record is sealed */
	memzero_explicit(record, plain + tx->ep->aead.over);
}

/*
 * Seal a record that dtls_tx_fill() has filled. Its number may not be encrypted
 * yet if it lies where it will go.
 */
static int dtls_tx_one(struct dtls_tx *tx, struct dtls_work *work,
		       struct dtls_wire *wire, u8 *record, size_t plain,
		       unsigned int pad, u64 seq)
{
	struct dtls_aead *aead = &tx->ep->aead;
	int ret, err;

	ret = dtls_cipher_seal(aead, work, record, tx->type, tx->ep->epoch,
			       seq, plain, pad);
	if (unlikely(ret < 0)) {
		dtls_tx_wipe(tx, record, plain);
		return ret;
	}
	if (dtls_work_holds(work, record)) {
		err = dtls_cipher_finish(aead, work);
		if (unlikely(err))
			return err;
		dtls_wire_copy(wire, record, ret);
	} else {
		dtls_wire_add(wire, ret);
	}
	trace_dtls_record_sent(tx->ds->sk, tx->type, tx->ep->epoch, seq, plain);
	return 0;
}

/*
 * Seal and send the next @len bytes of @from, as records of @seg bytes.
 *
 * Return: bytes of plaintext sent, which is less than @len if the numbers or
 * the path ended under way; or a negative errno, with @from as it was.
 */
static ssize_t dtls_tx_group(struct dtls_tx *tx, struct iov_iter *from,
			     size_t len, size_t seg)
{
	unsigned int count = len ? DIV_ROUND_UP(len, seg) : 1;
	unsigned int padding = dtls_tx_padding(tx);
	size_t size = dtls_tx_len(tx, min(seg, len), padding), total;
	unsigned int done = 0, pad;
	size_t copied = 0, plain, sent;
	struct dtls_wire wire;
	struct dtls_work *work;
	u64 seq = 0;
	u8 *record;
	int err;

	work = dtls_work_get(&tx->ep->aead);
	if (!work)
		return -ENOMEM;
	/* all alike, but for the last */
	total = (count - 1) * size + dtls_tx_len(tx, len - (count - 1) * seg,
						   padding);
	err = dtls_wire_reserve(&wire, work, total, size, tx->ep->aead.front);
	if (err)
		goto out;
	while (done < count && !err) {
		plain = min(seg, len - copied);
		pad = dtls_tx_pad(tx, plain, padding);
		record = dtls_tx_fill(tx, work, &wire, from, plain, pad);
		err = -EFAULT;
		if (!record)
			break;
		copied += plain;
		/* one bad buffer costs no numbers */
		err = 0;
		if (!done)
			err = dtls_keys_take_seqs(tx->ep, count, &seq);
		if (err < 0) {
			dtls_tx_wipe(tx, record, plain);
			err = dtls_tx_spent(tx, err);
			break;
		}
		count = err ?: count;
		err = dtls_tx_one(tx, work, &wire, record, plain, pad,
				  seq + done);
		done += !err;
	}
	if (done)
		dtls_tx_sealed(tx->ds, tx->ep, seq + done - 1, work->async);
	/* a bad buffer: as UDP, that sends nothing then */
	if (!done || err == -EFAULT)
		goto out_revert;
	err = dtls_cipher_finish(&tx->ep->aead, work);
	if (unlikely(err))
		goto out_revert;

	err = dtls_tx_send(tx, &wire, size, &sent);
	/* what of the plaintext is on its way */
	done = DIV_ROUND_UP(sent, size);
	if (err) {
		dtls_stats_inc(sock_net(tx->ds->sk), DTLS_STAT_TX_ERRORS);
		if (!done)
			goto out_revert;
	}
	iov_iter_revert(from, copied - min(copied, done * seg));
	copied = min(copied, done * seg);
	dtls_tx_count(tx->ds, tx->ep, tx->type, done, copied);
	err = copied;
	goto out;

out_revert:
	/* io_uring comes again with the same iterator after -EAGAIN */
	iov_iter_revert(from, copied);
out:
	dtls_wire_release(&wire);
	dtls_work_put(work);
	return err;
}

/* Would the base refuse for want of buffer? Then do not seal for nothing. */
static int dtls_tx_room(struct sock *sk, int flags)
{
	if (!(flags & MSG_DONTWAIT) ||
	    sk_wmem_alloc_get(sk) < READ_ONCE(sk->sk_sndbuf))
		return 0;
	sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	return -EAGAIN;
}

/*
 * Seal the @len bytes that lie behind the front of @record, in the work area.
 * Return: bytes of the record, or a negative errno and nothing of it is left.
 */
static int dtls_tx_alone(struct dtls_tx *tx, struct dtls_work *work, u8 *record,
			 size_t len, unsigned int pad)
{
	struct dtls_epoch *ep = tx->ep;
	u64 seq;
	int ret;

	ret = dtls_keys_take_seqs(ep, 1, &seq);
	if (likely(ret > 0)) {
		tx->seq = seq;
		ret = dtls_cipher_seal(&ep->aead, work, record, tx->type,
				       ep->epoch, seq, len, pad);
		if (likely(ret > 0) && dtls_cipher_finish(&ep->aead, work))
			ret = -EIO;
	} else {
		ret = dtls_tx_spent(tx, ret);
	}
	if (unlikely(ret < 0)) {
		dtls_tx_wipe(tx, record, len);
		return ret;
	}
	dtls_tx_sealed(tx->ds, ep, seq, work->async);
	trace_dtls_record_sent(tx->ds->sk, tx->type, ep->epoch, seq, len);
	return ret;
}

/*
 * Seal and send @len bytes of @from as one record. For a short one it costs UDP
 * less to copy it than to be handed a page.
 * Return: @len, or a negative errno with @from as it was.
 */
static ssize_t dtls_tx_single(struct dtls_tx *tx, struct iov_iter *from,
			      size_t len)
{
	const struct dtls_aead *aead = &tx->ep->aead;
	unsigned int front = aead->front;
	unsigned int pad = dtls_tx_pad(tx, len, dtls_tx_padding(tx));
	struct msghdr msg = {};
	struct dtls_work *work;
	struct bio_vec page;
	struct kvec vec;
	int flags = 0;
	ssize_t ret;
	u8 *record;

	work = dtls_work_get(&tx->ep->aead);
	if (!work)
		return -ENOMEM;
	page.bv_page = NULL;
	if (len <= DTLS_TX_COPY)
		record = dtls_tx_place(work, aead);
	else
		record = dtls_wire_single(work, &page, len + aead->over + pad,
					  front);
	if (unlikely(!record)) {
		dtls_work_put(work);
		return dtls_tx_group(tx, from, len, len);
	}
	ret = -EFAULT;
	if (!dtls_work_copy_from(record + front, len, from)) {
		dtls_tx_wipe(tx, record, len);
		goto out;
	}
	ret = dtls_tx_alone(tx, work, record, len, pad);
	if (likely(ret > 0)) {
		if (page.bv_page) {
			flags = MSG_SPLICE_PAGES;
			iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, &page, 1,
				      ret);
		} else {
			vec.iov_base = record;
			vec.iov_len = ret;
			iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, &vec, 1, ret);
		}
		ret = dtls_tx_push(tx, &msg, 0, flags);
		if (unlikely(ret))
			dtls_stats_inc(sock_net(tx->ds->sk),
				       DTLS_STAT_TX_ERRORS);
	}
	if (unlikely(ret)) {
		/* io_uring comes again with the same iterator after -EAGAIN */
		iov_iter_revert(from, len);
		goto out;
	}
	dtls_tx_count(tx->ds, tx->ep, tx->type, 1, len);
	ret = len;
out:
	if (page.bv_page)
		put_page(page.bv_page);
	dtls_work_put(work);
	return ret;
}

/* Seal and send @len bytes as records of @seg bytes, in groups. */
static noinline ssize_t dtls_tx_groups(struct dtls_tx *tx,
				       struct iov_iter *from, size_t len,
				       size_t seg)
{
	size_t size = dtls_tx_len(tx, seg, dtls_tx_padding(tx));
	size_t count = DTLS_WIRE_RECORDS, group, total = 0;
	ssize_t ret;

	if (size > DTLS_WIRE_BYTES / DTLS_WIRE_RECORDS)
		count = DTLS_WIRE_BYTES / size;
	do {
		ret = dtls_tx_room(tx->ds->sk, tx->flags);
		if (ret)
			break;
		group = min(count * seg, len - total);
		ret = dtls_tx_group(tx, from, group, seg);
		if (ret < 0)
			break;
		total += ret;
		if (ret < group)
			break;
	} while (total < len);
	return total ? total : ret;
}

/* dtls_tx_bytes(), as far as these keys go. */
static __always_inline ssize_t dtls_tx_some(struct dtls_tx *tx,
					    struct iov_iter *from, size_t len)
{
	size_t seg = tx->gso ? min_t(size_t, tx->gso, len) : len;
	int err;

	if (unlikely(seg > dtls_cipher_plain_max(&tx->ep->aead)))
		return -EMSGSIZE;
	if (seg < len)
		return dtls_tx_groups(tx, from, len, seg);
	err = dtls_tx_room(tx->ds->sk, tx->flags);
	if (unlikely(err))
		return err;
	return dtls_tx_single(tx, from, len);
}

/*
 * Keys that have moved took @ret of @len bytes, or none: a connection ID has changed
 * meanwhile. The rest goes out with the new one.
 */
static noinline ssize_t dtls_tx_follow(struct dtls_tx *tx,
				       struct iov_iter *from, size_t len,
				       ssize_t ret)
{
	size_t left = len;

	for (;;) {
		if (ret > 0)
			left -= ret;
		if (!left || (ret < 0 && ret != -ESTALE) ||
		    !test_bit(DTLS_EPOCH_MOVED, &tx->ep->flags))
			break;
		ret = dtls_keys_follow(&tx->ep);
		if (ret)
			break;
		ret = dtls_tx_some(tx, from, left);
	}
	return left < len ? len - left : ret;
}

/**
 * dtls_tx_bytes() - seal and send bytes
 * @tx:   the call; has other keys afterwards if they have moved
 * @from: where they are; advanced by what is sent
 * @len:  how many, cut as the call says
 *
 * Context: process, may sleep; no locks held but that of the cork.
 * Return: bytes sent, or a negative errno if that is none.
 */
ssize_t dtls_tx_bytes(struct dtls_tx *tx, struct iov_iter *from, size_t len)
{
	ssize_t ret = dtls_tx_some(tx, from, len);

	return likely(ret == len) ? ret : dtls_tx_follow(tx, from, len, ret);
}

/**
 * dtls_tx_record() - send a record that the kernel itself has to say
 * @assoc: association
 * @type:  content type
 * @data:  plaintext
 * @len:   bytes of it
 * @flags: MSG_DONTWAIT, or 0 to wait for buffer
 * @number: set to the record's number, but for errors; or NULL
 *
 * Context: process, may sleep; no locks held.
 * Return: 0 or a negative errno.
 */
int dtls_tx_record(struct dtls_assoc *assoc, u8 type, const void *data,
		   unsigned int len, int flags,
		   struct dtls_message_number *number)
{
	struct kvec vec = { .iov_base = (void *)data, .iov_len = len };
	struct iov_iter from;
	struct dtls_tx tx;
	ssize_t ret;

	dtls_tx_begin(&tx, assoc, type, flags);
	ret = dtls_tx_keys(assoc, &tx.ep);
	if (ret)
		return ret;
	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, len);
	ret = dtls_tx_bytes(&tx, &from, len);
	if (number && ret >= 0) {
		number->epoch = tx.ep->epoch;
		number->seq = tx.seq;
	}
	dtls_keys_put(tx.ep);
	return ret < 0 ? ret : 0;
}

/**
 * dtls_tx_seal() - seal a record that the caller sends, with dtls_tx_raw()
 * @ep:   keys; borrowed
 * @type: content type
 * @data: plaintext
 * @len:  bytes of it, up to %DTLS_RECORD_PLAIN_MAX
 * @wire: where the record goes, with room for @len and
 *        %DTLS_CIPHER_OVERHEAD_MAX bytes
 * @seq:  set to the record's number, but for errors
 *
 * Context: process, may sleep; no locks held.
 * Return: bytes of the record, or a negative errno.
 */
int dtls_tx_seal(struct dtls_epoch *ep, u8 type, const void *data,
		 unsigned int len, u8 *wire, u64 *seq)
{
	struct dtls_work *work;
	struct dtls_tx tx;
	u8 *record;
	int ret;

	dtls_tx_begin(&tx, ep->assoc, type, 0);
	tx.ep = ep;
	if (len > dtls_cipher_plain_max(&ep->aead))
		return -EMSGSIZE;
	work = dtls_work_get(&ep->aead);
	if (!work)
		return -ENOMEM;
	record = dtls_tx_place(work, &ep->aead);
	memcpy(work->buf + DTLS_WORK_PAYLOAD, data, len);
	/* as much as it has to have */
	ret = dtls_tx_alone(&tx, work, record, len,
			    dtls_tx_pad(&tx, len,
					ep->aead.form != DTLS_FORM_12));
	if (ret > 0) {
		memcpy(wire, record, ret);
		*seq = tx.seq;
		dtls_tx_count(tx.ds, ep, type, 1, len);
	}
	dtls_work_put(work);
	return ret;
}

/**
 * dtls_tx_raw() - send bytes that are a datagram already
 * @assoc: association
 * @data:  what goes on the wire: records that are sealed, or of epoch 0
 * @len:   bytes of it
 * @flags: MSG_DONTWAIT, or 0 to wait for buffer
 *
 * Context: process, may sleep; no locks held.
 * Return: 0 or a negative errno.
 */
int dtls_tx_raw(struct dtls_assoc *assoc, void *data, unsigned int len,
		int flags)
{
	struct kvec vec = { .iov_base = data, .iov_len = len };
	struct msghdr msg = {};
	struct dtls_tx tx;

	dtls_tx_begin(&tx, assoc, DTLS_TYPE_DATA, flags);
	iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, &vec, 1, len);
	return dtls_tx_push(&tx, &msg, 0, 0);
}
