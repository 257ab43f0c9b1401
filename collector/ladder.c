/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "collector/keeper.h"
#include "collector/ladder.h"
#include "collector/scope.h"

void ladder_init(struct ladder *ladder, struct broker *broker)
{
	*ladder = (struct ladder){.broker = broker};
}

static void step(struct ladder *l, const char *what, const char *why_not)
{
	l->steps[l->steps_count++] = (struct ladder_step){what, why_not};
}

static const char *make_cgroup(struct ladder *l)
{
	l->cgroup_error = cgroup_find("", &l->place);
	if (l->place.mode != CGROUP_NONE)
		l->cgroup_error = cgroup_make(&l->place, &l->cgroup);
	return l->cgroup ? NULL : cgroup_explain(&l->place, l->cgroup_error);
}

bool ladder_ask(struct ladder *l)
{
	if (!l->broker && !l->broker_error[0])
		broker_open(NULL, &l->broker, l->broker_error, sizeof(l->broker_error));
	return l->broker != NULL;
}

static const char *make_by_broker(struct ladder *l)
{
	pid_t keeper;

	if (!ladder_ask(l))
		return l->broker_error;
	if (!broker_may_place(l->broker)) {
		snprintf(l->broker_error, sizeof(l->broker_error), "it is not root's");
		return l->broker_error;
	}
	/* On v1 a session is no matter of the memory cgroup. */
	keeper = l->place.mode == CGROUP_V2 ? keeper_start() : 0;
	if (broker_place(l->broker, l->place_error, sizeof(l->place_error)) == 0)
		return make_cgroup(l);
	keeper_end(keeper);
	return l->place_error;
}

static const char *make_by_scope(struct ladder *l)
{
	if (scope_enter(&l->place, l->scope_error, sizeof(l->scope_error)) < 0)
		return l->scope_error;
	return make_cgroup(l);
}

void ladder_climb(struct ladder *l)
{
	step(l, "own writable cgroup", make_cgroup(l));
	if (!l->cgroup)
		step(l, "mstatd", make_by_broker(l));
	if (!l->cgroup && scope_may_help(&l->place, l->cgroup_error))
		step(l, "systemd user scope", make_by_scope(l));
}

void ladder_watch(struct ladder *l, struct cgroup *cgroup)
{
	l->cgroup_error = cgroup_find("", &l->place);
	l->cgroup = cgroup;
}

const char *ladder_why(const struct ladder *l)
{
	/* That there is no mstatd says nothing of this machine's cgroups. NULL: there was a cgroup. */
	for (size_t i = l->steps_count; i-- > 0 && l->steps[i].why_not;)
		if (l->steps[i].why_not != l->broker_error)
			return l->steps[i].why_not;
	return cgroup_explain(&l->place, l->cgroup_error);
}

void ladder_drop(struct ladder *l, int err)
{
	cgroup_remove(l->cgroup);
	cgroup_free(l->cgroup);
	l->cgroup = NULL;
	l->cgroup_error = err;
}

void ladder_done(struct ladder *l)
{
	broker_free(l->broker);
	if (l->cgroup)
		cgroup_remove(l->cgroup);
	cgroup_free(l->cgroup);
}
