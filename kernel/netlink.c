// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generic netlink family "dtls" (Documentation/netlink/specs/dtls.yaml): which socket
 * a request is about, and whether who asks may; attach; counters; events. What it
 * shows is in nlget.c, what it changes in nlset.c.
 */
#include <linux/file.h>
#include <linux/in.h>
#include <linux/module.h>
#include <linux/sock_diag.h>
#include <linux/wait_bit.h>
#include <net/genetlink.h>

#include "netlink.h"
#include "netlink-gen.h"
#include "peer.h"
#include "sock.h"
#include "stats.h"

/* Nothing is attached before the module is whole. */
static bool dtls_netlink_ready;

static struct dtls_net *dtls_netlink_net(const struct net *net)
{
	return net_generic(net, dtls_net_id);
}

/**
 * dtls_netlink_list() - have a socket found
 * @ds: socket that is about to be attached; caller holds its lock
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM.
 */
int dtls_netlink_list(struct dtls_sock *ds)
{
	struct dtls_net *dn = dtls_netlink_net(sock_net(ds->sk));
	u32 cookie[2];
	int err;

	/* gives it one, if it has none */
	sock_diag_save_cookie(ds->sk, cookie);
	err = xa_insert_bh(&dn->socks, dtls_sock_cookie(ds), ds,
			   GFP_KERNEL_ACCOUNT);
	if (!err)
		atomic_inc(&dn->gen);
	return err;
}

/**
 * dtls_netlink_unlist() - a socket is found no more
 * @ds: socket
 *
 * Context: any.
 */
void dtls_netlink_unlist(struct dtls_sock *ds)
{
	struct dtls_net *dn = dtls_netlink_net(sock_net(ds->sk));

	xa_lock_bh(&dn->socks);
	if (xa_load(&dn->socks, dtls_sock_cookie(ds)) == ds) {
		__xa_erase(&dn->socks, dtls_sock_cookie(ds));
		atomic_inc(&dn->gen);
	}
	xa_unlock_bh(&dn->socks);
}

/**
 * dtls_netlink_closed() - wait for those who have found a socket
 * @ds: socket that is found no more
 *
 * None of them waits for anything that takes long.
 *
 * Context: process, may sleep.
 */
void dtls_netlink_closed(struct dtls_sock *ds)
{
	wait_var_event(&ds->visitors, !atomic_read(&ds->visitors));
}

/**
 * dtls_netlink_changed() - peers of a socket have come or gone
 * @ds: socket
 *
 * Context: any.
 */
void dtls_netlink_changed(const struct dtls_sock *ds)
{
	atomic_inc(&dtls_netlink_net(sock_net(ds->sk))->gen);
}

/* Hold what was found; called with the lock of the list. */
static bool dtls_netlink_visit(struct dtls_sock *ds, struct dtls_netlink_ref *ref)
{
	struct sock *sk = ds->sk;

	/* not yet attached, or not any more */
	if (!dtls_sock_attached(sk) || !refcount_inc_not_zero(&sk->sk_refcnt))
		return false;
	atomic_inc(&ds->visitors);
	ref->sk = sk;
	ref->sock = NULL;
	ref->ds = dtls_sk(sk);
	return true;
}

/**
 * dtls_netlink_get_next() - find a socket
 * @net:    network namespace
 * @cookie: the first one with this cookie or a higher one is wanted
 * @ref:    set to it
 *
 * Context: process. Return: false if there is none; else dtls_netlink_put() ends it.
 */
bool dtls_netlink_get_next(struct net *net, u64 cookie,
			   struct dtls_netlink_ref *ref)
{
	struct dtls_net *dn = dtls_netlink_net(net);
	unsigned long index = cookie;
	struct dtls_sock *ds;
	bool found = false;

	xa_lock_bh(&dn->socks);
	xa_for_each_start(&dn->socks, index, ds, cookie) {
		found = dtls_netlink_visit(ds, ref);
		if (found)
			break;
	}
	xa_unlock_bh(&dn->socks);
	return found;
}

/**
 * dtls_netlink_get_cookie() - find a socket
 * @net:    network namespace
 * @cookie: the socket's
 * @ref:    set to it
 *
 * Context: process. Return: false if there is none; else dtls_netlink_put() ends it.
 */
