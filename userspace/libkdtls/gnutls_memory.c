// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Datagrams that wait for a session: those of a session without a socket, and
 * those that came before it was known which library would shake hands.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gnutls_internal.h"

#define WAITING_MAX	32	/* datagrams: more than a flight has */
#define HELLO_MAX	16384
#define MESSAGE_HEADER	12	/* RFC 6347 4.2.2 */

struct kdtls_waiting {
	struct kdtls_waiting *next;
	size_t len;
	uint8_t data[];
};

static unsigned int count(const kdtls_session *s)
{
	const struct kdtls_waiting *w;
	unsigned int n = 0;

	for (w = s->waiting; w; w = w->next)
		n++;
	return n;
}

bool kdtls_queue_full(const kdtls_session *s)
{
	return count(s) == WAITING_MAX;
}

/* Puts a copy of a datagram behind those that wait: 0, -ENOBUFS, -ENOMEM. */
int kdtls_queue(kdtls_session *s, const void *buf, size_t len)
{
	struct kdtls_waiting **p = &s->waiting;
	struct kdtls_waiting *w;

	if (kdtls_queue_full(s))
		return -ENOBUFS;
	while (*p)
		p = &(*p)->next;
	w = malloc(sizeof(*w) + len);
	if (!w)
		return -ENOMEM;
	w->next = NULL;
	w->len = len;
	memcpy(w->data, buf, len);
	*p = w;
	return 0;
}

/* The first of them into s->dgram: its length, or -EAGAIN. */
ssize_t kdtls_unqueue(kdtls_session *s)
{
	struct kdtls_waiting *w = s->waiting;
	size_t len;

	if (!w)
		return -EAGAIN;
	s->waiting = w->next;
	len = w->len;
	memcpy(s->dgram, w->data, len);
	free(w);
	return len;
}

void kdtls_unqueue_all(kdtls_session *s)
{
	struct kdtls_waiting *w;

	while ((w = s->waiting)) {
		s->waiting = w->next;
		free(w);
	}
}

void kdtls_set_output(kdtls_session *s, kdtls_output_fn fn, void *arg)
{
	s->output = fn;
	s->output_arg = arg;
	s->nonblocking = true;
	/* So that its ClientHello is put together here. */
	if (s->server)
		s->undecided = true;
}

int kdtls_input(kdtls_session *s, const void *dgram, size_t len)
{
	if (!len || len > KDTLS_DATAGRAM_MAX)
		return -EINVAL;
	if (s->watch.closed)
		return -EPIPE;
	return kdtls_queue(s, dgram, len);
}

/* ------------------------------------------------------------------------
 * A ClientHello in pieces
 */

static size_t be(const uint8_t *p, int n)
{
	size_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

struct hello {
	uint8_t *buf;			/* record header, message header, body */
	uint8_t *have;			/* one for each byte of the body */
	size_t len, missing;		/* of the body */
	bool begun, pieces;
};

static void add_fragment(struct hello *h, const uint8_t *rec, const uint8_t *msg)
{
	size_t len = be(msg + 1, 3), off = be(msg + 6, 3), n = be(msg + 9, 3);
	uint8_t *body = h->buf + KDTLS_RECORD_HEADER + MESSAGE_HEADER;

	if (len > HELLO_MAX || off > len || n > len - off)
		return;
	/* Another message: that one then. */
	if (!h->begun || h->len != len ||
	    memcmp(h->buf + KDTLS_RECORD_HEADER, msg, 6)) {
		memset(h->have, 0, HELLO_MAX);
		h->begun = true;
		h->len = len;
		h->missing = len;
	}
	h->pieces = n != len;
	memcpy(h->buf, rec, KDTLS_RECORD_HEADER);
	memcpy(h->buf + KDTLS_RECORD_HEADER, msg, 6);
	for (; n--; off++) {
		body[off] = msg[MESSAGE_HEADER + off - be(msg + 6, 3)];
		h->missing -= !h->have[off];
		h->have[off] = 1;
	}
}

static void add_datagram(struct hello *h, const uint8_t *p, size_t len)
{
	size_t n, off, m;

	for (; len >= KDTLS_RECORD_HEADER; p += n, len -= n) {
		n = KDTLS_RECORD_HEADER + be(p + 11, 2);
		if (n > len)
			return;
		if (p[0] != DTLS_TYPE_HANDSHAKE || be(p + 3, 2))
			continue;
		for (off = KDTLS_RECORD_HEADER; off + MESSAGE_HEADER <= n;
		     off += MESSAGE_HEADER + m) {
			m = be(p + off + 9, 3);
			if (m > n - off - MESSAGE_HEADER)
				break;
			if (p[off] == 1)
				add_fragment(h, p, p + off);
		}
	}
}

/*
 * What is the whole ClientHello among the datagrams that wait?  Its length, and
 * *@buf, to be freed, as a record that has all of it; 0: not yet.  With @pieces it
 * was in several (an ML-KEM share makes it larger than a datagram): wolfSSL takes no
 * such, and GnuTLS only in order.  The transcript is the same (RFC 6347 4.2.6, RFC
 * 9147 5.2).
 */
ssize_t kdtls_hello_whole(const kdtls_session *s, uint8_t **buf, bool *pieces)
{
	struct hello h = { 0 };
	const struct kdtls_waiting *w;
	uint8_t *msg;
	size_t len;

	h.buf = malloc(KDTLS_RECORD_HEADER + MESSAGE_HEADER + HELLO_MAX);
	h.have = malloc(HELLO_MAX);
	if (!h.buf || !h.have) {
		free(h.buf);
		free(h.have);
		return -ENOMEM;
	}
	for (w = s->waiting; w && !(h.begun && !h.missing); w = w->next)
		add_datagram(&h, w->data, w->len);
	free(h.have);
	if (!h.begun || h.missing || !h.len) {
		free(h.buf);
		return 0;
	}
	len = MESSAGE_HEADER + h.len;
	msg = h.buf + KDTLS_RECORD_HEADER;
	memset(msg + 6, 0, 3);
	memcpy(msg + 9, msg + 1, 3);
	h.buf[11] = len >> 8;
	h.buf[12] = len;
	*buf = h.buf;
	*pieces = h.pieces;
	return KDTLS_RECORD_HEADER + len;
}
