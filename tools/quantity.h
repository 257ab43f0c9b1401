/* SPDX-License-Identifier: ISC */
/* Sizes, times and numbers of the command line: false where the text is none. */
#ifndef MSTAT_TOOLS_QUANTITY_H
#define MSTAT_TOOLS_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

/* A number that is neither negative nor absurd, and what follows it. */
bool quantity_decimal(const char *text, double *ret, const char **ret_rest);

/* Go's durations, of one unit: 10ms, 1.5s, 250us, 2h, 0; and days: 7d. No minutes: 10m is too near 10ms. */
bool quantity_duration(const char *text, uint64_t *ret_ns);

/* How long after a beginning: seconds (12.5, 12.5s), also after hours and minutes (1h, 1m30s, 1h2m3.5s). */
bool quantity_instant(const char *text, uint64_t *ret_ns);

/* Bytes. The powers of 1024, as the kernel reads its own limits: 300000000, 64K, 512MiB, 1.5GB. */
bool quantity_size(const char *text, uint64_t *ret);

#endif
