// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: yes */
/* kselftest-timeout: 300 */
/*
 * Every allocation, and every copy from and to the program, fails once: the
 * first in one try, the second in the next, and so on until the call gets
 * through. Each failure must be clean, and the socket work after it.
 *
 * Here: bytes out and in.
 *
 * Needs a kernel with fault injection, as "make check KERNEL=debug" has it.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <linux/sockios.h>

#include "lib/effort.h"
#include "lib/fault.h"

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY	60
#endif

static __u8 in[65536], out[20000];

FIXTURE(fault) {
	struct dtls_pair p;
};

FIXTURE_SETUP(fault)
{
	if (!fault_init())
		SKIP(return, "no fault injection in this kernel");
	netns_new();
	pair_open(&self->p, SUITE_AES_128_GCM, FAMILY_V4, true);
}

FIXTURE_TEARDOWN(fault)
{
	pair_close(&self->p);
}

/* Everything that is there to read; true if it is pieces of what was sent. */
static bool takes_pieces(int fd, const __u8 *sent, size_t len, size_t piece)
{
	ssize_t n;
	size_t at;

	while ((n = recv_soon(fd, in, sizeof(in), 0)) >= 0) {
		for (at = 0; at + n <= len; at += piece)
			if (!memcmp(in, sent + at, n))
				break;
		if (at + n > len)
			return false;
	}
	return errno == EAGAIN;
}

/* A send that failed was not sent; one that says so was, whole. */
TEST_F(fault, send)
{
	static const int sizes[] = { 0, 1, 1200, 16384 };
	unsigned int i;
	int nth, fd, ret, got;
	bool hit;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill(out, sizes[i], i);
		for (nth = 1; nth < FAULT_TRIES; nth++) {
			fd = fault_arm(nth);
			ret = send(self->p.near.fd, out, sizes[i], 0);
			hit = fault_happened(fd, NULL);
			got = recv(self->p.far.fd, in, sizeof(in),
				   MSG_DONTWAIT);
			if (ret < 0) {
				ASSERT_EQ(true, hit);
				ASSERT_EQ(-1, got);
			} else if (got >= 0 || !hit) {
				/* memory may be short on the way, as in UDP */
				ASSERT_EQ(sizes[i], ret);
				ASSERT_EQ(sizes[i], got);
				ASSERT_EQ(0, memcmp(in, out, got));
			}
			still_works(&self->p);
			if (!hit)
				break;
		}
		ASSERT_LT(nth, FAULT_TRIES);
	}
}

TEST_F(fault, send_segments)
{
	int nth, fd, ret, got, total;
	bool hit;

	fill(out, 10000, 1);
	ASSERT_EQ(0, set_int(self->p.near.fd, SOL_UDP, UDP_SEGMENT, 1000));
	for (nth = 1; nth < FAULT_TRIES; nth++) {
		fd = fault_arm(nth);
		ret = send(self->p.near.fd, out, 10000, 0);
		hit = fault_happened(fd, NULL);
		total = 0;
		do {
			got = recv(self->p.far.fd, in + total, 1000,
				   MSG_DONTWAIT);
			total += got > 0 ? got : 0;
		} while (got > 0);
		/* all or nothing, but for what is lost on the way, as in UDP */
		if (!hit)
			ASSERT_EQ(10000, total);
		if (ret < 0)
			ASSERT_EQ(0, total);
		ASSERT_EQ(0, memcmp(in, out, total));
		still_works(&self->p);
		if (!hit)
			break;
	}
	ASSERT_LT(nth, FAULT_TRIES);
}

/* Pages for sealed records that are all somebody else's: new ones are wanted. */
TEST_F(fault, send_in_new_pages)
{
	int nth, fd, ret, i;
	bool hit;

	pin_to(0);
	fill(out, 16384, 6);
	ASSERT_EQ(0, set_int(self->p.far.fd, SOL_SOCKET, SO_RCVBUFFORCE,
			     8 << 20));
	for (nth = 1; nth < FAULT_TRIES; nth++) {
		for (i = 0; i < 8; i++)
			ASSERT_EQ(16384, send(self->p.near.fd, out, 16384, 0));
		fd = fault_arm(nth);
		ret = send(self->p.near.fd, out, 16384, 0);
		hit = fault_happened(fd, NULL);
		if (ret < 0)
			ASSERT_EQ(true, hit && fault_error(errno));
		ASSERT_EQ(true, takes_pieces(self->p.far.fd, out, 16384,
					     16384));
		still_works(&self->p);
		if (!hit)
			break;
	}
	ASSERT_LT(nth, FAULT_TRIES);
}

