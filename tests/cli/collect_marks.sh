#!/bin/bash
# SPDX-License-Identifier: ISC
# Marks: lines that the program appends to $MSTAT_MARK, and the phases between them.
# vm-v2: yes
# timeout: 300
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

# marks FILE: their numbers and texts
marks() { mstat-decode -what events "$1" 2>/dev/null | column kind number text | sed -n 's/^mark\t//p'; }
# told FILE TEXT: whether a mark of that text is in the record already
told() { marks "$1" | cut -f 2- | grep -qxF -- "$2"; }
# phase FILE NAME COLUMN
phase() { mstat-decode -what phases "$1" | column name "$3" | awk -F '\t' -v name="$2" '$1 == name { print $2 }'; }
monotonic_ms() { awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime; }
export -f monotonic_ms

# ---- what can be written, and by whom ------------------------------------------------------------

cat >script <<'EOF'
stat -c '%F %a' "$MSTAT_MARK"
monotonic_ms >before
echo first >>"$MSTAT_MARK"
monotonic_ms >after
until [ -e told ]; do sleep 0.02; done
mstat-mark two words 'in
lines'
mstat-mark -- -dash
[ "$(id -u)" = 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'echo nobody >>"$MSTAT_MARK"'
printf 'tab\there\033[1m\n\nm\303\274ller\n' >>"$MSTAT_MARK"
printf '%0300d\n' 7 >>"$MSTAT_MARK"
mstat-mark "$(printf '%0300d' 8)"
printf 'no end' >>"$MSTAT_MARK"
echo "$MSTAT_MARK" >path
EOF
start mstat -freq 59 -o run.mstat -- bash script
ok "a mark is told while the program runs" wait_for 30 told run.mstat first
touch told
wait "$started"
is "a run with marks" $? 0
like "into a regular file, that all may write and none read" "$(<"$TMP/started.out")" '^regular (empty )?file 622$'
printed=$(<"$TMP/started.err")
ok "which is gone at the end" test ! -e "$(<path)"
ok "and its folder" test ! -e "$(dirname "$(<path)")"
marks run.mstat >listed
nobody=nobody
[ "$(id -u)" = 0 ] || nobody=
is "they stand in order, whoever wrote them and how" "$(cut -f 2- listed | head -n 7)" "first
two words in lines
-dash${nobody:+
nobody}
"'tab\there\x1b[1m'"

müller"
is "a long line is cut" "$(cut -f 2- listed | tail -n 3 | awk '{ print length }' | tr '\n' ' ')" "256 256 6 "
is "numbered from 1" "$(cut -f 1 listed)" "$(seq "$(wc -l <listed)")"
is "the last one has no end" "$(cut -f 2- listed | tail -n 1)" "no end"
mstat-decode -what events run.mstat | column time_ns kind text | awk -F '\t' '$2 == "mark"' >timed
ok "times ascend" sort -s -c -n -k 1,1 timed
mstat-decode run.mstat | column time | sort >ticks
first=$(head -n 1 timed | cut -f 1)
ok "the first one stands at a tick" grep -qx -- "$first" ticks
at_ms=$((($(summary run.mstat start_monotonic_ns) + first) / 1000000))
# In hundredths of a second, and a tick may be late.
ok "which is that after it was written" test $((at_ms + 20)) -ge "$(<before)"
ok "at once" test "$at_ms" -le $(($(<after) + 1000))
ok "in JSON" python3 -c '
import json, subprocess
lines = subprocess.check_output(["mstat-decode", "-what", "events", "-format", "jsonl", "run.mstat"])
events = [json.loads(line) for line in lines.splitlines()]
assert "tab\there\x1b[1m" in [e["text"] for e in events if e["kind"] == "mark"]'
like "the summary has a line for each phase" "$printed" $'\n  phase      \(start\): .*\n  phase      (first|no end): '
unlike "and nothing that works on a terminal" "$printed" $'\033'
like "but what it is" "$printed" 'phase      tab\\x09here\\x1b\[1m: '
for format in tsv csv jsonl; do
	ok "phases as $format" mstat-decode -what phases -format $format run.mstat
	head=1 && [ $format = jsonl ] && head=0
	is "phases as $format: one more than marks" "$(grep -c . <<<"$out")" $(($(wc -l <listed) + 1 + head))
done
mstat-decode -what phases run.mstat | column start_ns end_ns >spans
is "without a gap" "$(cut -f 1 spans | tail -n +2)" "$(cut -f 2 spans | head -n -1)"
is "from the start" "$(head -n 1 spans | cut -f 1)" 0
within "to the end" "$(tail -n 1 spans | cut -f 2)" "$(summary run.mstat duration_ns)" 2

ok "with no library injected" mstat -q -preload none -o none.mstat -- sh -c 'mstat-mark none'
ok "it works the same" told none.mstat none
ok "with no marks" mstat -o none.mstat -- true
unlike "the summary has no phases" "$err" 'phase'
is "and the record one" "$(mstat-decode -what phases none.mstat | column phase start_ns name)" $'1\t0\t'
ok "many phases" mstat -freq 59 -o many.mstat -- sh -c 'for i in $(seq 30); do mstat-mark $i; done'
is "are not all told" "$(grep -c '^  phase  ' <<<"$err")" 21
like "but counted" "$err" $'\n  phase      11 more: '

# ---- mstat-mark without mstat --------------------------------------------------------------------

exits "mstat-mark without mstat" 0 env -u MSTAT_MARK mstat-mark text
is "says nothing" "$out$err" ""
mkfifo fifo
ln -s text link
touch text
for place in nowhere/marks fifo link . /dev/null /dev/full "$(printf '%05000d' 0)"; do
	exits "mstat-mark into ${place:0:20}" 0 timeout 10 env MSTAT_MARK="$place" mstat-mark text
	is "mstat-mark into ${place:0:20} says nothing" "$out$err" ""
done
is "a link is not followed" "$(<text)" ""
exits "nor does a limit kill it" 0 sh -c 'ulimit -f 0; exec env MSTAT_MARK=text mstat-mark text'
like "why is told who asks" "$(MSTAT_DEBUG=1 MSTAT_MARK=nowhere mstat-mark text 2>&1)" '^mstat-mark: nowhere: '
exits "no text" 2 mstat-mark
exits "an unknown flag" 2 mstat-mark -text
like "an unknown flag is named" "$err" '-text'
ok "-version" mstat-mark -version
like "-version tells it" "$out" '^mstat-mark [0-9]'
ok "-h" mstat-mark -h
like "-h tells the usage" "$out" '^usage: mstat-mark '

# ---- > in place of >> ----------------------------------------------------------------------------

cat >script <<'EOF'
step() { until [ -e "$1" ]; do sleep 0.02; done; }
echo 'a first one' >>"$MSTAT_MARK"; step one
echo short >"$MSTAT_MARK"; step two
echo other >"$MSTAT_MARK"; step three
echo 'a longer one' >"$MSTAT_MARK"; step four
echo more >>"$MSTAT_MARK"
EOF
start mstat -q -freq 59 -o anew.mstat -- bash script
mstat=$started
ok "a first mark" wait_for 30 told anew.mstat 'a first one'
touch one
ok "the file is written anew: shorter" wait_for 30 told anew.mstat short
touch two
ok "of the same length" wait_for 30 told anew.mstat other
touch three
ok "longer" wait_for 30 told anew.mstat 'a longer one'
touch four
wait "$mstat"
is "nothing else was read" "$(marks anew.mstat | cut -f 2)" $'a first one\nshort\nother\na longer one\nmore'
rm -f one two three four

# ---- a flood -------------------------------------------------------------------------------------

cat >script <<'EOF'
yes flood | head -n 400000 >>"$MSTAT_MARK"
echo >>"$MSTAT_MARK"
until [ -e stop ]; do echo after >>"$MSTAT_MARK"; sleep 0.1; done
EOF
start mstat -freq 59 -o flood.mstat -- bash script
mstat=$started
ok "a flood: later marks are told" wait_for 60 told flood.mstat after
touch stop
wait "$mstat"
is "a flood: the program's status" $? 0
# Its seconds are not these.
is "a flood: so many are told at most in a second" "$(mstat-decode -what events flood.mstat | column kind time_ns |
	awk '$1 == "mark" { n = ++told[int($2 / 1e9)]; if (n > max) max = n } END { print (max > 0 && max <= 200) ? "yes" : max }')" yes
