#!/bin/bash
# SPDX-License-Identifier: ISC
# mstat-decode's choice of columns, rows, times and steps, held against what python makes of the whole
# table; and files that get their name when they are whole.
# timeout: 120
# shellcheck source=tests/cli/decode_lib disable=SC2154
. "$(dirname "$0")/decode_lib"

exits "a run" 0 mstat -q -freq 50 -o run.mstat -- sh -c 'python3 grow.py & python3 grow.py; wait; sleep 0.2'

# ---- columns -------------------------------------------------------------------------------------

for what in ticks samples processes events phases peak; do
	mstat-decode -what $what run.mstat >$what.tsv
	columns=$(head -n 1 $what.tsv | tr '\t' '\n' | sed -n '1p;$p;3p' | tac | paste -sd,)
	exits "-what $what -columns $columns" 0 mstat-decode -what $what -columns "$columns" run.mstat
	printf '%s\n' "$out" >some
	ok "... are these, in this order" python3 -c '
import sys
rows = [line.rstrip("\n").split("\t") for line in open(sys.argv[1])]
at = [rows[0].index(name) for name in sys.argv[3].split(",")]
want = [[row[i] for i in at] for row in rows]
assert [line.rstrip("\n").split("\t") for line in open(sys.argv[2])] == want and len(want) > 1' $what.tsv some "$columns"
done
exits "columns of JSON lines" 0 mstat-decode -what samples -format jsonl -columns comm,rss_bytes run.mstat
is "... are keys in this order" "$(python3 -c 'import json; print({tuple(json.loads(line)) for line in open("out")})')" \
	"{('comm', 'rss_bytes')}"
exits "columns of CSV" 0 sh -c 'mstat-decode -format csv -columns rss,time run.mstat | head -n 1'
is "... have a line of names" "$out" rss,time

exits "a column that is not there" 2 mstat-decode -what samples -columns pid,rss_byte -o none run.mstat
is "... gets one line" "$(wc -l <<<"$err")" 1
like "... that names it, and what is near" "$err" '"rss_byte"; nearest: rss_bytes, .*first line of -what samples'
ok "... and no file" test ! -e none
exits "one that is named twice" 2 mstat-decode -columns time,rss,time run.mstat

# ---- processes and times -------------------------------------------------------------------------

pid=$(mstat-decode -what processes -where comm=python3 -columns pid run.mstat | sed -n 2p)
# filtered DESC TABLE CONDITION ARGS...: what python takes of the whole table by a condition on row
filtered() {
	local desc=$1 what=$2 condition=$3
	shift 3
	exits "$desc" 0 mstat-decode -what "$what" "$@" run.mstat
	cp out some
	ok "... are these rows, and there are others" python3 -c '
import csv, sys
read = lambda name: list(csv.DictReader(open(name), delimiter="\t", quoting=csv.QUOTE_NONE))
every, got = read(sys.argv[1]), read(sys.argv[2])
want = [row for row in every if eval(sys.argv[3])]
assert got == want, (len(got), len(want))
assert 0 < len(want) < len(every)' "$what.tsv" some "$condition"
}
filtered "samples of a process" samples "row['pid'] == '$pid'" -where "pid=$pid"
filtered "samples of a name" samples "row['comm'] == 'python3'" -where comm=python3
filtered "a name and a process that is not its" samples "row['comm'] == 'sh'" -where comm=sh,comm=nobody
pids=$(mstat-decode -what processes -where comm=python3 -columns pid run.mstat | sed 1d)
is "there are two" "$(wc -l <<<"$pids")" 2
filtered "a process, or another" samples "row['pid'] in '''$pids'''.split()" \
	-where "pid=${pids//$'\n'/,pid=}"
filtered "processes of a name" processes "row['comm'] == 'python3'" -where comm=python3
filtered "events of a process" events "row['pid'] == '$pid'" -where "pid=$pid"
exits "a process that is not there" 0 mstat-decode -what samples -where pid=999999999 run.mstat
is "... has no rows" "$(wc -l <<<"$out")" 1
exits "neither has one of another name" 0 mstat-decode -what samples -where "pid=$pid,comm=sh" run.mstat
is "... has no rows" "$(wc -l <<<"$out")" 1

