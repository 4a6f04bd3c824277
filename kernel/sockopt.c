// SPDX-License-Identifier: GPL-2.0-only
/* Options of an attached socket: SOL_DTLS, and those of UDP that we take over. */
#include <linux/log2.h>
#include <linux/udp.h>

#include "assocopt.h"
#include "compat.h"
#include "connid.h"
#include "control.h"
#include "flight.h"
#include "handshake.h"
#include "idle.h"
#include "install.h"
#include "listen.h"
#include "netlink.h"
#include "peeloff.h"
#include "peer.h"
#include "sock.h"
#include "update.h"

/*
 * The options of UDP that change what a send means are ours once there are
 * keys: left where they are, UDP would join or cut our records.
 */
static void dtls_sockopt_set_base(struct dtls_sock *ds, int cork, int gso)
{
	struct proto *base = ds->proto->base;

	base->setsockopt(ds->sk, SOL_UDP, UDP_CORK, KERNEL_SOCKPTR(&cork),
			 sizeof(cork));
	base->setsockopt(ds->sk, SOL_UDP, UDP_SEGMENT, KERNEL_SOCKPTR(&gso),
			 sizeof(gso));
}

/**
 * dtls_sockopt_take_udp() - take over UDP's options, before there are keys
 * @ds: socket; caller holds the lock of its cork
 *
 * Context: process, may sleep.
 */
void dtls_sockopt_take_udp(struct dtls_sock *ds)
{
	ds->cork.on = dtls_compat_udp_cork(ds->sk);
	ds->gso_size = READ_ONCE(udp_sk(ds->sk)->gso_size);
	ds->gro = dtls_compat_udp_gro(ds->sk);
	dtls_sockopt_set_base(ds, 0, 0);
}

/**
 * dtls_sockopt_gro_on() - let the stack join datagrams
 * @ds: socket with keys that receive
 *
 * Whether the program asked for that or not: they are given out one by one.
 *
 * Context: process, may sleep.
 */
void dtls_sockopt_gro_on(struct dtls_sock *ds)
{
	int on = 1;

	if (!dtls_compat_udp_gro(ds->sk))
		ds->proto->base->setsockopt(ds->sk, SOL_UDP, UDP_GRO,
					    KERNEL_SOCKPTR(&on), sizeof(on));
}

/**
 * dtls_sockopt_return_udp() - undo dtls_sockopt_take_udp()
 * @ds: socket; caller holds the lock of its cork
 *
 * Context: process, may sleep.
 */
void dtls_sockopt_return_udp(struct dtls_sock *ds)
{
	dtls_sockopt_set_base(ds, ds->cork.on, ds->gso_size);
	ds->cork.on = false;
	ds->gso_size = 0;
}

/* From here on the socket speaks DTLS and nothing else. */
static int dtls_sockopt_publish(struct dtls_sock *ds, struct dtls_assoc *assoc)
{
	struct sock *sk = ds->sk;
	int err = 0;

	lock_sock(sk);
	/* both may have changed since they were looked at */
	if (sk->sk_state != TCP_ESTABLISHED || ds->peers)
		err = -ENOTCONN;
	else if (udp_sk(sk)->pending)
		err = -EBUSY;
	if (!err) {
		dtls_recv_replace_ready(ds);
		/* pairs with dtls_sock_assoc() */
		smp_store_release(&ds->assoc, assoc);
	}
	release_sock(sk);
	return err;
}

/**
 * dtls_sockopt_install() - give a connected socket keys
 * @ds:   socket
 * @tx:   keys that send, validated, or NULL
 * @rx:   keys that receive, validated, or NULL
 * @soon: give up if somebody has its locks for long
 *
 * The first ones end the time as plain UDP.
 *
 * Context: process, may sleep.
 * Return: 0; -ENOTCONN; -EBUSY; -ENOMEM; as dtls_install_keys(); with @soon -EINTR.
 */
