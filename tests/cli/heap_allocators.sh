#!/bin/bash
# SPDX-License-Identifier: ISC
# Other allocators than libc's, and C++'s: before the hooks, after them, and in the program itself.
# timeout: 400
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"
heap_intervals=1

# each_new TIMES: what heap_new keeps, so many times
each_new() {
	local name bytes
	while read -r name bytes; do heap_keeps "$name" $((bytes * $1)); done <<'END'
new_keeps 101
new_array_keeps 202
new_nothrow_keeps 303
new_array_nothrow_keeps 404
new_aligned_keeps 640
new_array_aligned_keeps 768
new_aligned_nothrow_keeps 896
new_array_aligned_nothrow_keeps 1024
new_wide_keeps 768
new_class_keeps 64
new_placement_keeps 0
END
}
heap_same "operators new and delete" "$TARGETS/heap_new"
each_new 3
heap_same "a program's own operators new and delete" "$TARGETS/heap_new_own"
heap_keeps own_new_keeps 4000

heap_same "an allocator in the program" "$TARGETS/heap_own"
heap_keeps own_keeps 0
run mstat-decode -what heap -at end run.mstat
like "the profile says that it cannot be seen" "$out $err" '[Aa]llocator'

# A program at a fixed address may have a jump of its own where malloc() is looked up.
for program in "heap_own -rdynamic" heap_sizes; do
	read -r name flags <<<"$program"
	printf '%s\n' '#include <stdlib.h>' 'void *(*volatile address)(size_t) = malloc;' >address.c
	# shellcheck disable=SC2086
	"${CC:-gcc}" -D_GNU_SOURCE -I"$SRC" -O1 -g -no-pie -fno-pic -pthread $flags -o fixed address.c "$SRC/tests/targets/$name.c"
	heap_same "a program at a fixed address, $name" ./fixed keep
	run mstat-decode -what heap -at end run.mstat
	if [ "$name" = heap_own ]; then
		like "... its own allocator is told" "$err" 'own allocator'
	else
		is "... its allocator is seen" "$err" ""
	fi
done

# library NAME: where the loader has it
library() { ldconfig -p 2>/dev/null | awk -v name="$1" '$1 == name { print $NF; exit }'; }
for name in libjemalloc.so.2 libtcmalloc_minimal.so.4; do
	PATH=$PATH:/sbin:/usr/sbin other=$(library $name)
	if [ -z "$other" ]; then
		skip "$name" "not installed"
		continue
	fi
	heap_after=$other
	heap_same "$name after the hooks: operators new and delete" "$TARGETS/heap_new"
	each_new 3
	heap_same "$name after the hooks: signals" "$TARGETS/heap_signals" backtrace
	heap_same "$name after the hooks: forks" "$TARGETS/heap_forks" torture 50
	heap_same "$name after the hooks: the ends of life" "$TARGETS/heap_late"
	heap_after='' heap_before=$other
	heap_same "$name before the hooks: operators new and delete" "$TARGETS/heap_new"
	heap_same "$name before the hooks: forks" "$TARGETS/heap_forks" torture 50
	heap_same "$name before the hooks: the ends of life" "$TARGETS/heap_late"
	heap_same "$name before the hooks, a program at a fixed address" ./fixed keep
	run mstat-decode -what heap -at end run.mstat
	like "... the other allocator is told" "$err" 'own allocator'
	heap_before=''
done
