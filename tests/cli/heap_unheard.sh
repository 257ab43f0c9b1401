#!/bin/bash
# SPDX-License-Identifier: ISC
# Where no collector can be reached, exit() does not wait for what was sampled to be told.
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"

export LIB MSTAT_HEAP_INTERVAL=4096
# Twenty programs, one after another; each would wait ten seconds.
cat >ends.sh <<'END'
for ((i = 0; i < 20; i++)); do LD_PRELOAD=$LIB/libmstat-heap.so "$@" || exit; done
END
run timeout -k 5 9 env MSTAT_SOCKET="$TMP/nobody" bash ends.sh "$TARGETS/heap_lasts" nofile
is "a socket where nobody listens" "$status" 0

if [ "$(id -u)" = 0 ] && setpriv --reuid 65534 --regid 65534 --clear-groups unshare -Ur true 2>/dev/null; then
	# The collector is root, who is nobody in there, and is not trusted.
	run timeout -k 5 9 mstat -q -heap -heap-interval 4096 -o run.mstat -- setpriv --reuid 65534 --regid 65534 \
		--clear-groups unshare -Ur bash -c 'for ((i = 0; i < 20; i++)); do "$@" || exit; done' - "$TARGETS/heap_lasts" nofile
	is "a user namespace that does not know the collector's user" "$status" 0
else
	skip "a user namespace that does not know the collector's user" "none is permitted, or not root"
fi
