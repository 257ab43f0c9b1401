/* SPDX-License-Identifier: ISC */
/* By libcairo, where there is one: it has what text takes, fonts and shapes of letters. */
#include <errno.h>

#include "tools/canvas.h"

#ifdef MSTAT_CAIRO

#include <cairo.h>
#include <stdlib.h>

/* Pixels of a unit each way: as fine as print and today's screens. */
#define SCALE 2

struct png {
	struct canvas canvas;
	FILE *to;	/* borrowed */
	cairo_t *cairo; /* owned */
};

static void set_color(cairo_t *cairo, uint32_t color, double opacity)
{
	cairo_set_source_rgba(cairo, (color >> 16 & 255) / 255.0, (color >> 8 & 255) / 255.0,
			      (color & 255) / 255.0, opacity);
}

static void paint_path(cairo_t *cairo, const struct canvas_paint *paint)
{
	set_color(cairo, paint->color, paint->opacity);
	if (paint->width > 0) {
		cairo_set_line_width(cairo, paint->width);
		cairo_set_dash(cairo, &paint->dash, paint->dash > 0, 0);
		cairo_stroke(cairo);
	} else {
		cairo_fill(cairo);
	}
}

static void draw_rect(struct canvas *canvas, const struct canvas_point *at,
		      const struct canvas_point *size, const struct canvas_paint *paint)
{
	cairo_t *cairo = ((struct png *)canvas)->cairo;

	cairo_rectangle(cairo, at->x, at->y, size->x, size->y);
	paint_path(cairo, paint);
}

static void draw_path(struct canvas *canvas, const struct canvas_point *point, size_t n,
		      const struct canvas_paint *paint)
{
	cairo_t *cairo = ((struct png *)canvas)->cairo;

	for (size_t i = 0; i < n; i++)
		cairo_line_to(cairo, point[i].x, point[i].y);
	paint_path(cairo, paint);
}

static void draw_text(struct canvas *canvas, const struct canvas_point *at, const char *text,
		      const struct canvas_font *font)
{
	static const double shares[] = {
		[CANVAS_START] = 0, [CANVAS_MIDDLE] = 0.5, [CANVAS_END] = 1};
	cairo_t *cairo = ((struct png *)canvas)->cairo;
	cairo_text_extents_t extents;

	cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
			       font->is_bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(cairo, font->size);
	cairo_text_extents(cairo, text, &extents);
	set_color(cairo, font->color, 1);
	cairo_move_to(cairo, at->x - extents.x_advance * shares[font->anchor], at->y);
	cairo_show_text(cairo, text);
	cairo_new_path(cairo);
}

static cairo_status_t write_some(void *to, const unsigned char *bytes, unsigned len)
{
	return fwrite(bytes, 1, len, to) == len ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

/* What the stream has met with is the stream's to tell. */
static int close_png(struct canvas *canvas, int err)
{
	struct png *png = (struct png *)canvas;
	cairo_status_t status = cairo_status(png->cairo);

	if (err == 0 && status == CAIRO_STATUS_SUCCESS)
		status = cairo_surface_write_to_png_stream(cairo_get_target(png->cairo), write_some,
							   png->to);
	if (err == 0 && status != CAIRO_STATUS_SUCCESS && status != CAIRO_STATUS_WRITE_ERROR)
		err = -ENOMEM;
	cairo_destroy(png->cairo);
	free(png);
	return err;
}

int canvas_open_png(FILE *to, const struct canvas_point *size, struct canvas **ret)
{
	static const struct canvas_kind kind = {
		.rect = draw_rect, .path = draw_path, .text = draw_text, .close = close_png};
	struct png *png = malloc(sizeof(*png));
	cairo_surface_t *surface;

	if (!png)
		return -ENOMEM;
	surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)size->x * SCALE,
					     (int)size->y * SCALE);
	*png = (struct png){.canvas = {&kind}, .to = to, .cairo = cairo_create(surface)};
	cairo_surface_destroy(surface);
	cairo_scale(png->cairo, SCALE, SCALE);
	*ret = &png->canvas;
	return 0;
}

bool canvas_has_png(void)
{
	return true;
}

#else

int canvas_open_png(FILE *to, const struct canvas_point *size, struct canvas **ret)
{
	(void)to;
	(void)size;
	*ret = NULL;
	return -EOPNOTSUPP;
}

bool canvas_has_png(void)
{
	return false;
}

#endif
