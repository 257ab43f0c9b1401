#!/bin/bash
# SPDX-License-Identifier: ISC
# mstat-get: the memory of processes that run already, against what /proc tells to others.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

# field NAME: the value of it in the line of all
field() { tail -n 1 <<<"$out" | awk -v name="$1" '{ for (i = 1; i < NF; i++) if ($i == name) { print $(i + 1); exit } }' | tr -d ';'; }
# of FILE KEY PID...: the sum of it in those processes' files, in bytes
of() (
	file=$1 key=$2
	shift 2
	cd /proc && awk -v key="$key:" '$1 == key { sum += $2 } END { printf "%.0f\n", sum * 1024 }' "${@/%//$file}"
)
hold() {
	: >go
	rm -f ready
	start "$TARGETS/collect_hold" "$1" 0 "$2" "$PWD/ready" "$PWD/go"
	wait_for 20 test -e ready
}
children() { ps -o pid= --ppid "$1" | xargs; }

# ---- one process, and its children ---------------------------------------------------------------

hold 40 3
read -ra kids <<<"$(children "$started")"
is "there are three children" "${#kids[@]}" 3
exits "a process" 0 mstat-get -bytes -peak "$started"
is "nothing on stderr" "$err" ""
is "on one line" "$(wc -l <<<"$out")" 1
is "its RSS" "$(field RSS)" "$(of status VmRSS "$started")"
within "its PSS" "$(field PSS)" "$(of smaps_rollup Pss "$started")" 1
is "its anonymous memory" "$(field anon)" "$(of status RssAnon "$started")"
within "which is what it holds" "$(field anon)" $((40 << 20)) 3
is "of files" "$(field file)" "$(of status RssFile "$started")"
is "shared" "$(field shmem)" "$(of status RssShmem "$started")"
is "swapped out" "$(field swap)" "$(of status VmSwap "$started")"
is "the highest RSS" "$(field peak)" "$(of status VmHWM "$started")"
is "one process" "$(field processes)" 1
exits "without -peak and -bytes" 0 mstat-get "$started"
like "it is for people" "$out" '^PSS [0-9.]+ MiB  RSS 4[0-9.]+ MiB  swap [0-9.]+ K?i?B  anon 4[0-9.]+ MiB  file [0-9.]+ [KM]iB  shmem 0 B  processes 1$'

exits "with its children" 0 mstat-get -r -bytes "$started"
is "four processes" "$(field processes)" 4
is "the sum of RSS" "$(field RSS)" "$(of status VmRSS "$started" "${kids[@]}")"
within "the sum of PSS, in which shared pages count once" "$(field PSS)" "$(of smaps_rollup Pss "$started" "${kids[@]}")" 1
within "which is what they hold together" "$(field PSS)" $((40 << 20)) 5
exits "with few descriptors" 0 bash -c "ulimit -n 36 && exec mstat-get -r -bytes $started"
is "it is the same" "$(field processes) $(field RSS)" "4 $(of status VmRSS "$started" "${kids[@]}")"
exits "several by name, one of them twice" 0 mstat-get -bytes "$started" "${kids[0]}" "${kids[0]}"
is "count once each" "$(field processes)" 2
is "and are added up" "$(field RSS)" "$(of status VmRSS "$started" "${kids[0]}")"

exits "-v" 0 mstat-get -v -r -bytes "$started"
is "has a row for each, as a tree" "$(awk 'NR > 1 && !/processes/ { print $1, substr($0, length($0) - 13) }' <<<"$out")" \
	"$started   collect_hold
$(printf '%s   collect_hold\n' "${kids[@]}")"
is "of children indented" "$(grep -c '[0-9s]    collect_hold$' <<<"$out")" 3
exits "the flags in one word" 0 mstat-get -rv "$started"
is "mean the same" "$(wc -l <<<"$out")" 6

# ---- what cannot be read ------------------------------------------------------------------------

