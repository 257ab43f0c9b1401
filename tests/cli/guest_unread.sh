#!/bin/bash
# SPDX-License-Identifier: ISC
# A collector that is stopped, under a memory limit: what it does not read is charged to the program, and
# must not be its end. Also what processes leave unread that have ended long since.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"

run mstat -q -memory-max 32MiB -o run.mstat -- true
[ "$status" = 0 ] || skip_all "the memory cannot be limited: $err"
summary() { mstat-decode -what summary run.mstat | awk -F'\t' -v name="$1" '$1 == name { print $2 }'; }

# 320 short lives, 20 at a time, each of some hundred samples.
start mstat -q -freq 1000 -memory-max 32MiB -o run.mstat -- "$BASH" -c '
	touch ready
	until [ -e go ]; do sleep 0.02; done
	for ((i = 0; i < 16; i++)); do
		for ((j = 0; j < 20; j++)); do sleep 0.25 & done
		wait
	done
	touch done
	exit 3'
wait_for 20 test -e ready
kill -STOP "$started"
program=$(pgrep -P "$started")
touch go
over() { [ -e "done" ] || grep -q '^State:.Z' "/proc/$program/status"; }
ok "the program ends while mstat is stopped" wait_for 90 over
kill -CONT "$started"
wait "$started"
is "of its own accord" $? 3
is "nobody was killed" "$(summary oom_kills)" 0
ok "what was sampled meanwhile is there ($(summary samples) of $(summary processes_sampled) processes)" \
	test "$(summary processes_sampled)" -ge 300
is "nobody was refused" "$(summary peers_refused)" 0
