// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* Control messages both ways: ours, UDP's and IP's; and the error queue. */
#include <kselftest_harness.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/time.h>
#include <linux/net_tstamp.h>

#include "lib/pair.h"

static __u8 in[2000];

FIXTURE(messages) {
	struct dtls_pair p;
	struct dtls_end *far;
	int fd, family;
};

FIXTURE_VARIANT(messages) {
	int family;
};

FIXTURE_VARIANT_ADD(messages, v4) { FAMILY_V4 };
FIXTURE_VARIANT_ADD(messages, v6) { FAMILY_V6 };
FIXTURE_VARIANT_ADD(messages, mapped) { FAMILY_MAPPED };

FIXTURE_SETUP(messages)
{
	netns_new();
	pair_open(&self->p, SUITE_AES_128_GCM, variant->family, false);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
	self->family = variant->family;
}

FIXTURE_TEARDOWN(messages)
{
	pair_close(&self->p);
}

/* One recvmsg, whose control messages are kept for find(). */
static char control[1024];
static struct msghdr got;

static ssize_t receive(int fd, int flags)
{
	static struct iovec iov;

	iov = (struct iovec) { in, sizeof(in) };
	memset(control, 0, sizeof(control));
	got = (struct msghdr) {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	if (flags & MSG_DONTWAIT)
		settle();
	return recvmsg(fd, &got, flags);
}

static const void *find(int level, int type, size_t len)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(&got); c; c = CMSG_NXTHDR(&got, c)) {
		if (c->cmsg_level != level || c->cmsg_type != type)
			continue;
		must(c->cmsg_len == CMSG_LEN(len));
		return CMSG_DATA(c);
	}
	return NULL;
}

static int find_int(int level, int type)
{
	const void *p = find(level, type, sizeof(int));
	int value = -1;

	if (p)
		memcpy(&value, p, sizeof(value));
	return value;
}

static void add_int(struct msghdr *msg, int level, int type, int value)
{
	struct cmsghdr *c;

	c = (struct cmsghdr *)((char *)msg->msg_control + msg->msg_controllen);
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(sizeof(value));
	memcpy(CMSG_DATA(c), &value, sizeof(value));
	msg->msg_controllen += CMSG_SPACE(sizeof(value));
}

TEST_F(messages, record_type)
{
	struct dtls_record r;
	int flags;

	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_RECVTYPE, 1));
	self->far->tx.seq = 77;
	ASSERT_EQ(3, end_send_type(self->far, DTLS_TYPE_HANDSHAKE, "abc", 3));
	ASSERT_EQ(2, end_send(self->far, "de", 2, 0));
	/* Peek shows it, too. */
	ASSERT_EQ(3, recv_record(self->fd, in, sizeof(in), MSG_PEEK, &r, &flags));
	ASSERT_EQ(DTLS_TYPE_HANDSHAKE, r.type);
	ASSERT_EQ(0, flags & (MSG_TRUNC | MSG_CTRUNC));
	ASSERT_EQ(3, recv_record(self->fd, in, sizeof(in), 0, &r, &flags));
	ASSERT_EQ(DTLS_TYPE_HANDSHAKE, r.type);
	ASSERT_EQ(1, r.epoch);
	ASSERT_EQ(77, r.seq);
	ASSERT_EQ(0, r.pad[0] | r.pad[3] | r.pad[6]);
	ASSERT_EQ(2, recv_record(self->fd, in, sizeof(in), 0, &r, &flags));
	ASSERT_EQ(DTLS_TYPE_DATA, r.type);
	ASSERT_EQ(78, r.seq);
}

/* Off again: data comes bare. */
TEST_F(messages, record_type_off)
{
	ASSERT_EQ(2, end_send(self->far, "de", 2, 0));
	ASSERT_EQ(2, receive(self->fd, 0));
	ASSERT_EQ(NULL, find(SOL_DTLS, DTLS_RECORD_TYPE,
			     sizeof(struct dtls_record)));
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_RECVTYPE, 1));
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_RECVTYPE, 0));
	ASSERT_EQ(2, end_send(self->far, "de", 2, 0));
	ASSERT_EQ(2, receive(self->fd, 0));
	ASSERT_EQ(NULL, find(SOL_DTLS, DTLS_RECORD_TYPE,
			     sizeof(struct dtls_record)));
}

