// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handshakes that a daemon does for a program (DTLS_HANDSHAKE).
 *
 * The program asks, and the request waits in a list of its network namespace until a
 * daemon takes it: that gets a descriptor of the very socket, shakes hands over it
 * while it is plain UDP, installs the keys, and says that it is done. Meanwhile the
 * socket's datagrams are the daemon's, and of nobody else.
 */
#include <linux/file.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <net/netns/generic.h>
#include <net/udp.h>

#include "assocopt.h"
#include "compat.h"
#include "handshake.h"
#include "keys.h"
#include "listen.h"

static unsigned int dtls_handshake_net_id __read_mostly;

static bool dtls_handshake_running(const struct dtls_upcall *up)
{
	u8 state = READ_ONCE(up->state);

	return state == DTLS_UPCALL_QUEUED || state == DTLS_UPCALL_TAKEN;
}

/**
 * dtls_handshake_net_of() - the handshakes of a network namespace
 * @net: the namespace
 *
 * Context: any. Return: never NULL; lives as long as @net and the module.
 */
struct dtls_handshake_net *dtls_handshake_net_of(const struct net *net)
{
	return net_generic(net, dtls_handshake_net_id);
}

/* Of two processes one is the daemon: the pid is not used again while we hold it. */
static bool dtls_handshake_owned(const struct dtls_upcall *up)
{
	return READ_ONCE(up->owner) == task_tgid(current);
}

/**
 * dtls_handshake_barred_by() - as dtls_handshake_barred()
 * @up: the socket's handshake
 *
 * Context: process. Return: as there.
 */
int dtls_handshake_barred_by(const struct dtls_upcall *up)
{
	/* it has no bare socket to use */
	if (READ_ONCE(up->listen))
		return dtls_handshake_running(up) && !READ_ONCE(up->served) ?
		       -EINPROGRESS : 0;
	/* pairs with dtls_handshake_take() and dtls_handshake_over() */
	switch (smp_load_acquire(&up->state)) {
	case DTLS_UPCALL_QUEUED:
		return -EINPROGRESS;
	case DTLS_UPCALL_TAKEN:
		return dtls_handshake_owned(up) ? 0 : -EINPROGRESS;
	case DTLS_UPCALL_OVER:
		return READ_ONCE(up->err) ? -ENOKEY : 0;
	}
	return 0;
}

/**
 * dtls_handshake_pass() - wait until this process may use the bare socket
 * @ds:    socket without keys
 * @timeo: jiffies to wait, 0: not at all; set to what is left
 *
 * Context: process, may sleep; no locks held.
 * Return: 0; -EAGAIN if it may not yet; -ENOKEY after a handshake that failed; or as
 * sock_intr_errno().
 */
int dtls_handshake_pass(struct dtls_sock *ds, long *timeo)
{
	int err = dtls_handshake_barred(ds);
	long all = *timeo;

	if (likely(!err) || err == -ENOKEY)
		return err;
	if (!all)
		return -EAGAIN;
	/* not exclusive: the wake-ups for datagrams are the daemon's */
	*timeo = wait_event_interruptible_timeout(*sk_sleep(ds->sk),
						  dtls_handshake_barred(ds) !=
						  -EINPROGRESS, all);
	if (*timeo < 0)
		return sock_intr_errno(all);
	err = dtls_handshake_barred(ds);
	return err == -EINPROGRESS ? -EAGAIN : err;
}

/**
 * dtls_handshake_may_key() - may this process install keys
 * @ds: connected socket; caller holds the lock of its cork
 *
 * Context: process.
 * Return: 0; -EBUSY while a daemon is about to; -ESTALE to a daemon whose time is up.
 */
int dtls_handshake_may_key(const struct dtls_sock *ds)
{
	const struct dtls_upcall *up = ds->upcall;
	int err;

	if (!up)
		return 0;
	err = dtls_handshake_barred_by(up);
	if (err == -EINPROGRESS)
		return -EBUSY;
	return err && dtls_handshake_owned(up) ? -ESTALE : 0;
}

