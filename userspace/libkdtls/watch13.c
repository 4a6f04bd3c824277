// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Stands between a library that shakes hands as DTLS 1.3 and its socket.  The
 * numbers of records are encrypted (RFC 9147 4.2.3), so this opens what goes by
 * with the traffic secrets that the library tells: which sequence numbers and
 * which message_seq come next, what the client's last flight was.  Records of
 * epoch 3 that come in are kept from the library: they are the kernel's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "watch13.h"

/* RFC 9147 4, figure 3: 001CSLEE */
#define IS_UNIFIED(b)	(((b) & 0xe0) == 0x20)
#define BIT_CID		0x10
#define BIT_SEQ16	0x08
#define BIT_LENGTH	0x04
#define EPOCH_OF(b)	((b) & 3)

#define CIPHERTEXT_MIN	16	/* RFC 9147 4.2.3 */
#define MESSAGE_HEADER	12	/* RFC 9147 5.2 */

enum {
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	HELLO_VERIFY_REQUEST = 3,
	CERTIFICATE = 11,
	FINISHED = 20,
};

enum {
	ALERT_HANDSHAKE_FAILURE = 40,
	ALERT_PROTOCOL_VERSION = 70,
};

/* As in watch.c: what anyone may fill is bounded. */
#define EARLY_MAX	64
#define SEEN_MAX	64
#define SENT_MAX	256

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

static struct kdtls_saved *save(const uint8_t *record, size_t len)
{
	struct kdtls_saved *r = calloc(1, sizeof(*r) + len);

	if (r) {
		r->len = len;
		memcpy(r->data, record, len);
	}
	return r;
}

static void list_append(struct kdtls_list *list, struct kdtls_saved *r)
{
	struct kdtls_saved **p = &list->head;

	while (*p)
		p = &(*p)->next;
	r->next = NULL;
	*p = r;
	list->count++;
}

void kdtls_watch13_init(struct kdtls_watch13 *w, bool server,
			const struct kdtls_crypto13 *crypto)
{
	memset(w, 0, sizeof(*w));
	w->server = server;
	w->crypto = crypto;
	w->alert = -1;
}

void kdtls_watch13_free(struct kdtls_watch13 *w)
{
	list_clear(&w->sent);
	list_clear(&w->seen);
	list_clear(&w->early);
	explicit_bzero(w->tx, sizeof(w->tx));
	explicit_bzero(w->rx, sizeof(w->rx));
	explicit_bzero(w->exporter, sizeof(w->exporter));
}

/* ------------------------------------------------------------------------
 * Keys
 */

/* HKDF-Expand-Label of RFC 8446 7.1, with the prefix of RFC 9147 5.9. */
static int expand_label(const struct kdtls_watch13 *w, const uint8_t *secret,
			const char *label, const uint8_t *context,
			size_t context_len, uint8_t *out, size_t len)
{
	uint8_t info[2 + 1 + 6 + 249 + 1 + DTLS_SECRET_MAX], *p = info;
	size_t n = strlen(label);

	if (n > 249 || context_len > DTLS_SECRET_MAX)
		return -EINVAL;
	put_be(p, len, 2);
	p[2] = 6 + n;
	memcpy(p + 3, "dtls13", 6);
	memcpy(p + 9, label, n);
	p += 9 + n;
	*p++ = context_len;
	if (context_len)
		memcpy(p, context, context_len);
	p += context_len;
	return w->crypto->expand(w->secret_len, secret, info, p - info, out,
				 len);
}

static int open_record(struct kdtls_watch13 *w, struct kdtls_keys13 *k,
		       uint8_t cid_len, struct kdtls_saved *r);
static void note_received(struct kdtls_watch13 *w, struct kdtls_saved *r);

/*
 * The library has derived a traffic secret.  @w->suite must be known.  What came
 * under it before is looked at now.
 */
