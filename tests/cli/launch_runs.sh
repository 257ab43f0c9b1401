#!/bin/bash
# SPDX-License-Identifier: ISC
# -runs: the same program several times, each with a record of its own; what ends the series; signals.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

ran() { test "$(wc -l <ran 2>/dev/null)" = "$1"; }
shown() { grep -qx "$1" started.out; }

ok "three runs" mstat -runs 3 -freq 50 -o run.mstat -- sh -c 'echo >>ran; exec "$@"' - "$TARGETS/collect_hold" 20 100 0
is "... so often it ran" "$(wc -l <ran)" 3
is "... a record each" "$(ls run*)" $'run-1.mstat\nrun-2.mstat\nrun-3.mstat'
is "... of as many cgroups" "$(for i in 1 2 3; do summary run-$i.mstat pid; done | sort -u | wc -l)" 3
is "... with a summary each" "$(grep -c '^mstat: sh: exit status 0' <<<"$err")" 3
like "... and one of all as the last line" "$(tail -n 1 <<<"$err")" \
	'^mstat: 3 runs: peak [0-9.]+ MiB in the median, [0-9.]+ MiB to [0-9.]+ MiB, (by the kernel, exact|sampled)$'
for i in 1 2 3; do
	ok "record $i is whole" mstat-decode run-$i.mstat
done
ok "they can be compared" mstat-diff run-1.mstat run-2.mstat -- run-3.mstat
rm -f run-* ran
ok "ten, quietly" mstat -q -runs 10 -o run.mstat -- true
is "... without a word" "$err" ""
is "... whose names sort" "$(echo run*)" "$(echo run-0{1..9}.mstat run-10.mstat)"
rm -f run-*
ok "one" mstat -q -runs 1 -o run.mstat -- true
is "... has a number, too" "$(ls run*)" run-1.mstat
mkdir own
ok "tables" mstat -q -runs=2 -o own/mem.tsv -- true
is "... have their names as well" "$(ls own)" $'mem-1.tsv\nmem-2.tsv'
mkdir unnamed && cd unnamed || exit 1
ok "without -o" mstat -q -runs 2 -- true
is "... they have the names of single runs" "$(find . -name 'true.[0-9]*.mstat' | wc -l)" 2
cd .. || exit 1
ok "SIGCHLD ignored by who started it" timeout 60 env --ignore-signal=CHLD mstat -q -runs 2 -o run.mstat -- true

# ---- failures ----------------------------------------------------------------------------------------------

rm -f run-* ran
exits "the first run that fails is the last" 7 mstat -q -runs 5 -o run.mstat -- sh -c 'echo >>ran; [ "$(wc -l <ran)" -lt 3 ] || exit 7'
is "... one line says which" "$err" 'mstat: run 3 of 5 failed with exit status 7; no more are made'
is "... and no more are begun" "$(ls run*)" $'run-1.mstat\nrun-2.mstat\nrun-3.mstat'
rm -f run-*
exits "a program killed by a signal" 137 mstat -q -runs 2 -o run.mstat -- sh -c 'kill -9 $$'
is "... is told as well" "$err" 'mstat: run 1 of 2 failed with exit status 137; no more are made'
rm -f run-*
exits "one that is not there" 127 mstat -q -runs 2 -o run.mstat -- ./nothing
is "... is told once" "$err" $'mstat: ./nothing: No such file or directory\nmstat: run 1 of 2 failed with exit status 127; no more are made'
is "... and leaves nothing" "$(find . -name 'run*')" ""
rm -f run-*
closed='exec 3> >(:); wait $!; mstat -runs 2 -o run.mstat -- "$@" 2>&3'
exits "what nobody reads on stderr" 0 bash -c "$closed" - true
is "... ends no series" "$(ls run*)" $'run-1.mstat\nrun-2.mstat'
exits "... nor hides a failure" 7 bash -c "$closed" - sh -c 'exit 7'
exits "the program dies of a closed pipe as ever" 141 mstat -q -runs 2 -o run.mstat -- bash -c 'kill -PIPE $$'
rm -f ran
exits "-fail-above judges each run" 123 mstat -q -runs 4 -fail-above 16MiB -o run.mstat -- \
	sh -c 'echo >>ran; [ "$(wc -l <ran)" -lt 2 ] || exec "$@"' - "$TARGETS/collect_hold" 64 100 0
like "... and the first that is above ends them" "$err" \
	$'^mstat: the peak of [0-9.]+ MiB is above 16.0 MiB \\(-fail-above\\)\nmstat: run 2 of 4 failed with exit status 123; no more are made$'
for name in /dev/null own; do
	exits "-o $name" 125 mstat -q -runs 2 -o $name -- touch never
	is "... is refused in one line" "$err" "mstat: $name: -runs makes a file for each run, with names by this one"
done
for n in 0 101 few; do
	exits "-runs $n" 125 mstat -q -runs $n -- touch never
	is "... is refused in one line" "$err" "mstat: -runs: \"$n\" is not a whole number from 1 to 100"
done
ok "nothing ran" test ! -e never

# ---- signals -----------------------------------------------------------------------------------------------

handles='trap "echo got; exit 0" TERM HUP; trap "echo user" USR1; echo ready; while :; do sleep 0.02; done'
for sig in TERM HUP; do
	rm -f run-*
	start mstat -q -runs 5 -o run.mstat -- sh -c "$handles"
	wait_for 20 shown ready
	kill -$sig "$started"
	wait "$started"
	is "$sig ends the series" "$?" $((128 + $(kill -l $sig)))
	is "... after the program has handled it" "$(tail -n 1 started.out)" got
	is "... once" "$(grep -c got started.out)" 1
	is "... which is told" "$(cat started.err)" "mstat: signal $(kill -l $sig) ended this after run 1 of 5"
	is "... and one record is there" "$(ls run*)" run-1.mstat
	ok "... which is whole" mstat-decode run-1.mstat
done
rm -f run-*
start mstat -q -runs 5 -o run.mstat -- sh -c 'echo ready; exec sleep 60'
wait_for 20 shown ready
kill -TERM "$started"
wait "$started"
is "a program that ends by it" "$?" 143
is "... ends the series" "$(cat started.err)" "mstat: signal 15 ended this after run 1 of 5"
start mstat -q -runs 2 -o run.mstat -- sh -c "$handles"
wait_for 20 shown ready
kill -USR1 "$started"
ok "USR1 is the program's" wait_for 20 shown user
kill -TERM "$started"
wait "$started"
mkfifo go
rm -f ran
start env --ignore-signal=HUP mstat -q -runs 2 -o run.mstat -- sh -c 'echo >>ran; read -r line <go'
wait_for 20 ran 1
kill -HUP "$started"
echo >go
ok "under nohup a hangup does not end it" wait_for 20 ran 2
echo >go
wait "$started"
is "... at all" $? 0

pty() { "$TARGETS/launch_pty" "$@" | tr -d '\r'; }
rm -f run-*
run pty expect=ready 'send=^C' -- mstat -q -runs 5 -o run.mstat -- sh -c 'echo ready; exec sleep 60'
like "control-C ends the series" "$out" $'mstat: signal 2 ended this after run 1 of 5\n\nstatus 130$'
is "... and one record is there" "$(ls run*)" run-1.mstat
run pty expect=ready 'send=^Z' stopped fg 'send=^C' 'expect=got INT' kill=12 -- mstat -q -runs 1 -o run.mstat -- \
	"$TARGETS/launch_signals"
like "control-Z stops all, and fg continues all" "$out" 'ready.*got INT.*status 7$'
