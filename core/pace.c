/* SPDX-License-Identifier: ISC */
#include "core/pace.h"

#define PPM	  1000000u
#define SOON_NS	  100000000u
#define PERIOD_NS 1000000000u
/* What walks leave less at most: one or two in a short period are no reason to stop. */
#define WALKS_PPM (PACE_LIMIT_PPM / 2)
/* What is aimed at, so that a tick that becomes dearer meanwhile does not lead beyond the limit; and
 * where ticks come back. */
#define AIM(ppm)  ((ppm) / 20 * 17)
#define BACK(ppm) ((ppm) / 20 * 15)

uint64_t pace_next(const struct pace *pace, uint64_t tick)
{
	uint64_t every = pace->skips + (uint64_t)1;

	return (tick / every + 1) * every;
}

static uint64_t share_ppm(uint64_t ns, uint64_t period_ns)
{
	return ns > period_ns ? PPM : ns * PPM / period_ns;
}

/*
 * With such a share of a CPU at one of so many ticks, how many are to be left out. At most twice as many
 * or half as many at a time: a virtual machine that is not run for 20 ms counts them as CPU time.
 */
static uint32_t skips_for(uint32_t skips, uint64_t share, uint64_t limit)
{
	uint64_t every = skips + (uint64_t)1;
	uint64_t needed = (share * every + AIM(limit) - 1) / AIM(limit);

	if (share > AIM(limit))
		return (uint32_t)(needed < 2 * every ? needed : 2 * every) - 1;
	if (skips && share * every / skips < BACK(limit))
		return (uint32_t)(needed > every / 2 ? needed : every / 2) - 1;
	return skips;
}

void pace_reckon(struct pace *pace, uint64_t now_ns, uint64_t cpu_ns, uint64_t walks_ns)
{
	uint64_t period_ns = now_ns - pace->at_ns;
	uint64_t walks, all;
	uint32_t skips = pace->skips;

	if (pace->at_ns && period_ns < SOON_NS)
		return;
	if (pace->at_ns) {
		walks = share_ppm(walks_ns - pace->walks_ns, period_ns);
		all = share_ppm(cpu_ns - pace->cpu_ns, period_ns);
		skips = skips_for(pace->skips, all > walks ? all - walks : 0,
				  PACE_LIMIT_PPM - (walks < WALKS_PPM ? walks : WALKS_PPM));
		/* Too dear is too dear at once; a second tells whether it is not any more. */
		if (skips <= pace->skips && period_ns < PERIOD_NS)
			return;
		pace->skips = skips;
	}
	pace->at_ns = now_ns;
	pace->cpu_ns = cpu_ns;
	pace->walks_ns = walks_ns;
}
