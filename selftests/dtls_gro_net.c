// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-timeout: 400 */
/*
 * Batches that come in over a link, after the kernel's udpgro.sh, udpgro_fwd.sh
 * and udpgro_frglist.sh: packets that come whole, that the network stack has
 * joined, in pages or in a list, and that nobody has joined. The far end is the
 * oracle, where it is not said otherwise.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/utsname.h>
#include <linux/sockios.h>

#include "lib/batch.h"
#include "lib/effort.h"
#include "lib/veth.h"

/* How a packet of many datagrams comes. */
enum comes {
	WHOLE,			/* as one */
	ONES,			/* cut, and nobody joins it */
	ONES_61,		/* so only where UDP wants the device's checksums */
};

static __u8 out[65535], in[BATCH_ROOM], wire[BATCH_ROOM];

FIXTURE(gro_net) {
	struct veth v;
	struct dtls_pair p;
	struct dtls_end *far;
	int fd, family;
	size_t max;		/* bytes of a record that fits */
	bool ones;
};

FIXTURE_VARIANT(gro_net) {
	__u16 suite;
	int family;
	const char *from, *to;	/* features of the link's ends */
	enum comes comes;
	bool esp, threaded;
};

FIXTURE_VARIANT_ADD(gro_net, device_v4)
{
	SUITE_AES_128_GCM, FAMILY_V4, NULL, NULL, WHOLE, false, false
};

FIXTURE_VARIANT_ADD(gro_net, device_mapped)
{
	SUITE_AES_128_CCM, FAMILY_MAPPED, NULL, "gro on", WHOLE, false, false
};

FIXTURE_VARIANT_ADD(gro_net, pages_v4)
{
	SUITE_AES_128_GCM, FAMILY_V4, "tx-udp-segmentation off tso off",
	"gro on", WHOLE, false, false
};

FIXTURE_VARIANT_ADD(gro_net, pages_v6_threaded)
{
	SUITE_CHACHA20, FAMILY_V6, "tx-udp-segmentation off tso off",
	"gro on", WHOLE, false, true
};

FIXTURE_VARIANT_ADD(gro_net, list_v4)
{
	SUITE_AES_128_GCM, FAMILY_V4, "tx-udp-segmentation off tso off sg off",
	"gro on", WHOLE, false, false
};

FIXTURE_VARIANT_ADD(gro_net, list_v6)
{
	SUITE_AES_128_CCM_8, FAMILY_V6, "tx off", "gro on", ONES_61, false,
	false
};

FIXTURE_VARIANT_ADD(gro_net, rx_gro_list_v4)
{
	SUITE_AES_128_GCM, FAMILY_V4, "tx-udp-segmentation off",
	"gro on rx-gro-list on", WHOLE, false, false
};

FIXTURE_VARIANT_ADD(gro_net, rx_gro_list_v6_threaded)
{
	SUITE_AES_256_GCM, FAMILY_V6, "tx-udp-segmentation off sg off",
	"gro on rx-gro-list on", WHOLE, false, true
};

FIXTURE_VARIANT_ADD(gro_net, forwarding_v4)
{
	SUITE_CHACHA20, FAMILY_V4, "tx-udp-segmentation off",
	"gro on rx-udp-gro-forwarding on", WHOLE, false, false
};

FIXTURE_VARIANT_ADD(gro_net, ones_v6)
{
	SUITE_AES_128_GCM, FAMILY_V6, "tx-udp-segmentation off", NULL, ONES,
	false, false
};

FIXTURE_VARIANT_ADD(gro_net, esp_v4)
{
	SUITE_AES_128_GCM, FAMILY_V4, NULL, "gro on", ONES, true, false
};

static bool kernel_61(void)
{
	struct utsname u;

	must(!uname(&u));
	return !strncmp(u.release, "6.1.", 4);
}

/* The near end is that which receives, in the second namespace. */
static void ends(struct dtls_pair *p, const struct veth *v, __u16 suite,
		 int family, __u16 port)
{
	int fd[2];

	veth_pair(v, family, port, fd);
	batch_ends(p, suite, fd[1], fd[0]);
	must(!set_int(fd[1], SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20));
}

