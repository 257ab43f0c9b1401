#!/bin/bash
# SPDX-License-Identifier: ISC
# Go's table of functions, held against what Go's own tools say of the same programs.
# timeout: 300
# shellcheck source=tests/cli/go_lib disable=SC2154
. "$(dirname "$0")/go_lib"

# The calling convention is no part of the name in the table, and what stands between [ and ] is not told.
plain_names() {
	sed -e 's/\.abi0\b//' -e 's/\[[^] ]*\]/[...]/g'
}

# symbols FILE: "address name" of each function, by go tool nm; sections and code of C are not Go's
symbols() {
	"$GO" tool nm "$1" | awk '$2 ~ /^[Tt]$/ && $3 !~ /^runtime\.e?text$/ { print $1, $3 }'
}

# instructions FILE: "address name file:line" of each, by go tool objdump, which is in dump
instructions() {
	"$GO" tool objdump "$1" >dump
	awk '/^TEXT/ { name = $2; sub(/\(SB\)$/, "", name); next }
	     $2 ~ /^0x/ { print substr($2, 3), name, $1 }' dump
}

agrees() {
	local program=$1 what=$2
	symbols "$program" | plain_names | sort >want
	"$TARGETS/go_table" "$program" | awk '{ print $1, $3 }' | plain_names | sort >got
	ok "$what: it has many functions" [ "$(wc -l <got)" -gt 1000 ]
	ok "$what: each is where go tool nm has it" diff want got

	instructions "$program" | plain_names >want
	"$TARGETS/go_table" "$program" - < <(cut -d ' ' -f 1 want) >all
	# Names of generated functions have spaces, of which go tool objdump tells the first word here.
	awk '{ sub(/.*\//, "", $NF); print $1, $2, $NF }' all | plain_names >got
	# Of a PIE it knows no lines.
	if grep -q ' :0$' want; then
		cut -d ' ' -f 1,2 want >names && mv names want
		cut -d ' ' -f 1,2 got >names && mv names got
	fi
	ok "$what: what each instruction belongs to is what go tool objdump says" diff want got

	# Assembly that aligns the stack by hand is not told, nor can be.
	awk -f "$SRC/tests/cli/go_frames.awk" all dump | grep -v 'ANDQ \$-0x10, SP' >frames
	is "$what: frames change as the stack pointer does" "$(grep -v checked frames)" ""
	ok "$what: at many instructions" [ "$(awk '/checked/ { print $1 }' frames)" -gt 100000 ]
}

go_build park plain
agrees ./plain plain
go_build park pie -buildmode=pie
agrees ./pie PIE

go_build park stripped -ldflags=-s
"$TARGETS/go_table" plain >want
ok "a stripped one has the same" diff want <("$TARGETS/go_table" stripped)
