// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-cflags: -fsanitize=address,undefined -fno-sanitize-recover=all */
/* kselftest-libs: -fsanitize=address,undefined */
/* kernel/message.c: ACKs, and what comes after the handshake. */
#include <kselftest_harness.h>

#include <stdlib.h>
#include <string.h>

#include "../../kernel/message.c"

/* RFC 9147 5.2, written out by hand: the middle of a NewSessionTicket. */
static const u8 fragment[] = {
	4,			/* msg_type */
	0x01, 0x02, 0x03,	/* length */
	0xab, 0xcd,		/* message_seq */
	0x00, 0x10, 0x20,	/* fragment_offset */
	0x00, 0x00, 0x03,	/* fragment_length */
	'a', 'b', 'c',
};

/* Parses a copy that ends where the content does. */
static int parse(const u8 *p, size_t len, struct dtls_message *m)
{
	u8 *copy = malloc(len ? len : 1);
	int ret;

	memcpy(copy, p, len);
	ret = dtls_message_parse(copy, len, m);
	free(copy);
	return ret;
}

TEST(header)
{
	struct dtls_message m;
	u8 buf[12];

	ASSERT_EQ(15, parse(fragment, 15, &m));
	EXPECT_EQ(4, m.type);
	EXPECT_EQ(0x010203, m.len);
	EXPECT_EQ(0xabcd, m.seq);
	EXPECT_EQ(0x1020, m.frag_off);
	EXPECT_EQ(3, m.frag_len);
	EXPECT_FALSE(dtls_message_whole(&m));
	dtls_message_put_hdr(buf, &m);
	EXPECT_EQ(0, memcmp(fragment, buf, 12));
}

TEST(cut)
{
	struct dtls_message m;
	size_t n;

	for (n = 0; n < 15; n++) {
		EXPECT_EQ(-1, parse(fragment, n, &m));
		EXPECT_EQ(0, m.type);
	}
	EXPECT_EQ(15, dtls_message_parse(fragment, 100, &m));
}

/* Parts that lie in the message, and such that do not. */
TEST(parts)
{
	static const struct {
		u32 len, off, part;
		int want;
	} v[] = {
		{ 0, 0, 0, 12 },
		{ 0, 1, 0, -1 },
		{ 0, 0, 1, -1 },
		{ 3, 0, 3, 15 },
		{ 3, 3, 0, 12 },
		{ 3, 4, 0, -1 },
		{ 3, 1, 3, -1 },
		{ 3, 1, 2, 14 },
		{ 0xffffff, 0xfffffc, 3, 15 },
		{ 0xffffff, 0xfffffd, 3, -1 },
		{ 0xffffff, 0xffffff, 3, -1 },
		{ 2, 0xffffff, 3, -1 },
		{ 0xffffff, 0, 0xffffff, -1 },
	};
	struct dtls_message m, got;
	unsigned int i;
	u8 buf[16] = {};

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		m = (struct dtls_message){
			.type = 4, .seq = i,
			.len = v[i].len, .frag_off = v[i].off,
			.frag_len = v[i].part,
		};
		dtls_message_put_hdr(buf, &m);
		ASSERT_EQ(v[i].want, parse(buf, 16, &got)) TH_LOG("case %u", i);
		if (v[i].want < 0)
			continue;
		EXPECT_EQ(v[i].len, got.len);
		EXPECT_EQ(v[i].off, got.frag_off);
		EXPECT_EQ(v[i].part, got.frag_len);
		EXPECT_EQ(v[i].len == v[i].part, dtls_message_whole(&got));
	}
}

/* Several in one record (RFC 9147 5.5). */
TEST(walk)
{
	u8 buf[100], *p = buf, *end;
	struct dtls_message m;

	memcpy(p, fragment, 15);
	p += 15;
	dtls_message_put_key_update(p, 7, 1);
	p += DTLS_MESSAGE_KEY_UPDATE_LEN;
	memcpy(p, "\x09\0\0\1\0\x08\0\0\0\0\0\1\5", 13);
	p += 13;
	end = p;

	p = buf;
	p += parse(p, end - p, &m);
	EXPECT_EQ(DTLS_MESSAGE_TICKET, m.type);
	p += parse(p, end - p, &m);
	EXPECT_EQ(DTLS_MESSAGE_KEY_UPDATE, m.type);
	EXPECT_EQ(7, m.seq);
	EXPECT_EQ(1, dtls_message_key_update(&m, p - m.frag_len));
	p += parse(p, end - p, &m);
	EXPECT_EQ(5, dtls_message_request_cid(&m, p - m.frag_len));
	EXPECT_EQ(-1, dtls_message_key_update(&m, p - m.frag_len));
	ASSERT_EQ(end, p);
}

