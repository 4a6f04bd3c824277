#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make lint: what can be said about the sources without running them.  TAP, one
# line for each check; files that git does not know yet are looked at as well.
#
# KERNEL="6.1 6.12" picks the kernels to build for.
set -uo pipefail
. "$(dirname "$0")/vm/lib.sh"
cd "$top" || exit 1

kernels=${KERNEL:-6.1 6.12}
kernels=${kernels//,/ }
count=0 bad=0
log=$(mktemp)
trap 'rm -f "$log" "$log".*' EXIT

# check NAME COMMAND...: fails if COMMAND does, or if it says anything at all,
# as most of these tools report without an exit code.
check() {
	local name=$1 rc=0
	shift
	"$@" >"$log" 2>&1 </dev/null || rc=$?
	count=$((count + 1))
	if [ $rc -eq 0 ] && [ ! -s "$log" ]; then
		echo "ok $count - $name"
		return
	fi
	bad=$((bad + 1))
	sed 's/^/# /' "$log" | head -n 80
	echo "not ok $count - $name"
}

# The files of the tree, but not what a fuzzer has made.
files() {
	{
		git ls-files -co --exclude-standard -- "$@" 2>/dev/null ||
			find "$@" -type f -not -path './build/*'
	} | grep -v -E '^selftests/fuzz/(corpus|crash-)' | LC_ALL=C sort -u | while read -r f; do
		# In the index, but not in the tree any more.
		[ ! -f "$f" ] || printf '%s\n' "$f"
	done
}

c_files() {
	files "$@" | grep '\.[ch]$'
}

# W=1 shows its warnings only when something is compiled, so everything is, in a
# folder of its own; sparse looks at each file on the way.
module() {
	local out rc=0
	out=$build/lint/$(basename "$1")
	rm -rf "$out/module/kernel"
	# stdout is the path of the module, for other callers.
	KDTLS_BUILD_DIR=$out selftests/vm/build-module.sh "$1" \
		W=1 C=2 CF=-D__CHECK_ENDIAN__ 2>"$log.build" >/dev/null || rc=1
	# Paths as the person knows them; progress of a fetch is no finding.
	sed -e "s|$out/module/||" -e '/^# /d' "$log.build"
	return $rc
}

# What is not asked of the code here:
#   FILE_PATH_CHANGES, MAINTAINERS: no kernel tree, no MAINTAINERS file
#   LINUX_VERSION_CODE: an out-of-tree module must look at it; the check named
#	"kernel versions" below sees to it that only kernel/compat.h does
#   CONSTANT_COMPARISON: in its tests of the version both sides are constants
#   CONST_STRUCT: the proto_ops here are copies to be altered, as there is no
#	other hook (Documentation/design.rst)
not_here=FILE_PATH_CHANGES,LINUX_VERSION_CODE,CONSTANT_COMPARISON,CONST_STRUCT
# Tracepoints have a layout of their own.
not_in_trace=$not_here,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT
# Nor, outside the kernel:
#   PREFER_KERNEL_TYPES, PREFER_FALLTHROUGH, STRLCPY, SSCANF_TO_KSTRTO,
#   NAKED_SSCANF, ENOSYS, ARRAY_SIZE, MINMAX:
#	they recommend what only the kernel has
#   USE_NEGATIVE_ERRNO: here errno is a positive number
#   PREFER_DEFINED_ATTRIBUTE_MACRO: there are no such macros here
#   EMBEDDED_FUNCTION_NAME: short names of functions are words of the messages
#   AVOID_EXTERNS, NEW_TYPEDEFS, VOLATILE, USE_FUNC: habits of libraries and of
#	signal handlers
#   MACRO_ARG_REUSE, COMPLEX_MACRO, MACRO_WITH_FLOW_CONTROL,
#   MULTISTATEMENT_MACRO_USE_DO_WHILE, CAMELCASE: the kselftest harness is made
#	of such macros, and TLS libraries of such names
not_in_userspace=$not_here,PREFER_KERNEL_TYPES,PREFER_FALLTHROUGH,STRLCPY
not_in_userspace+=,SSCANF_TO_KSTRTO,NAKED_SSCANF,ENOSYS,ARRAY_SIZE,MINMAX
not_in_userspace+=,USE_NEGATIVE_ERRNO,PREFER_DEFINED_ATTRIBUTE_MACRO
not_in_userspace+=,EMBEDDED_FUNCTION_NAME
not_in_userspace+=,AVOID_EXTERNS,NEW_TYPEDEFS,VOLATILE,CAMELCASE
not_in_userspace+=,MACRO_ARG_REUSE,COMPLEX_MACRO,MACRO_WITH_FLOW_CONTROL
not_in_userspace+=,MULTISTATEMENT_MACRO_USE_DO_WHILE

checkpatch() {
	local ignore=$1 d
	shift
	[ $# -gt 0 ] || return 0
	# checkpatch leaves a file in the folder where it runs, and looks for names
	# in CamelCase in an include folder there.
	mkdir -p "$build/lint/tree/include"
	for d in kernel uapi userspace selftests; do
		ln -sfn "$top/$d" "$build/lint/tree/$d"
	done
	# Its exit code counts what but_tables lets pass; what it prints decides,
	# and a checkpatch that does not run at all says so, too.
	{ cd "$build/lint/tree" && perl "$source/scripts/checkpatch.pl" --no-tree --root=. \
		--strict --show-types --terse --no-summary --ignore "$ignore" -f "$@" ||
		:; } | but_tables
}

# A switch over the letters of options is a table, and reads best as one.
but_tables() {
	local finding f n
	while read -r finding; do
		case $finding in
		*:TRAILING_STATEMENTS:*)
			IFS=: read -r f n _ <<<"$finding"
			sed -n "${n}p" "$f" | grep -qE '^[[:space:]]*(case|default)\b.*:' &&
				continue ;;
		esac
		printf '%s\n' "$finding"
	done
}

checkpatch_kernel() {
	local code trace
	mapfile -t code < <(c_files kernel uapi | grep -v '^kernel/trace\.h$')
	mapfile -t trace < <(c_files kernel | grep '^kernel/trace\.h$')
	checkpatch "$not_here" "${code[@]}"
	checkpatch "$not_in_trace" "${trace[@]}"
}

kernel_doc() {
	perl "$source/scripts/kernel-doc" -none -Werror "$@" 2>&1
}

spelling() {
	files . | grep -v '\.pem$' | xargs -d '\n' codespell -q 2 \
		-L "afile,ans,fro,ot,hist,iif,inout,nd,ro,te,wee"
}

cpp_check() {
	# Missing system headers are no finding: cppcheck does not need them.
	cppcheck --quiet --enable=warning,performance,portability \
		--error-exitcode=1 --inline-suppr --std=c11 --template=gcc \
		--suppress=missingIncludeSystem -j "$(nproc)" \
		-I uapi -I userspace/libkdtls userspace
}

shell_scripts() {
	files . | while read -r f; do
		case $f in
		*.sh|*.bash) echo "$f" ;;
		*.*) ;;
		*) head -n 1 "$f" | grep -qa '^#!.*sh$' && echo "$f" ;;
		esac
	done
}

