// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sessions of OpenSSL: a filter BIO that watches the handshake, and the way into
 * the kernel.  OpenSSL tells neither keys nor sequence numbers; the keys follow
 * from the master secret (RFC 5246 6.3), the numbers are on the wire.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#include "internal.h"
#include "kdtls.h"
#include "kdtls-openssl.h"

static struct bio_method_st *method;	/* BIO_METHOD */
static int method_type;
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

static int watch_write(BIO *bio, const char *buf, int len)
{
	struct kdtls_watch *w = BIO_get_data(bio);
	BIO *next = BIO_next(bio);
	int ret;

	BIO_clear_retry_flags(bio);
	if (!w || !next)
		return -1;
	/*
	 * The nonces belong to the kernel.  Said to be sent, as a lost datagram
	 * would be: SSL_shutdown() in SSL_free() paths must not fail on it.
	 */
	if (w->closed)
		return len;
	if (len > 0)
		kdtls_watch_sent(w, (const uint8_t *)buf, len);
	ret = BIO_write(next, buf, len);
	BIO_copy_next_retry(bio);
	return ret;
}

static int watch_read(BIO *bio, char *buf, int len)
{
	struct kdtls_watch *w = BIO_get_data(bio);
	BIO *next = BIO_next(bio);
	int ret;

	BIO_clear_retry_flags(bio);
	if (!w || !next)
		return -1;
	if (w->closed)
		return 0;
	for (;;) {
		ret = BIO_read(next, buf, len);
		BIO_copy_next_retry(bio);
		if (ret <= 0)
			return ret;
		ret = kdtls_watch_received(w, (uint8_t *)buf, ret);
		if (ret)
			return ret;
	}
}

static long watch_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	BIO *next = BIO_next(bio);

	if (cmd == BIO_CTRL_DUP || !next)
		return 0;
	return BIO_ctrl(next, cmd, num, ptr);
}

static int watch_create(BIO *bio)
{
	struct kdtls_watch *w = malloc(sizeof(*w));

	if (!w)
		return 0;
	kdtls_watch_init(w);
	BIO_set_data(bio, w);
	BIO_set_init(bio, 1);
	return 1;
}

static int watch_destroy(BIO *bio)
{
	struct kdtls_watch *w = bio ? BIO_get_data(bio) : NULL;

	if (!w)
		return 0;
	kdtls_watch_free(w);
	free(w);
	BIO_set_data(bio, NULL);
	return 1;
}

static void make_method(void)
{
	int type = BIO_get_new_index();
	BIO_METHOD *m;

	if (type == -1)
		return;
	m = BIO_meth_new(type | BIO_TYPE_FILTER, "kdtls watch");
	if (!m)
		return;
	if (!BIO_meth_set_write(m, watch_write) ||
	    !BIO_meth_set_read(m, watch_read) ||
	    !BIO_meth_set_ctrl(m, watch_ctrl) ||
	    !BIO_meth_set_create(m, watch_create) ||
	    !BIO_meth_set_destroy(m, watch_destroy)) {
		BIO_meth_free(m);
		return;
	}
	method_type = type | BIO_TYPE_FILTER;
	method = m;
}

static struct kdtls_watch *find_watch(SSL *ssl)
{
	BIO *bio;

	if (!method)
		return NULL;
	for (bio = SSL_get_rbio(ssl); bio; bio = BIO_next(bio))
		if (BIO_method_type(bio) == method_type)
			return BIO_get_data(bio);
	return NULL;
}

int kdtls_openssl_watch(SSL *ssl)
{
	BIO *bio = SSL_get_rbio(ssl), *watch;

	if (!CRYPTO_THREAD_run_once(&once, make_method) || !method)
		return -ENOMEM;
	if (find_watch(ssl) || !SSL_in_before(ssl))
		return -EALREADY;
	if (!bio || SSL_get_wbio(ssl) != bio)
		return -EINVAL;
	watch = BIO_new(method);
	if (!watch)
		return -ENOMEM;
	/* Ours now, and then the chain belongs to the SSL, for both ways. */
	BIO_up_ref(bio);
	BIO_push(watch, bio);
	BIO_up_ref(watch);
	SSL_set0_rbio(ssl, watch);
	SSL_set0_wbio(ssl, watch);
	return 0;
}

/* ------------------------------------------------------------------------
 * Keys
 */

static int open_aead(const struct kdtls_suite *suite, const uint8_t *key,
		     const uint8_t nonce[12], const uint8_t aad[13],
		     const uint8_t *in, size_t in_len, uint8_t *out)
{
	bool ccm = suite->aead == KDTLS_AES_128_CCM ||
		   suite->aead == KDTLS_AES_128_CCM_8;
	size_t len = in_len - suite->tag_len;
	const EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *ctx;
	int n, ret = -EBADMSG;

	switch (suite->aead) {
	case KDTLS_AES_128_GCM:
		cipher = EVP_aes_128_gcm();
		break;
	case KDTLS_AES_256_GCM:
		cipher = EVP_aes_256_gcm();
		break;
	case KDTLS_CHACHA20_POLY1305:
		cipher = EVP_chacha20_poly1305();
		break;
	default:
		cipher = EVP_aes_128_ccm();
		break;
	}
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx)
		return -ENOMEM;
	if (EVP_DecryptInit_ex(ctx, cipher, NULL, NULL, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, suite->tag_len,
				(void *)(in + len)) != 1 ||
	    EVP_DecryptInit_ex(ctx, NULL, NULL, key, nonce) != 1)
		goto out;
	if (ccm && EVP_DecryptUpdate(ctx, NULL, &n, NULL, len) != 1)
		goto out;
	if (EVP_DecryptUpdate(ctx, NULL, &n, aad, 13) != 1)
		goto out;
	/* CCM says here whether the tag is right, the others at the end. */
	if (EVP_DecryptUpdate(ctx, out, &n, in, len) != 1)
		goto out;
	if (ccm || EVP_DecryptFinal_ex(ctx, out + n, &n) == 1)
		ret = 0;
