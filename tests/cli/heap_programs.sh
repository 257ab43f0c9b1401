#!/bin/bash
# SPDX-License-Identifier: ISC
# Programs that stand in front of the allocator themselves, and some that everybody has.
# timeout: 600
# shellcheck source=tests/cli/heap_lib disable=SC2154,SC2016
. "$(dirname "$0")/heap_lib"
heap_intervals=1

have() { command -v "$1" >/dev/null; }
if have valgrind; then
	heap_same "valgrind: operators new and delete" valgrind -q --error-exitcode=9 "$TARGETS/heap_new"
	heap_same "valgrind: exceptions" valgrind -q --error-exitcode=9 "$TARGETS/heap_throw" exceptions
	heap_same "valgrind: a library that is gone" valgrind -q --error-exitcode=9 "$TARGETS/heap_dlopen" "$TARGETS" keep
	heap_same "valgrind: children" valgrind -q --error-exitcode=9 "$TARGETS/heap_forks" keep
else
	skip "valgrind" "not installed"
fi
cat >heap.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
	for (int i = 1; i < 10000; i++) {
		char *p = realloc(calloc(i % 100 + 1, 3), i);
		p[i - 1] = argv[0][0];
		free(p);
	}
	char *p = malloc(10);
	if (argc > 1)
		p[atoi(argv[1])] = 1;
	free(p);
	puts("ok");
	return 0;
}
END
for san in address thread undefined leak; do
	if have clang && clang -fsanitize=$san -g -O0 -o heap heap.c 2>/dev/null && ./heap >/dev/null 2>&1; then
		heap_same "clang's -fsanitize=$san" ./heap
	else
		skip "clang's -fsanitize=$san" "it does not run without mstat either"
	fi
done
if have clang && clang -fsanitize=address -g -O0 -o heap heap.c 2>/dev/null; then
	run timeout 60 mstat -q -freq 100 -heap -o run.mstat -- ./heap 10
	like "the sanitizer still finds a fault" "$status $err" '^1 .*heap-buffer-overflow'
fi
if have python3; then
	cat >all.py <<'END'
import ctypes, gc, multiprocessing, subprocess, sys, threading
def work(n): return len([str(i) * 3 for i in range(n)])
if __name__ == '__main__':
    out = []
    threads = [threading.Thread(target=lambda: out.append(work(5000))) for _ in range(8)]
    for t in threads: t.start()
    for t in threads: t.join()
    print(out, subprocess.run(['sh', '-c', 'echo $((6 * 7))'], capture_output=True).stdout)
    with multiprocessing.get_context('fork').Pool(3) as pool: print(pool.map(work, range(5)))
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.free(ctypes.c_void_p(libc.malloc(ctypes.c_size_t(1000))))
    gc.collect()
    print('ok')
END
	heap_same "python3" python3 all.py
	heap_same "python3, each object by malloc()" env PYTHONMALLOC=malloc python3 all.py
else
	skip "python3" "not installed"
fi
if have perl; then
	heap_same "perl" perl -e 'my %h; $h{$_ % 997} .= "x" x ($_ % 50) for 1 .. 20000; my $p = fork // die;
		if (!$p) { %h = (); exit 3 } waitpid $p, 0; print $? >> 8, " ", length(join "", values %h), "\nok\n"'
fi
heap_same "a shell and its children" "$BASH" -c 'seq 1 5000 | sort -n | tail -n 1; x=(); for i in {1..2000}; do x+=("$i$i"); done
	echo "${#x[@]}" "$(echo "${x[@]}" | wc -w)"; echo ok'
heap_same "a compiler" "$BASH" -c '"${1:-gcc}" -O2 -o compiled heap.c && ./compiled' - "${CC:-gcc}"
