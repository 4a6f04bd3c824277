// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/*
 * Bad input to every option: one errno for each refusal, and nothing changes,
 * seen by what every option reads back before and after.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/pair.h"

/* All that can be read of a socket. */
struct snapshot {
	struct dtls_keys tx, rx;
	int tx_error, rx_error;
	int recvtype, window, payload, events, no_export;
};

static void take(int fd, struct snapshot *s)
{
	socklen_t len = sizeof(s->tx);

	memset(s, 0, sizeof(*s));
	if (getsockopt(fd, SOL_DTLS, DTLS_TX, &s->tx, &len))
		s->tx_error = errno;
	len = sizeof(s->rx);
	if (getsockopt(fd, SOL_DTLS, DTLS_RX, &s->rx, &len))
		s->rx_error = errno;
	s->recvtype = get_int(fd, SOL_DTLS, DTLS_RECVTYPE);
	s->window = get_int(fd, SOL_DTLS, DTLS_REPLAY_WINDOW);
	s->payload = get_int(fd, SOL_DTLS, DTLS_MAX_PAYLOAD);
	s->events = get_int(fd, SOL_DTLS, DTLS_EVENTS);
	s->no_export = get_int(fd, SOL_DTLS, DTLS_NO_EXPORT);
}

static bool unchanged(int fd, const struct snapshot *before)
{
	struct snapshot now;

	take(fd, &now);
	return !memcmp(&now, before, sizeof(now));
}

FIXTURE(options) {
	struct dtls_pair p;
	struct snapshot before;
	int fd;
};

FIXTURE_VARIANT(options) {
	bool keyed;
};

FIXTURE_VARIANT_ADD(options, without_keys) { false };
FIXTURE_VARIANT_ADD(options, with_keys) { true };

FIXTURE_SETUP(options)
{
	netns_new();
	if (variant->keyed)
		pair_open(&self->p, SUITE_AES_128_GCM, FAMILY_V4, false);
	else
		pair_prepare(&self->p, SUITE_AES_128_GCM, FAMILY_V4, false);
	self->fd = self->p.near.fd;
	if (!variant->keyed)
		ASSERT_EQ(0, ulp_attach(self->fd));
	take(self->fd, &self->before);
}

/* Every test here leaves the socket as it was. */
FIXTURE_TEARDOWN(options)
{
	EXPECT_EQ(true, unchanged(self->fd, &self->before));
	pair_close(&self->p);
}

#define REFUSED(error, call)						\
	do {								\
		errno = 0;						\
		EXPECT_EQ(-1, call);					\
		EXPECT_EQ(error, errno);				\
	} while (0)

#define SET(option, value, len)						\
	setsockopt(self->fd, SOL_DTLS, option, value, len)

#define GET(option, value, len)						\
	getsockopt(self->fd, SOL_DTLS, option, value, len)

TEST_F(options, initial)
{
	EXPECT_EQ(0, self->before.recvtype);
	EXPECT_EQ(DTLS_WINDOW_DEFAULT, self->before.window);
	EXPECT_EQ(0, self->before.events);
	EXPECT_EQ(0, self->before.no_export);
	EXPECT_EQ(variant->keyed ? 0 : ENOKEY, self->before.tx_error);
	EXPECT_EQ(variant->keyed ? 0 : ENOKEY, self->before.rx_error);
}

TEST_F(options, unknown)
{
	static const int names[] = { 0, 99, 255, -1, 0x7fffffff };
	socklen_t len = sizeof(int);
	unsigned int i;
	int one = 1;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		REFUSED(ENOPROTOOPT, SET(names[i], &one, sizeof(one)));
		len = sizeof(one);
		REFUSED(ENOPROTOOPT, GET(names[i], &one, &len));
	}
	/* A record type is a control message, not an option (1 is DTLS_TX). */
	REFUSED(ENOPROTOOPT, setsockopt(self->fd, SOL_DTLS + 1, DTLS_TX, &one,
					sizeof(one)));
}

TEST_F(options, read_only_and_write_only)
{
	static const int read_only[] = {
		DTLS_MAX_PAYLOAD, DTLS_TX_EXPORT, DTLS_RX_EXPORT,
	};
	static const int write_only[] = { DTLS_TXRX, DTLS_LAST_FLIGHT };
	char buf[sizeof(struct dtls_keys)] = {};
	socklen_t len;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(read_only); i++) {
		REFUSED(ENOPROTOOPT, SET(read_only[i], buf, sizeof(buf)));
		REFUSED(ENOPROTOOPT, SET(read_only[i], buf, sizeof(int)));
	}
	for (i = 0; i < ARRAY_SIZE(write_only); i++) {
		len = sizeof(buf);
		REFUSED(ENOPROTOOPT, GET(write_only[i], buf, &len));
	}
}

