// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-cflags: -fsanitize=address,undefined -fno-sanitize-recover=all */
/* kselftest-libs: -fsanitize=address,undefined -lcrypto */
/*
 * Whole records: put together from the pure parts of the module, with OpenSSL's
 * ciphers in the place of the kernel's, they are byte for byte what the oracle
 * seals; and what the oracle seals opens.
 */
#include <kselftest_harness.h>

#include <stdlib.h>
#include <string.h>

#include "../../kernel/cid12.c"
#include "../../kernel/inner.c"
#include "../../kernel/record.c"
#include "../../kernel/record13.c"
#include "../lib/die.c"
#include "../lib/oracle.c"
#include "../lib/oracle13.c"

static u64 rng_state;

static u32 rng(void)
{
	rng_state = rng_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return rng_state >> 33;
}

static void fill(u8 *p, size_t len)
{
	while (len--)
		*p++ = rng();
}

/* An AEAD that is given all that the module gives the kernel's. */
static bool cipher_run(bool seal, const char *name, const u8 *key,
		       unsigned int tag, const u8 *nonce, const u8 *aad,
		       unsigned int aad_len, u8 *text, unsigned int len)
{
	struct aead a = { .name = name, .key = key, .tag_len = tag };
	static u8 out[65536];
	bool ok;

	memcpy(a.nonce, nonce, 12);
	memcpy(a.aad, aad, aad_len);
	a.aad_len = aad_len;
	ok = run_aead(&a, seal, text, len, out, text + len);
	memcpy(text, out, len);
	return ok;
}

/* As the module will do it, in one piece of memory. */
static unsigned int seal(const struct oracle13_key *k, u8 form, u64 seq, u8 type,
			 unsigned int multiple, const u8 *data, unsigned int len,
			 u8 *wire)
{
	unsigned int tag = k->suite->tag_len, hdr_len, inner, pad;
	u8 nonce[12], sample[16], mask[16];

	pad = dtls_inner_pad(len, multiple, DTLS_RECORD13_SAMPLE - tag,
			     DTLS_RECORD13_INNER_MAX);
	inner = len + 1 + pad;
	hdr_len = dtls_record13_put_hdr(wire, form, k->cid, k->cid_len, k->epoch,
					seq, inner + tag);
	if (len)
		memcpy(wire + hdr_len, data, len);
	must(dtls_inner_put(wire + hdr_len, len, type, pad) == inner);
	dtls_record13_nonce(nonce, k->iv, seq);
	must(cipher_run(true, k->suite->aead, k->key, tag, nonce, wire, hdr_len,
			wire + hdr_len, inner));
	memcpy(sample, wire + hdr_len, sizeof(sample));
	oracle13_mask(k, sample, mask, 16);
	dtls_record13_mask(wire + 1 + k->cid_len, wire[0], mask);
	return hdr_len + inner + tag;
}

/* Likewise. Returns the length of the content, or -1; @type, @seq, @size set. */
static int open_record(const struct oracle13_key *k, u64 newest, u64 next,
		       const u8 *wire, size_t left, u8 *out, u8 *type, u64 *seq,
		       unsigned int *size)
{
	unsigned int tag = k->suite->tag_len, inner;
	struct dtls_record13_hdr h;
	u8 hdr[64], nonce[12], mask[16];
	u8 *number;

	if (dtls_record13_parse(wire, left < 37 ? left : 37, left, k->cid_len,
				&h))
		return -1;
	*size = h.hdr_len + h.len;
	if (dtls_record13_epoch(newest, h.first) != k->epoch ||
	    memcmp(wire + 1, k->cid, h.cid_len))
		return -1;
	memcpy(hdr, wire, h.hdr_len);
	oracle13_mask(k, wire + h.hdr_len, mask, 16);
	number = hdr + 1 + h.cid_len;
	dtls_record13_mask(number, h.first, mask);
	*seq = dtls_record13_seq(next, dtls_record13_low(number, h.first),
				 h.first);
	dtls_record13_nonce(nonce, k->iv, *seq);
	inner = h.len - tag;
	memcpy(out, wire + h.hdr_len, h.len);
	if (!cipher_run(false, k->suite->aead, k->key, tag, nonce, hdr,
			h.hdr_len, out, inner) ||
	    inner > DTLS_RECORD13_INNER_MAX)
		return -1;
	return dtls_inner_strip(out, inner, type);
}

