/* SPDX-License-Identifier: ISC */
/* Whether a file is a Go program, and of which version. */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_VERSION_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_VERSION_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/runtimes/go/elf.h"
#include "collector/runtimes/go/image.h"

/* By the sections and the note that Go's linker makes; a stripped one has some of them. */
bool go_version_is_go(const struct go_elf *elf);

/*
 * What built it ("go1.19.8"), in ret_version with GO_VERSION_MAX bytes, and the number after "go1."; "" and 0
 * where the file does not say.
 */
void go_version_read(const struct go_elf *elf, char *ret_version, unsigned *ret_minor);

/* The number after "go1." in a text; 0: none. */
unsigned go_version_minor(const char *version);

#endif
