// SPDX-License-Identifier: GPL-2.0-only
/* What all sides have in common. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <netinet/in.h>

#include "bench.h"
#include "pair.h"

#define BUFFER_ROOM	(16 << 20)

static __u8 in[BENCH_BUFFER];

bool bench_open(struct bench_link *l, const struct bench_side *side,
		enum bench_cipher cipher, size_t size)
{
	memset(l, 0, sizeof(*l));
	l->side = side;
	l->cipher = cipher;
	l->size = size;
	l->batch = 1;
	if (side->batched) {
		/* what one datagram of IPv4 can be, before it is cut */
		l->batch = 65507 / (size + BENCH_OVERHEAD);
		if (l->batch > BENCH_BATCH_MAX)
			l->batch = BENCH_BATCH_MAX;
	}
	return side->open(l);
}

void bench_close(struct bench_link *l)
{
	l->side->close(l);
}

/* The same payload again and again, as far as the buffer goes. */
const __u8 *bench_payload(size_t size)
{
	static __u8 out[BENCH_BUFFER];
	static size_t filled;
	size_t at;

	if (filled == size)
		return out;
	fill(out, size, 1);
	for (at = size; at + size <= sizeof(out); at += size)
		memcpy(out + at, out, size);
	filled = size;
	return out;
}

void bench_receive(struct bench_link *l, unsigned int records)
{
	unsigned int got = 0, n;

	while (got < records) {
		n = l->side->recv(l, in);
		if (!n)
			die("%s: %u of %u records came", l->side->name, got,
			    records);
		got += n;
	}
}

void bench_warm(struct bench_link *l, unsigned int records)
{
	const __u8 *out = bench_payload(l->size);
	unsigned int sent, got = 0, n;

	for (sent = 0; sent < records; sent += l->batch)
		l->side->send(l, out);
	while (got < sent) {
		memset(in, 0, sizeof(in));
		n = l->side->recv(l, in);
		if (!n || memcmp(in, out, n * l->size))
			die("%s: not the records that were sent", l->side->name);
		got += n;
	}
}

unsigned long long bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* The beginning of a line of JSON. */
void bench_print_link(const struct bench_link *l)
{
	printf("{\"side\": \"%s\", \"cipher\": \"%s\", \"size\": %zu, \"batch\": %u",
	       l->side->name, bench_cipher_names[l->cipher], l->size, l->batch);
}

void bench_room(const int fd[2])
{
	int i;

	for (i = 0; i < 2; i++) {
		must(!set_int(fd[i], SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_ROOM));
		must(!set_int(fd[i], SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_ROOM));
	}
}

/* With a deadline: a record that is lost is an error, not the end. */
void bench_block(const int fd[2], bool block)
{
	struct timeval tv = { .tv_sec = 1 };
	int i;

	for (i = 0; i < 2; i++) {
		must(!fcntl(fd[i], F_SETFL, block ? 0 : O_NONBLOCK));
		must(!setsockopt(fd[i], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
		must(!setsockopt(fd[i], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	}
}

void bench_udp_pair(struct bench_link *l)
{
	udp_pair(FAMILY_V4, l->fd);
	bench_room(l->fd);
	bench_block(l->fd, true);
}

void bench_send_fd(struct bench_link *l, const __u8 *out)
{
	size_t len = l->batch * l->size;

	if (send(l->fd[0], out, len, 0) != (ssize_t)len)
		die("%s: send", l->side->name);
}

unsigned int bench_recv_fd(struct bench_link *l, __u8 *in)
{
	ssize_t n = recv(l->fd[1], in, BENCH_BUFFER, 0);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0 || n % l->size)
		die("%s: recv: %zd bytes", l->side->name, n);
	return n / l->size;
}

void bench_close_fds(struct bench_link *l)
{
	close(l->fd[0]);
	close(l->fd[1]);
}