true &
gone=$!
wait "$gone"
exits "none of them is there" 1 mstat-get "$gone"
is "and that is said" "$out$err" "mstat-get: PID $gone: gone"
exits "one of them is not there" 3 mstat-get -bytes "$gone" "$started"
is "is said" "$err" "mstat-get: PID $gone: gone"
is "and the rest is told" "$(field processes)" 1
exits "-v" 3 mstat-get -v "$gone" "$started"
like "says it in its row" "$out" $'\n *'"$gone( +-){6,7}  "$'\\(gone\\)\n'
bash -c 'true & echo $! >zombie; exec sleep 100' &
parent=$!
wait_for 10 grep -qs '^State:.Z' "/proc/$(wait_for 10 test -s zombie; cat zombie)/status"
exits "one that was not waited for" 1 mstat-get "$(cat zombie)"
like "is gone" "$err" ': gone$'
exits "nor does it count among the children" 0 mstat-get -r "$parent"
like "in any way" "$out" 'processes 1$'
kill "$parent"
if [ -d /proc/2 ] && grep -q '^Kthread:.1' /proc/2/status 2>/dev/null; then
	exits "a kernel thread" 1 mstat-get 2
	is "has no memory" "$out$err" "mstat-get: PID 2: kernel thread"
else
	skip "a kernel thread" "none is to be seen here"
fi
if [ "$(id -u)" = 0 ]; then
	exits "for a user PSS of others is unknown" 3 setpriv --reuid=54321 --clear-groups "$(command -v mstat-get)" -bytes -r "$started"
	is "not 0" "$(field PSS)" -
	is "but RSS is known" "$(field RSS)" "$(of status VmRSS "$started" "${kids[@]}")"
	like "and that is said" "$out" 'processes 4; lacks PSS of 4 processes \(not permitted\)$'
	setpriv --reuid=54321 --clear-groups sleep 100 &
	theirs=$!
	wait_for 10 grep -q '^Uid:.54321' "/proc/$theirs/status"
	exits "of two of them one" 3 setpriv --reuid=54321 --clear-groups "$(command -v mstat-get)" -bytes "$started" "$theirs"
	like "lacks its PSS" "$out" 'processes 2; lacks PSS of 1 process \(not permitted\)$'
	within "and the other's is told" "$(field PSS)" "$(of smaps_rollup Pss "$theirs")" 20
	kill "$theirs"
	setpriv --groups "$(seq -s, 2000000001 2000003000)" sleep 100 &
	grouped=$!
	wait_for 10 grep -q '^Groups:.*2000003000' "/proc/$grouped/status"
	exits "one with thousands of groups" 0 mstat-get -bytes "$grouped"
	is "is read" "$(field RSS)" "$(of status VmRSS "$grouped")"
	kill "$grouped"
	for hide in 1 2; do
		run unshare -mpf --mount-proc sh -c "mount -t proc -o hidepid=$hide proc /proc && echo mounted
			setpriv --reuid=54321 --regid=54321 --clear-groups '$(command -v mstat-get)' 1
			exit \$?"
		if [ "$out" = mounted ]; then
			is "a process that is hidden (hidepid=$hide) is not said to be gone" "$err $status" "mstat-get: PID 1: not permitted 1"
		else
			skip "a process that is hidden" "no /proc of our own can be mounted"
		fi
	done
else
	skip "for a user PSS of others is unknown" "not root"
fi

# A name that would clear the screen.
cp "$(command -v sleep)" $'a\e[2Jb'
./$'a\e[2Jb' 100 &
foreign=$!
wait_for 10 grep -q '2Jb' "/proc/$foreign/comm"
exits "a foreign name" 0 mstat-get -v "$foreign"
like "is shown harmless" "$out" '  a\\x1b\[2Jb'
kill "$foreign"

# ---- again and again ----------------------------------------------------------------------------

last=$started
mstat-get -w -n 0.02 -r -bytes "$last" >watched 2>errors &
watch=$!
shows_four() { [ "$(grep -c 'processes 4$' watched)" -ge 3 ]; }
wait_for 10 shows_four
rm go
wait "$watch"
is "-w ends with the processes" "$?" 0
is "and says nothing else" "$(cat errors)" ""
is "each line has its time" "$(grep -vcE '^[0-9]+\.[0-9]{3} s  PSS ' watched)" 0
ok "there were some" test "$(wc -l <watched)" -ge 3
is "none is without a process" "$(grep -c 'processes 0' watched)" 0
stop "$last"

