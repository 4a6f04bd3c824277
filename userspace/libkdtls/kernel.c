// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The socket options of dtls.ko.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include "internal.h"
#include "kdtls.h"

int kdtls_attach(int fd)
{
	static const char name[] = "dtls";

	if (setsockopt(fd, SOL_IP, DTLS_ULP, name, sizeof(name)) &&
	    errno != EEXIST)
		return -errno;
	return 0;
}

int kdtls_set_keys(int fd, const struct dtls_keys *tx,
		   const struct dtls_keys *rx)
{
	struct dtls_keys both[2] = { *tx, *rx };
	int ret = 0;

	if (setsockopt(fd, SOL_DTLS, DTLS_TXRX, both, sizeof(both)))
		ret = -errno;
	explicit_bzero(both, sizeof(both));
	return ret;
}

int kdtls_key_update(int fd, int both)
{
	int request = !!both;

	if (setsockopt(fd, SOL_DTLS, DTLS_KEY_UPDATE, &request, sizeof(request)))
		return -errno;
	return 0;
}

int kdtls_kernel_flight(int fd, const struct dtls_flight *flight, size_t len)
{
	if (setsockopt(fd, SOL_DTLS, DTLS_LAST_FLIGHT, flight, len))
		return -errno;
	return 0;
}

void kdtls_keys_init(struct dtls_keys *keys, const struct kdtls_suite *suite,
		     uint64_t epoch_seq, const uint8_t *key, const uint8_t *iv)
{
	memset(keys, 0, sizeof(*keys));
	keys->size = sizeof(*keys);
	keys->version = DTLS_1_2_VERSION;
	keys->cipher_suite = suite->id;
	keys->epoch = epoch_seq >> 48;
	keys->seq = epoch_seq & 0xffffffffffffULL;
	keys->key_len = suite->key_len;
	keys->iv_len = suite->iv_len;
	memcpy(keys->key, key, suite->key_len);
	memcpy(keys->iv, iv, suite->iv_len);
}
