#!/bin/bash
# SPDX-License-Identifier: ISC
# Exceptions and cancelled threads, which unwind the stack by themselves, also out of operator new.
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"

for how in exceptions no-memory threads; do
	heap_same "$how" "$TARGETS/heap_throw" $how
	heap_keeps throw_keeps 54321
done
