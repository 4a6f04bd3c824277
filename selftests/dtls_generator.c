// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-timeout: 300 */
/* kselftest-debug: yes */
/*
 * Random sequences of options, control messages, datagrams and states of a
 * socket, from a grammar of what programs do, changed a little at each place.
 * One thread, so that a model can say what must come of each call: granted or
 * refused, with an error that is documented; a refusal changes nothing; nothing
 * is delivered that was not sealed by the peer, or twice; and two sockets beside
 * it go on as if nothing had happened.
 *
 * KDTLS_SEED=n for the same sequence again, KDTLS_LONG=1 for minutes of it.
 */
#include <kselftest_harness.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/udp.h>

#include "lib/effort.h"
#include "lib/grammar.h"

#define BODIES		65536		/* ids of authentic records */
#define BODY_MAX	3000

static struct rng r;
static struct forger forger;
static struct subject s;
static struct dtls_pair beside;
static __u8 in[70000], out[70000], dgram[70000];
static __u64 sealed[BODIES / 64], arrived[BODIES / 64];
static unsigned int next_id;
static unsigned long granted, refused, delivered, steps_done;

/* Everything of a socket that options show. */
struct shown {
	int attached, recvtype, window, events, no_export, cork, segment;
	int tx_error, rx_error;
	struct dtls_keys tx, rx;
};

static int shown_keys(int fd, int option, struct dtls_keys *k)
{
	socklen_t len = sizeof(*k);

	memset(k, 0, sizeof(*k));
	return getsockopt(fd, SOL_DTLS, option, k, &len) ? errno : 0;
}

static void show(int fd, struct shown *v)
{
	char name[16];
	socklen_t len = sizeof(name);

	memset(v, 0, sizeof(*v));
	v->attached = !getsockopt(fd, SOL_IP, DTLS_ULP, name, &len);
	v->recvtype = get_int(fd, SOL_DTLS, DTLS_RECVTYPE);
	v->window = get_int(fd, SOL_DTLS, DTLS_REPLAY_WINDOW);
	v->events = get_int(fd, SOL_DTLS, DTLS_EVENTS);
	v->no_export = get_int(fd, SOL_DTLS, DTLS_NO_EXPORT);
	v->cork = get_int(fd, SOL_UDP, UDP_CORK);
	v->segment = get_int(fd, SOL_UDP, UDP_SEGMENT);
	v->tx_error = shown_keys(fd, DTLS_TX, &v->tx);
	v->rx_error = shown_keys(fd, DTLS_RX, &v->rx);
}

/* What is shown must be what the model says. */
static void check_shown(void)
{
	struct shown v;

	show(s.fd, &v);
	must(v.attached == s.attached);
	if (!s.attached || s.muddy)
		return;
	must(v.recvtype == s.recvtype && v.events == s.events);
	must(v.no_export == s.latched && v.window == s.window);
	must(!v.tx_error == s.tx && !v.rx_error == s.rx);
	must(!s.tx || v.tx.epoch == s.tx_last);
	must(!s.rx || v.rx.epoch == s.rx_last);
}

static void option_set(void)
{
	static struct call c;
	struct shown before, after;
	enum verdict expect;
	int err;

	call_set(&r, &s, &c);
	expect = call_expect(&s, &c);
	show(s.fd, &before);
	err = setsockopt(s.fd, c.level, c.name, c.arg, c.len) ? errno : 0;
	show(s.fd, &after);
	if (expect == (err ? GRANTED : REFUSED))
		die("setsockopt(%d, %d, %d bytes) must not say %s", c.level,
		    c.name, c.len, strerror(err));
	if (!err) {
		granted++;
		call_granted(&s, &c);
		check_shown();
		return;
	}
	refused++;
	if (!call_may_fail(&c, true, err))
		die("setsockopt(%d, %d): %s is not documented", c.level, c.name,
		    strerror(err));
	if (memcmp(&before, &after, sizeof(before)))
		die("setsockopt(%d, %d) refused, but not without effect",
		    c.level, c.name);
}