like "a flood: the rest is counted" "$(<"$TMP/started.err")" $'\n  marks      [0-9]+ were counted only'
like "a flood: and said in the record" "$(mstat-decode -what events flood.mstat | column kind number text)" \
	$'\nnote\t[0-9]+\tmarks were counted only'
rm -f stop

# ---- mstat is gone -------------------------------------------------------------------------------

cat >script <<'EOF'
n=0
until [ -e stop ]; do
	echo line >>"$MSTAT_MARK"
	mstat-mark line || echo failed >failed
	n=$((n + 1))
	echo $n >count
done 2>errors
echo ended >status
EOF
start mstat -q -o killed.mstat -- bash script
mstat=$started
ok "a script that marks" wait_for 20 test -s count
path=$(tr '\0' '\n' <"/proc/$(pgrep -P "$mstat")/environ" | sed -n 's/^MSTAT_MARK=//p')
kill -9 "$mstat"
wait "$mstat" 2>/dev/null
goes_on() { [ -s count ] && [ "$(<count)" -gt "$1" ]; }
ok "goes on when mstat was killed" wait_for 20 goes_on $(($(<count) + 3))
# A test beside this one may have swept the file: then lines are lost, but nothing waits.
swept() { mstat -q -o next.mstat -- true && [ ! -e "$path" ] && [ ! -e "${path%/*}" ]; }
ok "another run sweeps it" wait_for 20 swept
ok "and the script goes on" wait_for 20 goes_on $(($(<count) + 3))
touch stop
ok "to its end" wait_for 20 test -s status
ok "mstat-mark never failed" test ! -e failed
rm -f stop status