# From the fifth tick to the ninth, to the nanosecond.
seconds() { awk -F'\t' -v row="$1" 'NR == row { printf "%d.%09d", $1 / 1e9, $1 % 1e9 }' ticks.tsv; }
from=$(seconds 6) to=$(seconds 10)
exits "from a time to another" 0 mstat-decode -from "$from" -to "$to" run.mstat
cp out some
ok "... both included" cmp some <(sed -n '1p;6,10p' ticks.tsv)
exits "from a time" 0 mstat-decode -from "$from" run.mstat
cp out some
ok "... to the end" cmp some <(sed -n '1p;6,$p' ticks.tsv)
exits "to a time" 0 mstat-decode -to "$to" run.mstat
cp out some
ok "... from the start" cmp some <(sed -n '1,10p' ticks.tsv)
ns=${from/./}
filtered "samples from a time" samples "int(row['time_ns']) >= $((10#$ns))" -from "$from"
filtered "events until a time" events "int(row['time_ns']) <= $((10#$ns))" -to "$from"
end=$(awk -F'\t' '$13 == "python3" { printf "%d.%09d", $8 / 1e9 + 0.001, ($8 + 1000000) % 1e9; exit }' processes.tsv)
filtered "processes that lived then" processes "int(row['end_ns']) >= $((10#${end/./}))" -from "$end"

# ---- steps ---------------------------------------------------------------------------------------

