// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto -luring */
/*
 * A send buffer that is full, and stays so until the test empties it: the near
 * end's packets lie in front of a narrow way out, where they are still the
 * socket's. What is refused meanwhile costs no number, and goes out whole, and
 * once, when it is offered again.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <syscall.h>

#include "lib/pair.h"
#include "lib/stall.h"

#define PIECE	1000

static __u8 out[65536];

FIXTURE(full) {
	struct dtls_pair p;
	struct dtls_end *far;
	int fd;
	__u64 sent;		/* records that filled the buffer */
};

FIXTURE_VARIANT(full) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(full, gcm_v4) { SUITE_AES_128_GCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(full, chacha_v6) { SUITE_CHACHA20, FAMILY_V6 };

/* Band 0 of lo, by SO_PRIORITY; everything else goes by. */
static void narrow(void)
{
	must(!system("tc qdisc add dev lo root handle 1: prio"));
	must(!system("tc qdisc add dev lo parent 1:1 tbf rate 200bit burst 5kb limit 9000000"));
}

/* What waited there is lost, and gives its memory back. */
static void widen(void)
{
	must(!system("tc qdisc replace dev lo parent 1:1 pfifo limit 1000"));
}

FIXTURE_SETUP(full)
{
	netns_new();
	pair_open(&self->p, variant->suite, variant->family, false);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
	narrow();
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_PRIORITY, 6));
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_SNDBUF, 4608));
	ASSERT_EQ(0, set_int(self->far->fd, SOL_SOCKET, SO_RCVBUFFORCE,
			     8 << 20));
	fill(out, sizeof(out), 4);
}

/* Or what is left would hold the socket, and that its namespace, for hours. */
FIXTURE_TEARDOWN(full)
{
	pair_close(&self->p);
	system("tc qdisc del dev lo root");
}

/* Returns how many records that took. */
static __u64 fill_up(int fd)
{
	__u64 n = 0;

	while (send(fd, out, PIECE, MSG_DONTWAIT) == PIECE)
		n++;
	must(errno == EAGAIN && n);
	return n;
}

/* Some got through before the way was full: takes them, returns how many. */
static unsigned int take_early(struct dtls_end *far)
{
	struct oracle_record r;
	unsigned int n = 0;

	while (oracle_recv(far, &r, MSG_DONTWAIT) >= 0) {
		must(r.len == PIECE && !memcmp(r.data, out, PIECE));
		n++;
	}
	must(errno == EAGAIN);
	return n;
}

/* The next record has that number, and these bytes; and no other comes. */
static void arrives(struct dtls_end *far, __u64 seq, const void *data,
		    ssize_t len)
{
	struct oracle_record r;

	must(oracle_recv(far, &r, MSG_DONTWAIT) == len);
	must(r.h.seq == seq);
	must(!memcmp(r.data, data, len));
	must(oracle_recv(far, &r, MSG_DONTWAIT) == -1 && errno == EAGAIN);
}

TEST_F(full, refused_for_nothing)
{
	struct dtls_keys k;
	__u64 sent;
	int i;

	sent = fill_up(self->fd);
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(-1, send(self->fd, out, PIECE, MSG_DONTWAIT));
		ASSERT_EQ(EAGAIN, errno);
	}
	key_state(self->fd, DTLS_TX, &k);
	ASSERT_EQ(FIRST_SEQ + sent, k.seq);
	ASSERT_EQ(sent, stat_read("TxRecords"));
	ASSERT_EQ(0, poll_now(self->fd, POLLOUT));
	ASSERT_GT(sent, take_early(self->far));

	widen();
	ASSERT_EQ(POLLOUT, poll_now(self->fd, POLLOUT));
	ASSERT_EQ(300, send(self->fd, out + 7, 300, MSG_DONTWAIT));
	arrives(self->far, FIRST_SEQ + sent, out + 7, 300);
}

/* The one who sleeps is woken, and his record goes out whole. */
TEST_F(full, blocking)
{
	__u64 sent = fill_up(self->fd);
	pid_t child = spawn();

	if (!child) {
		must(send(self->fd, out + 7, 300, 0) == 300);
		_exit(0);
	}
	wait_asleep(child, __NR_sendto);
	take_early(self->far);
	widen();
	ASSERT_EQ(0, wait_child(child));
	arrives(self->far, FIRST_SEQ + sent, out + 7, 300);
}

TEST_F(full, poll_wakes)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLOUT };
	pid_t child;

	fill_up(self->fd);
	child = spawn();
	if (!child) {
		must(poll(&pfd, 1, -1) == 1 && pfd.revents == POLLOUT);
		_exit(0);
	}
	wait_asleep(child, __NR_poll);
	widen();
	ASSERT_EQ(0, wait_child(child));
}

