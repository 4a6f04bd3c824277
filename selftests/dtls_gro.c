// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/*
 * Batches that come in: a far end that is not kdtls sends many records in one
 * packet, and the near end takes them together (UDP_GRO) or one by one.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <linux/sockios.h>

#include "lib/pair.h"

#define RECORDS	20
#define SIZE	700
#define LAST	300
#define ALL	((RECORDS - 1) * SIZE + LAST)

static __u8 out[RECORDS * SIZE], in[65536], wire[65536];

FIXTURE(gro) {
	struct dtls_pair p;
	struct dtls_end *far;
	int fd;
};

FIXTURE_VARIANT(gro) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(gro, gcm_v4) { SUITE_AES_128_GCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(gro, gcm_v6) { SUITE_AES_128_GCM, FAMILY_V6 };
FIXTURE_VARIANT_ADD(gro, chacha_mapped) { SUITE_CHACHA20, FAMILY_MAPPED };
FIXTURE_VARIANT_ADD(gro, ccm_8_v4) { SUITE_AES_128_CCM_8, FAMILY_V4 };

FIXTURE_SETUP(gro)
{
	netns_new();
	pair_open(&self->p, variant->suite, variant->family, false);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
	fill(out, sizeof(out), 5);
}

FIXTURE_TEARDOWN(gro)
{
	pair_close(&self->p);
}

/* One packet of @len bytes at @wire, datagrams of @one bytes. */
static void send_packet(struct dtls_end *far, size_t len, size_t one)
{
	char control[CMSG_SPACE(sizeof(__u16))] = {};
	struct iovec iov = { wire, len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_UDP;
	cmsg->cmsg_type = UDP_SEGMENT;
	cmsg->cmsg_len = CMSG_LEN(sizeof(__u16));
	*(__u16 *)CMSG_DATA(cmsg) = one;
	must(sendmsg(far->fd, &msg, 0) == (ssize_t)len);
}

/* Records in one packet; that number @forged is not authentic, none if -1. */
static void send_batch(struct dtls_end *far, int forged)
{
	size_t at = 0, one = oracle_overhead(far->tx.suite) + SIZE;
	int i;

	for (i = 0; i < RECORDS; i++) {
		at += oracle_seal(&far->tx, DTLS_TYPE_DATA, out + i * SIZE,
				  i == RECORDS - 1 ? LAST : SIZE, wire + at);
		if (i == forged)
			wire[at - 1] ^= 1;
	}
	send_packet(far, at, one);
}

/* recvmsg without waiting; *@size is what UDP_GRO says, or -1. */
static ssize_t recv_batch(int fd, size_t len, int *size, int flags)
{
	char control[200];
	struct iovec iov = { in, len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t ret;

	settle();
	*size = -1;
	ret = recvmsg(fd, &msg, MSG_DONTWAIT | flags);
	if (ret < 0)
		return ret;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg))
		if (cmsg->cmsg_level == SOL_UDP && cmsg->cmsg_type == UDP_GRO)
			memcpy(size, CMSG_DATA(cmsg), sizeof(*size));
	return ret;
}

static bool nothing_left(int fd)
{
	return recv_soon(fd, in, sizeof(in), 0) == -1 && errno == EAGAIN;
}

TEST_F(gro, together)
{
	int size;

	ASSERT_EQ(0, get_int(self->fd, SOL_UDP, UDP_GRO));
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	ASSERT_EQ(1, get_int(self->fd, SOL_UDP, UDP_GRO));
	send_batch(self->far, -1);
	ASSERT_EQ(ALL, recv_batch(self->fd, sizeof(in), &size, 0));
	ASSERT_EQ(SIZE, size);
	ASSERT_EQ(0, memcmp(in, out, ALL));
	ASSERT_EQ(true, nothing_left(self->fd));
	ASSERT_EQ(RECORDS, stat_read("RxRecords"));
	ASSERT_EQ(0, stat_drops());
}

TEST_F(gro, one_by_one)
{
	int i, size;

	send_batch(self->far, -1);
	for (i = 0; i < RECORDS; i++) {
		ASSERT_EQ(i == RECORDS - 1 ? LAST : SIZE,
			  recv_batch(self->fd, sizeof(in), &size, 0));
		ASSERT_EQ(-1, size);
		ASSERT_EQ(0, memcmp(in, out + i * SIZE,
				    i == RECORDS - 1 ? LAST : SIZE));
		/* what nobody asks for costs no effort */
		ASSERT_EQ(i + 1, stat_read("RxRecords"));
	}
	ASSERT_EQ(true, nothing_left(self->fd));
}

TEST_F(gro, recvmmsg_drains)
{
	static __u8 bufs[RECORDS + 1][SIZE];
	struct mmsghdr msgs[RECORDS + 1] = {};
	struct iovec iov[RECORDS + 1];
	int i;

	for (i = 0; i <= RECORDS; i++) {
		iov[i] = (struct iovec){ bufs[i], SIZE };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	send_batch(self->far, -1);
	settle();
	ASSERT_EQ(RECORDS, recvmmsg(self->fd, msgs, RECORDS + 1, MSG_DONTWAIT,
				    NULL));
	for (i = 0; i < RECORDS; i++) {
		ASSERT_EQ(i == RECORDS - 1 ? LAST : SIZE, msgs[i].msg_len);
		ASSERT_EQ(0, memcmp(bufs[i], out + i * SIZE, msgs[i].msg_len));
	}
}

/* A bad record inside costs itself, and no other. */
TEST_F(gro, forged_inside)
{
	int size, i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, i));
		send_batch(self->far, 7);
		if (i) {
			ASSERT_EQ(ALL - SIZE, recv_batch(self->fd, sizeof(in),
							 &size, 0));
			ASSERT_EQ(SIZE, size);
		} else {
			size_t at = 0;

			while (at < ALL - SIZE) {
				ssize_t n = recv_soon(self->fd, in + at,
						      sizeof(in) - at, 0);

				ASSERT_LT(0, n);
				at += n;
			}
		}
		ASSERT_EQ(0, memcmp(in, out, 7 * SIZE));
		ASSERT_EQ(0, memcmp(in + 7 * SIZE, out + 8 * SIZE,
				    ALL - 8 * SIZE));
		ASSERT_EQ(true, nothing_left(self->fd));
	}
	ASSERT_EQ(2, stat_read("RxDropAuth"));
	ASSERT_EQ(2, stat_drops());
}

