/* SPDX-License-Identifier: ISC */
/*
 * Data within a page of HTML: compressed (zlib), then in base64, so that nothing that anybody has written
 * can be taken for markup. What goes through here is not kept.
 */
#ifndef MSTAT_TOOLS_EMBED_H
#define MSTAT_TOOLS_EMBED_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct embed;

/* Begins an element of that id (a plain word) in to, which is borrowed and has its own errors. 0 or -ENOMEM. */
int embed_open(FILE *to, const char *id, struct embed **ret);
void embed_put(struct embed *embed, const void *bytes, size_t len);
/* Ends the element and frees. NULL is accepted. */
void embed_close(struct embed *embed);

/* JSON; commas are the caller's. */
void embed_raw(struct embed *embed, const char *json);
void embed_int(struct embed *embed, int64_t v);
void embed_uint(struct embed *embed, uint64_t v);
/* A string: what is no printable UTF-8 becomes \xHH, as text that is read. */
void embed_text(struct embed *embed, const char *text, size_t len);
/* The same of strings that end with a zero byte each: words with blanks between. */
void embed_words(struct embed *embed, const char *words, size_t len);

#endif
