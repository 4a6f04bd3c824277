// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "upcall.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

int nl_open(struct genl *g, bool listen)
{
	int on = 1, err;

	genl_open(g);
	/* a refusal would send names back that are longer than what genl_recv() takes */
	must(!setsockopt(g->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)));
	err = listen ? genl_join(g, g->handshake) : 0;
	if (err)
		genl_close(g);
	return err;
}

static void heard(const struct genl_msg *m, const struct nlmsghdr *nlh, void *arg)
{
	(void)nlh;
	*(bool *)arg = m->cmd == DTLS_CMD_HANDSHAKE_NTF;
}

bool nl_heard(struct genl *g)
{
	bool yes = false;

	return genl_event(g, heard, &yes) && yes;
}

static void get_text(const struct nlattr *a, char *to, size_t room)
{
	if (!a)
		return;
	must(genl_len(a) <= room);
	memcpy(to, genl_data(a), genl_len(a));
}

static void accepted(const struct genl_msg *m, const struct nlmsghdr *nlh, void *arg)
{
	struct upcall *up = arg;

	(void)nlh;
	/* news have come before the answer */
	if (m->cmd != DTLS_CMD_HANDSHAKE_ACCEPT)
		return;
	up->id = genl_get_u64(m->attr[DTLS_A_HANDSHAKE_ID]);
	up->fd = genl_get_u32(m->attr[DTLS_A_HANDSHAKE_FD]);
	up->role = genl_get_u32(m->attr[DTLS_A_HANDSHAKE_ROLE]);
	up->timeout = genl_get_u32(m->attr[DTLS_A_HANDSHAKE_TIMEOUT]);
	up->uid = genl_get_u32(m->attr[DTLS_A_HANDSHAKE_UID]);
	get_text(m->attr[DTLS_A_HANDSHAKE_SERVER_NAME], up->server_name,
		 sizeof(up->server_name));
	get_text(m->attr[DTLS_A_HANDSHAKE_CREDENTIAL], up->credential,
		 sizeof(up->credential));
}

/* Without an ACK: one for which there is no memory gets lost. */
int nl_ask(struct genl *g)
{
	struct genl_req r;

	genl_begin(&r, DTLS_CMD_HANDSHAKE_ACCEPT);
	return genl_send(g, &r, 0);
}

int nl_answer(struct genl *g, struct upcall *up)
{
	int ret;

	memset(up, 0, sizeof(*up));
	up->fd = -1;
	do {
		ret = genl_recv(g, accepted, up);
	} while ((ret > 0 && up->fd < 0) || ret == -EINTR);
	return ret < 0 ? -ret : 0;
}

int nl_accept(struct genl *g, struct upcall *up)
{
	return nl_ask(g) ?: nl_answer(g, up);
}

int nl_done(struct genl *g, __u64 id, __u32 status, const char *identity,
	    size_t identity_len)
{
	struct genl_req r;

	genl_begin(&r, DTLS_CMD_HANDSHAKE_DONE);
	genl_u64(&r, DTLS_A_HANDSHAKE_ID, id);
	genl_u32(&r, DTLS_A_HANDSHAKE_STATUS, status);
	if (!status) {
		genl_u16(&r, DTLS_A_HANDSHAKE_VERSION, DTLS_1_2_VERSION);
		genl_u16(&r, DTLS_A_HANDSHAKE_CIPHER_SUITE, SUITE_AES_128_GCM);
		genl_u32(&r, DTLS_A_HANDSHAKE_KIND, DTLS_IDENTITY_X509);
		genl_put(&r, DTLS_A_HANDSHAKE_ALPN, "coap", 5);
		if (identity)
			genl_put(&r, DTLS_A_HANDSHAKE_IDENTITY, identity,
				 identity_len);
		genl_put(&r, DTLS_A_HANDSHAKE_SAN, "DNS:a", 6);
		genl_put(&r, DTLS_A_HANDSHAKE_SAN, "DNS:bc", 7);
	}
	return genl_ask(g, &r, 0, NULL, NULL);
}

int nl_again(struct genl *g, __u64 id, struct upcall *up)
{
	struct genl_req r;

	genl_begin(&r, DTLS_CMD_HANDSHAKE_ACCEPT);
	genl_u64(&r, DTLS_A_HANDSHAKE_ID, id);
	return genl_send(g, &r, 0) ?: nl_answer(g, up);
}

static void get_bytes(const struct nlattr *a, void *to, size_t room)
{
	must(a && genl_len(a) <= room);
	memset(to, 0, room);
	memcpy(to, genl_data(a), genl_len(a));
}

