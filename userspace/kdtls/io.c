// SPDX-License-Identifier: LGPL-2.1-or-later
/* stdin to records, records to stdout: what nc does. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "prog.h"

static int write_all(const char *buf, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(STDOUT_FILENO, buf, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			say("stdout: %s", strerror(errno));
			return -1;
		}
		buf += n;
		len -= n;
	}
	return 0;
}

/* What fits one datagram on this path, so that nothing gets fragmented. */
static size_t payload(int fd)
{
	int max = 0;
	socklen_t len = sizeof(max);

	if (getsockopt(fd, SOL_DTLS, DTLS_MAX_PAYLOAD, &max, &len) || max < 1)
		return 1024;
	return max;
}

static int send_record(int fd, const char *buf, size_t len)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	for (;;) {
		if (send(fd, buf, len, MSG_NOSIGNAL) >= 0)
			return 0;
		switch (errno) {
		case EINTR:
			continue;
		case EAGAIN:
			poll(&pfd, 1, 1000);
			continue;
		case ENOBUFS:
		case EPERM:
			return 0;	/* lost on the way, as UDP is */
		default:
			return -errno;
		}
	}
}

/* After recv() has answered 0: the peer's end, or a record without bytes? */
static bool at_end(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLRDHUP };

	return poll(&pfd, 1, 0) > 0 && (pfd.revents & POLLRDHUP);
}

/* One record has come. */
static int deliver(int fd, const char *buf, size_t len)
{
	if (opt.echo)
		send_record(fd, buf, len);
	return write_all(buf, len);
}

static int early(kdtls_session *s, char *buf, size_t len)
{
	ssize_t n;

	while ((n = kdtls_early(s, buf, len)) >= 0)
		if (deliver(kdtls_fd(s), buf, n))
			return -EIO;
	return n == -EPIPE ? 1 : 0;
}

int io_copy(kdtls_session *s)
{
	static char buf[DTLS_PLAINTEXT_MAX];
	int fd = kdtls_fd(s), ret, wait = -1;
	bool in_open = !opt.recv_only, shut = false;
	uint64_t end = 0;
	ssize_t n;

	ret = early(s, buf, sizeof(buf));
	if (ret)
		return ret < 0 ? EXIT_TRANSFER : EXIT_OK;
	for (;;) {
		struct pollfd pfd[2] = {
			{ .fd = fd, .events = POLLIN | POLLRDHUP },
			{ .fd = in_open ? STDIN_FILENO : -1, .events = POLLIN },
		};

		if (shut) {
			if (now_us() >= end)
				return EXIT_OK;
			wait = (end - now_us()) / 1000 + 1;
		}
		if (poll(pfd, 2, wait) < 0) {
			if (errno == EINTR)
				continue;
			say("poll: %s", strerror(errno));
			return EXIT_NET;
		}
		/* Until they are read, poll() says so again. */
		if (pfd[0].revents & POLLERR)
			rekey_events(fd);
		if (pfd[0].revents) {
			n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
			if (n > 0 && deliver(fd, buf, n))
				return EXIT_TRANSFER;
			if (!n && at_end(fd))
				return EXIT_OK;
			/*
			 * A peer that closes its socket right after its
			 * close_notify is not there for the answer to it.
			 */
			if (n < 0 && errno == ECONNREFUSED &&
			    (shut || at_end(fd)))
				return EXIT_OK;
			if (n < 0 && errno != EAGAIN && errno != EINTR) {
				say("recv: %s", errno == ECONNRESET ?
				    "the peer has sent a fatal alert" :
				    strerror(errno));
				return EXIT_NET;
			}
		}
		if (pfd[1].revents) {
			n = read(STDIN_FILENO, buf, payload(fd));
			if (n < 0 && (errno == EINTR || errno == EAGAIN))
				continue;
			if (n > 0) {
				ret = send_record(fd, buf, n);
				if (ret) {
					say("send: %s", strerror(-ret));
					return EXIT_NET;
				}
				continue;
			}
			/*
			 * DTLS 1.2 has no half-close (RFC 5246 7.2.1): the peer
			 * answers a close_notify with its own.  That of 1.3 may
			 * still have something to say.
			 */
			in_open = false;
			shutdown(fd, SHUT_WR);
			shut = true;
			end = now_us() + opt.linger_ms * 1000ULL;
		}
	}
}