FIXTURE_SETUP(gro_net)
{
	pin_to(0);
	fill(out, sizeof(out), 9);
	veth_open(&self->v);
	if (variant->from)
		veth_features(&self->v, 0, variant->from);
	if (variant->to)
		veth_features(&self->v, 1, variant->to);
	if (variant->threaded)
		veth_threaded(&self->v, 1);
	ends(&self->p, &self->v, variant->suite, variant->family, 4433);
	if (variant->esp && !veth_esp(&self->v, variant->family))
		SKIP(return, "no ESP here");
	self->fd = self->p.near.fd;
	self->far = &self->p.far;
	self->family = variant->family;
	self->max = variant->esp ? 1300 : 1380;
	self->ones = variant->comes == ONES ||
		     (variant->comes == ONES_61 && kernel_61());
	/* the counters of the end that receives */
	veth_enter(&self->v, 1);
}

FIXTURE_TEARDOWN(gro_net)
{
	pair_close(&self->p);
	veth_close(&self->v);
}

/* One packet of @len bytes, or as many where UDP cannot. */
static void send_packet(int fd, const void *data, size_t len, size_t one)
{
	size_t at, n;

	if (batch_send(fd, data, len, one, 0) == (ssize_t)len)
		return;
	must(errno == EIO);
	for (at = 0; at < len; at += n) {
		n = len - at < one ? len - at : one;
		must(send(fd, data + at, n, 0) == (ssize_t)n);
	}
}

/* @len bytes in records of @seg; number @forged is not authentic. */
static void send_records(struct dtls_end *far, size_t len, size_t seg,
			 int forged)
{
	size_t at = 0, n = 0, off;
	int i = 0;

	for (off = 0; off < len; off += n, i++) {
		n = len - off < seg ? len - off : seg;
		at += oracle_seal(&far->tx, DTLS_TYPE_DATA, out + off, n,
				  wire + at);
		if (i == forged)
			wire[at - 1] ^= 1;
	}
	send_packet(far->fd, wire, at, seg + oracle_overhead(far->tx.suite));
}

#define PART(name)							\
static void name(struct __test_metadata *_metadata,			\
		 struct _test_data_gro_net *self)

/* In as many calls as packets came. */
#define CALLS(cut, joined)	(self->ones ? (cut) : (joined))

/* Sizes around every limit; the last is short, or is not. */
PART(together)
{
	static const struct {
		size_t len, seg;
	} sizes[] = {
		{ 2, 1 }, { 64, 1 }, { 63 * 3 + 1, 3 }, { 500, 100 },
		{ 64 * 100, 100 }, { 18 * 800, 800 }, { 18 * 800 + 1, 800 },
		{ 20 * 1000 + 999, 1000 }, { 45 * 1350 + 7, 1350 },
	};
	unsigned int i;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t len = sizes[i].len, seg = sizes[i].seg;

		if (seg > self->max)
			continue;
		send_records(self->far, len, seg, -1);
		veth_settle(&self->v, 0);
		ASSERT_EQ(CALLS(batch_records(len, seg), 1),
			  batch_gather(self->fd, out, len, seg))
			TH_LOG("%zu of %zu", len, seg);
		ASSERT_EQ(true, batch_over(self->fd));
	}
	ASSERT_EQ(0, stat_drops());
}

/* A bad record costs itself, wherever in the packet it is. */
PART(forged)
{
	static const int which[] = { 0, 1, 17, 18, 39 };
	const int n = 40, seg = 700;
	unsigned int i, calls;

	for (i = 0; i < ARRAY_SIZE(which); i++) {
		int bad = which[i];

		send_records(self->far, n * seg, seg, bad);
		veth_settle(&self->v, 0);
		memcpy(in, out, bad * seg);
		memcpy(in + bad * seg, out + (bad + 1) * seg,
		       (n - bad - 1) * seg);
		calls = batch_gather(self->fd, in, (n - 1) * seg, seg);
		ASSERT_EQ(CALLS(n - 1, 1), calls);
		ASSERT_EQ(true, batch_over(self->fd));
		ASSERT_EQ(i + 1, stat_read("RxDropAuth"));
		ASSERT_EQ(i + 1, stat_drops());
	}
}

