// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dtlsctl: shows and changes DTLS sockets and their peers, with the habits of ip(8).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

struct options opt;

void say(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "dtlsctl: %s\n", line);
}

static void usage(FILE *f)
{
	fputs("Usage: dtlsctl [ OPTIONS ] COMMAND\n"
	      "       dtlsctl show [ SOCKET ]\n"
	      "       dtlsctl show peer [ SOCKET [ PEER ] ]\n"
	      "       dtlsctl stat [ NAME... ]\n"
	      "       dtlsctl monitor\n"
	      "       dtlsctl set SOCKET [ id ID [ address ADDRESS ] ] [ key-update { own | both } ]\n"
	      "       dtlsctl del SOCKET PEER [ notify ]\n"
	      "where  SOCKET := socket COOKIE\n"
	      "       PEER := { id ID | address ADDRESS }\n"
	      "       ADDRESS := { A.B.C.D:PORT | [IPV6]:PORT }\n"
	      "       OPTIONS := { -j | --json | -n NETNS | --netns NETNS | -N | --numeric |\n"
	      "                    -c | --color[=auto|always|never] | -V | --version | -h | --help }\n",
	      f);
}

/* A word, or its beginning, as ip(8) takes them. */
static bool is(const char *arg, const char *word)
{
	return *arg && !strncmp(arg, word, strlen(arg));
}

/* ---- what is meant */

struct target {
	bool has_socket, has_id, has_addr;
	uint64_t socket, id;
	socklen_t addr_len;
	struct sockaddr_storage addr;
	int key_update;		/* -1: none */
	bool notify;
};

static int parse_u64(const char *what, const char *arg, uint64_t *val)
{
	char *end;

	errno = 0;
	*val = strtoull(arg, &end, 0);
	if (*arg != '-' && *arg && !*end && !errno && *val)
		return 0;
	say("\"%s\" is no %s", arg, what);
	return -1;
}

static int parse_address(const char *arg, struct target *t)
{
	struct sockaddr_in6 *sin6 = (void *)&t->addr;
	struct sockaddr_in *sin = (void *)&t->addr;
	char host[128], *port, *scope, *end;
	unsigned long n;

	memset(&t->addr, 0, sizeof(t->addr));
	snprintf(host, sizeof(host), "%s", arg);
	port = strrchr(host, ':');
	if (!port)
		goto bad;
	*port++ = '\0';
	n = strtoul(port, &end, 10);
	if (!*port || *end || !n || n > 65535)
		goto bad;
	if (host[0] != '[') {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(n);
		if (inet_pton(AF_INET, host, &sin->sin_addr) != 1)
			goto bad;
		t->addr_len = sizeof(*sin);
		return 0;
	}
	end = host + strlen(host) - 1;
	if (*end != ']')
		goto bad;
	*end = '\0';
	scope = strchr(host, '%');
	if (scope)
		*scope++ = '\0';
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(n);
	if (inet_pton(AF_INET6, host + 1, &sin6->sin6_addr) != 1)
		goto bad;
	if (scope) {
		sin6->sin6_scope_id = if_nametoindex(scope);
		if (!sin6->sin6_scope_id)
			sin6->sin6_scope_id = strtoul(scope, &end, 10);
		if (!sin6->sin6_scope_id)
			goto bad;
	}
	t->addr_len = sizeof(*sin6);
	return 0;
bad:
	say("\"%s\" is no address with a port", arg);
	return -1;
}

/* Returns 0, or -1 after having said what is wrong. */
static int parse_target(char **argv, struct target *t)
{
	const char *word;

	memset(t, 0, sizeof(*t));
	t->key_update = -1;
	while (*argv) {
		word = *argv++;
		if (!strcmp(word, "notify")) {
			t->notify = true;
			continue;
		}
		if (!*argv) {
			say("\"%s\": something is missing behind it, or it is no such word",
			    word);
			return -1;
		}
		if (is(word, "socket")) {
			if (parse_u64("number of a socket", *argv, &t->socket))
				return -1;
			t->has_socket = true;
		} else if (is(word, "id")) {
			if (parse_u64("number of a peer", *argv, &t->id))
				return -1;
			t->has_id = true;
		} else if (is(word, "address")) {
			if (parse_address(*argv, t))
				return -1;
			t->has_addr = true;
		} else if (is(word, "key-update")) {
			if (strcmp(*argv, "own") && strcmp(*argv, "both")) {
				say("\"%s\" is neither own nor both", *argv);
				return -1;
			}
			t->key_update = !strcmp(*argv, "both");
		} else {
			say("what is \"%s\"? Try dtlsctl --help", word);
			return -1;
		}
		argv++;
	}
	return 0;
}

static void put_target(struct nl_msg *msg, const struct target *t)
{
	if (t->has_socket)
		nla_put_u64(msg, DTLS_A_COOKIE, t->socket);
	if (t->has_id)
		nla_put_u64(msg, DTLS_A_PEER_ID, t->id);
	if (t->has_addr)
		nla_put(msg, DTLS_A_ADDRESS, t->addr_len, &t->addr);
}

/* ---- commands; each returns an exit code */

static int ask(uint8_t cmd, const struct target *t, nl_each each)
{
	struct nl_msg *msg = nl_begin(cmd, 0);

	if (!msg)
		return EXIT_KERNEL;
	put_target(msg, t);
	return nl_ask(msg, each);
}

