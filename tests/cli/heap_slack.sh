#!/bin/bash
# SPDX-License-Identifier: ISC
# Whether it is a leak or fragmentation: what the allocator keeps is told apart from what the program holds, and from
# stacks, where smaps_rollup is not read, as in large processes.
# shellcheck source=tests/cli/heap_lib disable=SC2154,SC2016
. "$(dirname "$0")/heap_lib"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

parts() {
	mstat-decode -what samples run.mstat 2>/dev/null | column heap_live_bytes heap_slack_bytes heap_stacks_bytes heap_rest_bytes rss_anon_bytes |
		tail -n 1
}
# A look after all has come to rest.
rests() { read -r live slack stacks rest anon < <(parts) && [ "${stacks:-0}" -ge $((3 << 20)) ]; }
touch go
start mstat -q -freq 50 -pss-stall 0 -heap -heap-interval 1KiB -o run.mstat -- "$TARGETS/heap_holes" go
ok "what memory is for is told, without a walk" wait_for 30 rests
rm go
wait "$started"
is "the program ends as ever" "$? $(<started.out)" "0 ok"
freed=75000000 kept=25000000
ok "live is what was kept: $live of $kept" test "$live" -ge $((kept * 97 / 100)) -a "$live" -le $((kept * 103 / 100))
ok "slack is what was freed: $slack of $freed, and the allocator's own" \
	test "$slack" -ge $((freed * 97 / 100)) -a "$slack" -le $((freed * 106 / 100))
ok "stacks: $stacks" test "$stacks" -le $(((3 << 20) + 262144))
ok "little else, with tables of a sample for each KiB: $rest" test "$rest" -ge -262144 -a "$rest" -le $((10 << 20))
is "they add up" $((live + slack + stacks + rest)) "$anon"

# Where the kernel does not say which pages are there, nothing is made up.
run "$TARGETS/guest_filter" harmless true
if [ "$status" = 0 ]; then
	touch go
	start "$TARGETS/guest_filter" blind mstat -q -freq 50 -heap -heap-interval 1KiB -o run.mstat -- "$TARGETS/heap_holes" go
	keeps() { [ "$(parts | cut -f 1)" -gt 20000000 ]; }
	ok "a filter refuses mincore(): what is live is told" wait_for 30 keeps
	rm go
	wait "$started"
	is "the program ends as ever" "$? $(<started.out)" "0 ok"
	is "slack and stacks are not" "$(mstat-decode -what samples run.mstat | column heap_slack_bytes heap_stacks_bytes heap_rest_bytes | sort -u)" $'\t\t'
else
	skip "a filter refuses mincore()" "no seccomp filter can be installed"
fi
