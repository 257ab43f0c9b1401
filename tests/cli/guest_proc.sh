#!/bin/bash
# SPDX-License-Identifier: ISC
# A /proc that is read-only, hides processes, shows nothing else, or is not there: the program runs as
# ever, sampled from inside where that can be.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"

run unshare -m true
[ "$status" = 0 ] || skip_all "no mount namespace is permitted"
chmod 711 .
mkdir -m 711 lib && cp "$LIB/libmstat.so" "$TARGETS/guest_proc" lib
cat >inside <<'END'
# inside MOUNT UID PROGRAM...: in a mount namespace with another /proc, as that user
$1 || exit 77
shift
uid=$1
shift
exec setpriv --reuid="$uid" --clear-groups "$@"
END
samples() { mstat-decode -what samples run.mstat | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
	$c["comm"] == "guest_proc" && $c["rss_bytes"] > 0' | wc -l; }
how() { mstat-decode -what processes run.mstat | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
	$c["comm"] == "guest_proc" { print $c["how"] }' | sort -u; }

# place DESC MOUNT SAMPLES: root and a user run with it, and are sampled so often at least
place() {
	local uid want
	run unshare -m "$BASH" inside "$2" 0 true
	if [ "$status" != 0 ]; then
		skip "$1" "$err"
		return
	fi
	for uid in 0 54321; do
		run unshare -m "$BASH" inside "$2" $uid lib/guest_proc
		want="$status $out $err"
		run timeout 60 mstat -q -freq 100 -preload "$TMP/lib/libmstat.so" -o run.mstat -- \
			unshare -m "$BASH" inside "$2" $uid lib/guest_proc
		is "$1, uid $uid: the program is as ever" "$status $out $err" "$want"
		like "$1, uid $uid: and ends well" "$status" '^5$'
		ok "$1, uid $uid: $(samples) samples of it and its child, $(how)" test "$(samples)" -ge "$3"
	done
}
place "read-only" "mount -o remount,bind,ro /proc" 10
place "hidepid=2" "mount -t proc -o hidepid=2 proc /proc" 10
place "hidepid=ptraceable" "mount -t proc -o hidepid=ptraceable proc /proc" 10
place "subset=pid" "mount -t proc -o subset=pid proc /proc" 10
# Only from outside, when that is found out: how soon that is, is not for this test to say.
place "an empty folder" "mount -t tmpfs none /proc" 0
place "unmounted" "umount -l /proc" 0
