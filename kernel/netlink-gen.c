// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/dtls.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink-gen.h"

#include <uapi/linux/dtls_netlink.h>

/* Common nested types */
const struct nla_policy dtls_keys_nl_policy[DTLS_A_KEYS_MESSAGE_SEQ + 1] = {
	[DTLS_A_KEYS_VERSION] = { .type = NLA_U16, },
	[DTLS_A_KEYS_CIPHER_SUITE] = { .type = NLA_U16, },
	[DTLS_A_KEYS_EPOCH] = { .type = NLA_U32, },
	[DTLS_A_KEYS_SEQ] = { .type = NLA_U64, },
	[DTLS_A_KEYS_KEY] = { .type = NLA_BINARY, },
	[DTLS_A_KEYS_IV] = { .type = NLA_BINARY, },
	[DTLS_A_KEYS_CID] = { .type = NLA_BINARY, },
	[DTLS_A_KEYS_SECRET] = { .type = NLA_BINARY, },
	[DTLS_A_KEYS_MESSAGE_SEQ] = { .type = NLA_U16, },
};

/* DTLS_CMD_ATTACH - do */
static const struct nla_policy dtls_attach_nl_policy[DTLS_A_FD + 1] = {
	[DTLS_A_FD] = NLA_POLICY_MIN(NLA_S32, 0),
};

/* DTLS_CMD_SOCKET_GET - do */
static const struct nla_policy dtls_socket_get_nl_policy[DTLS_A_COOKIE + 1] = {
	[DTLS_A_FD] = NLA_POLICY_MIN(NLA_S32, 0),
	[DTLS_A_COOKIE] = { .type = NLA_U64, },
};

/* DTLS_CMD_PEER_GET - do */
static const struct nla_policy dtls_peer_get_nl_policy[DTLS_A_PEER_ID + 1] = {
	[DTLS_A_FD] = NLA_POLICY_MIN(NLA_S32, 0),
	[DTLS_A_COOKIE] = { .type = NLA_U64, },
	[DTLS_A_PEER_ID] = { .type = NLA_U64, },
	[DTLS_A_ADDRESS] = { .type = NLA_BINARY, },
};

/* DTLS_CMD_PEER_NEW - do */
static const struct nla_policy dtls_peer_new_nl_policy[DTLS_A_FLAGS + 1] = {
	[DTLS_A_FD] = NLA_POLICY_MIN(NLA_S32, 0),
	[DTLS_A_ADDRESS] = { .type = NLA_BINARY, },
	[DTLS_A_TX_KEYS] = NLA_POLICY_NESTED(dtls_keys_nl_policy),
	[DTLS_A_RX_KEYS] = NLA_POLICY_NESTED(dtls_keys_nl_policy),
	[DTLS_A_FLAGS] = { .type = NLA_U32, },
};

/* DTLS_CMD_PEER_SET - do */
static const struct nla_policy dtls_peer_set_nl_policy[DTLS_A_KEY_UPDATE + 1] = {
	[DTLS_A_FD] = NLA_POLICY_MIN(NLA_S32, 0),
	[DTLS_A_COOKIE] = { .type = NLA_U64, },
	[DTLS_A_PEER_ID] = { .type = NLA_U64, },
	[DTLS_A_ADDRESS] = { .type = NLA_BINARY, },
	[DTLS_A_TX_KEYS] = NLA_POLICY_NESTED(dtls_keys_nl_policy),
	[DTLS_A_RX_KEYS] = NLA_POLICY_NESTED(dtls_keys_nl_policy),
	[DTLS_A_KEY_UPDATE] = NLA_POLICY_MAX(NLA_U32, 1),
};

/* DTLS_CMD_PEER_DEL - do */
static const struct nla_policy dtls_peer_del_nl_policy[DTLS_A_FLAGS + 1] = {
	[DTLS_A_FD] = NLA_POLICY_MIN(NLA_S32, 0),
	[DTLS_A_COOKIE] = { .type = NLA_U64, },
	[DTLS_A_PEER_ID] = { .type = NLA_U64, },
	[DTLS_A_ADDRESS] = { .type = NLA_BINARY, },
	[DTLS_A_FLAGS] = { .type = NLA_U32, },
};

/* DTLS_CMD_STATS_GET - do */
static const struct nla_policy dtls_stats_get_nl_policy[DTLS_A_PAD + 1] = {
};

/* DTLS_CMD_HANDSHAKE_ACCEPT - do */
static const struct nla_policy dtls_handshake_accept_nl_policy[DTLS_A_HANDSHAKE_ID + 1] = {
	[DTLS_A_HANDSHAKE_ID] = { .type = NLA_U64, },
};

