/* SPDX-License-Identifier: ISC */
/*
 * Records processes that run already, or those of a cgroup, into a run file. It is the collector that does
 * so, from outside; here is who belongs to the run, and when it is over. Nothing of them is changed.
 */
#ifndef MSTAT_TOOLS_GETRECORD_H
#define MSTAT_TOOLS_GETRECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/record.h"
#include "tools/getread.h"

/* As mstat's own defaults are: what reading PSS may take. */
#define GETRECORD_STALL_NS   10000000
#define GETRECORD_BUDGET_PPM 5000

struct getrecord_config {
	uint32_t freq;
	char *const *argv; /* of what is recorded; ends with NULL; borrowed during the calls */
	/* The processes, and whether all that descends from them belongs to it, too; or a cgroup. */
	struct getread *get; /* borrowed; NULL: none */
	bool with_children;
	const char *cgroup; /* as cgroup_open() takes it; NULL: none */
};

struct getrecord;

/*
 * Makes ready what can fail before there is a file. Returns 0 and *ret, to be closed; or an error of
 * cgroup_open(), -ESRCH where no process is in the cgroup, and so on.
 */
int getrecord_open(const struct getrecord_config *config, struct getrecord **ret);

/* Whether the kernel tells of every process; where it does not, *ret_why says why, on one line. Once it runs. */
bool getrecord_hears_all(const struct getrecord *record, const char **ret_why);

/* Begins to record into that descriptor, borrowed: the processes of the shot, or the cgroup's. 0 or an error. */
int getrecord_begin(struct getrecord *record, int fd, const struct getread_shot *shot);

/*
 * Records until all have ended, or until SIGINT, SIGTERM or SIGHUP, and finishes the file. Returns 0
 * or the error of writing it: then it ends there, and so does the recording. *ret_summary has the fields of SCOPE_RUN.
 */
int getrecord_run(struct getrecord *record, struct record *ret_summary);

/* Accepts NULL. */
void getrecord_close(struct getrecord *record);

#endif
