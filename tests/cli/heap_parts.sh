#!/bin/bash
# SPDX-License-Identifier: ISC
# Records that begin in the midst of a process's life tell all of its heap: parts of a long run, and what a
# recorder finds that comes back.
# shellcheck source=tests/cli/heap_lib disable=SC2154,SC2119,SC2016
. "$(dirname "$0")/heap_lib"

touch go
turned() { [ -e run.mstat.1 ] && [ "$(stat -c %i run.mstat.1)" != "${1-}" ]; }
start mstat -q -heap -heap-interval 1 -max-size 64K -freq 1000 -o run.mstat -- "$TARGETS/heap_lasts" go
ok "the record is turned" wait_for 60 turned
first=$(stat -c %i run.mstat.1)
ok "and once more" wait_for 60 turned "$first"
told() { mstat-decode -what heap -at end -format folded run.mstat 2>/dev/null | grep -q ';leaks [1-9]'; }
ok "of the heap, too" wait_for 60 told
rm go
wait "$started"
is "the program ends as ever" $? 0
mkdir parts && mv run.mstat run.mstat.1 parts
for part in parts/run.mstat.1 parts/run.mstat; do
	ok "${part##*/} is a whole run file" mstat-decode "$part"
	cp "$part" run.mstat
	heap_keeps leaks 1024000
done

# ---- mstatd, which nobody has launched the program through --------------------------------------

# shellcheck source=tests/cli/mstatd_lib
. "$SRC/tests/cli/mstatd_lib"
serve
touch go
env LD_PRELOAD="$LIB/libmstat-heap.so" MSTAT_HEAP_INTERVAL=1 MSTAT_FREQ=50 "$TARGETS/heap_lasts" go >lasts.out &
long=$!
kept() { mstat-decode -what heap -at end -format folded "$TMP/runs/$(id -u)/$(file as_self "$long-heap_lasts")" 2>/dev/null | grep -q ';leaks [1-9]'; }
ok "mstatd records a heap" wait_for 30 kept
# shellcheck disable=SC2046 # words
kill -KILL $(pgrep -P "$daemon") "$daemon"
wait "$daemon" 2>/dev/null
ok "mstatd, killed, is started again" serve
records() { as_self mstatd -list | grep -c -- "-$long-heap_lasts"; }
ok "the program's sampler comes back" wait_for 60 eval '[ "$(records)" = 2 ]'
ok "and tells all that it has" wait_for 60 kept
rm go
wait $long
is "the program ends as ever" $? 0
ok "its record is finished" wait_for 30 is_finished as_self "$long-heap_lasts"
cp "$TMP/runs/$(id -u)/$(file as_self "$long-heap_lasts")" run.mstat
heap_keeps leaks 1024000
