// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit test of sessions of libkdtls without sockets: handshakes by hand, a ClientHello
 * in pieces, fingerprints, SRTP.  No kernel is asked.  Prints TAP.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kdtls.h"

#define ROOM	64

/* userspace/examples/webrtc/cert.c */
int cert_make(const char *cert_file, const char *key_file);
extern char cert_print[3 * 32];

struct wire {
	uint8_t data[ROOM][2048];
	size_t len[ROOM];
	unsigned int count;
};

/* How the client's first datagram arrives. */
enum pieces { WHOLE, HALVES, HALVES_SWAPPED, THIRDS_TWICE };

static const char *const ways[] = { "", ", ClientHello in two", ", in two, swapped",
	", in three, each twice" };
static int count, bad;
static char cert[64], key[64];

static void ok(int good, const char *what, const char *version, const char *more)
{
	count++;
	bad += !good;
	printf("%sok %d - %s: %s%s\n", good ? "" : "not ", count, version, what, more);
}

static int output(void *arg, const void *dgram, size_t len)
{
	struct wire *w = arg;

	if (w->count == ROOM || len > sizeof(w->data[0]))
		return -ENOBUFS;
	memcpy(w->data[w->count], dgram, len);
	w->len[w->count++] = len;
	return 0;
}

static void put(uint8_t *p, size_t v, int n)
{
	while (n--) {
		p[n] = v;
		v >>= 8;
	}
}

/* Bytes @from to @to of the ClientHello in the record @p, as a datagram (RFC 6347 4.2.3). */
static void piece(kdtls_session *s, const uint8_t *p, size_t from, size_t to, int n)
{
	uint8_t out[2048];

	memcpy(out, p, 25);
	/* Numbers that the client will not come to, within the window of replays. */
	put(out + 5, 40 + n, 6);
	put(out + 11, 12 + to - from, 2);
	put(out + 19, from, 3);
	put(out + 22, to - from, 3);
	memcpy(out + 25, p + 25 + from, to - from);
	kdtls_input(s, out, 25 + to - from);
	/* It has to wait, and not to take this for the end or an error. */
	kdtls_handshake(s);
}

static void hello(kdtls_session *s, const uint8_t *p, size_t len, enum pieces how)
{
	size_t n = len - 25;
	int i;

	switch (how) {
	case WHOLE:
		kdtls_input(s, p, len);
		break;
	case HALVES:
		piece(s, p, 0, n / 2, 0);
		piece(s, p, n / 2, n, 1);
		break;
	case HALVES_SWAPPED:
		piece(s, p, n / 2, n, 0);
		piece(s, p, 0, n / 2, 1);
		break;
	case THIRDS_TWICE:
		for (i = 0; i < 6; i++)
			piece(s, p, n * (i / 2) / 3, n * (i / 2 + 1) / 3, i);
		break;
	}
}

static int carry(struct wire *w, kdtls_session *to)
{
	struct wire now = *w;
	unsigned int i;

	w->count = 0;
	for (i = 0; i < now.count; i++)
		kdtls_input(to, now.data[i], now.len[i]);
	return kdtls_handshake(to);
}

static kdtls_config *config(uint16_t version, const char *srtp)
{
	kdtls_config *cfg = kdtls_config_new();

	if (!cfg || kdtls_config_set_cert(cfg, cert, key) ||
	    kdtls_config_set_versions(cfg, version, version) ||
	    (srtp && kdtls_config_set_srtp(cfg, srtp)))
		exit(4);
	kdtls_config_set_verify(cfg, KDTLS_VERIFY_REQUIRE);
	return cfg;
}

struct pair {
	kdtls_config *cfg[2];		/* client's, server's */
	kdtls_session *s[2];
	struct wire out[2];
	int ret[2];
};

static void print(uint8_t hash[32])
{
	unsigned int i, v;

	for (i = 0; i < 32; i++) {
		sscanf(cert_print + 3 * i, "%2x", &v);
		hash[i] = v;
	}
}

/* @wrong: whose idea of the other is (1: client's, 2: server's). */
static void shake(struct pair *p, uint16_t version, enum pieces how, int wrong,
		  const char *srtp_c, const char *srtp_s)
{
	uint8_t hash[32];
	int i, rounds;

	memset(p, 0, sizeof(*p));
	for (i = 0; i < 2; i++) {
		p->cfg[i] = config(version, i ? srtp_s : srtp_c);
		p->s[i] = i ? kdtls_server_new(p->cfg[i], -1) :
			      kdtls_client_new(p->cfg[i], -1, NULL);
		kdtls_set_output(p->s[i], output, &p->out[i]);
		print(hash);
		hash[31] ^= wrong == i + 1;
		if (kdtls_set_fingerprint(p->s[i], "sha-256", hash, 32))
			exit(1);
		p->ret[i] = -EAGAIN;
	}
	p->ret[0] = kdtls_handshake(p->s[0]);
	if (p->out[0].count != 1)
		return;
	p->out[0].count = 0;
	hello(p->s[1], p->out[0].data[0], p->out[0].len[0], how);
	p->ret[1] = kdtls_handshake(p->s[1]);
	for (rounds = 0; rounds < 20; rounds++)
		for (i = 0; i < 2; i++)
			if (p->ret[i] == -EAGAIN)
				p->ret[i] = carry(&p->out[!i], p->s[i]);
}

