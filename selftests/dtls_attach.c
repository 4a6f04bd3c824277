// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* Attaching: who gets the ULP, who is refused, and what cannot shake it off. */
#include <kselftest_harness.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/syscall.h>
#include <linux/bpf.h>

#include "lib/pair.h"

#ifndef UDP_ENCAP
#define UDP_ENCAP		100
#endif
#ifndef UDP_ENCAP_ESPINUDP
#define UDP_ENCAP_ESPINUDP	2
#endif
#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE		136
#endif

FIXTURE(attach) {
	int fd[2];
};

FIXTURE_VARIANT(attach) {
	int family;
};

FIXTURE_VARIANT_ADD(attach, v4) { FAMILY_V4 };
FIXTURE_VARIANT_ADD(attach, v6) { FAMILY_V6 };
FIXTURE_VARIANT_ADD(attach, mapped) { FAMILY_MAPPED };

FIXTURE_SETUP(attach)
{
	netns_new();
	udp_pair(variant->family, self->fd);
}

FIXTURE_TEARDOWN(attach)
{
	close(self->fd[0]);
	close(self->fd[1]);
}

/* The socket still is a socket: plain bytes go both ways. */
static bool plain_works(int fd[2])
{
	char in[8];

	return send(fd[0], "to", 2, 0) == 2 &&
	       recv_soon(fd[1], in, sizeof(in), 0) == 2 &&
	       send(fd[1], "fro", 3, 0) == 3 &&
	       recv_soon(fd[0], in, sizeof(in), 0) == 3;
}

/* Is the ULP there? */
static bool attached(int fd)
{
	char name[16] = {};
	socklen_t len = sizeof(name);

	if (getsockopt(fd, SOL_IP, DTLS_ULP, name, &len))
		return false;
	must(!strcmp(name, "dtls"));
	return true;
}

TEST_F(attach, then_plain_until_keys)
{
	ASSERT_EQ(false, attached(self->fd[0]));
	ASSERT_EQ(true, plain_works(self->fd));
	ASSERT_EQ(0, ulp_attach(self->fd[0]));
	ASSERT_EQ(true, attached(self->fd[0]));
	ASSERT_EQ(true, plain_works(self->fd));
	ASSERT_EQ(1, stat_read("CurrSockets"));
	ASSERT_EQ(0, stat_read("CurrAssociations"));
	close(self->fd[0]);
	self->fd[0] = -1;
	/* The kernel frees a UDP socket a grace period after its close. */
	while (stat_read("CurrSockets"))
		usleep(1000);
}

/* Names of strings in C end with a zero, in other languages they do not. */
TEST_F(attach, name_with_and_without_zero)
{
	ASSERT_EQ(0, setsockopt(self->fd[0], SOL_IP, DTLS_ULP, "dtls", 4));
	ASSERT_EQ(0, setsockopt(self->fd[1], SOL_IP, DTLS_ULP, "dtls", 5));
	ASSERT_EQ(true, attached(self->fd[0]));
	ASSERT_EQ(true, attached(self->fd[1]));
}

TEST_F(attach, twice)
{
	ASSERT_EQ(0, ulp_attach(self->fd[0]));
	ASSERT_EQ(-1, ulp_attach(self->fd[0]));
	ASSERT_EQ(EEXIST, errno);
	ASSERT_EQ(true, plain_works(self->fd));
	ASSERT_EQ(1, stat_read("CurrSockets"));
}

