/* SPDX-License-Identifier: ISC */
/* runtime.MemStats, printed as Go's own programs do. */
#ifndef MSTAT_TOOLS_GOMEMSTATS_H
#define MSTAT_TOOLS_GOMEMSTATS_H

#include <stdint.h>
#include <stdio.h>

#include "collector/runtimes/go/memstats.h"

/*
 * The block that begins with "# runtime.MemStats" in net/http/pprof's heap?debug=1 (runtime/pprof/pprof.go).
 * max_rss: bytes; 0: not known, and not printed.
 */
void gomemstats_print(FILE *out, const struct go_memstats *stats, uint64_t max_rss);

/* What encoding/json makes of a runtime.MemStats: one object; BySize is null where it is not known. */
void gomemstats_print_json(FILE *out, const struct go_memstats *stats);

#endif
