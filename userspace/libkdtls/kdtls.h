/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libkdtls: shakes hands over a UDP socket with GnuTLS (DTLS 1.2) or wolfSSL
 * (DTLS 1.3, see kdtls_config_set_versions()), then moves the keys into the
 * kernel (dtls.ko).  From then on plain send() and recv() on the socket carry
 * DTLS records, and the TLS library only remembers who the peer is.
 *
 * A client, all of it:
 *
 *	kdtls_config *cfg = kdtls_config_new();
 *	kdtls_config_add_ca_system(cfg);
 *	kdtls_session *s = kdtls_client_new(cfg, fd, "example.org");
 *	if (kdtls_handshake(s) || kdtls_install(s))
 *		errx(1, "%s", kdtls_error(s));
 *	send(fd, "hello", 5, 0);
 *
 * Return values.  Functions that return int answer 0 (or a length, where it
 * says so) or a negative errno; kdtls_error() and kdtls_config_error() have
 * the sentence that goes with it.  Functions that return a pointer answer NULL
 * when memory is short, and say so otherwise.
 *
 * Ownership.  The library never closes a file descriptor that it was given or
 * has handed out.  What a function takes by pointer it copies, except where it
 * says otherwise.  A config may be shared by any number of sessions and must
 * outlive them (but for those of an acceptor); fill it before the first session is
 * made of it.  Sessions are
 * independent of each other: one thread per session at a time.
 *
 * Sizes are in bytes, times in milliseconds, unless said otherwise.
 */
#ifndef KDTLS_H
#define KDTLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/socket.h>

#include <linux/dtls.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef KDTLS_API
#define KDTLS_API __attribute__((visibility("default")))
#endif

typedef struct kdtls_config kdtls_config;
typedef struct kdtls_session kdtls_session;
typedef struct kdtls_listener kdtls_listener;
typedef struct kdtls_acceptor kdtls_acceptor;

/* The smallest and the default datagram for handshake messages, without the IP
 * and UDP headers: 1280, the least MTU of IPv6, less 48, passes everywhere.
 */
#define KDTLS_MTU_MIN		228
#define KDTLS_MTU_DEFAULT	1232

/* RFC 6347 4.2.4.1: a flight is repeated after one second, then after two,
 * four, and so on; the handshake is given up after the second number.
 */
#define KDTLS_RETRANSMIT_DEFAULT	1000
#define KDTLS_TIMEOUT_DEFAULT		120000

/* ------------------------------------------------------------------------
 * Credentials and policy
 */

KDTLS_API kdtls_config *kdtls_config_new(void);
KDTLS_API void kdtls_config_free(kdtls_config *cfg);

/* What the last failed kdtls_config_ call on @cfg did not like; "" if none. */
KDTLS_API const char *kdtls_config_error(const kdtls_config *cfg);

/* Certificates that are trusted to name a peer: a PEM file, or the system's.
 * Return the number of certificates added, -EINVAL (no certificate in it) or
 * -ENOENT, -EACCES, ... (no such file).
 */
KDTLS_API int kdtls_config_add_ca_file(kdtls_config *cfg, const char *file);
KDTLS_API int kdtls_config_add_ca_system(kdtls_config *cfg);

/* Own certificate chain and private key, PEM; one file may hold both.
 * -EINVAL: unreadable, or the key is not that of the certificate.  May be called
 * again for a certificate with another kind of key; the peer's suites decide.
 */
KDTLS_API int kdtls_config_set_cert(kdtls_config *cfg, const char *cert_file,
				    const char *key_file);

/* Own raw public key (RFC 7250) from a PEM private key; no certificate. */
KDTLS_API int kdtls_config_set_rawpk(kdtls_config *cfg, const char *key_file);

/* A peer's raw public key to accept, from a PEM or DER SubjectPublicKeyInfo.
 * Any number can be added.  Without one, a peer's raw key is refused unless
 * KDTLS_VERIFY_NONE is set.
 */
KDTLS_API int kdtls_config_add_peer_rawpk(kdtls_config *cfg, const char *file);

