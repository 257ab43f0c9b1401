/* SPDX-License-Identifier: ISC */
/* As libheap_needed.c, to be preloaded. */
#define libheap_needed_is_well libheap_early_is_well
#include "libheap_needed.c"
