// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * webrtc-load --dir FOLDER --server ADDRESS:PORT [--peers N] [--messages N] [--size N]
 *
 * As many browsers as one likes, for one webrtc-echo: each has a socket and a data
 * channel, sends a message, and the next one once all have theirs back.  Prints what
 * a message has cost the server, by its own clock of CPU time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../rtc.h"
#include "../stun.h"

#define SDP_MAX		65536
#define TICK_MS		10
#define PATIENCE_MS	600000

struct dial {
	struct peer p;			/* has to be the first */
	int fd;
	unsigned int echoes;
};

struct options opts = { .streams = 16 };
struct peer *peers;
bool verbose;

static struct dial *dials;
static unsigned int num_dials = 1000, messages = 20, size = 200;
static struct sockaddr_in server;
static kdtls_config *cfg;
static unsigned long long server_cpu;
static unsigned int stats, echoes;
static uint64_t ticked;
static int ep;

void say(const char *fmt, ...)
{
	va_list ap;

	if (!verbose)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
}

static void die(const char *what)
{
	fprintf(stderr, "webrtc-load: %s\n", what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

uint64_t now_ms(void)
{
	return now_ns() / 1000000;
}

/* ------------------------------------------------------------------------
 * What sctp.c calls
 */

void net_seal(struct peer *p, const void *buf, size_t len)
{
	send(((struct dial *)p)->fd, buf, len, MSG_NOSIGNAL);
}

bool app_source(struct peer *p, unsigned int stream)
{
	(void)p;
	(void)stream;
	return false;
}

void app_message(struct peer *p, unsigned int stream, uint32_t ppid,
		 const void *buf, size_t len)
{
	const char *at;

	(void)ppid;
	if (stream) {
		at = memmem(buf, len, "\"cpu\":", 6);
		server_cpu = at ? strtoull(at + 6, NULL, 10) : 0;
		stats++;
		return;
	}
	if (len != size)
		die("an echo of another size");
	((struct dial *)p)->echoes++;
	echoes++;
}

static void pump(int ms)
{
	static uint8_t buf[65536];
	struct epoll_event events[64];
	int i, n = epoll_wait(ep, events, 64, ms);
	uint64_t now;
	ssize_t len;

	for (i = 0; i < n; i++) {
		struct dial *d = events[i].data.ptr;

		while ((len = recv(d->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
			chan_input(&d->p, buf, len);
	}
	now = now_ms();
	if (now - ticked >= TICK_MS) {
		chan_timers(now - ticked);
		ticked = now;
	}
	chan_work();
}

/* ------------------------------------------------------------------------
 * Connections
 */

static void file_of(char *out, size_t len, unsigned int i, const char *what)
{
	snprintf(out, len, "%s/load%u.%s", opts.dir, i, what);
}

static void write_offer(unsigned int i)
{
	char tmp[512], file[512];
	FILE *f;

	file_of(tmp, sizeof(tmp), i, "new");
	file_of(file, sizeof(file), i, "offer");
	f = fopen(tmp, "we");
	if (!f)
		die(tmp);
	fprintf(f, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
		"a=group:BUNDLE 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
		"c=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:load\r\n"
		"a=ice-pwd:loadloadloadloadloadload\r\na=fingerprint:sha-256 %s\r\n"
		"a=setup:active\r\na=sctp-port:5000\r\n", cert_print);
	fclose(f);
	if (rename(tmp, file))
		die(file);
}

static void read_answer(struct dial *d, unsigned int i)
{
	static char text[SDP_MAX];
	char file[512];
	int fd, tries = 3000;
	ssize_t n;

	file_of(file, sizeof(file), i, "answer");
	while ((fd = open(file, O_RDONLY | O_CLOEXEC)) < 0 && tries--)
		pump(20);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		die("no answer");
	close(fd);
	unlink(file);
	text[n] = '\0';
	if (sdp_offer(text, &d->p.offer))
		die("an answer that is none");
}

/* A check that nominates the address at once (RFC 8445 7.1). */
static void check(struct dial *d)
{
	struct pollfd pfd = { .fd = d->fd, .events = POLLIN };
	uint8_t msg[600] = { 0 }, reply[600];
	size_t at = STUN_HEADER, n;
	char name[300];
	int tries;

	n = snprintf(name, sizeof(name), "%s:load", d->p.offer.ufrag);
	put16(msg, STUN_BINDING_REQUEST);
	put32(msg + 4, STUN_COOKIE);
	put32(msg + 8, d->fd);
	put16(msg + at, STUN_USERNAME);
	put16(msg + at + 2, n);
	memcpy(msg + at + 4, name, n);
	at += 4 + (n + 3) / 4 * 4;
	put16(msg + at, STUN_PRIORITY);
	put16(msg + at + 2, 4);
	put32(msg + at + 4, 1);
	at += 8;
	put16(msg + at, STUN_CONTROLLING);
	put16(msg + at + 2, 8);
	at += 12;
	put16(msg + at, STUN_USE_CANDIDATE);
	at += 4;
	n = stun_sign(msg, at, d->p.offer.pwd);
	for (tries = 0; tries < 50; tries++) {
		send(d->fd, msg, n, MSG_NOSIGNAL);
		if (poll(&pfd, 1, 1000) == 1 &&
		    recv(d->fd, reply, sizeof(reply), MSG_DONTWAIT) > 0 &&
		    get16(reply) == STUN_BINDING_SUCCESS)
			return;
	}
	die("no answer to a check");
}

static void dial(struct dial *d, unsigned int i)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = d };
	kdtls_session *s;

	read_answer(d, i);
	snprintf(d->p.name, sizeof(d->p.name), "load%u", i);
	d->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (d->fd < 0 || connect(d->fd, (struct sockaddr *)&server, sizeof(server)))
		die(strerror(errno));
	check(d);
	s = kdtls_client_new(cfg, d->fd, NULL);
	if (!s || kdtls_set_fingerprint(s, d->p.offer.hash, d->p.offer.print,
					d->p.offer.print_len) ||
	    kdtls_handshake(s) || kdtls_install(s))
		die(s ? kdtls_error(s) : "out of memory");
	kdtls_free(s);
	d->p.next = peers;
	peers = &d->p;
	if (epoll_ctl(ep, EPOLL_CTL_ADD, d->fd, &ev) || chan_open(&d->p))
		die(strerror(errno));
	chan_dial(&d->p, 0, "echo");
	d->p.touched = true;
	pump(0);
}

/* ------------------------------------------------------------------------
 * Load
 */

static void wait_for(const unsigned int *what, unsigned int value)
{
	uint64_t until = now_ms() + PATIENCE_MS;

	while (*what < value) {
		pump(TICK_MS);
		if (now_ms() > until)
			die("messages are missing");
	}
}

static unsigned long long ask_cpu(void)
{
	unsigned int had = stats;

	chan_send(&dials[0].p, 2, 51, "?", 1);
	wait_for(&stats, had + 1);
	return server_cpu;
}

static void rounds(unsigned int n)
{
	static uint8_t message[16384];
	unsigned int i;

	while (n--) {
		echoes = 0;
		for (i = 0; i < num_dials; i++)
			if (chan_send(&dials[i].p, 0, 53, message, size) < 0)
				die("cannot send");
		wait_for(&echoes, num_dials);
	}
}

static void load(void)
{
	unsigned long long cpu;
	uint64_t start;

	chan_dial(&dials[0].p, 2, "stat");
	/* All associations are up, and have their windows. */
	rounds(2);
	cpu = ask_cpu();
	start = now_ns();
	rounds(messages);
	start = now_ns() - start;
	cpu = ask_cpu() - cpu;
	printf("{\"peers\": %u, \"messages\": %u, \"size\": %u, ",
	       num_dials, num_dials * messages, size);
	printf("\"cpu_ns\": %llu, \"wall_ns\": %llu}\n",
	       cpu / num_dials / messages,
	       (unsigned long long)start / num_dials / messages);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dir", 1, NULL, 'd' }, { "server", 1, NULL, 's' },
		{ "peers", 1, NULL, 'p' }, { "messages", 1, NULL, 'm' },
		{ "size", 1, NULL, 'l' }, { "verbose", 0, NULL, 'v' }, { }
	};
	char dir[] = "/tmp/webrtc-load.XXXXXX", cert[64], key[64], *colon;
	struct rlimit files = { 8192, 8192 };
	unsigned int i;
	int c;

	server.sin_family = AF_INET;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			opts.dir = optarg;
			break;
		case 's':
			colon = strchr(optarg, ':');
			if (!colon)
				die("--server ADDRESS:PORT");
			*colon = '\0';
			server.sin_port = htons(strtoul(colon + 1, NULL, 10));
			if (inet_pton(AF_INET, optarg, &server.sin_addr) != 1)
				die("--server ADDRESS:PORT");
			break;
		case 'p':
			num_dials = strtoul(optarg, NULL, 10);
			break;
		case 'm':
			messages = strtoul(optarg, NULL, 10);
			break;
		case 'l':
			size = strtoul(optarg, NULL, 10);
			break;
		case 'v':
			verbose = true;
			break;
		default:
			return 2;
		}
	}
	if (!opts.dir || !server.sin_port || !num_dials || !messages ||
	    size > 16384)
		die("--dir FOLDER --server ADDRESS:PORT [--peers N] [--messages N] [--size N]");
	setrlimit(RLIMIT_NOFILE, &files);
	dials = calloc(num_dials, sizeof(*dials));
	cfg = kdtls_config_new();
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (!dials || !cfg || ep < 0 || !mkdtemp(dir))
		die("out of memory");
	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	if (cert_make(cert, key) || kdtls_config_set_cert(cfg, cert, key))
		die("no certificate");
	unlink(cert);
	unlink(key);
	rmdir(dir);
	kdtls_config_set_priority(cfg, "-CIPHER-ALL:+AES-128-GCM");
	chan_init();
	ticked = now_ms();
	for (i = 0; i < num_dials; i++)
		write_offer(i);
	for (i = 0; i < num_dials; i++)
		dial(&dials[i], i);
	load();
	return 0;
}
