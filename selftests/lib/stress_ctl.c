// SPDX-License-Identifier: GPL-2.0-only
/* Options, keys, life and death of a socket, and what strangers send to it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/udp.h>

#include "stress.h"

#define CHILD_STEPS	20

/* An option and what may be put into it, without end for the socket. */
struct option {
	int level, name;
	unsigned int values;	/* 0 to values - 1 ... */
	int scale;		/* ... times this */
};

#define CELL	((int)sizeof(struct cell))

static const struct option options[] = {
	{ SOL_DTLS, DTLS_RECVTYPE, 2, 1 },
	{ SOL_DTLS, DTLS_REPLAY_WINDOW, 3000, 1 },
	{ SOL_DTLS, DTLS_EVENTS, 17, 1 },
	{ SOL_UDP, UDP_SEGMENT, 45, CELL },
	{ SOL_UDP, UDP_CORK, 2, 1 },
	{ SOL_UDP, UDP_GRO, 2, 1 },
	{ SOL_UDP, UDP_ENCAP, 3, 1 },
	{ SOL_UDP, UDP_NO_CHECK6_TX, 2, 1 },
	{ SOL_IP, IP_TOS, 256, 1 },
	{ SOL_IP, IP_TTL, 64, 1 },
	{ SOL_IP, IP_PKTINFO, 2, 1 },
	{ SOL_IP, IP_RECVTOS, 2, 1 },
	{ SOL_IP, IP_RECVTTL, 2, 1 },
	{ SOL_IP, IP_RECVERR, 2, 1 },
	{ SOL_IP, IP_MTU_DISCOVER, 6, 1 },
	{ SOL_IP, IP_CHECKSUM, 2, 1 },
	{ SOL_IP, IP_RECVORIGDSTADDR, 2, 1 },
	{ SOL_IPV6, IPV6_RECVPKTINFO, 2, 1 },
	{ SOL_IPV6, IPV6_RECVTCLASS, 2, 1 },
	{ SOL_IPV6, IPV6_RECVERR, 2, 1 },
	{ SOL_IPV6, IPV6_RECVPATHMTU, 2, 1 },
	{ SOL_IPV6, IPV6_MTU_DISCOVER, 6, 1 },
	{ SOL_IPV6, IPV6_ADDRFORM, 11, 1 },
	{ SOL_SOCKET, SO_RCVBUF, 64, 4096 },
	{ SOL_SOCKET, SO_RCVBUFFORCE, 64, 65536 },
	{ SOL_SOCKET, SO_SNDBUF, 64, 4096 },
	{ SOL_SOCKET, SO_SNDBUFFORCE, 64, 65536 },
	{ SOL_SOCKET, SO_TIMESTAMP, 2, 1 },
	{ SOL_SOCKET, SO_TIMESTAMPNS, 2, 1 },
	{ SOL_SOCKET, SO_TIMESTAMPING, 4096, 1 },
	{ SOL_SOCKET, SO_ZEROCOPY, 2, 1 },
	{ SOL_SOCKET, SO_NO_CHECK, 2, 1 },
	{ SOL_SOCKET, SO_PRIORITY, 8, 1 },
	{ SOL_SOCKET, SO_MARK, 8, 1 },
	{ SOL_SOCKET, SO_RXQ_OVFL, 2, 1 },
	{ SOL_SOCKET, SO_BUSY_POLL, 2, 20 },
	{ SOL_SOCKET, SO_RCVLOWAT, 2000, 1 },
	{ SOL_SOCKET, SO_INCOMING_CPU, 2, 1 },
	{ SOL_SOCKET, SO_REUSEPORT, 2, 1 },
	{ SOL_SOCKET, SO_SELECT_ERR_QUEUE, 2, 1 },
};

static void op_setsockopt(struct stress_task *t)
{
	const struct option *o = &rng_pick(&t->r, options);
	int val = rng_below(&t->r, o->values) * o->scale;

	/* now and then nonsense */
	if (rng_one_in(&t->r, 16) && o->level != SOL_IP)
		val = o->scale * (int)rng_below(&t->r, 0x7fffffff / o->scale);
	if (o->level == SOL_IP && o->name == IP_TTL)
		val++;
	set_int(t->e->fd, o->level, o->name, val);
}

static void op_getsockopt(struct stress_task *t)
{
	const struct option *o = &rng_pick(&t->r, options);
	int fd = t->e->fd;
	struct dtls_keys k;
	socklen_t len = sizeof(k);

	switch (rng_below(&t->r, 5)) {
	case 0:
	case 1:
		len = sizeof(k) - rng_below(&t->r, 8);
		if (getsockopt(fd, SOL_DTLS, DTLS_TX +
			       rng_below(&t->r, 2), &k, &len))
			return;
		/* keys do not come this way */
		if (len == sizeof(k))
			must(!k.key[0] && !k.key[7] && !k.iv[0]);
		break;
	case 2:
		getsockopt(fd, SOL_DTLS, DTLS_MAX_PAYLOAD, &k, &len);
		break;
	case 3:
		getsockopt(fd, SOL_IP, DTLS_ULP, &k, &len);
		break;
	default:
		getsockopt(fd, o->level, o->name, &k, &len);
	}
}

