// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Servers: the cookie exchange (RFC 6347 4.2.1), and a socket for each peer that
 * has passed it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>
#include <gnutls/crypto.h>

#include "gnutls_internal.h"

/* ClientHellos that were accepted a moment ago: the network makes copies. */
#define RECENT_MAX	64
/* Offset of client_random: after record and handshake header, and version. */
#define RANDOM_OFFSET	(13 + 12 + 2)
#define RANDOM_LEN	32

struct recent {
	struct sockaddr_storage peer;
	uint8_t random[RANDOM_LEN];
};

struct kdtls_listener {
	kdtls_config *cfg;
	int fd;
	int family;
	in_port_t port;
	int v6only;
	gnutls_datum_t key[2];		/* of the cookies: this one, the last one */
	bool both;			/* versions */
	void *context13;		/* NULL: 1.2 only */
	uint64_t key_time;
	struct recent recent[RECENT_MAX];
	unsigned int next_recent;
	uint8_t dgram[KDTLS_DATAGRAM_MAX];
};

/* One datagram: where it came from, and where to. */
struct arrival {
	int fd;
	struct sockaddr_storage peer;
	socklen_t peer_len;
	struct sockaddr_storage local;	/* port 0; family 0: unknown */
};

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(struct in_pktinfo)) +
		 CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

kdtls_listener *kdtls_listener_new(kdtls_config *cfg, int fd)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);
	kdtls_listener *l;
	int one = 1;

	if (getsockname(fd, (struct sockaddr *)&addr, &len))
		return NULL;
	if (addr.ss_family != AF_INET && addr.ss_family != AF_INET6) {
		errno = EAFNOSUPPORT;
		return NULL;
	}
	/*
	 * The sockets of the peers share our port.  SO_REUSEPORT, unlike
	 * SO_REUSEADDR, keeps other users' programs out.
	 */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)))
		return NULL;
	if (addr.ss_family == AF_INET ?
	    setsockopt(fd, SOL_IP, IP_PKTINFO, &one, sizeof(one)) :
	    setsockopt(fd, SOL_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one)))
		return NULL;

	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->cfg = cfg;
	l->fd = fd;
	l->family = addr.ss_family;
	l->port = l->family == AF_INET ?
		  ((struct sockaddr_in *)&addr)->sin_port :
		  ((struct sockaddr_in6 *)&addr)->sin6_port;
	len = sizeof(l->v6only);
	if (l->family == AF_INET6)
		getsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &l->v6only, &len);
	if (gnutls_key_generate(&l->key[0], GNUTLS_COOKIE_KEY_SIZE)) {
		free(l);
		errno = ENOMEM;
		return NULL;
	}
	l->key_time = kdtls_now_ms();
	l->both = cfg->min_version == DTLS_1_2_VERSION;
	if ((kdtls_can_13(cfg) &&
	     kdtls_backend_context(cfg, true, &l->context13) == -EINVAL) ||
	    (!l->both && !l->context13)) {
		kdtls_listener_free(l);
		errno = EINVAL;
		return NULL;
	}
	return l;
}

void kdtls_listener_free(kdtls_listener *l)
{
	if (!l)
		return;
	gnutls_free(l->key[0].data);
	gnutls_free(l->key[1].data);
	free(l);
}

/*
 * A new key now and then, so that nobody can gather cookies of many addresses
 * and use them all at once.  The old one stays good for one more turn.
 */
static void renew_key(kdtls_listener *l)
{
	gnutls_datum_t key;

	if (kdtls_now_ms() - l->key_time < KDTLS_COOKIE_LIFE_MS ||
	    gnutls_key_generate(&key, GNUTLS_COOKIE_KEY_SIZE))
		return;
	gnutls_free(l->key[1].data);
	l->key[1] = l->key[0];
	l->key[0] = key;
	l->key_time = kdtls_now_ms();
}

