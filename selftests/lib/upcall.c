// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "upcall.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

struct nl_request {
	struct nlmsghdr h;
	struct genlmsghdr g;
	char attrs[8192];
};

static void nl_put(struct nl_request *r, int type, const void *data, size_t len)
{
	struct nlattr *a = (void *)r + NLMSG_ALIGN(r->h.nlmsg_len);

	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy((char *)a + NLA_HDRLEN, data, len);
	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + NLMSG_ALIGN(a->nla_len);
}

static void nl_begin(struct nl_request *r, int type, int cmd)
{
	memset(r, 0, sizeof(*r));
	r->h.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	r->h.nlmsg_type = type;
	r->h.nlmsg_flags = NLM_F_REQUEST;
	/* news have none */
	r->h.nlmsg_seq = 1;
	r->g.cmd = cmd;
	r->g.version = 1;
}

static const struct nlattr *nl_find(const void *at, size_t len, int type)
{
	const struct nlattr *a = at;

	while (len >= NLA_HDRLEN && a->nla_len <= len) {
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return a;
		if (NLMSG_ALIGN(a->nla_len) >= len)
			break;
		len -= NLMSG_ALIGN(a->nla_len);
		a = (void *)a + NLMSG_ALIGN(a->nla_len);
	}
	return NULL;
}

/* Sends @r, and waits for @reply; or, if that is NULL, for an ACK. An errno. */
static int nl_call(int nl, struct nl_request *r, struct nl_request *reply)
{
	static char buf[16384];
	const struct nlmsghdr *h = (void *)buf;
	ssize_t n;

	if (!reply)
		r->h.nlmsg_flags |= NLM_F_ACK;
	if (send(nl, r, r->h.nlmsg_len, 0) < 0)
		return errno;
	for (;;) {
		n = recv(nl, buf, sizeof(buf), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (h->nlmsg_type == NLMSG_ERROR)
			return -((struct nlmsgerr *)NLMSG_DATA(h))->error;
		if (!reply || h->nlmsg_seq != 1)
			continue;
		must((size_t)n <= sizeof(*reply));
		memcpy(reply, buf, n);
		return 0;
	}
}

static int family(int nl, int *group)
{
	const struct nlattr *a, *g, *name, *id;
	struct nl_request r, reply;
	size_t len, left;
	int ret = -1;

	nl_begin(&r, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	nl_put(&r, CTRL_ATTR_FAMILY_NAME, "dtls", 5);
	if (nl_call(nl, &r, &reply))
		return -1;
	len = reply.h.nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN);
	a = nl_find(reply.attrs, len, CTRL_ATTR_FAMILY_ID);
	must(a);
	ret = *(__u16 *)((char *)a + NLA_HDRLEN);
	a = nl_find(reply.attrs, len, CTRL_ATTR_MCAST_GROUPS);
	must(a);
	left = a->nla_len - NLA_HDRLEN;
	g = (void *)a + NLA_HDRLEN;
	while (left >= NLA_HDRLEN) {
		name = nl_find((void *)g + NLA_HDRLEN, g->nla_len - NLA_HDRLEN,
			       CTRL_ATTR_MCAST_GRP_NAME);
		id = nl_find((void *)g + NLA_HDRLEN, g->nla_len - NLA_HDRLEN,
			     CTRL_ATTR_MCAST_GRP_ID);
		must(name && id);
		if (!strcmp((char *)name + NLA_HDRLEN, DTLS_MCGRP_HANDSHAKE))
			*group = *(__u32 *)((char *)id + NLA_HDRLEN);
		if (NLMSG_ALIGN(g->nla_len) >= left)
			break;
		left -= NLMSG_ALIGN(g->nla_len);
		g = (void *)g + NLMSG_ALIGN(g->nla_len);
	}
	return ret;
}

/* The same in every namespace. */
static int family_id;

int nl_open(bool listen, int *error)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	int group = 0;

	must(nl >= 0);
	must(!bind(nl, (struct sockaddr *)&any, sizeof(any)));
	family_id = family(nl, &group);
	must(family_id > 0 && group > 0);
	if (listen && setsockopt(nl, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
				 sizeof(group))) {
		*error = errno;
		close(nl);
		return -1;
	}
	return nl;
}

bool nl_heard(int nl)
{
	struct nl_request r;
	ssize_t n = recv(nl, &r, sizeof(r), MSG_DONTWAIT);

	return n > 0 && r.g.cmd == DTLS_CMD_HANDSHAKE_NTF;
}

static void get(const struct nl_request *r, int type, void *to, size_t len)
{
	const struct nlattr *a = nl_find(r->attrs, r->h.nlmsg_len -
					 NLMSG_LENGTH(GENL_HDRLEN), type);
	size_t n = a ? a->nla_len - NLA_HDRLEN : 0;

	memset(to, 0, len);
	if (a)
		memcpy(to, (char *)a + NLA_HDRLEN, n < len ? n : len);
}

int nl_accept(int nl, struct upcall *up)
{
	struct nl_request r, reply;
	int err;

	nl_begin(&r, family_id, DTLS_CMD_HANDSHAKE_ACCEPT);
	memset(&reply, 0, sizeof(reply));
	memset(up, 0, sizeof(*up));
	up->fd = -1;
	err = nl_call(nl, &r, &reply);
	if (err)
		return err;
	must(reply.g.cmd == DTLS_CMD_HANDSHAKE_ACCEPT);
	get(&reply, DTLS_A_HANDSHAKE_ID, &up->id, sizeof(up->id));
	get(&reply, DTLS_A_HANDSHAKE_FD, &up->fd, sizeof(up->fd));
	get(&reply, DTLS_A_HANDSHAKE_ROLE, &up->role, sizeof(up->role));
	get(&reply, DTLS_A_HANDSHAKE_TIMEOUT, &up->timeout, sizeof(up->timeout));
	get(&reply, DTLS_A_HANDSHAKE_UID, &up->uid, sizeof(up->uid));
	get(&reply, DTLS_A_HANDSHAKE_SERVER_NAME, up->server_name,
	    sizeof(up->server_name));
	get(&reply, DTLS_A_HANDSHAKE_CREDENTIAL, up->credential,
	    sizeof(up->credential));
	return 0;
}

