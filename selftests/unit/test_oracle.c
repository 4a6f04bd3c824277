// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* The far end of the tests must itself be right: it meets GnuTLS here. */
#include <kselftest_harness.h>

#include <string.h>

#include "../lib/die.c"
#include "../lib/oracle.c"
#include "../lib/vectors.c"

TEST(opens_known_records)
{
	static struct oracle_record r;
	const struct record_vector *v;
	struct oracle_key k;
	unsigned int i;

	for (i = 0; i < nr_record_vectors; i++) {
		v = &record_vectors[i];
		vector_key(v, &k);
		ASSERT_EQ((ssize_t)v->len, oracle_open(&k, v->record, v->len, &r));
		ASSERT_EQ(v->seq, r.h.seq);
		ASSERT_EQ(DTLS_TYPE_DATA, r.h.type);
		ASSERT_EQ(strlen(v->plain), r.len);
		ASSERT_EQ(0, memcmp(v->plain, r.data, r.len));
	}
}

TEST(seals_known_records)
{
	struct oracle_header h = {
		.type = DTLS_TYPE_DATA,
		.version = DTLS_1_2_VERSION,
		.epoch = 1,
	};
	const struct record_vector *v;
	__u8 buf[RECORD_ROOM];
	struct oracle_key k;
	unsigned int i;

	for (i = 0; i < nr_record_vectors; i++) {
		v = &record_vectors[i];
		vector_key(v, &k);
		h.seq = v->seq;
		memcpy(h.nonce, v->record + RECORD_HEADER, k.suite->explicit_len);
		ASSERT_EQ(v->len, oracle_seal_header(&k, &h, v->plain,
						     strlen(v->plain), buf));
		ASSERT_EQ(0, memcmp(v->record, buf, v->len));
	}
}

/* Each bit of a record counts. */
TEST(refuses_every_flipped_bit)
{
	static struct oracle_record r;
	const struct record_vector *v;
	__u8 buf[RECORD_ROOM];
	struct oracle_key k;
	unsigned int i;
	size_t bit;

	for (i = 0; i < nr_record_vectors; i++) {
		v = &record_vectors[i];
		vector_key(v, &k);
		memcpy(buf, v->record, v->len);
		for (bit = 0; bit < v->len * 8; bit++) {
			buf[bit / 8] ^= 1 << bit % 8;
			EXPECT_EQ(-1, oracle_open(&k, buf, v->len, &r))
				TH_LOG("suite %#x bit %zu", v->suite, bit);
			buf[bit / 8] ^= 1 << bit % 8;
		}
	}
}

TEST(explicit_nonces_differ)
{
	__u8 a[RECORD_ROOM], b[RECORD_ROOM];
	struct oracle_key k;

	oracle_key_init(&k, SUITE_AES_128_GCM, 1, 0);
	oracle_seal(&k, DTLS_TYPE_DATA, "x", 1, a);
	oracle_seal(&k, DTLS_TYPE_DATA, "x", 1, b);
	ASSERT_NE(0, memcmp(a + RECORD_HEADER, b + RECORD_HEADER, 8));
}

TEST_HARNESS_MAIN
