#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make check-webrtc: Chromium speaks with userspace/examples/webrtc in a guest.  QEMU's
# user network brings the guest's ports here, and all of it, QEMU, Chromium and what
# drives it, is in a network namespace that has a loopback and nothing else.  TAP.
#
# TEST=TEXT picks the cases with that in their names; BULK=20 is how many MB go each way.
set -euo pipefail
. "$(dirname "$0")/../vm/lib.sh"
here=$top/selftests/webrtc
kernel=${KERNEL:-6.12}
playwright_version=1.65.1
playwright=$cache/playwright-core-$playwright_version

skip() {
	echo "1..0 # SKIP $*"
	exit 0
}

if [ "${1:-}" = --inside ]; then
	run=$2
	ip link set lo up
	nic=user,model=virtio-net-pci
	while read -r _ port options; do
		nic+=,hostfwd=udp:127.0.0.1:$port-:$port
		[[ $options != *--http* ]] || nic+=,hostfwd=tcp:127.0.0.1:$port-:$port
	done <"$run/servers"
	QEMU_NIC=$nic "$vmdir/vm.sh" -k "$kernel" -t 1500 -d "$run" \
		-e "KDTLS_TOP=$top" -e "KDTLS_BUILD=$build" -e KDTLS_KO=/run/vm/dtls.ko \
		"$here/guest.sh" >"$run/guest.log" 2>&1 &
	guest=$!
	rc=0
	# Of a user of its own, Chromium would want a sandbox that not every machine has.
	PLAYWRIGHT=$playwright/node_modules/playwright-core CHROMIUM=$(command -v chromium) \
		timeout 1400 node "$here/browser.js" "$run" "$run/cases" || rc=$?
	: >"$run/stop"
	wait $guest || rc=$?
	exit $rc
fi

packages="chromium libusrsctp-dev libsrtp2-dev"
command -v node >/dev/null || packages+=" nodejs"
command -v npm >/dev/null || packages+=" npm"
# shellcheck disable=SC2086
("$vmdir/deps.sh" $packages) || skip "no Chromium, or no libusrsctp, here"
if [ ! -d "$playwright" ]; then
	mkdir -p "$cache"
	tmp=$(mktemp -d "$cache/tmp.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	step "fetching playwright-core $playwright_version" npm install --ignore-scripts \
		--no-audit --no-fund --prefix "$tmp" "playwright-core@$playwright_version" ||
		skip "no playwright-core here"
	publish "$tmp" "$playwright"
	trap - EXIT
fi
unshare=(unshare -n)
[ "$(id -u)" -eq 0 ] || unshare=(unshare -r -n)
"${unshare[@]}" true 2>/dev/null || skip "no network namespaces for this user"

step "building userspace" make -s -j"$(nproc)" -C "$top/userspace"
ko=$("$vmdir/build-module.sh" "$kernel")
mkdir -p "$build/run"
run=$(mktemp -d "$build/run/webrtc.XXXXXX")
cp "$ko" "$run/dtls.ko"
python3 "$here/cases.py" "$run" "${TEST:-}"
[ -s "$run/servers" ] || die "TEST=${TEST:-}: no such case"

say "booting Linux $kernel under QEMU, and Chromium"
rc=0
"${unshare[@]}" "$0" --inside "$run" || rc=$?
if grep -qE 'BUG: |WARNING: |Oops' "$run/dmesg" 2>/dev/null; then
	say "the kernel complained:"
	grep -E -A 40 'BUG: |WARNING: |Oops' "$run/dmesg" | sed 's/^/#   /' | head -n 60 >&2
	rc=1
fi
if [ $rc -ne 0 ]; then
	for f in "$run"/*.log; do
		say "--- $(basename "$f"):"
		tail -n 20 "$f" | sed 's/^/#   /' >&2
	done
	say "(all of it: $run)"
	exit 1
fi
rm -rf "$run"
