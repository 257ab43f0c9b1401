/* SPDX-License-Identifier: ISC */
/* Which rows are wanted: of some processes, and of a part of the run. */
#ifndef MSTAT_TOOLS_ROWFILTER_H
#define MSTAT_TOOLS_ROWFILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero it lets everything through. */
struct rowfilter {
	uint64_t *pid; /* owned; any of them */
	size_t pids;
	char **comm; /* owned, and so are the texts; any of them */
	size_t comms;
	bool has_from, has_to;
	uint64_t from_ns, to_ns; /* since the run's start, both inclusive */
};

/*
 * Adds the terms of text, pid=N or comm=NAME with commas between; a comma that no term follows is a
 * part of the name. Returns 0, -EINVAL or -ENOMEM.
 */
int rowfilter_add(struct rowfilter *filter, const char *text);
void rowfilter_done(struct rowfilter *filter);

bool rowfilter_has_terms(const struct rowfilter *filter);

/* comm NULL: who it is is not known. */
bool rowfilter_takes(const struct rowfilter *filter, uint64_t pid, const char *comm, size_t len);

bool rowfilter_takes_time(const struct rowfilter *filter, int64_t time_ns);
/* What lasted from one time to the other, both inclusive. */
bool rowfilter_takes_span(const struct rowfilter *filter, uint64_t start_ns, uint64_t end_ns);

#endif