/* DTLS_CMD_HANDSHAKE_DONE - do */
static const struct nla_policy dtls_handshake_done_nl_policy[DTLS_A_HANDSHAKE_PEER_ID + 1] = {
	[DTLS_A_HANDSHAKE_ID] = { .type = NLA_U64, },
	[DTLS_A_HANDSHAKE_STATUS] = { .type = NLA_U32, },
	[DTLS_A_HANDSHAKE_VERSION] = { .type = NLA_U16, },
	[DTLS_A_HANDSHAKE_CIPHER_SUITE] = { .type = NLA_U16, },
	[DTLS_A_HANDSHAKE_KIND] = NLA_POLICY_MAX(NLA_U32, 3),
	[DTLS_A_HANDSHAKE_RESUMED] = { .type = NLA_FLAG, },
	[DTLS_A_HANDSHAKE_ALPN] = { .type = NLA_NUL_STRING, },
	[DTLS_A_HANDSHAKE_IDENTITY] = { .type = NLA_NUL_STRING, },
	[DTLS_A_HANDSHAKE_SAN] = { .type = NLA_STRING, },
	[DTLS_A_HANDSHAKE_PEER_ID] = { .type = NLA_U64, },
};

/* DTLS_CMD_HANDSHAKE_DATAGRAM - do */
static const struct nla_policy dtls_handshake_datagram_nl_policy[DTLS_A_HANDSHAKE_DATA + 1] = {
	[DTLS_A_HANDSHAKE_ID] = { .type = NLA_U64, },
	[DTLS_A_HANDSHAKE_ADDRESS] = { .type = NLA_BINARY, },
	[DTLS_A_HANDSHAKE_LOCAL] = { .type = NLA_BINARY, },
	[DTLS_A_HANDSHAKE_DATA] = { .type = NLA_BINARY, },
};

/* Ops table for dtls */
static const struct genl_ops dtls_nl_ops[] = {
	{
		.cmd		= DTLS_CMD_ATTACH,
		.doit		= dtls_nl_attach_doit,
		.policy		= dtls_attach_nl_policy,
		.maxattr	= DTLS_A_FD,
	},
	{
		.cmd		= DTLS_CMD_SOCKET_GET,
		.doit		= dtls_nl_socket_get_doit,
		.dumpit		= dtls_nl_socket_get_dumpit,
		.policy		= dtls_socket_get_nl_policy,
		.maxattr	= DTLS_A_COOKIE,
	},
	{
		.cmd		= DTLS_CMD_PEER_GET,
		.doit		= dtls_nl_peer_get_doit,
		.dumpit		= dtls_nl_peer_get_dumpit,
		.policy		= dtls_peer_get_nl_policy,
		.maxattr	= DTLS_A_PEER_ID,
	},
	{
		.cmd		= DTLS_CMD_PEER_NEW,
		.doit		= dtls_nl_peer_new_doit,
		.policy		= dtls_peer_new_nl_policy,
		.maxattr	= DTLS_A_FLAGS,
	},
	{
		.cmd		= DTLS_CMD_PEER_SET,
		.doit		= dtls_nl_peer_set_doit,
		.policy		= dtls_peer_set_nl_policy,
		.maxattr	= DTLS_A_KEY_UPDATE,
	},
	{
		.cmd		= DTLS_CMD_PEER_DEL,
		.doit		= dtls_nl_peer_del_doit,
		.policy		= dtls_peer_del_nl_policy,
		.maxattr	= DTLS_A_FLAGS,
	},
	{
		.cmd		= DTLS_CMD_STATS_GET,
		.doit		= dtls_nl_stats_get_doit,
		.policy		= dtls_stats_get_nl_policy,
		.maxattr	= DTLS_A_PAD,
	},
	{
		.cmd		= DTLS_CMD_HANDSHAKE_ACCEPT,
		.doit		= dtls_nl_handshake_accept_doit,
		.policy		= dtls_handshake_accept_nl_policy,
		.maxattr	= DTLS_A_HANDSHAKE_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= DTLS_CMD_HANDSHAKE_DONE,
		.doit		= dtls_nl_handshake_done_doit,
		.policy		= dtls_handshake_done_nl_policy,
		.maxattr	= DTLS_A_HANDSHAKE_PEER_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= DTLS_CMD_HANDSHAKE_DATAGRAM,
		.doit		= dtls_nl_handshake_datagram_doit,
		.policy		= dtls_handshake_datagram_nl_policy,
		.maxattr	= DTLS_A_HANDSHAKE_DATA,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
};

static const struct genl_multicast_group dtls_nl_mcgrps[] = {
	[DTLS_NLGRP_EVENTS] = { "events", GENL_MCAST_CAP_NET_ADMIN, },
	[DTLS_NLGRP_HANDSHAKE] = { "handshake", GENL_MCAST_CAP_NET_ADMIN, },
};

struct genl_family dtls_nl_family __ro_after_init = {
	.name		= DTLS_FAMILY_NAME,
	.version	= DTLS_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= dtls_nl_ops,
	.n_ops		= ARRAY_SIZE(dtls_nl_ops),
	.mcgrps		= dtls_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(dtls_nl_mcgrps),
};