/* Pre-shared keys, 1..512 bytes.  A client uses the one that was added last, a
 * server any of them.  identity is a string of 1..128 bytes.
 */
KDTLS_API int kdtls_config_add_psk(kdtls_config *cfg, const char *identity,
				   const void *key, size_t len);

/* Server: asked for identities that were not added.  Writes the key to @key
 * (*@len bytes of room), its length to *@len, and returns 0; anything else
 * refuses the peer.
 */
typedef int (*kdtls_psk_fn)(void *arg, const char *identity, void *key,
			    size_t *len);
KDTLS_API void kdtls_config_set_psk_fn(kdtls_config *cfg, kdtls_psk_fn fn,
				       void *arg);

/* Protocols for ALPN (RFC 7301), in order of preference: "coap,h2".  With
 * @must, a handshake without a common one fails.
 */
KDTLS_API int kdtls_config_set_alpn(kdtls_config *cfg, const char *list,
				    int must);

/* A GnuTLS priority string, for DTLS 1.2.  If it starts with + or - it is
 * appended to the library's own, which offers the five AEADs that the kernel
 * seals with.  Whatever it says, the version is DTLS 1.2, and kdtls_install()
 * fails with -EOPNOTSUPP if another AEAD comes of it.
 */
KDTLS_API int kdtls_config_set_priority(kdtls_config *cfg, const char *prio);

/* Versions to offer and to take: DTLS_1_2_VERSION, the default, or
 * DTLS_1_3_VERSION; @min and @max the same, or 1.2 and 1.3.
 *
 * DTLS 1.3 is done by libkdtls-wolfssl.so, which is loaded then.  -EOPNOTSUPP:
 * it is not there, and @min is 1.3; without it 1.2 to 1.3 is 1.2.  -EINVAL.
 *
 * With both, a client offers 1.3 first.  A server that has 1.2 only is asked
 * again by GnuTLS, from another port unless the socket is bound to one; if that
 * server turns out to have 1.3, somebody has interfered, and the handshake fails
 * (RFC 8446 4.1.3).  A server looks at what the client offers.
 *
 * DTLS 1.3 is without raw public keys, resumption (a peer's tickets are taken and
 * not used, none are given) and early data.  Of several certificates it takes the
 * first.  A PSK goes with the first suite of kdtls_config_set_suites() only, at
 * both ends, and has up to 64 bytes.
 */
KDTLS_API int kdtls_config_set_versions(kdtls_config *cfg, uint16_t min,
					uint16_t max);

/* Suites of DTLS 1.3, in order of preference, by the names of IANA:
 * "TLS_AES_128_GCM_SHA256,...".  Default: all but TLS_AES_128_CCM_8_SHA256, which
 * RFC 9147 4.5.3 does not want in general use.
 */
KDTLS_API int kdtls_config_set_suites(kdtls_config *cfg, const char *list);

/* Profiles of SRTP to negotiate (RFC 5764), in order of preference, by the names of IANA:
 * "SRTP_AEAD_AES_128_GCM,SRTP_AEAD_AES_256_GCM,SRTP_AES128_CM_HMAC_SHA1_80".  A
 * handshake without a common one goes on, see kdtls_get_srtp().  With DTLS 1.3 a client
 * offers the first two, and the order is that of their numbers.
 */
KDTLS_API int kdtls_config_set_srtp(kdtls_config *cfg, const char *list);

/* Connection IDs (RFC 9147 9), DTLS 1.3 only: offers to send with the peer's, and
 * asks it to send with one of ours, random and of @len bytes, 0 (none of ours)
 * to 32.  -1, the default, offers nothing.
 */
KDTLS_API int kdtls_config_set_cid(kdtls_config *cfg, int len);

enum kdtls_verify {
	/* The default.  A client checks the server; a server takes any client. */
	KDTLS_VERIFY_DEFAULT,
	/* Server: ask for a certificate (or raw key), and check it. */
	KDTLS_VERIFY_REQUIRE,
	/* Check nothing: the peer may be anyone.  For tests. */
	KDTLS_VERIFY_NONE,
};

