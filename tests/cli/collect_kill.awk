# SPDX-License-Identifier: ISC
# awk -f collect_kill.awk RECEIVED SENT: "process pid notes" of each sample that the record has, and
# what collect_kill told; in words, how the two compare. Of several that had the same pid, the first
# is the one that comes first in both.
# Where a hello is read late, as on a busy machine, the collector has looked from outside meanwhile, and
# sets aside what the sampler sent for those ticks: they are counted by themselves.
FILENAME == ARGV[1] {
	if (!($1 in life))
		life[$1] = ++lives[$2]
	if (/sampler:absent/)
		outside[$2, life[$1]]++
	else
		inside[$2, life[$1]]++
	next
}
{
	key = $1 SUBSEP (++told[$1])
	more = inside[key] - $2
	kills++
	samples += $2
	if (more == 0)
		equal++
	else if (more == 1)
		one++
	else if (outside[key] && more <= 0)
		both++
	else if (++other <= 5)
		which = which sprintf("; %d: received %d, sent %d", $1, inside[key], $2)
}
END {
	printf "%d kills after %d samples: received are as many as were sent %d times, one more %d times, ", kills, samples, equal, one
	printf "fewer after looks from outside %d times, %d otherwise%s\n", both, other, which
}