static void op_peek_off(struct stress_task *t)
{
	atomic_store(&t->e->odd, true);
	set_int(t->e->fd, SOL_SOCKET, SO_PEEK_OFF,
		rng_one_in(&t->r, 2) ? -1 : (int)rng_below(&t->r, 4000));
}

static void op_timeout(struct stress_task *t)
{
	struct timeval tv = { .tv_usec = rng_below(&t->r, 3) * 1000 };

	setsockopt(t->e->fd, SOL_SOCKET,
		   rng_one_in(&t->r, 2) ? SO_RCVTIMEO : SO_SNDTIMEO, &tv,
		   sizeof(tv));
}

static void op_attach(struct stress_task *t)
{
	int err = ulp_attach(t->e->fd);

	if (t->e->steady)
		must(err && errno == EEXIST);
}

static void op_no_export(struct stress_task *t)
{
	if (t->e->steady || rng_one_in(&t->r, 8))
		set_int(t->e->fd, SOL_DTLS, DTLS_NO_EXPORT,
			rng_below(&t->r, 2));
}

/* Numbers of epoch 0 are used once, too: each flight has some of its own. */
static void op_flight(struct stress_task *t)
{
	static atomic_uint block;
	struct {
		struct dtls_flight head;
		struct dtls_flight_record ccs;
		__u8 one;
		struct dtls_flight_record fin;
		__u8 finished[24];
	} __attribute__((packed)) f = {
		.head = { .size = sizeof(f.head), .count = 2 },
		.ccs = { .type = DTLS_TYPE_CCS, .len = 1 },
		.fin = { .type = DTLS_TYPE_HANDSHAKE, .len = 24 },
		.one = 1,
	};

	/* a counter that children have copies of is not one */
	if (t->child)
		return;
	f.head.seq = atomic_fetch_add(&block, 1) * 4096ULL;
	f.fin.epoch = atomic_load(&t->e->tx_epoch);
	setsockopt(t->e->fd, SOL_DTLS, DTLS_LAST_FLIGHT, &f,
		   rng_one_in(&t->r, 8) ? rng_below(&t->r, sizeof(f)) :
		   sizeof(f));
}

/* Records that the other kernel deals with itself, or gives out by its type. */
static void op_control(struct stress_task *t)
{
	static const __u8 warning[] = { ALERT_WARNING, ALERT_USER_CANCELED };
	static const __u8 closing[] = { ALERT_WARNING, ALERT_CLOSE_NOTIFY };
	static const __u8 fatal[] = { ALERT_FATAL, ALERT_INTERNAL_ERROR };
	__u8 message[40] = { HS_FINISHED };
	int fd = t->e->fd;
	struct dtls_record r = { .type = DTLS_TYPE_ALERT };

	/* the library's own way waits for buffer, as these may not */
	if (!atomic_load(&t->e->keyed))
		return;
	switch (rng_below(&t->r, t->e->steady ? 6 : 16)) {
	case 0:
	case 1:
		send_cmsg(fd, warning, 2, &r, sizeof(r));
		break;
	case 2:
		message[0] = HS_CLIENT_HELLO;
		/* fallthrough */
	case 3:
	case 4:
		r.type = DTLS_TYPE_HANDSHAKE;
		send_cmsg(fd, message, sizeof(message), &r, sizeof(r));
		break;
	case 5:
		r.type = DTLS_TYPE_CCS;
		send_cmsg(fd, message, 1, &r, sizeof(r));
		break;
	case 6:
		send_cmsg(fd, closing, 2, &r, sizeof(r));
		break;
	case 7:
		send_cmsg(fd, fatal, 2, &r, sizeof(r));
		break;
	}
}

static void op_connect(struct stress_task *t)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (t->e->steady || !rng_one_in(&t->r, 4)) {
		/* where it is connected to already */
		if (!getpeername(t->e->fd, (struct sockaddr *)&ss, &len))
			connect(t->e->fd, (struct sockaddr *)&ss, len);
		return;
	}
	len = loopback(t->e->family, &ss);
	/* at the same place in both */
	((struct sockaddr_in *)&ss)->sin_port =
		htons(t->e->port + rng_below(&t->r, 3) - 1);
	connect(t->e->fd, (struct sockaddr *)&ss, len);
}

static void op_disconnect(struct stress_task *t)
{
	struct sockaddr sa = { .sa_family = AF_UNSPEC };
	bool keyed = atomic_load(&t->e->keyed);
	int err = connect(t->e->fd, &sa, sizeof(sa));

	if (t->e->steady || (keyed && err && errno != ENOTSOCK))
		must(err && errno == EBUSY);
}

static void op_bind(struct stress_task *t)
{
	struct sockaddr_storage ss;
	socklen_t len = loopback(t->e->family, &ss);

	must(bind(t->e->fd, (struct sockaddr *)&ss, len));
}

