// SPDX-License-Identifier: LGPL-2.1-or-later
/* Text or JSON, whichever is wanted: one description of what is shown does for both. */
#include <inttypes.h>
#include <stdio.h>

#include "ctl.h"

static bool first = true;	/* nothing yet in this list or object */
static bool listed;		/* inside a list */
static bool fresh = true;	/* at the beginning of a line of text */

static const char *out_color(enum color c)
{
	/* those of iproute2 on a dark ground */
	static const char *const codes[] = {
		[COLOR_NONE] = "",
		[COLOR_ADDRESS] = "\033[35m",
		[COLOR_GOOD] = "\033[32m",
		[COLOR_BAD] = "\033[31m",
		[COLOR_NAME] = "\033[36m",
	};

	return opt.color ? codes[c] : "";
}

/* What is peer's may have any bytes. */
static void out_quoted(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			printf("\\u%04x", (unsigned char)*s);
		else
			putchar(*s);
	}
	putchar('"');
}

static void out_comma(void)
{
	if (!first)
		putchar(',');
	first = false;
}

static void out_key(const char *name)
{
	out_comma();
	out_quoted(name);
	putchar(':');
}

static void out_space(void)
{
	if (!fresh)
		putchar(' ');
	fresh = false;
}

void out_begin_list(void)
{
	listed = true;
	first = true;
	if (opt.json)
		putchar('[');
}

void out_end_list(void)
{
	if (opt.json)
		puts("]");
	listed = false;
}

void out_begin(void)
{
	fresh = true;
	if (!opt.json)
		return;
	if (listed)
		out_comma();
	putchar('{');
	first = true;
}

void out_end(void)
{
	if (opt.json) {
		putchar('}');
		first = false;
	}
	if (!opt.json || !listed)
		putchar('\n');
}

void out_nest(const char *name)
{
	if (opt.json) {
		out_key(name);
		putchar('{');
		first = true;
	} else {
		out_space();
		fputs(name, stdout);
	}
}

void out_nest_end(void)
{
	if (!opt.json)
		return;
	putchar('}');
	first = false;
}

void out_newline(const char *indent)
{
	if (opt.json)
		return;
	printf("\n%s", indent);
	fresh = true;
}

void out_u64(const char *name, uint64_t val)
{
	if (opt.json) {
		out_key(name);
		printf("%" PRIu64, val);
	} else {
		out_space();
		printf("%s %" PRIu64, name, val);
	}
}

static void out_value(enum color c, const char *val)
{
	printf("%s%s%s", out_color(c), val, opt.color && c ? "\033[0m" : "");
}

void out_str(enum color c, const char *name, const char *val)
{
	if (opt.json) {
		out_key(name);
		out_quoted(val);
	} else {
		out_space();
		printf("%s ", name);
		out_value(c, val);
	}
}

void out_word(enum color c, const char *name, const char *val)
{
	if (opt.json) {
		out_key(name);
		out_quoted(val);
	} else {
		out_text(c, val);
	}
}

void out_bool(const char *name, bool val)
{
	if (opt.json) {
		out_key(name);
		fputs(val ? "true" : "false", stdout);
	} else if (val) {
		out_text(COLOR_BAD, name);
	}
}

void out_text(enum color c, const char *text)
{
	if (opt.json)
		return;
	out_space();
	out_value(c, text);
}

void out_flush(void)
{
	fflush(stdout);
}
