#!/bin/bash
# SPDX-License-Identifier: ISC
# A parallel make of a real source tree: this one, in a copy.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

mkdir tree
cp -r "$SRC"/{Makefile,core,collector,preload,tools,.ci} tree/
build() { rm -rf tree/build && run "$@" make -C tree -j 4 -s build/libcore.a build/libcollector.a; }
build env
is "without mstat it is built" "$status" 0
plain=$out
objects() { find tree/build -name '*.[oa]' | sort | xargs sha256sum; }
want=$(objects)
build mstat -q -freq 59 -o make.mstat --
is "under mstat it is built, too" "$status" 0
is "with the same output" "$(sort <<<"$out")" "$(sort <<<"$plain")"
is "the same objects" "$(objects)" "$want"
mstat-decode -what processes make.mstat >processes.tsv
sources=$(find tree/core/ tree/collector/ -name '*.c' ! -path '*/tables/*' | wc -l)
is "each compiler was seen" "$(column comm argv <processes.tsv | awk -F '\t' '$1 == "cc1" { print $2 }' | grep -o '[a-z_]*/[a-z_]*\.c ' | sort -u | wc -l)" "$sources"
ok "and make itself" grep -q $'\tmake\t' processes.tsv
is "all have ended" "$(column ended <processes.tsv | sort -u)" 1
is "every parent is known" "$(column pid ppid <processes.tsv | awk -F '\t' '
	{ pid[$1] = 1; parent[$2]++ } END { for (p in parent) if (!(p in pid)) n++; print n + 0 }')" 1
is "nobody was refused, nothing dropped" "$(losses make.mstat)" "0 0"
ok "several ran at once" test "$(mstat-decode make.mstat | column processes | most)" -ge 4
if exact=$(summary make.mstat peak_exact_bytes) && [ -n "$exact" ]; then
	within "the sampled peak is near the exact one" "$(summary make.mstat peak_sampled_bytes)" "$exact" 40
fi
