#!/bin/bash
# SPDX-License-Identifier: ISC
# The main job on a real program: a parallel compilation of this very source tree, measured from
# inside every process and from its cgroup, then the first rows of what was recorded.
set -eu
cd "$(dirname "$0")/.."
export PATH=$PWD/build/bin:$PATH
run=build/demo.mstat
rm -rf build/demo $run
unset MAKEFLAGS MAKELEVEL

show() {
	local shown
	printf -v shown '%q ' "$@"
	printf '\n$ %s\n' "${shown% }"
	"$@"
}

show mstat -o $run -freq 59 -env LD_PRELOAD=libmstat.so -- make -s -j2 build/demo

printf '\n$ mstat-decode %s | head -n 5\n' $run
# Decoded whole first: head would end the decoder early.
mstat-decode $run >build/demo.tsv
head -n 5 build/demo.tsv
printf '\n%s rows. The processes:\n\n' "$(($(wc -l <build/demo.tsv) - 1))"
printf '$ mstat-decode -what processes %s | head -n 5\n' $run
mstat-decode -what processes $run >build/demo-processes.tsv
head -n 5 build/demo-processes.tsv
