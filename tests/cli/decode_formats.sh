#!/bin/bash
# SPDX-License-Identifier: ISC
# mstat-decode's other formats, each read back by somebody else's reader, or one of the test's own.
# timeout: 180
# shellcheck source=tests/cli/decode_lib disable=SC2154
. "$(dirname "$0")/decode_lib"

# A name that every format has to escape.
strange=$'a"b\\c\nd\xff'
cp "$(command -v sleep)" "$strange"
# shellcheck disable=SC2016
exits "a run" 0 mstat -q -freq 50 -o run.mstat -- \
	sh -c 'python3 grow.py & mstat-mark "first mark"; "./$1" 0.3; wait; mstat-mark second; sleep 0.2' sh "$strange"
for what in ticks samples processes events phases peak summary; do
	mstat-decode -what $what run.mstat >$what.tsv
done

like "a name that is no UTF-8 is escaped" "$(cat samples.tsv)" 'a"b\\\\c\\nd\\xff'
is "... so that a table is" "$(cat ./*.tsv | iconv -f UTF-8 -t UTF-8 2>&1 >/dev/null)" ''

# A disk that is full, as far as the program knows: FILE stays what it was.
full() {
	echo old >"$2"
	# shellcheck disable=SC2016
	exits "$1: a disk that is full" 1 bash -c 'trap "" XFSZ; ulimit -f 1; mstat-decode -format "$1" -o "$2" run.mstat' sh "$1" "$2"
	is "$1: ... gets one line" "$(grep -c . <<<"$err")" 1
	is "$1: ... and leaves the file as it was" "$(cat "$2")" old
	is "$1: ... and nothing beside it" "$(find . -name ".$2.*")" ''
}

# ---- sqlite --------------------------------------------------------------------------------------

# sums TSV: for each column how many cells there are, how many of them integers, and a sum of these
cat >sums.py <<'END_OF_PROGRAM'
import csv, re, sys
rows = list(csv.reader(open(sys.argv[1], encoding="latin-1", newline="\n"), delimiter="\t", quoting=csv.QUOTE_NONE))
print(len(rows) - 1)
for i, name in enumerate(rows[0]):
    cells = [row[i] for row in rows[1:] if row[i]]
    numbers = [int(c) for c in cells if re.fullmatch("-?[0-9]+", c)]
    print(name, len(cells), len(numbers), sum(abs(n) % 1000003 for n in numbers), sep="|")
END_OF_PROGRAM
# The same of a table of the database.
sums() {
	local name
	sqlite3 "$1" "SELECT count(*) FROM $2"
	sqlite3 "$1" "SELECT name FROM pragma_table_info('$2')" | while read -r name; do
		sqlite3 "$1" "WITH cells AS (SELECT \"$name\" AS c, ltrim(\"$name\", '-') AS digits FROM $2 WHERE c IS NOT NULL AND c != ''),
			numbers AS (SELECT abs(CAST(c AS INTEGER)) AS n FROM cells WHERE digits GLOB '[0-9]*' AND digits NOT GLOB '*[^0-9]*')
			SELECT '$name', (SELECT count(*) FROM cells), count(*), coalesce(sum(n % 1000003), 0) FROM numbers"
	done
}