KDTLS_API void kdtls_config_set_verify(kdtls_config *cfg, enum kdtls_verify how);

/* Largest datagram of the handshake, without IP and UDP headers.  -EINVAL below
 * KDTLS_MTU_MIN or over 16384.
 */
KDTLS_API int kdtls_config_set_mtu(kdtls_config *cfg, unsigned int mtu);

/* First retransmission, end of the attempt; milliseconds, 0 keeps the value. */
KDTLS_API void kdtls_config_set_timeouts(kdtls_config *cfg,
					 unsigned int retransmit,
					 unsigned int total);

/* Server: hand out session tickets (RFC 5077), so that a peer can resume; on by
 * default, with a key that lives as long as @cfg.
 */
KDTLS_API void kdtls_config_set_tickets(kdtls_config *cfg, int on);

/* ------------------------------------------------------------------------
 * Sessions
 */

/* Client on @fd, a connected UDP socket, blocking or not.  @host is the name
 * that the server must prove, and is sent to it (SNI) unless it is an address;
 * NULL checks no name, which is right for PSK and raw keys only.
 */
KDTLS_API kdtls_session *kdtls_client_new(kdtls_config *cfg, int fd,
					  const char *host);

/* Server on @fd, a connected UDP socket, for the peer it is connected to.  There
 * is no cookie exchange here: see kdtls_accept() for one that comes before any
 * state.
 */
KDTLS_API kdtls_session *kdtls_server_new(kdtls_config *cfg, int fd);

/* Does not close the socket.  The association in the kernel lives on. */
KDTLS_API void kdtls_free(kdtls_session *s);

/* The sentence for the last error of @s; "" if none. */
KDTLS_API const char *kdtls_error(const kdtls_session *s);

/* The socket of @s. */
KDTLS_API int kdtls_fd(const kdtls_session *s);

/* With @on, kdtls_handshake() does not wait whatever the socket's O_NONBLOCK says:
 * for a socket that belongs to somebody else.
 */
KDTLS_API void kdtls_set_nonblocking(kdtls_session *s, int on);

/* A session whose datagrams somebody else carries: one of many on a socket that the
 * program reads, or without any.  Before the handshake; the session was made with
 * @fd -1, and does not wait.  @fn gets one datagram to send and returns 0 or a negative
 * errno, which counts as a loss, as it does with a socket.  kdtls_input() brings one:
 * call kdtls_handshake() after it, and when kdtls_timeout() has passed.  -ENOBUFS: more
 * wait already than a flight has; -EINVAL; -EPIPE after the keys were handed over.
 */
typedef int (*kdtls_output_fn)(void *arg, const void *dgram, size_t len);
KDTLS_API void kdtls_set_output(kdtls_session *s, kdtls_output_fn fn,
				void *arg);
KDTLS_API int kdtls_input(kdtls_session *s, const void *dgram, size_t len);

/* The hash of the certificate that the peer has to prove, "sha-256", "sha-384" or
 * "sha-512", as RFC 8122 has it in SDP: with it neither issuer nor name nor date matter.
 * Before the handshake.  Of a server the config must have KDTLS_VERIFY_REQUIRE.
 * -EINVAL: that is not so, or no such hash.
 */
KDTLS_API int kdtls_set_fingerprint(kdtls_session *s, const char *algorithm,
				    const void *hash, size_t len);

/* Shakes hands: sends, receives, repeats what was lost.  On return of 0 the
 * peer is who it ought to be; it remains to call kdtls_install(), and until
 * then nothing may be sent.
 *
 * On a socket with O_NONBLOCK: -EAGAIN means to call it again when the socket
 * is readable or kdtls_timeout() has passed.
 *
 * -ETIMEDOUT      no end within the time of kdtls_config_set_timeouts()
 * -ECONNREFUSED   nobody listens there (ICMP), and did not until the timeout
 * -EKEYREJECTED   the peer is not who it should be: unknown issuer, other name,
 *                 expired, unknown raw key
 * -ECONNABORTED   the peer refused, with an alert
 * -EPROTO         no common ground: suites, versions, ALPN, bad messages
 * -EALREADY       the handshake was done before
 */
