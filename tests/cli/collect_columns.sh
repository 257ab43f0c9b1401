#!/bin/bash
# SPDX-License-Identifier: ISC
# What stands in the columns, and how they add up.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

# ---- a file that is read, memory that is shared, and the cgroup's own files beside the rows ------

head -c 50M /dev/zero >cached
touch go
# shellcheck disable=SC2016 # expanded by the inner shell
start mstat -v -freq 59 -pss-stall 100ms -pss-budget 20% -o run.mstat -- sh -c 'dd if=cached of=copy bs=1M status=none; exec "$@"' sh \
	"$TARGETS/collect_hold" 100 0 4 "$TMP/ready" "$TMP/go"
mstat=$started
wait_for 20 has_cgroup "$TMP/started.err" || skip_all "no cgroup: $(tail -n 1 "$TMP/started.err")"
cgroup=$(cgroup_of "$TMP/started.err")
ok "parent and children are there" wait_for 30 test -e ready
# How much is shared by how many is known when a PSS of each was read after the last fork. The last
# such value of a column:
ready_ns=$(awk '{ printf "%.0f\n", $1 * 1e9 }' /proc/uptime)
row() {
	mstat-decode run.mstat 2>/dev/null | column time pss_age_ns processes sum_pss_bytes "$1" | awk -F '\t' \
		-v since="$((ready_ns - $(summary run.mstat start_monotonic_ns)))" -v until="${rest_ns:-Inf}" \
		'$3 == 5 && $4 != "" && $5 != "" && $1 - $2 >= since && $1 < until + 0 { v = $5 } END { print v }'
}
is_known() { [ -n "$(row anon_bytes)" ]; }
ok "a PSS of each is read at rest" wait_for 60 is_known
if [ -e "$cgroup/memory.usage_in_bytes" ]; then
	usage=$(<"$cgroup/memory.usage_in_bytes") kernel=$(<"$cgroup/memory.kmem.usage_in_bytes")
	anon=$(awk '$1 == "total_rss" { print $2 }' "$cgroup/memory.stat")
	file=$(awk '$1 == "total_cache" { print $2 }' "$cgroup/memory.stat")
else
	usage=$(<"$cgroup/memory.current")
	kernel=$(awk '$1 == "kernel" { print $2 }' "$cgroup/memory.stat")
	anon=$(awk '$1 == "anon" { print $2 }' "$cgroup/memory.stat")
	file=$(awk '$1 == "file" { print $2 }' "$cgroup/memory.stat")
fi
pids=$(wc -w <"$cgroup/cgroup.procs")
rest_ns=$(($(awk '{ printf "%.0f\n", $1 * 1e9 }' /proc/uptime) - $(summary run.mstat start_monotonic_ns)))
rm go
wait "$mstat"
is "the run's status" $? 0

mstat-decode run.mstat >ticks.tsv
mstat-decode -what samples run.mstat >samples.tsv
is "all five were counted" "$(column processes <ticks.tsv | most)" "$pids"
within "rss is the cgroup's usage" "$(row rss)" "$usage" 1
within "kernel is the kernel's own" "$(row kernel)" "$kernel" 10
within "anon_bytes is anonymous memory" "$(row anon_bytes)" "$anon" 1
within "file_bytes is the page cache, the copy's too" "$(row file_bytes)" "$file" 1
ok "which is more than the copied file" test "$(row file_bytes)" -ge $((50 << 20))
within "memory that five share counts once" "$(row sum_pss_anon_bytes)" "$(row anon_bytes)" 1
ok "where RSS counts it five times" test "$(row sum_rss_bytes)" -gt $((500 << 20))
within "so little is unattributed" "$((100000000 + $(row unattributed_anon_bytes)))" 100000000 1
within "nor shared memory" "$((100000000 + $(row unattributed_shmem_bytes)))" 100000000 1
is "the balance is exact" "$(row residual_bytes)" \
	"$(($(row rss) - $(row anon_bytes) - $(row file_bytes) - $(row kernel)))"