TEST_F(gro, first_forged)
{
	int size;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	send_batch(self->far, 0);
	ASSERT_EQ(ALL - SIZE, recv_batch(self->fd, sizeof(in), &size, 0));
	ASSERT_EQ(SIZE, size);
	ASSERT_EQ(0, memcmp(in, out + SIZE, ALL - SIZE));
}

/* The same packet again: nothing of it is new. */
TEST_F(gro, replayed)
{
	size_t one = oracle_overhead(self->far->tx.suite) + SIZE;
	int size;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	send_batch(self->far, -1);
	send_packet(self->far, ALL + RECORDS * (one - SIZE), one);
	ASSERT_EQ(ALL, recv_batch(self->fd, sizeof(in), &size, 0));
	ASSERT_EQ(true, nothing_left(self->fd));
	ASSERT_EQ(RECORDS, stat_read("RxDropReplay"));
	ASSERT_EQ(RECORDS, stat_drops());
}

/* A buffer for three and a half records holds three; the rest waits. */
TEST_F(gro, small_buffer)
{
	size_t at = 0;
	int size;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	send_batch(self->far, -1);
	while (at < 18 * SIZE) {
		ASSERT_EQ(3 * SIZE, recv_batch(self->fd, 3 * SIZE + SIZE / 2,
					       &size, 0));
		ASSERT_EQ(SIZE, size);
		ASSERT_EQ(0, memcmp(in, out + at, 3 * SIZE));
		at += 3 * SIZE;
		ASSERT_EQ(at / SIZE, stat_read("RxRecords"));
	}
	ASSERT_EQ(SIZE + LAST, recv_batch(self->fd, 3 * SIZE, &size, 0));
	ASSERT_EQ(true, nothing_left(self->fd));
}

/* As UDP does it: a buffer too small for one record cuts that one. */
TEST_F(gro, tiny_buffer)
{
	int size;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	send_batch(self->far, -1);
	ASSERT_EQ(SIZE, recv_batch(self->fd, 10, &size, MSG_TRUNC));
	ASSERT_EQ(-1, size);
	ASSERT_EQ(10, recv_batch(self->fd, 10, &size, 0));
	ASSERT_EQ(ALL - 2 * SIZE, recv_batch(self->fd, sizeof(in), &size, 0));
	ASSERT_EQ(0, memcmp(in, out + 2 * SIZE, ALL - 2 * SIZE));
}

