// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The way of a GnuTLS session into the kernel.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gnutls_internal.h"

static int open_aead(const struct kdtls_suite *suite, const uint8_t *key,
		     const uint8_t nonce[12], const uint8_t aad[13],
		     const uint8_t *in, size_t in_len, uint8_t *out)
{
	return kdtls_gnutls_open(suite, key, nonce, aad, 13, in, in_len, out);
}

/* GnuTLS tells the name that IANA gave the suite, not the number. */
static const struct kdtls_suite *session_suite(const kdtls_session *s)
{
	const char *name = gnutls_ciphersuite_get(s->tls);

	return name ? kdtls_suite_named(name) : NULL;
}

static int direction_keys(kdtls_session *s, const struct kdtls_suite *suite,
			  bool read, struct dtls_keys *keys)
{
	gnutls_datum_t iv, key;
	uint64_t epoch_seq;
	uint8_t seq[8];
	int ret, i;

	ret = gnutls_record_get_state(s->tls, read, NULL, &iv, &key, seq);
	if (ret)
		return kdtls_fail(s, -EIO, "no keys from GnuTLS: %s",
			    gnutls_strerror(ret));
	if (key.size != suite->key_len || iv.size < suite->iv_len)
		return kdtls_fail(s, -EOPNOTSUPP, "keys of unexpected size");
	/* One handshake, one epoch: renegotiation is never started here. */
	epoch_seq = 1ULL << 48;
	if (!read) {
		/*
		 * Two counts of what was sealed: the library's, and ours of what
		 * it sent. A nonce must never come twice: take the higher.
		 */
		for (i = 2; i < 8; i++)
			epoch_seq += (uint64_t)seq[i] << 8 * (7 - i);
		if (epoch_seq < s->watch.tx_next)
			epoch_seq = s->watch.tx_next;
		if (epoch_seq >> 48 != 1)
			return kdtls_fail(s, -EOPNOTSUPP, "not the first epoch");
	}
	kdtls_keys_init(keys, suite, epoch_seq, key.data, iv.data);
	return 0;
}

/* Whose Finished is the last one: RFC 5246 7.3, figures 1 and 2. */
static bool last_flight_is_ours(const kdtls_session *s)
{
	return s->server != !!gnutls_session_is_resumed(s->tls);
}

static int take_keys(kdtls_session *s, const struct kdtls_suite **suite,
		     struct dtls_keys *tx, struct dtls_keys *rx)
{
	uint64_t next;
	int ret;

	if (!s->done)
		return kdtls_fail(s, -ENOTCONN, "the handshake is not complete");
	if (s->watch.closed)
		return kdtls_fail(s, -EALREADY, "the keys were handed over before");
	*suite = session_suite(s);
	if (!*suite)
		return kdtls_fail(s, -EOPNOTSUPP, "the kernel has no such suite: %s",
			    gnutls_ciphersuite_get(s->tls));
	ret = direction_keys(s, *suite, false, tx);
	if (!ret)
		ret = direction_keys(s, *suite, true, rx);
	if (ret)
		return ret;
	if (kdtls_watch_nonce_clash(&s->watch, *suite))
		return kdtls_fail(s, -EKEYREJECTED, "nonces in use");
	next = s->keep_early ?
	       kdtls_watch_open_seen(&s->watch, *suite, rx, open_aead) :
	       kdtls_watch_open_early(&s->watch, *suite, rx, open_aead);
	rx->epoch = next >> 48;
	rx->seq = next & 0xffffffffffffULL;
	s->watch.closed = true;
	return 0;
}

int kdtls_export_keys(kdtls_session *s, struct dtls_keys *tx,
		      struct dtls_keys *rx)
{
	const struct kdtls_suite *suite;
	int ret = s->is13 ? kdtls_take_keys13(s, tx, rx) :
			    take_keys(s, &suite, tx, rx);

	if (ret) {
		explicit_bzero(tx, sizeof(*tx));
		explicit_bzero(rx, sizeof(*rx));
	}
	return ret;
}

/* The last flight, to be freed: 1, or 0 if it is not ours, or a negative errno. */
int kdtls_last_flight(kdtls_session *s, const struct dtls_keys *tx,
		      struct dtls_flight **flight, size_t *len)
{
	int ret;

