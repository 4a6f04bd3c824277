// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A program that has OpenSSL already: it shakes hands as ever, and moves the
 * session into the kernel with two calls of libkdtls-openssl.
 *
 *	openssl-echo server ADDRESS PORT [options]	sends back what it gets
 *	openssl-echo client ADDRESS PORT [options]	lines of stdin; prints the
 *							answers
 *
 *	--cert FILE --key FILE --ca FILE --psk HEX --ciphers LIST
 *	--count N	server: so many clients one after the other; client: so
 *			many connections, of which the later ones resume the first
 *
 * The server has no cookie exchange: see DTLSv1_listen(3).
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "kdtls-openssl.h"

#define HANDSHAKE_SECONDS	60

static const char *cert, *key, *ca, *ciphers, *psk_hex;

static void die(const char *what)
{
	fprintf(stderr, "openssl-echo: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static unsigned int psk_key(unsigned char *out, unsigned int max)
{
	long len;
	unsigned char *buf = OPENSSL_hexstr2buf(psk_hex, &len);

	if (!buf || len > (long)max)
		die("--psk: not hex");
	memcpy(out, buf, len);
	OPENSSL_free(buf);
	return len;
}

static unsigned int psk_client(SSL *ssl, const char *hint, char *identity,
			       unsigned int identity_max, unsigned char *psk,
			       unsigned int max)
{
	(void)ssl;
	(void)hint;
	snprintf(identity, identity_max, "client");
	return psk_key(psk, max);
}

static unsigned int psk_server(SSL *ssl, const char *identity,
			       unsigned char *psk, unsigned int max)
{
	(void)ssl;
	(void)identity;
	return psk_key(psk, max);
}

static SSL_CTX *make_ctx(int server)
{
	SSL_CTX *ctx = SSL_CTX_new(DTLS_method());

	if (!ctx)
		die("SSL_CTX_new");
	SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION);
	/* CCM_8 is below the default level, for its short tag. */
	SSL_CTX_set_security_level(ctx, 0);
	if (SSL_CTX_set_cipher_list(ctx, ciphers ? ciphers :
				    "AESGCM:CHACHA20:AESCCM") != 1)
		die("--ciphers");
	if (cert && (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1 ||
		     SSL_CTX_use_PrivateKey_file(ctx, key ? key : cert,
						 SSL_FILETYPE_PEM) != 1))
		die(cert);
	if (ca && SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1)
		die(ca);
	if (!server && ca)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (psk_hex && server)
		SSL_CTX_set_psk_server_callback(ctx, psk_server);
	else if (psk_hex)
		SSL_CTX_set_psk_client_callback(ctx, psk_client);
	return ctx;
}

static int make_socket(const char *host, const char *port, int server)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = server ? AI_PASSIVE : 0,
	};
	struct addrinfo *ai;
	int fd, one = 1;

	if (getaddrinfo(host, port, &hints, &ai))
		die("no such address");
	fd = socket(ai->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || (server ? bind : connect)(fd, ai->ai_addr, ai->ai_addrlen))
		die(strerror(errno));
	freeaddrinfo(ai);
	return fd;
}

/* For a client to come: the socket becomes that client's. */
static void wait_client(int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	char byte;

	if (recvfrom(fd, &byte, 1, MSG_PEEK, (struct sockaddr *)&peer, &len) < 0 ||
	    connect(fd, (struct sockaddr *)&peer, len))
		die(strerror(errno));
}

/* Nonblocking, with OpenSSL's own timer (RFC 6347 4.2.4). */
static int shake_hands(SSL *ssl, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct timeval tv, start, now;
	int flags = fcntl(fd, F_GETFL), ret, ms;

	gettimeofday(&start, NULL);
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	while ((ret = SSL_do_handshake(ssl)) != 1) {
		ret = SSL_get_error(ssl, ret);
		gettimeofday(&now, NULL);
		if ((ret != SSL_ERROR_WANT_READ && ret != SSL_ERROR_WANT_WRITE &&
		     errno != ECONNREFUSED) ||
		    now.tv_sec - start.tv_sec > HANDSHAKE_SECONDS)
			return -1;
		ERR_clear_error();
		ms = 1000;
		if (DTLSv1_get_timeout(ssl, &tv))
			ms = tv.tv_sec * 1000 + tv.tv_usec / 1000 + 1;
		if (!poll(&pfd, 1, ms) && DTLSv1_handle_timeout(ssl) < 0)
			return -1;
	}
	fcntl(fd, F_SETFL, flags);
	return 0;
}

