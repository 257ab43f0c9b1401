/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "collector/kin.h"

#define BUCKET_BITS 14
#define BUCKETS	    (1u << BUCKET_BITS)
/* An exit record comes milliseconds after the word of the end; a busy machine may take longer. */
#define LINGER_NS 2000000000u

struct member {
	pid_t pid;
	uint64_t exit_ns; /* 0: it has not ended */
	struct kin_group *group;
	struct member
		*next; /* of the bucket; those of one pid stand in the order in which they came */
};

struct kin {
	uint32_t salt;			/* odd: who chooses his pids cannot choose their bucket */
	struct member *bucket[BUCKETS]; /* owned lists */
};

static unsigned bucket_of(const struct kin *kin, pid_t pid)
{
	return (uint32_t)pid * kin->salt >> (32 - BUCKET_BITS);
}

int kin_new(struct kin **ret)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	if (getrandom(&(*ret)->salt, sizeof((*ret)->salt), GRND_NONBLOCK) < 0)
		(*ret)->salt = (uint32_t)getpid() * 2654435769u;
	(*ret)->salt |= 1;
	return 0;
}

static struct member *find(const struct kin *kin, pid_t pid, const struct kin_group *group)
{
	struct member *member = kin->bucket[bucket_of(kin, pid)];

	while (member && (member->pid != pid || member->group != group))
		member = member->next;
	return member;
}

int kin_add(struct kin *kin, pid_t pid, struct kin_group *group)
{
	struct member **at = &kin->bucket[bucket_of(kin, pid)];
	struct member *member;

	if (find(kin, pid, group))
		return 0;
	if (group->count >= group->max) {
		group->missed++;
		return -ENOSPC;
	}
	member = malloc(sizeof(*member));
	if (!member)
		return -ENOMEM;
	while (*at)
		at = &(*at)->next;
	*member = (struct member){.pid = pid, .group = group};
	*at = member;
	group->count++;
	return 0;
}

struct kin_group *kin_next(const struct kin *kin, pid_t pid, const struct kin_group *before)
{
	struct member *member = before ? find(kin, pid, before) : kin->bucket[bucket_of(kin, pid)];

	if (before && member)
		member = member->next;
	while (member && member->pid != pid)
		member = member->next;
	return member ? member->group : NULL;
}

static void remove_at(struct member **at)
{
	struct member *member = *at;

	*at = member->next;
	member->group->count--;
	free(member);
}

static void forget(struct kin *kin, pid_t pid)
{
	for (struct member **at = &kin->bucket[bucket_of(kin, pid)]; *at;) {
		if ((*at)->pid == pid)
			remove_at(at);
		else
			at = &(*at)->next;
	}
}

void kin_fork(struct kin *kin, pid_t parent, pid_t child)
{
	struct kin_group *group = NULL;

	if (parent == child)
		return;
	forget(kin, child);
	while ((group = kin_next(kin, parent, group)))
		kin_add(kin, child, group);
}

void kin_exit(struct kin *kin, pid_t pid, uint64_t now_ns)
{
	for (struct member *m = kin->bucket[bucket_of(kin, pid)]; m; m = m->next)
		if (m->pid == pid && !m->exit_ns)
			m->exit_ns = now_ns;
}

/* Other threads may outlive the main one. */
static bool is_over(const struct member *member, uint64_t now_ns, bool ends_are_told)
{
	if (ends_are_told && (!member->exit_ns || now_ns - member->exit_ns < LINGER_NS))
		return false;
	return kill(member->pid, 0) < 0 && errno == ESRCH;
}

void kin_sweep(struct kin *kin, uint64_t now_ns, bool ends_are_told)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct member **at = &kin->bucket[i]; *at;) {
			if (is_over(*at, now_ns, ends_are_told))
				remove_at(at);
			else
				at = &(*at)->next;
		}
}

void kin_drop(struct kin *kin, struct kin_group *group)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct member **at = &kin->bucket[i]; *at;) {
			if ((*at)->group == group)
				remove_at(at);
			else
				at = &(*at)->next;
		}
}

void kin_free(struct kin *kin)
{
	if (!kin)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		while (kin->bucket[i])
			remove_at(&kin->bucket[i]);
	free(kin);
}
