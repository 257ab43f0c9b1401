#!/bin/bash
# SPDX-License-Identifier: ISC
# What is read of a Go program's runtime from outside is what the program reads itself.
# timeout: 600
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

: "${GO:=go}"
command -v "$GO" >/dev/null || skip_all "no go here"
export GO111MODULE=off GOTOOLCHAIN=local GOFLAGS='' GOCACHE=$SRC/build/go/cache

# build NAME ARGUMENT...: ./NAME
build() { "$GO" build -o "$@"; }
main=$SRC/tests/targets/go/memstats.go

# ask COMMANDS: has the program in ${go[@]} do that; $answer is what it said to the last one
ask() {
	local i line
	for ((i = 0; i < ${#1}; i++)); do
		printf '%s' "${1:i:1}" >&"${go[1]}"
		answer=
		while read -r -u "${go[0]}" line && [ "$line" != . ]; do answer+=$line$'\n'; done
	done
}
begin() {
	coproc go { exec "$@"; }
	pid=$!
}
end() {
	eval "exec ${go[1]}>&-"
	wait "$pid"
}

# is_exact COMMANDS: after these, all is read as the program then says it. Its own call only moves memory from one
# account to another (runtime.spanSet's blocks, as it empties the caches): of these, after it.
is_exact() {
	local before after
	ask "$1"
	before=$("$TARGETS/go_read" "$pid") || return 1
	ask m
	after=$("$TARGETS/go_read" "$pid" | grep -E '^(Sys|GCSys|OtherSys) ') || return 1
	differing=$(grep -vxFf <(echo "$before") <<<"${answer%$'\n'}" | grep -vxFf <(echo "$after"))
	[ -n "$answer" ] && [ -z "$differing" ] && grep -q BySizeFrees <<<"$answer"
}
# What goes on in the background comes between now and then.
exact() {
	wait_for 20 is_exact "$2"
	is "$1" "$differing" ""
}

# check KIND ARGUMENT...: built so
check() {
	local kind=$1 doing failed backwards
	shift
	if ! run build "$kind" "$@" || [ "$status" != 0 ]; then
		skip "$kind" "go cannot build it: $(head -n 1 <<<"$err")"
		return
	fi
	begin "./$kind"
	ask m
	for doing in a acs ags aes aaaa cs; do
		exact "$kind, after $doing" $doing
	done
	ask h
	run "$TARGETS/go_read" "$pid" 1000
	is "$kind, allocating at full speed: is read" "$status" 0
	failed=$(awk '$1 == "failed" { print $2 }' <<<"$out") backwards=$(awk '$1 == "backwards" { print $2 }' <<<"$out")
	ok "most times ($failed of 1000 fail)" test "$failed" -lt 500
	ok "and what only grows does ($backwards times it does not)" test "$backwards" -lt 50
	kill "$pid"
	wait "$pid" 2>/dev/null
}
check exe "$main"
check pie -buildmode=pie "$main"
check without-debug -ldflags=-w "$main"
check stripped -ldflags='-s -w' "$main"
CGO_ENABLED=1 check cgo "$main" "$SRC/tests/targets/go/cgo.go"
# The system's linker puts all elsewhere.
CGO_ENABLED=1 check cgo-stripped -buildmode=pie -ldflags='-s -w -linkmode=external' "$main" "$SRC/tests/targets/go/cgo.go"
# A plugin has no runtime of its own.
CGO_ENABLED=1 build loaded.so -buildmode=plugin "$SRC/tests/targets/go/loaded.go" 2>/dev/null
CGO_ENABLED=1 check plugin "$main" "$SRC/tests/targets/go/plugin.go"

rows() { mstat-decode -what samples -columns go_heap_alloc_bytes,go_num_gc,go_goroutines run.mstat | sed 1d; }
# Of a program that is looked at while it comes there are two.
notes() { mstat-decode -what events run.mstat | awk -F'\t' '$2 == "note" { print $NF }' | sort -u; }
of() { awk -v name="$1" '$1 == name { print $2 }' <<<"$answer"; }
# What goes on in the background comes between: it is asked again.
has_said() {
	ask m
	said=$(of HeapAlloc)$'\t'$(of NumGC)$'\t'$(of NumGoroutine)
	sleep 1.2 # the block of the run file
	rows | tail -n 20 | grep -qxF "$said"
}

# record CHECK PROGRAM OPTION...: under mstat, until CHECK
record() {
	local check=$1 program=$2
	shift 2
	rm -f run.mstat
	begin mstat -q -freq 100 -o run.mstat "$@" -- "$program"
	ask acgg
	wait_for 20 "$check" || echo "# its rows do not come" >&2
	end
}
record has_said ./exe
is "a run" $? 0
ok "its rows have what it said" grep -qxF "$said" <(rows)
is "how" "$(notes)" "go: $("$GO" env GOVERSION), by its debug information"
for kind in without-debug:symbols stripped:code; do
	[ -x "./${kind%:*}" ] || continue
	record has_said "./${kind%:*}"
	ok "${kind%:*}: its rows have what it said" grep -qxF "$said" <(rows)
	is "${kind%:*}: how" "$(notes)" "go: $("$GO" env GOVERSION), by its ${kind#*:}"
done
record true ./exe -runtime none
is "-runtime none: nothing is read" "$? $(notes)$(rows | tr -d '\t\n')" "0 "