/*
 * Two pieces of a record, by MSG_MORE or by UDP_CORK. What of them was taken
 * goes out, in one piece; what was not, never does.
 */
TEST_F(fault, corked)
{
	struct dtls_pair *p = &self->p;
	int nth, fd, first, second, cork, got;
	size_t want;
	bool hit;

	fill(out, 1000, 3);
	for (cork = 0; cork < 2; cork++) {
		for (nth = 1; nth < FAULT_TRIES; nth++) {
			fd = fault_arm(nth);
			if (cork)
				set_int(p->near.fd, SOL_UDP, UDP_CORK, 1);
			first = send(p->near.fd, out, 400, MSG_MORE);
			second = send(p->near.fd, out + 400, 600,
				      cork ? MSG_MORE : 0);
			hit = fault_happened(fd, NULL);
			if (first < 0 || second < 0)
				ASSERT_EQ(true, hit && fault_error(errno));
			/* what is still held back goes now */
			set_int(p->near.fd, SOL_UDP, UDP_CORK, 1);
			ASSERT_EQ(0, set_int(p->near.fd, SOL_UDP, UDP_CORK, 0));
			got = recv_soon(p->far.fd, in, sizeof(in), 0);
			want = (first > 0 ? first : 0) +
			       (second > 0 ? second : 0);
			if (got >= 0) {
				ASSERT_EQ(0, memcmp(in, first > 0 ? out :
						    out + 400, got));
				/* a flush that failed took the first along */
				ASSERT_GE(want, got);
			}
			ASSERT_EQ(-1, recv_soon(p->far.fd, in, sizeof(in), 0));
			if (!hit)
				ASSERT_EQ(1000, got);
			still_works(p);
			if (!hit)
				break;
		}
		ASSERT_LT(nth, FAULT_TRIES);
	}
}

/* What sendfile() or splice() took arrives, or is lost as in UDP. */
TEST_F(fault, splice)
{
	struct dtls_pair *p = &self->p;
	int nth, fd, ret, way, file, pipes[2];
	off_t off;
	bool hit;

	fill(out, 9000, 8);
	file = memfd_create("file", 0);
	ASSERT_EQ(9000, write(file, out, 9000));
	for (way = 0; way < 3; way++) {
		for (nth = 1; nth < FAULT_TRIES; nth++) {
			ASSERT_EQ(0, pipe(pipes));
			ASSERT_EQ(3000, write(pipes[1], out, 3000));
			off = 0;
			fd = fault_arm(nth);
			if (way == 2)
				ret = splice(pipes[0], NULL, p->near.fd, NULL,
					     3000, 0);
			else	/* as long as the file, or longer */
				ret = sendfile(p->near.fd, file, &off,
					       9000 + way * 500);
			hit = fault_happened(fd, NULL);
			if (ret < 0)
				ASSERT_EQ(true, hit && fault_error(errno));
			if (!hit)
				ASSERT_EQ(way == 2 ? 3000 : 9000, ret);
			/* a piece that was announced as not the last */
			set_int(p->near.fd, SOL_UDP, UDP_CORK, 1);
			ASSERT_EQ(0, set_int(p->near.fd, SOL_UDP, UDP_CORK, 0));
			ASSERT_EQ(true, takes_pieces(p->far.fd, out, 9000, 1));
			still_works(p);
			close(pipes[0]);
			close(pipes[1]);
			if (!hit)
				break;
		}
		ASSERT_LT(nth, FAULT_TRIES);
	}
	close(file);
}

