// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: device_v6 no_pages_v4 no_checksums_v4 esp_v6 */
/* kselftest-timeout: 300 */
/*
 * Batches that go out over a link: what the device does for UDP and what it
 * does not, IPsec, no checksums. Whether UDP cuts the packet, the stack, or
 * nobody, so that the module has to, the records are the same. After the
 * kernel's udpgso.sh and udpgso_bench.sh.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/utsname.h>

#include "lib/batch.h"
#include "lib/effort.h"
#include "lib/veth.h"

/* What the far end is to see of one call of UDP. */
enum seen {
	WHOLE,			/* one packet */
	ONES,			/* one for each record */
	ONES_61,		/* so only where UDP wants the device's checksums */
};

static __u8 out[65535];

FIXTURE(gso_net) {
	struct veth v;
	struct dtls_pair p;
	struct dtls_end *far;
	int fd, max;
	bool ones, esp, gathered;
	__u64 seq, packets, records;
};

FIXTURE_VARIANT(gso_net) {
	__u16 suite;
	int family;
	const char *from, *to;	/* features of the link's ends */
	enum seen seen;
	bool esp, no_check;
};

FIXTURE_VARIANT_ADD(gso_net, device_v4)
{
	SUITE_AES_128_GCM, FAMILY_V4, NULL, NULL, WHOLE, false, false
};

FIXTURE_VARIANT_ADD(gso_net, device_v6)
{
	SUITE_CHACHA20, FAMILY_V6, NULL, NULL, WHOLE, false, false
};

FIXTURE_VARIANT_ADD(gso_net, stack_v4)
{
	SUITE_AES_128_GCM, FAMILY_V4, "tx-udp-segmentation off", NULL, ONES,
	false, false
};

FIXTURE_VARIANT_ADD(gso_net, stack_v6)
{
	SUITE_AES_256_GCM, FAMILY_V6, "tx-udp-segmentation off", NULL, ONES,
	false, false
};

FIXTURE_VARIANT_ADD(gso_net, stack_gro_mapped)
{
	SUITE_AES_128_GCM, FAMILY_MAPPED, "tx-udp-segmentation off tso off",
	"gro on", WHOLE, false, false
};

FIXTURE_VARIANT_ADD(gso_net, no_pages_v4)
{
	SUITE_AES_128_CCM, FAMILY_V4, "tx-udp-segmentation off sg off",
	NULL, ONES, false, false
};

FIXTURE_VARIANT_ADD(gso_net, no_checksums_v4)
{
	SUITE_AES_128_GCM, FAMILY_V4, "tx off", "gro on", ONES_61, false, false
};

FIXTURE_VARIANT_ADD(gso_net, no_checksums_v6)
{
	SUITE_AES_128_GCM, FAMILY_V6, "tx off", "gro on", ONES_61, false, false
};

FIXTURE_VARIANT_ADD(gso_net, no_check_v4)
{
	SUITE_AES_128_GCM, FAMILY_V4, NULL, "gro on", ONES, false, true
};

FIXTURE_VARIANT_ADD(gso_net, no_check_v6)
{
	SUITE_CHACHA20, FAMILY_V6, NULL, "gro on", ONES, false, true
};

FIXTURE_VARIANT_ADD(gso_net, esp_v4)
{
	SUITE_AES_128_GCM, FAMILY_V4, NULL, NULL, ONES, true, false
};

FIXTURE_VARIANT_ADD(gso_net, esp_v6)
{
	SUITE_AES_128_CCM_8, FAMILY_V6, NULL, "gro on", ONES, true, false
};

static bool kernel_61(void)
{
	struct utsname u;

	must(!uname(&u));
	return !strncmp(u.release, "6.1.", 4);
}

FIXTURE_SETUP(gso_net)
{
	bool v6 = variant->family == FAMILY_V6;
	int fd[2];

	pin_to(0);
	veth_open(&self->v);
	if (variant->from)
		veth_features(&self->v, 0, variant->from);
	if (variant->to)
		veth_features(&self->v, 1, variant->to);
	veth_pair(&self->v, variant->family, 4433, fd);
	if (variant->no_check && !v6) {
		ASSERT_EQ(0, set_int(fd[0], SOL_SOCKET, SO_NO_CHECK, 1));
	} else if (variant->no_check) {
		ASSERT_EQ(0, set_int(fd[0], SOL_UDP, UDP_NO_CHECK6_TX, 1));
		ASSERT_EQ(0, set_int(fd[1], SOL_UDP, UDP_NO_CHECK6_RX, 1));
	}
	ASSERT_EQ(0, v6 ? set_int(fd[0], SOL_IPV6, IPV6_MTU_DISCOVER,
				  IPV6_PMTUDISC_DO) :
			  set_int(fd[0], SOL_IP, IP_MTU_DISCOVER,
				  IP_PMTUDISC_DO));
	ASSERT_EQ(0, set_int(fd[1], SOL_UDP, UDP_GRO, 1));
	ASSERT_EQ(0, set_int(fd[1], SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20));
	batch_ends(&self->p, variant->suite, fd[0], fd[1]);
	if (variant->esp && !veth_esp(&self->v, variant->family))
		SKIP(return, "no ESP here");
	self->fd = fd[0];
	self->far = &self->p.far;
	self->esp = variant->esp;
	self->seq = FIRST_SEQ;
	self->max = get_int(self->fd, SOL_DTLS, DTLS_MAX_PAYLOAD);
	self->ones = variant->seen == ONES ||
		     (variant->seen == ONES_61 && kernel_61());
	self->gathered = variant->to && !self->ones;
	fill(out, sizeof(out), 7);
}

