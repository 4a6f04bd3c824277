// SPDX-License-Identifier: LGPL-2.1-or-later
/* The offer of a browser, and our answer to it (RFC 8829). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "media.h"
#include "rtc.h"

static int hex(char c)
{
	const char *digits = "0123456789abcdef", *at;

	at = c ? strchr(digits, c | 0x20) : NULL;
	return at ? at - digits : -1;
}

static int fingerprint(struct offer *o, const char *value)
{
	size_t n = strcspn(value, " ");

	if (n >= sizeof(o->hash) || !value[n])
		return -1;
	memcpy(o->hash, value, n);
	o->hash[n] = '\0';
	value += n + 1;
	for (o->print_len = 0; o->print_len < sizeof(o->print);) {
		if (hex(value[0]) < 0 || hex(value[1]) < 0)
			return -1;
		o->print[o->print_len++] = hex(value[0]) << 4 | hex(value[1]);
		value += 2;
		if (*value++ != ':')
			return 0;
	}
	return -1;
}

/* The value if @line is a=NAME:VALUE. */
static const char *attribute(const char *line, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(line, "a=", 2) && !strncmp(line + 2, name, n) &&
	       line[2 + n] == ':' ? line + 3 + n : NULL;
}

static int media_line(struct offer *o, const char *line)
{
	struct section *m = &o->sections[o->num_sections];

	if (o->num_sections == SECTIONS_MAX ||
	    sscanf(line, "m=%15s %*u %63s", m->kind, m->proto) != 2)
		return -1;
	o->num_sections++;
	return 0;
}

static void section_line(struct section *m, const char *line)
{
	unsigned int payload;
	const char *v = attribute(line, "mid");

	if (v)
		snprintf(m->mid, sizeof(m->mid), "%s", v);
	v = attribute(line, "rtpmap");
	if (v && !m->payload && sscanf(v, "%u", &payload) == 1 && payload < 128 &&
	    strcasestr(v, " opus/48000"))
		m->payload = payload;
}

static int one_line(struct offer *o, const char *line)
{
	struct section *m = o->num_sections ?
			    &o->sections[o->num_sections - 1] : NULL;
	const char *v;

	if (!strncmp(line, "m=", 2))
		return media_line(o, line);
	/* Bundled, all sections have the same of these. */
	v = attribute(line, "fingerprint");
	if (v)
		return fingerprint(o, v);
	v = attribute(line, "ice-ufrag");
	if (v)
		snprintf(o->ufrag, sizeof(o->ufrag), "%s", v);
	v = attribute(line, "ice-pwd");
	if (v)
		snprintf(o->pwd, sizeof(o->pwd), "%s", v);
	v = attribute(line, "setup");
	if (v)
		o->passive = !strcmp(v, "passive");
	v = attribute(line, "sctp-port");
	if (v)
		o->sctp_port = strtoul(v, NULL, 10);
	if (m)
		section_line(m, line);
	return 0;
}

/* Takes @text apart, destroying it.  0, or -1: none that we can answer. */
int sdp_offer(char *text, struct offer *o)
{
	char *save = NULL, *line;
	unsigned int i, taken = 0;

	memset(o, 0, sizeof(*o));
	for (line = strtok_r(text, "\r\n", &save); line;
	     line = strtok_r(NULL, "\r\n", &save))
		if (one_line(o, line))
			return -1;
	for (i = 0; i < o->num_sections; i++) {
		struct section *m = &o->sections[i];

		m->taken = (!strcmp(m->kind, "application") && o->sctp_port &&
			    o->sctp_port < 65536) ||
			   (!strcmp(m->kind, "audio") && m->payload);
		taken += m->taken;
	}
	return taken && o->print_len && *o->ufrag && *o->pwd ? 0 : -1;
}

__attribute__((format(printf, 4, 5)))
static void put(char *buf, size_t len, size_t *at, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf + *at, len - *at, fmt, ap);
	va_end(ap);
	*at = n < 0 || *at + n >= len ? len - 1 : *at + n;
}

/* Returns its length. */
size_t sdp_answer(const struct peer *p, char *buf, size_t len)
{
	const struct offer *o = &p->offer;
	unsigned int i;
	size_t at = 0;

	put(buf, len, &at, "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nt=0 0\r\n"
	    "a=ice-lite\r\na=group:BUNDLE", opts.candidate);
	for (i = 0; i < o->num_sections; i++)
		if (o->sections[i].taken)
			put(buf, len, &at, " %s", o->sections[i].mid);
	put(buf, len, &at, "\r\n");
	for (i = 0; i < o->num_sections; i++) {
		const struct section *m = &o->sections[i];
		bool data = !strcmp(m->kind, "application");

		put(buf, len, &at, "m=%s %u %s ", m->kind,
		    m->taken ? opts.candidate_port : 0, m->proto);
		if (data)
			put(buf, len, &at, "webrtc-datachannel\r\n");
		else
			put(buf, len, &at, "%u\r\n", m->payload);
		put(buf, len, &at, "c=IN IP4 %s\r\na=mid:%s\r\n",
		    opts.candidate, m->mid);
		if (!m->taken)
			continue;
		put(buf, len, &at,
		    "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n"
		    "a=fingerprint:sha-256 %s\r\na=setup:%s\r\n"
		    "a=candidate:1 1 udp 2130706431 %s %u typ host\r\n"
		    "a=end-of-candidates\r\n", p->ufrag, p->pwd, cert_print,
		    p->active ? "active" : "passive", opts.candidate,
		    opts.candidate_port);
		if (data)
			put(buf, len, &at,
			    "a=sctp-port:5000\r\na=max-message-size:%d\r\n",
			    MESSAGE_MAX);
		else
			put(buf, len, &at, "a=rtcp-mux\r\na=sendrecv\r\n"
			    "a=rtpmap:%u opus/48000/2\r\n"
			    "a=msid:echo echo\r\n"
			    "a=ssrc:%u cname:echo\r\n", m->payload, MEDIA_SSRC);
	}
	return at;
}
