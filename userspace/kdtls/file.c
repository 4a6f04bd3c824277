// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A file over records: UDP loses, doubles and reorders, so each chunk says where
 * it belongs, the receiver says what it has, and the sender repeats the rest.
 * The window of the sender follows the losses as TCP's would, because there may
 * be others on the path.
 *
 * Every message is one record and starts with struct head, in network order:
 *
 *	OFFER	index: bytes in a chunk, value: bytes in the file
 *	DATA	index: number of the chunk, len: its bytes
 *	ACK	index: all chunks below have come, value: chunks there is room for;
 *		then a bitmap: bit 0 of byte 0 is the chunk after @index, ...
 *	BYE	both know that all has come
 *
 * The records themselves guarantee that nobody has changed a byte.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prog.h"

enum { OFFER = 1, DATA, ACK, BYE };

struct head {
	uint8_t type;
	uint8_t version;
	uint16_t len;
	uint32_t index;
	uint64_t value;
} __attribute__((packed));

#define VERSION		1
#define CHUNK_MIN	64
#define CHUNK_MAX	16000
#define WINDOW		1024		/* chunks in flight */
#define BATCH		32		/* chunks in one send() */
#define DUPTHRESH	16		/* reordering that is no loss, in chunks */
#define RTO_MIN_US	200000
#define RTO_MAX_US	4000000
#define DEADLINE_US	30000000	/* without any progress */
#define PROGRESS_US	3000000

#ifndef UDP_SEGMENT
#define UDP_SEGMENT	103
#define UDP_GRO		104
#endif

static void progress(const char *what, uint64_t done, uint64_t total,
		     uint64_t *next)
{
	if (opt.quiet || now_us() < *next)
		return;
	say("%s %llu of %llu KiB", what, (unsigned long long)done >> 10,
	    (unsigned long long)total >> 10);
	*next = now_us() + PROGRESS_US;
}

static void put_head(void *at, int type, size_t len, uint32_t index,
		     uint64_t value)
{
	struct head h = {
		.type = type,
		.version = VERSION,
		.len = htons(len),
		.index = htonl(index),
		.value = htobe64(value),
	};

	memcpy(at, &h, sizeof(h));
}

