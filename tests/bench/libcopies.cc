// SPDX-License-Identifier: ISC
// Copies of a shared_ptr: libstdc++ counts without atomic instructions as long as glibc says that
// there is one thread.
#include <cstdint>
#include <memory>

extern "C" void copy_shared(uint64_t n)
{
	static std::shared_ptr<int> one = std::make_shared<int>(1);

	for (uint64_t i = 0; i < n; i++) {
		std::shared_ptr<int> copy = one;

		__asm__ volatile("" : : "r"(copy.get()) : "memory");
	}
}
