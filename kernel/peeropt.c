// SPDX-License-Identifier: GPL-2.0-only
/* Options of the peers of an unconnected socket. */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/udp.h>

#include "assocopt.h"
#include "control.h"
#include "idle.h"
#include "install.h"
#include "listen.h"
#include "netlink.h"
#include "peer.h"

static int dtls_peeropt_copy_info(struct dtls_peer_info *info, sockptr_t optval,
				  unsigned int optlen, u32 *size)
{
	return dtls_assocopt_copy(info, sizeof(*info), DTLS_PEER_INFO_SIZE_VER0,
				  optval, 0, optlen, size);
}

/* What DTLS_PEER_OPTION is about. Return: association with a reference, or an errno. */
static struct dtls_assoc *dtls_peeropt_subject(struct dtls_sock *ds,
					       struct dtls_peer_option *opt,
					       sockptr_t optval,
					       unsigned int optlen, u32 *size)
{
	struct dtls_peers *peers = dtls_sock_peers(ds);
	struct dtls_assoc *assoc = NULL;
	int err;

	err = dtls_assocopt_copy(opt, sizeof(*opt), DTLS_PEER_OPTION_SIZE_VER0,
				 optval, 0, optlen, size);
	if (err)
		return ERR_PTR(err);
	if (peers && opt->id)
		assoc = dtls_peer_find_id(peers, opt->id, false);
	return assoc ?: ERR_PTR(-ENOENT);
}

/* The peer that @info names. Return: association with a reference, or an errno. */
static struct dtls_assoc *dtls_peeropt_find(struct dtls_sock *ds,
					    const struct dtls_peer_info *info)
{
	struct dtls_peers *peers = dtls_sock_peers(ds);
	struct dtls_assoc *assoc;
	struct dtls_peer_key key;
	int err;

	if (!peers)
		return ERR_PTR(-ENOENT);
	if (info->id || info->flags & DTLS_PEER_NEXT) {
		assoc = dtls_peer_find_id(peers, info->id,
					  info->flags & DTLS_PEER_NEXT);
	} else {
		err = dtls_peer_parse(ds->sk, &info->addr, sizeof(info->addr),
				      &key);
		if (err)
			return ERR_PTR(err);
		assoc = dtls_peer_find(peers, &key);
	}
	return assoc ?: ERR_PTR(-ENOENT);
}

/* The first peer: from here on the socket speaks DTLS and nothing else. */
static int dtls_peeropt_publish(struct dtls_sock *ds, struct dtls_peers *peers)
{
	struct sock *sk = ds->sk;
	int err = 0;

	dtls_sockopt_take_udp(ds);
	lock_sock(sk);
	if (sk->sk_state == TCP_ESTABLISHED || ds->assoc)
		err = -EISCONN;
	else if (udp_sk(sk)->pending)
		err = -EBUSY;
	if (!err) {
		dtls_recv_replace_ready(ds);
		/* pairs with dtls_sock_peers() */
		smp_store_release(&ds->peers, peers);
	}
	release_sock(sk);
	if (err)
		dtls_sockopt_return_udp(ds);
	return err;
}

static int dtls_peeropt_add_locked(struct dtls_sock *ds,
				   struct dtls_assoc *assoc,
				   const struct dtls_peer_key *key,
				   bool replace, struct dtls_assoc **old)
{
	struct dtls_peers *peers = ds->peers, *fresh = NULL;
	int err;

	if (READ_ONCE(ds->sk->sk_state) == TCP_ESTABLISHED ||
	    dtls_sock_assoc(ds))
		return -EISCONN;
	if (ds->no_export)
		set_bit(DTLS_ASSOC_NO_EXPORT, &assoc->flags);
	if (!peers) {
		/* uncorking sends what is held back: it must not come to that */
		if (READ_ONCE(udp_sk(ds->sk)->pending))
			return -EBUSY;
		err = dtls_peer_prepare(&fresh);
		if (err)
			return err;
		dtls_idle_init(fresh, ds);
		peers = fresh;
	}
	err = dtls_peer_add(peers, assoc, key, replace,
			    READ_ONCE(ds->peers_max), old);
	if (!err && fresh) {
		err = dtls_peeropt_publish(ds, fresh);
		if (err)
			dtls_peer_remove(fresh, assoc);
	}
	if (err && fresh) {
		dtls_peer_uncharge(assoc);
		dtls_peer_free(fresh);
	}
	if (!err)
		dtls_sockopt_gro_on(ds);
	if (!err && fresh)
		dtls_idle_start(ds);
	return err;
}

