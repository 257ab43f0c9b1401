#!/bin/bash
# SPDX-License-Identifier: ISC
# mstat-get -o: processes that run already, and those of a cgroup, in a run file.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

# table WHAT FILE COLUMN...: its rows, those columns with a blank between
table() {
	local IFS=,
	mstat-decode -what "$1" -columns "${*:3}" "$2" 2>/dev/null | tail -n +2 | tr '\t' ' '
}
# has FILE COUNT: as many rows of processes are in it
has() { [ "$(table samples "$1" pid | wc -l)" -ge "$2" ]; }
# pss FILE: of each process whose PSS was read the newest, on a line
pss() { table samples "$1" pid pss_bytes | awk '$2 { pss[$1] = $2 } END { for (pid in pss) print pss[pid] }'; }
has_pss() { [ "$(pss "$1" | wc -l)" -ge "$2" ]; }
hold() {
	: >go
	rm -f ready
	start "$TARGETS/collect_hold" "$1" 0 "$2" "$PWD/ready" "$PWD/go"
	wait_for 20 test -e ready
}
kids_of() { ps -o pid= --ppid "$1" | xargs; }
# record FILE ARG...: in the background, as $recorder
record() {
	local to=$1
	shift
	mstat-get -o "$to" -w "$@" >"$to.out" 2>"$to.err" &
	recorder=$!
}
ends() {
	wait "$recorder"
	is "$1" "$?" "$2"
}

# ---- processes ----------------------------------------------------------------------------------

hold 40 3
kids=$(kids_of "$started")
record run.mstat -n 0.02 -r "$started"
wait_for 20 has run.mstat 40
wait_for 40 has_pss run.mstat 4
rm go
ends "with the processes the record ends" 0
like "one line says what it is" "$(cat run.mstat.err)" '^(mstat-get: what lives .*: .*'$'\n'')?mstat-get: run.mstat: [0-9.]+ s, 4 processes$'
is "and nothing else is told" "$(cat run.mstat.out)" ""
ok "it is whole" zstd -tq run.mstat
is "its owner's alone" "$(stat -c %a run.mstat)" 600
is "all are in it, with parents and names" "$(table processes run.mstat pid ppid comm | sort -n)" \
	"$(for pid in $started $kids; do
		[ "$pid" = "$started" ] && echo "$pid $$ collect_hold" || echo "$pid $started collect_hold"
	done | sort -n)"
is "each was read from outside" "$(table processes run.mstat how | sort | uniq -c | xargs)" "4 outside, not started by mstat"
is "and has ended" "$(table processes run.mstat ended | xargs)" "1 1 1 1"
like "with its command line" "$(table processes run.mstat argv)" "collect_hold 40 0 3 "
within "what it holds" "$(table samples run.mstat pid rss_anon_bytes | awk -v pid="$started" '$1 == pid { print $2 }' | sort -n | tail -n 1)" $((40 << 20)) 3
within "PSS of all together" "$(pss run.mstat | awk '{ sum += $1 } END { print sum }')" $((40 << 20)) 10
is "no exit status is told of a run that nobody started" "$(mstat-decode -what summary run.mstat | grep -c $'^exit_status\t.')" 0
for format in tsv csv jsonl openmetrics perfetto; do
	ok "it is read as $format" mstat-decode -format "$format" run.mstat
done
ok "and as sqlite" mstat-decode -format sqlite -o run.db run.mstat
if command -v mstat-report >/dev/null; then
	ok "and as a page" mstat-report -o page.html run.mstat
else
	skip "and as a page" "mstat-report is not built"
fi

if [ "$(id -u)" = 0 ]; then
	setpriv --groups "$(seq -s, 2000000001 2000003000)" sleep 100 &
	grouped=$!
	wait_for 20 grep -q '^Groups:.*2000003000' "/proc/$grouped/status"
	record groups.mstat -n 0.02 "$grouped"
	wait_for 20 has groups.mstat 5
	kill "$grouped"
	ends "with thousands of groups" 0
	ok "there is the memory" test "$(table samples groups.mstat rss_bytes | head -n 1)" -gt 0
