# SPDX-License-Identifier: ISC
# go objdump and what go_table says of each of its addresses: where the frame does not change as the stack
# pointer does. Behind jumps, and calls that do not return, nothing is known.
function number(hex,  v, i) {
	for (i = index(hex, "x") + 1; i <= length(hex); i++)
		v = 16 * v + index("0123456789abcdef", substr(hex, i, 1)) - 1
	return hex ~ /^-/ ? -v : v
}
FNR == NR { frame[$1] = $(NF - 1); next }
/^TEXT/ { name = $2; is_known = 0; next }
$2 !~ /^0x/ { next }
{
	pc = substr($2, 3)
	if (is_known && frame[pc] != "?" && frame[last] != "?") {
		checked++
		if (frame[last] + effect != frame[pc])
			print name, $0, "was", frame[last], "+", effect, "is", frame[pc]
	}
	is_known = 1
	effect = 0
	if ($4 ~ /^(SUBQ|ADDQ)$/ && $5 ~ /^\$/ && $6 == "SP")
		effect = number(substr($5, 2, length($5) - 2)) * ($4 == "SUBQ" ? 1 : -1)
	else if ($4 ~ /^PUSHF?Q$/)
		effect = 8
	else if ($4 ~ /^POPF?Q$/)
		effect = -8
	else if ($4 ~ /^(JMP|RET|UD2|INT|IRET)/ || ($4 ~ /^(NOP|XCHGL)/ && op ~ /^CALL/) ||
		 ($NF == "SP" && $4 !~ /^(CMP|TEST)/))
		is_known = 0
	last = pc
	op = $4
}
END { print checked + 0, "checked" }
