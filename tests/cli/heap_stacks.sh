#!/bin/bash
# SPDX-License-Identifier: ISC
# Allocations on stacks that are small, deep, of the program's own making, or left by a jump.
# timeout: 400
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"

heap_same "handlers on a stack of their own" "$TARGETS/heap_stacks" alternate
heap_keeps handler_keeps 44440
heap_same "a stack that has overflown" "$TARGETS/heap_stacks" overflow
heap_keeps handler_keeps 22220
heap_same "coroutines" "$TARGETS/heap_stacks" coroutines
heap_keeps coroutine_keeps 133320
heap_same "coroutines with little room" "$TARGETS/heap_stacks" cramped
heap_keeps cramped_keeps 60000
heap_same "10,000 frames" "$TARGETS/heap_stacks" deep
heap_keeps deep_keeps 43210
heap_same "threads of the smallest stacks" "$TARGETS/heap_stacks" tiny
heap_keeps small 2500
heap_same "frames that are left by longjmp()" "$TARGETS/heap_stacks" jump
heap_keeps jump_keeps 10000
