// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: yes */
/*
 * DTLS_PASSTHROUGH: what is no DTLS goes past, marked, both ways; what is goes not.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>

#include "lib/batch.h"
#include "lib/crowd.h"
#include "lib/effort.h"

#define SIZE	300
#define KINDS	9

static __u8 in[BATCH_ROOM], out[SIZE], raw[SIZE + 60], wire[BATCH_ROOM];

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

FIXTURE(pass) {
	struct crowd c;
	struct member *m;
	int fd;
};

FIXTURE_VARIANT(pass) {
	__u16 suite;
	int family;
	bool connected;
	bool gro;
	bool slow;		/* on slow kernels as well */
};

FIXTURE_VARIANT_ADD(pass, v12_v4_connected)
{
	SUITE_AES_128_GCM, FAMILY_V4, true, false, false
};

FIXTURE_VARIANT_ADD(pass, v12_v6_connected_gro)
{
	SUITE_AES_128_GCM, FAMILY_V6, true, true, true
};

FIXTURE_VARIANT_ADD(pass, v13_v4_connected_gro)
{
	SUITE13_AES_128_GCM, FAMILY_V4, true, true, false
};

FIXTURE_VARIANT_ADD(pass, v12_v4_peers_gro)
{
	SUITE_AES_128_GCM, FAMILY_V4, false, true, false
};

FIXTURE_VARIANT_ADD(pass, v13_v6_peers)
{
	SUITE13_CHACHA20, FAMILY_V6, false, false, true
};

FIXTURE_VARIANT_ADD(pass, v13_mapped_peers_gro)
{
	SUITE13_AES_128_GCM, FAMILY_MAPPED, false, true, true
};

/* Member 0 is the peer; member 1 is a stranger, and has keys of his own. */
FIXTURE_SETUP(pass)
{
	__u8 arg[PEER_ADD_ROOM];
	size_t len;

	if (effort_slow() && !effort_long() && !variant->slow)
		SKIP(return, "not on a slow kernel");
	netns_new();
	crowd_prepare(&self->c, variant->suite, variant->family, 2, false);
	self->m = self->c.m;
	self->fd = self->c.fd;
	if (variant->connected) {
		udp_connect(self->fd, self->m->end12.fd);
		len = peer_add_fill(&self->c, self->m, DTLS_PEER_TX | DTLS_PEER_RX,
				    arg) - sizeof(struct dtls_peer_info);
		must(!setsockopt(self->fd, SOL_DTLS, DTLS_TXRX,
				 arg + sizeof(struct dtls_peer_info), len));
	} else {
		must(!peer_add(&self->c, self->m, DTLS_PEER_TX | DTLS_PEER_RX));
	}
	if (variant->gro)
		must(!set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	must(!set_int(self->fd, SOL_DTLS, DTLS_PASSTHROUGH, 1));
	must(!set_int(self->fd, SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20));
	fill(out, sizeof(out), 3);
	fill(raw, sizeof(raw), 4);
	raw[0] = 0x80;
}

FIXTURE_TEARDOWN(pass)
{
	if (self->c.m)
		crowd_close(&self->c);
}

static void member_raw(const struct member *m, size_t len)
{
	must(send(m->end12.fd, raw, len, 0) == (ssize_t)len);
}

/* recvmsg without waiting; *@mark: 1 if it says raw, 2 if it says what record. */
static ssize_t take(int fd, size_t room, int flags, int *mark, int *size,
		    __u64 *id, struct sockaddr_storage *from)
{
	union {
		char buf[256];
		struct cmsghdr align;
	} u = {};
	struct iovec iov = { in, sizeof(in) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u.buf, .msg_controllen = room,
		.msg_name = from, .msg_namelen = from ? sizeof(*from) : 0,
	};
	struct cmsghdr *c;
	ssize_t n;
	int val;

	*mark = 0;
	*size = 0;
	if (id)
		*id = 0;
	if (from)
		memset(from, 0, sizeof(*from));
	n = recvmsg(fd, &msg, flags | MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN) {
		settle();
		n = recvmsg(fd, &msg, flags | MSG_DONTWAIT);
	}
	if (n < 0)
		return -errno;
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
			memcpy(size, CMSG_DATA(c), sizeof(*size));
		if (c->cmsg_level != SOL_DTLS)
			continue;
		if (c->cmsg_type == DTLS_RAW) {
			must(c->cmsg_len == CMSG_LEN(sizeof(val)));
			memcpy(&val, CMSG_DATA(c), sizeof(val));
			must(val == 1);
			*mark |= 1;
		} else if (c->cmsg_type == DTLS_RECORD_TYPE) {
			*mark |= 2;
		} else if (c->cmsg_type == DTLS_PEER_ID && id) {
			memcpy(id, CMSG_DATA(c), sizeof(*id));
		}
	}
	return n;
}

