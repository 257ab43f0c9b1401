/* SPDX-License-Identifier: ISC */
#include <signal.h>
#include <sys/wait.h>

#include "collector/oom.h"

/* The counter is read on ticks, and a large process takes its time to end. */
#define BEFORE_NS 2000000000u
#define AFTER_NS  1000000000u

static void convict(struct oom *oom, const struct oom_victim *victim)
{
	if (oom->count < OOM_VICTIMS_MAX)
		oom->victim[oom->count++] = *victim;
}

void oom_note_kills(struct oom *oom, uint64_t now_ns)
{
	oom->last_ns = now_ns;
	/* In the order in which they died. */
	for (unsigned i = 0; i < OOM_VICTIMS_MAX; i++) {
		struct oom_victim *recent = &oom->recent[(oom->next + i) % OOM_VICTIMS_MAX];

		if (recent->process && recent->at_ns + BEFORE_NS >= now_ns)
			convict(oom, recent);
		recent->process = NULL;
	}
}

void oom_note_exit(struct oom *oom, const struct process *process, uint64_t at_ns, int status)
{
	struct oom_victim killed = {process, at_ns};

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		return;
	if (oom->last_ns && at_ns <= oom->last_ns + AFTER_NS)
		convict(oom, &killed);
	else
		oom->recent[oom->next++ % OOM_VICTIMS_MAX] = killed;
}

bool oom_refers(const struct oom *oom, const struct process *process)
{
	for (unsigned i = 0; i < OOM_VICTIMS_MAX; i++)
		if (oom->victim[i].process == process || oom->recent[i].process == process)
			return true;
	return false;
}

unsigned oom_victims(const struct oom *oom, const struct oom_victim **ret)
{
	*ret = oom->victim;
	return oom->count;
}
