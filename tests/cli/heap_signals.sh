#!/bin/bash
# SPDX-License-Identifier: ISC
# Signals that come while the hooks are at work: handlers walk the stack, jump away, look at errno.
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"

heap_same "handlers that walk the stack" "$TARGETS/heap_signals" backtrace
heap_same "handlers that jump out" "$TARGETS/heap_signals" jump
heap_same "handlers, and errno" "$TARGETS/heap_signals" errno
heap_same "exceptions of floating point that are signals" "$TARGETS/heap_fenv" trap
heap_same "... and that nobody has raised" "$TARGETS/heap_fenv" flags
