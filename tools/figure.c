/* SPDX-License-Identifier: ISC */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/axis.h"
#include "tools/figure.h"
#include "tools/summary.h"

/* The page's light theme (tools/report/page.css). */
#define PAPER  0xffffff
#define INK    0x1d2127
#define QUIET  0x5b6470
#define LINE   0xd5dae1
#define ACCENT 0x1a5fb4
#define WARN   0x8a4b00
#define BAD    0xc01c28

/* What a band has of its color; the rest is paper. */
#define SHARE 0.8

#define MARGIN	    10
#define LEFT	    68
#define WIDTH	    (LEFT + FIGURE_COLUMNS + MARGIN)
#define TREE_HEIGHT 200
#define LIFE_HEIGHT 160
#define TITLE_SIZE  15
#define TEXT_SIZE   12
#define SMALL_SIZE  11
#define ROW	    16
#define LEGEND	    3 /* columns */
/* Lines of labels of events, one below the other. */
#define LABEL_ROWS 2

/* Where a chart is on its canvas, and what its scales are. */
struct frame {
	const struct plot *plot;
	const struct plot_chart *chart;
	struct canvas *canvas;
	double top, height; /* of the plot itself */
	double most;	    /* bytes at its upper edge */
};

/* ---- shapes ---------------------------------------------------------------------------------------- */

static void put_text(struct canvas *canvas, double x, double y, const char *text,
		     const struct canvas_font *font)
{
	canvas->kind->text(canvas, &(struct canvas_point){x, y}, text, font);
}

/*
 * How many CANVAS_EM the character has that begins with a byte of UTF-8, 0 if none does: from U+3000 on, in
 * what East Asia writes and in emoji, one is as wide as it is high.
 */
static size_t width_of(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80 ? 0 : (unsigned char)byte < 0xe3 ? 1 : 2;
}

/* No wider than that: what is too long has dots at its end. */
static void put_within(struct canvas *canvas, double x, double y, double width, const char *text,
		       const struct canvas_font *font)
{
	static const char dots[] = "...";
	size_t most = (size_t)(width / (font->size * CANVAS_EM));
	size_t cut = 0, all = 0, len = 0;
	char line[PLAIN_LINE_ROOM(PLOT_COMMAND) + sizeof(dots)];

	for (; text[len] && len < sizeof(line) - sizeof(dots); len++) {
		all += width_of(text[len]);
		if (all + sizeof(dots) - 1 <= most)
			cut = len + 1;
	}
	memcpy(line, text, len);
	line[len] = 0;
	if (all > most)
		strcpy(line + cut, dots);
	put_text(canvas, x, y, line, font);
}

static void put_line(struct canvas *canvas, double x0, double y0, double x1, double y1,
		     const struct canvas_paint *paint)
{
	struct canvas_point ends[] = {{x0, y0}, {x1, y1}};

	canvas->kind->path(canvas, ends, 2, paint);
}

static void put_rect(struct canvas *canvas, double x, double y, double width, double height,
		     const struct canvas_paint *paint)
{
	canvas->kind->rect(canvas, &(struct canvas_point){x, y},
			   &(struct canvas_point){width, height}, paint);
}

static double place_x(const struct frame *frame, double seconds)
{
	const struct plot *plot = frame->plot;

	return LEFT + (seconds - plot->from) / (plot->to - plot->from) * FIGURE_COLUMNS;
}

static double place_y(const struct frame *frame, double bytes)
{
	return frame->top + frame->height * (1 - bytes / frame->most);
}

/* Bands are opaque: where one ends the next begins, without a seam. */
static uint32_t on_paper(uint32_t color)
{
	uint32_t ret = 0;

	for (unsigned shift = 0; shift < 24; shift += 8) {
		double mixed =
			(color >> shift & 255) * SHARE + (PAPER >> shift & 255) * (1 - SHARE);

		ret |= (uint32_t)lround(mixed) << shift;
	}
	return ret;
}

/* ---- lines and bands ------------------------------------------------------------------------------- */

/* From a row on to the next that is unknown. Returns how many points; ret has room for all, and for 4 more. */
static size_t trace(const struct frame *frame, const struct series *line, size_t from,
		    struct canvas_point *ret)
{
	size_t n = 0;

	for (size_t i = from; i < line->n && line->value[0][i] != SERIES_UNKNOWN; i++, n++)
		ret[n] =
			(struct canvas_point){place_x(frame, plot_time(frame->plot, line->tick[i])),
					      place_y(frame, (double)line->value[0][i])};
	/* One alone would not be seen. */
	if (n == 1) {
		ret[1] = ret[0];
		ret[0].x = fmax(LEFT, ret[0].x - 1);
		ret[1].x = fmin(LEFT + FIGURE_COLUMNS, ret[0].x + 2);
		n = 2;
	}
	return n;
}

