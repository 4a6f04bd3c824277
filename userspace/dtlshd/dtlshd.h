/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of dtlshd, the handshake daemon, share. */
#ifndef DTLSHD_H
#define DTLSHD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "kdtls.h"

/* log.c: levels are those of syslog(3). */
extern int log_level;

void say(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* config.c */
struct credential {
	struct credential *next;
	char *name;		/* "client", "server", or what programs call it */
	kdtls_config *tls;
	bool x509;		/* peers have certificates to check */
	bool secret;		/* it lets its user be somebody */
	bool anyone;		/* users = * */
	uid_t *users;
	unsigned int num_users;
	char *server_name;	/* client: when the program gives none */
};

struct config {
	unsigned int refs;
	struct credential *credentials;
	unsigned int max, max_per_peer, max_per_user, max_listening;
	int log_level;
};

/* NULL after having said what is wrong. */
struct config *config_load(const char *file);
struct config *config_get(struct config *conf);
void config_put(struct config *conf);
const struct credential *config_find(const struct config *conf,
				     const char *name);
bool config_allows(const struct credential *cred, uid_t uid);

/* What epoll knows begins with one of these. */
struct watched {
	void (*event)(int epfd, void *self, uint32_t events);
};

/* netlink.c: 0 or a negative errno. */
struct nl_sock;

struct request {
	uint64_t id;
	struct nl_sock *nl;	/* by which it was taken, and is answered */
	int fd;
	uint32_t role;
	uint32_t timeout;	/* ms */
	uid_t uid;
	char server_name[256];
	char credential[64];
};

int netlink_open(void);
void netlink_drain(void);
int netlink_accept(struct request *req);
int netlink_done(const struct request *req, int status, kdtls_session *s);
void netlink_close(struct request *req);

/* Of sockets that listen. */
struct datagram {
	struct datagram *next;
	struct sockaddr_storage peer, local;
	socklen_t peer_len, local_len;	/* local_len 0: not known */
	size_t len;
	unsigned char data[];
};

struct inbox {
	struct datagram *first, **last;
	size_t bytes;
	unsigned int lost;
};

int netlink_listen(struct request *req);
void netlink_refuse(const struct request *req, int status);
int netlink_reopen(const struct request *req, struct inbox *in);
int netlink_peer(const struct request *req, uint64_t peer, kdtls_session *s);
int netlink_return(const struct request *req, const struct sockaddr *peer,
		   socklen_t peer_len, const void *buf, size_t len);

/* job.c */
extern unsigned int num_jobs;

void job_new(int epfd, struct config *conf, const struct request *req);
/* Those whose time has come; returns ms until the next one's, or -1. */
int job_run_due(int epfd);
/* An address as text. */
int peer_name(const struct sockaddr *sa, socklen_t len, char *host,
	      size_t host_len, char *port, size_t port_len);

/* listen.c */
extern unsigned int num_sessions;	/* handshakes on sockets that listen */

void listener_new(int epfd, struct config *conf, const struct request *req);
void listener_reload(int epfd, struct config *conf);
int listener_run_due(int epfd);

#endif /* DTLSHD_H */
