// SPDX-License-Identifier: GPL-2.0-only
/*
 * A peer of NSS, DTLS 1.3, all in userspace, to shake hands with. It is built with
 * the headers of any NSS, and has to run with one that speaks RFC 9147:
 *
 *	nss-peer version			of the NSS that it runs with
 *	nss-peer server ADDRESS PORT [options]	sends back what it gets
 *	nss-peer client ADDRESS PORT [options]	lines of stdin; prints the answers
 *
 *	--cert FILE --key FILE --ca FILE --name NAME
 *	--suite NAME	by IANA's name, and no other
 *	--tickets	server: a NewSessionTicket
 *
 * A line "update" makes the side that gets it, from stdin or from the peer, start a
 * KeyUpdate that asks the peer for one as well.
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
#include <nspr.h>
#include <private/pprio.h>
#include <cert.h>
#include <keyhi.h>
#include <nss.h>
#include <nssb64.h>
#include <pk11pub.h>
#include <ssl.h>
#include <sslexp.h>
#include <sslproto.h>

static const char *cert_file, *key_file, *ca_file, *name, *suite;
static int tickets;
static CERTCertificate *ca;

static void die(const char *what)
{
	PRErrorCode err = PR_GetError();

	fprintf(stderr, "nss-peer: %s: %s\n", what,
		err ? PR_ErrorToName(err) : strerror(errno));
	exit(1);
}

/* The first thing in a PEM file. */
static SECItem *read_pem(const char *file)
{
	static char text[16384];
	char *begin, *end;
	SECItem *der;
	FILE *f = fopen(file, "r");

	if (!f)
		die(file);
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	begin = strstr(text, "-----BEGIN ");
	begin = begin ? strchr(begin, '\n') : NULL;
	end = begin ? strstr(begin, "-----END ") : NULL;
	if (!end)
		die(file);
	der = NSSBase64_DecodeBuffer(NULL, NULL, begin, end - begin);
	if (!der)
		die(file);
	return der;
}

static CERTCertificate *read_cert(const char *file)
{
	SECItem *der = read_pem(file);
	CERTCertificate *cert;

	cert = CERT_NewTempCertificate(CERT_GetDefaultCertDB(), der, NULL,
				       PR_FALSE, PR_TRUE);
	if (!cert)
		die(file);
	SECITEM_FreeItem(der, PR_TRUE);
	return cert;
}

static SECKEYPrivateKey *read_key(const char *file, CERTCertificate *cert)
{
	SECKEYPublicKey *pub = CERT_ExtractPublicKey(cert);
	PK11SlotInfo *slot = PK11_GetInternalSlot();
	SECKEYPrivateKey *key = NULL;
	SECItem *der = read_pem(file), *value;

	if (!pub || !slot)
		die("public key");
	value = SECKEY_GetPublicKeyType(pub) == ecKey ? &pub->u.ec.publicValue :
		&pub->u.rsa.modulus;
	if (PK11_ImportDERPrivateKeyInfoAndReturnKey(slot, der, NULL, value,
						     PR_FALSE, PR_TRUE, KU_ALL,
						     &key, NULL) != SECSuccess)
		die(file);
	SECITEM_FreeItem(der, PR_TRUE);
	SECKEY_DestroyPublicKey(pub);
	PK11_FreeSlot(slot);
	return key;
}

/* There is no database with anyone to trust: signed by this one, for that name. */
static SECStatus check_cert(void *arg, PRFileDesc *fd, PRBool check_sig,
			    PRBool is_server)
{
	CERTCertificate *cert = SSL_PeerCertificate(fd);
	SECStatus ret = SECFailure;

	(void)arg;
	(void)check_sig;
	if (is_server || !ca)
		ret = SECSuccess;
	else if (cert && CERT_VerifySignedData(&cert->signatureWrap, ca, PR_Now(),
					       NULL) == SECSuccess)
		ret = CERT_VerifyCertName(cert, name);
	if (cert)
		CERT_DestroyCertificate(cert);
	return ret;
}