/* tls.c's data_control_data: a mark is not lost to a buffer without room. */
TEST_F(messages, record_type_without_room)
{
	struct dtls_record r;
	char small[CMSG_SPACE(4)];
	struct iovec iov = { in, sizeof(in) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = small, .msg_controllen = sizeof(small),
	};

	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_RECVTYPE, 1));
	ASSERT_EQ(4, end_send(self->far, "data", 4, 0));
	ASSERT_EQ(3, end_send_type(self->far, DTLS_TYPE_HANDSHAKE, "abc", 3));
	ASSERT_EQ(4, end_send(self->far, "more", 4, 0));
	ASSERT_EQ(4, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(-1, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(EIO, errno);
	ASSERT_EQ(-1, recv_soon(self->fd, in, sizeof(in), MSG_PEEK));
	ASSERT_EQ(EIO, errno);
	ASSERT_EQ(-1, read(self->fd, in, sizeof(in)));
	ASSERT_EQ(EIO, errno);
	ASSERT_EQ(-1, recvmsg(self->fd, &msg, 0));
	ASSERT_EQ(EIO, errno);
	ASSERT_EQ(3, recv_record(self->fd, in, sizeof(in), 0, &r, NULL));
	ASSERT_EQ(DTLS_TYPE_HANDSHAKE, r.type);
	ASSERT_EQ(4, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, "more", 4));
}

TEST_F(messages, types_out)
{
	static const __u8 types[] = { 20, 21, 22, 23, 24 };
	struct oracle_record o;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		struct dtls_record r = { .type = types[i] };

		ASSERT_EQ(2, send_cmsg(self->fd, "ab", 2, &r, sizeof(r)));
		ASSERT_EQ(2, oracle_recv(self->far, &o, MSG_DONTWAIT));
		ASSERT_EQ(types[i], o.h.type);
		/* What follows without a mark is data. */
		ASSERT_EQ(1, send(self->fd, "x", 1, 0));
		ASSERT_EQ(1, oracle_recv(self->far, &o, MSG_DONTWAIT));
		ASSERT_EQ(DTLS_TYPE_DATA, o.h.type);
	}
	ASSERT_EQ(4, stat_read("TxControl"));
}

static int refused(int fd, const void *cmsg, size_t len)
{
	if (send_cmsg(fd, "x", 1, cmsg, len) != -1)
		return 0;
	return errno;
}

TEST_F(messages, bad_types_out)
{
	static const __u8 types[] = { 0, 1, 19, 25, 26, 128, 255 };
	struct dtls_record good = { .type = DTLS_TYPE_DATA }, r;
	__u8 big[64] = {};
	struct dtls_keys k;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		r = good;
		r.type = types[i];
		EXPECT_EQ(EINVAL, refused(self->fd, &r, sizeof(r)));
	}
	for (i = 0; i < sizeof(r.pad); i++) {
		r = good;
		r.pad[i] = 1;
		EXPECT_EQ(EINVAL, refused(self->fd, &r, sizeof(r)));
	}
	r = good;
	r.seq = 1;
	EXPECT_EQ(EINVAL, refused(self->fd, &r, sizeof(r)));
	r.seq = 1ULL << 63;
	EXPECT_EQ(EINVAL, refused(self->fd, &r, sizeof(r)));
	r = good;
	r.epoch = 2;
	EXPECT_EQ(EINVAL, refused(self->fd, &r, sizeof(r)));
	r.epoch = 1ULL << 16 | 1;
	EXPECT_EQ(EINVAL, refused(self->fd, &r, sizeof(r)));
	r.epoch = 1ULL << 32 | 1;
	EXPECT_EQ(EINVAL, refused(self->fd, &r, sizeof(r)));
	EXPECT_EQ(EINVAL, refused(self->fd, &good, 0));
	EXPECT_EQ(EINVAL, refused(self->fd, &good, 1));
	EXPECT_EQ(EINVAL, refused(self->fd, &good, sizeof(good) - 1));
	memcpy(big, &good, sizeof(good));
	EXPECT_EQ(EINVAL, refused(self->fd, big, sizeof(good) + 1));
	EXPECT_EQ(EINVAL, refused(self->fd, big, sizeof(big)));

	key_state(self->fd, DTLS_TX, &k);
	ASSERT_EQ(FIRST_SEQ, k.seq);
	ASSERT_EQ(-1, recv_soon(self->far->fd, in, sizeof(in), 0));
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(1, send_cmsg(self->fd, "x", 1, &good, sizeof(good)));
}

