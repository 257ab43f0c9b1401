#!/bin/bash
# SPDX-License-Identifier: ISC
# What the program leaves behind: orphans are mstat's children, waited for with -wait-all, killed with
# -kill-rest, and otherwise left alone.
# vm-v2: yes
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"

storm=$TARGETS/static_launch_storm
# Dead: whoever is its parent by now may take his time.
gone() { ! grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status" 2>/dev/null; }
alive() { ! gone "$1"; }
parent_of() { awk '$1 == "PPid:" { print $2 }' "/proc/$1/status"; }
has_parent() { [ "$(parent_of "$1")" = "$2" ]; }
# children PID: how many it has, dead ones too
children() { cat /proc/[0-9]*/status 2>/dev/null | awk -v pid="$1" '$1 == "PPid:" && $2 == pid { n++ } END { print n + 0 }'; }
one_child() { [ "$(children "$1")" = 1 ]; }
# leave FILE: for a program that leaves one process, whose pid it writes to FILE, and ends with 3 when
# something is written to "main"; the process goes on when something is written to "rest"
mkfifo main rest
orphan=
trap 'code=$?; kill -KILL $orphan 2>/dev/null; (exit $code); _end' EXIT # of no session of ours
leave='(trap "" HUP TERM; echo $$ >shell; exec setsid sh -c "echo \$\$ >orphan; read -r l <rest; sleep 0.2; echo \$l >said") &
	until [ -s orphan ]; do sleep 0.01; done
	read -r l <main; exit 3'
# begin MSTAT-FLAG...: until that program has ended; $orphan is what it has left
begin() {
	rm -f orphan said
	start "${as[@]}" "$mstat" -q -freq 20 -o run.mstat "$@" -- sh -c "$leave"
	wait_for 20 test -s orphan
	orphan=$(cat orphan)
	program=$(parent_of "$orphan")
	echo >main
	wait_for 20 test ! -e "/proc/$program" # reaped, too
}
go() { timeout 20 sh -c "echo $1 >rest"; }

# all_checks WHO: with mstat in $mstat, as the user whom "${as[@]}" makes
all_checks() {
	local before
	begin
	wait "$started"
	is "$1: by default mstat ends with the program" $? 3
	ok "$1: what is left goes on" alive "$orphan"
	go alone
	ok "$1: without harm" wait_for 20 grep -qx alone said

	begin -wait-all
	ok "$1: -wait-all: mstat waits" alive "$started"
	ok "$1: -wait-all: it is the orphan's parent" wait_for 20 has_parent "$orphan" "$started"
	go waited
	wait "$started"
	is "$1: -wait-all: the exit status is the program's" $? 3
	is "$1: -wait-all: it has waited" "$(cat said)" waited
	ok "$1: -wait-all: and sampled meanwhile" sh -c '
		mstat-decode -what processes run.mstat | awk -F "\t" "{ print \$2, \$0 }" | grep -q "^$0 "' "$orphan"

	for sig in TERM INT HUP; do
		begin -wait-all
		kill -$sig "$started"
		wait "$started"
		is "$1: $sig ends the wait" $? 3
		ok "$1: $sig: what is left goes on" alive "$orphan"
		ok "$1: $sig: the record is whole" mstat-decode run.mstat
		go "$sig"
		wait_for 20 gone "$orphan"
	done

	begin -kill-rest
	wait "$started"
	is "$1: -kill-rest: the exit status is the program's" $? 3
	ok "$1: -kill-rest: nothing is left" gone "$orphan"
	exits "$1: -kill-rest: with nothing to kill" 5 "${as[@]}" "$mstat" -q -kill-rest -o run.mstat -- sh -c 'exit 5'

	# Who was there before is not of the tree.
	for flag in -kill-rest -wait-all; do
		exits "$1: $flag, with a child of before" 0 "${as[@]}" sh -c \
			'sleep 100 & echo $! >foreign; exec "$@"' sh "$mstat" $flag -q -o run.mstat -- true
		ok "$1: $flag: it is left alone" kill "$(cat foreign)"
	done
}

mstat=mstat as=()
all_checks "in a cgroup"
rm -f orphan
timeout 20 sh -c 'echo >main' &
run mstat -o run.mstat -- sh -c "$leave"
orphan=$(cat orphan)
# (The shell that made the file may be there still.)
like "the summary tells what is left" "$err" $'\n  left       [12] processes still run'
go told
wait_for 20 gone "$orphan"

# Orphans are reaped while the program runs.
rm -f pids
start mstat -q -o run.mstat -- sh -c '
	for i in 1 2 3 4 5; do (true & true & echo $i >>pids) & done; wait; sh -c "sleep 0 & sleep 0 & exit" ; echo >ready
	read -r l <main; exit 8'
wait_for 20 test -s ready
ok "dead orphans are reaped at once" wait_for 20 one_child "$started"
echo >main
wait "$started"
is "and the program's end is not mistaken for theirs" $? 8

before=$SECONDS
exits "-kill-rest: of those who fork faster than one can look" 6 mstat -q -kill-rest -o run.mstat -- "$storm"
is "all are killed" "$(pgrep -cf "$storm")" 0
ok "in time" test $((SECONDS - before)) -lt 20
is "without a word" "$err" ""
# A list of those is old when it is read, and to kill by it may take some luck: the kernel does it at
# once (cgroup.kill), or they are frozen first.
if strace -o trace true 2>/dev/null; then
	run strace -yy -o trace -e trace=write,pidfd_send_signal mstat -v -kill-rest -o run.mstat -- "$storm"
	is "also when it is slow its status is told, and not that of one who has its pid later" "$status" 6
	if grep -q "own writable cgroup" <<<"$err"; then
		like "they are killed at once, or frozen and then killed" "$(grep -m 1 'cgroup\.kill\|cgroup\.freeze\|FROZEN\|SIGKILL' trace)" \
			'^write\(.*(/cgroup\.kill>, "1"|/cgroup\.freeze>, "1"|/freezer\.state>, "FROZEN")'
	else
		skip "they are killed at once, or frozen and then killed" "no cgroup"
	fi
else
	skip "they are killed at once, or frozen and then killed" "no strace"
fi
exits "-wait-all and -kill-rest exclude each other" 125 mstat -wait-all -kill-rest -- true
is "one line says so" "$err" "mstat: -wait-all and -kill-rest exclude each other"

if [ "$(id -u)" != 0 ]; then
	skip "the same without a cgroup" "only root can become a user"
	exit
fi
mkdir bin lib && cp "$BIN"/mstat* bin && cp "$LIB/libmstat.so" lib && chmod -R a+rX "$TMP" && chmod 777 . main rest
rm -f run.mstat ./*.m* orphan said shell foreign ready pids
mstat=$TMP/bin/mstat as=(setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/)
all_checks "without a cgroup"
rm -f orphan
timeout 20 sh -c 'echo >main' &
run "${as[@]}" "$mstat" -o run.mstat -- sh -c "$leave"
orphan=$(cat orphan)
like "without a cgroup: the summary tells what is left" "$err" $'\n  left       1 processes still run'
go told
wait_for 20 gone "$orphan"
