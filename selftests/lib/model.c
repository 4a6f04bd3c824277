// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "die.h"
#include "model.h"
#include "pair.h"

static const char * const names[MODEL_COUNTERS] = {
	[MODEL_RECORDS]		= "RxRecords",
	[MODEL_BYTES]		= "RxBytes",
	[MODEL_SHORT]		= "RxDropShort",
	[MODEL_VERSION]		= "RxDropVersion",
	[MODEL_TYPE]		= "RxDropType",
	[MODEL_LENGTH]		= "RxDropLength",
	[MODEL_EPOCH]		= "RxDropEpoch",
	[MODEL_REPLAY]		= "RxDropReplay",
	[MODEL_OLD]		= "RxDropOld",
	[MODEL_AUTH]		= "RxDropAuth",
	[MODEL_OVERSIZE]	= "RxDropOversize",
	[MODEL_CHECKSUM]	= "RxDropChecksum",
};

const char *model_counter_name(enum model_counter c)
{
	return names[c];
}

void model_keys(struct model *m, const struct oracle_key *k)
{
	memmove(m->epoch + 1, m->epoch, sizeof(m->epoch[0]) * (MODEL_EPOCHS - 1));
	memset(m->epoch, 0, sizeof(m->epoch[0]));
	m->epoch[0].key = *k;
	m->epoch[0].next = k->seq;
	if (m->nr_epochs < MODEL_EPOCHS)
		m->nr_epochs++;
}

static unsigned int window(const struct model *m)
{
	return m->window ? m->window : DTLS_WINDOW_DEFAULT;
}

/* RFC 6347 4.1.2.6. @why is set if the number is not new. */
static bool is_new(const struct model *m, const struct model_epoch *e,
		   __u64 seq, enum model_counter *why)
{
	unsigned int i;

	if (seq >= e->next)
		return true;
	*why = MODEL_OLD;
	if (e->next - seq > window(m))
		return false;
	*why = MODEL_REPLAY;
	if (seq < e->key.seq)
		return false;
	for (i = 0; i < e->nr_seen; i++)
		if (e->seen[i] == seq)
			return false;
	return true;
}

static void enter(const struct model *m, struct model_epoch *e, __u64 seq)
{
	unsigned int i, kept = 0;

	if (seq >= e->next) {
		e->next = seq + 1;
		for (i = 0; i < e->nr_seen; i++)
			if (e->next - e->seen[i] <= window(m))
				e->seen[kept++] = e->seen[i];
		e->nr_seen = kept;
	}
	must(e->nr_seen < window(m));
	e->seen[e->nr_seen++] = seq;
}

static enum model_counter record(struct model *m, const __u8 *p,
				 const struct oracle_header *h, size_t body,
				 struct oracle_record *r)
{
	struct model_epoch *e = NULL;
	enum model_counter why;
	unsigned int i;
	size_t over;

	for (i = 0; i < m->nr_epochs; i++)
		if (m->epoch[i].key.epoch == h->epoch)
			e = &m->epoch[i];
	if (!e)
		return MODEL_EPOCH;
	over = e->key.suite->explicit_len + e->key.suite->tag_len;
	if (body < over)
		return MODEL_LENGTH;
	if (body > over + DTLS_PLAINTEXT_MAX)
		return MODEL_OVERSIZE;
	if (!is_new(m, e, h->seq, &why)) {
		e->replay++;
		return why;
	}
	if (oracle_open(&e->key, p, RECORD_HEADER + body, r) < 0) {
		e->auth++;
		return MODEL_AUTH;
	}
	must(h->type == DTLS_TYPE_DATA);
	enter(m, e, h->seq);
	e->records++;
	e->bytes += r->len;
	return MODEL_RECORDS;
}

/* RFC 6347 4.1.1: records lie one after another, and end with the datagram. */
void model_datagram(struct model *m, const void *data, size_t len,
		    model_deliver *deliver, void *arg)
{
	static __thread struct oracle_record r;
	struct oracle_header h;
	const __u8 *p = data;
	enum model_counter c;
	size_t body;
	bool whole;

	do {
		if (len < RECORD_HEADER) {
			m->count[MODEL_SHORT]++;
			return;
		}
		whole = oracle_parse(p, len, &h, &body);
		if (h.type < DTLS_TYPE_CCS || h.type > DTLS_TYPE_HEARTBEAT) {
			m->count[MODEL_TYPE]++;
			return;
		}
		if (!whole) {
			m->count[MODEL_LENGTH]++;
			return;
		}
		c = MODEL_VERSION;
		if (h.version == DTLS_1_2_VERSION)
			c = record(m, p, &h, body, &r);
		m->count[c]++;
		if (c == MODEL_RECORDS) {
			m->count[MODEL_BYTES] += r.len;
			deliver(arg, &r);
		}
		p += RECORD_HEADER + body;
		len -= RECORD_HEADER + body;
	} while (len);
}

static unsigned long long counted(const struct model *models, unsigned int nr,
				  const char *name)
{
	unsigned long long sum = 0;
	unsigned int i, c;

	for (c = 0; c < MODEL_COUNTERS; c++)
		if (!strcmp(names[c], name))
			for (i = 0; i < nr; i++)
				sum += models[i].count[c];
	return sum;
}

void model_check_counters(const struct model *models, unsigned int nr)
{
	unsigned long long value, want;
	char text[4096], name[64];
	int fd, used, lines = 0;
	const char *p = text;
	ssize_t len;

	fd = open("/proc/self/net/dtls_stat", O_RDONLY);
	must(fd >= 0);
	len = read(fd, text, sizeof(text) - 1);
	must(len > 0 && len < (ssize_t)sizeof(text) - 1);
	close(fd);
	text[len] = 0;
	for (; sscanf(p, "%63s %llu\n%n", name, &value, &used) == 2; p += used) {
		/* How the cipher was run is not the attacker's to decide. */
		if (strncmp(name, "Rx", 2) || !strcmp(name, "RxAsync"))
			continue;
		lines++;
		want = counted(models, nr, name);
		if (value != want)
			die("%s is %llu, not %llu", name, value, want);
	}
	must(lines > MODEL_COUNTERS && !*p);
}

void model_check_state(const struct model *m, int fd)
{
	const struct model_epoch *e = m->epoch;
	struct dtls_keys k;

	key_state(fd, DTLS_RX, &k);
	if (k.epoch != e->key.epoch || k.seq != e->next ||
	    k.records != e->records || k.bytes != e->bytes)
		die("epoch %llu: next %llu, %llu records, %llu bytes; not %u: %llu, %llu, %llu",
		    k.epoch, k.seq, k.records, k.bytes, e->key.epoch, e->next,
		    e->records, e->bytes);
	if (k.drop_replay != e->replay || k.drop_auth != e->auth)
		die("epoch %llu: %llu replayed, %llu forged; not %llu, %llu",
		    k.epoch, k.drop_replay, k.drop_auth, e->replay, e->auth);
}
