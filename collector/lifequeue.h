/* SPDX-License-Identifier: ISC */
/*
 * A bounded first-in first-out queue of life events, packed: an exit record takes what the kernel's
 * struct is long. No locks: its owner has one.
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

/* Frees what it holds; it may be pushed to again. */
void lifequeue_done(struct lifequeue *queue);

#endif