bool dtls_netlink_get_cookie(struct net *net, u64 cookie,
			     struct dtls_netlink_ref *ref)
{
	struct dtls_net *dn = dtls_netlink_net(net);
	struct dtls_sock *ds;
	bool found;

	xa_lock_bh(&dn->socks);
	ds = xa_load(&dn->socks, cookie);
	found = ds && dtls_sock_cookie(ds) == cookie && dtls_netlink_visit(ds, ref);
	xa_unlock_bh(&dn->socks);
	return found;
}

/**
 * dtls_netlink_put() - give back a socket
 * @ref: it
 *
 * Context: process.
 */
void dtls_netlink_put(struct dtls_netlink_ref *ref)
{
	if (ref->sock) {
		sockfd_put(ref->sock);
		return;
	}
	if (atomic_dec_and_test(&ref->ds->visitors))
		wake_up_var(&ref->ds->visitors);
	sock_put(ref->sk);
}

/**
 * dtls_netlink_fd() - the socket that a file descriptor of the caller is
 * @skb:    request
 * @attr:   its attribute
 * @extack: told what is wrong
 *
 * Whoever has made the netlink socket could have some other program, with more
 * rights, write to it: so the two have to be of one user.
 *
 * Context: process, that of the request.
 * Return: socket with a reference to its file, or an errno.
 */
struct socket *dtls_netlink_fd(struct sk_buff *skb, const struct nlattr *attr,
			       struct netlink_ext_ack *extack)
{
	const struct file *file = NETLINK_CB(skb).sk->sk_socket->file;
	struct socket *sock;
	int err;

	if (!file || !uid_eq(file->f_cred->euid, current_euid())) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "the netlink socket was opened by another user");
		return ERR_PTR(-EPERM);
	}
	sock = sockfd_lookup(nla_get_s32(attr), &err);
	if (!sock) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "not a file descriptor of a socket");
		return ERR_PTR(err);
	}
	return sock;
}

/**
 * dtls_netlink_get() - which socket is a request about
 * @skb:    request
 * @attrs:  its attributes
 * @extack: told what is wrong
 * @ref:    set to the socket
 *
 * Context: process, that of the request.
 * Return: 0, and dtls_netlink_put() ends it; -EINVAL; -EBADF; -ENOTSOCK; -EPERM;
 * -ENOPROTOOPT if it is not attached; -ENOENT.
 */
int dtls_netlink_get(struct sk_buff *skb, struct nlattr **attrs,
		     struct netlink_ext_ack *extack,
		     struct dtls_netlink_ref *ref)
{
	const struct nlattr *fd = attrs[DTLS_A_FD], *cookie = attrs[DTLS_A_COOKIE];
	struct socket *sock;

	if (!fd == !cookie) {
		NL_SET_ERR_MSG(extack, "either fd or cookie has to name a socket");
		return -EINVAL;
	}
	if (cookie) {
		if (!netlink_net_capable(skb, CAP_NET_ADMIN)) {
			NL_SET_ERR_MSG_ATTR(extack, cookie,
					    "a socket by cookie is for CAP_NET_ADMIN");
			return -EPERM;
		}
		if (dtls_netlink_get_cookie(sock_net(skb->sk),
					    nla_get_u64(cookie), ref))
			return 0;
		NL_SET_ERR_MSG_ATTR(extack, cookie,
				    "no attached socket with this cookie");
		return -ENOENT;
	}
	sock = dtls_netlink_fd(skb, fd, extack);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	if (!dtls_sock_attached(sock->sk)) {
		NL_SET_ERR_MSG_ATTR(extack, fd, "the socket is not attached");
		sockfd_put(sock);
		return -ENOPROTOOPT;
	}
	ref->sk = sock->sk;
	ref->sock = sock;
	ref->ds = dtls_sk(sock->sk);
	return 0;
}

/**
 * dtls_netlink_address() - the address of a peer
 * @sk:     socket
 * @attr:   attribute
 * @key:    filled
 * @extack: told what is wrong
 *
 * Context: any. Return: as dtls_peer_parse().
 */
int dtls_netlink_address(const struct sock *sk, const struct nlattr *attr,
			 struct dtls_peer_key *key,
			 struct netlink_ext_ack *extack)
{
	struct __kernel_sockaddr_storage addr = {};
	unsigned int len = nla_len(attr);
	int err;

