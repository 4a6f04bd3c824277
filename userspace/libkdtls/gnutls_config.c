// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Credentials and policy, as GnuTLS wants them.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <gnutls/abstract.h>

#include "gnutls_internal.h"

/*
 * What the kernel can seal, fastest first, and forward secrecy always.  CCM_8
 * comes last for its short tag, but constrained peers have nothing else (RFC
 * 7925 4.2).
 */
#define PRIORITY_BASE \
	"NORMAL:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:" \
	"+AES-128-CCM:+AES-128-CCM-8:-MAC-ALL:+AEAD:-RSA"
/* Comes last, so that no string of the user's can bring back another. */
#define PRIORITY_VERSION	":-VERS-ALL:+VERS-DTLS1.2"

int kdtls_config_fail(kdtls_config *cfg, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cfg->error, sizeof(cfg->error), fmt, ap);
	va_end(ap);
	return err;
}

/* GnuTLS says "file error" for whatever open() did not like. */
static int check_file(kdtls_config *cfg, const char *file)
{
	int err;

	if (!file)
		return kdtls_config_fail(cfg, -EINVAL, "no file name given");
	if (access(file, R_OK)) {
		err = errno;
		return kdtls_config_fail(cfg, -err, "%s: %s", file,
					 strerror(err));
	}
	return 0;
}

kdtls_config *kdtls_config_new(void)
{
	kdtls_config *cfg = calloc(1, sizeof(*cfg));

	if (!cfg)
		return NULL;
	cfg->refs = 1;
	if (gnutls_certificate_allocate_credentials(&cfg->cert)) {
		free(cfg);
		return NULL;
	}
	if (gnutls_session_ticket_key_generate(&cfg->ticket_key)) {
		gnutls_certificate_free_credentials(cfg->cert);
		free(cfg);
		return NULL;
	}
	/* For DHE with clients that do not say which groups they know. */
	gnutls_certificate_set_known_dh_params(cfg->cert,
					       GNUTLS_SEC_PARAM_MEDIUM);
	cfg->mtu = KDTLS_MTU_DEFAULT;
	cfg->retransmit = KDTLS_RETRANSMIT_DEFAULT;
	cfg->total = KDTLS_TIMEOUT_DEFAULT;
	cfg->tickets = true;
	cfg->min_version = DTLS_1_2_VERSION;
	cfg->max_version = DTLS_1_2_VERSION;
	cfg->cid_len = -1;
	return cfg;
}

/* It lives until kdtls_config_free() has been called once more. */
kdtls_config *kdtls_config_get(kdtls_config *cfg)
{
	__atomic_add_fetch(&cfg->refs, 1, __ATOMIC_RELAXED);
	return cfg;
}

void kdtls_config_free(kdtls_config *cfg)
{
	unsigned int i;

	if (!cfg || __atomic_sub_fetch(&cfg->refs, 1, __ATOMIC_ACQ_REL))
		return;
	kdtls_backend_release(cfg);
	gnutls_certificate_free_credentials(cfg->cert);
	for (i = 0; i < cfg->num_pins; i++)
		gnutls_free(cfg->pins[i].data);
	free(cfg->pins);
	for (i = 0; i < cfg->num_psk; i++) {
		explicit_bzero(cfg->psk[i].key, cfg->psk[i].len);
		free(cfg->psk[i].key);
		free(cfg->psk[i].identity);
	}
	free(cfg->psk);
	free(cfg->alpn_text);
	free(cfg->alpn_list);
	free(cfg->suites);
	free(cfg->cert_file);
	free(cfg->key_file);
	free(cfg->priority);
	explicit_bzero(cfg->ticket_key.data, cfg->ticket_key.size);
	gnutls_free(cfg->ticket_key.data);
	free(cfg);
}

const char *kdtls_config_error(const kdtls_config *cfg)
{
	return cfg->error;
}

int kdtls_config_add_ca_file(kdtls_config *cfg, const char *file)
{
	int ret = check_file(cfg, file);

	if (ret)
		return ret;
	ret = gnutls_certificate_set_x509_trust_file(cfg->cert, file,
						     GNUTLS_X509_FMT_PEM);
	if (ret <= 0)
		return kdtls_config_fail(cfg, -EINVAL,
					 "%s: no certificate in it", file);
	cfg->have_ca = true;
	return ret;
}

