// SPDX-License-Identifier: LGPL-2.1-or-later
/* Generic netlink family "dtls": what the kernel asks, and our answers. */
#include <errno.h>
#include <gnutls/crypto.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <linux/dtls_netlink.h>

#include "dtlshd.h"

/* Most text that the kernel keeps of an identity, with some room. */
#define IDENTITY_TEXT	(DTLS_IDENTITY_MAX - sizeof(struct dtls_identity))

/* One hears of requests, the other takes them: replies do not mix with news. */
static struct nl_sock *news, *calls;
static int family;

/* A call under way: positive @state: no answer yet. */
struct answer {
	struct request *req;
	int state;
};

static int got_reply(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[DTLS_A_HANDSHAKE_MAX + 1];
	struct answer *answer = arg;
	struct request *req = answer->req;

	if (!req || genlmsg_parse(nlmsg_hdr(msg), 0, attrs,
				  DTLS_A_HANDSHAKE_MAX, NULL) ||
	    !attrs[DTLS_A_HANDSHAKE_ID] || !attrs[DTLS_A_HANDSHAKE_FD])
		return NL_SKIP;
	answer->state = 0;
	memset(req, 0, sizeof(*req));
	req->id = nla_get_u64(attrs[DTLS_A_HANDSHAKE_ID]);
	req->fd = nla_get_s32(attrs[DTLS_A_HANDSHAKE_FD]);
	if (attrs[DTLS_A_HANDSHAKE_ROLE])
		req->role = nla_get_u32(attrs[DTLS_A_HANDSHAKE_ROLE]);
	if (attrs[DTLS_A_HANDSHAKE_TIMEOUT])
		req->timeout = nla_get_u32(attrs[DTLS_A_HANDSHAKE_TIMEOUT]);
	/* Nobody, if it does not say. */
	req->uid = attrs[DTLS_A_HANDSHAKE_UID] ?
		   nla_get_u32(attrs[DTLS_A_HANDSHAKE_UID]) : (uid_t)-1;
	if (attrs[DTLS_A_HANDSHAKE_SERVER_NAME])
		nla_strlcpy(req->server_name,
			    attrs[DTLS_A_HANDSHAKE_SERVER_NAME],
			    sizeof(req->server_name));
	if (attrs[DTLS_A_HANDSHAKE_CREDENTIAL])
		nla_strlcpy(req->credential,
			    attrs[DTLS_A_HANDSHAKE_CREDENTIAL],
			    sizeof(req->credential));
	return NL_OK;
}

static int got_ack(struct nl_msg *msg, void *arg)
{
	(void)msg;
	*(int *)arg = 0;
	return NL_STOP;
}

static int got_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	(void)from;
	*(int *)arg = e->error;
	return NL_STOP;
}

/*
 * Sends @msg, which it frees, and waits for what the kernel says: a request, or an ACK
 * where there is no other answer. Not both: one for which there is no memory gets lost,
 * and with an ACK the request that came before it would be.
 */
static int call(struct nl_msg *msg, struct request *req)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	struct answer answer = { req, 1 };
	int ret;

	if (!cb) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	if (!req)
		nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, got_reply, &answer);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, got_ack, &answer.state);
	nl_cb_err(cb, NL_CB_CUSTOM, got_error, &answer.state);
	ret = nl_send_auto(calls, msg);
	nlmsg_free(msg);
	while (ret >= 0 && answer.state > 0)
		ret = nl_recvmsgs(calls, cb);
	nl_cb_put(cb);
	/* libnl's numbers are its own; what the kernel says is an errno. */
	if (answer.state <= 0)
		return answer.state;
	return ret == -NLE_NOMEM ? -ENOMEM : -EIO;
}

static struct nl_msg *message(int cmd)
{
	struct nl_msg *msg = nlmsg_alloc_size(8192);

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0,
				cmd, DTLS_FAMILY_VERSION)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* Returns the descriptor to poll, or a negative errno. */