/**
 * dtls_handshake_poll() - poll, for who may not use the bare socket
 * @file: file of the socket
 * @sock: socket
 * @wait: table, or NULL
 * @why:  what dtls_handshake_barred() says
 *
 * As after connect(): writable when it is over. After a failure no call sleeps.
 *
 * Context: process. Return: mask of events.
 */
__poll_t dtls_handshake_poll(struct file *file, struct socket *sock,
			     struct poll_table_struct *wait, int why)
{
	struct sock *sk = sock->sk;
	__poll_t mask = 0;

	sock_poll_wait(file, sock, wait);
	/* it may have ended before we were among those who are woken */
	if (why == -EINPROGRESS && dtls_handshake_barred(dtls_sk(sk)) == why)
		why = 0;
	else
		mask = EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM |
		       EPOLLWRBAND;
	/* what comes from the network meanwhile is the daemon's */
	if (mask && (READ_ONCE(sk->sk_err) ||
		     !skb_queue_empty_lockless(&sk->sk_error_queue)))
		mask |= EPOLLERR;
	if (READ_ONCE(sk->sk_shutdown) == SHUTDOWN_MASK)
		mask |= EPOLLHUP;
	return mask;
}

/* The socket may be on its way out, if IPV6_ADDRFORM took our operations away. */
static void dtls_handshake_wake(struct sock *sk)
{
	struct socket_wq *wq;

	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (wq)
		wake_up_interruptible_all(&wq->wait);
	rcu_read_unlock();
}

/* Off the list, with its result; called with the lock. */
static void dtls_handshake_over(struct dtls_upcall *up, int err, u8 state)
{
	struct sock *sk = up->ds->sk;

	lockdep_assert_held(&up->net->lock);
	list_del_init(&up->list);
	del_timer(&up->timer);
	WRITE_ONCE(up->err, err);
	/* pairs with dtls_handshake_barred_by() */
	smp_store_release(&up->state, state);
	if (err && !up->waited && state == DTLS_UPCALL_OVER) {
		WRITE_ONCE(sk->sk_err, err);
		sk_error_report(sk);
	}
	dtls_handshake_wake(sk);
}

static void dtls_handshake_expire(struct timer_list *timer)
{
	struct dtls_upcall *up = container_of(timer, struct dtls_upcall, timer);
	struct dtls_handshake_net *hn = up->net;

	spin_lock_bh(&hn->lock);
	/* another request may have begun meanwhile, with time of its own */
	if (dtls_handshake_running(up) && !up->served &&
	    time_after_eq(jiffies, up->expires))
		dtls_handshake_over(up, ETIMEDOUT, DTLS_UPCALL_OVER);
	spin_unlock_bh(&hn->lock);
}

/**
 * dtls_handshake_prepare() - make what a socket's handshakes need
 * @ds: socket; caller holds the lock of its cork
 *
 * Context: process, may sleep.
 * Return: that, owned by the socket; or NULL without memory.
 */
struct dtls_upcall *dtls_handshake_prepare(struct dtls_sock *ds)
{
	struct dtls_upcall *up = ds->upcall;

	if (up)
		return up;
	up = kzalloc(sizeof(*up), GFP_KERNEL_ACCOUNT);
	if (!up)
		return NULL;
	INIT_LIST_HEAD(&up->list);
	up->ds = ds;
	up->net = dtls_handshake_net_of(sock_net(ds->sk));
	timer_setup(&up->timer, dtls_handshake_expire, 0);
	/* pairs with dtls_handshake_barred() */
	smp_store_release(&ds->upcall, up);
	return up;
}

