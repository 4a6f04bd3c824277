/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of everything that holds for each cipher, address family and far
 * end. One program includes this once, after kselftest_harness.h.
 */
#ifndef SELFTESTS_LIB_MATRIX_H
#define SELFTESTS_LIB_MATRIX_H

#include "pair.h"

FIXTURE(matrix) {
	struct dtls_pair p;
};

FIXTURE_VARIANT(matrix) {
	__u16 suite;
	int family;
	bool far_kernel;
};

FIXTURE_VARIANT_ADD(matrix, gcm128_v4_kernel) { SUITE_AES_128_GCM, FAMILY_V4, true };
FIXTURE_VARIANT_ADD(matrix, gcm128_v4_user) { SUITE_AES_128_GCM, FAMILY_V4, false };
FIXTURE_VARIANT_ADD(matrix, gcm128_v6_kernel) { SUITE_AES_128_GCM, FAMILY_V6, true };
FIXTURE_VARIANT_ADD(matrix, gcm128_v6_user) { SUITE_AES_128_GCM, FAMILY_V6, false };
FIXTURE_VARIANT_ADD(matrix, gcm128_mapped_kernel) { SUITE_AES_128_GCM, FAMILY_MAPPED, true };
FIXTURE_VARIANT_ADD(matrix, gcm128_mapped_user) { SUITE_AES_128_GCM, FAMILY_MAPPED, false };

FIXTURE_VARIANT_ADD(matrix, gcm256_v4_kernel) { SUITE_AES_256_GCM, FAMILY_V4, true };
FIXTURE_VARIANT_ADD(matrix, gcm256_v4_user) { SUITE_AES_256_GCM, FAMILY_V4, false };
FIXTURE_VARIANT_ADD(matrix, gcm256_v6_kernel) { SUITE_AES_256_GCM, FAMILY_V6, true };
FIXTURE_VARIANT_ADD(matrix, gcm256_v6_user) { SUITE_AES_256_GCM, FAMILY_V6, false };
FIXTURE_VARIANT_ADD(matrix, gcm256_mapped_kernel) { SUITE_AES_256_GCM, FAMILY_MAPPED, true };
FIXTURE_VARIANT_ADD(matrix, gcm256_mapped_user) { SUITE_AES_256_GCM, FAMILY_MAPPED, false };

FIXTURE_VARIANT_ADD(matrix, chacha_v4_kernel) { SUITE_CHACHA20, FAMILY_V4, true };
FIXTURE_VARIANT_ADD(matrix, chacha_v4_user) { SUITE_CHACHA20, FAMILY_V4, false };
FIXTURE_VARIANT_ADD(matrix, chacha_v6_kernel) { SUITE_CHACHA20, FAMILY_V6, true };
FIXTURE_VARIANT_ADD(matrix, chacha_v6_user) { SUITE_CHACHA20, FAMILY_V6, false };
FIXTURE_VARIANT_ADD(matrix, chacha_mapped_kernel) { SUITE_CHACHA20, FAMILY_MAPPED, true };
FIXTURE_VARIANT_ADD(matrix, chacha_mapped_user) { SUITE_CHACHA20, FAMILY_MAPPED, false };

FIXTURE_VARIANT_ADD(matrix, ccm_v4_kernel) { SUITE_AES_128_CCM, FAMILY_V4, true };
FIXTURE_VARIANT_ADD(matrix, ccm_v4_user) { SUITE_AES_128_CCM, FAMILY_V4, false };
FIXTURE_VARIANT_ADD(matrix, ccm_v6_kernel) { SUITE_AES_128_CCM, FAMILY_V6, true };
FIXTURE_VARIANT_ADD(matrix, ccm_v6_user) { SUITE_AES_128_CCM, FAMILY_V6, false };
FIXTURE_VARIANT_ADD(matrix, ccm_mapped_kernel) { SUITE_AES_128_CCM, FAMILY_MAPPED, true };
FIXTURE_VARIANT_ADD(matrix, ccm_mapped_user) { SUITE_AES_128_CCM, FAMILY_MAPPED, false };

FIXTURE_VARIANT_ADD(matrix, ccm8_v4_kernel) { SUITE_AES_128_CCM_8, FAMILY_V4, true };
FIXTURE_VARIANT_ADD(matrix, ccm8_v4_user) { SUITE_AES_128_CCM_8, FAMILY_V4, false };
FIXTURE_VARIANT_ADD(matrix, ccm8_v6_kernel) { SUITE_AES_128_CCM_8, FAMILY_V6, true };
FIXTURE_VARIANT_ADD(matrix, ccm8_v6_user) { SUITE_AES_128_CCM_8, FAMILY_V6, false };
FIXTURE_VARIANT_ADD(matrix, ccm8_mapped_kernel) { SUITE_AES_128_CCM_8, FAMILY_MAPPED, true };
FIXTURE_VARIANT_ADD(matrix, ccm8_mapped_user) { SUITE_AES_128_CCM_8, FAMILY_MAPPED, false };

FIXTURE_SETUP(matrix)
{
	netns_new();
	pair_open(&self->p, variant->suite, variant->family,
		  variant->far_kernel);
}

FIXTURE_TEARDOWN(matrix)
{
	pair_close(&self->p);
}

#endif /* SELFTESTS_LIB_MATRIX_H */
