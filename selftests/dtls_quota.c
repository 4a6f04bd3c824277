// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto -lpthread */
/* kselftest-debug: yes */
/*
 * How many peers a socket and a user may have: by DTLS_PEER_MAX, and by the module's
 * peers_per_user, which no user gets around with namespaces.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/crowd.h"

#define MEMBERS	8
#define WAYS	(DTLS_PEER_TX | DTLS_PEER_RX)
#define LIMIT	5
#define NOBODY	65534
#define SOMEBODY 1234
#define PARAM	"/sys/module/dtls/parameters/peers_per_user"

static void set_limit(unsigned long peers)
{
	FILE *f = fopen(PARAM, "w");

	must(f && fprintf(f, "%lu\n", peers) > 0 && !fclose(f));
}

FIXTURE(quota) {
	struct crowd c;
};

FIXTURE_SETUP(quota)
{
	netns_new();
	crowd_prepare(&self->c, SUITE_AES_128_GCM, FAMILY_V4, MEMBERS, false);
	set_limit(LIMIT);
}

FIXTURE_TEARDOWN(quota)
{
	set_limit(0);
	crowd_close(&self->c);
}

#define REFUSED	0x40

/*
 * Adds them from @from on, as long as it goes. Returns the number that went, and
 * whether the next was one too many.
 */
static unsigned int add_from(struct crowd *c, unsigned int from)
{
	unsigned int i;
	int err = 0;

	for (i = from; i < c->nr && !err; i++)
		err = peer_add(c, &c->m[i], WAYS);
	must(!err || err == ENOBUFS);
	return err ? (i - 1 - from) | REFUSED : i - from;
}

static void say(const char *file, const char *format, unsigned int number)
{
	char text[32];
	int len = sprintf(text, format, number);
	int fd = open(file, O_WRONLY);

	must(fd >= 0 && write(fd, text, len) == len && !close(fd));
}

/* Another namespace, with nobody in it but us, as root. */
static void new_userns(void)
{
	unsigned int uid = geteuid(), gid = getegid();

	must(!unshare(CLONE_NEWUSER));
	say("/proc/self/setgroups", "deny", 0);
	say("/proc/self/uid_map", "0 %u 1", uid);
	say("/proc/self/gid_map", "0 %u 1", gid);
}

TEST_F(quota, of_a_socket)
{
	struct crowd *c = &self->c;
	int max = -1;
	socklen_t len = sizeof(max);

	ASSERT_EQ(0, getsockopt(c->fd, SOL_DTLS, DTLS_PEER_MAX, &max, &len));
	ASSERT_EQ(0, max);
	ASSERT_EQ(-1, set_int(c->fd, SOL_DTLS, DTLS_PEER_MAX, -1));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(0, set_int(c->fd, SOL_DTLS, DTLS_PEER_MAX, 3));
	ASSERT_EQ(0, getsockopt(c->fd, SOL_DTLS, DTLS_PEER_MAX, &max, &len));
	ASSERT_EQ(3, max);
	ASSERT_EQ(3 | REFUSED, add_from(c, 0));
	/* those who are there may begin anew, and leave their place */
	ASSERT_EQ(0, peer_add(c, &c->m[1], WAYS | DTLS_PEER_REPLACE));
	ASSERT_EQ(0, peer_add(c, &c->m[1], WAYS | DTLS_PEER_REPLACE));
	ASSERT_EQ(EEXIST, peer_add(c, &c->m[1], WAYS));
	ASSERT_EQ(ENOBUFS, peer_add(c, &c->m[3], WAYS | DTLS_PEER_REPLACE));
	ASSERT_EQ(0, peer_del(c->fd, c->m[0].id, 0));
	ASSERT_EQ(1 | REFUSED, add_from(c, 3));
	/* fewer than there are: they stay */
	ASSERT_EQ(0, set_int(c->fd, SOL_DTLS, DTLS_PEER_MAX, 1));
	ASSERT_EQ(4, crowd_send(c, &c->m[2], "ping", 4));
	ASSERT_EQ(ENOBUFS, peer_add(c, &c->m[4], WAYS));
	ASSERT_EQ(0, set_int(c->fd, SOL_DTLS, DTLS_PEER_MAX, 0));
	ASSERT_EQ(4, add_from(c, 4));
}

/* In a process of its own, so that it may become somebody. */
static unsigned int as_somebody(struct crowd *c, uid_t uid, int namespaces,
				unsigned int from)
{
	int status;
	pid_t pid = fork();

	must(pid >= 0);
	if (!pid) {
		must(!setresuid(uid, uid, uid));
		/* or what is ours in /proc would be root's */
		must(!prctl(PR_SET_DUMPABLE, 1));
		for (; namespaces; namespaces--)
			new_userns();
		_exit(add_from(c, from));
	}
	must(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST_F(quota, not_of_root)
{
	ASSERT_EQ(MEMBERS, add_from(&self->c, 0));
}

TEST_F(quota, of_a_user)
{
	struct crowd *c = &self->c, other;

	ASSERT_EQ(LIMIT | REFUSED, as_somebody(c, SOMEBODY, 0, 0));
	/* by another socket neither; but another user may */
	crowd_prepare(&other, SUITE_AES_128_GCM, FAMILY_V4, MEMBERS, false);
	ASSERT_EQ(0 | REFUSED, as_somebody(&other, SOMEBODY, 0, 0));
	ASSERT_EQ(LIMIT | REFUSED, as_somebody(&other, NOBODY, 0, 0));
	/* what ends is given back, with its socket and without */
	crowd_close(&other);
	crowd_prepare(&other, SUITE_AES_128_GCM, FAMILY_V4, MEMBERS, false);
	ASSERT_EQ(LIMIT | REFUSED, as_somebody(&other, NOBODY, 0, 0));
	ASSERT_EQ(0, peer_del(c->fd, 2, 0));
	ASSERT_EQ(0, peer_del(c->fd, 3, 0));
	ASSERT_EQ(2 | REFUSED, as_somebody(c, SOMEBODY, 0, LIMIT));
	crowd_close(&other);
	/* refused ones have left nothing behind */
	set_limit(LIMIT + 1);
	ASSERT_EQ(1, as_somebody(c, SOMEBODY, 0, MEMBERS - 1));
}

TEST_F(quota, of_namespaces)
{
	struct crowd *c = &self->c, other;

	if (access("/proc/self/ns/user", F_OK))
		SKIP(return, "no user namespaces");
	/* root there, and as many as the user has who made it */
	ASSERT_EQ(LIMIT | REFUSED, as_somebody(c, SOMEBODY, 1, 0));
	crowd_prepare(&other, SUITE_AES_128_GCM, FAMILY_V4, MEMBERS, false);
	ASSERT_EQ(0 | REFUSED, as_somebody(&other, SOMEBODY, 1, 0));
	ASSERT_EQ(0 | REFUSED, as_somebody(&other, SOMEBODY, 3, 0));
	ASSERT_EQ(0 | REFUSED, as_somebody(&other, SOMEBODY, 0, 0));
	ASSERT_EQ(LIMIT | REFUSED, as_somebody(&other, NOBODY, 3, 0));
	crowd_close(&other);
}

TEST_HARNESS_MAIN
