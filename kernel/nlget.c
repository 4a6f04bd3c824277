// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generic netlink: what sockets, and peers, there are, and how they are. A key has no
 * attribute here.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>

#include "compat.h"
#include "netlink.h"
#include "netlink-gen.h"
#include "peer.h"
#include "sock.h"
#include "stats.h"

/* Where a dump goes on: by numbers, as what it has shown may be gone. */
struct dtls_nlget_cursor {
	bool	begun;
	bool	one;	/* only the socket with @cookie */
	u64	cookie;
	u64	peer;	/* the last one shown of it */
};

static int dtls_nlget_direction(struct sk_buff *skb, int attr,
				struct dtls_assoc *assoc)
{
	bool rx = attr == DTLS_A_RX;
	struct dtls_keys keys;
	struct nlattr *nest;

	if (dtls_keys_read(assoc, rx, false, &keys))
		return 0;
	nest = nla_nest_start(skb, attr);
	if (!nest ||
	    nla_put_u16(skb, DTLS_A_DIRECTION_CIPHER_SUITE, keys.cipher_suite) ||
	    nla_put_u32(skb, DTLS_A_DIRECTION_EPOCH, keys.epoch) ||
	    nla_put_u64_64bit(skb, DTLS_A_DIRECTION_SEQ, keys.seq,
			      DTLS_A_DIRECTION_PAD) ||
	    (keys.cid_len && nla_put(skb, DTLS_A_DIRECTION_CID, keys.cid_len,
				     keys.cid)) ||
	    (rx && nla_put_u32(skb, DTLS_A_DIRECTION_WINDOW, keys.window)) ||
	    nla_put_u64_64bit(skb, DTLS_A_DIRECTION_RECORDS, keys.records,
			      DTLS_A_DIRECTION_PAD) ||
	    nla_put_u64_64bit(skb, DTLS_A_DIRECTION_BYTES, keys.bytes,
			      DTLS_A_DIRECTION_PAD) ||
	    (rx && nla_put_u64_64bit(skb, DTLS_A_DIRECTION_DROP_REPLAY,
				     keys.drop_replay, DTLS_A_DIRECTION_PAD)) ||
	    (rx && nla_put_u64_64bit(skb, DTLS_A_DIRECTION_DROP_AUTH,
				     keys.drop_auth, DTLS_A_DIRECTION_PAD)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int dtls_nlget_assoc(struct sk_buff *skb, struct dtls_assoc *assoc)
{
	u32 state = 0;

	if (test_bit(DTLS_ASSOC_CLOSED, &assoc->flags))
		state |= DTLS_PEER_CLOSED;
	if (test_bit(DTLS_ASSOC_RX_CLOSED, &assoc->flags))
		state |= DTLS_PEER_RX_CLOSED;
	if (nla_put_u32(skb, DTLS_A_STATE, state) ||
	    nla_put_u16(skb, DTLS_A_VERSION, READ_ONCE(assoc->version)))
		return -EMSGSIZE;
	return dtls_nlget_direction(skb, DTLS_A_TX, assoc) ?:
	       dtls_nlget_direction(skb, DTLS_A_RX, assoc);
}

/*
 * An address of a socket, be it connected or not. Its lock is the program's to hold:
 * what changes just now is shown as it is.
 */
static int dtls_nlget_name(struct sk_buff *skb, int attr, const struct sock *sk)
{
	bool local = attr == DTLS_A_LOCAL;
	const struct inet_sock *inet = inet_sk(sk);
	__be16 port = local ? READ_ONCE(inet->inet_sport) :
			      READ_ONCE(inet->inet_dport);

	if (!local && !port)
		return 0;
	if (sk->sk_family == AF_INET) {
		struct sockaddr_in sin = {
			.sin_family = AF_INET,
			.sin_port = port,
			.sin_addr.s_addr = local ? READ_ONCE(inet->inet_rcv_saddr) :
						   READ_ONCE(inet->inet_daddr),
		};

		return nla_put(skb, attr, sizeof(sin), &sin);
	}
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		struct sockaddr_in6 sin6 = {
			.sin6_family = AF_INET6,
			.sin6_port = port,
			/* as said: it need not be of one piece */
			.sin6_addr = data_race(local ? sk->sk_v6_rcv_saddr :
						       sk->sk_v6_daddr),
		};

		sin6.sin6_scope_id = ipv6_iface_scope_id(&sin6.sin6_addr,
							 READ_ONCE(sk->sk_bound_dev_if));
		return nla_put(skb, attr, sizeof(sin6), &sin6);
	}
#endif
	return 0;
}

/* The association of a connected socket, which may just be closed. */
static struct dtls_assoc *dtls_nlget_own(struct dtls_sock *ds)
{
	struct dtls_assoc *assoc;

	rcu_read_lock();
	assoc = dtls_sock_assoc(ds);
	if (assoc && !refcount_inc_not_zero(&assoc->ref))
		assoc = NULL;
	rcu_read_unlock();
	return assoc;
}

static int dtls_nlget_sock(struct sk_buff *skb, const struct sk_buff *request,
			   const struct dtls_netlink_ref *ref)
{
	struct user_namespace *ns = sk_user_ns(NETLINK_CB(request).sk);
	struct dtls_peers *peers = dtls_sock_peers(ref->ds);
	struct sock *sk = ref->sk;
	struct dtls_assoc *assoc;
	int err;

	if (nla_put_u64_64bit(skb, DTLS_A_COOKIE, dtls_sock_cookie(ref->ds), DTLS_A_PAD) ||
	    nla_put_u64_64bit(skb, DTLS_A_INODE, sock_i_ino(sk), DTLS_A_PAD) ||
	    nla_put_u32(skb, DTLS_A_UID, from_kuid_munged(ns, sock_i_uid(sk))) ||
	    nla_put_u16(skb, DTLS_A_FAMILY, sk->sk_family) ||
	    dtls_nlget_name(skb, DTLS_A_LOCAL, sk) ||
	    dtls_nlget_name(skb, DTLS_A_ADDRESS, sk) ||
	    nla_put_u32(skb, DTLS_A_WINDOW, READ_ONCE(ref->ds->window)) ||
	    nla_put_u32(skb, DTLS_A_MOVE, READ_ONCE(ref->ds->move)) ||
	    (peers && nla_put_u32(skb, DTLS_A_PEERS,
				  atomic_read(&peers->table.nelems))))
		return -EMSGSIZE;
	assoc = dtls_nlget_own(ref->ds);
	if (!assoc)
		return 0;
	err = dtls_nlget_assoc(skb, assoc);
	dtls_assoc_put(assoc);
	return err;
}

static int dtls_nlget_peer(struct sk_buff *skb, const struct dtls_netlink_ref *ref,
			   struct dtls_assoc *assoc)
{
	struct __kernel_sockaddr_storage name;
	struct dtls_peer_key key;

	dtls_peer_where(assoc, &key);
	if (nla_put_u64_64bit(skb, DTLS_A_COOKIE, dtls_sock_cookie(ref->ds), DTLS_A_PAD) ||
	    nla_put_u64_64bit(skb, DTLS_A_PEER_ID, assoc->peer->id, DTLS_A_PAD) ||
	    nla_put(skb, DTLS_A_ADDRESS, dtls_peer_name(ref->sk, &key, &name), &name))
		return -EMSGSIZE;
	return dtls_nlget_assoc(skb, assoc);
}

/* One answer: of the peer, if @assoc is not NULL, or of the socket. */
static int dtls_nlget_reply(struct sk_buff *skb, struct genl_info *info,
			    const struct dtls_netlink_ref *ref,
			    struct dtls_assoc *assoc)
{
	struct sk_buff *reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *hdr;
	int err;

	if (!reply)
		return -ENOMEM;
	hdr = genlmsg_put_reply(reply, info, &dtls_nl_family, 0,
				info->genlhdr->cmd);
	err = !hdr ? -EMSGSIZE :
	      assoc ? dtls_nlget_peer(reply, ref, assoc) :
		      dtls_nlget_sock(reply, skb, ref);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	genlmsg_end(reply, hdr);
	return genlmsg_reply(reply, info);
}

/**
 * dtls_nl_socket_get_doit() - tell of a socket
 * @skb:  request
 * @info: its attributes
 *
 * Context: process, that of the request. Return: 0 or a negative errno.
 */
int dtls_nl_socket_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dtls_netlink_ref ref;
	int err;

	err = dtls_netlink_get(skb, info->attrs, info->extack, &ref);
	if (err)
		return err;
	err = dtls_nlget_reply(skb, info, &ref, NULL);
	dtls_netlink_put(&ref);
	return err;
}

/**
 * dtls_nl_peer_get_doit() - tell of a peer
 * @skb:  request
 * @info: its attributes
 *
 * Context: process, that of the request. Return: 0 or a negative errno.
 */
int dtls_nl_peer_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dtls_netlink_ref ref;
	struct dtls_assoc *assoc;
	int err;

