// SPDX-License-Identifier: GPL-2.0-only
/*
 * A peer of an unconnected socket gets a connected socket of its own
 * (DTLS_PEER_PEELOFF). Its association moves there as it is.
 *
 * No datagram gets lost or comes to the wrong program on the way:
 *
 * 1. The peer is found no more: whoever takes a datagram of it from the old socket
 *    parks it. Whoever had found it before ends what he does, and is waited for; if
 *    that takes too long, all is as it was (EBUSY).
 * 2. The new socket takes its place beside the old one, already connected
 *    (inherit.c): from then on it gets what the peer sends. A grace period later
 *    nothing of the peer comes to the old one.
 * 3. What has come to the old one until then is taken out of its queue; and who had
 *    taken something before, without knowing yet whose it is, is waited for (SRCU).
 * 4. All that, in this order, and what had been opened already, is the new
 *    socket's, and so is the association.
 */
#include <linux/file.h>
#include <linux/net.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/udp.h>

#include "assocopt.h"
#include "compat.h"
#include "handshake.h"
#include "listen.h"
#include "netlink.h"
#include "peeloff.h"
#include "peer.h"
#include "rx.h"
#include "update.h"

DEFINE_SRCU(dtls_peeloff_srcu);

/*
 * The lock of a new socket's cork is held while things are waited for that may need
 * the old one's.
 */
static struct lock_class_key dtls_peeloff_key;

/* Jiffies to wait for those who are at it, at most. */
#define DTLS_PEELOFF_WAIT	HZ

/**
 * struct dtls_peeloff - a peer on its way
 * @from:  socket with peers
 * @to:    new socket
 * @assoc: the peer's association, with a reference
 * @key:   its address, which stays the same meanwhile
 * @late:  the work that drops old keys was to be done
 */
struct dtls_peeloff {
	struct dtls_sock	*from;
	struct dtls_sock	*to;
	struct dtls_assoc	*assoc;
	struct dtls_peer_key	key;
	bool			late;
};

/* References of those who belong to the association: its owner, and its keys. */
static unsigned int dtls_peeloff_own(struct dtls_assoc *assoc)
{
	struct dtls_epoch *ep, *tx;
	unsigned int own = 1;
	int i;

	mutex_lock(&assoc->lock);
	tx = rcu_dereference_protected(assoc->tx, lockdep_is_held(&assoc->lock));
	own += !!tx;
	if (assoc->more && assoc->more->tx_hs && assoc->more->tx_hs != tx)
		own++;
	for (i = 0; i < DTLS_KEYS_RX_EPOCHS; i++) {
		ep = rcu_dereference_protected(assoc->rx[i],
					       lockdep_is_held(&assoc->lock));
		own += !!ep;
	}
	mutex_unlock(&assoc->lock);
	return own;
}

/* Wait until nobody is at the association but us. */
static int dtls_peeloff_drain(struct dtls_assoc *assoc)
{
	unsigned long end = jiffies + DTLS_PEELOFF_WAIT;

	while (refcount_read(&assoc->ref) != dtls_peeloff_own(assoc) + 1) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (time_after(jiffies, end))
			return -EBUSY;
		schedule_timeout_killable(1);
	}
	/* what they have done is done */
	smp_mb();
	return 0;
}

/* The peer is to be found no more. */
static int dtls_peeloff_begin(struct dtls_peeloff *p)
{
	struct dtls_peers *peers = p->from->peers;
	struct dtls_peer *peer = p->assoc->peer;
	int err = 0;

	mutex_lock(&p->from->cork.lock);
	if (test_bit(DTLS_ASSOC_REMOVED, &p->assoc->flags)) {
		err = -ENOENT;
	} else if (peer->moving || READ_ONCE(peer->capped)) {
		/* another call is at it; or is it the peer at all, who is there? */
		err = -EBUSY;
	} else {
		WRITE_ONCE(peers->moves, peers->moves + 1);
		/* pairs with dtls_peer_parking() */
		smp_wmb();
		spin_lock(&p->from->ready_lock);
		WRITE_ONCE(peer->moving, DTLS_PEER_MOVES);
		spin_unlock(&p->from->ready_lock);
		dtls_peer_where(p->assoc, &p->key);
		dtls_netlink_changed(p->from);
	}
	mutex_unlock(&p->from->cork.lock);
	if (err)
		return err;
	/* those who are just about to hold it */
	synchronize_rcu_expedited();
	return 0;
}

