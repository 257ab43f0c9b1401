#!/bin/bash
# SPDX-License-Identifier: ISC
# Go programs where they are hard to read: what is not known is null, and nothing else suffers.
# timeout: 300
# shellcheck source=tests/cli/go_lib disable=SC2154,SC2016
. "$(dirname "$0")/go_lib"

# rows COMM: those with a heap; it has 8 MiB at least once the program has touched them
rows() { mstat-decode -what samples -where comm="$1" -columns go_heap_alloc_bytes,go_sys_bytes,rss_bytes run.mstat | awk -F'\t' 'NR > 1 && $1 != ""'; }
untrue() { rows "$1" | awk -F'\t' '($3 > 10485760 && $1 < 8388608) || $1 > 10000000 || $2 < $1 || $2 > 100000000'; }
notes() { mstat-decode -what events run.mstat | awk -F'\t' '$2 == "note" { print $NF }' | grep '^go: ' | sort -u; }
record() { run mstat -q -freq 100 -o run.mstat -- "$@"; }
# seen DESC COMM: the run was well, and what was read is true
seen() {
	is "$1" "$status $err" "0 "
	ok "$1: it is read" test "$(rows "$2" | wc -l)" -ge 5
	is "$1: and each is true" "$(untrue "$2")" ""
}

go_build exec exe
record ./exe 2500
seen "a program" exe
run mstat -v -freq 100 -o run.mstat -- ./exe 400
like "-v tells what was found" "$err" $'\nmstat: process [0-9]+: go: go1[.0-9]+, by its debug information\n'
cp exe gone
record bash -c './gone 2500 & sleep 0.05; rm gone; wait'
seen "a file that is deleted" gone
cp exe other
record bash -c './other 2500 & sleep 0.05; rm other; cp /bin/sleep other; wait'
seen "another file of that name" other
record bash -c 'sleep 0.3; exec ./exe 2500'
seen "a shell that becomes it" exe
record ./exe 400 /bin/sleep 0.5
is "it becomes another program" "$status $err" "0 "
is "which has no heap of Go" "$(rows sleep)" ""
ok "as it has, before" test "$(rows exe | wc -l)" -ge 3
record ./exe 400 ./exe 2500
seen "it becomes itself" exe
# Without the initial network namespace there is no process connector: no exec is told.
if unshare -n true 2>/dev/null; then
	run unshare -n mstat -q -freq 100 -o run.mstat -- bash -c 'sleep 0.3; exec ./exe 2500'
	seen "a shell that becomes it, and nobody tells" exe
	cp exe another
	run unshare -n mstat -q -freq 100 -o run.mstat -- ./exe 400 ./another 2500
	seen "it becomes another one, and nobody tells" exe
	ok "which is read, too: $(rows exe | wc -l) times" test "$(rows exe | wc -l)" -ge 60
else
	skip "a program that becomes another one, and nobody tells" "no network namespace is permitted"
fi
less=-sys_ptrace,-sys_admin,-perfmon,-dac_override,-dac_read_search may_not=()
[ "$(id -u)" != 0 ] || may_not=(setpriv --bounding-set="$less" --inh-caps="$less")
run "${may_not[@]}" mstat -v -freq 100 -o run.mstat -- ./exe 500 -
is "it makes itself not dumpable" "$status" 0
is "what was found is said once" "$(grep -c 'process [0-9]*: go: ' <<<"$err")" 1
is "and why that is over" "$(grep -c 'process [0-9]*: runtimes: its memory may not be read: ' <<<"$err")" 1
ok "it is read before" test "$(rows exe | wc -l)" -ge 3
record bash -c 'for i in {1..20}; do ./exe 10000 & done; sleep 0.4; kill -9 $(jobs -p); wait 2>/dev/null; exit 0'
seen "twenty that are killed" exe
record bash -c 'for i in {1..20}; do ./exe $((i * 10)) & done; wait'
is "twenty that end soon" "$status $err" "0 "
is "and each is true" "$(untrue exe)" ""

if unshare -mpf --mount-proc true 2>/dev/null; then
	record unshare -mpf --mount-proc bash -c 'mkdir -p root && mount -t tmpfs none root && cp exe root/inner && cd root && exec ./inner 2500'
	seen "in a mount and a pid namespace" inner
else
	skip "in a mount and a pid namespace" "none is permitted"
fi

if GOARCH=386 nice -n 19 "$GO" build -o small "$SRC/tests/targets/go/exec.go" 2>/dev/null; then
	record ./small 400
	is "of 32 bits" "$status $err $(rows small)" "0  "
	is "says so" "$(notes)" "go: of 32 bits, or of another machine: it is not read"
else
	skip "of 32 bits" "go cannot build it"
	skip "says so" "go cannot build it"
fi
printf 'package main\nimport "C"\n//export Seven\nfunc Seven() int { return 7 }\nfunc main() {}\n' >seven.go
printf 'int Seven(void);\nint usleep(unsigned);\nint main(int argc, char **argv) { do usleep(400000); while (argc > 1); return Seven() - 7; }\n' >host.c
if CGO_ENABLED=1 nice -n 19 "$GO" build -buildmode=c-shared -o libseven.so seven.go 2>/dev/null && gcc -o host host.c -L. -lseven -Wl,-rpath,"$PWD"; then
	record ./host
	is "a library of Go in a program of C" "$status $err $(rows host)" "0  "
	why="$("$GO" env GOVERSION) in a shared library, libseven.so: only programs of Go are read"
	is "says so" "$(notes)" "go: $why"
	record /bin/sleep 0.4
	is "a program that has none does not" "$(notes)" ""
	start ./host forever
	# Its runtime comes on a thread of its own.
	wait_for 20 eval 'mstat-get -memstats "$started" 2>&1 | grep -q library'
	run mstat-get -memstats "$started"
	is "mstat-get says so, too" "$status $err" "1 mstat-get: PID $started: $why"
	stop "$started"
else
	skip "a library of Go in a program of C" "go cannot build it"
fi
# What is cut, or full of nonsense, is read as long as it can be started.
record bash -c 'for cut in 600000 900000 1200000; do head -c $cut exe >cut; head -c 4096 /dev/urandom >>cut; chmod 755 cut; timeout 1 ./cut 100; done; exit 0' 2>/dev/null
is "programs that are cut" "$status" 0
run mstat-get -memstats $$
is "mstat-get: no Go program" "$status $err" "1 mstat-get: PID $$: it is not a Go program"
