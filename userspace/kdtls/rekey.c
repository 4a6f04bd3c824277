// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * New keys while the data flows: on a signal, or by the clock.  setsockopt() may be
 * called in a signal handler (signal-safety(7)), so whatever the program is doing
 * with the socket it does not notice.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <linux/errqueue.h>

#include "prog.h"

static volatile sig_atomic_t rekey_fd = -1;

static void on_signal(int sig)
{
	int err = errno;

	/* One that is under way is as good. */
	if (rekey_fd >= 0)
		kdtls_key_update(rekey_fd, sig == SIGUSR2);
	errno = err;
}

/* From the start: before there are keys a signal is of no use, and no harm either. */
void rekey_ready(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
}

void rekey_start(int fd)
{
	struct itimerval every = {
		.it_interval.tv_sec = opt.key_update,
		.it_value.tv_sec = opt.key_update,
	};
	int events = DTLS_EVENT_REKEY;

	rekey_fd = fd;
	if (opt.key_update)
		setitimer(ITIMER_REAL, &every, NULL);
	/* Told in passing, by io_copy(). */
	if (opt.verbose && !opt.send_file && !opt.recv_file)
		setsockopt(fd, SOL_DTLS, DTLS_EVENTS, &events, sizeof(events));
}

void rekey_stop(void)
{
	rekey_fd = -1;
}

void rekey_events(int fd)
{
	union {
		struct cmsghdr align;
		char buf[512];
	} control;
	struct sock_extended_err ee;
	struct cmsghdr *c;

	for (;;) {
		struct msghdr msg = {
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};

		if (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return;
		for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
			if (c->cmsg_len < CMSG_LEN(sizeof(ee)))
				continue;
			memcpy(&ee, CMSG_DATA(c), sizeof(ee));
			if (ee.ee_origin == SO_EE_ORIGIN_DTLS &&
			    ee.ee_type == DTLS_EVENT_REKEY)
				say("new keys to %s with, epoch %u",
				    ee.ee_data ? "receive" : "send", ee.ee_info);
		}
	}
}
