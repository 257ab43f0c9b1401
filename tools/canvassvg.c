/* SPDX-License-Identifier: ISC */
/* Plain SVG 1.1, written as it is drawn: text stays text, and nothing but shapes and text is in it. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "tools/canvas.h"

/* Whatever is installed where it is looked at. */
#define FONTS "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

struct svg {
	struct canvas canvas;
	FILE *to; /* borrowed */
};

/* A tenth of a pixel is enough, and a file that has no more is a third smaller. No locale has a say in it. */
static void put_number(FILE *to, double v)
{
	long tenths = isfinite(v) ? lround(fmin(fmax(v, -1e6), 1e6) * 10) : 0;

	if (tenths < 0)
		fputc('-', to);
	tenths = labs(tenths);
	fprintf(to, "%ld", tenths / 10);
	if (tenths % 10)
		fprintf(to, ".%ld", tenths % 10);
}

static void put_attribute(FILE *to, const char *name, double v)
{
	fprintf(to, " %s=\"", name);
	put_number(to, v);
	fputc('"', to);
}

static void put_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", to);
		else if (*text == '>')
			fputs("&gt;", to);
		else if (*text == '&')
			fputs("&amp;", to);
		else
			fputc(*text, to);
	}
}

static void put_paint(FILE *to, const struct canvas_paint *paint)
{
	if (paint->width > 0) {
		fprintf(to, " fill=\"none\" stroke=\"#%06x\"", paint->color);
		put_attribute(to, "stroke-width", paint->width);
	} else {
		fprintf(to, " fill=\"#%06x\"", paint->color);
	}
	if (paint->dash > 0)
		put_attribute(to, "stroke-dasharray", paint->dash);
	if (paint->opacity < 1)
		put_attribute(to, paint->width > 0 ? "stroke-opacity" : "fill-opacity",
			      paint->opacity);
}

static void put_end(FILE *to, const char *name, const char *title)
{
	if (!title) {
		fputs("/>\n", to);
		return;
	}
	fputs("><title>", to);
	put_text(to, title);
	fprintf(to, "</title></%s>\n", name);
}

static void draw_rect(struct canvas *canvas, const struct canvas_point *at,
		      const struct canvas_point *size, const struct canvas_paint *paint)
{
	FILE *to = ((struct svg *)canvas)->to;

	fputs("<rect", to);
	put_attribute(to, "x", at->x);
	put_attribute(to, "y", at->y);
	put_attribute(to, "width", size->x);
	put_attribute(to, "height", size->y);
	put_paint(to, paint);
	put_end(to, "rect", paint->title);
}

static void draw_path(struct canvas *canvas, const struct canvas_point *point, size_t n,
		      const struct canvas_paint *paint)
{
	FILE *to = ((struct svg *)canvas)->to;

	fputs("<path d=\"", to);
	for (size_t i = 0; i < n; i++) {
		fputs(i == 0 ? "M" : i == 1 ? "L" : " ", to);
		put_number(to, point[i].x);
		fputc(' ', to);
		put_number(to, point[i].y);
	}
	fputs(paint->width > 0 ? "\"" : "Z\"", to);
	put_paint(to, paint);
	put_end(to, "path", paint->title);
}

static void draw_text(struct canvas *canvas, const struct canvas_point *at, const char *text,
		      const struct canvas_font *font)
{
	static const char *const anchors[] = {
		[CANVAS_START] = "", [CANVAS_MIDDLE] = "middle", [CANVAS_END] = "end"};
	FILE *to = ((struct svg *)canvas)->to;

	fputs("<text", to);
	put_attribute(to, "x", at->x);
	put_attribute(to, "y", at->y);
	put_attribute(to, "font-size", font->size);
	fprintf(to, " fill=\"#%06x\"", font->color);
	if (font->is_bold)
		fputs(" font-weight=\"bold\"", to);
	if (font->anchor != CANVAS_START)
		fprintf(to, " text-anchor=\"%s\"", anchors[font->anchor]);
	fputc('>', to);
	put_text(to, text);
	fputs("</text>\n", to);
}

static int close_svg(struct canvas *canvas, int err)
{
	struct svg *svg = (struct svg *)canvas;

	fputs("</g>\n</svg>\n", svg->to);
	free(svg);
	return err;
}

int canvas_open_svg(FILE *to, const struct canvas_point *size, const char *title,
		    struct canvas **ret)
{
	static const struct canvas_kind kind = {
		.rect = draw_rect, .path = draw_path, .text = draw_text, .close = close_svg};
	struct svg *svg = malloc(sizeof(*svg));

	if (!svg)
		return -ENOMEM;
	*svg = (struct svg){.canvas = {&kind}, .to = to};
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	      "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\"",
	      to);
	put_attribute(to, "width", size->x);
	put_attribute(to, "height", size->y);
	fputs(" viewBox=\"0 0 ", to);
	put_number(to, size->x);
	fputc(' ', to);
	put_number(to, size->y);
	fputs("\">\n<title>", to);
	put_text(to, title);
	fputs("</title>\n<g font-family=\"" FONTS "\">\n", to);
	*ret = &svg->canvas;
	return 0;
}
