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
	unsigned int max, max_per_peer, max_per_user;
	int log_level;
};

/* NULL after having said what is wrong. */
struct config *config_load(const char *file);
struct config *config_get(struct config *conf);
void config_put(struct config *conf);
const struct credential *config_find(const struct config *conf,
				     const char *name);
bool config_allows(const struct credential *cred, uid_t uid);

/* netlink.c: 0 or a negative errno. */
struct request {
	uint64_t id;
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
int netlink_done(uint64_t id, int status, kdtls_session *s);

/* job.c */
extern unsigned int num_jobs;

void job_new(int epfd, struct config *conf, const struct request *req);
void job_event(int epfd, void *job, uint32_t events);
/* Those whose time has come; returns ms until the next one's, or -1. */
int job_run_due(int epfd);

#endif /* DTLSHD_H */