static ssize_t receive(kdtls_listener *l, struct arrival *a)
{
	union control control;
	struct iovec iov = { l->dgram, sizeof(l->dgram) };
	struct msghdr msg = {
		.msg_name = &a->peer,
		.msg_namelen = sizeof(a->peer),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	ssize_t ret;

	memset(a, 0, sizeof(*a));
	a->fd = l->fd;
	do {
		ret = recvmsg(l->fd, &msg, 0);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	a->peer_len = msg.msg_namelen;
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_PKTINFO &&
		    l->family == AF_INET) {
			struct sockaddr_in *sin = (void *)&a->local;
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			sin->sin_family = AF_INET;
			sin->sin_addr = info.ipi_spec_dst;
		} else if (c->cmsg_level == SOL_IPV6 &&
			   c->cmsg_type == IPV6_PKTINFO) {
			struct sockaddr_in6 *sin6 = (void *)&a->local;
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr))
				continue;
			sin6->sin6_family = AF_INET6;
			sin6->sin6_addr = info.ipi6_addr;
			if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
				sin6->sin6_scope_id = info.ipi6_ifindex;
		}
	}
	return ret;
}

/* Answers from the address that was asked. */
static ssize_t push_cookie(gnutls_transport_ptr_t ptr, const void *buf,
			   size_t len)
{
	struct arrival *a = ptr;
	union control control = { 0 };
	struct iovec iov = { (void *)buf, len };
	struct msghdr msg = {
		.msg_name = &a->peer,
		.msg_namelen = a->peer_len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	struct cmsghdr *c = &control.align;

	if (a->local.ss_family == AF_INET) {
		struct in_pktinfo info = {
			.ipi_spec_dst = ((struct sockaddr_in *)&a->local)->sin_addr,
		};

		c->cmsg_level = SOL_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(info));
	} else if (a->local.ss_family == AF_INET6) {
		struct sockaddr_in6 *sin6 = (void *)&a->local;
		struct in6_pktinfo info = {
			.ipi6_addr = sin6->sin6_addr,
			.ipi6_ifindex = sin6->sin6_scope_id,
		};

		c->cmsg_level = SOL_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(info));
	}
	/* If it cannot be sent it is lost, and the client asks again. */
	sendmsg(a->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	return len;
}

/* A record of epoch 0 with a ClientHello(1) in it, up to its random. */
static bool is_client_hello(const uint8_t *p, size_t len)
{
	return len >= RANDOM_OFFSET + RANDOM_LEN &&
	       p[0] == DTLS_TYPE_HANDSHAKE && p[1] == 0xfe && !p[3] && !p[4] &&
	       p[13] == 1;
}

static bool was_accepted(kdtls_listener *l, const struct arrival *a)
{
	unsigned int i;

	for (i = 0; i < RECENT_MAX; i++)
		if (!memcmp(&l->recent[i].peer, &a->peer, sizeof(a->peer)) &&
		    !memcmp(l->recent[i].random, l->dgram + RANDOM_OFFSET,
			    RANDOM_LEN))
			return true;
	return false;
}

static int peer_socket(kdtls_listener *l, struct arrival *a)
{
	struct sockaddr_storage local = a->local;
	int fd, one = 1, n, err;
	char byte;

	fd = socket(l->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	local.ss_family = l->family;
	if (l->family == AF_INET)
		((struct sockaddr_in *)&local)->sin_port = l->port;
	else
		((struct sockaddr_in6 *)&local)->sin6_port = l->port;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) ||
	    (l->family == AF_INET6 &&
	     setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &l->v6only,
			sizeof(l->v6only))) ||
	    bind(fd, (struct sockaddr *)&local, l->family == AF_INET ?
		 sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)) ||
	    connect(fd, (struct sockaddr *)&a->peer, a->peer_len)) {
		err = errno;
		close(fd);
		return -err;
	}
	/*
	 * Between bind and connect the socket took datagrams of anyone.  None
	 * of them is the peer's next flight, which answers ours.
	 */
	for (n = 0; n < 1000; n++)
		if (recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN)
			break;
	return fd;
}

/* ------------------------------------------------------------------------
 * DTLS 1.3: a HelloRetryRequest with the cookie (RFC 9147 5.1)
 */

