#!/bin/bash
# SPDX-License-Identifier: ISC
# mstat-diff: what has changed from some runs to others, the gate, and what cannot be compared.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

hold=$TARGETS/collect_hold
# record NAME MIB: a run that holds so much
record() { mstat -q -freq 100 -o "$1.mstat" -- "$hold" "$2" 200 0; }
# cell LINE FIELD: of the table in $out, split at two blanks and more
cell() { awk -F '  +' -v name="$1" -v at="$2" '$0 ~ "^ *" name { sub(/^ +/, ""); print $at; exit }' <<<"$out"; }
# at_peak FILE COLUMN: of the first row with the most memory
at_peak() { mstat-decode "$1" | column rss "$2" | awk -F '\t' '$1 > most { most = $1; it = $2 } END { print it }'; }
peak='peak, by the kernel'

# ---- one run a side ------------------------------------------------------------------------------------

record a1 20
record b1 28
ok "two runs" mstat-diff -bytes a1.mstat b1.mstat
is "nothing is said on stderr" "$err" ""
is "the peak of A is the kernel's" "$(cell "$peak" 2)" "$(summary a1.mstat peak_exact_bytes)"
is "... and of B" "$(cell "$peak" 3)" "$(summary b1.mstat peak_exact_bytes)"
is "... and what is between them" "$(cell "$peak" 4)" \
	"+$(($(summary b1.mstat peak_exact_bytes) - $(summary a1.mstat peak_exact_bytes)))"
is "the sampled peak" "$(cell 'peak, sampled' 3)" "$(summary b1.mstat peak_sampled_bytes)"
is "... and without page cache" "$(cell 'peak without page cache' 3)" "$(summary b1.mstat peak_without_cache_bytes)"
is "how long it took" "$(cell duration 3 | tr -d .)" "$(printf '%010d s' "$(summary b1.mstat duration_ns)")"
is "what it took of a CPU" "$(cell 'CPU time' 3 | tr -d .)" "$(mstat-decode -what processes b1.mstat | column cpu_ns | xargs printf '%010d s')"
is "how many processes" "$(cell processes 3)" 1
is "... and what it was, of the same row" "$(cell anonymous 3)" "$(at_peak b1.mstat anon_bytes)"
within "the process's highest RSS" "$(cell collect_hold 4 | tr -d +)" $((8 << 20)) 10
is "... as the kernel has it" "$(cell collect_hold 2)" \
	"$(mstat-decode -what processes a1.mstat | column hwm_bytes)"
like "one run cannot tell noise" "$out" 'note: one run a side: '
unlike "... so there is no interval" "$out" '95%'
ok "units for people" mstat-diff a1.mstat b1.mstat
like "... a size" "$(cell 'peak, sampled' 4)" '^\+[789]\.[0-9] MiB$'
like "... a part" "$(cell 'peak, sampled' 5)" '^\+[34][0-9]\.[0-9]%$'
ok "the other way round" mstat-diff b1.mstat a1.mstat
like "... it is less" "$(cell 'peak, sampled' 4)" '^-[789]\.[0-9] MiB$'
ok "a run with itself" mstat-diff -bytes a1.mstat a1.mstat
is "... is the same" "$(cell "$peak" 4)" 0
ok "a pipe is a run as well" bash -c 'mstat-diff -bytes a1.mstat <(cat b1.mstat)'
is "... and the same one" "$(cell "$peak" 3)" "$(summary b1.mstat peak_exact_bytes)"
ok "no processes" mstat-diff -top 0 a1.mstat b1.mstat
unlike "... are in the table" "$out" 'collect_hold'

# ---- the gate ---------------------------------------------------------------------------------------------

exits "a rise above the limit" 123 mstat-diff -fail-above 5% a1.mstat b1.mstat
like "... is told in one line with its numbers" "$err" \
	'^mstat-diff: the peak has risen from [0-9.]+ MiB to [0-9.]+ MiB: \+[0-9.]+ MiB \(\+[0-9.]+%\), above 5% \(-fail-above\)$'
