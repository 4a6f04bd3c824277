// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-debug: yes */
/*
 * Generic netlink: every command, what each refuses and how it says so, who may what.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/crowd.h"
#include "lib/genl.h"

#define MEMBERS		5
#define WAYS		(DTLS_PEER_TX | DTLS_PEER_RX)

static __u8 in[DTLS_PLAINTEXT_MAX], out[65536];

static void __attribute__((constructor)) warm(void)
{
	far13_warm();
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

/* Data goes both ways between the socket and this member. */
static bool alive(const struct crowd *c, struct member *m)
{
	struct sockaddr_storage from;
	char text[8];

	must(member_send(c, m, "ping", 4) == 4);
	settle();
	if (crowd_recv(c, text, sizeof(text), MSG_DONTWAIT, &from, NULL, NULL) != 4 ||
	    memcmp(text, "ping", 4) || crowd_whose(c, &from) != m)
		return false;
	if (crowd_send(c, m, "pong!", 5) != 5)
		return false;
	settle();
	return member_recv(c, m, text, sizeof(text), MSG_DONTWAIT) == 5 &&
	       !memcmp(text, "pong!", 5);
}

TEST_F(netlink, attach)
{
	struct genl *g = &self->g;
	int fd = udp_bound(variant->family);
	int tcp = socket(AF_INET, SOCK_STREAM, 0), pipes[2];

	genl_begin_fd(&self->r, DTLS_CMD_ATTACH, fd);
	ASSERT_EQ(0, ask(g, &self->r, 0, &self->s));
	ASSERT_EQ(1, self->s.count);
	ASSERT_EQ(cookie_of(fd), genl_get_u64(self->s.m.attr[DTLS_A_COOKIE]));
	ASSERT_EQ(0, set_int(fd, SOL_DTLS, DTLS_RECVTYPE, 1));
	/* once */
	ASSERT_EQ(EEXIST, ask(g, &self->r, 0, &self->s));
	ASSERT_STREQ("the socket is attached already", g->text);

	genl_begin(&self->r, DTLS_CMD_ATTACH);
	ASSERT_EQ(EINVAL, ask(g, &self->r, 0, &self->s));
	ASSERT_STREQ("fd has to name a socket", g->text);
	genl_begin_fd(&self->r, DTLS_CMD_ATTACH, tcp);
	ASSERT_EQ(EOPNOTSUPP, ask(g, &self->r, 0, &self->s));
	ASSERT_STREQ("not a UDP socket", g->text);
	ASSERT_EQ(0, pipe(pipes));
	genl_begin_fd(&self->r, DTLS_CMD_ATTACH, pipes[0]);
	ASSERT_EQ(ENOTSOCK, ask(g, &self->r, 0, &self->s));
	ASSERT_STREQ("not a file descriptor of a socket", g->text);
	close(pipes[0]);
	genl_begin_fd(&self->r, DTLS_CMD_ATTACH, pipes[0]);
	ASSERT_EQ(EBADF, ask(g, &self->r, 0, &self->s));
	genl_begin_fd(&self->r, DTLS_CMD_ATTACH, -1);
	ASSERT_NE(0, ask(g, &self->r, 0, &self->s));
	close(pipes[1]);
	close(tcp);
	close(fd);
}

static void same_state(struct __test_metadata *_metadata, const struct nlattr *nest,
		       const struct dtls_keys *k, bool rx)
{
	ASSERT_NE(NULL, nest);
	ASSERT_EQ(k->cipher_suite,
		  genl_get_u16(genl_in(nest, DTLS_A_DIRECTION_CIPHER_SUITE)));
	ASSERT_EQ(k->epoch, genl_get_u32(genl_in(nest, DTLS_A_DIRECTION_EPOCH)));
	ASSERT_EQ(k->seq, genl_get_u64(genl_in(nest, DTLS_A_DIRECTION_SEQ)));
	ASSERT_EQ(k->records, genl_get_u64(genl_in(nest, DTLS_A_DIRECTION_RECORDS)));
	ASSERT_EQ(k->bytes, genl_get_u64(genl_in(nest, DTLS_A_DIRECTION_BYTES)));
	if (!rx)
		return;
	ASSERT_EQ(k->window, genl_get_u32(genl_in(nest, DTLS_A_DIRECTION_WINDOW)));
	ASSERT_EQ(k->drop_replay,
		  genl_get_u64(genl_in(nest, DTLS_A_DIRECTION_DROP_REPLAY)));
	ASSERT_EQ(k->drop_auth,
		  genl_get_u64(genl_in(nest, DTLS_A_DIRECTION_DROP_AUTH)));
}

