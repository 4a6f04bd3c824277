// SPDX-License-Identifier: GPL-2.0-only
/* Bytes in and out of a socket, each way there is. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/sockios.h>

#include "stress.h"

#ifndef MSG_PROBE
#define MSG_PROBE	0x10
#endif

#define CELL	sizeof(struct cell)
#define VECS	4
#define MSGS	3

/* Messages, with all that they point to. */
struct message {
	struct iovec iov[VECS + 1];
	struct sockaddr_storage name;
	union {
		char buf[512];
		struct cmsghdr align;
	} control;
};

/* Flags of a call: who must not sleep does not. */
int stress_flags(struct stress_task *t)
{
	int flags = MSG_NOSIGNAL;

	if (!t->sleeper || rng_one_in(&t->r, 4))
		flags |= MSG_DONTWAIT;
	return flags;
}

/* Fills @t->out with some cells. Return: bytes. */
static size_t some_cells(struct stress_task *t, unsigned int most)
{
	static const unsigned int counts[] = { 0, 1, 1, 2, 3, 7, 40, 512, 2047 };
	unsigned int n = rng_pick(&t->r, counts);
	__u64 magic = atomic_load(&t->e->keyed) ? CELL_SECRET : CELL_PLAIN;

	if (n > most)
		n = most;
	if (!cells_make((struct cell *)t->out, n, magic, t->slot))
		n = 0;
	return n * CELL;
}

static int send_flags(struct stress_task *t)
{
	int flags = stress_flags(t);

	if (rng_one_in(&t->r, 8))
		flags |= MSG_MORE;
	if (rng_one_in(&t->r, 8))
		flags |= MSG_ZEROCOPY;
	if (rng_one_in(&t->r, 16))
		flags |= MSG_CONFIRM;
	if (rng_one_in(&t->r, 16))
		flags |= MSG_DONTROUTE;
	if (rng_one_in(&t->r, 32))
		flags |= MSG_PROBE;
	if (rng_one_in(&t->r, 64))
		flags |= MSG_OOB;
	return flags;
}

static int recv_flags(struct stress_task *t)
{
	int flags = stress_flags(t);

	if (rng_one_in(&t->r, 4))
		flags |= MSG_PEEK;
	if (rng_one_in(&t->r, 4))
		flags |= MSG_TRUNC;
	if (rng_one_in(&t->r, 8))
		flags |= MSG_ERRQUEUE;
	if (rng_one_in(&t->r, 8))
		flags |= MSG_WAITFORONE;
	return flags;
}

/* Cuts @len bytes at @data into pieces; the last may be out of reach. */
static unsigned int cut(struct stress_task *t, struct iovec *iov, __u8 *data,
			size_t len, bool bad)
{
	unsigned int n = 1 + rng_below(&t->r, VECS), i;
	size_t piece;

	for (i = 0; i < n; i++) {
		piece = i == n - 1 ? len : rng_below(&t->r, len + 1);
		iov[i].iov_base = data;
		iov[i].iov_len = piece;
		data += piece;
		len -= piece;
	}
	if (bad) {
		iov[n].iov_base = t->bad + 4096 - rng_below(&t->r, 64);
		iov[n].iov_len = 64;
		n++;
	}
	return n;
}

static void *cmsg_add(struct msghdr *msg, int level, int type, size_t len)
{
	struct cmsghdr *c = (void *)((char *)msg->msg_control +
				     msg->msg_controllen);

	memset(c, 0, CMSG_SPACE(len));
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	msg->msg_controllen += CMSG_SPACE(len);
	return CMSG_DATA(c);
}

static void some_cmsgs(struct stress_task *t, struct msghdr *msg)
{
	bool v4 = t->e->family == FAMILY_V4;
	struct dtls_record *rec;

	if (rng_one_in(&t->r, 3))
		*(__u16 *)cmsg_add(msg, SOL_UDP, UDP_SEGMENT, 2) =
			CELL * rng_below(&t->r, 40);
	if (rng_one_in(&t->r, 6)) {
		rec = cmsg_add(msg, SOL_DTLS, DTLS_RECORD_TYPE, sizeof(*rec));
		rec->type = DTLS_TYPE_DATA + rng_one_in(&t->r, 8);
		if (rng_one_in(&t->r, 3))
			rec->epoch = atomic_load(&t->e->tx_epoch);
		rec->pad[3] = rng_one_in(&t->r, 16);
	}
	if (rng_one_in(&t->r, 6))
		*(int *)cmsg_add(msg, v4 ? SOL_IP : SOL_IPV6,
				 v4 ? IP_TOS : IPV6_TCLASS, 4) =
			rng_below(&t->r, 256);
	if (rng_one_in(&t->r, 6))
		*(int *)cmsg_add(msg, v4 ? SOL_IP : SOL_IPV6,
				 v4 ? IP_TTL : IPV6_HOPLIMIT, 4) =
			1 + rng_below(&t->r, 64);
	if (rng_one_in(&t->r, 8))
		cmsg_add(msg, v4 ? SOL_IP : SOL_IPV6,
			 v4 ? IP_PKTINFO : IPV6_PKTINFO, v4 ? 12 : 20);
	if (rng_one_in(&t->r, 16))
		*(int *)cmsg_add(msg, rng_below(&t->r, 300),
				 rng_below(&t->r, 100), 4) = rng_next(&t->r);
}

