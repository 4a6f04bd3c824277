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

#include <linux/socket.h>
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
#define DTLS_KEY_UPDATE		12	/* set, get: int, see below */
#define DTLS_PADDING		13	/* set, get: int, bytes */
#define DTLS_NEW_CID		14	/* set: struct dtls_new_cid; get: int */
#define DTLS_REQUEST_CID	15	/* set, get: int, how many */
#define DTLS_NEXT_CID		16	/* set: int, 1; get: int, how many */
#define DTLS_PEER_ADD		20	/* set: struct dtls_peer_info, and keys */
#define DTLS_PEER_DEL		21	/* set: struct dtls_peer_info */
#define DTLS_PEER_INFO		22	/* get: struct dtls_peer_info */
#define DTLS_PEER_OPTION	23	/* set, get: struct dtls_peer_option, value */
#define DTLS_RECVPEER		24	/* set, get: int, 0 or 1 */
#define DTLS_MOVE		25	/* set, get: int, DTLS_MOVE_* */
#define DTLS_PEER_MOVE		26	/* set: struct dtls_peer_info */
#define DTLS_PASSTHROUGH	27	/* set, get: int, mask of DTLS_PASS_* */
#define DTLS_PEER_MAX		28	/* set, get: int, peers; 0: any number */
#define DTLS_PEER_IDLE		29	/* set, get: int, seconds; 0: no limit */
#define DTLS_HANDSHAKE		30	/* set: struct dtls_handshake */
#define DTLS_PEER_IDENTITY	31	/* get: struct dtls_identity, and text */
#define DTLS_PEER_PEELOFF	32	/* get: struct dtls_peer_peeloff */

/* Protocol versions, as on the wire. */
#define DTLS_1_2_VERSION	0xfefd
#define DTLS_1_3_VERSION	0xfefc

/* Sizes, in bytes unless said otherwise. */
#define DTLS_KEY_MAX		32	/* AES-256, ChaCha20 */
#define DTLS_IV_MAX		12	/* RFC 5116 nonce; 1.2 GCM and CCM: 4, the salt */
#define DTLS_SECRET_MAX		48	/* traffic secret of 1.3 with SHA-384 */
#define DTLS_CID_MAX		32
#define DTLS_NEW_CID_MAX	8	/* connection IDs in a struct dtls_new_cid */
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
#define DTLS_TYPE_ACK		26	/* RFC 9147 7, DTLS 1.3 */

/*
 * DTLS_KEY_UPDATE, DTLS 1.3 only: set 0 to renew the sending keys (RFC 9147
 * 5.11.2, update_not_requested), 1 to ask the peer to renew its own as well. The
 * new keys are used once the peer has acknowledged; EALREADY until then. get: 1
 * while the ACK has not come, else 0. The kernel does this by itself
 * before a key reaches its limit.
 *
 * DTLS_PADDING: records of DTLS 1.3, or with a connection ID, are padded with
 * zeroes inside of the encryption so that content, type and padding have a
 * multiple of so many bytes; 0 and 1: none. Up to DTLS_PLAINTEXT_MAX.
 */

