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

/*
 * The length of the well-formed UTF-8 sequence at p (Unicode, table 3-7), which may be a control
 * character; 0: there is none. left: as above.
 */
size_t plain_utf8_len(const unsigned char *p, size_t left);

/* So many bytes are shown of a text in a line; ROOM is what they take at most, and what follows them. */
#define PLAIN_SHOWN	       60
#define PLAIN_ROOM	       PLAIN_LINE_ROOM(PLAIN_SHOWN)
#define PLAIN_LINE_ROOM(shown) ((shown)*4 + 8)

/* The text for a terminal: what may not go there as \xHH, what is too long with "..." behind it. */
void plain_text(char ret[PLAIN_ROOM], const char *text, size_t len);
/* The same of so many bytes; ret has PLAIN_LINE_ROOM() for them. */
void plain_line(char *ret, size_t shown, const char *text, size_t len);

#endif