/* RFC 8446 4.6.3 with the header of RFC 9147 5.2 */
TEST(key_update)
{
	static const u8 want[] = { 24, 0, 0, 1, 0x12, 0x34, 0, 0, 0, 0, 0, 1, 1 };
	struct dtls_message m;
	u8 buf[14];
	int i;

	memset(buf, 0x5a, sizeof(buf));
	dtls_message_put_key_update(buf, 0x1234, DTLS_MESSAGE_UPDATE_REQUESTED);
	EXPECT_EQ(0, memcmp(want, buf, 13));
	EXPECT_EQ(0x5a, buf[13]);
	for (i = 0; i < 256; i++) {
		buf[12] = i;
		ASSERT_EQ(13, parse(buf, 13, &m));
		EXPECT_EQ(i < 2 ? i : -1, dtls_message_key_update(&m, buf + 12));
	}
	buf[12] = 1;
	/* of another type, of another length, and a part of nothing */
	for (i = 0; i < 256; i++) {
		buf[0] = i;
		ASSERT_EQ(13, parse(buf, 13, &m));
		EXPECT_EQ(i == 24 ? 1 : -1, dtls_message_key_update(&m, buf + 12));
		EXPECT_EQ(i == 9 ? 1 : -1, dtls_message_request_cid(&m, buf + 12));
	}
	buf[0] = 24;
	buf[3] = 2;
	ASSERT_EQ(13, parse(buf, 13, &m));
	EXPECT_EQ(-1, dtls_message_key_update(&m, buf + 12));
	buf[3] = 1;
	buf[11] = 0;
	ASSERT_EQ(12, parse(buf, 12, &m));
	EXPECT_EQ(-1, dtls_message_key_update(&m, buf + 12));
	buf[0] = 9;
	ASSERT_EQ(12, parse(buf, 12, &m));
	EXPECT_EQ(-1, dtls_message_request_cid(&m, buf + 12));
}

static int cids(const void *body, u32 len, struct dtls_message_cid *list)
{
	struct dtls_message m = {
		.type = DTLS_MESSAGE_NEW_CID, .len = len, .frag_len = len,
	};

	return dtls_message_new_cid(&m, body, list);
}

TEST(new_cid)
{
	struct dtls_message_cid list;
	u8 buf[300];

	/* none, an empty one, two */
	EXPECT_EQ(1, cids("\0\0\1", 3, &list));
	EXPECT_FALSE(dtls_message_next_cid(&list));
	EXPECT_EQ(0, cids("\0\1\0\0", 4, &list));
	ASSERT_TRUE(dtls_message_next_cid(&list));
	EXPECT_EQ(0, list.len);
	EXPECT_FALSE(dtls_message_next_cid(&list));
	EXPECT_EQ(1, cids("\0\6\2ab\2cd\1", 9, &list));
	ASSERT_TRUE(dtls_message_next_cid(&list));
	EXPECT_EQ(2, list.len);
	EXPECT_EQ(0, memcmp("ab", list.cid, 2));
	ASSERT_TRUE(dtls_message_next_cid(&list));
	EXPECT_EQ(0, memcmp("cd", list.cid, 2));
	EXPECT_FALSE(dtls_message_next_cid(&list));
	/* the longest */
	memset(buf, 'x', sizeof(buf));
	buf[0] = 1;
	buf[1] = 0;
	buf[2] = 255;
	buf[258] = 0;
	EXPECT_EQ(0, cids(buf, 259, &list));
	ASSERT_TRUE(dtls_message_next_cid(&list));
	EXPECT_EQ(255, list.len);
	EXPECT_FALSE(dtls_message_next_cid(&list));

	EXPECT_EQ(-1, cids("\0\0", 2, &list));
	EXPECT_EQ(-1, cids("\0\0\2", 3, &list));
	EXPECT_EQ(-1, cids("\0\1\1", 3, &list));
	EXPECT_EQ(-1, cids("\0\1\1\1", 4, &list));
	EXPECT_EQ(-1, cids("\0\2\0\1\1", 5, &list));
	EXPECT_EQ(-1, cids("\0\0\1\1", 4, &list));
	EXPECT_FALSE(dtls_message_next_cid(&list));
}

