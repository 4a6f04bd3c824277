/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the gnutls*.c files share. */
#ifndef KDTLS_GNUTLS_INTERNAL_H
#define KDTLS_GNUTLS_INTERNAL_H

#include <time.h>
#include <gnutls/gnutls.h>
#include <gnutls/dtls.h>

#include "backend.h"
#include "internal.h"
#include "kdtls.h"
#include "watch13.h"

#define KDTLS_ALPN_MAX	16
#define KDTLS_PSK_MAX	512
#define KDTLS_COOKIE_LIFE_MS	60000

struct kdtls_psk {
	char *identity;
	uint8_t *key;
	size_t len;
};

struct kdtls_srtp_profile {
	uint16_t id;			/* RFC 5764 4.1.2, RFC 7714 14.2 */
	const char *name;
	uint8_t key_len, salt_len;	/* of the master key */
};

struct kdtls_config {
	unsigned int refs;		/* atomic: the owner's, and acceptors' sessions' */
	gnutls_certificate_credentials_t cert;
	bool have_ca, have_cert, have_rawpk;
	gnutls_datum_t *pins;		/* SubjectPublicKeyInfo, DER */
	unsigned int num_pins;
	struct kdtls_psk *psk;
	unsigned int num_psk;
	kdtls_psk_fn psk_fn;
	void *psk_arg;
	char *alpn_text;
	gnutls_datum_t alpn[KDTLS_ALPN_MAX];
	unsigned int num_alpn;
	bool alpn_must;
	char *priority;
	enum kdtls_verify verify;
	unsigned int mtu;
	unsigned int retransmit, total;
	bool tickets;
	gnutls_datum_t ticket_key;
	uint16_t min_version, max_version;
	int cid_len;			/* -1: none */
	const struct kdtls_srtp_profile *srtp[3];
	unsigned int num_srtp;
	/* Of DTLS 1.3, for the backend. */
	char *suites;
	char *alpn_list;
	char *cert_file, *key_file;
	const struct kdtls_backend *backend;
	void *context[2];		/* client's, server's */
	char error[256];
};

struct kdtls_session {
	kdtls_config *cfg;
	gnutls_session_t tls;
	gnutls_psk_client_credentials_t psk_client;
	gnutls_psk_server_credentials_t psk_server;
	const char *psk_identity;	/* client: the one offered */
	char *host;
	int fd;
	bool server;
	bool begun, done;
	bool nonblocking;		/* whatever the socket says */
	int setup;			/* error of the making, told later */
	uint64_t deadline;		/* ms, CLOCK_MONOTONIC */
	uint64_t refused_at;		/* ms; when an alert in the clear came */
	int soft_errno;			/* last error that was taken for a loss */
	unsigned int refused;
	bool heard;			/* a datagram of the peer has come */
	struct kdtls_waiting *waiting;	/* datagrams to read before the socket's */
	kdtls_output_fn output;		/* instead of the socket */
	void *output_arg;
	/* Of an acceptor, whose are @dgram and @out; @cfg is held. */
	bool lodger;
	bool keep_early;		/* as they came, for kdtls_early_raw() */
	uint8_t *dgram;			/* KDTLS_DATAGRAM_MAX bytes */
	uint8_t *out;			/* records that wait to be sent together */
	size_t out_len;
	unsigned int mtu;
	struct kdtls_watch watch;
	unsigned int flight_records;
	/* DTLS 1.3, by a backend */
	bool is13;
	int setup13;			/* error of 1.3, its words are in @error */
	bool io_failed;			/* the socket, not the peer */
	bool undecided;			/* server: what will the client offer? */
	bool fell_back;			/* client: 1.3 was offered, 1.2 came */
	const struct kdtls_backend *backend;
	void *hands;			/* NULL: handed over, or no backend */
	struct kdtls_watch13 watch13;
	unsigned int rto;		/* ms */
	uint64_t timer;			/* ms; 0: nothing sent yet */
	uint8_t rx_cid[DTLS_CID_MAX], tx_cid[DTLS_CID_MAX];
	uint8_t rx_cid_len;
	char alpn[256];
	char identity[129];
	bool used_psk, verified;
	gnutls_datum_t *chain;		/* the peer's, DER */
	unsigned int num_chain;
	uint16_t srtp_id;		/* DTLS 1.3: the one agreed upon */
	uint8_t print[64];		/* hash of the peer's certificate */
	size_t print_len;		/* 0: its issuer decides */
	gnutls_digest_algorithm_t print_alg;
	char error[256];
};

