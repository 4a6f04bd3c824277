// SPDX-License-Identifier: GPL-2.0-only
/*
 * kdtls: the DTLS upper layer protocol of UDP sockets.
 *
 * Attaching puts the module's operations in the place of UDP's, for one
 * socket. The kernel has no hook for that on UDP: a netfilter socket option
 * reaches us from setsockopt(SOL_IP), on IPv4 and IPv6 sockets alike.
 */
#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/sockios.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/udp.h>
#include <asm/ioctls.h>
#include <net/inet_common.h>
#include <net/udp.h>

#include "compat.h"
#include "control.h"
#include "handshake.h"
#include "listen.h"
#include "netlink.h"
#include "peer.h"
#include "sock.h"
#include "stats.h"
#include "update.h"
#include "work.h"

#define DTLS_ULP_NAME		"dtls"
#define DTLS_ULP_NAME_MAX	16

/* Our operations over those of IPv4 and of IPv6. */
static struct kmem_cache *dtls_sock_cache;
static struct dtls_proto dtls_protos[2];
static DEFINE_MUTEX(dtls_protos_lock);

/**
 * dtls_sock_attached() - has a socket been attached
 * @sk: socket
 *
 * Context: any; whoever asks has its lock, or only wants to know.
 * Return: true from then on until it is closed.
 */
bool dtls_sock_attached(const struct sock *sk)
{
	const struct proto *prot = READ_ONCE(sk->sk_prot);

	return prot == &dtls_protos[0].prot || prot == &dtls_protos[1].prot;
}

/*
 * The socket is closed: no system call is in it any more. Keys go now, in
 * process context; the rest of our part lives as long as the socket, so that
 * whoever still holds a reference (ss -K) finds it.
 */
static void dtls_close(struct sock *sk, long timeout)
{
	struct dtls_sock *ds = dtls_sk(sk);
	struct proto *base = ds->proto->base;
	struct dtls_assoc *assoc;

	lock_sock(sk);
	WRITE_ONCE(ds->closed, true);
	if (ds->base_ready) {
		write_lock_bh(&sk->sk_callback_lock);
		WRITE_ONCE(sk->sk_data_ready, ds->base_ready);
		write_unlock_bh(&sk->sk_callback_lock);
	}
	/* sk_destruct and late skbs ask sk_prot for memory accounts */
	WRITE_ONCE(sk->sk_prot, base);
	release_sock(sk);

	dtls_handshake_close(ds);
	dtls_netlink_unlist(ds);
	dtls_netlink_closed(ds);
	if (dtls_sock_keyed(ds))
		dtls_netlink_gone(ds);
	dtls_compat_timer_delete_sync(&ds->again);
	/* what still works for the association finds it until it ends */
	dtls_update_close(ds);
	dtls_listen_close(ds);
	assoc = ds->assoc;
	if (assoc)
		dtls_assoc_stop(assoc);
	WRITE_ONCE(ds->assoc, NULL);
	if (assoc)
		dtls_assoc_destroy(assoc);
	dtls_peeropt_purge(ds);
	dtls_rx_purge(ds);
	dtls_ready_purge(ds);
	kvfree_sensitive(ds->cork.buf, ds->cork.size);
	ds->cork.buf = NULL;
	base->close(sk, timeout);
}

/*
 * May run as an RCU callback, after close(). The module is held until the very
 * end; dtls_exit() waits for callbacks on their way out of here.
 */
static void dtls_destruct(struct sock *sk)
{
	struct dtls_sock *ds = dtls_sk(sk);

	/* has been done, but if IPV6_ADDRFORM took our operations away */
	dtls_netlink_unlist(ds);
	rcu_assign_sk_user_data(sk, NULL);
	dtls_stats_add(sock_net(sk), DTLS_STAT_CURR_SOCKETS, -1);
	sk->sk_destruct = ds->base_destruct;
	/*
	 * __sock_release() put the owner of the operations it found: ours, so
	 * that the base's is left; or, if IPV6_ADDRFORM was under way while we
	 * attached and has replaced ours, the other way round.
	 */
	module_put(ds->closed ? ds->proto->base_ops->owner : THIS_MODULE);
	dtls_handshake_free(ds);
	kmem_cache_free(dtls_sock_cache, ds);
	sk->sk_destruct(sk);
	module_put(THIS_MODULE);
}

