/* SPDX-License-Identifier: ISC */
/* mstat-decode: a run file to a table of text (decode.h), or to a profile (heapdecode.h). */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/decode.h"
#include "tools/decodeoptions.h"
#include "tools/export.h"
#include "tools/follow.h"
#include "tools/heapdecode.h"
#include "tools/input.h"
#include "tools/output.h"
#include "tools/spool.h"

#ifndef MSTAT_VERSION
#define MSTAT_VERSION "unknown"
#endif

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* corrupt, unreadable, or the output could not be written */
	EXIT_USAGE = 2,
	EXIT_CUT = 3, /* the file is not whole; what is whole was printed */
};

static const char *input_name(const struct decodeoptions *options)
{
	return options->input ? options->input : "standard input";
}

/* One line for what went wrong with the input, and the exit code for it. */
static int report_input(const struct decodeoptions *options, int err, uint64_t offset,
			const char *why)
{
	const char *name = input_name(options);

	switch (err) {
	case -EBADMSG:
		fprintf(stderr, "mstat-decode: %s: corrupt at byte %" PRIu64 ": %s\n", name, offset,
			why);
		return EXIT_FAILED;
	case -ENODATA:
		fprintf(stderr,
			"mstat-decode: %s: cut at byte %" PRIu64 ": %s; all before was read\n",
			name, offset, why);
		return EXIT_CUT;
	case -EOPNOTSUPP:
	case -ENOMEM:
		fprintf(stderr, "mstat-decode: %s: %s\n", name, why);
		return EXIT_FAILED;
	default:
		fprintf(stderr, "mstat-decode: %s: %s\n", name, strerror(-err));
		return EXIT_FAILED;
	}
}

static int report_decode(const struct decodeoptions *options, const struct decode *decode, int err)
{
	return report_input(options, err, decode ? decode_offset(decode) : 0,
			    decode ? decode_why(decode) : "no memory");
}

/* A reader that has gone away (EPIPE) wants no explanation, but of what is no text for people. */
static int report_output(const struct decodeoptions *options, int err)
{
	bool is_text = options->format <= DECODEOPTIONS_JSONL;

	if (err != -EPIPE || !is_text)
		fprintf(stderr, "mstat-decode: %s: %s\n",
			options->output ? options->output : "standard output",
			err == -ENOTBLK ? "this format needs a regular file" : strerror(-err));
	return EXIT_FAILED;
}

/* What failed may be, of openmetrics, the file that it keeps its points in. */
static int report_export(const struct decodeoptions *options, const struct export *export, int err)
{
	char why[320];

	if (!export->is_spool_bad)
		return report_output(options, err);
	spool_why(err, why, sizeof(why));
	fprintf(stderr, "mstat-decode: %s\n", why);
	return EXIT_FAILED;
}

/* What is to be removed when a signal ends us; NULL: nothing. Borrowed. */
static const char *volatile unfinished;

static void remove_unfinished(int sig)
{
	const char *name = unfinished;

	if (name)
		unlink(name);
	/* The action was reset: it ends us now, as it would have. */
	raise(sig);
}

/* What somebody has us ignore stays ignored. */
static void catch_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = remove_unfinished, .sa_flags = SA_RESETHAND};
	struct sigaction old;

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(signals[i], &action, NULL);
}

/* False: a line says why not. */
static bool open_output(const struct decodeoptions *options, int input, struct output *ret)
{
	/* SQLite opens its file itself. */
	enum output_how how = options->follow				? OUTPUT_IN_PLACE
			      : options->format == DECODEOPTIONS_SQLITE ? OUTPUT_NAMED
									: OUTPUT_ASIDE;
	int err = output_open(options->output, input, how, ret);

	unfinished = err ? NULL : output_name(ret);
	if (err)
		fprintf(stderr, "mstat-decode: %s: %s\n", options->output,
			err == OUTPUT_IS_INPUT ? "this is the run file itself" : strerror(-err));
	return err == 0;
}

/* Returns written, or the first error of giving the output its name. */
static int close_output(struct output *output, int written)
{
	unfinished = NULL;
	if (written == 0)
		return output_commit(output);
	output_discard(output);
	return written;
}

static int open_input(const struct decodeoptions *options)
{
	char why[320];
	int fd;

	if (!options->input)
		return STDIN_FILENO;
	fd = input_open(options->input, why, sizeof(why));
	if (fd < 0)
		fprintf(stderr, "mstat-decode: %s: %s\n", options->input, why);
	return fd;
}

/* Whether the table has the columns that are wanted, which the file alone knows; else says so. */
static bool choose_columns(const struct decodeoptions *options, struct decode *decode)
{
	struct table *table = decode_table(decode, options->what);
	const char *const *names;
	char nearest[256];
	unsigned bad;
	unsigned n;
	int err;

	if (!options->columns)
		return true;
	err = table_choose(table, options->column, options->columns, &bad);
	names = table_names(table, &n);
	if (err == -ENOENT)
		fprintf(stderr,
			"mstat-decode: -columns: %s have no column \"%s\"; nearest: %s; "
			"the first line of -what %s names all\n",
			decodeoptions_whats[options->what], options->column[bad],
			decodeoptions_nearest(options->column[bad], names, n, nearest,
					      sizeof(nearest)),
			decodeoptions_whats[options->what]);
	else if (err < 0)
		fprintf(stderr, "mstat-decode: no memory\n");
	return err == 0;
}

