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
/* Refused so many times without a word from the peer: nobody is there. */
#define REFUSED_MAX	3

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

/* ------------------------------------------------------------------------
 * Transport
 */

/*
 * A datagram that could not be sent, or an ICMP message, is no more than a loss:
 * anybody can forge the latter, and the flight will be repeated anyway.
 */
static bool soft_error(kdtls_session *s, int err)
{
	switch (err) {
	case ECONNREFUSED:
		s->refused++;
		s->soft_errno = err;
		return s->heard || s->refused < REFUSED_MAX;
	case EAGAIN:
	case ENOBUFS:
	case EPERM:		/* a packet filter */
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case EMSGSIZE:
		s->soft_errno = err;
		return true;
	default:
		return false;
	}
}

/* The path takes less than we thought: the next time in smaller pieces. */
static void shrink_mtu(kdtls_session *s)
{
	int mtu = 0, headers = 28;
	socklen_t len = sizeof(mtu);

	if (getsockopt(s->fd, SOL_IP, IP_MTU, &mtu, &len) || mtu < 68) {
		len = sizeof(mtu);
		headers = 48;
		if (getsockopt(s->fd, SOL_IPV6, IPV6_MTU, &mtu, &len))
			return;
	}
	if (mtu - headers >= KDTLS_MTU_MIN &&
	    (unsigned int)(mtu - headers) < gnutls_dtls_get_mtu(s->tls))
		gnutls_dtls_set_mtu(s->tls, mtu - headers);
}

