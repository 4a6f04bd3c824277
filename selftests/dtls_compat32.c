// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/*
 * A program of 32 bits on a kernel of 64: its pointers, message headers and
 * control messages are others, and struct dtls_keys is the same. The calls are
 * made by the interrupt that such programs use, from this one of 64 bits.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/pair.h"

/* Of arch/x86/entry/syscalls/syscall_32.tbl. */
#define IA32_RECVMMSG	337
#define IA32_GETSOCKOPT	365
#define IA32_SETSOCKOPT	366
#define IA32_SENDMSG	370
#define IA32_RECVMSG	372

struct msghdr32 {
	__u32 name;
	__s32 namelen;
	__u32 iov, iovlen;
	__u32 control, controllen;
	__u32 flags;
};

struct iovec32 {
	__u32 base, len;
};

struct cmsghdr32 {
	__u32 len;
	__s32 level, type;
};

#define CMSG32_LEN(n)	(sizeof(struct cmsghdr32) + (n))

/* All that the kernel is told of lies below 4 GB. */
struct arena {
	struct msghdr32 msg;
	struct iovec32 iov;
	struct {
		struct cmsghdr32 h;
		__u8 data[200];
	} c;
	struct sockaddr_storage name;
	struct {
		struct msghdr32 msg;
		__u32 len;
	} many[4];
	struct iovec32 many_iov[4];
	struct dtls_keys keys[2];
	__u32 len;
	__u8 data[20000];
};

static __u8 out[20000], in[20000];

static __u32 low(const void *p)
{
	must((unsigned long)p <= 0xffffffff);
	return (unsigned long)p;
}

/* As a system call, with an errno below zero. */
static long ia32(long nr, long a, long b, long c, long d, long e)
{
	long ret = -ENOSYS;

#ifdef __x86_64__
	asm volatile("int $0x80"
		     : "=a" (ret)
		     : "a" (nr), "b" (a), "c" (b), "d" (c), "S" (d), "D" (e)
		     : "memory", "r8", "r9", "r10", "r11");
#endif
	return (int)ret;
}

FIXTURE(compat) {
	struct dtls_pair p;
	struct dtls_end *far;
	struct arena *a;
	int fd;
};

FIXTURE_VARIANT(compat) {
	int family;
};

FIXTURE_VARIANT_ADD(compat, v4) { FAMILY_V4 };
FIXTURE_VARIANT_ADD(compat, v6) { FAMILY_V6 };

FIXTURE_SETUP(compat)
{
	__u32 len = 0;

	self->a = mmap(NULL, sizeof(*self->a), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, self->a);
	netns_new();
	pair_prepare(&self->p, SUITE_AES_128_GCM, variant->family, false);
	self->far = &self->p.far;
	self->fd = self->p.near.fd;
	self->a->len = len;
	if (ia32(IA32_GETSOCKOPT, self->fd, SOL_IP, DTLS_ULP,
		 low(self->a->data), low(&self->a->len)) == -ENOSYS)
		SKIP(return, "no programs of 32 bits here");
	memcpy(self->a->data, "dtls", 5);
	ASSERT_EQ(0, ia32(IA32_SETSOCKOPT, self->fd, SOL_IP, DTLS_ULP,
			  low(self->a->data), 5));
	key_fill(&self->a->keys[0], &self->p.near.tx);
	key_fill(&self->a->keys[1], &self->p.near.rx);
	ASSERT_EQ(0, ia32(IA32_SETSOCKOPT, self->fd, SOL_DTLS, DTLS_TXRX,
			  low(self->a->keys), sizeof(self->a->keys)));
	fill(out, sizeof(out), 9);
}

FIXTURE_TEARDOWN(compat)
{
	pair_close(&self->p);
}

/* @control bytes of room for control messages. */
static void message(struct arena *a, size_t len, size_t control)
{
	memset(&a->msg, 0, sizeof(a->msg));
	a->iov.base = low(a->data);
	a->iov.len = len;
	a->msg.iov = low(&a->iov);
	a->msg.iovlen = 1;
	a->msg.name = low(&a->name);
	a->msg.control = control ? low(&a->c) : 0;
	a->msg.controllen = control;
}

static long send32(int fd, struct arena *a, size_t len, int type,
		   const void *data, size_t data_len)
{
	message(a, len, CMSG32_LEN(data_len));
	a->msg.name = 0;
	memcpy(a->data, out, len);
	a->c.h.level = type == UDP_SEGMENT ? SOL_UDP : SOL_DTLS;
	a->c.h.type = type;
	a->c.h.len = CMSG32_LEN(data_len);
	memcpy(a->c.data, data, data_len);
	return ia32(IA32_SENDMSG, fd, low(&a->msg), 0, 0, 0);
}

static long recv32(int fd, struct arena *a, size_t control)
{
	settle();
	message(a, sizeof(a->data), control);
	a->msg.namelen = sizeof(a->name);
	memset(&a->c, 0, sizeof(a->c));
	return ia32(IA32_RECVMSG, fd, low(&a->msg), MSG_DONTWAIT, 0, 0);
}

