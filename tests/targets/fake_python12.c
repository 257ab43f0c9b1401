/* SPDX-License-Identifier: ISC */
/* The same as of CPython 3.12, whose allocator has no symbols of its own. */
#define FAKE_PYTHON_12
#include "fake_python.c"