/* A connected socket gets its keys by netlink, and is shown. */
TEST_F(netlink, socket)
{
	struct genl *g = &self->g;
	struct crowd *c = &self->c;
	struct member *m = &c->m[0];
	struct sockaddr_storage me;
	socklen_t len = sizeof(me);
	struct dtls_keys tx, rx;
	int fd = c->fd, way;

	member_keys(c, m, &tx, &rx);
	genl_begin_fd(&self->r, DTLS_CMD_PEER_SET, fd);
	genl_keys(&self->r, DTLS_A_TX_KEYS, &tx);
	genl_keys(&self->r, DTLS_A_RX_KEYS, &rx);
	ASSERT_EQ(ENOTCONN, ask(g, &self->r, 0, &self->s));
	ASSERT_STREQ("the socket is not connected", g->text);
	udp_connect(fd, m->end12.fd);
	genl_begin_fd(&self->r, DTLS_CMD_PEER_SET, fd);
	genl_keys(&self->r, DTLS_A_TX_KEYS, &tx);
	genl_keys(&self->r, DTLS_A_RX_KEYS, &rx);
	ASSERT_EQ(0, ask(g, &self->r, 0, &self->s)) TH_LOG("%s", g->text);
	ASSERT_EQ(EEXIST, ({
		genl_begin_fd(&self->r, DTLS_CMD_PEER_SET, fd);
		genl_keys(&self->r, DTLS_A_TX_KEYS, &tx);
		ask(g, &self->r, 0, &self->s);
	}));
	must(member_send(c, m, out, 100) == 100);
	ASSERT_EQ(100, recv_soon(fd, in, sizeof(in), 0));
	ASSERT_EQ(60, send(fd, out, 60, 0));
	settle();
	ASSERT_EQ(60, member_recv(c, m, in, sizeof(in), MSG_DONTWAIT));

	key_state(fd, DTLS_TX, &tx);
	key_state(fd, DTLS_RX, &rx);
	ASSERT_EQ(1, tx.records);
	ASSERT_EQ(0, getsockname(fd, (void *)&me, &len));
	for (way = 0; way < 3; way++) {
		if (way == 0)
			genl_begin_fd(&self->r, DTLS_CMD_SOCKET_GET, fd);
		else if (way == 1)
			genl_begin_cookie(&self->r, DTLS_CMD_SOCKET_GET, fd);
		else
			genl_begin(&self->r, DTLS_CMD_SOCKET_GET);
		ASSERT_EQ(0, ask(g, &self->r, way == 2 ? NLM_F_DUMP : 0, &self->s))
			TH_LOG("%s", g->text);
		ASSERT_EQ(1, self->s.count);
		ASSERT_EQ(cookie_of(fd), genl_get_u64(self->s.m.attr[DTLS_A_COOKIE]));
		ASSERT_EQ(me.ss_family, genl_get_u16(self->s.m.attr[DTLS_A_FAMILY]));
		ASSERT_EQ(0, memcmp(&me, genl_data(self->s.m.attr[DTLS_A_LOCAL]), len));
		ASSERT_EQ(0, memcmp(&m->addr, genl_data(self->s.m.attr[DTLS_A_ADDRESS]),
				    m->addr_len));
		ASSERT_EQ(0, genl_get_u32(self->s.m.attr[DTLS_A_UID]));
		ASSERT_EQ(tx.version, genl_get_u16(self->s.m.attr[DTLS_A_VERSION]));
		ASSERT_EQ(0, genl_get_u32(self->s.m.attr[DTLS_A_STATE]));
		ASSERT_EQ(NULL, self->s.m.attr[DTLS_A_PEERS]);
		same_state(_metadata, self->s.m.attr[DTLS_A_TX], &tx, false);
		same_state(_metadata, self->s.m.attr[DTLS_A_RX], &rx, true);
	}
	genl_begin_fd(&self->r, DTLS_CMD_PEER_SET, fd);
	genl_u32(&self->r, DTLS_A_KEY_UPDATE, 0);
	if (c->v13) {
		ASSERT_EQ(0, ask(g, &self->r, 0, &self->s));
		ASSERT_EQ(1, get_int(fd, SOL_DTLS, DTLS_KEY_UPDATE));
		ASSERT_EQ(EALREADY, ask(g, &self->r, 0, &self->s));
		ASSERT_STREQ("the one before has not been acknowledged yet", g->text);
	} else {
		ASSERT_EQ(EOPNOTSUPP, ask(g, &self->r, 0, &self->s));
		ASSERT_STREQ("only with DTLS 1.3", g->text);
	}
	must(member_alert(c, m, ALERT_FATAL, ALERT_INTERNAL_ERROR) == 2);
	recv_soon(fd, in, sizeof(in), 0);
	genl_begin_cookie(&self->r, DTLS_CMD_SOCKET_GET, fd);
	ASSERT_EQ(0, ask(g, &self->r, 0, &self->s));
	ASSERT_EQ(DTLS_PEER_CLOSED, genl_get_u32(self->s.m.attr[DTLS_A_STATE]));
}