void kdtls_watch13_secret(struct kdtls_watch13 *w, bool write, int epoch,
			  const uint8_t *secret, size_t len)
{
	struct kdtls_keys13 *k = write ? &w->tx[epoch - 2] : &w->rx[epoch - 2];
	struct kdtls_saved *r;

	if (!w->suite || len != (w->suite->id == 0x1302 ? 48 : 32)) {
		w->broken = true;
		return;
	}
	w->secret_len = len;
	memcpy(k->secret, secret, len);
	if (expand_label(w, secret, "key", NULL, 0, k->key, w->suite->key_len) ||
	    expand_label(w, secret, "iv", NULL, 0, k->iv, 12) ||
	    expand_label(w, secret, "sn", NULL, 0, k->sn, w->suite->key_len)) {
		w->broken = true;
		return;
	}
	k->known = true;
	if (write || epoch != 2)
		return;
	while ((r = w->seen.head)) {
		w->seen.head = r->next;
		w->seen.count--;
		note_received(w, r);
		saved_free(r);
	}
}

void kdtls_watch13_keys(const struct kdtls_watch13 *w, bool write, int epoch,
			struct dtls_keys *keys)
{
	const struct kdtls_keys13 *k = write ? &w->tx[epoch - 2] :
					       &w->rx[epoch - 2];

	memset(keys, 0, sizeof(*keys));
	keys->size = sizeof(*keys);
	keys->version = DTLS_1_3_VERSION;
	keys->cipher_suite = w->suite->id;
	keys->epoch = epoch;
	keys->seq = k->next;
	keys->secret_len = w->secret_len;
	memcpy(keys->secret, k->secret, w->secret_len);
	keys->message_seq = write ? w->tx_message : w->rx_message;
}

/* RFC 8446 7.5: TLS-Exporter */
int kdtls_watch13_export(const struct kdtls_watch13 *w, const char *label,
			 const void *context, size_t context_len, void *out,
			 size_t len)
{
	uint8_t empty[DTLS_SECRET_MAX], hash[DTLS_SECRET_MAX];
	uint8_t secret[DTLS_SECRET_MAX];
	int ret;

	if (!w->exporter_known)
		return -EOPNOTSUPP;
	ret = w->crypto->hash(w->secret_len, "", 0, empty);
	if (!ret)
		ret = w->crypto->hash(w->secret_len, context, context_len, hash);
	if (!ret)
		ret = expand_label(w, w->exporter, label, empty, w->secret_len,
				   secret, w->secret_len);
	if (!ret)
		ret = expand_label(w, secret, "exporter", hash, w->secret_len,
				   out, len);
	explicit_bzero(secret, sizeof(secret));
	return ret;
}

/* ------------------------------------------------------------------------
 * Records
 */

/* Length of the record at @p with its header, or 0 if there is none whole. */
static size_t record_length(const uint8_t *p, size_t left, uint8_t cid_len)
{
	size_t head, len;

	if (!left)
		return 0;
	if (!IS_UNIFIED(*p)) {
		if (left < KDTLS_RECORD_HEADER)
			return 0;
		len = KDTLS_RECORD_HEADER + get_be(p + 11, 2);
		return len <= left ? len : 0;
	}
	head = 1 + (*p & BIT_CID ? cid_len : 0) + (*p & BIT_SEQ16 ? 2 : 1);
	if (!(*p & BIT_LENGTH))
		return left > head ? left : 0;
	if (left < head + 2)
		return 0;
	len = head + 2 + get_be(p + head, 2);
	return len <= left ? len : 0;
}

/* RFC 9147 4.2.2: the number nearest to the one that is expected. */
static uint64_t whole_number(uint64_t next, uint64_t low, int bits)
{
	uint64_t size = 1ULL << bits, n = (next & ~(size - 1)) | low;

	if (n + size / 2 < next)
		n += size;
	else if (n > next + size / 2 && n >= size)
		n -= size;
	return n;
}

/*
 * Opens @r in place: then it has its type, epoch and sequence number, and the
 * plaintext without type and padding.
 */
