/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * kdtls: DTLS records for UDP sockets, sealed and opened by the kernel.
 *
 * Everything a program may use is in this file: socket options, structures,
 * control messages and event codes. Documentation/networking/dtls.rst tells
 * the story around it, and lists the errno of each refusal.
 */
#ifndef _UAPI_LINUX_DTLS_H
#define _UAPI_LINUX_DTLS_H

#include <linux/types.h>

/*
 * Attach: setsockopt(fd, SOL_IP, DTLS_ULP, "dtls", sizeof("dtls")), on AF_INET
 * and AF_INET6 UDP sockets alike. The number lies outside every range that
 * the kernel's own SOL_IP options and netfilter use.
 */
#define DTLS_ULP		17492

/* Option level of everything below. */
#define SOL_DTLS		290

/* Options of SOL_DTLS. */
#define DTLS_TX			1	/* set, get: struct dtls_keys */
#define DTLS_RX			2	/* set, get: struct dtls_keys */
#define DTLS_TXRX		3	/* set: two struct dtls_keys, TX then RX */
#define DTLS_RECVTYPE		4	/* set, get: int, 0 or 1 */
#define DTLS_REPLAY_WINDOW	5	/* set, get: int, records */
#define DTLS_MAX_PAYLOAD	6	/* get: int, bytes */
#define DTLS_EVENTS		7	/* set, get: int, mask of DTLS_EVENT_* */
#define DTLS_LAST_FLIGHT	8	/* set: struct dtls_flight and its records */
#define DTLS_TX_EXPORT		9	/* get: struct dtls_keys; ends sending */
#define DTLS_RX_EXPORT		10	/* get: struct dtls_keys; ends receiving */
#define DTLS_NO_EXPORT		11	/* set, get: int, 1 forbids export for good */

/* Protocol versions, as on the wire. */
#define DTLS_1_2_VERSION	0xfefd
#define DTLS_1_3_VERSION	0xfefc

/* Sizes, in bytes unless said otherwise. */
#define DTLS_KEY_MAX		32	/* AES-256, ChaCha20 */
#define DTLS_IV_MAX		12	/* RFC 5116 nonce; 1.2 GCM and CCM: 4, the salt */
#define DTLS_CID_MAX		32
#define DTLS_PLAINTEXT_MAX	16384	/* RFC 6347 4.3.1: 2^14 */
#define DTLS_WINDOW_MIN		64	/* replay window, in records */
#define DTLS_WINDOW_DEFAULT	1024
#define DTLS_WINDOW_MAX		65536
#define DTLS_FLIGHT_MAX		16384	/* bytes of a cached last flight */

/* Content types of records (RFC 5246 6.2.1). */
#define DTLS_TYPE_CCS		20
#define DTLS_TYPE_ALERT		21
#define DTLS_TYPE_HANDSHAKE	22
#define DTLS_TYPE_DATA		23
#define DTLS_TYPE_HEARTBEAT	24

/**
 * struct dtls_keys - one direction of an association: keys in, state out
 * @size:         sizeof(struct dtls_keys) as the program knows it. A larger
 *                struct than the kernel's is accepted if the unknown tail is
 *                zero (E2BIG otherwise), a smaller one reads as zero-extended.
 *                Must be equal to the length given to setsockopt.
 * @version:      DTLS_1_2_VERSION
 * @cipher_suite: IANA number of the suite, e.g. 0xc02b; the kernel takes the
 *                AEAD from it
 * @epoch:        epoch of the keys, 1 and up. Installing a direction again
 *                wants a higher epoch than every one before.
 * @seq:          set: sequence number of the next record, below 2^48. For RX,
 *                every record below it counts as already received.
 *                get: TX the next to send, RX the highest received plus one
 * @key_len:      16 or 32, as the suite says
 * @iv_len:       set: 4 for AES-GCM and AES-CCM (the salt of RFC 5288, 6655),
 *                12 for ChaCha20-Poly1305 (RFC 7905)
 * @cid_len:      0 (no CID)
 * @pad:          0
 * @pad2:         0
 * @window:       get, RX: replay window, in records; set: 0
 * @key:          AEAD key; zero on get, filled by the EXPORT options
 * @iv:           implicit part of the nonce; likewise
 * @cid:          connection ID, @cid_len bytes
 * @records:      get: records sealed or opened under this epoch; set: 0
 * @bytes:        get: bytes of payload in them; set: 0
 * @drop_replay:  get, RX: records dropped as replayed or too old; set: 0
 * @drop_auth:    get, RX: records that failed authentication; set: 0
 */
