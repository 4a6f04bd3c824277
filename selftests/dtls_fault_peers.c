// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: yes */
/* kselftest-timeout: 300 */
/*
 * As dtls_fault, for the peers of an unconnected socket: every allocation and every
 * copy fails once while they are added, asked for, spoken with and removed.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/crowd.h"
#include "lib/fault.h"
#include "lib/genl.h"

#define WAYS		(DTLS_PEER_TX | DTLS_PEER_RX)

static __u8 out[20000], in[20000];

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
}

FIXTURE(fault) {
	struct crowd c;
};

FIXTURE_VARIANT(fault) {
	__u16 suite;
	int family;
};

FIXTURE_VARIANT_ADD(fault, v12) { SUITE_AES_128_GCM, FAMILY_V6 };
FIXTURE_VARIANT_ADD(fault, v13) { SUITE13_CHACHA20, FAMILY_V4 };

FIXTURE_SETUP(fault)
{
	if (!fault_init())
		SKIP(return, "no fault injection in this kernel");
	netns_new();
	fill(out, sizeof(out), 1);
	crowd_prepare(&self->c, variant->suite, variant->family, 3, false);
}

FIXTURE_TEARDOWN(fault)
{
	if (self->c.m)
		crowd_close(&self->c);
}

static bool alive(const struct crowd *c, struct member *m)
{
	struct sockaddr_storage from;

	must(member_send(c, m, out, 50) == 50);
	return crowd_recv(c, in, sizeof(in), MSG_DONTWAIT, &from, NULL, NULL) == 50 &&
	       crowd_whose(c, &from) == m && crowd_send(c, m, out, 60) == 60 &&
	       member_recv(c, m, in, sizeof(in), MSG_DONTWAIT) == 60 &&
	       !memcmp(in, out, 60);
}

/* The first one of a socket, one more, and one in the place of another. */
TEST_F(fault, add)
{
	__u8 buf[PEER_ADD_ROOM];
	int nth, fd, ret, err, faults;
	unsigned int which;
	struct crowd c;
	size_t len;
	bool hit;

	for (which = 0; which < 3; which++) {
		faults = 0;
		for (nth = 1; nth < FAULT_TRIES; nth++) {
			crowd_prepare(&c, variant->suite, variant->family, 2, false);
			if (which)
				ASSERT_EQ(0, peer_add(&c, &c.m[1], WAYS));
			if (which == 2)
				ASSERT_EQ(0, peer_add(&c, &c.m[0], WAYS));
			len = peer_add_fill(&c, &c.m[0], WAYS |
					    (which == 2 ? DTLS_PEER_REPLACE : 0), buf);
			fd = fault_arm(nth);
			ret = setsockopt(c.fd, SOL_DTLS, DTLS_PEER_ADD, buf, len);
			err = errno;
			hit = fault_happened(fd, NULL);
			faults += hit;
			if (ret) {
				ASSERT_EQ(true, hit);
				ASSERT_EQ(true, fault_error(err)) TH_LOG("errno %d", err);
				/* what was there is there still */
				if (which == 2)
					ASSERT_EQ(true, alive(&c, &c.m[0]));
				if (which)
					ASSERT_EQ(true, alive(&c, &c.m[1]));
				len = peer_add_fill(&c, &c.m[0], WAYS |
						    DTLS_PEER_REPLACE, buf);
				ASSERT_EQ(0, setsockopt(c.fd, SOL_DTLS,
							DTLS_PEER_ADD, buf, len));
			}
			/* its keys are as they were: the window, too */
			if (!ret || which != 2)
				ASSERT_EQ(true, alive(&c, &c.m[0]));
			crowd_close(&c);
			if (!hit)
				break;
		}
		ASSERT_LT(nth, FAULT_TRIES);
		ASSERT_LT(4, faults) TH_LOG("%u", which);
	}
}

