// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: yes */
/*
 * Pages that belong to somebody else. Records lie in the pages of a file, of a
 * pipe or of a process, travel over loopback without being copied, and are
 * opened at the other end, while taps and other sockets share the packet; and
 * such pages are sealed. Whoever else looks at them sees what he has always
 * seen.
 */
#include <kselftest_harness.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "lib/effort.h"
#include "lib/pair.h"

#define SECRET		"What only the two ends may ever see of this. "
#define FILE_SIZE	(4 * 4096)
/* In the middle of the first page. */
#define OFF		1300
#define RECORDS_MAX	3

static char text[20000], in[65536];

/* Wire bytes in a file, and everything that can see the file's pages. */
struct scene {
	struct dtls_pair p;
	int file, tap, pipe[2], twin[2];
	__u8 *shared, *private;		/* two mappings of it */
	__u8 copy[FILE_SIZE];		/* what it must hold */
	size_t len;			/* bytes of wire at OFF */
	size_t text_len;		/* of each record */
	unsigned int records;
	bool stop;
};

FIXTURE(pages) {
	struct scene s;
};

FIXTURE_VARIANT(pages) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(pages, gcm_v4) { SUITE_AES_128_GCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(pages, chacha_v4) { SUITE_CHACHA20, FAMILY_V4 };
FIXTURE_VARIANT_ADD(pages, ccm_v6) { SUITE_AES_128_CCM, FAMILY_V6 };

static void text_fill(void)
{
	size_t i;

	for (i = 0; i < sizeof(text); i++)
		text[i] = SECRET[i % strlen(SECRET)];
}

static void file_open(struct scene *s)
{
	s->file = memfd_create("records", 0);
	must(s->file >= 0 && !ftruncate(s->file, FILE_SIZE));
	s->shared = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 s->file, 0);
	s->private = mmap(NULL, FILE_SIZE, PROT_READ, MAP_PRIVATE, s->file, 0);
	must(s->shared != MAP_FAILED && s->private != MAP_FAILED);
	must(!pipe(s->pipe) && !pipe(s->twin));
}

static void file_close(struct scene *s)
{
	munmap(s->shared, FILE_SIZE);
	munmap(s->private, FILE_SIZE);
	close(s->file);
	close(s->pipe[0]);
	close(s->pipe[1]);
	close(s->twin[0]);
	close(s->twin[1]);
}

FIXTURE_SETUP(pages)
{
	struct scene *s = &self->s;

	pin_to(0);
	netns_new();
	pair_open(&s->p, variant->suite, variant->family, false);
	text_fill();
	file_open(s);
	s->tap = -1;
	fill(s->copy, FILE_SIZE, 99);
}

FIXTURE_TEARDOWN(pages)
{
	file_close(&self->s);
	pair_close(&self->s.p);
}

/* New records; the page around them has bytes of its own. */
static void file_fill(struct scene *s, unsigned int records, size_t text_len)
{
	unsigned int i;

	s->len = 0;
	s->records = records;
	s->text_len = text_len;
	for (i = 0; i < records; i++)
		s->len += oracle_seal(&s->p.far.tx, DTLS_TYPE_DATA, text,
				      text_len, s->copy + OFF + s->len);
	must(OFF + s->len <= FILE_SIZE);
	memcpy(s->shared, s->copy, FILE_SIZE);
}

/* Is the file what it was, whichever way one looks at it? */
static bool file_intact(struct scene *s)
{
	static __u8 now[FILE_SIZE];

	must(pread(s->file, now, FILE_SIZE, 0) == FILE_SIZE);
	return !memcmp(now, s->copy, FILE_SIZE) &&
	       !memcmp(s->shared, s->copy, FILE_SIZE) &&
	       !memcmp(s->private, s->copy, FILE_SIZE);
}

/*
 * Every packet that the tap has seen holds the wire bytes and no plaintext;
 * returns how many.
 */
static unsigned int tap_intact(int tap, const void *wire, size_t len)
{
	static __u8 frame[70000];
	unsigned int frames = 0;
	ssize_t n;

	while ((n = recv(tap, frame, sizeof(frame), MSG_DONTWAIT)) >= 0) {
		must(!memmem(frame, n, SECRET, 16));
		frames += !!memmem(frame, n, wire, len);
	}
	must(errno == EAGAIN);
	return frames;
}

