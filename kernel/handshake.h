/* SPDX-License-Identifier: GPL-2.0-only */
/* Handshakes that a daemon does for a program: DTLS_HANDSHAKE. */
#ifndef _DTLS_HANDSHAKE_H
#define _DTLS_HANDSHAKE_H

#include <linux/dtls.h>
#include <linux/pid.h>
#include <linux/sockptr.h>
#include <linux/timer.h>
#include <linux/uidgid.h>

#include "sock.h"

struct dtls_peer;
struct file;

/**
 * struct dtls_upcall_request - what a daemon is told of a handshake
 * @id:      number of the request, unique in the network namespace
 * @timeout: ms that are left
 * @uid:     who asks
 * @ask:     what the program wants
 */
struct dtls_upcall_request {
	u64			id;
	u32			timeout;
	kuid_t			uid;
	struct dtls_handshake	ask;
};

/* IDLE: none was asked for, as nobody was there to do it. */
enum dtls_upcall_state {
	DTLS_UPCALL_IDLE,
	DTLS_UPCALL_QUEUED,
	DTLS_UPCALL_TAKEN,
	DTLS_UPCALL_OVER,
};

/**
 * struct dtls_upcall - the last handshake that was asked for on a socket
 * @list:     place in a list of the namespace, while it is QUEUED or TAKEN
 * @ds:       socket
 * @net:      lists of its namespace, whose lock protects what is below. @state and
 *            @owner are read without
 * @state:    DTLS_UPCALL_*
 * @listen:   it is one of DTLS_HANDSHAKE_LISTEN
 * @served:   that has been taken once: the program waits no more
 * @waited:   the program waits, and gets @err as its answer; otherwise it is an
 *            error of the socket
 * @err:      once it is OVER: 0 or a positive errno
 * @portid:   netlink socket that has taken it
 * @owner:    process that has taken it, or had taken the one before; a reference
 * @expires:  when its time is up, but of a @served one
 * @timer:    ends it then
 * @req:      what the daemon is told
 * @identity: of the peer, or NULL
 */
struct dtls_upcall {
	struct list_head		list;
	struct dtls_sock		*ds;
	struct dtls_handshake_net	*net;
	u8				state;
	bool				listen;
	bool				served;
	bool				waited;
	int				err;
	u32				portid;
	struct pid			*owner;
	unsigned long			expires;
	struct timer_list		timer;
	struct dtls_upcall_request	req;
	struct dtls_identity		*identity;
};

/**
 * struct dtls_handshake_net - the handshakes of a network namespace
 * @lock:   protects all of this, and the upcalls
 * @queued: those that no daemon has taken
 * @taken:  those that one has
 * @last:   number of the last request
 */
struct dtls_handshake_net {
	spinlock_t		lock;	/* see above */
	struct list_head	queued;
	struct list_head	taken;
	u64			last;
};

struct dtls_handshake_net *dtls_handshake_net_of(const struct net *net);
int dtls_handshake_barred_by(const struct dtls_upcall *up);

/**
 * dtls_handshake_of() - the socket's handshake
 * @ds: attached socket
 *
 * Context: any. Return: that, as old as the socket from then on, or NULL.
 */
static inline struct dtls_upcall *dtls_handshake_of(const struct dtls_sock *ds)
{
	/* pairs with dtls_handshake_prepare() */
	return smp_load_acquire(&ds->upcall);
}

/**
 * dtls_handshake_barred() - may this process use the bare socket
 * @ds: socket without keys
 *
 * While a daemon shakes hands the datagrams are the daemon's; and a socket that was to
 * have DTLS, and got none, does not pass bytes in the clear instead.
 *
 * Context: process.
 * Return: 0; -EINPROGRESS while it has to wait; -ENOKEY after a handshake that failed.
 */
static inline int dtls_handshake_barred(const struct dtls_sock *ds)
{
	const struct dtls_upcall *up = dtls_handshake_of(ds);

	return likely(!up) ? 0 : dtls_handshake_barred_by(up);
}

struct dtls_upcall *dtls_handshake_prepare(struct dtls_sock *ds);
int dtls_handshake_pass(struct dtls_sock *ds, long *timeo);
int dtls_handshake_may_key(const struct dtls_sock *ds);
__poll_t dtls_handshake_poll(struct file *file, struct socket *sock,
			     struct poll_table_struct *wait, int why);

int dtls_handshake_set(struct dtls_sock *ds, sockptr_t optval,
		       unsigned int optlen);
void dtls_handshake_cancel(struct dtls_sock *ds, int err);
void dtls_handshake_close(struct dtls_sock *ds);
void dtls_handshake_free(struct dtls_sock *ds);

/* For the daemon, by netlink. */
struct file *dtls_handshake_take(struct net *net, u32 portid,
				 struct dtls_upcall_request *req);
struct file *dtls_handshake_again(struct net *net, u32 portid, u64 id,
				  struct dtls_upcall_request *req);
struct dtls_upcall *dtls_handshake_find(struct dtls_handshake_net *hn,
					u32 portid, u64 id);
void dtls_handshake_told(struct net *net, u32 portid, u64 id);
void dtls_handshake_return(struct net *net, u32 portid, u64 id);
int dtls_handshake_done(struct net *net, u32 portid, u64 id, int status,
			struct dtls_identity **identity);
void dtls_handshake_forsake(struct net *net, u32 portid, bool all);

/* identity.c */
int dtls_identity_tell(const struct dtls_identity *id, int len,
		       char __user *optval, int off, int room,
		       int __user *optlen);
int dtls_identity_get(struct dtls_sock *ds, char __user *optval,
		      int __user *optlen);
void dtls_identity_move(struct dtls_sock *ds, struct dtls_peer *peer);

/* upcall.c */
bool dtls_upcall_heard(struct net *net);
int dtls_upcall_notify(struct net *net, u64 id);
int dtls_upcall_init(void);
void dtls_upcall_exit(void);

int dtls_handshake_init(void);
void dtls_handshake_exit(void);

#endif /* _DTLS_HANDSHAKE_H */