/* Down to the axis: those below it are drawn after it, over it. */
static size_t close_band(const struct frame *frame, struct canvas_point *point, size_t n)
{
	double foot = frame->top + frame->height;

	point[n] = (struct canvas_point){point[n - 1].x, foot};
	point[n + 1] = (struct canvas_point){point[0].x, foot};
	return n + 2;
}

static void draw_series(const struct frame *frame, const struct series *line, bool is_band,
			const struct canvas_paint *paint)
{
	struct canvas_point *point = calloc(line->n + 4, sizeof(*point));
	size_t rows = 0;

	for (size_t i = 0; point && i < line->n; i += rows) {
		size_t n = trace(frame, line, i, point);

		for (rows = 0; i + rows < line->n && line->value[0][i + rows] != SERIES_UNKNOWN;)
			rows++;
		if (n && is_band)
			n = close_band(frame, point, n);
		if (n)
			frame->canvas->kind->path(frame->canvas, point, n, paint);
		rows += !rows;
	}
	free(point);
}

static void draw_bands(const struct frame *frame)
{
	for (unsigned i = frame->chart->bands; i-- > 0;) {
		const struct plot_band *band = &frame->chart->band[i];

		draw_series(frame, &band->sum, true,
			    &(struct canvas_paint){.color = on_paper(band->color),
						   .opacity = 1,
						   .title = band->name});
	}
	if (frame->chart->total.width)
		draw_series(frame, &frame->chart->total, false,
			    &(struct canvas_paint){
				    .color = INK, .opacity = 1, .width = 1.2, .title = "total"});
}

/* ---- axes ------------------------------------------------------------------------------------------ */

static void draw_sizes(const struct frame *frame)
{
	double step = axis_size_step(frame->most, 5);
	const struct canvas_font font = {QUIET, SMALL_SIZE, false, CANVAS_END};
	const struct canvas_paint paint = {.color = LINE, .opacity = 1, .width = 1};
	char label[AXIS_LABEL];

	for (double at = 0; at <= frame->most; at += step) {
		double y = place_y(frame, at);

		put_line(frame->canvas, LEFT, y, LEFT + FIGURE_COLUMNS, y, &paint);
		axis_size_label(at, step, label);
		put_text(frame->canvas, LEFT - 6, y + 4, label, &font);
	}
}

static void draw_times(const struct frame *frame)
{
	const struct plot *plot = frame->plot;
	double step = axis_time_step(plot->to - plot->from, 8);
	double foot = frame->top + frame->height;
	const struct canvas_font font = {QUIET, SMALL_SIZE, false, CANVAS_MIDDLE};
	const struct canvas_font unit = {QUIET, SMALL_SIZE, false, CANVAS_END};
	const struct canvas_paint paint = {.color = LINE, .opacity = 1, .width = 1};
	char label[AXIS_LABEL];

	for (double at = ceil(plot->from / step) * step; at <= plot->to; at += step) {
		double x = place_x(frame, at);

		put_line(frame->canvas, x, frame->top, x, foot + 4, &paint);
		axis_time_label(at, step, plot->to, label);
		put_text(frame->canvas, x, foot + 16, label, &font);
	}
	put_text(frame->canvas, LEFT - 12, foot + 16, axis_time_unit(plot->to), &unit);
}

/* ---- what happened --------------------------------------------------------------------------------- */

static double text_width(const char *text, double size)
{
	size_t all = 0;

	while (*text)
		all += width_of(*text++);
	return (double)all * size * CANVAS_EM;
}

static double label_width(const char *text)
{
	return text_width(text, SMALL_SIZE) + 4;
}

/* Where a label begins that is to begin there: within the chart. */
static double label_left(double x, const char *text)
{
	return fmax(LEFT, fmin(x, LEFT + FIGURE_COLUMNS - label_width(text)));
}

/* On a plate. */
static void draw_label(const struct frame *frame, double x, double y, const char *text,
		       uint32_t color)
{
	double left = label_left(x, text);

	put_rect(frame->canvas, left, y, label_width(text), SMALL_SIZE + 4,
		 &(struct canvas_paint){.color = PAPER, .opacity = 0.85});
	put_text(frame->canvas, left + 2, y + SMALL_SIZE, text,
		 &(struct canvas_font){color, SMALL_SIZE, false, CANVAS_START});
}

static uint32_t event_color(enum plot_event_kind kind)
{
	return kind == PLOT_MARK ? ACCENT : kind == PLOT_OOM ? BAD : QUIET;
}