/* Ways to send the file's bytes that do not copy them. */
static void by_sendfile(struct scene *s)
{
	off_t off = OFF;

	must(sendfile(s->p.far.fd, s->file, &off, s->len) == (ssize_t)s->len);
}

static void by_pipe(struct scene *s)
{
	loff_t off = OFF;
	ssize_t n = s->len;

	must(splice(s->file, &off, s->pipe[1], NULL, n, 0) == n);
	must(tee(s->pipe[0], s->twin[1], n, 0) == n);
	must(splice(s->pipe[0], NULL, s->p.far.fd, NULL, n, 0) == n);
}

static void vmspliced(struct scene *s, unsigned int flags)
{
	struct iovec iov = { s->shared + OFF, s->len };
	ssize_t n = s->len;

	must(vmsplice(s->pipe[1], &iov, 1, flags) == n);
	must(tee(s->pipe[0], s->twin[1], n, 0) == n);
	must(splice(s->pipe[0], NULL, s->p.far.fd, NULL, n, 0) == n);
}

static void by_vmsplice(struct scene *s)
{
	vmspliced(s, 0);
}

static void by_gift(struct scene *s)
{
	vmspliced(s, SPLICE_F_GIFT);
}

static void by_zerocopy(struct scene *s)
{
	must(!set_int(s->p.far.fd, SOL_SOCKET, SO_ZEROCOPY, 1));
	must(send(s->p.far.fd, s->shared + OFF, s->len, MSG_ZEROCOPY) ==
	     (ssize_t)s->len);
}

static void by_send(struct scene *s)
{
	must(send(s->p.far.fd, s->shared + OFF, s->len, 0) == (ssize_t)s->len);
}

typedef void way(struct scene *s);

static way *const ways[] = {
	by_sendfile, by_pipe, by_vmsplice, by_gift, by_zerocopy, by_send,
};

/* One datagram, whatever number of pages it takes. */
static void post(struct scene *s, way *how)
{
	must(!set_int(s->p.far.fd, SOL_UDP, UDP_CORK, 1));
	how(s);
	must(!set_int(s->p.far.fd, SOL_UDP, UDP_CORK, 0));
}

/* Calls that open records. The last takes them as well. */
static void peek(int fd, size_t len)
{
	must(recv(fd, in, sizeof(in), MSG_PEEK | MSG_DONTWAIT) == (ssize_t)len);
	must(!memcmp(in, text, len));
}

static void look(int fd, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	(void)len;
	must(poll(&p, 1, 0) == 1);
}

static void measure(int fd, size_t len)
{
	int n;

	must(!ioctl(fd, FIONREAD, &n) && n == (int)len);
}

static void no_more(int fd, size_t len)
{
	(void)fd;
	(void)len;
}

static void (*const openers[])(int fd, size_t len) = {
	peek, look, measure, no_more,
};

static void take(struct scene *s)
{
	size_t left = s->records * s->text_len, at;
	ssize_t n;

	/* one by one, or with UDP_GRO several at once */
	while (left) {
		n = recv(s->p.near.fd, in, sizeof(in), MSG_DONTWAIT);
		must(n > 0 && n <= (ssize_t)left && !(n % s->text_len));
		for (at = 0; at < (size_t)n; at += s->text_len)
			must(!memcmp(in + at, text, s->text_len));
		left -= n;
	}
	must(recv(s->p.near.fd, in, sizeof(in), MSG_DONTWAIT) == -1 &&
	     errno == EAGAIN);
}

/* What tee() left in the other pipe is the file's bytes still. */
static void twin_intact(struct scene *s)
{
	int n;

	must(!ioctl(s->twin[0], FIONREAD, &n));
	if (!n)
		return;
	must(n == (int)s->len && read(s->twin[0], in, sizeof(in)) == n);
	must(!memcmp(in, s->copy + OFF, n));
}

