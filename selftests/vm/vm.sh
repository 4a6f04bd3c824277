#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# vm.sh [-k KERNEL] [-t SECONDS] [-d FOLDER] [-e NAME=VALUE]... [--] COMMAND [ARG...]
#
# Boots KERNEL (default 6.12) with this machine's root file system under it,
# runs COMMAND in it as root in the current folder, shows its output, and exits
# with its exit code.  The guest sees everything, may write everywhere, and
# leaves nothing behind, except what it puts into /run/vm: that is FOLDER here
# (default: one that is removed after a good run).
#
# FOLDER/console is the kernel's log.  Exit code 125: no verdict (the guest
# panicked, hung for longer than SECONDS (default 300), or did not boot).
#
# Environment:
#	SMP		processors (2)
#	MEM		memory (2G)
#	ICOUNT=1	count instructions instead of time: one processor, one
#			guest nanosecond per instruction
#	KERNEL_APPEND	more kernel parameters
#	QEMU_EXTRA	more arguments for QEMU
#	QEMU_NIC	the guest's network, for QEMU's -nic (none)
#	KDTLS_ACCEL	kvm or tcg, instead of what the machine suggests
set -euo pipefail
. "$(dirname "$0")/lib.sh"

kernel=6.12 timeout=300 run='' keep_run=0
env_lines=''
while [ $# -gt 0 ]; do
	case $1 in
	-k) kernel=$2; shift 2 ;;
	-t) timeout=$2; shift 2 ;;
	-d) run=$2; keep_run=1; shift 2 ;;
	-e) env_lines+="export ${2%%=*}=$(printf '%q' "${2#*=}")"$'\n'; shift 2 ;;
	--) shift; break ;;
	-*) die "unknown option $1" ;;
	*) break ;;
	esac
done
[ $# -gt 0 ] || die "usage: vm.sh [-k KERNEL] [-t SECONDS] [-d FOLDER] [-e NAME=VALUE]... COMMAND"

dir=$("$vmdir/kernel.sh" "$kernel")
if [ -n "$run" ]; then
	mkdir -p "$run"
else
	mkdir -p "$build/run"
	run=$(mktemp -d "$build/run/vm.XXXXXX")
fi
run=$(cd "$run" && pwd -P)
rm -f "$run/status" "$run/dmesg" "$run/console"

{
	printf 'guest_sh=%q\n' "$vmdir/guest.sh"
	printf 'modules=%q\n' "$dir/modules"
} >"$run/config"
printf '%s\n' "$top" "$cache" >"$run/keep"
{
	printf '%s' "$env_lines"
	printf 'cd %q || exit 126\n' "$PWD"
	printf 'exec'
	printf ' %q' "$@"
	printf '\n'
} >"$run/command"

# /dev/kvm alone proves nothing: some sandboxes have the device but a guest
# never gets anywhere under it.
accel=${KDTLS_ACCEL:-}
if [ -z "$accel" ]; then
	accel=tcg
	if [ -w /dev/kvm ] && grep -qE '^flags.*\b(svm|vmx)\b' /proc/cpuinfo; then
		accel=kvm
	fi
fi
smp=${SMP:-2}
cpu=max
case $accel in
kvm) accel_args=(-accel kvm) ;;
*)
	if [ -n "${ICOUNT:-}" ]; then
		smp=1
		# rep movsb counts as one instruction whatever its length.
		cpu=max,-erms,-fsrm
		accel_args=(-accel "tcg,thread=single" -icount "shift=0,sleep=off,align=off")
	else
		accel_args=(-accel "tcg,thread=multi,tb-size=512")
	fi
	;;
esac

image=$dir/vmlinux
[ -f "$image" ] || image=$dir/bzImage

append="console=ttyS0 loglevel=6 panic=-1 oops=panic"
append+=" no_timer_check tsc=reliable random.trust_cpu=on mitigations=off"
append+=" sysrq_always_enabled sysctl.kernel.hung_task_timeout_secs=60"
append+=" net.ifnames=0 printk.devkmsg=on ${KERNEL_APPEND:-}"

# shellcheck disable=SC2206
extra=(${QEMU_EXTRA:-})

rc=0
# Not -chardev stdio: the end of its stdin would unplug the guest's port.  And a
# pipe, because QEMU truncates what it opens and this may be someone's log file.
timeout --foreground -k 5 "$timeout" qemu-system-x86_64 \
	-pidfile "$run/pid" -nodefaults -no-user-config -display none -no-reboot -M q35 \
	"${accel_args[@]}" -cpu "$cpu" -smp "$smp" -m "${MEM:-2G}" -nic "${QEMU_NIC:-none}" \
	-kernel "$image" -initrd "$dir/initrd" -append "$append" \
	-chardev "file,id=log,path=$run/console" -serial chardev:log \
	-device virtio-serial-pci \
	-chardev file,id=out,path=/dev/stdout -device virtserialport,chardev=out,nr=1 \
	-device virtio-rng-pci \
	-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
	-device virtio-9p-pci,fsdev=root,mount_tag=root \
	-fsdev "local,id=run,path=$run,security_model=none" \
	-device virtio-9p-pci,fsdev=run,mount_tag=run \
	"${extra[@]}" </dev/null 2>"$run/qemu" | cat || rc=${PIPESTATUS[0]}

if [ ! -s "$run/status" ]; then
	if [ "$rc" -eq 124 ] || [ "$rc" -eq 137 ]; then
		say "guest $kernel: no end after $timeout s, stopped; end of its kernel log:"
	else
		say "guest $kernel: died (QEMU's exit code $rc); end of its kernel log:"
	fi
	sed 's/^/#   /' "$run/qemu" >&2
	tail -n 60 "$run/console" 2>/dev/null | tr -d '\r' | sed 's/^/#   /' >&2
	say "(all of it: $run/console)"
	exit 125
fi
status=$(cat "$run/status")
[ "$keep_run" -eq 1 ] || rm -rf "$run"
exit "$status"