else
	skip "with thousands of groups" "not root"
fi

hold 4 2
record one.mstat -n 0.02 "$started"
wait_for 20 has one.mstat 5
kill -INT "$recorder"
ends "Ctrl-C ends a record" 0
ok "which is whole" zstd -tq one.mstat
is "of that process alone, without -r" "$(table processes one.mstat pid ended)" "$started 0"
ok "the process goes on" kill -0 "$started"
record term.mstat -n 0.02 "$started"
wait_for 20 has term.mstat 5
exits "one record at a time" 1 mstat-get -o term.mstat -w "$started"
is "is written into a file" "$err" "mstat-get: term.mstat: another run is being recorded there"
kill -TERM "$recorder"
ends "so does SIGTERM" 0
ok "which is whole, too" zstd -tq term.mstat
record killed.mstat -n 0.02 "$started"
wait_for 20 has killed.mstat 5
before=$(table samples killed.mstat pid | wc -l)
kill -KILL "$recorder"
wait "$recorder"
ok "after SIGKILL what was written is there" test "$(table samples killed.mstat pid | wc -l)" -ge "$before"
ok "the process does not care" kill -0 "$started"

true &
gone=$!
wait "$gone"
exits "of one that is gone" 1 mstat-get -o none.mstat -w "$gone"
is "nothing is recorded" "$err" "mstat-get: PID $gone: gone"
ok "at all" test ! -e none.mstat
record part.mstat -n 0.02 "$gone" "$started"
wait_for 20 has part.mstat 5
kill -INT "$recorder"
ends "of two the one that is there" 3
is "is recorded" "$(table processes part.mstat pid)" "$started"
exits "no folder" 1 mstat-get -o nowhere/run.mstat -w "$started"
is "no record" "$err" "mstat-get: nowhere/run.mstat: No such file or directory"
exits "a full disk" 1 timeout 30 mstat-get -o /dev/full -w "$started"
is "ends the record" "$err" "mstat-get: /dev/full: No space left on device; the record ends there"
rm go

# ---- where the kernel tells of no forks ------------------------------------------------------------

as_user=()
[ "$(id -u)" = 0 ] && as_user=(setpriv --reuid=54321 --regid=54321 --clear-groups)
mkdir -m 777 theirs
chmod 711 .
get=$(command -v mstat-get)
if "${as_user[@]}" "$get" -version >/dev/null 2>&1; then
	"${as_user[@]}" bash -c 'sleep 100 & until [ -e theirs/more ]; do sleep 0.02; done; sleep 101 & wait' &
	parent=$!
	"${as_user[@]}" "$get" -o theirs/run.mstat -n 0.02 -w -r "$parent" 2>theirs/err &
	recorder=$!
	wait_for 20 has theirs/run.mstat 5
	: >theirs/more
	sees_more() { table processes theirs/run.mstat argv | grep -q 'sleep 101'; }
	ok "a user's new child is found" wait_for 20 sees_more
	kill -INT "$recorder"
	ends "and recorded" 0
	like "and what may be missed is said" "$(cat theirs/err)" '^mstat-get: what lives for a moment only may be missed: '
	is "in the record, too, and why" "$(table events theirs/run.mstat text | head -n 1)" "$(sed -n '1s/^mstat-get: //p' theirs/err)"
	"${as_user[@]}" "$get" -o theirs/one.mstat -n 0.02 -w "$parent" 2>theirs/err &
	recorder=$!
	wait_for 20 has theirs/one.mstat 5
	kill -INT "$recorder"
	ends "one process alone" 0
	unlike "has none to be missed" "$(cat theirs/err; mstat-decode -what events theirs/one.mstat)" 'may be missed'
	read -ra kids <<<"$(kids_of "$parent")"
	kill "$parent" "${kids[@]}"
