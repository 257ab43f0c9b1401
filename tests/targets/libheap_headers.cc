// SPDX-License-Identifier: ISC
// As libheap_header.cc, with operators that do not know that one's blocks.
#define HEADER_MARK  0x2222
#define header_keeps libheap_headers_keeps
#define header_works libheap_headers_works
#define HEADER_FIRST false
#include "libheap_header.cc"
