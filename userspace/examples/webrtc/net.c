// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The socket.  A browser's data channels are records, which the kernel opens and
 * seals; STUN, SRTP and handshakes come and go as they are, with a mark (RFC 7983).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/errqueue.h>
#include <netinet/udp.h>

#include "media.h"
#include "rtc.h"
#include "seal.h"

#define RX_BATCH	16
#define RX_ROOM		65536
#define TX_BATCH	256
#define TX_ROOM		1280

static int fd = -1;
static uint8_t rx_buf[RX_BATCH][RX_ROOM];
static uint8_t tx_buf[TX_BATCH][TX_ROOM];
static struct peer *tx_peer[TX_BATCH];
static size_t tx_len[TX_BATCH];
static unsigned int tx_count;

union control {
	struct cmsghdr align;
	char room[128];
};

static int set(int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

int net_open(unsigned int port)
{
	struct sockaddr_in any = {
		.sin_family = AF_INET, .sin_port = htons(port),
	};
	int ret;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)))
		return -errno;
	ret = opts.user ? 0 : kdtls_attach(fd);
	if (ret)
		return ret;
	/* What the queue has no room for SCTP would send again. */
	set(SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20);
	set(SOL_SOCKET, SO_SNDBUFFORCE, 4 << 20);
	if (opts.user)
		return set(SOL_UDP, UDP_GRO, 1) ? -errno : 0;
	if (set(SOL_DTLS, DTLS_PASSTHROUGH,
		DTLS_PASS_OTHERS | DTLS_PASS_STRANGERS) ||
	    set(SOL_DTLS, DTLS_RECVPEER, 1) ||
	    set(SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_CLOSED) ||
	    set(SOL_UDP, UDP_GRO, 1))
		return -errno;
	return 0;
}

int net_fd(void)
{
	return fd;
}

/* ------------------------------------------------------------------------
 * In
 */

/* --seal user: one record in a datagram, as senders of SCTP have it. */
void net_sealed(struct peer *p, uint8_t *buf, size_t len)
{
	static uint8_t out[RX_ROOM];
	ssize_t n = seal_open(p->seal, buf, len, out);

	if (n > 0 && p->sock)
		chan_input(p, out, n);
}

/* Nobody vouches for this one. */
static void raw_input(const struct sockaddr_in *from, uint8_t *buf, size_t len)
{
	struct peer *p;

	if (stun_is(buf, len)) {
		stun_input(from, buf, len);
		return;
	}
	p = peer_by_addr(from);
	if (!p || !len)
		return;
	if (p->seal)
		net_sealed(p, buf, len);
	else if (*buf >= 20 && *buf <= 63)
		peer_handshake(p, buf, len);
	else if (*buf >= 128 && *buf <= 191)
		media_input(p, buf, len);
}

static void one_message(struct msghdr *msg, uint8_t *buf, size_t len)
{
	const struct sockaddr_in *from = msg->msg_name;
	struct cmsghdr *c;
	uint64_t id = 0;
	struct peer *p;
	size_t off, n;
	int size = 0;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_DTLS && c->cmsg_type == DTLS_PEER_ID)
			memcpy(&id, CMSG_DATA(c), sizeof(id));
		else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
			memcpy(&size, CMSG_DATA(c), sizeof(size));
	}
	/* Several of one size, the last one perhaps smaller (UDP_GRO). */
	if (size <= 0)
		size = len;
	p = id ? peer_by_id(id) : NULL;
	for (off = 0; off < len; off += n) {
		n = len - off < (size_t)size ? len - off : (size_t)size;
		if (!id)
			raw_input(from, buf + off, n);
		else if (p && p->sock)
			chan_input(p, buf + off, n);
	}
}

void net_receive(void)
{
	struct mmsghdr msgs[RX_BATCH];
	struct sockaddr_in from[RX_BATCH];
	union control control[RX_BATCH];
	struct iovec iov[RX_BATCH];
	int i, n, rounds;

	for (rounds = 0; rounds < 8; rounds++) {
		memset(msgs, 0, sizeof(msgs));
		for (i = 0; i < RX_BATCH; i++) {
			iov[i].iov_base = rx_buf[i];
			iov[i].iov_len = RX_ROOM;
			msgs[i].msg_hdr.msg_iov = &iov[i];
			msgs[i].msg_hdr.msg_iovlen = 1;
			msgs[i].msg_hdr.msg_name = &from[i];
			msgs[i].msg_hdr.msg_namelen = sizeof(from[i]);
			msgs[i].msg_hdr.msg_control = &control[i];
			msgs[i].msg_hdr.msg_controllen = sizeof(control[i]);
		}
		n = recvmmsg(fd, msgs, RX_BATCH, MSG_DONTWAIT, NULL);
		if (n < 0 && (errno == EINTR || errno == ECONNREFUSED))
			continue;
		for (i = 0; i < n; i++)
			one_message(&msgs[i].msg_hdr, rx_buf[i],
				    msgs[i].msg_len);
		if (n < RX_BATCH)
			return;
	}
}

/* A browser's close_notify, or its fatal alert. */
void net_events(void)
{
	struct sock_extended_err *e;
	struct dtls_event event;
	union control control;
	struct iovec iov = { &event, sizeof(event) };
	struct sockaddr_in from;
	struct cmsghdr *c;
	struct peer *p;
	ssize_t n;

	for (;;) {
		struct msghdr msg = {
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_name = &from, .msg_namelen = sizeof(from),
			.msg_control = &control, .msg_controllen = sizeof(control),
		};

		n = recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);
		if (n < 0)
			return;
		for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
			e = (void *)CMSG_DATA(c);
			if (c->cmsg_level != SOL_IP || c->cmsg_type != IP_RECVERR ||
			    e->ee_origin != SO_EE_ORIGIN_DTLS ||
			    e->ee_type != DTLS_EVENT_CLOSED ||
			    n != sizeof(event))
				continue;
			p = peer_by_id(event.peer);
			if (!p)
				continue;
			say("%s: closed by the browser, alert %d", p->name,
			    e->ee_code);
			p->closed = true;
		}
	}
}