/* Without UDP_GRO: by recv, by recvmmsg, and what nobody asks for waits. */
PART(one_by_one)
{
	const unsigned int n = 40, seg = 900, before = stat_read("RxRecords");
	static struct mmsghdr mm[64];
	static struct iovec iov[64];
	unsigned int i;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 0));
	send_records(self->far, n * seg - 5, seg, -1);
	veth_settle(&self->v, 0);
	for (i = 0; i < 7; i++) {
		ASSERT_EQ(seg, recv(self->fd, in, sizeof(in), MSG_DONTWAIT));
		ASSERT_EQ(0, memcmp(in, out + i * seg, seg));
		ASSERT_EQ(before + i + 1, stat_read("RxRecords"));
	}
	for (i = 0; i < 64; i++) {
		iov[i] = (struct iovec){ in + i * seg, seg };
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	ASSERT_EQ(n - 7, recvmmsg(self->fd, mm, 64, MSG_DONTWAIT, NULL));
	for (i = 0; i < n - 7; i++)
		ASSERT_EQ(i < n - 8 ? seg : seg - 5, mm[i].msg_len);
	ASSERT_EQ(0, memcmp(in, out + 7 * seg, (n - 7) * seg - 5));
	ASSERT_EQ(true, batch_over(self->fd));
}

/* A peek shows the first, a small buffer takes what fits, a tiny one cuts. */
PART(odd_calls)
{
	const int n = 30, seg = 600;
	int size, flags = MSG_PEEK, len, got;
	size_t at;

	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_GRO, 1));
	send_records(self->far, n * seg, seg, -1);
	veth_settle(&self->v, 0);
	ASSERT_EQ(seg, batch_recv(self->fd, in, sizeof(in), &size, &flags));
	ASSERT_EQ(-1, size);
	ASSERT_EQ(0, memcmp(in, out, seg));
	ASSERT_EQ(0, ioctl(self->fd, SIOCINQ, &len));
	ASSERT_EQ(seg, len);
	/* the peeked one, and all that goes with it and fits */
	flags = 0;
	got = batch_recv(self->fd, in, 2 * seg + seg / 2, &size, &flags);
	ASSERT_EQ(CALLS(seg, 2 * seg), got);
	ASSERT_EQ(0, flags & MSG_TRUNC);
	ASSERT_EQ(0, memcmp(in, out, got));
	at = got;
	flags = MSG_TRUNC;
	ASSERT_EQ(seg, batch_recv(self->fd, in, 10, &size, &flags));
	ASSERT_EQ(MSG_TRUNC, flags & MSG_TRUNC);
	ASSERT_EQ(-1, size);
	ASSERT_EQ(0, memcmp(in, out + at, 10));
	at += seg;
	flags = MSG_PEEK | MSG_TRUNC;
	ASSERT_EQ(seg, batch_recv(self->fd, in, 10, &size, &flags));
	ASSERT_EQ(0, memcmp(in, out + at, 10));
	ASSERT_EQ(CALLS(n - 2, 1), batch_gather(self->fd, out + at,
						n * seg - at, seg));
	ASSERT_EQ(true, batch_over(self->fd));
}

