#!/bin/bash
# SPDX-License-Identifier: ISC
# Signals: the sampler takes none of the program's, in whatever way they are sent or waited for.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

signals() { timeout 90 mstat -q -freq 100 -o run.mstat -- "$TARGETS/guest_signals" "$1"; }

ok "signals with handlers" signals here
is "are each handled once, by the thread that they were for" "$out" "kill: each once
raise: each once
pthread_kill: each once
tgkill: each once
sigqueue: each once
value 7 elsewhere 0"
ok "signals that are waited for" signals wait
is "are all there" "$out" \
	"sigwait 300 sigtimedwait 300 signalfd 300 sigsuspend 100 handled 100 elsewhere 0"
ok "timers" signals timers
is "all come, to the program" "$out" "process 1
thread 1
cpu 1
thread cpu 1
real 1
virtual 1
prof 1
prof, blocked 1
in threads of glibc's 1
elsewhere 0"
ok "signal-driven input" signals io
is "is told to the program" "$out" "process 1
thread 1
group 1
all waited for, elsewhere 0"
ok "signals to a process group" signals group
is "come once to each process" "$out" "30 30 30"
ok "a process that is stopped" signals stop
is "its sampler stops with it, and goes on with it" "$out" "stopped 1
all threads 1
ticks meanwhile 0
continued 1
exit status 5
told of: 1 stops, 1 continues, 1 ends"
ok "calls that wait" signals calls
is "are not interrupted" "$out" "nanosleep 0
poll 0
read 1
wait 1"
