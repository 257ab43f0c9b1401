#!/bin/bash
# SPDX-License-Identifier: ISC
# Variables of Go's runtime are found in stripped programs, and the tables are those of this Go; of others where
# their toolchains are (collector/runtimes/go/get-toolchains build/go).
# timeout: 600
# shellcheck source=tests/cli/go_lib disable=SC2154
. "$(dirname "$0")/go_lib"

# finds WHAT STRIPPED PLAIN: what is found in the one is what the other has symbols of
finds() {
	local what=$1
	ok "$what: it is recognised" "$TARGETS/go_signature" "$2"
	sed 1d out | sort -k 2 >got
	is "$what: as of this minor" "$(head -n 1 out | cut -d ' ' -f 1)" "$minor"
	"$GO" tool nm "$3" | awk 'NR == FNR { wanted[$2]; next } $3 in wanted { print $1, $3 }' got - | sort -k 2 >want
	ok "$what: each variable is where it is" diff got want
	is "$what: all variables" "$(wc -l <got)" 9
}

# What Go's own linker leaves out puts variables elsewhere: where they are is known of what strip made alone.
of_this_go() {
	go_build park plain
	strip -s -o stripped plain
	finds "go1.$minor" stripped plain
	go_build park pie -buildmode=pie
	strip -s -o pie.stripped pie
	finds "go1.$minor, PIE" pie.stripped pie
	go_build park bare -ldflags='-s -w'
	is "go1.$minor -s -w: all places agree" "$("$TARGETS/go_signature" bare | sed -n "s/^$minor \([0-9]*\) \1$/yes/p")" yes
	"$BUILD/maketable" plain pie 2>/dev/null | grep ^MEMBER >got
	ok "go1.$minor: the table has the members of its structures" \
		diff got <(grep ^MEMBER "$SRC/collector/runtimes/go/tables/go1.$minor.inc")
}

for GO in "$GO" "$SRC"/build/go/go1.*/usr/lib/go-*/bin/go; do
	[ -x "$GO" ] || command -v "$GO" >/dev/null || continue
	minor=$("$GO" env GOVERSION | sed 's/^go1\.\([0-9]*\).*/\1/')
	[ -e "$SRC/collector/runtimes/go/tables/go1.$minor.inc" ] || skip "go1.$minor" "there is no table of it"
	[ -e "$SRC/collector/runtimes/go/tables/go1.$minor.inc" ] && of_this_go
done
