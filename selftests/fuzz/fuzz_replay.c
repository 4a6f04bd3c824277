// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz kernel/replay.c: sequences of numbers, near and far, against a model
 * that remembers everything it has ever seen.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

#define MUST(cond) do { if (!(cond)) abort(); } while (0)
#define SEEN_MAX 4096

struct model {
	uint64_t first, top, window;
	int any;
	uint64_t seen[SEEN_MAX];
	size_t count;
};

/* RFC 6347 4.1.2.6, by looking through the whole past. */
static enum dtls_replay_verdict ask(const struct model *m, uint64_t seq)
{
	uint64_t right = m->any ? m->top : m->first - 1;
	size_t i;

	/* nothing below the first wanted number is ever new */
	if (m->any || m->first) {
		if (seq <= right && right - seq >= m->window)
			return DTLS_REPLAY_OLD;
	}
	if (seq < m->first)
		return DTLS_REPLAY_SEEN;
	for (i = 0; i < m->count; i++)
		if (m->seen[i] == seq)
			return DTLS_REPLAY_SEEN;
	return DTLS_REPLAY_NEW;
}

static void take(struct model *m, uint64_t seq)
{
	if (!m->any || seq > m->top)
		m->top = seq;
	m->any = 1;
	m->seen[m->count++] = seq;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct model m;
	struct dtls_replay *r;
	uint64_t cursor;

	if (size < 2)
		return 0;
	m = (struct model){ .window = 64ULL << (data[0] % 11) };
	m.first = data[1] < 200 ? data[1] : (uint64_t)data[1] << 40;
	cursor = m.first;
	/* an exact allocation: ASan sees a bit written beside the map */
	r = malloc(sizeof(*r) + dtls_replay_map_bytes(m.window));
	MUST(r);
	dtls_replay_init(r, m.window, m.first);

	for (data += 2, size -= 2; size >= 2; data += 2, size -= 2) {
		enum dtls_replay_verdict want;
		uint64_t seq, arg = data[1];

		switch (data[0] % 8) {
		case 0: seq = cursor + arg; break;
		case 1: seq = cursor - arg; break;
		case 2: seq = cursor + m.window - 128 + arg; break;
		case 3: seq = cursor - m.window - 128 + arg; break;
		case 4: seq = cursor + arg * m.window; break;
		case 5: seq = cursor + arg * 64; break;
		case 6: seq = m.first + arg; break;
		default: seq = cursor + 1; break;
		}
		seq &= (1ULL << 48) - 1;
		want = ask(&m, seq);
		MUST(dtls_replay_check(r, seq) == want);
		if (data[0] & 0x80) {
			MUST(dtls_replay_commit(r, seq) == want);
			if (want == DTLS_REPLAY_NEW && m.count < SEEN_MAX)
				take(&m, seq);
			else if (want == DTLS_REPLAY_NEW)
				break;
			cursor = m.any ? m.top : m.first;
		}
	}
	free(r);
	return 0;
}
