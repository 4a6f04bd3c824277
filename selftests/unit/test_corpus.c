// SPDX-License-Identifier: GPL-2.0-only
/* kselftest-cflags: -fsanitize=address,undefined -fno-sanitize-recover=all */
/* kselftest-libs: -fsanitize=address,undefined */
/*
 * What the fuzzers have found worth keeping, through the same oracles, without
 * a fuzzer: "make fuzz" looks for more.
 */
#include <kselftest_harness.h>

#include <dirent.h>
#include <stdio.h>

#include "../../kernel/cid12.c"
#include "../../kernel/inner.c"
#include "../../kernel/message.c"
#include "../../kernel/record.c"
#include "../../kernel/record13.c"
#include "../../kernel/replay.c"

#define LLVMFuzzerTestOneInput fuzz_record
#include "../fuzz/fuzz_record.c"
#undef LLVMFuzzerTestOneInput

#define LLVMFuzzerTestOneInput fuzz_replay
#include "../fuzz/fuzz_replay.c"
#undef LLVMFuzzerTestOneInput

#define LLVMFuzzerTestOneInput fuzz_record13
#include "../fuzz/fuzz_record13.c"
#undef LLVMFuzzerTestOneInput

/* Feeds each file of a folder; returns how many there were. */
static int feed(const char *folder, int (*fuzz)(const __u8 *data, size_t size))
{
	static __u8 data[65536];
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[512];
	int count = 0;
	size_t len;
	FILE *f;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		f = fopen(path, "r");
		MUST(f);
		len = fread(data, 1, sizeof(data), f);
		fclose(f);
		fuzz(data, len);
		count++;
	}
	closedir(dir);
	return count;
}

TEST(record)
{
	ASSERT_LT(10, feed("fuzz/corpus/record", fuzz_record));
}

TEST(record13)
{
	ASSERT_LT(50, feed("fuzz/corpus/record13", fuzz_record13));
}

TEST(replay)
{
	ASSERT_LT(10, feed("fuzz/corpus/replay", fuzz_replay));
}

TEST_HARNESS_MAIN
