/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * webrtc-echo: a WebRTC peer for browsers, all of them on one UDP socket, whose
 * records the kernel seals and opens.
 */
#ifndef WEBRTC_RTC_H
#define WEBRTC_RTC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <netinet/in.h>

#include "kdtls.h"

#define UFRAG_LEN	8
#define PWD_LEN		24	/* RFC 8839 5.4: 22 at least */
#define MESSAGE_MAX	262144	/* what browsers send at most */
#define SCTP_MTU	1191	/* with the record and UDP: below 1280 */
#define SECTIONS_MAX	8
#define SDP_MAX		65536

struct channel;
struct socket;
struct media;
struct seal;

/* One m= section of the offer. */
struct section {
	char kind[16];			/* "application", "audio", ... */
	char mid[32];
	char proto[64];
	unsigned int payload;		/* audio: that of opus */
	bool taken;
};

/* What an offer says (RFC 8866, 8839, 8842, 8841). */
struct offer {
	char ufrag[257], pwd[257];
	char hash[16];			/* of the fingerprint: "sha-256" */
	uint8_t print[64];
	size_t print_len;
	bool passive;			/* the browser insists on being a server */
	unsigned int sctp_port;
	struct section sections[SECTIONS_MAX];
	unsigned int num_sections;
};

/* Counts of one direction. */
struct traffic {
	uint64_t records, bytes;
};

struct peer {
	struct peer *next;
	struct peer *same_port, *same_id;	/* in a bucket of peer.c */
	char name[64];			/* of its offer */
	char ufrag[UFRAG_LEN + 1], pwd[PWD_LEN + 1];
	struct offer offer;
	bool active;			/* we are the client of the handshake */
	struct sockaddr_in addr;	/* port 0: not heard of yet */
	uint64_t heard;			/* ms; last STUN request */
	kdtls_session *session;		/* until it is in the kernel, and for exports */
	bool failed, established, closed;
	uint64_t id;			/* of the kernel */
	struct seal *seal;		/* with --seal user */
	struct kdtls_info info;
	/* sctp.c */
	struct socket *sock;
	struct channel *channels;
	unsigned int num_channels;
	uint8_t *message;		/* the pieces of one, so far */
	size_t message_len;
	struct held *held;		/* messages for which SCTP has no room */
	bool touched;
	struct media *media;
};

struct options {
	const char *dir;		/* of offers and answers */
	const char *candidate;		/* address and port to be told to browsers */
	unsigned int candidate_port;
	unsigned int port;
	const char *certs;		/* folder of key and certificate */
	unsigned int streams;		/* of SCTP, each way */
	bool active;
	bool user;			/* records are ours, not the kernel's */
};

extern struct options opts;
extern kdtls_config *config[2];		/* passive, active */
extern bool verbose;

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
uint64_t now_ms(void);

/* Makes a peer of an offer; bytes of the answer in @buf, -EINVAL or -ENOMEM. */
ssize_t answer_offer(const char *name, char *offer, char *buf, size_t len);

/* net.c */
int net_open(unsigned int port);
int net_fd(void);
void net_receive(void);
void net_events(void);
void net_raw(const struct sockaddr_in *to, const void *buf, size_t len);
void net_seal(struct peer *p, const void *buf, size_t len);
void net_flush(void);
void net_sealed(struct peer *p, uint8_t *buf, size_t len);
int net_count(const struct peer *p, struct traffic *tx, struct traffic *rx);
void net_forget(const struct peer *p);

/* stun.c */
bool stun_is(const uint8_t *buf, size_t len);
void stun_input(const struct sockaddr_in *from, const uint8_t *buf, size_t len);

/* cert.c */
int cert_make(const char *cert_file, const char *key_file);
extern char cert_print[3 * 32];		/* "AB:CD:...", SHA-256 */

/* sdp.c */
int sdp_offer(char *text, struct offer *o);
size_t sdp_answer(const struct peer *p, char *buf, size_t len);

/* peer.c */
extern struct peer *peers;
struct peer *peer_new(const char *name, const struct offer *o);
struct peer *peer_by_ufrag(const char *ufrag, size_t len);
struct peer *peer_by_addr(const struct sockaddr_in *addr);
struct peer *peer_by_id(uint64_t id);
void peer_checked(struct peer *p, const struct sockaddr_in *from);
void peer_handshake(struct peer *p, const void *dgram, size_t len);
int peer_timeout(void);
void peer_work(void);

/* sctp.c */
void chan_init(void);
int chan_open(struct peer *p);
void chan_input(struct peer *p, const void *buf, size_t len);
void chan_work(void);
void chan_timers(unsigned int ms);
void chan_close(struct peer *p);
int chan_dial(struct peer *p, unsigned int stream, const char *label);

/* app.c: what becomes of messages */
struct channel {
	char label[32];
	bool open, unordered;
	uint16_t prtype;
	uint32_t prvalue;
	uint64_t bytes, bad;		/* sink */
	uint64_t sent, total;		/* source */
};

void app_message(struct peer *p, unsigned int stream, uint32_t ppid,
		 const void *buf, size_t len);
/* Is there something to send, and has SCTP taken it? */
bool app_source(struct peer *p, unsigned int stream);
/* 0: taken; 1: held back */
int chan_send(struct peer *p, unsigned int stream, uint32_t ppid,
	      const void *buf, size_t len);
bool chan_has_held(const struct peer *p);

#endif /* WEBRTC_RTC_H */
