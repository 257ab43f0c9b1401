#!/bin/bash
# SPDX-License-Identifier: ISC
# mstatd by hand: programs without a launcher are recorded, a user gets what only root may have, and
# nobody gets what is another's.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/mstatd_lib
. "$SRC/tests/cli/mstatd_lib"

# ---- without a launcher -------------------------------------------------------------------------

ok "mstatd serves" serve
# What is under way is listed; a child's sampler may be faster to say hello, and the run be named for it.
touch go
recorded_there sh -c 'while [ -e go ]; do :; done; sleep 0.5; "$1" >/dev/null; exit 7' sh "$(command -v ls)" &
program=$!
ok "a program started with the library and the socket is recorded" wait_for 20 listed as_self "$program-sh"
rm go
wait $program
is "it ends as ever" $? 7
ok "which is noticed" wait_for 20 is_finished as_self "$program-sh"
run_file=$TMP/runs/$(id -u)/$(file as_self "$program-sh")
ok "the record is whole" mstat-decode -what summary "$run_file"
is "its exit status is in it" "$(summary "$run_file" exit_status)" $((7 << 8))
like "the program and its children are in it" "$(mstat-decode -what processes "$run_file" | column comm how | sort | tr '\t\n' ' ;')" \
	'sh inside;sleep inside;'
if [ "$(id -u)" = 0 ]; then
	like "also one that is too short for a sample" "$(mstat-decode -what processes "$run_file" | column comm how)" $'ls\t(exit record|inside)'
fi
ok "no row is of the time before its run" \
	test "$(mstat-decode -what samples "$run_file" | column time_ns | sort -n | head -n 1)" -ge 0
is "nobody else may enter the folder" "$(stat -c '%a' "$TMP/runs/$(id -u)")" 700

# Two trees at a time are two runs.
touch go
recorded_there sleep 1.01 &
one=$!
recorded_there sh -c 'while [ -e go ]; do :; done; sleep 0.5; :' &
two=$!
ok "a tree" wait_for 20 listed as_self "$two-sh"
rm go
wait $one $two
ok "two trees are two runs" wait_for 20 is_finished as_self "$two-sh"
ok "each" wait_for 20 is_finished as_self "$one-sleep"
is "of which each has its own processes alone" \
	"$(mstat-decode -what processes "$TMP/runs/$(id -u)/$(file as_self "$one-sleep")" | column comm) $(
		mstat-decode -what processes "$TMP/runs/$(id -u)/$(file as_self "$two-sh")" | column comm | sort | tr '\n' ' ')" \
	"sleep sh sleep "

# ---- a user ---------------------------------------------------------------------------------------

