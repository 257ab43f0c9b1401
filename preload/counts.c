/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "preload/counts.h"

/*
 * Chromium and all that embeds it: the zygote, from which the sandboxed processes are forked.
 * ThreadHelpers::IsSingleThreaded() counts /proc/self/task, and without it there is no sandbox:
 * https://chromium.googlesource.com/chromium/src/+/main/sandbox/linux/services/thread_helpers.cc
 *
 * Firefox: processes that are started to be sandboxed have this in their environment.
 * https://searchfox.org/mozilla-central/source/security/sandbox/linux/Sandbox.cpp (IsSingleThreaded)
 */
bool counts_always(char *const *argv)
{
	for (int i = 1; argv && argv[0] && argv[i]; i++)
		if (!strcmp(argv[i], "--type=zygote"))
			return true;
	return getenv("MOZ_SANDBOXED") != NULL;
}

/*
 * Python since 3.12 warns after fork() in a process of several threads, by num_threads of
 * /proc/self/stat: https://docs.python.org/3/library/os.html#os.fork. Its version is a symbol since 3.11;
 * the loader looks it up (dlsym() takes 9 us to find that it is not there).
 */
extern const unsigned long Py_Version __attribute__((weak));

bool counts_at_fork(void)
{
	return &Py_Version && Py_Version >= 0x030c0000;
}