exits "sqlite" 0 mstat-decode -format sqlite -o run.db run.mstat
is "... for its owner alone" "$(stat -c %a run.db)" 600
if command -v sqlite3 >/dev/null; then
	is "... it is sound" "$(sqlite3 run.db 'PRAGMA integrity_check')" ok
	for what in ticks samples processes events phases peak summary; do
		python3 sums.py $what.tsv >want
		sums run.db $what >got
		ok "... has all of $what" diff want got
		ok "... and that is something" test "$(head -n 1 got)" -gt 0
	done
	is "numbers are numbers" "$(sqlite3 run.db 'SELECT DISTINCT typeof(rss_bytes) FROM samples WHERE rss_bytes > 0')" integer
	is "what is unknown is NULL" "$(sqlite3 run.db 'SELECT DISTINCT typeof(pss_bytes) FROM samples WHERE pss_bytes IS NULL')" null
	is "text is as it was" "$(sqlite3 run.db "SELECT count(*) > 0 FROM samples WHERE hex(comm) = '612262' || '5C630A64FF'")" 1
	is "a command is as a shell has it" "$(sqlite3 run.db "SELECT value LIKE 'sh -c ''%' FROM summary WHERE name = 'command'")" 1

	exits "rows of one process, a part, in steps" 0 mstat-decode -format sqlite -where comm=python3 -from 0.1 -step 100ms -o some.db run.mstat
	mstat-decode -what samples -where comm=python3 -from 0.1 -step 100ms run.mstat >some.tsv
	ok "... as in TSV" diff <(python3 sums.py some.tsv) <(sums some.db samples)
	mstat-decode -from 0.1 -step 100ms run.mstat >some.tsv
	ok "... and the tree's" diff <(python3 sums.py some.tsv) <(sums some.db ticks)

	size=$(stat -c %s run.mstat)
	head -c $((size - 5)) run.mstat >cut.mstat
	exits "a cut run" 3 mstat-decode -format sqlite -o cut.db cut.mstat
	is "... has all that is whole" "$(sqlite3 cut.db 'SELECT count(*) FROM ticks')" "$(($(wc -l <ticks.tsv) - 1))"
	exits "from a pipe, over what was there" 0 sh -c 'cat run.mstat | mstat-decode -format sqlite -o cut.db'
	is "... is the same" "$(sqlite3 cut.db .dump | cksum)" "$(sqlite3 run.db .dump | cksum)"
else
	skip "what the database holds" "no sqlite3"
fi
full sqlite full.db
no '-format sqlite needs a file: -o FILE' -format sqlite
no '-what is not for -format sqlite' -format sqlite -what ticks -o x.db
no '-columns is not for -format sqlite' -format sqlite -columns time -o x.db
no '-follow is not for -format sqlite' -format sqlite -follow -o x.db
exits "a device is none" 1 mstat-decode -format sqlite -o /dev/null run.mstat
like "... and it is said" "$err" 'regular file'

# ---- openmetrics ---------------------------------------------------------------------------------

# What the standard says, strictly, and then whether each value is that of the table.
cat >metrics.py <<'END_OF_PROGRAM'
import csv, re, sys
from decimal import Decimal
text = open(sys.argv[1], encoding="utf-8", newline="\n").read()
assert text.endswith("# EOF\n") and text.count("# EOF") == 1
families, kind, points, label = {}, None, {}, r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
last = None
for line in text.split("\n")[:-2]:
    meta = re.fullmatch("# (TYPE|UNIT|HELP) ([a-z_]+) (.+)", line)
    if meta:
        word, name, rest = meta.groups()
        if word == "TYPE":
            assert name not in families and rest in ("gauge", "counter"), line
            families[name], family, kind, seen = [], name, rest, set()
        assert name == family and word not in seen and not families[name], line
        seen.add(word)
        assert word != "UNIT" or name.endswith("_" + rest) and rest in ("bytes", "seconds", "ratio"), line
        continue
    point = re.fullmatch(r"([a-z_]+)(?:\{(%s(?:,%s)*)\})? (-?[0-9]+(?:\.[0-9]+)?) ([0-9]+\.[0-9]+)" % (label, label), line)
    assert point, line
    name, labels, value, time = point.groups()
    assert name == family + ("_total" if kind == "counter" else ""), line
    names = [pair.split("=")[0] for pair in re.findall(label, labels or "")]
    assert len(names) == len(set(names)), line
    metric = (name, labels)
    if metric != last:  # all points of a metric together, in order
        assert metric not in points, line
        points[metric], last = [], metric
    assert not points[metric] or points[metric][-1][0] < Decimal(time), line
    assert kind != "counter" or Decimal(value) >= 0
    points[metric].append((Decimal(time), Decimal(value)))
    families[family].append(line)
assert points

