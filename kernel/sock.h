/* SPDX-License-Identifier: GPL-2.0-only */
/* What an attached socket carries. */
#ifndef _DTLS_SOCK_H
#define _DTLS_SOCK_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#include <net/sock.h>

#include "assoc.h"

/* No number of a connection ID, see connid.h. */
#define DTLS_CONNID_NONE	U32_MAX

struct dtls_keys;
struct dtls_listen;
struct dtls_look;
struct dtls_message_number;
struct dtls_peer_key;
struct dtls_peers;
struct dtls_upcall;

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
 * struct dtls_plain - an opened record
 * @seq:   sequence number
 * @epoch: epoch
 * @type:  content type
 * @len:   bytes of plaintext
 * @data:  the plaintext
 */
struct dtls_plain {
	u64		seq;
	u16		epoch;
	u8		type;
	u32		len;
	const u8	*data;
};

/**
 * struct dtls_ready - an opened record that waits for the program
 * @list:   place in the queue
 * @ref:    users: the queue, and who peeks
 * @skb:    the datagram it came in, for addresses and control messages; owns a
 *          reference
 * @plain:  the record
 * @peer:   identifier of the peer that it came from, or 0
 * @peeked: MSG_PEEK has shown it
 * @cost:   bytes of memory that it holds
 * @data:   the plaintext
 */
struct dtls_ready {
	struct list_head	list;
	refcount_t		ref;
	bool			peeked;
	u32			cost;
	struct sk_buff		*skb;
	u64			peer;
	struct dtls_plain	plain;
	u8			data[];
};

/**
 * struct dtls_run - what is left of a datagram, or of an aggregate of several
 * @list: place in the socket's queue of them
 * @skb:  it; owns a reference. NULL: nothing is left
 * @head: bytes in front of its frag_list; 0 if it has none
 * @frag: piece of its frag_list that was looked at last, or NULL
 * @base: place in @skb where @frag begins
 * @piece:     memory that holds the bytes from @piece_off on
 * @piece_off: place in @skb
 * @piece_len: bytes of it
 * @calm: nobody writes to it meanwhile
 * @off:  place of the next record
 * @next: end of the datagram that @off lies in
 * @seg:  bytes of each datagram but the last
 * @end:  end of all
 */
struct dtls_run {
	struct list_head	list;
	struct sk_buff		*skb;
	struct sk_buff		*frag;
	u32			head;
	u32			base;
	const u8		*piece;
	u32			piece_off;
	u32			piece_len;
	bool			calm;
	u32			off;
	u32			next;
	u32			seg;
	u32			end;
};

/**
 * struct dtls_rx - records being taken out of datagrams
 * @ds:      socket
 * @assoc:   association of the records, with a reference if it is a peer's; NULL
 *           until that is known
 * @elsewhere: they come not from where that peer is
 * @sort:    DTLS_PASSTHROUGH: there may be raw datagrams among them, and @assoc is
 *           NULL if only those are for the program
 * @rejected: bytes of the datagram in hand that did not open, on a socket that listens
 * @raw:     bytes of a raw one that did not lie in one piece, or NULL
 * @work:    work area, once there was use for one
 * @ep:      keys of the last record, with a reference
 * @run:     what is in hand; its list is not used
 * @hdr:     header of the record
 * @copy:    its bytes, where they do not lie in one piece
 * @whole:   but for plain DTLS 1.2: the record, if it is known to lie in one piece
 *           and to have the usual header of DTLS 1.3; else NULL
 * @form:    enum dtls_form of the records
 * @cid:     but for plain DTLS 1.2: number of the connection ID of the record, or
 *           %DTLS_CONNID_NONE
 * @mask:    DTLS 1.3: which of the masks of sequence numbers in @work is next
 * @masks:   how many there are from it on
 * @mask_at: and the place in @run that it was made from; the others are a segment
 *           apart
 * @plain:   the record just opened, good until the next call
 * @last:    bytes it takes in @run
 * @fit:     length of the fragment that it came out of, or 0
 * @records: accepted so far, not yet counted
 * @control: how many of them are not application data
 * @bytes:   bytes of plaintext in them
 */
struct dtls_rx {
	struct dtls_sock	*ds;
	struct dtls_assoc	*assoc;
	bool			elsewhere;
	u8			sort;
	u32			rejected;
	void			*raw;
	struct dtls_work	*work;
	struct dtls_epoch	*ep;
	struct dtls_run		run;
	struct dtls_record_hdr	hdr;
	u8			copy[DTLS_RECORD_HDR12 + DTLS_CID_MAX];
	const u8		*whole;
	u8			form;
	u8			mask;
	u8			masks;
	u32			cid;
	u32			mask_at;
	struct dtls_plain	plain;
	u32			last;
	u32			fit;
	unsigned int		records;
	unsigned int		control;
	u64			bytes;
};

