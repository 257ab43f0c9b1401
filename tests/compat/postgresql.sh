# shellcheck shell=bash disable=SC2034,SC2016
# SPDX-License-Identifier: ISC
# A cluster of its own, as an unprivileged user: many clients, parallel workers, timeouts by timers,
# cancelled and killed backends, dump and restore, and every way to stop.
# packages: postgresql
# timeout: 300
# long: yes
compat_version() { "$(_pg_bin)/postgres" --version; }

_pg_bin() { find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -n 1; }
# The server refuses to be root.
_pg() {
	local program=$1
	shift
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid postgres --regid postgres --clear-groups "$bin/$program" "$@"
	else
		"$bin/$program" "$@"
	fi
}
_pg_ctl() { _pg pg_ctl -D "$PWD/data" -w -s -l "$PWD/log" "$@"; }
# _sql DATABASE COMMAND...: each of them by itself
_sql() {
	local db=$1 command commands=()
	shift
	for command; do commands+=(-c "$command"); done
	_pg psql -X -A -t -q -h "$PWD" -d "$db" -U compat "${commands[@]}" 2>&1
}
# Neither keys that are new in each dump nor the order of rows that clients raced for.
_dump() { _pg pg_dump -h "$PWD" -U compat "$@" | sed '/^\\\(un\)\?restrict/d'; }
_sum() {
	local table
	for table in pgbench_accounts pgbench_branches pgbench_tellers things; do
		_sql "$1" "SELECT '$table', count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM $table t"
	done
	_sql "$1" "SELECT 'history', count(*), sum(delta), md5(string_agg(tid || '/' || bid || '/' || aid || '/' || delta, ',' ORDER BY tid, bid, aid, delta)) FROM pgbench_history"
}
# _pg_again HOW: what a start finds after that stop
_pg_again() {
	: >log
	_pg_ctl start
	echo "$? recovered: $(grep -c 'was not properly shut down' log)"
}

compat_setup() {
	if [ "$(id -u)" = 0 ]; then id postgres >/dev/null || return 1; fi
	[ -n "$(_pg_bin)" ]
}

compat_cases() {
	local bin pid
	bin=$(_pg_bin)
	[ "$(id -u)" != 0 ] || chown postgres .
	case_of initdb _pg initdb -D data -A trust -U compat --locale=C -E UTF8
	printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$PWD'" 'fsync = off' 'log_timezone = UTC' \
		'timezone = UTC' 'max_parallel_workers_per_gather = 4' 'min_parallel_table_scan_size = 0' \
		'parallel_setup_cost = 0' 'parallel_tuple_cost = 0' 'max_worker_processes = 8' 'autovacuum_naptime = 1s' \
		>>data/postgresql.conf
	case_of "start" _pg_ctl start
	case_of "pg_ctl status" _pg_quiet pg_ctl -D data status
	_sql postgres 'CREATE DATABASE bench' >/dev/null
	_pg pgbench -h "$PWD" -U compat -i -q -s 3 bench >init.log 2>&1
	case_is "pgbench -i" $?
	case_of "a table" _sql bench "CREATE TABLE things AS SELECT n, md5(n::text) AS sum, repeat(chr(65 + n % 26), n % 300) AS text FROM generate_series(1, 50000) n"
	_pg pgbench -h "$PWD" -U compat -n -c 8 -j 4 -t 400 --random-seed=7 bench >bench.log 2>&1
	case_is "pgbench: eight clients, four threads" "$? $(grep -E 'actually processed|failed' bench.log | tr '\n' ' ')"
	case_of "data" _sum bench
	_pg pgbench -h "$PWD" -U compat -n -S -C -c 4 -j 2 -t 100 bench >bench.log 2>&1
	case_is "pgbench: a connection for each transaction" "$? $(grep -E 'actually processed|failed' bench.log | tr '\n' ' ')"
	case_of "pgbench: prepared" _pg_quiet pgbench -h "$PWD" -U compat -n -S -M prepared -c 4 -j 4 -t 500 bench

	case_of "parallel workers" _sql bench "SELECT count(*), sum(n), max(sum), sum(length(text)) FROM things; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT count(*) FROM things"
	case_of "an index made by parallel workers" _sql bench "SET max_parallel_maintenance_workers = 4" "CREATE INDEX ON things (sum)" "CREATE UNIQUE INDEX ON things (n)" "VACUUM (PARALLEL 2) things" "SELECT n FROM things WHERE sum = md5('4711')"
	case_of "vacuum full" _sql bench "VACUUM FULL ANALYZE things" CHECKPOINT "SELECT count(*) FROM things"
	case_of "a sort that goes to disk" _sql bench "SET work_mem = '64kB'; SET max_parallel_workers_per_gather = 0; SELECT md5(string_agg(sum, '' ORDER BY text, sum)) FROM things"
	case_of "statement_timeout" _sql bench "SET statement_timeout = 100; SELECT pg_sleep(60)"
	case_of "lock_timeout" _lock_timeout
	case_of "a deadlock is found" _deadlock
	case_of "a server's program" _sql bench "COPY (SELECT n FROM things ORDER BY n LIMIT 5) TO PROGRAM 'sort -rn >$PWD/copied'; CREATE TEMP TABLE back (n int); COPY back FROM PROGRAM 'cat $PWD/copied; exit 0'; SELECT * FROM back"
	case_of "a server's program that fails" _sql bench "CREATE TEMP TABLE back (n int); COPY back FROM PROGRAM 'kill -9 \$\$'"
	case_of "notify" _without_pid _sql bench "LISTEN news" "NOTIFY news, 'hello'"
	case_of "a function in PL/pgSQL" _sql bench 'DO $$ DECLARE s bigint := 0; BEGIN FOR i IN 1..200000 LOOP s := s + i; END LOOP; RAISE NOTICE $s$%$s$, s; BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN RAISE NOTICE $s$caught$s$; END; END $$'
	case_of "too deep" _sql bench 'CREATE FUNCTION deep(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN deep(n + 1); END $$; SELECT deep(1)'
	case_of "pg_cancel_backend" _end_backend pg_cancel_backend
	case_of "pg_terminate_backend" _end_backend pg_terminate_backend

	case_of "dump" _dump -t things bench
	case_of "dump by four" _pg_quiet pg_dump -h "$PWD" -U compat -Fd -j 4 -f "$PWD/dump" bench
	_sql postgres 'CREATE DATABASE restored' >/dev/null
	case_of "restore by four" _pg_quiet pg_restore -h "$PWD" -U compat -j 4 -d restored "$PWD/dump"
	case_of "restored data" _sum restored
	case_of "base backup" _pg_quiet pg_basebackup -h "$PWD" -U compat -D "$PWD/backup" -c fast -X stream
	case_of "the backup is whole" _pg_quiet pg_verifybackup -q "$PWD/backup"

	case_of "smart stop" _pg_ctl stop -m smart
	case_is "start after it" "$(_pg_again)"
	case_of "fast stop" _pg_ctl stop -m fast
	case_is "start after it" "$(_pg_again)"
	case_of "immediate stop" _pg_ctl stop -m immediate
	case_is "start after it" "$(_pg_again)"
	case_of "data after it" _sum bench
	case_is "a killed backend" "$(_kill_backend)"
	case_of "data after it" _sum bench
	_pg_ctl reload
	case_is "reload" $?
	case_of "restart" _pg_ctl restart -m fast
	case_of "data after it" _sum bench
	case_of "stop" _pg_ctl stop
	case_of "pg_ctl status of none" _pg_quiet pg_ctl -D data status
	case_of "checksums are enabled" _pg_quiet pg_checksums -e -D data
	case_of "pg_controldata" _state
	case_of "a single user" _single
	case_is "no other complaints" "$(grep -hE 'WARNING|PANIC|FATAL' log | grep -cvE 'terminating connection because of crash|the database system is')"
}