/* Sends what push() has gathered. */
static int flush(kdtls_session *s)
{
	size_t len = s->out_len;
	ssize_t ret;

	if (!len)
		return 0;
	s->out_len = 0;
	/* Counted even if it gets lost: the sequence numbers are used up. */
	kdtls_watch_sent(&s->watch, s->out, len);
	do {
		ret = send(s->fd, s->out, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (ret < 0 && errno == EINTR);
	if (ret >= 0)
		return 0;
	if (errno == EMSGSIZE)
		shrink_mtu(s);
	if (soft_error(s, errno))
		return 0;
	s->soft_errno = errno;
	return -1;
}

/*
 * GnuTLS wants a datagram for each message.  Fewer of them get lost less, and
 * those in one datagram cannot overtake each other: so gather a flight (RFC 6347
 * 4.1.1 allows it) until the library turns to reading.
 */
static ssize_t push(gnutls_transport_ptr_t ptr, const void *buf, size_t len)
{
	kdtls_session *s = ptr;

	/* The nonces belong to the kernel now. */
	if (s->watch.closed) {
		gnutls_transport_set_errno(s->tls, EPIPE);
		return -1;
	}
	if (s->out_len + len > gnutls_dtls_get_mtu(s->tls) && flush(s))
		goto error;
	if (s->out_len + len > KDTLS_DATAGRAM_MAX) {
		s->soft_errno = EMSGSIZE;
		goto error;
	}
	memcpy(s->out + s->out_len, buf, len);
	s->out_len += len;
	return len;
error:
	gnutls_transport_set_errno(s->tls, s->soft_errno);
	return -1;
}

static ssize_t pull(gnutls_transport_ptr_t ptr, void *buf, size_t len)
{
	kdtls_session *s = ptr;
	ssize_t ret;

	if (s->watch.closed) {
		gnutls_transport_set_errno(s->tls, EPIPE);
		return -1;
	}
	if (flush(s)) {
		gnutls_transport_set_errno(s->tls, s->soft_errno);
		return -1;
	}
	for (;;) {
		if (s->first) {
			ret = s->first_len;
			memcpy(s->dgram, s->first, ret);
			free(s->first);
			s->first = NULL;
		} else {
			ret = recv(s->fd, s->dgram, KDTLS_DATAGRAM_MAX,
				   MSG_DONTWAIT);
		}
		if (ret < 0) {
			if (errno == EINTR)
				continue;
			/* An error of the socket is gone once it is told. */
			if (errno != EAGAIN && soft_error(s, errno))
				continue;
			if (errno != EAGAIN)
				s->soft_errno = errno;
			gnutls_transport_set_errno(s->tls, errno);
			return -1;
		}
		s->heard = true;
		ret = kdtls_watch_received(&s->watch, s->dgram, ret);
		if (ret)
			break;
	}
	if ((size_t)ret > len)
		ret = len;
	memcpy(buf, s->dgram, ret);
	return ret;
}

static int pull_timeout(gnutls_transport_ptr_t ptr, unsigned int ms)
{
	kdtls_session *s = ptr;
	struct pollfd pfd = { .fd = s->fd, .events = POLLIN };

	if (flush(s)) {
		gnutls_transport_set_errno(s->tls, s->soft_errno);
		return -1;
	}
	if (s->first)
		return 1;
	return poll(&pfd, 1, ms == GNUTLS_INDEFINITE_TIMEOUT ? -1 : (int)ms);
}

/* ------------------------------------------------------------------------
 * Who the peer is
 */

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

/* Called by GnuTLS when the peer's certificate or raw key has come. */
static int verify_peer(gnutls_session_t tls)
{
	kdtls_session *s = gnutls_session_get_ptr(tls);
	gnutls_typed_vdata_st data[2];
	unsigned int status = 0, n = 0, num;
	const gnutls_datum_t *certs;
	gnutls_datum_t text;
	int ret;

	if (s->cfg->verify == KDTLS_VERIFY_NONE ||
	    (s->server && s->cfg->verify == KDTLS_VERIFY_DEFAULT))
		return 0;
	certs = gnutls_certificate_get_peers(tls, &num);
	if (!certs || !num) {
		kdtls_fail(s, -EKEYREJECTED, "the peer has sent no certificate");
		return GNUTLS_E_NO_CERTIFICATE_FOUND;
	}
	if (gnutls_certificate_type_get2(tls, GNUTLS_CTYPE_PEERS) ==
	    GNUTLS_CRT_RAWPK)
		return verify_rawpk(s, &certs[0]);

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
	n++;
	ret = gnutls_certificate_verify_peers(tls, data, n, &status);
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

static int find_psk(gnutls_session_t tls, const char *identity,
		    gnutls_datum_t *key)
{
	kdtls_session *s = gnutls_session_get_ptr(tls);
	const struct kdtls_psk *psk = kdtls_config_find_psk(s->cfg, identity);
	size_t len = KDTLS_PSK_MAX;

	key->data = gnutls_malloc(KDTLS_PSK_MAX);
	if (!key->data)
		return -1;
	if (psk) {
		len = psk->len;
		memcpy(key->data, psk->key, len);
	} else if (!s->cfg->psk_fn ||
		   s->cfg->psk_fn(s->cfg->psk_arg, identity, key->data, &len) ||
		   !len || len > KDTLS_PSK_MAX) {
		gnutls_free(key->data);
		key->data = NULL;
		kdtls_fail(s, -EKEYREJECTED, "unknown PSK identity '%.128s'",
			   identity);
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

static bool is_address(const char *host)
{
	struct in6_addr addr;

	return inet_pton(AF_INET, host, &addr) == 1 ||
	       inet_pton(AF_INET6, host, &addr) == 1;
}

static int set_up(kdtls_session *s)
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
	if (!ret && s->server && cfg->tickets)
		ret = gnutls_session_ticket_enable_server(s->tls,
							  &cfg->ticket_key);
	if (!ret && s->host && !is_address(s->host))
		ret = gnutls_server_name_set(s->tls, GNUTLS_NAME_DNS, s->host,
					     strlen(s->host));
	if (ret)
		return ret;
	if (s->server && cfg->verify == KDTLS_VERIFY_REQUIRE)
		gnutls_certificate_server_set_request(s->tls,
						      GNUTLS_CERT_REQUIRE);
	gnutls_session_set_verify_function(s->tls, verify_peer);
	gnutls_dtls_set_mtu(s->tls, cfg->mtu);
	/* Not gnutls_handshake_set_timeout(): it puts the other time back to 1 s. */
	gnutls_dtls_set_timeouts(s->tls, cfg->retransmit, cfg->total);
	gnutls_transport_set_ptr(s->tls, s);
	gnutls_transport_set_push_function(s->tls, push);
	gnutls_transport_set_pull_function(s->tls, pull);
	gnutls_transport_set_pull_timeout_function(s->tls, pull_timeout);
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
	s->setup = set_up(s);
	return s;
}

kdtls_session *kdtls_server_new(kdtls_config *cfg, int fd)
{
	kdtls_session *s = kdtls_session_new(cfg, fd, true);

	if (s)
		s->setup = set_up(s);
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
	free(s->first);
	free(s->dgram);
	free(s->out);
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
static int handshake_error(kdtls_session *s, int ret)
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

	if (s->done || s->setup)
		return -1;
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
static bool turned_down(kdtls_session *s)
{
	if (s->watch.alert < 0) {
		s->refused_at = 0;
		return false;
	}
	if (!s->refused_at)
		s->refused_at = kdtls_now_ms();
	return kdtls_now_ms() - s->refused_at >= ALERT_WAIT_MS;
}

/* Nonblocking for the sake of the socket's flag. */
static bool nonblocking(const kdtls_session *s)
{
	int flags = fcntl(s->fd, F_GETFL);

	return flags >= 0 && (flags & O_NONBLOCK);
}

int kdtls_handshake(kdtls_session *s)
{
	struct pollfd pfd = { .fd = s->fd, .events = POLLIN };
	int ret, ms;

	if (s->setup)
		return kdtls_fail(s, s->setup == GNUTLS_E_MEMORY_ERROR ?
			    -ENOMEM : -EINVAL, "%s", gnutls_strerror(s->setup));
	if (s->done)
		return kdtls_fail(s, -EALREADY, "the handshake was done before");
	if (!s->begun) {
		s->begun = true;
		s->error[0] = '\0';
		s->deadline = kdtls_now_ms() + s->cfg->total;
	}
	for (;;) {
		ret = gnutls_handshake(s->tls);
		if (flush(s))
			ret = GNUTLS_E_PUSH_ERROR;
		if (!ret) {
			s->done = true;
			return 0;
		}
		/* Not fatal is, say, a warning alert: carry on at once. */
		if (ret != GNUTLS_E_AGAIN && ret != GNUTLS_E_INTERRUPTED &&
		    !gnutls_error_is_fatal(ret))
			continue;
		if (gnutls_error_is_fatal(ret))
			break;
		if (turned_down(s)) {
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
		if (nonblocking(s))
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
	flush(s);
	ret = handshake_error(s, ret);
	s->setup = GNUTLS_E_INVALID_SESSION;
	return ret;
}
