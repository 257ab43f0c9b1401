#!/bin/bash
# SPDX-License-Identifier: ISC
# The sampler has a file table of its own: the program's numbers, ends of pipes and locks are its own.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"

sampled() { mstat -q -freq 100 -o run.mstat -- "$@"; }

run "$BASH" -c 'exec 4>&- 5>&-; for fd in {3..200}; do eval "exec $fd>&-"; done; exec "$@"' - \
	mstat -q -freq 100 -o run.mstat -- "$TARGETS/guest_files" numbers
like "no number is taken" "$out" '^open 0 1 2( [0-9]{3,})* next 3$'
for how in closefrom range loop; do
	ok "all descriptors closed ($how)" sampled "$TARGETS/guest_files" close $how
	is "the sampler samples on, and writes into no file of the program ($how)" "$out" "written 0"
done
ok "record locks" sampled "$TARGETS/guest_files" locks
is "are held, and dropped by the program's close" "$out" "held 1 1
dropped 0 0"

ok "files that are open when the sampler begins" sampled "$TARGETS/guest_files" held
is "are closed by the program's close" "$out" "flock held then free
pipe without a reader EPIPE
socket without a peer 0"
# What the test itself has inherited is not to be listed.
ok "children" "$BASH" -c 'for fd in {3..255}; do eval "exec $fd>&-"; done; exec "$@"' - \
	mstat -q -freq 100 -o run.mstat -- "$TARGETS/guest_files" child
is "inherit no descriptor that is not the program's" "$out" "forked 0 1 2
executed 0 1 2"

# The program closes its ends and lives on: the readers must see the end of file.
mkfifo one three
start mstat -q -freq 100 -o run.mstat -- "$BASH" -c 'exec "$1" eof >one 3>three' - "$TARGETS/guest_files"
timeout 20 cat one >/dev/null &
first=$!
ok "the end of file of a pipe on descriptor 3" timeout 20 cat three
ok "and of one on 1" wait "$first"
ok "while the program is alive" kill -0 "$started"
touch go
stop "$started" 0
is "which then ends" "$status" 0
