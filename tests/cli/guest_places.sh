#!/bin/bash
# SPDX-License-Identifier: ISC
# Where the collector is hard to reach, and where it must not be looked for.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

[ "$(id -u)" = 0 ] || skip_all "not root"
work=$TARGETS/guest_work
samples() { mstat-decode -what samples run.mstat | awk -F'\t' -v comm="$1" '$6 == comm' | wc -l; }
refused() { mstat-decode -what summary run.mstat | sed -n 's/^peers_refused\t//p'; }

if unshare -n true 2>/dev/null; then
	ok "a network namespace of its own" mstat -q -freq 100 -o run.mstat -- unshare -n "$work" ticks 10
	ok "hides the abstract name only" test "$(samples guest_work)" -ge 5
else
	skip "a network namespace of its own" "none is permitted"
fi

if unshare -T --monotonic 100 true 2>/dev/null; then
	for offset in 1000000 -1; do
		ok "a clock of its own ($offset s off)" mstat -q -freq 100 -o run.mstat -- \
			unshare -T --monotonic $offset "$work" ticks 10
		ok "samples on the host's ticks" test "$(samples guest_work)" -ge 5
		is "and none was off" "$(refused)" 0
	done
	ok "a clock for the children alone" mstat -q -freq 100 -o run.mstat -- \
		"$TARGETS/guest_clock" 1000000 "$work" ticks 10
	ok "they sample on the host's ticks" test "$(samples guest_work)" -ge 5
	ok "as their parent does" test "$(samples guest_clock)" -ge 5
	is "and neither was off" "$(refused)" 0
else
	skip "a clock of its own" "no time namespace is permitted"
fi

# A root where the socket's path is not, but its abstract twin can be reached.
if unshare -m true 2>/dev/null; then
	cat >jail <<'END'
set -e
mkdir -p root/lib64 root/proc root/usr root/lib root/mstat root/targets
mount --bind /proc root/proc
for d in lib lib64 usr; do mount --bind "/$d" "root/$d"; done
mount --bind "$LIB" root/mstat
mount --bind "$TARGETS" root/targets
LD_PRELOAD=/mstat/libmstat.so exec chroot root /targets/guest_work ticks 10
END
	ok "another root" mstat -q -freq 100 -o run.mstat -- unshare -m "$BASH" jail
	ok "the abstract name is found there" test "$(samples guest_work)" -ge 5
else
	skip "another root" "no mount namespace is permitted"
fi

# Set-user-ID programs: nothing that their caller's environment says is believed.
chmod 711 .
mkdir -m 711 lib && cp "$LIB/libmstat.so" "$TARGETS/guest_dlopen" lib
ok "a library loaded later" mstat -q -freq 100 -preload none -o run.mstat -- lib/guest_dlopen "$TMP/lib/libmstat.so"
is "does not sample without a collector" "$out" "uid 0 euid 0 threads 1"
start "$TARGETS/guest_listen" socket 0 128
wait_for 20 test -e listening
# shellcheck disable=SC2317
as_nobody() { MSTAT_SOCKET=$TMP/socket setpriv --reuid=65534 --clear-groups lib/guest_dlopen "$TMP/lib/libmstat.so"; }
ok "a user's program" as_nobody
is "samples" "$out" "uid 65534 euid 65534 threads 2"
chmod 4755 lib/guest_dlopen
run as_nobody
if [[ $out == "uid 65534 euid 0 "* ]]; then
	is "a set-user-ID program does not" "$out" "uid 65534 euid 0 threads 1"
else
	skip "a set-user-ID program" "the folder for temporary files does not permit one"
fi
touch go
