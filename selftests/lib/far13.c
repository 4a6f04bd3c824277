// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "far13.h"

void far13_warm(void)
{
	static const __u16 suites[] = {
		SUITE13_AES_128_GCM, SUITE13_AES_256_GCM, SUITE13_CHACHA20,
		SUITE13_AES_128_CCM, SUITE13_AES_128_CCM_8,
	};
	__u8 rec[RECORD13_ROOM];
	struct oracle13_key k;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		oracle13_key_init(&k, suites[i], EPOCH13, 0);
		oracle13_seal(&k, DTLS_TYPE_DATA, "", 0, rec);
	}
}

void key13_fill(struct dtls_keys *k, const struct oracle13_key *o, __u16 message)
{
	memset(k, 0, sizeof(*k));
	k->size = sizeof(*k);
	k->version = DTLS_1_3_VERSION;
	k->cipher_suite = o->suite->id;
	k->epoch = o->epoch;
	k->seq = o->seq;
	k->cid_len = o->cid_len;
	memcpy(k->cid, o->cid, o->cid_len);
	k->secret_len = o->suite->secret_len;
	memcpy(k->secret, o->secret, k->secret_len);
	k->message_seq = message;
}

int key13_install(int fd, int option, const struct oracle13_key *o,
		  __u16 message)
{
	struct dtls_keys k;

	key13_fill(&k, o, message);
	return setsockopt(fd, SOL_DTLS, option, &k, sizeof(k));
}

static void set_read(struct end13 *to, const struct oracle13_key *k)
{
	to->rx[1] = to->rx[0];
	to->rx[0].key = *k;
	to->rx[0].next = k->seq;
}

void keys13_next(struct end13 *from, struct end13 *to, __u64 epoch)
{
	struct oracle13_key old = from->tx;

	oracle13_key_init(&from->tx, old.suite->id, epoch, from->fd);
	from->tx.cid_len = old.cid_len;
	memcpy(from->tx.cid, old.cid, old.cid_len);
	set_read(to, &from->tx);
}

void pair13_prepare(struct pair13 *p, __u16 suite, int family, bool far_kernel)
{
	int fd[2];

	memset(p, 0, sizeof(*p));
	udp_pair(family, fd);
	p->suite = suite;
	p->near.fd = fd[0];
	p->near.kernel = true;
	p->far.fd = fd[1];
	p->far.kernel = far_kernel;
	oracle13_key_init(&p->near.tx, suite, EPOCH13, 1);
	oracle13_key_init(&p->far.tx, suite, EPOCH13, 2);
	p->near.tx.seq = NEAR13_SEQ;
	p->far.tx.seq = FAR13_SEQ;
	set_read(&p->far, &p->near.tx);
	set_read(&p->near, &p->far.tx);
	p->near.tx_message = NEAR13_MESSAGE;
	p->far.rx_message = NEAR13_MESSAGE;
	p->far.tx_message = FAR13_MESSAGE;
	p->near.rx_message = FAR13_MESSAGE;
}

void pair13_cids(struct pair13 *p, unsigned int sent, unsigned int wanted)
{
	p->near.tx.cid_len = sent;
	fill(p->near.tx.cid, sent, 40);
	p->far.rx[0].key = p->near.tx;
	p->far.tx.cid_len = wanted;
	fill(p->far.tx.cid, wanted, 50);
	p->near.rx[0].key = p->far.tx;
}

static void install(struct end13 *e)
{
	if (!e->kernel)
		return;
	if (ulp_attach(e->fd))
		die("attach refused");
	if (key13_install(e->fd, DTLS_TX, &e->tx, e->tx_message) ||
	    key13_install(e->fd, DTLS_RX, &e->rx[0].key, e->rx_message))
		die("keys refused");
}

void pair13_install(struct pair13 *p)
{
	install(&p->near);
	install(&p->far);
}

void pair13_open(struct pair13 *p, __u16 suite, int family, bool far_kernel)
{
	pair13_prepare(p, suite, family, far_kernel);
	pair13_install(p);
}

void pair13_close(struct pair13 *p)
{
	close(p->near.fd);
	close(p->far.fd);
}

size_t over13(const struct oracle13_key *k)
{
	return 1 + k->cid_len + 2 + 2 + 1 + k->suite->tag_len;
}

void end13_post(struct end13 *e, const void *data, size_t len)
{
	if (send(e->fd, data, len, 0) != (ssize_t)len)
		die("datagram of %zu bytes", len);
}

