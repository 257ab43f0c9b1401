#!/bin/bash
# SPDX-License-Identifier: ISC
# mstat-decode -what heap on a run file that was composed: each format, instant, and what is refused.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

libc=$(ldd "$BIN/mstat-decode" | awk '$1 == "libc.so.6" { print $3 }')
ok 'a run file is composed' "$SRC/build/tests/bench/heap_file" run.mstat 300 5000 "$BIN/mstat-decode" "$libc"

exits 'text is what is printed' 0 mstat-decode -what heap run.mstat
like '... its first line says what and when' "$out" "^heap at the tree's peak, 1.000 s: 1 process; live [0-9.]+ GiB"
like '... functions have names and lines' "$out" '  [a-z_]+  /.*\.[ch]:[0-9]+'
printf '%s\n' "$out" >text
exits '... also by its name' 0 sh -c 'mstat-decode -what heap -format text -at peak run.mstat | cmp - text'
exits '... from a pipe' 0 sh -c 'cat run.mstat | mstat-decode -what heap | cmp - text'

exits 'folded stacks' 0 mstat-decode -what heap -format folded run.mstat
printf '%s\n' "$out" >folded
is '... each line is frames and a number' "$(grep -vcE '^heap_file;[^;]+(;[^;]+)* [0-9]+$' folded)" 0
exits '... at a time: fewer bytes were live' 0 mstat-decode -what heap -format folded -at 0.5 run.mstat
printf '%s\n' "$out" >before
sum() { awk '{ n += $NF } END { printf "%.0f", n }' "$1"; }
ok '... than at the peak' [ "$(sum before)" -lt "$(sum folded)" ]
exits '... at the end: as many, for nothing was freed' 0 mstat-decode -what heap -format folded -at end run.mstat
printf '%s\n' "$out" >end
is '... ' "$(sum end)" "$(sum folded)"

exits 'pprof' 0 mstat-decode -what heap -format pprof -o heap.pb.gz run.mstat
ok '... is compressed by gzip' gzip -t heap.pb.gz
is '... and its owner'"'"'s alone' "$(stat -c %a heap.pb.gz)" 600
if command -v go >/dev/null; then
	exits '... is read by pprof' 0 go tool pprof -top -unit B -nodefraction 0 heap.pb.gz
	is '... which finds as many bytes' \
		"$(sed -n 's/.*Total samples = \([0-9]*\)B.*/\1/p' <<<"$out")" "$(sum folded)"
	exits '... by tags' 0 go tool pprof -tags heap.pb.gz
	like '... of processes' "$out" '4242'
else
	skip '... is read by pprof' 'there is no go'
fi
exits '... is not for a terminal' 2 python3 -c '
import pty, sys, os
sys.exit(os.waitstatus_to_exitcode(pty.spawn(["mstat-decode", "-what", "heap", "-format", "pprof", "run.mstat"])))'

exits 'an unknown instant' 1 mstat-decode -what heap -at nothing run.mstat
like '... is taken for a mark that is not there' "$err" 'it has no mark "nothing", and no other'
is '... one line' "$(printf '%s\n' "$err" | wc -l)" 1
exits 'a table has no instant' 2 mstat-decode -at peak run.mstat
exits 'a table is not folded' 2 mstat-decode -format folded run.mstat
like '... it is said why' "$err" '-format folded is only for -what heap'
exits 'a profile is no table' 2 mstat-decode -what heap -format tsv run.mstat
exits 'a profile is not followed' 2 mstat-decode -what heap -follow run.mstat
exits 'full output' 1 sh -c 'mstat-decode -what heap run.mstat >/dev/full'
exits 'full output, pprof' 1 sh -c 'mstat-decode -what heap -format pprof run.mstat >/dev/full'

mstat -q -o plain.mstat -- true
exits 'a run without' 1 mstat-decode -what heap plain.mstat
like '... says how it is recorded' "$err" 'plain.mstat: .*mstat -heap'

head -c $(($(stat -c %s run.mstat) - 5)) run.mstat >cut.mstat
exits 'a cut file: exit 3' 3 mstat-decode -what heap cut.mstat
printf '%s\n' "$out" >cut.text
ok '... after all that is whole' cmp cut.text text