TEST_F(options, integers)
{
	static const int options[] = {
		DTLS_RECVTYPE, DTLS_REPLAY_WINDOW, DTLS_EVENTS, DTLS_NO_EXPORT,
	};
	char buf[16] = { 1 };
	socklen_t len;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		REFUSED(EINVAL, SET(options[i], buf, 0));
		REFUSED(EINVAL, SET(options[i], buf, 1));
		REFUSED(EINVAL, SET(options[i], buf, 3));
		REFUSED(EINVAL, SET(options[i], buf, 5));
		REFUSED(EINVAL, SET(options[i], buf, 8));
		REFUSED(EFAULT, SET(options[i], (void *)1, 4));
		REFUSED(EFAULT, SET(options[i], NULL, 4));
		REFUSED(EFAULT, GET(options[i], buf, (void *)1));
		len = 4;
		REFUSED(EFAULT, GET(options[i], (void *)1, &len));
	}
}

TEST_F(options, integer_values)
{
	int bad[] = { 2, -1, 0x100, 0x7fffffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		REFUSED(EINVAL, set_int(self->fd, SOL_DTLS, DTLS_RECVTYPE,
					bad[i]));
		REFUSED(EINVAL, set_int(self->fd, SOL_DTLS, DTLS_NO_EXPORT,
					bad[i]));
	}
	REFUSED(EINVAL, set_int(self->fd, SOL_DTLS, DTLS_EVENTS,
				DTLS_EVENT_ALL + 1));
	REFUSED(EINVAL, set_int(self->fd, SOL_DTLS, DTLS_EVENTS, -1));
	REFUSED(EINVAL, set_int(self->fd, SOL_DTLS, DTLS_EVENTS, 1 << 31));
}

TEST_F(options, keys_bytes)
{
	static const int options[] = { DTLS_TX, DTLS_RX };
	struct oracle_key next = self->p.near.tx;
	long page = sysconf(_SC_PAGESIZE);
	struct dtls_keys k, *edge;
	unsigned int i;
	__u8 *map;

	next.epoch = 7;
	key_fill(&k, &next);
	map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, mprotect(map + page, page, PROT_NONE));
	edge = (struct dtls_keys *)(map + page - sizeof(k) + 8);
	memcpy(edge, &k, sizeof(k) - 8);

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		int o = options[i];

		REFUSED(EFAULT, SET(o, NULL, sizeof(k)));
		REFUSED(EFAULT, SET(o, (void *)1, sizeof(k)));
		REFUSED(EFAULT, SET(o, edge, sizeof(k)));
		REFUSED(EINVAL, SET(o, &k, 0));
		REFUSED(EINVAL, SET(o, &k, 4));
		REFUSED(EINVAL, SET(o, &k, sizeof(k) - 1));
		k.size = DTLS_KEYS_SIZE_VER0 - 8;
		REFUSED(EINVAL, SET(o, &k, k.size));
		k.size = sizeof(k) - 1;
		REFUSED(EINVAL, SET(o, &k, sizeof(k)));
		k.size = 0;
		REFUSED(EINVAL, SET(o, &k, sizeof(k)));
		k.size = sizeof(k);
	}
	munmap(map, 2 * page);
}

/* A struct from the future: what is not known must be zero. */
TEST_F(options, keys_of_tomorrow)
{
	static const int options[] = { DTLS_TX, DTLS_RX };
	struct oracle_key next = self->p.near.tx;
	struct {
		struct dtls_keys k;
		__u8 tail[64];
	} big = {};
	static __u8 huge[8192];
	unsigned int i;

	next.epoch = 7;
	key_fill(&big.k, &next);
	big.k.size = sizeof(big);
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		big.tail[0] = 1;
		REFUSED(E2BIG, SET(options[i], &big, sizeof(big)));
		big.tail[0] = 0;
		big.tail[63] = 0x80;
		REFUSED(E2BIG, SET(options[i], &big, sizeof(big)));
		big.tail[63] = 0;
		/* No struct is longer than a page. */
		memcpy(huge, &big, sizeof(big.k));
		((struct dtls_keys *)huge)->size = sizeof(huge);
		errno = 0;
		EXPECT_EQ(-1, SET(options[i], huge, sizeof(huge)));
		EXPECT_EQ(true, errno == EINVAL || errno == E2BIG);
	}
}

