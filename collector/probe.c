/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/broker.h"
#include "collector/cgroup.h"
#include "collector/lifecycle.h"
#include "collector/probe.h"
#include "collector/proxy.h"
#include "collector/scope.h"
#include "collector/smallfile.h"
#include "core/record.h"

struct probes {
	struct probe *at;
	size_t count;
};

__attribute__((format(printf, 4, 5))) static struct probe *
put(struct probes *probes, const char *what, bool is_there, const char *format, ...)
{
	struct probe *p = &probes->at[probes->count++];
	va_list args;

	*p = (struct probe){.what = what, .is_there = is_there};
	va_start(args, format);
	vsnprintf(p->why, sizeof(p->why), format, args);
	va_end(args);
	return p;
}

struct kernel {
	unsigned major, minor;
};

/* Whether this kernel is older (negative), newer, or that one. */
static int kernel_is(const struct kernel *than)
{
	struct utsname name;
	struct kernel own = {0, 0};

	if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &own.major, &own.minor) != 2)
		return 0;
	if (own.major != than->major)
		return own.major < than->major ? -1 : 1;
	return own.minor < than->minor ? -1 : own.minor > than->minor;
}

static void probe_kernel(struct probes *probes)
{
	/* What mstat is made for and tested on. */
	static const struct kernel oldest = {5, 10};
	bool is_new = kernel_is(&oldest) >= 0;
	struct utsname name;

	if (uname(&name) == 0)
		put(probes, "kernel", is_new, "%s %s, %s%s", name.sysname, name.release,
		    name.machine, is_new ? "" : ": mstat is made for 5.10 and newer");
}

/* mstatd gives a user what only root may have; else root measures, and the program need not be root. */
#define WITH_MSTATD "sudo systemctl enable --now mstatd.socket"
#define AS_ROOT	    "sudo mstat ... -- runuser -u $USER -- PROG, on the host itself"

static const char *mend_cgroup(const struct cgroup_place *place, int err)
{
	if (place->mode == CGROUP_NONE)
		return err == -EXDEV
			       ? "share the host's cgroup namespace: podman run --cgroupns=host ..."
			       : NULL;
	switch (-err) {
	case EROFS:
		return "a writable cgroup mount: podman run --security-opt unmask=/sys/fs/cgroup "
		       "...";
	case EACCES:
	case EPERM:
		return WITH_MSTATD;
	case EBUSY:
		if (place->mode != CGROUP_V2)
			return NULL;
		return geteuid() == 0 ? "systemd-run --scope mstat ..."
				      : "systemd-run --user --scope mstat ...";
	default:
		return NULL;
	}
}

/* Whether one of the sources was read; else its reason. */
static bool was_read(const struct record *row, enum source v1, enum source v2, enum reason *ret_why)
{
	enum reason first = row->reason[v1], second = row->reason[v2];

	*ret_why = first != REASON_UNKNOWN ? first : second;
	return first == REASON_OK || second == REASON_OK;
}

static const char *say_reason(enum reason why)
{
	switch (why) {
	case REASON_DENIED:
		return "this user may not read it";
	case REASON_ABSENT:
	case REASON_UNKNOWN:
		return "this kernel does not have it";
	default:
		return "it could not be read";
	}
}

static void probe_files(struct probes *probes, struct cgroup *cg)
{
	struct record row;
	enum reason why;
	bool is_there;

	record_init(&row);
	cgroup_sample(cg, UINT64_MAX, &row);
	is_there = was_read(&row, SOURCE_V1_PEAK, SOURCE_V2_PEAK, &why);
	put(probes, "exact peak", is_there, "%s",
	    is_there ? "the kernel counts it for the cgroup" : say_reason(why));
	is_there = was_read(&row, SOURCE_V2_PRESSURE, SOURCE_V2_PRESSURE, &why);
	put(probes, "memory pressure", is_there, "%s",
	    is_there ? "memory.pressure of the cgroup"
		     : "no PSI: not on v1 alone, nor where it is off")
		->mend = is_there ? NULL : "the kernel parameter psi=1, and cgroups v2";
}

