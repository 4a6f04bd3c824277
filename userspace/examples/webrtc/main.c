// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * webrtc-echo --candidate ADDRESS:PORT --dir FOLDER | --http PORT [options]
 *
 * Answers the offers of browsers: NAME.offer in the folder, an SDP, becomes
 * NAME.answer.  How the two get from a browser and back to it is left to others; a
 * server has its HTTP for that.  Or, to try it by hand, there is a page.
 *
 *	--http PORT	the page, on loopback; ADDRESS:PORT: elsewhere
 *	--port N	UDP port (that of the candidate)
 *	--active	be the client of the handshakes
 *	--versions LIST	"1.2", "1.3", or "1.2,1.3", the default
 *	--suites LIST	of DTLS 1.3, names of IANA
 *	--priority TEXT	of DTLS 1.2, for GnuTLS
 *	--srtp LIST	profiles, names of IANA
 *	--streams N	of SCTP, 1024
 *	--seal user	records are sealed by OpenSSL instead of the kernel, DTLS 1.2
 *			with AES-GCM only: to see what that costs
 *	--verbose
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "http.h"
#include "rtc.h"

#define TICK_MS		10	/* of SCTP's timers */
#define LOOK_MS		100	/* for offers */

struct options opts = { .streams = 1024 };
kdtls_config *config[2];
bool verbose;
static volatile sig_atomic_t stop;

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "webrtc-echo: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
}

static void die(const char *what)
{
	say("%s", what);
	exit(1);
}

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

/* ------------------------------------------------------------------------
 * Offers
 */

ssize_t answer_offer(const char *name, char *offer, char *buf, size_t len)
{
	struct offer o;
	struct peer *p;

	if (sdp_offer(offer, &o)) {
		say("%s: not an offer that we can answer", name);
		return -EINVAL;
	}
	p = peer_new(name, &o);
	return p ? (ssize_t)sdp_answer(p, buf, len) : -ENOMEM;
}

static int write_answer(const char *name, const char *text, size_t len)
{
	char tmp[512], file[512];
	int fd;

	snprintf(tmp, sizeof(tmp), "%s/%s.tmp", opts.dir, name);
	snprintf(file, sizeof(file), "%s/%s.answer", opts.dir, name);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len) {
		close(fd);
		return -EIO;
	}
	close(fd);
	return rename(tmp, file) ? -errno : 0;
}

static void answer(const char *name)
{
	static char text[SDP_MAX], said[SDP_MAX];
	char file[512];
	ssize_t n;
	int fd;

	snprintf(file, sizeof(file), "%s/%s.offer", opts.dir, name);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	unlink(file);
	text[n < 0 ? 0 : n] = '\0';
	n = answer_offer(name, text, said, sizeof(said));
	if (n != -EINVAL && (n < 0 || write_answer(name, said, n)))
		say("%s: no answer: %s", name, strerror(errno));
}

static void look(void)
{
	DIR *d = opendir(opts.dir);
	struct dirent *e;
	size_t n;

	while (d && (e = readdir(d))) {
		n = strlen(e->d_name);
		if (n < 7 || n > 60 || strcmp(e->d_name + n - 6, ".offer"))
			continue;
		e->d_name[n - 6] = '\0';
		answer(e->d_name);
	}
	if (d)
		closedir(d);
}

/* ------------------------------------------------------------------------
 * Set-up
 */

static void configure(const char *versions, const char *suites, const char *prio,
		      const char *srtp)
{
	char dir[] = "/tmp/webrtc-echo.XXXXXX", cert[64], key[64];
	uint16_t min = DTLS_1_2_VERSION, max = DTLS_1_3_VERSION;
	int i;

	if (!strcmp(versions, "1.2"))
		max = DTLS_1_2_VERSION;
	else if (!strcmp(versions, "1.3"))
		min = DTLS_1_3_VERSION;
	else if (strcmp(versions, "1.2,1.3"))
		die("--versions: 1.2, 1.3, or 1.2,1.3");
	if (!mkdtemp(dir))
		die(strerror(errno));
	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	if (cert_make(cert, key))
		die("no certificate");
	for (i = 0; i < 2; i++) {
		kdtls_config *cfg = kdtls_config_new();

		config[i] = cfg;
		if (!cfg)
			die("out of memory");
		/* Of whom, is in the fingerprint of each offer. */
		kdtls_config_set_verify(cfg, KDTLS_VERIFY_REQUIRE);
		kdtls_config_set_tickets(cfg, 0);
		if (kdtls_config_set_srtp(cfg, srtp) ||
		    kdtls_config_set_cert(cfg, cert, key) ||
		    kdtls_config_set_versions(cfg, min, max) ||
		    (suites && kdtls_config_set_suites(cfg, suites)) ||
		    (prio && kdtls_config_set_priority(cfg, prio)))
			die(kdtls_config_error(cfg));
	}
	/* wolfSSL reads the files later; they go when we go. */
	opts.certs = strdup(dir);
}