/**
 * struct dtls_keys - one direction of an association: keys in, state out
 * @size:         sizeof(struct dtls_keys) as the program knows it. A larger
 *                struct than the kernel's is accepted if the unknown tail is
 *                zero (E2BIG otherwise), a smaller one reads as zero-extended.
 *                Must be equal to the length given to setsockopt.
 * @version:      DTLS_1_2_VERSION or DTLS_1_3_VERSION, the same for all keys of
 *                an association
 * @cipher_suite: IANA number of the suite, e.g. 0xc02b or 0x1301; the kernel
 *                takes AEAD and hash from it
 * @epoch:        epoch of the keys, 1 to 65535; DTLS 1.3: 2 (handshake) and up,
 *                application data has 3 and up. Installing a direction again
 *                wants a higher epoch than every one before.
 * @seq:          set: sequence number of the next record, below 2^48. For RX,
 *                every record below it counts as already received.
 *                get: TX the next to send, RX the highest received plus one
 * @key_len:      16 or 32, as the suite says; DTLS 1.3: 0
 * @iv_len:       set: 4 for AES-GCM and AES-CCM (the salt of RFC 5288, 6655),
 *                12 for ChaCha20-Poly1305 (RFC 7905); DTLS 1.3: 0
 * @cid_len:      bytes of @cid, 0 for none
 * @pad:          0
 * @pad2:         0
 * @window:       get, RX: replay window, in records; set: 0
 * @key:          AEAD key; zero on get, filled by the EXPORT options; DTLS 1.3:
 *                zero
 * @iv:           implicit part of the nonce; likewise
 * @cid:          connection ID, @cid_len bytes: TX, what the peer wants to see in
 *                our records; RX, what we want to see in the peer's. The same
 *                for all keys of a direction, but for what has changed since by
 *                DTLS_NEW_CID and its like. get: TX, that of records to come; RX,
 *                the one that the peer has used last
 * @records:      get: records sealed or opened under this epoch; set: 0
 * @bytes:        get: bytes of payload in them; set: 0
 * @drop_replay:  get, RX: records dropped as replayed or too old; set: 0
 * @drop_auth:    get, RX: records that failed authentication; set: 0
 * @secret:       DTLS 1.3: traffic secret of the epoch (RFC 8446 7.2), from which
 *                the kernel derives keys, and those of later epochs; zero on
 *                get, filled by the EXPORT options
 * @secret_len:   DTLS 1.3: 32, or 48 with a suite of SHA-384; else 0
 * @pad3:         0
 * @message_seq:  DTLS 1.3: message_seq (RFC 9147 5.2) of the next handshake message in
 *                this direction
 * @pad4:         0
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
	__u8		secret[DTLS_SECRET_MAX];
	__u8		secret_len;
	__u8		pad3;
	__u16		message_seq;
	__u32		pad4;
};

/* Sizes of struct dtls_keys as published; the first is the smallest allowed. */
#define DTLS_KEYS_SIZE_VER0	144
#define DTLS_KEYS_SIZE_VER1	200	/* DTLS 1.3 */

/**
 * struct dtls_peer_info - a peer of an unconnected socket
 * @size:  sizeof(struct dtls_peer_info) as the program knows it; see struct
 *         dtls_keys
 * @flags: DTLS_PEER_* below; 0 when it comes back
 * @id:    identifier: DTLS_PEER_ADD: 0, the kernel gives one, never twice on a
 *         socket; DTLS_PEER_DEL, DTLS_PEER_INFO: the peer with it, or 0 for the
 *         one with @addr
 * @state: DTLS_PEER_INFO: comes back with DTLS_PEER_CLOSED and so on; else 0
 * @pad:   0
 * @addr:  address and port: of the socket's family, or of AF_INET on one of
 *         AF_INET6
 *
 * DTLS_PEER_ADD: followed by one or two struct dtls_keys, as the flags say.
 */
struct dtls_peer_info {
	__u32		size;
	__u32		flags;
	__aligned_u64	id;
	__u32		state;
	__u32		pad;
	struct __kernel_sockaddr_storage addr;
};

/* Size of struct dtls_peer_info as published: the smallest allowed. */
#define DTLS_PEER_INFO_SIZE_VER0	152

/* Flags of struct dtls_peer_info. */
#define DTLS_PEER_TX		1	/* add: keys that send follow */
#define DTLS_PEER_RX		2	/* add: keys that receive, behind these */
#define DTLS_PEER_REPLACE	4	/* add: in the place of who has the address */
#define DTLS_PEER_NOTIFY	8	/* del: send a close_notify first */
#define DTLS_PEER_NEXT		16	/* info: of the first peer above @id */

/*
 * DTLS_MOVE: what becomes of a peer with a connection ID, from whom a record has come
 * that is authentic and newer than all before, from another address.
 */
