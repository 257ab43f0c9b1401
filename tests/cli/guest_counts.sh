#!/bin/bash
# SPDX-License-Identifier: ISC
# Programs that count their threads find as many as without mstat.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

counts=$TARGETS/guest_counts
sampled() { mstat -q -freq 100 -o run.mstat -- "$@"; }

ok "one that counts them at a fork" sampled "$counts" fork
is "has a sampler before, none then, and one after" "$out" "1 1 1 sampled"
ok "any other" sampled "$counts" now
is "has a sampler all the time" "$out" "2 2"
ok "a zygote of Chromium's kind" sampled "$counts" now --type=zygote
is "has none, nor have its children" "$out" "1 1"
ok "a process that Firefox will sandbox" sampled env MOZ_SANDBOXED=1 "$counts" now
is "has none, either" "$out" "1 1"
is "they are sampled from outside" "$(mstat-decode -what processes run.mstat | cut -f 10 | uniq -c | xargs)" \
	"1 how 2 outside, sampler did not start"
