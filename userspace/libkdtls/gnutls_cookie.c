// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The cookie exchange (RFC 6347 4.2.1, RFC 9147 5.1): nothing is remembered of a
 * client before it has shown that it gets what is sent to its address.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <gnutls/crypto.h>

#include "gnutls_cookie.h"

int kdtls_cookies_init(struct kdtls_cookies *c, kdtls_config *cfg)
{
	memset(c, 0, sizeof(*c));
	if (gnutls_key_generate(&c->key[0], GNUTLS_COOKIE_KEY_SIZE))
		return -ENOMEM;
	c->key_time = kdtls_now_ms();
	return kdtls_cookies_config(c, cfg);
}

/* Other credentials, the same cookies. -EINVAL: no handshake can come of these. */
int kdtls_cookies_config(struct kdtls_cookies *c, kdtls_config *cfg)
{
	bool both = cfg->min_version == DTLS_1_2_VERSION;
	void *context13 = NULL;

	if ((kdtls_can_13(cfg) &&
	     kdtls_backend_context(cfg, true, &context13) == -EINVAL) ||
	    (!both && !context13))
		return -EINVAL;
	c->cfg = cfg;
	c->both = both;
	c->context13 = context13;
	return 0;
}

void kdtls_cookies_free(struct kdtls_cookies *c)
{
	gnutls_free(c->key[0].data);
	gnutls_free(c->key[1].data);
}

/*
 * A new key now and then, so that nobody can gather cookies of many addresses
 * and use them all at once.  The old one stays good for one more turn.
 */
static void renew_key(struct kdtls_cookies *c)
{
	gnutls_datum_t key;

	if (kdtls_now_ms() - c->key_time < KDTLS_COOKIE_LIFE_MS ||
	    gnutls_key_generate(&key, GNUTLS_COOKIE_KEY_SIZE))
		return;
	gnutls_free(c->key[1].data);
	c->key[1] = c->key[0];
	c->key[0] = key;
	c->key_time = kdtls_now_ms();
}

/* A record of epoch 0 with a ClientHello(1) in it, up to its random. */
bool kdtls_is_hello(const uint8_t *p, size_t len)
{
	return len >= KDTLS_RANDOM_OFFSET + KDTLS_RANDOM_LEN &&
	       p[0] == DTLS_TYPE_HANDSHAKE && p[1] == 0xfe && !p[3] && !p[4] &&
	       p[13] == 1;
}

/* ------------------------------------------------------------------------
 * DTLS 1.3: a HelloRetryRequest with the cookie (RFC 9147 5.1)
 */

/* A ClientHello for the backend, and what it answers, if anything. */
struct retry {
	struct kdtls_cookies *c;
	const uint8_t *data;
	size_t len;		/* of what it has not read yet */
	uint8_t out[1024];
	size_t out_len;
	char identity[129];	/* PSK that the client offers, and we know */
};

static bool retry_send(void *arg, const void *buf, size_t len)
{
	struct retry *r = arg;

	if (r->out_len + len <= sizeof(r->out)) {
		memcpy(r->out + r->out_len, buf, len);
		r->out_len += len;
	}
	return true;
}

static ssize_t retry_recv(void *arg, void *buf, size_t len)
{
	struct retry *r = arg;

	if (len > r->len)
		len = r->len;
	memcpy(buf, r->data, len);
	r->len = 0;
	return len;
}

static void retry_secret(void *arg, enum kdtls_secret which, uint16_t suite,
			 const uint8_t *secret, size_t len)
{
	(void)arg;
	(void)which;
	(void)suite;
	(void)secret;
	(void)len;
}

static int retry_verify(void *arg, const struct kdtls_der *chain, unsigned int n)
{
	(void)arg;
	(void)chain;
	(void)n;
	return -EINVAL;
}

static size_t retry_find_psk(void *arg, const char *identity, uint8_t *key,
			     size_t max)
{
	struct retry *r = arg;
	kdtls_session s = { .cfg = r->c->cfg };
	uint8_t buf[KDTLS_PSK_MAX];
	size_t len;

	if (kdtls_find_psk(&s, identity, buf, &len) || len > max)
		return 0;
	memcpy(key, buf, len);
	explicit_bzero(buf, sizeof(buf));
	snprintf(r->identity, sizeof(r->identity), "%s", identity);
	return len;
}

/* Of a handshake that has got no further than a cookie. */
static const struct kdtls_hands_calls retry_calls = {
	.send = retry_send,
	.recv = retry_recv,
	.secret = retry_secret,
	.verify = retry_verify,
	.find_psk = retry_find_psk,
};

