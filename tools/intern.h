/* SPDX-License-Identifier: ISC */
/*
 * What is the same is kept once, and gets a number: 0, 1, 2 and so on, in the order of its first coming.
 */
#ifndef MSTAT_TOOLS_INTERN_H
#define MSTAT_TOOLS_INTERN_H

#include <stddef.h>
#include <stdint.h>

/* Items of one size, told apart by their first bytes, which hold no padding. */
struct intern {
	size_t size, key; /* bytes: of an item; of what tells it apart, at most size */
	uint8_t *item;	  /* owned */
	uint32_t count, room;
	uint32_t *slot; /* owned; open addressing: number + 1, 0: free */
	uint32_t slots; /* a power of two, or 0 */
};

/* No more items than that. */
#define INTERN_MAX (1u << 28)

#define INTERN_INIT(item, key_size)                     \
	{                                               \
		.size = sizeof(item), .key = (key_size) \
	}

/* The item's number; it is kept as it is if there was none with its key. Or -ENOMEM. */
int64_t intern_put(struct intern *intern, const void *item);
/* The number of the item with that key, or -ENOENT. */
int64_t intern_find(const struct intern *intern, const void *key);
/* Borrowed until the next intern_put(). */
void *intern_at(const struct intern *intern, uint32_t number);
void intern_done(struct intern *intern);

/* The same of texts, of any bytes. */
struct texts {
	struct text *text; /* owned */
	char *bytes;	   /* owned; each ends with a zero byte that is not counted */
	size_t used, bytes_room;
	uint32_t count, room;
	uint32_t *slot;
	uint32_t slots;
};

int64_t texts_put(struct texts *texts, const char *text, size_t len);
/* The same for who keeps the number: 0 or -ENOMEM. */
int texts_keep(struct texts *texts, const char *text, size_t len, uint32_t *ret);
/* Borrowed until the next texts_put(). ret_len: may be NULL. */
const char *texts_at(const struct texts *texts, uint32_t number, size_t *ret_len);
void texts_done(struct texts *texts);

#endif
