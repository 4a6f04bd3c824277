// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A server for any number of peers on a socket that somebody else reads: datagrams
 * come in and go out by calls, and nothing waits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "crowd.h"
#include "gnutls_cookie.h"

#define MAX_DEFAULT		1024
#define MAX_PER_SOURCE_DEFAULT	128

/* So long, and so many of them, peers are remembered that are done: what they sent
 * before the kernel had their keys may still be on its way to us.
 */
#define DONE_MS			30000
#define DONE_MAX		8192
/* Given back of each: as much as is kept of a session (watch.c). */
#define RETURN_MAX		64
/* What one step of a session may send; the longest flight is a tenth of that. */
#define HELD_MAX		(256 * 1024)
#define HELD_DATAGRAMS		256

struct kdtls_acceptor {
	const struct kdtls_acceptor_calls *calls;
	void *arg;
	kdtls_config *cfg;
	struct kdtls_cookies cookies;
	unsigned int max, max_per_source;
	struct kdtls_crowd crowd;
	/* What the session that is being looked after sends, until it may. */
	uint8_t *held;
	size_t held_len;
	size_t lens[HELD_DATAGRAMS];
	unsigned int num_held;
	uint8_t dgram[KDTLS_DATAGRAM_MAX], out[KDTLS_DATAGRAM_MAX];
};

kdtls_acceptor *kdtls_acceptor_new(kdtls_config *cfg,
				   const struct kdtls_acceptor_calls *calls,
				   void *arg)
{
	kdtls_acceptor *a = calloc(1, sizeof(*a));
	int ret = -ENOMEM;

	if (a) {
		a->calls = calls;
		a->arg = arg;
		a->max = MAX_DEFAULT;
		a->max_per_source = MAX_PER_SOURCE_DEFAULT;
		a->held = malloc(HELD_MAX);
		if (a->held)
			ret = kdtls_crowd_init(&a->crowd);
		if (!ret)
			ret = kdtls_cookies_init(&a->cookies, cfg);
	}
	if (ret) {
		kdtls_acceptor_free(a);
		errno = -ret;
		return NULL;
	}
	a->cfg = kdtls_config_get(cfg);
	return a;
}

int kdtls_acceptor_set_config(kdtls_acceptor *a, kdtls_config *cfg)
{
	int ret = kdtls_cookies_config(&a->cookies, cfg);

	if (ret)
		return ret;
	kdtls_config_get(cfg);
	kdtls_config_free(a->cfg);
	a->cfg = cfg;
	return 0;
}

void kdtls_acceptor_set_limits(kdtls_acceptor *a, unsigned int max,
			       unsigned int max_per_source)
{
	a->max = max;
	a->max_per_source = max_per_source;
}

unsigned int kdtls_acceptor_count(const kdtls_acceptor *a)
{
	return a->crowd.busy;
}

/* ------------------------------------------------------------------------
 * What a session sends
 */

static int hold(void *arg, const void *buf, size_t len)
{
	kdtls_acceptor *a = arg;

	/* Lost: UDP might have done as much. */
	if (a->num_held == HELD_DATAGRAMS || a->held_len + len > HELD_MAX)
		return -ENOBUFS;
	memcpy(a->held + a->held_len, buf, len);
	a->held_len += len;
	a->lens[a->num_held++] = len;
	return 0;
}

static void forget_held(kdtls_acceptor *a)
{
	a->held_len = 0;
	a->num_held = 0;
}

static struct kdtls_path path_of(const struct kdtls_member *m)
{
	return (struct kdtls_path) {
		.peer = &m->peer.any,
		.peer_len = m->peer_len,
		.local = m->local_len ? &m->local.any : NULL,
		.local_len = m->local_len,
	};
}

static void send_held(kdtls_acceptor *a, const struct kdtls_path *path)
{
	const uint8_t *p = a->held;
	unsigned int i;

	for (i = 0; i < a->num_held; p += a->lens[i++])
		a->calls->send(a->arg, path, p, a->lens[i]);
	forget_held(a);
}

/* ------------------------------------------------------------------------
 * Sessions
 */

static void leave(kdtls_acceptor *a, struct kdtls_member *m)
{
	kdtls_free(m->s);
	kdtls_crowd_remove(&a->crowd, m);
}

static void give_back(kdtls_acceptor *a, struct kdtls_member *m,
		      const struct kdtls_path *path, const void *buf, size_t len)
{
	if (m->returned >= RETURN_MAX)
		return;
	m->returned++;
	a->calls->early(a->arg, path, buf, len);
}

/*
 * The keys come first: the peer may answer our last flight faster than we could
 * put them where they belong.
 */
static void finish(kdtls_acceptor *a, struct kdtls_member *m)
{
	struct kdtls_path path = path_of(m);
	ssize_t len;
	int ret;

	ret = a->calls->done(a->arg, &path, m->s);
	if (ret) {
		forget_held(a);
		a->calls->failed(a->arg, &path, m->s, ret);
		leave(a, m);
		return;
	}
	send_held(a, &path);
	while ((len = kdtls_early_raw(m->s, a->dgram, sizeof(a->dgram))) > 0)
		give_back(a, m, &path, a->dgram, len);
	kdtls_free(m->s);
	m->s = NULL;
	kdtls_crowd_done(&a->crowd, m, kdtls_now_ms() + DONE_MS);
	while (a->crowd.done > DONE_MAX)
		leave(a, a->crowd.oldest);
}