static int dtls_handshake_begin(struct dtls_sock *ds,
				const struct dtls_handshake *ask, bool wait,
				u64 *id)
{
	unsigned long left = msecs_to_jiffies(ask->timeout) + 1;
	bool listen = ask->role == DTLS_HANDSHAKE_LISTEN;
	struct dtls_handshake_net *hn;
	struct sock *sk = ds->sk;
	struct dtls_upcall *up;
	int err = 0;

	lockdep_assert_held(&ds->cork.lock);
	if (listen)
		err = dtls_listen_may(ds);
	else if (READ_ONCE(sk->sk_state) != TCP_ESTABLISHED)
		err = -ENOTCONN;
	else if (dtls_sock_keyed(ds))
		err = -EISCONN;
	/* bytes that UDP holds back would keep the keys away */
	else if (READ_ONCE(udp_sk(sk)->pending))
		err = -EBUSY;
	if (err)
		return err;
	up = dtls_handshake_prepare(ds);
	if (!up)
		return -ENOMEM;
	hn = up->net;
	/* nobody shall take it before it listens, nor shall it without a daemon */
	if (listen && !dtls_handshake_running(up) &&
	    dtls_upcall_heard(sock_net(sk)))
		err = dtls_listen_begin(ds);
	if (err)
		return err;
	spin_lock_bh(&hn->lock);
	if (dtls_handshake_running(up)) {
		err = -EALREADY;
	} else if (!dtls_upcall_heard(sock_net(sk))) {
		err = -ESRCH;
	} else {
		up->req.id = ++hn->last;
		up->req.uid = current_euid();
		up->req.ask = *ask;
		up->waited = wait;
		WRITE_ONCE(up->listen, listen);
		WRITE_ONCE(up->served, false);
		up->expires = jiffies + left;
		mod_timer(&up->timer, up->expires);
		list_add_tail(&up->list, &hn->queued);
		/* pairs with dtls_handshake_barred_by() */
		smp_store_release(&up->state, DTLS_UPCALL_QUEUED);
		*id = up->req.id;
	}
	spin_unlock_bh(&hn->lock);
	return err;
}

/* The program will not get the answer: the socket has it then. */
static int dtls_handshake_leave(struct dtls_upcall *up)
{
	int err = -EINTR;

	spin_lock_bh(&up->net->lock);
	up->waited = false;
	if (up->served && dtls_handshake_running(up))
		err = 0;
	else if (!dtls_handshake_running(up))
		err = -up->err;
	spin_unlock_bh(&up->net->lock);
	return err;
}

/* Ask for one, and maybe wait for it. */
static int dtls_handshake_ask(struct dtls_sock *ds,
			      const struct dtls_handshake *ask, bool wait)
{
	struct dtls_upcall *up;
	u64 id = 0;
	int err;

	mutex_lock(&ds->cork.lock);
	err = dtls_handshake_begin(ds, ask, wait, &id);
	up = ds->upcall;
	mutex_unlock(&ds->cork.lock);
	if (err)
		return err;
	/* who sleeps in a call of before would take the daemon's datagrams */
	dtls_handshake_wake(ds->sk);
	err = dtls_upcall_notify(sock_net(ds->sk), id);
	if (err) {
		spin_lock_bh(&up->net->lock);
		/* it has not begun: the socket is as it was */
		if (up->state == DTLS_UPCALL_QUEUED)
			dtls_handshake_over(up, 0, DTLS_UPCALL_IDLE);
		else
			err = 0;
		spin_unlock_bh(&up->net->lock);
		if (err)
			return err;
	}
	if (!wait)
		return -EINPROGRESS;
	/* not begun anew by signal: the handshake goes on, as with connect() */
	wait_event_interruptible(*sk_sleep(ds->sk),
				 !dtls_handshake_running(up) ||
				 READ_ONCE(up->served));
	return dtls_handshake_leave(up);
}

/**
 * dtls_handshake_set() - DTLS_HANDSHAKE
 * @ds:     attached socket
 * @optval: struct dtls_handshake
 * @optlen: bytes of it
 *
 * Context: process, may sleep, and for long; no locks held.
 * Return: 0 or a negative errno (Documentation/networking/dtls.rst).
 */