int dtls_sockopt_install(struct dtls_sock *ds, const struct dtls_keys *tx,
			 const struct dtls_keys *rx, bool soon)
{
	struct dtls_assoc *assoc, *fresh = NULL;
	struct sock *sk = ds->sk;
	bool first = false;
	int err;

	/* the lock that all changes of options take */
	err = dtls_lock_mutex(&ds->cork.lock, soon);
	if (err)
		return err;
	err = -ENOTCONN;
	if (READ_ONCE(sk->sk_state) != TCP_ESTABLISHED)
		goto out;
	err = dtls_handshake_may_key(ds);
	if (err)
		goto out;
	assoc = dtls_sock_assoc(ds);
	if (!assoc) {
		err = -ENOMEM;
		fresh = dtls_assoc_create(ds);
		if (!fresh)
			goto out;
		assoc = fresh;
		first = true;
	}
	err = dtls_install_keys(assoc, tx, rx, ds->window);
	if (err || !fresh)
		goto out;
	/* uncorking sends what is held back: it must not come to that */
	err = -EBUSY;
	if (READ_ONCE(udp_sk(sk)->pending))
		goto out;
	dtls_sockopt_take_udp(ds);
	if (ds->no_export)
		set_bit(DTLS_ASSOC_NO_EXPORT, &fresh->flags);
	err = dtls_sockopt_publish(ds, fresh);
	if (err)
		dtls_sockopt_return_udp(ds);
	else
		fresh = NULL;
out:
	if (!err && rx)
		dtls_sockopt_gro_on(ds);
	mutex_unlock(&ds->cork.lock);
	if (fresh)
		dtls_assoc_destroy(fresh);
	else if (!err && first)
		dtls_netlink_event(assoc, DTLS_EVENT_ADDED, 0, 0, 0, NULL);
	/* sleepers from before have to look again, in another way */
	if (!err)
		wake_up_interruptible_all(sk_sleep(sk));
	return err;
}

static int dtls_sockopt_set_keys(struct dtls_sock *ds, int optname,
				 sockptr_t optval, unsigned int optlen)
{
	struct dtls_keys keys[2], *tx, *rx;
	int err;

	err = dtls_assocopt_keys(optname, optval, 0, optlen, keys, &tx, &rx);
	if (!err)
		err = dtls_sockopt_install(ds, tx, rx, false);
	memzero_explicit(keys, sizeof(keys));
	return err;
}

static int dtls_sockopt_set_window(struct dtls_sock *ds, int val)
{
	struct dtls_assoc *assoc;
	int err = 0;

	if (val < DTLS_WINDOW_MIN || val > DTLS_WINDOW_MAX)
		return -EINVAL;
	mutex_lock(&ds->cork.lock);
	assoc = dtls_sock_assoc(ds);
	if (assoc && dtls_keys_has_rx(assoc))
		err = -EBUSY;
	else
		WRITE_ONCE(ds->window, roundup_pow_of_two(val));
	mutex_unlock(&ds->cork.lock);
	return err;
}

static int dtls_sockopt_set_no_export(struct dtls_sock *ds, int val)
{
	struct dtls_assoc *assoc;
	int err = 0;

	mutex_lock(&ds->cork.lock);
	assoc = dtls_sock_assoc(ds);
	if (val && ds->peers && !ds->no_export) {
		/* those that are there could not be found all at once */
		err = -EBUSY;
	} else if (val) {
		WRITE_ONCE(ds->no_export, true);
		if (assoc)
			set_bit(DTLS_ASSOC_NO_EXPORT, &assoc->flags);
	} else if (ds->no_export) {
		/* a latch */
		err = -EPERM;
	}
	mutex_unlock(&ds->cork.lock);
	return err;
}

static int dtls_sockopt_set_idle(struct dtls_sock *ds, int val)
{
	if (val < 0)
		return -EINVAL;
	mutex_lock(&ds->cork.lock);
	WRITE_ONCE(ds->peers_idle, val);
	dtls_idle_start(ds);
	mutex_unlock(&ds->cork.lock);
	return 0;
}