# (column, metric, its label, nanoseconds): each point of it, and no other
table, key, start = sys.argv[2], sys.argv[3], Decimal(sys.argv[4])
rows = list(csv.DictReader(open(table, encoding="latin-1", newline="\n"), delimiter="\t", quoting=csv.QUOTE_NONE))
for spec in sys.argv[5:]:
    column, name, wanted, scale = spec.split(",")
    want = {}
    for row in rows:
        if row[column]:
            who = (row["process"], row["pid"]) if key == "process" else ()
            time = (start + int(row["time_ns" if who else "time"])) / 10**9
            value, known = Decimal(row[column]) / int(scale), want.setdefault(who, {}).get(time)
            # Of two rows of an instant a counter's last, else the largest.
            want[who][time] = value if known is None or name.endswith("_total") else max(value, known)
    got = {}
    for (metric, labels), values in points.items():
        if metric == name and (not wanted or wanted in labels.split(",")):
            who = tuple(re.search('%s="(.*?)"' % l, labels).group(1) for l in ("process", "pid")) if key == "process" else ()
            got.setdefault(who, {}).update(values)
    assert got == want and want, (spec, len(got), len(want))
END_OF_PROGRAM
promtool=$(command -v promtool)
# As much of it as the older text format has, for promtool's check of names and helps.
plain() {
	sed -E '/^# (UNIT|EOF)/d; s/^(# (TYPE|HELP) [a-z_]+)( counter$)/\1_total\3/; s/ [0-9.]+$//' "$1" |
		awk '$2 == "TYPE" { counter = $4 == "counter" } $2 == "HELP" && counter { $3 = $3 "_total" } { print }'
}
start_ns=$(sed -n 's/^start_realtime_ns\t//p' summary.tsv)
prom() {
	if [ -z "$promtool" ]; then
		skip "promtool: $1" "no promtool (Debian: prometheus, 100 MB)"
		return
	fi
	plain "$1" | awk '!/^#/ { sub(/ [^ ]*$/, " 1"); if (seen[$0]++) next } { print }' >plain.prom
	ok "promtool finds no fault with the names: $1" sh -c "'$promtool' check metrics <plain.prom"
	ok "... and takes all of it" "$promtool" tsdb create-blocks-from openmetrics "$1" "blocks.$1"
}

exits "openmetrics of ticks" 0 mstat-decode -format openmetrics -o ticks.om run.mstat
is "... for its owner alone" "$(stat -c %a ticks.om)" 600
ok "... is as the standard has it, and tells the same" python3 metrics.py ticks.om ticks.tsv tree "$start_ns" \
	rss,mstat_cgroup_memory_current_bytes,,1 'sum_rss_bytes,mstat_tree_memory_rss_bytes,,1' \
	processes,mstat_tree_processes,,1 "$([ "$(awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "anon_bytes") at = i } END { print $at }' ticks.tsv)" ] &&
		echo 'anon_bytes,mstat_cgroup_memory_stat_bytes,type="anon",1' || echo 'processes,mstat_tree_processes,,1')"
prom ticks.om
exits "openmetrics of samples" 0 mstat-decode -format openmetrics -what samples -o samples.om run.mstat
ok "... is as the standard has it, and tells the same" python3 metrics.py samples.om samples.tsv process "$start_ns" \
	rss_bytes,mstat_process_memory_rss_bytes,,1 'minor_faults,mstat_process_page_faults_total,type="minor",1' \
	hwm_bytes,mstat_process_memory_rss_peak_bytes,,1 pss_bytes,mstat_process_memory_pss_bytes,,1 cpu_ns,mstat_process_cpu_seconds_total,,1000000000
like "... with a name that has to be escaped" "$(cat samples.om)" 'comm="a\\"b\\\\c\\nd'
prom samples.om
ok "a run of a Go program" "$BUILD/tests/bench/report_file" go.mstat 60 5 2 1
mstat-decode -what samples go.mstat >go.tsv
mstat-decode -what samples -format openmetrics -o go.om go.mstat
ok "... is as the standard has it, and tells the same" python3 metrics.py go.om go.tsv process 0 \
	go_gc_cpu_fraction_ppb,mstat_process_go_gc_cpu_ratio,,1000000000 go_num_gc,mstat_process_go_gcs_total,,1
