// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generic netlink: peers added, changed and removed. What SOL_DTLS does, said in
 * another way; errors come with a sentence.
 */
#include <net/genetlink.h>

#include "assocopt.h"
#include "control.h"
#include "install.h"
#include "netlink.h"
#include "netlink-gen.h"
#include "peer.h"
#include "sock.h"
#include "update.h"

/* Both directions of a request, wiped by dtls_nlset_wipe(). */
struct dtls_nlset_keys {
	struct dtls_keys	keys[2];
	struct dtls_keys	*tx;
	struct dtls_keys	*rx;
};

static int dtls_nlset_bytes(const struct nlattr *attr, void *to,
			    unsigned int room, u8 *len,
			    struct netlink_ext_ack *extack)
{
	if (!attr)
		return 0;
	if (nla_len(attr) > room) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "more bytes than there can be");
		return -EINVAL;
	}
	*len = nla_len(attr);
	memcpy(to, nla_data(attr), *len);
	return 0;
}

/* What dtls_install_validate() refuses, in words. */
static int dtls_nlset_check(const struct dtls_keys *keys, struct nlattr **tb,
			    const struct nlattr *nest,
			    struct netlink_ext_ack *extack)
{
	int err = dtls_install_validate(keys);

	if (!err)
		return 0;
	if (err == -EPROTONOSUPPORT)
		NL_SET_ERR_MSG_ATTR(extack, tb[DTLS_A_KEYS_VERSION],
				    "version is neither DTLS 1.2 nor 1.3");
	else if (!dtls_cipher_find(keys->version, keys->cipher_suite))
		NL_SET_ERR_MSG_ATTR(extack, tb[DTLS_A_KEYS_CIPHER_SUITE],
				    "cipher suite is unknown with this version");
	else if (!keys->epoch || keys->epoch > U16_MAX)
		NL_SET_ERR_MSG_ATTR(extack, tb[DTLS_A_KEYS_EPOCH],
				    "epoch is not 1 to 65535");
	else if (keys->seq > DTLS_RECORD_SEQ_MAX)
		NL_SET_ERR_MSG_ATTR(extack, tb[DTLS_A_KEYS_SEQ],
				    "sequence number is not below 2^48");
	else
		NL_SET_ERR_MSG_ATTR(extack, nest,
				    "key and iv, or secret, are not as version and suite want them");
	return err;
}

static int dtls_nlset_parse_one(struct nlattr *nest, struct dtls_keys *keys,
				struct netlink_ext_ack *extack)
{
	struct nlattr *tb[DTLS_A_KEYS_MAX + 1];
	int err;

	err = nla_parse_nested(tb, DTLS_A_KEYS_MAX, nest, dtls_keys_nl_policy,
			       extack);
	if (err)
		return err;
	if (!tb[DTLS_A_KEYS_VERSION] || !tb[DTLS_A_KEYS_CIPHER_SUITE] ||
	    !tb[DTLS_A_KEYS_EPOCH]) {
		NL_SET_ERR_MSG_ATTR(extack, nest,
				    "keys want version, cipher-suite and epoch");
		return -EINVAL;
	}
	memset(keys, 0, sizeof(*keys));
	keys->size = sizeof(*keys);
	keys->version = nla_get_u16(tb[DTLS_A_KEYS_VERSION]);
	keys->cipher_suite = nla_get_u16(tb[DTLS_A_KEYS_CIPHER_SUITE]);
	keys->epoch = nla_get_u32(tb[DTLS_A_KEYS_EPOCH]);
	if (tb[DTLS_A_KEYS_SEQ])
		keys->seq = nla_get_u64(tb[DTLS_A_KEYS_SEQ]);
	if (tb[DTLS_A_KEYS_MESSAGE_SEQ])
		keys->message_seq = nla_get_u16(tb[DTLS_A_KEYS_MESSAGE_SEQ]);
	err = dtls_nlset_bytes(tb[DTLS_A_KEYS_KEY], keys->key, sizeof(keys->key),
			       &keys->key_len, extack) ?:
	      dtls_nlset_bytes(tb[DTLS_A_KEYS_IV], keys->iv, sizeof(keys->iv),
			       &keys->iv_len, extack) ?:
	      dtls_nlset_bytes(tb[DTLS_A_KEYS_CID], keys->cid, sizeof(keys->cid),
			       &keys->cid_len, extack) ?:
	      dtls_nlset_bytes(tb[DTLS_A_KEYS_SECRET], keys->secret,
			       sizeof(keys->secret), &keys->secret_len, extack);
	return err ?: dtls_nlset_check(keys, tb, nest, extack);
}

static int dtls_nlset_parse(struct genl_info *info, struct dtls_nlset_keys *k)
{
	struct nlattr *tx = info->attrs[DTLS_A_TX_KEYS];
	struct nlattr *rx = info->attrs[DTLS_A_RX_KEYS];
	int err = 0;

	k->tx = tx ? &k->keys[0] : NULL;
	k->rx = rx ? &k->keys[1] : NULL;
	if (tx)
		err = dtls_nlset_parse_one(tx, k->tx, info->extack);
	if (!err && rx)
		err = dtls_nlset_parse_one(rx, k->rx, info->extack);
	return err;
}

