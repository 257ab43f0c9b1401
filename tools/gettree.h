/* SPDX-License-Identifier: ISC */
/*
 * Who descends from whom, out of one pass over /proc.
 *
 * The pass reads /proc/PID/stat of all processes. /proc/PID/task/TID/children would spare those of
 * others, but the kernel lets it leave out some while processes come and go, and each one told there
 * would have to be looked up all the same.
 *
 * A pid in such a pass may be one that was reused on the way. Real parents are older than their
 * children, also those that adopt them. So who has the number and was started no later than the child
 * is the parent: two cannot have had the number at the instant when the child was started. That holds if
 * the child was started before the pass began; younger ones are left out: it is a picture of that
 * instant. Start times are told in ticks of 10 ms, and where two of them are equal it is left in doubt.
 */
#ifndef MSTAT_TOOLS_GETTREE_H
#define MSTAT_TOOLS_GETTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct gettree_node {
	pid_t pid, ppid;
	uint64_t start_ticks;
	bool is_given; /* the caller's: a root */

	/* By gettree_build(). */
	bool is_in;
	bool is_doubtful; /* the parent may be another one, of the same pid */
	unsigned depth;
	size_t parent, child, sibling; /* indexes, or GETTREE_NONE: first child, next sibling */
};
#define GETTREE_NONE SIZE_MAX

/* The index of that pid; GETTREE_NONE. Nodes are sorted by pid. */
size_t gettree_find(const struct gettree_node *nodes, size_t n, pid_t pid);

/* Whether it may be the child of that parent. began_ticks: when the pass began. */
bool gettree_is_child(const struct gettree_node *child, const struct gettree_node *parent,
		      uint64_t began_ticks);

/*
 * Stores the indexes of the given ones and of all that descend from them, each behind its parent
 * (depth 0: its parent is none of them), siblings by pid, in ret_order, which has room for n.
 * Returns how many.
 */
size_t gettree_build(struct gettree_node *nodes, size_t n, uint64_t began_ticks, size_t *ret_order);

#endif
