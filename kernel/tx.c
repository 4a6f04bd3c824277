// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way out: a program's bytes become records, sealed where they lie, and
 * go down through the socket's own UDP sendmsg.
 */
#include <linux/net.h>
#include <linux/slab.h>
#include <net/ipv6.h>
#include <net/udp.h>

#include "compat.h"
#include "control.h"
#include "sock.h"
#include "stats.h"
#include "trace.h"

/*
 * What one call of the base may carry: UDP_MAX_SEGMENTS of the oldest kernel,
 * and the largest payload of IPv4 with room for options.
 */
#define DTLS_TX_GROUP_RECORDS	64
#define DTLS_TX_GROUP_BYTES	65000

/* Flags that mean the same to the base. */
#define DTLS_TX_BASE_FLAGS	(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_CONFIRM | \
				 MSG_DONTROUTE | MSG_CMSG_COMPAT)

/**
 * struct dtls_tx - one call of sendmsg
 * @ds:       socket
 * @ep:       keys, with a reference
 * @control:  control messages for the base, or NULL
 * @ctl_len:  bytes of them
 * @ctl_gso:  bytes of them with the UDP_SEGMENT at their end
 * @owned:    @control is ours to free
 * @flags:    flags of the call
 * @gso:      plaintext segment size, 0 for none
 * @type:     content type
 * @typed:    @type was given by control message
 */
struct dtls_tx {
	struct dtls_sock	*ds;
	struct dtls_epoch	*ep;
	void			*control;
	size_t			ctl_len;
	size_t			ctl_gso;
	bool			owned;
	int			flags;
	u16			gso;
	u8			type;
	bool			typed;
};

/* Find the keys, or the one reason why there are none to use. */
static int dtls_tx_keys(struct dtls_sock *ds, struct dtls_epoch **ep)
{
	struct dtls_assoc *assoc = dtls_sock_assoc(ds);

	if (test_bit(DTLS_ASSOC_CLOSED, &assoc->flags))
		return -EPIPE;
	if (test_bit(DTLS_ASSOC_TX_FROZEN, &assoc->flags))
		return -EKEYREVOKED;
	*ep = dtls_keys_get_tx(assoc);
	return *ep ? 0 : -ENOKEY;
}

/* A connected socket has one peer: an address may be given if it is that one. */
static int dtls_tx_check_name(const struct sock *sk, const struct msghdr *msg)
{
	const struct inet_sock *inet = inet_sk(sk);
	const struct sockaddr_in *sin = msg->msg_name;
#if IS_ENABLED(CONFIG_IPV6)
	const struct sockaddr_in6 *sin6 = msg->msg_name;
#endif

	if (msg->msg_namelen < offsetofend(struct sockaddr, sa_family))
		return -EINVAL;
#if IS_ENABLED(CONFIG_IPV6)
	if (sin->sin_family == AF_INET6 && sk->sk_family == AF_INET6) {
		if (msg->msg_namelen < SIN6_LEN_RFC2133)
			return -EINVAL;
		return sin6->sin6_port == inet->inet_dport &&
		       ipv6_addr_equal(&sin6->sin6_addr, &sk->sk_v6_daddr) ?
		       0 : -EISCONN;
	}
#endif
	/* IPv6 takes it for no address at all */
	if (sin->sin_family == AF_UNSPEC && sk->sk_family == AF_INET6)
		return 0;
	if (sin->sin_family != AF_INET && sin->sin_family != AF_UNSPEC)
		return -EAFNOSUPPORT;
	if (msg->msg_namelen < sizeof(*sin))
		return -EINVAL;
	return sin->sin_port == inet->inet_dport &&
	       sin->sin_addr.s_addr == inet->inet_daddr ? 0 : -EISCONN;
}

static int dtls_tx_record_cmsg(struct dtls_tx *tx, struct cmsghdr *cmsg)
{
	struct dtls_record rec;

	if (cmsg->cmsg_type != DTLS_RECORD_TYPE ||
	    cmsg->cmsg_len != CMSG_LEN(sizeof(rec)))
		return -EINVAL;
	memcpy(&rec, CMSG_DATA(cmsg), sizeof(rec));
	if (rec.type < DTLS_TYPE_CCS || rec.type > DTLS_TYPE_HEARTBEAT ||
	    rec.seq || memchr_inv(rec.pad, 0, sizeof(rec.pad)))
		return -EINVAL;
	if (rec.epoch && rec.epoch != tx->ep->epoch)
		return -EINVAL;
	tx->type = rec.type;
	tx->typed = true;
	return 0;
}

