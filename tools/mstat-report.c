/* SPDX-License-Identifier: ISC */
/*
 * mstat-report: a run file to a page of HTML that tells of it, with all that it needs in it; or to a picture.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/canvas.h"
#include "tools/figure.h"
#include "tools/flags.h"
#include "tools/heapdecode.h"
#include "tools/input.h"
#include "tools/newfile.h"
#include "tools/plottext.h"
#include "tools/reportpage.h"
#include "tools/runreport.h"
#include "tools/runtimereport.h"
#include "tools/spool.h"
#include "tools/stream.h"

#ifndef MSTAT_VERSION
#define MSTAT_VERSION "unknown"
#endif

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* corrupt, unreadable, or the page could not be written */
	EXIT_USAGE = 2,
	EXIT_CUT = 3, /* the file is not whole; the page is of what is */
};

/* The page without its data: tools/report/page.S. */
extern const char report_page[], report_page_end[];

enum format { HTML, SVG, PNG, TEXT, FORMATS };
/* What -format takes, and, but of text, what the name of a file ends with. */
static const char *const formats[FORMATS] = {"html", "svg", "png", "text"};

struct options {
	const char *input; /* NULL: standard input */
	char *output;	   /* owned; NULL: standard output */
	enum format format;
};

/* What stands in the page beside the report. */
struct extra {
	char cut[160];
	char no_heap[512];
	char *remarks; /* owned */
	FILE *folded;  /* owned; NULL: no heap */
	struct runtimereport runtimes;
};

static const char *input_name(const struct options *options)
{
	return options->input ? options->input : "standard input";
}

static const char *output_name(const struct options *options)
{
	return options->output ? options->output : "standard output";
}

static int complain(const char *name, const char *why)
{
	fprintf(stderr, "mstat-report: %s: %s\n", name, why);
	return EXIT_FAILED;
}

/* One line for what went wrong with the input, and the exit code for it. */
static int report_input(const struct options *options, const struct runreport *report, int err)
{
	const char *name = input_name(options);
	const char *why = report->why;
	uint64_t offset = report->reader ? reader_offset(report->reader) : 0;
	bool is_any = report->ticks || report->processes.count;

	if (!why)
		why = report->reader ? reader_why(report->reader) : "no memory";
	switch (err) {
	case -EBADMSG:
	case -ENODATA:
		fprintf(stderr, "mstat-report: %s: %s at byte %" PRIu64 ": %s; %s\n", name,
			err == -ENODATA ? "cut" : "corrupt", offset, why,
			is_any ? "what is shown is all before" : "there is nothing to show");
		return err == -ENODATA ? EXIT_CUT : EXIT_FAILED;
	case -EOPNOTSUPP:
	case -ENOMEM:
		return complain(name, why);
	default:
		return complain(name, strerror(-err));
	}
}

/* ---- the heap -------------------------------------------------------------------------------------- */

static int add_remarks(const struct heapdecode *heap, struct extra *extra)
{
	size_t size;
	FILE *to = open_memstream(&extra->remarks, &size);
	char line[512];

	if (!to)
		return -ENOMEM;
	for (unsigned i = 0; heapdecode_remark(heap, i, line, sizeof(line)); i++)
		fprintf(to, "%s\n", line);
	return fclose(to) == 0 ? 0 : -ENOMEM;
}

