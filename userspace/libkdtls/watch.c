// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Stands between a TLS library and its socket, and knows from the record
 * headers (RFC 6347 4.1) what no library tells in full: which sequence numbers
 * are used up, what the last flight was, and which records of the peer came
 * too early for the library.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define EPOCH(epoch_seq)	((epoch_seq) >> 48)

/*
 * A peer that has sent its Finished can send data at once, and the network may
 * swap the two: this many records are kept, as a socket buffer would keep them.
 */
#define EARLY_MAX		64
/* Anyone can send records that claim epoch 1: bound what is looked at. */
#define SEEN_MAX		16
#define SENT_MAX		256

static uint64_t get_be(const uint8_t *p, int n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static void put_be(uint8_t *p, uint64_t v, int n)
{
	while (n--) {
		p[n] = v;
		v >>= 8;
	}
}

static void saved_free(struct kdtls_saved *r)
{
	explicit_bzero(r->data, r->len);
	free(r);
}

static void list_clear(struct kdtls_list *list)
{
	struct kdtls_saved *r;

	while ((r = list->head)) {
		list->head = r->next;
		saved_free(r);
	}
	list->count = 0;
}

/* Memory that is short loses a record here, which UDP might have done as well. */
static void list_add(struct kdtls_list *list, const uint8_t *record, size_t len,
		     unsigned int max)
{
	struct kdtls_saved *r, **p = &list->head;

	if (list->count >= max)
		return;
	r = malloc(sizeof(*r) + len);
	if (!r)
		return;
	r->next = NULL;
	r->type = record[0];
	r->version = get_be(record + 1, 2);
	r->epoch_seq = get_be(record + 3, 8);
	r->len = len - KDTLS_RECORD_HEADER;
	memcpy(r->data, record + KDTLS_RECORD_HEADER, r->len);
	while (*p)
		p = &(*p)->next;
	*p = r;
	list->count++;
}

/* Length of the record at @p with its header, or 0 if there is none whole. */
static size_t record_length(const uint8_t *p, size_t left)
{
	size_t len;

	if (left < KDTLS_RECORD_HEADER)
		return 0;
	len = KDTLS_RECORD_HEADER + get_be(p + 11, 2);
	return len <= left ? len : 0;
}

void kdtls_watch_init(struct kdtls_watch *w)
{
	memset(w, 0, sizeof(*w));
	w->alert = -1;
}

void kdtls_watch_free(struct kdtls_watch *w)
{
	list_clear(&w->sent);
	list_clear(&w->seen);
	list_clear(&w->early);
}

/* The library has sent the datagram @buf. */
void kdtls_watch_sent(struct kdtls_watch *w, const uint8_t *buf, size_t len)
{
	uint64_t epoch_seq, nonce;
	size_t n;

	w->datagrams++;
	for (; (n = record_length(buf, len)); buf += n, len -= n) {
		epoch_seq = get_be(buf + 3, 8);
		if (!EPOCH(epoch_seq)) {
			if (epoch_seq >= w->epoch0_next)
				w->epoch0_next = epoch_seq + 1;
		} else {
			if (EPOCH(epoch_seq) > EPOCH(w->tx_next))
				w->top_nonce = 0;
			if (epoch_seq >= w->tx_next)
				w->tx_next = epoch_seq + 1;
			if (n >= KDTLS_RECORD_HEADER + 8) {
				nonce = get_be(buf + KDTLS_RECORD_HEADER, 8);
				if (EPOCH(nonce) == EPOCH(epoch_seq) &&
				    nonce > w->top_nonce)
					w->top_nonce = nonce;
			}
		}
		if (buf[0] != DTLS_TYPE_HANDSHAKE && buf[0] != DTLS_TYPE_CCS)
			continue;
		/*
		 * A flight is what is sent between two readings: every flight
		 * but the first answers one of the peer's.
		 */
		if (w->listening)
			list_clear(&w->sent);
		w->listening = false;
		list_add(&w->sent, buf, n, SENT_MAX);
	}
}

/*
 * The datagram @buf has come in for the library.  Returns how much of it, from
 * its beginning, is to be given to the library; 0: nothing, go and get another.
 *
 * Application data and alerts under keys are kept from it.  They come from a
 * peer that is done, so before the library has seen the peer's Finished they
 * can only be early, and libraries drop early records.
 */
size_t kdtls_watch_received(struct kdtls_watch *w, uint8_t *buf, size_t len)
{
	size_t keep = 0, off = 0, n;
	bool give;

	while ((n = record_length(buf + off, len - off))) {
		give = true;
		if (get_be(buf + off + 3, 2)) {
			give = buf[off] != DTLS_TYPE_DATA &&
			       buf[off] != DTLS_TYPE_ALERT;
			if (give)
				list_add(&w->seen, buf + off, n, SEEN_MAX);
			else
				list_add(&w->early, buf + off, n, EARLY_MAX);
		} else if (buf[off] == DTLS_TYPE_HANDSHAKE) {
			w->alert = -1;
		} else if (buf[off] == DTLS_TYPE_ALERT &&
			   n == KDTLS_RECORD_HEADER + 2 &&
			   buf[off + KDTLS_RECORD_HEADER] == 2) {
			w->alert = buf[off + KDTLS_RECORD_HEADER + 1];
		}
		if (give) {
			memmove(buf + keep, buf + off, n);
			keep += n;
		}
		off += n;
	}
	/* What is no record is for the library to judge. */
	memmove(buf + keep, buf + off, len - off);
	keep += len - off;
	if (keep)
		w->listening = true;
	return keep;
}

/*
 * The explicit nonces that the kernel will use are epoch and sequence number.
 * Is one of the library's, who may choose otherwise (RFC 5288 3), among those
 * still to come?
 */
bool kdtls_watch_nonce_clash(const struct kdtls_watch *w,
			     const struct kdtls_suite *suite)
{
	return suite->explicit_len && w->top_nonce >= w->tx_next;
}

/* Opens @r in place.  The nonce and the additional data: RFC 5246 6.2.3.3 with
 * the sequence number of RFC 6347 4.1.2.1; RFC 7905 2 for ChaCha20.
 */
static int open_record(struct kdtls_saved *r, const struct kdtls_suite *suite,
		       const struct dtls_keys *keys, kdtls_open_fn open)
{
	size_t overhead = suite->explicit_len + suite->tag_len;
	uint8_t nonce[12], seq[8], aad[13], *plain;
	size_t len, i;
	int ret;

	if (EPOCH(r->epoch_seq) != keys->epoch || r->len < overhead ||
	    r->len - overhead > DTLS_PLAINTEXT_MAX)
		return -EBADMSG;
	len = r->len - overhead;

	put_be(seq, r->epoch_seq, 8);
	if (suite->explicit_len) {
		memcpy(nonce, keys->iv, 4);
		memcpy(nonce + 4, r->data, 8);
	} else {
		memcpy(nonce, keys->iv, 12);
		for (i = 0; i < 8; i++)
			nonce[4 + i] ^= seq[i];
	}
	memcpy(aad, seq, 8);
	aad[8] = r->type;
	put_be(aad + 9, r->version, 2);
	put_be(aad + 11, len, 2);

	plain = malloc(len + 1);
	if (!plain)
		return -ENOMEM;
	ret = open(suite, keys->key, nonce, aad, r->data + suite->explicit_len,
		   len + suite->tag_len, plain);
	if (!ret) {
		memcpy(r->data, plain, len);
		explicit_bzero(r->data + len, r->len - len);
		r->len = len;
	}
	explicit_bzero(plain, len);
	free(plain);
	return ret;
}

/* Opens the records of @list, and drops those that do not open or come twice. */
static uint64_t open_list(struct kdtls_list *list, uint64_t next,
			  const struct kdtls_suite *suite,
			  const struct dtls_keys *keys, kdtls_open_fn open)
{
	struct kdtls_saved **p = &list->head, *r, *q;

	while ((r = *p)) {
		for (q = list->head; q != r; q = q->next)
			if (q->epoch_seq == r->epoch_seq)
				break;
		if (q != r || open_record(r, suite, keys, open)) {
			*p = r->next;
			saved_free(r);
			list->count--;
			continue;
		}
		if (r->epoch_seq >= next)
			next = r->epoch_seq + 1;
		p = &r->next;
	}
	return next;
}

/* As below, for a kernel that shall have what came early as it came. */
uint64_t kdtls_watch_open_seen(struct kdtls_watch *w,
			       const struct kdtls_suite *suite,
			       const struct dtls_keys *rx, kdtls_open_fn open)
{
	uint64_t next = (uint64_t)rx->epoch << 48 | rx->seq;

	next = open_list(&w->seen, next, suite, rx, open);
	list_clear(&w->seen);
	return next;
}

/*
 * Opens what came early, and returns the epoch and sequence number from which
 * on the kernel shall receive: past everything that was received here, so that
 * nothing can be delivered twice.
 */
uint64_t kdtls_watch_open_early(struct kdtls_watch *w,
				const struct kdtls_suite *suite,
				const struct dtls_keys *rx, kdtls_open_fn open)
{
	uint64_t next = kdtls_watch_open_seen(w, suite, rx, open);
	struct kdtls_saved **p = &w->early.head, *r;

	next = open_list(&w->early, next, suite, rx, open);
	while ((r = *p)) {
		if (r->type == DTLS_TYPE_DATA) {
			p = &r->next;
			continue;
		}
		/*
		 * RFC 5246 7.2: close_notify (0) and every fatal alert (level
		 * 2) end the connection; other warnings mean nothing here.
		 */
		if (r->len == 2 && (r->data[0] == 2 || r->data[1] == 0))
			w->eof = true;
		*p = r->next;
		saved_free(r);
		w->early.count--;
	}
	return next;
}

ssize_t kdtls_watch_early(struct kdtls_watch *w, void *buf, size_t len)
{
	struct kdtls_saved *r = w->early.head;

	if (!w->closed)
		return -ENOTCONN;
	if (!r) {
		if (!w->eof)
			return -EAGAIN;
		if (w->eof_told)
			return -EPIPE;
		w->eof_told = true;
		return 0;
	}
	if (len > r->len)
		len = r->len;
	memcpy(buf, r->data, len);
	w->early.head = r->next;
	w->early.count--;
	saved_free(r);
	return len;
}

/* The next of the early records, as it was on the wire; -EAGAIN: there is none. */
ssize_t kdtls_watch_early_raw(struct kdtls_watch *w, void *buf, size_t len)
{
	struct kdtls_saved *r = w->early.head;
	uint8_t *p = buf;
	size_t n;

	if (!r)
		return -EAGAIN;
	n = KDTLS_RECORD_HEADER + r->len;
	if (n > len)
		return -EMSGSIZE;
	p[0] = r->type;
	put_be(p + 1, r->version, 2);
	put_be(p + 3, r->epoch_seq, 8);
	put_be(p + 11, r->len, 2);
	memcpy(p + KDTLS_RECORD_HEADER, r->data, r->len);
	w->early.head = r->next;
	w->early.count--;
	saved_free(r);
	return n;
}

/*
 * What tells a repeated record from another one: CCS has no number, handshake
 * messages have theirs, and the offset of the fragment (RFC 6347 4.2.2).
 */
static bool same_message(const struct kdtls_saved *a,
			 const struct kdtls_saved *b)
{
	if (a->type != b->type || EPOCH(a->epoch_seq) != EPOCH(b->epoch_seq))
		return false;
	if (a->type == DTLS_TYPE_CCS)
		return true;
	return a->len >= 12 && b->len >= 12 &&
	       !memcmp(a->data + 4, b->data + 4, 5);
}

/*
 * Makes the argument of DTLS_LAST_FLIGHT from the last burst: what was in clear
 * as it is, what was sealed (the Finished) opened, so that the kernel can seal
 * it anew.  *@flight is the caller's to free.  -ENODATA: no Finished in it.
 */
int kdtls_watch_flight(struct kdtls_watch *w, const struct kdtls_suite *suite,
		       const struct dtls_keys *tx, kdtls_open_fn open,
		       struct dtls_flight **flight, size_t *len)
{
	size_t size = sizeof(struct dtls_flight);
	struct kdtls_saved **p, *r, *q;
	bool finished = false;
	uint8_t *at;

	for (p = &w->sent.head; (r = *p);) {
		if (!EPOCH(r->epoch_seq) ||
		    !open_record(r, suite, tx, open)) {
			p = &r->next;
			continue;
		}
		*p = r->next;
		saved_free(r);
		w->sent.count--;
	}
	for (p = &w->sent.head; (r = *p);) {
		/* The later one stays: the order then is that of one flight. */
		for (q = r->next; q && !same_message(q, r); q = q->next)
			;
		if (q) {
			*p = r->next;
			saved_free(r);
			w->sent.count--;
			continue;
		}
		if (EPOCH(r->epoch_seq) && r->len && r->data[0] == 20)
			finished = true;	/* RFC 5246 7.4: finished(20) */
		size += sizeof(struct dtls_flight_record) + r->len;
		p = &r->next;
	}
	if (!finished)
		return -ENODATA;
	if (size > DTLS_FLIGHT_MAX)
		return -EMSGSIZE;

	*flight = calloc(1, size);
	if (!*flight)
		return -ENOMEM;
	(*flight)->size = sizeof(**flight);
	(*flight)->count = w->sent.count;
	(*flight)->seq = w->epoch0_next;
	at = (uint8_t *)(*flight + 1);
	for (r = w->sent.head; r; r = r->next) {
		struct dtls_flight_record head = {
			.epoch = EPOCH(r->epoch_seq),
			.type = r->type,
			.len = r->len,
		};

		memcpy(at, &head, sizeof(head));
		at += sizeof(head);
		memcpy(at, r->data, r->len);
		at += r->len;
	}
	*len = size;
	return 0;
}
