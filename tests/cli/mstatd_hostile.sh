#!/bin/bash
# SPDX-License-Identifier: ISC
# Who wants to harm mstatd, or to fill it: it serves the others, and takes no more than it may.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/mstatd_lib
. "$SRC/tests/cli/mstatd_lib"

fds() { find "/proc/$1/fd" -mindepth 1 | wc -l; }
recorders() { pgrep -x -P "$daemon" mstatd-run; }
rss_kib() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"; }

ok "mstatd serves" serve
for what in garbage flood "silent 300" churn deaf linger; do
	# shellcheck disable=SC2086 # words are meant
	as_user timeout 20 collect_hostile $what >/dev/null
	ok "$what: it still serves" as_user mstatd -list
done
runs=$(as_user mstatd -list | wc -l)
ok "who asks often has to wait, but has his answers" as_user sh -c 'for i in 1 2 3 4 5 6 7 8; do mstatd -list || exit; done'
ok "thousands of hellos are no thousands of runs ($runs)" test "$runs" -lt 500
ok "recorders of hostile runs end" wait_for 20 eval '! recorders'
ok "mstatd holds no connection of the dead" wait_for 20 eval '[ "$(fds "$daemon")" -lt 30 ]'

# Ten thousand that say nothing. Of root 16,384 would be let be.
if [ "$(ulimit -Hn)" -gt 10100 ]; then
	before=$(rss_kib "$daemon")
	coproc HOLD { as_user collect_hostile hold 10000; }
	held=$HOLD_PID
	read -r -t 60 -u "${HOLD[0]}" n
	is "10,000 connections that say nothing" "$n" 10000
	ok "most of them are ended ($(fds "$daemon"))" test "$(fds "$daemon")" -lt 600
	ok "it takes no more memory for them" test $(($(rss_kib "$daemon") - before)) -lt 1024
	ok "their user is served" as_user mstatd -list
	run as_user env LD_PRELOAD="$TMP/bin/libmstat.so" bash -c 'sleep 0.3; echo $$'
	ok "his programs are recorded" wait_for 20 is_finished as_user "$out-bash"
	eval "exec ${HOLD[1]}>&-"
	wait "$held"
	ok "the rest goes with its process" wait_for 20 eval '[ "$(fds "$daemon")" -lt 30 ]'
else
	skip "10,000 connections that say nothing" "no more than $(ulimit -Hn) files can be open"
fi

# A recorder that does not come to read: those who say hello meanwhile wait, also when they have ended.
touch go
recorded_there sh -c 'while [ -e go ]; do :; done; exec "$1" live 400 300' sh "$TARGETS/collect_swarm" >swarm &
tree=$!
ok "a tree" wait_for 20 listed as_self "$tree-sh"
ok "which is the only one" wait_for 20 eval '[ "$(recorders | wc -l)" = 1 ]'
recorder=$(recorders)
kill -STOP "$recorder"
rm go
wait $tree
is "the program ends as ever" "$? $(cat swarm)" "0 400"
ok "more than fit into its socket wait in mstatd" wait_for 20 eval '[ "$(fds "$daemon")" -gt 60 ]'
kill -CONT "$recorder"
ok "its record ends, too" wait_for 20 is_finished as_self "$tree-sh"
file=$TMP/runs/$(id -u)/$(file as_self "$tree-sh")
is "all have been sampled" "$(mstat-decode -what processes "$file" | column comm how | grep -c '^collect_swarm.inside')" 401
is "nobody was refused" "$(summary "$file" peers_refused)" 0

# Few descriptors.
stop "$daemon"
start prlimit --nofile=64:64 mstatd -socket "$MSTAT_SOCKET" -dir "$TMP/runs"
daemon=$started
ok "an mstatd of 64 descriptors" wait_for 20 mstatd -list
coproc HOLD { as_user collect_hostile hold 100; }
held=$HOLD_PID
read -r -t 60 -u "${HOLD[0]}" n
is "more connect and say nothing than it can take" "$n" 100
ok "others are served" mstatd -list
eval "exec ${HOLD[1]}>&-"
wait "$held"
touch go
recorded_there sh -c 'while [ -e go ]; do :; done; exec "$1" live 100 1000' sh "$TARGETS/collect_swarm" >swarm &
tree=$!
ok "a tree again" wait_for 20 listed as_self "$tree-sh"
rm go
wait $tree
is "a tree of more processes than its recorder can hold" "$? $(cat swarm)" "0 100"
ok "is recorded" wait_for 20 is_finished as_self "$tree-sh"
file=$TMP/runs/$(id -u)/$(file as_self "$tree-sh")
ok "whole" mstat-decode "$file"
like "those who found no room are told of" "$(mstat-decode -what events "$file")" 'refused.*no descriptor is left'
if [ "$(id -u)" = 0 ]; then
	is "all processes are known" "$(summary "$file" processes)" 101
fi
ok "it goes on" mstatd -list

# Two at a time.
exits "a second one on the same socket" 1 mstatd -socket "$MSTAT_SOCKET" -dir "$TMP/runs2"
like "is told so" "$err" '^mstatd: .*: an mstatd serves there already$'
exits "a second one that writes into the same folder" 1 mstatd -socket "$TMP/other" -dir "$TMP/runs"
is "is told so" "$err" "mstatd: $TMP/runs: another mstatd writes there"
ok "and leaves no socket" test ! -e "$TMP/other"

# No place for more.
start mstatd -socket "$TMP/small" -dir "$TMP/runs3" -max-size 6K
ok "an mstatd with little room" wait_for 20 mstatd -list -socket "$TMP/small"
touch go
all=()
for i in 1 2 3; do
	recorded_there MSTAT_SOCKET="$TMP/small" sh -c 'while [ -e go ]; do sleep 0.1; done' &
	all+=($!)
done
ok "of three programs some are recorded" wait_for 20 eval 'mstatd -list -socket "$TMP/small" | grep -q growing'
ok "it says what is not recorded" wait_for 20 grep -qx "mstatd: uid $(id -u): not recorded: the runs that are growing take all of -max-size" started.err
rm go
wait "${all[@]}"
ok "once" test "$(grep -c 'not recorded' started.err)" = 1
stop "$started"
echo text >file
exits "a file is in the way" 1 mstatd -socket "$TMP/file" -dir "$TMP/runs4"
is "that is said" "$err" "mstatd: $TMP/file: it is there already, and no socket"

# Somebody else's could tell us anything.
if [ "$(id -u)" = 0 ]; then
	chmod 755 home
	start "${to_user[@]}" mstatd -socket "$TMP/home/socket" -dir "$TMP/home/runs"
	ok "an mstatd of a user's" wait_for 20 as_user mstatd -list -socket "$TMP/home/socket"
	exits "root does not ask it" 1 env MSTAT_SOCKET="$TMP/home/socket" mstatd -list
	is "and says so" "$err" "mstatd: no mstatd at $TMP/home/socket: who listens is another user"
	env MSTAT_SOCKET="$TMP/home/socket" LD_PRELOAD="$TMP/bin/libmstat.so" sleep 0.3
	is "root's programs do not tell it anything" "$(find home/runs -name '*.mstat')" ""
else
	skip "an mstatd of somebody else's" "not root"
fi
