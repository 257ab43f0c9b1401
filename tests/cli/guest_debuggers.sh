#!/bin/bash
# SPDX-License-Identifier: ISC
# Debuggers and tracers see the program's own threads first, and leave it as they found it; a core is
# as usable as ever.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"

traced=$TARGETS/guest_traced
sampled() { timeout 90 mstat -q -freq 100 -o run.mstat -- "$@"; }
have() { command -v "$1" >/dev/null; }
samples() { mstat-decode -what samples run.mstat | awk -F'\t' -v comm="$1" '$6 == comm' | wc -l; }
status_of() { mstat-decode -what processes run.mstat | awk -F'\t' -v comm="$1" '
	NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } $c["comm"] == comm { print $c["exit_status"] }'; }
running() { start mstat -q -freq 100 -o run.mstat -- "$traced" wait && wait_for 20 test -e ready && program=$(pgrep -P "$started" -n); }
ended() {
	touch go
	wait "$started"
	is "$1: the program goes on, and ends as ever" $? 5
	rm -f go ready
}

# ---- ptrace --------------------------------------------------------------------------------------

if run "$traced" trace true && [[ $out == *many* ]]; then
	ok "a program that traces another" sampled "$traced" trace sh -c 'exit 3'
	is "waits for its child alone" "$out" "status 768 strangers 0 calls many"
	ok "one that attaches to another" sampled "$traced" seize "$traced" wait
	is "stops it, and lets it go on" "$out" "stops 5 status 1280"
	rm -f go ready
else
	skip "ptrace" "not permitted"
fi
if have strace; then
	exits "strace -f" 3 sampled strace -f -qq -o trace "$BASH" -c '"$1" none; exit 3' - "$TARGETS/guest_work"
	ok "the program below it is sampled" test "$(samples guest_work)" -ge 5
	running
	strace -f -qq -o attached -p "$program" &
	tracer=$!
	ok "strace -p of a running program" wait_for 20 grep -q clock_nanosleep attached
	kill -TERM "$tracer"
	wait "$tracer" 2>/dev/null
	ended "strace -p"
else
	skip "strace" "not installed"
fi

# ---- gdb -----------------------------------------------------------------------------------------

if have gdb; then
	run timeout 90 mstat -q -wait-all -freq 100 -o run.mstat -- gdb -q -nx -batch -ex 'break wait_here' -ex run \
		-ex bt -ex 'info threads' -ex 'shell touch go' -ex next -ex continue --args "$traced" wait
	like "gdb: a breakpoint is reached by the main thread" "$out" 'hit Breakpoint 1, wait_here.*#0 +wait_here.*#1 .* main '
	like "and the next line" "$out" 'look_make'
	like "and the end" "$out" 'exited with code 05'
	is "the program ends as ever" "$(status_of guest_traced)" 1280
	# After a stop gdb 13 loses the end of a program that has a second thread then, 3 times in 10.
	rm -f ready
	told=0
	for _ in {1..10}; do
		run timeout 90 mstat -q -freq 100 -o run.mstat -- gdb -q -nx -batch -ex 'break wait_here' -ex run \
			-ex next -ex continue --args "$traced" wait
		[[ $out != *'exited with code 05'* ]] || told=$((told + 1))
		rm -f ready
	done
	is "each of ten times" "$told" 10
	rm -f go
	running
	run timeout 60 gdb -q -nx -batch -p "$program" -ex bt -ex 'info threads' -ex detach
	like "gdb attached to a running program shows the main thread" "$out" '#[0-9]+ .*wait_here .*#[0-9]+ .* main '
	like "the sampler has its name" "$out" '"mstat"'
	ended "gdb"
else
	skip "gdb" "not installed"
fi

# ---- cores ---------------------------------------------------------------------------------------

ulimit -c unlimited 2>/dev/null
pattern=$(</proc/sys/kernel/core_pattern)
if [[ $pattern == [\|/]* || $(ulimit -c) != unlimited ]]; then
	skip "cores" "they are not written to the program's folder here: $pattern"
	exit
fi
for with in '' sampled; do
	mkdir "core$with" && cd "core$with" || exit 1
	exits "a fault in a second thread${with:+, with a sampler}" 139 ${with:-env} "$traced" fault
	cores=(*core*)
	ok "leaves a core" test -s "${cores[0]}"
	if have gdb; then
		run timeout 60 gdb -q -nx -batch -ex bt -ex 'thread apply all bt' "$traced" "${cores[0]}"
		like "which begins with the thread that failed" "$out" '#0 +[^#]*crash_here[^#]*#1 [^#]*crashes'
		like "and has the main thread" "$out" '#[0-9]+ [^#]* main '
	fi
	[ -z "$with" ] || is "the record tells of signal and core" "$(status_of guest_traced)" 139
	cd "$TMP" || exit 1
done
