// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto -lpthread */
/* kselftest-debug: yes */
/* kselftest-kcsan: yes */
/*
 * Generic netlink: every command, what each refuses and how it says so, who may what,
 * dumps while what they show comes and goes, events, and that no key comes out.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/crowd.h"
#include "lib/effort.h"
#include "lib/genl.h"

#define MEMBERS		5
#define WAYS		(DTLS_PEER_TX | DTLS_PEER_RX)

static __u8 in[DTLS_PLAINTEXT_MAX], out[65536];

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

static __u64 cookie_of(int fd)
{
	__u64 cookie = 0;
	socklen_t len = sizeof(cookie);

	must(!getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len));
	return cookie;
}

/* What one answer, or the last of several, has said. */
struct seen {
	unsigned int count;
	struct genl_msg m;
	__u8 copy[8192];
};

static void see(const struct genl_msg *m, const struct nlmsghdr *nlh, void *arg)
{
	struct seen *s = arg;
	int i;

	must(nlh->nlmsg_len <= sizeof(s->copy));
	memcpy(s->copy, nlh, nlh->nlmsg_len);
	s->count++;
	s->m.cmd = m->cmd;
	for (i = 0; i <= DTLS_A_MAX; i++)
		s->m.attr[i] = m->attr[i] ?
			(const void *)(s->copy + ((const __u8 *)m->attr[i] -
						  (const __u8 *)nlh)) : NULL;
}

static int ask(struct genl *g, struct genl_req *r, __u16 flags, struct seen *s)
{
	memset(s, 0, sizeof(*s));
	return genl_ask(g, r, flags, see, s);
}

FIXTURE(netlink) {
	struct crowd c;
	struct genl g;
	struct genl_req r;
	struct seen s;
};

FIXTURE_VARIANT(netlink) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(netlink, v12_v4) { SUITE_AES_128_GCM, FAMILY_V4 };
FIXTURE_VARIANT_ADD(netlink, v13_v6) { SUITE13_CHACHA20, FAMILY_V6 };

FIXTURE_SETUP(netlink)
{
	netns_new();
	crowd_prepare(&self->c, variant->suite, variant->family, MEMBERS, false);
	genl_open(&self->g);
}

FIXTURE_TEARDOWN(netlink)
{
	genl_close(&self->g);
	if (self->c.m)
		crowd_close(&self->c);
}

TEST_F(netlink, attach)
{
	struct genl *g = &self->g;
	int fd = udp_bound(variant->family), err;

	genl_begin(&self->r, DTLS_CMD_ATTACH);
	genl_u32(&self->r, DTLS_A_FD, fd);
	ASSERT_EQ(0, ask(g, &self->r, 0, &self->s));
	ASSERT_EQ(1, self->s.count);
	ASSERT_EQ(cookie_of(fd), genl_get_u64(self->s.m.attr[DTLS_A_COOKIE]));
	ASSERT_EQ(0, set_int(fd, SOL_DTLS, DTLS_RECVTYPE, 1));
	/* once */
	err = ask(g, &self->r, 0, &self->s);
	ASSERT_EQ(EEXIST, err);
	ASSERT_STREQ("the socket is attached already", g->text);
	close(fd);
}

TEST_HARNESS_MAIN
