// SPDX-License-Identifier: LGPL-2.1-or-later
/* The whole of a DTLS client: client HOST PORT, then lines back and forth. */
#include <err.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "kdtls.h"

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *ai;
	kdtls_config *cfg = kdtls_config_new();
	char line[1024];
	kdtls_session *s;
	ssize_t n;
	int fd;

	if (argc != 3 || getaddrinfo(argv[1], argv[2], &hints, &ai))
		errx(1, "usage: client HOST PORT");
	fd = socket(ai->ai_family, SOCK_DGRAM, 0);
	if (fd < 0 || connect(fd, ai->ai_addr, ai->ai_addrlen))
		err(1, "%s", argv[1]);

	if (kdtls_config_add_ca_system(cfg) < 0)
		errx(1, "%s", kdtls_config_error(cfg));
	s = kdtls_client_new(cfg, fd, argv[1]);
	if (kdtls_handshake(s) || kdtls_install(s))
		errx(1, "%s", kdtls_error(s));

	/* From here on this is a UDP socket whose datagrams nobody can read. */
	while (fgets(line, sizeof(line), stdin)) {
		send(fd, line, strlen(line), 0);
		n = recv(fd, line, sizeof(line), 0);
		if (n <= 0)
			break;
		fwrite(line, n, 1, stdout);
	}
	shutdown(fd, SHUT_WR);	/* close_notify */
	kdtls_free(s);
	freeaddrinfo(ai);
	kdtls_config_free(cfg);
	return 0;
}
