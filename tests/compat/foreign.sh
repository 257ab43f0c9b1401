# shellcheck shell=bash disable=SC2034,SC2016
# SPDX-License-Identifier: ISC
# One program compiled for other C libraries and machines: musl, dynamic and static; glibc, static;
# 32 bits, dynamic and static. Where the preload cannot be, they are not to notice it.
# packages: gcc libc6-dev musl musl-tools lib32gcc-12-dev libc6-dev-i386
# known: 32-bit: what the loader says
# timeout: 300
compat_version() { echo "$(gcc --version | head -n 1), musl $(dpkg-query -W -f='${Version}' musl)"; }

compat_setup() {
	cat >all.c <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
extern char **environ;
static long sum;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile sig_atomic_t got;
static void handler(int s) { got += s; }
static void *thread(void *arg)
{
	for (long i = 0; i < 1000; i++) { pthread_mutex_lock(&mutex); sum += (long)arg; pthread_mutex_unlock(&mutex); free(malloc((size_t)i)); }
	return arg;
}
static void at_exit(void) { puts("atexit"); fflush(stdout); }
static void show(const char *name)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");
	printf("%s:", name);
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "Uid:", 4) || !strncmp(line, "Gid:", 4) || (!strncmp(line, "Sig", 3) && line[3] != 'Q')) printf(" %.*s", (int)strcspn(line, "\n"), line);
	puts("");
	if (f) fclose(f);
}
int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	pthread_t t[50];
	int status = 0, fd[2];
	pid_t pid;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(how, "threads")) {
		for (long i = 0; i < 50; i++) pthread_create(&t[i], NULL, thread, (void *)i);
		for (int i = 0; i < 50; i++) pthread_join(t[i], NULL);
		printf("%ld\n", sum);
	} else if (!strcmp(how, "forks")) {
		for (int i = 0; i < 50; i++) {
			if ((pid = fork()) == 0) _exit(i);
			waitpid(pid, &status, 0);
			sum += WEXITSTATUS(status);
		}
		if ((pid = vfork()) == 0) { execl("/bin/sh", "sh", "-c", "exit 7", NULL); _exit(127); }
		waitpid(pid, &status, 0);
		printf("%ld %d\n", sum, WEXITSTATUS(status));
		printf("%d\n", posix_spawn(&pid, "/bin/sh", NULL, NULL, (char *[]){"sh", "-c", "exit 8", NULL}, environ));
		waitpid(pid, &status, 0);
		printf("%d %d\n", WEXITSTATUS(status), WEXITSTATUS(system("exit 9")));
		printf("%d %s\n", (int)waitpid(-1, &status, 0), strerror(errno));
	} else if (!strcmp(how, "signals")) {
		struct itimerval v = {{0, 1000}, {0, 1000}};
		signal(SIGUSR1, handler); signal(SIGALRM, handler); signal(SIGPROF, handler);
		raise(SIGUSR1);
		setitimer(ITIMER_REAL, &v, NULL);
		for (int n = 0; n < 20; n++) pause();
		v.it_interval.tv_usec = v.it_value.tv_usec = 0;
		setitimer(ITIMER_REAL, &v, NULL);
		printf("%d\n", (int)got >= SIGUSR1 + 20 * SIGALRM);
		show("signals");
	} else if (!strcmp(how, "files")) {
		printf("%d\n", open("/dev/null", O_RDONLY));
		status = pipe(fd);
		printf("%d %d %d\n", status, fd[0], fd[1]);
		for (int i = 3; i < 1024; i++) close(i);
		printf("%d\n", open("/dev/null", O_RDONLY));
	} else if (!strcmp(how, "memory")) {
		for (int i = 0; i < 1000; i++) { char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); p[i] = 1; sum += p[i]; munmap(p, 1 << 20); }
		printf("%ld %d\n", sum, mlockall(MCL_CURRENT | MCL_FUTURE) == 0 || errno == EPERM || errno == ENOMEM);
	} else if (!strcmp(how, "ids")) {
		if (getuid() == 0) printf("%d %d %d %d\n", setgroups(0, NULL), setgid(65534), setuid(65534), setuid(0));
		show("ids");
	} else if (!strcmp(how, "long")) {
		time_t end = time(NULL) + 2;
		while (time(NULL) < end) usleep(1000);
		atexit(at_exit);
		return 3;
	} else if (!strcmp(how, "exec")) {
		execl("/bin/sh", "sh", "-c", "echo executed", NULL);
	} else if (!strcmp(how, "abort")) {
		abort();
	} else if (!strcmp(how, "segv")) {
		*(volatile int *)8 = 1;
	} else if (!strcmp(how, "env")) {
		for (char **e = environ; *e; e++) if (strncmp(*e, "MSTAT_", 6) && strncmp(*e, "LD_PRELOAD", 10) && strncmp(*e, "COMPAT_", 7)) puts(*e);
	}
	return 0;
}
END
	gcc -O1 -o glibc all.c -pthread && gcc -O1 -static -o glibc-static all.c -pthread &&
		gcc -O1 -static-pie -o glibc-static-pie all.c -pthread &&
		musl-gcc -O1 -o musl all.c && musl-gcc -O1 -static -o musl-static all.c &&
		gcc -m32 -idirafter /usr/include/x86_64-linux-gnu -O1 -o 32-bit all.c -pthread &&
		gcc -m32 -idirafter /usr/include/x86_64-linux-gnu -O1 -static -o 32-bit-static all.c -pthread
}

# The loader of a 32-bit program says that it cannot preload ours: that is a case of its own.
_but_the_loader() {
	local status
	"$@" 2>err
	status=$?
	grep -v 'ld.so: object .* cannot be preloaded .*: ignored' err >&2
	return $status
}

compat_cases() {
	local which how
	ulimit -c 0
	case_of "32-bit: what the loader says" "$COMPAT_SETUP/32-bit" exit
	for which in glibc glibc-static glibc-static-pie musl musl-static 32-bit 32-bit-static; do
		for how in threads forks signals files memory ids long exec env; do
			case_of "$which: $how" _but_the_loader "$COMPAT_SETUP/$which" $how
		done
		for how in abort segv; do
			_but_the_loader "$COMPAT_SETUP/$which" $how >out 2>said
			# The shell's own word of it has a pid.
			case_is "$which: $how" "$? $(cat out; grep -v ': line [0-9]*: ' said)"
		done
	done
}