like "... beside the table" "$out" "$peak"
exits "a size" 123 mstat-diff -fail-above 4MiB a1.mstat b1.mstat
exits "a rise below the limit" 0 mstat-diff -fail-above 16MiB a1.mstat b1.mstat
is "... is not told" "$err" ""
exits "a fall" 0 mstat-diff -fail-above 0% b1.mstat a1.mstat
exits "a closed pipe does not hide it" 123 sh -c 'mstat-diff -fail-above 5% a1.mstat b1.mstat >/dev/full'
like "... and is told, too" "$err" 'standard output: No space left on device'

# ---- several runs -------------------------------------------------------------------------------------------

for i in 2 3 4; do
	record a$i 20
	record b$i 28
done
record a5 40
exits "four and four runs, all larger" 123 mstat-diff -fail-above 5% a[1-4].mstat -- b[1-4].mstat
like "... with an interval of 95%" "$err" '; 95% interval \+[0-9.]+ MiB to \+[0-9.]+ MiB, above 5%'
unlike "... it is no noise" "$(grep "^$peak" <<<"$out")" '~'
within "... medians" "$(cell 'anonymous' 2 | tr -d ' MiB')" 20 10
like "... and how many there are" "$out" 'A  4 runs, a1.mstat to a4.mstat: medians'
exits "the same runs on both sides" 0 mstat-diff -fail-above 0% a[1-4].mstat -- a[1-4].mstat
like "... differ by noise alone" "$out" $'\n''duration [^~]*  ~ '
exits "one of A's is larger still" 0 mstat-diff -fail-above 5% a[2-5].mstat -- b[1-4].mstat
like "... the interval includes 0" "$(grep "^$peak" <<<"$out")" ' ~ .* -[0-9.]+ MiB to \+'
like "... so it may be noise, which is told" "$err" 'above 5% \(-fail-above\); but this may be noise, so it is no failure'
exits "too few, but all larger" 123 mstat-diff -fail-above 5% a[12].mstat -- b[12].mstat
like "... has no interval" "$out" 'note: 2 and 2 runs are too few for an interval of 95%: 4 and 4 are enough'
like "... but what lies between single runs" "$err" '; between single runs \+'
exits "too few, and one is not" 0 mstat-diff -fail-above 5% a[145].mstat -- b[12].mstat
like "... may be noise" "$err" 'may be noise'

# ---- processes ----------------------------------------------------------------------------------------------

tree='"$1" "$2" 100 0; "$1" 4 100 2; "$1" 6 100 0; :'
mstat -q -freq 100 -o tree_a.mstat -- sh -c "$tree" - "$hold" 10
mstat -q -freq 100 -o tree_b.mstat -- sh -c "$tree" - "$hold" 12
ok "processes of one name" mstat-diff tree_a.mstat tree_b.mstat
lines=$(grep 'collect_hold' <<<"$out")
like "those with the same command line by themselves" "$lines" $'collect_hold: [^\n]*collect_hold 4 100 2 \\(3\\)  '
like "... each" "$lines" $'collect_hold: [^\n]*collect_hold 6 100 0  '
like "those with others together" "$(head -n 1 <<<"$lines")" '^collect_hold: others .*\+[12]\.[0-9] MiB'
mstat -q -freq 100 -o fewer.mstat -- sh -c ':; :'
ok "processes that only one run has" mstat-diff tree_a.mstat fewer.mstat
like "... are none in the other" "$out" $'collect_hold \\(5 -> 0\\) +[0-9.]+ MiB +0 B '

# ---- stacks -------------------------------------------------------------------------------------------------