/* Each way, each call that may open; with a tap that shares it, and without. */
static void received(struct scene *s, unsigned int records, size_t len)
{
	unsigned int w, o;

	for (w = 0; w < ARRAY_SIZE(ways); w++) {
		for (o = 0; o < ARRAY_SIZE(openers); o++) {
			file_fill(s, records, len);
			post(s, ways[w]);
			settle();
			openers[o](s->p.near.fd, len);
			must(file_intact(s));
			take(s);
			must(file_intact(s));
			twin_intact(s);
			if (s->tap >= 0)
				must(tap_intact(s->tap, s->copy + OFF, s->len) >= 2);
		}
	}
}

TEST_F(pages, received)
{
	struct scene *s = &self->s;

	received(s, 1, 100);
	received(s, 1, 8000);
	received(s, RECORDS_MAX, 3000);
	s->tap = tap_open();
	received(s, 1, 100);
	received(s, 1, 8000);
	received(s, RECORDS_MAX, 3000);
	close(s->tap);
}

/* In fragments: the packet is a list of packets then. */
TEST_F(pages, received_in_fragments)
{
	struct scene *s = &self->s;

	link_mtu("lo", 1500);
	received(s, 1, 8000);
	received(s, RECORDS_MAX, 3000);
	ASSERT_EQ(0, stat_drops());
}

/* What is not authentic is not written either. */
TEST_F(pages, refused)
{
	struct scene *s = &self->s;
	unsigned int w, i, bad = 0;
	/* number, nonce or body, the last byte of the tag */
	size_t at[] = { 10, 20, 0 };

	for (w = 0; w < ARRAY_SIZE(ways); w++) {
		for (i = 0; i < ARRAY_SIZE(at); i++) {
			file_fill(s, 1, 6000);
			s->shared[OFF + (at[i] ?: s->len - 1)] ^= 0x40;
			memcpy(s->copy, s->shared, FILE_SIZE);
			s->records = 0;
			post(s, ways[w]);
			settle();
			take(s);
			must(file_intact(s));
			twin_intact(s);
			ASSERT_EQ(++bad, stat_drops());
		}
	}
	ASSERT_EQ(bad, stat_read("RxDropAuth"));
}

/*
 * Many records in one call, cut by UDP_SEGMENT from the pages of a file. With
 * UDP_GRO the receiver gets them as the one packet that they were.
 */
static void segmented(struct scene *s, bool gro)
{
	off_t off = OFF;
	ssize_t size;

	pair_close(&s->p);
	pair_prepare(&s->p, s->p.suite, FAMILY_V4, false);
	must(!set_int(s->p.near.fd, SOL_UDP, UDP_GRO, gro));
	must(!ulp_attach(s->p.near.fd));
	must(!key_install(s->p.near.fd, DTLS_RX, &s->p.near.rx));
	file_fill(s, RECORDS_MAX, 2000);
	size = s->len / RECORDS_MAX;
	must(!set_int(s->p.far.fd, SOL_UDP, UDP_SEGMENT, size));
	must(!set_int(s->p.far.fd, SOL_UDP, UDP_CORK, 1));
	must(sendfile(s->p.far.fd, s->file, &off, s->len) == (ssize_t)s->len);
	must(!set_int(s->p.far.fd, SOL_UDP, UDP_CORK, 0));
	settle();
	take(s);
	must(file_intact(s));
	if (s->tap >= 0)
		must(tap_intact(s->tap, s->copy + OFF, s->len) >= 1);
}

TEST_F(pages, received_in_segments)
{
	struct scene *s = &self->s;

	if (variant->family != FAMILY_V4)
		return;
	segmented(s, false);
	segmented(s, true);
	s->tap = tap_open();
	segmented(s, true);
	close(s->tap);
}