/*
 * Take what is ours out of the program's control messages; the rest is for
 * the base. UDP_SEGMENT must not reach it as it is: it counts plaintext, and
 * would cut records.
 */
static int dtls_tx_cmsgs(struct dtls_tx *tx, struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	bool udp = false;
	int err;

	for_each_cmsghdr(cmsg, msg) {
		if (!CMSG_OK(msg, cmsg))
			return -EINVAL;
		if (cmsg->cmsg_level == SOL_DTLS) {
			err = dtls_tx_record_cmsg(tx, cmsg);
			if (err)
				return err;
		} else if (cmsg->cmsg_level == SOL_UDP) {
			if (cmsg->cmsg_type != UDP_SEGMENT ||
			    cmsg->cmsg_len != CMSG_LEN(sizeof(__u16)))
				return -EINVAL;
			tx->gso = *(__u16 *)CMSG_DATA(cmsg);
			udp = true;
		}
	}
	tx->control = msg->msg_control;
	tx->ctl_len = msg->msg_controllen;
	if (!udp && !tx->gso)
		return 0;

	/* a copy without them, and room for the base's segment size */
	tx->control = kmalloc(CMSG_ALIGN(msg->msg_controllen) +
			      CMSG_SPACE(sizeof(__u16)), GFP_KERNEL);
	if (!tx->control)
		return -ENOMEM;
	tx->owned = true;
	tx->ctl_len = 0;
	for_each_cmsghdr(cmsg, msg) {
		size_t space = CMSG_ALIGN(cmsg->cmsg_len);

		if (cmsg->cmsg_level == SOL_DTLS ||
		    cmsg->cmsg_level == SOL_UDP)
			continue;
		memset(tx->control + tx->ctl_len, 0, space);
		memcpy(tx->control + tx->ctl_len, cmsg, cmsg->cmsg_len);
		tx->ctl_len += space;
	}
	cmsg = tx->control + tx->ctl_len;
	memset(cmsg, 0, CMSG_SPACE(sizeof(__u16)));
	cmsg->cmsg_level = SOL_UDP;
	cmsg->cmsg_type = UDP_SEGMENT;
	cmsg->cmsg_len = CMSG_LEN(sizeof(__u16));
	tx->ctl_gso = tx->ctl_len + CMSG_SPACE(sizeof(__u16));
	return 0;
}

/* Hand @len bytes to the base; with @seg as that many datagrams. */
static int dtls_tx_push(struct dtls_tx *tx, void *buf, size_t len, u16 seg)
{
	struct sock *sk = tx->ds->sk;
	struct kvec vec = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = {
		.msg_control	= tx->control,
		.msg_controllen	= seg ? tx->ctl_gso : tx->ctl_len,
		.msg_flags	= tx->flags & DTLS_TX_BASE_FLAGS,
	};
	int ret;

	if (seg)
		*(__u16 *)CMSG_DATA((struct cmsghdr *)(tx->control +
						       tx->ctl_len)) = seg;
	iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, &vec, 1, len);
	ret = tx->ds->proto->base->sendmsg(sk, &msg, len);
	return ret < 0 ? ret : 0;
}

/*
 * Send sealed records, @wire bytes each but for the last. Where the base
 * cannot segment (IPsec, no checksums, 6.1 without checksum offload) the same
 * bytes go out one by one: sealing them again would want new numbers.
 */
static int dtls_tx_send(struct dtls_tx *tx, u8 *buf, size_t len, size_t wire,
			size_t *sent)
{
	size_t n;
	int err;

	*sent = 0;
	if (wire < len) {
		err = dtls_tx_push(tx, buf, len, wire);
		if (err != -EIO && err != -EINVAL) {
			*sent = err ? 0 : len;
			return err;
		}
	}
	for (; *sent < len; *sent += n) {
		n = min(wire, len - *sent);
		err = dtls_tx_push(tx, buf + *sent, n, 0);
		if (err)
			return err;
	}
	return 0;
}

