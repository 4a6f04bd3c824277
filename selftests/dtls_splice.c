// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/*
 * sendfile, splice and vmsplice. Out: a tap must see no plaintext, whichever
 * way the kernel takes the pages (6.1 has a way past sendmsg). In: pages of
 * somebody's file arrive over loopback, and must not be decrypted in place.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "lib/pair.h"

#define SECRET	"This text must not be seen on the wire. "

static char text[60000], in[65536];

FIXTURE(splicing) {
	struct dtls_pair p;
	int fd, file, tap, pipe[2];
};

FIXTURE_VARIANT(splicing) {
	__u16 suite;
	int family;
	bool far_kernel;
};

FIXTURE_VARIANT_ADD(splicing, gcm_v4) { SUITE_AES_128_GCM, FAMILY_V4, false };
FIXTURE_VARIANT_ADD(splicing, ccm_v6) { SUITE_AES_128_CCM, FAMILY_V6, false };
FIXTURE_VARIANT_ADD(splicing, chacha_mapped)
{
	SUITE_CHACHA20, FAMILY_MAPPED, false
};

FIXTURE_VARIANT_ADD(splicing, gcm_v4_kernel)
{
	SUITE_AES_128_GCM, FAMILY_V4, true
};

FIXTURE_SETUP(splicing)
{
	size_t i;

	netns_new();
	pair_open(&self->p, variant->suite, variant->family,
		  variant->far_kernel);
	self->fd = self->p.near.fd;
	self->tap = tap_open();
	for (i = 0; i < sizeof(text); i++)
		text[i] = SECRET[i % strlen(SECRET)];
	self->file = memfd_create("text", 0);
	ASSERT_LE(0, self->file);
	ASSERT_EQ(sizeof(text), write(self->file, text, sizeof(text)));
	ASSERT_EQ(0, pipe(self->pipe));
}

FIXTURE_TEARDOWN(splicing)
{
	close(self->file);
	close(self->tap);
	close(self->pipe[0]);
	close(self->pipe[1]);
	pair_close(&self->p);
}

/* The tap saw records and no plaintext. */
static bool sealed(int tap)
{
	unsigned int frames;

	if (tap_saw(tap, SECRET, 12, &frames))
		die("plaintext on the wire");
	return frames;
}

/* Takes what came until @len bytes of the text are there. */
static bool text_arrives(struct dtls_end *far, size_t from, size_t len)
{
	size_t at = 0;
	ssize_t n;

	while (at < len) {
		n = end_recv(far, in, sizeof(in), MSG_DONTWAIT);
		if (n < 0 || at + n > len ||
		    memcmp(in, text + from + at, n))
			return false;
		at += n;
	}
	return end_recv(far, in, sizeof(in), MSG_DONTWAIT) == -1 &&
	       errno == EAGAIN;
}

TEST_F(splicing, tap_has_eyes)
{
	unsigned int frames;
	int fd[2];

	if (variant->family != FAMILY_V4)
		return;
	/* Were there plaintext, this test would see it. */
	udp_pair(FAMILY_V4, fd);
	ASSERT_EQ(1000, send(fd[0], text, 1000, 0));
	ASSERT_EQ(true, tap_saw(self->tap, SECRET, 12, &frames));
	ASSERT_LE(1, frames);
	close(fd[0]);
	close(fd[1]);
}

TEST_F(splicing, sendfile)
{
	off_t off = 0;

	ASSERT_EQ(4000, sendfile(self->fd, self->file, &off, 4000));
	ASSERT_EQ(4000, off);
	ASSERT_EQ(true, text_arrives(&self->p.far, 0, 4000));
	if (variant->family != FAMILY_V6)
		ASSERT_EQ(true, sealed(self->tap));
	/* The file is as it was. */
	ASSERT_EQ(4000, pread(self->file, in, 4000, 0));
	ASSERT_EQ(0, memcmp(in, text, 4000));
}

/* From the middle of a page, over several. */
TEST_F(splicing, sendfile_pages)
{
	off_t off = 1234;

	ASSERT_EQ(9000, sendfile(self->fd, self->file, &off, 9000));
	ASSERT_EQ(true, text_arrives(&self->p.far, 1234, 9000));
	if (variant->family != FAMILY_V6)
		ASSERT_EQ(true, sealed(self->tap));
}

/* tls.c's multi_chunk_sendfile: by and by, all of the file. */
TEST_F(splicing, sendfile_in_chunks)
{
	static const size_t chunk[] = { 1, 4096, 1000, 4095, 4097, 8192, 1 };
	unsigned int i;
	off_t off = 0;

	for (i = 0; i < ARRAY_SIZE(chunk); i++) {
		off_t was = off;

		ASSERT_EQ(chunk[i],
			  sendfile(self->fd, self->file, &off, chunk[i]));
		ASSERT_EQ(true, text_arrives(&self->p.far, was, chunk[i]))
			TH_LOG("chunk %u", i);
	}
	if (variant->family != FAMILY_V6)
		ASSERT_EQ(true, sealed(self->tap));
}

