#!/bin/bash
# SPDX-License-Identifier: ISC
# mstat-decode -follow: a run is printed while it is written, to its end, whatever that is; and runs
# that mstatd keeps, by their names.
# timeout: 180
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

tables="ticks samples processes events phases peak summary"

# follow NAME ARGS...: leaves NAME.out, NAME.err, and at its end NAME.code
follow() {
	local name=$1
	shift
	# shellcheck disable=SC2016 # expanded by the inner shell
	start bash -c 'name=$1; shift; mstat-decode -follow "$@" >"$name.out" 2>"$name.err"
		echo $? >"$name.tmp"; mv "$name.tmp" "$name.code"' sh "$name" "$@"
}
ended() { wait_for "${2:-20}" test -e "$1.code"; }
# at FILE BYTE: so far the newest follower has read it
at() {
	local fd
	for fd in "/proc/$(pgrep -P "$started")/fd/"*; do
		[ "$fd" -ef "$1" ] && grep -qx "pos:[[:blank:]]*$2" "${fd/\/fd\//\/fdinfo\/}" && return
	done
	return 1
}
rows() { [ "$(wc -l <"$1")" -gt "$2" ]; }
# What the last command printed is what stands there.
same() {
	cp out printed
	ok "$1" cmp printed "$2"
}
# Until a file named so is there.
# shellcheck disable=SC2016
until_file='until [ -e "$1" ]; do sleep 0.1; done'

# Left alone, it ends by itself: looked at below.
mstat -q -freq 59 -o whole.mstat -- sleep 0.5
size=$(stat -c %s whole.mstat)
head -c $((size - 5)) whole.mstat >still.mstat
still_from=${EPOCHREALTIME/./}
# shellcheck disable=SC2016
start bash -c 'mstat-decode -follow still.mstat >still.out 2>still.err; echo "$? ${EPOCHREALTIME/./}" >still.end'

# ---- while it grows ------------------------------------------------------------------------------

start mstat -q -freq 10 -o run.mstat -- sh -c "$until_file" sh run.done
mstat=$started
ok "a run" wait_for 20 test -e run.mstat
for what in $tables; do
	follow "$what" -what "$what" run.mstat
	followers="${followers:-} $started"
done
follow jsonl -format jsonl -o named.jsonl run.mstat

start_ns() { mstat-decode -what summary run.mstat 2>/dev/null | sed -n 's/^start_monotonic_ns\t//p'; }
# The newest row is not older than a block and a moment.
fresh() {
	awk -v begin="$(start_ns)" 'FILENAME == "/proc/uptime" { now = $1; next } { last = $1 }
		END { exit !(begin && now * 1000 - (last + begin) / 1e6 < 1500) }' /proc/uptime "$1"
}
for more in 5 15 25; do
	ok "its rows come while it is written ($more)" wait_for 20 rows ticks.out $more
	ok "a second or so after the tick" wait_for 3 fresh ticks.out
done
ok "those of processes too" wait_for 5 rows samples.out 20
ok "what happened is told while it is written" wait_for 5 rows events.out 2
ok "in a named file too" wait_for 5 rows named.jsonl 20
ok "the run goes on" kill -0 "$mstat"
is "what has its last word at the end waits for it" "$(wc -l <processes.out) $(wc -l <peak.out) $(wc -l <summary.out)" "1 1 0"
is "nobody has left" "$(echo ./*.code)" './*.code'
for started in $followers; do
	read_bytes=$(sed -n 's/^rchar: //p' "/proc/$(pgrep -P "$started")/io")
	ok "nothing is read twice ($read_bytes)" test "$read_bytes" -lt $(($(stat -c %s run.mstat) + 20000))
done

# Whoever reads the rows may leave, also where none come.
# shellcheck disable=SC2016
start bash -c 'mstat-decode -follow -what processes run.mstat 2>left.err | head -n 1 >left.out
	echo "${PIPESTATUS[0]}" >left.code'
ok "when nobody reads the output any more it ends" ended left 10
is "without a word" "$(cat left.code left.err)" 1

touch run.done
wait "$mstat"
for what in $tables; do
	ok "the end of the run is noticed: $what" ended "$what"
	is "exit code and words" "$(cat "$what.code" "$what.err")" 0
	mstat-decode -what "$what" run.mstat >plain
	ok "the same rows as afterwards, byte for byte" cmp "$what.out" plain