int kdtls_config_add_ca_system(kdtls_config *cfg)
{
	int ret = gnutls_certificate_set_x509_system_trust(cfg->cert);

	if (ret <= 0)
		return kdtls_config_fail(cfg, -ENOENT,
					 "the system has no list of trusted certificates");
	cfg->have_ca = true;
	return ret;
}

int kdtls_config_set_cert(kdtls_config *cfg, const char *cert_file,
			  const char *key_file)
{
	int ret = check_file(cfg, cert_file);

	if (!ret)
		ret = check_file(cfg, key_file);
	if (ret)
		return ret;
	ret = gnutls_certificate_set_x509_key_file(cfg->cert, cert_file,
						   key_file,
						   GNUTLS_X509_FMT_PEM);
	if (ret < 0)
		return kdtls_config_fail(cfg, -EINVAL, "%s, %s: %s", cert_file,
					 key_file, gnutls_strerror(ret));
	if (!cfg->cert_file) {
		cfg->cert_file = strdup(cert_file);
		cfg->key_file = strdup(key_file);
		if (!cfg->cert_file || !cfg->key_file)
			return kdtls_config_fail(cfg, -ENOMEM, "out of memory");
	}
	cfg->have_cert = true;
	return 0;
}

int kdtls_config_set_rawpk(kdtls_config *cfg, const char *key_file)
{
	gnutls_datum_t pem = { NULL, 0 }, pub = { NULL, 0 };
	gnutls_privkey_t key = NULL;
	gnutls_pubkey_t pubkey = NULL;
	int ret = check_file(cfg, key_file);

	if (ret)
		return ret;
	ret = gnutls_load_file(key_file, &pem);
	if (!ret)
		ret = gnutls_privkey_init(&key);
	if (!ret)
		ret = gnutls_privkey_import_x509_raw(key, &pem,
						     GNUTLS_X509_FMT_PEM, NULL,
						     0);
	if (!ret)
		ret = gnutls_pubkey_init(&pubkey);
	if (!ret)
		ret = gnutls_pubkey_import_privkey(pubkey, key, 0, 0);
	if (!ret)
		ret = gnutls_pubkey_export2(pubkey, GNUTLS_X509_FMT_PEM, &pub);
	if (!ret)
		ret = gnutls_certificate_set_rawpk_key_mem(cfg->cert, &pub,
							   &pem,
							   GNUTLS_X509_FMT_PEM,
							   NULL, 0, NULL, 0, 0);
	if (pubkey)
		gnutls_pubkey_deinit(pubkey);
	if (key)
		gnutls_privkey_deinit(key);
	gnutls_free(pub.data);
	if (pem.data)
		explicit_bzero(pem.data, pem.size);
	gnutls_free(pem.data);
	if (ret < 0)
		return kdtls_config_fail(cfg, -EINVAL, "%s: %s", key_file,
					 gnutls_strerror(ret));
	cfg->have_rawpk = true;
	return 0;
}

int kdtls_config_add_peer_rawpk(kdtls_config *cfg, const char *file)
{
	gnutls_datum_t text = { NULL, 0 }, der = { NULL, 0 }, *pins;
	gnutls_pubkey_t pubkey = NULL;
	int ret = check_file(cfg, file);

	if (ret)
		return ret;
	ret = gnutls_load_file(file, &text);
	if (!ret)
		ret = gnutls_pubkey_init(&pubkey);
	if (!ret) {
		ret = gnutls_pubkey_import(pubkey, &text, GNUTLS_X509_FMT_PEM);
		if (ret)
			ret = gnutls_pubkey_import(pubkey, &text,
						   GNUTLS_X509_FMT_DER);
	}
	if (!ret)
		ret = gnutls_pubkey_export2(pubkey, GNUTLS_X509_FMT_DER, &der);
	if (pubkey)
		gnutls_pubkey_deinit(pubkey);
	gnutls_free(text.data);
	if (ret)
		return kdtls_config_fail(cfg, -EINVAL,
					 "%s: no public key in it", file);
	pins = realloc(cfg->pins, (cfg->num_pins + 1) * sizeof(*pins));
	if (!pins) {
		gnutls_free(der.data);
		return kdtls_config_fail(cfg, -ENOMEM, "out of memory");
	}
	cfg->pins = pins;
	pins[cfg->num_pins++] = der;
	return 0;
}

