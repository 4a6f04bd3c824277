// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-cflags: -fsanitize=address,undefined -fno-sanitize-recover=all */
/* kselftest-libs: -fsanitize=address,undefined */
/* kernel/cid12.c: records of DTLS 1.2 with connection IDs (RFC 9146). */
#include <kselftest_harness.h>

#include <string.h>

#include "../../kernel/cid12.c"
#include "../../kernel/record.c"

/* RFC 9146 4, figure 3, written out by hand. */
static const u8 example[] = {
	25,					/* tls12_cid */
	0xfe, 0xfd,				/* version */
	0x12, 0x34,				/* epoch */
	0x01, 0x23, 0x45, 0x67, 0x89, 0xab,	/* sequence number */
	0xc1, 0xc2, 0xc3, 0xc4, 0xc5,		/* connection ID */
	0x00, 0x03,				/* length */
	'a', 'b', 'c',
};

static const u8 cid[] = { 0xc1, 0xc2, 0xc3, 0xc4, 0xc5 };

#define HDR	DTLS_CID12_HDR(sizeof(cid))

TEST(parse)
{
	struct dtls_record_hdr h;

	ASSERT_EQ(18, HDR);
	ASSERT_EQ(DTLS_FAULT_OK,
		  dtls_cid12_parse(example, sizeof(example),
				   sizeof(example), 5, &h));
	EXPECT_EQ(25, h.type);
	EXPECT_EQ(0xfefd, h.version);
	EXPECT_EQ(0x1234, h.epoch);
	EXPECT_EQ(0x0123456789abULL, h.seq);
	EXPECT_EQ(3, h.len);
	EXPECT_EQ(18, h.hdr_len);
	ASSERT_EQ(DTLS_FAULT_OK,
		  dtls_cid12_parse(example, HDR, 21, 5, &h));
	EXPECT_EQ(3, h.len);
}

TEST(cut)
{
	struct dtls_record_hdr h;
	size_t n;

	for (n = 0; n < HDR; n++) {
		EXPECT_EQ(DTLS_FAULT_SHORT,
			  dtls_cid12_parse(example, n, n, 5, &h));
		EXPECT_EQ(DTLS_FAULT_SHORT,
			  dtls_cid12_parse(example, 21, n, 5, &h));
		EXPECT_EQ(DTLS_FAULT_SHORT,
			  dtls_cid12_parse(example, n, 21, 5, &h));
	}
	for (; n < 21; n++)
		EXPECT_EQ(DTLS_FAULT_LENGTH,
			  dtls_cid12_parse(example, 21, n, 5, &h));
	EXPECT_EQ(DTLS_FAULT_OK,
		  dtls_cid12_parse(example, 21, 1000, 5, &h));
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
	for (n = 0; n <= HDR; n++) {
		memcpy(p + page - n, example, n);
		EXPECT_EQ(n < HDR ? DTLS_FAULT_SHORT : DTLS_FAULT_OK,
			  dtls_cid12_parse(p + page - n, n, 21, 5, &h));
	}
}

/* The length stands behind as many bytes as this end has asked for. */
TEST(every_length_of_cid)
{
	u8 buf[DTLS_CID12_HDR(DTLS_CID12_CID_MAX)] = {
		25, 0xfe, 0xfd, 0, 1
	};
	struct dtls_record_hdr h;
	unsigned int n;

	for (n = 1; n <= DTLS_CID12_CID_MAX; n++) {
		memset(buf + 11, 0, sizeof(buf) - 11);
		buf[11 + n] = 0x12;
		buf[12 + n] = 0x34;
		ASSERT_EQ(DTLS_FAULT_OK,
			  dtls_cid12_parse(buf, 13 + n, 65000, n, &h));
		ASSERT_EQ(0x1234, h.len);
		ASSERT_EQ(13 + n, h.hdr_len);
	}
	ASSERT_EQ(DTLS_FAULT_CID,
		  dtls_cid12_parse(buf, sizeof(buf), 65000, 0, &h));
}

TEST(types_and_versions)
{
	struct dtls_record_hdr h;
	u8 buf[21];
	int i;

	memcpy(buf, example, sizeof(buf));
	for (i = 0; i < 256; i++) {
		buf[0] = i;
		EXPECT_EQ(i == 25 ? DTLS_FAULT_OK : DTLS_FAULT_TYPE,
			  dtls_cid12_parse(buf, 21, 21, 5, &h));
		EXPECT_EQ(i, h.type);
	}
	buf[0] = 25;
	for (i = 0; i < 65536; i++) {
		dtls_record_put_be16(buf + 1, i);
		ASSERT_EQ(i == 0xfefd ? DTLS_FAULT_OK : DTLS_FAULT_VERSION,
			  dtls_cid12_parse(buf, 21, 21, 5, &h));
		ASSERT_EQ(3, h.len);
		ASSERT_EQ(18, h.hdr_len);
	}
}

/* The parser of records without takes none with one, as before. */
TEST(not_for_the_other_parser)
{
	struct dtls_record_hdr h;

	EXPECT_EQ(DTLS_FAULT_TYPE, dtls_record_parse12(example, 21, 21, &h));
}

TEST(put_header)
{
	u8 buf[HDR + 2];

	memset(buf, 0x5a, sizeof(buf));
	dtls_cid12_put_hdr(buf + 1, 0x1234, 0x0123456789abULL, cid, 5, 3);
	EXPECT_EQ(0, memcmp(example, buf + 1, HDR));
	EXPECT_EQ(0x5a, buf[0]);
	EXPECT_EQ(0x5a, buf[1 + HDR]);
	/* A number too large must not run over into the epoch. */
	dtls_cid12_put_hdr(buf + 1, 0x1234, (7ULL << 48) +
				  0x0123456789abULL, cid, 5, 3);
	EXPECT_EQ(0, memcmp(example, buf + 1, HDR));
}

/* RFC 9146 5.3 */
TEST(put_additional_data)
{
	static const u8 want[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		25, 5, 25, 0xfe, 0xfd,
		0x12, 0x34, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
		0xc1, 0xc2, 0xc3, 0xc4, 0xc5,
		0x3f, 0xfe,
	};
	u8 buf[sizeof(want) + 2];

	ASSERT_EQ(sizeof(want), DTLS_CID12_AAD(5));
	memset(buf, 0x5a, sizeof(buf));
	dtls_cid12_put_aad(buf + 1, 0x1234, 0x0123456789abULL, cid, 5,
			   0x3ffe);
	EXPECT_EQ(0, memcmp(want, buf + 1, sizeof(want)));
	EXPECT_EQ(0x5a, buf[0]);
	EXPECT_EQ(0x5a, buf[1 + sizeof(want)]);
}

TEST_HARNESS_MAIN