static void op_shutdown(struct stress_task *t)
{
	if (!t->e->steady)
		shutdown(t->e->fd, rng_below(&t->r, 3));
}

static void op_kill(struct stress_task *t)
{
	/* whoever sleeps without keys is not told of it */
	if (t->e->steady || !atomic_load(&t->e->keyed))
		return;
	sock_destroy(t->e->fd);
}

static void op_dup(struct stress_task *t)
{
	int fd = dup(t->e->fd);

	if (fd < 0)
		return;
	send(fd, NULL, 0, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static void op_pass(struct stress_task *t)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u = {};
	char x = 0;
	struct iovec iov = { &x, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u.buf, .msg_controllen = sizeof(u.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int fd;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &t->e->fd, sizeof(int));
	sendmsg(t->unix_fd[0], &msg, MSG_DONTWAIT);
	msg.msg_controllen = sizeof(u.buf);
	if (recvmsg(t->unix_fd[1], &msg, MSG_DONTWAIT) < 0 ||
	    !msg.msg_controllen)
		return;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	recv(fd, NULL, 0, MSG_PEEK | MSG_DONTWAIT);
	close(fd);
}

/* A process with the same sockets, that ends well or is killed. */
static void op_fork(struct stress_task *t)
{
	int i, status;
	pid_t pid;

	if (t->child)
		return;
	pid = fork();
	if (!pid) {
		t->child = true;
		t->sleeper = false;
		/* killed, it would leave its bytes in that of the parent */
		must(!pipe2(t->pipe, O_NONBLOCK));
		for (i = 0; i < CHILD_STEPS; i++)
			stress_step(t, NULL);
		_exit(0);
	}
	must(pid > 0);
	if (rng_one_in(&t->r, 2))
		kill(pid, SIGKILL);
	must(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) ? WEXITSTATUS(status) :
	    WTERMSIG(status) != SIGKILL)
		die("child ended with %#x", status);
}

/* Anybody may send in the peer's name: junk, and what has been there before. */
static void op_forge(struct stress_task *t)
{
	struct passed *p = &t->passed;
	unsigned int i, n;

	if (t->child || !nonces_passed(&t->r, p))
		return;
	switch (rng_below(&t->r, 6)) {
	case 0:
		break;
	case 1:
		p->len = rng_below(&t->r, p->len + 1);
		break;
	case 2:
		p->len = rng_below(&t->r, 200);
		rng_fill(&t->r, p->data, p->len);
		break;
	case 3:
		/* only the begin: of the right kind, but not sealed */
		if (p->len > RECORD_HEADER)
			rng_fill(&t->r, p->data + RECORD_HEADER,
				 p->len - RECORD_HEADER);
		break;
	default:
		for (n = 1 + rng_below(&t->r, 4); n && p->len; n--) {
			i = rng_below(&t->r, p->len);
			p->data[i] ^= 1 << rng_below(&t->r, 8);
		}
	}
	for (n = 1 + rng_below(&t->r, 3); n; n--)
		forge(&t->f, p->family, p->from, p->to, p->data, p->len);
}

static void op_mtu(struct stress_task *t)
{
	static const int mtus[] = { 1500, 9000, 65535, 65536 };

	link_mtu("lo", rng_pick(&t->r, mtus));
}

static void op_linger(struct stress_task *t)
{
	stress_linger(rng_one_in(&t->r, 2) ? 240 : 0);
}

static void op_proc(struct stress_task *t)
{
	static const char *const files[] = {
		"/proc/self/net/dtls_stat", "/proc/self/net/udp",
		"/proc/self/net/udp6", "/proc/self/net/sockstat",
	};
	int fd = open(rng_pick(&t->r, files), O_RDONLY);

	while (read(fd, t->in, sizeof(t->in)) > 0)
		;
	close(fd);
}

const struct stress_op stress_ctl_ops[] = {
	{ "setsockopt", op_setsockopt, 30 },
	{ "getsockopt", op_getsockopt, 20 },
	{ "peek_off", op_peek_off, 2 },
	{ "timeout", op_timeout, 2 },
	{ "attach", op_attach, 10 },
	{ "keys", stress_rekey, 20 },
	{ "no export", op_no_export, 2 },
	{ "export", stress_export, 4 },
	{ "flight", op_flight, 4 },
	{ "control", op_control, 10 },
	{ "connect", op_connect, 8 },
	{ "disconnect", op_disconnect, 4 },
	{ "bind", op_bind, 1 },
	{ "shutdown", op_shutdown, 3 },
	{ "kill", op_kill, 3 },
	{ "reopen", stress_reopen, 8 },
	{ "dup", op_dup, 4 },
	{ "pass", op_pass, 3 },
	{ "fork", op_fork, 2 },
	{ "forge", op_forge, 30 },
	{ "mtu", op_mtu, 2 },
	{ "linger", op_linger, 2 },
	{ "proc", op_proc, 1 },
};

const unsigned int stress_nr_ctl_ops = ARRAY_SIZE(stress_ctl_ops);
