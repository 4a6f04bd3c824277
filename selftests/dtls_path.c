// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* DTLS_MAX_PAYLOAD: what fits the path, as the path is now. */
#include <kselftest_harness.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <string.h>

#include "lib/pair.h"

static __u8 out[DTLS_PLAINTEXT_MAX + 1], in[65536];

FIXTURE(path) {
	struct dtls_pair p;
	int fd, headers, over;
};

FIXTURE_VARIANT(path) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(path, gcm_v4) { SUITE_AES_128_GCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(path, chacha_v6) { SUITE_CHACHA20, FAMILY_V6 };
FIXTURE_VARIANT_ADD(path, ccm8_mapped) { SUITE_AES_128_CCM_8, FAMILY_MAPPED };

FIXTURE_SETUP(path)
{
	netns_new();
	pair_open(&self->p, variant->suite, variant->family, false);
	self->fd = self->p.near.fd;
	self->headers = (variant->family == FAMILY_V6 ? 40 : 20) + 8;
	self->over = oracle_overhead(self->p.near.tx.suite);
}

FIXTURE_TEARDOWN(path)
{
	pair_close(&self->p);
}

static int max_payload(int fd)
{
	return get_int(fd, SOL_DTLS, DTLS_MAX_PAYLOAD);
}

static void forbid_fragments(int fd, int family)
{
	if (family == FAMILY_V6)
		must(!set_int(fd, SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO));
	else
		must(!set_int(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO));
}

TEST_F(path, follows_the_link)
{
	static const int mtus[] = { 1500, 1280, 9000, 1400, 65536, 16000 };
	unsigned int i;
	int want;

	for (i = 0; i < ARRAY_SIZE(mtus); i++) {
		link_mtu("lo", mtus[i]);
		want = mtus[i] - self->headers - self->over;
		if (want > DTLS_PLAINTEXT_MAX)
			want = DTLS_PLAINTEXT_MAX;
		ASSERT_EQ(want, max_payload(self->fd)) TH_LOG("%d", mtus[i]);
	}
}

/* It is exact: that much goes in one piece, one byte more does not. */
TEST_F(path, is_exact)
{
	struct dtls_keys k;
	int max;

	link_mtu("lo", 1400);
	forbid_fragments(self->fd, variant->family);
	max = max_payload(self->fd);
	ASSERT_EQ(max, send(self->fd, out, max, 0));
	ASSERT_EQ(max, end_recv(&self->p.far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(-1, send(self->fd, out, max + 1, 0));
	ASSERT_EQ(EMSGSIZE, errno);
	ASSERT_EQ(-1, recv_soon(self->p.far.fd, in, sizeof(in), 0));
	/* A number may be lost, none is used twice. */
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
	ASSERT_EQ(1, end_recv(&self->p.far, in, sizeof(in), MSG_DONTWAIT));
	key_state(self->fd, DTLS_TX, &k);
	ASSERT_LE(FIRST_SEQ + 2, k.seq);
}

/* Where fragments are allowed, a larger record goes in some. */
TEST_F(path, larger_with_fragments)
{
	link_mtu("lo", 1400);
	if (variant->family == FAMILY_V6) {
		ASSERT_EQ(0, set_int(self->fd, SOL_IPV6, IPV6_MTU_DISCOVER,
				     IPV6_PMTUDISC_DONT));
	} else {
		ASSERT_EQ(0, set_int(self->fd, SOL_IP, IP_MTU_DISCOVER,
				     IP_PMTUDISC_DONT));
	}
	fill(out, sizeof(out), 1);
	ASSERT_EQ(5000, send(self->fd, out, 5000, 0));
	ASSERT_EQ(5000, end_recv(&self->p.far, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, out, 5000));
	ASSERT_EQ(5000, end_send(&self->p.far, out, 5000, 0));
	ASSERT_EQ(5000, recv(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(0, memcmp(in, out, 5000));
}

/* Segments of the largest payload: the batch is not fragmented. */
TEST_F(path, batch_of_largest)
{
	int max, i;

	link_mtu("lo", 1400);
	forbid_fragments(self->fd, variant->family);
	max = max_payload(self->fd);
	fill(out, sizeof(out), 3);
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, max));
	ASSERT_EQ(5 * max, send(self->fd, out, 5 * max, 0));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(max, end_recv(&self->p.far, in, sizeof(in),
					MSG_DONTWAIT));
		ASSERT_EQ(0, memcmp(in, out + i * max, max));
	}
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, max + 1));
	ASSERT_EQ(-1, send(self->fd, out, 5 * (max + 1), 0));
	ASSERT_EQ(true, errno == EMSGSIZE || errno == EINVAL);
	ASSERT_EQ(-1, recv_soon(self->p.far.fd, in, sizeof(in), 0));
}

