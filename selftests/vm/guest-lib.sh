# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Shared by the guest's scripts.  Sourced, never run.

# kill_others [SESSION]: ends every process that is not in session 0 (the
# kernel's threads and the guest's first process) or SESSION, and waits until
# they are gone.  Daemons leave process groups and parents behind, but not the
# guest.
kill_others() {
	local keep=${1:-0} until=$((SECONDS + 6)) stat line pid found
	while [ $SECONDS -lt $until ]; do
		found=0
		for stat in /proc/[0-9]*/stat; do
			{ read -r line <"$stat"; } 2>/dev/null || continue
			pid=${line%% *}
			# The name, in brackets, may hold anything.
			# shellcheck disable=SC2086
			set -- ${line##*) }
			case $4 in 0|"$keep") continue ;; esac
			[ "$1" = Z ] && continue
			found=1
			kill -9 "$pid" 2>/dev/null
		done
		[ $found -eq 1 ] || return 0
		sleep 0.1
	done
	# Stuck in the kernel: say where, here and in its log.
	echo "# processes that no signal ends:"
	ps -eo pid,sid,stat,wchan:30,args | awk 'NR == 1 || $3 ~ /^[DR]/'
	echo w >/proc/sysrq-trigger
	echo l >/proc/sysrq-trigger
}

# load_dtls: insmod of the module that was built for this kernel, after what it
# depends on, of which insmod does not know.  Before that, the drivers of the
# processor's own ciphers, which udev loads on a machine; not with
# KDTLS_CRYPTO=generic.
load_dtls() {
	local dep ko=${KDTLS_KO:-/run/vm/dtls.ko}
	if [ "${KDTLS_CRYPTO:-native}" != generic ]; then
		# Some kernels have them built in, and some processors have none.
		modprobe -q -a aesni_intel ghash-clmulni-intel chacha-x86_64 \
			poly1305-x86_64 || :
	fi
	for dep in $(modinfo -F depends "$ko" | tr ',' ' '); do
		modprobe "$dep" || return
	done
	# shellcheck disable=SC2086
	insmod "$ko" ${KDTLS_MODULE_PARAMS:-}
}