static void done(struct pair *p)
{
	int i;

	for (i = 0; i < 2; i++) {
		kdtls_free(p->s[i]);
		kdtls_config_free(p->cfg[i]);
	}
}

static void test_pieces(uint16_t version, const char *name)
{
	struct dtls_keys tx[2], rx[2];
	struct pair p;
	int how, i;

	for (how = WHOLE; how <= THIRDS_TWICE; how++) {
		shake(&p, version, how, 0, NULL, NULL);
		ok(!p.ret[0] && !p.ret[1], "handshake", name, ways[how]);
		for (i = 0; i < 2; i++)
			if (kdtls_export_keys(p.s[i], &tx[i], &rx[i]))
				memset(&tx[i], i, sizeof(tx[i]));
		ok(!memcmp(tx[0].key, rx[1].key, sizeof(tx[0].key)) &&
		   !memcmp(tx[1].secret, rx[0].secret, sizeof(tx[0].secret)) &&
		   tx[0].cipher_suite == tx[1].cipher_suite, "the same keys", name,
		   ways[how]);
		ok(kdtls_input(p.s[1], "x", 1) == -EPIPE, "nothing more goes in", name, "");
		done(&p);
	}
}

static void test_print(uint16_t version, const char *name)
{
	struct pair p;
	uint8_t hash[32];

	shake(&p, version, WHOLE, 1, NULL, NULL);
	ok(p.ret[0] == -EKEYREJECTED && p.ret[1], "another server than expected", name, "");
	done(&p);
	shake(&p, version, WHOLE, 2, NULL, NULL);
	/* With 1.3 the client is through before it can know. */
	ok(p.ret[1] == -EKEYREJECTED && (p.ret[0] || version == DTLS_1_3_VERSION),
	   "another client than expected", name, "");
	print(hash);
	ok(kdtls_set_fingerprint(p.s[1], "sha-1", hash, 20) == -EINVAL &&
	   kdtls_set_fingerprint(p.s[1], "sha-256", hash, 31) == -EINVAL,
	   "no such hash", name, "");
	done(&p);
}

static void test_srtp(uint16_t version, const char *name)
{
	static const struct {
		const char *client, *server;
		int profile, len;
	} t[] = {
		{ "SRTP_AES128_CM_HMAC_SHA1_80", "SRTP_AES128_CM_HMAC_SHA1_80", 1, 30 },
		{ "SRTP_AEAD_AES_128_GCM,SRTP_AES128_CM_HMAC_SHA1_80",
		  "SRTP_AEAD_AES_128_GCM", 7, 28 },
		{ "SRTP_AEAD_AES_256_GCM", "SRTP_AEAD_AES_256_GCM,SRTP_AEAD_AES_128_GCM",
		  8, 44 },
		{ "SRTP_AEAD_AES_128_GCM,SRTP_AEAD_AES_256_GCM,SRTP_AES128_CM_HMAC_SHA1_80",
		  "SRTP_AEAD_AES_256_GCM", 8, 44 },
		{ NULL, "SRTP_AEAD_AES_128_GCM", 0, 0 },
		{ "SRTP_AEAD_AES_128_GCM", NULL, 0, 0 },
	};
	struct kdtls_srtp a, b;
	struct pair p;
	unsigned int i;
	int ra, rb;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		shake(&p, version, WHOLE, 0, t[i].client, t[i].server);
		ra = kdtls_get_srtp(p.s[0], &a);
		rb = kdtls_get_srtp(p.s[1], &b);
		if (!t[i].profile)
			ok(!p.ret[1] && ra == -ENOENT && rb == -ENOENT,
			   "SRTP of one only", name, "");
		else
			ok(!ra && !rb && a.profile == t[i].profile &&
			   b.profile == t[i].profile &&
			   a.key_len + a.salt_len == t[i].len &&
			   !memcmp(a.tx, b.rx, t[i].len) &&
			   !memcmp(a.rx, b.tx, t[i].len) &&
			   memcmp(a.tx, a.rx, t[i].len), t[i].server, name, "");
		done(&p);
	}
}

int main(void)
{
	static const struct {
		uint16_t version;
		const char *name;
	} versions[] = { { DTLS_1_2_VERSION, "1.2" }, { DTLS_1_3_VERSION, "1.3" } };
	char dir[] = "/tmp/memory-test.XXXXXX";
	unsigned int i;

	if (!mkdtemp(dir))
		return 1;
	snprintf(cert, sizeof(cert), "%s/c", dir);
	snprintf(key, sizeof(key), "%s/k", dir);
	if (cert_make(cert, key))
		return 1;
	for (i = 0; i < 2; i++) {
		test_pieces(versions[i].version, versions[i].name);
		test_print(versions[i].version, versions[i].name);
		test_srtp(versions[i].version, versions[i].name);
	}
	unlink(cert);
	unlink(key);
	rmdir(dir);
	printf("1..%d\n", count);
	return bad ? 1 : 0;
}