/**
 * dtls_peeropt_new() - add a peer
 * @ds:      socket
 * @key:     address
 * @tx:      keys that send, validated, or NULL
 * @rx:      keys that receive, validated, or NULL
 * @replace: in the place of who has the address
 * @soon:    give up if somebody holds the lock of the cork for long
 * @id:      set to the identifier
 *
 * Context: process, may sleep; no locks held.
 * Return: 0 or a negative errno, as DTLS_PEER_ADD; with @soon -EBUSY, -EINTR.
 */
int dtls_peeropt_new(struct dtls_sock *ds, const struct dtls_peer_key *key,
		     const struct dtls_keys *tx, const struct dtls_keys *rx,
		     bool replace, bool soon, u64 *id)
{
	struct dtls_assoc *assoc, *old = NULL;
	int err;

	assoc = dtls_assoc_create(ds);
	if (!assoc)
		return -ENOMEM;
	err = dtls_install_keys(assoc, tx, rx, READ_ONCE(ds->window));
	if (!err)
		err = dtls_lock_mutex(&ds->cork.lock, soon);
	if (err) {
		dtls_assoc_destroy(assoc);
		return err;
	}
	err = dtls_peeropt_add_locked(ds, assoc, key, replace, &old);
	if (!err) {
		*id = assoc->peer->id;
		dtls_netlink_changed(ds);
		/* told with the lock, lest its end is told of first */
		if (old)
			dtls_netlink_event(old, DTLS_EVENT_REMOVED, 0, 0, 0, NULL);
		dtls_netlink_event(assoc, DTLS_EVENT_ADDED, 0, 0, 0, NULL);
	}
	mutex_unlock(&ds->cork.lock);
	if (err)
		dtls_assoc_destroy(assoc);
	if (old)
		dtls_assoc_destroy(old);
	/* sleepers from before have to look again, in another way */
	if (!err)
		wake_up_interruptible_all(sk_sleep(ds->sk));
	return err;
}

/**
 * dtls_peeropt_prepare() - have a socket be one with peers, before there are any
 * @ds: socket; caller holds the lock of its cork
 *
 * Context: process, may sleep.
 * Return: 0; -EISCONN if it is connected; -EBUSY while UDP holds bytes back; -ENOMEM.
 */
int dtls_peeropt_prepare(struct dtls_sock *ds)
{
	struct dtls_peers *peers;
	int err;

	if (ds->peers)
		return 0;
	err = dtls_peer_prepare(&peers);
	if (err)
		return err;
	dtls_idle_init(peers, ds);
	err = dtls_peeropt_publish(ds, peers);
	if (err)
		dtls_peer_free(peers);
	else
		dtls_idle_start(ds);
	return err;
}

/* DTLS_PEER_ADD: @info, and keys at @off. */
static int dtls_peeropt_add(struct dtls_sock *ds,
			    const struct dtls_peer_info *info, sockptr_t optval,
			    unsigned int off, unsigned int len)
{
	static const int names[] = { 0, DTLS_TX, DTLS_RX, DTLS_TXRX };
	u32 ways = info->flags & (DTLS_PEER_TX | DTLS_PEER_RX);
	struct dtls_keys keys[2], *tx, *rx;
	struct dtls_peer_key key;
	u64 id;
	int err;

	if (info->flags & ~(DTLS_PEER_TX | DTLS_PEER_RX | DTLS_PEER_REPLACE) ||
	    !ways || info->id)
		return -EINVAL;
	err = dtls_peer_parse(ds->sk, &info->addr, sizeof(info->addr), &key);
	if (err)
		return err;
	err = dtls_assocopt_keys(names[ways], optval, off, len, keys, &tx, &rx);
	if (!err)
		err = dtls_peeropt_new(ds, &key, tx, rx,
				       info->flags & DTLS_PEER_REPLACE,
				       dtls_listen_owned(ds), &id);
	memzero_explicit(keys, sizeof(keys));
	return err;
}

/**
 * dtls_peeropt_remove() - remove a peer
 * @ds:     socket
 * @assoc:  association of the peer; the caller's reference is given back
 * @how:    DTLS_PEEROPT_*
 *
 * Context: process, may sleep; no locks held.
 * Return: 0; -ENOENT if somebody else was as fast; with %DTLS_PEEROPT_SOON -EBUSY,
 * -EINTR.
 */
