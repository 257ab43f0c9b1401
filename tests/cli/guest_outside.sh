#!/bin/bash
# SPDX-License-Identifier: ISC
# Programs that no sampler of ours can be in, or not always: of another libc, of 32 bits, static. They
# run as ever, and are reported as what they are.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"

how() { mstat-decode -what processes run.mstat | awk -F'\t' -v comm="$1" '
	NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
	$c["comm"] == comm { print $c["how"], ($c["samples"] >= 1 ? "sampled" : "not sampled"), $c["exit_status"] }'; }
# without DESC PROGRAM STDERR: run in and outside of a shell: the same output, status 5, and only that said
without() {
	exits "$1" 5 mstat -q -freq 100 -o run.mstat -- "$BASH" -c '"$0" 500; exit $?' "$2"
	is "$1: its output" "$out" "ran 500"
	like "$1: nothing is said but by its loader" "$err" "^(${3-})?\$"
}

cat >work.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void *nap(void *ms)
{
	usleep(1000 * atoi(ms));
	return NULL;
}
int main(int argc, char **argv)
{
	pthread_t thread;
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		if (setgid(getgid()) < 0 || setuid(getuid()) < 0)
			_exit(1);
		usleep(120000);
		exit(3);
	}
	pthread_create(&thread, NULL, nap, argv[1]);
	pthread_join(thread, NULL);
	if (argc != 2 || waitpid(pid, &status, 0) != pid || status != 3 << 8)
		return 1;
	printf("ran %s\n", argv[1]);
	return 5;
}
END
if command -v musl-gcc >/dev/null && musl-gcc -o musl work.c && musl-gcc -static -o musl-static work.c; then
	without "musl" ./musl
	is "musl: sampled from inside, its child too" "$(how musl)" "inside sampled 1280
inside, after set*id sampled 768"
	without "static musl" ./musl-static
	like "static musl: sampled from outside" "$(how musl-static)" 'outside, static program sampled 1280'
else
	skip "musl" "no musl-gcc"
fi
if gcc -static -pthread -o static work.c 2>/dev/null; then
	without "static" ./static
	like "static: sampled from outside" "$(how static)" 'outside, static program sampled 1280'
else
	skip "a static program" "no static libc"
fi

# The loader and libc of 32 bits are enough: without headers and start files the compiler needs no more.
libc=/lib32/libc.so.6 loader=/lib/ld-linux.so.2
cat >small.c <<'END'
int puts(const char *text);
int usleep(unsigned usec);
int fork(void);
int setgid(unsigned), setuid(unsigned), getgid(void), getuid(void);
int waitpid(int, int *, int);
void exit(int), _exit(int);
void _start(void);
void _start(void)
{
	int status = 0, pid = fork();
	if (pid == 0) {
		if (setgid(getgid()) < 0 || setuid(getuid()) < 0)
			_exit(1);
		usleep(120000);
		exit(3);
	}
	usleep(500000);
	if (waitpid(pid, &status, 0) != pid || status != 3 << 8)
		_exit(1);
	puts("ran 500");
	exit(5);
}
END
if [ -e $libc ] && [ -e $loader ] && gcc -m32 -nostdlib -fno-stack-protector -mstackrealign -o small small.c $libc \
	-Wl,--dynamic-linker=$loader 2>/dev/null && run ./small && [ "$status" = 5 ]; then
	without "32 bits" ./small "ERROR: ld.so: object '[^']*/libmstat.so' from LD_PRELOAD cannot be preloaded \(wrong ELF class: ELFCLASS64\): ignored."
	# On busy processors its file may not be read in time.
	like "32 bits: sampled from outside" "$(how small)" 'outside, (other architecture|cannot be told: it does not answer) sampled 1280'
else
	skip "32 bits" "no loader and libc for it"
fi
