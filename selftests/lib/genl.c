// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "genl.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

const void *genl_data(const struct nlattr *a)
{
	return (const __u8 *)a + NLA_HDRLEN;
}

size_t genl_len(const struct nlattr *a)
{
	return a->nla_len - NLA_HDRLEN;
}

__u16 genl_get_u16(const struct nlattr *a)
{
	__u16 val;

	must(a && genl_len(a) == sizeof(val));
	memcpy(&val, genl_data(a), sizeof(val));
	return val;
}

__u32 genl_get_u32(const struct nlattr *a)
{
	__u32 val;

	must(a && genl_len(a) == sizeof(val));
	memcpy(&val, genl_data(a), sizeof(val));
	return val;
}

__u64 genl_get_u64(const struct nlattr *a)
{
	__u64 val;

	must(a && genl_len(a) == sizeof(val));
	memcpy(&val, genl_data(a), sizeof(val));
	return val;
}

static const struct nlattr *genl_find(const void *from, size_t len, __u16 type)
{
	const __u8 *p = from;

	while (len >= NLA_HDRLEN) {
		const struct nlattr *a = (const void *)p;
		size_t step = NLA_ALIGN(a->nla_len);

		must(a->nla_len >= NLA_HDRLEN && a->nla_len <= len);
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return a;
		if (step > len)
			break;
		p += step;
		len -= step;
	}
	return NULL;
}

const struct nlattr *genl_in(const struct nlattr *nest, __u16 type)
{
	return nest ? genl_find(genl_data(nest), genl_len(nest), type) : NULL;
}

void genl_begin(struct genl_req *r, __u8 cmd)
{
	struct genlmsghdr *gh = NLMSG_DATA(&r->nlh);

	memset(r, 0, sizeof(*r));
	r->nlh.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	gh->cmd = cmd;
	gh->version = DTLS_FAMILY_VERSION;
}

void genl_put(struct genl_req *r, __u16 type, const void *data, size_t len)
{
	struct nlattr *a = (void *)(r->buf + r->nlh.nlmsg_len);

	must(r->nlh.nlmsg_len + NLA_HDRLEN + NLA_ALIGN(len) <= sizeof(*r));
	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy((__u8 *)a + NLA_HDRLEN, data, len);
	r->nlh.nlmsg_len += NLA_HDRLEN + NLA_ALIGN(len);
}

void genl_u16(struct genl_req *r, __u16 type, __u16 val)
{
	genl_put(r, type, &val, sizeof(val));
}

void genl_u32(struct genl_req *r, __u16 type, __u32 val)
{
	genl_put(r, type, &val, sizeof(val));
}

void genl_u64(struct genl_req *r, __u16 type, __u64 val)
{
	genl_put(r, type, &val, sizeof(val));
}