TEST_F(messages, malformed_out)
{
	static const size_t lens[] = { 0, 1, sizeof(struct cmsghdr) - 1, 4096 };
	union {
		char buf[CMSG_SPACE(sizeof(struct dtls_record))];
		struct cmsghdr c;
	} u = {};
	struct iovec iov = { "x", 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u.buf, .msg_controllen = sizeof(u.buf),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		u.c.cmsg_level = SOL_DTLS;
		u.c.cmsg_type = DTLS_RECORD_TYPE;
		u.c.cmsg_len = lens[i];
		ASSERT_EQ(-1, sendmsg(self->fd, &msg, 0));
		ASSERT_EQ(EINVAL, errno);
	}
	/* A type of ours that there is not. */
	u.c.cmsg_len = CMSG_LEN(sizeof(struct dtls_record));
	u.c.cmsg_type = DTLS_RECORD_TYPE + 1;
	ASSERT_EQ(-1, sendmsg(self->fd, &msg, 0));
	ASSERT_EQ(EINVAL, errno);
	/* Of levels that nobody here knows, UDP makes nothing. */
	u.c.cmsg_level = 12345;
	ASSERT_EQ(1, sendmsg(self->fd, &msg, 0));
}

TEST_F(messages, timestamps)
{
	const struct timespec *ts;
	const struct timeval *tv;

	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_TIMESTAMP, 1));
	ASSERT_EQ(1, end_send(self->far, "x", 1, 0));
	ASSERT_EQ(1, receive(self->fd, 0));
	tv = find(SOL_SOCKET, SCM_TIMESTAMP, sizeof(*tv));
	ASSERT_NE(NULL, tv);
	ASSERT_NE(0, tv->tv_sec);
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_TIMESTAMPNS, 1));
	ASSERT_EQ(1, end_send(self->far, "x", 1, 0));
	ASSERT_EQ(1, receive(self->fd, 0));
	ts = find(SOL_SOCKET, SCM_TIMESTAMPNS, sizeof(*ts));
	ASSERT_NE(NULL, ts);
	ASSERT_NE(0, ts->tv_sec);
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_TIMESTAMPNS, 0));
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_TIMESTAMPING,
			     SOF_TIMESTAMPING_RX_SOFTWARE |
			     SOF_TIMESTAMPING_SOFTWARE));
	ASSERT_EQ(1, end_send(self->far, "x", 1, 0));
	ASSERT_EQ(1, receive(self->fd, 0));
	ts = find(SOL_SOCKET, SCM_TIMESTAMPING, 3 * sizeof(*ts));
	ASSERT_NE(NULL, ts);
	ASSERT_NE(0, ts->tv_sec);
}

/* Records of one datagram, and records that were peeked, have their stamps. */
TEST_F(messages, timestamp_of_each_record)
{
	__u8 dgram[2 * RECORD_ROOM];
	struct timeval first;
	size_t n;

	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_TIMESTAMP, 1));
	n = oracle_seal(&self->far->tx, DTLS_TYPE_DATA, "a", 1, dgram);
	n += oracle_seal(&self->far->tx, DTLS_TYPE_DATA, "b", 1, dgram + n);
	ASSERT_EQ(n, send(self->far->fd, dgram, n, 0));
	ASSERT_EQ(1, receive(self->fd, MSG_PEEK));
	memcpy(&first, find(SOL_SOCKET, SCM_TIMESTAMP, sizeof(first)),
	       sizeof(first));
	ASSERT_EQ(1, receive(self->fd, 0));
	ASSERT_EQ(0, memcmp(&first, find(SOL_SOCKET, SCM_TIMESTAMP,
					 sizeof(first)), sizeof(first)));
	ASSERT_EQ(1, receive(self->fd, 0));
	ASSERT_EQ('b', in[0]);
	ASSERT_EQ(0, memcmp(&first, find(SOL_SOCKET, SCM_TIMESTAMP,
					 sizeof(first)), sizeof(first)));
}

