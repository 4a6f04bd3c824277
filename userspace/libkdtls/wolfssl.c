// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DTLS 1.3 handshakes by wolfSSL: the backend of backend.h, in a library of its
 * own.  It uses what the library publishes and nothing else, so that it goes with
 * 5.5.4 as with later ones.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef WOLFSSL_USER_SETTINGS
#include <wolfssl/options.h>
#endif
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/ssl.h>
#include <wolfssl/error-ssl.h>

#include "backend.h"

#ifndef KDTLS_API
#define KDTLS_API __attribute__((visibility("default")))
#endif

/* The timers are the caller's: the library's, in seconds, only count. */
#define TIMEOUT_MAX	0x10000000

struct context {
	WOLFSSL_CTX *ctx;
	struct kdtls_policy policy;
	char suites[256];		/* wolfSSL's names */
	char psk_suite[64];		/* the first of them: it has one for a PSK */
};

struct hands {
	struct context *c;
	WOLFSSL *ssl;
	const struct kdtls_hands_calls *calls;
	void *arg;
	bool closed;
	bool lost;			/* send() or recv() said so */
	bool stop;			/* at a good ClientHello */
	bool stopped;
	uint8_t rx_cid[32];
};

/* ------------------------------------------------------------------------
 * What wolfSSL calls
 */

static int io_send(WOLFSSL *ssl, char *buf, int len, void *arg)
{
	struct hands *h = arg;

	(void)ssl;
	if (h->closed || !h->calls->send(h->arg, buf, len)) {
		h->lost = true;
		return WOLFSSL_CBIO_ERR_CONN_CLOSE;
	}
	return len;
}

static int io_recv(WOLFSSL *ssl, char *buf, int len, void *arg)
{
	struct hands *h = arg;
	ssize_t ret;

	(void)ssl;
	ret = h->closed ? -1 : h->calls->recv(h->arg, buf, len);
	if (!ret)
		return WOLFSSL_CBIO_ERR_WANT_READ;
	if (ret < 0) {
		h->lost = true;
		return WOLFSSL_CBIO_ERR_GENERAL;
	}
	return ret;
}

static int secret(WOLFSSL *ssl, int id, const unsigned char *secret, int len,
		  void *arg)
{
	struct hands *h = arg;
	enum kdtls_secret which;

	switch (id) {
	case CLIENT_HANDSHAKE_TRAFFIC_SECRET:
		which = KDTLS_SECRET_CLIENT_HANDSHAKE;
		break;
	case SERVER_HANDSHAKE_TRAFFIC_SECRET:
		which = KDTLS_SECRET_SERVER_HANDSHAKE;
		break;
	case CLIENT_TRAFFIC_SECRET:
		which = KDTLS_SECRET_CLIENT_TRAFFIC;
		break;
	case SERVER_TRAFFIC_SECRET:
		which = KDTLS_SECRET_SERVER_TRAFFIC;
		break;
	case EXPORTER_SECRET:
		which = KDTLS_SECRET_EXPORTER;
		break;
	default:
		return 0;
	}
	h->calls->secret(h->arg, which, wolfSSL_get_current_cipher_suite(ssl),
			 secret, len);
	return 0;
}

/*
 * Called for each certificate of the chain that wolfSSL has something against,
 * the peer's own last.  It has no trusted ones, so that it always is: whom to trust
 * is the caller's business.
 */
static int verify(int preverify, WOLFSSL_X509_STORE_CTX *store)
{
	struct hands *h = store->userCtx;
	struct kdtls_der chain[16];
	int i, n = store->totalCerts;

	(void)preverify;
	if (store->error_depth)
		return 1;
	/* A PSK was to be used, by both. */
	if (h->c->policy.psk_identity || n < 1 || n > 16)
		return 0;
	for (i = 0; i < n; i++) {
		chain[i].data = store->certs[i].buffer;
		chain[i].len = store->certs[i].length;
	}
	return !h->calls->verify(h->arg, chain, n);
}

static unsigned int psk_client(WOLFSSL *ssl, const char *hint, char *identity,
			       unsigned int identity_max, unsigned char *key,
			       unsigned int key_max, const char **suite)
{
	struct hands *h = wolfSSL_get_psk_callback_ctx(ssl);
	const struct kdtls_policy *p = &h->c->policy;

	(void)hint;
	if (p->psk_len > key_max || strlen(p->psk_identity) >= identity_max)
		return 0;
	*suite = h->c->psk_suite;
	snprintf(identity, identity_max, "%s", p->psk_identity);
	memcpy(key, p->psk, p->psk_len);
	return p->psk_len;
}

