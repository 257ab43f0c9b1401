/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "collector/cgroup_internal.h"
#include "collector/scope.h"
#include "collector/smallfile.h"

#define TIMEOUT_USEC 5000000

#define SYSTEMD	       "org.freedesktop.systemd1"
#define SYSTEMD_OBJECT "/org/freedesktop/systemd1"
#define MANAGER	       SYSTEMD ".Manager"

/* ---- where it stands --------------------------------------------------------------------------- */

static size_t make_slice(char *ret, size_t size)
{
	return (size_t)snprintf(ret, size, "/user.slice/user-%u.slice/", (unsigned)geteuid());
}

/* Whether a part of the path is a run's cgroup. */
static bool is_in_run(const char *own)
{
	char part[NAME_MAX + 1];

	while (*own) {
		size_t len;

		own += strspn(own, "/");
		len = strcspn(own, "/");
		if (len < sizeof(part)) {
			memcpy(part, own, len);
			part[len] = '\0';
			if (cgroup_dir_is_run(part))
				return true;
		}
		own += len;
	}
	return false;
}

bool scope_may_help(const struct cgroup_place *place, int err)
{
	char slice[64];
	size_t len = make_slice(slice, sizeof(slice));

	return geteuid() != 0 && place->mode == CGROUP_V2 &&
	       (err == -EACCES || err == -EPERM || err == -ENOENT) &&
	       strncmp(place->own, slice, len) == 0 && !is_in_run(place->own);
}

static bool has_limit(const char *dir, const char *file)
{
	char path[PATH_MAX + 32], text[64];
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	len = smallfile_read(path, text, sizeof(text));
	return strspn(text, "\n") < len && strncmp(text, "max", 3) != 0;
}

/*
 * The file of a limit that a run in the scope would escape: of the cgroup, or of one above it up to the
 * user's slice, whose limits hold for both. NULL: there is none.
 */
static const char *find_limit(const struct cgroup_place *place)
{
	static const char *const files[] = {"memory.max", "memory.high", "memory.swap.max",
					    "pids.max",	  "cpu.max",	 "cpuset.cpus",
					    "io.max"};
	char dir[PATH_MAX], slice[64];
	size_t len = make_slice(slice, sizeof(slice));
	char *end;

	/* Its directory ends with its path: cgroup_find(). */
	snprintf(dir, sizeof(dir), "%s", place->memory);
	end = strstr(dir, slice);
	if (!end)
		return NULL;
	for (end += len - 1; strlen(dir) > (size_t)(end - dir); *strrchr(dir, '/') = '\0')
		for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
			if (has_limit(dir, files[i]))
				return files[i];
	return NULL;
}

/* ---- who stays in the session ------------------------------------------------------------------ */

/* It has no file, hears no signal, and dies with us. */
static pid_t start_keeper(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	sigset_t all;

	if (pid != 0)
		return pid;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "mstat-session");
	setsid();
	close_range(0, ~0u, 0);
	while (getppid() == parent)
		pause();
	_exit(0);
}

static void end_keeper(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- systemd ----------------------------------------------------------------------------------- */

struct job {
	char unit[64];
	bool is_done;
	char *why; /* "": it is good */
	size_t why_size;
};

static void end_job(struct job *job, const char *why)
{
	job->is_done = true;
	snprintf(job->why, job->why_size, "%s", why);
}

static int on_job_removed(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct job *job = arg;
	const char *path, *unit, *result;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) >= 0 &&
	    strcmp(unit, job->unit) == 0)
		end_job(job,
			strcmp(result, "done") ? "the user's systemd could not start a scope" : "");
	return 0;
}

/* Of both calls; that a job was made says nothing yet. */
static int on_reply(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct job *job = arg;
	const sd_bus_error *refused = sd_bus_message_get_error(m);
	char why[256];

	(void)error;
	if (refused) {
		snprintf(why, sizeof(why), "the user's systemd refused a scope: %s",
			 refused->message ? refused->message : refused->name);
		end_job(job, why);
	}
	return 0;
}

/* The user's own bus, also where the environment names another one or none. */
static int open_bus(sd_bus **ret)
{
	char address[64];
	struct stat st;
	int n = snprintf(address, sizeof(address), "unix:path=/run/user/%u/bus",
			 (unsigned)geteuid());
	int err;

	if (n < 0 || stat(address + strlen("unix:path="), &st) < 0 || st.st_uid != geteuid())
		return -ENOENT;
	err = sd_bus_new(ret);
	if (err >= 0)
		err = sd_bus_set_address(*ret, address);
	if (err >= 0)
		err = sd_bus_set_bus_client(*ret, 1);
	return err < 0 ? err : sd_bus_start(*ret);
}

/* Process 0 is who asks: our pid may be another's to systemd. */
static int ask_for_scope(sd_bus *bus, struct job *job)
{
	int err = sd_bus_match_signal_async(bus, NULL, SYSTEMD, SYSTEMD_OBJECT, MANAGER,
					    "JobRemoved", on_job_removed, on_reply, job);

	if (err < 0)
		return err;
	return sd_bus_call_method_async(bus, NULL, SYSTEMD, SYSTEMD_OBJECT, MANAGER,
					"StartTransientUnit", on_reply, job, "ssa(sv)a(sa(sv))",
					job->unit, "fail", 4, "Description", "s", "a run of mstat",
					"PIDs", "au", 1, (uint32_t)0, "Delegate", "b", 1,
					"CollectMode", "s", "inactive-or-failed", 0);
}

static uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void wait_for_job(sd_bus *bus, struct job *job)
{
	uint64_t end = now_usec() + TIMEOUT_USEC;

	while (!job->is_done) {
		uint64_t now = now_usec();
		int ret = sd_bus_process(bus, NULL);

		if (ret < 0)
			end_job(job, "the bus of the user's systemd failed");
		else if (ret == 0 && now >= end)
			end_job(job, "the user's systemd did not answer");
		else if (ret == 0)
			sd_bus_wait(bus, end - now);
	}
}

static bool is_in(const char *unit)
{
	char text[8192];

	return smallfile_read("/proc/self/cgroup", text, sizeof(text)) > 0 && strstr(text, unit);
}

static void start_scope(sd_bus *bus, struct job *job)
{
	uint32_t random = 0;

	(void)!getrandom(&random, sizeof(random), 0);
	snprintf(job->unit, sizeof(job->unit), "mstat-%d-%08x.scope", (int)getpid(), random);
	if (ask_for_scope(bus, job) < 0)
		end_job(job, "the bus of the user's systemd failed");
	wait_for_job(bus, job);
	if (job->why[0] == '\0' && !is_in(job->unit))
		end_job(job, "the user's systemd made a scope, and this process is not in it");
}

int scope_enter(const struct cgroup_place *place, char *why, size_t size)
{
	struct job job = {.why = why, .why_size = size};
	const char *limit = find_limit(place);
	sd_bus *bus = NULL;
	pid_t keeper = 0;

	why[0] = '\0';
	if (limit)
		snprintf(why, size, "this session has a limit, %s, which would not hold in a scope",
			 limit);
	else if (open_bus(&bus) < 0)
		snprintf(why, size,
			 "no systemd of this user answers: loginctl enable-linger starts one");
	else if ((keeper = start_keeper()) < 0)
		snprintf(why, size, "nobody could be left in the session: %s", strerror(errno));
	else
		start_scope(bus, &job);
	sd_bus_close(bus);
	sd_bus_unref(bus);
	if (why[0] == '\0')
		return 0;
	end_keeper(keeper);
	return -1;
}
