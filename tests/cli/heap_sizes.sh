#!/bin/bash
# SPDX-License-Identifier: ISC
# Each function of the allocator does what it says, and counts for what was asked for.
# timeout: 300
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"

heap_same "sizes of 0, too large ones, errno" "$TARGETS/heap_sizes" odd
heap_same "realloc() keeps what was there" "$TARGETS/heap_sizes" realloc
heap_same "alignments" "$TARGETS/heap_sizes" align
heap_same "malloc_usable_size(), mallinfo2(), malloc_trim()" "$TARGETS/heap_sizes" tools
heap_same "memory that is out, and comes back" "$TARGETS/heap_sizes" limit
heap_same "functions that keep some" "$TARGETS/heap_sizes" keep
heap_keeps malloc_keeps 10010
heap_keeps calloc_keeps 2107
heap_keeps realloc_keeps 700
heap_keeps reallocarray_keeps 900
heap_keeps loses 0
heap_keeps realloc_frees 0
heap_keeps aligned_keeps 967
heap_keeps large_keeps 67108864
heap_keeps strdup_keeps 24