	err = dtls_netlink_get(skb, info->attrs, info->extack, &ref);
	if (err)
		return err;
	assoc = dtls_netlink_peer(&ref, info->attrs, info->extack);
	err = PTR_ERR_OR_ZERO(assoc);
	if (!err) {
		err = dtls_nlget_reply(skb, info, &ref, assoc);
		dtls_assoc_put(assoc);
	}
	dtls_netlink_put(&ref);
	return err;
}

/* What is asked for, in the context of who asks. */
static int dtls_nlget_begin(struct netlink_callback *cb,
			    struct dtls_nlget_cursor *at, bool peers)
{
	struct nlattr **attrs = dtls_compat_dump_attrs(cb);
	struct netlink_ext_ack *extack = cb->extack;
	struct dtls_netlink_ref ref;
	int err;

	BUILD_BUG_ON(sizeof(*at) > sizeof(cb->ctx));
	/* there are as many as the command knows */
	if (peers && (attrs[DTLS_A_PEER_ID] || attrs[DTLS_A_ADDRESS])) {
		NL_SET_ERR_MSG(extack, "one peer cannot be dumped, only asked for");
		return -EINVAL;
	}
	if (attrs[DTLS_A_FD] || attrs[DTLS_A_COOKIE]) {
		err = dtls_netlink_get(cb->skb, attrs, extack, &ref);
		if (err)
			return err;
		if (!net_eq(sock_net(ref.sk), sock_net(cb->skb->sk))) {
			NL_SET_ERR_MSG(extack,
				       "the socket is of another network namespace");
			err = -EINVAL;
		}
		at->one = true;
		at->cookie = dtls_sock_cookie(ref.ds);
		dtls_netlink_put(&ref);
		if (err)
			return err;
	} else if (!netlink_net_capable(cb->skb, CAP_NET_ADMIN)) {
		NL_SET_ERR_MSG(extack, "sockets of all are for CAP_NET_ADMIN");
		return -EPERM;
	}
	at->begun = true;
	return 0;
}

