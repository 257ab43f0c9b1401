#!/bin/bash
# SPDX-License-Identifier: ISC
# What a page of mstat-report has of runtimes: of whom, how much, and that it is what was recorded.
# shellcheck source=tests/cli/report_lib disable=SC2154,SC2016
. "$(dirname "$0")/report_lib"
page=$SRC/tests/cli/report_page.py
file=$BUILD/tests/bench/report_file

# columns NAME...: of a table on stdin
columns() {
	awk -F '\t' -v names="$*" '
		NR == 1 { n = split(names, want, " "); for (i = 1; i <= NF; i++) at[$i] = i }
		{ for (i = 1; i <= n; i++) printf "%s%s", $at[want[i]], i < n ? "\t" : "\n" }'
}
# told RUN PROCESS NAME...: of its samples, as mstat-decode tells them; go_held_bytes is sys less released
told() {
	local run=$1 process=$2
	shift 2
	mstat-decode -what samples "$run" | awk -F '\t' -v process="$process" '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; $(NF + 1) = "go_held_bytes"; $at["time_ns"] = "time" }
		NR == 1 || $at["process"] == process { if (NR > 1) {
			sys = $at["go_sys_bytes"]; $(NF + 1) = sys == "" ? "" : sprintf("%.0f", sys - $at["go_heap_released_bytes"]) }
			print }' OFS='\t' | columns time "$@"
}
# same DESC RUN PROCESS PAGE NUMBER: the page has all its samples, as they were
same() {
	"$page" runtime "$4" "$5" >got
	# shellcheck disable=SC2046 # names
	told "$2" "$3" $(head -n 1 got | cut -f 2-) >want
	is "$1" "$(diff got want | head -n 4)" ""
	ok "... and there are some" test "$(wc -l <got)" -gt 10
}

# ---- as they are -----------------------------------------------------------------------------------

ok "a run of three processes, two with runtimes" "$file" two.mstat 500 11 3 2
ok "a page of it" mstat-report two.mstat
is "... has both" "$("$page" value two.html runtimes | grep -o '"process"' | wc -l)" 2
for i in 0 1; do
	row=$("$page" value two.html runtimes $i process)
	id=$("$page" value two.html processes "$row" id)
	same "process $id: what it has of it is what mstat-decode tells" two.mstat "$id" two.html $i
	case $id in
	2) want="rss_bytes go_heap_inuse_bytes go_heap_alloc_bytes go_next_gc_bytes go_num_gc go_goroutines go_held_bytes" ;;
	*) want="rss_bytes jvm_heap_committed_bytes jvm_heap_used_bytes jvm_metaspace_used_bytes jvm_gc_count jvm_threads glibc_arena_bytes" ;;
	esac
	is "... in these columns" "$("$page" value two.html runtimes $i columns | tr -d '[],"')" "$want"
	is "... of all samples" "$("$page" value two.html runtimes $i samples; "$page" value two.html runtimes $i rows)" $'500\n500'
	is "... which it says" "$("$page" value two.html runtimes $i bucket)" 0
done
ok "its policy" "$page" policy two.html
is "... is as strict as ever" "$out" ""

# ---- of whom ----------------------------------------------------------------------------------------

ok "a run of twelve" "$file" many.mstat 300 11 14 12
ok "a page of it" mstat-report many.mstat
"$page" value many.html runtimes | grep -o '"process": [0-9]*' | cut -d ' ' -f 2 |
	while read -r row; do "$page" value many.html processes "$row" id; done >got
mstat-decode -what samples many.mstat | columns process rss_bytes | awk -F '\t' '
	$1 > 2 && $2 + 0 > peak[$1] { peak[$1] = $2 } END { for (id in peak) print peak[id] "\t" id }' |
	sort -k 1,1nr -k 2,2n | head -n 8 | cut -f 2 >want
is "the eight with the largest RSS are there, the largest first" "$(cat got)" "$(cat want)"

ok "a run of none" mstat -q -freq 100 -o none.mstat -- bash -c 'for i in {1..20}; do read -rt 0.02 <> <(:); done; :'
is "... but of what malloc holds" "$(mstat-decode -what samples -columns glibc_arena_bytes none.mstat | grep -c '[0-9]' | sed 's/^[1-9].*/some/')" some
ok "a page of it" mstat-report none.mstat
is "... has no word of runtimes" "$("$page" value none.html | grep -c runtimes)" 0
is "... nor values" "$(grep -c 'id="runtime[0-9]' none.html)" 0

# ---- a real one -------------------------------------------------------------------------------------

run mstat -q -freq 100 -o jvm.mstat -- sh -c '"$1" "$2" 60; :' sh "$TARGETS/fake_jvm" "$TMP"
ok "a page of a JVM" mstat-report jvm.mstat
is "... has it" "$("$page" value jvm.html processes "$("$page" value jvm.html runtimes 0 process)" comm)" fake_jvm
"$page" runtime jvm.html 0 | columns time jvm_heap_used_bytes jvm_gc_count | awk -F '\t' '$2 != ""' >got
told jvm.mstat "$("$page" value jvm.html processes "$("$page" value jvm.html runtimes 0 process)" id)" jvm_heap_used_bytes jvm_gc_count |
	awk -F '\t' '$2 != ""' >want
ok "... and what it has told" cmp got want
ok "... more than once" test "$(wc -l <got)" -gt 5
for format in svg text; do
	ok "$format of it" mstat-report -format $format -o picture jvm.mstat
	is "... has no word of it" "$(grep -ci 'runtime\|metaspace' picture)" 0
done

# ---- too much ---------------------------------------------------------------------------------------

ok "200000 ticks of a Go program" "$file" long.mstat 200000 5 2 1
ok "... in a page" mstat-report long.mstat
rows=$("$page" value long.html runtimes 0 rows) columns=$("$page" value long.html runtimes 0 columns | tr ',' '\n' | wc -l)
ok "... have so many values at most" test "$((rows * columns))" -le 400000
ok "... and not far fewer" test "$((rows * columns))" -gt 100000
is "... which the page says" "$("$page" value long.html runtimes 0 samples)" 200000
"$page" runtime long.html 0 >some
# shellcheck disable=SC2046 # names
told long.mstat 2 $(head -n 1 some | cut -f 2-) >all
is "... only rows that there are" "$(awk 'NR == FNR { row[$0]; next } !($0 in row)' all some | head -n 3)" ""
extremes() { awk -F '\t' -v n="$1" 'NR > 1 && $n != "" { if (low == "" || $n < low) low = $n; if ($n + 0 > high) high = $n } END { printf "%.0f %.0f", low, high }' "$2"; }
for column in $(seq 2 $((columns + 1))); do
	is "... with the lowest and the highest $(head -n 1 all | cut -f "$column")" "$(extremes "$column" some)" "$(extremes "$column" all)"
done
ok "eight of them" "$file" eight.mstat 60000 5 8 8
ok "... in a page" mstat-report eight.mstat
ok "... without: the same" "$file" without.mstat 60000 5 8
ok "... in another" mstat-report without.mstat
more=$(($(stat -c %s eight.html) - $(stat -c %s without.html)))
echo "# 8 runtimes of 60000 ticks: $more bytes more in the page"
ok "... take 1.5 MB at most" test "$more" -le 1500000
