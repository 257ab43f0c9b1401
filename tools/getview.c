/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "tools/getview.h"
#include "tools/plain.h"
#include "tools/summary.h"

/* A tree deeper than that is no wider. */
#define INDENT_MAX 40
#define PID_WIDTH  7

static const char *const column_names[GETPROC_COLUMNS] = {"PSS",  "RSS",   "swap", "anon",
							  "file", "shmem", "peak"};

static unsigned columns(const struct getview_style *style)
{
	return style->peak ? GETPROC_COLUMNS : GETPROC_PEAK;
}

const char *getview_number(const struct getview_style *style, int64_t bytes, char *buf, size_t size)
{
	if (bytes == GETPROC_UNKNOWN)
		snprintf(buf, size, "-");
	else if (style->bytes)
		snprintf(buf, size, "%" PRId64, bytes);
	else
		summary_bytes(bytes, buf, size);
	return buf;
}

static const char *explain(int err)
{
	return err == -EACCES || err == -EPERM ? "not permitted" : strerror(-err);
}

static const char *plural(size_t n)
{
	return n == 1 ? "process" : "processes";
}

void getview_print_total(FILE *to, const struct getview_style *style,
			 const struct getread_total *total)
{
	char text[32];

	for (unsigned i = 0; i < columns(style); i++)
		fprintf(to, "%s %s  ", column_names[i],
			getview_number(style, total->bytes[i], text, sizeof(text)));
	fprintf(to, "processes %zu", total->processes);
	if (total->without_pss)
		fprintf(to, "; lacks PSS of %zu %s (%s)", total->without_pss,
			plural(total->without_pss), explain(total->pss_error));
	if (total->failed)
		fprintf(to, "; lacks %zu %s (%s)", total->failed, plural(total->failed),
			explain(total->error));
	fputc('\n', to);
}

const char *getview_why(const struct getread_row *row, char *buf, size_t size)
{
	switch (row->state) {
	case GETREAD_MEASURED:
		return "";
	case GETREAD_GONE:
		return "gone";
	case GETREAD_KERNEL:
		return "kernel thread";
	case GETREAD_THREAD:
		snprintf(buf, size, "a thread of %d", (int)row->memory.leader);
		return buf;
	default:
		return explain(row->error);
	}
}

static int64_t cell(const struct getread_row *row, unsigned column)
{
	return row->state == GETREAD_MEASURED ? row->memory.bytes[column] : GETPROC_UNKNOWN;
}

static int delays_width(const struct getview_style *style, const struct getread_shot *shot)
{
	int width = (int)strlen(style->delays);
	char text[GETSTATS_DELAYS_ROOM];

	for (size_t i = 0; i < shot->count; i++) {
		int len = (int)strlen(
			getstats_delays_text(&shot->rows[i].delays, text, sizeof(text)));

		width = len > width ? len : width;
	}
	return width;
}

static void measure_widths(const struct getview_style *style, const struct getread_shot *shot,
			   int *ret)
{
	char text[32];

	for (unsigned c = 0; c < GETPROC_COLUMNS; c++) {
		ret[c] = (int)strlen(column_names[c]);
		for (size_t i = 0; i < shot->count; i++) {
			int len = (int)strlen(
				getview_number(style, cell(&shot->rows[i], c), text, sizeof(text)));

			ret[c] = len > ret[c] ? len : ret[c];
		}
	}
}

static void print_name(FILE *to, const struct getread_row *row)
{
	char name[PLAIN_ROOM], buf[32];
	const char *why = getview_why(row, buf, sizeof(buf));
	unsigned indent = row->depth * 2 < INDENT_MAX ? row->depth * 2 : INDENT_MAX;

	plain_text(name, row->id.comm, row->id.comm_len);
	fprintf(to, "%*s%s", (int)indent, "", name);
	if (*why)
		fprintf(to, "%s(%s)", *name ? " " : "", why);
	fputc('\n', to);
}

void getview_print_table(FILE *to, const struct getview_style *style,
			 const struct getread_shot *shot)
{
	int widths[GETPROC_COLUMNS];
	int delays = style->delays ? delays_width(style, shot) : 0;
	char text[GETSTATS_DELAYS_ROOM];

	measure_widths(style, shot, widths);
	fprintf(to, "%*s", PID_WIDTH, "PID");
	for (unsigned c = 0; c < columns(style); c++)
		fprintf(to, "  %*s", widths[c], column_names[c]);
	if (style->delays)
		fprintf(to, "  %*s", delays, style->delays);
	fputs("  name\n", to);
	for (size_t i = 0; i < shot->count; i++) {
		const struct getread_row *row = &shot->rows[i];

		fprintf(to, "%*d", PID_WIDTH, (int)row->id.pid);
		for (unsigned c = 0; c < columns(style); c++)
			fprintf(to, "  %*s", widths[c],
				getview_number(style, cell(row, c), text, sizeof(text)));
		if (style->delays)
			fprintf(to, "  %*s", delays,
				getstats_delays_text(&row->delays, text, sizeof(text)));
		fputs("  ", to);
		print_name(to, row);
	}
}
