#!/bin/bash
# SPDX-License-Identifier: ISC
# Where the run's cgroup is made, in each of the kernel's modes, and that nothing is left of it.
# vm: yes
# vm-user: yes
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

# Memory is on v1 where /proc/self/cgroup has a line for it.
own=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
if ! grep -q memory /proc/self/cgroup; then
	want='unified \(v2\)' own=$(sed -n 's/^0:://p' /proc/self/cgroup)
elif grep -q ' - cgroup2 ' /proc/self/mountinfo; then
	want='hybrid \(v1 memory\)'
else
	want='legacy \(v1\)'
fi
# shellcheck disable=SC2016 # expanded by the inner shell
run mstat -v -o run.mstat -freq 59 -- sh -c 'cat /proc/self/cgroup; echo "$MSTAT_SOCKET"; test -S "$MSTAT_SOCKET" && exec sleep 0.3'
is "the program runs" "$status" 0
if grep -q '^mstat: no cgroup' <<<"$err"; then
	skip_all "$(grep '^mstat: no cgroup' <<<"$err")"
fi
like "-v tells the mode" "$err" "mstat: using cgroups mode: $want"
cgroup=$(cgroup_of "$TMP/err")
socket=$(tail -n 1 "$TMP/out")
like "the cgroup's name" "$cgroup" '/mstat-[0-9]+-[0-9a-f]{8}$'
like "the program was in it from its first moment" "$out" ":[^:]*/${cgroup##*/}"$'(\n|$)'
ok "it is gone afterwards" test ! -e "$cgroup"
like "the socket's name is long and random" "$socket" '/mstat-[A-Za-z0-9]{6}/[0-9a-f]{32}$'
ok "its folder is gone" test ! -e "${socket%/*}"
is "the file knows it" "$(summary run.mstat cgroup)" "$cgroup"

mstat-decode run.mstat >ticks.tsv
head=$(head -n 1 ticks.tsv)
if [ "$(id -u)" = 0 ]; then
	like "the kernel's accounting answers" "$(mstat-decode -what samples run.mstat | column elapsed_ns | most)" '^[0-9]+$'
fi
for name in rss kernel anon_bytes file_bytes peak_bytes; do
	like "every machine has $name" "$(column $name <ticks.tsv | most)" '^[0-9]+$'
done
if [[ $want == unified* ]]; then
	for name in slab_bytes kernel_stack_bytes page_tables_bytes pressure_some_ns; do
		like "v2 has $name" "$(column $name <ticks.tsv | most)" '^[0-9]+$'
	done
fi
like "the first columns are those of the old tool" "$head" $'^time\trss\tkernel\t'

# Ended while processes are left: said, and swept by the next run.
run mstat -v -o left.mstat -- sh -c 'sleep 1000 >/dev/null 2>&1 & echo $!'
pid=$out cgroup=$(cgroup_of "$TMP/err")
like "who is left is told" "$err" '1 processes still run'
ok "the cgroup stays with them" test -e "$cgroup"
kill "$pid"
gone() { [ ! -e "/proc/$pid" ] || grep -q '^State:.Z' "/proc/$pid/status"; }
ok "they end" wait_for 20 gone
swept() { mstat -q -o next.mstat -- true && [ ! -e "$cgroup" ]; }
ok "and the next run sweeps the cgroup" wait_for 20 swept
