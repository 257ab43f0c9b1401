#!/bin/bash
# SPDX-License-Identifier: ISC
# Programs that close all descriptors, or live in another root: the hooks hold none of theirs.
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"

for how in closefrom range loop all; do
	heap_same "all descriptors closed ($how)" "$TARGETS/heap_files" $how
	heap_keeps files_keeps 31313
done
for how in closefrom range loop; do
	ok "all descriptors closed ($how), as without hooks" timeout 60 mstat -q -freq 100 -heap -heap-interval 1 \
		-o run.mstat -- "$TARGETS/guest_files" close $how
	is "nothing is written into a file of the program ($how)" "$out" "written 0"
done
if [ "$(id -u)" = 0 ]; then
	heap_same "another root" "$TARGETS/heap_files" chroot
	heap_keeps files_keeps 31313
else
	skip "another root" "not root"
fi
