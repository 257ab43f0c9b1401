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

# ---- runtimes ----------------------------------------------------------------------------------------

# The page's names, and the columns of mstat-decode.
go_names=("RSS" "from the kernel" "heap in use" "live heap" "next GC" "collections" "goroutines")
go_columns="rss_bytes go_held_bytes go_heap_inuse_bytes go_heap_alloc_bytes go_next_gc_bytes go_num_gc go_goroutines"
jvm_names=("RSS" "heap committed" "heap used" "metaspace" "arenas of malloc" "collections" "threads")
jvm_columns="rss_bytes jvm_heap_committed_bytes jvm_heap_used_bytes jvm_metaspace_used_bytes glibc_arena_bytes jvm_gc_count jvm_threads"
# told RUN PID NAME...: of its samples, as mstat-decode tells them; go_held_bytes is sys less released
told() {
	local run=$1 pid=$2
	shift 2
	mstat-decode -what samples "$run" | awk -F '\t' -v pid="$pid" '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; $(NF + 1) = "go_held_bytes"; $at["time_ns"] = "time" }
		NR == 1 || $at["pid"] == pid { if (NR > 1) {
			sys = $at["go_sys_bytes"]; $(NF + 1) = sys == "" ? "" : sprintf("%.0f", sys - $at["go_heap_released_bytes"]) }
			print }' OFS='\t' | columns time "$@"
}
# label NAME...: of each of the columns behind the time
label() { awk -F '\t' -v names="$(IFS=,; echo "$*")" '{ n = split(names, name, ","); line = $1; for (i = 1; i <= n; i++) line = line "\t" name[i] "=" $(i + 1); print line }'; }
# legend NAME...: of values, what the table beside the chart has to say
legend() {
	awk -F '\t' -v names="$(IFS=,; echo "$*")" '
		{ for (i = 2; i <= NF; i++) if ($i != "") { last[i] = $i; if ($i + 0 > peak[i]) peak[i] = $i } }
		END { n = split(names, name, ","); for (i = 1; i <= n; i++)
			printf "%s%s=%s%s/drawn", (i > 1 ? "\t" : ""), name[i], last[i + 1], (name[i] == "collections" ? "" : "/" peak[i + 1]) }'
}
# holds NUMBER RUN PID COLUMNS NAME...: what the page shows of the one of that number is what the run has
holds() {
	local i=$1 run=$2 pid=$3 names=$4 title line
	shift 4
	title=$(grep $'^told\t' <<<"$seen" | sed -n "$((i + 1))p")
	# shellcheck disable=SC2086 # names
	told "$run" "$pid" $names >rows
	is "all lines are drawn, and told of beside" "$(cut -f 3- <<<"$title")" "$(legend "$@" <rows)"
	label "$@" <rows >labelled
	while read -r line; do
		is "what is pointed at is what mstat-decode tells: ${line%%$'\t'*}" "$line" "$(grep "^${line%%$'\t'*}"$'\t' labelled)"
	done < <(grep "^runtime$i"$'\t' <<<"$seen" | cut -f 2- | grep -v ^None)
}

is "a run without runtimes has no section of them" "$(saw runtimes)" $'0\t0'
# The second process has Go, the third a JVM.
ok "a run of runtimes" "$BUILD/tests/bench/report_file" two.mstat 150 11 3 2
ok "a page of it" mstat-report two.mstat
shows "it is shown" two.html runtimes.png
is "... both" "$(saw runtimes | cut -f 1)" 2
go=0 jvm=1
grep $'^told\t' <<<"$seen" | head -n 1 | grep -q '\[102\]' || go=1 jvm=0
holds $go two.mstat 102 "$go_columns" "${go_names[@]}"
holds $jvm two.mstat 103 "$jvm_columns" "${jvm_names[@]}"
while read -r at line; do
	is "its own chart points the others at the same tick" "${line%%$'\t'*}" "$at"
