/* SPDX-License-Identifier: ISC */
/*
 * The collector's page: all that it tells a sampler. A memfd of this struct is sent once, by
 * SCM_RIGHTS, when a sampler has connected; the sampler reads it with pread() when it must know.
 */
#ifndef MSTAT_CORE_PAGE_H
#define MSTAT_CORE_PAGE_H

#include <stdint.h>

enum page_flag {
	PAGE_RETURNS =
		1, /* where the collector ends another one will be there, at the same place */
};

struct page {
	uint32_t live;	/* processes that are sampled now; they share the budgets */
	uint32_t cpus;	/* of the host */
	uint32_t flags; /* enum page_flag */
	/* Which run file is written: another one knows nothing of what was told once, for the one before. */
	uint32_t file;
};

#endif