/* The next socket, this time or at the next one. */
static bool dtls_nlget_next(struct net *net, const struct dtls_nlget_cursor *at,
			    struct dtls_netlink_ref *ref)
{
	return at->one ? dtls_netlink_get_cookie(net, at->cookie, ref) :
			 dtls_netlink_get_next(net, at->cookie, ref);
}

/* One part of a dump. Return: -EMSGSIZE if it is full. */
static int dtls_nlget_part(struct sk_buff *skb, struct netlink_callback *cb,
			   const struct dtls_netlink_ref *ref,
			   struct dtls_assoc *assoc)
{
	u8 cmd = assoc ? DTLS_CMD_PEER_GET : DTLS_CMD_SOCKET_GET;
	void *hdr;
	int err;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  &dtls_nl_family, NLM_F_MULTI, cmd);
	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);
	err = assoc ? dtls_nlget_peer(skb, ref, assoc) :
		      dtls_nlget_sock(skb, cb->skb, ref);
	if (err)
		genlmsg_cancel(skb, hdr);
	else
		genlmsg_end(skb, hdr);
	return err;
}

static int dtls_nlget_peers(struct sk_buff *skb, struct netlink_callback *cb,
			    const struct dtls_netlink_ref *ref,
			    struct dtls_nlget_cursor *at)
{
	struct dtls_peers *peers = dtls_sock_peers(ref->ds);
	struct dtls_assoc *assoc;
	int err = 0;

	while (!err && peers) {
		assoc = dtls_peer_find_id(peers, at->peer, true);
		if (!assoc)
			break;
		err = dtls_nlget_part(skb, cb, ref, assoc);
		if (!err)
			at->peer = assoc->peer->id;
		dtls_assoc_put(assoc);
	}
	return err;
}

static int dtls_nlget_dump(struct sk_buff *skb, struct netlink_callback *cb,
			   bool peers)
{
	struct dtls_nlget_cursor *at = (void *)cb->ctx;
	struct net *net = sock_net(cb->skb->sk);
	struct dtls_net *dn = net_generic(net, dtls_net_id);
	struct dtls_netlink_ref ref;
	int err = 0;

	if (!at->begun) {
		err = dtls_nlget_begin(cb, at, peers);
		if (err)
			return err;
	}
	/* 0 would say nothing */
	cb->seq = (u32)atomic_read(&dn->gen) | 1U << 31;
	while (!err && at->cookie != U64_MAX && dtls_nlget_next(net, at, &ref)) {
		if (dtls_sock_cookie(ref.ds) != at->cookie)
			at->peer = 0;
		at->cookie = dtls_sock_cookie(ref.ds);
		err = peers ? dtls_nlget_peers(skb, cb, &ref, at) :
			      dtls_nlget_part(skb, cb, &ref, NULL);
		dtls_netlink_put(&ref);
		if (err)
			break;
		at->cookie = at->one ? U64_MAX : at->cookie + 1;
		at->peer = 0;
		cond_resched();
	}
	return skb->len ?: err;
}

/**
 * dtls_nl_socket_get_dumpit() - tell of all sockets
 * @skb: the answer
 * @cb:  request, and how far the answer has come
 *
 * Context: process. Return: bytes of this part; 0 at the end; or a negative errno.
 */
int dtls_nl_socket_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dtls_nlget_dump(skb, cb, false);
}

/**
 * dtls_nl_peer_get_dumpit() - tell of all peers
 * @skb: the answer
 * @cb:  request, and how far the answer has come
 *
 * Context: process. Return: bytes of this part; 0 at the end; or a negative errno.
 */
int dtls_nl_peer_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dtls_nlget_dump(skb, cb, true);
}