static SECStatus choose(PRFileDesc *fd)
{
	const PRUint16 *all = SSL_GetImplementedCiphers();
	int i, found = 0;

	for (i = 0; i < SSL_GetNumImplementedCiphers(); i++) {
		SSLCipherSuiteInfo info;
		int want;

		if (SSL_GetCipherSuiteInfo(all[i], &info, sizeof(info)) !=
		    SECSuccess)
			return SECFailure;
		want = !strcmp(info.cipherSuiteName, suite);
		if (SSL_CipherPrefSet(fd, all[i], want) != SECSuccess)
			return SECFailure;
		found |= want;
	}
	return found ? SECSuccess : SECFailure;
}

static PRFileDesc *make_ssl(int sock, int server)
{
	static const SSLVersionRange only13 = {
		SSL_LIBRARY_VERSION_TLS_1_3, SSL_LIBRARY_VERSION_TLS_1_3
	};
	PRSocketOptionData nonblock = { .option = PR_SockOpt_Nonblocking };
	PRFileDesc *udp = PR_ImportUDPSocket(sock), *fd;

	nonblock.value.non_blocking = PR_TRUE;
	if (!udp || PR_SetSocketOption(udp, &nonblock) != PR_SUCCESS)
		die("PR_ImportUDPSocket");
	fd = DTLS_ImportFD(NULL, udp);
	if (!fd)
		die("DTLS_ImportFD");
	if (SSL_OptionSet(fd, SSL_NO_CACHE, !tickets) != SECSuccess ||
	    SSL_OptionSet(fd, SSL_ENABLE_SESSION_TICKETS, tickets) != SECSuccess ||
	    SSL_VersionRangeSet(fd, &only13) != SECSuccess)
		die("options");
	if (suite && choose(fd) != SECSuccess)
		die(suite);
	if (SSL_AuthCertificateHook(fd, check_cert, NULL) != SECSuccess)
		die("SSL_AuthCertificateHook");
	if (server) {
		CERTCertificate *cert = read_cert(cert_file);
		SECKEYPrivateKey *key = read_key(key_file, cert);

		if (SSL_ConfigServerCert(fd, cert, key, NULL, 0) != SECSuccess)
			die("SSL_ConfigServerCert");
		SECKEY_DestroyPrivateKey(key);
		CERT_DestroyCertificate(cert);
	} else if (name && SSL_SetURL(fd, name)) {
		die(name);
	}
	if (SSL_ResetHandshake(fd, server) != SECSuccess)
		die("SSL_ResetHandshake");
	return fd;
}

/* Until there is something to read; or it is time to send a flight again. */
static void wait_for_peer(PRFileDesc *fd, int sock)
{
	struct pollfd pfd = { sock, POLLIN, 0 };
	PRIntervalTime timeout;
	int ms = 1000;

	if (DTLS_GetHandshakeTimeout(fd, &timeout) == SECSuccess)
		ms = PR_IntervalToMilliseconds(timeout) + 1;
	poll(&pfd, 1, ms);
}

static void handshake(PRFileDesc *fd, int sock)
{
	SSLCipherSuiteInfo info;
	SSLChannelInfo channel;

	while (SSL_ForceHandshake(fd) != SECSuccess) {
		if (PR_GetError() != PR_WOULD_BLOCK_ERROR)
			die("handshake");
		wait_for_peer(fd, sock);
	}
	if (SSL_GetChannelInfo(fd, &channel, sizeof(channel)) != SECSuccess ||
	    SSL_GetCipherSuiteInfo(channel.cipherSuite, &info, sizeof(info)) !=
	    SECSuccess)
		die("SSL_GetChannelInfo");
	fprintf(stderr, "nss-peer: DTLS %s, %s\n",
		channel.protocolVersion == SSL_LIBRARY_VERSION_TLS_1_3 ? "1.3" : "?",
		info.cipherSuiteName);
}

static void update(PRFileDesc *fd)
{
	if (SSL_KeyUpdate(fd, PR_TRUE) != SECSuccess)
		die("SSL_KeyUpdate");
	fprintf(stderr, "nss-peer: key update sent\n");
}

