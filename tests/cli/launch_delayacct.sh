#!/bin/bash
# SPDX-License-Identifier: ISC
# -delayacct switches kernel.task_delayacct on for the run, and back, however the run ends.
# The switch is the machine's: the test has it for itself, and puts it back.
# vm-v2: yes
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

switch=/proc/sys/kernel/task_delayacct
[ -e $switch ] || skip_all "this kernel has no switch"
exec 8>"${TMPDIR:-/tmp}/mstat-test-delayacct.lock"
flock -w 120 8 || skip_all "another test has the switch"
was=$(cat $switch)
put_back() { echo "$was" >$switch; }
put_back 2>/dev/null || skip_all "the switch cannot be set here"
trap 'code=$?; put_back; (exit $code); _end' EXIT
mkfifo go go.a go.b
shown() { grep -qx "$1" started.out; }
is_on() { [ "$(cat $switch)" = "$1" ]; }
# begin CMD...: until its program runs, which ends when something is written to "go"
begin() {
	start "$@" 8>&-
	wait_for 20 shown ready
}
# shellcheck disable=SC2016
waits='echo ready; cat /proc/sys/kernel/task_delayacct; read -r l <go; exit 4'

echo 0 >$switch
exits "without the flag" 0 mstat -q -o run.mstat -- cat $switch
is "nothing is switched" "$out" 0
exits "with it" 0 mstat -q -delayacct -o run.mstat -- cat $switch
is "it is on before the program starts" "$out" 1
is "no word of it" "$err" ''
is "and off afterwards" "$(cat $switch)" 0
exits "a program that fails" 9 mstat -q -delayacct -o run.mstat -- sh -c 'exit 9'
is "off after it" "$(cat $switch)" 0
printf '#!/no/such/interpreter\n' >script && chmod +x script
exits "one that never runs" 126 mstat -q -delayacct -o run.mstat -- ./script
is "off after that" "$(cat $switch)" 0

for sig in TERM INT HUP; do
	begin mstat -q -delayacct -o run.mstat -- "$TARGETS/launch_signals"
	ok "$sig: it is on meanwhile" is_on 1
	kill -$sig "$started"
	wait_for 20 shown "got $sig"
	ok "$sig: as long as the program goes on" is_on 1
	kill -USR2 "$started"
	wait "$started"
	is "$sig: it is off afterwards" "$(cat $switch)" 0
done
begin mstat -q -delayacct -o run.mstat -- sh -c 'echo ready; exec sleep 60'
kill -TERM "$started"
wait "$started"
is "a program that ends by TERM" $? 143
is "and it is off" "$(cat $switch)" 0

# Two runs that overlap, ending in either order.
for first in a b; do
	begin mstat -q -delayacct -o a.mstat -- sh -c "${waits/<go/<go.a}"
	a=$started
	begin mstat -q -delayacct -o b.mstat -- sh -c "${waits/<go/<go.b}"
	declare -A runs=([a]=$a [b]=$started)
	for one in $first $([ $first = a ] && echo b || echo a); do
		timeout 20 sh -c "echo >go.$one"
		wait "${runs[$one]}"
		is "$one ends, $first the first" $? 4
		[ "$one" = "$first" ] && is "the other one still has it" "$(cat $switch)" 1
	done
	is "the last one switches it off, $first ending first" "$(cat $switch)" 0
done

# Killed, mstat can put nothing back; the next run does.
begin mstat -q -delayacct -o run.mstat -- sh -c "$waits"
kill -KILL "$started"
wait "$started"
stop "$started" KILL
is "a killed mstat leaves it on" "$(cat $switch)" 1
exits "the next run" 0 mstat -q -delayacct -o run.mstat -- true
is "switches it off" "$(cat $switch)" 0

echo 1 >$switch
exits "where it was on already" 0 mstat -q -delayacct -o run.mstat -- cat $switch
is "it is on" "$out" 1
is "and stays on" "$(cat $switch)" 1
echo 0 >$switch

if [ "$(id -u)" = 0 ]; then
	mkdir bin lib work && cp "$BIN/mstat" bin && cp "$LIB/libmstat.so" lib && chmod -R a+rX "$TMP" && chmod 777 work
	cd work || exit 1
	exits "who may not: the program runs all the same" 6 \
		setpriv --reuid=65534 --regid=65534 --clear-groups ../bin/mstat -q -delayacct -o run.mstat -- sh -c 'exit 6'
	is "one line says so" "$err" \
		"mstat: -delayacct: kernel.task_delayacct cannot be switched on: Permission denied"
	is "and it is as it was" "$(cat $switch)" 0
fi
