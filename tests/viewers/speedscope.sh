#!/bin/bash
# SPDX-License-Identifier: ISC
# Profiles as speedscope shows them, in a real browser: `make check-viewers`. VIEWERS_KEEP=DIR keeps the
# pictures.
# timeout: 300
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/../cli/heap_lib"

for program in npm chromium python3; do
	command -v $program >/dev/null || skip_all "no $program"
done
speedscope=speedscope@1.25.0
cache=$SRC/build/viewers/$speedscope
if [ ! -e "$cache/package/dist/release/index.html" ]; then
	run timeout 120 npm pack --silent $speedscope
	[ "$status" = 0 ] || skip_all "npm cannot fetch $speedscope: $(tail -n 1 <<<"$err")"
	mkdir -p "$cache" && tar -xzf "$out" -C "$cache" || exit 1
fi

ok "a program that holds some" mstat -q -freq 100 -heap -heap-interval 4096 -o run.mstat -- "$TARGETS/heap_sizes" keep

# shows FILE VIEW WORD...: it does so, and has nothing to complain of. speedscope's own command leaves such a
# script for the page, too.
shows() {
	local file=$1 view=$2
	shift 2
	printf 'speedscope.loadFileFromBase64("%s", "%s")' "$file" "$(base64 -w 0 "$file")" >profile.js
	exits "$file, $view: has $*" 0 timeout 120 "$SRC/tests/viewers/look.py" "$file.$view.png" \
		"file://$cache/package/dist/release/index.html#view=$view&localProfilePath=$TMP/profile.js" 90 "$@"
	is "... without a complaint" "$err" ""
	unlike "... nor an error" "$out" '[Ss]omething went wrong|[Uu]nrecognized|[Ff]ailed'
	ok "... and draws" test "$(stat -c %s "$file.$view.png")" -gt 10000
}
mstat-decode -what heap -at end -format folded -o heap_sizes.folded run.mstat
mstat-decode -what heap -at end -format pprof -o heap_sizes.pb.gz run.mstat
while read -r file bytes; do
	shows "$file" sandwich "$file" large_keeps malloc_keeps main "$bytes"
	shows "$file" time-ordered "$file"
	shows "$file" left-heavy "$file"
done <<'END'
heap_sizes.folded 67,108,864
heap_sizes.pb.gz 64.00 MB
END
[ -z "${VIEWERS_KEEP:-}" ] || cp ./*.png "$VIEWERS_KEEP"
