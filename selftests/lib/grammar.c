// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "grammar.h"

#define SEQ_MAX		((1ULL << 48) - 1)
#define PAGE		4096

static __u8 *arena;	/* ARG_ROOM bytes, and then a page without access */

void grammar_init(void)
{
	arena = mmap(NULL, ARG_ROOM + PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(arena != MAP_FAILED);
	must(!mprotect(arena + ARG_ROOM, PAGE, PROT_NONE));
}

/* Lengths and numbers where mistakes are made. */
static __u64 odd_number(struct rng *r)
{
	static const __u64 odd[] = {
		0, 1, 2, 3, 4, 7, 8, 12, 13, 16, 32, 63, 64, 65, 143, 144, 145,
		152, 255, 256, 1023, 1024, 4095, 4096, 4097, 16384, 16385, 65535,
		65536, 65537, 0x7fffffff, 0x80000000, 0xffffffff, SEQ_MAX - 1,
		SEQ_MAX, SEQ_MAX + 1, 0x7fffffffffffffff, 0xffffffffffffffff,
	};

	return rng_one_in(r, 3) ? rng_next(r) >> rng_below(r, 64) :
				  rng_pick(r, odd);
}

static void flip(struct rng *r, __u8 *p, size_t len)
{
	if (len)
		p[rng_below(r, len)] ^= 1 << rng_below(r, 8);
}

/* One field, whatever is known of it. */
static void spoil_keys(struct rng *r, struct dtls_keys *k)
{
	switch (rng_below(r, 14)) {
	case 0: k->size = odd_number(r); break;
	case 1: k->version = rng_one_in(r, 2) ? DTLS_1_3_VERSION : rng_next(r); break;
	case 2: k->cipher_suite = rng_next(r); break;
	case 3: k->epoch = odd_number(r); break;
	case 4: k->seq = odd_number(r); break;
	case 5: k->key_len = odd_number(r); break;
	case 6: k->iv_len = odd_number(r); break;
	case 7: k->cid_len = rng_below(r, 3); break;
	case 8: k->pad = rng_below(r, 2); break;
	case 9: k->window = odd_number(r); break;
	case 10: k->pad2 = rng_below(r, 2); break;
	case 11: k->cid[rng_below(r, DTLS_CID_MAX)] = 1; break;
	case 12: (&k->records)[rng_below(r, 4)] = 1; break;
	default: flip(r, (__u8 *)k, sizeof(*k));
	}
}

/* Appends one struct dtls_keys to @c->val. */
static void put_keys(struct rng *r, const struct subject *s, struct call *c,
		     bool tx)
{
	__u64 last = tx ? s->tx_last : s->rx_last;
	struct oracle_key o;
	struct dtls_keys k;
	unsigned int n;

	oracle_key_init(&o, rng_one_in(r, 4) ?
			oracle_suites[rng_below(r, oracle_nr_suites)].id :
			s->suite, last + 1 + rng_below(r, 2), rng_next(r));
	o.seq = rng_one_in(r, 6) ? odd_number(r) % SEQ_MAX : FIRST_SEQ;
	key_fill(&k, &o);
	/* longer, as of a program from the future */
	if (rng_one_in(r, 6)) {
		n = 8 * rng_below(r, 600);
		memset(c->val + c->used + sizeof(k), 0, n);
		k.size += n;
		if (n && rng_one_in(r, 4))
			flip(r, c->val + c->used + sizeof(k), n);
		if (n && rng_one_in(r, 16))
			k.size -= n;
	} else {
		n = 0;
	}
	while (rng_one_in(r, 3))
		spoil_keys(r, &k);
	memcpy(c->val + c->used, &k, sizeof(k));
	c->used += sizeof(k) + n;
}

static void put_flight(struct rng *r, const struct subject *s, struct call *c)
{
	struct dtls_flight head = {
		.size = sizeof(head),
		.count = rng_below(r, 5),
		.seq = rng_one_in(r, 8) ? odd_number(r) : rng_below(r, 1000),
	};
	struct dtls_flight_record rec = {};
	unsigned int i;

	memcpy(c->val, &head, sizeof(head));
	c->used = sizeof(head);
	for (i = 0; i < head.count; i++) {
		rec.type = DTLS_TYPE_CCS + rng_below(r, 3);
		rec.epoch = rng_one_in(r, 2) ? s->tx_last : 0;
		rec.len = rng_one_in(r, 8) ? odd_number(r) : 1 + rng_below(r, 200);
		if (rng_one_in(r, 16))
			flip(r, (__u8 *)&rec, sizeof(rec));
		memcpy(c->val + c->used, &rec, sizeof(rec));
		c->used += sizeof(rec);
		rec.len %= 4000;
		rng_fill(r, c->val + c->used, rec.len);
		c->used += rec.len;
	}
	if (rng_one_in(r, 8))
		flip(r, c->val, sizeof(head));
}

static void put_new_cid(struct rng *r, struct call *c)
{
	struct dtls_new_cid o = {
		.size = sizeof(o),
		.usage = rng_below(r, 2),
		.count = rng_below(r, DTLS_NEW_CID_MAX + 1),
		.cid_len = rng_below(r, DTLS_CID_MAX + 1),
	};
	unsigned int i, n = 0;

	for (i = 0; i < o.count; i++)
		rng_fill(r, o.cid[i], o.cid_len);
	if (rng_one_in(r, 6)) {
		n = 4 * rng_below(r, 100);
		memset(c->val + sizeof(o), 0, n);
		o.size += n;
		if (n && rng_one_in(r, 4))
			flip(r, c->val + sizeof(o), n);
	}
	if (rng_one_in(r, 8))
		flip(r, (__u8 *)&o, sizeof(o));
	memcpy(c->val, &o, sizeof(o));
	c->used = sizeof(o) + n;
}

static int some_int(struct rng *r, int name)
{
	if (rng_one_in(r, 4))
		return odd_number(r);
	switch (name) {
	case DTLS_REPLAY_WINDOW: return rng_below(r, 70000);
	case DTLS_EVENTS: return rng_below(r, DTLS_EVENT_ALL + 4);
	case DTLS_REQUEST_CID: return rng_below(r, 258);
	default: return rng_below(r, 2);
	}
}

/* The argument goes where one byte too many is one that cannot be read. */
static void place(struct rng *r, struct call *c)
{
	size_t n = c->used;

	c->len = n;
	if (rng_one_in(r, 12))
		c->len = odd_number(r);
	else if (rng_one_in(r, 12))
		c->len += (int)rng_below(r, 17) - 8;
	/* what is longer than we know has what follows in it, if anything */
	if (c->len > (int)n && c->len <= ARG_ROOM)
		n = c->len;
	c->arg = arena + ARG_ROOM - n;
	memcpy(c->arg, c->val, n);
	c->bad = c->len > (int)n;
	if (rng_one_in(r, 24)) {
		c->arg = rng_one_in(r, 2) ? NULL : c->arg + 1 + rng_below(r, 64);
		c->bad = true;
	}
}

void call_set(struct rng *r, const struct subject *s, struct call *c)
{
	static const int names[] = {
		DTLS_TX, DTLS_RX, DTLS_TXRX, DTLS_TX, DTLS_RX, DTLS_TXRX,
		DTLS_RECVTYPE, DTLS_REPLAY_WINDOW, DTLS_EVENTS,
		DTLS_LAST_FLIGHT, DTLS_LAST_FLIGHT, DTLS_NO_EXPORT,
		DTLS_MAX_PAYLOAD, DTLS_TX_EXPORT, DTLS_RX_EXPORT,
		DTLS_KEY_UPDATE, DTLS_PADDING, DTLS_NEW_CID, DTLS_REQUEST_CID,
		DTLS_NEXT_CID,
	};
	int val;

	memset(c, 0, sizeof(*c));
	c->level = SOL_DTLS;
	c->name = rng_pick(r, names);
	if (rng_one_in(r, 10)) {
		c->level = SOL_IP;
		c->name = DTLS_ULP;
	}
	if (c->name == DTLS_ULP) {
		memcpy(c->val, "dtls", 5);
		c->used = rng_one_in(r, 2) ? 4 : 5;
		if (rng_one_in(r, 4))
			flip(r, c->val, c->used);
	} else if (c->name == DTLS_TX || c->name == DTLS_TXRX) {
		put_keys(r, s, c, true);
	}
	if (c->level == SOL_DTLS &&
	    (c->name == DTLS_RX || c->name == DTLS_TXRX))
		put_keys(r, s, c, false);
	if (c->level == SOL_DTLS && c->name == DTLS_LAST_FLIGHT)
		put_flight(r, s, c);
	if (c->level == SOL_DTLS && c->name == DTLS_NEW_CID)
		put_new_cid(r, c);
	if (!c->used) {
		val = some_int(r, c->name);
		memcpy(c->val, &val, sizeof(val));
		c->used = sizeof(val);
	}
	/* the right argument for another option; not of IP, which has many */
	if (c->level == SOL_DTLS && rng_one_in(r, 24))
		c->name = rng_one_in(r, 2) ? (int)rng_below(r, 20) :
					     (int)odd_number(r);
	place(r, c);
}

void call_get(struct rng *r, const struct subject *s, struct call *c)
{
	(void)s;
	memset(c, 0, sizeof(*c));
	c->level = rng_one_in(r, 12) ? SOL_IP : SOL_DTLS;
	c->name = c->level == SOL_IP ? DTLS_ULP : 1 + (int)rng_below(r, 16);
	/* an export is the end of much; what IP has beside is not our matter */
	if ((c->name == DTLS_TX_EXPORT || c->name == DTLS_RX_EXPORT) &&
	    !rng_one_in(r, 4))
		c->name = DTLS_TX;
	if (c->level == SOL_DTLS && rng_one_in(r, 24))
		c->name = odd_number(r);
	c->used = c->name == DTLS_TX || c->name == DTLS_RX ||
		  c->name == DTLS_TX_EXPORT || c->name == DTLS_RX_EXPORT ?
		  sizeof(struct dtls_keys) : c->level == SOL_IP ? 5 : 4;
	place(r, c);
}

/* Documentation: "Installing keys", the reasons for EINVAL and the like. */
static enum verdict keys_expect(const struct subject *s, const __u8 *p,
				size_t left, bool tx, size_t *size)
{
	const struct oracle_suite *suite;
	struct dtls_keys k = {};
	size_t i, n;

	if (left < sizeof(k.size))
		return REFUSED;
	memcpy(&k.size, p, sizeof(k.size));
	*size = k.size;
	if (k.size < DTLS_KEYS_SIZE_VER0 || k.size > left || k.size > PAGE)
		return REFUSED;
	n = k.size < sizeof(k) ? k.size : sizeof(k);
	memcpy(&k, p, n);
	for (i = sizeof(k); i < *size; i++)
		if (p[i])
			return REFUSED;
	/* no secret is ever put in, so nothing of DTLS 1.3 is right */
	if (k.version != DTLS_1_2_VERSION || !k.epoch || k.epoch > 65535 ||
	    k.seq > SEQ_MAX || k.cid_len > DTLS_CID_MAX || k.pad || k.pad2 ||
	    k.window || k.records || k.bytes || k.drop_replay || k.drop_auth ||
	    k.secret_len || k.pad3 || k.message_seq || k.pad4)
		return REFUSED;
	for (i = k.cid_len; i < sizeof(k.cid); i++)
		if (k.cid[i])
			return REFUSED;
	for (i = 0; i < sizeof(k.secret); i++)
		if (k.secret[i])
			return REFUSED;
	if (k.epoch <= (tx ? s->tx_last : s->rx_last) ||
	    (tx ? s->tx_gone : s->rx_gone))
		return REFUSED;
	for (i = 0; i < oracle_nr_suites; i++)
		if (oracle_suites[i].id == k.cipher_suite)
			break;
	/* there are more suites than we have an oracle for */
	if (i == oracle_nr_suites)
		return EITHER;
	suite = &oracle_suites[i];
	if (k.key_len != suite->key_len || k.iv_len != suite->iv_len)
		return REFUSED;
	/* whether it is that of the keys before is not written down here */
	return k.cid_len ? EITHER : GRANTED;
}

static enum verdict install_expect(const struct subject *s,
				   const struct call *c)
{
	size_t size, more = 0;
	enum verdict v, w = GRANTED;

	if (!s->connected || s->closed)
		return REFUSED;
	v = keys_expect(s, c->arg, c->len, c->name != DTLS_RX, &size);
	if (v != REFUSED && c->name == DTLS_TXRX)
		w = keys_expect(s, c->arg + size, c->len - size, false, &more);
	if (v == REFUSED || w == REFUSED || size + more != (size_t)c->len)
		return REFUSED;
	if (!s->tx && !s->rx && s->pending)
		return EITHER;
	return v == EITHER || w == EITHER ? EITHER : GRANTED;
}

static enum verdict flight_expect(const struct subject *s,
				  const struct call *c)
{
	struct dtls_flight_record rec;
	struct dtls_flight head;
	const __u8 *p = c->arg;
	size_t left = c->len;

	if (!s->tx || left < sizeof(head) ||
	    left > sizeof(head) + DTLS_FLIGHT_MAX)
		return REFUSED;
	memcpy(&head, p, sizeof(head));
	if (head.size != sizeof(head) || head.seq > (1ULL << 47) - 1)
		return REFUSED;
	for (p += sizeof(head), left -= sizeof(head); head.count; head.count--) {
		if (left < sizeof(rec))
			return REFUSED;
		memcpy(&rec, p, sizeof(rec));
		p += sizeof(rec);
		left -= sizeof(rec);
		if (rec.type < DTLS_TYPE_CCS || rec.type > DTLS_TYPE_HANDSHAKE ||
		    rec.pad || rec.seq || !rec.len ||
		    rec.len > DTLS_PLAINTEXT_MAX || rec.len > left ||
		    (rec.epoch && rec.epoch != s->tx_last))
			return REFUSED;
		p += rec.len;
		left -= rec.len;
	}
	return left ? REFUSED : GRANTED;
}

static enum verdict ulp_expect(const struct subject *s, const struct call *c)
{
	char name[17] = {};

	if (c->len < 1 || c->len > 16)
		return REFUSED;
	memcpy(name, c->arg, c->len);
	if (s->attached || strcmp(name, "dtls"))
		return REFUSED;
	return s->pending ? EITHER : GRANTED;
}

enum verdict call_expect(const struct subject *s, const struct call *c)
{
	int val;

	if (c->level == SOL_IP && c->name != DTLS_ULP)
		return EITHER;
	if (c->bad || c->len < 0)
		return REFUSED;
	if (s->muddy)
		return EITHER;
	if (c->level == SOL_IP)
		return ulp_expect(s, c);
	if (!s->attached)
		return REFUSED;
	switch (c->name) {
	case DTLS_TX:
	case DTLS_RX:
	case DTLS_TXRX:
		return install_expect(s, c);
	case DTLS_LAST_FLIGHT:
		return flight_expect(s, c);
	case DTLS_RECVTYPE:
	case DTLS_REPLAY_WINDOW:
	case DTLS_EVENTS:
	case DTLS_NO_EXPORT:
	case DTLS_PADDING:
		break;
	default:
		/* DTLS_KEY_UPDATE and what follows, too: for DTLS 1.3 */
		return REFUSED;
	}
	if (c->len != sizeof(val))
		return REFUSED;
	memcpy(&val, c->arg, sizeof(val));
	if (c->name == DTLS_REPLAY_WINDOW)
		return !s->rx && val >= DTLS_WINDOW_MIN &&
		       val <= DTLS_WINDOW_MAX ? GRANTED : REFUSED;
	if (c->name == DTLS_EVENTS)
		return val & ~DTLS_EVENT_ALL ? REFUSED : GRANTED;
	if (c->name == DTLS_PADDING)
		return val < 0 || val > DTLS_PLAINTEXT_MAX ? REFUSED : GRANTED;
	if (val != 0 && val != 1)
		return REFUSED;
	if (c->name == DTLS_NO_EXPORT && !val && s->latched)
		return REFUSED;
	return GRANTED;
}

static void take_keys(struct subject *s, const __u8 *p, bool tx, size_t *size)
{
	struct oracle_key *o = tx ? &s->tx_key : &s->rx_key;
	struct dtls_keys k = {};
	unsigned int i;

	memcpy(size, p, sizeof(k.size));
	memcpy(&k, p, sizeof(k) < *size ? sizeof(k) : *size);
	for (i = 0; i < oracle_nr_suites; i++)
		if (oracle_suites[i].id == k.cipher_suite)
			o->suite = &oracle_suites[i];
	if (o->suite->id != k.cipher_suite || k.cid_len)
		s->muddy = true;
	o->epoch = k.epoch;
	o->seq = k.seq;
	memcpy(o->key, k.key, sizeof(o->key));
	memcpy(o->iv, k.iv, sizeof(o->iv));
	if (tx) {
		s->tx = true;
		s->tx_last = k.epoch;
	} else {
		s->rx = true;
		s->rx_last = k.epoch;
	}
}

void call_granted(struct subject *s, const struct call *c)
{
	size_t size = 0;
	int val;

	if (c->level == SOL_IP) {
		s->attached |= c->name == DTLS_ULP;
		return;
	}
	if (c->name == DTLS_TX || c->name == DTLS_TXRX)
		take_keys(s, c->arg, true, &size);
	if (c->name == DTLS_RX || c->name == DTLS_TXRX)
		take_keys(s, c->arg + size, false, &size);
	memcpy(&val, c->arg, sizeof(val));
	if (c->name == DTLS_RECVTYPE)
		s->recvtype = val;
	if (c->name == DTLS_EVENTS)
		s->events = val;
	if (c->name == DTLS_NO_EXPORT)
		s->latched |= val;
	if (c->name == DTLS_REPLAY_WINDOW)
		for (s->window = DTLS_WINDOW_MIN; s->window < val;)
			s->window *= 2;
}

/* The tables of Documentation/networking/dtls.rst; 0 ends a row. */
static const struct {
	int name;
	bool set;
	int errors[14];
} errors[] = {
	{ DTLS_TX, true, { E2BIG, EPROTONOSUPPORT, ENOTCONN, EPIPE, EKEYREVOKED,
			   EEXIST, EBUSY, ENOENT, ENOMEM } },
	{ DTLS_REPLAY_WINDOW, true, { EBUSY } },
	{ DTLS_NO_EXPORT, true, { EPERM } },
	{ DTLS_KEY_UPDATE, true, { ENOKEY, EOPNOTSUPP } },
	{ DTLS_NEW_CID, true, { E2BIG, ENOKEY, EOPNOTSUPP } },
	{ DTLS_REQUEST_CID, true, { ENOKEY, EOPNOTSUPP } },
	{ DTLS_NEXT_CID, true, { ENOKEY, EOPNOTSUPP } },
	{ DTLS_LAST_FLIGHT, true, { ENOKEY, EMSGSIZE, ENOMEM } },
	{ DTLS_TX, false, { ENOKEY } },
	{ DTLS_TX_EXPORT, false, { EPERM, EKEYREVOKED, ENOKEY } },
	{ DTLS_MAX_PAYLOAD, false, { ENOTCONN, ENOKEY, ENETUNREACH,
				     EHOSTUNREACH } },
};

bool call_may_fail(const struct call *c, bool set, int error)
{
	static const int attach[] = {
		ENOPROTOOPT, EINVAL, EFAULT, ENOENT, EEXIST, EBUSY, ENOTCONN,
		ENOMEM, EOPNOTSUPP,
	};
	unsigned int i, j;
	int name = c->name;

	if (error == EINVAL || error == EFAULT || error == ENOPROTOOPT)
		return true;
	if (c->level == SOL_IP) {
		for (i = 0; set && i < ARRAY_SIZE(attach); i++)
			if (attach[i] == error)
				return true;
		return false;
	}
	if (name == DTLS_RX || (set && name == DTLS_TXRX))
		name = DTLS_TX;
	if (name == DTLS_RX_EXPORT)
		name = DTLS_TX_EXPORT;
	for (i = 0; i < ARRAY_SIZE(errors); i++)
		for (j = 0; errors[i].name == name && errors[i].set == set &&
		     errors[i].errors[j]; j++)
			if (errors[i].errors[j] == error)
				return true;
	return false;
}
