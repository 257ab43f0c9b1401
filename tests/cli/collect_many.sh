#!/bin/bash
# SPDX-License-Identifier: ISC
# Many processes: at once, and one after the other, with many descriptors and with few.
# timeout: 240
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

n=5000
[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -gt 12000 ] || n=1000
[ "$(ulimit -u)" = unlimited ] || [ "$(ulimit -u)" -gt 12000 ] || n=500
run limited "many-$$" 3G mstat -q -freq 1 -o many.mstat -- "$TARGETS/collect_swarm" live $n 2500
is "$n processes at once" "$out $status" "$n 0"
is "are all known" "$(summary many.mstat processes)" $((n + 1))
is "none refused" "$(summary many.mstat peers_refused)" 0
is "at one tick all were there" "$(mstat-decode many.mstat | column processes | most)" $((n + 1))
is "all have ended" "$(mstat-decode -what processes many.mstat | column ended | sort | uniq -c | tr -s ' ')" " $((n + 1)) 1"
samples=$(mstat-decode -what samples many.mstat | column pid | sort -u | wc -l)
ok "nearly all were sampled ($samples)" test "$samples" -ge $((n * 99 / 100))

n=5000
run limited "short-$$" 1G mstat -q -o short.mstat -- sh -c '
	for _ in 1 2 3 4; do "$0" short "$1" & done; wait' "$TARGETS/collect_swarm" $((n / 4))
is "$n short lives, from four sides" "$(tr '\n' ' ' <<<"$out")$status" "$((n / 4)) $((n / 4)) $((n / 4)) $((n / 4)) 0"
if [ -n "$(summary short.mstat exit_records_lost)" ] && [ -n "$(summary short.mstat fork_events_lost)" ]; then
	is "each has a row ($(summary short.mstat duration_ns) ns)" "$(summary short.mstat processes)" $((n + 5))
	is "and its end" "$(mstat-decode -what processes short.mstat | column exit_status | sort | uniq -c | tr -s ' ')" " $((n + 5)) 0"
	is "nothing is lost" "$(summary short.mstat exit_records_lost) $(summary short.mstat fork_events_lost)" "0 0"
else
	skip "each has a row" "the kernel does not tell of processes here"
fi
is "none was refused" "$(summary short.mstat peers_refused)" 0
known=$(summary short.mstat processes)
heard=$(($(summary short.mstat processes_inside) + $(summary short.mstat processes_outside)))
is "each that was heard of began and ended" \
	"$(mstat-decode -what events short.mstat | column kind | grep -x -e start -e end | sort | uniq -c | tr -s ' ')" " $heard end
 $heard start"
is "no two are one" "$(mstat-decode -what processes short.mstat | column pid start_ns | sort -u | wc -l)" "$known"

# 64 descriptors for 200 processes: the others wait, and nobody burns the CPU.
run bash -c 'ulimit -n 64; exec "$@"' sh mstat -q -freq 20 -o few.mstat -- "$TARGETS/collect_swarm" live 200 1500
is "with few descriptors the program runs as ever" "$out $status" "200 0"
like "that connections wait is told" "$(mstat-decode -what events few.mstat)" 'note.*connections wait'
is "they are taken in when there is room" "$(summary few.mstat processes)" 201
cpu=$(summary few.mstat collector_cpu_ns) duration=$(summary few.mstat duration_ns)
ok "without burning the CPU ($cpu of $duration ns)" test "$cpu" -lt $((duration / 3))