/* It stays after all. */
static void dtls_peeloff_turn(struct dtls_peeloff *p)
{
	struct dtls_peers *peers = p->from->peers;
	struct dtls_peer *peer = p->assoc->peer;

	mutex_lock(&p->from->cork.lock);
	spin_lock(&p->from->ready_lock);
	list_splice_init(&peer->parked, &p->from->runs);
	WRITE_ONCE(peer->moving, DTLS_PEER_STAYS);
	/* who has seen it move looks again */
	smp_store_release(&peers->turns, peers->turns + 1);
	dtls_ready_grow(p->from);
	spin_unlock(&p->from->ready_lock);
	WRITE_ONCE(peers->moves, peers->moves - 1);
	dtls_netlink_changed(p->from);
	mutex_unlock(&p->from->cork.lock);
	wake_up_interruptible_all(sk_sleep(p->from->sk));
}

/* Nobody but us has to do with the association, and nobody will. */
static int dtls_peeloff_quiet(struct dtls_peeloff *p)
{
	struct dtls_assoc *assoc = p->assoc;

	p->late = cancel_delayed_work_sync(&assoc->retire);
	dtls_update_pause(assoc);
	/* that work may have been at it until now */
	return dtls_peeloff_drain(assoc);
}

static void dtls_peeloff_resume(struct dtls_peeloff *p)
{
	dtls_update_resume(p->assoc);
	if (p->late)
		dtls_assoc_retire_later(p->assoc);
}

static bool dtls_peeloff_is(const struct sk_buff *skb,
			    const struct dtls_peer_key *key)
{
	struct dtls_peer_key from;

	dtls_peer_source(skb, &from);
	return !memcmp(&from, key, sizeof(from));
}

/* Take what is of the peer out of the queues of UDP, which count the bytes. */
static void dtls_peeloff_dequeue(struct dtls_peeloff *p,
				 struct sk_buff_head *list)
{
	struct sock *sk = p->from->sk;
	struct sk_buff_head *first = &udp_sk(sk)->reader_queue;
	struct sk_buff_head *second = &sk->sk_receive_queue;
	struct sk_buff *skb, *next;

	spin_lock_bh(&first->lock);
	spin_lock(&second->lock);
	skb_queue_splice_tail_init(second, first);
	spin_unlock(&second->lock);
	skb_queue_walk_safe(first, skb, next) {
		if (!dtls_peeloff_is(skb, &p->key))
			continue;
		__skb_unlink(skb, first);
		udp_skb_destructor(sk, skb);
		__skb_queue_tail(list, skb);
	}
	spin_unlock_bh(&first->lock);
}

/* What has come to the old socket, as the new one finds it. */
static void dtls_peeloff_admit(struct dtls_peeloff *p, struct sk_buff_head *list,
			       struct list_head *runs)
{
	struct dtls_run *run;
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(list))) {
		run = kmalloc(sizeof(*run), GFP_KERNEL | __GFP_NOFAIL);
		if (dtls_rx_admit(p->to, skb, run))
			list_add_tail(&run->list, runs);
		else
			kfree(run);
	}
}

/* The peer leaves the old socket, and takes along what had been taken of it there. */
static void dtls_peeloff_leave(struct dtls_peeloff *p, struct list_head *runs)
{
	struct dtls_peers *peers = p->from->peers;
	struct dtls_peer *peer = p->assoc->peer;
	struct dtls_run *run, *next;
	LIST_HEAD(begun);

	mutex_lock(&p->from->cork.lock);
	spin_lock(&p->from->ready_lock);
	WRITE_ONCE(peer->moving, DTLS_PEER_GONE);
	list_splice_init(&peer->parked, &begun);
	list_for_each_entry_safe(run, next, &p->from->runs, list)
		if (dtls_peeloff_is(run->skb, &p->key))
			list_move_tail(&run->list, &begun);
	spin_unlock(&p->from->ready_lock);
	list_splice(&begun, runs);
	dtls_ready_move(p->from, p->to, peer->id, &p->key);
	dtls_peer_remove(peers, p->assoc);
	WRITE_ONCE(peers->moves, peers->moves - 1);
	dtls_netlink_changed(p->from);
	dtls_netlink_event(p->assoc, DTLS_EVENT_REMOVED, 0, 0, 0, NULL);
	dtls_peer_uncharge(p->assoc);
	mutex_unlock(&p->from->cork.lock);
}