FIXTURE_TEARDOWN(gso_net)
{
	pair_close(&self->p);
	veth_close(&self->v);
}

/*
 * What the far end's GRO has to gather again comes whole only if one poll of
 * its device sees all of it, so that is asked of the sum of all calls.
 */
#define ARRIVES(data, len, seg)						\
	do {								\
		size_t _len = len, _seg = seg;				\
		unsigned int _packets, _ones, _calls;			\
									\
		veth_settle(&self->v, 0);				\
		_packets = batch_verify(self->far, data, _len, _seg,	\
					&self->seq);			\
		_ones = batch_records(_len, _seg);			\
		_calls = batch_calls(_len, _seg,			\
				     oracle_overhead(self->far->rx.suite)); \
		self->records += _ones;					\
		self->packets += _packets;				\
		ASSERT_LE(self->ones ? _ones : _calls, _packets)	\
			TH_LOG("%zu bytes of %zu", _len, _seg);		\
		ASSERT_GE(self->ones || self->gathered ? _ones : _calls, \
			  _packets)					\
			TH_LOG("%zu bytes of %zu", _len, _seg);		\
	} while (0)

#define PART(name)							\
static void name(struct __test_metadata *_metadata,			\
		 struct _test_data_gso_net *self)

PART(sizes)
{
	const int seg[] = { 1, 100, 1000, self->max };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(seg); i++) {
		const int s = seg[i], len[] = {
			s, s + 1, 2 * s, 10 * s + s / 2, 64 * s, 64 * s + 1,
			128 * s,
		};

		for (j = 0; j < ARRAY_SIZE(len); j++) {
			if (len[j] > (int)sizeof(out))
				continue;
			ASSERT_EQ(len[j], batch_send(self->fd, out, len[j], s,
						     0));
			ARRIVES(out, len[j], s);
		}
	}
	ASSERT_EQ(0, stat_read("TxErrors"));
}

/* What fits is told exactly: one byte more does not go. */
PART(largest)
{
	const int max = self->max;
	struct dtls_keys k;

	if (self->esp) {
		ASSERT_GT(1500 - 28 - 50, max);
		ASSERT_LT(1300, max);
	}
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, max));
	ASSERT_EQ(sizeof(out), send(self->fd, out, sizeof(out), 0));
	ARRIVES(out, sizeof(out), max);
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, max + 1));
	ASSERT_EQ(-1, send(self->fd, out, sizeof(out), 0));
	ASSERT_EQ(EMSGSIZE, errno);
	veth_settle(&self->v, 0);
	ASSERT_EQ(true, batch_over(self->far->fd));
	key_state(self->fd, DTLS_TX, &k);
	ASSERT_LE(self->seq, k.seq);
	self->seq = k.seq;
	ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, max));
	ASSERT_EQ(3 * max, send(self->fd, out, 3 * max, 0));
	ARRIVES(out, 3 * max, max);
}

/* Pages of a file; and singles between the batches. */
PART(pages)
{
	const int file = memfd_create("pages", 0);
	off_t off = 777;
	int i;

	ASSERT_EQ(sizeof(out), write(file, out, sizeof(out)));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 900));
		off = 777;
		ASSERT_EQ(50000, sendfile(self->fd, file, &off, 50000));
		ARRIVES(out + 777, 50000, 900);
		ASSERT_EQ(0, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 0));
		ASSERT_EQ(900, send(self->fd, out, 900, 0));
		ARRIVES(out, 900, 900);
	}
	close(file);
}

/* Only one test: the link is dear. */
TEST_F_TIMEOUT(gso_net, batches, 60)
{
	sizes(_metadata, self);
	largest(_metadata, self);
	pages(_metadata, self);
	if (self->gathered)
		ASSERT_GT(self->records / 4, self->packets);
}

TEST_HARNESS_MAIN
