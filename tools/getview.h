/* SPDX-License-Identifier: ISC */
/* What a person reads of processes that run: the line of all, the table of each. */
#ifndef MSTAT_TOOLS_GETVIEW_H
#define MSTAT_TOOLS_GETVIEW_H

#include <stdbool.h>
#include <stdio.h>

#include "tools/getread.h"

struct getview_style {
	bool bytes;	    /* exact numbers, not units for people */
	bool peak;	    /* that column, too */
	const char *delays; /* the name of a column of delays; NULL: there is none */
};

/* Bytes as the style has them, "-" for GETPROC_UNKNOWN; buf of at least 32 bytes. Returns buf. */
const char *getview_number(const struct getview_style *style, int64_t bytes, char *buf,
			   size_t size);

/* One line of the sums, and of what they lack. */
void getview_print_total(FILE *to, const struct getview_style *style,
			 const struct getread_total *total);

/* A line of names and a row for each process, columns aligned, names indented as a tree. */
void getview_print_table(FILE *to, const struct getview_style *style,
			 const struct getread_shot *shot);

/* Why the row has no memory, a few words for people; buf holds them if need be. "": it has. */
const char *getview_why(const struct getread_row *row, char *buf, size_t size);

#endif
