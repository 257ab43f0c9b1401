// SPDX-License-Identifier: ISC
// As libheap_middle.cc, which is all that it needs: it is linked as a library in C, and has C++ by way of that one.
#define middle_keeps libheap_remote_keeps
#define middle_frees libheap_remote_frees
#include "libheap_middle.cc"
