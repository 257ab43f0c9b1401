#!/bin/bash
# SPDX-License-Identifier: ISC
# Where the record goes: names, modes, formats, and outputs that cannot be written.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

lines() { wc -l <<<"$1"; }

# shellcheck disable=SC2016
exits "without -o" 0 mstat -q -- sh -c 'echo $$'
is "the run file is PROG.PID.mstat, with the program's pid" "$(ls -A)" $'err\nout\nsh.'"$out.mstat"
is "it is its owner's alone" "$(stat -c %a "sh.$out.mstat")" 600
ok "it is a run file" mstat-decode "sh.$out.mstat"
rm -f sh.*
ln -s "$(type -P true)" "$(printf 'n%.0s' {1..255})"
exits "a program with the longest of names" 0 mstat -q -- ./n*
ok "gets a shorter one" mstat-decode n*.mstat
rm -f n*
open_umask() (umask 0 && "$@")
closed_umask() (umask 0777 && "$@")
ok "with an open umask" open_umask mstat -q -o open.mstat -- true
is "it is its owner's alone" "$(stat -c %a open.mstat)" 600
ok "with a closed umask" closed_umask mstat -q -o closed.mstat -- true
is "it is its owner's" "$(stat -c %a closed.mstat)" 600
echo 'an older, longer file' >old.mstat && chmod 644 old.mstat
ok "an older file" mstat -q -o old.mstat -- true
is "becomes its owner's alone" "$(stat -c %a old.mstat)" 600
ok "and is overwritten" mstat-decode old.mstat

(umask 022 && mstat -q -freq 50 -o mem.tsv -- sleep 0.3)
is "a name that ends in .tsv gets a table" "$(head -n 1 mem.tsv | cut -f 1-3)" $'time\trss\tkernel'
is "which is a plain file" "$(stat -c %a mem.tsv)" 644
is "with whole rows" "$(awk -F '\t' '{ print NF }' mem.tsv | sort -u | wc -l)" 1
# shellcheck disable=SC2016
ok "of numbers that grow" awk -F '\t' 'NR > 1 && ($1 !~ /^[0-9]+$/ || (NR > 2 && $1 <= last)) { bad = 1 } { last = $1 }
	END { exit bad || NR < 10 }' mem.tsv
ok "any other name gets the run file" mstat -q -o mem.tsv.gz -- true
ok "any other name gets the run file" mstat-decode mem.tsv.gz
ln -s target.mstat link.mstat
ok "through a link" mstat -q -o link.mstat -- true
ok "through a link: the link stays" test -L link.mstat
ok "through a link: its target is written" mstat-decode target.mstat
mkfifo pipe
(mstat-decode -what summary - <pipe >fifo.out; echo "decoded $?" >>fifo.out) &
ok "into a fifo" mstat -q -o pipe -- true
wait $!
like "into a fifo: its reader gets a run file" "$(cat fifo.out)" $'\nexit_status\t0\n.*decoded 0$'
mkfifo gone
(head -c 4 <pipe >fifo.out; echo >gone) &
exits "a fifo's reader that goes away" 125 mstat -q -o pipe -- sh -c 'read -r line <gone'
is "a fifo's reader that goes away: one line" "$err" "mstat: pipe: Broken pipe; the record ends there"
wait $!
is "a fifo's reader that goes away: it had what it read" "$(stat -c %s fifo.out)" 4
exits "while it waits for a reader mstat can be ended" 124 timeout -k 20 0.3 mstat -q -o pipe -- true

exits "a full disk" 125 mstat -q -o /dev/full -- sh -c 'echo ran'
is "a full disk: the program ran" "$out" ran
is "a full disk: one line" "$err" "mstat: /dev/full: No space left on device; the record ends there"
exits "a full disk, and a program that fails" 3 mstat -q -o /dev/full -- sh -c 'exit 3'
is "a full disk, and a program that fails: one line" "$(lines "$err")" 1
ln -s /dev/full full.tsv
exits "a full disk for a table" 125 mstat -q -o full.tsv -- sleep 0.2
is "a full disk for a table: one line" "$err" "mstat: full.tsv: No space left on device; the record ends there"

# A disk that becomes full when the file has some seconds in it.
size() { stat -c %s "$1"; }
ok "a disk that becomes full" mstat -q -o short.mstat -- true
room=$(($(size short.mstat) / 1024 + 16)) full=$TMP/cut.mstat
is_full() { [ "$(size "$full")" = $((room * 1024)) ]; }
mkfifo end
start bash -c "ulimit -f $room && exec mstat -q -freq 1000 -o cut.mstat -- sh -c 'read -r line <end'"
ok "a disk that becomes full: the file takes all the room" wait_for 30 is_full
echo >end
wait "$started"
is "a disk that becomes full: mstat's own failure" $? 125
is "a disk that becomes full: one line" "$(cat started.err)" "mstat: cut.mstat: File too large; the record ends there"
exits "a disk that becomes full: what was written is read" 3 mstat-decode -what ticks cut.mstat
ok "a disk that becomes full: and is not little" test "$(lines "$out")" -gt 100

exits "a folder that is missing" 125 mstat -q -o no/such/run.mstat -- touch ran
is "a folder that is missing: one line" "$err" "mstat: no/such/run.mstat: No such file or directory"
exits "a folder as output" 125 mstat -q -o / -- touch ran
is "a folder as output: one line" "$err" "mstat: /: Is a directory"
long=$(printf '%4096s' '' | tr ' ' x)
exits "an output of 4 KiB" 125 mstat -q -o "$long" -- touch ran
like "an output of 4 KiB: one line" "$err" '^mstat: x+: File name too long$'
ok "the program was not started without its record" test ! -e ran

few_files() (ulimit -n 6 && "$@")
exits "no room for the collector" 125 few_files mstat -q -o none.mstat -- touch ran
is "no room for the collector: one line" "$err" "mstat: cannot start the collector: Too many open files"
ok "no room for the collector: no record is left" test ! -e none.mstat
exits "-h with a full stdout" 125 bash -c 'mstat -h >/dev/full'
is "-h with a full stdout: one line" "$err" "mstat: stdout: No space left on device"

start mstat -q -o shared.mstat -- sh -c 'echo ready; exec sleep 60'
wait_for 10 grep -q ready started.out
exits "a file that another mstat is writing" 125 mstat -o shared.mstat -- true
like "is not written into" "$err" 'shared.mstat: another mstat is writing it'
stop "$started"
ok "and the other's record is whole" mstat-decode shared.mstat