#define DTLS_MOVE_OFF		0	/* dropped, as what strangers send */
#define DTLS_MOVE_CONFIRM	1	/* an event; the program says DTLS_PEER_MOVE */
#define DTLS_MOVE_AUTO		2	/* followed, and an event */

/* States of a peer. */
#define DTLS_PEER_CLOSED	1	/* closed by the peer, or after a fatal alert */
#define DTLS_PEER_RX_CLOSED	2	/* DTLS 1.3: the peer sends no more */

/**
 * struct dtls_peer_option - an option of one peer
 * @size:    sizeof(struct dtls_peer_option) as the program knows it
 * @optname: set: DTLS_TX, DTLS_RX, DTLS_TXRX, DTLS_LAST_FLIGHT, DTLS_KEY_UPDATE,
 *           DTLS_NEW_CID, DTLS_REQUEST_CID, DTLS_NEXT_CID; get: DTLS_TX, DTLS_RX,
 *           DTLS_TX_EXPORT, DTLS_RX_EXPORT, DTLS_KEY_UPDATE, DTLS_MAX_PAYLOAD, and
 *           these last three
 * @id:      identifier of the peer
 *
 * Followed by the value of the option, as for a connected socket; get: that
 * appears there, and the length is that of both.
 */
struct dtls_peer_option {
	__u32		size;
	__u32		optname;
	__aligned_u64	id;
};

/* Likewise of struct dtls_peer_option. */
#define DTLS_PEER_OPTION_SIZE_VER0	16

/**
 * struct dtls_peer_peeloff - move a peer to a connected socket of its own
 * @size:  sizeof(struct dtls_peer_peeloff) as the program knows it; see struct
 *         dtls_keys
 * @flags: DTLS_PEELOFF_* below
 * @id:    identifier of the peer
 * @fd:    0; comes back as the new socket, good only if the call succeeds
 * @pad:   0
 */
struct dtls_peer_peeloff {
	__u32		size;
	__u32		flags;
	__aligned_u64	id;
	__s32		fd;
	__u32		pad;
};

/* Likewise of struct dtls_peer_peeloff. */
#define DTLS_PEER_PEELOFF_SIZE_VER0	24

/* Flags of struct dtls_peer_peeloff. */
#define DTLS_PEELOFF_CLOEXEC	1	/* as SOCK_CLOEXEC */
#define DTLS_PEELOFF_NONBLOCK	2	/* as SOCK_NONBLOCK */

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

/*
 * Control message SOL_DTLS/DTLS_PEER_ID, a __u64, on a socket with peers: the
 * identifier of the peer. recvmsg: once DTLS_RECVPEER is on. sendmsg: to whom, with
 * or instead of an address.
 */
#define DTLS_PEER_ID		2

/*
 * Control message SOL_DTLS/DTLS_RAW, an int, 1: a datagram as it is on the wire, once
 * DTLS_PASSTHROUGH asks for such. recvmsg: nobody vouches for it; a call without room
 * for the mark does not get it: it is dropped. sendmsg: the bytes are sent as they are.
 */
#define DTLS_RAW		3

/* DTLS_PASSTHROUGH: datagrams to be given out as they are. */
#define DTLS_PASS_OTHERS	1	/* first byte none of 20 to 63 (RFC 7983, RFC 9443) */
#define DTLS_PASS_STRANGERS	2	/* DTLS of who is no peer, on a socket with peers */

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
 *
 * DTLS 1.3: the flight that a client has sent under epoch 2, which the server
 * has not acknowledged yet (RFC 9147 5.8.1). What of it is not acknowledged is
 * sent again, under the keys of epoch 2 that DTLS_TX got before those of epoch 3,
 * by a timer (1 s, doubled up to 60 s, eight times) and when the server repeats
 * its own; once all of it is acknowledged the kernel forgets it.
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
 * @seq:   DTLS 1.3: sequence number under which the record has been sent, since
 *         an ACK of the server may name it; else 0
 */
