/* SPDX-License-Identifier: GPL-2.0-only */
/* Generic netlink, byte by byte: the family "dtls" without a library in between. */
#ifndef SELFTESTS_LIB_GENL_H
#define SELFTESTS_LIB_GENL_H

#include <linux/dtls_netlink.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "crowd.h"
#include "net.h"

struct genl {
	int fd;
	__u16 family;
	__u32 events;		/* number of the group, likewise */
	__u32 handshake;
	__u32 seq;
	bool inter;		/* the last dump has said NLM_F_DUMP_INTR */
	char text[200];		/* what the last error said, or "" */
	__u16 bad;		/* offset of the attribute that it was about, or 0 */
};

/* A request; what goes in is put at its end. */
struct genl_req {
	union {
		struct nlmsghdr nlh;
		__u8 buf[8192];
	};
};

/* What came back: where each attribute is, or NULL. */
struct genl_msg {
	__u8 cmd;
	const struct nlattr *attr[DTLS_A_MAX + 1];
};

/* Opens a socket and asks for the family: dies if there is none. */
void genl_open(struct genl *g);
void genl_close(struct genl *g);
int genl_join(struct genl *g, __u32 group);	/* 0 or an errno */

__u64 cookie_of(int fd);

void genl_begin(struct genl_req *r, __u8 cmd);
void genl_put(struct genl_req *r, __u16 type, const void *data, size_t len);
void genl_u16(struct genl_req *r, __u16 type, __u16 val);
void genl_u32(struct genl_req *r, __u16 type, __u32 val);
void genl_u64(struct genl_req *r, __u16 type, __u64 val);
size_t genl_nest(struct genl_req *r, __u16 type);
void genl_nest_end(struct genl_req *r, size_t at);

/* With a socket by descriptor. */
void genl_begin_fd(struct genl_req *r, __u8 cmd, int fd);
/* With a socket by cookie. */
void genl_begin_cookie(struct genl_req *r, __u8 cmd, int fd);
void genl_keys(struct genl_req *r, __u16 type, const struct dtls_keys *k);
void genl_address(struct genl_req *r, const struct sockaddr_storage *ss);
/* All that DTLS_CMD_PEER_NEW wants, for a member. */
void genl_peer_new(struct genl_req *r, const struct crowd *c,
		   const struct member *m, __u32 flags);

/* Only asks; 0 or an errno. */
int genl_send(struct genl *g, struct genl_req *r, __u16 flags);
typedef void (*genl_each)(const struct genl_msg *m, const struct nlmsghdr *nlh,
			  void *arg);
/*
 * Reads one datagram of answers; 1: there are more to come, 0: that was the end, or
 * -errno. @each may be NULL.
 */
int genl_recv(struct genl *g, genl_each each, void *arg);
/* Asks and reads all; 0 or an errno. @flags: NLM_F_DUMP, or 0. */
int genl_ask(struct genl *g, struct genl_req *r, __u16 flags, genl_each each,
	     void *arg);
/* The next event, without waiting; false if there is none. */
bool genl_event(struct genl *g, genl_each each, void *arg);

/* What the last of several answers has said, and how many there were. */
struct seen {
	unsigned int count;
	struct genl_msg m;
	__u8 copy[8192];
};

/* genl_ask(), and have that seen. */
int ask(struct genl *g, struct genl_req *r, __u16 flags, struct seen *s);
/* DTLS_CMD_PEER_NEW; gives the member its identifier. 0 or an errno. */
int peer_new(struct genl *g, const struct crowd *c, struct member *m, __u32 flags);

__u16 genl_get_u16(const struct nlattr *a);
__u32 genl_get_u32(const struct nlattr *a);
__u64 genl_get_u64(const struct nlattr *a);
/* An attribute of a nest, or NULL. */
const struct nlattr *genl_in(const struct nlattr *nest, __u16 type);
const void *genl_data(const struct nlattr *a);
size_t genl_len(const struct nlattr *a);

#endif /* SELFTESTS_LIB_GENL_H */
