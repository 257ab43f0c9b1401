// SPDX-License-Identifier: ISC
// As libheap_header.cc, linked for addresses that no program has: it is always loaded below them.
#define HEADER_MARK  0x3333
#define header_keeps libheap_biased_keeps
#define header_works libheap_biased_works
#define HEADER_FIRST true
#include "libheap_header.cc"
