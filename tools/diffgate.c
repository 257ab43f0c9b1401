/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>

#include "tools/diffgate.h"
#include "tools/diffview.h"

static bool is_any_cut(const struct diffsides *sides)
{
	for (size_t i = 0; i < sides->count; i++)
		if (sides->run[i].is_cut)
			return true;
	return false;
}

static double bytes_above(const struct diffgate *gate, const struct diffstats *stats)
{
	return gate->is_part ? gate->above / 100 * stats->a : gate->above;
}

static void name_limit(const struct diffgate *gate, char *buf, size_t size)
{
	if (gate->is_part)
		snprintf(buf, size, "%g%%", gate->above);
	else
		diffview_bytes(gate->above, false, false, buf, size);
}

/* How sure it is: "; 95% interval +31.0 MiB to +33.0 MiB". */
static void name_interval(const struct diffsides *sides, const struct diffstats *stats, char *buf,
			  size_t size)
{
	char low[40], high[40];

	buf[0] = '\0';
	if (sides->count == 2)
		return;
	diffview_bytes(stats->low, true, false, low, sizeof(low));
	diffview_bytes(stats->high, true, false, high, sizeof(high));
	snprintf(buf, size, "; %s %s to %s",
		 stats->is_sure ? "95% interval" : "between single runs", low, high);
}

static void tell(const struct diffgate *gate, const struct diffsides *sides, bool is_exact,
		 const struct diffstats *stats, bool is_sure, char *line, size_t size)
{
	char a[40], b[40], shift[40], part[32] = "", limit[40], interval[160];

	diffview_bytes(stats->a, false, false, a, sizeof(a));
	diffview_bytes(stats->b, false, false, b, sizeof(b));
	diffview_bytes(stats->shift, true, false, shift, sizeof(shift));
	if (stats->a > 0)
		snprintf(part, sizeof(part), " (%+.1f%%)", 100 * stats->shift / stats->a);
	name_limit(gate, limit, sizeof(limit));
	name_interval(sides, stats, interval, sizeof(interval));
	snprintf(line, size, "the %s has risen from %s to %s: %s%s%s, above %s (-fail-above)%s",
		 is_exact ? "peak" : "sampled peak", a, b, shift, part, interval, limit,
		 is_sure ? ""
			 : "; but this may be noise, so it is no failure: more runs would tell");
}

int diffgate_judge(const struct diffgate *gate, const struct diffsides *sides,
		   enum diffgate_verdict *ret, char *line, size_t size)
{
	bool is_exact = diffmatch_is_like(sides, DIFFRUN_EXACT);
	struct diffstats stats;
	int err;

	line[0] = '\0';
	*ret = DIFFGATE_CUT;
	if (is_any_cut(sides)) {
		snprintf(line, size, "-fail-above: not judged, as a run is not whole");
		return 0;
	}
	*ret = DIFFGATE_UNLIKE;
	if (!is_exact && !diffmatch_is_like(sides, DIFFRUN_SAMPLED)) {
		snprintf(line, size,
			 "-fail-above: not judged, as there is no peak that all runs have and that "
			 "means the same");
		return 0;
	}
	err = diffmatch_compare_value(sides, is_exact ? DIFFRUN_EXACT : DIFFRUN_SAMPLED, &stats);
	if (err < 0)
		return err;
	*ret = DIFFGATE_PASSED;
	if (stats.shift <= bytes_above(gate, &stats))
		return 0;
	*ret = stats.low > 0 ? DIFFGATE_ABOVE : DIFFGATE_UNSURE;
	tell(gate, sides, is_exact, &stats, stats.low > 0, line, size);
	return 0;
}