int dtls_handshake_set(struct dtls_sock *ds, sockptr_t optval,
		       unsigned int optlen)
{
	struct socket *sock = ds->sk->sk_socket;
	struct dtls_handshake ask;
	u32 size;
	int err;

	err = dtls_assocopt_copy(&ask, sizeof(ask), DTLS_HANDSHAKE_SIZE_VER0,
				 optval, 0, optlen, &size);
	if (err)
		return err;
	if (size != optlen || ask.flags & ~DTLS_HANDSHAKE_NOWAIT ||
	    ask.role < DTLS_HANDSHAKE_CLIENT ||
	    ask.role > DTLS_HANDSHAKE_LISTEN ||
	    ask.timeout > DTLS_HANDSHAKE_TIMEOUT_MAX ||
	    !memchr(ask.server_name, 0, sizeof(ask.server_name)) ||
	    !memchr(ask.credential, 0, sizeof(ask.credential)))
		return -EINVAL;
	/* a socket of the kernel's own has no file that a daemon could get */
	if (!sock || !READ_ONCE(sock->file))
		return -EOPNOTSUPP;
	if (!ask.timeout)
		ask.timeout = DTLS_HANDSHAKE_TIMEOUT;
	return dtls_handshake_ask(ds, &ask,
				  !(ask.flags & DTLS_HANDSHAKE_NOWAIT ||
				    sock->file->f_flags & O_NONBLOCK));
}

/**
 * dtls_handshake_cancel() - end a handshake that is under way, if there is one
 * @ds:  attached socket
 * @err: positive errno for who asked for it
 *
 * Context: any but hard interrupts.
 */
void dtls_handshake_cancel(struct dtls_sock *ds, int err)
{
	struct dtls_upcall *up = dtls_handshake_of(ds);

	if (!up)
		return;
	spin_lock_bh(&up->net->lock);
	if (dtls_handshake_running(up))
		dtls_handshake_over(up, err, DTLS_UPCALL_OVER);
	spin_unlock_bh(&up->net->lock);
}

/**
 * dtls_handshake_close() - no daemon can find the socket any more
 * @ds: socket that is being closed
 *
 * Context: process, or an RCU callback; no locks held.
 */
void dtls_handshake_close(struct dtls_sock *ds)
{
	dtls_handshake_cancel(ds, ECONNABORTED);
	if (ds->upcall)
		dtls_compat_timer_delete_sync(&ds->upcall->timer);
}

/**
 * dtls_handshake_free() - free what dtls_handshake_prepare() has made
 * @ds: socket at its end
 *
 * Context: any.
 */
void dtls_handshake_free(struct dtls_sock *ds)
{
	struct dtls_upcall *up = ds->upcall;

	if (!up)
		return;
	/* has been done, but if IPV6_ADDRFORM took our operations away */
	dtls_handshake_close(ds);
	put_pid(up->owner);
	kfree(up->identity);
	kfree(up);
}

/**
 * dtls_handshake_take() - a daemon takes a request
 * @net:    its network namespace
 * @portid: its netlink socket
 * @req:    filled
 *
 * Context: process, of the daemon.
 * Return: file of the socket, with a reference; NULL if there is no request.
 */
struct file *dtls_handshake_take(struct net *net, u32 portid,
				 struct dtls_upcall_request *req)
{
	struct dtls_handshake_net *hn = dtls_handshake_net_of(net);
	struct pid *owner = get_pid(task_tgid(current)), *was;
	struct file *file = NULL;
	struct dtls_upcall *up;
	struct socket *sock;
	long left;