/* ------------------------------------------------------------------------
 * Out
 */

/* As it is.  Before there is any peer the mark means nothing, and is not needed. */
void net_raw(const struct sockaddr_in *to, const void *buf, size_t len)
{
	union control control = { 0 };
	struct iovec iov = { (void *)buf, len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_name = (void *)to, .msg_namelen = sizeof(*to),
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(sizeof(int)),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int one = 1;

	if (opts.user)
		msg.msg_controllen = 0;

	c->cmsg_level = SOL_DTLS;
	c->cmsg_type = DTLS_RAW;
	c->cmsg_len = CMSG_LEN(sizeof(one));
	memcpy(CMSG_DATA(c), &one, sizeof(one));
	/* What gets lost is sent again by whoever wants an answer. */
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) < 0 && verbose)
		say("raw: %s", strerror(errno));
}

/* Records of one size for one browser are one message, with UDP_SEGMENT. */
static unsigned int fill(struct msghdr *msg, struct iovec *iov,
			 union control *control, unsigned int at)
{
	struct peer *p = tx_peer[at];
	unsigned int n = 0;
	size_t size = tx_len[at], total = 0;
	struct cmsghdr *c;
	uint16_t seg = size;

	memset(msg, 0, sizeof(*msg));
	while (at + n < tx_count && tx_peer[at + n] == p &&
	       tx_len[at + n] <= size && total + tx_len[at + n] < 60000) {
		iov[n].iov_base = tx_buf[at + n];
		iov[n].iov_len = tx_len[at + n];
		total += tx_len[at + n];
		if (tx_len[at + n++] < size)
			break;
	}
	msg->msg_name = &p->addr;
	msg->msg_namelen = sizeof(p->addr);
	msg->msg_iov = iov;
	msg->msg_iovlen = n;
	if (n > 1) {
		msg->msg_control = control;
		msg->msg_controllen = CMSG_SPACE(sizeof(seg));
		c = CMSG_FIRSTHDR(msg);
		c->cmsg_level = SOL_UDP;
		c->cmsg_type = UDP_SEGMENT;
		c->cmsg_len = CMSG_LEN(sizeof(seg));
		memcpy(CMSG_DATA(c), &seg, sizeof(seg));
	}
	return n;
}

void net_flush(void)
{
	struct mmsghdr msgs[TX_BATCH];
	struct iovec iov[TX_BATCH];
	union control control[TX_BATCH];
	unsigned int n = 0, at;
	int ret;

	memset(control, 0, sizeof(control));
	for (at = 0; at < tx_count; n++)
		at += fill(&msgs[n].msg_hdr, iov + at, &control[n], at);
	tx_count = 0;
	for (at = 0; at < n; at += ret) {
		ret = sendmmsg(fd, msgs + at, n - at, MSG_NOSIGNAL);
		if (ret >= 0)
			continue;
		if (errno == EAGAIN) {
			struct pollfd pfd = { .fd = fd, .events = POLLOUT };

			poll(&pfd, 1, 100);
			ret = 0;
			continue;
		}
		/* One that is lost; SCTP will see to it. */
		if (verbose)
			say("send: %s", strerror(errno));
		ret = 1;
	}
}

void net_seal(struct peer *p, const void *buf, size_t len)
{
	if (len + SEAL_OVERHEAD > TX_ROOM)
		return;
	if (tx_count == TX_BATCH)
		net_flush();
	if (p->seal)
		len = seal_record(p->seal, buf, len, tx_buf[tx_count]);
	else
		memcpy(tx_buf[tx_count], buf, len);
	tx_peer[tx_count] = p;
	tx_len[tx_count++] = len;
}

/* ------------------------------------------------------------------------
 * What the kernel knows
 */

static int keys_of(const struct peer *p, int optname, struct traffic *t)
{
	struct {
		struct dtls_peer_option opt;
		struct dtls_keys keys;
	} arg = {
		.opt = { .size = sizeof(arg.opt), .optname = optname, .id = p->id },
	};
	socklen_t len = sizeof(arg);

	arg.keys.size = sizeof(arg.keys);
	if (getsockopt(fd, SOL_DTLS, DTLS_PEER_OPTION, &arg, &len))
		return -errno;
	t->records = arg.keys.records;
	t->bytes = arg.keys.bytes;
	return 0;
}

int net_count(const struct peer *p, struct traffic *tx, struct traffic *rx)
{
	int ret = keys_of(p, DTLS_TX, tx);

	return ret ? ret : keys_of(p, DTLS_RX, rx);
}

void net_forget(const struct peer *p)
{
	struct dtls_peer_info info = {
		.size = sizeof(info), .id = p->id, .flags = DTLS_PEER_NOTIFY,
	};
	unsigned int i;

	/* What it has still to be sent would need it. */
	for (i = 0; i < tx_count; i++)
		if (tx_peer[i] == p)
			break;
	if (i < tx_count)
		net_flush();
	if (p->id)
		setsockopt(fd, SOL_DTLS, DTLS_PEER_DEL, &info, sizeof(info));
}
