#!/bin/bash
# SPDX-License-Identifier: ISC
# Which sampler is injected, what becomes of the user's own preloads, and what is said where none can be.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"

library=$LIB/libmstat.so
own=$TARGETS/liblaunch_own.so
said='echo "$LD_PRELOAD"'
# inside: how many processes the last record has that were sampled from inside
inside() { mstat-decode -what summary "${1:-run.mstat}" | awk -F '\t' '$1 == "processes_inside" { print $2 }'; }
sampled() { is "$1: sampled" "$(inside)" 1; }
unsampled() { is "$1: not sampled" "$(inside)" 0; }
m() { mstat -q -freq 100 -o run.mstat "$@"; }
nap="$said; exec sleep 0.25"

exits "by default" 0 m -- sh -c "$nap"
is "by default" "$out$err" "$library"
sampled "by default"
exits "-preload none" 0 m -preload none -- sh -c "$nap"
is "-preload none" "$out$err" ''
unsampled "-preload none"
exits "-preload PATH" 0 m -preload "$library" -- sh -c "$nap"
is "-preload PATH" "$out$err" "$library"
sampled "-preload PATH"

exits "-env, its bare name" 0 m -env LD_PRELOAD=libmstat.so -- sh -c "$nap"
is "-env, its bare name" "$out$err" "$library"
sampled "-env, its bare name"
exits "-env, its bare name, and none" 0 m -env LD_PRELOAD=libmstat.so -preload none -- sh -c "$nap"
is "-env, its bare name, and none" "$out$err" ''
# The loader of mstat itself does not find the bare name, and says so.
run env LD_PRELOAD=libmstat.so mstat -q -freq 100 -o run.mstat -- sh -c "$nap"
is "the caller's bare name" "$out" "$library"
is "the caller's bare name: the program's loader does not complain" "$(grep -c ld.so <<<"$err")" 1
sampled "the caller's bare name"
cp "$library" libmstat.so
exits "-env, a path of it" 0 m -env LD_PRELOAD="$TMP/libmstat.so" -- sh -c "$nap"
is "-env, a path of it" "$out$err" "$TMP/libmstat.so"
sampled "-env, a path of it"

exits "a preload of the user's own" 0 m -env LD_PRELOAD="$own" -- sh -c "$nap; exit 3"
is "a preload of the user's own: ours comes after it" "$out" "$own:$library"
sampled "a preload of the user's own"
exits "a preload of the user's own: it works" 42 m -env LD_PRELOAD="$own" -- "$TARGETS/launch_own"
exits "the caller's own" 42 env LD_PRELOAD="$own" "$BIN/mstat" -q -o run.mstat -- "$TARGETS/launch_own"
exits "the caller's own, and none" 42 env LD_PRELOAD="$own" "$BIN/mstat" -q -preload none -o run.mstat -- \
	"$TARGETS/launch_own"
exits "among others, with blanks" 0 m -env LD_PRELOAD="$own libmstat.so" -- sh -c "$nap"
is "among others, with blanks" "$out$err" "$own:$library"
exits "an empty LD_PRELOAD" 0 m -env LD_PRELOAD= -- sh -c "$nap"
is "an empty LD_PRELOAD" "$out$err" "$library"
sampled "an empty LD_PRELOAD"
exits "an empty LD_PRELOAD, and none" 0 m -env LD_PRELOAD= -preload none -- sh -c 'echo "${LD_PRELOAD-unset}"'
is "an empty LD_PRELOAD, and none" "$out$err" ''
long=/$(printf '%4095s' '' | tr ' ' x)
run m -env LD_PRELOAD="$long" -- sh -c "$nap"
is "an LD_PRELOAD of 4 KiB is kept" "$out" "$long:$library"
sampled "an LD_PRELOAD of 4 KiB"

# not_sampled DESC WHY ARGUMENT...: the program runs, is not sampled, and one line says why
not_sampled() {
	local desc=$1 why=$2
	shift 2
	exits "$desc" 6 mstat -freq 100 -o run.mstat "$@"
	is "$desc: one line" "$(grep 'not sampled' <<<"$err")" "mstat: ${!#}: not sampled from inside: $why"
	is "$desc: nothing else before the summary" "$(sed '/^mstat: .* exit status/,$d' <<<"$err" | wc -l)" 1
	unsampled "$desc"
	exits "$desc: -q" 6 m "$@"
	is "$desc: -q says nothing" "$err" ''
}
printf '#!/bin/sh\nexit 6\n' >six && chmod +x six
# header CLASS MACHINE: of an ELF file; one byte, two bytes
header() { printf "\\x7fELF\\x$1\\x01\\x01\\0\\0\\0\\0\\0\\0\\0\\0\\0\\x03\\0\\x$2\\0\\x01\\0\\0\\0%0100d" 0; }
header 02 f3 >riscv.so
header 01 03 >i386.so
echo text >text.so
not_sampled "a sampler that is missing" "./gone.so: No such file or directory" -preload ./gone.so -- ./six
not_sampled "a bare name that is not ours" "gone.so: No such file or directory" -preload gone.so -- ./six
not_sampled "a sampler of another architecture" "$TMP/riscv.so: built for another architecture" \
	-preload ./riscv.so -- ./six