/* A ClientHello for the backend, and what it answers, if anything. */
struct retry {
	kdtls_listener *l;
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
	memcpy(buf, r->l->dgram, len);
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
	kdtls_session s = { .cfg = r->l->cfg };
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
static void *good_cookie(struct retry *r, struct arrival *a, size_t len,
			 const uint8_t *cid, uint8_t cid_len)
{
	kdtls_listener *l = r->l;
	const struct kdtls_backend *b = l->cfg->backend;
	struct kdtls_hands hands = {
		.calls = &retry_calls,
		.arg = r,
		.cid = l->cfg->cid_len >= 0 ? cid : NULL,
		.cid_len = cid_len,
		.mtu = l->cfg->mtu,
		.peer = (struct sockaddr *)&a->peer,
		.peer_len = a->peer_len,
	};
	uint8_t answer[sizeof(r->out)];
	size_t answer_len = 0;
	void *h;
	int i;

	for (i = 0; i < 2 && l->key[i].data; i++) {
		r->len = len;
		r->out_len = 0;
		hands.cookie_key = l->key[i].data;
		hands.cookie_key_len = l->key[i].size;
		h = b->open(l->context13, &hands);
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
		push_cookie(a, answer, answer_len);
	return NULL;
}

static void remember(kdtls_listener *l, const struct arrival *a)
{
	l->recent[l->next_recent].peer = a->peer;
	memcpy(l->recent[l->next_recent].random, l->dgram + RANDOM_OFFSET,
	       RANDOM_LEN);
	l->next_recent = (l->next_recent + 1) % RECENT_MAX;
}

/* 0 and a session, or an error; -EAGAIN: no cookie yet. */
static int accept13(kdtls_listener *l, struct arrival *a, size_t len,
		    kdtls_session **out)
{
	uint8_t cid[DTLS_CID_MAX], cid_len;
	struct retry r = { .l = l };
	kdtls_session *s;
	void *hands;
	int fd;

	cid_len = l->cfg->cid_len > 0 ? l->cfg->cid_len : 0;
	if (was_accepted(l, a) ||
	    gnutls_rnd(GNUTLS_RND_NONCE, cid, sizeof(cid)))
		return -EAGAIN;
	hands = good_cookie(&r, a, len, cid, cid_len);
	if (!hands)
		return -EAGAIN;
	fd = peer_socket(l, a);
	s = fd < 0 ? NULL : kdtls_session_new(l->cfg, fd, true);
	if (!s) {
		l->cfg->backend->close(hands);
		if (fd < 0)
			return fd;
		close(fd);
		return -ENOMEM;
	}
	kdtls_adopt13(s, hands, cid, cid_len, r.identity);
	remember(l, a);
	*out = s;
	return 0;
}

int kdtls_accept(kdtls_listener *l, kdtls_session **out)
{
	gnutls_dtls_prestate_st prestate;
	struct arrival a;
	kdtls_session *s;
	uint16_t suite;
	ssize_t len;
	int i, fd, ret;

	for (;;) {
		len = receive(l, &a);
		/* ICMP for a cookie that nobody wanted. */
		if (len == -ECONNREFUSED || len == -EHOSTUNREACH ||
		    len == -ENETUNREACH)
			continue;
		if (len < 0)
			return len;
		if (!is_client_hello(l->dgram, len))
			continue;
		renew_key(l);
		if (l->context13 && kdtls_hello13(l->dgram, len, 1, &suite)) {
			ret = accept13(l, &a, len, out);
			if (ret != -EAGAIN)
				return ret;
			continue;
		}
		if (!l->both)
			continue;
		for (i = 0; i < 2; i++) {
			memset(&prestate, 0, sizeof(prestate));
			if (l->key[i].data &&
			    !gnutls_dtls_cookie_verify(&l->key[i], &a.peer,
						       a.peer_len, l->dgram,
						       len, &prestate))
				break;
		}
		if (i == 2) {
			gnutls_dtls_cookie_send(&l->key[0], &a.peer, a.peer_len,
						&prestate, &a, push_cookie);
			continue;
		}
		if (!was_accepted(l, &a))
			break;
	}

	fd = peer_socket(l, &a);
	if (fd < 0)
		return fd;
	s = kdtls_session_new(l->cfg, fd, true);
	if (s)
		s->setup = kdtls_set_up(s);
	if (!s || kdtls_queue(s, l->dgram, len)) {
		kdtls_free(s);
		close(fd);
		return -ENOMEM;
	}
	if (s->tls)
		gnutls_dtls_prestate_set(s->tls, &prestate);
	remember(l, &a);
	*out = s;
	return 0;
}
