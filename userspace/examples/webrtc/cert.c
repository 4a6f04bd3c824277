// SPDX-License-Identifier: LGPL-2.1-or-later
/* A certificate of our own: nobody looks at more of it than its fingerprint. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#include "rtc.h"

char cert_print[3 * 32];

static int save(const char *file, const gnutls_datum_t *d)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n = fd < 0 ? -1 : write(fd, d->data, d->size);

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)d->size ? 0 : -1;
}

int cert_make(const char *cert_file, const char *key_file)
{
	gnutls_datum_t pem = { NULL, 0 };
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	uint8_t serial[9] = { 1 }, hash[32];
	size_t len = sizeof(hash), i;
	unsigned int bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);
	int ret;

	if (gnutls_x509_privkey_init(&key) || gnutls_x509_crt_init(&crt) ||
	    gnutls_rnd(GNUTLS_RND_NONCE, serial + 1, 8))
		return -1;
	ret = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, bits, 0);
	if (ret ||
	    gnutls_x509_crt_set_version(crt, 3) ||
	    gnutls_x509_crt_set_serial(crt, serial, sizeof(serial)) ||
	    gnutls_x509_crt_set_activation_time(crt, time(NULL) - 86400) ||
	    gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 30 * 86400) ||
	    gnutls_x509_crt_set_dn(crt, "CN=WebRTC", NULL) ||
	    gnutls_x509_crt_set_key(crt, key) ||
	    gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0) ||
	    gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, hash, &len))
		return -1;
	for (i = 0; i < sizeof(hash); i++)
		sprintf(cert_print + 3 * i, i < 31 ? "%02X:" : "%02X", hash[i]);
	ret = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem) ||
	      save(cert_file, &pem);
	gnutls_free(pem.data);
	if (!ret)
		ret = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem) ||
		      save(key_file, &pem);
	gnutls_memset(pem.data, 0, pem.size);
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	return ret ? -1 : 0;
}
