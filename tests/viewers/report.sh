#!/bin/bash
# SPDX-License-Identifier: ISC
# Pages of mstat-report in a real browser: `make check-viewers`. VIEWERS_KEEP=DIR keeps the pictures.
# timeout: 900
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"

for program in chromium python3; do
	command -v $program >/dev/null || skip_all "no $program"
done
[ -x "$BIN/mstat-report" ] || skip_all "mstat-report is not built: its page needs npm"

# shows DESC PAGE PICTURE [WIDTH [SCHEME]]: opens and steers it; what it saw is in $seen
seen=
shows() {
	local desc=$1
	shift
	exits "$desc" 0 timeout 120 "$SRC/tests/viewers/report.py" "$@"
	seen=$out
	is "... without a complaint" "$err" ""
	like "... and is ready" "$out" $'^ready\t[0-9]+\n'
	is "... and asks nobody for anything" "$(saw requests)" "file://$PWD/$1"
}
# saw NAME: the values of that line; of the last, where there are more
saw() { grep "^$1"$'\t' <<<"$seen" | tail -n 1 | cut -f 2-; }
# more DESC A B
more() { ok "$1" test "${2:-0}" -gt "${3:-0}"; }
# columns NAME...: of a table on stdin
columns() {
	awk -F '\t' -v names="$*" '
		NR == 1 { n = split(names, want, " "); for (i = 1; i <= NF; i++) at[$i] = i; next }
		{ for (i = 1; i <= n; i++) printf "%s%s", $at[want[i]], i < n ? "\t" : "\n" }'
}

# ---- a run, as a reader steers it --------------------------------------------------------------------

evil='</script><script>alert(1)</script><img src=x onerror=alert(2)>'
ok "a run" mstat -q -freq 50 -heap -heap-interval 4096 -o run.mstat -- sh -c '
	mstat-mark "$1"
	python3 -c "
import time
kept = []
for i in range(20):
    kept.append(bytearray(2 << 20))
    time.sleep(0.05)
open(\"cache\", \"wb\").write(kept[0])
time.sleep(0.3)"
	mstat-mark middle
	sh -c "sleep 0.3; :" "$1"
	mstat-mark end
	sleep 0.2' sh "$evil"
ok "a page of it" mstat-report run.mstat
shows "it is shown" run.html light.png
mstat-decode run.mstat >ticks.tsv
# Of each: the page's name, and what mstat-decode tells.
columns time rss anon_bytes shmem_bytes kernel file_bytes <ticks.tsv | awk -F '\t' '{
	printf "%s\ttotal=%s\tanonymous=%s\tshared memory=%s\tkernel=%s\tpage cache=%s\n", $1, $2, $3, $4, $5, $6 == "" ? "" : $6 - $4 }' >want
bands=$(columns anon_bytes <ticks.tsv | grep -c .)
if [ "$bands" = 0 ]; then
	skip "the values that it shows" "no cgroup can be made here"
else
	while read -r line; do
		is "what is pointed at is what mstat-decode tells: ${line%%$'\t'*}" \
			"$(cut -f 1-6 <<<"$line")" "$(grep "^${line%%$'\t'*}"$'\t' want)"
	done < <(grep $'^hover\t' <<<"$seen" | cut -f 2- | grep -v '=\(	\|$\)')
	at=$(saw clicked | cut -f 1)
	is "the table is of the tick that was clicked" "$(saw clicked | cut -f 2 | cut -d ' ' -f 1-2)" \
		"At $(awk -v ns="$at" 'BEGIN { printf "%.3f", ns / 1e9 }')"
	is "... the same numbers" "$(saw tree | tr '\t' '\n' | sort)" \
		"$(grep "^$at"$'\t' want | cut -f 2- | tr '\t' '\n' | sort)"
fi
# The newest sample of each that is not after it.
at=$(saw clicked | cut -f 1)
while read -r sizes who; do
	[[ $who == *\[*\] ]] || continue
	pid=${who##*[} pid=${pid%]}
	is "... and $who has the RSS that mstat-decode tells" "${sizes#*/}" "$(mstat-decode -what samples run.mstat |
		columns time_ns pid rss_bytes | awk -F '\t' -v at="$at" -v pid="$pid" '$2 == pid && $1 <= at { rss = $3 } END { print rss }')"
