#!/bin/bash
# SPDX-License-Identifier: ISC
# Pictures of mstat-report: what is drawn is what was recorded; names, terminals, bad files.
# shellcheck source=tests/cli/report_lib disable=SC2154,SC2016
. "$(dirname "$0")/report_lib"
figure=$SRC/tests/cli/report_figure.py

# peak_of FILE COLUMN: time and value of the row with the highest
peak_of() {
	mstat-decode -columns "time,$2" "$1" | awk -F '\t' 'NR > 1 && $2 + 0 > max { max = $2; row = $0 } END { print row }'
}
# row_at FILE COLUMN TIME: its value then
row_at() {
	mstat-decode -columns "time,$2" "$1" | awk -F '\t' -v time="$3" '$1 == time { print $2 }'
}
seconds() { awk -v ns="$1" 'BEGIN { printf "%.3f", ns / 1e9 }'; }
highest() { "$figure" highest "$@"; }
wide() { python3 -c 'import sys; print(max(len(line.rstrip("\n")) for line in open(sys.argv[1], encoding="utf-8")))' "$1"; }

# ---- a picture -----------------------------------------------------------------------------------

umask 022
mkdir own
exits "a run with marks" 3 mstat -q -freq 50 -o own/run.mstat -- sh -c 'mstat-mark begin; python3 -c "
import time
held = bytearray(96 << 20)
time.sleep(0.4)
del held
time.sleep(0.2)"; mstat-mark after; exit 3'
ok "a picture of it" mstat-report -format svg own/run.mstat
is "... which stands beside it" "$(ls -A own)" $'run.mstat\nrun.svg'
is "... is its owner's alone" "$(stat -c %a own/run.svg)" 600
is "... and nothing was said" "$out$err" ""
ok "it is XML" "$figure" elements own/run.svg
is "... of shapes and text" "$out" "g path rect svg text title"
ok "it is small" test "$(stat -c %s own/run.svg)" -lt 300000
ok "once more" mstat-report -format=svg -o again.svg own/run.mstat
ok "... is the same" cmp again.svg own/run.svg

read -r time peak <<<"$(peak_of own/run.mstat rss)"
at=$(seconds "$time")
within "the highest point is the peak" "$(highest own/run.svg 0 total | cut -d ' ' -f 1)" "$peak" 0.3
within "... when that was" "$("$figure" at own/run.svg 0 total "$at")" "$peak" 0.3
within "... and there is its mark" "$(highest own/run.svg 0 'sampled peak' | cut -d ' ' -f 2)" "$at" 0.5
anon=anon_bytes
[ -n "$(row_at own/run.mstat "$anon" "$time")" ] || anon=sum_rss_anon_bytes
within "anonymous memory at the peak" "$("$figure" at own/run.svg 0 anonymous "$at")" \
	"$(row_at own/run.mstat "$anon" "$time")" 1
name=$("$figure" titles own/run.svg | grep '^python3\[' | tail -n 1) # the largest is drawn last
ok "there is the program" test -n "$name"
read -r drawn _ <<<"$(highest own/run.svg 1 "$name")"
ok "... which held what it did" test "$drawn" -gt $((96 << 20))
texts=$("$figure" texts own/run.svg)
like "it tells the command" "$texts" '^sh -c mstat-mark begin; python3 -c "\\x0aimport time\\x0aheld'
like "... the end" "$texts" $'\nexit status 3 after [0-9.]+ s; [0-9]+ processes\n'
like "... the peak" "$texts" $'\npeak .*sampled, at '"$at"
like "... the marks" "$texts" $'\nbegin\n(.*\n)?after\n'
exact=$(mstat-decode -what summary own/run.mstat | awk -F '\t' '$1 == "peak_exact_bytes" { print $2 }')
if [ -n "$exact" ]; then
	within "the exact peak is a line" "$(highest own/run.svg 0 'exact peak' | cut -d ' ' -f 1)" "$exact" 0.3
else
	skip "the exact peak is a line" "the kernel does not tell it"
fi

# ---- in pixels -----------------------------------------------------------------------------------

reader=
for python in python3 /usr/bin/python3; do
	"$python" -c 'import PIL' 2>/dev/null && reader=$python
done
run mstat-report -format png own/run.mstat
if [[ $err == *libcairo* ]]; then
	is "pixels are refused" "$status" 2
	like "... in one line that says what to do" "$err" '^mstat-report: [^'$'\n'']*libcairo[^'$'\n'']*-format svg[^'$'\n'']*$'
	is "... and nothing is written" "$(ls own)" $'run.mstat\nrun.svg'
