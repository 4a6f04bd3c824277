// SPDX-License-Identifier: GPL-2.0-only
/* For a library that wants one for each of its suites. */
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "bench.h"
#include "net.h"

void bench_certificate(unsigned char **cert, int *cert_len,
		       unsigned char **key, int *key_len)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *name;

	must(pkey && x);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -86400);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, pkey);
	name = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				   (const unsigned char *)"bench", -1, -1, 0);
	X509_set_issuer_name(x, name);
	must(X509_sign(x, pkey, EVP_sha256()));
	*cert = *key = NULL;
	*cert_len = i2d_X509(x, cert);
	*key_len = i2d_PrivateKey(pkey, key);
	must(*cert_len > 0 && *key_len > 0);
	X509_free(x);
	EVP_PKEY_free(pkey);
}
