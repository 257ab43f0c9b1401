#!/bin/bash
# SPDX-License-Identifier: ISC
# What glibc's malloc holds, read from outside, is what it says itself.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"

# rows COMM: arenas, bytes in them, bytes mapped
rows() { mstat-decode -what samples -where comm="$1" -columns glibc_arenas,glibc_arena_bytes,glibc_mapped_bytes run.mstat | sed 1d | tr '\t' ' '; }
held() {
	local desc=$1
	shift
	rm -rf f && mkdir f
	start mstat -q -freq 20 -o run.mstat "$@"
	wait_for 60 test -e f/ready || echo "# it is not ready" >&2
	sleep 0.5 # some ticks of a program at rest
	touch f/go
	wait "$started"
	is "$desc: it ends" $? 0
	ok "$desc: $(cat f/ready)" grep -qx "$(cat f/ready)" <(rows glibc_arenas)
}
held "one arena" -- "$TARGETS/glibc_arenas" 0 1 f
held "a few, and large blocks" -- "$TARGETS/glibc_arenas" 4 20 f
held "sampled outside" -preload none -- "$TARGETS/glibc_arenas" 3 5 f
held "two copies of the library" -- "$TARGETS/glibc_arenas" 2 5 f copy
# More than are read: that is said, once.
ulimit -Sn "$(ulimit -Hn)"
mkfifo fifo
start mstat -v -freq 20 -preload none -o run.mstat -- "$BASH" -c 'for i in {1..560}; do sleep 60 & done; read -r <fifo; kill $(jobs -p); wait; exit 0'
full='process [0-9]*: runtimes: 512 processes are read already'
ok "more processes than are read" wait_for 60 grep -q "$full" started.err
echo >fifo
wait "$started"
is "that is said once" "$? $(grep -c "$full" started.err)" "0 1"
ulimit -n 1024
held "more threads than arenas" -- "$TARGETS/glibc_arenas" 40 1 f
export GLIBC_TUNABLES=glibc.malloc.arena_max=2
held "two arenas at most" -- "$TARGETS/glibc_arenas" 8 2 f
unset GLIBC_TUNABLES
run mstat -q -freq 50 -o run.mstat -- "$BASH" -c 'for ((i = 0; i < 30; i++)); do sleep 0.02; done'
is "a shell" "$status" 0
ok "has an arena" grep -qE '^1 [1-9][0-9]{4,} 0$' <(rows bash)
libc=$(ldd "$BASH" | awk '$1 == "libc.so.6" { print $3 }')
mkdir lib && cp "$libc" lib
run mstat -q -freq 50 -o run.mstat -- env LD_LIBRARY_PATH="$PWD/lib" "$BASH" -c 'rm lib/libc.so.6; for ((i = 0; i < 30; i++)); do sleep 0.02; done'
is "a shell whose library is removed" "$status" 0
ok "has an arena" grep -qE '^1 [1-9][0-9]{4,} 0$' <(rows bash)
run mstat -q -freq 50 -o run.mstat -- "$TARGETS/static_collect_wait" 500 /bin/true
ok "a static program is sampled" test "$(rows static_collect_ | wc -l)" -ge 5
is "and has no libc.so" "$(rows static_collect_ | tr -d ' ' | sort -u)" ""

# Where the budget is short, what moves is read, and what rests waits.
mkfifo pipe
run mstat -q -freq 100 -o run.mstat -- "$BASH" -c 'for i in {1..40}; do sleep 3 & done; exec 9<>pipe; printf -v y %0200000d 0
	for i in {1..200}; do a+=("$y"); read -t 0.01 -u 9; done; kill $(jobs -p); wait; exit 0'
readings() { mstat-decode -what samples -from 1.5s -where comm="$1" -columns glibc_arena_bytes run.mstat | grep -c '^[0-9]'; }
moves=$(readings bash) rests=$(($(readings sleep) / 40))
ok "one that grows is read $moves times, forty that rest $rests times each" test "$moves" -gt $((2 * rests)) -a "$moves" -ge 5

# Who may not be looked at: whose file may not be read, or who says so. CAP_PERFMON shows mappings, not memory.
may_not=()
less=-sys_ptrace,-sys_admin,-perfmon,-dac_override,-dac_read_search
[ "$(id -u)" != 0 ] || may_not=(setpriv --bounding-set="$less" --inh-caps="$less")
said() { grep -c 'process [0-9]*: runtimes: its memory may not be read: that takes .*CAP_SYS_PTRACE$' <<<"$err"; }
cp "$(type -P sleep)" hidden && chmod 111 hidden
run "${may_not[@]}" mstat -v -freq 50 -o run.mstat -- ./hidden 0.6
is "a program whose file may not be read" "$status" 0
is "that its memory may not be either is said, once" "$(said)" 1
ok "and is why there are no numbers" test "$(mstat-decode -what samples -columns notes run.mstat |
	grep -c 'go_memstats:denied.*hsperfdata:denied.*glibc_malloc:denied,cpython:denied')" -ge 5
run "${may_not[@]}" mstat -v -freq 50 -o run.mstat -- "$TARGETS/guest_limits" dumpable
is "a program that makes itself not dumpable" "$status" 0
is "that is said, once" "$(said)" 1
ok "and why there are no more numbers" test "$(mstat-decode -what samples -columns notes run.mstat | grep -c glibc_malloc:denied)" -ge 5
