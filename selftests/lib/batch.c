// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "batch.h"

void batch_ends(struct dtls_pair *p, __u16 suite, int near, int far)
{
	memset(p, 0, sizeof(*p));
	p->suite = suite;
	p->near.fd = near;
	p->near.kernel = true;
	p->far.fd = far;
	p->near.tx.suite = oracle_suite(suite);
	p->far.tx.suite = oracle_suite(suite);
	keys_next(&p->near, &p->far, 1);
	keys_next(&p->far, &p->near, 1);
	must(!ulp_attach(near));
	must(!key_install(near, DTLS_TX, &p->near.tx));
	must(!key_install(near, DTLS_RX, &p->near.rx));
}

ssize_t batch_send(int fd, const void *data, size_t len, __u16 size, int flags)
{
	union {
		char buf[CMSG_SPACE(sizeof(size))];
		struct cmsghdr align;
	} u = {};
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u.buf, .msg_controllen = sizeof(u.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(c), &size, sizeof(size));
	return sendmsg(fd, &msg, flags);
}

ssize_t batch_recv(int fd, void *data, size_t len, int *size, int *flags)
{
	union {
		char buf[CMSG_SPACE(sizeof(int)) + 100];
		struct cmsghdr align;
	} u;
	struct iovec iov = { data, len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u.buf, .msg_controllen = sizeof(u.buf),
	};
	struct cmsghdr *c;
	ssize_t ret;

	*size = -1;
	ret = recvmsg(fd, &msg, *flags | MSG_DONTWAIT);
	if (ret < 0)
		return ret;
	*flags = msg.msg_flags;
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
			memcpy(size, CMSG_DATA(c), sizeof(*size));
	return ret;
}

unsigned int batch_records(size_t len, size_t seg)
{
	return len ? (len + seg - 1) / seg : 1;
}

unsigned int batch_calls(size_t len, size_t seg, size_t over)
{
	unsigned int most = 65000 / (seg + over);

	if (most > 64)
		most = 64;
	return (batch_records(len, seg) + most - 1) / most;
}

/* One datagram is exactly the record that is next. */
static size_t verify_one(struct dtls_end *far, const __u8 *wire, size_t n,
			 const __u8 *data, size_t left, size_t seg, __u64 seq)
{
	static __thread struct oracle_record r;
	size_t want = left < seg ? left : seg;

	if (oracle_open(&far->rx, wire, n, &r) != (ssize_t)n)
		die("datagram of %zu bytes is not a record", n);
	if (r.h.type != DTLS_TYPE_DATA || r.h.seq != seq)
		die("record %llu of type %u where %llu was due",
		    (unsigned long long)r.h.seq, r.h.type,
		    (unsigned long long)seq);
	if (r.len != want || memcmp(r.data, data, want))
		die("record %llu of %zu bytes, %zu wanted",
		    (unsigned long long)seq, r.len, want);
	return want;
}

unsigned int batch_take(struct dtls_end *far, const void *data, size_t len,
			size_t seg, __u64 *seq)
{
	static __u8 wire[BATCH_ROOM];
	unsigned int packets = 0, left = batch_records(len, seg);
	const __u8 *at = data, *end = at + len;
	int size, flags;
	ssize_t n, off, one;

	for (; left; packets++) {
		flags = 0;
		n = batch_recv(far->fd, wire, sizeof(wire), &size, &flags);
		if (n < 0)
			die("%u records of %zu bytes are missing", left, seg);
		if (size < 0)
			size = n;
		for (off = 0; off < n; off += one) {
			if (!left--)
				die("more records than were sent");
			one = n - off < size ? n - off : size;
			at += verify_one(far, wire + off, one, at, end - at,
					 seg, (*seq)++);
		}
	}
	return packets;
}

unsigned int batch_verify(struct dtls_end *far, const void *data, size_t len,
			  size_t seg, __u64 *seq)
{
	unsigned int packets = batch_take(far, data, len, seg, seq);

	if (!batch_over(far->fd))
		die("something more has come");
	return packets;
}

unsigned int batch_gather(int fd, const void *data, size_t len, size_t seg)
{
	static __u8 plain[BATCH_ROOM];
	unsigned int calls = 0;
	size_t at = 0, one;
	int size, flags;
	ssize_t n;

	for (; at < len; calls++, at += n) {
		flags = 0;
		n = batch_recv(fd, plain, sizeof(plain), &size, &flags);
		if (n < 0)
			die("%zu of %zu bytes are missing", len - at, len);
		if (flags & (MSG_TRUNC | MSG_CTRUNC))
			die("flags %#x", flags);
		one = len - at < seg ? len - at : seg;
		/* no size: but one record; else all of that size but the last */
		if (size < 0 ? n != (ssize_t)one :
		    size != (int)seg || n <= size ||
		    (n % size && at + n != len))
			die("%zd bytes of segments of %d, %zu wanted", n, size,
			    seg);
		if (at + n > len || memcmp(plain, (__u8 *)data + at, n))
			die("wrong bytes at %zu", at);
	}
	return calls;
}

bool batch_over(int fd)
{
	__u8 byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN;
}