static void probe_no_files(struct probes *probes)
{
	put(probes, "exact peak", false, "no cgroup, so nobody counts it");
	put(probes, "memory pressure", false, "no cgroup, so nobody counts it");
}

/* A cgroup that was given to us; returns whether one can be made there. */
static bool probe_given(struct probes *probes, const char *what, struct cgroup_place *place,
			int *ret_err)
{
	struct cgroup *cg = NULL;

	cgroup_find("", place);
	*ret_err = cgroup_make(place, &cg);
	if (!cg)
		return false;
	put(probes, what, true, "delegated: a run's would be %s", cgroup_path(cg));
	probe_files(probes, cg);
	cgroup_remove(cg);
	cgroup_free(cg);
	return true;
}

/* [child] What enters a scope stays in it. */
static bool probe_scope(struct probes *probes, struct cgroup_place *place)
{
	char why[512] = "";
	int err = 0;

	if (scope_enter(place, why, sizeof(why)) == 0 &&
	    probe_given(probes, "systemd user scope", place, &err))
		return true;
	put(probes, "systemd user scope", false, "%s", err < 0 ? cgroup_explain(place, err) : why);
	return false;
}

/* [child] Likewise. */
static bool probe_mstatd(struct probes *probes, struct cgroup_place *place)
{
	struct broker *broker = NULL;
	char why[320] = "";
	bool is_there = broker_open(NULL, &broker, why, sizeof(why)) == 0;
	int err = 0;

	if (is_there && broker_place(broker, why, sizeof(why)) == 0 &&
	    probe_given(probes, "mstatd", place, &err)) {
		broker_free(broker);
		return true;
	}
	put(probes, "mstatd", false, "%s", err < 0 ? cgroup_explain(place, err) : why)->mend =
		is_there ? NULL : WITH_MSTATD;
	broker_free(broker);
	return false;
}

/* [child] The rest of the ladder. */
static void climb(struct probes *probes, struct cgroup_place *place, int err)
{
	if (probe_mstatd(probes, place))
		return;
	if (!scope_may_help(place, err) || !probe_scope(probes, place))
		probe_no_files(probes);
}

/* By a child of ours, whose lines come back as they are: its static texts are where ours are. */
static void probe_ladder(struct probes *probes, struct cgroup_place *place, int err)
{
	size_t room = (PROBES_MAX - probes->count) * sizeof(*probes->at);
	int ends[2];
	ssize_t n = -1;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		struct probe found[PROBES_MAX];
		struct probes its = {.at = found};

		climb(&its, place, err);
		n = write(ends[1], found, its.count * sizeof(*found));
		_exit(n < 0);
	}
	close(ends[1]);
	if (pid > 0) {
		n = read(ends[0], probes->at + probes->count, room);
		waitpid(pid, NULL, 0);
	}
	close(ends[0]);
	probes->count += n > 0 ? (size_t)n / sizeof(*probes->at) : 0;
}

static void probe_cgroup(struct probes *probes)
{
	struct cgroup_place place;
	struct cgroup *cg = NULL;
	int err = cgroup_find("", &place);
	bool is_there = place.mode != CGROUP_NONE;
	size_t own;

	put(probes, "memory controller", is_there, "%s%s%s",
	    is_there ? cgroup_mode_name(place.mode) : cgroup_explain(&place, err),
	    is_there ? ", own cgroup " : "", place.own)
		->mend = is_there ? NULL : mend_cgroup(&place, err);
	if (is_there)
		err = cgroup_make(&place, &cg);
	if (cg) {
		put(probes, "own writable cgroup", true, "a run's would be %s", cgroup_path(cg));
		probe_files(probes, cg);
		cgroup_remove(cg);
		cgroup_free(cg);
		return;
	}
	if (is_there)
		put(probes, "own writable cgroup", false, "%s", cgroup_explain(&place, err))->mend =
			mend_cgroup(&place, err);
	own = probes->count - 1;
	probe_ladder(probes, &place, err);
	/* The next step of the ladder has mended it. */
	if (probes->count > own + 1 && probes->at[own + 1].is_there)
		probes->at[own].mend = NULL;
}

