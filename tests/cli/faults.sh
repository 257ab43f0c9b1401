#!/bin/bash
# SPDX-License-Identifier: ISC
# What may befall a run from outside: stops, freezes, a container's first process, steps of the clock.
# vm-v2: yes
# timeout: 300
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

hold=$TARGETS/collect_hold
events() { mstat-decode -what events "$1"; }
rows() { mstat-decode "$1" | column time | wc -l; }
# ascending FILE: how many rows of the timeline are not later than the one before
ascending() { mstat-decode "$1" | column time | awk 'NR > 1 && $1 <= last { n++ } { last = $1 } END { print n + 0 }'; }
# program: the program's pid, in mstat's
program() { pgrep -P "$mstat" | head -n 1; }
begin() {
	rm -f ready
	touch go
	start mstat -v -freq 50 -o "$1" -- "$hold" 5 0 0 "$TMP/ready" "$TMP/go"
	mstat=$started
	ok "$1: a run" wait_for 30 test -e ready
}
finish() {
	rm -f go
	wait "$mstat"
	is "$1: ends as ever" $? 0
	is "$1: the timeline is in order" "$(ascending "$1")" 0
	is "$1: nothing was refused" "$(summary "$1" peers_refused)" 0
	ok "$1: the file is whole" mstat-decode "$1"
}
passed() { [ "$(date +%s%N)" -ge $(($1 + $2)) ]; }

# Everything is stopped for more than a second.
begin stopped.mstat
kill -STOP "$mstat" "$(program)"
since=$(date +%s%N)
wait_for 20 passed "$since" 1500000000
kill -CONT "$mstat" "$(program)"
wait_for 20 passed "$since" 2500000000
finish stopped.mstat
like "a stop is told as a gap" "$(events stopped.mstat)" $'\tgap\t.*mstat did not run'
missed=$(summary stopped.mstat missed_ticks)
ok "its ticks are missed ($missed), and not made up" test "$missed" -ge 50
ok "and with the others they are all" test $((missed + $(rows stopped.mstat))) -le \
	$(($(summary stopped.mstat duration_ns) * 50 / 1000000000 + 2))

# The run's cgroup is frozen for a second, from outside.
begin frozen.mstat
dir=$(cgroup_of "$TMP/started.err")
freeze=''
# On v1 it has a twin in the v2 hierarchy.
for f in "$dir/cgroup.freeze" "$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -n 1)$(
	sed -n 's/^0:://p' "/proc/$(program)/cgroup")/cgroup.freeze"; do
	[ -w "$f" ] && freeze=$f
done
# Until its sampler is heard it is sampled from outside, which goes on while it is frozen.
is_inside() { mstat-decode -what processes frozen.mstat 2>/dev/null | column how | grep -q inside; }
if [ -n "$freeze" ]; then
	ok "its sampler is heard" wait_for 20 is_inside
	echo 1 >"$freeze"
	since=$(date +%s%N)
	wait_for 20 passed "$since" 1200000000
	echo 0 >"$freeze"
	wait_for 20 passed "$since" 2000000000
	finish frozen.mstat
	ok "the cgroup's totals go on" test "$(rows frozen.mstat)" -ge 50
	gap=$(mstat-decode -what samples frozen.mstat | column time_ns | awk 'NR > 1 && $1 - last > max { max = $1 - last } { last = $1 } END { printf "%.0f", max }')
	ok "the frozen process has no samples meanwhile ($gap ns)" test "$gap" -ge 1000000000
else
	finish frozen.mstat
	skip "a frozen cgroup" "no cgroup.freeze here"
fi

# The first process of a container: it has the orphans of all.
if unshare -pf --mount-proc true 2>/dev/null; then
	run unshare -pf --mount-proc "$(command -v mstat)" -freq 50 -o first.mstat -- \
		sh -c '(setsid sh -c "sleep 0.2; exit 3" &) ; "$0" 20 600 0; exit 4' "$hold"
	said=$err
	is "as process 1 mstat ends as its program" "$status" 4
	ok "the file is whole" mstat-decode first.mstat
	like "the program is there" "$(mstat-decode -what processes first.mstat | column comm)" collect_hold
	like "and told to be sampled" "$said" $'\n  samples    [1-9]'
	like "that short lives may be missing is said" "$said" 'short lives may be missing: '
else
	skip "the first process of a container" "no pid namespace is permitted"
fi

# The wall clock is set back, where it is nobody's.
if grep -q -s '^Hypervisor\|QEMU' /sys/class/dmi/id/sys_vendor && [ "$(id -u)" = 0 ]; then
	begin clock.mstat
	since=$(date +%s)
	date -s "@$((since - 86400))" >/dev/null
	sleep 0.5
	date -s "@$((since + 1))" >/dev/null
	finish clock.mstat
	ok "a step of the wall clock is none of the timeline's" \
		test "$(summary clock.mstat duration_ns)" -lt 60000000000
else
	skip "a step of the wall clock" "this machine's clock is not ours to set"
fi

# Out of memory, at every place where mstat asks for some.
for n in $(seq 1 40) 60 80 100 150 200 400; do
	run env FAULTS_AT="$n" LD_PRELOAD="$TARGETS/libfaults_memory.so" "$BIN/mstat" -q -preload none -freq 50 -o "oom.mstat" -- \
		env -u LD_PRELOAD sh -c 'exit 7'
	case $status in
	7 | 125) ;;
	*) bad="$bad $n:$status" ;;
	esac
done
is "without memory mstat neither crashes nor hangs" "${bad-}" ''
