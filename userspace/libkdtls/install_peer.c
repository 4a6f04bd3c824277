// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The way of a session into a socket that has many peers (DTLS_PEER_ADD).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gnutls_internal.h"

/* An option of one peer, as kdtls_install() sets it on a socket of one. */
static int set_option(kdtls_session *s, int fd, uint64_t id, int optname,
		      const void *value, size_t len)
{
	struct dtls_peer_option *opt = malloc(sizeof(*opt) + len);
	int ret = 0;

	if (!opt)
		return kdtls_fail(s, -ENOMEM, "out of memory");
	memset(opt, 0, sizeof(*opt));
	opt->size = sizeof(*opt);
	opt->optname = optname;
	opt->id = id;
	memcpy(opt + 1, value, len);
	if (setsockopt(fd, SOL_DTLS, DTLS_PEER_OPTION, opt, sizeof(*opt) + len))
		ret = kdtls_fail(s, -errno, "option %d of the peer: %s", optname,
				 strerror(errno));
	explicit_bzero(opt, sizeof(*opt) + len);
	free(opt);
	return ret;
}

/* @keys: two if @flags has both directions. */
static int add_peer(kdtls_session *s, int fd, uint32_t flags,
		    const struct sockaddr *addr, socklen_t addr_len,
		    const struct dtls_keys *keys, uint64_t *id)
{
	unsigned int n = flags == (DTLS_PEER_TX | DTLS_PEER_RX) ? 2 : 1;
	struct {
		struct dtls_peer_info info;
		struct dtls_keys keys[2];
	} add = { .info = { .size = sizeof(add.info),
			    .flags = flags | DTLS_PEER_REPLACE } };
	socklen_t len = sizeof(add.info);
	int ret;

	memcpy(&add.info.addr, addr, addr_len);
	memcpy(add.keys, keys, n * sizeof(*keys));
	ret = setsockopt(fd, SOL_DTLS, DTLS_PEER_ADD, &add,
			 sizeof(add.info) + n * sizeof(*keys));
	if (!ret) {
		add.info.flags = 0;
		ret = getsockopt(fd, SOL_DTLS, DTLS_PEER_INFO, &add.info, &len);
		*id = add.info.id;
	}
	ret = ret ? kdtls_fail(s, -errno, "adding the peer: %s",
			       strerror(errno)) : 0;
	explicit_bzero(&add, sizeof(add));
	return ret;
}

/* See set_handshake_keys() for why there are those of epoch 2. */
static int install13(kdtls_session *s, int fd, const struct sockaddr *addr,
		     socklen_t len, struct dtls_keys keys[2], uint64_t *id)
{
	struct dtls_keys early[2];
	uint32_t flags;
	int ret;

	kdtls_fill13(s, true, 2, &early[0]);
	kdtls_fill13(s, false, 2, &early[1]);
	flags = s->server ? DTLS_PEER_RX : DTLS_PEER_TX | DTLS_PEER_RX;
	ret = add_peer(s, fd, flags, addr, len, &early[s->server], id);
	explicit_bzero(early, sizeof(early));
	return ret ? ret : set_option(s, fd, *id, DTLS_TXRX, keys,
				      2 * sizeof(*keys));
}

int kdtls_install_peer(kdtls_session *s, int fd, const struct sockaddr *addr,
		       socklen_t len, uint64_t *id)
{
	struct dtls_flight *flight;
	struct dtls_keys keys[2];
	size_t flight_len;
	int ret;

	*id = 0;
	if (len > sizeof(((struct dtls_peer_info *)0)->addr))
		return kdtls_fail(s, -EINVAL, "no such address");
	ret = kdtls_export_keys(s, &keys[0], &keys[1]);
	if (ret)
		return ret;
	if (s->is13)
		ret = install13(s, fd, addr, len, keys, id);
	else
		ret = add_peer(s, fd, DTLS_PEER_TX | DTLS_PEER_RX, addr, len,
			       keys, id);
	if (ret)
		goto out;
	ret = kdtls_last_flight(s, &keys[0], &flight, &flight_len);
	if (ret <= 0)
		goto out;
	ret = set_option(s, fd, *id, DTLS_LAST_FLIGHT, flight, flight_len);
	free(flight);
out:
	explicit_bzero(keys, sizeof(keys));
	return ret;
}
