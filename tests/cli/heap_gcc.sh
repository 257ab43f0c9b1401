#!/bin/bash
# SPDX-License-Identifier: ISC
# A compiler at a large file: what it holds at its peak, by the names of a program without debug
# information, and the same output.
# timeout: 300
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

command -v g++ >/dev/null || skip_all "no g++"
compiler=$(g++ -print-prog-name=cc1plus)
[ -x "$compiler" ] || skip_all "g++ is not gcc's"

many=4
{
	cat <<'END_OF_SOURCE'
#include <map>
#include <regex>
#include <string>
#include <vector>
template <int N> struct key {
	int value;
	bool operator<(const key &other) const { return value < other.value; }
};
template <int N> size_t work(const std::string &text)
{
	std::map<key<N>, std::vector<std::string>> map;
	std::map<std::string, std::vector<key<N>>> back;
	for (char letter : text) {
		map[key<N>{letter % (N + 2)}].push_back(text);
		back[text].push_back(key<N>{letter});
	}
	return map.size() + back.size();
}
size_t all(const std::string &text)
{
	size_t sum = std::regex_match(text, std::regex("[a-z]+(1|2)*"));
END_OF_SOURCE
	for ((i = 0; i < many; i++)); do echo "	sum += work<$i>(text);"; done
	printf '%s\n' '	return sum;' '}'
} >large.cc

ok "the compiler works" g++ -O0 -c -o alone.o large.cc
ok "under mstat as well" mstat -q -freq 50 -heap -o run.mstat -- g++ -O0 -c -o large.o large.cc
is "... and says nothing" "$out$err" ""
ok "... its output is the same" cmp alone.o large.o

exits "the profile of the peak" 0 mstat-decode -what heap run.mstat
like "... its first line" "$out" "^heap at the tree's peak, [0-9.]+ s: [0-9]+ process(es)?; live "
is "... is of what could be seen" "$err" ""
mstat-decode -what heap -format folded -o folded run.mstat
sum() { awk -v of="$1" '{ bytes = $NF; sub(/;.*/, "") } of == "" || $0 == of { n += bytes } END { printf "%.0f", n }' folded; }
within "... is nearly all the compiler's" "$(sum cc1plus)" "$(sum '')" 5
anon=$(mstat-decode -what ticks run.mstat | column time sum_rss_anon_bytes |
	awk -v at="$(summary run.mstat peak_time_ns)" '$1 <= at { anon = $2 } END { print anon }')
ok "... it is large: $anon of anonymous memory" test "$anon" -gt $((150 << 20))
# Not held by malloc() nor mmap(): data, stacks, what malloc() keeps of what was freed.
ok "... it explains most of that, and no more: $(sum '')" awk -v got="$(sum '')" -v anon="$anon" 'BEGIN {
	exit !(got > 0.75 * anon && got < 1.1 * anon) }'

# A compiler that knows plugins exports what they may call; static functions have no names.
if nm -D --defined-only "$compiler" 2>/dev/null | grep -q ggc_internal_alloc; then
	tr ';' '\n' <folded | sed 's/ [0-9]*$//' | sort -u >names
	for name in toplev::main ggc_internal_alloc instantiate_decl xmalloc; do
		ok "... $name is named" grep -qx "$name" names
	done
	is "... below toplev::main is nearly all" "$(awk '/;toplev::main;/ { in_it += $NF } { all += $NF }
		END { print (in_it > all * 0.9) ? "yes" : "no" }' folded)" yes
else
	skip "... its functions are named" "it exports no symbols"
fi
ok "... others by their offset" grep -qE '^cc1plus;.*;cc1plus\+0x[0-9a-f]+' folded
ok "... libc's are named" grep -q '^cc1plus;.*__libc_start_main' folded
