#!/bin/bash
# SPDX-License-Identifier: ISC
# mstat(5) tells of the run file what core/FORMAT.md does, which the unit tests hold against the code.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

manual=$SRC/man/mstat.5
format=$SRC/core/FORMAT.md

# rows HEAD: of the format's table that begins so, the first two cells of each row
rows() {
	awk -F' *[|] *' -v head="$1" '
		index($0, head) == 1 { on = 1; getline; next }
		on && !/^[|]/ { exit }
		on { gsub(/`/, ""); print $2, $3 }' "$format"
}
# items TITLE: of the manual's part of that title, what its list is of
items() { sed -n "/^\.Ss $1\$/,/^\.S[sh] /s/^\.It \(Cm \)\?//p" "$manual"; }

is "all kinds of sections" "$(items Sections)" "$(rows '| Kind | Name | Where |')"
is "all items of the header" "$(items 'Items of the header')" "$(rows '| Name | Value |' | cut -d ' ' -f 1)"
is "all reasons" "$(items 'Ticks and values')" "$(rows '| Number | Name | |')"
is "all events" "$(items Events)" "$(rows '| Kind | Name | Number and text |')"
ok "there are some" test "$(items Events | wc -l)" -ge 8
is "the version" "$(sed -n 's/^The version of the format is \([0-9]*\)\.$/\1/p' "$manual")" \
	"$(sed -n 's/^Run file version: \([0-9]*\)\.$/\1/p' "$format")"
run mstat-decode -what nothing
like "all tables" "$err" "\\($(sed -n 's/^\.Cm \(ticks , .*\) ) ,$/\1/p' "$manual" | sed 's/ , /, /g')\\)"

# What it says of a file.
exits "a run" 0 mstat -q -o run.mstat sleep 0.1
is "its mode" "$(stat -c %a run.mstat)" 600
ok "zstd checks it" zstd -tq run.mstat
ok "and gives its blocks" test "$(zstd -dcq run.mstat | wc -c)" -gt 0
for what in summary events samples; do ok "an example: -what $what" mstat-decode -what "$what" run.mstat; done
