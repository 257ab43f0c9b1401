/* SPDX-License-Identifier: ISC */
/*
 * A bounded first-in first-out queue of life events, packed: an exit record takes what the kernel's
 * struct is long. No locks: its owner has one. Its bytes can be handed to another process.
 */
#ifndef MSTAT_COLLECTOR_LIFEQUEUE_H
#define MSTAT_COLLECTOR_LIFEQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/lifecycle.h"

struct lifequeue {
	uint8_t *bytes; /* owned */
	size_t used;
	size_t room;
};

/* Copies the event to the queue's end; false, with the queue as it was, where it would then take more
 * than limit bytes or there is no memory. */
bool lifequeue_push(struct lifequeue *queue, const struct life_event *event, size_t limit);

/* Hands over every event in order and empties the queue. */
void lifequeue_take(struct lifequeue *queue,
		    void (*on_event)(void *arg, const struct life_event *event), void *arg);

/*
 * The queue's bytes, for a process that was compiled with the same structs: of whole events, as many as
 * fit into max bytes, from the byte at on, which stands where an event begins. 0: that is all, or the
 * next one does not fit.
 */
size_t lifequeue_part(const struct lifequeue *queue, size_t at, size_t max, const uint8_t **ret);

/* Hands over the events of such bytes, which are foreign. Returns 0, or -EBADMSG: of those up to there. */
int lifequeue_unpack(const uint8_t *bytes, size_t len,
		     void (*on_event)(void *arg, const struct life_event *event), void *arg);

/* Frees what it holds; it may be pushed to again. */
void lifequeue_done(struct lifequeue *queue);

#endif