FIXTURE(seal13) {
	struct oracle13_key k;
	struct oracle13_form f;
	struct oracle13_record r;
	u8 form;
	u8 data[16384], wire[17000], want[17000], out[17000];
};

FIXTURE_VARIANT(seal13) {
	u16 suite;
};

FIXTURE_VARIANT_ADD(seal13, gcm_128) { .suite = SUITE13_AES_128_GCM };
FIXTURE_VARIANT_ADD(seal13, gcm_256) { .suite = SUITE13_AES_256_GCM };
FIXTURE_VARIANT_ADD(seal13, chacha) { .suite = SUITE13_CHACHA20 };
FIXTURE_VARIANT_ADD(seal13, ccm) { .suite = SUITE13_AES_128_CCM };
FIXTURE_VARIANT_ADD(seal13, ccm_8) { .suite = SUITE13_AES_128_CCM_8 };

FIXTURE_SETUP(seal13)
{
	rng_state = variant->suite;
	fill(self->data, sizeof(self->data));
	oracle13_key_init(&self->k, variant->suite, 3, 4711);
}

FIXTURE_TEARDOWN(seal13)
{
}

/* Picks another form, connection ID, epoch and number. */
static u64 shuffle(struct _test_data_seal13 *self)
{
	self->k.cid_len = rng() % 3 ? rng() % 33 : 0;
	fill(self->k.cid, self->k.cid_len);
	self->k.epoch = rng() % 4 ? rng() % 8 : rng() | (u64)rng() << 16;
	memset(&self->f, 0, sizeof(self->f));
	self->f.seq8 = rng() % 4 == 0;
	self->f.no_length = rng() % 4 == 0;
	self->form = (self->f.seq8 ? 0 : DTLS_RECORD13_SEQ16) |
		     (self->f.no_length ? 0 : DTLS_RECORD13_LEN);
	return ((u64)rng() << 17 ^ rng()) >> rng() % 48;
}

static const unsigned int lens[] = {
	0, 1, 6, 7, 8, 15, 16, 17, 255, 256, 1199, 1200, 16383, 16384
};

TEST_F(seal13, as_the_oracle)
{
	static const unsigned int multiples[] = { 0, 0, 0, 16, 100, 256, 4096 };
	u8 types[] = { 21, 22, 23, 24, 26 };
	unsigned int i, len, got, multiple, want;
	u64 seq;
	u8 type;

	for (i = 0; i < 600; i++) {
		seq = shuffle(self) & DTLS_RECORD_SEQ_MAX;
		len = rng() % 2 ? lens[rng() % ARRAY_SIZE(lens)] : rng() % 2000;
		type = types[rng() % 5];
		multiple = multiples[rng() % ARRAY_SIZE(multiples)];
		got = seal(&self->k, self->form, seq, type, multiple, self->data,
			   len, self->wire);
		/* the same, with the padding worked out here */
		for (want = len + 1; want < 16u - self->k.suite->tag_len ||
		     (multiple && want % multiple && want < 16385); want++)
			;
		self->f.pad = want - len - 1;
		ASSERT_EQ(got, oracle13_seal_form(&self->k, &self->f, seq, type,
						  self->data, len, self->want));
		ASSERT_EQ(0, memcmp(self->want, self->wire, got))
			TH_LOG("round %u", i);
		ASSERT_EQ((ssize_t)got,
			  oracle13_open(&self->k, seq ? seq - 1 : 0, self->wire,
					got, &self->r))
			TH_LOG("%s", oracle13_why);
		ASSERT_EQ(len, self->r.len);
	}
}

