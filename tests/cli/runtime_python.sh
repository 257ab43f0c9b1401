#!/bin/bash
# SPDX-License-Identifier: ISC
# What CPython's allocator holds, read from outside, is what is there.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

# rows: arenas, their bytes, blocks in use
rows() { mstat-decode -what samples -columns python_arenas,python_arena_bytes,python_blocks run.mstat | sed 1d | tr '\t' ' '; }
seen() { rows | grep -v '^ *$'; }
notes() { mstat-decode -what events run.mstat | awk -F'\t' '$2 == "note" && $NF ~ /^python:/ { print $NF }'; }
# held DESCRIPTION COMMAND...: runs it at rest for some ticks
held() {
	local desc=$1
	shift
	rm -rf f && mkdir f
	start mstat -q -freq 20 -o run.mstat "$@"
	wait_for 60 test -e f/ready || echo "# it is not ready" >&2
	sleep 0.6 # some ticks of a program at rest
	touch f/go
	wait "$started"
	is "$desc: it ends" $? 0
}

for fake in fake_python fake_python12; do
	version=3.11.9
	[ $fake = fake_python ] || version=3.12.1rc3
	for n in 1 2 31; do
		held "$fake, $n arenas" -- "$TARGETS/$fake" f $n
		is "$fake, $n arenas: as they are" "$(seen | sort -u)" "$(cat f/ready)"
		is "who it is" "$(notes)" "python: CPython $version"
	done
	held "$fake, sampled outside" -preload none -- "$TARGETS/$fake" f 20
	is "$fake, sampled outside: as they are" "$(seen | sort -u)" "$(cat f/ready)"
	held "$fake, more pools than are worth a look" -- "$TARGETS/$fake" f 100 pools
	is "$fake, more pools: no blocks" "$(seen | sort -u)" "100 104857600 "
	held "$fake, a pool of too many blocks" -- "$TARGETS/$fake" f 4 blocks
	is "$fake, too many blocks: none" "$(seen | sort -u)" "4 4194304 "
	for kind in count table large; do
		held "$fake, spoilt: $kind" -- "$TARGETS/$fake" f 4 $kind
		is "$fake, spoilt: $kind: nothing is told" "$(seen)" ""
	done
	held "$fake, -runtime none" -runtime none -- "$TARGETS/$fake" f 2
	is "$fake, -runtime none: nothing is read" "$(seen)$(notes)" ""
done
if command -v strace >/dev/null; then
	rm -rf f && mkdir f
	start strace -f -qq -e trace=openat -o opens mstat -q -freq 100 -o run.mstat -- "$TARGETS/fake_python12" f 4 count
	wait_for 60 test -e f/ready
	sleep 2.5
	touch f/go
	wait "$started"
	is "one whose numbers never agree" $? 0
	ok "is read for its malloc, often" test "$(mstat-decode -what samples -columns glibc_arenas run.mstat | grep -c 1)" -ge 20
	ok "and asked less and less often" test "$(grep -c '"maps"' opens)" -le 8
	is "which is said in the end" "$(notes)" "python: CPython 3.12.1rc3: its allocator is not in use, or its numbers do not agree"
else
	skip "one whose numbers never agree" "no strace"
fi
held "none used" -- "$TARGETS/fake_python" f 0
is "none used: as it is" "$(seen | sort -u)" "0 0 0"
strip -o stripped "$TARGETS/fake_python"
held "stripped" -- ./stripped f 3
is "stripped: nothing is told" "$(seen)" ""
is "and why" "$(notes)" "python: CPython 3.11.9: its allocator's symbols are not there (a build with symbols has them)"
strip -o stripped "$TARGETS/fake_python12"
held "3.12 stripped" -- ./stripped f 3
is "3.12 stripped: as they are" "$(seen | sort -u)" "$(cat f/ready)"

# Real ones, if they have symbols: their own numbers, but for what telling them takes.
cat >real.py <<'END'
import os, sys, time
keep = [(i, str(i)) for i in range(int(sys.argv[1]))]
err, out = os.dup(2), open("f/stats", "w")
os.dup2(out.fileno(), 2)
sys._debugmallocstats()
os.dup2(err, 2)
out.close()
open("f/ready", "w").close()
while not os.path.exists("f/go"):
    time.sleep(0.02)
END
count=0
for python in $(type -P python3-dbg) "$HOME"/.pyenv/versions/3.*/bin/python3; do
	nm "$(ldd "$python" 2>/dev/null | awk '/libpython3[.]/ { print $3; exit }' | grep . || echo "$python")" 2>nm.err |
		grep -qE ' (narenas_currently_allocated|obmalloc_state_main|_PyRuntime)$' || continue
	count=$((count + 1))
	held "$python" -- "$python" real.py 20000
	want=$(awk '$2 == "arenas" && $3 == "*" { print $1, $1 * $4; exit }' f/stats)
	ok "$python: $want" grep -qE "^$want [0-9]+$" <(seen)
	blocks=$(awk '/^class/ { on = 1 } on && NF == 5 && $1 ~ /^[0-9]+$/ { s += $4 } END { print s }' f/stats)
	within "$python: blocks" "$(seen | cut -d' ' -f3 | sort -n | tail -n 1)" "$blocks" 5
done
[ $count -gt 0 ] || skip "real interpreters" "none that has its symbols"