/* The last piece of a record is refused: as if it had not been offered. */
TEST_F(full, corked)
{
	__u64 sent = fill_up(self->fd);
	int i;

	take_early(self->far);
	ASSERT_EQ(100, send(self->fd, out, 100, MSG_MORE));
	ASSERT_EQ(50, send(self->fd, out + 100, 50, MSG_MORE));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(-1, send(self->fd, out + 150, 70, MSG_DONTWAIT));
		ASSERT_EQ(EAGAIN, errno);
	}
	widen();
	ASSERT_EQ(70, send(self->fd, out + 150, 70, MSG_DONTWAIT));
	arrives(self->far, FIRST_SEQ + sent, out, 220);
}

/* The only piece: no empty record stays held back. */
TEST_F(full, corked_empty)
{
	__u64 sent = fill_up(self->fd);

	take_early(self->far);
	ASSERT_EQ(0, send(self->fd, out, 0, MSG_MORE));
	ASSERT_EQ(-1, send(self->fd, out, 70, MSG_DONTWAIT));
	ASSERT_EQ(EAGAIN, errno);
	widen();
	ASSERT_EQ(80, send(self->fd, out + 1, 80, MSG_DONTWAIT));
	arrives(self->far, FIRST_SEQ + sent, out + 1, 80);
}

/* A batch that does not fit as a whole is taken in part. */
TEST_F(full, batch)
{
	const int seg = 400, all = 150 * seg;
	struct oracle_record r;
	ssize_t took;
	int at, n;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, seg));
	took = send(self->fd, out, all, MSG_DONTWAIT);
	ASSERT_LT(0, took);
	ASSERT_GT(all, took);
	ASSERT_EQ(0, took % seg);
	/* what of it was in the way is lost */
	widen();
	while (oracle_recv(self->far, &r, MSG_DONTWAIT) >= 0)
		ASSERT_GT(FIRST_SEQ + took / seg, r.h.seq);
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(took / seg, stat_read("TxRecords"));
	n = took / seg;
	for (at = took; at < all; at += took) {
		took = send(self->fd, out + at, all - at, 0);
		ASSERT_LT(0, took);
	}
	for (; oracle_recv(self->far, &r, MSG_DONTWAIT) >= 0; n++) {
		ASSERT_EQ(FIRST_SEQ + n, r.h.seq);
		ASSERT_EQ(seg, r.len);
		ASSERT_EQ(0, memcmp(r.data, out + n * seg, seg));
	}
	ASSERT_EQ(all / seg, n);
}

/* Nobody waits in shutdown() if he has said that he does not want to. */
TEST_F(full, shutdown)
{
	__u64 sent = fill_up(self->fd);

	take_early(self->far);
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, shutdown(self->fd, SHUT_WR));
	widen();
	ASSERT_EQ(0, take_early(self->far));
	ASSERT_EQ(sent, stat_read("TxRecords"));
}

/*
 * Closed with its packets still under way: they hold the socket, and that holds
 * the module, whose operations the last of them ends in.
 */
TEST_F(full, closed_under_way)
{
	fill_up(self->fd);
	take_early(self->far);
	ASSERT_EQ(0, close(self->fd));
	self->p.near.fd = -1;
	ASSERT_EQ(1, stat_read("CurrSockets"));
	ASSERT_EQ(0, stat_read("CurrAssociations"));
	ASSERT_EQ(-1, syscall(__NR_delete_module, "dtls", O_NONBLOCK));
	ASSERT_EQ(EWOULDBLOCK, errno);
	widen();
	while (stat_read("CurrSockets"))
		sched_yield();
}

/* A ring, and who uses it: it ends with its thread. */
struct ring_send {
	struct stall stall;
	int fd, len, res;
};

static void *ring_send(void *arg)
{
	struct ring_send *s = arg;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;

	must(!io_uring_queue_init(4, &ring, 0));
	sqe = io_uring_get_sqe(&ring);
	memset(sqe, 0, sizeof(*sqe));
	io_uring_prep_send(sqe, s->fd, s->stall.page, s->len, 0);
	must(io_uring_submit(&ring) == 1);
	must(!io_uring_wait_cqe(&ring, &cqe));
	s->res = cqe->res;
	io_uring_queue_exit(&ring);
	return NULL;
}

/*
 * The buffer is filled by others while a record is on its way to UDP, sealed
 * already: io_uring comes again later, with the iterator that was used.
 */
TEST_F(full, offered_again)
{
	struct ring_send s = { .fd = self->fd, .len = 3000 };
	pthread_t t;
	__u64 sent;

	if (!stall_open(&s.stall))
		SKIP(return, "no userfaultfd in this kernel");
	ASSERT_EQ(0, pthread_create(&t, NULL, ring_send, &s));
	/* there was room, so that it has got to the bytes */
	stall_wait(&s.stall);
	sent = fill_up(self->fd);
	take_early(self->far);
	stall_end(&s.stall, out + 5);
	while (!stat_read("TxErrors"))
		sched_yield();
	ASSERT_EQ(sent, stat_read("TxRecords"));

	widen();
	ASSERT_EQ(0, pthread_join(t, NULL));
	ASSERT_EQ(s.len, s.res);
	/* a number is lost with each try that failed */
	arrives(self->far, FIRST_SEQ + sent + stat_read("TxErrors"), out + 5,
		s.len);
	stall_close(&s.stall);
}

TEST_HARNESS_MAIN
