// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crowd.h"

static void member_prepare(const struct crowd *c, struct member *m,
			   unsigned int i, bool kernel)
{
	int fd = udp_bound(c->family);

	udp_connect(fd, c->fd);
	m->addr_len = sizeof(m->addr);
	must(!getsockname(fd, (void *)&m->addr, &m->addr_len));
	m->end12.fd = fd;
	m->end12.kernel = kernel;
	m->end13.fd = fd;
	m->end13.kernel = kernel;
	if (c->v13) {
		oracle13_key_init(&m->end13.tx, c->suite, EPOCH13, 2 * i + 1);
		oracle13_key_init(&m->end13.rx[0].key, c->suite, EPOCH13,
				  2 * i + 2);
		m->end13.tx.seq = FAR13_SEQ;
		m->end13.rx[0].key.seq = NEAR13_SEQ;
		m->end13.rx[0].next = NEAR13_SEQ;
		m->end13.tx_message = FAR13_MESSAGE;
		m->end13.rx_message = NEAR13_MESSAGE;
	} else {
		oracle_key_init(&m->end12.tx, c->suite, 1, 2 * i + 1);
		oracle_key_init(&m->end12.rx, c->suite, 1, 2 * i + 2);
		m->end12.tx.seq = FIRST_SEQ;
		m->end12.rx.seq = FIRST_SEQ;
	}
	if (!kernel)
		return;
	must(!ulp_attach(fd));
	if (c->v13) {
		must(!key13_install(fd, DTLS_TX, &m->end13.tx, FAR13_MESSAGE));
		must(!key13_install(fd, DTLS_RX, &m->end13.rx[0].key,
				    NEAR13_MESSAGE));
	} else {
		must(!key_install(fd, DTLS_TX, &m->end12.tx));
		must(!key_install(fd, DTLS_RX, &m->end12.rx));
	}
}

void crowd_prepare(struct crowd *c, __u16 suite, int family, unsigned int nr,
		   bool far_kernel)
{
	unsigned int i;

	memset(c, 0, sizeof(*c));
	c->family = family;
	c->suite = suite;
	c->v13 = suite >> 8 == 0x13;
	c->fd = udp_bound(family);
	c->nr = nr;
	c->m = calloc(nr, sizeof(*c->m));
	must(c->m);
	for (i = 0; i < nr; i++)
		member_prepare(c, &c->m[i], i, far_kernel);
	must(!ulp_attach(c->fd));
}

void crowd_open(struct crowd *c, __u16 suite, int family, unsigned int nr,
		bool far_kernel)
{
	unsigned int i;

	crowd_prepare(c, suite, family, nr, far_kernel);
	for (i = 0; i < nr; i++)
		must(!peer_add(c, &c->m[i], DTLS_PEER_TX | DTLS_PEER_RX));
}

void crowd_close(struct crowd *c)
{
	unsigned int i;

	close(c->fd);
	for (i = 0; i < c->nr; i++)
		close(c->m[i].end12.fd);
	free(c->m);
}

void member_keys(const struct crowd *c, const struct member *m,
		 struct dtls_keys *tx, struct dtls_keys *rx)
{
	if (c->v13) {
		key13_fill(tx, &m->end13.rx[0].key, NEAR13_MESSAGE);
		key13_fill(rx, &m->end13.tx, FAR13_MESSAGE);
	} else {
		key_fill(tx, &m->end12.rx);
		key_fill(rx, &m->end12.tx);
	}
}

size_t peer_add_fill(const struct crowd *c, const struct member *m, __u32 flags,
		     void *buf)
{
	struct dtls_peer_info info = { .size = sizeof(info), .flags = flags };
	__u8 *at = buf;
	struct dtls_keys tx, rx;

	member_keys(c, m, &tx, &rx);
	memcpy(&info.addr, &m->addr, m->addr_len);
	memcpy(at, &info, sizeof(info));
	at += sizeof(info);
	if (flags & DTLS_PEER_TX) {
		memcpy(at, &tx, sizeof(tx));
		at += sizeof(tx);
	}
	if (flags & DTLS_PEER_RX) {
		memcpy(at, &rx, sizeof(rx));
		at += sizeof(rx);
	}
	return at - (__u8 *)buf;
}

int peer_add(struct crowd *c, struct member *m, __u32 flags)
{
	__u8 buf[PEER_ADD_ROOM];
	size_t len = peer_add_fill(c, m, flags, buf);

	if (setsockopt(c->fd, SOL_DTLS, DTLS_PEER_ADD, buf, len))
		return errno;
	__atomic_store_n(&m->id, peer_id(c->fd, &m->addr), __ATOMIC_RELAXED);
	must(m->id);
	return 0;
}

int peer_del(int fd, __u64 id, __u32 flags)
{
	struct dtls_peer_info info = {
		.size = sizeof(info), .id = id, .flags = flags,
	};

	return setsockopt(fd, SOL_DTLS, DTLS_PEER_DEL, &info, sizeof(info)) ?
	       errno : 0;
}

int peer_info(int fd, struct dtls_peer_info *info)
{
	socklen_t len = sizeof(*info);

	info->size = sizeof(*info);
	if (getsockopt(fd, SOL_DTLS, DTLS_PEER_INFO, info, &len))
		return errno;
	must(len == sizeof(*info));
	return 0;
}

__u64 peer_id(int fd, const struct sockaddr_storage *addr)
{
	struct dtls_peer_info info = {};

	memcpy(&info.addr, addr, sizeof(info.addr));
	return peer_info(fd, &info) ? 0 : info.id;
}

