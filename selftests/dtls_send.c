// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* Sending: sizes, addresses, corks, segments, zero copy, and what is refused. */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <linux/sockios.h>

#include "lib/pair.h"
#include "lib/stall.h"

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY	60
#endif

static __u8 out[200000], in[65536];

FIXTURE(sending) {
	struct dtls_pair p;
	struct dtls_end *far;
	int fd;
};

FIXTURE_VARIANT(sending) {
	int family;
};

FIXTURE_VARIANT_ADD(sending, v4) { FAMILY_V4 };
FIXTURE_VARIANT_ADD(sending, v6) { FAMILY_V6 };
FIXTURE_VARIANT_ADD(sending, mapped) { FAMILY_MAPPED };

FIXTURE_SETUP(sending)
{
	netns_new();
	pair_open(&self->p, SUITE_AES_128_GCM, variant->family, false);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
	fill(out, sizeof(out), 5);
}

FIXTURE_TEARDOWN(sending)
{
	pair_close(&self->p);
}

static __u64 tx_seq(int fd)
{
	struct dtls_keys k;

	key_state(fd, DTLS_TX, &k);
	return k.seq;
}

/* Nothing has been sent that is not yet read. */
static bool silent(struct dtls_end *far)
{
	return recv_soon(far->fd, in, sizeof(in), 0) == -1 &&
	       errno == EAGAIN;
}

/* The next record at the far end is this. */
static bool heard(struct dtls_end *far, const void *data, size_t len)
{
	return end_recv(far, in, sizeof(in), MSG_DONTWAIT) == (ssize_t)len &&
	       !memcmp(in, data, len);
}

TEST_F(sending, write_and_writev)
{
	struct iovec iov[2] = { { "ab", 2 }, { "cde", 3 } };

	ASSERT_EQ(3, write(self->fd, "abc", 3));
	ASSERT_EQ(true, heard(self->far, "abc", 3));
	ASSERT_EQ(5, writev(self->fd, iov, 2));
	ASSERT_EQ(true, heard(self->far, "abcde", 5));
	ASSERT_EQ(0, send(self->fd, NULL, 0, 0));
	ASSERT_EQ(true, heard(self->far, "", 0));
}

TEST_F(sending, too_long)
{
	struct dtls_keys k;

	ASSERT_EQ(-1, send(self->fd, out, DTLS_PLAINTEXT_MAX + 1, 0));
	ASSERT_EQ(EMSGSIZE, errno);
	ASSERT_EQ(-1, send(self->fd, out, 65507, 0));
	ASSERT_EQ(EMSGSIZE, errno);
	ASSERT_EQ(-1, send(self->fd, out, sizeof(out), 0));
	ASSERT_EQ(EMSGSIZE, errno);
	ASSERT_EQ(true, silent(self->far));
	key_state(self->fd, DTLS_TX, &k);
	ASSERT_EQ(0, k.records);
	ASSERT_EQ(0, k.bytes);
	ASSERT_EQ(FIRST_SEQ, k.seq);
}

