# SPDX-License-Identifier: ISC
# Judges the cases of one program. Input: a line RUN MODE PART CASE RESULT (by tabs) for each case of
# each run; PART is "all", or "part" for a run that repeated only the cases asked for, which come first
# in lines RUN MODE "ask" CASE. Output, a line for each case: VERDICT CASE WITHOUT WITH, where the two
# last are lists of "N x RESULT". Verdicts:
#   same        one result
#   flaky       varies, but not with mstat alone: each result with mstat was seen without, too
#   varies      never twice the same without mstat: says nothing
#   once        a result that was seen with mstat alone, and there once
#   difference  a result with mstat alone, that was the only one there, or came at least twice
#   known       a difference in a case whose whole name the regular expression `expected` matches
BEGIN { FS = OFS = "\t" }
{
	run = $1; mode[run] = $2
	if (!(run in part)) { part[run] = ($3 != "all"); runs[++nruns] = run }
	if ($3 == "ask") { asked[run, $4] = 1; next }
	name = $4
	# A name that is told twice in a run is two cases.
	if (told[run, name]++) name = name " #" told[run, name]
	if (!(name in known)) { known[name] = 1; names[++nnames] = name }
	result[run, name] = $5
}
function list(m, name,   i, run, r, count, order, n, text) {
	n = 0
	for (i = 1; i <= nruns; i++) {
		run = runs[i]
		if (mode[run] != m || !counts(run, name)) continue
		r = value(run, name)
		if (!(r in count)) order[++n] = r
		count[r]++
	}
	text = ""
	for (i = 1; i <= n; i++) text = text (i > 1 ? "; " : "") count[order[i]] " x " order[i]
	return text
}
# A run that repeats some says nothing of the others, unless it happens to have them.
function counts(run, name) { return !part[run] || (run, name) in asked || (run, name) in result }
function value(run, name) { return (run, name) in result ? result[run, name] : "(missing)" }
END {
	for (k = 1; k <= nnames; k++) {
		name = names[k]
		split("", seen); split("", all)
		without = with_ = odd = kinds = nall = 0
		for (i = 1; i <= nruns; i++) {
			run = runs[i]
			if (mode[run] != "without" || !counts(run, name)) continue
			without++
			r = value(run, name)
			if (!(r in seen)) { seen[r] = 1; kinds++ }
			if (!(r in all)) { all[r] = 1; nall++ }
		}
		for (i = 1; i <= nruns; i++) {
			run = runs[i]
			if (mode[run] != "with" || !counts(run, name)) continue
			with_++
			r = value(run, name)
			if (!(r in seen)) odd++
			if (!(r in all)) { all[r] = 1; nall++ }
		}
		if (!odd) verdict = nall > 1 ? "flaky" : "same"
		else if (without >= 3 && kinds == without) verdict = "varies"
		else if (odd == with_ || odd >= 2) verdict = expected != "" && name ~ "^(" expected ")$" ? "known" : "difference"
		else verdict = "once"
		print verdict, name, list("without", name), list("with", name)
	}
}
