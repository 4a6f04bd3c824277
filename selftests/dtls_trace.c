// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-libs: -lcrypto */
/* kselftest-kcsan: yes */
/* What the kernel tells of records: /proc/net/dtls_stat and tracepoints. */
#include <kselftest_harness.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/pair.h"

#define TRACING	"/sys/kernel/tracing/"

static __u8 in[2000];

FIXTURE(telling) {
	struct dtls_pair p;
	int fd;
};

FIXTURE_SETUP(telling)
{
	netns_new();
	pair_open(&self->p, SUITE_AES_128_GCM, FAMILY_V4, false);
	self->fd = self->p.near.fd;
}

FIXTURE_TEARDOWN(telling)
{
	pair_close(&self->p);
}

/* Every counter of the documentation is there, once, and the file is parsable. */
TEST_F(telling, counters)
{
	static const char * const names[] = {
		"CurrSockets", "CurrAssociations", "TxRecords", "TxBytes",
		"TxErrors", "TxControl", "TxLastFlight", "TxAsync", "RxRecords",
		"RxBytes", "RxControl", "RxAlerts", "RxCloseNotify",
		"RxRenegotiate", "RxAsync", "RxDropShort", "RxDropVersion",
		"RxDropType", "RxDropLength", "RxDropEpoch", "RxDropReplay",
		"RxDropOld", "RxDropAuth", "RxDropOversize", "RxDropControl",
		"RxDropClosed", "RxDropChecksum", "RxDropNoMem", "KeyLimit",
	};
	FILE *f = fopen("/proc/self/net/dtls_stat", "r");
	char name[64], end;
	long long value;
	unsigned int i, lines = 0;
	bool seen[ARRAY_SIZE(names)] = {};

	ASSERT_NE(NULL, f);
	while (fscanf(f, "%63s %lld%c", name, &value, &end) == 3) {
		ASSERT_EQ('\n', end);
		ASSERT_LE(0, value);
		ASSERT_NE(0, isupper(name[0]));
		lines++;
		for (i = 0; i < ARRAY_SIZE(names); i++) {
			if (strcmp(name, names[i]))
				continue;
			ASSERT_EQ(false, seen[i]) TH_LOG("%s twice", name);
			seen[i] = true;
		}
	}
	ASSERT_NE(0, feof(f));
	for (i = 0; i < ARRAY_SIZE(names); i++)
		ASSERT_EQ(true, seen[i]) TH_LOG("counter %u is missing", i);
	ASSERT_LE(ARRAY_SIZE(names), lines);
	fclose(f);
}

TEST_F(telling, counters_count)
{
	ASSERT_EQ(100, send(self->fd, in, 100, 0));
	ASSERT_EQ(0, send(self->fd, in, 0, 0));
	ASSERT_EQ(7, end_send(&self->p.far, "abcdefg", 7, 0));
	ASSERT_EQ(7, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(2, stat_read("TxRecords"));
	ASSERT_EQ(100, stat_read("TxBytes"));
	ASSERT_EQ(1, stat_read("RxRecords"));
	ASSERT_EQ(7, stat_read("RxBytes"));
	ASSERT_EQ(0, stat_read("TxErrors"));
	ASSERT_EQ(0, stat_read("TxControl"));
	ASSERT_EQ(0, stat_drops());
}

static void tracing(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_TRUNC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die("%s", file);
	close(fd);
}

/* How many lines of the trace hold both texts? */
static int traced(const char *event, const char *text)
{
	FILE *f = fopen(TRACING "trace", "r");
	char line[512];
	int n = 0;

	if (!f)
		die("no trace");
	while (fgets(line, sizeof(line), f))
		n += strstr(line, event) && strstr(line, text);
	fclose(f);
	return n;
}

TEST_F(telling, tracepoints)
{
	__u8 rec[RECORD_ROOM];
	size_t n;

	if (access(TRACING "events/dtls", F_OK))
		SKIP(return, "no tracepoints in this kernel");
	tracing(TRACING "trace", "");
	tracing(TRACING "events/dtls/enable", "1");
	ASSERT_EQ(11, send(self->fd, "plaintext-1", 11, 0));
	self->p.far.tx.seq = 55;
	n = oracle_seal(&self->p.far.tx, DTLS_TYPE_DATA, "plaintext-23", 12,
			rec);
	ASSERT_EQ(n, send(self->p.far.fd, rec, n, 0));
	ASSERT_EQ(12, recv_soon(self->fd, in, sizeof(in), 0));
	ASSERT_EQ(n, send(self->p.far.fd, rec, n, 0));
	ASSERT_EQ(-1, recv_soon(self->fd, in, sizeof(in), 0));
	tracing(TRACING "events/dtls/enable", "0");

	EXPECT_EQ(1, traced("dtls_record_sent", "type=23 epoch=1 seq=1 len=11"));
	EXPECT_EQ(1, traced("dtls_record_received",
			    "type=23 epoch=1 seq=55 len=12"));
	EXPECT_EQ(1, traced("dtls_record_dropped", "type=23 epoch=1 seq=55"));
	EXPECT_EQ(0, traced("dtls_", "plaintext"));
	tracing(TRACING "trace", "");
}

TEST_HARNESS_MAIN