int peer_peeloff(int fd, __u64 id, __u32 flags)
{
	struct dtls_peer_peeloff arg = {
		.size = sizeof(arg), .flags = flags, .id = id,
	};
	socklen_t len = sizeof(arg);

	if (getsockopt(fd, SOL_DTLS, DTLS_PEER_PEELOFF, &arg, &len))
		return -errno;
	must(len == sizeof(arg) && arg.id == id && arg.flags == flags);
	return arg.fd;
}

int peer_set(int fd, __u64 id, int optname, const void *val, size_t len)
{
	struct dtls_peer_option opt = {
		.size = sizeof(opt), .optname = optname, .id = id,
	};
	__u8 buf[sizeof(opt) + 2000];

	must(len <= sizeof(buf) - sizeof(opt));
	memcpy(buf, &opt, sizeof(opt));
	memcpy(buf + sizeof(opt), val, len);
	return setsockopt(fd, SOL_DTLS, DTLS_PEER_OPTION, buf,
			  sizeof(opt) + len) ? errno : 0;
}

int peer_get(int fd, __u64 id, int optname, void *val, size_t *len)
{
	struct dtls_peer_option opt = {
		.size = sizeof(opt), .optname = optname, .id = id,
	};
	__u8 buf[sizeof(opt) + 2000];
	socklen_t n = sizeof(opt) + *len;

	must(n <= sizeof(buf));
	memcpy(buf, &opt, sizeof(opt));
	if (getsockopt(fd, SOL_DTLS, DTLS_PEER_OPTION, buf, &n))
		return errno;
	must(n >= sizeof(opt) && n <= sizeof(opt) + *len);
	*len = n - sizeof(opt);
	memcpy(val, buf + sizeof(opt), *len);
	return 0;
}

ssize_t member_send(const struct crowd *c, struct member *m, const void *data,
		    size_t len)
{
	return c->v13 ? end13_send(&m->end13, data, len, 0) :
			end_send(&m->end12, data, len, 0);
}

ssize_t member_recv(const struct crowd *c, struct member *m, void *data,
		    size_t len, int flags)
{
	return c->v13 ? end13_recv(&m->end13, data, len, flags) :
			end_recv(&m->end12, data, len, flags);
}

ssize_t member_alert(const struct crowd *c, struct member *m, __u8 level,
		     __u8 description)
{
	__u8 a[2] = { level, description };

	return c->v13 ? end13_send_type(&m->end13, DTLS_TYPE_ALERT, a, 2) :
			end_send_type(&m->end12, DTLS_TYPE_ALERT, a, 2);
}

ssize_t crowd_send(const struct crowd *c, const struct member *to,
		   const void *data, size_t len)
{
	return sendto(c->fd, data, len, 0, (const void *)&to->addr, to->addr_len);
}

ssize_t crowd_recv(const struct crowd *c, void *data, size_t len, int flags,
		   struct sockaddr_storage *from, __u64 *id, int *gro)
{
	union {
		char buf[256];
		struct cmsghdr align;
	} u = {};
	struct iovec iov = { data, len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_name = from,
		.msg_namelen = from ? sizeof(*from) : 0,
		.msg_control = u.buf,
		.msg_controllen = sizeof(u.buf),
	};
	struct cmsghdr *cm;
	ssize_t n;

	if (from)
		memset(from, 0, sizeof(*from));
	if (id)
		*id = 0;
	if (gro)
		*gro = 0;
	if (flags & MSG_DONTWAIT)
		settle();
	n = recvmsg(c->fd, &msg, flags);
	if (n < 0)
		return n;
	for (cm = CMSG_FIRSTHDR(&msg); cm; cm = CMSG_NXTHDR(&msg, cm)) {
		if (id && cm->cmsg_level == SOL_DTLS &&
		    cm->cmsg_type == DTLS_PEER_ID)
			memcpy(id, CMSG_DATA(cm), sizeof(*id));
		if (gro && cm->cmsg_level == SOL_UDP && cm->cmsg_type == UDP_GRO)
			memcpy(gro, CMSG_DATA(cm), sizeof(*gro));
	}
	return n;
}

static bool same(const struct sockaddr_storage *a,
		 const struct sockaddr_storage *b)
{
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_port == b4->sin_port &&
		       a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a6->sin6_port == b6->sin6_port &&
	       !memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr));
}

struct member *crowd_whose(const struct crowd *c,
			   const struct sockaddr_storage *from)
{
	unsigned int i;

	for (i = 0; i < c->nr; i++)
		if (same(&c->m[i].addr, from))
			return &c->m[i];
	return NULL;
}

bool crowd_event(const struct crowd *c, struct sock_extended_err *ee,
		 __u64 *id, struct sockaddr_storage *from)
{
	union {
		char buf[512];
		struct cmsghdr align;
	} u = {};
	struct dtls_event ev;
	struct iovec iov = { &ev, sizeof(ev) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_name = from,
		.msg_namelen = sizeof(*from),
		.msg_control = u.buf,
		.msg_controllen = sizeof(u.buf),
	};
	struct cmsghdr *cm;
	ssize_t n;

	memset(from, 0, sizeof(*from));
	settle();
	n = recvmsg(c->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);
	if (n < 0)
		return false;
	must(n == sizeof(ev) && !(msg.msg_flags & MSG_TRUNC));
	*id = ev.peer;
	for (cm = CMSG_FIRSTHDR(&msg); cm; cm = CMSG_NXTHDR(&msg, cm))
		if ((cm->cmsg_level == SOL_IP && cm->cmsg_type == IP_RECVERR) ||
		    (cm->cmsg_level == SOL_IPV6 && cm->cmsg_type == IPV6_RECVERR)) {
			memcpy(ee, CMSG_DATA(cm), sizeof(*ee));
			return true;
		}
	die("an event without its error");
}