	spin_lock_bh(&hn->lock);
	list_for_each_entry(up, &hn->queued, list) {
		/*
		 * dtls_close() takes it off the list before the socket and the file
		 * part; but that may be at its end already.
		 */
		sock = up->ds->sk->sk_socket;
		file = sock ? dtls_compat_get_file(&sock->file) : NULL;
		if (file)
			break;
	}
	if (file) {
		list_move_tail(&up->list, &hn->taken);
		was = up->owner;
		WRITE_ONCE(up->owner, owner);
		owner = was;
		up->portid = portid;
		left = up->expires - jiffies;
		up->req.timeout = up->served ? 0 :
			clamp(jiffies_to_msecs(max(left, 1L)), 1U,
			      up->req.ask.timeout);
		*req = up->req;
		/* pairs with dtls_handshake_barred_by() */
		smp_store_release(&up->state, DTLS_UPCALL_TAKEN);
	}
	spin_unlock_bh(&hn->lock);
	put_pid(owner);
	return file;
}

/**
 * dtls_handshake_find() - a request that was taken
 * @hn:     of the namespace; caller holds the lock
 * @portid: netlink socket that has taken it
 * @id:     its number
 *
 * Context: any. Return: the request, or NULL.
 */
struct dtls_upcall *dtls_handshake_find(struct dtls_handshake_net *hn,
					u32 portid, u64 id)
{
	struct dtls_upcall *up;

	list_for_each_entry(up, &hn->taken, list)
		if (up->req.id == id && up->portid == portid)
			return up;
	return NULL;
}

/* For the next daemon; called with the lock. */
static void dtls_handshake_requeue(struct dtls_upcall *up)
{
	list_move(&up->list, &up->net->queued);
	/* pairs with dtls_handshake_barred_by() */
	smp_store_release(&up->state, DTLS_UPCALL_QUEUED);
}

/**
 * dtls_handshake_told() - the daemon has been told of what it took
 * @net:    network namespace
 * @portid: as dtls_handshake_take()
 * @id:     number of the request
 *
 * A program that listens waits for no more.
 *
 * Context: process.
 */
void dtls_handshake_told(struct net *net, u32 portid, u64 id)
{
	struct dtls_handshake_net *hn = dtls_handshake_net_of(net);
	struct dtls_upcall *up;

	spin_lock_bh(&hn->lock);
	up = dtls_handshake_find(hn, portid, id);
	if (up && up->listen && !up->served) {
		WRITE_ONCE(up->served, true);
		del_timer(&up->timer);
		dtls_handshake_wake(up->ds->sk);
	}
	spin_unlock_bh(&hn->lock);
}

/**
 * dtls_handshake_again() - one more reference to what a daemon has taken
 * @net:    its network namespace
 * @portid: its netlink socket
 * @id:     number of the request
 * @req:    filled, or NULL
 *
 * Context: process, of the daemon.
 * Return: file of the socket, with a reference; NULL if it is over, or not this
 * netlink socket's.
 */
struct file *dtls_handshake_again(struct net *net, u32 portid, u64 id,
				  struct dtls_upcall_request *req)
{
	struct dtls_handshake_net *hn = dtls_handshake_net_of(net);
	struct file *file = NULL;
	struct dtls_upcall *up;
	struct socket *sock;

	spin_lock_bh(&hn->lock);
	up = dtls_handshake_find(hn, portid, id);
	/* as in dtls_handshake_take() */
	sock = up ? up->ds->sk->sk_socket : NULL;
	if (sock)
		file = dtls_compat_get_file(&sock->file);
	if (file && req)
		*req = up->req;
	spin_unlock_bh(&hn->lock);
	return file;
}

/**
 * dtls_handshake_return() - undo dtls_handshake_take(): the daemon was not told
 * @net:    network namespace
 * @portid: as there
 * @id:     number of the request
 *
 * Context: process.
 */
void dtls_handshake_return(struct net *net, u32 portid, u64 id)
{
	struct dtls_handshake_net *hn = dtls_handshake_net_of(net);
	struct dtls_upcall *up;

	spin_lock_bh(&hn->lock);
	up = dtls_handshake_find(hn, portid, id);
	if (up)
		dtls_handshake_requeue(up);
	spin_unlock_bh(&hn->lock);
}

