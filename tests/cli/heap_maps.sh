#!/bin/bash
# SPDX-License-Identifier: ISC
# mmap(), munmap(), mremap() and sbrk() by the program: in parts, elsewhere, over one another.
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"

page=$(getconf PAGESIZE)
heap_same "mappings that come and go" "$TARGETS/heap_maps" churn
heap_keeps churns 0
heap_same "functions that keep some" "$TARGETS/heap_maps" keep
heap_keeps whole_keeps $((10 * page))
heap_keeps split_keeps $((6 * page))
heap_keeps ends_keep $((4 * page))
heap_keeps remap_keeps $((16 * page))
heap_keeps move_keeps $((8 * page))
heap_keeps under_keeps $((6 * page))
heap_keeps over_keeps $((2 * page))
heap_keeps sbrk_keeps $((15 * page))
heap_keeps file_keeps 0
heap_keeps malloc_keeps $((3 << 20))
heap_keeps fails 0
heap_after=$TARGETS/libheap_kernel.so
heap_same "a thread that is given what was moved, and calls that fail" "$TARGETS/heap_maps" races
heap_keeps newcomer_keeps $((3 * page))
heap_keeps raced_keeps $((8 * page))
heap_keeps refused_keeps $((8 * page))
