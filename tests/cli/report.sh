#!/bin/bash
# SPDX-License-Identifier: ISC
# mstat-report without a browser: what a page has in it, hostile names, bad files, and what long runs take.
# shellcheck source=tests/cli/report_lib disable=SC2154,SC2016
. "$(dirname "$0")/report_lib"
page=$SRC/tests/cli/report_page.py

# ---- a page --------------------------------------------------------------------------------------

umask 022
mkdir own
exits "a run with marks" 3 mstat -q -freq 50 -o own/run.mstat -- sh -c 'mstat-mark begin; sleep 0.3; sh -c "sleep 0.3; :"; exit 3'
ok "a page of it" mstat-report own/run.mstat
is "... which stands beside it" "$(ls -A own)" $'run.html\nrun.mstat'
is "... is its owner's alone" "$(stat -c %a own/run.html)" 600
is "... and nothing was said" "$out$err" ""
ok "its policy" "$page" policy own/run.html
is "... is strict, and of what is in it" "$out" ""
is "the command is there" "$("$page" value own/run.html info | grep -c 'sh -c')" 1
is "the mark is there" "$("$page" value own/run.html events | grep -o '"text": "begin"')" '"text": "begin"'
is "it is whole" "$("$page" value own/run.html cut)" null

# columns NAME...: of a table on stdin
columns() {
	awk -F '\t' -v names="$*" '
		NR == 1 { n = split(names, want, " "); for (i = 1; i <= NF; i++) at[$i] = i }
		{ for (i = 1; i <= n; i++) printf "%s%s", $at[want[i]], i < n ? "\t" : "\n" }'
}
"$page" tree own/run.html >tree.tsv
# shellcheck disable=SC2046 # names
mstat-decode own/run.mstat | columns $(head -n 1 tree.tsv) >ticks.tsv
ok "it has the ticks, and of each what mstat-decode tells" cmp tree.tsv ticks.tsv
ok "there are some" test "$(wc -l <tree.tsv)" -gt 10
ok "a pipe" sh -c 'cat own/run.mstat | mstat-report -o pipe.html'
ok "... is the same" cmp pipe.html own/run.html
ok "-o stands where it likes" mstat-report own/run.mstat -o after.html
ok "standard output" sh -c 'mstat-report -o /dev/stdout own/run.mstat | cmp - own/run.html'
ln -s later.html link.html && echo old >later.html
ok "a page through a link" mstat-report -o link.html own/run.mstat
is "... is where that leads" "$(readlink link.html; cmp later.html own/run.html)" later.html
echo first >log
ok "what standard output is already" sh -c 'ln -s /proc/self/fd/1 itself; mstat-report -o itself own/run.mstat >>log'
is "... is written on" "$(readlink itself; head -n 1 log; tail -n +2 log | cmp - own/run.html)" $'/proc/self/fd/1\nfirst'
echo old >replaced.html && chmod 644 replaced.html
ok "a page in place of another file" mstat-report -o replaced.html own/run.mstat
is "... is its owner's alone, too" "$(stat -c %a replaced.html)" 600

# ---- names that others chose -----------------------------------------------------------------------