static int open_record(struct kdtls_watch13 *w, struct kdtls_keys13 *k,
		       uint8_t cid_len, struct kdtls_saved *r)
{
	size_t seq_at, seq_len, head, len, i;
	uint8_t mask[16], nonce[12], *plain;
	uint64_t seq;
	int ret;

	if (!k->known)
		return -ENOKEY;
	seq_at = 1 + (r->data[0] & BIT_CID ? cid_len : 0);
	seq_len = r->data[0] & BIT_SEQ16 ? 2 : 1;
	head = seq_at + seq_len + (r->data[0] & BIT_LENGTH ? 2 : 0);
	if (r->len < head + CIPHERTEXT_MIN ||
	    r->len < head + w->suite->tag_len + 1)
		return -EBADMSG;
	if (w->crypto->mask(w->suite, k->sn, r->data + head, mask))
		return -EIO;
	for (i = 0; i < seq_len; i++)
		r->data[seq_at + i] ^= mask[i];
	seq = whole_number(k->next, get_be(r->data + seq_at, seq_len),
			   8 * seq_len);
	memcpy(nonce, k->iv, 12);
	for (i = 0; i < 8; i++)
		nonce[4 + i] ^= seq >> 8 * (7 - i);

	len = r->len - head - w->suite->tag_len;
	plain = malloc(len);
	if (!plain)
		return -ENOMEM;
	ret = w->crypto->open(w->suite, k->key, nonce, r->data, head,
			      r->data + head, r->len - head, plain);
	while (!ret && len && !plain[len - 1])
		len--;
	if (!ret && !len)
		ret = -EBADMSG;
	if (!ret) {
		r->epoch_seq = (uint64_t)EPOCH_OF(r->data[0]) << 48 | seq;
		r->type = plain[--len];
		explicit_bzero(r->data, r->len);
		memcpy(r->data, plain, len);
		r->len = len;
		if (seq >= k->next)
			k->next = seq + 1;
		explicit_bzero(plain, len);
	}
	free(plain);
	return ret;
}

/* Are the two the same piece of the same message?  RFC 9147 5.2. */
static bool same_message(const struct kdtls_saved *a,
			 const struct kdtls_saved *b)
{
	return a->len >= MESSAGE_HEADER && b->len >= MESSAGE_HEADER &&
	       !memcmp(a->data + 4, b->data + 4, 5);
}

static void keep_sent(struct kdtls_watch13 *w, struct kdtls_saved *r)
{
	struct kdtls_saved *q;

	for (q = w->sent.head; q; q = q->next)
		if (same_message(q, r))
			break;
	if (q || w->sent.count >= SENT_MAX)
		saved_free(r);
	else
		list_append(&w->sent, r);
}

static void message_sent(struct kdtls_watch13 *w, const uint8_t *p, size_t len)
{
	uint16_t seq;

	if (len < MESSAGE_HEADER)
		return;
	seq = get_be(p + 4, 2);
	if (seq >= w->tx_message)
		w->tx_message = seq + 1;
}

/* The library has sent the datagram @buf. */
void kdtls_watch13_sent(struct kdtls_watch13 *w, const uint8_t *buf, size_t len)
{
	struct kdtls_saved *r;
	size_t n;
	int epoch;

	w->datagrams++;
	for (; (n = record_length(buf, len, w->tx_cid_len)); buf += n, len -= n) {
		if (!IS_UNIFIED(*buf)) {
			if (*buf == DTLS_TYPE_HANDSHAKE)
				message_sent(w, buf + KDTLS_RECORD_HEADER,
					     n - KDTLS_RECORD_HEADER);
			continue;
		}
		epoch = EPOCH_OF(*buf);
		r = save(buf, n);
		/* Without its number the kernel might use it once more. */
		if (!r || epoch < 2 ||
		    open_record(w, &w->tx[epoch - 2], w->tx_cid_len, r)) {
			w->broken = true;
			free(r);
			continue;
		}
		if (r->type != DTLS_TYPE_HANDSHAKE || r->len < MESSAGE_HEADER) {
			saved_free(r);
			continue;
		}
		message_sent(w, r->data, r->len);
		if (epoch == 2 && r->data[0] == FINISHED)
			w->finished_sent = true;
		if (w->server && r->data[0] == CERTIFICATE)
			w->server_cert = true;
		if (epoch == 2 && !w->server)
			keep_sent(w, r);
		else
			saved_free(r);
	}
	if (len)
		w->broken = true;
}

static void note_received(struct kdtls_watch13 *w, struct kdtls_saved *r)
{
	size_t off, n;

	if (open_record(w, &w->rx[0], w->rx_cid_len, r) ||
	    r->type != DTLS_TYPE_HANDSHAKE)
		return;
	/* A record may hold several messages (RFC 9147 5.5), and BoringSSL's do. */
	for (off = 0; off + MESSAGE_HEADER <= r->len; off += MESSAGE_HEADER + n) {
		const uint8_t *p = r->data + off;

		n = get_be(p + 9, 3);
		if (n > r->len - off - MESSAGE_HEADER)
			return;
		if (!w->server && *p == CERTIFICATE)
			w->server_cert = true;
		if (*p != FINISHED)
			continue;
		w->finished_seen = true;
		w->rx_message = get_be(p + 4, 2) + 1;
	}
}

