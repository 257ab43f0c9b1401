/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "tools/database.h"
#include "tools/export.h"

static int begin_database(struct export *export, struct decode *decode, const struct output *output)
{
	int err = output->aside ? database_open(output->aside, &export->database) : -ENOTBLK;

	for (unsigned what = 0; what < DECODE_TABLES && err == 0; what++)
		if (decode_table(decode, what))
			err = database_add(export->database, decodeoptions_whats[what],
					   decode_table(decode, what));
	return err;
}

int export_begin(const struct decodeoptions *options, struct decode *decode,
		 const struct output *output, struct export *ret)
{
	*ret = (struct export){0};
	switch (options->format) {
	case DECODEOPTIONS_SQLITE:
		return begin_database(ret, decode, output);
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
	return err;
}

void export_done(struct export *export)
{
	database_close(export->database);
	*export = (struct export){0};
}
