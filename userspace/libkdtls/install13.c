// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The way of a DTLS 1.3 session into the kernel: traffic secrets, and for the
 * messages that may have got lost the keys of the handshake too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gnutls_internal.h"

void kdtls_fill13(const kdtls_session *s, bool write, int epoch,
		  struct dtls_keys *keys)
{
	kdtls_watch13_keys(&s->watch13, write, epoch, keys);
	keys->cid_len = write ? s->watch13.tx_cid_len : s->rx_cid_len;
	memcpy(keys->cid, write ? s->tx_cid : s->rx_cid, keys->cid_len);
}

/* From here on the backend is gone, and seals nothing. */
int kdtls_take_keys13(kdtls_session *s, struct dtls_keys *tx,
		      struct dtls_keys *rx)
{
	if (!s->done)
		return kdtls_fail(s, -ENOTCONN, "the handshake is not complete");
	if (s->watch.closed)
		return kdtls_fail(s, -EALREADY, "the keys were handed over before");
	kdtls_close_hands(s);
	if (!s->keep_early)
		kdtls_watch13_open_early(&s->watch13);
	s->watch.closed = true;
	s->watch13.closed = true;
	kdtls_fill13(s, true, 3, tx);
	kdtls_fill13(s, false, 3, rx);
	return 0;
}

static int set_one(kdtls_session *s, int optname, const struct dtls_keys *keys)
{
	if (!setsockopt(s->fd, SOL_DTLS, optname, keys, sizeof(*keys)))
		return 0;
	return kdtls_fail(s, -errno, "installing the keys of the handshake: %s",
			  strerror(errno));
}

/*
 * Whose flight was the last?  The client's: until the server has acknowledged it the
 * server may repeat its own, and wants the client's again (RFC 9147 5.8.1).  The
 * server has acknowledged it, and does so again for a client that asks.
 */
static int set_handshake_keys(kdtls_session *s)
{
	struct dtls_keys keys;
	int ret;

	kdtls_fill13(s, false, 2, &keys);
	ret = set_one(s, DTLS_RX, &keys);
	if (!ret && !s->server) {
		kdtls_fill13(s, true, 2, &keys);
		ret = set_one(s, DTLS_TX, &keys);
	}
	explicit_bzero(&keys, sizeof(keys));
	return ret;
}

int kdtls_install13(kdtls_session *s)
{
	struct dtls_keys tx, rx;
	int ret;

	ret = kdtls_take_keys13(s, &tx, &rx);
	if (!ret)
		ret = set_handshake_keys(s);
	if (ret)
		goto out;
	ret = kdtls_set_keys(s->fd, &tx, &rx);
	if (ret) {
		kdtls_fail(s, ret, "installing the keys: %s", strerror(-ret));
		goto out;
	}
	ret = kdtls_install_flight(s, &tx);
out:
	explicit_bzero(&tx, sizeof(tx));
	explicit_bzero(&rx, sizeof(rx));
	return ret;
}

void kdtls_info13(const kdtls_session *s, struct kdtls_info *info)
{
	info->version = DTLS_1_3_VERSION;
	info->suite = s->watch13.suite->id;
	snprintf(info->suite_name, sizeof(info->suite_name), "%s",
		 s->watch13.suite->name);
	info->server = s->server;
	info->ems = 1;		/* RFC 8446 D: what it was for is built in */
	info->flights = s->watch13.datagrams;
	info->early = s->watch13.early.count;
	info->flight = s->flight_records;
	info->tx_cid_len = s->watch13.tx_cid_len;
	info->rx_cid_len = s->rx_cid_len;
	memcpy(info->alpn, s->alpn, sizeof(info->alpn));
	if (s->used_psk) {
		info->peer = KDTLS_PEER_PSK;
		memcpy(info->identity, s->identity, sizeof(info->identity));
	} else if (s->num_chain) {
		info->peer = KDTLS_PEER_X509;
	}
}