KDTLS_API int kdtls_handshake(kdtls_session *s);

/* Milliseconds until kdtls_handshake() wants to be called even if nothing
 * arrived; 0 is now, -1 never (the handshake is over).
 */
KDTLS_API int kdtls_timeout(const kdtls_session *s);

/* Moves the session into the kernel: attaches "dtls" to the socket if that was
 * not done, sets both keys in one call, and hands over the last flight if it
 * was ours, so that the kernel can repeat it for a peer that missed it (RFC
 * 6347 4.2.4).  After it the TLS library never seals a record again: two
 * owners of one nonce space would break the cipher.
 *
 * -ENOTCONN       the handshake is not complete, or the socket not connected
 * -EALREADY       done before
 * -ENOPROTOOPT    dtls.ko is not loaded
 * -EOPNOTSUPP     a suite that the kernel does not have
 * or what setsockopt(DTLS_TXRX) says.
 */
KDTLS_API int kdtls_install(kdtls_session *s);

/* The same for an unconnected socket with "dtls" attached: the peer at @addr is added to
 * it (DTLS_PEER_ADD), in the place of who has that address if there is one.  *@id gets
 * its identifier.
 */
KDTLS_API int kdtls_install_peer(kdtls_session *s, int fd,
				 const struct sockaddr *addr, socklen_t len,
				 uint64_t *id);

/* The same for someone else's socket or process: writes the keys of both
 * directions.  Counts as the install: the session will do no record again.
 * Wipe the structures after use.
 */
KDTLS_API int kdtls_export_keys(kdtls_session *s, struct dtls_keys *tx,
				struct dtls_keys *rx);

/* Records of the peer that arrived before its Finished (the network reorders)
 * are kept and opened by kdtls_install(); the kernel does not know them.  Each
 * call returns one, as recv() would: call it after kdtls_install() until it
 * answers -EAGAIN, then go over to recv().  At most 64 records are kept.
 * 0: a record without bytes, or the peer's close_notify (then -EPIPE follows
 * instead of -EAGAIN).  What exceeds @len is lost, as with recv().
 */
KDTLS_API ssize_t kdtls_early(kdtls_session *s, void *buf, size_t len);

/* ------------------------------------------------------------------------
 * What one may ask of a session, before and after kdtls_install()
 */

enum kdtls_peer {
	KDTLS_PEER_NONE,	/* unnamed: a client without certificate */
	KDTLS_PEER_X509,
	KDTLS_PEER_RAWPK,
	KDTLS_PEER_PSK,
};

struct kdtls_info {
	uint16_t version;	/* DTLS_1_2_VERSION, DTLS_1_3_VERSION */
	uint16_t suite;		/* IANA number */
	char suite_name[64];	/* "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" */
	int server;		/* 1 if we are */
	int resumed;		/* 1 if the session was */
	int ems;		/* 1 with extended master secret (RFC 7627) */
	enum kdtls_peer peer;
	char identity[129];	/* PSK identity, of the client; "" without */
	char alpn[256];		/* the protocol agreed upon; "" if none */
	unsigned int flights;	/* datagrams sent in the handshake */
	unsigned int early;	/* records that wait in kdtls_early() */
	unsigned int flight;	/* records of the last flight; 0: not ours */
	uint8_t tx_cid_len;	/* bytes of connection ID in what we send */
	uint8_t rx_cid_len;	/* and in what we receive */
};

/* -ENOTCONN before the handshake is complete. */
KDTLS_API int kdtls_get_info(const kdtls_session *s, struct kdtls_info *info);

/* Certificate number @n of the peer's chain (0: its own), DER, or its raw
 * public key (SubjectPublicKeyInfo, @n 0).  The bytes belong to @s.  -ENOENT
 * past the end.
 */
