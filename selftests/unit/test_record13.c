// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-cflags: -fsanitize=address,undefined -fno-sanitize-recover=all */
/* kselftest-libs: -fsanitize=address,undefined */
/* kernel/record13.c and inner.c: the wire format of DTLS 1.3. */
#include <kselftest_harness.h>

#include <stdlib.h>
#include <string.h>

#include "../../kernel/inner.c"
#include "../../kernel/record.c"
#include "../../kernel/record13.c"

static u64 rng_state;

static u32 rng(void)
{
	rng_state = rng_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return rng_state >> 33;
}

/* RFC 9147 4.1, figure 5, as a table. */
TEST(kinds)
{
	enum dtls_record13_kind want[256] = {
		[20] = DTLS_KIND_12, [21] = DTLS_KIND_PLAIN,
		[22] = DTLS_KIND_PLAIN, [23] = DTLS_KIND_12,
		[24] = DTLS_KIND_12, [25] = DTLS_KIND_CID12,
		[26] = DTLS_KIND_PLAIN,
	};
	int i;

	for (i = 0; i < 256; i++) {
		if (i > 31 && i < 64)
			want[i] = DTLS_KIND_13;
		EXPECT_EQ(want[i], dtls_record13_kind(i))
			TH_LOG("first byte %d", i);
	}
}

TEST(skippable)
{
	EXPECT_FALSE(dtls_record13_skippable(DTLS_FAULT_SHORT));
	EXPECT_FALSE(dtls_record13_skippable(DTLS_FAULT_TYPE));
	EXPECT_FALSE(dtls_record13_skippable(DTLS_FAULT_LENGTH));
	EXPECT_FALSE(dtls_record13_skippable(DTLS_FAULT_CID));
	EXPECT_TRUE(dtls_record13_skippable(DTLS_FAULT_VERSION));
	EXPECT_TRUE(dtls_record13_skippable(DTLS_FAULT_EPOCH));
	EXPECT_TRUE(dtls_record13_skippable(DTLS_FAULT_RUNT));
	EXPECT_TRUE(dtls_record13_skippable(DTLS_FAULT_OVERSIZE));
}

TEST(inner_types)
{
	int i;

	for (i = 0; i < 256; i++)
		EXPECT_EQ(i == 21 || i == 22 || i == 23 || i == 24 || i == 26,
			  dtls_record13_inner_ok(i))
			TH_LOG("type %d", i);
}

/* Each form of the header, at each length of connection ID. */
FIXTURE(form) {
	u8 buf[64];
	unsigned int hdr_len, cid_len;
	struct dtls_record13_hdr h;
};

FIXTURE_VARIANT(form) {
	u8 bits;
	unsigned int numbers, lengths;	/* bytes of each in the header */
};

FIXTURE_VARIANT_ADD(form, minimal) { .bits = 0x20, .numbers = 1 };
FIXTURE_VARIANT_ADD(form, seq16) { .bits = 0x28, .numbers = 2 };
FIXTURE_VARIANT_ADD(form, length) { .bits = 0x24, .numbers = 1, .lengths = 2 };
FIXTURE_VARIANT_ADD(form, usual) { .bits = 0x2c, .numbers = 2, .lengths = 2 };
FIXTURE_VARIANT_ADD(form, cid) { .bits = 0x30, .numbers = 1 };
FIXTURE_VARIANT_ADD(form, cid_seq16) { .bits = 0x38, .numbers = 2 };
FIXTURE_VARIANT_ADD(form, cid_len) { .bits = 0x34, .numbers = 1, .lengths = 2 };
FIXTURE_VARIANT_ADD(form, full) { .bits = 0x3c, .numbers = 2, .lengths = 2 };

FIXTURE_SETUP(form)
{
}

FIXTURE_TEARDOWN(form)
{
}