/* Goes on, with a datagram that has come or without one. */
static void step(kdtls_acceptor *a, struct kdtls_member *m, const void *data,
		 size_t len)
{
	struct kdtls_path path = path_of(m);
	kdtls_session *s = m->s;
	int i, ret, ms;
	uint64_t due;

	if (len)
		kdtls_queue(s, data, len);
	/* A flight that is due may come before the reading. */
	for (i = 0; i < 4; i++) {
		ret = kdtls_handshake(s);
		if (ret != -EAGAIN || !s->waiting)
			break;
	}
	kdtls_unqueue_all(s);
	if (!ret) {
		finish(a, m);
		return;
	}
	send_held(a, &path);
	if (ret != -EAGAIN) {
		a->calls->failed(a->arg, &path, s, ret);
		leave(a, m);
		return;
	}
	ms = kdtls_timeout(s);
	due = kdtls_now_ms() + (ms < 5 ? 5 : ms);
	kdtls_crowd_due(&a->crowd, m, due < s->deadline ? due : s->deadline);
}

/* Of who has not shown yet that it is at its address. */
struct stranger {
	kdtls_acceptor *a;
	const struct kdtls_path *path;
};

static ssize_t send_cookie(gnutls_transport_ptr_t ptr, const void *buf, size_t len)
{
	struct stranger *to = ptr;

	to->a->calls->send(to->a->arg, to->path, buf, len);
	return len;
}

static struct kdtls_member *new_member(kdtls_acceptor *a,
				       const struct kdtls_address *key,
				       struct kdtls_hello *hello)
{
	struct kdtls_member *m = kdtls_crowd_add(&a->crowd, key);

	if (!m)
		return NULL;
	m->s = kdtls_session_lodger(a->cfg, a->dgram, a->out);
	if (m->s)
		kdtls_set_output(m->s, hold, a);
	if (!m->s || kdtls_cookies_begin(m->s, hello)) {
		leave(a, m);
		return NULL;
	}
	return m;
}

/* A ClientHello of somebody new, or of @old who begins anew. */
static void greet(kdtls_acceptor *a, const struct kdtls_path *path,
		  const struct kdtls_address *key, struct kdtls_member *old,
		  const uint8_t *data, size_t len)
{
	struct stranger from = { a, path };
	struct kdtls_hello hello;
	struct kdtls_path its;
	struct kdtls_member *m = NULL;

	if (kdtls_cookies_check(&a->cookies, path->peer, path->peer_len, data,
				len, send_cookie, &from, &hello))
		return;
	if (old) {
		its = path_of(old);
		if (old->s)
			a->calls->failed(a->arg, &its, old->s, -ECANCELED);
		leave(a, old);
	}
	if (a->crowd.busy < a->max &&
	    kdtls_crowd_from(&a->crowd, key) < a->max_per_source &&
	    (!a->calls->admit || a->calls->admit(a->arg, path)))
		m = new_member(a, key, &hello);
	if (!m) {
		kdtls_cookies_drop(&a->cookies, &hello);
		return;
	}
	memcpy(&m->peer, path->peer, path->peer_len);
	m->peer_len = path->peer_len;
	if (path->local) {
		memcpy(&m->local, path->local, path->local_len);
		m->local_len = path->local_len;
	}
	memcpy(m->random, data + KDTLS_RANDOM_OFFSET, KDTLS_RANDOM_LEN);
	step(a, m, NULL, 0);
}

int kdtls_acceptor_input(kdtls_acceptor *a, const struct kdtls_path *path,
			 const void *data, size_t len)
{
	union kdtls_sockaddr peer, local;
	struct kdtls_address key, unused;
	struct kdtls_path its = { .peer = &peer.any };
	struct kdtls_member *m;
	bool again;

	if (!kdtls_crowd_address(path->peer, path->peer_len, &peer,
				 &its.peer_len, &key) || !key.port)
		return -EINVAL;
	if (kdtls_crowd_address(path->local, path->local_len, &local,
				&its.local_len, &unused))
		its.local = &local.any;
	if (!len || len > KDTLS_DATAGRAM_MAX)
		return -EMSGSIZE;
	m = kdtls_crowd_find(&a->crowd, &key);
	if (kdtls_is_hello(data, len)) {
		again = m && !memcmp(m->random, (const uint8_t *)data +
				     KDTLS_RANDOM_OFFSET, KDTLS_RANDOM_LEN);
		if (!again)
			greet(a, &its, &key, m, data, len);
		else if (m->s)
			step(a, m, data, len);
		return 0;
	}
	if (!m)
		return -ENOENT;
	if (m->s)
		step(a, m, data, len);
	else
		give_back(a, m, &its, data, len);
	return 0;
}

/* ------------------------------------------------------------------------
 * Time
 */

int kdtls_acceptor_timeout(const kdtls_acceptor *a)
{
	const struct kdtls_member *m = kdtls_crowd_first(&a->crowd);
	uint64_t now = kdtls_now_ms();

	if (!m)
		return -1;
	return m->due <= now ? 0 : m->due - now;
}

void kdtls_acceptor_run(kdtls_acceptor *a)
{
	uint64_t now = kdtls_now_ms();
	struct kdtls_member *m;

	/* What is looked after now is due later than that. */
	while ((m = kdtls_crowd_first(&a->crowd)) && m->due <= now) {
		if (m->s)
			step(a, m, NULL, 0);
		else
			leave(a, m);
	}
}

void kdtls_acceptor_free(kdtls_acceptor *a)
{
	struct kdtls_member *m;

	if (!a)
		return;
	while ((m = kdtls_crowd_first(&a->crowd)))
		leave(a, m);
	kdtls_crowd_free(&a->crowd);
	kdtls_cookies_free(&a->cookies);
	kdtls_config_free(a->cfg);
	free(a->held);
	free(a);
}
