/* SPDX-License-Identifier: ISC */
/*
 * What a person reads at the end of a run, and while it runs.
 */
#ifndef MSTAT_TOOLS_SUMMARY_H
#define MSTAT_TOOLS_SUMMARY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "collector/collector.h"
#include "core/record.h"

/* Bytes for people: "512 B", "1.5 KiB", "23.4 MiB"; buf of at least 32 bytes. Returns buf. */
const char *summary_bytes(int64_t bytes, char *buf, size_t size);

struct summary_context {
	const char *program; /* its name */
	const char *out;     /* the record's file; NULL: none was written */
	int left;	     /* processes that outlive the run */
	const char *unheard; /* why short-lived processes may be missing; NULL: none is */
	const struct rows_holder *holders; /* the largest processes at the peak */
	size_t holder_count;
	const struct collector_victim *victims; /* whom the OOM killer killed */
	size_t victim_count;
	struct collector_phases phases;
};

/* Prints the run's summary (fields of SCOPE_RUN). */
void summary_print(FILE *to, const struct record *run, const struct summary_context *context);

/* The line that is drawn again and again: the tree's row at time_ns. */
void summary_live(FILE *to, const struct record *row, int64_t time_ns);

#endif
