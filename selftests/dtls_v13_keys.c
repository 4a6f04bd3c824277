// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* DTLS 1.3: keys and options that are refused, and those that are not. */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/far13.h"

static __u8 in[DTLS_PLAINTEXT_MAX + 1], out[DTLS_PLAINTEXT_MAX + 1];

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

FIXTURE(keys13) {
	struct pair13 p;
	int fd;
};

FIXTURE_VARIANT(keys13) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(keys13, gcm128_v4) { SUITE13_AES_128_GCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(keys13, gcm256_v6) { SUITE13_AES_256_GCM, FAMILY_V6 };
FIXTURE_VARIANT_ADD(keys13, ccm8_v6) { SUITE13_AES_128_CCM_8, FAMILY_V6 };

FIXTURE_SETUP(keys13)
{
	netns_new();
	pair13_prepare(&self->p, variant->suite, variant->family, false);
	self->fd = self->p.near.fd;
	ASSERT_EQ(0, ulp_attach(self->fd));
}

FIXTURE_TEARDOWN(keys13)
{
	pair13_close(&self->p);
}

static void good(struct pair13 *p, int option, struct dtls_keys *k)
{
	if (option == DTLS_TX)
		key13_fill(k, &p->near.tx, p->near.tx_message);
	else
		key13_fill(k, &p->near.rx[0].key, p->near.rx_message);
}

static int set_keys(int fd, int option, const struct dtls_keys *k)
{
	return setsockopt(fd, SOL_DTLS, option, k, sizeof(*k)) ? errno : 0;
}

/* Refused with this error; and the same struct without the fault is not. */
#define REFUSED(error, change)							\
	do {									\
		unsigned int _i;						\
										\
		for (_i = 0; _i < 2; _i++) {					\
			struct dtls_keys k;					\
										\
			good(&self->p, options[_i], &k);			\
			change;							\
			ASSERT_EQ(error, set_keys(self->fd, options[_i], &k))	\
				TH_LOG("option %d: " #change, options[_i]);	\
		}								\
	} while (0)

TEST_F(keys13, refused)
{
	static const int options[] = { DTLS_TX, DTLS_RX };
	struct dtls_keys state;
	socklen_t len;
	int i;

	REFUSED(EINVAL, k.secret_len = 0);
	REFUSED(EINVAL, k.secret_len--);
	REFUSED(EINVAL, k.secret_len++);
	REFUSED(EINVAL, k.secret_len = 80 - k.secret_len);
	REFUSED(EINVAL, k.secret_len = 255);
	REFUSED(EINVAL, k.key_len = 16);
	REFUSED(EINVAL, k.key_len = 32);
	REFUSED(EINVAL, k.iv_len = 12);
	REFUSED(EINVAL, k.iv_len = 4);
	REFUSED(EINVAL, k.key[0] = 1);
	REFUSED(EINVAL, k.key[DTLS_KEY_MAX - 1] = 1);
	REFUSED(EINVAL, k.iv[DTLS_IV_MAX - 1] = 1);
	REFUSED(EINVAL, k.epoch = 0);
	REFUSED(EINVAL, k.epoch = 1);
	REFUSED(EINVAL, k.epoch = 65536);
	REFUSED(EINVAL, k.epoch = 1ULL << 48);
	REFUSED(EINVAL, k.seq = 1ULL << 48);
	REFUSED(EINVAL, k.cid_len = DTLS_CID_MAX + 1);
	REFUSED(EINVAL, k.cid_len = 255);
	REFUSED(EINVAL, k.cid[0] = 1);
	REFUSED(EINVAL, (k.cid_len = 4, k.cid[4] = 1));
	REFUSED(EINVAL, k.pad = 1);
	REFUSED(EINVAL, k.pad2 = 1);
	REFUSED(EINVAL, k.pad3 = 1);
	REFUSED(EINVAL, k.pad4 = 1);
	REFUSED(EINVAL, k.window = 64);
	REFUSED(EINVAL, k.records = 1);
	REFUSED(EINVAL, k.bytes = 1);
	REFUSED(EINVAL, k.drop_replay = 1);
	REFUSED(EINVAL, k.drop_auth = 1);
	/* suites of the other version, and of none */
	REFUSED(EINVAL, k.cipher_suite = SUITE_AES_128_GCM);
	REFUSED(EINVAL, k.cipher_suite = 0x1300);
	REFUSED(EINVAL, k.cipher_suite = 0x1306);
	REFUSED(EINVAL, k.version = DTLS_1_2_VERSION);
	REFUSED(EPROTONOSUPPORT, k.version = 0xfeff);
	REFUSED(EPROTONOSUPPORT, k.version = 0xfefb);
	REFUSED(EPROTONOSUPPORT, k.version = 0x0304);

	/* none of them has left anything behind: it is plain UDP still */
	for (i = 0; i < 2; i++) {
		len = sizeof(state);
		ASSERT_EQ(-1, getsockopt(self->fd, SOL_DTLS, options[i], &state,
					 &len));
		ASSERT_EQ(ENOKEY, errno);
	}
	ASSERT_EQ(5, send(self->fd, "plain", 5, 0));
	ASSERT_EQ(5, recv_soon(self->p.far.fd, in, sizeof(in), 0));
	REFUSED(0, k.pad = 0);
}

/* A program of before does not know that there is a secret. */
TEST_F(keys13, old_struct)
{
	struct dtls_keys k;
	socklen_t len;

	good(&self->p, DTLS_TX, &k);
	k.size = DTLS_KEYS_SIZE_VER0;
	ASSERT_EQ(-1, setsockopt(self->fd, SOL_DTLS, DTLS_TX, &k, k.size));
	ASSERT_EQ(EINVAL, errno);
	/* up to where the secret ends is not enough for its length */
	k.size = DTLS_KEYS_SIZE_VER0 + DTLS_SECRET_MAX;
	ASSERT_EQ(-1, setsockopt(self->fd, SOL_DTLS, DTLS_TX, &k, k.size));
	ASSERT_EQ(EINVAL, errno);
	k.size = DTLS_KEYS_SIZE_VER1;
	ASSERT_EQ(0, setsockopt(self->fd, SOL_DTLS, DTLS_TX, &k, k.size));
	/* it may look, and sees what it knows of */
	memset(&k, 0xa5, sizeof(k));
	len = DTLS_KEYS_SIZE_VER0;
	ASSERT_EQ(0, getsockopt(self->fd, SOL_DTLS, DTLS_TX, &k, &len));
	ASSERT_EQ(DTLS_KEYS_SIZE_VER0, len);
	ASSERT_EQ(DTLS_1_3_VERSION, k.version);
	ASSERT_EQ(0xa5, k.secret[0]);
	ASSERT_EQ(0xa5, k.secret_len);
}

/* An export that leaves no room for the secret would lose the association. */
TEST_F(keys13, export_without_room)
{
	socklen_t len = DTLS_KEYS_SIZE_VER0;
	struct dtls_keys k;

	good(&self->p, DTLS_TX, &k);
	ASSERT_EQ(0, set_keys(self->fd, DTLS_TX, &k));
	ASSERT_EQ(-1, getsockopt(self->fd, SOL_DTLS, DTLS_TX_EXPORT, &k, &len));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
}

TEST_F(keys13, both_at_once)
{
	struct dtls_keys k[2];

	good(&self->p, DTLS_TX, &k[0]);
	good(&self->p, DTLS_RX, &k[1]);
	/* of two versions: none is taken */
	key_fill(&k[1], &(struct oracle_key){
			.suite = oracle_suite(SUITE_AES_128_GCM), .epoch = 1 });
	ASSERT_EQ(-1, setsockopt(self->fd, SOL_DTLS, DTLS_TXRX, k, sizeof(k)));
	ASSERT_EQ(EINVAL, errno);
	good(&self->p, DTLS_RX, &k[1]);
	ASSERT_EQ(0, setsockopt(self->fd, SOL_DTLS, DTLS_TXRX, k, sizeof(k)));
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
	ASSERT_EQ(1, end13_recv(&self->p.far, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(1, end13_send(&self->p.far, "y", 1, 0));
	ASSERT_EQ(1, recv_soon(self->fd, in, sizeof(in), 0));
}

/* One version for an association, whichever came first, for ever. */
TEST_F(keys13, versions_mix)
{
	struct oracle_key old;
	struct dtls_keys k;
	struct pair13 p;

	good(&self->p, DTLS_TX, &k);
	ASSERT_EQ(0, set_keys(self->fd, DTLS_TX, &k));
	oracle_key_init(&old, SUITE_AES_128_GCM, 40, 1);
	ASSERT_EQ(-1, key_install(self->fd, DTLS_TX, &old));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(-1, key_install(self->fd, DTLS_RX, &old));
	ASSERT_EQ(EINVAL, errno);
	good(&self->p, DTLS_RX, &k);
	ASSERT_EQ(0, set_keys(self->fd, DTLS_RX, &k));

	pair13_prepare(&p, variant->suite, variant->family, false);
	ASSERT_EQ(0, ulp_attach(p.near.fd));
	old.epoch = 1;
	ASSERT_EQ(0, key_install(p.near.fd, DTLS_RX, &old));
	good(&p, DTLS_TX, &k);
	ASSERT_EQ(EINVAL, set_keys(p.near.fd, DTLS_TX, &k));
	good(&p, DTLS_RX, &k);
	ASSERT_EQ(EINVAL, set_keys(p.near.fd, DTLS_RX, &k));
	ASSERT_EQ(0, key_install(p.near.fd, DTLS_TX, &old));
	pair13_close(&p);
}

TEST_F(keys13, epochs_go_up)
{
	static const int options[] = { DTLS_TX, DTLS_RX };
	struct dtls_keys k;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		good(&self->p, options[i], &k);
		k.epoch = 7;
		ASSERT_EQ(0, set_keys(self->fd, options[i], &k));
		ASSERT_EQ(EEXIST, set_keys(self->fd, options[i], &k));
		k.epoch = 3;
		ASSERT_EQ(EEXIST, set_keys(self->fd, options[i], &k));
		k.epoch = 2;
		ASSERT_EQ(EEXIST, set_keys(self->fd, options[i], &k));
		k.epoch = 65535;
		ASSERT_EQ(0, set_keys(self->fd, options[i], &k));
	}
}

/* RFC 9146 3, RFC 9147 9: a direction has one, and for all epochs here. */
TEST_F(keys13, one_cid_for_a_direction)
{
	static const int options[] = { DTLS_TX, DTLS_RX };
	struct dtls_keys k;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		good(&self->p, options[i], &k);
		k.cid_len = 4 + i;
		memset(k.cid, 0x60 + i, k.cid_len);
		ASSERT_EQ(0, set_keys(self->fd, options[i], &k));
		k.epoch++;
		k.cid[3] ^= 1;
		ASSERT_EQ(EINVAL, set_keys(self->fd, options[i], &k));
		k.cid[3] ^= 1;
		k.cid_len++;
		ASSERT_EQ(EINVAL, set_keys(self->fd, options[i], &k));
		k.cid_len = 0;
		memset(k.cid, 0, sizeof(k.cid));
		ASSERT_EQ(EINVAL, set_keys(self->fd, options[i], &k));
		k.cid_len = 4 + i;
		memset(k.cid, 0x60 + i, k.cid_len);
		ASSERT_EQ(0, set_keys(self->fd, options[i], &k));
		key_state(self->fd, options[i], &k);
		ASSERT_EQ(4 + i, k.cid_len);
		ASSERT_EQ(0x60 + i, k.cid[0]);
		ASSERT_EQ(0x60 + i, k.cid[3 + i]);
		ASSERT_EQ(0, k.cid[4 + i]);
	}
}

/* Epoch 2 is for the end of the handshake, and carries nothing. */
TEST_F(keys13, only_epoch_two)
{
	struct dtls_keys k;

	good(&self->p, DTLS_TX, &k);
	k.epoch = 2;
	ASSERT_EQ(0, set_keys(self->fd, DTLS_TX, &k));
	ASSERT_EQ(-1, send(self->fd, "x", 1, 0));
	ASSERT_EQ(ENOKEY, errno);
	ASSERT_EQ(-1, set_int(self->fd, SOL_DTLS, DTLS_KEY_UPDATE, 0));
	ASSERT_EQ(ENOKEY, errno);
	ASSERT_EQ(-1, recv_soon(self->p.far.fd, in, sizeof(in), 0));
	good(&self->p, DTLS_TX, &k);
	ASSERT_EQ(0, set_keys(self->fd, DTLS_TX, &k));
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
	ASSERT_EQ(1, end13_recv(&self->p.far, in, sizeof(in), MSG_DONTWAIT));
}

TEST_F(keys13, key_update_refused)
{
	struct dtls_pair old;
	struct dtls_keys k;

	ASSERT_EQ(-1, set_int(self->fd, SOL_DTLS, DTLS_KEY_UPDATE, 0));
	ASSERT_EQ(ENOKEY, errno);
	good(&self->p, DTLS_RX, &k);
	ASSERT_EQ(0, set_keys(self->fd, DTLS_RX, &k));
	ASSERT_EQ(-1, set_int(self->fd, SOL_DTLS, DTLS_KEY_UPDATE, 0));
	ASSERT_EQ(ENOKEY, errno);
	good(&self->p, DTLS_TX, &k);
	ASSERT_EQ(0, set_keys(self->fd, DTLS_TX, &k));
	ASSERT_EQ(-1, set_int(self->fd, SOL_DTLS, DTLS_KEY_UPDATE, 2));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(-1, set_int(self->fd, SOL_DTLS, DTLS_KEY_UPDATE, -1));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(-1, setsockopt(self->fd, SOL_DTLS, DTLS_KEY_UPDATE, "\1", 1));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(0, get_int(self->fd, SOL_DTLS, DTLS_KEY_UPDATE));
	ASSERT_EQ(-1, recv_soon(self->p.far.fd, in, sizeof(in), 0));

	/* gone with the keys */
	key_state(self->fd, DTLS_TX_EXPORT, &k);
	ASSERT_EQ(-1, set_int(self->fd, SOL_DTLS, DTLS_KEY_UPDATE, 0));
	ASSERT_EQ(EKEYREVOKED, errno);
	ASSERT_EQ(-1, recv_soon(self->p.far.fd, in, sizeof(in), 0));

	pair_open(&old, SUITE_AES_128_GCM, variant->family, false);
	ASSERT_EQ(-1, set_int(old.near.fd, SOL_DTLS, DTLS_KEY_UPDATE, 0));
	ASSERT_EQ(EOPNOTSUPP, errno);
	ASSERT_EQ(-1, recv_soon(old.far.fd, in, sizeof(in), 0));
	pair_close(&old);
}

TEST_F(keys13, padding_option)
{
	int i;
	static const int values[] = { 0, 1, 2, 16, 1000, DTLS_PLAINTEXT_MAX };

	ASSERT_EQ(0, get_int(self->fd, SOL_DTLS, DTLS_PADDING));
	for (i = 0; i < (int)ARRAY_SIZE(values); i++) {
		ASSERT_EQ(0, set_int(self->fd, SOL_DTLS, DTLS_PADDING, values[i]));
		ASSERT_EQ(values[i], get_int(self->fd, SOL_DTLS, DTLS_PADDING));
	}
	ASSERT_EQ(-1, set_int(self->fd, SOL_DTLS, DTLS_PADDING, -1));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(-1, set_int(self->fd, SOL_DTLS, DTLS_PADDING,
			      DTLS_PLAINTEXT_MAX + 1));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(-1, setsockopt(self->fd, SOL_DTLS, DTLS_PADDING, "\1", 1));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(DTLS_PLAINTEXT_MAX, get_int(self->fd, SOL_DTLS, DTLS_PADDING));
}

/* So much fits a packet and no more, whatever is in front and behind. */
TEST_F(keys13, max_payload)
{
	static const int padding[] = { 0, 1, 2, 7, 16, 100, 256, 1000 };
	const int room = 1500 - (variant->family == FAMILY_V6 ? 48 : 28);
	const int tag = self->p.near.tx.suite->tag_len;
	static const int cids[] = { 0, 1, 32 };
	int i, j, inner, want;
	struct pair13 p;

	link_mtu("lo", 1500);
	for (i = 0; i < (int)ARRAY_SIZE(cids); i++) {
		pair13_prepare(&p, variant->suite, variant->family, false);
		pair13_cids(&p, cids[i], 0);
		pair13_install(&p);
		if (variant->family == FAMILY_V6)
			set_int(p.near.fd, SOL_IPV6, IPV6_MTU_DISCOVER,
				IPV6_PMTUDISC_DO);
		else
			set_int(p.near.fd, SOL_IP, IP_MTU_DISCOVER,
				IP_PMTUDISC_DO);
		for (j = 0; j < (int)ARRAY_SIZE(padding); j++) {
			ASSERT_EQ(0, set_int(p.near.fd, SOL_DTLS, DTLS_PADDING,
					     padding[j]));
			inner = room - 5 - cids[i] - tag;
			if (padding[j] > 1)
				inner -= inner % padding[j];
			want = inner - 1;
			ASSERT_EQ(want, get_int(p.near.fd, SOL_DTLS,
						DTLS_MAX_PAYLOAD))
				TH_LOG("CID of %d, padding %d", cids[i],
				       padding[j]);
			ASSERT_EQ(want, send(p.near.fd, out, want, 0));
			ASSERT_EQ(want, end13_recv(&p.far, in, sizeof(in),
						   MSG_DONTWAIT));
			ASSERT_EQ(-1, send(p.near.fd, out, want + 1, 0));
			ASSERT_EQ(EMSGSIZE, errno);
		}
		pair13_close(&p);
	}
}

TEST_HARNESS_MAIN