/* What poll, FIONREAD and MSG_PEEK opened comes with what they did not. */
TEST_F(gro, after_poll)
{
	int size, len;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	send_batch(self->far, -1);
	ASSERT_EQ(POLLIN, poll_now(self->fd, POLLIN) & POLLIN);
	ASSERT_EQ(0, ioctl(self->fd, SIOCINQ, &len));
	ASSERT_EQ(SIZE, len);
	ASSERT_EQ(SIZE, recv_batch(self->fd, sizeof(in), &size, MSG_PEEK));
	ASSERT_EQ(-1, size);
	ASSERT_EQ(ALL, recv_batch(self->fd, sizeof(in), &size, 0));
	ASSERT_EQ(SIZE, size);
	ASSERT_EQ(0, memcmp(in, out, ALL));
	ASSERT_EQ(0, poll_now(self->fd, POLLIN) & POLLIN);
}

/* Records that one datagram brought, and poll opened, come together as well. */
TEST_F(gro, after_poll_of_many)
{
	static const int sizes[] = { 100, 100, 100, 50, 100, 200, 0, 100 };
	/* by the number of the first record */
	static const struct { int first, bytes, size; } calls[] = {
		{ 0, 350, 100 }, { 4, 100, -1 }, { 5, 200, -1 }, { 6, 0, -1 },
		{ 7, 100, -1 },
	};
	const size_t page = sysconf(_SC_PAGESIZE);
	struct iovec iov[2];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	size_t at;
	int size, round;
	unsigned int i;
	__u8 *map;

	map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, munmap(map + page, page));
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	for (round = 0; round < 2; round++) {
		for (i = 0, at = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
			at += oracle_seal(&self->far->tx, DTLS_TYPE_DATA,
					  out + i * 100, sizes[i], wire + at);
		ASSERT_EQ(at, send(self->far->fd, wire, at, 0));
		ASSERT_EQ(POLLIN, poll_now(self->fd, POLLIN) & POLLIN);
		/* all are opened */
		ASSERT_EQ((round + 1) * i, stat_read("RxRecords"));
		/* a bad buffer for the third: the two before it are given */
		iov[0] = (struct iovec){ in, 200 };
		iov[1] = (struct iovec){ map + page - 50, 100 };
		if (round) {
			ASSERT_EQ(200, recvmsg(self->fd, &msg, MSG_DONTWAIT));
			ASSERT_EQ(0, memcmp(in, out, 200));
			ASSERT_EQ(150, recv_batch(self->fd, sizeof(in), &size,
						  0));
			ASSERT_EQ(0, memcmp(in, out + 200, 150));
		}
		for (i = round; i < sizeof(calls) / sizeof(*calls); i++) {
			ASSERT_EQ(calls[i].bytes, recv_batch(self->fd,
							     sizeof(in), &size,
							     0));
			ASSERT_EQ(calls[i].size, size);
			ASSERT_EQ(0, memcmp(in, out + calls[i].first * 100,
					    calls[i].bytes));
		}
		ASSERT_EQ(true, nothing_left(self->fd));
	}
	ASSERT_EQ(0, stat_drops());
	ASSERT_EQ(0, munmap(map, page));
}

/* Two packets are two calls: their addresses and marks may differ. */
TEST_F(gro, packets_stay_apart)
{
	int size;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	send_batch(self->far, -1);
	send_batch(self->far, -1);
	ASSERT_EQ(POLLIN, poll_now(self->fd, POLLIN) & POLLIN);
	ASSERT_EQ(ALL, recv_batch(self->fd, sizeof(in), &size, 0));
	ASSERT_EQ(ALL, recv_batch(self->fd, sizeof(in), &size, 0));
	ASSERT_EQ(true, nothing_left(self->fd));
}

/* With marks every record comes alone. */
TEST_F(gro, record_types)
{
	struct dtls_record r;
	int i, flags;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_RECVTYPE, 1));
	send_batch(self->far, -1);
	settle();
	for (i = 0; i < RECORDS; i++) {
		ASSERT_EQ(i == RECORDS - 1 ? LAST : SIZE,
			  recv_record(self->fd, in, sizeof(in), MSG_DONTWAIT,
				      &r, &flags));
		ASSERT_EQ(DTLS_TYPE_DATA, r.type);
		ASSERT_EQ(FIRST_SEQ + i, r.seq);
	}
}

