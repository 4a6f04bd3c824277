/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cookie exchange of servers: gnutls_cookie.c. */
#ifndef KDTLS_GNUTLS_COOKIE_H
#define KDTLS_GNUTLS_COOKIE_H

#include "gnutls_internal.h"

/* Offset of client_random: after record and handshake header, and version. */
#define KDTLS_RANDOM_OFFSET	(13 + 12 + 2)
#define KDTLS_RANDOM_LEN	32

struct kdtls_cookies {
	kdtls_config *cfg;
	gnutls_datum_t key[2];		/* this one, the last one */
	uint64_t key_time;
	bool both;			/* versions */
	void *context13;		/* NULL: 1.2 only */
};

/* A ClientHello whose cookie is good. */
struct kdtls_hello {
	const uint8_t *data;
	size_t len;
	gnutls_dtls_prestate_st prestate;
	void *hands;			/* NULL: 1.2 */
	uint8_t cid[DTLS_CID_MAX], cid_len;
	char identity[129];		/* PSK that the client offers, and we know */
};

int kdtls_cookies_init(struct kdtls_cookies *c, kdtls_config *cfg);
int kdtls_cookies_config(struct kdtls_cookies *c, kdtls_config *cfg);
void kdtls_cookies_free(struct kdtls_cookies *c);
bool kdtls_is_hello(const uint8_t *p, size_t len);
int kdtls_cookies_check(struct kdtls_cookies *c, const struct sockaddr *peer,
			socklen_t peer_len, const uint8_t *data, size_t len,
			gnutls_push_func send, void *arg,
			struct kdtls_hello *hello);
void kdtls_cookies_drop(struct kdtls_cookies *c, struct kdtls_hello *hello);
int kdtls_cookies_begin(kdtls_session *s, struct kdtls_hello *hello);

#endif /* KDTLS_GNUTLS_COOKIE_H */
