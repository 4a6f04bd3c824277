// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: gcm_v4 gcm256_v6_checksums */
/* kselftest-timeout: 900 */
/*
 * A bad network in both directions at once: it loses, repeats, reorders,
 * delays and corrupts, and somebody in the path adds what he makes of the
 * datagrams that he sees. Both ends are kdtls, and send single records and
 * batches. A tap at each receiver shows what has arrived. From that a model of
 * UDP says what reaches the socket, and one of DTLS which records are
 * delivered: these must be, each once and in that order, and no others; and
 * all counters must be what the models have counted. KDTLS_LONG=1: minutes.
 */
#include <kselftest_harness.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "lib/attack.h"
#include "lib/effort.h"
#include "lib/model.h"
#include "lib/pair.h"

#ifndef UDP_NO_CHECK6_TX
#define UDP_NO_CHECK6_TX	101
#define UDP_NO_CHECK6_RX	102
#endif

#define BODY_MAX	1200	/* nothing is fragmented */
#define BATCH_MAX	8
#define WIRE_MAX	1400
#define PORT		4000
#define MAC		"02:00:00:00:00:0"	/* and the end, 1 or 2 */
#define RPS		"/sys/class/net/v%d/queues/rx-0/rps_cpus"
/* UDP looks at checksums of packets that are no longer than this at once. */
#define CHECKSUM_BREAK	76

/* One direction. */
struct path {
	int from, to;			/* which end; also its namespace */
	struct oracle_key key;
	struct model m;
	int tap, raw;
	bool v6, no_check;
	__u8 src[16], dst[16];		/* addresses, 4 bytes for IPv4 */
	__u32 sent;			/* records; also the next number */
	__u16 *len;			/* of each, bytes */
	__u32 *due, *got;		/* numbers, as they came */
	size_t nr_due, nr_got, compared;
	__u8 old[WIRE_MAX];
	size_t old_len;
	unsigned long frames, bad_checksum, forged, backwards;
};

FIXTURE(network) {
	int ns[2], fd[2];
	struct path path[2];
	unsigned int seed;
};

FIXTURE_VARIANT(network) {
	__u16 suite;
	int family;
	bool no_check;		/* then what was corrupted reaches the module */
	unsigned int window;
	const char *netem;
};

FIXTURE_VARIANT_ADD(network, gcm_v4)
{
	SUITE_AES_128_GCM, FAMILY_V4, true, 0,
	"delay 4ms 3ms loss 10% duplicate 10% reorder 20% corrupt 10%"
};

FIXTURE_VARIANT_ADD(network, chacha_v6)
{
	SUITE_CHACHA20, FAMILY_V6, true, 64,
	"delay 10ms 9ms loss 5% duplicate 20% reorder 30% corrupt 20%"
};

FIXTURE_VARIANT_ADD(network, ccm8_v4_checksums)
{
	SUITE_AES_128_CCM_8, FAMILY_V4, false, 64,
	"delay 4ms 3ms loss 20% duplicate 20% reorder 20% corrupt 10%"
};

FIXTURE_VARIANT_ADD(network, gcm256_v6_checksums)
{
	SUITE_AES_256_GCM, FAMILY_V6, false, 0,
	"delay 4ms 3ms loss 5% duplicate 5% reorder 20% corrupt 30%"
};

__printf(1, 2)
static void run(const char *format, ...)
{
	char command[300];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command))
		die("%s", command);
}

static void enter(int ns)
{
	must(!setns(ns, CLONE_NEWNET));
}

/*
 * The link's end @i, with all that would have to be asked for said before.
 * netem corrupts what lies at a packet's head: @whole makes that all of it.
 */
static void link_up(int i, const char *netem, bool whole)
{
	if (whole)
		run("ethtool -K v%d sg off >/dev/null", i);
	run("ip link set lo up");
	run("ip link set v%d up", i);
	run("ip address add 10.9.0.%d/24 dev v%d", i + 1, i);
	run("ip address add fd09::%d/64 dev v%d nodad", i + 1, i);
	run("ip neighbour add 10.9.0.%d lladdr " MAC "%d dev v%d nud permanent",
	    2 - i, 2 - i, i);
	run("ip neighbour add fd09::%d lladdr " MAC "%d dev v%d nud permanent",
	    2 - i, 2 - i, i);
	run("tc qdisc add dev v%d root netem limit 10000 %s", i, netem);
	/* What some timer of IPv6 sends from elsewhere must not overtake. */
	run("unshare -m sh -c 'mount -t sysfs sys /sys && echo 1 >" RPS "'", i);
}

