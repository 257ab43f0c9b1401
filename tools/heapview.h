/* SPDX-License-Identifier: ISC */
/*
 * What a heaprun came to, with names: as folded stacks, and as tables for people.
 */
#ifndef MSTAT_TOOLS_HEAPVIEW_H
#define MSTAT_TOOLS_HEAPVIEW_H

#include <stdint.h>
#include <stdio.h>

#include "tools/heaprun.h"
#include "tools/symbols.h"

/* The lines that a frame stands for, in the chain of the symbols: the innermost first. */
struct heapview_place {
	uint32_t first, count; /* count 0: in no stack that is shown */
};

struct heapview_module {
	unsigned found;	 /* of enum symbols_found */
	const char *why; /* nothing was; NULL: something was, or nothing was asked for */
	bool is_used;
};

struct heapview {
	const struct heaprun *run; /* borrowed */
	int64_t since_ns;
	struct symbols symbols;
	struct heapview_place *place;	/* owned; by frame of the run */
	struct heapview_module *module; /* owned; by module of the run */
	/* Numbers of lines: the leaf of what the program has mapped; a stack that could not be told. */
	uint32_t line_mapped, line_untold;
};

/*
 * Looks up the names of all that counts. A file without a build id must be as it was at since_ns of
 * CLOCK_REALTIME, before it was used; 0: it is not taken at all. 0 or -ENOMEM; heapview_done() is right after both.
 */
int heapview_init(struct heapview *view, const struct heaprun *run, int64_t since_ns);
void heapview_done(struct heapview *view);

/* A line a stack, "comm;main;f;g BYTES": what is live. 0 or -ENOMEM; the stream has its own errors. */
int heapview_put_folded(const struct heapview *view, FILE *to);

/* The same as a call a stack; text is "comm;main;f;g", and borrowed for the call. */
struct heapview_stack {
	const char *text;
	size_t len;
	int64_t bytes;
	double square; /* the variance of bytes */
};

/* Returns 0, or an error, which ends it. */
typedef int heapview_each(void *arg, const struct heapview_stack *stack);

/* 0, -ENOMEM, or what each has returned. */
int heapview_fold(const struct heapview *view, heapview_each *each, void *arg);

/*
 * The next file of which functions are shown that have no names, from *at, which begins as 0, on: its path, as
 * it was recorded, and why. NULL: there are no more.
 */
const char *heapview_nameless(const struct heapview *view, uint32_t *at, size_t *ret_len,
			      const char **ret_why);

/* instant: in words, for the head line. 0 or -ENOMEM. */
int heapview_put_text(const struct heapview *view, const char *instant, FILE *to);

#endif
