#!/bin/bash
# SPDX-License-Identifier: ISC
# Threads that leave memory behind, pass it on, and are many.
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"

heap_same "1,000 threads" "$TARGETS/heap_threads" many
heap_keeps thread_keeps 48000
heap_same "memory that other threads free" "$TARGETS/heap_threads" passes
# 50 threads, of the last round, each 50 blocks.
heap_keeps thread_passes 25000000
heap_same "400 threads at once" "$TARGETS/heap_threads" hold
heap_keeps thread_holds 200000