TEST_F(compat, keys)
{
	struct arena *a = self->a;
	int i;

	memset(a->keys, 0x55, sizeof(a->keys));
	for (i = 0; i < 2; i++) {
		a->len = sizeof(a->keys[0]);
		ASSERT_EQ(0, ia32(IA32_GETSOCKOPT, self->fd, SOL_DTLS,
				  i ? DTLS_RX : DTLS_TX, low(&a->keys[i]),
				  low(&a->len)));
		ASSERT_EQ(sizeof(a->keys[0]), a->len);
		ASSERT_EQ(FIRST_SEQ, a->keys[i].seq);
		ASSERT_EQ(SUITE_AES_128_GCM, a->keys[i].cipher_suite);
	}
	ASSERT_EQ(3, send(self->fd, "abc", 3, 0));
	ASSERT_EQ(3, end_recv(self->far, in, sizeof(in), 0));
}

TEST_F(compat, type_goes_out)
{
	struct dtls_record r = { .type = DTLS_TYPE_HANDSHAKE };
	struct oracle_record o;

	ASSERT_EQ(300, send32(self->fd, self->a, 300, DTLS_RECORD_TYPE, &r,
			      sizeof(r)));
	ASSERT_EQ(300, oracle_recv(self->far, &o, 0));
	ASSERT_EQ(DTLS_TYPE_HANDSHAKE, o.h.type);
	ASSERT_EQ(0, memcmp(o.data, out, 300));
	r.type = 99;
	ASSERT_EQ(-EINVAL, send32(self->fd, self->a, 300, DTLS_RECORD_TYPE, &r,
				  sizeof(r)));
	ASSERT_EQ(-EINVAL, send32(self->fd, self->a, 300, DTLS_RECORD_TYPE, &r,
				  sizeof(r) - 1));
}

/* A mark needs exactly that much room; without it the record waits. */
TEST_F(compat, type_comes_in)
{
	const size_t room = CMSG32_LEN(sizeof(struct dtls_record));
	struct arena *a = self->a;
	struct dtls_record r;
	int parked;

	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_RECVTYPE, 1));
	for (parked = 0; parked < 2; parked++) {
		ASSERT_EQ(3, end_send_type(self->far, DTLS_TYPE_HANDSHAKE,
					   "abc", 3));
		if (parked)
			ASSERT_EQ(POLLIN, poll_now(self->fd, POLLIN));
		ASSERT_EQ(-EIO, recv32(self->fd, a, 0));
		ASSERT_EQ(-EIO, recv32(self->fd, a, room - 1));
		ASSERT_EQ(3, recv32(self->fd, a, room));
		ASSERT_EQ(0, a->msg.flags & MSG_CTRUNC);
		ASSERT_EQ(SOL_DTLS, a->c.h.level);
		ASSERT_EQ(DTLS_RECORD_TYPE, a->c.h.type);
		ASSERT_EQ(room, a->c.h.len);
		memcpy(&r, a->c.data, sizeof(r));
		ASSERT_EQ(DTLS_TYPE_HANDSHAKE, r.type);
		ASSERT_EQ(1, r.epoch);
		ASSERT_EQ(FIRST_SEQ + parked, r.seq);
		ASSERT_EQ(0, memcmp(a->data, "abc", 3));
	}
}

TEST_F(compat, batch)
{
	__u16 size = 700;
	int i, gro;

	ASSERT_EQ(7000, send32(self->fd, self->a, 7000, UDP_SEGMENT, &size,
			       sizeof(size)));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(700, end_recv(self->far, in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(in, out + i * 700, 700));
	}
	/* and a batch that comes in, with its size */
	pair_close(&self->p);
	pair_open(&self->p, SUITE_AES_128_GCM, variant->family, true);
	self->fd = self->p.near.fd;
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	ASSERT_EQ(0, set_int(self->far->fd, SOL_UDP, UDP_SEGMENT, size));
	ASSERT_EQ(7000, send(self->far->fd, out, 7000, 0));
	ASSERT_EQ(7000, recv32(self->fd, self->a, sizeof(self->a->c)));
	ASSERT_EQ(0, memcmp(self->a->data, out, 7000));
	ASSERT_EQ(SOL_UDP, self->a->c.h.level);
	ASSERT_EQ(UDP_GRO, self->a->c.h.type);
	memcpy(&gro, self->a->c.data, sizeof(gro));
	ASSERT_EQ(700, gro);
}

TEST_F(compat, recvmmsg)
{
	struct arena *a = self->a;
	int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(10 + i, end_send(self->far, out + i, 10 + i, 0));
		a->many_iov[i] = (struct iovec32){
			low(a->data) + i * 100, 100
		};
		memset(&a->many[i], 0, sizeof(a->many[i]));
		a->many[i].msg.iov = low(&a->many_iov[i]);
		a->many[i].msg.iovlen = 1;
	}
	settle();
	ASSERT_EQ(4, ia32(IA32_RECVMMSG, self->fd, low(a->many), 4,
			  MSG_DONTWAIT, 0));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(10 + i, a->many[i].len);
		ASSERT_EQ(0, memcmp(a->data + i * 100, out + i, 10 + i));
	}
}

TEST_HARNESS_MAIN