/*
 * A record in the clear, for a client: is its peer one of DTLS 1.2?  Anyone could
 * have written it; see fall_back() for why that does no harm.  handshake_failure is
 * what servers say to suites that they do not know, and all of 1.3 are such.
 */
static bool is_other_version(struct kdtls_watch13 *w, const uint8_t *p, size_t n)
{
	uint16_t suite;

	if (w->server || w->suite || w->hello_seen)
		return false;
	if (*p == DTLS_TYPE_ALERT)
		return n == KDTLS_RECORD_HEADER + 2 &&
		       (p[KDTLS_RECORD_HEADER + 1] == ALERT_PROTOCOL_VERSION ||
			p[KDTLS_RECORD_HEADER + 1] == ALERT_HANDSHAKE_FAILURE);
	if (*p != DTLS_TYPE_HANDSHAKE || n < KDTLS_RECORD_HEADER + MESSAGE_HEADER)
		return false;
	switch (p[KDTLS_RECORD_HEADER]) {
	case HELLO_VERIFY_REQUEST:
		return true;
	case SERVER_HELLO:
		w->hello_seen = kdtls_hello13(p, n, SERVER_HELLO, &suite);
		return !w->hello_seen;
	}
	return false;
}

/*
 * The datagram @buf has come in for the library.  Returns how much of it, from
 * its beginning, is to be given to the library; 0: nothing, go and get another.
 */
size_t kdtls_watch13_received(struct kdtls_watch13 *w, uint8_t *buf, size_t len)
{
	size_t keep = 0, off = 0, n;
	struct kdtls_saved *r;
	bool give;

	for (; (n = record_length(buf + off, len - off, w->rx_cid_len)); off += n) {
		const uint8_t *p = buf + off;

		if (!IS_UNIFIED(*p)) {
			/* A 1.3 peer puts nothing else in the clear. */
			give = !get_be(p + 3, 2) && (*p == DTLS_TYPE_HANDSHAKE ||
						     *p == DTLS_TYPE_ACK);
			if (is_other_version(w, p, n)) {
				w->other_version = true;
				give = false;
			} else if (*p == DTLS_TYPE_HANDSHAKE) {
				w->alert = -1;
			} else if (*p == DTLS_TYPE_ALERT && !get_be(p + 3, 2) &&
				   n == KDTLS_RECORD_HEADER + 2) {
				w->alert = p[KDTLS_RECORD_HEADER + 1];
			}
		} else {
			r = NULL;
			give = EPOCH_OF(*p) == 2;
			if (EPOCH_OF(*p) == 3 && w->early.count < EARLY_MAX) {
				r = save(p, n);
				if (r)
					list_append(&w->early, r);
			} else if (give && w->rx[0].known) {
				r = save(p, n);
				if (r) {
					note_received(w, r);
					saved_free(r);
				}
			} else if (give) {
				if (w->seen.count < SEEN_MAX)
					r = save(p, n);
				if (r)
					list_append(&w->seen, r);
				else
					w->missed = true;
			}
		}
		if (give) {
			memmove(buf + keep, p, n);
			keep += n;
		}
	}
	return keep;
}

/* Opens what came early, so that the kernel receives from after that on. */
void kdtls_watch13_open_early(struct kdtls_watch13 *w)
{
	struct kdtls_saved **p = &w->early.head, *r, *q;

	while ((r = *p)) {
		bool good = !open_record(w, &w->rx[1], w->rx_cid_len, r);

		for (q = w->early.head; good && q != r; q = q->next)
			if (q->epoch_seq == r->epoch_seq)
				good = false;
		if (good && r->type == DTLS_TYPE_DATA) {
			p = &r->next;
			continue;
		}
		/* RFC 9147 has no warnings but user_canceled(90). */
		if (good && r->type == DTLS_TYPE_ALERT && r->len == 2 &&
		    r->data[1] != 90)
			w->eof = true;
		/* Handshake messages: not acknowledged, so they will come again. */
		*p = r->next;
		saved_free(r);
		w->early.count--;
	}
}