/* The page of a process that has forked: the child looks at it as well. */
TEST_F(pages, received_while_a_child_shares_them)
{
	struct scene *s = &self->s;
	struct iovec iov;
	int go[2], i;
	__u8 *anon, c;
	pid_t child;

	anon = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, anon);
	for (i = 0; i < 2; i++) {
		file_fill(s, 1, 8000);
		memcpy(anon, s->copy, FILE_SIZE);
		ASSERT_EQ(0, pipe(go));
		child = spawn();
		if (!child) {
			must(read(go[0], &c, 1) == 1);
			_exit(!!memcmp(anon, s->copy, FILE_SIZE));
		}
		iov = (struct iovec) { anon + OFF, s->len };
		ASSERT_EQ(s->len, vmsplice(s->pipe[1], &iov, 1,
					   i ? SPLICE_F_GIFT : 0));
		ASSERT_EQ(0, set_int(s->p.far.fd, SOL_UDP, UDP_CORK, 1));
		ASSERT_EQ(s->len, splice(s->pipe[0], NULL, s->p.far.fd, NULL,
					 s->len, 0));
		ASSERT_EQ(0, set_int(s->p.far.fd, SOL_UDP, UDP_CORK, 0));
		settle();
		take(s);
		ASSERT_EQ(0, memcmp(anon, s->copy, FILE_SIZE));
		ASSERT_EQ(1, write(go[1], "", 1));
		ASSERT_EQ(0, wait_child(child));
		close(go[0]);
		close(go[1]);
	}
	munmap(anon, FILE_SIZE);
}

/* A group of receivers, each with a clone of the one packet. */
#define GROUP	"239.1.2.3"

static int member(int sender, bool keyed, const struct oracle_key *k,
		  __u16 port)
{
	struct ip_mreqn mreq = { .imr_ifindex = if_nametoindex("lo") };
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = port };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	must(inet_pton(AF_INET, GROUP, &mreq.imr_multiaddr) == 1);
	sin.sin_addr = mreq.imr_multiaddr;
	must(!set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1));
	must(!bind(fd, (struct sockaddr *)&sin, sizeof(sin)));
	must(!setsockopt(fd, SOL_IP, IP_ADD_MEMBERSHIP, &mreq, sizeof(mreq)));
	udp_connect(fd, sender);
	if (keyed) {
		must(!ulp_attach(fd));
		must(!key_install(fd, DTLS_RX, k));
	}
	return fd;
}

TEST_F(pages, clones_of_a_group)
{
	/* those with keys first, last, and between the others */
	static const bool keyed[] = { true, false, true, false, true };
	struct scene *s = &self->s;
	struct ip_mreqn mif = { .imr_ifindex = if_nametoindex("lo") };
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons(4711),
	};
	int fd[ARRAY_SIZE(keyed)];
	unsigned int w, i, k;

	if (variant->family != FAMILY_V4)
		return;
	pair_close(&s->p);
	s->p.near.fd = udp_bound(FAMILY_V4);
	s->p.far.fd = udp_bound(FAMILY_V4);
	ASSERT_EQ(1, inet_pton(AF_INET, GROUP, &sin.sin_addr));
	ASSERT_EQ(0, setsockopt(s->p.far.fd, SOL_IP, IP_MULTICAST_IF, &mif,
				sizeof(mif)));
	ASSERT_EQ(0, connect(s->p.far.fd, (struct sockaddr *)&sin, sizeof(sin)));
	for (i = 0; i < ARRAY_SIZE(keyed); i++)
		fd[i] = member(s->p.far.fd, keyed[i], &s->p.near.rx,
			       sin.sin_port);
	s->tap = tap_open();
	for (w = 0; w < ARRAY_SIZE(ways); w++) {
		file_fill(s, 1 + w % 2, w % 3 ? 5000 : 500);
		post(s, ways[w]);
		settle();
		/* from either end, so that each has opened it first once */
		for (i = 0; i < ARRAY_SIZE(keyed); i++) {
			k = w & 1 ? i : ARRAY_SIZE(keyed) - 1 - i;
			if (keyed[k]) {
				close(s->p.near.fd);
				s->p.near.fd = dup(fd[k]);
				take(s);
			} else {
				ASSERT_EQ(s->len, recv(fd[k], in, sizeof(in),
						       MSG_DONTWAIT));
				ASSERT_EQ(0, memcmp(in, s->copy + OFF, s->len));
			}
		}
		ASSERT_EQ(true, file_intact(s));
		twin_intact(s);
		ASSERT_LE(1, tap_intact(s->tap, s->copy + OFF, s->len));
	}
	ASSERT_EQ(0, stat_drops());
	for (i = 0; i < ARRAY_SIZE(keyed); i++)
		close(fd[i]);
	close(s->tap);
}

