/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/axis.h"
#include "tools/plottext.h"
#include "tools/summary.h"

#define LEFT	   17 /* cells before a chart: sizes, or who it is */
#define RIGHT	   11 /* behind it: sizes again */
#define TREE_ROWS  12
#define LIFE_ROWS  8
#define FINER	   8
#define LABEL_ROWS 2
#define QUIET	   0x8a939f
#define ACCENT	   0x5f87d7
#define BAD	   0xd70000
#define TOTAL	   0x9aa0a6
#define PLAIN	   TEXTLINE_PLAIN
#define UNKNOWN	   SERIES_UNKNOWN

/* What is drawn of a chart: of each cell from left to right the highest values of its lines. */
struct layer {
	uint32_t color;
	int64_t value[TEXTLINE_MAX]; /* SERIES_UNKNOWN: none is known */
};

struct screen {
	const struct plot *plot;
	const struct textline_style *style;
	FILE *to;
	unsigned columns; /* of a chart */
	struct textline line, label[LABEL_ROWS];
	struct layer layer[PLOT_BANDS + 1];
	unsigned layers;   /* the lowest first */
	double most, step; /* bytes: of the scale, and from one of its labels to the next */
};

unsigned plottext_columns(unsigned width)
{
	return (width - LEFT - RIGHT) * FINER;
}

static unsigned column_at(const struct screen *screen, double seconds)
{
	const struct plot *plot = screen->plot;
	double at = (seconds - plot->from) / (plot->to - plot->from) * screen->columns;

	return at <= 0 ? 0 : at >= screen->columns ? screen->columns - 1 : (unsigned)at;
}

/* A cell without a row of its own has what was before it: rows are fewer than cells in a short run. */
static void fill_layer(const struct screen *screen, const struct series *line, uint32_t color,
		       struct layer *ret)
{
	unsigned last = 0;

	ret->color = color;
	for (unsigned i = 0; i < screen->columns; i++)
		ret->value[i] = UNKNOWN;
	for (size_t i = 0; i < line->n; i++) {
		unsigned at = column_at(screen, plot_time(screen->plot, line->tick[i]));
		bool is_known = line->value[0][i] != UNKNOWN;

		for (unsigned k = last + 1; k < at && i && is_known; k++)
			ret->value[k] = line->value[0][i - 1];
		if (line->value[0][i] > ret->value[at])
			ret->value[at] = line->value[0][i];
		last = at;
	}
}

/* ---- lines ----------------------------------------------------------------------------------------- */

static void end_line(struct screen *screen)
{
	textline_end(&screen->line, screen->to);
}

static void put_line(struct screen *screen, const char *text, uint32_t ink)
{
	textline_put(&screen->line, 0, screen->style->width, text, ink);
	end_line(screen);
}

/* The character, or what stands for it in ASCII. */
static const char *pick(const struct screen *screen, const char *utf8, const char *ascii)
{
	return screen->style->is_utf8 ? utf8 : ascii;
}

static unsigned level_of(const struct screen *screen, int64_t value, unsigned rows)
{
	double level;

	if (value == UNKNOWN || value <= 0 || screen->most <= 0)
		return 0;
	level = round((double)value / screen->most * rows * 8);
	return level < 1 ? 1 : level > rows * 8 ? rows * 8 : (unsigned)level;
}

/* ---- charts ---------------------------------------------------------------------------------------- */

/* How much of a cell is whose: eighths, up to where each layer ends in it. Returns where the highest does. */
static unsigned cut_cell(const struct screen *screen, unsigned column, unsigned row, unsigned rows,
			 unsigned ret[PLOT_BANDS + 1])
{
	unsigned end = 0;

	for (unsigned i = 0; i < screen->layers; i++) {
		unsigned level = level_of(screen, screen->layer[i].value[column], rows);
		unsigned here = level <= row * 8 ? 0 : level - row * 8 > 8 ? 8 : level - row * 8;

		ret[i] = here > end ? here - end : 0;
		end += ret[i];
	}
	return end;
}

