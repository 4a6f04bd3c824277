// SPDX-License-Identifier: GPL-2.0-only
/*
 * A peer of wolfSSL, all in userspace, to shake hands with. wolf-peer is built with
 * the system's library, wolf-peer13 with one that has DTLS 1.3:
 *
 *	wolf-peer suites			those that this build can do
 *	wolf-peer server ADDRESS PORT [options]	sends back what it gets
 *	wolf-peer client ADDRESS PORT [options]	lines of stdin; prints the answers
 *
 *	--cert FILE --key FILE --ca FILE --name NAME --psk HEX --suite NAME
 *	--count N	server: so many clients, one after the other
 *	--dtls13	DTLS 1.3
 *	--cid BYTES	its connection ID, for what it receives
 *	--no-ticket	server: no NewSessionTicket
 *
 * With DTLS 1.3 a line "update" makes the side that gets it, from stdin or from the
 * peer, start a KeyUpdate that asks the peer for one as well.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#ifndef WOLFSSL_USER_SETTINGS
#include <wolfssl/options.h>
#endif
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/ssl.h>

#ifndef WOLFSSL_DTLS
int main(void)
{
	puts("wolfSSL without DTLS");
	return 4;
}
#else

static const char *cert, *key, *ca, *name, *psk_hex, *suite;
static int dtls13, cid_len = -1, no_ticket;

static void die(const char *what, int err)
{
	char text[WOLFSSL_MAX_ERROR_SZ];

	fprintf(stderr, "wolf-peer: %s: %s\n", what,
		err ? wolfSSL_ERR_error_string(err, text) : strerror(errno));
	exit(1);
}

#ifndef NO_PSK
static unsigned int psk_key(unsigned char *out, unsigned int max)
{
	unsigned int n = 0, byte;
	const char *p;

	for (p = psk_hex; n < max && sscanf(p, "%2x", &byte) == 1; p += 2)
		out[n++] = byte;
	return n;
}

static unsigned int psk_client(WOLFSSL *ssl, const char *hint, char *identity,
			       unsigned int identity_max, unsigned char *psk,
			       unsigned int max)
{
	(void)ssl;
	(void)hint;
	snprintf(identity, identity_max, "client");
	return psk_key(psk, max);
}

static unsigned int psk_server(WOLFSSL *ssl, const char *identity,
			       unsigned char *psk, unsigned int max)
{
	(void)ssl;
	return strcmp(identity, "client") ? 0 : psk_key(psk, max);
}
#endif

#ifdef WOLFSSL_DTLS13
#ifndef NO_PSK
/* A PSK goes with one suite only, here. */
static unsigned int psk_client13(WOLFSSL *ssl, const char *hint, char *identity,
				 unsigned int identity_max, unsigned char *psk,
				 unsigned int max, const char **psk_suite)
{
	*psk_suite = suite ? suite : "TLS13-AES128-GCM-SHA256";
	return psk_client(ssl, hint, identity, identity_max, psk, max);
}

static unsigned int psk_server13(WOLFSSL *ssl, const char *identity,
				 unsigned char *psk, unsigned int max,
				 const char **psk_suite)
{
	*psk_suite = suite ? suite : "TLS13-AES128-GCM-SHA256";
	return psk_server(ssl, identity, psk, max);
}
#endif

static WOLFSSL_CTX *ctx13(int server)
{
	WOLFSSL_CTX *ctx = wolfSSL_CTX_new(server ?
					   wolfDTLSv1_3_server_method() :
					   wolfDTLSv1_3_client_method());

	if (!ctx)
		die("wolfSSL_CTX_new", 0);
	if (no_ticket)
		wolfSSL_CTX_no_ticket_TLSv13(ctx);
#ifndef NO_PSK
	if (psk_hex && server)
		wolfSSL_CTX_set_psk_server_tls13_callback(ctx, psk_server13);
	else if (psk_hex)
		wolfSSL_CTX_set_psk_client_tls13_callback(ctx, psk_client13);
#endif
	return ctx;
}

static void set13(WOLFSSL *ssl)
{
	unsigned char cid[32];
	int i;

	if (cid_len < 0)
		return;
	for (i = 0; i < cid_len; i++)
		cid[i] = 0xc0 + i;
	if (wolfSSL_dtls_cid_use(ssl) != WOLFSSL_SUCCESS ||
	    wolfSSL_dtls_cid_set(ssl, cid, cid_len) != WOLFSSL_SUCCESS)
		die("connection ID", 0);
}