prom go.om
exits "openmetrics of the summary" 0 mstat-decode -format openmetrics -what summary run.mstat
cp out summary.om
ok "... is as the standard has it" python3 metrics.py summary.om summary.tsv run "$start_ns"
like "... with what the run was" "$(cat summary.om)" 'mstat_run_info\{.*kernel="'"$(uname -r)"
is "... the peak" "$(sed -n 's/^mstat_run_memory_peak_sampled_bytes \([0-9]*\) .*/\1/p' summary.om)" \
	"$(sed -n 's/^peak_sampled_bytes\t//p' summary.tsv)"
is "... each process is counted once by how it was measured" \
	"$(awk '/^mstat_run_processes_measured\{/ { n += $2 } END { print n }' summary.om)" "$(sed -n 's/^processes\t//p' summary.tsv)"
prom summary.om
exits "a choice" 0 mstat-decode -format openmetrics -what samples -columns rss_bytes -where comm=python3 -step 100ms run.mstat
is "... has one family" "$(sed -n 's/^# TYPE //p' <<<"$out")" 'mstat_process_memory_rss_bytes gauge'
is "... of one name" "$(sed -n 's/.*comm="\(.*\)"} .*/\1/p' <<<"$out" | sort -u)" python3

# What is no UTF-8 looks alike in labels.
cp "$(command -v bash)" $'\xff'
cp "$(command -v bash)" $'\xfe'
# shellcheck disable=SC2016
echo 'sleep 0.2; [ $# = 0 ] || exec "./$1" again.sh "${@:2}"' >again.sh
exits "a process of several names" 0 mstat -q -freq 50 -o again.mstat -- $'./\xff' again.sh $'\xfe' $'\xff'
mstat-decode -what samples again.mstat >again.tsv
is "... that are none" "$(cut -f 4,6 again.tsv | sed -n 's/^1\t/1 /p' | sort -u)" $'1 \\xfe\n1 \\xff'
mstat-decode -what samples -format openmetrics -o again.om again.mstat
ok "... is as the standard has it" python3 metrics.py again.om again.tsv process \
	"$(mstat-decode -what summary again.mstat | sed -n 's/^start_realtime_ns\t//p')" rss_bytes,mstat_process_memory_rss_bytes,,1
prom again.om

exits "no folder for what is kept meanwhile" 1 env TMPDIR="$TMP/nowhere" mstat-decode -format openmetrics -o nowhere.om run.mstat
is "... is what the line is about" "$err" \
	"mstat-decode: $TMP/nowhere, for what is kept meanwhile (TMPDIR): No such file or directory"
ok "... and there is no file" test ! -e nowhere.om
# shellcheck disable=SC2016
exits "no room there" 1 bash -c 'set -o pipefail; trap "" XFSZ; ulimit -f 1; TMPDIR=. mstat-decode -format openmetrics -what samples run.mstat | cat'
is "... is no fault of the output" "$err" "mstat-decode: ., for what is kept meanwhile (TMPDIR): File too large"
full openmetrics full.om
exits "nobody who reads it" 1 bash -c 'set -o pipefail; mstat-decode -format openmetrics -what samples run.mstat | true'
is "... gets one line" "$(grep -c 'standard output: Broken pipe' <<<"$err") $(wc -l <<<"$err")" "1 1"
no '-format openmetrics is not for -what events \(ticks, samples, summary\)' -format openmetrics -what events
no '-follow is not for -format openmetrics' -format openmetrics -follow

# ---- perfetto ------------------------------------------------------------------------------------

# The bytes by the rules of protobuf, the fields by the numbers of perfetto_trace.proto.
cat >trace.py <<'END_OF_PROGRAM'
import csv, sys
def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128: return value, at
def message(data):
    at, fields = 0, {}
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0: value, at = varint(data, at)
        else:
            assert key & 7 == 2, key
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
            assert len(value) == size
        fields.setdefault(key >> 3, []).append(value)
    return fields