# ---- a run within a run --------------------------------------------------------------------------

ok "a run within a run" mstat -q -o outer.mstat -- sh -c 'mstat-mark before
	mstat -q -o inner.mstat -- sh -c "mstat-mark inner"; mstat-mark after'
is "has marks of its own" "$(marks inner.mstat | cut -f 2)" inner
is "and the outer one its own" "$(marks outer.mstat | cut -f 2)" $'before\nafter'

# ---- no place for the file -----------------------------------------------------------------------

cp "$BIN/mstat" "$BIN/mstat-mark" . && cp "$LIB/libmstat.so" .
if unshare -m true 2>/dev/null; then
	run unshare -m bash -c 'for d in /tmp /run /dev/shm /var/tmp; do mount -t tmpfs -o ro none $d || exit 9; done
		exec env ./mstat -q -preload none -o placeless.mstat -- sh -c "echo x >>\"\$MSTAT_MARK\" && ./mstat-mark y && echo \"\$MSTAT_MARK\""'
	is "no folder for the file: scripts run the same" "$status $out$err" "0 /dev/null"
	like "and the record says it" "$(mstat-decode -what events placeless.mstat | column text)" 'marks are not recorded'
else
	skip "no folder for the file" "no mount namespace for us"
fi

# ---- phases and their peaks ----------------------------------------------------------------------

cat >script <<'EOF'
mstat-mark big
"$TARGETS/collect_hold" 50 0 0 "$PWD/ready" "$PWD/go"
mstat-mark small
"$TARGETS/collect_hold" 10 0 0 "$PWD/ready2" "$PWD/go2"
mstat-mark middle
"$TARGETS/collect_hold" 30 0 0 "$PWD/ready3" "$PWD/go3"
EOF
mib() { awk -v bytes="$1" 'BEGIN { print bytes == "" ? "none" : bytes / 1048576 }'; }
between() { awk -v v="$(mib "$1")" -v low="$2" -v high="$3" 'BEGIN { exit !(v >= low && v <= high) }'; }
sampled() { [ "$(mstat-decode peaks.mstat 2>/dev/null | column rss | tail -n 1)" -ge $(($1 << 20)) ]; }
# holds NAME MIB GO: when the mark is in the record, so that all of it is in that phase
holds() {
	ok "$1 begins" wait_for 30 told peaks.mstat "$1"
	touch "$3"
	ok "$1 holds $2 MiB" wait_for 30 sampled "$2"
	rm "$3"
}
start mstat -v -freq 59 -o peaks.mstat -- bash script
mstat=$started
holds big 50 go
holds small 10 go2
holds middle 30 go3
wait "$mstat"
printed=$(<"$TMP/started.err")
has_cgroup "$TMP/started.err" || echo "# no cgroup here: $(head -n 3 "$TMP/started.err")"
# v1 can reset it; v2 from 6.12.
kind=exact
release=$(uname -r)
[ "$(cgroup_of "$TMP/started.err")" ] || kind=sampled
if ! grep -q '^mstat: using cgroups mode: .*v1' "$TMP/started.err" && [[ $release =~ ^([0-9]+)\.([0-9]+) ]] &&
	[ $((BASH_REMATCH[1] * 100 + BASH_REMATCH[2])) -lt 612 ]; then kind=sampled; fi
# What comes before the first mark may lie between two ticks.
is "peaks are $kind" "$(mstat-decode -what phases peaks.mstat | column peak_kind | grep . | sort -u)" $kind
for expect in 'big 50 56' 'small 10 16' 'middle 30 36'; do
	read -r name low high <<<"$expect"
	peak=$(phase peaks.mstat "$name" peak_bytes)
	ok "$name: its own peak ($(mib "$peak") MiB)" between "$peak" "$low" "$high"
	at=$(phase peaks.mstat "$name" peak_time_ns)
	ok "$name: at a time within it" test "$at" -ge "$(phase peaks.mstat "$name" start_ns)" -a \
		"$at" -le "$(phase peaks.mstat "$name" end_ns)"
	like "$name: in the summary" "$printed" $'\n  phase      '"$name"': [0-9.]+ MiB '$kind', [0-9.]+ s to [0-9.]+ s'
done
if has_cgroup "$TMP/started.err" && [ -n "$(summary peaks.mstat peak_exact_bytes)" ]; then
	ok "the run's own exact peak is the highest of all" between "$(summary peaks.mstat peak_exact_bytes)" 50 58
	[ $kind = sampled ] || is "which was that phase's" "$(summary peaks.mstat peak_exact_bytes)" "$(phase peaks.mstat big peak_bytes)"
	ok "and in the ticks it never falls" sort -c -n <(mstat-decode peaks.mstat | column peak_bytes | grep .)
else
	skip "the run's own exact peak" "no cgroup, or a kernel without one"
fi