/* What there is to do for each record that has been sealed. */
static void dtls_tx_sealed(struct dtls_sock *ds, struct dtls_epoch *ep,
			   u8 type, u64 seq, unsigned int plain, bool async)
{
	struct net *net = sock_net(ds->sk);

	if (async)
		dtls_stats_inc(net, DTLS_STAT_TX_ASYNC);
	if (dtls_keys_limit_near(ep, seq)) {
		dtls_stats_inc(net, DTLS_STAT_KEY_LIMIT);
		dtls_control_event(ds, DTLS_EVENT_LIMIT, 0, ep->epoch, 0);
	}
	trace_dtls_record_sent(ds->sk, type, ep->epoch, seq, plain);
}

/* And for those that UDP has taken. */
static void dtls_tx_count(struct dtls_sock *ds, struct dtls_epoch *ep, u8 type,
			  unsigned int records, size_t bytes)
{
	struct net *net = sock_net(ds->sk);

	dtls_stats_add(net, DTLS_STAT_TX_RECORDS, records);
	dtls_stats_add(net, DTLS_STAT_TX_BYTES, bytes);
	if (type != DTLS_TYPE_DATA)
		dtls_stats_add(net, DTLS_STAT_TX_CONTROL, records);
	atomic64_add(bytes, &ep->tx_bytes);
}

/*
 * Seal and send the next @len bytes of @from, as records of @seg bytes. The
 * bytes are all in our hands before the first number is taken, so that a bad
 * buffer costs none.
 *
 * Return: bytes of plaintext sent, which is less than @len if the numbers or
 * the path ended under way; or a negative errno, with @from as it was.
 */