mkdir one two && cp "$TARGETS/diff_leak" one && cp "$TARGETS/diff_leak" two
# leaks NAME PROGRAM MIB
leaks() { mstat -q -freq 100 -heap -heap-interval 1 -o "$1.mstat" -- "$2" "$3"; }
ok "a leak" leaks leak1 one/diff_leak 1
ok "... that is larger" leaks leak2 two/diff_leak 9
ok "... is compared by its stack, wherever the program lies" mstat-diff -bytes leak1.mstat leak2.mstat
first=$(grep -A 1 'live heap at the peak, by stack' <<<"$out" | tail -n 1)
like "... which stands first" "$first" ';main;leak$'
is "... with all it has more" "$(awk '{ print $1, $2, $3 }' <<<"$first")" "$((1 << 20)) $((9 << 20)) +$((8 << 20))"
cached=$(grep ';main;fill_cache$' <<<"$out")
is "... and another one with nothing more" "$(awk '{ print $1, $2, $3, $4 }' <<<"$cached")" "$((4 << 20)) $((4 << 20)) 0 +0.0%"
like "the live heap of the tree" "$(cell 'live heap' 4)" '^\+8[0-9]{6}$'
mstat -q -freq 100 -heap -heap-interval 512K -o rough1.mstat -- one/diff_leak 8 >/dev/null
mstat -q -freq 100 -heap -heap-interval 512K -o rough2.mstat -- one/diff_leak 8 >/dev/null
ok "sampled roughly" mstat-diff -bytes rough1.mstat rough2.mstat
if awk -v a="$(summary rough1.mstat peak_heap_live_bytes)" -v b="$(summary rough2.mstat peak_heap_live_bytes)" \
	-v ea="$(summary rough1.mstat peak_heap_live_se_bytes)" -v eb="$(summary rough2.mstat peak_heap_live_se_bytes)" \
	'BEGIN { exit !(a != b && (a - b) ^ 2 < 4 * (ea ^ 2 + eb ^ 2)) }'; then
	like "... a difference within the error of sampling is marked" "$(grep 'live heap  ' <<<"$out")" ' ~ '
else
	unlike "... a difference beyond the error of sampling is not marked" "$(grep 'live heap  ' <<<"$out")" ' ~ '
fi
ok "the heap in one only" mstat-diff leak1.mstat a1.mstat
like "... is told" "$out" 'note: stacks are not compared: a1.mstat was recorded without -heap'
unlike "... and no stacks are" "$out" 'by stack'
cp "$hold" two/diff_leak
ok "a program that was built anew since" mstat-diff leak1.mstat leak2.mstat
like "... has no names for its stacks, which is told" "$out" 'note: leak2.mstat: no symbols of [^ ]*/two/diff_leak: '

# ---- like with like -----------------------------------------------------------------------------------------

mstat -q -freq 50 -o seldom.mstat -- "$hold" 20 200 0
ok "another rate" mstat-diff a1.mstat seldom.mstat
like "... is told" "$out" 'note: the runs were sampled at different rates'
mstat -q -freq 100 -o failed.mstat -- sh -c '"$1" 20 200 0; exit 3' - "$hold"
ok "a run that failed" mstat-diff a1.mstat failed.mstat
like "... is told" "$out" 'note: failed.mstat: the program ended with exit status 3'
python3 - a1.mstat elsewhere.mstat "$(uname -r)" <<'END'
import struct, sys, zlib
data = bytearray(open(sys.argv[1], "rb").read())
size = struct.unpack("<I", data[4:8])[0]
at = data.index(sys.argv[3].encode())
data[at:at + 1] = b"9"
data[8 + size - 4:8 + size] = struct.pack("<I", zlib.crc32(data[8:8 + size - 4]))
open(sys.argv[2], "wb").write(data)
END
ok "another kernel" mstat-diff a1.mstat elsewhere.mstat
like "... is told" "$out" 'note: different machines: [^;]* \(Linux '"$(uname -r)"'\); [^;]* \(Linux 9[^;]*\)'
unlike "... and the same one is not" "$(mstat-diff a1.mstat b1.mstat)" 'different machines'
if [ "$(id -u)" = 0 ]; then
	mkdir bin lib work && cp "$BIN/mstat" bin && cp "$LIB/libmstat.so" lib && cp "$hold" work
	chmod -R a+rX "$TMP" && chmod 777 work
	as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/ "$@"; }
	(cd work && as_user ../bin/mstat -q -freq 100 -o run.mstat -- ./collect_hold 28 200 0)
	exits "a run without a cgroup is not compared with one that has it" 1 mstat-diff -fail-above 1% a1.mstat work/run.mstat
	is "... as the gate says" "$err" 'mstat-diff: -fail-above: not judged, as there is no peak that all runs have and that means the same'
	is "... nor is the exact peak" "$(cell "$peak" 3) $(cell "$peak" 4)" '- -'
	is "... nor what was sampled" "$(cell 'peak, sampled' 4)" '-'
	like "... which is told" "$out" 'note: of some runs a cgroup was sampled, of others the sum of RSS'
	like "... in both cases" "$out" 'note: the kernel tells the peak of some runs only'
	exits "two without one are compared by what was sampled" 0 mstat-diff -fail-above 1% work/run.mstat work/run.mstat
	is "... as it is" "$(cell 'peak, sampled' 4)" '0 B'
