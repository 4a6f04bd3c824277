// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who the peer is, and whether it should be; whoever did the handshake. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#include "gnutls_internal.h"

static bool anyone_will_do(const kdtls_session *s)
{
	if (s->print_len)
		return false;
	return s->cfg->verify == KDTLS_VERIFY_NONE ||
	       (s->server && s->cfg->verify == KDTLS_VERIFY_DEFAULT);
}

int kdtls_set_fingerprint(kdtls_session *s, const char *algorithm,
			  const void *hash, size_t len)
{
	static const struct {
		const char *name;
		gnutls_digest_algorithm_t alg;
		size_t len;
	} algs[] = {
		{ "sha-256", GNUTLS_DIG_SHA256, 32 },
		{ "sha-384", GNUTLS_DIG_SHA384, 48 },
		{ "sha-512", GNUTLS_DIG_SHA512, 64 },
	};
	size_t i;

	if (s->begun || (s->server && s->cfg->verify != KDTLS_VERIFY_REQUIRE))
		return kdtls_fail(s, -EINVAL, "no certificate will be asked for");
	for (i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		if (!strcasecmp(algorithm, algs[i].name) && len == algs[i].len)
			break;
	if (i == sizeof(algs) / sizeof(algs[0]))
		return kdtls_fail(s, -EINVAL, "no such hash: %.32s", algorithm);
	s->print_alg = algs[i].alg;
	s->print_len = len;
	memcpy(s->print, hash, len);
	return 0;
}

/* RFC 8122 5: the hash is of the DER encoding of the peer's own certificate. */
static int verify_print(kdtls_session *s, const gnutls_datum_t *cert)
{
	uint8_t hash[64];

	if (!gnutls_hash_fast(s->print_alg, cert->data, cert->size, hash) &&
	    !memcmp(hash, s->print, s->print_len))
		return 0;
	kdtls_fail(s, -EKEYREJECTED,
		   "the peer's certificate has another fingerprint");
	return GNUTLS_E_CERTIFICATE_ERROR;
}

static int verify_rawpk(kdtls_session *s, const gnutls_datum_t *key)
{
	unsigned int i;

	for (i = 0; i < s->cfg->num_pins; i++)
		if (s->cfg->pins[i].size == key->size &&
		    !memcmp(s->cfg->pins[i].data, key->data, key->size))
			return 0;
	kdtls_fail(s, -EKEYREJECTED, s->cfg->num_pins ?
		   "the peer's raw public key is not one of those expected" :
		   "the peer has a raw public key, and none is expected");
	return GNUTLS_E_CERTIFICATE_ERROR;
}

/* Name and purpose that the certificate must have; returns how many. */
static unsigned int expectations(const kdtls_session *s,
				 gnutls_typed_vdata_st data[2])
{
	unsigned int n = 0;

	if (s->host) {
		data[n].type = GNUTLS_DT_DNS_HOSTNAME;
		data[n].data = (unsigned char *)s->host;
		data[n++].size = strlen(s->host);
	}
	data[n].type = GNUTLS_DT_KEY_PURPOSE_OID;
	data[n].data = (unsigned char *)(s->server ?
					 GNUTLS_KP_TLS_WWW_CLIENT :
					 GNUTLS_KP_TLS_WWW_SERVER);
	data[n].size = strlen((char *)data[n].data);
	return n + 1;
}

static int judge(kdtls_session *s, int ret, unsigned int status)
{
	gnutls_datum_t text;

	if (ret < 0) {
		kdtls_fail(s, -EKEYREJECTED, "the peer's certificate: %s",
			   gnutls_strerror(ret));
		return GNUTLS_E_CERTIFICATE_ERROR;
	}
	if (!status)
		return 0;
	if (status & GNUTLS_CERT_UNEXPECTED_OWNER) {
		kdtls_fail(s, -EKEYREJECTED,
			   "the peer's certificate is not for the name '%s'",
			   s->host);
	} else if (!gnutls_certificate_verification_status_print(status,
				GNUTLS_CRT_X509, &text, 0)) {
		kdtls_fail(s, -EKEYREJECTED, "%s", (char *)text.data);
		gnutls_free(text.data);
	} else {
		kdtls_fail(s, -EKEYREJECTED, "the peer's certificate is not trusted");
	}
	return GNUTLS_E_CERTIFICATE_ERROR;
}

/* Called by GnuTLS when the peer's certificate or raw key has come. */
int kdtls_verify_peer(gnutls_session_t tls)
{
	kdtls_session *s = gnutls_session_get_ptr(tls);
	gnutls_typed_vdata_st data[2];
	unsigned int status = 0, num;
	const gnutls_datum_t *certs;
	int ret;

	if (anyone_will_do(s))
		return 0;
	certs = gnutls_certificate_get_peers(tls, &num);
	if (!certs || !num) {
		kdtls_fail(s, -EKEYREJECTED, "the peer has sent no certificate");
		return GNUTLS_E_NO_CERTIFICATE_FOUND;
	}
	if (s->print_len)
		return verify_print(s, &certs[0]);
	if (gnutls_certificate_type_get2(tls, GNUTLS_CTYPE_PEERS) ==
	    GNUTLS_CRT_RAWPK)
		return verify_rawpk(s, &certs[0]);
	ret = gnutls_certificate_verify_peers(tls, data, expectations(s, data),
					      &status);
	return judge(s, ret, status);
}

/* The same for a chain that another library got. */
int kdtls_verify_chain(kdtls_session *s, const gnutls_datum_t *chain,
		       unsigned int num)
{
	gnutls_typed_vdata_st data[2];
	gnutls_x509_trust_list_t list;
	gnutls_x509_crt_t *certs;
	unsigned int status = 0, n;
	int ret = 0;

	if (anyone_will_do(s))
		return 0;
	if (s->print_len)
		return num && !verify_print(s, &chain[0]) ? 0 : -EKEYREJECTED;
	certs = calloc(num + 1, sizeof(*certs));
	if (!certs)
		return -ENOMEM;
	for (n = 0; n < num; n++) {
		ret = gnutls_x509_crt_init(&certs[n]);
		if (ret)
			break;
		ret = gnutls_x509_crt_import(certs[n], &chain[n],
					     GNUTLS_X509_FMT_DER);
		if (ret) {
			gnutls_x509_crt_deinit(certs[n]);
			break;
		}
	}
	if (!ret && !n)
		ret = GNUTLS_E_NO_CERTIFICATE_FOUND;
	if (!ret) {
		gnutls_certificate_get_trust_list(s->cfg->cert, &list);
		ret = gnutls_x509_trust_list_verify_crt2(list, certs, n, data,
							 expectations(s, data),
							 0, &status, NULL);
	}
	while (n--)
		gnutls_x509_crt_deinit(certs[n]);
	free(certs);
	return judge(s, ret, status) ? -EKEYREJECTED : 0;
}

/* Into @key, KDTLS_PSK_MAX bytes. */
int kdtls_find_psk(kdtls_session *s, const char *identity, uint8_t *key,
		   size_t *len)
{
	const struct kdtls_psk *psk = kdtls_config_find_psk(s->cfg, identity);

	*len = KDTLS_PSK_MAX;
	if (psk) {
		*len = psk->len;
		memcpy(key, psk->key, psk->len);
		return 0;
	}
	if (s->cfg->psk_fn && !s->cfg->psk_fn(s->cfg->psk_arg, identity, key, len) &&
	    *len && *len <= KDTLS_PSK_MAX)
		return 0;
	return kdtls_fail(s, -EKEYREJECTED, "unknown PSK identity '%.128s'",
			  identity);
}
