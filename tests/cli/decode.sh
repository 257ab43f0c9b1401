#!/bin/bash
# SPDX-License-Identifier: ISC
# mstat-decode on a record of mstat's: every table in every format, bad arguments, bad files.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mstat -q -freq 59 -o run.mstat -- sh -c 'sleep 0.3; sh -c "sleep 0.3; :"; exit 0'

ok 'zstd -t accepts a run file' zstd -q -t run.mstat
is 'a run file is its owner'"'"'s alone' "$(stat -c %a run.mstat)" 600

columns() { head -n 1 "$1" | awk -F'\t' '{ print NF }'; }
for what in ticks samples processes events phases summary; do
	exits "-what $what: TSV" 0 mstat-decode -what $what run.mstat
	printf '%s\n' "$out" >$what.tsv
	ok "-what $what: every line has as many columns as the first" \
		awk -F'\t' -v n="$(columns $what.tsv)" 'NF != n { exit 1 } END { exit NR < 2 }' $what.tsv
	exits "-what $what: JSON lines" 0 mstat-decode -what $what -format jsonl run.mstat
	printf '%s\n' "$out" >$what.jsonl
	ok "-what $what: each line is a JSON object" python3 -c '
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
assert rows and all(isinstance(row, dict) for row in rows)' $what.jsonl
	exits "-what $what: CSV" 0 mstat-decode -what $what -format csv run.mstat
	printf '%s\n' "$out" >$what.csv
	ok "-what $what: CSV and TSV have the same cells" python3 -c '
import csv, sys
tsv = [line.rstrip("\n").split("\t") for line in open(sys.argv[1])]
rows = list(csv.reader(open(sys.argv[2])))
assert len(tsv) == len(rows) and [len(r) for r in tsv] == [len(r) for r in rows]' $what.tsv $what.csv
done
is 'ticks begin with time, rss, kernel' "$(cut -f 1-3 ticks.tsv | head -n 1)" $'time\trss\tkernel'
# shellcheck disable=SC2016
ok 'times of ticks ascend' awk -F'\t' 'NR > 2 && $1 <= t { exit 1 } { t = $1 }' ticks.tsv
like 'the summary holds the exit status' "$(cat summary.tsv)" $'exit_status\t0'
like 'the command is there, quoted' "$(cat summary.tsv)" "sh -c 'sleep 0.3"

exits 'reads a pipe' 0 sh -c 'cat run.mstat | mstat-decode | cmp - ticks.tsv'
exits 'flags as Go takes them' 0 sh -c 'mstat-decode --what=ticks --format tsv run.mstat | cmp - ticks.tsv'

exits 'an unknown table' 2 mstat-decode -what nonsense run.mstat
like '... is named' "$err" 'nonsense'
exits 'an unknown format' 2 mstat-decode -format xml run.mstat
exits 'an unknown flag' 2 mstat-decode -bogus run.mstat
exits 'an abbreviated flag' 2 mstat-decode -w ticks run.mstat
exits 'a missing file' 1 mstat-decode nothing.mstat
like '... is named' "$err" 'nothing.mstat.*No such file'
exits 'a folder' 1 mstat-decode .
exits 'full output' 1 sh -c 'mstat-decode run.mstat >/dev/full'
exits 'something else than a run file' 1 mstat-decode ticks.tsv
is '... gets one line' "$(printf '%s\n' "$err" | wc -l)" 1
exits 'an empty file' 3 sh -c ': | mstat-decode'
like '... is said to be so' "$err" '^mstat-decode: standard input: cut at byte 0: it is empty'

size=$(stat -c %s run.mstat)
head -c $((size - 5)) run.mstat >cut.mstat
exits 'a cut file: exit 3' 3 mstat-decode cut.mstat
like '... and a line that says so, and where' "$err" 'cut.mstat: .*cut.*byte [0-9]+|cut.mstat: .*byte [0-9]+.*cut'
printf '%s\n' "$out" >cut.tsv
is '... after all rows that are whole' "$(wc -l <cut.tsv)" "$(wc -l <ticks.tsv)"

cp run.mstat bad.mstat
printf '\xff\xff\xff\xff' | dd of=bad.mstat bs=1 seek=$((size / 2)) conv=notrunc status=none
exits 'a corrupt file: exit 1' 1 mstat-decode bad.mstat
like '... names the byte' "$err" 'bad.mstat: .*byte [0-9]+'

exits '-h' 0 mstat-decode -h
like '... prints the usage' "$out" '-what'
exits '-version' 0 mstat-decode -version