/* No key stays behind, nor in the request, which an error would send back. */
static void dtls_nlset_wipe(struct genl_info *info, struct dtls_nlset_keys *k)
{
	int i;

	for (i = DTLS_A_TX_KEYS; i <= DTLS_A_RX_KEYS; i++)
		if (info->attrs[i])
			memzero_explicit(nla_data(info->attrs[i]),
					 nla_len(info->attrs[i]));
	memzero_explicit(k, sizeof(*k));
}

/* What installing has to say. */
static int dtls_nlset_say(struct genl_info *info, int err)
{
	switch (err) {
	case -EEXIST:
		GENL_SET_ERR_MSG(info, "there is such a peer, or such an epoch has been, already");
		break;
	case -EISCONN:
		GENL_SET_ERR_MSG(info, "the socket is connected");
		break;
	case -ENOTCONN:
		GENL_SET_ERR_MSG(info, "the socket is not connected");
		break;
	case -EBUSY:
		GENL_SET_ERR_MSG(info, "the socket is busy: a send holds it");
		break;
	case -EKEYREVOKED:
		GENL_SET_ERR_MSG(info, "the keys of this direction have been taken out");
		break;
	case -EPIPE:
		GENL_SET_ERR_MSG(info, "the association is closed");
		break;
	case -ENOBUFS:
		GENL_SET_ERR_MSG(info, "the socket, or its user, has as many peers as it may");
		break;
	case -EALREADY:
		GENL_SET_ERR_MSG(info, "the one before has not been acknowledged yet");
		break;
	case -EOPNOTSUPP:
		GENL_SET_ERR_MSG(info, "only with DTLS 1.3");
		break;
	case -EINVAL:
		GENL_SET_ERR_MSG(info, "version or connection ID do not go with the others");
		break;
	}
	return err;
}

static int dtls_nlset_flags(struct genl_info *info, u32 known, u32 *flags)
{
	const struct nlattr *attr = info->attrs[DTLS_A_FLAGS];

	*flags = attr ? nla_get_u32(attr) : 0;
	if (!(*flags & ~known))
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, attr, "unknown flag");
	return -EINVAL;
}

static int dtls_nlset_new(struct genl_info *info, struct dtls_netlink_ref *ref,
			  struct dtls_nlset_keys *k, u64 *id)
{
	struct dtls_peer_key key;
	u32 flags;
	int err;

	if (!info->attrs[DTLS_A_ADDRESS]) {
		GENL_SET_ERR_MSG(info, "a peer wants an address");
		return -EINVAL;
	}
	if (!info->attrs[DTLS_A_TX_KEYS] && !info->attrs[DTLS_A_RX_KEYS]) {
		GENL_SET_ERR_MSG(info, "a peer wants tx-keys or rx-keys");
		return -EINVAL;
	}
	err = dtls_nlset_flags(info, DTLS_PEER_REPLACE, &flags);
	if (!err)
		err = dtls_netlink_address(ref->sk, info->attrs[DTLS_A_ADDRESS],
					   &key, info->extack);
	if (!err)
		err = dtls_nlset_parse(info, k);
	if (err)
		return err;
	return dtls_nlset_say(info, dtls_peeropt_new(ref->ds, &key, k->tx, k->rx,
						     flags & DTLS_PEER_REPLACE,
						     true, id));
}

/**
 * dtls_nl_peer_new_doit() - add a peer
 * @skb:  request
 * @info: its attributes
 *
 * Context: process, that of the request. Return: 0 or a negative errno.
 */
int dtls_nl_peer_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dtls_netlink_ref ref;
	struct dtls_nlset_keys k;
	struct sk_buff *reply;
	void *hdr;
	u64 id;
	int err;

	err = dtls_netlink_get(skb, info->attrs, info->extack, &ref);
	if (err)
		goto out_wipe;
	/* before: afterwards there would be a peer that nobody knows of */
	err = -ENOMEM;
	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply)
		goto out_put;
	err = dtls_nlset_new(info, &ref, &k, &id);
	if (err) {
		nlmsg_free(reply);
		goto out_put;
	}
	hdr = genlmsg_put_reply(reply, info, &dtls_nl_family, 0,
				DTLS_CMD_PEER_NEW);
	nla_put_u64_64bit(reply, DTLS_A_PEER_ID, id, DTLS_A_PAD);
	genlmsg_end(reply, hdr);
	err = genlmsg_reply(reply, info);
out_put:
	dtls_netlink_put(&ref);
out_wipe:
	dtls_nlset_wipe(info, &k);
	return err;
}

/* Keys, or their renewal, for an association that is there. */
static int dtls_nlset_change(struct genl_info *info, struct dtls_assoc *assoc,
			     const struct dtls_nlset_keys *k)
{
	const struct nlattr *update = info->attrs[DTLS_A_KEY_UPDATE];
	int err = 0;

	if (k->tx || k->rx)
		err = dtls_install_keys(assoc, k->tx, k->rx,
					READ_ONCE(assoc->ds->window));
	if (!err && update)
		err = dtls_update_begin(assoc, nla_get_u32(update), true);
	return err;
}

