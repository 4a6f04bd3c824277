/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/dtls.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_DTLS_GEN_H
#define _LINUX_DTLS_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/dtls_netlink.h>

/* Common nested types */
extern const struct nla_policy dtls_keys_nl_policy[DTLS_A_KEYS_MESSAGE_SEQ + 1];

int dtls_nl_attach_doit(struct sk_buff *skb, struct genl_info *info);
int dtls_nl_socket_get_doit(struct sk_buff *skb, struct genl_info *info);
int dtls_nl_socket_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int dtls_nl_peer_get_doit(struct sk_buff *skb, struct genl_info *info);
int dtls_nl_peer_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int dtls_nl_peer_new_doit(struct sk_buff *skb, struct genl_info *info);
int dtls_nl_peer_set_doit(struct sk_buff *skb, struct genl_info *info);
int dtls_nl_peer_del_doit(struct sk_buff *skb, struct genl_info *info);
int dtls_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info);
int dtls_nl_handshake_accept_doit(struct sk_buff *skb, struct genl_info *info);
int dtls_nl_handshake_done_doit(struct sk_buff *skb, struct genl_info *info);
int dtls_nl_handshake_datagram_doit(struct sk_buff *skb,
				    struct genl_info *info);

enum {
	DTLS_NLGRP_EVENTS,
	DTLS_NLGRP_HANDSHAKE,
};

extern struct genl_family dtls_nl_family;

#endif /* _LINUX_DTLS_GEN_H */