TEST_F(fault, zerocopy)
{
	struct sock_extended_err ee;
	int nth, fd, ret;
	bool hit;

	fill(out, 5000, 8);
	ASSERT_EQ(0, set_int(self->p.near.fd, SOL_SOCKET, SO_ZEROCOPY, 1));
	for (nth = 1; nth < FAULT_TRIES; nth++) {
		fd = fault_arm(nth);
		ret = send(self->p.near.fd, out, 5000, MSG_ZEROCOPY);
		hit = fault_happened(fd, NULL);
		if (ret < 0)
			ASSERT_EQ(true, hit && fault_error(errno));
		ASSERT_EQ(true, takes_pieces(self->p.far.fd, out, 5000, 5000));
		/* who was not told to wait need not */
		ASSERT_EQ(ret > 0, event_next(self->p.near.fd, &ee));
		if (ret > 0)
			ASSERT_EQ(SO_EE_ORIGIN_ZEROCOPY, ee.ee_origin);
		still_works(&self->p);
		if (!hit)
			break;
	}
	ASSERT_LT(nth, FAULT_TRIES);
}

/*
 * A receive that failed either left the record or lost it, but gave nothing
 * out; poll and FIONREAD may fail to open it, too.
 */
TEST_F(fault, receive)
{
	struct pollfd pfd = { .fd = self->p.near.fd, .events = POLLIN };
	int nth, fd, ret;
	bool hit;

	fill(out, 1200, 2);
	for (nth = 1; nth < FAULT_TRIES; nth++) {
		ASSERT_EQ(1200, send(self->p.far.fd, out, 1200, 0));
		fd = fault_arm(nth);
		poll(&pfd, 1, 0);
		ret = recv(self->p.near.fd, in, sizeof(in), MSG_DONTWAIT);
		hit = fault_happened(fd, NULL);
		if (ret < 0) {
			ASSERT_EQ(true, hit);
			/* still there after a bad copy; gone without memory */
			ret = recv(self->p.near.fd, in, sizeof(in),
				   MSG_DONTWAIT);
		}
		if (ret >= 0) {
			ASSERT_EQ(1200, ret);
			ASSERT_EQ(0, memcmp(in, out, ret));
		}
		still_works(&self->p);
		if (!hit)
			break;
	}
	ASSERT_LT(nth, FAULT_TRIES);
}

/* Each record arrives once at most, whichever of these calls meets the fault. */
TEST_F(fault, receive_in_every_way)
{
	static const char * const ways[] = {
		"recvmmsg", "peek", "poll", "batch, UDP_GRO", "batch",
	};
	struct dtls_pair *p = &self->p;
	struct pollfd pfd = { .fd = p->near.fd, .events = POLLIN };
	struct mmsghdr msgs[5] = {};
	struct iovec iov[5];
	int nth, fd, ret, len, way;
	bool hit, ready = false;
	ssize_t got;

	fill(out, 10000, 2);
	for (way = 0; way < (int)ARRAY_SIZE(ways); way++) {
		TH_LOG("%s", ways[way]);
		ASSERT_EQ(0, set_int(p->near.fd, SOL_UDP, UDP_GRO, way == 3));
		for (nth = 1; nth < FAULT_TRIES; nth++) {
			for (ret = 0; ret < 5; ret++) {
				iov[ret] = (struct iovec){ in + ret * 2000,
							   2000 };
				msgs[ret].msg_hdr.msg_iov = &iov[ret];
				msgs[ret].msg_hdr.msg_iovlen = 1;
			}
			ASSERT_EQ(0, set_int(p->far.fd, SOL_UDP, UDP_SEGMENT,
					     2000));
			ASSERT_EQ(10000, send(p->far.fd, out, 10000, 0));
			ASSERT_EQ(0, set_int(p->far.fd, SOL_UDP, UDP_SEGMENT,
					     0));
			settle();
			got = 0;
			fd = fault_arm(nth);
			switch (way) {
			case 0:
				ret = recvmmsg(p->near.fd, msgs, 5,
					       MSG_DONTWAIT, NULL);
				got = ret > 0 ? ret * 2000 : 0;
				break;
			case 1:
				ret = recv(p->near.fd, in, 2000,
					   MSG_DONTWAIT | MSG_PEEK);
				break;
			case 2:
				ret = ioctl(p->near.fd, SIOCINQ, &len);
				ready = poll(&pfd, 1, 0) == 1;
				break;
			default:
				ret = recv(p->near.fd, in, sizeof(in),
					   MSG_DONTWAIT);
				got = ret > 0 ? ret : 0;
			}
			hit = fault_happened(fd, NULL);
			if (ret < 0)
				ASSERT_EQ(true, hit &&
					  (fault_error(errno) ||
					   errno == EAGAIN));
			if (way == 2 && ready)
				ASSERT_LT(0, recv(p->near.fd, in, 2000,
						  MSG_DONTWAIT));
			if (ret >= 0 && way != 2 && !hit)
				ASSERT_EQ(0, memcmp(in, out, ret > 5 ? ret :
						    got));
			if (!hit && (way == 0 || way == 3))
				ASSERT_EQ(10000, got);
			/* records of this size, and no more than there were */
			ASSERT_EQ(0, got % 2000);
			/* recvmmsg() leaves its error to the next call */
			if (way == 0 && ret > 0 && got < 10000 &&
			    recv(p->near.fd, in, 2000, MSG_DONTWAIT) >= 0)
				got += 2000;
			while ((ret = recv(p->near.fd, in, 2000,
					   MSG_DONTWAIT)) >= 0) {
				ASSERT_EQ(2000, ret);
				got += ret;
			}
			ASSERT_EQ(EAGAIN, errno);
			ASSERT_GE(10000, got);
			still_works(p);
			if (!hit)
				break;
		}
		ASSERT_LT(nth, FAULT_TRIES);
	}
}

