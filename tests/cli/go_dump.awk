# SPDX-License-Identifier: ISC
# A dump of goroutines, Go's own or go_goroutines': a line for each, with its number, state, and functions
# that have frames, each with where in it.
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
/^$/ || /^(rax|r[a-z]+|SIGQUIT)/ { flush(); next }
line == "" { next }
# Inlined ones have none.
/\(\.\.\.\)$/ { getline; next }
/^\t/ {
	if ((by || name) && match($0, / \+0x[0-9a-f]+/))
		line = line " " by name substr($0, RSTART + 1, RLENGTH - 1)
	by = name = ""
	next
}
{
	name = $0
	by = sub(/^created by /, "", name) ? "by:" : ""
	sub(/ in goroutine [0-9]+$/, "", name)
	# Arguments have no parentheses, receivers have.
	if (name ~ /\)$/) sub(/\([^()]*\)$/, "", name)
}
END { flush() }