/* From here on the new socket speaks DTLS and nothing else. */
static void dtls_peeloff_arrive(struct dtls_peeloff *p, struct list_head *runs)
{
	struct dtls_assoc *assoc = p->assoc;
	struct dtls_sock *ds = p->to;
	struct sock *sk = ds->sk;

	spin_lock(&ds->ready_lock);
	list_splice(runs, &ds->runs);
	dtls_ready_grow(ds);
	spin_unlock(&ds->ready_lock);

	assoc->ds = ds;
	if (ds->upcall)
		dtls_identity_move(ds, assoc->peer);
	dtls_peer_free_one(assoc->peer);
	assoc->peer = NULL;
	lock_sock(sk);
	/* ss -K has taken it for one without an association */
	if (sk->sk_state != TCP_ESTABLISHED)
		set_bit(DTLS_ASSOC_CLOSED, &assoc->flags);
	if (test_bit(DTLS_ASSOC_CLOSED, &assoc->flags))
		WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	else if (test_bit(DTLS_ASSOC_RX_CLOSED, &assoc->flags))
		WRITE_ONCE(sk->sk_shutdown, RCV_SHUTDOWN);
	dtls_recv_replace_ready(ds);
	/* pairs with dtls_sock_assoc() */
	smp_store_release(&ds->assoc, assoc);
	release_sock(sk);
	dtls_peeloff_resume(p);
	dtls_netlink_event(assoc, DTLS_EVENT_ADDED, 0, 0, 0, NULL);
}

/* Options of ours. */
static void dtls_peeloff_inherit(struct dtls_sock *ds, struct dtls_sock *from)
{
	dtls_sockopt_take_udp(ds);
	dtls_sockopt_gro_on(ds);
	WRITE_ONCE(ds->window, READ_ONCE(from->window));
	WRITE_ONCE(ds->events, READ_ONCE(from->events));
	WRITE_ONCE(ds->padding, READ_ONCE(from->padding));
	WRITE_ONCE(ds->recvtype, READ_ONCE(from->recvtype));
	/* its own, and not that a daemon listens there */
	WRITE_ONCE(ds->passthrough,
		   READ_ONCE(from->passthrough) & ~DTLS_LISTEN_SORT);
	WRITE_ONCE(ds->gro, READ_ONCE(from->gro));
	WRITE_ONCE(ds->gso_size, READ_ONCE(from->gso_size));
	WRITE_ONCE(ds->no_export, READ_ONCE(from->no_export));
}

static int dtls_peeloff_connect(struct dtls_peeloff *p)
{
	struct __kernel_sockaddr_storage name;
	int len = dtls_peer_name(p->from->sk, &p->key, &name);

	return dtls_inherit_place(p->to->sk, p->from->sk, &name, len);
}

/* Move the peer. Called with the lock of the new socket's cork. */
static int dtls_peeloff_move(struct dtls_peeloff *p)
{
	struct sk_buff_head queue;
	LIST_HEAD(runs);
	int err;

	/* its association may be of DTLS 1.3, and wait for an ACK */
	err = dtls_update_prepare(p->to);
	/* and a daemon may have said who it is */
	if (!err && p->from->listen && !dtls_handshake_prepare(p->to))
		err = -ENOMEM;
	if (!err)
		err = dtls_peeloff_begin(p);
	if (err)
		return err;
	err = dtls_peeloff_drain(p->assoc);
	if (err)
		goto out_turn;
	err = dtls_peeloff_quiet(p);
	if (!err)
		err = dtls_peeloff_connect(p);
	if (err)
		goto out_resume;

	/* those who have just looked for the socket of a datagram */
	synchronize_rcu_expedited();
	__skb_queue_head_init(&queue);
	dtls_peeloff_dequeue(p, &queue);
	dtls_peeloff_admit(p, &queue, &runs);
	synchronize_srcu_expedited(&dtls_peeloff_srcu);
	dtls_peeloff_leave(p, &runs);
	dtls_peeloff_arrive(p, &runs);
	return 0;

out_resume:
	dtls_peeloff_resume(p);
out_turn:
	dtls_peeloff_turn(p);
	return err;
}