TEST_F(fault, no_memory_at_all)
{
	struct dtls_pair *p = &self->p, q;
	static const __u8 warning[] = { ALERT_WARNING, ALERT_USER_CANCELED };
	int ret, i;

	if (access("/proc/self/make-it-fail", W_OK))
		SKIP(return, "no fault injection in this kernel");
	pin_to(0);
	fill(out, 16384, 6);
	ASSERT_EQ(0, set_int(p->far.fd, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20));
	pair_prepare(&q, SUITE_AES_128_GCM, FAMILY_V4, true);
	still_works(p);
	famine(true);

	starve(true);
	ret = ulp_attach(q.near.fd);
	starve(false);
	ASSERT_EQ(-1, ret);
	ASSERT_EQ(0, ulp_attach(q.near.fd));
	starve(true);
	ret = key_install(q.near.fd, DTLS_TX, &q.near.tx);
	starve(false);
	ASSERT_EQ(-1, ret);
	ASSERT_EQ(ENOMEM, errno);

	/* with the pages that are there, and with none */
	for (i = 0; i < 12; i++) {
		starve(true);
		ret = send(p->near.fd, out, 16384, 0);
		starve(false);
		if (ret < 0)
			ASSERT_EQ(true, fault_error(errno));
		ASSERT_EQ(16384, send(p->near.fd, out, 16384, 0));
	}
	ASSERT_EQ(true, takes_pieces(p->far.fd, out, 16384, 16384));
	starve(true);
	ret = send(p->near.fd, out, 100, MSG_MORE);
	starve(false);
	ASSERT_EQ(-1, ret);
	ASSERT_EQ(ENOMEM, errno);
	still_works(p);

	/* what is lost is counted */
	ASSERT_EQ(0, stat_drops());
	ASSERT_EQ(1000, send(p->far.fd, out, 1000, 0));
	settle();
	starve(true);
	ret = recv(p->near.fd, in, sizeof(in), MSG_DONTWAIT | MSG_PEEK);
	starve(false);
	ASSERT_EQ(-1, ret);
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(1, stat_read("RxDropNoMem"));
	ASSERT_EQ(2, end_send_type(&p->far, DTLS_TYPE_ALERT, warning, 2));
	settle();
	starve(true);
	ret = recv(p->near.fd, in, sizeof(in), MSG_DONTWAIT);
	starve(false);
	ASSERT_EQ(-1, ret);
	famine(false);
	still_works(p);

	ASSERT_EQ(0, key_install(q.near.fd, DTLS_TX, &q.near.tx));
	ASSERT_EQ(1, send(q.near.fd, "x", 1, 0));
	pair_close(&q);
}

TEST_HARNESS_MAIN