/* Who has the most of it, of these layers and those above. */
static unsigned find_most(const struct screen *screen, const unsigned *share, unsigned from)
{
	unsigned best = from;

	for (unsigned i = from; i < screen->layers; i++)
		if (share[i] > share[best])
			best = i;
	return best;
}

/*
 * One cell of the stack. A character has two colors, from below and from above: where the cell is full its
 * lowest layer, and of those above it the one with the most; else one alone, so that it ends where it ends.
 */
static void put_cell(struct screen *screen, unsigned column, unsigned row, unsigned rows)
{
	unsigned share[PLOT_BANDS + 1];
	unsigned end = cut_cell(screen, column, row, rows, share);
	unsigned low = 0;

	if (!end)
		return;
	while (!share[low])
		low++;
	if (end < 8)
		textline_fill(&screen->line, LEFT + column, end,
			      screen->layer[find_most(screen, share, 0)].color, PLAIN);
	else if (share[low] == 8)
		textline_fill(&screen->line, LEFT + column, 8, screen->layer[low].color, PLAIN);
	else
		textline_fill(&screen->line, LEFT + column, share[low], screen->layer[low].color,
			      screen->layer[find_most(screen, share, low + 1)].color);
}

/*
 * From label to label there are as many rows, so that the scale can be read off. Returns how many there are in
 * all: of those around a number that with which the least stays empty.
 */
static unsigned set_scale(struct screen *screen, int64_t most, unsigned rows)
{
	unsigned best = 0;

	screen->step = axis_size_step((double)most, 4);
	for (unsigned n = rows - 2; n <= rows + 2; n++) {
		double edge = screen->step * n / floor(screen->step * n / (double)most);

		if (best && edge >= screen->most)
			continue;
		screen->most = edge;
		best = n;
	}
	return best;
}

/* The label of a size stands in the row whose upper edge is the size. */
static void put_size(struct screen *screen, unsigned row, unsigned rows)
{
	char label[AXIS_LABEL];

	for (double at = screen->step; at <= screen->most * 1.001; at += screen->step) {
		if (lround(at / screen->most * rows) != (long)row + 1)
			continue;
		axis_size_label(at, screen->step, label);
		textline_put_left(&screen->line, LEFT - 2, label, QUIET);
	}
}

/* The exact peak is a line where nothing else is drawn. */
static void put_exact(struct screen *screen, unsigned row, unsigned rows)
{
	unsigned level = level_of(screen, screen->plot->exact, rows);

	if (!level || (level - 1) / 8 != row)
		return;
	for (unsigned i = LEFT; i < LEFT + screen->columns; i++)
		if (textline_is_free(&screen->line, i, i + 1))
			textline_put(&screen->line, i, 1, pick(screen, "\u254c", "-"), BAD);
	textline_put(&screen->line, LEFT + screen->columns + 1, RIGHT - 1, "exact peak", BAD);
}

static void put_times(struct screen *screen)
{
	const struct plot *plot = screen->plot;
	double step = axis_time_step(plot->to - plot->from, screen->columns / 10);
	unsigned end = LEFT + screen->columns;
	char label[AXIS_LABEL];

	textline_put_left(&screen->line, LEFT - 2, "0", QUIET);
	textline_put(&screen->line, LEFT - 1, 1, pick(screen, "\u2514", "+"), QUIET);
	for (unsigned i = LEFT; i < end; i++)
		textline_put(&screen->line, i, 1, pick(screen, "\u2500", "-"), QUIET);
	for (double at = ceil(plot->from / step) * step; at <= plot->to; at += step)
		textline_put(&screen->line, LEFT + column_at(screen, at), 1,
			     pick(screen, "\u252c", "+"), QUIET);
	end_line(screen);
	for (double at = ceil(plot->from / step) * step; at <= plot->to; at += step) {
		unsigned x = LEFT + column_at(screen, at);

		axis_time_label(at, step, plot->to, label);
		if (x + strlen(label) <= end)
			textline_put(&screen->line, x, RIGHT, label, QUIET);
	}
	textline_put(&screen->line, end + 1, RIGHT - 1, axis_time_unit(plot->to), QUIET);
	end_line(screen);
}

