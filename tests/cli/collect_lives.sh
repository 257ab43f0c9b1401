#!/bin/bash
# SPDX-License-Identifier: ISC
# Every process has a row, however short its life, and by the kernel's word.
# vm-kernel: yes
# timeout: 300
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

processes() { mstat-decode -what processes "$1"; }

# CAP_NET_ADMIN is bit 12; the first user namespace has a fixed number (linux/proc_ns.h).
if (((0x$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status) >> 12 & 1) == 0)) ||
	[ "$(readlink /proc/self/ns/user)" != "user:[4026531837]" ]; then
	skip_all "the kernel tells of processes only who has CAP_NET_ADMIN in the first user namespace"
fi
run mstat -o lives.mstat -- "$TARGETS/static_collect_lives"
is "a static program that starts others" "$status" 0
cp out said
unlike "the kernel tells of all" "$err" 'short lives may be missing'
is "nothing was lost" "$(summary lives.mstat exit_records_lost) $(summary lives.mstat fork_events_lost)" "0 0"
processes lives.mstat | column pid exit_status ppid comm ended >rows
while read -r kind pid code; do
	is "$kind: it has a row, and its status" "$(awk -F '\t' -v p="$pid" '$1 == p { print $2, $5 }' rows)" "$code 1"
done <said
is "they are all, but for the program" "$(wc -l <rows)" $(($(wc -l <said) + 1))
pid_of() { awk -v kind="$1" '$1 == kind { print $2 }' said; }
of() { processes lives.mstat | column pid "$2" | awk -F '\t' -v p="$(pid_of "$1")" '$1 == p { print $2 }'; }
main=$(processes lives.mstat | column pid id | awk -F '\t' '$2 == 1 { print $1 }')
is "their parent is known" "$(of fork ppid) $(of vfork ppid)" "$main $main"
is "the daemon's child has the one that started it" "$(of grandchild ppid)" "$(pid_of daemon)"
is "the name of one that executed another program" "$(of exec comm)" true
within "the peak of one that lived for a moment" "$(of large hwm_bytes)" $((33 << 20)) 8
is "one that only forked has no peak of its own" "$(of vfork hwm_bytes)" ''
like "how long it lived" "$(of large elapsed_ns)" '^[1-9][0-9]{5,9}$'
like "its faults" "$(of large minor_faults)" '^[1-9][0-9]*$'
like "its CPU time" "$(of large cpu_ns)" '^[1-9][0-9]{5,9}$'
is "start and end are in order, and within the run" "$(processes lives.mstat | column start_ns end_ns |
	awk -F '\t' -v end="$(summary lives.mstat duration_ns)" '$1 > $2 || $2 > end + 1e9 { n++ } END { print n + 0 }')" 0
is "coverage adds up" "$(summary lives.mstat processes)" $(($(summary lives.mstat processes_inside) +
	$(summary lives.mstat processes_outside) + $(summary lives.mstat processes_by_exit_record)))
like "and is told" "$err" $'\n  processes  9 in all: [0-9] inside, [0-9] outside, [0-9] by exit record only; 0 exit records lost, 0 fork events'

# With samplers: the same process is not two.
run mstat -q -o many.mstat -- "$TARGETS/collect_swarm" short 100
is "100 short lives" "$status" 0
is "have 100 rows" "$(processes many.mstat | column pid | wc -l)" 101
is "have ended" "$(processes many.mstat | column ended | sort -u)" 1
is "all with a status" "$(processes many.mstat | column exit_status | sort -u)" 0
is "and times" "$(processes many.mstat | column elapsed_ns | grep -c -v '^[1-9]')" 0

# What they were called: of each exec that is seen before its end, and of forks what their parent is.
run mstat -q -preload none -o names.mstat -- sh -c 'i=0; while [ $i -lt 100 ]; do i=$((i + 1)); /bin/true $i; (:); done'
processes names.mstat | column how exe argv comm | tail -n +2 | grep '^exit record' >names
caught=$(grep -c -x -P 'exit record\t/\S*/true\t/bin/true [0-9]+\ttrue' names)
ok "arguments of short lives: $caught of 100" test "$caught" -ge 20
is "no two have the same" "$(cut -f 3 names | grep '^/bin/true' | sort | uniq -d | wc -l)" 0
is "those that nobody caught have none" "$(awk -F '\t' '$4 == "true" && $3 !~ /^\/bin\/true / && $2 $3 != ""' names | wc -l)" 0
# (On a slow machine some live long enough to be sampled from outside.)
is "a fork has its parent's" "$(processes names.mstat | column argv | grep -c -x -F "$(processes names.mstat | column argv | head -n 1)")" 101

