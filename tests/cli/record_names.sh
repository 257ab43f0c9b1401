#!/bin/bash
# SPDX-License-Identifier: ISC
# What stands beside what in a record: samples and the program that they were taken in, the tree's sums
# and the cgroup of the same tick, what is older than a file and the program that could not be run.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016,SC2094
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

hold=$TARGETS/record_exec
cp "$hold" first
ok "a program that becomes another one" mstat -q -freq 100 -o exec.mstat -- ./first 30 300 sleep 0.3
mstat-decode -what samples exec.mstat | column comm rss_anon_bytes >samples
is "what it held is told under its own name" "$(awk -F'\t' '$2 > 30e6 { print $1 }' samples | sort -u)" first
is "and what came after under the other's" "$(tail -n 1 samples | cut -f 1)" sleep
like "the exec has the new name" "$(mstat-decode -what events exec.mstat)" $'\texec\t[^\n]*\tsleep, inside'
is "one process" "$(mstat-decode -what processes exec.mstat | column id | wc -l)" 1

# Freed just before the end, after the last tick: the last sample must not stand beside that tick's
# cgroup. At 4 Hz ticks are 250 ms apart.
ok "a program that frees all and ends" mstat -q -freq 4 -o free.mstat -- "$hold" 50 1100
mstat-decode free.mstat | column anon_bytes sum_rss_anon_bytes processes >rows
if has_cgroup <(mstat -v -q -o none.mstat -- true 2>&1); then
	is "the tree's sums are of the same instants as its cgroup" \
		"$(awk -F'\t' '$2 > 40e6 { seen = 1 } seen && $3 > 0 && $1 > 40e6 && $2 < 40e6' rows)" ""
else
	skip "the tree's sums are of the same instants as its cgroup" "no cgroup can be made here"
fi
ok "the sums have seen it" awk -F'\t' '$2 > 50e6 { seen = 1 } END { exit !seen }' rows

# It waits for a millisecond at most: where the sampler gets no CPU then, there is none. A sample so
# late after its tick is no other one; after a sample on a tick it would be an easy one.
tells_last() {
	for _ in {1..40}; do
		KEEP=1 mstat -q -freq 1 -o large.mstat -- "$hold" 600 100
		mstat-decode -what samples large.mstat | column hwm_bytes late_ns >last
		awk -F'\t' '$1 > 600e6 && $2 > 100e6 { big = 1 } END { exit !(big && NR == 1) }' last &&
			return 0
	done
	return 1
}
ok "a large program tells in its last sample what it held" tells_last

echo precious >keep.mstat
printf '#!/no/such/interpreter\n' >bad && chmod +x bad
exits "a program that cannot be run" 126 mstat -q -o keep.mstat -- ./bad
is "leaves an older file alone" "$(cat keep.mstat)" precious
cp /bin/true own
exits "a program as its own record" 126 mstat -q -o own -- ./own
ok "is not overwritten" cmp -s own /bin/true
cp /bin/true foreign && printf '\xb7' | dd of=foreign bs=1 seek=18 conv=notrunc status=none
exits "a program of another machine is not run as a script" 126 mstat -q -o foreign.mstat -- ./foreign
# shellcheck disable=SC2016
printf 'echo "script $1"\n' >script && chmod +x script
exits "a text without #! is" 0 mstat -q -o script.mstat -- ./script word
is "... by sh, with its arguments" "$out" "script word"
