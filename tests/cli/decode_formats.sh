#!/bin/bash
# SPDX-License-Identifier: ISC
# mstat-decode's other formats, each read back by somebody else's reader, or one of the test's own.
# timeout: 180
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"
command -v python3 >/dev/null || skip_all "no python3"

cat >grow.py <<'END_OF_PROGRAM'
import time
held = []
for i in range(10):
    held.append(bytearray(2000000))
    time.sleep(0.03)
END_OF_PROGRAM
# A name that every format has to escape.
strange=$'a"b\\c\nd\xff'
cp "$(command -v sleep)" "$strange"
# shellcheck disable=SC2016
exits "a run" 0 mstat -q -freq 50 -o run.mstat -- \
	sh -c 'python3 grow.py & mstat-mark "first mark"; "./$1" 0.3; wait; mstat-mark second; sleep 0.2' sh "$strange"
for what in ticks samples processes events phases peak summary; do
	mstat-decode -what $what run.mstat >$what.tsv
done

# A disk that is full, as far as the program knows: FILE stays what it was.
full() {
	echo old >"$2"
	# shellcheck disable=SC2016
	exits "$1: a disk that is full" 1 bash -c 'trap "" XFSZ; ulimit -f 1; mstat-decode -format "$1" -o "$2" run.mstat' sh "$1" "$2"
	is "$1: ... gets one line" "$(grep -c . <<<"$err")" 1
	is "$1: ... and leaves the file as it was" "$(cat "$2")" old
	is "$1: ... and nothing beside it" "$(find . -name ".$2.*")" ''
}
no() {
	local why=$1
	shift
	exits "$*" 2 mstat-decode "$@" run.mstat
	like "... says why, in a line" "$err" "^mstat-decode: ${why}[^"$'\n'"]*$"
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