TEST_F(messages, packet_info)
{
	const struct in_pktinfo *i4;
	const struct in6_pktinfo *i6;
	struct in6_addr want;

	if (self->family == FAMILY_V4) {
		ASSERT_EQ(0, set_int(self->fd, SOL_IP, IP_PKTINFO, 1));
		ASSERT_EQ(1, end_send(self->far, "x", 1, 0));
		ASSERT_EQ(1, receive(self->fd, 0));
		i4 = find(SOL_IP, IP_PKTINFO, sizeof(*i4));
		ASSERT_NE(NULL, i4);
		ASSERT_EQ(htonl(INADDR_LOOPBACK), i4->ipi_addr.s_addr);
		ASSERT_EQ(1, i4->ipi_ifindex);
		return;
	}
	ASSERT_EQ(0, set_int(self->fd, SOL_IPV6, IPV6_RECVPKTINFO, 1));
	ASSERT_EQ(1, end_send(self->far, "x", 1, 0));
	ASSERT_EQ(1, receive(self->fd, 0));
	i6 = find(SOL_IPV6, IPV6_PKTINFO, sizeof(*i6));
	ASSERT_NE(NULL, i6);
	inet_pton(AF_INET6, self->family == FAMILY_V6 ? "::1" :
		  "::ffff:127.0.0.1", &want);
	ASSERT_EQ(0, memcmp(&want, &i6->ipi6_addr, sizeof(want)));
	ASSERT_EQ(1, i6->ipi6_ifindex);
}

/* Of a v4-mapped socket one may also ask IPv4's question. */
TEST_F(messages, packet_info_v4_of_mapped)
{
	const struct in_pktinfo *i4;

	if (self->family != FAMILY_MAPPED)
		return;
	ASSERT_EQ(0, set_int(self->fd, SOL_IP, IP_PKTINFO, 1));
	ASSERT_EQ(1, end_send(self->far, "x", 1, 0));
	ASSERT_EQ(1, receive(self->fd, 0));
	i4 = find(SOL_IP, IP_PKTINFO, sizeof(*i4));
	ASSERT_NE(NULL, i4);
	ASSERT_EQ(htonl(INADDR_LOOPBACK), i4->ipi_addr.s_addr);
}

/* Of the outer packet: TTL and TOS of what the far end sent. */
TEST_F(messages, ttl_and_tos_in)
{
	if (self->family == FAMILY_V6) {
		ASSERT_EQ(0, set_int(self->fd, SOL_IPV6, IPV6_RECVHOPLIMIT, 1));
		ASSERT_EQ(0, set_int(self->fd, SOL_IPV6, IPV6_RECVTCLASS, 1));
		ASSERT_EQ(0, set_int(self->far->fd, SOL_IPV6,
				     IPV6_UNICAST_HOPS, 33));
		ASSERT_EQ(0, set_int(self->far->fd, SOL_IPV6, IPV6_TCLASS, 0x28));
		ASSERT_EQ(1, end_send(self->far, "x", 1, 0));
		ASSERT_EQ(1, receive(self->fd, 0));
		ASSERT_EQ(33, find_int(SOL_IPV6, IPV6_HOPLIMIT));
		ASSERT_EQ(0x28, find_int(SOL_IPV6, IPV6_TCLASS));
		return;
	}
	ASSERT_EQ(0, set_int(self->fd, SOL_IP, IP_RECVTTL, 1));
	ASSERT_EQ(0, set_int(self->fd, SOL_IP, IP_RECVTOS, 1));
	ASSERT_EQ(0, set_int(self->far->fd, SOL_IP, IP_TTL, 33));
	ASSERT_EQ(0, set_int(self->far->fd, SOL_IP, IP_TOS, 0x28));
	ASSERT_EQ(1, end_send(self->far, "x", 1, 0));
	ASSERT_EQ(1, receive(self->fd, 0));
	ASSERT_EQ(33, find_int(SOL_IP, IP_TTL));
	/* One byte, as IP has it. */
	ASSERT_NE(NULL, find(SOL_IP, IP_TOS, 1));
	ASSERT_EQ(0x28, *(const __u8 *)find(SOL_IP, IP_TOS, 1));
}