/* 0, or an errno that ends the transfer; what UDP may lose is lost. */
static int send_some(int fd, const void *buf, size_t len)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	for (;;) {
		if (send(fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		switch (errno) {
		case EINTR:
			continue;
		case EAGAIN:
			poll(&pfd, 1, 100);
			continue;
		case ENOBUFS:
		case EPERM:
		case ECONNREFUSED:
			return 0;
		default:
			return errno;
		}
	}
}

/* ------------------------------------------------------------------------
 * Sender
 */

struct slot {
	uint64_t sent_at;	/* µs; 0: to be sent */
	uint32_t order;		/* of the sending, to see what was overtaken */
	bool acked;
	bool resent;
};

struct sender {
	int fd, file;
	uint64_t size;
	uint32_t chunk, count;
	uint32_t base, next;		/* first not acked, first never sent */
	uint32_t order, top_order;	/* last given, highest acked */
	uint32_t in_flight;
	double cwnd, ssthresh;
	uint32_t room;
	uint64_t srtt, rto, recovery;
	uint64_t last_ack, last_rto;
	uint64_t repeated, records;
	bool segment;
	struct slot slot[WINDOW];
	uint8_t buf[BATCH * (sizeof(struct head) + CHUNK_MAX)];
};

static struct slot *slot_of(struct sender *s, uint32_t index)
{
	return &s->slot[index % WINDOW];
}

static uint32_t chunk_len(const struct sender *s, uint32_t index)
{
	return index + 1 < s->count ? s->chunk :
	       s->size - (uint64_t)index * s->chunk;
}

/* The next chunk to send: a lost one, or a new one; count: none. */
static uint32_t pick(struct sender *s, uint32_t from)
{
	uint32_t i;

	for (i = from > s->base ? from : s->base; i < s->next; i++)
		if (!slot_of(s, i)->acked && !slot_of(s, i)->sent_at)
			return i;
	if (s->next < s->count && s->next < s->base + WINDOW &&
	    s->next < s->base + s->room)
		return s->next;
	return s->count;
}

static int flush_batch(struct sender *s, size_t len, size_t segment)
{
	size_t n;
	int ret;

	if (!len)
		return 0;
	if (s->segment || len <= segment) {
		ret = send_some(s->fd, s->buf, len);
		if (!ret || len <= segment)
			return ret;
		/* No offload on this path, or the path got narrower. */
		if (ret != EINVAL && ret != EIO && ret != EMSGSIZE)
			return ret;
		s->segment = false;
		n = 0;
		setsockopt(s->fd, SOL_UDP, UDP_SEGMENT, &n, sizeof(int));
	}
	for (n = 0; n < len; n += segment) {
		ret = send_some(s->fd, s->buf + n,
				len - n < segment ? len - n : segment);
		if (ret)
			return ret;
	}
	return 0;
}

static int send_window(struct sender *s)
{
	size_t segment = sizeof(struct head) + s->chunk, len = 0;
	size_t limit = 65000 / segment * segment;
	uint32_t index, from = 0, n;
	struct slot *slot;
	int ret;

	while (s->in_flight < (uint32_t)s->cwnd) {
		index = pick(s, from);
		if (index == s->count)
			break;
		from = index + 1;
		n = chunk_len(s, index);
		put_head(s->buf + len, DATA, n, index, 0);
		if (pread(s->file, s->buf + len + sizeof(struct head), n,
			  (off_t)index * s->chunk) != (ssize_t)n) {
			say("the file got shorter while it was sent");
			return EIO;
		}
		len += sizeof(struct head) + n;
		slot = slot_of(s, index);
		if (index == s->next) {
			memset(slot, 0, sizeof(*slot));
			s->next++;
		} else {
			slot->resent = true;
			s->repeated++;
		}
		slot->sent_at = now_us();
		slot->order = ++s->order;
		s->in_flight++;
		s->records++;
		/* Only the last segment of a batch may be shorter. */
		if (n < s->chunk || len + segment > limit ||
		    len >= BATCH * segment) {
			ret = flush_batch(s, len, segment);
			if (ret)
				return ret;
			len = 0;
		}
	}
	return flush_batch(s, len, segment);
}

static void one_acked(struct sender *s, uint32_t index, uint64_t now)
{
	struct slot *slot = slot_of(s, index);
	uint64_t rtt;

	if (slot->acked)
		return;
	slot->acked = true;
	if (slot->sent_at) {
		s->in_flight--;
		if ((int32_t)(slot->order - s->top_order) > 0)
			s->top_order = slot->order;
		if (!slot->resent) {
			rtt = now - slot->sent_at;
			s->srtt = s->srtt ? (7 * s->srtt + rtt) / 8 : rtt;
			s->rto = 4 * s->srtt < RTO_MIN_US ? RTO_MIN_US :
				 4 * s->srtt > RTO_MAX_US ? RTO_MAX_US :
				 4 * s->srtt;
		}
	}
	s->last_ack = now;
	s->cwnd += s->cwnd < s->ssthresh ? 1 : 1 / s->cwnd;
	if (s->cwnd > WINDOW)
		s->cwnd = WINDOW;
}

/* What later chunks have overtaken by far is lost. */
static void find_lost(struct sender *s)
{
	bool lost = false;
	struct slot *slot;
	uint32_t i;

	for (i = s->base; i < s->next; i++) {
		slot = slot_of(s, i);
		if (slot->acked || !slot->sent_at ||
		    (int32_t)(s->top_order - slot->order) < DUPTHRESH)
			continue;
		slot->sent_at = 0;
		s->in_flight--;
		/* One halving for all losses of one window. */
		if ((int32_t)(slot->order - s->recovery) > 0)
			lost = true;
	}
	if (lost) {
		s->recovery = s->order;
		s->ssthresh = s->cwnd / 2 < 4 ? 4 : s->cwnd / 2;
		s->cwnd = s->ssthresh;
	}
}

static void handle_ack(struct sender *s, const uint8_t *buf, size_t len)
{
	uint64_t now = now_us();
	struct head h;
	uint32_t index, i;

	memcpy(&h, buf, sizeof(h));
	index = ntohl(h.index);
	if (index < s->base || index > s->next)
		return;		/* an old one, overtaken; or nonsense */
	s->room = be64toh(h.value) > WINDOW ? WINDOW : be64toh(h.value);
	if (s->room < 2)
		s->room = 2;
	for (; s->base < index; s->base++)
		one_acked(s, s->base, now);
	buf += sizeof(h);
	len -= sizeof(h);
	for (i = 0; i < len * 8 && index + 1 + i < s->next; i++)
		if (buf[i / 8] & 1 << i % 8)
			one_acked(s, index + 1 + i, now);
	find_lost(s);
}

/* Nothing came back for too long: everything is taken for lost. */
static void timed_out(struct sender *s)
{
	uint32_t i;

	for (i = s->base; i < s->next; i++)
		slot_of(s, i)->sent_at = 0;
	s->in_flight = 0;
	s->recovery = s->order;
	s->ssthresh = s->cwnd / 2 < 4 ? 4 : s->cwnd / 2;
	s->cwnd = 4;
	s->rto = s->rto * 2 > RTO_MAX_US ? RTO_MAX_US : s->rto * 2;
	s->last_rto = now_us();
}

/* Waits up to @us for records and takes what is there.  0, EPIPE, or an errno. */
static int take_acks(struct sender *s, uint64_t us)
{
	struct pollfd pfd = { .fd = s->fd, .events = POLLIN | POLLRDHUP };
	uint8_t buf[2048];
	ssize_t n;
	int got = 0;

	if (poll(&pfd, 1, (us + 999) / 1000) <= 0)
		return 0;
	for (;;) {
		n = recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n >= (ssize_t)sizeof(struct head) && buf[0] == ACK &&
		    buf[1] == VERSION) {
			handle_ack(s, buf, n);
			/* Keep the pipe full between the acks. */
			if (++got % 8)
				continue;
			return 0;
		}
		if (n < 0 && errno != EINTR && errno != ECONNREFUSED)
			return errno == EAGAIN ? 0 : errno;
		if (!n) {
			pfd.events = POLLRDHUP;
			if (poll(&pfd, 1, 0) > 0 && pfd.revents & POLLRDHUP)
				return EPIPE;
		}
	}
}

