#!/bin/bash
# SPDX-License-Identifier: ISC
# -max-size: a long run's record stays small, and each part can be read by itself.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

# Lives until its record has been turned twice.
touch go
turned() { [ -e run.mstat.1 ] && [ "$(stat -c %i run.mstat.1)" != "${1-}" ]; }
start mstat -q -max-size 64K -freq 1000 -o run.mstat -- sh -c '"$1" 20 100 0; while [ -e go ]; do sleep 0.05; done; exit 3' - \
	"$TARGETS/collect_hold"
ok "the record is turned" wait_for 60 turned
first=$(stat -c %i run.mstat.1)
ok "and once more" wait_for 60 turned "$first"
rm go
wait "$started"
is "the program ends as ever" $? 3
ok "the older part is within its half" test "$(stat -c %s run.mstat.1)" -lt 49152
ok "the newer one, too" test "$(stat -c %s run.mstat)" -lt 49152
is "no others are there" "$(echo run.mstat*)" "run.mstat run.mstat.1"
for part in run.mstat.1 run.mstat; do
	ok "$part is a whole run file" mstat-decode $part
	is "$part: every process in it has its name" "$(mstat-decode -what samples $part | column comm | grep -cvE '^(sh|sleep|collect_hold)$')" 0
	is "$part: its rows are in order" "$(mstat-decode $part | column time | sort -nc 2>&1)" ""
done
ok "the newer begins where the older ends" \
	test "$(mstat-decode run.mstat | column time | head -n 1)" -gt "$(mstat-decode run.mstat.1 | column time | tail -n 1)"
ok "no tick is missing between them" \
	test "$(($(mstat-decode run.mstat | column time | head -n 1) - $(mstat-decode run.mstat.1 | column time | tail -n 1)))" -lt 1000000000
is "the summary is the whole run's" "$(summary run.mstat exit_status)" $((3 << 8))
ok "with all its processes" test "$(summary run.mstat processes)" -gt "$(mstat-decode -what processes run.mstat | wc -l)"
ok "the newer one is compared" mstat-diff -bytes run.mstat run.mstat
# of FIRST-WORDS: A's in that line of the table
of() { sed -n "s/^ *$1  *\([^ ]*\).*/\1/p" <<<"$out"; }
is "... by the whole run's sampled peak" "$(of 'peak, sampled')" "$(summary run.mstat peak_sampled_bytes)"
is "... and that without page cache" "$(of 'peak without page cache')" "$(summary run.mstat peak_without_cache_bytes)"
is "... whose parts are not in it" "$(of anonymous)" ""
is "... with how many processes there were" "$(of processes)" "$(summary run.mstat processes)"
is "... whose CPU time is not known" "$(of 'CPU time')" ""
like "... which is told" "$out" 'note: run.mstat: the run began in an older file \(mstat -max-size\): what ended there is not known'
mstat -q -o whole.mstat -- true
unlike "... but of a record that is whole" "$(mstat-diff whole.mstat whole.mstat)" 'older file'
exits "too small a size" 125 mstat -max-size 1K -o other.mstat -- true
like "one line says so" "$err" '^mstat: -max-size: .* is not a size of 64K or more$'
for out in table.tsv /dev/stdout; do
	exits "the record is $out" 125 mstat -max-size 1M -o $out -- true
	like "which cannot be turned" "$err" '^mstat: .*: -max-size is for run files that are regular files$'
done