static ssize_t take_one(int fd, int *mark)
{
	int size;

	return take(fd, 256, 0, mark, &size, NULL, NULL);
}

/* sendmsg with DTLS_RAW of @val, to @m if that is given, in segments of @seg. */
static ssize_t give(int fd, const void *data, size_t len, int val, int seg,
		    const struct member *m, int flags)
{
	union {
		char buf[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(__u16))];
		struct cmsghdr align;
	} u = {};
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u.buf, .msg_controllen = sizeof(u.buf),
		.msg_name = m ? (void *)&m->addr : NULL,
		.msg_namelen = m ? m->addr_len : 0,
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	__u16 gso = seg;

	c->cmsg_level = SOL_DTLS;
	c->cmsg_type = DTLS_RAW;
	c->cmsg_len = CMSG_LEN(sizeof(val));
	memcpy(CMSG_DATA(c), &val, sizeof(val));
	if (seg) {
		c = CMSG_NXTHDR(&msg, c);
		c->cmsg_level = SOL_UDP;
		c->cmsg_type = UDP_SEGMENT;
		c->cmsg_len = CMSG_LEN(sizeof(gso));
		memcpy(CMSG_DATA(c), &gso, sizeof(gso));
	} else {
		msg.msg_controllen = CMSG_SPACE(sizeof(val));
	}
	return sendmsg(fd, &msg, flags) < 0 ? -errno : (ssize_t)len;
}

static size_t seal(struct crowd *c, struct member *m, void *to)
{
	return c->v13 ? oracle13_seal(&m->end13.tx, DTLS_TYPE_DATA, out, SIZE, to) :
			oracle_seal(&m->end12.tx, DTLS_TYPE_DATA, out, SIZE, to);
}

TEST_F(pass, option)
{
	int mark;

	ASSERT_EQ(1, get_int(self->fd, SOL_DTLS, DTLS_PASSTHROUGH));
	ASSERT_NE(0, set_int(self->fd, SOL_DTLS, DTLS_PASSTHROUGH, 4));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_PASSTHROUGH, 0));
	member_raw(self->m, SIZE);
	ASSERT_EQ(-EAGAIN, take_one(self->fd, &mark));
	ASSERT_EQ(1, stat_drops());
	ASSERT_EQ(0, stat_read("RxRaw"));
	ASSERT_EQ(-EINVAL, give(self->fd, raw, SIZE, 1, 0,
				variant->connected ? NULL : self->m, 0));
	ASSERT_EQ(-1, recv_soon(self->m->end12.fd, in, sizeof(in), MSG_DONTWAIT));
}

TEST_F(pass, first_byte)
{
	int first, mark;

	/* STUN, ZRTP, TURN channels, QUIC, RTP; and what lies between */
	for (first = 0; first < 256; first++) {
		raw[0] = first;
		member_raw(self->m, SIZE);
	}
	for (first = 0; first < 256; first++) {
		if (first >= 20 && first <= 63)
			continue;
		raw[0] = first;
		ASSERT_EQ(SIZE, take_one(self->fd, &mark)) TH_LOG("%d", first);
		ASSERT_EQ(1, mark);
		ASSERT_EQ(0, memcmp(in, raw, SIZE)) TH_LOG("%d", first);
	}
	ASSERT_EQ(-EAGAIN, take_one(self->fd, &mark));
	ASSERT_EQ(256 - 44, stat_read("RxRaw"));
	ASSERT_EQ(44, stat_drops());
	/* one without any is not raw, and nothing */
	ASSERT_EQ(0, send(self->m->end12.fd, raw, 0, 0));
	ASSERT_EQ(-EAGAIN, take_one(self->fd, &mark));
	/* of one byte */
	raw[0] = 64;
	member_raw(self->m, 1);
	ASSERT_EQ(1, take_one(self->fd, &mark));
	ASSERT_EQ(1, mark);
	ASSERT_EQ(SIZE, member_send(&self->c, self->m, out, SIZE));
	ASSERT_EQ(SIZE, take_one(self->fd, &mark));
	ASSERT_EQ(0, mark);
	ASSERT_EQ(0, memcmp(in, out, SIZE));
}

