#!/bin/bash
# SPDX-License-Identifier: ISC
# A user who may make no cgroup: one line says so, and the rest goes on.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

[ "$(id -u)" = 0 ] || skip_all "only root can become a user"
# The source tree may lie where no user may look.
mkdir bin lib work && cp "$BIN/mstat" bin && cp "$LIB/libmstat.so" lib && chmod -R a+rX "$TMP" && chmod 777 work
cd work || exit 1
as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/ "$@"; }

exits "the program runs" 5 as_user ../bin/mstat -freq 50 -o run.mstat -- sh -c 'sleep 0.3 & sleep 0.3; wait; exit 5'
like "one line says that there is no cgroup" "$err" $'^mstat: no cgroup: [^\n]*\nmstat: sh: exit status 5'
like "the processes are sampled" "$err" $'\n  processes  3 in all: 3 inside'
like "the peak is that of the samples" "$err" $'\n  peak       [0-9.]+ [KM]iB sampled, at'
ok "the run file is whole" mstat-decode run.mstat
is "its first columns" "$(head -n 1 <<<"$out" | cut -f 1-3)" $'time\trss\tkernel'
# column NAME: its values in $out, empty ones too
column() {
	awk -F '\t' -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i; next } { print $at }' "$TMP/out"
}
is "rss is the sum of RSS" "$(column rss)" "$(column sum_rss_bytes)"
like "which is known" "$(column rss)" $'(^|\n)[1-9][0-9]{5,}\n'
is "what only a cgroup tells is empty" "$(column kernel | sort -u)$(column anon_bytes | sort -u)" ''
exits "as a table" 0 as_user ../bin/mstat -freq 50 -q -o run.tsv -- sleep 0.3
is "as a table: -q says nothing" "$err" ''
cp run.tsv "$TMP/out"
is "as a table: rss is the sum of RSS" "$(column rss)" "$(column sum_rss_bytes)"
like "as a table: which is known" "$(column rss)" $'(^|\n)[1-9][0-9]{5,}\n'
exits "-v" 0 as_user ../bin/mstat -v -q -o run.mstat -- true
like "-v tells the mode all the same" "$err" '^mstat: using cgroups mode: '
chmod 755 .
exits "a folder that is not writable" 125 as_user ../bin/mstat -q -- touch /dev/null
is "a folder that is not writable: one line" "$err" \
	"mstat: no run file can be made in this folder: Permission denied; -o names another"
exits "an output that is not writable" 125 as_user ../bin/mstat -q -o run.mstat.new -- touch /dev/null
is "an output that is not writable: one line" "$err" "mstat: run.mstat.new: Permission denied"
cp "$(type -P true)" set-id && chown root:root set-id && chmod 6755 set-id
chmod 777 .
run as_user ../bin/mstat -o run.mstat -- ./set-id
like "a set-user-ID program" "$err" $'\nmstat: ./set-id: not sampled from inside: it is set-user-ID or set-group-ID\n'
