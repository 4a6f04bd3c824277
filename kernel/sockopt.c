// SPDX-License-Identifier: GPL-2.0-only
/* Options of an attached socket: SOL_DTLS, and those of UDP that we take over. */
#include <linux/log2.h>
#include <linux/udp.h>

#include "compat.h"
#include "control.h"
#include "flight.h"
#include "install.h"
#include "sock.h"
#include "update.h"

/*
 * Copy one struct dtls_keys of unknown age from @optval at @off: shorter ones
 * are extended by zeroes, longer ones accepted if what we do not know is zero.
 * @size is set to what the program says it is long.
 */
static int dtls_sockopt_copy_keys(struct dtls_keys *keys, sockptr_t optval,
				  unsigned int off, unsigned int left,
				  u32 *size)
{
	u8 tail[64];
	u32 at, n;

	if (left < sizeof(*size))
		return -EINVAL;
	if (copy_from_sockptr_offset(size, optval, off, sizeof(*size)))
		return -EFAULT;
	if (*size < DTLS_KEYS_SIZE_VER0 || *size > left || *size > PAGE_SIZE)
		return -EINVAL;
	memset(keys, 0, sizeof(*keys));
	if (copy_from_sockptr_offset(keys, optval, off,
				     min_t(u32, *size, sizeof(*keys))))
		return -EFAULT;
	/* the program may have changed it under us */
	keys->size = *size;
	for (at = sizeof(*keys); at < *size; at += n) {
		n = min_t(u32, *size - at, sizeof(tail));
		if (copy_from_sockptr_offset(tail, optval, off + at, n))
			return -EFAULT;
		if (memchr_inv(tail, 0, n))
			return -E2BIG;
	}
	return 0;
}

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

static void dtls_sockopt_take_udp(struct dtls_sock *ds)
{
	ds->cork.on = dtls_compat_udp_cork(ds->sk);
	ds->gso_size = READ_ONCE(udp_sk(ds->sk)->gso_size);
	ds->gro = dtls_compat_udp_gro(ds->sk);
	dtls_sockopt_set_base(ds, 0, 0);
}

/*
 * The stack may join datagrams once there are keys to open them with, whether
 * the program asked for that or not: they are given out one by one.
 */
static void dtls_sockopt_gro_on(struct dtls_sock *ds)
{
	int on = 1;

	if (!dtls_compat_udp_gro(ds->sk))
		ds->proto->base->setsockopt(ds->sk, SOL_UDP, UDP_GRO,
					    KERNEL_SOCKPTR(&on), sizeof(on));
}

static void dtls_sockopt_return_udp(struct dtls_sock *ds)
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
	if (sk->sk_state != TCP_ESTABLISHED)
		err = -ENOTCONN;
	else if (udp_sk(sk)->pending)
		err = -EBUSY;
	if (!err) {
		/* before the association: no wake-up with a promise after it */
		write_lock_bh(&sk->sk_callback_lock);
		ds->base_ready = sk->sk_data_ready;
		WRITE_ONCE(sk->sk_data_ready, dtls_recv_data_ready);
		write_unlock_bh(&sk->sk_callback_lock);
		/* pairs with dtls_sock_assoc() */
		smp_store_release(&ds->assoc, assoc);
	}
	release_sock(sk);
	return err;
}