not_sampled "a sampler of 32 bits" "$TMP/i386.so: built for another architecture" -preload ./i386.so -- ./six
not_sampled "a sampler that is none" "$TMP/text.so: not a shared library" -preload ./text.so -- ./six
not_sampled "a sampler that is a folder" "$TMP: not a shared library" -preload "$TMP" -- ./six
not_sampled "a static program" "it is statically linked" -- "$TARGETS/static_launch_six"
mkfifo fifo.so
not_sampled "a sampler that is a fifo" "$TMP/fifo.so: not a shared library" -preload ./fifo.so -- ./six
mkdir 'with blank' && cp "$library" 'with blank'
not_sampled "a sampler whose path has a blank" \
	"$TMP/with blank/libmstat.so: LD_PRELOAD cannot name a path with a blank or a colon" \
	-preload 'with blank/libmstat.so' -- ./six

# A program of another architecture cannot run here: its loader would complain of our library.
header 01 03 >i386 && chmod +x i386
run mstat -o run.mstat -- ./i386
like "a program of 32 bits" "$err" '^mstat: ./i386: not sampled from inside: it is built for another architecture'$'\n'

# An installed mstat, and one that stands alone.
mkdir -p 'in st/bin' 'in st/lib' usr/bin usr/lib alone loader
cp "$BIN/mstat" 'in st/bin' && cp "$library" 'in st/lib'
cp "$BIN/mstat" usr/bin && cp "$library" usr/lib
cp "$BIN/mstat" alone && cp "$library" loader
exits "installed" 0 usr/bin/mstat -q -freq 100 -o run.mstat -- sh -c "$nap"
is "installed: its own library" "$out$err" "$TMP/usr/lib/libmstat.so"
sampled "installed"
ln -s usr/bin/mstat mstat.link
exits "through a link" 0 ./mstat.link -q -freq 100 -o run.mstat -- sh -c "$nap"
is "through a link: its own library" "$out$err" "$TMP/usr/lib/libmstat.so"
if [ -e /usr/local/lib/libmstat.so ]; then
	skip "alone, where the loader finds the library" "it is installed on this machine"
else
	exits "alone, where the loader finds the library" 0 env LD_LIBRARY_PATH="$TMP/loader" alone/mstat -q \
		-freq 100 -o run.mstat -- sh -c "$nap"
	is "alone, where the loader finds the library" "$out$err" "$TMP/loader/libmstat.so"
	exits "alone, with a path in LD_PRELOAD" 0 alone/mstat -q -freq 100 -o run.mstat -env LD_PRELOAD="$library" -- \
		sh -c "$nap"
	sampled "alone, with a path in LD_PRELOAD"
	exits "alone" 6 alone/mstat -o run.mstat -- ./six
	like "alone: one line" "$err" '^mstat: ./six: not sampled from inside: libmstat.so: not found beside mstat, in '
	exits "in a folder with a blank" 6 'in st/bin/mstat' -o run.mstat -- ./six
	like "in a folder with a blank: one line" "$err" "^mstat: ./six: not sampled from inside: $TMP/in st/lib/libmstat.so: LD_PRELOAD cannot"
fi

# A run in a run: each has its own samples, and with none the inner one leaves the outer one's alone.
exits "a run in a run" 0 mstat -q -freq 100 -o outer.mstat -- mstat -q -freq 50 -o run.mstat -- sleep 0.25
sampled "a run in a run"
is "a run in a run: the outer one has sampled the inner mstat" "$(inside outer.mstat)" 1
exits "a run in a run, with none" 0 mstat -q -freq 100 -o outer.mstat -- \
	mstat -q -preload none -o run.mstat -- sleep 0.25
unsampled "a run in a run, with none"
is "a run in a run, with none: the outer one has sampled both" "$(inside outer.mstat)" 2
