// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handshakes, as a daemon sees them: what of generic netlink family "dtls" is about
 * them.
 */
#include <linux/file.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/udp.h>
#include <net/genetlink.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "handshake.h"
#include "listen.h"
#include "netlink.h"
#include "netlink-gen.h"
#include "peer.h"
#include "run.h"

/* Below what the kernel uses inside, ERESTARTSYS and the like. */
#define DTLS_UPCALL_STATUS_MAX	511

/* A reply to accept: two names, and numbers. */
#define DTLS_UPCALL_REPLY	(NLMSG_GOODSIZE)

/**
 * dtls_upcall_heard() - is there a daemon
 * @net: network namespace
 *
 * Context: any. Return: true if somebody listens to what dtls_upcall_notify() says.
 */
bool dtls_upcall_heard(struct net *net)
{
	return genl_has_listeners(&dtls_nl_family, net, DTLS_NLGRP_HANDSHAKE) > 0;
}

/**
 * dtls_upcall_notify() - tell daemons of a request
 * @net: network namespace
 * @id:  number of the request
 *
 * Context: process, may sleep.
 * Return: 0; -ESRCH if nobody listens; -ENOMEM.
 */
int dtls_upcall_notify(struct net *net, u64 id)
{
	struct sk_buff *skb;
	void *head;
	int err;

	skb = genlmsg_new(nla_total_size_64bit(sizeof(id)), GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	head = genlmsg_put(skb, 0, 0, &dtls_nl_family, 0,
			   DTLS_CMD_HANDSHAKE_NTF);
	if (!head || nla_put_u64_64bit(skb, DTLS_A_HANDSHAKE_ID, id,
				       DTLS_A_HANDSHAKE_PAD)) {
		nlmsg_free(skb);
		return -ENOMEM;
	}
	genlmsg_end(skb, head);
	err = genlmsg_multicast_netns(&dtls_nl_family, net, skb, 0,
				      DTLS_NLGRP_HANDSHAKE, GFP_KERNEL);
	/* who has missed it asks for more until there is none */
	return err == -ENOBUFS ? 0 : err;
}

static int dtls_upcall_fill(struct sk_buff *skb, struct genl_info *info,
			    struct user_namespace *ns, int fd,
			    const struct dtls_upcall_request *req)
{
	const struct dtls_handshake *ask = &req->ask;
	void *head;

	head = genlmsg_put_reply(skb, info, &dtls_nl_family, 0, info->genlhdr->cmd);
	if (!head ||
	    nla_put_u64_64bit(skb, DTLS_A_HANDSHAKE_ID, req->id,
			      DTLS_A_HANDSHAKE_PAD) ||
	    nla_put_s32(skb, DTLS_A_HANDSHAKE_FD, fd) ||
	    nla_put_u32(skb, DTLS_A_HANDSHAKE_ROLE, ask->role) ||
	    nla_put_u32(skb, DTLS_A_HANDSHAKE_TIMEOUT, req->timeout) ||
	    nla_put_u32(skb, DTLS_A_HANDSHAKE_UID,
			from_kuid_munged(ns, req->uid)) ||
	    (*ask->server_name &&
	     nla_put_string(skb, DTLS_A_HANDSHAKE_SERVER_NAME,
			    ask->server_name)) ||
	    (*ask->credential &&
	     nla_put_string(skb, DTLS_A_HANDSHAKE_CREDENTIAL, ask->credential)))
		return -EMSGSIZE;
	genlmsg_end(skb, head);
	return 0;
}

/**
 * dtls_nl_handshake_accept_doit() - a daemon takes a request, and a descriptor
 * @skb:  message
 * @info: what is in it
 *
 * Context: process, of the daemon, with CAP_NET_ADMIN in the network namespace.
 * Return: 0; -EAGAIN if there is no request; -ENOENT if it is not one that this netlink
 * socket has taken; or another negative errno.
 */
int dtls_nl_handshake_accept_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct net *net = genl_info_net(info);
	struct dtls_upcall_request *req;
	struct sk_buff *reply;
	struct file *file;
	struct nlattr *id = info->attrs[DTLS_A_HANDSHAKE_ID];
	int fd, err;

	/* all that can be had before, so that little can go wrong afterwards */
	req = kmalloc(sizeof(*req), GFP_KERNEL);
	reply = genlmsg_new(DTLS_UPCALL_REPLY, GFP_KERNEL);
	if (!req || !reply) {
		err = -ENOMEM;
		goto out;
	}
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		err = fd;
		goto out;
	}
	if (id)
		file = dtls_handshake_again(net, info->snd_portid,
					    nla_get_u64(id), req);
	else
		file = dtls_handshake_take(net, info->snd_portid, req);
	if (!file) {
		err = id ? -ENOENT : -EAGAIN;
		goto out_fd;
	}
	err = dtls_upcall_fill(reply, info, sk_user_ns(NETLINK_CB(skb).sk), fd,
			       req);
	if (!err) {
		err = genlmsg_reply(reply, info);
		reply = NULL;
	}
	if (err) {
		if (!id)
			dtls_handshake_return(net, info->snd_portid, req->id);
		fput(file);
		goto out_fd;
	}
	fd_install(fd, file);
	dtls_handshake_told(net, info->snd_portid, req->id);
	goto out;

