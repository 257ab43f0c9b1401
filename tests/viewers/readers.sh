#!/bin/bash
# SPDX-License-Identifier: ISC
# Tables as others read them: OpenMetrics by promtool (of Debian's prometheus, which is unpacked and not
# installed), TSV by DuckDB (of npm), which makes Parquet of them: `make check-viewers`.
# timeout: 300
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

cache=$SRC/build/viewers
# fetch DIR CMD...: into that folder, unless it is there
fetch() {
	local dir=$cache/$1
	shift
	[ -e "$dir/complete" ] && return
	rm -rf "$dir" && mkdir -p "$dir" && (cd "$dir" && timeout 120 "$@" >&2 && touch complete)
}
table() { mstat-decode -what "$1" -format "$2" -o "$1.$3" run.mstat; }

# An argument has what quotes and tabs are for.
ok "a run" mstat -q -freq 100 -o run.mstat -- sh -c '
	/usr/bin/python3 -c "import time; held = bytearray(30 << 20); time.sleep(0.5)" "a \"quoted\", 	tab" & sleep 0.3 & wait'
for what in ticks samples processes events; do table $what tsv tsv; done
for what in ticks samples summary; do table $what openmetrics om; done

promtool=$cache/prometheus/usr/bin/promtool
if fetch prometheus sh -c 'apt-get -qq -o APT::Sandbox::User=root download prometheus && dpkg -x ./*.deb . && rm ./*.deb'; then
	for what in ticks samples summary; do
		exits "promtool takes the $what" 0 "$promtool" tsdb create-blocks-from openmetrics "$what.om" "blocks.$what"
		is "all of them" "$(awk '/ULID/ { getline; print $(NF - 3) }' <<<"$out")" "$(grep -vc '^#' "$what.om")"
	done
else
	skip "promtool" "apt-get cannot fetch prometheus"
fi

cat >parquet.mjs <<'EOJ'
import { DuckDBInstance } from '@duckdb/node-api';
const db = await (await DuckDBInstance.create()).connect();
for (const table of process.argv.slice(2)) {
	await db.run(`COPY (SELECT * FROM read_csv('${table}.tsv', delim='\t', header=true, quote='', escape=''))
		TO '${table}.parquet' (FORMAT parquet)`);
	const got = await db.runAndReadAll(`SELECT * FROM '${table}.parquet'`);
	console.log(`${table}: ${got.columnNames().join(' ')}`);
	console.log(`${table} rows ${got.getRows().length}`);
}
console.log(`peak ${await db.runAndReadAll("SELECT max(rss_bytes) FROM 'samples.parquet' WHERE comm LIKE 'python3%'").then(r => r.getRows()[0][0])}`);
EOJ
if fetch duckdb sh -c 'npm install --silent --no-audit --no-fund @duckdb/node-api@1.5.6-r.1'; then
	ln -s "$cache/duckdb/node_modules" .
	exits "DuckDB makes Parquet of the tables" 0 node parquet.mjs ticks samples processes events
	for what in ticks samples processes events; do
		like "$what: all columns" "$out" "(^|"$'\n'")$what: $(head -n 1 "$what.tsv" | tr '\t' ' ')("$'\n'"|$)"
		like "... and rows" "$out" "$what rows $(($(wc -l <"$what.tsv") - 1))("$'\n'"|$)"
	done
	is "... with the same numbers" "$(sed -n 's/^peak //p' <<<"$out")" \
		"$(mstat-decode -what samples -where comm=python3 -columns rss_bytes run.mstat | sort -n | tail -n 1)"
else
	skip "DuckDB" "npm cannot fetch it"
fi
