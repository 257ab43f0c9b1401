/* SPDX-License-Identifier: ISC */
/* A report as a page of HTML: the page that was built in, and the data between its two halves. */
#ifndef MSTAT_TOOLS_REPORTPAGE_H
#define MSTAT_TOOLS_REPORTPAGE_H

#include <stddef.h>
#include <stdio.h>

#include "tools/runreport.h"
#include "tools/runtimereport.h"

/* Where the data go in the page that is built in. */
#define REPORTPAGE_MARK "<!-- data -->"

struct reportpage {
	const char *html; /* borrowed: has REPORTPAGE_MARK once */
	size_t html_len;
	const char *version; /* of this program */
	const char *cut;     /* borrowed: what is missing of the record; NULL: nothing is */
	const struct runtimereport *runtimes; /* borrowed */
	FILE *folded; /* borrowed, at its beginning: the heap at the peak; NULL: there is none */
	const char *no_heap; /* borrowed: why there is none; NULL: nothing is to be said */
	const char *remarks; /* borrowed: lines on what the heap's numbers do not hold */
};

/* 0, -ENOMEM, or -EINVAL: the page has no mark. The stream has its own errors. */
int reportpage_write(const struct reportpage *page, const struct runreport *report, FILE *to);

#endif