else
	skip "a user's new child is found" "another user cannot run what was built here"
fi

# ---- a cgroup -----------------------------------------------------------------------------------

root=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
peak=memory.peak
usage=memory.current
if path=$(sed -nE 's/^[0-9]+:([^:]*,)?memory(,[^:]*)?://p' /proc/self/cgroup) && [ -n "$path" ]; then
	root=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/mounts)$path
	peak=memory.max_usage_in_bytes
	usage=memory.usage_in_bytes
fi
# A cgroup v2 with processes has none with a memory controller below it: beside it, then.
[ -e "$root/$usage" ] && [ -e "$root/cgroup.type" ] && root=${root%/*}
group=$root/mstat-test.$$
if mkdir "$group" 2>/dev/null && [ -e "$group/$usage" ]; then
	exits "of an empty cgroup" 1 mstat-get -o empty.mstat -w -cgroup "$group"
	is "nothing is recorded" "$err" "mstat-get: $group: no process is in it"
	ok "at all" test ! -e empty.mstat
	: >go
	rm -f ready
	# A peak before the record.
	bash -c 'echo $$ >"$1/cgroup.procs"; exec "${@:2}"' - "$group" "$TARGETS/collect_hold" 60 1 0
	bash -c 'echo $$ >"$1/cgroup.procs"; exec "${@:2}"' - "$group" "$TARGETS/collect_hold" 30 0 1 "$PWD/ready" "$PWD/go" &
	inside=$!
	wait_for 20 test -e ready
	(cd "$group" && grep -rs . ./memory.max ./memory.high ./memory.limit_in_bytes ./cgroup.freeze ./cgroup.subtree_control) >settings
	was=$(cat "$group/$peak" 2>/dev/null)
	record group.mstat -n 0.02 -cgroup "$group"
	wait_for 20 has group.mstat 20
	is "what is set there stays" "$(cd "$group" && grep -rs . ./memory.max ./memory.high ./memory.limit_in_bytes ./cgroup.freeze ./cgroup.subtree_control)" "$(cat settings)"
	rm go
	wait "$inside"
	ends "when no process is in the cgroup any more its record ends" 0
	ok "the cgroup is there still" test -d "$group"
	ok "its peak was not reset" test "$(cat "$group/$peak" 2>/dev/null || echo 0)" -ge "${was:-0}"
	ok "the record is whole" zstd -tq group.mstat
	is "its processes are in it" "$(table processes group.mstat comm | xargs)" "collect_hold collect_hold"
	within "and what the cgroup uses" "$(table ticks group.mstat anon_bytes | sort -n | tail -n 1)" $((30 << 20)) 10
	is "a peak of the time before is not the run's" "$(mstat-decode -what summary group.mstat | sed -n 's/^peak_exact_bytes\t//p')" ""
	# Killed in the middle: the cgroup is not swept by a later run, either.
	sleep 100 &
	inside=$!
	echo "$inside" >"$group/cgroup.procs"
	record again.mstat -n 0.02 -cgroup "$group"
	wait_for 20 has again.mstat 5
	kill -INT "$recorder"
	ends "Ctrl-C ends it" 0
	ok "and no process" kill -0 "$inside"
	kill "$inside"
	wait "$inside" 2>/dev/null
	rmdir "$group"
else
	rmdir "$group" 2>/dev/null
	skip "a cgroup's record" "no memory cgroup can be made here"
fi

for line in "-o x 1" "-o x -w" "-o x -cgroup /" "-o x -w -taskstats 1" "-o x -w -v 1" "-o x -w -bytes 1" "-o x -w -n 2 1" "-w -cgroup /" "-o x -w -cgroup / 1"; do
	read -ra words <<<"$line"
	exits "usage: $line" 2 mstat-get "${words[@]}"
	is "is said on one line" "$(grep -c '^mstat-get: ' <<<"$err")$out" 1
done
ok "and leaves no file" test ! -e x