done
ok "the same in a named file" ended jsonl
mstat-decode -format jsonl run.mstat >plain
ok "the same rows" cmp named.jsonl plain

exits "a file that is finished already" 0 timeout 5 mstat-decode -follow run.mstat
same "gives the same" ticks.out
exits "on standard input" 0 timeout 5 sh -c 'mstat-decode -follow <run.mstat | cmp - ticks.out'
exits "through a pipe" 0 timeout 5 sh -c 'cat run.mstat | mstat-decode -follow - | cmp - ticks.out'
head -c 3000 run.mstat >cut.mstat
exits "a pipe that ends too early" 3 timeout 5 sh -c 'cat cut.mstat | mstat-decode -follow'
mkfifo fifo
follow fifo fifo
start mstat -q -freq 10 -o fifo -- sh -c "$until_file" sh fifo.done
ok "a pipe of mstat's own: its rows come while it runs" wait_for 20 rows fifo.out 5
ok "and it runs" kill -0 "$started"
touch fifo.done
ok "and ends with it" ended fifo
is "well" "$(cat fifo.code fifo.err)" 0

# ---- a writer that is killed ---------------------------------------------------------------------

start mstat -q -freq 10 -o killed.mstat -- sh -c "$until_file" sh killed.done
mstat=$started
wait_for 20 test -e killed.mstat
follow killed killed.mstat
follow killed-summary -what summary killed.mstat
ok "a run that is killed" wait_for 20 rows killed.out 12
program=$(pgrep -P "$mstat")
kill -9 "$mstat"
wait "$mstat" 2>/dev/null
ok "is not waited for" ended killed 5
is "exit code" "$(cat killed.code)" 3
like "and the words of a cut file" "$(cat killed.err)" '^mstat-decode: killed.mstat: cut at byte [0-9]+: .*; all before was read$'
exits "a plain decode says the same" 3 mstat-decode killed.mstat
is "word for word" "$err" "$(cat killed.err)"
same "and has the same rows" killed.out
ok "how it stood is told" ended killed-summary 5
like "exit code and words" "$(cat killed-summary.code killed-summary.out)" $'^3\n.*\nduration_ns\t[1-9]'
ok "though the program lives on" kill -0 "$program"
touch killed.done

# One that stands still is no dead one.
start mstat -q -freq 10 -o stopped.mstat -- sh -c "$until_file" sh stopped.done
mstat=$started
wait_for 20 test -s stopped.mstat
touch -d '1 minute ago' stopped.mstat
kill -STOP "$mstat"
follow stopped stopped.mstat
ok "one that is stopped is read as far as it goes" wait_for 10 at stopped.mstat "$(stat -c %s stopped.mstat)"
touch -d '1 minute ago' stopped.mstat
ok "and waited for" test ! -e stopped.code
touch stopped.done
kill -CONT "$mstat"
ok "until it ends" ended stopped
is "well" "$(cat stopped.code stopped.err)" 0

# ---- files that nobody has locked ----------------------------------------------------------------

# A copy that comes by parts, wherever they end: in the header, in a block, before the index.
: >copy.mstat
follow copy -what samples copy.mstat
from=0
for to in 3 8 200 $((size / 2)) $((size / 2 + 1)) $((size - 9)) $((size - 1)); do
	head -c "$to" whole.mstat | tail -c +$((from + 1)) >>copy.mstat
	ok "a copy, up to byte $to: it waits for the rest" wait_for 10 at copy.mstat "$to"
	from=$to
done
ok "it has not ended" test ! -e copy.code
tail -c +$((from + 1)) whole.mstat >>copy.mstat
ok "with the rest it ends" ended copy 5
mstat-decode -what samples whole.mstat >plain
is "well" "$(cat copy.code copy.err)" 0
ok "and nothing is missing" cmp copy.out plain

head -c $((size - 5)) whole.mstat >old.mstat
touch -d '1 minute ago' old.mstat
exits "one that was cut long ago ends at once" 3 timeout 5 mstat-decode -follow old.mstat
like "in the words of a cut one" "$err" 'old.mstat: cut at byte'
ok "one that was written just now is waited for" wait_for 20 test -s still.end
read -r code still_to <still.end
is "then it is a cut one" "$code" 3
like "in words" "$(cat still.err)" 'still.mstat: cut at byte'
ok "after ten seconds ($((still_to - still_from)) us)" test $((still_to - still_from)) -gt 9000000

