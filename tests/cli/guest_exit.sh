#!/bin/bash
# SPDX-License-Identifier: ISC
# A last sample at exit(), of programs that are older than 100 ms, and for at most a millisecond.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

rows() { mstat-decode -what samples run.mstat | awk -F'\t' '
	NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } { print $c["rss_anon_bytes"] }'; }

# At 1 Hz a tick within so short a life is rare: what is there is the last sample.
none=0 large=0
for _ in 1 2 3 4 5; do
	run mstat -q -freq 1 -o run.mstat -- "$TARGETS/guest_work" last 10 1
	[ -n "$(rows)" ] || none=$((none + 1))
	run mstat -q -freq 1 -o run.mstat -- "$TARGETS/guest_work" last 150 32
	[ "$(rows | tail -n 1)" -ge $((32 << 20)) ] && large=$((large + 1))
done
is "a program that ends at 150 ms tells what it held last" $large 5
ok "one that ends at 10 ms costs no sample ($none of 5)" test $none -ge 3

ok "exit() beside a sampler that can answer" \
	mstat -q -freq 100 -o run.mstat -- "$TARGETS/guest_exit" free
free=$out
run mstat -q -freq 100 -o run.mstat -- "$TARGETS/guest_exit" held
if [ "$status" = 77 ]; then
	skip "exit() beside a sampler that cannot" "no ptrace permitted"
else
	ok "exit() beside one that cannot: $out ms, not $free ms" awk -v ms="$out" 'BEGIN { exit !(ms > 0 && ms < 1000) }'
fi