cat >thin.py <<'END_OF_PROGRAM'
import csv, sys
read = lambda name: list(csv.DictReader(open(name), delimiter="\t", quoting=csv.QUOTE_NONE))
every, got = read(sys.argv[1]), read(sys.argv[2])
step, time, main = int(sys.argv[3]), sys.argv[4], sys.argv[5]
gauges, counters = sys.argv[6].split(), sys.argv[7].split()
steps = {}
for row in every:
    steps.setdefault((int(row[time]) // step, int(row.get("process", 0))), []).append(row)
assert len(got) == len(steps) < len(every) / 2
assert [int(row[time]) for row in got] == sorted(int(row[time]) for row in got)
for row in got:
    rows = steps.pop((int(row[time]) // step, int(row.get("process", 0))))
    known = lambda name: [int(r[name]) for r in rows if r[name]]
    for name in gauges:
        assert row[name] == str(max(known(name), default="")), (name, row[name])
    for name in counters:
        assert row[name] == str((known(name) or [""])[-1]), (name, row[name])
    at = [r for r in rows if r[main] == row[main]][0] if row[main] else rows[-1]
    assert row[time] == at[time]
    if "dropped" in row: assert int(row["dropped"]) == sum(known("dropped"))
peak = lambda rows: max(int(r[main]) for r in rows if r[main])
assert peak(got) == peak(every)
END_OF_PROGRAM
exits "ticks in steps" 0 mstat-decode -step 300ms run.mstat
cp out some
ok "... have the peaks and the last counters" python3 thin.py ticks.tsv some 300000000 time rss \
	"rss kernel anon_bytes sum_rss_bytes sum_pss_bytes pss_age_ns processes peak_bytes" "oom_kills limit_hits pressure_some_ns"
exits "samples in steps" 0 mstat-decode -what samples -step 0.2s run.mstat
cp out some
ok "... likewise, for each process" python3 thin.py samples.tsv some 200000000 time_ns rss_bytes \
	"rss_bytes hwm_bytes pss_bytes threads rollup_cost_ns" "minor_faults cpu_ns read_chars_bytes self_cpu_ns"
is "one step is one row" "$(mstat-decode -step 1h run.mstat | wc -l)" 2
exits "a step shorter than a tick" 0 mstat-decode -step 1us run.mstat
cp out some
ok "... leaves the rows as they are" cmp some ticks.tsv
exits "all at once" 0 mstat-decode -what samples -where comm=python3 -from 0.1 -step 100ms \
	-columns time_ns,pid,rss_bytes -format csv run.mstat
ok "... has rows" test "$(wc -l <<<"$out")" -gt 3

# ---- what makes no sense -------------------------------------------------------------------------

no '-where is not for -what ticks \(samples, processes, events\)' -where pid=1
no '-where is not for -what summary' -what summary -where pid=1
no '-step is not for -what events \(ticks, samples\)' -what events -step 1s
no '-from is not for -what phases' -what phases -from 1
no '-columns is not for -what summary' -what summary -columns name
no '-columns is not for -what heap' -what heap -columns name
no '-from is after -to' -from 2 -to 1
no '-from: "x" is no time' -from x
no '-step: "0" is no duration' -step 0
no '-where: "ppid=1" is not' -what samples -where ppid=1
no '-where: "" is not' -what samples -where ''
no '-step: "--" is no duration' -step --

# ---- a run that grows ----------------------------------------------------------------------------

# shellcheck disable=SC2016
start mstat -q -freq 20 -o grow.mstat -- sh -c 'until [ -e "$1" ]; do sleep 0.05; done' sh run.done
mstat=$started
ok "a run that goes on" wait_for 20 test -s grow.mstat
echo old >followed.tsv
chmod 644 followed.tsv
args=(-what samples -columns "time_ns,comm,rss_bytes" -where "comm=sh" -from 0.2)
start mstat-decode -follow "${args[@]}" -o followed.tsv grow.mstat
follower=$started
start mstat-decode -follow -step 500ms -o steps.tsv grow.mstat
thinner=$started
more() { [ "$(wc -l <"$1")" -gt "$2" ]; }
ok "is followed with a choice of columns and rows" wait_for 20 more followed.tsv 10
ok "in steps too" wait_for 20 more steps.tsv 2
ok "it goes on" kill -0 "$mstat"
: >run.done
wait "$mstat" "$follower" "$thinner"
is "the file is its owner's alone" "$(stat -c %a followed.tsv)" 600
ok "the same as of the whole file" cmp followed.tsv <(mstat-decode "${args[@]}" grow.mstat)
ok "in steps too" cmp steps.tsv <(mstat-decode -step 500ms grow.mstat)

# ---- files ---------------------------------------------------------------------------------------

echo old >some.tsv
chmod 644 some.tsv
exits "a file" 0 mstat-decode -o some.tsv run.mstat
ok "... is whole" cmp some.tsv ticks.tsv
is "... its owner's alone" "$(stat -c %a some.tsv)" 600
ln -s some.tsv link.tsv
exits "a link" 0 mstat-decode -what events -o link.tsv run.mstat
ok "... stays one" test -L link.tsv
ok "... to what was written" cmp some.tsv events.tsv
exits "a device" 0 mstat-decode -o /dev/null run.mstat
ok "... stays one" test -c /dev/null
# Beyond it the disk is full, as far as the program knows.
# shellcheck disable=SC2016
exits "a disk that is full" 1 bash -c 'trap "" XFSZ; ulimit -f 1; mstat-decode -what samples -o some.tsv run.mstat'
is "... gets one line" "$(wc -l <<<"$err")" 1
ok "... and leaves the file as it was" cmp some.tsv events.tsv
exits "the run file itself" 1 mstat-decode -o run.mstat run.mstat
like "... is not written over" "$err" 'run file itself'
exits "... and is whole" 0 mstat-decode run.mstat
exits "a folder that is not there" 1 mstat-decode -o nowhere/x.tsv run.mstat
mkfifo pipe
exec 3<>pipe
cat run.mstat >&3 &
start mstat-decode -format sqlite -o ended.db pipe
ok "a file is written aside" wait_for 10 sh -c 'ls .ended.db.*'
stop "$started"
is "... a signal ends it" "$status" 143
ok "... and there is no file" test ! -e ended.db
cat run.mstat >&3 &
start mstat-decode -o killed.tsv pipe
# Where the file system can it has no name as yet.
# shellcheck disable=SC2016
ok "text too" wait_for 10 sh -c 'ls .killed.tsv.* || ls -l "/proc/$1/fd" | grep "$2/.*deleted"' sh "$started" "$TMP"
if [ -n "$(find . -name '.killed.tsv.*')" ]; then
	skip "... and nothing is left by SIGKILL" "no nameless files here"
	stop "$started"
else
	stop "$started" KILL
	is "... and nothing is left by SIGKILL" "$(find . -name '*killed*')" ''
fi
exec 3>&-
is "nothing else is left" "$(find . -name '.*.tsv.*' -o -name '.*.db.*')" ''