int nl_done(int nl, __u64 id, __u32 status, const char *identity,
	    size_t identity_len)
{
	__u16 version = DTLS_1_2_VERSION, suite = SUITE_AES_128_GCM;
	__u32 kind = DTLS_IDENTITY_X509;
	struct nl_request r;

	nl_begin(&r, family_id, DTLS_CMD_HANDSHAKE_DONE);
	nl_put(&r, DTLS_A_HANDSHAKE_ID, &id, sizeof(id));
	nl_put(&r, DTLS_A_HANDSHAKE_STATUS, &status, sizeof(status));
	if (!status) {
		nl_put(&r, DTLS_A_HANDSHAKE_VERSION, &version, sizeof(version));
		nl_put(&r, DTLS_A_HANDSHAKE_CIPHER_SUITE, &suite, sizeof(suite));
		nl_put(&r, DTLS_A_HANDSHAKE_KIND, &kind, sizeof(kind));
		nl_put(&r, DTLS_A_HANDSHAKE_ALPN, "coap", 5);
		if (identity)
			nl_put(&r, DTLS_A_HANDSHAKE_IDENTITY, identity,
			       identity_len);
		nl_put(&r, DTLS_A_HANDSHAKE_SAN, "DNS:a", 6);
		nl_put(&r, DTLS_A_HANDSHAKE_SAN, "DNS:bc", 7);
	}
	return nl_call(nl, &r, NULL);
}

/* ------------------------------------------------------------------------ */

struct order {
	enum helper_does what;
	int arg;
};

static int take(int news, int nl, struct upcall *up)
{
	struct pollfd pfd = { news, POLLIN, 0 };
	int err;

	while ((err = nl_accept(nl, up)) == EAGAIN) {
		must(poll(&pfd, 1, -1) == 1);
		nl_heard(news);
	}
	return -err;
}

static int obey(const struct order *o, struct dtls_pair *p, int news, int nl,
		int other, struct upcall *up)
{
	struct pollfd pfd = { up->fd, POLLIN, 0 };
	char buf[2048] = "hello";
	ssize_t n;

	switch (o->what) {
	case HELPER_TAKE:
		return take(news, nl, up);
	case HELPER_ASK:
		return -nl_accept(nl, up);
	case HELPER_RECV:
		settle();
		n = recv(up->fd, buf, sizeof(buf), MSG_DONTWAIT);
		return n < 0 ? -errno : n;
	case HELPER_SEND:
		n = send(up->fd, buf, 5, MSG_DONTWAIT);
		return n < 0 ? -errno : n;
	case HELPER_POLL:
		settle();
		return poll(&pfd, 1, 0) < 0 ? -errno : pfd.revents;
	case HELPER_KEYS:
		return key_install(up->fd, DTLS_TX, &p->near.tx) ||
		       key_install(up->fd, DTLS_RX, &p->near.rx) ? -errno : 0;
	case HELPER_DONE:
		return -nl_done(nl, up->id, o->arg, "CN=far", 7);
	case HELPER_DONE_OTHER:
		return -nl_done(other, up->id, o->arg, "CN=far", 7);
	case HELPER_CLOSE:
		return close(up->fd) ? -errno : 0;
	}
	return -EINVAL;
}

void helper_start(struct helper *h, struct dtls_pair *p)
{
	int link[2], news, nl, other, err, ret;
	struct upcall up = { .fd = -1 };
	struct order o;

	must(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link));
	h->pid = spawn();
	if (h->pid) {
		h->link = link[0];
		close(link[1]);
		/* it listens */
		must(read(h->link, &ret, sizeof(ret)) == sizeof(ret) && !ret);
		return;
	}
	close(link[0]);
	/* the program's descriptors are not the daemon's */
	if (p) {
		close(p->near.fd);
		close(p->far.fd);
	}
	news = nl_open(true, &err);
	nl = nl_open(false, &err);
	other = nl_open(false, &err);
	ret = news < 0 ? err : 0;
	must(write(link[1], &ret, sizeof(ret)) == sizeof(ret));
	while (read(link[1], &o, sizeof(o)) == sizeof(o)) {
		ret = obey(&o, p, news, nl, other, &up);
		must(write(link[1], &ret, sizeof(ret)) == sizeof(ret));
		if (o.what == HELPER_TAKE || o.what == HELPER_ASK)
			must(write(link[1], &up, sizeof(up)) == sizeof(up));
	}
	_exit(0);
}

void helper_stop(struct helper *h)
{
	/* in this order: at the end of the link it would go by itself */
	stop_child(h->pid);
	close(h->link);
}

static struct upcall last;

int helper_does(struct helper *h, enum helper_does what, int arg)
{
	struct order o = { what, arg };
	int ret;

	must(write(h->link, &o, sizeof(o)) == sizeof(o));
	must(read(h->link, &ret, sizeof(ret)) == sizeof(ret));
	if (what == HELPER_TAKE || what == HELPER_ASK)
		must(read(h->link, &last, sizeof(last)) == sizeof(last));
	return ret;
}

void helper_took(struct helper *h, struct upcall *up)
{
	(void)h;
	*up = last;
}
