#!/bin/bash
# SPDX-License-Identifier: ISC
# Who is killed in the midst of allocating leaves a profile as of the last tick.
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"

for i in 1 2 3; do
	exits "kill -9, time $i" 137 timeout 60 mstat -q -freq 100 -heap -heap-interval 1 -o run.mstat -- "$TARGETS/heap_kill" self
	heap_keeps leaks 1024000
done
heap_same "kill -9 of a child" "$TARGETS/heap_kill" fork
heap_keeps leaks 1024000

run mstat -v -o run.mstat -- true
if ! grep -q '^mstat: own writable cgroup: ' <<<"$err"; then
	skip "a program that the kernel kills for its memory" "no cgroup here"
	exit
fi
exits "a program that the kernel kills for its memory" 137 timeout 60 mstat -q -freq 100 -heap -heap-interval 4096 \
	-memory-max 48M -memory-swap-max 0 -o run.mstat -- "$TARGETS/heap_kill" memory
if [ "$status" = 125 ]; then
	exits "without a limit of swap" 137 timeout 60 mstat -q -freq 100 -heap -heap-interval 4096 -memory-max 48M \
		-o run.mstat -- "$TARGETS/heap_kill" memory
fi
# What it took since the last tick, and mstat's own, is not in it.
live=$(heap_live hogs)
ok "the function that took most is told: $live bytes of 48 MiB" test "$live" -ge $((24 << 20)) -a "$live" -le $((52 << 20))
