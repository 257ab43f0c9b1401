#!/bin/bash
# SPDX-License-Identifier: ISC
# The sampled peak beside the kernel's own, and beside what another reader of the same file sees.
# vm: yes
# vm-user: yes
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

mib=$(room_mib)
start mstat -v -freq 59 -o peak.mstat -- "$TARGETS/collect_hold" "$mib" 1000 0 "$TMP/ready" "$TMP/go"
mstat=$started
wait_for 20 has_cgroup "$TMP/started.err" || skip_all "no cgroup: $(tail -n 1 "$TMP/started.err")"
cgroup=$(cgroup_of "$TMP/started.err")
"$TARGETS/collect_reader" "$(usage_file "$cgroup")" "$TMP/reading" "$TMP/stop" >"$TMP/most" &
reader=$!
ok "another reader begins" wait_for 20 test -e "$TMP/reading"
touch "$TMP/go"
ok "the program holds its memory" wait_for 60 test -e "$TMP/ready"
wait "$mstat"
is "the run ends with the program's status" $? 0
touch "$TMP/stop"
wait "$reader"

exact=$(summary peak.mstat peak_exact_bytes)
sampled=$(summary peak.mstat peak_sampled_bytes)
within "the exact peak is what was held, and some" "$exact" "$((mib * 1048576))" 6
kernel=$(mstat-decode peak.mstat | column kernel | most)
# The kernel charges in batches of 64 pages a CPU. A quarter of a MiB is the program's own: libc's data,
# stacks, and pages of files that it was the first to read.
beside=$((exact - mib * 1048576)) slack=$((64 * $(getconf PAGESIZE) * $(nproc)))
ok "beside it are the kernel's memory and the slack of its batches ($beside bytes; $kernel, $slack)" \
	test "$beside" -ge 0 -a "$beside" -le $((kernel + slack + 262144))
within "the sampled peak is the kernel's" "$sampled" "$exact" 3
within "and another reader's" "$sampled" "$(<"$TMP/most")" 3
is "the largest row is the summary's" "$(mstat-decode peak.mstat | column rss | most)" "$sampled"
is "nobody was refused, nothing dropped" "$(losses peak.mstat)" "0 0"
ok "the cgroup is gone" test ! -e "$cgroup"
