#!/bin/bash
# SPDX-License-Identifier: ISC
# A stopped mstat: the program goes on, what it could not be told is counted, and the gap is told.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

touch go
start mstat -freq 200 -o run.mstat -- "$TARGETS/collect_hold" 10 0 1 "$TMP/ready" "$TMP/go"
mstat=$started
ok "the program runs" wait_for 20 test -e ready
kill -STOP "$mstat"
# Of 400 samples the socket holds some forty: those of two periods between drains.
sleep 2
kill -CONT "$mstat"
grown() { [ "$(stat -c %s run.mstat)" -gt "$size" ]; }
size=$(stat -c %s run.mstat)
ok "mstat goes on recording" wait_for 20 grown
rm go
wait "$mstat"
is "the program's status" $? 0

dropped=$(summary run.mstat samples_dropped)
ok "samples were dropped ($dropped)" test "$dropped" -gt 100
is "each row says how many before it" \
	"$(mstat-decode -what samples run.mstat | column dropped | awk '{ n += $1 } END { print n }')" "$dropped"
is "and each process" "$(mstat-decode -what processes run.mstat | column dropped | awk '{ n += $1 } END { print n }')" "$dropped"
missed=$(summary run.mstat missed_ticks)
ok "ticks were missed ($missed)" test "$missed" -ge 350
gap=$(mstat-decode -what events run.mstat | column kind number | awk '$1 == "gap" { print $2 }' | most)
ok "the gap is told ($gap ns)" test "$gap" -ge 1700000000
is "rows and missed ticks are all ticks" "$(mstat-decode run.mstat | column time | awk '
	NR == 1 { first = $1 } { last = $1; n++ } END { printf "%.0f", (last - first) / 5e6 + 1 - n }')" "$missed"
is "nobody was refused" "$(summary run.mstat peers_refused)" 0