static unsigned int psk_server(WOLFSSL *ssl, const char *identity,
			       unsigned char *key, unsigned int key_max,
			       const char **suite)
{
	struct hands *h = wolfSSL_get_psk_callback_ctx(ssl);

	*suite = h->c->psk_suite;
	return h->calls->find_psk(h->arg, identity, key, key_max);
}

/* The ClientHello is good: with a cookie, if one was asked for. */
static int hello_good(WOLFSSL *ssl, void *arg)
{
	struct hands *h = arg;

	(void)ssl;
	if (!h->stop)
		return 0;
	h->stopped = true;
	return -1;
}

/* ------------------------------------------------------------------------
 * Context
 */

static int map_suites(const char *list, char *out, size_t len)
{
	static const char * const names[][2] = {
		{ "TLS_AES_128_GCM_SHA256", "TLS13-AES128-GCM-SHA256" },
		{ "TLS_AES_256_GCM_SHA384", "TLS13-AES256-GCM-SHA384" },
		{ "TLS_CHACHA20_POLY1305_SHA256", "TLS13-CHACHA20-POLY1305-SHA256" },
		{ "TLS_AES_128_CCM_SHA256", "TLS13-AES128-CCM-SHA256" },
		{ "TLS_AES_128_CCM_8_SHA256", "TLS13-AES128-CCM-8-SHA256" },
	};
	size_t n, i, used = 0;

	/* All but the last, which has to be asked for. */
	if (!list) {
		snprintf(out, len, "%s:%s:%s:%s", names[0][1], names[1][1],
			 names[2][1], names[3][1]);
		return 0;
	}
	for (*out = '\0'; *list; list += n + !!list[n]) {
		n = strcspn(list, ",");
		for (i = 0; i < 5; i++)
			if (strlen(names[i][0]) == n &&
			    !memcmp(names[i][0], list, n))
				break;
		if (i == 5 || used + 40 > len)
			return -1;
		used += snprintf(out + used, len - used, "%s%s",
				 used ? ":" : "", names[i][1]);
	}
	return 0;
}

/*
 * 5.5.4 says 1 whether it has liked the list or not; these names it knows. Of more than
 * two it writes all of them several times into a ClientHello that has no room for it.
 */
static void use_srtp(WOLFSSL_CTX *ctx, const struct kdtls_policy *policy)
{
	char list[128] = "";
	unsigned int i, n = policy->num_srtp;
	size_t at = 0;

	if (!policy->server && n > 2)
		n = 2;
	for (i = 0; i < n; i++)
		at += snprintf(list + at, sizeof(list) - at, "%s%s",
			       at ? ":" : "",
			       policy->srtp[i] == SRTP_AEAD_AES_128_GCM ?
			       "SRTP_AEAD_AES_128_GCM" :
			       policy->srtp[i] == SRTP_AEAD_AES_256_GCM ?
			       "SRTP_AEAD_AES_256_GCM" :
			       "SRTP_AES128_CM_SHA1_80");
	if (at)
		wolfSSL_CTX_set_tlsext_use_srtp(ctx, list);
}

static void context_free(void *context)
{
	struct context *c = context;

	wolfSSL_CTX_free(c->ctx);
	free(c);
	wolfSSL_Cleanup();
}

static void *context_new(const struct kdtls_policy *policy, char *error,
			 size_t error_len)
{
	struct context *c = calloc(1, sizeof(*c));
	const char *what = "out of memory";

	if (!c || wolfSSL_Init() != WOLFSSL_SUCCESS) {
		snprintf(error, error_len, "%s", what);
		free(c);
		return NULL;
	}
	c->policy = *policy;
	c->ctx = wolfSSL_CTX_new(policy->server ? wolfDTLSv1_3_server_method() :
						  wolfDTLSv1_3_client_method());
	if (!c->ctx)
		goto error;
	what = "suites of DTLS 1.3";
	if (map_suites(policy->suites, c->suites, sizeof(c->suites)) ||
	    wolfSSL_CTX_set_cipher_list(c->ctx, c->suites) != WOLFSSL_SUCCESS)
		goto error;
	snprintf(c->psk_suite, sizeof(c->psk_suite), "%.*s",
		 (int)strcspn(c->suites, ":"), c->suites);
	what = policy->cert_file;
	if (what && wolfSSL_CTX_use_certificate_chain_file(c->ctx, what) !=
	    WOLFSSL_SUCCESS)
		goto error;
	what = policy->key_file;
	if (what && wolfSSL_CTX_use_PrivateKey_file(c->ctx, what,
						    WOLFSSL_FILETYPE_PEM) !=
	    WOLFSSL_SUCCESS)
		goto error;
	use_srtp(c->ctx, policy);
	if (!policy->server)
		wolfSSL_CTX_set_verify(c->ctx, WOLFSSL_VERIFY_PEER, verify);
	else if (policy->ask_cert)
		wolfSSL_CTX_set_verify(c->ctx, WOLFSSL_VERIFY_PEER |
				       WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT,
				       verify);
	else
		wolfSSL_CTX_set_verify(c->ctx, WOLFSSL_VERIFY_NONE, NULL);
	if (policy->server) {
		/*
		 * A ticket that gets lost after the hand-over is repeated by nobody,
		 * and bars the way to every later message (RFC 9147 5.2).
		 */
		wolfSSL_CTX_no_ticket_TLSv13(c->ctx);
		if (policy->have_psk)
			wolfSSL_CTX_set_psk_server_tls13_callback(c->ctx,
								  psk_server);
	} else if (policy->psk_identity) {
		wolfSSL_CTX_set_psk_client_tls13_callback(c->ctx, psk_client);
	}
	return c;
error:
	snprintf(error, error_len, "wolfSSL: %s", what);
	context_free(c);
	return NULL;
}