static void update(WOLFSSL *ssl)
{
	int ret = wolfSSL_update_keys(ssl);

	if (ret != WOLFSSL_SUCCESS)
		die("update", wolfSSL_get_error(ssl, ret));
	fprintf(stderr, "wolf-peer: key update sent\n");
}
#else
static WOLFSSL_CTX *ctx13(int server)
{
	(void)server;
	die("no DTLS 1.3 in this one", 0);
	return NULL;
}

static void set13(WOLFSSL *ssl)
{
	(void)ssl;
}

static void update(WOLFSSL *ssl)
{
	(void)ssl;
}
#endif

static WOLFSSL_CTX *make_ctx(int server)
{
	WOLFSSL_CTX *ctx = dtls13 ? ctx13(server) :
			   wolfSSL_CTX_new(server ? wolfDTLSv1_2_server_method() :
					   wolfDTLSv1_2_client_method());

	if (!ctx)
		die("wolfSSL_CTX_new", 0);
	if (suite && wolfSSL_CTX_set_cipher_list(ctx, suite) != WOLFSSL_SUCCESS)
		die(suite, 0);
	if (cert && (wolfSSL_CTX_use_certificate_chain_file(ctx, cert) !=
		     WOLFSSL_SUCCESS ||
		     wolfSSL_CTX_use_PrivateKey_file(ctx, key,
						     WOLFSSL_FILETYPE_PEM) !=
		     WOLFSSL_SUCCESS))
		die(cert, 0);
	if (ca && wolfSSL_CTX_load_verify_locations(ctx, ca, NULL) !=
	    WOLFSSL_SUCCESS)
		die(ca, 0);
	wolfSSL_CTX_set_verify(ctx, !server && ca ? WOLFSSL_VERIFY_PEER :
			       WOLFSSL_VERIFY_NONE, NULL);
#ifndef NO_PSK
	if (psk_hex && server && !dtls13)
		wolfSSL_CTX_set_psk_server_callback(ctx, psk_server);
	else if (psk_hex && !dtls13)
		wolfSSL_CTX_set_psk_client_callback(ctx, psk_client);
#endif
	return ctx;
}

static int make_socket(const struct sockaddr_in *addr, int server)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 ||
	    (server ? bind : connect)(fd, (struct sockaddr *)addr, sizeof(*addr)))
		die("socket", 0);
	return fd;
}

/* The answer, or what comes instead of it; 0: nothing for a while, it got lost. */
static int read_some(WOLFSSL *ssl, char *buf, int max)
{
	struct pollfd pfd = { wolfSSL_get_fd(ssl), POLLIN, 0 };
	int n;

	for (;;) {
		if (poll(&pfd, 1, 2000) <= 0) {
			wolfSSL_dtls_got_timeout(ssl);
			return 0;
		}
		n = wolfSSL_read(ssl, buf, max);
		if (n > 0 || wolfSSL_get_error(ssl, n) != WOLFSSL_ERROR_WANT_READ)
			return n > 0 ? n : -1;
	}
}

/* A client of DTLS 1.3, where the network may be a bad one. */
static void talk13(WOLFSSL *ssl)
{
	static char buf[16384];
	int n;

	fcntl(wolfSSL_get_fd(ssl), F_SETFL, O_NONBLOCK);
	wolfSSL_dtls_set_using_nonblock(ssl, 1);
	while (fgets(buf, sizeof(buf), stdin)) {
		n = strlen(buf);
		if (!strcmp(buf, "update\n")) {
			update(ssl);
			continue;
		}
		if (wolfSSL_write(ssl, buf, n) != n)
			die("write", wolfSSL_get_error(ssl, 0));
		n = read_some(ssl, buf, sizeof(buf));
		if (n < 0)
			return;
		fwrite(buf, n, 1, stdout);
		fflush(stdout);
	}
}

