/* SPDX-License-Identifier: ISC */
/*
 * A Go program's file: its version, and where what is read of its runtime stands. Found once for all processes
 * that run it.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_IMAGE_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/runtimes/go/layout.h"

#define GO_VERSION_MAX 64

/* Does not change. */
struct go_image {
	struct go_layout layout;      /* what go_memstats_missing() asks for is there */
	char version[GO_VERSION_MAX]; /* "go1.19.8"; "" where it is not known */
	unsigned minor;		      /* 19; 0: not known */
	bool is_pie;
	uint64_t entry; /* as linked */
};

/*
 * The image of the file behind fd, which need not stay open; given back to go_image_close(). text has
 * RUNTIME_TEXT_MAX bytes. Returns 0, and in text how it was found ("go1.19.8, by its debug information");
 * -ENOEXEC: no Go program; -EAGAIN: somebody else is at it, ask again; another error: a Go program that cannot
 * be read, text says why. [any thread]
 */
int go_image_open(int fd, const struct go_image **ret, char *text);
void go_image_close(const struct go_image *image);

#endif