static int dtls_disconnect(struct sock *sk, int flags)
{
	struct dtls_sock *ds = dtls_sk(sk);
	int err = -EBUSY;

	lock_sock(sk);
	/*
	 * An association without a peer could only speak to anyone. And who shakes
	 * hands with a peer wants it to stay the same.
	 */
	if (!ds->assoc && !ds->peers &&
	    dtls_handshake_barred(ds) != -EINPROGRESS)
		err = __udp_disconnect(sk, flags);
	release_sock(sk);
	return err;
}

/* A socket with peers stays one: of the others it would hear no more. */
static int dtls_connect(struct sock *sk, struct sockaddr *addr, int len)
{
	struct dtls_sock *ds = dtls_sk(sk);

	if (dtls_sock_peers(ds))
		return -EISCONN;
	if (dtls_handshake_barred(ds) == -EINPROGRESS)
		return -EBUSY;
	return ds->proto->base->connect(sk, addr, len);
}

static int dtls_ioctl(struct sock *sk, int cmd, DTLS_IOCTL_ARG arg)
{
	struct dtls_sock *ds = dtls_sk(sk);

	if (cmd == SIOCINQ && dtls_sock_keyed(ds))
		return dtls_compat_ioctl_put(arg, dtls_recv_next_len(ds));
	return ds->proto->base->ioctl(sk, cmd, arg);
}

/* Return: true if there was an association to close, or peers. */
static bool dtls_diag_close(struct dtls_sock *ds)
{
	struct dtls_assoc *assoc;

	rcu_read_lock();
	assoc = dtls_sock_assoc(ds);
	if (assoc)
		set_bit(DTLS_ASSOC_CLOSED, &assoc->flags);
	rcu_read_unlock();
	return assoc || dtls_sock_peers(ds);
}

/* ss -K: the socket loses its peer, so the association is over. */
static int dtls_diag_destroy(struct sock *sk, int err)
{
	struct dtls_sock *ds = dtls_sk(sk);
	struct proto *base = ds->proto->base;
	bool closed;

	/* no socket lock: BPF iterators come here with it held */
	closed = dtls_diag_close(ds);
	dtls_handshake_cancel(ds, ECONNABORTED);
	err = base->diag_destroy(sk, err);
	/*
	 * The first keys may have come meanwhile. Now that the peer is gone,
	 * none can come any more.
	 */
	closed |= dtls_diag_close(ds);
	if (closed) {
		/* nobody shall wait for what cannot come any more */
		WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
		sk->sk_state_change(sk);
	}
	return err;
}

static bool dtls_nonblocking(const struct socket *sock)
{
	return sock->file && sock->file->f_flags & O_NONBLOCK;
}

static int dtls_shutdown(struct socket *sock, int how)
{
	struct dtls_sock *ds = dtls_sk(sock->sk);
	struct dtls_assoc *assoc = dtls_sock_assoc(ds);

	dtls_handshake_cancel(ds, ECONNABORTED);
	/* before: afterwards the socket takes no more bytes */
	if ((how == SHUT_WR || how == SHUT_RDWR) && assoc)
		dtls_control_close_notify(assoc, dtls_nonblocking(sock) ?
						 MSG_DONTWAIT : 0);
	return ds->proto->base_ops->shutdown(sock, how);
}

/*
 * Operations for a socket's family, made from the socket itself when the
 * first of its kind comes: UDP over IPv6 is not a symbol we may name.
 */
static struct dtls_proto *dtls_proto_get(struct sock *sk)
{
	struct dtls_proto *p = &dtls_protos[sk->sk_family == AF_INET6];
	const struct proto_ops *ops = sk->sk_socket->ops;
	struct proto *prot = sk->sk_prot;

