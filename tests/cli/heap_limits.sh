#!/bin/bash
# SPDX-License-Identifier: ISC
# Where the hooks cannot have what they want (memory, system calls), the program has all that is its own.
# timeout: 300
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"

# The test's own inherited descriptors would take the few numbers that a program may have here.
for fd in {3..255}; do eval "exec $fd>&-"; done
for limit in as=32000000 as=64000000 as=200000000 data=32000000 stack=131072 nofile=5; do
	heap_same "$limit" prlimit --$limit "$TARGETS/heap_sizes" realloc
	heap_same "$limit, odd sizes" prlimit --$limit "$TARGETS/heap_sizes" odd
done
run timeout 60 "$TARGETS/heap_barred"
if [ "$status" = 77 ]; then
	skip "a thread that must not wait" "not permitted"
else
	heap_same "a thread that must not wait" "$TARGETS/heap_barred"
fi
run "$TARGETS/heap_seccomp"
if [ "$status" = 77 ]; then
	skip "no system calls" "not permitted"
else
	heap_same "no system calls" "$TARGETS/heap_seccomp"
fi