sleep 100 &
sleeper=$!
mstat-get -w "$sleeper" >interrupted &
watch=$!
wait_for 10 test -s interrupted
kill -INT "$watch"
wait "$watch"
is "-w ends on SIGINT" "$?" 0
ok "the process does not" kill -0 "$sleeper"
exits "-w of what is not there" 1 mstat-get -w "$gone"
is "ends at once" "$err" "mstat-get: PID $gone: gone"
exits "a reader that goes away" 0 timeout 20 bash -c "mstat-get -w -n 0.01 $sleeper | head -n 1"
is "is no error" "$err" ""
exits "a full disk" 1 sh -c "exec mstat-get $sleeper >/dev/full"
like "is one" "$err" '^mstat-get: standard output: No space left'

up=$'\e[1A\r'
run "$TARGETS/launch_pty" -cols 30 "expect=0." "expect=$up" "expect=$up" "send=^C" -- mstat-get -w -n 0.05 "$sleeper"
like "on a terminal it is drawn in place" "$out" "s  PSS [^"$'\n'"]*"$'\e'"\\[K"$'\r'
like "and Ctrl-C ends it" "$out" 'status 0$'
line=${out%%$'\e[K'*}
is "no line wraps" "$(tr -d '\r' <<<"$line" | awk '{ print length }')" 29
many=()
for _ in {1..30}; do
	sleep 100 &
	many+=($!)
done
run "$TARGETS/launch_pty" -cols 200 "expect= more" "expect=processes 30" "send=^C" -- mstat-get -w -v "${many[@]}"
like "nor does it scroll" "$out" $'\n\.\.\. [0-9]+ more\e\\[K\r\n[0-9.]+ s  PSS .*processes 30\e\\[K\r\n'
is "of 24 lines" "$(tr '\n' ' ' <<<"${out%%$'\e[J'*}" | grep -o $'\e\\[K' | wc -l)" 23
kill "${many[@]}" "$sleeper"

# ---- what comes and goes ------------------------------------------------------------------------

# Two storms; in a pid namespace of 400 pids they take each other's, if that can be had.
cat >storms <<'END'
echo 400 >/proc/sys/kernel/pid_max
trap "rm -f go" EXIT
: >go
"$TARGETS/get_storm" inside 20 "$PWD/go" & inside=$!
"$TARGETS/get_storm" outside 20 "$PWD/go" &
until [ "$(cat "/proc/$inside/comm")" = inside ]; do sleep 0.01; done
mstat-get -r -v -w -n 0.002 "$inside" >rows 2>errors & watch=$!
until [ "$(grep -c processes rows)" -ge 300 ]; do sleep 0.02; done
rm go
wait $inside
wait $watch
echo "code $?" >code
wait
END
ours=()
[ "$(id -u)" = 0 ] && unshare -pf --mount-proc sh -c 'echo 400 >/proc/sys/kernel/pid_max' 2>/dev/null && [ "$(cat /proc/sys/kernel/pid_max)" != 400 ] &&
	ours=(unshare -pf --mount-proc)
