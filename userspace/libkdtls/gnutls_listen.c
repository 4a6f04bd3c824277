// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Servers: a socket for each peer that has brought its cookie back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

#include "gnutls_cookie.h"

/* ClientHellos that were accepted a moment ago: the network makes copies. */
#define RECENT_MAX	64

struct recent {
	struct sockaddr_storage peer;
	uint8_t random[KDTLS_RANDOM_LEN];
};

struct kdtls_listener {
	kdtls_config *cfg;
	int fd;
	int family;
	in_port_t port;
	int v6only;
	struct kdtls_cookies cookies;
	struct recent recent[RECENT_MAX];
	unsigned int next_recent;
	uint8_t dgram[KDTLS_DATAGRAM_MAX];
};

/* One datagram: where it came from, and where to. */
struct arrival {
	int fd;
	struct sockaddr_storage peer;
	socklen_t peer_len;
	struct sockaddr_storage local;	/* port 0; family 0: unknown */
};

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(struct in_pktinfo)) +
		 CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

kdtls_listener *kdtls_listener_new(kdtls_config *cfg, int fd)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);
	kdtls_listener *l;
	int ret, one = 1;

	if (getsockname(fd, (struct sockaddr *)&addr, &len))
		return NULL;
	if (addr.ss_family != AF_INET && addr.ss_family != AF_INET6) {
		errno = EAFNOSUPPORT;
		return NULL;
	}
	/*
	 * The sockets of the peers share our port.  SO_REUSEPORT, unlike
	 * SO_REUSEADDR, keeps other users' programs out.
	 */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)))
		return NULL;
	if (addr.ss_family == AF_INET ?
	    setsockopt(fd, SOL_IP, IP_PKTINFO, &one, sizeof(one)) :
	    setsockopt(fd, SOL_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one)))
		return NULL;

	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->cfg = cfg;
	l->fd = fd;
	l->family = addr.ss_family;
	l->port = l->family == AF_INET ?
		  ((struct sockaddr_in *)&addr)->sin_port :
		  ((struct sockaddr_in6 *)&addr)->sin6_port;
	len = sizeof(l->v6only);
	if (l->family == AF_INET6)
		getsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &l->v6only, &len);
	ret = kdtls_cookies_init(&l->cookies, cfg);
	if (ret) {
		kdtls_listener_free(l);
		errno = -ret;
		return NULL;
	}
	return l;
}

void kdtls_listener_free(kdtls_listener *l)
{
	if (!l)
		return;
	kdtls_cookies_free(&l->cookies);
	free(l);
}

static ssize_t receive(kdtls_listener *l, struct arrival *a)
{
	union control control;
	struct iovec iov = { l->dgram, sizeof(l->dgram) };
	struct msghdr msg = {
		.msg_name = &a->peer,
		.msg_namelen = sizeof(a->peer),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	ssize_t ret;

	memset(a, 0, sizeof(*a));
	a->fd = l->fd;
	do {
		ret = recvmsg(l->fd, &msg, 0);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	a->peer_len = msg.msg_namelen;
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_PKTINFO &&
		    l->family == AF_INET) {
			struct sockaddr_in *sin = (void *)&a->local;
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			sin->sin_family = AF_INET;
			sin->sin_addr = info.ipi_spec_dst;
		} else if (c->cmsg_level == SOL_IPV6 &&
			   c->cmsg_type == IPV6_PKTINFO) {
			struct sockaddr_in6 *sin6 = (void *)&a->local;
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr))
				continue;
			sin6->sin6_family = AF_INET6;
			sin6->sin6_addr = info.ipi6_addr;
			if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
				sin6->sin6_scope_id = info.ipi6_ifindex;
		}
	}
	return ret;
}