	/* somebody else has replaced the operations: sockmap, another ULP */
	if (sk->sk_family == AF_INET &&
	    (prot != &udp_prot || ops != &inet_dgram_ops))
		return ERR_PTR(-EBUSY);
	if (sk->sk_family == AF_INET6 && prot != sk->sk_prot_creator)
		return ERR_PTR(-EBUSY);

	mutex_lock(&dtls_protos_lock);
	if (!p->base) {
		p->prot = *prot;
		p->prot.close = dtls_close;
		p->prot.connect = dtls_connect;
		p->prot.disconnect = dtls_disconnect;
		p->prot.ioctl = dtls_ioctl;
		p->prot.setsockopt = dtls_sockopt_set;
		p->prot.getsockopt = dtls_sockopt_get;
		p->prot.sendmsg = dtls_send_msg;
		p->prot.recvmsg = dtls_recv_msg;
		p->prot.diag_destroy = dtls_diag_destroy;
#ifdef CONFIG_BPF_SYSCALL
		/* sockmap would put a copy of our table into one of its own */
		p->prot.psock_update_sk_prot = NULL;
#endif
		p->ops = *ops;
		p->ops.owner = THIS_MODULE;
		p->ops.poll = dtls_recv_poll;
		p->ops.shutdown = dtls_shutdown;
		p->ops.read_skb = NULL;
		dtls_compat_set_sendpage(&p->prot, dtls_cork_sendpage);
		dtls_compat_set_splice_eof(&p->prot, &p->ops,
					   dtls_cork_splice_eof);
		p->base_ops = ops;
		p->base = prot;
	} else if (p->base != prot || p->base_ops != ops) {
		p = ERR_PTR(-EBUSY);
	}
	mutex_unlock(&dtls_protos_lock);
	return p;
}

/* Attach; called with the socket locked. */
static int dtls_attach_locked(struct sock *sk, struct dtls_sock *ds)
{
	int err = 0;

	if (dtls_sock_attached(sk))
		return -EEXIST;
	if (sock_flag(sk, SOCK_DEAD) || !sk->sk_socket)
		return -ENOTCONN;
	/* bytes of a half-made datagram would go out between our records */
	if (udp_sk(sk)->pending || READ_ONCE(udp_sk(sk)->encap_type))
		return -EBUSY;
	if (READ_ONCE(sk->sk_user_data))
		return -EBUSY;

	ds->proto = dtls_proto_get(sk);
	if (IS_ERR(ds->proto))
		return PTR_ERR(ds->proto);

	/* not found there before it is attached */
	err = dtls_netlink_list(ds);
	if (err)
		return err;
	write_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_user_data)
		err = -EBUSY;
	else
		rcu_assign_sk_user_data(sk, ds);
	write_unlock_bh(&sk->sk_callback_lock);
	if (err)
		goto out_list;

	/* one for the operations, put by __sock_release(), one for the end */
	__module_get(THIS_MODULE);
	__module_get(THIS_MODULE);
	ds->stats = dtls_stats_of(sock_net(sk));
	ds->base_destruct = sk->sk_destruct;
	sk->sk_destruct = dtls_destruct;
	sock_set_flag(sk, SOCK_RCU_FREE);
	/* pairs with dtls_sk(): whoever sees what follows sees sk_user_data */
	smp_wmb();
	WRITE_ONCE(sk->sk_prot, &ds->proto->prot);
	WRITE_ONCE(sk->sk_socket->ops, &ds->proto->ops);
	dtls_stats_inc(sock_net(sk), DTLS_STAT_CURR_SOCKETS);
	return 0;

out_list:
	dtls_netlink_unlist(ds);
	return err;
}

/**
 * dtls_sock_attach() - attach a socket
 * @sk:   socket, of a file that the caller holds
 * @soon: give up if somebody has its lock for long
 *
 * Context: process, may sleep; the caller keeps the module from going.
 * Return: 0; -EOPNOTSUPP if it is no UDP socket; -EEXIST; -EBUSY; -ENOTCONN;
 * -ENOMEM; with @soon -EINTR.
 */
