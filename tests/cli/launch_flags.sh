#!/bin/bash
# SPDX-License-Identifier: ISC
# The command line: one clear line and 125 for what is wrong in it.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"

# wrong MESSAGE ARGUMENT...
wrong() {
	local message=$1
	shift
	exits "$*" 125 mstat "$@"
	is "$*: one line" "$out$err" "mstat: $message"
}
wrong "no program given; see mstat -h"
wrong "no program given; see mstat -h" --
wrong "no program given; see mstat -h" -freq 59
wrong "unknown flag: -x; see mstat -h" -x true
wrong "unknown flag: --fre; see mstat -h" --fre 59 true
wrong "unknown flag: -frequency=59; see mstat -h" -frequency=59 true
wrong "unknown flag: ---freq; see mstat -h" ---freq 59 true
wrong "unknown flag: -vq; see mstat -h" -vq true
wrong "unknown flag: -ofile; see mstat -h" -ofile true
wrong "flag needs a value: -o" -o
wrong '-o: "" is not a file'"'"'s name' -o '' true
for freq in 0 -1 1e9 abc 1001 '' 10x 1.5 99999999999999999999; do
	wrong "-freq: \"$freq\" is not a whole number from 1 to 1000" -freq "$freq" true
	wrong "-freq: \"$freq\" is not a whole number from 1 to 1000" -freq="$freq" true
done
wrong '-env: "NAME" is not NAME=VALUE' -env NAME true
wrong '-env: "=x" is not NAME=VALUE' -env =x true
wrong '-preload: "" is not a library'"'"'s path, or none' -preload= true
wrong '-v: "maybe" is not true or false' -v=maybe true
wrong '-pss-stall: "10" is not a time such as 10ms' -pss-stall 10 true
wrong '-pss-budget: "1" is not a part of a CPU such as 1%' -pss-budget 1 true
is "nothing was made for them" "$(ls)" $'err\nout'

freq() { mstat-decode -what summary run.mstat | awk -F '\t' '$1 == "freq" { print $2 }'; }
for flags in '-freq 59' '-freq=59' '--freq 59' '--freq=59' '-freq 7 -freq 59'; do
	# shellcheck disable=SC2086
	ok "$flags" mstat -q $flags -o run.mstat true
	is "$flags: is in the record" "$(freq)" 59
done
ok "no -freq" mstat -q -o run.mstat true
is "no -freq: the default" "$(freq)" 10
exits "flags stop at the program" 0 mstat -q -o run.mstat echo -v -- -o x
is "and the rest is the program's" "$out" "-v -- -o x"
exits "flags stop at --" 0 mstat -q -o run.mstat -- echo -- -v
is "which is taken once" "$out" "-- -v"
exits "a program that looks like a flag" 127 mstat -q -- -v
is "is a program" "$err" "mstat: -v: not found in PATH"
exits "a bool takes no next word" 127 mstat -q -v false-is-no-program
exits "-q=false" 0 mstat -q=false -o run.mstat true
like "-q=false says the summary" "$err" '^mstat: true: '
exits "-env, many" 0 mstat -q -o run.mstat -env A=1 --env=B=2=3 -env A=4 -env C= -- \
	sh -c 'echo "$A $B ${C-unset} $HOME"'
is "-env, many: the last one counts" "$out" "4 2=3  $HOME"
exits "-h" 0 mstat -h
like "-h tells of all flags" "$out" 'Usage: mstat.*-o FILE.*-freq HZ.*-env K=V.*-preload.*-live.*-v .*-q .*-version.*-h '
is "on stdout" "$err" ''
for flag in --help -help --h; do exits "$flag" 0 mstat $flag; done
exits "-version" 0 mstat -version
like "-version" "$out$err" '^mstat [0-9]+\.[0-9]+\.[0-9]+$'
