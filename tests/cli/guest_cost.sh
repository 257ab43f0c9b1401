#!/bin/bash
# SPDX-License-Identifier: ISC
# What the sampler takes: memory, and the time of smaps_rollup within its two limits.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"

work=$TARGETS/guest_work
samples() { mstat-decode -what samples run.mstat; }

# Pages of a library just built are not yet written back, and count as private dirty ones.
sync "$LIB/libmstat.so" "$TARGETS/libguest_empty.so" 2>/dev/null
ok "a program with an empty preload" env LD_PRELOAD="$TARGETS/libguest_empty.so" "$work" dirty
empty=$out
ok "one with the sampler" mstat -q -freq 59 -o run.mstat -- "$work" dirty
ok "which adds no more than 128 KiB of private dirty memory: $out, not $empty" test $((out - empty)) -le 128

ok "300 MiB, walked for 1 ms at most" mstat -q -freq 59 -pss-stall 1ms -o run.mstat -- "$work" hold 300 2000
late=$(samples | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
	# Until the collector has accepted it a sampler walks nothing: not_due.
	$c["rss_bytes"] > 250e6 { stall += $c["notes"] ~ /smaps_rollup:stall/; some += $c["pss_bytes"] != "" }
	END { print (stall > 5), some + 0 }')
is "have no PSS, for the reason stall" "$late" "1 0"
ok "the same, walked for 100 ms at most" \
	mstat -q -freq 59 -pss-stall 100ms -o run.mstat -- "$work" hold 300 3000
ok "have one" test -n "$(samples | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
	$c["pss_bytes"] > 250e6')"
ok "no PSS at all" mstat -q -freq 59 -pss-budget 0% -o run.mstat -- "$work" ticks 10
is "reads none" "$(samples | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
	$c["pss_bytes"] != ""')" ""

# gaps SHARES: of the walks that followed another, how many; and how many too soon. The cost is CPU
# time, the row's time is its tick's: two ticks of room. In the first second not all may live yet.
gaps() {
	samples | awk -F'\t' -v shares="$1" 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
		$c["rollup_cost_ns"] == "" || $c["rss_bytes"] < 50e6 { next }
		{ p = $c["process"]
		  if ($c["time_ns"] < 1e9) next
		  if (p in at) { n++; early += ($c["time_ns"] - at[p] < 200 * shares * cost[p] - 20e6) }
		  at[p] = $c["time_ns"]; cost[p] = $c["rollup_cost_ns"] }
		END { print (n > 0), early + 0 }'
}
ok "64 MiB for 5 s" mstat -q -freq 100 -o run.mstat -- "$work" hold 64 5000
is "one process's walks keep to 0.25% of a CPU" "$(gaps 2)" "1 0"
ok "three of them and a shell" mstat -q -freq 100 -o run.mstat -- \
	"$BASH" -c 'for i in 1 2 3; do "$1" hold 64 6000 & done; wait' - "$work"
is "all walks together keep to 0.5%" "$(gaps 4)" "1 0"

# By its memory one of many mappings looks cheap; one walk tells, of all of them or of the first ones. What
# does not move is asked for twice a second only.
ok "20,000 mappings, walked for 2 ms at most" mstat -q -freq 59 -pss-stall 2ms -pss-budget 50% -o run.mstat -- "$work" maps 20000 2000
is "are walked for longer once at most, and then no more for the reason stall" "$(samples | awk -F'\t' '
	NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
	$c["rollup_cost_ns"] > 2e6 { dear++ } $c["notes"] ~ /smaps_rollup:stall/ { stall++ }
	END { print (dear <= 1), (stall > 5) }')" "1 1"

# share: of a CPU, in ppm, that the sampler took in the last two of three seconds
share() {
	samples | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
		$c["self_cpu_ns"] == "" || $c["time_ns"] < 1e9 { next }
		!n++ { t = $c["time_ns"]; cpu = $c["self_cpu_ns"] }
		{ ppm = ($c["self_cpu_ns"] - cpu) * 1e6 / ($c["time_ns"] - t + 1) }
		END { printf "%d", ppm }'
}
ok "1000 ticks a second, for three" mstat -q -freq 1000 -o run.mstat -- "$work" hold 8 3000
share=$(share)
# A tenth more than 2%: what it takes in one second decides about the next.
ok "take no more than 2% of a CPU: $share ppm" test "$share" -gt 1000 -a "$share" -lt 22000
is "each row says how many ticks it stands for" "$(samples | awk -F'\t' '
	NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } $c["ticks_per_sample"] < 1')" ""
