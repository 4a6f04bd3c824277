// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-cflags: -fsanitize=address,undefined -fno-sanitize-recover=all */
/* kselftest-libs: -fsanitize=address,undefined -lcrypto */
/*
 * The far end of the tests must itself be right. RFC 9147 has no examples, but
 * its primitives are those of QUIC, and RFC 9001 has.
 */
#include <kselftest_harness.h>

#include <string.h>

#include "../lib/die.c"
#include "../lib/oracle.c"
#include "../lib/oracle13.c"

static size_t unhex(const char *hex, __u8 *out)
{
	unsigned int byte;
	size_t n = 0;

	for (; *hex; hex += 2) {
		sscanf(hex, "%2x", &byte);
		out[n++] = byte;
	}
	return n;
}

/* RFC 9001 A.1 and A.5 */
TEST(expand_label)
{
	static const struct {
		const char *secret, *label, *want;
	} v[] = {
		{ "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea",
		  "quic key", "1f369613dd76d5467730efcbe3b1a22d" },
		{ "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea",
		  "quic iv", "fa044b2f42a3fd3b46fb255c" },
		{ "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea",
		  "quic hp", "9f50449e04a0e810283a1e9933adedd2" },
		{ "9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b",
		  "quic key",
		  "c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8" },
		{ "9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b",
		  "quic hp",
		  "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4" },
		{ "9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b",
		  "quic ku",
		  "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9" },
	};
	__u8 secret[32], want[32], got[32];
	unsigned int i;
	size_t len;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		unhex(v[i].secret, secret);
		len = unhex(v[i].want, want);
		oracle13_expand("SHA256", "tls13 ", v[i].label, secret, 32, got,
				len);
		EXPECT_EQ(0, memcmp(want, got, len)) TH_LOG("case %u", i);
		oracle13_expand("SHA256", "dtls13", v[i].label, secret, 32, got,
				len);
		EXPECT_NE(0, memcmp(want, got, len));
	}
}

/* RFC 9001 A.2, A.3 and A.5 */
TEST(masks)
{
	static const struct {
		__u16 suite;
		const char *key, *sample, *mask;
	} v[] = {
		{ SUITE13_AES_128_GCM, "9f50449e04a0e810283a1e9933adedd2",
		  "d1b1c98dd7689fb8ec11d242b123dc9b", "437b9aec36" },
		{ SUITE13_AES_128_GCM, "c206b8d9b9f0f37644430b490eeaa314",
		  "2cd0991cd25b0aac406a5816b6394100", "2ec0d8356a" },
		{ SUITE13_CHACHA20,
		  "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
		  "5e5cd55c41f69080575d7999c25a5bfb", "aefefe7d03" },
	};
	__u8 sample[16], want[5], got[5];
	struct oracle13_key k;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		oracle13_key_init(&k, v[i].suite, 3, 0);
		unhex(v[i].key, k.sn);
		unhex(v[i].sample, sample);
		unhex(v[i].mask, want);
		oracle13_mask(&k, sample, got, 5);
		EXPECT_EQ(0, memcmp(want, got, 5)) TH_LOG("case %u", i);
	}
}

/* RFC 9001 A.5: nonce, additional data and ciphertext of a whole packet. */
TEST(aead_known)
{
	struct oracle13_key k;
	__u8 aad[4], want[17], got[17];
	struct aead a;

	oracle13_key_init(&k, SUITE13_CHACHA20, 3, 0);
	unhex("c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8",
	      k.key);
	unhex("e0459b3474bdd0e44a41c144", k.iv);
	unhex("4200bff4", aad);
	unhex("655e5cd55c41f69080575d7999c25a5bfb", want);
	aead13(&a, &k, 654360564, aad, 4);
	ASSERT_TRUE(run_aead(&a, true, (__u8 *)"\1", 1, got, got + 1));
	EXPECT_EQ(0, memcmp(want, got, 17));
}

TEST(nearest_number)
{
	EXPECT_EQ(0x1ffff, nearest(0x20000, 0xffff, true));
	EXPECT_EQ(0x20000, nearest(0x20000, 0, true));
	EXPECT_EQ(0x18001, nearest(0x20000, 0x8001, true));
	EXPECT_EQ(0x28000, nearest(0x20000, 0x8000, true));
	EXPECT_EQ(0xffff, nearest(0, 0xffff, true));
	EXPECT_EQ(0xff, nearest(1, 0xff, false));
	EXPECT_EQ((1ULL << 48) - 65536, nearest(1ULL << 48, 0, true));
}