static void option_get(void)
{
	static struct call c;
	struct shown before, after;
	socklen_t len;
	int err;

	call_get(&r, &s, &c);
	len = c.len;
	show(s.fd, &before);
	err = getsockopt(s.fd, c.level, c.name, c.arg, &len) ? errno : 0;
	show(s.fd, &after);
	/* of a socket that is not attached, IPv4 says so */
	if (err && !call_may_fail(&c, false, err) &&
	    (s.attached || err != EOPNOTSUPP))
		die("getsockopt(%d, %d): %s is not documented", c.level, c.name,
		    strerror(err));
	if (!err && c.level == SOL_DTLS && c.name == DTLS_TX_EXPORT) {
		must(s.tx && !s.tx_gone && !s.latched);
		s.tx_gone = true;
	} else if (!err && c.level == SOL_DTLS && c.name == DTLS_RX_EXPORT) {
		must(s.rx && !s.rx_gone && !s.latched);
		s.rx_gone = true;
	}
	if (memcmp(&before, &after, sizeof(before)))
		die("getsockopt(%d, %d) has changed something", c.level, c.name);
	must(err || (len > 0 && (int)len <= c.len));
}

/* UDP's own, where an attached socket has a say in it. */
static void option_udp(void)
{
	static const int names[] = { UDP_CORK, UDP_SEGMENT, UDP_GRO };
	int name = rng_pick(&r, names), val = rng_below(&r, 2);
	struct shown before, after;

	if (name == UDP_SEGMENT)
		val = rng_one_in(&r, 2) ? 0 : (int)rng_below(&r, 70000) - 100;
	show(s.fd, &before);
	if (!set_int(s.fd, SOL_UDP, name, val)) {
		if (name == UDP_CORK)
			s.pending |= val;
		return;
	}
	show(s.fd, &after);
	/* the cork is drawn even if what it held could not go */
	after.cork = before.cork;
	if (name != UDP_CORK)
		must(!memcmp(&before, &after, sizeof(before)));
}

static void subject_reset(void);

/* A payload that tells which record it was. */
static size_t body_make(__u32 id, __u8 *p)
{
	size_t len = sizeof(id) + id * 7919 % BODY_MAX;

	fill(p, len, id);
	memcpy(p, &id, sizeof(id));
	return len;
}

/* What the socket gives out: sealed by the peer, whole, and once. */
static void body_check(size_t len)
{
	static __u8 want[BODY_MAX + 4];
	const __u8 *p = in;
	size_t one;
	__u32 id;

	/* several with UDP_GRO; each tells how long it is */
	do {
		must(len >= sizeof(id));
		memcpy(&id, p, sizeof(id));
		must(id < BODIES && (sealed[id / 64] >> id % 64 & 1));
		one = body_make(id, want);
		must(one <= len && !memcmp(p, want, one));
		if (arrived[id / 64] >> id % 64 & 1)
			die("record %u twice", id);
		arrived[id / 64] |= 1ULL << id % 64;
		delivered++;
		p += one;
		len -= one;
	} while (len);
}

/* Does a record of the peer get through, as things stand? */
static bool hears(void)
{
	return s.rx && !s.rx_gone && !s.closed && s.connected && !s.muddy &&
	       s.rx_key.seq < (1ULL << 48) - 100;
}

/* Takes everything there is. */
static void drain(void)
{
	static const int known[] = {
		EAGAIN, ENOKEY, EKEYREVOKED, ECONNRESET, ECONNABORTED,
		ECONNREFUSED,
	};
	struct dtls_record rec;
	unsigned int i, tries;
	ssize_t n;

	settle();
	for (tries = 0; tries < 300; tries++) {
		n = recv_record(s.fd, in, sizeof(in), MSG_DONTWAIT, &rec, NULL);
		if (n < 0 && errno != ECONNREFUSED)
			break;
		if (n <= 0 || (!s.tx && !s.rx) || s.muddy)
			continue;
		if (!rec.type || rec.type == DTLS_TYPE_DATA)
			body_check(n);
		else
			must(s.recvtype);
	}
	if (n >= 0 || s.muddy || (!s.tx && !s.rx))
		return;
	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i] == errno)
			return;
	die("recv");
}

