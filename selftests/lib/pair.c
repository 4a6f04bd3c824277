// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "pair.h"

void key_fill(struct dtls_keys *k, const struct oracle_key *o)
{
	memset(k, 0, sizeof(*k));
	k->size = sizeof(*k);
	k->version = DTLS_1_2_VERSION;
	k->cipher_suite = o->suite->id;
	k->epoch = o->epoch;
	k->seq = o->seq;
	k->key_len = o->suite->key_len;
	k->iv_len = o->suite->iv_len;
	memcpy(k->key, o->key, k->key_len);
	memcpy(k->iv, o->iv, k->iv_len);
}

int key_install(int fd, int option, const struct oracle_key *o)
{
	struct dtls_keys k;

	key_fill(&k, o);
	return setsockopt(fd, SOL_DTLS, option, &k, sizeof(k));
}

void key_state(int fd, int option, struct dtls_keys *k)
{
	socklen_t len = sizeof(*k);

	memset(k, 0xa5, sizeof(*k));
	if (getsockopt(fd, SOL_DTLS, option, k, &len))
		die("no state of option %d", option);
	if (len != sizeof(*k) || k->size != sizeof(*k))
		die("state of %u bytes, size %u", len, k->size);
}

void keys_next(struct dtls_end *from, struct dtls_end *to, __u16 epoch)
{
	oracle_key_init(&from->tx, from->tx.suite->id, epoch, from->fd);
	from->tx.seq = FIRST_SEQ;
	to->rx = from->tx;
}

static void install(struct dtls_end *e)
{
	if (!e->kernel)
		return;
	if (ulp_attach(e->fd))
		die("attach refused");
	if (key_install(e->fd, DTLS_TX, &e->tx) ||
	    key_install(e->fd, DTLS_RX, &e->rx))
		die("keys refused");
}

void pair_prepare(struct dtls_pair *p, __u16 suite, int family,
		  bool far_kernel)
{
	int fd[2];

	memset(p, 0, sizeof(*p));
	udp_pair(family, fd);
	p->suite = suite;
	p->near.fd = fd[0];
	p->near.kernel = true;
	p->far.fd = fd[1];
	p->far.kernel = far_kernel;
	p->near.tx.suite = oracle_suite(suite);
	p->far.tx.suite = oracle_suite(suite);
	keys_next(&p->near, &p->far, 1);
	keys_next(&p->far, &p->near, 1);
}

void pair_open(struct dtls_pair *p, __u16 suite, int family, bool far_kernel)
{
	pair_prepare(p, suite, family, far_kernel);
	install(&p->near);
	install(&p->far);
}

void pair_close(struct dtls_pair *p)
{
	close(p->near.fd);
	close(p->far.fd);
}

ssize_t send_cmsg(int fd, const void *data, size_t len, const void *cmsg,
		  size_t cmsg_len)
{
	union {
		char buf[CMSG_SPACE(256)];
		struct cmsghdr align;
	} u = {};
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.buf,
		.msg_controllen = CMSG_SPACE(cmsg_len),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_DTLS;
	c->cmsg_type = DTLS_RECORD_TYPE;
	c->cmsg_len = CMSG_LEN(cmsg_len);
	memcpy(CMSG_DATA(c), cmsg, cmsg_len);
	return sendmsg(fd, &msg, 0);
}

ssize_t recv_record(int fd, void *data, size_t len, int flags,
		    struct dtls_record *r, int *msg_flags)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct dtls_record))];
		struct cmsghdr align;
	} u = {};
	struct iovec iov = { data, len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.buf,
		.msg_controllen = sizeof(u.buf),
	};
	struct cmsghdr *c;
	ssize_t n;

	memset(r, 0, sizeof(*r));
	n = recvmsg(fd, &msg, flags);
	if (n < 0)
		return n;
	if (msg_flags)
		*msg_flags = msg.msg_flags;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_DTLS && c->cmsg_type == DTLS_RECORD_TYPE) {
		if (c->cmsg_len != CMSG_LEN(sizeof(*r)))
			die("record cmsg of %zu bytes", (size_t)c->cmsg_len);
		memcpy(r, CMSG_DATA(c), sizeof(*r));
	}
	return n;
}

ssize_t oracle_recv(struct dtls_end *e, struct oracle_record *r, int flags)
{
	static __u8 buf[65536];
	ssize_t n, used;

	if (flags & MSG_DONTWAIT)
		settle();
	n = recv(e->fd, buf, sizeof(buf), flags);
	if (n < 0)
		return -1;
	used = oracle_open(&e->rx, buf, n, r);
	if (used < 0) {
		errno = EBADMSG;
		return -1;
	}
	if (used != n)
		die("%zd bytes after the record", n - used);
	return r->len;
}

ssize_t end_send_type(struct dtls_end *e, __u8 type, const void *data,
		      size_t len)
{
	struct dtls_record r = { .type = type };
	__u8 buf[RECORD_ROOM];
	size_t n;

	if (e->kernel)
		return send_cmsg(e->fd, data, len, &r, sizeof(r));
	n = oracle_seal(&e->tx, type, data, len, buf);
	if (send(e->fd, buf, n, 0) != (ssize_t)n)
		return -1;
	return len;
}

ssize_t end_recv_type(struct dtls_end *e, __u8 *type, void *data, size_t len)
{
	struct oracle_record o;
	struct dtls_record r;
	ssize_t n;

	if (e->kernel) {
		n = recv_record(e->fd, data, len, 0, &r, NULL);
		*type = r.type;
		return n;
	}
	n = oracle_recv(e, &o, 0);
	if (n < 0)
		return n;
	*type = o.h.type;
	memcpy(data, o.data, (size_t)n < len ? (size_t)n : len);
	return n;
}

ssize_t end_send(struct dtls_end *e, const void *data, size_t len, int flags)
{
	if (e->kernel)
		return send(e->fd, data, len, flags);
	return end_send_type(e, DTLS_TYPE_DATA, data, len);
}

ssize_t end_recv(struct dtls_end *e, void *data, size_t len, int flags)
{
	struct oracle_record o;
	ssize_t n;

	if (e->kernel) {
		if (flags & MSG_DONTWAIT)
			settle();
		return recv(e->fd, data, len, flags);
	}
	n = oracle_recv(e, &o, flags);
	if (n < 0)
		return n;
	if (o.h.type != DTLS_TYPE_DATA)
		die("record of type %u", o.h.type);
	memcpy(data, o.data, (size_t)n < len ? (size_t)n : len);
	return n;
}

bool event_next(int fd, struct sock_extended_err *ee)
{
	union {
		char buf[512];
		struct cmsghdr align;
	} u = {};
	char data[64];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.buf,
		.msg_controllen = sizeof(u.buf),
	};
	struct cmsghdr *c;

	settle();
	memset(ee, 0, sizeof(*ee));
	if (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
		if (errno != EAGAIN)
			die("error queue");
		return false;
	}
	if (!(msg.msg_flags & MSG_ERRQUEUE))
		die("no MSG_ERRQUEUE in flags %#x", msg.msg_flags);
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if ((c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR)) {
			memcpy(ee, CMSG_DATA(c), sizeof(*ee));
			return true;
		}
	}
	die("event without extended error");
}

void fill(void *data, size_t len, unsigned int seed)
{
	__u8 *p = data;
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (i * 131 + (i >> 8) * 17 + seed * 29) & 0xff;
}