/* @len bytes of @t->out, from @off on. */
static void message_out(struct stress_task *t, struct message *m,
			struct msghdr *msg, size_t off, size_t len)
{
	socklen_t size = sizeof(m->name);

	memset(msg, 0, sizeof(*msg));
	msg->msg_iov = m->iov;
	msg->msg_iovlen = cut(t, m->iov, t->out + off, len,
			      rng_one_in(&t->r, 16));
	if (rng_one_in(&t->r, 4) &&
	    !getpeername(t->e->fd, (struct sockaddr *)&m->name, &size)) {
		msg->msg_name = &m->name;
		msg->msg_namelen = size;
		if (rng_one_in(&t->r, 4))
			m->name.ss_family = AF_UNSPEC;
	}
	msg->msg_control = m->control.buf;
	if (rng_one_in(&t->r, 2))
		some_cmsgs(t, msg);
	if (!msg->msg_controllen)
		msg->msg_control = NULL;
}

static void op_send(struct stress_task *t)
{
	size_t len = some_cells(t, 2047);

	if (rng_one_in(&t->r, 8) && !t->sleeper)
		send(t->e->fd, t->out, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		send(t->e->fd, t->out, len, send_flags(t));
}

static void op_sendmsg(struct stress_task *t)
{
	struct message m;
	struct msghdr msg;

	message_out(t, &m, &msg, 0, some_cells(t, 2047));
	sendmsg(t->e->fd, &msg, send_flags(t));
}

static void op_sendmmsg(struct stress_task *t)
{
	size_t len = some_cells(t, 2047) / CELL / MSGS * CELL;
	struct mmsghdr mm[MSGS] = {};
	struct message m[MSGS];
	unsigned int i;

	for (i = 0; i < MSGS; i++)
		message_out(t, &m[i], &mm[i].msg_hdr, i * len, len);
	sendmmsg(t->e->fd, mm, MSGS, send_flags(t));
}

static void op_writev(struct stress_task *t)
{
	struct iovec iov[VECS + 1];
	unsigned int n;

	/* no flags to say so: write() sleeps */
	if (!t->sleeper)
		return;
	n = cut(t, iov, t->out, some_cells(t, 512), rng_one_in(&t->r, 16));
	if (writev(t->e->fd, iov, n) < 0)
		return;
}

static void op_sendfile(struct stress_task *t)
{
	size_t len = some_cells(t, 512);
	off_t off = 0;

	/* new pages: the old ones may still be on their way, as they are */
	must(!ftruncate(t->file, 0));
	must(pwrite(t->file, t->out, len, 0) == (ssize_t)len);
	sendfile(t->e->fd, t->file, &off, len);
}

static void pipe_drain(struct stress_task *t)
{
	while (read(t->pipe[0], t->in, sizeof(t->in)) > 0)
		;
}

static void op_splice_out(struct stress_task *t)
{
	ssize_t n = write(t->pipe[1], t->out, some_cells(t, 512));

	if (n > 0)
		splice(t->pipe[0], NULL, t->e->fd, NULL, n, SPLICE_F_NONBLOCK |
		       (rng_one_in(&t->r, 4) ? SPLICE_F_MORE : 0));
	pipe_drain(t);
}

/*
 * What a socket with keys gives out is whole cells, and each once; before its
 * keys it is a UDP socket, where anybody may speak.
 */
static void judge(struct stress_task *t, bool keyed, ssize_t n, size_t room,
		  int flags, const struct msghdr *msg)
{
	struct dtls_record rec;
	struct cmsghdr *c;

	if (n <= 0 || !keyed || flags & MSG_ERRQUEUE)
		return;
	if (flags & MSG_PEEK && atomic_load(&t->e->odd))
		return;
	for (c = msg ? CMSG_FIRSTHDR(msg) : NULL; c;
	     c = CMSG_NXTHDR((struct msghdr *)msg, c)) {
		if (c->cmsg_level != SOL_DTLS || c->cmsg_type != DTLS_RECORD_TYPE)
			continue;
		memcpy(&rec, CMSG_DATA(c), sizeof(rec));
		if (rec.type != DTLS_TYPE_DATA)
			return;
	}
	cells_check(t->in, (size_t)n < room ? (size_t)n : room, t->slot ^ 1,
		    !(flags & MSG_PEEK));
}

static size_t some_room(struct stress_task *t)
{
	static const size_t rooms[] = { 0, CELL, 1024, STRESS_ROOM, STRESS_ROOM };

	return rng_pick(&t->r, rooms);
}

static void op_recv(struct stress_task *t)
{
	bool keyed = atomic_load(&t->e->keyed);
	size_t room = some_room(t);
	int flags = recv_flags(t);
	ssize_t n = recv(t->e->fd, t->in, room, flags);

	judge(t, keyed, n, room, flags, NULL);
}

/* @room bytes of @t->in, from @off on. */
static void message_in(struct stress_task *t, struct message *m,
		       struct msghdr *msg, size_t off, size_t room, bool whole)
{
	memset(msg, 0, sizeof(*msg));
	msg->msg_iov = m->iov;
	msg->msg_iovlen = cut(t, m->iov, t->in + off, room,
			      !whole && rng_one_in(&t->r, 16));
	if (rng_one_in(&t->r, 2)) {
		msg->msg_name = &m->name;
		msg->msg_namelen = sizeof(m->name);
	}
	if (!rng_one_in(&t->r, 4)) {
		msg->msg_control = m->control.buf;
		msg->msg_controllen = rng_one_in(&t->r, 4) ?
			rng_below(&t->r, sizeof(m->control)) :
			sizeof(m->control);
	}
}

static void op_recvmsg(struct stress_task *t)
{
	bool keyed = atomic_load(&t->e->keyed);
	size_t room = some_room(t);
	int flags = recv_flags(t);
	struct message m;
	struct msghdr msg;
	ssize_t n;

	message_in(t, &m, &msg, 0, room, false);
	n = recvmsg(t->e->fd, &msg, flags);
	judge(t, keyed, n, room, flags, &msg);
}

static void op_recvmmsg(struct stress_task *t)
{
	bool keyed = atomic_load(&t->e->keyed);
	size_t room = STRESS_ROOM / 4;
	int flags = recv_flags(t), got, i;
	struct mmsghdr mm[MSGS] = {};
	struct message m[MSGS];

	for (i = 0; i < MSGS; i++)
		message_in(t, &m[i], &mm[i].msg_hdr, i * room, room, true);
	got = recvmmsg(t->e->fd, mm, MSGS, flags, NULL);
	for (i = 0; i < got; i++) {
		memmove(t->in, t->in + i * room, room);
		judge(t, keyed, mm[i].msg_len, room, flags, &mm[i].msg_hdr);
	}
}

static void op_read(struct stress_task *t)
{
	bool keyed = atomic_load(&t->e->keyed);
	ssize_t n;

	if (!t->sleeper)
		return;
	n = read(t->e->fd, t->in, sizeof(t->in));
	judge(t, keyed, n, sizeof(t->in), 0, NULL);
}

static void op_splice_in(struct stress_task *t)
{
	bool keyed = atomic_load(&t->e->keyed);
	ssize_t n;

	if (!t->sleeper)
		return;
	n = splice(t->e->fd, NULL, t->pipe[1], NULL, 16384, SPLICE_F_NONBLOCK);
	if (n > 0) {
		must(read(t->pipe[0], t->in, n) == n);
		judge(t, keyed, n, sizeof(t->in), 0, NULL);
	}
	pipe_drain(t);
}

static void op_poll(struct stress_task *t)
{
	struct pollfd p = {
		.fd = t->e->fd,
		.events = rng_one_in(&t->r, 4) ? POLLIN | POLLOUT : POLLIN,
	};

	poll(&p, 1, t->sleeper ? -1 : 0);
}

static void op_select(struct stress_task *t)
{
	struct timeval none = {};
	fd_set in, out;

	FD_ZERO(&in);
	FD_SET(t->e->fd, &in);
	out = in;
	select(t->e->fd + 1, &in, rng_one_in(&t->r, 4) ? &out : NULL, NULL,
	       t->sleeper ? NULL : &none);
}

static void op_epoll(struct stress_task *t)
{
	static const __u32 modes[] = { 0, EPOLLET, EPOLLONESHOT, EPOLLEXCLUSIVE };
	struct epoll_event ev = {
		.events = EPOLLIN | rng_pick(&t->r, modes),
	};
	struct epoll_event got;
	/* a closed one would leave the set, and who waits with it */
	int fd = dup(t->e->fd);

	if (!epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &ev)) {
		epoll_wait(t->epoll, &got, 1, t->sleeper ? -1 : 0);
		epoll_ctl(t->epoll, EPOLL_CTL_DEL, fd, NULL);
	}
	close(fd);
}

static void op_ioctl(struct stress_task *t)
{
	static const unsigned long requests[] = {
		FIONREAD, SIOCOUTQ, SIOCGSTAMP_OLD,
	};
	__u64 answer[2];

	ioctl(t->e->fd, rng_pick(&t->r, requests), answer);
}

const struct stress_op stress_data_ops[] = {
	{ "send", op_send, 12 },
	{ "sendmsg", op_sendmsg, 12 },
	{ "sendmmsg", op_sendmmsg, 3 },
	{ "writev", op_writev, 2 },
	{ "sendfile", op_sendfile, 2 },
	{ "splice out", op_splice_out, 2 },
	{ "recv", op_recv, 14 },
	{ "recvmsg", op_recvmsg, 14 },
	{ "recvmmsg", op_recvmmsg, 5 },
	{ "read", op_read, 2 },
	{ "splice in", op_splice_in, 2 },
	{ "poll", op_poll, 4 },
	{ "select", op_select, 2 },
	{ "epoll", op_epoll, 3 },
	{ "ioctl", op_ioctl, 4 },
};

const unsigned int stress_nr_data_ops = ARRAY_SIZE(stress_data_ops);
