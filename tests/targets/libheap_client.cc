// SPDX-License-Identifier: ISC
// As libheap_middle.cc, with the operators of libheap_header.cc, which it needs.
#define middle_keeps libheap_client_keeps
#define middle_frees libheap_client_frees
#include "libheap_middle.cc"
