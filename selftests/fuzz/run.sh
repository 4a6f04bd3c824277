#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh [SECONDS]: fuzzes the pure parts of the module in userspace, each for
# SECONDS (default 60; 0 runs the corpus of the tree and no more).  Inputs that
# find something new are kept in build/fuzz; one that fails stays there as
# build/fuzz/crash-*, and belongs into the corpus with the mend.
set -euo pipefail
seconds=${1:-60}
cd "$(dirname "$0")/../.."
out=build/fuzz
mkdir -p "$out"

# What each target is made of.
declare -A sources=(
	[record]=record.c
	[replay]=replay.c
	[record13]="record.c record13.c cid12.c inner.c message.c"
)

echo "TAP version 13"
n=0 failed=0
for target in record replay record13; do
	n=$((n + 1))
	read -ra files <<<"${sources[$target]}"
	mkdir -p "$out/$target"
	if clang -g -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -Ikernel -Iuapi \
		"selftests/fuzz/fuzz_$target.c" "${files[@]/#/kernel/}" \
		-o "$out/fuzz_$target" >"$out/$target.log" 2>&1 &&
	   "$out/fuzz_$target" -runs=0 "selftests/fuzz/corpus/$target" \
		>>"$out/$target.log" 2>&1 &&
	   { [ "$seconds" -eq 0 ] || "$out/fuzz_$target" -max_total_time="$seconds" \
		-max_len=1000 -artifact_prefix="$out/" "$out/$target" \
		"selftests/fuzz/corpus/$target" >>"$out/$target.log" 2>&1; }; then
		echo "ok $n - fuzz $target: $(grep -o 'Done.*' "$out/$target.log" |
			tail -n 1)"
	else
		failed=$((failed + 1))
		echo "not ok $n - fuzz $target"
		tail -n 30 "$out/$target.log" | sed 's/^/# /'
	fi
done
echo "1..$n"
[ "$failed" -eq 0 ]