static int dtls_nlset_peer(struct genl_info *info, struct dtls_netlink_ref *ref,
			   const struct dtls_nlset_keys *k)
{
	const struct nlattr *addr = info->attrs[DTLS_A_ADDRESS];
	struct dtls_peer_key key;
	struct dtls_assoc *assoc;
	int err;

	if (addr) {
		err = dtls_netlink_address(ref->sk, addr, &key, info->extack);
		if (err)
			return err;
	}
	assoc = dtls_netlink_peer(ref, info->attrs, info->extack);
	if (IS_ERR(assoc))
		return PTR_ERR(assoc);
	err = dtls_lock_mutex(&ref->ds->cork.lock, true);
	if (err)
		goto out;
	err = -ENOENT;
	if (!test_bit(DTLS_ASSOC_REMOVED, &assoc->flags))
		err = dtls_nlset_change(info, assoc, k);
	if (!err && addr)
		err = dtls_peer_move(ref->ds->peers, assoc, &key, 0);
	mutex_unlock(&ref->ds->cork.lock);
out:
	dtls_assoc_put(assoc);
	return dtls_nlset_say(info, err);
}

/* The association of a connected socket. */
static int dtls_nlset_own(struct genl_info *info, struct dtls_netlink_ref *ref,
			  const struct dtls_nlset_keys *k)
{
	const struct nlattr *update = info->attrs[DTLS_A_KEY_UPDATE];
	struct dtls_assoc *assoc;
	int err = 0;

	if (info->attrs[DTLS_A_ADDRESS]) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[DTLS_A_ADDRESS],
				    "only a peer with a peer-id moves");
		return -EINVAL;
	}
	if (k->tx || k->rx)
		err = dtls_sockopt_install(ref->ds, k->tx, k->rx, true);
	if (!err && update) {
		assoc = dtls_sock_assoc(ref->ds);
		if (!assoc) {
			GENL_SET_ERR_MSG(info, "the socket has no keys, or peers instead");
			return -ENOKEY;
		}
		err = dtls_update_begin(assoc, nla_get_u32(update), true);
	}
	return dtls_nlset_say(info, err);
}

static int dtls_nlset_set(struct genl_info *info, struct dtls_netlink_ref *ref,
			  struct dtls_nlset_keys *k)
{
	struct nlattr **attrs = info->attrs;
	int err;

	if (!attrs[DTLS_A_TX_KEYS] && !attrs[DTLS_A_RX_KEYS] &&
	    !attrs[DTLS_A_KEY_UPDATE] && !attrs[DTLS_A_ADDRESS]) {
		GENL_SET_ERR_MSG(info, "nothing to set");
		return -EINVAL;
	}
	if (attrs[DTLS_A_COOKIE] && (attrs[DTLS_A_TX_KEYS] || attrs[DTLS_A_RX_KEYS])) {
		GENL_SET_ERR_MSG(info, "keys are for the socket's own program: by fd");
		return -EPERM;
	}
	err = dtls_nlset_parse(info, k);
	if (err)
		return err;
	return attrs[DTLS_A_PEER_ID] ? dtls_nlset_peer(info, ref, k) :
				       dtls_nlset_own(info, ref, k);
}

/**
 * dtls_nl_peer_set_doit() - change a peer, or the association of a connected socket
 * @skb:  request
 * @info: its attributes
 *
 * Context: process, that of the request. Return: 0 or a negative errno.
 */
int dtls_nl_peer_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dtls_netlink_ref ref;
	struct dtls_nlset_keys k;
	int err;

	err = dtls_netlink_get(skb, info->attrs, info->extack, &ref);
	if (!err) {
		err = dtls_nlset_set(info, &ref, &k);
		dtls_netlink_put(&ref);
	}
	dtls_nlset_wipe(info, &k);
	return err;
}

/**
 * dtls_nl_peer_del_doit() - remove a peer
 * @skb:  request
 * @info: its attributes
 *
 * Context: process, that of the request. Return: 0 or a negative errno.
 */
int dtls_nl_peer_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dtls_netlink_ref ref;
	struct dtls_assoc *assoc;
	unsigned int how = DTLS_PEEROPT_SOON;
	u32 flags;
	int err;

	err = dtls_nlset_flags(info, DTLS_PEER_NOTIFY, &flags);
	if (!err)
		err = dtls_netlink_get(skb, info->attrs, info->extack, &ref);
	if (err)
		return err;
	if (flags & DTLS_PEER_NOTIFY)
		how |= DTLS_PEEROPT_NOTIFY;
	assoc = dtls_netlink_peer(&ref, info->attrs, info->extack);
	err = PTR_ERR_OR_ZERO(assoc);
	if (!err)
		err = dtls_nlset_say(info, dtls_peeropt_remove(ref.ds, assoc,
							       how));
	dtls_netlink_put(&ref);
	return err;
}
