#!/bin/bash
# SPDX-License-Identifier: ISC
# timeout: 120
# Each fuzzer reads its seeds, and for a moment what it makes of them; `make fuzz` does so for longer.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

# It stops in the second after that: all together take less than 30 s.
SECONDS_EACH=1

# inputs: how many the last one was given
inputs() {
	sed -n 's/^Done \([0-9]*\) runs.*/\1/p' <<<"$err"
}

fuzzers=("$SRC"/tests/fuzz/fuzz_*.c)
[ -x "$SRC/build/tests/fuzz/$(basename "${fuzzers[0]}" .c)" ] ||
	skip_all "the fuzzers are not built: there is no clang with its fuzzer and sanitizers"
for source in "${fuzzers[@]}"; do
	name=$(basename "$source" .c)
	seeds=$SRC/tests/fuzz/$name.seeds
	# What it finds goes to the first folder.
	mkdir "$name"
	run nice "$SRC/build/tests/fuzz/$name" -max_total_time=$SECONDS_EACH -timeout=20 \
		-artifact_prefix="$TMP/" "$name" "$seeds"
	# The input is at the end, as base64.
	is "$name: no input is misread" "$status" 0 || tail -n 50 "$TMP/err" >&2
	ok "$name: it was given more than its seeds" \
		[ "$(inputs)" -gt "$(find "$seeds" -type f | wc -l)" ]
done
