# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What bash completes behind "dtlsctl": commands, words, and the numbers there are.

_dtlsctl_sockets() {
	dtlsctl "${ns[@]}" -N show 2>/dev/null | sed -n 's/^socket \([0-9]*\).*/\1/p'
}

# _dtlsctl_peers FIELD: of the socket on the line; what stands behind FIELD.
_dtlsctl_peers() {
	dtlsctl "${ns[@]}" -N show peer ${socket:+socket "$socket"} 2>/dev/null |
		sed -n "s/^socket .* $1 \([^ ]*\).*/\1/p"
}

_dtlsctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local i word command='' socket='' words='' peer=''
	local ns=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		-n|-netns|--netns) ns=(-n "${COMP_WORDS[++i]}") ;;
		-*) ;;
		socket) socket=${COMP_WORDS[i+1]} ;;
		peer) peer=1 ;;
		*) [ -n "$command" ] || command=$word ;;
		esac
	done
	case $prev in
	-n|-netns|--netns) words=$(ip netns list 2>/dev/null | cut -d' ' -f1) ;;
	socket) words=$(_dtlsctl_sockets) ;;
	id) words=$(_dtlsctl_peers id) ;;
	address) words=$(_dtlsctl_peers address) ;;
	key-update) words='own both' ;;
	*)
		case $command in
		'') words='show stat monitor set del help'
			[[ $cur != -* ]] || words='--json --netns --numeric --color --version --help' ;;
		show) words=socket
			[ -n "$peer" ] && words='socket id address' || words='peer socket' ;;
		stat) words=$(sed 's/ .*//' /proc/net/dtls_stat 2>/dev/null) ;;
		set) words='socket id address key-update' ;;
		del) words='socket id address notify' ;;
		esac
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _dtlsctl dtlsctl