shell_check() {
	# SC1090, SC1091, SC2034, SC2154: a script and what it sources are looked
	#	at apart
	# SC2048, SC2206: lists of words that are meant to be split
	# SC2187: busybox sh
	shell_scripts | xargs -d '\n' shellcheck -S warning -f gcc \
		-e SC1090,SC1091,SC2034,SC2154,SC2048,SC2206,SC2187
}

python() {
	files . | grep '\.py$' | while read -r f; do
		python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$f"
	done
}

spdx() {
	files . | while read -r f; do
		case $f in
		COPYING|LICENSES/*|*.pem|*.bin|*.png|*.json) continue ;;
		esac
		head -n 5 "$f" | grep -q 'SPDX-License-Identifier: ' ||
			echo "$f: no SPDX-License-Identifier in its first lines"
	done
}

kernel_versions() {
	# Built from parts, or this line would find itself.
	local words='LINUX_VERSION''_CODE|KERNEL''_VERSION[ 	]*\('
	c_files kernel uapi userspace selftests | grep -v '^kernel/compat\.h$' |
		xargs -d '\n' grep -nE "$words"
	return 0
}

# The policy in the tree is what the spec says.
netlink_spec() {
	local f out=$build/lint/ynl rc=0
	rm -rf "$out"
	selftests/vm/ynl.sh "$out" || return 1
	while read -r f; do
		diff -u "$f" "$out/$f" || rc=1
	done < <(cd "$out" && find . -type f | sed 's|^\./||')
	return $rc
}

source=$(selftests/vm/source.sh) || exit 1

echo "TAP version 13"
for k in $kernels; do
	check "W=1 and sparse, kernel $k" module "$k"
done
check "checkpatch --strict, kernel" checkpatch_kernel
mapfile -t list < <(c_files kernel uapi)
check "kernel-doc" kernel_doc "${list[@]}"
mapfile -t list < <(c_files userspace selftests)
check "checkpatch --strict, userspace" checkpatch "$not_in_userspace" "${list[@]}"
[ ! -d userspace ] || check "cppcheck" cpp_check
check "codespell" spelling
check "shellcheck" shell_check
check "python syntax" python
check "SPDX" spdx
check "netlink spec and policy" netlink_spec
check "kernel versions only in kernel/compat.h" kernel_versions
echo "1..$count"
[ $bad -eq 0 ]
