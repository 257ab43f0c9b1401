#!/bin/bash
# SPDX-License-Identifier: ISC
# Signals and the terminal: the program gets what it would get without mstat, once.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

signals=$TARGETS/launch_signals
# pty STEP... -- CMD...: what the terminal shows, without carriage returns
pty() { "$TARGETS/launch_pty" "$@" | tr -d '\r'; }
shown() { grep -qx "$1" started.out; }
# begin CMD...: until it says "ready"
begin() {
	rm -f started.out
	start "$@"
	wait_for 20 shown ready
}

for sig in INT QUIT TERM HUP USR1; do
	begin mstat -q -o run.mstat -- "$signals"
	kill -$sig "$started"
	ok "$sig sent to mstat is passed on" wait_for 20 shown "got $sig"
	kill -USR2 "$started"
	wait "$started"
	is "$sig: and mstat waits for the program's end" $? 7
	is "$sig: once" "$(cat started.out)" "ready"$'\n'"got $sig"$'\n'"got USR2"
done

begin mstat -q -o run.mstat -- sh -c 'echo ready; exec sleep 60'
kill -TERM "$started"
wait "$started"
is "a program that does not handle TERM ends by it" $? 143
ok "its record is whole" mstat-decode run.mstat
mkfifo end
begin mstat -q -o run.mstat -- sh -c 'trap "" TERM; echo ready; read -r line <end; exit 5'
kill -TERM "$started"
echo >end
wait "$started"
is "one that ignores it goes on" $? 5
begin env --ignore-signal=HUP mstat -q -o run.mstat -- sh -c 'echo ready; read -r line <end; exit 5'
kill -HUP "$started"
echo >end
wait "$started"
is "as does one under nohup" $? 5

for who in job leader; do
	as=() && [ $who = leader ] && as=(-leader)
	# shellcheck disable=SC1003
	run pty "${as[@]}" expect=ready 'send=^C' $'expect=got INT\r\n' 'send=^C' \
		$'expect=got INT\r\n' 'send=^\' 'expect=got QUIT' kill=12 -- mstat -q -o run.mstat -- "$signals"
	# The kernel may echo a key before or after what its signal made the program print.
	keys=${out//^C/}
	is "keys give one signal each, to the $who of a terminal" "${keys//^\\/}" $'ready
got INT
got INT
got QUIT
got USR2

status 7'
	run pty "${as[@]}" expect=ready 'send=^C' -- mstat -q -o run.mstat -- sh -c 'echo ready; exec sleep 60'
	like "control-C ends the program, as the $who" "$out" 'status 130$'
	ok "and mstat's record is whole, as the $who" mstat-decode run.mstat
	# The kernel tells only the leader, and the foreground group when that is gone.
	run pty "${as[@]}" expect=ready hangup -- mstat -q -o run.mstat -- sh -c 'echo ready; exec sleep 60'
	like "a hangup ends the program, as the $who" "$out" 'status 129$'
done

run pty expect=ready 'send=^Z' stopped fg 'send=^C' 'expect=got INT' kill=12 -- mstat -q -o run.mstat -- "$signals"
like "control-Z stops both, and fg continues both" "$out" 'ready.*got INT.*got USR2.*status 7$'
run pty expect=ready 'send=^Z' stopped fg 'send=^Z' stopped fg kill=12 -- mstat -q -o run.mstat -- \
	"$signals"
like "as often as one likes" "$out" 'got USR2.*status 7$'

# What the program makes of the key, and of itself, is what the shell sees.
run pty expect=ready 'send=^Z' 'send=^C' 'expect=got INT' kill=12 -- mstat -q -o run.mstat -- env --ignore-signal=TSTP "$signals"
like "a program that ignores control-Z goes on, and mstat with it" "$out" 'got INT.*got USR2.*status 7$'
run pty expect=ready stopped fg expect=again -- mstat -q -o run.mstat -- sh -c 'echo ready; kill -TSTP $$; echo again; exit 5'
like "one that stops itself stops the job" "$out" 'ready.*again.*status 5$'