static int route_mtu(const char *mtu)
{
	char command[128];

	snprintf(command, sizeof(command),
		 "ip route replace local 127.0.0.1 dev lo table local %s", mtu);
	return system(command);
}

TEST_F(path, follows_the_route)
{
	if (variant->family == FAMILY_V6)
		return;
	ASSERT_EQ(0, route_mtu("mtu 1300"));
	ASSERT_EQ(1300 - self->headers - self->over, max_payload(self->fd));
	ASSERT_EQ(0, route_mtu(""));
	ASSERT_EQ(DTLS_PLAINTEXT_MAX, max_payload(self->fd));
}

static __u16 checksum(const void *data, size_t len)
{
	const __u8 *p = data;
	__u32 sum = 0;

	for (; len > 1; len -= 2, p += 2)
		sum += p[0] << 8 | p[1];
	if (len)
		sum += p[0] << 8;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum & 0xffff);
}

/* What a router says when a datagram does not fit its next link. */
static void fragmentation_needed(int fd, int mtu)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct {
		struct icmphdr icmp;
		struct iphdr ip;
		struct udphdr udp;
	} packet = {
		.icmp = { .type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED },
		.ip = {
			.version = 4, .ihl = 5, .ttl = 60,
			.protocol = IPPROTO_UDP, .tot_len = htons(1400),
			.saddr = htonl(INADDR_LOOPBACK),
			.daddr = htonl(INADDR_LOOPBACK),
		},
		.udp = { .len = htons(1380) },
	};
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	must(raw >= 0);
	must(!getsockname(fd, (struct sockaddr *)&ss, &len));
	packet.udp.source = ((struct sockaddr_in *)&ss)->sin_port;
	len = sizeof(ss);
	must(!getpeername(fd, (struct sockaddr *)&ss, &len));
	packet.udp.dest = ((struct sockaddr_in *)&ss)->sin_port;
	packet.icmp.un.frag.mtu = htons(mtu);
	packet.ip.check = checksum(&packet.ip, sizeof(packet.ip));
	packet.icmp.checksum = checksum(&packet, sizeof(packet));
	must(sendto(raw, &packet, sizeof(packet), 0, (struct sockaddr *)&to,
		    sizeof(to)) == sizeof(packet));
	close(raw);
}