TEST_F(pass, no_room_no_bytes)
{
	int mark, size, i;

	/* in the queue of datagrams, and once poll, or FIONREAD, has seen it */
	for (i = 0; i < 3; i++) {
		member_raw(self->m, SIZE);
		ASSERT_EQ(SIZE, member_send(&self->c, self->m, out, SIZE));
		if (i == 1)
			ASSERT_EQ(POLLIN, poll_now(self->fd, POLLIN));
		if (i == 2) {
			settle();
			ASSERT_EQ(0, ioctl(self->fd, SIOCINQ, &size));
			ASSERT_EQ(SIZE, size);
		}
		ASSERT_EQ(SIZE, recv_soon(self->fd, in, sizeof(in), MSG_DONTWAIT));
		ASSERT_EQ(0, memcmp(in, out, SIZE));
		ASSERT_EQ(i + 1, stat_read("RxDropRaw"));
		ASSERT_EQ(-EAGAIN, take_one(self->fd, &mark));
	}
	/* one byte short of a mark, and just enough */
	for (i = 1; i >= 0; i--) {
		member_raw(self->m, SIZE);
		ASSERT_EQ(i ? -EAGAIN : SIZE,
			  take(self->fd, CMSG_LEN(sizeof(int)) - i, 0, &mark,
			       &size, NULL, NULL));
	}
	ASSERT_EQ(1, mark);
	ASSERT_EQ(4, stat_drops());
}

TEST_F(pass, peek_and_cut)
{
	int mark, size, i;

	ASSERT_EQ(0, poll_now(self->fd, POLLIN));
	member_raw(self->m, SIZE);
	ASSERT_EQ(POLLIN, poll_now(self->fd, POLLIN));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(SIZE, take(self->fd, 256, MSG_PEEK, &mark, &size, NULL, NULL));
		ASSERT_EQ(1, mark);
		ASSERT_EQ(0, memcmp(in, raw, SIZE));
	}
	ASSERT_EQ(SIZE, take_one(self->fd, &mark));
	ASSERT_EQ(1, mark);
	ASSERT_EQ(0, poll_now(self->fd, POLLIN));
	ASSERT_EQ(-EAGAIN, take_one(self->fd, &mark));
	ASSERT_EQ(1, stat_read("RxRaw"));

	/* the mark of a raw one is not that of a record */
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_RECVTYPE, 1));
	member_raw(self->m, SIZE);
	ASSERT_EQ(SIZE, member_send(&self->c, self->m, out, SIZE));
	ASSERT_EQ(SIZE, take_one(self->fd, &mark));
	ASSERT_EQ(1, mark);
	ASSERT_EQ(SIZE, take_one(self->fd, &mark));
	ASSERT_EQ(2, mark);
}

TEST_F(pass, whose)
{
	struct sockaddr_storage from;
	int mark, size;
	__u64 id;

	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_RECVPEER, 1));
	member_raw(self->m, SIZE);
	ASSERT_EQ(SIZE, take(self->fd, 256, 0, &mark, &size, &id, &from));
	ASSERT_EQ(1, mark);
	/* an address is no proof */
	ASSERT_EQ(0, id);
	ASSERT_EQ(self->m, crowd_whose(&self->c, &from));
	if (variant->connected)
		return;
	ASSERT_EQ(SIZE, member_send(&self->c, self->m, out, SIZE));
	ASSERT_EQ(SIZE, take(self->fd, 256, 0, &mark, &size, &id, &from));
	ASSERT_EQ(self->m->id, id);
	/* anybody's, but not his records */
	ASSERT_EQ(SIZE, member_send(&self->c, self->m + 1, out, SIZE));
	member_raw(self->m + 1, SIZE);
	ASSERT_EQ(SIZE, take(self->fd, 256, 0, &mark, &size, &id, &from));
	ASSERT_EQ(1, mark);
	ASSERT_EQ(0, id);
	ASSERT_EQ(self->m + 1, crowd_whose(&self->c, &from));
	ASSERT_EQ(-EAGAIN, take_one(self->fd, &mark));
	ASSERT_EQ(1, stat_read("RxDropStranger"));
}