TEST_F(fault, asked_and_removed)
{
	struct crowd *c = &self->c;
	struct dtls_peer_info info;
	struct member *m = &c->m[0];
	int nth, fd, ret, what, val;
	size_t len;
	bool hit;

	ASSERT_EQ(0, peer_add(c, &c->m[1], WAYS));
	ASSERT_EQ(0, set_int(c->fd, SOL_DTLS, DTLS_EVENTS, DTLS_EVENT_ALL));
	for (what = 0; what < 5; what++) {
		for (nth = 1; nth < FAULT_TRIES; nth++) {
			struct member now = *m;

			ASSERT_EQ(0, peer_add(c, &now, WAYS));
			if (what == 4) {
				must(member_alert(c, &now, ALERT_FATAL,
						  ALERT_INTERNAL_ERROR) == 2);
				settle();
			}
			fd = fault_arm(nth);
			switch (what) {
			case 0:
				info = (struct dtls_peer_info){ .id = now.id };
				ret = peer_info(c->fd, &info);
				break;
			case 1:
				len = sizeof(val);
				ret = peer_get(c->fd, now.id, DTLS_MAX_PAYLOAD,
					       &val, &len);
				break;
			case 2:
				ret = peer_del(c->fd, now.id, DTLS_PEER_NOTIFY);
				break;
			case 3:
				ret = peer_del(c->fd, now.id, 0);
				break;
			case 4:
				/* its event may get lost, and nothing else */
				recv(c->fd, in, sizeof(in), MSG_DONTWAIT);
				ret = 0;
				break;
			}
			hit = fault_happened(fd, NULL);
			if (ret) {
				ASSERT_EQ(true, hit) TH_LOG("%d: %d", what, ret);
				ASSERT_EQ(true, fault_error(ret) || ret == ENOENT);
			}
			if (what < 2 || what == 4 || ret)
				peer_del(c->fd, now.id, 0);
			ASSERT_EQ(0, peer_id(c->fd, &now.addr));
			while (recv_soon(now.end12.fd, in, sizeof(in), 0) >= 0)
				;
			ASSERT_EQ(true, alive(c, &c->m[1]));
			if (!hit)
				break;
		}
		ASSERT_LT(nth, FAULT_TRIES);
	}
	ASSERT_EQ(1, stat_read("CurrAssociations"));
}

TEST_F(fault, records)
{
	static const int sizes[] = { 5, 1000, 16000 };
	struct crowd *c = &self->c;
	struct member *m = &c->m[0];
	int nth, fd, i;
	ssize_t ret;
	bool hit;

	ASSERT_EQ(0, peer_add(c, m, WAYS));
	ASSERT_EQ(0, peer_add(c, &c->m[1], WAYS));
	for (i = 0; i < 6; i++) {
		for (nth = 1; nth < FAULT_TRIES; nth++) {
			int size = sizes[i % 3];

			if (i < 3) {
				fd = fault_arm(nth);
				ret = crowd_send(c, m, out, size);
				hit = fault_happened(fd, NULL);
			} else {
				must(member_send(c, m, out, size) == size);
				settle();
				fd = fault_arm(nth);
				ret = recv(c->fd, in, sizeof(in), MSG_DONTWAIT);
				hit = fault_happened(fd, NULL);
			}
			ASSERT_TRUE(hit || ret == size);
			/* whatever has come is right */
			while ((ret = member_recv(c, m, in, sizeof(in),
						  MSG_DONTWAIT)) >= 0)
				ASSERT_EQ(0, memcmp(in, out, ret));
			while ((ret = recv_soon(c->fd, in, sizeof(in), 0)) >= 0)
				ASSERT_EQ(0, memcmp(in, out, ret));
			ASSERT_EQ(true, alive(c, m));
			ASSERT_EQ(true, alive(c, &c->m[1]));
			if (!hit)
				break;
		}
		ASSERT_LT(nth, FAULT_TRIES);
	}
}

/* A peer stays with all it has, or it is moved with all it has. */
TEST_F(fault, peeloff)
{
	struct crowd *c = &self->c;
	struct member *m = &c->m[0];
	int nth, fd, ret, faults = 0, low;
	bool hit;

	ASSERT_EQ(0, peer_add(c, &c->m[1], WAYS));
	/* which opens what it keeps */
	ASSERT_EQ(true, alive(c, &c->m[1]));
	low = dup(c->fd);
	close(low);
	for (nth = 1; nth < FAULT_TRIES; nth++) {
		ASSERT_EQ(0, peer_add(c, m, WAYS));
		must(member_send(c, m, out, 70) == 70);
		settle();
		fd = fault_arm(nth);
		ret = peer_peeloff(c->fd, m->id, 0);
		hit = fault_happened(fd, NULL);
		faults += hit;
		ASSERT_EQ(70, recv(ret < 0 ? c->fd : ret, in, sizeof(in), MSG_DONTWAIT))
			TH_LOG("%d: %d", nth, ret);
		if (ret < 0) {
			ASSERT_EQ(true, hit);
			/* what socket() says without memory for an inode */
			ASSERT_EQ(true, fault_error(-ret) || ret == -ENFILE)
				TH_LOG("errno %d", -ret);
			ASSERT_EQ(true, alive(c, m));
			ASSERT_EQ(0, peer_del(c->fd, m->id, 0));
		} else {
			ASSERT_EQ(60, send(ret, out, 60, 0));
			ASSERT_EQ(60, member_recv(c, m, in, sizeof(in), MSG_DONTWAIT));
			close(ret);
		}
		ASSERT_EQ(true, alive(c, &c->m[1]));
		/* no descriptor is left over */
		ret = dup(c->fd);
		ASSERT_EQ(low, ret) TH_LOG("%d", nth);
		close(ret);
		if (!hit)
			break;
	}
	ASSERT_LT(nth, FAULT_TRIES);
	ASSERT_LT(10, faults);
	ASSERT_EQ(1, stat_read("CurrAssociations"));
}

