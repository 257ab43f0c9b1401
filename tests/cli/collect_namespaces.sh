#!/bin/bash
# SPDX-License-Identifier: ISC
# Programs in other namespaces than mstat's are sampled on the same ticks, and mstat in one too.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

rows_of() { mstat-decode -what samples "$1" | column comm time_ns late_ns | awk -F '\t' '$1 == "collect_hold"'; }
check() {
	local rows
	rows=$(rows_of "$2")
	ok "$1: sampled on all ticks ($(wc -l <<<"$rows"))" test "$(wc -l <<<"$rows")" -ge 25
	is "$1: within the run" "$(awk -F '\t' -v end="$(summary "$2" duration_ns)" '$2 < 0 || $2 > end { n++ } END { print n + 0 }' <<<"$rows")" 0
	is "$1: nobody was refused" "$(summary "$2" peers_refused)" 0
}

unshare --time true 2>/dev/null || skip_all "no time namespaces for us"
run mstat -q -freq 20 -o inner.mstat -- unshare --time --monotonic 100000 --boottime 100000 "$TARGETS/collect_hold" 5 3000 0
is "the program in another time" "$status" 0
check "the program in another time" inner.mstat
run unshare --time --monotonic 100000 --boottime 100000 mstat -q -freq 20 -o outer.mstat -- "$TARGETS/collect_hold" 5 3000 0
is "all of mstat in another time" "$status" 0
check "all of mstat in another time" outer.mstat
run mstat -q -freq 20 -o pid.mstat -- unshare --pid --fork --mount-proc "$TARGETS/collect_hold" 5 3000 0
is "the program in a pid namespace" "$status" 0
check "the program in a pid namespace" pid.mstat
# Its own word of its parent is worth nothing; the kernel's, where it tells of forks, is.
is "its pids are those that we see" "$(mstat-decode -what processes pid.mstat | column comm pid ppid | awk -F '\t' '
	$1 == "unshare" { parent[$2] } $1 == "collect_hold" && $2 > 1 { n++; good += $3 == 0 || ($3 in parent) }
	END { print n, good }')" "1 1"
run mstat -q -freq 20 -o net.mstat -- unshare --net "$TARGETS/collect_hold" 5 3000 0
check "the program in a net namespace" net.mstat
