/* SPDX-License-Identifier: ISC */
/*
 * [guest] The way to the collector: connect, hello, samples; nothing here ever blocks.
 */
#ifndef MSTAT_PRELOAD_LINK_H
#define MSTAT_PRELOAD_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/page.h"
#include "core/record.h"
#include "core/wire.h"
#include "preload/sampler.h"

struct link {
	int fd;		   /* owned socket; -1: the collector is gone, and was to come back */
	int page;	   /* owned descriptor of the collector's page, -1 until it came */
	uint32_t room;	   /* bytes for unread messages, from when it has come */
	uint64_t sent;	   /* samples */
	uint64_t dropped;  /* since the last one that was sent */
	uint64_t others;   /* messages that are no samples: how many were sent */
	uint64_t retry_ns; /* fd is -1: when to look for it again, by our CLOCK_MONOTONIC */
	uint64_t pause_ns; /* between two looks */
	bool is_fresh; /* it knows nothing but our samples: for who tells it more, and then clears this */
	struct record last; /* what the collector knows */
	uint8_t message[2048];
};

/*
 * Connects to the path or its abstract twin, and says hello. A listener whose uid is neither 0 nor
 * ours is refused. Returns 0 or a negative errno: -EAGAIN where it has too many callers just now.
 */
int link_open(struct link *link, const struct sampler_config *config);

/* Whether an error of link_send() means that the collector is gone. */
bool link_is_gone(int error);

/* Hangs up: what is sent is counted as dropped until link_return() has found a collector again. */
void link_leave(struct link *link, uint64_t now_ns);

/* Looks for a collector, rarer each time; does nothing before the next look is due, or where one is there. */
void link_return(struct link *link, const struct sampler_config *config, uint64_t now_ns);

/*
 * Sends a record, or counts it as dropped where the socket is full. Returns 0, or a negative errno
 * where the collector is gone.
 */
int link_send(struct link *link, struct record *now);

/* Sends a message that is no sample. Returns 0, -EAGAIN where there is no room for it now, or as link_send(). */
int link_send_raw(struct link *link, const void *message, size_t len);

/* Bytes of ours that the collector has not read yet; they are charged to the target. */
uint64_t link_unread(const struct link *link);

/* What the collector's page says now; all 0 until it has come. */
struct page link_page(struct link *link);

#endif
