// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Handshakes under way, any number of them in one thread: each goes on when its socket
 * has something, or its time has come, and none is waited for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "dtlshd.h"

struct job {
	struct watched watched;
	struct job *next, **prev;
	struct config *conf;
	struct request req;
	kdtls_session *s;
	uint64_t due, deadline;		/* ms */
	char peer[INET6_ADDRSTRLEN + 24];
	char port[8];
	bool in_epoll;
};

unsigned int num_jobs;
static struct job *jobs;

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/* Answers the kernel, and forgets the job. @status: 0 or a positive errno. */
static void job_end(int epfd, struct job *job, int status, const char *why)
{
	struct kdtls_info info;
	int ret;

	ret = netlink_done(&job->req, status, job->s);
	if (!status && ret)
		why = strerror(-ret);
	/* It must hear something, and what we said was too much, or too late. */
	if (!status && ret && ret != -ENOENT)
		netlink_done(&job->req, EPROTO, NULL);
	if (ret || status)
		say(LOG_NOTICE, "%s port %s, user %u: %s", job->peer, job->port,
		    job->req.uid, why && *why ? why : strerror(status));
	else if (!kdtls_get_info(job->s, &info))
		say(LOG_INFO, "%s port %s, user %u: DTLS 1.%c, %s", job->peer,
		    job->port, job->req.uid,
		    info.version == DTLS_1_3_VERSION ? '3' : '2',
		    info.suite_name);
	/* The socket lives on, so it does not leave the epoll by being closed. */
	if (job->in_epoll)
		epoll_ctl(epfd, EPOLL_CTL_DEL, job->req.fd, NULL);
	kdtls_free(job->s);
	close(job->req.fd);
	netlink_close(&job->req);
	config_put(job->conf);
	*job->prev = job->next;
	if (job->next)
		job->next->prev = job->prev;
	num_jobs--;
	free(job);
}

static void job_step(int epfd, struct job *job)
{
	uint64_t now;
	int ret, ms;

	ret = kdtls_handshake(job->s);
	if (!ret)
		ret = kdtls_install(job->s);
	now = now_ms();
	if (ret != -EAGAIN) {
		job_end(epfd, job, -ret, kdtls_error(job->s));
	} else if (now >= job->deadline) {
		job_end(epfd, job, ETIMEDOUT, "its time is up");
	} else {
		ms = kdtls_timeout(job->s);
		/* A flight that is due costs a call, no more of them. */
		job->due = now + (ms < 0 ? 1000 : ms < 5 ? 5 : ms);
		if (job->due > job->deadline)
			job->due = job->deadline;
	}
}

/* 0 or a positive errno. */
int peer_name(const struct sockaddr *sa, socklen_t len, char *host,
	      size_t host_len, char *port, size_t port_len)
{
	if (getnameinfo(sa, len, host, host_len, port, port_len,
			NI_NUMERICHOST | NI_NUMERICSERV | NI_DGRAM))
		return EAFNOSUPPORT;
	/* IPv4 on a socket of IPv6 is the same peer. */
	if (!strncmp(host, "::ffff:", 7) && strchr(host, '.'))
		memmove(host, host + 7, strlen(host) - 6);
	return 0;
}

/* Who is at the other end. */
static int job_peer(struct job *job)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	if (getpeername(job->req.fd, (struct sockaddr *)&peer, &len))
		return errno;
	return peer_name((struct sockaddr *)&peer, len, job->peer,
			 sizeof(job->peer), job->port, sizeof(job->port));
}

/* Does somebody have more than a share of what we can do? */
static bool job_too_many(const struct job *job)
{
	unsigned int by_peer = 0, by_user = 0;
	const struct job *other;

	for (other = jobs; other; other = other->next) {
		by_peer += !strcmp(other->peer, job->peer);
		by_user += other->req.uid == job->req.uid;
	}
	return by_peer > job->conf->max_per_peer ||
	       by_user > job->conf->max_per_user;
}

/* The name that a server has to prove: NULL if it has none to prove. */
static const char *job_server(const struct job *job,
			      const struct credential *cred)
{
	if (*job->req.server_name)
		return job->req.server_name;
	if (cred->server_name)
		return cred->server_name;
	/* Anyone with a certificate would do: that is not what anybody wants. */
	return cred->x509 ? job->peer : NULL;
}

static int job_begin(struct job *job, const char **why)
{
	bool server = job->req.role == DTLS_HANDSHAKE_SERVER;
	const struct credential *cred;
	const char *name = job->req.credential;
	int err;

	err = job_peer(job);
	if (err)
		return err;
	*why = "too many handshakes with this peer, or of this user";
	if (job_too_many(job))
		return EUSERS;
	*why = "no such credential";
	if (!*name)
		name = server ? "server" : "client";
	cred = config_find(job->conf, name);
	if (!cred)
		return ENOENT;
	*why = "this user may not use that credential";
	if (!config_allows(cred, job->req.uid))
		return EACCES;
	*why = NULL;
	job->s = server ? kdtls_server_new(cred->tls, job->req.fd) :
			  kdtls_client_new(cred->tls, job->req.fd,
					   job_server(job, cred));
	if (!job->s)
		return ENOMEM;
	kdtls_set_nonblocking(job->s, 1);
	return 0;
}

static void job_event(int epfd, void *arg, uint32_t events)
{
	struct job *job = arg;

	/* The program has shut the socket down: nothing comes any more. */
	if (events & (EPOLLRDHUP | EPOLLHUP))
		job_end(epfd, job, ECONNABORTED, "given up");
	else
		job_step(epfd, job);
}

/* Takes over the descriptors of @req. */
void job_new(int epfd, struct config *conf, const struct request *req)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP };
	struct job *job = calloc(1, sizeof(*job));
	const char *why = NULL;
	int err;

	if (!job) {
		struct request gone = *req;

		netlink_done(&gone, ENOMEM, NULL);
		close(gone.fd);
		netlink_close(&gone);
		return;
	}
	job->watched.event = job_event;
	job->conf = config_get(conf);
	job->req = *req;
	/* Before the kernel's time is up, which would not say why. */
	job->deadline = now_ms() + req->timeout - req->timeout / 16;
	job->peer[0] = '?';
	job->port[0] = '?';
	job->next = jobs;
	job->prev = &jobs;
	if (jobs)
		jobs->prev = &job->next;
	jobs = job;
	num_jobs++;
	err = job_begin(job, &why);
	ev.data.ptr = job;
	if (!err && epoll_ctl(epfd, EPOLL_CTL_ADD, req->fd, &ev))
		err = errno;
	if (err) {
		job_end(epfd, job, err, why);
		return;
	}
	job->in_epoll = true;
	job_step(epfd, job);
}

int job_run_due(int epfd)
{
	uint64_t now = now_ms(), first = UINT64_MAX;
	struct job *job, *next;

	for (job = jobs; job; job = next) {
		next = job->next;
		if (job->due <= now)
			job_step(epfd, job);
	}
	for (job = jobs; job; job = job->next)
		if (job->due < first)
			first = job->due;
	if (first == UINT64_MAX)
		return -1;
	return first > now ? first - now : 0;
}
