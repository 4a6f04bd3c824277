// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sessions with GnuTLS: the handshake, and the way into the kernel.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "gnutls_internal.h"

/* An alert in the clear proves nothing; nor does silence after it, but that long
 * a silence is an answer.
 */
#define ALERT_WAIT_MS	3000

uint64_t kdtls_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

int kdtls_fail(kdtls_session *s, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->error, sizeof(s->error), fmt, ap);
	va_end(ap);
	return err;
}

static int find_psk(gnutls_session_t tls, const char *identity,
		    gnutls_datum_t *key)
{
	size_t len;

	key->data = gnutls_malloc(KDTLS_PSK_MAX);
	if (!key->data)
		return -1;
	if (kdtls_find_psk(gnutls_session_get_ptr(tls), identity, key->data,
			   &len)) {
		gnutls_free(key->data);
		key->data = NULL;
		return -1;
	}
	key->size = len;
	return 0;
}

/* ------------------------------------------------------------------------
 * Life of a session
 */

static int set_credentials(kdtls_session *s)
{
	kdtls_config *cfg = s->cfg;
	const struct kdtls_psk *psk;
	gnutls_datum_t key;
	int ret;

	ret = gnutls_credentials_set(s->tls, GNUTLS_CRD_CERTIFICATE, cfg->cert);
	if (ret)
		return ret;
	if (s->server && (cfg->num_psk || cfg->psk_fn)) {
		ret = gnutls_psk_allocate_server_credentials(&s->psk_server);
		if (ret)
			return ret;
		gnutls_psk_set_server_credentials_function(s->psk_server,
							   find_psk);
		/* Without parameters there is no DHE-PSK. */
		gnutls_psk_set_server_known_dh_params(s->psk_server,
						      GNUTLS_SEC_PARAM_MEDIUM);
		return gnutls_credentials_set(s->tls, GNUTLS_CRD_PSK,
					      s->psk_server);
	}
	if (!s->server && cfg->num_psk) {
		psk = &cfg->psk[cfg->num_psk - 1];
		s->psk_identity = psk->identity;
		ret = gnutls_psk_allocate_client_credentials(&s->psk_client);
		if (ret)
			return ret;
		key.data = psk->key;
		key.size = psk->len;
		ret = gnutls_psk_set_client_credentials(s->psk_client,
							psk->identity, &key,
							GNUTLS_PSK_KEY_RAW);
		if (ret)
			return ret;
		return gnutls_credentials_set(s->tls, GNUTLS_CRD_PSK,
					      s->psk_client);
	}
	return 0;
}

bool kdtls_is_address(const char *host)
{
	struct in6_addr addr;

	return inet_pton(AF_INET, host, &addr) == 1 ||
	       inet_pton(AF_INET6, host, &addr) == 1;
}

int kdtls_set_up(kdtls_session *s)
{
	kdtls_config *cfg = s->cfg;
	char *prio;
	int ret;

	ret = gnutls_init(&s->tls, GNUTLS_DATAGRAM | GNUTLS_NONBLOCK |
			  GNUTLS_NO_SIGNAL | GNUTLS_ENABLE_RAWPK |
			  (s->server ? GNUTLS_SERVER : GNUTLS_CLIENT));
	if (ret)
		return ret;
	gnutls_session_set_ptr(s->tls, s);
	ret = kdtls_config_priority(cfg, s->server, &prio);
	if (ret)
		return GNUTLS_E_MEMORY_ERROR;
	ret = gnutls_priority_set_direct(s->tls, prio, NULL);
	free(prio);
	if (!ret)
		ret = set_credentials(s);
	if (!ret && cfg->num_alpn)
		ret = gnutls_alpn_set_protocols(s->tls, cfg->alpn,
						cfg->num_alpn, cfg->alpn_must ?
						GNUTLS_ALPN_MANDATORY : 0);
	if (!ret)
		ret = kdtls_srtp_offer(s);
	if (!ret && s->server && cfg->tickets)
		ret = gnutls_session_ticket_enable_server(s->tls,
							  &cfg->ticket_key);
	if (!ret && s->host && !kdtls_is_address(s->host))
		ret = gnutls_server_name_set(s->tls, GNUTLS_NAME_DNS, s->host,
					     strlen(s->host));
	if (ret)
		return ret;
	if (s->server && cfg->verify == KDTLS_VERIFY_REQUIRE)
		gnutls_certificate_server_set_request(s->tls,
						      GNUTLS_CERT_REQUIRE);
	if (s->server && cfg->max_version == DTLS_1_3_VERSION) {
		ret = kdtls_set_sentinel(s);
		if (ret)
			return ret;
	}
	gnutls_session_set_verify_function(s->tls, kdtls_verify_peer);
	/* Not gnutls_handshake_set_timeout(): it puts the other time back to 1 s. */
	gnutls_dtls_set_timeouts(s->tls, cfg->retransmit, cfg->total);
	kdtls_transport_init(s);
	return 0;
}