/* Install keys; the first ones end the time as plain UDP. */
static int dtls_sockopt_install(struct dtls_sock *ds,
				const struct dtls_keys *tx,
				const struct dtls_keys *rx)
{
	struct dtls_assoc *assoc, *fresh = NULL;
	struct sock *sk = ds->sk;
	int err = 0;

	if (tx)
		err = dtls_install_validate(tx);
	if (!err && rx)
		err = dtls_install_validate(rx);
	if (err)
		return err;

	/* the lock that all changes of options take */
	mutex_lock(&ds->cork.lock);
	err = -ENOTCONN;
	if (READ_ONCE(sk->sk_state) != TCP_ESTABLISHED)
		goto out;
	assoc = dtls_sock_assoc(ds);
	if (!assoc) {
		err = -ENOMEM;
		fresh = dtls_assoc_create(ds);
		if (!fresh)
			goto out;
		assoc = fresh;
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
	/* sleepers from before have to look again, in another way */
	if (!err)
		wake_up_interruptible_all(sk_sleep(sk));
	return err;
}

static int dtls_sockopt_set_keys(struct dtls_sock *ds, int optname,
				 sockptr_t optval, unsigned int optlen)
{
	struct dtls_keys keys[2];
	u32 size = 0, more = 0;
	int err;

	err = dtls_sockopt_copy_keys(&keys[0], optval, 0, optlen, &size);
	if (!err && optname == DTLS_TXRX)
		err = dtls_sockopt_copy_keys(&keys[1], optval, size,
					     optlen - size, &more);
	if (!err && size + more != optlen)
		err = -EINVAL;
	if (err)
		goto out;

	if (optname == DTLS_TX)
		err = dtls_sockopt_install(ds, &keys[0], NULL);
	else if (optname == DTLS_RX)
		err = dtls_sockopt_install(ds, NULL, &keys[0]);
	else
		err = dtls_sockopt_install(ds, &keys[0], &keys[1]);
out:
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
	if (val) {
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

static int dtls_sockopt_set_int(struct dtls_sock *ds, int optname,
				sockptr_t optval, unsigned int optlen)
{
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
	if (optname == DTLS_KEY_UPDATE) {
		struct dtls_assoc *assoc = dtls_sock_assoc(ds);

		return assoc ? dtls_update_begin(assoc, val) : -ENOKEY;
	}
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
		return dtls_sockopt_set_int(ds, optname, optval, optlen);
	case DTLS_LAST_FLIGHT:
		assoc = dtls_sock_assoc(ds);
		return assoc ? dtls_flight_set(assoc, optval, optlen) : -ENOKEY;
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
	if (!dtls_sock_assoc(ds) ||
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
	if (optname == UDP_CORK) {
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

static int dtls_sockopt_get_keys(struct dtls_sock *ds, int optname, int len,
				 char __user *optval, int __user *optlen)
{
	struct dtls_assoc *assoc = dtls_sock_assoc(ds);
	bool rx = optname == DTLS_RX || optname == DTLS_RX_EXPORT;
	bool export = optname == DTLS_TX_EXPORT || optname == DTLS_RX_EXPORT;
	struct dtls_keys keys;
	int err;

	if (len < DTLS_KEYS_SIZE_VER0)
		return -EINVAL;
	if (!assoc)
		return -ENOKEY;
	/* no room for the secret: it would be lost */
	if (export && len < DTLS_KEYS_SIZE_VER1 && dtls_update_of(assoc))
		return -EINVAL;
	/* before the direction ends: a bad pointer must not cost the keys */
	len = min_t(int, len, sizeof(keys));
	if (put_user(len, optlen) || (export && clear_user(optval, len)))
		return -EFAULT;
	err = dtls_keys_read(assoc, rx, export, &keys);
	if (err)
		return err;
	if (copy_to_user(optval, &keys, len))
		err = -EFAULT;
	memzero_explicit(&keys, sizeof(keys));
	if (!err && export)
		wake_up_interruptible_all(sk_sleep(ds->sk));
	return err;
}

/* An int that is ours. Return: false if @optname is none. */
static bool dtls_sockopt_int(struct dtls_sock *ds, int level, int optname,
			     int *val)
{
	struct dtls_assoc *assoc;

	if (level == SOL_UDP) {
		if (!dtls_sock_assoc(ds))
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
	case DTLS_MAX_PAYLOAD:
		*val = dtls_path_max_payload(ds);
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
	int len, val;

	if (level != SOL_DTLS && level != SOL_UDP)
		goto base;
	if (level == SOL_DTLS &&
	    (optname == DTLS_TX || optname == DTLS_RX ||
	     optname == DTLS_TX_EXPORT || optname == DTLS_RX_EXPORT)) {
		if (get_user(len, optlen))
			return -EFAULT;
		return dtls_sockopt_get_keys(ds, optname, len, optval, optlen);
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
