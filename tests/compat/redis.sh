# shellcheck shell=bash disable=SC2034,SC2016
# SPDX-License-Identifier: ISC
# A server and its clients, its forks for snapshots and rewrites, a replica, and ways to end. What is
# compared is the data, and the exit statuses.
# packages: redis-tools
# timeout: 300
compat_version() { echo "redis $(_redis_server --version | tr ' ' '\n' | sed -n 's/^v=//p')"; }

# The package redis-tools has the server under another name.
_redis_server() { (exec -a redis-server redis-check-rdb "$@"); }
_redis() { redis-cli -s "$PWD/$1.sock" "${@:2}"; }
_redis_until() {
	local n
	for ((n = 0; n < 1000; n++)); do
		"$@" && return 0
		sleep 0.02
	done
	return 1
}
_redis_says() { _redis "$1" "${@:3}" 2>/dev/null | grep -q "$2"; }
# _redis_start NAME FLAG...: $! is its pid
_redis_start() {
	mkdir -p "$1"
	(exec -a redis-server redis-check-rdb --port 0 --unixsocket "$PWD/$1.sock" --dir "$PWD/$1" --save '' \
		--enable-debug-command yes --aof-use-rdb-preamble yes "${@:2}") >>"$1.log" 2>&1 &
	_redis_until _redis_says "$1" PONG ping
}
# $ended is how it ended
_redis_end() {
	wait "$1" 2>>waits.log
	ended=$?
}
_redis_data() { _redis "$1" debug digest; }
_redis_fill() {
	seq 1 20000 | awk '{
		printf "SET key:%d %s-%d\r\n", $1, "value", $1 * 7919 % 10007
		printf "HSET hash:%d field%d %d\r\n", $1 % 100, $1, $1 * 31
		printf "ZADD board %d member:%d\r\n", $1 * 7919 % 10007, $1
		printf "RPUSH list:%d %d\r\n", $1 % 10, $1
		printf "SADD set:%d %d\r\n", $1 % 13, $1
		printf "XADD stream %d-1 n %d\r\n", $1, $1
	}' | _redis "$1" --pipe | tail -n 1
}

compat_cases() {
	local pid replica ended
	_redis_start one --appendonly yes --appendfsync always
	case_is "the server starts" $?
	pid=$!
	case_is "20,000 lines of each kind" "$(_redis_fill one)"
	redis-benchmark -q -s "$PWD/one.sock" -n 20000 -c 20 -P 4 -t ping,set,get,incr,lpush,rpop,sadd,hset,spop,zadd,lrange_100,mset \
		>benchmark 2>&1
	case_is "redis-benchmark" $?
	case_is "redis-benchmark's counter" "$(_redis one get counter:__rand_int__)"
	case_is "redis-benchmark's list" "$(_redis one llen mylist)"
	case_is "a script" "$(_redis one eval 'local s = 0; for i = 1, 20000 do s = s + #redis.call("get", "key:" .. i) end; return s' 0)"
	case_is "a script that runs too long is killed" "$(_redis one config set busy-reply-threshold 50 && {
		_redis one eval 'while true do end' 0 >script 2>&1 &
		_redis_until _redis_says one 'BUSY' ping
		_redis one script kill
		wait $!
		cut -c 1-60 script
	})"
	_redis one subscribe news >heard &
	_redis_until _redis_says one '^1$' pubsub numsub news
	case_is "a message" "$(_redis one publish news hello)"
	_redis_until grep -q hello heard
	kill $! && wait $! 2>>waits.log
	case_is "a message is heard" "$(cat heard)"
	case_is "data before it is saved" "$(_redis_data one)"

	case_is "bgsave" "$(_redis one bgsave)"
	_redis_until _redis_says one rdb_bgsave_in_progress:0 info persistence
	case_is "bgsave's end" "$(_redis one info persistence | grep -E '^rdb_(last_bgsave_status|saves)' | tr -d '\r')"
	redis-check-rdb one/dump.rdb >check 2>&1
	case_is "redis-check-rdb" $?
	case_is "bgrewriteaof" "$(_redis one bgrewriteaof)"
	_redis_until _redis_says one aof_rewrite_in_progress:0 info persistence
	case_is "bgrewriteaof's end" "$(_redis one info persistence | grep -E '^aof_(last_bgrewrite_status|last_write_status|rewrites)' | tr -d '\r')"

	_redis_start two --unixsocket "$PWD/two.sock" --port 0 --io-threads 4 --io-threads-do-reads yes --repl-diskless-load disabled
	replica=$!
	case_is "data of a server with io threads" "$(
		_redis_fill two
		redis-benchmark -q -s "$PWD/two.sock" -n 20000 -c 20 -P 4 -t incr >>benchmark 2>&1
		_redis two get counter:__rand_int__
		_redis_data two
	)"
	case_is "memory is defragmented, or not possible" "$(_redis two memory purge)"
	_redis two shutdown nosave
	_redis_end $replica
	case_is "SHUTDOWN NOSAVE" "$ended $(find two -name dump.rdb)"

	kill -9 $pid
	_redis_end $pid
	case_is "kill -9" "$ended"
	_redis_start one --appendonly yes --appendfsync always
	pid=$!
	case_is "nothing is lost by kill -9 with fsync always" "$(_redis_until _redis_says one '^[1-9]' dbsize; _redis_data one)"
	_redis one shutdown save
	_redis_end $pid
	case_is "SHUTDOWN SAVE" "$ended"

	_redis_start one --appendonly no
	pid=$!
	case_is "data from the snapshot" "$(_redis_data one)"
	kill -TERM $pid
	_redis_end $pid
	case_is "SIGTERM" "$ended"
	_redis_start one --appendonly no
	pid=$!
	_redis one debug segfault >>waits.log 2>&1
	_redis_end $pid
	case_is "SIGSEGV is reported, and ends it" "$ended $(grep -c 'REDIS BUG REPORT START' one.log)"
	_redis_replicas
}

# A replica takes its data from a fork of the master.
_redis_replicas() {
	local port=$((20000 + $$ % 10000)) master replica ended ended_first
	for ((; port < 32000; port++)); do
		_redis_start three --port $port --repl-diskless-sync no && break
	done
	master=$!
	_redis_fill three >/dev/null
	_redis_start four --replicaof 127.0.0.1 $port
	replica=$!
	_redis_until _redis_says four master_link_status:up info replication
	_redis three set after link >/dev/null
	case_is "the replica follows" "$(_redis three wait 1 10000)"
	case_is "the master's data" "$(_redis_data three)"
	case_is "the replica's data" "$(_redis_data four)"
	_redis three config set repl-diskless-sync yes >/dev/null
	_redis three config set repl-diskless-sync-delay 0 >/dev/null
	_redis four replicaof no one >/dev/null
	_redis four flushall >/dev/null
	_redis four replicaof 127.0.0.1 $port >/dev/null
	_redis_until _redis_says four master_link_status:up info replication
	case_is "the replica's data, without a file between" "$(_redis_until _redis_says three '^1$' wait 1 1000; _redis_data four)"
	_redis four shutdown nosave
	_redis three shutdown nosave
	_redis_end $replica
	ended_first=$ended
	_redis_end $master
	case_is "both end" "$ended_first $ended"
}