/* Numbers from as far as the 8 or 16 bits reach, in both directions. */
TEST_F(seal13, opens_what_the_oracle_seals)
{
	unsigned int i, len, size, n;
	u64 seq, next, got;
	u8 type;

	for (i = 0; i < 600; i++) {
		next = shuffle(self) & DTLS_RECORD_SEQ_MAX;
		n = self->f.seq8 ? 128 : 32768;
		seq = next + n - rng() % (2 * n);
		if (seq > DTLS_RECORD_SEQ_MAX)
			seq = next;
		len = 7 + (rng() % 8 ? rng() % 2000 : rng() % 16378);
		self->f.pad = rng() % 3 ? 0 : rng() % (16385 - len);
		n = oracle13_seal_form(&self->k, &self->f, seq, 22, self->data,
				       len, self->wire);
		ASSERT_EQ(len, open_record(&self->k, self->k.epoch + rng() % 4,
					   next, self->wire, n, self->out, &type,
					   &got, &size))
			TH_LOG("round %u", i);
		ASSERT_EQ(n, oracle13_open(&self->k, next, self->wire, n,
					   &self->r));
		ASSERT_EQ(seq, got);
		ASSERT_EQ(seq, self->r.seq);
		ASSERT_EQ(22, type);
		ASSERT_EQ(n, size);
		ASSERT_EQ(0, memcmp(self->data, self->out, len));
	}
}

/* Broken anywhere: either both take it, or none. */
TEST_F(seal13, broken_as_the_oracle_says)
{
	unsigned int i, len, size, n;
	ssize_t want;
	u64 seq, got;
	u8 type;
	int ret;

	for (i = 0; i < 1500; i++) {
		seq = shuffle(self) & DTLS_RECORD_SEQ_MAX;
		len = rng() % 40;
		self->f.no_type = rng() % 10 == 0;
		self->f.pad = rng() % 20;
		n = oracle13_seal_form(&self->k, &self->f, seq, 23, self->data,
				       len, self->wire);
		switch (rng() % 4) {
		case 0:
			self->wire[rng() % n] ^= 1 << rng() % 8;
			break;
		case 1:
			n -= rng() % n;
			break;
		case 2:
			self->k.epoch++;
			break;
		}
		want = oracle13_open(&self->k, seq, self->wire, n, &self->r);
		ret = open_record(&self->k, self->k.epoch, seq, self->wire, n,
				  self->out, &type, &got, &size);
		ASSERT_EQ(want < 0, ret < 0)
			TH_LOG("round %u: %s", i, oracle13_why);
		if (want < 0)
			continue;
		ASSERT_EQ(want, size);
		ASSERT_EQ(self->r.len, (size_t)ret);
		ASSERT_EQ(self->r.seq, got);
	}
}

/*
 * One datagram, many records: the first names the connection, those after it
 * need not, and the last has no length. So it goes to the end.
 */
TEST_F(seal13, datagram)
{
	struct oracle13_form f = {};
	unsigned int n = 0, off, i, size;
	u64 seq;
	u8 type;

	self->k.cid_len = 8;
	fill(self->k.cid, 8);
	for (i = 0; i < 5; i++) {
		f.no_cid = i && i != 3;
		f.no_length = i == 4;
		n += oracle13_seal_form(&self->k, &f, 70000 + i, 23, self->data,
					100 + i, self->wire + n);
	}
	for (i = 0, off = 0; off < n; i++, off += size) {
		ASSERT_EQ(100 + i,
			  open_record(&self->k, 5, 70000 + i, self->wire + off,
				      n - off, self->out, &type, &seq, &size));
		ASSERT_EQ(70000 + i, seq);
		ASSERT_EQ(0, memcmp(self->data, self->out, 100 + i));
	}
	ASSERT_EQ(5, i);
}

FIXTURE(seal_cid) {
	struct oracle_key k;
	struct oracle_cid c;
	struct oracle_record r;
	u8 data[16384], wire[17000], want[17000];
};

FIXTURE_VARIANT(seal_cid) {
	u16 suite;
	const char *name;
};

FIXTURE_VARIANT_ADD(seal_cid, gcm_128) { SUITE_AES_128_GCM, "AES-128-GCM" };
FIXTURE_VARIANT_ADD(seal_cid, gcm_256) { SUITE_AES_256_GCM, "AES-256-GCM" };
FIXTURE_VARIANT_ADD(seal_cid, chacha) { SUITE_CHACHA20, "ChaCha20-Poly1305" };
FIXTURE_VARIANT_ADD(seal_cid, ccm) { SUITE_AES_128_CCM, "AES-128-CCM" };
FIXTURE_VARIANT_ADD(seal_cid, ccm_8) { SUITE_AES_128_CCM_8, "AES-128-CCM" };

