// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a session sends and receives while it shakes hands, by GnuTLS or by a
 * backend: datagrams, seen by the watch of the version.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include "gnutls_internal.h"

/* Refused so many times without a word from the peer: nobody is there. */
#define REFUSED_MAX	3

/*
 * A datagram that could not be sent, or an ICMP message, is no more than a loss:
 * anybody can forge the latter, and the flight will be repeated anyway.
 */
static bool soft_error(kdtls_session *s, int err)
{
	switch (err) {
	case ECONNREFUSED:
		s->refused++;
		s->soft_errno = err;
		return s->heard || s->refused < REFUSED_MAX;
	case EAGAIN:
	case ENOBUFS:
	case EPERM:		/* a packet filter */
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case EMSGSIZE:
		s->soft_errno = err;
		return true;
	default:
		return false;
	}
}

/* The path takes less than we thought: the next time in smaller pieces. */
static void shrink_mtu(kdtls_session *s)
{
	int mtu = 0, headers = 28;
	socklen_t len = sizeof(mtu);

	if (getsockopt(s->fd, SOL_IP, IP_MTU, &mtu, &len) || mtu < 68) {
		len = sizeof(mtu);
		headers = 48;
		if (getsockopt(s->fd, SOL_IPV6, IPV6_MTU, &mtu, &len))
			return;
	}
	if (mtu - headers < KDTLS_MTU_MIN || (unsigned int)(mtu - headers) >= s->mtu)
		return;
	s->mtu = mtu - headers;
	if (s->hands)
		s->backend->set_mtu(s->hands, s->mtu);
	else
		gnutls_dtls_set_mtu(s->tls, s->mtu);
}

/* Sends what kdtls_put() has gathered. */
int kdtls_flush(kdtls_session *s)
{
	size_t len = s->out_len;
	ssize_t ret;

	if (!len)
		return 0;
	s->out_len = 0;
	/* Counted even if it gets lost: the sequence numbers are used up. */
	if (s->hands)
		kdtls_watch13_sent(&s->watch13, s->out, len);
	else
		kdtls_watch_sent(&s->watch, s->out, len);
	do {
		if (s->output) {
			ret = s->output(s->output_arg, s->out, len);
			errno = ret < 0 ? -ret : 0;
		} else {
			ret = send(s->fd, s->out, len,
				   MSG_NOSIGNAL | MSG_DONTWAIT);
		}
	} while (ret < 0 && errno == EINTR);
	if (ret >= 0)
		return 0;
	if (errno == EMSGSIZE)
		shrink_mtu(s);
	if (soft_error(s, errno))
		return 0;
	s->soft_errno = errno;
	return -1;
}

/*
 * A library wants a datagram for each message.  Fewer of them get lost less, and
 * those in one datagram cannot overtake each other: so gather a flight (RFC 6347
 * 4.1.1 allows it) until the library turns to reading.  0, or -1 and soft_errno.
 */
int kdtls_put(kdtls_session *s, const void *buf, size_t len)
{
	/* The nonces belong to the kernel now. */
	if (s->watch.closed) {
		s->soft_errno = EPIPE;
		return -1;
	}
	if (s->out_len + len > s->mtu && kdtls_flush(s))
		return -1;
	if (s->out_len + len > KDTLS_DATAGRAM_MAX) {
		s->soft_errno = EMSGSIZE;
		return -1;
	}
	memcpy(s->out + s->out_len, buf, len);
	s->out_len += len;
	return 0;
}

/* A datagram for the library into s->dgram: its length, or negative errno. */
ssize_t kdtls_get(kdtls_session *s)
{
	ssize_t ret;

	if (s->watch.closed)
		return -EPIPE;
	if (kdtls_flush(s))
		return -s->soft_errno;
	for (;;) {
		ret = kdtls_unqueue(s);
		if (ret < 0 && s->output)
			return -EAGAIN;
		if (ret < 0) {
			ret = recv(s->fd, s->dgram, KDTLS_DATAGRAM_MAX,
				   MSG_DONTWAIT);
		}
		if (ret < 0) {
			if (errno == EINTR)
				continue;
			/* An error of the socket is gone once it is told. */
			if (errno != EAGAIN && soft_error(s, errno))
				continue;
			if (errno != EAGAIN)
				s->soft_errno = errno;
			return -errno;
		}
		s->heard = true;
		if (s->hands)
			ret = kdtls_watch13_received(&s->watch13, s->dgram, ret);
		else
			ret = kdtls_watch_received(&s->watch, s->dgram, ret);
		if (ret)
			return ret;
		if (s->hands && s->watch13.other_version)
			return -EAGAIN;
	}
}

/* ------------------------------------------------------------------------
 * GnuTLS's
 */

static ssize_t push(gnutls_transport_ptr_t ptr, const void *buf, size_t len)
{
	kdtls_session *s = ptr;

	if (!kdtls_put(s, buf, len))
		return len;
	gnutls_transport_set_errno(s->tls, s->soft_errno);
	return -1;
}

static ssize_t pull(gnutls_transport_ptr_t ptr, void *buf, size_t len)
{
	kdtls_session *s = ptr;
	ssize_t ret = kdtls_get(s);

	if (ret < 0) {
		gnutls_transport_set_errno(s->tls, -ret);
		return -1;
	}
	if ((size_t)ret > len)
		ret = len;
	memcpy(buf, s->dgram, ret);
	return ret;
}

static int pull_timeout(gnutls_transport_ptr_t ptr, unsigned int ms)
{
	kdtls_session *s = ptr;
	struct pollfd pfd = { .fd = s->fd, .events = POLLIN };

	if (kdtls_flush(s)) {
		gnutls_transport_set_errno(s->tls, s->soft_errno);
		return -1;
	}
	if (s->waiting)
		return 1;
	if (s->output)
		return 0;
	return poll(&pfd, 1, ms == GNUTLS_INDEFINITE_TIMEOUT ? -1 : (int)ms);
}

void kdtls_transport_init(kdtls_session *s)
{
	gnutls_dtls_set_mtu(s->tls, s->mtu);
	gnutls_transport_set_ptr(s->tls, s);
	gnutls_transport_set_push_function(s->tls, push);
	gnutls_transport_set_pull_function(s->tls, pull);
	gnutls_transport_set_pull_timeout_function(s->tls, pull_timeout);
}
