#!/bin/bash
# SPDX-License-Identifier: ISC
# No thread keeps the ids that the program gave up, and sampling goes on with the new ones.
# vm-kernel: yes
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

[ "$(id -u)" = 0 ] || skip_all "only root can change ids"

column() { mstat-decode -what samples run.mstat | awk -F'\t' -v name="$1" '
	NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } { print $c[name] }'; }

ok "each call of libc" mstat -q -freq 100 -o run.mstat -- "$TARGETS/guest_ids" calls
is "no thread keeps old ids at its return, and a sampler is there" \
	"$(grep -v 'returned 0, 0 threads' <<<"$out")" "failures 0"
notes=$(column notes | tail -n 20)
like "the unprivileged sampler is refused taskstats" "$notes" taskstats_pid:denied
like "it says what it uses instead, or the collector asks" "$notes" '@(collector_taskstats|schedstat|stat)'

ok "calls" mstat -q -freq 100 -o run.mstat -- "$TARGETS/guest_ids" errno
is "what they return, and errno, are the system's" "$out" "success 0 0
kept 0 71
failure -1 1"
ok "calls that change nothing" mstat -q -freq 100 -o run.mstat -- "$TARGETS/guest_ids" dumpable
is "keep the process dumpable" "$out" "dumpable 1 1"

# A raw system call cannot be seen coming: within a tick of it the sampler is gone.
for what in uid gid groups caps; do
	ok "$what changed by a raw system call" \
		mstat -q -freq 20 -o run.mstat -- "$TARGETS/guest_ids" raw $what
	like "no thread keeps the old for long (a tick is 50 ms)" "$out" '^kept [0-9]{1,3} ms$'
done

if command -v strace >/dev/null; then
	ok "500 changes" mstat -q -freq 20 -o run.mstat -- \
		strace -f -e trace=connect -o connects "$TARGETS/guest_ids" often
	n=$(grep -c 'connect(.*AF_UNIX' connects)
	ok "of which most do not wait for a sampler that has begun to connect ($n have)" test "$n" -gt 0 -a "$n" -lt 250
else
	skip "500 changes" "no strace"
fi
