# shellcheck shell=bash disable=SC2034,SC2016
# SPDX-License-Identifier: ISC
# Programs that look at their children, their group, their cgroup, and at all processes there are.
# packages: gcc libc6-dev procps util-linux
compat_version() { ps --version; }

compat_setup() {
	cat >look.c <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
static char text[65536];
static char *slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0) close(fd);
	text[n > 0 ? n : 0] = 0;
	return text;
}
static int words(const char *s) { int n = 0; for (; *s; s++) n += *s == ' ' || *s == '\n'; return n; }
static void spit(const char *path, const char *what)
{
	int fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, what, strlen(what)) < 0) printf("%s: %d ", strrchr(path, '/'), errno);
	if (fd >= 0) close(fd);
}
static void settle(void) { usleep(100000); }
static void children(void)
{
	char path[64];
	settle();
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	printf("%d children\n", words(slurp(path)));
}
static void wall(void)
{
	int ret;
	settle();
	ret = waitpid(-1, NULL, __WALL | WNOHANG);
	printf("%d %d\n", ret, ret < 0 ? errno : 0);
}
static void run(const char *program)
{
	pid_t pid = fork();
	if (pid == 0) { setsid(); execlp(program, program, "0.1", NULL); _exit(127); }
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) ;
}
static void subreaper(void)
{
	int n = 0;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < 5; i++) run("sleep");
	settle();
	while (waitpid(-1, NULL, WNOHANG | __WALL) > 0) n++;
	printf("%d that are not mine\n", n);
}
static volatile int chlds;
static void on_chld(int sig) { (void)sig; chlds++; }
static void sigchld(void)
{
	signal(SIGCHLD, on_chld);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < 3; i++) { run("sleep"); settle(); }
	printf("%d signals\n", (int)chlds);
}
static void group(void)
{
	pid_t pid = fork();
	if (pid == 0) { setpgid(0, 0); execlp("sleep", "sleep", "0.2", NULL); _exit(1); }
	waitpid(pid, NULL, 0);
	printf("%d\n", kill(-pid, 0) < 0 ? errno : 0);
}
static void session(void)
{
	pid_t pid = fork(), own;
	if (pid == 0) {
		setpgid(0, 0);
		settle();
		own = getpid();
		pid = fork();
		if (pid == 0) { setpgid(0, 0); pause(); _exit(0); }
		settle();
		printf("%d ", setpgid(0, pid));
		printf("%d\n", setsid() < 0 ? errno : 0);
		kill(pid, SIGKILL);
		(void)own;
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}
/* What runs in one cgroup is moved into another, and the first is removed. */
static void cgroup(const char *root)
{
	char one[4096], two[4096], path[8192], text[16];
	pid_t pid;
	snprintf(one, sizeof(one), "%s/look-one", root);
	snprintf(two, sizeof(two), "%s/look-two", root);
	rmdir(one); rmdir(two);
	if (mkdir(one, 0755) < 0 || mkdir(two, 0755) < 0) { printf("none\n"); return; }
	pid = fork();
	if (pid == 0) {
		snprintf(path, sizeof(path), "%s/cgroup.procs", one);
		snprintf(text, sizeof(text), "%d", (int)getpid());
		spit(path, text);
		execlp("sleep", "sleep", "5", NULL);
		_exit(1);
	}
	settle();
	snprintf(path, sizeof(path), "%s/cgroup.procs", two);
	snprintf(text, sizeof(text), "%d", (int)pid);
	spit(path, text);
	settle();
	printf("%d moved, rmdir %d\n", words(slurp(path)), rmdir(one) < 0 ? errno : 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	settle();
	rmdir(two); rmdir(one);
}
static void usage(void)
{
	struct rusage u;
	usleep(2000000);
	getrusage(RUSAGE_SELF, &u);
	printf("%s\n", u.ru_utime.tv_sec * 1000000 + u.ru_utime.tv_usec + u.ru_stime.tv_sec * 1000000 +
		u.ru_stime.tv_usec < 50000 ? "less than 50 ms" : "more");
}
static void timens(void)
{
	int fd = open("/proc/self/ns/time_for_children", O_RDONLY);
	settle();
	printf("%d\n", setns(fd, 0) < 0 ? errno : 0);
}
static void death(int sig)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) { char *m = malloc(50 << 20); memset(m, 1, 50 << 20); settle(); kill(getpid(), sig); pause(); }
	waitpid(pid, &status, 0);
	printf("%d\n", status & 0x7f);
}
int main(int argc, char **argv)
{
	const char *w = argc > 1 ? argv[1] : "";
	if (!strcmp(w, "children")) children();
	if (!strcmp(w, "wall")) wall();
	if (!strcmp(w, "subreaper")) subreaper();
	if (!strcmp(w, "sigchld")) sigchld();
	if (!strcmp(w, "group")) group();
	if (!strcmp(w, "session")) session();
	if (!strcmp(w, "cgroup")) cgroup(argv[2]);
	if (!strcmp(w, "usage")) usage();
	if (!strcmp(w, "timens")) timens();
	if (!strcmp(w, "death")) { death(SIGKILL); death(SIGSEGV); death(SIGTERM); }
	if (!strcmp(w, "pause")) pause();
	return 0;
}
END
	gcc -O1 -o look look.c
}

# The first memory cgroup that can be written to, of those that it is in.
_cgroup() {
	local path mount
	for mount in /sys/fs/cgroup /sys/fs/cgroup/memory; do
		while IFS=: read -r _ _ path; do
			[ -w "$mount$path/cgroup.procs" ] && [ -d "$mount$path" ] && { echo "$mount$path"; return; }
		done </proc/self/cgroup
	done
}

compat_cases() {
	local look=$COMPAT_SETUP/look what pid
	for what in children wall subreaper sigchld group session usage death; do
		case_of "$what" "$look" $what
	done
	[ "$(id -u)" != 0 ] || case_of "time namespace" "$look" timens
	cp "$look" look-alone
	./look-alone pause & pid=$!
	sleep 0.2
	case_is "pgrep -x" "$(pgrep -xc look-alone)"
	case_is "pgrep -f" "$(pgrep -fc "^./look-alone pause")"
	case_is "pidof" "$(pidof "$PWD/look-alone" | wc -w)"
	# shellcheck disable=SC2009 # it is ps that is looked at
	case_is "ps" "$(ps ax -o args= | grep -c "^[.]/look-alone pause")"
	case_is "pgrep -P" "$(pgrep -P "$pid" -c)"
	kill -9 $pid
	wait $pid
	case_is "pgrep after its end" "$(pgrep -fc "^./look-alone pause")"
	if [ "$(id -u)" = 0 ]; then
		case_of "the first process of a pid namespace, which waits for its children only" \
			unshare -pf --mount-proc perl -e 'for (1 .. 5) { my $p = fork; exec "sleep", "0.1" unless $p; waitpid $p, 0 }
				select undef, undef, undef, 0.2; my @p = grep { /^\d+$/ } map { s,.*/,,r } glob "/proc/[0-9]*"; print scalar(@p), "\n"'
		case_of "cgroup" "$look" cgroup "$(_cgroup)"
	fi
}