int kdtls_config_fail(kdtls_config *cfg, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int kdtls_fail(kdtls_session *s, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
const struct kdtls_psk *kdtls_config_find_psk(const kdtls_config *cfg,
					      const char *identity);
int kdtls_config_priority(const kdtls_config *cfg, bool server, char **out);
kdtls_config *kdtls_config_get(kdtls_config *cfg);
kdtls_session *kdtls_session_new(kdtls_config *cfg, int fd, bool server);
kdtls_session *kdtls_session_lodger(kdtls_config *cfg, uint8_t *dgram,
				    uint8_t *out);
uint64_t kdtls_now_ms(void);
int kdtls_set_up(kdtls_session *s);
bool kdtls_turned_down(kdtls_session *s, int alert);
bool kdtls_is_address(const char *host);
int kdtls_handshake_error(kdtls_session *s, int ret);
bool kdtls_nonblocking(const kdtls_session *s);
int kdtls_verify_peer(gnutls_session_t tls);
int kdtls_verify_chain(kdtls_session *s, const gnutls_datum_t *chain,
		       unsigned int n);
int kdtls_find_psk(kdtls_session *s, const char *identity, uint8_t *key,
		   size_t *len);

/* gnutls_transport.c */
void kdtls_transport_init(kdtls_session *s);
int kdtls_flush(kdtls_session *s);
int kdtls_put(kdtls_session *s, const void *buf, size_t len);
ssize_t kdtls_get(kdtls_session *s);

/* gnutls_memory.c */
int kdtls_queue(kdtls_session *s, const void *buf, size_t len);
ssize_t kdtls_unqueue(kdtls_session *s);
bool kdtls_queue_full(const kdtls_session *s);
void kdtls_unqueue_all(kdtls_session *s);
ssize_t kdtls_hello_whole(const kdtls_session *s, uint8_t **buf, bool *pieces);

/* srtp.c */
int kdtls_srtp_offer(kdtls_session *s);

/* gnutls_crypto13.c */
extern const struct kdtls_crypto13 kdtls_crypto13_gnutls;
int kdtls_gnutls_open(const struct kdtls_suite *suite, const uint8_t *key,
		      const uint8_t nonce[12], const uint8_t *aad,
		      size_t aad_len, const uint8_t *in, size_t in_len,
		      uint8_t *out);

/* session13.c */
bool kdtls_can_13(const kdtls_config *cfg);
int kdtls_backend_load(kdtls_config *cfg);
int kdtls_backend_context(kdtls_config *cfg, bool server, void **context);
void kdtls_backend_release(kdtls_config *cfg);
bool kdtls_begin13(kdtls_session *s);
void kdtls_adopt13(kdtls_session *s, void *hands, const uint8_t *cid,
		   uint8_t cid_len, const char *identity);
void kdtls_close_hands(kdtls_session *s);
int kdtls_handshake13(kdtls_session *s);
int kdtls_timeout13(const kdtls_session *s);
void kdtls_end13(kdtls_session *s);
int kdtls_check_sentinel(kdtls_session *s);
int kdtls_set_sentinel(kdtls_session *s);

/* gnutls_install.c */
ssize_t kdtls_early_raw(kdtls_session *s, void *buf, size_t len);
int kdtls_last_flight(kdtls_session *s, const struct dtls_keys *tx,
		      struct dtls_flight **flight, size_t *len);
int kdtls_install_flight(kdtls_session *s, const struct dtls_keys *tx);

/* install13.c */
void kdtls_fill13(const kdtls_session *s, bool write, int epoch,
		  struct dtls_keys *keys);
int kdtls_take_keys13(kdtls_session *s, struct dtls_keys *tx,
		      struct dtls_keys *rx);
int kdtls_install13(kdtls_session *s);
void kdtls_info13(const kdtls_session *s, struct kdtls_info *info);

#endif /* KDTLS_GNUTLS_INTERNAL_H */