/* tls.c's send_then_sendfile. */
TEST_F(splicing, send_then_sendfile)
{
	off_t off = 0;

	ASSERT_EQ(5, send(self->fd, "first", 5, 0));
	ASSERT_EQ(100, sendfile(self->fd, self->file, &off, 100));
	ASSERT_EQ(5, end_recv(&self->p.far, in, sizeof(in), 0));
	ASSERT_EQ(true, text_arrives(&self->p.far, 0, 100));
}

TEST_F(splicing, sendfile_corked)
{
	off_t off = 0;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_CORK, 1));
	ASSERT_EQ(100, sendfile(self->fd, self->file, &off, 100));
	ASSERT_EQ(200, sendfile(self->fd, self->file, &off, 200));
	ASSERT_EQ(-1, end_recv(&self->p.far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_CORK, 0));
	ASSERT_EQ(300, end_recv(&self->p.far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(0, memcmp(in, text, 300));
	if (variant->family != FAMILY_V6)
		ASSERT_EQ(true, sealed(self->tap));
}

/*
 * The file is shorter than what is asked for: its end is known only once it is
 * read past, and until then the kernel has said that more will come.
 */
TEST_F(splicing, sendfile_past_the_end)
{
	off_t off = sizeof(text) - 500;

	ASSERT_EQ(500, sendfile(self->fd, self->file, &off, 5000));
	ASSERT_EQ(true, text_arrives(&self->p.far, sizeof(text) - 500, 500));
	/* corked, it waits for the cork */
	off = sizeof(text) - 500;
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_CORK, 1));
	ASSERT_EQ(500, sendfile(self->fd, self->file, &off, 5000));
	ASSERT_EQ(-1, end_recv(&self->p.far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_CORK, 0));
	ASSERT_EQ(true, text_arrives(&self->p.far, sizeof(text) - 500, 500));
	/* and without keys, UDP's own end comes */
	pair_close(&self->p);
	pair_prepare(&self->p, variant->suite, variant->family, false);
	self->fd = self->p.near.fd;
	ASSERT_EQ(0, ulp_attach(self->fd));
	off = sizeof(text) - 500;
	ASSERT_EQ(500, sendfile(self->fd, self->file, &off, 5000));
	ASSERT_EQ(500, recv_soon(self->p.far.fd, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, text + sizeof(text) - 500, 500));
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_CORK, 1));
	off = sizeof(text) - 500;
	ASSERT_EQ(500, sendfile(self->fd, self->file, &off, 5000));
	ASSERT_EQ(-1, recv_soon(self->p.far.fd, in, sizeof(in), 0));
}

TEST_F(splicing, from_pipe)
{
	ASSERT_EQ(3000, write(self->pipe[1], text, 3000));
	ASSERT_EQ(3000, splice(self->pipe[0], NULL, self->fd, NULL, 3000, 0));
	ASSERT_EQ(true, text_arrives(&self->p.far, 0, 3000));
	if (variant->family != FAMILY_V6)
		ASSERT_EQ(true, sealed(self->tap));
}

