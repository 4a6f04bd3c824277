// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a channel is for is in its label: "sink" counts bytes and compares them with
 * the pattern, "source" sends as many of it as a message asks for, "stat" answers
 * with the kernel's counters; all others are an echo.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "media.h"
#include "rtc.h"

#define PPID_STRING	51
#define PPID_BINARY	53
#define PIECE		16384

/* Word number @n of the pattern, little endian; the browser has the same. */
static uint32_t word(uint32_t n)
{
	return n * 2654435761U ^ n >> 7;
}

static void pattern(uint64_t at, uint8_t *buf, size_t len)
{
	uint32_t w;
	size_t i;

	for (i = 0; i < len; i += 4, at += 4) {
		w = word(at / 4);
		memcpy(buf + i, &w, len - i < 4 ? len - i : 4);
	}
}

static void reply(struct peer *p, unsigned int stream, const char *text)
{
	chan_send(p, stream, PPID_STRING, text, strlen(text));
}

static void sink(struct peer *p, unsigned int stream, uint32_t ppid,
		 const void *buf, size_t len)
{
	struct channel *c = &p->channels[stream];
	uint8_t expected[PIECE];
	char text[64];
	size_t n;

	if (ppid == PPID_STRING) {
		snprintf(text, sizeof(text), "%llu %llu",
			 (unsigned long long)c->bytes, (unsigned long long)c->bad);
		reply(p, stream, text);
		c->bytes = 0;
		c->bad = 0;
		return;
	}
	for (; len; len -= n, buf = (const uint8_t *)buf + n, c->bytes += n) {
		n = len < PIECE ? len : PIECE;
		pattern(c->bytes, expected, n);
		c->bad += !!memcmp(buf, expected, n);
	}
}

/* Of this process, its system calls with it. */
static unsigned long long cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Of the kernel's there is a name and a value in each line. */
static void stat(struct peer *p, unsigned int stream)
{
	struct traffic tx = { 0 }, rx = { 0 };
	char text[8192], name[64];
	unsigned long long value;
	unsigned int num = 0, profile;
	uint64_t echoed;
	struct peer *q;
	size_t at;
	FILE *f;

	for (q = peers; q; q = q->next)
		num += q->established;
	net_count(p, &tx, &rx);
	media_count(p, &profile, &echoed);
	at = snprintf(text, sizeof(text),
		      "{\"cpu\":%llu,\"peers\":%u,\"version\":%d,\"suite\":\"%s\"",
		      cpu_ns(), num, p->info.version, p->info.suite_name);
	at += snprintf(text + at, sizeof(text) - at, ",\"srtp\":%u,\"echoed\":%llu",
		       profile, (unsigned long long)echoed);
	at += snprintf(text + at, sizeof(text) - at, ",\"tx\":%llu,\"rx\":%llu",
		       (unsigned long long)tx.records,
		       (unsigned long long)rx.records);
	at += snprintf(text + at, sizeof(text) - at,
		       ",\"tx_bytes\":%llu,\"rx_bytes\":%llu",
		       (unsigned long long)tx.bytes, (unsigned long long)rx.bytes);
	f = fopen("/proc/net/dtls_stat", "re");
	while (f && fscanf(f, "%63s %llu", name, &value) == 2 &&
	       at < sizeof(text) - 128)
		at += snprintf(text + at, sizeof(text) - at, ",\"%s\":%llu",
			       name, value);
	if (f)
		fclose(f);
	text[at] = '}';
	text[at + 1] = '\0';
	reply(p, stream, text);
}

bool app_source(struct peer *p, unsigned int stream)
{
	struct channel *c = &p->channels[stream];
	uint64_t left = c->total - c->sent;
	size_t n = left < PIECE ? left : PIECE;
	uint8_t buf[PIECE];

	pattern(c->sent, buf, n);
	c->sent += n;
	return !chan_send(p, stream, PPID_BINARY, buf, n);
}

void app_message(struct peer *p, unsigned int stream, uint32_t ppid,
		 const void *buf, size_t len)
{
	struct channel *c = &p->channels[stream];
	char number[24];

	if (!strcmp(c->label, "sink")) {
		sink(p, stream, ppid, buf, len);
	} else if (!strcmp(c->label, "stat")) {
		stat(p, stream);
	} else if (!strcmp(c->label, "source")) {
		snprintf(number, sizeof(number), "%.*s", (int)len,
			 (const char *)buf);
		c->total = strtoull(number, NULL, 10);
		c->sent = 0;
		p->touched = true;
	} else {
		chan_send(p, stream, ppid, buf, len);
	}
}