/* A header written out by hand, of a record with @len bytes of ciphertext. */
static void by_hand(struct _test_data_form *self,
		    const struct _fixture_variant_form *variant,
		    unsigned int cid_len, u8 epoch, unsigned int len)
{
	u8 *p = self->buf;
	unsigned int i;

	memset(self->buf, 0xee, sizeof(self->buf));
	*p++ = variant->bits | epoch;
	self->cid_len = variant->bits & 0x10 ? cid_len : 0;
	for (i = 0; i < self->cid_len; i++)
		*p++ = 0xc0 + i;
	for (i = 0; i < variant->numbers; i++)
		*p++ = 0x51 + i;
	if (variant->lengths) {
		*p++ = len >> 8;
		*p++ = len & 0xff;
	}
	self->hdr_len = p - self->buf;
}

static const unsigned int cid_lens[] = { 0, 1, 4, 8, 31, 32 };

TEST_F(form, parse)
{
	unsigned int c, len, want, got;
	u8 epoch;

	for (c = 0; c < ARRAY_SIZE(cid_lens); c++) {
		if (variant->bits & 0x10 && !cid_lens[c])
			continue;
		for (epoch = 0; epoch < 4; epoch++) {
			for (len = 0; len < 17000; len += len < 20 ? 1 : 20) {
				by_hand(self, variant, cid_lens[c], epoch, len);
				want = len < 16 ? DTLS_FAULT_RUNT :
				       len > 16640 ? DTLS_FAULT_OVERSIZE :
				       DTLS_FAULT_OK;
				got = dtls_record13_parse(self->buf,
							  self->hdr_len,
							  self->hdr_len + len,
							  cid_lens[c],
							  &self->h);
				ASSERT_EQ(want, got)
					TH_LOG("CID %u, %u bytes", cid_lens[c],
					       len);
				ASSERT_EQ(variant->bits | epoch, self->h.first);
				ASSERT_EQ(self->cid_len, self->h.cid_len);
				ASSERT_EQ(self->hdr_len, self->h.hdr_len);
				ASSERT_EQ(len, self->h.len);
				ASSERT_EQ(self->hdr_len,
					  dtls_record13_hdr_len(self->h.first,
								self->cid_len));
			}
		}
	}
}

TEST_F(form, longest)
{
	unsigned int len;

	for (len = 16630; len < 16650; len++) {
		by_hand(self, variant, 8, 3, len);
		ASSERT_EQ(len > 16640 ? DTLS_FAULT_OVERSIZE : DTLS_FAULT_OK,
			  dtls_record13_parse(self->buf, self->hdr_len,
					      self->hdr_len + len, 8,
					      &self->h));
	}
	by_hand(self, variant, 8, 3, 65535);
	ASSERT_EQ(DTLS_FAULT_OVERSIZE,
		  dtls_record13_parse(self->buf, self->hdr_len,
				      self->hdr_len + 65535, 8, &self->h));
	ASSERT_EQ(65535, self->h.len);
}

/* Cut anywhere in the header, and by a byte after it. */
TEST_F(form, cut)
{
	unsigned int n;

	by_hand(self, variant, 8, 1, 20);
	for (n = 0; n < self->hdr_len; n++) {
		ASSERT_EQ(DTLS_FAULT_SHORT,
			  dtls_record13_parse(self->buf, n, n, 8, &self->h));
		ASSERT_EQ(DTLS_FAULT_SHORT,
			  dtls_record13_parse(self->buf, n, 100, 8, &self->h));
		ASSERT_EQ(DTLS_FAULT_SHORT,
			  dtls_record13_parse(self->buf, 64, n, 8, &self->h));
		ASSERT_EQ(0, self->h.hdr_len);
		ASSERT_EQ(0, self->h.len);
	}
	ASSERT_EQ(variant->lengths ? DTLS_FAULT_LENGTH : DTLS_FAULT_OK,
		  dtls_record13_parse(self->buf, 64, self->hdr_len + 19, 8,
				      &self->h));
	ASSERT_EQ(DTLS_FAULT_OK,
		  dtls_record13_parse(self->buf, 64, self->hdr_len + 20, 8,
				      &self->h));
	/* More behind it is the next record's business, or its own. */
	ASSERT_EQ(DTLS_FAULT_OK,
		  dtls_record13_parse(self->buf, 64, self->hdr_len + 40, 8,
				      &self->h));
	ASSERT_EQ(variant->lengths ? 20 : 40, self->h.len);
}