done < <(grep $'^pointed\t' <<<"$seen" | cut -f 2-)
for what in dragged reset; do
	is "all are $what together" "$(grep "^runtime-$what"$'\t' <<<"$seen" | cut -f 3- | sort -u | wc -l)" 1
done
is "... first to all" "$(saw runtime-whole)" "$(saw whole)"
is "... and last" "$(saw runtime-reset | cut -f 2-)" "$(saw whole)"
from=$(saw whole | cut -f 1) to=$(saw whole | cut -f 2)
near "... between, to where the dragging began" "$(saw runtime-dragged | cut -f 2)" 30
near "... and ended" "$(saw runtime-dragged | cut -f 3)" 60
is "a click has the table tell of the tick" "$(saw runtime-clicked | cut -f 2 | cut -d ' ' -f 1-2)" \
	"At $(saw runtime-clicked | awk -F '\t' '{ printf "%.3f", $1 / 1e9 }')"
shows "they are shown in the dark" two.html runtimes-dark.png 1200 dark
is "... all lines" "$(grep $'^told\t' <<<"$seen" | grep -c 'RSS=[0-9/]*/drawn.*collections=[0-9]*/drawn.*=[0-9/]*/drawn$')" 2
shows "they are shown on a phone" two.html runtimes-phone.png 390
is "... and fit it" "$(saw wider)" 0

# Programs that end before the run does, and are read when there is time.
: "${GO:=go}"
if command -v "$GO" >/dev/null && [ "$("$GO" env GOARCH)" = amd64 ]; then
	ok "a Go server" env GOCACHE="$SRC/build/go/cache" GOPATH="$TMP/gopath" GOFLAGS= GO111MODULE=off GOTOOLCHAIN=local \
		CGO_ENABLED=0 nice -n 19 "$GO" build -o server "$SRC/tests/targets/go/server.go"
	ok "a run of it" mstat -q -freq 50 -o go.mstat -- sh -c './server 2; sleep 0.5'
	ok "a page of it" mstat-report go.mstat
	shows "it is shown" go.html go.png
	like "... with its version" "$(saw told)" '^server\[[0-9]+\] go1\.'
	pid=$(saw told | sed 's/^server\[\([0-9]*\)\].*/\1/')
	# shellcheck disable=SC2086 # names
	holds 0 go.mstat "$pid" "$go_columns" "${go_names[@]}"
	like "... and it ends" "$(grep $'^runtime0\t' <<<"$seen" | tail -n 1)" $'None\tRSS=\t.*goroutines=$'
	unlike "... and collects" "$(saw text)" 'GOGC=off'
	ok "a run of it that never collects" mstat -q -freq 50 -o off.mstat -env GOGC=off -- ./server 1
	ok "a page of it" mstat-report off.mstat
	shows "it is shown" off.html off.png
	like "... and why it has no next GC" "$(saw text)" 'GOGC=off'
else
	skip "a Go server" "no Go here (golang-go), or none of amd64"
fi
run mstat -q -freq 50 -o jvm.mstat -- sh -c '"$1" "$2" 60; sleep 0.3' sh "$TARGETS/fake_jvm" "$TMP"
ok "a page of a JVM" mstat-report jvm.mstat
shows "it is shown" jvm.html jvm.png
like "... with its name" "$(saw told)" '^fake_jvm\[[0-9]+\] Fake\?VM 42\.0'

# ---- runs with little in them ------------------------------------------------------------------------

ok "a run without a tick" mstat -q -freq 1 -o none.mstat -- true
ok "a page of it" mstat-report none.mstat
shows "it is shown" none.html none.png
like "... and says so" "$(saw text)" 'Nothing was sampled of the tree'
ok "one tick" "$BUILD/tests/bench/report_file" one.mstat 1 5 2 1
ok "a page of it" mstat-report one.mstat
shows "it is shown" one.html one.png
like "... with a point for what a runtime has told" "$(saw told)" 'from the kernel=[0-9/]*/drawn'
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