out_fd:
	put_unused_fd(fd);
out:
	nlmsg_free(reply);
	kfree(req);
	return err;
}

/* Add a string. Return: false if it is not one, or too long. */
static bool dtls_upcall_text(struct dtls_identity *id, const struct nlattr *attr)
{
	int len = attr ? nla_len(attr) : 1;

	if (sizeof(*id) + id->len + len > DTLS_IDENTITY_MAX)
		return false;
	/* a 0 within would make one name look like another */
	if (attr && strnlen(nla_data(attr), len) != len - 1)
		return false;
	if (attr)
		memcpy((char *)(id + 1) + id->len, nla_data(attr), len);
	else
		((char *)(id + 1))[id->len] = 0;
	id->len += len;
	return true;
}

/* Whom the daemon has met. Return: NULL if that is not told well. */
static struct dtls_identity *dtls_upcall_identity(struct genl_info *info)
{
	struct nlattr **attrs = info->attrs, *attr;
	struct dtls_identity *id;
	int rest;

	id = kzalloc(DTLS_IDENTITY_MAX, GFP_KERNEL_ACCOUNT);
	if (!id)
		return ERR_PTR(-ENOMEM);
	id->size = sizeof(*id);
	id->version = nla_get_u16(attrs[DTLS_A_HANDSHAKE_VERSION]);
	id->cipher_suite = nla_get_u16(attrs[DTLS_A_HANDSHAKE_CIPHER_SUITE]);
	id->kind = nla_get_u32(attrs[DTLS_A_HANDSHAKE_KIND]);
	if (attrs[DTLS_A_HANDSHAKE_RESUMED])
		id->flags |= DTLS_IDENTITY_RESUMED;
	if (!dtls_upcall_text(id, attrs[DTLS_A_HANDSHAKE_ALPN]) ||
	    !dtls_upcall_text(id, attrs[DTLS_A_HANDSHAKE_IDENTITY]))
		goto bad;
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rest)
		if (nla_type(attr) == DTLS_A_HANDSHAKE_SAN &&
		    !dtls_upcall_text(id, attr))
			goto bad;
	return id;
bad:
	kfree(id);
	return ERR_PTR(-EINVAL);
}

/* Who a peer of a listening socket is: there may be many, so no more than it takes. */
static int dtls_upcall_met(struct genl_info *info,
			   struct dtls_identity **identity)
{
	struct dtls_identity *fit;

	fit = kmemdup(*identity, sizeof(*fit) + (*identity)->len,
		      GFP_KERNEL_ACCOUNT);
	if (!fit)
		return -ENOMEM;
	kfree(*identity);
	*identity = fit;
	return dtls_listen_met(genl_info_net(info), info->snd_portid,
			       nla_get_u64(info->attrs[DTLS_A_HANDSHAKE_ID]),
			       nla_get_u64(info->attrs[DTLS_A_HANDSHAKE_PEER_ID]),
			       identity);
}

/**
 * dtls_nl_handshake_done_doit() - a daemon is done with a request
 * @skb:  message
 * @info: what is in it
 *
 * Context: process, with CAP_NET_ADMIN in the network namespace.
 * Return: 0 or a negative errno, as dtls_handshake_done().
 */