elif is "pixels" "$status$out$err" 0 && [ -n "$reader" ]; then
	middle=$(seconds "$(mstat-decode -columns time,rss own/run.mstat |
		awk -F '\t' -v peak="$peak" '$2 > 0.95 * peak { time[n++] = $1 } END { print time[int(n / 2)] }')")
	read -r width height want fill inside below above <<<"$("$reader" "$figure" pixels own/run.svg own/run.png anonymous "$middle")"
	is "they are twice as many" "$width $height" "1276 ${want%.0}"
	is "they have the color of the band" "$inside" "$fill"
	is "... up to its end" "$below" "$fill"
	ok "... and no further" test "$above" != "$fill"
	is "they are their owner's alone" "$(stat -c %a own/run.png)" 600
else
	skip "what the pixels are" "no python3-pil"
fi

# ---- in characters ---------------------------------------------------------------------------------

ok "characters" mstat-report -format text own/run.mstat
cp out plain
is "... of ASCII in a locale that has no more" "$(LC_ALL=C grep -c '[^ -~]' plain)" 0
is "... 80 columns" "$(wide plain)" 80
like "... the exit status and the peak" "$out" $'\nexit status 3 after .*\npeak .*sampled, at '
like "... marks" "$out" $'\n *events +\^begin.*\^after'
like "... and who held what" "$out" $'\nHeld at the sampled peak, '"$at"$' s\n *[0-9.]+ MiB  '"${name//[][]/.}"
column=$(awk '/sampled peak .* v$/ { print length($0); exit } /v sampled peak/ { print index($0, "v sampled"); exit }' plain)
rows=$(awk -v at="$column" '/^Processes/ { exit } /\|/ && substr($0, at, 1) ~ /[#+:.]/ { n++ } END { print n + 0 }' plain)
tall=$(awk '/^Processes/ { exit } /\|/ { n++ } END { print n }' plain)
ok "at the peak they are as tall as the chart" test "$rows" -ge $((tall - 2))
ok "blocks" env LC_ALL=C.UTF-8 mstat-report -format text own/run.mstat
cp out blocks
like "... of eighths" "$(cat blocks)" '█'
is "... 80 columns" "$(wide blocks)" 80
is "... no color" "$(grep -c $'\033' blocks)" 0
ok "a terminal's width is not that of a pipe" env COLUMNS=120 mstat-report -format text own/run.mstat
is "... and all is the same" "$(cmp out plain)" ""
ok "a file" mstat-report -format text -o file.txt own/run.mstat
ok "... is the same" cmp file.txt plain
is "... and its owner's alone" "$(stat -c %a file.txt)" 600
ok "a pipe" sh -c 'cat own/run.mstat | mstat-report -format text | cmp - plain'