/* The @how'th way to make good keys bad, and its errno; false after the last. */
static bool spoil(struct dtls_keys *k, unsigned int how, int *error)
{
	*error = EINVAL;
	switch (how) {
	case 0:
		k->version = 0;
		*error = EPROTONOSUPPORT;
		break;
	case 1:
		k->version = 0xfeff;
		*error = EPROTONOSUPPORT;
		break;
	case 2:
		k->version = 0x0303;
		*error = EPROTONOSUPPORT;
		break;
	case 3:
		k->version = DTLS_1_3_VERSION;
		break;
	case 4:
		k->cipher_suite = 0;
		break;
	case 5:
		k->cipher_suite = 0x1301;
		break;
	case 6:
		k->cipher_suite = 0xc02f + 0x1000;
		break;
	case 7:
		k->cipher_suite = 0x2bc0;
		break;
	case 8:
		k->epoch = 0;
		break;
	case 9:
		k->epoch = 65536;
		break;
	case 10:
		k->epoch = 1ULL << 32 | 7;
		break;
	case 11:
		k->key_len = 0;
		break;
	case 12:
		k->key_len = 15;
		break;
	case 13:
		k->key_len = 17;
		break;
	case 14:
		k->key_len = 24;
		break;
	case 15:
		k->key_len = 32;
		break;
	case 16:
		k->key_len = 255;
		break;
	case 17:
		k->iv_len = 0;
		break;
	case 18:
		k->iv_len = 8;
		break;
	case 19:
		k->iv_len = 12;
		break;
	case 20:
		k->iv_len = 255;
		break;
	case 21:
		k->cid[0] = 1;
		break;
	case 22:
		k->cid_len = 33;
		break;
	case 23:
		k->pad = 1;
		break;
	case 24:
		k->pad2 = 1;
		break;
	case 25:
		k->window = 64;
		break;
	case 26:
		k->records = 1;
		break;
	case 27:
		k->bytes = 1;
		break;
	case 28:
		k->drop_replay = 1;
		break;
	case 29:
		k->drop_auth = 1;
		break;
	default:
		return false;
	}
	return true;
}

TEST_F(options, keys_fields)
{
	static const int options[] = { DTLS_TX, DTLS_RX };
	struct oracle_key next = self->p.near.tx;
	struct dtls_keys good, bad, two[2];
	unsigned int i, o;
	int error;

	next.epoch = 7;
	key_fill(&good, &next);
	for (i = 0;; i++) {
		bad = good;
		if (!spoil(&bad, i, &error))
			break;
		for (o = 0; o < ARRAY_SIZE(options); o++) {
			errno = 0;
			EXPECT_EQ(-1, SET(options[o], &bad, sizeof(bad)));
			EXPECT_EQ(error, errno) TH_LOG("way %u", i);
		}
		/* One bad half spoils both, whichever it is. */
		two[0] = good;
		two[1] = bad;
		errno = 0;
		EXPECT_EQ(-1, SET(DTLS_TXRX, two, sizeof(two)));
		EXPECT_EQ(error, errno) TH_LOG("way %u, second", i);
		two[0] = bad;
		two[1] = good;
		errno = 0;
		EXPECT_EQ(-1, SET(DTLS_TXRX, two, sizeof(two)));
		EXPECT_EQ(error, errno) TH_LOG("way %u, first", i);
	}
	ASSERT_LT(10, i);
}

TEST_F(options, keys_sequence)
{
	struct oracle_key next = self->p.near.tx;

	next.epoch = 7;
	next.seq = 1ULL << 48;
	errno = 0;
	EXPECT_EQ(-1, key_install(self->fd, DTLS_TX, &next));
	EXPECT_EQ(true, errno == ERANGE || errno == EINVAL);
	next.seq = ~0ULL;
	errno = 0;
	EXPECT_EQ(-1, key_install(self->fd, DTLS_TX, &next));
	EXPECT_EQ(true, errno == ERANGE || errno == EINVAL);
	next.seq = (1ULL << 48) + 1;
	errno = 0;
	EXPECT_EQ(-1, key_install(self->fd, DTLS_RX, &next));
	EXPECT_EQ(true, errno == ERANGE || errno == EINVAL);
}