/* The far end's next datagram is a record of this text. */
static void heard(struct dtls_end *far, const void *data, size_t len)
{
	must(end_recv(far, in, sizeof(in), MSG_DONTWAIT) == (ssize_t)len);
	must(!memcmp(in, data, len));
}

static void heard_intact(struct scene *s)
{
	must(file_intact(s));
	heard(&s->p.far, text + OFF, s->len);
	must(file_intact(s));
}

/* The other way: pages are sealed. Neither they nor their other users notice. */
TEST_F(pages, sealed)
{
	struct scene *s = &self->s;
	struct iovec iov = { s->shared + OFF, 3000 };
	int fd = s->p.near.fd, i;
	off_t off;

	memcpy(s->shared, text, FILE_SIZE);
	memcpy(s->copy, text, FILE_SIZE);
	s->len = 3000;
	s->tap = tap_open();
	for (i = 0; i < 3; i++) {
		off = OFF;
		ASSERT_EQ(3000, sendfile(fd, s->file, &off, 3000));
		heard_intact(s);
		off = OFF;
		ASSERT_EQ(3000, splice(s->file, &off, s->pipe[1], NULL, 3000, 0));
		ASSERT_EQ(3000, tee(s->pipe[0], s->twin[1], 3000, 0));
		ASSERT_EQ(3000, splice(s->pipe[0], NULL, fd, NULL, 3000, 0));
		heard_intact(s);
		/* the other pipe's as well, which is the same page */
		ASSERT_EQ(3000, splice(s->twin[0], NULL, fd, NULL, 3000, 0));
		heard_intact(s);
		ASSERT_EQ(3000, vmsplice(s->pipe[1], &iov, 1,
					 i % 2 ? SPLICE_F_GIFT : 0));
		ASSERT_EQ(3000, tee(s->pipe[0], s->twin[1], 3000, 0));
		ASSERT_EQ(3000, splice(s->pipe[0], NULL, fd, NULL, 3000, 0));
		heard_intact(s);
		twin_intact(s);
	}
	ASSERT_EQ(0, tap_intact(s->tap, SECRET, 16));
	close(s->tap);
}

/* The program may write to its pages as soon as send() is back. */
TEST_F(pages, zerocopy)
{
	struct scene *s = &self->s;
	struct sock_extended_err ee;
	unsigned int done = 0, i;

	ASSERT_EQ(0, set_int(s->p.near.fd, SOL_SOCKET, SO_ZEROCOPY, 1));
	for (i = 0; i < 20; i++) {
		memcpy(s->shared, text, FILE_SIZE);
		ASSERT_EQ(6000, send(s->p.near.fd, s->shared + i * 100, 6000,
				     MSG_ZEROCOPY));
		ASSERT_EQ(0, memcmp(s->shared, text, FILE_SIZE));
		memset(s->shared, 0xdb, FILE_SIZE);
		heard(&s->p.far, text + i * 100, 6000);
	}
	/* Each is told of once, in ranges, with the word that it was copied. */
	while (done < i) {
		while (!event_next(s->p.near.fd, &ee))
			usleep(1000);
		ASSERT_EQ(SO_EE_ORIGIN_ZEROCOPY, ee.ee_origin);
		ASSERT_EQ(SO_EE_CODE_ZEROCOPY_COPIED, ee.ee_code);
		ASSERT_EQ(done, ee.ee_info);
		done = ee.ee_data + 1;
	}
	ASSERT_EQ(i, done);
	ASSERT_EQ(false, event_next(s->p.near.fd, &ee));
}

/* Writes to the file's page, up and down, until it is told to stop. */
static void *scribble(void *arg)
{
	struct scene *s = arg;
	volatile __u8 *at = s->shared + OFF + 2000;

	pin_to(1);
	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED))
		*at ^= 0xff;
	return NULL;
}

static void scribble_end(struct scene *s, pthread_t thread)
{
	__atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
	must(!pthread_join(thread, NULL));
}

