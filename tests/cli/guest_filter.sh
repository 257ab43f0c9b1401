#!/bin/bash
# SPDX-License-Identifier: ISC
# Seccomp filters: the sampler's calls never kill a program that does not make them itself.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"

filter=$TARGETS/guest_filter
run "$filter" harmless true
[ "$status" = 0 ] || skip_all "no seccomp filter can be installed"

ok "mstat under a filter that it tried its calls under" \
	"$filter" harmless mstat -q -freq 100 -o run.mstat -- "$TARGETS/guest_work" none
is "samples" "$out" "threads 2"
# A sampler that cannot leave the program's fs must not change its folder, either.
cd /usr || exit
ok "mstat where unshare() is not permitted" "$filter" refusing mstat -q -freq 100 -o "$TMP/run.mstat" -- \
	"$BASH" -c '"$1" none; pwd -P; readlink /proc/self/cwd' - "$TARGETS/guest_work"
is "samples, and the program is where it was" "$out" "threads 2
/usr
/usr"
cd "$TMP" || exit
ok "mstat -heap where its sampler's calls would kill" "$filter" peeking mstat -q -heap -heap-interval 1 -freq 100 -o run.mstat -- \
	"$TARGETS/guest_work" none
is "the program has none" "$out" "threads 1"
for kind in harmless deadly; do
	ok "a program that installs a $kind filter and starts another" \
		mstat -q -freq 100 -o run.mstat -- "$filter" $kind "$TARGETS/guest_work" none
	is "the other has no sampler" "$out" "threads 1"
done
ok "a filter on top of mstat's own" \
	"$filter" harmless mstat -q -freq 100 -o run.mstat -- "$filter" deadly "$TARGETS/guest_work" none
is "no sampler either" "$out" "threads 1"
for when in forks forks-later; do
	ok "a program under a deadly filter that forks ($when)" \
		mstat -q -freq 100 -o run.mstat -- "$filter" $when
	is "all its children live, each with one thread ($when)" "${out// 256/x}" xxxxxxxxxxxxxxxxxxxx
done
ok "a program that puts itself under a filter" mstat -q -freq 1 -o run.mstat -- "$filter" stays
is "is at once without a thread that is not under it" "$out" "1 left"
ok "one that does so by a system call of its own" mstat -q -freq 100 -o run.mstat -- "$filter" stays raw
is "is so when the sampler sees it" "$out" "1 left"
ok "filters that the kernel refuses" mstat -q -freq 100 -o run.mstat -- "$filter" refused
is "are nothing to it" "$out" "-1 -1"
ok "a deadly filter for all threads" mstat -q -freq 100 -o run.mstat -- "$filter" all
is "has no sampler to kill the program" "$out" "2 threads, 0 of them ours"
ok "a filter of one thread of several" mstat -q -freq 100 -o run.mstat -- "$filter" thread
is "does not concern the sampler" "$out" "2 threads, 1 of them ours"
exits "read, write and exit alone" 5 mstat -q -freq 100 -o run.mstat -- "$filter" strict
is "are all that it calls" "$out" alive

# Filters that permit what the program calls, and nothing of ours.
for what in twice child setuid fork thread wait; do
	ok "a filter that kills for all else ($what)" timeout -s KILL 30 mstat -q -freq 100 -o run.mstat -- "$TARGETS/guest_allow" $what
	is "is the program's alone ($what)" "$out" alive
done
