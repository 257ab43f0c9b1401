#!/bin/bash
# SPDX-License-Identifier: ISC
# What mstat-get tells of a Go program is laid out as Go itself does it, and read by what reads that.
# timeout: 300
# shellcheck source=tests/cli/go_lib disable=SC2154
. "$(dirname "$0")/go_lib"

go_build heappage page
go_start ./page
run mstat-get -memstats "$started"
is "-memstats" "$status $err" "0 "
echo "$out" >ours
sed -n '/^# runtime.MemStats/,/^ready/{/^ready/d;p}' go.out >theirs
is "the lines are Go's" "$(sed 's/[0-9.e-]\{1,\}/N/g; s/N\( N\)*/N/g' ours)" "$(sed 's/[0-9.e-]\{1,\}/N/g; s/N\( N\)*/N/g' theirs)"
is "as are collections and their pauses" "$(grep -E '^# (NumGC|NumForcedGC|PauseNs|PauseEnd|LastGC|Lookups|DebugGC)' ours)" \
	"$(grep -E '^# (NumGC|NumForcedGC|PauseNs|PauseEnd|LastGC|Lookups|DebugGC)' theirs)"
within "its heap" "$(awk '$2 == "HeapAlloc" { print $4 }' ours)" "$(awk '$2 == "HeapAlloc" { print $4 }' theirs)" 30
run mstat-get -memstats "$started" -format json
is "-format json" "$status $err" "0 "
echo "$out" >json
sys=$(awk '{ v[$2] = $4 } END { print v["Sys"] - v["HeapReleased"] }' ours)
is "is read by encoding/json" "$(./page decode <json)" "true true true true true 18432 $sys"

run mstat-get -goroutines "$started"
is "-goroutines" "$status $err" "0 "
like "by state" "$out" $'(^|\n)waiting [0-9]+\n'
like "and in all" "$out" $'\nall [0-9]+, the runtime\'s own [0-9]+$'
run mstat-get -goroutines "$started" -v
like "-v: with stacks" "$out" $'goroutine 1 \\[.*\\]:\n.*main\\.main\\(\\)\n\t[^\n]*/heappage\\.go:[0-9]+ \\+0x'
like "and by state" "$out" $'\nall [0-9]+, the runtime\'s own [0-9]+$'

if [ "$(id -u)" = 0 ]; then
	exits "another user's" 1 setpriv --reuid 65534 --regid 65534 --clear-groups "$BIN/mstat-get" -memstats "$started"
	like "says what it takes" "$err" "^mstat-get: PID $started: .* may not be read: that takes the same user, or root$"
else
	skip "another user's" "not root"
	skip "says what it takes" "not root"
fi
stop "$started"
go_build heappage stripped -ldflags '-s -w'
go_start ./stripped
run mstat-get -memstats "$started"
like "-memstats of a stripped one" "$status $err$out" '^0 # runtime.MemStats'
run mstat-get -goroutines "$started" -v
like "-goroutines of it" "$out" $'\nmain\\.main\\(\\)\n\t[^\n]*/heappage\\.go:[0-9]+ \\+0x'
stop "$started"
# What is where another Go has it.
minor=$("$GO" env GOVERSION | sed 's/^go1\.\([0-9]*\).*/\1/')
other=$((minor == 19 ? 21 : 19))
go_build park plain -ldflags -w
LC_ALL=C sed "s/go1\.$minor\./go1.$other./g" plain >untrue
chmod 755 untrue
go_start ./untrue
exits "-memstats of one that says it is of 1.$other" 1 mstat-get -memstats "$started"
is "says so" "$out $err" " mstat-get: PID $started: its runtime is not up yet, or its numbers do not agree: again later"
stop "$started"
for flag in -memstats -goroutines; do
	exits "$flag of no Go program" 1 mstat-get $flag $$
	is "says so" "$err" "mstat-get: PID $$: it is not a Go program"
	exits "$flag of nobody" 1 mstat-get $flag 4194303
	is "says so" "$err" "mstat-get: PID 4194303: it is gone"
	exits "$flag with PIDs" 2 mstat-get $flag $$ $$
done
exits "-format json alone" 2 mstat-get -format json $$
like "says what it is for" "$err" 'json is for -memstats'
exits "both" 2 mstat-get -memstats $$ -goroutines $$
