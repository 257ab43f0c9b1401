#!/bin/bash
# SPDX-License-Identifier: ISC
# Records that come to no proper end: mstat killed, a full disk, a reader that goes away.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

# ---- kill -9 -------------------------------------------------------------------------------------

touch go
start mstat -v -freq 59 -o killed.mstat -- bash -c '"$@"; echo $? >status' sh \
	"$TARGETS/collect_hold" 20 0 1 "$TMP/ready" "$TMP/go"
mstat=$started
ok "a run" wait_for 20 test -e ready
cgroup=$(cgroup_of "$TMP/started.err")
long() { [ "$(mstat-decode killed.mstat 2>/dev/null | wc -l)" -gt 100 ]; }
ok "is readable while it is written" wait_for 30 long
socket=$(tr '\0' '\n' <"/proc/$(pgrep -P "$mstat")/environ" | sed -n 's/^MSTAT_SOCKET=//p')
program=$(pgrep -P "$(pgrep -P "$mstat")")
kill -9 "$mstat"
wait "$mstat" 2>/dev/null
now=$(awk '{ print $1 }' /proc/uptime)
exits "the record says that it was cut" 3 mstat-decode -o ticks.tsv killed.mstat
like "in words" "$err" 'cut'
last=$(column time <ticks.tsv | tail -n 1)
start_ns=$(summary killed.mstat start_monotonic_ns)
# Uptime counts suspends too: of those there are none in a test.
lost=$(awk -v now="$now" -v last="$last" -v start="$start_ns" 'BEGIN { printf "%d", now * 1000 - (last + start) / 1e6 }')
ok "and lacks no more than the last second or so ($lost ms)" test "$lost" -lt 1600
exits "so do its other tables" 3 mstat-decode -what processes -o processes.tsv killed.mstat
is "with who lived then" "$(column comm ended <processes.tsv | sort | uniq -c | tr -s ' \t' ' ')" " 1 bash 0
 2 collect_hold 0"
exits "and what they had sent" 3 mstat-decode -what samples -o samples.tsv killed.mstat
sent=$(column time_ns <samples.tsv | most)
ok "as long as the ticks ($sent, $last)" test $((last - sent)) -lt 1000000000
is "its summary stands as of then" "$(summary killed.mstat samples_dropped)" 0
ok "the program was not harmed" kill -0 "$program"
mstat -q -o next.mstat -- true
ok "nor is it by the next run, which finds it living" kill -0 "$program"
rm go
ok "and runs to its own end" wait_for 20 test -s status
is "as if nothing had been" "$(<status)" 0
swept() {
	mstat -q -o next.mstat -- true
	[ ! -e "$socket" ] && [ ! -e "${socket%/*}" ] && { [ -z "$cgroup" ] || [ ! -e "$cgroup" ]; }
}
ok "the next run sweeps it, and the cgroup" wait_for 20 swept

# What only looks like it is left alone.
mkdir -m 0711 /tmp/mstat-$$zzzz 2>/dev/null
look=$(mktemp -d /tmp/mstat-XXXXXX) && touch "$look/mine" && chmod 0711 "$look"
mstat -q -o next.mstat -- true
ok "a folder that holds something else stays" test -e "$look/mine"
rm -rf "$look" /tmp/mstat-$$zzzz
touch go
start mstat -q -o living.mstat -- "$TARGETS/collect_hold" 1 0 0 "$TMP/ready2" "$TMP/go"
ok "a run that lives" wait_for 20 test -e ready2
living=$(tr '\0' '\n' <"/proc/$(pgrep -P "$started")/environ" | sed -n 's/^MSTAT_SOCKET=//p')
mstat -q -o next.mstat -- true
ok "keeps its socket" test -S "$living"
rm go
wait "$started"

# ---- a full disk ---------------------------------------------------------------------------------

mkdir full
if unshare -m mount -t tmpfs -o size=64k none full 2>/dev/null; then
	# shellcheck disable=SC2016 # expanded by the inner shell
	run unshare -m bash -c 'mount -t tmpfs -o size=16k none full && cd full &&
		mstat -freq 1000 -o run.mstat -- "$@"; code=$?; cp run.mstat ..; exit $code' sh \
		"$TARGETS/collect_hold" 5 4000 0 "$TMP/held"
	is "a full disk: mstat's own failure" "$status" 125
	like "is said" "$err" 'No space left on device'
	ok "the program ran to its end" test -e held
	exits "what was written is readable" 3 mstat-decode -o part.tsv run.mstat
	ok "and there is something" test "$(wc -l <part.tsv)" -gt 100
	# shellcheck disable=SC2016
	run unshare -m bash -c 'mount -t tmpfs -o size=16k none full && cd full &&
		mstat -freq 1000 -o run.mstat -- sh -c "\"$1\" 5 4000 0; exit 7"' sh "$TARGETS/collect_hold"
	is "a program's own failure comes first" "$status" 7
else
	skip "a full disk" "no mount namespace for us"
fi

# ---- pipes ---------------------------------------------------------------------------------------

run bash -c 'mstat -q -freq 59 -o /dev/stdout -- "$1" 5 300 0 | mstat-decode' sh "$TARGETS/collect_hold"
ok "a record goes through a pipe" test "$(wc -l <<<"$out")" -gt 10
run bash -c 'mstat -q -freq 1000 -o /dev/stdout -- sh -c "\"$1\" 5 3000 0; echo here >&2" | head -c 1000 >/dev/null; exit "${PIPESTATUS[0]}"' sh "$TARGETS/collect_hold"
is "a reader that goes away is mstat's failure" "$status" 125
like "not the program's" "$err" 'here'