static void say(PRFileDesc *fd, int sock, const char *buf, int n)
{
	while (PR_Write(fd, buf, n) != n) {
		struct pollfd pfd = { sock, POLLOUT, 0 };

		if (PR_GetError() != PR_WOULD_BLOCK_ERROR)
			die("write");
		poll(&pfd, 1, 1000);
	}
}

/* All that has come; false at the end of it. */
static int hear(PRFileDesc *fd, int sock, int server)
{
	static char buf[16384];
	int n;

	for (;;) {
		n = PR_Read(fd, buf, sizeof(buf));
		if (n < 0 && PR_GetError() == PR_WOULD_BLOCK_ERROR)
			return 1;
		if (n < 0)
			die("read");
		if (!n) {
			fprintf(stderr, "nss-peer: close_notify received\n");
			return 0;
		}
		if (server) {
			if (n >= 6 && !memcmp(buf, "update", 6))
				update(fd);
			say(fd, sock, buf, n);
		} else {
			fwrite(buf, n, 1, stdout);
			fflush(stdout);
		}
	}
}

/* Lines of stdin, each a record; false at the end of it. */
static int tell(PRFileDesc *fd, int sock)
{
	static char buf[16384];
	char *line, *end;
	ssize_t n;

	n = read(0, buf, sizeof(buf) - 1);
	if (n <= 0)
		return 0;
	buf[n] = 0;
	for (line = buf; *line; line = end) {
		end = strchr(line, '\n');
		end = end ? end + 1 : line + strlen(line);
		if (!strncmp(line, "update\n", 7))
			update(fd);
		else
			say(fd, sock, line, end - line);
	}
	return 1;
}

static void talk(PRFileDesc *fd, int sock, int server)
{
	struct pollfd pfd[] = { { sock, POLLIN, 0 }, { 0, POLLIN, 0 } };
	PRIntervalTime timeout;
	int ms;

	for (;;) {
		/* Whatever was read together with the end of the handshake. */
		if (!hear(fd, sock, server))
			return;
		ms = 1000;
		if (DTLS_GetHandshakeTimeout(fd, &timeout) == SECSuccess)
			ms = PR_IntervalToMilliseconds(timeout) + 1;
		if (poll(pfd, server ? 1 : 2, ms) > 0 && !server &&
		    pfd[1].revents && !tell(fd, sock))
			return;
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cert", 1, NULL, 'c' }, { "key", 1, NULL, 'k' },
		{ "ca", 1, NULL, 'a' }, { "name", 1, NULL, 'N' },
		{ "suite", 1, NULL, 's' }, { "tickets", 0, NULL, 't' }, { }
	};
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	int c, sock, server;
	PRFileDesc *fd;
	char byte;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			cert_file = optarg;
			break;
		case 'k':
			key_file = optarg;
			break;
		case 'a':
			ca_file = optarg;
			break;
		case 'N':
			name = optarg;
			break;
		case 's':
			suite = optarg;
			break;
		case 't':
			tickets = 1;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind == 1 && !strcmp(argv[optind], "version")) {
		puts(NSS_GetVersion());
		return 0;
	}
	if (argc - optind != 3 ||
	    inet_pton(AF_INET, argv[optind + 1], &addr.sin_addr) != 1)
		return 2;
	server = !strcmp(argv[optind], "server");
	if (server && (!cert_file || !key_file))
		return 2;
	addr.sin_port = htons(atoi(argv[optind + 2]));

	if (NSS_NoDB_Init(NULL) != SECSuccess ||
	    NSS_SetDomesticPolicy() != SECSuccess)
		die("NSS_NoDB_Init");
	if (ca_file)
		ca = read_cert(ca_file);
	sock = socket(AF_INET, SOCK_DGRAM, 0);
	if (sock < 0 || (server ? bind : connect)(sock, (void *)&addr, len))
		die("socket");
	if (server && (recvfrom(sock, &byte, 1, MSG_PEEK, (void *)&addr, &len) < 0 ||
		       connect(sock, (void *)&addr, len)))
		die("no client");
	fd = make_ssl(sock, server);
	handshake(fd, sock);
	talk(fd, sock, server);
	/* With a close_notify. */
	PR_Close(fd);
	return 0;
}