static void probe_lives(struct probes *probes, struct broker *broker)
{
	struct lifecycle *own = NULL, *l;
	int err = lifecycle_new(0, &own);
	const char *why = err < 0 ? lifecycle_why(err) : "";
	const char *mend = err == -EOPNOTSUPP ? AS_ROOT : WITH_MSTATD;
	bool is_there;

	l = own && lifecycle_has_events(own, &why) && lifecycle_has_records(own, NULL) ? own
	    : broker ? broker_lives(broker)
		     : own;
	is_there = l && lifecycle_has_events(l, &why);
	put(probes, "fork and exec events", is_there, "%s%s", is_there ? "process connector" : why,
	    is_there && l != own ? ", by mstatd" : "")
		->mend = is_there ? NULL : mend;
	why = err < 0 ? lifecycle_why(err) : "";
	is_there = l && lifecycle_has_records(l, &why);
	put(probes, "exit records", is_there, "%s%s",
	    is_there ? "of every process, however short its life" : why,
	    is_there && l != own ? ", by mstatd" : "")
		->mend = is_there ? NULL : mend;
	lifecycle_free(own);
}

static void probe_taskstats(struct probes *probes, struct broker *broker)
{
	struct proxy proxy;
	struct record rec;
	enum reason why;

	record_init(&rec);
	proxy_init(&proxy);
	proxy.broker = broker;
	proxy_ask(&proxy, getpid(), &rec);
	why = rec.reason[SOURCE_COLLECTOR_PID];
	put(probes, "taskstats", why == REASON_OK, "%s%s",
	    why == REASON_OK	   ? "delays, and the largest RSS of each thread group"
	    : why == REASON_DENIED ? "it takes CAP_NET_ADMIN in the initial user namespace"
	    : why == REASON_ABSENT ? "this kernel has no CONFIG_TASKSTATS"
				   : "the kernel does not answer",
	    why == REASON_OK && proxy.family < 0 ? ", by mstatd" : "")
		->mend = why == REASON_DENIED ? WITH_MSTATD : NULL;
	proxy_done(&proxy);
}

/* Before 5.14 it was always on, but where the kernel was told otherwise. */
static void probe_delays(struct probes *probes)
{
	const char *at = "/proc/sys/kernel/task_delayacct";
	char text[4096];
	size_t len = smallfile_read(at, text, sizeof(text));
	bool is_on = len > 0 && text[0] == '1';
	struct probe *p;

	if (len == 0) {
		smallfile_read("/proc/cmdline", text, sizeof(text));
		is_on = kernel_is(&(struct kernel){5, 14}) < 0 && !strstr(text, "nodelayacct");
	}
	p = put(probes, "delay accounting", is_on, "%s",
		is_on && len ? "kernel.task_delayacct = 1"
		: is_on	     ? "always, before Linux 5.14"
		: len	     ? "switched off: delays but those of the CPU read 0"
			     : "this kernel has no switch kernel.task_delayacct");
	if (!is_on && len)
		p->mend = access(at, W_OK) == 0 ? "mstat -delayacct ..."
						: "sudo sysctl kernel.task_delayacct=1";
}

static void probe_rollup(struct probes *probes)
{
	char text[64];
	bool is_there = smallfile_read("/proc/self/smaps_rollup", text, sizeof(text)) > 0;

	put(probes, "smaps_rollup", is_there, "%s",
	    is_there ? "PSS"
		     : "not readable: no PSS, for want of CONFIG_PROC_PAGE_MONITOR or of /proc");
}

size_t probe_all(struct probe ret[PROBES_MAX])
{
	struct probes probes = {.at = ret};
	struct broker *broker = NULL;
	char why[320];

	/* A connection for itself: who is given a cgroup is who has connected, and that is a child. */
	if (geteuid() != 0 && broker_open(NULL, &broker, why, sizeof(why)) == 0)
		broker_follow(broker);
	probe_kernel(&probes);
	probe_cgroup(&probes);
	probe_lives(&probes, broker);
	probe_taskstats(&probes, broker);
	probe_delays(&probes);
	probe_rollup(&probes);
	broker_free(broker);
	return probes.count;
}