static ssize_t dtls_tx_group(struct dtls_tx *tx, struct iov_iter *from,
			     size_t len, size_t seg)
{
	const struct dtls_aead *aead = &tx->ep->aead;
	size_t over = dtls_cipher_overhead(aead->cipher);
	size_t front = DTLS_RECORD_HDR12 + aead->cipher->explicit_len;
	unsigned int count = len ? DIV_ROUND_UP(len, seg) : 1, done;
	size_t wire = 0, copied = 0, plain, sent;
	struct dtls_rec *rec;
	bool async;
	u64 seq;
	int err;

	/* where memory is in pieces the caller comes again with less */
	rec = dtls_rec_alloc(aead, len + count * over, count == 1 ? GFP_KERNEL :
			     GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (!rec)
		return -ENOMEM;

	for (done = 0; done < count; done++) {
		plain = min(seg, len - copied);
		err = -EFAULT;
		if (!copy_from_iter_full(rec->buf + wire + front, plain, from))
			goto out_revert;
		copied += plain;
		wire += plain + over;
	}

	wire = 0;
	for (done = 0; done < count; done++) {
		plain = min(seg, len - done * seg);
		err = dtls_keys_next_seq(tx->ep, &seq);
		if (err)
			break;
		err = dtls_cipher_seal(aead, rec, rec->buf + wire, tx->type,
				       tx->ep->epoch, seq, plain, &async);
		if (err < 0)
			break;
		wire += err;
		err = 0;
		dtls_tx_sealed(tx->ds, tx->ep, tx->type, seq, plain, async);
	}
	if (!done)
		goto out_revert;

	err = dtls_tx_send(tx, rec->buf, wire, min(seg, len) + over, &sent);
	/* what of the plaintext is on its way */
	done = DIV_ROUND_UP(sent, min(seg, len) + over);
	if (err) {
		dtls_stats_inc(sock_net(tx->ds->sk), DTLS_STAT_TX_ERRORS);
		if (!done)
			goto out_revert;
	}
	iov_iter_revert(from, copied - min(copied, done * seg));
	copied = min(copied, done * seg);
	dtls_tx_count(tx->ds, tx->ep, tx->type, done, copied);
	dtls_rec_put(rec);
	return copied;

out_revert:
	/* io_uring comes again with the same iterator after -EAGAIN */
	iov_iter_revert(from, copied);
	dtls_rec_put(rec);
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

/* Send @len bytes of @from, cut as the call says. */
static ssize_t dtls_tx_bytes(struct dtls_tx *tx, struct iov_iter *from,
			     size_t len)
{
	size_t over = dtls_cipher_overhead(tx->ep->aead.cipher);
	size_t seg = tx->gso ? min_t(size_t, tx->gso, len) : len;
	size_t group, count, total = 0;
	ssize_t ret;

	if (seg > DTLS_RECORD_PLAIN_MAX)
		return -EMSGSIZE;
	count = min_t(size_t, DTLS_TX_GROUP_RECORDS,
		      DTLS_TX_GROUP_BYTES / (seg + over));
	do {
		ret = dtls_tx_room(tx->ds->sk, tx->flags);
		if (ret)
			break;
		group = min(count * seg, len - total);
		ret = dtls_tx_group(tx, from, group, seg);
		if (ret == -ENOMEM && group > seg) {
			count = 1;
			continue;
		}
		if (ret < 0)
			break;
		total += ret;
		if (ret < group)
			break;
	} while (total < len);
	return total ? total : ret;
}

static void dtls_tx_cork_drop(struct dtls_cork *cork)
{
	kvfree_sensitive(cork->buf, cork->size);
	cork->buf = NULL;
	cork->len = 0;
	WRITE_ONCE(cork->held, false);
}

/* Send what has been collected; caller holds the lock of the cork. */
static ssize_t dtls_tx_cork_flush(struct dtls_tx *tx)
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
		dtls_tx_cork_drop(cork);
	return ret;
}

/*
 * MSG_MORE and UDP_CORK join several sends to one datagram in UDP, so here to
 * one record, or one run of segments.
 */
static ssize_t dtls_tx_corked(struct dtls_tx *tx, struct msghdr *msg,
			      size_t len)
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
		cork->buf = kvmalloc(size, GFP_KERNEL);
		if (!cork->buf)
			goto out;
		cork->size = size;
		cork->type = tx->type;
		WRITE_ONCE(cork->held, true);
	}
	ret = -EMSGSIZE;
	if (len > cork->size - cork->len) {
		dtls_tx_cork_drop(cork);
		goto out;
	}
	ret = -EFAULT;
	if (!copy_from_iter_full(cork->buf + cork->len, len, &msg->msg_iter)) {
		if (!cork->len)
			dtls_tx_cork_drop(cork);
		goto out;
	}
	cork->len += len;
	ret = len;
	if (!cork->on && !(msg->msg_flags & (MSG_MORE | MSG_SENDPAGE_NOTLAST))) {
		ret = dtls_tx_cork_flush(tx);
		if (ret < 0)
			iov_iter_revert(&msg->msg_iter, len);
		if (ret == -EAGAIN) {
			/* as if this piece had not been offered yet */
			cork->len -= len;
			if (!cork->len)
				dtls_tx_cork_drop(cork);
		} else if (ret >= 0) {
			ret = len;
		}
	}
out:
	mutex_unlock(&cork->lock);
	return ret;
}

/* Checks that UDP makes further down, where it would cost a number. */
static int dtls_tx_check(struct sock *sk, const struct msghdr *msg)
{
	int err;

	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = sock_error(sk);
	if (err)
		return err;
	if (READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN)
		return -EPIPE;
	if (msg->msg_name)
		return dtls_tx_check_name(sk, msg);
	return 0;
}

/*
 * Send without keys. Bytes that UDP holds back, to make a larger datagram,
 * must not still be there when the first record comes: so nobody installs
 * keys meanwhile. Return: -EKEYREJECTED if somebody was faster.
 */
static int dtls_tx_plain(struct dtls_sock *ds, struct msghdr *msg, size_t len)
{
	struct sock *sk = ds->sk;
	int ret = -EKEYREJECTED;

	if (!(msg->msg_flags & MSG_MORE) && !dtls_compat_udp_cork(sk))
		return ds->proto->base->sendmsg(sk, msg, len);

	mutex_lock(&ds->cork.lock);
	if (!dtls_sock_assoc(ds))
		ret = ds->proto->base->sendmsg(sk, msg, len);
	mutex_unlock(&ds->cork.lock);
	return ret;
}

/**
 * dtls_tx_sendmsg() - sendmsg of an attached socket
 * @sk:  socket
 * @msg: the program's message
 * @len: bytes of it
 *
 * Without keys the socket is plain UDP. Otherwise the bytes are sealed; no
 * path leads past that.
 *
 * Context: process, may sleep; no locks held.
 * Return: bytes taken, or a negative errno (Documentation/networking/dtls.rst).
 */