/* ------------------------------------------------------------------------
 * Handshake
 */

static void hands_close(void *hands)
{
	struct hands *h = hands;

	h->closed = true;
	wolfSSL_free(h->ssl);
	free(h);
}

static void *hands_open(void *context, const struct kdtls_hands *hands)
{
	struct context *c = context;
	struct hands *h = calloc(1, sizeof(*h));
	WOLFSSL *ssl;

	if (!h)
		return NULL;
	h->c = c;
	h->calls = hands->calls;
	h->arg = hands->arg;
	ssl = wolfSSL_new(c->ctx);
	h->ssl = ssl;
	if (!ssl) {
		free(h);
		return NULL;
	}
	wolfSSL_SSLSetIORecv(ssl, io_recv);
	wolfSSL_SSLSetIOSend(ssl, io_send);
	wolfSSL_SetIOReadCtx(ssl, h);
	wolfSSL_SetIOWriteCtx(ssl, h);
	wolfSSL_dtls_set_using_nonblock(ssl, 1);
	wolfSSL_SetCertCbCtx(ssl, h);
	wolfSSL_set_psk_callback_ctx(ssl, h);
	wolfDTLS_SetChGoodCb(ssl, hello_good, h);
	/* Without it there is no secret for exporters. */
	wolfSSL_KeepArrays(ssl);
	if (wolfSSL_set_tls13_secret_cb(ssl, secret, h) != WOLFSSL_SUCCESS ||
	    wolfSSL_dtls_set_timeout_max(ssl, TIMEOUT_MAX) != WOLFSSL_SUCCESS ||
	    wolfSSL_dtls_set_mtu(ssl, hands->mtu) != WOLFSSL_SUCCESS)
		goto error;
	if (hands->host && wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, hands->host,
					  strlen(hands->host)) != WOLFSSL_SUCCESS)
		goto error;
	if (c->policy.alpn &&
	    wolfSSL_UseALPN(ssl, (char *)c->policy.alpn, strlen(c->policy.alpn),
			    c->policy.alpn_must ?
			    WOLFSSL_ALPN_FAILED_ON_MISMATCH :
			    WOLFSSL_ALPN_CONTINUE_ON_MISMATCH) != WOLFSSL_SUCCESS)
		goto error;
	if (hands->cid) {
		memcpy(h->rx_cid, hands->cid, hands->cid_len);
		if (wolfSSL_dtls_cid_use(ssl) != WOLFSSL_SUCCESS ||
		    wolfSSL_dtls_cid_set(ssl, h->rx_cid, hands->cid_len) !=
		    WOLFSSL_SUCCESS)
			goto error;
	}
	if (c->policy.server && hands->cookie_key) {
		if (wolfSSL_dtls_set_peer(ssl, (void *)hands->peer,
					  hands->peer_len) != WOLFSSL_SUCCESS ||
		    wolfSSL_send_hrr_cookie(ssl, hands->cookie_key,
					    hands->cookie_key_len) !=
		    WOLFSSL_SUCCESS)
			goto error;
	} else if (c->policy.server) {
		wolfSSL_disable_hrr_cookie(ssl);
	}
	return h;
error:
	hands_close(h);
	return NULL;
}

static void hands_move(void *hands, const struct kdtls_hands_calls *calls,
		       void *arg)
{
	struct hands *h = hands;

	h->calls = calls;
	h->arg = arg;
}

