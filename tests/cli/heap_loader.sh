#!/bin/bash
# SPDX-License-Identifier: ISC
# The loader's locks, its errors and its order: the hooks find what they call without being noticed by it.
# timeout: 400
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"

heap_same "a constructor that waits for a thread that calls new" "$TARGETS/heap_loader" "$TARGETS" joins
heap_same "and one that calls memalign()" "$TARGETS/heap_loader" "$TARGETS" aligns
heap_same "dlerror() after new and memalign()" "$TARGETS/heap_loader" "$TARGETS" error
heap_same "dlerror() after new in a program in C++" "$TARGETS/heap_pending"
heap_same "two libraries with operators of their own" "$TARGETS/heap_loader" "$TARGETS" two
heap_keeps libheap_header_keeps 1000
heap_keeps libheap_headers_keeps 3000
heap_same "one that has C++ by way of another" "$TARGETS/heap_loader" "$TARGETS" remote
heap_keeps libheap_remote_keeps 5000
heap_same "one that is loaded below where it was linked for" "$TARGETS/heap_loader" "$TARGETS" biased
heap_keeps libheap_biased_keeps 4000
heap_keeps biased_keeps 4000
heap_same "children of threads that call operators for the first time" "$TARGETS/heap_loader" "$TARGETS" forks
heap_after=$TARGETS/libheap_header.so
heap_same "operators of a library that is preloaded, and allocates before the hooks begin" \
	"$TARGETS/heap_loader" "$TARGETS" before