TEST_F(path, follows_the_routers)
{
	if (variant->family != FAMILY_V4)
		return;
	link_mtu("lo", 1500);
	ASSERT_EQ(1500 - self->headers - self->over, max_payload(self->fd));
	fragmentation_needed(self->fd, 1100);
	ASSERT_EQ(1100 - self->headers - self->over, max_payload(self->fd));
	/* UDP tells a connected socket; the next call has the error. */
	ASSERT_EQ(POLLERR, poll_now(self->fd, POLLIN) & POLLERR);
	ASSERT_EQ(-1, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(EMSGSIZE, errno);
	ASSERT_EQ(3, send(self->fd, "abc", 3, 0));
	ASSERT_EQ(3, end_recv(&self->p.far, in, sizeof(in), MSG_DONTWAIT));
}

/* IP options take room as well. */
TEST_F(path, ip_options)
{
	static const __u8 nop[8] = { 1, 1, 1, 1, 1, 1, 1, 0 };
	int max;

	if (variant->family != FAMILY_V4)
		return;
	link_mtu("lo", 1400);
	ASSERT_EQ(0, setsockopt(self->fd, SOL_IP, IP_OPTIONS, nop, 8));
	max = max_payload(self->fd);
	ASSERT_EQ(1400 - self->headers - 8 - self->over, max);
	forbid_fragments(self->fd, variant->family);
	ASSERT_EQ(max, send(self->fd, out, max, 0));
	ASSERT_EQ(-1, send(self->fd, out, max + 1, 0));
	ASSERT_EQ(EMSGSIZE, errno);
}

/* And those of IPv6, which are extension headers. */
TEST_F(path, extension_headers)
{
	static const __u8 pad[8] = { 0, 0, 1, 4 };
	int max;

	if (variant->family != FAMILY_V6)
		return;
	link_mtu("lo", 1400);
	ASSERT_EQ(0, setsockopt(self->fd, SOL_IPV6, IPV6_DSTOPTS, pad, 8));
	max = max_payload(self->fd);
	ASSERT_GE(1400 - self->headers - 8 - self->over, max);
	forbid_fragments(self->fd, variant->family);
	ASSERT_EQ(max, send(self->fd, out, max, 0));
	ASSERT_EQ(max, end_recv(&self->p.far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(-1, send(self->fd, out, max + 1, 0));
	ASSERT_EQ(EMSGSIZE, errno);
	ASSERT_EQ(0, setsockopt(self->fd, SOL_IPV6, IPV6_DSTOPTS, NULL, 0));
	ASSERT_EQ(1400 - self->headers - self->over, max_payload(self->fd));
}

/* IPV6_RECVPATHMTU: a message without data comes before the records. */
TEST_F(path, message_of_the_mtu)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct ip6_mtuinfo))];
		struct cmsghdr c;
	} u = {};
	struct sockaddr_in6 name;
	struct iovec iov = { in, sizeof(in) };
	struct msghdr msg = {
		.msg_name = &name, .msg_namelen = sizeof(name),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u.buf, .msg_controllen = sizeof(u.buf),
	};
	struct ip6_mtuinfo info;

	if (variant->family != FAMILY_V6)
		return;
	link_mtu("lo", 1400);
	ASSERT_EQ(0, set_int(self->fd, SOL_IPV6, IPV6_RECVPATHMTU, 1));
	ASSERT_EQ(0, set_int(self->fd, SOL_IPV6, IPV6_DONTFRAG, 1));
	ASSERT_EQ(3, end_send(&self->p.far, "abc", 3, 0));
	ASSERT_EQ(-1, send(self->fd, out, 2000, 0));
	ASSERT_EQ(EMSGSIZE, errno);
	settle();
	ASSERT_EQ(0, recvmsg(self->fd, &msg, MSG_DONTWAIT));
	ASSERT_EQ(SOL_IPV6, u.c.cmsg_level);
	ASSERT_EQ(IPV6_PATHMTU, u.c.cmsg_type);
	memcpy(&info, CMSG_DATA(&u.c), sizeof(info));
	ASSERT_EQ(1400, info.ip6m_mtu);
	ASSERT_EQ(sizeof(name), msg.msg_namelen);
	ASSERT_EQ(AF_INET6, name.sin6_family);
	ASSERT_EQ(0, memcmp(&in6addr_loopback, &name.sin6_addr, 16));
	ASSERT_EQ(3, recv_soon(self->fd, in, sizeof(in), 0));
	/* nobody told where to: it is still a message */
	ASSERT_EQ(-1, send(self->fd, out, 2000, 0));
	msg.msg_name = NULL;
	msg.msg_controllen = sizeof(u.buf);
	ASSERT_EQ(0, recvmsg(self->fd, &msg, MSG_DONTWAIT));
	ASSERT_EQ(-1, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(EAGAIN, errno);
}

/* The last flight: @count messages of a handshake, @len bytes each. */
static void set_flight(int fd, int count, int len)
{
	struct dtls_flight f = { .size = sizeof(f), .count = count };
	struct dtls_flight_record r = {
		.epoch = 1, .type = DTLS_TYPE_HANDSHAKE, .len = len,
	};
	__u8 buf[sizeof(f) + 8 * (sizeof(r) + 600)], *at = buf;
	int i;

	must(count <= 8 && len <= 600);
	memcpy(at, &f, sizeof(f));
	at += sizeof(f);
	for (i = 0; i < count; i++) {
		memcpy(at, &r, sizeof(r));
		memcpy(at + sizeof(r), out + i, len);
		at += sizeof(r) + len;
	}
	must(!setsockopt(fd, SOL_DTLS, DTLS_LAST_FLIGHT, buf, at - buf));
}

static void finished_again(struct dtls_end *far)
{
	static const __u8 finished[24] = { HS_FINISHED };

	must(end_send_type(far, DTLS_TYPE_HANDSHAKE, finished,
			   sizeof(finished)) == sizeof(finished));
}