# Written over by another run, which is shorter.
head -c -5 run.mstat >over.mstat
follow over over.mstat
wait_for 10 at over.mstat "$(stat -c %s over.mstat)"
start mstat -q -freq 1 -o over.mstat -- sh -c "$until_file" sh over.done
ok "one that another run is written over ends" ended over 5
is "as a cut one" "$(cat over.code)" 3
touch over.done

exits "a folder" 1 timeout 5 mstat-decode -follow .
exits "no such file" 1 timeout 5 mstat-decode -follow none.mstat
printf 'something else' >else.mstat
exits "something else" 1 timeout 5 mstat-decode -follow else.mstat

# ---- runs that mstatd keeps ----------------------------------------------------------------------

export MSTAT_SOCKET=$TMP/socket
if [ -S /run/mstat/socket ]; then
	skip "no mstatd" "one serves this machine"
else
	exits "no mstatd" 1 mstat-decode mstatd:some.mstat
	like "is said" "$err" '^mstat-decode: mstatd:some.mstat: no mstatd at [^ ]+: No such file'
fi
mkdir runs
start mstatd -socket "$MSTAT_SOCKET" -dir "$TMP/runs"
mstatd=$started
wait_for 20 mstatd -list -socket "$MSTAT_SOCKET"
list() { mstatd -list -socket "$MSTAT_SOCKET" | awk '{ print $4, $5 }'; }
listed() { list | grep -q "^$1 .*$2"; }
record() { start env LD_PRELOAD="$LIB/libmstat.so" "$@"; }

record sleep 60
program=$started
ok "a run that mstatd keeps" wait_for 20 listed growing sleep
name=$(list | sed -n 's/^growing //p')
exits "is opened by its name, as far as it goes" 3 mstat-decode "mstatd:$name"
like "and called by it" "$err" "^mstat-decode: mstatd:$name: cut at byte"
follow kept -what samples "mstatd:$name"
ok "and followed" wait_for 20 rows kept.out 5
ok "while it grows" listed growing sleep
stop "$program"
ok "to its end" ended kept
is "well" "$(cat kept.code kept.err)" 0
exits "when it is finished it is read as any other" 0 mstat-decode -what samples "mstatd:$name"
same "byte for byte" kept.out
exits "and followed too" 0 timeout 5 mstat-decode -follow -what samples "mstatd:$name"
same "with the same rows" kept.out

for name in none.mstat "" ../socket "$(printf 'n%.0s' {1..300})"; do
	exits "no such run: '${name:0:20}'" 1 timeout 5 mstat-decode "mstatd:$name"
	like "one line says so, and what would help" "$err" \
		"^mstat-decode: mstatd:$name: mstatd keeps no such run of yours \(mstatd -list names them\)$"
done
cp run.mstat mstatd:plain
exits "a path is a path" 0 mstat-decode ./mstatd:plain

name=$(list | sed -n 's/^finished //p')
if [ "$(id -u)" = 0 ]; then
	mkdir bin && cp "$BIN/mstat-decode" bin && chmod a+x . bin && chmod a+rx bin/mstat-decode
	exits "another user does not get it" 1 setpriv --reuid=65534 --regid=65534 --clear-groups \
		bin/mstat-decode "mstatd:$name"
	like "and is told that it is none of his" "$err" 'no such run of yours'
	is "and sees nothing" "$out" ''
else
	skip "another user does not get it" "only root can become a user"
fi

record sleep 60
program=$started
wait_for 20 listed growing sleep
name=$(list | sed -n 's/^growing //p')
follow lost "mstatd:$name"
ok "a run whose mstatd is killed" wait_for 20 rows lost.out 5
# shellcheck disable=SC2046 # pids
kill -9 $(pgrep -P "$mstatd") "$mstatd"
ok "is not waited for" ended lost 5
is "exit code" "$(cat lost.code)" 3
like "and words" "$(cat lost.err)" "^mstat-decode: mstatd:$name: cut at byte"
ok "though the program lives on" kill -0 "$program"
start mstatd -socket "$MSTAT_SOCKET" -dir "$TMP/runs"
wait_for 20 mstatd -list -socket "$MSTAT_SOCKET"
exits "nor by whoever asks the next one for it" 3 timeout 5 mstat-decode -follow "mstatd:$name"
is "in the same words" "$err" "$(cat lost.err)"