struct dtls_flight_record {
	__u16		epoch;
	__u8		type;
	__u8		pad;
	__u32		len;
	__aligned_u64	seq;
};

/**
 * struct dtls_new_cid - connection IDs that the peer may use, DTLS 1.3
 * @size:    sizeof(struct dtls_new_cid)
 * @usage:   DTLS_CID_IMMEDIATE: the peer has to use one of these from now on;
 *           DTLS_CID_SPARE: it may
 * @count:   how many, up to DTLS_NEW_CID_MAX; 0, with DTLS_CID_SPARE, answers a
 *           request with none
 * @cid_len: bytes of each: as many as in the connection ID that DTLS_RX came with
 * @pad:     0
 * @cid:     the connection IDs, with zeros behind them
 *
 * They are good at once, besides those from before, and the peer is told by a
 * NewConnectionId (RFC 9147 9), which is repeated until there is an ACK. Reading
 * DTLS_NEW_CID says 1 until then, and 0 afterwards. No two peers of a socket have the
 * same.
 */
struct dtls_new_cid {
	__u32	size;
	__u8	usage;
	__u8	count;
	__u8	cid_len;
	__u8	pad;
	__u8	cid[DTLS_NEW_CID_MAX][DTLS_CID_MAX];
};

/* Size of struct dtls_new_cid as published: the smallest allowed. */
#define DTLS_NEW_CID_SIZE_VER0	264

/* ConnectionIdUsage of RFC 9147 9. */
#define DTLS_CID_IMMEDIATE	0
#define DTLS_CID_SPARE		1
/* Not one of these: ee_code of DTLS_EVENT_CID. */
#define DTLS_CID_REQUEST	2

/**
 * struct dtls_handshake - ask the daemon (dtlshd) to shake hands
 * @size:        sizeof(struct dtls_handshake) as the program knows it; see struct
 *               dtls_keys
 * @role:        DTLS_HANDSHAKE_CLIENT, _SERVER or _LISTEN
 * @flags:       DTLS_HANDSHAKE_NOWAIT, or 0
 * @timeout:     ms for all of it, up to DTLS_HANDSHAKE_TIMEOUT_MAX; 0:
 *               DTLS_HANDSHAKE_TIMEOUT. To listen: until a daemon is there
 * @server_name: client: name that the server has to prove, and is sent to it;
 *               ends with a 0; "": the daemon's configuration decides
 * @credential:  which of the daemon's credentials to use; ends with a 0; "": its
 *               default ones for the role
 */
struct dtls_handshake {
	__u32	size;
	__u32	role;
	__u32	flags;
	__u32	timeout;
	char	server_name[256];
	char	credential[64];
};

/* Size of struct dtls_handshake as published: the smallest allowed. */
#define DTLS_HANDSHAKE_SIZE_VER0	336

/* Roles in a handshake. */
#define DTLS_HANDSHAKE_CLIENT	1
#define DTLS_HANDSHAKE_SERVER	2
#define DTLS_HANDSHAKE_LISTEN	3	/* server for all who come, on an unconnected socket */

/* Flags of struct dtls_handshake. */
#define DTLS_HANDSHAKE_NOWAIT	1	/* as if the socket had O_NONBLOCK */

/* Milliseconds that a handshake may take. */
#define DTLS_HANDSHAKE_TIMEOUT		60000
#define DTLS_HANDSHAKE_TIMEOUT_MAX	600000

/**
 * struct dtls_identity - who the peer is, as the handshake of the daemon has verified
 * @size:         sizeof(struct dtls_identity)
 * @version:      DTLS_1_2_VERSION or DTLS_1_3_VERSION
 * @cipher_suite: IANA number of the suite
 * @kind:         DTLS_IDENTITY_*
 * @flags:        DTLS_IDENTITY_RESUMED, or 0
 * @len:          bytes of text that there are: more than follow if the program had no
 *                room for all
 * @pad:          0
 *
 * Followed by strings that each end with a 0: the protocol agreed upon by ALPN, ""
 * if none; the identity: the subject of the certificate, the PSK identity, or the
 * SHA-256 of the raw public key in hexadecimal, "" if there is none; and the names
 * of the certificate (subjectAltName), any number, as "DNS:a.example",
 * "IP:192.0.2.1", "URI:...", "EMAIL:...".
 */
