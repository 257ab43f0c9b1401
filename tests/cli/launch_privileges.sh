#!/bin/bash
# SPDX-License-Identifier: ISC
# An mstat that is set-user-ID, set-group-ID or has capabilities drops them before anything else.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"

[ "$(id -u)" = 0 ] || skip_all "only root can make such files"
chmod 755 "$TMP"
mkdir bin lib records
cp "$BIN/mstat" bin
cp "$LIB/libmstat.so" lib
chmod 777 records
findmnt -n -o OPTIONS -T . | grep -q nosuid && skip_all "the temporary folder is mounted nosuid"

as_user() { run setpriv --reuid=54321 --regid=54321 --clear-groups --inh-caps=-all "$@"; }
look='sed -n "s/^\(Uid\|Gid\|CapPrm\|CapEff\):[[:space:]]*//p" "/proc/$PPID/status" /proc/self/status | tr "\n\t" "; "; stat -c %u "/proc/$PPID/maps"; exit 5'
as_user bin/mstat -q -o records/run.mstat -- sh -c "$look"
want=$out
is "as a user has it" "$status $err" "5 "
like "all ids are the user's, no capability is there" "$want" '^(54321 54321 54321 54321;54321 54321 54321 54321;0+;0+;){2}54321$'

for how in 'chmod u+s' 'chmod g+s' 'chmod ug+s' 'setcap cap_net_admin,cap_sys_admin+ep'; do
	chmod 755 bin/mstat
	if ! $how bin/mstat 2>/dev/null; then
		skip "$how" "not to be had"
		continue
	fi
	as_user bin/mstat -q -o records/run.mstat -- sh -c "$look"
	is "$how: mstat and the program have nothing of it" "$status $out" "5 $want"
	like "$how: which is said in one line" "$err" '^mstat: its file is set-user-ID, .*: mstat drops them[^'$'\n'']*$'
	is "$how: the record is the user's" "$(stat -c %u records/run.mstat)" 54321
done
chmod 4755 bin/mstat
run bin/mstat -q -o records/root.mstat -- true
is "root's own call has nothing to drop" "$status $err" "0 "
