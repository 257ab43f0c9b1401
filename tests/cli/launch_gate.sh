#!/bin/bash
# SPDX-License-Identifier: ISC
# -fail-above: a peak that is too large is a failure, and nothing else changes.
# vm: yes
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

line='^mstat: the peak of [0-9.]+ MiB is above 16\.0 MiB \(-fail-above\)$'
large=("$TARGETS/collect_hold" 64 300 0)
exits "below" 0 mstat -q -fail-above 1GiB -o run.mstat -- "${large[@]}"
is "nothing is said" "$err" ""
exits "above" 123 mstat -q -fail-above 16MiB -o run.mstat -- "${large[@]}"
like "one line says so" "$err" "$line"
ok "the record is whole" mstat-decode run.mstat
exits "the program's own failure is told first" 7 mstat -q -fail-above 16MiB -o run.mstat -- sh -c '"$@"; exit 7' - "${large[@]}"
like "beside it" "$err" "$line"
exits "the summary stands before it" 123 mstat -fail-above 16MiB -o run.mstat -- "${large[@]}"
like "as its last line" "$(tail -n 1 <<<"$err")" "$line"
exits "a size that is none" 125 mstat -fail-above much -- true
is "is told" "$err" 'mstat: -fail-above: "much" is not a size such as 512MiB'
