#!/bin/bash
# SPDX-License-Identifier: ISC
# What mstat ends with; what it says of a program that cannot be run, and leaves of it.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

signals=$TARGETS/launch_signals
lines() { wc -l <<<"$1"; }

exits "a success" 0 mstat -o run.mstat -- true
exits "a program's own exit code" 7 mstat -o run.mstat -- sh -c 'echo out; echo err >&2; exit 7'
is "its stdout" "$out" out
like "its stderr, and the summary" "$err" $'^err\nmstat: sh: exit status 7 after [0-9.]+ s\n'
like "the record of a failing program is kept" "$(mstat-decode -what summary run.mstat)" $'\nexit_status\t'
exits "125 of the program's own is passed on" 125 mstat -q -o run.mstat -- sh -c 'exit 125'

exits "128 and the signal" 143 mstat -o run.mstat -- "$signals" 15
like "the signal is told" "$err" 'ended by signal 15 \(Terminated\) after'
exits "killed" 137 mstat -q -o run.mstat -- "$signals" 9
cores() (ulimit -S -c hard && "$@")
cd "$TMP" && exits "dumped" 139 cores mstat -o run.mstat -- "$signals" 11
like "the signal is told" "$err" 'ended by signal 11 \(Segmentation fault\)(, core dumped)? after'
ok "the record of a killed program is whole" mstat-decode run.mstat

rm -f -- * .m*
exits "a program not in PATH" 127 mstat -- no-such-program
is "one line says so" "$err" "mstat: no-such-program: not found in PATH"
exits "a file that is not there" 127 mstat -- ./nope
is "one line says so" "$err" "mstat: ./nope: No such file or directory"
echo 'exit 9' >plain
exits "a file that is not executable" 126 mstat -o run.mstat -- ./plain
is "one line says so" "$err" "mstat: ./plain: Permission denied"
exits "a folder" 126 mstat -- /
is "one line says so" "$err" "mstat: /: Is a directory"
exits "below a file" 126 mstat -- ./plain/prog
is "one line says so" "$err" "mstat: ./plain/prog: Not a directory"
long=$(printf '%4096s' '' | tr ' ' x)
exits "a path of 4 KiB" 126 mstat -- "./$long"
like "one line says so" "$err" '^mstat: ./x+: File name too long$'
exits "an empty name" 125 mstat -- ''
is "one line says so" "$(lines "$err")" 1
is "nothing was made for them" "$(ls -A)" $'err\nout\nplain'

chmod +x plain
exits "a script without #!" 9 mstat -q -o run.mstat -- ./plain
printf '#!/no/such/interpreter\n' >script
chmod +x script
echo kept >before.mstat
exits "a script whose interpreter is missing" 126 mstat -q -o new.mstat -- ./script
is "one line says so" "$err" \
	"mstat: ./script: its interpreter is missing (the one after #!, or the program's loader)"
ok "no record is left of what never ran" test ! -e new.mstat
exits "nor one with a name of ours" 126 mstat -q -- ./script
is "nothing at all" "$(find . -name '*script*' ! -name script -o -name '.mstat*')" ""
ln -s nowhere link.mstat
exits "a dangling link as output of what never ran" 126 mstat -q -o link.mstat -- ./script
ok "stays a link" test -L link.mstat
exits "a program not found leaves an older record alone" 127 mstat -q -o before.mstat -- ./nope
is "it is as it was" "$(cat before.mstat)" kept

mkdir -p first second
cp plain first/tool && chmod -x first/tool
printf '#!/bin/sh\nexit 4\n' >second/tool && chmod +x second/tool
mkdir -p first/other && cp second/tool second/other
exits "PATH is searched past what cannot be executed" 4 env PATH="$PATH:$TMP/first:$TMP/second" mstat -q -- tool
exits "and past folders" 4 env PATH="$PATH:$TMP/first:$TMP/second" mstat -q -- other
exits "but it is told of, where there is no other" 126 env PATH="$PATH:$TMP/first" mstat -q -- tool
exits "-env PATH is where the program is looked for" 4 mstat -q -env PATH="$TMP/second" -- tool
exits "without PATH there is the system's" 0 env -u PATH "$BIN/mstat" -q -o run.mstat -- true
exits "without any environment too" 0 env -i "$BIN/mstat" -q -o run.mstat -- true

# No cgroup and no folder of a socket is left behind by those that never ran.
left() { find /sys/fs/cgroup -maxdepth 6 -name "mstat-$1-*" 2>/dev/null; }
start mstat -q -- ./script
wait "$started"
is "no cgroup is left" "$(left "$started")" ""
