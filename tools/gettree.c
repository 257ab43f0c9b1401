/* SPDX-License-Identifier: ISC */
#include "tools/gettree.h"

size_t gettree_find(const struct gettree_node *nodes, size_t n, pid_t pid)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (nodes[middle].pid == pid)
			return middle;
		if (nodes[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return GETTREE_NONE;
}

bool gettree_is_child(const struct gettree_node *child, const struct gettree_node *parent,
		      uint64_t began_ticks)
{
	return child->ppid == parent->pid && child->pid != parent->pid &&
	       parent->start_ticks <= child->start_ticks && child->start_ticks <= began_ticks;
}

/*
 * Whether that parent descends from i: what was started within one tick of the clock may look so, in a
 * picture that took longer than a pid's life.
 */
static bool closes_circle(const struct gettree_node *nodes, size_t i, size_t parent)
{
	for (size_t up = parent;
	     up != GETTREE_NONE && nodes[up].start_ticks == nodes[i].start_ticks;
	     up = nodes[up].parent)
		if (up == i)
			return true;
	return false;
}

/*
 * Whether within the tick the number may have changed hands: between the look at the parent and the start
 * of the child, or, where the parent was looked at later, between the look at the child and the start of
 * the parent.
 */
static bool is_doubtful(const struct gettree_node *nodes, size_t child, size_t parent,
			uint64_t began_ticks)
{
	return nodes[child].start_ticks == began_ticks ||
	       (parent > child && nodes[parent].start_ticks == nodes[child].start_ticks);
}

/* From the last to the first: then the lists of children are in the order of their pids. */
static void link_children(struct gettree_node *nodes, size_t n, uint64_t began_ticks)
{
	for (size_t i = 0; i < n; i++)
		nodes[i].parent = nodes[i].child = nodes[i].sibling = GETTREE_NONE;
	for (size_t i = n; i-- > 0;) {
		size_t parent = gettree_find(nodes, n, nodes[i].ppid);

		nodes[i].is_in = nodes[i].is_doubtful = false;
		if (parent == GETTREE_NONE ||
		    !gettree_is_child(&nodes[i], &nodes[parent], began_ticks) ||
		    closes_circle(nodes, i, parent))
			continue;
		nodes[i].parent = parent;
		nodes[i].is_doubtful = is_doubtful(nodes, i, parent, began_ticks);
		nodes[i].sibling = nodes[parent].child;
		nodes[parent].child = i;
	}
}

/* The next one behind i within the tree of root; GETTREE_NONE: that was all. */
static size_t next_of(const struct gettree_node *nodes, size_t i, size_t root)
{
	if (nodes[i].child != GETTREE_NONE)
		return nodes[i].child;
	for (; i != root; i = nodes[i].parent)
		if (nodes[i].sibling != GETTREE_NONE)
			return nodes[i].sibling;
	return GETTREE_NONE;
}

static size_t visit(struct gettree_node *nodes, size_t root, size_t *ret_order)
{
	size_t count = 0;

	for (size_t i = root; i != GETTREE_NONE; i = next_of(nodes, i, root)) {
		nodes[i].is_in = true;
		nodes[i].depth = i == root ? 0 : nodes[nodes[i].parent].depth + 1;
		ret_order[count++] = i;
	}
	return count;
}

/* Whether one of its ancestors is given: then it is visited from there. */
static bool is_below(const struct gettree_node *nodes, size_t i)
{
	for (size_t up = nodes[i].parent; up != GETTREE_NONE; up = nodes[up].parent)
		if (nodes[up].is_given)
			return true;
	return false;
}

size_t gettree_build(struct gettree_node *nodes, size_t n, uint64_t began_ticks, size_t *ret_order)
{
	size_t count = 0;

	link_children(nodes, n, began_ticks);
	for (size_t i = 0; i < n; i++)
		if (nodes[i].is_given && !is_below(nodes, i))
			count += visit(nodes, i, ret_order + count);
	return count;
}