int dtls_sock_attach(struct sock *sk, bool soon)
{
	struct dtls_sock *ds;
	int err;

	if (sk->sk_type != SOCK_DGRAM || sk->sk_protocol != IPPROTO_UDP ||
	    (sk->sk_family != AF_INET && sk->sk_family != AF_INET6))
		return -EOPNOTSUPP;
	ds = kmem_cache_zalloc(dtls_sock_cache, GFP_KERNEL);
	if (!ds)
		return -ENOMEM;
	ds->sk = sk;
	ds->window = DTLS_WINDOW_DEFAULT;
	spin_lock_init(&ds->ready_lock);
	INIT_LIST_HEAD(&ds->ready);
	INIT_LIST_HEAD(&ds->runs);
	mutex_init(&ds->cork.lock);
	timer_setup(&ds->again, dtls_recv_again, 0);

	err = dtls_lock_sock(sk, soon);
	if (!err) {
		err = dtls_attach_locked(sk, ds);
		release_sock(sk);
	}
	if (err)
		kmem_cache_free(dtls_sock_cache, ds);
	return err;
}

static int dtls_ulp_set(struct sock *sk, int optname, sockptr_t optval,
			unsigned int optlen)
{
	char name[DTLS_ULP_NAME_MAX + 1] = {};

	if (!optlen || optlen > DTLS_ULP_NAME_MAX)
		return -EINVAL;
	if (copy_from_sockptr(name, optval, optlen))
		return -EFAULT;
	if (strcmp(name, DTLS_ULP_NAME))
		return -ENOENT;
	return dtls_sock_attach(sk, false);
}

static int dtls_ulp_get(struct sock *sk, int optname, void __user *user,
			int *len)
{
	if (!dtls_sock_attached(sk))
		return -ENOPROTOOPT;
	if (*len < (int)sizeof(DTLS_ULP_NAME))
		return -EINVAL;
	*len = sizeof(DTLS_ULP_NAME);
	return copy_to_user(user, DTLS_ULP_NAME, *len) ? -EFAULT : 0;
}

static struct nf_sockopt_ops dtls_ulp_ops = {
	.pf		= PF_INET,
	.set_optmin	= DTLS_ULP,
	.set_optmax	= DTLS_ULP + 1,
	.set		= dtls_ulp_set,
	.get_optmin	= DTLS_ULP,
	.get_optmax	= DTLS_ULP + 1,
	.get		= dtls_ulp_get,
	.owner		= THIS_MODULE,
};

static int __init dtls_init(void)
{
	int err;

	dtls_sock_cache = KMEM_CACHE(dtls_sock, SLAB_ACCOUNT);
	if (!dtls_sock_cache)
		return -ENOMEM;
	err = dtls_assoc_init();
	if (err)
		goto out_cache;
	err = dtls_stats_init();
	if (err)
		goto out_assoc;
	err = dtls_netlink_init();
	if (err)
		goto out_stats;
	err = dtls_handshake_init();
	if (err)
		goto out_netlink;
	err = nf_register_sockopt(&dtls_ulp_ops);
	if (err)
		goto out_handshake;
	dtls_netlink_open();
	return 0;

out_handshake:
	dtls_handshake_exit();
out_netlink:
	dtls_netlink_exit();
out_stats:
	dtls_stats_exit();
out_assoc:
	dtls_assoc_exit();
out_cache:
	kmem_cache_destroy(dtls_sock_cache);
	return err;
}

static void __exit dtls_exit(void)
{
	dtls_netlink_exit();
	nf_unregister_sockopt(&dtls_ulp_ops);
	/* the last dtls_destruct() may still be about to return */
	rcu_barrier();
	dtls_handshake_exit();
	dtls_stats_exit();
	dtls_assoc_exit();
	dtls_work_exit();
	kmem_cache_destroy(dtls_sock_cache);
}

module_init(dtls_init);
module_exit(dtls_exit);

MODULE_DESCRIPTION("DTLS records for UDP sockets");
MODULE_LICENSE("GPL");
MODULE_ALIAS("dtls");
MODULE_ALIAS_GENL_FAMILY(DTLS_FAMILY_NAME);
