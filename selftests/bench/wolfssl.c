// SPDX-License-Identifier: GPL-2.0-only
/* DTLS 1.2 of wolfSSL, as the distribution builds it. */
#include <string.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "bench.h"
#include "net.h"

/* It has no suites with a PSK alone, but for one. */
static const char *const names[BENCH_NR_CIPHERS] = {
	[BENCH_AES_128_GCM]	= "ECDHE-ECDSA-AES128-GCM-SHA256",
	[BENCH_AES_256_GCM]	= "ECDHE-ECDSA-AES256-GCM-SHA384",
	[BENCH_CHACHA20]	= "ECDHE-ECDSA-CHACHA20-POLY1305",
	[BENCH_AES_128_CCM]	= "ECDHE-ECDSA-AES128-CCM",
	[BENCH_AES_128_CCM_8]	= "ECDHE-ECDSA-AES128-CCM-8",
};

static bool make_end(struct bench_link *l, int i)
{
	WOLFSSL_CTX *ctx = wolfSSL_CTX_new(i ? wolfDTLSv1_2_server_method() :
					       wolfDTLSv1_2_client_method());
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	unsigned char *cert, *key;
	int cert_len, key_len;
	WOLFSSL *ssl;

	must(ctx);
	if (wolfSSL_CTX_set_cipher_list(ctx, names[l->cipher]) != WOLFSSL_SUCCESS)
		return false;
	wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL);
	if (i) {
		bench_certificate(&cert, &cert_len, &key, &key_len);
		must(wolfSSL_CTX_use_certificate_buffer(ctx, cert, cert_len,
							WOLFSSL_FILETYPE_ASN1) ==
		     WOLFSSL_SUCCESS);
		must(wolfSSL_CTX_use_PrivateKey_buffer(ctx, key, key_len,
						       WOLFSSL_FILETYPE_ASN1) ==
		     WOLFSSL_SUCCESS);
	}
	ssl = wolfSSL_new(ctx);
	wolfSSL_CTX_free(ctx);
	must(ssl);
	must(wolfSSL_set_fd(ssl, l->fd[i]) == WOLFSSL_SUCCESS);
	must(!getpeername(l->fd[i], (struct sockaddr *)&peer, &len));
	wolfSSL_dtls_set_peer(ssl, &peer, len);
	/* Else it sets the deadline of the socket anew for each record. */
	wolfSSL_dtls_set_using_nonblock(ssl, 1);
	l->end[i] = ssl;
	return true;
}

static bool wolfssl_open(struct bench_link *l)
{
	int tries, done = 0;

	if (!names[l->cipher])
		return false;
	bench_udp_pair(l);
	bench_block(l->fd, false);
	if (!make_end(l, 0) || !make_end(l, 1))
		return false;
	for (tries = 0; done != 2 && tries < 1000; tries++) {
		done = wolfSSL_connect(l->end[0]) == WOLFSSL_SUCCESS;
		done += wolfSSL_accept(l->end[1]) == WOLFSSL_SUCCESS;
	}
	if (done != 2)
		die("wolfssl: no handshake: %d, %d",
		    wolfSSL_get_error(l->end[0], 0),
		    wolfSSL_get_error(l->end[1], 0));
	/* It knows no path but one of Ethernet's. */
	if ((int)l->size > wolfSSL_GetMaxOutputSize(l->end[0]))
		return false;
	bench_block(l->fd, true);
	return true;
}

static void wolfssl_send(struct bench_link *l, const __u8 *out)
{
	if (wolfSSL_write(l->end[0], out, l->size) != (int)l->size)
		die("wolfSSL_write: %d", wolfSSL_get_error(l->end[0], -1));
}

static unsigned int wolfssl_recv(struct bench_link *l, __u8 *in)
{
	int n = wolfSSL_read(l->end[1], in, BENCH_BUFFER);

	if (n <= 0)
		return 0;
	must(n == (int)l->size);
	return 1;
}

static void wolfssl_close(struct bench_link *l)
{
	wolfSSL_free(l->end[0]);
	wolfSSL_free(l->end[1]);
	bench_close_fds(l);
}

const struct bench_side bench_wolfssl = {
	.name	= "wolfssl",
	.open	= wolfssl_open,
	.send	= wolfssl_send,
	.recv	= wolfssl_recv,
	.close	= wolfssl_close,
};