TEST_F(options, both_directions_size)
{
	struct oracle_key next = self->p.near.tx;
	struct dtls_keys k[3];

	next.epoch = 7;
	key_fill(&k[0], &next);
	key_fill(&k[1], &next);
	memset(&k[2], 0, sizeof(k[2]));
	REFUSED(EINVAL, SET(DTLS_TXRX, k, 0));
	REFUSED(EINVAL, SET(DTLS_TXRX, k, sizeof(k[0])));
	REFUSED(EINVAL, SET(DTLS_TXRX, k, 2 * sizeof(k[0]) - 1));
	REFUSED(EINVAL, SET(DTLS_TXRX, k, 2 * sizeof(k[0]) + 1));
	REFUSED(EINVAL, SET(DTLS_TXRX, k, 3 * sizeof(k[0])));
	REFUSED(EFAULT, SET(DTLS_TXRX, (void *)1, 2 * sizeof(k[0])));
}

TEST_F(options, keys_reading)
{
	static const int options[] = { DTLS_TX, DTLS_RX };
	struct dtls_keys k;
	unsigned int i;
	socklen_t len;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		int o = options[i];

		len = DTLS_KEYS_SIZE_VER0 - 1;
		REFUSED(variant->keyed ? EINVAL : errno, GET(o, &k, &len));
		len = 0;
		REFUSED(variant->keyed ? EINVAL : errno, GET(o, &k, &len));
		len = -1;
		REFUSED(variant->keyed ? EINVAL : errno, GET(o, &k, &len));
		REFUSED(EFAULT, GET(o, &k, (void *)1));
		len = sizeof(k);
		REFUSED(variant->keyed ? EFAULT : ENOKEY, GET(o, (void *)1, &len));
	}
}

/* No key comes out but by EXPORT; what is too much of a buffer is untouched. */
TEST_F(options, keys_read_without_key)
{
	static const __u8 zero[DTLS_KEY_MAX];
	static const int options[] = { DTLS_TX, DTLS_RX };
	struct {
		struct dtls_keys k;
		__u8 tail[16];
	} big;
	unsigned int i, j;
	socklen_t len;

	if (!variant->keyed)
		return;
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		memset(&big, 0x77, sizeof(big));
		len = sizeof(big);
		ASSERT_EQ(0, GET(options[i], &big, &len));
		EXPECT_EQ(sizeof(big.k), len);
		EXPECT_EQ(sizeof(big.k), big.k.size);
		EXPECT_EQ(0, memcmp(big.k.key, zero, DTLS_KEY_MAX));
		EXPECT_EQ(0, memcmp(big.k.iv, zero, DTLS_IV_MAX));
		EXPECT_EQ(0, memcmp(big.k.cid, zero, DTLS_CID_MAX));
		EXPECT_EQ(0, big.k.pad);
		EXPECT_EQ(0, big.k.pad2);
		for (j = 0; j < sizeof(big.tail); j++)
			EXPECT_EQ(0x77, big.tail[j]);
	}
}

TEST_F(options, max_payload)
{
	int value = self->before.payload;

	if (variant->keyed) {
		/* lo has 65536 */
		EXPECT_EQ(DTLS_PLAINTEXT_MAX, value);
		return;
	}
	REFUSED(ENOKEY, get_int(self->fd, SOL_DTLS, DTLS_MAX_PAYLOAD));
}

