#!/bin/bash
# SPDX-License-Identifier: ISC
# The program finds everything as it would without mstat.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

show=$TARGETS/launch_show

# same DESC CMD...: what launch_show prints under CMD... is the same with mstat before it
same() {
	local desc=$1
	shift
	SHOW=$TMP/show "$@" "$show" 'an argument' '' && mv show without
	SHOW=$TMP/show "$@" mstat -q -o run.mstat -- "$show" 'an argument' '' && mv show with
	ok "$desc" diff without with
	ok "$desc: it was shown" grep -q '^argument 1: an argument$' without
	rm -f with without
}

# Bash cannot put a signal's disposition back that it found ignored; env can.
same "plainly" env
same "with signals ignored" env --ignore-signal=CHLD --ignore-signal=PIPE --ignore-signal=INT \
	--ignore-signal=HUP --ignore-signal=TERM --ignore-signal=XFSZ
same "with those ignored that are glibc's own" "$TARGETS/launch_ignore"
same "with signals blocked" env --block-signal=USR1 --block-signal=TERM --block-signal=CHLD --block-signal=INT
closed() { "$@" <&- >&- 2>&-; }
same "with its streams closed" closed
no_stdin() { "$@" <&-; }
same "with stdin closed" no_stdin
no_stdout() { "$@" >&-; }
same "with stdout closed" no_stdout
more_files() { "$@" 7>seven 9</dev/null >>"$TMP/appended" 2>&1; }
same "with files of its own, stdout and stderr one" more_files
few_files() (ulimit -S -n 64 && ulimit -c 0 && "$@")
same "with a lower limit of descriptors" few_files
own_umask() (umask 0777 && "$@")
same "with a umask" own_umask
same "with a nice value" nice -n 5
same "with no environment" env -i SHOW="$TMP/show" PATH="$PATH"

exits "an ignored SIGCHLD does not lose the exit status" 5 env --ignore-signal=CHLD mstat -q -- sh -c 'exit 5'
cd / && SHOW=$TMP/here mstat -q -o "$TMP/run.mstat" -- "$show"
cd "$TMP" || exit 1
ok "the folder is the caller's" grep -qx 'cwd /' here

# On a terminal.
# shellcheck disable=SC2086
terminal() { SHOW=$TMP/$1 "$TARGETS/launch_pty" "${@:3}" -- $2 "$show"; }
for who in job leader; do
	as=() && [ $who = leader ] && as=(-leader)
	terminal without '' "${as[@]}" >/dev/null
	terminal with 'mstat -q -o run.mstat --' "${as[@]}" >/dev/null
	# Groups have a process's number, and it leads no group that mstat leads; a terminal has one.
	for file in with without; do
		sed -E -i -e 's/^group .*//' -e 's/(autogroup).*//' -e "s,/dev/pts/[0-9]*,TTY," -e "s/^SHOW=.*//" $file
	done
	ok "on a terminal, as its $who" diff without with
	ok "on a terminal, as its $who: in the foreground" grep -qx 'terminal: foreground group 1' with
done
head -c 300000 /dev/urandom >random
mstat -q -o run.mstat -- cat <random >copied 2>errors
ok "stdin and stdout pass byte for byte" cmp random copied
is "stderr too" "$(cat errors)" ""
mstat -o run.mstat -- sh -c 'cat random >&2' >copied 2>errors
is "nothing of ours goes to stdout" "$(cat copied)" ""
ok "stderr begins with the program's" cmp -n 300000 random errors
like "and ends with the summary" "$(tail -c +300001 errors)" '^mstat: sh: exit status 0 after'

# Whoever waits for the end of a pipe does not wait for us.
mkfifo held kept
start bash -c "exec mstat -q -o run.mstat -- sh -c 'exec 8>&- >&-; read -r line <kept; exit 3' 8>held >held"
ok "a pipe ends when the program closes it" timeout 20 cat held
echo go >kept
wait "$started"
is "while it still runs" $? 3