FIXTURE(oracle13) {
	struct oracle13_key k;
	struct oracle13_record r;
	__u8 buf[RECORD13_ROOM + 100];
	size_t len;
};

FIXTURE_VARIANT(oracle13) {
	__u16 suite;
	unsigned int cid_len;
	struct oracle13_form form;
};

#define VARIANTS(name, number)						\
	FIXTURE_VARIANT_ADD(oracle13, name) { .suite = number };	\
	FIXTURE_VARIANT_ADD(oracle13, name##_cid) {			\
		.suite = number, .cid_len = 5				\
	};								\
	FIXTURE_VARIANT_ADD(oracle13, name##_minimal) {			\
		.suite = number, .form = { .seq8 = true, .no_length = true }, \
	}

VARIANTS(gcm_128, SUITE13_AES_128_GCM);
VARIANTS(gcm_256, SUITE13_AES_256_GCM);
VARIANTS(chacha, SUITE13_CHACHA20);
VARIANTS(ccm, SUITE13_AES_128_CCM);
VARIANTS(ccm_8, SUITE13_AES_128_CCM_8);

FIXTURE_SETUP(oracle13)
{
	struct oracle13_form form = variant->form;

	oracle13_key_init(&self->k, variant->suite, 7, 1);
	self->k.cid_len = variant->cid_len;
	memcpy(self->k.cid, "\1\2\3\4\5", 5);
	form.pad = 9;
	self->len = oracle13_seal_form(&self->k, &form, 0x123456789abcULL, 23,
				       "hello", 5, self->buf);
}

FIXTURE_TEARDOWN(oracle13)
{
}

TEST_F(oracle13, opens_its_own)
{
	struct oracle13_record *r = &self->r;

	ASSERT_EQ((ssize_t)self->len,
		  oracle13_open(&self->k, 0x123456789ab0ULL, self->buf,
				self->len, r))
		TH_LOG("%s", oracle13_why);
	EXPECT_EQ(0x123456789abcULL, r->seq);
	EXPECT_EQ(7, r->epoch);
	EXPECT_EQ(3, r->epoch_bits);
	EXPECT_EQ(23, r->type);
	EXPECT_EQ(9, r->pad);
	EXPECT_EQ(5, r->len);
	EXPECT_EQ(0, memcmp("hello", r->data, 5));
	EXPECT_EQ(!!variant->cid_len, r->has_cid);
	EXPECT_EQ(variant->cid_len, r->cid_len);
	EXPECT_EQ(variant->form.seq8, !r->seq16);
	EXPECT_EQ(variant->form.seq8 ? 0xbc : 0x9abc, r->low);
	EXPECT_EQ(variant->form.no_length, !r->has_length);
	EXPECT_EQ(self->len, r->header + r->body);
	EXPECT_EQ(5 + 1 + 9 + self->k.suite->tag_len, r->body);
}

/* Each bit counts: of the header, of the number, of the ciphertext, of the tag. */
TEST_F(oracle13, refuses_every_flipped_bit)
{
	size_t bit;

	for (bit = 0; bit < self->len * 8; bit++) {
		self->buf[bit / 8] ^= 1 << bit % 8;
		EXPECT_EQ(-1, oracle13_open(&self->k, 0x123456789ab0ULL,
					    self->buf, self->len, &self->r))
			TH_LOG("bit %zu", bit);
		self->buf[bit / 8] ^= 1 << bit % 8;
	}
}

TEST_F(oracle13, refuses_every_cut)
{
	size_t n;

	for (n = 0; n < self->len; n++)
		EXPECT_EQ(-1, oracle13_open(&self->k, 0x123456789ab0ULL,
					    self->buf, n, &self->r));
}

