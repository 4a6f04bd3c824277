// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Browsers: from the offer by ICE and the handshake into the kernel, and out of it.
 * The handshake is libkdtls's, in memory; its datagrams go past the kernel's keys
 * (DTLS_PASSTHROUGH, DTLS_RAW).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <gnutls/crypto.h>

#include "media.h"
#include "rtc.h"
#include "seal.h"

/* Browsers check every few seconds; RFC 7675 gives up after 30. */
#define SILENCE_MS	60000

struct peer *peers;

static void random_text(char *out, size_t len)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t bytes[PWD_LEN];
	size_t i;

	if (gnutls_rnd(GNUTLS_RND_KEY, bytes, len))
		abort();
	for (i = 0; i < len; i++)
		out[i] = letters[bytes[i] & 63];
	out[len] = '\0';
}

struct peer *peer_new(const char *name, const struct offer *o)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->offer = *o;
	p->active = o->passive || opts.active;
	p->heard = now_ms();
	snprintf(p->name, sizeof(p->name), "%s", name);
	random_text(p->ufrag, UFRAG_LEN);
	random_text(p->pwd, PWD_LEN);
	p->next = peers;
	peers = p;
	return p;
}

struct peer *peer_by_ufrag(const char *ufrag, size_t len)
{
	struct peer *p;

	for (p = peers; p; p = p->next)
		if (len == UFRAG_LEN && !memcmp(p->ufrag, ufrag, len))
			break;
	return p;
}

/* Each datagram asks for its peer: by address, or by what the kernel calls it. */
#define BUCKETS	4096

static struct peer *by_port[BUCKETS], *by_id[BUCKETS];

static struct peer **port_bucket(const struct sockaddr_in *addr)
{
	return &by_port[ntohs(addr->sin_port) % BUCKETS];
}

struct peer *peer_by_addr(const struct sockaddr_in *addr)
{
	struct peer *p;

	for (p = *port_bucket(addr); p; p = p->same_port)
		if (p->addr.sin_port == addr->sin_port &&
		    p->addr.sin_addr.s_addr == addr->sin_addr.s_addr)
			break;
	return p;
}

struct peer *peer_by_id(uint64_t id)
{
	struct peer *p;

	for (p = by_id[id % BUCKETS]; p; p = p->same_id)
		if (p->id == id)
			break;
	return p;
}

static void enter_addr(struct peer *p)
{
	struct peer **at = port_bucket(&p->addr);

	p->same_port = *at;
	*at = p;
}

static void enter_id(struct peer *p)
{
	struct peer **at = &by_id[p->id % BUCKETS];

	p->same_id = *at;
	*at = p;
}

static void leave(struct peer *p)
{
	struct peer **at;

	for (at = port_bucket(&p->addr); *at; at = &(*at)->same_port)
		if (*at == p) {
			*at = p->same_port;
			break;
		}
	for (at = &by_id[p->id % BUCKETS]; *at; at = &(*at)->same_id)
		if (*at == p) {
			*at = p->same_id;
			break;
		}
}

static int output(void *arg, const void *dgram, size_t len)
{
	struct peer *p = arg;

	net_raw(&p->addr, dgram, len);
	return 0;
}

static int begin(struct peer *p)
{
	kdtls_config *cfg = config[p->active];

	p->session = p->active ? kdtls_client_new(cfg, -1, NULL) :
				 kdtls_server_new(cfg, -1);
	if (!p->session)
		return -ENOMEM;
	kdtls_set_output(p->session, output, p);
	return kdtls_set_fingerprint(p->session, p->offer.hash, p->offer.print,
				     p->offer.print_len);
}

static void fail(struct peer *p, const char *why)
{
	say("%s: %s", p->name, why);
	p->failed = true;
}

/* From here on the TLS library seals nothing. */
static int take_over(struct peer *p)
{
	if (!opts.user)
		return kdtls_install_peer(p->session, net_fd(),
					  (struct sockaddr *)&p->addr,
					  sizeof(p->addr), &p->id);
	p->seal = seal_new(p->session);
	return p->seal ? 0 : -EOPNOTSUPP;
}

/* Records that came before the end of the handshake: a browser does not wait. */
static void take_early(struct peer *p)
{
	static uint8_t buf[DTLS_PLAINTEXT_MAX];
	ssize_t n;

	while ((n = kdtls_early(p->session, buf, sizeof(buf))) > 0)
		if (p->sock && !p->failed)
			chan_input(p, buf, n);
}

static void step(struct peer *p)
{
	int ret;

	if (p->failed || p->established || !p->session)
		return;
	ret = kdtls_handshake(p->session);
	if (ret == -EAGAIN)
		return;
	if (!ret)
		ret = kdtls_get_info(p->session, &p->info);
	if (!ret)
		ret = take_over(p);
	if (ret) {
		fail(p, kdtls_error(p->session));
		return;
	}
	p->established = true;
	if (p->id)
		enter_id(p);
	say("%s: DTLS 1.%d, %s, %s, peer %llu of the socket", p->name,
	    p->info.version == DTLS_1_3_VERSION ? 3 : 2, p->info.suite_name,
	    p->active ? "active" : "passive", (unsigned long long)p->id);
	media_open(p);
	if (p->offer.sctp_port && chan_open(p))
		fail(p, "no SCTP socket");
	take_early(p);
}

/* A check with the right password has come from there. */
void peer_checked(struct peer *p, const struct sockaddr_in *from)
{
	p->heard = now_ms();
	/* The first address is good; browsers do not change it later. */
	if (p->addr.sin_port)
		return;
	p->addr = *from;
	enter_addr(p);
	if (begin(p)) {
		fail(p, "no session");
		return;
	}
	if (p->active)
		step(p);
}

void peer_handshake(struct peer *p, const void *dgram, size_t len)
{
	if (!p->session || p->established || p->failed ||
	    kdtls_input(p->session, dgram, len))
		return;
	step(p);
}

/* Milliseconds until peer_work() has something to do. */
int peer_timeout(void)
{
	struct peer *p;
	int ms, least = 1000;

	for (p = peers; p; p = p->next) {
		if (!p->session || p->established || p->failed)
			continue;
		ms = kdtls_timeout(p->session);
		if (ms >= 0 && ms < least)
			least = ms;
	}
	return least;
}

static void peer_free(struct peer *p)
{
	say("%s: gone", p->name);
	leave(p);
	if (p->sock)
		chan_close(p);
	media_close(p);
	net_forget(p);
	seal_free(p->seal);
	kdtls_free(p->session);
	free(p->channels);
	free(p->message);
	free(p);
}

void peer_work(void)
{
	struct peer **at = &peers, *p;
	uint64_t now = now_ms();

	while ((p = *at)) {
		if (p->session && !p->established && !p->failed &&
		    !kdtls_timeout(p->session))
			step(p);
		if (p->closed || p->failed || now - p->heard > SILENCE_MS) {
			*at = p->next;
			peer_free(p);
		} else {
			at = &p->next;
		}
	}
}
