// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's TLS 1.2, over TCP: a stream and no datagrams, so a yardstick of
 * the sealing and the copying, not of the stack below.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "bench.h"
#include "net.h"

#ifndef SOL_TLS
#define SOL_TLS		282
#endif
#ifndef TCP_ULP
#define TCP_ULP		31
#endif

static void tcp_pair(int fd[2])
{
	struct sockaddr_storage ss;
	socklen_t len = loopback(FAMILY_V4, &ss);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	must(!bind(l, (struct sockaddr *)&ss, len) && !listen(l, 1));
	must(!getsockname(l, (struct sockaddr *)&ss, &len));
	must(!connect(fd[0], (struct sockaddr *)&ss, len));
	fd[1] = accept(l, NULL, NULL);
	must(fd[1] >= 0);
	close(l);
}

/* Keys, salts and numbers of zero: nobody listens. */
static socklen_t info(enum bench_cipher cipher, void *buf)
{
	struct tls_crypto_info *i = buf;

	i->version = TLS_1_2_VERSION;
	switch (cipher) {
	case BENCH_AES_128_GCM:
		i->cipher_type = TLS_CIPHER_AES_GCM_128;
		return sizeof(struct tls12_crypto_info_aes_gcm_128);
	case BENCH_AES_256_GCM:
		i->cipher_type = TLS_CIPHER_AES_GCM_256;
		return sizeof(struct tls12_crypto_info_aes_gcm_256);
	case BENCH_CHACHA20:
		i->cipher_type = TLS_CIPHER_CHACHA20_POLY1305;
		return sizeof(struct tls12_crypto_info_chacha20_poly1305);
	case BENCH_AES_128_CCM:
		i->cipher_type = TLS_CIPHER_AES_CCM_128;
		return sizeof(struct tls12_crypto_info_aes_ccm_128);
	default:
		return 0;
	}
}

static bool ktls_open(struct bench_link *l)
{
	struct tls_crypto_info buf[32] = {};
	socklen_t len = info(l->cipher, buf);
	int i;

	if (!len)
		return false;
	tcp_pair(l->fd);
	bench_room(l->fd);
	bench_block(l->fd, true);
	for (i = 0; i < 2; i++) {
		must(!set_int(l->fd[i], IPPROTO_TCP, TCP_NODELAY, 1));
		must(!setsockopt(l->fd[i], IPPROTO_TCP, TCP_ULP, "tls", 4));
		must(!setsockopt(l->fd[i], SOL_TLS, i ? TLS_RX : TLS_TX, buf, len));
	}
	return true;
}

static unsigned int ktls_recv(struct bench_link *l, __u8 *in)
{
	ssize_t n = recv(l->fd[1], in, l->size, MSG_WAITALL);

	if (n < 0 && errno == EAGAIN)
		return 0;
	must(n == (ssize_t)l->size);
	return 1;
}

const struct bench_side bench_ktls = {
	.name	= "ktls",
	.open	= ktls_open,
	.send	= bench_send_fd,
	.recv	= ktls_recv,
	.close	= bench_close_fds,
};
