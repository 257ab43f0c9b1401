#!/bin/bash
# SPDX-License-Identifier: ISC
# However a program ends: its last words, their order and its exit status are what they would be, also
# for who waits for it. And libraries that come and go while it runs.
# shellcheck source=tests/lib.sh disable=SC2154,SC2016
. "$(dirname "$0")/../lib.sh"

ulimit -c 0
hows="return exit _exit quick_exit exit_group thread last-thread handler handler-_exit no-exec
	abort handler-abort fault kill term hup quit trap xcpu pipe rt"
# FOLDER PROGRAM LIBRARY: all of them at once
cat >ends <<END
for how in $(tr -d '\n' <<<"$hows"); do
	{ "\$2" \$how "\$3"; echo "status \$?"; } >"\$1/\$how" 2>"\$1/stderr" &
done
wait
END
mkdir without with
ok "all ends, without mstat" timeout 60 "$BASH" ends without "$TARGETS/guest_ends" "$TARGETS/libguest_plugin.so"
ok "and with it" timeout 20 mstat -q -freq 100 -o run.mstat -- "$BASH" ends with "$TARGETS/guest_ends" \
	"$TARGETS/libguest_plugin.so"
for how in $hows; do
	is "$how: the same words in the same order, and the same end" "$(<"with/$how")" "$(<"without/$how")"
	like "$how: which is one" "$(<"with/$how")" 'loaded.*status [0-9]+$'
done

ok "a library that is loaded and unloaded" timeout 20 mstat -q -freq 100 -o run.mstat -- \
	"$TARGETS/guest_load" plugin "$TARGETS/libguest_plugin.so"
is "works, and goes each time" "$out" "$(for _ in 1 2 3; do printf 'loaded\nworked 3\nworked 3\nunloaded\n'; done)"
ok "our own library, loaded and unloaded" timeout 20 mstat -q -freq 100 -o run.mstat -- \
	"$TARGETS/guest_load" again "$LIB/libmstat.so"
is "stays as it is" "$out" "threads 2, sampler unchanged"