TEST_F(options, last_flight)
{
	struct {
		struct dtls_flight f;
		struct dtls_flight_record r;
		__u8 data[16];
	} one = {
		.f = { .size = sizeof(struct dtls_flight), .count = 1, .seq = 5 },
		.r = { .epoch = 1, .type = DTLS_TYPE_HANDSHAKE, .len = 16 },
	}, bad;
	static struct {
		struct dtls_flight f;
		__u8 data[DTLS_FLIGHT_MAX + 1];
	} huge = { .f = { .size = sizeof(struct dtls_flight), .count = 1 } };

	if (!variant->keyed) {
		REFUSED(ENOKEY, SET(DTLS_LAST_FLIGHT, &one, sizeof(one)));
		return;
	}
	REFUSED(EINVAL, SET(DTLS_LAST_FLIGHT, &one, 0));
	REFUSED(EINVAL, SET(DTLS_LAST_FLIGHT, &one, sizeof(one.f) - 1));
	REFUSED(EINVAL, SET(DTLS_LAST_FLIGHT, &one, sizeof(one.f)));
	REFUSED(EINVAL, SET(DTLS_LAST_FLIGHT, &one,
			    sizeof(one.f) + sizeof(one.r) - 1));
	REFUSED(EINVAL, SET(DTLS_LAST_FLIGHT, &one, sizeof(one) - 1));
	REFUSED(EFAULT, SET(DTLS_LAST_FLIGHT, (void *)1, sizeof(one)));
	bad = one;
	bad.f.size--;
	REFUSED(EINVAL, SET(DTLS_LAST_FLIGHT, &bad, sizeof(bad)));
	bad = one;
	bad.f.count = 0;	/* and yet bytes follow */
	REFUSED(EINVAL, SET(DTLS_LAST_FLIGHT, &bad, sizeof(bad)));
	bad.f.count = 2;
	REFUSED(EINVAL, SET(DTLS_LAST_FLIGHT, &bad, sizeof(bad)));
	bad.f.count = ~0u;
	REFUSED(EINVAL, SET(DTLS_LAST_FLIGHT, &bad, sizeof(bad)));
	bad = one;
	bad.f.seq = 1ULL << 48;
	REFUSED(EINVAL, SET(DTLS_LAST_FLIGHT, &bad, sizeof(bad)));
	bad = one;
	bad.r.epoch = 2;
	REFUSED(EINVAL, SET(DTLS_LAST_FLIGHT, &bad, sizeof(bad)));
	bad = one;
	bad.r.type = 19;
	REFUSED(EINVAL, SET(DTLS_LAST_FLIGHT, &bad, sizeof(bad)));
	bad.r.type = 25;
	REFUSED(EINVAL, SET(DTLS_LAST_FLIGHT, &bad, sizeof(bad)));
	bad = one;
	bad.r.pad = 1;
	REFUSED(EINVAL, SET(DTLS_LAST_FLIGHT, &bad, sizeof(bad)));
	bad = one;
	bad.r.len = 15;
	REFUSED(EINVAL, SET(DTLS_LAST_FLIGHT, &bad, sizeof(bad)));
	bad.r.len = 17;
	REFUSED(EINVAL, SET(DTLS_LAST_FLIGHT, &bad, sizeof(bad)));
	bad.r.len = ~0u;
	REFUSED(EINVAL, SET(DTLS_LAST_FLIGHT, &bad, sizeof(bad)));
	REFUSED(EMSGSIZE, SET(DTLS_LAST_FLIGHT, &huge, sizeof(huge)));
}

/* Those of UDP that we take over refuse what UDP refuses. */
TEST_F(options, of_udp)
{
	static const int options[] = { UDP_CORK, UDP_SEGMENT, UDP_GRO };
	unsigned int i;
	int one = 1;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		REFUSED(EINVAL, setsockopt(self->fd, SOL_UDP, options[i], &one,
					   sizeof(one) - 1));
		REFUSED(EFAULT, setsockopt(self->fd, SOL_UDP, options[i],
					   (void *)1, sizeof(one)));
		EXPECT_EQ(0, get_int(self->fd, SOL_UDP, options[i]));
	}
	REFUSED(EINVAL, set_int(self->fd, SOL_UDP, UDP_SEGMENT, -1));
	REFUSED(EINVAL, set_int(self->fd, SOL_UDP, UDP_SEGMENT, 65536));
}

TEST_F(options, none_are_udp_or_ip)
{
	/* The base's own options still answer, and still refuse. */
	ASSERT_EQ(-1, set_int(self->fd, SOL_UDP, 250, 1));
	ASSERT_EQ(ENOPROTOOPT, errno);
	ASSERT_EQ(0, set_int(self->fd, SOL_IP, IP_TTL, 64));
	ASSERT_EQ(64, get_int(self->fd, SOL_IP, IP_TTL));
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_RCVBUF, 100000));
	ASSERT_EQ(200000, get_int(self->fd, SOL_SOCKET, SO_RCVBUF));
}

FIXTURE(keys) {
	struct dtls_pair p;
	int fd;
};

FIXTURE_SETUP(keys)
{
	netns_new();
	pair_prepare(&self->p, SUITE_AES_256_GCM, FAMILY_V6, true);
	self->fd = self->p.near.fd;
	ASSERT_EQ(0, ulp_attach(self->fd));
}

