/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the kdtls program share. */
#ifndef KDTLS_PROG_H
#define KDTLS_PROG_H

#include <stdbool.h>
#include <stdint.h>

#include "kdtls.h"

/* Exit codes, as in the manual page. */
enum {
	EXIT_OK = 0,
	EXIT_USAGE = 1,		/* bad options, unreadable files */
	EXIT_NET = 2,		/* no such host, no answer, socket errors */
	EXIT_HANDSHAKE = 3,	/* the peer and we found no common ground */
	EXIT_VERIFY = 4,	/* the peer is not who it should be */
	EXIT_KERNEL = 5,	/* no dtls.ko, or it refused */
	EXIT_TRANSFER = 6,	/* the data did not arrive in whole */
};

#define CERT_MAX	4	/* one for each kind of key */

struct options {
	bool listen;
	int family;
	char *host, *port;
	const char *cert[CERT_MAX], *key[CERT_MAX], *ca;
	unsigned int num_certs, num_keys;
	const char *verify_name;
	bool insecure, require_cert;
	const char *rawpk;
	const char *alpn;
	const char *priority;
	const char *dtls, *suites;
	int cid_len;			/* -1: none */
	unsigned int key_update;	/* seconds; 0: never */
	unsigned int mtu;
	unsigned int timeout_ms, retransmit_ms;
	const char *send_file, *recv_file;
	const char *session_in, *session_out;
	const char *export_label;
	bool keep, echo, recv_only, stats, quiet, verbose, no_batch, no_install;
	unsigned int linger_ms;
};

extern struct options opt;

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
uint64_t now_us(void);

/* options.c: 0, or -1 after having said what is wrong */
int options_parse(int argc, char **argv, kdtls_config *cfg);
int options_apply(kdtls_config *cfg);

/* net.c */
int net_connect(void);
int net_listen(void);

/* rekey.c */
void rekey_ready(void);
void rekey_start(int fd);
void rekey_stop(void);
void rekey_events(int fd);

/* io.c: each returns an exit code */
int io_copy(kdtls_session *s);

/* file.c */
int file_send(kdtls_session *s, const char *name);
int file_recv(kdtls_session *s, const char *name);

/* report.c */
void report_session(const kdtls_session *s);
void report_stats(int fd);
void report_state(const struct dtls_keys *tx, const struct dtls_keys *rx);

#endif /* KDTLS_PROG_H */
