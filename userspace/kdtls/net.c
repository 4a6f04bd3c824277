// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sockets for kdtls. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prog.h"

static struct addrinfo *resolve(int flags)
{
	struct addrinfo hints = {
		.ai_family = opt.family,
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = flags,
	};
	struct addrinfo *list = NULL;
	int ret;

	ret = getaddrinfo(opt.host, opt.port, &hints, &list);
	if (ret) {
		say("%s:%s: %s", opt.host ? opt.host : "", opt.port,
		    ret == EAI_SYSTEM ? strerror(errno) : gai_strerror(ret));
		return NULL;
	}
	return list;
}

/* More of the peer's flight, and of a file, than the default holds. */
static void big_buffers(int fd)
{
	int size = 4 << 20;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

int net_connect(void)
{
	struct addrinfo *list = resolve(0), *ai;
	int fd = -1, err = 0;

	if (!list)
		return -1;
	for (ai = list; ai; ai = ai->ai_next) {
		fd = socket(ai->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && !connect(fd, ai->ai_addr, ai->ai_addrlen))
			break;
		err = errno;
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	if (fd < 0)
		say("%s:%s: %s", opt.host, opt.port, strerror(err));
	else
		big_buffers(fd);
	return fd;
}

int net_listen(void)
{
	struct addrinfo *list = resolve(AI_PASSIVE), *ai;
	int fd = -1, err = 0, zero = 0, one = 1, pass;

	if (!list)
		return -1;
	/* [::] takes IPv4 as well, so try it before 0.0.0.0. */
	for (pass = 0; pass < 2 && fd < 0; pass++) {
		for (ai = list; ai && fd < 0; ai = ai->ai_next) {
			bool v6 = ai->ai_family == AF_INET6;

			if (v6 != !pass)
				continue;
			fd = socket(ai->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
			if (fd < 0) {
				err = errno;
				continue;
			}
			if (ai->ai_family == AF_INET6 && !opt.host &&
			    opt.family == AF_UNSPEC)
				setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero,
					   sizeof(zero));
			/* Peers of a former run may still have the port. */
			setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one,
				   sizeof(one));
			if (!bind(fd, ai->ai_addr, ai->ai_addrlen))
				break;
			err = errno;
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	if (fd < 0)
		say("%s:%s: %s", opt.host ? opt.host : "", opt.port,
		    strerror(err));
	return fd;
}
