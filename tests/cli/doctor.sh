#!/bin/bash
# SPDX-License-Identifier: ISC
# mstat-doctor: what it says is what mstat then does, and it leaves nothing behind.
# vm: yes
# vm-user: yes
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

# line WHAT: yes or no, and what follows it
line() { sed -n "s/^$1  *\(yes\|no\)  *\(.*\)/\1 \2/p" <<<"$said"; }
# said_of WHAT: yes or no
said_of() { line "$1" | cut -d' ' -f1; }

run mstat-doctor
said=$out code=$status
is "nothing on stderr" "$err" ""
is "each line says yes or no, or what would help" "$(grep -cvE "^[a-z_' ]{22} (yes |no  ) [^ ]|^ +-> [^ ]" <<<"$said")" 0
is "the exit code tells whether all is there" "$code" "$(grep -cE '^[^ ].{21} no ' <<<"$said" | sed 's/[1-9][0-9]*/1/')"
is "all that mstat uses is told of" "$(cut -c1-22 <<<"$said" | sed 's/ *$//; /^$/d; /^systemd user scope$/d' | xargs -d '\n' printf '%s, ')" \
	"kernel, memory controller, own writable cgroup, exact peak, memory pressure, fork and exec events, exit records, taskstats, delay accounting, smaps_rollup, sampler library, sampler's calls, "
is "the kernel" "$(line kernel)" "yes Linux $(uname -r), $(uname -m)"
is "the library" "$(line "sampler library")" "yes $LIB/libmstat.so, for programs of $(uname -m) with glibc"

tried=$(line "own writable cgroup" | sed -n "s/^yes a run's would be //p")
is "of what it tried nothing is left" "$(ls -d "${tried:-/none}" 2>/dev/null)" ""
run mstat -v -o run.mstat -- true
is "mstat makes a cgroup of its own, if it said so" "$(said_of "own writable cgroup")" \
	"$(grep -q '^mstat: own writable cgroup: /' <<<"$err" && echo yes || echo no)"
is "or in the scope, if it said so" "$(said_of "systemd user scope" | sed 's/no//')" \
	"$(sed -n 's/^mstat: systemd user scope: .*/yes/p' <<<"$err" | head -n 1)"
# column NAME: whether a row has it
column() { mstat-decode -what samples run.mstat | awk -F'\t' -v name="$1" '
	NR == 1 { while (++c <= NF && $c != name) ; next } $c != "" { n++ } END { print n ? "yes" : "no" }'; }
# In a slow virtual machine the first walk of smaps_rollup comes late.
run mstat -v -freq 59 -o run.mstat -- sleep 3
is "the exact peak, likewise" "$(said_of "exact peak")" "$(grep -q 'by the kernel, exact' <<<"$err" && echo yes || echo no)"
is "PSS, likewise" "$(said_of smaps_rollup)" "$(column pss_bytes)"
is "taskstats, likewise" "$(said_of taskstats)" "$(column hiwater_rss_bytes)"
is "exit records, likewise" "$(said_of "exit records")" \
	"$(grep -q 'short lives may be missing' <<<"$err" && echo no || echo yes)"
if [ "$(id -u)" = 0 ] && run setpriv --reuid=54321 --clear-groups mstat-doctor && [ "$status" = 1 ]; then
	said=$out
	is "a user has no exit records" "$(said_of "exit records")" no
	like "and is told what would bring them" "$said" $'\nexit records +no .*\n +-> sudo systemctl enable --now mstatd.socket'
fi
unset said

exits "help" 0 mstat-doctor -h
like "tells how it is used" "$out" '^usage: mstat-doctor'
exits "version" 0 mstat-doctor -version
exits "an argument" 2 mstat-doctor all
is "is said to be none" "$err" "mstat-doctor: unknown argument all (-h for help)"
exits "a full disk" 2 sh -c 'exec mstat-doctor >/dev/full'