FIXTURE_TEARDOWN(keys)
{
	pair_close(&self->p);
}

TEST_F(keys, want_a_connection)
{
	int fd = udp_bound(FAMILY_V6);

	ASSERT_EQ(0, ulp_attach(fd));
	REFUSED(ENOTCONN, key_install(fd, DTLS_TX, &self->p.near.tx));
	REFUSED(ENOTCONN, key_install(fd, DTLS_RX, &self->p.near.rx));
	REFUSED(ENOTCONN, get_int(fd, SOL_DTLS, DTLS_MAX_PAYLOAD));
	udp_connect(fd, self->p.far.fd);
	EXPECT_EQ(0, key_install(fd, DTLS_TX, &self->p.near.tx));
	close(fd);
}

/* Set before there are keys, it holds for the first. */
TEST_F(keys, no_export)
{
	struct dtls_keys k;
	socklen_t len = sizeof(k);

	ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_NO_EXPORT, 1));
	ASSERT_EQ(0, key_install(self->fd, DTLS_TX, &self->p.near.tx));
	REFUSED(EPERM, GET(DTLS_TX_EXPORT, &k, &len));
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
}

/* A bad pointer does not cost the keys. */
TEST_F(keys, export_to_nowhere)
{
	struct dtls_keys k;
	socklen_t len = sizeof(k);

	ASSERT_EQ(0, key_install(self->fd, DTLS_TX, &self->p.near.tx));
	REFUSED(EFAULT, GET(DTLS_TX_EXPORT, (void *)1, &len));
	len = sizeof(k);
	REFUSED(EFAULT, GET(DTLS_TX_EXPORT, NULL, &len));
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
	len = sizeof(k);
	ASSERT_EQ(0, GET(DTLS_TX_EXPORT, &k, &len));
	ASSERT_EQ(0, memcmp(k.key, self->p.near.tx.key, k.key_len));
}

TEST_F(keys, longer_struct_with_zeros)
{
	struct {
		struct dtls_keys k;
		__u8 tail[64];
	} big = {};

	key_fill(&big.k, &self->p.near.tx);
	big.k.size = sizeof(big);
	ASSERT_EQ(0, SET(DTLS_TX, &big, sizeof(big)));
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
}

/* The struct as first published, without whatever came later. */
TEST_F(keys, first_struct)
{
	struct dtls_keys k;
	socklen_t len = DTLS_KEYS_SIZE_VER0;

	key_fill(&k, &self->p.near.tx);
	k.size = DTLS_KEYS_SIZE_VER0;
	ASSERT_EQ(0, SET(DTLS_TX, &k, DTLS_KEYS_SIZE_VER0));
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
	ASSERT_EQ(0, GET(DTLS_TX, &k, &len));
	ASSERT_EQ(DTLS_KEYS_SIZE_VER0, len);
	ASSERT_EQ(FIRST_SEQ + 1, k.seq);
}

TEST_F(keys, both_at_once)
{
	struct dtls_keys k[2];
	char in[8];

	key_fill(&k[0], &self->p.near.tx);
	key_fill(&k[1], &self->p.near.rx);
	ASSERT_EQ(0, SET(DTLS_TXRX, k, sizeof(k)));
	ASSERT_EQ(3, send(self->fd, "abc", 3, 0));
	self->p.far.kernel = false;
	ASSERT_EQ(3, end_recv(&self->p.far, in, sizeof(in), 0));
	ASSERT_EQ(3, end_send(&self->p.far, "abc", 3, 0));
	ASSERT_EQ(3, recv(self->fd, in, sizeof(in), 0));
	/* Used up: both directions, or neither. */
	REFUSED(EEXIST, SET(DTLS_TXRX, k, sizeof(k)));
	k[0].epoch = 2;
	REFUSED(EEXIST, SET(DTLS_TXRX, k, sizeof(k)));
	key_state(self->fd, DTLS_TX, &k[0]);
	ASSERT_EQ(1, k[0].epoch);
}

TEST_F(keys, highest_epoch_and_number)
{
	struct oracle_key k = self->p.near.tx;

	k.epoch = 65535;
	k.seq = (1ULL << 48) - 2;
	ASSERT_EQ(0, key_install(self->fd, DTLS_TX, &k));
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
	ASSERT_EQ(-1, send(self->fd, "x", 1, 0));
	ASSERT_EQ(EKEYEXPIRED, errno);
}

TEST_HARNESS_MAIN