one = lambda fields, number, default=None: fields.get(number, [default])[-1]
tracks, processes, counters, instants = {}, {}, {}, set()
trace = message(open(sys.argv[1], "rb").read())
assert set(trace) == {1}
for packet in map(message, trace[1]):
    assert one(packet, 10) == 1
    if 60 in packet:
        track = message(one(packet, 60))
        if 3 in track:
            process = message(one(track, 3))
            processes[one(track, 1)] = (one(process, 1), one(process, 6, b"").decode())
        if 8 in track:
            assert one(message(one(track, 8)), 3) == 3
            assert one(track, 5) in tracks, "a counter before its parent"
        tracks[one(track, 1)] = (one(track, 5), one(track, 2, b"").decode())
        continue
    event = message(one(packet, 11))
    parent, name = tracks[one(event, 11)]
    if one(event, 9) == 4:
        owner = processes[parent][0] if parent in processes else tracks[parent][1]
        counters.setdefault((owner, name), []).append((one(packet, 8), one(event, 30)))
    else:
        assert one(event, 9) == 3
        owner = processes[one(event, 11)][0] if one(event, 11) in processes else name
        instants.add((owner, one(packet, 8), one(event, 23).decode()))

read = lambda what: list(csv.DictReader(open(what + ".tsv", encoding="latin-1", newline="\n"), delimiter="\t", quoting=csv.QUOTE_NONE))
want = {}
for row in read("ticks"):
    for column, name in ("rss", "rss"), ("sum_pss_bytes", "sum of pss"), ("anon_bytes", "anon"):
        if row[column]: want.setdefault(("tree", name), []).append((int(row["time"]), int(row[column])))
for row in read("samples"):
    for column, name in ("rss_bytes", "rss"), ("pss_bytes", "pss"), ("rss_anon_bytes", "anon"):
        if row[column]: want.setdefault((int(row["pid"]), name), []).append((int(row["time_ns"]), int(row[column])))
assert counters == want, set(counters) ^ set(want)
assert len(want) > 6
summary = {row["name"]: row["value"] for row in read("summary")}
happened = {("tree", int(summary["peak_time_ns"]), "peak")}
for row in read("events"):
    name = row["text"] if row["kind"] == "mark" else row["kind"]
    pid = row["number"] if row["kind"] in ("start", "exec", "end") else row["pid"]
    happened.add((int(pid) if int(row["process"]) else "tree", int(row["time_ns"]), name))
told = {(row["process"], row["kind"]) for row in read("events")}
for row in read("processes"):
    for kind in ("start", "end") if row["ended"] == "1" else ("start",):
        if (row["id"], kind) not in told: happened.add((int(row["pid"]), int(row[kind + "_ns"]), kind))
assert instants == happened, instants ^ happened
assert ("first mark" in [name for _, _, name in instants]) and "end" in [name for _, _, name in instants]
names = dict(processes.values())
for row in read("processes"):
    assert names[int(row["pid"])] == row["comm"].encode("latin-1").decode("unicode_escape").encode("latin-1").decode(errors="replace")
END_OF_PROGRAM
exits "perfetto" 0 mstat-decode -format perfetto -o run.pb run.mstat
is "... for its owner alone" "$(stat -c %a run.pb)" 600
ok "... has every value and event of the tables" python3 trace.py run.pb
exits "to a pipe" 0 sh -c 'mstat-decode -format perfetto run.mstat | cmp - run.pb'
exits "in steps" 0 mstat-decode -format perfetto -step 1h -where comm=python3 -o some.pb run.mstat
ok "... is smaller" test "$(stat -c %s some.pb)" -lt $(($(stat -c %s run.pb) / 2))
exits "a part" 0 mstat-decode -format perfetto -from 0.2 -o part.pb run.mstat
is "... has nothing of before" "$(python3 - <<'END_OF_PROGRAM'
import sys
source = open("trace.py").read()
sys.argv = ["trace.py", "part.pb"]
exec(source[:source.index("read = lambda")])
times = [time for points in counters.values() for time, _ in points] + [time for _, time, _ in instants]
print(min(times) >= 200000000, len(times) > 10)
END_OF_PROGRAM
)" "True True"
full perfetto full.pb
no '-what is not for -format perfetto' -format perfetto -what ticks
no '-columns is not for -format perfetto' -format perfetto -columns time
no '-follow is not for -format perfetto' -format perfetto -follow
exits "a terminal" 2 python3 -c '
import pty, sys, os
sys.exit(os.waitstatus_to_exitcode(pty.spawn(["mstat-decode", "-format", "perfetto", "run.mstat"])))'
like "... is not written to" "$out" 'not for a terminal'
