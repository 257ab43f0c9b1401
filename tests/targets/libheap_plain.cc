// SPDX-License-Identifier: ISC
// A library in C++ without operators of its own, and without anything to do when it is loaded.
#include <string>

extern "C" int libheap_plain_works();

int libheap_plain_works()
{
	std::string text(100, 'x');
	char *volatile p = new char[10];
	int *volatile q = new int(1);

	text += text;
	delete[] p;
	delete q;
	return text.size() == 200;
}