out:
	EVP_CIPHER_CTX_free(ctx);
	return ret;
}

/* key_block = PRF(master_secret, "key expansion", server_random, client_random)
 */
static int key_block(SSL *ssl, uint8_t *out, size_t len)
{
	static const char label[] = "key expansion";
	const EVP_MD *md = SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(ssl));
	uint8_t master[64], seed[sizeof(label) - 1 + 64];
	size_t master_len;
	EVP_KDF_CTX *ctx;
	EVP_KDF *kdf;
	int ret;

	if (!md)
		return -EOPNOTSUPP;
	master_len = SSL_SESSION_get_master_key(SSL_get_session(ssl), master,
						sizeof(master));
	memcpy(seed, label, sizeof(label) - 1);
	SSL_get_server_random(ssl, seed + sizeof(label) - 1, 32);
	SSL_get_client_random(ssl, seed + sizeof(label) - 1 + 32, 32);

	kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_PRF, NULL);
	ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	EVP_KDF_free(kdf);
	if (!ctx) {
		ret = -ENOMEM;
	} else {
		char *digest = (char *)EVP_MD_get0_name(md);
		OSSL_PARAM params[4], *p = params;

		*p++ = OSSL_PARAM_construct_utf8_string("digest", digest, 0);
		*p++ = OSSL_PARAM_construct_octet_string("secret", master,
							 master_len);
		*p++ = OSSL_PARAM_construct_octet_string("seed", seed,
							 sizeof(seed));
		*p = OSSL_PARAM_construct_end();

		ret = EVP_KDF_derive(ctx, out, len, params) == 1 ? 0 : -EIO;
	}
	EVP_KDF_CTX_free(ctx);
	OPENSSL_cleanse(master, sizeof(master));
	return ret;
}

/*
 * RFC 5246 6.3: client_write_key, server_write_key, client_write_IV,
 * server_write_IV; AEAD has no MAC keys before them.
 */
static int session_keys(SSL *ssl, struct kdtls_watch *w,
			const struct kdtls_suite *suite, struct dtls_keys *tx,
			struct dtls_keys *rx)
{
	uint8_t block[2 * (DTLS_KEY_MAX + DTLS_IV_MAX)];
	size_t k = suite->key_len, i = suite->iv_len;
	int us = SSL_is_server(ssl) ? 1 : 0, them = !us, ret;

	ret = key_block(ssl, block, 2 * (k + i));
	if (!ret) {
		kdtls_keys_init(tx, suite, w->tx_next, block + us * k,
				block + 2 * k + us * i);
		kdtls_keys_init(rx, suite, w->tx_next >> 48 << 48,
				block + them * k, block + 2 * k + them * i);
	}
	OPENSSL_cleanse(block, sizeof(block));
	return ret;
}

int kdtls_openssl_install(SSL *ssl, int fd)
{
	struct kdtls_watch *w = find_watch(ssl);
	const struct kdtls_suite *suite;
	struct dtls_flight *flight;
	struct dtls_keys tx, rx;
	uint64_t next;
	size_t len;
	int ret;

	if (!w)
		return -EINVAL;
	if (w->closed)
		return -EALREADY;
	if (!SSL_is_init_finished(ssl) || !w->tx_next)
		return -ENOTCONN;
	/* Of a second handshake, in the same epochs' numbers, we know nothing. */
	if (SSL_version(ssl) != DTLS1_2_VERSION || w->tx_next >> 48 != 1)
		return -EOPNOTSUPP;
	suite = kdtls_suite_find(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl)));
	if (!suite)
		return -EOPNOTSUPP;
	if (kdtls_watch_nonce_clash(w, suite))
		return -EKEYREJECTED;
	ret = kdtls_attach(fd);
	if (ret)
		return ret;
	ret = session_keys(ssl, w, suite, &tx, &rx);
	if (ret)
		goto out;
	next = kdtls_watch_open_early(w, suite, &rx, open_aead);
	rx.seq = next & 0xffffffffffffULL;
	w->closed = true;
	/*
	 * To OpenSSL the connection is over, and well over: it refuses to write,
	 * and keeps the session good for resumption, which it would not if the
	 * SSL were freed without a shutdown.
	 */
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	ret = kdtls_set_keys(fd, &tx, &rx);
	if (ret)
		goto out;
	/* Whose Finished is the last one: RFC 5246 7.3, figures 1 and 2. */
	if (SSL_is_server(ssl) != SSL_session_reused(ssl)) {
		ret = kdtls_watch_flight(w, suite, &tx, open_aead, &flight,
					 &len);
		if (!ret) {
			ret = kdtls_kernel_flight(fd, flight, len);
			free(flight);
		}
	}
out:
	explicit_bzero(&tx, sizeof(tx));
	explicit_bzero(&rx, sizeof(rx));
	return ret;
}

ssize_t kdtls_openssl_early(SSL *ssl, void *buf, size_t len)
{
	struct kdtls_watch *w = find_watch(ssl);

	return w ? kdtls_watch_early(w, buf, len) : -EINVAL;
}
