/* SPDX-License-Identifier: ISC */
/*
 * Writing a run file, append-only, as core/FORMAT.md says: a header, blocks, an index at the end.
 * The first error ends the writing and is kept; nothing that was written before is harmed by it.
 */
#ifndef MSTAT_COLLECTOR_RUNFILE_H
#define MSTAT_COLLECTOR_RUNFILE_H

#include <stddef.h>
#include <stdint.h>

#include "core/record.h"
#include "core/rows.h"

/* No section of rows that is written holds more. */
#define RUNFILE_ROWS 256

struct runfile;

/* fd is borrowed. Returns 0 or -ENOMEM. */
int runfile_new(int fd, struct runfile **ret);

/* The header's items, before runfile_begin(); values may hold any bytes. */
void runfile_info(struct runfile *file, const char *name, const void *value, size_t len);

/* Writes the header: items and tables. */
void runfile_begin(struct runfile *file);

/* Puts a section into the block; a block that has grown large is written. */
void runfile_process(struct runfile *file, const struct rows_process *process);
void runfile_event(struct runfile *file, const struct rows_event *event);
void runfile_phase(struct runfile *file, const struct rows_phase *phase);
/* n records of a subject (0: the tree) with ascending ticks. */
void runfile_rows(struct runfile *file, uint64_t subject, const struct record *rows, size_t n);
/* What is known of a process's whole life: fields of SCOPE_LIFE. */
void runfile_life(struct runfile *file, uint64_t subject, const struct record *life);
void runfile_holders(struct runfile *file, const struct rows_holder *holder, size_t n);
/* A message of heapwire.h that is sound; the process was told of before. */
void runfile_heap(struct runfile *file, uint64_t id, enum wire_kind kind, const uint8_t *body,
		  size_t len);
void runfile_summary(struct runfile *file, const struct record *summary);

/* Compresses and writes the block, if there is anything in it. */
void runfile_flush(struct runfile *file);

/* Flushes, and writes the index that marks a finished file. */
void runfile_finish(struct runfile *file);

/* Bytes that were written. */
uint64_t runfile_size(const struct runfile *file);

/* The first error (negative errno) or 0. */
int runfile_error(const struct runfile *file);

/* Does not close the descriptor. NULL is accepted. */
void runfile_free(struct runfile *file);

#endif