within "and leaves nearly nothing" "$((100000000 + $(row residual_bytes)))" 100000000 2
ok "no PSS is older than a second" test "$(column pss_age_ns <ticks.tsv | most)" -le 1000000000

# ---- ticks --------------------------------------------------------------------------------------

start_ns=$(summary run.mstat start_monotonic_ns)
# shellcheck disable=SC2016 # awk's
exact='{ k = int(($1 + start) * 59 / 1e9 + 0.5); want = sprintf("%.0f", int(k * 1e9 / 59)) - start
	if ($1 - want > 1 || want - $1 > 1) bad++
	if (NR > 1 && $1 <= last) bad++; last = $1 } END { print bad + 0 }'
is "ticks are floor(k * 1e9 / freq), ascending" "$(column time <ticks.tsv | awk -v start="$start_ns" "$exact")" 0
mixed=$(column time_ns <samples.tsv | sort -un | comm -23 <(column time_ns <samples.tsv | sort -u) <(column time <ticks.tsv | sort -u) | wc -l)
# A sampler's last one, and one at which the collector did not get the CPU, may be of other ticks.
ok "processes are sampled on the same ticks as the tree ($mixed are not)" \
	test "$mixed" -le "$(($(wc -l <ticks.tsv) / 20 + 6 + $(summary run.mstat missed_ticks)))"
is "the five have rows at one tick" \
	"$(column time_ns pid <samples.tsv | uniq | cut -f 1 | uniq -c | awk '{ print $1 }' | most)" 5

# ---- -o NAME.tsv is the same table ---------------------------------------------------------------

run mstat -freq 59 -o table.tsv -- "$TARGETS/collect_hold" 20 300 0
is "a run into a table" "$status" 0
unlike "has lasted" "$err" 'after 0\.000 s'
is "has the decoder's columns in its order" "$(head -n 1 table.tsv)" "$(head -n 1 ticks.tsv)"
ok "and rows" test "$(wc -l <table.tsv)" -gt 10
is "each of as many cells" "$(awk -F '\t' '{ print NF }' table.tsv | sort -u | wc -l)" 1
ok "of increasing time" sort -c -n -k 1,1 <(tail -n +2 table.tsv)

# ---- what is not known ---------------------------------------------------------------------------

run mstat -q -freq 59 -pss-budget 0% -o null.mstat -- "$TARGETS/collect_hold" 20 300 0
# (The first tick may be before the sampler, and then the sum of no process is 0.)
is "without PSS there is no sum of it" \
	"$(mstat-decode null.mstat | column processes sum_pss_bytes | grep -v '^0' | sort -u)" $'1\t'
like "but the reason why" "$(mstat-decode null.mstat | column processes notes | grep '^1' | tail -n 1)" 'tree_pss:stale'
like "and of each process" "$(mstat-decode -what samples null.mstat | column notes | tail -n 1)" 'smaps_rollup:not_due'
ok "the rest is there" test "$(mstat-decode null.mstat | column sum_rss_bytes | most)" -gt $((20 << 20))

# ---- frequencies ---------------------------------------------------------------------------------

run mstat -q -freq 1000 -o fast.mstat -- "$TARGETS/collect_hold" 20 1000 0
rows=$(($(mstat-decode fast.mstat | wc -l) - 1))
is "at 1000 Hz each tick was taken or missed" \
	"$(($(summary fast.mstat ticks)))" "$rows"
ok "rows and missed ones are a second's" test $((rows + $(summary fast.mstat missed_ticks))) -ge 990
ok "no connection was lost" test "$(summary fast.mstat peers_refused)" = 0
is "each sample has a row" "$(($(mstat-decode -what samples fast.mstat | wc -l) - 1))" "$(summary fast.mstat samples)"
run mstat -q -freq 1 -o slow.mstat -- "$TARGETS/collect_hold" 20 2500 0
like "at 1 Hz there are two or three" "$(summary slow.mstat ticks)" '^[23]$'
is "and one process" "$(summary slow.mstat processes)" 1
like "which was sampled" "$(summary slow.mstat samples)" '^[234]$'
