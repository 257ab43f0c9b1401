#!/bin/bash
# SPDX-License-Identifier: ISC
# The sampler goes where the program goes: fork, exec, daemon, threads, chroot, a main thread that left.
# vm-kernel: yes
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"

follow() { timeout 60 mstat -q -freq 100 -o run.mstat -- "$TARGETS/guest_follow" "$@"; }
processes() { mstat-decode -what processes run.mstat | awk -F'\t' 'NR > 1 && $11 >= 2' | wc -l; }

ok "fork" follow fork
is "the child is sampled, and lives" "$out $(processes)" "child 0 2"
ok "a double fork" follow double
is "all three are sampled" "$out $(processes)" "child 0
child 0 3"
ok "posix_spawn" follow spawn
is "the new program is sampled" "$out $(processes)" "child 0 2"
ok "vfork and exec, ids changed between them" follow vfork
is "the parent's sampler does not notice" "$out" "sampler unchanged"
ok "forks in three threads while a fourth changes ids" follow threads
is "nobody hangs or dies" "$out" alive
ok "exec by a thread that is not the first" follow exec-thread
ok "the main thread leaves by pthread_exit" follow leader
is "the others are sampled, and the process ends" "$out" outlived
# What the last thread's exit status then is, differs between kernels.
run follow leaders
is "all threads leave one by one by system calls, the main thread first" "$out" outlived
exits "the only thread leaves by a system call: its exit status is the process's" 3 follow raw

ok "a daemon" timeout 60 mstat -q -freq 100 -o run.mstat -- "$BASH" -c \
	'"$1" daemon; until [ -e daemon ]; do sleep 0.02; done' - "$TARGETS/guest_follow"
ok "goes on being sampled" test -e daemon

if [ "$(id -u)" = 0 ]; then
	mkdir root
	ok "chroot" follow chroot root
	rows=$(mstat-decode -what samples run.mstat | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
		$c["rss_bytes"] > 0 && $c["time_ns"] > 250e6' | wc -l)
	ok "files opened before are still read ($rows samples after it)" test "$rows" -ge 5
else
	skip "chroot" "not root"
fi
