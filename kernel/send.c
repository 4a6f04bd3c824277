// SPDX-License-Identifier: GPL-2.0-only
/*
 * sendmsg of an attached socket: what the program asks for, and for whom. Sealing
 * and sending is the affair of tx.c.
 */
#include <linux/slab.h>
#include <net/ipv6.h>
#include <net/udp.h>

#include "compat.h"
#include "handshake.h"
#include "peer.h"
#include "raw.h"
#include "sock.h"
#include "tx.h"

/* A connected socket has one peer: an address may be given if it is that one. */
static int dtls_send_check_name(const struct sock *sk, const struct msghdr *msg)
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

/* Checks that UDP makes further down, where it would cost a number. */
static int dtls_send_check(struct sock *sk, const struct msghdr *msg)
{
	int err;

	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = sock_error(sk);
	if (err)
		return err;
	if (READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN)
		return -EPIPE;
	/* whose address it is has led us to a peer */
	if (msg->msg_name && !dtls_sk(sk)->peers)
		return dtls_send_check_name(sk, msg);
	return 0;
}

/*
 * Send without keys. Bytes that UDP holds back, to make a larger datagram,
 * must not still be there when the first record comes: so nobody installs
 * keys meanwhile. Return: -EKEYREJECTED if somebody was faster.
 */
static int dtls_send_plain(struct dtls_sock *ds, struct msghdr *msg, size_t len)
{
	struct sock *sk = ds->sk;
	int ret = -EKEYREJECTED;

	if (!(msg->msg_flags & MSG_MORE) && !dtls_compat_udp_cork(sk))
		return ds->proto->base->sendmsg(sk, msg, len);

	mutex_lock(&ds->cork.lock);
	if (!dtls_sock_keyed(ds))
		ret = ds->proto->base->sendmsg(sk, msg, len);
	mutex_unlock(&ds->cork.lock);
	return ret;
}

/* Send what is left of a message when its control messages have been read. */
static __always_inline int dtls_send_payload(struct dtls_tx *tx,
					     struct msghdr *msg, size_t len)
{
	struct dtls_sock *ds = tx->ds;
	struct ubuf_info *uarg = NULL;
	int ret;

	if (likely(!(msg->msg_flags & (MSG_ZEROCOPY | MSG_MORE |
				       MSG_SENDPAGE_NOTLAST)) &&
		   !READ_ONCE(ds->cork.on) && !READ_ONCE(ds->cork.held)))
		return dtls_tx_bytes(tx, &msg->msg_iter, len);

	/* the bytes are copied: say so, as the stack does where it copies */
	if (msg->msg_flags & MSG_ZEROCOPY &&
	    sock_flag(ds->sk, SOCK_ZEROCOPY) && !msg->msg_ubuf && len) {
		uarg = dtls_compat_zerocopy_alloc(ds->sk, len);
		if (!uarg)
			return -ENOBUFS;
		uarg_to_msgzc(uarg)->zerocopy = 0;
	}

	if (READ_ONCE(ds->cork.on) || READ_ONCE(ds->cork.held) ||
	    msg->msg_flags & (MSG_MORE | MSG_SENDPAGE_NOTLAST))
		ret = tx->assoc->peer ? -EOPNOTSUPP :
					dtls_cork_add(tx, msg, len);
	else
		ret = dtls_tx_bytes(tx, &msg->msg_iter, len);

	if (uarg && ret < 0)
		net_zcopy_put_abort(uarg, true);
	else if (uarg)
		net_zcopy_put(uarg);
	return ret;
}

/* The same for a message that may have some, or a socket with UDP_SEGMENT. */
static noinline int dtls_send_controlled(struct dtls_tx *tx, struct msghdr *msg,
					 size_t len)
{
	u8 space[DTLS_TX_SPACE] __aligned(sizeof(long)) dtls_compat_raw;
	int ret;

	tx->space = space;
	ret = dtls_cmsg_take(tx, msg);
	if (!ret)
		ret = dtls_send_payload(tx, msg, len);
	if (tx->owned)
		kfree(tx->control);
	return ret;
}

static __always_inline int dtls_send_message(struct dtls_assoc *assoc,
					     struct msghdr *msg, size_t len)
{
	struct dtls_sock *ds = assoc->ds;
	struct dtls_tx tx dtls_compat_raw;
	int ret;

	dtls_tx_begin(&tx, assoc, DTLS_TYPE_DATA, msg->msg_flags);
	/* not before: the first keys take UDP's over */
	tx.gso = READ_ONCE(ds->gso_size);

	ret = dtls_send_check(ds->sk, msg);
	if (ret)
		return ret;
	if (len > U16_MAX)
		return -EMSGSIZE;
	/* as in UDP: look whether it could be sent */
	if (msg->msg_flags & MSG_PROBE)
		return len;
	ret = dtls_tx_keys(assoc, &tx.ep);
	if (ret)
		return ret;
	if (msg->msg_controllen || tx.gso)
		ret = dtls_send_controlled(&tx, msg, len);
	else
		ret = dtls_send_payload(&tx, msg, len);
	dtls_keys_put(tx.ep);
	return ret;
}

/* Send on a socket that is not one association's. */
static noinline int dtls_send_other(struct dtls_sock *ds, struct msghdr *msg,
				    size_t len)
{
	long timeo = sock_sndtimeo(ds->sk, msg->msg_flags & MSG_DONTWAIT);
	struct dtls_assoc *assoc;
	int ret;

	if (!dtls_sock_keyed(ds)) {
		/* its end may be that there are keys */
		ret = dtls_handshake_pass(ds, &timeo);
		if (ret)
			return ret;
	}
	if (!dtls_sock_keyed(ds)) {
		ret = dtls_send_plain(ds, msg, len);
		if (ret != -EKEYREJECTED)
			return ret;
	}
	assoc = dtls_sock_assoc(ds);
	if (assoc)
		return dtls_send_message(assoc, msg, len);
	ret = dtls_peer_of_msg(ds, msg, &assoc);
	if (ret)
		return ret;
	ret = dtls_send_message(assoc, msg, len);
	dtls_assoc_put(assoc);
	return ret;
}

/**
 * dtls_send_msg() - sendmsg of an attached socket
 * @sk:  socket
 * @msg: the program's message
 * @len: bytes of it
 *
 * Without keys the socket is plain UDP. Otherwise the bytes are sealed; no
 * path leads past that but the one that DTLS_PASSTHROUGH opens, message by message.
 *
 * Context: process, may sleep; no locks held.
 * Return: bytes taken, or a negative errno (Documentation/networking/dtls.rst).
 */
int dtls_send_msg(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct dtls_sock *ds = dtls_sk(sk);
	struct dtls_assoc *assoc = dtls_sock_assoc(ds);
	int raw;

	if (unlikely(READ_ONCE(ds->passthrough)) && msg->msg_controllen &&
	    dtls_sock_keyed(ds)) {
		raw = dtls_raw_wanted(ds, msg);
		if (raw)
			return raw < 0 ? raw : dtls_raw_send(ds, msg, len);
	}
	if (likely(assoc))
		return dtls_send_message(assoc, msg, len);
	return dtls_send_other(ds, msg, len);
}
