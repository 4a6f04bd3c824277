/* SPDX-License-Identifier: GPL-2.0-only */
/* What an attached socket carries. */
#ifndef _DTLS_SOCK_H
#define _DTLS_SOCK_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <net/sock.h>

#include "assoc.h"

/**
 * struct dtls_proto - a socket's operations, with the module's in their place
 * @prot:      protocol operations
 * @ops:       socket operations
 * @base:      the operations replaced
 * @base_ops:  likewise
 */
struct dtls_proto {
	struct proto		prot;
	struct proto_ops	ops;
	struct proto		*base;
	const struct proto_ops	*base_ops;
};

/**
 * struct dtls_cork - a record that is being put together by several sends
 * @lock: protects what is below
 * @buf:  plaintext so far, or NULL
 * @len:  bytes of it
 * @size: bytes of @buf
 * @type: content type
 * @on:   UDP_CORK is set
 * @held: @buf holds a record; read without the lock on the fast path
 */
struct dtls_cork {
	struct mutex	lock;	/* see above */
	u8		*buf;
	u32		len;
	u32		size;
	u8		type;
	bool		on;
	bool		held;
};

/**
 * struct dtls_sock - an attached socket; sk_user_data points here
 * @sk:            the socket; lives as long as it
 * @proto:         operations
 * @base_destruct: sk_destruct that was replaced
 * @assoc:         association of a connected socket, or NULL: plain UDP. Set
 *                 once, under the socket lock
 * @base_ready:    sk_data_ready that was replaced with the first keys, or NULL
 * @ready_lock:    protects @ready and what is counted of it; process context
 *                 only
 * @ready:         opened records, not yet delivered
 * @ready_cost:    bytes of memory they hold
 * @ready_gen:     grows when something is added to @ready
 * @waiters:       receivers asleep: wake them when @ready grows
 * @opening:       callers with a datagram off the UDP queue, not yet in @ready
 * @missed:        somebody found nothing while @opening was not zero, and may
 *                 be asleep in poll
 * @closed:        close() came by our operations
 * @again:         brings pollers back to a queue that they did not see the end
 *                 of
 * @window:        replay window for keys to come, records
 * @events:        mask of DTLS_EVENT_* the program wants
 * @gso_size:      plaintext segment size, bytes; 0 is off
 * @recvtype:      DTLS_RECVTYPE
 * @no_export:     DTLS_NO_EXPORT
 * @cork:          record under construction
 */
struct dtls_sock {
	struct sock		*sk;
	struct dtls_proto	*proto;
	void			(*base_destruct)(struct sock *sk);
	void			(*base_ready)(struct sock *sk);
	struct dtls_assoc	*assoc;
	spinlock_t		ready_lock;	/* see above */
	struct list_head	ready;
	u64			ready_cost;
	u32			ready_gen;
	atomic_t		waiters;
	atomic_t		opening;
	bool			missed;
	bool			closed;
	struct timer_list	again;
	u32			window;
	u32			events;
	u16			gso_size;
	bool			recvtype;
	bool			no_export;
	struct dtls_cork	cork;
};

/**
 * dtls_sk() - the module's part of an attached socket
 * @sk: attached socket
 *
 * Context: any, from the socket's own operations.
 * Return: never NULL for an attached socket; owned by the socket.
 */
static inline struct dtls_sock *dtls_sk(const struct sock *sk)
{
	/* pairs with dtls_attach_locked(): sk_prot led us here */
	smp_rmb();
	return (struct dtls_sock *)((unsigned long)sk->sk_user_data &
				    SK_USER_DATA_PTRMASK);
}

/**
 * dtls_sock_assoc() - the association of a connected socket
 * @ds: attached socket
 *
 * Context: any.
 * Return: NULL while the socket is plain UDP; owned by the socket.
 */
static inline struct dtls_assoc *dtls_sock_assoc(const struct dtls_sock *ds)
{
	/* pairs with the release when the first keys are installed */
	return smp_load_acquire(&ds->assoc);
}

bool dtls_sock_attached(const struct sock *sk);

/* tx.c */
int dtls_tx_sendmsg(struct sock *sk, struct msghdr *msg, size_t len);
int dtls_tx_record(struct dtls_sock *ds, u8 type, const void *data,
		   unsigned int len, int flags);
int dtls_tx_seal(struct dtls_sock *ds, u8 type, const void *data,
		 unsigned int len, u8 *wire);
int dtls_tx_raw(struct dtls_sock *ds, void *data, unsigned int len, int flags);
int dtls_tx_uncork(struct dtls_sock *ds);
void dtls_tx_splice_eof(struct socket *sock);
int dtls_tx_sendpage(struct sock *sk, struct page *page, int offset,
		     size_t size, int flags);

/* path.c */
int dtls_path_max_datagram(struct dtls_sock *ds);
int dtls_path_max_payload(struct dtls_sock *ds);

/* rx.c */
int dtls_rx_pull(struct dtls_sock *ds);
void dtls_rx_purge(struct dtls_sock *ds);
bool dtls_rx_pending(struct dtls_sock *ds);

/* recv.c */
int dtls_recv_msg(struct sock *sk, struct msghdr *msg, size_t len, int flags,
		  int *addr_len);
__poll_t dtls_recv_poll(struct file *file, struct socket *sock,
			struct poll_table_struct *wait);
int dtls_recv_next_len(struct dtls_sock *ds);
void dtls_recv_kick(struct dtls_sock *ds);
void dtls_recv_data_ready(struct sock *sk);
void dtls_recv_again(struct timer_list *timer);

/* sockopt.c */
int dtls_sockopt_set(struct sock *sk, int level, int optname, sockptr_t optval,
		     unsigned int optlen);
int dtls_sockopt_get(struct sock *sk, int level, int optname,
		     char __user *optval, int __user *optlen);

#endif /* _DTLS_SOCK_H */
