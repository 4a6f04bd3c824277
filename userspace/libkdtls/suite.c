// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The cipher suites whose records the kernel can seal: those of DTLS 1.2 with
 * one of five AEADs, and all five of DTLS 1.3.
 */
#include <string.h>

#include "internal.h"
#include "kdtls.h"

#define GCM_128(id, name) \
	{ id, KDTLS_AES_128_GCM, 16, 4, 8, 16, name }
#define GCM_256(id, name) \
	{ id, KDTLS_AES_256_GCM, 32, 4, 8, 16, name }
#define CHACHA(id, name) \
	{ id, KDTLS_CHACHA20_POLY1305, 32, 12, 0, 16, name }
#define CCM(id, name) \
	{ id, KDTLS_AES_128_CCM, 16, 4, 8, 16, name }
#define CCM_8(id, name) \
	{ id, KDTLS_AES_128_CCM_8, 16, 4, 8, 8, name }

static const struct kdtls_suite suites[] = {
	/* RFC 8446 B.4; the nonce has no explicit part there (RFC 9147 4) */
	{ 0x1301, KDTLS_AES_128_GCM, 16, 12, 0, 16, "TLS_AES_128_GCM_SHA256" },
	{ 0x1302, KDTLS_AES_256_GCM, 32, 12, 0, 16, "TLS_AES_256_GCM_SHA384" },
	{ 0x1303, KDTLS_CHACHA20_POLY1305, 32, 12, 0, 16,
	  "TLS_CHACHA20_POLY1305_SHA256" },
	{ 0x1304, KDTLS_AES_128_CCM, 16, 12, 0, 16, "TLS_AES_128_CCM_SHA256" },
	{ 0x1305, KDTLS_AES_128_CCM_8, 16, 12, 0, 8, "TLS_AES_128_CCM_8_SHA256" },
	/* RFC 5288 */
	GCM_128(0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256"),
	GCM_256(0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384"),
	GCM_128(0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
	GCM_256(0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
	/* RFC 5487 */
	GCM_128(0x00a8, "TLS_PSK_WITH_AES_128_GCM_SHA256"),
	GCM_256(0x00a9, "TLS_PSK_WITH_AES_256_GCM_SHA384"),
	GCM_128(0x00aa, "TLS_DHE_PSK_WITH_AES_128_GCM_SHA256"),
	GCM_256(0x00ab, "TLS_DHE_PSK_WITH_AES_256_GCM_SHA384"),
	GCM_128(0x00ac, "TLS_RSA_PSK_WITH_AES_128_GCM_SHA256"),
	GCM_256(0x00ad, "TLS_RSA_PSK_WITH_AES_256_GCM_SHA384"),
	/* RFC 5289 */
	GCM_128(0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
	GCM_256(0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
	GCM_128(0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
	GCM_256(0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
	/* RFC 6655 */
	CCM(0xc09c, "TLS_RSA_WITH_AES_128_CCM"),
	CCM(0xc09e, "TLS_DHE_RSA_WITH_AES_128_CCM"),
	CCM_8(0xc0a0, "TLS_RSA_WITH_AES_128_CCM_8"),
	CCM_8(0xc0a2, "TLS_DHE_RSA_WITH_AES_128_CCM_8"),
	CCM(0xc0a4, "TLS_PSK_WITH_AES_128_CCM"),
	CCM(0xc0a6, "TLS_DHE_PSK_WITH_AES_128_CCM"),
	CCM_8(0xc0a8, "TLS_PSK_WITH_AES_128_CCM_8"),
	CCM_8(0xc0aa, "TLS_PSK_DHE_WITH_AES_128_CCM_8"),
	/* RFC 7251 */
	CCM(0xc0ac, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM"),
	CCM_8(0xc0ae, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8"),
	/* RFC 7905 */
	CHACHA(0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
	CHACHA(0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
	CHACHA(0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
	CHACHA(0xccab, "TLS_PSK_WITH_CHACHA20_POLY1305_SHA256"),
	CHACHA(0xccac, "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256"),
	CHACHA(0xccad, "TLS_DHE_PSK_WITH_CHACHA20_POLY1305_SHA256"),
	CHACHA(0xccae, "TLS_RSA_PSK_WITH_CHACHA20_POLY1305_SHA256"),
	/* RFC 8442 */
	GCM_128(0xd001, "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256"),
	GCM_256(0xd002, "TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384"),
	CCM_8(0xd003, "TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256"),
	CCM(0xd005, "TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256"),
};

const struct kdtls_suite *kdtls_suite_find(uint16_t id)
{
	size_t i;

	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (suites[i].id == id)
			return &suites[i];
	return NULL;
}

const struct kdtls_suite *kdtls_suite_named(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (!strcmp(suites[i].name, name))
			return &suites[i];
	return NULL;
}

const char *kdtls_suite_name(uint16_t id)
{
	const struct kdtls_suite *suite = kdtls_suite_find(id);

	return suite ? suite->name : NULL;
}