TEST_F(attach, bad_names)
{
	static const struct {
		const void *name;
		socklen_t len;
		int error;
	} bad[] = {
		{ "tls", 4, ENOENT },
		{ "tls", 3, ENOENT },
		{ "dtl", 3, ENOENT },
		{ "dtlsx", 5, ENOENT },
		{ "dtls12", 7, ENOENT },
		{ "DTLS", 5, ENOENT },
		{ "\0\0\0\0", 4, ENOENT },
		{ "dtls", 0, EINVAL },
		{ "dtls\0\0\0\0\0\0\0\0\0\0\0\0\0", 17, EINVAL },
		{ (void *)1, 5, EFAULT },
		{ NULL, 5, EFAULT },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ASSERT_EQ(-1, setsockopt(self->fd[0], SOL_IP, DTLS_ULP,
					 bad[i].name, bad[i].len));
		ASSERT_EQ(bad[i].error, errno) TH_LOG("name %u", i);
	}
	ASSERT_EQ(false, attached(self->fd[0]));
	ASSERT_EQ(true, plain_works(self->fd));
	ASSERT_EQ(0, stat_read("CurrSockets"));
	ASSERT_EQ(0, ulp_attach(self->fd[0]));
}

TEST_F(attach, name_read_back)
{
	socklen_t len = 16;
	char name[16];

	ASSERT_EQ(-1, getsockopt(self->fd[0], SOL_IP, DTLS_ULP, name, &len));
	ASSERT_EQ(ENOPROTOOPT, errno);
	ASSERT_EQ(0, ulp_attach(self->fd[0]));
	len = sizeof(name);
	ASSERT_EQ(0, getsockopt(self->fd[0], SOL_IP, DTLS_ULP, name, &len));
	ASSERT_EQ(5, len);
	ASSERT_EQ(0, memcmp(name, "dtls", 5));
	len = 2;
	ASSERT_EQ(-1, getsockopt(self->fd[0], SOL_IP, DTLS_ULP, name, &len));
	ASSERT_EQ(EINVAL, errno);
	len = sizeof(name);
	ASSERT_EQ(-1, getsockopt(self->fd[0], SOL_IP, DTLS_ULP, (void *)1, &len));
	ASSERT_EQ(EFAULT, errno);
}

/* SOL_DTLS belongs to attached sockets alone. */
TEST_F(attach, options_want_the_ulp)
{
	ASSERT_EQ(-1, set_int(self->fd[0], SOL_DTLS, DTLS_RECVTYPE, 1));
	ASSERT_EQ(ENOPROTOOPT, errno);
	ASSERT_EQ(-1, get_int(self->fd[0], SOL_DTLS, DTLS_RECVTYPE));
}

TEST_F(attach, encapsulation)
{
	if (variant->family == FAMILY_V6)
		return;	/* 6.1 has no ESP in UDP without esp6 */
	if (set_int(self->fd[0], SOL_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP)) {
		ASSERT_EQ(ENOPROTOOPT, errno);
	} else {
		ASSERT_EQ(-1, ulp_attach(self->fd[0]));
		ASSERT_EQ(EBUSY, errno);
		ASSERT_EQ(false, attached(self->fd[0]));
	}
	ASSERT_EQ(0, ulp_attach(self->fd[1]));
	ASSERT_EQ(-1, set_int(self->fd[1], SOL_UDP, UDP_ENCAP,
			      UDP_ENCAP_ESPINUDP));
	ASSERT_EQ(EBUSY, errno);
}

TEST_F(attach, with_corked_bytes)
{
	char in[8];

	ASSERT_EQ(3, send(self->fd[0], "abc", 3, MSG_MORE));
	ASSERT_EQ(-1, ulp_attach(self->fd[0]));
	ASSERT_EQ(EBUSY, errno);
	ASSERT_EQ(3, send(self->fd[0], "def", 3, 0));
	ASSERT_EQ(6, recv(self->fd[1], in, sizeof(in), 0));
	ASSERT_EQ(0, ulp_attach(self->fd[0]));
}

