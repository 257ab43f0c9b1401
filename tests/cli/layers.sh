#!/bin/bash
# SPDX-License-Identifier: ISC
# What the project promises about its own sources and objects (make layers, without building anything).
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

ok "who uses whom" "$SRC/.ci/check-layers" "$SRC"/build/preload/core/*.o
ok "the sampler imports no symbol" "$SRC/.ci/check-guest" sampler "$SRC/build/preload/sampler.o"
ok "the library exports its map's names only and needs libc only" \
	"$SRC/.ci/check-guest" library "$LIB/libmstat.so" "$SRC/preload/libmstat.map"
ok "nor does the one with hooks, but where libc has them the unwinder's two" \
	"$SRC/.ci/check-guest" sampler "$SRC/build/preload/sampler-heap.o" _dl_find_object dl_iterate_phdr
ok "and its library exports its map's names only" \
	"$SRC/.ci/check-guest" library "$LIB/libmstat-heap.so" "$SRC/preload/heap/libmstat-heap.map"
if ! command -v clang-format >/dev/null; then
	skip "the sources are formatted" "no clang-format"
elif [[ $(clang-format --version) != *"version 14."* ]]; then
	skip "the sources are formatted" "clang-format is not version 14, and each formats differently"
else
	ok "the sources are formatted" make -s -C "$SRC" format-check
fi
ok "make help lists the targets" make -s -C "$SRC" help
for target in all demo check check-viewers bench fuzz install uninstall layers format dist clean; do
	like "make help tells of $target" "$out" $'(^|\n)'" *$target "
done
# Else the loader makes a mapping of its own for the rest, at every exec: preload/sampler.c.
is "the library's data end within the file's last page" "$(LC_ALL=C readelf -lW "$LIB/libmstat.so" | while read -r type _ start _ file memory flags _; do
	[ "$type $flags" != 'LOAD RW' ] || echo $(((start + memory + 4095) / 4096 - (start + file + 4095) / 4096))
done)" 0