/* As few datagrams as fit the path, and none that does not. */
TEST_F(path, flight_in_pieces)
{
	ssize_t n, used, at;
	struct oracle_record r;
	int got = 0, datagrams = 0;

	link_mtu("lo", 1400);
	fill(out, sizeof(out), 6);
	set_flight(self->fd, 7, 600);
	finished_again(&self->p.far);
	ASSERT_EQ(-1, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(EAGAIN, errno);
	while ((n = recv_soon(self->p.far.fd, in, sizeof(in), 0)) > 0) {
		datagrams++;
		ASSERT_GE(1400 - self->headers, n);
		for (at = 0; at < n; at += used, got++) {
			used = oracle_open(&self->p.far.rx, in + at, n - at,
					   &r);
			ASSERT_EQ(600 + self->over, used);
			ASSERT_EQ(0, memcmp(r.data, out + got, 600));
		}
	}
	ASSERT_EQ(7, got);
	ASSERT_EQ(4, datagrams);
}

/*
 * Headers that leave nothing of what the link takes: how much fits is not known
 * then, and the flight is sent all the same, in as many fragments as it takes.
 */
TEST_F(path, flight_without_room)
{
	static const __u8 nop[40] = { [0 ... 38] = 1 };
	struct oracle_record r;
	ssize_t n;

	if (variant->family != FAMILY_V4)
		return;
	fill(out, sizeof(out), 6);
	set_flight(self->fd, 1, 100);
	finished_again(&self->p.far);
	settle();
	link_mtu("lo", 68);
	ASSERT_EQ(0, set_int(self->fd, SOL_IP, IP_MTU_DISCOVER,
			     IP_PMTUDISC_DONT));
	ASSERT_EQ(0, setsockopt(self->fd, SOL_IP, IP_OPTIONS, nop, 40));
	ASSERT_EQ(0, max_payload(self->fd));
	ASSERT_EQ(-1, recv(self->fd, in, sizeof(in), MSG_DONTWAIT));
	n = recv_soon(self->p.far.fd, in, sizeof(in), 0);
	ASSERT_EQ(100 + self->over, n);
	ASSERT_EQ(n, oracle_open(&self->p.far.rx, in, n, &r));
	ASSERT_EQ(0, memcmp(r.data, out, 100));
}

/* There is no way to the peer any more; and then there is one again. */
TEST_F(path, no_route)
{
	struct sock_extended_err ee;
	struct dtls_keys before, k;

	fill(out, sizeof(out), 6);
	set_flight(self->fd, 2, 300);
	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
	finished_again(&self->p.far);
	settle();
	ASSERT_EQ(0, system("ip addr flush dev lo"));
	ASSERT_EQ(-1, max_payload(self->fd));
	ASSERT_EQ(-1, send(self->fd, "abc", 3, 0));
	/*
	 * The flight is repeated into nowhere, but it is: the way may be back
	 * by the time that it has been sealed, and numbers tell that it was.
	 */
	key_state(self->fd, DTLS_TX, &before);
	ASSERT_EQ(-1, recv(self->fd, in, sizeof(in), MSG_DONTWAIT));
	key_state(self->fd, DTLS_TX, &k);
	ASSERT_EQ(before.seq + 2, k.seq);
	ASSERT_EQ(0, system("ip addr add 127.0.0.1/8 dev lo"));
	ASSERT_EQ(0, system("ip addr add ::1/128 dev lo"));
	ASSERT_EQ(true, event_next(self->fd, &ee));
	ASSERT_EQ(DTLS_EVENT_FLIGHT, ee.ee_type);
	ASSERT_EQ(-1, recv_soon(self->p.far.fd, in, sizeof(in), 0));
	ASSERT_LT(0, max_payload(self->fd));
	ASSERT_EQ(3, send(self->fd, "abc", 3, 0));
	ASSERT_EQ(3, end_recv(&self->p.far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(3, end_send(&self->p.far, "abc", 3, 0));
	ASSERT_EQ(3, recv_soon(self->fd, in, sizeof(in), 0));
}

/* Too small for a record: zero, not something negative. */
TEST_F(path, tiny)
{
	if (variant->family == FAMILY_V6)
		return;
	link_mtu("lo", 68);
	ASSERT_EQ(68 - self->headers - self->over, max_payload(self->fd));
	ASSERT_LE(0, max_payload(self->fd));
}

/* Bound to a device, and unbound again. */
TEST_F(path, bound_to_device)
{
	ASSERT_EQ(0, setsockopt(self->fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	link_mtu("lo", 1400);
	ASSERT_EQ(1400 - self->headers - self->over, max_payload(self->fd));
	ASSERT_EQ(3, send(self->fd, "abc", 3, 0));
	ASSERT_EQ(3, end_recv(&self->p.far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(3, end_send(&self->p.far, "abc", 3, 0));
	ASSERT_EQ(3, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(0, setsockopt(self->fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
	ASSERT_EQ(3, send(self->fd, "abc", 3, 0));
	ASSERT_EQ(3, end_recv(&self->p.far, in, sizeof(in), MSG_DONTWAIT));
}

TEST_HARNESS_MAIN
