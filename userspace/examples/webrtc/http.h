/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* http.c and page.c: a page to try it by hand. */
#ifndef WEBRTC_HTTP_H
#define WEBRTC_HTTP_H

#include <poll.h>

/* Connections at a time. */
#define HTTP_MAX	8

/* "PORT", of loopback, or "ADDRESS:PORT".  0 or a negative errno. */
int http_open(const char *where);

/* Fills in 1 + HTTP_MAX of them at most; how many. */
unsigned int http_poll(struct pollfd *pfd);
void http_work(const struct pollfd *pfd, unsigned int num);

/* page.c */
extern const char http_page[];

#endif /* WEBRTC_HTTP_H */
