// SPDX-License-Identifier: ISC
// A program of C++ that does much with nodes and strings: maps of them that grow, shrink and are copied.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? std::atoi(argv[1]) : 20;
	std::map<std::string, std::vector<std::string>> all;
	uint64_t state = 88172645463325252ull;
	std::size_t sum = 0;

	for (unsigned i = 0; i < rounds * 20000; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		std::string key = "a key that is not short: " + std::to_string(state % 30000);
		std::vector<std::string> &values = all[key];
		values.push_back("value " + std::to_string(state) + " of " + key);
		if (values.size() > 8)
			all.erase(key);
		if (i % 20000 == 0) {
			auto copy = all;
			sum += copy.size();
		}
	}
	return sum == 0;
}
