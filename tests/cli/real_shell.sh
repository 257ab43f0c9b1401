#!/bin/bash
# SPDX-License-Identifier: ISC
# A shell pipeline on generated data, and git at work.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

# ---- a pipeline ----------------------------------------------------------------------------------

# shellcheck disable=SC2016 # awk's and the inner shell's
pipeline='awk "BEGIN { srand(1); for (i = 0; i < 500000; i++) print int(rand() * 1000), i % 7 }" |
	sort -S 20M | uniq -c | awk "{ n += \$1; s += \$2 } END { print n, s, NR }"; (exit 3); exit $?'
run sh -c "$pipeline"
want="$out $status"
run mstat -q -freq 59 -o pipe.mstat -- sh -c "$pipeline"
is "a pipeline gives the same" "$out $status" "$want"
mstat-decode -what processes pipe.mstat >processes.tsv
# Where a word is an alternative's link, its process has the name of the word.
is "its parts were seen" "$(column comm <processes.tsv | grep -c -x -e awk -e sort -e uniq -e mawk -e gawk)" 4
is "at one time" "$(mstat-decode pipe.mstat | column processes | awk '$1 >= 5 { print 5; exit }')" 5
is "nobody was refused, nothing dropped" "$(losses pipe.mstat)" "0 0"
sorted=$(mstat-decode -what samples pipe.mstat | column comm rss_bytes | awk -F '\t' '$1 == "sort" { print $2 }' | most)
ok "sort took its 20 MiB ($sorted)" test "$sorted" -gt 10000000 -a "$sorted" -lt 60000000

# ---- git -----------------------------------------------------------------------------------------

command -v git >/dev/null || skip_all "no git"
cat >work <<'END'
set -e
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
export HOME=$PWD GIT_CONFIG_NOSYSTEM=1
git init -q -b main repo
cd repo
git config user.name tester
git config user.email tester@localhost
cp -r "$SRC/core" "$SRC/collector" "$SRC/tools" .
git add .
git commit -q -m first
for i in 1 2 3 4 5; do
	echo "$i" >>core/new
	git add core/new
	git commit -q -m "change $i"
done
git gc -q --aggressive
cd ..
git clone -q --no-local repo clone
git -C clone log --format='%H %s'
git -C clone fsck 2>&1
git -C clone frobnicate 2>&1
END
mkdir with without
(cd without && run sh ../work && echo "$out $status" >said)
(cd with && run mstat -q -freq 59 -o ../git.mstat -- sh ../work && echo "$out $status" >said)
is "git says the same" "$(<with/said)" "$(<without/said)"
like "and did its work" "$(<with/said)" 'change 5.*first'
mstat-decode -what processes git.mstat >processes.tsv
ok "many of it were seen" test "$(column comm <processes.tsv | grep -c '^git')" -ge 5
is "nobody was refused, nothing dropped" "$(losses git.mstat)" "0 0"
is "all have ended" "$(column ended <processes.tsv | sort -u)" 1