static void draw_event(const struct frame *frame, const struct plot_event *event)
{
	double foot = frame->top + frame->height;
	double x = place_x(frame, event->at);
	double from = fmax(LEFT, place_x(frame, event->from));
	uint32_t color = event_color(event->kind);

	if (from < x)
		put_rect(frame->canvas, from, frame->top, x - from, frame->height,
			 &(struct canvas_paint){
				 .color = color, .opacity = 0.25, .title = event->label});
	put_line(frame->canvas, x, frame->top, x, foot,
		 &(struct canvas_paint){.color = color,
					.opacity = 1,
					.width = event->kind == PLOT_OOM ? 1.5 : 1,
					.dash = event->kind == PLOT_OOM ? 0 : 4,
					.title = event->label});
}

/* One line of a kind for a place; a label where there is room for it. */
static void draw_events(const struct frame *frame)
{
	double last[PLOT_GAP + 1] = {-1, -1, -1}, room[LABEL_ROWS] = {0};

	for (size_t i = 0; i < frame->plot->events; i++) {
		const struct plot_event *event = &frame->plot->event[i];
		double x = round(place_x(frame, event->at));
		double left = label_left(x + 2, event->label);
		unsigned row = 0;

		if (x < LEFT || x > LEFT + FIGURE_COLUMNS || x == last[event->kind])
			continue;
		last[event->kind] = x;
		draw_event(frame, event);
		while (row < LABEL_ROWS && left <= room[row])
			row++;
		if (row == LABEL_ROWS)
			continue;
		draw_label(frame, left, frame->top + 1 + row * ROW, event->label,
			   event_color(event->kind));
		room[row] = left + label_width(event->label);
	}
}

/* Above all that is drawn; on the side where the sampled peak's is not. */
static void draw_exact(const struct frame *frame)
{
	bool is_early = place_x(frame, frame->plot->peak_time) < LEFT + FIGURE_COLUMNS / 2.0;
	double y = place_y(frame, (double)frame->plot->exact);
	char text[64], bytes[32];

	put_line(frame->canvas, LEFT, y, LEFT + FIGURE_COLUMNS, y,
		 &(struct canvas_paint){
			 .color = BAD, .opacity = 1, .width = 1, .dash = 3, .title = "exact peak"});
	snprintf(text, sizeof(text), "peak by the kernel %s",
		 summary_bytes(frame->plot->exact, bytes, sizeof(bytes)));
	draw_label(frame, is_early ? WIDTH : LEFT + 2, y - ROW - 1, text, BAD);
}

/* A diamond, and the label above it. */
static void draw_peak(const struct frame *frame)
{
	double x = place_x(frame, frame->plot->peak_time);
	double y = place_y(frame, (double)frame->plot->peak);
	const struct canvas_point diamond[] = {{x, y - 5}, {x + 5, y}, {x, y + 5}, {x - 5, y}};
	char text[64], bytes[32];

	frame->canvas->kind->path(
		frame->canvas, diamond, 4,
		&(struct canvas_paint){.color = INK, .opacity = 1, .title = "sampled peak"});
	snprintf(text, sizeof(text), "sampled peak %s",
		 summary_bytes(frame->plot->peak, bytes, sizeof(bytes)));
	draw_label(frame, x - text_width(text, SMALL_SIZE) / 2, y - ROW - 5, text, INK);
}

/* ---- legends --------------------------------------------------------------------------------------- */

static unsigned legend_rows(const struct plot_chart *chart)
{
	return (chart->bands + (chart->total.width != 0) + LEGEND - 1) / LEGEND;
}

static void draw_entry(struct canvas *canvas, unsigned n, double y, const char *name,
		       uint32_t color, int64_t value)
{
	double width = (WIDTH - 2.0 * MARGIN) / LEGEND;
	double x = MARGIN + n % LEGEND * width;
	char bytes[32] = "";

	y += n / LEGEND * ROW;
	put_rect(canvas, x, y - 9, 10, 10, &(struct canvas_paint){.color = color, .opacity = 1});
	put_within(canvas, x + 15, y, width - 95, name,
		   &(struct canvas_font){INK, SMALL_SIZE, false, CANVAS_START});
	if (value != SERIES_UNKNOWN)
		summary_bytes(value, bytes, sizeof(bytes));
	put_text(canvas, x + width - 14, y, bytes,
		 &(struct canvas_font){QUIET, SMALL_SIZE, false, CANVAS_END});
}

static void draw_legend(const struct frame *frame, bool at_peak)
{
	const struct plot_chart *chart = frame->chart;
	double y = frame->top + frame->height + 36;
	char text[64] = "peak of each:";
	unsigned n = 0;

	if (at_peak)
		snprintf(text, sizeof(text),
			 "at the sampled peak, %.3f s:", frame->plot->peak_time);
	put_text(frame->canvas, MARGIN, y, text,
		 &(struct canvas_font){QUIET, SMALL_SIZE, false, CANVAS_START});
	y += ROW;
	if (chart->total.width)
		draw_entry(frame->canvas, n++, y, "total", INK, frame->plot->peak);
	for (unsigned i = 0; i < chart->bands; i++) {
		const struct plot_band *band = &chart->band[i];

		draw_entry(frame->canvas, n++, y, band->name, on_paper(band->color),
			   at_peak ? band->at_peak : band->peak);
	}
}

