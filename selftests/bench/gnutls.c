// SPDX-License-Identifier: GPL-2.0-only
/* DTLS 1.2 of GnuTLS. */
#include <string.h>
#include <gnutls/dtls.h>
#include <gnutls/gnutls.h>

#include "bench.h"
#include "net.h"

static const char *const names[BENCH_NR_CIPHERS] = {
	[BENCH_AES_128_GCM]	= "AES-128-GCM",
	[BENCH_AES_256_GCM]	= "AES-256-GCM",
	[BENCH_CHACHA20]	= "CHACHA20-POLY1305",
	[BENCH_AES_128_CCM]	= "AES-128-CCM",
	[BENCH_AES_128_CCM_8]	= "AES-128-CCM-8",
};

static int psk_server(gnutls_session_t s, const char *name, gnutls_datum_t *key)
{
	(void)s;
	(void)name;
	key->size = strlen(BENCH_PSK);
	key->data = gnutls_malloc(key->size);
	must(key->data);
	memcpy(key->data, BENCH_PSK, key->size);
	return 0;
}

static gnutls_session_t make_end(struct bench_link *l, int i)
{
	gnutls_datum_t key = { (void *)BENCH_PSK, strlen(BENCH_PSK) };
	gnutls_psk_server_credentials_t server;
	gnutls_psk_client_credentials_t client;
	gnutls_session_t s;
	char list[128];

	/* The credentials live as long as this process. */
	if (i) {
		must(!gnutls_init(&s, GNUTLS_SERVER | GNUTLS_DATAGRAM |
				      GNUTLS_NONBLOCK));
		must(!gnutls_psk_allocate_server_credentials(&server));
		gnutls_psk_set_server_credentials_function(server, psk_server);
		must(!gnutls_credentials_set(s, GNUTLS_CRD_PSK, server));
	} else {
		must(!gnutls_init(&s, GNUTLS_CLIENT | GNUTLS_DATAGRAM |
				      GNUTLS_NONBLOCK));
		must(!gnutls_psk_allocate_client_credentials(&client));
		must(!gnutls_psk_set_client_credentials(client, "bench", &key,
							GNUTLS_PSK_KEY_RAW));
		must(!gnutls_credentials_set(s, GNUTLS_CRD_PSK, client));
	}
	snprintf(list, sizeof(list),
		 "NONE:+VERS-DTLS1.2:+PSK:+%s:+AEAD:+SIGN-ALL:+COMP-NULL",
		 names[l->cipher]);
	must(!gnutls_priority_set_direct(s, list, NULL));
	gnutls_dtls_set_mtu(s, 65535);
	gnutls_transport_set_int(s, l->fd[i]);
	return s;
}

static bool gnutls_open(struct bench_link *l)
{
	bool done[2] = {};
	int i, tries, ret;

	if (!names[l->cipher])
		return false;
	bench_udp_pair(l);
	bench_block(l->fd, false);
	for (i = 0; i < 2; i++)
		l->end[i] = make_end(l, i);
	for (tries = 0; !(done[0] && done[1]) && tries < 1000; tries++) {
		for (i = 0; i < 2; i++) {
			/* Called again it would begin anew. */
			if (done[i])
				continue;
			ret = gnutls_handshake(l->end[i]);
			if (ret < 0 && gnutls_error_is_fatal(ret))
				die("gnutls: %s", gnutls_strerror(ret));
			done[i] = !ret;
		}
	}
	if (!done[0] || !done[1])
		die("gnutls: no handshake");
	bench_block(l->fd, true);
	return true;
}

static void gnutls_side_send(struct bench_link *l, const __u8 *out)
{
	if (gnutls_record_send(l->end[0], out, l->size) != (ssize_t)l->size)
		die("gnutls_record_send");
}

static unsigned int gnutls_side_recv(struct bench_link *l, __u8 *in)
{
	ssize_t n = gnutls_record_recv(l->end[1], in, BENCH_BUFFER);

	if (n <= 0)
		return 0;
	must(n == (ssize_t)l->size);
	return 1;
}

static void gnutls_close(struct bench_link *l)
{
	gnutls_deinit(l->end[0]);
	gnutls_deinit(l->end[1]);
	bench_close_fds(l);
}

const struct bench_side bench_gnutls = {
	.name	= "gnutls",
	.open	= gnutls_open,
	.send	= gnutls_side_send,
	.recv	= gnutls_side_recv,
	.close	= gnutls_close,
};
