#!/bin/bash
# SPDX-License-Identifier: ISC
# Profiles of a real run in pprof's own tool: as much as in the folded stacks, by process.
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"

command -v go >/dev/null || skip_all "no go (Debian: golang-go)"
command -v python3 >/dev/null || skip_all "no python3"
export PPROF_TMPDIR=$TMP HOME=$TMP GOTOOLCHAIN=local

cat >work.py <<'END_OF_PROGRAM'
import os, subprocess, sys, time
held = [b"x" * 100000 for _ in range(300)]
if len(sys.argv) < 2: subprocess.run([sys.executable, __file__, "child"])
print(os.getpid())
time.sleep(0.3)
os._exit(0)
END_OF_PROGRAM
exits "two processes" 0 mstat -q -freq 50 -heap -o run.mstat -- python3 work.py
pids=$out
exits "folded" 0 mstat-decode -what heap -at end -format folded -o run.folded run.mstat
total=$(awk '{ sum += $NF } END { printf "%.0f", sum }' run.folded)
ok "... has what they held: $total" test "$total" -gt $((40000000))
exits "pprof" 0 mstat-decode -what heap -at end -format pprof -o run.pb.gz run.mstat
pprof() { go tool pprof -unit B -nodefraction 0 -edgefraction 0 "$@" run.pb.gz; }
exits "-top" 0 pprof -top -sample_index=inuse_space
is "... as much" "$(sed -n 's/.* of \([0-9]*\)B total.*/\1/p' <<<"$out" | head -n 1)" "$total"
like "... of the bytes that are live" "$out" 'Type: inuse_space'
like "... by function" "$out" '_PyEval_EvalFrameDefault'
exits "-top, what was ever allocated" 0 pprof -top -sample_index=alloc_space
ok "... is no less" test "$(sed -n 's/.* of \([0-9]*\)B total.*/\1/p' <<<"$out" | head -n 1)" -ge "$total"
for index in inuse_objects alloc_objects; do
	exits "-top, $index" 0 pprof -top -sample_index=$index
	like "... is of blocks" "$out" "Type: $index"
done
exits "-traces" 0 pprof -traces -sample_index=inuse_space
is "... as much" "$(awk '/^-+\+-+$/ { getline; while ($1 ~ /:$/) getline; if ($1 ~ /^[0-9]+B$/) sum += $1 } END { printf "%.0f", sum }' \
	<<<"$out")" "$total"
exits "-raw" 0 pprof -raw
is "... as much" "$(awk '/^Samples:/ { on = 1; next } /^Locations/ { on = 0 } on && /^ *[0-9-]+ +[0-9-]+ +[0-9-]+ +[0-9-]+:/ { sub(/:/, "", $4); sum += $4 }
	END { printf "%.0f", sum }' <<<"$out")" "$total"
exits "-tags" 0 pprof -tags -sample_index=inuse_space
tags=$out
for pid in $pids; do like "... tell the process $pid" "$tags" "[^0-9]$pid([^0-9]|$)"; done
like "... and their program" "$tags" 'comm: Total.*python'
for pid in $pids; do
	exits "-tagfocus of $pid" 0 pprof -top -sample_index=inuse_space -tagfocus="pid=$pid:$pid"
	part=$(sed -n 's/^Showing nodes accounting for \([0-9]*\)B.*/\1/p' <<<"$out" | head -n 1)
	ok "... is a part: $part" test "${part:-0}" -gt 15000000 -a "${part:-0}" -lt "$total"
done
