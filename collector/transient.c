/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "collector/transient.h"

#define TIMEOUT_USEC 5000000

#define SYSTEMD	       "org.freedesktop.systemd1"
#define SYSTEMD_OBJECT "/org/freedesktop/systemd1"
#define MANAGER	       SYSTEMD ".Manager"

struct job {
	const struct transient *scope;
	bool is_done;
	int err;
	char *why; /* borrowed */
	size_t why_size;
};

static void end_job(struct job *job, int err, const char *what, const char *detail)
{
	job->is_done = true;
	job->err = err;
	snprintf(job->why, job->why_size, "%s%s%s%s", err < 0 ? job->scope->manager : "",
		 err < 0 ? " " : "", what, detail);
}

static int on_job_removed(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct job *job = arg;
	const char *path, *unit, *result;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) < 0 ||
	    strcmp(unit, job->scope->unit) != 0)
		return 0;
	if (strcmp(result, "done") == 0)
		end_job(job, 0, "", "");
	else
		end_job(job, -EIO, "could not start a scope", "");
	return 0;
}

/* Of both calls; that a job was made says nothing yet. */
static int on_reply(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	const sd_bus_error *refused = sd_bus_message_get_error(m);

	(void)error;
	if (refused)
		end_job(arg, -EPERM,
			"refused a scope: ", refused->message ? refused->message : refused->name);
	return 0;
}

/*
 * A systemd limits the tasks of every scope, if not told otherwise: the process would get less than it
 * had. What limits the slice still holds.
 */
static int append_properties(sd_bus_message *m, const struct transient *scope)
{
	int err = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)", "Description", "s",
					"a run of mstat", "PIDs", "au", 1, (uint32_t)scope->pid,
					"Delegate", "b", 1, "TasksMax", "t", UINT64_MAX,
					"CollectMode", "s", "inactive-or-failed");

	if (err >= 0 && scope->slice)
		err = sd_bus_message_append(m, "(sv)", "Slice", "s", scope->slice);
	if (err >= 0 && scope->part_of)
		err = sd_bus_message_append(m, "(sv)(sv)", "PartOf", "as", 1, scope->part_of,
					    "After", "as", 1, scope->part_of);
	return err;
}

static int append_unit(sd_bus_message *m, const struct transient *scope)
{
	int err = sd_bus_message_append(m, "ss", scope->unit, "fail");

	if (err >= 0)
		err = sd_bus_message_open_container(m, 'a', "(sv)");
	if (err >= 0)
		err = append_properties(m, scope);
	if (err >= 0)
		err = sd_bus_message_close_container(m);
	return err < 0 ? err : sd_bus_message_append(m, "a(sa(sv))", 0);
}

static int ask(sd_bus *bus, struct job *job)
{
	sd_bus_message *m = NULL;
	int err = sd_bus_match_signal_async(bus, NULL, SYSTEMD, SYSTEMD_OBJECT, MANAGER,
					    "JobRemoved", on_job_removed, on_reply, job);

	if (err >= 0)
		err = sd_bus_message_new_method_call(bus, &m, SYSTEMD, SYSTEMD_OBJECT, MANAGER,
						     "StartTransientUnit");
	if (err >= 0)
		err = append_unit(m, job->scope);
	if (err >= 0)
		err = sd_bus_call_async(bus, NULL, m, on_reply, job, 0);
	sd_bus_message_unref(m);
	return err;
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

		if (job->is_done)
			break;
		if (ret < 0)
			end_job(job, ret, "failed: ", strerror(-ret));
		else if (now >= end)
			end_job(job, -ETIMEDOUT, "did not answer", "");
		else if (ret == 0)
			sd_bus_wait(bus, end - now);
	}
}

int transient_start(sd_bus *bus, const struct transient *scope, char *why, size_t size)
{
	struct job job = {.scope = scope, .why = why, .why_size = size};
	int err = ask(bus, &job);

	why[0] = '\0';
	if (err < 0)
		end_job(&job, err, "failed: ", strerror(-err));
	wait_for_job(bus, &job);
	return job.err;
}