/* Answers from the address that was asked. */
static ssize_t push_cookie(gnutls_transport_ptr_t ptr, const void *buf,
			   size_t len)
{
	struct arrival *a = ptr;
	union control control = { 0 };
	struct iovec iov = { (void *)buf, len };
	struct msghdr msg = {
		.msg_name = &a->peer,
		.msg_namelen = a->peer_len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	struct cmsghdr *c = &control.align;

	if (a->local.ss_family == AF_INET) {
		struct in_pktinfo info = {
			.ipi_spec_dst = ((struct sockaddr_in *)&a->local)->sin_addr,
		};

		c->cmsg_level = SOL_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(info));
	} else if (a->local.ss_family == AF_INET6) {
		struct sockaddr_in6 *sin6 = (void *)&a->local;
		struct in6_pktinfo info = {
			.ipi6_addr = sin6->sin6_addr,
			.ipi6_ifindex = sin6->sin6_scope_id,
		};

		c->cmsg_level = SOL_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(info));
	}
	/* If it cannot be sent it is lost, and the client asks again. */
	sendmsg(a->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	return len;
}

static bool was_accepted(kdtls_listener *l, const struct arrival *a)
{
	unsigned int i;

	for (i = 0; i < RECENT_MAX; i++)
		if (!memcmp(&l->recent[i].peer, &a->peer, sizeof(a->peer)) &&
		    !memcmp(l->recent[i].random, l->dgram + KDTLS_RANDOM_OFFSET,
			    KDTLS_RANDOM_LEN))
			return true;
	return false;
}

static int peer_socket(kdtls_listener *l, struct arrival *a)
{
	struct sockaddr_storage local = a->local;
	int fd, one = 1, n, err;
	char byte;

	fd = socket(l->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	local.ss_family = l->family;
	if (l->family == AF_INET)
		((struct sockaddr_in *)&local)->sin_port = l->port;
	else
		((struct sockaddr_in6 *)&local)->sin6_port = l->port;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) ||
	    (l->family == AF_INET6 &&
	     setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &l->v6only,
			sizeof(l->v6only))) ||
	    bind(fd, (struct sockaddr *)&local, l->family == AF_INET ?
		 sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)) ||
	    connect(fd, (struct sockaddr *)&a->peer, a->peer_len)) {
		err = errno;
		close(fd);
		return -err;
	}
	/*
	 * Between bind and connect the socket took datagrams of anyone.  None
	 * of them is the peer's next flight, which answers ours.
	 */
	for (n = 0; n < 1000; n++)
		if (recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN)
			break;
	return fd;
}

static void remember(kdtls_listener *l, const struct arrival *a)
{
	l->recent[l->next_recent].peer = a->peer;
	memcpy(l->recent[l->next_recent].random, l->dgram + KDTLS_RANDOM_OFFSET,
	       KDTLS_RANDOM_LEN);
	l->next_recent = (l->next_recent + 1) % RECENT_MAX;
}

int kdtls_accept(kdtls_listener *l, kdtls_session **out)
{
	struct kdtls_hello hello;
	struct arrival a;
	kdtls_session *s;
	ssize_t len;
	int fd;

	for (;;) {
		len = receive(l, &a);
		/* ICMP for a cookie that nobody wanted. */
		if (len == -ECONNREFUSED || len == -EHOSTUNREACH ||
		    len == -ENETUNREACH)
			continue;
		if (len < 0)
			return len;
		if (kdtls_is_hello(l->dgram, len) && !was_accepted(l, &a) &&
		    !kdtls_cookies_check(&l->cookies, (struct sockaddr *)&a.peer,
					 a.peer_len, l->dgram, len, push_cookie,
					 &a, &hello))
			break;
	}

	fd = peer_socket(l, &a);
	if (fd < 0) {
		kdtls_cookies_drop(&l->cookies, &hello);
		return fd;
	}
	s = kdtls_session_new(l->cfg, fd, true);
	if (!s)
		kdtls_cookies_drop(&l->cookies, &hello);
	if (!s || kdtls_cookies_begin(s, &hello)) {
		kdtls_free(s);
		close(fd);
		return -ENOMEM;
	}
	remember(l, &a);
	*out = s;
	return 0;
}
