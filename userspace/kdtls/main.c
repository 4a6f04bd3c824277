// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * kdtls: nc for DTLS, with the records in the kernel.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "prog.h"

struct options opt = {
	.timeout_ms = 30000,
	.linger_ms = 1000,
	.cid_len = -1,
};

void say(const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* One write, so that two of us do not mix their lines. */
	fprintf(stderr, "kdtls: %s\n", line);
}

uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ULL + ts.tv_nsec / 1000;
}

static int load_session(kdtls_session *s)
{
	char buf[16384];
	size_t len;
	int ret;
	FILE *f = fopen(opt.session_in, "r");

	if (!f) {
		say("%s: %s", opt.session_in, strerror(errno));
		return -1;
	}
	len = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	ret = kdtls_set_resumption(s, buf, len);
	explicit_bzero(buf, sizeof(buf));
	if (ret)
		say("%s: not a session", opt.session_in);
	return ret;
}

static int save_session(kdtls_session *s)
{
	char buf[16384];
	mode_t mask;
	int len, ret;
	FILE *f;

	len = kdtls_get_resumption(s, buf, sizeof(buf));
	if (len < 0) {
		say("the session cannot be kept: %s", strerror(-len));
		return -1;
	}
	mask = umask(077);
	f = fopen(opt.session_out, "w");
	umask(mask);
	ret = !f || fwrite(buf, len, 1, f) != 1;
	if (f && fclose(f))
		ret = 1;
	explicit_bzero(buf, sizeof(buf));
	if (ret)
		say("%s: %s", opt.session_out, strerror(errno));
	return ret;
}

static int exit_code(int err)
{
	switch (-err) {
	case EKEYREJECTED:
		return EXIT_VERIFY;
	case EPROTO:
	case ECONNABORTED:
	case EINVAL:
	case EOPNOTSUPP:
		return EXIT_HANDSHAKE;
	default:
		return EXIT_NET;
	}
}

/* From a session that has not begun to the end of the data. */
static int serve(kdtls_session *s)
{
	int fd = kdtls_fd(s), ret;

	/*
	 * Before the handshake, because a missing module is better known before
	 * the peer is bothered.  Until there are keys the socket is plain UDP.
	 */
	if (!opt.no_install) {
		ret = kdtls_attach(fd);
		if (ret == -ENOPROTOOPT) {
			say("the kernel has no DTLS: load dtls.ko");
			return EXIT_KERNEL;
		}
		if (ret) {
			say("attaching dtls to the socket: %s", strerror(-ret));
			return EXIT_KERNEL;
		}
	}
	ret = kdtls_handshake(s);
	if (ret) {
		say("%s", kdtls_error(s));
		return exit_code(ret);
	}
	if (opt.no_install) {
		struct dtls_keys tx, rx;

		ret = kdtls_export_keys(s, &tx, &rx);
		if (!ret && opt.verbose)
			report_state(&tx, &rx);
	} else {
		ret = kdtls_install(s);
	}
	if (ret) {
		say("%s", kdtls_error(s));
		return EXIT_KERNEL;
	}
	report_session(s);
	if (opt.session_out && save_session(s))
		return EXIT_USAGE;
	if (opt.no_install)
		return EXIT_OK;

	rekey_start(fd);
	if (opt.send_file)
		ret = file_send(s, opt.send_file);
	else if (opt.recv_file)
		ret = file_recv(s, opt.recv_file);
	else
		ret = io_copy(s);
	rekey_stop();
	if (opt.stats)
		report_stats(fd);
	return ret;
}

static int do_connect(kdtls_config *cfg)
{
	const char *name = opt.verify_name ? opt.verify_name : opt.host;
	kdtls_session *s;
	int fd, ret;

	fd = net_connect();
	if (fd < 0)
		return EXIT_NET;
	s = kdtls_client_new(cfg, fd, name);
	if (!s) {
		say("out of memory");
		return EXIT_NET;
	}
	if (opt.session_in && load_session(s))
		return EXIT_USAGE;
	ret = serve(s);
	kdtls_free(s);
	close(fd);
	return ret;
}

static int do_listen(kdtls_config *cfg)
{
	kdtls_listener *l;
	kdtls_session *s;
	int fd, ret;
	pid_t pid;

	fd = net_listen();
	if (fd < 0)
		return EXIT_NET;
	l = kdtls_listener_new(cfg, fd);
	if (!l) {
		say("%s", errno == EINVAL && *kdtls_config_error(cfg) ?
		    kdtls_config_error(cfg) : strerror(errno));
		return EXIT_NET;
	}
	if (opt.keep)
		signal(SIGCHLD, SIG_IGN);
	if (!opt.quiet)
		say("listening on %s:%s", opt.host ? opt.host : "", opt.port);
	for (;;) {
		ret = kdtls_accept(l, &s);
		if (ret) {
			say("accept: %s", strerror(-ret));
			/* One peer's misfortune is not the others'. */
			if (opt.keep && ret != -EBADF)
				continue;
			return EXIT_NET;
		}
		if (!opt.keep)
			break;
		pid = fork();
		if (!pid) {
			close(fd);
			_exit(serve(s));
		}
		if (pid < 0)
			say("fork: %s", strerror(errno));
		close(kdtls_fd(s));
		kdtls_free(s);
	}
	/* One peer, as nc does it: nobody else need ask. */
	kdtls_listener_free(l);
	close(fd);
	ret = serve(s);
	fd = kdtls_fd(s);
	kdtls_free(s);
	close(fd);
	return ret;
}

int main(int argc, char **argv)
{
	kdtls_config *cfg = kdtls_config_new();
	int ret;

	setvbuf(stderr, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	rekey_ready();
	if (!cfg) {
		say("out of memory");
		return EXIT_NET;
	}
	if (options_parse(argc, argv, cfg) || options_apply(cfg)) {
		kdtls_config_free(cfg);
		return EXIT_USAGE;
	}
	ret = opt.listen ? do_listen(cfg) : do_connect(cfg);
	kdtls_config_free(cfg);
	return ret;
}
