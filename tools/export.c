/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "tools/database.h"
#include "tools/export.h"
#include "tools/openmetrics.h"
#include "tools/perfetto.h"

static int begin_database(struct export *export, struct decode *decode, const struct output *output)
{
	const char *name = output_name(output);
	int err = name ? database_open(name, &export->database) : -ENOTBLK;

	for (unsigned what = 0; what < DECODE_TABLES && err == 0; what++)
		if (decode_table(decode, what))
			err = database_add(export->database, decodeoptions_whats[what],
					   decode_table(decode, what));
	return err;
}

static int begin_metrics(struct export *export, struct decode *decode, unsigned what)
{
	enum scope scope = what == DECODE_TICKS	    ? SCOPE_TREE
			   : what == DECODE_SAMPLES ? SCOPE_PROCESS
						    : SCOPE_RUN;

	return openmetrics_open(scope, decode_reader(decode), decode_table(decode, what),
				&export->metrics);
}

static int begin_perfetto(struct export *export, struct decode *decode,
			  const struct rowfilter *filter)
{
	int err = perfetto_open(export->fd, filter, &export->perfetto);

	if (err == 0)
		perfetto_feed(export->perfetto, decode_table(decode, DECODE_TICKS),
			      decode_table(decode, DECODE_SAMPLES),
			      decode_table(decode, DECODE_EVENTS),
			      decode_table(decode, DECODE_PROCESSES),
			      decode_table(decode, DECODE_SUMMARY));
	return err;
}

int export_begin(const struct decodeoptions *options, struct decode *decode,
		 const struct output *output, struct export *ret)
{
	*ret = (struct export){.fd = output->fd};
	switch (options->format) {
	case DECODEOPTIONS_SQLITE:
		return begin_database(ret, decode, output);
	case DECODEOPTIONS_OPENMETRICS:
		return begin_metrics(ret, decode, options->what);
	case DECODEOPTIONS_PERFETTO:
		return begin_perfetto(ret, decode, &options->filter);
	default:
		table_aim(decode_table(decode, options->what), output->fd);
		return 0;
	}
}

int export_finish(struct export *export, struct decode *decode)
{
	int err = decode_flush(decode);

	if (err == 0 && export->database)
		err = database_commit(export->database);
	if (err == 0 && export->metrics)
		err = openmetrics_write(export->metrics, export->fd);
	if (err == 0 && export->perfetto)
		err = perfetto_finish(export->perfetto);
	return err;
}

void export_done(struct export *export)
{
	bool is_spool_bad = openmetrics_is_spool_bad(export->metrics);

	database_close(export->database);
	openmetrics_close(export->metrics);
	perfetto_close(export->perfetto);
	*export = (struct export){.is_spool_bad = is_spool_bad};
}
