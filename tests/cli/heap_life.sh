#!/bin/bash
# SPDX-License-Identifier: ISC
# Allocations before main(), in constructors of whatever is loaded before the hooks, and after its end.
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"

heap_same "a needed library's constructor" "$TARGETS/heap_early"
heap_keeps early_keeps 1111
heap_before=$TARGETS/libheap_early.so
heap_same "that of a library preloaded before the hooks" "$TARGETS/heap_early"
heap_keeps early_keeps 1111
heap_before='' heap_after=$TARGETS/libheap_early.so
heap_same "and after them" "$TARGETS/heap_early"
heap_keeps early_keeps 1111
heap_after=''
heap_same "destructors of static and thread-local objects, of keys, atexit()" "$TARGETS/heap_late"
