/* SPDX-License-Identifier: ISC */
/* Where the tables of a decode go: to a descriptor as text, or into another format. */
#ifndef MSTAT_TOOLS_EXPORT_H
#define MSTAT_TOOLS_EXPORT_H

#include "tools/decode.h"
#include "tools/decodeoptions.h"
#include "tools/output.h"

struct export
{
	int fd;			     /* borrowed */
	struct database *database;   /* owned; NULL: not asked for */
	struct openmetrics *metrics; /* owned; NULL likewise */
	struct perfetto *perfetto;   /* owned; NULL likewise */
	bool is_spool_bad; /* when all else is done: what failed is the file of the metrics' points */
};

/*
 * To be called before decode_run(); output is borrowed. Returns 0, a negative errno, or -ENOTBLK where
 * the output cannot be of that format, being no regular file. export_done() in any case.
 */
int export_begin(const struct decodeoptions *options, struct decode *decode,
		 const struct output *output, struct export *ret);

/* After decode_run(): writes what is left. Returns the first error of the output. */
int export_finish(struct export *export, struct decode *decode);

void export_done(struct export *export);

#endif