ssize_t kdtls_watch13_early(struct kdtls_watch13 *w, void *buf, size_t len)
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
ssize_t kdtls_watch13_early_raw(struct kdtls_watch13 *w, void *buf, size_t len)
{
	struct kdtls_saved *r = w->early.head;
	size_t n;

	if (!r)
		return -EAGAIN;
	if (r->len > len)
		return -EMSGSIZE;
	n = r->len;
	memcpy(buf, r->data, n);
	w->early.head = r->next;
	w->early.count--;
	saved_free(r);
	return n;
}

/*
 * Makes the argument of DTLS_LAST_FLIGHT of what the client has sent under epoch 2
 * (RFC 9147 5.8.1).  *@flight is the caller's to free.
 */
int kdtls_watch13_flight(struct kdtls_watch13 *w, struct dtls_flight **flight,
			 size_t *len)
{
	size_t size = sizeof(struct dtls_flight);
	struct kdtls_saved *r;
	uint8_t *at;

	for (r = w->sent.head; r; r = r->next)
		size += sizeof(struct dtls_flight_record) + r->len;
	if (!w->sent.count)
		return -ENODATA;
	if (size > DTLS_FLIGHT_MAX)
		return -EMSGSIZE;
	*flight = calloc(1, size);
	if (!*flight)
		return -ENOMEM;
	(*flight)->size = sizeof(**flight);
	(*flight)->count = w->sent.count;
	at = (uint8_t *)(*flight + 1);
	for (r = w->sent.head; r; r = r->next) {
		struct dtls_flight_record head = {
			.epoch = 2,
			.type = r->type,
			.len = r->len,
			.seq = r->epoch_seq & ((1ULL << 48) - 1),
		};

		memcpy(at, &head, sizeof(head));
		memcpy(at + sizeof(head), r->data, r->len);
		at += sizeof(head) + r->len;
	}
	*len = size;
	return 0;
}

/* ------------------------------------------------------------------------
 * Hellos
 */

/* supported_versions (RFC 8446 4.2.1) of a server: one; of a client: a list. */
static bool has_version(const uint8_t *p, size_t len, int type)
{
	if (type == SERVER_HELLO)
		return len == 2 && get_be(p, 2) == DTLS_1_3_VERSION;
	if (!len || (size_t)*p + 1 != len)
		return false;
	for (p++, len--; len >= 2; p += 2, len -= 2)
		if (get_be(p, 2) == DTLS_1_3_VERSION)
			return true;
	return false;
}

/*
 * Is the record @buf a ClientHello(1) that offers, or a ServerHello(2) that
 * takes, DTLS 1.3?  RFC 9147 5.3, 5.4.  A ServerHello's suite goes to *@suite.
 */
bool kdtls_hello13(const uint8_t *buf, size_t len, int type, uint16_t *suite)
{
	const uint8_t *p = buf + KDTLS_RECORD_HEADER + MESSAGE_HEADER, *end;
	size_t n;

	if (len < KDTLS_RECORD_HEADER + MESSAGE_HEADER || buf[0] != 22 ||
	    buf[KDTLS_RECORD_HEADER] != type)
		return false;
	n = KDTLS_RECORD_HEADER + get_be(buf + 11, 2);
	end = buf + (n < len ? n : len);
#define NEED(n) do { if ((size_t)(end - p) < (n)) return false; } while (0)
	NEED(2 + 32 + 1);
	p += 2 + 32;			/* version, random */
	n = 1 + *p;			/* session ID */
	NEED(n + 1);
	p += n;
	if (type == CLIENT_HELLO) {
		n = 1 + *p;		/* cookie */
		NEED(n + 2);
		p += n;
		n = 2 + get_be(p, 2);	/* suites */
		NEED(n + 1);
		p += n;
		n = 1 + *p;		/* compression */
	} else {
		NEED(3);
		*suite = get_be(p, 2);
		n = 3;
	}
	NEED(n + 2);
	p += n;
	n = get_be(p, 2);
	p += 2;
	NEED(n);
	for (end = p + n; end - p >= 4; p += 4 + n) {
		n = get_be(p + 2, 2);
		NEED(4 + n);
		if (get_be(p, 2) == 43)
			return has_version(p + 4, n, type);
	}
#undef NEED
	return false;
}
