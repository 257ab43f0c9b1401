/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/intern.h"

#define SLOTS_MIN 64
#define BYTES_MIN 4096

struct text {
	size_t at;
	uint32_t len;
	uint32_t hash;
};

/* Whoever made the file shall not choose what falls together: not cheaply, at least. */
static uint32_t hash_bytes(const void *src, size_t len)
{
	static uint64_t seed;
	const uint8_t *p = src;
	uint64_t hash;

	if (!seed)
		seed = (uint64_t)(uintptr_t)&seed | 1;
	hash = seed ^ len;
	for (; len >= 8; len -= 8, p += 8) {
		uint64_t v;

		memcpy(&v, p, 8);
		hash = (hash ^ v) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 32;
	}
	for (; len; len--, p++)
		hash = (hash ^ *p) * 0x9e3779b97f4a7c15;
	return (uint32_t)(hash ^ hash >> 29 ^ hash >> 32);
}

/* Room for one more of `count`. */
static int grow(void **array, uint32_t count, uint32_t *room, size_t size)
{
	uint32_t more = *room ? *room * 2 : 16;
	void *grown;

	if (count < *room)
		return 0;
	if (count >= INTERN_MAX)
		return -ENOMEM;
	grown = reallocarray(*array, more, size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = more;
	return 0;
}

static void enter(uint32_t *slot, uint32_t slots, uint32_t hash, uint32_t number)
{
	uint32_t at = hash & (slots - 1);

	while (slot[at])
		at = (at + 1) & (slots - 1);
	slot[at] = number + 1;
}

static const uint8_t *item_at(const struct intern *intern, uint32_t number)
{
	return intern->item + (size_t)number * intern->size;
}

/* No more than two of three slots are ever taken. */
static int widen(struct intern *intern)
{
	uint32_t slots = intern->slots ? intern->slots * 2 : SLOTS_MIN;
	uint32_t *slot;

	if (intern->slots && intern->count < intern->slots / 3 * 2)
		return 0;
	slot = calloc(slots, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	for (uint32_t i = 0; i < intern->count; i++)
		enter(slot, slots, hash_bytes(item_at(intern, i), intern->key), i);
	free(intern->slot);
	intern->slot = slot;
	intern->slots = slots;
	return 0;
}

static int64_t find_hashed(const struct intern *intern, const void *key, uint32_t hash)
{
	if (!intern->slots)
		return -ENOENT;
	for (uint32_t at = hash & (intern->slots - 1); intern->slot[at];
	     at = (at + 1) & (intern->slots - 1))
		if (!memcmp(item_at(intern, intern->slot[at] - 1), key, intern->key))
			return intern->slot[at] - 1;
	return -ENOENT;
}

int64_t intern_find(const struct intern *intern, const void *key)
{
	return find_hashed(intern, key, hash_bytes(key, intern->key));
}

int64_t intern_put(struct intern *intern, const void *item)
{
	uint32_t hash = hash_bytes(item, intern->key);
	int64_t number = find_hashed(intern, item, hash);

	if (number >= 0)
		return number;
	if (grow((void **)&intern->item, intern->count, &intern->room, intern->size) < 0 ||
	    widen(intern) < 0)
		return -ENOMEM;
	memcpy(intern->item + (size_t)intern->count * intern->size, item, intern->size);
	enter(intern->slot, intern->slots, hash, intern->count);
	return intern->count++;
}

void *intern_at(const struct intern *intern, uint32_t number)
{
	return intern->item + (size_t)number * intern->size;
}

void intern_done(struct intern *intern)
{
	free(intern->item);
	free(intern->slot);
	intern->item = NULL;
	intern->slot = NULL;
	intern->count = intern->room = intern->slots = 0;
}

static int widen_texts(struct texts *texts)
{
	uint32_t slots = texts->slots ? texts->slots * 2 : SLOTS_MIN;
	uint32_t *slot;

	if (texts->slots && texts->count < texts->slots / 3 * 2)
		return 0;
	slot = calloc(slots, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	for (uint32_t i = 0; i < texts->count; i++)
		enter(slot, slots, texts->text[i].hash, i);
	free(texts->slot);
	texts->slot = slot;
	texts->slots = slots;
	return 0;
}

static int keep_bytes(struct texts *texts, const char *text, size_t len)
{
	size_t room = texts->bytes_room ? texts->bytes_room : BYTES_MIN;
	char *bytes;

	while (room - texts->used <= len)
		room *= 2;
	if (room != texts->bytes_room) {
		bytes = realloc(texts->bytes, room);
		if (!bytes)
			return -ENOMEM;
		texts->bytes = bytes;
		texts->bytes_room = room;
	}
	if (len)
		memcpy(texts->bytes + texts->used, text, len);
	texts->bytes[texts->used + len] = 0;
	return 0;
}

int64_t texts_put(struct texts *texts, const char *text, size_t len)
{
	uint32_t hash = hash_bytes(text, len);
	struct text *new;

	if (len >= UINT32_MAX)
		return -ENOMEM;
	for (uint32_t at = texts->slots ? hash & (texts->slots - 1) : 0;
	     texts->slots && texts->slot[at]; at = (at + 1) & (texts->slots - 1)) {
		const struct text *known = &texts->text[texts->slot[at] - 1];

		if (known->hash == hash && known->len == len &&
		    !memcmp(texts->bytes + known->at, text, len))
			return texts->slot[at] - 1;
	}
	if (grow((void **)&texts->text, texts->count, &texts->room, sizeof(*texts->text)) < 0 ||
	    widen_texts(texts) < 0 || keep_bytes(texts, text, len) < 0)
		return -ENOMEM;
	new = &texts->text[texts->count];
	*new = (struct text){.at = texts->used, .len = (uint32_t)len, .hash = hash};
	texts->used += len + 1;
	enter(texts->slot, texts->slots, hash, texts->count);
	return texts->count++;
}

int texts_keep(struct texts *texts, const char *text, size_t len, uint32_t *ret)
{
	int64_t number = texts_put(texts, text, len);

	*ret = number < 0 ? 0 : (uint32_t)number;
	return number < 0 ? -ENOMEM : 0;
}

const char *texts_at(const struct texts *texts, uint32_t number, size_t *ret_len)
{
	if (ret_len)
		*ret_len = texts->text[number].len;
	return texts->bytes + texts->text[number].at;
}

void texts_done(struct texts *texts)
{
	free(texts->text);
	free(texts->bytes);
	free(texts->slot);
	*texts = (struct texts){0};
}
