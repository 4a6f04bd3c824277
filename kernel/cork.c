// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records that several calls put together: MSG_MORE and UDP_CORK join sends to
 * one datagram in UDP, so here to one record, or one run of segments; and so
 * does a splice, which ends where splice_eof says so.
 */
#include <linux/net.h>
#include <linux/slab.h>

#include "compat.h"
#include "tx.h"

static void dtls_cork_drop(struct dtls_cork *cork)
{
	kvfree_sensitive(cork->buf, cork->size);
	cork->buf = NULL;
	cork->len = 0;
	WRITE_ONCE(cork->held, false);
}

/* Send what has been collected; caller holds the lock of the cork. */
static ssize_t dtls_cork_flush(struct dtls_tx *tx)
{
	struct dtls_cork *cork = &tx->ds->cork;
	struct iov_iter from;
	struct kvec vec;
	ssize_t ret;

	tx->type = cork->type;
	vec.iov_base = cork->buf;
	vec.iov_len = cork->len;
	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, cork->len);
	ret = dtls_tx_bytes(tx, &from, cork->len);
	/* as UDP does: what could not be sent is not kept, but for a retry */
	if (ret != -EAGAIN)
		dtls_cork_drop(cork);
	return ret;
}

/**
 * dtls_cork_add() - sendmsg while a record is held back, or is to be
 * @tx:  the call
 * @msg: the program's message
 * @len: bytes of it
 *
 * Context: process, may sleep; takes the lock of the cork.
 * Return: bytes taken, or a negative errno.
 */
ssize_t dtls_cork_add(struct dtls_tx *tx, struct msghdr *msg, size_t len)
{
	struct dtls_cork *cork = &tx->ds->cork;
	u32 size = tx->gso ? U16_MAX : DTLS_RECORD_PLAIN_MAX;
	ssize_t ret;

	mutex_lock(&cork->lock);
	if (cork->held) {
		/* a record has one type */
		ret = -EINVAL;
		if (tx->typed && tx->type != cork->type)
			goto out;
	} else {
		ret = -ENOMEM;
		cork->buf = kvmalloc(size, GFP_KERNEL | __GFP_NOWARN);
		if (!cork->buf)
			goto out;
		cork->size = size;
		cork->type = tx->type;
		WRITE_ONCE(cork->held, true);
	}
	ret = -EMSGSIZE;
	if (len > cork->size - cork->len) {
		dtls_cork_drop(cork);
		goto out;
	}
	ret = -EFAULT;
	if (!copy_from_iter_full(cork->buf + cork->len, len, &msg->msg_iter)) {
		if (!cork->len)
			dtls_cork_drop(cork);
		goto out;
	}
	cork->len += len;
	ret = len;
	if (!cork->on && !(msg->msg_flags & (MSG_MORE | MSG_SENDPAGE_NOTLAST))) {
		ret = dtls_cork_flush(tx);
		if (ret < 0)
			iov_iter_revert(&msg->msg_iter, len);
		if (ret == -EAGAIN) {
			/* as if this piece had not been offered yet */
			cork->len -= len;
			if (!cork->len)
				dtls_cork_drop(cork);
		} else if (ret >= 0) {
			ret = len;
		}
	}
out:
	mutex_unlock(&cork->lock);
	return ret;
}

/**
 * dtls_cork_release() - send the record that MSG_MORE or UDP_CORK holds back
 * @ds: socket with an association; caller holds the lock of the cork
 *
 * Context: process, may sleep.
 * Return: 0 or a negative errno.
 */
int dtls_cork_release(struct dtls_sock *ds)
{
	u8 space[DTLS_TX_SPACE] __aligned(sizeof(long));
	struct msghdr none = {};
	struct dtls_tx tx;
	ssize_t ret;

	lockdep_assert_held(&ds->cork.lock);
	if (!ds->cork.held)
		return 0;
	dtls_tx_begin(&tx, dtls_sock_assoc(ds), DTLS_TYPE_DATA, 0);
	tx.space = space;
	tx.gso = READ_ONCE(ds->gso_size);
	ret = dtls_tx_keys(tx.assoc, &tx.ep);
	if (ret) {
		dtls_cork_drop(&ds->cork);
		return ret;
	}
	ret = dtls_cmsg_take(&tx, &none);
	if (!ret)
		ret = dtls_cork_flush(&tx);
	else
		dtls_cork_drop(&ds->cork);
	if (tx.owned)
		kfree(tx.control);
	dtls_keys_put(tx.ep);
	return ret < 0 ? ret : 0;
}

/**
 * dtls_cork_splice_eof() - a splice has ended: nothing more will follow
 * @sock: socket
 *
 * Context: process, may sleep; no locks held.
 */
void dtls_cork_splice_eof(struct socket *sock)
{
	struct dtls_sock *ds = dtls_sk(sock->sk);

	if (!dtls_sock_keyed(ds)) {
		dtls_compat_splice_eof(ds->proto->base, sock);
		return;
	}
	mutex_lock(&ds->cork.lock);
	if (!ds->cork.on)
		dtls_cork_release(ds);
	mutex_unlock(&ds->cork.lock);
}