/* A client who is about to become a peer. */
TEST_F(pass, strangers)
{
	struct crowd *c = &self->c;
	struct member *m = c->m + 1;
	struct sockaddr_storage from;
	__u8 hello[SIZE] = { DTLS_TYPE_HANDSHAKE, 0xfe, 0xfd };
	__u8 arg[PEER_ADD_ROOM];
	int mark, size;
	size_t len;
	__u64 id;

	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_PASSTHROUGH, DTLS_PASS_STRANGERS));
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_RECVPEER, 1));
	/* of a peer it is none, whatever it is; nor is what is no DTLS */
	ASSERT_EQ(SIZE, send(self->m->end12.fd, hello, SIZE, 0));
	member_raw(self->m, SIZE);
	ASSERT_EQ(-EAGAIN, take_one(self->fd, &mark));
	ASSERT_EQ(0, stat_read("RxRaw"));
	ASSERT_LE(2, stat_drops());
	if (variant->connected)
		return;
	member_raw(m, SIZE);
	ASSERT_EQ(-EAGAIN, take_one(self->fd, &mark));
	ASSERT_EQ(1, stat_read("RxDropStranger"));

	ASSERT_EQ(SIZE, send(m->end12.fd, hello, SIZE, 0));
	ASSERT_EQ(SIZE, send(m->end12.fd, hello, SIZE, 0));
	ASSERT_EQ(SIZE, take(self->fd, 256, 0, &mark, &size, &id, &from));
	ASSERT_EQ(1, mark);
	ASSERT_EQ(0, id);
	ASSERT_EQ(m, crowd_whose(c, &from));
	ASSERT_EQ(0, memcmp(in, hello, SIZE));
	/* never as data */
	ASSERT_EQ(-1, recv_soon(self->fd, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(1, stat_read("RxDropRaw"));
	ASSERT_EQ(SIZE, give(self->fd, hello, SIZE, 1, 0, m, 0));
	ASSERT_EQ(SIZE, recv_soon(m->end12.fd, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(0, memcmp(in, hello, SIZE));

	/* what overtakes the end of the handshake waits for the keys */
	len = peer_add_fill(c, m, DTLS_PEER_TX | DTLS_PEER_RX, arg);
	ASSERT_EQ(SIZE, member_send(c, m, out, SIZE));
	ASSERT_EQ(0, setsockopt(self->fd, SOL_DTLS, DTLS_PEER_ADD, arg, len));
	ASSERT_EQ(SIZE, take(self->fd, 256, 0, &mark, &size, &id, &from));
	ASSERT_EQ(0, mark);
	ASSERT_EQ(peer_id(self->fd, &m->addr), id);
	ASSERT_EQ(0, memcmp(in, out, SIZE));
	/* and the other one has not been disturbed */
	ASSERT_EQ(SIZE, member_send(c, self->m, out, SIZE));
	ASSERT_EQ(SIZE, take(self->fd, 256, 0, &mark, &size, &id, &from));
	ASSERT_EQ(self->m->id, id);
}

/* Kinds that change within one packet: bit @i of @raws says that @i is raw. */
TEST_F(pass, mixed)
{
	static const unsigned int raws[] = { 0x1ff, 0x001, 0x0aa, 0x155, 0x038, 0x100 };
	struct crowd *c = &self->c;
	int mark, size, polled;
	unsigned int i, j, k, who;
	size_t at, one;
	ssize_t n;

	for (j = 0; j < 4 * sizeof(raws) / sizeof(*raws); j++) {
		k = j / 4;
		polled = j / 2 % 2;
		who = j % 2;
		if (who && variant->connected)
			continue;
		for (i = at = 0; i < KINDS; i++) {
			one = seal(c, c->m + who, wire + at);
			if (raws[k] & 1u << i)
				memcpy(wire + at, raw, one);
			at += one;
		}
		ASSERT_EQ((ssize_t)at, batch_send(c->m[who].end12.fd, wire, at, one, 0));
		if (polled)
			poll_now(self->fd, POLLIN);
		for (i = 0; i < KINDS; i++) {
			if (raws[k] & 1u << i) {
				ASSERT_EQ((ssize_t)one, take_one(self->fd, &mark));
				ASSERT_EQ(1, mark);
				ASSERT_EQ(0, memcmp(in, raw, one));
				continue;
			}
			if (who)
				continue;
			n = take(self->fd, 256, 0, &mark, &size, NULL, NULL);
			ASSERT_LT(0, n);
			ASSERT_EQ(0, n % SIZE);
			ASSERT_EQ(0, mark);
			ASSERT_EQ(n > SIZE ? SIZE : 0, size);
			if (!variant->gro)
				ASSERT_EQ(SIZE, n);
			for (; n; n -= SIZE, i++) {
				ASSERT_EQ(0, raws[k] & 1u << i);
				ASSERT_EQ(0, memcmp(in + n - SIZE, out, SIZE));
			}
			i--;
		}
		ASSERT_EQ(-EAGAIN, take_one(self->fd, &mark));
	}
	ASSERT_EQ(stat_read("RxDropStranger"), stat_drops());
}

/* What follows a record in its datagram is no raw datagram, whatever it says. */
TEST_F(pass, behind_a_record)
{
	size_t one = seal(&self->c, self->m, wire);
	int mark;

	memset(wire + one, 0x80, 50);
	ASSERT_EQ((ssize_t)one + 50, send(self->m->end12.fd, wire, one + 50, 0));
	/* the header of DTLS 1.3 may go without a length: then it is not authentic */
	if (take_one(self->fd, &mark) > 0)
		ASSERT_EQ(0, mark);
	ASSERT_EQ(-EAGAIN, take_one(self->fd, &mark));
	ASSERT_EQ(0, stat_read("RxRaw"));
	ASSERT_EQ(1, stat_drops());
}

TEST_F(pass, sent)
{
	const struct member *to = variant->connected ? NULL : self->m;
	int far = self->m->end12.fd, i;

	ASSERT_EQ(SIZE, give(self->fd, raw, SIZE, 1, 0, to, 0));
	ASSERT_EQ(SIZE, recv_soon(far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(0, memcmp(in, raw, SIZE));
	ASSERT_EQ(1, stat_read("TxRaw"));
	ASSERT_EQ(0, stat_read("TxRecords"));
	/* to somebody else */
	ASSERT_EQ(SIZE, give(self->fd, raw, SIZE, 1, 0, self->m + 1, 0));
	ASSERT_EQ(SIZE, recv_soon(self->m[1].end12.fd, in, sizeof(in), MSG_DONTWAIT));
	if (!variant->connected)
		ASSERT_EQ(-EDESTADDRREQ, give(self->fd, raw, SIZE, 1, 0, NULL, 0));
	ASSERT_EQ(-EINVAL, give(self->fd, raw, SIZE, 0, 0, to, 0));
	ASSERT_EQ(-EINVAL, give(self->fd, raw, SIZE, 2, 0, to, 0));
	ASSERT_EQ(-EOPNOTSUPP, give(self->fd, raw, SIZE, 1, 0, to, MSG_MORE));

	/* in segments, as the message says or the socket */
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(SIZE, give(self->fd, raw, SIZE, 1, i ? 0 : 100, to, 0));
		ASSERT_EQ(100, recv_soon(far, in, sizeof(in), MSG_DONTWAIT));
		ASSERT_EQ(0, memcmp(in, raw, 100));
		ASSERT_EQ(100, recv_soon(far, in, sizeof(in), MSG_DONTWAIT));
		ASSERT_EQ(100, recv_soon(far, in, sizeof(in), MSG_DONTWAIT));
		ASSERT_EQ(0, memcmp(in, raw + 200, 100));
		ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 100));
	}
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 0));
	ASSERT_EQ(-1, recv_soon(far, in, sizeof(in), MSG_DONTWAIT));

	/* and records as ever */
	ASSERT_EQ(SIZE, crowd_send(&self->c, self->m, out, SIZE));
	ASSERT_EQ(SIZE, member_recv(&self->c, self->m, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(0, memcmp(in, out, SIZE));
}

TEST_HARNESS_MAIN
