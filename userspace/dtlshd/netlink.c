// SPDX-License-Identifier: LGPL-2.1-or-later
/* Generic netlink family "dtls": what the kernel asks, and our answers. */
#include <errno.h>
#include <gnutls/crypto.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <linux/dtls_netlink.h>

#include "dtlshd.h"

/* Most text that the kernel keeps of an identity, with some room. */
#define IDENTITY_TEXT	(DTLS_IDENTITY_MAX - sizeof(struct dtls_identity))

/*
 * One hears of requests. Each of these has a socket of its own, by which it is taken
 * and answered: what comes for one that listens is in nobody's way. @spare is for
 * the next one.
 */
static struct nl_sock *news, *spare;
static int family;

/* Of what comes for one socket that listens, in the kernel and here. */
#define LISTEN_RCVBUF	(4 << 20)
#define INBOX_MAX	(8 << 20)
#define PULL_MAX	8192

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
static int call(struct nl_sock *nl, struct nl_msg *msg, struct request *req)
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
	ret = nl_send_auto(nl, msg);
	nlmsg_free(msg);
	while (ret >= 0 && answer.state > 0)
		ret = nl_recvmsgs(nl, cb);
	nl_cb_put(cb);
	/* libnl's numbers are its own; what the kernel says is an errno. */
	if (answer.state <= 0)
		return answer.state;
	return ret == -NLE_NOMEM ? -ENOMEM : -EIO;
}

static struct nl_msg *message(int cmd, size_t room)
{
	struct nl_msg *msg = nlmsg_alloc_size(8192 + room);

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0,
				cmd, DTLS_FAMILY_VERSION)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static struct nl_sock *new_socket(void)
{
	struct nl_sock *nl = nl_socket_alloc();

	if (nl && genl_connect(nl)) {
		nl_socket_free(nl);
		nl = NULL;
	}
	if (nl) {
		nl_socket_disable_auto_ack(nl);
		nl_socket_disable_seq_check(nl);
	}
	return nl;
}