/* Two namespaces and a link between them. */
static void network_open(int ns[2], const char *netem, bool whole)
{
	char path[64], c;
	int ready[2], i;
	pid_t child;

	must(!pipe(ready));
	child = spawn();
	if (!child) {
		netns_new();
		must(write(ready[1], "", 1) == 1);
		pause();
	}
	must(read(ready[0], &c, 1) == 1);
	close(ready[0]);
	close(ready[1]);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", child);
	ns[1] = open(path, O_RDONLY | O_CLOEXEC);
	netns_new();
	ns[0] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	must(ns[0] >= 0 && ns[1] >= 0);
	run("ip link add v0 address " MAC "1 type veth peer name v1 address "
	    MAC "2 netns %d", child);
	stop_child(child);
	for (i = 0; i < 2; i++) {
		enter(ns[i]);
		link_up(i, netem, whole);
	}
}

static socklen_t address(int i, bool v6, struct sockaddr_storage *ss)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	char text[32];

	memset(ss, 0, sizeof(*ss));
	/* both have the port in the same place */
	v4->sin_port = htons(PORT + i);
	if (!v6) {
		v4->sin_family = AF_INET;
		snprintf(text, sizeof(text), "10.9.0.%d", i + 1);
		must(inet_pton(AF_INET, text, &v4->sin_addr) == 1);
		return sizeof(*v4);
	}
	in6->sin6_family = AF_INET6;
	snprintf(text, sizeof(text), "fd09::%d", i + 1);
	must(inet_pton(AF_INET6, text, &in6->sin6_addr) == 1);
	return sizeof(*in6);
}

static void address_bytes(int i, bool v6, __u8 *bytes)
{
	struct sockaddr_storage ss;

	address(i, v6, &ss);
	if (v6)
		memcpy(bytes, &((struct sockaddr_in6 *)&ss)->sin6_addr, 16);
	else
		memcpy(bytes, &((struct sockaddr_in *)&ss)->sin_addr, 4);
}

static int end_open(int i, bool v6, bool no_check)
{
	struct sockaddr_storage ss;
	socklen_t len = address(i, v6, &ss);
	int fd = socket(ss.ss_family, SOCK_DGRAM, 0);

	must(!bind(fd, (struct sockaddr *)&ss, len));
	len = address(1 - i, v6, &ss);
	must(!connect(fd, (struct sockaddr *)&ss, len));
	set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20);
	set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, 16 << 20);
	if (no_check && !v6)
		must(!set_int(fd, SOL_SOCKET, SO_NO_CHECK, 1));
	if (no_check && v6) {
		must(!set_int(fd, SOL_UDP, UDP_NO_CHECK6_TX, 1));
		must(!set_int(fd, SOL_UDP, UDP_NO_CHECK6_RX, 1));
	}
	must(!ulp_attach(fd));
	return fd;
}

static int tap_at(int i)
{
	char dev[] = { 'v', '0' + i, 0 };
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(dev),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	must(fd >= 0 && ll.sll_ifindex);
	must(!bind(fd, (struct sockaddr *)&ll, sizeof(ll)));
	must(!set_int(fd, SOL_PACKET, PACKET_AUXDATA, 1));
	set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20);
	return fd;
}

/* The attacker's: sends from the address of end @i, and hears nothing. */
static int raw_at(int i, bool v6)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog filter = { 1, &none };
	struct sockaddr_storage ss;
	socklen_t len = address(1 - i, v6, &ss);
	int fd = socket(ss.ss_family, SOCK_RAW, IPPROTO_UDP);

	must(fd >= 0);
	must(!setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
			 sizeof(filter)));
	((struct sockaddr_in *)&ss)->sin_port = 0;
	must(!connect(fd, (struct sockaddr *)&ss, len));
	if (v6)
		must(!set_int(fd, SOL_IPV6, IPV6_CHECKSUM, 6));
	return fd;
}

static unsigned long rounds(void)
{
	return effort(400, 100, 10000);
}

