/* SPDX-License-Identifier: GPL-2.0-only */
/* Generic netlink family "dtls"; its policy is in netlink-gen.h. */
#ifndef _DTLS_NETLINK_H
#define _DTLS_NETLINK_H

#include <linux/netlink.h>
#include <linux/types.h>
#include <uapi/linux/dtls_netlink.h>

struct dtls_assoc;
struct dtls_peer_key;
struct dtls_sock;
struct net;
struct nlattr;
struct sk_buff;
struct sock;
struct socket;

/**
 * struct dtls_netlink_ref - a socket that a request names
 * @sk:   it
 * @sock: its file's part, held; or NULL if it was found by cookie: then whoever
 *        closes it waits for dtls_netlink_put()
 * @ds:   what is attached to it
 */
struct dtls_netlink_ref {
	struct sock		*sk;
	struct socket		*sock;
	struct dtls_sock	*ds;
};

int dtls_netlink_list(struct dtls_sock *ds);
void dtls_netlink_unlist(struct dtls_sock *ds);
void dtls_netlink_closed(struct dtls_sock *ds);
void dtls_netlink_changed(const struct dtls_sock *ds);

struct socket *dtls_netlink_fd(struct sk_buff *skb, const struct nlattr *attr,
			       struct netlink_ext_ack *extack);
int dtls_netlink_get(struct sk_buff *skb, struct nlattr **attrs,
		     struct netlink_ext_ack *extack,
		     struct dtls_netlink_ref *ref);
bool dtls_netlink_get_next(struct net *net, u64 cookie,
			   struct dtls_netlink_ref *ref);
bool dtls_netlink_get_cookie(struct net *net, u64 cookie,
			     struct dtls_netlink_ref *ref);
void dtls_netlink_put(struct dtls_netlink_ref *ref);
struct dtls_assoc *dtls_netlink_peer(const struct dtls_netlink_ref *ref,
				     struct nlattr **attrs,
				     struct netlink_ext_ack *extack);
int dtls_netlink_address(const struct sock *sk, const struct nlattr *attr,
			 struct dtls_peer_key *key,
			 struct netlink_ext_ack *extack);

void dtls_netlink_event(struct dtls_assoc *assoc, u32 event, u8 code,
			u32 epoch, u32 data, const struct dtls_peer_key *key);
void dtls_netlink_gone(const struct dtls_sock *ds);

int dtls_netlink_init(void);
void dtls_netlink_open(void);
void dtls_netlink_exit(void);

#endif /* _DTLS_NETLINK_H */