static void draw_chart(struct screen *screen, unsigned rows, bool has_exact)
{
	for (unsigned row = rows; row-- > 0;) {
		put_size(screen, row, rows);
		textline_put(&screen->line, LEFT - 1, 1, pick(screen, "\u2502", "|"), QUIET);
		for (unsigned i = 0; i < screen->columns; i++)
			put_cell(screen, i, row, rows);
		if (has_exact)
			put_exact(screen, row, rows);
		end_line(screen);
	}
	put_times(screen);
}

/* Bands by their colors, and what is above them; without colors all is one. */
static void take_layers(struct screen *screen, const struct plot_chart *chart)
{
	uint32_t rest = screen->style->has_color ? TOTAL : PLAIN;
	unsigned n = 0;

	for (unsigned i = 0; screen->style->has_color && i < chart->bands; i++)
		fill_layer(screen, &chart->band[i].sum, chart->band[i].color, &screen->layer[n++]);
	if (chart->total.width)
		fill_layer(screen, &chart->total, rest, &screen->layer[n++]);
	screen->layers = n;
}

/* A band by itself, on the scale that all have: who it is, when, and how much at most. */
static void draw_own(struct screen *screen, const struct plot_band *band)
{
	struct layer *layer = &screen->layer[0];
	uint32_t color = screen->style->has_color ? band->color : PLAIN;
	char bytes[32];

	fill_layer(screen, &band->own, color, layer);
	textline_put(&screen->line, 0, LEFT - 1, band->name, color);
	for (unsigned i = 0; i < screen->columns; i++)
		textline_fill(&screen->line, LEFT + i, level_of(screen, layer->value[i], 1), color,
			      PLAIN);
	if (band->peak != UNKNOWN)
		textline_put_left(&screen->line, screen->style->width,
				  summary_bytes(band->peak, bytes, sizeof(bytes)), QUIET);
	end_line(screen);
}

static void draw_owns(struct screen *screen, const struct plot_chart *chart)
{
	screen->most = 0;
	for (unsigned i = 0; i < chart->bands; i++)
		if ((double)chart->band[i].peak > screen->most)
			screen->most = (double)chart->band[i].peak;
	for (unsigned i = 0; i < chart->bands; i++)
		draw_own(screen, &chart->band[i]);
}

/* ---- what happened --------------------------------------------------------------------------------- */

/* Above the chart: where the sampled peak is. */
static void draw_peak(struct screen *screen)
{
	unsigned x = LEFT + column_at(screen, screen->plot->peak_time);
	const char *mark = pick(screen, "\u25bc", "v");
	char text[64], bytes[32];

	snprintf(text, sizeof(text), "sampled peak %s",
		 summary_bytes(screen->plot->peak, bytes, sizeof(bytes)));
	textline_put(&screen->line, x, 1, mark, PLAIN);
	if (x + 2 + strlen(text) <= screen->style->width)
		textline_put(&screen->line, x + 2, RIGHT + screen->columns, text, PLAIN);
	else
		textline_put_left(&screen->line, x - 1, text, PLAIN);
	end_line(screen);
}

static uint32_t event_ink(enum plot_event_kind kind)
{
	return kind == PLOT_OOM ? BAD : kind == PLOT_MARK ? ACCENT : QUIET;
}

/* Where in the line the label of what was at x begins: to the right of it, or to the left at the end. 0: nowhere. */
static unsigned find_room(const struct screen *screen, const struct textline *line, unsigned x,
			  unsigned cells)
{
	if (x + 1 + cells <= screen->style->width)
		return x + 1;
	return x >= LEFT + cells && textline_is_free(line, x - cells - 1, x) ? x - cells : 0;
}

/* In the first line that has room for its label; else by itself in the first one where it does not hide others'. */
static void put_event(struct screen *screen, const struct plot_event *event, unsigned *room)
{
	unsigned x = LEFT + column_at(screen, event->at);
	unsigned cells = textline_cells(&screen->label[0], event->label);
	uint32_t ink = event_ink(event->kind);
	unsigned best = LABEL_ROWS, at = 0, end = x + 1;

	for (unsigned row = 0; row < LABEL_ROWS && !at; row++) {
		if (x < room[row])
			continue;
		at = find_room(screen, &screen->label[row], x, cells);
		if (at || best == LABEL_ROWS)
			best = row;
	}
	if (best == LABEL_ROWS)
		return;
	textline_put(&screen->label[best], x, 1, pick(screen, "\u25b2", "^"), ink);
	if (at)
		end = textline_put(&screen->label[best], at, cells, event->label, ink);
	room[best] = (end > x ? end : x + 1) + 1;
}