static int offer(struct sender *s)
{
	uint64_t end = now_us() + DEADLINE_US, wait = RTO_MIN_US;
	uint8_t buf[sizeof(struct head)];
	int ret;

	s->room = 0;
	put_head(buf, OFFER, 0, s->chunk, s->size);
	while (!s->room) {
		if (now_us() > end) {
			say("the peer does not take the file (is it 'kdtls --recv'?)");
			return ETIMEDOUT;
		}
		ret = send_some(s->fd, buf, sizeof(buf));
		if (!ret)
			ret = take_acks(s, wait);
		if (ret)
			return ret;
		wait = wait * 2 > RTO_MAX_US ? RTO_MAX_US : wait * 2;
	}
	return 0;
}

static int sender_loop(struct sender *s)
{
	uint64_t now, wait, oldest, next_line = now_us() + PROGRESS_US;
	int ret;

	s->last_ack = now_us();
	while (s->base < s->count) {
		ret = send_window(s);
		if (ret)
			return ret;
		now = now_us();
		if (now - s->last_ack > DEADLINE_US)
			return ETIMEDOUT;
		oldest = s->last_ack > s->last_rto ? s->last_ack : s->last_rto;
		wait = oldest + s->rto > now ? oldest + s->rto - now : 0;
		if (!wait) {
			timed_out(s);
			continue;
		}
		ret = take_acks(s, wait);
		if (ret)
			return ret;
		progress("sent", (uint64_t)s->base * s->chunk, s->size,
			 &next_line);
	}
	return 0;
}

