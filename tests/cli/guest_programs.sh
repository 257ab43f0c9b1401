#!/bin/bash
# SPDX-License-Identifier: ISC
# Programs that look closely at threads and memory, and some that everybody has.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"

have() { command -v "$1" >/dev/null; }
# same DESC CMD...: the same output and exit status as without mstat
same() {
	local desc=$1 want
	shift
	run "$@"
	want="$status $out"
	run mstat -q -freq 200 -o run.mstat -- "$@"
	is "$desc" "$status $out" "$want"
}

if have valgrind; then
	same "valgrind" valgrind -q --error-exitcode=9 "$TARGETS/guest_work" last 100 1
	for tool in memcheck helgrind drd; do
		same "valgrind's $tool: threads, a child, changes of ids" \
			valgrind -q --tool=$tool --error-exitcode=9 "$TARGETS/guest_proc"
	done
else
	skip "valgrind" "not installed"
fi
if have gdb; then
	run mstat -q -freq 200 -o run.mstat -- gdb -q -nx -batch -ex run -ex 'print $_exitcode' \
		--args "$TARGETS/guest_work" last 100 1
	like "gdb" "$status $out" '^0 .*exited normally'
else
	skip "gdb" "not installed"
fi
if have strace; then
	run mstat -q -freq 200 -o run.mstat -- strace -f -o trace "$TARGETS/guest_work" ticks 10
	is "strace -f" "$status" 0
else
	skip "strace" "not installed"
fi

if have clang; then
	cat >heap.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char *p = malloc(10);
	p[0] = argv[0][0];
	usleep(100000);
	if (argc > 1)
		p[atoi(argv[1])] = 1;
	free(p);
	puts("done");
	return 0;
}
END
	for san in address thread undefined; do
		if clang -fsanitize=$san -g -o heap heap.c 2>/dev/null && ./heap >/dev/null 2>&1; then
			same "a program with clang's -fsanitize=$san" ./heap
		else
			skip "a program with clang's -fsanitize=$san" "it does not run without mstat either"
		fi
	done
	if clang -fsanitize=address -g -o heap heap.c 2>/dev/null; then
		run mstat -q -freq 200 -o run.mstat -- ./heap 10
		like "the sanitizer still finds a fault" "$status $err" '^1 .*heap-buffer-overflow'
	fi
else
	skip "sanitizers" "no clang"
fi

if have python3; then
	cat >all.py <<'END'
import os, signal, subprocess, sys, threading, multiprocessing
def work(n): return sum(range(n))
if __name__ == '__main__':
    out = []
    threads = [threading.Thread(target=lambda: out.append(work(200000))) for _ in range(8)]
    for t in threads: t.start()
    for t in threads: t.join()
    print(len(out), set(out))
    print(subprocess.run(['sh', '-c', 'echo $((6 * 7)) | cat'], capture_output=True).stdout)
    pid = os.fork()
    if pid == 0: os._exit(7)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    for method in 'fork', 'spawn':
        with multiprocessing.get_context(method).Pool(3) as pool: print(pool.map(work, range(5)))
    got = []
    signal.signal(signal.SIGALRM, lambda *_: got.append(threading.current_thread().name))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    signal.pause()
    print(got)
END
	same "python3: threads, subprocess, fork, multiprocessing, signals" python3 all.py
fi
if have perl; then
	same "perl: fork, pipes, wait" perl -e '
		for my $i (1 .. 5) { my $p = open(my $f, "-|") // die; if (!$p) { print $i * $i; exit $i }
			print <$f>; close $f; print " ", $? >> 8, "\n" }
		print `echo shell`; $SIG{ALRM} = sub { print "alarm\n" }; alarm 1; select(undef, undef, undef, 3)'
fi
same "a pipeline" "$BASH" -c 'set -o pipefail; seq 1 20000 | sort -n | tail -n 1 | sed s/20/x/; exit 3'