int dtls_tx_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct dtls_sock *ds = dtls_sk(sk);
	struct dtls_tx tx = {
		.ds = ds,
		.flags = msg->msg_flags,
		.gso = READ_ONCE(ds->gso_size),
		.type = DTLS_TYPE_DATA,
	};
	struct ubuf_info *uarg = NULL;
	ssize_t ret;

	if (!dtls_sock_assoc(ds)) {
		ret = dtls_tx_plain(ds, msg, len);
		if (ret != -EKEYREJECTED)
			return ret;
	}

	ret = dtls_tx_check(sk, msg);
	if (ret)
		return ret;
	if (len > U16_MAX)
		return -EMSGSIZE;
	/* as in UDP: look whether it could be sent */
	if (msg->msg_flags & MSG_PROBE)
		return len;
	ret = dtls_tx_keys(ds, &tx.ep);
	if (ret)
		return ret;
	ret = dtls_tx_cmsgs(&tx, msg);
	if (ret)
		goto out;

	/* the bytes are copied: say so, as the stack does where it copies */
	if (msg->msg_flags & MSG_ZEROCOPY && sock_flag(sk, SOCK_ZEROCOPY) &&
	    !msg->msg_ubuf && len) {
		uarg = dtls_compat_zerocopy_alloc(sk, len);
		ret = -ENOBUFS;
		if (!uarg)
			goto out;
		uarg_to_msgzc(uarg)->zerocopy = 0;
	}

	if (READ_ONCE(ds->cork.on) || READ_ONCE(ds->cork.held) ||
	    msg->msg_flags & (MSG_MORE | MSG_SENDPAGE_NOTLAST))
		ret = dtls_tx_corked(&tx, msg, len);
	else
		ret = dtls_tx_bytes(&tx, &msg->msg_iter, len);

	if (uarg && ret < 0)
		net_zcopy_put_abort(uarg, true);
	else if (uarg)
		net_zcopy_put(uarg);
out:
	if (tx.owned)
		kfree(tx.control);
	dtls_keys_put(tx.ep);
	return ret;
}

/**
 * dtls_tx_record() - send a record that the kernel itself has to say
 * @ds:    socket with an association
 * @type:  content type
 * @data:  plaintext
 * @len:   bytes of it
 * @flags: MSG_DONTWAIT, or 0 to wait for buffer
 *
 * Context: process, may sleep; no locks held.
 * Return: 0 or a negative errno.
 */
int dtls_tx_record(struct dtls_sock *ds, u8 type, const void *data,
		   unsigned int len, int flags)
{
	struct kvec vec = { .iov_base = (void *)data, .iov_len = len };
	struct dtls_tx tx = { .ds = ds, .flags = flags, .type = type };
	struct iov_iter from;
	ssize_t ret;

	ret = dtls_tx_keys(ds, &tx.ep);
	if (ret)
		return ret;
	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, len);
	ret = dtls_tx_bytes(&tx, &from, len);
	dtls_keys_put(tx.ep);
	return ret < 0 ? ret : 0;
}

/**
 * dtls_tx_seal() - seal a record that the caller sends, with dtls_tx_raw()
 * @ds:   socket with an association
 * @type: content type
 * @data: plaintext
 * @len:  bytes of it
 * @wire: where the record goes, with room for @len and
 *        %DTLS_CIPHER_OVERHEAD_MAX bytes
 *
 * Context: process, may sleep; no locks held.
 * Return: bytes of the record, or a negative errno.
 */
