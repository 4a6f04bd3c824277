// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-cflags: -fsanitize=address,undefined -fno-sanitize-recover=all */
/* kselftest-libs: -fsanitize=address,undefined -lcrypto */
/* kernel/hkdf.c, over OpenSSL's HMAC, against OpenSSL's own TLS13-KDF. */
#include <kselftest_harness.h>

#include "../../kernel/hkdf.c"
#include "../lib/die.c"
#include "../lib/oracle13.c"

static const struct {
	enum dtls_hkdf_hash hash;
	unsigned int secret_len;
	const char *name;
} hashes[] = {
	{ DTLS_HKDF_SHA256, 32, "SHA256" },
	{ DTLS_HKDF_SHA384, 48, "SHA384" },
};

static void fill(u8 *p, size_t len, unsigned int seed)
{
	while (len--) {
		seed = seed * 1664525 + 1013904223;
		*p++ = seed >> 24;
	}
}

TEST(every_suite)
{
	struct dtls_hkdf_keys got;
	const struct oracle13_suite *s;
	enum dtls_hkdf_hash hash;
	struct oracle13_key k;
	u8 next[48];
	unsigned int i, n;

	for (i = 0; i < oracle13_nr_suites; i++) {
		s = &oracle13_suites[i];
		hash = dtls_hkdf_hash(s->id);
		ASSERT_EQ(s->secret_len, dtls_hkdf_secret_len(hash));
		oracle13_key_init(&k, s->id, 3, i);
		for (n = 0; n < 5; n++) {
			memset(&got, 0xa5, sizeof(got));
			ASSERT_EQ(0, dtls_hkdf_keys(hash, k.secret,
						    s->secret_len, s->key_len,
						    12, s->key_len, &got));
			/* the oracle has zeros behind short keys, too */
			EXPECT_EQ(0, memcmp(k.key, got.key, 32));
			EXPECT_EQ(0, memcmp(k.iv, got.iv, 12));
			EXPECT_EQ(0, memcmp(k.sn, got.sn, 32));
			ASSERT_EQ(0, dtls_hkdf_next(hash, k.secret,
						    s->secret_len, next));
			oracle13_key_update(&k);
			ASSERT_EQ(0, memcmp(k.secret, next, s->secret_len));
		}
	}
	EXPECT_EQ(0, hash_transforms);
	EXPECT_EQ(0, hash_descs);
}

TEST(every_length)
{
	struct dtls_hkdf_keys got, none = {};
	u8 secret[48], want[32];
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(hashes); i++) {
		for (n = 1; n <= 32; n++) {
			fill(secret, sizeof(secret), n);
			ASSERT_EQ(0, dtls_hkdf_keys(hashes[i].hash, secret,
						    hashes[i].secret_len, n, 0,
						    0, &got));
			oracle13_expand(hashes[i].name, "dtls13", "key", secret,
					hashes[i].secret_len, want, n);
			ASSERT_EQ(0, memcmp(want, got.key, n));
			ASSERT_EQ(0, memcmp(none.key, got.key + n, 32 - n));
			ASSERT_EQ(0, memcmp(none.iv, got.iv, 12));
			ASSERT_EQ(0, memcmp(none.sn, got.sn, 32));
		}
	}
}

TEST(in_place)
{
	u8 secret[49], want[48];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hashes); i++) {
		unsigned int len = hashes[i].secret_len;

		fill(secret, sizeof(secret), i);
		secret[len] = 0x5a;
		oracle13_expand(hashes[i].name, "dtls13", "traffic upd", secret,
				len, want, len);
		ASSERT_EQ(0, dtls_hkdf_next(hashes[i].hash, secret, len, secret));
		EXPECT_EQ(0, memcmp(want, secret, len));
		EXPECT_EQ(0x5a, secret[len]);
	}
}

TEST(lengths_that_cannot_be)
{
	struct dtls_hkdf_keys got, none = {};
	u8 secret[64] = {}, next[64] = {};
	unsigned int i, len;

	for (i = 0; i < ARRAY_SIZE(hashes); i++) {
		for (len = 0; len < 64; len++) {
			memset(&got, 0xa5, sizeof(got));
			ASSERT_EQ(len == hashes[i].secret_len ? 0 : -EINVAL,
				  dtls_hkdf_keys(hashes[i].hash, secret, len, 16,
						 12, 16, &got));
			if (len != hashes[i].secret_len)
				ASSERT_EQ(0, memcmp(&none, &got, sizeof(got)));
			ASSERT_EQ(len == hashes[i].secret_len ? 0 : -EINVAL,
				  dtls_hkdf_next(hashes[i].hash, secret, len,
						 next));
		}
	}
	EXPECT_EQ(-EINVAL, dtls_hkdf_keys(0, secret, 32, 33, 12, 16, &got));
	EXPECT_EQ(-EINVAL, dtls_hkdf_keys(0, secret, 32, 16, 13, 16, &got));
	EXPECT_EQ(-EINVAL, dtls_hkdf_keys(0, secret, 32, 16, 12, 33, &got));
	EXPECT_EQ(0, hash_transforms);
}

/* Each call fails once: nothing is left behind, of keys or of memory. */
TEST(failures)
{
	struct dtls_hkdf_keys got, none = {};
	u8 secret[32] = { 1 }, next[32];
	int i, ret;

	hash_errno = -ENOMEM;
	for (i = 0; ; i++) {
		hash_fail_in = i;
		memset(&got, 0xa5, sizeof(got));
		ret = dtls_hkdf_keys(0, secret, 32, 16, 12, 16, &got);
		if (!ret)
			break;
		EXPECT_EQ(-ENOMEM, ret);
		EXPECT_EQ(0, memcmp(&none, &got, sizeof(got)));
		EXPECT_EQ(0, hash_transforms);
		EXPECT_EQ(0, hash_descs);
	}
	EXPECT_EQ(5, i);
	for (i = 0; ; i++) {
		hash_fail_in = i;
		memset(next, 0xa5, sizeof(next));
		ret = dtls_hkdf_next(0, secret, 32, next);
		if (!ret)
			break;
		EXPECT_EQ(-ENOMEM, ret);
		EXPECT_EQ(0xa5, next[0]);
		EXPECT_EQ(0, memcmp(next, next + 1, 31));
		EXPECT_EQ(0, hash_transforms);
		EXPECT_EQ(0, hash_descs);
	}
	EXPECT_EQ(3, i);
}

/* The block that was computed, of which the key is the beginning. */
TEST(wiped)
{
	struct dtls_hkdf_keys got;
	u8 secret[32] = { 1 };

	ASSERT_EQ(0, dtls_hkdf_keys(0, secret, 32, 16, 12, 16, &got));
	EXPECT_EQ(3 * DTLS_HKDF_SECRET_MAX, hash_wiped);
	EXPECT_EQ(0, hash_descs);
}

TEST_HARNESS_MAIN