/* A pipe is followed by reading it. */
static int open_decode(const struct decodeoptions *options, int input, struct follow *follow,
		       struct decode **ret)
{
	struct decode_wanted wanted = {
		.tables = options->tables,
		.format = options->format <= DECODEOPTIONS_JSONL
				  ? (enum table_format)options->format
				  : TABLE_TSV,
		.filter = &options->filter,
		.step_ns = options->step_ns,
		.at_once = options->follow,
	};
	int output = options->output ? -1 : STDOUT_FILENO;
	/* Of what mstatd keeps, all is locked while it grows. */
	bool locked = options->input && input_is_kept(options->input);
	bool follows = options->follow && follow_begin(follow, input, output, locked);

	return decode_open(input, follows ? follow_more : NULL, follow, &wanted, ret);
}

/* All of the tables, into the format. Returns an exit code. */
static int decode_to_output(const struct decodeoptions *options, struct decode *decode, int input,
			    const struct follow *follow)
{
	struct output output;
	struct export export;
	int written;
	int err;

	if (!open_output(options, input, &output))
		return EXIT_FAILED;
	err = export_begin(options, decode, &output, &export);
	if (err < 0) {
		export_done(&export);
		close_output(&output, err);
		return report_export(options, &export, err);
	}
	err = decode_run(decode);
	written = export_finish(&export, decode);
	export_done(&export);
	written = close_output(&output, written);
	if (follow->is_output_gone)
		written = -EPIPE;
	if (written < 0)
		return report_export(options, &export, written);
	return err < 0 ? report_decode(options, decode, err) : EXIT_OK;
}

/* The output is not opened before the input's header was found good. */
static int run(const struct decodeoptions *options)
{
	struct decode *decode = NULL;
	struct follow follow = {0};
	int input = open_input(options);
	int status;
	int err;

	if (input < 0)
		return EXIT_FAILED;
	err = open_decode(options, input, &follow, &decode);
	if (err < 0)
		status = report_decode(options, decode, err);
	else if (!choose_columns(options, decode))
		status = EXIT_USAGE;
	else
		status = decode_to_output(options, decode, input, &follow);
	decode_close(decode);
	return status;
}

/* A profile is written when all was read. */
static int run_heap(const struct decodeoptions *options)
{
	enum heapdecode_format format =
		(enum heapdecode_format)(options->format - DECODEOPTIONS_TEXT);
	struct heapdecode *heap = NULL;
	const char *nothing;
	char line[512];
	int input = open_input(options);
	struct output output;
	int written = 0;
	int err;

	if (input < 0)
		return EXIT_FAILED;
	err = heapdecode_open(input, options->at, &heap);
	nothing = heap ? heapdecode_nothing(heap) : "";
	for (unsigned i = 0; heap && heapdecode_remark(heap, i, line, sizeof(line)); i++)
		fprintf(stderr, "mstat-decode: %s\n", line);
	if (!nothing) {
		if (!open_output(options, input, &output)) {
			heapdecode_close(heap);
			return EXIT_FAILED;
		}
		written = heapdecode_write(heap, format, output.fd);
		written = close_output(&output, written);
	} else if (*nothing) {
		fprintf(stderr, "mstat-decode: %s: %s\n", input_name(options), nothing);
	}
	if (written < 0)
		err = report_output(options, written);
	else if (err < 0)
		err = report_input(options, err, heap ? heapdecode_offset(heap) : 0,
				   heap ? heapdecode_why(heap) : "no memory");
	else
		err = nothing ? EXIT_FAILED : EXIT_OK;
	heapdecode_close(heap);
	return err;
}

static int print_and_exit(const char *text)
{
	if (fputs(text, stdout) < 0 || fflush(stdout) < 0)
		return report_output(&(struct decodeoptions){0}, -errno);
	return EXIT_OK;
}

int main(int argc, char **argv)
{
	struct decodeoptions options;
	char error[512];
	int status = EXIT_USAGE;

	switch (decodeoptions_read(argc, argv, &options, error, sizeof(error))) {
	case DECODEOPTIONS_HELP:
		status = print_and_exit(decodeoptions_usage);
		break;
	case DECODEOPTIONS_VERSION:
		status = print_and_exit("mstat-decode " MSTAT_VERSION "\n");
		break;
	case DECODEOPTIONS_BAD:
		fprintf(stderr, "mstat-decode: %s\n", error);
		break;
	case DECODEOPTIONS_RUN:
		signal(SIGPIPE, SIG_IGN);
		catch_signals();
		status = options.what == DECODEOPTIONS_HEAP ? run_heap(&options) : run(&options);
		break;
	}
	decodeoptions_done(&options);
	return status;
}
