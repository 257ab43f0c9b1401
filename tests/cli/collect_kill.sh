#!/bin/bash
# SPDX-License-Identifier: ISC
# Nothing that was sent is lost, whatever is killed: each sample lies in the kernel before the next is
# taken, and the collector reads also what the dead have left.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

n=100
run mstat -q -freq 1000 -preload "$TARGETS/libmstat-counted.so" -o kill.mstat -- "$TARGETS/collect_kill" 1000 $n
is "$n sampled processes are killed at random times" "$status $(wc -l <<<"$out")" "0 $n"
sent=$out
mstat-decode -what samples kill.mstat | column process pid notes >received
compared=$(awk -f "$SRC/tests/cli/collect_kill.awk" received - <<<"$sent")
# A kill may come after a sample is sent, and before its sampler has counted it: one more.
like "of each, what its sampler had sent is in the record" "$compared" "^$n kills .* 0 otherwise$"
late=$(sed -n 's/.* from outside \([0-9]*\) times.*/\1/p' <<<"$compared")
ok "but of those ($late) that were looked at from outside before" test "$late" -le $((n / 5))
ok "the samples were some" test "$(awk '$2 >= 3' <<<"$sent" | wc -l)" -ge $((n * 9 / 10))
is "none was refused" "$(summary kill.mstat peers_refused)" 0
