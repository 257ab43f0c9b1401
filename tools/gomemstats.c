/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdlib.h>

#include "tools/gomemstats.h"

/* MemStats.BySize is an array of that; of the classes beyond it tells nothing. */
#define BY_SIZE 61

/* The shortest number that is read back as the same, as strconv's -1 does. */
static const char *shortest(double value, char *text, size_t size)
{
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, size, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return text;
}

static void put_list(FILE *out, const uint64_t *list, const char *between)
{
	for (size_t i = 0; i < GO_PAUSES; i++)
		fprintf(out, "%s%" PRIu64, i ? between : "", list[i]);
}

static void put_line(FILE *out, const char *name, uint64_t value)
{
	fprintf(out, "# %s = %" PRIu64 "\n", name, value);
}

static void put_pair(FILE *out, const char *name, uint64_t inuse, uint64_t sys)
{
	fprintf(out, "# %s = %" PRIu64 " / %" PRIu64 "\n", name, inuse, sys);
}

void gomemstats_print(FILE *out, const struct go_memstats *s, uint64_t max_rss)
{
	char fraction[32];

	fprintf(out, "# runtime.MemStats\n");
	put_line(out, "Alloc", s->alloc);
	put_line(out, "TotalAlloc", s->total_alloc);
	put_line(out, "Sys", s->sys);
	put_line(out, "Lookups", s->lookups);
	put_line(out, "Mallocs", s->mallocs);
	put_line(out, "Frees", s->frees);
	put_line(out, "HeapAlloc", s->heap_alloc);
	put_line(out, "HeapSys", s->heap_sys);
	put_line(out, "HeapIdle", s->heap_idle);
	put_line(out, "HeapInuse", s->heap_inuse);
	put_line(out, "HeapReleased", s->heap_released);
	put_line(out, "HeapObjects", s->heap_objects);
	put_pair(out, "Stack", s->stack_inuse, s->stack_sys);
	put_pair(out, "MSpan", s->mspan_inuse, s->mspan_sys);
	put_pair(out, "MCache", s->mcache_inuse, s->mcache_sys);
	put_line(out, "BuckHashSys", s->buckhash_sys);
	put_line(out, "GCSys", s->gc_sys);
	put_line(out, "OtherSys", s->other_sys);
	put_line(out, "NextGC", s->next_gc);
	put_line(out, "LastGC", s->last_gc);
	fputs("# PauseNs = [", out);
	put_list(out, s->pause_ns, " ");
	fputs("]\n# PauseEnd = [", out);
	put_list(out, s->pause_end, " ");
	fputs("]\n", out);
	put_line(out, "NumGC", s->num_gc);
	put_line(out, "NumForcedGC", s->num_forced_gc);
	fprintf(out, "# GCCPUFraction = %s\n",
		shortest(s->gc_cpu_fraction, fraction, sizeof(fraction)));
	fprintf(out, "# DebugGC = false\n");
	if (max_rss)
		put_line(out, "MaxRSS", max_rss);
}

static void put_by_size(FILE *out, const struct go_memstats *s)
{
	if (s->by_size_count == 0) {
		fputs("null", out);
		return;
	}
	fputs("[", out);
	for (size_t i = 0; i < s->by_size_count && i < BY_SIZE; i++)
		fprintf(out,
			"%s{\"Size\":%" PRIu64 ",\"Mallocs\":%" PRIu64 ",\"Frees\":%" PRIu64 "}",
			i ? "," : "", s->by_size[i].size, s->by_size[i].mallocs,
			s->by_size[i].frees);
	fputs("]", out);
}

void gomemstats_print_json(FILE *out, const struct go_memstats *s)
{
	char fraction[32];

	fputs("{", out);
#define PUT(member, text) fprintf(out, "\"" text "\":%" PRIu64 ",", s->member);
	GO_MEMSTATS_LIST(PUT)
#undef PUT
	fputs("\"PauseNs\":[", out);
	put_list(out, s->pause_ns, ",");
	fputs("],\"PauseEnd\":[", out);
	put_list(out, s->pause_end, ",");
	fprintf(out, "],\"NumGC\":%" PRIu32 ",\"NumForcedGC\":%" PRIu32 ",\"GCCPUFraction\":%s",
		s->num_gc, s->num_forced_gc,
		shortest(s->gc_cpu_fraction, fraction, sizeof(fraction)));
	fputs(",\"EnableGC\":true,\"DebugGC\":false,\"BySize\":", out);
	put_by_size(out, s);
	fputs("}\n", out);
}