struct dtls_identity {
	__u32	size;
	__u16	version;
	__u16	cipher_suite;
	__u32	kind;
	__u32	flags;
	__u32	len;
	__u32	pad;
};

/* Most bytes of a struct dtls_identity and its text. */
#define DTLS_IDENTITY_MAX	4096

/* Kinds of struct dtls_identity. */
#define DTLS_IDENTITY_NONE	0	/* nobody knows: a client without certificate */
#define DTLS_IDENTITY_X509	1
#define DTLS_IDENTITY_RAWPK	2
#define DTLS_IDENTITY_PSK	3

/* Flags of struct dtls_identity. */
#define DTLS_IDENTITY_RESUMED	1	/* the session is a resumed one */

/*
 * Events. DTLS_EVENTS asks for them by mask; each comes on the socket's error
 * queue (recvmsg with MSG_ERRQUEUE, after EPOLLERR) as a struct
 * sock_extended_err with
 *   ee_origin  SO_EE_ORIGIN_DTLS
 *   ee_type    one DTLS_EVENT_* bit
 *   ee_code    ALERT, CLOSED: the alert's description (RFC 5246 7.2); CID:
 *              DTLS_CID_IMMEDIATE, DTLS_CID_SPARE: the peer has given some;
 *              DTLS_CID_REQUEST: it wants some; otherwise 0
 *   ee_info    epoch
 *   ee_data    LIMIT, REKEY: 0 for writing, 1 for reading; CID: how many
 *              there are for DTLS_NEXT_CID, or how many the peer wants, to be
 *              given with DTLS_NEW_CID; CLOSED: 1 because of DTLS_PEER_IDLE;
 *              otherwise 0
 *   ee_errno   LIMIT: EKEYEXPIRED, RENEGOTIATE: EPROTO, FLIGHT: EALREADY,
 *              CLOSED: ECONNRESET after a fatal alert, ESHUTDOWN after
 *              close_notify, ETIMEDOUT because of DTLS_PEER_IDLE; otherwise
 *              ENOMSG
 */
#define SO_EE_ORIGIN_DTLS	0x44

#define DTLS_EVENT_LIMIT	0x01	/* a key nears its usage limit */
#define DTLS_EVENT_RENEGOTIATE	0x02	/* peer asked to renegotiate: refused */
#define DTLS_EVENT_ALERT	0x04	/* an alert arrived that closed nothing */
#define DTLS_EVENT_FLIGHT	0x08	/* the last flight was sent again */
#define DTLS_EVENT_REKEY	0x10	/* new keys are in use, epoch in ee_info */
#define DTLS_EVENT_CLOSED	0x20	/* a peer has closed, see struct dtls_event */
#define DTLS_EVENT_MOVED	0x40	/* a peer has another address: the message's */
#define DTLS_EVENT_CID		0x80	/* of connection IDs: given, or wanted */
#define DTLS_EVENT_ALL		0xff
/* By netlink only (linux/dtls_netlink.h). */
#define DTLS_EVENT_ADDED	0x100	/* a peer, or the first keys of a socket */
#define DTLS_EVENT_REMOVED	0x200	/* a peer; without one: a socket with all it has */

/**
 * struct dtls_event - what recvmsg with MSG_ERRQUEUE returns as data
 * @peer: identifier of the peer that the event is about
 *
 * On sockets with peers; otherwise there are no data. The address of the peer comes
 * as that of the message.
 */
struct dtls_event {
	__aligned_u64	peer;
};

#endif /* _UAPI_LINUX_DTLS_H */
