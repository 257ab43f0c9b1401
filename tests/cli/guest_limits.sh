#!/bin/bash
# SPDX-License-Identifier: ISC
# Limits, locked memory, scheduling: what the program may have is the same, and where a sampler cannot
# be, there is silently none. What the sampler takes of the program's CPU time is little, and told.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

# The test's own inherited descriptors would take the few numbers that a program may have here.
for fd in {3..255}; do eval "exec $fd>&-"; done
limits=$TARGETS/guest_limits
sampled() { timeout 60 mstat -q -freq 100 -o run.mstat -- "$@"; }
column() { mstat-decode -what "$1" run.mstat | awk -F'\t' -v name="$2" '
	NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } $c[name] != "" { print $c[name] }'; }

# ---- low limits at the start ---------------------------------------------------------------------

# same DESC CMD...: with and without mstat: status, output, and nothing said
same() {
	local desc=$1 want
	shift
	run "$@"
	want="$status $out $err"
	run sampled "$@"
	is "$desc: the program is unaffected" "$status $out $err" "$want"
	like "$desc: and runs" "$status $out" '^0 .*opens'
}
for limit in nofile=4 nofile=5 nofile=6 nofile=8 nofile=12 stack=65536 stack=unlimited fsize=100000 cpu=1 data=500000 \
	core=0 memlock=0 sigpending=0 rttime=1000; do
	same "$limit" prlimit --$limit "$limits" look
done
if [ "$(id -u)" = 0 ]; then
	# A user that has no other process, and cannot go beyond a limit as root can.
	chmod 711 .
	mkdir -m 711 lib && cp "$limits" lib
	cp "$LIB/libmstat.so" lib && sampled() {
		timeout 60 mstat -q -freq 100 -preload "$TMP/lib/libmstat.so" -o run.mstat -- "$@"
	}
	for limit in nproc=1 nproc=2 nofile=4 memlock=0 sigpending=0 data=500000; do
		same "a user's $limit" setpriv --reuid=54321 --clear-groups prlimit --$limit lib/guest_limits look
	done
else
	skip "a user's limits" "not root"
fi
ok "the lowest limits, set while the sampler is there" sampled "$limits" set
is "the program lives on in each" "$out" "AS 3
DATA 3
STACK 3
FSIZE 3
NOFILE 3
NPROC 3
MEMLOCK 3
CORE 3
SIGPENDING 3"
ok "no file may grow beyond 5000 bytes" sampled "$limits" file
is "the signal is for the program's own writing" "$out" "5000 bytes, 1 signals"

# ---- CPU time ------------------------------------------------------------------------------------

ok "a program that sleeps" timeout 60 mstat -q -freq 59 -o run.mstat -- "$limits" idle 2000
read -r charged profiled <<<"$out"
told=$(($(column samples self_cpu_ns | tail -n 1) / 1000))
is "is sent no SIGPROF" "$profiled" 0
ok "the sampler takes less than 2% of a CPU ($told us in 2 s)" test "$told" -gt 0 -a "$told" -lt 40000
# What is not told: its start, and what comes after the last sample; and the program's own.
ok "what is charged to the program ($charged us) is told but for 5 ms" test $((charged - told)) -lt 5000
ok "one that may have a second of CPU time" timeout 60 mstat -q -freq 59 -o run.mstat -- "$limits" cpu
# The kernel looks at it on its own ticks: without a sampler 952 to 997 ms were seen, and with one on
# busy processors 847.
ok "has most of it for itself ($out ms)" test "$out" -ge 750

# ---- locked memory, processors, scheduling -------------------------------------------------------

run sampled "$limits" lock
if [[ $out == "mlockall 0 map 1"* ]]; then
	is "all memory locked, now and later: threads, children and changes of ids are as ever" "$status $out" \
		"0 mlockall 0 map 1 thread 0 ids 0 child 3"
else
	skip "all memory locked" "not permitted"
fi
run mstat -q -freq 20 -o run.mstat -- "$limits" locked
if [ "$status" = 77 ]; then
	skip "a sampler whose memory cannot be given back" "not permitted"
else
	is "all memory locked, and ids changed" "$status" 0
	is "the next sampler does not take the CPU time of the one before for its own, and leave out ticks" \
		"$(column samples ticks_per_sample | sort -u)" 1
fi
if [ "$(id -u)" = 0 ]; then
	ok "a user's, of which there is then no more to be had" sampled \
		setpriv --reuid=54321 --clear-groups prlimit --memlock=6000000 lib/guest_limits lock
	is "ids and children, which need none, are as ever" "$out" "mlockall 0 map 0 ids 0 child 3"
fi
one=$(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')
ok "a program on one processor" sampled taskset -c "$one" "$limits" affinity
is "has its sampler on the same" "$out" "1, the sampler the same"
run "$limits" deadline true
if [ "$status" = 0 ]; then
	run "$limits" deadline "$limits" look
	want=$out
	ok "a program under SCHED_DEADLINE" sampled "$limits" deadline "$limits" look
	is "is unaffected" "$out" "$want"
	ok "it has no sampler" sampled "$limits" deadline "$TARGETS/guest_work" none
	is "for it can have no second thread" "$out" "threads 1"
	ok "one whose children are ordinary" sampled "$limits" reset "$TARGETS/guest_work" none
	is "has one" "$out" "threads 2"
	ok "a program that puts itself under SCHED_DEADLINE" sampled "$limits" becomes
	is "goes on when its sampler cannot come back" "$out" "program 6 sampler 0 ids 0 fork 11"
else
	skip "SCHED_DEADLINE" "not permitted"
fi

# ---- what shuts a process off --------------------------------------------------------------------

run "$limits" closed "$limits" look
want=$out
ok "a program without new privileges" sampled "$limits" closed "$limits" look
is "is unaffected" "$out" "$want"
like "it has none" "$out" 'no_new_privs 1'
ok "another" sampled "$limits" closed "$TARGETS/guest_work" ticks 10
ok "is sampled" test "$(column samples comm | grep -c guest_work)" -ge 5
ok "a program that makes itself not dumpable" sampled "$limits" dumpable
is "remains so" "$out" "dumpable 1 then 0 then 0"
ok "and is sampled" test "$(column samples rss_bytes | wc -l)" -ge 20
if [ "$(id -u)" = 0 ]; then
	ok "a user's" sampled setpriv --reuid=54321 --clear-groups lib/guest_limits dumpable
	is "remains so, too" "$out" "dumpable 1 then 0 then 0"
	ok "and is sampled" test "$(column samples rss_bytes | wc -l)" -ge 20
fi
