/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How wolfSSL is built for libkdtls-wolfssl (see build.sh): a DTLS 1.3 handshake
 * and as little else as the library lets one leave out. Records are the kernel's,
 * hence no assembly for ciphers.
 */
#ifndef KDTLS_WOLFSSL_USER_SETTINGS_H
#define KDTLS_WOLFSSL_USER_SETTINGS_H

/* Protocol */
#define WOLFSSL_TLS13
#define WOLFSSL_DTLS
#define WOLFSSL_DTLS13
#define WOLFSSL_DTLS_CID
#define DTLS_CID_MAX_SIZE 32
#define WOLFSSL_DTLS_MTU
#define WOLFSSL_SEND_HRR_COOKIE
#define HAVE_TLS_EXTENSIONS
#define HAVE_SUPPORTED_CURVES
#define HAVE_EXTENDED_MASTER
#define HAVE_ENCRYPT_THEN_MAC
#define HAVE_SNI
#define HAVE_ALPN
#define WOLFSSL_SRTP
#define HAVE_SESSION_TICKET
#define WOLFSSL_ALT_CERT_CHAINS
#define WOLFSSL_HAVE_CERT_CHAIN_VALIDATION
#define NO_OLD_TLS
#define WOLFSSL_STATIC_PSK

/* What the hand-over asks of it */
#define HAVE_SECRET_CALLBACK
#define HAVE_KEYING_MATERIAL
#define OPENSSL_EXTRA
#define KEEP_PEER_CERT
#define SESSION_CERTS
#define HAVE_EX_DATA
#define WOLFSSL_ALWAYS_VERIFY_CB
#define HAVE_MAX_FRAGMENT

/* Ciphers of DTLS 1.3, and HKDF */
#define HAVE_AESGCM
#define HAVE_AESCCM
#define HAVE_CHACHA
#define HAVE_POLY1305
#define HAVE_ONE_TIME_AUTH
#define WOLFSSL_AES_DIRECT
#define WOLFSSL_AES_COUNTER
#define HAVE_HKDF
#define WOLFSSL_SHA224
#define WOLFSSL_SHA384
#define WOLFSSL_SHA512
#define HAVE_HASHDRBG
#define NO_RC4
#define NO_DES3
#define NO_MD4
#define NO_DSA

/* Certificates and key exchange */
#define HAVE_ECC
#define ECC_USER_CURVES
#define HAVE_ECC384
#define HAVE_ECC521
#define ECC_SHAMIR
#define ECC_TIMING_RESISTANT
#define TFM_TIMING_RESISTANT
#define WC_RSA_BLINDING
#define WC_RSA_PSS
#define HAVE_CURVE25519
#define CURVE25519_SMALL_OFF
#define HAVE_ED25519
#define HAVE_FFDHE_2048
#define HAVE_DH_DEFAULT_PARAMS
#define WOLFSSL_CERT_EXT
#define WOLFSSL_CERT_GEN
#define WOLFSSL_KEY_GEN
#define WOLFSSL_SP_MATH_ALL
#define WOLFSSL_PEM_TO_DER
#define WOLFSSL_DER_TO_PEM
#define WOLFSSL_IP_ALT_NAME

/* System */
#define HAVE_SYS_TIME_H
#define WC_NO_ASYNC_THREADING
#define NO_WOLFSSL_MEMORY_WARNINGS
#define NO_MAIN_DRIVER
#define WOLFSSL_NO_ERROR_QUEUE_PRINT

#endif /* KDTLS_WOLFSSL_USER_SETTINGS_H */