int file_send(kdtls_session *session, const char *name)
{
	int max = 0, segment, ret = EXIT_TRANSFER, err;
	uint64_t start = now_us();
	socklen_t len = sizeof(max);
	struct sender *s;
	struct stat st;
	uint8_t bye[sizeof(struct head)];

	s = calloc(1, sizeof(*s));
	if (!s)
		return EXIT_TRANSFER;
	s->fd = kdtls_fd(session);
	s->file = open(name, O_RDONLY | O_CLOEXEC);
	if (s->file < 0 || fstat(s->file, &st) || !S_ISREG(st.st_mode)) {
		say("%s: %s", name, s->file < 0 ? strerror(errno) :
		    "not a regular file");
		goto out;
	}
	if (getsockopt(s->fd, SOL_DTLS, DTLS_MAX_PAYLOAD, &max, &len)) {
		say("DTLS_MAX_PAYLOAD: %s", strerror(errno));
		ret = EXIT_KERNEL;
		goto out;
	}
	max -= sizeof(struct head);
	s->chunk = max < CHUNK_MIN ? CHUNK_MIN : max > CHUNK_MAX ? CHUNK_MAX : max;
	s->size = st.st_size;
	if (s->size / s->chunk >= UINT32_MAX) {
		say("%s: too large", name);
		goto out;
	}
	s->count = (s->size + s->chunk - 1) / s->chunk;
	s->rto = 1000000;
	s->cwnd = 32;
	s->ssthresh = WINDOW;
	segment = sizeof(struct head) + s->chunk;
	s->segment = !opt.no_batch &&
		     !setsockopt(s->fd, SOL_UDP, UDP_SEGMENT, &segment,
				 sizeof(segment));
	err = offer(s);
	if (!err)
		err = sender_loop(s);
	if (err) {
		say("%s: sent %llu of %llu bytes: %s", name,
		    (unsigned long long)s->base * s->chunk,
		    (unsigned long long)s->size, err == EPIPE ?
		    "the peer has closed" : strerror(err));
		goto out;
	}
	put_head(bye, BYE, 0, s->count, 0);
	send_some(s->fd, bye, sizeof(bye));
	shutdown(s->fd, SHUT_WR);
	if (!opt.quiet)
		say("sent %llu bytes in %u chunks of %u, %llu of them again, in %.1f s",
		    (unsigned long long)s->size, s->count, s->chunk,
		    (unsigned long long)s->repeated,
		    (now_us() - start) / 1e6);
	ret = EXIT_OK;
out:
	if (s->file >= 0)
		close(s->file);
	free(s);
	return ret;
}

/* ------------------------------------------------------------------------
 * Receiver
 */

struct receiver {
	int fd, file;
	uint64_t size;
	uint32_t chunk, count;
	uint32_t base;			/* all below are there */
	uint32_t top;			/* highest one there, plus one */
	uint32_t room;
	uint32_t fresh;			/* chunks since the last ack */
	bool offered, bye, failed;
	uint8_t have[WINDOW];		/* ring: chunk base + i at (base + i) */
	uint8_t buf[65536 + CHUNK_MAX];
};

static void send_ack(struct receiver *r)
{
	uint8_t buf[sizeof(struct head) + WINDOW / 8] = { 0 };
	uint8_t *bits = buf + sizeof(struct head);
	uint32_t i, n = 0;

	for (i = r->base + 1; i < r->top; i++) {
		if (!r->have[i % WINDOW])
			continue;
		n = i - r->base - 1;
		bits[n / 8] |= 1 << n % 8;
	}
	n = r->top > r->base + 1 ? n / 8 + 1 : 0;
	put_head(buf, ACK, n, r->base, r->room);
	/* A lost one is made good by the next. */
	send_some(r->fd, buf, sizeof(struct head) + n);
	r->fresh = 0;
}

static void take_offer(struct receiver *r, const struct head *h)
{
	uint64_t chunk = ntohl(h->index), size = be64toh(h->value);

	if (!r->offered && chunk >= CHUNK_MIN && chunk <= CHUNK_MAX &&
	    size / chunk < UINT32_MAX) {
		r->offered = true;
		r->chunk = chunk;
		r->size = size;
		r->count = (size + chunk - 1) / chunk;
	}
	if (r->offered)
		send_ack(r);
}

static void take_chunk(struct receiver *r, uint32_t index, const uint8_t *data,
		       size_t len)
{
	uint64_t at = (uint64_t)index * r->chunk;
	ssize_t n;

	if (!r->offered || index >= r->count ||
	    len != (index + 1 < r->count ? r->chunk : r->size - at))
		return;
	r->fresh++;
	if (index < r->base || index - r->base >= WINDOW ||
	    r->have[index % WINDOW])
		return;
	n = pwrite(r->file, data, len, at);
	if (n != (ssize_t)len) {
		say("writing: %s", n < 0 ? strerror(errno) : "no space");
		r->failed = true;
		return;
	}
	r->have[index % WINDOW] = 1;
	if (index >= r->top)
		r->top = index + 1;
	while (r->base < r->count && r->have[r->base % WINDOW]) {
		r->have[r->base % WINDOW] = 0;
		r->base++;
	}
	if (r->top < r->base)
		r->top = r->base;
}

