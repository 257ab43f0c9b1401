#!/bin/bash
# SPDX-License-Identifier: ISC
# Children made by fork() and by other calls, also while other threads are within the hooks.
# timeout: 600
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"
heap_intervals=1

heap_same "500 forks while threads allocate" "$TARGETS/heap_forks" torture
heap_same "handlers of pthread_atfork() that allocate" "$TARGETS/heap_forks" atfork
for how in vfork spawn clone _Fork ends; do
	heap_same "children by $how" "$TARGETS/heap_forks" $how
done
heap_same "a parent and children that keep some" "$TARGETS/heap_forks" keep
heap_keeps child_keeps 100000
# What children inherited counts once, in the parent.
heap_keeps parent_keeps 200000
# A child that a fork did not find whole tables for would have made all of it itself.
heap_same "children of a crowd of threads" "$TARGETS/heap_forks" crowd
heap_keeps parent_keeps 100000