	if (len != sizeof(struct sockaddr_in) && len != sizeof(struct sockaddr_in6)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "neither a sockaddr_in nor a sockaddr_in6");
		return -EINVAL;
	}
	memcpy(&addr, nla_data(attr), len);
	err = dtls_peer_parse(sk, &addr, len, key);
	if (err == -EAFNOSUPPORT)
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "address is not of the socket's family");
	else if (err)
		NL_SET_ERR_MSG_ATTR(extack, attr, "no peer has such an address");
	return err;
}

/**
 * dtls_netlink_peer() - which peer is a request about
 * @ref:    socket
 * @attrs:  attributes of the request
 * @extack: told what is wrong
 *
 * Context: process.
 * Return: its association with a reference; -EINVAL; -ENOENT; or as
 * dtls_peer_parse().
 */
struct dtls_assoc *dtls_netlink_peer(const struct dtls_netlink_ref *ref,
				     struct nlattr **attrs,
				     struct netlink_ext_ack *extack)
{
	const struct nlattr *id = attrs[DTLS_A_PEER_ID], *by = id;
	struct dtls_peers *peers = dtls_sock_peers(ref->ds);
	struct dtls_assoc *assoc = NULL;
	struct dtls_peer_key key;
	int err;

	if (!by)
		by = attrs[DTLS_A_ADDRESS];
	if (!by) {
		NL_SET_ERR_MSG(extack, "either peer-id or address has to name a peer");
		return ERR_PTR(-EINVAL);
	}
	if (!id) {
		err = dtls_netlink_address(ref->sk, by, &key, extack);
		if (err)
			return ERR_PTR(err);
	}
	if (peers && id)
		assoc = dtls_peer_find_id(peers, nla_get_u64(id), false);
	else if (peers)
		assoc = dtls_peer_find(peers, &key);
	if (!assoc) {
		NL_SET_ERR_MSG_ATTR(extack, by, "the socket has no such peer");
		return ERR_PTR(-ENOENT);
	}
	return assoc;
}

/**
 * dtls_nl_attach_doit() - attach a socket
 * @skb:  request
 * @info: its attributes
 *
 * Context: process, that of the request. Return: 0 or a negative errno.
 */
int dtls_nl_attach_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	struct socket *sock;
	void *hdr;
	int err;

	if (!info->attrs[DTLS_A_FD]) {
		GENL_SET_ERR_MSG(info, "fd has to name a socket");
		return -EINVAL;
	}
	/* the module may be on its way out, or not all there */
	if (!READ_ONCE(dtls_netlink_ready) || !try_module_get(THIS_MODULE))
		return -ENODEV;
	sock = dtls_netlink_fd(skb, info->attrs[DTLS_A_FD], info->extack);
	err = PTR_ERR_OR_ZERO(sock);
	if (err)
		goto out_module;
	err = -ENOMEM;
	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply)
		goto out_sock;
	err = dtls_sock_attach(sock->sk, true);
	if (err == -EEXIST)
		GENL_SET_ERR_MSG(info, "the socket is attached already");
	else if (err == -EOPNOTSUPP)
		GENL_SET_ERR_MSG(info, "not a UDP socket");
	else if (err == -EBUSY)
		GENL_SET_ERR_MSG(info, "somebody else has the socket in use");
	if (err)
		goto out_reply;
	hdr = genlmsg_put_reply(reply, info, &dtls_nl_family, 0, DTLS_CMD_ATTACH);
	/* there is room */
	nla_put_u64_64bit(reply, DTLS_A_COOKIE, dtls_sock_cookie(dtls_sk(sock->sk)), DTLS_A_PAD);
	genlmsg_end(reply, hdr);
	err = genlmsg_reply(reply, info);
	reply = NULL;
out_reply:
	nlmsg_free(reply);
out_sock:
	sockfd_put(sock);
out_module:
	module_put(THIS_MODULE);
	return err;
}

/**
 * dtls_nl_stats_get_doit() - the counters of the network namespace
 * @skb:  request
 * @info: its attributes: none
 *
 * Context: process. Return: 0 or a negative errno.
 */