TEST_F(sending, efault)
{
	struct iovec iov[2] = { { out, 10 }, { (void *)1, 10 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	ASSERT_EQ(-1, send(self->fd, (void *)1, 10, 0));
	ASSERT_EQ(EFAULT, errno);
	ASSERT_EQ(-1, sendmsg(self->fd, &msg, 0));
	ASSERT_EQ(EFAULT, errno);
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(FIRST_SEQ, tx_seq(self->fd));
	ASSERT_EQ(2, send(self->fd, "ok", 2, 0));
	ASSERT_EQ(true, heard(self->far, "ok", 2));
}

TEST_F(sending, out_of_band)
{
	ASSERT_EQ(-1, send(self->fd, "x", 1, MSG_OOB));
	ASSERT_EQ(EOPNOTSUPP, errno);
	ASSERT_EQ(true, silent(self->far));
}

TEST_F(sending, to_the_peer)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	ASSERT_EQ(0, getpeername(self->fd, (struct sockaddr *)&peer, &len));
	ASSERT_EQ(3, sendto(self->fd, "abc", 3, 0, (struct sockaddr *)&peer,
			    len));
	ASSERT_EQ(true, heard(self->far, "abc", 3));
}

/* One peer's keys are not for another. */
TEST_F(sending, to_another)
{
	int other = udp_bound(variant->family);
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	ASSERT_EQ(0, getsockname(other, (struct sockaddr *)&ss, &len));
	ASSERT_EQ(-1, sendto(self->fd, "abc", 3, 0, (struct sockaddr *)&ss,
			     len));
	ASSERT_EQ(EISCONN, errno);
	ASSERT_EQ(-1, recv_soon(other, in, sizeof(in), 0));
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(FIRST_SEQ, tx_seq(self->fd));
	ASSERT_EQ(-1, sendto(self->fd, "abc", 3, 0, (struct sockaddr *)&ss, 3));
	ASSERT_EQ(-1, recv_soon(other, in, sizeof(in), 0));
	ASSERT_EQ(true, silent(self->far));
	close(other);
}

TEST_F(sending, sendmmsg_stops_at_a_bad_one)
{
	struct iovec iov[3] = { { out, 10 }, { (void *)1, 10 }, { out, 10 } };
	struct mmsghdr mm[3] = {};
	int i;

	for (i = 0; i < 3; i++) {
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	ASSERT_EQ(1, sendmmsg(self->fd, mm, 3, 0));
	ASSERT_EQ(10, mm[0].msg_len);
	ASSERT_EQ(true, heard(self->far, out, 10));
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(FIRST_SEQ + 1, tx_seq(self->fd));
}

TEST_F(sending, more)
{
	ASSERT_EQ(3, send(self->fd, "abc", 3, MSG_MORE));
	ASSERT_EQ(3, send(self->fd, "def", 3, MSG_MORE));
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(FIRST_SEQ, tx_seq(self->fd));
	ASSERT_EQ(1, send(self->fd, "g", 1, 0));
	ASSERT_EQ(true, heard(self->far, "abcdefg", 7));
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(FIRST_SEQ + 1, tx_seq(self->fd));
	/* The next one stands alone again. */
	ASSERT_EQ(2, send(self->fd, "hi", 2, 0));
	ASSERT_EQ(true, heard(self->far, "hi", 2));
}

TEST_F(sending, cork)
{
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_CORK, 1));
	ASSERT_EQ(3, send(self->fd, "abc", 3, 0));
	ASSERT_EQ(4000, send(self->fd, out, 4000, 0));
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_CORK, 0));
	ASSERT_EQ(4003, end_recv(self->far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(0, memcmp(in, "abc", 3));
	ASSERT_EQ(0, memcmp(in + 3, out, 4000));
	ASSERT_EQ(2, send(self->fd, "hi", 2, 0));
	ASSERT_EQ(true, heard(self->far, "hi", 2));
}

TEST_F(sending, cork_of_nothing)
{
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_CORK, 1));
	ASSERT_EQ(1, get_int(self->fd, SOL_UDP, UDP_CORK));
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_CORK, 0));
	ASSERT_EQ(0, get_int(self->fd, SOL_UDP, UDP_CORK));
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(FIRST_SEQ, tx_seq(self->fd));
}

/* The whole is limited, not each piece; what was pending goes, as with UDP. */
TEST_F(sending, more_than_a_record)
{
	ASSERT_EQ(10000, send(self->fd, out, 10000, MSG_MORE));
	ASSERT_EQ(6384, send(self->fd, out, 6384, MSG_MORE));
	ASSERT_EQ(-1, send(self->fd, "x", 1, MSG_MORE));
	ASSERT_EQ(EMSGSIZE, errno);
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(3, send(self->fd, "abc", 3, 0));
	ASSERT_EQ(true, heard(self->far, "abc", 3));
	/* Exactly full is fine. */
	ASSERT_EQ(10000, send(self->fd, out, 10000, MSG_MORE));
	ASSERT_EQ(6384, send(self->fd, out + 10000, 6384, 0));
	ASSERT_EQ(true, heard(self->far, out, 16384));
}

