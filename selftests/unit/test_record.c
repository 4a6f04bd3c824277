// SPDX-License-Identifier: GPL-2.0-only
/* kernel/record.c: the wire format. */
#include <kselftest_harness.h>

#include <string.h>

#include "../../kernel/record.c"

/* RFC 6347 4.1, written out by hand. */
static const u8 example[] = {
	23,					/* type */
	0xfe, 0xfd,				/* version */
	0x12, 0x34,				/* epoch */
	0x01, 0x23, 0x45, 0x67, 0x89, 0xab,	/* sequence number */
	0x00, 0x03,				/* length */
	'a', 'b', 'c',
};

TEST(parse)
{
	struct dtls_record_hdr h;

	ASSERT_EQ(DTLS_FAULT_OK,
		  dtls_record_parse12(example, sizeof(example),
				      sizeof(example), &h));
	ASSERT_EQ(23, h.type);
	ASSERT_EQ(0xfefd, h.version);
	ASSERT_EQ(0x1234, h.epoch);
	ASSERT_EQ(0x0123456789abULL, h.seq);
	ASSERT_EQ(3, h.len);
	ASSERT_EQ(13, h.hdr_len);
}

/* The header may be all of the record that is in reach. */
TEST(parse_header_alone)
{
	struct dtls_record_hdr h;

	ASSERT_EQ(DTLS_FAULT_OK, dtls_record_parse12(example, 13, 16, &h));
	ASSERT_EQ(3, h.len);
}

TEST(short_header)
{
	struct dtls_record_hdr h;
	size_t n;

	for (n = 0; n < 13; n++) {
		ASSERT_EQ(DTLS_FAULT_SHORT,
			  dtls_record_parse12(example, n, n, &h));
		ASSERT_EQ(DTLS_FAULT_SHORT,
			  dtls_record_parse12(example, 16, n, &h));
		ASSERT_EQ(DTLS_FAULT_SHORT,
			  dtls_record_parse12(example, n, 16, &h));
	}
}

/* Never reads behind what it was given: the page after that is not there. */
TEST(reads_no_further)
{
	long page = sysconf(_SC_PAGESIZE);
	u8 *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct dtls_record_hdr h;
	size_t n;

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, mprotect(p + page, page, PROT_NONE));
	for (n = 0; n <= 13; n++) {
		memcpy(p + page - n, example, n);
		EXPECT_EQ(n < 13 ? DTLS_FAULT_SHORT : DTLS_FAULT_OK,
			  dtls_record_parse12(p + page - n, n, 16, &h));
	}
}

TEST(cut_fragment)
{
	struct dtls_record_hdr h;

	ASSERT_EQ(DTLS_FAULT_LENGTH, dtls_record_parse12(example, 13, 15, &h));
	ASSERT_EQ(DTLS_FAULT_LENGTH, dtls_record_parse12(example, 13, 13, &h));
	/* More behind it is the next record's business. */
	ASSERT_EQ(DTLS_FAULT_OK, dtls_record_parse12(example, 16, 100, &h));
}

TEST(longest_fragment)
{
	struct dtls_record_hdr h;
	u8 buf[13];

	memcpy(buf, example, 13);
	buf[11] = 0xff;
	buf[12] = 0xff;
	ASSERT_EQ(DTLS_FAULT_OK,
		  dtls_record_parse12(buf, 13, 13 + 65535, &h));
	ASSERT_EQ(65535, h.len);
	ASSERT_EQ(DTLS_FAULT_LENGTH,
		  dtls_record_parse12(buf, 13, 13 + 65534, &h));
}

TEST(every_type)
{
	struct dtls_record_hdr h;
	u8 buf[16];
	int t;

	memcpy(buf, example, 16);
	for (t = 0; t < 256; t++) {
		buf[0] = t;
		EXPECT_EQ(t >= 20 && t <= 24 ? DTLS_FAULT_OK : DTLS_FAULT_TYPE,
			  dtls_record_parse12(buf, 16, 16, &h))
			TH_LOG("type %d", t);
	}
}

/* A record of another version tells its length, so that it can be skipped. */
TEST(every_version)
{
	struct dtls_record_hdr h;
	u8 buf[16];
	int v;

	memcpy(buf, example, 16);
	for (v = 0; v < 65536; v++) {
		buf[1] = v >> 8;
		buf[2] = v;
		ASSERT_EQ(v == 0xfefd ? DTLS_FAULT_OK : DTLS_FAULT_VERSION,
			  dtls_record_parse12(buf, 16, 16, &h))
			TH_LOG("version %#x", v);
		ASSERT_EQ(3, h.len);
		ASSERT_EQ(13, h.hdr_len);
		ASSERT_EQ(v, h.version);
	}
}

TEST(put_header)
{
	u8 buf[15];

	memset(buf, 0x5a, sizeof(buf));
	dtls_record_put_hdr12(buf + 1, 23, 0x1234, 0x0123456789abULL, 3);
	ASSERT_EQ(0, memcmp(buf + 1, example, 13));
	ASSERT_EQ(0x5a, buf[0]);
	ASSERT_EQ(0x5a, buf[14]);
}

TEST(put_then_parse)
{
	u64 seqs[] = { 0, 1, 255, 1ULL << 32, DTLS_RECORD_SEQ_MAX };
	u16 epochs[] = { 0, 1, 256, 65535 };
	struct dtls_record_hdr h;
	unsigned int s, e;
	u8 buf[13];

	for (s = 0; s < ARRAY_SIZE(seqs); s++) {
		for (e = 0; e < ARRAY_SIZE(epochs); e++) {
			dtls_record_put_hdr12(buf, 21, epochs[e], seqs[s], 16408);
			ASSERT_EQ(DTLS_FAULT_OK,
				  dtls_record_parse12(buf, 13, 65507, &h));
			ASSERT_EQ(seqs[s], h.seq);
			ASSERT_EQ(epochs[e], h.epoch);
			ASSERT_EQ(16408, h.len);
			ASSERT_EQ(21, h.type);
		}
	}
}

/* A number too large must not run over into the epoch. */
TEST(number_of_48_bits)
{
	struct dtls_record_hdr h;
	u8 buf[13];

	dtls_record_put_hdr12(buf, 23, 7, (1ULL << 48) + 5, 0);
	ASSERT_EQ(DTLS_FAULT_OK, dtls_record_parse12(buf, 13, 13, &h));
	ASSERT_EQ(7, h.epoch);
	ASSERT_EQ(5, h.seq);
}

/* RFC 5246 6.2.3.3 with RFC 6347 4.1.2.1 */
TEST(put_additional_data)
{
	static const u8 want[13] = {
		0x12, 0x34, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
		22, 0xfe, 0xfd, 0x40, 0x00,
	};
	u8 buf[15];

	memset(buf, 0x5a, sizeof(buf));
	dtls_record_put_aad12(buf + 1, 22, 0x1234, 0x0123456789abULL, 16384);
	ASSERT_EQ(0, memcmp(buf + 1, want, 13));
	ASSERT_EQ(0x5a, buf[0]);
	ASSERT_EQ(0x5a, buf[14]);
}

TEST(put_be64)
{
	static const u8 want[8] = { 1, 2, 3, 4, 5, 6, 7, 0xf8 };
	u8 buf[9] = {};

	dtls_record_put_be64(buf + 1, 0x01020304050607f8ULL);
	ASSERT_EQ(0, memcmp(buf + 1, want, 8));
}

TEST_HARNESS_MAIN