int kdtls_config_add_psk(kdtls_config *cfg, const char *identity,
			 const void *key, size_t len)
{
	struct kdtls_psk *psk;

	/* A NUL would end the identity in C and not on the wire. */
	if (!identity || !*identity || strlen(identity) > 128)
		return kdtls_config_fail(cfg, -EINVAL,
					 "a PSK identity has 1 to 128 bytes");
	if (!len || len > KDTLS_PSK_MAX)
		return kdtls_config_fail(cfg, -EINVAL,
					 "a PSK has 1 to %d bytes",
					 KDTLS_PSK_MAX);
	psk = realloc(cfg->psk, (cfg->num_psk + 1) * sizeof(*psk));
	if (!psk)
		return kdtls_config_fail(cfg, -ENOMEM, "out of memory");
	cfg->psk = psk;
	psk += cfg->num_psk;
	psk->identity = strdup(identity);
	psk->key = malloc(len);
	if (!psk->identity || !psk->key) {
		free(psk->identity);
		free(psk->key);
		return kdtls_config_fail(cfg, -ENOMEM, "out of memory");
	}
	memcpy(psk->key, key, len);
	psk->len = len;
	cfg->num_psk++;
	return 0;
}

const struct kdtls_psk *kdtls_config_find_psk(const kdtls_config *cfg,
					      const char *identity)
{
	unsigned int i = cfg->num_psk;

	while (i--)
		if (!strcmp(cfg->psk[i].identity, identity))
			return &cfg->psk[i];
	return NULL;
}

void kdtls_config_set_psk_fn(kdtls_config *cfg, kdtls_psk_fn fn, void *arg)
{
	cfg->psk_fn = fn;
	cfg->psk_arg = arg;
}

int kdtls_config_set_alpn(kdtls_config *cfg, const char *list, int must)
{
	char *text = strdup(list), *save = NULL, *name;
	unsigned int n = 0;

	if (!text)
		return kdtls_config_fail(cfg, -ENOMEM, "out of memory");
	free(cfg->alpn_text);
	cfg->alpn_text = text;
	free(cfg->alpn_list);
	cfg->alpn_list = strdup(list);
	if (!cfg->alpn_list)
		return kdtls_config_fail(cfg, -ENOMEM, "out of memory");
	cfg->num_alpn = 0;
	for (name = strtok_r(text, ",", &save); name;
	     name = strtok_r(NULL, ",", &save)) {
		if (n == KDTLS_ALPN_MAX || strlen(name) > 255)
			return kdtls_config_fail(cfg, -EINVAL,
						 "ALPN takes up to %d names of up to 255 bytes",
						 KDTLS_ALPN_MAX);
		cfg->alpn[n].data = (unsigned char *)name;
		cfg->alpn[n++].size = strlen(name);
	}
	if (!n)
		return kdtls_config_fail(cfg, -EINVAL, "no ALPN name given");
	cfg->num_alpn = n;
	cfg->alpn_must = must;
	return 0;
}

int kdtls_config_set_priority(kdtls_config *cfg, const char *prio)
{
	char *old = cfg->priority, *full;
	const char *where = NULL;
	gnutls_priority_t p;
	int ret;

	cfg->priority = strdup(prio);
	if (!cfg->priority) {
		cfg->priority = old;
		return kdtls_config_fail(cfg, -ENOMEM, "out of memory");
	}
	ret = kdtls_config_priority(cfg, false, &full);
	if (!ret) {
		ret = gnutls_priority_init(&p, full, &where);
		if (!ret)
			gnutls_priority_deinit(p);
		else
			ret = kdtls_config_fail(cfg, -EINVAL,
						"priority string: error at '%s'",
						where ? where : prio);
		free(full);
	}
	if (ret) {
		free(cfg->priority);
		cfg->priority = old;
		return ret;
	}
	free(old);
	return 0;
}