/* ... and of what we send, given by control message, alone and in a batch. */
TEST_F(messages, ttl_and_tos_out)
{
	bool v6 = self->family == FAMILY_V6;
	int level = v6 ? SOL_IPV6 : SOL_IP;
	char buf[256] = {}, data[300] = {};
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = buf,
	};
	int i, ttl, tos;

	ASSERT_EQ(0, set_int(self->far->fd, level,
			     v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL, 1));
	ASSERT_EQ(0, set_int(self->far->fd, level,
			     v6 ? IPV6_RECVTCLASS : IP_RECVTOS, 1));
	if (v6 || self->family == FAMILY_V4) {
		add_int(&msg, level, v6 ? IPV6_HOPLIMIT : IP_TTL, 44);
		add_int(&msg, level, v6 ? IPV6_TCLASS : IP_TOS, 0x48);
	} else {
		/* Linux takes IPv6's for v4-mapped sends, too, but not both. */
		ASSERT_EQ(0, set_int(self->fd, SOL_IP, IP_TTL, 44));
		ASSERT_EQ(0, set_int(self->fd, SOL_IP, IP_TOS, 0x48));
		msg.msg_control = NULL;
	}
	ASSERT_EQ(300, sendmsg(self->fd, &msg, 0));
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 100));
	ASSERT_EQ(300, sendmsg(self->fd, &msg, 0));
	for (i = 0; i < 4; i++) {
		ASSERT_LT(100, receive(self->far->fd, MSG_DONTWAIT));
		ttl = find_int(level, v6 ? IPV6_HOPLIMIT : IP_TTL);
		if (v6)
			tos = find_int(level, IPV6_TCLASS);
		else
			tos = *(const __u8 *)find(SOL_IP, IP_TOS, 1);
		ASSERT_EQ(44, ttl);
		ASSERT_EQ(0x48, tos);
	}
}

/* A connection refused is told, once, and the socket lives on. */
TEST_F(messages, refused)
{
	int port = self->far->fd;

	close(port);
	self->far->fd = -1;
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
	ASSERT_EQ(-1, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(ECONNREFUSED, errno);
	ASSERT_EQ(-1, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
	ASSERT_EQ(POLLERR, poll_now(self->fd, 0) & POLLERR);
	ASSERT_EQ(-1, send(self->fd, "x", 1, 0));
	ASSERT_EQ(ECONNREFUSED, errno);
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
}

TEST_F(messages, error_queue)
{
	bool v4 = self->family == FAMILY_V4;
	struct sock_extended_err ee;

	ASSERT_EQ(0, set_int(self->fd, v4 ? SOL_IP : SOL_IPV6,
			     v4 ? IP_RECVERR : IPV6_RECVERR, 1));
	if (self->family == FAMILY_MAPPED)
		ASSERT_EQ(0, set_int(self->fd, SOL_IP, IP_RECVERR, 1));
	close(self->far->fd);
	self->far->fd = -1;
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
	ASSERT_EQ(POLLERR, poll_now(self->fd, POLLIN) & POLLERR);
	ASSERT_EQ(true, event_next(self->fd, &ee));
	ASSERT_EQ(ECONNREFUSED, ee.ee_errno);
	ASSERT_EQ(self->family == FAMILY_V6 ? SO_EE_ORIGIN_ICMP6 :
		  SO_EE_ORIGIN_ICMP, ee.ee_origin);
	ASSERT_EQ(false, event_next(self->fd, &ee));
}

/* What comes back with an error is the packet as it was sent: sealed. */
TEST_F(messages, error_queue_has_no_plaintext)
{
	char buf[256], secret[] = "plaintext-of-the-program";
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (self->family != FAMILY_V4)
		return;
	ASSERT_EQ(0, set_int(self->fd, SOL_IP, IP_RECVERR, 1));
	close(self->far->fd);
	self->far->fd = -1;
	ASSERT_LT(0, send(self->fd, secret, sizeof(secret), 0));
	settle();
	n = recvmsg(self->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);
	ASSERT_LE(0, n);
	ASSERT_EQ(NULL, memmem(buf, n, secret, 8));
}

TEST_F(messages, dropped_count)
{
	int i;

	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_RXQ_OVFL, 1));
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_RCVBUF, 1));
	for (i = 0; i < 200; i++)
		end_send(self->far, in, 500, 0);
	ASSERT_EQ(500, receive(self->fd, 0));
	/* The count is that of the moment the datagram was queued: 0 then. */
	while (recv_soon(self->fd, in, sizeof(in), 0) > 0)
		;
	ASSERT_EQ(500, end_send(self->far, in, 500, 0));
	ASSERT_EQ(500, receive(self->fd, 0));
	ASSERT_LT(0, find_int(SOL_SOCKET, SO_RXQ_OVFL));
}

TEST_HARNESS_MAIN
