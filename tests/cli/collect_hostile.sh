#!/bin/bash
# SPDX-License-Identifier: ISC
# A member of the run that abuses the socket, and somebody who is no member.
# vm-v2: yes
# alone: yes
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

# The ticks that its samples stand for: where a tick is dear, as in a virtual machine, some are left out.
honest() {
	mstat-decode -what samples "$1" | column comm ticks_per_sample | awk -F '\t' '
		$1 == "collect_hold" { n += $2 ? $2 : 1 } END { print n + 0 }'
}

for what in garbage flood "silent 300" churn deaf; do
	# The honest one lives on for two seconds: while it is abused a machine may have no time for anything else.
	touch go
	# shellcheck disable=SC2086 # words are meant; expanded by the inner shell
	run mstat -q -freq 20 -o "$what.mstat" -- sh -c '"$0" 5 0 0 held go & '"$TARGETS/collect_hostile $what; sleep 2; rm go; wait" "$TARGETS/collect_hold"
	is "$what: mstat and the program end well" "$status $out" "0 done"
	is "$what: the file is whole" "$(mstat-decode "$what.mstat" >/dev/null; echo $?)" 0
	n=$(honest "$what.mstat")
	# (Where the CPU is short, as in a virtual machine, it gets none for some ticks, as mstat itself.)
	ok "$what: an honest process is sampled as ever ($n)" test "$n" -ge $(($(summary "$what.mstat" ticks) / 2))
	is "$what: nobody's samples are dropped" "$(losses "$what.mstat" | cut -d ' ' -f 2)" 0
	# How many are missed is a question of who gets the CPU; but not all are.
	ok "$what: the tree is sampled as ever" test "$(summary "$what.mstat" ticks)" -ge 10
	ok "$what: the file stays small" test "$(stat -c %s "$what.mstat")" -lt 300000
done
ok "garbage is refused" test "$(summary garbage.mstat peers_refused)" -ge 500
like "and told" "$(mstat-decode -what events garbage.mstat)" 'refused.*bad message'

# One who knows the name but is no member, and one who is none and dies at once.
touch go
start mstat -q -freq 20 -o stranger.mstat -- env "$TARGETS/collect_hold" 5 0 0 "$TMP/ready" "$TMP/go"
mstat=$started
ok "a run" wait_for 20 test -e ready
socket=$(tr '\0' '\n' <"/proc/$(pgrep -P "$mstat")/environ" | sed -n 's/^MSTAT_SOCKET=//p')
run env MSTAT_SOCKET="$socket" MSTAT_FREQ=20 "$TARGETS/collect_hostile" deaf
is "a stranger may knock" "$out" "done"
rm go
wait "$mstat"
is "the run ends well" $? 0
is "the stranger was refused" "$(summary stranger.mstat peers_refused)" 1
like "and is told" "$(mstat-decode -what events stranger.mstat)" 'refused.*not of this run'
is "only the member is in the record" "$(mstat-decode -what processes stranger.mstat | column comm)" collect_hold

# One whose pid has become a member's when the collector looks. It is of a user who is not in the run:
# else one who is dead is believed.
if [ "$(id -u)" = 0 ] && : 2>/dev/null >>/proc/sys/kernel/ns_last_pid; then
	cp "$TARGETS/collect_hostile" . && chmod 755 . collect_hostile
	touch go
	start mstat -q -freq 20 -o reused.mstat -- sh -c '"$0" 5 0 0 there go & "$1" pid' \
		"$TARGETS/collect_hold" "$TARGETS/collect_pid"
	mstat=$started
	ok "a run" wait_for 20 test -e there
	socket=$(tr '\0' '\n' <"/proc/$(pgrep -P "$mstat")/environ" | sed -n 's/^MSTAT_SOCKET=//p')
	kill -STOP "$mstat"
	MSTAT_SOCKET=$socket MSTAT_FREQ=20 setpriv --reuid=65534 --clear-groups ./collect_hostile dead >knocked &
	dead=$!
	wait "$dead"
	is "a stranger knocks and is gone" "$(cat knocked)" "done"
	echo "$dead" >pid.new && mv pid.new pid
	ok "a member gets his pid" wait_for 20 grep -q reused "$TMP/started.out"
	kill -CONT "$mstat"
	rm go pid
	wait "$mstat"
	is "the run ends well" $? 0
	is "the stranger was refused" "$(summary reused.mstat peers_refused)" 1
	unlike "and is not in the record" "$(mstat-decode -what processes reused.mstat | column comm)" '(^|
)x(
|$)'
else
	skip "a pid that becomes a member's" "not root, or the kernel has no ns_last_pid"
fi