TEST_F(sending, cork_keeps_one_type)
{
	struct dtls_record r = { .type = DTLS_TYPE_HANDSHAKE };

	ASSERT_EQ(3, send(self->fd, "abc", 3, MSG_MORE));
	ASSERT_EQ(-1, send_cmsg(self->fd, "x", 1, &r, sizeof(r)));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(3, send(self->fd, "def", 3, 0));
	ASSERT_EQ(true, heard(self->far, "abcdef", 6));
}

/* Corked and closed: nothing leaves, nothing leaks (kmemleak watches). */
TEST_F(sending, corked_then_closed)
{
	ASSERT_EQ(1000, send(self->fd, out, 1000, MSG_MORE));
	close(self->fd);
	ASSERT_EQ(true, silent(self->far));
	self->p.near.fd = -1;
}

/* tls.c's msg_eor: the flag means nothing to datagrams, and hurts nothing. */
TEST_F(sending, end_of_record_flag)
{
	ASSERT_EQ(3, send(self->fd, "abc", 3, MSG_EOR));
	ASSERT_EQ(true, heard(self->far, "abc", 3));
}

/* One send, many records: the segment size counts plaintext. */
TEST_F(sending, segments_by_option)
{
	int i;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 1000));
	ASSERT_EQ(1000, get_int(self->fd, SOL_UDP, UDP_SEGMENT));
	ASSERT_EQ(20500, send(self->fd, out, 20500, 0));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(true, heard(self->far, out + 1000 * i, 1000));
	ASSERT_EQ(true, heard(self->far, out + 20000, 500));
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(FIRST_SEQ + 21, tx_seq(self->fd));
	ASSERT_EQ(21, stat_read("TxRecords"));
	ASSERT_EQ(20500, stat_read("TxBytes"));

	/* Smaller than a segment, and exactly one. */
	ASSERT_EQ(10, send(self->fd, out, 10, 0));
	ASSERT_EQ(true, heard(self->far, out, 10));
	ASSERT_EQ(1000, send(self->fd, out, 1000, 0));
	ASSERT_EQ(true, heard(self->far, out, 1000));
	ASSERT_EQ(0, send(self->fd, out, 0, 0));
	ASSERT_EQ(true, heard(self->far, out, 0));
	ASSERT_EQ(true, silent(self->far));

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 0));
	ASSERT_EQ(5000, send(self->fd, out, 5000, 0));
	ASSERT_EQ(true, heard(self->far, out, 5000));
}

static ssize_t send_segments(int fd, const void *data, size_t len, __u16 size)
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
	return sendmsg(fd, &msg, 0);
}

TEST_F(sending, segments_by_cmsg)
{
	int i;

	ASSERT_EQ(1234, send_segments(self->fd, out, 1234, 100));
	for (i = 0; i < 12; i++)
		ASSERT_EQ(true, heard(self->far, out + 100 * i, 100));
	ASSERT_EQ(true, heard(self->far, out + 1200, 34));
	ASSERT_EQ(true, silent(self->far));
	/* Without it, one record. */
	ASSERT_EQ(1234, send(self->fd, out, 1234, 0));
	ASSERT_EQ(true, heard(self->far, out, 1234));
}

/* More than a datagram's worth: what does not go whole goes in parts, once. */
TEST_F(sending, segments_by_the_hundred)
{
	ssize_t n;
	int i;

	ASSERT_EQ(0, set_int(self->far->fd, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20));
	n = send_segments(self->fd, out, 60000, 600);
	ASSERT_EQ(60000, n);
	for (i = 0; i < 100; i++)
		ASSERT_EQ(true, heard(self->far, out + 600 * i, 600))
			TH_LOG("record %d", i);
	ASSERT_EQ(true, silent(self->far));
}

