/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the gnutls*.c files share. */
#ifndef KDTLS_GNUTLS_INTERNAL_H
#define KDTLS_GNUTLS_INTERNAL_H

#include <time.h>
#include <gnutls/gnutls.h>
#include <gnutls/dtls.h>

#include "internal.h"
#include "kdtls.h"

#define KDTLS_ALPN_MAX	16
#define KDTLS_PSK_MAX	512
#define KDTLS_COOKIE_LIFE_MS	60000

struct kdtls_psk {
	char *identity;
	uint8_t *key;
	size_t len;
};

struct kdtls_config {
	gnutls_certificate_credentials_t cert;
	bool have_ca, have_cert, have_rawpk;
	gnutls_datum_t *pins;		/* SubjectPublicKeyInfo, DER */
	unsigned int num_pins;
	struct kdtls_psk *psk;
	unsigned int num_psk;
	kdtls_psk_fn psk_fn;
	void *psk_arg;
	char *alpn_text;
	gnutls_datum_t alpn[KDTLS_ALPN_MAX];
	unsigned int num_alpn;
	bool alpn_must;
	char *priority;
	enum kdtls_verify verify;
	unsigned int mtu;
	unsigned int retransmit, total;
	bool tickets;
	gnutls_datum_t ticket_key;
	char error[256];
};

struct kdtls_session {
	kdtls_config *cfg;
	gnutls_session_t tls;
	gnutls_psk_client_credentials_t psk_client;
	gnutls_psk_server_credentials_t psk_server;
	const char *psk_identity;	/* client: the one offered */
	char *host;
	int fd;
	bool server;
	bool begun, done;
	int setup;			/* error of the making, told later */
	uint64_t deadline;		/* ms, CLOCK_MONOTONIC */
	uint64_t refused_at;		/* ms; when an alert in the clear came */
	int soft_errno;			/* last error that was taken for a loss */
	unsigned int refused;
	bool heard;			/* a datagram of the peer has come */
	uint8_t *first;			/* the ClientHello that kdtls_accept() took */
	size_t first_len;
	uint8_t *dgram;			/* KDTLS_DATAGRAM_MAX bytes */
	uint8_t *out;			/* records that wait to be sent together */
	size_t out_len;
	struct kdtls_watch watch;
	unsigned int flight_records;
	char error[256];
};

int kdtls_config_fail(kdtls_config *cfg, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int kdtls_fail(kdtls_session *s, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
const struct kdtls_psk *kdtls_config_find_psk(const kdtls_config *cfg,
					      const char *identity);
int kdtls_config_priority(const kdtls_config *cfg, bool server, char **out);
kdtls_session *kdtls_session_new(kdtls_config *cfg, int fd, bool server);
uint64_t kdtls_now_ms(void);

#endif /* KDTLS_GNUTLS_INTERNAL_H */
