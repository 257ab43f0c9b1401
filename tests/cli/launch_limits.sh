#!/bin/bash
# SPDX-License-Identifier: ISC
# -memory-max and -memory-swap-max: the kernel holds them, or the program is not started.
# vm: yes
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

exits "the program runs" 0 mstat -v -o run.mstat -- true
cgroup=$(sed -n 's/^mstat: own writable cgroup: //p' <<<"$err")
[ -n "$cgroup" ] || skip_all "no cgroup here"
if [ -e "${cgroup%/*}/memory.limit_in_bytes" ]; then
	memory=memory.limit_in_bytes swap=memory.memsw.limit_in_bytes both=1
else
	memory=memory.max swap=memory.swap.max both=0
fi
# The run's own cgroup is the newest below its parent: its program looks for the name that it has.
# shellcheck disable=SC2016 # expanded by the inner shell
look='name=$(grep -ao "mstat-[0-9]*-[0-9a-f]*" /proc/self/cgroup | head -n 1)
	for file; do cat "$0/$name/$file"; done'
looks() { mstat -q -o run.mstat "$@" -- sh -c "$look" "${cgroup%/*}" $memory $swap; }
exits "without the flags" 0 mstat -q -o run.mstat -- sh -c "$look" "${cgroup%/*}" $memory
unlimited=$out
exits "-memory-max" 0 mstat -q -o run.mstat -memory-max 64MiB -- sh -c "$look" "${cgroup%/*}" $memory
is "it is the cgroup's limit" "$out" 67108864
unlike "which without the flags has none" "$unlimited" '^67108864$'
# Where the kernel does not limit swap, the limit is refused.
run looks -memory-max 64M -memory-swap-max 16M
# (The root cgroup has no such file, though those below it do.)
if [ "$status" = 125 ] && [ ! -e "${cgroup%/*}/$swap" ]; then
	is "is told" "$err" "mstat: the memory cannot be limited: $swap: this kernel has no such limit"
else
	is "-memory-swap-max" "$out" "67108864
$((both ? 83886080 : 16777216))"
	run looks -memory-max 64M -memory-swap-max 0
	is "no swap at all" "$out" "67108864
$((both ? 67108864 : 0))"
fi
if [ $both = 1 ]; then
	exits "swap alone cannot be limited on v1" 125 mstat -o new.mstat -memory-swap-max 1G -- touch ran
	is "one line says so" "$err" \
		"mstat: the memory cannot be limited: v1 cgroups limit swap together with memory: give a limit of memory too"
	ok "the program was not started" test ! -e ran
	ok "and nothing is left of its record" test ! -e new.mstat
fi

# tail keeps a line that does not end.
exits "the kernel kills a program that wants more" 137 mstat -o run.mstat -memory-max 24M -- \
	sh -c 'exec tail -n 1 </dev/zero'
is "the record knows the limit" "$(mstat-decode -what summary run.mstat | awk '$1 == "memory_max_bytes" { print $2 }')" 25165824
like "the summary says how it ended" "$err" 'ended by signal 9'
like "the oom kill is recorded" "$(mstat-decode -what events run.mstat)" $'\toom\t'
# Rows that were sampled before, and settled after the end, do not matter.
for i in 1 2 3 4 5; do
	peak=$(mstat-decode -what summary run.mstat | awk '$1 == "peak_exact_bytes" { print $2 }')
	[ -n "$peak" ] && within "its peak is the limit, time $i" "$peak" $((24 << 20)) 10
	run mstat -q -o run.mstat -memory-max 24M -- sh -c 'exec tail -n 1 </dev/zero'
done
exits "what stays below is left alone" 0 mstat -q -o run.mstat -memory-max 256M -- sh -c 'head -c 1000000 /dev/zero | tail -n 1 >/dev/null'

for size in 0 '' 10X -5M 1e9; do
	exits "-memory-max '$size' is refused" 125 mstat -o new.mstat -memory-max "$size" -- touch ran
	is "'$size': one line says so" "$err" "mstat: -memory-max: \"$size\" is not a size such as 512MiB"
done
ok "nothing ran" test ! -e ran

# Where there can be no cgroup: one line, and the program is not started.
if [ "$(id -u)" != 0 ]; then
	skip "limits without a cgroup" "only root can become a user"
	exit
fi
mkdir bin lib work && cp "$BIN/mstat" bin && cp "$LIB/libmstat.so" lib && chmod -R a+rX "$TMP" && chmod 777 work
cd work || exit 1
as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/ "$@"; }
for flag in -memory-max=1G -memory-swap-max=1G; do
	exits "${flag%=*} without a cgroup" 125 as_user ../bin/mstat -o run.mstat $flag -- touch ran
	like "${flag%=*}: one line says so" "$err" '^mstat: the memory cannot be limited: no cgroup: [^
]*$'
	ok "${flag%=*}: the program was not started" test ! -e ran
	ok "${flag%=*}: and there is no record" test ! -e run.mstat
done
exits "the same run without limits" 0 as_user ../bin/mstat -q -o run.mstat -- touch ran