/* UDP cannot segment without checksums: the same records go one by one. */
TEST_F(sending, segments_without_checksums)
{
	int i;

	if (variant->family != FAMILY_V4)
		return;
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_NO_CHECK, 1));
	ASSERT_EQ(5000, send_segments(self->fd, out, 5000, 500));
	for (i = 0; i < 10; i++)
		ASSERT_EQ(true, heard(self->far, out + 500 * i, 500));
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(FIRST_SEQ + 10, tx_seq(self->fd));
	ASSERT_EQ(10, stat_read("TxRecords"));
}

TEST_F(sending, segment_values)
{
	ASSERT_EQ(-1, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 65536));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(-1, set_int(self->fd, SOL_UDP, UDP_SEGMENT, -1));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(0, get_int(self->fd, SOL_UDP, UDP_SEGMENT));
	/* A segment longer than a record: nothing can hold it. */
	ASSERT_EQ(-1, send_segments(self->fd, out, 40000, 20000));
	ASSERT_EQ(EMSGSIZE, errno);
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(2, send(self->fd, "ok", 2, 0));
	ASSERT_EQ(true, heard(self->far, "ok", 2));
}

/* Set before attach: counts plaintext from then on. */
TEST_F(sending, segment_set_before_attach)
{
	struct dtls_pair p;
	int i;

	pair_prepare(&p, SUITE_CHACHA20, variant->family, false);
	ASSERT_EQ(0, set_int(p.near.fd, SOL_UDP, UDP_SEGMENT, 300));
	ASSERT_EQ(0, set_int(p.near.fd, SOL_UDP, UDP_GRO, 1));
	ASSERT_EQ(0, ulp_attach(p.near.fd));
	ASSERT_EQ(300, get_int(p.near.fd, SOL_UDP, UDP_SEGMENT));
	ASSERT_EQ(0, key_install(p.near.fd, DTLS_TX, &p.near.tx));
	ASSERT_EQ(0, key_install(p.near.fd, DTLS_RX, &p.near.rx));
	ASSERT_EQ(900, send(p.near.fd, out, 900, 0));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(true, heard(&p.far, out + 300 * i, 300));
	ASSERT_EQ(true, silent(&p.far));
	ASSERT_EQ(3, end_send(&p.far, "abc", 3, 0));
	ASSERT_EQ(3, recv(p.near.fd, in, sizeof(in), 0));
	pair_close(&p);
}

TEST_F(sending, zerocopy)
{
	struct sock_extended_err ee;

	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_ZEROCOPY, 1));
	ASSERT_EQ(5000, send(self->fd, out, 5000, MSG_ZEROCOPY));
	ASSERT_EQ(100, send(self->fd, out, 100, MSG_ZEROCOPY));
	ASSERT_EQ(true, heard(self->far, out, 5000));
	ASSERT_EQ(true, heard(self->far, out, 100));
	while (!(poll_now(self->fd, 0) & POLLERR))
		usleep(1000);
	ASSERT_EQ(true, event_next(self->fd, &ee));
	ASSERT_EQ(SO_EE_ORIGIN_ZEROCOPY, ee.ee_origin);
	ASSERT_EQ(0, ee.ee_errno);
	ASSERT_EQ(0, ee.ee_info);
	ASSERT_EQ(SO_EE_CODE_ZEROCOPY_COPIED,
		  ee.ee_code & SO_EE_CODE_ZEROCOPY_COPIED);
	/* The second may have been joined to the first. */
	if (ee.ee_data == 0) {
		while (!event_next(self->fd, &ee))
			usleep(1000);
		ASSERT_EQ(1, ee.ee_info);
	}
	ASSERT_EQ(1, ee.ee_data);
	ASSERT_EQ(false, event_next(self->fd, &ee));
}