/* The handshake of a ClientHello that brings back a cookie; else NULL. */
static void *good_cookie(struct retry *r, const struct sockaddr *peer,
			 socklen_t peer_len, size_t len, const uint8_t *cid,
			 uint8_t cid_len, gnutls_push_func send, void *arg)
{
	struct kdtls_cookies *c = r->c;
	const struct kdtls_backend *b = c->cfg->backend;
	struct kdtls_hands hands = {
		.calls = &retry_calls,
		.arg = r,
		.cid = c->cfg->cid_len >= 0 ? cid : NULL,
		.cid_len = cid_len,
		.mtu = c->cfg->mtu,
		.peer = peer,
		.peer_len = peer_len,
	};
	uint8_t answer[sizeof(r->out)];
	size_t answer_len = 0;
	void *h;
	int i;

	for (i = 0; i < 2 && c->key[i].data; i++) {
		r->len = len;
		r->out_len = 0;
		hands.cookie_key = c->key[i].data;
		hands.cookie_key_len = c->key[i].size;
		h = b->open(c->context13, &hands);
		if (!h)
			return NULL;
		if (b->cookie(h))
			return h;
		b->close(h);
		/* With a cookie of the key that is used now. */
		if (!i) {
			answer_len = r->out_len;
			memcpy(answer, r->out, answer_len);
		}
	}
	if (answer_len)
		send(arg, answer, answer_len);
	return NULL;
}

static int check13(struct kdtls_cookies *c, const struct sockaddr *peer,
		   socklen_t peer_len, gnutls_push_func send, void *arg,
		   struct kdtls_hello *hello)
{
	struct retry r = { .c = c, .data = hello->data };

	hello->cid_len = c->cfg->cid_len > 0 ? c->cfg->cid_len : 0;
	if (gnutls_rnd(GNUTLS_RND_NONCE, hello->cid, sizeof(hello->cid)))
		return -EAGAIN;
	hello->hands = good_cookie(&r, peer, peer_len, hello->len, hello->cid,
				   hello->cid_len, send, arg);
	memcpy(hello->identity, r.identity, sizeof(r.identity));
	return hello->hands ? 0 : -EAGAIN;
}

/*
 * Has the ClientHello @data of @peer a good cookie?  0: *@hello is for
 * kdtls_cookies_begin() or kdtls_cookies_drop(), with @data behind it.  -EAGAIN: no,
 * and @send has been called with one that is, once or not at all.
 */
int kdtls_cookies_check(struct kdtls_cookies *c, const struct sockaddr *peer,
			socklen_t peer_len, const uint8_t *data, size_t len,
			gnutls_push_func send, void *arg,
			struct kdtls_hello *hello)
{
	uint16_t suite;
	int i;

	renew_key(c);
	memset(hello, 0, sizeof(*hello));
	hello->data = data;
	hello->len = len;
	if (c->context13 && kdtls_hello13(data, len, 1, &suite))
		return check13(c, peer, peer_len, send, arg, hello);
	if (!c->both)
		return -EAGAIN;
	for (i = 0; i < 2; i++) {
		memset(&hello->prestate, 0, sizeof(hello->prestate));
		if (c->key[i].data &&
		    !gnutls_dtls_cookie_verify(&c->key[i], (void *)peer,
					       peer_len, (void *)data, len,
					       &hello->prestate))
			return 0;
	}
	gnutls_dtls_cookie_send(&c->key[0], (void *)peer, peer_len,
				&hello->prestate, arg, send);
	return -EAGAIN;
}

/* No session comes of it. */
void kdtls_cookies_drop(struct kdtls_cookies *c, struct kdtls_hello *hello)
{
	if (hello->hands)
		c->cfg->backend->close(hello->hands);
	hello->hands = NULL;
}

/* The new session @s goes on from *@hello.  0, or -ENOMEM. */
int kdtls_cookies_begin(kdtls_session *s, struct kdtls_hello *hello)
{
	if (hello->hands) {
		kdtls_adopt13(s, hello->hands, hello->cid, hello->cid_len,
			      hello->identity);
		hello->hands = NULL;
		return 0;
	}
	/* kdtls_set_output() does not know what we know. */
	s->undecided = false;
	s->setup = kdtls_set_up(s);
	if (s->tls)
		gnutls_dtls_prestate_set(s->tls, &hello->prestate);
	return kdtls_queue(s, hello->data, hello->len);
}