int dtls_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct net *net = genl_info_net(info);
	struct sk_buff *reply;
	struct nlattr *nest;
	unsigned int i;
	void *hdr;

	reply = genlmsg_new(DTLS_STAT_COUNT * nla_total_size(nla_total_size(32) +
							     2 * nla_total_size(8)),
			    GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	hdr = genlmsg_put_reply(reply, info, &dtls_nl_family, 0,
				DTLS_CMD_STATS_GET);
	if (!hdr)
		goto out;
	for (i = 0; i < DTLS_STAT_COUNT; i++) {
		nest = nla_nest_start(reply, DTLS_A_STAT);
		if (!nest ||
		    nla_put_string(reply, DTLS_A_STAT_NAME, dtls_stats_name(i)) ||
		    nla_put_u64_64bit(reply, DTLS_A_STAT_VALUE,
				      dtls_stats_sum(net, i), DTLS_A_STAT_PAD))
			goto out;
		nla_nest_end(reply, nest);
	}
	genlmsg_end(reply, hdr);
	return genlmsg_reply(reply, info);
out:
	nlmsg_free(reply);
	return -EMSGSIZE;
}

static bool dtls_netlink_heard(struct net *net)
{
	return genl_has_listeners(&dtls_nl_family, net, DTLS_NLGRP_EVENTS);
}

static void dtls_netlink_tell(const struct dtls_sock *ds, u64 peer,
			      const struct dtls_peer_key *key, u32 event,
			      u8 code, u32 epoch, u32 data)
{
	struct net *net = sock_net(ds->sk);
	struct __kernel_sockaddr_storage name;
	struct sk_buff *skb;
	void *hdr;

	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return;
	hdr = genlmsg_put(skb, 0, 0, &dtls_nl_family, 0, DTLS_CMD_EVENT_NTF);
	if (!hdr ||
	    nla_put_u64_64bit(skb, DTLS_A_COOKIE, dtls_sock_cookie(ds), DTLS_A_PAD) ||
	    (peer && nla_put_u64_64bit(skb, DTLS_A_PEER_ID, peer, DTLS_A_PAD)) ||
	    (key && nla_put(skb, DTLS_A_ADDRESS,
			    dtls_peer_name(ds->sk, key, &name), &name)) ||
	    nla_put_u32(skb, DTLS_A_EVENT, event) ||
	    nla_put_u8(skb, DTLS_A_EVENT_CODE, code) ||
	    nla_put_u32(skb, DTLS_A_EVENT_EPOCH, epoch) ||
	    nla_put_u32(skb, DTLS_A_EVENT_DATA, data)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast_netns(&dtls_nl_family, net, skb, 0, DTLS_NLGRP_EVENTS,
				GFP_KERNEL);
}

/**
 * dtls_netlink_event() - tell those who listen that something has happened
 * @assoc: association that it is about
 * @event: one DTLS_EVENT_* bit
 * @code:  see uapi/linux/dtls.h, likewise the next two
 * @epoch: epoch
 * @data:  data
 * @key:   address; NULL: that of the peer, if it is one
 *
 * Context: process, may sleep.
 */
void dtls_netlink_event(struct dtls_assoc *assoc, u32 event, u8 code,
			u32 epoch, u32 data, const struct dtls_peer_key *key)
{
	struct dtls_peer_key where;

	if (likely(!dtls_netlink_heard(assoc->net)))
		return;
	if (!key && assoc->peer) {
		dtls_peer_where(assoc, &where);
		key = &where;
	}
	dtls_netlink_tell(assoc->ds, dtls_peer_id(assoc), key, event, code, epoch,
			  data);
}

/**
 * dtls_netlink_gone() - tell those who listen that a socket is closed
 * @ds: socket that has spoken DTLS
 *
 * Context: process, may sleep.
 */
void dtls_netlink_gone(const struct dtls_sock *ds)
{
	if (dtls_netlink_heard(sock_net(ds->sk)))
		dtls_netlink_tell(ds, 0, NULL, DTLS_EVENT_REMOVED, 0, 0, 0);
}

/**
 * dtls_netlink_init() - register the family
 *
 * Context: process, module init. Return: 0 or a negative errno.
 */
int dtls_netlink_init(void)
{
	return genl_register_family(&dtls_nl_family);
}

/**
 * dtls_netlink_open() - the module is whole: sockets may be attached
 *
 * Context: process, the end of module init.
 */
void dtls_netlink_open(void)
{
	WRITE_ONCE(dtls_netlink_ready, true);
}

/**
 * dtls_netlink_exit() - undo dtls_netlink_init()
 *
 * Context: process, module exit. No request is under way afterwards.
 */
void dtls_netlink_exit(void)
{
	genl_unregister_family(&dtls_nl_family);
}