kdtls_session *kdtls_session_new(kdtls_config *cfg, int fd, bool server)
{
	kdtls_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->dgram = malloc(KDTLS_DATAGRAM_MAX);
	s->out = malloc(KDTLS_DATAGRAM_MAX);
	if (!s->dgram || !s->out) {
		free(s->dgram);
		free(s->out);
		free(s);
		return NULL;
	}
	s->cfg = cfg;
	s->fd = fd;
	s->server = server;
	s->mtu = cfg->mtu;
	kdtls_watch_init(&s->watch);
	return s;
}

/* A server's without a socket, of an acceptor: see struct kdtls_session. */
kdtls_session *kdtls_session_lodger(kdtls_config *cfg, uint8_t *dgram,
				    uint8_t *out)
{
	kdtls_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->cfg = kdtls_config_get(cfg);
	s->fd = -1;
	s->server = true;
	s->lodger = true;
	s->keep_early = true;
	s->mtu = cfg->mtu;
	s->dgram = dgram;
	s->out = out;
	kdtls_watch_init(&s->watch);
	return s;
}

kdtls_session *kdtls_client_new(kdtls_config *cfg, int fd, const char *host)
{
	kdtls_session *s = kdtls_session_new(cfg, fd, false);

	if (!s)
		return NULL;
	if (host) {
		s->host = strdup(host);
		if (!s->host) {
			kdtls_free(s);
			return NULL;
		}
	}
	if (cfg->max_version == DTLS_1_3_VERSION && kdtls_begin13(s))
		return s;
	s->setup = kdtls_set_up(s);
	return s;
}

kdtls_session *kdtls_server_new(kdtls_config *cfg, int fd)
{
	kdtls_session *s = kdtls_session_new(cfg, fd, true);

	if (!s)
		return NULL;
	if (cfg->max_version == DTLS_1_3_VERSION)
		s->undecided = true;
	else
		s->setup = kdtls_set_up(s);
	return s;
}

void kdtls_free(kdtls_session *s)
{
	if (!s)
		return;
	if (s->tls)
		gnutls_deinit(s->tls);
	if (s->psk_client)
		gnutls_psk_free_client_credentials(s->psk_client);
	if (s->psk_server)
		gnutls_psk_free_server_credentials(s->psk_server);
	kdtls_watch_free(&s->watch);
	kdtls_end13(s);
	kdtls_unqueue_all(s);
	if (s->lodger) {
		kdtls_config_free(s->cfg);
	} else {
		free(s->dgram);
		free(s->out);
	}
	free(s->host);
	free(s);
}

const char *kdtls_error(const kdtls_session *s)
{
	return s->error;
}

int kdtls_fd(const kdtls_session *s)
{
	return s->fd;
}

/* Which errno, and which words, for an error of GnuTLS that ends a handshake. */
int kdtls_handshake_error(kdtls_session *s, int ret)
{
	gnutls_alert_description_t alert;

	switch (ret) {
	case GNUTLS_E_FATAL_ALERT_RECEIVED:
	case GNUTLS_E_PREMATURE_TERMINATION:
		alert = gnutls_alert_get(s->tls);
		return kdtls_fail(s, -ECONNABORTED, "the peer refused: alert %d, %s",
			    alert, gnutls_alert_get_name(alert));
	case GNUTLS_E_TIMEDOUT:
		if (s->soft_errno && !s->heard)
			return kdtls_fail(s, s->soft_errno == ECONNREFUSED ?
				    -ECONNREFUSED : -ETIMEDOUT,
				    "no answer: %s", strerror(s->soft_errno));
		return kdtls_fail(s, -ETIMEDOUT, s->heard ?
			    "the handshake did not come to an end in %u ms" :
			    "no answer in %u ms", s->cfg->total);
	case GNUTLS_E_PUSH_ERROR:
	case GNUTLS_E_PULL_ERROR:
		return kdtls_fail(s, s->soft_errno ? -s->soft_errno : -EIO,
			    "no answer: %s",
			    strerror(s->soft_errno ? s->soft_errno : EIO));
	case GNUTLS_E_CERTIFICATE_ERROR:
	case GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR:
	case GNUTLS_E_NO_CERTIFICATE_FOUND:
	case GNUTLS_E_CERTIFICATE_REQUIRED:
	case GNUTLS_E_PK_SIG_VERIFY_FAILED:
		if (s->error[0])
			return -EKEYREJECTED;
		return kdtls_fail(s, -EKEYREJECTED, "%s", gnutls_strerror(ret));
	case GNUTLS_E_MEMORY_ERROR:
		return kdtls_fail(s, -ENOMEM, "out of memory");
	default:
		if (s->error[0])
			return -EKEYREJECTED;
		return kdtls_fail(s, -EPROTO, "handshake: %s", gnutls_strerror(ret));
	}
}