size_t genl_nest(struct genl_req *r, __u16 type)
{
	size_t at = r->nlh.nlmsg_len;

	genl_put(r, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void genl_nest_end(struct genl_req *r, size_t at)
{
	((struct nlattr *)(r->buf + at))->nla_len = r->nlh.nlmsg_len - at;
}

void genl_begin_fd(struct genl_req *r, __u8 cmd, int fd)
{
	genl_begin(r, cmd);
	genl_u32(r, DTLS_A_FD, fd);
}

void genl_keys(struct genl_req *r, __u16 type, const struct dtls_keys *k)
{
	size_t at = genl_nest(r, type);

	genl_u16(r, DTLS_A_KEYS_VERSION, k->version);
	genl_u16(r, DTLS_A_KEYS_CIPHER_SUITE, k->cipher_suite);
	genl_u32(r, DTLS_A_KEYS_EPOCH, k->epoch);
	genl_u64(r, DTLS_A_KEYS_SEQ, k->seq);
	if (k->key_len)
		genl_put(r, DTLS_A_KEYS_KEY, k->key, k->key_len);
	if (k->iv_len)
		genl_put(r, DTLS_A_KEYS_IV, k->iv, k->iv_len);
	if (k->secret_len)
		genl_put(r, DTLS_A_KEYS_SECRET, k->secret, k->secret_len);
	if (k->message_seq)
		genl_u16(r, DTLS_A_KEYS_MESSAGE_SEQ, k->message_seq);
	genl_nest_end(r, at);
}

void genl_address(struct genl_req *r, const struct sockaddr_storage *ss)
{
	genl_put(r, DTLS_A_ADDRESS, ss, ss->ss_family == AF_INET ?
		 sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
}

void genl_peer_new(struct genl_req *r, const struct crowd *c,
		   const struct member *m, __u32 flags)
{
	struct dtls_keys tx, rx;

	member_keys(c, m, &tx, &rx);
	genl_begin_fd(r, DTLS_CMD_PEER_NEW, c->fd);
	genl_address(r, &m->addr);
	genl_keys(r, DTLS_A_TX_KEYS, &tx);
	genl_keys(r, DTLS_A_RX_KEYS, &rx);
	if (flags)
		genl_u32(r, DTLS_A_FLAGS, flags);
}

int genl_send(struct genl *g, struct genl_req *r, __u16 flags)
{
	if (!r->nlh.nlmsg_type)
		r->nlh.nlmsg_type = g->family;
	r->nlh.nlmsg_flags = NLM_F_REQUEST | flags;
	r->nlh.nlmsg_seq = ++g->seq;
	return send(g->fd, r, r->nlh.nlmsg_len, 0) < 0 ? errno : 0;
}

/* What an error or an ACK says besides. */
static void genl_extack(struct genl *g, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = NLMSG_DATA(nlh);
	size_t skip = NLMSG_HDRLEN + sizeof(*e);
	const struct nlattr *a;

	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || nlh->nlmsg_len <= skip)
		return;
	a = genl_find((const __u8 *)nlh + skip, nlh->nlmsg_len - skip,
		      NLMSGERR_ATTR_MSG);
	if (a)
		snprintf(g->text, sizeof(g->text), "%.*s", (int)genl_len(a),
			 (const char *)genl_data(a));
	a = genl_find((const __u8 *)nlh + skip, nlh->nlmsg_len - skip,
		      NLMSGERR_ATTR_OFFS);
	g->bad = a ? genl_get_u32(a) : 0;
}

/* The end of a dump can be an error, too. */
static void genl_done(struct genl *g, const struct nlmsghdr *nlh)
{
	size_t skip = NLMSG_HDRLEN + sizeof(int);
	const struct nlattr *a;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || nlh->nlmsg_len <= skip)
		return;
	a = genl_find((const __u8 *)nlh + skip, nlh->nlmsg_len - skip,
		      NLMSGERR_ATTR_MSG);
	if (a)
		snprintf(g->text, sizeof(g->text), "%.*s", (int)genl_len(a),
			 (const char *)genl_data(a));
}

static void genl_parse(const struct nlmsghdr *nlh, struct genl_msg *m)
{
	const struct genlmsghdr *gh = NLMSG_DATA(nlh);
	int i;

	memset(m, 0, sizeof(*m));
	m->cmd = gh->cmd;
	for (i = 1; i <= DTLS_A_MAX; i++)
		m->attr[i] = genl_find((const __u8 *)gh + GENL_HDRLEN,
				       nlh->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN), i);
}

/* Small: the kernel makes no part of a dump larger than what was last asked for. */
static __thread __u8 genl_buf[4096] __attribute__((aligned(8)));

int genl_recv(struct genl *g, genl_each each, void *arg)
{
	const struct nlmsghdr *nlh = (void *)genl_buf;
	struct genl_msg m;
	ssize_t n;

	n = recv(g->fd, genl_buf, sizeof(genl_buf), MSG_TRUNC);
	if (n < 0)
		return -errno;
	must((size_t)n <= sizeof(genl_buf));
	for (; NLMSG_OK(nlh, n); nlh = NLMSG_NEXT(nlh, n)) {
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			g->inter = true;
		switch (nlh->nlmsg_type) {
		case NLMSG_ERROR:
			genl_extack(g, nlh);
			return ((const struct nlmsgerr *)NLMSG_DATA(nlh))->error;
		case NLMSG_DONE:
			genl_done(g, nlh);
			return *(const int *)NLMSG_DATA(nlh);
		default:
			genl_parse(nlh, &m);
			if (each)
				each(&m, nlh, arg);
		}
	}
	return 1;
}

int genl_ask(struct genl *g, struct genl_req *r, __u16 flags, genl_each each,
	     void *arg)
{
	int ret;

	g->text[0] = '\0';
	g->bad = 0;
	g->inter = false;
	ret = genl_send(g, r, flags | NLM_F_ACK);
	if (ret)
		return ret;
	do {
		ret = genl_recv(g, each, arg);
	} while (ret > 0);
	return -ret;
}