/* Appends a record of the peer to @dgram. */
static size_t put_record(size_t at, __u8 type, const void *data, size_t len)
{
	return at + oracle_seal(&s.rx_key, type, data, len, dgram + at);
}

static size_t put_body(size_t at, __u32 *id)
{
	size_t len;

	*id = next_id++;
	must(*id < BODIES);
	len = body_make(*id, out);
	sealed[*id / 64] |= 1ULL << *id % 64;
	return put_record(at, DTLS_TYPE_DATA, out, len);
}

/* Sends @dgram to the socket, from its peer or in its name. */
static void inject(size_t len)
{
	struct sockaddr_storage me, peer;
	socklen_t size = sizeof(me);

	if (rng_one_in(&r, 2) || len > 60000) {
		/* an error from before is told first */
		while (send(s.far, dgram, len, MSG_DONTWAIT) < 0)
			must(errno == ECONNREFUSED);
		return;
	}
	must(!getsockname(s.fd, (struct sockaddr *)&me, &size));
	size = sizeof(peer);
	must(!getsockname(s.far, (struct sockaddr *)&peer, &size));
	/* ports are at the same place in both families */
	forge(&forger, s.family,
	      ntohs(((struct sockaddr_in *)&peer)->sin_port),
	      ntohs(((struct sockaddr_in *)&me)->sin_port), dgram, len);
}

static void spoil_datagram(size_t *len)
{
	size_t from, n;

	switch (rng_below(&r, 6)) {
	case 0:
		*len = rng_below(&r, *len + 1);
		break;
	case 1:
		n = rng_below(&r, 40);
		rng_fill(&r, dgram + *len, n);
		*len += n;
		break;
	case 2:
		from = rng_below(&r, *len);
		n = rng_below(&r, *len - from);
		memmove(dgram + from, dgram + from + n, *len - from - n);
		*len -= n;
		break;
	case 3:
		rng_fill(&r, dgram, *len);
		break;
	default:
		/* most in the first header, where it goes deep */
		n = *len > 24 && rng_one_in(&r, 2) ? 24 : *len;
		for (from = 1 + rng_below(&r, 3); from; from--)
			dgram[rng_below(&r, n)] ^= 1 << rng_below(&r, 8);
	}
}

static void datagram_in(void)
{
	__u32 ids[8];
	unsigned int i, n = 1 + rng_below(&r, 8);
	bool spoilt = rng_one_in(&r, 2);
	size_t len = 0;

	if (!s.rx || s.muddy) {
		len = rng_below(&r, 300);
		rng_fill(&r, dgram, len);
		inject(len);
		drain();
		return;
	}
	for (i = 0; i < n; i++)
		len = put_body(len, &ids[i]);
	if (spoilt)
		spoil_datagram(&len);
	inject(len);
	if (rng_one_in(&r, 4))
		inject(len);
	drain();
	/* nothing must have been in the way of these */
	for (i = 0; !spoilt && hears() && i < n; i++)
		if (!(arrived[ids[i] / 64] >> ids[i] % 64 & 1))
			die("record %u does not arrive", ids[i]);
	if (rng_one_in(&r, 4)) {
		inject(len);
		drain();
	}
}

/* Alerts and handshake messages of the peer, now and then strange ones. */
static void control_in(void)
{
	__u8 body[64] = { 1 + rng_below(&r, 2), rng_below(&r, 120) };
	__u8 type = DTLS_TYPE_CCS + rng_below(&r, 5);
	size_t len = type == DTLS_TYPE_ALERT ? 2 : 1 + rng_below(&r, 40);
	bool ends;

	if (!hears() || type == DTLS_TYPE_DATA)
		return;
	if (type == DTLS_TYPE_HANDSHAKE)
		body[0] = rng_one_in(&r, 2) ? HS_FINISHED : rng_below(&r, 30);
	if (rng_one_in(&r, 8))
		len = rng_below(&r, sizeof(body));
	ends = type == DTLS_TYPE_ALERT && len == 2 && !s.recvtype &&
	       (body[0] == ALERT_FATAL || body[1] == ALERT_CLOSE_NOTIFY);
	inject(put_record(0, type, body, len));
	drain();
	s.closed |= ends;
}

