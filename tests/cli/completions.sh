#!/bin/bash
# SPDX-License-Identifier: ISC
# Completions of shells: made of the option tables, and what they give.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

made=$BUILD/completions
[ -d "$made/bash" ] || skip_all "they are not built (make completions)"
programs=$(cd "$made/bash" && echo *)
mkdir folder
: >a.mstat
: >b.mstat
: >other.txt

# ---- bash: as Tab calls it -------------------------------------------------------------------------

# gives WORD...: what it gives for the last of them, on one line; as bash splits them, "=" is a word
gives() {
	bash --norc -c '. "$0/$1"; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		"_${1//-/_}"; printf "%s\n" "${COMPREPLY[@]}"' "$made/bash" "$@" | sort | paste -sd ' '
}
for program in $programs; do
	if [ "$program" = mstat-report ] && ! command -v mstat-report >/dev/null; then continue; fi
	# Each by itself: the program knows it.
	for flag in $(gives "$program" -); do
		run timeout 20 "$program" "$flag"
		unlike "$program $flag is a flag" "$err" 'unknown (flag|option|argument)'
	done
	is "$program: -version and -h are among them" "$(gives "$program" -vers) $(gives "$program" --hel)" "-version --help"
	ok "$program: bash reads them" bash -n "$made/bash/$program"
	like "$program: they are registered" "$(bash --norc -c '. "$0"; complete -p "$1"' "$made/bash/$program" "$program")" " -F _[a-z_]+ $program\$"
done
ok "all programs have them" test "$(wc -w <<<"$programs")" -ge 7
is "a beginning" "$(gives mstat -heap)" "-heap -heap-interval"
is "with two dashes" "$(gives mstat --pss)" "--pss-budget --pss-stall"
is "no such flag" "$(gives mstat -nothing)" ""
is "the words of a flag" "$(gives mstat-decode -what p)" "peak phases processes"
is "of another" "$(gives mstat-decode -what samples -format '')" "csv folded jsonl openmetrics perfetto pprof sqlite text tsv"
is "after =" "$(gives mstat-decode -format = '')" "csv folded jsonl openmetrics perfetto pprof sqlite text tsv"
is "which is the word itself" "$(gives mstat-decode -format =)" "csv folded jsonl openmetrics perfetto pprof sqlite text tsv"
is "and some letters" "$(gives mstat-decode --format = js)" "jsonl"
is "behind it come flags" "$(gives mstat-decode -format = csv -fr)" "-from"
is "and behind a value" "$(gives mstat-decode -format csv -fr)" "-from"
is "a value of any text" "$(gives mstat-decode -step '')" ""
is "run files, and folders" "$(gives mstat-decode -what peak '')" "a.mstat b.mstat folder"
is "any file to write" "$(gives mstat-decode -o oth)" "other.txt"
is "folders" "$(gives mstatd -dir '')" "folder"
like "processes" " $(gives mstat-get -r '') " " $$ "
is "of a flag, too" "$(gives mstat-get -taskstats $$)" "$$"
like "a program to run" " $(gives mstat -freq 5 tes) " " test "
like "after --" " $(gives mstat -v -- tes) " " test "
is "its words are its own" "$(gives mstat -v cat -v a)" "a.mstat"
is "flags among them, too" "$(gives mstat cat -fre)" ""
cat >wrapper <<'END'
_command_offset() { COMPREPLY=("from $1"); }
END
is "where there is bash-completion it is asked for them" "$(bash --norc -c '. ./wrapper; . "$0/mstat"
	COMP_WORDS=(mstat -o x -- cat "") COMP_CWORD=5; _mstat; echo "${COMPREPLY[*]}"' "$made/bash")" "from 4"

# ---- zsh and fish ----------------------------------------------------------------------------------

if command -v zsh >/dev/null; then
	for program in $programs; do ok "$program: zsh reads them" zsh -n "$made/zsh/_$program"; done
	# As a terminal: what Tab shows.
	cat >zshrc <<'END'
fpath=($made/zsh $fpath)
autoload -Uz compinit && compinit -u -d $PWD/dump
bindkey '^I' complete-word
zstyle ':completion:*' list-grouped false
zstyle ':completion:*:descriptions' format '%d:'
PS1='READY> '
END
	mkdir home
	cp zshrc home/.zshrc
	if [ -x "$TARGETS/launch_pty" ]; then
		run env made="$made" HOME="$PWD/home" ZDOTDIR="$PWD/home" TERM=dumb "$TARGETS/launch_pty" -cols 200 \
			"expect=READY" $'send=mstat-decode -what ph\t' "expect=phases" $'send=-form\t' "expect=-format=" $'send=\025exit\n' -- zsh -i
		like "zsh completes words and flags" "$out" '-what phases.*-format=.*status 0$'
	fi
else
	skip "zsh reads them" "zsh is not installed"
fi
if command -v fish >/dev/null; then
	export HOME=$PWD
	fish_gives() { fish --no-config -c "source \$argv[1]; complete -C \$argv[2]" "$made/fish/${1%% *}.fish" "$1" | cut -f 1 | sort | paste -sd ' '; }
	for program in $programs; do ok "$program: fish reads them" fish -n "$made/fish/$program.fish"; done
	is "fish has the words of a flag" "$(fish_gives "mstat-decode -what p")" "peak phases processes"
	is "after =, too" "$(fish_gives "mstat-decode -format=j")" "-format=jsonl"
	is "flags" "$(fish_gives "mstat -pss")" "-pss-budget -pss-stall"
	like "run files" " $(fish_gives "mstat-decode ") " " a\.mstat b\.mstat "
	is "any file to write" "$(fish_gives "mstat-decode -o oth")" "other.txt"
	like "a program to run" " $(fish_gives "mstat -freq 5 tes") " " test "
	like "processes" " $(fish_gives "mstat-get ") " " $$ "
else
	skip "fish reads them" "fish is not installed"
fi

# ---- installing --------------------------------------------------------------------------------

if [ -w "$SRC/build" ] && [ "$BUILD" = "$SRC/build" ]; then
	make -C "$SRC" -n install DESTDIR=/stage PREFIX=/usr >plan 2>/dev/null
	for place in share/bash-completion/completions share/zsh/site-functions share/fish/vendor_completions.d; do
		ok "installed in $place" grep -q "install -m 644 .*completions/.* /stage/usr/$place\$" plan
	done
fi