/* Without SO_ZEROCOPY the flag is nothing, as everywhere. */
TEST_F(sending, zerocopy_not_asked_for)
{
	struct sock_extended_err ee;

	ASSERT_EQ(500, send(self->fd, out, 500, MSG_ZEROCOPY));
	ASSERT_EQ(true, heard(self->far, out, 500));
	ASSERT_EQ(false, event_next(self->fd, &ee));
}

TEST_F(sending, outq)
{
	int n = -1;

	ASSERT_EQ(100, send(self->fd, out, 100, 0));
	ASSERT_EQ(true, heard(self->far, out, 100));
	ASSERT_EQ(0, ioctl(self->fd, SIOCOUTQ, &n));
	ASSERT_EQ(0, n);
}

/* A full send buffer says EAGAIN and uses no number. */
TEST_F(sending, full_buffer)
{
	struct dtls_keys k;
	__u64 sent = 0;
	int i;

	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_SNDBUF, 4608));
	/* What is queued at the receiver is charged to it, so that loopback
	 * hardly ever fills up: either all go out, or EAGAIN it is.
	 */
	for (i = 0; i < 50; i++) {
		if (send(self->fd, out, 4000, MSG_DONTWAIT) == 4000)
			sent++;
		else
			ASSERT_EQ(EAGAIN, errno);
	}
	key_state(self->fd, DTLS_TX, &k);
	ASSERT_EQ(sent, k.records);
	ASSERT_EQ(FIRST_SEQ + sent, k.seq);
}

struct stalled {
	struct stall stall;
	int fd, error;
	ssize_t ret;
};

static void *send_stalled(void *arg)
{
	struct stalled *s = arg;

	s->ret = send(s->fd, s->stall.page, 1000, 0);
	s->error = errno;
	return NULL;
}

/*
 * The keys leave while a call has them in its hands, and still reads the bytes:
 * it gets no number, which somebody else may be using now.
 */
TEST_F(sending, exported_meanwhile)
{
	struct stalled s = { .fd = self->fd };
	struct dtls_keys k;
	socklen_t len = sizeof(k);
	pthread_t t;

	if (!stall_open(&s.stall))
		SKIP(return, "no userfaultfd in this kernel");
	ASSERT_EQ(0, pthread_create(&t, NULL, send_stalled, &s));
	stall_wait(&s.stall);
	ASSERT_EQ(0, getsockopt(self->fd, SOL_DTLS, DTLS_TX_EXPORT, &k, &len));
	ASSERT_EQ(FIRST_SEQ, k.seq);
	stall_end(&s.stall, out);
	ASSERT_EQ(0, pthread_join(t, NULL));
	ASSERT_EQ(-1, s.ret);
	ASSERT_EQ(EKEYREVOKED, s.error);
	ASSERT_EQ(true, silent(self->far));
	ASSERT_EQ(FIRST_SEQ, tx_seq(self->fd));
	stall_close(&s.stall);
}

/* New keys come meanwhile: the record is one of the old, or of the new. */
TEST_F(sending, rekeyed_meanwhile)
{
	struct oracle_key old = self->far->rx;
	struct stalled s = { .fd = self->fd };
	pthread_t t;

	if (!stall_open(&s.stall))
		SKIP(return, "no userfaultfd in this kernel");
	ASSERT_EQ(0, pthread_create(&t, NULL, send_stalled, &s));
	stall_wait(&s.stall);
	keys_next(&self->p.near, self->far, 2);
	ASSERT_EQ(0, key_install(self->fd, DTLS_TX, &self->p.near.tx));
	ASSERT_EQ(3, send(self->fd, "new", 3, 0));
	ASSERT_EQ(true, heard(self->far, "new", 3));
	stall_end(&s.stall, out);
	ASSERT_EQ(0, pthread_join(t, NULL));
	ASSERT_EQ(1000, s.ret);
	self->far->rx = old;
	ASSERT_EQ(true, heard(self->far, out, 1000));
	stall_close(&s.stall);
}

TEST_HARNESS_MAIN