static void *cmsg_put(struct msghdr *msg, int level, int type, size_t len)
{
	struct cmsghdr *c = msg->msg_control + msg->msg_controllen;

	memset(c, 0, CMSG_SPACE(len));
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	msg->msg_controllen += CMSG_SPACE(len);
	return CMSG_DATA(c);
}

/* Return: true if one is not the module's to judge. */
static bool some_cmsgs(struct msghdr *msg)
{
	struct dtls_record *rec;
	bool foreign = false;
	struct cmsghdr *c;

	if (rng_one_in(&r, 2)) {
		rec = cmsg_put(msg, SOL_DTLS, DTLS_RECORD_TYPE, sizeof(*rec));
		rec->type = 19 + rng_below(&r, 7);
		rec->epoch = rng_one_in(&r, 2) ? s.tx_last : 0;
		if (rng_one_in(&r, 8))
			((__u8 *)rec)[rng_below(&r, sizeof(*rec))] ^= 1;
	}
	if (rng_one_in(&r, 3))
		*(__u16 *)cmsg_put(msg, SOL_UDP, UDP_SEGMENT, 2) =
			rng_one_in(&r, 4) ? rng_below(&r, 70000) :
					    100 + rng_below(&r, 1000);
	if (rng_one_in(&r, 4)) {
		foreign = true;
		*(int *)cmsg_put(msg, s.family == FAMILY_V4 ? SOL_IP : SOL_IPV6,
				 s.family == FAMILY_V4 ? IP_TOS : IPV6_TCLASS,
				 4) = rng_below(&r, 300);
	}
	if (rng_one_in(&r, 8)) {
		foreign = true;
		cmsg_put(msg, s.family == FAMILY_V4 ? SOL_IP : SOL_IPV6,
			 s.family == FAMILY_V4 ? IP_PKTINFO : IPV6_PKTINFO,
			 s.family == FAMILY_V4 ? 12 : 20);
	}
	c = CMSG_FIRSTHDR(msg);
	if (c && rng_one_in(&r, 8)) {
		foreign = true;
		((__u8 *)c)[rng_below(&r, sizeof(*c) + 4)] ^=
			1 << rng_below(&r, 8);
	}
	if (rng_one_in(&r, 24)) {
		foreign = true;
		rng_fill(&r, msg->msg_control, 64);
		msg->msg_controllen = rng_below(&r, 64);
	}
	return foreign;
}

/* What left the socket: records of its keys and nothing else. */
static unsigned int heard(ssize_t want)
{
	static struct oracle_record rec;
	unsigned int count = 0;
	ssize_t n, used;
	size_t at;

	settle();
	while ((n = recv(s.far, dgram, sizeof(dgram), MSG_DONTWAIT)) >= 0) {
		for (at = 0; s.tx && !s.muddy && at < (size_t)n; at += used) {
			/* the last flight has some in the clear */
			used = RECORD_HEADER + dgram[at + 11] * 256 +
			       dgram[at + 12];
			if (dgram[at] != DTLS_TYPE_DATA && !dgram[at + 3] &&
			    !dgram[at + 4])
				continue;
			used = oracle_open(&s.tx_key, dgram + at, n - at, &rec);
			if (used < 0)
				die("sealed with other keys, or not at all");
			if (rec.h.type != DTLS_TYPE_DATA)
				continue;
			count++;
			if (want >= 0)
				must(rec.len == (size_t)want &&
				     !memcmp(rec.data, out, want));
		}
	}
	must(errno == EAGAIN || errno == ECONNREFUSED);
	return count;
}