/* A socket of the same kind, attached. */
static struct socket *dtls_peeloff_create(struct dtls_sock *ds)
{
	struct socket *sock;
	int err;

	err = __sock_create(sock_net(ds->sk), ds->sk->sk_family, SOCK_DGRAM,
			    IPPROTO_UDP, &sock, 0);
	if (err)
		return ERR_PTR(err);
	dtls_inherit_options(sock->sk, ds->sk);
	err = dtls_sock_attach(sock->sk, false);
	if (err) {
		sock_release(sock);
		return ERR_PTR(err);
	}
	return sock;
}

/* Return: the new socket's file, with the peer; or an errno. */
static struct file *dtls_peeloff(struct dtls_sock *ds, u64 id, int flags)
{
	struct dtls_peers *peers = dtls_sock_peers(ds);
	struct dtls_peeloff p = { .from = ds };
	struct socket *sock;
	struct file *file;
	int err;

	p.assoc = peers ? dtls_peer_find_id(peers, id, false) : NULL;
	if (!p.assoc)
		return ERR_PTR(-ENOENT);
	sock = dtls_peeloff_create(ds);
	file = ERR_CAST(sock);
	if (IS_ERR(sock))
		goto out;
	/* the socket goes with it, and so it does if there is none */
	file = sock_alloc_file(sock, flags, NULL);
	if (IS_ERR(file))
		goto out;
	p.to = dtls_sk(sock->sk);
	lockdep_set_class(&p.to->cork.lock, &dtls_peeloff_key);
	/* nobody has its file, but netlink finds it by its cookie */
	mutex_lock(&p.to->cork.lock);
	dtls_peeloff_inherit(p.to, ds);
	err = dtls_peeloff_move(&p);
	mutex_unlock(&p.to->cork.lock);
	if (err) {
		fput(file);
		file = ERR_PTR(err);
	}
out:
	dtls_assoc_put(p.assoc);
	return file;
}

/**
 * dtls_peeloff_get() - DTLS_PEER_PEELOFF
 * @ds:     socket with peers
 * @optval: what is asked for, and where the answer goes
 * @optlen: bytes of room there, and then of the answer
 *
 * Context: process, may sleep; no locks held.
 * Return: 0 or a negative errno (Documentation/networking/dtls.rst).
 */
int dtls_peeloff_get(struct dtls_sock *ds, char __user *optval,
		     int __user *optlen)
{
	struct dtls_peer_peeloff arg;
	struct file *file;
	int len, err, fd;
	u32 size;

	BUILD_BUG_ON(sizeof(arg) != DTLS_PEER_PEELOFF_SIZE_VER0);
	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	err = dtls_assocopt_copy(&arg, sizeof(arg), DTLS_PEER_PEELOFF_SIZE_VER0,
				 USER_SOCKPTR(optval), 0, len, &size);
	if (err)
		return err;
	if (arg.flags & ~(DTLS_PEELOFF_CLOEXEC | DTLS_PEELOFF_NONBLOCK) ||
	    arg.fd || arg.pad || !arg.id)
		return -EINVAL;
	fd = get_unused_fd_flags(arg.flags & DTLS_PEELOFF_CLOEXEC ? O_CLOEXEC : 0);
	if (fd < 0)
		return fd;
	/* before: a bad pointer must not cost the peer */
	arg.fd = fd;
	err = -EFAULT;
	if (put_user((int)sizeof(arg), optlen) ||
	    copy_to_user(optval, &arg, sizeof(arg)))
		goto out_fd;
	file = dtls_peeloff(ds, arg.id, arg.flags & DTLS_PEELOFF_NONBLOCK ?
					O_NONBLOCK : 0);
	err = PTR_ERR_OR_ZERO(file);
	if (err)
		goto out_fd;
	fd_install(fd, file);
	return 0;
out_fd:
	put_unused_fd(fd);
	return err;
}