FIXTURE_SETUP(seal_cid)
{
	rng_state = variant->suite;
	fill(self->data, sizeof(self->data));
	oracle_key_init(&self->k, variant->suite, 1, 4711);
}

FIXTURE_TEARDOWN(seal_cid)
{
}

/* Nonces are those of kernel/cipher.c, which is not for userspace. */
static void cid_nonce(const struct oracle_key *k, u64 seq, const u8 *explicit,
		      u8 *nonce)
{
	memcpy(nonce, k->iv, 4);
	if (k->suite->explicit_len)
		memcpy(nonce + 4, explicit, 8);
	else
		dtls_record_put_be64(nonce + 4,
				     dtls_record_get_be64(k->iv + 4) ^
				     dtls_record_number(k->epoch, seq));
}

TEST_F(seal_cid, both_ways)
{
	unsigned int i, n, len, inner, hdr, expl, tag, pad;
	struct oracle_key *k = &self->k;
	u8 nonce[12], aad[64], type, *p;
	struct dtls_record_hdr h;
	size_t padding;
	u64 seq;

	expl = k->suite->explicit_len;
	tag = k->suite->tag_len;
	for (i = 0; i < 600; i++) {
		self->c.len = 1 + rng() % DTLS_CID12_CID_MAX;
		fill(self->c.cid, self->c.len);
		k->epoch = 1 + rng() % 65535;
		seq = ((u64)rng() << 17 ^ rng()) & DTLS_RECORD_SEQ_MAX;
		len = rng() % 4 ? rng() % 2000 : rng() % 16384;
		pad = dtls_inner_pad(len, rng() % 2 ? 0 : 1 + rng() % 300,
				     0, DTLS_CID12_INNER_MAX);
		hdr = DTLS_CID12_HDR(self->c.len);

		/* sealed here */
		p = self->wire + hdr;
		dtls_record_put_be64(p, dtls_record_number(k->epoch, seq));
		cid_nonce(k, seq, p, nonce);
		p += expl;
		if (len)
			memcpy(p, self->data, len);
		inner = dtls_inner_put(p, len, 23, pad);
		dtls_cid12_put_aad(aad, k->epoch, seq, self->c.cid,
				   self->c.len, inner);
		ASSERT_TRUE(cipher_run(true, variant->name, k->key, tag, nonce,
				       aad, DTLS_CID12_AAD(self->c.len),
				       p, inner));
		dtls_cid12_put_hdr(self->wire, k->epoch, seq, self->c.cid,
				   self->c.len, expl + inner + tag);
		n = hdr + expl + inner + tag;
		ASSERT_EQ(n, oracle_cid_seal(k, &self->c, seq, 23, pad, NULL,
					     self->data, len, self->want));
		ASSERT_EQ(0, memcmp(self->want, self->wire, n));
		ASSERT_EQ(n, oracle_cid_open(k, &self->c, self->wire, n,
					     &self->r, &padding));
		ASSERT_EQ(pad, padding);

		/* and opened again */
		ASSERT_EQ(DTLS_FAULT_OK,
			  dtls_cid12_parse(self->want, hdr, n,
					   self->c.len, &h));
		ASSERT_EQ(seq, h.seq);
		ASSERT_EQ(k->epoch, h.epoch);
		ASSERT_EQ(n, h.hdr_len + h.len);
		p = self->want + hdr;
		cid_nonce(k, h.seq, p, nonce);
		p += expl;
		inner = h.len - expl - tag;
		dtls_cid12_put_aad(aad, h.epoch, h.seq, self->want + 11,
				   self->c.len, inner);
		ASSERT_TRUE(cipher_run(false, variant->name, k->key, tag, nonce,
				       aad, DTLS_CID12_AAD(self->c.len),
				       p, inner));
		ASSERT_EQ(len, dtls_inner_strip(p, inner, &type));
		ASSERT_EQ(23, type);
		ASSERT_EQ(0, memcmp(self->data, p, len));
	}
}

TEST_HARNESS_MAIN
