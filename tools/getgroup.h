/* SPDX-License-Identifier: ISC */
/* A cgroup's memory and tasks, once. */
#ifndef MSTAT_TOOLS_GETGROUP_H
#define MSTAT_TOOLS_GETGROUP_H

#include <stdio.h>

#include "tools/getview.h"

/*
 * Reads and prints what there is of it: a line each, name and value. path as cgroup_open() takes it.
 * Returns 0 or an error; then nothing was printed.
 */
int getgroup_print(FILE *to, const struct getview_style *style, const char *path);

/* What went wrong, for people. */
const char *getgroup_explain(int err);

#endif
