/* SPDX-License-Identifier: ISC */
/* What a figure is drawn on, in units of a pixel each, from the upper left corner. */
#ifndef MSTAT_TOOLS_CANVAS_H
#define MSTAT_TOOLS_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct canvas_point {
	double x, y;
};

struct canvas_paint {
	uint32_t color;	   /* 0xRRGGBB */
	double opacity;	   /* 0 to 1 */
	double width;	   /* of a line; 0: what is enclosed is filled */
	double dash;	   /* the length of dashes and of what is between them; 0: none */
	const char *title; /* borrowed: what it stands for, where a canvas can keep it; or NULL */
};

enum canvas_anchor { CANVAS_START, CANVAS_MIDDLE, CANVAS_END };

struct canvas_font {
	uint32_t color;
	double size; /* of an em */
	bool is_bold;
	enum canvas_anchor anchor; /* what of the text stands at x */
};

/* The width of a letter at most: no canvas needs to have the font, so nothing is measured. */
#define CANVAS_EM 0.62

struct canvas;

struct canvas_kind {
	void (*rect)(struct canvas *, const struct canvas_point *at,
		     const struct canvas_point *size, const struct canvas_paint *);
	void (*path)(struct canvas *, const struct canvas_point *, size_t n,
		     const struct canvas_paint *);
	/* Plain UTF-8 (tools/plain.h); at: on the base line. */
	void (*text)(struct canvas *, const struct canvas_point *at, const char *text,
		     const struct canvas_font *);
	/* Frees; err is returned, or what went wrong with the picture. The stream has its own errors. */
	int (*close)(struct canvas *, int err);
};

struct canvas {
	const struct canvas_kind *kind;
};

/* to: borrowed. title: of the whole, plain UTF-8. 0 or -ENOMEM; *ret: kind->close() it. */
int canvas_open_svg(FILE *to, const struct canvas_point *size, const char *title,
		    struct canvas **ret);
/* Twice as many pixels each way. -EOPNOTSUPP where this was built without libcairo. */
int canvas_open_png(FILE *to, const struct canvas_point *size, struct canvas **ret);
bool canvas_has_png(void);

#endif