/* SPLICE_F_MORE is MSG_MORE: one record, when the rest has come. */
TEST_F(splicing, from_pipe_more)
{
	ASSERT_EQ(3000, write(self->pipe[1], text, 3000));
	ASSERT_EQ(1000, splice(self->pipe[0], NULL, self->fd, NULL, 1000,
			       SPLICE_F_MORE));
	ASSERT_EQ(-1, end_recv(&self->p.far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(2000, splice(self->pipe[0], NULL, self->fd, NULL, 2000, 0));
	ASSERT_EQ(3000, end_recv(&self->p.far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(0, memcmp(in, text, 3000));
}

TEST_F(splicing, vmsplice)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov = { pages, 5000 };

	memcpy(pages, text, 8192);
	ASSERT_EQ(5000, vmsplice(self->pipe[1], &iov, 1, SPLICE_F_GIFT));
	ASSERT_EQ(5000, splice(self->pipe[0], NULL, self->fd, NULL, 5000, 0));
	ASSERT_EQ(true, text_arrives(&self->p.far, 0, 5000));
	ASSERT_EQ(0, memcmp(pages, text, 8192));
	if (variant->family != FAMILY_V6)
		ASSERT_EQ(true, sealed(self->tap));
}

/* Before there are keys it is UDP's own way, corked and not. */
TEST_F(splicing, before_keys)
{
	unsigned int frames;
	off_t off = 0;
	int fd[2];

	udp_pair(variant->family, fd);
	ASSERT_EQ(0, ulp_attach(fd[0]));
	ASSERT_EQ(100, sendfile(fd[0], self->file, &off, 100));
	ASSERT_EQ(100, recv_soon(fd[1], in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, text, 100));
	if (variant->family != FAMILY_V6)
		ASSERT_EQ(true, tap_saw(self->tap, SECRET, 12, &frames));
	close(fd[0]);
	close(fd[1]);
}

TEST_F(splicing, to_pipe)
{
	ASSERT_EQ(3000, end_send(&self->p.far, text, 3000, 0));
	ASSERT_EQ(500, end_send(&self->p.far, text, 500, 0));
	ASSERT_EQ(3000, splice(self->fd, NULL, self->pipe[1], NULL, 8192,
			       SPLICE_F_NONBLOCK));
	ASSERT_EQ(3000, read(self->pipe[0], in, sizeof(in)));
	ASSERT_EQ(0, memcmp(in, text, 3000));
	ASSERT_EQ(500, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(500, end_send(&self->p.far, text, 500, 0));
	ASSERT_EQ(500, recv(self->fd, in, sizeof(in), MSG_PEEK));
	ASSERT_EQ(500, splice(self->fd, NULL, self->pipe[1], NULL, 8192, 0));
}

/* tls.c's splice_cmsg_to_pipe: a pipe has no room for a record's type. */
TEST_F(splicing, control_to_pipe)
{
	struct dtls_record r;

	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_RECVTYPE, 1));
	ASSERT_EQ(3, end_send_type(&self->p.far, DTLS_TYPE_HANDSHAKE, "abc", 3));
	ASSERT_EQ(-1, splice(self->fd, NULL, self->pipe[1], NULL, 8192, 0));
	ASSERT_EQ(EIO, errno);
	ASSERT_EQ(3, recv_record(self->fd, in, sizeof(in), 0, &r, NULL));
	ASSERT_EQ(DTLS_TYPE_HANDSHAKE, r.type);
}

/*
 * A record that lies in a file goes out of a plain socket by sendfile and, over
 * loopback, arrives in the file's own pages.
 */
static void receive_from_file(struct dtls_pair *p, int pipe[2], ssize_t len,
			      bool vm, bool peek)
{
	size_t page = 4096;
	__u8 *rec = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), copy[8192];
	int file = memfd_create("record", 0);
	struct iovec iov;
	size_t n;
	off_t off = 0;

	must(rec != MAP_FAILED && file >= 0);
	n = oracle_seal(&p->far.tx, DTLS_TYPE_DATA, text, len, rec);
	memcpy(copy, rec, n);
	must(write(file, rec, n) == (ssize_t)n);
	if (vm) {
		iov = (struct iovec) { rec, n };
		must(vmsplice(pipe[1], &iov, 1, 0) == (ssize_t)n);
		must(splice(pipe[0], NULL, p->far.fd, NULL, n, 0) == (ssize_t)n);
	} else {
		must(sendfile(p->far.fd, file, &off, n) == (ssize_t)n);
	}
	if (peek)
		must(recv(p->near.fd, in, sizeof(in), MSG_PEEK) == len);
	must(recv_soon(p->near.fd, in, sizeof(in), 0) == len);
	must(!memcmp(in, text, len));
	must(!memcmp(rec, copy, n));
	must(pread(file, in, sizeof(in), 0) == (ssize_t)n);
	must(!memcmp(in, copy, n));
	munmap(rec, 2 * page);
	close(file);
}

TEST_F(splicing, receive_pages_of_a_file)
{
	/* Of several pages 6.1 makes several datagrams, on IPv6. */
	ssize_t len = variant->family == FAMILY_V4 ? 6000 : 4000;

	if (self->p.far.kernel)
		return;
	/* A tap shares every packet with the receiver. */
	receive_from_file(&self->p, self->pipe, len, false, false);
	close(self->tap);
	receive_from_file(&self->p, self->pipe, len, false, false);
	receive_from_file(&self->p, self->pipe, len, false, true);
	self->tap = tap_open();
}

TEST_F(splicing, receive_pages_of_a_process)
{
	/* Of several pages 6.1 makes several datagrams, on IPv6. */
	ssize_t len = variant->family == FAMILY_V4 ? 6000 : 4000;

	if (self->p.far.kernel)
		return;
	receive_from_file(&self->p, self->pipe, len, true, false);
	close(self->tap);
	receive_from_file(&self->p, self->pipe, len, true, true);
	self->tap = tap_open();
}

/* The tap of the receiver's side keeps the ciphertext, after it was opened. */
TEST_F(splicing, tap_keeps_ciphertext)
{
	unsigned int frames;

	if (self->p.far.kernel || variant->family == FAMILY_V6)
		return;
	ASSERT_EQ(6000, end_send(&self->p.far, text, 6000, 0));
	ASSERT_EQ(6000, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(false, tap_saw(self->tap, SECRET, 12, &frames));
	ASSERT_LE(1, frames);
}

TEST_HARNESS_MAIN