/* Corked as plain UDP, then keys: no plain byte may go out sealed or bare. */
TEST_F(attach, corked_then_keys)
{
	struct oracle_record r;
	struct oracle_key k;
	char in[200];
	ssize_t n;

	ASSERT_EQ(0, ulp_attach(self->fd[0]));
	ASSERT_EQ(5, send(self->fd[0], "plain", 5, MSG_MORE));
	oracle_key_init(&k, SUITE_AES_128_GCM, 1, 1);
	ASSERT_EQ(-1, key_install(self->fd[0], DTLS_TX, &k));
	ASSERT_EQ(EBUSY, errno);
	ASSERT_EQ(0, send(self->fd[0], "", 0, 0));
	ASSERT_EQ(5, recv_soon(self->fd[1], in, sizeof(in), 0));
	ASSERT_EQ(0, key_install(self->fd[0], DTLS_TX, &k));
	ASSERT_EQ(2, send(self->fd[0], "ok", 2, 0));
	n = recv_soon(self->fd[1], in, sizeof(in), 0);
	ASSERT_EQ(n, oracle_open(&k, in, n, &r));
}

/* From here to there under the ULP, IPV6_ADDRFORM would take it off. */
TEST_F(attach, addrform)
{
	int fd[2];

	if (variant->family != FAMILY_MAPPED)
		return;
	udp_pair(FAMILY_MAPPED, fd);
	ASSERT_EQ(0, ulp_attach(self->fd[0]));
	ASSERT_EQ(-1, set_int(self->fd[0], SOL_IPV6, IPV6_ADDRFORM, PF_INET));
	ASSERT_EQ(EBUSY, errno);
	ASSERT_EQ(true, attached(self->fd[0]));
	ASSERT_EQ(true, plain_works(self->fd));
	/* The other way round, it is a v4 socket like any other. */
	ASSERT_EQ(0, set_int(fd[0], SOL_IPV6, IPV6_ADDRFORM, PF_INET));
	ASSERT_EQ(0, ulp_attach(fd[0]));
	ASSERT_EQ(true, plain_works(fd));
	close(fd[0]);
	close(fd[1]);
}

static long bpf(int cmd, union bpf_attr *attr)
{
	return syscall(__NR_bpf, cmd, attr, sizeof(*attr));
}

static int sockmap_new(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_SOCKMAP,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 4,
	};
	int map = bpf(BPF_MAP_CREATE, &attr);

	if (map < 0)
		die("no sockmap");
	return map;
}

static long sockmap_put(int map, int fd)
{
	union bpf_attr attr = {};
	__u32 key = 0, value = fd;

	attr.map_fd = map;
	attr.key = (unsigned long)&key;
	attr.value = (unsigned long)&value;
	return bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

/* Two of a kind: sockmap, too, replaces the protocol and keeps user data. */
TEST_F(attach, sockmap_before)
{
	int map = sockmap_new();

	ASSERT_EQ(0, sockmap_put(map, self->fd[0]));
	ASSERT_EQ(-1, ulp_attach(self->fd[0]));
	ASSERT_EQ(EBUSY, errno);
	ASSERT_EQ(false, attached(self->fd[0]));
	ASSERT_EQ(true, plain_works(self->fd));
	close(map);
}

TEST_F(attach, sockmap_after)
{
	int map = sockmap_new();

	ASSERT_EQ(0, ulp_attach(self->fd[0]));
	ASSERT_EQ(-1, sockmap_put(map, self->fd[0]));
	ASSERT_EQ(true, errno == EINVAL || errno == EBUSY || errno == EOPNOTSUPP);
	ASSERT_EQ(true, attached(self->fd[0]));
	ASSERT_EQ(true, plain_works(self->fd));
	/* A socket without the ULP is unharmed by our being there. */
	ASSERT_EQ(0, sockmap_put(map, self->fd[1]));
	close(map);
}

/* A reuseport array is another user of sk_user_data. */
TEST_F(attach, reuseport_array)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_REUSEPORT_SOCKARRAY,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 4,
	};
	int map = bpf(BPF_MAP_CREATE, &attr);
	struct sockaddr_storage ss;
	socklen_t len;
	__u64 value;
	__u32 key = 0;
	int fd;

	ASSERT_LE(0, map);
	len = loopback(variant->family, &ss);
	fd = socket(ss.ss_family, SOCK_DGRAM, 0);
	ASSERT_EQ(0, set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1));
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&ss, len));
	value = fd;
	attr = (union bpf_attr) {};
	attr.map_fd = map;
	attr.key = (unsigned long)&key;
	attr.value = (unsigned long)&value;
	ASSERT_EQ(0, bpf(BPF_MAP_UPDATE_ELEM, &attr));
	ASSERT_EQ(-1, ulp_attach(fd));
	ASSERT_EQ(EBUSY, errno);
	close(map);
	close(fd);

	/* And after attach, it is the array's turn to refuse. */
	ASSERT_EQ(0, ulp_attach(self->fd[0]));
	value = self->fd[0];
	ASSERT_EQ(-1, bpf(BPF_MAP_UPDATE_ELEM, &attr));
	ASSERT_EQ(true, plain_works(self->fd));
}