/* kdtls at the other end, too, with all that one call can send. */
PART(from_kernel)
{
	struct dtls_pair p;
	const size_t seg = self->max;
	unsigned int calls;
	size_t len;
	int fd[2];

	veth_pair(&self->v, self->family, 4434, fd);
	batch_ends(&p, self->p.suite, fd[1], fd[0]);
	ASSERT_EQ(0, ulp_attach(fd[0]));
	ASSERT_EQ(0, key_install(fd[0], DTLS_TX, &p.far.tx));
	ASSERT_EQ(0, set_int(fd[1], SOL_UDP, UDP_GRO, 1));
	ASSERT_EQ(0, set_int(fd[1], SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20));
	veth_enter(&self->v, 1);
	for (len = sizeof(out); len > 3 * seg; len = len / 2) {
		ASSERT_EQ(len, batch_send(fd[0], out, len, seg, 0));
		veth_settle(&self->v, 0);
		calls = batch_gather(fd[1], out, len, seg);
		ASSERT_EQ(CALLS(batch_records(len, seg),
				batch_calls(len, seg,
					    oracle_overhead(p.near.rx.suite))),
			  calls);
		ASSERT_EQ(true, batch_over(fd[1]));
	}
	pair_close(&p);
}

/* Only one test: the link is dear. */
TEST_F_TIMEOUT(gro_net, batches, 60)
{
	together(_metadata, self);
	forged(_metadata, self);
	one_by_one(_metadata, self);
	odd_calls(_metadata, self);
	from_kernel(_metadata, self);
}

/*
 * Datagrams that were sent one by one, wait at the other end, and are joined
 * there.
 */
FIXTURE(gro_held) {
	struct veth v;
	struct dtls_pair p[2];
	int fd[2];
};

FIXTURE_VARIANT(gro_held) {
	__u16 suite;
	int family;
	const char *to;
	bool far_kernel;	/* hands pages down, and the oracle does not */
};

FIXTURE_VARIANT_ADD(gro_held, gcm_v4)
{
	SUITE_AES_128_GCM, FAMILY_V4, "gro on", false
};

FIXTURE_VARIANT_ADD(gro_held, gcm_v4_kernel)
{
	SUITE_AES_128_GCM, FAMILY_V4, "gro on", true
};

FIXTURE_VARIANT_ADD(gro_held, chacha_v6_kernel)
{
	SUITE_CHACHA20, FAMILY_V6, "gro on rx-gro-list on", true
};

FIXTURE_VARIANT_ADD(gro_held, ccm_v6)
{
	SUITE_AES_128_CCM, FAMILY_V6, "gro on rx-udp-gro-forwarding on", false
};

FIXTURE_VARIANT_ADD(gro_held, gcm_v6)
{
	SUITE_AES_128_GCM, FAMILY_V6, "gro on rx-gro-list on", false
};

FIXTURE_SETUP(gro_held)
{
	int i;

	pin_to(0);
	fill(out, sizeof(out), 9);
	veth_open(&self->v);
	veth_features(&self->v, 0, "tso off");
	veth_features(&self->v, 1, variant->to);
	veth_threaded(&self->v, 1);
	for (i = 0; i < 2; i++) {
		struct dtls_end *far = &self->p[i].far;

		ends(&self->p[i], &self->v, variant->suite, variant->family,
		     4433 + i);
		self->fd[i] = self->p[i].near.fd;
		ASSERT_EQ(0, set_int(self->fd[i], SOL_UDP, UDP_GRO, 1));
		if (!variant->far_kernel)
			continue;
		ASSERT_EQ(0, ulp_attach(far->fd));
		ASSERT_EQ(0, key_install(far->fd, DTLS_TX, &far->tx));
		far->kernel = true;
	}
	veth_enter(&self->v, 1);
	/* nothing of a first time may be between the packets */
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(700, end_send(&self->p[i].far, out, 700, 0));
		veth_settle(&self->v, 0);
		ASSERT_EQ(700, recv(self->fd[i], in, 700, MSG_DONTWAIT));
	}
}

FIXTURE_TEARDOWN(gro_held)
{
	pair_close(&self->p[0]);
	pair_close(&self->p[1]);
	veth_close(&self->v);
}

/*
 * Sends @n datagrams in one go, each of the size that @size says; those of the
 * oracle whose bit is set in @pages lie in a page of a file.
 */