int dtls_tx_seal(struct dtls_sock *ds, u8 type, const void *data,
		 unsigned int len, u8 *wire)
{
	const struct dtls_aead *aead;
	struct dtls_epoch *ep;
	struct dtls_rec *rec;
	unsigned int front;
	bool async;
	u64 seq;
	int ret;

	ret = dtls_tx_keys(ds, &ep);
	if (ret)
		return ret;
	aead = &ep->aead;
	ret = -ENOMEM;
	rec = dtls_rec_alloc(aead, len + dtls_cipher_overhead(aead->cipher),
			     GFP_KERNEL);
	if (!rec)
		goto out;
	front = DTLS_RECORD_HDR12 + aead->cipher->explicit_len;
	memcpy(rec->buf + front, data, len);
	ret = dtls_keys_next_seq(ep, &seq);
	if (!ret)
		ret = dtls_cipher_seal(aead, rec, rec->buf, type, ep->epoch,
				       seq, len, &async);
	if (ret > 0) {
		memcpy(wire, rec->buf, ret);
		dtls_tx_sealed(ds, ep, type, seq, len, async);
		dtls_tx_count(ds, ep, type, 1, len);
	}
	dtls_rec_put(rec);
out:
	dtls_keys_put(ep);
	return ret;
}

/**
 * dtls_tx_raw() - send bytes that are a datagram already
 * @ds:    socket
 * @data:  what goes on the wire: records that are sealed, or of epoch 0
 * @len:   bytes of it
 * @flags: MSG_DONTWAIT, or 0 to wait for buffer
 *
 * Context: process, may sleep; no locks held.
 * Return: 0 or a negative errno.
 */
int dtls_tx_raw(struct dtls_sock *ds, void *data, unsigned int len, int flags)
{
	struct dtls_tx tx = { .ds = ds, .flags = flags };

	return dtls_tx_push(&tx, data, len, 0);
}

/**
 * dtls_tx_uncork() - send the record that MSG_MORE or UDP_CORK holds back
 * @ds: socket with an association; caller holds the lock of the cork
 *
 * Context: process, may sleep.
 * Return: 0 or a negative errno.
 */
int dtls_tx_uncork(struct dtls_sock *ds)
{
	struct dtls_tx tx = { .ds = ds, .gso = READ_ONCE(ds->gso_size) };
	struct msghdr none = {};
	ssize_t ret;

	lockdep_assert_held(&ds->cork.lock);
	if (!ds->cork.held)
		return 0;
	ret = dtls_tx_keys(ds, &tx.ep);
	if (ret) {
		dtls_tx_cork_drop(&ds->cork);
		return ret;
	}
	ret = dtls_tx_cmsgs(&tx, &none);
	if (!ret)
		ret = dtls_tx_cork_flush(&tx);
	else
		dtls_tx_cork_drop(&ds->cork);
	if (tx.owned)
		kfree(tx.control);
	dtls_keys_put(tx.ep);
	return ret < 0 ? ret : 0;
}

/**
 * dtls_tx_splice_eof() - a splice has ended: nothing more will follow
 * @sock: socket
 *
 * Context: process, may sleep; no locks held.
 */
void dtls_tx_splice_eof(struct socket *sock)
{
	struct dtls_sock *ds = dtls_sk(sock->sk);

	if (!dtls_sock_assoc(ds)) {
		dtls_compat_splice_eof(ds->proto->base, sock);
		return;
	}
	mutex_lock(&ds->cork.lock);
	if (!ds->cork.on)
		dtls_tx_uncork(ds);
	mutex_unlock(&ds->cork.lock);
}

/**
 * dtls_tx_sendpage() - sendpage of an attached socket, before Linux 6.5
 * @sk:     socket
 * @page:   page, borrowed
 * @offset: of the bytes in it
 * @size:   number of bytes
 * @flags:  MSG_*
 *
 * IPv4 sendfile comes here and not through sendmsg: left to the base it would
 * put plaintext on the wire.
 *
 * Context: process, may sleep; no locks held.
 * Return: bytes taken or a negative errno.
 */
int dtls_tx_sendpage(struct sock *sk, struct page *page, int offset,
		     size_t size, int flags)
{
	struct dtls_sock *ds = dtls_sk(sk);
	struct bio_vec vec = {
		.bv_page = page,
		.bv_len = size,
		.bv_offset = offset,
	};
	struct msghdr msg = { .msg_flags = flags };
	int ret;

	mutex_lock(&ds->cork.lock);
	ret = -EKEYREJECTED;
	if (!dtls_sock_assoc(ds))
		ret = dtls_compat_sendpage(ds->proto->base, sk, page, offset,
					   size, flags);
	mutex_unlock(&ds->cork.lock);
	if (ret != -EKEYREJECTED)
		return ret;
	iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, &vec, 1, size);
	return dtls_tx_sendmsg(sk, &msg, size);
}