int netlink_open(void)
{
	int group;

	news = nl_socket_alloc();
	calls = nl_socket_alloc();
	if (!news || !calls)
		return -ENOMEM;
	if (genl_connect(calls) || genl_connect(news))
		return -EPROTONOSUPPORT;
	family = genl_ctrl_resolve(calls, DTLS_FAMILY_NAME);
	if (family < 0)
		return -ENOPROTOOPT;
	group = genl_ctrl_resolve_grp(calls, DTLS_FAMILY_NAME,
				      DTLS_MCGRP_HANDSHAKE);
	if (group < 0)
		return -ENOPROTOOPT;
	nl_socket_disable_auto_ack(calls);
	nl_socket_disable_seq_check(calls);
	nl_socket_disable_seq_check(news);
	nl_socket_set_nonblocking(news);
	if (nl_socket_add_membership(news, group))
		return -EPERM;
	return nl_socket_get_fd(news);
}

/* The news are all the same: there is something to take. */
void netlink_drain(void)
{
	char buf[8192];
	int fd = nl_socket_get_fd(news);

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0 || errno == EINTR ||
	       errno == ENOBUFS)
		errno = 0;
}

int netlink_accept(struct request *req)
{
	struct nl_msg *msg = message(DTLS_CMD_HANDSHAKE_ACCEPT);

	req->fd = -1;
	return msg ? call(msg, req) : -ENOMEM;
}

static int put_text(struct nl_msg *msg, int type, const char *text, size_t *room)
{
	size_t len = strlen(text) + 1;

	if (len > *room)
		return -EMSGSIZE;
	*room -= len;
	return nla_put_string(msg, type, text);
}

/* A raw public key has no name but itself. */
static void rawpk_name(const kdtls_session *s, char *hex)
{
	unsigned char hash[32];
	const void *der;
	size_t len, i;

	*hex = '\0';
	if (kdtls_peer_cert(s, 0, &der, &len) ||
	    gnutls_hash_fast(GNUTLS_DIG_SHA256, der, len, hash))
		return;
	for (i = 0; i < sizeof(hash); i++)
		sprintf(hex + 2 * i, "%02x", hash[i]);
}

static int put_identity(struct nl_msg *msg, kdtls_session *s)
{
	static const uint32_t kinds[] = {
		[KDTLS_PEER_NONE] = DTLS_IDENTITY_NONE,
		[KDTLS_PEER_X509] = DTLS_IDENTITY_X509,
		[KDTLS_PEER_RAWPK] = DTLS_IDENTITY_RAWPK,
		[KDTLS_PEER_PSK] = DTLS_IDENTITY_PSK,
	};
	size_t room = IDENTITY_TEXT;
	struct kdtls_info info;
	char text[1024] = "";
	unsigned int i;
	int ret;

	ret = kdtls_get_info(s, &info);
	if (ret)
		return ret;
	if (info.peer == KDTLS_PEER_X509)
		kdtls_peer_subject(s, text, sizeof(text));
	else if (info.peer == KDTLS_PEER_RAWPK)
		rawpk_name(s, text);
	if (nla_put_u16(msg, DTLS_A_HANDSHAKE_VERSION, info.version) ||
	    nla_put_u16(msg, DTLS_A_HANDSHAKE_CIPHER_SUITE, info.suite) ||
	    nla_put_u32(msg, DTLS_A_HANDSHAKE_KIND, kinds[info.peer]) ||
	    (info.resumed && nla_put_flag(msg, DTLS_A_HANDSHAKE_RESUMED)) ||
	    put_text(msg, DTLS_A_HANDSHAKE_ALPN, info.alpn, &room) ||
	    put_text(msg, DTLS_A_HANDSHAKE_IDENTITY,
		     info.peer == KDTLS_PEER_PSK ? info.identity : text, &room))
		return -EMSGSIZE;
	for (i = 0; info.peer == KDTLS_PEER_X509; i++) {
		ret = kdtls_peer_san(s, i, text, sizeof(text));
		if (ret == -ENOENT)
			break;
		/* What is cut, or not a name, is none. */
		if (!ret && put_text(msg, DTLS_A_HANDSHAKE_SAN, text, &room))
			break;
	}
	return 0;
}

int netlink_done(uint64_t id, int status, kdtls_session *s)
{
	struct nl_msg *msg = message(DTLS_CMD_HANDSHAKE_DONE);
	int ret;

	if (!msg)
		return -ENOMEM;
	ret = nla_put_u64(msg, DTLS_A_HANDSHAKE_ID, id) ||
	      nla_put_u32(msg, DTLS_A_HANDSHAKE_STATUS, status) ||
	      (!status && put_identity(msg, s));
	if (ret) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	return call(msg, NULL);
}