# A pid comes back at once, before the records of its last life are read.
run mstat -q -o same.mstat -- "$TARGETS/collect_swarm" same 500
if [ "$status" = 0 ]; then
	processes same.mstat | column pid exit_status elapsed_ns start_ns end_ns | tail -n +2 >same
	is "500 lives of one pid" "$(cut -f 1 same | sort | uniq -c | awk '{ print $1 }')" 500
	is "none has another one's status" "$(awk -F '\t' '$2 != "" && $2 != 256 * ((NR - 1) % 100)' same)" ""
	# Where the CPU is short the kernel drops records, and says how many.
	lost=$(summary same.mstat exit_records_lost)
	ok "each has its own, but of $lost that were lost" test "$(awk -F '\t' '$2 == ""' same | wc -l)" -le "$lost"
	is "and time" "$(awk -F '\t' '$3 < (NR - 1) % 7 * 700000 || $3 > $5 - $4 + 5e7' same | wc -l)" 0
else
	skip "500 lives of one pid" "this kernel gives no pid that is asked for"
fi

# What others of this machine do is not in it.
"$TARGETS/collect_swarm" short 50 >/dev/null &
run mstat -q -o alone.mstat -- sh -c 'sleep 0.3 & wait'
wait
is "only the tree is recorded" "$(processes alone.mstat | column comm | sort | tr '\n' ' ')" "sh sleep "

# The largest at the peak, and the kernel's verdict on those that were too large.
# (On a busy machine the sampler may have had no CPU at the very tick of the peak.)
for _ in 1 2 3; do
	rm -f ready1 ready2
	touch go
	run mstat -o held.mstat -freq 50 -- sh -c '"$0" 60 0 0 ready1 go & "$0" 20 0 0 ready2 go &
		while ! [ -e ready1 ] || ! [ -e ready2 ]; do sleep 0.02; done; sleep 0.5; rm go; wait' "$TARGETS/collect_hold"
	mstat-decode -what peak held.mstat >held.tsv
	[ "$(column rss_anon_bytes <held.tsv | head -n 1)" -lt $((60 << 20)) ] || break
done
within "the largest holder" "$(column rss_anon_bytes <held.tsv | head -n 1)" $((60 << 20)) 5
within "the second" "$(column rss_anon_bytes <held.tsv | sed -n 2p)" $((20 << 20)) 5
like "with its PSS" "$(column pss_bytes pss_age_ns <held.tsv | head -n 1)" $'^[1-9][0-9]+\t[0-9]+$'
like "the summary says so" "$err" $'\n  held by    collect_hold\[[0-9]+\]: 60\.[0-9] MiB anon, '
like "as a table of JSON" "$(mstat-decode -what peak -format jsonl held.mstat | head -n 1)" '"comm":"collect_hold"'
gap=$(($(summary held.mstat peak_exact_bytes) - $(summary held.mstat peak_sampled_bytes)))
is "the gap of the peaks" "$(summary held.mstat peak_gap_bytes)" "$gap"
[ -n "$(summary held.mstat peak_exact_bytes)" ] || exit 0
run mstat -o oom.mstat -freq 50 -memory-max 40M -memory-swap-max 0 -- sh -c '"$0" 500 700 0; echo "$?"' "$TARGETS/collect_hold"
is "one that is too large is killed" "$out" 137
is "which is counted" "$(summary oom.mstat oom_kills)" 1
like "and told: how many, and the limit" "$err" $'\n  OOM kill   1 by the kernel; the run\'s limit is 40\.0 MiB\n'
like "whom, and when" "$err" $'\n             collect_hold\[[0-9]+\] at [0-9.]+ s(, last seen with [0-9.]+ [KM]iB RSS)?\n'