static void message_out(void)
{
	static const size_t sizes[] = { 0, 1, 100, 1200, 5000, 16384, 16385, 65535 };
	static const int refusals[] = {
		EINVAL, EISCONN, EAFNOSUPPORT, EOPNOTSUPP, ENOKEY, EKEYREVOKED,
		EPIPE, EFAULT,
	};
	union {
		char buf[600];
		struct cmsghdr align;
	} u;
	size_t len = rng_pick(&r, sizes);
	struct sockaddr_storage to;
	struct iovec iov = { out, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	bool foreign = false, plain = true;
	struct shown before, after;
	unsigned int i;
	ssize_t n;

	fill(out, len, next_id);
	show(s.fd, &before);
	if (rng_one_in(&r, 3)) {
		msg.msg_control = u.buf;
		foreign = some_cmsgs(&msg);
		plain = false;
	}
	if (rng_one_in(&r, 6)) {
		socklen_t size = loopback(s.family, &to);

		if (rng_one_in(&r, 2))
			must(!getsockname(s.far, (struct sockaddr *)&to, &size));
		if (rng_one_in(&r, 4))
			((__u8 *)&to)[rng_below(&r, 24)] ^=
				1 << rng_below(&r, 8);
		msg.msg_name = &to;
		msg.msg_namelen = rng_one_in(&r, 4) ? rng_below(&r, size + 8) :
						      size;
	}
	if (rng_one_in(&r, 8)) {
		flags |= rng_one_in(&r, 2) ? MSG_MORE : 1 << rng_below(&r, 31);
		/* what holds back or looks, and what IP knows of */
		foreign |= flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL);
		flags &= ~MSG_ERRQUEUE;
		plain = false;
		/* 6.1 takes flags of its own from programs, too */
		s.pending |= foreign;
	}
	if (rng_one_in(&r, 16))
		iov.iov_base = NULL;
	/* UDP's own choice of addresses would be somebody else's datagrams */
	if (!s.tx && !s.rx && msg.msg_name)
		return;
	n = sendmsg(s.fd, &msg, flags);
	if (n >= 0) {
		if (s.tx && !s.muddy)
			heard(plain && !before.cork && !before.segment &&
			      !s.pending ? (ssize_t)len : -1);
		return;
	}
	if ((!s.tx && !s.rx) || s.muddy)
		return;
	show(s.fd, &after);
	for (i = 0; i < ARRAY_SIZE(refusals); i++)
		if (refusals[i] == errno && !foreign && !s.pending &&
		    memcmp(&before, &after, sizeof(before)))
			die("refused, but not without effect");
	must(!heard(-1) || foreign || s.pending);
}

static void receive_odd(void)
{
	static const int known[] = {
		EAGAIN, ENOKEY, EKEYREVOKED, EIO, EFAULT, ENOBUFS, ECONNRESET,
		ECONNABORTED, ECONNREFUSED, EINVAL, EOPNOTSUPP,
	};
	union {
		char buf[200];
		struct cmsghdr align;
	} u;
	struct iovec iov = { in, rng_below(&r, 3000) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = rng_below(&r, 2),
		.msg_control = u.buf,
		.msg_controllen = rng_below(&r, sizeof(u.buf)),
	};
	unsigned int i;
	__u32 id;

	if (hears())
		inject(put_body(0, &id));
	/* gone without a look at it */
	if (rng_one_in(&r, 8))
		iov.iov_base = NULL;
	if (recvmsg(s.fd, &msg, (1 << rng_below(&r, 31)) | MSG_DONTWAIT) >= 0 ||
	    s.muddy || (!s.tx && !s.rx))
		return;
	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i] == errno)
			return;
	die("recvmsg");
}

static void state(void)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int err;

	switch (rng_below(&r, 10)) {
	case 0:
		len = loopback(s.family, &ss);
		err = bind(s.fd, (struct sockaddr *)&ss, len);
		must(err || !s.connected);
		break;
	case 1:
		ss.ss_family = AF_UNSPEC;
		err = connect(s.fd, (struct sockaddr *)&ss, sizeof(ss));
		if (s.tx || s.rx)
			must(err && errno == EBUSY);
		else
			s.connected = err != 0 && s.connected;
		break;
	case 2:
		if (s.closed)
			break;
		udp_connect(s.fd, s.far);
		s.connected = true;
		/* it may have got another port meanwhile */
		udp_connect(s.far, s.fd);
		break;
	case 3:
		if (!s.connected || !s.attached || !rng_one_in(&r, 3))
			break;
		must(!sock_destroy(s.fd));
		s.connected = false;
		s.muddy = true;
		break;
	case 4:
		if (!rng_one_in(&r, 3))
			break;
		shutdown(s.fd, rng_below(&r, 3));
		s.muddy = true;
		break;
	case 5:
		must(close(dup(s.fd)) == 0);
		break;
	case 6:
		poll_now(s.fd, POLLIN | POLLOUT);
		break;
	default:
		if (rng_one_in(&r, 4))
			subject_reset();
	}
}