# on_tty COLUMNS VARIABLE=VALUE...: what a terminal of that width gets
on_tty() {
	local columns=$1
	shift
	env -u NO_COLOR -u COLUMNS TERM=xterm-256color LC_ALL=C.UTF-8 "$@" \
		script -qec "stty cols $columns; mstat-report -format text own/run.mstat" /dev/null </dev/null | tr -d '\r'
}
# shape FILE: of the first chart which cells are filled
shape() { awk '/^Memory/ { on = 1 } /^anonymous/ { exit } on' "$1" | sed 's/▁\|▂\|▃\|▄\|▅\|▆\|▇\|█/#/g'; }
if command -v script >/dev/null; then
	on_tty 80 >seen
	like "a terminal has colors" "$(cat seen)" $'\033\\[0;38;5;[0-9]+m'
	sed $'s/\033\\[[0-9;]*m//g' seen >bare
	is "... 80 columns, if it has so many" "$(wide bare)" 80
	is "... and each line ends without one" "$(awk '{ n = split($0, part, "\033\\["); if (n > 1 && part[n] !~ /^0m/) bad++ } END { print bad + 0 }' seen)" 0
	is "... and what is drawn is as tall as without" "$(shape bare)" "$(shape blocks)"
	on_tty 132 NO_COLOR=1 >seen
	is "NO_COLOR: none" "$(grep -c $'\033' seen)" 0
	is "... all of a wider one" "$(wide seen)" 132
	like "NO_COLOR, but empty: some" "$(on_tty 80 NO_COLOR=)" $'\033\\[0;38'
	is "a dumb terminal: none" "$(on_tty 80 TERM=dumb | grep -c $'\033')" 0
	is "COLUMNS" "$(on_tty 80 NO_COLOR=1 COLUMNS=100 >seen; wide seen)" 100
	is "not too few" "$(on_tty 10 NO_COLOR=1 >seen; wide seen)" 50
	is "nor too many" "$(on_tty 1000 NO_COLOR=1 >seen; wide seen)" 200
else
	skip "a terminal" "no script(1)"
fi

# ---- where labels are put ----------------------------------------------------------------------------

# Each byte of the first mark takes four cells.
ok "marks near each other" mstat -q -freq 50 -o early.mstat -- \
	sh -c 'sleep 0.1; mstat-mark "$1"; true; true; sleep 0.8; mstat-mark "$2"; sleep 0.05' sh $'\1\1\1\1\1\1\1\1\1\1\1\1ab' "the last one, which is long"
ok "... a picture" mstat-report -format svg early.mstat
is "... where none covers another" "$("$figure" hidden early.svg)" ""
ok "marks that need much room" mstat -q -freq 50 -o late.mstat -- \
	sh -c 'sleep 0.6; mstat-mark "$1"; sleep 0.35; mstat-mark "$2"; sleep 0.05' sh $'\1\1\1\1\1\1\1\1\1\1ab' "the last one, which is long"
ok "... in characters" mstat-report -format text late.mstat
like "... none of which are beside the chart, and another line is used" "$out" \
	$'\n {9}events {2,}\\^\n {17,}the last one, which is l\\.\\.\\.\\^\n'
others=$(mstat-decode -what summary early.mstat | awk -F '\t' '{ is[$1] = $2 } END { print is["processes"] - is["processes_sampled"] }')
if [ "$others" -gt 0 ]; then
	ok "processes that were not sampled" mstat-report -format text early.mstat
	like "... have no size" "$out" $'\n'"$others others?"$'\n'
else
	skip "processes that were not sampled have no size" "nothing is known of them here"
fi

# ---- names that others chose -----------------------------------------------------------------------

evil='</script><script>alert(1)</script><!-- & ]]>'
cp "$(command -v sleep)" '<img src=x>'
printf -v long '%04000d' 7
ok "hostile names" mstat -q -freq 50 -o evil.mstat -- sh -c '
	mstat-mark "$1"
	"./<img src=x>" 0.2
	sh -c "sleep 0.2; :" "$(printf "\001\033[31m\377\302\205\355\240\200\357\277\277\t")x" "$2"' sh "$evil" "$long"
ok "a picture of them" mstat-report -format svg evil.mstat
ok "... is XML" "$figure" elements evil.svg
is "... and has no element more" "$out" "g path rect svg text title"
texts=$("$figure" texts evil.svg)
like "a mark is told as it is" "$texts" $'\n</script><script>alert'
like "... and a process" "$texts" $'\n<img src=x>\['
ok "characters of them" env LC_ALL=C.UTF-8 mstat-report -format text evil.mstat
is "... control nothing" "$(LC_ALL=C tr -d '\n' <out | LC_ALL=C grep -c $'[\001-\037\177]\|\302[\200-\237]')" 0
is "... and are valid" "$(iconv -f UTF-8 -t UTF-8 out 2>&1 >/dev/null)" ""
is "... in 80 columns" "$(wide out)" 80
ok "control characters alone" mstat -q -freq 50 -o control.mstat -- sh -c 'sleep 0.2; :' "$(printf '\001\033[31m\377\302\205\355\240\200\357\277\277\t')x"
ok "... a picture of them" mstat-report -format svg control.mstat
ok "... is XML" "$figure" texts control.svg
like "... with what they are" "$out" '\\x01\\x1b\[31m\\xff\\xc2\\x85\\xed\\xa0\\x80\\xef\\xbf'

printf -v ideographs '字%.0s' {1..60}
ok "a command of ideographs" mstat -q -o ideographs.mstat -- sh -c : "$ideographs"
ok "... a picture" mstat-report -format svg ideographs.mstat
# The line has 618 units, each of them 15: that is 41, of three bytes.
ok "... is wide enough for it" test "$("$figure" texts ideographs.svg | head -n 1 | tr -d ' -~' | wc -c)" -le 124

# ---- runs with little in them ------------------------------------------------------------------------

# There is one a second.
ok "a run without a tick" wait_for 20 sh -c 'mstat -q -freq 1 -o none.mstat -- true && [ "$(mstat-decode none.mstat | wc -l)" = 1 ]'
ok "one tick" "$BUILD/tests/bench/report_file" one.mstat 1 5 1
ok "no process" "$BUILD/tests/bench/report_file" empty.mstat 100 5 0
for format in svg png text; do
	[ $format = png ] && [ ! -e own/run.png ] && continue
	for name in none one empty; do
		ok "$name: $format" mstat-report -format $format -o $name.$format $name.mstat
	done
done
like "... which say so" "$(cat none.text)" $'\nNothing was sampled of the tree.'
like "... of processes, too" "$(cat empty.text)" $'\nThe record has no process.'
read -r drawn _ <<<"$(highest one.svg 0 total)"
read -r _ peak <<<"$(peak_of one.mstat rss)"
within "one tick is drawn" "$drawn" "$peak" 0.5
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && chmod 777 . && chmod 755 "$TMP"; then
	mkdir -m 777 user
	exits "a run of somebody without a cgroup" 0 setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/ \
		mstat -q -freq 50 -o user/run.mstat -- sh -c 'sleep 0.5; :'
	if mstat-decode -what summary user/run.mstat | grep -q $'^cgroup_mode\tnone'; then
		ok "... in characters" mstat-report -format text user/run.mstat
		like "... which say so" "$out" $'\nNo cgroup: '
		ok "... a picture" mstat-report -format svg -o user.svg user/run.mstat
		read -r _ peak <<<"$(peak_of user/run.mstat rss)"
		within "... of the sum of RSS" "$(highest user.svg 0 total | cut -d ' ' -f 1)" "$peak" 0.5
	fi
fi

# ---- long ones ---------------------------------------------------------------------------------------

ok "a quarter of a million ticks" "$BUILD/tests/bench/report_file" long.mstat 250000 5 0
ok "... in a picture" mstat-report -format svg long.mstat
ok "... of 150 kB at most" test "$(stat -c %s long.svg)" -le 150000
read -r time peak <<<"$(peak_of long.mstat rss)"
read -r drawn _ <<<"$(highest long.svg 0 total)"
within "... with the peak" "$drawn" "$peak" 0.5
within "... when that was" "$("$figure" at long.svg 0 total "$(seconds "$time")")" "$peak" 0.5
ok "300 processes" "$BUILD/tests/bench/report_file" many.mstat 5000 11 300
ok "... in a picture" mstat-report -format svg many.mstat
ok "... of 400 kB at most" test "$(stat -c %s many.svg)" -le 400000
is "... the largest, and the others" "$("$figure" titles many.svg | sort -u | grep -c '^worker\|^288 others')" 13

# ---- what is no run file, and what cannot be written -------------------------------------------------

mkdir bad && cd bad || exit 1
for format in svg text; do
	report_bad ../own/run.mstat $format
done
head -c $(($(stat -c %s ../own/run.mstat) - 5)) ../own/run.mstat >cut.mstat
exits "a cut file: exit 3" 3 mstat-report -format svg cut.mstat
like "... one line" "$err" $'^mstat-report: cut.mstat: cut at byte [0-9]+[^\n]*$'
like "... a picture of what is whole, which says so" "$("$figure" texts cut.svg)" 'The record is not whole: cut at byte [0-9]+'
rm -f cut.svg cut.mstat
for format in svg png text; do
	[ $format = png ] && [ ! -e ../own/run.png ] && continue
	exits "$format: a full disk" 1 mstat-report -format $format -o /dev/full ../own/run.mstat
	like "... is named" "$err" '^mstat-report: /dev/full: [A-Z][^'$'\n'']*$'
	exits "... a folder that is not there" 1 mstat-report -format $format -o nowhere/page ../own/run.mstat
	exits "... killed while it writes" 153 sh -c 'ulimit -f 2; mstat-report -format '$format' -o page ../own/run.mstat; exit $?'
done
exits "a reader that has gone away" 1 bash -c '{ trap "" PIPE; while echo; do :; done 2>/dev/null; mstat-report -format text ../own/run.mstat; } | :; exit ${PIPESTATUS[0]}'
is "... is not told of" "$err" ""
exits "standard output that is full" 1 sh -c 'mstat-report -format text ../own/run.mstat >/dev/full'
like "... is" "$err" '^mstat-report: standard output: [A-Z][^'$'\n'']*$'
is "... none of these leaves anything" "$(ls -A)" ""
exits "no room for what is kept of a pipe" 1 bash -c 'trap "" XFSZ; ulimit -f 1; cat ../own/run.mstat | TMPDIR=. mstat-report -format text'
is "... is told as that" "$err" "mstat-report: standard input: ., for what is kept meanwhile (TMPDIR): File too large"
exits "a file without a name" 2 mstat-report -o "" ../own/run.mstat
is "... is told as that" "$err" "mstat-report: -o: \"\" is no file's name"
exits "another format" 2 mstat-report -format pdf ../own/run.mstat
like "... what there is" "$err" '^mstat-report: no format "pdf": it is html, svg, png or text$'
exits "an abbreviated flag" 2 mstat-report -form svg ../own/run.mstat
exits "a picture of standard input without -o" 2 sh -c 'mstat-report -format svg <../own/run.mstat'
is "... nothing, either" "$(ls -A)" ""
