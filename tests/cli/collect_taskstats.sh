#!/bin/bash
# SPDX-License-Identifier: ISC
# The kernel's accounting of a process, beside what the process itself was told.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

# compare DESC FILE COLUMN FROM: the last row of collect_work that has the column from a source that
# matches FROM, against its own words in $out. A sampler's own CPU time is in it.
compare() {
	local user system faults got
	read -r user system faults <<<"$out"
	# Of the process's last row: what it had when it was idle.
	got=$(mstat-decode -what samples "$2" | column comm "$3" notes |
		awk -F '\t' -v from="$4" '$1 == "collect_work" && $2 != "" && $3 ~ from { v = $2 } END { print v }')
	case $3 in
	cpu_ns) within "$1: CPU time" "$got" $((user + system)) 25 ;;
	# The kernel tells the two by looking at its ticks who is running; getrusage() corrects that.
	user_ns) within "$1: user time" "$((got + 200000000))" $((user + 200000000)) 40 ;;
	system_ns) within "$1: system time" "$((got + 200000000))" $((system + 200000000)) 40 ;;
	minor_faults) within "$1: page faults" "$got" "$faults" 10 ;;
	*) like "$1: $3" "$got" '^[0-9]+$' ;;
	esac
}

run mstat -q -freq 20 -o root.mstat -- "$TARGETS/collect_work" 400
is "it works" "$status" 0
for name in cpu_ns user_ns system_ns minor_faults elapsed_ns begin_ns hiwater_rss_bytes cpu_delay_count cpu_delay_ns; do
	compare "inside" root.mstat $name ''
done
began=$(mstat-decode -what samples root.mstat | column begin_ns | most)
start=$(summary root.mstat start_realtime_ns)
ok "it began when it was started" test $((began - start)) -gt -2000000000 -a $((began - start)) -lt 2000000000

[ "$(id -u)" = 0 ] || skip_all "only root can drop privileges"
run mstat -q -freq 20 -o nobody.mstat -- setpriv --reuid 65534 --clear-groups "$TARGETS/collect_work" 400
is "as nobody it works too" "$status" 0
samples=$(mstat-decode -what samples nobody.mstat)
is "it is known as nobody" "$(mstat-decode -what processes nobody.mstat | column comm uid)" "collect_work	65534"
for name in cpu_ns user_ns system_ns elapsed_ns begin_ns hiwater_rss_bytes cpu_delay_count; do
	compare "on behalf" nobody.mstat $name "$name@collector_taskstats"
done
like "it may not ask itself" "$(column notes <<<"$samples")" 'taskstats_pid:denied'
asked=$(column comm notes <<<"$samples" | grep -c '^collect_work.*cpu_ns@collector_taskstats_tgid')
ok "the collector asks for it ($asked times)" test "$asked" -ge 8
# But for the last row: nobody can be asked of the dead.
back=$(column comm cpu_ns notes <<<"$samples" | awk -F '\t' '$1 == "collect_work" && $3 ~ /cpu_ns@coll/ { if ($2 < last) n++; last = $2 } END { print n + 0 }')
is "CPU time does not go back" "$back" 0
