#!/bin/bash
# SPDX-License-Identifier: ISC
# A redis server under load, with a background save, ended by a signal.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

command -v redis-benchmark >/dev/null || skip_all "no redis-benchmark (Debian: redis-tools)"
# The package of the tools has the server, too, which goes by the name that it is called.
server=$(command -v redis-server || command -v redis-check-rdb) || skip_all "no redis-server"
ln -s "$server" redis-server
answers() { [ "$(redis-cli -s "$TMP/socket" ping 2>/dev/null)" = PONG ]; }
saved() { [ "$(redis-cli -s "$TMP/socket" info persistence | tr -d '\r' | sed -n 's/^rdb_bgsave_in_progress://p')" = 0 ]; }

# load CMD...: runs the server by it, and loads it; $said, $status
load() {
	rm -f dump.rdb
	start "$@" ./redis-server --port 0 --unixsocket "$TMP/socket" --dir "$TMP" --save '' --daemonize no
	server_pid=$started
	wait_for 20 answers || return 1
	redis-benchmark -s "$TMP/socket" -q -n 60000 -r 20000 -d 500 -c 20 -P 8 -t set,get,lpush >bench 2>&1
	redis-cli -s "$TMP/socket" bgsave >/dev/null
	wait_for 20 saved
	said=$(redis-cli -s "$TMP/socket" eval 'return {redis.call("ping"), redis.call("type", "mylist")}' 0)
	said+=" $(redis-cli -s "$TMP/socket" llen mylist)"
	[ "$(redis-cli -s "$TMP/socket" dbsize)" -gt 15000 ] && said+=" full"
	kill -TERM "$server_pid"
	wait "$server_pid"
	status=$?
}

load env
is "without mstat it works" "$status" 0
want=$said
ok "under mstat" load mstat -freq 59 -o redis.mstat --
is "it ends as without, by the signal that was passed on" "$status" 0
is "and has the same to say" "$said" "$want"
mstat-decode -what processes redis.mstat >processes.tsv
mstat-decode -what samples redis.mstat >samples.tsv
like "the server and its saving child were seen" "$(column comm how <processes.tsv | tr '\n' ' ')" 'redis-server.inside .*inside, fork'
ok "all threads are counted" test "$(column threads <samples.tsv | most)" -ge 4
ok "its data was held" test "$(column rss_bytes <samples.tsv | most)" -gt $((30 << 20))
is "nobody was refused, nothing dropped" "$(losses redis.mstat)" "0 0"
if exact=$(summary redis.mstat peak_exact_bytes) && [ -n "$exact" ]; then
	within "the sampled peak is near the exact one" "$(summary redis.mstat peak_sampled_bytes)" "$exact" 10
fi
