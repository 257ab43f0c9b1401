/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "collector/phases.h"

struct phase {
	struct phase *next; /* owned */
	struct rows_phase is;
	char name[];
};

static struct phase *add_phase(struct phases *phases, uint64_t at_ns, const char *name, size_t len)
{
	struct phase *phase = calloc(1, sizeof(*phase) + len);

	if (!phase)
		return NULL;
	memcpy(phase->name, name, len);
	phase->is = (struct rows_phase){.number = ++phases->count,
					.start_ns = at_ns,
					.end_ns = UINT64_MAX,
					.name = phase->name,
					.name_len = len};
	if (phases->open)
		phases->open->next = phase;
	else
		phases->first = phase;
	phases->open = phase;
	return phase;
}

void phases_init(struct phases *phases, void (*on_phase)(void *arg, const struct rows_phase *phase),
		 void *arg)
{
	*phases = (struct phases){.on_phase = on_phase, .arg = arg};
	add_phase(phases, 0, "", 0);
}

void phases_exact(struct phases *phases, int64_t peak)
{
	if (!phases->open)
		return;
	phases->open->is.known |= ROWS_PHASE_EXACT;
	phases->open->is.peak_exact = peak;
}

static uint64_t not_before(uint64_t at_ns, const struct phase *phase)
{
	return at_ns > phase->is.start_ns ? at_ns : phase->is.start_ns;
}

void phases_mark(struct phases *phases, uint64_t at_ns, const char *name, size_t len)
{
	struct phase *before = phases->open;

	/* Where memory is out the mark begins no phase, and the one before goes on. */
	if (!before || !add_phase(phases, not_before(at_ns, before), name, len))
		return;
	before->is.end_ns = phases->open->is.start_ns;
}

/* A copy for the end of the run. */
static void keep(struct phases *phases, const struct rows_phase *is)
{
	struct rows_phase *kept = &phases->kept[phases->kept_count];
	char *name;

	if (phases->kept_count == PHASES_KEPT || !(name = malloc(is->name_len + 1)))
		return;
	*kept = *is;
	kept->name = memcpy(name, is->name, is->name_len);
	phases->kept_count++;
}

static void hand_on(struct phases *phases, struct rows_phase *is)
{
	/* What was read at the one instant is of the phases around it. */
	if (is->start_ns == is->end_ns) {
		is->known = 0;
		is->peak_exact = is->peak_sampled = 0;
		is->peak_ns = 0;
	}
	/* The kernel notes a peak a moment after the charge that made it. */
	if (is->known == (ROWS_PHASE_EXACT | ROWS_PHASE_SAMPLED) &&
	    is->peak_sampled > is->peak_exact)
		is->peak_exact = is->peak_sampled;
	keep(phases, is);
	if (phases->on_phase)
		phases->on_phase(phases->arg, is);
}

/* Hands on those that have ended at that instant. */
static void complete(struct phases *phases, uint64_t until_ns)
{
	while (phases->first && phases->first->is.end_ns <= until_ns) {
		struct phase *phase = phases->first;

		hand_on(phases, &phase->is);
		phases->first = phase->next;
		if (phases->open == phase)
			phases->open = NULL;
		free(phase);
	}
}

/* The cgroup's usage; without one, the sum of RSS. */
static bool usage_of(const struct record *row, int64_t *ret)
{
	static const unsigned fields[] = {FIELD_V2_USAGE, FIELD_V1_USAGE, FIELD_NO_CGROUP};

	for (unsigned i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (record_has(row, fields[i])) {
			*ret = record_scaled(row, fields[i]);
			return true;
		}
	return false;
}

void phases_row(struct phases *phases, const struct record *row, uint64_t time_ns)
{
	struct rows_phase *is;
	int64_t usage;

	complete(phases, time_ns);
	if (!phases->first || !usage_of(row, &usage))
		return;
	is = &phases->first->is;
	if ((is->known & ROWS_PHASE_SAMPLED) && usage <= is->peak_sampled)
		return;
	is->known |= ROWS_PHASE_SAMPLED;
	is->peak_sampled = usage;
	is->peak_ns = time_ns;
}

void phases_end(struct phases *phases, uint64_t at_ns)
{
	if (phases->open)
		phases->open->is.end_ns = not_before(at_ns, phases->open);
	complete(phases, UINT64_MAX);
}

void phases_done(struct phases *phases)
{
	while (phases->first) {
		struct phase *next = phases->first->next;

		free(phases->first);
		phases->first = next;
	}
	for (size_t i = 0; i < phases->kept_count; i++)
		free((char *)phases->kept[i].name);
	*phases = (struct phases){0};
}