if [ "$(id -u)" = 0 ]; then
	is "a user sees no run of root's" "$(as_user mstatd -list)" ""
	touch go
	recorded_there sh -c 'while [ -e go ]; do :; done; setpriv --reuid="$1" --regid="$1" --clear-groups sleep 0.5' sh "$user" &
	ok "a tree of root's" wait_for 20 listed as_self "$!-sh"
	rm go
	wait $!
	cp "$(command -v sleep)" bin/napper
	as_user LD_PRELOAD="$TMP/bin/libmstat.so" napper 0.5
	ok "his own he sees" wait_for 20 is_finished as_user '[0-9]+-napper'
	is "root owns it" "$(stat -c '%u %a' "$TMP/runs/$user")" "0 700"
	is "a tree that root has started is root's, also where it becomes the user's" "$(listed as_user '[0-9]+-(setpriv|sleep)')" ""
	like "in whose record it is" "$(mstat-decode -what processes "$TMP/runs/0/$(file as_self '[0-9]+-sh')" | column uid comm)" \
		"$user"$'\tsleep'

	# Its socket has it started: a first answer may take seconds.
	kill -STOP "$daemon"
	(sleep 2; kill -CONT "$daemon") &
	run as_user mstat -v -o slow.mstat -- true
	unlike "his mstat waits for an mstatd that is slow to answer" "$err" 'mstatd does not answer'

	run as_user mstat -v -freq 50 -o run.mstat -- sh -c 'cat /proc/self/cgroup; sleep 0.5; ls >/dev/null'
	is "his mstat" "$status" 0
	if like "is given a cgroup" "$err" $'\nmstat: mstatd: /.*/mstat-[0-9]+-[0-9a-f]+'; then
		like "in which the program is" "$out" "/mstatd?-$user-[^/]*/mstat-"
		like "the kernel's own peak is had" "$err" 'by the kernel, exact'
		granted=$(sed -n 's/^mstat: mstatd: \(.*\)\/mstat-[^/]*$/\1/p' <<<"$err")
		ok "it is removed when mstat has ended" wait_for 20 test ! -e "$granted"
		as_user mstat -q -memory-max 60M -o oom.mstat -- "$BASH" -c 'x=$(head -c 200M /dev/zero | tr "\0" x)' 2>/dev/null
		like "limits hold in it" "$(mstat-decode -what events home/oom.mstat)" 'oom'
	fi
	unlike "he has the exit records of his tree" "$err" 'short lives may be missing'
	like "one too short for a sample is known by its record" \
		"$(mstat-decode -what processes home/run.mstat | column comm how)" $'ls\t(exit record|inside)'
	ok "and delays, by mstatd's word" test "$(mstat-decode -what samples home/run.mstat | column hiwater_rss_bytes | most)" -gt 0
	is "no process of anybody else is in it" \
		"$(mstat-decode -what processes home/run.mstat | column uid comm | awk -F '\t' -v uid="$user" '$1 != uid' | head)" ""
fi

# ---- ends and returns -------------------------------------------------------------------------------

touch go
recorded_there sh -c 'while [ -e go ]; do sleep 0.05; done' &
long=$!
ok "a long run" wait_for 20 listed as_self "$long-sh"
first=$TMP/runs/$(id -u)/$(file as_self "$long-sh")
ok "of which something is on the disk" wait_for 20 test "$(stat -c %s "$first")" -gt 0
has_samples() { mstat-decode -what samples "$1" 2>/dev/null | grep -q '[0-9]'; }
ok "samples, that is" wait_for 20 has_samples "$first"
# shellcheck disable=SC2046 # words
kill -KILL $(pgrep -P "$daemon") "$daemon"
wait "$daemon" 2>/dev/null
size=$(stat -c %s "$first")
ok "mstatd, killed with all its children, can be started again" serve
runs_of_long() { as_self mstatd -list | grep -c -- "-$long-sh"; }
ok "the program's sampler comes back by itself" wait_for 40 eval '[ "$(runs_of_long)" = 2 ]'
second=$TMP/runs/$(id -u)/$(file as_self "$long-sh")
ok "and is recorded on" wait_for 20 has_samples "$second"
has_dropped() { [ "$(mstat-decode -what processes "$1" 2>/dev/null | column dropped | most)" -gt 0 ]; }
ok "what it could not send is counted" wait_for 20 has_dropped "$second" || {
	mstatd -list
	mstat-decode -what processes "$second" | column pid comm how samples dropped
	mstat-decode -what events "$second"
} >&2
is "the first record is as it was" "$(stat -c %s "$first")" "$size"
ok "and can be read" has_samples "$first"
rm go
wait $long
is "the program ends as ever" $? 0
ok "and the second record" wait_for 20 is_finished as_self "$long-sh"
stop "$daemon"
is "mstatd ends by SIGTERM" "$status" 0
ok "and takes its socket along" test ! -e "$MSTAT_SOCKET"

# ---- the command line ---------------------------------------------------------------------------------

exits "no mstatd" 1 mstatd -list
like "one line says so" "$err" "^mstatd: no mstatd at $MSTAT_SOCKET: No such file or directory$"
exits "an unknown flag" 2 mstatd -frob
like "one line" "$err" '^mstatd: -frob: unknown flag'
exits "a bad time" 2 mstatd -keep soon
if [ "$(id -u)" = 0 ]; then
	exits "a folder that is another's" 1 timeout 20 mstatd -socket "$TMP/other" -dir "$TMP/home"
	like "is refused" "$err" "^mstatd: $TMP/home: Operation not permitted$"
fi
