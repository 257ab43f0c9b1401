#!/bin/bash
# SPDX-License-Identifier: ISC
# The sampler is a thread that glibc and the program's signals do not know.
# vm-kernel: yes
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

sampled() { mstat -q -freq 100 -o run.mstat -- "$@"; }

ok "a program without threads" sampled "$TARGETS/guest_thread" single
is "keeps glibc's single-thread mode, an errno of 0, its signal mask" "$out" "errno 0 0
threads 2
single 1 1
after pthread_create 0"
ok "signals and timers" sampled "$TARGETS/guest_thread" signals
is "all signals reach the program, and in its own thread" "$out" "lost 0
handled all elsewhere 0"

if run chrt -f 10 true && [ "$status" = 0 ]; then
	ok "a real-time program" sampled chrt -f 10 "$TARGETS/guest_work" policy
	is "has a sampler that is not" "$out" "program 1 sampler 0"
else
	skip "a real-time program" "no real-time priority is permitted"
fi