/* A fresh socket, mostly with all that it needs to go deep. */
static void subject_reset(void)
{
	int fd[2], way = rng_below(&r, 8);

	if (s.fd) {
		close(s.fd);
		close(s.far);
	}
	memset(&s, 0, sizeof(s));
	s.family = rng_below(&r, 3);
	s.suite = oracle_suites[rng_below(&r, oracle_nr_suites)].id;
	udp_pair(s.family, fd);
	s.fd = fd[0];
	s.far = fd[1];
	s.window = DTLS_WINDOW_DEFAULT;
	s.connected = true;
	set_int(s.fd, SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20);
	set_int(s.far, SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20);
	oracle_key_init(&s.tx_key, s.suite, 1, next_id);
	oracle_key_init(&s.rx_key, s.suite, 1, next_id + 1);
	if (!way)
		return;
	must(!ulp_attach(s.fd));
	s.attached = true;
	if (way == 1)
		return;
	must(!key_install(s.fd, DTLS_TX, &s.tx_key));
	s.tx = true;
	s.tx_last = 1;
	if (way == 2)
		return;
	must(!key_install(s.fd, DTLS_RX, &s.rx_key));
	s.rx = true;
	s.rx_last = 1;
}

static void bystanders(void)
{
	__u8 back[200];
	size_t len = rng_below(&r, sizeof(back));

	rng_fill(&r, out, len);
	must(send(beside.near.fd, out, len, 0) == (ssize_t)len);
	must(recv(beside.far.fd, back, sizeof(back), 0) == (ssize_t)len);
	must(!memcmp(out, back, len));
	must(send(beside.far.fd, out, len, 0) == (ssize_t)len);
	must(recv(beside.near.fd, back, sizeof(back), 0) == (ssize_t)len);
	must(!memcmp(out, back, len));
}

static void step(void)
{
	static void (*const steps[])(void) = {
		option_set, option_set, option_set, option_get, option_udp,
		datagram_in, datagram_in, control_in, message_out, message_out,
		receive_odd, state,
	};

	if (next_id > BODIES - 100) {
		memset(sealed, 0, sizeof(sealed));
		memset(arrived, 0, sizeof(arrived));
		next_id = 0;
		subject_reset();
	}
	/* one that is beyond guessing is only for a while */
	if (s.muddy && rng_one_in(&r, 10))
		subject_reset();
	rng_pick(&r, steps)();
	/* before there are other keys */
	heard(-1);
	if (!(++steps_done % 16))
		bystanders();
}

FIXTURE(generator) {
	struct dtls_pair beside;
};

FIXTURE_SETUP(generator)
{
	cpu_set_t one;

	/* nothing here is concurrent, and settle() has less to wait for */
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	netns_new();
	pair_open(&self->beside, SUITE_AES_128_GCM, FAMILY_V4, true);
	beside = self->beside;
}

FIXTURE_TEARDOWN(generator)
{
	pair_close(&self->beside);
}

TEST_F_TIMEOUT(generator, sequences, 3600)
{
	unsigned long i, n = effort(12000, 2000, 50000);

	rng_init(&r, run_seed(), 0);
	grammar_init();
	forger_open(&forger);
	subject_reset();
	for (i = 0; i < n; i++)
		step();
	forger_close(&forger);
	close(s.fd);
	close(s.far);
	TH_LOG("%lu granted, %lu refused, %lu delivered", granted, refused,
	       delivered);
	/* it has been deep, and not only at the door */
	ASSERT_LT(n / 50, granted);
	ASSERT_LT(n / 50, refused);
	ASSERT_LT(n / 50, delivered);
}

TEST_HARNESS_MAIN