static int hands_cookie(void *hands)
{
	struct hands *h = hands;

	h->stop = true;
	wolfSSL_accept(h->ssl);
	h->stop = false;
	return h->stopped;
}

static const char *alert_name(int alert)
{
	static const struct {
		int code;
		const char *name;
	} names[] = {
		{ 10, "Unexpected message" }, { 40, "Handshake failed" },
		{ 42, "Certificate is bad" }, { 46, "Unknown certificate" },
		{ 47, "Illegal parameter" }, { 48, "CA is unknown" },
		{ 50, "Decode error" }, { 51, "Decrypt error" },
		{ 70, "Error in protocol version" }, { 80, "Internal error" },
		{ 109, "An extension is missing" },
		{ 115, "The SRP/PSK username is missing or not known" },
		{ 116, "Certificate is required" },
		{ 120, "No supported application protocol could be negotiated" },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].code == alert)
			return names[i].name;
	return "unknown";
}

static int hands_step(void *hands, char *error, size_t error_len)
{
	struct hands *h = hands;
	WOLFSSL_ALERT_HISTORY alerts = { 0 };
	char text[WOLFSSL_MAX_ERROR_SZ];
	int ret, err;

	ret = h->c->policy.server ? wolfSSL_accept(h->ssl) :
				    wolfSSL_connect(h->ssl);
	if (ret == WOLFSSL_SUCCESS)
		return 0;
	err = wolfSSL_get_error(h->ssl, ret);
	if (!h->lost && (err == WOLFSSL_ERROR_WANT_READ ||
			 err == WOLFSSL_ERROR_WANT_WRITE))
		return -EAGAIN;
	alerts.last_rx.code = -1;
	wolfSSL_get_alert_history(h->ssl, &alerts);
	if (alerts.last_rx.code > 0) {
		snprintf(error, error_len, "the peer refused: alert %d, %s",
			 alerts.last_rx.code, alert_name(alerts.last_rx.code));
		return -ECONNABORTED;
	}
	wolfSSL_ERR_error_string(err, text);
	snprintf(error, error_len, "handshake: %s", text);
	return -EPROTO;
}

static int hands_timeout(void *hands)
{
	struct hands *h = hands;

	return wolfSSL_dtls_got_timeout(h->ssl) == WOLFSSL_SUCCESS ? 0 : -EIO;
}

static bool hands_quick(void *hands)
{
	return wolfSSL_dtls13_use_quick_timeout(((struct hands *)hands)->ssl);
}

static void hands_set_mtu(void *hands, unsigned int mtu)
{
	wolfSSL_dtls_set_mtu(((struct hands *)hands)->ssl, mtu);
}

static uint8_t hands_cid(void *hands, uint8_t *buf, size_t len)
{
	struct hands *h = hands;
	unsigned int n = 0;

	if (!wolfSSL_dtls_cid_is_enabled(h->ssl) ||
	    wolfSSL_dtls_cid_get_tx_size(h->ssl, &n) != WOLFSSL_SUCCESS ||
	    !n || n > len ||
	    wolfSSL_dtls_cid_get_tx(h->ssl, buf, len) != WOLFSSL_SUCCESS)
		return 0;
	return n;
}

static bool hands_cid_used(void *hands)
{
	return wolfSSL_dtls_cid_is_enabled(((struct hands *)hands)->ssl);
}

static uint16_t hands_srtp(void *hands)
{
	const WOLFSSL_SRTP_PROTECTION_PROFILE *p;

	p = wolfSSL_get_selected_srtp_profile(((struct hands *)hands)->ssl);
	return p ? p->id : 0;
}

static void hands_alpn(void *hands, char *buf, size_t len)
{
	unsigned short n = 0;
	char *name = NULL;

	*buf = '\0';
	if (wolfSSL_ALPN_GetProtocol(((struct hands *)hands)->ssl, &name, &n) ==
	    WOLFSSL_SUCCESS && name)
		snprintf(buf, len, "%.*s", n, name);
}

KDTLS_API extern const struct kdtls_backend kdtls_backend_wolfssl;
const struct kdtls_backend kdtls_backend_wolfssl = {
	.abi = KDTLS_BACKEND_ABI,
	.name = "wolfSSL " LIBWOLFSSL_VERSION_STRING,
	.context_new = context_new,
	.context_free = context_free,
	.open = hands_open,
	.close = hands_close,
	.move = hands_move,
	.cookie = hands_cookie,
	.step = hands_step,
	.timeout = hands_timeout,
	.quick = hands_quick,
	.set_mtu = hands_set_mtu,
	.cid = hands_cid,
	.cid_used = hands_cid_used,
	.srtp = hands_srtp,
	.alpn = hands_alpn,
};