/**
 * dtls_handshake_done() - a daemon says how it went
 * @net:      its network namespace
 * @portid:   its netlink socket
 * @id:       number of the request
 * @status:   0 or a positive errno
 * @identity: of the peer, or of NULL; set to what the caller has to free
 *
 * Context: process.
 * Return: 0; -ENOENT if this socket has not taken such a request, or it is over; -ENOKEY
 * if it went well, and there are no keys in both directions; -EINVAL if a socket that
 * listens is said to be done.
 */
int dtls_handshake_done(struct net *net, u32 portid, u64 id, int status,
			struct dtls_identity **identity)
{
	struct dtls_handshake_net *hn = dtls_handshake_net_of(net);
	struct dtls_assoc *assoc;
	struct dtls_upcall *up;
	int err = 0;

	spin_lock_bh(&hn->lock);
	up = dtls_handshake_find(hn, portid, id);
	if (!up) {
		err = -ENOENT;
		goto out;
	}
	if (up->listen && !status) {
		err = -EINVAL;
		goto out;
	}
	if (!status) {
		/* it does not end before dtls_close() has us off the list */
		assoc = dtls_sock_assoc(up->ds);
		if (!assoc || !dtls_keys_has_rx(assoc) ||
		    !dtls_keys_has_tx(assoc)) {
			err = -ENOKEY;
			goto out;
		}
		swap(up->identity, *identity);
	}
	dtls_handshake_over(up, status, DTLS_UPCALL_OVER);
out:
	spin_unlock_bh(&hn->lock);
	return err;
}

/**
 * dtls_handshake_forsake() - a netlink socket is gone
 * @net:    network namespace
 * @portid: the socket
 * @all:    there is no daemon any more
 *
 * Context: process.
 */
void dtls_handshake_forsake(struct net *net, u32 portid, bool all)
{
	struct dtls_handshake_net *hn = dtls_handshake_net_of(net);
	struct dtls_upcall *up, *next;
	u64 left = 0;

	spin_lock_bh(&hn->lock);
	list_for_each_entry_safe(up, next, &hn->taken, list) {
		if (up->portid != portid)
			continue;
		if (up->served) {
			left = up->req.id;
			dtls_handshake_requeue(up);
		} else {
			dtls_handshake_over(up, EOWNERDEAD, DTLS_UPCALL_OVER);
		}
	}
	list_for_each_entry_safe(up, next, &hn->queued, list)
		if (all && !up->served)
			dtls_handshake_over(up, ESRCH, DTLS_UPCALL_OVER);
	spin_unlock_bh(&hn->lock);
	/* for another daemon, if there is one: it asks until there are no more */
	if (left && !all)
		dtls_upcall_notify(net, left);
}

static int __net_init dtls_handshake_net_init(struct net *net)
{
	struct dtls_handshake_net *hn = net_generic(net, dtls_handshake_net_id);

	spin_lock_init(&hn->lock);
	INIT_LIST_HEAD(&hn->queued);
	INIT_LIST_HEAD(&hn->taken);
	return 0;
}

static struct pernet_operations dtls_handshake_net_ops = {
	.init	= dtls_handshake_net_init,
	.id	= &dtls_handshake_net_id,
	.size	= sizeof(struct dtls_handshake_net),
};

/**
 * dtls_handshake_init() - give every network namespace its lists
 *
 * A namespace outlives its sockets, and they are off the lists when they are closed.
 *
 * Context: process, module init. Return: 0 or a negative errno.
 */
int dtls_handshake_init(void)
{
	int err = register_pernet_subsys(&dtls_handshake_net_ops);

	if (err)
		return err;
	err = dtls_upcall_init();
	if (err)
		unregister_pernet_subsys(&dtls_handshake_net_ops);
	return err;
}

/**
 * dtls_handshake_exit() - take them away again
 *
 * Context: process, module exit; no attached socket is left.
 */
void dtls_handshake_exit(void)
{
	dtls_upcall_exit();
	unregister_pernet_subsys(&dtls_handshake_net_ops);
}
