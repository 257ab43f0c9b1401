#!/bin/bash
# SPDX-License-Identifier: ISC
# No collector, a dead, a stopped, a foreign one: the program does not notice. What a killed program
# had sampled is not lost.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

work=$TARGETS/guest_work
sum() { mstat-decode -what summary run.mstat | awk -F'\t' -v name="$1" '$1 == name { print $2 }'; }
processes() { mstat-decode -what processes run.mstat | awk -F'\t' -v name="$1" '
	NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } { print $c[name] }'; }
# alone SOCKET CMD...: with the preload, without mstat
alone() { env LD_PRELOAD="$LIB/libmstat.so" MSTAT_FREQ=100 MSTAT_SOCKET="$1" "${@:2}"; }

ok "no collector was ever there" alone "$TMP/nowhere" "$work" none
is "no sampler stays, nothing is said" "$out$err" "threads 1"
ok "MSTAT_DEBUG" alone "$TMP/nowhere" env MSTAT_DEBUG=1 "$work" none
like "says why" "$err" '^mstat: no sampler: cannot reach the collector, errno [0-9]+'
ok "a socket's name that is too long" alone "$(printf '%0200d' 1)" "$work" none
is "no sampler" "$out$err" "threads 1"

# ---- a listener that is not a collector ----------------------------------------------------------

start "$TARGETS/guest_listen" socket 0 128
wait_for 20 test -e listening
ok "a collector that never reads" alone "$TMP/socket" "$work" ticks 60
ok "each exit is as quick" alone "$TMP/socket" "$work" none
touch go
wait "$started"
like "what it finds later: whole messages, no more than two drains' worth" \
	"$(<started.out)" '^2 connections, [0-9]{2} messages, [0-9]+ bytes, 0 odd$'
rm -f go listening socket
start "$TARGETS/guest_listen" socket 0 0
wait_for 20 test -e listening
for _ in 1 2 3; do
	ok "more programs than it can hear" alone "$TMP/socket" "$work" ticks 5
done
touch go
wait "$started"
like "are not heard, and do not wait for it" "$(<started.out)" '^1 connections'
rm -f go listening socket
if [ "$(id -u)" = 0 ]; then
	start "$TARGETS/guest_listen" socket 65534 128
	wait_for 20 test -e listening
	ok "a listener of another user" alone "$TMP/socket" env MSTAT_DEBUG=1 "$work" none
	is "is refused" "$out $err" "threads 1 mstat: no sampler: cannot reach the collector, errno 1"
	touch go
	wait "$started"
	like "and told nothing" "$(<started.out)" '^[0-9]+ connections, 0 messages'
	rm -f go
else
	skip "a listener of another user" "not root"
fi

# ---- a collector that is stopped -----------------------------------------------------------------

# slept PID TIMES: its sampler has seen so many ticks
slept() {
	[ "$(sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' "/proc/$1/task/"*"/status" | tail -n 1)" -ge "$2" ]
}
start mstat -q -freq 100 -o run.mstat -- "$work" wait 5 120
wait_for 20 test -e ready
kill -STOP "$started"
program=$(pgrep -P "$started")
ok "the sampler goes on while mstat is stopped" wait_for 20 slept "$program" 60
kill -CONT "$started"
touch go
wait "$started"
is "the program's exit status is its own" $? 0
ok "samples were dropped" test "$(sum samples_dropped)" -ge 1
ok "none came broken" test "$(sum peers_refused)" = 0
rm -f go ready

start mstat -q -freq 100 -o run.mstat -- "$work" wait 5 10000
wait_for 20 test -e ready
program=$(pgrep -P "$started")
kill -KILL "$started"
wait "$started" 2>/dev/null
ok "the program lives on when mstat was killed" kill -0 "$program"
ok "its sampler does not" wait_for 20 test ! -e "/proc/$program/task/$((program + 1))"
touch go
kill -KILL "$program"
rm -f go ready

# ---- kill -9 -------------------------------------------------------------------------------------

start mstat -q -freq 100 -o run.mstat -- "$work" kill 8
wait_for 20 test -e ready
program=$(pgrep -P "$started")
kill -STOP "$started"
before=$(sum samples 2>/dev/null)
touch go
ok "a program is killed while nobody reads" wait_for 20 grep -q '^State:.Z' "/proc/$program/status"
kill -CONT "$started"
wait "$started"
is "its exit status" $? 137
ok "all that it had sampled is there ($(sum samples), ${before:-0} before)" test "$(sum samples)" -ge 9
is "and who it was" "$(processes argv)" "$work kill 8"
rm -f go ready

# ---- what the program is limited in --------------------------------------------------------------

odd=0 seen=''
for kib in {2600..4600..80}; do
	run alone "$TMP/nowhere" prlimit --as=$((kib * 1024)) "$work" none 5
	[[ $out$status =~ ^(threads [012]0|127)$ ]] || odd=$((odd + 1)) seen+=" $kib: $status $out $err"
done
is "a program with little address space runs or is not loaded at all" "$odd$seen" 0
if [ "$(id -u)" = 0 ]; then
	chmod 711 .
	mkdir -m 711 lib && cp "$LIB/libmstat.so" "$work" lib
	# A user that has no other process.
	ok "a program that may have no second thread" env LD_PRELOAD="$TMP/lib/libmstat.so" MSTAT_DEBUG=1 \
		MSTAT_SOCKET="$TMP/nowhere" setpriv --reuid=54321 --clear-groups prlimit --nproc=1 lib/guest_work none
	is "has none" "$out" "threads 1"
	like "and can be made to say why" "$err" 'no sampler: no thread or memory for it, errno 11'
else
	skip "a program that may have no second thread" "not root"
fi