TEST_F(oracle13, another_epoch_has_other_keys)
{
	struct oracle13_key next = self->k;

	oracle13_key_update(&next);
	EXPECT_EQ(8, next.epoch);
	EXPECT_NE(0, memcmp(next.key, self->k.key, 16));
	EXPECT_NE(0, memcmp(next.iv, self->k.iv, 12));
	EXPECT_NE(0, memcmp(next.sn, self->k.sn, 16));
	next.epoch = 7;
	EXPECT_EQ(-1, oracle13_open(&next, 0x123456789ab0ULL, self->buf,
				    self->len, &self->r));
	EXPECT_EQ(0, strcmp("not authentic", oracle13_why));
}

/* What must not be sent, and what is said of it. */
TEST(refusals)
{
	static __u8 buf[RECORD13_ROOM + 100], data[DTLS_PLAINTEXT_MAX + 1];
	static struct oracle13_record r;
	struct oracle13_form f = {};
	struct oracle13_key k;
	size_t len;

	oracle13_key_init(&k, SUITE13_AES_128_CCM_8, 3, 1);
	len = oracle13_seal_form(&k, &f, 0, 23, "1234567", 7, buf);
	EXPECT_EQ((ssize_t)len, oracle13_open(&k, 0, buf, len, &r));
	len = oracle13_seal_form(&k, &f, 0, 23, "123456", 6, buf);
	EXPECT_EQ(-1, oracle13_open(&k, 0, buf, len, &r));
	EXPECT_EQ(0, strcmp("less than 16 bytes of ciphertext", oracle13_why));
	len = oracle13_seal(&k, 23, "", 0, buf);
	EXPECT_EQ((ssize_t)len, oracle13_open(&k, 0, buf, len, &r));
	EXPECT_EQ(7, r.pad);

	len = oracle13_seal_form(&k, &f, 0, 23, data, DTLS_PLAINTEXT_MAX, buf);
	EXPECT_EQ((ssize_t)len, oracle13_open(&k, 0, buf, len, &r));
	f.pad = 1;
	len = oracle13_seal_form(&k, &f, 0, 23, data, DTLS_PLAINTEXT_MAX, buf);
	EXPECT_EQ(-1, oracle13_open(&k, 0, buf, len, &r));
	EXPECT_EQ(0, strcmp("too much inside", oracle13_why));
	f.pad = 20;
	f.no_type = true;
	len = oracle13_seal_form(&k, &f, 0, 23, data, 0, buf);
	EXPECT_EQ(-1, oracle13_open(&k, 0, buf, len, &r));
	EXPECT_EQ(0, strcmp("no content type", oracle13_why));
	f.no_type = false;
	len = oracle13_seal_form(&k, &f, 0, 20, data, 0, buf);
	EXPECT_EQ(-1, oracle13_open(&k, 0, buf, len, &r));
	EXPECT_EQ(0, strcmp("no such content type", oracle13_why));
}

/* DTLS 1.2 with connection IDs. */
TEST(cid)
{
	static const __u8 nonce[8] = { 9, 8, 7, 6, 5, 4, 3, 2 };
	struct oracle_cid c = { .cid = { 0xc1, 0xc2, 0xc3 }, .len = 3 };
	static struct oracle_record r;
	static __u8 buf[RECORD_ROOM];
	struct oracle_key k;
	size_t len, pad, bit;
	unsigned int i;

	for (i = 0; i < oracle_nr_suites; i++) {
		oracle_key_init(&k, oracle_suites[i].id, 1, 5);
		len = oracle_cid_seal(&k, &c, 0xabcdef, 22, 6, i & 1 ? nonce : NULL,
				      "hello", 5, buf);
		ASSERT_EQ((ssize_t)len,
			  oracle_cid_open(&k, &c, buf, len + 9, &r, &pad));
		EXPECT_EQ(6, pad);
		EXPECT_EQ(5, r.len);
		EXPECT_EQ(22, r.h.type);
		EXPECT_EQ(0xabcdef, r.h.seq);
		EXPECT_EQ(0, memcmp("hello", r.data, 5));
		for (bit = 0; bit < len * 8; bit++) {
			buf[bit / 8] ^= 1 << bit % 8;
			EXPECT_EQ(-1, oracle_cid_open(&k, &c, buf, len, &r, &pad))
				TH_LOG("bit %zu", bit);
			buf[bit / 8] ^= 1 << bit % 8;
		}
		for (bit = 0; bit < len; bit++)
			EXPECT_EQ(-1, oracle_cid_open(&k, &c, buf, bit, &r, &pad));
	}
}

TEST_HARNESS_MAIN