/* Below it: marks, kills and gaps. */
static void draw_events(struct screen *screen)
{
	const struct plot *plot = screen->plot;
	unsigned room[LABEL_ROWS] = {0};

	for (unsigned row = 0; row < LABEL_ROWS; row++)
		textline_init(&screen->label[row], screen->style);
	for (size_t i = 0; i < plot->events; i++)
		if (plot->event[i].at >= plot->from && plot->event[i].at <= plot->to)
			put_event(screen, &plot->event[i], room);
	if (room[0])
		textline_put_left(&screen->label[0], LEFT - 2, "events", QUIET);
	for (unsigned row = 0; row < LABEL_ROWS && room[row]; row++)
		textline_end(&screen->label[row], screen->to);
}

/* ---- the whole ------------------------------------------------------------------------------------- */

static void draw_head(struct screen *screen)
{
	const struct plot *plot = screen->plot;

	put_line(screen, plot->command, PLAIN);
	put_line(screen, plot->end, PLAIN);
	put_line(screen, plot->peaks, PLAIN);
	for (unsigned i = 0; i < plot->notes; i++)
		put_line(screen, plot->note[i], BAD);
	end_line(screen);
}

static void draw_tree(struct screen *screen)
{
	const struct plot *plot = screen->plot;
	int64_t most = plot->exact > plot->tree.top ? plot->exact : plot->tree.top;
	unsigned rows;

	if (!plot->tree.top) {
		put_line(screen, PLOT_NO_TREE, PLAIN);
		return;
	}
	put_line(screen, "Memory of the process tree", PLAIN);
	if (plot->peak != UNKNOWN)
		draw_peak(screen);
	rows = set_scale(screen, most, TREE_ROWS);
	take_layers(screen, &plot->tree);
	draw_chart(screen, rows, plot->exact > 0);
	if (plot->events)
		draw_events(screen);
	draw_owns(screen, &plot->tree);
}

static void draw_lives(struct screen *screen)
{
	const struct plot *plot = screen->plot;

	end_line(screen);
	if (!plot->lives.top) {
		put_line(screen, plot->no_lives, PLAIN);
		return;
	}
	put_line(screen, "Processes, by PSS; at the right the peak of each", PLAIN);
	if (screen->style->has_color) {
		unsigned rows = set_scale(screen, plot->lives.top, LIFE_ROWS);

		take_layers(screen, &plot->lives);
		draw_chart(screen, rows, false);
	}
	draw_owns(screen, &plot->lives);
}

static void draw_holders(struct screen *screen)
{
	const struct plot *plot = screen->plot;
	char text[64], bytes[32];

	if (!plot->holders)
		return;
	end_line(screen);
	snprintf(text, sizeof(text), "Held at the sampled peak, %.3f s", plot->peak_time);
	put_line(screen, text, PLAIN);
	for (unsigned i = 0; i < plot->holders; i++) {
		const struct plot_holder *holder = &plot->holder[i];

		textline_put_left(&screen->line, 10,
				  summary_bytes(holder->held, bytes, sizeof(bytes)), PLAIN);
		textline_put(&screen->line, 12, 22, holder->name, PLAIN);
		textline_put(&screen->line, 36, screen->style->width, holder->command, QUIET);
		end_line(screen);
	}
}

int plottext_write(const struct plot *plot, const struct textline_style *style, FILE *to)
{
	struct screen *screen = calloc(1, sizeof(*screen));

	if (!screen)
		return -ENOMEM;
	screen->plot = plot;
	screen->style = style;
	screen->to = to;
	screen->columns = style->width - LEFT - RIGHT;
	textline_init(&screen->line, style);
	draw_head(screen);
	draw_tree(screen);
	draw_lives(screen);
	draw_holders(screen);
	free(screen);
	return 0;
}