/* RFC 9147 9.1: "the receiver MUST reject any records [...] that contain a CID" */
TEST_F(form, no_cid_agreed)
{
	by_hand(self, variant, 8, 2, 20);
	ASSERT_EQ(variant->bits & 0x10 ? DTLS_FAULT_CID : DTLS_FAULT_OK,
		  dtls_record13_parse(self->buf, 64, self->hdr_len + 20, 0,
				      &self->h));
}

/* Never reads behind what it was given: the page after that is not there. */
TEST_F(form, reads_no_further)
{
	long page = sysconf(_SC_PAGESIZE);
	u8 *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int n;

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, mprotect(p + page, page, PROT_NONE));
	by_hand(self, variant, 32, 0, 20);
	for (n = 0; n <= self->hdr_len; n++) {
		memcpy(p + page - n, self->buf, n);
		EXPECT_EQ(n < self->hdr_len ? DTLS_FAULT_SHORT : DTLS_FAULT_OK,
			  dtls_record13_parse(p + page - n, n,
					      self->hdr_len + 20, 32,
					      &self->h));
	}
	munmap(p, 2 * page);
}

TEST_F(form, put)
{
	static const u8 number[] = { 0x51, 0x52 };
	u8 cid[32], out[64];
	unsigned int c, i;
	u64 seq;

	for (i = 0; i < sizeof(cid); i++)
		cid[i] = 0xc0 + i;
	seq = variant->numbers == 2 ? 0xabcd12345152ULL : 0xabcd12349951ULL;
	for (c = 0; c < ARRAY_SIZE(cid_lens); c++) {
		if (!!(variant->bits & 0x10) != !!cid_lens[c])
			continue;
		by_hand(self, variant, cid_lens[c], 2, 0x1234);
		memset(out, 0x5a, sizeof(out));
		ASSERT_EQ(self->hdr_len,
			  dtls_record13_put_hdr(out + 1, variant->bits & 0x0c,
						cid_lens[c] ? cid : NULL,
						cid_lens[c], 4711ULL * 4 + 2,
						seq, 0x1234));
		ASSERT_EQ(0, memcmp(self->buf, out + 1, self->hdr_len));
		ASSERT_EQ(0x5a, out[0]);
		ASSERT_EQ(0x5a, out[1 + self->hdr_len]);
		ASSERT_EQ(variant->numbers == 2 ? 0x5152 : 0x51,
			  dtls_record13_low(number, variant->bits));
	}
}

/* Masks one byte or two, and no other. */
TEST_F(form, mask)
{
	static const u8 mask[16] = { 0x0f, 0xf0, 0xff, 0xff };
	u8 got[4] = { 0x11, 0x22, 0x33, 0x44 };

	dtls_record13_mask(got + 1, variant->bits, mask);
	EXPECT_EQ(0x11, got[0]);
	EXPECT_EQ(0x22 ^ 0x0f, got[1]);
	EXPECT_EQ(variant->numbers == 2 ? 0x33 ^ 0xf0 : 0x33, got[2]);
	EXPECT_EQ(0x44, got[3]);
	dtls_record13_mask(got + 1, variant->bits, mask);
	EXPECT_EQ(0x22, got[1]);
	EXPECT_EQ(0x33, got[2]);
}

TEST(alien)
{
	struct dtls_record13_hdr h;
	u8 buf[64] = {};
	int i;

	for (i = 0; i < 256; i++) {
		buf[0] = i;
		EXPECT_EQ(i < 32 || i >= 64,
			  dtls_record13_parse(buf, 64, 64, 8, &h) ==
			  DTLS_FAULT_TYPE);
		EXPECT_EQ(i, h.first);
	}
}

