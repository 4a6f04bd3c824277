/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libkdtls-openssl: moves a DTLS 1.2 session of OpenSSL into the kernel
 * (dtls.ko).  The program sets up its SSL as ever, puts the watch on it before
 * the handshake, shakes hands, and hands the session over:
 *
 *	SSL_set_fd(ssl, fd);			(a connected UDP socket)
 *	kdtls_openssl_watch(ssl);
 *	if (SSL_connect(ssl) == 1 && !kdtls_openssl_install(ssl, fd))
 *		send(fd, "hello", 5, 0);
 *
 * The SSL stays the program's, and stays good for questions: the peer's
 * certificate, SSL_export_keying_material(), SSL_get1_session(), ALPN, ...
 * It is not good for records any more: as after SSL_shutdown() it neither writes
 * nor reads.  SSL_free() frees the watch.
 *
 * Functions answer 0 or a negative errno.  See kdtls.h for the other ways of
 * this library, none of which this header needs.
 */
#ifndef KDTLS_OPENSSL_H
#define KDTLS_OPENSSL_H

#include <sys/types.h>
#include <openssl/ssl.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef KDTLS_API
#define KDTLS_API __attribute__((visibility("default")))
#endif

/* Puts a filter BIO between @ssl and the BIO that SSL_set_fd() or SSL_set_bio()
 * gave it; to be called after those and before the handshake.  It counts the
 * records, keeps the last flight, and sets early records aside.
 *
 * -EINVAL: no BIO yet, or different ones to read and write; -EALREADY: watched,
 * or the handshake has begun; -ENOMEM.
 */
KDTLS_API int kdtls_openssl_watch(SSL *ssl);

/* Attaches "dtls" to @fd, installs both keys in one call, and hands over the
 * last flight if it was ours.  To be called right after SSL_connect() or
 * SSL_accept() has returned 1; SSL_write() in between is allowed, SSL_read() in
 * vain.
 *
 * -ENOTCONN       the handshake is not complete
 * -EINVAL         kdtls_openssl_watch() was not called
 * -EALREADY       done before
 * -EOPNOTSUPP     not DTLS 1.2, or a suite that the kernel does not have
 * -EKEYREJECTED   OpenSSL's random explicit nonces lie where the kernel's will
 *                 come (once in 65536 handshakes with AES-GCM): shake hands
 *                 again
 * -ENOPROTOOPT    dtls.ko is not loaded
 * or what setsockopt(DTLS_TXRX) says.
 */
KDTLS_API int kdtls_openssl_install(SSL *ssl, int fd);

/* Records that came before the peer's Finished: see kdtls_early() in kdtls.h. */
KDTLS_API ssize_t kdtls_openssl_early(SSL *ssl, void *buf, size_t len);

#ifdef __cplusplus
}
#endif

#endif /* KDTLS_OPENSSL_H */