ssize_t end13_send_type(struct end13 *e, __u8 type, const void *data, size_t len)
{
	static __thread __u8 buf[RECORD13_ROOM];
	struct dtls_record r = { .type = type };
	size_t n;

	if (e->kernel)
		return send_cmsg(e->fd, data, len, &r, sizeof(r));
	n = oracle13_seal(&e->tx, type, data, len, buf);
	if (send(e->fd, buf, n, 0) != (ssize_t)n)
		return -1;
	return len;
}

ssize_t end13_send(struct end13 *e, const void *data, size_t len, int flags)
{
	if (e->kernel)
		return send(e->fd, data, len, flags);
	return end13_send_type(e, DTLS_TYPE_DATA, data, len);
}

ssize_t oracle13_recv(struct end13 *e, struct oracle13_record *r, int flags)
{
	struct read13 *rx = &e->rx[0];
	unsigned int i;
	ssize_t n;

	if (!e->left) {
		if (flags & MSG_DONTWAIT)
			settle();
		n = recv(e->fd, e->dgram, sizeof(e->dgram), flags);
		if (n < 0)
			return -1;
		e->left = n;
		e->at = 0;
	}
	for (i = 0; i < ARRAY_SIZE(e->rx); i++) {
		rx = &e->rx[i];
		if (e->left && rx->key.suite &&
		    (e->dgram[e->at] & 3) == rx->key.epoch % 4)
			break;
	}
	if (i == ARRAY_SIZE(e->rx))
		rx = &e->rx[0];
	n = oracle13_open(&rx->key, rx->next, e->dgram + e->at, e->left, r);
	if (n < 0) {
		e->left = 0;
		errno = EBADMSG;
		return -1;
	}
	if (r->seq >= rx->next)
		rx->next = r->seq + 1;
	e->at += n;
	e->left -= n;
	return r->len;
}

ssize_t end13_recv_type(struct end13 *e, __u8 *type, void *data, size_t len)
{
	static __thread struct oracle13_record o;
	struct dtls_record r;
	ssize_t n;

	if (e->kernel) {
		n = recv_record(e->fd, data, len, 0, &r, NULL);
		*type = r.type;
		return n;
	}
	n = oracle13_recv(e, &o, 0);
	if (n < 0)
		return n;
	*type = o.type;
	memcpy(data, o.data, (size_t)n < len ? (size_t)n : len);
	return n;
}

ssize_t end13_recv(struct end13 *e, void *data, size_t len, int flags)
{
	static __thread struct oracle13_record o;
	ssize_t n;

	if (e->kernel) {
		if (flags & MSG_DONTWAIT)
			settle();
		return recv(e->fd, data, len, flags);
	}
	n = oracle13_recv(e, &o, flags);
	if (n < 0)
		return n;
	if (o.type != DTLS_TYPE_DATA)
		die("record of type %u", o.type);
	memcpy(data, o.data, (size_t)n < len ? (size_t)n : len);
	return n;
}

static void put(__u8 *p, __u64 v, int bytes)
{
	while (bytes--) {
		p[bytes] = v;
		v >>= 8;
	}
}

static __u64 get(const __u8 *p, int bytes)
{
	__u64 v = 0;

	while (bytes--)
		v = v << 8 | *p++;
	return v;
}

size_t message13(void *out, __u8 type, __u16 message, const void *body,
		 size_t len, size_t off, size_t part)
{
	__u8 *p = out;

	p[0] = type;
	put(p + 1, len, 3);
	put(p + 4, message, 2);
	put(p + 6, off, 3);
	put(p + 9, part, 3);
	if (part)
		memcpy(p + HS13_HEADER, (const __u8 *)body + off, part);
	return HS13_HEADER + part;
}

struct number13 far13_message(struct end13 *e, __u8 type, const void *body,
			      size_t len)
{
	struct number13 n = { e->tx.epoch, e->tx.seq };
	__u8 m[2000];
	size_t size;

	must(!e->kernel && len <= sizeof(m) - HS13_HEADER);
	size = message13(m, type, e->tx_message++, body, len, 0, len);
	must(end13_send_type(e, DTLS_TYPE_HANDSHAKE, m, size) == (ssize_t)size);
	return n;
}

struct number13 far13_update(struct end13 *e, __u8 request)
{
	return far13_message(e, HS_KEY_UPDATE, &request, 1);
}

void far13_next_keys(struct end13 *e)
{
	oracle13_key_update(&e->tx);
}