/* The whole priority string; *@out is the caller's to free. */
int kdtls_config_priority(const kdtls_config *cfg, bool server, char **out)
{
	const char *user = cfg->priority ? cfg->priority : "";
	bool whole = *user && *user != '+' && *user != '-';
	bool psk = cfg->num_psk || (server && cfg->psk_fn);
	/* A client with a PSK wants to use it; a server may offer both. */
	bool only_psk = psk && (!server || (!cfg->have_cert && !cfg->have_rawpk));
	bool raw = cfg->have_rawpk || cfg->num_pins;
	char *s;

	if (asprintf(&s, "%s%s%s%s%s%s", whole ? user : PRIORITY_BASE,
		     whole || !only_psk ? "" : ":-KX-ALL",
		     whole || !psk ? "" : ":+ECDHE-PSK:+DHE-PSK:+PSK",
		     whole || !raw ? "" :
		     (cfg->have_cert || cfg->have_ca) ?
		     ":+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK" :
		     ":-CTYPE-ALL:+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK",
		     whole || !*user ? "" : *user == '+' || *user == '-' ?
		     ":" : "",
		     whole ? "" : user) < 0)
		return -ENOMEM;
	if (asprintf(out, "%s" PRIORITY_VERSION, s) < 0) {
		free(s);
		return -ENOMEM;
	}
	free(s);
	return 0;
}

int kdtls_config_set_versions(kdtls_config *cfg, uint16_t min, uint16_t max)
{
	int ret;

	/* They count downwards on the wire. */
	if ((min != DTLS_1_2_VERSION && min != DTLS_1_3_VERSION) ||
	    (max != DTLS_1_2_VERSION && max != DTLS_1_3_VERSION) || max > min)
		return kdtls_config_fail(cfg, -EINVAL, "versions: 1.2, 1.3, or both");
	if (max == DTLS_1_3_VERSION) {
		ret = kdtls_backend_load(cfg);
		if (ret && min == DTLS_1_3_VERSION)
			return ret;
		if (ret)
			max = DTLS_1_2_VERSION;
	}
	cfg->min_version = min;
	cfg->max_version = max;
	return 0;
}

int kdtls_config_set_suites(kdtls_config *cfg, const char *list)
{
	char *text = strdup(list), *copy = strdup(list), *save = NULL, *name;
	const struct kdtls_suite *suite;
	int ret = 0;

	if (!text || !copy)
		ret = kdtls_config_fail(cfg, -ENOMEM, "out of memory");
	for (name = ret ? NULL : strtok_r(text, ",", &save); name;
	     name = strtok_r(NULL, ",", &save)) {
		suite = kdtls_suite_named(name);
		if (!suite || !kdtls_suite_is_13(suite)) {
			ret = kdtls_config_fail(cfg, -EINVAL,
						"no suite of DTLS 1.3: '%s'", name);
			break;
		}
	}
	free(text);
	if (ret) {
		free(copy);
		return ret;
	}
	free(cfg->suites);
	cfg->suites = copy;
	return 0;
}

int kdtls_config_set_cid(kdtls_config *cfg, int len)
{
	if (len < -1 || len > DTLS_CID_MAX)
		return kdtls_config_fail(cfg, -EINVAL,
					 "a connection ID has 0 to %d bytes",
					 DTLS_CID_MAX);
	cfg->cid_len = len;
	return 0;
}

void kdtls_config_set_verify(kdtls_config *cfg, enum kdtls_verify how)
{
	cfg->verify = how;
}

int kdtls_config_set_mtu(kdtls_config *cfg, unsigned int mtu)
{
	if (mtu < KDTLS_MTU_MIN || mtu > 16384)
		return kdtls_config_fail(cfg, -EINVAL,
					 "MTU: %d to 16384 bytes",
					 KDTLS_MTU_MIN);
	cfg->mtu = mtu;
	return 0;
}

void kdtls_config_set_timeouts(kdtls_config *cfg, unsigned int retransmit,
			       unsigned int total)
{
	if (retransmit)
		cfg->retransmit = retransmit;
	if (total)
		cfg->total = total;
}

void kdtls_config_set_tickets(kdtls_config *cfg, int on)
{
	cfg->tickets = on;
}
