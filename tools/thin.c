/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/metric.h"
#include "tools/thin.h"

/*
 * Rows of samples stand so long at most behind newer ones of other processes: a collector that has much
 * to read takes in the processes one after the other, of each what has waited meanwhile.
 */
#define LATE_NS INT64_C(1000000000)

/* What a column comes to within a step. */
struct cell {
	bool is_known;
	uint16_t field; /* which has told it */
	int64_t value;	/* as the file has it */
	int64_t scaled;
};

/* A step of the tree, or of a process. */
struct slot {
	int64_t step;
	uint64_t process;
	struct table_row head; /* what is no column; its arrays are not set */
	bool has_main;
	int64_t main;	 /* the largest value of the main column */
	uint8_t *reason; /* in the same allocation as the slot */
	struct cell cell[];
};

struct thin {
	const struct table_schema *schema; /* borrowed */
	struct table_layout *layout;	   /* owned */
	bool *is_counter;		   /* owned; by column */
	unsigned main;			   /* column; layout->count: there is none */
	enum scope scope;
	struct table_clock clock;
	int64_t step_ns;
	int64_t newest; /* of all rows */
	struct slot *
		*slot; /* owned, and so are they; by step and process, those that are due first */
	size_t count, room;
	size_t due, given; /* of those that are due so many were given out */

	/* The row that is given out. */
	uint64_t present[TABLE_FIELD_MAX / 64];
	int64_t value[TABLE_FIELD_MAX];
};

/* Whether the slot's place is before that of a step and process. */
static bool is_before(const struct slot *slot, int64_t step, uint64_t process)
{
	return slot->step != step ? slot->step < step : slot->process < process;
}

static int compare_due(const void *left, const void *right)
{
	const struct slot *a = *(struct slot *const *)left;
	const struct slot *b = *(struct slot *const *)right;

	if (a->head.tick != b->head.tick)
		return a->head.tick < b->head.tick ? -1 : 1;
	return is_before(a, b->step, b->process) ? -1 : 1;
}

static unsigned find_main(const struct table_layout *layout)
{
	unsigned i = 0;

	while (i < layout->count && strcmp(layout->column[i].name, "rss") &&
	       strcmp(layout->column[i].name, "rss_bytes"))
		i++;
	return i;
}

int thin_open(const struct table_schema *schema, enum scope scope, const struct table_clock *clock,
	      uint64_t step_ns, struct thin **ret)
{
	struct thin *thin = calloc(1, sizeof(*thin));

	if (!thin)
		return -ENOMEM;
	thin->schema = schema;
	thin->scope = scope;
	thin->clock = *clock;
	thin->step_ns = (int64_t)step_ns;
	thin->newest = INT64_MIN;
	if (table_lay_out(schema, scope, &thin->layout) == 0)
		thin->is_counter = calloc(thin->layout->count + 1, sizeof(*thin->is_counter));
	if (!thin->is_counter) {
		thin_close(thin);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < thin->layout->count; i++)
		thin->is_counter[i] = metric_is_counter(scope, thin->layout->column[i].name);
	thin->main = find_main(thin->layout);
	*ret = thin;
	return 0;
}

/* They are the first. */
static void drop_given(struct thin *thin)
{
	for (size_t i = 0; i < thin->given; i++)
		free(thin->slot[i]);
	thin->count -= thin->given;
	thin->due -= thin->given;
	if (thin->given)
		memmove(thin->slot, thin->slot + thin->given, thin->count * sizeof(*thin->slot));
	thin->given = 0;
}

void thin_close(struct thin *thin)
{
	if (!thin)
		return;
	for (size_t i = 0; i < thin->count; i++)
		free(thin->slot[i]);
	free(thin->slot);
	free(thin->is_counter);
	free(thin->layout);
	free(thin);
}

static int64_t step_of(const struct thin *thin, int64_t time_ns)
{
	return time_ns / thin->step_ns - (time_ns % thin->step_ns < 0);
}

static struct slot *slot_new(const struct thin *thin, int64_t step, uint64_t process)
{
	size_t cells = thin->layout->count * sizeof(struct cell);
	struct slot *slot = calloc(1, sizeof(*slot) + cells + thin->schema->sources);

	if (!slot)
		return NULL;
	slot->step = step;
	slot->process = process;
	slot->reason = (uint8_t *)slot + sizeof(*slot) + cells;
	memset(slot->reason, REASON_UNKNOWN, thin->schema->sources);
	return slot;
}