static void send_held(struct dtls_end *far, const int *size, int n,
		      __u64 pages)
{
	const int room = 4096, file = memfd_create("records", 0);
	static __u8 ready[64][2000];
	size_t len[64], at = 0;
	off_t off;
	int i;

	must(n <= 64 && file >= 0);
	/* what can be done before is */
	for (i = 0; i < n && !far->kernel; at += size[i++]) {
		len[i] = oracle_seal(&far->tx, DTLS_TYPE_DATA, out + at,
				     size[i], ready[i]);
		must(pwrite(file, ready[i], len[i], i * room) ==
		     (ssize_t)len[i]);
	}
	veth_hold();
	for (i = 0, at = 0; i < n; at += size[i++]) {
		off = i * room;
		if (far->kernel)
			must(send(far->fd, out + at, size[i], 0) == size[i]);
		else if (pages >> i & 1)
			must(sendfile(far->fd, file, &off, len[i]) ==
			     (ssize_t)len[i]);
		else
			must(send(far->fd, ready[i], len[i], 0) ==
			     (ssize_t)len[i]);
	}
	veth_go();
	close(file);
}

/* Small ones and large ones: pages behind pages, and lists. */
TEST_F_TIMEOUT(gro_held, joined, 60)
{
	static const int sizes[] = { 10, 100, 500, 520, 700, 1300 };
	int size[60], n, last;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (last = sizes[i]; last; last /= 3) {
			size_t len = 0;

			for (n = 0; n < 40; n++) {
				size[n] = n == 39 ? last : sizes[i];
				len += size[n];
			}
			send_held(&self->p[0].far, size, n, 0);
			veth_settle(&self->v, 0);
			ASSERT_EQ(1, batch_gather(self->fd[0], out, len,
						  sizes[i]))
				TH_LOG("%d, last %d", sizes[i], last);
			ASSERT_EQ(true, batch_over(self->fd[0]));
		}
	}
	ASSERT_EQ(0, stat_drops());
}

/*
 * All that a packet can be put together of: the first's own memory, pages
 * behind it, a list, and pages behind each of its members.
 */
TEST_F_TIMEOUT(gro_held, pieces, 60)
{
	static const __u64 pages[] = {
		0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 0xfffffffffffffffe,
		0x00000000fffffffe, 0xffffffff00000000, 0x6db6db6db6db6db6,
		~0ULL,
	};
	const int n = 50, one = 700, last = 3;
	const size_t len = (n - 1) * one + last;
	unsigned int i;
	int size[50], j;

	if (variant->far_kernel)
		return;
	for (j = 0; j < n; j++)
		size[j] = j == n - 1 ? last : one;
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		send_held(&self->p[0].far, size, n, pages[i]);
		veth_settle(&self->v, 0);
		ASSERT_EQ(1, batch_gather(self->fd[0], out, len, one))
			TH_LOG("pages %llx", (unsigned long long)pages[i]);
		ASSERT_EQ(true, batch_over(self->fd[0]));
		/* and one by one */
		ASSERT_EQ(0, set_int(self->fd[0], SOL_UDP, UDP_GRO, 0));
		send_held(&self->p[0].far, size, n, pages[i]);
		veth_settle(&self->v, 0);
		ASSERT_EQ(n, batch_gather(self->fd[0], out, len, one));
		ASSERT_EQ(true, batch_over(self->fd[0]));
		ASSERT_EQ(0, set_int(self->fd[0], SOL_UDP, UDP_GRO, 1));
	}
	ASSERT_EQ(0, stat_drops());
}