/* Without a length the record is what is left, and this may be a lot. */
TEST(no_datagram_has_so_much)
{
	static const u8 buf[2] = { 0x20 };
	struct dtls_record13_hdr h;

	ASSERT_EQ(DTLS_FAULT_OVERSIZE,
		  dtls_record13_parse(buf, 2, 2 + 65535, 0, &h));
	ASSERT_EQ(DTLS_FAULT_LENGTH,
		  dtls_record13_parse(buf, 2, 2 + 65536, 0, &h));
	ASSERT_EQ(DTLS_FAULT_LENGTH,
		  dtls_record13_parse(buf, 2, 2 + 65536 + 100, 0, &h));
}

TEST(plaintext)
{
	u8 buf[16] = { 22, 0xfe, 0xfd, 0, 0, 1, 2, 3, 4, 5, 6, 0, 3, 'a', 'b' };
	struct dtls_record_hdr h;
	int i, n;

	ASSERT_EQ(DTLS_FAULT_OK, dtls_record13_parse_plain(buf, 13, 16, &h));
	EXPECT_EQ(22, h.type);
	EXPECT_EQ(0, h.epoch);
	EXPECT_EQ(0x010203040506ULL, h.seq);
	EXPECT_EQ(3, h.len);
	EXPECT_EQ(13, h.hdr_len);
	EXPECT_EQ(0xfefd, h.version);
	for (n = 0; n < 13; n++) {
		EXPECT_EQ(DTLS_FAULT_SHORT,
			  dtls_record13_parse_plain(buf, n, 16, &h));
		EXPECT_EQ(DTLS_FAULT_SHORT,
			  dtls_record13_parse_plain(buf, 16, n, &h));
	}
	EXPECT_EQ(DTLS_FAULT_LENGTH,
		  dtls_record13_parse_plain(buf, 13, 15, &h));
	for (i = 0; i < 256; i++) {
		buf[0] = i;
		EXPECT_EQ(i == 21 || i == 22 || i == 26 ? DTLS_FAULT_OK :
							  DTLS_FAULT_TYPE,
			  dtls_record13_parse_plain(buf, 13, 16, &h));
	}
	/* "It MUST be ignored for all purposes" */
	buf[0] = 26;
	for (i = 0; i < 65536; i++) {
		dtls_record_put_be16(buf + 1, i);
		ASSERT_EQ(DTLS_FAULT_OK,
			  dtls_record13_parse_plain(buf, 13, 16, &h));
	}
	buf[4] = 1;
	EXPECT_EQ(DTLS_FAULT_EPOCH, dtls_record13_parse_plain(buf, 13, 16, &h));
	buf[3] = 1;
	buf[4] = 0;
	EXPECT_EQ(DTLS_FAULT_EPOCH, dtls_record13_parse_plain(buf, 13, 16, &h));
	EXPECT_EQ(3, h.len);
	buf[3] = 0;
	dtls_record_put_be16(buf + 11, 16384);
	EXPECT_EQ(DTLS_FAULT_OK,
		  dtls_record13_parse_plain(buf, 13, 65507, &h));
	dtls_record_put_be16(buf + 11, 16385);
	EXPECT_EQ(DTLS_FAULT_OVERSIZE,
		  dtls_record13_parse_plain(buf, 13, 65507, &h));
}

/* All that there are, and of those the nearest; of two the higher. */
static u64 slow_seq(u64 next, u64 low, u64 span)
{
	u64 best = ~0ULL, far = ~0ULL, c, d, block;

	block = next / span < 3 ? 0 : next / span - 3;
	for (c = block * span + low; c < (block + 7) * span; c += span) {
		if (c > DTLS_RECORD_SEQ_MAX)
			break;
		d = c > next ? c - next : next - c;
		if (d <= far) {
			far = d;
			best = c;
		}
	}
	return best;
}