_without_pid() { "$@" | sed 's/PID [0-9]*/PID/'; }
_pg_quiet() { _pg "$@" >quiet.log 2>&1; }
_state() { _pg pg_controldata -D data | grep -E 'cluster state|checksum version'; }
_single() { echo 'SELECT sum(n) FROM things' | _pg postgres --single -D data bench 2>&1 | grep 'sum ='; }
_pg_until() {
	local n
	for ((n = 0; n < 1000; n++)); do
		[ "$(_sql "$1" "$2")" = "$3" ] && return 0
		sleep 0.02
	done
	return 1
}
# Waits until a session of that name sleeps.
_sleeps() { _pg_until bench "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$1' AND wait_event = 'PgSleep'" 1; }
_lock_timeout() {
	_sql bench "SET application_name = 'holder'; BEGIN; LOCK TABLE things; SELECT pg_sleep(60)" >/dev/null &
	_sleeps holder
	_sql bench "SET lock_timeout = 100; SELECT count(*) FROM things"
	_sql bench "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'"
	wait $!
}
# It is looked for once in each wait, after deadlock_timeout: by the one that comes last.
_deadlock() {
	_sql bench "SET application_name = 'first'" "SET deadlock_timeout = 100" "BEGIN" "UPDATE things SET n = n WHERE n = 1" "SELECT pg_sleep(1)" "UPDATE things SET n = n WHERE n = 2" "COMMIT" >first &
	_sleeps first
	_sql bench "SET deadlock_timeout = '60s'" "BEGIN" "UPDATE things SET n = n WHERE n = 2" "UPDATE things SET n = n WHERE n = 1" "COMMIT"
	wait $!
	grep ERROR first
}
_end_backend() {
	_sql bench "SET application_name = 'ended'; SELECT pg_sleep(60)" >ended 2>&1 &
	_sleeps ended
	_sql bench "SELECT $1(pid) FROM pg_stat_activity WHERE application_name = 'ended'"
	wait $!
	echo $?
	cat ended
}
# The server ends all others then, and recovers by itself.
_kill_backend() {
	local pid
	_sql bench "SET application_name = 'killed'; SELECT pg_sleep(60)" >ended 2>&1 &
	_sleeps killed
	pid=$(_sql bench "SELECT pid FROM pg_stat_activity WHERE application_name = 'killed'")
	kill -9 "$pid"
	wait $!
	echo $?
	grep -c 'server closed the connection unexpectedly' ended
	_pg_until bench 'SELECT 1' 1
	grep -c 'was terminated by signal 9' log
	grep -c 'all server processes terminated; reinitializing' log
}