static int fold_heap(const struct heapdecode *heap, struct extra *extra)
{
	int fd = memfd_create("mstat-report", MFD_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = heapdecode_write(heap, HEAPDECODE_FOLDED, fd);
	if (err == 0 && lseek(fd, 0, SEEK_SET) < 0)
		err = -errno;
	extra->folded = err == 0 ? fdopen(fd, "r") : NULL;
	if (err == 0 && !extra->folded)
		err = -errno;
	if (!extra->folded)
		close(fd);
	return err;
}

/* That the file is cut is known by now. A heap that cannot be told does not keep the page from being made. */
static int read_heap(int fd, const struct runreport *report, struct extra *extra)
{
	struct heapdecode *heap = NULL;
	const char *nothing;
	int err;

	if (!report->has_heap)
		return 0;
	if (lseek(fd, report->start, SEEK_SET) < 0)
		return -errno;
	err = heapdecode_open(fd, "peak", &heap);
	nothing = heap ? heapdecode_nothing(heap) : "";
	if (err < 0 && err != -ENODATA)
		snprintf(extra->no_heap, sizeof(extra->no_heap), "%s",
			 heap ? heapdecode_why(heap) : "no memory");
	else if (nothing)
		snprintf(extra->no_heap, sizeof(extra->no_heap), "%s", nothing);
	err = heap ? add_remarks(heap, extra) : -ENOMEM;
	if (err == 0 && !extra->no_heap[0])
		err = fold_heap(heap, extra);
	heapdecode_close(heap);
	return err;
}

static void extra_done(struct extra *extra)
{
	runtimereport_done(&extra->runtimes);
	free(extra->remarks);
	if (extra->folded)
		fclose(extra->folded);
}

/* ---- the page -------------------------------------------------------------------------------------- */

static int write_html(const struct runreport *report, const struct extra *extra, FILE *to)
{
	struct reportpage page = {.html = report_page,
				  .html_len = (size_t)(report_page_end - report_page),
				  .version = MSTAT_VERSION,
				  .cut = extra->cut[0] ? extra->cut : NULL,
				  .runtimes = &extra->runtimes,
				  .folded = extra->folded,
				  .no_heap = extra->no_heap[0] ? extra->no_heap : NULL,
				  .remarks = extra->remarks ? extra->remarks : ""};

	return reportpage_write(&page, report, to);
}

/* ---- pictures -------------------------------------------------------------------------------------- */

static int write_figure(const struct plot *plot, enum format format, FILE *to)
{
	struct canvas_point size = figure_size(plot);
	struct canvas *canvas;
	int err = format == SVG ? canvas_open_svg(to, &size, plot->command, &canvas)
				: canvas_open_png(to, &size, &canvas);

	if (err < 0)
		return err;
	figure_draw(plot, canvas);
	return canvas->kind->close(canvas, 0);
}

static int write_picture(const struct runreport *report, const struct extra *extra,
			 enum format format, int fd, FILE *to)
{
	struct textline_style style = textline_style_of(fd);
	unsigned columns = format == TEXT ? plottext_columns(style.width) : FIGURE_COLUMNS;
	struct plot *plot;
	int err = plot_new(report, extra->cut[0] ? extra->cut : NULL, columns, &plot);

	if (err == 0)
		err = format == TEXT ? plottext_write(plot, &style, to)
				     : write_figure(plot, format, to);
	plot_free(plot);
	return err;
}

/* ---- the output ------------------------------------------------------------------------------------ */

static int write_output(const struct options *options, const struct runreport *report,
			const struct extra *extra)
{
	struct newfile file;
	FILE *to;
	int err = newfile_open(&file, options->output);

	if (err == 0)
		err = stream_open(file.fd, &to);
	if (err == 0)
		err = stream_close(
			to, options->format == HTML
				    ? write_html(report, extra, to)
				    : write_picture(report, extra, options->format, file.fd, to));
	if (err == 0)
		err = newfile_commit(&file);
	newfile_done(&file);
	return err;
}

/* A reader that has gone away (EPIPE) wants no explanation, but of what is no text for people. */
static int report_output(const struct options *options, int err)
{
	if (err == -EPIPE && options->format == TEXT)
		return EXIT_FAILED;
	return complain(output_name(options), strerror(-err));
}

static bool is_same_file(const char *path, int fd)
{
	struct stat a, b;

	return stat(path, &a) == 0 && fstat(fd, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static int report_on(const struct options *options, int fd)
{
	struct runreport report;
	struct extra extra = {.folded = NULL};
	int err = runreport_read(fd, &report);
	int status = err < 0 ? report_input(options, &report, err) : EXIT_OK;
	bool is_page =
		err == 0 || (runreport_is_part(err) && (report.ticks || report.processes.count));

	if (is_page && err < 0)
		snprintf(extra.cut, sizeof(extra.cut), "%s at byte %" PRIu64 ": %s",
			 err == -ENODATA ? "cut" : "corrupt", reader_offset(report.reader),
			 report.why ? report.why : reader_why(report.reader));
	err = 0;
	if (is_page) {
		if (options->format == HTML)
			err = read_heap(fd, &report, &extra);
		if (err == 0 && options->format == HTML)
			err = runtimereport_read(fd, &report, &extra.runtimes);
		if (err == 0)
			err = write_output(options, &report, &extra);
	}
	if (err < 0)
		status = report_output(options, err);
	extra_done(&extra);
	runreport_done(&report);
	return status;
}

/* Opens what was asked for, as something that can be read more than once. */
static int open_input(const struct options *options)
{
	char why[320];
	int fd = options->input ? input_open(options->input, why, sizeof(why)) : STDIN_FILENO;
	int copy;

	if (fd < 0) {
		complain(input_name(options), why);
		return -1;
	}
	if (lseek(fd, 0, SEEK_CUR) >= 0)
		return fd;
	copy = spool_copy(fd);
	close(fd);
	if (copy >= 0)
		return copy;
	spool_why(copy, why, sizeof(why));
	complain(input_name(options), why);
	return -1;
}

static int run(const struct options *options)
{
	int fd = open_input(options);
	int status;

	if (fd < 0)
		return EXIT_FAILED;
	if (options->output && is_same_file(options->output, fd))
		status = complain(options->output, "this is the run file itself");
	else
		status = report_on(options, fd);
	close(fd);
	return status;
}

/* ---- options --------------------------------------------------------------------------------------- */

static const char help[] =
	"usage: mstat-report [-format FORMAT] [-o FILE] [RUN]\n"
	"Shows a run file of mstat (default: standard input): its memory over time, its "
	"processes,\n"
	"marks, peaks. mstatd:NAME is a run that mstatd keeps of yours (mstatd -list; "
	"$MSTAT_SOCKET).\n"
	"\n"
	"  -format html    a page (the default): also who held what at any time, and, of a run "
	"with\n"
	"                  mstat -heap, the flame graph at the peak. It needs nothing else, and "
	"asks\n"
	"                  nobody for anything\n"
	"          svg     a picture to be scaled, whose text can be found\n"
	"          png     the same in pixels\n"
	"          text    in characters: 80 columns, or as many as the terminal has (COLUMNS);\n"
	"                  colors on a terminal alone, and not where NO_COLOR is set\n"
	"  -o FILE         write there, mode 0600 (default: text to standard output, all else to "
	"RUN\n"
	"                  with .html, .svg or .png in place of .mstat)\n"
	"  -h, -version    print this, or the version\n"
	"\n"
	"Exit code: 0; 1 the file is corrupt or something could not be read or written, and "
	"nothing\n"
	"was made; 2 usage; 3 the file is not whole, as after a crash: what is shown is what is.\n";

static int refuse(const char *why)
{
	fprintf(stderr, "mstat-report: %s\n", why);
	return EXIT_USAGE;
}

static int print_and_exit(const char *text)
{
	if (fputs(text, stdout) < 0 || fflush(stdout) < 0)
		return complain("standard output", strerror(errno));
	return EXIT_OK;
}

/* It stands beside its run; that of a run of mstatd's stands here. */
static int name_output(struct options *options)
{
	const char *name = options->input;
	size_t len;

	if (!name)
		return refuse("-o FILE is needed for standard input");
	if (input_is_kept(name))
		name = strchr(name, ':') + 1;
	len = strlen(name);
	if (len > 6 && !strcmp(name + len - 6, ".mstat"))
		len -= 6;
	if (asprintf(&options->output, "%.*s.%s", (int)len, name, formats[options->format]) < 0)
		return complain(name, "no memory");
	return -1;
}

static int parse_operands(int argc, char **argv, struct options *options)
{
	if (argc - optind > 1) {
		fprintf(stderr, "mstat-report: one run file at a time, not also \"%s\"\n",
			argv[optind + 1]);
		return EXIT_USAGE;
	}
	if (optind < argc && strcmp(argv[optind], "-") != 0)
		options->input = argv[optind];
	else if (isatty(STDIN_FILENO))
		return refuse("no run file given (-h for help)");
	return options->output || options->format == TEXT ? -1 : name_output(options);
}

/* Returns an exit code, or -1 to go on. */
static int take_format(const char *name, enum format *ret)
{
	unsigned i = 0;

	while (i < FORMATS && strcmp(name, formats[i]) != 0)
		i++;
	if (i == FORMATS) {
		fprintf(stderr, "mstat-report: no format \"%.60s\": it is html, svg, png or text\n",
			name);
		return EXIT_USAGE;
	}
	if (i == PNG && !canvas_has_png())
		return refuse("this one was built without libcairo, which -format png needs; "
			      "-format svg needs none");
	*ret = (enum format)i;
	return -1;
}

/* The word that getopt has just read: before its value, or with that in it. */
static const char *newest_flag(char **argv)
{
	return argv[optind - (optarg && optarg == argv[optind - 1] ? 2 : 1)];
}

static const struct option longs[] = {
	{"format", required_argument, NULL, 'f'},
	{"o", required_argument, NULL, 'o'},
	{"h", no_argument, NULL, 'h'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'v'},
	{0},
};

static const struct flags_words words[] = {{"format", formats, FORMATS}, {0}};

FLAGS_PROGRAM(.name = "mstat-report", .flags = longs, .usage = help, .words = words,
	      .operand = FLAGS_RUN_FILES);

/* Returns an exit code, or -1 to go on. */
static int parse_options(int argc, char **argv, struct options *options)
{
	int c, status = -1;
	int at = 0;

	for (;;) {
		int before = optind;

		c = getopt_long_only(argc, argv, ":", longs, &at);
		if (c == -1)
			break;
		if (c != '?' && c != ':' && !flags_is_whole(newest_flag(argv), longs[at].name))
			c = '?';
		switch (c) {
		case 'o':
			if (!*optarg)
				return refuse("-o: \"\" is no file's name");
			free(options->output);
			options->output = strdup(optarg);
			if (!options->output)
				return complain(optarg, "no memory");
			break;
		case 'f':
			status = take_format(optarg, &options->format);
			if (status >= 0)
				return status;
			break;
		case 'h':
			return print_and_exit(help);
		case 'v':
			return print_and_exit("mstat-report " MSTAT_VERSION "\n");
		case ':':
			fprintf(stderr, "mstat-report: %s needs a value\n", argv[optind - 1]);
			return EXIT_USAGE;
		default:
			fprintf(stderr, "mstat-report: unknown option %s (-h for help)\n",
				argv[optind > before ? optind - 1 : before]);
			return EXIT_USAGE;
		}
	}
	return parse_operands(argc, argv, options);
}

int main(int argc, char **argv)
{
	struct options options = {0};
	int status = parse_options(argc, argv, &options);

	if (status < 0) {
		setlocale(LC_CTYPE, "");
		signal(SIGPIPE, SIG_IGN);
		status = run(&options);
	}
	free(options.output);
	return status;
}