int dtls_peeropt_remove(struct dtls_sock *ds, struct dtls_assoc *assoc,
			unsigned int how)
{
	int err;

	if (how & DTLS_PEEROPT_NOTIFY)
		dtls_control_close_notify(assoc, MSG_DONTWAIT);
	err = dtls_lock_mutex(&ds->cork.lock, how & DTLS_PEEROPT_SOON);
	if (err)
		goto out;
	/* somebody else may have been as fast, or be about to take it elsewhere */
	if (assoc->peer->moving ||
	    test_and_set_bit(DTLS_ASSOC_REMOVED, &assoc->flags)) {
		err = -ENOENT;
	} else {
		dtls_peer_remove(ds->peers, assoc);
		dtls_netlink_changed(ds);
		if (how & DTLS_PEEROPT_IDLE)
			dtls_control_event(assoc, DTLS_EVENT_CLOSED, 0, 0, 1);
		dtls_netlink_event(assoc, DTLS_EVENT_REMOVED, 0, 0, 0, NULL);
	}
	mutex_unlock(&ds->cork.lock);
	if (!err)
		dtls_assoc_destroy(assoc);
out:
	dtls_assoc_put(assoc);
	return err;
}

/* DTLS_PEER_DEL */
static int dtls_peeropt_del(struct dtls_sock *ds,
			    const struct dtls_peer_info *info)
{
	struct dtls_assoc *assoc;

	if (info->flags & ~DTLS_PEER_NOTIFY)
		return -EINVAL;
	assoc = dtls_peeropt_find(ds, info);
	if (IS_ERR(assoc))
		return PTR_ERR(assoc);
	return dtls_peeropt_remove(ds, assoc, info->flags & DTLS_PEER_NOTIFY ?
					      DTLS_PEEROPT_NOTIFY : 0);
}

/*
 * DTLS_PEER_MOVE: the program knows where the peer is. If it is there already, it
 * has been asked, and may be sent as much as there is.
 */
static int dtls_peeropt_move(struct dtls_sock *ds,
			     const struct dtls_peer_info *info)
{
	struct dtls_peer_key key;
	struct dtls_assoc *assoc;
	int err;

	if (info->flags || !info->id)
		return -EINVAL;
	err = dtls_peer_parse(ds->sk, &info->addr, sizeof(info->addr), &key);
	if (err)
		return err;
	assoc = dtls_peeropt_find(ds, info);
	if (IS_ERR(assoc))
		return PTR_ERR(assoc);
	mutex_lock(&ds->cork.lock);
	err = -ENOENT;
	if (!test_bit(DTLS_ASSOC_REMOVED, &assoc->flags))
		err = dtls_peer_move(ds->peers, assoc, &key, 0);
	mutex_unlock(&ds->cork.lock);
	dtls_assoc_put(assoc);
	return err;
}

/* DTLS_PEER_OPTION */
static int dtls_peeropt_option(struct dtls_sock *ds, sockptr_t optval,
			       unsigned int optlen)
{
	struct dtls_peer_option opt;
	struct dtls_assoc *assoc;
	u32 size;
	int err;

	assoc = dtls_peeropt_subject(ds, &opt, optval, optlen, &size);
	if (IS_ERR(assoc))
		return PTR_ERR(assoc);
	/* a daemon does not wait for what its client may draw out */
	err = dtls_lock_mutex(&ds->cork.lock, dtls_listen_owned(ds));
	if (err)
		goto out;
	/* who removes it takes away all that it has, but once */
	err = -ENOENT;
	if (!test_bit(DTLS_ASSOC_REMOVED, &assoc->flags))
		err = dtls_assocopt_set(assoc, opt.optname, optval, size,
					optlen - size);
	mutex_unlock(&ds->cork.lock);
out:
	dtls_assoc_put(assoc);
	return err;
}

/**
 * dtls_peeropt_set() - set an option that has to do with peers
 * @ds:      socket
 * @optname: %DTLS_PEER_ADD, %DTLS_PEER_DEL, %DTLS_PEER_MOVE or
 *           %DTLS_PEER_OPTION
 * @optval:  value
 * @optlen:  bytes of it
 *
 * Context: process, may sleep; no locks held.
 * Return: 0 or a negative errno (Documentation/networking/dtls.rst).
 */