static void came(const struct genl_msg *m, const struct nlmsghdr *nlh, void *arg)
{
	struct upcall_datagram *d = arg;

	(void)nlh;
	if (m->cmd != DTLS_CMD_HANDSHAKE_DATAGRAM_NTF)
		return;
	d->id = genl_get_u64(m->attr[DTLS_A_HANDSHAKE_ID]);
	get_bytes(m->attr[DTLS_A_HANDSHAKE_ADDRESS], &d->from, sizeof(d->from));
	get_bytes(m->attr[DTLS_A_HANDSHAKE_LOCAL], &d->to, sizeof(d->to));
	get_bytes(m->attr[DTLS_A_HANDSHAKE_DATA], d->data, sizeof(d->data));
	d->len = genl_len(m->attr[DTLS_A_HANDSHAKE_DATA]);
}

int nl_datagram(struct genl *g, bool soon, struct upcall_datagram *d)
{
	int ret;

	memset(d, 0, sizeof(*d));
	if (soon)
		settle();
	do {
		if (soon && !poll_now(g->fd, POLLIN))
			return EAGAIN;
		ret = genl_recv(g, came, d);
	} while (ret > 0 && !d->id);
	return ret < 0 ? -ret : 0;
}

int nl_give(struct genl *g, __u64 id, const struct sockaddr_storage *from,
	    const void *data, size_t len)
{
	struct genl_req r;

	genl_begin(&r, DTLS_CMD_HANDSHAKE_DATAGRAM);
	genl_u64(&r, DTLS_A_HANDSHAKE_ID, id);
	genl_put(&r, DTLS_A_HANDSHAKE_ADDRESS, from, from->ss_family == AF_INET ?
		 sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
	genl_put(&r, DTLS_A_HANDSHAKE_DATA, data, len);
	return genl_ask(g, &r, 0, NULL, NULL);
}

int nl_met(struct genl *g, __u64 id, __u64 peer, const char *identity)
{
	struct genl_req r;

	genl_begin(&r, DTLS_CMD_HANDSHAKE_DONE);
	genl_u64(&r, DTLS_A_HANDSHAKE_ID, id);
	genl_u32(&r, DTLS_A_HANDSHAKE_STATUS, 0);
	genl_u64(&r, DTLS_A_HANDSHAKE_PEER_ID, peer);
	genl_u16(&r, DTLS_A_HANDSHAKE_VERSION, DTLS_1_2_VERSION);
	genl_u16(&r, DTLS_A_HANDSHAKE_CIPHER_SUITE, SUITE_AES_128_GCM);
	genl_u32(&r, DTLS_A_HANDSHAKE_KIND, DTLS_IDENTITY_PSK);
	genl_put(&r, DTLS_A_HANDSHAKE_IDENTITY, identity, strlen(identity) + 1);
	return genl_ask(g, &r, 0, NULL, NULL);
}

/* ------------------------------------------------------------------------ */

struct order {
	enum helper_does what;
	int arg;
};

static int take(struct genl *news, struct genl *nl, struct upcall *up)
{
	struct pollfd pfd = { news->fd, POLLIN, 0 };
	int err;

	while ((err = nl_accept(nl, up)) == EAGAIN) {
		must(poll(&pfd, 1, -1) == 1);
		nl_heard(news);
	}
	return -err;
}

/* The daemon's netlink: one that listens, one that asks, and one more. */
struct desk {
	struct genl news, nl, other;
};

static int obey(const struct order *o, struct dtls_pair *p, struct desk *d,
		struct upcall *up)
{
	struct pollfd pfd = { up->fd, POLLIN, 0 };
	char buf[2048] = "hello";
	ssize_t n;

	switch (o->what) {
	case HELPER_TAKE:
		return take(&d->news, &d->nl, up);
	case HELPER_ASK:
		return -nl_accept(&d->nl, up);
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
		return -nl_done(&d->nl, up->id, o->arg, "CN=far", 7);
	case HELPER_DONE_OTHER:
		return -nl_done(&d->other, up->id, o->arg, "CN=far", 7);
	case HELPER_CLOSE:
		return close(up->fd) ? -errno : 0;
	}
	return -EINVAL;
}

void helper_start(struct helper *h, struct dtls_pair *p)
{
	int link[2], ret;
	struct upcall up = { .fd = -1 };
	struct order o;
	struct desk d;

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
	ret = nl_open(&d.news, true);
	must(!nl_open(&d.nl, false) && !nl_open(&d.other, false));
	must(write(link[1], &ret, sizeof(ret)) == sizeof(ret));
	while (read(link[1], &o, sizeof(o)) == sizeof(o)) {
		ret = obey(&o, p, &d, &up);
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
