// SPDX-License-Identifier: ISC
// What dlerror() is about to tell outlives a program's first new and delete.
#include <dlfcn.h>
#include <string>

#include "heap_look.h"

int main()
{
	void *library = dlopen("/nowhere/libheap_nobody.so", RTLD_NOW);
	std::string text(100, 'x');
	const char *error;

	HEAP_CHECK(!library && text.size() == 100);
	delete static_cast<int *>(heap_use(new int));
	error = dlerror();
	HEAP_CHECK(error && strstr(error, "/nowhere/libheap_nobody.so"));
	return heap_ok();
}
