# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# SQLite: bulk work, and many processes at one database.
# packages: sqlite3
# timeout: 300
# shellcheck disable=SC2016 # what is quoted is for the inner shells

compat_version() { echo "sqlite3 $(sqlite3 -version | cut -d ' ' -f 1)"; }

said() { case_of "$1" timeout --foreground 120 bash -c "$2"; }

compat_cases() {
	export ROWS=${1:-400000}
	said "bulk insert" 'sqlite3 a.db "PRAGMA synchronous=OFF; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL); WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n WHERE x<$ROWS) INSERT INTO t SELECT x, hex(x*7919), x/3.0 FROM n; SELECT count(*), sum(a), max(b) FROM t;"'
	said "index and sort" 'sqlite3 a.db "CREATE INDEX i ON t(b); SELECT b, c FROM t ORDER BY c*a%1000, b LIMIT 20; EXPLAIN QUERY PLAN SELECT * FROM t WHERE b=1; PRAGMA integrity_check;"'
	said "dump" 'sqlite3 a.db .dump | md5sum'
	said "dump and load" 'sqlite3 a.db .dump | sqlite3 -cmd "PRAGMA synchronous=OFF" b.db && sqlite3 b.db "SELECT count(*), sum(a), sum(length(b)) FROM t"'
	said "backup, vacuum" 'sqlite3 a.db ".backup c.db" "VACUUM INTO '\''d.db'\''" && sqlite3 c.db .sha3sum && sqlite3 d.db .sha3sum'
	said "processes with a WAL" 'sqlite3 w.db "PRAGMA journal_mode=WAL; CREATE TABLE t(p, n)"; for p in 1 2 3 4 5 6; do (for i in 1 2 3 4 5 6 7 8; do sqlite3 -cmd ".timeout 60000" w.db "BEGIN IMMEDIATE; INSERT INTO t SELECT $p, count(*) FROM t; COMMIT" || echo failed; done) & done; wait; sqlite3 w.db "SELECT count(*), count(DISTINCT n), min(n), max(n) FROM t; PRAGMA integrity_check"'
	said "processes with a journal" 'sqlite3 j.db "CREATE TABLE t(p, n)"; for p in 1 2 3 4; do (for i in 1 2 3 4 5; do sqlite3 -cmd ".timeout 60000" j.db "BEGIN IMMEDIATE; INSERT INTO t SELECT $p, count(*) FROM t; COMMIT" || echo failed; done) & done; wait; sqlite3 j.db "SELECT count(*), count(DISTINCT n) FROM t"'
	said "locked" 'mkfifo go done; (exec 3>done; { echo "BEGIN EXCLUSIVE;"; echo ".shell echo locked >&3"; read -r <go; echo "COMMIT;"; } | sqlite3 a.db) & read -r x <done; echo "$x"; sqlite3 a.db "SELECT count(*) FROM t"; echo $?; echo >go; wait; sqlite3 a.db "SELECT count(*) FROM t"'
	said "killed in a transaction" 'cp a.db k.db; mkfifo g; sqlite3 k.db <g & p=$!; exec 4>g; echo "BEGIN; DELETE FROM t;
.shell touch deleted" >&4; until [ -e deleted ]; do sleep 0.02; done; kill -KILL $p; wait $p 2>/dev/null; exec 4>&-; sqlite3 k.db "SELECT count(*) FROM t; PRAGMA integrity_check"'
	said "shell and pipes" 'sqlite3 a.db ".once |md5sum" "SELECT * FROM t LIMIT 5000" ".shell echo hello; exit 3" ".system true"'
	said "import, csv" 'sqlite3 a.db -csv "SELECT * FROM t LIMIT 50000" >x.csv; sqlite3 i.db ".import --csv x.csv t" && sqlite3 i.db "SELECT count(*) FROM t"'
	said "memory map and cache" 'sqlite3 a.db "PRAGMA mmap_size=268435456; PRAGMA cache_size=-100000; PRAGMA threads=2; SELECT count(*), sum(length(b)) FROM t; SELECT avg(a) FROM t WHERE b LIKE '\''%99%'\''; CREATE INDEX k ON t(c, b);"'
	said "errors" 'sqlite3 a.db "SELECT nothing"; echo $?; sqlite3 /nowhere/x "CREATE TABLE t(a)"; echo $?; echo junk >junk; sqlite3 junk .schema; echo $?'
}

compat_quick() { compat_cases 20000; }
