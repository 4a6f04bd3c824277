// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A page to try it by hand, and the way of its offers: GET / is the page, POST /offer
 * has an SDP and is answered with one.  As much of HTTP (RFC 9112) as that takes, one
 * request for a connection; on loopback, if nothing else is asked for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"
#include "rtc.h"

#define REQUEST_MAX	(SDP_MAX + 8192)
#define IDLE_MS		10000

static struct conn {
	int fd;			/* 0: free */
	char *buf;
	size_t len;
	uint64_t since;
} conns[HTTP_MAX];

static int listener = -1;
static unsigned int offers;

int http_open(const char *where)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const char *colon = strchr(where, ':');
	char host[INET_ADDRSTRLEN];
	int one = 1;

	addr.sin_port = htons(strtoul(colon ? colon + 1 : where, NULL, 10));
	snprintf(host, sizeof(host), "%.*s", colon ? (int)(colon - where) : 0, where);
	if (!addr.sin_port ||
	    (colon && inet_pton(AF_INET, host, &addr.sin_addr) != 1))
		return -EINVAL;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener < 0 ||
	    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(listener, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(listener, HTTP_MAX))
		return -errno;
	return 0;
}

static void end(struct conn *c)
{
	close(c->fd);
	free(c->buf);
	memset(c, 0, sizeof(*c));
}

/* It is short, and the connection new: there is room for all of it. */
static void reply(struct conn *c, const char *status, const char *type,
		  const char *body, size_t len)
{
	char head[256];
	int n = snprintf(head, sizeof(head),
			 "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
			 "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
			 status, type, len);

	if (send(c->fd, head, n, MSG_NOSIGNAL | MSG_MORE) != n ||
	    send(c->fd, body, len, MSG_NOSIGNAL) != (ssize_t)len)
		say("http: half an answer");
	/* so that closing does not throw it away */
	shutdown(c->fd, SHUT_WR);
	end(c);
}

static void refuse(struct conn *c, const char *status)
{
	reply(c, status, "text/plain", status, strlen(status));
}

/* The value of a header line of @head, a string, up to its end; NULL: not there. */
static const char *header(const char *head, const char *name, size_t *len)
{
	size_t n = strlen(name);
	const char *line = head;

	while ((line = strstr(line, "\r\n"))) {
		line += 2;
		if (strncasecmp(line, name, n) || line[n] != ':')
			continue;
		line += n + 1;
		line += strspn(line, " \t");
		*len = strcspn(line, "\r");
		return line;
	}
	return NULL;
}

/* Pages of others may not have us answer: "http://" and our own name, or none. */
static bool of_our_page(const char *head)
{
	size_t from_len, host_len;
	const char *from = header(head, "Origin", &from_len);
	const char *host = header(head, "Host", &host_len);

	return !from || (host && from_len == host_len + 7 &&
			 !strncmp(from, "http://", 7) &&
			 !strncmp(from + 7, host, host_len));
}

static void offer(struct conn *c, char *sdp)
{
	static char text[SDP_MAX];
	char name[32];
	ssize_t len;

	snprintf(name, sizeof(name), "page%u", ++offers);
	len = answer_offer(name, sdp, text, sizeof(text));
	if (len < 0)
		refuse(c, "400 Bad Request");
	else
		reply(c, "200 OK", "application/sdp", text, len);
}

/* What has come so far; true: the connection is done with. */
static bool request(struct conn *c)
{
	unsigned long body = 0;
	const char *value;
	char *head_end;
	size_t n;

	c->buf[c->len] = '\0';
	head_end = strstr(c->buf, "\r\n\r\n");
	if (!head_end)
		return false;
	/* a body may look like headers */
	head_end[2] = '\0';
	value = header(c->buf, "Content-Length", &n);
	if (value)
		body = strtoul(value, NULL, 10);
	n = head_end + 4 - c->buf;
	if (body > SDP_MAX - 1) {
		refuse(c, "413 Content Too Large");
		return true;
	}
	if (c->len - n < body) {
		head_end[2] = '\r';
		return false;
	}
	c->buf[n + body] = '\0';
	if (!strncmp(c->buf, "GET / ", 6))
		reply(c, "200 OK", "text/html; charset=utf-8", http_page,
		      strlen(http_page));
	else if (strncmp(c->buf, "POST /offer ", 12))
		refuse(c, "404 Not Found");
	else if (!of_our_page(c->buf))
		refuse(c, "403 Forbidden");
	else
		offer(c, c->buf + n);
	return true;
}

static void receive(struct conn *c)
{
	ssize_t n;

	do {
		n = recv(c->fd, c->buf + c->len, REQUEST_MAX - c->len, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			end(c);
			return;
		}
		c->len += n;
		if (request(c))
			return;
	} while (c->len < REQUEST_MAX);
	refuse(c, "431 Request Header Fields Too Large");
}

static void welcome(void)
{
	struct conn *c;
	int i, fd;

	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	for (i = 0; i < HTTP_MAX && conns[i].fd; i++)
		;
	c = i < HTTP_MAX ? &conns[i] : NULL;
	if (c)
		c->buf = malloc(REQUEST_MAX + 1);
	if (!c || !c->buf) {
		close(fd);
		return;
	}
	c->fd = fd;
	c->since = now_ms();
}

unsigned int http_poll(struct pollfd *pfd)
{
	unsigned int i, n = 0;

	if (listener < 0)
		return 0;
	pfd[n++] = (struct pollfd){ .fd = listener, .events = POLLIN };
	for (i = 0; i < HTTP_MAX; i++)
		if (conns[i].fd)
			pfd[n++] = (struct pollfd){
				.fd = conns[i].fd, .events = POLLIN
			};
	return n;
}

void http_work(const struct pollfd *pfd, unsigned int num)
{
	unsigned int i, k;

	for (i = 0; i < num; i++) {
		for (k = 0; k < HTTP_MAX; k++)
			if (pfd[i].revents && conns[k].fd == pfd[i].fd)
				receive(&conns[k]);
		if (pfd[i].revents && pfd[i].fd == listener)
			welcome();
	}
	for (k = 0; k < HTTP_MAX; k++)
		if (conns[k].fd && now_ms() - conns[k].since > IDLE_MS)
			end(&conns[k]);
}