void far13_ack(struct end13 *e, const struct number13 *n, unsigned int nr)
{
	__u8 ack[2 + 16 * 64];
	unsigned int i;

	must(nr <= 64);
	put(ack, 16 * nr, 2);
	for (i = 0; i < nr; i++) {
		put(ack + 2 + 16 * i, n[i].epoch, 8);
		put(ack + 10 + 16 * i, n[i].seq, 8);
	}
	must(end13_send_type(e, DTLS_TYPE_ACK, ack, 2 + 16 * nr) ==
	     2 + 16 * (int)nr);
}

static bool before(const struct number13 *a, const struct number13 *b)
{
	return a->epoch != b->epoch ? a->epoch < b->epoch : a->seq < b->seq;
}

static void take_ack(const struct oracle13_record *r, struct seen13 *s)
{
	const __u8 *p = r->data + 2, *end = r->data + r->len;
	struct number13 *n;

	if (r->len < 2 || get(r->data, 2) != r->len - 2 || (r->len - 2) % 16)
		die("ACK of %zu bytes", r->len);
	for (; p < end; p += 16) {
		must(s->nr_acked < ARRAY_SIZE(s->acked));
		n = &s->acked[s->nr_acked++];
		n->epoch = get(p, 8);
		n->seq = get(p + 8, 8);
		/* RFC 9147 7: "in numerically increasing order" */
		if (p > r->data + 2 && !before(&n[-1], n))
			die("an ACK out of order");
	}
	s->acks++;
}

static void take_update(struct end13 *e, const struct oracle13_record *r,
			struct seen13 *s)
{
	__u16 message = get(r->data + 4, 2);

	if (r->len != HS13_HEADER + 1 || get(r->data + 1, 3) != 1 ||
	    get(r->data + 6, 3) != 0 || get(r->data + 9, 3) != 1 ||
	    r->data[HS13_HEADER] > 1)
		die("no KeyUpdate");
	s->update = (struct number13){ r->epoch, r->seq };
	s->request = r->data[HS13_HEADER];
	if (message != e->rx_message) {
		must(message == (__u16)(e->rx_message - 1));
		s->repeats++;
		return;
	}
	/* RFC 9147 5.11.2: under the keys that it replaces */
	must(r->epoch == e->rx[0].key.epoch);
	s->updates++;
	e->rx_message++;
	e->rx[1] = e->rx[0];
	oracle13_key_update(&e->rx[0].key);
	e->rx[0].next = 0;
}

static void take_other(const struct oracle13_record *r, struct seen13 *s)
{
	if (s->others < ARRAY_SIZE(s->other)) {
		s->other[s->others].at = (struct number13){ r->epoch, r->seq };
		s->other[s->others].first = r->len ? r->data[0] : 0;
		s->other[s->others].len = r->len;
		memcpy(s->other[s->others].bytes, r->data,
		       r->len < 320 ? r->len : 320);
	}
	s->others++;
}

void far13_take(struct end13 *e, struct seen13 *s, int flags)
{
	static __thread struct oracle13_record r;

	if (oracle13_recv(e, &r, flags) < 0)
		die("no record: %s", errno == EBADMSG ? oracle13_why : "none");
	switch (r.type) {
	case DTLS_TYPE_DATA:
		s->data++;
		s->at = (struct number13){ r.epoch, r.seq };
		s->len = r.len;
		memcpy(s->text, r.data,
		       r.len < sizeof(s->text) ? r.len : sizeof(s->text));
		break;
	case DTLS_TYPE_ACK:
		take_ack(&r, s);
		break;
	case DTLS_TYPE_ALERT:
		must(r.len == 2);
		memcpy(s->alert, r.data, 2);
		s->alerts++;
		break;
	case DTLS_TYPE_HANDSHAKE:
		if (r.len >= HS13_HEADER && r.data[0] == HS_KEY_UPDATE) {
			take_update(e, &r, s);
			break;
		}
		take_other(&r, s);
		break;
	default:
		take_other(&r, s);
	}
}

static bool more(struct end13 *e)
{
	return e->left || poll_now(e->fd, POLLIN) & POLLIN;
}

void far13_collect(struct end13 *e, struct seen13 *s)
{
	memset(s, 0, sizeof(*s));
	while (more(e))
		far13_take(e, s, MSG_DONTWAIT);
}

bool seen13_acked(const struct seen13 *s, struct number13 n)
{
	unsigned int i;

	for (i = 0; i < s->nr_acked; i++)
		if (s->acked[i].epoch == n.epoch && s->acked[i].seq == n.seq)
			return true;
	return false;
}

bool far13_silent(struct end13 *e)
{
	struct seen13 s;

	far13_collect(e, &s);
	return !s.data && !s.acks && !s.updates && !s.alerts && !s.others;
}