/* One record, or with UDP_GRO several, each of which says how long it is. */
static void take_messages(struct receiver *r, const uint8_t *p, size_t left)
{
	struct head h;
	size_t len;

	while (left >= sizeof(h)) {
		memcpy(&h, p, sizeof(h));
		len = ntohs(h.len);
		p += sizeof(h);
		left -= sizeof(h);
		if (h.version != VERSION || len > left)
			return;
		if (h.type == OFFER)
			take_offer(r, &h);
		else if (h.type == DATA)
			take_chunk(r, ntohl(h.index), p, len);
		else if (h.type == BYE)
			r->bye = true;
		p += len;
		left -= len;
	}
}

static uint32_t receive_room(int fd)
{
	int size = 0;
	socklen_t len = sizeof(size);

	/* The kernel counts its own overhead too: half a page for each. */
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &len) || size < 65536)
		return 16;
	size /= 4096;
	return size > WINDOW ? WINDOW : size;
}

static bool complete(const struct receiver *r)
{
	return r->offered && r->base == r->count;
}

static int receiver_loop(struct receiver *r)
{
	uint64_t last = now_us(), next_line = now_us() + PROGRESS_US;
	struct pollfd pfd = { .fd = r->fd };
	ssize_t n;

	while (!r->bye && !r->failed) {
		/* Stay for a sender that has missed the last ack. */
		if (now_us() - last > (complete(r) ? 3000000 : DEADLINE_US))
			return complete(r) ? 0 : ETIMEDOUT;
		pfd.events = POLLIN | POLLRDHUP;
		if (poll(&pfd, 1, 100) <= 0)
			continue;
		for (;;) {
			n = recv(r->fd, r->buf, sizeof(r->buf), MSG_DONTWAIT);
			if (n <= 0)
				break;
			last = now_us();
			take_messages(r, r->buf, n);
			if (r->fresh >= BATCH)
				send_ack(r);
			progress("received", (uint64_t)r->base * r->chunk,
				 r->size, &next_line);
			if (r->bye || r->failed)
				break;
		}
		if (r->fresh)
			send_ack(r);
		if (n < 0 && errno != EAGAIN && errno != EINTR &&
		    errno != ECONNREFUSED)
			return errno;
		if (!n) {
			pfd.events = POLLRDHUP;
			if (poll(&pfd, 1, 0) > 0 && pfd.revents & POLLRDHUP)
				return complete(r) ? 0 : EPIPE;
		}
	}
	return r->failed ? EIO : 0;
}

int file_recv(kdtls_session *session, const char *name)
{
	uint64_t start = now_us();
	int ret = EXIT_TRANSFER, one = 1, err = 0;
	struct receiver *r;
	ssize_t n;

	r = calloc(1, sizeof(*r));
	if (!r)
		return EXIT_TRANSFER;
	r->fd = kdtls_fd(session);
	r->file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (r->file < 0) {
		say("%s: %s", name, strerror(errno));
		goto out;
	}
	r->room = receive_room(r->fd);
	if (!opt.no_batch)
		setsockopt(r->fd, SOL_UDP, UDP_GRO, &one, sizeof(one));
	while ((n = kdtls_early(session, r->buf, sizeof(r->buf))) >= 0)
		take_messages(r, r->buf, n);
	if (r->fresh)
		send_ack(r);
	if (!r->bye)
		err = receiver_loop(r);
	if (!err && (!complete(r) || r->failed))
		err = EIO;
	if (close(r->file) && !err)
		err = errno;
	r->file = -1;
	if (err) {
		say("%s: received %llu of %llu bytes: %s", name,
		    (unsigned long long)r->base * r->chunk,
		    (unsigned long long)r->size, err == EPIPE ?
		    "the peer has closed" : strerror(err));
		goto out;
	}
	shutdown(r->fd, SHUT_WR);
	if (!opt.quiet)
		say("received %llu bytes in %u chunks of %u, in %.1f s",
		    (unsigned long long)r->size, r->count, r->chunk,
		    (now_us() - start) / 1e6);
	ret = EXIT_OK;
out:
	if (r->file >= 0)
		close(r->file);
	free(r);
	return ret;
}
