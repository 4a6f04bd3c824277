// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dtlshd: shakes hands for programs that ask the kernel for DTLS (DTLS_HANDSHAKE).
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "dtlshd.h"

#define EVENTS	64

static const char *config_file = "/etc/dtlshd.conf";
static struct config *conf;

/* sd_notify(3), without the library. */
static void tell_systemd(const char *what)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (!len || len >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, len);
	if (*path == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, what, strlen(what), MSG_NOSIGNAL, (struct sockaddr *)&to,
	       offsetof(struct sockaddr_un, sun_path) + len);
	close(fd);
}

static void reload(int epfd)
{
	struct config *fresh;

	tell_systemd("RELOADING=1");
	fresh = config_load(config_file);
	if (fresh) {
		config_put(conf);
		conf = fresh;
		log_level = conf->log_level;
		listener_reload(epfd, conf);
		say(LOG_INFO, "%s read again", config_file);
	} else {
		say(LOG_ERR, "going on with the old configuration");
	}
	tell_systemd("READY=1");
}

/* Takes what there is, up to the limit; the rest waits in the kernel. */
static int take(int epfd)
{
	struct request req;
	int ret = 0;

	while (num_jobs + num_sessions < conf->max) {
		ret = netlink_accept(&req);
		if (ret)
			break;
		if (req.role == DTLS_HANDSHAKE_LISTEN)
			listener_new(epfd, conf, &req);
		else
			job_new(epfd, conf, &req);
	}
	if (!ret || ret == -EAGAIN)
		return 0;
	say(LOG_ERR, "no request from the kernel: %s", strerror(-ret));
	/* Out of memory or descriptors is a matter of time. */
	return ret == -ENOMEM || ret == -EMFILE || ret == -ENFILE ? 0 : ret;
}

static int add(int epfd, int fd, void *what)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = what };

	return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev);
}

/* Until a signal ends it. Returns an exit code. */
static int serve(int epfd, int news, int signals)
{
	static int is_news, is_signal;
	struct epoll_event ev[EVENTS];
	struct signalfd_siginfo sig;
	bool again = true, reread;
	struct watched *w;
	int i, n, ms, ms2;

	if (add(epfd, news, &is_news) || add(epfd, signals, &is_signal)) {
		say(LOG_ERR, "epoll: %s", strerror(errno));
		return 1;
	}
	for (;;) {
		/* Also when a job has ended: others may wait for its place. */
		if (again && take(epfd))
			return 1;
		ms = job_run_due(epfd);
		ms2 = listener_run_due(epfd);
		if (ms < 0 || (ms2 >= 0 && ms2 < ms))
			ms = ms2;
		n = epoll_wait(epfd, ev, EVENTS, ms);
		if (n < 0 && errno != EINTR)
			return 1;
		again = n > 0;
		reread = false;
		for (i = 0; i < n; i++) {
			if (ev[i].data.ptr == &is_news) {
				netlink_drain();
			} else if (ev[i].data.ptr != &is_signal) {
				w = ev[i].data.ptr;
				w->event(epfd, w, ev[i].events);
			} else if (read(signals, &sig, sizeof(sig)) ==
				   sizeof(sig)) {
				if (sig.ssi_signo != SIGHUP)
					return 0;
				reread = true;
			}
		}
		/* It may end what this round had something for. */
		if (reread)
			reload(epfd);
		/* A job that timed out has left its place as well. */
		again |= !n;
	}
}

static void usage(FILE *to)
{
	fprintf(to, "usage: dtlshd [-c FILE] [-t] [-v]\n"
		"  -c, --config FILE  configuration (%s)\n"
		"  -t, --test         only look whether it is good\n"
		"  -v, --verbose      say more\n"
		"  -h, --help\n", config_file);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "test", no_argument, NULL, 't' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int c, epfd, news, signals, verbose = 0, test = 0;
	struct rlimit lim;
	sigset_t mask;

	setvbuf(stderr, NULL, _IOLBF, 0);
	while ((c = getopt_long(argc, argv, "c:tvh", options, NULL)) >= 0) {
		switch (c) {
		case 'c': config_file = optarg; break;
		case 't': test = 1; break;
		case 'v': verbose = 1; break;
		case 'h': usage(stdout); return 0;
		default: usage(stderr); return 1;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return 1;
	}
	conf = config_load(config_file);
	if (!conf)
		return 1;
	log_level = verbose ? LOG_DEBUG : conf->log_level;
	if (test)
		return 0;
	/* Two descriptors for each handshake. */
	if (!getrlimit(RLIMIT_NOFILE, &lim) && lim.rlim_cur < lim.rlim_max) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	sigemptyset(&mask);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal(SIGPIPE, SIG_IGN);
	signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (signals < 0 || epfd < 0) {
		say(LOG_ERR, "%s", strerror(errno));
		return 1;
	}
	news = netlink_open();
	if (news < 0) {
		say(LOG_ERR, "netlink: %s", news == -ENOPROTOOPT ?
		    "the kernel has no DTLS: load dtls.ko" :
		    news == -EPERM ? "CAP_NET_ADMIN is needed" :
				     strerror(-news));
		return 1;
	}
	say(LOG_INFO, "ready");
	tell_systemd("READY=1");
	c = serve(epfd, news, signals);
	tell_systemd("STOPPING=1");
	return c;
}
