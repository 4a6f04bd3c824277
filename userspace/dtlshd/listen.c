// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sockets that listen (DTLS_HANDSHAKE_LISTEN): the kernel hands over the datagrams of
 * strangers, and gets their keys. Of such a socket no descriptor is kept: it shall be
 * gone when the program closes it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "dtlshd.h"

/* Is the socket still there? */
#define LOOK_MS		3000
/* In one turn, so that others have theirs. */
#define BATCH		256

struct listener {
	struct watched watched;
	struct listener *next, **prev;
	struct config *conf;
	struct request req;		/* its descriptor is -1 between turns */
	struct inbox in;
	kdtls_acceptor *acceptor;
	uint64_t look;			/* ms */
	bool in_epoll;
};

unsigned int num_sessions;
static unsigned int num_listeners;
static struct listener *listeners;

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------------
 * What the acceptor calls
 */

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static void *put_control(struct msghdr *msg, int level, int type, size_t len)
{
	struct cmsghdr *c = (void *)((char *)msg->msg_control +
				     msg->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	msg->msg_controllen += CMSG_SPACE(len);
	return CMSG_DATA(c);
}

/* As it is, from the address that was asked. */
static void call_send(void *arg, const struct kdtls_path *path, const void *buf,
		      size_t len)
{
	struct listener *l = arg;
	union control control = {};
	struct iovec iov = { (void *)buf, len };
	struct msghdr msg = {
		.msg_name = (void *)path->peer,
		.msg_namelen = path->peer_len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
	};
	const struct sockaddr_in6 *v6 = (const void *)path->local;
	const struct sockaddr_in *v4 = (const void *)path->local;

	*(int *)put_control(&msg, SOL_DTLS, DTLS_RAW, sizeof(int)) = 1;
	if (v4 && v4->sin_family == AF_INET) {
		struct in_pktinfo info = { .ipi_spec_dst = v4->sin_addr };

		memcpy(put_control(&msg, SOL_IP, IP_PKTINFO, sizeof(info)),
		       &info, sizeof(info));
	} else if (v6 && v6->sin6_family == AF_INET6) {
		struct in6_pktinfo info = {
			.ipi6_addr = v6->sin6_addr,
			.ipi6_ifindex = v6->sin6_scope_id,
		};

		memcpy(put_control(&msg, SOL_IPV6, IPV6_PKTINFO, sizeof(info)),
		       &info, sizeof(info));
	}
	/* If it cannot be sent it is lost. */
	if (sendmsg(l->req.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		say(LOG_DEBUG, "sending: %s", strerror(errno));
}

static int call_admit(void *arg, const struct kdtls_path *path)
{
	const struct listener *l = arg;

	(void)path;
	return num_jobs + num_sessions < l->conf->max;
}

static void tell(const struct listener *l, int level,
		 const struct kdtls_path *path, const char *what,
		 const char *more)
{
	char host[INET6_ADDRSTRLEN + 24] = "?", port[8] = "?";

	peer_name(path->peer, path->peer_len, host, sizeof(host), port,
		  sizeof(port));
	say(level, "%s port %s, user %u: %s%s", host, port, l->req.uid, what, more);
}

static int call_done(void *arg, const struct kdtls_path *path, kdtls_session *s)
{
	struct listener *l = arg;
	struct dtls_peer_info gone = { .size = sizeof(gone) };
	struct kdtls_info info;
	uint64_t id;
	int ret;

	ret = kdtls_install_peer(s, l->req.fd, path->peer, path->peer_len,
				 &id);
	/* Nobody is better than somebody without a name, or with half of its keys. */
	if (!ret)
		ret = netlink_peer(&l->req, id, s);
	if (ret && id) {
		gone.id = id;
		setsockopt(l->req.fd, SOL_DTLS, DTLS_PEER_DEL, &gone,
			   sizeof(gone));
	}
	if (!ret && !kdtls_get_info(s, &info))
		tell(l, LOG_INFO, path, info.version == DTLS_1_3_VERSION ?
		     "DTLS 1.3, " : "DTLS 1.2, ", info.suite_name);
	return ret;
}

static void call_failed(void *arg, const struct kdtls_path *path,
			kdtls_session *s, int err)
{
	const char *why = kdtls_error(s);

	if (err == -ECANCELED)
		tell(arg, LOG_DEBUG, path, "begins anew", "");
	else
		tell(arg, LOG_NOTICE, path, *why ? why : strerror(-err), "");
}

static void call_early(void *arg, const struct kdtls_path *path, const void *buf,
		       size_t len)
{
	struct listener *l = arg;

	netlink_return(&l->req, path->peer, path->peer_len, buf, len);
}

static const struct kdtls_acceptor_calls calls = {
	.send = call_send,
	.admit = call_admit,
	.done = call_done,
	.failed = call_failed,
	.early = call_early,
};

/* ------------------------------------------------------------------------
 * Life of a listener
 */

/* @status: 0 if the socket is gone, or a positive errno that its program gets. */
static void listener_end(int epfd, struct listener *l, int status,
			 const char *why)
{
	struct datagram *d;

	if (status)
		netlink_refuse(&l->req, status);
	say(status ? LOG_NOTICE : LOG_INFO, "user %u: listens no more: %s",
	    l->req.uid, why && *why ? why : strerror(status));
	if (l->in_epoll)
		epoll_ctl(epfd, EPOLL_CTL_DEL, netlink_listen(&l->req), NULL);
	if (l->acceptor)
		num_sessions -= kdtls_acceptor_count(l->acceptor);
	kdtls_acceptor_free(l->acceptor);
	while ((d = l->in.first)) {
		l->in.first = d->next;
		free(d);
	}
	if (l->req.fd >= 0)
		close(l->req.fd);
	netlink_close(&l->req);
	config_put(l->conf);
	*l->prev = l->next;
	if (l->next)
		l->next->prev = l->prev;
	num_listeners--;
	free(l);
}

static void take_in(struct listener *l)
{
	struct datagram *d = l->in.first;
	struct kdtls_path path = {
		.peer = (struct sockaddr *)&d->peer,
		.peer_len = d->peer_len,
		.local = d->local_len ? (struct sockaddr *)&d->local : NULL,
		.local_len = d->local_len,
	};

	kdtls_acceptor_input(l->acceptor, &path, d->data, d->len);
	l->in.bytes -= sizeof(*d) + d->len;
	l->in.first = d->next;
	if (!d->next)
		l->in.last = &l->in.first;
	free(d);
}

/* What has come, and what is due. The listener may be gone afterwards. */
static void listener_turn(int epfd, struct listener *l)
{
	unsigned int before = kdtls_acceptor_count(l->acceptor);
	int i, fd;

	l->look = now_ms() + LOOK_MS;
	fd = netlink_reopen(&l->req, &l->in);
	if (fd == -EAGAIN)
		return;
	if (fd < 0) {
		listener_end(epfd, l, 0, fd == -ENOENT ? "closed" :
			     strerror(-fd));
		return;
	}
	l->req.fd = fd;
	for (i = 0; i < BATCH && l->in.first; i++) {
		take_in(l);
		num_sessions += kdtls_acceptor_count(l->acceptor) - before;
		before = kdtls_acceptor_count(l->acceptor);
	}
	kdtls_acceptor_run(l->acceptor);
	num_sessions += kdtls_acceptor_count(l->acceptor) - before;
	if (l->in.lost)
		say(LOG_DEBUG, "user %u: %u datagrams too many", l->req.uid,
		    l->in.lost);
	l->in.lost = 0;
	l->req.fd = -1;
	close(fd);
}

static void listener_event(int epfd, void *arg, uint32_t events)
{
	(void)events;
	listener_turn(epfd, arg);
}

static const struct credential *find(const struct config *conf,
				     const struct request *req, int *err)
{
	const struct credential *cred;

	cred = config_find(conf, *req->credential ? req->credential : "server");
	*err = !cred ? ENOENT : !config_allows(cred, req->uid) ? EACCES : 0;
	return *err ? NULL : cred;
}

static int listener_begin(int epfd, struct listener *l, const char **why)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = l };
	const struct credential *cred;
	unsigned int mine = 0;
	struct listener *other;
	int err;

	for (other = listeners; other; other = other->next)
		mine += other->req.uid == l->req.uid;
	*why = "too many that listen";
	if (num_listeners > l->conf->max_listening || mine > l->conf->max_per_user)
		return EUSERS;
	cred = find(l->conf, &l->req, &err);
	*why = err == ENOENT ? "no such credential" :
			       "this user may not use that credential";
	if (err)
		return err;
	*why = NULL;
	l->acceptor = kdtls_acceptor_new(cred->tls, &calls, l);
	if (!l->acceptor) {
		*why = kdtls_config_error(cred->tls);
		return errno;
	}
	kdtls_acceptor_set_limits(l->acceptor, l->conf->max,
				  l->conf->max_per_peer);
	if (epoll_ctl(epfd, EPOLL_CTL_ADD, netlink_listen(&l->req), &ev))
		return errno;
	l->in_epoll = true;
	return 0;
}

/* Takes over the descriptors of @req. */
void listener_new(int epfd, struct config *conf, const struct request *req)
{
	struct listener *l = calloc(1, sizeof(*l));
	struct request taken = *req;
	const char *why = NULL;
	int err;

	close(taken.fd);
	taken.fd = -1;
	if (!l) {
		netlink_refuse(&taken, ENOMEM);
		netlink_close(&taken);
		return;
	}
	l->watched.event = listener_event;
	l->conf = config_get(conf);
	l->req = taken;
	l->in.last = &l->in.first;
	l->next = listeners;
	l->prev = &listeners;
	if (listeners)
		listeners->prev = &l->next;
	listeners = l;
	num_listeners++;
	err = listener_begin(epfd, l, &why);
	if (err) {
		listener_end(epfd, l, err, why);
		return;
	}
	say(LOG_INFO, "user %u: listens", l->req.uid);
	listener_turn(epfd, l);
}

/* Handshakes to come have the new configuration; there may be none for them. */
void listener_reload(int epfd, struct config *conf)
{
	const struct credential *cred;
	struct listener *l, *next;
	int err;

	for (l = listeners; l; l = next) {
		next = l->next;
		cred = find(conf, &l->req, &err);
		if (cred)
			err = -kdtls_acceptor_set_config(l->acceptor, cred->tls);
		if (err) {
			listener_end(epfd, l, err, "its credential is gone");
			continue;
		}
		kdtls_acceptor_set_limits(l->acceptor, conf->max,
					  conf->max_per_peer);
		config_put(l->conf);
		l->conf = config_get(conf);
	}
}

/* Those whose time has come; returns ms until the next one's, or -1. */
int listener_run_due(int epfd)
{
	struct listener *l, *next;
	int ms, first = -1;
	uint64_t now;

	for (l = listeners; l; l = next) {
		next = l->next;
		if (l->in.first || l->look <= now_ms() ||
		    !kdtls_acceptor_timeout(l->acceptor))
			listener_turn(epfd, l);
	}
	for (l = listeners; l; l = l->next) {
		ms = kdtls_acceptor_timeout(l->acceptor);
		now = now_ms();
		if (l->in.first || l->look <= now)
			ms = 0;
		else if (ms < 0 || l->look - now < (unsigned int)ms)
			ms = l->look - now;
		if (first < 0 || ms < first)
			first = ms;
	}
	return first;
}
