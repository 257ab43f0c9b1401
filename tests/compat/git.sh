# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# Git, with all that it starts: packs, fetches, hooks, bisection.
# packages: git
# timeout: 300
# shellcheck disable=SC2016 # what is quoted is for the inner shells

compat_version() { git --version; }

# said NAME SCRIPT: as a case, in a shell of its own
said() { case_of "$1" timeout --foreground 120 bash -c "$2"; }

compat_cases() {
	export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' GIT_CONFIG_NOSYSTEM=1
	git config --global user.name tester
	git config --global user.email tester@localhost
	git config --global init.defaultBranch main
	git config --global gc.autoDetach false
	said "init" 'git init -q repo && git -C repo status'
	said "add" 'cd repo && for i in $(seq 50); do seq $i $((i * 40)) >file.$i; done && git add . && git status --short'
	cd repo || return
	said "commit" 'git commit -m first'
	said "many commits" 'for i in $(seq 50); do echo "change $i" >>file.$i; git commit -qam "change $i" || exit; done; git log --format="%H %s" | cat'
	said "branch and merge" 'git checkout -q -b side HEAD~5 && echo side >side && git add side && git commit -qm side && git checkout -q main && git merge --no-edit side && git log --graph --oneline | head'
	said "conflict" 'git checkout -q -b other HEAD~1 && echo x >file.1 && git commit -qam x && git checkout -q main && echo y >file.1 && git commit -qam y; git merge other; echo $?; git diff; git merge --abort; git status --short'
	said "rebase" 'git checkout -q -b topic main~10 && for i in 1 2 3; do echo $i >topic.$i; git add topic.$i; git commit -qm "topic $i"; done; git rebase -q main && git log --format="%H %s" | head -n 5'
	said "rebase with commands" 'GIT_SEQUENCE_EDITOR="sed -i s/^pick/squash/\;1s/^squash/pick/" GIT_EDITOR=true git rebase -q -i HEAD~3 && git log -1 --stat && git rebase -q -x "git log -1 --format=%s" HEAD~2'
	said "cherry-pick, revert" 'git checkout -q main && git cherry-pick topic && git revert --no-edit HEAD && git log -2 --format="%H %s"'
	said "stash" 'echo dirty >>file.2 && git stash -q && git status --short && git stash pop -q && git status --short && git checkout -q file.2'
	said "grep" 'git grep -c 17 | md5sum; git grep --threads=4 -n change | md5sum'
	said "blame, log -S" 'git blame file.3 | md5sum; git log -S"change 7" --format=%H; git log -p --all | md5sum'
	said "diff" 'git diff --stat HEAD~20 HEAD; git diff -M --word-diff HEAD~3 | md5sum'
	said "tags and describe" 'git tag -a -m one v1 HEAD~3 && git describe && git for-each-ref'
	said "hooks" 'printf "%s\n" "#!/bin/sh" "echo hook; exit 3" >.git/hooks/pre-commit; chmod +x .git/hooks/pre-commit; echo z >z; git add z; git commit -m z; echo $?; rm .git/hooks/pre-commit; git commit -qm z; git rev-parse HEAD'
	said "filters and aliases" 'git config alias.up "!f() { echo \$1 | tr a-z A-Z; }; f"; git up abc; git config filter.r.clean rev; git config filter.r.smudge rev; echo "*.r filter=r" >.gitattributes; echo abc >a.r; git add a.r .gitattributes; git commit -qm r; git cat-file -p HEAD:a.r; rm a.r; git checkout a.r; cat a.r'
	said "bisect run" 'git bisect start -q HEAD HEAD~30; git bisect run sh -c "! grep -q \"change 35\" file.35" 2>&1 | tail -n 20; git bisect reset -q'
	said "gc" 'git -c pack.threads=2 gc -q --aggressive --prune=now && git count-objects -v && git fsck --full && for p in .git/objects/pack/*.pack; do git verify-pack "$p"; echo $?; done'
	said "archive" 'git archive --format=tar HEAD | md5sum; git archive --format=tgz HEAD | gzip -d | md5sum'
	cd ..
	said "clone" 'git clone -q --no-local repo clone && git -C clone log --all --format="%H %s" | md5sum && git -C clone fsck'
	said "bare clone, push" 'git clone -q --bare file://$PWD/repo bare.git && cd clone && git remote add bare ../bare.git && echo n >n && git add n && git commit -qm n && git push -q bare HEAD:new && git -C ../bare.git log -1 --format="%H %s" new'
	said "refused push" 'cd clone && git push bare HEAD~1:new; echo $?'
	said "fetch" 'cd clone && git -C ../repo commit -q --allow-empty -m later && git fetch -q file://$PWD/../repo main && git log -1 --format="%H %s" FETCH_HEAD && git pull -q --rebase ../repo main && git log -2 --format="%H %s"'
	said "shallow, partial" 'git clone -q --depth 3 file://$PWD/repo shallow && git -C shallow log --format=%H && git -C shallow fetch -q --unshallow && git -C shallow rev-list --count HEAD'
	said "submodule" 'git init -q super && cd super && git -c protocol.file.allow=always submodule -q add ../bare.git sub && git commit -qm sub && git submodule status && git submodule foreach "git rev-parse HEAD"'
	said "worktree" 'cd repo && git worktree add -q ../wt topic && git -C ../wt status -sb && git worktree list | sed "s|/.*/||" && git worktree remove ../wt'
	said "bundle" 'cd repo && git bundle create -q ../b main && cd .. && git clone -q -b main b frombundle && git -C frombundle rev-parse HEAD'
	said "fast-export" 'cd repo && git fast-export --all | tee ../export | md5sum; git init -q ../imported; git -C ../imported fast-import --quiet <../export; git -C ../imported rev-parse main'
	said "filter-branch" 'cd imported && FILTER_BRANCH_SQUELCH_WARNING=1 git filter-branch -f --msg-filter "sed s/change/altered/" main~4..main >/dev/null 2>&1; git log -5 --format="%H %s" main'
	said "daemon" 'set -m; git daemon --reuseaddr --export-all --base-path="$PWD" --listen=127.0.0.1 --port=19418 & until (exec 3<>/dev/tcp/127.0.0.1/19418) 2>/dev/null; do :; done; git ls-remote git://127.0.0.1:19418/bare.git; kill %1; wait %1; echo $?'
	said "errors" 'git frobnicate; echo $?; git -C /nowhere status; echo $?; cd repo; git checkout nothing; echo $?'
}

compat_quick() { compat_cases; }
