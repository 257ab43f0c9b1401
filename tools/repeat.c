/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/diffstats.h"
#include "tools/launch.h"
#include "tools/repeat.h"
#include "tools/summary.h"

_Static_assert(REPEAT_MAX <= DIFFSTATS_MAX, "what can be made can be compared");

char *repeat_name(const char *out, unsigned number, unsigned of)
{
	const char *slash = strrchr(out, '/');
	const char *name = slash ? slash + 1 : out;
	const char *dot = strrchr(name, '.');
	size_t stem = dot && dot > name ? (size_t)(dot - out) : strlen(out);
	int digits = snprintf(NULL, 0, "%u", of);
	char *ret;

	if (asprintf(&ret, "%.*s-%0*u%s", (int)stem, out, digits, number, out + stem) < 0)
		return NULL;
	return ret;
}

bool repeat_can_name(const char *out)
{
	struct stat st;

	return stat(out, &st) < 0 || S_ISREG(st.st_mode);
}

static void wait_set(sigset_t *ret)
{
	sigemptyset(ret);
	for (const int *sig = launch_signals; *sig; sig++)
		sigaddset(ret, *sig);
	sigaddset(ret, SIGCHLD);
}

int repeat_begin(struct repeat *repeat, unsigned of)
{
	struct sigaction child = {.sa_handler = SIG_DFL};
	sigset_t set;
	void *peak = mmap(NULL, of * sizeof(*repeat->peak), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*repeat = (struct repeat){.of = of, .peak = peak == MAP_FAILED ? NULL : peak};
	sigaction(SIGCHLD, &child, &repeat->child);
	wait_set(&set);
	/* Nobody may read what we say: the exit status is the program's all the same. */
	sigaddset(&set, SIGPIPE);
	sigaddset(&set, SIGXFSZ);
	/* Whether the job stops is for the program to say. */
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGTTIN);
	sigaddset(&set, SIGTTOU);
	sigprocmask(SIG_BLOCK, &set, &repeat->signals);
	return repeat->peak ? 0 : -ENOMEM;
}

void repeat_end(struct repeat *repeat)
{
	if (repeat->peak)
		munmap(repeat->peak, repeat->of * sizeof(*repeat->peak));
	repeat->peak = NULL;
}

/* What the program is asked to end by is meant for all runs; USR1 and USR2 are its own business. */
static bool ends_all(int sig)
{
	struct sigaction action;

	return sig != SIGUSR1 && sig != SIGUSR2 && sigaction(sig, NULL, &action) == 0 &&
	       action.sa_handler != SIG_IGN;
}

pid_t repeat_start(struct repeat *repeat)
{
	static const struct timespec at_once;
	siginfo_t info;
	sigset_t set;
	pid_t pid;

	wait_set(&set);
	while (!repeat->ended_by && sigtimedwait(&set, &info, &at_once) > 0)
		if (info.si_signo != SIGCHLD && ends_all(info.si_signo))
			repeat->ended_by = info.si_signo;
	if (repeat->ended_by || repeat->begun == repeat->of)
		return -ECANCELED;
	repeat->begun++;
	pid = fork();
	if (pid == 0) {
		sigaction(SIGCHLD, &repeat->child, NULL);
		sigprocmask(SIG_SETMASK, &repeat->signals, NULL);
	}
	return pid < 0 ? -errno : pid;
}

/* It has stopped as its program has: then so do we, and the shell, whose child we are, hears of it. */
static void stop_too(pid_t pid)
{
	if (!launch_is_foreground())
		return;
	kill(getpid(), SIGSTOP);
	if (launch_is_stopped(pid))
		kill(pid, SIGCONT);
}

static bool has_ended(pid_t pid, int *ret_status)
{
	while (waitpid(pid, ret_status, WNOHANG | WUNTRACED) == pid) {
		if (!WIFSTOPPED(*ret_status))
			return true;
		stop_too(pid);
	}
	return false;
}

int repeat_wait(struct repeat *repeat, pid_t pid)
{
	siginfo_t info;
	sigset_t set;
	int status;

	wait_set(&set);
	while (!has_ended(pid, &status)) {
		if (sigwaitinfo(&set, &info) < 0 || info.si_signo == SIGCHLD)
			continue;
		if (!repeat->ended_by && ends_all(info.si_signo))
			repeat->ended_by = info.si_signo;
		if (!launch_reached(info.si_signo, info.si_code))
			kill(pid, info.si_signo);
	}
	return status;
}

void repeat_print(FILE *to, const struct repeat_peak *peak, unsigned n)
{
	int64_t bytes[REPEAT_MAX];
	unsigned exact = 0;
	char median[32], low[32], high[32];

	for (unsigned i = 0; i < n; i++) {
		if (!peak[i].is_known)
			return;
		exact += peak[i].is_exact;
		bytes[i] = peak[i].bytes;
	}
	if (!n || (exact && exact != n))
		return;
	/* It sorts them. */
	summary_bytes((int64_t)diffstats_median(bytes, n), median, sizeof(median));
	fprintf(to, "mstat: %u run%s: peak %s in the median, %s to %s, %s\n", n, n == 1 ? "" : "s",
		median, summary_bytes(bytes[0], low, sizeof(low)),
		summary_bytes(bytes[n - 1], high, sizeof(high)),
		exact ? "by the kernel, exact" : "sampled");
}