/*
 * Somebody writes to the page while it is being sealed. Which bytes go out is
 * his affair; but what goes out is one record that opens.
 */
TEST_F(pages, sealed_while_they_change)
{
	struct scene *s = &self->s;
	int i, rounds = effort(300, 100, 3000);
	struct iovec iov = { s->shared + OFF, 4000 };
	pthread_t thread;
	off_t off;

	memcpy(s->shared, text, FILE_SIZE);
	ASSERT_EQ(0, pthread_create(&thread, NULL, scribble, s));
	for (i = 0; i < rounds; i++) {
		if (i % 2) {
			off = OFF;
			ASSERT_EQ(4000, sendfile(s->p.near.fd, s->file, &off,
						 4000));
		} else {
			ASSERT_EQ(4000, vmsplice(s->pipe[1], &iov, 1, 0));
			ASSERT_EQ(4000, splice(s->pipe[0], NULL, s->p.near.fd,
					       NULL, 4000, 0));
		}
		/* or end_recv() says EBADMSG */
		heard(&s->p.far, in, 4000);
		ASSERT_EQ(0, memcmp(in, text + OFF, 2000));
		ASSERT_EQ(0, memcmp(in + 2001, text + OFF + 2001, 1999));
	}
	scribble_end(s, thread);
}

/* And while it is being opened: what is delivered is what the peer sealed. */
TEST_F(pages, received_while_they_change)
{
	struct scene *s = &self->s;
	int i, rounds = effort(300, 100, 3000), got = 0;
	pthread_t thread;

	ASSERT_EQ(0, fcntl(s->twin[0], F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, pthread_create(&thread, NULL, scribble, s));
	for (i = 0; i < rounds; i++) {
		/* In one page, so that it is one datagram either way. */
		file_fill(s, 1, 2500);
		if (i & 4)
			post(s, ways[i % 4]);
		else
			ways[i % 4](s);
		settle();
		if (recv(s->p.near.fd, in, sizeof(in), MSG_DONTWAIT) >= 0) {
			got++;
			ASSERT_EQ(0, memcmp(in, text, s->text_len));
		}
		while (read(s->twin[0], in, sizeof(in)) > 0)
			;
	}
	scribble_end(s, thread);
	ASSERT_EQ(got, stat_read("RxRecords"));
	/* A corked datagram has its checksum from when it was put together. */
	ASSERT_EQ(rounds - got, stat_read("RxDropAuth") +
				stat_read("RxDropChecksum"));
	ASSERT_LT(0, stat_read("RxDropAuth"));
	ASSERT_LT(0, got);
}

#define STREAM	200

struct direction {
	int from, to, file;
};

static void *send_pages(void *arg)
{
	struct direction *d = arg;
	int i;

	pin_to(1);
	for (i = 0; i < STREAM; i++) {
		off_t off = i;

		must(sendfile(d->from, d->file, &off, 3000) == 3000);
	}
	return NULL;
}

/* Both directions at once, and both send from the one file. */
TEST_F(pages, both_ways)
{
	struct scene *s = &self->s;
	struct direction d[2];
	pthread_t thread[2];
	int i, k;

	pair_close(&s->p);
	pair_open(&s->p, variant->suite, variant->family, true);
	memcpy(s->shared, text, FILE_SIZE);
	memcpy(s->copy, text, FILE_SIZE);
	d[0] = (struct direction) { s->p.near.fd, s->p.far.fd, s->file };
	d[1] = (struct direction) { s->p.far.fd, s->p.near.fd, s->file };
	for (i = 0; i < 2; i++) {
		set_int(d[i].to, SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20);
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, send_pages, &d[i]));
	}
	for (k = 0; k < STREAM; k++) {
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(3000, recv(d[i].to, in, sizeof(in), 0));
			ASSERT_EQ(0, memcmp(in, text + k, 3000));
		}
		if (k % 16 == 0)
			ASSERT_EQ(true, file_intact(s));
	}
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
	ASSERT_EQ(true, file_intact(s));
	ASSERT_EQ(0, stat_drops());
}

TEST_HARNESS_MAIN
