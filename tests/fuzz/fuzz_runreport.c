/* SPDX-License-Identifier: ISC */
/*
 * What a page and pictures tell of a run file: the input is sections, the content of the one block of a file that is good
 * otherwise; or, after a first byte of 1, of one that is cut behind it.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/runfile_make.h"
#include "tools/figure.h"
#include "tools/plottext.h"
#include "tools/reportpage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static FILE *out;

/* What is listed is there, and stands behind its parent. */
static void check(const struct runreport *report)
{
	for (uint32_t i = 0; i < report->listed_count; i++) {
		const struct runreport_process *process =
			runreport_process_at(report, report->listed[i]);

		if (process->row != i || process->band > report->bands)
			__builtin_trap();
		if (process->parent != RUNREPORT_NO_PARENT &&
		    runreport_process_at(report, process->parent)->row >= i)
			__builtin_trap();
	}
	for (size_t i = 1; i < report->tree.n; i++)
		if (report->tree.tick[i] <= report->tree.tick[i - 1])
			__builtin_trap();
	if (report->lives.n > report->tree.n)
		__builtin_trap();
}

/* Whose runtime is told of is in the list. */
static void check_runtimes(const struct runtimereport *runtimes, const struct runreport *report)
{
	for (unsigned i = 0; i < runtimes->n; i++) {
		const struct runtimereport_process *it = &runtimes->process[i];
		const struct runreport_process *process = runreport_process_at(report, it->number);

		if (process->row >= report->listed_count || !process->has_runtime || !it->width)
			__builtin_trap();
		for (size_t k = 1; k < it->series.n; k++)
			if (it->series.tick[k] <= it->series.tick[k - 1])
				__builtin_trap();
	}
}

static void draw(const struct runreport *report)
{
	const struct textline_style style = {.width = 80, .has_color = true};
	struct canvas_point size;
	struct canvas *canvas;
	struct plot *plot;

	if (plot_new(report, NULL, FIGURE_COLUMNS, &plot) < 0)
		__builtin_trap();
	size = figure_size(plot);
	if (canvas_open_svg(out, &size, plot->command, &canvas) < 0)
		__builtin_trap();
	figure_draw(plot, canvas);
	if (canvas->kind->close(canvas, 0) < 0 || plottext_write(plot, &style, out) < 0)
		__builtin_trap();
	plot_free(plot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char html[] = "<html>" REPORTPAGE_MARK "</html>";
	struct runtimereport runtimes = {0};
	struct reportpage page = {.html = html,
				  .html_len = sizeof(html) - 1,
				  .version = "0",
				  .runtimes = &runtimes,
				  .remarks = ""};
	struct runreport report;
	bool is_cut = len && *data == 1;
	int fd, err;

	if (!out)
		out = fopen("/dev/null", "w");
	if (!len || len > ROWS_HEADER_MAX / 2)
		return 0;
	fd = make_one_block(data + is_cut, len - is_cut, is_cut);
	err = runreport_read(fd, &report);
	if (err == 0 || (err == -ENODATA && is_cut)) {
		check(&report);
		if (runtimereport_read(fd, &report, &runtimes) < 0)
			__builtin_trap();
		check_runtimes(&runtimes, &report);
		if (reportpage_write(&page, &report, out) < 0)
			__builtin_trap();
		draw(&report);
	}
	runtimereport_done(&runtimes);
	runreport_done(&report);
	close(fd);
	return 0;
}