static void report(SSL *ssl)
{
	static const char label[] = "EXPERIMENTAL-kdtls";
	unsigned char out[16];
	size_t i;

	fprintf(stderr, "openssl-echo: %s, %s%s, keys are in the kernel; exported ",
		SSL_get_version(ssl), SSL_get_cipher_name(ssl),
		SSL_session_reused(ssl) ? ", resumed" : "");
	if (SSL_export_keying_material(ssl, out, sizeof(out), label,
				       sizeof(label) - 1, NULL, 0, 0) != 1)
		die("SSL_export_keying_material");
	for (i = 0; i < sizeof(out); i++)
		fprintf(stderr, "%02x", out[i]);
	fprintf(stderr, "\n");
}

static ssize_t receive(SSL *ssl, int fd, char *buf, size_t len)
{
	ssize_t n = kdtls_openssl_early(ssl, buf, len);

	return n >= 0 ? n : n == -EPIPE ? 0 : recv(fd, buf, len, 0);
}

static void send_back(SSL *ssl, int fd)
{
	static char buf[16384];
	ssize_t n;

	while ((n = receive(ssl, fd, buf, sizeof(buf))) > 0)
		if (send(fd, buf, n, MSG_NOSIGNAL) < 0)
			break;
	if (n < 0)
		fprintf(stderr, "openssl-echo: recv: %s\n", strerror(errno));
}

static void ask(SSL *ssl, int fd)
{
	static char line[1024], buf[16384];
	struct timeval tv = { .tv_sec = 2 };
	int tries;
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	while (fgets(line, sizeof(line), stdin)) {
		/* This is UDP: ask again if no answer comes. */
		for (tries = 0, n = -1; n < 0 && tries < 15; tries++) {
			if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0)
				die(strerror(errno));
			n = receive(ssl, fd, buf, sizeof(buf));
		}
		if (n < 0)
			die(strerror(errno));
		fwrite(buf, n, 1, stdout);
		fflush(stdout);
	}
	shutdown(fd, SHUT_WR);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cert", 1, NULL, 'c' }, { "key", 1, NULL, 'k' },
		{ "ca", 1, NULL, 'a' }, { "psk", 1, NULL, 'p' },
		{ "ciphers", 1, NULL, 'l' }, { "count", 1, NULL, 'n' },
		{ }
	};
	int c, i, fd, ret, server, count = 1;
	SSL_SESSION *session = NULL;
	SSL_CTX *ctx;
	SSL *ssl;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			cert = optarg;
			break;
		case 'k':
			key = optarg;
			break;
		case 'a':
			ca = optarg;
			break;
		case 'p':
			psk_hex = optarg;
			break;
		case 'l':
			ciphers = optarg;
			break;
		case 'n':
			count = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 3)
		die("openssl-echo client|server ADDRESS PORT [options]");
	server = !strcmp(argv[optind], "server");
	ctx = make_ctx(server);
	for (i = 0; i < count; i++) {
		fd = make_socket(argv[optind + 1], argv[optind + 2], server);
		if (server)
			wait_client(fd);
		ssl = SSL_new(ctx);
		if (!ssl || SSL_set_fd(ssl, fd) != 1)
			die("SSL_new");
		if (server)
			SSL_set_accept_state(ssl);
		else
			SSL_set_connect_state(ssl);
		if (session)
			SSL_set_session(ssl, session);
		SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
		DTLS_set_link_mtu(ssl, 1280);

		ret = kdtls_openssl_watch(ssl);
		if (ret)
			die(strerror(-ret));
		if (shake_hands(ssl, fd))
			die("handshake failed");
		ret = kdtls_openssl_install(ssl, fd);
		if (ret)
			die(strerror(-ret));

		report(ssl);
		if (server)
			send_back(ssl, fd);
		else
			ask(ssl, fd);
		if (!server && !session)
			session = SSL_get1_session(ssl);
		SSL_free(ssl);
		close(fd);
	}
	SSL_SESSION_free(session);
	SSL_CTX_free(ctx);
	return 0;
}
