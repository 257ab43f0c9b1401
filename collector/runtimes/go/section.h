/* SPDX-License-Identifier: ISC */
/*
 * The beginning of a section, as much as is asked for: inflated where it is compressed. libdw inflates all
 * of every debug section at once, 60 to 400 ms for a program of 20 MB; what is looked for stands in the
 * first third of one, which takes 5 ms.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_SECTION_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_SECTION_H

#include <stdint.h>

#include "collector/runtimes/go/elf.h"

/* Not more of a section is ever held. */
#define GO_SECTION_MAX (64u << 20)

struct go_section_stream;

struct go_section {
	const uint8_t *bytes; /* owned; moves when more is asked for */
	uint64_t have;	      /* of them */
	uint64_t size;	      /* of the whole section, as it says of itself */
	struct go_section_stream *stream;
};

/*
 * The debug section of that name, without its dot: .debug_info or .zdebug_info is "debug_info". Returns 0,
 * -ENOENT, -EBADMSG, -ENOMEM. elf must stay open.
 */
int go_section_open(const struct go_elf *elf, const char *name, struct go_section *ret);
void go_section_close(struct go_section *section);

/* Has at least the first `end` bytes. Returns 0, -ENODATA (it is shorter, broken, or too large), -ENOMEM. */
int go_section_want(struct go_section *section, uint64_t end);

#endif