done < <(saw held | tr '\t' '\n')
# next FROM BY: the time of the tick that is so many rows from that one
next() { columns time <ticks.tsv | awk -v from="$1" -v by="$2" '{ t[NR] = $1; if ($1 == from) at = NR } END { print t[at + by] }'; }
is "the arrow goes to the next tick" "$(saw right)" "$(next "$at" 1)"
is "... and back" "$(saw left)" "$(next "$at" -1)"
is "P goes to the peak" "$(saw peak)" "$(columns time rss <ticks.tsv | awk -F '\t' '$2 + 0 > max { max = $2; at = $1 } END { print at }')"
from=$(saw whole | cut -f 1) to=$(saw whole | cut -f 2)
is "the whole run is shown" "$from $to" "$(columns time <ticks.tsv | sed -n '1p;$p' | paste -sd ' ')"
# near A B PCT: of the run's length
near() { within "$1" "$((100 + ($2 - from) * 100 / (to - from)))" "$((100 + $3))" 5; }
near "dragging zooms to where it began" "$(saw dragged | cut -f 1)" 30
near "... and ended" "$(saw dragged | cut -f 2)" 60
is "Esc shows all again" "$(saw reset)" "$(saw whole)"
near "+ zooms in around the tick" "$(saw plus | cut -f 1)" 25
near "... by half" "$(saw plus | cut -f 2)" 75
is "- zooms out" "$(saw minus)" "$(saw whole)"
like "a row of the timeline opens" "$(saw detail)" 'Command .*Peak .*Measured inside'
read -r tree_colours tree_drawn lives_colours lives_drawn <<<"$(saw colours)"
more "the tree is drawn, in many colours" "$tree_colours" 12
more "... and much of it" "$tree_drawn" 12
more "so are the processes" "$lives_colours" 8
more "... and much of them" "$lives_drawn" 12
like "what others chose is text" "$(saw text)" '</script><script>alert\(1\)</script><img src=x onerror=alert\(2\)>'
is "it fits the window" "$(saw wider)" 0
is "it is light" "$(saw paper)" "rgb(255, 255, 255)"
is "... and dark when switched" "$(saw theme)" "rgb(21, 24, 28)"
frames=$(saw flame | cut -f 1)
more "the heap is drawn" "$frames" 10
is "... and has all that the profile has" "$(saw flame | cut -f 2 | sed 's/.*(\([0-9,]*\) bytes.*/\1/; s/,//g')" \
	"$(mstat-decode -what heap -at peak -format folded run.mstat | awk '{ sum += $NF } END { printf "%.0f", sum }')"
shows "it is shown in the dark" run.html dark.png 1200 dark
is "... by itself" "$(saw paper)" "rgb(21, 24, 28)"
shows "it is shown on a phone" run.html phone.png 390
is "... and fits it" "$(saw wider)" 0

# ---- runs with little in them ------------------------------------------------------------------------

ok "a run without a tick" mstat -q -freq 1 -o none.mstat -- true
ok "a page of it" mstat-report none.mstat
shows "it is shown" none.html none.png
like "... and says so" "$(saw text)" 'Nothing was sampled of the tree'
ok "one tick" "$BUILD/tests/bench/report_file" one.mstat 1 5 1
ok "a page of it" mstat-report one.mstat
shows "it is shown" one.html one.png
ok "no process" "$BUILD/tests/bench/report_file" empty.mstat 100 5 0
ok "a page of it" mstat-report empty.mstat
shows "it is shown" empty.html empty.png
like "... and says so" "$(saw text)" 'The record has no process'
head -c $(($(stat -c %s run.mstat) - 5)) run.mstat >cut.mstat
exits "a run that was cut" 3 mstat-report cut.mstat
shows "it is shown" cut.html cut.png
like "... and says so" "$(saw text)" 'The record is not whole: cut at byte [0-9]+'
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && chmod 777 . && chmod 755 "$TMP"; then
	mkdir -m 777 user
	exits "a run of somebody without a cgroup" 0 setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/ \
		mstat -q -freq 50 -o user/run.mstat -- sh -c 'sleep 0.5; :'
	ok "a page of it" mstat-report -o user.html user/run.mstat
	shows "it is shown" user.html user.png
	if mstat-decode -what summary user/run.mstat | grep -q $'^cgroup_mode\tnone'; then
		like "... and says so" "$(saw text)" 'No cgroup: this is the sum'
		more "... and draws the sum of RSS" "$(saw colours | cut -f 2)" 10
	fi
fi

# ---- long ones ---------------------------------------------------------------------------------------

for ticks in 200000 2000000; do
	ok "$ticks ticks of 5 columns" "$BUILD/tests/bench/report_file" long.mstat $ticks 5 0
	started=${EPOCHREALTIME/./}
	ok "a page of them" mstat-report long.mstat
	written=$(((${EPOCHREALTIME/./} - started) / 1000))
	shows "it is shown" long.html long-$ticks.png
	echo "# $ticks ticks: written in $written ms, $(stat -c %s long.html) bytes, ready after $(saw ready) ms"
	ok "... soon" test "$(saw ready)" -lt 5000
done
ok "300 processes" "$BUILD/tests/bench/report_file" many.mstat 20000 11 300
ok "a page of them" mstat-report many.mstat
shows "it is shown" many.html many.png
like "... the largest at first" "$(saw text)" 'Show more \(6[0-9] of 300 are shown'
[ -z "${VIEWERS_KEEP:-}" ] || cp ./*.png "$VIEWERS_KEEP"