static int dtls_sockopt_set_int(struct dtls_sock *ds, int optname,
				sockptr_t optval, unsigned int optlen)
{
	struct dtls_assoc *assoc = dtls_sock_assoc(ds);
	int val;

	if (optlen != sizeof(val))
		return -EINVAL;
	if (copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;

	switch (optname) {
	case DTLS_REPLAY_WINDOW:
		return dtls_sockopt_set_window(ds, val);
	case DTLS_EVENTS:
		if (val & ~DTLS_EVENT_ALL)
			return -EINVAL;
		WRITE_ONCE(ds->events, val);
		return 0;
	case DTLS_MOVE:
		if (val < DTLS_MOVE_OFF || val > DTLS_MOVE_AUTO)
			return -EINVAL;
		WRITE_ONCE(ds->move, val);
		return 0;
	case DTLS_PASSTHROUGH:
		if (val & ~(DTLS_PASS_OTHERS | DTLS_PASS_STRANGERS))
			return -EINVAL;
		mutex_lock(&ds->cork.lock);
		WRITE_ONCE(ds->passthrough,
			   val | (ds->passthrough & DTLS_LISTEN_SORT));
		mutex_unlock(&ds->cork.lock);
		return 0;
	case DTLS_PEER_MAX:
		if (val < 0)
			return -EINVAL;
		WRITE_ONCE(ds->peers_max, val);
		return 0;
	case DTLS_PEER_IDLE:
		return dtls_sockopt_set_idle(ds, val);
	case DTLS_PADDING:
		if (val < 0 || val > DTLS_PLAINTEXT_MAX)
			return -EINVAL;
		WRITE_ONCE(ds->padding, val);
		return 0;
	}
	if (val != 0 && val != 1)
		return -EINVAL;
	if (optname == DTLS_NO_EXPORT)
		return dtls_sockopt_set_no_export(ds, val);
	if (optname == DTLS_KEY_UPDATE)
		return assoc ? dtls_update_begin(assoc, val, false) : -ENOKEY;
	if (optname == DTLS_RECVPEER)
		WRITE_ONCE(ds->recvpeer, val);
	else
		WRITE_ONCE(ds->recvtype, val);
	return 0;
}

static int dtls_sockopt_set_dtls(struct dtls_sock *ds, int optname,
				 sockptr_t optval, unsigned int optlen)
{
	struct dtls_assoc *assoc;

	switch (optname) {
	case DTLS_TX:
	case DTLS_RX:
	case DTLS_TXRX:
		return dtls_sockopt_set_keys(ds, optname, optval, optlen);
	case DTLS_RECVTYPE:
	case DTLS_REPLAY_WINDOW:
	case DTLS_EVENTS:
	case DTLS_NO_EXPORT:
	case DTLS_KEY_UPDATE:
	case DTLS_PADDING:
	case DTLS_RECVPEER:
	case DTLS_MOVE:
	case DTLS_PASSTHROUGH:
	case DTLS_PEER_MAX:
	case DTLS_PEER_IDLE:
		return dtls_sockopt_set_int(ds, optname, optval, optlen);
	case DTLS_PEER_ADD:
	case DTLS_PEER_DEL:
	case DTLS_PEER_MOVE:
	case DTLS_PEER_OPTION:
		return dtls_peeropt_set(ds, optname, optval, optlen);
	case DTLS_NEW_CID:
	case DTLS_REQUEST_CID:
	case DTLS_NEXT_CID:
		assoc = dtls_sock_assoc(ds);
		return assoc ? dtls_assocopt_set(assoc, optname, optval, 0,
						 optlen) : -ENOKEY;
	case DTLS_HANDSHAKE:
		return dtls_handshake_set(ds, optval, optlen);
	case DTLS_LAST_FLIGHT:
		assoc = dtls_sock_assoc(ds);
		return assoc ? dtls_flight_set(assoc, optval, 0, optlen) :
			       -ENOKEY;
	}
	return -ENOPROTOOPT;
}

/* UDP's own options, where an attached socket means something else by them. */
static int dtls_sockopt_set_udp(struct dtls_sock *ds, int optname,
				sockptr_t optval, unsigned int optlen)
{
	int val, err;

	/* encapsulation would take the datagrams away before we see them */
	if (optname == UDP_ENCAP)
		return -EBUSY;

	mutex_lock(&ds->cork.lock);
	/* a bad pointer may take its time, and the daemon needs the lock */
	if (dtls_handshake_barred(ds) == -EINPROGRESS) {
		err = -EBUSY;
		goto out;
	}
	if (!dtls_sock_keyed(ds) ||
	    (optname != UDP_CORK && optname != UDP_SEGMENT &&
	     optname != UDP_GRO)) {
		err = ds->proto->base->setsockopt(ds->sk, SOL_UDP, optname,
						  optval, optlen);
		goto out;
	}
	err = -EINVAL;
	if (optlen < sizeof(val))
		goto out;
	err = -EFAULT;
	if (copy_from_sockptr(&val, optval, sizeof(val)))
		goto out;
	err = 0;
	if (optname == UDP_CORK && dtls_sock_peers(ds)) {
		/* whose record would it be? */
		err = val ? -EOPNOTSUPP : 0;
	} else if (optname == UDP_CORK) {
		WRITE_ONCE(ds->cork.on, !!val);
		if (!val)
			err = dtls_cork_release(ds);
	} else if (optname == UDP_GRO) {
		WRITE_ONCE(ds->gro, !!val);
	} else if (val < 0 || val > USHRT_MAX) {
		err = -EINVAL;
	} else {
		WRITE_ONCE(ds->gso_size, val);
	}
out:
	mutex_unlock(&ds->cork.lock);
	return err;
}

/**
 * dtls_sockopt_set() - setsockopt of an attached socket
 * @sk:      socket
 * @level:   SOL_*
 * @optname: option
 * @optval:  value
 * @optlen:  bytes of it
 *
 * Context: process, may sleep; no locks held.
 * Return: 0 or a negative errno (Documentation/networking/dtls.rst).
 */
int dtls_sockopt_set(struct sock *sk, int level, int optname, sockptr_t optval,
		     unsigned int optlen)
{
	struct dtls_sock *ds = dtls_sk(sk);

	if (level == SOL_DTLS)
		return dtls_sockopt_set_dtls(ds, optname, optval, optlen);
	if (level == SOL_UDP)
		return dtls_sockopt_set_udp(ds, optname, optval, optlen);
	/* it would put IPv4's operations in the place of ours */
	if (level == SOL_IPV6 && optname == IPV6_ADDRFORM &&
	    sk->sk_family == AF_INET6)
		return -EBUSY;
	return ds->proto->base->setsockopt(sk, level, optname, optval, optlen);
}

/* An int that is ours. Return: false if @optname is none. */
static bool dtls_sockopt_int(struct dtls_sock *ds, int level, int optname,
			     int *val)
{
	struct dtls_assoc *assoc;

	if (level == SOL_UDP) {
		if (!dtls_sock_keyed(ds))
			return false;
		if (optname == UDP_CORK)
			*val = READ_ONCE(ds->cork.on);
		else if (optname == UDP_SEGMENT)
			*val = READ_ONCE(ds->gso_size);
		else if (optname == UDP_GRO)
			*val = READ_ONCE(ds->gro);
		else
			return false;
		return true;
	}
	switch (optname) {
	case DTLS_RECVTYPE:
		*val = READ_ONCE(ds->recvtype);
		return true;
	case DTLS_RECVPEER:
		*val = READ_ONCE(ds->recvpeer);
		return true;
	case DTLS_PASSTHROUGH:
		*val = READ_ONCE(ds->passthrough) & ~DTLS_LISTEN_SORT;
		return true;
	case DTLS_MOVE:
		*val = READ_ONCE(ds->move);
		return true;
	case DTLS_PEER_MAX:
		*val = READ_ONCE(ds->peers_max);
		return true;
	case DTLS_PEER_IDLE:
		*val = READ_ONCE(ds->peers_idle);
		return true;
	case DTLS_REPLAY_WINDOW:
		*val = READ_ONCE(ds->window);
		return true;
	case DTLS_EVENTS:
		*val = READ_ONCE(ds->events);
		return true;
	case DTLS_NO_EXPORT:
		*val = READ_ONCE(ds->no_export);
		return true;
	case DTLS_PADDING:
		*val = READ_ONCE(ds->padding);
		return true;
	case DTLS_KEY_UPDATE:
		assoc = dtls_sock_assoc(ds);
		*val = assoc && READ_ONCE(assoc->ack_due) & DTLS_DUE_KEYS;
		return true;
	case DTLS_NEW_CID:
	case DTLS_REQUEST_CID:
	case DTLS_NEXT_CID:
		assoc = dtls_sock_assoc(ds);
		*val = assoc ? dtls_connid_count(assoc, optname) : 0;
		return true;
	case DTLS_MAX_PAYLOAD:
		assoc = dtls_sock_assoc(ds);
		if (assoc)
			*val = dtls_path_max_payload(assoc);
		else if (READ_ONCE(ds->sk->sk_state) == TCP_ESTABLISHED)
			*val = -ENOKEY;
		else
			*val = -ENOTCONN;
		return true;
	}
	return false;
}

/**
 * dtls_sockopt_get() - getsockopt of an attached socket
 * @sk:      socket
 * @level:   SOL_*
 * @optname: option
 * @optval:  where the value goes
 * @optlen:  bytes of room there, and then of the value
 *
 * Context: process, may sleep; no locks held.
 * Return: 0 or a negative errno (Documentation/networking/dtls.rst).
 */
int dtls_sockopt_get(struct sock *sk, int level, int optname,
		     char __user *optval, int __user *optlen)
{
	struct dtls_sock *ds = dtls_sk(sk);
	struct dtls_assoc *assoc;
	int len, val;

	if (level != SOL_DTLS && level != SOL_UDP)
		goto base;
	if (level == SOL_DTLS &&
	    (optname == DTLS_PEER_INFO || optname == DTLS_PEER_OPTION))
		return dtls_peeropt_get(ds, optname, optval, optlen);
	if (level == SOL_DTLS && optname == DTLS_PEER_PEELOFF)
		return dtls_peeloff_get(ds, optval, optlen);
	if (level == SOL_DTLS && optname == DTLS_PEER_IDENTITY)
		return dtls_identity_get(ds, optval, optlen);
	if (level == SOL_DTLS &&
	    (optname == DTLS_TX || optname == DTLS_RX ||
	     optname == DTLS_TX_EXPORT || optname == DTLS_RX_EXPORT)) {
		if (get_user(len, optlen))
			return -EFAULT;
		assoc = dtls_sock_assoc(ds);
		if (len < DTLS_KEYS_SIZE_VER0)
			return -EINVAL;
		return assoc ? dtls_assocopt_get(assoc, optname, optval, 0, len,
						 optlen) : -ENOKEY;
	}
	if (!dtls_sockopt_int(ds, level, optname, &val)) {
		if (level == SOL_DTLS)
			return -ENOPROTOOPT;
		goto base;
	}
	if (get_user(len, optlen))
		return -EFAULT;
	if (len < (int)sizeof(val))
		return -EINVAL;
	if (level == SOL_DTLS && optname == DTLS_MAX_PAYLOAD && val < 0)
		return val;
	len = sizeof(val);
	if (put_user(len, optlen) || copy_to_user(optval, &val, len))
		return -EFAULT;
	return 0;
base:
	return ds->proto->base->getsockopt(sk, level, optname, optval, optlen);
}