TEST(put_cids)
{
	static const char want[] = "\n\0\0\t\1\2\0\0\0\0\0\t"
				   "\0\6\2ab\2cd\1";
	struct dtls_message m;
	u8 buf[300];

	memset(buf, 0x5a, sizeof(buf));
	ASSERT_EQ(21, dtls_message_put_new_cid(buf, 0x102, (u8 *)"ab-cd", 3, 2,
					       2, DTLS_MESSAGE_CID_SPARE));
	ASSERT_EQ(21, DTLS_MESSAGE_NEW_CID_LEN(2, 2));
	EXPECT_EQ(0, memcmp(want, buf, 21));
	EXPECT_EQ(0x5a, buf[21]);
	memset(buf, 0x5a, sizeof(buf));
	ASSERT_EQ(15, dtls_message_put_new_cid(buf, 0, NULL, 0, 0, 7,
					       DTLS_MESSAGE_CID_IMMEDIATE));
	EXPECT_EQ(0, memcmp("\0\0\0", buf + 12, 3));
	EXPECT_EQ(0x5a, buf[15]);

	memset(buf, 0x5a, sizeof(buf));
	dtls_message_put_request_cid(buf, 0x102, 250);
	ASSERT_EQ(13, dtls_message_parse(buf, 13, &m));
	EXPECT_EQ(0x102, m.seq);
	EXPECT_EQ(250, dtls_message_request_cid(&m, buf + 12));
	EXPECT_EQ(0x5a, buf[13]);
}

TEST(whole_cids)
{
	static const u8 *list = (const u8 *)"\2ab\0\3cde";

	EXPECT_EQ(0, dtls_message_whole_cids(list, 0));
	EXPECT_EQ(0, dtls_message_whole_cids(list, 1));
	EXPECT_EQ(0, dtls_message_whole_cids(list, 2));
	EXPECT_EQ(3, dtls_message_whole_cids(list, 3));
	EXPECT_EQ(4, dtls_message_whole_cids(list, 4));
	EXPECT_EQ(4, dtls_message_whole_cids(list, 5));
	EXPECT_EQ(4, dtls_message_whole_cids(list, 7));
	EXPECT_EQ(8, dtls_message_whole_cids(list, 8));
}

TEST(ack)
{
	/* RFC 9147 7 */
	static const u8 want[] = {
		0, 32,
		0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 1, 2, 3, 4, 5, 6,
		1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	const struct dtls_message_number records[] = {
		{ 3, 0x010203040506ULL },
		{ 0x0102030405060708ULL, 0 },
	};
	struct dtls_message_number entry;
	u8 buf[35];

	memset(buf, 0x5a, sizeof(buf));
	ASSERT_EQ(34, dtls_message_put_ack(buf, records, 2));
	ASSERT_EQ(34, DTLS_MESSAGE_ACK_LEN(2));
	EXPECT_EQ(0, memcmp(want, buf, 34));
	EXPECT_EQ(0x5a, buf[34]);
	ASSERT_EQ(2, dtls_message_parse_ack(buf, 34));
	dtls_message_ack_entry(buf, 0, &entry);
	EXPECT_EQ(0, memcmp(&entry, &records[0], sizeof(entry)));
	dtls_message_ack_entry(buf, 1, &entry);
	EXPECT_EQ(0, memcmp(&entry, &records[1], sizeof(entry)));

	EXPECT_TRUE(dtls_message_acked(buf, 2, 3, 0x010203040506ULL));
	EXPECT_TRUE(dtls_message_acked(buf, 2, 0x0102030405060708ULL, 0));
	EXPECT_FALSE(dtls_message_acked(buf, 2, 3, 0));
	EXPECT_FALSE(dtls_message_acked(buf, 1, 0x0102030405060708ULL, 0));
	EXPECT_FALSE(dtls_message_acked(buf, 0, 3, 0x010203040506ULL));

	/* an empty one is one, too; the longest has 4095 */
	ASSERT_EQ(2, dtls_message_put_ack(buf, NULL, 0));
	EXPECT_EQ(0, dtls_message_parse_ack(buf, 2));
}

TEST(ack_lengths)
{
	u8 *buf = calloc(1, 65600);
	size_t len;

	for (len = 0; len < 65600; len++) {
		if (len >= 2)
			dtls_record_put_be16(buf, len - 2);
		ASSERT_EQ(len >= 2 && len - 2 <= 65535 && (len - 2) % 16 == 0 ?
			  (int)(len - 2) / 16 : -1,
			  dtls_message_parse_ack(buf, len));
	}
	dtls_record_put_be16(buf, 16);
	EXPECT_EQ(1, dtls_message_parse_ack(buf, 18));
	EXPECT_EQ(-1, dtls_message_parse_ack(buf, 17));
	EXPECT_EQ(-1, dtls_message_parse_ack(buf, 19));
	EXPECT_EQ(-1, dtls_message_parse_ack(buf, 34));
	free(buf);
}

TEST_HARNESS_MAIN