FIXTURE_SETUP(network)
{
	bool v6 = variant->family == FAMILY_V6;
	size_t most = rounds() * BATCH_MAX;
	int d, i;

	/* One processor: so the tap's order is the socket's. */
	pin_to(0);
	network_open(self->ns, variant->netem, variant->no_check);
	for (i = 0; i < 2; i++) {
		enter(self->ns[i]);
		self->fd[i] = end_open(i, v6, variant->no_check);
		if (variant->window)
			ASSERT_EQ(0, set_int(self->fd[i], SOL_DTLS,
					     DTLS_REPLAY_WINDOW,
					     variant->window));
	}
	for (d = 0; d < 2; d++) {
		struct path *p = &self->path[d];

		p->from = d;
		p->to = 1 - d;
		p->v6 = v6;
		p->no_check = variant->no_check;
		address_bytes(p->from, v6, p->src);
		address_bytes(p->to, v6, p->dst);
		oracle_key_init(&p->key, variant->suite, 1, 50 + d);
		p->key.seq = FIRST_SEQ;
		p->m.window = variant->window;
		model_keys(&p->m, &p->key);
		ASSERT_EQ(0, key_install(self->fd[p->from], DTLS_TX, &p->key));
		ASSERT_EQ(0, key_install(self->fd[p->to], DTLS_RX, &p->key));
		enter(self->ns[p->from]);
		p->raw = raw_at(p->from, v6);
		enter(self->ns[p->to]);
		p->tap = tap_at(p->to);
		p->len = calloc(most, sizeof(*p->len));
		p->due = calloc(most, sizeof(*p->due));
		p->got = calloc(most, sizeof(*p->got));
		ASSERT_EQ(true, p->len && p->due && p->got);
	}
	self->seed = 20261124;
	TH_LOG("seed %u", self->seed);
}

FIXTURE_TEARDOWN(network)
{
	int i;

	for (i = 0; i < 2; i++) {
		close(self->fd[i]);
		close(self->path[i].tap);
		close(self->path[i].raw);
		close(self->ns[i]);
	}
}

static void body_make(__u8 *body, __u32 number, size_t len)
{
	fill(body, len, number);
	memcpy(body, &number, sizeof(number));
}

/* The number of a record whose text is what was sent under it. */
static __u32 body_check(const struct path *p, const void *data, size_t len)
{
	__u8 want[BODY_MAX];
	__u32 number;

	must(len >= sizeof(number) && len <= BODY_MAX);
	memcpy(&number, data, sizeof(number));
	must(number < p->sent && p->len[number] == len);
	body_make(want, number, len);
	must(!memcmp(want, data, len));
	return number;
}

