#!/bin/bash
# SPDX-License-Identifier: ISC
# What mstat says: -live, -q, -v, and the summary.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

signals=$TARGETS/launch_signals
erase=$'\r\e[K' erased=$'\r\e\\[K'

# The program goes on until the line was seen twice.
run "$TARGETS/launch_pty" -cols 200 expect=ready "expect=${erase}mstat " "expect=${erase}mstat " kill=12 -- \
	mstat -live -freq 20 -o run.mstat -- "$signals"
like "-live draws a line" "$out" "$erased"'mstat [0-9.]+ s  memory [0-9.]+ .*  processes 1'
like "again and again on one line" "$out" "processes 1${erased}mstat "
like "and takes it away at the end" "$out" "$erased"'mstat: launch_signals: exit status 7 after'
like "the exit code stays" "$out" 'status 7$'
run "$TARGETS/launch_pty" -cols 20 "expect=${erase}mstat " kill=12 -- mstat -live -q -freq 20 -o run.mstat -- \
	"$signals"
line=${out#*"$erase"} line=${line%%[$'\r\n']*} line=${line%%got *}
is "on a narrow terminal it does not wrap" "${#line}" 19

run mstat -live -freq 50 -o run.mstat -- sleep 0.5
unlike "elsewhere than on a terminal nothing is drawn" "$err" $'\e'
like "-live or not, there is the summary" "$err" '^mstat: sleep: exit status 0 after 0\.'
run "$TARGETS/launch_pty" expect=ready -- mstat -q -freq 50 -o run.mstat -- sh -c 'echo ready; sleep 0.5; echo end'
is "without -live nothing comes between the program's lines" "$(tr -d '\r' <<<"$out")" $'ready\nend\n\nstatus 0'
run "$TARGETS/launch_pty" -- mstat -live -q -freq 50 -o run.mstat -- \
	bash --norc -ic 'echo begin; sleep 0.6; echo end'
out=${out#*begin}
is "nor over those of another job that has the terminal" "${out%%end*}" $'\r\n'

run mstat -o run.mstat -- sleep 0.3
like "the summary tells how it ended, and when" "$err" '^mstat: sleep: exit status 0 after [0-9]+\.[0-9]{3} s'
like "the peak, exact and sampled, and when" "$err" $'\n  peak       ([0-9.]+ [KM]iB by the kernel, exact; )?[0-9.]+ [KM]iB sampled, at [0-9]+\.[0-9]{3} s(; without page cache [0-9.]+ [KM]iB)?\n'
like "the processes" "$err" $'\n  processes  1 in all: 1 inside, 0 outside, 0 by exit record only'
like "the samples, and those that were lost" "$err" $'\n  samples    [1-9][0-9]* of 1 processes, [1-9][0-9]* of the tree; [0-9]+ dropped, [0-9]+ ticks missed\n'
like "what mstat took" "$err" $'\n  mstat      CPU [0-9.]+ s in the program.s processes, [0-9.]+ s beside them; [0-9.]+ (B|KiB|MiB) of the peak\n'
like "and the record" "$err" $'\n  record     run.mstat$'

exits "-q says nothing" 0 mstat -q -o run.mstat -- true
is "nothing at all" "$out$err" ''
exits "not even for a program that fails" 9 mstat -q -o run.mstat -- sh -c 'exit 9'
is "nothing at all" "$out$err" ''
exits "-v" 0 mstat -v -q -o run.mstat -- true
like "-v says which cgroups" "$err" '^mstat: using cgroups mode: (unified \(v2\)|legacy \(v1\)|hybrid \(v1 memory\))'$'\n'
like "and what is done" "$err" $'\nmstat: own writable cgroup: /sys/fs/cgroup/.*\nmstat: sampler: /.*/libmstat.so$'
exits "-v=false" 0 mstat -v=false -q -o run.mstat -- true
is "says nothing" "$err" ''
