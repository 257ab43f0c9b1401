#!/bin/bash
# SPDX-License-Identifier: ISC
# Children made by other calls than fork(), some of which run no fork handlers: they live and end as
# ever, and nobody finds a child that is not the program's.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

forks() { timeout 20 mstat -q -freq 100 -o run.mstat -- "$TARGETS/guest_forks" "$1"; }
# inside: how many processes were, and have two samples at least
inside() { mstat-decode -what processes run.mstat | awk -F'\t' '
	NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
	$c["how"] ~ /^inside/ && $c["samples"] >= 2' | wc -l; }

ok "a program without children" forks wait
is "finds none" "$out" nobody
for how in _Fork raw clone3; do
	ok "a child by $how" forks $how
	is "has no sampler, changes ids and exits as ever" "$out" "status 1536 then -1"
done
ok "a child that shares the memory" forks memory
is "changes ids, and the parent's sampler does not notice" "$out" "status 1536 then -1
sampler unchanged"
ok "a child of a second thread" forks thread
is "is sampled, and the only one" "$out $(inside)" "status 1792 then -1 2"
ok "a child by _Fork that executes a program" forks exec
is "which is sampled" "$out $(inside)" "status 0 then -1 2"
ok "popen()" forks popen
is "reads what a shell writes" "$out" "from a shell"
exits "system() tells the shell's exit status" 9 forks system
