#!/bin/bash
# SPDX-License-Identifier: ISC
# Programs with sanitizers of both compilers: the same reports, output and exit status, for a sound
# program and for one with faults.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

cat >work.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;
static int sum, racy;
static void *adds(void *arg)
{
	if (arg) {
		pthread_barrier_wait(&barrier);
		for (int i = 0; i < 1000; i++)
			racy++;
		return NULL; /* what came long after it would drive it out of the sanitizer's history */
	}
	for (int i = 0; i < 20000; i++) {
		pthread_mutex_lock(&mutex);
		sum += i & 1;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}
static void *volatile kept;
int main(int argc, char **argv)
{
	const char *fault = argc > 1 ? argv[1] : "";
	pthread_t threads[2];
	char *heap = malloc(10);
	int status = 0;
	usleep(120000); /* old enough for a last sample */
	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, adds, strcmp(fault, "race") ? NULL : heap);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	if (setegid(getegid()) < 0)
		return 1;
	pid_t pid = fork();
	if (pid == 0) {
		usleep(100000);
		exit(7);
	}
	waitpid(pid, &status, 0);
	if (!strcmp(fault, "overrun"))
		heap[argc + 8] = 1;
	if (!strcmp(fault, "leak"))
		kept = malloc(argc + 4321), kept = NULL;
	if (!strcmp(fault, "overflow"))
		printf("%d\n", 0x7fffffff + argc);
	free(heap);
	printf("sum %d child %d\n", sum, WEXITSTATUS(status));
	return 0;
}
END
# What differs between any two runs is left out of the reports: numbers of processes, addresses.
told() { echo "$status $out $(grep -oE '(ERROR|WARNING|SUMMARY|runtime error): .*' <<<"$err" | sed 's/[0-9a-f]*x[0-9a-f]*//g; s/(pid=[0-9]*)//')"; }
# same DESC CMD...
same() {
	local desc=$1 want
	shift
	run "$@"
	want=$(told)
	run timeout 60 mstat -q -freq 200 -o run.mstat -- "$@"
	is "$desc" "$(told)" "$want"
	inside=$(mstat-decode -what summary run.mstat | awk -F'\t' '$1 == "processes_inside" { print $2 }')
}
# program COMPILER SANITIZER STATUS FAULT...: a sound program, and with each fault, which has that status
program() {
	local name="$1 -fsanitize=$2" expected=$3 fault
	if ! command -v "$1" >/dev/null || ! "$1" -fsanitize="$2" -g -O1 -pthread -w -o work work.c 2>/dev/null; then
		skip "$name" "it cannot be compiled"
		return
	fi
	run ./work
	if [ "$status" != 0 ]; then
		skip "$name" "such programs do not run here: $(head -n 1 <<<"$err")"
		return
	fi
	same "$name: a sound program" ./work
	is "$name: which has ended well" "$status $out" "0 sum 20000 child 7"
	ok "$name: and was sampled" test "${inside:-0}" -ge 1
	for fault in "${@:4}"; do
		same "$name: $fault" ./work "$fault"
		like "$name: $fault, which is found" "$status $err" "^$expected .*(ERROR|WARNING|runtime error): "
	done
}
export ASAN_OPTIONS=exitcode=23 LSAN_OPTIONS=exitcode=23 TSAN_OPTIONS=exitcode=66:atexit_sleep_ms=0
program clang address 23 overrun leak
program clang thread 66 race
program clang undefined 0 overflow
program gcc thread 66 race
program gcc undefined 0 overflow
# gcc's refuses every preload that it is not the first of; where that is not asked for, it runs.
ASAN_OPTIONS=exitcode=23:verify_asan_link_order=0 program gcc address 23 overrun leak
