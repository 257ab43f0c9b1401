# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: ISC
# Programs that count their own threads, in each of the places where the kernel tells it.
# packages: gcc libc6-dev procps
# known: (status|stat|task|links) of .*|ps of a program
compat_version() { gcc --version | head -n 1; }

compat_setup() {
	cat >count.c <<'END'
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
static void *sleeper(void *arg) { pause(); return arg; }
static int status(const char *path)
{
	char line[256];
	int n = -1;
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Threads: %d", &n) == 1) break;
	if (f) fclose(f);
	return n;
}
static int stat_field(const char *path)
{
	char text[1024] = {0}, *p;
	int n = -1;
	FILE *f = fopen(path, "r");
	if (f && fread(text, 1, sizeof(text) - 1, f) && (p = strrchr(text, ')')))
		sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d", &n);
	if (f) fclose(f);
	return n;
}
static int tasks(const char *path)
{
	int n = 0;
	DIR *d = opendir(path);
	while (d && readdir(d)) n++;
	if (d) closedir(d);
	return n - 2;
}
int main(int argc, char **argv)
{
	pthread_t t;
	struct stat st = {0};
	const char *how = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 0, ret;
	while (n-- > 0) pthread_create(&t, NULL, sleeper, NULL);
	if (argc > 3 && fork() != 0) { /* asked again in a fork's child */
		wait(&ret);
		return WEXITSTATUS(ret);
	}
	usleep(100000);
	if (!strcmp(how, "status")) printf("%d\n", status("/proc/self/status"));
	if (!strcmp(how, "stat")) printf("%d\n", stat_field("/proc/self/stat"));
	if (!strcmp(how, "task")) printf("%d\n", tasks("/proc/self/task"));
	if (!strcmp(how, "links")) { stat("/proc/self/task", &st); printf("%d\n", (int)st.st_nlink); }
	if (!strcmp(how, "ps")) {
		char command[64];
		snprintf(command, sizeof(command), "ps -o nlwp= -p %d", (int)getpid());
		ret = system(command);
	}
	fflush(NULL);
	_exit(0);
}
END
	gcc -O1 -o count count.c -pthread
}

compat_cases() {
	local how n
	for how in status stat task links; do
		for n in 0 3; do case_is "$how of a program with $n more threads" "$("$COMPAT_SETUP/count" $how $n)"; done
		case_is "$how of a fork's child" "$("$COMPAT_SETUP/count" $how 0 fork)"
	done
	case_is "ps of a program" "$("$COMPAT_SETUP/count" ps 0)"
}