int kdtls_timeout(const kdtls_session *s)
{
	unsigned int ms;

	if (s->done || s->setup || s->setup13)
		return -1;
	if (s->undecided)
		return s->cfg->retransmit;
	if (s->is13)
		return kdtls_timeout13(s);
	/* Before our first flight GnuTLS has no timer and answers 0. */
	if (!s->watch.datagrams)
		return s->cfg->retransmit;
	ms = gnutls_dtls_get_timeout(s->tls);
	return ms > 60000 ? 60000 : ms;
}

/*
 * GnuTLS passes over an alert that answers the first flight, and the peer will
 * say no more: without this the user waits for the timeout and learns nothing.
 */
bool kdtls_turned_down(kdtls_session *s, int alert)
{
	if (alert < 0) {
		s->refused_at = 0;
		return false;
	}
	if (!s->refused_at)
		s->refused_at = kdtls_now_ms();
	return kdtls_now_ms() - s->refused_at >= ALERT_WAIT_MS;
}

void kdtls_set_nonblocking(kdtls_session *s, int on)
{
	s->nonblocking = on;
}

/* Nonblocking for the sake of the socket's flag, or because we were told. */
bool kdtls_nonblocking(const kdtls_session *s)
{
	int flags = s->nonblocking ? O_NONBLOCK : fcntl(s->fd, F_GETFL);

	return flags >= 0 && (flags & O_NONBLOCK);
}

int kdtls_handshake(kdtls_session *s)
{
	struct pollfd pfd = { .fd = s->fd, .events = POLLIN };
	int ret, ms;

	if (s->setup)
		return kdtls_fail(s, s->setup == GNUTLS_E_MEMORY_ERROR ?
			    -ENOMEM : -EINVAL, "%s", gnutls_strerror(s->setup));
	if (s->setup13)
		return s->setup13;
	if (s->done)
		return kdtls_fail(s, -EALREADY, "the handshake was done before");
	if (!s->begun) {
		s->begun = true;
		s->deadline = kdtls_now_ms() + s->cfg->total;
	}
	if (s->is13 || s->undecided) {
		ret = kdtls_handshake13(s);
		if (ret != 1)
			return ret;
		if (s->setup)
			return kdtls_fail(s, -EINVAL, "%s",
					  gnutls_strerror(s->setup));
	}
	for (;;) {
		ret = gnutls_handshake(s->tls);
		if (kdtls_flush(s))
			ret = GNUTLS_E_PUSH_ERROR;
		if (!ret) {
			ret = kdtls_check_sentinel(s);
			s->done = !ret;
			if (ret)
				s->setup = GNUTLS_E_INVALID_SESSION;
			return ret;
		}
		/* Not fatal is, say, a warning alert: carry on at once. */
		if (ret != GNUTLS_E_AGAIN && ret != GNUTLS_E_INTERRUPTED &&
		    !gnutls_error_is_fatal(ret))
			continue;
		if (gnutls_error_is_fatal(ret))
			break;
		if (kdtls_turned_down(s, s->watch.alert)) {
			s->setup = GNUTLS_E_INVALID_SESSION;
			return kdtls_fail(s, -ECONNABORTED,
				    "the peer refused: alert %d, %s",
				    s->watch.alert,
				    gnutls_alert_get_name(s->watch.alert));
		}
		if (kdtls_now_ms() >= s->deadline) {
			ret = GNUTLS_E_TIMEDOUT;
			break;
		}
		if (kdtls_nonblocking(s))
			return -EAGAIN;
		/* Never less than this: a flight that is due costs a call. */
		ms = kdtls_timeout(s);
		if (poll(&pfd, 1, ms < 5 ? 5 : ms) < 0 && errno != EINTR)
			return kdtls_fail(s, -errno, "poll: %s", strerror(errno));
	}
	/* The last words, before the error is put into ours. */
	if (ret != GNUTLS_E_PUSH_ERROR && ret != GNUTLS_E_PULL_ERROR &&
	    ret != GNUTLS_E_TIMEDOUT && ret != GNUTLS_E_FATAL_ALERT_RECEIVED)
		gnutls_alert_send_appropriate(s->tls, ret);
	kdtls_flush(s);
	ret = kdtls_handshake_error(s, ret);
	s->setup = GNUTLS_E_INVALID_SESSION;
	return ret;
}