KDTLS_API int kdtls_peer_cert(const kdtls_session *s, unsigned int n,
			      const void **der, size_t *len);

/* Subject of the peer's certificate, as RFC 4514 writes it, and its subject
 * alternative name number @n, as "DNS:a.example", "IP:192.0.2.1", "URI:...",
 * "EMAIL:...".  Always terminated; -ENOENT: no such; -EOVERFLOW: cut at @len.
 */
KDTLS_API int kdtls_peer_subject(const kdtls_session *s, char *buf, size_t len);
KDTLS_API int kdtls_peer_san(const kdtls_session *s, unsigned int n, char *buf,
			     size_t len);

/* Keying material exporter, RFC 5705.  @context may be NULL: none (which is not
 * the same as an empty one).
 */
KDTLS_API int kdtls_exporter(const kdtls_session *s, const char *label,
			     const void *context, size_t context_len, void *out,
			     size_t len);

/* Of SRTP (RFC 5764 4.2): the profile, and for what we send and receive the master key
 * with the salt behind it, as libsrtp wants them.  -ENOENT: none was agreed upon.
 * Wipe it after use.
 */
#define KDTLS_SRTP_MAX	46

struct kdtls_srtp {
	uint16_t profile;	/* 1: AES128_CM_HMAC_SHA1_80, 7, 8: AEAD_AES_*_GCM */
	uint8_t key_len, salt_len;
	uint8_t tx[KDTLS_SRTP_MAX], rx[KDTLS_SRTP_MAX];
};

KDTLS_API int kdtls_get_srtp(const kdtls_session *s, struct kdtls_srtp *srtp);

/* Channel binding "tls-exporter" (RFC 9266), "tls-unique" or
 * "tls-server-end-point" (RFC 5929).  Returns its length; -ENOENT: no such
 * type; -EOVERFLOW: longer than @len; -EOPNOTSUPP: not in this session, e.g.
 * tls-exporter without extended master secret.
 */
KDTLS_API int kdtls_channel_binding(const kdtls_session *s, const char *type,
				    void *buf, size_t len);

/* Session resumption, client.  get: after the handshake, what a later session
 * gives to set before its own; it holds secrets.  Returns its length;
 * -EOVERFLOW: longer than @len.  set: -EINVAL, -EALREADY.
 */
KDTLS_API int kdtls_get_resumption(const kdtls_session *s, void *buf,
				   size_t len);
KDTLS_API int kdtls_set_resumption(kdtls_session *s, const void *data,
				   size_t len);

/* ------------------------------------------------------------------------
 * Servers: one listening socket, one connected socket for each peer
 */

/* @fd is a bound UDP socket, not connected, and stays the caller's; SO_REUSEPORT
 * and the packet info option get set on it.  NULL with errno.
 */
KDTLS_API kdtls_listener *kdtls_listener_new(kdtls_config *cfg, int fd);
KDTLS_API void kdtls_listener_free(kdtls_listener *l);

/* Takes datagrams from the listening socket until a ClientHello brings back the
 * cookie that it was sent (RFC 6347 4.2.1); until then nothing is remembered.
 * Then makes a socket for that peer, bound to the address the peer wrote to and
 * connected, and a session on it in *@s, ready for kdtls_handshake().
 *
 * The socket (kdtls_fd()) is the caller's to close, and blocking.  On a
 * listening socket with O_NONBLOCK: -EAGAIN if no such peer is there now.
 * Otherwise errors are those of the socket calls, and -ENOMEM.
 */
KDTLS_API int kdtls_accept(kdtls_listener *l, kdtls_session **s);

/* ------------------------------------------------------------------------
 * Servers: many peers on one socket that somebody else reads
 */

/* Whom a datagram comes from or goes to, and the address of ours that it has been
 * sent to, with port (@local NULL: not known).  A scope says the interface.
 */
struct kdtls_path {
	const struct sockaddr *peer, *local;
	socklen_t peer_len, local_len;
};