struct dtls_keys {
	__u32		size;
	__u16		version;
	__u16		cipher_suite;
	__aligned_u64	epoch;
	__aligned_u64	seq;
	__u8		key_len;
	__u8		iv_len;
	__u8		cid_len;
	__u8		pad;
	__u32		window;
	__u8		key[DTLS_KEY_MAX];
	__u8		iv[DTLS_IV_MAX];
	__u32		pad2;
	__u8		cid[DTLS_CID_MAX];
	__aligned_u64	records;
	__aligned_u64	bytes;
	__aligned_u64	drop_replay;
	__aligned_u64	drop_auth;
};

/* Size of the first published struct dtls_keys: the smallest @size allowed. */
#define DTLS_KEYS_SIZE_VER0	144

/**
 * struct dtls_record - control message SOL_DTLS/DTLS_RECORD_TYPE
 * @epoch: recvmsg: epoch of the record; sendmsg: 0, or the epoch that sends now
 * @seq:   recvmsg: sequence number of the record; sendmsg: 0
 * @type:  content type, DTLS_TYPE_*
 * @pad:   0
 *
 * Comes with each record once DTLS_RECVTYPE is on; sets the type of a record
 * on sendmsg, with or without DTLS_RECVTYPE.
 */
struct dtls_record {
	__aligned_u64	epoch;
	__aligned_u64	seq;
	__u8		type;
	__u8		pad[7];
};

/* Control message type of struct dtls_record, level SOL_DTLS. */
#define DTLS_RECORD_TYPE	1

/**
 * struct dtls_flight - the last flight of a handshake, to be repeated on request
 * @size:    sizeof(struct dtls_flight)
 * @count:   number of records that follow; 0 forgets the flight
 * @seq:     next unused sequence number of epoch 0
 *
 * Followed by @count records, each a struct dtls_flight_record and its @len
 * bytes, without padding between them. When an authenticated Finished of the
 * peer arrives again, the peer has not seen this flight (RFC 6347 4.2.4): the
 * kernel then sends it once more, epoch 0 in the clear under @seq and up, the
 * epoch of DTLS_TX sealed under the next sequence number.
 */
struct dtls_flight {
	__u32		size;
	__u32		count;
	__aligned_u64	seq;
};

/**
 * struct dtls_flight_record - one record of the last flight
 * @epoch: 0, or the epoch that DTLS_TX was installed with
 * @type:  content type
 * @pad:   0
 * @len:   bytes of plaintext that follow, up to DTLS_PLAINTEXT_MAX
 */
struct dtls_flight_record {
	__u16		epoch;
	__u8		type;
	__u8		pad;
	__u32		len;
};

/*
 * Events. DTLS_EVENTS asks for them by mask; each comes on the socket's error
 * queue (recvmsg with MSG_ERRQUEUE, after EPOLLERR) as a struct
 * sock_extended_err with
 *   ee_origin  SO_EE_ORIGIN_DTLS
 *   ee_type    one DTLS_EVENT_* bit
 *   ee_code    ALERT: the alert's description (RFC 5246 7.2); otherwise 0
 *   ee_info    epoch
 *   ee_data    LIMIT: 0 for writing, 1 for reading; otherwise 0
 *   ee_errno   LIMIT: EKEYEXPIRED, RENEGOTIATE: EPROTO, ALERT: ENOMSG,
 *              FLIGHT: EALREADY
 */
#define SO_EE_ORIGIN_DTLS	0x44

#define DTLS_EVENT_LIMIT	0x01	/* a key nears its usage limit */
#define DTLS_EVENT_RENEGOTIATE	0x02	/* peer asked to renegotiate: refused */
#define DTLS_EVENT_ALERT	0x04	/* an alert arrived that closed nothing */
#define DTLS_EVENT_FLIGHT	0x08	/* the last flight was sent again */
#define DTLS_EVENT_ALL		0x0f

#endif /* _UAPI_LINUX_DTLS_H */