int dtls_nl_handshake_done_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dtls_identity *identity = NULL;
	struct nlattr *peer = info->attrs[DTLS_A_HANDSHAKE_PEER_ID];
	u32 status;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, DTLS_A_HANDSHAKE_ID) ||
	    GENL_REQ_ATTR_CHECK(info, DTLS_A_HANDSHAKE_STATUS))
		return -EINVAL;
	status = nla_get_u32(info->attrs[DTLS_A_HANDSHAKE_STATUS]);
	if (peer && status) {
		NL_SET_ERR_MSG_ATTR(info->extack, peer,
				    "a peer that is there has not failed");
		return -EINVAL;
	}
	if (status > DTLS_UPCALL_STATUS_MAX) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[DTLS_A_HANDSHAKE_STATUS],
				    "not an errno");
		return -EINVAL;
	}
	if (!status) {
		if (GENL_REQ_ATTR_CHECK(info, DTLS_A_HANDSHAKE_VERSION) ||
		    GENL_REQ_ATTR_CHECK(info, DTLS_A_HANDSHAKE_CIPHER_SUITE) ||
		    GENL_REQ_ATTR_CHECK(info, DTLS_A_HANDSHAKE_KIND))
			return -EINVAL;
		identity = dtls_upcall_identity(info);
		if (IS_ERR(identity)) {
			NL_SET_ERR_MSG(info->extack,
				       "names too long, or with a 0 in them");
			return PTR_ERR(identity);
		}
	}
	if (peer)
		err = dtls_upcall_met(info, &identity);
	else
		err = dtls_handshake_done(genl_info_net(info), info->snd_portid,
					  nla_get_u64(info->attrs[DTLS_A_HANDSHAKE_ID]),
					  status, &identity);
	if (err == -ENOENT)
		NL_SET_ERR_MSG(info->extack,
			       "no such handshake, or it is over");
	else if (err == -ENOKEY)
		NL_SET_ERR_MSG(info->extack, "the socket has no keys");
	kfree(identity);
	return err;
}

/* An address that a daemon gives. Return: 0, or a negative errno. */
static int dtls_upcall_address(const struct sock *sk, const struct nlattr *attr,
			       struct dtls_peer_key *key)
{
	struct __kernel_sockaddr_storage ss = {};
	int len = nla_len(attr);

	if (len > (int)sizeof(ss))
		return -EINVAL;
	memcpy(&ss, nla_data(attr), len);
	return dtls_peer_parse(sk, &ss, len, key);
}

/**
 * dtls_nl_handshake_datagram_doit() - a daemon gives back what was a peer's
 * @skb:  message
 * @info: what is in it
 *
 * Context: process, with CAP_NET_ADMIN in the network namespace.
 * Return: 0 or a negative errno, as dtls_listen_give(); -ENOENT if this netlink socket
 * has not taken such a request, or it is over.
 */
int dtls_nl_handshake_datagram_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs, *data;
	struct dtls_peer_key from, to = {};
	struct dtls_sock *ds;
	struct file *file;
	struct sock *sk;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, DTLS_A_HANDSHAKE_ID) ||
	    GENL_REQ_ATTR_CHECK(info, DTLS_A_HANDSHAKE_ADDRESS) ||
	    GENL_REQ_ATTR_CHECK(info, DTLS_A_HANDSHAKE_DATA))
		return -EINVAL;
	data = attrs[DTLS_A_HANDSHAKE_DATA];
	file = dtls_handshake_again(genl_info_net(info), info->snd_portid,
				    nla_get_u64(attrs[DTLS_A_HANDSHAKE_ID]),
				    NULL);
	if (!file)
		return -ENOENT;
	sk = sock_from_file(file)->sk;
	ds = dtls_sk(sk);
	err = ds->listen ? 0 : -EINVAL;
	if (!err)
		err = dtls_upcall_address(sk, attrs[DTLS_A_HANDSHAKE_ADDRESS],
					  &from);
	if (!err && attrs[DTLS_A_HANDSHAKE_LOCAL])
		err = dtls_upcall_address(sk, attrs[DTLS_A_HANDSHAKE_LOCAL],
					  &to);
	if (!err)
		err = dtls_listen_give(ds, &from, &to, nla_data(data),
				       nla_len(data));
	fput(file);
	return err;
}