if [ ${#ours[@]} = 0 ]; then sed -i 1d storms; fi
ok "a storm of forks" timeout 100 "${ours[@]}" bash storms
is "ends as it should" "$(cat code)" "code 0"
is "without a word" "$(cat errors)" ""
is "no process of others is among them" "$(grep -vcE ' (inside|name|processes [0-9]+)$' rows)" 0
ok "children are" test "$(awk '/processes/ && $NF > most { most = $NF } END { print most + 0 }' rows)" -ge 3
is "none is without memory" "$(grep -cE ' -  +[0-9c-].* inside$' rows)" 0

# ---- others -------------------------------------------------------------------------------------

sleep 100 &
sleeper=$!
wait_for 10 grep -q sleep "/proc/$sleeper/comm"
# It sleeps: it has given up the CPU once at least.
sleeps() { [ "$(sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' "/proc/$sleeper/status")" -ge 1 ]; }
wait_for 10 sleeps
run mstat-get -taskstats "$sleeper"
if [ "$status" = 0 ]; then
	like "taskstats tell their version" "$out" "^taskstats of $sleeper: version [0-9]+, [0-9]+ bytes"$'\n'
	like "all fields" "$out" $'\nac_comm +sleep +-\n.*\nhiwater_rss +[1-9][0-9]* +-  KiB\n.*\nnvcsw +[1-9][0-9]* +[1-9]'
	# It waits for a CPU that it shares with another one.
	waits=()
	for _ in 1 2; do
		taskset -c 0 sh -c 'while :; do :; done' &
		waits+=("$!")
	done
	waited() { mstat-get -v "${waits[0]}" | grep -qE ' cpu=[0-9]+\.[0-9]{3}s[,a-z=0-9.]*  sh$'; }
	ok "-v tells what a process has waited for" wait_for 30 waited
	kill "${waits[@]}"
	name=delays
	[ "$(cat /proc/sys/kernel/task_delayacct 2>/dev/null || echo 1)" = 1 ] || name='delays\(cpu-only\)'
	like "and whether that is all" "$(mstat-get -v "$sleeper")" "  $name  name"$'\n.*  (0|[a-z]+=[^ ]*)  sleep\n'
	exits "of one that is gone" 1 mstat-get -taskstats "$gone"
	is "it is said" "$err" "mstat-get: PID $gone: gone"
	if [ "$(id -u)" = 0 ]; then
		exits "without the capability" 1 setpriv --reuid=54321 --clear-groups "$(command -v mstat-get)" -taskstats "$sleeper"
		is "that is said" "$out$err" "mstat-get: PID $sleeper: taskstats take CAP_NET_ADMIN in the initial user namespace"
		unlike "and -v has no such column" "$(setpriv --reuid=54321 --clear-groups "$(command -v mstat-get)" -v "$sleeper")" delays
	fi
else
	like "taskstats are not to be had, and why" "$err" '^mstat-get: PID [0-9]+: (taskstats take CAP_NET_ADMIN|this kernel)'
fi
group=$(grep -E '^[0-9]+:([^:]*,)?memory[:,]' /proc/self/cgroup || grep '^0::' /proc/self/cgroup)
run mstat-get -bytes -cgroup "$group"
told=$out
if [ "$status" = 0 ]; then
	folder=$(sed -n 's/^cgroup  *//p' <<<"$told")
	ok "the cgroup's folder" test -e "$folder/cgroup.procs"
	is "its path is enough" "$(mstat-get -cgroup "${group##*:}" | head -n 1)" "${told%%$'\n'*}"
	is "and its folder, too" "$(mstat-get -cgroup "$folder" | head -n 1)" "${told%%$'\n'*}"
	like "its tasks by state" "$told" $'\nprocesses  *[1-9][0-9]*\ntasks running  *[0-9]+\ntasks sleeping  *[1-9]'
	for file in memory.usage_in_bytes memory.current; do
		[ ! -e "$folder/$file" ] || within "its usage" "$(sed -n 's/^usage  *//p' <<<"$told")" "$(cat "$folder/$file")" 30
	done
else
	skip "a cgroup" "$err"
fi
exits "no cgroup" 1 mstat-get -cgroup /nowhere/at/all
like "is none" "$err" '^mstat-get: /nowhere/at/all: (no such cgroup|not )'
kill "$sleeper"

exits "help" 0 mstat-get -help
exits "or so" 0 mstat-get -h
like "tells how it is used" "$out" '^usage: mstat-get'
exits "version" 0 mstat-get -version
like "tells it" "$out" '^mstat-get [0-9]'
for line in "" "-x 1" "-rx 1" "0" "1x" "1 -v" "-n 0 1" "-n 1" "-taskstats" "-cgroup / 1" "-pea 1"; do
	read -ra words <<<"$line"
	exits "usage: $line" 2 mstat-get "${words[@]}"
	is "is said on one line" "$(grep -c '^mstat-get: ' <<<"$err")$out" 1
done
