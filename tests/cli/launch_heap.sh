#!/bin/bash
# SPDX-License-Identifier: ISC
# -heap: which of the two samplers is injected, and what it is told; never both.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"

plain=$LIB/libmstat.so heap=$LIB/libmstat-heap.so own=$TARGETS/liblaunch_own.so
said='echo "$LD_PRELOAD ${MSTAT_HEAP_INTERVAL-unset}"'
m() { timeout 20 mstat -q -freq 100 -o run.mstat "$@"; }
# injects DESC WANT ARGUMENT...: LD_PRELOAD and the interval, in the program
injects() {
	local desc=$1 want=$2
	shift 2
	exits "$desc" 0 m "$@" -- sh -c "$said"
	is "$desc: what is injected" "$out$err" "$want"
}
injects "without -heap" "$plain unset"
injects "-heap" "$heap 524288" -heap
injects "-heap=false" "$plain unset" -heap=false
injects "-heap-interval" "$heap 4096" -heap -heap-interval 4KiB
injects "-heap-interval alone" "$heap 1" -heap-interval=1
injects "the largest interval" "$heap 1099511627776" -heap-interval 1TiB
injects "-heap, and the bare name" "$heap 524288" -heap -env LD_PRELOAD=libmstat.so
injects "-heap, the bare name and the user's own" "$heap:$own 524288" -heap -env LD_PRELOAD="libmstat.so:$own"
injects "the heap library's bare name" "$heap 524288" -env LD_PRELOAD=libmstat-heap.so
injects "both bare names" "$heap 524288" -heap -env LD_PRELOAD=libmstat.so:libmstat-heap.so
injects "-preload with a bare name" "$heap 524288" -preload libmstat-heap.so
injects "-heap and -preload with the plain one's" "$heap 524288" -heap -preload libmstat.so
injects "-heap, and the user's own" "$heap:$own 524288" -heap -env LD_PRELOAD="$own"
injects "an interval of the user's own, without -heap" "$plain unset" -env MSTAT_HEAP_INTERVAL=5
injects "with the heap library's bare name" "$heap 5" -env MSTAT_HEAP_INTERVAL=5 -env LD_PRELOAD=libmstat-heap.so
injects "nothing" " unset" -preload none -env LD_PRELOAD=libmstat-heap.so

# Paths are the user's choice, but for what cannot be.
cp "$heap" libmstat-heap.so && cp "$plain" libmstat.so
injects "a path of it" "$TMP/libmstat-heap.so 524288" -heap -env LD_PRELOAD="$TMP/libmstat-heap.so"
injects "a path of it, without -heap" "$TMP/libmstat-heap.so 524288" -env LD_PRELOAD="$TMP/libmstat-heap.so"
injects "-preload with a path of it" "$TMP/libmstat-heap.so 524288" -heap -preload ./libmstat-heap.so
injects "paths of both: the first" "$TMP/libmstat.so unset" -env LD_PRELOAD="$TMP/libmstat.so:$TMP/libmstat-heap.so"
# refused DESC PATH ARGUMENT...
refused() {
	local desc=$1 path=$2
	shift 2
	exits "$desc" 125 mstat -o none.mstat "$@" -- touch ran
	is "$desc: one line" "$out$err" "mstat: -heap: $path has no hooks for allocations; libmstat-heap.so has"
}
refused "-heap, and a path of the other" "$TMP/libmstat.so" -heap -env LD_PRELOAD="$TMP/libmstat.so"
refused "-heap, and the other one first" "$TMP/libmstat.so" -heap -env LD_PRELOAD="$TMP/libmstat.so:$heap"
refused "-heap, and -preload with a path of the other" ./libmstat.so -heap -preload ./libmstat.so
run env LD_PRELOAD="$TMP/libmstat.so" "$BIN/mstat" -heap -o none.mstat -- touch ran
is "-heap, and the caller's path of the other" "$status $err" \
	"125 mstat: -heap: $TMP/libmstat.so has no hooks for allocations; libmstat-heap.so has"
exits "-heap and -preload none" 125 mstat -heap -preload none -o none.mstat -- touch ran
is "-heap and -preload none: one line" "$out$err" "mstat: -heap and -preload none exclude each other"
for size in 0 '' 10X -1 2TiB 1e3; do
	exits "-heap-interval '$size'" 125 mstat -heap -heap-interval "$size" -o none.mstat -- touch ran
	is "-heap-interval '$size': one line" "$out$err" "mstat: -heap-interval: \"$size\" is not a size from 1 to 1TiB"
done
ok "nothing ran, or was made" test ! -e ran -a ! -e none.mstat

# A run in a run: what the outer one injects is as good as the bare name.
exits "a run with -heap in one without" 0 mstat -q -o outer.mstat -- mstat -q -heap -o run.mstat -- sh -c "$said"
is "has the library with hooks" "$out$err" "$heap 524288"
exits "a run in one with -heap" 0 mstat -q -heap-interval 8K -o outer.mstat -- mstat -q -o run.mstat -- sh -c "$said"
is "has them as well" "$out$err" "$heap 8192"
exits "with another interval" 0 mstat -q -heap-interval 8K -o outer.mstat -- mstat -q -heap -o run.mstat -- sh -c "$said"
is "which is its own" "$out$err" "$heap 524288"

# Installed, and by the loader alone.
mkdir -p usr/bin usr/lib alone loader
cp "$BIN/mstat" usr/bin && cp "$plain" "$heap" usr/lib
cp "$BIN/mstat" alone && cp "$plain" "$heap" loader
exits "installed" 0 usr/bin/mstat -q -heap -o run.mstat -- sh -c "$said"
is "installed: its own library" "$out$err" "$TMP/usr/lib/libmstat-heap.so 524288"
if [ -e /usr/local/lib/libmstat-heap.so ]; then
	skip "alone" "it is installed on this machine"
else
	exits "alone, where the loader finds the library" 0 env LD_LIBRARY_PATH="$TMP/loader" alone/mstat -q -heap \
		-o run.mstat -- sh -c "$said"
	is "alone, where the loader finds the library" "$out$err" "$TMP/loader/libmstat-heap.so 524288"
	exits "alone" 0 alone/mstat -heap -o run.mstat -- sh -c "$said"
	like "alone: one line" "$err" '^mstat: sh: not sampled from inside: libmstat-heap.so: not found beside mstat, in '
fi