/* One record, or a batch of some of the same length. */
static void send_some(struct path *p, int fd, unsigned int *seed)
{
	union {
		char buf[CMSG_SPACE(sizeof(__u16))];
		struct cmsghdr align;
	} u = {};
	static __u8 body[BATCH_MAX * BODY_MAX];
	__u16 size = 4 + rand_r(seed) % (BODY_MAX - 3);
	unsigned int i, nr = 1 + rand_r(seed) % BATCH_MAX;
	struct iovec iov = { body, nr * size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	for (i = 0; i < nr; i++) {
		p->len[p->sent] = size;
		body_make(body + i * size, p->sent++, size);
	}
	if (nr > 1) {
		msg.msg_control = u.buf;
		msg.msg_controllen = sizeof(u.buf);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_UDP;
		c->cmsg_type = UDP_SEGMENT;
		c->cmsg_len = CMSG_LEN(sizeof(size));
		memcpy(CMSG_DATA(c), &size, sizeof(size));
	}
	must(sendmsg(fd, &msg, 0) == (ssize_t)iov.iov_len);
}

/* The attacker, behind the end that sends. */
static void forge(struct path *p, const __u8 *wire, size_t len,
		  unsigned int *seed)
{
	static __u8 packet[8 + 3 * WIRE_MAX];

	if (rand_r(seed) % 4 == 0 && p->old_len) {
		memcpy(packet + 8, wire, len);
		len = attack(packet + 8, len, p->old, p->old_len, seed) + 8;
		memset(packet, 0, 8);
		packet[0] = (PORT + p->from) >> 8;
		packet[1] = (PORT + p->from) & 0xff;
		packet[2] = (PORT + p->to) >> 8;
		packet[3] = (PORT + p->to) & 0xff;
		packet[4] = len >> 8;
		packet[5] = len;
		if (len > WIRE_MAX)
			return;
		/* The answer to one that was corrupted may come as an error. */
		while (send(p->raw, packet, len, 0) != (ssize_t)len)
			must(errno == ECONNREFUSED);
		p->forged++;
	} else if (rand_r(seed) % 8 == 0) {
		memcpy(p->old, wire, len);
		p->old_len = len;
	}
}

static __u32 sum_up(const __u8 *data, size_t len, __u32 sum)
{
	size_t i;

	for (i = 0; i < len; i++)
		sum += data[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static unsigned int be16(const __u8 *p)
{
	return p[0] << 8 | p[1];
}

/*
 * What IP makes of a frame: UDP's header and what is behind it, or NULL if it
 * is none for this host. *@ours: from the peer's address.
 */
static const __u8 *model_ip(const struct path *p, const __u8 *frame, size_t n,
			    size_t *len, __u32 *pseudo, bool *ours)
{
	const __u8 *ip = frame + ETH_HLEN;
	size_t alen = p->v6 ? 16 : 4;

	if (p->v6) {
		if (n < ETH_HLEN + 40 + 8 || be16(frame + 12) != ETH_P_IPV6 ||
		    ip[0] >> 4 != 6 || ip[6] != IPPROTO_UDP)
			return NULL;
		/* "must not be used as source addresses" (RFC 4291 2.7) */
		if (ip[8] == 0xff)
			return NULL;
		*len = be16(ip + 4);
		if (*len < 8 || *len > n - ETH_HLEN - 40)
			return NULL;
		ip += 8;
	} else {
		if (n < ETH_HLEN + 20 + 8 || be16(frame + 12) != ETH_P_IP ||
		    ip[0] != 0x45 || sum_up(ip, 20, 0) != 0xffff ||
		    ip[9] != IPPROTO_UDP)
			return NULL;
		*len = be16(ip + 2) - 20;
		if (*len < 8 || *len > n - ETH_HLEN - 20)
			return NULL;
		ip += 12;
	}
	if (memcmp(ip + alen, p->dst, alen))
		return NULL;
	*ours = !memcmp(ip, p->src, alen);
	*pseudo = sum_up(ip, 2 * alen, IPPROTO_UDP);
	return ip + 2 * alen;
}

/* What UDP makes of it: bytes for the socket, or NULL. */
static const __u8 *model_udp(struct path *p, const __u8 *frame, size_t n,
			     bool trusted, size_t *len)
{
	__u32 pseudo, sum;
	const __u8 *udp;
	size_t ulen;
	bool ours;

	udp = model_ip(p, frame, n, len, &pseudo, &ours);
	if (!udp)
		return NULL;
	ulen = be16(udp + 4);
	if (p->v6 && !ulen)
		ulen = *len;
	if (ulen < 8 || ulen > *len)
		return NULL;
	ours = ours && be16(udp) == PORT + (unsigned int)p->from &&
	       be16(udp + 2) == PORT + (unsigned int)p->to;
	sum = be16(udp + 6) ? sum_up(udp, ulen, pseudo + ulen) : 0xffff;
	/* An UDP checksum of none is good on IPv4, on IPv6 if asked for. */
	if (!be16(udp + 6) && p->v6 && !(ours && p->no_check))
		sum = 0;
	if (!trusted && sum != 0xffff) {
		p->bad_checksum++;
		if (ours && ulen > CHECKSUM_BREAK && be16(udp + 6))
			p->m.count[MODEL_CHECKSUM]++;
		return NULL;
	}
	*len = ulen - 8;
	return ours ? udp + 8 : NULL;
}

static void deliver(void *arg, const struct oracle_record *r)
{
	struct path *p = arg;
	__u32 number = body_check(p, r->data, r->len);

	must(r->h.seq == number + FIRST_SEQ);
	p->due[p->nr_due++] = number;
}

/* A frame of the tap, and whether its checksum is still to be filled in. */
static ssize_t tap_next(int tap, __u8 *frame, size_t size, bool *trusted)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		struct cmsghdr align;
	} u;
	struct iovec iov = { frame, size };
	struct tpacket_auxdata aux;
	struct sockaddr_ll ll;
	struct msghdr msg = {
		.msg_name = &ll,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.buf,
	};
	struct cmsghdr *c;
	ssize_t n;

	do {
		msg.msg_namelen = sizeof(ll);
		msg.msg_controllen = sizeof(u.buf);
		n = recvmsg(tap, &msg, MSG_DONTWAIT);
		if (n < 0) {
			must(errno == EAGAIN);
			return -1;
		}
	} while (ll.sll_pkttype == PACKET_OUTGOING ||
		 ll.sll_pkttype == PACKET_OTHERHOST);
	c = CMSG_FIRSTHDR(&msg);
	must(c && c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA);
	memcpy(&aux, CMSG_DATA(c), sizeof(aux));
	*trusted = aux.tp_status & TP_STATUS_CSUMNOTREADY;
	return n;
}

static void model_tap(struct path *p, unsigned int *seed)
{
	static __u8 frame[70000];
	struct oracle_header h;
	size_t len, body;
	const __u8 *wire;
	bool trusted;
	ssize_t n;

	while ((n = tap_next(p->tap, frame, sizeof(frame), &trusted)) >= 0) {
		wire = model_udp(p, frame, n, trusted, &len);
		if (!wire)
			continue;
		p->frames++;
		/* Many records of a batch are as good as many datagrams. */
		model_datagram(&p->m, wire, len, deliver, p);
		if (oracle_parse(wire, len, &h, &body) &&
		    RECORD_HEADER + body <= WIRE_MAX && seed)
			forge(p, wire, RECORD_HEADER + body, seed);
	}
}

static void drain(struct path *p, int fd, bool polls)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	__u8 in[BODY_MAX + 1];
	__u32 number;
	ssize_t n;

	for (;;) {
		if (polls && !poll(&pfd, 1, 0))
			break;
		n = recv(fd, in, sizeof(in), MSG_DONTWAIT);
		if (n < 0) {
			must(errno == EAGAIN && !polls);
			break;
		}
		number = body_check(p, in, n);
		if (p->nr_got && p->got[p->nr_got - 1] > number)
			p->backwards++;
		must(p->nr_got < p->sent);
		p->got[p->nr_got++] = number;
	}
}

