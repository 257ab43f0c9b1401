#!/bin/bash
# SPDX-License-Identifier: ISC
# What Java tells of its heap stands in the rows of its process.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

columns=jvm_heap_used_bytes,jvm_heap_committed_bytes,jvm_heap_max_bytes,jvm_eden_used_bytes,jvm_survivor_used_bytes,jvm_old_used_bytes,jvm_metaspace_used_bytes,jvm_metaspace_committed_bytes,jvm_gc_count,jvm_gc_time_ns,jvm_threads
# seen: the values of all rows that have some, and how many rows
seen() { mstat-decode -what samples -columns "$columns" run.mstat | awk -F'\t' 'NR > 1 && $1 != ""'; }
notes() { mstat-decode -what events run.mstat | awk -F'\t' '$2 == "note" { print $NF }'; }

for preload in libmstat.so none; do
	run mstat -q -freq 100 -preload $preload -o run.mstat -- "$TARGETS/fake_jvm" "$TMP" 200
	is "a JVM, -preload $preload" "$status" 0
	ok "has rows of its heap" test "$(seen | wc -l)" -ge 20
	is "each is true" "$(seen | awk -F'\t' '$1 != $4 + $5 + $6 || $2 != 100663296 || $3 != 268435456 || $4 % 1048576 ||
		$5 != 12288 || $6 != 5242880 || $7 != 12345 || $8 != 65536 || $9 != 6 || $10 != 6000000 || $11 != 17')" ""
	ok "eden's values differ" test "$(seen | cut -f4 | sort -u | wc -l)" -ge 20
	is "and rise with time" "$(seen | cut -f4 | sort -n | sha1sum)" "$(seen | cut -f4 | sha1sum)"
	is "who it is" "$(notes)" "jvm: Fake?VM 42.0"
done
ok "before it may be read: says so" test "$(mstat-decode -what samples -columns notes run.mstat | grep -c hsperfdata:not_due)" -ge 1

mkdir -p $'e\e[31m'
# shellcheck disable=SC2016
run mstat -q -v -o run.mstat -- bash -c '"$@" & until rm "$2"/hsperf*/* 2>/dev/null; do :; done; wait' - "$TARGETS/fake_jvm" "$PWD"/$'e\e[31m' 60
like "-v: a name does nothing to the terminal" "$err" 'jvm: [^'$'\n'']*/e\\x1b\[31m/hsperfdata_test/[0-9]+ \(deleted\) cannot be opened'

run mstat -q -freq 100 -runtime none -o run.mstat -- "$TARGETS/fake_jvm" "$TMP" 30
is "-runtime none: reads nothing" "$status $(seen | wc -l) $(notes)" "0 0 "
exits "-runtime all" 125 mstat -q -runtime all -- true
like "says what may stand there" "$err" 'runtime: "all" is not auto or none'

run mstat -q -freq 100 -o run.mstat -- "$TARGETS/fake_jvm" "$TMP" 200 z
is "one without generations" "$status" 0
is "has a heap of one space, and its collections" "$(seen | sort -u)" $'5242880\t33554432\t268435456\t\t\t\t12345\t65536\t3\t3000000\t17'

# shellcheck disable=SC2016
if unshare -m true 2>/dev/null; then
	run mstat -q -freq 100 -preload none -o run.mstat -- unshare -m bash -c 'mkdir here && mount -t tmpfs none here && exec "$@"' - "$TARGETS/fake_jvm" "$TMP/here" 200
	is "in a mount namespace of its own" "$status" 0
	ok "has rows of its heap" test "$(seen | wc -l)" -ge 5
	run mstat -q -freq 100 -preload none -o run.mstat -- unshare -m bash -c 'mkdir jail && mount --rbind / jail && exec chroot jail "$@"' - "$TARGETS/fake_jvm" "$TMP" 200
	is "in a root of its own" "$status" 0
	ok "has rows of its heap" test "$(seen | wc -l)" -ge 5
else
	skip "a mount namespace of its own" "none is permitted"
fi

if ! command -v java >/dev/null || ! command -v javac >/dev/null; then
	skip "a real JVM" "no java here"
	exit
fi
cat >Heap.java <<'END'
public class Heap {
	public static void main(String[] args) throws Exception {
		byte[][] all = new byte[64][];
		for (int i = 0; i < all.length; i++) all[i] = new byte[1 << 20];
		System.gc();
		new java.io.File("ready").createNewFile();
		while (!new java.io.File("go").exists()) Thread.sleep(20);
		System.out.println(all.length);
	}
}
END
javac Heap.java
for gc in Serial Parallel G1 Z; do
	java -XX:+Use${gc}GC -version 2>java.err || {
		skip "$gc" "this java has it not"
		continue
	}
	rm -f ready go
	start mstat -q -freq 50 -o run.mstat -- java -XX:+Use${gc}GC -Xmx256m Heap
	wait_for 60 test -e ready
	pid=$(pgrep -f -- "^java -XX:.Use${gc}GC -Xmx256m Heap")
	# Nothing has moved for some ticks.
	for ((i = 0; i < 30; i++)); do
		jstat -gc "$pid" >jstat.out
		sleep 0.3
		jstat -gc "$pid" | cmp -s - jstat.out && break
	done
	touch go
	wait $started
	is "$gc: java ends well" $? 0
	# In tenths of a KiB, each rounded by itself: S0U S1U EU OU, MU
	want=$(awk 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 { print $at["S0U"] + $at["S1U"] + $at["EU"] + $at["OU"], $at["MU"] }' jstat.out)
	ok "$gc: as jstat has it ($want KiB)" test "$(seen | awk -F'\t' -v want="$want" '
		function is(a, b) { return a - b < 0.3 && b - a < 0.3 }
		BEGIN { split(want, w, " ") }
		is($1 / 1024, w[1]) && is($7 / 1024, w[2])' | wc -l)" -ge 1
done