static int attach_errno(int domain, int type, int protocol)
{
	int fd = socket(domain, type, protocol), error = 0;

	if (fd < 0)
		return -1;
	if (ulp_attach(fd))
		error = errno;
	close(fd);
	return error;
}

TEST(other_protocols)
{
	int fd;

	netns_new();
	EXPECT_EQ(EOPNOTSUPP, attach_errno(AF_INET, SOCK_STREAM, 0));
	EXPECT_EQ(EOPNOTSUPP, attach_errno(AF_INET6, SOCK_STREAM, 0));
	EXPECT_EQ(EOPNOTSUPP, attach_errno(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	EXPECT_EQ(EOPNOTSUPP, attach_errno(AF_INET, SOCK_RAW, IPPROTO_UDP));
	fd = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY);
	ASSERT_EQ(3, write(fd, "0 0", 3));
	close(fd);
	EXPECT_EQ(EOPNOTSUPP, attach_errno(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
	EXPECT_EQ(EOPNOTSUPP, attach_errno(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE));
	EXPECT_EQ(EOPNOTSUPP,
		  attach_errno(AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE));
	EXPECT_EQ(0, attach_errno(AF_INET, SOCK_DGRAM, 0));
	EXPECT_EQ(0, attach_errno(AF_INET6, SOCK_DGRAM, 0));
	while (stat_read("CurrSockets"))
		usleep(1000);
}

/* No privilege is wanted. */
TEST(as_nobody)
{
	struct oracle_key k;
	int fd[2];

	netns_new();
	udp_pair(FAMILY_V4, fd);
	ASSERT_EQ(0, setresuid(65534, 65534, 65534));
	ASSERT_EQ(0, ulp_attach(fd[0]));
	oracle_key_init(&k, SUITE_CHACHA20, 1, 1);
	ASSERT_EQ(0, key_install(fd[0], DTLS_TX, &k));
	ASSERT_EQ(2, send(fd[0], "ok", 2, 0));
}

/* tls.c's tls_v6ops: one socket's operations must not become all sockets'. */
TEST(others_keep_their_operations)
{
	int a[2], b[2];

	netns_new();
	udp_pair(FAMILY_V6, a);
	udp_pair(FAMILY_V4, b);
	ASSERT_EQ(0, ulp_attach(a[0]));
	ASSERT_EQ(0, ulp_attach(b[0]));
	ASSERT_EQ(false, attached(a[1]));
	ASSERT_EQ(false, attached(b[1]));
	ASSERT_EQ(-1, set_int(a[1], SOL_DTLS, DTLS_RECVTYPE, 1));
	ASSERT_EQ(ENOPROTOOPT, errno);
	ASSERT_EQ(true, plain_works(a));
	ASSERT_EQ(true, plain_works(b));
	close(a[0]);
	close(b[0]);
	udp_pair(FAMILY_V6, a);
	ASSERT_EQ(false, attached(a[0]));
	ASSERT_EQ(true, plain_works(a));
}

TEST_HARNESS_MAIN
