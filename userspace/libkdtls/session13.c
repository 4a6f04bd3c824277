// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sessions of DTLS 1.3: a backend shakes hands, everything else is done here, and
 * so is the way back to GnuTLS and DTLS 1.2 if the peer knows no other.
 */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <gnutls/crypto.h>

#include "gnutls_internal.h"

#define BACKEND_LIBRARY	"libkdtls-wolfssl.so.0"
#define RTO_MAX_MS	60000

/* RFC 8446 4.1.3: the end of a server's random that says it could do better. */
static const uint8_t sentinel[8] = { 'D', 'O', 'W', 'N', 'G', 'R', 'D', 1 };

/* ------------------------------------------------------------------------
 * The backend
 */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const struct kdtls_backend *load(kdtls_config *cfg)
{
	static const struct kdtls_backend *backend;
	const struct kdtls_backend *b = backend;
	void *lib;

	if (b)
		return b;
	lib = dlopen(BACKEND_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (lib)
		b = dlsym(lib, KDTLS_BACKEND_SYMBOL);
	if (!b || b->abi != KDTLS_BACKEND_ABI) {
		kdtls_config_fail(cfg, -EOPNOTSUPP, "no DTLS 1.3: %s",
				  lib ? BACKEND_LIBRARY " is another version" :
				  dlerror());
		if (lib)
			dlclose(lib);
		return NULL;
	}
	backend = b;
	return b;
}

/* What only GnuTLS can do. */
bool kdtls_can_13(const kdtls_config *cfg)
{
	return cfg->max_version == DTLS_1_3_VERSION && !cfg->have_rawpk &&
	       !cfg->num_pins;
}

int kdtls_backend_load(kdtls_config *cfg)
{
	pthread_mutex_lock(&lock);
	if (!cfg->backend)
		cfg->backend = load(cfg);
	pthread_mutex_unlock(&lock);
	return cfg->backend ? 0 : -EOPNOTSUPP;
}

/* cfg->backend, and what the sessions of @cfg have in common, once. */
int kdtls_backend_context(kdtls_config *cfg, bool server, void **context)
{
	uint16_t srtp[3];
	struct kdtls_policy policy = {
		.server = server,
		.cert_file = cfg->cert_file,
		.key_file = cfg->key_file,
		.suites = cfg->suites,
		.alpn = cfg->alpn_list,
		.alpn_must = cfg->alpn_must,
		.srtp = srtp,
		.num_srtp = cfg->num_srtp,
		.ask_cert = server && cfg->verify == KDTLS_VERIFY_REQUIRE,
		.have_psk = server && (cfg->num_psk || cfg->psk_fn),
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < cfg->num_srtp; i++)
		srtp[i] = cfg->srtp[i]->id;
	if (!server && cfg->num_psk) {
		const struct kdtls_psk *psk = &cfg->psk[cfg->num_psk - 1];

		policy.psk_identity = psk->identity;
		policy.psk = psk->key;
		policy.psk_len = psk->len;
	}
	pthread_mutex_lock(&lock);
	if (!cfg->backend)
		cfg->backend = load(cfg);
	if (!cfg->backend) {
		ret = -EOPNOTSUPP;
	} else if (!cfg->context[server]) {
		cfg->context[server] = cfg->backend->context_new(&policy,
							cfg->error,
							sizeof(cfg->error));
		if (!cfg->context[server])
			ret = -EINVAL;
	}
	if (context)
		*context = cfg->context[server];
	pthread_mutex_unlock(&lock);
	return ret;
}

void kdtls_backend_release(kdtls_config *cfg)
{
	int i;

	for (i = 0; i < 2; i++)
		if (cfg->context[i])
			cfg->backend->context_free(cfg->context[i]);
}

/* ------------------------------------------------------------------------
 * What the backend calls
 */

static bool call_send(void *arg, const void *buf, size_t len)
{
	kdtls_session *s = arg;

	if (s->backend && s->hands)
		s->watch13.tx_cid_len = s->backend->cid(s->hands, s->tx_cid,
							sizeof(s->tx_cid));
	if (!s->timer)
		s->timer = kdtls_now_ms() + s->rto;
	if (!kdtls_put(s, buf, len))
		return true;
	s->io_failed = true;
	return false;
}

static ssize_t call_recv(void *arg, void *buf, size_t len)
{
	kdtls_session *s = arg;
	ssize_t ret;

	if (kdtls_flush(s)) {
		s->io_failed = true;
		return -s->soft_errno;
	}
	/* From here on all that comes is the kernel's. */
	if (!s->server && s->watch13.finished_sent)
		return 0;
	ret = kdtls_get(s);
	if (ret == -EAGAIN)
		return 0;
	if (ret < 0) {
		s->io_failed = true;
		return ret;
	}
	if ((size_t)ret > len)
		ret = len;
	memcpy(buf, s->dgram, ret);
	return ret;
}

static void call_secret(void *arg, enum kdtls_secret which, uint16_t suite,
			const uint8_t *secret, size_t len)
{
	kdtls_session *s = arg;
	struct kdtls_watch13 *w = &s->watch13;

	/* Records that wait to be sent are under the old keys. */
	w->suite = kdtls_suite_find(suite);
	if (!w->suite || !kdtls_suite_is_13(w->suite) || len > DTLS_SECRET_MAX) {
		w->broken = true;
		return;
	}
	switch (which) {
	case KDTLS_SECRET_CLIENT_HANDSHAKE:
		kdtls_watch13_secret(w, !s->server, 2, secret, len);
		break;
	case KDTLS_SECRET_SERVER_HANDSHAKE:
		kdtls_watch13_secret(w, s->server, 2, secret, len);
		break;
	case KDTLS_SECRET_CLIENT_TRAFFIC:
		kdtls_watch13_secret(w, !s->server, 3, secret, len);
		break;
	case KDTLS_SECRET_SERVER_TRAFFIC:
		kdtls_watch13_secret(w, s->server, 3, secret, len);
		break;
	case KDTLS_SECRET_EXPORTER:
		memcpy(w->exporter, secret, len);
		w->exporter_known = true;
		break;
	}
}

static void forget_chain(kdtls_session *s)
{
	while (s->num_chain)
		gnutls_free(s->chain[--s->num_chain].data);
	free(s->chain);
	s->chain = NULL;
}

static int call_verify(void *arg, const struct kdtls_der *chain, unsigned int n)
{
	kdtls_session *s = arg;
	gnutls_datum_t d;

	forget_chain(s);
	s->chain = calloc(n + 1, sizeof(*s->chain));
	if (!s->chain)
		return -ENOMEM;
	for (; s->num_chain < n; s->num_chain++) {
		d.size = chain[s->num_chain].len;
		d.data = gnutls_malloc(d.size + 1);
		if (!d.data)
			return -ENOMEM;
		memcpy(d.data, chain[s->num_chain].data, d.size);
		s->chain[s->num_chain] = d;
	}
	if (kdtls_verify_chain(s, s->chain, n))
		return -EKEYREJECTED;
	s->verified = true;
	return 0;
}

static size_t call_find_psk(void *arg, const char *identity, uint8_t *key,
			    size_t max)
{
	kdtls_session *s = arg;
	uint8_t buf[KDTLS_PSK_MAX];
	size_t len;

	if (kdtls_find_psk(s, identity, buf, &len))
		return 0;
	if (len > max) {
		kdtls_fail(s, -EKEYREJECTED, "a PSK of more than %zu bytes", max);
		len = 0;
	}
	memcpy(key, buf, len);
	explicit_bzero(buf, sizeof(buf));
	snprintf(s->identity, sizeof(s->identity), "%s", identity);
	return len;
}

static const struct kdtls_hands_calls calls = {
	.send = call_send,
	.recv = call_recv,
	.secret = call_secret,
	.verify = call_verify,
	.find_psk = call_find_psk,
};

/* ------------------------------------------------------------------------
 * Life of a session
 */

static void start(kdtls_session *s, void *hands)
{
	s->backend = s->cfg->backend;
	s->hands = hands;
	s->is13 = true;
	s->undecided = false;
	s->rto = s->cfg->retransmit;
	kdtls_watch13_init(&s->watch13, s->server, &kdtls_crypto13_gnutls);
	s->watch13.rx_cid_len = s->rx_cid_len;
}

/*
 * Makes @s a session of DTLS 1.3, or says in it why that cannot be: true.  False:
 * it shall be one of DTLS 1.2.
 */
bool kdtls_begin13(kdtls_session *s)
{
	kdtls_config *cfg = s->cfg;
	struct kdtls_hands hands = {
		.calls = &calls,
		.arg = s,
		.host = s->host && !kdtls_is_address(s->host) ? s->host : NULL,
		.mtu = cfg->mtu,
	};
	bool only = cfg->min_version == DTLS_1_3_VERSION;
	void *context, *h;
	int ret;

	if (!kdtls_can_13(cfg)) {
		if (only)
			s->setup13 = kdtls_fail(s, -EOPNOTSUPP,
						"raw public keys: not with DTLS 1.3");
		return only;
	}
	ret = kdtls_backend_context(cfg, s->server, &context);
	if (ret) {
		/* A certificate that cannot be used is no reason to be weaker. */
		if (ret == -EOPNOTSUPP && !only)
			return false;
		s->setup13 = kdtls_fail(s, ret, "%s", cfg->error);
		return true;
	}
	if (cfg->cid_len >= 0) {
		s->rx_cid_len = cfg->cid_len;
		if (getrandom(s->rx_cid, s->rx_cid_len, 0) != s->rx_cid_len) {
			s->setup13 = kdtls_fail(s, -EIO, "no random numbers");
			return true;
		}
		hands.cid = s->rx_cid;
		hands.cid_len = s->rx_cid_len;
	}
	if (!s->server && cfg->num_psk)
		snprintf(s->identity, sizeof(s->identity), "%s",
			 cfg->psk[cfg->num_psk - 1].identity);
	h = cfg->backend->open(context, &hands);
	if (!h) {
		s->setup13 = kdtls_fail(s, -ENOMEM, "out of memory");
		return true;
	}
	start(s, h);
	return true;
}

/* The handshake has begun elsewhere, with a cookie: kdtls_accept(). */
void kdtls_adopt13(kdtls_session *s, void *hands, const uint8_t *cid,
		   uint8_t cid_len, const char *identity)
{
	snprintf(s->identity, sizeof(s->identity), "%s", identity);
	memcpy(s->rx_cid, cid, cid_len);
	s->rx_cid_len = cid_len;
	start(s, hands);
	s->backend->move(hands, &calls, s);
}

void kdtls_close_hands(kdtls_session *s)
{
	if (s->hands)
		s->backend->close(s->hands);
	s->hands = NULL;
}

void kdtls_end13(kdtls_session *s)
{
	kdtls_close_hands(s);
	kdtls_watch13_free(&s->watch13);
	forget_chain(s);
}

int kdtls_timeout13(const kdtls_session *s)
{
	uint64_t now = kdtls_now_ms(), timer = s->timer;

	if (!timer)
		return s->rto;
	if (s->hands && s->backend->quick(s->hands))
		timer -= s->rto - s->rto / 4;
	return timer <= now ? 0 : timer - now;
}

/* A new port, so that a server that kept something of our 1.3 does not mind. */
static void new_port(int fd)
{
	struct sockaddr_storage peer;
	struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	socklen_t len = sizeof(peer);

	if (fd < 0 || getpeername(fd, (struct sockaddr *)&peer, &len) ||
	    connect(fd, &nobody, sizeof(nobody)))
		return;
	connect(fd, (struct sockaddr *)&peer, len);
}

/*
 * The server speaks DTLS 1.2, says a datagram that anyone may have written.  GnuTLS
 * starts anew, and in its ServerHello, which is authenticated, the server says if
 * it could have done better: kdtls_check_sentinel().
 */
static int fall_back(kdtls_session *s)
{
	if (s->cfg->min_version == DTLS_1_3_VERSION)
		return kdtls_fail(s, -EPROTO,
				  "the peer has no DTLS 1.3, or no suite of ours");
	kdtls_end13(s);
	s->is13 = false;
	s->fell_back = true;
	s->out_len = 0;
	s->refused_at = 0;
	s->identity[0] = '\0';
	new_port(s->fd);
	s->setup = kdtls_set_up(s);
	return 1;
}

int kdtls_set_sentinel(kdtls_session *s)
{
	uint8_t random[32];
	gnutls_datum_t d = { random, sizeof(random) };

	if (gnutls_rnd(GNUTLS_RND_NONCE, random, sizeof(random)))
		return GNUTLS_E_RANDOM_FAILED;
	memcpy(random + 24, sentinel, 8);
	return gnutls_handshake_set_random(s->tls, &d);
}

int kdtls_check_sentinel(kdtls_session *s)
{
	gnutls_datum_t random = { NULL, 0 };

	if (!s->fell_back)
		return 0;
	gnutls_session_get_random(s->tls, NULL, &random);
	if (random.size == 32 && memcmp(random.data + 24, sentinel, 8))
		return 0;
	return kdtls_fail(s, -EPROTO,
			  "DTLS 1.3 was refused, though the peer has it: somebody on the way may have done that");
}

/*
 * A server that was not made by kdtls_accept(): what is the client's offer?  That is
 * known once all of the ClientHello is there; until then the datagrams wait.
 */
static int decide(kdtls_session *s)
{
	bool pieces, is13;
	uint8_t *hello;
	uint16_t suite;
	ssize_t n;
	int ret;

	while (!s->output) {
		n = recv(s->fd, s->dgram, KDTLS_DATAGRAM_MAX, MSG_DONTWAIT);
		if (n < 0 || kdtls_queue(s, s->dgram, n))
			break;
	}
	n = kdtls_hello_whole(s, &hello, &pieces);
	if (n <= 0) {
		/* As much of something else cannot be the beginning of one. */
		if (kdtls_queue_full(s))
			kdtls_unqueue_all(s);
		return n ? kdtls_fail(s, n, "out of memory") : -EAGAIN;
	}
	is13 = kdtls_hello13(hello, n, 1, &suite) && kdtls_can_13(s->cfg);
	ret = 1;
	if (pieces) {
		kdtls_unqueue_all(s);
		kdtls_queue(s, hello, n);
	}
	if (is13 && kdtls_begin13(s)) {
		ret = s->setup13;
	} else if (s->cfg->min_version == DTLS_1_3_VERSION) {
		/* No ClientHello of 1.3: wait for one that is. */
		kdtls_unqueue_all(s);
		ret = -EAGAIN;
	} else {
		s->undecided = false;
		if (!s->tls)
			s->setup = kdtls_set_up(s);
	}
	free(hello);
	return ret;
}

static int one_step(kdtls_session *s)
{
	char words[128] = "";
	int ret;

	if (s->timer && !kdtls_timeout13(s)) {
		if (!s->backend->quick(s->hands)) {
			s->rto = s->rto * 2 > RTO_MAX_MS ? RTO_MAX_MS : s->rto * 2;
			s->timer = kdtls_now_ms() + s->rto;
		}
		s->backend->timeout(s->hands);
	}
	ret = s->backend->step(s->hands, words, sizeof(words));
	if (kdtls_flush(s))
		return kdtls_handshake_error(s, GNUTLS_E_PUSH_ERROR);
	if (!ret || (!s->server && s->watch13.finished_sent))
		return 0;
	if (s->watch13.other_version)
		return fall_back(s);
	if (ret == -EAGAIN)
		return ret;
	if (s->io_failed)
		return kdtls_handshake_error(s, GNUTLS_E_PULL_ERROR);
	if (s->error[0] && ret != -ECONNABORTED)
		return -EKEYREJECTED;
	return kdtls_fail(s, ret, "%s", words);
}

/*
 * wolfSSL has no words for a client with whom there is no common ground.  These are
 * in the clear, under a number that no other record has: to be believed or not.
 */
static void refuse(kdtls_session *s)
{
	static const uint8_t alert[] = {
		DTLS_TYPE_ALERT, 0xfe, 0xfd, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
		0, 2, 2, 40	/* fatal, handshake_failure */
	};

	if (!s->server)
		return;
	kdtls_put(s, alert, sizeof(alert));
	kdtls_flush(s);
}

/* Like kdtls_handshake(); 1: go on with GnuTLS. */
int kdtls_handshake13(kdtls_session *s)
{
	struct pollfd pfd = { .fd = s->fd, .events = POLLIN };
	int ret, ms;

	for (;;) {
		ret = s->undecided ? decide(s) : 0;
		if (!ret) {
			ret = one_step(s);
			if (!ret)
				break;
		}
		if (ret != -EAGAIN && ret != 1) {
			if (s->is13 && ret != -ECONNABORTED)
				refuse(s);
			s->setup13 = ret;
		}
		if (ret != -EAGAIN)
			return ret;
		if (s->is13 && kdtls_turned_down(s, s->watch13.alert))
			return s->setup13 = kdtls_fail(s, -ECONNABORTED,
				    "the peer refused: alert %d, %s",
				    s->watch13.alert,
				    gnutls_alert_get_name(s->watch13.alert));
		if (kdtls_now_ms() >= s->deadline)
			return s->setup13 = kdtls_handshake_error(s,
							GNUTLS_E_TIMEDOUT);
		if (kdtls_nonblocking(s))
			return -EAGAIN;
		ms = kdtls_timeout(s);
		if (kdtls_now_ms() + ms > s->deadline)
			ms = s->deadline - kdtls_now_ms();
		if (poll(&pfd, 1, ms < 5 ? 5 : ms) < 0 && errno != EINTR)
			return kdtls_fail(s, -errno, "poll: %s", strerror(errno));
	}
	if (s->watch13.broken || !s->watch13.finished_seen ||
	    !s->watch13.tx[1].known || !s->watch13.rx[1].known)
		return s->setup13 = kdtls_fail(s, -EPROTO,
				"the handshake did something that was not understood");
	s->used_psk = !s->watch13.server_cert && !s->watch13.missed &&
		      (s->cfg->num_psk || (s->server && s->cfg->psk_fn));
	/* Not that the backend would have to be believed. */
	if (!s->used_psk && !s->verified &&
	    (!s->server || s->cfg->verify == KDTLS_VERIFY_REQUIRE))
		return s->setup13 = kdtls_fail(s, -EKEYREJECTED,
				"nobody knows who the peer is");
	s->watch13.tx_cid_len = s->backend->cid(s->hands, s->tx_cid,
						sizeof(s->tx_cid));
	if (!s->backend->cid_used(s->hands))
		s->rx_cid_len = 0;
	s->backend->alpn(s->hands, s->alpn, sizeof(s->alpn));
	s->srtp_id = s->backend->srtp(s->hands);
	s->error[0] = '\0';
	s->done = true;
	return 0;
}