/* What has arrived, and what has been delivered of it so far. */
static void harvest(struct path *p, int fd, bool polls, unsigned int *seed)
{
	drain(p, fd, polls);
	model_tap(p, seed);
	for (; p->compared < p->nr_got && p->compared < p->nr_due;
	     p->compared++)
		if (p->got[p->compared] != p->due[p->compared])
			die("record %zu from end %d is number %u, not %u, of %zu and %zu",
			    p->compared, p->from, p->got[p->compared],
			    p->due[p->compared], p->nr_got, p->nr_due);
	/* The tap sees a packet before the socket does. */
	must(p->nr_got <= p->nr_due);
}

static unsigned long long checksum_errors(bool v6)
{
	FILE *f = fopen(v6 ? "/proc/self/net/snmp6" : "/proc/self/net/snmp", "r");
	unsigned long long value;
	char line[1000];
	bool found = false;

	must(f);
	while (fgets(line, sizeof(line), f)) {
		if (v6)
			found = sscanf(line, "Udp6InCsumErrors %llu", &value) == 1;
		else
			found = sscanf(line, "Udp: %*u %*u %*u %*u %*u %*u %llu",
				       &value) == 1;
		if (found)
			break;
	}
	fclose(f);
	must(found);
	return value;
}

TEST_F_TIMEOUT(network, delivers_what_it_lets_through, 900)
{
	struct tpacket_stats stats;
	socklen_t len = sizeof(stats);
	unsigned long i;
	struct path *p;
	int d;

	for (i = 0; i < rounds(); i++) {
		for (d = 0; d < 2; d++) {
			p = &self->path[d];
			send_some(p, self->fd[p->from], &self->seed);
			harvest(p, self->fd[p->to], i & 1, &self->seed);
		}
	}
	/* What the network holds back now, it has lost. */
	for (d = 0; d < 2; d++) {
		enter(self->ns[d]);
		run("tc qdisc del dev v%d root", d);
	}
	settle();

	for (d = 0; d < 2; d++) {
		p = &self->path[d];
		harvest(p, self->fd[p->to], d, NULL);
		TH_LOG("%u records sent, %zu delivered, %lu steps back",
		       p->sent, p->nr_got, p->backwards);
		TH_LOG("%lu frames, %lu bad checksums, %lu forged, %llu not authentic",
		       p->frames, p->bad_checksum, p->forged,
		       p->m.count[MODEL_AUTH]);
		ASSERT_EQ(p->nr_due, p->nr_got);
		enter(self->ns[p->to]);
		model_check_counters(&p->m, 1);
		model_check_state(&p->m, self->fd[p->to]);
		ASSERT_EQ(p->bad_checksum, checksum_errors(p->v6));
		ASSERT_EQ(0, getsockopt(p->tap, SOL_PACKET, PACKET_STATISTICS,
					&stats, &len));
		ASSERT_EQ(0, stats.tp_drops);

		/* A network that does nothing would prove nothing. */
		ASSERT_LT(p->sent / 8, p->nr_got);
		ASSERT_GT(p->sent, p->nr_got);
		ASSERT_LT(0, p->backwards);
		ASSERT_LT(0, p->m.count[MODEL_REPLAY]);
		ASSERT_LT(p->m.count[MODEL_REPLAY], stat_drops());
		if (!p->no_check)
			ASSERT_LT(0, p->bad_checksum);
	}
}

TEST_HARNESS_MAIN
