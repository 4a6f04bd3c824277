/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of dtlsctl share. */
#ifndef DTLSCTL_CTL_H
#define DTLSCTL_CTL_H

#include <stdbool.h>
#include <stdint.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <linux/dtls.h>
#include <linux/dtls_netlink.h>

/* Exit codes, as in the manual page; those of ip(8). */
enum {
	EXIT_OK = 0,
	EXIT_USAGE = 1,		/* what was typed makes no sense */
	EXIT_KERNEL = 2,	/* the kernel refused, or has no DTLS */
};

struct options {
	bool json;
	bool numeric;
	bool color;
};

extern struct options opt;

/* One line on stderr. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* nl.c: the kernel's side. Each returns an exit code, after having said what was wrong. */
typedef void (*nl_each)(struct nlattr **attrs);
int nl_start(void);
void nl_stop(void);
struct nl_msg *nl_begin(uint8_t cmd, int flags);
/* Sends, frees @msg, and calls @each for each answer. */
int nl_ask(struct nl_msg *msg, nl_each each);
/* The same; *@torn is set if what there is has changed meanwhile. */
int nl_ask_all(struct nl_msg *msg, nl_each each, bool *torn);
int nl_listen(const char *group, nl_each each);

/* out.c: text or JSON, whichever is wanted. */
enum color { COLOR_NONE, COLOR_ADDRESS, COLOR_GOOD, COLOR_BAD, COLOR_NAME };

void out_begin_list(void);
void out_end_list(void);
void out_begin(void);			/* of an object */
void out_end(void);
void out_nest(const char *name);	/* an object inside of one */
void out_nest_end(void);
void out_newline(const char *indent);	/* text only */
/* A number is one in JSON too; @fmt is for text, with %s for the value. */
void out_u64(const char *name, uint64_t val);
void out_str(enum color c, const char *name, const char *val);
/* In text only the value. */
void out_word(enum color c, const char *name, const char *val);
void out_bool(const char *name, bool val);
void out_text(enum color c, const char *text);	/* text only */
/* One object to a line: for who reads as they come. */
void out_flush(void);

/* show.c */
void show_socket(struct nlattr **attrs);
void show_peer(struct nlattr **attrs);
void show_stat(struct nlattr **attrs);
void show_event(struct nlattr **attrs);
extern char **stat_names;
/* "192.0.2.1:4433", "[2001:db8::1%eth0]:4433" */
void show_address_text(const struct nlattr *a, char *text, size_t room);

#endif /* DTLSCTL_CTL_H */