/* A peer's life by netlink. */
TEST_F(netlink, peer)
{
	struct genl *g = &self->g;
	struct crowd *c = &self->c;
	struct member *m = &c->m[0];
	struct dtls_keys tx, rx;
	size_t len = sizeof(tx);
	int i;

	ASSERT_EQ(0, set_int(c->fd, SOL_DTLS, DTLS_PEER_MAX, 1));
	ASSERT_EQ(0, peer_new(g, c, m, 0));
	ASSERT_EQ(ENOBUFS, peer_new(g, c, &c->m[1], 0));
	ASSERT_STREQ("the socket, or its user, has as many peers as it may", g->text);
	ASSERT_EQ(0, set_int(c->fd, SOL_DTLS, DTLS_PEER_MAX, 0));
	ASSERT_EQ(0, peer_del(c->fd, m->id, 0));
	for (i = 0; i < MEMBERS; i++) {
		ASSERT_EQ(0, peer_new(g, c, &c->m[i], 0)) TH_LOG("%s", g->text);
		ASSERT_EQ(c->m[i].id, peer_id(c->fd, &c->m[i].addr));
	}
	for (i = 0; i < MEMBERS; i++)
		ASSERT_EQ(true, alive(c, &c->m[i]));
	ASSERT_EQ(EEXIST, peer_new(g, c, m, 0));

	ASSERT_EQ(0, peer_get(c->fd, m->id, DTLS_TX, &tx, &len));
	ASSERT_EQ(0, peer_get(c->fd, m->id, DTLS_RX, &rx, &len));
	for (i = 0; i < 4; i++) {
		if (i & 1)
			genl_begin_cookie(&self->r, DTLS_CMD_PEER_GET, c->fd);
		else
			genl_begin_fd(&self->r, DTLS_CMD_PEER_GET, c->fd);
		if (i & 2)
			genl_address(&self->r, &m->addr);
		else
			genl_u64(&self->r, DTLS_A_PEER_ID, m->id);
		ASSERT_EQ(0, ask(g, &self->r, 0, &self->s)) TH_LOG("%s", g->text);
		ASSERT_EQ(1, self->s.count);
		ASSERT_EQ(m->id, genl_get_u64(self->s.m.attr[DTLS_A_PEER_ID]));
		ASSERT_EQ(cookie_of(c->fd), genl_get_u64(self->s.m.attr[DTLS_A_COOKIE]));
		ASSERT_EQ(0, memcmp(&m->addr, genl_data(self->s.m.attr[DTLS_A_ADDRESS]),
				    m->addr_len));
		same_state(_metadata, self->s.m.attr[DTLS_A_TX], &tx, false);
		same_state(_metadata, self->s.m.attr[DTLS_A_RX], &rx, true);
	}
	genl_begin_fd(&self->r, DTLS_CMD_SOCKET_GET, c->fd);
	ASSERT_EQ(0, ask(g, &self->r, 0, &self->s));
	ASSERT_EQ(MEMBERS, genl_get_u32(self->s.m.attr[DTLS_A_PEERS]));
	/* dumps: of this one, and of all */
	for (i = 0; i < 3; i++) {
		if (i == 0)
			genl_begin_fd(&self->r, DTLS_CMD_PEER_GET, c->fd);
		else if (i == 1)
			genl_begin_cookie(&self->r, DTLS_CMD_PEER_GET, c->fd);
		else
			genl_begin(&self->r, DTLS_CMD_PEER_GET);
		ASSERT_EQ(0, ask(g, &self->r, NLM_F_DUMP, &self->s));
		ASSERT_EQ(MEMBERS, self->s.count);
		ASSERT_EQ(c->m[MEMBERS - 1].id,
			  genl_get_u64(self->s.m.attr[DTLS_A_PEER_ID]));
		ASSERT_EQ(false, g->inter);
	}

	/* another in its place, with the same keys from the start */
	ASSERT_EQ(0, peer_new(g, c, m, DTLS_PEER_REPLACE));
	ASSERT_EQ(m->id, peer_id(c->fd, &m->addr));
	/* the next epoch, for a direction */
	if (!c->v13) {
		keys_next(&m->end12, &m->end12, 2);
		key_fill(&rx, &m->end12.tx);
		genl_begin_fd(&self->r, DTLS_CMD_PEER_SET, c->fd);
		genl_u64(&self->r, DTLS_A_PEER_ID, m->id);
		genl_keys(&self->r, DTLS_A_RX_KEYS, &rx);
		ASSERT_EQ(0, ask(g, &self->r, 0, &self->s)) TH_LOG("%s", g->text);
		ASSERT_EQ(0, peer_get(c->fd, m->id, DTLS_RX, &rx, &len));
		ASSERT_EQ(2, rx.epoch);
		ASSERT_EQ(EEXIST, ask(g, &self->r, 0, &self->s));
	}
	/* somewhere else: by cookie, too */
	genl_begin_cookie(&self->r, DTLS_CMD_PEER_SET, c->fd);
	genl_u64(&self->r, DTLS_A_PEER_ID, c->m[1].id);
	genl_address(&self->r, &c->m[2].addr);
	ASSERT_EQ(EEXIST, ask(g, &self->r, 0, &self->s));
	ASSERT_EQ(0, peer_del(c->fd, c->m[2].id, 0));
	genl_begin_cookie(&self->r, DTLS_CMD_PEER_SET, c->fd);
	genl_u64(&self->r, DTLS_A_PEER_ID, c->m[1].id);
	genl_address(&self->r, &c->m[2].addr);
	ASSERT_EQ(0, ask(g, &self->r, 0, &self->s));
	ASSERT_EQ(c->m[1].id, peer_id(c->fd, &c->m[2].addr));
	/* and away: by number, with a last word, and by address */
	genl_begin_fd(&self->r, DTLS_CMD_PEER_DEL, c->fd);
	genl_u64(&self->r, DTLS_A_PEER_ID, c->m[3].id);
	genl_u32(&self->r, DTLS_A_FLAGS, DTLS_PEER_NOTIFY);
	ASSERT_EQ(0, ask(g, &self->r, 0, &self->s));
	settle();
	ASSERT_LT(0, recv(c->m[3].end12.fd, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(ENOENT, ask(g, &self->r, 0, &self->s));
	ASSERT_STREQ("the socket has no such peer", g->text);
	genl_begin_cookie(&self->r, DTLS_CMD_PEER_DEL, c->fd);
	genl_address(&self->r, &c->m[4].addr);
	ASSERT_EQ(0, ask(g, &self->r, 0, &self->s));
	ASSERT_EQ(0, peer_id(c->fd, &c->m[4].addr));
	ASSERT_EQ(-1, recv_soon(c->m[4].end12.fd, in, sizeof(in), 0));
	ASSERT_EQ(2, stat_read("CurrAssociations"));
}

static void add_stat(const struct genl_msg *m, const struct nlmsghdr *nlh, void *arg)
{
	const __u8 *at = (const __u8 *)NLMSG_DATA(nlh) + GENL_HDRLEN;
	const __u8 *end = (const __u8 *)nlh + nlh->nlmsg_len;
	unsigned int *count = arg;

	must(m->cmd == DTLS_CMD_STATS_GET);
	while (at < end) {
		const struct nlattr *a = (const void *)at;

		must((a->nla_type & NLA_TYPE_MASK) == DTLS_A_STAT);
		must(genl_get_u64(genl_in(a, DTLS_A_STAT_VALUE)) ==
		     stat_read(genl_data(genl_in(a, DTLS_A_STAT_NAME))));
		++*count;
		at += NLA_ALIGN(a->nla_len);
	}
}

TEST_F(netlink, stats)
{
	unsigned int count = 0;

	ASSERT_EQ(0, peer_new(&self->g, &self->c, &self->c.m[0], 0));
	ASSERT_EQ(true, alive(&self->c, &self->c.m[0]));
	genl_begin(&self->r, DTLS_CMD_STATS_GET);
	ASSERT_EQ(0, genl_ask(&self->g, &self->r, 0, add_stat, &count));
	ASSERT_LT(30, count);
}

/* What makes no sense is refused, and it is said why. */
TEST_F(netlink, refused)
{
	static const struct {
		int err;
		const char *text;
	} said[] = {
		{ EINVAL, "either fd or cookie has to name a socket" },
		{ EINVAL, "either fd or cookie has to name a socket" },
		{ ENOENT, "no attached socket with this cookie" },
		{ ENOPROTOOPT, "the socket is not attached" },
		{ EINVAL, "a peer wants an address" },
		{ EINVAL, "a peer wants tx-keys or rx-keys" },
		{ EINVAL, "neither a sockaddr_in nor a sockaddr_in6" },
		{ EINVAL, "no peer has such an address" },
		{ EAFNOSUPPORT, "address is not of the socket's family" },
		{ EINVAL, "unknown flag" },
		{ EINVAL, "keys want version, cipher-suite and epoch" },
		{ EPROTONOSUPPORT, "version is neither DTLS 1.2 nor 1.3" },
		{ EINVAL, "cipher suite is unknown with this version" },
		{ EINVAL, "epoch is not 1 to 65535" },
		{ EINVAL, "sequence number is not below 2^48" },
		{ EINVAL, "key and iv, or secret, are not as version and suite want them" },
		{ EINVAL, "more bytes than there can be" },
		{ EINVAL, "either peer-id or address has to name a peer" },
		{ ENOENT, "the socket has no such peer" },
		{ EINVAL, "nothing to set" },
		{ EPERM, "keys are for the socket's own program: by fd" },
		{ EINVAL, "one peer cannot be dumped, only asked for" },
		{ EINVAL, "only a peer with a peer-id moves" },
		{ ENOKEY, "the socket has no keys, or peers instead" },
	};
	struct genl *g = &self->g;
	struct crowd *c = &self->c;
	struct genl_req *r = &self->r;
	struct sockaddr_storage any;
	int plain = udp_bound(variant->family);
	struct dtls_keys good, k;
	unsigned int i;
	__u16 flags;
	size_t at;

	member_keys(c, &c->m[0], &k, &good);
	for (i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		flags = 0;
		k = good;
		memcpy(&any, &c->m[0].addr, sizeof(any));
		switch (i) {
		case 0:
			genl_begin(r, DTLS_CMD_SOCKET_GET);
			break;
		case 1:
			genl_begin_fd(r, DTLS_CMD_PEER_DEL, c->fd);
			genl_u64(r, DTLS_A_COOKIE, cookie_of(c->fd));
			break;
		case 2:
			genl_begin(r, DTLS_CMD_SOCKET_GET);
			genl_u64(r, DTLS_A_COOKIE, cookie_of(plain));
			break;
		case 3:
			genl_begin_fd(r, DTLS_CMD_SOCKET_GET, plain);
			break;
		case 6:
			genl_begin_fd(r, DTLS_CMD_PEER_NEW, c->fd);
			genl_put(r, DTLS_A_ADDRESS, &any, 7);
			genl_keys(r, DTLS_A_RX_KEYS, &k);
			break;
		case 7:
		case 8:
			if (i == 7)	/* no port */
				((struct sockaddr_in *)&any)->sin_port = 0;
			else if (variant->family == FAMILY_V4)
				any.ss_family = AF_INET6;
			else
				any.ss_family = AF_UNIX;
			genl_begin_fd(r, DTLS_CMD_PEER_NEW, c->fd);
			genl_put(r, DTLS_A_ADDRESS, &any, sizeof(struct sockaddr_in6));
			genl_keys(r, DTLS_A_RX_KEYS, &k);
			break;
		case 9:
			genl_peer_new(r, c, &c->m[0], DTLS_PEER_NOTIFY);
			break;
		case 10:
			genl_begin_fd(r, DTLS_CMD_PEER_NEW, c->fd);
			genl_address(r, &any);
			at = genl_nest(r, DTLS_A_RX_KEYS);
			genl_u16(r, DTLS_A_KEYS_VERSION, k.version);
			genl_nest_end(r, at);
			break;
		case 16:
			genl_begin_fd(r, DTLS_CMD_PEER_NEW, c->fd);
			genl_address(r, &any);
			at = genl_nest(r, DTLS_A_RX_KEYS);
			genl_u16(r, DTLS_A_KEYS_VERSION, k.version);
			genl_u16(r, DTLS_A_KEYS_CIPHER_SUITE, k.cipher_suite);
			genl_u32(r, DTLS_A_KEYS_EPOCH, k.epoch);
			genl_put(r, DTLS_A_KEYS_KEY, out, DTLS_KEY_MAX + 1);
			genl_nest_end(r, at);
			break;
		case 17:
			genl_begin_fd(r, DTLS_CMD_PEER_DEL, c->fd);
			break;
		case 18:
			genl_begin_fd(r, DTLS_CMD_PEER_GET, c->fd);
			genl_u64(r, DTLS_A_PEER_ID, 77);
			break;
		case 19:
			genl_begin_fd(r, DTLS_CMD_PEER_SET, c->fd);
			break;
		case 20:
			genl_begin_cookie(r, DTLS_CMD_PEER_SET, c->fd);
			genl_keys(r, DTLS_A_RX_KEYS, &k);
			break;
		case 21:
			genl_begin_fd(r, DTLS_CMD_PEER_GET, c->fd);
			genl_u64(r, DTLS_A_PEER_ID, 1);
			flags = NLM_F_DUMP;
			break;
		case 22:
			genl_begin_fd(r, DTLS_CMD_PEER_SET, c->fd);
			genl_address(r, &any);
			break;
		case 23:
			genl_begin_fd(r, DTLS_CMD_PEER_SET, c->fd);
			genl_u32(r, DTLS_A_KEY_UPDATE, 0);
			break;
		default:
			genl_begin_fd(r, DTLS_CMD_PEER_NEW, c->fd);
			if (i != 4)
				genl_address(r, &any);
			if (i == 11)
				k.version = 0xfeff;
			else if (i == 12)
				k.cipher_suite = 0x1234;
			else if (i == 13)
				k.epoch = 65536;
			else if (i == 14)
				k.seq = 1ULL << 48;
			else if (i == 15)
				k.key_len = 5;
			if (i != 5)
				genl_keys(r, DTLS_A_RX_KEYS, &k);
		}
		ASSERT_EQ(said[i].err, ask(g, r, flags, &self->s)) TH_LOG("%u: %s", i, g->text);
		ASSERT_STREQ(said[i].text, g->text) TH_LOG("%u", i);
		ASSERT_EQ(0, self->s.count);
	}
	/* attributes that the operation does not know, of a wrong size, out of range */
	genl_begin_fd(r, DTLS_CMD_SOCKET_GET, c->fd);
	genl_u32(r, DTLS_A_FLAGS, 0);
	ASSERT_EQ(EINVAL, ask(g, r, 0, &self->s));
	genl_begin_fd(r, DTLS_CMD_PEER_NEW, c->fd);
	genl_u32(r, DTLS_A_KEY_UPDATE, 0);
	ASSERT_EQ(EINVAL, ask(g, r, 0, &self->s));
	genl_begin(r, DTLS_CMD_SOCKET_GET);
	genl_u32(r, DTLS_A_COOKIE, 1);
	ASSERT_NE(0, ask(g, r, 0, &self->s));
	genl_begin_fd(r, DTLS_CMD_PEER_SET, c->fd);
	genl_u32(r, DTLS_A_KEY_UPDATE, 2);
	ASSERT_EQ(ERANGE, ask(g, r, 0, &self->s));
	genl_begin(r, DTLS_CMD_STATS_GET);
	genl_u32(r, DTLS_A_FD, 0);
	ASSERT_EQ(EINVAL, ask(g, r, 0, &self->s));
	genl_begin(r, DTLS_CMD_EVENT_NTF);
	ASSERT_EQ(EOPNOTSUPP, ask(g, r, 0, &self->s));
	genl_begin_fd(r, DTLS_CMD_ATTACH, c->fd);
	ASSERT_EQ(EOPNOTSUPP, ask(g, r, NLM_F_DUMP, &self->s));
	ASSERT_EQ(0, stat_read("CurrAssociations"));
	close(plain);
}

/* A user without rights: his own sockets, and nothing else. */
static int as_nobody(struct crowd *c, struct genl *root)
{
	struct genl_req r;
	struct genl g;
	struct seen s;

	must(!setresgid(65534, 65534, 65534) && !setresuid(65534, 65534, 65534));
	genl_open(&g);
	/* by descriptor */
	must(!peer_new(&g, c, &c->m[0], 0));
	must(alive(c, &c->m[0]));
	genl_begin_fd(&r, DTLS_CMD_SOCKET_GET, c->fd);
	must(!ask(&g, &r, 0, &s) && s.count == 1);
	genl_begin_fd(&r, DTLS_CMD_PEER_GET, c->fd);
	must(!ask(&g, &r, NLM_F_DUMP, &s) && s.count == 1);
	genl_begin(&r, DTLS_CMD_STATS_GET);
	must(!ask(&g, &r, 0, &s));
	/* all others */
	genl_begin_cookie(&r, DTLS_CMD_SOCKET_GET, c->fd);
	must(ask(&g, &r, 0, &s) == EPERM);
	must(!strcmp(g.text, "a socket by cookie is for CAP_NET_ADMIN"));
	genl_begin_cookie(&r, DTLS_CMD_PEER_GET, c->fd);
	must(ask(&g, &r, NLM_F_DUMP, &s) == EPERM);
	genl_begin(&r, DTLS_CMD_SOCKET_GET);
	must(ask(&g, &r, NLM_F_DUMP, &s) == EPERM);
	must(!strcmp(g.text, "sockets of all are for CAP_NET_ADMIN"));
	genl_begin(&r, DTLS_CMD_PEER_GET);
	must(ask(&g, &r, NLM_F_DUMP, &s) == EPERM);
	genl_begin_cookie(&r, DTLS_CMD_PEER_DEL, c->fd);
	genl_u64(&r, DTLS_A_PEER_ID, c->m[0].id);
	must(ask(&g, &r, 0, &s) == EPERM);
	genl_begin_cookie(&r, DTLS_CMD_PEER_SET, c->fd);
	genl_u32(&r, DTLS_A_KEY_UPDATE, 0);
	must(ask(&g, &r, 0, &s) == EPERM);
	must(genl_join(&g, g.events) == EPERM);
	must(genl_join(&g, g.handshake) == EPERM);
	/* through a netlink socket that is not his */
	genl_begin_fd(&r, DTLS_CMD_SOCKET_GET, c->fd);
	must(ask(root, &r, 0, &s) == EPERM);
	must(!strcmp(root->text, "the netlink socket was opened by another user"));
	genl_begin(&r, DTLS_CMD_SOCKET_GET);
	must(ask(root, &r, NLM_F_DUMP, &s) == EPERM);
	genl_close(&g);
	/* the root of a world of his own sees that, and no more */
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return 0;
	genl_open(&g);
	genl_begin(&r, DTLS_CMD_SOCKET_GET);
	must(!ask(&g, &r, NLM_F_DUMP, &s) && !s.count);
	genl_begin_cookie(&r, DTLS_CMD_SOCKET_GET, c->fd);
	must(ask(&g, &r, 0, &s) == ENOENT);
	must(!genl_join(&g, g.events));
	/* a descriptor is one, wherever the socket is; a dump is of one world */
	genl_begin_fd(&r, DTLS_CMD_PEER_GET, c->fd);
	genl_u64(&r, DTLS_A_PEER_ID, c->m[0].id);
	must(!ask(&g, &r, 0, &s) && s.count == 1);
	genl_begin_fd(&r, DTLS_CMD_PEER_GET, c->fd);
	must(ask(&g, &r, NLM_F_DUMP, &s) == EINVAL);
	must(!strcmp(g.text, "the socket is of another network namespace"));
	genl_close(&g);
	return 0;
}

TEST_F(netlink, permissions)
{
	pid_t pid = spawn();

	if (!pid)
		_exit(as_nobody(&self->c, &self->g));
	ASSERT_EQ(0, wait_child(pid));
}

TEST_HARNESS_MAIN
