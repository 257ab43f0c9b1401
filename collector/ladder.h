/* SPDX-License-Identifier: ISC */
/*
 * Where a run gets its cgroup from: one that this process may make, one that mstatd gives, one of the
 * user's own systemd, in this order; or none. And mstatd, where it has been asked for whatever it was.
 */
#ifndef MSTAT_COLLECTOR_LADDER_H
#define MSTAT_COLLECTOR_LADDER_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/broker.h"
#include "collector/cgroup.h"

#define LADDER_STEPS_MAX 3

struct ladder_step {
	const char *what;    /* static */
	const char *why_not; /* borrowed from the ladder; NULL: there is a cgroup by it */
};

/* The members are for reading. */
struct ladder {
	struct cgroup_place place;
	struct cgroup *cgroup; /* owned; NULL: none */
	int cgroup_error;      /* why there is none at the place; a negative errno */
	struct ladder_step steps[LADDER_STEPS_MAX];
	size_t steps_count;
	struct broker *broker;	/* owned; NULL: no mstatd was needed, or there is none */
	char broker_error[320]; /* why there is none */
	char place_error[320], scope_error[320];
};

/* broker is NULL, or one that is open already, which the ladder owns from now on. It is not to be moved then. */
void ladder_init(struct ladder *ladder, struct broker *broker);

/* Tries the steps until there is a cgroup. May move this process into another one, which stays its own. */
void ladder_climb(struct ladder *ladder);

/* Takes one that others have made (NULL: none), in place of trying. */
void ladder_watch(struct ladder *ladder, struct cgroup *cgroup);

/* Asks for mstatd, once. Returns whether there is one: ladder->broker. */
bool ladder_ask(struct ladder *ladder);

/* Why there is no cgroup, on one line, by the step that came furthest. Borrowed from the ladder. */
const char *ladder_why(const struct ladder *ladder);

/* Does without the cgroup, because of that error: a negative errno. */
void ladder_drop(struct ladder *ladder, int err);

/* Removes the cgroup; with processes in it, it is swept by a later run. */
void ladder_done(struct ladder *ladder);

#endif