	if (s->is13 ? s->server : !last_flight_is_ours(s))
		return 0;
	ret = s->is13 ? kdtls_watch13_flight(&s->watch13, flight, len) :
	      kdtls_watch_flight(&s->watch, session_suite(s), tx, open_aead,
				 flight, len);
	if (ret)
		return kdtls_fail(s, ret, "the last flight: %s", strerror(-ret));
	s->flight_records = (*flight)->count;
	return 1;
}

int kdtls_install_flight(kdtls_session *s, const struct dtls_keys *tx)
{
	struct dtls_flight *flight;
	size_t len;
	int ret = kdtls_last_flight(s, tx, &flight, &len);

	if (ret <= 0)
		return ret;
	ret = kdtls_kernel_flight(s->fd, flight, len);
	free(flight);
	return ret ? kdtls_fail(s, ret, "handing over the last flight: %s",
				strerror(-ret)) : 0;
}

int kdtls_install(kdtls_session *s)
{
	const struct kdtls_suite *suite;
	struct dtls_keys tx, rx;
	int ret;

	/* First what can fail without harm. */
	if (s->done && !s->watch.closed) {
		ret = kdtls_attach(s->fd);
		if (ret == -ENOPROTOOPT)
			return kdtls_fail(s, ret,
				    "the kernel has no DTLS: is dtls.ko loaded?");
		if (ret)
			return kdtls_fail(s, ret, "attaching dtls to the socket: %s",
				    strerror(-ret));
	}
	if (s->is13)
		return kdtls_install13(s);
	ret = take_keys(s, &suite, &tx, &rx);
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

ssize_t kdtls_early(kdtls_session *s, void *buf, size_t len)
{
	return s->is13 ? kdtls_watch13_early(&s->watch13, buf, len) :
			 kdtls_watch_early(&s->watch, buf, len);
}

/* The next of the records that a session with keep_early has kept. */
ssize_t kdtls_early_raw(kdtls_session *s, void *buf, size_t len)
{
	return s->is13 ? kdtls_watch13_early_raw(&s->watch13, buf, len) :
			 kdtls_watch_early_raw(&s->watch, buf, len);
}

int kdtls_get_info(const kdtls_session *s, struct kdtls_info *info)
{
	const struct kdtls_suite *suite;
	const char *name;
	gnutls_datum_t alpn;
	unsigned int num;

	memset(info, 0, sizeof(*info));
	if (!s->done)
		return -ENOTCONN;
	if (s->is13) {
		kdtls_info13(s, info);
		return 0;
	}
	info->version = DTLS_1_2_VERSION;
	suite = session_suite(s);
	name = suite ? suite->name : gnutls_ciphersuite_get(s->tls);
	info->suite = suite ? suite->id : 0;
	snprintf(info->suite_name, sizeof(info->suite_name), "%s",
		 name ? name : "");
	info->server = s->server;
	info->resumed = !!gnutls_session_is_resumed(s->tls);
	info->ems = !!gnutls_session_ext_master_secret_status(s->tls);
	info->flights = s->watch.datagrams;
	info->early = s->watch.early.count;
	info->flight = s->flight_records;
	if (!gnutls_alpn_get_selected_protocol(s->tls, &alpn))
		snprintf(info->alpn, sizeof(info->alpn), "%.*s",
			 (int)alpn.size, (char *)alpn.data);
	switch (gnutls_kx_get(s->tls)) {
	case GNUTLS_KX_PSK:
	case GNUTLS_KX_DHE_PSK:
	case GNUTLS_KX_ECDHE_PSK:
	case GNUTLS_KX_RSA_PSK:
		info->peer = KDTLS_PEER_PSK;
		name = s->server ? gnutls_psk_server_get_username(s->tls) :
		       s->psk_identity;
		snprintf(info->identity, sizeof(info->identity), "%s",
			 name ? name : "");
		return 0;
	default:
		break;
	}
	if (gnutls_certificate_get_peers(s->tls, &num) && num)
		info->peer = gnutls_certificate_type_get2(s->tls,
							  GNUTLS_CTYPE_PEERS) ==
			     GNUTLS_CRT_RAWPK ? KDTLS_PEER_RAWPK :
			     KDTLS_PEER_X509;
	return 0;
}