static const u64 nexts[] = {
	0, 1, 2, 63, 126, 127, 128, 129, 130, 254, 255, 256, 257, 383, 384, 385,
	32766, 32767, 32768, 32769, 65534, 65535, 65536, 65537, 98303, 98304,
	98305, 131071, 131072, 1ULL << 32, (1ULL << 32) - 1,
	(1ULL << 47) + 12345, (1ULL << 48) - 98305, (1ULL << 48) - 65537,
	(1ULL << 48) - 65536, (1ULL << 48) - 32769, (1ULL << 48) - 32768,
	(1ULL << 48) - 32767, (1ULL << 48) - 257, (1ULL << 48) - 256,
	(1ULL << 48) - 129, (1ULL << 48) - 128, (1ULL << 48) - 127,
	(1ULL << 48) - 2, (1ULL << 48) - 1, 1ULL << 48,
};

TEST(seq_as_the_model)
{
	unsigned int i;
	u64 next;
	u32 low;

	for (i = 0; i < ARRAY_SIZE(nexts) + 40; i++) {
		next = i < ARRAY_SIZE(nexts) ? nexts[i] :
		       ((u64)rng() << 17 ^ rng()) & DTLS_RECORD_SEQ_MAX;
		for (low = 0; low < 65536; low++)
			ASSERT_EQ(slow_seq(next, low, 65536),
				  dtls_record13_seq(next, low, 0x2c))
				TH_LOG("next %llu low %u",
				       (unsigned long long)next, low);
		for (low = 0; low < 256; low++)
			ASSERT_EQ(slow_seq(next, low, 256),
				  dtls_record13_seq(next, low, 0x24))
				TH_LOG("next %llu low %u",
				       (unsigned long long)next, low);
	}
}

/* What was sent comes back, as long as it is within half of the span. */
TEST(seq_comes_back)
{
	__s64 off;
	u64 next;
	int i;

	for (i = 0; i < 200; i++) {
		next = (1ULL << 20) + ((u64)rng() << 10);
		for (off = -32767; off <= 32768; off += 1 + rng() % 50)
			ASSERT_EQ(next + off,
				  dtls_record13_seq(next, (u16)(next + off),
						    0x28));
		ASSERT_EQ(next + 32768,
			  dtls_record13_seq(next, (u16)(next + 32768), 0x28));
		for (off = -127; off <= 128; off++)
			ASSERT_EQ(next + off,
				  dtls_record13_seq(next, (u8)(next + off),
						    0x20));
	}
}

TEST(epoch_as_the_model)
{
	u64 newest, want;
	u8 bits;

	for (newest = 0; newest < 3000; newest++) {
		for (bits = 0; bits < 4; bits++) {
			for (want = newest; want && want % 4 != bits; want--)
				;
			if (want % 4 != bits)
				want = bits;
			ASSERT_EQ(want, dtls_record13_epoch(newest, 0x2c | bits));
			ASSERT_EQ(want, dtls_record13_epoch(newest, 0x20 | bits));
		}
	}
	ASSERT_EQ((1ULL << 48) - 3,
		  dtls_record13_epoch((1ULL << 48) - 1, 0x21));
}

static void unhex(const char *hex, u8 *out)
{
	unsigned int byte;

	for (; *hex; hex += 2) {
		sscanf(hex, "%2x", &byte);
		*out++ = byte;
	}
}

/* RFC 9001 A.2 and A.5: the same nonce, though for QUIC. */
TEST(nonce)
{
	static const struct {
		const char *iv, *nonce;
		u64 seq;
	} v[] = {
		{ "fa044b2f42a3fd3b46fb255c", "fa044b2f42a3fd3b46fb255e", 2 },
		{ "e0459b3474bdd0e44a41c144", "e0459b3474bdd0e46d417eb0",
		  654360564 },
		{ "000000000000000000000000", "00000000fedcba9876543210",
		  0xfedcba9876543210ULL },
		{ "ffffffffffffffffffffffff", "ffffffff0123456789abcdef",
		  0xfedcba9876543210ULL },
	};
	u8 iv[12], want[12], got[14];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		unhex(v[i].iv, iv);
		unhex(v[i].nonce, want);
		memset(got, 0x5a, sizeof(got));
		dtls_record13_nonce(got + 1, iv, v[i].seq);
		EXPECT_EQ(0, memcmp(want, got + 1, 12));
		EXPECT_EQ(0x5a, got[0]);
		EXPECT_EQ(0x5a, got[13]);
	}
}