bool genl_event(struct genl *g, genl_each each, void *arg)
{
	const struct nlmsghdr *nlh = (void *)genl_buf;
	struct genl_msg m;
	ssize_t n;

	n = recv(g->fd, genl_buf, sizeof(genl_buf), MSG_DONTWAIT);
	if (n < 0)
		return false;
	must(NLMSG_OK(nlh, n));
	genl_parse(nlh, &m);
	if (each)
		each(&m, nlh, arg);
	return true;
}

/* The controller's answer, whose attributes are not those of DTLS. */
static void genl_family(struct genl *g, const struct nlmsghdr *nlh)
{
	const __u8 *from = (const __u8 *)NLMSG_DATA(nlh) + GENL_HDRLEN;
	size_t len = nlh->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN);
	const struct nlattr *groups = genl_find(from, len, CTRL_ATTR_MCAST_GROUPS);
	int i;

	g->family = genl_get_u16(genl_find(from, len, CTRL_ATTR_FAMILY_ID));
	for (i = 1; groups && genl_in(groups, i); i++) {
		const struct nlattr *one = genl_in(groups, i);
		const char *name = genl_data(genl_in(one, CTRL_ATTR_MCAST_GRP_NAME));
		__u32 id = genl_get_u32(genl_in(one, CTRL_ATTR_MCAST_GRP_ID));

		if (!strcmp(name, DTLS_MCGRP_EVENTS))
			g->events = id;
		else if (!strcmp(name, DTLS_MCGRP_HANDSHAKE))
			g->handshake = id;
	}
}

void genl_open(struct genl *g)
{
	const struct nlmsghdr *nlh = (void *)genl_buf;
	struct genl_req r;
	int on = 1;

	memset(g, 0, sizeof(*g));
	g->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	must(g->fd >= 0);
	must(!setsockopt(g->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)));
	must(!setsockopt(g->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on)));
	genl_begin(&r, CTRL_CMD_GETFAMILY);
	r.nlh.nlmsg_type = GENL_ID_CTRL;
	genl_put(&r, CTRL_ATTR_FAMILY_NAME, DTLS_FAMILY_NAME, sizeof(DTLS_FAMILY_NAME));
	must(!genl_send(g, &r, 0));
	must(recv(g->fd, genl_buf, sizeof(genl_buf), 0) > 0);
	if (nlh->nlmsg_type == NLMSG_ERROR)
		die("no generic netlink family \"dtls\"");
	genl_family(g, nlh);
}

void genl_close(struct genl *g)
{
	if (g->fd > 0)
		close(g->fd);
	g->fd = -1;
}

int genl_join(struct genl *g, __u32 group)
{
	return setsockopt(g->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
			  sizeof(group)) ? errno : 0;
}

__u64 cookie_of(int fd)
{
	__u64 cookie = 0;
	socklen_t len = sizeof(cookie);

	must(!getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len));
	return cookie;
}

void genl_begin_cookie(struct genl_req *r, __u8 cmd, int fd)
{
	genl_begin(r, cmd);
	genl_u64(r, DTLS_A_COOKIE, cookie_of(fd));
}

static void see(const struct genl_msg *m, const struct nlmsghdr *nlh, void *arg)
{
	struct seen *s = arg;
	int i;

	must(nlh->nlmsg_len <= sizeof(s->copy));
	memcpy(s->copy, nlh, nlh->nlmsg_len);
	s->count++;
	s->m.cmd = m->cmd;
	memset(s->m.attr, 0, sizeof(s->m.attr));
	for (i = 0; i <= DTLS_A_MAX; i++)
		if (m->attr[i])
			s->m.attr[i] = (const void *)
				(s->copy + ((const __u8 *)m->attr[i] - (const __u8 *)nlh));
}

int ask(struct genl *g, struct genl_req *r, __u16 flags, struct seen *s)
{
	memset(s, 0, sizeof(*s));
	return genl_ask(g, r, flags, see, s);
}

int peer_new(struct genl *g, const struct crowd *c, struct member *m,
	     __u32 flags)
{
	struct genl_req r;
	struct seen s;
	int err;

	genl_peer_new(&r, c, m, flags);
	err = ask(g, &r, 0, &s);
	if (!err)
		m->id = genl_get_u64(s.m.attr[DTLS_A_PEER_ID]);
	return err;
}