/* What an acceptor calls, from within kdtls_acceptor_input() and _run(); from here
 * nothing of the same acceptor may be called.  All get the @arg of
 * kdtls_acceptor_new(); @path and @s are good until the call returns.
 */
struct kdtls_acceptor_calls {
	/* A datagram to be sent; if that cannot be it is lost. */
	void (*send)(void *arg, const struct kdtls_path *path, const void *buf,
		     size_t len);
	/* Somebody has shown that it is at its address: may it begin a handshake?
	 * NULL: yes, within the limits.
	 */
	int (*admit)(void *arg, const struct kdtls_path *path);
	/* The handshake is over, and our last flight not sent yet: now is the time
	 * for kdtls_install_peer() or kdtls_export_keys().  0: the flight follows;
	 * a negative errno: it does not, and failed() is called.
	 */
	int (*done)(void *arg, const struct kdtls_path *path, kdtls_session *s);
	/* kdtls_handshake() would have returned @err, or -ECANCELED: the peer has
	 * begun anew.
	 */
	void (*failed)(void *arg, const struct kdtls_path *path,
		       kdtls_session *s, int err);
	/* After done(): a datagram of the peer, or a record of one, that is for who
	 * has the keys now.
	 */
	void (*early)(void *arg, const struct kdtls_path *path, const void *buf,
		      size_t len);
};

/* NULL with errno; EINVAL: @cfg allows for no handshake.  @cfg may be freed at any
 * time: what is under way keeps what it needs.  So may @calls not.
 */
KDTLS_API kdtls_acceptor *
kdtls_acceptor_new(kdtls_config *cfg, const struct kdtls_acceptor_calls *calls,
		   void *arg);
KDTLS_API void kdtls_acceptor_free(kdtls_acceptor *a);

/* Other credentials, for handshakes to come.  -EINVAL: as above, nothing changes. */
KDTLS_API int kdtls_acceptor_set_config(kdtls_acceptor *a, kdtls_config *cfg);

/* Most handshakes under way at one time, by default 1024, and with one address, or
 * /64 of IPv6, by default 128.  Who comes on top of that gets no answer.
 */
KDTLS_API void kdtls_acceptor_set_limits(kdtls_acceptor *a, unsigned int max,
					 unsigned int max_per_source);

/* Handshakes under way. */
KDTLS_API unsigned int kdtls_acceptor_count(const kdtls_acceptor *a);

/* A datagram has come in.  Nothing is remembered of a client before it has brought
 * back a cookie (RFC 6347 4.2.1, RFC 9147 5.1).  -ENOENT: of nobody that is known,
 * and no ClientHello; -EINVAL: no address of IP; -EMSGSIZE: empty, or too long.
 */
KDTLS_API int kdtls_acceptor_input(kdtls_acceptor *a,
				   const struct kdtls_path *path,
				   const void *data, size_t len);

/* Milliseconds until kdtls_acceptor_run() wants to be called: 0 is now, -1 never. */
KDTLS_API int kdtls_acceptor_timeout(const kdtls_acceptor *a);
KDTLS_API void kdtls_acceptor_run(kdtls_acceptor *a);

/* ------------------------------------------------------------------------
 * Helpers, for programs that do the handshake by other means
 */

/* setsockopt(SOL_IP, DTLS_ULP).  0 also if it was attached before. */
KDTLS_API int kdtls_attach(int fd);

/* setsockopt(SOL_DTLS, DTLS_TXRX): both directions or none. */
KDTLS_API int kdtls_set_keys(int fd, const struct dtls_keys *tx,
			     const struct dtls_keys *rx);

/* setsockopt(DTLS_KEY_UPDATE): new keys to send with, and with @both the peer is
 * asked for new ones as well.  -EALREADY: one is under way; -EOPNOTSUPP: this is
 * DTLS 1.2.
 */
KDTLS_API int kdtls_key_update(int fd, int both);

/* IANA name of a suite that the kernel can do; NULL for others. */
KDTLS_API const char *kdtls_suite_name(uint16_t suite);

#ifdef __cplusplus
}
#endif

#endif /* KDTLS_H */
