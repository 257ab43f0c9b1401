#!/bin/bash
# SPDX-License-Identifier: ISC
# Goroutines that are read from outside, held against the dump that Go itself makes of them.
# timeout: 300
# shellcheck source=tests/cli/go_lib disable=SC2154
. "$(dirname "$0")/go_lib"

ours() {
	mstat-get -goroutines "$1" -v >ours.txt || return
	awk -f "$SRC/tests/cli/go_dump.awk" ours.txt | sort -n
}

# By SIGQUIT, which ends it.
theirs() {
	kill -QUIT "$1" && wait "$1"
	# What has a stack of a thread's own is goroutine 0.
	awk -f "$SRC/tests/cli/go_dump.awk" go.err | grep -v '^0 ' | sort -n
}

same() {
	local what=$1
	shift
	go_start "$@"
	ok "$what: goroutines are read" ours "$started"
	mv out got
	ok "$what: there are some" [ "$(wc -l <got)" -ge 14 ]
	theirs "$started" >want 2>/dev/null
	ok "$what: each has the state and the frames of Go's own dump" diff got want
	like "$what: by state" "$(tail -n 4 ours.txt)" $'(syscall 2\nwaiting|waiting)'
}

go_build park plain
same plain ./plain
same "a thousand more" ./plain 1000
go_build park pie -buildmode=pie
same PIE ./pie

go_start ./plain 0 gc gc
run env LD_PRELOAD="$TARGETS/libget_later.so" "$BIN/mstat-get" -goroutines "$started" -v
like "how long it waits" "$out" $'\ngoroutine [0-9]+ \\[select, 2 minutes\\]:\n'
stop "$started"

# Names are not believed.
LC_ALL=C sed 's/main\.parkSelect/main.park\x1b[31mX/' plain >hostile && chmod +x hostile
go_start ./hostile
run mstat-get -goroutines "$started" -v
like "what a terminal would obey is written out" "$out" $'\nmain\\.park\\\\x1b\\[31mX\\(\\)\n'
unlike "and not printed" "$out" $'\x1b'
stop "$started"

go_build park bare -ldflags='-s -w'
same "without symbols" ./bare
go_build park bare.pie -buildmode=pie -ldflags='-s -w'
same "PIE without symbols" ./bare.pie

export CGO_ENABLED=1
go_build callback callback
same "calls of C, and by C" ./callback
export CGO_ENABLED=0

for newest in "$SRC"/build/go/go1.*/usr/lib/go-*/bin/go; do :; done
if [ -x "$newest" ]; then
	GO=$newest
	go_build park newest
	same "of the newest Go" ./newest
else
	skip "of the newest Go" "its toolchain is not there"
fi

# What runs is marked, and what was read of the others is whole.
go_build busy busy
go_start ./busy
ok "they are read while they run" "$TARGETS/go_goroutines" "$started" 500
like "none is broken" "$out" ' broken 0 '
like "some run" "$out" ' running [1-9]'
stop "$started"