/* Returns the descriptor to poll, or a negative errno. */
int netlink_open(void)
{
	int group;

	news = new_socket();
	spare = new_socket();
	if (!news || !spare)
		return -EPROTONOSUPPORT;
	family = genl_ctrl_resolve(spare, DTLS_FAMILY_NAME);
	if (family < 0)
		return -ENOPROTOOPT;
	group = genl_ctrl_resolve_grp(spare, DTLS_FAMILY_NAME,
				      DTLS_MCGRP_HANDSHAKE);
	if (group < 0)
		return -ENOPROTOOPT;
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

/* 0: @req is the caller's, with its descriptor and netlink_close(). */
int netlink_accept(struct request *req)
{
	struct nl_msg *msg;
	int ret;

	if (!spare)
		spare = new_socket();
	msg = spare ? message(DTLS_CMD_HANDSHAKE_ACCEPT, 0) : NULL;
	ret = msg ? call(spare, msg, req) : -ENOMEM;
	if (ret)
		return ret;
	req->nl = spare;
	spare = NULL;
	return 0;
}

void netlink_close(struct request *req)
{
	nl_socket_free(req->nl);
	req->nl = NULL;
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

static struct nl_msg *done(const struct request *req, int status,
			   kdtls_session *s)
{
	struct nl_msg *msg = message(DTLS_CMD_HANDSHAKE_DONE, 0);

	if (msg && (nla_put_u64(msg, DTLS_A_HANDSHAKE_ID, req->id) ||
		    nla_put_u32(msg, DTLS_A_HANDSHAKE_STATUS, status) ||
		    (!status && put_identity(msg, s)))) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

int netlink_done(const struct request *req, int status, kdtls_session *s)
{
	struct nl_msg *msg = done(req, status, s);

	return msg ? call(req->nl, msg, NULL) : -EMSGSIZE;
}

/* ------------------------------------------------------------------------
 * Sockets that listen. The kernel has done what a message asks for when the sending
 * returns, and says something only if that was not possible.
 */

static int tell(const struct request *req, struct nl_msg *msg)
{
	int ret = nl_send_auto(req->nl, msg);

	nlmsg_free(msg);
	return ret < 0 ? -EIO : 0;
}

/* It shall listen no more: @status is a positive errno that its program gets. */
void netlink_refuse(const struct request *req, int status)
{
	struct nl_msg *msg = done(req, status, NULL);

	if (msg)
		tell(req, msg);
}

/* @peer, a peer by its number, is who @s has met. */
int netlink_peer(const struct request *req, uint64_t peer, kdtls_session *s)
{
	struct nl_msg *msg = done(req, 0, s);

	if (!msg)
		return -EMSGSIZE;
	if (nla_put_u64(msg, DTLS_A_HANDSHAKE_PEER_ID, peer)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	return tell(req, msg);
}

/* A datagram that the kernel can open by now. */
int netlink_return(const struct request *req, const struct sockaddr *peer,
		   socklen_t peer_len, const void *buf, size_t len)
{
	struct nl_msg *msg = message(DTLS_CMD_HANDSHAKE_DATAGRAM, len);

	if (!msg)
		return -ENOMEM;
	if (nla_put_u64(msg, DTLS_A_HANDSHAKE_ID, req->id) ||
	    nla_put(msg, DTLS_A_HANDSHAKE_ADDRESS, peer_len, peer) ||
	    nla_put(msg, DTLS_A_HANDSHAKE_DATA, len, buf)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	return tell(req, msg);
}

/* Returns the descriptor to poll. */
int netlink_listen(struct request *req)
{
	int fd = nl_socket_get_fd(req->nl), size = LISTEN_RCVBUF, on = 1;

	/* A datagram more than there is room for is lost, and nothing else. */
	setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on));
	/* In a user namespace it is what the system allows. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

static socklen_t take_address(const struct nlattr *attr,
			      struct sockaddr_storage *out)
{
	size_t len = attr ? nla_len(attr) : 0;

	memset(out, 0, sizeof(*out));
	if (len > sizeof(*out))
		return 0;
	if (len)
		memcpy(out, nla_data(attr), len);
	return len;
}

static void got_datagram(struct nlattr **attrs, struct inbox *in)
{
	const struct nlattr *data = attrs[DTLS_A_HANDSHAKE_DATA];
	size_t len = data ? nla_len(data) : 0;
	struct datagram *d = NULL;

	if (!len || !attrs[DTLS_A_HANDSHAKE_ADDRESS])
		return;
	if (in->bytes + sizeof(*d) + len <= INBOX_MAX)
		d = calloc(1, sizeof(*d) + len);
	if (!d) {
		in->lost++;
		return;
	}
	d->peer_len = take_address(attrs[DTLS_A_HANDSHAKE_ADDRESS], &d->peer);
	d->local_len = take_address(attrs[DTLS_A_HANDSHAKE_LOCAL], &d->local);
	d->len = len;
	memcpy(d->data, nla_data(data), len);
	in->bytes += sizeof(*d) + len;
	*in->last = d;
	in->last = &d->next;
}

/* What the kernel has to say: a datagram, or the reply numbered @seq. */
static void got_message(const struct request *req, struct nlmsghdr *h,
			struct inbox *in, uint32_t seq, int *fd)
{
	struct nlattr *attrs[DTLS_A_HANDSHAKE_MAX + 1];
	struct genlmsghdr *genl = nlmsg_data(h);
	struct nlmsgerr *e = nlmsg_data(h);

	if (h->nlmsg_type == NLMSG_ERROR &&
	    h->nlmsg_len >= NLMSG_LENGTH(sizeof(*e))) {
		if (seq && h->nlmsg_seq == seq)
			*fd = e->error ?: -EPROTO;
		else if (e->error)
			say(LOG_DEBUG, "the kernel: %s", strerror(-e->error));
		return;
	}
	if (h->nlmsg_type != family ||
	    genlmsg_parse(h, 0, attrs, DTLS_A_HANDSHAKE_MAX, NULL) ||
	    !attrs[DTLS_A_HANDSHAKE_ID] ||
	    nla_get_u64(attrs[DTLS_A_HANDSHAKE_ID]) != req->id)
		return;
	if (genl->cmd == DTLS_CMD_HANDSHAKE_DATAGRAM_NTF)
		got_datagram(attrs, in);
	else if (genl->cmd == DTLS_CMD_HANDSHAKE_ACCEPT && seq &&
		 h->nlmsg_seq == seq && attrs[DTLS_A_HANDSHAKE_FD])
		*fd = nla_get_s32(attrs[DTLS_A_HANDSHAKE_FD]);
}

/* All there is, up to the reply numbered @seq (0: none). -EAGAIN: there is none. */
static int pull(const struct request *req, struct inbox *in, uint32_t seq)
{
	static unsigned char buf[128 << 10];
	struct sockaddr_nl from;
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = {
		.msg_name = &from, .msg_iov = &iov, .msg_iovlen = 1,
	};
	int fd = -EAGAIN, rest, i;
	struct nlmsghdr *h;
	ssize_t n;

	/* The reply is there already, behind no more than the kernel may queue. */
	for (i = 0; fd == -EAGAIN && (seq || i < PULL_MAX); i++) {
		msg.msg_namelen = sizeof(from);
		n = recvmsg(nl_socket_get_fd(req->nl), &msg, MSG_DONTWAIT);
		/* ENOBUFS: some got lost. */
		if (n < 0 && (errno == EINTR || errno == ENOBUFS))
			continue;
		if (n < 0)
			break;
		if (from.nl_pid || msg.msg_flags & MSG_TRUNC)
			continue;
		rest = n;
		for (h = (struct nlmsghdr *)buf; nlmsg_ok(h, rest);
		     h = nlmsg_next(h, &rest))
			got_message(req, h, in, seq, &fd);
	}
	return fd;
}

/*
 * A descriptor of the socket, for as long as there is something to do: who keeps one
 * keeps the socket, and its port, when the program has closed it. -ENOENT: it has;
 * -EAGAIN: not now.
 */
int netlink_reopen(const struct request *req, struct inbox *in)
{
	struct nl_msg *msg;
	uint32_t seq;
	int ret;

	/* Where the queue is full there is no room for a reply. */
	pull(req, in, 0);
	msg = message(DTLS_CMD_HANDSHAKE_ACCEPT, 0);
	if (!msg || nla_put_u64(msg, DTLS_A_HANDSHAKE_ID, req->id)) {
		nlmsg_free(msg);
		return -EAGAIN;
	}
	ret = nl_send_auto(req->nl, msg);
	seq = nlmsg_hdr(msg)->nlmsg_seq;
	nlmsg_free(msg);
	return ret < 0 ? -EAGAIN : pull(req, in, seq);
}