/* Padding of each length behind content of each, in memory that ends there. */
TEST(inner)
{
	unsigned int len, pad, i;
	u8 type, *p;

	for (len = 0; len < 40; len++) {
		for (pad = 0; pad < 40; pad++) {
			p = malloc(len + 1 + pad);
			/* zeros at the end of the content are none of padding */
			for (i = 0; i < len; i++)
				p[i] = i < len / 2;
			type = 0;
			ASSERT_EQ(len + 1 + pad,
				  dtls_inner_put(p, len, 23, pad));
			ASSERT_EQ(len, dtls_inner_strip(p, len + 1 + pad,
							&type));
			ASSERT_EQ(23, type);
			free(p);
		}
	}
}

TEST(inner_without_a_type)
{
	u8 type = 77, *p = calloc(1, 20000);
	unsigned int len;

	for (len = 0; len < 20000; len += len < 100 ? 1 : 97)
		ASSERT_EQ(-1, dtls_inner_strip(p, len, &type));
	ASSERT_EQ(77, type);
	p[0] = 21;
	ASSERT_EQ(0, dtls_inner_strip(p, 16385, &type));
	ASSERT_EQ(21, type);
	free(p);
}

/* Each single byte in a field of zeros is found. */
TEST(inner_scan)
{
	u8 p[70] = {}, type;
	unsigned int i, len;

	for (len = 1; len < sizeof(p); len++) {
		for (i = 0; i < len; i++) {
			p[i] = 0x80;
			ASSERT_EQ(i, dtls_inner_strip(p, len, &type));
			ASSERT_EQ(0x80, type);
			p[i] = 0;
		}
	}
}

/* The least number of bytes that fulfils all, if there is one. */
TEST(padding)
{
	static const unsigned int multiples[] = { 0, 1, 2, 7, 16, 64, 100, 4096 };
	static const unsigned int max[] = { 8, 64, 100, 101 };
	unsigned int len, m, k, min, pad, want, step;

	for (len = 0; len < 120; len++) {
		for (m = 0; m < ARRAY_SIZE(multiples); m++) {
			for (k = 0; k < ARRAY_SIZE(max); k++) {
				for (min = 0; min < 10; min++) {
					step = multiples[m] ? multiples[m] : 1;
					want = len + 1;
					while (want < min || want % step)
						want++;
					if (want > max[k])
						want = max[k];
					if (want <= len)
						want = len + 1;
					pad = dtls_inner_pad(len,
							     multiples[m],
								    min, max[k]);
					ASSERT_EQ(want, len + 1 + pad);
				}
			}
		}
	}
	/* as sent with AES-128-CCM-8, whose tag is short */
	EXPECT_EQ(7, dtls_inner_pad(0, 0, 8, DTLS_RECORD13_INNER_MAX));
	EXPECT_EQ(0, dtls_inner_pad(7, 0, 8, DTLS_RECORD13_INNER_MAX));
	EXPECT_EQ(0, dtls_inner_pad(16384, 4096, 8,
				    DTLS_RECORD13_INNER_MAX));
	EXPECT_EQ(0, dtls_inner_pad(16383, 4096, 8,
				    DTLS_RECORD13_INNER_MAX));
	EXPECT_EQ(1, dtls_inner_pad(16383, 5000, 8,
				    DTLS_RECORD13_INNER_MAX));
	EXPECT_EQ(16385, DTLS_RECORD13_INNER_MAX);
}

TEST_HARNESS_MAIN