static void clean_up(void)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/key.pem", opts.certs);
	unlink(file);
	snprintf(file, sizeof(file), "%s/cert.pem", opts.certs);
	unlink(file);
	rmdir(opts.certs);
}

static void run(void)
{
	uint64_t ticked = now_ms(), looked = 0, now;
	struct pollfd pfd[2 + HTTP_MAX];
	unsigned int others;
	int ms;

	while (!stop) {
		ms = peer_timeout();
		pfd[0] = (struct pollfd){ .fd = net_fd(), .events = POLLIN };
		others = http_poll(pfd + 1);
		poll(pfd, 1 + others, ms < TICK_MS ? ms : peers ? TICK_MS : LOOK_MS);
		if (pfd[0].revents & POLLERR)
			net_events();
		if (pfd[0].revents & POLLIN)
			net_receive();
		http_work(pfd + 1, others);
		now = now_ms();
		if (now - ticked >= TICK_MS) {
			chan_timers(now - ticked);
			ticked = now;
		}
		chan_work();
		net_flush();
		peer_work();
		if (opts.dir && now - looked >= LOOK_MS) {
			look();
			looked = now;
		}
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dir", 1, NULL, 'd' }, { "candidate", 1, NULL, 'c' },
		{ "port", 1, NULL, 'p' }, { "active", 0, NULL, 'a' },
		{ "versions", 1, NULL, 'V' }, { "suites", 1, NULL, 's' },
		{ "priority", 1, NULL, 'P' }, { "streams", 1, NULL, 'N' }, { "seal", 1, NULL, 'u' },
		{ "srtp", 1, NULL, 'S' }, { "verbose", 0, NULL, 'v' },
		{ "http", 1, NULL, 'h' },
		{ }
	};
	const char *srtp =
		"SRTP_AEAD_AES_128_GCM,SRTP_AEAD_AES_256_GCM,SRTP_AES128_CM_HMAC_SHA1_80";
	const char *versions = "1.2,1.3", *suites = NULL, *prio = NULL, *http = NULL;
	char *colon;
	int c, ret;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			opts.dir = optarg;
			break;
		case 'c':
			opts.candidate = optarg;
			colon = strchr(optarg, ':');
			if (!colon)
				die("--candidate ADDRESS:PORT");
			*colon = '\0';
			opts.candidate_port = strtoul(colon + 1, NULL, 10);
			break;
		case 'p':
			opts.port = strtoul(optarg, NULL, 10);
			break;
		case 'a':
			opts.active = true;
			break;
		case 'V':
			versions = optarg;
			break;
		case 's':
			suites = optarg;
			break;
		case 'P':
			prio = optarg;
			break;
		case 'S':
			srtp = optarg;
			break;
		case 'h':
			http = optarg;
			break;
		case 'N':
			opts.streams = strtoul(optarg, NULL, 10);
			break;
		case 'u':
			opts.user = !strcmp(optarg, "user");
			break;
		case 'v':
			verbose = true;
			break;
		default:
			return 2;
		}
	}
	if (!(opts.dir || http) || !opts.candidate || optind != argc)
		die("webrtc-echo --candidate ADDRESS:PORT --dir FOLDER | --http PORT [options]");
	configure(versions, suites, prio, srtp);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	ret = net_open(opts.port ? opts.port : opts.candidate_port);
	if (ret)
		die(ret == -ENOPROTOOPT ? "the kernel has no DTLS: is dtls.ko loaded?" :
		    strerror(-ret));
	ret = http ? http_open(http) : 0;
	if (ret) {
		say("--http %s: %s", http, strerror(-ret));
		return 1;
	}
	chan_init();
	say("port %u", opts.port ? opts.port : opts.candidate_port);
	run();
	clean_up();
	return 0;
}
