/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between libkdtls and a library of its own, libkdtls-wolfssl, that shakes hands
 * as DTLS 1.3 and does nothing else: no sockets, no files but own certificates, no
 * judgement of the peer's, no records once the handshake is over.  It is apart
 * because its wolfSSL may be under the GPL, and is loaded when it is asked for.
 */
#ifndef KDTLS_BACKEND_H
#define KDTLS_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/socket.h>

#define KDTLS_BACKEND_ABI	2
#define KDTLS_BACKEND_SYMBOL	"kdtls_backend_wolfssl"

struct kdtls_der {
	const uint8_t *data;
	size_t len;
};

enum kdtls_secret {
	KDTLS_SECRET_CLIENT_HANDSHAKE,
	KDTLS_SECRET_SERVER_HANDSHAKE,
	KDTLS_SECRET_CLIENT_TRAFFIC,
	KDTLS_SECRET_SERVER_TRAFFIC,
	KDTLS_SECRET_EXPORTER,
};

/* What the backend calls; all get @arg of struct kdtls_hands. */
struct kdtls_hands_calls {
	/* One record, or several; false: the session is lost. */
	bool (*send)(void *arg, const void *buf, size_t len);
	/* A datagram; 0: none now, negative: the session is lost. */
	ssize_t (*recv)(void *arg, void *buf, size_t len);
	/* A traffic secret has been derived; @suite is the one agreed upon. */
	void (*secret)(void *arg, enum kdtls_secret which, uint16_t suite,
		       const uint8_t *secret, size_t len);
	/* The peer's chain, its own first: 0 if we trust it. */
	int (*verify)(void *arg, const struct kdtls_der *chain, unsigned int n);
	/* The key of @identity, for a server: its length, or 0. */
	size_t (*find_psk)(void *arg, const char *identity, uint8_t *key,
			   size_t max);
};

/* One handshake to come.  Pointers need to last as long as the context. */
struct kdtls_hands {
	const struct kdtls_hands_calls *calls;
	void *arg;
	const char *host;		/* client: SNI, or NULL */
	const uint8_t *cid;		/* our connection ID; NULL: offer none */
	uint8_t cid_len;
	unsigned int mtu;
	/* server, after a cookie: the address it was made for */
	const struct sockaddr *peer;
	socklen_t peer_len;
	const uint8_t *cookie_key;	/* NULL: no cookie exchange */
	size_t cookie_key_len;
};

/* What all handshakes of a configuration have in common. */
struct kdtls_policy {
	bool server;
	const char *cert_file, *key_file;	/* or NULL */
	const char *suites;		/* names of IANA, comma; NULL: default */
	const char *alpn;		/* names, comma; NULL: none */
	bool alpn_must;
	const uint16_t *srtp;		/* profiles, in order */
	unsigned int num_srtp;
	bool ask_cert;			/* server: a certificate must come */
	const char *psk_identity;	/* client; NULL: none */
	const uint8_t *psk;
	size_t psk_len;
	bool have_psk;			/* server: find_psk() may know one */
};

struct kdtls_backend {
	unsigned int abi;
	const char *name;		/* with the library's version */
	void *(*context_new)(const struct kdtls_policy *policy, char *error,
			     size_t error_len);
	void (*context_free)(void *context);
	void *(*open)(void *context, const struct kdtls_hands *hands);
	/* From here on nothing is sent for this handshake. */
	void (*close)(void *hands);
	/* Another owner, another socket. */
	void (*move)(void *hands, const struct kdtls_hands_calls *calls,
		     void *arg);
	/* As far as the ClientHello: 1 if it had a good cookie, else 0. */
	int (*cookie)(void *hands);
	/* As far as it goes: 0 at the end, -EAGAIN, or an error with words. */
	int (*step)(void *hands, char *error, size_t error_len);
	/* Time has passed: send again. */
	int (*timeout)(void *hands);
	/* Acknowledgements are due in a quarter of the time. */
	bool (*quick)(void *hands);
	void (*set_mtu)(void *hands, unsigned int mtu);
	/* The CID in the records that we send; 0: none. */
	uint8_t (*cid)(void *hands, uint8_t *buf, size_t len);
	/* Was a CID of ours agreed upon? */
	bool (*cid_used)(void *hands);
	/* The SRTP profile agreed upon; 0 if none. */
	uint16_t (*srtp)(void *hands);
	/* The protocol agreed upon; "" if none. */
	void (*alpn)(void *hands, char *buf, size_t len);
};

#endif /* KDTLS_BACKEND_H */