/**
 * struct dtls_sock - an attached socket; sk_user_data points here
 * @sk:            the socket; lives as long as it
 * @proto:         operations
 * @stats:         where its namespace counts
 * @base_destruct: sk_destruct that was replaced
 * @assoc:         association of a connected socket, or NULL: plain UDP. Set
 *                 once, under the socket lock
 * @peers:         associations of an unconnected socket, or NULL; likewise
 * @base_ready:    sk_data_ready that was replaced with the first keys, or NULL
 * @ready_lock:    protects @ready, what is counted of it, and @runs; process
 *                 context only
 * @visitors:      who has found it by its cookie, and does not hold its file: close()
 *                 waits for them
 * @ready:         opened records, not yet delivered
 * @runs:          aggregates that have been begun and not finished
 * @ready_cost:    bytes of memory they hold
 * @ready_gen:     grows when something is added to @ready or @runs
 * @waiters:       receivers asleep: wake them when one of these grows
 * @opening:       callers with a datagram off the UDP queue, of which something
 *                 may yet come to @ready or @runs
 * @missed:        somebody found nothing while @opening was not zero, and may
 *                 be asleep in poll
 * @closed:        close() came by our operations
 * @again:         brings pollers back to a queue that they did not see the end
 *                 of
 * @peers_max:     DTLS_PEER_MAX
 * @peers_idle:    DTLS_PEER_IDLE, seconds
 * @window:        replay window for keys to come, records
 * @events:        mask of DTLS_EVENT_* the program wants
 * @gso_size:      plaintext segment size, bytes; 0 is off
 * @gro:           UDP_GRO as the program set it
 * @padding:       DTLS_PADDING, bytes
 * @acks_due:      associations that wait for an ACK of their peer
 * @look:          looks for these, as the program may not be one that reads; NULL
 *                 before there was DTLS 1.3
 * @listen:        looks for strangers, on a socket that listens or has done so, or
 *                 NULL. Set once, under the lock of @cork
 * @recvtype:      DTLS_RECVTYPE
 * @recvpeer:      DTLS_RECVPEER
 * @passthrough:   DTLS_PASSTHROUGH, and DTLS_LISTEN_SORT; changed under the lock of
 *                 @cork
 * @move:          DTLS_MOVE
 * @no_export:     DTLS_NO_EXPORT
 * @cork:          record under construction
 * @upcall:        handshake that the daemon does, or has done; NULL: none was asked
 *                 for. Set once, under the lock of @cork
 */