/* A shorter one ends a packet, a longer one begins another. */
TEST_F_TIMEOUT(gro_held, sizes_mix, 60)
{
	static const int size[] = {
		600, 600, 600, 200, 600, 600, 900, 900, 100, 100, 100, 50,
		1000, 300, 300, 20, 1200, 1200, 1200, 1200, 1,
	};
	/* bytes of each packet, and of its first */
	static const int packet[][2] = {
		{ 2000, 600 }, { 1200, 600 }, { 1900, 900 }, { 250, 100 },
		{ 1300, 1000 }, { 320, 300 }, { 4801, 1200 },
	};
	size_t at = 0;
	unsigned int i;

	send_held(&self->p[0].far, size, ARRAY_SIZE(size), 0);
	veth_settle(&self->v, 0);
	for (i = 0; i < ARRAY_SIZE(packet); i++) {
		ASSERT_EQ(1, batch_gather(self->fd[0], out + at, packet[i][0],
					  packet[i][1]))
			TH_LOG("packet %u", i);
		at += packet[i][0];
	}
	ASSERT_EQ(true, batch_over(self->fd[0]));
	ASSERT_EQ(0, stat_drops());
}

/* Two associations, in turns: each has its own packet, and none the other's. */
TEST_F_TIMEOUT(gro_held, two_associations, 60)
{
	const int n = 25, size = 800;
	int i, j, round;

	for (round = 0; round < 2; round++) {
		static __u8 ready[2][25][1000];
		size_t len = 0;

		for (i = 0; i < n; i++)
			for (j = 0; j < 2 && !variant->far_kernel; j++)
				len = oracle_seal(&self->p[j].far.tx,
						  DTLS_TYPE_DATA,
						  out + (2 * i + j) * size,
						  size, ready[j][i]);
		veth_hold();
		for (i = 0; i < n; i++) {
			for (j = 0; j < 2; j++) {
				int fd = self->p[j].far.fd;

				if (variant->far_kernel)
					must(send(fd, out + (2 * i + j) * size,
						  size, 0) == size);
				else
					must(send(fd, ready[j][i], len, 0) ==
					     (ssize_t)len);
			}
		}
		veth_go();
		veth_settle(&self->v, 0);
		for (j = 0; j < 2; j++) {
			for (i = 0; i < n; i++)
				memcpy(wire + i * size,
				       out + (2 * i + j) * size, size);
			/* the second time one of them has them one by one */
			ASSERT_EQ(round && j ? n : 1,
				  batch_gather(self->fd[j], wire, n * size,
					       size));
			ASSERT_EQ(true, batch_over(self->fd[j]));
		}
		ASSERT_EQ(0, set_int(self->fd[1], SOL_UDP, UDP_GRO, 0));
	}
	ASSERT_EQ(0, stat_drops());
	ASSERT_EQ(4 * n + 2, stat_read("RxRecords"));
}

#define NAT	"table ip6 t { chain c { type nat hook prerouting priority -100; ip6 daddr fd09::9 dnat to fd09::2; }; }"

/*
 * Joined before it was known which socket it is for: with rx-gro-list that is a
 * list of whole datagrams, which UDP takes apart again.
 */
TEST_F_TIMEOUT(gro_held, behind_nat, 60)
{
	const int n = 30, size = 700;
	struct sockaddr_in6 to = {
		.sin6_family = AF_INET6, .sin6_port = htons(4433),
		.sin6_addr = { { { 0xfd, 9, [15] = 9 } } },
	};
	int sizes[30], i, calls;

	if (variant->family != FAMILY_V6 || variant->far_kernel)
		return;
	/* the packets go to another address, and arrive at this one */
	if (system("echo '" NAT "' | nft -f - 2>/dev/null"))
		SKIP(return, "no NAT here");
	for (i = 0; i < n; i++)
		sizes[i] = size;
	veth_enter(&self->v, 0);
	shell("ip -6 neighbour add fd09::9 lladdr 02:00:00:00:09:02 dev v0 nud permanent");
	ASSERT_EQ(0, connect(self->p[0].far.fd, (struct sockaddr *)&to,
			     sizeof(to)));
	veth_enter(&self->v, 1);
	send_held(&self->p[0].far, sizes, n, 0);
	veth_settle(&self->v, 0);
	calls = batch_gather(self->fd[0], out, n * size, size);
	ASSERT_EQ(true, batch_over(self->fd[0]));
	ASSERT_EQ(strstr(variant->to, "list") ? n : 1, calls);
	ASSERT_EQ(0, stat_drops());
}

TEST_HARNESS_MAIN
