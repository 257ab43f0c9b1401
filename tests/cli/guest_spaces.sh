#!/bin/bash
# SPDX-License-Identifier: ISC
# Namespaces and roots: what the program may do, it may do with a sampler in it too.
# vm-kernel: yes
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

[ "$(id -u)" = 0 ] || skip_all "not root"
spaces=$TARGETS/guest_spaces
unshare -m true 2>/dev/null || skip_all "no namespace is permitted"

# same DESC MODE...: every call ends as it does without mstat
same() {
	local desc=$1 want
	shift
	run "$spaces" "$@"
	want="$status $out"
	run env SAMPLED=1 mstat -q -freq 100 -o run.mstat -- "$spaces" "$@"
	is "$desc" "$status $out" "$want"
}
same "unshare of each namespace" unshare
like "the kernel permits most of them" "$out" 'unshare user: 0 .*unshare all: 0'
same "setns into each" setns
run "$spaces" at-once
is "the first act of a program, without mstat" "$out" "0 failures"
ok "it is not spoiled by a sampler that is just being started" mstat -q -freq 100 -o run.mstat -- "$spaces" at-once
is "nor made to fail" "$out" "0 failures"
mkdir here
same "a file system that the program was started in can be unmounted" busy "$PWD/here"
same "pivot_root" pivot "$PWD/here"
