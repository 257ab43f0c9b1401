#!/bin/bash
# SPDX-License-Identifier: ISC
# In which state the tree's tasks are, once a second.
# vm: yes
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

states() {
	awk -F '\t' '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		{ print $at["tasks_sleeping"], $at["tasks_running"], $at["tasks_stopped"], $at["tasks_uninterruptible"] }' "$1"
}
iowait() {
	awk -F '\t' '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$at["tasks_sleeping"] != "" { print $at["tasks_iowait"] }' "$1" | sort -u
}
# Where a look takes long the next one comes later: it shall cost no more than 1% of a CPU.
exits "a program runs" 0 mstat -v -q -freq 20 -preload none -o run.tsv -- "$TARGETS/collect_states" 6000
grep -q '^mstat: own writable cgroup' <<<"$err" || skip_all "no cgroup here"
rows=$(states run.tsv)
# The busy one is "running" though it may have no CPU; mstat's first look may come too early.
like "its tasks are in the states that they are in" "$rows" $'\n3 1 1 1(\n|$)'
like "not at every tick" "$rows" $'\n   \n'
known=$(grep -vcx '   ' <<<"$rows")
ok "but once a second" test "$known" -ge 2 -a "$known" -le 7
if grep -q memory /proc/self/cgroup; then
	like "who waits for I/O, the kernel tells of v1" "$(iowait run.tsv)" '^[0-9]'
else
	is "who waits for I/O, nobody tells of v2" "$(iowait run.tsv)" ''
fi
exits "with samplers" 0 mstat -q -freq 20 -o run.mstat -- "$TARGETS/collect_states" 6000
mstat-decode run.mstat >run.tsv
# One more in each process but the vfork child; that of a stopped process is stopped with it.
like "their threads are tasks of the tree as well" \
	"$(states run.tsv | awk 'NF { print $1 + $2 + $3 + $4, $3, $4 }')" $'(^|\n)10 2 1(\n|$)'