/* Several records in each datagram, of three sizes: runs of one size. */
TEST_F(gro, sizes_mix)
{
	static const int sizes[] = { 100, 100, 50, 100, 200, 200, 0, 100, 100 };
	static const int calls[] = { 250, 100, 400, 0, 200 };
	size_t at = 0;
	unsigned int i;
	int size;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		at += oracle_seal(&self->far->tx, DTLS_TYPE_DATA, out, sizes[i],
				  wire + at);
	ASSERT_EQ(at, send(self->far->fd, wire, at, 0));
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		ASSERT_EQ(calls[i], recv_batch(self->fd, sizeof(in), &size, 0));
	ASSERT_EQ(true, nothing_left(self->fd));
	ASSERT_EQ(0, stat_drops());
}

/* An alert does not overtake the data in front of it, nor the data behind. */
TEST_F(gro, close_inside)
{
	static const __u8 close_notify[] = { ALERT_WARNING, ALERT_CLOSE_NOTIFY };
	size_t at = 0;
	int i, size;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	for (i = 0; i < 3; i++)
		at += oracle_seal(&self->far->tx, DTLS_TYPE_DATA, out + i * 2, 2,
				  wire + at);
	at += oracle_seal(&self->far->tx, DTLS_TYPE_ALERT, close_notify, 2,
			  wire + at);
	at += oracle_seal(&self->far->tx, DTLS_TYPE_DATA, out, 2, wire + at);
	send_packet(self->far, at, oracle_overhead(self->far->tx.suite) + 2);
	ASSERT_EQ(6, recv_batch(self->fd, sizeof(in), &size, 0));
	ASSERT_EQ(2, size);
	ASSERT_EQ(0, memcmp(in, out, 6));
	ASSERT_EQ(0, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(POLLRDHUP, poll_now(self->fd, POLLRDHUP) & POLLRDHUP);
	ASSERT_EQ(1, stat_read("RxDropClosed"));
}

/* A buffer that ends in the middle of nowhere: no record is lost by it. */
TEST_F(gro, bad_buffer)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	__u8 *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov[2];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	int size;

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, munmap(map + page, page));
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	send_batch(self->far, -1);
	settle();
	/* the first record: refused, and kept */
	iov[0] = (struct iovec){ map + page - SIZE / 2, SIZE };
	iov[1] = (struct iovec){ in, SIZE };
	ASSERT_EQ(-1, recvmsg(self->fd, &msg, MSG_DONTWAIT));
	ASSERT_EQ(EFAULT, errno);
	/* the third: the two before it are given */
	iov[0] = (struct iovec){ in, 2 * SIZE };
	iov[1] = (struct iovec){ map + page - SIZE / 2, SIZE };
	ASSERT_EQ(2 * SIZE, recvmsg(self->fd, &msg, MSG_DONTWAIT));
	ASSERT_EQ(0, memcmp(in, out, 2 * SIZE));
	ASSERT_EQ(ALL - 2 * SIZE, recv_batch(self->fd, sizeof(in), &size, 0));
	ASSERT_EQ(0, memcmp(in, out + 2 * SIZE, ALL - 2 * SIZE));
	ASSERT_EQ(true, nothing_left(self->fd));
	ASSERT_EQ(0, munmap(map, page));
}

/* Set before the keys, or before the attach, it holds; the stack's own does not show. */
TEST_F(gro, set_before)
{
	struct dtls_pair p;
	int size;

	pair_prepare(&p, variant->suite, variant->family, false);
	ASSERT_EQ(0, set_int(p.near.fd, SOL_UDP, UDP_GRO, 1));
	ASSERT_EQ(0, ulp_attach(p.near.fd));
	ASSERT_EQ(0, key_install(p.near.fd, DTLS_TX, &p.near.tx));
	ASSERT_EQ(0, key_install(p.near.fd, DTLS_RX, &p.near.rx));
	ASSERT_EQ(1, get_int(p.near.fd, SOL_UDP, UDP_GRO));
	send_batch(&p.far, -1);
	ASSERT_EQ(ALL, recv_batch(p.near.fd, sizeof(in), &size, 0));
	ASSERT_EQ(0, set_int(p.near.fd, SOL_UDP, UDP_GRO, 0));
	ASSERT_EQ(0, get_int(p.near.fd, SOL_UDP, UDP_GRO));
	send_batch(&p.far, -1);
	ASSERT_EQ(SIZE, recv_batch(p.near.fd, sizeof(in), &size, 0));
	pair_close(&p);
}

/* Closed with an aggregate half taken. */
TEST_F(gro, closed_half_way)
{
	int size;

	send_batch(self->far, -1);
	ASSERT_EQ(SIZE, recv_batch(self->fd, sizeof(in), &size, 0));
	ASSERT_EQ(POLLIN, poll_now(self->fd, POLLIN) & POLLIN);
}

TEST_HARNESS_MAIN
