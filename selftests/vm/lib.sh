# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Shared by the scripts of this folder: where things live, and how a script
# speaks to the person in front of it.  Sourced, never run.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
vmdir=$top/selftests/vm
build=$top/build
cache=${KDTLS_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/kdtls}
export LC_ALL=C.UTF-8

# Messages are TAP comments on stderr, so that they disturb no one who reads
# the stdout of make check.
say() { printf '# %s\n' "$*" >&2; }
die() { printf '# error: %s\n' "$*" >&2; exit 1; }

# step TEXT COMMAND...: run COMMAND with its output put aside.  Silent while it
# is quick; from the third second on it says what one is waiting for; the
# output is shown only on failure.
step() {
	local text=$1 log rc=0 ticker
	shift
	log=$(mktemp)
	# The sleeps must not keep our caller's pipe open once the ticker is gone.
	(
		t=0
		trap 'exit 0' TERM
		while :; do
			sleep 3 >/dev/null 2>&1 &
			wait $!
			t=$((t + 3))
			# Thinner with time: 3, 6, 12, 24, ... seconds, then each minute.
			case $t in
			3|6|12|24|48) say "$text ... ($t s)" ;;
			*) [ $((t % 60)) -ne 0 ] || say "$text ... ($t s)" ;;
			esac
		done
	) &
	ticker=$!
	"$@" >"$log" 2>&1 </dev/null || rc=$?
	kill "$ticker" 2>/dev/null || :
	wait "$ticker" 2>/dev/null || :
	if [ "$rc" -ne 0 ]; then
		say "FAILED: $text"
		sed 's/^/#   /' "$log" | tail -n 200 >&2
	fi
	rm -f "$log"
	return "$rc"
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		die "'$*' needs root, and there is no sudo here"
	fi
}

apt_update() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y update
}

# publish TMPDIR FINAL: the last act of everything that fills the cache.  Two
# runs may race for the same entry: the loser drops its copy.
publish() {
	if ! mv -T "$1" "$2" 2>/dev/null; then
		[ -d "$2" ] || return 1
		rm -rf "$1"
	fi
}