static void talk(WOLFSSL *ssl, int server)
{
	static char buf[16384];
	int n;

	for (;;) {
		if (!server) {
			if (!fgets(buf, sizeof(buf), stdin))
				return;
			n = strlen(buf);
			if (wolfSSL_write(ssl, buf, n) != n)
				die("write", wolfSSL_get_error(ssl, 0));
		}
		do {
			n = wolfSSL_read(ssl, buf, sizeof(buf));
		} while (n < 0 && wolfSSL_get_error(ssl, n) ==
				  WOLFSSL_ERROR_WANT_READ);
		if (n <= 0)
			return;
		if (server) {
			if (dtls13 && n >= 6 && !memcmp(buf, "update", 6))
				update(ssl);
			if (wolfSSL_write(ssl, buf, n) != n)
				die("write", wolfSSL_get_error(ssl, 0));
		} else {
			fwrite(buf, n, 1, stdout);
			fflush(stdout);
		}
	}
}

static void one_peer(WOLFSSL_CTX *ctx, int fd, int server,
		     struct sockaddr_in *addr)
{
	struct sockaddr_in peer = *addr;
	socklen_t len = sizeof(peer);
	WOLFSSL *ssl = wolfSSL_new(ctx);
	int ret, tries = 0;
	char byte;

	if (!ssl)
		die("wolfSSL_new", 0);
	if (server && (recvfrom(fd, &byte, 1, MSG_PEEK, (void *)&peer, &len) < 0 ||
		       connect(fd, (void *)&peer, len)))
		die("no client", 0);
	wolfSSL_dtls_set_peer(ssl, &peer, sizeof(peer));
	wolfSSL_set_fd(ssl, fd);
	set13(ssl);
	if (!server && name)
		wolfSSL_check_domain_name(ssl, name);
	do {
		ret = server ? wolfSSL_accept(ssl) : wolfSSL_connect(ssl);
	} while (ret != WOLFSSL_SUCCESS && ++tries < 20 &&
		 wolfSSL_get_error(ssl, ret) == WOLFSSL_ERROR_WANT_READ);
	if (ret != WOLFSSL_SUCCESS)
		die("handshake", wolfSSL_get_error(ssl, ret));
	fprintf(stderr, "wolf-peer: %s, %s\n", wolfSSL_get_version(ssl),
		wolfSSL_get_cipher_name(ssl));
	if (dtls13 && !server)
		talk13(ssl);
	else
		talk(ssl, server);
	ret = wolfSSL_shutdown(ssl);
	if (ret == WOLFSSL_FATAL_ERROR)
		fprintf(stderr, "wolf-peer: shutdown: error %d\n",
			wolfSSL_get_error(ssl, ret));
	wolfSSL_free(ssl);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cert", 1, NULL, 'c' }, { "key", 1, NULL, 'k' },
		{ "ca", 1, NULL, 'a' }, { "name", 1, NULL, 'N' },
		{ "psk", 1, NULL, 'p' }, { "suite", 1, NULL, 's' },
		{ "count", 1, NULL, 'n' }, { "dtls13", 0, NULL, '3' },
		{ "cid", 1, NULL, 'i' }, { "no-ticket", 0, NULL, 'T' }, { }
	};
	struct sockaddr_in addr = { .sin_family = AF_INET };
	int c, fd, server, count = 1;
	static char list[8192];
	WOLFSSL_CTX *ctx;

	wolfSSL_Init();
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
		case 'N':
			name = optarg;
			break;
		case 'p':
			psk_hex = optarg;
			break;
		case 's':
			suite = optarg;
			break;
		case 'n':
			count = atoi(optarg);
			break;
		case '3':
			dtls13 = 1;
			break;
		case 'i':
			cid_len = atoi(optarg);
			break;
		case 'T':
			no_ticket = 1;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind == 1) {
		wolfSSL_get_ciphers(list, sizeof(list));
		for (c = 0; list[c]; c++)
			putchar(list[c] == ':' ? '\n' : list[c]);
		putchar('\n');
		return 0;
	}
	if (argc - optind != 3 ||
	    inet_pton(AF_INET, argv[optind + 1], &addr.sin_addr) != 1)
		return 2;
	server = !strcmp(argv[optind], "server");
	addr.sin_port = htons(atoi(argv[optind + 2]));
	ctx = make_ctx(server);
	for (; count > 0; count--) {
		fd = make_socket(&addr, server);
		one_peer(ctx, fd, server, &addr);
		close(fd);
	}
	wolfSSL_CTX_free(ctx);
	return 0;
}
#endif
