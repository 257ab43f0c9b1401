/* SPDX-License-Identifier: ISC */
/* Text that anybody may have written, and that others shall read. */
#ifndef MSTAT_TOOLS_PLAIN_H
#define MSTAT_TOOLS_PLAIN_H

#include <stddef.h>

/*
 * The length of what stands at p and may go to a terminal as it is, a character of UTF-8 or of ASCII.
 * 0: it may not. left: bytes from p on, at least 1.
 */
size_t plain_len(const unsigned char *p, size_t left);

#endif