/* ---- the whole ------------------------------------------------------------------------------------- */

/* What a chart takes beside its plot: a heading above it, times and a legend below it. */
static double chart_height(const struct plot_chart *chart, double height)
{
	return chart->top ? 24 + height + 36 + (1 + legend_rows(chart)) * ROW : 2 * ROW + 10;
}

static double head_height(const struct plot *plot)
{
	return 30 + (2 + plot->notes) * ROW;
}

struct canvas_point figure_size(const struct plot *plot)
{
	return (struct canvas_point){WIDTH, head_height(plot) +
						    chart_height(&plot->tree, TREE_HEIGHT) +
						    chart_height(&plot->lives, LIFE_HEIGHT) + 4};
}

static void draw_head(const struct plot *plot, struct canvas *canvas)
{
	const struct canvas_font title = {INK, TITLE_SIZE, true, CANVAS_START};
	const struct canvas_font text = {INK, TEXT_SIZE, false, CANVAS_START};
	const struct canvas_font warn = {WARN, TEXT_SIZE, true, CANVAS_START};
	const double width = WIDTH - 2 * MARGIN;
	double y = 22;

	put_within(canvas, MARGIN, y, width, plot->command, &title);
	y += 3;
	put_within(canvas, MARGIN, y += ROW, width, plot->end, &text);
	put_within(canvas, MARGIN, y += ROW, width, plot->peaks, &text);
	for (unsigned i = 0; i < plot->notes; i++)
		put_within(canvas, MARGIN, y += ROW, width, plot->note[i], &warn);
}

static void draw_heading(struct canvas *canvas, double y, const char *name)
{
	put_text(canvas, MARGIN, y + 16, name, &(struct canvas_font){INK, 13, true, CANVAS_START});
}

/* So many bytes stand at the upper edge that the largest value leaves that much room above it. */
static double scale_for(int64_t most, double height, double room)
{
	return (double)most * height / (height - room);
}

static void draw_tree(const struct plot *plot, struct canvas *canvas, double y)
{
	struct frame frame = {.plot = plot,
			      .chart = &plot->tree,
			      .canvas = canvas,
			      .top = y + 24,
			      .height = TREE_HEIGHT};
	int64_t most = plot->exact > plot->tree.top ? plot->exact : plot->tree.top;
	double labels = plot->events ? LABEL_ROWS * ROW : 0;

	draw_heading(canvas, y, "Memory of the process tree");
	frame.most = scale_for(most, TREE_HEIGHT, ROW + 6 + labels);
	draw_sizes(&frame);
	draw_times(&frame);
	draw_bands(&frame);
	draw_events(&frame);
	if (plot->exact > 0)
		draw_exact(&frame);
	if (plot->peak != SERIES_UNKNOWN)
		draw_peak(&frame);
	draw_legend(&frame, true);
}

static void draw_lives(const struct plot *plot, struct canvas *canvas, double y)
{
	struct frame frame = {.plot = plot,
			      .chart = &plot->lives,
			      .canvas = canvas,
			      .top = y + 24,
			      .height = LIFE_HEIGHT,
			      .most = scale_for(plot->lives.top, LIFE_HEIGHT, ROW)};

	draw_heading(canvas, y, "Processes, by PSS");
	draw_sizes(&frame);
	draw_times(&frame);
	draw_bands(&frame);
	draw_legend(&frame, false);
}

static void draw_nothing(struct canvas *canvas, double y, const char *why)
{
	put_text(canvas, MARGIN, y + 2 * ROW, why,
		 &(struct canvas_font){QUIET, TEXT_SIZE, false, CANVAS_START});
}

void figure_draw(const struct plot *plot, struct canvas *canvas)
{
	struct canvas_point size = figure_size(plot);
	double y = head_height(plot);

	put_rect(canvas, 0, 0, size.x, size.y,
		 &(struct canvas_paint){.color = PAPER, .opacity = 1});
	draw_head(plot, canvas);
	if (plot->tree.top)
		draw_tree(plot, canvas, y);
	else
		draw_nothing(canvas, y, PLOT_NO_TREE);
	y += chart_height(&plot->tree, TREE_HEIGHT);
	if (plot->lives.top)
		draw_lives(plot, canvas, y);
	else
		draw_nothing(canvas, y, plot->no_lives);
}
