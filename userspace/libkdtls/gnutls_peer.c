// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What GnuTLS remembers of a session, for programs that ask before or after the
 * keys have gone into the kernel: the peer's certificates, exporters, channel
 * bindings, resumption.  None of it touches a record.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <gnutls/x509.h>

#include "gnutls_internal.h"

int kdtls_peer_cert(const kdtls_session *s, unsigned int n, const void **der,
		    size_t *len)
{
	const gnutls_datum_t *certs;
	unsigned int num = 0;

	if (!s->done)
		return -ENOTCONN;
	if (s->is13) {
		certs = s->chain;
		num = s->num_chain;
	} else {
		certs = gnutls_certificate_get_peers(s->tls, &num);
	}
	if (!certs || n >= num)
		return -ENOENT;
	*der = certs[n].data;
	*len = certs[n].size;
	return 0;
}

static int peer_x509(const kdtls_session *s, gnutls_x509_crt_t *crt)
{
	gnutls_datum_t d;
	const void *der;
	size_t len;
	int ret = kdtls_peer_cert(s, 0, &der, &len);

	if (ret)
		return ret;
	if (!s->is13 &&
	    gnutls_certificate_type_get2(s->tls, GNUTLS_CTYPE_PEERS) !=
	    GNUTLS_CRT_X509)
		return -ENOENT;
	if (gnutls_x509_crt_init(crt))
		return -ENOMEM;
	d.data = (void *)der;
	d.size = len;
	if (gnutls_x509_crt_import(*crt, &d, GNUTLS_X509_FMT_DER)) {
		gnutls_x509_crt_deinit(*crt);
		return -EINVAL;
	}
	return 0;
}

static int put_text(char *buf, size_t len, const char *prefix, const void *text,
		    size_t size)
{
	int n;

	/* An embedded NUL would make one name look like another. */
	if (memchr(text, '\0', size))
		return -EINVAL;
	n = snprintf(buf, len, "%s%.*s", prefix, (int)size, (const char *)text);
	return n < 0 || (size_t)n >= len ? -EOVERFLOW : 0;
}

int kdtls_peer_subject(const kdtls_session *s, char *buf, size_t len)
{
	gnutls_x509_crt_t crt;
	gnutls_datum_t dn;
	int ret;

	if (len)
		*buf = '\0';
	ret = peer_x509(s, &crt);
	if (ret)
		return ret;
	ret = gnutls_x509_crt_get_dn3(crt, &dn, 0);
	gnutls_x509_crt_deinit(crt);
	if (ret)
		return -ENOENT;
	ret = put_text(buf, len, "", dn.data, dn.size);
	gnutls_free(dn.data);
	return ret;
}

int kdtls_peer_san(const kdtls_session *s, unsigned int n, char *buf,
		   size_t len)
{
	char addr[INET6_ADDRSTRLEN];
	uint8_t san[1024];
	size_t size = sizeof(san) - 1;
	gnutls_x509_crt_t crt;
	int ret, type;

	if (len)
		*buf = '\0';
	ret = peer_x509(s, &crt);
	if (ret)
		return ret;
	type = gnutls_x509_crt_get_subject_alt_name(crt, n, san, &size, NULL);
	gnutls_x509_crt_deinit(crt);
	if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return -ENOENT;
	if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
		return -EOVERFLOW;
	if (type < 0)
		return -EINVAL;
	switch (type) {
	case GNUTLS_SAN_DNSNAME:
		return put_text(buf, len, "DNS:", san, size);
	case GNUTLS_SAN_RFC822NAME:
		return put_text(buf, len, "EMAIL:", san, size);
	case GNUTLS_SAN_URI:
		return put_text(buf, len, "URI:", san, size);
	case GNUTLS_SAN_IPADDRESS:
		if (size != 4 && size != 16)
			return -EINVAL;
		inet_ntop(size == 4 ? AF_INET : AF_INET6, san, addr,
			  sizeof(addr));
		return put_text(buf, len, "IP:", addr, strlen(addr));
	default:
		return put_text(buf, len, "OTHER:", "", 0);
	}
}

int kdtls_exporter(const kdtls_session *s, const char *label,
		   const void *context, size_t context_len, void *out,
		   size_t len)
{
	if (!s->done)
		return -ENOTCONN;
	/* RFC 8446 7.5: there no context and an empty one are the same. */
	if (s->is13)
		return kdtls_watch13_export(&s->watch13, label, context,
					    context ? context_len : 0, out,
					    len) ? -EINVAL : 0;
	if (gnutls_prf_rfc5705(s->tls, strlen(label), label, context_len,
			       context, len, out))
		return -EINVAL;
	return 0;
}

int kdtls_channel_binding(const kdtls_session *s, const char *type, void *buf,
			  size_t len)
{
	static const struct {
		const char *name;
		gnutls_channel_binding_t type;
	} types[] = {
		{ "tls-exporter", GNUTLS_CB_TLS_EXPORTER },
		{ "tls-unique", GNUTLS_CB_TLS_UNIQUE },
		{ "tls-server-end-point", GNUTLS_CB_TLS_SERVER_END_POINT },
	};
	gnutls_datum_t cb;
	size_t i, size;

	if (!s->done)
		return -ENOTCONN;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(type, types[i].name))
			break;
	if (i == sizeof(types) / sizeof(types[0]))
		return -ENOENT;
	if (s->is13) {
		/* RFC 9266 2; the others are of 1.2, or the certificate's. */
		if (types[i].type != GNUTLS_CB_TLS_EXPORTER)
			return -EOPNOTSUPP;
		if (len < 32)
			return -EOVERFLOW;
		return kdtls_exporter(s, "EXPORTER-Channel-Binding", NULL, 0,
				      buf, 32) ? -EOPNOTSUPP : 32;
	}
	/*
	 * RFC 9266 4.2 wants the extended master secret in 1.2, and without it
	 * neither binding names one connection only.
	 */
	if (types[i].type != GNUTLS_CB_TLS_SERVER_END_POINT &&
	    !gnutls_session_ext_master_secret_status(s->tls))
		return -EOPNOTSUPP;
	if (gnutls_session_channel_binding(s->tls, types[i].type, &cb))
		return -EOPNOTSUPP;
	size = cb.size;
	if (size <= len)
		memcpy(buf, cb.data, size);
	gnutls_free(cb.data);
	return size <= len ? (int)size : -EOVERFLOW;
}

int kdtls_get_resumption(const kdtls_session *s, void *buf, size_t len)
{
	gnutls_datum_t data;
	size_t size;

	if (!s->done)
		return -ENOTCONN;
	if (s->is13)
		return -EOPNOTSUPP;
	if (gnutls_session_get_data2(s->tls, &data))
		return -EOPNOTSUPP;
	size = data.size;
	if (size <= len)
		memcpy(buf, data.data, size);
	explicit_bzero(data.data, data.size);
	gnutls_free(data.data);
	return size <= len ? (int)size : -EOVERFLOW;
}

int kdtls_set_resumption(kdtls_session *s, const void *data, size_t len)
{
	if (s->begun)
		return -EALREADY;
	if (s->server || s->setup || s->setup13)
		return -EINVAL;
	/* It is a session of 1.2, and it is known that the server took it. */
	if (s->is13) {
		if (s->cfg->min_version == DTLS_1_3_VERSION)
			return -EINVAL;
		kdtls_end13(s);
		s->is13 = false;
		s->setup = kdtls_set_up(s);
		if (s->setup)
			return -EINVAL;
	}
	return gnutls_session_set_data(s->tls, data, len) ? -EINVAL : 0;
}
