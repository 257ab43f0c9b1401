#!/bin/bash
# SPDX-License-Identifier: ISC
# A last sample at exit(), of programs that are older than 100 ms, and for at most a millisecond.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

rows() { mstat-decode -what samples run.mstat | awk -F'\t' '
	NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } { print $c["rss_anon_bytes"] }'; }

# At 1 Hz a tick within so short a life is rare: what is there is the last sample. A sampler that gets
# no processor within the millisecond is not waited for, so some tries may be needed.
tells_last() {
	for _ in {1..20}; do
		run mstat -q -freq 1 -o run.mstat -- "$TARGETS/guest_work" last 150 2
		[[ $(rows | tail -n 1) -lt $((2 << 20)) ]] || return 0
	done
	return 1
}
tells_nothing() {
	for _ in {1..5}; do
		run mstat -q -freq 1 -o run.mstat -- "$TARGETS/guest_work" last 10 1
		[ -n "$(rows)" ] || return 0
	done
	return 1
}
tells_last
is "a program that ends at 150 ms tells what it held last" $? 0
tells_nothing
is "one that ends at 10 ms is not kept waiting for a sample" $? 0

ok "exit() while another thread changes ids" timeout -s KILL 60 mstat -q -freq 100 -o run.mstat -- "$TARGETS/guest_allow" race
is "does not wait for the sampler that comes back" "$out" alive

ok "exit() beside a sampler that can answer" \
	mstat -q -freq 100 -o run.mstat -- "$TARGETS/guest_exit" free
free=$out
run mstat -q -freq 100 -o run.mstat -- "$TARGETS/guest_exit" held
if [ "$status" = 77 ]; then
	skip "exit() beside a sampler that cannot" "no ptrace permitted"
else
	ok "exit() beside one that cannot: $out ms, not $free ms" awk -v ms="$out" 'BEGIN { exit !(ms > 0 && ms < 500) }'
fi
