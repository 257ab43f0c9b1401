#!/bin/bash
# SPDX-License-Identifier: ISC
# Processes without a sampler: sampled from outside, and told so.
# vm-kernel: yes
# timeout: 300
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

hold=$TARGETS/collect_hold
processes() { mstat-decode -what processes "$1"; }
samples() { mstat-decode -what samples "$1"; }
# how FILE COMM: how the processes of that name were measured
how() { processes "$1" | column comm how | awk -F '\t' -v comm="$2" '$1 == comm { print $2 }' | sort -u; }
# rows FILE COMM: how many samples there are of it
rows() { samples "$1" | column comm | grep -c -x "$2"; }

# A scrubbed environment, beside one that has a sampler.
run mstat -q -freq 50 -pss-budget 50% -pss-stall 100ms -o scrubbed.mstat -- sh -c '"$0" 5 1500 0 & env -i "$0" 30 1500 0; wait' "$hold"
is "a program without our environment runs" "$status" 0
is "one is sampled inside, one outside" "$(how scrubbed.mstat collect_hold)" "inside
outside, LD_PRELOAD is not in its environment"
ok "it has a row on most ticks ($(rows scrubbed.mstat collect_hold) of both)" \
	test "$(rows scrubbed.mstat collect_hold)" -ge 40
# (Where it is slow, the shell may have been, too.)
outside=$(processes scrubbed.mstat | column how comm id | awk -F '\t' '$1 ~ /^outside/ && $2 == "collect_hold" { print $3 }')
field() { samples scrubbed.mstat | column process "$1" | awk -F '\t' -v p="$outside" '$1 == p { print $2 }' | most; }
within "RSS" "$(field rss_anon_bytes)" $((30 << 20)) 5
within "PSS" "$(field pss_anon_bytes)" $((30 << 20)) 5
ok "CPU time" test "$(field cpu_ns)" -gt 0
ok "faults" test "$(field minor_faults)" -gt 100
# twice FILE: at how many ticks a process has two rows; an inside one's last sample may be such
twice() { samples "$1" | column process tick | sort | uniq -d | wc -l; }
ok "no two rows at one tick" test "$(twice scrubbed.mstat)" -le 1
ok "the tree's row counts it" test "$(mstat-decode scrubbed.mstat | column processes_outside | most)" -ge 1
sum=$(mstat-decode scrubbed.mstat | column sum_rss_anon_bytes | most)
ok "the sum of RSS has both: $sum" test "$sum" -gt $((34 << 20))

# Nobody has a sampler.
run mstat -q -freq 50 -preload none -o none.mstat -- sh -c '"$0" 20 1500 0; exit 3' "$hold"
is "-preload none" "$status" 3
is "all are outside" "$(summary none.mstat processes_inside) $(summary none.mstat processes_outside)" "0 2"
ok "and sampled" test "$(rows none.mstat collect_hold)" -ge 10

# A static program, and one that it becomes.
run mstat -q -freq 50 -o static.mstat -- "$TARGETS/static_collect_wait" 2000 "$hold" 5 2000 0
is "a static program that executes another" "$status" 0
is "is one process, in the end inside" "$(processes static.mstat | column comm how)" $'collect_hold\tinside'
ok "and was sampled before" test "$(rows static.mstat static_collect_)" -ge 10
ok "and after" test "$(rows static.mstat collect_hold)" -ge 10
ok "never twice at a tick" test "$(twice static.mstat)" -le 1

# One that becomes another program, which ends before it is looked at.
run mstat -q -freq 50 -preload none -o brief.mstat -- sh -c '"$0" 500 "$0" 90 /bin/true; sleep 0.6; :' \
	"$TARGETS/static_collect_wait"
is "a program of a moment" "$status" 0
# On a slow machine the very last ticks may find the shell alone: of the last 0.2 s.
is "is not summed up any more when it is gone" "$(mstat-decode brief.mstat | column processes | tail -n 10 | most)" 2

# What is sampled after an exec is the new program's, also where that is not told yet.
run mstat -q -preload none -freq 100 -o after.mstat -- "$TARGETS/static_collect_wait" 350 "$hold" 40 2000 0
is "a program after another" "$status" 0
ok "and sampled as itself" test "$(rows after.mstat collect_hold)" -ge 10
is "the large one's samples are not the small one's" "$(samples after.mstat | column comm rss_bytes |
	awk -F '\t' '$1 ~ /^static/ && $2 > 10e6 { n++ } END { print n + 0 }')" 0

# Limits of smaps_rollup hold outside, too.
run mstat -q -freq 50 -preload none -pss-budget 0% -o nopss.mstat -- "$hold" 5 500 0
is "no budget: no PSS" "$(samples nopss.mstat | column pss_bytes | sort -u)" ''

# One that somebody else puts into the cgroup.
touch go
start mstat -v -freq 20 -o moved.mstat -- "$hold" 5 0 0 "$TMP/ready" "$TMP/go"
mstat=$started
ok "a run" wait_for 20 test -e ready
dir=$(cgroup_of "$TMP/started.err")
if [ -n "$dir" ] && [ "$(id -u)" = 0 ]; then
	"$hold" 12 0 0 "$TMP/there" "$TMP/go" >stranger &
	stranger=$!
	ok "a process of somebody else" wait_for 20 test -e there
	echo $stranger >"$dir/cgroup.procs"
	ok "is found in the cgroup" wait_for 20 sh -c 'mstat-decode -what samples moved.mstat 2>/dev/null | cut -f 5 | grep -q -x '$stranger
	rm go
	wait $stranger "$mstat"
	like "and is told as outside" "$(processes moved.mstat | column pid how)" $stranger$'\toutside'
else
	rm go
	wait "$mstat"
	skip "a process that is moved into the cgroup" "no cgroup, or not root"
fi