static void count(const struct genl_msg *m, const struct nlmsghdr *nlh, void *arg)
{
	(void)m;
	(void)nlh;
	++*(unsigned int *)arg;
}

/* What netlink does: attach, add, show, change, remove; and events of it all. */
TEST_F(fault, netlink)
{
	struct crowd *c = &self->c;
	struct member *m = &c->m[0];
	int nth, fd, ret, what, plain;
	struct member before = *m;
	unsigned int seen, faults;
	struct genl_req r;
	struct genl g, ears;
	bool hit;

	genl_open(&g);
	genl_open(&ears);
	ASSERT_EQ(0, genl_join(&ears, ears.events));
	ASSERT_EQ(0, peer_add(c, &c->m[1], WAYS));
	for (what = 0; what < 7; what++) {
		faults = 0;
		for (nth = 1; nth < FAULT_TRIES; nth++) {
			struct member now = *m;

			plain = udp_bound(variant->family);
			if (what > 1)
				ASSERT_EQ(0, peer_add(c, &now, WAYS));
			switch (what) {
			case 0:
				genl_begin_fd(&r, DTLS_CMD_ATTACH, plain);
				break;
			case 1:
				genl_peer_new(&r, c, m, 0);
				break;
			case 2:
				genl_begin_fd(&r, DTLS_CMD_SOCKET_GET, c->fd);
				break;
			case 3:
				genl_begin(&r, DTLS_CMD_PEER_GET);
				break;
			case 4:
				genl_begin_fd(&r, DTLS_CMD_PEER_SET, c->fd);
				genl_u64(&r, DTLS_A_PEER_ID, now.id);
				genl_address(&r, &c->m[2].addr);
				break;
			case 5:
				genl_begin_fd(&r, DTLS_CMD_PEER_DEL, c->fd);
				genl_u64(&r, DTLS_A_PEER_ID, now.id);
				genl_u32(&r, DTLS_A_FLAGS, DTLS_PEER_NOTIFY);
				break;
			case 6:
				genl_begin(&r, DTLS_CMD_STATS_GET);
				break;
			}
			seen = 0;
			fd = fault_arm(nth);
			ret = genl_ask(&g, &r, what == 3 ? NLM_F_DUMP : 0, count, &seen);
			hit = fault_happened(fd, NULL);
			faults += hit;
			if (!hit) {
				ASSERT_EQ(0, ret) TH_LOG("%d: %s", what, g.text);
			} else if (ret) {
				ASSERT_EQ(true, fault_error(ret) || ret == ENOENT)
					TH_LOG("%d: %d", what, ret);
			}
			/* an answer that got lost leaves an error behind */
			genl_close(&g);
			genl_open(&g);
			while (genl_event(&ears, count, &seen))
				;
			now.id = peer_id(c->fd, &m->addr);
			if (!now.id)
				now.id = peer_id(c->fd, &c->m[2].addr);
			/* whoever is there works */
			if (what == 1 && now.id)
				ASSERT_EQ(true, alive(c, m));
			if (now.id)
				ASSERT_EQ(0, peer_del(c->fd, now.id, 0));
			while (recv_soon(now.end12.fd, in, sizeof(in), 0) >= 0)
				;
			ASSERT_EQ(true, alive(c, &c->m[1]));
			close(plain);
			/* its keys are as they were */
			*m = before;
			if (!hit)
				break;
		}
		ASSERT_LT(nth, FAULT_TRIES);
		ASSERT_LT(1, faults) TH_LOG("%d", what);
	}
	ASSERT_EQ(1, stat_read("CurrAssociations"));
	genl_close(&ears);
	genl_close(&g);
}

TEST_HARNESS_MAIN