else
	skip "runs without a cgroup" "only root can become a user"
fi

# ---- what is no run file, or not all of it --------------------------------------------------------------------

# refuses DESC STATUS REGEX FILE: with one line, on either side
refuses() {
	exits "$1: exit $2" "$2" mstat-diff "$4" a1.mstat
	like "... one line names it" "$err" "^mstat-diff: $4: [^"$'\n'"]*$3[^"$'\n'"]*$"
	is "... and no table" "$out" ""
	exits "$1 as B: exit $2" "$2" mstat-diff -fail-above 5% a1.mstat "$4"
	is "... and no table, nor a verdict" "$out$(wc -l <<<"$err")" 1
}
size=$(stat -c %s a1.mstat)
cp a1.mstat broken
printf '\xff\xff\xff\xff' | dd of=broken bs=1 seek=$((size / 2)) conv=notrunc status=none
refuses "a corrupt file" 1 'corrupt at byte [0-9]+' broken
: >empty
refuses "an empty file" 3 'cut at byte 0: .*there is nothing to compare' empty
head -c 100 a1.mstat >stump
refuses "a piece of a header" 3 'cut at byte' stump
echo text >text
refuses "something else" 1 'not a run file' text
python3 - a1.mstat newer <<'END'
import struct, sys, zlib
data = bytearray(open(sys.argv[1], "rb").read())
size = struct.unpack("<I", data[4:8])[0]
data[16] = 9
data[8 + size - 4:8 + size] = struct.pack("<I", zlib.crc32(data[8:8 + size - 4]))
open(sys.argv[2], "wb").write(data)
END
refuses "a newer version" 1 'version 9' newer
refuses "a missing file" 1 'No such file' nothing
refuses "a folder" 1 'Is a directory' one
head -c $((size - 5)) a1.mstat >cut.mstat
exits "a run that was cut" 3 mstat-diff cut.mstat b1.mstat
like "... is told" "$err" '^mstat-diff: cut.mstat: cut at byte [0-9]+: [^
]*; what is before it is compared$'
like "... and compared" "$(cell 'peak, sampled' 4)" '^\+[789]\.[0-9] MiB$'
exits "... but not judged" 3 mstat-diff -fail-above 5% cut.mstat b1.mstat
like "... as the gate says" "$err" '-fail-above: not judged, as a run is not whole$'
exits "a full disk" 1 sh -c 'mstat-diff a1.mstat b1.mstat >/dev/full'
is "... one line" "$err" 'mstat-diff: standard output: No space left on device'
exits "a closed pipe" 1 bash -c 'exec 3> >(:); wait $!; mstat-diff a1.mstat b1.mstat >&3'
is "... one line" "$err" 'mstat-diff: standard output: Broken pipe'
exits "A without B" 2 mstat-diff a1.mstat
is "... one line" "$err" 'mstat-diff: two runs are compared: A B, or A... -- B... (-h for help)'
exits "three runs" 2 mstat-diff a1.mstat a2.mstat b1.mstat
exits "nothing behind the --" 2 mstat-diff a1.mstat a2.mstat --
exits "a limit that is none" 2 mstat-diff -fail-above much a1.mstat b1.mstat
is "... one line" "$err" 'mstat-diff: -fail-above: "much" is not a part such as 5% or a size such as 100MiB'
exits "-h" 0 mstat-diff -h
like "... prints the usage" "$out" '^usage: mstat-diff'
exits "-version" 0 mstat-diff -version
