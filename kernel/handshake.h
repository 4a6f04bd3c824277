/* SPDX-License-Identifier: GPL-2.0-only */
/* Handshakes that a daemon does for a program: DTLS_HANDSHAKE. */
#ifndef _DTLS_HANDSHAKE_H
#define _DTLS_HANDSHAKE_H

#include <linux/dtls.h>
#include <linux/sockptr.h>
#include <linux/uidgid.h>

#include "sock.h"

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

int dtls_handshake_barred_by(const struct dtls_upcall *up);

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
	/* pairs with dtls_handshake_prepare() */
	const struct dtls_upcall *up = smp_load_acquire(&ds->upcall);

	return likely(!up) ? 0 : dtls_handshake_barred_by(up);
}

int dtls_handshake_pass(struct dtls_sock *ds, long *timeo);
int dtls_handshake_may_key(const struct dtls_sock *ds);
__poll_t dtls_handshake_poll(struct file *file, struct socket *sock,
			     struct poll_table_struct *wait, int why);

int dtls_handshake_set(struct dtls_sock *ds, sockptr_t optval,
		       unsigned int optlen);
int dtls_handshake_identity(struct dtls_sock *ds, char __user *optval,
			    int __user *optlen);

void dtls_handshake_cancel(struct dtls_sock *ds, int err);
void dtls_handshake_close(struct dtls_sock *ds);
void dtls_handshake_free(struct dtls_sock *ds);

/* For the daemon, by netlink. */
struct file *dtls_handshake_take(struct net *net, u32 portid,
				 struct dtls_upcall_request *req);
void dtls_handshake_return(struct net *net, u32 portid, u64 id);
int dtls_handshake_done(struct net *net, u32 portid, u64 id, int status,
			struct dtls_identity **identity);
void dtls_handshake_forsake(struct net *net, u32 portid, bool all);

/* upcall.c */
bool dtls_upcall_heard(struct net *net);
int dtls_upcall_notify(struct net *net, u64 id);
int dtls_upcall_init(void);
void dtls_upcall_exit(void);

int dtls_handshake_init(void);
void dtls_handshake_exit(void);

#endif /* _DTLS_HANDSHAKE_H */