/* Where the slot is, or has to be: rows come nearly in order, so it is near the end. */
static size_t find_place(const struct thin *thin, int64_t step, uint64_t process)
{
	size_t low = thin->due;
	size_t high = thin->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (is_before(thin->slot[middle], step, process))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool make_room(struct thin *thin)
{
	size_t room = thin->room ? 2 * thin->room : 64;
	struct slot **more;

	if (thin->count < thin->room)
		return true;
	more = reallocarray(thin->slot, room, sizeof(*more));
	if (!more)
		return false;
	thin->slot = more;
	thin->room = room;
	return true;
}

/* The step's own, made where it is not there; NULL: no memory. */
static struct slot *slot_get(struct thin *thin, int64_t step, uint64_t process)
{
	size_t i = find_place(thin, step, process);
	struct slot *slot;

	if (i < thin->count && thin->slot[i]->step == step && thin->slot[i]->process == process)
		return thin->slot[i];
	slot = make_room(thin) ? slot_new(thin, step, process) : NULL;
	if (!slot)
		return NULL;
	memmove(thin->slot + i + 1, thin->slot + i, (thin->count - i) * sizeof(*thin->slot));
	thin->slot[i] = slot;
	thin->count++;
	return slot;
}

/* Whose row it is that tells the step's time. */
static void take_head(const struct thin *thin, struct slot *slot, const struct table_row *row)
{
	uint64_t dropped = slot->head.dropped + row->dropped;
	bool is_main = false;
	unsigned field;
	int64_t v;

	if (thin->main < thin->layout->count)
		is_main = table_value(thin->schema, &thin->layout->column[thin->main], row, &v,
				      &field);
	if (is_main ? !slot->has_main || v > slot->main : !slot->has_main) {
		slot->head = *row;
		slot->has_main = is_main;
		slot->main = is_main ? v : 0;
	}
	slot->head.dropped = dropped;
	slot->head.comm = row->comm;
	slot->head.comm_len = row->comm_len;
}

static void take_cell(const struct thin *thin, struct slot *slot, unsigned column,
		      const struct table_row *row)
{
	struct cell *cell = &slot->cell[column];
	unsigned field;
	int64_t v;

	if (!table_value(thin->schema, &thin->layout->column[column], row, &v, &field))
		return;
	if (cell->is_known && !thin->is_counter[column] && v <= cell->scaled)
		return;
	*cell = (struct cell){true, (uint16_t)field, row->value[field], v};
}

int thin_add(struct thin *thin, const struct table_row *row)
{
	int64_t time_ns = table_time(&thin->clock, row);
	struct slot *slot = slot_get(thin, step_of(thin, time_ns), row->process);

	if (!slot)
		return -ENOMEM;
	if (time_ns > thin->newest)
		thin->newest = time_ns;
	take_head(thin, slot, row);
	for (unsigned i = 0; i < thin->layout->count; i++)
		take_cell(thin, slot, i, row);
	for (unsigned i = 0; i < thin->schema->sources; i++)
		if (slot->reason[i] != REASON_OK && row->reason[i] != REASON_UNKNOWN)
			slot->reason[i] = row->reason[i];
	return 0;
}

/* Makes those due whose step has ended at that time. */
static void make_due(struct thin *thin, int64_t time_ns)
{
	drop_given(thin);
	while (thin->due < thin->count && thin->slot[thin->due]->step < step_of(thin, time_ns))
		thin->due++;
	if (thin->due)
		qsort(thin->slot, thin->due, sizeof(*thin->slot), compare_due);
}

void thin_settle(struct thin *thin)
{
	/* The tree's rows come in order. */
	int64_t late_ns = thin->scope == SCOPE_TREE ? 0 : LATE_NS;

	if (thin->newest > INT64_MIN + late_ns)
		make_due(thin, thin->newest - late_ns);
}

void thin_finish(struct thin *thin)
{
	drop_given(thin);
	thin->due = thin->count;
	if (thin->due)
		qsort(thin->slot, thin->due, sizeof(*thin->slot), compare_due);
}

bool thin_next(struct thin *thin, struct table_row *ret)
{
	const struct slot *slot;

	if (thin->given == thin->due)
		return false;
	slot = thin->slot[thin->given++];
	memset(thin->present, 0, sizeof(thin->present));
	for (unsigned i = 0; i < thin->layout->count; i++) {
		const struct cell *cell = &slot->cell[i];

		if (!cell->is_known)
			continue;
		thin->present[cell->field / 64] |= (uint64_t)1 << cell->field % 64;
		thin->value[cell->field] = cell->value;
	}
	*ret = slot->head;
	ret->present = thin->present;
	ret->value = thin->value;
	ret->reason = slot->reason;
	return true;
}