evil='</script><script>alert(1)</script><!--'
cp "$(command -v sleep)" '<img src=x>'
printf -v long '%04000d' 7
ok "hostile names" mstat -q -freq 50 -o evil.mstat -- sh -c '
	mstat-mark "$1"
	"./<img src=x>" 0.2
	sh -c "sleep 0.2; :" "$1" "$(printf "\001\033[31m\377\302\205\t")x" "$2"' sh "$evil" "$long"
ok "a page of them" mstat-report evil.mstat
is "... has no element more" "$(grep -o '<script\|<!--\|<img' evil.html | sort | uniq -c)" \
	"$(grep -o '<script\|<!--\|<img' own/run.html | sort | uniq -c)"
unlike "... nor a word of theirs that is not packed" "$(cat evil.html)" 'alert\(1\)'
ok "its policy" "$page" policy evil.html
is "... is as strict" "$out" ""
argv=$("$page" value evil.html processes | python3 -c 'import json, sys
print(max((p["argv"] for p in json.load(sys.stdin) if "ff" in p["argv"] and "sleep 0.2; :" in p["argv"][:30]), key=len))')
like "arguments are told as they are" "$argv" '</script><script>alert\(1\)</script><!--'
like "... but for what is no text" "$argv" '\\x01\\x1b\[31m\\xff\\xc2\\x85\\x09x '
ok "... as long as they are recorded" test ${#argv} -gt 4000

# ---- what is no run file, or not all of it ----------------------------------------------------------

mkdir bad && cd bad || exit 1
size=$(stat -c %s ../own/run.mstat)
report_bad ../own/run.mstat html
head -c $((size - 5)) ../own/run.mstat >cut.mstat
exits "a cut file: exit 3" 3 mstat-report cut.mstat
like "... one line" "$err" $'^mstat-report: cut.mstat: cut at byte [0-9]+[^\n]*$'
like "... a page of what is whole, which says so" "$("$page" value cut.html cut)" 'at byte [0-9]+: '
{ cat ../own/run.mstat && printf 'not of it, and no frame either'; } >bad.mstat
exits "a file that is corrupt at its end: exit 1" 1 mstat-report bad.mstat
like "... one line" "$err" $'^mstat-report: bad.mstat: corrupt at byte [0-9]+[^\n]*$'
like "... a page of what is whole, which says so" "$("$page" value bad.html cut)" 'corrupt at byte [0-9]+: '
is "... all that mstat-decode has" "$("$page" value bad.html rows)" "$(mstat-decode bad.mstat 2>/dev/null | tail -n +2 | wc -l)"
rm -f cut.html cut.mstat bad.*
exits "a missing file" 1 mstat-report nothing.mstat
like "... is named" "$err" 'nothing.mstat: No such file'
exits "the run file as its page" 1 mstat-report -o ../own/run.mstat ../own/run.mstat
exits "a folder that is not there" 1 mstat-report -o nowhere/page.html ../own/run.mstat
exits "a full disk" 1 mstat-report -o /dev/full ../own/run.mstat
like "... says so" "$err" 'No space left on device'
ln -s kept.html link.html
echo old >kept.html
exits "a link" 0 mstat-report -o link.html ../own/run.mstat
ok "... stays one, to what was written" test -L link.html -a "$(stat -c %s kept.html)" -gt 1000
rm -f link.html kept.html
exits "killed while it writes" 153 sh -c 'ulimit -f 20; mstat-report -o page.html ../own/run.mstat; exit $?'
is "... none of these leaves anything" "$(ls -A)" ""
ok "the run file is as it was" mstat-decode ../own/run.mstat
exits "two files" 2 mstat-report one two
exits "an unknown flag" 2 mstat-report -bogus ../own/run.mstat
exits "an abbreviated flag" 2 mstat-report -vers
exits "standard input without -o" 2 sh -c 'mstat-report <../own/run.mstat'
exits "-h" 0 mstat-report -h
like "... prints the usage" "$out" 'usage: mstat-report'
exits "-version" 0 mstat-report -version
cd .. || exit 1

# ---- who held the peak ---------------------------------------------------------------------------------

# More than a page follows one by one are larger, one at a time, than those that are there at the peak.
ok "a run of many" mstat -q -freq 100 -o shift.mstat -- sh -c '
	for i in $(seq 52); do "$1" 12 50 0; done; for i in 1 2 3; do "$1" 9 1000 0 & done; wait' sh "$TARGETS/collect_hold"
mstat-report shift.mstat
"$page" value shift.html processes | python3 -c 'import json, sys
for process in json.load(sys.stdin): print(process["pid"], process["band"])' >bands
is "who held the peak is told one by one" "$(mstat-decode -what peak shift.mstat | columns pid comm | grep collect_hold | cut -f 1 |
	while read -r pid; do awk -v pid="$pid" '$1 == pid && $2 > 0 { print "told" }' bands; done | sort | uniq -c | tr -s ' ')" " 3 told"
is "... and no more than 48 in all" "$(awk '$2 > 0 { n++ } END { print n }' bands)" 48

# ---- long runs ---------------------------------------------------------------------------------------

ok "200000 ticks of 5 columns" "$BUILD/tests/bench/report_file" long.mstat 200000 5 0
ok "... are all in the page" mstat-report long.mstat
is "... and all that they tell" "$("$page" value long.html rows)" 200000
ok "... of 2 MB at most" test "$(stat -c %s long.html)" -le 2000000
ok "two million ticks" "$BUILD/tests/bench/report_file" huge.mstat 2000000 5 0
ok "... in no more memory than that" sh -c 'ulimit -v 150000; exec mstat-report huge.mstat'
ok "... make a page of 8 MB at most" test "$(stat -c %s huge.html)" -le 8000000
ok "half a million ticks" "$BUILD/tests/bench/report_file" some.mstat 500000 5 0
ok "... in a page" mstat-report some.mstat
"$page" tree some.html | columns time rss anon_bytes kernel >some
mstat-decode some.mstat | columns time rss anon_bytes kernel >all
for column in 2 3 4; do
	highest='NR > 1 && $n + 0 > max { max = $n } END { printf "%.0f", max }'
	is "... with the highest $(head -n 1 all | cut -f $column)" "$(awk -v n=$column "$highest" some)" \
		"$(awk -v n=$column "$highest" all)"
done
is "... and only rows that there are" "$(awk 'NR == FNR { row[$0]; next } !($0 in row)' all some | head -n 3)" ""
ok "processes, too" "$BUILD/tests/bench/report_file" many.mstat 20000 11 300
ok "... are in a page" mstat-report many.mstat
ok "... of 4 MB at most" test "$(stat -c %s many.html)" -le 4000000
