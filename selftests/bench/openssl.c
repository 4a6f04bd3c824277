// SPDX-License-Identifier: GPL-2.0-only
/* DTLS 1.2 of OpenSSL, with the datagram BIO, as its manual has it. */
#include <string.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <netinet/in.h>

#include "bench.h"
#include "net.h"

static const char *const names[BENCH_NR_CIPHERS] = {
	[BENCH_AES_128_GCM]	= "PSK-AES128-GCM-SHA256",
	[BENCH_AES_256_GCM]	= "PSK-AES256-GCM-SHA384",
	[BENCH_CHACHA20]	= "PSK-CHACHA20-POLY1305",
	[BENCH_AES_128_CCM]	= "PSK-AES128-CCM",
	[BENCH_AES_128_CCM_8]	= "PSK-AES128-CCM8",
};

static unsigned int psk_client(SSL *ssl, const char *hint, char *identity,
			       unsigned int identity_max, unsigned char *psk,
			       unsigned int psk_max)
{
	(void)ssl;
	(void)hint;
	(void)psk_max;
	snprintf(identity, identity_max, "bench");
	memcpy(psk, BENCH_PSK, strlen(BENCH_PSK));
	return strlen(BENCH_PSK);
}

static unsigned int psk_server(SSL *ssl, const char *identity,
			       unsigned char *psk, unsigned int psk_max)
{
	char same[8];

	return psk_client(ssl, identity, same, sizeof(same), psk, psk_max);
}

static SSL *make_end(struct bench_link *l, int i)
{
	SSL_CTX *ctx = SSL_CTX_new(DTLS_method());
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	char list[64];
	BIO *bio;
	SSL *ssl;

	must(ctx);
	must(SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION));
	/* A tag of 8 bytes is below every other level. */
	snprintf(list, sizeof(list), "%s:@SECLEVEL=0", names[l->cipher]);
	must(SSL_CTX_set_cipher_list(ctx, list));
	SSL_CTX_set_psk_client_callback(ctx, psk_client);
	SSL_CTX_set_psk_server_callback(ctx, psk_server);
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	bio = BIO_new_dgram(l->fd[i], BIO_NOCLOSE);
	must(ssl && bio);
	must(!getpeername(l->fd[i], (struct sockaddr *)&peer, &len));
	BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &peer);
	SSL_set_bio(ssl, bio, bio);
	if (i)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	return ssl;
}

static bool openssl_open(struct bench_link *l)
{
	int i, tries, done = 0;

	if (!names[l->cipher])
		return false;
	bench_udp_pair(l);
	bench_block(l->fd, false);
	for (i = 0; i < 2; i++)
		l->end[i] = make_end(l, i);
	for (tries = 0; done != 2 && tries < 1000; tries++) {
		for (i = done = 0; i < 2; i++)
			done += SSL_do_handshake(l->end[i]) == 1;
	}
	if (done != 2) {
		ERR_print_errors_fp(stderr);
		die("openssl: no handshake");
	}
	must(!strcmp(SSL_get_cipher_name(l->end[0]), names[l->cipher]));
	bench_block(l->fd, true);
	return true;
}

static void openssl_send(struct bench_link *l, const __u8 *out)
{
	if (SSL_write(l->end[0], out, l->size) != (int)l->size)
		die("SSL_write");
}

static unsigned int openssl_recv(struct bench_link *l, __u8 *in)
{
	int n = SSL_read(l->end[1], in, BENCH_BUFFER);

	if (n <= 0)
		return 0;
	must(n == (int)l->size);
	return 1;
}

static void openssl_close(struct bench_link *l)
{
	SSL_free(l->end[0]);
	SSL_free(l->end[1]);
	bench_close_fds(l);
}

const struct bench_side bench_openssl = {
	.name	= "openssl",
	.open	= openssl_open,
	.send	= openssl_send,
	.recv	= openssl_recv,
	.close	= openssl_close,
};