/* The address that a datagram was sent to. */
static void dtls_upcall_local(const struct sk_buff *skb,
			      struct dtls_peer_key *key)
{
	/* of a link-local source the interface is that of both */
	dtls_peer_source(skb, key);
	key->port = udp_hdr(skb)->dest;
	if (skb->protocol == htons(ETH_P_IPV6))
		key->addr = ipv6_hdr(skb)->daddr;
	else
		ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, &key->addr);
}

/* Fill in a datagram. Return: false if there is no room, or it cannot be read. */
static bool dtls_upcall_fill_datagram(struct sk_buff *skb,
				      const struct dtls_sock *ds, u64 id,
				      struct dtls_run *run, u32 off, u32 len)
{
	struct __kernel_sockaddr_storage name;
	struct dtls_peer_key key;
	struct nlattr *attr;
	const u8 *from;
	void *head;

	head = genlmsg_put(skb, 0, 0, &dtls_nl_family, 0,
			   DTLS_CMD_HANDSHAKE_DATAGRAM_NTF);
	if (!head || nla_put_u64_64bit(skb, DTLS_A_HANDSHAKE_ID, id,
				       DTLS_A_HANDSHAKE_PAD))
		return false;
	dtls_peer_source(run->skb, &key);
	if (nla_put(skb, DTLS_A_HANDSHAKE_ADDRESS,
		    dtls_peer_name(ds->sk, &key, &name), &name))
		return false;
	dtls_upcall_local(run->skb, &key);
	if (nla_put(skb, DTLS_A_HANDSHAKE_LOCAL,
		    dtls_peer_name(ds->sk, &key, &name), &name))
		return false;
	attr = nla_reserve(skb, DTLS_A_HANDSHAKE_DATA, len);
	if (!attr)
		return false;
	from = dtls_run_bytes(run, off, nla_data(attr), len);
	if (!from)
		return false;
	if (from != nla_data(attr))
		memcpy(nla_data(attr), from, len);
	genlmsg_end(skb, head);
	return true;
}

/**
 * dtls_upcall_datagram() - give a datagram to the daemon that listens
 * @ds:     socket
 * @portid: the daemon's netlink socket
 * @id:     number of the request
 * @run:    what is in hand
 * @off:    where in it the datagram begins
 * @len:    bytes of that
 *
 * Context: process, may sleep; but not until there is room.
 * Return: false if it is lost: no memory, or a full queue.
 */
bool dtls_upcall_datagram(const struct dtls_sock *ds, u32 portid, u64 id,
			  struct dtls_run *run, u32 off, u32 len)
{
	struct sk_buff *skb;

	skb = genlmsg_new(nla_total_size_64bit(sizeof(id)) +
			  2 * nla_total_size(sizeof(struct sockaddr_in6)) +
			  nla_total_size(len), GFP_KERNEL | __GFP_NOWARN);
	if (!skb)
		return false;
	if (!dtls_upcall_fill_datagram(skb, ds, id, run, off, len)) {
		nlmsg_free(skb);
		return false;
	}
	return !genlmsg_unicast(sock_net(ds->sk), skb, portid);
}

/* A netlink socket is gone, maybe a daemon's. */
static int dtls_upcall_released(struct notifier_block *nb, unsigned long what,
				void *data)
{
	struct netlink_notify *n = data;

	if (what == NETLINK_URELEASE && n->protocol == NETLINK_GENERIC)
		dtls_handshake_forsake(n->net, n->portid,
				       !dtls_upcall_heard(n->net));
	return NOTIFY_DONE;
}

static struct notifier_block dtls_upcall_notifier = {
	.notifier_call = dtls_upcall_released,
};

/**
 * dtls_upcall_init() - learn of daemons that die
 *
 * Context: process, module init, after the family is registered.
 * Return: 0 or a negative errno.
 */
int dtls_upcall_init(void)
{
	return netlink_register_notifier(&dtls_upcall_notifier);
}

/**
 * dtls_upcall_exit() - undo dtls_upcall_init()
 *
 * Context: process, module exit; no attached socket is left.
 */
void dtls_upcall_exit(void)
{
	netlink_unregister_notifier(&dtls_upcall_notifier);
}
