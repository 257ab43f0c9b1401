#!/bin/bash
# SPDX-License-Identifier: ISC
# Real programs do the same with mstat as without: a few cases of the compatibility suite. And the
# suite itself: what differs is found, what varies by itself is not held against mstat.
# timeout: 300
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

# ---- the suite itself ----------------------------------------------------------------------------

mkdir programs
# shellcheck disable=SC2016
printf '%s\n' '# known: expected' 'compat_version() { echo "sample 1"; }' \
	'compat_setup() { echo ready >made; }' \
	'compat_cases() {' \
	'	local n' \
	'	n=$(cat "$COMPAT_CACHE/n" 2>/dev/null || echo 0); echo $((n + 1)) >"$COMPAT_CACHE/n"' \
	'	case_is made "$(cat "$COMPAT_SETUP/made")"' \
	'	case_is preload "${LD_PRELOAD:+there is one}"' \
	'	case_is expected "${LD_PRELOAD:+there is one}"' \
	'	case_of output bash -c "echo said; exit 3"' \
	'	case_is flaky $((n == 0))' \
	'	case_is counted $n' \
	'	[ "${LD_PRELOAD:-}" ] || case_is missing here' \
	'	case_is empty "$(ls -A | wc -l)"; touch left' \
	'}' >programs/sample.sh
printf '%s\n' '# packages: no-such-package-as-this' 'compat_cases() { case_is a b; }' >programs/absent.sh
printf '%s\n' 'compat_setup() { echo "not today"; return 77; }' 'compat_cases() { case_is a b; }' >programs/refused.sh
exits "a difference fails the suite" 1 "$SRC/tests/compat/run" -from programs -out found
is "the cases are judged" "$(cut -f 1,2 found/sample/verdicts.tsv | sort | tr '\t\n' ' ,')" \
	"difference missing,difference preload,flaky flaky,known expected,same (all of it),same empty,same made,same output,varies counted,"
like "differences are shown" "$(<found/sample/differences.txt)" $'difference: preload\n  without: . x \n  with:    . x there is one'
like "the row of the table" "$(<found/table.md)" '\| sample \| sample 1 \| 9 \| 2 \| 1 \| 2 \| [0-9]+ / 0 / [0-9]+ \| [0-9.]+ \([0-9.]+\) \|'
like "packages that are not there" "$(<found/table.md)" '\| absent \| - \| skipped: not installed: no-such-package-as-this \|'
like "a set-up that refuses" "$(<found/table.md)" '\| refused \| - \| skipped: not today \|'

# ---- real programs -------------------------------------------------------------------------------

run "$SRC/tests/compat/run" -quick -out quick
[ "$status" = 0 ] || sed 's/^/# /' "$TMP/out" "$TMP/err"
programs=(quick/*/row.tsv)
ok "there are some" test -f "${programs[0]}"
for file in "${programs[@]}"; do
	name=${file#quick/} name=${name%/row.tsv}
	mapfile -t -d $'\t' row <"$file"
	if [[ ${row[2]:-} == skipped:* ]]; then
		skip "$name" "${row[2]}"
	else
		is "$name: no differences in ${row[2]} cases" "${row[3]:-none counted}" 0
	fi
done
