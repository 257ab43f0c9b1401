#!/bin/bash
# SPDX-License-Identifier: ISC
# A server one of whose handlers leaks: the profile names it, and tells how much; whether the server
# ends by itself or is killed.
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

command -v python3 >/dev/null || skip_all "no python3"
cat >client.py <<'END_OF_CLIENT'
# Four at once ask the server, in an order that is always the same. Prints what was uploaded, in bytes.
import random, socket, sys, threading

def client(number, path, uploaded):
    server, chance, total = socket.socket(socket.AF_UNIX), random.Random(number), 0
    server.connect(path)
    answers = server.makefile("r")
    for _ in range(2000):
        what, n = chance.choice((("upload", chance.randrange(1, 150000)), ("report", chance.randrange(1, 100)),
                                 ("login", chance.randrange(1, 20000)), ("ping", chance.randrange(1, 1000))))
        server.sendall(f"{what} {n}\n".encode() + (b"\3" * n if what == "upload" else b""))
        want = 3 * n if what == "upload" else n
        if what == "report":
            want = sum(len(f"{i}: of {n}\n") for i in range(n))
        assert int(answers.readline()) == want, (what, n, want)
        total += n if what == "upload" else 0
    uploaded.append(total)

uploaded = []
threads = [threading.Thread(target=client, args=(i, sys.argv[1], uploaded)) for i in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(uploaded) == 4
print(sum(uploaded))
END_OF_CLIENT

# serve CMD...: the server by it, and all that is asked of it; $started, and $out is what it has kept
serve() {
	rm -f socket
	begun=${EPOCHREALTIME/./}
	start "$@" "$TARGETS/heap_server" socket
	wait_for 20 test -S socket || return 1
	run python3 client.py socket
	[ "$status" = 0 ]
}

# The profile: it is the handler, with what it has kept.
leaks() {
	local bytes error others rows off
	exits "$1: the profile" 0 mstat-decode -what heap -at end run.mstat
	read -r bytes error < <(heap_told handle_upload <<<"$out")
	like "... names the line that allocates" "$out" ' handle_upload  [^ ]*heap_server\.c:[0-9]+'
	is "... before all other functions" "$(awk '/^ +flat /{ getline; print $12; exit }' <<<"$out")" handle_upload
	ok "... within 4 standard errors of what was kept: $bytes +- $error, of $kept" \
		awk -v got="$bytes" -v error="$error" -v want="$kept" 'BEGIN {
			off = got > want ? got - want : want - got; exit !(error > 0 && error < want / 10 && off < 4 * error) }'
	within "... as in the folded stacks" "$(heap_live handle_upload)" "$bytes" 1
	others=$(($(heap_live handle_login) + $(heap_live handle_report)))
	ok "... and the other handlers with next to nothing: $others" test "$others" -le $((8 << 20))
	read -r rows off < <(mstat-decode -what samples run.mstat |
		column rss_anon_bytes heap_live_bytes heap_inherited_bytes heap_slack_bytes heap_stacks_bytes heap_rest_bytes | awk -F '\t' '
		$4 == "" { next }
		{ rows++; off = $1 - $2 - $3 - $4 - $5 - $6; if (off < 0) off = -off; if (off > most) most = off }
		END { print rows + 0, most + 0 }')
	ok "... the parts of anonymous memory are told: in $rows rows" test "$rows" -gt 0
	is "... and add up to it" "$off" 0
}

ok "the server works" serve env
stop "$started"
is "... and ends by itself" "$status $(<started.out)" "0 ok"
want=$out kept=$out
ok "it works under mstat" serve mstat -q -freq 50 -heap -o run.mstat --
is "... likewise" "$out" "$want"
kill -TERM "$started"
wait "$started"
is "... and ends by itself" "$? $(<started.out)" "0 ok"
leaks "SIGTERM"

ok "it works once more" serve mstat -q -freq 50 -heap -o run.mstat --
# What it took since the last tick would not be told.
after=$(((${EPOCHREALTIME/./} - begun) * 1000))
told() { [ "$(mstat-decode -what samples run.mstat 2>/dev/null | column time_ns | tail -n 1)" -gt $after ]; }
ok "... all that it took is told" wait_for 20 told
pkill -KILL -P "$started" -x heap_server
wait "$started"
is "... and is killed" "$?" 137
leaks "kill -9"