int dtls_peeropt_set(struct dtls_sock *ds, int optname, sockptr_t optval,
		     unsigned int optlen)
{
	struct dtls_peer_info info;
	u32 size;
	int err;

	if (optname == DTLS_PEER_OPTION)
		return dtls_peeropt_option(ds, optval, optlen);
	err = dtls_peeropt_copy_info(&info, optval, optlen, &size);
	if (err)
		return err;
	if (info.state || info.pad)
		return -EINVAL;
	if (optname == DTLS_PEER_ADD)
		return dtls_peeropt_add(ds, &info, optval, size, optlen - size);
	if (size != optlen)
		return -EINVAL;
	return optname == DTLS_PEER_DEL ? dtls_peeropt_del(ds, &info) :
					  dtls_peeropt_move(ds, &info);
}

/* DTLS_PEER_INFO: who is it, and how is it? */
static int dtls_peeropt_info(struct dtls_sock *ds, char __user *optval,
			     int len, int __user *optlen)
{
	struct dtls_peer_info info;
	struct dtls_assoc *assoc;
	struct dtls_peer_key key;
	u32 size;
	int err;

	err = dtls_peeropt_copy_info(&info, USER_SOCKPTR(optval), len, &size);
	if (err)
		return err;
	if (info.flags & ~DTLS_PEER_NEXT || info.state || info.pad)
		return -EINVAL;
	assoc = dtls_peeropt_find(ds, &info);
	if (IS_ERR(assoc))
		return PTR_ERR(assoc);
	info.flags = 0;
	info.id = assoc->peer->id;
	memset(&info.addr, 0, sizeof(info.addr));
	dtls_peer_where(assoc, &key);
	dtls_peer_name(ds->sk, &key, &info.addr);
	if (test_bit(DTLS_ASSOC_CLOSED, &assoc->flags))
		info.state |= DTLS_PEER_CLOSED;
	if (test_bit(DTLS_ASSOC_RX_CLOSED, &assoc->flags))
		info.state |= DTLS_PEER_RX_CLOSED;
	dtls_assoc_put(assoc);
	if (put_user((int)sizeof(info), optlen) ||
	    copy_to_user(optval, &info, sizeof(info)))
		return -EFAULT;
	return 0;
}

/**
 * dtls_peeropt_get() - get an option that has to do with peers
 * @ds:      socket
 * @optname: %DTLS_PEER_INFO or %DTLS_PEER_OPTION
 * @optval:  what is asked for, and where the answer goes
 * @optlen:  bytes of room there, and then of the answer
 *
 * Context: process, may sleep; no locks held.
 * Return: 0 or a negative errno (Documentation/networking/dtls.rst).
 */
int dtls_peeropt_get(struct dtls_sock *ds, int optname, char __user *optval,
		     int __user *optlen)
{
	struct dtls_peer_option opt;
	struct dtls_assoc *assoc;
	int len, err;
	u32 size;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	if (optname == DTLS_PEER_INFO)
		return dtls_peeropt_info(ds, optval, len, optlen);
	assoc = dtls_peeropt_subject(ds, &opt, USER_SOCKPTR(optval), len, &size);
	if (IS_ERR(assoc))
		return PTR_ERR(assoc);
	if (opt.optname == DTLS_PEER_IDENTITY)
		err = dtls_listen_identity(assoc, optval, size, len - size,
					   optlen);
	else
		err = dtls_assocopt_get(assoc, opt.optname, optval, size,
					len - size, optlen);
	dtls_assoc_put(assoc);
	return err;
}

/**
 * dtls_peeropt_purge() - end all peers
 * @ds: socket that is being closed
 *
 * Context: process, may sleep; nobody else uses the socket.
 */
void dtls_peeropt_purge(struct dtls_sock *ds)
{
	struct dtls_peers *peers = ds->peers;
	struct dtls_peer *peer;
	unsigned long id;

	if (!peers)
		return;
	dtls_idle_stop(peers);
	xa_for_each(&peers->ids, id, peer) {
		/* freed with its association, after a grace period */
		struct dtls_assoc *assoc = peer->assoc;

		dtls_peer_remove(peers, assoc);
		dtls_assoc_destroy(assoc);
		cond_resched();
	}
	WRITE_ONCE(ds->peers, NULL);
	dtls_peer_free(peers);
}
