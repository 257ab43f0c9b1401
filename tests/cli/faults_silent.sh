#!/bin/bash
# SPDX-License-Identifier: ISC
# Processes of whom the kernel tells no more than it can without their locks, for as long as they hold
# these: one such costs the others nothing, and is sampled by the rest.
# timeout: 300
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

hold=$TARGETS/collect_hold
order=$TMP/order
# Nobody else's, who is looked at as well.
stuck=stuck$$
cp "$TARGETS/static_collect_wait" "$stuck"
cp "$TARGETS/static_collect_wait" fine
samples() { mstat-decode -what samples "$1" 2>/dev/null; }
# told FILE COMM: argv and how of the processes of that name
told() { mstat-decode -what processes "$1" 2>/dev/null | column comm argv how | awk -F '\t' -v comm="$2" '$1 == comm { print $2 "|" $3 }' | sort -u; }
# rows FILE COMM [AFTER [BEFORE]]: "ROWS WITH-RSS WITH-PSS" at ticks in between
rows() {
	samples "$1" | column comm tick rss_bytes pss_bytes | awk -F '\t' -v comm="$2" -v from="${3-0}" -v to="${4-0}" '
		$1 == comm && $2 > from && (!to || $2 < to) { n++; rss += $3 > 0; pss += $4 > 0 }
		END { print n + 0, rss + 0, pss + 0 }'
}
newest() { samples "$1" | column tick | most; }
# at_least MIN_ROWS MIN_PSS FILE COMM [AFTER]: memory that does not change is walked twice a second
at_least() {
	local n rss pss
	read -r n rss pss < <(rows "$3" "$4" "${5-0}")
	[ "$n" -ge "$1" ] && [ "$rss" -ge "$1" ] && [ "$pss" -ge "$2" ]
}
calls() { wc -c 2>/dev/null <"$order.calls" || echo 0; }
called() { [ "$(calls)" -ge 1 ]; }
keep_silent() {
	echo "$stuck $1 $2" >order.new
	mv order.new order
}
ended() { ! kill -0 "$1" 2>/dev/null; }

# begin FILE STUCK: the shell's children are that many that are stuck, and one that is fine
begin() {
	rm -f ready "$order.calls"
	touch go
	start env FAULTS_SILENT="$order" LD_PRELOAD="$TARGETS/libfaults_silent.so" "$BIN/mstat" -freq 50 \
		-pss-budget 50% -o "$1" -- sh -c '
		for i in $(seq "$4"); do "$1/$5" 600000 true & all="$all $!"; done
		"$1/fine" 600000 true & all="$all $!"
		"$2" 1 0 0 "$1/ready" "$3"
		kill $all; exit 5' - "$TMP" "$hold" "$TMP/go" "$2" "$stuck"
	mstat=$started
	ok "$1: a run" wait_for 30 test -e ready
}
# finish FILE: it has not lost the ticks, but for those that a busy machine may cost
finish() {
	local missed
	rm -f go
	ok "$1: mstat ends" wait_for 30 ended "$mstat"
	ended "$mstat" || stop "$mstat" KILL
	wait "$mstat"
	is "$1: as its program does" $? 5
	missed=$(summary "$1" missed_ticks)
	ok "$1: beside $(summary "$1" ticks) ticks $missed were missed" test $((missed * 2)) -le "$(summary "$1" ticks)"
	ok "$1: the file is whole" mstat-decode "$1"
}

# One that has told all falls silent, and tells all again.
begin rollup.mstat 1
ok "both are walked" wait_for 30 at_least 1 1 rollup.mstat "$stuck"
ok "both are walked" wait_for 30 at_least 1 1 rollup.mstat fine
like "what they are" "$(told rollup.mstat "$stuck")" '\|outside, static program$'
keep_silent smaps_rollup read
ok "one falls silent" wait_for 30 called
silent=$(newest rollup.mstat)
ok "the other one is sampled and walked as before" wait_for 30 at_least 150 4 rollup.mstat fine "$silent"
silent_end=$(newest rollup.mstat)
read -r n rss pss < <(rows rollup.mstat fine "$((silent + 50))" "$silent_end")
ok "on its ticks ($n, $pss walks, of $((silent_end - silent - 50)))" \
	test $((n * 10)) -ge $(((silent_end - silent - 50) * 6)) -a $((pss * 60)) -ge "$n"
read -r m rss pss < <(rows rollup.mstat "$stuck" "$((silent + 50))" "$silent_end")
ok "the silent one is sampled, too ($m)" test $((m * 10)) -ge $((n * 9))
is "without PSS, with RSS" "$pss $rss" "0 $m"
like "and why is told" "$(samples rollup.mstat | column comm tick notes | awk -F '\t' -v comm="$stuck" -v from="$silent" -v to="$silent_end" '
	$1 == comm && $2 > from + 50 && $2 < to { print $3 }')" 'smaps_rollup:failed'
is "it was asked once" "$(calls)" 1
rm order
ok "it is walked when it speaks again" wait_for 30 at_least 20 1 rollup.mstat "$stuck" "$silent_end"
finish rollup.mstat

# One that is silent from the first, and to the end.
for what in "cmdline open" "maps open" "auxv open" "io read" "stat read"; do
	file="${what% *}.mstat"
	# shellcheck disable=SC2086 # two words
	keep_silent $what
	begin "$file" 1
	ok "$file: one is silent" wait_for 30 called
	ok "$file: both are sampled" wait_for 30 at_least 60 0 "$file" "$stuck"
	ok "$file: the other one is walked" wait_for 30 at_least 60 2 "$file" fine
	# Having been forked, it may have said hello, and is asked who it is then, too; and who looks for runtimes asks
	# for himself.
	most=1
	[ "$what" = "stat read" ] || [ "$what" = "maps open" ] && most=2
	ok "$file: and the silent one was asked once ($(calls))" test "$(calls)" -le $most
	finish "$file"
	rm order
done
like "of which nothing more is known" "$(told cmdline.mstat "$stuck")" '^\|outside, cannot be told: it does not answer$'
like "as of the other one" "$(told cmdline.mstat fine)" '/fine.*\|outside, static program$'

# What could not be told at first is told when it can be.
keep_silent cmdline read
begin again.mstat 1
ok "one is silent" wait_for 30 called
ok "it is sampled" wait_for 30 at_least 20 0 again.mstat "$stuck"
unlike "what it is is not told" "$(told again.mstat "$stuck")" static
rm order
speaks() { told again.mstat "$stuck" | grep -q '/stuck[0-9].*|outside, static program$'; }
ok "then it is" wait_for 30 speaks
ok "and walked" wait_for 30 at_least 20 1 again.mstat "$stuck"
finish again.mstat

# More than are waited for.
keep_silent smaps_rollup read
begin many.mstat 40
ok "some are silent" wait_for 30 called
ok "all are sampled" wait_for 60 at_least 800 0 many.mstat "$stuck"
ok "and the other one" wait_for 30 at_least 20 0 many.mstat fine
many() { [ "$(calls)" -ge 28 ]; }
ok "many were asked" wait_for 30 many
ok "and no more than may be ($(calls))" test "$(calls)" -le 32
rm order
walked() { [ "$(samples many.mstat | column comm process pss_bytes | awk -F '\t' -v comm="$stuck" '$1 == comm && $3 > 0 { print $2 }' | sort -u | wc -l)" = 40 ]; }
ok "in the end all are walked" wait_for 60 walked
finish many.mstat
