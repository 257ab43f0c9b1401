# SPDX-License-Identifier: ISC
# A dump of goroutines, Go's own or mstat-get's: a line for each, with its number, state, and functions,
# each with its file, line, and where in it; inlined ones have no such place.
function flush() {
	if (line != "") print line
	line = ""
}
/^goroutine [0-9]+ .*\]:$/ {
	flush()
	reason = $0
	sub(/^[^[]*\[/, "", reason)
	sub(/\]:$/, "", reason)
	line = $2 " [" reason "]"
	next
}
/^$/ || /^r[a-z0-9]+ +0x/ { flush(); next }
line == "" { next }
/^\t/ {
	place = $1
	if (match($0, / \+0x[0-9a-f]+/)) place = place substr($0, RSTART + 1, RLENGTH - 1)
	line = line " " name "@" place
	next
}
{
	name = $0
	sub(/^created by /, "by:", name)
	sub(/ in goroutine /, ":", name)
	# Arguments have no parentheses, receivers have.
	if (name ~ /\)$/ && name !~ /^by:/) sub(/\([^()]*\)$/, "", name)
}
END { flush() }
