/* SPDX-License-Identifier: ISC */
/* A file that is there when it is whole, and not before: nobody ever finds a half of it. */
#ifndef MSTAT_TOOLS_NEWFILE_H
#define MSTAT_TOOLS_NEWFILE_H

#include <stdbool.h>

struct newfile {
	int fd;	    /* owned: to be written to; -1: none */
	char *path; /* owned: what it shall be called: of a link what it leads to */
	char *name; /* owned: what it is called until then; NULL: it has no name yet */
	/* It is written to itself: a terminal, a pipe, or what standard output is already. */
	bool is_direct;
};

/*
 * Begins a file of mode 0600 in the folder of path, for arguments may hold secrets; NULL: standard output.
 * 0 or an error; newfile_done() is right after both.
 */
int newfile_open(struct newfile *file, const char *path);
/* The same, with a name from the beginning: for whom a descriptor is not enough. */
int newfile_open_named(struct newfile *file, const char *path);

/* Gives it its name, in place of what had it. 0 or an error: then the old one is still there. */
int newfile_commit(struct newfile *file);

/* What was not committed is gone. */
void newfile_done(struct newfile *file);

#endif