static int cmd_show(char **argv)
{
	bool peers = false, torn = false, one;
	nl_each each = show_socket;
	uint8_t cmd = DTLS_CMD_SOCKET_GET;
	struct nl_msg *msg;
	struct target t;
	int ret;

	if (*argv && is(*argv, "peer")) {
		peers = true;
		each = show_peer;
		cmd = DTLS_CMD_PEER_GET;
		argv++;
	}
	if (parse_target(argv, &t))
		return EXIT_USAGE;
	one = peers ? t.has_id || t.has_addr : t.has_socket;
	if (t.notify || t.key_update >= 0 || (!peers && (t.has_id || t.has_addr)) ||
	    (one && !t.has_socket)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	out_begin_list();
	if (one) {
		ret = ask(cmd, &t, each);
	} else {
		msg = nl_begin(cmd, NLM_F_DUMP);
		if (msg)
			put_target(msg, &t);
		ret = nl_ask_all(msg, each, &torn);
	}
	out_end_list();
	if (torn)
		say("it has changed meanwhile: some may be missing");
	return ret;
}

static int cmd_stat(char **argv)
{
	stat_names = argv;
	return nl_ask(nl_begin(DTLS_CMD_STATS_GET, 0), show_stat);
}

static int cmd_monitor(char **argv)
{
	if (*argv) {
		usage(stderr);
		return EXIT_USAGE;
	}
	return nl_listen(DTLS_MCGRP_EVENTS, show_event);
}

static int cmd_set(char **argv)
{
	struct nl_msg *msg;
	struct target t;

	if (parse_target(argv, &t))
		return EXIT_USAGE;
	if (!t.has_socket || t.notify || (t.has_addr && !t.has_id)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	msg = nl_begin(DTLS_CMD_PEER_SET, 0);
	if (!msg)
		return EXIT_KERNEL;
	put_target(msg, &t);
	if (t.key_update >= 0)
		nla_put_u32(msg, DTLS_A_KEY_UPDATE, t.key_update);
	return nl_ask(msg, NULL);
}

static int cmd_del(char **argv)
{
	struct nl_msg *msg;
	struct target t;

	if (parse_target(argv, &t))
		return EXIT_USAGE;
	if (!t.has_socket || t.key_update >= 0 || t.has_id == t.has_addr) {
		usage(stderr);
		return EXIT_USAGE;
	}
	msg = nl_begin(DTLS_CMD_PEER_DEL, 0);
	if (!msg)
		return EXIT_KERNEL;
	put_target(msg, &t);
	if (t.notify)
		nla_put_u32(msg, DTLS_A_FLAGS, DTLS_PEER_NOTIFY);
	return nl_ask(msg, NULL);
}

static const struct command {
	const char *name;
	int (*run)(char **argv);
} commands[] = {
	/* "s" is show, as with ip(8); "se" and "st" are long enough for the others */
	{ "show", cmd_show },
	{ "list", cmd_show },
	{ "stat", cmd_stat },
	{ "set", cmd_set },
	{ "monitor", cmd_monitor },
	{ "del", cmd_del },
	{ "delete", cmd_del },
};

/* ---- options */

/* A name of ip-netns(8), or a path. */
static int enter(const char *name)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : "/run/netns/", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET)) {
		say("network namespace %s: %s", name, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	close(fd);
	return 0;
}

static int color(const char *when)
{
	if (!when || !strcmp(when, "auto"))
		opt.color = isatty(STDOUT_FILENO);
	else if (!strcmp(when, "always"))
		opt.color = true;
	else if (strcmp(when, "never"))
		return -1;
	return 0;
}

/* Returns the first word that is no option; NULL after having said what is wrong. */
static char **parse_options(char **argv, const char **netns)
{
	const char *o;

	for (argv++; *argv && **argv == '-'; argv++) {
		/* both kinds of dashes, as ip(8) */
		o = *argv + 1 + ((*argv)[1] == '-');
		if (!strcmp(o, "j") || !strcmp(o, "json")) {
			opt.json = true;
		} else if (!strcmp(o, "N") || !strcmp(o, "Numeric") ||
			   !strcmp(o, "numeric")) {
			opt.numeric = true;
		} else if ((!strcmp(o, "n") || !strcmp(o, "netns")) && argv[1]) {
			*netns = *++argv;
		} else if (!strcmp(o, "c") || !strcmp(o, "color")) {
			color(NULL);
		} else if ((!strncmp(o, "c=", 2) || !strncmp(o, "color=", 6)) &&
			   !color(strchr(o, '=') + 1)) {
			continue;
		} else if (!strcmp(o, "V") || !strcmp(o, "version")) {
			puts("dtlsctl " VERSION);
			exit(EXIT_OK);
		} else if (!strcmp(o, "h") || !strcmp(o, "help")) {
			usage(stdout);
			exit(EXIT_OK);
		} else {
			say("option \"%s\" is unknown, or something is missing", *argv);
			return NULL;
		}
	}
	return argv;
}

int main(int argc, char **argv)
{
	const char *netns = NULL;
	unsigned int i;
	int ret;

	(void)argc;
	argv = parse_options(argv, &netns);
	if (!argv)
		return EXIT_USAGE;
	if (opt.json)
		opt.color = false;
	if (!*argv || is(*argv, "help")) {
		usage(*argv ? stdout : stderr);
		return *argv ? EXIT_OK : EXIT_USAGE;
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (is(*argv, commands[i].name))
			break;
	if (i == sizeof(commands) / sizeof(commands[0])) {
		say("what is \"%s\"? Try dtlsctl --help", *argv);
		return EXIT_USAGE;
	}
	if (netns && enter(netns))
		return EXIT_USAGE;
	ret = nl_start();
	if (!ret)
		ret = commands[i].run(argv + 1);
	nl_stop();
	return fflush(stdout) ? EXIT_KERNEL : ret;
}