struct dtls_sock {
	struct sock		*sk;
	struct dtls_proto	*proto;
	struct dtls_stats_cpu __percpu *stats;
	void			(*base_destruct)(struct sock *sk);
	void			(*base_ready)(struct sock *sk);
	struct dtls_assoc	*assoc;
	struct dtls_peers	*peers;
	spinlock_t		ready_lock;	/* see above */
	atomic_t		visitors;
	struct list_head	ready;
	struct list_head	runs;
	u64			ready_cost;
	u32			ready_gen;
	atomic_t		waiters;
	atomic_t		opening;
	u16			gso_size;
	bool			missed;
	bool			closed;
	struct timer_list	again;
	u32			window;
	u32			peers_max;
	u32			peers_idle;
	u32			events;
	u16			padding;
	bool			gro;
	bool			recvtype;
	bool			recvpeer;
	u8			passthrough;
	u8			move;
	bool			no_export;
	atomic_t		acks_due;
	struct dtls_look	*look;
	struct dtls_listen	*listen;
	struct dtls_cork	cork;
	struct dtls_upcall	*upcall;
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
 * dtls_sock_cookie() - the number of a socket, in the list of its namespace too
 * @ds: attached socket
 *
 * Context: any. Return: SO_COOKIE.
 */
static inline u64 dtls_sock_cookie(const struct dtls_sock *ds)
{
	return atomic64_read(&ds->sk->sk_cookie);
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

/**
 * dtls_sock_peers() - the peers of an unconnected socket
 * @ds: attached socket
 *
 * Context: any.
 * Return: NULL if it has never had one; owned by the socket.
 */
static inline struct dtls_peers *dtls_sock_peers(const struct dtls_sock *ds)
{
	/* pairs with the release when the first peer is added */
	return smp_load_acquire(&ds->peers);
}

/**
 * dtls_sock_keyed() - does a socket speak DTLS, and nothing else
 * @ds: attached socket
 *
 * Context: any. Return: false while it is plain UDP.
 */
static inline bool dtls_sock_keyed(const struct dtls_sock *ds)
{
	return dtls_sock_assoc(ds) || unlikely(dtls_sock_peers(ds));
}

/**
 * dtls_rx_begin() - get ready to take records out of datagrams
 * @rx: filled
 * @ds: socket with an association, or with peers
 *
 * Context: process.
 */
static inline void dtls_rx_begin(struct dtls_rx *rx, struct dtls_sock *ds)
{
	rx->ds = ds;
	rx->assoc = dtls_sock_assoc(ds);
	rx->work = NULL;
	rx->ep = NULL;
	rx->run.skb = NULL;
	rx->sort = READ_ONCE(ds->passthrough);
	rx->raw = NULL;
	rx->whole = NULL;
	rx->last = 0;
	rx->fit = 0;
	rx->records = 0;
	rx->control = 0;
	rx->bytes = 0;
	atomic_inc(&ds->opening);
	/* whoever sees the queues without what we take sees the count, too */
	smp_mb__after_atomic();
	if (likely(rx->assoc))
		rx->form = READ_ONCE(rx->assoc->rx_form);
}

/**
 * dtls_ready_grow() - something has been added to a queue
 * @ds: socket; caller holds its ready_lock
 *
 * Whoever reads the new number sees what was added. The queues themselves are
 * looked at without the lock, by list_empty().
 *
 * Context: process.
 */
static inline void dtls_ready_grow(struct dtls_sock *ds)
{
	/* pairs with dtls_recv_msg() */
	smp_store_release(&ds->ready_gen, ds->ready_gen + 1);
}

/* lock.c */
int dtls_lock_sock(struct sock *sk, bool soon);
int dtls_lock_mutex(struct mutex *lock, bool soon);

/* main.c */
bool dtls_sock_attached(const struct sock *sk);
int dtls_sock_attach(struct sock *sk, bool soon);

/* send.c */
int dtls_send_msg(struct sock *sk, struct msghdr *msg, size_t len);

/* tx.c */
int dtls_tx_record(struct dtls_assoc *assoc, u8 type, const void *data,
		   unsigned int len, int flags,
		   struct dtls_message_number *number);
int dtls_tx_seal(struct dtls_epoch *ep, u8 type, const void *data,
		 unsigned int len, u8 *wire, u64 *seq);
int dtls_tx_raw(struct dtls_assoc *assoc, void *data, unsigned int len,
		int flags);

/* cork.c */
int dtls_cork_release(struct dtls_sock *ds);
void dtls_cork_splice_eof(struct socket *sock);
int dtls_cork_sendpage(struct sock *sk, struct page *page, int offset,
		       size_t size, int flags);

/* path.c */
int dtls_path_max_datagram(struct dtls_assoc *assoc);
int dtls_path_max_payload(struct dtls_assoc *assoc);

/* rx.c */
int dtls_rx_fetch(struct dtls_rx *rx, bool all);
bool dtls_rx_fetch_rest(struct dtls_rx *rx, const struct sk_buff *skb);
int dtls_rx_next(struct dtls_rx *rx, u32 max);
void dtls_rx_keep(struct dtls_rx *rx, bool front);
void dtls_rx_park(struct dtls_rx *rx);
void dtls_rx_end(struct dtls_rx *rx);
int dtls_rx_pull(struct dtls_sock *ds);
int dtls_rx_pull_some(struct dtls_sock *ds, bool full);
void dtls_rx_inject(struct dtls_sock *ds, struct sk_buff *skb);
bool dtls_rx_pending(struct dtls_sock *ds);
void dtls_rx_purge(struct dtls_sock *ds);

/* ready.c */
bool dtls_ready_add(struct dtls_sock *ds, const struct dtls_plain *plain,
		    struct sk_buff *skb, u64 peer, bool front);
bool dtls_ready_unmarked(const struct dtls_plain *rec,
			 const struct msghdr *msg);
void dtls_ready_wake(struct dtls_sock *ds, unsigned int count);
struct dtls_ready *dtls_ready_find(struct dtls_sock *ds,
				   const struct msghdr *msg, bool peek,
				   int *off, int *err);
struct dtls_ready *dtls_ready_same(struct dtls_sock *ds,
				   const struct sk_buff *skb, u32 max);
void dtls_ready_put_back(struct dtls_sock *ds, struct dtls_ready *rec,
			 bool peek);
void dtls_ready_put(struct dtls_ready *rec);
int dtls_ready_len(struct dtls_sock *ds);
void dtls_ready_move(struct dtls_sock *from, struct dtls_sock *to, u64 peer,
		     const struct dtls_peer_key *key);
void dtls_ready_purge(struct dtls_sock *ds);

/* recv.c */
int dtls_recv_msg(struct sock *sk, struct msghdr *msg, size_t len, int flags,
		  int *addr_len);
__poll_t dtls_recv_poll(struct file *file, struct socket *sock,
			struct poll_table_struct *wait);
int dtls_recv_next_len(struct dtls_sock *ds);
int dtls_recv_pull(struct dtls_sock *ds);
void dtls_recv_kick(struct dtls_sock *ds);
void dtls_recv_data_ready(struct sock *sk);
void dtls_recv_replace_ready(struct dtls_sock *ds);
void dtls_recv_again(struct timer_list *timer);

/* sockopt.c */
void dtls_sockopt_take_udp(struct dtls_sock *ds);
void dtls_sockopt_return_udp(struct dtls_sock *ds);
void dtls_sockopt_gro_on(struct dtls_sock *ds);
int dtls_sockopt_install(struct dtls_sock *ds, const struct dtls_keys *tx,
			 const struct dtls_keys *rx, bool soon);
int dtls_sockopt_set(struct sock *sk, int level, int optname, sockptr_t optval,
		     unsigned int optlen);
int dtls_sockopt_get(struct sock *sk, int level, int optname,
		     char __user *optval, int __user *optlen);

#endif /* _DTLS_SOCK_H */
